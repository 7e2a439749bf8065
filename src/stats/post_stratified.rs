//! Differences between arms within strata, combined: for rollouts whose treatment share changes over
//! time, where a difference over the whole log mixes the arms' effect with the time's.
//!
//! Stratum s gets the weight `W = n_a·n_b/(n_a + n_b)` of its observations in both arms, normalised: the
//! weights of Cochran (1954) and of Mantel & Haenszel (1959), which hold the variance near its least and
//! give little to strata in which one arm hardly ran. What is estimated is the effect over the overlap
//! of both arms (Li, Morgan & Zaslavsky 2018). Strata in which an arm has fewer than two units have no
//! weight: what one unit does says nothing of how units vary.
//!
//! Variances are by unit: each observation's linearised contribution to the combined difference is
//! summed over the unit, whatever strata and arms it was in, so that units that return in a later
//! stratum, or move from one arm to the other, count once (delta method; Taylor linearisation of a
//! post-stratified ratio, Särndal, Swensson & Wretman 1992, section 7.6). A stratum's deviations are from its
//! own mean, and enlarged for it; how much, and what degrees of freedom the variances have, says
//! [`super::unit_degrees`].

use super::contributions::Contributions;
use super::counts::{Coded, Counts};
use super::dist::{t_multiplier, t_tails};
use super::estimate::{Comparison, Estimate, Interval, Method, TestName, TestResult, valid_level};
use super::few_events::{EffectiveShare, few_events};
use super::moments::Moments;
use super::ratio::RatioMoments;
use super::stratum_moments::{Compared, StratumMoments};
use super::t_test::joint_df;
use super::unit_degrees::{StratumUnits, UnitSizes, degrees_of_freedom};
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
    let weights = weights(&a.strata, &b.strata, |(cell, _)| by.size(cell));
    // Those without weight still say how many units there are.
    let has_both = |s: &usize| a.strata[*s].1.n > 0 && b.strata[*s].1.n > 0;
    let n_strata = a.strata.len().min(b.strata.len());
    let used: Vec<usize> = (0..n_strata).filter(has_both).collect();
    let means: Vec<[f64; 2]> = used
        .iter()
        .map(|&s| [a.strata[s].1.mean, b.strata[s].1.mean])
        .collect();
    let mut parts = [Contributions::default(), Contributions::default()];
    let mut sizes = [UnitSizes::default(), UnitSizes::default()];
    let sides = || a.strata.iter().chain(&b.strata);
    let are_shares = sides().all(|(cell, _)| cell.are_zeros_and_ones());
    let mut layers = Vec::with_capacity(used.len());
    let mut sums = UnitSums::default();
    for (&s, mean) in used.iter().zip(&means) {
        let sides = [&a.strata[s], &b.strata[s]];
        let mut stratum = StratumMoments {
            moments: sides.map(|(_, moments)| *moments),
            by_unit: [None; 2],
        };
        for (arm, (cell, moments)) in sides.into_iter().enumerate() {
            if by == Independence::OfObservations || cell.units.is_empty() {
                let units = stratum.units(arm, weights[s]);
                let scale = units.scale();
                parts[arm].add_independent(moments.n, scale * scale * moments.m2);
                sizes[arm].add_independent(units);
                continue;
            }
            let found = sums.of(cell, mean[arm]);
            let pairs = found.iter().map(UnitSum::pair);
            stratum.by_unit[arm] = Some(RatioMoments::of_units(pairs, mean[arm]));
            let units = stratum.units(arm, weights[s]);
            let scale = units.scale();
            parts[arm].add_each(found.iter().map(|unit| (unit.unit, scale * unit.sum)));
            sizes[arm].add(units, found);
        }
        layers.push(Layer::of(s, &stratum, weights[s], are_shares, level));
    }
    let [va, vb] = [parts[0].variance()?, parts[1].variance()?];
    let spread = Spread {
        variances: [va, vb],
        covariance: parts[0].covariance(&parts[1]),
        n_units: [parts[0].n_units(), parts[1].n_units()],
        size_squares: [sizes[0].squares(), sizes[1].squares()],
    };
    layers.retain(|layer: &Layer| layer.weight > 0.0);
    if layers.is_empty() {
        return None;
    }
    if are_shares && let Some(found) = of_few_events(&layers, spread, level) {
        return Some(found);
    }
    combined(&layers, spread, level)
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
    /// Of each, the sum over its units of (Σ n·scale²)², with the unit's number n of observations in every
    /// stratum: whether few units have most of the weight.
    pub size_squares: [f64; 2],
}

