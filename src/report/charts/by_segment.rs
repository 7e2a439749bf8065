//! Every arm along a segment column of numbers, such as the load at which a server was tried.

use super::{arm_name, arm_tone};
use crate::analysis::{Analysis, SegmentArms};
use crate::report::chart::{Axis, Chart, Layer, Mark, Scale};
use crate::stats::Estimate;
use crate::units::{self, ValueForm};

/// Fewer numbers than this are no curve.
const FEWEST_VALUES: usize = 3;
/// Durations that differ by more than this factor are drawn by their logarithms.
const WIDE: f64 = 8.0;

/// One metric of every arm along a column's values; `None` where they are no numbers, or too few.
pub fn arms_by_segment(analysis: &Analysis, found: &SegmentArms) -> Option<Chart> {
    let numbers = found.numbers().filter(|x| x.len() >= FEWEST_VALUES)?;
    let shown = super::drawn_arms(analysis);
    let scale = scale(found, &shown);
    let at = |value: f64| match scale {
        Scale::LogMs => value.max(f64::MIN_POSITIVE).log10(),
        _ => value,
    };
    let mut layers = Vec::new();
    for &arm in &shown {
        let name = arm_name(analysis, arm).to_owned();
        let tone = arm_tone(analysis, arm);
        let estimates: Vec<(f64, Option<Estimate>)> = numbers
            .iter()
            .zip(&found.values)
            .map(|(x, value)| {
                let of_arm = value.arms.iter().find(|of| of.arm == arm);
                (*x, of_arm.and_then(|of| of.estimate))
            })
            .collect();
        if arm == analysis.control || Some(arm) == analysis.treatment {
            let ends = |(x, estimate): &(f64, Option<Estimate>)| match estimate {
                Some(e) if e.interval.upper.is_finite() => {
                    (*x, at(e.interval.lower), at(e.interval.upper))
                }
                _ => (*x, f64::NAN, f64::NAN),
            };
            layers.push(Layer::Band {
                name: name.clone(),
                tone,
                points: estimates.iter().map(ends).collect(),
            });
        }
        let points: Vec<(f64, f64)> = estimates
            .iter()
            .map(|(x, estimate)| (*x, estimate.map_or(f64::NAN, |e| at(e.value))))
            .collect();
        let seen = points.iter().filter(|(_, y)| y.is_finite());
        layers.push(Layer::Marks {
            name: name.clone(),
            tone,
            mark: Mark::Dot,
            points: seen.copied().collect(),
        });
        layers.push(Layer::Line { name, tone, points });
    }
    Some(Chart {
        id: format!("arms-{}-{}", found.metric, found.segment),
        title: format!("{} by {}, every arm", found.label, found.segment),
        caption: format!(
            "As measured, each arm with its own requests. Bands: {} % intervals of the arms that are compared.{}",
            units::significant(analysis.settings.level * 100.0, 2),
            super::drawn_note(analysis),
        ),
        x: Axis::new(found.segment.clone(), Scale::Linear(ValueForm::Number)),
        y: Axis::new(found.label.clone(), scale),
        layers,
    })
}

/// Durations from milliseconds to minutes are told apart by their logarithms only.
fn scale(found: &SegmentArms, shown: &[usize]) -> Scale {
    let arms = found.values.iter().flat_map(|value| &value.arms);
    let values = arms
        .filter(|of| shown.contains(&of.arm))
        .filter_map(|of| Some(of.estimate?.value));
    let (low, high) = values.fold((f64::INFINITY, 0.0_f64), |(low, high), value| {
        (low.min(value), high.max(value))
    });
    if found.form == ValueForm::LatencyMs && low > 0.0 && high > WIDE * low {
        Scale::LogMs
    } else {
        Scale::Linear(found.form)
    }
}
