//! The treatment's effect within every segment value, from cells.

use std::cmp::Reverse;

use rayon::prelude::*;

use super::super::metrics::Metric;
use super::super::model::{MetricRole, SegmentColumn, SegmentEffect};
use super::super::segments::of_value;
use super::compare::{Basis, PlaceFigures};
use crate::cells::Place;
use crate::error::Result;
use crate::jobs::Progress;

/// Effects within the values of each segment column, neither corrected nor ordered, and how much of each
/// column they cover.
pub(super) fn by_segment(
    basis: &Basis<'_>,
    metrics: &[Metric],
    compared: (usize, usize),
    progress: &Progress,
) -> Result<(Vec<SegmentEffect>, Vec<SegmentColumn>)> {
    let (mut effects, mut columns) = (Vec::new(), Vec::new());
    let told: Vec<&Metric> = metrics
        .iter()
        .filter(|metric| metric.role != MetricRole::Ignored)
        .collect();
    let places: Vec<(usize, &Place)> = basis.cells.places.iter().enumerate().skip(1).collect();
    for column in places.chunk_by(|a, b| a.1.segment == b.1.segment) {
        let all: Vec<(PlaceFigures, &Place)> = column
            .par_iter()
            .map(|(place, name)| (PlaceFigures::of(basis, *place), *name))
            .collect();
        let size = |figures: &PlaceFigures| {
            <[usize; 2]>::from(compared).map(|arm| figures.whole[arm].n_requests)
        };
        let n_values = all.iter().filter(|(f, _)| size(f) != [0, 0]).count();
        let is_large = |(f, _): &&(PlaceFigures, &Place)| {
            size(f)
                .iter()
                .all(|n| *n >= SegmentEffect::MIN_REQUESTS as u64)
        };
        let mut values: Vec<&(PlaceFigures, &Place)> = all.iter().filter(is_large).collect();
        let n_large = values.len();
        values.sort_by_key(|(figures, _)| Reverse(size(figures).iter().sum::<u64>()));
        values.truncate(SegmentEffect::MAX_VALUES);
        let of_place = |(figures, place): &&(PlaceFigures, &Place)| -> Result<Vec<SegmentEffect>> {
            progress.check()?;
            let of_metric = |metric: &&Metric| {
                let (samples, effect) = figures.pair(basis, metric, compared);
                SegmentEffect {
                    segment: place.segment.clone(),
                    value: place.value.clone(),
                    ..of_value(metric, size(figures).into(), &samples, effect)
                }
            };
            Ok(told.iter().map(of_metric).collect())
        };
        let found = values
            .par_iter()
            .map(of_place)
            .collect::<Result<Vec<_>>>()?;
        effects.extend(found.into_iter().flatten());
        columns.push(SegmentColumn {
            segment: column[0].1.segment.clone(),
            n_values: n_values as u64,
            n_compared: values.len() as u64,
            n_too_small: (n_values - n_large) as u64,
            n_not_shown: (n_large - values.len()) as u64,
        });
    }
    Ok((effects, columns))
}
