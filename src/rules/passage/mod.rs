//! First passages: by when a rule fires at every threshold, under any assignment of rows to arms.
//!
//! A condition that compares with a threshold is monotone in it: raising the threshold of `x > θ`
//! can only delay the first firing. So the running maximum of the highest threshold that is still
//! exceeded tells the first firing for every threshold at once. Its steps are exact: a threshold
//! holds at an evaluation if and only if [`super::replay`] says so, because the same windows and the
//! same comparison decide.
//!
//! Thresholds are oriented, so that higher is always harder to exceed: see [`oriented`].

mod any;
mod critical;
mod follow;
mod general;
mod requests;
#[cfg(test)]
mod tests;

use super::evaluate::reading_at;
use super::looks::points;
use super::persist::Tracker;
use super::prepare::{Prepared, View};
use super::run::Run;
use super::state::{Point, Points};
use super::{
    ArmRole, Clock, Cmp, Comparison, Condition, FailureScope, LowSample, NoData, Node, Persistence,
    RequestArm, Rule, Rulebook,
};
use crate::data::RequestLog;
use crate::error::Result;
use crate::jobs::Progress;

pub use super::prepare::Assignment;

/// A rule on a log, ready to be watched under many assignments of the log's rows to arms.
pub struct Watch<'a> {
    prepared: Prepared<'a>,
    rule: &'a Rule,
    conditions: Vec<&'a Condition>,
    reads_all: bool,
    is_separable: bool,
    /// Whether only requests of the two arms matter, and everything follows from them.
    follows_requests: bool,
}

/// How long a watch goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// To the first firing at the thresholds as written: steps end there.
    Firing,
    /// To the end of the assignment.
    End,
}

/// The first evaluation at which a threshold was exceeded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// The highest oriented threshold that is exceeded from here on; infinite if any is.
    pub level: f64,
    /// The number of the evaluation, from 0.
    pub look: u32,
    /// When, in the log's own microseconds.
    pub at_us: i64,
    /// Rows of the canary seen by then.
    pub requests: u32,
}

/// The first firing of a rule at its thresholds as written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fired {
    /// The number of the evaluation, from 0.
    pub look: u32,
    /// When, in the log's own microseconds.
    pub at_us: i64,
    /// Rows of the log seen by then.
    pub seen: u32,
    /// Rows of the canary seen by then.
    pub requests: u32,
    /// The conditions that held, by position, as bits; none for a firing for want of data.
    pub causes: u64,
    /// Whether the baseline's own value would have held in one of the causes that compare the canary
    /// with a fixed number; `None` where no cause does.
    pub is_common: Option<bool>,
}

/// What a watch saw.
#[derive(Debug, Clone, PartialEq)]
pub struct Passages {
    /// Per condition: the steps of the rule in which it alone counts among the alternatives of an
    /// `any`; within an `all` its siblings are as written.
    pub alone: Vec<Vec<Step>>,
    /// Per condition: the steps of the whole rule, all other conditions as written. Empty where the
    /// rule fires as soon as one condition holds: it is then the earliest of `alone`.
    pub beside: Vec<Vec<Step>>,
    /// The first firing as written.
    pub first: Option<Fired>,
    /// Evaluations at which the rule's minimum was met.
    pub looks: u64,
}

/// A threshold such that higher is harder to exceed: negated for `<` and `<=`. Its own inverse.
pub fn oriented(cmp: Cmp, threshold: f64) -> f64 {
    match cmp {
        Cmp::Lt | Cmp::Le => -threshold,
        Cmp::Gt | Cmp::Ge | Cmp::Eq | Cmp::Ne => threshold,
    }
}

/// The first step that exceeds an oriented threshold.
pub fn first_over(steps: &[Step], threshold: f64) -> Option<Step> {
    let reached = steps.partition_point(|step| step.level < threshold);
    steps.get(reached).copied()
}

impl<'a> Watch<'a> {
    /// Prepares a rule, or says why the log cannot feed it.
    pub fn new(log: &'a RequestLog, rule: &'a Rule) -> Result<Self, String> {
        let rulebook = Rulebook {
            rules: vec![rule.clone()],
            ..Rulebook::default()
        };
        let prepared = Prepared::new(log, &rulebook, &[]);
        let nobody = Assignment::of_rows(log, Vec::new(), Vec::new());
        let view = View::new(&prepared, &nobody, rule, None);
        if let Some(reason) = Run::new(view).never_holds() {
            return Err(reason);
        }
        points(view)?;
        if let Some(reason) = without_direction(rule) {
            return Err(reason);
        }
        let conditions = rule.conditions();
        let is_separable = is_alternative(&rule.root) && rule.persistence == Persistence::None;
        let follows_requests = is_separable && requests::applies(rule) && !prepared.is_late(rule);
        let looks_after_all = matches!(
            rule.clock,
            Clock::Request {
                arm: RequestArm::Any
            }
        );
        Ok(Self {
            reads_all: conditions.iter().any(|c| c.arm == ArmRole::All)
                || (looks_after_all && !follows_requests),
            is_separable,
            follows_requests,
            conditions,
            prepared,
            rule,
        })
    }

