//! Metrics per time bucket and arm, with pointwise intervals. Requests are taken as independent
//! within a bucket: the intervals show noise, the scorecard carries the inference.

use super::metrics::{Kind, Metric};
use super::model::{TrendArm, TrendPoint, TrendSeries, Trends};
use crate::data::{RequestLog, TimeBuckets};
use crate::error::Result;
use crate::jobs::Progress;
use crate::stats::{Estimate, Moments, Share, mean_estimate, quantile_estimate};
use crate::units::Clock;

/// Buckets over the log's span.
const MAX_BUCKETS: usize = 96;

/// All metrics of all arms over time; `None` for a log without times.
pub(super) fn trends(
    log: &RequestLog,
    metrics: &[Metric],
    level: f64,
    progress: &Progress,
) -> Result<Option<Trends>> {
    let Some(buckets) =
        TimeBuckets::over(log, MAX_BUCKETS).filter(|_| log.clock != Clock::RowOrder)
    else {
        return Ok(None);
    };
    let mut rows = vec![vec![Vec::new(); buckets.n_buckets]; log.arms.len()];
    for (row, event) in log.event_us.iter().enumerate() {
        rows[usize::from(log.arm[row])][buckets.index(*event)].push(row as u32);
    }
    let totals: Vec<u64> = (0..buckets.n_buckets)
        .map(|b| rows.iter().map(|arm| arm[b].len() as u64).sum())
        .collect();
    let mut arms = Vec::new();
    for (arm, rows) in rows.iter().enumerate() {
        let mut series = Vec::new();
        for metric in metrics {
            progress.check()?;
            series.push(TrendSeries {
                id: metric.id.clone(),
                label: metric.label.clone(),
                form: metric.form,
                points: rows
                    .iter()
                    .map(|rows| point(metric, log, rows, level))
                    .collect(),
            });
        }
        arms.push(TrendArm {
            arm,
            n_requests: rows.iter().map(|rows| rows.len() as u64).collect(),
            share: rows
                .iter()
                .zip(&totals)
                .map(|(rows, n)| (*n > 0).then(|| rows.len() as f64 / *n as f64))
                .collect(),
            series,
        });
    }
    let starts_us = (0..buckets.n_buckets)
        .map(|b| buckets.start_us(b))
        .collect();
    Ok(Some(Trends {
        width_us: buckets.width_us,
        starts_us,
        arms,
    }))
}

fn point(metric: &Metric, log: &RequestLog, rows: &[u32], level: f64) -> Option<TrendPoint> {
    let mut values = metric.observe(log, rows).values;
    let n = values.len() as u64;
    let estimate: Option<Estimate> = match metric.kind {
        Kind::ErrorShare | Kind::RatedShare => {
            let events = values.iter().filter(|v| **v == 1.0).count() as u64;
            Share { events, n }.wilson(level)
        }
        Kind::Quantile(_, q) => {
            values.sort_by(f64::total_cmp);
            quantile_estimate(&values, q, level)
        }
        Kind::Mean(_) => {
            let moments = Moments::from_slice(&values);
            let value = (n == 1).then_some(TrendPoint {
                value: moments.mean,
                interval: None,
                n,
            });
            return mean_estimate(&moments, level)
                .map(|e| TrendPoint {
                    value: e.value,
                    interval: Some(e.interval),
                    n,
                })
                .or(value);
        }
    };
    let estimate = estimate?;
    let is_finite = estimate.interval.lower.is_finite() && estimate.interval.upper.is_finite();
    Some(TrendPoint {
        value: estimate.value,
        interval: is_finite.then_some(estimate.interval),
        n,
    })
}
