//! [`Score`]: a canary judged by a weighted score over metrics, as Kayenta's
//! `NetflixACAJudge` does.
//!
//! The observations are points of time series, one per period and arm, not requests. Facts from
//! the sources of `NetflixACAJudge`, `MannWhitneyClassifier`, `WeightedSumScorer` and `IQRDetector`
//! (Apache-2.0).

use std::collections::BTreeMap;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Normal};
use serde::{Deserialize, Serialize};

use super::shift::{Shift, location_shift};
use super::{Metric, QuantileMethod, TimeSpan};
use crate::stats::quantile;

/// A judge with its metrics. It fires when the score does not exceed the marginal one.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    /// Scores of at least this are a pass at the end.
    pub pass: f64,
    /// The length of the period that one point covers.
    pub points: TimeSpan,
    /// Seed of the noise that tells two constant arms apart.
    pub seed: u64,
    /// Weights of groups, of 100 together; groups without share the rest.
    pub groups: BTreeMap<String, f64>,
    /// What is judged.
    pub metrics: Vec<ScoreMetric>,
}

/// One judged metric.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoreMetric {
    /// Its name; unique in the score.
    pub name: String,
    /// What every point measures.
    pub metric: Metric,
    /// Points are multiplied by this: shares lose precision below the test's tolerance of 1e-4.
    pub scale: f64,
    /// The group whose score it moves.
    pub group: String,
    /// Which change is bad.
    pub direction: Direction,
    /// Whether its failure alone makes the score 0.
    pub critical: bool,
    /// Whether a lack of data counts as a failure.
    pub must_have_data: bool,
    /// What becomes of points without data.
    pub nan: NanStrategy,
    /// Points further from the quartiles than this many interquartile ranges are left out.
    pub outlier_factor: Option<f64>,
    /// Which quantile is meant.
    pub quantile_method: QuantileMethod,
    /// How large a change must be.
    pub effect: Effect,
}

/// Which change of a metric is bad.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// An increase.
    Increase,
    /// A decrease.
    Decrease,
    /// Both.
    #[default]
    Either,
}

/// What becomes of points without data.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NanStrategy {
    /// They are left out.
    #[default]
    Remove,
    /// They are 0.
    Replace,
}

/// How large a change must be to fail, as canary over baseline.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Effect {
    /// How it is measured.
    pub measure: EffectMeasure,
    /// Increases below this pass.
    pub allowed_increase: f64,
    /// Decreases above this pass.
    pub allowed_decrease: f64,
    /// Increases from this on fail a critical metric.
    pub critical_increase: f64,
    /// Decreases down to this fail a critical metric.
    pub critical_decrease: f64,
}

/// How the size of a change is measured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum EffectMeasure {
    /// Mean of the canary over that of the baseline.
    #[default]
    #[serde(rename = "meanRatio")]
    MeanRatio,
    /// The chance that a point of the canary exceeds one of the baseline, ties counted half.
    #[serde(rename = "cles")]
    Cles,
}

/// What the judge says of one metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Pass,
    High,
    Low,
    /// Nothing to compare; left out of its group.
    Nodata,
    /// Nothing to compare where something should be.
    NodataFail,
}

/// One metric's judgement.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Judgement {
    pub(super) class: Class,
    /// Whether it makes the whole score 0.
    pub(super) is_critical: bool,
    /// Where the test was made.
    pub(super) shift: Option<Shift>,
}

/// The confidence of the test.
const CONFIDENCE: f64 = 0.98;

/// A change must exceed this part of its own estimate.
const FRACTION: f64 = 0.25;

impl ScoreMetric {
    /// Judges the points of both arms; NaN where a point has no data.
    pub(super) fn judge(&self, canary: &[f64], baseline: &[f64], seed: u64) -> Judgement {
        let (canary, baseline) = (self.points(canary), self.points(baseline));
        let plain = |class| Judgement {
            class,
            is_critical: false,
            shift: None,
        };
        if canary.is_empty() || baseline.is_empty() {
            return match self.nan {
                NanStrategy::Replace => plain(Class::Pass),
                NanStrategy::Remove if self.must_have_data && !self.critical => {
                    plain(Class::NodataFail)
                }
                NanStrategy::Remove => Judgement {
                    is_critical: self.critical,
                    ..plain(Class::Nodata)
                },
            };
        }
        let (canary, baseline) = match (constant(&canary), constant(&baseline)) {
            (Some(a), Some(b)) if a == b => return plain(Class::Pass),
            (Some(_), Some(_)) => (noisy(&canary, seed), noisy(&baseline, seed ^ 1)),
            _ => (canary, baseline),
        };
        let Some(shift) = sorted_differ(&canary, &baseline)
            .then(|| location_shift(&canary, &baseline, CONFIDENCE))
            .flatten()
        else {
            return plain(Class::Pass);
        };
        let effect = self.effect.of(&canary, &baseline);
        let bound = FRACTION * shift.estimate.abs();
        let is_high = self.direction != Direction::Decrease
            && shift.lower > bound
            && (effect.is_nan() || effect >= self.effect.allowed_increase);
        let is_low = self.direction != Direction::Increase
            && shift.upper < -bound
            && (effect.is_nan() || effect <= self.effect.allowed_decrease);
        let (class, is_extreme) = if is_high {
            (
                Class::High,
                effect.is_nan() || effect >= self.effect.critical_increase,
            )
        } else if is_low {
            (
                Class::Low,
                effect.is_nan() || effect <= self.effect.critical_decrease,
            )
        } else {
            (Class::Pass, false)
        };
        Judgement {
            class,
            is_critical: self.critical && is_extreme,
            shift: Some(shift),
        }
    }

