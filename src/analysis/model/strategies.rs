//! What the strategies other than a plain comparison have to say: pairs, switches, novelty.

use serde::Serialize;

use super::InferenceUnit;
use crate::stats::{Estimate, PairedCounts, TestResult};
use crate::units::ValueForm;

/// A shadow test, request by request.
#[derive(Debug, Clone, Serialize)]
pub struct ShadowFinding {
    /// Requests that both arms answered.
    pub n_pairs: u64,
    /// Requests of the control and of the treatment that the other arm did not answer.
    pub n_unpaired: (u64, u64),
    /// Rows that repeat a request id within their arm; the last counts.
    pub n_repeats: u64,
    /// Paired differences, treatment minus control.
    pub metrics: Vec<PairedMetric>,
    /// Failures pair by pair; `None` without a status.
    pub errors: Option<PairedErrors>,
    /// What the shadow took on top.
    pub load: Vec<ShadowLoad>,
}

/// The paired difference of one metric.
#[derive(Debug, Clone, Serialize)]
pub struct PairedMetric {
    /// Stable name: as in the scorecard, or `latency_mean`, `ttft_mean`.
    pub metric: String,
    /// As shown to people.
    pub label: String,
    /// How its values are written.
    pub form: ValueForm,
    /// What `difference` and `test` stand on.
    pub unit: InferenceUnit,
    /// Pairs in which both arms have a value.
    pub n_pairs: u64,
    /// Mean of the control over these pairs.
    pub control: f64,
    /// Mean of the treatment.
    pub treatment: f64,
    /// Treatment minus control; `None` where the differences do not vary.
    pub difference: Option<Estimate>,
    /// Paired t test on `unit`.
    pub test: Option<TestResult>,
    /// Paired t test with requests taken as independent, where `unit` is the user.
    pub by_request: Option<TestResult>,
    /// Wilcoxon's signed-rank test, requests taken as independent.
    pub signed_rank: Option<TestResult>,
}

/// Failures of both arms on the same requests.
#[derive(Debug, Clone, Serialize)]
pub struct PairedErrors {
    /// Pairs by which arm failed.
    pub counts: PairedCounts,
    /// Share of pairs with the same outcome.
    pub agreement: f64,
    /// Error share of the treatment minus that of the control.
    pub difference: Option<Estimate>,
    /// `McNemar`'s test; `None` where no pair differs.
    pub test: Option<TestResult>,
}

/// Totals of one resource.
#[derive(Debug, Clone, Serialize)]
pub struct ShadowLoad {
    /// As shown to people.
    pub label: String,
    /// What the control took.
    pub control: f64,
    /// What the shadow took on top.
    pub treatment: f64,
}

/// A blue-green switch: before and after.
#[derive(Debug, Clone, Serialize)]
pub struct SwitchFinding {
    /// The instant that parts the arms best, by start time.
    pub at_us: i64,
    /// Index into [`super::Analysis::arms`] of the arm before it.
    pub before: usize,
    /// Index of the arm after it.
    pub after: usize,
    /// Requests of an arm on the other's side.
    pub n_stray: u64,
    /// Width of a bucket.
    pub width_us: i64,
    /// Whether the time of day is part of the model.
    pub has_daily_pattern: bool,
    /// What the estimates cannot say.
    pub warning: String,
    /// Per metric that could be modelled.
    pub series: Vec<SwitchSeries>,
}

/// One metric around the switch; differences are after minus before.
#[derive(Debug, Clone, Serialize)]
pub struct SwitchSeries {
    /// The metric's id, as in the scorecard.
    pub metric: String,
    /// As shown to people.
    pub label: String,
    /// How its values are written.
    pub form: ValueForm,
    /// The jump at the switch.
    pub level: Estimate,
    /// Test of no jump.
    pub level_test: TestResult,
    /// The change of the slope, per day.
    pub slope_per_day: Estimate,
    /// Test of no change of the slope.
    pub slope_test: TestResult,
    /// Correlation of neighbouring buckets' errors.
    pub autocorrelation: f64,
    /// Per bucket with data.
    pub points: Vec<SwitchPoint>,
}

/// One bucket.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct SwitchPoint {
    /// Its start.
    pub start_us: i64,
    /// The metric.
    pub value: f64,
    /// The model.
    pub fitted: f64,
    /// The model as if there had been no switch.
    pub without_switch: f64,
}

/// Whether the effect changes as users get used to the treatment.
#[derive(Debug, Clone, Serialize)]
pub struct NoveltyFinding {
    /// Users looked at are one in this many: all are too many for the largest logs.
    pub one_user_in: u32,
    /// Per metric.
    pub series: Vec<NoveltySeries>,
}

/// The effect on one metric by day since a user's first request in the arm.
#[derive(Debug, Clone, Serialize)]
pub struct NoveltySeries {
    /// Stable name: as in the scorecard, or `latency_mean`.
    pub metric: String,
    /// As shown to people.
    pub label: String,
    /// How its values are written.
    pub form: ValueForm,
    /// Treatment minus control by day, by user.
    pub days: Vec<NoveltyDay>,
    /// Change of the difference per day, by user.
    pub slope_per_day: Estimate,
    /// Test of no change.
    pub test: TestResult,
}

/// The effect on one day since first exposure.
#[derive(Debug, Clone, Serialize)]
pub struct NoveltyDay {
    /// Whole days since the user's first request in the arm, from 0.
    pub day: u32,
    /// Users of the control and of the treatment.
    pub n_units: (u64, u64),
    /// Treatment minus control; `None` where it cannot be told.
    pub difference: Option<Estimate>,
}
