//! How much of alpha may be spent by when.

use crate::stats::dist::{normal_quantile, normal_tails};
use serde::Serialize;

/// An alpha-spending function (Lan & `DeMets` 1983).
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Spending {
    /// Like O'Brien and Fleming: 2(1 − Φ(z_{α/2}/√t)), little early.
    ObrienFleming,
    /// Like Pocock: α ln(1 + (e−1)t).
    Pocock,
    /// Hwang, Shih & `DeCani` (1990): α(1 − e^{−γt})/(1 − e^{−γ}); γ = −4 is near O'Brien-Fleming,
    /// γ = 1 near Pocock, 0 is linear.
    HwangShihDeCani {
        /// The shape γ, from −100 to 100.
        gamma: f64,
    },
    /// Kim & `DeMets` (1987): α t^ρ.
    KimDeMets {
        /// The power ρ, positive.
        rho: f64,
    },
}

impl Spending {
    /// The part of a one-sided `alpha` that may be spent at information fraction `t` in 0..=1.
    /// `None` outside these ranges, unless `alpha` is inside (0, 1).
    pub fn spent(self, t: f64, alpha: f64) -> Option<f64> {
        const GREATEST_GAMMA: f64 = 100.0;
        if !((0.0..=1.0).contains(&t) && alpha > 0.0 && alpha < 1.0) {
            return None;
        }
        if t == 0.0 {
            return Some(0.0);
        }
        match self {
            Self::ObrienFleming => {
                let z = -normal_quantile(alpha / 2.0)?;
                Some(2.0 * normal_tails(z / t.sqrt()).upper())
            }
            Self::Pocock => Some(alpha * (1.0_f64.exp_m1() * t).ln_1p()),
            Self::HwangShihDeCani { gamma } => {
                if gamma == 0.0 {
                    return Some(alpha * t);
                }
                let is_sound = gamma.abs() <= GREATEST_GAMMA;
                is_sound.then(|| alpha * ((-gamma * t).exp_m1() / (-gamma).exp_m1()))
            }
            Self::KimDeMets { rho } => (rho > 0.0 && rho.is_finite()).then(|| alpha * t.powf(rho)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_is_spent_at_the_end_and_never_taken_back() {
        for spending in [
            Spending::ObrienFleming,
            Spending::Pocock,
            Spending::HwangShihDeCani { gamma: -4.0 },
            Spending::HwangShihDeCani { gamma: 0.0 },
            Spending::HwangShihDeCani { gamma: 1e-9 },
            Spending::KimDeMets { rho: 3.0 },
        ] {
            let at = |t: f64| spending.spent(t, 0.025).unwrap();
            assert_eq!(at(0.0), 0.0);
            assert!((at(1.0) - 0.025).abs() < 1e-15, "{spending:?}");
            for step in 0..50_u32 {
                let t = f64::from(step) / 50.0;
                assert!(at(t) <= at(t + 0.02), "{spending:?} {t}");
            }
        }
        assert_eq!(Spending::Pocock.spent(1.1, 0.05), None);
        assert_eq!(Spending::KimDeMets { rho: 0.0 }.spent(0.5, 0.05), None);
    }
}
