//! Clocks that jumped, stamps that are not the request's own, and stamps far from all others.

use super::super::model::{HealthCheck, Severity};
use super::{Evidence, counted, fine, found};
use crate::data::{Clock, RequestLog};
use crate::units;

const ORDER: (&str, &str) = ("clock-jumps", "Did the clock run forwards?");
const EQUAL: (&str, &str) = ("equal-stamps", "Has every request its own stamp?");
const STRAY: (&str, &str) = ("stray-stamps", "Do all stamps lie together?");
const SUMMER: (&str, &str) = (
    "daylight-saving",
    "Do stamps survive the change of the clocks?",
);

const MINUTE_US: i64 = 60_000_000;
const HOUR_US: i64 = 60 * MINUTE_US;
const DAY_US: i64 = 24 * HOUR_US;
/// Smaller steps back are requests that were written when they ended, or hosts a little apart.
const SMALLEST_JUMP_US: i64 = 5 * MINUTE_US;
/// More steps back than this share of the rows, and the file is in another order than that of time.
const UNORDERED: f64 = 0.05;
/// More jumps than this: several hosts or files run in parallel, none of which need have jumped.
const MANY_JUMPS: usize = 100;
/// So many requests on one stamp, and so many times what the resolution explains.
const PILE: u64 = 100;
const PILE_RATIO: f64 = 50.0;

pub(super) fn checks(evidence: &Evidence<'_>) -> Vec<HealthCheck> {
    let log = evidence.log;
    if log.clock != Clock::Epoch || log.n_rows() < 2 {
        return Vec::new();
    }
    let in_file = InFile::of(log);
    let checks = [
        Some(jumps(log, &in_file)),
        equal(log, &in_file),
        stray(log),
        summer_time(evidence),
    ];
    checks.into_iter().flatten().collect()
}

/// What a walk in the order of the file sees.
#[derive(Default)]
struct InFile {
    /// Rows whose stamp is before the row before, by start and by event time.
    n_back: [u64; 2],
    /// Steps back from the latest stamp so far: data row and size; by start and by event time.
    jumps: [Vec<(u32, i64)>; 2],
    /// The longest run of rows with one start stamp.
    pile: (u64, i64),
    /// The largest of 1 ms, 1 s, 1 min, 1 h, 1 day that divides all start stamps.
    resolution_us: i64,
}

impl InFile {
    fn of(log: &RequestLog) -> Self {
        let n_in_file = log.row.iter().max().map_or(0, |row| *row as usize + 1);
        let mut at_row = vec![u32::MAX; n_in_file];
        for (i, row) in log.row.iter().enumerate() {
            at_row[*row as usize] = i as u32;
        }
        let mut seen = Self {
            resolution_us: DAY_US,
            ..Self::default()
        };
        let mut before = [i64::MIN; 2];
        let mut latest = [i64::MIN; 2];
        let mut run = 0u64;
        for i in at_row
            .into_iter()
            .filter(|i| *i != u32::MAX)
            .map(|i| i as usize)
        {
            let stamps = [log.start_us[i], log.event_us[i]];
            run = if stamps[0] == before[0] { run + 1 } else { 1 };
            if run > seen.pile.0 {
                seen.pile = (run, stamps[0]);
            }
            while stamps[0] % seen.resolution_us != 0 {
                seen.resolution_us = finer(seen.resolution_us);
            }
            for k in 0..2 {
                seen.n_back[k] += u64::from(stamps[k] < before[k]);
                let behind = latest[k].saturating_sub(stamps[k]);
                let was_behind = before[k] != i64::MIN && latest[k] - before[k] > SMALLEST_JUMP_US;
                if latest[k] != i64::MIN && behind > SMALLEST_JUMP_US && !was_behind {
                    seen.jumps[k].push((log.row[i], behind));
                }
                latest[k] = latest[k].max(stamps[k]);
                before[k] = stamps[k];
            }
        }
        seen
    }
}

fn finer(resolution_us: i64) -> i64 {
    match resolution_us {
        DAY_US => HOUR_US,
        HOUR_US => MINUTE_US,
        MINUTE_US => 1_000_000,
        1_000_000 => 1_000,
        _ => 1,
    }
}

fn jumps(log: &RequestLog, in_file: &InFile) -> HealthCheck {
    // Logs are written when requests start or when they end: the better ordered of the two counts.
    let k = usize::from(in_file.n_back[1] < in_file.n_back[0]);
    let jumps = &in_file.jumps[k];
    let is_unordered = in_file.n_back[k] as f64 > UNORDERED * log.n_rows() as f64;
    if is_unordered || jumps.len() > MANY_JUMPS {
        let finding =
            "The file is not in the order of time, so a clock that jumped would not be seen";
        return fine(ORDER.0, ORDER.1, finding.to_owned());
    }
    let Some((row, size)) = jumps.iter().max_by_key(|(_, size)| *size) else {
        return fine(
            ORDER.0,
            ORDER.1,
            "Stamps follow the order of the file".to_owned(),
        );
    };
    let at = units::count(u64::from(*row) + 1);
    let finding = format!(
        "Stamps run backwards {}, by up to {} at data row {at}",
        counted(jumps.len() as u64, "time", "times"),
        units::duration_us(*size)
    );
    let is_hour = jumps
        .iter()
        .any(|(_, size)| (size - HOUR_US).abs() < 2 * MINUTE_US);
    if is_hour {
        found(
            ORDER,
            Severity::Warning,
            format!("{finding}; one step is an hour, as when daylight saving time ends"),
            "Stamps in local time repeat that hour: its requests are sorted among each other, and rules replay them in the wrong order",
            "Export stamps in UTC, or with their offset",
        )
    } else {
        found(
            ORDER,
            Severity::Note,
            finding,
            "Several files were joined, or a clock was set back. Joined files do no harm; after a clock was set back, requests stand in the wrong order",
            "Look at that row of the file",
        )
    }
}

