//! Planning the comparison of two shares.
//!
//! Superiority, with d = p₂ − p₁, r = n₂/n₁ and P = (p₁ + r p₂)/(1+r); 1 is control:
//! - pooled (Fleiss, Levin & Paik 2003): n₁ = [zα √((1+1/r)PQ) + zβ √(p₁q₁ + p₂q₂/r)]²/d²
//! - unpooled (Chow, Shao & Wang 2008): n₁ = (zα+zβ)² (p₁q₁ + p₂q₂/r)/d²
//! - arcsine (Cohen 1988): n₁ = (zα+zβ)² (1+1/r)/h², h = 2 asin √p₂ − 2 asin √p₁
//! - corrected (Fleiss, Tytun & Ury 1980): the pooled n as n/4·[1 + √(1 + 2(r+1)/(n r |d|))]², for
//!   tests with continuity correction and Fisher's
//! - control's variance: n₁ = [zα √((1+1/r)p₁q₁) + zβ √(p₁q₁ + p₂q₂/r)]²/d², as Evan Miller's
//!   calculator. Too few where p₁ is nearer to 0 or 1 than p₂: 599 for 10 to 15 % have a power of
//!   0.74 with the pooled test
//!
//! Closed forms ignore the chance to reject in the wrong direction. Non-inferiority tests
//! p₂ − p₁ ≤ −margin (higher is better): Wald as Chow et al., or with the null variance at the
//! restricted maximum likelihood estimate (Farrington & Manning 1990).

use super::{
    Better, Design, DetectableChange, Formula, Power, SampleSize, Sides, positive, require, z_alpha,
};
use crate::error::Result;
use crate::stats::dist::normal_cdf;
use crate::stats::root::find_root;
use crate::stats::share_difference::restricted_share;

/// Which formula plans a superiority test of shares.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ShareFormula {
    /// Matches the pooled z and chi-square tests.
    #[default]
    Pooled,
    /// Matches the Wald test.
    Unpooled,
    /// Variance-stabilised.
    Arcsine,
    /// Matches tests with continuity correction, and Fisher's.
    ContinuityCorrected,
    /// The control's variance under the null hypothesis: to compare with calculators that use it.
    ControlVariance,
}

/// Which formula plans a non-inferiority test of shares.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum MarginFormula {
    /// Each arm's own variance.
    #[default]
    Wald,
    /// Variance at the restricted maximum likelihood estimate.
    FarringtonManning,
}

impl ShareFormula {
    /// All of them, the default first.
    pub const ALL: [Self; 5] = [
        Self::Pooled,
        Self::Unpooled,
        Self::Arcsine,
        Self::ContinuityCorrected,
        Self::ControlVariance,
    ];

    const fn formula(self) -> Formula {
        match self {
            Self::Pooled => Formula::PooledZ,
            Self::Unpooled => Formula::UnpooledZ,
            Self::Arcsine => Formula::Arcsine,
            Self::ContinuityCorrected => Formula::ContinuityCorrected,
            Self::ControlVariance => Formula::ControlVariance,
        }
    }

    /// (effect, its standard deviation under no effect, and under the effect), each for one
    /// observation in control.
    fn scale(self, pa: f64, pb: f64, ratio: f64) -> (f64, f64, f64) {
        let own = (pa * (1.0 - pa) + pb * (1.0 - pb) / ratio).sqrt();
        match self {
            Self::ControlVariance => {
                let null = ((1.0 + 1.0 / ratio) * pa * (1.0 - pa)).sqrt();
                ((pb - pa).abs(), null, own)
            }
            Self::Pooled | Self::ContinuityCorrected => {
                let pooled = (pa + ratio * pb) / (1.0 + ratio);
                let null = ((1.0 + 1.0 / ratio) * pooled * (1.0 - pooled)).sqrt();
                ((pb - pa).abs(), null, own)
            }
            Self::Unpooled => ((pb - pa).abs(), own, own),
            Self::Arcsine => {
                let h = 2.0 * (pb.sqrt().asin() - pa.sqrt().asin());
                let sd = (1.0 + 1.0 / ratio).sqrt();
                (h.abs(), sd, sd)
            }
        }
    }

