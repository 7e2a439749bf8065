//! Ratio metrics whose unit of assignment is coarser than their observations: errors per request by
//! user, cost per session, mean latency by user.
//!
//! The ratio R = Σnum/Σden over units is linearised by the delta method: its variance over n units
//! is s²(num − R·den)/(n·mean(den)²) with the n−1 denominator (Deng, Knoblich & Lu 2018, "Applying
//! the Delta Method in Metric Analytics"). Units are independent, observations within one need not
//! be. Good from about 50 units an arm.

use super::dist::{normal_tails, t_multiplier, t_tails, z_multiplier};
use super::estimate::{Comparison, Estimate, Interval, Method, TestName};
use super::proportions::wilson_estimate;
use super::t_test::welch_df;
use serde::Serialize;

/// Moments of (numerator, denominator) over units, exact to merge.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct RatioMoments {
    /// Number of units.
    pub units: u64,
    /// What every observation's value was lessened by before it was added to its unit's numerator; near
    /// the ratio, values that lie far from zero and close to each other keep their digits. 0 for
    /// numerators as they are.
    pub offset: f64,
    /// Mean numerator per unit.
    pub mean_num: f64,
    /// Mean denominator per unit.
    pub mean_den: f64,
    /// Sum of squared deviations of the numerator.
    pub m_num: f64,
    /// Sum of squared deviations of the denominator.
    pub m_den: f64,
    /// Sum of products of both deviations.
    pub m_cross: f64,
}

/// The distribution that the statistic is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reference {
    /// Normal, as experimentation platforms do.
    Normal,
    /// Student's t with Welch's degrees of freedom over units: safer with few units.
    Welch,
}

impl RatioMoments {
    /// Moments of one numerator and denominator per unit. Units with a value that is not finite are
    /// skipped; surplus values of the longer slice are ignored.
    pub fn from_slices(numerators: &[f64], denominators: &[f64]) -> Self {
        let mut moments = Self::default();
        for (&num, &den) in numerators.iter().zip(denominators) {
            moments.push(num, den);
        }
        moments
    }

    /// From the numerator and denominator of each unit, all finite, the numerators less `offset` times
    /// the denominator: read twice, so that the means are known when deviations are taken.
    pub fn of_units(units: impl Iterator<Item = (f64, f64)> + Clone, offset: f64) -> Self {
        let mut moments = Self {
            offset,
            ..Self::default()
        };
        let (mut num, mut den) = (0.0, 0.0);
        for unit in units.clone() {
            moments.units += 1;
            num += unit.0;
            den += unit.1;
        }
        let n = moments.units.max(1) as f64;
        (moments.mean_num, moments.mean_den) = (num / n, den / n);
        for unit in units {
            let (num, den) = (unit.0 - moments.mean_num, unit.1 - moments.mean_den);
            moments.m_num += num * num;
            moments.m_den += den * den;
            moments.m_cross += num * den;
        }
        moments
    }

    /// From the numerator and denominator of each unit, whole numbers; those with a denominator of 0 are
    /// skipped. Exact but for the last rounding.
    pub fn of_whole_numbers(units: impl Iterator<Item = (u32, u32)>) -> Self {
        let (mut n, mut sums, mut products) = (0, (0, 0), (0, 0, 0));
        for (num, den) in units.filter(|(_, den)| *den > 0) {
            let (num, den) = (u64::from(num), u64::from(den));
            n += 1;
            sums = (sums.0 + num, sums.1 + den);
            products = (
                products.0 + num * num,
                products.1 + den * den,
                products.2 + num * den,
            );
        }
        Self::from_sums(n, sums, products)
    }

    /// From sums over units of whole numbers: numerator and denominator; their squares and products.
    /// Exact but for the last rounding.
    pub fn from_sums(
        units: u64,
        (num, den): (u64, u64),
        (num_num, den_den, num_den): (u64, u64, u64),
    ) -> Self {
        let n = units.max(1);
        let mean = |sum: u64| sum as f64 / n as f64;
        // Σ(x − x̄)(y − ȳ) = (n Σxy − Σx Σy) / n
        let deviations = |products: u64, x: u64, y: u64| {
            let scaled = i128::from(n) * i128::from(products) - i128::from(x) * i128::from(y);
            scaled as f64 / n as f64
        };
        Self {
            units,
            offset: 0.0,
            mean_num: mean(num),
            mean_den: mean(den),
            m_num: deviations(num_num, num, num),
            m_den: deviations(den_den, den, den),
            m_cross: deviations(num_den, num, den),
        }
    }

