//! A shadow test decides on pairs: where requests were answered by both arms, the paired difference
//! takes the place of the one that treats the arms as independent, which stands beside it.
//!
//! Quantiles have no pairs; their intervals stay those of independent arms, which answers to the same
//! requests make too wide rather than too narrow. Users rate what they saw, so ratings decide nothing.

use super::effect::Inference;
use super::looks;
use super::metrics::{Kind, Metric};
use super::model::{
    AtUnit, Effect, MetricRole, PairedMetric, ScorecardRow, ShadowFinding, Verdict,
};
use super::settings::{AnalysisSettings, Looks};
use super::verdict;
use crate::data::Quantity;
use crate::stats::{Estimate, Interval};

/// Fewer pairs than this tell nothing.
const MIN_PAIRS: u64 = 20;

/// In a shadow test ratings only explain, unless somebody declared otherwise.
pub(super) fn set_ratings_aside(metrics: &mut [Metric], settings: &AnalysisSettings) {
    for metric in metrics {
        let is_rating = matches!(metric.kind, Kind::Mean(Quantity::Rating) | Kind::RatedShare);
        let is_declared = settings
            .metrics
            .get(&metric.id)
            .is_some_and(|choice| choice.role.is_some());
        if is_rating && metric.role.decides() && !is_declared {
            metric.role = MetricRole::Neutral;
        }
    }
}

/// Puts paired differences where the scorecard has a metric that the pairs have too.
pub(super) fn decide_on_pairs(
    found: &ShadowFinding,
    metrics: &[Metric],
    scorecard: &mut [ScorecardRow],
    treatment: usize,
    inference: Inference<'_>,
) {
    for (metric, row) in metrics.iter().zip(scorecard) {
        let Some(paired) = found.metrics.iter().find(|p| p.metric == metric.id) else {
            continue;
        };
        if let Some(effect) = row.effects.iter_mut().find(|e| e.arm == treatment) {
            replace(effect, metric, paired, inference.looks);
        }
    }
}

fn replace(effect: &mut Effect, metric: &Metric, paired: &PairedMetric, looks: Looks) {
    let (Some(fixed), Some(test)) = (paired.difference, paired.test) else {
        return;
    };
    let now = match looks {
        Looks::Fixed => Some((fixed, Some(test))),
        Looks::Continuous => looks::always_valid((fixed, Some(test)), fixed.n),
    };
    let Some((difference, test)) = now else {
        return;
    };
    let unpaired = effect.difference.zip(effect.test);
    effect.unpaired = unpaired.map(|(difference, test)| AtUnit { difference, test });
    effect.unit = paired.unit;
    effect.relative = effect
        .relative
        .and_then(|_| relative(&difference, paired.control));
    effect.p_non_inferior = effect.margin.and_then(|margin| match looks {
        Looks::Fixed => verdict::non_inferior(metric.direction, &difference, margin, test),
        Looks::Continuous => looks::non_inferior(metric.direction, &difference, margin),
    });
    effect.verdict = if paired.n_pairs < MIN_PAIRS {
        Verdict::NoData
    } else {
        verdict::of_difference(metric, &difference, effect.margin)
    };
    (effect.difference, effect.test) = (Some(difference), test);
    // These compare arms as if they were independent.
    (effect.by_request, effect.by_unit) = (None, None);
    effect.each_unit_once = None;
    (effect.design_effect, effect.unit_warning) = (None, None);
}

/// The difference over the control's mean of the pairs.
fn relative(difference: &Estimate, control: f64) -> Option<Estimate> {
    (control > 0.0).then(|| Estimate {
        value: difference.value / control,
        interval: Interval {
            lower: difference.interval.lower / control,
            upper: difference.interval.upper / control,
        },
        ..*difference
    })
}
