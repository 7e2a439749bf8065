//! Rows that say the same thing twice, and requests that were sent twice.

use super::super::Strategy;
use super::super::model::{HealthCheck, Severity};
use super::{Evidence, counted, fine, found};
use crate::data::{Clock, Quantity, RequestIds, RequestLog, Units};
use crate::units;

const EXACT: (&str, &str) = ("exact-duplicates", "Is every row in the log once?");
const RETRIES: (&str, &str) = ("repeated-ids", "Is every request logged once?");
/// More of them than this are no accident of a client or a network.
const MANY: f64 = 0.01;

/// Rows that repeat an earlier one.
#[derive(Default)]
struct Repeats {
    /// In all mapped columns.
    n_exact: u64,
    /// In the request id, but not in everything else.
    n_retries: u64,
    /// Retries whose attempt before failed.
    n_after_failure: u64,
    /// Retries in another arm than the attempt before.
    n_in_other_arm: u64,
    /// Data row of the first exact repetition, from 0.
    first_exact: Option<u32>,
}

pub(super) fn checks(evidence: &Evidence<'_>) -> Vec<HealthCheck> {
    let log = evidence.log;
    let mut checks = Vec::new();
    let repeats = match &log.request_id {
        Some(ids) => {
            let is_shadow = evidence.strategy.strategy == Strategy::Shadow;
            let repeats = of_ids(log, ids, is_shadow);
            checks.push(retries(log, &repeats));
            repeats
        }
        None if log.clock == Clock::RowOrder => return checks,
        None => of_times(log),
    };
    checks.push(exact(log, &repeats));
    checks
}

fn exact(log: &RequestLog, repeats: &Repeats) -> HealthCheck {
    let share = repeats.n_exact as f64 / log.n_rows().max(1) as f64;
    let finding = match repeats.first_exact {
        None => "No row repeats another in all mapped columns".to_owned(),
        Some(row) => format!(
            "{} ({}) repeat an earlier one in all mapped columns, the first is data row {}",
            counted(repeats.n_exact, "row", "rows"),
            units::share(share),
            units::count(u64::from(row) + 1)
        ),
    };
    let meaning = if log.request_id.is_some() {
        "The same rows were exported twice, or a join multiplied them: counts are too high, and intervals by request too short"
    } else {
        "The same rows were exported twice, or requests that happen to be alike share a stamp; without a request id they cannot be told apart"
    };
    match share {
        0.0 => fine(EXACT.0, EXACT.1, finding),
        s if s < MANY => found(EXACT, Severity::Note, finding, meaning, ""),
        _ => found(
            EXACT,
            Severity::Warning,
            finding,
            meaning,
            "Remove the repetitions from the export, then open it again",
        ),
    }
}

fn retries(log: &RequestLog, repeats: &Repeats) -> HealthCheck {
    let share = repeats.n_retries as f64 / log.n_rows().max(1) as f64;
    let details = if repeats.n_retries > 0 {
        format!(
            ": {} after a failed attempt, {} in another arm",
            units::count(repeats.n_after_failure),
            units::count(repeats.n_in_other_arm)
        )
    } else {
        String::new()
    };
    let n = counted(repeats.n_retries, "row repeats", "rows repeat");
    let finding = format!("{n} an earlier request id with other values{details}");
    match share {
        0.0 => fine(RETRIES.0, RETRIES.1, finding),
        s if s < MANY => found(
            RETRIES,
            Severity::Note,
            finding,
            "Clients that try again look like this; each attempt counts as a request",
            "",
        ),
        _ => found(
            RETRIES,
            Severity::Warning,
            finding,
            "The export may hold several rows per request, such as spans or attempts; each counts as a request, and an arm that fails more is tried more",
            "Export one row per request, or leave the request id unmapped if attempts are what is meant",
        ),
    }
}

/// Repetitions of request ids; in a shadow test each arm answers every request once.
fn of_ids(log: &RequestLog, ids: &RequestIds, is_shadow: bool) -> Repeats {
    if ids.are_all_unique() {
        return Repeats::default();
    }
    let arm = |row: usize| if is_shadow { log.arm[row] } else { 0 };
    let mut groups: Vec<((u32, u16), u32)> = (0..log.n_rows())
        .filter(|row| ids.of_row(*row) > RequestIds::ONCE)
        .map(|row| ((ids.of_row(row), arm(row)), row as u32))
        .collect();
    groups.sort_unstable();
    let mut repeats = Repeats::default();
    for group in groups.chunk_by(|a, b| a.0 == b.0) {
        for (i, (_, row)) in group.iter().enumerate().skip(1) {
            let row = *row as usize;
            let earlier = &group[..i];
            if earlier
                .iter()
                .any(|(_, other)| is_same(log, row, *other as usize))
            {
                repeats.add_exact(log.row[row]);
                continue;
            }
            let before = earlier[i - 1].1 as usize;
            repeats.n_retries += 1;
            repeats.n_after_failure += u64::from(log.outcome[before].is_error());
            repeats.n_in_other_arm += u64::from(log.arm[before] != log.arm[row]);
        }
    }
    repeats
}

/// Repetitions where no id tells requests apart: equal rows share their event time, so only
/// neighbours are compared. A row without a user and a latency is too plain to be told from others.
fn of_times(log: &RequestLog) -> Repeats {
    let latency = log.quantity(Quantity::LatencyMs);
    let is_telling = |row: usize| {
        let has_unit = log
            .units
            .as_ref()
            .is_some_and(|units| units.id[row] != Units::NONE);
        has_unit && latency.is_some_and(|ms| ms[row] > 0.0)
    };
    let mut repeats = Repeats::default();
    let mut from = 0;
    for ties in log.event_us.chunk_by(|a, b| a == b) {
        let rows = from..from + ties.len();
        from = rows.end;
        if ties.len() == 1 {
            continue;
        }
        let mut keyed: Vec<(u64, usize)> = rows
            .filter(|row| is_telling(*row))
            .map(|row| (fingerprint(log, row), row))
            .collect();
        keyed.sort_unstable();
        for pair in keyed.windows(2).filter(|pair| pair[0].0 == pair[1].0) {
            if is_same(log, pair[0].1, pair[1].1) {
                repeats.add_exact(log.row[pair[1].1]);
            }
        }
    }
    repeats
}

impl Repeats {
    fn add_exact(&mut self, row: u32) {
        self.n_exact += 1;
        self.first_exact = Some(self.first_exact.map_or(row, |first| first.min(row)));
    }
}

/// Whether two rows agree in every mapped column but the request id.
fn is_same(log: &RequestLog, a: usize, b: usize) -> bool {
    log.arm[a] == log.arm[b]
        && log.start_us[a] == log.start_us[b]
        && log.event_us[a] == log.event_us[b]
        && log.outcome[a] == log.outcome[b]
        && log
            .units
            .as_ref()
            .is_none_or(|units| units.id[a] == units.id[b])
        && log
            .quantities
            .iter()
            .all(|(_, v)| v[a].to_bits() == v[b].to_bits())
        && log
            .segments
            .iter()
            .all(|segment| segment.code[a] == segment.code[b])
}

/// Equal for equal rows.
fn fingerprint(log: &RequestLog, row: usize) -> u64 {
    let mix = |h: u64, v: u64| (h ^ v).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    let unit = log
        .units
        .as_ref()
        .map_or(0, |units| u64::from(units.id[row]));
    let first = mix(mix(unit, log.start_us[row] as u64), u64::from(log.arm[row]));
    log.quantities
        .iter()
        .fold(first, |h, (_, values)| mix(h, values[row].to_bits()))
}