    /// What the correction makes of `n` uncorrected observations in control.
    fn corrected(self, n: f64, change: f64, ratio: f64) -> f64 {
        if self == Self::ContinuityCorrected {
            let more = (ratio + 1.0) / (ratio * change.abs());
            let root = (1.0 + 2.0 * more / n).sqrt();
            n / 4.0 * (1.0 + root) * (1.0 + root)
        } else {
            n
        }
    }

    /// The inverse: what `n` observations in control are worth without correction.
    fn uncorrected(self, n: f64, change: f64, ratio: f64) -> f64 {
        if self == Self::ContinuityCorrected {
            let half = (ratio + 1.0) / (ratio * change.abs()) / 2.0;
            let left = (n - half).max(0.0);
            left * (left / n)
        } else {
            n
        }
    }
}

impl MarginFormula {
    const fn formula(self) -> Formula {
        match self {
            Self::Wald => Formula::WaldMargin,
            Self::FarringtonManning => Formula::FarringtonManning,
        }
    }
}

/// A non-inferiority question about shares.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ShareMargin {
    /// The share assumed in control.
    pub control: f64,
    /// The share assumed in treatment.
    pub treatment: f64,
    /// How much worse treatment may be, as a positive difference of shares.
    pub margin: f64,
    /// Which direction is good.
    pub better: Better,
}

impl ShareMargin {
    /// The shares of control and treatment with higher better.
    fn oriented(&self) -> (f64, f64) {
        match self.better {
            Better::Higher => (self.control, self.treatment),
            Better::Lower => (1.0 - self.control, 1.0 - self.treatment),
        }
    }

    fn check(&self) -> Result<()> {
        share("control", self.control)?;
        share("treatment", self.treatment)?;
        let (pa, pb) = self.oriented();
        let provable = pb - pa + self.margin > 0.0;
        let room = self.margin > 0.0 && self.margin < 1.0;
        require("margin", self.margin, room && provable)
    }

    /// (effect beyond the margin, null and alternative standard deviations) for one
    /// observation in control.
    fn scale(&self, ratio: f64, formula: MarginFormula) -> (f64, f64, f64) {
        let (pa, pb) = self.oriented();
        let own = (pa * (1.0 - pa) + pb * (1.0 - pb) / ratio).sqrt();
        let null = match formula {
            MarginFormula::Wald => own,
            MarginFormula::FarringtonManning => {
                let qa = restricted_share((pa, 1.0), (pb, ratio), -self.margin);
                let qb = qa - self.margin;
                (qa * (1.0 - qa) + qb * (1.0 - qb) / ratio).sqrt()
            }
        };
        (pb - pa + self.margin, null, own)
    }
}

/// Observations needed to find a change of the share from `control` to `treatment`.
pub fn sample_size(
    control: f64,
    treatment: f64,
    design: &Design,
    formula: ShareFormula,
) -> Result<SampleSize> {
    design.check()?;
    share("control", control)?;
    share("treatment", treatment)?;
    require("effect", treatment - control, treatment != control)?;
    let (effect, null, own) = formula.scale(control, treatment, design.ratio);
    let (za, zb) = design.quantiles(design.sides);
    let n = ((za * null + zb * own) / effect).powi(2);
    let n = formula.corrected(n, treatment - control, design.ratio);
    design.size(n, formula.formula())
}

/// The chance to find a change from `control` to `treatment` with these arm sizes; the design's
/// power and ratio are not used.
pub fn power(
    control: f64,
    treatment: f64,
    n: (u64, u64),
    design: &Design,
    formula: ShareFormula,
) -> Result<Power> {
    design.check()?;
    share("control", control)?;
    share("treatment", treatment)?;
    let arms = Arms::new(n, design)?.uncorrected(formula, treatment - control);
    let scale = formula.scale(control, treatment, arms.ratio);
    Ok(arms.power(scale, design.alpha, design.sides, formula.formula()))
}

