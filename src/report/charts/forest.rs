//! Effects with their intervals and margins, one row each.

use super::{VERDICTS, arm_name, verdict_tone};
use crate::analysis::{Analysis, Direction, Effect, ScorecardRow, SegmentEffect, Verdict};
use crate::report::chart::{Along, Axis, Chart, Layer, Mark, Scale, Tone};
use crate::units;

/// Behind metrics of which more is better.
const HIGHER_IS_BETTER: &str = " (higher is better)";
/// The most segment rows that a chart shows.
const MAX_ROWS: usize = 18;

/// Relative changes of the treatment's guardrails on one axis, with their margins; `None` without
/// a treatment or where no guardrail has a relative change.
pub fn guardrail_forest(analysis: &Analysis) -> Option<Chart> {
    let treatment = analysis.treatment?;
    let mut rows = Vec::new();
    let mut left_out = Vec::new();
    for row in analysis.scorecard.iter().filter(|row| row.role.decides()) {
        let Some(effect) = row.effect_of(treatment) else {
            continue;
        };
        match &effect.relative {
            Some(relative) => rows.push(Row {
                label: labelled(&row.label, row.direction),
                at: (
                    relative.interval.lower,
                    relative.value,
                    relative.interval.upper,
                ),
                margin: relative_margin(analysis, row, effect),
                verdict: effect.verdict,
            }),
            None => left_out.push(row.label.as_str()),
        }
    }
    if rows.is_empty() {
        return None;
    }
    let missing = if left_out.is_empty() {
        String::new()
    } else {
        format!(
            " No relative change, because the control’s value is not clearly away from zero: {}.",
            left_out.join(", ")
        )
    };
    let lower = if rows.iter().all(|row| row.label.ends_with(HIGHER_IS_BETTER)) {
        ""
    } else {
        " Lower is better unless stated."
    };
    Some(Chart {
        id: "guardrail-forest".to_owned(),
        title: "Guardrails: relative change".to_owned(),
        caption: format!(
            "{} against {}, {} % intervals. Vertical strokes: the margin that a change for the worse \
             must not cross.{lower}{missing}",
            arm_name(analysis, treatment),
            arm_name(analysis, analysis.control),
            units::significant(analysis.settings.level * 100.0, 2),
        ),
        x: axis("Relative change", Scale::Relative, &rows),
        y: rows_axis(&rows),
        layers: layers(analysis, &rows),
    })
}

/// The treatment's effect on one metric by segment value, the most harmful first; `None` where no
/// segment has such an effect.
pub fn segment_forest(analysis: &Analysis, metric_id: &str) -> Option<Chart> {
    let of_metric = || analysis.segments.iter().filter(|s| s.metric == metric_id);
    let first = of_metric().next()?;
    let direction = analysis
        .scorecard
        .iter()
        .find(|row| row.id == metric_id)
        .map_or(Direction::LowerIsBetter, |row| row.direction);
    let by = of_metric()
        .all(|s| s.segment == first.segment)
        .then_some(first.segment.as_str());
    let rows: Vec<Row> = of_metric()
        .filter_map(|s| segment_row(s, direction, by))
        .take(MAX_ROWS)
        .collect();
    if rows.is_empty() {
        return None;
    }
    let total = of_metric().count();
    let shown = if total > rows.len() {
        format!(" {} of {total} segment values are shown.", rows.len())
    } else {
        String::new()
    };
    Some(Chart {
        id: format!("segments-{metric_id}"),
        title: format!("{} by {}", first.label, by.unwrap_or("segment")),
        caption: format!(
            "Difference from {}, {} % intervals without correction for the number of segments, \
             readings with it; the most harmful first.{shown}",
            arm_name(analysis, analysis.control),
            units::significant(analysis.settings.level * 100.0, 2),
        ),
        x: axis(
            match direction {
                Direction::LowerIsBetter => "Difference (higher is worse)",
                Direction::HigherIsBetter => "Difference (lower is worse)",
                Direction::Neutral => "Difference",
            },
            Scale::Change(first.form),
            &rows,
        ),
        y: rows_axis(&rows),
        layers: layers(analysis, &rows),
    })
}

/// One line of a forest plot.
struct Row {
    label: String,
    /// Lower end, estimate, upper end.
    at: (f64, f64, f64),
    margin: Option<f64>,
    verdict: Verdict,
}