impl Spread {
    /// With observations taken as independent.
    pub fn of_observations(strata: &[StratumMoments], used: &[Contribution]) -> Option<Self> {
        let mut parts = [Contributions::default(), Contributions::default()];
        let mut size_squares = [0.0; 2];
        for of in used {
            for (arm, part) in parts.iter_mut().enumerate() {
                let moments = &strata[of.index].moments[arm];
                let scale = of.scales[arm] * of.scales[arm];
                part.add_independent(moments.n, scale * moments.m2);
                size_squares[arm] += moments.n as f64 * scale * scale;
            }
        }
        let both = strata.iter().filter(|s| s.moments.iter().all(|m| m.n > 0));
        let n = |arm: usize| both.clone().map(|s| s.moments[arm].n).sum();
        Some(Self {
            variances: [parts[0].variance()?, parts[1].variance()?],
            covariance: 0.0,
            n_units: [n(0), n(1)],
            size_squares,
        })
    }
}

/// As [`stratified_means`], of strata whose moments are known, of zeros and ones or of other values;
/// `spread` says how the combined values vary.
pub fn stratified_from_moments(
    strata: &[StratumMoments],
    are_shares: bool,
    spread: impl Fn(&[Contribution]) -> Option<Spread>,
    level: f64,
) -> Option<Stratified> {
    valid_level(level)?;
    let side = |arm: usize| -> Vec<usize> {
        let size = |s: &StratumMoments| {
            if s.n_units(arm) < 2 {
                0
            } else {
                s.moments[arm].n
            }
        };
        strata.iter().map(|s| size(s) as usize).collect()
    };
    let weights = weights(&side(0), &side(1), |n| *n);
    let used: Vec<Contribution> = (0..strata.len())
        .filter(|s| weights[*s] > 0.0)
        .map(|index| {
            let stratum = &strata[index];
            let scale = |arm: usize| stratum.units(arm, weights[index]).scale();
            Contribution {
                index,
                means: stratum.moments.map(|m| m.mean),
                scales: [scale(0), scale(1)],
            }
        })
        .collect();
    let layer = |of: &Contribution| {
        let (s, weight) = (of.index, weights[of.index]);
        Layer::of(s, &strata[s], weight, are_shares, level)
    };
    let layers: Vec<Layer> = used.iter().map(layer).collect();
    let spread = spread(&used)?;
    if are_shares && let Some(found) = of_few_events(&layers, spread, level) {
        return Some(found);
    }
    combined(&layers, spread, level)
}

/// A stratum that has both arms.
struct Layer {
    index: usize,
    weight: f64,
    n: [u64; 2],
    means: [f64; 2],
    units: [StratumUnits; 2],
    own: Compared,
}

impl Layer {
    fn of(
        index: usize,
        stratum: &StratumMoments,
        weight: f64,
        are_shares: bool,
        level: f64,
    ) -> Self {
        Self {
            index,
            weight,
            n: stratum.moments.map(|m| m.n),
            means: stratum.moments.map(|m| m.mean),
            units: [0, 1].map(|arm| stratum.units(arm, weight)),
            own: stratum.difference(are_shares, level),
        }
    }

    fn finding(&self) -> StratumDifference {
        StratumDifference {
            index: self.index,
            weight: self.weight,
            difference: self.own.0,
            test: self.own.1,
        }
    }
}

/// The difference of combined shares, where one of the arms has few events.
fn of_few_events(layers: &[Layer], spread: Spread, level: f64) -> Option<Stratified> {
    let arm = |arm: usize| {
        let strata = layers.iter().map(|l| (l.weight, l.n[arm], l.means[arm]));
        EffectiveShare::of_strata(strata, spread.variances[arm], spread.n_units[arm])
    };
    let found = few_events(&arm(0)?, &arm(1)?, level)?;
    Some(Stratified {
        difference: found.difference,
        test: found.test,
        a: found.a,
        b: found.b,
        strata: layers.iter().map(Layer::finding).collect(),
    })
}

