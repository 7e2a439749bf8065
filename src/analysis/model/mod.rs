//! What an analysis is: plain data, public fields, serialisable as documented JSON.

mod comparison;
mod curves;
mod health;
mod segment_arms;
mod strategies;
mod stratified;

use serde::{Deserialize, Serialize};

pub use comparison::*;
pub use curves::*;
pub use health::*;
pub use segment_arms::*;
pub use strategies::*;
pub use stratified::*;

use super::{AnalysisSettings, CrossingUnits};
use crate::data::Event;
use crate::units::{Clock, ValueForm};

/// Version of the JSON form; raised when a field changes its meaning or goes away.
pub const SCHEMA: u32 = 1;

/// Everything that Hindsight has to say about a log, but for the rules.
#[derive(Debug, Clone, Serialize)]
pub struct Analysis {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The choices behind it, as given.
    pub settings: AnalysisSettings,
    /// What was looked at.
    pub log: LogSummary,
    /// What the choice about users in several arms left out; `None` where they are kept.
    pub crossing_left_out: Option<CrossingLeftOut>,
    /// How the rollout was done, and what that allows.
    pub strategy: StrategyFinding,
    /// Ship, hold, roll back or keep collecting, with reasons.
    pub decision: Decision,
    /// Index into `arms` of the control.
    pub control: usize,
    /// Index into `arms` of the arm that the decision is about; `None` with a single arm.
    pub treatment: Option<usize>,
    /// How control and treatment were chosen.
    pub chosen_by: [ChosenBy; 2],
    /// Per arm, in the log's order.
    pub arms: Vec<ArmSummary>,
    /// Whether the log can carry a conclusion; the worst first.
    pub health: Vec<HealthCheck>,
    /// One row per metric that the log can show.
    pub scorecard: Vec<ScorecardRow>,
    /// End-to-end latency and time to first token, of successful requests.
    pub latency: Vec<LatencyPanel>,
    /// Over time; `None` where the log has no times.
    pub trends: Option<Trends>,
    /// Stages of the rollout, inferred from the treatment's share.
    pub stages: Vec<Stage>,
    /// Per metric and treatment arm: the tests with their assumptions.
    pub tests: Vec<TestReport>,
    /// The treatment's effect on each deciding metric over time, as confidence sequences.
    pub over_time: Vec<EffectSeries>,
    /// Effects by segment value, the most harmful first.
    pub segments: Vec<SegmentEffect>,
    /// How much of each segment column `segments` covers.
    pub segment_columns: Vec<SegmentColumn>,
    /// Every arm by segment value, where more than two arms are compared.
    pub segment_arms: Vec<SegmentArms>,
    /// Effects of arms that are neither control nor treatment by segment value, on metrics that decide;
    /// each arm's corrected by themselves, the most harmful first.
    pub other_segments: Vec<SegmentEffect>,
    /// What effects were adjusted for, or why not; `None` where the log knows nothing of the time
    /// before.
    pub covariate: Option<CovariateFinding>,
    /// Pairs of a shadow test.
    pub shadow: Option<ShadowFinding>,
    /// Before and after a blue-green switch.
    pub switch: Option<SwitchFinding>,
    /// The effect by day since users met the treatment, where the log is long enough.
    pub novelty: Option<NoveltyFinding>,
    /// Per segment column and metric: whether the effect differs between values; harm that the mean
    /// hides first.
    pub segment_spread: Vec<SegmentSpread>,
    /// What the sample-size calculators start from.
    pub plan: PlanInputs,
    /// What the log is known by, where it is known by its cells; `None` where its requests are there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cells: Option<FromCells>,
}

/// How an analysis of cells differs from one of requests.
#[derive(Debug, Clone, Serialize)]
pub struct FromCells {
    /// Length of the cells' stretches of time, microseconds.
    pub width_us: i64,
    /// How far a latency quantile may be from the requests', relative to it.
    pub quantile_relative_error: f64,
    /// What is not shown, because single requests are needed for it.
    pub needs_request_log: Vec<NeedsRequestLog>,
}

/// Something that cells cannot say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NeedsRequestLog {
    /// The field of the analysis that is empty or less than it would be.
    pub field: &'static str,
    /// What is missing.
    pub what: String,
    /// What to do.
    pub advice: String,
}

impl FromCells {
    /// How far a metric's values may be from the requests', relative to them; `None` where they are the
    /// same.
    pub fn relative_error(&self, form: ValueForm) -> Option<f64> {
        (form == ValueForm::LatencyMs).then_some(self.quantile_relative_error)
    }
}

impl Analysis {
    /// Since when the treatment is harmed, in the log's own microseconds: the earliest stage from which on a
    /// harmed metric that decides is worse in every stage, and in none before. `None` where nothing is
    /// harmed, or some harm cannot be told to have had a beginning within the log.
    pub fn harm_from_us(&self) -> Option<i64> {
        let treatment = self.treatment?;
        let deciding = self.scorecard.iter().filter(|row| row.role.decides());
        let harmed = deciding
            .flat_map(|row| &row.effects)
            .filter(|effect| effect.arm == treatment && effect.verdict == Verdict::Worse);
        let onsets: Option<Vec<i64>> = harmed
            .map(|effect| effect.stratified.as_ref()?.onset_us)
            .collect();
        onsets?.into_iter().min()
    }
}

