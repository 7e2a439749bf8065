//! A report of a log that is known by its cells: how exact it is, and in the place of each thing that
//! needs the request log, that it does.

use super::super::document::{Block, Item};
use super::quiet;
use crate::analysis::{Analysis, FromCells};
use crate::report::ReportInput;
use crate::units;

/// What to do for whatever needs single requests.
const ADVICE: &str = "“hindsight report” of the request log, or of some days of it";

/// What a section lacks, because single requests are needed for it; empty for a report of requests.
pub(super) fn missing(input: &ReportInput<'_>, section: &str) -> Vec<Block> {
    let Some(cells) = &input.analysis.cells else {
        return Vec::new();
    };
    let needs = cells.needs_request_log.iter();
    let own = needs.filter(|need| section_of(need.field) == section);
    let mut items: Vec<Item> = own.map(|need| item(&need.what, &need.advice)).collect();
    if input.analysis.treatment.is_some() {
        items.extend(of_report(input, section).map(|what| item(what, ADVICE)));
    }
    if items.is_empty() {
        Vec::new()
    } else {
        vec![Block::Items(items)]
    }
}

/// What is no part of an analysis.
fn of_report(input: &ReportInput<'_>, section: &str) -> Option<&'static str> {
    match section {
        "rollback" if input.replay.is_none() => Some("What rollback rules would have done"),
        "lab" => Some("The rule lab, which makes rollouts from the log’s requests"),
        "examples" => Some("Single requests that went badly"),
        _ => None,
    }
}

fn item(what: &str, advice: &str) -> Item {
    Item {
        chip: quiet("…", "needs the request log"),
        about: String::new(),
        text: format!("{what}."),
        notes: vec![format!("{advice}.")],
    }
}

/// Where the report would show a field of the analysis.
fn section_of(field: &str) -> &'static str {
    match field {
        "health" => "health",
        "tests" | "over_time" => "tests",
        "latency" => "latency",
        "arms.errors" | "scorecard.effects.each_unit_once" => "scorecard",
        "novelty" | "shadow" | "switch" => "strategy",
        "segments" => "segments",
        "log.n_units" => "log",
        _ => "method",
    }
}

/// "cells of 15 min; latency quantiles within ±1 %".
pub(super) fn fact(cells: &FromCells) -> String {
    format!(
        "cells of {}; latency quantiles within {}",
        units::duration_us(cells.width_us),
        bound(cells)
    )
}

/// How exact the figures are.
pub(super) fn exactness(cells: &FromCells) -> String {
    format!(
        "The figures come from cells of {}. Counts, shares, means, their intervals and tests are those of the \
         requests; latency quantiles are within {} of theirs, and their intervals wider by that.",
        units::duration_us(cells.width_us),
        bound(cells)
    )
}

/// "±1 %".
pub(super) fn bound(cells: &FromCells) -> String {
    format!("±{} %", units::plain(100.0 * cells.quantile_relative_error))
}

/// Whether users are known, of all arms together or of each.
pub(super) fn has_users(analysis: &Analysis) -> bool {
    let of_arms = || analysis.arms.iter().any(|arm| arm.n_units.is_some());
    analysis.log.n_units.is_some() || of_arms()
}
