//! Is a difference small enough? Two one-sided tests, and non-inferiority.
//!
//! "Not significant" says nothing about how large a difference may be. Equivalence is shown when the
//! difference is significantly above the lower and significantly below the upper margin (Schuirmann
//! 1987): both tests at alpha, or what is the same, the interval at level 1 − 2·alpha inside the
//! margins. They work on every [`Comparison`]: means, paired means, ratio metrics by unit.

use super::dist::{normal_tails, t_tails};
use super::estimate::{Comparison, Interval, TestName, TestResult};
use serde::Serialize;

/// Which direction of a metric is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Better {
    /// Such as a rating.
    Higher,
    /// Such as an error rate.
    Lower,
}

/// Two one-sided tests of a difference against margins.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Equivalence {
    /// The greater of both p-values, and its statistic: equivalent at alpha where p < alpha.
    pub test: TestResult,
    /// One-sided p-value that the difference is not above the lower margin.
    pub p_lower: f64,
    /// One-sided p-value that the difference is not below the upper margin.
    pub p_upper: f64,
}

/// Tests that the difference lies inside `margins`. `None` unless both are finite and in order.
pub fn equivalence(comparison: &Comparison, margins: Interval) -> Option<Equivalence> {
    if !(margins.lower.is_finite() && margins.upper.is_finite() && margins.lower < margins.upper) {
        return None;
    }
    let name = TestName::Equivalence;
    let above = one_sided(comparison, margins.lower, Better::Higher, name);
    let below = one_sided(comparison, margins.upper, Better::Lower, name);
    Some(Equivalence {
        test: if above.ln_p > below.ln_p {
            above
        } else {
            below
        },
        p_lower: above.p,
        p_upper: below.p,
    })
}

/// One-sided test that treatment is not worse than control by `margin` ≥ 0 in the metric's unit;
/// with margin 0, that it is better. `None` unless the margin is finite and not negative.
pub fn non_inferiority(comparison: &Comparison, margin: f64, better: Better) -> Option<TestResult> {
    if !(margin >= 0.0 && margin.is_finite()) {
        return None;
    }
    let limit = match better {
        Better::Higher => -margin,
        Better::Lower => margin,
    };
    let name = TestName::NonInferiority;
    Some(one_sided(comparison, limit, better, name))
}

/// One-sided test of the alternative that the difference is on the good side of `limit`.
fn one_sided(comparison: &Comparison, limit: f64, good: Better, name: TestName) -> TestResult {
    let statistic = (comparison.difference.value - limit) / comparison.standard_error;
    let df = comparison.test.df;
    let tails = df.map_or_else(|| normal_tails(statistic), |df| t_tails(statistic, df));
    let ln_p = match good {
        Better::Higher => tails.ln_upper,
        Better::Lower => tails.ln_lower,
    };
    TestResult::new(name, statistic, df, ln_p)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::moments::Moments;
    use crate::stats::t_test::welch;

    fn comparison(level: f64) -> Comparison {
        let a = Moments::from_slice(&[1.0, 2.0, 4.0, 3.5, 2.2]);
        let b = Moments::from_slice(&[1.4, 2.3, 3.9, 3.2]);
        welch(&a, &b, level).unwrap()
    }

    #[test]
    fn the_margins_at_the_interval_have_p_alpha() {
        let at_90 = comparison(0.9);
        let test = equivalence(&at_90, at_90.difference.interval).unwrap();
        assert!((test.p_lower - 0.05).abs() < 1e-10 && (test.p_upper - 0.05).abs() < 1e-10);
    }

    #[test]
    fn non_inferiority_is_one_half_of_it() {
        let c = comparison(0.95);
        let margins = Interval::around(0.0, 1.2);
        let both = equivalence(&c, margins).unwrap();
        let higher = non_inferiority(&c, 1.2, Better::Higher).unwrap();
        let lower = non_inferiority(&c, 1.2, Better::Lower).unwrap();
        assert_eq!((higher.p, lower.p), (both.p_lower, both.p_upper));
        assert_eq!(both.test.p, both.p_lower.max(both.p_upper));
        let better = non_inferiority(&c, 0.0, Better::Higher).unwrap();
        assert!((better.p - c.p_greater).abs() < 1e-15);
    }

    #[test]
    fn margins_out_of_order_are_none() {
        let c = comparison(0.95);
        for (lower, upper) in [
            (1.0, -1.0),
            (0.0, 0.0),
            (f64::NAN, 1.0),
            (-1.0, f64::INFINITY),
        ] {
            assert_eq!(equivalence(&c, Interval { lower, upper }), None);
        }
        assert_eq!(non_inferiority(&c, -1.0, Better::Lower), None);
    }
}
