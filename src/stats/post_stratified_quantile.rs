//! Quantiles of both arms standardised to the same strata.
//!
//! Each arm's distribution is `F(x) = Σ W_s F_s(x)` with the weights of [`super::post_stratified`], the same
//! for both arms; its quantile is read off by type 7, carried over to weighted observations (equal
//! weights give type 7 itself). The interval is Woodruff's (1952): the standard error of F at the
//! quantile, by unit, moves the share up and down, and the distribution says where that is.

use std::sync::Arc;

use super::contributions::{Contributions, bessel};
use super::counts::{Ascending, Coded, Counts};
use super::estimate::{Estimate, valid_level};
use super::post_stratified::{Independence, Stratified, StratumDifference, weights};
use super::quantile::{
    clustered_quantile_estimate, quantile, quantile_difference, quantile_estimate, quantile_test,
};
use super::ratio::RatioMoments;
use super::weighted_counts::Weighted;

/// One arm's observations of all strata; counted once for any number of quantiles.
#[derive(Debug, Clone, Default)]
pub struct LayeredSample<'a> {
    strata: Vec<(Coded<'a>, Arc<Counts<'a>>)>,
}

impl<'a> LayeredSample<'a> {
    /// Of the cells of one arm, one per stratum, all with the same table.
    pub fn new(cells: &[Coded<'a>]) -> Self {
        let counted = |cell: &Coded<'a>| (*cell, Arc::new(Counts::of(cell.table, cell.codes)));
        Self {
            strata: cells.iter().map(counted).collect(),
        }
    }

    /// The same where it is known how often each value occurs in each cell.
    pub fn counted(cells: &[Coded<'a>], counts: &[Arc<Counts<'a>>]) -> Self {
        let strata = cells.iter().copied().zip(counts.iter().cloned());
        Self {
            strata: strata.collect(),
        }
    }

    /// The first `n` observations in the order of the strata and, within them, in that in which they
    /// were given; strata that stay whole are not counted again.
    #[must_use]
    pub fn first(&self, n: usize) -> Self {
        let mut left = n;
        let cut = |(cell, counts): &(Coded<'a>, Arc<Counts<'a>>)| {
            let n = left.min(cell.len());
            left -= n;
            if n == cell.len() {
                return (*cell, counts.clone());
            }
            let cell = cell.range(0..n);
            (cell, Arc::new(Counts::of(cell.table, cell.codes)))
        };
        Self {
            strata: self.strata.iter().map(cut).collect(),
        }
    }

    /// The standardised quantile with its interval.
    fn quantile(
        &self,
        weights: &[f64],
        (q, by): (f64, Independence),
        level: f64,
    ) -> Option<Estimate> {
        let weighted = self.weighted(weights);
        let value = weighted.at(q)?;
        let (end, share_below) = weighted.end_near(value, q)?;
        let mut contributions = Contributions::default();
        for ((cell, counts), (each, _)) in self.strata.iter().zip(&weighted.layers) {
            if *each == 0.0 {
                continue;
            }
            let n_below = counts.n_below(end);
            let share = n_below as f64 / cell.len() as f64;
            let (below, not_below) = (each * (1.0 - share), each * (0.0 - share));
            if by == Independence::OfObservations || cell.units.is_empty() {
                let n_rest = (cell.len() - n_below) as f64;
                let squares = n_below as f64 * below * below + n_rest * not_below * not_below;
                contributions.add_independent(cell.len() as u64, squares);
                continue;
            }
            let deviation = |code: &u32| if *code < end { below } else { not_below };
            let units = cell.units.iter().zip(cell.codes);
            contributions.add_each(units.map(|(unit, code)| (*unit, deviation(code))));
        }
        let n_units = contributions.n_units();
        let variance = contributions.variance()? * bessel(n_units as f64);
        let variance = weighted.variance((q, share_below), end, variance);
        weighted.estimate((value, q), variance, n_units, level)
    }

    fn weighted(&self, weights: &[f64]) -> Weighted<'_> {
        Weighted {
            layers: weights
                .iter()
                .zip(&self.strata)
                .map(|(w, (cell, counts))| {
                    let n = cell.len();
                    (if n > 0 { w / n as f64 } else { 0.0 }, &**counts)
                })
                .collect(),
        }
    }

