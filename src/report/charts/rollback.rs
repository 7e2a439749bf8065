//! Rules over time: what state each was in, and what its conditions saw.

use super::{arm_tone, seconds, time_axis};
use crate::analysis::Analysis;
use crate::report::chart::{Along, Axis, Chart, Layer, Mark, Scale, Tone};
use crate::rules::{Action, Condition, ConditionReplay, Replay, Rule, RuleReplay, Rulebook, State};
use crate::units::ValueForm;

/// Stretches of one state that are closer than this share of the time axis are drawn as one.
const FINEST: f64 = 1.0 / 1_500.0;
/// First firings that are closer than this share of the time axis share a line.
const NEAR: f64 = 1.0 / 60.0;

/// The rules that have a row in [`replay_timeline`], by their place in the replay: those that were evaluated.
pub fn timeline_rules(replay: &Replay) -> Vec<usize> {
    let rules = replay.rules.iter().enumerate();
    rules
        .filter(|(_, rule)| rule.skipped.is_none())
        .map(|(place, _)| place)
        .collect()
}

/// A row per evaluated rule with its pending and firing states; the first firing is marked.
pub fn replay_timeline(analysis: &Analysis, replay: &Replay) -> Chart {
    let end_us = replay.last_event_us.max(1);
    let (events, event_note) = super::event_rules(analysis);
    let mut layers: Vec<Layer> = super::stage_spans(analysis).chain(events).collect();
    layers.extend(harm_line(analysis));
    let mut lanes = Lanes::default();
    let rules: Vec<&RuleReplay> = timeline_rules(replay)
        .into_iter()
        .map(|place| &replay.rules[place])
        .collect();
    for (row, rule) in rules.iter().enumerate() {
        lanes.add_states(row, replay, rule, end_us);
    }
    layers.extend(lanes.layers());
    let firsts: Vec<_> = rules
        .iter()
        .enumerate()
        .filter_map(|(row, rule)| Some((at(replay, rule.first.as_ref()?.time_us), row as f64)))
        .collect();
    if !firsts.is_empty() {
        let name = "first firing".to_owned();
        layers.push(Layer::Marks {
            name,
            tone: Tone::Bad,
            mark: Mark::Flag,
            points: firsts,
        });
    }
    let labels = rules.iter().map(|rule| shown(rule).to_owned());
    Chart {
        id: "replay-timeline".to_owned(),
        title: "What the rules would have done".to_owned(),
        caption: format!(
            "States of each rule over event time, as if no rollback had taken effect: what \
             follows a first firing is hypothetical, and grey.{}{event_note}",
            super::stage_note(analysis)
        ),
        x: time_axis(
            replay.clock,
            replay.time_zero_us,
            replay.time_zero_us + end_us,
        ),
        y: Axis::new("", Scale::Category(labels.collect())),
        layers,
    }
}

/// A lane for the state of one rule and one for each of its conditions, which shows when it held;
/// `None` where the rule was not evaluated.
pub fn rule_lanes(
    analysis: &Analysis,
    replay: &Replay,
    done: &RuleReplay,
    rule: &Rule,
) -> Option<Chart> {
    if done.skipped.is_some() || done.evaluations == 0 {
        return None;
    }
    let (from_us, end_us) = life_us(replay, done);
    let mut layers = stages_within(analysis, replay, (from_us, end_us));
    let mut lanes = Lanes::default();
    lanes.add_states(0, replay, done, end_us);
    let held = rule.conditions().into_iter().zip(&done.conditions);
    for (c, (condition, seen)) in held.enumerate() {
        let stretches = held_stretches(condition, seen, end_us);
        lanes.add(Lane::Held, c + 1, replay, done, stretches);
    }
    layers.extend(lanes.layers());
    if let Some(first) = &done.first {
        layers.push(Layer::Rule {
            label: String::new(),
            tone: Tone::Bad,
            axis: Along::X,
            at: at(replay, first.time_us),
        });
    }
    let mut labels = vec!["the rule".to_owned()];
    labels.extend(done.conditions.iter().map(|c| c.name.clone()));
    Some(Chart {
        id: format!("lanes-{}", done.id),
        title: "The rule and its conditions over time".to_owned(),
        caption:
            "When the rule was pending or firing, and at which of the evaluations drawn below \
                  each condition held on its own. Dotted: the first firing; what follows it is \
                  hypothetical, and grey."
                .to_owned(),
        x: time_axis(
            replay.clock,
            replay.time_zero_us + from_us,
            replay.time_zero_us + end_us,
        ),
        y: Axis::new("", Scale::Category(labels)),
        layers,
    })
}

/// What a bar of a lane shows.
#[derive(Debug, Clone, Copy)]
enum Lane {
    Pending,
    Firing,
    Held,
    /// Any of them after the rule acted: the log would have gone on differently.
    Hypothetical,
}

/// Bars of all rows by what they show.
#[derive(Default)]
struct Lanes([Vec<(f64, f64, f64)>; 4]);

