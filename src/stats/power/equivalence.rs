//! Planning to show that a difference is small: two one-sided tests, each at alpha.
//!
//! With s the standard error, θ the true difference and ±m the margins, the power is
//! Φ((m−θ)/s − zα) + Φ((m+θ)/s − zα) − 1 (Chow, Shao & Wang 2008, sections 3.2.3 and 4.2.3, who
//! plan by the nearer margin alone where θ is not 0).

use super::proportions::{Arms, share};
use super::{Design, Formula, Power, SampleSize, Sides, positive, require, unsolved, z_alpha};
use crate::error::Result;
use crate::stats::dist::normal_cdf;
use crate::stats::root::{Direction, bracket, find_root};

/// What is to be shown equivalent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Equivalent {
    /// Two means with this standard deviation and true difference.
    Means {
        /// Standard deviation within each arm.
        sd: f64,
        /// The true difference, inside the margin.
        difference: f64,
    },
    /// Two shares.
    Shares {
        /// The true share in control.
        control: f64,
        /// The true share in treatment.
        treatment: f64,
    },
}

impl Equivalent {
    const fn formula(self) -> Formula {
        match self {
            Self::Means { .. } => Formula::EquivalenceMeans,
            Self::Shares { .. } => Formula::EquivalenceShares,
        }
    }

    /// (true difference, standard error for one observation in control).
    fn scale(self, ratio: f64) -> (f64, f64) {
        match self {
            Self::Means { sd, difference } => (difference, sd * (1.0 + 1.0 / ratio).sqrt()),
            Self::Shares { control, treatment } => {
                let variance = control * (1.0 - control) + treatment * (1.0 - treatment) / ratio;
                (treatment - control, variance.sqrt())
            }
        }
    }

    fn check(self, margin: f64) -> Result<()> {
        match self {
            Self::Means { sd, difference } => {
                require("sd", sd, positive(sd))?;
                require("effect", difference, difference.is_finite())?;
            }
            Self::Shares { control, treatment } => {
                share("control", control)?;
                share("treatment", treatment)?;
            }
        }
        let (difference, _) = self.scale(1.0);
        require(
            "margin",
            margin,
            positive(margin) && margin > difference.abs(),
        )
    }
}

/// Observations needed to show that the difference lies within ± `margin`.
pub fn sample_size(question: Equivalent, margin: f64, design: &Design) -> Result<SampleSize> {
    design.check()?;
    question.check(margin)?;
    let (difference, unit) = question.scale(design.ratio);
    let critical = z_alpha(design.alpha, Sides::One);
    let gap = |ln_n: f64| {
        let se = unit / (0.5 * ln_n).exp();
        achieved(difference, margin, se, critical) - design.power
    };
    // Never fewer than for the nearer margin alone.
    let (za, zb) = design.quantiles(Sides::One);
    let start = 2.0 * ((za + zb) * unit / (margin - difference.abs())).ln();
    let ln_n = bracket(gap, start - 1e-6, 0.1, Direction::Up, start + 20.0)
        .and_then(|(low, high)| find_root(gap, low, high))
        .ok_or_else(|| unsolved("sample size"))?;
    design.size(ln_n.exp(), question.formula())
}

/// The chance to show equivalence with these arm sizes.
pub fn power(question: Equivalent, margin: f64, n: (u64, u64), design: &Design) -> Result<Power> {
    design.check()?;
    question.check(margin)?;
    let arms = Arms::new(n, design)?;
    let (difference, unit) = question.scale(arms.ratio);
    let critical = z_alpha(design.alpha, Sides::One);
    let power = achieved(difference, margin, unit / arms.control.sqrt(), critical);
    Ok(Power {
        formula: question.formula(),
        power,
        both_tails: power,
    })
}

fn achieved(difference: f64, margin: f64, se: f64, critical: f64) -> f64 {
    let upper = normal_cdf((margin - difference) / se - critical);
    let lower = normal_cdf((margin + difference) / se - critical);
    (upper + lower - 1.0).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_difference_has_a_closed_form() {
        // n = 2 (z_{α} + z_{β/2})² σ²/m² for each arm.
        let question = Equivalent::Means {
            sd: 1.0,
            difference: 0.0,
        };
        let size = sample_size(question, 0.25, &Design::default()).unwrap();
        let z = 1.644_853_626_951_472_7 + 1.281_551_565_544_600_4;
        assert!((size.n_control_exact - 2.0 * (z / 0.25_f64).powi(2)).abs() < 1e-6);
        let n = (size.n_control, size.n_treatment);
        let reached = power(question, 0.25, n, &Design::default()).unwrap();
        assert!((0.8..0.802).contains(&reached.power));
    }

    #[test]
    fn an_off_centre_truth_needs_more() {
        let design = Design {
            ratio: 0.5,
            ..Design::default()
        };
        let at = |treatment| {
            let question = Equivalent::Shares {
                control: 0.1,
                treatment,
            };
            let size = sample_size(question, 0.03, &design).unwrap();
            let n = (size.n_control, size.n_treatment);
            let reached = power(question, 0.03, n, &design).unwrap().power;
            assert!((0.8..0.801).contains(&reached), "{reached}");
            size.n_control
        };
        assert!(at(0.11) > at(0.10) && at(0.09) > at(0.10));
    }

    #[test]
    fn nonsense_is_an_error_with_its_key() {
        let outside = Equivalent::Means {
            sd: 1.0,
            difference: 0.3,
        };
        let key = |q, margin| {
            let error = sample_size(q, margin, &Design::default()).unwrap_err();
            error.place.key.unwrap()
        };
        assert_eq!(key(outside, 0.25), "margin");
        assert_eq!(key(outside, f64::NAN), "margin");
        let flat = Equivalent::Means {
            sd: 0.0,
            difference: 0.0,
        };
        assert_eq!(key(flat, 0.25), "sd");
    }
}