    /// One stratum by itself.
    fn within(&self, stratum: usize, (q, by): (f64, Independence), level: f64) -> Option<Estimate> {
        let (cell, counts) = &self.strata[stratum];
        let counts = &**counts;
        if by == Independence::OfObservations || cell.units.is_empty() {
            return quantile_estimate(counts, q, level);
        }
        let end = counts.end_near(quantile(counts, q)?, q);
        clustered_quantile_estimate(counts, q, &share_below(cell, end), level)
    }
}

/// How many observations each unit has below a code, over how many it has in all.
fn share_below(cell: &Coded<'_>, above: u32) -> RatioMoments {
    let highest = cell.units.iter().max().map_or(0, |unit| *unit as usize);
    let mut by_unit = vec![(0u32, 0u32); highest + 1];
    for (unit, code) in cell.units.iter().zip(cell.codes) {
        let (n, below) = &mut by_unit[*unit as usize];
        *n += 1;
        *below += u32::from(*code < above);
    }
    RatioMoments::of_whole_numbers(by_unit.into_iter().map(|(n, below)| (below, n)))
}

/// A quantile of both arms, standardised to the same strata, and its difference b − a, intervals
/// joined by the square-and-add rule. Units in both arms are taken as two, which widens the interval
/// where their answers resemble each other.
///
/// `None` if no stratum has both arms, if an arm has fewer than two units, or if `q` or `level` is
/// outside (0, 1).
pub fn standardised_quantiles(
    a: &LayeredSample<'_>,
    b: &LayeredSample<'_>,
    (q, by): (f64, Independence),
    level: f64,
) -> Option<(Estimate, Estimate, Estimate)> {
    valid_level(level)?;
    if !(q > 0.0 && q < 1.0) {
        return None;
    }
    let weights = weights(&a.strata, &b.strata, |(cell, _)| by.size(cell));
    let value_a = a.quantile(&weights, (q, by), level)?;
    let value_b = b.quantile(&weights, (q, by), level)?;
    Some((value_a, value_b, quantile_difference(&value_a, &value_b)?))
}

/// One arm's observations of all strata, counted, and what is known of its units.
pub struct CountedLayers<'c, S, W> {
    /// One per stratum, all with the same table.
    pub counts: Vec<Counts<'c>>,
    /// By how much clustering multiplies the variance of the share up to a value standardised with some
    /// weights, and the units that it stands on.
    pub design_effect: S,
    /// The quantile in one stratum alone.
    pub within: W,
}

impl<S, W> CountedLayers<'_, S, W>
where
    S: Fn(f64, &[f64]) -> Option<(f64, u64)>,
    W: Fn(usize) -> Option<Estimate>,
{
    fn quantile(&self, weights: &[f64], q: f64, level: f64) -> Option<Estimate> {
        let layers = weights.iter().zip(&self.counts);
        let layers = layers.map(|(w, counts)| (w / counts.n().max(1) as f64, counts));
        let weighted = Weighted {
            layers: layers.collect(),
        };
        let value = weighted.at(q)?;
        let (end, share) = weighted.end_near(value, q)?;
        let (design_effect, n) = (self.design_effect)(value, weights)?;
        let variance = weighted.variance((q, share), end, 0.0) * design_effect.max(1.0);
        weighted.estimate((value, q), variance, n, level)
    }
}

