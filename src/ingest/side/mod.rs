//! Tables beside a log: ratings, assignments and events, joined by key and time.
//!
//! A join never multiplies requests: each score counts for one request, each request is in one arm.
//! What did not match is counted on both sides.

mod apply;
mod keys;
mod report;
mod table;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::column_profile::ColumnProfile;
use super::files::{Files, file_name};
use super::issues::{Effect, Issues};
use super::mapping::{Mapping, Role};
use super::source::Source;
use crate::data::{Clock, Event, RequestLog};
use crate::error::{Error, ErrorKind, Result};
use crate::jobs::Progress;
use crate::units;
use table::Table;

/// A table that belongs to a log. Columns that are not named are told from names and values.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Side {
    /// What its rows are.
    pub kind: SideKind,
    /// File, folder or pattern; in a mapping file relative to that file.
    pub file: PathBuf,
    /// Its column that identifies the request or the unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The log's column with the same values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<String>,
    /// Its column with the score, the arm or the kind of event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Its column with the time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// Of events: its column with a remark.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Its column that names the score, or the experiment or flag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name_column: Option<String>,
    /// Which of those names count; all where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What a request with several scores gets; the last where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeats: Option<Repeats>,
    /// Scores become a metric of this name instead of the rating.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<String>,
}

/// What the rows of a side table are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SideKind {
    /// Scores of requests.
    #[default]
    Ratings,
    /// Assignments of units to arms.
    Assignments,
    /// Deploys, rollbacks and whatever else happened.
    Events,
}

impl SideKind {
    /// As shown to people.
    pub fn label(self) -> &'static str {
        match self {
            Self::Ratings => "Ratings",
            Self::Assignments => "Assignments",
            Self::Events => "Events",
        }
    }
}

/// Which of several scores of one request counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Repeats {
    /// The last one given.
    #[default]
    Last,
    /// The first one given.
    First,
    /// Their mean.
    Mean,
}

/// How a side table and the log fit each other.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Join {
    /// What was joined, with the columns that were found.
    pub side: Side,
    /// Rows of the side table.
    pub rows: u64,
    /// Of those, with another name.
    pub rows_of_other_names: u64,
    /// Of those that count, without a key, value or time that could be read.
    pub rows_unreadable: u64,
    /// Of the rest, whose key is in the log.
    pub rows_matched: u64,
    /// Of those, scores given before any of the requests with their key; they count for none.
    pub rows_before_first: u64,
    /// Of the rest, whose key is not.
    pub rows_unmatched: u64,
    /// Of events, those before the log's first request or after its last.
    pub rows_outside: u64,
    /// The first keys that are not in the log.
    pub unmatched_keys: Vec<String>,
    /// Requests of the log.
    pub requests: u64,
    /// Requests that got a score or an arm.
    pub requests_matched: u64,
    /// Requests whose key is not in the side table.
    pub requests_unmatched: u64,
    /// Requests of units that had no arm yet; they are left out.
    pub requests_before_first: u64,
    /// Requests of units with several arms at once; they are left out.
    pub requests_ambiguous: u64,
    /// The table's files.
    #[serde(skip)]
    pub files: Vec<Source>,
    /// The most scores of one request, or assignments of one unit.
    pub most_per_key: u64,
    /// Requests that share their key with another.
    pub requests_sharing_a_key: u64,
}

/// Joins the side tables of a mapping to a log and fills in their columns where they were found.
pub(super) fn join_all(
    mapping: &mut Mapping,
    files: &Files,
    columns: &[ColumnProfile],
    mut log: RequestLog,
    issues: &mut Issues,
    progress: &Progress,
) -> Result<(RequestLog, Vec<Join>)> {
    let mut joins = Vec::new();
    let mut sides = std::mem::take(&mut mapping.side);
    for side in &mut sides {
        let path = side.file.clone();
        let mut join = Join {
            requests: log.n_rows() as u64,
            ..Join::default()
        };
        let zone = mapping.time_zone.as_deref();
        let table =
            table::read(side, zone, &mut join, issues, progress).map_err(|e| e.at(&path))?;
        progress.phase("Joining tables", 0)?;
        if side.kind == SideKind::Events {
            place_events(&mut log, &table, &mut join, issues);
        } else {
            let log_files = keys::LogKeys {
                files,
                mapping,
                columns,
            };
            let codes =
                keys::codes_of_rows(side, &table, &log_files, progress).map_err(|e| e.at(&path))?;
            join.side = side.clone();
            keys::count(&table, &codes, &mut join);
            let codes = (codes.of_rows.as_slice(), codes.of_table.as_slice());
            log = match side.kind {
                SideKind::Assignments => {
                    apply::assignments(log, &table, codes, &mut join).map_err(|e| e.at(&path))?
                }
                _ => apply::ratings(log, (side, &table), codes, &mut join),
            };
            note_losses(&join, &path, issues);
            if side.kind == SideKind::Ratings {
                note_late(&log, &path, issues);
            }
        }
        join.side = side.clone();
        joins.push(join);
    }
    mapping.side = sides;
    Ok((log, joins))
}

