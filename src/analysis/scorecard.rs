//! Every metric of every arm, and every arm against the control.

use super::effect::{ArmSample, Inference, effect};
use super::metrics::Metric;
use super::model::{ArmValue, ScorecardRow};
use super::strata::Stratifier;
use crate::data::RequestLog;
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
    for (i, metric) in metrics.iter().enumerate() {
        progress.tick(i as u64)?;
        let samples: Vec<ArmSample> = rows
            .iter()
            .map(|rows| ArmSample::new(metric, metric.observe(log, rows), inference))
            .collect();
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
