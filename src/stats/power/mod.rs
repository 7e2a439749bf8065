//! How many observations an experiment needs, what it can see, and how long it takes.
//!
//! Every result names its formula: published calculators differ by tens of per cent. Answers count
//! observations of the unit of assignment; where the metric is per request, multiply by the design
//! effect. Settings that make no sense are errors with the key that is wrong.
//!
//! A widely copied guide says that a baseline of 10 %, five points more and 80 % power need 2,348
//! per group. No formula gives that: pooled 686, unpooled 683, arcsine 681, corrected 726, and 600 by
//! the variance of the control alone. With 2,348 the power is above 99.9 %.

use super::dist::normal_quantile;
use crate::error::{Error, ErrorKind, Result};
use serde::Serialize;

pub mod equivalence;
pub mod looks;
pub mod means;
pub mod pairs;
pub mod proportions;
pub mod published;
pub mod quantiles;

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

    /// Whole observations from the real-valued answer for control; an error beyond what a count
    /// can hold exactly.
    fn size(&self, n_control: f64, formula: Formula) -> Result<SampleSize> {
        const GREATEST: f64 = 9e15;
        let exact = n_control * self.design_effect;
        let treatment = exact * self.ratio;
        if !(exact <= GREATEST && treatment <= GREATEST) {
            return Err(unsolved("sample size"));
        }
        Ok(SampleSize {
            formula,
            n_control_exact: exact,
            n_control: exact.ceil() as u64,
            n_treatment: treatment.ceil() as u64,
        })
    }
}

/// How many times greater the variance of a mean over requests is than that of independent ones,
/// when each unit has `cluster_size` requests whose values correlate by `icc`: 1 + (m−1)·icc (Kish
/// 1965). Errors name the key unless `cluster_size` ≥ 1 and `icc` is in 0..=1.
pub fn design_effect(icc: f64, cluster_size: f64) -> Result<f64> {
    require("icc", icc, (0.0..=1.0).contains(&icc))?;
    let is_size = cluster_size >= 1.0 && cluster_size.is_finite();
    require("cluster_size", cluster_size, is_size)?;
    Ok(1.0 + (cluster_size - 1.0) * icc)
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
    /// Pooled, with continuity correction.
    ContinuityCorrected,
    /// The control's variance for both arms under the null hypothesis.
    ControlVariance,
    /// Non-inferiority with each arm's own variance.
    WaldMargin,
    /// Non-inferiority with the variance at the restricted maximum likelihood estimate.
    FarringtonManning,
    /// Two means, noncentral t.
    NoncentralT,
    /// Two means, normal.
    NormalMeans,
    /// Two ratios over units, delta method, normal.
    RatioDelta,
    /// Two quantiles by their density, normal.
    QuantileNormal,
    /// Equivalence of shares by two one-sided tests, each arm's own variance.
    EquivalenceShares,
    /// Equivalence of means by two one-sided tests, normal.
    EquivalenceMeans,
    /// Mean of paired differences, noncentral t.
    PairedT,
    /// McNemar's test of paired shares.
    McNemarConnor,
}

impl Formula {
    /// The name people read.
    pub const fn label(self) -> &'static str {
        match self {
            Self::PooledZ => "two proportions, pooled z (Fleiss)",
            Self::UnpooledZ => "two proportions, unpooled z (Chow)",
            Self::Arcsine => "two proportions, arcsine (Cohen)",
            Self::ContinuityCorrected => {
                "two proportions, pooled z with continuity correction (Fleiss)"
            }
            Self::ControlVariance => {
                "two proportions, variance of the control (Evan Miller's calculator)"
            }
            Self::WaldMargin => "non-inferiority of proportions, Wald (Chow)",
            Self::FarringtonManning => "non-inferiority of proportions, Farrington-Manning",
            Self::NoncentralT => "two means, noncentral t",
            Self::NormalMeans => "two means, normal",
            Self::RatioDelta => "ratio over units, delta method",
            Self::QuantileNormal => "two quantiles, normal",
            Self::EquivalenceShares => {
                "equivalence of proportions, two one-sided tests, Wald (Chow)"
            }
            Self::EquivalenceMeans => "equivalence of means, two one-sided tests, normal (Chow)",
            Self::PairedT => "mean of paired differences, noncentral t",
            Self::McNemarConnor => "paired proportions, McNemar (Connor)",
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

fn unsolved(what: &str) -> Error {
    Error::new(
        ErrorKind::Settings,
        format!("No {what} reaches this power within the range of numbers"),
    )
    .hint("Choose a greater effect, a greater alpha or a lower power")
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
        "icc" => "Choose a correlation within units from 0 to 1",
        "cluster_size" => "Choose at least one request per unit",
        "density" => "Choose a positive density at the quantile, in one over the metric's unit",
        "quantile" => "Choose a quantile above 0 and below 1, such as 0.95",
        "discordant" => {
            "Choose the share of pairs that differ, greater than the change and at most 1"
        }
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
        let size = Design::default().size(685.6, Formula::PooledZ).unwrap();
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
        let size = design.size(100.1, Formula::PooledZ).unwrap();
        assert_eq!((size.n_control, size.n_treatment), (251, 126));
        assert!(design.size(1e300, Formula::PooledZ).is_err());
        assert!(design.size(f64::NAN, Formula::PooledZ).is_err());
        assert_eq!(design_effect(0.1, 11.0).unwrap(), 2.0);
        assert!(design_effect(0.1, 0.5).is_err() && design_effect(f64::NAN, 2.0).is_err());
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
