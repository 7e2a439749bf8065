//! Differences between arms within strata, combined: for rollouts whose treatment share changes over
//! time, where a difference over the whole log mixes the arms' effect with the time's.
//!
//! Stratum s gets the weight `W = n_a·n_b/(n_a + n_b)` of its observations in both arms, normalised: the
//! weights of Cochran (1954) and of Mantel & Haenszel (1959), which hold the variance near its least and
//! give little to strata in which one arm hardly ran. What is estimated is the effect over the overlap
//! of both arms (Li, Morgan & Zaslavsky 2018). Strata without one of the arms have no weight.
//!
//! Variances are by unit: each observation's linearised contribution to the combined difference is
//! summed over the unit, whatever strata and arms it was in, so that units that return in a later
//! stratum, or move from one arm to the other, count once (delta method; Taylor linearisation of a
//! post-stratified ratio, Särndal, Swensson & Wretman 1992, section 7.6).

use super::dist::{t_multiplier, t_tails};
use super::estimate::{Comparison, Estimate, Interval, Method, TestName, TestResult, valid_level};
use super::moments::Moments;
use super::ratio::{RatioMoments, Reference, ratio_difference};
use super::t_test::{welch, welch_df};

/// One arm's observations in one stratum.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cell<'a> {
    /// The observations.
    pub values: &'a [f64],
    /// Per observation: its unit, a small whole number; empty where observations are independent.
    pub units: &'a [u32],
}

/// Differences within strata and their combination.
#[derive(Debug, Clone, PartialEq)]
pub struct Stratified {
    /// The combined difference, b − a.
    pub difference: Estimate,
    /// The test that it is zero; `None` for quantiles whose interval has no finite side.
    pub test: Option<TestResult>,
    /// The control, each stratum at its weight.
    pub a: Estimate,
    /// The treatment, each stratum at its weight.
    pub b: Estimate,
    /// The strata that have both arms.
    pub strata: Vec<StratumDifference>,
}

/// One stratum's part.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StratumDifference {
    /// Index of the stratum.
    pub index: usize,
    /// Its weight; all sum to 1.
    pub weight: f64,
    /// Its own difference, b − a; `None` where it is too small for an interval.
    pub difference: Option<Estimate>,
    /// The test that it is zero.
    pub test: Option<TestResult>,
}

/// Means, or shares of zeros and ones: the difference combined over strata by unit.
///
/// `None` if no stratum has both arms, if an arm has fewer than two units, if nothing varies, or if
/// `level` is outside (0, 1). Surplus strata of the longer slice are ignored.
pub fn stratified_means(a: &[Cell<'_>], b: &[Cell<'_>], level: f64) -> Option<Stratified> {
    valid_level(level)?;
    let weights = weights(a, b, |cell| cell.values.len());
    let used: Vec<usize> = (0..weights.len()).filter(|s| weights[*s] > 0.0).collect();
    let means: Vec<[f64; 2]> = used
        .iter()
        .map(|&s| [a[s].values, b[s].values].map(|v| Moments::from_slice(v).mean))
        .collect();
    let mut parts = [Contributions::default(), Contributions::default()];
    for (&s, mean) in used.iter().zip(&means) {
        for (arm, cell) in [a[s], b[s]].into_iter().enumerate() {
            let scale = weights[s] / cell.values.len() as f64;
            for (i, value) in cell.values.iter().enumerate() {
                parts[arm].add(cell.units.get(i), scale * (value - mean[arm]));
            }
        }
    }
    let combined = |arm: usize| -> f64 {
        used.iter()
            .zip(&means)
            .map(|(&s, mean)| weights[s] * mean[arm])
            .sum()
    };
    let [va, vb] = [parts[0].variance()?, parts[1].variance()?];
    let variance = va + vb - 2.0 * parts[0].covariance(&parts[1]);
    let (na, nb) = (parts[0].n_units, parts[1].n_units);
    let df = welch_df(va, na, vb, nb)?;
    if !(variance > 0.0 && variance.is_finite()) {
        return None;
    }
    let se = variance.sqrt();
    let value: f64 = used
        .iter()
        .zip(&means)
        .map(|(&s, mean)| weights[s] * (mean[1] - mean[0]))
        .sum();
    let estimate = |value: f64, se: f64, df: f64, n: u64| {
        Some(Estimate {
            value,
            interval: Interval::around(value, t_multiplier(level, df)? * se),
            level,
            method: Method::StratifiedDelta,
            n,
        })
    };
    let difference = estimate(value, se, df, na + nb)?;
    let null = |t| t_tails(t, df);
    let comparison = Comparison::new(
        difference,
        se,
        TestName::StratifiedDelta,
        Some(df),
        null,
        value / se,
    );
    Some(Stratified {
        difference,
        test: Some(comparison.test),
        a: estimate(combined(0), va.sqrt(), (na - 1) as f64, na)?,
        b: estimate(combined(1), vb.sqrt(), (nb - 1) as f64, nb)?,
        strata: used
            .iter()
            .map(|&s| {
                let own = mean_difference(&a[s], &b[s], level);
                StratumDifference {
                    index: s,
                    weight: weights[s],
                    difference: own.map(|own| own.difference),
                    test: own.map(|own| own.test),
                }
            })
            .collect(),
    })
}