/// What was looked at.
#[derive(Debug, Clone, Serialize)]
pub struct LogSummary {
    /// The log's name.
    pub name: String,
    /// What its stamps mean.
    pub clock: Clock,
    /// Requests in the selection.
    pub n_requests: u64,
    /// Requests in the log, before the filter.
    pub n_requests_unfiltered: u64,
    /// Distinct units, where the log names them.
    pub n_units: Option<u64>,
    /// The column that names the units.
    pub unit_column: Option<String>,
    /// First event time; `None` for an empty selection.
    pub first_us: Option<i64>,
    /// Last event time.
    pub last_us: Option<i64>,
    /// What these and the arms' spans are.
    pub times: EventTimes,
    /// Whether the log tells success from failure; else every request counts in latencies.
    pub has_outcome: bool,
    /// Deploys, rollbacks and whatever else happened around the log, in order of time.
    pub events: Vec<Event>,
}

/// What the event times of a log are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EventTimes {
    /// When requests ended: from end stamps, or starts and latencies.
    Completion,
    /// When they started: nothing tells when they ended.
    Start,
}

/// What leaving out users in several arms, or their later arms, took away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct CrossingLeftOut {
    /// The choice.
    pub choice: CrossingUnits,
    /// Users who were in several arms of the whole log.
    pub n_units: u64,
    /// Their requests that were left out, before the filter.
    pub n_requests: u64,
}

/// Whether a log can carry a conclusion: what `inspect` shows, without the comparison.
#[derive(Debug, Clone, Serialize)]
pub struct Audit {
    /// How the rollout was done.
    pub strategy: StrategyFinding,
    /// Index into `arms` of the control.
    pub control: usize,
    /// Index into `arms` of the treatment; `None` with a single arm.
    pub treatment: Option<usize>,
    /// Per arm, in the log's order.
    pub arms: Vec<ArmSummary>,
    /// The checks, the worst first.
    pub health: Vec<HealthCheck>,
}

impl Audit {
    /// Whether a check forbids trusting the comparison.
    pub fn is_unsound(&self) -> bool {
        self.health
            .iter()
            .any(|check| check.severity == Severity::Stop)
    }
}

/// How a rollout was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// Arms at the same time, shares constant.
    AbTest,
    /// A small arm whose share grows by stages.
    Canary,
    /// Every request answered by both arms, one of them unseen.
    Shadow,
    /// One arm before an instant, another after it.
    BlueGreen,
    /// Arms one after another, with no plan to be seen: benchmark runs.
    Sequential,
    /// Fewer than two arms.
    SingleArm,
}

impl Strategy {
    /// As shown to people.
    pub fn label(self) -> &'static str {
        match self {
            Self::AbTest => "A/B test",
            Self::Canary => "Canary rollout",
            Self::Shadow => "Shadow test",
            Self::BlueGreen => "Blue-green switch",
            Self::Sequential => "One after another",
            Self::SingleArm => "Single arm",
        }
    }

    /// Whether arms ran side by side and answered different requests, so that they can be compared
    /// within stretches of time.
    pub fn has_stages(self) -> bool {
        matches!(self, Self::AbTest | Self::Canary)
    }

    /// Whether the arms ran side by side, so that a difference can be blamed on the arm.
    pub fn is_concurrent(self) -> bool {
        matches!(self, Self::AbTest | Self::Canary | Self::Shadow)
    }
}

/// The strategy, and why.
#[derive(Debug, Clone, Serialize)]
pub struct StrategyFinding {
    /// The strategy in force.
    pub strategy: Strategy,
    /// Whether the analyst said so, rather than the log.
    pub is_declared: bool,
    /// The evidence, one sentence.
    pub why: String,
    /// What follows for the comparison, one sentence.
    pub consequence: String,
}

impl StrategyFinding {
    /// As shown to people, on the clock of its log: without one, no order is known either.
    pub fn label(&self, clock: Clock) -> &'static str {
        match self.strategy {
            Strategy::Sequential if !self.is_order_known(clock) => "Order of the arms unknown",
            strategy => strategy.label(),
        }
    }

    /// Whether the log's clock, or the analyst, says which arm ran when.
    pub fn is_order_known(&self, clock: Clock) -> bool {
        self.is_declared || clock != Clock::RowOrder
    }
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DecisionKind {
    /// No guardrail is harmed.
    Ship,
    /// The log is sound, but something else forbids shipping, and more of the same data will not help.
    Hold,
    /// A guardrail is harmed beyond its margin.
    RollBack,
    /// Nothing is harmed so far, but something that decides cannot be told yet.
    KeepCollecting,
    /// A health check forbids any conclusion from this log.
    Unsound,
}

