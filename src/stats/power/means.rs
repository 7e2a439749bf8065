//! Planning the comparison of two means with a common standard deviation.
//!
//! The t test's power is exact through the noncentral t distribution with n₁ + n₂ − 2 degrees of
//! freedom and noncentrality δ/(σ√(1/n₁ + 1/n₂)), both tails when two-sided (as `G*Power`). The
//! normal form n₁ = (zα+zβ)² (1+1/r) σ²/δ² is the usual approximation.

use super::{
    Design, DetectableChange, Formula, Power, SampleSize, Sides, positive, require, unsolved,
    z_alpha,
};
use crate::error::Result;
use crate::stats::dist::{noncentral_t_tails, normal_cdf, t_upper_quantile};
use crate::stats::root::{Direction, bracket, find_root};

/// Which formula plans a test of means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum MeanFormula {
    /// Exact for normal data.
    #[default]
    NoncentralT,
    /// Normal approximation.
    Normal,
    /// The same for a ratio over units, whose `sd` is the square root of
    /// [`RatioMoments::linearised_variance`](crate::stats::RatioMoments::linearised_variance).
    RatioDelta,
}

impl MeanFormula {
    const fn formula(self) -> Formula {
        match self {
            Self::NoncentralT => Formula::NoncentralT,
            Self::Normal => Formula::NormalMeans,
            Self::RatioDelta => Formula::RatioDelta,
        }
    }
}

/// A difference of means to plan for, in the units of the metric.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MeanEffect {
    /// Treatment minus control that should be found; its sign does not matter.
    pub delta: f64,
    /// Standard deviation within each arm.
    pub sd: f64,
}

impl MeanEffect {
    fn check(self) -> Result<()> {
        require("sd", self.sd, positive(self.sd))?;
        require("effect", self.delta, self.delta.is_finite())
    }

    /// The difference in standard deviations, not negative.
    fn standardised(self) -> f64 {
        (self.delta / self.sd).abs()
    }
}

/// Observations needed to find this difference.
pub fn sample_size(
    effect: MeanEffect,
    design: &Design,
    formula: MeanFormula,
) -> Result<SampleSize> {
    design.check()?;
    effect.check()?;
    require("effect", effect.delta, effect.delta != 0.0)?;
    size(effect.standardised(), design, design.sides, formula)
}

/// The chance to find this difference with these arm sizes; the design's power and ratio are not
/// used.
pub fn power(
    effect: MeanEffect,
    n: (u64, u64),
    design: &Design,
    formula: MeanFormula,
) -> Result<Power> {
    design.check()?;
    effect.check()?;
    let arms = arms(n, design)?;
    Ok(achieved(
        effect.standardised(),
        arms,
        design.alpha,
        design.sides,
        formula,
    ))
}

/// The smallest differences that these arm sizes find with the design's power.
pub fn detectable_change(
    sd: f64,
    n: (u64, u64),
    design: &Design,
    formula: MeanFormula,
) -> Result<DetectableChange> {
    design.check()?;
    require("sd", sd, positive(sd))?;
    let change = smallest_effect(arms(n, design)?, design, design.sides, formula)?;
    Ok(DetectableChange {
        formula: formula.formula(),
        up: Some(change * sd),
        down: Some(-change * sd),
    })
}

/// Observations needed to show that treatment is not worse than control by `margin` > 0, where the
/// assumed true `effect` is positive when treatment is better.
pub fn non_inferiority_size(
    effect: MeanEffect,
    margin: f64,
    design: &Design,
    formula: MeanFormula,
) -> Result<SampleSize> {
    design.check()?;
    let beyond = beyond_margin(effect, margin)?;
    size(beyond, design, Sides::One, formula)
}

/// The chance to show non-inferiority with these arm sizes.
pub fn non_inferiority_power(
    effect: MeanEffect,
    margin: f64,
    n: (u64, u64),
    design: &Design,
    formula: MeanFormula,
) -> Result<Power> {
    design.check()?;
    let beyond = beyond_margin(effect, margin)?;
    Ok(achieved(
        beyond,
        arms(n, design)?,
        design.alpha,
        Sides::One,
        formula,
    ))
}

