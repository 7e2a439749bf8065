//! Files to [`RequestLog`] and [`Issue`]s: the only place that reads data files.
//!
//! A file is read twice: once to profile its columns and guess their roles ([`detect`]), once to
//! fill typed columns in batches ([`columns`]). Text stays text until its role says how to read
//! it. Nothing is dropped in silence: every rejected or repaired value becomes an issue.

mod ask;
mod assign;
mod batch;
mod cell;
mod cells_bytes;
mod cells_file;
mod column_profile;
mod columns;
mod container;
mod csv;
mod csv_block;
mod derive;
mod detect;
mod digest;
mod durations;
mod encoding;
mod event_times;
mod file_notes;
mod files;
mod fit;
mod ids;
mod is_request_log;
mod issues;
mod json;
mod kept;
mod key;
mod known_names;
mod left_out;
mod log_reader;
mod loose_json;
mod mapping;
mod memory;
mod named_metrics;
mod names;
mod nested;
mod newlines;
mod number;
mod on_disk;
mod other_formats;
mod otlp;
mod outcome;
mod outcome_choice;
mod parquet;
mod part;
mod pieces;
mod preset_roles;
mod profile;
mod question;
mod reader;
mod router;
mod session_clock;
mod shadow_ids;
mod side;
mod sniff;
mod source;
mod sql_columns;
mod stamp;
mod stamp_column;
mod stamp_text;
mod text_sample;
mod tools;
mod unread;
mod unused;
mod view;
mod written;
mod written_duration;

use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;

pub use cells_bytes::{cells_bytes, stages_bytes, units_bytes};
pub use cells_file::{
    CELLS_FILE, STAGES_FILE, UNITS_FILE, cells_digests, folder_of_cells, is_cells, read_cells,
};
pub use column_profile::{ColumnProfile, Declared};
pub use derive::Derived;
pub use detect::Guess;
pub use digest::FileDigest;
pub use files::files_behind;
pub use issues::{Effect, Issue};
pub use mapping::{ColumnRole, Mapping, Role, RowFilter, TableKind};
pub use number::DecimalMark;
pub use on_disk::read_text;
pub use pieces::{ReadInPieces, read_in_pieces};
pub use question::{Answer, Candidate, Question};
pub use session_clock::OwnClocks;
pub use side::{Join, Repeats, Side, SideKind};
pub use source::{Compression, Encoding, Format, Source};
pub use sql_columns::log_table;
pub use stamp::{DurationUnit, StampForm};
pub use tools::{Names, PresetColumn, PresetNote, ToolPreset, Tools};
pub use unused::{CouldBe, UnusedColumn};
pub use written::{WrittenRows, written_rows};

use crate::cells::Cells;
use crate::data::{Doubt, RequestLog};
use crate::error::{Error, ErrorKind, Result};
use crate::jobs::Progress;
use columns::Builder;
use derive::Expression;
use files::Files;
use issues::Issues;
use memory::Budget;
use part::Plan;
use profile::Profile;
use router::Router;
use view::View;

/// Which files to read, and how.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LoadRequest {
    /// The log: files, folders of files, and patterns such as `logs/*.csv`, read as one.
    pub paths: Vec<PathBuf>,
    /// The roles of its columns; `None` guesses them.
    pub mapping: Option<Mapping>,
    /// What is known beyond the mapping, given or guessed.
    pub added: Additions,
    /// The tools whose exports are recognised.
    pub tools: Tools,
    /// Bytes of memory that the log may take, with what is made of it; `None` for as many as there are.
    pub memory: Option<u64>,
}

/// What adds to a mapping, given or guessed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Additions {
    /// Of text that does not tell its encoding; before the mapping's own.
    pub encoding: Option<Encoding>,
    /// Columns made of others.
    pub derive: Vec<Derived>,
    /// Tables beside the log. One of a kind that the mapping has one of takes its place, with the
    /// mapping's columns.
    pub side: Vec<Side>,
    /// Columns that rules name: read as metrics where they hold numbers and have no such role yet.
    pub metrics: Vec<String>,
    /// What routers may put before an id: tried when the router of a log is told from its ids.
    pub salts: Vec<String>,
}

/// A log, and what happened while reading it.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The log.
    pub log: Arc<RequestLog>,
    /// The files, in reading order.
    pub files: Vec<LoadedFile>,
    /// Rows in all files.
    pub n_rows_in_file: u64,
    /// The mapping in force.
    pub mapping: Mapping,
    /// Every column of the file with its guess.
    pub guesses: Vec<Guess>,
    /// Columns of the file that play no part.
    pub unused: Vec<UnusedColumn>,
    /// How the tables beside the log fit it.
    pub joins: Vec<Join>,
    /// What was rejected, repaired or assumed; the gravest first.
    pub issues: Vec<Issue>,
    /// The cells by which the log is known; it has no rows then. `None` for a log of requests.
    pub cells: Option<Arc<Cells>>,
}

/// A file of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LoadedFile {
    /// The file.
    #[serde(flatten)]
    pub source: Source,
    /// Its name in issues and in the column that tells the files apart.
    pub label: String,
    /// Its rows.
    pub rows: u64,
}

