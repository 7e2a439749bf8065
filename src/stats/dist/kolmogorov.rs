//! Kolmogorov's limit distribution of the scaled greatest distance of two distribution functions.

use super::Tails;
use std::f64::consts::{LN_2, PI, TAU};

/// Tails of the limit of √(mn/(m+n))·D at `x`.
///
/// P(K > x) = 2 Σ (−1)^(k−1) exp(−2k²x²) for large x; for small x the form that theta functions give
/// of the other tail, P(K ≤ x) = √(2π)/x Σ exp(−(2k−1)²π²/8x²) (Kolmogorov 1933).
pub fn kolmogorov_tails(x: f64) -> Tails {
    const SWITCH: f64 = 1.0; // both series need four terms there
    if x <= 0.0 {
        return Tails::from_ln_lower(f64::NEG_INFINITY);
    }
    if x < SWITCH {
        let scale = PI * PI / (8.0 * x * x);
        let sum: f64 = [9.0, 25.0, 49.0, 81.0]
            .map(|square: f64| (-(square - 1.0) * scale).exp())
            .iter()
            .sum();
        return Tails::from_ln_lower(0.5 * TAU.ln() - x.ln() - scale + sum.ln_1p());
    }
    let square = 2.0 * x * x;
    // k = 2, 3, …, relative to the first term.
    let sum: f64 = [(-1.0, 4.0), (1.0, 9.0), (-1.0, 16.0), (1.0, 25.0)]
        .map(|(sign, k): (f64, f64)| sign * (-(k - 1.0) * square).exp())
        .iter()
        .sum();
    Tails::from_ln_upper(LN_2 - square + sum.ln_1p())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_series_agree_where_they_meet() {
        let below = kolmogorov_tails(1.0 - 1e-12);
        let above = kolmogorov_tails(1.0);
        assert!((below.upper() / above.upper() - 1.0).abs() < 1e-11);
    }

    #[test]
    fn ends() {
        assert_eq!(kolmogorov_tails(0.0).upper(), 1.0);
        assert!((kolmogorov_tails(0.03).upper() - 1.0).abs() < 1e-15);
        assert_eq!(kolmogorov_tails(f64::INFINITY).upper(), 0.0);
        assert!(kolmogorov_tails(1e-200).ln_upper == 0.0);
    }
}
