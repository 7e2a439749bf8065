//! The pieces of the saddle-point form of binomial-like terms.
//!
//! With δ the error of Stirling's formula and D the deviance, k^k-type powers never appear and
//! nothing cancels: C. Loader (2000), "Fast and accurate computation of binomial probabilities".

use std::f64::consts::TAU;

/// ln of `n! / (k! (n−k)!) x^k y^(n−k)` for real `0 < k < n`, `j = n − k`, where
/// `excess = k − n·x` is given as exactly as the caller knows it.
///
/// Loader (2000): −½ ln(2π k j / n) + δ(n) − δ(k) − δ(j) − D(k, nx) − D(j, ny).
pub(crate) fn ln_binomial_term(k: f64, j: f64, x: f64, y: f64, excess: f64) -> f64 {
    let n = k + j;
    stirling_error(n)
        - stirling_error(k)
        - stirling_error(j)
        - deviance(k, n * x, excess)
        - deviance(j, n * y, -excess)
        - 0.5 * (TAU * k * (j / n)).ln()
}

/// δ(x) = ln Γ(x+1) − [½ ln(2πx) + x ln x − x], x > 0. Asymptotic series: DLMF 5.11.1.
pub(super) fn stirling_error(x: f64) -> f64 {
    const SERIES: [f64; 7] = [
        1.0 / 12.0,
        -1.0 / 360.0,
        1.0 / 1260.0,
        -1.0 / 1680.0,
        1.0 / 1188.0,
        -691.0 / 360_360.0,
        1.0 / 156.0,
    ];
    if x < 10.0 {
        return libm::lgamma(x + 1.0) - (0.5 * (TAU * x).ln() + x * x.ln() - x);
    }
    let inverse_square = 1.0 / (x * x);
    SERIES
        .iter()
        .rev()
        .fold(0.0, |sum, c| sum * inverse_square + c)
        / x
}

/// D(k, m) = k ln(k/m) + m − k, where `excess = k − m` is given exactly.
pub(crate) fn deviance(k: f64, m: f64, excess: f64) -> f64 {
    let e = -excess / k;
    if e.abs() < 0.5 {
        -k * ln_1p_minus(e)
    } else {
        k * (k / m).ln() - excess
    }
}

/// ln(1+e) − e for |e| < ½: with r = e/(2+e), ln(1+e) = 2 artanh r and e = 2r/(1−r).
fn ln_1p_minus(e: f64) -> f64 {
    const MAX_TERMS: u32 = 60;
    let r = e / (2.0 + e);
    let square = r * r;
    let mut power = 1.0;
    let mut sum = 0.0;
    for j in 1..=MAX_TERMS {
        power *= square;
        let next = sum + power / f64::from(2 * j + 1);
        if next == sum {
            break;
        }
        sum = next;
    }
    r * (2.0 * sum - e)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stirling_error_is_continuous_where_the_series_takes_over() {
        let below = stirling_error(10.0 - 1e-9);
        assert!((below - stirling_error(10.0)).abs() < 1e-11);
        assert!((stirling_error(0.5) - 0.153_426_409_720_027_3).abs() < 1e-15);
    }

    #[test]
    fn deviance_of_near_equal_numbers_does_not_cancel() {
        // D(k, k + d) = d²/2k − d³/3k² + …
        let (k, d) = (1e10_f64, 1.0_f64);
        let expected = d * d / (2.0 * k) - d.powi(3) / (3.0 * k * k);
        assert!((deviance(k, k + d, -d) / expected - 1.0).abs() < 1e-14);
    }

    #[test]
    fn a_binomial_term_is_the_binomial_term() {
        // 10! / (3! 7!) 0.3^3 0.7^7
        let expected: f64 = 120.0 * 0.3_f64.powi(3) * 0.7_f64.powi(7);
        let ln = ln_binomial_term(3.0, 7.0, 0.3, 0.7, 0.0);
        assert!((ln - expected.ln()).abs() < 1e-14);
    }
}