/// The difference of the combined means.
fn combined(layers: &[Layer], spread: Spread, level: f64) -> Option<Stratified> {
    let ([va, vb], [na, nb]) = (spread.variances, spread.n_units);
    let variance = va + vb - 2.0 * spread.covariance;
    let df_of = |arm: usize| {
        let strata = layers.iter().map(|layer| layer.units[arm]);
        degrees_of_freedom(strata, spread.size_squares[arm])
    };
    let (df_a, df_b) = (df_of(0), df_of(1));
    let df = joint_df((va, df_a), (vb, df_b))?;
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
        a: estimate(sum(&|l| l.means[0]), va.sqrt(), df_a, na)?,
        b: estimate(sum(&|l| l.means[1]), vb.sqrt(), df_b, nb)?,
        strata: layers.iter().map(Layer::finding).collect(),
    })
}

impl Independence {
    /// Observations of a cell; none where they are of one unit.
    pub(super) fn size(self, cell: &Coded<'_>) -> usize {
        let is_one = match self {
            Self::OfUnits if !cell.units.is_empty() => {
                cell.units.iter().all(|u| *u == cell.units[0])
            }
            _ => cell.len() < 2,
        };
        if is_one { 0 } else { cell.len() }
    }
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

#[cfg(test)]
mod tests {
    use super::super::counts::coded;
    use super::super::ratio::{Reference, ratio_difference};
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
    fn one_stratum_of_equal_units_is_the_plain_difference_by_unit() {
        let a: Given<'_> = (&[0.2, 1.4, 0.9, 0.3, 2.2, 1.7], &[0, 0, 1, 1, 2, 2]);
        let b: Given<'_> = (&[1.3, 2.1, 0.4], &[3, 4, 5]);
        let found = compare(&[a], &[b]).unwrap();
        let (sums_a, sums_b) = (
            [(1.6, 2.0), (1.2, 2.0), (3.9, 2.0)],
            [(1.3, 1.0), (2.1, 1.0), (0.4, 1.0)],
        );
        let by_unit = |sums: &[(f64, f64); 3]| RatioMoments::of_units(sums.iter().copied(), 0.0);
        let plain =
            ratio_difference(&by_unit(&sums_a), &by_unit(&sums_b), Reference::Welch, 0.95).unwrap();
        assert!((found.difference.value - plain.difference.value).abs() < 1e-15);
        let gap = found.difference.interval.upper - plain.difference.interval.upper;
        assert!(gap.abs() < 1e-12, "{gap}");
        assert!((found.test.unwrap().p - plain.test.p).abs() < 1e-12);
    }

    /// Made by `tests/data/stratified/make.py`.
    #[derive(serde::Deserialize)]
    struct Expected {
        control: Vec<Observed>,
        treatment: Vec<Observed>,
        df: f64,
        p: f64,
        n_units: [u64; 2],
        estimates: [[f64; 3]; 3],
    }

    #[derive(serde::Deserialize)]
    struct Observed {
        values: Vec<f64>,
        units: Vec<u32>,
    }

    #[test]
    fn users_of_unequal_size_in_growing_strata_are_as_made_of_matrices() {
        let text = include_str!("../../tests/data/stratified/expected.json");
        let expected: Expected = serde_json::from_str(text).unwrap();
        let given = |cells: &'static [Observed]| -> Vec<Given<'static>> {
            cells
                .iter()
                .map(|c| (&c.values[..], &c.units[..]))
                .collect()
        };
        let (control, treatment) = (expected.control.leak(), expected.treatment.leak());
        let found = compare(&given(control), &given(treatment)).unwrap();
        let test = found.test.unwrap();
        let near = |a: f64, b: f64| assert!((a - b).abs() <= 1e-11 * b.abs(), "{a} {b}");
        near(test.df.unwrap(), expected.df);
        near(test.p, expected.p);
        assert_eq!([found.a.n, found.b.n], expected.n_units);
        let estimates = [found.difference, found.a, found.b];
        for (found, expected) in estimates.into_iter().zip(expected.estimates) {
            near(found.value, expected[0]);
            near(found.interval.lower, expected[1]);
            near(found.interval.upper, expected[2]);
        }
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
