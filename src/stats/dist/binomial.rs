//! The binomial distribution.

use super::deviance::ln_binomial_term;
use super::{Tails, beta_tails};

/// P(X ≤ k) and P(X > k) for X binomial of `n` trials with probability `p` in 0..=1.
///
/// DLMF 8.17.5: P(X ≤ k) = I_{1−p}(n−k, k+1).
pub fn binomial_tails(k: u64, n: u64, p: f64) -> Tails {
    if k >= n {
        return Tails {
            ln_lower: 0.0,
            ln_upper: f64::NEG_INFINITY,
        };
    }
    beta_tails((n - k) as f64, k as f64 + 1.0, 1.0 - p, p)
}

/// ln P(X = k) for X binomial of `n` trials with probability `p` in 0..=1, `k ≤ n`.
pub fn binomial_ln_pmf(k: u64, n: u64, p: f64) -> f64 {
    let (total, failures) = (n as f64, (n - k) as f64);
    if k == 0 {
        if n == 0 { 0.0 } else { total * (-p).ln_1p() }
    } else if k == n {
        total * p.ln()
    } else {
        ln_binomial_term(k as f64, failures, p, 1.0 - p, p.mul_add(-total, k as f64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_sum_to_the_tail() {
        let sum: f64 = (0..=7).map(|k| binomial_ln_pmf(k, 30, 0.2).exp()).sum();
        assert!((sum - binomial_tails(7, 30, 0.2).lower()).abs() < 1e-14);
    }

    #[test]
    fn certain_outcomes() {
        assert_eq!(binomial_tails(5, 5, 0.3).lower(), 1.0);
        assert_eq!(binomial_tails(0, 5, 0.0).lower(), 1.0);
        assert_eq!(binomial_tails(4, 5, 1.0).lower(), 0.0);
        assert_eq!(binomial_ln_pmf(0, 5, 0.0), 0.0);
        assert_eq!(binomial_ln_pmf(5, 5, 1.0), 0.0);
    }
}
