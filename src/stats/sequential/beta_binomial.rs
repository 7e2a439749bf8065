//! Exact sequences for shares: Robbins' (1970) mixture with a beta distribution.
//!
//! With s events and f others, the likelihood averaged over Beta(a, b) relative to the one at p₀ is
//! Λ = B(a+s, b+f) / (B(a, b) p₀^s (1−p₀)^f). It exceeds 1/α with chance at most α at any time, for
//! any number of looks and any sample size. All p₀ with Λ < 1/α are the confidence sequence.

use crate::stats::dist::ln_binomial_term;
use crate::stats::estimate::{Estimate, Interval, Method, TestName, TestResult, valid_level};
use crate::stats::proportions::{Share, difference};
use crate::stats::root::find_root;

/// The beta distribution that is mixed over. Put it where the share is expected: the sequence is
/// valid with any, and tighter with a good one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BetaMixture {
    /// First shape, positive; as if so many events had been seen.
    pub a: f64,
    /// Second shape, positive.
    pub b: f64,
}

impl Default for BetaMixture {
    /// Uniform.
    fn default() -> Self {
        Self { a: 1.0, b: 1.0 }
    }
}

impl BetaMixture {
    /// ln Λ against the share `p`, 0 ≤ p ≤ 1.
    fn ln_evidence(self, share: Share, p: f64) -> f64 {
        let (events, rest) = (share.events as f64, (share.n - share.events) as f64);
        let (a, b) = (self.a + events, self.b + rest);
        let total = a + b;
        if (p == 0.0 && share.events > 0) || (p == 1.0 && share.events < share.n) {
            return f64::INFINITY;
        }
        let of_prior = libm::lgamma(self.a) + libm::lgamma(self.b) - libm::lgamma(self.a + self.b);
        // ln B(a, b) and the likelihood together are a binomial term, in which nothing cancels.
        let ln_beta_over_likelihood = if p > 0.0 && p < 1.0 {
            let excess = p.mul_add(-total, a);
            (total / a / b).ln() - ln_binomial_term(a, b, p, 1.0 - p, excess)
                + self.a * p.ln()
                + self.b * (-p).ln_1p()
        } else {
            libm::lgamma(a) + libm::lgamma(b) - libm::lgamma(total)
        };
        ln_beta_over_likelihood - of_prior
    }

    fn is_sound(self) -> bool {
        let positive = |v: f64| v > 0.0 && v.is_finite();
        positive(self.a) && positive(self.b)
    }
}

/// Test that the share is `expected`, valid at any look: its statistic is ln Λ, its p-value
/// min(1, 1/Λ). `None` with more events than observations, unless `expected` is inside (0, 1), or
/// with shapes that are not positive.
pub fn beta_binomial_test(share: Share, expected: f64, mixture: BetaMixture) -> Option<TestResult> {
    if share.events > share.n || !(expected > 0.0 && expected < 1.0) || !mixture.is_sound() {
        return None;
    }
    let ln_evidence = mixture.ln_evidence(share, expected);
    let name = TestName::BetaBinomial;
    Some(TestResult::new(name, ln_evidence, None, -ln_evidence))
}

/// A share with its exact confidence sequence at this look. `None` without observations, with more
/// events than observations, with shapes that are not positive, or when `level` is outside (0, 1).
pub fn share_sequence(share: Share, mixture: BetaMixture, level: f64) -> Option<Estimate> {
    let value = share.value()?;
    let limit = -(1.0 - valid_level(level)?).ln();
    if !mixture.is_sound() {
        return None;
    }
    // Λ is least at the observed share and rises to both sides; where it does not reach the limit
    // the whole side belongs to the sequence.
    let gap = |p: f64| (mixture.ln_evidence(share, p) - limit).min(f64::MAX);
    let side = |end: f64| {
        if value == end {
            end
        } else {
            find_root(gap, end, value).unwrap_or(end)
        }
    };
    Some(Estimate {
        value,
        interval: Interval {
            lower: side(0.0),
            upper: side(1.0),
        },
        level,
        method: Method::BetaBinomial,
        n: share.n,
    })
}

/// The difference of shares `b − a` (a control) with an exact confidence sequence: each arm's
/// sequence at half of alpha, which may be looked at together at any time. `None` as for
/// [`share_sequence`].
pub fn share_difference_sequence(
    a: Share,
    b: Share,
    mixture: BetaMixture,
    level: f64,
) -> Option<Estimate> {
    let each = f64::midpoint(valid_level(level)?, 1.0);
    let of_a = share_sequence(a, mixture, each)?;
    let of_b = share_sequence(b, mixture, each)?;
    Some(Estimate {
        value: difference(a, b),
        interval: Interval {
            lower: of_b.interval.lower - of_a.interval.upper,
            upper: of_b.interval.upper - of_a.interval.lower,
        },
        level,
        method: Method::BetaBinomial,
        n: a.n.saturating_add(b.n),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(events: u64, n: u64) -> Share {
        Share { events, n }
    }

    #[test]
    fn limits_have_p_alpha() {
        for (events, n) in [(3, 40), (200, 1000), (1, 1_000_000), (999, 1000)] {
            let estimate = share_sequence(share(events, n), BetaMixture::default(), 0.95).unwrap();
            assert!(estimate.interval.contains(estimate.value));
            for limit in [estimate.interval.lower, estimate.interval.upper] {
                let test = beta_binomial_test(share(events, n), limit, BetaMixture::default());
                assert!((test.unwrap().p - 0.05).abs() < 1e-8, "{events} of {n}");
            }
        }
    }

    #[test]
    fn sequences_are_wider_than_a_single_look_and_stay_in_range() {
        for (events, n) in [(0, 10), (10, 10), (5, 20), (0, 1)] {
            let sequence = share_sequence(share(events, n), BetaMixture::default(), 0.95).unwrap();
            let single = share(events, n).clopper_pearson(0.95).unwrap();
            let width = |e: Estimate| e.interval.upper - e.interval.lower;
            assert!(width(sequence) > width(single));
            assert!(sequence.interval.lower >= 0.0 && sequence.interval.upper <= 1.0);
        }
        // (1−p)^10 · 11 = 0.05
        let none = share_sequence(share(0, 10), BetaMixture::default(), 0.95).unwrap();
        let expected = 1.0 - (0.05_f64 / 11.0).powf(0.1);
        assert!((none.interval.upper - expected).abs() < 1e-13);
    }

    #[test]
    fn nonsense_is_none() {
        let flat = BetaMixture { a: 0.0, b: 1.0 };
        assert_eq!(share_sequence(share(1, 2), flat, 0.95), None);
        assert_eq!(
            share_sequence(share(0, 0), BetaMixture::default(), 0.95),
            None
        );
        assert_eq!(
            beta_binomial_test(share(3, 2), 0.5, BetaMixture::default()),
            None
        );
        assert_eq!(
            beta_binomial_test(share(1, 2), 1.0, BetaMixture::default()),
            None
        );
    }

    #[test]
    fn differences_of_equal_shares_cover_zero() {
        let same = share_difference_sequence(
            share(30, 100),
            share(300, 1000),
            BetaMixture::default(),
            0.95,
        )
        .unwrap();
        assert_eq!(same.value, 0.0);
        assert!(same.interval.contains(0.0));
    }
}