impl Lanes {
    /// The states of a rule as a row.
    fn add_states(&mut self, row: usize, replay: &Replay, rule: &RuleReplay, end_us: i64) {
        for (lane, state) in [
            (Lane::Pending, State::Pending),
            (Lane::Firing, State::Firing),
        ] {
            self.add(lane, row, replay, rule, stretches(rule, state, end_us));
        }
    }

    /// Stretches of a row, cut where the rule first takes effect. An alert changes nothing by itself.
    fn add(
        &mut self,
        lane: Lane,
        row: usize,
        replay: &Replay,
        rule: &RuleReplay,
        stretches: Vec<(i64, i64)>,
    ) {
        let first = rule.first.as_ref().filter(|_| rule.action != Action::Alert);
        let acts_us = first.map_or(i64::MAX, |first| first.effective_us);
        for (from, to) in stretches {
            for (lane, from, to) in [
                (lane, from, to.min(acts_us)),
                (Lane::Hypothetical, from.max(acts_us), to),
            ] {
                if from < to {
                    self.0[lane as usize].push((row as f64, at(replay, from), at(replay, to)));
                }
            }
        }
    }

    fn layers(self) -> impl Iterator<Item = Layer> {
        let named = [
            ("pending", Tone::Caution),
            ("firing", Tone::Bad),
            ("condition holds", Tone::Arm(0)),
            ("hypothetical", Tone::Quiet),
        ];
        let bars = |((name, tone), items): ((&str, Tone), Vec<_>)| Layer::Bars {
            name: name.to_owned(),
            tone,
            items,
        };
        let filled = named
            .into_iter()
            .zip(self.0)
            .filter(|(_, items)| !items.is_empty());
        filled.map(bars)
    }
}

/// When a condition held, from its thinned series; breaks too short to be seen are left out.
fn held_stretches(condition: &Condition, seen: &ConditionReplay, end_us: i64) -> Vec<(i64, i64)> {
    let gap = (end_us as f64 * FINEST) as i64;
    let cmp = condition.comparison.cmp();
    let mut out: Vec<(i64, i64)> = Vec::new();
    for (k, point) in seen.series.iter().enumerate() {
        if point.value.is_nan() || point.bound.is_nan() || !cmp.holds(point.value, point.bound) {
            continue;
        }
        let to = seen
            .series
            .get(k + 1)
            .map_or(point.time_us, |next| next.time_us);
        match out.last_mut() {
            Some(last) if point.time_us - last.1 <= gap => last.1 = to,
            _ => out.push((point.time_us, to)),
        }
    }
    out
}

/// A condition's value against its bound over time; `None` where it was never evaluated.
pub fn condition_chart(
    analysis: &Analysis,
    replay: &Replay,
    rule: &RuleReplay,
    condition: &ConditionReplay,
    form: ValueForm,
) -> Option<Chart> {
    let (first, last) = (condition.series.first()?, condition.series.last()?);
    let arm = analysis.treatment.unwrap_or(analysis.control);
    let life = life_us(replay, rule);
    let ends = (life.0.min(first.time_us), life.1.max(last.time_us).max(1));
    let mut layers = stages_within(analysis, replay, ends);
    let line = |value: fn(&crate::rules::SeriesPoint) -> f64| {
        condition
            .series
            .iter()
            .map(|point| (at(replay, point.time_us), value(point)))
            .collect()
    };
    layers.push(Layer::Line {
        name: "bound".to_owned(),
        tone: Tone::Bad,
        points: line(|point| point.bound),
    });
    layers.push(Layer::Line {
        name: "value".to_owned(),
        tone: arm_tone(analysis, arm),
        points: line(|point| point.value),
    });
    if let Some(first) = &rule.first {
        layers.push(Layer::Rule {
            label: "first firing".to_owned(),
            tone: Tone::Bad,
            axis: Along::X,
            at: at(replay, first.time_us),
        });
    }
    let chart = Chart {
        id: format!("condition-{}-{}", rule.id, condition.name),
        title: condition.name.clone(),
        caption: format!(
            "{}. Value and bound at each evaluation, thinned where there are many; extremes are kept.",
            condition.text
        ),
        x: time_axis(
            replay.clock,
            replay.time_zero_us + ends.0,
            replay.time_zero_us + ends.1,
        ),
        y: Axis::new("", Scale::Linear(form)),
        layers,
    };
    let (_, (lo, hi)) = chart.ranges();
    let lowest = condition
        .series
        .iter()
        .fold(f64::INFINITY, |low, p| low.min(p.value).min(p.bound));
    Some(if lowest >= 0.0 && lo < 0.4 * hi {
        chart.with_y_from_zero()
    } else {
        chart
    })
}

/// Since when the log shows harm.
fn harm_line(analysis: &Analysis) -> Option<Layer> {
    let from_us = analysis.harm_from_us()?;
    Some(Layer::Rule {
        label: "harm from here on".to_owned(),
        tone: Tone::Caution,
        axis: Along::X,
        at: seconds(from_us),
    })
}

