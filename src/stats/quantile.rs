//! Sample quantiles with distribution-free intervals.
//!
//! Estimates are of type 7 (Hyndman & Fan 1996). An interval is a pair of order statistics whose
//! ranks depend on n, the quantile and the level alone (e.g. Conover 1999, section 3.2); for
//! observations clustered in units the ranks come from the standard error of the share of
//! observations below the quantile (Woodruff 1952), which [`super::ratio`] gives with the
//! observations of a unit below the quantile as numerator and all of them as denominator. Where many
//! values are equal that share is not the quantile's own, and its variance is carried over to it.

use super::counts::Ascending;
use super::dist::{beta_tails, binomial_tails, normal_tails, t_multiplier, z_multiplier};
use super::estimate::{
    Estimate, Interval, Method, TestName, TestResult, square_and_add, valid_level,
};
use super::ratio::RatioMoments;

/// The quantile `q` in 0..=1 of ascending finite values, type 7: linear between the order
/// statistics around rank 1 + (n−1)q. `None` for an empty slice or `q` outside 0..=1.
pub fn quantile(sorted: &(impl Ascending + ?Sized), q: f64) -> Option<f64> {
    if sorted.n() == 0 || !(0.0..=1.0).contains(&q) {
        return None;
    }
    let position = (sorted.n() - 1) as f64 * q;
    let below = position.floor() as usize;
    let low = sorted.at(below)?;
    let high = sorted.at(below + 1).unwrap_or(low);
    Some(low + (position - below as f64) * (high - low))
}

/// Ranks of the order statistics that bound a quantile, from 1; `None` where n is too small for a
/// bound on that side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ranks {
    /// Rank of the lower bound.
    pub lower: Option<u64>,
    /// Rank of the upper bound.
    pub upper: Option<u64>,
}

impl Ranks {
    /// Equal-tailed conservative ranks for `n` independent observations: the greatest l with
    /// P(Bin(n,q) ≤ l−1) ≤ α/2 and the smallest u with P(Bin(n,q) ≥ u) ≤ α/2.
    ///
    /// `None` unless n > 0 and `q` and `level` are inside (0, 1).
    pub fn independent(n: u64, q: f64, level: f64) -> Option<Self> {
        valid_quantile(n, q)?;
        // One step of rounding must not move a rank: 1 − 0.95 is above 0.05 by 4e-17.
        let ln_tail = ((1.0 - valid_level(level)?) / 2.0 * (1.0 + 1e-12)).ln();
        let below = partition(n + 1, |k| binomial_tails(k, n, q).ln_lower <= ln_tail);
        let not_above = partition(n + 1, |k| binomial_tails(k, n, q).ln_upper > ln_tail);
        Some(Self {
            lower: (below > 0).then_some(below),
            upper: (not_above < n).then_some(not_above + 1),
        })
    }

    /// Ranks n(q ± t·se) for observations clustered in units, half a rank outwards as the normal
    /// approximation of [`Ranks::independent`] has it, and never inside those: that observations of a unit
    /// resemble each other makes no quantile better known. `below` holds by unit the observations at or
    /// below the quantile, or below it, and all of them; its design effect is taken for that of q itself,
    /// and t has a degree of freedom less than there are units.
    ///
    /// `None` below two units, or unless n > 0 and `q` and `level` are inside (0, 1).
    pub fn clustered(n: u64, q: f64, below: &RatioMoments, level: f64) -> Option<Self> {
        let independent = Self::independent(n, q, level)?;
        below.variance_of_ratio()?;
        // Where all or none are below, nothing tells how they are clustered.
        let design_effect = below
            .share_design_effect()
            .map_or(1.0, |deff| deff.max(1.0));
        let se = (q * (1.0 - q) / n as f64 * design_effect).sqrt();
        let half_width = t_multiplier(level, (below.units - 1) as f64)? * se;
        let ranks = Self::about(n, q, half_width);
        Some(Self {
            lower: ranks.lower.zip(independent.lower).map(|(a, b)| a.min(b)),
            upper: ranks.upper.zip(independent.upper).map(|(a, b)| a.max(b)),
        })
    }

