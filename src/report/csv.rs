//! Tables of the report as CSV: numbers in full, every interval as two columns of its own.

use super::document::{Cell, Document, Shown, Table};
use super::text;
use crate::error::{Error, ErrorKind, Result};
use crate::language::Language;

/// A file for every table: its name and its bytes.
pub fn files(document: &Document) -> Result<Vec<(String, Vec<u8>)>> {
    let tables = document.tables().filter(|table| !table.rows.is_empty());
    tables
        .map(|table| {
            Ok((
                format!("{}.csv", table.id),
                render(table, document.language)?,
            ))
        })
        .collect()
}

/// One table. Shares are 0 to 1 and latencies milliseconds; an empty cell has no value, an open
/// end of an interval is `inf`. Text that a spreadsheet would run as a formula gets an apostrophe.
fn render(table: &Table, language: Language) -> Result<Vec<u8>> {
    let failed = |cause: String| {
        Error::new(
            ErrorKind::Internal,
            format!("The table {} could not be written: {cause}", table.id),
        )
    };
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    let parts: Vec<Parts> = (0..table.columns.len())
        .map(|k| Parts::of(table.rows.iter().filter_map(|row| row.get(k))))
        .collect();
    let head = table
        .columns
        .iter()
        .zip(&parts)
        .flat_map(|(column, parts)| {
            let title = match column.sub.as_str() {
                "" => column.title.clone(),
                sub => format!("{} ({sub})", column.title),
            };
            parts.head(&title, language)
        });
    let head: Vec<String> = head.collect();
    writer
        .write_record(&head)
        .map_err(|cause| failed(cause.to_string()))?;
    for row in &table.rows {
        let cells: Vec<String> = row
            .iter()
            .zip(&parts)
            .flat_map(|(cell, parts)| parts.cells(cell))
            .collect();
        writer
            .write_record(&cells)
            .map_err(|cause| failed(cause.to_string()))?;
    }
    writer
        .into_inner()
        .map_err(|cause| failed(cause.to_string()))
}

/// What a column of the report becomes.
struct Parts {
    has_interval: bool,
    /// Words beside the numbers that they stand for.
    has_signs: bool,
    has_notes: bool,
}

impl Parts {
    fn of<'a>(cells: impl Iterator<Item = &'a Cell>) -> Self {
        let mut parts = Self {
            has_interval: false,
            has_signs: false,
            has_notes: false,
        };
        for cell in cells {
            parts.has_interval |= matches!(cell.shown, Shown::Estimate { .. });
            parts.has_signs |= cell.number.is_some();
            parts.has_notes |= !cell.notes.is_empty() || !cell.warning.is_empty();
        }
        parts
    }

    fn head(&self, title: &str, language: Language) -> Vec<String> {
        let mut out = vec![inert(title)];
        if self.has_interval {
            out.extend(
                ["lower", "upper"].map(|end| inert(&format!("{title}, {}", language.say(end)))),
            );
        }
        if self.has_signs {
            out.push(inert(&format!("{title}, {}", language.say("sign"))));
        }
        if self.has_notes {
            out.push(inert(&format!("{title}, {}", language.say("note"))));
        }
        out
    }

    fn cells(&self, cell: &Cell) -> Vec<String> {
        let mut out = vec![match &cell.shown {
            Shown::Nothing => String::new(),
            Shown::Text(text) | Shown::Code(text) => inert(text),
            Shown::Number { raw, .. } => number(*raw),
            Shown::Estimate { raw, .. } => number(raw[0]),
            Shown::Chip(chip) => cell.number.map_or_else(|| inert(&chip.label), number),
        }];
        if self.has_interval {
            out.extend(match &cell.shown {
                Shown::Estimate { raw, .. } => [number(raw[1]), number(raw[2])],
                _ => [String::new(), String::new()],
            });
        }
        if self.has_signs {
            out.push(match &cell.shown {
                Shown::Chip(chip) => inert(chip.symbol),
                _ => String::new(),
            });
        }
        if self.has_notes {
            let warning = (!cell.warning.is_empty()).then_some(&cell.warning);
            let notes: Vec<&str> = cell
                .notes
                .iter()
                .chain(warning)
                .map(String::as_str)
                .collect();
            out.push(inert(&notes.join("; ")));
        }
        out
    }
}

/// In full; an end that is not bounded is empty, because spreadsheets take `-inf` for a formula.
fn number(value: f64) -> String {
    if !value.is_finite() {
        String::new()
    } else if value != 0.0 && value.abs() < TINY {
        format!("{value:e}")
    } else {
        value.to_string()
    }
}

/// Smaller numbers would be rows of zeros.
const TINY: f64 = 1e-6;

/// `text` with what is unseen written out, and never the start of a formula.
fn inert(text: &str) -> String {
    let shown = text::visible(text);
    if shown
        .trim_start()
        .starts_with(['=', '+', '-', '@', '|', '%'])
    {
        format!("'{shown}")
    } else {
        shown.into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::super::document;
    use super::super::fixture::{canary, canary_named};
    use super::*;

    fn table_of(name: &str, id: &str) -> Vec<::csv::StringRecord> {
        let document = document(&canary_named(name).input());
        let table = document.tables().find(|table| table.id == id).unwrap();
        let bytes = render(table, Language::English).unwrap();
        let mut reader = ::csv::ReaderBuilder::new()
            .has_headers(false)
            .from_reader(bytes.as_slice());
        reader.records().map(Result::unwrap).collect()
    }

    #[test]
    fn numbers_stand_in_full_with_their_intervals() {
        let rows = table_of("v2", "scorecard-guardrail");
        let at = |title: &str| rows[0].iter().position(|t| t == title).unwrap();
        assert_eq!(&rows[1][at("Difference")], "0.0124");
        let lower: f64 = rows[1][at("Difference, lower")].parse().unwrap();
        assert!(lower > 0.0 && lower < 0.0124);
    }

    #[test]
    fn no_cell_is_a_formula() {
        for hostile in [
            "=HYPERLINK(\"http://x\")",
            "+1",
            "-1",
            "@SUM(A1)",
            "\t=1",
            " =1",
            "\u{feff}=1",
            "\r\n=1",
        ] {
            for row in table_of(hostile, "arms") {
                for cell in &row {
                    let is_number = cell.parse::<f64>().is_ok();
                    assert!(
                        is_number || !cell.trim_start().starts_with(['=', '+', '-', '@']),
                        "{cell}"
                    );
                    assert!(!cell.chars().any(char::is_control), "{cell:?}");
                }
            }
        }
    }

    #[test]
    fn file_names_are_plain_and_unique() {
        let names: Vec<String> = files(&document(&canary().input()))
            .unwrap()
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        let unique: std::collections::BTreeSet<&String> = names.iter().collect();
        assert_eq!(unique.len(), names.len(), "{names:?}");
        assert!(names.contains(&"segments.csv".to_owned()));
    }
}
