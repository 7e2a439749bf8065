//! Metrics per arm, and every arm against the control: values, effects, tests, verdicts.

use serde::{Deserialize, Serialize};

use super::StratifiedEffect;
use crate::stats::{Estimate, TestResult};
use crate::units::ValueForm;

/// Which way is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// Errors, latency, cost.
    LowerIsBetter,
    /// Ratings, success.
    HigherIsBetter,
    /// Volume, tokens: a change is worth knowing but neither good nor bad.
    Neutral,
}

impl Direction {
    /// As shown to people.
    pub fn label(self) -> &'static str {
        match self {
            Self::LowerIsBetter => "lower is better",
            Self::HigherIsBetter => "higher is better",
            Self::Neutral => "neither is better",
        }
    }
}

/// What a metric counts for in the decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MetricRole {
    /// What the rollout is meant to improve: it ships only if it is clearly better.
    Primary,
    /// Must not get worse than its margin.
    Guardrail,
    /// Explains: tested, corrected for its number, decides nothing.
    Secondary,
    /// Told: neither better nor worse.
    Neutral,
    /// Left out of scorecard, tests, segments and decision.
    Ignored,
}

impl MetricRole {
    /// All roles, in the order in which they are shown.
    pub const ALL: [Self; 5] = [
        Self::Primary,
        Self::Guardrail,
        Self::Secondary,
        Self::Neutral,
        Self::Ignored,
    ];

    /// As shown to people.
    pub fn label(self) -> &'static str {
        match self {
            Self::Primary => "Primary",
            Self::Guardrail => "Guardrail",
            Self::Secondary => "Secondary",
            Self::Neutral => "Neutral",
            Self::Ignored => "Ignored",
        }
    }

    /// Whether the decision depends on it.
    pub fn decides(self) -> bool {
        matches!(self, Self::Primary | Self::Guardrail)
    }

    /// Whether its p-values are corrected for the number of metrics in this role.
    pub fn is_corrected(self) -> bool {
        matches!(self, Self::Primary | Self::Secondary)
    }
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
    /// What its numbers are on: the scale of ratings, the currency of costs; empty where the form says it.
    pub scale: String,
    /// Which quantile it is, such as 0.95; `None` of shares and means.
    pub quantile: Option<f64>,
    /// Per arm, in the log's order.
    pub values: Vec<ArmValue>,
    /// Per arm other than the control.
    pub effects: Vec<Effect>,
}

/// A metric's value in one arm.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ArmValue {
    /// Index into [`super::Analysis::arms`].
    pub arm: usize,
    /// Size of the denominator.
    pub n: u64,
    /// Size of the numerator where the metric is a share.
    pub numerator: Option<u64>,
    /// The value with its interval; `None` where there are no data.
    pub estimate: Option<Estimate>,
}

/// What one row of an inference stands for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InferenceUnit {
    /// The unit that was assigned: users, sessions.
    #[default]
    #[serde(alias = "user")]
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
    /// Index into [`super::Analysis::arms`] of the arm compared with the control.
    pub arm: usize,
    /// The unit that `difference` and `test` stand on.
    pub unit: InferenceUnit,
    /// Arm minus control, in the metric's own unit.
    pub difference: Option<Estimate>,
    /// `difference` divided by the control's value; its interval allows for both arms' errors.
    /// `None` where the control's value is not clearly away from zero.
    pub relative: Option<Estimate>,
    /// The test of no difference on `unit`.
    pub test: Option<TestResult>,
    /// `test`'s p-value corrected for the metrics and arms declared primary, or secondary, with this
    /// one; `None` in other roles and without a test.
    pub p_adjusted: Option<f64>,
    /// The same difference with requests taken as independent, where `unit` is not the request.
    pub by_request: Option<AtUnit>,
    /// The same difference by user, where the analyst chose the request as the unit.
    pub by_unit: Option<AtUnit>,
    /// The difference where each user counts once; of shares and means over the whole log.
    pub each_unit_once: Option<Estimate>,
    /// Beside the `difference` of pairs, in a shadow test: what independent arms would give.
    pub unpaired: Option<AtUnit>,
    /// Variance by unit over variance by request; above 1, requests overstate the evidence.
    pub design_effect: Option<f64>,
    /// The difference adjusted for what was known before exposure; it decides nothing.
    pub adjusted: Option<Adjusted>,
    /// Set where the treatment's share changed over time: `difference` then combines the stages, and
    /// this holds each of them and the figure over the whole log.
    pub stratified: Option<StratifiedEffect>,
    /// Set where users and requests as the unit lead to different readings: one sentence.
    pub unit_warning: Option<String>,
    /// The tolerated change for the worse, in the metric's own unit.
    pub margin: Option<f64>,
    /// One-sided p-value of the hypothesis that the change for the worse exceeds the margin; small
    /// means shown to be no worse. `None` without a margin or an interval.
    pub p_non_inferior: Option<f64>,
    /// The difference against zero and the margin.
    pub verdict: Verdict,
}