    fn about(n: u64, q: f64, half_width: f64) -> Self {
        let total = n as f64;
        let lower = (total * (q - half_width) + 0.5).floor();
        let upper = (total * (q + half_width) + 0.5).ceil();
        Self {
            lower: (lower >= 1.0).then_some(lower as u64),
            upper: (upper <= total).then_some(upper as u64),
        }
    }

    /// The probability P(l ≤ Bin(n,q) ≤ u−1) that the interval covers the quantile when
    /// observations are independent.
    pub fn coverage(self, n: u64, q: f64) -> f64 {
        let below = self
            .lower
            .map_or(0.0, |l| binomial_tails(l - 1, n, q).lower());
        let above = self.upper.map_or(0.0, |u| {
            // P(Bin ≥ u) = I_q(u, n−u+1)
            beta_tails(u as f64, (n - u + 1) as f64, q, 1.0 - q).lower()
        });
        1.0 - below - above
    }

    /// The values at these ranks of ascending `sorted`; infinite where there is no bound.
    pub fn interval(self, sorted: &(impl Ascending + ?Sized)) -> Interval {
        let at = |rank: Option<u64>| sorted.at((rank? as usize).checked_sub(1)?);
        Interval {
            lower: at(self.lower).unwrap_or(f64::NEG_INFINITY),
            upper: at(self.upper).unwrap_or(f64::INFINITY),
        }
    }
}

/// A quantile of ascending finite values with its interval for independent observations; an end is
/// infinite where there are too few values. `None` for an empty slice or `q` or `level` outside
/// (0, 1).
pub fn quantile_estimate(
    sorted: &(impl Ascending + ?Sized),
    q: f64,
    level: f64,
) -> Option<Estimate> {
    let ranks = Ranks::independent(sorted.n() as u64, q, level)?;
    estimate(sorted, q, level, ranks, Method::OrderStatistics)
}

/// As [`quantile_estimate`] for observations clustered in units; `below` as for [`Ranks::clustered`].
pub fn clustered_quantile_estimate(
    sorted: &(impl Ascending + ?Sized),
    q: f64,
    below: &RatioMoments,
    level: f64,
) -> Option<Estimate> {
    let ranks = Ranks::clustered(sorted.n() as u64, q, below, level)?;
    estimate(sorted, q, level, ranks, Method::ClusteredOrderStatistics)
}

/// The difference `b − a` of two independent quantile estimates of the same level, its interval by
/// the square-and-add rule. `None` if the levels differ.
pub fn quantile_difference(a: &Estimate, b: &Estimate) -> Option<Estimate> {
    if a.level != b.level {
        return None;
    }
    Some(Estimate {
        value: b.value - a.value,
        interval: square_and_add((a.value, a.interval), (b.value, b.interval))?,
        level: a.level,
        method: Method::SquareAndAdd,
        n: a.n.saturating_add(b.n),
    })
}

/// The test that a quantile difference is zero that agrees with its interval: the side of the
/// interval towards zero is taken as that many standard errors as the level says. `None` where
/// that side has no finite end or no width.
pub fn quantile_test(difference: &Estimate) -> Option<TestResult> {
    let Interval { lower, upper } = difference.interval;
    let value = difference.value;
    let side = if value > 0.0 {
        value - lower
    } else {
        upper - value
    };
    let standard_error = side / z_multiplier(difference.level)?;
    if !(standard_error > 0.0 && standard_error.is_finite()) {
        return None;
    }
    let z = value / standard_error;
    Some(TestResult::new(
        TestName::QuantileDifference,
        z,
        None,
        normal_tails(z).ln_two_sided(),
    ))
}

fn estimate(
    sorted: &(impl Ascending + ?Sized),
    q: f64,
    level: f64,
    ranks: Ranks,
    method: Method,
) -> Option<Estimate> {
    Some(Estimate {
        value: quantile(sorted, q)?,
        interval: ranks.interval(sorted),
        level,
        method,
        n: sorted.n() as u64,
    })
}

fn valid_quantile(n: u64, q: f64) -> Option<()> {
    (n > 0 && q > 0.0 && q < 1.0).then_some(())
}

