//! A log a few pieces at a time, for whoever need not hold all of it.

use super::columns::Builder;
use super::files::Files;
use super::issues::Issue;
use super::memory::Budget;
use super::part::Plan;
use super::view::View;
use super::{LoadRequest, Mapping, file_notes, is_request_log, note_assumptions, understand};
use crate::data::RequestLog;
use crate::error::{Error, ErrorKind, Result};
use crate::jobs::Progress;

/// What reading a log in pieces told.
#[derive(Debug, Clone)]
pub struct ReadInPieces {
    /// The mapping in force.
    pub mapping: Mapping,
    /// Requests that were read.
    pub n_requests: u64,
    /// What was rejected, repaired or assumed; the gravest first.
    pub issues: Vec<Issue>,
}

/// Reads a log and hands over its requests, some hundred thousand at a time and in the order of the
/// files. Arms and segment values have the same numbers in all pieces; units have no numbers but, per
/// row, a hash, 0 where a row names none: two of ten million users share one with a chance of 3e-6.
///
/// Fails as [`super::load`], and where tables beside the log would have to be joined.
pub fn read_in_pieces(
    request: &LoadRequest,
    progress: &Progress,
    mut take: impl FnMut(&RequestLog, &[u64]) -> Result<()>,
) -> Result<ReadInPieces> {
    let mut table = understand(request, progress)?;
    let (mapping, profile) = (&table.mapping, &table.profile);
    let first = table.files.sources[0].path.clone();
    is_request_log::check(mapping, profile, &first)?;
    if let Some(side) = mapping.side.first() {
        return Err(Error::new(
            ErrorKind::Settings,
            "A table beside the log cannot be joined while it is read in pieces",
        )
        .at(&side.file)
        .hint("Join it to the log first, in the engine that holds both"));
    }
    let mut issues = table.issues;
    note_assumptions(mapping, profile, request.mapping.is_some(), &mut issues);
    let view = View::new(mapping, &table.in_files, table.expressions);
    let mut plan = Plan::new(mapping, &profile.columns)?;
    plan.hashes_units = true;
    let mut builder = Builder::new(plan, Budget::new(None, mapping));
    let mut n_requests = 0;
    progress.phase("Reading", n_bytes(&table.files))?;
    let read = builder.read_waves(
        &table.files,
        &view,
        &mut issues,
        progress,
        |builder, issues| {
            let (log, units) = builder.hand_over(issues);
            n_requests += log.n_rows() as u64;
            take(&log, &units)
        },
    );
    let ends = table.files.or_changed(read).map_err(|e| e.at(&first))?;
    table.files.n_rows_of = ends.n_rows_of;
    table.files.ends_in_line = ends.ends_in_line;
    table.files.check_unchanged(&mut issues)?;
    file_notes::note_missing_columns(&table.files, mapping, &mut issues);
    Ok(ReadInPieces {
        mapping: table.mapping,
        n_requests,
        issues: issues.into_list(),
    })
}

fn n_bytes(files: &Files) -> u64 {
    files.sources.iter().map(|source| source.bytes).sum()
}
