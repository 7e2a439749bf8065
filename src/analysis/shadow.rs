//! A shadow test: the same request answered by both arms, so that each pair is compared with itself.

use super::effect::Inference;
use super::metrics::Kind;
use super::metrics::Metric;
use super::model::{
    InferenceUnit, PairedErrors, PairedMetric, ShadowFinding, ShadowLoad, Strategy, StrategyFinding,
};
use crate::cells::needs_answer;
use crate::data::{Outcome, Quantity, RequestIds, RequestLog};
use crate::stats::{
    McNemarForm, Moments, PValue, PairedCounts, RatioMoments, mcnemar, paired_from_moments,
    signed_rank,
};
use crate::units::ValueForm;

/// Pairs by request id with what was left over.
struct Pairs {
    /// Row of the control, row of the treatment.
    rows: Vec<(u32, u32)>,
    n_unpaired: (u64, u64),
    n_repeats: u64,
}

/// The paired comparison; `None` unless the rollout was a shadow test of two arms with request ids.
pub(super) fn find(
    log: &RequestLog,
    metrics: &[Metric],
    (control, treatment): (usize, Option<usize>),
    strategy: &StrategyFinding,
    inference: Inference<'_>,
) -> Option<ShadowFinding> {
    let ids = log.request_id.as_ref()?;
    let treatment = treatment.filter(|_| strategy.strategy == Strategy::Shadow)?;
    let pairs = pairs(log, ids, control, treatment);
    let mut paired = Vec::new();
    for metric in metrics {
        let form = metric.form;
        let (id, label) = (metric.id.as_str(), metric.label.as_str());
        paired.extend(match metric.kind {
            Kind::ErrorShare => compare(log, &pairs, (id, label, form), inference, |row| {
                let outcome = log.outcome[row];
                outcome
                    .is_counted()
                    .then(|| f64::from(u8::from(outcome.is_error())))
            }),
            // One mean per latency, where the scorecard has quantiles: pairs have no quantiles.
            Kind::Quantile(quantity, 0.5) => {
                let (id, label) = match quantity {
                    Quantity::TtftMs => ("ttft_mean", "Time to first token, mean"),
                    _ => ("latency_mean", "Latency, mean"),
                };
                let values = log.quantity(quantity)?;
                compare(log, &pairs, (id, label, form), inference, |row| {
                    Some(values[row]).filter(|ms| log.outcome[row] == Outcome::Ok && *ms > 0.0)
                })
            }
            // Whoever rates has seen one answer: ratings have no pairs.
            Kind::Mean(quantity) if quantity != Quantity::Rating => {
                let values = log.quantity(quantity)?;
                // An answer that failed is none, whatever length the log gives it.
                let counts =
                    |row: usize| !needs_answer(quantity) || log.outcome[row] == Outcome::Ok;
                compare(log, &pairs, (id, label, form), inference, |row| {
                    Some(values[row]).filter(|value| !value.is_nan() && counts(row))
                })
            }
            _ => None,
        });
    }
    Some(ShadowFinding {
        n_pairs: pairs.rows.len() as u64,
        n_unpaired: pairs.n_unpaired,
        n_repeats: pairs.n_repeats,
        metrics: paired,
        errors: errors(log, &pairs, inference.level),
        load: load(log, control, treatment),
    })
}

/// Pairs requests by id; of several rows of one arm with one id the last, which is what was served.
fn pairs(log: &RequestLog, ids: &RequestIds, control: usize, treatment: usize) -> Pairs {
    let mut n_alone = [0u64; 2];
    let mut shared: Vec<(u32, u8, u32)> = Vec::new();
    for row in 0..log.n_rows() {
        let side = match usize::from(log.arm[row]) {
            arm if arm == control => 0,
            arm if arm == treatment => 1,
            _ => continue,
        };
        match ids.of_row(row) {
            RequestIds::NONE | RequestIds::ONCE => n_alone[usize::from(side)] += 1,
            id => shared.push((id, side, row as u32)),
        }
    }
    shared.sort_unstable();
    let mut pairs = Pairs {
        rows: Vec::new(),
        n_unpaired: (0, 0),
        n_repeats: 0,
    };
    for group in shared.chunk_by(|a, b| a.0 == b.0) {
        let n_control = group.partition_point(|row| row.1 == 0);
        let (of_control, of_treatment) = group.split_at(n_control);
        let sides = [of_control, of_treatment];
        pairs.n_repeats += sides
            .iter()
            .map(|s| s.len().saturating_sub(1) as u64)
            .sum::<u64>();
        match (of_control.last(), of_treatment.last()) {
            (Some(a), Some(b)) => pairs.rows.push((a.2, b.2)),
            (Some(_), None) => n_alone[0] += 1,
            _ => n_alone[1] += 1,
        }
    }
    pairs.n_unpaired = (n_alone[0], n_alone[1]);
    pairs
}

