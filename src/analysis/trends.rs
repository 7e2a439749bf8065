//! Metrics per time bucket and arm, with pointwise intervals. Requests are taken as independent
//! within a bucket: the intervals show noise, the scorecard carries the inference.

use std::ops::Range;

use rayon::prelude::*;

use super::metrics::{Kind, Metric};
use super::model::{TrendArm, TrendPoint, TrendSeries, Trends};
use crate::data::{Quantity, RequestLog, TimeBuckets};
use crate::error::Result;
use crate::jobs::Progress;
use crate::stats::{
    Ascending as _, Counts, Estimate, Moments, Share, mean_estimate, quantile_estimate,
};
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
    let stretches = buckets.stretches(log);
    let read = |stretch: &Range<usize>| {
        progress.check()?;
        Ok(points(log, metrics, stretch.clone(), level))
    };
    let points = stretches.par_iter().map(read).collect::<Result<Vec<_>>>()?;
    Ok(Some(of_points(&buckets, metrics, &points)))
}

/// Buckets over a log with these first and last event times.
pub(super) fn buckets_over(first_us: i64, last_us: i64) -> TimeBuckets {
    TimeBuckets::between(first_us, last_us, MAX_BUCKETS)
}

/// The series of what is known by bucket and arm.
pub(super) fn of_points(
    buckets: &TimeBuckets,
    metrics: &[Metric],
    points: &[Vec<Bucket>],
) -> Trends {
    let n_arms = points.first().map_or(0, Vec::len);
    let share = |bucket: &Vec<Bucket>, arm: usize| {
        let n: u64 = bucket.iter().map(|of_arm| of_arm.n).sum();
        (n > 0).then(|| bucket[arm].n as f64 / n as f64)
    };
    let arms = (0..n_arms).map(|arm| TrendArm {
        arm,
        n_requests: points.iter().map(|bucket| bucket[arm].n).collect(),
        share: points.iter().map(|bucket| share(bucket, arm)).collect(),
        series: metrics
            .iter()
            .enumerate()
            .map(|(i, metric)| TrendSeries {
                id: metric.id.clone(),
                label: metric.label.clone(),
                form: metric.form,
                points: points.iter().map(|bucket| bucket[arm].points[i]).collect(),
            })
            .collect(),
    });
    let arms = arms.collect();
    let starts_us = (0..buckets.n_buckets)
        .map(|b| buckets.start_us(b))
        .collect();
    Trends {
        width_us: buckets.width_us,
        starts_us,
        arms,
    }
}

/// One arm in one bucket.
pub(super) struct Bucket {
    pub(super) n: u64,
    /// By metric.
    pub(super) points: Vec<Option<TrendPoint>>,
}

/// All arms in a stretch of rows.
fn points(log: &RequestLog, metrics: &[Metric], stretch: Range<usize>, level: f64) -> Vec<Bucket> {
    let mut rows = vec![Vec::new(); log.arms.len()];
    for (row, arm) in stretch.clone().zip(&log.arm[stretch]) {
        rows[usize::from(*arm)].push(row as u32);
    }
    let of_arm = |rows: &Vec<u32>| {
        // Quantiles of one quantity share its counts.
        let mut counted: Option<(Quantity, Counts<'_>)> = None;
        let of_metric = |metric: &Metric| {
            let Kind::Quantile(quantity, q) = metric.kind else {
                return point(metric, &metric.values(log, rows), level);
            };
            if counted.as_ref().is_none_or(|(known, _)| *known != quantity) {
                counted = Some((quantity, metric.counts(log, rows)));
            }
            let (_, counts) = counted.as_ref()?;
            quantile_point(counts, (q, 0.0), level)
        };
        Bucket {
            n: rows.len() as u64,
            points: metrics.iter().map(of_metric).collect(),
        }
    };
    rows.iter().map(of_arm).collect()
}

/// A share or a mean of some values.
fn point(metric: &Metric, values: &[f64], level: f64) -> Option<TrendPoint> {
    match metric.kind {
        Kind::ErrorShare | Kind::RatedShare => {
            let events = values.iter().filter(|v| **v == 1.0).count() as u64;
            let n = values.len() as u64;
            share_point(Share { events, n }, level)
        }
        Kind::Mean(_) | Kind::Quantile(..) => mean_point(&Moments::from_slice(values), level),
    }
}

/// A share.
pub(super) fn share_point(share: Share, level: f64) -> Option<TrendPoint> {
    Some(as_point(share.wilson(level)?, share.n))
}

/// A mean; a single value has no interval.
pub(super) fn mean_point(moments: &Moments, level: f64) -> Option<TrendPoint> {
    let n = moments.n;
    let value = (n == 1).then_some(TrendPoint {
        value: moments.mean,
        interval: None,
        n,
    });
    mean_estimate(moments, level)
        .map(|e| TrendPoint {
            value: e.value,
            interval: Some(e.interval),
            n,
        })
        .or(value)
}

/// A quantile of values that are known to a relative error.
pub(super) fn quantile_point(
    counts: &Counts<'_>,
    (q, known_to): (f64, f64),
    level: f64,
) -> Option<TrendPoint> {
    let estimate = quantile_estimate(counts, q, level)?.known_to(known_to);
    Some(as_point(estimate, counts.n() as u64))
}

/// An interval with an open end is not drawn.
fn as_point(estimate: Estimate, n: u64) -> TrendPoint {
    let is_finite = estimate.interval.lower.is_finite() && estimate.interval.upper.is_finite();
    TrendPoint {
        value: estimate.value,
        interval: is_finite.then_some(estimate.interval),
        n,
    }
}
