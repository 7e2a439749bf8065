//! How far the variance of an arm can be trusted that is taken from its units' contributions in several
//! strata: its degrees of freedom follow from what the units weigh, not from how many there are.
//!
//! In a canary that grows, nearly all weight lies on the users of the last stages, and there on those with
//! many requests; most users are of the early stages and weigh next to nothing. Bell & `McCaffrey` (2002)
//! and Imbens & Kolesár (2016) take the degrees of freedom from the design, under the working model that
//! observations are independent and of one variance: with G the covariance matrix of the units'
//! contributions, `(tr G)² / tr G²` (Satterthwaite 1946). They correct every unit by its own leverage; here a
//! stratum has one factor, √(k/(k−1)) for its k = M²/Σm² effective units (Kish 1965), of M observations, m
//! of each unit. It too leaves the variance without bias under that model, and needs of the units only
//! products of their sizes, which logs that were reduced to cells hold as well.
//!
//! A stratum of weight W contributes v = W²/M to the variance. Were no unit in two strata,
//!
//! ```text
//! (Σ v)² / Σ v²/(k − 1)
//! ```
//!
//! which is k − 1 for one stratum, and Satterthwaite's rule over strata where every observation is a unit of
//! its own. Units that return add what they share: with b = v/M · k/(k−1), a unit counts D = Σ b m over the
//! strata it is in, and Σ D² exceeds Σ v² k/(k−1)² by S, which enters the denominator as S (1 − S/Z),
//! where Z = (Σ bM)² − Σ (bM)².
//!
//! tr G² itself has cubes of sizes. By the inequality of Cauchy and Schwarz it is at most the denominator
//! here, so that the degrees of freedom err to the low side; they are exact for units of equal size, in
//! one stratum or with all units returning to all. They are never below 1, as (tr G)² is never below tr G².

use super::contributions::bessel;
use super::unit_sums::UnitSum;

/// The observations of one arm in one stratum.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct StratumUnits {
    /// The stratum's weight; all sum to 1.
    pub(super) weight: f64,
    /// Observations.
    pub(super) n: f64,
    /// Units of equal size that would tell as much.
    pub(super) effective: f64,
}

impl StratumUnits {
    /// What the deviation of an observation from the stratum's mean counts in the combined mean, enlarged
    /// for that mean.
    pub(super) fn scale(self) -> f64 {
        self.weight / self.n * bessel(self.effective).sqrt()
    }
}

/// Σ D² over the units of an arm: D is the number of a unit's observations, each times the square of its
/// stratum's scale.
#[derive(Debug, Default)]
pub(super) struct UnitSizes {
    by_unit: Vec<f64>,
    of_independent: f64,
}

impl UnitSizes {
    /// Observations that are units of their own.
    pub(super) fn add_independent(&mut self, stratum: StratumUnits) {
        self.of_independent += stratum.n * stratum.scale().powi(4);
    }

    /// The units of a stratum, ascending.
    pub(super) fn add(&mut self, stratum: StratumUnits, units: &[UnitSum]) {
        let Some(last) = units.last().filter(|_| stratum.weight > 0.0) else {
            return;
        };
        if last.unit as usize >= self.by_unit.len() {
            self.by_unit.resize(last.unit as usize + 1, 0.0);
        }
        let each = stratum.scale() * stratum.scale();
        for unit in units {
            self.by_unit[unit.unit as usize] += each * f64::from(unit.n);
        }
    }

    pub(super) fn squares(&self) -> f64 {
        self.of_independent + self.by_unit.iter().map(|d| d * d).sum::<f64>()
    }
}

