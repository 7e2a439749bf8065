//! Quantiles of both arms standardised to the same strata.
//!
//! Each arm's distribution is `F(x) = Σ W_s F_s(x)` with the weights of [`super::post_stratified`], the same
//! for both arms; its quantile is read off by type 7, carried over to weighted observations (equal
//! weights give type 7 itself). The interval is Woodruff's (1952): the standard error of F at the
//! quantile, by unit, moves the share up and down, and the distribution says where that is.

use super::dist::z_multiplier;
use super::estimate::{Estimate, Interval, Method, valid_level};
use super::post_stratified::{
    Cell, Contributions, Stratified, StratumDifference, moments, weights,
};
use super::quantile::{
    clustered_quantile_estimate, quantile_difference, quantile_estimate, quantile_test,
};

/// One arm's observations of all strata, ascending; sorted once for any number of quantiles.
#[derive(Debug, Clone, Default)]
pub struct LayeredSample {
    values: Vec<f64>,
    /// Per value; empty where observations are independent.
    units: Vec<u32>,
    stratum: Vec<u16>,
    /// Place among the observations in the order in which they were given.
    place: Vec<u32>,
    /// Observations per stratum.
    sizes: Vec<usize>,
}

/// What is taken as independent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Independence {
    /// Units, where the sample names them.
    OfUnits,
    /// Single observations.
    OfObservations,
}