/// The number of leading `0..end` for which `holds`, which must be true and then false.
fn partition(end: u64, holds: impl Fn(u64) -> bool) -> u64 {
    let (mut low, mut high) = (0, end);
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn type_7_interpolates() {
        let values = [10.0, 20.0, 30.0, 40.0];
        for (q, expected) in [(0.0, 10.0), (0.5, 25.0), (0.9, 37.0), (1.0, 40.0)] {
            assert!((quantile(&values, q).unwrap() - expected).abs() < 1e-12);
        }
        assert_eq!(quantile(&[0.0; 0], 0.5), None);
        assert_eq!(quantile(&values, 1.1), None);
    }

    #[test]
    fn small_samples_have_no_bound() {
        let estimate = quantile_estimate(&[1.0, 2.0, 3.0], 0.99, 0.95).unwrap();
        assert_eq!(estimate.interval.upper, f64::INFINITY);
    }

    #[test]
    fn one_observation_a_unit_gives_nearly_the_independent_ranks() {
        for (n, q) in [
            (20_u64, 0.5),
            (1000, 0.95),
            (100_000, 0.99),
            (5_000_000, 0.5),
        ] {
            let below = (q * n as f64) as u64;
            let alone = RatioMoments::from_sums(n, (below, n), (below, n, below));
            let exact = Ranks::independent(n, q, 0.95).unwrap();
            let normal = Ranks::clustered(n, q, &alone, 0.95).unwrap();
            let gap = |a: Option<u64>, b: Option<u64>| a.unwrap().abs_diff(b.unwrap());
            assert!(
                gap(exact.lower, normal.lower) <= 1,
                "{n} {exact:?} {normal:?}"
            );
            assert!(
                gap(exact.upper, normal.upper) <= 1,
                "{n} {exact:?} {normal:?}"
            );
            let coverage = exact.coverage(n, q);
            assert!((0.95..0.97).contains(&coverage), "{n}: {coverage}");
        }
    }

    /// Six of a hundred requests at the time limit, of users with two each: the p95 is the limit, at or
    /// below which all are.
    #[test]
    fn a_quantile_among_equal_values_is_known_no_better_than_one_request_a_unit_tells() {
        let values: Vec<f64> = (0..94).map(f64::from).chain([999.0; 6]).collect();
        let all = RatioMoments::of_whole_numbers((0..50).map(|_| (2, 2)));
        let found = clustered_quantile_estimate(&values, 0.95, &all, 0.95).unwrap();
        let independent = quantile_estimate(&values, 0.95, 0.95).unwrap();
        assert!(found.interval.lower <= independent.interval.lower && found.value > 900.0);
        assert!(found.interval.lower < 91.0, "{found:?}");
    }

    #[test]
    fn few_units_tell_little_however_much_each_did() {
        let of = |units: u32, size: u32| {
            let below = |unit: u32| {
                if unit.is_multiple_of(2) {
                    size / 4
                } else {
                    3 * size / 4
                }
            };
            RatioMoments::of_whole_numbers((0..units).map(|unit| (below(unit), size)))
        };
        let few = Ranks::clustered(1200, 0.5, &of(4, 300), 0.95).unwrap();
        let many = Ranks::clustered(1200, 0.5, &of(120, 10), 0.95).unwrap();
        let width = |ranks: Ranks| ranks.upper.unwrap() - ranks.lower.unwrap();
        assert!(width(few) > 5 * width(many), "{few:?} {many:?}");
    }

    #[test]
    fn differences_need_equal_levels() {
        let values: Vec<f64> = (0..200).map(f64::from).collect();
        let shifted: Vec<f64> = values.iter().map(|v| v + 7.0).collect();
        let a = quantile_estimate(&values, 0.5, 0.95).unwrap();
        let b = quantile_estimate(&shifted, 0.5, 0.95).unwrap();
        let difference = quantile_difference(&a, &b).unwrap();
        assert_eq!(difference.value, 7.0);
        assert!(difference.interval.contains(7.0));
        let other = quantile_estimate(&shifted, 0.5, 0.9).unwrap();
        assert_eq!(quantile_difference(&a, &other), None);
    }
}
