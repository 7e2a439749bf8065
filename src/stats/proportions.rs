//! Shares of independent observations: intervals, difference and ratio of two arms.
//!
//! Requests of one user are not independent; shares of requests over users belong to
//! [`super::ratio`]. Sources: Wilson (1927); Clopper & Pearson (1934); Newcombe (1998), method 10;
//! Katz et al. (1978).

use super::dist::{beta_quantile, normal_tails, z_multiplier};
use super::estimate::{Comparison, Estimate, Interval, Method, TestName, square_and_add};
use serde::Serialize;

/// `events` among `n` observations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Share {
    /// Observations with the event.
    pub events: u64,
    /// All observations.
    pub n: u64,
}

/// Which variance a z test of two shares divides by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variance {
    /// One share for both arms, as the null hypothesis says; its square is the chi-square statistic.
    Pooled,
    /// Each arm its own share (Wald).
    Unpooled,
}

impl Share {
    /// The share; `None` without observations or with more events than observations.
    pub fn value(self) -> Option<f64> {
        (self.n > 0 && self.events <= self.n).then(|| self.events as f64 / self.n as f64)
    }

    /// The share with Wilson's score interval. `None` without observations or when `level` is
    /// outside (0, 1).
    pub fn wilson(self, level: f64) -> Option<Estimate> {
        wilson_estimate(self.value()?, self.n, level)
    }

    /// The share with Clopper and Pearson's exact interval. `None` as for [`Share::wilson`].
    pub fn clopper_pearson(self, level: f64) -> Option<Estimate> {
        let value = self.value()?;
        z_multiplier(level)?;
        let tail = (1.0 - level) / 2.0;
        let (x, rest) = (self.events as f64, (self.n - self.events) as f64);
        let lower = if self.events == 0 {
            0.0
        } else {
            beta_quantile(tail, x, rest + 1.0)?
        };
        let upper = if self.events == self.n {
            1.0
        } else {
            beta_quantile(1.0 - tail, x + 1.0, rest)?
        };
        let interval = Interval { lower, upper };
        Some(Estimate {
            value,
            interval,
            level,
            method: Method::ClopperPearson,
            n: self.n,
        })
    }
}

/// Wilson's interval of a share `value` in 0..=1 of `n` observations. `None` without observations or
/// when `level` is outside (0, 1).
pub(super) fn wilson_estimate(value: f64, n: u64, level: f64) -> Option<Estimate> {
    let z = z_multiplier(level)?;
    if n == 0 {
        return None;
    }
    Some(Estimate {
        value,
        interval: wilson_interval(value, n as f64, z),
        level,
        method: Method::Wilson,
        n,
    })
}

/// Wilson's interval of a share of so many observations, more than none of them.
pub(super) fn wilson_interval(value: f64, total: f64, z: f64) -> Interval {
    let shrink = 1.0 + z * z / total;
    let centre = (value + z * z / (2.0 * total)) / shrink;
    let half = z / shrink * (value * (1.0 - value) / total + z * z / (4.0 * total * total)).sqrt();
    let mut interval = Interval::around(centre, half);
    // At the ends the limit is exact in the formula but not in floating point.
    if value <= 0.0 {
        interval.lower = 0.0;
    }
    if value >= 1.0 {
        interval.upper = 1.0;
    }
    interval
}

/// The difference of shares `b − a` (a control) with Newcombe's interval. `None` if either arm is
/// empty or `level` is outside (0, 1).
pub fn newcombe(a: Share, b: Share, level: f64) -> Option<Estimate> {
    let (wilson_a, wilson_b) = (a.wilson(level)?, b.wilson(level)?);
    let interval = square_and_add(
        (wilson_a.value, wilson_a.interval),
        (wilson_b.value, wilson_b.interval),
    )?;
    Some(Estimate {
        value: difference(a, b),
        interval,
        level,
        method: Method::Newcombe,
        n: a.n.saturating_add(b.n),
    })
}

