//! What charts are drawn from: latency distributions and series over time.

use serde::Serialize;

use super::InferenceUnit;
use crate::data::Quantity;
use crate::stats::{Estimate, Interval};
use crate::units::ValueForm;

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
    /// Index into [`super::Analysis::arms`].
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

impl QuantileValue {
    /// Of several quantiles the one at `q`.
    pub fn at(quantiles: &[Self], q: f64) -> Option<&Estimate> {
        let found = quantiles.iter().find(|value| (value.q - q).abs() < 1e-9);
        found.map(|value| &value.estimate)
    }
}

/// Quantile differences of one arm.
#[derive(Debug, Clone, Serialize)]
pub struct QuantileDifferences {
    /// Index into [`super::Analysis::arms`].
    pub arm: usize,
    /// Arm minus control in milliseconds, at p5 to p99.
    pub points: Vec<QuantileValue>,
}

/// The effect on one metric with everything that was known at each look; its intervals hold at all
/// looks together.
#[derive(Debug, Clone, Serialize)]
pub struct EffectSeries {
    /// The metric's id, as in the scorecard.
    pub metric: String,
    /// As shown to people.
    pub label: String,
    /// How its values are written.
    pub form: ValueForm,
    /// Index into [`super::Analysis::arms`].
    pub arm: usize,
    /// What `n_units` counts, and the intervals stand on.
    pub unit: InferenceUnit,
    /// In the order of time; looks with too few units are left out.
    pub points: Vec<SeriesPoint>,
    /// The first look at which the interval lay wholly on the worse side of zero (either side for a
    /// neutral metric).
    pub first_harm_us: Option<i64>,
}

/// One look.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct SeriesPoint {
    /// The last event seen.
    pub time_us: i64,
    /// Units of both arms so far.
    pub n_units: u64,
    /// Arm minus control with its confidence sequence.
    pub difference: Estimate,
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
    /// Index into [`super::Analysis::arms`].
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
