//! What has to be known of a log's cells before users' totals can be added up: the stages within
//! which arms are compared, and the latencies whose shares are wanted by user.

use super::arms::choose;
use super::settings::AnalysisSettings;
use super::stages::{self, ArmCounts};
use super::strata::LONELY;
use crate::cells::{Cell, Cells, Measure, StageStart, UnitPlan, bins};
use crate::data::{Arm, Quantity, RequestLog};
use crate::error::Result;

/// Shares of the whole log's answered requests at whose latency users' shares are added up.
const THRESHOLDS: [f64; 6] = [0.25, 0.5, 0.75, 0.9, 0.95, 0.99];

/// The stages and thresholds of a log's cells.
///
/// Fails where the settings name an arm that the cells do not have.
pub fn unit_plan(cells: &Cells, settings: &AnalysisSettings) -> Result<UnitPlan> {
    Ok(UnitPlan {
        stages: stages_of(cells, settings)?,
        thresholds: thresholds(cells),
    })
}

/// Cells of the whole log that count requests, users, or whatever a measure says.
fn of_whole(cells: &Cells, measure: Measure) -> impl Iterator<Item = &Cell> {
    let is_whole = |cell: &&Cell| cells.places[cell.place as usize].segment.is_empty();
    let of_measure = cells
        .cells
        .iter()
        .filter(move |cell| cell.measure == measure);
    of_measure.filter(is_whole)
}

fn stages_of(cells: &Cells, settings: &AnalysisSettings) -> Result<Vec<StageStart>> {
    let mut sizes = vec![0; cells.arms.len()];
    let mut spans: Vec<Option<(i64, i64)>> = vec![None; cells.arms.len()];
    for cell in of_whole(cells, Measure::Requests) {
        let arm = usize::from(cell.arm);
        sizes[arm] += cell.n;
        spans[arm] = joined(spans[arm], cell.span_us);
    }
    let names = RequestLog {
        arms: cells
            .arms
            .iter()
            .map(|name| Arm { name: name.clone() })
            .collect(),
        ..RequestLog::default()
    };
    let (control, treatment) = choose(&names, &sizes, settings)?;
    let span = spans.iter().fold(None, |all, span| joined(all, *span));
    let Some((treatment, (first_us, last_us))) = treatment.zip(span) else {
        return Ok(Vec::new());
    };
    let Some(of_treatment) = spans[treatment] else {
        return Ok(Vec::new());
    };
    let compared = [control, treatment];
    let inferred = inferred(cells, compared, (first_us, last_us));
    let control_cells =
        || of_whole(cells, Measure::Requests).filter(|c| usize::from(c.arm) == control);
    let is_outside = |cell: &&Cell| {
        cell.span_us
            .is_some_and(|(from, to)| to < of_treatment.0 || from > of_treatment.1)
    };
    let n_lonely: u64 = control_cells().filter(is_outside).map(|cell| cell.n).sum();
    let is_lonely = n_lonely as f64 > LONELY * sizes[control] as f64;
    if inferred.len() < 2 && !is_lonely {
        return Ok(Vec::new());
    }
    let later = inferred.into_iter().skip(1);
    let mut bounds: Vec<i64> = later
        .chain([of_treatment.0, of_treatment.1 + 1])
        .filter(|us| *us > first_us && *us <= last_us)
        .collect();
    bounds.sort_unstable();
    bounds.dedup();
    let ends = bounds.iter().copied().chain([i64::MAX]);
    let starts: Vec<i64> = [first_us]
        .into_iter()
        .chain(bounds.iter().copied())
        .collect();
    let stage = |(from_us, to_us): (i64, i64)| StageStart {
        from_us,
        has_both: compared.iter().all(|arm| {
            let mut own = of_whole(cells, Measure::Requests);
            own.any(|cell| {
                let is_in = cell
                    .span_us
                    .is_some_and(|(from, to)| from < to_us && to >= from_us);
                usize::from(cell.arm) == *arm && is_in
            })
        }),
    };
    Ok(starts.iter().copied().zip(ends).map(stage).collect())
}

/// Starts of the stages, in the buckets that the requests themselves would be counted in, or in the
/// cells' own where these are longer.
fn inferred(cells: &Cells, compared: [usize; 2], (first_us, last_us): (i64, i64)) -> Vec<i64> {
    let mut buckets = stages::buckets_over(first_us, last_us);
    if buckets.width_us % cells.width_us != 0 {
        let width_us = (buckets.width_us / cells.width_us + 1) * cells.width_us;
        let first_us = first_us.div_euclid(width_us) * width_us;
        buckets.width_us = width_us;
        buckets.first_us = first_us;
        buckets.n_buckets = ((last_us - first_us) / width_us + 1) as usize;
    }
    let mut counts = vec![ArmCounts::default(); buckets.n_buckets];
    let place = |cell: &Cell| {
        let side = compared
            .iter()
            .position(|arm| *arm == usize::from(cell.arm))?;
        Some((buckets.index(cell.time_us), side))
    };
    for cell in of_whole(cells, Measure::Requests) {
        if let Some((bucket, side)) = place(cell) {
            counts[bucket].requests[side] += cell.n;
        }
    }
    let mut has_users = false;
    for cell in of_whole(cells, Measure::Users) {
        if let Some((bucket, side)) = place(cell) {
            counts[bucket].users[side] += cell.n;
            has_users = true;
        }
    }
    if !has_users {
        for count in &mut counts {
            count.users = count.requests;
        }
    }
    let found = stages::of_counts(&buckets, &counts);
    found.into_iter().map(|stage| stage.from_us).collect()
}

/// The bins that hold some quantiles of each duration, over all arms.
fn thresholds(cells: &Cells) -> Vec<(Quantity, i32)> {
    let mut thresholds = Vec::new();
    for quantity in [Quantity::LatencyMs, Quantity::TtftMs] {
        let counted = of_whole(cells, Measure::Of(quantity));
        let mut counts: Vec<(i32, u64)> = counted
            .filter_map(|cell| Some((cell.bin?, cell.n)))
            .filter(|(bin, _)| *bin != bins::NOT_POSITIVE)
            .collect();
        counts.sort_unstable();
        let n: u64 = counts.iter().map(|(_, n)| n).sum();
        for share in THRESHOLDS {
            let mut up_to = 0;
            let reaches = |(_, of_bin): &&(i32, u64)| {
                up_to += of_bin;
                up_to as f64 >= share * n as f64
            };
            thresholds.extend(counts.iter().find(reaches).map(|(bin, _)| (quantity, *bin)));
        }
    }
    thresholds.dedup();
    thresholds
}

fn joined(a: Option<(i64, i64)>, b: Option<(i64, i64)>) -> Option<(i64, i64)> {
    match (a, b) {
        (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
        (a, b) => a.or(b),
    }
}