    /// As [`Self::from_sums`], of numbers that an engine added up: numerators that lie far from zero and
    /// close to each other lose digits.
    pub fn from_float_sums(
        units: u64,
        (num, den): (f64, f64),
        (num_num, den_den, num_den): (f64, f64, f64),
    ) -> Self {
        let n = units.max(1) as f64;
        Self {
            units,
            offset: 0.0,
            mean_num: num / n,
            mean_den: den / n,
            m_num: num_num - num * num / n,
            m_den: den_den - den * den / n,
            m_cross: num_den - num * den / n,
        }
    }

    /// Adds one unit; skipped if either value is not finite.
    pub fn push(&mut self, num: f64, den: f64) {
        if !(num.is_finite() && den.is_finite()) {
            return;
        }
        self.merge(&Self {
            units: 1,
            offset: self.offset,
            mean_num: num - self.offset * den,
            mean_den: den,
            ..Self::default()
        });
    }

    /// Adds the units that `other` was made from (Chan, Golub & `LeVeque` 1983).
    pub fn merge(&mut self, other: &Self) {
        if other.units == 0 {
            return;
        }
        let other = other.with_offset(self.offset);
        let (here, there) = (self.units as f64, other.units as f64);
        let total = here + there;
        let num = other.mean_num - self.mean_num;
        let den = other.mean_den - self.mean_den;
        let weight = here * (there / total);
        self.m_num += other.m_num + num * num * weight;
        self.m_den += other.m_den + den * den * weight;
        self.m_cross += other.m_cross + num * den * weight;
        self.mean_num += num * (there / total);
        self.mean_den += den * (there / total);
        self.units += other.units;
    }

    /// The same with another offset.
    fn with_offset(self, offset: f64) -> Self {
        let by = self.offset - offset;
        if by == 0.0 {
            return self;
        }
        Self {
            offset,
            mean_num: self.mean_num + by * self.mean_den,
            m_num: self.m_num + by * (2.0 * self.m_cross + by * self.m_den),
            m_cross: self.m_cross + by * self.m_den,
            ..self
        }
    }

    /// Units of equal size that would tell as much, (Σden)²/Σden² (Kish 1965): hardly more than one where
    /// one unit has most of all observations. 0 without units.
    pub fn effective_units(&self) -> f64 {
        let squares = self.m_den + self.units as f64 * self.mean_den * self.mean_den;
        let sum = self.units as f64 * self.mean_den;
        if squares > 0.0 {
            sum * sum / squares
        } else {
            0.0
        }
    }

    /// The ratio of sums; `None` without units or where the denominators sum to zero or less.
    pub fn ratio(&self) -> Option<f64> {
        let ratio = self.offset + self.mean_num / self.mean_den;
        (self.units > 0 && self.mean_den > 0.0 && ratio.is_finite()).then_some(ratio)
    }

    /// Variance of the linearised metric per unit; divide by the number of units for the variance
    /// of the ratio. `None` below two units or without a ratio.
    pub fn linearised_variance(&self) -> Option<f64> {
        let ratio = self.ratio().map(|_| self.mean_num / self.mean_den)?;
        if self.units < 2 {
            return None;
        }
        let squares = self.m_num - 2.0 * ratio * self.m_cross + ratio * ratio * self.m_den;
        // What rounding leaves of terms that cancel, as where all observations are equal, is nothing.
        let terms = self.m_num + ratio * ratio * self.m_den;
        let of_mean = 1e-15 * self.mean_num;
        if squares <= 1e-13 * terms + of_mean * of_mean * self.units as f64 {
            return Some(0.0);
        }
        let degrees = (self.units - 1) as f64;
        let variance = squares / degrees / (self.mean_den * self.mean_den);
        variance.is_finite().then_some(variance)
    }

