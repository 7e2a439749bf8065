//! A mapping as the columns of a log in an engine.

use super::mapping::{ColumnRole, Mapping, Role};
use super::names::normalize;
use super::number::{DecimalMark, NULL_WORDS};
use super::outcome::{EMPTY, OutcomeForm, RATE_LIMIT_PARTS, TRUTHS, WORDS, leading_patterns};
use super::part::LONGEST_MS;
use super::stamp::{DurationUnit, StampForm};
use crate::cells::sql::{LogTable, NumberColumn, Stamp, StampColumn, StatusColumn};
use crate::data::{Outcome, Quantity};
use crate::error::{Error, ErrorKind, Result};

/// What the queries of `cells` read of a log that an engine has as `from`: a table's name, or a
/// function that reads files.
///
/// Fails where the mapping asks for more than plain columns, and where no time is mapped.
pub fn log_table(mapping: &Mapping, from: &str) -> Result<LogTable> {
    check(mapping)?;
    let name = |role| mapping.column(role).map(|column| column.column.clone());
    let stamp = |role| mapping.column(role).map(stamp_column).transpose();
    let mut table = LogTable {
        from: from.to_owned(),
        arm: name(Role::Variant),
        start: stamp(Role::Time)?,
        end: stamp(Role::EndTime)?,
        unit: name(Role::Unit),
        status: mapping.column(Role::Status).map(status_column),
        null_words: NULL_WORDS.iter().map(|word| (*word).to_owned()).collect(),
        ..LogTable::default()
    };
    for column in &mapping.columns {
        let quantity = match column.role {
            Role::Segment => {
                table.segments.push(column.column.clone());
                continue;
            }
            Role::Metric => {
                table.extra_names.push(column.column.clone());
                Quantity::Extra(table.extra_names.len() as u16 - 1)
            }
            role => match role.quantity() {
                Some(quantity) => quantity,
                None => continue,
            },
        };
        table.numbers.push(number_column(column, quantity));
    }
    Ok(table)
}

/// What queries cannot do is for a view of the engine.
fn check(mapping: &Mapping) -> Result<()> {
    let refuse = |what: &str| {
        Err(Error::new(
            ErrorKind::Settings,
            format!("{what} cannot be written as a query"),
        )
        .hint("Make a view of the log with plain columns in the engine, and map its columns"))
    };
    let is_written = |column: &&ColumnRole| {
        let form = column.stamp.unwrap_or(StampForm::Typed);
        let is_odd = matches!(
            form,
            StampForm::DayFirst | StampForm::MonthFirst | StampForm::Uuid7
        );
        is_odd || (column.role == Role::Ttft && column.stamp.is_some())
    };
    if let Some(column) = mapping.columns.iter().find(is_written) {
        return refuse(&format!(
            "How the stamps of \"{}\" are written",
            column.column
        ));
    }
    if mapping.column(Role::Time).is_none() && mapping.column(Role::EndTime).is_none() {
        return Err(Error::new(ErrorKind::Settings, "The mapping names no time")
            .hint("Cells are made by time: map its column as time or end_time"));
    }
    match mapping {
        Mapping { derive, .. } if !derive.is_empty() => refuse("A column made of others"),
        Mapping { side, .. } if !side.is_empty() => refuse("A table beside the log"),
        Mapping { rows: Some(_), .. } => refuse("A choice of rows"),
        Mapping {
            time_zone: Some(_), ..
        } => refuse("A time zone"),
        Mapping {
            decimal_mark: DecimalMark::Comma,
            ..
        } => refuse("A decimal comma"),
        _ => Ok(()),
    }
}

fn stamp_column(column: &ColumnRole) -> Result<StampColumn> {
    let per_second = |unit| match unit {
        DurationUnit::S => 1,
        DurationUnit::Ms => 1_000,
        DurationUnit::Us => 1_000_000,
        DurationUnit::Ns => 1_000_000_000,
    };
    let form = match column.stamp {
        Some(StampForm::Typed) => Stamp::Typed,
        Some(StampForm::Epoch(unit)) => Stamp::Number {
            per_second: per_second(unit),
            is_date: true,
        },
        Some(StampForm::Relative(unit)) => Stamp::Number {
            per_second: per_second(unit),
            is_date: false,
        },
        Some(_) => Stamp::Text,
        None => {
            let message = format!(
                "The mapping does not say how \"{}\" is written",
                column.column
            );
            return Err(Error::new(ErrorKind::Settings, message)
                .hint("Add stamp = \"typed\", \"text\" or { epoch = \"ms\" } to the column"));
        }
    };
    Ok(StampColumn {
        column: column.column.clone(),
        form,
    })
}

fn number_column(column: &ColumnRole, quantity: Quantity) -> NumberColumn {
    let is_duration = column.role.is_duration();
    NumberColumn {
        quantity,
        column: column.column.clone(),
        factor: if is_duration {
            column.unit.unwrap_or(DurationUnit::Ms).in_ms()
        } else {
            column.scale.unwrap_or(1.0)
        },
        is_signed: matches!(column.role, Role::Rating | Role::Metric),
        most: is_duration.then_some(LONGEST_MS),
        nulls: column
            .nulls
            .iter()
            .filter_map(|null| null.parse().ok())
            .collect(),
    }
}

fn status_column(column: &ColumnRole) -> StatusColumn {
    let form = OutcomeForm::of_name(&normalize(&column.column));
    let owned =
        |words: &[&str]| -> Vec<String> { words.iter().map(|word| (*word).to_owned()).collect() };
    let nulls = NULL_WORDS
        .iter()
        .copied()
        .chain(EMPTY)
        .chain(column.nulls.iter().map(String::as_str));
    let mut words = vec![(
        nulls.map(str::to_lowercase).collect(),
        form.of_null().number(),
    )];
    words.extend(
        WORDS
            .iter()
            .map(|(outcome, words)| (owned(words), outcome.number())),
    );
    let truths = TRUTHS.iter();
    words.extend(truths.map(|(is_true, words)| (owned(words), form.of_truth(*is_true).number())));
    let is_message = form == OutcomeForm::Error;
    let other = if is_message {
        Outcome::Error
    } else {
        Outcome::Unknown
    };
    let patterns = match form {
        OutcomeForm::Status => leading_patterns(),
        OutcomeForm::Error => {
            let limit = |part| (format!("%{part}%"), Outcome::RateLimited);
            RATE_LIMIT_PARTS.map(limit).to_vec()
        }
        OutcomeForm::Success => Vec::new(),
    };
    StatusColumn {
        column: column.column.clone(),
        words,
        codes: form
            .codes()
            .map(|(range, outcome)| (range, outcome.number()))
            .collect(),
        other_code: other.number(),
        other_text: other.number(),
        patterns: patterns
            .into_iter()
            .map(|(pattern, outcome)| (pattern, outcome.number()))
            .collect(),
        null: form.of_null().number(),
    }
}
