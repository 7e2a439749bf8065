//! What an analysis is: plain data, public fields, serialisable as documented JSON.

use serde::{Deserialize, Serialize};

use super::AnalysisSettings;
use crate::data::Quantity;
use crate::stats::{Estimate, Interval, TestResult};
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
    /// How the rollout was done, and what that allows.
    pub strategy: StrategyFinding,
    /// Ship, hold, roll back or keep collecting, with reasons.
    pub decision: Decision,
    /// Index into `arms` of the control.
    pub control: usize,
    /// Index into `arms` of the arm that the decision is about; `None` with a single arm.
    pub treatment: Option<usize>,
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
    /// Effects by segment value, the most harmful first.
    pub segments: Vec<SegmentEffect>,
    /// What the sample-size calculators start from.
    pub plan: PlanInputs,
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

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DecisionKind {
    /// No guardrail is harmed.
    Ship,
    /// Something forbids a conclusion, and more of the same data will not help.
    Hold,
    /// A guardrail is harmed beyond its margin.
    RollBack,
    /// Nothing is harmed so far, but some guardrail cannot be told yet.
    KeepCollecting,
}

impl DecisionKind {
    /// As shown to people.
    pub fn label(self) -> &'static str {
        match self {
            Self::Ship => "Ship",
            Self::Hold => "Hold",
            Self::RollBack => "Roll back",
            Self::KeepCollecting => "Keep collecting",
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
    /// The strongest first.
    pub reasons: Vec<Reason>,
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

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Checked and fine.
    Ok,
    /// Worth knowing.
    Note,
    /// May bias the comparison.
    Warning,
    /// The comparison cannot be trusted.
    Stop,
}

impl Severity {
    /// As shown to people.
    pub fn label(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Note => "Note",
            Self::Warning => "Warning",
            Self::Stop => "Stop",
        }
    }
}

/// One question about the log's soundness, answered.
#[derive(Debug, Clone, Serialize)]
pub struct HealthCheck {
    /// Stable name, such as `sample-ratio-units`.
    pub id: &'static str,
    /// What was asked.
    pub title: String,
    /// The answer's weight.
    pub severity: Severity,
    /// The answer, with its numbers.
    pub finding: String,
    /// What it means and what to do; empty when fine.
    pub advice: String,
    /// The test behind it.
    pub test: Option<TestResult>,
}

/// Which way is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// Errors, latency, cost.
    LowerIsBetter,
    /// Ratings, success.
    HigherIsBetter,
    /// Volume, tokens: a change is worth knowing but neither good nor bad.
    Neutral,
}

/// What a metric counts for in the decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum MetricRole {
    /// Must not get worse than its margin.
    Guardrail,
    /// Told, not decided on.
    Information,
}

/// One metric, all arms.
#[derive(Debug, Clone, Serialize)]
pub struct ScorecardRow {
    /// Stable name: `error_share`, `latency_p95`, `rating_mean`, `metric.copied`.
    pub id: String,
    /// As shown to people: "p95 latency".
    pub label: String,
    /// How its values are written.
    pub form: ValueForm,
    /// Which way is better.
    pub direction: Direction,
    /// What it counts for.
    pub role: MetricRole,
    /// What the denominator is: "requests", "successful requests", "rated requests".
    pub denominator: String,
    /// Per arm, in the log's order.
    pub values: Vec<ArmValue>,
    /// Per arm other than the control.
    pub effects: Vec<Effect>,
}

/// A metric's value in one arm.
#[derive(Debug, Clone, Serialize)]
pub struct ArmValue {
    /// Index into [`Analysis::arms`].
    pub arm: usize,
    /// Size of the denominator.
    pub n: u64,
    /// Size of the numerator where the metric is a share.
    pub numerator: Option<u64>,
    /// The value with its interval; `None` where there are no data.
    pub estimate: Option<Estimate>,
}

/// What one row of an inference stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum InferenceUnit {
    /// The unit that was assigned: users, sessions.
    Unit,
    /// Single requests, taken as independent.
    Request,
}

