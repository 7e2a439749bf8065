//! One condition of a rule: what is measured, of whom, over which requests, and when it holds.

use serde::{Deserialize, Serialize};

use super::{Cmp, Column, Metric, PerArm, Score, TestRule, Window};
use crate::data::Quantity;
use crate::units::ValueForm;

/// One comparison of a metric with a threshold.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// Its name in causes; unique in the rule.
    pub name: String,
    /// What is measured.
    pub metric: Metric,
    /// Of which arm.
    pub arm: ArmRole,
    /// Over which requests, of the measured arm and of the baseline alike.
    pub window: Window,
    /// With what it is compared.
    pub comparison: Comparison,
    /// The value is multiplied by this before it is compared: 100 for per cent.
    pub scale: f64,
    /// Values that must be there, else the condition is unknown.
    pub min_n: PerArm,
    /// What the baseline must be, else the condition is false.
    pub require: Option<Require>,
    /// The value of an arm without data; without it the condition is unknown then.
    pub empty_as: Option<f64>,
    /// Whether values of 0 count as missing.
    pub drop_zero: bool,
    /// Which quantile is meant.
    pub quantile_method: QuantileMethod,
    /// Upper bounds of the histogram's buckets for [`QuantileMethod::PromBuckets`], ascending, in the
    /// metric's unit; empty otherwise.
    pub buckets: Vec<f64>,
    /// What unknown means; `None` leaves it unknown to the tree and the persistence.
    pub no_data: Option<NoData>,
    /// What a quotient 0/0 of counters means, where it differs from a lack of data.
    pub nan: Option<NoData>,
    /// What a quantile of very few values means.
    pub low_sample: LowSample,
    /// When it holds, the monitor returns: later conditions are no causes of that evaluation.
    pub stop: bool,
    /// The judge behind [`Metric::Score`]; `None` for every other metric.
    pub score: Option<Box<Score>>,
}

/// Which requests a condition measures.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ArmRole {
    /// The arm under test.
    #[default]
    Canary,
    /// The arm it is compared with.
    Baseline,
    /// Every request of the log, whatever its arm.
    All,
}

/// A comparison with its threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Comparison {
    /// `x cmp value`.
    Value {
        /// The operator.
        cmp: Cmp,
        /// The threshold.
        value: f64,
    },
    /// `x cmp factor·baseline`, a product and never a quotient.
    TimesBaseline {
        /// The operator.
        cmp: Cmp,
        /// The threshold.
        factor: f64,
    },
    /// `baseline − x cmp by`.
    Drop {
        /// The operator.
        cmp: Cmp,
        /// The threshold.
        by: f64,
    },
    /// `x − baseline cmp by`.
    Rise {
        /// The operator.
        cmp: Cmp,
        /// The threshold.
        by: f64,
    },
    /// A statistical test of canary against baseline.
    Test(TestRule),
}

/// What the baseline's value must be for a condition to be looked at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Require {
    /// The operator.
    pub cmp: Cmp,
    /// Compared with.
    pub value: f64,
}

/// Which of the definitions of a sample quantile.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum QuantileMethod {
    /// Linear interpolation of order statistics, type 7 of Hyndman and Fan (1996).
    #[default]
    #[serde(rename = "r7")]
    R7,
    /// `sorted[int(n·q)]`, the maximum for q = 1; never interpolated.
    #[serde(rename = "floor_index")]
    FloorIndex,
    /// `sorted[ceil(n·q) − 1]`.
    #[serde(rename = "nearest_rank")]
    NearestRank,
    /// `histogram_quantile` of Prometheus over the rates of bucket counters: linear inside a bucket.
    #[serde(rename = "prom_buckets")]
    PromBuckets,
}

/// What a condition without data means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NoData {
    /// It does not hold.
    False,
    /// It holds.
    True,
    /// It is what it was at the evaluation before.
    Hold,
    /// It does not hold, and the persistence starts anew.
    Reset,
    /// The evaluation is an error: it is neither counted nor passed, and repeated as the rule's
    /// `errors` say.
    Error,
}

/// What a quantile of very few values means (CloudWatch's `EvaluateLowSampleCountPercentile`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LowSample {
    /// It is a value like any other.
    #[default]
    Evaluate,
    /// With fewer than 10 / (1 − q) values (10 / q below the median) the rule keeps its state.
    Ignore,
}

