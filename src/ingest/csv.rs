//! Delimited text through the `csv` crate: RFC 4180 quoting, newlines in quotes, ragged rows.

use std::io::{BufRead, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::batch::{BATCH_ROWS, Batch, row_number, text_builders};
use super::issues::{Effect, Issues};
use super::source::Source;
use crate::error::{Error, ErrorKind, Result};

pub(super) struct CsvReader {
    source: Source,
    reader: csv::Reader<PlainNewlines<Box<dyn BufRead + Send>>>,
    /// A record that was read ahead, with its line.
    ahead: Option<(csv::ByteRecord, u64)>,
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
            .from_reader(PlainNewlines::new(source.reader(read_bytes.clone())?));
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
            ahead: None,
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
            let Some(line) = self.next_record(&mut record)? else {
                break;
            };
            let row = self.next_row;
            self.next_row += 1;
            if self.is_unclosed(&record)? {
                let kind = (
                    Effect::Rejected,
                    "A quote that is never closed",
                    "Everything from this line to the end of the file was taken for one value and left out; correct the quote in the export",
                );
                let last = record.iter().next_back().unwrap_or_default();
                // No line feed ends this record: the last one is part of the value.
                issues.value(kind, None, line + 1, &String::from_utf8_lossy(last));
                break;
            }
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
        Ok(Batch::of_texts(builders, rows, lines))
    }

    pub(super) fn progress(&self) -> (u64, u64) {
        (self.read_bytes.load(Ordering::Relaxed), self.source.bytes)
    }

    /// Data rows so far, rejected ones included.
    pub(super) fn n_rows_seen(&self) -> u64 {
        self.next_row
    }

    /// Reads a record and returns the line on which it starts; `None` at the end.
    fn next_record(&mut self, record: &mut csv::ByteRecord) -> Result<Option<u64>> {
        if let Some((ahead, line)) = self.ahead.take() {
            *record = ahead;
            return Ok(Some(line));
        }
        let found = self
            .reader
            .read_byte_record(record)
            .map_err(|cause| malformed(&self.source, &cause))?;
        // The parser's own position lies before blank lines; its end is exact, because every
        // record ends with one line feed.
        let inside = record
            .iter()
            .map(|field| field.split(|b| *b == b'\n').count() as u64 - 1)
            .sum::<u64>();
        let line = (self.reader.position().line() - 1).saturating_sub(inside);
        Ok(found.then_some(line))
    }

    /// Whether a record is the file's last because its last value has no closing quote: then the
    /// value holds the file's last line feed.
    fn is_unclosed(&mut self, record: &csv::ByteRecord) -> Result<bool> {
        if !record
            .iter()
            .next_back()
            .is_some_and(|f| f.ends_with(b"\n"))
        {
            return Ok(false);
        }
        let mut next = csv::ByteRecord::new();
        let line = self.next_record(&mut next)?;
        self.ahead = line.map(|line| (next, line));
        // A closed value may end with a line feed of its own; then the quote comes after it.
        Ok(line.is_none() && self.reader.get_ref().last_byte != b'"')
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

/// Line ends of any kind as one line feed each, and one at the end of the file, so that lines can
/// be counted.
struct PlainNewlines<R> {
    inner: R,
    after_return: bool,
    is_line_open: bool,
    /// The last byte that ends no line.
    last_byte: u8,
}

impl<R> PlainNewlines<R> {
    fn new(inner: R) -> Self {
        Self {
            inner,
            after_return: false,
            is_line_open: false,
            last_byte: 0,
        }
    }
}

impl<R: Read> Read for PlainNewlines<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        loop {
            let n = self.inner.read(buffer)?;
            if n == 0 {
                let is_last = std::mem::take(&mut self.is_line_open) && !buffer.is_empty();
                if is_last {
                    buffer[0] = b'\n';
                }
                return Ok(usize::from(is_last));
            }
            let mut kept = n;
            if self.after_return || buffer[..n].contains(&b'\r') {
                kept = 0;
                for i in 0..n {
                    let byte = buffer[i];
                    let is_second_half = byte == b'\n' && self.after_return;
                    self.after_return = byte == b'\r';
                    if !is_second_half {
                        buffer[kept] = if byte == b'\r' { b'\n' } else { byte };
                        kept += 1;
                    }
                }
            }
            if kept > 0 {
                self.is_line_open = buffer[kept - 1] != b'\n';
                if let Some(byte) = buffer[..kept].iter().rfind(|b| **b != b'\n') {
                    self.last_byte = *byte;
                }
                return Ok(kept);
            }
        }
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