/// Normalised weights of strata by the sizes of both arms. A stratum that one arm lacks weighs nothing.
pub(super) fn weights<T>(a: &[T], b: &[T], size: impl Fn(&T) -> usize) -> Vec<f64> {
    let of = |arm: &[T], s: usize| arm.get(s).map_or(0, &size) as f64;
    let raw: Vec<f64> = (0..a.len().max(b.len()))
        .map(|s| (of(a, s), of(b, s)))
        .map(|(na, nb)| {
            if na * nb > 0.0 {
                na * nb / (na + nb)
            } else {
                0.0
            }
        })
        .collect();
    let total: f64 = raw.iter().sum();
    raw.into_iter()
        .map(|w| if total > 0.0 { w / total } else { 0.0 })
        .collect()
}

/// One stratum by itself.
fn mean_difference(a: &Cell<'_>, b: &Cell<'_>, level: f64) -> Option<Comparison> {
    if a.units.is_empty() {
        let [a, b] = [a.values, b.values].map(Moments::from_slice);
        return welch(&a, &b, level);
    }
    let [a, b] =
        [a, b].map(|cell| moments(cell.units.iter().copied().zip(cell.values.iter().copied())));
    ratio_difference(&a, &b, Reference::Welch, level)
}

/// Sums by unit over their number.
pub(super) fn moments(observations: impl Iterator<Item = (u32, f64)>) -> RatioMoments {
    let mut sums: Vec<(f64, u32)> = Vec::new();
    for (unit, value) in observations {
        let unit = unit as usize;
        if unit >= sums.len() {
            sums.resize(unit + 1, (0.0, 0));
        }
        sums[unit].0 += value;
        sums[unit].1 += 1;
    }
    let mut moments = RatioMoments::default();
    for (sum, n) in sums.into_iter().filter(|(_, n)| *n > 0) {
        moments.push(sum, f64::from(n));
    }
    moments
}

/// What the units of an arm contribute to its combined value, as deviations.
#[derive(Default)]
pub(super) struct Contributions {
    by_unit: Vec<f64>,
    seen: Vec<bool>,
    n_units: u64,
    /// Sum of squares of observations that are units of their own.
    squares: f64,
}

impl Contributions {
    pub(super) fn add(&mut self, unit: Option<&u32>, contribution: f64) {
        let Some(unit) = unit.map(|unit| *unit as usize) else {
            self.n_units += 1;
            self.squares += contribution * contribution;
            return;
        };
        if unit >= self.by_unit.len() {
            self.by_unit.resize(unit + 1, 0.0);
            self.seen.resize(unit + 1, false);
        }
        self.by_unit[unit] += contribution;
        if !std::mem::replace(&mut self.seen[unit], true) {
            self.n_units += 1;
        }
    }