/// The smallest margin that these arm sizes can show with the design's power when the means are in
/// truth equal.
pub fn provable_margin(
    sd: f64,
    n: (u64, u64),
    design: &Design,
    formula: MeanFormula,
) -> Result<f64> {
    design.check()?;
    require("sd", sd, positive(sd))?;
    Ok(smallest_effect(arms(n, design)?, design, Sides::One, formula)? * sd)
}

fn beyond_margin(effect: MeanEffect, margin: f64) -> Result<f64> {
    effect.check()?;
    let provable = positive(margin) && effect.delta + margin > 0.0;
    require("margin", margin, provable)?;
    Ok((effect.delta + margin) / effect.sd)
}

/// The expected t statistic, without its sign, of this difference with these arm sizes:
/// δ/(σ√(1/n₁ + 1/n₂)).
pub fn noncentrality(effect: MeanEffect, n: (u64, u64)) -> f64 {
    effect.standardised() / (1.0 / n.0 as f64 + 1.0 / n.1 as f64).sqrt()
}

/// Arm sizes in independent observations.
fn arms(n: (u64, u64), design: &Design) -> Result<(f64, f64)> {
    let (a, b) = (n.0 as f64, n.1 as f64);
    let effective = (a / design.design_effect, b / design.design_effect);
    require(
        "n",
        a.min(b),
        n.0 > 0 && n.1 > 0 && effective.0 + effective.1 > 2.0,
    )?;
    Ok(effective)
}

fn size(
    standardised: f64,
    design: &Design,
    sides: Sides,
    formula: MeanFormula,
) -> Result<SampleSize> {
    let (za, zb) = design.quantiles(sides);
    let normal = ((za + zb) / standardised).powi(2) * (1.0 + 1.0 / design.ratio);
    if formula != MeanFormula::NoncentralT {
        return design.size(normal, formula.formula());
    }
    // In ln n, from one degree of freedom upwards: the answer lies a little above the normal one.
    let least = (3.0 / (1.0 + design.ratio)).ln();
    let gap = |ln_n: f64| {
        let n = ln_n.exp();
        let arms = (n, n * design.ratio);
        achieved(standardised, arms, design.alpha, sides, formula).both_tails - design.power
    };
    if gap(least) >= 0.0 {
        return design.size(least.exp(), formula.formula());
    }
    let start = (normal.ln() - 0.01).max(least);
    let n = bracket(gap, start, 0.02, Direction::Up, 200.0)
        .and_then(|(low, high)| find_root(gap, low, high))
        .ok_or_else(|| unsolved("sample size"))?;
    design.size(n.exp(), formula.formula())
}

fn smallest_effect(
    arms: (f64, f64),
    design: &Design,
    sides: Sides,
    formula: MeanFormula,
) -> Result<f64> {
    let (za, zb) = design.quantiles(sides);
    let normal = (za + zb) * (1.0 / arms.0 + 1.0 / arms.1).sqrt();
    if formula != MeanFormula::NoncentralT {
        return Ok(normal);
    }
    let gap = |effect: f64| {
        achieved(effect, arms, design.alpha, sides, formula).both_tails - design.power
    };
    bracket(gap, 0.0, normal, Direction::Up, f64::MAX)
        .and_then(|(low, high)| find_root(gap, low, high))
        .ok_or_else(|| unsolved("detectable change"))
}