/// Degrees of freedom of an arm's variance over its strata, at least 1; `squares` are [`UnitSizes::squares`].
/// Strata with fewer than two units have no weight.
pub(super) fn degrees_of_freedom(strata: impl Iterator<Item = StratumUnits>, squares: f64) -> f64 {
    let (mut variance, mut own, mut own_squares) = (0.0, 0.0, 0.0);
    let (mut sizes, mut size_squares) = (0.0, 0.0);
    for stratum in strata.filter(|s| s.weight > 0.0 && s.effective > 1.0) {
        let v = stratum.weight * stratum.weight / stratum.n;
        let size = v * bessel(stratum.effective);
        variance += v;
        own += v * v / (stratum.effective - 1.0);
        own_squares += size * size / stratum.effective;
        sizes += size;
        size_squares += size * size;
    }
    let shared = (squares - own_squares).max(0.0);
    let of_pairs = sizes * sizes - size_squares;
    // Of one stratum, or without units that return, rounding leaves a little.
    let returning = if shared > 1e-12 * squares && of_pairs > 1e-12 * sizes * sizes {
        shared * (1.0 - (shared / of_pairs).min(1.0))
    } else {
        0.0
    };
    (variance * variance / (own + returning)).max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::RatioMoments;
    use proptest::prelude::*;

    /// Of the numbers of observations of each unit (columns) in each stratum (rows).
    fn degrees(weights: &[f64], sizes: &[Vec<u32>]) -> f64 {
        let stratum = |(weight, sizes): (&f64, &Vec<u32>)| {
            let units = RatioMoments::of_whole_numbers(sizes.iter().map(|m| (0, *m)));
            StratumUnits {
                weight: *weight,
                n: sizes.iter().map(|m| f64::from(*m)).sum(),
                effective: units.effective_units(),
            }
        };
        let strata: Vec<StratumUnits> = weights.iter().zip(sizes).map(stratum).collect();
        let mut squares = UnitSizes::default();
        for (stratum, sizes) in strata.iter().zip(sizes) {
            let units = (0..).zip(sizes).filter(|(_, n)| **n > 0);
            let units: Vec<UnitSum> = units
                .map(|(unit, n)| UnitSum {
                    unit,
                    n: *n,
                    sum: 0.0,
                })
                .collect();
            squares.add(*stratum, &units);
        }
        degrees_of_freedom(strata.into_iter(), squares.squares())
    }

    /// `(tr G)² / tr G²` with the matrix itself.
    fn of_the_matrix(weights: &[f64], sizes: &[Vec<u32>]) -> f64 {
        let n_units = sizes[0].len();
        let mut matrix = vec![vec![0.0; n_units]; n_units];
        for (weight, sizes) in weights.iter().zip(sizes) {
            let m: Vec<f64> = sizes.iter().map(|m| f64::from(*m)).collect();
            let (n, squares) = (m.iter().sum::<f64>(), m.iter().map(|m| m * m).sum::<f64>());
            let b = weight * weight / n / n / (1.0 - squares / n / n);
            for (u, row) in matrix.iter_mut().enumerate() {
                row[u] += b * m[u];
                for (v, at) in row.iter_mut().enumerate() {
                    *at -= b * m[u] * m[v] / n;
                }
            }
        }
        let trace: f64 = (0..n_units).map(|u| matrix[u][u]).sum();
        let squares: f64 = matrix.iter().flatten().map(|g| g * g).sum();
        trace * trace / squares
    }

    #[test]
    fn one_stratum_with_equal_units_gives_one_less_than_their_number() {
        for k in [2, 3, 7, 40] {
            let found = degrees(&[1.0], &[vec![9; k]]);
            assert!((found - (k as f64 - 1.0)).abs() < 1e-9, "{k} {found}");
        }
    }

    #[test]
    fn observations_that_are_units_give_satterthwaites_rule_over_strata() {
        let (weights, n) = ([0.2, 0.5, 0.3], [5.0, 30.0, 8.0]);
        let variances = [0, 1, 2].map(|s| weights[s] * weights[s] / n[s]);
        let sum: f64 = variances.iter().sum();
        let rule = variances.iter().zip(n).map(|(v, n)| v * v / (n - 1.0));
        let expected = sum * sum / rule.sum::<f64>();
        let strata = [0, 1, 2].map(|s| StratumUnits {
            weight: weights[s],
            n: n[s],
            effective: n[s],
        });
        let mut squares = UnitSizes::default();
        for stratum in &strata {
            squares.add_independent(*stratum);
        }
        let found = degrees_of_freedom(strata.into_iter(), squares.squares());
        assert!((found - expected).abs() < 1e-9, "{found} {expected}");
        // The same with units that are named.
        let sizes = [0..5, 5..35, 35..43].map(|own| {
            let sizes = (0..43).map(|unit| u32::from(own.contains(&unit)));
            sizes.collect()
        });
        assert!((degrees(&weights, &sizes) - expected).abs() < 1e-9);
    }

    #[test]
    fn units_that_return_to_every_stratum_count_once() {
        let sizes = vec![3; 12];
        let found = degrees(
            &[0.25; 4],
            &[sizes.clone(), sizes.clone(), sizes.clone(), sizes],
        );
        assert!((found - 11.0).abs() < 1e-9, "{found}");
    }

    #[test]
    fn one_unit_with_nearly_all_observations_leaves_one_degree() {
        assert_eq!(degrees(&[1.0], &[vec![999, 1]]), 1.0);
    }

    proptest! {
        #[test]
        fn it_is_never_more_than_the_matrix_gives(
            sizes in prop::collection::vec((0..40_u32, 0..9_u32, 0..3_u32), 8..30),
            weights in (0.1..1.0_f64, 0.1..1.0_f64, 0.1..1.0_f64),
        ) {
            let column = |of: fn(&(u32, u32, u32)) -> u32| -> Vec<u32> {
                // Two units at least in every stratum.
                [1, 1].into_iter().chain(sizes.iter().map(of)).collect()
            };
            let sizes = [column(|s| s.0), column(|s| s.1), column(|s| s.2)];
            let weights = [weights.0, weights.1, weights.2];
            let (found, exact) = (degrees(&weights, &sizes), of_the_matrix(&weights, &sizes));
            prop_assert!(found <= exact * (1.0 + 1e-9), "{found} {exact}");
        }
    }
}