impl Condition {
    /// How its values are written for people.
    pub fn form(&self) -> ValueForm {
        match self.metric.column().and_then(Column::known) {
            _ if self.scale != 1.0 => ValueForm::Number,
            _ if self.metric.is_share() => ValueForm::Share,
            Some(Quantity::LatencyMs | Quantity::TtftMs)
                if !matches!(self.metric, Metric::Share(_) | Metric::Consecutive(_)) =>
            {
                ValueForm::LatencyMs
            }
            _ => ValueForm::Number,
        }
    }

    /// Whether the baseline's value is needed to judge it.
    pub fn needs_baseline(&self) -> bool {
        self.require.is_some()
            || self.min_n.baseline > 0
            || !matches!(self.comparison, Comparison::Value { .. })
    }

    /// Fewer values than this keep the rule's state; 0 where any number will do.
    pub(super) fn least_n(&self) -> u32 {
        match (self.low_sample, &self.metric) {
            (LowSample::Ignore, Metric::Quantile(_, q)) => {
                // The rounding keeps 10 / (1 − 0.99) at 1000.
                (10.0 / q.min(1.0 - q) - 1e-6).ceil() as u32
            }
            _ => 0,
        }
    }
}

impl Comparison {
    /// The number that a person would move; of a test its level, of a confidence sequence its margin.
    pub fn threshold(self) -> f64 {
        match self {
            Self::Value { value, .. } => value,
            Self::TimesBaseline { factor, .. } => factor,
            Self::Drop { by, .. } | Self::Rise { by, .. } => by,
            Self::Test(test) if test.kind.is_limit() => test.margin,
            Self::Test(test) => test.alpha,
        }
    }

    /// Moves the threshold.
    pub fn set_threshold(&mut self, threshold: f64) {
        match self {
            Self::Value { value, .. } => *value = threshold,
            Self::TimesBaseline { factor, .. } => *factor = threshold,
            Self::Drop { by, .. } | Self::Rise { by, .. } => *by = threshold,
            Self::Test(test) if test.kind.is_limit() => test.margin = threshold,
            Self::Test(test) => test.alpha = threshold,
        }
    }

    /// What a bound becomes that was `bound` while the threshold was `before`.
    pub fn moved_bound(self, before: f64, bound: f64) -> f64 {
        let now = self.threshold();
        match self {
            Self::Value { .. } | Self::Test(_) => now,
            Self::TimesBaseline { .. } => bound / before * now,
            Self::Drop { .. } => bound + before - now,
            Self::Rise { .. } => bound - before + now,
        }
    }

    /// The threshold at which a bound would be `wanted` that is `bound` at the threshold `before`; `None`
    /// where none does it.
    pub fn threshold_for(self, before: f64, bound: f64, wanted: f64) -> Option<f64> {
        let threshold = match self {
            Self::Value { .. } | Self::Test(_) => wanted,
            Self::TimesBaseline { .. } => wanted * before / bound,
            Self::Drop { .. } => bound + before - wanted,
            Self::Rise { .. } => wanted - bound + before,
        };
        threshold.is_finite().then_some(threshold)
    }

    /// Its operator: of a test, how its p-value is compared with its level, or its limit with its
    /// margin.
    pub fn cmp(self) -> Cmp {
        match self {
            Self::Value { cmp, .. }
            | Self::TimesBaseline { cmp, .. }
            | Self::Drop { cmp, .. }
            | Self::Rise { cmp, .. } => cmp,
            Self::Test(test) if test.kind.is_limit() => Cmp::Gt,
            Self::Test(_) => Cmp::Lt,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Taking hold of a bound and moving it gives the threshold that puts it there.
    #[test]
    fn a_bound_follows_its_threshold() {
        let cmp = Cmp::Gt;
        // The baseline is 0.1 throughout.
        for (comparison, bound) in [
            (Comparison::Value { cmp, value: 0.05 }, 0.05),
            (Comparison::TimesBaseline { cmp, factor: 3.0 }, 0.3),
            (Comparison::Drop { cmp, by: 0.02 }, 0.08),
            (Comparison::Rise { cmp, by: 0.02 }, 0.12),
        ] {
            let before = comparison.threshold();
            let wanted = 0.09;
            let threshold = comparison.threshold_for(before, bound, wanted).unwrap();
            let mut moved = comparison;
            moved.set_threshold(threshold);
            let found = moved.moved_bound(before, bound);
            assert!((found - wanted).abs() < 1e-12, "{comparison:?}: {found}");
        }
        let times = Comparison::TimesBaseline { cmp, factor: 3.0 };
        assert_eq!(times.threshold_for(3.0, 0.0, 0.2), None);
    }
}
