//! Delimited text through the `csv` crate: RFC 4180 quoting, newlines in quotes, ragged rows.

use std::io::BufRead;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use polars::prelude::{Column, IntoColumn as _};

use super::issues::{Effect, Issues};
use super::reader::{BATCH_ROWS, Batch, row_number, text_builders};
use super::source::Source;
use crate::error::{Error, ErrorKind, Result};

pub(super) struct CsvReader {
    source: Source,
    reader: csv::Reader<Box<dyn BufRead + Send>>,
    /// Column names, made unique; an unnamed column is `""`.
    pub(super) header: Vec<String>,
    next_row: u64,
    read_bytes: Arc<AtomicU64>,
}

impl CsvReader {
    pub(super) fn open(source: &Source, delimiter: u8) -> Result<Self> {
        let read_bytes = Arc::new(AtomicU64::new(0));
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .has_headers(false)
            .flexible(true)
            .from_reader(source.reader(read_bytes.clone())?);
        let mut first = csv::ByteRecord::new();
        reader
            .read_byte_record(&mut first)
            .map_err(|cause| malformed(source, &cause))?;
        let names = first.iter().map(|name| {
            String::from_utf8_lossy(name)
                .trim_matches(['\u{feff}', ' '])
                .to_owned()
        });
        Ok(Self {
            source: source.clone(),
            reader,
            header: unique(names),
            next_row: 0,
            read_bytes,
        })
    }

    pub(super) fn next_batch(
        &mut self,
        wanted: &[String],
        issues: &mut Issues,
    ) -> Result<Option<Batch>> {
        let index_of = |name: &String| self.header.iter().position(|h| h == name);
        let indices: Vec<Option<usize>> = wanted.iter().map(index_of).collect();
        let mut builders = text_builders(wanted);
        let (mut rows, mut lines) = (Vec::new(), Vec::new());
        let mut record = csv::ByteRecord::new();
        while rows.len() < BATCH_ROWS {
            if !self
                .reader
                .read_byte_record(&mut record)
                .map_err(|cause| malformed(&self.source, &cause))?
            {
                break;
            }
            let line = record.position().map_or(0, csv::Position::line);
            let row = self.next_row;
            self.next_row += 1;
            if !self.check_width(&record, line, issues) {
                continue;
            }
            for (builder, index) in builders.iter_mut().zip(&indices) {
                match index.and_then(|i| record.get(i)) {
                    Some(field) if !field.is_empty() => append(builder, field, line, issues),
                    _ => builder.append_null(),
                }
            }
            rows.push(row_number(row)?);
            lines.push(line);
        }
        let columns: Vec<Column> = builders
            .into_iter()
            .map(|b| b.finish().into_column())
            .collect();
        Ok((!rows.is_empty()).then_some(Batch {
            columns,
            rows,
            lines,
        }))
    }

    pub(super) fn progress(&self) -> (u64, u64) {
        (self.read_bytes.load(Ordering::Relaxed), self.source.bytes)
    }

    /// Whether the row can be used; says why not.
    fn check_width(&self, record: &csv::ByteRecord, line: u64, issues: &mut Issues) -> bool {
        let extra = record
            .iter()
            .skip(self.header.len())
            .find(|field| !field.is_empty());
        if let Some(field) = extra {
            let kind = (
                Effect::Rejected,
                "More fields than column names",
                "A delimiter or quote inside a value is not quoted; quote such values in the export",
            );
            issues.value(kind, None, line, &String::from_utf8_lossy(field));
            return false;
        }
        if record.len() < self.header.len() {
            let kind = (
                Effect::Missing,
                "Fewer fields than column names",
                "The fields that are not there count as missing; a truncated last line means that the export was cut off",
            );
            issues.value(
                kind,
                None,
                line,
                &String::from_utf8_lossy(record.get(record.len() - 1).unwrap_or(b"")),
            );
        }
        true
    }
}

fn append(
    builder: &mut polars::prelude::StringChunkedBuilder,
    field: &[u8],
    line: u64,
    issues: &mut Issues,
) {
    match std::str::from_utf8(field) {
        Ok(text) => builder.append_value(text),
        Err(_) => {
            let text = String::from_utf8_lossy(field);
            let kind = (
                Effect::Assumed,
                "Bytes that are not UTF-8",
                "Export the log as UTF-8; such letters are shown as \u{fffd}",
            );
            issues.value(kind, None, line, &text);
            builder.append_value(text.as_ref());
        }
    }
}

/// Names in order; a repeated name gets `_2`, `_3`, …
fn unique(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut seen: Vec<String> = Vec::new();
    for name in names {
        let mut candidate = name.clone();
        let mut n = 2;
        while !candidate.is_empty() && seen.contains(&candidate) {
            candidate = format!("{name}_{n}");
            n += 1;
        }
        seen.push(candidate);
    }
    seen
}

fn malformed(source: &Source, cause: &csv::Error) -> Error {
    let error = Error::new(
        ErrorKind::Malformed,
        format!("The file cannot be read to its end: {cause}"),
    );
    let error = match cause.position() {
        Some(position) => error.line(position.line()),
        None => error,
    };
    error
        .at(&source.path)
        .hint("The file may be cut off or damaged; export or download it again")
}
