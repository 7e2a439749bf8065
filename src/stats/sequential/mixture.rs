//! The normal mixture: mSPRT and asymptotic confidence sequences in one.
//!
//! The likelihood ratio of "the effect is θ" against "it is the null" is averaged over θ normal about
//! the null with variance τ². That average exceeds 1/α with chance at most α at any time (Robbins
//! 1970; Johari, Koomen, Pekelis & Walsh 2022, "Always Valid Inference"). With V the variance of the
//! estimate and r = τ²/V,
//!
//! ```text
//! ln Λ = −½ ln(1+r) + r/(2(1+r)) · (estimate − null)²/V
//! interval: estimate ± √V · √((1+r)/r · (2 ln(1/α) + ln(1+r)))
//! ```
//!
//! `GrowthBook`'s sequential interval (Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas 2024,
//! "Time-uniform central limit theory", eq. 9) is the same with r = ρ²N, N all observations.

use crate::stats::estimate::{
    Comparison, Estimate, Interval, Method, TestName, TestResult, valid_level,
};
use serde::Serialize;

/// An estimate that may be looked at any number of times.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct AlwaysValid {
    /// The estimate with the interval of this look.
    pub estimate: Estimate,
    /// The test of this look: its statistic is ln Λ, its p-value min(1, 1/Λ).
    pub test: TestResult,
}

/// What all looks so far say together.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Running {
    /// The smallest p-value so far: it may be reported at any time and never rises.
    pub p: f64,
    /// What all intervals so far have in common; `None` before the first look and where they have
    /// nothing in common, which happens with chance alpha at most.
    pub interval: Option<Interval>,
    /// Number of looks.
    pub looks: u64,
}

impl Default for Running {
    fn default() -> Self {
        Self {
            p: 1.0,
            interval: None,
            looks: 0,
        }
    }
}

impl Running {
    /// Adds a look.
    pub fn observe(&mut self, look: &AlwaysValid) {
        let new = look.estimate.interval;
        self.p = self.p.min(look.test.p);
        self.interval = match self.interval {
            None if self.looks == 0 => Some(new),
            None => None,
            Some(old) => {
                let lower = old.lower.max(new.lower);
                let upper = old.upper.min(new.upper);
                (lower <= upper).then_some(Interval { lower, upper })
            }
        };
        self.looks += 1;
    }
}

/// Mixture sequential test of an `estimate` with this `variance` against `null`, mixing over effects
/// with variance `tau2` about it; `n` is reported. Best where the true effect is about τ.
///
/// `None` unless all are finite, both variances are positive and `level` is inside (0, 1).
pub fn msprt(
    estimate: f64,
    variance: f64,
    tau2: f64,
    null: f64,
    n: u64,
    level: f64,
) -> Option<AlwaysValid> {
    mixture(estimate, variance, tau2 / variance, null, n, level)
}

/// The ρ at which the sequence is tightest around `tuning` observations over both arms:
/// √((−2 ln α + ln(−2 ln α + 1))/tuning) with α = 1 − `level` (Waudby-Smith et al., eq. 161).
/// `None` unless `tuning` is positive and finite and `level` is inside (0, 1).
pub fn rho(level: f64, tuning: f64) -> Option<f64> {
    let evidence = -2.0 * (1.0 - valid_level(level)?).ln();
    let is_sound = tuning > 0.0 && tuning.is_finite();
    is_sound.then(|| ((evidence + evidence.ln_1p()) / tuning).sqrt())
}

/// Asymptotic confidence sequence of an `estimate` with this `standard_error` after `n` observations
/// over both arms, tightest around `tuning` observations (`GrowthBook`'s default is 5,000), and the
/// test that the effect is zero.
///
/// It holds for large samples: look from some hundred units an arm. `None` as for [`msprt`] and
/// [`rho`], and without observations.
pub fn asymptotic_sequence(
    estimate: f64,
    standard_error: f64,
    n: u64,
    tuning: f64,
    level: f64,
) -> Option<AlwaysValid> {
    let rho = rho(level, tuning)?;
    let variance = standard_error * standard_error;
    mixture(estimate, variance, rho * rho * n as f64, 0.0, n, level)
}

/// [`asymptotic_sequence`] of a comparison: same difference, standard error, level and number of
/// observations (units, for clustered methods).
pub fn comparison_sequence(comparison: &Comparison, tuning: f64) -> Option<AlwaysValid> {
    let Estimate {
        value, level, n, ..
    } = comparison.difference;
    asymptotic_sequence(value, comparison.standard_error, n, tuning, level)
}

