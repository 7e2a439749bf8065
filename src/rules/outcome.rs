//! What a replay found: plain values for screens, reports and JSON.
//!
//! Times count in microseconds from time zero, the first start stamp. The replay is open loop:
//! counts and transitions after the first firing show what the rule would have seen if no
//! rollback had taken effect.

use serde::Serialize;

use super::{
    Action, AfterFacts, ArmRole, Averted, Censoring, PlanFit, Replanned, RouterFit, State,
};
use crate::data::{Clock, Event, RequestLog};
use crate::units;

/// The replay of a rulebook over a log.
#[derive(Debug, Clone, PartialEq)]
pub struct Replay {
    /// Time zero in the log's own microseconds.
    pub time_zero_us: i64,
    /// What the log's stamps mean.
    pub clock: Clock,
    /// The last event, since time zero.
    pub last_event_us: i64,
    /// The canary's first event, since time zero; `None` without any.
    pub canary_from_us: Option<i64>,
    /// The real end of the comparison, if the log holds one: after it nothing of a rule can be seen.
    pub censoring: Option<Censoring>,
    /// What became of the log, if it was replayed under another plan than its own.
    pub replanned: Option<Replanned>,
    /// Of a log that is known by its cells, the length of their stretches of time: rules looked at their
    /// edges.
    pub grain_us: Option<i64>,
    /// What happened around the log, in order of time.
    pub events: Vec<ReplayEvent>,
    /// The stages of the rollout as they were replayed, in order; empty where nothing is known of them.
    pub stages: Vec<ReplayStage>,
    /// The routers of the rulebook beside the log.
    pub routers: Vec<RouterFit>,
    /// The replays, in the order of the rulebook.
    pub rules: Vec<RuleReplay>,
}

/// A deploy, a rollback or anything else beside the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReplayEvent {
    /// When, since time zero; negative before it.
    pub time_us: i64,
    /// What it was.
    pub kind: String,
    /// A remark; may be empty.
    pub note: String,
}

/// A stage of the rollout.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ReplayStage {
    /// Its start, since time zero.
    pub from_us: i64,
    /// The canary's share of the requests in it, 0 to 1.
    pub share: f64,
}

impl ReplayEvent {
    /// The events of a log.
    pub(super) fn all(log: &RequestLog, zero_us: i64) -> Vec<Self> {
        let event = |event: &Event| Self {
            time_us: event.time_us - zero_us,
            kind: event.kind.clone(),
            note: event.note.clone(),
        };
        log.events.iter().map(event).collect()
    }

    /// "rollback (too slow)".
    pub fn text(&self) -> String {
        match self.note.as_str() {
            "" => self.kind.clone(),
            note => format!("{} ({note})", self.kind),
        }
    }
}

impl Replay {
    /// What a reader has to know of a replay of cells; `None` for one of requests.
    pub fn grain_text(&self) -> Option<String> {
        let width = units::duration_us(self.grain_us?);
        Some(format!(
            "Replayed on cells of {width}: rules look at the edges of cells, and a firing is known to {width}. Latency quantiles are within ±1 %. Ratings count with their answers. A rule that needs finer cells or single requests is not evaluated, and what acting would have averted needs the request log."
        ))
    }
}

/// What one rule did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RuleReplay {
    /// The rule's id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// What it does when it fires.
    pub action: Action,
    /// What it makes of a lack of data, as a sentence.
    pub no_data: String,
    /// Why it could not be evaluated; everything else is empty then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skipped: Option<String>,
    /// The first time it acts.
    pub first: Option<Firing>,
    /// Evaluations at which its minimum was met.
    pub evaluations: u64,
    /// Evaluations at which its conditions held, whether it was firing or not.
    pub evaluations_true: u64,
    /// Of `evaluations`, those after requests of arms beside the two: a monitor that looks at every request
    /// looks then too, at windows that have not changed.
    pub evaluations_elsewhere: u64,
    /// Of `evaluations_true`, those after such requests.
    pub evaluations_true_elsewhere: u64,
    /// Its conditions, in the order of the rulebook.
    pub conditions: Vec<ConditionReplay>,
    /// Changes of its state; at most [`RuleReplay::MAX_TRANSITIONS`].
    pub transitions: Vec<Transition>,
    /// Changes of its state beyond those.
    pub transitions_omitted: u64,
    /// Its state at the end.
    pub last_state: State,
    /// Its last evaluation: from then on it no longer watches. 0 without any.
    pub last_evaluation_us: i64,
    /// Between when and when it would first have fired, had its ticks and scrapes fallen elsewhere;
    /// absent for a rule that follows the requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phases: Option<PhaseRange>,
    /// What acting at the first firing would have averted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub averted: Option<Averted>,
    /// What the monitor does after it acted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<AfterFacts>,
    /// When ratings came, where the rule measures them and the log knows that some came late.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ratings: Option<LateRatings>,
    /// How the log follows the plan that the rule belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<PlanFit>,
    /// The canary's requests before and after the first firing takes effect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exposure: Option<Exposure>,
}

impl RuleReplay {
    /// So many transitions are kept; a rule without persistence can change at every request.
    pub const MAX_TRANSITIONS: usize = 10_000;

    /// So many of them come with what the conditions saw.
    pub const MAX_READ_TRANSITIONS: usize = 500;

    /// Whether it stopped looking in the first half of the log.
    pub fn stops_early(&self, replay: &Replay) -> bool {
        self.evaluations > 0 && self.last_evaluation_us < replay.last_event_us / 2
    }

