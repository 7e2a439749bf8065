//! The exact test of a share against an expected one.

use super::dist::{binomial_ln_pmf, binomial_tails, ln_add_exp};
use super::estimate::{TestName, TestResult};
use super::least_likely::{Extreme, extreme};
use super::proportions::Share;
use serde::Serialize;

/// An exact test with its one-sided p-values.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct BinomialTest {
    /// Two-sided test: the outcomes no more probable than the observed one. Its statistic is the
    /// number of events.
    pub test: TestResult,
    /// P(X ≥ events).
    pub p_greater: f64,
    /// P(X ≤ events).
    pub p_less: f64,
}

/// Tests that independent observations have the event with probability `expected`. `None` without
/// observations, with more events than observations, or unless `expected` is inside (0, 1).
pub fn binomial_test(share: Share, expected: f64) -> Option<BinomialTest> {
    share.value()?;
    if !(expected > 0.0 && expected < 1.0) {
        return None;
    }
    let Share { events, n } = share;
    let ln_pmf = |k| binomial_ln_pmf(k, n, expected);
    let mode = (((n as f64 + 1.0) * expected).floor() as u64).min(n);
    let ln_at_most = |k: u64| binomial_tails(k, n, expected).ln_lower;
    let ln_at_least = |k: u64| {
        k.checked_sub(1)
            .map_or(0.0, |k| binomial_tails(k, n, expected).ln_upper)
    };
    let ln_p = match extreme(ln_pmf, 0..=n, mode, events) {
        Extreme::All => 0.0,
        Extreme::Sides(below, above) => ln_add_exp(
            below.map_or(f64::NEG_INFINITY, ln_at_most),
            above.map_or(f64::NEG_INFINITY, ln_at_least),
        ),
    };
    Some(BinomialTest {
        test: TestResult::new(TestName::Binomial, events as f64, None, ln_p),
        p_greater: ln_at_least(events).exp(),
        p_less: ln_at_most(events).exp(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn p(events: u64, n: u64, expected: f64) -> f64 {
        binomial_test(Share { events, n }, expected).unwrap().test.p
    }

    #[test]
    fn coins_by_hand() {
        assert!((p(0, 5, 0.5) - 2.0 / 32.0).abs() < 1e-15);
        assert_eq!(p(5, 10, 0.5), 1.0);
        // 3 of 4 at ¼: only 3 and 4 are as rare.
        assert!((p(3, 4, 0.25) - 13.0 / 256.0).abs() < 1e-15);
    }

    #[test]
    fn nonsense_is_none() {
        assert_eq!(binomial_test(Share { events: 0, n: 0 }, 0.5), None);
        assert_eq!(binomial_test(Share { events: 2, n: 1 }, 0.5), None);
        assert_eq!(binomial_test(Share { events: 1, n: 3 }, 1.0), None);
        assert_eq!(binomial_test(Share { events: 1, n: 3 }, f64::NAN), None);
    }

    #[test]
    fn billions_approach_the_normal_limit() {
        let n = 4_000_000_000;
        let events = 2_000_062_000; // 1.96 standard deviations
        assert!((p(events, n, 0.5) - 0.05).abs() < 3e-4);
    }
}
