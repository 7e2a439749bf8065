//! What a joined table does to a log: scores become ratings, assignments become arms.

use std::collections::HashMap;

use super::super::stamp_column::NO_STAMP;
use super::keys::NO_KEY;
use super::table::Table;
use super::{Join, Repeats, Side};
use crate::data::{Arm, Clock, LeftOut, Quantity, RequestLog};
use crate::error::{Error, ErrorKind, Result};

/// Arms beyond this are a sign that the column is none of arms.
const MAX_ARMS: usize = 1000;

/// Gives every score to one request: the last one with its key that had started when the score was
/// given. A request with several scores gets one of them, or their mean.
pub(super) fn ratings(
    mut log: RequestLog,
    (side, table): (&Side, &Table),
    (of_rows, of_table): (&[u32], &[u32]),
    join: &mut Join,
) -> RequestLog {
    let by_key = requests_by_key(&log, of_rows, n_keys(of_table), join);
    let has_times = log.clock == Clock::Epoch;
    let repeats = side.repeats.unwrap_or_default();
    // Scores in the order in which they were given; ties and missing times in the table's order.
    let mut order: Vec<usize> = (0..table.n_rows()).collect();
    order.sort_by_key(|row| table.times[*row]);
    let mut sums: HashMap<u32, (f64, u64, i64)> = HashMap::new();
    for row in order {
        let value = table.numbers[row];
        let Some(requests) = by_key
            .get(of_table[row] as usize)
            .filter(|_| !value.is_nan())
        else {
            continue;
        };
        let time = Some(table.times[row]).filter(|t| has_times && *t != NO_STAMP);
        let started = |t: i64| requests.iter().rfind(|i| log.start_us[**i as usize] <= t);
        let request = match time {
            // Clocks differ by a little: where there is one request only, the score is its own.
            Some(_) if requests.len() == 1 => requests.first(),
            Some(time) => started(time),
            None => requests.last(),
        };
        let Some(&request) = request else {
            join.rows_before_first += u64::from(!requests.is_empty());
            continue;
        };
        let known_at = time.unwrap_or(log.event_us[request as usize]);
        let entry = sums.entry(request).or_insert((0.0, 0, known_at));
        entry.1 += 1;
        match repeats {
            Repeats::First if entry.1 > 1 => {}
            Repeats::First | Repeats::Last => (entry.0, entry.2) = (value, known_at),
            Repeats::Mean => (entry.0, entry.2) = (entry.0 + value, known_at),
        }
    }
    let mut values = vec![f64::NAN; log.n_rows()];
    let mut known_at = log.event_us.clone();
    for (i, (value, known)) in values.iter_mut().zip(&mut known_at).enumerate() {
        let Some((sum, n, at)) = sums.get(&(i as u32)) else {
            continue;
        };
        let is_mean = repeats == Repeats::Mean;
        *value = if is_mean { sum / *n as f64 } else { *sum };
        *known = *at;
        join.requests_matched += 1;
        join.most_per_key = join.most_per_key.max(*n);
    }
    join.requests_unmatched = join.requests - join.requests_matched;
    match &side.metric {
        Some(name) => {
            let quantity = Quantity::Extra(log.extra_names.len() as u16);
            log.extra_names.push(name.clone());
            log.quantities.push((quantity, values.into()));
        }
        None => {
            log.quantities.push((Quantity::Rating, values.into()));
            let is_any_timed = has_times && table.times.iter().any(|t| *t != NO_STAMP);
            log.rated_at_us = is_any_timed.then_some(known_at);
        }
    }
    log
}

/// Gives every request the arm that its unit had been assigned to last when it started. Requests
/// of units that had none are left out.
pub(super) fn assignments(
    mut log: RequestLog,
    table: &Table,
    (of_rows, of_table): (&[u32], &[u32]),
    join: &mut Join,
) -> Result<RequestLog> {
    requests_by_key(&log, of_rows, n_keys(of_table), join);
    let mut histories: Vec<Vec<(i64, &str)>> = vec![Vec::new(); n_keys(of_table)];
    for (row, code) in of_table.iter().enumerate().filter(|(_, c)| **c != NO_KEY) {
        if let Some(arm) = table.values[row].as_deref() {
            histories[*code as usize].push((table.times[row], arm));
        }
    }
    let has_times = log.clock == Clock::Epoch && table.times.iter().any(|t| *t != NO_STAMP);
    let (mut arms, mut arm, mut kept) = (Vec::<Arm>::new(), Vec::new(), Vec::new());
    for history in &mut histories {
        history.sort_by_key(|(time, _)| *time);
    }
    for i in 0..log.n_rows() {
        let history = histories.get(of_rows[log.row[i] as usize] as usize);
        let Some(history) = history.filter(|h| !h.is_empty()) else {
            join.requests_unmatched += 1;
            continue;
        };
        join.most_per_key = join.most_per_key.max(history.len() as u64);
        let name = if has_times {
            let in_force = history.partition_point(|(time, _)| *time <= log.start_us[i]);
            let Some(last) = in_force.checked_sub(1) else {
                join.requests_before_first += 1;
                continue;
            };
            history[last].1
        } else if history.iter().all(|(_, arm)| *arm == history[0].1) {
            history[0].1
        } else {
            join.requests_ambiguous += 1;
            continue;
        };
        let code = arms.iter().position(|a| a.name == name).unwrap_or_else(|| {
            arms.push(Arm {
                name: name.to_owned(),
            });
            arms.len() - 1
        });
        if arms.len() > MAX_ARMS {
            return Err(Error::new(
                ErrorKind::Settings,
                "The assignments name more than 1,000 arms",
            )
            .key("side.value")
            .hint("The column with the arm should hold a few labels; name another one"));
        }
        arm.push(code as u16);
        kept.push(i as u32);
    }
    join.requests_matched = kept.len() as u64;
    if kept.is_empty() {
        return Err(Error::new(
            ErrorKind::NotARequestLog,
            "No request has an arm: every request lies before its unit's first assignment, or its unit has several",
        )
        .hint("Check the times of both files and their zones"));
    }
    if kept.len() < log.n_rows() {
        log = log.gathered(&kept);
    }
    (log.arms, log.arm) = (arms, arm);
    // Of rows that reading left out, the assigned arm is not known.
    log.left_out = LeftOut::default();
    Ok(log)
}

/// The requests of every key, in event-time order.
fn requests_by_key(
    log: &RequestLog,
    of_rows: &[u32],
    n_keys: usize,
    join: &mut Join,
) -> Vec<Vec<u32>> {
    let mut by_key: Vec<Vec<u32>> = vec![Vec::new(); n_keys];
    for (i, row) in log.row.iter().enumerate() {
        if let Some(requests) = by_key.get_mut(of_rows[*row as usize] as usize) {
            requests.push(i as u32);
        }
    }
    let shared = by_key.iter().map(Vec::len).filter(|n| *n > 1);
    join.requests_sharing_a_key = shared.sum::<usize>() as u64;
    by_key
}

/// Keys are numbered from 0.
fn n_keys(of_table: &[u32]) -> usize {
    let keys = of_table.iter().filter(|code| **code != NO_KEY);
    keys.max().map_or(0, |code| *code as usize + 1)
}