    /// At how many of how many evaluations its conditions held, after requests of the two arms; those after
    /// other arms' requests are told beside. `("12", "of 431")`.
    pub fn breaches(&self) -> (String, String) {
        let (held, n) = (self.evaluations_true, self.evaluations);
        let (held_there, n_there) = (self.evaluations_true_elsewhere, self.evaluations_elsewhere);
        let of = units::count(n - n_there);
        let of = match n_there {
            0 => format!("of {of}"),
            _ => format!(
                "of {of}; besides {} of {} after requests of other arms",
                units::count(held_there),
                units::count(n_there)
            ),
        };
        (units::count(held - held_there), of)
    }
}

/// How late ratings came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct LateRatings {
    /// Ratings of all arms.
    pub ratings: u64,
    /// Those that came later than their answer.
    pub later: u64,
    /// By how much, their median.
    pub median_us: i64,
}

/// The first time a rule acts.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Firing {
    /// The 0-based data row of the file that the evaluation saw last; `None` before any.
    pub row: Option<u32>,
    /// That row's index in the log; `None` before any.
    pub event_index: Option<u32>,
    /// When it decided.
    pub time_us: i64,
    /// When the action takes effect: the rule's delay later.
    pub effective_us: i64,
    /// The stage of the rollout at that time, as the log shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage: Option<StageAt>,
    /// The stage by the plan that the rule belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub planned: Option<PlannedAt>,
    /// The conditions that held, by name.
    pub causes: Vec<String>,
    /// What every condition saw.
    pub readings: Vec<Reading>,
}

/// A time within the rollout.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct StageAt {
    /// Which observed stage, from 0.
    pub index: usize,
    /// The canary's share of the requests in it, 0 to 1.
    pub share: f64,
    /// How long the stage had lasted.
    pub into_us: i64,
}

/// A time within a plan.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PlannedAt {
    /// Which of its stages, from 0.
    pub index: usize,
    /// The canary's planned share in it, 0 to 1.
    pub weight: f64,
    /// How long the stage had lasted.
    pub into_us: i64,
}

/// First firings over shifted ticks and scrapes. When a monitor's ticks fall is an accident: a firing
/// time to the second would be false precision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct PhaseRange {
    /// How many shifts were tried, evenly spread over one interval.
    pub n_phases: u32,
    /// At how many of them the rule fires at all.
    pub n_fired: u32,
    /// The earliest first firing, since time zero.
    pub earliest_us: Option<i64>,
    /// The latest first firing, of the shifts at which it fires.
    pub latest_us: Option<i64>,
}

/// What a condition saw at one evaluation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reading {
    /// The condition's name.
    pub condition: String,
    /// Which requests it measures.
    pub arm: ArmRole,
    /// The measured arm.
    pub measured: ArmReading,
    /// The baseline over the same kind of window.
    pub baseline: ArmReading,
    /// What the measured value is compared with: the threshold, or what follows from it and the
    /// baseline.
    pub bound: Option<f64>,
    /// Of a test: its p-value, or the limit of its confidence sequence, which is compared with the
    /// bound instead of the value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statistic: Option<f64>,
    /// Whether it held; before its policy for missing data.
    pub truth: Truth,
}

/// One arm's value in a window.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ArmReading {
    /// The value; `None` without data.
    pub value: Option<f64>,
    /// How many requests, or values, it rests on.
    pub n: u32,
}

/// Whether a condition holds. Ordered so that `any` is the maximum and `all` the minimum.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum Truth {
    /// It does not hold.
    #[default]
    False = 0,
    /// There is not enough data to tell.
    #[serde(rename = "no-data")]
    Unknown = 1,
    /// It holds.
    True = 2,
}

impl Truth {
    /// Not that.
    pub(super) fn negated(self) -> Self {
        match self {
            Self::False => Self::True,
            Self::Unknown => Self::Unknown,
            Self::True => Self::False,
        }
    }
}

/// What one condition did on its own, whatever the others.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ConditionReplay {
    /// Its name.
    pub name: String,
    /// What it says, as a sentence without its period.
    pub text: String,
    /// The number that decides.
    pub threshold: f64,
    /// Evaluations at which it held, after its policy for missing data.
    pub evaluations_true: u64,
    /// Evaluations at which it had too little data.
    pub evaluations_no_data: u64,
    /// The 0-based data row of the file at which it first held.
    pub first_row: Option<u32>,
    /// When it first held.
    pub first_us: Option<i64>,
    /// Why it can never be evaluated on this log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unavailable: Option<String>,
    /// Its value against its bound over time, thinned so that extremes stay; for charts.
    #[serde(skip)]
    pub series: Vec<SeriesPoint>,
}

/// A point of a condition's series.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct SeriesPoint {
    /// When.
    pub time_us: i64,
    /// The measured value.
    pub value: f64,
    /// What it is compared with.
    pub bound: f64,
}

/// A change of a rule's state.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Transition {
    /// When.
    pub time_us: i64,
    /// The 0-based data row of the file that the evaluation saw last; `None` before any.
    pub row: Option<u32>,
    /// The observed stage of the rollout, from 0; `None` where the stages are not known.
    pub stage: Option<usize>,
    /// The new state.
    pub state: State,
    /// The conditions that held then, by name.
    pub causes: Vec<String>,
    /// What the conditions saw then; empty beyond [`RuleReplay::MAX_READ_TRANSITIONS`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub readings: Vec<Reading>,
}

/// The canary's requests around the first firing. Counts only: what a rollback would have averted
/// also depends on what the baseline would have done with them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Exposure {
    /// Up to the moment it takes effect; all of them if the rule never fires.
    pub before: ExposureCounts,
    /// After it; with a rollback they would not have gone to the canary.
    pub after: ExposureCounts,
}

/// Requests and failures.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ExposureCounts {
    /// Requests of the canary.
    pub requests: u64,
    /// Those of them that failed.
    pub errors: u64,
}
