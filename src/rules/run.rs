//! One rule on its way through the evaluations.

use super::evaluate::{Block, Evaluator, reading_at};
use super::gate::Gate;
use super::persist::Tracker;
use super::prepare::Prepared;
use super::state::Point;
use super::tree::combine;
use super::{
    ArmRole, Exposure, ExposureCounts, Firing, Rule, RuleReplay, State, Transition, Truth,
};
use crate::data::RequestLog;

/// A rule, its conditions and what has been found so far.
pub(super) struct Run<'a> {
    prepared: &'a Prepared<'a>,
    rule: &'a Rule,
    evaluators: Vec<Evaluator<'a>>,
    gate: Option<Gate<'a>>,
    tracker: Tracker,
    found: RuleReplay,
    first: Option<Point>,
}

impl<'a> Run<'a> {
    pub(super) fn new(prepared: &'a Prepared<'a>, rule: &'a Rule) -> Self {
        Self {
            prepared,
            rule,
            evaluators: rule
                .conditions()
                .into_iter()
                .map(|condition| Evaluator::new(prepared, condition))
                .collect(),
            gate: rule.min.map(|minimum| Gate::new(prepared, minimum)),
            tracker: Tracker::new(rule.persistence),
            found: RuleReplay::empty(rule),
            first: None,
        }
    }

    /// The reason if conditions that the log cannot feed keep the rule from ever holding.
    pub(super) fn never_holds(&self) -> Option<String> {
        let available: Vec<Truth> = self
            .evaluators
            .iter()
            .map(|evaluator| {
                if evaluator.is_available() {
                    Truth::True
                } else {
                    Truth::Unknown
                }
            })
            .collect();
        let leaves: Vec<Vec<Truth>> = available.into_iter().map(|truth| vec![truth]).collect();
        let root = combine(&self.rule.root, &leaves, &mut 0);
        if root.first() == Some(&Truth::True) {
            return None;
        }
        let conditions = self.rule.conditions();
        conditions
            .into_iter()
            .find_map(|condition| self.prepared.unavailable(condition))
            .or_else(|| Some("its conditions cannot be evaluated on this log".to_owned()))
    }

    /// Marks the rule as one that the log cannot feed; its conditions are still counted.
    pub(super) fn skip(&mut self, reason: String) {
        self.found.skipped = Some(reason);
    }

    /// Evaluates a block.
    pub(super) fn run(&mut self, points: &[Point]) {
        if let Some(last) = points.last() {
            self.found.last_evaluation_us = last.at_us - self.prepared.span_us.0;
        }
        let mut is_open = vec![true; points.len()];
        if let Some(gate) = &mut self.gate {
            gate.run(points, &mut is_open);
        }
        let mut resets = vec![false; points.len()];
        let mut leaves = vec![Vec::new(); self.evaluators.len()];
        let block = Block {
            points,
            is_open: &is_open,
        };
        for (evaluator, truths) in self.evaluators.iter_mut().zip(&mut leaves) {
            evaluator.run(&block, truths, &mut resets);
        }
        let root = combine(&self.rule.root, &leaves, &mut 0);
        self.found.evaluations += is_open.iter().filter(|open| **open).count() as u64;
        let n_true = root.iter().filter(|truth| **truth == Truth::True).count();
        self.found.evaluations_true += n_true as u64;
        if n_true == 0 && self.tracker.is_idle() && !resets.contains(&true) {
            return;
        }
        for (i, point) in points.iter().enumerate() {
            if resets[i] {
                self.tracker.reset();
            }
            if root[i] != Truth::True
                && self.tracker.is_idle()
                && self.state() == self.tracker.state()
            {
                continue;
            }
            let state = self.tracker.step(point.at_us, root[i]);
            if state != self.state() {
                self.change(*point, state, &leaves, i);
            }
        }
    }

    /// The state that the transitions have led to.
    fn state(&self) -> State {
        self.found.last_state
    }

