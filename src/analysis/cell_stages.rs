//! What has to be known of a log's cells before stages and users' totals can be added up: the stages
//! within which arms are compared, and the latencies whose shares are wanted by user.

use super::arms::choose;
use super::model::Stage;
use super::settings::AnalysisSettings;
use super::stages::{self, ArmCounts};
use super::strata::Span;
use crate::cells::{Cell, Cells, Measure, UnitPlan, bins};
use crate::data::{Arm, Quantity, RequestLog, TimeBuckets};
use crate::error::Result;

/// Shares of the whole log's answered requests at whose latency users' shares are added up.
const THRESHOLDS: [f64; 6] = [0.25, 0.5, 0.75, 0.9, 0.95, 0.99];

/// The stages and thresholds of a log's cells.
///
/// Fails where the settings name an arm that the cells do not have.
pub fn unit_plan(cells: &Cells, settings: &AnalysisSettings) -> Result<UnitPlan> {
    let mut sizes = vec![0; cells.arms.len()];
    for cell in of_whole(cells, Measure::Requests) {
        sizes[usize::from(cell.arm)] += cell.n;
    }
    let arms = cells.arms.iter().map(|name| Arm { name: name.clone() });
    let names = RequestLog {
        arms: arms.collect(),
        ..RequestLog::default()
    };
    let (control, treatment) = choose(&names, &sizes, settings)?;
    let compared = treatment.map(|treatment| [control, treatment]);
    let name = |arm: usize| cells.arms[arm].clone();
    Ok(UnitPlan {
        stages: compared
            .and_then(|compared| strata_starts(cells, compared, sizes[control]))
            .unwrap_or_default(),
        compared: compared.map(|compared| compared.map(name)),
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

/// Where the strata begin, as for the requests themselves.
fn strata_starts(
    cells: &Cells,
    [control, treatment]: [usize; 2],
    n_control: u64,
) -> Option<Vec<i64>> {
    let requests = || of_whole(cells, Measure::Requests);
    let of_arm = |arm: usize| requests().filter(move |cell| usize::from(cell.arm) == arm);
    let whole_us = requests().map(|cell| cell.span_us).fold(None, joined)?;
    let spans = of_arm(treatment).map(|cell| cell.span_us);
    let treatment_us = spans.fold(None, joined)?;
    let is_outside = |cell: &&Cell| {
        cell.span_us
            .is_some_and(|(from, to)| to < treatment_us.0 || from > treatment_us.1)
    };
    let span = Span {
        stages: &stages_of_cells(cells, [control, treatment]),
        whole_us,
        treatment_us,
        n_lonely: of_arm(control).filter(is_outside).map(|cell| cell.n).sum(),
        n_control,
    };
    Some(span.starts())
}

/// The stages of the rollout, in the buckets that the requests themselves would be counted in, or in
/// the cells' own where these are longer.
pub fn stages_of_cells(cells: &Cells, compared: [usize; 2]) -> Vec<Stage> {
    let spans = of_whole(cells, Measure::Requests).map(|cell| cell.span_us);
    let Some((first_us, last_us)) = spans.fold(None, joined) else {
        return Vec::new();
    };
    let buckets = aligned(stages::buckets_over(first_us, last_us), cells, last_us);
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
    stages::of_counts(&buckets, &counts)
}

/// Buckets in which whole stretches of cells lie: these, or the next longer.
pub(super) fn aligned(buckets: TimeBuckets, cells: &Cells, last_us: i64) -> TimeBuckets {
    if buckets.width_us % cells.width_us == 0 {
        return buckets;
    }
    let width_us = (buckets.width_us / cells.width_us + 1) * cells.width_us;
    let first_us = buckets.first_us.div_euclid(width_us) * width_us;
    TimeBuckets {
        first_us,
        width_us,
        n_buckets: ((last_us - first_us) / width_us + 1) as usize,
    }
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

/// First and last of two stretches together.
pub(super) fn joined(a: Option<(i64, i64)>, b: Option<(i64, i64)>) -> Option<(i64, i64)> {
    match (a, b) {
        (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
        (a, b) => a.or(b),
    }
}