/// The time that a rule's charts show: all of the log, unless its conditions saw something in less than half of
/// it, as of an arm that ran for a while, or it stopped looking in the first tenth.
fn life_us(replay: &Replay, rule: &RuleReplay) -> (i64, i64) {
    let (whole, last) = (replay.last_event_us.max(1), rule.last_evaluation_us);
    if last > 0 && last < whole / 10 {
        return (0, last + last / 10);
    }
    let seen = rule.conditions.iter().flat_map(|c| &c.series);
    let times = seen.map(|point| point.time_us);
    let times = times.chain(rule.first.iter().map(|first| first.time_us));
    let ends = times.fold(None, |ends: Option<(i64, i64)>, us| {
        Some(ends.map_or((us, us), |(from, to)| (from.min(us), to.max(us))))
    });
    match ends {
        Some((from, to)) if from < to && to - from < whole / 2 => {
            let margin = (to - from) / 20;
            ((from - margin).max(0), (to + margin).min(whole))
        }
        _ => (0, whole),
    }
}

/// The stages between two moments since time zero.
fn stages_within(analysis: &Analysis, replay: &Replay, (from_us, to_us): (i64, i64)) -> Vec<Layer> {
    let (from, to) = (at(replay, from_us), at(replay, to_us));
    let within = |layer: Layer| match layer {
        Layer::Span { label, tone, x } => {
            let x = (x.0.max(from), x.1.min(to));
            (x.0 < x.1).then_some(Layer::Span { label, tone, x })
        }
        layer => Some(layer),
    };
    super::stage_spans(analysis).filter_map(within).collect()
}

/// How a condition's values are written; plain numbers where the rulebook does not have it.
pub fn condition_form(
    rulebook: Option<&Rulebook>,
    rule: &RuleReplay,
    condition: &str,
) -> ValueForm {
    let rule = rulebook.and_then(|book| book.rules.iter().find(|r| r.id == rule.id));
    let conditions = rule.map(Rule::conditions).unwrap_or_default();
    let found = conditions.into_iter().find(|c| c.name == condition);
    found.map_or(ValueForm::Number, Condition::form)
}

/// First firings as lines: one by its name, several numbered by time, with the names as a sentence
/// for the caption. Those too close to be told apart share a line.
pub(super) fn firing_rules(replay: Option<&Replay>) -> (Vec<Layer>, String) {
    let Some(replay) = replay else {
        return (Vec::new(), String::new());
    };
    let mut firings: Vec<(i64, &str)> = replay
        .rules
        .iter()
        .filter_map(|rule| Some((rule.first.as_ref()?.time_us, shown(rule))))
        .collect();
    firings.sort_by_key(|(time_us, _)| *time_us);
    let line = |time_us: i64, label: String| Layer::Rule {
        label,
        tone: Tone::Bad,
        axis: Along::X,
        at: at(replay, time_us),
    };
    if let [(time_us, name)] = firings.as_slice() {
        return (vec![line(*time_us, (*name).to_owned())], String::new());
    }
    let near = (replay.last_event_us as f64 * NEAR) as i64;
    let mut lines: Vec<(i64, String)> = Vec::new();
    for (k, (time_us, _)) in firings.iter().enumerate() {
        match lines.last_mut() {
            Some((first, numbers)) if time_us - *first <= near => {
                *numbers = format!("{numbers}, {}", k + 1);
            }
            _ => lines.push((*time_us, (k + 1).to_string())),
        }
    }
    let names: Vec<String> = firings
        .iter()
        .enumerate()
        .map(|(k, (_, name))| format!("{} {name}", k + 1))
        .collect();
    let note = if names.is_empty() {
        String::new()
    } else {
        format!(
            " Dotted lines: first firings of rules ({}).",
            names.join("; ")
        )
    };
    (
        lines
            .into_iter()
            .map(|(time_us, label)| line(time_us, label))
            .collect(),
        note,
    )
}

fn shown(rule: &RuleReplay) -> &str {
    if rule.title.is_empty() {
        &rule.id
    } else {
        &rule.title
    }
}

/// Microseconds since time zero to the coordinate of the log's time axis.
fn at(replay: &Replay, time_us: i64) -> f64 {
    seconds(replay.time_zero_us + time_us)
}

/// When a rule was in `state`, with breaks too short to be seen left out.
fn stretches(rule: &RuleReplay, state: State, end_us: i64) -> Vec<(i64, i64)> {
    let gap = (end_us as f64 * FINEST) as i64;
    let mut out: Vec<(i64, i64)> = Vec::new();
    for (k, change) in rule.transitions.iter().enumerate() {
        if change.state != state {
            continue;
        }
        let to = rule
            .transitions
            .get(k + 1)
            .map_or(end_us.min(rule.last_evaluation_us), |next| next.time_us);
        match out.last_mut() {
            Some(last) if change.time_us - last.1 <= gap => last.1 = to,
            _ => out.push((change.time_us, to)),
        }
    }
    out
}
