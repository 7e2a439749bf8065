//! Rates of rare events over an exposure: incidents an hour, errors a million tokens.
//!
//! Events are Poisson with mean rate × exposure. Intervals of one rate: Garwood (1936). Two rates are
//! compared given their total: the treatment's events are then Binomial(total, share of exposure),
//! which is exact (Przyborowski & Wilenski 1940).

use super::binomial_test::binomial_test;
use super::dist::{chi_square_tails, chi_square_upper_quantile, ln_add_exp, poisson_ln_pmf};
use super::estimate::{Estimate, Interval, Method, TestName, TestResult, valid_level};
use super::least_likely::{Extreme, extreme};
use super::proportions::Share;
use serde::Serialize;

/// Events over an exposure.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Rate {
    /// Number of events.
    pub events: u64,
    /// Time, requests or tokens in which they happened; positive.
    pub exposure: f64,
}

/// Two rates compared.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct RateComparison {
    /// The treatment's rate over the control's; infinite where the control had no event.
    pub ratio: Estimate,
    /// Two-sided test that both are equal, by the likelihood of outcomes; its statistic is the
    /// treatment's count.
    pub test: TestResult,
    /// One-sided p-value of the alternative that the treatment's rate is greater.
    pub p_greater: f64,
    /// One-sided p-value of the alternative that it is smaller.
    pub p_less: f64,
}

impl Rate {
    /// Events per unit of exposure; `None` unless the exposure is positive and finite.
    pub fn value(self) -> Option<f64> {
        let is_sound = self.exposure > 0.0 && self.exposure.is_finite();
        let value = self.events as f64 / self.exposure;
        (is_sound && value.is_finite()).then_some(value)
    }

    /// The rate with Garwood's exact interval. `None` without exposure or when `level` is outside
    /// (0, 1).
    pub fn estimate(self, level: f64) -> Option<Estimate> {
        let value = self.value()?;
        let tail = (1.0 - valid_level(level)?) / 2.0;
        let x = self.events as f64;
        let lower = if self.events == 0 {
            0.0
        } else {
            chi_square_upper_quantile(1.0 - tail, 2.0 * x)? / 2.0
        };
        let upper = chi_square_upper_quantile(tail, 2.0 * x + 2.0)? / 2.0;
        Some(Estimate {
            value,
            interval: Interval {
                lower: lower / self.exposure,
                upper: upper / self.exposure,
            },
            level,
            method: Method::Garwood,
            n: self.events,
        })
    }

    /// Exact two-sided test that the rate is `expected`: the counts no more probable than the
    /// observed one. `None` without exposure or unless the expected count is positive and below
    /// 10¹⁵.
    pub fn test(self, expected: f64) -> Option<TestResult> {
        const GREATEST_MEAN: f64 = 1e15;
        self.value()?;
        let mean = expected * self.exposure;
        if !(mean > 0.0 && mean < GREATEST_MEAN) || self.events as f64 > GREATEST_MEAN {
            return None;
        }
        let ln_pmf = |k: u64| poisson_ln_pmf(k, mean);
        // P(X ≤ k) = Q(k+1, mean) (DLMF 8.4.10).
        let tails = |k: u64| chi_square_tails(2.0 * mean, 2.0 * (k as f64 + 1.0));
        let ln_at_most = |k: u64| tails(k).ln_upper;
        let ln_at_least = |k: u64| k.checked_sub(1).map_or(0.0, |k| tails(k).ln_lower);
        // Far above the mode everything is rarer than any count that could be observed.
        let last = (self.events as f64).max(mean + 50.0 * (mean.sqrt() + 10.0)) as u64;
        let ln_p = match extreme(ln_pmf, 0..=last, mean as u64, self.events) {
            Extreme::All => 0.0,
            Extreme::Sides(below, above) => ln_add_exp(
                below.map_or(f64::NEG_INFINITY, ln_at_most),
                above.map_or(f64::NEG_INFINITY, ln_at_least),
            ),
        };
        let statistic = self.events as f64;
        Some(TestResult::new(TestName::Poisson, statistic, None, ln_p))
    }
}

