//! What is known of one stratum of both arms, and its own difference.

use super::estimate::{Estimate, TestResult};
use super::few_events::{EffectiveShare, few_events};
use super::moments::Moments;
use super::proportions::Share;
use super::ratio::{RatioMoments, Reference, ratio_difference};
use super::t_test::welch;
use super::unit_degrees::StratumUnits;

/// One stratum of both arms, known by its moments.
#[derive(Debug, Clone, Copy, Default)]
pub struct StratumMoments {
    /// Of the observations of control and treatment.
    pub moments: [Moments; 2],
    /// Of their units; `None` takes observations as independent.
    pub by_unit: [Option<RatioMoments>; 2],
}

/// A difference with its test, as far as there are both.
pub(super) type Compared = (Option<Estimate>, Option<TestResult>);

impl StratumMoments {
    /// What is taken as independent, of an arm.
    pub(super) fn n_units(&self, arm: usize) -> u64 {
        self.by_unit[arm].map_or(self.moments[arm].n, |units| units.units)
    }

    /// What the variance of an arm follows from, at a weight.
    pub(super) fn units(&self, arm: usize, weight: f64) -> StratumUnits {
        let n = self.moments[arm].n as f64;
        StratumUnits {
            weight,
            n,
            effective: self.by_unit[arm].map_or(n, |units| units.effective_units()),
        }
    }

    /// The difference within the stratum alone.
    pub(super) fn difference(&self, are_shares: bool, level: f64) -> Compared {
        let of_shares = || -> Option<Compared> {
            let [a, b] = [0, 1].map(|arm| match &self.by_unit[arm] {
                Some(units) => EffectiveShare::of_units(units),
                None => EffectiveShare::of_observations(share(&self.moments[arm])),
            });
            let found = few_events(&a?, &b?, level)?;
            Some((Some(found.difference), found.test))
        };
        let few = are_shares.then(of_shares).flatten();
        few.unwrap_or_else(|| {
            let found = match &self.by_unit {
                [Some(a), Some(b)] => ratio_difference(a, b, Reference::Welch, level),
                _ => welch(&self.moments[0], &self.moments[1], level),
            };
            let found = found.map(|found| (found.difference, found.test));
            found.unzip()
        })
    }
}

/// How often ones were observed among zeros and ones.
fn share(moments: &Moments) -> Share {
    Share {
        events: (moments.mean * moments.n as f64).round() as u64,
        n: moments.n,
    }
}
