//! Event times from starts, ends and latencies.

use rayon::prelude::*;

use super::issues::{Effect, Issues};
use super::mapping::{Mapping, Role};
use super::stamp_column::NO_STAMP;
use crate::data::{Clock, Numbers, Quantity, RequestLog};

/// Event time = end, else start + latency, else start; latency = end - start where no column
/// holds it.
pub(super) fn settle_times(
    log: &mut RequestLog,
    ends: Option<&[i64]>,
    mapping: &Mapping,
    issues: &mut Issues,
) {
    let starts = std::mem::take(&mut log.start_us);
    let latency = log.quantity(Quantity::LatencyMs);
    // Rounded once per value rather than once per row.
    let table_us: Vec<i64> = latency.map_or_else(Vec::new, |latency| {
        let us = |ms: &f64| {
            if *ms > 0.0 {
                (ms * 1e3).round() as i64
            } else {
                0
            }
        };
        latency.table().iter().map(us).collect()
    });
    let latency_us = |row: usize| latency.map_or(0, |latency| table_us[latency.code(row)]);
    let has_clock = log.clock != Clock::RowOrder;
    let end_of = |row: usize| {
        let end = ends.map(|ends| ends[row]);
        end.filter(|end| *end != NO_STAMP)
    };
    let times = |(row, start): (usize, &i64)| -> (i64, i64) {
        match end_of(row) {
            // Only the end is known: the start follows from the latency.
            end if *start == NO_STAMP => {
                let end = end.unwrap_or(0);
                (end - latency_us(row), end)
            }
            Some(end) if end >= *start => (*start, end),
            Some(_) => (*start, *start),
            None if has_clock => (*start, *start + latency_us(row)),
            None => (*start, *start),
        }
    };
    let is_reversed = |row: &usize| end_of(*row).is_some_and(|end| end < starts[*row]);
    let n_end_before_start = match ends {
        Some(_) => (0..starts.len())
            .into_par_iter()
            .filter(is_reversed)
            .count(),
        None => 0,
    };
    let has_latency = latency.is_some();
    let derived =
        (ends.is_some() && !has_latency && mapping.column(Role::Time).is_some()).then(|| {
            let latency_ms = |(row, start): (usize, &i64)| match end_of(row) {
                Some(end) if *start != NO_STAMP && end >= *start => (end - start) as f64 / 1e3,
                _ => f64::NAN,
            };
            let values: Vec<f64> = starts.iter().enumerate().map(latency_ms).collect();
            Numbers::from(values)
        });
    let event_us = starts
        .par_iter()
        .enumerate()
        .map(|row| times(row).1)
        .collect();
    let start_us = if starts.contains(&NO_STAMP) {
        starts.iter().enumerate().map(|row| times(row).0).collect()
    } else {
        starts
    };
    (log.start_us, log.event_us) = (start_us, event_us);
    if n_end_before_start > 0 {
        let detail = format!("in {n_end_before_start} rows");
        issues.note(
            Effect::Assumed,
            None,
            "The end lies before the start; the start was used",
            &detail,
            "Check the clocks of the hosts that write the log",
        );
    }
    if let Some(derived) = derived {
        log.quantities.insert(0, (Quantity::LatencyMs, derived));
        issues.note(
            Effect::Noted,
            None,
            "Latency was taken as end minus start",
            "",
            "",
        );
    }
}

/// When each rating was given: its own stamp, else when its request ended. `None` where no rating has one.
pub(super) fn rated_at(log: &RequestLog, stamps: &[i64]) -> Option<Vec<i64>> {
    let ratings = log.quantity(Quantity::Rating)?;
    let is_timed = |row: usize| !ratings[row].is_nan() && stamps[row] != NO_STAMP;
    (0..stamps.len()).any(is_timed).then(|| {
        let of_row = |row: usize| {
            if is_timed(row) {
                stamps[row]
            } else {
                log.event_us[row]
            }
        };
        (0..stamps.len()).map(of_row).collect()
    })
}
