//! Analysis and replay to charts: one builder a chart, for the window and the report alike.
//!
//! Builders select and rescale; the statistics come from the values they are given.

mod by_segment;
mod forest;
mod lab;
mod latency;
mod over_time;
mod rollback;
mod strategies;
mod trends;

pub use by_segment::arms_by_segment;
pub use forest::{guardrail_forest, segment_forest};
pub use lab::{lab_detection, lab_frontier, lab_profile};
pub use latency::{latency_ecdf, latency_histogram, quantile_differences, quantile_note};
pub use over_time::effect_over_time;
pub use rollback::{condition_chart, condition_form, replay_timeline, rule_lanes, timeline_rules};
pub use strategies::{around_switch, novelty};
pub use trends::{background_note, metric_ids, traffic, trend};

use super::chart::{Along, Axis, Layer, Scale, Tone};
use crate::analysis::{Analysis, Verdict};
use crate::units::{self, Clock};

/// Events that a chart shows, one letter each.
const MOST_EVENTS: usize = 26;
/// Events that are closer than this share of the log share a line.
const NEAR_EVENTS: f64 = 1.0 / 60.0;

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

/// What happened around the log as lines, with a sentence for the caption; events outside the times
/// that the chart shows are left out. Those too close to be told apart share a line.
fn event_rules(analysis: &Analysis) -> (Vec<Layer>, String) {
    let (Some(first), Some(last)) = (analysis.log.first_us, analysis.log.last_us) else {
        return (Vec::new(), String::new());
    };
    let events = analysis.log.events.iter();
    let shown: Vec<_> = events
        .filter(|e| (first..=last).contains(&e.time_us))
        .take(MOST_EVENTS)
        .collect();
    let near = ((last - first) as f64 * NEAR_EVENTS) as i64;
    let mut lines: Vec<(i64, String)> = Vec::new();
    let mut words: Vec<String> = Vec::new();
    for (i, event) in shown.iter().enumerate() {
        // Small letters, so that events are not taken for the numbers of rules.
        let letter = char::from(b'a' + i as u8).to_string();
        let note = if event.note.is_empty() {
            String::new()
        } else {
            format!(" ({})", event.note)
        };
        words.push(format!("{letter} {}{note}", event.kind));
        match lines.last_mut() {
            Some((at, letters)) if event.time_us - *at <= near => {
                *letters = format!("{letters}, {letter}");
            }
            _ => lines.push((event.time_us, letter)),
        }
    }
    if words.is_empty() {
        return (Vec::new(), String::new());
    }
    let rule = |(at, label): (i64, String)| Layer::Rule {
        label,
        tone: Tone::Quiet,
        axis: Along::X,
        at: seconds(at),
    };
    let layers = lines.into_iter().map(rule).collect();
    (
        layers,
        format!(" Grey lines: events ({}).", words.join("; ")),
    )
}

/// A control and as many others as there are colours; more cannot be told apart in a chart.
const MOST_ARMS: usize = 7;

/// The arms that charts over several arms draw: all, or of many the two that are compared and the
/// largest others.
pub fn drawn_arms(analysis: &Analysis) -> Vec<usize> {
    let mut arms: Vec<usize> = (0..analysis.arms.len()).collect();
    if arms.len() > MOST_ARMS {
        let is_compared = |arm: usize| arm == analysis.control || Some(arm) == analysis.treatment;
        arms.sort_by_key(|&arm| {
            let n = analysis.arms[arm].n_requests;
            (!is_compared(arm), std::cmp::Reverse(n), arm)
        });
        arms.truncate(MOST_ARMS);
        arms.sort_unstable();
    }
    arms
}

/// What a caption says where not all arms are drawn; else empty.
fn drawn_note(analysis: &Analysis) -> String {
    match analysis.arms.len() {
        n if n > MOST_ARMS => format!(
            " Drawn: {MOST_ARMS} of {n} arms, those that are compared and the largest others."
        ),
        _ => String::new(),
    }
}

/// What a caption of quantiles says where they were read from cells; else empty.
fn bound_note(analysis: &Analysis) -> String {
    let cells = analysis.cells.as_ref();
    cells.map_or_else(String::new, |cells| {
        let error = units::plain(100.0 * cells.quantile_relative_error);
        format!(" Read from cells, quantiles are within ±{error} %.")
    })
}

/// What a caption of a distribution says where it was read from cells; else empty.
fn bins_note(analysis: &Analysis) -> &'static str {
    match &analysis.cells {
        Some(_) => " Read from cells, whose bins are 2 % wide.",
        None => "",
    }
}

/// The colour of an arm: grey for the control, the first for the treatment, one of its own for every
/// other that charts draw.
pub fn arm_tone(analysis: &Analysis, arm: usize) -> Tone {
    let is_other = |arm: &usize| *arm != analysis.control && Some(*arm) != analysis.treatment;
    if arm == analysis.control {
        Tone::Control
    } else if !is_other(&arm) {
        Tone::Arm(0)
    } else {
        let mut others = drawn_arms(analysis).into_iter().filter(is_other);
        let place = others.position(|other| other == arm);
        let first = usize::from(analysis.treatment.is_some());
        place.map_or(Tone::Quiet, |k| Tone::Arm(first + k))
    }
}

/// Arms beyond which shapes that overlap cannot be told apart.
const MOST_OVERLAPPING: usize = 3;