/// `by` is the segment's column where all rows share it.
fn segment_row(segment: &SegmentEffect, direction: Direction, by: Option<&str>) -> Option<Row> {
    let difference = segment.effect.difference.as_ref()?;
    let value = if segment.value.is_empty() {
        "(empty)"
    } else {
        &segment.value
    };
    Some(Row {
        label: match by {
            Some(_) => value.to_owned(),
            None => format!("{}: {value}", segment.segment),
        },
        at: (
            difference.interval.lower,
            difference.value,
            difference.interval.upper,
        ),
        margin: segment
            .effect
            .margin
            .map(|margin| towards_worse(direction, margin)),
        verdict: segment.verdict,
    })
}

fn labelled(label: &str, direction: Direction) -> String {
    match direction {
        Direction::HigherIsBetter => format!("{label}{HIGHER_IS_BETTER}"),
        Direction::LowerIsBetter | Direction::Neutral => label.to_owned(),
    }
}

/// The margin on the axis of relative changes, where its value in the metric's unit is divided by
/// what `relative` was divided by.
fn relative_margin(analysis: &Analysis, row: &ScorecardRow, effect: &Effect) -> Option<f64> {
    let control = row
        .values
        .iter()
        .find(|value| value.arm == analysis.control)?;
    let size = control.estimate.as_ref()?.value.abs();
    let margin = effect.margin? / size;
    margin
        .is_finite()
        .then(|| towards_worse(row.direction, margin))
}

fn towards_worse(direction: Direction, margin: f64) -> f64 {
    match direction {
        Direction::HigherIsBetter => -margin,
        Direction::LowerIsBetter | Direction::Neutral => margin,
    }
}

/// An axis that reaches to all estimates and margins; intervals that are much longer run out of the plot.
fn axis(label: &str, scale: Scale, rows: &[Row]) -> Axis {
    let far = rows
        .iter()
        .flat_map(|row| [row.at.1.abs(), row.margin.unwrap_or(0.0).abs()])
        .filter(|value| value.is_finite())
        .fold(0.0, f64::max);
    let limit = if far > 0.0 { 6.0 * far } else { f64::INFINITY };
    let ends = || {
        rows.iter()
            .flat_map(|row| [row.at.0, row.at.1, row.at.2, row.margin.unwrap_or(0.0)])
    };
    let finite = || ends().filter(|value| value.is_finite());
    let lo = finite().fold(0.0, f64::min).max(-limit);
    let hi = finite().fold(0.0, f64::max).min(limit);
    let room = 0.05 * if hi > lo { hi - lo } else { 1.0 };
    Axis::new(label, scale).from_to(lo - room, hi + room)
}

fn rows_axis(rows: &[Row]) -> Axis {
    let labels = rows.iter().map(|row| row.label.clone()).collect();
    Axis::new("", Scale::Category(labels))
}

fn layers(analysis: &Analysis, rows: &[Row]) -> Vec<Layer> {
    let margins: Vec<(f64, f64)> = rows
        .iter()
        .enumerate()
        .filter_map(|(k, row)| Some((row.margin?, k as f64)))
        .collect();
    let mut out = Vec::new();
    if !margins.is_empty() {
        let name = "margin".to_owned();
        out.push(Layer::Marks {
            name,
            tone: Tone::Control,
            mark: Mark::Tick,
            points: margins,
        });
    }
    let mut intervals = |name: &str, tone: Tone, is_in: &dyn Fn(&Row) -> bool| {
        let of_kind = rows.iter().enumerate().filter(|(_, row)| is_in(row));
        let items: Vec<_> = of_kind
            .map(|(k, row)| (k as f64, row.at.0, row.at.1, row.at.2))
            .collect();
        if !items.is_empty() {
            out.push(Layer::Intervals {
                name: name.to_owned(),
                tone,
                along: Along::X,
                items,
            });
        }
    };
    if analysis.decision.is_log_unsound {
        intervals("not judged", Tone::Quiet, &|_| true);
        return out;
    }
    for verdict in VERDICTS {
        let tone = verdict_tone(verdict);
        intervals(verdict.label(), tone, &|row| row.verdict == verdict);
    }
    out
}
