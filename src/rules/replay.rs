//! [`replay`]: a rulebook over a log.

use super::evaluate::{Block, Evaluator, reading_at};
use super::persist::Tracker;
use super::prepare::{Prepared, Roles, last_evaluation_us};
use super::state::{Point, Points, Sliding, Tally, TallyValue};
use super::{
    ArmRole, Clock, Exposure, ExposureCounts, Firing, Metric, Minimum, Node, Replay, RequestArm,
    Rule, RuleReplay, Rulebook, State, Transition, Truth, Window,
};
use crate::data::{Clock as LogClock, RequestLog};
use crate::error::{Error, ErrorKind, Result};
use crate::jobs::Progress;

/// Which arms of the log a rulebook means, unless it names them itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplaySettings {
    /// The index of the baseline among the log's arms.
    pub control: usize,
    /// The index of the canary among the log's arms.
    pub treatment: usize,
}

/// A rule with more ticks than this is not evaluated.
const MAX_TICKS: u64 = 100_000_000;

/// Replays every rule of the rulebook over the log, each on its own, open loop.
///
/// A rule that the log cannot feed is reported as skipped with the reason. Fails if the arms do
/// not exist or are one, or if the user cancels.
pub fn replay(
    log: &RequestLog,
    rulebook: &Rulebook,
    settings: &ReplaySettings,
    progress: &Progress,
) -> Result<Replay> {
    let (zero_us, last_us) = (
        log.time_zero_us(),
        log.event_span_us().map(|(_, last)| last),
    );
    let mut found = Replay {
        time_zero_us: zero_us,
        clock: log.clock,
        last_event_us: last_us.map_or(0, |last| last - zero_us),
        rules: Vec::with_capacity(rulebook.rules.len()),
    };
    match roles(log, rulebook, settings)? {
        Ok(roles) => {
            progress.phase("Preparing", 0)?;
            let prepared = Prepared::new(log, rulebook, roles);
            for rule in &rulebook.rules {
                found.rules.push(replay_rule(&prepared, rule, progress)?);
            }
        }
        Err(reason) => {
            let skip = |rule| RuleReplay::skipped(rule, reason.clone());
            found.rules.extend(rulebook.rules.iter().map(skip));
        }
    }
    Ok(found)
}

/// The arms, or why the rulebook's own labels do not lead to any.
fn roles(
    log: &RequestLog,
    rulebook: &Rulebook,
    settings: &ReplaySettings,
) -> Result<Result<Roles, String>> {
    let labelled = |label: &Option<String>, otherwise: usize| match label {
        None => Ok(otherwise),
        Some(label) => log.arm_index(label).ok_or_else(|| {
            let known: Vec<&str> = log.arms.iter().map(|arm| arm.name.as_str()).collect();
            format!(
                "the log has no arm called {label:?}; it has {}",
                known.join(", ")
            )
        }),
    };
    let canary = labelled(&rulebook.arms.canary, settings.treatment);
    let baseline = labelled(&rulebook.arms.baseline, settings.control);
    let (canary, baseline) = match (canary, baseline) {
        (Ok(canary), Ok(baseline)) => (canary, baseline),
        (Err(reason), _) | (_, Err(reason)) => return Ok(Err(reason)),
    };
    let n_arms = log.arms.len();
    if canary >= n_arms || baseline >= n_arms || canary == baseline {
        let message = "A replay needs two different arms, a control and a treatment";
        return Err(Error::new(ErrorKind::Settings, message)
            .hint("Choose which arm is the control and which is the treatment"));
    }
    Ok(Ok(Roles { canary, baseline }))
}

/// A rule on its way through the evaluations.
struct Run<'a> {
    prepared: &'a Prepared<'a>,
    rule: &'a Rule,
    evaluators: Vec<Evaluator<'a>>,
    gate: Option<Gate<'a>>,
    tracker: Tracker,
    found: RuleReplay,
    first: Option<Point>,
}

/// The rule's minimum of requests.
struct Gate<'a> {
    minimum: Minimum,
    canary: Sliding<'a, Tally<'a>>,
    baseline: Sliding<'a, Tally<'a>>,
    /// Whether it was met in a window that never holds fewer requests again.
    is_open_for_good: bool,
}

fn replay_rule(prepared: &Prepared<'_>, rule: &Rule, progress: &Progress) -> Result<RuleReplay> {
    let log = prepared.log;
    progress.phase("Replaying", log.n_rows() as u64)?;
    let mut points = match points(prepared, rule) {
        Ok(points) => points,
        Err(reason) => return Ok(RuleReplay::skipped(rule, reason)),
    };
    let mut run = Run::new(prepared, rule);
    if let Some(reason) = run.never_holds() {
        run.found.skipped = Some(reason);
    }
    let mut block = Vec::new();
    loop {
        points.fill(log, &mut block);
        let Some(last) = block.last() else {
            break;
        };
        run.run(&block);
        progress.tick(u64::from(last.seen))?;
    }
    Ok(run.finish())
}

