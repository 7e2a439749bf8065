//! Metrics over time, with the stages of the rollout and the firings of rules.

use super::{arm_name, arm_tone, seconds, time_axis};
use crate::analysis::{Analysis, TrendPoint, TrendSeries, Trends};
use crate::report::chart::{Axis, Chart, Layer, Scale};
use crate::rules::Replay;
use crate::stats::Interval;
use crate::units::{self, ValueForm};

/// The metrics that have a trend, in the order of the first arm that has them.
pub fn metric_ids(analysis: &Analysis) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    for series in analysis
        .trends
        .iter()
        .flat_map(|t| &t.arms)
        .flat_map(|arm| &arm.series)
    {
        if !ids.contains(&series.id) {
            ids.push(series.id.clone());
        }
    }
    ids
}

/// One metric over time, a line and its band per arm; `None` where no arm has such a series.
pub fn trend(analysis: &Analysis, metric_id: &str, replay: Option<&Replay>) -> Option<Chart> {
    let trends = analysis.trends.as_ref()?;
    let drawn = super::drawn_arms(analysis);
    let series: Vec<(usize, &TrendSeries)> = trends
        .arms
        .iter()
        .filter(|arm| drawn.contains(&arm.arm))
        .filter_map(|arm| Some((arm.arm, arm.series.iter().find(|s| s.id == metric_id)?)))
        .collect();
    let (_, first) = series.first()?;
    let (mut layers, background_note) = background(analysis, replay);
    let overlapping = super::overlapping_arms(analysis);
    for (arm, series) in &series {
        let name = arm_name(analysis, *arm).to_owned();
        let tone = arm_tone(analysis, *arm);
        let x = middles(trends);
        let band: Vec<_> = x
            .iter()
            .zip(&series.points)
            .map(|(&x, point)| match point.and_then(|p| p.interval) {
                Some(interval) => (x, interval.lower, interval.upper),
                None => (x, f64::NAN, f64::NAN),
            })
            .collect();
        let has_band = band.iter().any(|(_, lower, _)| lower.is_finite());
        if has_band && overlapping.contains(arm) {
            layers.push(Layer::Band {
                name: name.clone(),
                tone,
                points: band,
            });
        }
        let points = x
            .iter()
            .zip(&series.points)
            .map(|(&x, point)| (x, point.map_or(f64::NAN, |p| p.value)));
        layers.push(Layer::Line {
            name,
            tone,
            points: points.collect(),
        });
    }
    let denominator = analysis
        .scorecard
        .iter()
        .find(|row| row.id == metric_id)
        .map_or(String::new(), |row| {
            format!(" Denominator: {}.", row.denominator)
        });
    let points = || {
        series
            .iter()
            .flat_map(|(_, series)| series.points.iter().flatten())
    };
    let (lo, hi) = y_range(points());
    let (lo, hi) = match first.form {
        ValueForm::Share => (lo.max(0.0), hi.min(1.0)),
        ValueForm::LatencyMs | ValueForm::Number | ValueForm::PerThousand => (lo, hi),
    };
    let is_cut = |interval: Interval| interval.lower < lo || interval.upper > hi;
    let cut = if points().filter_map(|point| point.interval).any(is_cut) {
        " Wide bands are cut off at the edge of the plot."
    } else {
        ""
    };
    let bound = match first.form {
        ValueForm::LatencyMs => super::bound_note(analysis),
        ValueForm::Share | ValueForm::Number | ValueForm::PerThousand => String::new(),
    };
    Some(Chart {
        id: format!("trend-{metric_id}"),
        title: format!("{} over time", first.label),
        caption: format!(
            "Buckets of {}; bands are pointwise {} % intervals.{cut}{denominator}{bound}{}{}{background_note}",
            units::duration_us(trends.width_us),
            units::significant(analysis.settings.level * 100.0, 2),
            super::overlap_note(analysis, " Only the arms that are compared have bands."),
            super::drawn_note(analysis),
        ),
        x: trend_axis(analysis, trends),
        y: Axis::new(first.label.clone(), Scale::Linear(first.form)).from_to(lo, hi),
        layers,
    })
}

