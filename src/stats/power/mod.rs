//! How many observations an experiment needs, what it can see, and how long it takes.
//!
//! Every result names its formula: published calculators differ by tens of per cent. Answers count
//! observations of the unit of assignment; where the metric is per request, multiply by the design
//! effect. Settings that make no sense are errors with the key that is wrong.

use super::dist::normal_quantile;
use crate::error::{Error, ErrorKind, Result};
use serde::Serialize;

pub mod means;
pub mod proportions;

pub use super::equivalence::Better;

/// Whether a test looks for a change in either direction or in one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sides {
    /// A change in one direction given beforehand.
    One,
    /// A change in either direction.
    #[default]
    Two,
}

impl Sides {
    pub(super) const fn count(self) -> f64 {
        match self {
            Self::One => 1.0,
            Self::Two => 2.0,
        }
    }
}

/// What the test promises and how observations are split.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Design {
    /// Chance of a false finding, such as 0.05.
    pub alpha: f64,
    /// Chance to find the assumed effect, such as 0.8.
    pub power: f64,
    /// One-sided or two-sided. Non-inferiority is one-sided whatever this says.
    pub sides: Sides,
    /// Treatment size over control size.
    pub ratio: f64,
    /// How many times greater the variance is than that of independent observations.
    pub design_effect: f64,
}

impl Default for Design {
    fn default() -> Self {
        Self {
            alpha: 0.05,
            power: 0.8,
            sides: Sides::Two,
            ratio: 1.0,
            design_effect: 1.0,
        }
    }
}

impl Design {
    /// Checks the ranges of all settings.
    pub fn check(&self) -> Result<()> {
        require("alpha", self.alpha, self.alpha > 0.0 && self.alpha < 0.5)?;
        let possible = self.power > self.alpha && self.power < 1.0;
        require("power", self.power, possible)?;
        require("ratio", self.ratio, positive(self.ratio))?;
        let effect = self.design_effect;
        require("design_effect", effect, positive(effect))
    }

    /// (z of alpha, z of power).
    fn quantiles(&self, sides: Sides) -> (f64, f64) {
        (z_alpha(self.alpha, sides), upper_z(1.0 - self.power))
    }

    fn size(&self, n_control: f64, formula: Formula) -> SampleSize {
        let exact = n_control * self.design_effect;
        SampleSize {
            formula,
            n_control_exact: exact,
            n_control: exact.ceil() as u64,
            n_treatment: (exact * self.ratio).ceil() as u64,
        }
    }
}

/// The formula behind a planning number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Formula {
    /// Pooled variance under the null hypothesis, each arm's own under the alternative.
    PooledZ,
    /// Each arm's own variance under both hypotheses.
    UnpooledZ,
    /// Difference of arcsine square roots.
    Arcsine,
    /// Non-inferiority with each arm's own variance.
    WaldMargin,
    /// Non-inferiority with the variance at the restricted maximum likelihood estimate.
    FarringtonManning,
    /// Two means, noncentral t.
    NoncentralT,
    /// Two means, normal.
    NormalMeans,
}

impl Formula {
    /// The name people read.
    pub const fn label(self) -> &'static str {
        match self {
            Self::PooledZ => "two proportions, pooled z (Fleiss)",
            Self::UnpooledZ => "two proportions, unpooled z (Chow)",
            Self::Arcsine => "two proportions, arcsine (Cohen)",
            Self::WaldMargin => "non-inferiority of proportions, Wald (Chow)",
            Self::FarringtonManning => "non-inferiority of proportions, Farrington-Manning",
            Self::NoncentralT => "two means, noncentral t",
            Self::NormalMeans => "two means, normal",
        }
    }
}

/// How many observations each arm needs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct SampleSize {
    /// The formula used.
    pub formula: Formula,
    /// The real-valued answer for control, design effect included.
    pub n_control_exact: f64,
    /// Observations in control.
    pub n_control: u64,
    /// Observations in treatment.
    pub n_treatment: u64,
}