/// z test of two shares (a control), with Newcombe's interval of the difference.
///
/// `None` if either arm is empty, if the variance is zero (no events at all, or
/// nothing but events) or if `level` is outside (0, 1).
pub fn two_proportions(a: Share, b: Share, variance: Variance, level: f64) -> Option<Comparison> {
    let estimate = newcombe(a, b, level)?;
    let (pa, pb) = (a.value()?, b.value()?);
    let (na, nb) = (a.n as f64, b.n as f64);
    let (variance, name) = match variance {
        Variance::Pooled => {
            let events = (u128::from(a.events) + u128::from(b.events)) as f64;
            let rest = (na + nb) - events;
            let pooled = events / (na + nb) * (rest / (na + nb));
            (
                pooled * (1.0 / na + 1.0 / nb),
                TestName::TwoProportionPooled,
            )
        }
        Variance::Unpooled => (
            pa * (1.0 - pa) / na + pb * (1.0 - pb) / nb,
            TestName::TwoProportionUnpooled,
        ),
    };
    if variance <= 0.0 {
        return None;
    }
    let se = variance.sqrt();
    let z = estimate.value / se;
    Some(Comparison::new(estimate, se, name, None, normal_tails, z))
}

/// The risk ratio `p_b / p_a` (a control) with Katz's logarithmic interval. `None` if either arm is
/// empty or without events, or if `level` is outside (0, 1).
pub fn risk_ratio(a: Share, b: Share, level: f64) -> Option<Estimate> {
    let (pa, pb) = (a.value()?, b.value()?);
    if a.events == 0 || b.events == 0 {
        return None;
    }
    let ratio = pb / pa;
    let half = z_multiplier(level)? * risk_ratio_ln_se(a, b);
    Some(Estimate {
        value: ratio,
        interval: Interval {
            lower: ratio * (-half).exp(),
            upper: ratio * half.exp(),
        },
        level,
        method: Method::KatzLog,
        n: a.n.saturating_add(b.n),
    })
}

/// Standard error of the logarithm of the risk ratio: `√((1−p_a)/x_a + (1−p_b)/x_b)`, where both
/// arms have events.
pub fn risk_ratio_ln_se(a: Share, b: Share) -> f64 {
    let part = |s: Share| (s.n - s.events) as f64 / s.n as f64 / s.events as f64;
    (part(a) + part(b)).sqrt()
}

/// The difference `b − a` over the common denominator, so that equal shares differ by exactly zero.
pub(super) fn difference(a: Share, b: Share) -> f64 {
    let product = |events: u64, n: u64| u128::from(events) * u128::from(n);
    let (of_b, of_a) = (product(b.events, a.n), product(a.events, b.n));
    let size = of_b.abs_diff(of_a) as f64 / (a.n as f64 * b.n as f64);
    if of_b < of_a { -size } else { size }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(events: u64, n: u64) -> Share {
        Share { events, n }
    }

    #[test]
    fn degenerate_arms_have_no_test() {
        let test = |a, b| two_proportions(a, b, Variance::Pooled, 0.95);
        assert_eq!(test(share(0, 10), share(0, 20)), None);
        assert_eq!(test(share(10, 10), share(20, 20)), None);
        assert_eq!(test(share(0, 0), share(1, 20)), None);
        assert_eq!(share(3, 2).value(), None);
        assert_eq!(share(1, 2).wilson(1.0), None);
        assert_eq!(risk_ratio(share(0, 5), share(1, 5), 0.95), None);
    }

    #[test]
    fn no_events_still_have_an_interval() {
        let estimate = newcombe(share(0, 10), share(0, 20), 0.95).unwrap();
        assert_eq!(estimate.value, 0.0);
        assert!(estimate.interval.lower < 0.0 && estimate.interval.upper > 0.0);
    }

    #[test]
    fn swapping_the_arms_mirrors_the_answer() {
        let (a, b) = (share(30, 240), share(20, 250));
        let forth = two_proportions(a, b, Variance::Unpooled, 0.9).unwrap();
        let back = two_proportions(b, a, Variance::Unpooled, 0.9).unwrap();
        assert_eq!(forth.difference.value, -back.difference.value);
        assert!((forth.difference.interval.lower + back.difference.interval.upper).abs() < 1e-15);
        assert_eq!(forth.test.p, back.test.p);
        assert_eq!(forth.p_less, back.p_greater);
    }

    #[test]
    fn intervals_hold_their_value() {
        for events in 0..=12 {
            let s = share(events, 12);
            for estimate in [s.wilson(0.95).unwrap(), s.clopper_pearson(0.95).unwrap()] {
                assert!(estimate.interval.contains(estimate.value), "{estimate:?}");
                assert!(estimate.interval.lower >= 0.0 && estimate.interval.upper <= 1.0);
            }
        }
    }
}