/// What stands in the way of side tables before anything is read: two sources of one role. A table that was added takes the part of the column that has it; one that stands in a mapping
/// file beside such a column contradicts it.
pub(super) fn check(
    mapping: &mut Mapping,
    given: Option<&Mapping>,
    issues: &mut Issues,
) -> Result<()> {
    for i in 0..mapping.side.len() {
        let side = &mapping.side[i];
        let role = match side.kind {
            SideKind::Assignments => Role::Variant,
            SideKind::Ratings if side.metric.is_none() => Role::Rating,
            _ => continue,
        };
        let is_same = |other: &Side| other.kind == side.kind && other.metric.is_none();
        let is_twice = mapping.side[..i].iter().any(is_same);
        let column = mapping.column(role).map(|c| c.column.clone());
        let is_given = given.is_some_and(|g| g.side.iter().any(is_same));
        if is_twice || (is_given && column.is_some()) {
            return Err(Error::new(
                ErrorKind::Settings,
                format!("Two sources play the role \"{}\"", role.label()),
            )
            .key(format!("side[{i}]"))
            .hint("Keep one of them; further scores can become metrics with metric = \"NAME\""));
        }
        if let Some(column) = column {
            mapping.assign(&column, (role == Role::Variant).then_some(Role::Segment));
            issues.note(
                Effect::Assumed,
                Some(&column),
                "A table beside the log plays the role that this column would have",
                "",
                "Leave the table out, or write a mapping file, if the column is meant",
            );
        }
    }
    Ok(())
}

fn place_events(log: &mut RequestLog, table: &Table, join: &mut Join, issues: &mut Issues) {
    if log.clock != Clock::Epoch {
        issues.note(
            Effect::Missing,
            None,
            "The log has no dates, so that events cannot be placed",
            "",
            "Map a column with dates as time",
        );
        return;
    }
    let known = log.events.len();
    log.events.extend(table.events());
    let placed = &log.events[known..];
    let (from, to) = (log.time_zero_us(), log.event_us.last().copied());
    let is_outside = |e: &&Event| e.time_us < from || Some(e.time_us) > to;
    join.rows_outside = placed.iter().filter(is_outside).count() as u64;
    join.rows_unreadable = (table.n_rows() - placed.len()) as u64;
    join.rows_matched = placed.len() as u64 - join.rows_outside;
    log.events
        .sort_by(|a, b| (a.time_us, &a.kind).cmp(&(b.time_us, &b.kind)));
}

/// Rules and trends take a rating as known when its request completes: says how wrong that is.
fn note_late(log: &RequestLog, path: &Path, issues: &mut Issues) {
    let Some(times) = &log.rated_at_us else {
        return;
    };
    let delays = times
        .iter()
        .zip(&log.event_us)
        .map(|(at, event)| at - event);
    let mut late: Vec<i64> = delays.filter(|delay| *delay > 0).collect();
    late.sort_unstable();
    let Some(median) = late.get(late.len() / 2) else {
        return;
    };
    let detail = format!(
        "{} ({}), half of them at least {} later",
        units::count(late.len() as u64),
        file_name(path),
        units::duration_us(*median)
    );
    issues.note(
        Effect::Noted,
        None,
        "Ratings that were given after their request count from its completion",
        &detail,
        "Trends show them with their request; a rule on ratings would have fired later than its replay says",
    );
}

fn note_losses(join: &Join, path: &Path, issues: &mut Issues) {
    let name = file_name(path);
    let mut lost = |n: u64, effect: Effect, message: &'static str, hint: &str| {
        if n > 0 {
            let detail = format!("{n} ({name})");
            issues.note(effect, None, message, &detail, hint);
        }
    };
    lost(
        join.rows_unmatched,
        Effect::Missing,
        "Rows of a table beside the log whose key is not in the log",
        "They may belong to other days; if they are many, name other columns with key and on",
    );
    lost(
        join.rows_before_first,
        Effect::Missing,
        "Scores that were given before any request with their key",
        "They may belong to requests before the log began; or the times of one file are in another zone",
    );
    if join.side.kind == SideKind::Assignments {
        let hint = "Requests that belong to no arm cannot be compared; they were left out";
        lost(
            join.requests_unmatched,
            Effect::Rejected,
            "Requests of units that were never assigned",
            hint,
        );
        lost(
            join.requests_before_first,
            Effect::Rejected,
            "Requests before the unit's first assignment",
            hint,
        );
        lost(
            join.requests_ambiguous,
            Effect::Rejected,
            "Requests of units with several arms and no times to tell which was in force",
            "Export the assignments with their times",
        );
    }
}