    /// Notes a change of state at evaluation `i` of a block.
    fn change(&mut self, point: Point, state: State, leaves: &[Vec<Truth>], i: usize) {
        self.found.last_state = state;
        if state == State::Firing && self.first.is_none() {
            self.first = Some(point);
            let causes = causes(&self.evaluators, leaves, i);
            self.found.first = Some(self.firing(point, causes));
        }
        if self.found.transitions.len() >= RuleReplay::MAX_TRANSITIONS {
            self.found.transitions_omitted += 1;
            return;
        }
        let causes = match state {
            State::Inactive => Vec::new(),
            State::Pending | State::Firing => causes(&self.evaluators, leaves, i),
        };
        self.found.transitions.push(Transition {
            time_us: point.at_us - self.prepared.span_us.0,
            state,
            causes,
        });
    }

    fn firing(&self, point: Point, causes: Vec<String>) -> Firing {
        let time_us = point.at_us - self.prepared.span_us.0;
        let readings = self
            .rule
            .conditions()
            .into_iter()
            .map(|condition| reading_at(self.prepared, condition, point))
            .collect();
        Firing {
            row: row_of(self.prepared.log, point),
            event_index: point.seen.checked_sub(1),
            time_us,
            effective_us: time_us + self.rule.delay.us,
            causes,
            readings,
        }
    }

    /// What the rule has done.
    pub(super) fn finish(mut self) -> RuleReplay {
        let log = self.prepared.log;
        self.found.exposure = Some(exposure(self.prepared, self.rule, self.first));
        self.found.conditions = self
            .evaluators
            .into_iter()
            .map(|evaluator| evaluator.finish(|point| row_of(log, point)))
            .collect();
        if self.found.skipped.is_some() {
            // Want of a column is not want of data: a rule that fires on missing data must not fire
            // because the export left its metric out.
            let found = &mut self.found;
            (found.first, found.exposure) = (None, None);
            found.transitions.clear();
            (found.transitions_omitted, found.evaluations_true) = (0, 0);
            found.last_state = State::Inactive;
        }
        self.found
    }
}

/// The conditions that hold at evaluation `i`, up to one that makes the monitor return. Without
/// any, those that lack data: a rule can fire for want of data.
fn causes(evaluators: &[Evaluator<'_>], leaves: &[Vec<Truth>], i: usize) -> Vec<String> {
    let mut causes = Vec::new();
    for wanted in [Truth::True, Truth::Unknown] {
        for (evaluator, truths) in evaluators.iter().zip(leaves) {
            if truths[i] == wanted {
                causes.push(evaluator.condition().name.clone());
                if evaluator.condition().stop && wanted == Truth::True {
                    break;
                }
            }
        }
        if !causes.is_empty() {
            break;
        }
    }
    causes
}

/// The file's row that an evaluation saw last.
fn row_of(log: &RequestLog, point: Point) -> Option<u32> {
    let last = point.seen.checked_sub(1)?;
    log.row.get(last as usize).copied()
}

fn exposure(prepared: &Prepared<'_>, rule: &Rule, first: Option<Point>) -> Exposure {
    let log = prepared.log;
    let rows = prepared.rows(ArmRole::Canary);
    let split = match first {
        None => rows.len(),
        Some(first) => rows.partition_point(|row| {
            let is_seen = *row < first.seen;
            is_seen || log.event_us[*row as usize] <= first.at_us.saturating_add(rule.delay.us - 1)
        }),
    };
    let counts = |rows: &[u32]| ExposureCounts {
        requests: rows.len() as u64,
        errors: rows
            .iter()
            .filter(|row| log.outcome[**row as usize].is_error())
            .count() as u64,
    };
    Exposure {
        before: counts(&rows[..split]),
        after: counts(&rows[split..]),
    }
}

impl RuleReplay {
    /// The replay of a rule before its first evaluation.
    pub(super) fn empty(rule: &Rule) -> Self {
        Self {
            id: rule.id.clone(),
            title: rule.title.clone(),
            action: rule.action,
            skipped: None,
            first: None,
            evaluations: 0,
            evaluations_true: 0,
            conditions: Vec::new(),
            transitions: Vec::new(),
            transitions_omitted: 0,
            last_state: State::Inactive,
            last_evaluation_us: 0,
            exposure: None,
        }
    }

    /// The replay of a rule that could not be evaluated.
    pub(super) fn skipped(rule: &Rule, reason: String) -> Self {
        Self {
            skipped: Some(reason),
            ..Self::empty(rule)
        }
    }
}
