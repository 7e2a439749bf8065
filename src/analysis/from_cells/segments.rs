//! The treatment's effect and every arm within every segment value, from cells.

use std::cmp::Reverse;

use rayon::prelude::*;

use super::super::metrics::Metric;
use super::super::model::{SegmentArms, SegmentColumn, SegmentEffect};
use super::super::segment_arms::{OfValue, deciding, is_large, of_column, told};
use super::super::segments::of_value;
use super::compare::{Basis, PlaceFigures};
use crate::cells::Place;
use crate::error::Result;
use crate::jobs::Progress;

/// Effects within the values of each segment column, neither corrected nor ordered, and how much of each
/// column they cover.
pub(super) fn by_segment(
    basis: &Basis<'_>,
    metrics: &[&Metric],
    compared: (usize, usize),
    progress: &Progress,
) -> Result<(Vec<SegmentEffect>, Vec<SegmentColumn>)> {
    let (mut effects, mut columns) = (Vec::new(), Vec::new());
    let places = segment_places(basis);
    for column in places.chunk_by(|a, b| a.1.segment == b.1.segment) {
        let all = figures(basis, column);
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
            Ok(metrics.iter().map(of_metric).collect())
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

/// The same as [`by_segment`] for each of the other arms, on metrics that decide.
pub(super) fn others(
    basis: &Basis<'_>,
    metrics: &[Metric],
    (control, others): (usize, &[usize]),
    progress: &Progress,
) -> Result<Vec<Vec<SegmentEffect>>> {
    let metrics = deciding(metrics);
    let of_arm = |arm: &usize| Ok(by_segment(basis, &metrics, (control, *arm), progress)?.0);
    others.iter().map(of_arm).collect()
}

/// What the arms shown show within each value of each segment column.
pub(super) fn every_arm(
    basis: &Basis<'_>,
    metrics: &[Metric],
    arms: &[usize],
    progress: &Progress,
) -> Result<Vec<SegmentArms>> {
    let mut out = Vec::new();
    if arms.is_empty() {
        return Ok(out);
    }
    let told = told(metrics);
    for column in segment_places(basis).chunk_by(|a, b| a.1.segment == b.1.segment) {
        progress.check()?;
        let all = figures(basis, column);
        let size = |figures: &PlaceFigures| {
            let of_arm = |arm: &usize| figures.whole[*arm].n_requests as usize;
            arms.iter().map(of_arm).collect::<Vec<_>>()
        };
        let n_values = all
            .iter()
            .filter(|(f, _)| size(f).iter().any(|n| *n > 0))
            .count();
        let mut values: Vec<&(PlaceFigures, &Place)> =
            all.iter().filter(|(f, _)| is_large(size(f))).collect();
        values.sort_by_key(|(figures, _)| Reverse(size(figures).iter().sum::<usize>()));
        values.truncate(SegmentEffect::MAX_VALUES);
        let n_left_out = (n_values - values.len()) as u64;
        let of_value = |(figures, place): &&(PlaceFigures, &Place)| {
            let of_metric = |metric: &&Metric| figures.values(basis, metric, arms);
            OfValue {
                value: place.value.clone(),
                n_requests: size(figures).into_iter().map(|n| n as u64).collect(),
                of_metrics: told.iter().map(of_metric).collect(),
            }
        };
        let values = values.par_iter().map(of_value).collect();
        out.extend(of_column(&column[0].1.segment, &told, values, n_left_out));
    }
    Ok(out)
}

/// The values of segment columns, column by column.
fn segment_places<'a>(basis: &Basis<'a>) -> Vec<(usize, &'a Place)> {
    basis.cells.places.iter().enumerate().skip(1).collect()
}

/// The figures of some places.
fn figures<'a>(basis: &Basis<'_>, column: &[(usize, &'a Place)]) -> Vec<(PlaceFigures, &'a Place)> {
    let of_place = |(place, name): &(usize, &'a Place)| (PlaceFigures::of(basis, *place), *name);
    column.par_iter().map(of_place).collect()
}