    /// Variance of the sum of all contributions; `None` below two units.
    pub(super) fn variance(&self) -> Option<f64> {
        let n = self.n_units as f64;
        let squares = self.squares + self.by_unit.iter().map(|c| c * c).sum::<f64>();
        (self.n_units >= 2).then(|| squares * n / (n - 1.0))
    }

    pub(super) fn n_units(&self) -> u64 {
        self.n_units
    }

    /// Through units that are in both arms.
    fn covariance(&self, other: &Self) -> f64 {
        let pairs = self.by_unit.iter().zip(&other.by_unit);
        pairs.map(|(a, b)| a * b).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_stratum_is_the_plain_difference_by_unit() {
        let (xa, ua) = ([0.2, 1.4, 0.9, 2.2, 1.7], [0, 0, 1, 2, 2]);
        let (xb, ub) = ([1.3, 2.8, 2.1, 0.4], [3, 3, 4, 5]);
        let cell = |values, units| Cell { values, units };
        let found = stratified_means(&[cell(&xa, &ua)], &[cell(&xb, &ub)], 0.95).unwrap();
        let by_unit = |x: &[f64], u: &[u32]| moments(u.iter().copied().zip(x.iter().copied()));
        let plain = ratio_difference(
            &by_unit(&xa, &ua),
            &by_unit(&xb, &ub),
            Reference::Welch,
            0.95,
        )
        .unwrap();
        assert!((found.difference.value - plain.difference.value).abs() < 1e-15);
        let gap = found.difference.interval.upper - plain.difference.interval.upper;
        assert!(gap.abs() < 1e-12, "{gap}");
        assert!((found.test.unwrap().p - plain.test.p).abs() < 1e-12);
    }

    #[test]
    fn weights_and_values_by_hand() {
        // Stratum 0: 4 and 2 observations, W = 8/6; stratum 1: 2 and 2, W = 1; weights 4/7 and 3/7.
        let cell = |values| Cell { values, units: &[] };
        let a = [cell(&[1.0, 2.0, 3.0, 4.0]), cell(&[10.0, 12.0])];
        let b = [cell(&[3.0, 5.0]), cell(&[13.0, 15.0])];
        let found = stratified_means(&a, &b, 0.95).unwrap();
        let expected = (4.0 * 1.5 + 3.0 * 3.0) / 7.0;
        assert!((found.difference.value - expected).abs() < 1e-14);
        assert_eq!(found.strata.len(), 2);
        assert!((found.strata[0].weight - 4.0 / 7.0).abs() < 1e-15);
    }

    #[test]
    fn units_that_return_in_a_later_stratum_count_once() {
        // The same answers twice over: as much evidence as once.
        let (xa, ua) = ([0.2, 1.4, 0.9, 2.2], [0, 1, 2, 3]);
        let (xb, ub) = ([1.3, 2.8, 2.1, 0.4], [4, 5, 6, 7]);
        let cell = |values, units| Cell { values, units };
        let once = stratified_means(&[cell(&xa, &ua)], &[cell(&xb, &ub)], 0.95).unwrap();
        let twice = stratified_means(
            &[cell(&xa, &ua), cell(&xa, &ua)],
            &[cell(&xb, &ub), cell(&xb, &ub)],
            0.95,
        )
        .unwrap();
        assert!((once.difference.interval.upper - twice.difference.interval.upper).abs() < 1e-13);
    }

    #[test]
    fn a_stratum_without_one_arm_has_no_weight() {
        let cell = |values| Cell { values, units: &[] };
        let a = [cell(&[100.0, 120.0, 90.0]), cell(&[1.0, 2.0, 3.0])];
        let b = [cell(&[]), cell(&[2.0, 3.0, 5.0])];
        let found = stratified_means(&a, &b, 0.95).unwrap();
        assert!((found.a.value - 2.0).abs() < 1e-15);
        assert_eq!(found.strata.len(), 1);
        assert_eq!(stratified_means(&a[..1], &b[..1], 0.95), None);
    }
}
