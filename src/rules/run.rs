//! One rule on its way through the evaluations.

use super::clock::Ticks;
use super::evaluate::{Effect, Evaluator, Look, reading_at};
use super::gate::Gate;
use super::persist::Tracker;
use super::prepare::View;
use super::state::{Block, Point};
use super::tree::combine;
use super::{
    Action, ArmRole, Clock, Exposure, ExposureCounts, FailureScope, Firing, Persistence,
    RequestArm, Rule, RuleReplay, State, Transition, Truth, UnreadRule, no_data_text,
};
use crate::data::RequestLog;

/// A rule, its conditions and what has been found so far.
pub(super) struct Run<'a> {
    view: View<'a>,
    evaluators: Vec<Evaluator<'a>>,
    gate: Option<Gate<'a>>,
    tracker: Tracker,
    /// The starts of the stages at which failures are counted anew, the next first.
    restarts: Vec<i64>,
    found: RuleReplay,
    first: Option<(Point, Vec<usize>)>,
    /// Whether the readings at the first firing are wanted.
    has_readings: bool,
    /// By row, whether it is of an arm beside the two; only for rules that look at every request of a log
    /// with more than two arms.
    elsewhere: Option<Vec<bool>>,
    /// Whether the rule's minimum was met at the last evaluation, and what followed from its conditions.
    is_open: bool,
    root: Truth,
    /// Whether nothing follows while no condition holds.
    is_false_of_false: bool,
    /// Scratch of a block.
    leaves: Vec<Vec<Truth>>,
    effects: Vec<Effect>,
}

impl<'a> Run<'a> {
    pub(super) fn new(view: View<'a>) -> Self {
        let rule = view.rule;
        let evaluators: Vec<Evaluator<'a>> = rule
            .conditions()
            .into_iter()
            .map(|condition| Evaluator::new(view, condition))
            .collect();
        let restarts = match rule.persistence {
            Persistence::Failures {
                scope: FailureScope::Stage,
                ..
            } => {
                let mut starts = view.frame().stages.to_vec();
                starts.reverse();
                starts
            }
            _ => Vec::new(),
        };
        let all_false = vec![vec![Truth::False]; evaluators.len()];
        let of_false = combine(&rule.root, &all_false, &mut 0);
        Self {
            is_false_of_false: of_false == [Truth::False],
            leaves: vec![Vec::new(); evaluators.len()],
            evaluators,
            gate: rule.min.map(|minimum| Gate::new(view, minimum)),
            tracker: Tracker::new(rule.persistence),
            restarts,
            found: RuleReplay::empty(rule),
            first: None,
            has_readings: true,
            elsewhere: elsewhere(view),
            is_open: true,
            root: Truth::Unknown,
            effects: Vec::new(),
            view,
        }
    }

    /// The reason if conditions that the log cannot feed keep the rule from ever holding.
    pub(super) fn never_holds(&self) -> Option<String> {
        let rule = self.view.rule;
        let leaves: Vec<Vec<Truth>> = self
            .evaluators
            .iter()
            .map(|evaluator| {
                vec![if evaluator.is_available() {
                    Truth::True
                } else {
                    Truth::Unknown
                }]
            })
            .collect();
        // What `not` makes false may hold all the same.
        let may_hold = combine(&rule.root, &leaves, &mut 0).first() != Some(&Truth::Unknown);
        if may_hold || leaves.iter().all(|leaf| leaf[0] == Truth::True) {
            return None;
        }
        let reason = self.evaluators.iter().find_map(Evaluator::unavailable);
        reason.map(str::to_owned)
    }

    /// Marks the rule as one that the log cannot feed; its conditions are still counted.
    pub(super) fn skip(&mut self, reason: String) {
        self.found.skipped = Some(reason);
    }

    /// Leaves out what costs time at the first firing.
    pub(super) fn without_readings(&mut self) {
        self.has_readings = false;
    }

    /// The first evaluation at which it fires, so far, with the places of its causes.
    pub(super) fn first(&self) -> Option<(Point, Vec<usize>)> {
        self.first.clone()
    }

    /// Evaluates a block; whether its last evaluation was an error.
    pub(super) fn run(&mut self, block: &Block<'_>) -> bool {
        if let Some(last) = block.last() {
            self.found.last_evaluation_us = last.at_us - self.view.zero_us();
        }
        let is_open = self.gate.as_mut().and_then(|gate| gate.run(block));
        let look = Look {
            block,
            is_open: is_open.as_deref(),
        };
        self.effects.clear();
        self.effects.resize(block.len(), Effect::None);
        let mut is_calm = self.is_false_of_false;
        for (evaluator, truths) in self.evaluators.iter_mut().zip(&mut self.leaves) {
            is_calm &= evaluator.run(&look, truths, &mut self.effects);
        }
        self.found.evaluations += is_open.as_ref().map_or(block.len(), |open| {
            open.iter().filter(|open| **open).count()
        }) as u64;
        self.is_open = is_open
            .as_ref()
            .is_none_or(|open| open.last() == Some(&true));
        if is_calm && self.tracker.is_idle() && self.restarts.is_empty() && self.elsewhere.is_none()
        {
            self.root = Truth::False;
            return false;
        }
        let root = combine(&self.view.rule.root, &self.leaves, &mut 0);
        let n_true = root.iter().filter(|truth| **truth == Truth::True).count();
        self.found.evaluations_true += n_true as u64;
        self.count_elsewhere(block, is_open.as_deref(), &root);
        let has_effects = self.effects.iter().any(|effect| *effect != Effect::None);
        let is_restarted = self.restarts.last().is_some_and(|start| {
            let last = block.last();
            last.is_some_and(|last| *start <= last.at_us)
        });
        let is_quiet = n_true == 0 && self.tracker.is_idle() && !has_effects && !is_restarted;
        if !is_quiet {
            self.track(block, &root, has_effects);
        }
        self.root = root.last().copied().unwrap_or(self.root);
        self.effects.last() == Some(&Effect::Error)
    }

