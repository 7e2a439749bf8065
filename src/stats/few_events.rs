//! Differences of shares of which few events were seen.
//!
//! The delta method takes an arm's variance from the arm's own events: without any it is zero, and with a
//! few it is far too small whenever they happen to be missing. Here an arm counts as many observations as
//! clustering and unequal weights leave (effective sample size: Kish 1965; Korn & Graubard 1998; Rao &
//! Scott 1992); Wilson's interval, Newcombe's difference and Fisher's or Pearson's test are made of those.

use super::contingency::{Continuity, chi_square_2x2};
use super::dist::z_multiplier;
use super::estimate::{Estimate, Method, TestName, TestResult, square_and_add};
use super::fisher::fisher_exact;
use super::proportions::{Share, wilson_interval};
use super::ratio::RatioMoments;

/// Below so many events, or requests without one, an arm's variance is not taken from its own events
/// alone. With thirty the coverage of the delta method is within 1 % of its level (`docs/coverage.md`).
const FEW: f64 = 30.0;

/// Shares and counts that were divided and multiplied again are off by less.
const ROUNDING: f64 = 1e-6;

/// A share of one arm: what its uncertainty follows from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EffectiveShare {
    value: f64,
    /// Events or observations without one, whichever are fewer.
    n_rarer: f64,
    /// As many observations, independent and of equal weight, would tell as much.
    n: f64,
    /// By how much clustering multiplies the variance, at least 1.
    design_effect: f64,
    /// What it would be if all observations of a unit were equal.
    greatest_design_effect: f64,
    /// Independent units, for those who ask how many there were.
    n_units: u64,
}

/// Two such shares compared, `b − a` (a control).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FewEvents {
    /// The control.
    pub a: Estimate,
    /// The treatment.
    pub b: Estimate,
    /// Their difference.
    pub difference: Estimate,
    /// Fisher's where an expected count is below 5, else Pearson's; `None` without any event.
    pub test: Option<TestResult>,
}

impl EffectiveShare {
    /// Of observations that are independent. `None` without any.
    pub fn of_observations(share: Share) -> Option<Self> {
        let n = share.n as f64;
        Some(Self {
            value: share.value()?,
            n_rarer: share.events.min(share.n - share.events) as f64,
            n,
            design_effect: 1.0,
            greatest_design_effect: 1.0,
            n_units: share.n,
        })
    }

    /// By unit: numerators are events, denominators observations. `None` below two units, or where the
    /// ratio is no share.
    pub fn of_units(units: &RatioMoments) -> Option<Self> {
        let near = -ROUNDING..=1.0 + ROUNDING;
        let value = units.ratio().filter(|share| near.contains(share))?;
        let value = value.clamp(0.0, 1.0);
        let n_units = units.units as f64;
        let n = units.mean_den * n_units;
        let squares = units.m_den + n * units.mean_den;
        let greatest = (squares / n).max(1.0);
        (units.units >= 2).then_some(Self {
            value,
            n_rarer: n * value.min(1.0 - value),
            n,
            design_effect: units
                .share_design_effect()
                .map_or(1.0, |deff| deff.clamp(1.0, greatest)),
            greatest_design_effect: greatest,
            n_units: units.units,
        })
    }

    /// Of strata, each its weight, number of observations and share, with the variance that the weighted
    /// share has by `n_units` units. `None` where that is no share of anything.
    pub fn of_strata(
        strata: impl Iterator<Item = (f64, u64, f64)>,
        variance: f64,
        n_units: u64,
    ) -> Option<Self> {
        let (mut value, mut squares, mut events, mut all) = (0.0, 0.0, 0.0, 0.0);
        for (weight, n, share) in strata {
            let n = n as f64;
            value += weight * share;
            squares += weight * weight / n;
            events += n * share;
            all += n;
        }
        let n = 1.0 / squares;
        let value = value.clamp(0.0, 1.0);
        let of_independent = value * (1.0 - value) / n;
        let design_effect = if of_independent > 0.0 {
            (variance / of_independent).max(1.0)
        } else {
            1.0
        };
        (n.is_finite() && design_effect.is_finite()).then_some(Self {
            value,
            n_rarer: events.min(all - events),
            n,
            design_effect,
            greatest_design_effect: f64::INFINITY,
            n_units,
        })
    }

    /// Whether the arm's own events are too few to tell how it varies.
    pub fn is_few(&self) -> bool {
        self.n_rarer < FEW - ROUNDING
    }

    /// Wilson's interval; without any event, or with nothing else, it takes all observations of a unit for
    /// one, the most that clustering can take away. `None` when `level` is outside (0, 1).
    pub fn estimate(&self, level: f64) -> Option<Estimate> {
        self.with(self.design_effect_beside(self), level)
    }

    fn varies(&self) -> bool {
        self.value > 0.0 && self.value < 1.0
    }

    fn with(&self, design_effect: f64, level: f64) -> Option<Estimate> {
        let z = z_multiplier(level)?;
        Some(Estimate {
            value: self.value,
            interval: wilson_interval(self.value, self.n / design_effect, z),
            level,
            method: Method::EffectiveWilson,
            n: self.n_units,
        })
    }

    /// How clustering acts here: few events tell too little of it, so that what the other arm shows counts
    /// too; and where neither shows anything, it may be as strong as can be.
    fn design_effect_beside(&self, other: &Self) -> f64 {
        if !self.is_few() {
            return self.design_effect;
        }
        if !self.varies() && !other.varies() && self.greatest_design_effect.is_finite() {
            return self.greatest_design_effect;
        }
        let either = self.design_effect.max(other.design_effect);
        either.min(self.greatest_design_effect)
    }

