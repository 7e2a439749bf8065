//! Files to [`RequestLog`] and [`Issue`]s: the only place that reads data files.
//!
//! A file is read twice: once to profile its columns and guess their roles ([`detect`]), once to
//! fill typed columns in batches ([`columns`]). Text stays text until its role says how to read
//! it. Nothing is dropped in silence: every rejected or repaired value becomes an issue.

mod batch;
mod cell;
mod columns;
mod csv;
mod detect;
mod issues;
mod json;
mod known_names;
mod mapping;
mod names;
mod number;
mod otlp;
mod outcome;
mod parquet;
mod profile;
mod question;
mod reader;
mod source;
mod stamp;
mod stamp_column;
mod stamp_text;
mod view;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use detect::Guess;
pub use issues::{Effect, Issue};
pub use mapping::{ColumnRole, Mapping, Role, RowFilter, TableKind};
pub use number::DecimalMark;
pub use profile::ColumnProfile;
pub use question::{Answer, Candidate, Question};
pub use source::{Compression, Format, Source};
pub use stamp::{DurationUnit, StampForm};

use crate::data::RequestLog;
use crate::error::{Error, ErrorKind, Result};
use crate::jobs::Progress;
use issues::Issues;
use profile::Profile;
use reader::Reader;
use view::View;

/// Which file to read, and how.
#[derive(Debug, Clone)]
pub struct LoadRequest {
    /// The log.
    pub path: PathBuf,
    /// The roles of its columns; `None` guesses them.
    pub mapping: Option<Mapping>,
}

/// A log, and what happened while reading it.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The log.
    pub log: Arc<RequestLog>,
    /// The file.
    pub source: Source,
    /// Rows in the file.
    pub n_rows_in_file: u64,
    /// The mapping in force.
    pub mapping: Mapping,
    /// Every column of the file with its guess.
    pub guesses: Vec<Guess>,
    /// What was rejected, repaired or assumed; the gravest first.
    pub issues: Vec<Issue>,
}

/// Reads a log.
///
/// Fails when the file cannot be read, is not a request log, or contradicts the given mapping.
pub fn load(request: &LoadRequest, progress: &Progress) -> Result<Loaded> {
    let path = request.path.as_path();
    let source = Source::open(path)?;
    let given = request.mapping.as_ref();
    let named = given.map_or_else(Vec::new, Mapping::column_names);
    let sample = profile::sample(&source, &named, progress).map_err(|e| e.at(path))?;
    let in_file = sample.in_file();
    let profile = sample.profile(given.and_then(|m| m.rows.as_ref()));
    let (mut mapping, guesses) = detect::detect(&profile);
    if let Some(given) = given {
        given.check(&in_file)?;
        mapping = given.clone();
        detect::complete(&mut mapping, &profile.columns);
    }
    check_is_request_log(&mapping, &profile, path)?;
    let mut issues = Issues::default();
    note_assumptions(&mapping, &profile, request.mapping.is_some(), &mut issues);
    let view = View::new(&mapping, &in_file);
    let builder = columns::Builder::new(&mapping, &profile.columns)?;
    let log = read_log(&source, &view, builder, &mut issues, progress)?;
    Ok(Loaded {
        log: Arc::new(log),
        source,
        n_rows_in_file: profile.n_rows,
        mapping,
        guesses,
        issues: issues.into_list(),
    })
}

/// The second pass: fills the typed columns.
fn read_log(
    source: &Source,
    view: &View,
    mut builder: columns::Builder<'_>,
    issues: &mut Issues,
    progress: &Progress,
) -> Result<RequestLog> {
    let mut reader = Reader::open(source)?;
    progress.phase("Reading", reader.progress().1)?;
    while let Some(batch) = reader.next_batch(view.wanted(), issues)? {
        builder.push(&view.of(batch, issues), issues);
        progress.tick(reader.progress().0)?;
    }
    progress.phase("Sorting by time", 0)?;
    let name = source
        .path
        .file_name()
        .map_or_else(|| "log".to_owned(), |n| n.to_string_lossy().into_owned());
    let log = builder.finish(name, issues);
    if log.n_rows() == 0 {
        return Err(Error::new(ErrorKind::NotARequestLog, "No row could be read")
            .at(&source.path)
            .hint("See `hindsight inspect` for how the columns were understood, and correct it with --mapping"));
    }
    Ok(log)
}

/// A request log tells at least when or how its requests went.
fn check_is_request_log(mapping: &Mapping, profile: &Profile, path: &Path) -> Result<()> {
    let has = |role| mapping.column(role).is_some();
    // One constant word named like a variant says nothing about requests.
    let n_arms = mapping
        .column(Role::Variant)
        .and_then(|c| profile.columns.iter().find(|p| p.name == c.column));
    let has_arms = n_arms.is_some_and(|p| p.n_distinct > 1);
    let tells_how = [
        Role::Latency,
        Role::Ttft,
        Role::Status,
        Role::Rating,
        Role::TokensIn,
        Role::TokensOut,
        Role::Cost,
        Role::Metric,
    ]
    .into_iter()
    .any(has);
    if tells_how || has_arms {
        return Ok(());
    }
    let names: Vec<&str> = profile
        .columns
        .iter()
        .take(12)
        .map(|c| c.name.as_str())
        .collect();
    let more = if profile.columns.len() > 12 {
        ", …"
    } else {
        ""
    };
    Err(Error::new(
        ErrorKind::NotARequestLog,
        "No column looks like a variant, latency, status, rating, tokens or cost of single requests",
    )
    .at(path)
    .hint(format!(
        "The columns are: {}{more}. If it is a request log, say which column is what with --mapping FILE",
        names.join(", ")
    )))
}

/// What was taken for granted about the file as a whole.
fn note_assumptions(mapping: &Mapping, profile: &Profile, is_given: bool, issues: &mut Issues) {
    for name in profile
        .ambiguous_marks
        .iter()
        .filter(|name| mapping.columns.iter().any(|c| c.column == **name))
    {
        issues.note(
            Effect::Assumed,
            Some(name),
            "A comma before three digits can mark thousands or decimals; thousands were assumed",
            "",
            "If 1,234 means one and a bit, set decimal_mark = \"comma\" in the mapping file",
        );
    }
    if is_given {
        return;
    }
    for column in mapping.columns.iter().filter(|c| c.role.is_duration()) {
        let Some(unit) = column.unit else { continue };
        issues.note(
            Effect::Noted,
            Some(&column.column),
            "Unit of the duration",
            unit.label(),
            "If that is wrong, set the unit in a mapping file",
        );
    }
}
