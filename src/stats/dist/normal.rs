//! The standard normal distribution.

use super::Tails;
use statrs::distribution::{ContinuousCDF, Normal};
use std::f64::consts::{FRAC_1_SQRT_2, TAU};

/// Tails of the standard normal distribution at `z`.
pub fn normal_tails(z: f64) -> Tails {
    let upper = Tails::from_ln_upper(ln_upper(z.abs()));
    if z < 0.0 { upper.swapped() } else { upper }
}

/// P(Z ≤ z).
pub fn normal_cdf(z: f64) -> f64 {
    0.5 * libm::erfc(-z * FRAC_1_SQRT_2)
}

/// The point below which a standard normal variable falls with probability `p`; infinite at 0 and
/// 1, `None` outside 0..=1.
pub fn normal_quantile(p: f64) -> Option<f64> {
    (0.0..=1.0)
        .contains(&p)
        .then(|| Normal::standard().inverse_cdf(p))
}

/// The multiplier of the standard error in a two-sided interval of the given level: 1.96 for 0.95.
/// `None` unless the level is inside (0, 1).
pub fn z_multiplier(level: f64) -> Option<f64> {
    if level > 0.0 && level < 1.0 {
        normal_quantile((1.0 - level) / 2.0).map(f64::abs)
    } else {
        None
    }
}

/// ln P(Z > z) for z ≥ 0. Far out, Laplace's continued fraction of Mills' ratio (DLMF 7.9.1).
fn ln_upper(z: f64) -> f64 {
    if z < 30.0 {
        return (0.5 * libm::erfc(z * FRAC_1_SQRT_2)).ln();
    }
    if z.is_infinite() {
        return f64::NEG_INFINITY;
    }
    let fraction = (1..=12_u32)
        .rev()
        .fold(z, |rest, k| z + f64::from(k) / rest);
    -0.5 * (z * z + TAU.ln()) - fraction.ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_far_tail_continues_the_near_one() {
        let near = ln_upper(30.0 - 1e-12);
        let far = ln_upper(30.0);
        assert!((near / far - 1.0).abs() < 1e-12);
    }

    #[test]
    fn quantiles_at_and_beyond_the_ends() {
        assert_eq!(normal_quantile(0.5), Some(0.0));
        assert_eq!(normal_quantile(0.0), Some(f64::NEG_INFINITY));
        assert_eq!(normal_quantile(1.0), Some(f64::INFINITY));
        assert_eq!(normal_quantile(-0.1), None);
        assert_eq!(z_multiplier(1.0), None);
        assert_eq!(z_multiplier(f64::NAN), None);
    }

    #[test]
    fn tails_mirror() {
        let (a, b) = (normal_tails(1.3), normal_tails(-1.3));
        assert_eq!(a.ln_upper, b.ln_lower);
        assert_eq!(normal_tails(0.0).ln_two_sided(), 0.0);
    }
}