impl DecisionKind {
    /// As shown to people.
    pub fn label(self) -> &'static str {
        match self {
            Self::Ship => "Ship",
            Self::Hold => "Hold",
            Self::RollBack => "Roll back",
            Self::KeepCollecting => "Keep collecting",
            Self::Unsound => "Unsound",
        }
    }
}

/// The decision and its reasons.
#[derive(Debug, Clone, Serialize)]
pub struct Decision {
    /// What to do.
    pub kind: DecisionKind,
    /// One sentence that names the arm and the strongest reason.
    pub headline: String,
    /// Whether a health check forbids trusting the comparison.
    pub is_log_unsound: bool,
    /// What to do next, in one sentence; `None` where the headline says it.
    pub next_step: Option<String>,
    /// The strongest first.
    pub reasons: Vec<Reason>,
    /// What would change a reading: more data, or another margin; the nearest first.
    pub would_change: Vec<Outlook>,
    /// What speaks against it; empty where nothing does.
    pub dissent: Vec<String>,
}

/// What it would take for one metric to be read otherwise, everything else equal.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outlook {
    /// The metric's id, as in the scorecard.
    pub metric: String,
    /// As shown to people.
    pub label: String,
    /// The margin at which the metric would just pass, in its own unit; greater is more lenient.
    pub passing_margin: Option<f64>,
    /// Further units (requests where `unit` is the request) until the interval would be narrow
    /// enough with a chance of 80 %, if the truth is where the estimate stands.
    pub n_more: Option<u64>,
    /// What `n_more` counts.
    pub unit: InferenceUnit,
    /// How long that takes at this log's traffic, days.
    pub days_more: Option<f64>,
    /// The same in a sentence.
    pub text: String,
}

/// Why.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reason {
    /// Which way it points.
    pub weight: ReasonWeight,
    /// A sentence with the estimate, its interval and the margin.
    pub text: String,
}

/// Which way a reason points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReasonWeight {
    /// Forbids shipping.
    Against,
    /// Cannot be told yet.
    Open,
    /// Speaks for shipping.
    For,
}

/// The part that an arm plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ArmRole {
    /// What is in production.
    Control,
    /// What the decision is about.
    Treatment,
    /// Further arms, compared with the control too.
    Other,
}

/// One arm.
#[derive(Debug, Clone, Serialize)]
pub struct ArmSummary {
    /// Its label in the log.
    pub name: String,
    /// The part it plays.
    pub role: ArmRole,
    /// Requests.
    pub n_requests: u64,
    /// Distinct units.
    pub n_units: Option<u64>,
    /// Its share of all requests, 0 to 1.
    pub share_of_requests: f64,
    /// First and last event time; `None` for an arm without rows in the selection.
    pub span_us: Option<(i64, i64)>,
    /// Requests by outcome.
    pub outcomes: OutcomeCounts,
    /// Failed requests by code, the commonest first; empty where the log has no codes.
    pub errors: Vec<ErrorCount>,
}

/// How an arm came to be control or treatment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChosenBy {
    /// Somebody said so.
    Analyst,
    /// Its name says so: `baseline`, `canary`.
    Name,
    /// It is the lowest of several versions.
    Version,
    /// It is the largest, or the largest other.
    Size,
    /// Others are as large.
    Tie,
}

/// Failed requests of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ErrorCount {
    /// As in the log: `429`, `timeout`; empty for failures without a code.
    pub code: String,
    /// Requests.
    pub n: u64,
}

/// Requests by outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct OutcomeCounts {
    /// Answered.
    pub ok: u64,
    /// Failed.
    pub error: u64,
    /// Refused for load or quota.
    pub rate_limited: u64,
    /// Given up by the client.
    pub cancelled: u64,
    /// Unreadable.
    pub unknown: u64,
}

/// A stretch of constant treatment share.
#[derive(Debug, Clone, Serialize)]
pub struct Stage {
    /// First event time.
    pub from_us: i64,
    /// End, exclusive.
    pub to_us: i64,
    /// The treatment's share of requests, 0 to 1.
    pub share: f64,
    /// Requests of both arms.
    pub n_requests: u64,
    /// Requests of the treatment.
    pub n_treatment: u64,
}

/// What the calculators start from: this log's own baseline, spread and traffic.
#[derive(Debug, Clone, Default, Serialize)]
pub struct PlanInputs {
    /// Error share of the control.
    pub error_share: Option<f64>,
    /// Design effect of the error share; 1 where the log names no units.
    pub error_design_effect: f64,
    /// Mean rating of the control.
    pub rating_mean: Option<f64>,
    /// Standard deviation of ratings in the control.
    pub rating_sd: Option<f64>,
    /// Design effect of the rating.
    pub rating_design_effect: f64,
    /// Share of requests that carry a rating.
    pub rated_share: Option<f64>,
    /// Standard deviation of latency in the control, successes, milliseconds.
    pub latency_sd_ms: Option<f64>,
    /// Mean latency of the control, successes, milliseconds.
    pub latency_mean_ms: Option<f64>,
    /// Requests of all arms per day.
    pub requests_per_day: Option<f64>,
    /// Treatment requests per control request.
    pub allocation_ratio: Option<f64>,
}
