//! Every arm within every segment value, where more than two arms are compared: which of them is best
//! at which load, for which model, in which language.

use std::cmp::{Ordering, Reverse};

use rayon::prelude::*;

use super::by_user::UserRows;
use super::effect::Inference;
use super::metrics::Metric;
use super::model::{
    ArmSummary, ArmValue, MetricRole, ScorecardRow, SegmentArms, SegmentArmsValue, SegmentColumn,
    SegmentEffect, SegmentSpread, number,
};
use super::ordered::Latencies;
use super::scorecard::{arm_values, observed};
use super::segment_harm;
use super::segments::{Part, largest};
use super::settings::AnalysisSettings;
use crate::data::RequestLog;
use crate::error::Result;
use crate::jobs::Progress;

/// Every metric that is not ignored, of the arms shown, by every segment column; nothing where no more
/// than two arms are compared, whose values stand with their effects.
pub(super) fn segment_arms(
    log: &RequestLog,
    metrics: &[Metric],
    (arms, by_user): (&[usize], &[UserRows<'_>]),
    inference: Inference<'_>,
    progress: &Progress,
) -> Result<Vec<SegmentArms>> {
    let told = told(metrics);
    let sides: Vec<&UserRows<'_>> = arms.iter().map(|arm| &by_user[*arm]).collect();
    let mut out = Vec::new();
    if arms.is_empty() {
        return Ok(out);
    }
    for segment in &log.segments {
        let (values, found) = largest(segment, &sides, |n| is_large(n.iter().copied()));
        let n_left_out = found.n_values - values.len() as u64;
        let of_value = |value: &super::segments::Value<'_>| -> Result<_> {
            let part = Part::of(log, &value.sides);
            Ok(OfValue {
                value: segment.values[value.code].clone(),
                n_requests: value
                    .sides
                    .iter()
                    .map(|(rows, _)| rows.len() as u64)
                    .collect(),
                of_metrics: within(&part, &told, arms, inference, progress)?,
            })
        };
        let found: Result<Vec<_>> = values.par_iter().map(of_value).collect();
        out.extend(of_column(&segment.name, &told, found?, n_left_out));
    }
    Ok(out)
}

/// The arms that are shown, in the log's order; none where no more than two are compared.
pub(super) fn shown(arms: &[ArmSummary], compared: (usize, Option<usize>)) -> Vec<usize> {
    if arms.len() <= 2 {
        return Vec::new();
    }
    let is_compared = |arm: &usize| *arm == compared.0 || Some(*arm) == compared.1;
    let mut shown: Vec<usize> = (0..arms.len()).collect();
    shown.sort_by_key(|arm| (!is_compared(arm), Reverse(arms[*arm].n_requests), *arm));
    shown.truncate(SegmentArms::MAX_ARMS);
    shown.sort_unstable();
    shown
}

/// Of these, those that are neither control nor treatment.
pub(super) fn others(arms: &[ArmSummary], compared: (usize, Option<usize>)) -> Vec<usize> {
    let is_other = |arm: &usize| *arm != compared.0 && Some(*arm) != compared.1;
    shown(arms, compared).into_iter().filter(is_other).collect()
}

/// Corrects and orders the other arms' effects within segment values, each arm by itself.
pub(super) fn conclude(
    others: Vec<Vec<SegmentEffect>>,
    scorecard: &[ScorecardRow],
    settings: &AnalysisSettings,
) -> Vec<SegmentEffect> {
    let concluded = others.into_iter().flat_map(|mut effects| {
        if let Some(arm) = effects.first().map(|found| found.effect.arm) {
            segment_harm::conclude(&mut effects, scorecard, arm, settings);
        }
        effects
    });
    concluded.collect()
}

/// All that is known by segment.
#[derive(Debug, Default)]
pub(super) struct BySegment {
    pub(super) effects: Vec<SegmentEffect>,
    pub(super) columns: Vec<SegmentColumn>,
    pub(super) spread: Vec<SegmentSpread>,
    /// Of every arm, where more than two are compared.
    pub(super) arms: Vec<SegmentArms>,
    /// Of arms that are neither control nor treatment.
    pub(super) others: Vec<SegmentEffect>,
}

/// The metrics that decide.
pub(super) fn deciding(metrics: &[Metric]) -> Vec<&Metric> {
    let decides = |metric: &&Metric| metric.role.decides();
    metrics.iter().filter(decides).collect()
}

/// The metrics that are told of.
pub(super) fn told(metrics: &[Metric]) -> Vec<&Metric> {
    let is_told = |metric: &&Metric| metric.role != MetricRole::Ignored;
    metrics.iter().filter(is_told).collect()
}

/// Whether some arm has enough requests.
pub(super) fn is_large(n_requests: impl IntoIterator<Item = usize>) -> bool {
    let mut each = n_requests.into_iter();
    each.any(|n| n >= SegmentEffect::MIN_REQUESTS)
}

/// A segment value with its requests per arm and, metric by metric, what they show.
pub(super) struct OfValue {
    pub(super) value: String,
    pub(super) n_requests: Vec<u64>,
    pub(super) of_metrics: Vec<Vec<ArmValue>>,
}

/// One column's values, metric by metric.
pub(super) fn of_column(
    segment: &str,
    metrics: &[&Metric],
    mut values: Vec<OfValue>,
    n_left_out: u64,
) -> Vec<SegmentArms> {
    let as_number = |of: &OfValue| number(&of.value);
    if values.iter().all(|of| as_number(of).is_some()) {
        values.sort_by(|a, b| {
            as_number(a)
                .partial_cmp(&as_number(b))
                .unwrap_or(Ordering::Equal)
        });
    }
    // A single value has nothing beside it.
    if values.len() < 2 {
        return Vec::new();
    }
    let of_metric = |(k, metric): (usize, &&Metric)| SegmentArms {
        segment: segment.to_owned(),
        metric: metric.id.clone(),
        label: metric.label.clone(),
        form: metric.form,
        values: values
            .iter()
            .map(|of| SegmentArmsValue {
                value: of.value.clone(),
                n_requests: of.n_requests.clone(),
                arms: of.of_metrics[k].clone(),
            })
            .collect(),
        n_left_out,
    };
    metrics.iter().enumerate().map(of_metric).collect()
}

/// What the arms show within one value, metric by metric.
fn within(
    part: &Part<'_>,
    metrics: &[&Metric],
    arms: &[usize],
    inference: Inference<'_>,
    progress: &Progress,
) -> Result<Vec<Vec<ArmValue>>> {
    let latencies = Latencies::of(&part.log, metrics, &part.sides, (&[], inference), progress)?;
    let of_metric = |metric: &&Metric| {
        progress.check()?;
        let observed = observed(&part.log, metric, &part.sides, &latencies);
        let samples = observed.iter().map(|o| o.sample(metric, inference));
        Ok(arm_values(arms.iter().copied().zip(samples)))
    };
    metrics.iter().map(of_metric).collect()
}
