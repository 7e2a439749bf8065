//! Arms of one place against the control, from cells and users' products.

use super::super::effect::{ArmSample, Inference, effect};
use super::super::metrics::{Kind, Metric};
use super::super::model::{ArmValue, Effect, ScorecardRow};
use super::super::ordered::Ordered;
use super::super::scorecard;
use super::super::strata::Stratifier;
use super::Layers;
use super::figures::{self, ByUser, Figures, unit_measure};
use crate::cells::{Cells, Group, Scope, UnitMeasure, UnitProducts, bins};
use crate::data::{Clock, Quantity};
use crate::stats::{
    self, Ascending as _, Contribution, CountedLayers, Counts, Estimate, RatioMoments, Spread,
    Stratified, StratumMoments, stratified_from_moments, stratified_quantiles_of_counts,
};
use crate::units::ValueForm;

/// What comparisons from cells stand on.
pub(super) struct Basis<'a> {
    pub(super) cells: &'a Cells,
    pub(super) clock: Clock,
    pub(super) by_user: &'a ByUser<'a>,
    pub(super) table: &'a Table,
    pub(super) inference: Inference<'a>,
    pub(super) layers: &'a Layers,
}

/// What stands for the durations of every bin.
pub(super) struct Table {
    pub(super) values: Vec<f64>,
}

impl Table {
    pub(super) fn new() -> Self {
        Self {
            values: figures::values(),
        }
    }
}

/// The figures of one place.
pub(super) struct PlaceFigures {
    place: usize,
    /// Per arm.
    pub(super) whole: Vec<Figures>,
    /// Per arm and stratum.
    strata: Vec<Vec<Figures>>,
}

impl PlaceFigures {
    pub(super) fn of(basis: &Basis<'_>, place: usize) -> Self {
        let (cells, starts) = (basis.cells, &basis.layers.starts);
        let n_arms = cells.arms.len();
        let table = if basis.layers.are_exact {
            &cells.stages
        } else {
            &cells.cells
        };
        let stratum = |time_us: i64| {
            let begun = starts.partition_point(|from| *from <= time_us);
            begun.checked_sub(1)
        };
        Self {
            place,
            whole: Figures::of_arms(&cells.cells, place, n_arms),
            strata: Figures::of(table, (place, n_arms), starts.len(), stratum),
        }
    }

    /// One metric of every arm, and every arm against the control.
    pub(super) fn row(&self, basis: &Basis<'_>, metric: &Metric, control: usize) -> ScorecardRow {
        let samples: Vec<ArmSample> = (0..self.whole.len())
            .map(|arm| self.sample(basis, metric, arm))
            .collect();
        let others = (0..samples.len()).filter(|arm| *arm != control);
        let effects = others.map(|arm| {
            let sides = [&samples[control], &samples[arm]];
            self.effect(basis, metric, [control, arm], sides)
        });
        let effects = effects.collect();
        // Cells hold neither the ratings that were given nor the currency of costs.
        scorecard::row(metric, String::new(), &samples, effects)
    }

    /// One metric of some arms.
    pub(super) fn values(
        &self,
        basis: &Basis<'_>,
        metric: &Metric,
        arms: &[usize],
    ) -> Vec<ArmValue> {
        let sample = |arm: &usize| (*arm, self.sample(basis, metric, *arm));
        scorecard::arm_values(arms.iter().map(sample))
    }

    /// One metric of the control and the treatment, and the effect on it.
    pub(super) fn pair(
        &self,
        basis: &Basis<'_>,
        metric: &Metric,
        (control, treatment): (usize, usize),
    ) -> ([ArmSample; 2], Effect) {
        let arms = [control, treatment];
        let samples = arms.map(|arm| self.sample(basis, metric, arm));
        let effect = self.effect(basis, metric, arms, [&samples[0], &samples[1]]);
        (samples, effect)
    }

    fn sample(&self, basis: &Basis<'_>, metric: &Metric, arm: usize) -> ArmSample {
        if let Kind::Quantile(quantity, q) = metric.kind {
            let ordered = self.ordered(basis, quantity, arm, &[q]);
            return ArmSample::of_ordered(&ordered, q, basis.inference);
        }
        let observed = self.whole[arm].observed(metric);
        let group = whole_arm(arm);
        let units = basis
            .by_user
            .moments(self.place, unit_measure(metric), Scope::All, group);
        ArmSample::of_moments(observed.n_events, observed.moments, units, basis.inference)
    }

    fn effect(
        &self,
        basis: &Basis<'_>,
        metric: &Metric,
        [control, arm]: [usize; 2],
        [of_control, of_arm]: [&ArmSample; 2],
    ) -> Effect {
        let pooled = effect(metric, arm, of_control, of_arm, basis.inference);
        let Some(strata) = &basis.layers.strata else {
            return pooled;
        };
        let n_requests = [control, arm].map(|arm| -> Vec<u64> {
            self.strata[arm]
                .iter()
                .map(|figures| figures.n_requests)
                .collect()
        });
        let has_units = !basis.by_user.is_empty();
        let stratifier = Stratifier::of_counts(
            strata,
            (basis.clock, has_units),
            basis.inference,
            n_requests,
        );
        let compared = match metric.kind {
            Kind::Quantile(quantity, q) => self.quantiles(basis, (quantity, q), [control, arm]),
            _ => self.means(basis, metric, [control, arm]),
        };
        stratifier.effect_of(metric, pooled, compared)
    }