    /// Whether [`Assignment::all`] matters.
    pub fn reads_all(&self) -> bool {
        self.reads_all
    }

    /// Whether the rule fires as soon as one of its conditions holds, so that its first firing is
    /// the earliest of its conditions' at any combination of thresholds.
    pub fn is_separable(&self) -> bool {
        self.is_separable
    }

    /// Watches the rule over an assignment. Fails if the user cancels.
    pub fn run(
        &self,
        assignment: &Assignment,
        until: Until,
        progress: &Progress,
    ) -> Result<Passages> {
        let view = View::new(&self.prepared, assignment, self.rule, None);
        let mut passages = if self.follows_requests {
            requests::run(self, view, until, progress)?
        } else {
            let Ok(points) = self.points(view) else {
                return Ok(Passages::none(self.conditions.len()));
            };
            if self.is_separable {
                any::run(self, view, points, until, progress)?
            } else {
                general::run(self, view, points, until, progress)?
            }
        };
        if let Some(first) = &mut passages.first {
            first.is_common = self.is_common(view, first);
        }
        Ok(passages)
    }

    /// Whether the baseline breached too when the rule fired.
    fn is_common(&self, view: View<'_>, first: &Fired) -> Option<bool> {
        let point = Point {
            at_us: first.at_us,
            seen: first.seen,
        };
        let is_cause = |i: usize| {
            1_u64
                .checked_shl(i as u32)
                .is_some_and(|bit| first.causes & bit != 0)
        };
        self.conditions
            .iter()
            .enumerate()
            .filter(|(i, condition)| is_cause(*i) && condition.arm == ArmRole::Canary)
            .filter_map(|(_, condition)| match condition.comparison {
                Comparison::Value { cmp, value } => {
                    let other = reading_at(view, condition, point).baseline.value;
                    Some(other.is_some_and(|other| cmp.holds(other, value)))
                }
                _ => None,
            })
            .reduce(|a, b| a || b)
    }

    /// Evaluations follow the rows that take part, not every row of the log.
    fn points<'p>(&self, view: View<'p>) -> Result<Points<'p>, String> {
        match self.rule.clock {
            Clock::Request {
                arm: RequestArm::Any,
            } => Ok(Points::Requests {
                rows: view.rows(ArmRole::All),
                next: 0,
            }),
            _ => points(view),
        }
    }
}

impl Fired {
    fn new(at: Step, seen: u32, causes: u64) -> Self {
        Self {
            look: at.look,
            at_us: at.at_us,
            seen,
            requests: at.requests,
            causes,
            is_common: None,
        }
    }
}

impl Passages {
    fn none(n_conditions: usize) -> Self {
        Self {
            alone: vec![Vec::new(); n_conditions],
            beside: Vec::new(),
            first: None,
            looks: 0,
        }
    }
}

/// Whether a tree is true as soon as one leaf is.
fn is_alternative(node: &Node) -> bool {
    match node {
        Node::Condition(_) => true,
        Node::Any(parts) => parts.iter().all(is_alternative),
        Node::All(parts) => parts.len() == 1 && is_alternative(&parts[0]),
        Node::Not(_) => false,
    }
}

/// Why moving a threshold of this rule can delay its first firing as well as hasten it.
fn without_direction(rule: &Rule) -> Option<String> {
    let has = |is_so: fn(&Condition) -> bool| rule.conditions().into_iter().any(is_so);
    let reason = if has_negation(&rule.root) {
        "it has a condition that must not hold"
    } else if has(|condition| condition.no_data == Some(NoData::Error) || condition.nan.is_some()) {
        "it tells errors from a lack of data"
    } else if has(|condition| condition.low_sample == LowSample::Ignore) {
        "it keeps its state while there are few values"
    } else if matches!(
        rule.persistence,
        Persistence::Failures {
            scope: FailureScope::Stage,
            ..
        }
    ) {
        "it counts failures by stage"
    } else {
        return None;
    };
    Some(format!(
        "its thresholds cannot be varied one by one: {reason}"
    ))
}

fn has_negation(node: &Node) -> bool {
    match node {
        Node::Not(_) => true,
        Node::Condition(_) => false,
        Node::Any(parts) | Node::All(parts) => parts.iter().any(has_negation),
    }
}

/// The step at an evaluation.
fn step_at(view: View<'_>, level: f64, look: usize, point: Point) -> Step {
    let rows = view.rows(ArmRole::Canary);
    Step {
        level,
        look: look as u32,
        at_us: point.at_us,
        requests: rows.partition_point(|row| *row < point.seen) as u32,
    }
}

/// A tracker that has seen nothing.
fn tracker(rule: &Rule) -> Tracker {
    Tracker::new(rule.persistence)
}
