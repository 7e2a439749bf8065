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

use super::counts::{Coded, Counts};
use super::dist::{t_multiplier, t_tails};
use super::estimate::{Comparison, Estimate, Interval, Method, TestName, TestResult, valid_level};
use super::moments::Moments;
use super::ratio::{RatioMoments, Reference, ratio_difference};
use super::t_test::{welch, welch_df};
use super::unit_sums::{UnitSum, UnitSums};

/// What is taken as independent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Independence {
    /// Units, where the sample names them.
    OfUnits,
    /// Single observations.
    OfObservations,
}

/// One arm's observations of all strata, counted once for both readings.
#[derive(Debug, Clone)]
pub struct LayeredMeans<'a> {
    strata: Vec<(Coded<'a>, Moments)>,
}

impl<'a> LayeredMeans<'a> {
    /// Of the cells of one arm, one per stratum.
    pub fn new(cells: &[Coded<'a>]) -> Self {
        let counted = |cell: &Coded<'a>| {
            let counts = Counts::of(cell.table, cell.codes);
            (*cell, Moments::from_counts(&counts))
        };
        Self {
            strata: cells.iter().map(counted).collect(),
        }
    }
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

/// Means, or shares of zeros and ones: the difference combined over strata.
///
/// `None` if no stratum has both arms, if an arm has fewer than two units, if nothing varies, or if
/// `level` is outside (0, 1). Surplus strata of the longer sample are ignored.
pub fn stratified_means(
    a: &LayeredMeans<'_>,
    b: &LayeredMeans<'_>,
    by: Independence,
    level: f64,
) -> Option<Stratified> {
    valid_level(level)?;
    let weights = weights(&a.strata, &b.strata, |(cell, _)| cell.len());
    let used: Vec<usize> = (0..weights.len()).filter(|s| weights[*s] > 0.0).collect();
    let means: Vec<[f64; 2]> = used
        .iter()
        .map(|&s| [a.strata[s].1.mean, b.strata[s].1.mean])
        .collect();
    let mut parts = [Contributions::default(), Contributions::default()];
    let mut own = Vec::with_capacity(used.len());
    let mut sums = UnitSums::default();
    for (&s, mean) in used.iter().zip(&means) {
        let sides = [&a.strata[s], &b.strata[s]];
        let mut by_unit = [None; 2];
        for (arm, (cell, moments)) in sides.into_iter().enumerate() {
            let scale = weights[s] / cell.len() as f64;
            if by == Independence::OfObservations || cell.units.is_empty() {
                parts[arm].add_independent(moments.n, scale * scale * moments.m2);
                continue;
            }
            let units = sums.of(cell, mean[arm]);
            parts[arm].add_each(units.iter().map(|unit| (unit.unit, scale * unit.sum)));
            let pairs = units.iter().map(UnitSum::pair);
            by_unit[arm] = Some(RatioMoments::of_units(pairs, mean[arm]));
        }
        own.push(match by_unit {
            [Some(a), Some(b)] => ratio_difference(&a, &b, Reference::Welch, level),
            _ => welch(&sides[0].1, &sides[1].1, level),
        });
    }
    let [va, vb] = [parts[0].variance()?, parts[1].variance()?];
    let spread = Spread {
        variances: [va, vb],
        covariance: parts[0].covariance(&parts[1]),
        n_units: [parts[0].n_units(), parts[1].n_units()],
    };
    let layers = used.iter().zip(&means).zip(own);
    let layer = |((index, means), own): ((&usize, &[f64; 2]), Option<Comparison>)| Layer {
        index: *index,
        weight: weights[*index],
        means: *means,
        own,
    };
    combined(&layers.map(layer).collect::<Vec<_>>(), spread, level)
}

/// One stratum of both arms, known by its moments.
#[derive(Debug, Clone, Copy, Default)]
pub struct StratumMoments {
    /// Of the observations of control and treatment.
    pub moments: [Moments; 2],
    /// Of their units; `None` takes observations as independent.
    pub by_unit: [Option<RatioMoments>; 2],
}

/// How the observations of a stratum contribute to the combined means: one with the value x adds
/// `scales[arm] * (x - means[arm])` to what its unit contributes.
#[derive(Debug, Clone, Copy)]
pub struct Contribution {
    /// Index of the stratum.
    pub index: usize,
    /// By arm.
    pub means: [f64; 2],
    /// By arm.
    pub scales: [f64; 2],
}

/// How the combined values of both arms vary.
#[derive(Debug, Clone, Copy)]
pub struct Spread {
    /// Variance of the control's value and of the treatment's.
    pub variances: [f64; 2],
    /// Through units that are in both.
    pub covariance: f64,
    /// Units of each.
    pub n_units: [u64; 2],
}

impl Spread {
    /// With observations taken as independent.
    pub fn of_observations(strata: &[StratumMoments], used: &[Contribution]) -> Option<Self> {
        let mut parts = [Contributions::default(), Contributions::default()];
        for of in used {
            for (arm, part) in parts.iter_mut().enumerate() {
                let moments = &strata[of.index].moments[arm];
                part.add_independent(moments.n, of.scales[arm] * of.scales[arm] * moments.m2);
            }
        }
        Some(Self {
            variances: [parts[0].variance()?, parts[1].variance()?],
            covariance: 0.0,
            n_units: [parts[0].n_units(), parts[1].n_units()],
        })
    }
}

/// As [`stratified_means`], of strata whose moments are known; `spread` says how the combined values
/// vary.
pub fn stratified_from_moments(
    strata: &[StratumMoments],
    spread: impl Fn(&[Contribution]) -> Option<Spread>,
    level: f64,
) -> Option<Stratified> {
    valid_level(level)?;
    let side =
        |arm: usize| -> Vec<usize> { strata.iter().map(|s| s.moments[arm].n as usize).collect() };
    let weights = weights(&side(0), &side(1), |n| *n);
    let used: Vec<Contribution> = (0..strata.len())
        .filter(|s| weights[*s] > 0.0)
        .map(|index| {
            let moments = &strata[index].moments;
            Contribution {
                index,
                means: moments.map(|m| m.mean),
                scales: moments.map(|m| weights[index] / m.n as f64),
            }
        })
        .collect();
    let layer = |of: &Contribution| Layer {
        index: of.index,
        weight: weights[of.index],
        means: of.means,
        own: match &strata[of.index].by_unit {
            [Some(a), Some(b)] => ratio_difference(a, b, Reference::Welch, level),
            _ => welch(
                &strata[of.index].moments[0],
                &strata[of.index].moments[1],
                level,
            ),
        },
    };
    let layers: Vec<Layer> = used.iter().map(layer).collect();
    combined(&layers, spread(&used)?, level)
}

/// A stratum that has both arms.
struct Layer {
    index: usize,
    weight: f64,
    means: [f64; 2],
    own: Option<Comparison>,
}

/// The difference of the combined means.
fn combined(layers: &[Layer], spread: Spread, level: f64) -> Option<Stratified> {
    let ([va, vb], [na, nb]) = (spread.variances, spread.n_units);
    let variance = va + vb - 2.0 * spread.covariance;
    let df = welch_df(va, na, vb, nb)?;
    if !(variance > 0.0 && variance.is_finite()) {
        return None;
    }
    let se = variance.sqrt();
    let sum = |of: &dyn Fn(&Layer) -> f64| layers.iter().map(|l| l.weight * of(l)).sum::<f64>();
    let value = sum(&|layer| layer.means[1] - layer.means[0]);
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
        a: estimate(
            sum(&|l| l.means[0]),
            va.sqrt(),
            na.checked_sub(1)? as f64,
            na,
        )?,
        b: estimate(
            sum(&|l| l.means[1]),
            vb.sqrt(),
            nb.checked_sub(1)? as f64,
            nb,
        )?,
        strata: layers
            .iter()
            .map(|layer| StratumDifference {
                index: layer.index,
                weight: layer.weight,
                difference: layer.own.map(|own| own.difference),
                test: layer.own.map(|own| own.test),
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

/// What the units of an arm contribute to its combined value, as deviations.
#[derive(Default)]
pub(super) struct Contributions {
    by_unit: Vec<f64>,
    seen: Vec<bool>,
    /// Observations that are units of their own, and the sum of their squares.
    n_independent: u64,
    squares: f64,
}

impl Contributions {
    /// Observations that are units of their own.
    pub(super) fn add_independent(&mut self, n: u64, squares: f64) {
        self.n_independent += n;
        self.squares += squares;
    }

    /// What observations of units contribute.
    pub(super) fn add_each(&mut self, observations: impl Iterator<Item = (u32, f64)>) {
        for (unit, contribution) in observations {
            let unit = unit as usize;
            if unit >= self.by_unit.len() {
                self.by_unit.resize(unit + 1, 0.0);
                self.seen.resize(unit + 1, false);
            }
            self.by_unit[unit] += contribution;
            self.seen[unit] = true;
        }
    }

    /// Variance of the sum of all contributions; `None` below two units.
    pub(super) fn variance(&self) -> Option<f64> {
        let n_units = self.n_units();
        let n = n_units as f64;
        let squares = self.squares + self.by_unit.iter().map(|c| c * c).sum::<f64>();
        (n_units >= 2).then(|| squares * n / (n - 1.0))
    }

    pub(super) fn n_units(&self) -> u64 {
        self.n_independent + self.seen.iter().filter(|seen| **seen).count() as u64
    }

    /// Through units that are in both arms.
    fn covariance(&self, other: &Self) -> f64 {
        let pairs = self.by_unit.iter().zip(&other.by_unit);
        pairs.map(|(a, b)| a * b).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::super::counts::coded;
    use super::*;

    /// Values and units of a cell.
    type Given<'a> = (&'a [f64], &'a [u32]);
    type Owned = (Vec<f64>, Vec<u32>, Vec<u32>);

    fn owned(cells: &[Given<'_>]) -> Vec<Owned> {
        let cell = |(values, units): &Given<'_>| {
            let (table, codes) = coded(values);
            (table, codes, units.to_vec())
        };
        cells.iter().map(cell).collect()
    }

    fn layered(cells: &[Owned]) -> LayeredMeans<'_> {
        let cells = cells.iter().map(|(table, codes, units)| Coded {
            table,
            codes,
            units,
        });
        LayeredMeans::new(&cells.collect::<Vec<_>>())
    }

    fn compare(a: &[Given<'_>], b: &[Given<'_>]) -> Option<Stratified> {
        let (a, b) = (owned(a), owned(b));
        stratified_means(&layered(&a), &layered(&b), Independence::OfUnits, 0.95)
    }

    #[test]
    fn one_stratum_is_the_plain_difference_by_unit() {
        let a: Given<'_> = (&[0.2, 1.4, 0.9, 2.2, 1.7], &[0, 0, 1, 2, 2]);
        let b: Given<'_> = (&[1.3, 2.8, 2.1, 0.4], &[3, 3, 4, 5]);
        let found = compare(&[a], &[b]).unwrap();
        let (sums_a, sums_b) = (
            [(1.6, 2.0), (0.9, 1.0), (3.9, 2.0)],
            [(4.1, 2.0), (2.1, 1.0), (0.4, 1.0)],
        );
        let by_unit = |sums: &[(f64, f64); 3]| RatioMoments::of_units(sums.iter().copied(), 0.0);
        let plain =
            ratio_difference(&by_unit(&sums_a), &by_unit(&sums_b), Reference::Welch, 0.95).unwrap();
        assert!((found.difference.value - plain.difference.value).abs() < 1e-15);
        let gap = found.difference.interval.upper - plain.difference.interval.upper;
        assert!(gap.abs() < 1e-12, "{gap}");
        assert!((found.test.unwrap().p - plain.test.p).abs() < 1e-12);
    }

    #[test]
    fn weights_and_values_by_hand() {
        // Stratum 0: 4 and 2 observations, W = 8/6; stratum 1: 2 and 2, W = 1; weights 4/7 and 3/7.
        let a: [Given<'_>; 2] = [(&[1.0, 2.0, 3.0, 4.0], &[]), (&[10.0, 12.0], &[])];
        let b: [Given<'_>; 2] = [(&[3.0, 5.0], &[]), (&[13.0, 15.0], &[])];
        let found = compare(&a, &b).unwrap();
        let expected = (4.0 * 1.5 + 3.0 * 3.0) / 7.0;
        assert!((found.difference.value - expected).abs() < 1e-14);
        assert_eq!(found.strata.len(), 2);
        assert!((found.strata[0].weight - 4.0 / 7.0).abs() < 1e-15);
    }

    #[test]
    fn units_that_return_in_a_later_stratum_count_once() {
        // The same answers twice over: as much evidence as once.
        let a: Given<'_> = (&[0.2, 1.4, 0.9, 2.2], &[0, 1, 2, 3]);
        let b: Given<'_> = (&[1.3, 2.8, 2.1, 0.4], &[4, 5, 6, 7]);
        let once = compare(&[a], &[b]).unwrap();
        let twice = compare(&[a, a], &[b, b]).unwrap();
        assert!((once.difference.interval.upper - twice.difference.interval.upper).abs() < 1e-13);
    }

    #[test]
    fn a_stratum_without_one_arm_has_no_weight() {
        let a: [Given<'_>; 2] = [(&[100.0, 120.0, 90.0], &[]), (&[1.0, 2.0, 3.0], &[])];
        let b: [Given<'_>; 2] = [(&[], &[]), (&[2.0, 3.0, 5.0], &[])];
        let found = compare(&a, &b).unwrap();
        assert!((found.a.value - 2.0).abs() < 1e-15);
        assert_eq!(found.strata.len(), 1);
        assert_eq!(compare(&a[..1], &b[..1]), None);
    }
}
