//! Planning with several looks: what a group-sequential design adds, and what it saves.

use super::{Design, Power, SampleSize};
use crate::error::Result;
use crate::stats::dist::normal_quantile;
use crate::stats::sequential::{Boundary, GroupDesign};
use serde::Serialize;

/// A sample size for several looks.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SequentialSize {
    /// The looks and their bounds.
    pub design: GroupDesign,
    /// Observations if no look stops the experiment.
    pub full: SampleSize,
    /// How many times more than for a single look.
    pub inflation: f64,
    /// Expected share of the full sample if the assumed effect is true.
    pub expected_information: f64,
    /// Expected share of the full sample without any effect.
    pub expected_information_null: f64,
}

/// Plans `looks` equally spaced looks for an experiment whose sample size at a single look is
/// `single`. Errors as for [`GroupDesign::new`] and [`GroupDesign::drift`].
pub fn sample_size(
    single: &SampleSize,
    looks: usize,
    boundary: Boundary,
    design: &Design,
) -> Result<SequentialSize> {
    let planned = GroupDesign::equally_spaced(looks, design.alpha, design.sides, boundary)?;
    let drift = planned.drift(design.power)?;
    let inflation = planned.inflation(design.power)?;
    let plain = Design {
        design_effect: 1.0,
        ratio: single.n_treatment as f64 / single.n_control as f64,
        ..*design
    };
    let full = plain.size(single.n_control_exact * inflation, single.formula)?;
    Ok(SequentialSize {
        expected_information: planned.crossing(drift).expected_information,
        expected_information_null: planned.crossing(0.0).expected_information,
        full,
        inflation,
        design: planned,
    })
}

/// The power with equally spaced looks of an experiment whose power at a single look, in the
/// direction of the effect, is `single`.
pub fn power(single: &Power, looks: usize, boundary: Boundary, design: &Design) -> Result<Power> {
    let looks = GroupDesign::equally_spaced(looks, design.alpha, design.sides, boundary)?;
    let z = |p: f64| normal_quantile(p).unwrap_or(0.0);
    let drift = z(1.0 - design.alpha / design.sides.count()) + z(single.power);
    let crossing = looks.crossing(drift.clamp(-30.0, 30.0));
    let lower: f64 = crossing.lower.iter().sum();
    Ok(Power {
        formula: single.formula,
        power: crossing.power(),
        both_tails: (crossing.power() + lower).min(1.0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::power::proportions::{self, ShareFormula};

    #[test]
    fn looks_cost_little_and_save_much() {
        let design = Design::default();
        let single = proportions::sample_size(0.1, 0.15, &design, ShareFormula::Pooled).unwrap();
        let planned = sample_size(&single, 5, Boundary::ObrienFleming, &design).unwrap();
        assert!((planned.inflation - 1.028).abs() < 1e-3);
        assert_eq!(planned.full.n_control, 706);
        assert!(planned.expected_information < 0.85);
        assert!(planned.expected_information_null > 0.95);
        let n = (planned.full.n_control, planned.full.n_treatment);
        let at_once = proportions::power(0.1, 0.15, n, &design, ShareFormula::Pooled).unwrap();
        let reached = power(&at_once, 5, Boundary::ObrienFleming, &design).unwrap();
        assert!((reached.power - 0.8).abs() < 2e-3, "{reached:?}");
    }
}
