//! Which rows of a log and of a side table have the same key, and by which pair of columns.

use std::collections::HashMap;

use super::super::batch::Texts;
use super::super::column_profile::ColumnProfile;
use super::super::files::Files;
use super::super::issues::Issues;
use super::super::log_reader::each_batch;
use super::super::mapping::{self, ColumnRole, Mapping, Role};
use super::super::view::View;
use super::table::{Table, is_id};
use super::{Join, Side};
use crate::error::{Error, ErrorKind, Result};
use crate::jobs::Progress;

/// A row without a key, or with one that the other side does not have.
pub(super) const NO_KEY: u32 = u32::MAX;
/// Columns of the log that are tried.
const MAX_COLUMNS: usize = 10;

/// What is known of the log's columns.
pub(super) struct LogKeys<'a> {
    pub(super) files: &'a Files,
    pub(super) mapping: &'a Mapping,
    pub(super) columns: &'a [ColumnProfile],
}

/// Keys as numbers.
pub(super) struct Codes {
    /// Per row of the log's files.
    pub(super) of_rows: Vec<u32>,
    /// Per row of the side table.
    pub(super) of_table: Vec<u32>,
    n_keys: usize,
}

/// Finds the pair of columns by which most rows match, unless both are given, and the keys by it.
pub(super) fn codes_of_rows(
    side: &mut Side,
    table: &Table,
    log: &LogKeys<'_>,
    progress: &Progress,
) -> Result<Codes> {
    let in_files = log.files.all_columns();
    let columns = candidates(side, log, &in_files)?;
    let dictionaries: Vec<Dictionary> = table.keys.iter().map(|(_, k)| Dictionary::of(k)).collect();
    let (key, on) = if dictionaries.len() == 1 && columns.len() == 1 {
        (0, 0)
    } else {
        best_pair(&dictionaries, &columns, log, &in_files, progress)?
    };
    let dictionary = &dictionaries[key];
    let mut of_rows = vec![NO_KEY; log.files.n_rows() as usize];
    let mut is_found = false;
    each_cell(
        &columns[on..=on],
        log.files,
        &in_files,
        progress,
        |_, row, text| {
            if let Some(code) = dictionary.codes.get(text) {
                of_rows[row] = *code;
                is_found = true;
            }
        },
    )?;
    if !is_found {
        return Err(nothing_matches(side, table, &columns));
    }
    side.key = Some(table.keys[key].0.clone());
    side.on = Some(columns[on].clone());
    Ok(Codes {
        of_rows,
        of_table: dictionary.of_rows.clone(),
        n_keys: dictionary.codes.len(),
    })
}

/// Counts rows of the side table whose key the log has, and the others.
pub(super) fn count(table: &Table, codes: &Codes, join: &mut Join) {
    let mut is_in_log = vec![false; codes.n_keys];
    for code in codes.of_rows.iter().filter(|c| **c != NO_KEY) {
        is_in_log[*code as usize] = true;
    }
    let keys = table
        .keys
        .iter()
        .find(|(name, _)| Some(name) == join.side.key.as_ref());
    for (row, code) in codes.of_table.iter().enumerate() {
        if *code == NO_KEY || table.values[row].is_none() {
            join.rows_unreadable += 1;
        } else if is_in_log[*code as usize] {
            join.rows_matched += 1;
        } else {
            join.rows_unmatched += 1;
            let text = keys.and_then(|(_, keys)| keys[row].clone());
            if join.unmatched_keys.len() < 5 {
                join.unmatched_keys.extend(text);
            }
        }
    }
}

/// The distinct keys of a column of the side table.
struct Dictionary {
    codes: HashMap<String, u32>,
    of_rows: Vec<u32>,
}

impl Dictionary {
    fn of(keys: &[Option<String>]) -> Self {
        let mut codes: HashMap<String, u32> = HashMap::new();
        let of_rows = keys
            .iter()
            .map(|key| {
                let Some(key) = key else { return NO_KEY };
                let next = codes.len() as u32;
                *codes.entry(key.clone()).or_insert(next)
            })
            .collect();
        Self { codes, of_rows }
    }
}

