//! Every metric of every arm, and every arm against the control.

use rayon::prelude::*;

use super::effect::{ArmSample, Inference, effect};
use super::metrics::{Kind, Metric};
use super::model::{ArmValue, ScorecardRow};
use super::ordered::Ordered;
use super::strata::Stratifier;
use crate::data::{Quantity, RequestLog};
use crate::error::Result;
use crate::jobs::Progress;

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
    rows: &[Vec<u32>],
    control: usize,
    inference: Inference<'_>,
    progress: &Progress,
) -> Result<Vec<ScorecardRow>> {
    let mut scorecard = Vec::new();
    let mut stratifiers: Vec<Option<Stratifier<'_>>> = rows
        .iter()
        .map(|of_arm| Stratifier::new(log, inference, [&rows[control], of_arm]))
        .collect();
    let mut ordered = None;
    for (i, metric) in metrics.iter().enumerate() {
        progress.tick(i as u64)?;
        let samples = samples(log, metric, rows, &mut ordered, inference);
        let values = samples.iter().enumerate().map(|(arm, sample)| ArmValue {
            arm,
            n: sample.n,
            numerator: sample.n_events,
            estimate: sample.estimate,
        });
        let others = (0..samples.len()).filter(|arm| *arm != control);
        scorecard.push(ScorecardRow {
            id: metric.id.clone(),
            label: metric.label.clone(),
            form: metric.form,
            direction: metric.direction,
            role: metric.role,
            denominator: metric.denominator.to_owned(),
            values: values.collect(),
            effects: others
                .map(|arm| {
                    let pooled = effect(metric, arm, &samples[control], &samples[arm], inference);
                    match &mut stratifiers[arm] {
                        Some(stratifier) => stratifier.effect(metric, pooled),
                        None => pooled,
                    }
                })
                .collect(),
        });
    }
    Ok(scorecard)
}

/// A metric in every arm; quantiles of one quantity share its sorted values in `ordered`.
pub(super) fn samples(
    log: &RequestLog,
    metric: &Metric,
    rows: &[Vec<u32>],
    ordered: &mut Option<(Quantity, Vec<Ordered>)>,
    inference: Inference<'_>,
) -> Vec<ArmSample> {
    let Kind::Quantile(quantity, q) = metric.kind else {
        *ordered = None;
        let sample = |rows: &Vec<u32>| ArmSample::new(metric, metric.observe(log, rows), inference);
        return rows.par_iter().map(sample).collect();
    };
    if ordered.as_ref().is_none_or(|(known, _)| *known != quantity) {
        let sorted = |rows: &Vec<u32>| Ordered::of(metric.observe(log, rows));
        *ordered = Some((quantity, rows.par_iter().map(sorted).collect()));
    }
    let arms = ordered.as_ref().map_or(&[][..], |(_, arms)| arms);
    arms.par_iter()
        .map(|arm| ArmSample::of_ordered(arm, q, inference))
        .collect()
}