impl InferenceUnit {
    /// As shown to people.
    pub fn label(self) -> &'static str {
        match self {
            Self::Unit => "by user",
            Self::Request => "by request",
        }
    }
}

/// Treatment minus control.
#[derive(Debug, Clone, Serialize)]
pub struct Effect {
    /// Index into [`Analysis::arms`] of the arm compared with the control.
    pub arm: usize,
    /// The unit that `difference` and `test` stand on.
    pub unit: InferenceUnit,
    /// Arm minus control, in the metric's own unit.
    pub difference: Option<Estimate>,
    /// `difference` divided by the control's value; its interval ignores that value's own error.
    /// `None` where the control's value is not clearly away from zero.
    pub relative: Option<Estimate>,
    /// The test of no difference on `unit`.
    pub test: Option<TestResult>,
    /// The same difference with requests taken as independent, where `unit` is not the request.
    pub by_request: Option<RequestLevel>,
    /// Variance by unit over variance by request; above 1, requests overstate the evidence.
    pub design_effect: Option<f64>,
    /// The tolerated change for the worse, in the metric's own unit.
    pub margin: Option<f64>,
    /// The difference against zero and the margin.
    pub verdict: Verdict,
}

/// The request-level figures beside a unit-level effect.
#[derive(Debug, Clone, Serialize)]
pub struct RequestLevel {
    /// Arm minus control.
    pub difference: Estimate,
    /// The test of no difference.
    pub test: TestResult,
}

/// The reading of an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The interval lies wholly on the better side of zero.
    Better,
    /// The interval's worse end stays within the margin.
    WithinMargin,
    /// The interval spans too much to tell.
    Inconclusive,
    /// The interval lies wholly on the worse side of zero and the estimate is beyond the margin.
    Worse,
    /// A neutral metric whose interval excludes zero.
    Changed,
    /// A neutral metric whose interval spans zero.
    NoClearChange,
    /// Too little data.
    NoData,
}

impl Verdict {
    /// As shown to people.
    pub fn label(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::WithinMargin => "within margin",
            Self::Inconclusive => "inconclusive",
            Self::Worse => "worse",
            Self::Changed => "changed",
            Self::NoClearChange => "no clear change",
            Self::NoData => "no data",
        }
    }

    /// A shape that says the same without colour.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Better => "▲",
            Self::WithinMargin => "●",
            Self::Inconclusive => "?",
            Self::Worse => "▼",
            Self::Changed => "≈",
            Self::NoClearChange | Self::NoData => "–",
        }
    }
}

/// The distribution of one latency-like quantity, successful requests only.
#[derive(Debug, Clone, Serialize)]
pub struct LatencyPanel {
    /// Which quantity.
    pub quantity: Quantity,
    /// As shown to people.
    pub label: String,
    /// Histogram bin edges in milliseconds, logarithmic, ascending; one more than bins.
    pub edges_ms: Vec<f64>,
    /// Per arm.
    pub arms: Vec<LatencyArm>,
    /// Per arm other than the control: quantiles minus the control's.
    pub differences: Vec<QuantileDifferences>,
}

/// One arm's latency.
#[derive(Debug, Clone, Serialize)]
pub struct LatencyArm {
    /// Index into [`Analysis::arms`].
    pub arm: usize,
    /// Successful requests with a latency.
    pub n: u64,
    /// Successful requests whose latency was zero or negative, left out.
    pub n_not_positive: u64,
    /// Mean, milliseconds.
    pub mean_ms: f64,
    /// Standard deviation (n - 1), milliseconds.
    pub sd_ms: f64,
    /// Requests per histogram bin.
    pub counts: Vec<u64>,
    /// Type 7 quantiles at p25, p50, p75, p90, p95, p99 with intervals.
    pub quantiles: Vec<QuantileValue>,
    /// Points of the empirical distribution: latency in milliseconds at ascending shares.
    pub ecdf: Vec<(f64, f64)>,
}

/// A quantile.
#[derive(Debug, Clone, Serialize)]
pub struct QuantileValue {
    /// The share below, 0 to 1.
    pub q: f64,
    /// In milliseconds.
    pub estimate: Estimate,
}