    /// Variance of the ratio; `None` as for [`RatioMoments::linearised_variance`].
    pub fn variance_of_ratio(&self) -> Option<f64> {
        Some(self.linearised_variance()? / self.units as f64)
    }

    /// The ratio with its interval; `None` below two units, without a ratio, or when `level` is
    /// outside (0, 1). Where no unit differs from the ratio the interval has no width: for shares,
    /// [`RatioMoments::share_estimate`] has one there too.
    pub fn estimate(&self, reference: Reference, level: f64) -> Option<Estimate> {
        let value = self.ratio()?;
        let df = (self.units.checked_sub(1)?) as f64;
        let half = reference.multiplier(level, df)? * self.variance_of_ratio()?.sqrt();
        Some(Estimate {
            value,
            interval: Interval::around(value, half),
            level,
            method: reference.method(),
            n: self.units,
        })
    }

    /// As [`RatioMoments::estimate`] for a share, whose interval stays inside 0..=1. Where all units
    /// have the same share (no events at all, say) it is Wilson's, with each unit counted as one
    /// observation: the most that clustering can take away.
    pub fn share_estimate(&self, reference: Reference, level: f64) -> Option<Estimate> {
        /// Rounding leaves this much of the variance of a constant share.
        const NOTHING: f64 = 1e-13;
        let mut estimate = self.estimate(reference, level)?;
        let share = estimate.value;
        if !(0.0..=1.0).contains(&share) {
            return None;
        }
        if self.linearised_variance()? <= NOTHING {
            return wilson_estimate(share, self.units, level);
        }
        estimate.interval.lower = estimate.interval.lower.max(0.0);
        estimate.interval.upper = estimate.interval.upper.min(1.0);
        Some(estimate)
    }

    /// How many times greater the variance of the ratio is than `naive_variance`, the one that
    /// takes all observations as independent; `None` where either is undefined or the naive one is
    /// not positive.
    pub fn design_effect(&self, naive_variance: f64) -> Option<f64> {
        let variance = self.variance_of_ratio()?;
        (naive_variance > 0.0 && naive_variance.is_finite()).then(|| variance / naive_variance)
    }

    /// [`RatioMoments::design_effect`] of a share, whose naive variance is p(1−p)/Σden.
    pub fn share_design_effect(&self) -> Option<f64> {
        let share = self.ratio()?;
        let observations = self.mean_den * self.units as f64;
        self.design_effect(share * (1.0 - share) / observations)
    }
}

impl Reference {
    fn multiplier(self, level: f64, df: f64) -> Option<f64> {
        match self {
            Self::Normal => z_multiplier(level),
            Self::Welch => t_multiplier(level, df),
        }
    }

    const fn method(self) -> Method {
        match self {
            Self::Normal => Method::DeltaNormal,
            Self::Welch => Method::DeltaWelch,
        }
    }
}

/// The difference of ratios `b − a` (a control) with interval and test. `None` if either arm has
/// fewer than two units or no ratio, if neither varies, or if `level` is outside (0, 1).
pub fn ratio_difference(
    a: &RatioMoments,
    b: &RatioMoments,
    reference: Reference,
    level: f64,
) -> Option<Comparison> {
    let (va, vb) = (a.variance_of_ratio()?, b.variance_of_ratio()?);
    let df = welch_df(va, a.units, vb, b.units)?;
    let value = b.ratio()? - a.ratio()?;
    let se = standard_error(va + vb)?;
    let difference = Estimate {
        value,
        interval: Interval::around(value, reference.multiplier(level, df)? * se),
        level,
        method: reference.method(),
        n: a.units.saturating_add(b.units),
    };
    let z = value / se;
    Some(match reference {
        Reference::Normal => {
            Comparison::new(difference, se, TestName::DeltaNormal, None, normal_tails, z)
        }
        Reference::Welch => {
            let null = |t| t_tails(t, df);
            Comparison::new(difference, se, TestName::DeltaWelch, Some(df), null, z)
        }
    })
}