    fn points(&self, points: &[f64]) -> Vec<f64> {
        let kept: Vec<f64> = match self.nan {
            NanStrategy::Remove => points.iter().copied().filter(|v| !v.is_nan()).collect(),
            NanStrategy::Replace => points
                .iter()
                .map(|v| if v.is_nan() { 0.0 } else { *v })
                .collect(),
        };
        match self.outlier_factor {
            Some(factor) => without_outliers(kept, factor),
            None => kept,
        }
    }
}

impl Score {
    /// The score from 0 to 100, rounded to two decimals.
    pub(super) fn of(&self, judged: &[Judgement]) -> f64 {
        let n_nodata = judged.iter().filter(|j| j.class == Class::Nodata).count();
        if judged.iter().any(|j| j.is_critical) || 2 * n_nodata >= judged.len() {
            return 0.0;
        }
        let mut groups: BTreeMap<&str, (u32, u32)> = BTreeMap::new();
        for (metric, judgement) in self.metrics.iter().zip(judged) {
            let (passed, counted) = groups.entry(&metric.group).or_default();
            *passed += u32::from(judgement.class == Class::Pass);
            *counted += u32::from(judgement.class != Class::Nodata);
        }
        let unweighted = groups
            .keys()
            .filter(|name| !self.groups.contains_key(**name))
            .count();
        let rest = (100.0 - self.groups.values().sum::<f64>()) / unweighted.max(1) as f64;
        let sum: f64 = groups
            .iter()
            .map(|(name, (passed, counted))| {
                let weight = self.groups.get(*name).copied().unwrap_or(rest);
                let score = match counted {
                    0 => 100.0,
                    n => 100.0 * f64::from(*passed) / f64::from(*n),
                };
                score * weight / 100.0
            })
            .sum();
        (sum * 100.0).round() / 100.0
    }
}

impl Effect {
    /// NaN where it is undefined.
    fn of(&self, canary: &[f64], baseline: &[f64]) -> f64 {
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        match self.measure {
            EffectMeasure::MeanRatio => mean(canary) / mean(baseline),
            EffectMeasure::Cles => {
                let mut sorted = baseline.to_vec();
                sorted.sort_unstable_by(f64::total_cmp);
                let twice_won = |value: &f64| {
                    let less = sorted.partition_point(|known| known < value);
                    let not_greater = sorted.partition_point(|known| known <= value);
                    (less + not_greater) as f64
                };
                let wins = canary.iter().map(twice_won).sum::<f64>() / 2.0;
                wins / (canary.len() * baseline.len()) as f64
            }
        }
    }
}

impl Default for Effect {
    fn default() -> Self {
        Self {
            measure: EffectMeasure::MeanRatio,
            allowed_increase: 1.0,
            allowed_decrease: 1.0,
            critical_increase: 1.0,
            critical_decrease: 1.0,
        }
    }
}

fn constant(values: &[f64]) -> Option<f64> {
    let first = *values.first()?;
    values.iter().all(|v| *v == first).then_some(first)
}

fn sorted_differ(a: &[f64], b: &[f64]) -> bool {
    let (mut a, mut b) = (a.to_vec(), b.to_vec());
    a.sort_by(f64::total_cmp);
    b.sort_by(f64::total_cmp);
    a != b
}

/// Two constants are told apart by noise of a hundred-thousandth of the value.
fn noisy(values: &[f64], seed: u64) -> Vec<f64> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    values
        .iter()
        .map(
            |value| match Normal::new(0.0, 1e-5 * value.abs().max(f64::MIN_POSITIVE)) {
                Ok(noise) => value + noise.sample(&mut random),
                Err(_) => *value,
            },
        )
        .collect()
}