/// The columns of the log that may hold the key: the request's and the unit's id, then all ids.
fn candidates(side: &Side, log: &LogKeys<'_>, in_files: &[String]) -> Result<Vec<String>> {
    if let Some(on) = &side.on {
        if !mapping::is_in(on, in_files) {
            return Err(Error::new(
                ErrorKind::Settings,
                format!("The log has no column named \"{on}\""),
            )
            .key("side.on")
            .hint(format!("Its columns are: {}", in_files.join(", "))));
        }
        return Ok(vec![on.clone()]);
    }
    let of_roles = [Role::RequestId, Role::Unit].into_iter();
    let mut columns: Vec<String> = of_roles
        .filter_map(|role| log.mapping.column(role).map(|c| c.column.clone()))
        .collect();
    for column in log.columns.iter().filter(|c| is_id(&c.name)) {
        if !columns.contains(&column.name) && columns.len() < MAX_COLUMNS {
            columns.push(column.name.clone());
        }
    }
    if columns.is_empty() {
        return Err(Error::new(
            ErrorKind::Settings,
            "No column of the log looks like an id to join by",
        )
        .key("side.on")
        .hint(format!(
            "Name it in the mapping file: on = \"COLUMN\". The columns are: {}",
            in_files.join(", ")
        )));
    }
    Ok(columns)
}

/// The pair by which most rows of the side table find a request; of equals the one that fewest
/// requests share, then the first.
fn best_pair(
    dictionaries: &[Dictionary],
    columns: &[String],
    log: &LogKeys<'_>,
    in_files: &[String],
    progress: &Progress,
) -> Result<(usize, usize)> {
    let pair = |key: usize, on: usize| key * columns.len() + on;
    let mut hits: Vec<Vec<bool>> = Vec::new();
    for dictionary in dictionaries {
        hits.extend(vec![vec![false; dictionary.codes.len()]; columns.len()]);
    }
    let mut n_requests = vec![0u64; hits.len()];
    each_cell(columns, log.files, in_files, progress, |on, _, text| {
        for (key, dictionary) in dictionaries.iter().enumerate() {
            if let Some(code) = dictionary.codes.get(text) {
                hits[pair(key, on)][*code as usize] = true;
                n_requests[pair(key, on)] += 1;
            }
        }
    })?;
    let n_rows = |key: usize, on: usize| {
        let codes = dictionaries[key].of_rows.iter().filter(|c| **c != NO_KEY);
        codes.filter(|c| hits[pair(key, on)][**c as usize]).count()
    };
    let all = (0..dictionaries.len()).flat_map(|key| (0..columns.len()).map(move |on| (key, on)));
    let ranked = all.map(|(key, on)| {
        let rank = (
            std::cmp::Reverse(n_rows(key, on)),
            n_requests[pair(key, on)],
        );
        (rank, (key, on))
    });
    Ok(ranked.min().map_or((0, 0), |(_, pair)| pair))
}

/// Calls `take` with the column, the data row and the text of every cell that has one.
fn each_cell(
    columns: &[String],
    files: &Files,
    in_files: &[String],
    progress: &Progress,
    mut take: impl FnMut(usize, usize, &str),
) -> Result<()> {
    let roles = columns.iter().map(|c| ColumnRole::new(c, Role::Segment));
    let mapping = Mapping {
        columns: roles.collect(),
        ..Mapping::default()
    };
    let view = View::new(&mapping, in_files, Vec::new());
    // Every issue was reported when the log itself was read.
    let mut ignored = Issues::default();
    let mut n_rows = 0;
    progress.phase("Matching keys", files.n_rows())?;
    each_batch(files, &view, &mut ignored, |batch, _| {
        for (at, column) in batch.columns.iter().enumerate() {
            Texts::of(column).for_each(|i, text| {
                if let Some(text) = text.map(str::trim).filter(|t| !t.is_empty()) {
                    take(at, batch.rows[i] as usize, text);
                }
            });
        }
        n_rows += batch.rows.len() as u64;
        progress.tick(n_rows)
    })
}

fn nothing_matches(side: &Side, table: &Table, columns: &[String]) -> Error {
    let keys: Vec<&str> = table.keys.iter().map(|(name, _)| name.as_str()).collect();
    let hint = if side.key.is_some() || side.on.is_some() {
        "Leave key and on out of the mapping file to have them found, or name other columns"
    } else {
        "Name the columns in the mapping file: key = \"COLUMN of the table\", on = \"COLUMN of the log\""
    };
    Error::new(
        ErrorKind::Settings,
        format!(
            "Nothing matches: no value of {} occurs in the log's {}",
            keys.join(", "),
            columns.join(", ")
        ),
    )
    .key("side.key")
    .hint(hint)
}
