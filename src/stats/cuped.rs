//! CUPED: removing what was known before the experiment from a comparison of means.
//!
//! Each unit's outcome is reduced by theta times how far its pre-experiment value lies from the
//! average, with theta = cov(y, x)/var(x) over both arms taken as one sample (Deng, Xu, Kohavi &
//! Walker 2013; pooled as `GrowthBook` and tea-tasting do). The difference keeps its expectation, its
//! variance falls by the squared correlation. The covariate must not be touched by the treatment.

use super::estimate::Comparison;
use super::moments::Moments;
use super::ratio::RatioMoments;
use super::t_test::welch;
use serde::Serialize;

/// A comparison of adjusted means.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Cuped {
    /// Welch's comparison of the adjusted outcomes.
    pub comparison: Comparison,
    /// What a unit of the covariate takes off the outcome.
    pub theta: f64,
    /// Share of the variance of the difference that the adjustment removed; negative where the
    /// arms' covariances disagree.
    pub variance_reduction: f64,
}

/// Outcomes and pre-experiment values of one arm's units, in the same order.
#[derive(Debug, Clone, Copy)]
pub struct Covaried<'a> {
    /// Outcome per unit.
    pub outcomes: &'a [f64],
    /// Value of the same unit from before the experiment.
    pub covariates: &'a [f64],
}

/// Compares treatment `b` with control `a`, adjusted. Units with a value that is not finite are
/// skipped. `None` if an arm's slices differ in length, if it has fewer than two units, if the
/// covariate or the adjusted outcomes do not vary, or when `level` is outside (0, 1).
pub fn cuped(a: Covaried<'_>, b: Covaried<'_>, level: f64) -> Option<Cuped> {
    let (a, b) = (a.units()?, b.units()?);
    let mut joint = RatioMoments::default();
    for &(y, x) in a.iter().chain(&b) {
        joint.push(y, x);
    }
    if !(joint.m_den > 0.0 && joint.m_den.is_finite()) {
        return None;
    }
    let theta = joint.m_cross / joint.m_den;
    let moments = |units: &[(f64, f64)], theta: f64| {
        let adjusted = units.iter().map(|(y, x)| y - theta * (x - joint.mean_den));
        Moments::from_slice(&adjusted.collect::<Vec<_>>())
    };
    let comparison = welch(&moments(&a, theta), &moments(&b, theta), level)?;
    let plain = [moments(&a, 0.0), moments(&b, 0.0)].map(|m| m.variance_of_mean());
    let before = plain[0]? + plain[1]?;
    let after = comparison.standard_error * comparison.standard_error;
    let variance_reduction = 1.0 - after / before;
    (theta.is_finite() && variance_reduction.is_finite()).then_some(Cuped {
        comparison,
        theta,
        variance_reduction,
    })
}

impl Covaried<'_> {
    fn units(self) -> Option<Vec<(f64, f64)>> {
        let pairs = self.outcomes.iter().zip(self.covariates);
        let finite = pairs.filter(|(y, x)| y.is_finite() && x.is_finite());
        (self.outcomes.len() == self.covariates.len())
            .then(|| finite.map(|(y, x)| (*y, *x)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const X: [f64; 6] = [1.0, 4.0, 2.0, 8.0, 5.0, 7.0];

    fn arm(outcomes: &[f64]) -> Covaried<'_> {
        Covaried {
            outcomes,
            covariates: &X,
        }
    }

    #[test]
    fn a_covariate_that_explains_most_removes_most() {
        let noise = [0.1, -0.1, 0.05, 0.0, -0.05, 0.02];
        let a: Vec<f64> = X.iter().zip(noise).map(|(x, e)| 3.0 * x + e).collect();
        let b: Vec<f64> = X
            .iter()
            .zip(noise)
            .map(|(x, e)| 3.0 * x - e + 0.5)
            .collect();
        let result = cuped(arm(&a), arm(&b), 0.95).unwrap();
        assert!((result.theta - 3.0).abs() < 0.1);
        assert!(result.variance_reduction > 0.99);
        assert!((result.comparison.difference.value - 0.5).abs() < 0.02);
    }

    #[test]
    fn nothing_to_adjust_by_is_none() {
        let y = [1.0, 2.0, 3.0];
        let flat = Covaried {
            outcomes: &y,
            covariates: &[5.0; 3],
        };
        assert!(cuped(flat, flat, 0.95).is_none());
        assert!(cuped(arm(&y), flat, 0.95).is_none());
    }
}
