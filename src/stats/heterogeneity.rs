//! Whether several estimates of one effect differ by more than chance.

use super::dist::chi_square_tails;
use super::estimate::{TestName, TestResult};

/// Cochran's Q over independent estimates.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Heterogeneity {
    /// Chi-square test that all estimates share one value.
    pub test: TestResult,
    /// The inverse-variance mean.
    pub mean: f64,
    /// I², the share of the variation that is not chance, 0 to 1 (Higgins & Thompson 2002).
    pub i_squared: f64,
}

/// Cochran's Q test (1954) of (value, variance) pairs, with k − 1 degrees of freedom for k pairs of
/// finite positive variance; the others are left out. `None` below two.
pub fn cochran_q(estimates: &[(f64, f64)]) -> Option<Heterogeneity> {
    let usable: Vec<(f64, f64)> = estimates
        .iter()
        .copied()
        .filter(|(value, variance)| value.is_finite() && *variance > 0.0 && variance.is_finite())
        .collect();
    if usable.len() < 2 {
        return None;
    }
    let total: f64 = usable.iter().map(|(_, v)| 1.0 / v).sum();
    let mean = usable.iter().map(|(x, v)| x / v).sum::<f64>() / total;
    let q: f64 = usable
        .iter()
        .map(|(x, v)| (x - mean) * ((x - mean) / v))
        .sum();
    let df = (usable.len() - 1) as f64;
    let i_squared = if q > df { (q - df) / q } else { 0.0 };
    Some(Heterogeneity {
        test: TestResult::new(
            TestName::CochranQ,
            q,
            Some(df),
            chi_square_tails(q, df).ln_upper,
        ),
        mean,
        i_squared,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        // Weights 1, 1, 0.25; mean (1 + 3 + 0.5)/2.25 = 2; Q = 1 + 1 + 0.
        let found = cochran_q(&[(1.0, 1.0), (3.0, 1.0), (2.0, 4.0)]).unwrap();
        assert!((found.mean - 2.0).abs() < 1e-15);
        assert!((found.test.statistic - 2.0).abs() < 1e-14);
        assert_eq!(found.test.df, Some(2.0));
        assert!((found.test.p - (-1.0_f64).exp()).abs() < 1e-12);
        assert_eq!(found.i_squared, 0.0);
    }

    #[test]
    fn what_has_no_variance_is_left_out() {
        assert_eq!(cochran_q(&[(1.0, 1.0), (9.0, 0.0)]), None);
        assert_eq!(cochran_q(&[(1.0, 1.0), (f64::NAN, 1.0)]), None);
    }
}
