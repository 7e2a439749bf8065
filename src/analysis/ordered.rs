//! Observations of one arm in ascending order, and every quantile of them in one pass.

use rayon::prelude::*;

use super::metrics::Observations;
use crate::stats::{self, Estimate, RatioMoments};

/// Observations in ascending order, sorted once for all quantiles that are asked for.
#[derive(Debug, Default)]
pub(super) struct Ordered {
    pub(super) values: Vec<f64>,
    /// Per value: its unit; empty where the log names none.
    pub(super) units: Vec<u32>,
}

impl Ordered {
    pub(super) fn of(observations: Observations) -> Self {
        let Observations { mut values, units } = observations;
        if units.is_empty() {
            values.par_sort_unstable_by(f64::total_cmp);
            return Self { values, units };
        }
        let mut pairs: Vec<(f64, u32)> = values.into_par_iter().zip(units).collect();
        // By unit among equals, so that the order does not depend on the sort.
        pairs.par_sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let (values, units) = pairs.into_par_iter().unzip();
        Self { values, units }
    }

    /// Quantiles with intervals that allow for clustering in units, where there are any, in the
    /// order in which they were asked for.
    pub(super) fn quantiles(&self, asked: &[f64], level: f64) -> Vec<Option<Estimate>> {
        let n_below = |q: &f64| {
            let at = stats::quantile(&self.values, *q)?;
            Some(self.values.partition_point(|v| *v <= at))
        };
        let ends: Vec<usize> = asked.iter().map(|q| n_below(q).unwrap_or(0)).collect();
        let clusters = if self.units.is_empty() {
            vec![None; asked.len()]
        } else {
            shares_below(&self.units, &ends)
        };
        let estimate = |(q, clusters): (&f64, Option<RatioMoments>)| {
            let se = clusters.and_then(|c| c.variance_of_ratio()).map(f64::sqrt);
            se.and_then(|se| stats::clustered_quantile_estimate(&self.values, *q, se, level))
                .or_else(|| stats::quantile_estimate(&self.values, *q, level))
        };
        asked.iter().zip(clusters).map(estimate).collect()
    }
}

/// For each end: how many observations each unit has before it, over how many it has in all. All
/// sums are whole numbers, so that each is exact and follows from the one before.
fn shares_below(units: &[u32], ends: &[usize]) -> Vec<Option<RatioMoments>> {
    #[derive(Clone, Copy, Default)]
    struct Unit {
        n: u32,
        n_below: u32,
    }
    let highest = units.iter().max().map_or(0, |unit| *unit as usize);
    let mut by_unit = vec![Unit::default(); highest + 1];
    for unit in units {
        by_unit[*unit as usize].n += 1;
    }
    let (mut n_units, mut squares) = (0, 0);
    for unit in by_unit.iter().filter(|unit| unit.n > 0) {
        n_units += 1;
        squares += u64::from(unit.n) * u64::from(unit.n);
    }
    let mut order: Vec<usize> = (0..ends.len()).collect();
    order.sort_by_key(|i| ends[*i]);
    let mut found = vec![None; ends.len()];
    let (mut seen, mut squares_below, mut products) = (0, 0u64, 0u64);
    for i in order {
        for unit in &units[seen..ends[i]] {
            let unit = &mut by_unit[*unit as usize];
            // (k + 1)² = k² + 2k + 1
            squares_below += 2 * u64::from(unit.n_below) + 1;
            products += u64::from(unit.n);
            unit.n_below += 1;
        }
        seen = ends[i];
        let (below, all) = (ends[i] as u64, units.len() as u64);
        found[i] = Some(RatioMoments::from_sums(
            n_units,
            (below, all),
            (squares_below, squares, products),
        ));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_pass_finds_what_a_pass_per_quantile_finds() {
        let values: Vec<f64> = (0..3000).map(|i| f64::from(i * 37 % 1013)).collect();
        let units: Vec<u32> = (0..3000).map(|i| i * i % 311).collect();
        let ordered = Ordered::of(Observations {
            values: values.clone(),
            units: units.clone(),
        });
        let asked = [0.95, 0.05, 0.5, 0.99];
        for (q, found) in asked.iter().zip(ordered.quantiles(&asked, 0.95)) {
            let at = stats::quantile(&ordered.values, *q).unwrap();
            let mut sums = vec![(0.0, 0.0); 311];
            for (value, unit) in values.iter().zip(&units) {
                sums[*unit as usize].0 += f64::from(u8::from(*value <= at));
                sums[*unit as usize].1 += 1.0;
            }
            let mut moments = RatioMoments::default();
            for (below, n) in sums.into_iter().filter(|(_, n)| *n > 0.0) {
                moments.push(below, n);
            }
            let se = moments.variance_of_ratio().unwrap().sqrt();
            let expected = stats::clustered_quantile_estimate(&ordered.values, *q, se, 0.95);
            assert_eq!(found, expected, "{q}");
        }
    }
}