/// `ratio` is τ² over the variance of the estimate.
fn mixture(
    estimate: f64,
    variance: f64,
    ratio: f64,
    null: f64,
    n: u64,
    level: f64,
) -> Option<AlwaysValid> {
    let alpha = 1.0 - valid_level(level)?;
    let z = (estimate - null) / variance.sqrt();
    let is_sound = variance > 0.0 && ratio > 0.0 && ratio.is_finite() && z.is_finite();
    if !is_sound {
        return None;
    }
    let shrink = ratio / (1.0 + ratio);
    let ln_evidence = (0.5 * (shrink * z * z - ratio.ln_1p())).min(f64::MAX);
    let half = (variance / shrink * (ratio.ln_1p() - 2.0 * alpha.ln())).sqrt();
    let test = TestResult::new(TestName::AlwaysValid, ln_evidence, None, -ln_evidence);
    half.is_finite().then_some(AlwaysValid {
        estimate: Estimate {
            value: estimate,
            interval: Interval::around(estimate, half),
            level,
            method: Method::AlwaysValid,
            n,
        },
        test,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nonsense_is_none() {
        assert_eq!(msprt(1.0, 0.0, 1.0, 0.0, 5, 0.95), None);
        assert_eq!(msprt(f64::NAN, 1.0, 1.0, 0.0, 5, 0.95), None);
        assert_eq!(msprt(1.0, 1.0, 0.0, 0.0, 5, 0.95), None);
        assert_eq!(msprt(1.0, 1.0, 1.0, 0.0, 5, 1.0), None);
        assert_eq!(asymptotic_sequence(1.0, 1.0, 0, 5000.0, 0.95), None);
        assert_eq!(asymptotic_sequence(1.0, 1.0, 9, 0.0, 0.95), None);
        assert_eq!(rho(0.95, f64::INFINITY), None);
    }

    #[test]
    fn looks_only_ever_sharpen() {
        let look = |value: f64, se: f64, n| asymptotic_sequence(value, se, n, 500.0, 0.95).unwrap();
        let mut running = Running::default();
        running.observe(&look(3.0, 0.5, 100));
        let after_one = running;
        running.observe(&look(2.0, 0.6, 200));
        assert_eq!(running.p, after_one.p);
        let (one, two) = (after_one.interval.unwrap(), running.interval.unwrap());
        assert!(two.lower >= one.lower && two.upper <= one.upper);
        running.observe(&look(-30.0, 0.1, 300));
        assert_eq!(running.interval, None);
        running.observe(&look(0.5, 0.4, 400));
        assert_eq!((running.interval, running.looks), (None, 4));
    }

    proptest! {
        /// A mixture with τ² = ρ²·se²·N is the asymptotic sequence.
        #[test]
        fn the_sequence_is_a_mixture_test(
            value in -5.0..5.0_f64,
            se in 1e-3..1e2_f64,
            n in 1..10_000_000_u64,
            tuning in 10.0..1e6_f64,
            level in 0.5..0.999_f64,
        ) {
            let sequence = asymptotic_sequence(value, se, n, tuning, level).unwrap();
            let tau2 = rho(level, tuning).unwrap().powi(2) * se * se * n as f64;
            let mixture = msprt(value, se * se, tau2, 0.0, n, level).unwrap();
            let close = |a: f64, b: f64| (a - b).abs() <= 1e-12 * a.abs().max(b.abs()).max(1.0);
            prop_assert!(close(sequence.test.statistic, mixture.test.statistic));
            prop_assert!(close(sequence.estimate.interval.lower, mixture.estimate.interval.lower));
            prop_assert!(close(sequence.estimate.interval.upper, mixture.estimate.interval.upper));
        }

        #[test]
        fn the_interval_excludes_the_null_exactly_when_the_test_rejects(
            value in -1.0..1.0_f64,
            variance in 1e-4..0.1_f64,
            tau2 in 1e-4..0.1_f64,
            null in -0.2..0.2_f64,
        ) {
            let look = msprt(value, variance, tau2, null, 100, 0.95).unwrap();
            prop_assume!((look.test.p - 0.05).abs() > 1e-9);
            let excludes = !look.estimate.interval.contains(null);
            prop_assert_eq!(excludes, look.test.p < 0.05);
        }
    }
}
