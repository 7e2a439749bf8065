//! The treatment's effect within each segment value, the most harmful first.

use rayon::prelude::*;

use super::effect::{ArmSample, Inference, effect};
use super::metrics::Metric;
use super::model::{Direction, SegmentEffect, Verdict};
use super::strata::Stratifier;
use crate::data::RequestLog;
use crate::error::Result;
use crate::jobs::Progress;
use crate::stats::holm;

/// Fewer requests than this in either arm of a segment value are not shown.
const MIN_REQUESTS: usize = 50;
/// More values than this per segment would drown the rest; the largest are kept.
const MAX_VALUES: usize = 30;

/// Effects of the guardrails by segment value. p-values are corrected over all of them (Holm).
pub(super) fn segments(
    log: &RequestLog,
    metrics: &[Metric],
    rows: &[Vec<u32>],
    (control, treatment): (usize, usize),
    inference: Inference<'_>,
    progress: &Progress,
) -> Result<Vec<SegmentEffect>> {
    let mut effects = Vec::new();
    for segment in &log.segments {
        let mut by_value: Vec<[Vec<u32>; 2]> = vec![[Vec::new(), Vec::new()]; segment.values.len()];
        for (side, arm) in [control, treatment].into_iter().enumerate() {
            for row in &rows[arm] {
                by_value[usize::from(segment.code[*row as usize])][side].push(*row);
            }
        }
        let mut order: Vec<usize> = (0..by_value.len()).collect();
        order.sort_by_key(|&v| {
            (
                std::cmp::Reverse(by_value[v][0].len() + by_value[v][1].len()),
                v,
            )
        });
        order.retain(|&v| by_value[v].iter().all(|rows| rows.len() >= MIN_REQUESTS));
        order.truncate(MAX_VALUES);
        let of_value = |value: &usize| -> Result<Vec<SegmentEffect>> {
            let [a, b] = &by_value[*value];
            let mut stratifier = Stratifier::new(log, inference, [a, b]);
            let of_metric = |metric: &Metric| {
                progress.check()?;
                let sample =
                    |rows: &[u32]| ArmSample::new(metric, metric.observe(log, rows), inference);
                let (control, treated) = (sample(a), sample(b));
                let pooled = effect(metric, treatment, &control, &treated, inference);
                Ok(SegmentEffect {
                    segment: segment.name.clone(),
                    value: segment.values[*value].clone(),
                    metric: metric.id.clone(),
                    label: metric.label.clone(),
                    form: metric.form,
                    n_requests: (a.len() as u64, b.len() as u64),
                    control: control.estimate.map(|e| e.value),
                    treatment: treated.estimate.map(|e| e.value),
                    effect: match &mut stratifier {
                        Some(stratifier) => stratifier.effect(metric, pooled),
                        None => pooled,
                    },
                    p_holm: 1.0,
                })
            };
            let deciding = metrics.iter().filter(|m| m.role.decides());
            deciding.map(of_metric).collect()
        };
        let found = order.par_iter().map(of_value).collect::<Result<Vec<_>>>()?;
        effects.extend(found.into_iter().flatten());
    }
    correct(&mut effects);
    let directions: Vec<(String, Direction)> = metrics
        .iter()
        .map(|m| (m.id.clone(), m.direction))
        .collect();
    effects.sort_by(|a, b| harm(b, &directions).total_cmp(&harm(a, &directions)));
    Ok(effects)
}

fn correct(effects: &mut [SegmentEffect]) {
    let tested: Vec<usize> = (0..effects.len())
        .filter(|&i| effects[i].effect.test.is_some())
        .collect();
    let p: Vec<f64> = tested
        .iter()
        .filter_map(|&i| effects[i].effect.test.map(|t| t.p))
        .collect();
    for (i, p) in tested.into_iter().zip(holm(&p)) {
        effects[i].p_holm = p;
    }
}

/// Orders by verdict first, then by how many margins the effect is on the worse side.
fn harm(effect: &SegmentEffect, directions: &[(String, Direction)]) -> f64 {
    let direction = directions
        .iter()
        .find(|(id, _)| *id == effect.metric)
        .map(|(_, d)| *d);
    let sign = if direction == Some(Direction::HigherIsBetter) {
        -1.0
    } else {
        1.0
    };
    let Some(difference) = effect.effect.difference else {
        return f64::NEG_INFINITY;
    };
    let margin = effect.effect.margin.filter(|m| *m > 0.0).unwrap_or(1.0);
    let class = match effect.effect.verdict {
        Verdict::Worse if effect.p_holm < 0.05 => 2e6,
        Verdict::Worse => 1e6,
        Verdict::NoData => -1e6,
        _ => 0.0,
    };
    class + (sign * difference.value / margin).clamp(-1e5, 1e5)
}
