//! Analysis and replay to charts: one builder a chart, for the window and the report alike.
//!
//! Builders select and rescale; the statistics come from the values they are given.

mod forest;
mod lab;
mod latency;
mod over_time;
mod rollback;
mod trends;

pub use forest::{guardrail_forest, segment_forest};
pub use lab::{lab_detection, lab_frontier, lab_profile};
pub use latency::{latency_ecdf, latency_histogram, quantile_differences};
pub use over_time::effect_over_time;
pub use rollback::{condition_chart, condition_form, metric_form, replay_timeline, rule_lanes};
pub use trends::{metric_ids, traffic, trend};

use super::ReportInput;
use super::chart::{Axis, Chart, Layer, Scale, Tone};
use crate::analysis::{Analysis, Verdict};
use crate::units::{self, Clock};

/// Every chart that a report can show, in the order of its sections.
pub fn all(input: &ReportInput<'_>) -> Vec<Chart> {
    let analysis = input.analysis;
    let mut charts: Vec<Chart> = guardrail_forest(analysis).into_iter().collect();
    for panel in &analysis.latency {
        charts.push(latency_histogram(analysis, panel));
        charts.push(latency_ecdf(analysis, panel));
        if panel.differences.iter().any(|arm| !arm.points.is_empty()) {
            charts.push(quantile_differences(analysis, panel));
        }
    }
    charts.extend(traffic(analysis, input.replay));
    charts.extend(
        metric_ids(analysis)
            .iter()
            .filter_map(|id| trend(analysis, id, input.replay)),
    );
    charts.extend(
        analysis
            .over_time
            .iter()
            .filter_map(|series| effect_over_time(analysis, &series.metric)),
    );
    charts.extend(
        analysis
            .scorecard
            .iter()
            .filter_map(|row| segment_forest(analysis, &row.id)),
    );
    let Some(replay) = input.replay.filter(|replay| !replay.rules.is_empty()) else {
        return charts;
    };
    charts.push(replay_timeline(analysis, replay));
    for rule in &replay.rules {
        for condition in &rule.conditions {
            let form = condition_form(input.rulebook, rule, &condition.name);
            charts.extend(condition_chart(analysis, replay, rule, condition, form));
        }
    }
    charts
}

/// The stages as shaded stretches, labelled with the treatment's share.
fn stage_spans(analysis: &Analysis) -> impl Iterator<Item = Layer> {
    analysis.stages.iter().map(|stage| Layer::Span {
        label: format!("{} %", units::significant(stage.share * 100.0, 2)),
        tone: Tone::Quiet,
        x: (seconds(stage.from_us), seconds(stage.to_us)),
    })
}

fn stage_note(analysis: &Analysis) -> &'static str {
    if analysis.stages.is_empty() {
        ""
    } else {
        " Shading: stages, with the treatment's share of requests."
    }
}

/// The colour of an arm: grey for the control, one of its own for every other in the log's order.
pub fn arm_tone(analysis: &Analysis, arm: usize) -> Tone {
    if arm == analysis.control {
        Tone::Control
    } else {
        Tone::Arm(arm - usize::from(arm > analysis.control))
    }
}

/// The name of an arm; empty for an index that does not exist.
pub fn arm_name(analysis: &Analysis, arm: usize) -> &str {
    analysis.arms.get(arm).map_or("", |arm| arm.name.as_str())
}

/// The colour of a verdict.
pub fn verdict_tone(verdict: Verdict) -> Tone {
    match verdict {
        Verdict::Better => Tone::Good,
        Verdict::Worse => Tone::Bad,
        Verdict::Inconclusive | Verdict::Changed => Tone::Caution,
        Verdict::WithinMargin | Verdict::NoClearChange | Verdict::NoData => Tone::Quiet,
    }
}

/// All verdicts, the worst first, as legends list them.
const VERDICTS: [Verdict; 7] = [
    Verdict::Worse,
    Verdict::Inconclusive,
    Verdict::Changed,
    Verdict::WithinMargin,
    Verdict::Better,
    Verdict::NoClearChange,
    Verdict::NoData,
];

/// Microseconds of a log's clock to the coordinate of [`Scale::Time`].
fn seconds(us: i64) -> f64 {
    us as f64 / 1e6
}

/// An axis of event time that says its dates, for ticks within a day do not.
fn time_axis(clock: Clock, from_us: i64, to_us: i64) -> Axis {
    let day = |us: i64| {
        units::instant(us, clock)
            .chars()
            .take(10)
            .collect::<String>()
    };
    let label = match clock {
        Clock::Epoch if day(from_us) == day(to_us) => format!("Event time (UTC), {}", day(from_us)),
        Clock::Epoch => format!("Event time (UTC), {} to {}", day(from_us), day(to_us)),
        Clock::Relative => "Event time since the start".to_owned(),
        Clock::RowOrder => "Row".to_owned(),
    };
    Axis::new(label, Scale::Time(clock)).from_to(seconds(from_us), seconds(to_us))
}

/// `stable 12,345, canary 1,234`, for captions.
fn counts_by_arm(analysis: &Analysis, counts: impl Iterator<Item = (usize, u64)>) -> String {
    counts
        .map(|(arm, n)| format!("{} {}", arm_name(analysis, arm), units::count(n)))
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::chart::{Along, Layer, Mark};
    use crate::report::fixture::canary;

    #[test]
    fn arms_keep_their_colours() {
        let mut analysis = canary().analysis;
        analysis.control = 1;
        let tones = [0, 1, 2].map(|arm| arm_tone(&analysis, arm));
        assert_eq!(tones, [Tone::Arm(0), Tone::Control, Tone::Arm(1)]);
    }

    #[test]
    fn the_forest_names_what_it_leaves_out_and_turns_margins_to_the_worse_side() {
        let mut analysis = canary().analysis;
        analysis.scorecard[0].effects[0].relative = None;
        let chart = guardrail_forest(&analysis).unwrap();
        assert!(
            chart.caption.contains("away from zero: Error share."),
            "{}",
            chart.caption
        );
        let margins = chart.layers.iter().find_map(|layer| match layer {
            Layer::Marks {
                mark: Mark::Tick,
                points,
                ..
            } => Some(points.clone()),
            _ => None,
        });
        let signs: Vec<bool> = margins.unwrap().iter().map(|(x, _)| *x > 0.0).collect();
        assert_eq!(signs, [true, true, false, true], "p50, p95, rating, cost");
        analysis.treatment = None;
        assert_eq!(guardrail_forest(&analysis), None);
    }

    fn firing_labels(hours: &[i64]) -> Vec<String> {
        let fixture = canary();
        let mut replay = fixture.replay;
        let fired = replay.rules[0].clone();
        replay.rules = hours.iter().map(|_| fired.clone()).collect();
        for (rule, hour) in replay.rules.iter_mut().zip(hours) {
            rule.first.as_mut().unwrap().time_us = hour * 3_600_000_000;
        }
        let chart = traffic(&fixture.analysis, Some(&replay)).unwrap();
        let labels = chart.layers.into_iter().filter_map(|layer| match layer {
            Layer::Rule {
                label,
                axis: Along::X,
                ..
            } => Some(label),
            _ => None,
        });
        labels.collect()
    }

    #[test]
    fn one_firing_is_named_and_several_are_numbered_by_time() {
        assert_eq!(firing_labels(&[]), Vec::<String>::new());
        assert_eq!(firing_labels(&[5]), ["Quality monitor"]);
        assert_eq!(firing_labels(&[40, 5, 5]), ["1, 2", "3"]);
    }
}