/// The smallest changes from `control` that these arm sizes find with the design's power.
pub fn detectable_change(
    control: f64,
    n: (u64, u64),
    design: &Design,
    formula: ShareFormula,
) -> Result<DetectableChange> {
    const EDGE: f64 = 1e-12;
    design.check()?;
    share("control", control)?;
    let arms = Arms::new(n, design)?;
    let gap = |change: f64| {
        let scale = formula.scale(control, (control + change).clamp(0.0, 1.0), arms.ratio);
        let arms = arms.uncorrected(formula, change);
        arms.power(scale, design.alpha, design.sides, formula.formula())
            .power
            - design.power
    };
    Ok(DetectableChange {
        formula: formula.formula(),
        up: find_root(gap, 0.0, (1.0 - control) * (1.0 - EDGE)),
        down: find_root(gap, 0.0, -control * (1.0 - EDGE)),
    })
}

/// Observations needed to show that treatment is not worse than control by the margin.
pub fn non_inferiority_size(
    question: &ShareMargin,
    design: &Design,
    formula: MarginFormula,
) -> Result<SampleSize> {
    design.check()?;
    question.check()?;
    let (effect, null, own) = question.scale(design.ratio, formula);
    let (za, zb) = design.quantiles(Sides::One);
    let n = ((za * null + zb * own) / effect).powi(2);
    design.size(n, formula.formula())
}

/// The chance to show non-inferiority with these arm sizes.
pub fn non_inferiority_power(
    question: &ShareMargin,
    n: (u64, u64),
    design: &Design,
    formula: MarginFormula,
) -> Result<Power> {
    design.check()?;
    question.check()?;
    let arms = Arms::new(n, design)?;
    let scale = question.scale(arms.ratio, formula);
    Ok(arms.power(scale, design.alpha, Sides::One, formula.formula()))
}

/// The smallest margin that these arm sizes can show with the design's power when treatment is in
/// truth equal to `control`; `None` if no margin below 1 can be shown.
pub fn provable_margin(
    control: f64,
    better: Better,
    n: (u64, u64),
    design: &Design,
    formula: MarginFormula,
) -> Result<Option<f64>> {
    design.check()?;
    share("control", control)?;
    let arms = Arms::new(n, design)?;
    let gap = |margin: f64| {
        let question = ShareMargin {
            control,
            treatment: control,
            margin,
            better,
        };
        let scale = question.scale(arms.ratio, formula);
        arms.power(scale, design.alpha, Sides::One, formula.formula())
            .power
            - design.power
    };
    Ok(find_root(gap, 1e-12, 1.0 - 1e-12))
}

/// Arm sizes in independent observations.
pub(super) struct Arms {
    pub(super) control: f64,
    pub(super) ratio: f64,
}

impl Arms {
    pub(super) fn new(n: (u64, u64), design: &Design) -> Result<Self> {
        let (control, treatment) = (n.0 as f64, n.1 as f64);
        require("n", control.min(treatment), n.0 > 0 && n.1 > 0)?;
        Ok(Self {
            control: control / design.design_effect,
            ratio: treatment / control,
        })
    }

    fn uncorrected(&self, formula: ShareFormula, change: f64) -> Self {
        Self {
            control: formula.uncorrected(self.control, change, self.ratio),
            ratio: self.ratio,
        }
    }

    fn power(
        &self,
        (effect, null, own): (f64, f64, f64),
        alpha: f64,
        sides: Sides,
        formula: Formula,
    ) -> Power {
        let root = self.control.sqrt();
        let critical = z_alpha(alpha, sides) * null;
        // Without any variance under the alternative the answer is certain.
        let chance = |distance: f64| {
            if own > 0.0 {
                normal_cdf(distance / own)
            } else {
                f64::from(u8::from(distance > 0.0))
            }
        };
        let power = chance(effect * root - critical);
        let both_tails = match sides {
            Sides::One => power,
            Sides::Two => power + chance(-effect * root - critical),
        };
        Power {
            formula,
            power,
            both_tails,
        }
    }
}