/// The relative change b/a − 1 of two positive independent estimates with their variances, by the
/// normal interval of ln(b/a). For ratios, means and anything else whose variance is known. `None`
/// unless both values are positive, both variances are finite and not negative, their ratio is in
/// the range of `f64`, and `level` is inside (0, 1).
pub fn relative_change(a: (f64, f64), b: (f64, f64), n: u64, level: f64) -> Option<Estimate> {
    let valid = |(value, variance): (f64, f64)| {
        value > 0.0 && value.is_finite() && variance >= 0.0 && variance.is_finite()
    };
    if !valid(a) || !valid(b) {
        return None;
    }
    let ratio = b.0 / a.0;
    let half = z_multiplier(level)? * (a.1 / a.0 / a.0 + b.1 / b.0 / b.0).sqrt();
    let at = |shift: f64| (ratio.ln() + shift).exp_m1();
    if !(ratio.is_normal() && half.is_finite()) {
        return None;
    }
    Some(Estimate {
        value: (b.0 - a.0) / a.0,
        interval: Interval {
            lower: at(-half),
            upper: at(half),
        },
        level,
        method: Method::LogRatio,
        n,
    })
}

fn standard_error(variance: f64) -> Option<f64> {
    (variance > 0.0 && variance.is_finite()).then(|| variance.sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::moments::Moments;
    use crate::stats::t_test::welch;
    use proptest::prelude::*;

    #[test]
    fn one_observation_a_unit_is_a_mean() {
        let (a, b) = ([0.3, 1.7, 2.2, 0.9], [1.3, 2.8, 2.1]);
        let ones = [1.0; 4];
        let ratio = ratio_difference(
            &RatioMoments::from_slices(&a, &ones),
            &RatioMoments::from_slices(&b, &ones),
            Reference::Welch,
            0.95,
        )
        .unwrap();
        let mean = welch(&Moments::from_slice(&a), &Moments::from_slice(&b), 0.95).unwrap();
        assert!((ratio.test.p - mean.test.p).abs() < 1e-13);
        assert!((ratio.standard_error - mean.standard_error).abs() < 1e-14);
    }

    #[test]
    fn repeating_each_observation_is_seen_as_clustering() {
        // 40 units of 10 equal answers carry 40 observations' worth, not 400.
        let num: Vec<f64> = (0..40)
            .map(|i| if i % 4 == 0 { 10.0 } else { 0.0 })
            .collect();
        let effect = RatioMoments::from_slices(&num, &[10.0; 40])
            .share_design_effect()
            .unwrap();
        assert!((effect - 10.0 * 40.0 / 39.0).abs() < 1e-9, "{effect}");
    }

    #[test]
    fn intervals_of_shares_stay_inside_their_range() {
        let rare = RatioMoments::from_slices(&[1.0, 0.0, 0.0, 0.0], &[9.0, 8.0, 9.0, 7.0]);
        let plain = rare.estimate(Reference::Welch, 0.95).unwrap();
        let share = rare.share_estimate(Reference::Welch, 0.95).unwrap();
        assert!(plain.interval.lower < 0.0 && share.interval.lower == 0.0);
        assert_eq!(plain.interval.upper, share.interval.upper);
    }

    #[test]
    fn sums_of_whole_numbers_give_the_same_moments() {
        let pairs = [(3_u32, 10_u32), (0, 4), (7, 7), (1, 25)];
        let mut pushed = RatioMoments::default();
        for (num, den) in pairs {
            pushed.push(f64::from(num), f64::from(den));
        }
        let sums = RatioMoments::from_sums(4, (11, 46), (59, 790, 30 + 49 + 25));
        let near = |a: f64, b: f64| (a - b).abs() <= 1e-12 * b.abs().max(1.0);
        assert_eq!(sums.units, pushed.units);
        assert!(near(sums.m_num, pushed.m_num) && near(sums.m_den, pushed.m_den));
        assert!(near(sums.m_cross, pushed.m_cross) && near(sums.mean_num, pushed.mean_num));
    }

    #[test]
    fn an_offset_keeps_the_digits_of_values_close_to_each_other() {
        // Values 1e9 + 0, 1, 2, …: the same spread as without the 1e9.
        let units = [(0.0, 1.0), (3.0, 2.0), (3.0, 3.0), (9.0, 2.0), (1.0, 1.0)];
        let far = RatioMoments::of_units(units.into_iter(), 1e9);
        let near = RatioMoments::of_units(units.into_iter(), 0.0);
        assert_eq!(far.linearised_variance(), near.linearised_variance());
        assert_eq!(far.ratio(), near.ratio().map(|ratio| 1e9 + ratio));
        let mut merged = RatioMoments::of_units(units[..2].iter().copied(), 0.0);
        let lower = units[2..].iter().map(|(num, den)| (num - 4.0 * den, *den));
        merged.merge(&RatioMoments::of_units(lower, 4.0));
        let close = |a: f64, b: f64| (a - b).abs() <= 1e-12 * b;
        let variance = |moments: &RatioMoments| moments.linearised_variance().unwrap();
        assert!(close(variance(&merged), variance(&near)));
        assert!(close(merged.ratio().unwrap(), near.ratio().unwrap()));
    }

    #[test]
    fn undefined_ratios_are_none() {
        let none = RatioMoments::default();
        let some = RatioMoments::from_slices(&[1.0, 2.0, 0.0], &[3.0, 4.0, 1.0]);
        let zero = RatioMoments::from_slices(&[0.0, 0.0], &[0.0, 0.0]);
        assert_eq!(none.ratio(), None);
        assert_eq!(none.estimate(Reference::Welch, 0.95), None);
        assert_eq!(zero.ratio(), None);
        assert_eq!(
            ratio_difference(&some, &zero, Reference::Normal, 0.95),
            None
        );
        assert_eq!(ratio_difference(&some, &some, Reference::Normal, 2.0), None);
        assert_eq!(some.design_effect(0.0), None);
        assert_eq!(relative_change((0.0, 1.0), (1.0, 1.0), 2, 0.95), None);
    }

    #[test]
    fn a_constant_ratio_has_no_variance() {
        let moments = RatioMoments::from_slices(&[1.0, 2.0, 3.0], &[2.0, 4.0, 6.0]);
        assert!(moments.linearised_variance().unwrap() < 1e-15);
        let no_events = RatioMoments::from_slices(&[0.0; 3], &[2.0, 4.0, 6.0]);
        assert_eq!(no_events.ratio(), Some(0.0));
        let width = |e: Estimate| e.interval.upper - e.interval.lower;
        assert_eq!(
            width(no_events.estimate(Reference::Welch, 0.95).unwrap()),
            0.0
        );
        let share = no_events.share_estimate(Reference::Welch, 0.95).unwrap();
        assert_eq!((share.method, share.value), (Method::Wilson, 0.0));
        assert!(width(share) > 0.5 && share.interval.lower == 0.0);
        let half = RatioMoments::from_slices(&[1.0, 2.0, 3.0], &[2.0, 4.0, 6.0]);
        let share = half.share_estimate(Reference::Welch, 0.95).unwrap();
        assert!(
            share.interval.lower < 0.3 && share.interval.upper > 0.7,
            "{share:?}"
        );
    }

    proptest! {
        #[test]
        fn merging_equals_pushing(
            units in prop::collection::vec((0.0..50.0_f64, 1.0..90.0_f64), 2..60),
            cut in 0..60_usize,
        ) {
            let (num, den): (Vec<f64>, Vec<f64>) = units.iter().copied().unzip();
            let cut = cut.min(num.len());
            let whole = RatioMoments::from_slices(&num, &den);
            let mut parts = RatioMoments::from_slices(&num[..cut], &den[..cut]);
            parts.merge(&RatioMoments::from_slices(&num[cut..], &den[cut..]));
            prop_assert_eq!(parts.units, whole.units);
            let (p, w) = (parts.linearised_variance().unwrap(), whole.linearised_variance().unwrap());
            prop_assert!((p - w).abs() <= 1e-10 * w.max(1e-3));
        }
    }
}