/// Quantile differences of one arm.
#[derive(Debug, Clone, Serialize)]
pub struct QuantileDifferences {
    /// Index into [`Analysis::arms`].
    pub arm: usize,
    /// Arm minus control in milliseconds, at p5 to p99.
    pub points: Vec<QuantileValue>,
}

/// Metrics per time bucket and arm.
#[derive(Debug, Clone, Serialize)]
pub struct Trends {
    /// Width of a bucket.
    pub width_us: i64,
    /// Start of each bucket, event time.
    pub starts_us: Vec<i64>,
    /// Per arm.
    pub arms: Vec<TrendArm>,
}

/// One arm over time; every series has one entry per bucket, `None` where there are no data.
#[derive(Debug, Clone, Serialize)]
pub struct TrendArm {
    /// Index into [`Analysis::arms`].
    pub arm: usize,
    /// Requests.
    pub n_requests: Vec<u64>,
    /// Its share of the bucket's requests.
    pub share: Vec<Option<f64>>,
    /// Series by metric id: `error_share`, `latency_p50`, `latency_p95`, `rating_mean`, …
    pub series: Vec<TrendSeries>,
}

/// One metric of one arm over time.
#[derive(Debug, Clone, Serialize)]
pub struct TrendSeries {
    /// The metric's id, as in the scorecard.
    pub id: String,
    /// As shown to people.
    pub label: String,
    /// How its values are written.
    pub form: ValueForm,
    /// Per bucket.
    pub points: Vec<Option<TrendPoint>>,
}

/// One bucket's value.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct TrendPoint {
    /// The value.
    pub value: f64,
    /// Its pointwise interval, where one can be given.
    pub interval: Option<Interval>,
    /// The denominator.
    pub n: u64,
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

/// The tests of one metric, one arm against the control.
#[derive(Debug, Clone, Serialize)]
pub struct TestReport {
    /// The metric's id, as in the scorecard.
    pub metric: String,
    /// As shown to people.
    pub label: String,
    /// How its values are written.
    pub form: ValueForm,
    /// Index into [`Analysis::arms`].
    pub arm: usize,
    /// The test that the scorecard uses first.
    pub tests: Vec<TestLine>,
    /// What the tests take for granted.
    pub assumptions: Vec<Assumption>,
}

/// One test.
#[derive(Debug, Clone, Serialize)]
pub struct TestLine {
    /// What a row stands for.
    pub unit: InferenceUnit,
    /// The test.
    pub result: TestResult,
    /// The effect it speaks of, where it has one.
    pub difference: Option<Estimate>,
    /// What to know about it here.
    pub note: String,
}

/// Something that a test takes for granted.
#[derive(Debug, Clone, Serialize)]
pub struct Assumption {
    /// The assumption.
    pub text: String,
    /// Whether it holds here.
    pub holds: Holds,
    /// The evidence.
    pub why: String,
}

/// Whether an assumption holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Holds {
    /// Checked and holds.
    Yes,
    /// Cannot be checked from the log, or only in part.
    Unknown,
    /// Checked and does not hold.
    No,
}

impl Holds {
    /// As shown to people.
    pub fn label(self) -> &'static str {
        match self {
            Self::Yes => "holds",
            Self::Unknown => "cannot be checked",
            Self::No => "does not hold",
        }
    }
}

/// The effect of the treatment within one segment value.
#[derive(Debug, Clone, Serialize)]
pub struct SegmentEffect {
    /// The segment's column.
    pub segment: String,
    /// The value; `""` for an empty cell.
    pub value: String,
    /// The metric's id, as in the scorecard.
    pub metric: String,
    /// As shown to people.
    pub label: String,
    /// How its values are written.
    pub form: ValueForm,
    /// Requests of the control and of the treatment in this segment.
    pub n_requests: (u64, u64),
    /// The metric in the control.
    pub control: Option<f64>,
    /// The metric in the treatment.
    pub treatment: Option<f64>,
    /// The effect.
    pub effect: Effect,
    /// p-value after Holm's correction over all segment effects; 1 where there is no test.
    pub p_holm: f64,
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