pub(super) fn share(key: &str, value: f64) -> Result<()> {
    require(key, value, positive(value) && value < 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_to_fifteen_per_cent_needs_686() {
        let design = Design::default();
        let n = |f| sample_size(0.10, 0.15, &design, f).unwrap();
        let pooled = n(ShareFormula::Pooled);
        assert!((pooled.n_control_exact - 685.597).abs() < 5e-4);
        assert_eq!((pooled.n_control, pooled.n_treatment), (686, 686));
        assert_eq!(pooled.formula, Formula::PooledZ);
        assert_eq!(n(ShareFormula::Unpooled).n_control, 683);
        assert_eq!(n(ShareFormula::Arcsine).n_control, 681);
        assert_eq!(n(ShareFormula::ContinuityCorrected).n_control, 726);
        assert_eq!(n(ShareFormula::ControlVariance).n_control, 600);
    }

    #[test]
    fn size_power_and_detectable_change_invert_each_other() {
        let design = Design {
            ratio: 2.0,
            design_effect: 1.5,
            ..Design::default()
        };
        for formula in ShareFormula::ALL {
            let size = sample_size(0.2, 0.16, &design, formula).unwrap();
            let n = (size.n_control, size.n_treatment);
            let reached = power(0.2, 0.16, n, &design, formula).unwrap().power;
            assert!((0.8..0.801).contains(&reached), "{reached}");
            let change = detectable_change(0.2, n, &design, formula).unwrap();
            assert!((change.down.unwrap() + 0.04).abs() < 1e-4, "{change:?}");
            assert!(change.up.unwrap() > 0.0);
        }
    }

    #[test]
    fn margins_invert_and_mirror() {
        let design = Design {
            alpha: 0.025,
            ..Design::default()
        };
        for formula in [MarginFormula::Wald, MarginFormula::FarringtonManning] {
            let question = ShareMargin {
                control: 0.05,
                treatment: 0.05,
                margin: 0.01,
                better: Better::Lower,
            };
            let size = non_inferiority_size(&question, &design, formula).unwrap();
            let n = (size.n_control, size.n_treatment);
            let reached = non_inferiority_power(&question, n, &design, formula).unwrap();
            assert!((0.8..0.8005).contains(&reached.power), "{reached:?}");
            let margin = provable_margin(0.05, Better::Lower, n, &design, formula).unwrap();
            assert!((margin.unwrap() - 0.01).abs() < 1e-5);
            let mirrored = ShareMargin {
                control: 0.95,
                treatment: 0.95,
                better: Better::Higher,
                ..question
            };
            let same = non_inferiority_size(&mirrored, &design, formula).unwrap();
            assert_eq!(same.n_control, size.n_control);
        }
    }

    #[test]
    fn tiny_arms_detect_nothing() {
        let change = detectable_change(0.02, (10, 10), &Design::default(), ShareFormula::Pooled);
        assert_eq!(change.unwrap().down, None);
    }

    #[test]
    fn nonsense_is_an_error_with_its_key() {
        let design = Design::default();
        let key = |r: Result<SampleSize>| r.unwrap_err().place.key.unwrap();
        let f = ShareFormula::Pooled;
        assert_eq!(key(sample_size(1.4, 0.2, &design, f)), "control");
        assert_eq!(key(sample_size(0.2, 0.0, &design, f)), "treatment");
        assert_eq!(key(sample_size(0.2, 0.2, &design, f)), "effect");
        let question = ShareMargin {
            control: 0.9,
            treatment: 0.8,
            margin: 0.05,
            better: Better::Higher,
        };
        assert_eq!(
            key(non_inferiority_size(
                &question,
                &design,
                MarginFormula::Wald
            )),
            "margin"
        );
        assert!(power(0.1, 0.2, (0, 5), &design, f).is_err());
    }
}
