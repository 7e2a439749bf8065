//! Whether one segment value carries a harm to the whole log, from cells: what remains without it are the
//! cells of all other values.

use std::collections::BTreeMap;

use super::super::carried;
use super::super::metrics::{Kind, Metric};
use super::super::model::{Effect, ScorecardRow, SegmentEffect, SegmentSpread};
use super::compare::{Basis, PlaceFigures};
use super::figures::ByUser;
use crate::cells::{Cell, Cells, Group, Measure, Place, Scope, UnitCell, UnitMeasure};
use crate::error::Result;
use crate::jobs::Progress;

/// The place of the remaining requests; that of the whole log stays empty.
const REST: usize = 1;

/// As [`carried::tell_carried`]; whether a value was left out because its users have others too.
pub(super) fn tell_carried(
    basis: &Basis<'_>,
    metrics: &[Metric],
    compared: (usize, usize),
    found: (&[ScorecardRow], &[SegmentSpread]),
    effects: &mut [SegmentEffect],
    progress: &Progress,
) -> Result<bool> {
    let mut is_open = false;
    let remaining = |metric: &Metric, without: &SegmentEffect| -> Result<Option<Effect>> {
        progress.check()?;
        let rest = without_value(basis.cells, without, metric);
        is_open |= rest.is_none();
        Ok(rest.map(|rest| {
            let by_user = ByUser::of(&rest);
            let basis = Basis {
                cells: &rest,
                by_user: &by_user,
                ..*basis
            };
            PlaceFigures::of(&basis, REST)
                .pair(&basis, metric, compared)
                .1
        }))
    };
    let alpha = 1.0 - basis.inference.level;
    carried::tell_carried(metrics, (compared.1, alpha), found, effects, remaining)?;
    Ok(is_open)
}

/// The cells of the requests that a segment value does not have, as far as a metric reads them; `None`
/// where users have several values, so that their totals over the others are not known.
fn without_value(cells: &Cells, without: &SegmentEffect, metric: &Metric) -> Option<Cells> {
    let is_other = |place: &Place| place.segment == without.segment && place.value != without.value;
    let is_left: Vec<bool> = cells.places.iter().map(is_other).collect();
    if !has_users_of_one_value(cells, &without.segment) {
        return None;
    }
    let is_read = |measure: Measure| match (measure, metric.kind) {
        (Measure::Requests | Measure::Outcome, _) => true,
        (Measure::Of(quantity), Kind::Mean(own) | Kind::Quantile(own, _)) => quantity == own,
        (Measure::Of(quantity), Kind::RatedShare) => quantity == crate::data::Quantity::Rating,
        _ => false,
    };
    let left = |table: &[Cell]| -> Vec<Cell> {
        let own = table
            .iter()
            .filter(|cell| is_left[cell.place as usize] && is_read(cell.measure));
        own.map(|cell| Cell {
            place: REST as u32,
            ..*cell
        })
        .collect()
    };
    let mut units: BTreeMap<_, UnitCell> = BTreeMap::new();
    for unit in cells
        .units
        .iter()
        .filter(|unit| is_left[unit.place as usize])
    {
        let own = UnitCell {
            place: REST as u32,
            ..*unit
        };
        let key = (unit.measure, unit.scope, unit.groups);
        let add = |known: &mut UnitCell| known.sums.add(&unit.sums);
        units.entry(key).and_modify(add).or_insert(own);
    }
    Some(Cells {
        arms: cells.arms.clone(),
        width_us: cells.width_us,
        places: vec![Place::default(), Place::default()],
        cells: left(&cells.cells),
        stages: left(&cells.stages),
        units: units.into_values().collect(),
        extra_names: cells.extra_names.clone(),
    })
}

/// Whether no user has requests of two values of a segment column: then as many users are in the values,
/// by arm and in every two arms, as in the whole log.
fn has_users_of_one_value(cells: &Cells, segment: &str) -> bool {
    let mut n_users: BTreeMap<[Group; 2], [u64; 2]> = BTreeMap::new();
    let counted =
        |unit: &&UnitCell| (unit.measure, unit.scope) == (UnitMeasure::Requests, Scope::All);
    for unit in cells.units.iter().filter(counted) {
        let of = &cells.places[unit.place as usize].segment;
        let n = n_users.entry(unit.groups).or_default();
        n[0] += if of.is_empty() { unit.sums.n_units } else { 0 };
        n[1] += if of == segment { unit.sums.n_units } else { 0 };
    }
    n_users
        .values()
        .all(|[whole, of_values]| whole == of_values)
}