/// Requests per bucket and arm; `None` where the log has no times.
pub fn traffic(analysis: &Analysis, replay: Option<&Replay>) -> Option<Chart> {
    let trends = analysis.trends.as_ref()?;
    let (mut layers, background_note) = background(analysis, replay);
    let drawn = super::drawn_arms(analysis);
    for arm in trends.arms.iter().filter(|arm| drawn.contains(&arm.arm)) {
        let x = middles(trends);
        layers.push(Layer::Line {
            name: arm_name(analysis, arm.arm).to_owned(),
            tone: arm_tone(analysis, arm.arm),
            points: x
                .into_iter()
                .zip(arm.n_requests.iter().map(|&n| n as f64))
                .collect(),
        });
    }
    Some(
        Chart {
            id: "traffic".to_owned(),
            title: "Requests over time".to_owned(),
            caption: format!(
                "Requests per {} and arm.{}{background_note}",
                units::duration_us(trends.width_us),
                super::drawn_note(analysis),
            ),
            x: trend_axis(analysis, trends),
            y: Axis::new("Requests per bucket", Scale::Linear(ValueForm::Number)),
            layers,
        }
        .with_y_from_zero(),
    )
}

fn trend_axis(analysis: &Analysis, trends: &Trends) -> Axis {
    let from = trends.starts_us.first().copied().unwrap_or(0);
    let to = trends
        .starts_us
        .last()
        .map_or(1, |start| start + trends.width_us);
    time_axis(analysis.log.clock, from, to)
}

fn middles(trends: &Trends) -> Vec<f64> {
    trends
        .starts_us
        .iter()
        .map(|start| seconds(start + trends.width_us / 2))
        .collect()
}

/// What captions say of stages, events and firings; may be empty.
pub fn background_note(analysis: &Analysis, replay: Option<&Replay>) -> String {
    background(analysis, replay).1
}

/// Stages as shaded stretches, events and first firings as lines, with what the caption says of them.
fn background(analysis: &Analysis, replay: Option<&Replay>) -> (Vec<Layer>, String) {
    let (firings, firing_note) = super::rollback::firing_rules(replay);
    let (events, event_note) = super::event_rules(analysis);
    let spans = super::stage_spans(analysis);
    (
        spans.chain(events).chain(firings).collect(),
        format!("{}{event_note}{firing_note}", super::stage_note(analysis)),
    )
}

/// Holds every value, and as much of the bands as leaves the lines readable; from zero where that
/// costs little.
fn y_range<'a>(points: impl Iterator<Item = &'a TrendPoint>) -> (f64, f64) {
    let mut lo = f64::INFINITY;
    let mut hi = f64::NEG_INFINITY;
    let (mut band_lo, mut band_hi) = (lo, hi);
    for point in points.filter(|point| point.value.is_finite()) {
        lo = lo.min(point.value);
        hi = hi.max(point.value);
        if let Some(interval) = point.interval {
            band_lo = band_lo.min(interval.lower);
            band_hi = band_hi.max(interval.upper);
        }
    }
    if lo > hi {
        return (0.0, 1.0);
    }
    // What rounding leaves of a constant is no range.
    let is_constant = hi - lo <= 1e-9 * hi.abs().max(lo.abs());
    let span = if is_constant {
        hi.abs().max(1e-3)
    } else {
        hi - lo
    };
    let mut bottom = band_lo.clamp(lo - 0.5 * span, lo);
    let mut top = band_hi.clamp(hi, hi + 0.5 * span);
    if is_constant && top - bottom < 0.1 * span {
        (bottom, top) = (bottom - 0.1 * span, top + 0.1 * span);
    }
    if lo >= 0.0 && bottom < 0.4 * top {
        bottom = 0.0;
    }
    let room = 0.04 * (top - bottom).max(1e-9);
    (if bottom == 0.0 { 0.0 } else { bottom - room }, top + room)
}