impl LoadRequest {
    /// One file, folder or pattern, with guessed roles.
    pub fn of(path: impl Into<PathBuf>) -> Self {
        Self {
            paths: vec![path.into()],
            ..Self::default()
        }
    }
}

impl Loaded {
    /// What the files are, as shown to people: "CSV (,), gzip", or "3 files: CSV (,)".
    pub fn description(&self) -> String {
        let mut forms: Vec<String> = self.files.iter().map(|f| f.source.description()).collect();
        forms.sort();
        forms.dedup();
        let forms = forms.join("; ");
        match self.files.len() {
            1 => forms,
            n => format!("{n} files: {forms}"),
        }
    }

    /// The files of the log and of the tables beside it.
    pub fn sources(&self) -> impl Iterator<Item = &Source> {
        let of_log = self.files.iter().map(|file| &file.source);
        of_log.chain(self.joins.iter().flat_map(|join| &join.files))
    }

    /// Size of the log's files on disk.
    pub fn n_bytes(&self) -> u64 {
        self.files.iter().map(|file| file.source.bytes).sum()
    }
}

/// Microseconds since 1970 of a date, or date and time, as people write it; UTC unless it names a zone.
pub fn instant_us(text: &str) -> Option<i64> {
    stamp_text::text_stamp_us(text, &mut false)
}

/// How a table would be read.
pub struct Understood {
    /// The mapping, with what has to be asked.
    pub mapping: Mapping,
    /// Every column of the files with its guess.
    pub guesses: Vec<Guess>,
    /// Rows that were looked at; all of a small table.
    pub n_rows: u64,
    files: Files,
    profile: Profile,
    /// The columns of the files, without keys inside cells.
    in_files: Vec<String>,
    expressions: Vec<Expression>,
    router: Option<Router>,
    /// Columns that could not be read as what their names promise.
    doubts: Vec<Doubt>,
    issues: Issues,
}

/// Looks at a table: what tool wrote it, which column is what, what cannot be told.
///
/// Fails when a file cannot be read or contradicts the given mapping.
pub fn understand(request: &LoadRequest, progress: &Progress) -> Result<Understood> {
    cells_file::refuse_cells(&request.paths)?;
    let mut issues = Issues::default();
    let given = request.mapping.as_ref().map(|m| m.with(&request.added));
    let given = given.as_ref();
    let encoding = request.added.encoding.or(given.and_then(|m| m.encoding));
    let mut files = Files::open(&request.paths, encoding, &mut issues)?;
    file_notes::note_encodings(&files, encoding, &mut issues);
    file_notes::note_lines_before(&files, &mut issues);
    let mut named = given.map_or_else(Vec::new, Mapping::column_names);
    named.extend(request.added.metrics.iter().cloned());
    let sample = profile::sample(&mut files, &named, progress);
    let mut sample = files.or_changed(sample)?;
    let in_files = sample.in_files();
    if given.is_none() {
        for (names, source) in files.columns.iter().zip(&files.sources) {
            if matches!(source.format, Format::Csv { .. }) {
                unread::check_names(names).map_err(|e| e.at(&source.path))?;
            }
        }
    }
    let preset = match given {
        Some(_) => None,
        None => request.tools.recognise(&sample.names().collect::<Vec<_>>()),
    };
    let rows = match given {
        Some(given) => given.rows.clone(),
        None => preset.and_then(|preset| preset_roles::rows(preset, &sample)),
    };
    let asked = given.map_or_else(|| Mapping::default().with(&request.added), Mapping::clone);
    let mark = given.map_or_else(|| sample.decimal_mark().0, |m| m.decimal_mark);
    let expressions = derive::expressions(&asked, &in_files, mark)?;
    derive::add_to(&mut sample, &expressions)?;
    let profile = sample.profile(rows.as_ref());
    let (mut mapping, mut guesses) = detect::detect(&profile, preset);
    mapping.rows = rows;
    if let Some(given) = given {
        let derived = given.derive.iter().map(|d| d.name.clone());
        given.check(&in_files.iter().cloned().chain(derived).collect::<Vec<_>>())?;
        mapping = given.clone();
        named_metrics::add(
            &mut mapping,
            &request.added.metrics,
            &profile.columns,
            &mut issues,
        );
        detect::complete(&mut mapping, &profile.columns);
    } else {
        mapping.take_over(asked, &mut guesses);
        named_metrics::add(
            &mut mapping,
            &request.added.metrics,
            &profile.columns,
            &mut issues,
        );
        detect::complete(&mut mapping, &profile.columns);
        file_notes::take_files_as_arms(&files, &mut mapping, &mut guesses, &mut issues);
    }
    mapping.encoding = encoding;
    side::check(&mut mapping, request.mapping.as_ref(), &mut issues)?;
    let router = router::recognise(&sample, &mapping, &request.added.salts);
    let doubts = if given.is_none() && preset.is_none() {
        unread::note_unread(&mapping, &guesses, &mut issues)
    } else {
        Vec::new()
    };
    if let Some(preset) = preset {
        preset_roles::note(preset, &profile, &mut issues);
    }
    Ok(Understood {
        mapping,
        guesses,
        n_rows: profile.n_rows,
        files,
        profile,
        in_files,
        expressions,
        router,
        doubts,
        issues,
    })
}