/// Leaves out points beyond `factor` interquartile ranges from the quartiles; fences never cut into
/// the middle 98 %.
fn without_outliers(values: Vec<f64>, factor: f64) -> Vec<f64> {
    let mut sorted = values.clone();
    sorted.sort_by(f64::total_cmp);
    let at = |q| quantile(&sorted, q);
    let (Some(q1), Some(q3), Some(p1), Some(p99)) = (at(0.25), at(0.75), at(0.01), at(0.99)) else {
        return values;
    };
    let reach = factor * (q3 - q1);
    let (low, high) = ((q1 - reach).min(p1), (q3 + reach).max(p99));
    values
        .into_iter()
        .filter(|v| (low..=high).contains(v))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metric(nan: NanStrategy, critical: bool) -> ScoreMetric {
        ScoreMetric {
            name: "m".to_owned(),
            metric: Metric::ErrorShare,
            scale: 1.0,
            group: "g".to_owned(),
            direction: Direction::Either,
            critical,
            must_have_data: false,
            nan,
            outlier_factor: None,
            quantile_method: QuantileMethod::R7,
            effect: Effect::default(),
        }
    }

    fn class(canary: &[f64], baseline: &[f64], nan: NanStrategy) -> Class {
        metric(nan, false).judge(canary, baseline, 1).class
    }

    /// Cases of Kayenta's `ClassifierSuite`.
    #[test]
    fn metrics_are_classed_as_by_the_judge() {
        let low: Vec<f64> = (0..10).map(|i| 10.0 + f64::from(i)).collect();
        let high: Vec<f64> = low.iter().map(|v| v * 10.0).collect();
        assert_eq!(class(&high, &low, NanStrategy::Remove), Class::High);
        assert_eq!(class(&low, &high, NanStrategy::Remove), Class::Low);
        assert_eq!(class(&low, &low, NanStrategy::Remove), Class::Pass);
        assert_eq!(class(&[], &low, NanStrategy::Remove), Class::Nodata);
        assert_eq!(class(&[], &low, NanStrategy::Replace), Class::Pass);
        assert_eq!(
            class(&[1.0; 5], &[1.0; 7], NanStrategy::Remove),
            Class::Pass
        );
        assert_eq!(
            class(&[10.0; 10], &[20.0; 10], NanStrategy::Remove),
            Class::Low
        );
        let mut increase_only = metric(NanStrategy::Remove, false);
        increase_only.direction = Direction::Increase;
        assert_eq!(increase_only.judge(&low, &high, 1).class, Class::Pass);
    }

    #[test]
    fn small_effects_pass_and_critical_ones_zero_the_score() {
        let low: Vec<f64> = (0..30).map(|i| 100.0 + f64::from(i % 3)).collect();
        let high: Vec<f64> = low.iter().map(|v| v * 1.05).collect();
        let mut judged = metric(NanStrategy::Remove, true);
        judged.effect.allowed_increase = 1.1;
        assert_eq!(judged.judge(&high, &low, 1).class, Class::Pass);
        judged.effect.allowed_increase = 1.01;
        judged.effect.critical_increase = 1.04;
        let found = judged.judge(&high, &low, 1);
        assert_eq!((found.class, found.is_critical), (Class::High, true));
    }

    /// The scores that Kayenta's `ScorerSuite` publishes; its report-only metrics are not imported.
    #[test]
    fn groups_are_weighted() {
        let score = |groups: &[(&str, f64)], classes: &[(&str, Class)]| {
            let score = Score {
                pass: 95.0,
                points: TimeSpan::seconds(60),
                seed: 1,
                groups: groups.iter().map(|(n, w)| ((*n).to_owned(), *w)).collect(),
                metrics: classes
                    .iter()
                    .map(|(group, _)| ScoreMetric {
                        group: (*group).to_owned(),
                        ..metric(NanStrategy::Remove, false)
                    })
                    .collect(),
            };
            let judged: Vec<Judgement> = classes
                .iter()
                .map(|(_, class)| Judgement {
                    class: *class,
                    is_critical: false,
                    shift: None,
                })
                .collect();
            // A critical failure alone makes any of them 0.
            let mut critical = judged.clone();
            critical[0].is_critical = true;
            assert_eq!(score.of(&critical), 0.0);
            score.of(&judged)
        };
        let (pass, high, low, none) = (Class::Pass, Class::High, Class::Low, Class::Nodata);
        assert_eq!(score(&[], &[("a", pass)]), 100.0);
        assert_eq!(score(&[], &[("a", high)]), 0.0);
        assert_eq!(score(&[], &[("a", low), ("a", pass)]), 50.0);
        let two = [("a", 75.0), ("b", 25.0)];
        assert_eq!(score(&two, &[("a", pass), ("a", pass), ("b", high)]), 75.0);
        let even = [("a", 50.0), ("b", 50.0)];
        assert_eq!(score(&even, &[("a", pass), ("a", high), ("b", high)]), 25.0);
        assert_eq!(score(&[], &[("a", pass), ("a", pass)]), 100.0);
        assert_eq!(score(&[], &[("a", high), ("a", pass)]), 50.0);
        assert_eq!(score(&[], &[("a", high), ("a", pass), ("a", low)]), 33.33);
        assert_eq!(score(&[], &[("a", none)]), 0.0);
        assert_eq!(score(&[("a", 75.0)], &[("a", pass), ("b", high)]), 75.0);
        assert_eq!(score(&[("a", 75.0)], &[("a", high), ("b", pass)]), 25.0);
        assert_eq!(score(&[], &[("a", pass), ("a", Class::NodataFail)]), 50.0);
    }

    #[test]
    fn outliers_beyond_the_fences_go() {
        let mut values: Vec<f64> = (0..200).map(f64::from).collect();
        values.push(10_000.0);
        let kept = without_outliers(values, 3.0);
        assert_eq!(kept.len(), 200);
    }
}