impl LayeredSample {
    /// Gathers and sorts the cells of one arm, one per stratum.
    pub fn new(cells: &[Cell<'_>]) -> Self {
        let mut rows: Vec<(f64, u32, u16, u32)> = Vec::new();
        let mut place = 0;
        let mut has_units = false;
        for (s, cell) in cells.iter().enumerate() {
            has_units |= !cell.units.is_empty();
            let unit = |i: usize| cell.units.get(i).copied().unwrap_or(0);
            for (i, value) in cell.values.iter().enumerate() {
                rows.push((*value, unit(i), s as u16, place));
                place += 1;
            }
        }
        rows.sort_by(|a, b| a.0.total_cmp(&b.0));
        Self {
            values: rows.iter().map(|row| row.0).collect(),
            units: if has_units {
                rows.iter().map(|row| row.1).collect()
            } else {
                Vec::new()
            },
            stratum: rows.iter().map(|row| row.2).collect(),
            place: rows.iter().map(|row| row.3).collect(),
            sizes: cells.iter().map(|cell| cell.values.len()).collect(),
        }
    }

    /// The first `n` observations in the order in which they were given, without sorting again.
    #[must_use]
    pub fn first(&self, n: usize) -> Self {
        let mut part = Self {
            sizes: vec![0; self.sizes.len()],
            ..Self::default()
        };
        for i in (0..self.values.len()).filter(|i| (self.place[*i] as usize) < n) {
            part.values.push(self.values[i]);
            part.units.extend(self.units.get(i));
            part.stratum.push(self.stratum[i]);
            part.place.push(self.place[i]);
            part.sizes[usize::from(self.stratum[i])] += 1;
        }
        part
    }

    fn units(&self, by: Independence) -> &[u32] {
        match by {
            Independence::OfUnits => &self.units,
            Independence::OfObservations => &[],
        }
    }

    /// The standardised quantile with its interval.
    fn quantile(
        &self,
        weights: &[f64],
        (q, by): (f64, Independence),
        level: f64,
    ) -> Option<Estimate> {
        let units = self.units(by);
        let each: Vec<f64> = weights
            .iter()
            .zip(&self.sizes)
            .map(|(w, n)| if *n > 0 { w / *n as f64 } else { 0.0 })
            .collect();
        let weight = |i: usize| each[usize::from(self.stratum[i])];
        let value = self.at(&weight, q)?;
        let n_below = self.values.partition_point(|v| *v <= value);
        let mut below = vec![0_usize; self.sizes.len()];
        for stratum in &self.stratum[..n_below] {
            below[usize::from(*stratum)] += 1;
        }
        let mut contributions = Contributions::default();
        for i in 0..self.values.len() {
            let s = usize::from(self.stratum[i]);
            if each[s] == 0.0 {
                continue;
            }
            let share = below[s] as f64 / self.sizes[s] as f64;
            let deviation = f64::from(u8::from(i < n_below)) - share;
            contributions.add(units.get(i), each[s] * deviation);
        }
        let half = z_multiplier(level)? * contributions.variance()?.sqrt();
        Some(Estimate {
            value,
            interval: self.between(&weight, q - half, q + half),
            level,
            method: Method::StratifiedOrderStatistics,
            n: contributions.n_units(),
        })
    }

    /// The value at the share `q`: linear between the middles of the weights, so that equal weights
    /// give type 7.
    fn at(&self, weight: &impl Fn(usize) -> f64, q: f64) -> Option<f64> {
        let used = || (0..self.values.len()).filter(|i| weight(*i) > 0.0);
        let (first, last) = (weight(used().next()?), weight(used().next_back()?));
        let target = first / 2.0 + q * (1.0 - f64::midpoint(first, last));
        let (mut sum, mut before) = (0.0, None);
        for i in used() {
            let middle = sum + weight(i) / 2.0;
            if middle >= target - 1e-15 {
                let (at, value) = before.unwrap_or((middle, self.values[i]));
                let part = if middle > at {
                    (target - at) / (middle - at)
                } else {
                    0.0
                };
                return Some(value + part.clamp(0.0, 1.0) * (self.values[i] - value));
            }
            before = Some((middle, self.values[i]));
            sum += weight(i);
        }
        before.map(|(_, value)| value)
    }

    /// The values one order statistic outside the shares `low` and `high`; infinite beyond the sample.
    fn between(&self, weight: &impl Fn(usize) -> f64, low: f64, high: f64) -> Interval {
        let mut interval = Interval {
            lower: f64::NEG_INFINITY,
            upper: f64::INFINITY,
        };
        let mut sum = 0.0;
        for i in (0..self.values.len()).filter(|i| weight(*i) > 0.0) {
            let half = weight(i) / 2.0;
            if sum + half <= low {
                interval.lower = self.values[i];
            }
            sum += weight(i);
            if sum - half >= high {
                interval.upper = self.values[i];
                break;
            }
        }
        interval
    }

    /// One stratum by itself.
    fn within(&self, stratum: usize, (q, by): (f64, Independence), level: f64) -> Option<Estimate> {
        let units = self.units(by);
        let rows: Vec<usize> = (0..self.values.len())
            .filter(|i| usize::from(self.stratum[*i]) == stratum)
            .collect();
        let values: Vec<f64> = rows.iter().map(|i| self.values[*i]).collect();
        if units.is_empty() {
            return quantile_estimate(&values, q, level);
        }
        let at = super::quantile::quantile(&values, q)?;
        let below = |value: f64| f64::from(u8::from(value <= at));
        let sums = moments(rows.iter().map(|i| (units[*i], below(self.values[*i]))));
        let se = sums.variance_of_ratio()?.sqrt();
        clustered_quantile_estimate(&values, q, se, level)
    }
}

/// A quantile of both arms, standardised to the same strata, and its difference b − a, intervals
/// joined by the square-and-add rule. Units in both arms are taken as two, which widens the interval
/// where their answers resemble each other.
///
/// `None` if no stratum has both arms, if an arm has fewer than two units, or if `q` or `level` is
/// outside (0, 1).
pub fn standardised_quantiles(
    a: &LayeredSample,
    b: &LayeredSample,
    (q, by): (f64, Independence),
    level: f64,
) -> Option<(Estimate, Estimate, Estimate)> {
    valid_level(level)?;
    if !(q > 0.0 && q < 1.0) {
        return None;
    }
    let weights = weights(&a.sizes, &b.sizes, |size| *size);
    let value_a = a.quantile(&weights, (q, by), level)?;
    let value_b = b.quantile(&weights, (q, by), level)?;
    Some((value_a, value_b, quantile_difference(&value_a, &value_b)?))
}

/// [`standardised_quantiles`] with each stratum's own difference.
pub fn stratified_quantiles(
    a: &LayeredSample,
    b: &LayeredSample,
    (q, by): (f64, Independence),
    level: f64,
) -> Option<Stratified> {
    let (value_a, value_b, difference) = standardised_quantiles(a, b, (q, by), level)?;
    let weights = weights(&a.sizes, &b.sizes, |size| *size);
    let strata = (0..weights.len())
        .filter(|s| weights[*s] > 0.0)
        .map(|s| {
            let own = a.within(s, (q, by), level).zip(b.within(s, (q, by), level));
            let difference = own.and_then(|(a, b)| quantile_difference(&a, &b));
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
        a: value_a,
        b: value_b,
        strata,
    })
}

#[cfg(test)]
mod tests {
    use super::super::quantile::quantile;
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn one_stratum_is_type_7(
            mut values in prop::collection::vec(0.0..100.0_f64, 2..60),
            q in 0.01..0.99_f64,
        ) {
            let sample = LayeredSample::new(&[Cell { values: &values, units: &[] }]);
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
        let sample = LayeredSample::new(&[Cell {
            values: &values,
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
        let cell = |values| Cell { values, units: &[] };
        let a = LayeredSample::new(&[cell(&day[..200]), cell(&night)]);
        let b = LayeredSample::new(&[cell(&day), cell(&night[..200])]);
        let found = stratified_quantiles(&a, &b, (0.8, Independence::OfUnits), 0.95).unwrap();
        assert!(found.difference.value.abs() < 3.1, "{found:?}");
    }
}
