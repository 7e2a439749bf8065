//! Metrics per time bucket and arm, from cells.

use super::super::cell_stages::{aligned, joined};
use super::super::metrics::{Kind, Metric};
use super::super::model::{TrendPoint, Trends};
use super::super::trends::{
    Bucket, buckets_over, mean_point, of_points, quantile_point, share_point,
};
use super::compare::Basis;
use super::figures::{Figures, of_place};
use crate::cells::bins;
use crate::stats::Share;

/// All metrics of all arms over time, in buckets that hold whole stretches of cells; `None` for a log
/// without times.
pub(super) fn trends(basis: &Basis<'_>, metrics: &[Metric], place: usize) -> Option<Trends> {
    let cells = basis.cells;
    let spans = of_place(&cells.cells, place).map(|cell| cell.span_us);
    let (first_us, last_us) = spans.fold(None, joined)?;
    let buckets = aligned(buckets_over(first_us, last_us), cells, last_us);
    let figures = Figures::of(
        &cells.cells,
        (place, cells.arms.len()),
        buckets.n_buckets,
        |time| Some(buckets.index(time)),
    );
    let points: Vec<Vec<Bucket>> = (0..buckets.n_buckets)
        .map(|bucket| {
            let arms = figures.iter().map(|of_arm| Bucket {
                n: of_arm[bucket].n_requests,
                points: metrics
                    .iter()
                    .map(|metric| point(basis, metric, &of_arm[bucket]))
                    .collect(),
            });
            arms.collect()
        })
        .collect();
    Some(of_points(&buckets, metrics, &points))
}

fn point(basis: &Basis<'_>, metric: &Metric, figures: &Figures) -> Option<TrendPoint> {
    let level = basis.inference.level;
    match metric.kind {
        Kind::Quantile(quantity, q) => {
            let counts = figures.counts(quantity, &basis.table.values);
            quantile_point(&counts, (q, bins::ALPHA), level)
        }
        Kind::ErrorShare | Kind::RatedShare => {
            let observed = figures.observed(metric);
            let (events, n) = (observed.n_events?, observed.moments.n);
            share_point(Share { events, n }, level)
        }
        Kind::Mean(_) => mean_point(&figures.observed(metric).moments, level),
    }
}