    /// Every tick after the last one of the block that was run, and before this instant, sees the same
    /// and changes nothing: see [`Run::repeat`].
    pub(super) fn quiet_until(&mut self, block: &Block<'_>) -> i64 {
        let Some(last) = block.last() else {
            return i64::MIN;
        };
        let is_settled = match self.effects.last() {
            Some(Effect::None) => self.tracker.is_settled(self.root),
            Some(Effect::Freeze) => true,
            // A wait that begins anew with every evaluation begins with the last of them.
            Some(Effect::Reset) => self.root != Truth::True,
            Some(Effect::Error) | None => false,
        };
        if !is_settled || self.state() != self.tracker.state() {
            return last.at_us;
        }
        let gate = self.gate.as_ref();
        let mut until = gate.map_or(i64::MAX, |gate| gate.quiet_until(last));
        until = until.min(self.restarts.last().copied().unwrap_or(i64::MAX));
        for evaluator in &mut self.evaluators {
            until = until.min(evaluator.quiet_until(last));
        }
        until
    }

    /// Takes in ticks at which everything is as at the last evaluation.
    pub(super) fn repeat(&mut self, ticks: Ticks) {
        for evaluator in &mut self.evaluators {
            evaluator.repeat(ticks, self.is_open);
        }
        let n = |counts: bool| if counts { ticks.n } else { 0 };
        self.found.last_evaluation_us = ticks.last_us() - self.view.zero_us();
        self.found.evaluations += n(self.is_open);
        self.found.evaluations_true += n(self.holds());
    }

    /// Whether the conditions held at the last evaluation.
    pub(super) fn holds(&self) -> bool {
        self.root == Truth::True
    }

    /// Counts the evaluations after requests of other arms.
    fn count_elsewhere(&mut self, block: &Block<'_>, is_open: Option<&[bool]>, root: &[Truth]) {
        let Some(elsewhere) = &self.elsewhere else {
            return;
        };
        for (i, point) in block.iter().enumerate() {
            let last = point.seen.checked_sub(1);
            if last.is_some_and(|row| elsewhere[row as usize]) {
                let counts = is_open.is_none_or(|open| open[i]);
                self.found.evaluations_elsewhere += u64::from(counts);
                self.found.evaluations_true_elsewhere += u64::from(root[i] == Truth::True);
            }
        }
    }

    fn track(&mut self, block: &Block<'_>, root: &[Truth], has_effects: bool) {
        let has_stages = !self.restarts.is_empty();
        let has_truths_alone = !has_stages && !has_effects;
        let mut next = 0;
        while next < root.len() {
            if has_truths_alone && self.state() == self.tracker.state() {
                next += self.tracker.n_steady(&root[next..]);
            }
            let i = next;
            next += 1;
            if i >= root.len() {
                return;
            }
            let point = block.point(i);
            while has_stages
                && self
                    .restarts
                    .last()
                    .is_some_and(|start| *start <= point.at_us)
            {
                self.restarts.pop();
                self.tracker.restart();
            }
            let is_steady = self.tracker.is_steady(root[i])
                && self.state() == self.tracker.state()
                && self.effects[i] == Effect::None;
            if is_steady {
                continue;
            }
            let state = match self.effects[i] {
                Effect::Freeze => self.tracker.state(),
                Effect::Error => self.tracker.error(),
                effect => {
                    if effect == Effect::Reset {
                        self.tracker.reset();
                    }
                    self.tracker.step(point.at_us, root[i])
                }
            };
            if state != self.state() {
                self.change(point, state, i);
            }
        }
    }

    /// The state that the transitions have led to.
    fn state(&self) -> State {
        self.found.last_state
    }