/// Power at a difference of `standardised` ≥ 0 standard deviations.
fn achieved(
    standardised: f64,
    arms: (f64, f64),
    alpha: f64,
    sides: Sides,
    formula: MeanFormula,
) -> Power {
    let shift = standardised / (1.0 / arms.0 + 1.0 / arms.1).sqrt();
    let df = arms.0 + arms.1 - 2.0;
    let (near, far) = match formula {
        MeanFormula::NoncentralT => {
            let critical = t_upper_quantile(alpha / sides.count(), df).unwrap_or(f64::INFINITY);
            let near = noncentral_t_tails(critical, df, shift).1;
            (near, noncentral_t_tails(-critical, df, shift).0)
        }
        MeanFormula::Normal | MeanFormula::RatioDelta => {
            let critical = z_alpha(alpha, sides);
            (normal_cdf(shift - critical), normal_cdf(-shift - critical))
        }
    };
    Power {
        formula: formula.formula(),
        power: near,
        both_tails: match sides {
            Sides::One => near,
            Sides::Two => near + far,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HALF: MeanEffect = MeanEffect {
        delta: 0.5,
        sd: 1.0,
    };

    #[test]
    fn half_a_deviation_needs_64() {
        let design = Design::default();
        let size = sample_size(HALF, &design, MeanFormula::NoncentralT).unwrap();
        assert_eq!((size.n_control, size.n_treatment), (64, 64));
        let normal = sample_size(HALF, &design, MeanFormula::Normal).unwrap();
        assert_eq!(normal.n_control, 63);
    }

    #[test]
    fn size_power_and_detectable_change_invert_each_other() {
        let design = Design {
            ratio: 0.4,
            design_effect: 3.0,
            power: 0.9,
            ..Design::default()
        };
        for formula in [MeanFormula::NoncentralT, MeanFormula::Normal] {
            let size = sample_size(HALF, &design, formula).unwrap();
            let n = (size.n_control, size.n_treatment);
            let reached = power(HALF, n, &design, formula).unwrap().both_tails;
            assert!((0.9..0.905).contains(&reached), "{reached}");
            let change = detectable_change(1.0, n, &design, formula).unwrap();
            assert!((change.up.unwrap() - 0.5).abs() < 3e-3, "{change:?}");
            assert_eq!(change.down, change.up.map(|c| -c));
        }
    }

    #[test]
    fn margins_invert() {
        let design = Design::default();
        let equal = MeanEffect {
            delta: 0.0,
            sd: 2.0,
        };
        let formula = MeanFormula::NoncentralT;
        let size = non_inferiority_size(equal, 0.3, &design, formula).unwrap();
        let n = (size.n_control, size.n_treatment);
        let reached = non_inferiority_power(equal, 0.3, n, &design, formula).unwrap();
        assert!((0.8..0.802).contains(&reached.power), "{reached:?}");
        let margin = provable_margin(2.0, n, &design, formula).unwrap();
        assert!((margin - 0.3).abs() < 1e-3);
    }

    #[test]
    fn a_million_units_are_planned_at_once() {
        let tiny = MeanEffect {
            delta: 1e-4,
            sd: 1.0,
        };
        let size = sample_size(tiny, &Design::default(), MeanFormula::NoncentralT).unwrap();
        assert!(size.n_control > 1_500_000_000);
    }

    #[test]
    fn an_overwhelming_effect_needs_the_least_arms() {
        let huge = MeanEffect {
            delta: 1e6,
            sd: 1.0,
        };
        let size = sample_size(huge, &Design::default(), MeanFormula::NoncentralT).unwrap();
        assert_eq!((size.n_control, size.n_treatment), (2, 2));
    }

    #[test]
    fn nonsense_is_an_error_with_its_key() {
        let design = Design::default();
        let formula = MeanFormula::NoncentralT;
        let key = |r: Result<SampleSize>| r.unwrap_err().place.key.unwrap();
        let still = MeanEffect {
            delta: 0.0,
            sd: 1.0,
        };
        let flat = MeanEffect {
            delta: 1.0,
            sd: 0.0,
        };
        assert_eq!(key(sample_size(still, &design, formula)), "effect");
        assert_eq!(key(sample_size(flat, &design, formula)), "sd");
        assert_eq!(
            key(non_inferiority_size(still, 0.0, &design, formula)),
            "margin"
        );
        assert!(power(HALF, (1, 1), &design, formula).is_err());
    }
}