fn equal(log: &RequestLog, in_file: &InFile) -> Option<HealthCheck> {
    let (first, last) = log.event_span_us()?;
    let resolution = in_file.resolution_us;
    let n_stamps = ((last - first) / resolution + 1) as f64;
    let usual = log.n_rows() as f64 / n_stamps;
    let (pile, at) = in_file.pile;
    if pile >= PILE && pile as f64 > PILE_RATIO * (1.0 + usual) {
        return Some(found(
            EQUAL,
            Severity::Warning,
            format!(
                "{} requests in a row carry the stamp {}",
                units::count(pile),
                units::instant(at, log.clock)
            ),
            "It is the time of an import or a default rather than theirs: trends show a peak, and rules see them all at once",
            "Map the column that holds the request's own time",
        ));
    }
    let name = match resolution {
        DAY_US => "days",
        HOUR_US => "hours",
        MINUTE_US => "minutes",
        1_000_000 => "seconds",
        _ => return None,
    };
    let is_coarse = resolution >= MINUTE_US && last > first;
    let severity = if is_coarse {
        Severity::Warning
    } else {
        Severity::Ok
    };
    Some(found(
        EQUAL,
        severity,
        format!("Stamps are whole {name}; within one, requests keep the order of the file"),
        if is_coarse {
            "Rules that look at minutes see requests in lumps, and latencies place them badly"
        } else {
            ""
        },
        if is_coarse {
            "Export stamps with seconds or better"
        } else {
            ""
        },
    ))
}

/// A few stamps years away stretch every trend to a line.
fn stray(log: &RequestLog) -> Option<HealthCheck> {
    let times = &log.event_us;
    let n = times.len();
    let cut = (n / 200).max(1);
    if n < 20 {
        return None;
    }
    let (low, high) = (times[cut], times[n - 1 - cut]);
    let inner = (high - low).max(HOUR_US);
    let room = (3 * inner).max(DAY_US);
    let n_before = times.partition_point(|t| *t < low - room) as u64;
    let n_after = (n - times.partition_point(|t| *t <= high + room)) as u64;
    if n_before + n_after == 0 {
        return None;
    }
    let mut parts = Vec::new();
    if n_before > 0 {
        parts.push(format!(
            "{} before, the first {}",
            units::count(n_before),
            units::instant(times[0], log.clock)
        ));
    }
    if n_after > 0 {
        parts.push(format!(
            "{} after, the last {}",
            units::count(n_after),
            units::instant(times[n - 1], log.clock)
        ));
    }
    Some(found(
        STRAY,
        Severity::Warning,
        format!(
            "Far outside {} to {}, in which nearly all requests lie: {}",
            units::instant(low, log.clock),
            units::instant(high, log.clock),
            parts.join("; ")
        ),
        "A clock was wrong, or a default stands for an unknown time. Trends and replays stretch over the empty time",
        "Limit the time range, or mend the stamps in the export",
    ))
}

/// An hour without requests, or with those of two, in the night of a Sunday.
fn summer_time(evidence: &Evidence<'_>) -> Option<HealthCheck> {
    let times = &evidence.log.event_us;
    let (first, last) = evidence.log.event_span_us()?;
    let n_hours = (last / HOUR_US - first / HOUR_US + 1) as usize;
    if !(4..=100_000).contains(&n_hours) {
        return None;
    }
    let origin = first.div_euclid(HOUR_US);
    let mut hours = vec![0u64; n_hours + 1];
    for time in times {
        hours[(time.div_euclid(HOUR_US) - origin) as usize] += 1;
    }
    for h in 1..n_hours - 1 {
        let hour = origin + h as i64;
        // Day 0 of the epoch was a Thursday.
        let is_sunday_night = (hour.div_euclid(24) + 4) % 7 == 0 && (0..=3).contains(&(hour % 24));
        let around = hours[h - 1].min(hours[h + 1]);
        if !is_sunday_night || around < 50 {
            continue;
        }
        let (n, usual) = (hours[h] as f64, (hours[h - 1] + hours[h + 1]) as f64 / 2.0);
        let is_double =
            n > 1.7 * hours[h - 1].max(hours[h + 1]) as f64 && n > usual + 8.0 * usual.sqrt();
        if hours[h] > 0 && !is_double {
            continue;
        }
        let at = units::instant(hour * HOUR_US, evidence.log.clock);
        let what = if is_double {
            "holds the requests of two hours"
        } else {
            "is empty"
        };
        return Some(found(
            SUMMER,
            Severity::Warning,
            format!("The hour from {at}, a Sunday, {what}, as when clocks change"),
            "Stamps in local time skip or repeat that hour; what follows it is an hour off",
            "Export stamps in UTC, or set their time zone in the mapping",
        ));
    }
    None
}
