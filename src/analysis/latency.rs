//! The distribution of latencies, successful requests only: failures answer at once or time out,
//! and either would hide what users wait for.

use rayon::prelude::*;

use super::effect::Inference;
use super::metrics::Observations;
use super::model::{InferenceUnit, LatencyArm, LatencyPanel, QuantileDifferences, QuantileValue};
use super::ordered::Ordered;
use crate::data::{Numbers, Outcome, Quantity, RequestLog};
use crate::error::Result;
use crate::jobs::Progress;
use crate::stats::{Estimate, Moments, quantile, quantile_difference};

/// Histogram bins over the whole range, equal on a logarithmic axis.
const BINS: usize = 60;
/// Points of an empirical distribution.
const ECDF_POINTS: usize = 200;
/// Quantiles in the table.
const TABLE_QUANTILES: [f64; 6] = [0.25, 0.50, 0.75, 0.90, 0.95, 0.99];
/// Quantiles at which arms are compared, those of the table among them.
const DIFFERENCE_QUANTILES: [f64; 15] = [
    0.05, 0.10, 0.20, 0.25, 0.30, 0.40, 0.50, 0.60, 0.70, 0.75, 0.80, 0.90, 0.95, 0.97, 0.99,
];

/// Answered requests of one arm, ascending.
struct Sorted {
    values: Vec<f64>,
    /// At [`DIFFERENCE_QUANTILES`].
    estimates: Vec<Option<Estimate>>,
    n_not_positive: u64,
}

/// One panel per latency-like quantity that the log has.
pub(super) fn panels(
    log: &RequestLog,
    rows: &[Vec<u32>],
    control: usize,
    inference: Inference<'_>,
    progress: &Progress,
) -> Result<Vec<LatencyPanel>> {
    let mut panels = Vec::new();
    for (quantity, label) in [
        (Quantity::LatencyMs, "End-to-end latency"),
        (Quantity::TtftMs, "Time to first token"),
    ] {
        let Some(values) = log.quantity(quantity) else {
            continue;
        };
        progress.check()?;
        let arms: Vec<Sorted> = rows
            .par_iter()
            .map(|rows| sorted(log, values, rows, inference))
            .collect();
        progress.check()?;
        let low = arms
            .iter()
            .filter_map(|a| a.values.first())
            .copied()
            .fold(f64::INFINITY, f64::min);
        let high = arms
            .iter()
            .filter_map(|a| a.values.last())
            .copied()
            .fold(0.0, f64::max);
        if low > high {
            continue; // no answered request has this latency
        }
        let edges_ms = edges(low, high);
        let mut differences = Vec::new();
        for arm in (0..arms.len()).filter(|arm| *arm != control) {
            progress.check()?;
            let points = DIFFERENCE_QUANTILES.iter().filter_map(|&q| {
                let estimate =
                    quantile_difference(&estimate(&arms[control], q)?, &estimate(&arms[arm], q)?)?;
                Some(QuantileValue { q, estimate })
            });
            differences.push(QuantileDifferences {
                arm,
                points: points.collect(),
            });
        }
        panels.push(LatencyPanel {
            quantity,
            label: label.to_owned(),
            arms: arms
                .iter()
                .enumerate()
                .map(|(arm, sorted)| describe(arm, sorted, &edges_ms))
                .collect(),
            differences,
            edges_ms,
        });
    }
    Ok(panels)
}

fn sorted(log: &RequestLog, values: &Numbers, rows: &[u32], inference: Inference<'_>) -> Sorted {
    let by_unit = inference.unit == InferenceUnit::Unit;
    let clusters = log.units.as_ref().filter(|_| by_unit);
    let (mut kept, mut units) = (Vec::new(), Vec::new());
    let mut n_not_positive = 0;
    for row in rows
        .iter()
        .map(|r| *r as usize)
        .filter(|r| log.outcome[*r] == Outcome::Ok)
    {
        if values[row] > 0.0 {
            kept.push(values[row]);
            units.extend(clusters.map(|units| units.of_row(row)));
        } else if values[row] <= 0.0 {
            n_not_positive += 1;
        }
    }
    let ordered = Ordered::of(Observations {
        values: kept,
        units,
    });
    Sorted {
        estimates: ordered.quantiles(&DIFFERENCE_QUANTILES, inference.level),
        values: ordered.values,
        n_not_positive,
    }
}

fn describe(arm: usize, sorted: &Sorted, edges_ms: &[f64]) -> LatencyArm {
    let moments = Moments::from_slice(&sorted.values);
    let below = |edge: f64| sorted.values.partition_point(|v| *v < edge) as u64;
    let last = edges_ms.len() - 1;
    // The last bin holds its upper edge, the largest value.
    let count = |i: usize| {
        if i + 1 == last {
            sorted.values.len() as u64 - below(edges_ms[i])
        } else {
            below(edges_ms[i + 1]) - below(edges_ms[i])
        }
    };
    let quantiles = TABLE_QUANTILES.iter().filter_map(|&q| {
        Some(QuantileValue {
            q,
            estimate: estimate(sorted, q)?,
        })
    });
    let ecdf = (0..=ECDF_POINTS).filter_map(|i| {
        let q = i as f64 / ECDF_POINTS as f64;
        Some((quantile(&sorted.values, q)?, q))
    });
    LatencyArm {
        arm,
        n: sorted.values.len() as u64,
        n_not_positive: sorted.n_not_positive,
        mean_ms: moments.mean,
        sd_ms: moments.standard_deviation().unwrap_or(0.0),
        counts: (0..last).map(count).collect(),
        quantiles: quantiles.collect(),
        ecdf: ecdf.collect(),
    }
}

fn estimate(sorted: &Sorted, q: f64) -> Option<Estimate> {
    let at = DIFFERENCE_QUANTILES.iter().position(|known| *known == q)?;
    sorted.estimates[at]
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