    fn rounded(&self, design_effect: f64) -> Share {
        let n = (self.n / design_effect).round().max(1.0);
        Share {
            events: (self.value * n).round() as u64,
            n: n as u64,
        }
    }
}

/// The difference where one of the arms has few events; `None` where none has, or when `level` is outside
/// (0, 1).
pub fn few_events(a: &EffectiveShare, b: &EffectiveShare, level: f64) -> Option<FewEvents> {
    if !a.is_few() && !b.is_few() {
        return None;
    }
    let effects = (a.design_effect_beside(b), b.design_effect_beside(a));
    let (of_a, of_b) = (a.with(effects.0, level)?, b.with(effects.1, level)?);
    let difference = Estimate {
        value: b.value - a.value,
        interval: square_and_add((a.value, of_a.interval), (b.value, of_b.interval))?,
        level,
        method: Method::EffectiveNewcombe,
        n: a.n_units.saturating_add(b.n_units),
    };
    Some(FewEvents {
        a: of_a,
        b: of_b,
        difference,
        test: test(a.rounded(effects.0), b.rounded(effects.1)),
    })
}

fn test(a: Share, b: Share) -> Option<TestResult> {
    let table = [[b.events, b.n - b.events], [a.events, a.n - a.events]];
    let named = |name, test: TestResult| TestResult { name, ..test };
    if expects_few(a, b) {
        let found = fisher_exact(table)?;
        return Some(named(TestName::EffectiveFisher, found.test));
    }
    let found = chi_square_2x2(table, Continuity::None)?;
    Some(named(TestName::EffectiveChiSquare, found.test))
}

/// Whether a count that is expected without a difference is below 5, where the chi-square is no good.
pub fn expects_few(a: Share, b: Share) -> bool {
    let n = (a.n + b.n) as f64;
    let events = (a.events + b.events) as f64;
    events.min(n - events) * (a.n.min(b.n) as f64) / n < 5.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::newcombe;

    /// So many units of `size` observations, the first `n_events` of which have an event in each `every`th.
    fn units(n: u32, size: u32, n_events: u32, each: u32) -> RatioMoments {
        RatioMoments::of_whole_numbers((0..n).map(|unit| (each * u32::from(unit < n_events), size)))
    }

    #[test]
    fn with_one_observation_a_unit_it_is_newcombes_difference() {
        let (a, b) = (units(5_950, 1, 182, 1), units(50, 1, 0, 1));
        let of = |units| EffectiveShare::of_units(units).unwrap();
        let found = few_events(&of(&a), &of(&b), 0.95).unwrap();
        let share = |events, n| Share { events, n };
        let plain = newcombe(share(182, 5_950), share(0, 50), 0.95).unwrap();
        let gap = found.difference.interval.upper - plain.interval.upper;
        assert!(gap.abs() < 1e-4, "{found:?} {plain:?}");
        assert!(found.difference.interval.upper > 0.04);
        let test = found.test.unwrap();
        // Fisher's exact test of [[0, 50], [182, 5768]], by SciPy: 0.40586.
        assert_eq!(test.name, TestName::EffectiveFisher);
        assert!((test.p - 0.405_86).abs() < 1e-4, "{}", test.p);
    }

    #[test]
    fn clustering_of_the_other_arm_counts_where_there_are_few_events() {
        // In the control, failures come by user, ten at a time.
        let (a, b) = (units(1_000, 10, 40, 10), units(40, 10, 0, 0));
        let of = |units| EffectiveShare::of_units(units).unwrap();
        assert!((of(&a).design_effect - 10.0).abs() < 0.1);
        let found = few_events(&of(&a), &of(&b), 0.95).unwrap();
        let single = Share { events: 0, n: 40 }.wilson(0.95).unwrap();
        assert!((found.b.interval.upper - single.interval.upper).abs() < 1e-9);
        // No more than if all requests of a user were one.
        let single_requests = units(400, 1, 0, 0);
        let found = few_events(&of(&a), &of(&single_requests), 0.95).unwrap();
        let plain = Share { events: 0, n: 400 }.wilson(0.95).unwrap();
        assert!((found.b.interval.upper - plain.interval.upper).abs() < 1e-9);
    }

    #[test]
    fn many_events_are_left_to_the_delta_method() {
        let of = |events| EffectiveShare::of_units(&units(500, 1, events, 1)).unwrap();
        assert_eq!(few_events(&of(40), &of(30), 0.95), None);
        assert!(few_events(&of(40), &of(29), 0.95).is_some());
        assert!(few_events(&of(40), &of(471), 0.95).is_some());
        assert_eq!(few_events(&of(0), &of(0), 0.95).unwrap().test, None);
    }

    #[test]
    fn strata_weigh_as_they_are_weighted() {
        let one = EffectiveShare::of_strata([(1.0, 80, 0.05)].into_iter(), 0.0, 80).unwrap();
        let of = EffectiveShare::of_observations(Share { events: 4, n: 80 }).unwrap();
        assert_eq!(one.estimate(0.95), of.estimate(0.95));
        let unequal = [(0.9, 20, 0.0), (0.1, 60, 0.05)];
        let found = EffectiveShare::of_strata(unequal.into_iter(), 0.0, 80).unwrap();
        assert!((found.n - 1.0 / (0.81 / 20.0 + 0.01 / 60.0)).abs() < 1e-9);
        assert!(found.is_few());
    }
}
