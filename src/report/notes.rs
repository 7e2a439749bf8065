//! What a report says of how its log was read.

use super::input::{IssueLine, LoadNotes, MappingLine, UnusedLine};
use crate::ingest::{ColumnRole, Join, Loaded, Role};
use crate::units;

/// Roles whose values could tell who somebody is.
const IDENTIFYING: [Role; 2] = [Role::Unit, Role::RequestId];

/// The loader's findings in words.
pub fn load_notes(loaded: &Loaded) -> LoadNotes {
    LoadNotes {
        source: loaded.log.name.clone(),
        bytes: loaded.n_bytes(),
        format: loaded.description(),
        rows_read: loaded.n_rows_in_file,
        rows_rejected: loaded
            .n_rows_in_file
            .saturating_sub(loaded.log.n_rows() as u64),
        issues: loaded
            .issues
            .iter()
            .map(|issue| issue_line(issue, loaded))
            .collect(),
        mapping: mapping_lines(loaded),
        unused: loaded
            .unused
            .iter()
            .map(|unused| UnusedLine {
                column: unused.column.clone(),
                values: unused.values.clone(),
                could_be: unused.could_be.label().to_owned(),
            })
            .collect(),
        joins: loaded.joins.iter().flat_map(join_lines).collect(),
        inputs: Vec::new(),
    }
}

/// The columns with their roles; a column made from others with its expression.
fn mapping_lines(loaded: &Loaded) -> Vec<MappingLine> {
    let expression = |name: &str| {
        let mut derived = loaded.mapping.derive.iter();
        derived
            .find(|d| d.name == name)
            .map(|d| d.expression.clone())
    };
    let columns = loaded.mapping.columns.iter().map(|column| {
        let line = mapping_line(column);
        match expression(&column.column) {
            Some(sql) => MappingLine {
                column: format!("{} = {sql}", line.column),
                ..line
            },
            None => line,
        }
    });
    columns.collect()
}

/// How a table beside the log fits it, without the folder that it lies in.
fn join_lines(join: &Join) -> Vec<String> {
    let path = join.side.file.display().to_string();
    let name = join.side.file.file_name().unwrap_or_default();
    let lines = join.lines().into_iter();
    lines
        .map(|line| line.trim().replace(&path, &name.to_string_lossy()))
        .collect()
}

fn issue_line(issue: &crate::ingest::Issue, loaded: &Loaded) -> IssueLine {
    let rows = match (issue.count, issue.lines.is_empty()) {
        (0, _) => String::new(),
        (n, true) => format!("{} times", units::count(n)),
        (n, false) if n as usize > issue.lines.len() => format!(
            "{} times, first in lines {}",
            units::count(n),
            issue.places()
        ),
        (_, false) => format!("lines {}", issue.places()),
    };
    IssueLine {
        severity: issue.effect.label().to_owned(),
        column: issue.column.clone().unwrap_or_default(),
        rows,
        message: issue.message.clone(),
        hint: issue.hint.clone(),
        sample: issue
            .samples
            .first()
            .filter(|_| !names_somebody(issue.column.as_deref(), loaded))
            .cloned()
            .unwrap_or_default(),
    }
}

/// Whether values of a column could tell who somebody is: they are not quoted in a report.
fn names_somebody(column: Option<&str>, loaded: &Loaded) -> bool {
    let Some(column) = column else {
        return true; // a whole row
    };
    let found = loaded.mapping.columns.iter().find(|c| c.column == column);
    found.is_none_or(|c| IDENTIFYING.contains(&c.role))
}

fn mapping_line(column: &ColumnRole) -> MappingLine {
    let unit = column.unit.map(|unit| unit.label().to_owned());
    let stamp = column.stamp.map(crate::ingest::StampForm::label);
    MappingLine {
        role: column.role.label().to_owned(),
        column: column.column.clone(),
        unit: unit.or(stamp).unwrap_or_default(),
    }
}
