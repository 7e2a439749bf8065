//! The Poisson distribution.

use super::deviance::{deviance, stirling_error};
use std::f64::consts::TAU;

/// ln P(X = k) for X Poisson with a positive `mean`, by the saddle point (Loader 2000).
pub fn poisson_ln_pmf(k: u64, mean: f64) -> f64 {
    if k == 0 {
        return -mean;
    }
    let k = k as f64;
    -0.5 * (TAU * k).ln() - stirling_error(k) - deviance(k, mean, k - mean)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_sum_to_one() {
        for mean in [1e-3, 0.7, 12.5, 900.0] {
            let sum: f64 = (0..3000).map(|k| poisson_ln_pmf(k, mean).exp()).sum();
            assert!((sum - 1.0).abs() < 1e-12, "{mean}: {sum}");
        }
    }
}