/// The evaluations of a rule, or why there are none.
fn points<'a>(prepared: &'a Prepared<'a>, rule: &Rule) -> Result<Points<'a>, String> {
    let (zero_us, last_us) = prepared.span_us;
    let last_us = last_evaluation_us(rule, last_us);
    let Some(ticks) = rule.clock.ticks(zero_us, last_us) else {
        return Ok(match rule.clock {
            Clock::Request {
                arm: RequestArm::Canary,
            } => Points::Requests {
                rows: prepared.rows(ArmRole::Canary),
                next: 0,
            },
            Clock::Request {
                arm: RequestArm::Baseline,
            } => Points::Requests {
                rows: prepared.rows(ArmRole::Baseline),
                next: 0,
            },
            _ => Points::EveryRequest { next: 0 },
        });
    };
    if prepared.log.clock == LogClock::RowOrder {
        return Err("the log has no times, and the rule is evaluated by the clock".to_owned());
    }
    if ticks.n > MAX_TICKS {
        return Err(format!("the log lasts for {} evaluations", ticks.n));
    }
    Ok(Points::Ticks {
        ticks,
        next: 0,
        seen: 0,
    })
}

impl<'a> Run<'a> {
    fn new(prepared: &'a Prepared<'a>, rule: &'a Rule) -> Self {
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
    fn never_holds(&self) -> Option<String> {
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

    fn run(&mut self, points: &[Point]) {
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

    fn finish(mut self) -> RuleReplay {
        let log = self.prepared.log;
        self.found.exposure = Some(exposure(self.prepared, self.rule, self.first));
        self.found.conditions = self
            .evaluators
            .into_iter()
            .map(|evaluator| evaluator.finish(|point| row_of(log, point)))
            .collect();
        self.found
    }
}

impl<'a> Gate<'a> {
    fn new(prepared: &'a Prepared<'a>, minimum: Minimum) -> Self {
        let flags = prepared.flags(Metric::Count, false);
        let sliding = |arm| {
            Sliding::new(
                prepared.rows(arm),
                &prepared.log.event_us,
                minimum.window,
                prepared.span_us.0,
                Tally::new(flags, TallyValue::Count),
            )
        };
        Self {
            minimum,
            canary: sliding(ArmRole::Canary),
            baseline: sliding(ArmRole::Baseline),
            is_open_for_good: false,
        }
    }

    fn run(&mut self, points: &[Point], is_open: &mut [bool]) {
        if self.is_open_for_good {
            return;
        }
        let last = is_open.len() - 1;
        for (point, is_open) in points.iter().zip(is_open.iter_mut()) {
            self.canary.advance(*point);
            *is_open = self.canary.observed().n >= self.minimum.n.canary;
            if self.minimum.n.baseline > 0 {
                self.baseline.advance(*point);
                *is_open &= self.baseline.observed().n >= self.minimum.n.baseline;
            }
        }
        let never_shrinks = matches!(self.minimum.window, Window::Last { .. } | Window::Run);
        self.is_open_for_good = never_shrinks && is_open[last];
    }
}

/// The truths of a tree from those of its leaves: `any` is the maximum, `all` the minimum.
fn combine(node: &Node, leaves: &[Vec<Truth>], next: &mut usize) -> Vec<Truth> {
    match node {
        Node::Condition(_) => {
            *next += 1;
            leaves[*next - 1].clone()
        }
        Node::Any(parts) => fold(parts, leaves, next, |a, b| if a < b { b } else { a }),
        Node::All(parts) => fold(parts, leaves, next, |a, b| if b < a { b } else { a }),
    }
}

fn fold(
    parts: &[Node],
    leaves: &[Vec<Truth>],
    next: &mut usize,
    pick: impl Fn(Truth, Truth) -> Truth,
) -> Vec<Truth> {
    let mut parts = parts.iter();
    let mut whole = parts
        .next()
        .map(|part| combine(part, leaves, next))
        .unwrap_or_default();
    for part in parts {
        let truths = combine(part, leaves, next);
        for (a, b) in whole.iter_mut().zip(truths) {
            *a = pick(*a, b);
        }
    }
    whole
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
    fn empty(rule: &Rule) -> Self {
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
            exposure: None,
        }
    }

    fn skipped(rule: &Rule, reason: String) -> Self {
        Self {
            skipped: Some(reason),
            ..Self::empty(rule)
        }
    }
}