impl SampleSize {
    /// Observations over both arms.
    pub const fn total(&self) -> u64 {
        self.n_control.saturating_add(self.n_treatment)
    }

    /// Whole days until both arms are full when `per_day` new observations arrive over both arms,
    /// split as designed. `None` unless the traffic is positive and finite.
    pub fn days(&self, per_day: f64) -> Option<u64> {
        positive(per_day).then(|| (self.total() as f64 / per_day).ceil() as u64)
    }
}

/// The chance to find an effect of the assumed size.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Power {
    /// The formula used.
    pub formula: Formula,
    /// The chance to find it in its own direction.
    pub power: f64,
    /// Adds the chance to reject in the wrong direction; equal to `power` when one-sided.
    pub both_tails: f64,
}

/// The smallest changes that a design can find, as differences from control; `None` where even the
/// greatest possible change is too small.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct DetectableChange {
    /// The formula used.
    pub formula: Formula,
    /// The smallest detectable increase, positive.
    pub up: Option<f64>,
    /// The smallest detectable decrease, negative.
    pub down: Option<f64>,
}

fn z_alpha(alpha: f64, sides: Sides) -> f64 {
    upper_z(alpha / sides.count())
}

/// The normal quantile above which probability `p` inside (0, 1) lies.
fn upper_z(p: f64) -> f64 {
    normal_quantile(p).map_or(f64::INFINITY, |z| -z)
}

fn positive(value: f64) -> bool {
    value > 0.0 && value.is_finite()
}

/// An error naming `key` unless `holds`.
fn require(key: &str, value: f64, holds: bool) -> Result<()> {
    if holds {
        return Ok(());
    }
    let hint = match key {
        "alpha" => "Choose a significance level above 0 and below 0.5, such as 0.05",
        "power" => "Choose a power above alpha and below 1, such as 0.8",
        "ratio" => "Choose treatment size over control size, such as 1 or 0.25",
        "design_effect" => "Choose 1 for independent observations, more for clustered ones",
        "n" => "Both arms need observations",
        "sd" => "Choose a positive standard deviation, in the units of the metric",
        "margin" => "Choose a positive margin that the assumed effect stays inside",
        "effect" => "Choose a change other than zero that keeps the metric in its range",
        _ => "Choose a share above 0 and below 1, such as 0.10",
    };
    Err(Error::new(
        ErrorKind::Settings,
        format!("{value} cannot be planned with"),
    )
    .key(key)
    .hint(hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_round_up() {
        let size = Design::default().size(685.6, Formula::PooledZ);
        assert_eq!(
            (size.n_control, size.n_treatment, size.total()),
            (686, 686, 1372)
        );
        assert_eq!(size.days(100.0), Some(14));
        assert_eq!(size.days(0.0), None);
        assert_eq!(size.days(f64::NAN), None);
    }

    #[test]
    fn a_design_effect_multiplies_before_rounding() {
        let design = Design {
            design_effect: 2.5,
            ratio: 0.5,
            ..Design::default()
        };
        let size = design.size(100.1, Formula::PooledZ);
        assert_eq!((size.n_control, size.n_treatment), (251, 126));
    }

    #[test]
    fn impossible_designs_name_their_key() {
        let check = |design: Design, key: &str| {
            let error = design.check().unwrap_err();
            assert_eq!(error.place.key.as_deref(), Some(key));
        };
        let design = Design::default();
        check(
            Design {
                alpha: 0.0,
                ..design
            },
            "alpha",
        );
        check(
            Design {
                power: 1.0,
                ..design
            },
            "power",
        );
        check(
            Design {
                ratio: -1.0,
                ..design
            },
            "ratio",
        );
        check(
            Design {
                design_effect: f64::NAN,
                ..design
            },
            "design_effect",
        );
    }
}