/// As [`stratified_quantiles`], of counts whose standard errors are known, and whose values to a
/// relative error.
pub fn stratified_quantiles_of_counts<S, W>(
    a: &CountedLayers<'_, S, W>,
    b: &CountedLayers<'_, S, W>,
    (q, known_to): (f64, f64),
    level: f64,
) -> Option<Stratified>
where
    S: Fn(f64, &[f64]) -> Option<(f64, u64)>,
    W: Fn(usize) -> Option<Estimate>,
{
    valid_level(level)?;
    let size = |counts: &Counts<'_>| if counts.n() < 2 { 0 } else { counts.n() };
    let weights = weights(&a.counts, &b.counts, size);
    let value_a = a.quantile(&weights, q, level)?.known_to(known_to);
    let value_b = b.quantile(&weights, q, level)?.known_to(known_to);
    let own = |s: usize| (a.within)(s).zip((b.within)(s));
    joined((value_a, value_b), &weights, own)
}

/// [`standardised_quantiles`] with each stratum's own difference.
pub fn stratified_quantiles(
    a: &LayeredSample<'_>,
    b: &LayeredSample<'_>,
    (q, by): (f64, Independence),
    level: f64,
) -> Option<Stratified> {
    let (value_a, value_b, _) = standardised_quantiles(a, b, (q, by), level)?;
    let weights = weights(&a.strata, &b.strata, |(cell, _)| by.size(cell));
    let own = |s: usize| a.within(s, (q, by), level).zip(b.within(s, (q, by), level));
    joined((value_a, value_b), &weights, own)
}

/// Both arms' quantiles, their difference, and that of each stratum.
fn joined(
    (a, b): (Estimate, Estimate),
    weights: &[f64],
    own: impl Fn(usize) -> Option<(Estimate, Estimate)>,
) -> Option<Stratified> {
    let difference = quantile_difference(&a, &b)?;
    let strata = (0..weights.len())
        .filter(|s| weights[*s] > 0.0)
        .map(|s| {
            let difference = own(s).and_then(|(a, b)| quantile_difference(&a, &b));
            StratumDifference {
                index: s,
                weight: weights[s],
                difference,
                test: difference.and_then(|d| quantile_test(&d)),
            }
        })
        .collect();
    Some(Stratified {
        difference,
        test: quantile_test(&difference),
        a,
        b,
        strata,
    })
}

