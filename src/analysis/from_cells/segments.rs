//! The treatment's effect and every arm within every segment value, from cells.

use std::cmp::Reverse;

use rayon::prelude::*;

use super::super::metrics::Metric;
use super::super::model::{ArmSummary, ScorecardRow, SegmentArms, SegmentColumn, SegmentEffect};
use super::super::segment_arms::{BySegment, OfValue, deciding, is_large, of_column, told};
use super::super::segments::of_value;
use super::super::settings::AnalysisSettings;
use super::super::{segment_arms, segment_harm, spread};
use super::carried::tell_carried;
use super::compare::{Basis, PlaceFigures};
use crate::cells::Place;
use crate::error::Result;
use crate::jobs::Progress;

/// Where the whole log or one place of it is looked at: the place, control and treatment, settings.
type Looked<'a> = (usize, (usize, Option<usize>), &'a AnalysisSettings);

/// All that is known by segment, and whether it was left open which value carries a harm. Cells are split by
/// one column at a time, so that a place other than the whole log has none.
pub(super) fn all(
    basis: &Basis<'_>,
    (metrics, scorecard): (&[Metric], &[ScorecardRow]),
    arms: &[ArmSummary],
    (root, (control, treatment), settings): Looked<'_>,
    progress: &Progress,
) -> Result<(BySegment, bool)> {
    let mut found = BySegment::default();
    let Some(treatment) = treatment.filter(|_| root == 0) else {
        return Ok((found, false));
    };
    let compared = (control, Some(treatment));
    let shown = segment_arms::shown(arms, compared);
    found.arms = every_arm(basis, metrics, &shown, progress)?;
    let others = segment_arms::others(arms, compared);
    let others = self::others(basis, metrics, (control, &others), progress)?;
    found.others = segment_arms::conclude(others, scorecard, settings);
    let compared = (control, treatment);
    (found.effects, found.columns) = by_segment(basis, &told(metrics), compared, progress)?;
    segment_harm::conclude(&mut found.effects, scorecard, treatment, settings);
    found.spread = spread::spreads(&found.effects, scorecard, treatment, settings);
    let (spreads, overall) = (found.spread.as_slice(), (scorecard, treatment));
    let alpha = 1.0 - settings.level;
    segment_harm::leave_out_repeats(&mut found.effects, spreads, overall, alpha);
    let told = (scorecard, spreads);
    let is_open = tell_carried(basis, metrics, compared, told, &mut found.effects, progress)?;
    Ok((found, is_open))
}

/// Effects within the values of each segment column, neither corrected nor ordered, and how much of each
/// column they cover.
fn by_segment(
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
fn others(
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
fn every_arm(
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
