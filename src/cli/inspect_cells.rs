//! `hindsight inspect` on folders of cells: what they hold, and whether the log is sound by them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::analyze::{health_lines, needs_log_lines};
use super::arguments::InspectArguments;
use super::cells::names_of;
use super::from_cells::CellLog;
use super::inspect::arms_table;
use super::output::{joined, print, print_json};
use super::table::table;
use super::{Finish, settings};
use crate::analysis::{Analysis, Audit};
use crate::cells::{Cells, VERSION};
use crate::error::{Error, ErrorKind, Result};
use crate::jobs::Progress;
use crate::units;

pub(super) fn run(
    arguments: &InspectArguments,
    known: &CellLog,
    progress: &Progress,
) -> Result<Finish> {
    if arguments.write_mapping.is_some() {
        let message = "Cells have no columns that a mapping could name";
        return Err(Error::new(ErrorKind::Settings, message)
            .hint("Write the mapping from some days of the request log"));
    }
    let settings = settings(&arguments.compare, &known.log)?;
    let analysis = known.analyze(&settings, progress)?;
    let held = Held::of(&known.cells);
    if arguments.json {
        print_json(&as_json(&held, &known.cells, &analysis, arguments))?;
    } else {
        print(&as_text(&held, &known.cells, &analysis, arguments))?;
    }
    Ok(if arguments.check && audit(&analysis).is_unsound() {
        Finish::CheckFailed
    } else {
        Finish::Done
    })
}

/// What a set of cells holds.
struct Held {
    /// By name, how many rows count it.
    measures: BTreeMap<String, u64>,
    /// By segment column, its values.
    segments: BTreeMap<String, BTreeSet<String>>,
    /// Stretches of time with a request.
    n_stretches: u64,
    n_stages: u64,
}

impl Held {
    fn of(cells: &Cells) -> Self {
        let mut of_measure = BTreeMap::new();
        for cell in &cells.cells {
            *of_measure.entry(cell.measure).or_insert(0) += 1;
        }
        let name =
            |(measure, n): (crate::cells::Measure, u64)| (measure.name(&cells.extra_names), n);
        let mut segments: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for place in cells
            .places
            .iter()
            .filter(|place| !place.segment.is_empty())
        {
            let values = segments.entry(place.segment.clone()).or_default();
            values.insert(place.value.clone());
        }
        let n_times = |cells: &[crate::cells::Cell]| {
            let times: BTreeSet<i64> = cells.iter().map(|cell| cell.time_us).collect();
            times.len() as u64
        };
        Self {
            measures: of_measure.into_iter().map(name).collect(),
            segments,
            n_stretches: n_times(&cells.cells),
            n_stages: n_times(&cells.stages),
        }
    }
}

/// The audit within an analysis of cells.
fn audit(analysis: &Analysis) -> Audit {
    Audit {
        strategy: analysis.strategy.clone(),
        control: analysis.control,
        treatment: analysis.treatment,
        arms: analysis.arms.clone(),
        health: analysis.health.clone(),
    }
}

fn as_json(
    held: &Held,
    cells: &Cells,
    analysis: &Analysis,
    arguments: &InspectArguments,
) -> serde_json::Value {
    json!({
        "schema": 1,
        "source": names_of(&arguments.log.logs),
        "requests": analysis.log.n_requests,
        "units": analysis.log.n_units,
        "clock": analysis.log.clock,
        "cells": {
            "version": VERSION,
            "width_us": cells.width_us,
            "stretches": held.n_stretches,
            "stretches_of_stages": held.n_stages,
            "rows": {
                "cells": cells.cells.len(),
                "stages": cells.stages.len(),
                "units": cells.units.len(),
            },
            "measures": held.measures,
            "segments": held.segments,
            "needs_request_log": analysis.cells.as_ref().map(|cells| &cells.needs_request_log),
        },
        "audit": audit(analysis),
        "filter": analysis.settings.filter,
    })
}

fn as_text(
    held: &Held,
    cells: &Cells,
    analysis: &Analysis,
    arguments: &InspectArguments,
) -> String {
    let log = &analysis.log;
    let mut lines = vec![format!(
        "{}: cells of {}, {} requests in {} stretches of time",
        names_of(&arguments.log.logs),
        units::duration_us(cells.width_us),
        units::count(log.n_requests_unfiltered),
        units::count(held.n_stretches)
    )];
    if let Some((first, last)) = log.first_us.zip(log.last_us) {
        let at = |us| units::instant(us, log.clock);
        lines.push(format!("{} to {}", at(first), at(last)));
    }
    let strategy = &analysis.strategy;
    let label = strategy.label(log.clock);
    lines.push(format!("{label}: {}", strategy.why));
    lines.push(stages_line(held, cells));
    lines.push(if cells.units.is_empty() {
        "No users were added up: intervals take requests as independent".to_owned()
    } else {
        let n_rows = units::count(cells.units.len() as u64);
        format!("Users were added up ({n_rows} rows of units): intervals stand on them")
    });
    let of_measure: Vec<Vec<String>> = held
        .measures
        .iter()
        .map(|(name, n)| vec![name.clone(), units::count(*n)])
        .collect();
    let of_segment: Vec<Vec<String>> = held
        .segments
        .iter()
        .map(|(name, values)| {
            let all: Vec<&str> = values.iter().map(|value| shown(value)).collect();
            let n = units::count(values.len() as u64);
            vec![name.clone(), n, super::table::cut(&all.join(", "), 60)]
        })
        .collect();
    let mut rest = health_lines(&analysis.health);
    rest.extend(needs_log_lines(analysis));
    let segments = if of_segment.is_empty() {
        "No segment columns\n".to_owned()
    } else {
        table(&["Segment", "Values", "Which"], &of_segment)
    };
    [
        joined(&lines),
        arms_table(&audit(analysis)),
        table(&["Measure", "Rows"], &of_measure),
        segments,
        joined(&rest),
    ]
    .join("\n")
}

fn shown(value: &str) -> &str {
    if value.is_empty() { "(empty)" } else { value }
}

fn stages_line(held: &Held, cells: &Cells) -> String {
    match (held.n_stages, cells.stages.is_empty()) {
        (_, true) => "No table of stages: arms are compared over the whole log, or within stages that begin at the edges of cells".to_owned(),
        (n, _) => format!("Counted by stage of the rollout too, in {} stretches of time", units::count(n)),
    }
}