/// Paired differences of one value; by user where the log names users, unless chosen otherwise.
fn compare(
    log: &RequestLog,
    pairs: &Pairs,
    (id, label, form): (&str, &str, ValueForm),
    inference: Inference<'_>,
    value: impl Fn(usize) -> Option<f64>,
) -> Option<PairedMetric> {
    let level = inference.level;
    let (mut a, mut b, mut differences) = (Moments::default(), Moments::default(), Vec::new());
    let n_units = log.units.as_ref().map_or(0, |units| units.n_units as usize);
    let mut by_unit = vec![(0.0, 0u32); n_units];
    let mut rest = RatioMoments::default();
    for (row_a, row_b) in &pairs.rows {
        let (row_a, row_b) = (*row_a as usize, *row_b as usize);
        let (Some(x), Some(y)) = (value(row_a), value(row_b)) else {
            continue;
        };
        a.push(x);
        b.push(y);
        differences.push(y - x);
        if let Some(units) = &log.units {
            match by_unit.get_mut(units.id[row_a] as usize) {
                Some(sums) => *sums = (sums.0 + y - x, sums.1 + 1),
                None => rest.push(y - x, 1.0),
            }
        }
    }
    if differences.len() < 2 {
        return None;
    }
    let by_request = paired_from_moments(&Moments::from_slice(&differences), level);
    for (sum, n) in by_unit.into_iter().filter(|(_, n)| *n > 0) {
        rest.push(sum, f64::from(n));
    }
    let by_unit = log.units.as_ref().and_then(|_| {
        // The mean over users' pairs with the variance of the delta method, as a one-sample t test.
        let moments = Moments {
            n: rest.units,
            mean: rest.ratio()?,
            mean_rest: 0.0,
            m2: rest.linearised_variance()? * (rest.units - 1) as f64,
        };
        paired_from_moments(&moments, level)
    });
    let has_units = log.units.is_some() && inference.unit == InferenceUnit::Unit;
    let main = if has_units { by_unit } else { by_request };
    Some(PairedMetric {
        metric: id.to_owned(),
        label: label.to_owned(),
        form,
        unit: if has_units {
            InferenceUnit::Unit
        } else {
            InferenceUnit::Request
        },
        n_pairs: differences.len() as u64,
        control: a.mean,
        treatment: b.mean,
        difference: main.map(|found| found.difference),
        test: main.map(|found| found.test),
        by_request: by_request.filter(|_| has_units).map(|found| found.test),
        signed_rank: signed_rank(&differences, PValue::Automatic).map(|found| found.test),
    })
}

/// Failures pair by pair.
fn errors(log: &RequestLog, pairs: &Pairs, level: f64) -> Option<PairedErrors> {
    if !log.has_outcome {
        return None;
    }
    let mut counts = PairedCounts {
        both: 0,
        only_control: 0,
        only_treatment: 0,
        neither: 0,
    };
    for (a, b) in &pairs.rows {
        let (a, b) = (log.outcome[*a as usize], log.outcome[*b as usize]);
        if !(a.is_counted() && b.is_counted()) {
            continue;
        }
        *match (a.is_error(), b.is_error()) {
            (true, true) => &mut counts.both,
            (true, false) => &mut counts.only_control,
            (false, true) => &mut counts.only_treatment,
            (false, false) => &mut counts.neither,
        } += 1;
    }
    let n = counts.n().filter(|n| *n > 0)?;
    Some(PairedErrors {
        counts,
        agreement: (counts.both + counts.neither) as f64 / n as f64,
        difference: counts.difference(level),
        test: mcnemar(
            counts.only_control,
            counts.only_treatment,
            McNemarForm::MidP,
        ),
    })
}

/// What the shadow took on top of what users were served.
fn load(log: &RequestLog, control: usize, treatment: usize) -> Vec<ShadowLoad> {
    let mut load = vec![ShadowLoad {
        label: "Requests".to_owned(),
        control: log.rows_of_arm(control).count() as f64,
        treatment: log.rows_of_arm(treatment).count() as f64,
    }];
    for (quantity, label) in [
        (Quantity::TokensIn, "Prompt tokens"),
        (Quantity::TokensOut, "Completion tokens"),
        (Quantity::Cost, "Cost"),
    ] {
        let Some(values) = log.quantity(quantity) else {
            continue;
        };
        let sum = |arm: usize| -> f64 {
            let values = log.rows_of_arm(arm).map(|row| values[row]);
            values.filter(|value| !value.is_nan()).sum()
        };
        load.push(ShadowLoad {
            label: label.to_owned(),
            control: sum(control),
            treatment: sum(treatment),
        });
    }
    load
}
