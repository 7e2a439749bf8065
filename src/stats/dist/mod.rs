//! Distribution functions accurate enough to build intervals on.
//!
//! Every distribution answers with [`Tails`]: both tails as natural logarithms, each computed
//! directly rather than as one minus the other, so that p-values far below 1e-308 keep their digits.
//! The incomplete beta and gamma functions use saddle-point prefactors (Loader 2000) times a
//! continued fraction or series (DLMF 8.17 and 8.9; Didonato & Morris 1992); quantiles are found by a
//! bracketed root search on the log tail. Every loop has an iteration cap.
//!
//! Tails expect arguments inside the documented domain (callers check); quantiles return `None`
//! outside it.

use std::f64::consts::LN_2;

mod beta;
mod binomial;
mod chi_square;
mod deviance;
mod fisher_f;
mod kolmogorov;
mod lentz;
mod noncentral_t;
mod normal;
mod poisson;
mod student_t;

pub use beta::{beta_quantile, beta_tails};
pub use binomial::{binomial_ln_pmf, binomial_tails};
pub use chi_square::{chi_square_tails, chi_square_upper_quantile};
pub(super) use deviance::{deviance, ln_binomial_term};
pub use fisher_f::f_tails;
pub use kolmogorov::kolmogorov_tails;
pub use noncentral_t::noncentral_t_tails;
pub use normal::{normal_cdf, normal_quantile, normal_tails, z_multiplier};
pub use poisson::poisson_ln_pmf;
pub use student_t::{t_multiplier, t_tails, t_upper_quantile};

/// Both tail probabilities at a point, as natural logarithms (`-inf` for zero).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tails {
    /// Logarithm of P(X ≤ x).
    pub ln_lower: f64,
    /// Logarithm of P(X > x).
    pub ln_upper: f64,
}

impl Tails {
    /// P(X ≤ x).
    pub fn lower(self) -> f64 {
        self.ln_lower.exp()
    }

    /// P(X > x).
    pub fn upper(self) -> f64 {
        self.ln_upper.exp()
    }

    /// Logarithm of the two-sided p-value of a symmetric statistic: twice the smaller tail.
    pub fn ln_two_sided(self) -> f64 {
        (LN_2 + self.ln_lower.min(self.ln_upper)).min(0.0)
    }

    fn from_ln_lower(ln_lower: f64) -> Self {
        let ln_lower = ln_lower.min(0.0);
        Self {
            ln_lower,
            ln_upper: ln_one_minus_exp(ln_lower),
        }
    }

    fn from_ln_upper(ln_upper: f64) -> Self {
        Self::from_ln_lower(ln_upper).swapped()
    }

    fn swapped(self) -> Self {
        Self {
            ln_lower: self.ln_upper,
            ln_upper: self.ln_lower,
        }
    }
}

/// ln(1 − e^l) for l ≤ 0, without cancellation (Mächler 2012).
pub(super) fn ln_one_minus_exp(l: f64) -> f64 {
    if l > -LN_2 {
        (-l.exp_m1()).ln()
    } else {
        (-l.exp()).ln_1p()
    }
}

/// ln(e^a + e^b).
pub(super) fn ln_add_exp(a: f64, b: f64) -> f64 {
    let (low, high) = if a < b { (a, b) } else { (b, a) };
    if high == f64::NEG_INFINITY {
        high
    } else {
        high + (low - high).exp().ln_1p()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn t_quantiles_return_and_invert(ln_p in -600.0..-0.7_f64, log_df in -0.3..14.0_f64) {
            let df = 10_f64.powf(log_df);
            let t = t_upper_quantile(ln_p.exp(), df).unwrap();
            prop_assert!(t > 0.0);
            if t < 1e150 {
                let back = t_tails(t, df).ln_upper;
                prop_assert!((back - ln_p).abs() < 1e-10 * ln_p.abs().max(1.0), "{t}: {back}");
            }
        }

        #[test]
        fn beta_quantiles_return_in_order(
            p in 1e-12..0.6_f64,
            log_a in -1.0..6.0_f64,
            log_b in -1.0..6.0_f64,
        ) {
            let (a, b) = (10_f64.powf(log_a), 10_f64.powf(log_b));
            let low = beta_quantile(p, a, b).unwrap();
            let high = beta_quantile(p * 1.5, a, b).unwrap();
            prop_assert!(0.0 <= low && low <= high && high <= 1.0, "{low} {high}");
        }

        #[test]
        fn tails_are_probabilities(
            log_a in -1.0..6.0_f64,
            log_b in -1.0..6.0_f64,
            x in 0.0..1.0_f64,
        ) {
            let (a, b) = (10_f64.powf(log_a), 10_f64.powf(log_b));
            for tails in [
                beta_tails(a, b, x, 1.0 - x),
                chi_square_tails(a * x * 2.0, a),
                f_tails(x / (1.0 - x), a, b),
            ] {
                prop_assert!(tails.ln_lower <= 0.0 && tails.ln_upper <= 0.0, "{tails:?}");
                prop_assert!((tails.lower() + tails.upper() - 1.0).abs() < 1e-12, "{tails:?}");
            }
        }
    }

    #[test]
    fn log_complements_keep_their_digits() {
        assert_eq!(ln_one_minus_exp(f64::NEG_INFINITY), 0.0);
        assert_eq!(ln_one_minus_exp(0.0), f64::NEG_INFINITY);
        assert!((ln_one_minus_exp(-1e-20) - (1e-20_f64).ln()).abs() < 1e-13);
        assert!((ln_one_minus_exp(-50.0) + (-50.0_f64).exp()).abs() < 1e-35);
    }

    #[test]
    fn log_sums_survive_zero() {
        assert_eq!(
            ln_add_exp(f64::NEG_INFINITY, f64::NEG_INFINITY),
            f64::NEG_INFINITY
        );
        assert!((ln_add_exp(-800.0, -800.0) - (-800.0 + LN_2)).abs() < 1e-12);
    }
}
