//! What a report says of how its log was read.

use super::input::{IssueLine, LoadNotes, MappingLine};
use crate::ingest::{ColumnRole, Join, Loaded};
use crate::units;

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
        issues: loaded.issues.iter().map(issue_line).collect(),
        mapping: mapping_lines(loaded),
    }
}

/// The columns with their roles, then the tables beside the log.
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
    let joins = loaded.joins.iter().map(join_line);
    columns.chain(joins).collect()
}

fn join_line(join: &Join) -> MappingLine {
    MappingLine {
        role: join.side.kind.label().to_owned(),
        column: join.headline(),
        unit: join.findings().join("; "),
    }
}

fn issue_line(issue: &crate::ingest::Issue) -> IssueLine {
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
        sample: issue.samples.first().cloned().unwrap_or_default(),
    }
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