/// A difference by user, adjusted for a covariate (CUPED).
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Adjusted {
    /// Arm minus control.
    pub difference: Estimate,
    /// The test of no difference.
    pub test: TestResult,
    /// What a unit of the covariate takes off the metric.
    pub theta: f64,
    /// Share of the variance of the difference that the adjustment removed; negative: it added some.
    pub variance_reduction: f64,
    /// Users of control and arm.
    pub n_units: [u64; 2],
    /// Those who have a value of the covariate; the others count with the mean.
    pub n_with: [u64; 2],
    /// How it would read.
    pub verdict: Verdict,
}

/// What was known about users before they met an arm.
#[derive(Debug, Clone, Serialize)]
pub struct CovariateFinding {
    /// Where it comes from.
    pub source: CovariateSource,
    /// As shown to people, within a sentence.
    pub label: String,
    /// End of the time before, exclusive; `None` for a column.
    pub until_us: Option<i64>,
    /// Users of control and treatment who have a value.
    pub n_units: [u64; 2],
    /// p-value that the arms differ in it; `None` where that could not be tested.
    pub p_balance: Option<f64>,
    /// Why effects are not adjusted by it, after "because"; `None` where they are.
    pub refused: Option<String>,
}

/// Where a covariate comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CovariateSource {
    /// A column mapped as known before exposure.
    Column,
    /// The metric itself, per user, before the treatment began.
    TimeBefore,
}

/// The figures at the other unit, beside an effect.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct AtUnit {
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
    /// The interval lies wholly on the worse side of zero and holds the margin, the estimate does not
    /// exceed it: harm is shown, but not whether it is more than tolerated.
    WorseMarginOpen,
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
            Self::WorseMarginOpen => "worse, margin open",
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
            Self::WorseMarginOpen => "▽",
            Self::Worse => "▼",
            Self::Changed => "≈",
            Self::NoClearChange | Self::NoData => "–",
        }
    }
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
    /// Index into [`super::Analysis::arms`].
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
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

/// Whether the effect on one metric differs between the values of one segment column.
#[derive(Debug, Clone, Serialize)]
pub struct SegmentSpread {
    /// The segment's column.
    pub segment: String,
    /// The metric's id, as in the scorecard.
    pub metric: String,
    /// As shown to people.
    pub label: String,
    /// Values that have an effect with an interval.
    pub n_values: u64,
    /// Cochran's Q over them.
    pub heterogeneity: TestResult,
    /// Its p-value after Holm's correction over all columns and the metrics that decide, or those
    /// that explain, with this one.
    pub p_holm: f64,
    /// The same after the chosen correction.
    pub p_adjusted: f64,
    /// Share of the spread between values that chance does not explain, 0 to 1.
    pub i_squared: f64,
    /// Set where the mean gets better and a value is clearly harmed: one sentence.
    pub hidden_harm: Option<String>,
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
    /// Observations of the metric in the control and in the treatment.
    pub n: (u64, u64),
    /// The metric in the control.
    pub control: Option<f64>,
    /// The metric in the treatment.
    pub treatment: Option<f64>,
    /// The effect.
    pub effect: Effect,
    /// p-value after Holm's correction over all segment effects on metrics that decide, or on those
    /// that explain; 1 where there is no test.
    pub p_holm: f64,
    /// The same after the chosen correction.
    pub p_adjusted: f64,
    /// The effect's reading after correction: what is clear by itself alone is not clear here.
    pub verdict: Verdict,
    /// Set where the treatment clearly harms this value.
    pub harm: Option<SegmentHarm>,
}

impl SegmentEffect {
    /// Fewer requests than this in either arm of a segment value are not compared.
    pub const MIN_REQUESTS: usize = 50;
    /// More values than this per column would drown the rest; the largest are kept.
    pub const MAX_VALUES: usize = 30;

    /// The metric in the control and in the treatment as the effect compares them: with the stages
    /// weighted alike where it does.
    pub fn compared(&self) -> (Option<f64>, Option<f64>) {
        match &self.effect.stratified {
            Some(found) => (Some(found.weighted.0), Some(found.weighted.1)),
            None => (self.control, self.treatment),
        }
    }

    /// The value as shown to people.
    pub fn shown_value(&self) -> &str {
        if self.value.is_empty() {
            "(empty)"
        } else {
            &self.value
        }
    }
}

/// Harm to a segment value that stays clear after correction.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SegmentHarm {
    /// One sentence with the effect and its interval.
    pub text: String,
    /// Whether the metric gets better on the whole, which hides the harm.
    pub is_hidden: bool,
    /// Whether it only repeats a harm that the whole log shows.
    pub is_known: bool,
    /// Whether the metric is one that decides.
    pub decides: bool,
    /// The harmed segment value of another column without whose requests this one is not harmed.
    pub same_as: Option<String>,
    /// The effect on all other requests, where it stays within the margin although the whole log is
    /// harmed: this value then carries the harm.
    pub without: Option<Estimate>,
}

/// How much of a segment's column the effects cover.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SegmentColumn {
    /// The column.
    pub segment: String,
    /// Values that occur in either arm.
    pub n_values: u64,
    /// Values that are compared.
    pub n_compared: u64,
    /// Values with too few requests in an arm.
    pub n_too_small: u64,
    /// Values with enough requests that gave way to larger ones.
    pub n_not_shown: u64,
}