    /// Durations of an arm with the quantiles that are asked for.
    pub(super) fn ordered<'t>(
        &self,
        basis: &Basis<'t>,
        quantity: Quantity,
        arm: usize,
        asked: &[f64],
    ) -> Ordered<'t> {
        let figures = &self.whole[arm];
        let of = |q: &f64| {
            let moments = self.share_up_to(basis, Scope::All, whole_arm(arm), (quantity, *q));
            (*q, moments)
        };
        Ordered::of_counts(
            figures.counts(quantity, &basis.table.values),
            figures.moments(quantity),
            asked.iter().map(of).collect(),
        )
        .known_to(bins::ALPHA)
    }

    /// How users vary in the share of their durations up to a quantile: as they do at the nearest
    /// threshold.
    fn share_up_to(
        &self,
        basis: &Basis<'_>,
        scope: Scope,
        group: Group,
        (quantity, q): (Quantity, f64),
    ) -> Option<RatioMoments> {
        let thresholds = basis.by_user.thresholds(quantity);
        let known = thresholds.filter_map(|bin| {
            let measure = UnitMeasure::UpTo(quantity, bin);
            let moments = basis.by_user.moments(self.place, measure, scope, group)?;
            let share = moments
                .ratio()
                .filter(|share| *share > 0.0 && *share < 1.0)?;
            Some((share, moments))
        });
        let distance = |share: f64| (logit(share) - logit(q)).abs();
        let nearest = known.min_by(|a, b| distance(a.0).total_cmp(&distance(b.0)));
        nearest.map(|(_, moments)| moments)
    }

    /// By observation and by unit.
    fn means(
        &self,
        basis: &Basis<'_>,
        metric: &Metric,
        arms: [usize; 2],
    ) -> [Option<Stratified>; 2] {
        let level = basis.inference.level;
        let measure = unit_measure(metric);
        let strata: Vec<StratumMoments> = (0..basis.layers.starts.len())
            .map(|s| self.stratum(basis, metric, arms, s))
            .collect();
        let alone: Vec<StratumMoments> = strata
            .iter()
            .map(|stratum| StratumMoments {
                by_unit: [None; 2],
                ..*stratum
            })
            .collect();
        let are_shares = metric.form == ValueForm::Share;
        let of_observations = |used: &[Contribution]| Spread::of_observations(&alone, used);
        let of_units = |used: &[Contribution]| self.spread(basis, measure, arms, used);
        [
            stratified_from_moments(&alone, are_shares, of_observations, level),
            stratified_from_moments(&strata, are_shares, of_units, level),
        ]
    }

    fn stratum(
        &self,
        basis: &Basis<'_>,
        metric: &Metric,
        arms: [usize; 2],
        s: usize,
    ) -> StratumMoments {
        let measure = unit_measure(metric);
        let by_unit = |arm: usize| {
            let group = in_stratum(basis, arm, s);
            let by_user = basis.by_user;
            by_user.moments(self.place, measure, Scope::Stage, group)
        };
        StratumMoments {
            moments: arms.map(|arm| self.strata[arm][s].observed(metric).moments),
            by_unit: arms.map(by_unit),
        }
    }

    /// How users' contributions to the combined means vary.
    fn spread(
        &self,
        basis: &Basis<'_>,
        measure: UnitMeasure,
        arms: [usize; 2],
        used: &[Contribution],
    ) -> Option<Spread> {
        // Of contributions, and of sizes.
        let products = |a: usize, b: usize| -> (f64, f64) {
            let mut sums = (0.0, 0.0);
            for x in used {
                for y in used {
                    let groups = [
                        in_stratum(basis, arms[a], x.index),
                        in_stratum(basis, arms[b], y.index),
                    ];
                    let by_user = basis.by_user;
                    let products = by_user.products(self.place, measure, Scope::Stage, groups);
                    let scale = x.scales[a] * y.scales[b];
                    sums.0 += scale * about(&products, x.means[a], y.means[b]);
                    sums.1 += scale * scale * products.den_den;
                }
            }
            sums
        };
        let n_units = arms.map(|arm| self.units_in_strata(basis, measure, arm));
        let own = [products(0, 0), products(1, 1)];
        n_units.iter().all(|n| *n >= 2).then(|| Spread {
            variances: own.map(|sums| sums.0),
            covariance: products(0, 1).0,
            n_units,
            size_squares: own.map(|sums| sums.1),
        })
    }

    /// Users of an arm in the strata in which control and treatment both have a denominator.
    fn units_in_strata(&self, basis: &Basis<'_>, measure: UnitMeasure, arm: usize) -> u64 {
        let groups = [whole_arm(arm); 2];
        let by_user = basis.by_user;
        by_user
            .products(self.place, measure, Scope::Overlap, groups)
            .n_units
    }

    /// By observation and by unit.
    fn quantiles(
        &self,
        basis: &Basis<'_>,
        (quantity, q): (Quantity, f64),
        arms: [usize; 2],
    ) -> [Option<Stratified>; 2] {
        let level = basis.inference.level;
        [false, true].map(|by_unit| {
            let layers = |arm: usize| {
                let strata = self.strata[arm].iter();
                let counts: Vec<Counts<'_>> = strata
                    .map(|figures| figures.counts(quantity, &basis.table.values))
                    .collect();
                let of_error = counts.clone();
                let alone = counts.clone();
                CountedLayers {
                    counts,
                    design_effect: move |value: f64, weights: &[f64]| {
                        let of = (quantity, value);
                        self.design_effect(basis, (arm, by_unit), of, (&of_error, weights))
                    },
                    within: move |s: usize| {
                        self.within(basis, (arm, s, by_unit), (quantity, q), &alone[s])
                    },
                }
            };
            let known_to = bins::ALPHA;
            stratified_quantiles_of_counts(&layers(arms[0]), &layers(arms[1]), (q, known_to), level)
        })
    }

    /// How much wider than by request an arm's share up to a value is known, standardised, as at the
    /// nearest threshold; and the units it stands on.
    fn design_effect(
        &self,
        basis: &Basis<'_>,
        (arm, by_unit): (usize, bool),
        (quantity, value): (Quantity, f64),
        (counts, weights): (&[Counts<'_>], &[f64]),
    ) -> Option<(f64, u64)> {
        let of_observations = |share: &dyn Fn(usize) -> f64| -> f64 {
            let used = (0..counts.len()).filter(|s| weights[*s] > 0.0);
            used.map(|s| {
                let n = counts[s].n().max(1) as f64;
                weights[s] * weights[s] / n * share(s) * (1.0 - share(s))
            })
            .sum()
        };
        let used = || (0..counts.len()).filter(|s| weights[*s] > 0.0);
        if !by_unit {
            let n: u64 = used().map(|s| counts[s].n() as u64).sum();
            return (n >= 2).then_some((1.0, n));
        }
        let bin = bins::bin_of_ms(value)?;
        let thresholds = basis.by_user.thresholds(quantity);
        let nearest = thresholds.min_by_key(|threshold| (threshold - bin).abs())?;
        let measure = UnitMeasure::UpTo(quantity, nearest);
        let share = |s: usize| {
            let group = in_stratum(basis, arm, s);
            let sums = basis
                .by_user
                .products(self.place, measure, Scope::Stage, [group; 2]);
            if sums.den > 0.0 {
                sums.num / sums.den
            } else {
                0.0
            }
        };
        let contributions: Vec<Contribution> = used()
            .map(|index| Contribution {
                index,
                means: [share(index); 2],
                scales: [weights[index] / counts[index].n().max(1) as f64; 2],
            })
            .collect();
        let spread = self.spread(basis, measure, [arm; 2], &contributions)?;
        let n_units = spread.n_units[0] as f64;
        let variance = spread.variances[0] * n_units / (n_units - 1.0);
        let widening = variance / of_observations(&share);
        let widening = if widening.is_finite() { widening } else { 1.0 };
        Some((widening, spread.n_units[0]))
    }

    fn within(
        &self,
        basis: &Basis<'_>,
        (arm, s, by_unit): (usize, usize, bool),
        (quantity, q): (Quantity, f64),
        counts: &Counts<'_>,
    ) -> Option<Estimate> {
        let level = basis.inference.level;
        if !by_unit {
            return Some(stats::quantile_estimate(counts, q, level)?.known_to(bins::ALPHA));
        }
        let group = in_stratum(basis, arm, s);
        let moments = self.share_up_to(basis, Scope::Stage, group, (quantity, q))?;
        Some(stats::clustered_quantile_estimate(counts, q, &moments, level)?.known_to(bins::ALPHA))
    }
}

/// All requests of an arm.
pub(super) fn whole_arm(arm: usize) -> Group {
    Group {
        arm: arm as u16,
        from_us: 0,
    }
}

fn in_stratum(basis: &Basis<'_>, arm: usize, s: usize) -> Group {
    Group {
        arm: arm as u16,
        from_us: basis.layers.starts[s],
    }
}

/// `Σ (num_a − R_a den_a)(num_b − R_b den_b)` over users.
fn about(products: &UnitProducts, ratio_a: f64, ratio_b: f64) -> f64 {
    products.num_num - ratio_b * products.num_den - ratio_a * products.den_num
        + ratio_a * ratio_b * products.den_den
}

fn logit(share: f64) -> f64 {
    (share / (1.0 - share)).ln()
}
