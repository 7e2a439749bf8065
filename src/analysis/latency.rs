//! The distribution of latencies, successful requests only: failures answer at once or time out,
//! and either would hide what users wait for.

use rayon::prelude::*;

use super::effect::Inference;
use super::model::{InferenceUnit, LatencyArm, LatencyPanel, QuantileDifferences, QuantileValue};
use super::ordered::{Answered, Latencies, Ordered};
use crate::data::{Numbers, Outcome, Quantity, RequestLog};
use crate::error::Result;
use crate::jobs::Progress;
use crate::stats::{Ascending as _, Estimate, quantile, quantile_difference};

/// Histogram bins over the whole range, equal on a logarithmic axis.
const BINS: usize = 60;
/// Points of an empirical distribution.
const ECDF_POINTS: usize = 200;
/// Quantiles in the table.
const TABLE_QUANTILES: [f64; 6] = [0.25, 0.50, 0.75, 0.90, 0.95, 0.99];
/// Quantiles at which arms are compared, those of the table among them.
pub(super) const DIFFERENCE_QUANTILES: [f64; 15] = [
    0.05, 0.10, 0.20, 0.25, 0.30, 0.40, 0.50, 0.60, 0.70, 0.75, 0.80, 0.90, 0.95, 0.97, 0.99,
];

/// Latencies with their names.
pub(super) const LATENCIES: [(Quantity, &str); 2] = [
    (Quantity::LatencyMs, "End-to-end latency"),
    (Quantity::TtftMs, "Time to first token"),
];

/// Answered requests of one arm.
pub(super) struct Shown<'a> {
    ordered: &'a Ordered<'a>,
    /// At [`DIFFERENCE_QUANTILES`].
    estimates: Vec<Option<Estimate>>,
    n_not_positive: u64,
}

impl<'a> Shown<'a> {
    /// Of observations that were asked for [`DIFFERENCE_QUANTILES`].
    pub(super) fn new(
        ordered: &'a Ordered<'a>,
        n_not_positive: u64,
        inference: Inference<'_>,
    ) -> Self {
        let estimate = |q: &f64| match inference.unit {
            InferenceUnit::Unit => ordered.by_unit(*q, inference.level),
            InferenceUnit::Request => ordered.by_request(*q, inference.level),
        };
        Self {
            estimates: DIFFERENCE_QUANTILES.iter().map(estimate).collect(),
            ordered,
            n_not_positive,
        }
    }
}

/// One panel per latency-like quantity that the log has.
pub(super) fn panels(
    log: &RequestLog,
    (rows, latencies): (&[Vec<u32>], &Latencies<'_>),
    control: usize,
    inference: Inference<'_>,
    progress: &Progress,
) -> Result<Vec<LatencyPanel>> {
    let mut panels = Vec::new();
    for (quantity, label) in LATENCIES {
        let known = log.quantity(quantity).zip(latencies.arms(quantity));
        let Some((values, answered)) = known else {
            continue;
        };
        progress.check()?;
        let arms: Vec<Shown<'_>> = rows
            .par_iter()
            .zip(answered)
            .map(|(rows, answered)| shown(log, values, (rows, answered), inference))
            .collect();
        progress.check()?;
        panels.extend(panel((quantity, label), &arms, control));
    }
    Ok(panels)
}

/// One quantity of all arms; `None` where no answered request has it.
pub(super) fn panel(
    (quantity, label): (Quantity, &str),
    arms: &[Shown<'_>],
    control: usize,
) -> Option<LatencyPanel> {
    let end = |arm: &Shown<'_>, q: f64| quantile(&arm.ordered.counts, q);
    let low = arms
        .iter()
        .filter_map(|arm| end(arm, 0.0))
        .fold(f64::INFINITY, f64::min);
    let high = arms
        .iter()
        .filter_map(|arm| end(arm, 1.0))
        .fold(0.0, f64::max);
    if low > high {
        return None;
    }
    let edges_ms = edges(low, high);
    let difference = |arm: usize, q: f64| {
        let (a, b) = (estimate(&arms[control], q)?, estimate(&arms[arm], q)?);
        let estimate = quantile_difference(&a, &b)?;
        Some(QuantileValue { q, estimate })
    };
    let others = (0..arms.len()).filter(|arm| *arm != control);
    let differences = others.map(|arm| QuantileDifferences {
        arm,
        points: DIFFERENCE_QUANTILES
            .iter()
            .filter_map(|q| difference(arm, *q))
            .collect(),
    });
    Some(LatencyPanel {
        quantity,
        label: label.to_owned(),
        arms: arms
            .iter()
            .enumerate()
            .map(|(arm, shown)| describe(arm, shown, &edges_ms))
            .collect(),
        differences: differences.collect(),
        edges_ms,
    })
}

fn shown<'a>(
    log: &RequestLog,
    values: &Numbers,
    (rows, answered): (&[u32], &'a Answered<'a>),
    inference: Inference<'_>,
) -> Shown<'a> {
    // Most logs have no such value, and then their table has none.
    let first_positive = values.table().partition_point(|v| *v <= 0.0);
    let is_not_positive = |row: &&u32| {
        let row = **row as usize;
        values.code(row) < first_positive && log.outcome[row] == Outcome::Ok
    };
    let n_not_positive = match first_positive {
        0 => 0,
        _ => rows.iter().filter(is_not_positive).count() as u64,
    };
    Shown::new(&answered.ordered, n_not_positive, inference)
}

fn describe(arm: usize, shown: &Shown<'_>, edges_ms: &[f64]) -> LatencyArm {
    let counts = &shown.ordered.counts;
    let moments = &shown.ordered.moments;
    let below = |edge: f64| counts.n_less(edge) as u64;
    let last = edges_ms.len() - 1;
    // The last bin holds its upper edge, the largest value.
    let count = |i: usize| {
        if i + 1 == last {
            counts.n() as u64 - below(edges_ms[i])
        } else {
            below(edges_ms[i + 1]) - below(edges_ms[i])
        }
    };
    let quantiles = TABLE_QUANTILES.iter().filter_map(|&q| {
        Some(QuantileValue {
            q,
            estimate: estimate(shown, q)?,
        })
    });
    let ecdf = (0..=ECDF_POINTS).filter_map(|i| {
        let q = i as f64 / ECDF_POINTS as f64;
        Some((quantile(counts, q)?, q))
    });
    LatencyArm {
        arm,
        n: counts.n() as u64,
        n_not_positive: shown.n_not_positive,
        mean_ms: moments.mean,
        sd_ms: moments.standard_deviation().unwrap_or(0.0),
        counts: (0..last).map(count).collect(),
        quantiles: quantiles.collect(),
        ecdf: ecdf.collect(),
    }
}

fn estimate(shown: &Shown<'_>, q: f64) -> Option<Estimate> {
    let at = DIFFERENCE_QUANTILES.iter().position(|known| *known == q)?;
    shown.estimates[at]
}

/// Equal steps of the logarithm from just below the smallest to the largest value.
fn edges(low: f64, high: f64) -> Vec<f64> {
    let (from, to) = (
        low.ln(),
        if high > low {
            high.ln()
        } else {
            low.ln() + 0.1
        },
    );
    let mut edges: Vec<f64> = (0..=BINS)
        .map(|i| (from + (to - from) * i as f64 / BINS as f64).exp())
        .collect();
    edges[0] = low;
    edges
}
