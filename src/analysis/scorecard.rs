//! Every metric of every arm, and every arm against the control.

use std::borrow::Borrow;

use rayon::prelude::*;

use super::by_user::UserRows;
use super::effect::{ArmSample, Inference, each_unit_once, effect};
use super::metrics::{Kind, Metric, Observations};
use super::model::{ArmValue, Effect, ScorecardRow};
use super::ordered::{Answered, Latencies};
use super::strata::Stratifier;
use crate::data::RequestLog;
use crate::error::Result;
use crate::jobs::Progress;
use crate::stats::LayeredSample;

impl ScorecardRow {
    /// The effect of one arm other than the control.
    pub fn effect_of(&self, arm: usize) -> Option<&Effect> {
        self.effects.iter().find(|effect| effect.arm == arm)
    }
}

/// Row indices per arm.
pub(super) fn rows_by_arm(log: &RequestLog) -> Vec<Vec<u32>> {
    let mut rows = vec![Vec::new(); log.arms.len()];
    for (row, arm) in log.arm.iter().enumerate() {
        rows[usize::from(*arm)].push(row as u32);
    }
    rows
}

/// The scorecard over all rows.
pub(super) fn scorecard(
    log: &RequestLog,
    metrics: &[Metric],
    (rows, latencies): (&[UserRows<'_>], &Latencies<'_>),
    control: usize,
    inference: Inference<'_>,
    progress: &Progress,
) -> Result<Vec<ScorecardRow>> {
    let stratifiers: Vec<Option<Stratifier<'_>>> = rows
        .iter()
        .map(|of_arm| Stratifier::new(log, inference, [&rows[control], of_arm]))
        .collect();
    let mut scorecard = Vec::new();
    for (i, metric) in metrics.iter().enumerate() {
        progress.tick(i as u64)?;
        let observed = observed(log, metric, rows, latencies);
        progress.check()?;
        let samples: Vec<ArmSample> = observed
            .par_iter()
            .map(|observed| observed.sample(metric, inference))
            .collect();
        let compare = |arm: usize| -> Result<Effect> {
            progress.check()?;
            let (a, b) = (&samples[control], &samples[arm]);
            let pooled = Effect {
                each_unit_once: each_unit_once(a, b, inference),
                ..effect(metric, arm, a, b, inference)
            };
            Ok(match &stratifiers[arm] {
                Some(stratifier) => {
                    let sides = [control, arm].map(|arm| &observed[arm]);
                    stratifier.effect(metric, pooled, sides)
                }
                None => pooled,
            })
        };
        let others: Vec<usize> = (0..samples.len()).filter(|arm| *arm != control).collect();
        let effects = others.into_par_iter().map(compare).collect::<Result<_>>()?;
        let scale = super::metric_scale::of(metric, log);
        scorecard.push(row(metric, scale, &samples, effects));
    }
    Ok(scorecard)
}

/// One metric of every arm, with the effects on it.
pub(super) fn row(
    metric: &Metric,
    scale: String,
    samples: &[ArmSample],
    effects: Vec<Effect>,
) -> ScorecardRow {
    ScorecardRow {
        id: metric.id.clone(),
        label: metric.label.clone(),
        form: metric.form,
        direction: metric.direction,
        role: metric.role,
        denominator: metric.denominator.to_owned(),
        scale,
        quantile: match metric.kind {
            Kind::Quantile(_, q) => Some(q),
            Kind::ErrorShare | Kind::RatedShare | Kind::Mean(_) => None,
        },
        values: arm_values(samples.iter().enumerate()),
        effects,
    }
}

/// What arms show of one metric.
pub(super) fn arm_values<S: Borrow<ArmSample>>(
    samples: impl IntoIterator<Item = (usize, S)>,
) -> Vec<ArmValue> {
    let value = |(arm, sample): (usize, S)| {
        let sample = sample.borrow();
        ArmValue {
            arm,
            n: sample.n,
            numerator: sample.n_events,
            estimate: sample.estimate,
        }
    };
    samples.into_iter().map(value).collect()
}

/// What one arm shows of a metric.
pub(super) enum Observed<'a> {
    Own(Observations<'a>),
    /// Shared by the quantiles of one quantity.
    Latency(&'a Answered<'a>),
}

impl Observed<'_> {
    pub(super) fn observations(&self) -> &Observations<'_> {
        match self {
            Self::Own(observations) => observations,
            Self::Latency(answered) => &answered.observations,
        }
    }

    /// By stratum, ready for quantiles.
    pub(super) fn layered(&self, bounds: &[u32]) -> LayeredSample<'_> {
        let cells = self.observations().cells(bounds);
        match self {
            Self::Own(_) => LayeredSample::new(&cells),
            Self::Latency(answered) => LayeredSample::counted(&cells, &answered.by_stratum),
        }
    }

    pub(super) fn sample(&self, metric: &Metric, inference: Inference<'_>) -> ArmSample {
        match (self, metric.kind) {
            (Self::Latency(answered), Kind::Quantile(_, q)) => {
                ArmSample::of_ordered(&answered.ordered, q, inference)
            }
            _ => ArmSample::new(metric, self.observations(), inference),
        }
    }
}

/// A metric in every arm.
pub(super) fn observed<'a>(
    log: &'a RequestLog,
    metric: &Metric,
    rows: &'a [UserRows<'_>],
    latencies: &'a Latencies<'a>,
) -> Vec<Observed<'a>> {
    let shared = match metric.kind {
        Kind::Quantile(quantity, _) => latencies.arms(quantity),
        _ => None,
    };
    match shared {
        Some(arms) => arms.iter().map(Observed::Latency).collect(),
        None => rows
            .par_iter()
            .map(|rows| Observed::Own(metric.observe(log, rows)))
            .collect(),
    }
}