/// Reads a log.
///
/// Fails when a file cannot be read, is not a request log, or contradicts the given mapping.
pub fn load(request: &LoadRequest, progress: &Progress) -> Result<Loaded> {
    let mut table = understand(request, progress)?;
    let (mapping, profile) = (&table.mapping, &table.profile);
    is_request_log::check(mapping, profile, &table.files.sources[0].path)?;
    let mut issues = table.issues;
    note_assumptions(mapping, profile, request.mapping.is_some(), &mut issues);
    let mut unused = unused::columns(mapping, &table.guesses, &table.expressions);
    let view = View::new(mapping, &table.in_files, table.expressions);
    let mut plan = Plan::new(mapping, &profile.columns)?;
    plan.router = table.router;
    let builder = Builder::new(plan, Budget::new(request.memory, mapping));
    let read = read_log(&mut table.files, &view, builder, &mut issues, progress);
    let first = &table.files.sources[0].path;
    let log = table.files.or_changed(read).map_err(|e| e.at(first))?;
    let log = session_clock::set_aside(log, &table.mapping, &mut issues);
    table.files.check_unchanged(&mut issues)?;
    file_notes::note_missing_columns(&table.files, mapping, &mut issues);
    let columns = &table.profile.columns;
    let (files, mapping) = (&table.files, &mut table.mapping);
    let (mut log, joins) = side::join_all(mapping, files, columns, log, &mut issues, progress)?;
    // Keys of the tables beside the log are known only now.
    unused.retain(|c| {
        mapping
            .side
            .iter()
            .all(|s| s.on.as_ref() != Some(&c.column))
    });
    log.doubts = unread::open_questions(mapping)
        .chain(table.doubts)
        .collect();
    let of_kinds = |c: &&UnusedColumn| !matches!(c.could_be, CouldBe::Nothing | CouldBe::Time);
    let of_use = unused.iter().filter(of_kinds);
    log.unread_columns = of_use.map(|c| c.column.clone()).collect();
    Ok(Loaded {
        log: Arc::new(log),
        n_rows_in_file: table.files.n_rows(),
        files: table.files.into_loaded(),
        mapping: table.mapping,
        guesses: table.guesses,
        unused,
        joins,
        issues: issues.into_list(),
        cells: None,
    })
}

/// The second pass: fills the typed columns.
fn read_log(
    files: &mut Files,
    view: &View,
    mut builder: Builder<'_>,
    issues: &mut Issues,
    progress: &Progress,
) -> Result<RequestLog> {
    let n_bytes = files.sources.iter().map(|source| source.bytes).sum();
    progress.phase("Reading", n_bytes)?;
    let ends = builder.read(files, view, issues, progress)?;
    files.n_rows_of = ends.n_rows_of;
    files.ends_in_line = ends.ends_in_line;
    progress.phase("Sorting by time", 0)?;
    let log = builder.finish(files.name(), issues, progress)?;
    if log.n_rows() == 0 {
        let why = issues
            .gravest()
            .map_or_else(String::new, |issue| format!(": {}", issue.in_short()));
        let message = format!("No row could be read{why}");
        return Err(Error::new(ErrorKind::NotARequestLog, message)
            .at(&files.sources[0].path)
            .hint("See `hindsight inspect` for how the columns were understood, and correct it with --mapping"));
    }
    Ok(log)
}

/// What was taken for granted about the file as a whole.
fn note_assumptions(mapping: &Mapping, profile: &Profile, is_given: bool, issues: &mut Issues) {
    for question in &mapping.questions {
        let (column, assumed) = (question.subject(), question.assumed_label());
        let detail = format!("{} Assumed: {assumed}", question.text);
        let hint = "Answer it on the Log screen, or say it in a mapping file";
        issues.note(
            Effect::Assumed,
            column,
            "Not told by the values",
            &detail,
            hint,
        );
    }
    for column in &profile.columns {
        let is_id = |c: &ColumnRole| matches!(c.role, Role::Unit | Role::RequestId);
        let mut roles = mapping.columns.iter().filter(|c| c.column == column.name);
        if roles.any(is_id) && column.has_rounded_ids() {
            issues.note(
                Effect::Assumed,
                Some(&column.name),
                "Ids that a spreadsheet rounded",
                column.samples.first().map_or("", String::as_str),
                "Different ids may have become one; export the log again without opening it in a spreadsheet",
            );
        }
    }
    if is_given || mapping.tool.is_some() {
        return;
    }
    for column in mapping.columns.iter().filter(|c| c.role.is_duration()) {
        let Some(unit) = column.unit else { continue };
        issues.note(
            Effect::Noted,
            Some(&column.column),
            "Unit of the duration",
            unit.label(),
            "If that is wrong, set the unit on the Log screen or in a mapping file",
        );
    }
}