    /// Notes a change of state at evaluation `i` of a block.
    fn change(&mut self, point: Point, state: State, i: usize) {
        self.found.last_state = state;
        let causes = match state {
            State::Inactive => Vec::new(),
            State::Pending | State::Firing => causes(&self.evaluators, &self.leaves, i),
        };
        let names = |causes: &[usize]| -> Vec<String> {
            let name = |i: &usize| self.evaluators[*i].condition().name.clone();
            causes.iter().map(name).collect()
        };
        let named = names(&causes);
        if state == State::Firing && self.first.is_none() {
            self.found.first = Some(self.firing(point, named.clone()));
            self.first = Some((point, causes));
        }
        if self.found.transitions.len() >= RuleReplay::MAX_TRANSITIONS {
            self.found.transitions_omitted += 1;
            return;
        }
        let has_readings = self.found.transitions.len() < RuleReplay::MAX_READ_TRANSITIONS;
        let readings = if self.has_readings && has_readings {
            let read = |evaluator: &Evaluator<'_>| evaluator.reading(i as u32);
            self.evaluators.iter().filter_map(read).collect()
        } else {
            Vec::new()
        };
        self.found.transitions.push(Transition {
            time_us: point.at_us - self.view.zero_us(),
            row: row_of(self.view.prepared.log(), point),
            stage: self.view.stage_at(point.at_us).map(|stage| stage.index),
            state,
            causes: named,
            readings,
        });
    }

    fn firing(&self, point: Point, causes: Vec<String>) -> Firing {
        let rule = self.view.rule;
        let time_us = point.at_us - self.view.zero_us();
        let readings = rule
            .conditions()
            .into_iter()
            .filter(|_| self.has_readings)
            .map(|condition| reading_at(self.view, condition, point))
            .collect();
        Firing {
            row: row_of(self.view.prepared.log(), point),
            event_index: point.seen.checked_sub(1),
            time_us,
            effective_us: time_us + rule.delay.us,
            stage: self.view.stage_at(point.at_us),
            planned: None,
            causes,
            readings,
        }
    }

    /// Evaluations of the block that was run last, later than `after_us`, at which the conditions
    /// hold.
    pub(super) fn n_true_after(&self, block: &Block<'_>, after_us: i64) -> u64 {
        let root = combine(&self.view.rule.root, &self.leaves, &mut 0);
        let later = block.iter().zip(root);
        later
            .filter(|(point, truth)| point.at_us > after_us && *truth == Truth::True)
            .count() as u64
    }

    /// What the rule has done.
    pub(super) fn finish(mut self) -> RuleReplay {
        let log = self.view.prepared.log();
        self.found.exposure = Some(exposure(
            self.view,
            self.first.as_ref().map(|(point, _)| *point),
        ));
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
            found.evaluations_true_elsewhere = 0;
            found.last_state = State::Inactive;
        }
        self.found
    }
}

/// Which rows are of arms beside the two, where a rule looks at those too.
fn elsewhere(view: View<'_>) -> Option<Vec<bool>> {
    let follows_all = matches!(
        view.rule.clock,
        Clock::Request {
            arm: RequestArm::Any
        }
    );
    let arms = view.arms;
    if !follows_all || arms.all.len() <= arms.canary.len() + arms.baseline.len() {
        return None;
    }
    let mut found = vec![true; view.prepared.log().n_rows()];
    for row in arms.canary.iter().chain(&arms.baseline) {
        found[*row as usize] = false;
    }
    Some(found)
}

/// The conditions that hold at evaluation `i`, up to one that makes the monitor return. Without
/// any, those that lack data: a rule can fire for want of data.
fn causes(evaluators: &[Evaluator<'_>], leaves: &[Vec<Truth>], i: usize) -> Vec<usize> {
    let mut causes = Vec::new();
    for wanted in [Truth::True, Truth::Unknown, Truth::False] {
        for (place, (evaluator, truths)) in evaluators.iter().zip(leaves).enumerate() {
            if truths[i] == wanted {
                causes.push(place);
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

fn exposure(view: View<'_>, first: Option<Point>) -> Exposure {
    let log = view.prepared.log();
    let rows = view.rows(ArmRole::Canary);
    let split = match first {
        None => rows.len(),
        Some(first) => rows.partition_point(|row| {
            let is_seen = *row < first.seen;
            let last_us = first.at_us.saturating_add(view.rule.delay.us - 1);
            is_seen || log.event_us[*row as usize] <= last_us
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
            no_data: no_data_text(rule),
            ..Self::named(&rule.id, &rule.title, rule.action)
        }
    }

    fn named(id: &str, title: &str, action: Action) -> Self {
        Self {
            id: id.to_owned(),
            title: title.to_owned(),
            action,
            no_data: String::new(),
            skipped: None,
            first: None,
            evaluations: 0,
            evaluations_true: 0,
            evaluations_elsewhere: 0,
            evaluations_true_elsewhere: 0,
            conditions: Vec::new(),
            transitions: Vec::new(),
            transitions_omitted: 0,
            last_state: State::Inactive,
            last_evaluation_us: 0,
            phases: None,
            averted: None,
            after: None,
            ratings: None,
            plan: None,
            exposure: None,
        }
    }

    /// A rule of a rulebook that could not be read, in the place of its replay.
    pub fn unread(rule: &UnreadRule) -> Self {
        Self {
            skipped: Some(rule.error.to_string()),
            ..Self::named(&rule.id, &rule.id, Action::default())
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