/// The arms of which charts draw what overlaps, bars and bands: all, or of many those that are compared.
pub fn overlapping_arms(analysis: &Analysis) -> Vec<usize> {
    let is_compared = |arm: &usize| *arm == analysis.control || Some(*arm) == analysis.treatment;
    let is_drawn = |arm: &usize| analysis.arms.len() <= MOST_OVERLAPPING || is_compared(arm);
    (0..analysis.arms.len()).filter(is_drawn).collect()
}

/// `said` where not all arms have what overlaps; else empty.
fn overlap_note<'a>(analysis: &Analysis, said: &'a str) -> &'a str {
    if analysis.arms.len() > MOST_OVERLAPPING {
        said
    } else {
        ""
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
        Verdict::Inconclusive | Verdict::WorseMarginOpen | Verdict::Changed => Tone::Caution,
        Verdict::WithinMargin | Verdict::NoClearChange | Verdict::NoData => Tone::Quiet,
    }
}

/// All verdicts, the worst first, as legends list them.
const VERDICTS: [Verdict; 8] = [
    Verdict::Worse,
    Verdict::WorseMarginOpen,
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
    use crate::report::chart::{Layer, Mark};
    use crate::report::fixture::canary;

    #[test]
    fn a_rule_that_stopped_early_has_charts_of_its_own_time() {
        let mut fixture = canary();
        let whole_s = fixture.replay.last_event_us as f64 / 1e6;
        let end_of = |fixture: &crate::report::fixture::Fixture| {
            let rule = &fixture.replay.rules[0];
            let condition = &rule.conditions[0];
            let chart = condition_chart(
                &fixture.analysis,
                &fixture.replay,
                rule,
                condition,
                units::ValueForm::Share,
            );
            let ((_, end), _) = chart.unwrap().ranges();
            end - fixture.replay.time_zero_us as f64 / 1e6
        };
        assert!(end_of(&fixture) >= whole_s);
        let early_us = fixture.replay.last_event_us / 100;
        let rule = &mut fixture.replay.rules[0];
        rule.last_evaluation_us = early_us;
        rule.conditions[0]
            .series
            .retain(|point| point.time_us <= early_us);
        if rule.conditions[0].series.is_empty() {
            let point = crate::rules::SeriesPoint {
                time_us: early_us,
                value: 0.1,
                bound: 0.05,
            };
            rule.conditions[0].series.push(point);
        }
        assert!(end_of(&fixture) < 0.02 * whole_s, "{}", end_of(&fixture));
        // Rules that were not evaluated have no row.
        assert_eq!(timeline_rules(&fixture.replay), [0, 1]);
    }

    #[test]
    fn arms_keep_their_colours() {
        let mut analysis = canary().analysis;
        (analysis.control, analysis.treatment) = (1, Some(2));
        let tones = [0, 1, 2].map(|arm| arm_tone(&analysis, arm));
        assert_eq!(tones, [Tone::Arm(1), Tone::Control, Tone::Arm(0)]);
    }

    #[test]
    fn no_two_arms_of_a_chart_share_a_colour() {
        let mut analysis = canary().analysis;
        let one = analysis.arms[0].clone();
        analysis.arms = (0..12).map(|_| one.clone()).collect();
        (analysis.control, analysis.treatment) = (4, Some(11));
        let tones: Vec<Tone> = drawn_arms(&analysis)
            .into_iter()
            .map(|arm| arm_tone(&analysis, arm))
            .collect();
        // The palette has six colours for arms.
        for (i, tone) in tones.iter().enumerate() {
            assert!(!tones[..i].contains(tone), "{tones:?}");
            assert!(matches!(tone, Tone::Control | Tone::Arm(0..6)), "{tones:?}");
        }
        assert_eq!(arm_tone(&analysis, 11), Tone::Arm(0));
        assert_eq!(overlapping_arms(&analysis), [4, 11]);
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

    #[test]
    fn events_stand_in_the_trends_and_on_the_timeline() {
        let mut fixture = canary();
        let (first, last) = (
            fixture.analysis.log.first_us.unwrap(),
            fixture.analysis.log.last_us.unwrap(),
        );
        let event = |time_us: i64, kind: &str, note: &str| crate::data::Event {
            time_us,
            kind: kind.to_owned(),
            note: note.to_owned(),
        };
        fixture.analysis.log.events = vec![
            event(first - 1, "before", ""),
            event(first + (last - first) / 4, "deploy", "v2"),
            event(first + (last - first) / 4 + 1, "flag", ""),
            event(first + (last - first) / 2, "rollback", "too slow"),
        ];
        let timeline = replay_timeline(&fixture.analysis, &fixture.replay);
        for chart in [traffic(&fixture.analysis, None).unwrap(), timeline] {
            let lines: Vec<&str> = chart
                .layers
                .iter()
                .filter_map(|layer| match layer {
                    Layer::Rule {
                        label,
                        tone: Tone::Quiet,
                        ..
                    } => Some(label.as_str()),
                    _ => None,
                })
                .collect();
            assert_eq!(lines, ["a, b", "c"], "{}", chart.id);
            let note = "Grey lines: events (a deploy (v2); b flag; c rollback (too slow)).";
            assert!(chart.caption.contains(note), "{}", chart.caption);
        }
    }
}