#[cfg(test)]
mod tests {
    use super::super::counts::coded;
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn one_stratum_is_type_7(
            mut values in prop::collection::vec(0.0..100.0_f64, 2..60),
            q in 0.01..0.99_f64,
        ) {
            let (table, codes) = coded(&values);
            let sample = LayeredSample::new(&[Coded { table: &table, codes: &codes, units: &[] }]);
            let found = sample.quantile(&[1.0], (q, Independence::OfUnits), 0.95).unwrap();
            values.sort_by(f64::total_cmp);
            let plain = quantile(&values, q).unwrap();
            prop_assert!((found.value - plain).abs() < 1e-9, "{} {plain}", found.value);
            prop_assert!(found.interval.lower <= found.value && found.value <= found.interval.upper);
        }
    }

    #[test]
    fn the_interval_is_that_of_clustered_order_statistics_where_there_is_one_stratum() {
        let values: Vec<f64> = (0..4000).map(|i| f64::from(i * 7919 % 4001)).collect();
        let units: Vec<u32> = (0..4000).map(|i| i / 4).collect();
        let (table, codes) = coded(&values);
        let sample = LayeredSample::new(&[Coded {
            table: &table,
            codes: &codes,
            units: &units,
        }]);
        let found = sample
            .quantile(&[1.0], (0.9, Independence::OfUnits), 0.95)
            .unwrap();
        let plain = sample
            .within(0, (0.9, Independence::OfUnits), 0.95)
            .unwrap();
        assert!((found.value - plain.value).abs() < 1e-9);
        for (f, p) in [
            (found.interval.lower, plain.interval.lower),
            (found.interval.upper, plain.interval.upper),
        ] {
            assert!((f - p).abs() <= 2.0, "{f} {p}");
        }
    }

    #[test]
    fn a_drift_between_strata_is_no_difference() {
        // Nights are slow and have few treatment requests.
        let day: Vec<f64> = (0..1000).map(|i| 100.0 + f64::from(i % 100)).collect();
        let night: Vec<f64> = day.iter().map(|v| v * 3.0).collect();
        let (table, codes) = coded(&[day, night].concat());
        let cell = |range| {
            let all = Coded {
                table: &table,
                codes: &codes,
                units: &[],
            };
            all.range(range)
        };
        let a = LayeredSample::new(&[cell(0..200), cell(1000..2000)]);
        let b = LayeredSample::new(&[cell(0..1000), cell(1000..1200)]);
        let found = stratified_quantiles(&a, &b, (0.8, Independence::OfUnits), 0.95).unwrap();
        assert!(found.difference.value.abs() < 3.1, "{found:?}");
    }

    /// The definition, one observation after the other.
    fn plainly(cells: &[(Vec<f64>, f64)], q: f64, half: f64) -> (f64, f64, f64) {
        let mut all: Vec<(f64, f64)> = Vec::new();
        for (values, weight) in cells {
            all.extend(values.iter().map(|v| (*v, weight / values.len() as f64)));
        }
        all.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (first, last) = (all[0].1, all[all.len() - 1].1);
        let target = first / 2.0 + q * (1.0 - f64::midpoint(first, last));
        let mut sum = 0.0;
        let middles: Vec<(f64, f64)> = all
            .iter()
            .map(|(value, weight)| {
                sum += weight;
                (sum - weight / 2.0, *value)
            })
            .collect();
        let found = middles.iter().position(|m| m.0 >= target - 1e-12);
        let value = match found {
            None => all[all.len() - 1].0,
            Some(0) => all[0].0,
            Some(i) => {
                let (low, high) = (middles[i - 1], middles[i]);
                let part = ((target - low.0) / (high.0 - low.0)).clamp(0.0, 1.0);
                low.1 + part * (high.1 - low.1)
            }
        };
        let lower = middles.iter().rfind(|m| m.0 <= q - half);
        let upper = middles.iter().find(|m| m.0 >= q + half);
        (
            value,
            lower.map_or(f64::NEG_INFINITY, |m| m.1),
            upper.map_or(f64::INFINITY, |m| m.1),
        )
    }

    proptest! {
        #[test]
        fn counts_find_what_single_observations_find(
            strata in prop::collection::vec(
                (prop::collection::vec(0..40_u8, 1..30), 0.05..1.0_f64), 1..5),
            q in 0.01..0.99_f64,
            half in 0.003..0.3_f64,
        ) {
            let total: f64 = strata.iter().map(|(_, weight)| weight).sum();
            let cells: Vec<(Vec<f64>, f64)> = strata
                .into_iter()
                .map(|(values, w)| (values.into_iter().map(f64::from).collect(), w / total))
                .collect();
            let table: Vec<f64> = (0..40).map(f64::from).collect();
            let codes: Vec<Vec<u32>> = cells
                .iter()
                .map(|(values, _)| values.iter().map(|v| *v as u32).collect())
                .collect();
            let coded: Vec<Coded<'_>> =
                codes.iter().map(|codes| Coded { table: &table, codes, units: &[] }).collect();
            let sample = LayeredSample::new(&coded);
            let weights: Vec<f64> = cells.iter().map(|(_, weight)| *weight).collect();
            let weighted = sample.weighted(&weights);
            let (value, lower, upper) = plainly(&cells, q, half);
            prop_assert!((weighted.at(q).unwrap() - value).abs() < 1e-9);
            let interval = weighted.between(q - half, q + half);
            prop_assert_eq!((interval.lower, interval.upper), (lower, upper));
        }
    }
}
