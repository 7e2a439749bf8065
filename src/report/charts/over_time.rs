//! The effect on a metric with everything known at each look, as a confidence sequence.

use super::{arm_name, arm_tone, seconds, time_axis};
use crate::analysis::Analysis;
use crate::report::chart::{Along, Axis, Chart, Layer, Scale, Tone};
use crate::units;

/// `None` where the metric has no series, as for metrics that do not decide.
pub fn effect_over_time(analysis: &Analysis, metric_id: &str) -> Option<Chart> {
    let series = analysis.over_time.iter().find(|s| s.metric == metric_id)?;
    let (first, last) = (series.points.first()?, series.points.last()?);
    let name = arm_name(analysis, series.arm).to_owned();
    let tone = arm_tone(analysis, series.arm);
    let band = series.points.iter().map(|p| {
        let interval = p.difference.interval;
        (seconds(p.time_us), interval.lower, interval.upper)
    });
    let line = series
        .points
        .iter()
        .map(|p| (seconds(p.time_us), p.difference.value));
    let mut layers = vec![
        Layer::Rule {
            label: String::new(),
            tone: Tone::Quiet,
            axis: Along::Y,
            at: 0.0,
        },
        Layer::Band {
            name: name.clone(),
            tone,
            points: band.collect(),
        },
        Layer::Line {
            name,
            tone,
            points: line.collect(),
        },
    ];
    let harm = series.first_harm_us.map_or_else(String::new, |us| {
        layers.push(Layer::Rule {
            label: "clearly worse".to_owned(),
            tone: Tone::Bad,
            axis: Along::X,
            at: seconds(us),
        });
        format!(
            " From {} on a look would have shown it worse.",
            units::instant(us, analysis.log.clock)
        )
    });
    // Early intervals are wide beyond use: the plot shows what the later half needs.
    let later = &series.points[series.points.len() / 2..];
    let reach = later
        .iter()
        .flat_map(|p| [p.difference.interval.lower, p.difference.interval.upper])
        .map(f64::abs)
        .fold(0.0, f64::max)
        * 1.3;
    Some(Chart {
        id: format!("over-time-{metric_id}"),
        title: format!("{}: effect over time", series.label),
        caption: format!(
            "Difference from {} with everything up to each moment, {}. The {} % band holds at all \
             looks together (confidence sequence), so it may be read at any time.{harm}",
            arm_name(analysis, analysis.control),
            series.unit.label(),
            units::significant(analysis.settings.level * 100.0, 2),
        ),
        x: time_axis(
            analysis.log.clock,
            first.time_us,
            last.time_us.max(first.time_us + 1),
        ),
        y: Axis::new("Difference", Scale::Change(series.form)).from_to(-reach, reach),
        layers,
    })
}
