//! `--examples`: single bad requests, their text read from the file again.

use super::arguments::ReportArguments;
use crate::analysis::{AnalysisSettings, bad_requests, select};
use crate::error::{Error, ErrorKind, Result};
use crate::ingest::{Loaded, Role, written_rows};
use crate::jobs::Progress;
use crate::report::{ExampleTexts, Examples};

/// Roles whose values tell who somebody is: never shown, and taken out of other text.
const IDENTIFYING: [Role; 2] = [Role::Unit, Role::RequestId];

/// The examples that were asked for; `None` where none were.
pub(super) fn examples(
    arguments: &ReportArguments,
    loaded: &Loaded,
    settings: &AnalysisSettings,
    progress: &Progress,
) -> Result<Option<Examples>> {
    let Some(most) = arguments.examples else {
        return Ok(None);
    };
    let columns = text_columns(&arguments.example_text, loaded)?;
    let selection = select(&loaded.log, settings)?;
    let log = &*selection.rows;
    let arm = selection.treatment.unwrap_or(selection.control);
    let picked = bad_requests(log, arm, most as usize);
    let mut rows: Vec<u32> = picked
        .iter()
        .flat_map(|bad| &bad.rows)
        .map(|row| log.row[*row as usize])
        .collect();
    rows.sort_unstable();
    rows.dedup();
    let texts = if columns.is_empty() {
        ExampleTexts::new()
    } else {
        read(loaded, &columns, &rows, progress)?
    };
    Ok(Some(Examples::of(log, arm, &picked, columns, &texts)))
}

/// The named columns, where the log has them and they name nobody.
fn text_columns(names: &[String], loaded: &Loaded) -> Result<Vec<String>> {
    for name in names {
        if !loaded
            .guesses
            .iter()
            .any(|guess| guess.profile.name == *name)
        {
            return Err(
                Error::new(ErrorKind::Settings, format!("The log has no column {name}"))
                    .hint("`hindsight inspect LOG` lists its columns"),
            );
        }
        let of_name = |column: &&crate::ingest::ColumnRole| column.column == *name;
        let role = loaded.mapping.columns.iter().find(of_name).map(|c| c.role);
        if role.is_some_and(|role| IDENTIFYING.contains(&role)) {
            return Err(Error::new(
                ErrorKind::Settings,
                format!("The column {name} says who sent a request: a report does not show it"),
            )
            .hint("Examples give data rows, by which the log's owner finds them"));
        }
    }
    Ok(names.to_vec())
}

fn read(
    loaded: &Loaded,
    columns: &[String],
    rows: &[u32],
    progress: &Progress,
) -> Result<ExampleTexts> {
    let identifying = loaded.mapping.columns.iter();
    let identifying = identifying.filter(|column| IDENTIFYING.contains(&column.role));
    let wanted: Vec<String> = columns
        .iter()
        .cloned()
        .chain(identifying.map(|column| column.column.clone()))
        .collect();
    let paths: Vec<_> = loaded.files.iter().map(|f| f.source.path.clone()).collect();
    let written = written_rows(&paths, &loaded.mapping, rows, Some(&wanted), progress)?;
    let rows = written.rows.into_iter().map(|(row, mut cells)| {
        let ids = cells.split_off(columns.len().min(cells.len()));
        (row, (cells, ids))
    });
    Ok(rows.collect())
}