/// The ratio of two rates, treatment `b` over control `a`, with exact test and interval. `None`
/// without any event, without exposure or when `level` is outside (0, 1).
pub fn compare_rates(a: Rate, b: Rate, level: f64) -> Option<RateComparison> {
    let (rate_a, rate_b) = (a.value()?, b.value()?);
    let n = a.events.checked_add(b.events).filter(|n| *n > 0)?;
    let share = Share {
        events: b.events,
        n,
    };
    // Exposure of b over all, from a ratio so that sums do not overflow.
    let exposure_ratio = a.exposure / b.exposure;
    let expected = 1.0 / (1.0 + exposure_ratio);
    let test = binomial_test(share, expected)?;
    let limits = share.clopper_pearson(level)?;
    let ratio = |p: f64| {
        if p >= 1.0 {
            f64::INFINITY
        } else {
            p / (1.0 - p) * exposure_ratio
        }
    };
    Some(RateComparison {
        ratio: Estimate {
            value: if a.events == 0 {
                f64::INFINITY
            } else {
                rate_b / rate_a
            },
            interval: Interval {
                lower: ratio(limits.interval.lower),
                upper: ratio(limits.interval.upper),
            },
            level,
            method: Method::ConditionalExact,
            n,
        },
        test: TestResult {
            name: TestName::PoissonRatio,
            ..test.test
        },
        p_greater: test.p_greater,
        p_less: test.p_less,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(events: u64, exposure: f64) -> Rate {
        Rate { events, exposure }
    }

    #[test]
    fn no_events_in_a_thousand_hours() {
        let estimate = rate(0, 1000.0).estimate(0.95).unwrap();
        assert_eq!((estimate.value, estimate.interval.lower), (0.0, 0.0));
        // −ln(0.025)/1000
        assert!((estimate.interval.upper - 0.025_f64.ln().abs() / 1000.0).abs() < 1e-15);
        let ten = rate(10, 1.0).estimate(0.95).unwrap();
        // Published limits of a count of ten: 4.795 to 18.390.
        assert!((ten.interval.lower - 4.795_389).abs() < 1e-6);
        assert!((ten.interval.upper - 18.390_356).abs() < 1e-6);
    }

    #[test]
    fn one_rate_against_an_expected_one() {
        // P(0) = e^-3 and P(≥ 7) = 0.0335 are each rarer than … P(7) = 0.0216.
        let p = rate(7, 1.0).test(3.0).unwrap().p;
        let pmf = |k: i32| (-3.0_f64).exp() * 3.0_f64.powi(k) / libm::tgamma(f64::from(k) + 1.0);
        let expected: f64 = 1.0 - (0..7).map(pmf).sum::<f64>();
        assert!((p - expected).abs() < 1e-12, "{p} {expected}");
        assert_eq!(rate(3, 1.0).test(3.0).unwrap().p, 1.0);
        assert_eq!(rate(3, 1.0).test(0.0), None);
        assert_eq!(rate(3, f64::NAN).test(1.0), None);
    }

    #[test]
    fn swapping_the_arms_inverts() {
        let (a, b) = (rate(12, 100.0), rate(30, 140.0));
        let forth = compare_rates(a, b, 0.95).unwrap();
        let back = compare_rates(b, a, 0.95).unwrap();
        assert!((forth.ratio.value * back.ratio.value - 1.0).abs() < 1e-14);
        assert!((forth.ratio.interval.lower * back.ratio.interval.upper - 1.0).abs() < 1e-10);
        assert!((forth.test.p - back.test.p).abs() < 1e-12);
        assert!((forth.p_less - back.p_greater).abs() < 1e-12);
    }

    #[test]
    fn one_silent_arm_still_has_an_interval() {
        let result = compare_rates(rate(0, 10.0), rate(4, 10.0), 0.95).unwrap();
        assert_eq!(result.ratio.value, f64::INFINITY);
        assert!(result.ratio.interval.lower > 0.6 && result.ratio.interval.lower < 0.7);
        assert_eq!(compare_rates(rate(0, 1.0), rate(0, 1.0), 0.95), None);
        assert_eq!(compare_rates(rate(1, 0.0), rate(2, 1.0), 0.95), None);
    }
}
