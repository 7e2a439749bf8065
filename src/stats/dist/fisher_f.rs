//! The F distribution.

use super::{Tails, beta_tails};

/// Tails of the F distribution with `d1` and `d2` > 0 degrees of freedom at `f`.
///
/// P(F > f) = `I_x(d2/2, d1/2)` with x = d2/(d2 + d1 f) (DLMF 8.17(i), substitution of the density).
pub fn f_tails(f: f64, d1: f64, d2: f64) -> Tails {
    if f <= 0.0 {
        return Tails::from_ln_lower(f64::NEG_INFINITY);
    }
    // Ratios rather than sums, so that neither x nor y overflows.
    let ratio = d1 / d2 * f;
    beta_tails(
        d2 / 2.0,
        d1 / 2.0,
        1.0 / (1.0 + ratio),
        1.0 / (1.0 + 1.0 / ratio),
    )
    .swapped()
}

#[cfg(test)]
mod tests {
    use super::super::t_tails;
    use super::*;

    #[test]
    fn one_numerator_degree_is_the_square_of_t() {
        for (t, df) in [(0.3, 4.0), (2.0, 10.0), (5.0, 1e7)] {
            let two_sided = t_tails(t, df).ln_two_sided();
            assert!((f_tails(t * t, 1.0, df).ln_upper - two_sided).abs() < 1e-12);
        }
    }

    #[test]
    fn nothing_lies_below_zero() {
        assert_eq!(f_tails(0.0, 3.0, 4.0).upper(), 1.0);
    }
}
