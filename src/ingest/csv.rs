//! Delimited text: RFC 4180 quoting, newlines in quotes, ragged rows.
//!
//! The file is cut into blocks at ends of records, one after another; a block is then parsed on any
//! thread ([`super::csv_block`]), with rows and lines counted from its own start.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{BufRead, Read, Seek as _, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::csv_block::Block;
use super::newlines::PlainNewlines;
use super::source::Source;
use crate::error::{Error, ErrorKind, Result};

/// Bytes of a block: a few thousand rows, whose fields stay in the cache.
const BLOCK_BYTES: usize = 1 << 20;

/// Cuts a delimited file into blocks.
pub(super) struct CsvReader {
    source: Source,
    reader: PlainNewlines<Box<dyn BufRead + Send>>,
    format: Arc<CsvFormat>,
    /// Read, and not yet in a block.
    pending: Vec<u8>,
    is_at_end: bool,
    ends_in_line: bool,
    read_bytes: Arc<AtomicU64>,
    /// Lines up to the first row.
    n_header_lines: u64,
}

/// How rows are to be read.
pub(super) struct CsvFormat {
    pub(super) delimiter: u8,
    /// Column names, made unique; an unnamed column is `""`.
    pub(super) header: Vec<String>,
}

impl CsvReader {
    pub(super) fn open(source: &Source, delimiter: u8, lines_before: u8) -> Result<Self> {
        let read_bytes = Arc::new(AtomicU64::new(0));
        let mut reader = Self {
            source: source.clone(),
            reader: PlainNewlines::new(source.reader(read_bytes.clone())?),
            format: Arc::new(CsvFormat {
                delimiter,
                header: Vec::new(),
            }),
            pending: Vec::new(),
            is_at_end: false,
            ends_in_line: false,
            read_bytes,
            n_header_lines: 0,
        };
        reader.fill(BLOCK_BYTES)?;
        for _ in 0..lines_before {
            let end = reader.pending.iter().position(|b| *b == b'\n');
            reader.pending.drain(..end.map_or(0, |end| end + 1));
        }
        let (header, length) = loop {
            let (header, length) = first_record(&reader.pending, delimiter);
            // A header that ends where the bytes end may go on.
            if length < reader.pending.len() || reader.is_at_end {
                break (header, length);
            }
            if reader.pending.len() > Source::LONGEST_RECORD {
                return Err(reader.source.endless());
            }
            reader.fill(2 * reader.pending.len())?;
        };
        reader.n_header_lines = u64::from(lines_before) + count_lines(&reader.pending[..length]);
        reader.pending.drain(..length);
        reader.format = Arc::new(CsvFormat { delimiter, header });
        Ok(reader)
    }

    /// Column names, made unique; an unnamed column is `""`.
    pub(super) fn header(&self) -> &[String] {
        &self.format.header
    }

    /// Lines up to the first row.
    pub(super) fn n_header_lines(&self) -> u64 {
        self.n_header_lines
    }

    /// The next records; `None` at the end.
    pub(super) fn next_block(&mut self) -> Result<Option<Block>> {
        let mut want = BLOCK_BYTES;
        loop {
            self.fill(want)?;
            let is_torn = self.is_torn();
            let end = if is_torn {
                // Without the end that was given to the line.
                end_of_last_record(
                    &self.pending[..self.pending.len() - 1],
                    self.format.delimiter,
                )
            } else if self.is_at_end {
                self.pending.len()
            } else {
                end_of_last_record(&self.pending, self.format.delimiter)
            };
            self.is_at_end |= is_torn;
            if end == 0 && !self.is_at_end {
                // A record longer than a block.
                if self.pending.len() > Source::LONGEST_RECORD {
                    return Err(self.source.endless());
                }
                want = self.pending.len() * 2;
                continue;
            }
            let mut rest = self.pending.split_off(end);
            if is_torn {
                rest.clear();
            }
            let bytes = std::mem::replace(&mut self.pending, rest);
            if !bytes.is_empty() {
                self.ends_in_line = self.reader.has_closed_line() && !is_torn;
            }
            return Ok((!bytes.is_empty()).then(|| Block {
                format: self.format.clone(),
                bytes,
                is_last: self.is_at_end,
            }));
        }
    }

    /// Whether the last record had no end of line.
    pub(super) fn ends_in_line(&self) -> bool {
        self.ends_in_line
    }

    /// Whether the last record is still being written: the file grows, and ended within a line.
    fn is_torn(&self) -> bool {
        let path = self.source.on_disk();
        let ends_in_line = self.reader.has_closed_line() && !self.pending.is_empty();
        ends_in_line && self.source.is_plain() && self.source.state.has_grown(path)
    }

    pub(super) fn progress(&self) -> (u64, u64) {
        (self.read_bytes.load(Ordering::Relaxed), self.source.bytes)
    }

    /// Up to twenty stretches of rows spread evenly over the file, without reading what lies
    /// between; `None` where the file is small or compressed, and has to be read as a whole.
    pub(super) fn spread_blocks(&self) -> Result<Option<Vec<Block>>> {
        const STRETCHES: u64 = 20;
        const BYTES: u64 = 1 << 18;
        if !self.source.is_plain() || self.source.bytes < 2 * STRETCHES * BYTES {
            return Ok(None);
        }
        let unreadable = |cause: std::io::Error| Error::unreadable(&self.source.path, &cause);
        let mut file = File::open(&self.source.path).map_err(unreadable)?;
        let mut blocks = Vec::new();
        for i in 0..STRETCHES {
            let start = (self.source.bytes - BYTES) * i / (STRETCHES - 1);
            file.seek(SeekFrom::Start(start)).map_err(unreadable)?;
            let mut bytes = Vec::new();
            PlainNewlines::new((&mut file).take(BYTES))
                .read_to_end(&mut bytes)
                .map_err(unreadable)?;
            // The last line is cut off.
            bytes.truncate(bytes.iter().rposition(|b| *b == b'\n').unwrap_or(0));
            bytes.truncate(
                bytes
                    .iter()
                    .rposition(|b| *b == b'\n')
                    .map_or(0, |end| end + 1),
            );
            blocks.extend(self.resynchronised(&bytes));
        }
        Ok(Some(blocks))
    }

    /// The records of a stretch from the middle of the file, from the first line at which records of
    /// the right width begin: a line may lie inside a quoted value.
    fn resynchronised(&self, bytes: &[u8]) -> Option<Block> {
        const TRIES: usize = 200;
        const RECORDS: usize = 20;
        let n_columns = self.format.header.len();
        let starts = bytes.iter().enumerate().filter(|(_, b)| **b == b'\n');
        let start = starts.map(|(at, _)| at + 1).take(TRIES).find(|start| {
            let records = plain_reader(&bytes[*start..], self.format.delimiter);
            let widths = records.into_byte_records().take(RECORDS);
            let mut n = 0;
            let all_fit = widths.into_iter().all(|record| {
                n += 1;
                record.is_ok_and(|record| record.len() == n_columns)
            });
            all_fit && n == RECORDS
        })?;
        Some(Block {
            format: self.format.clone(),
            bytes: bytes[start..].to_vec(),
            is_last: false,
        })
    }

    /// Reads until `want` bytes are pending or the file ends.
    fn fill(&mut self, want: usize) -> Result<()> {
        while self.pending.len() < want && !self.is_at_end {
            let start = self.pending.len();
            self.pending.resize(start + BLOCK_BYTES / 4, 0);
            let read = self.reader.read(&mut self.pending[start..]);
            let n = read.map_err(|cause| malformed(&self.source, &cause))?;
            self.pending.truncate(start + n);
            self.is_at_end = n == 0;
        }
        Ok(())
    }
}

/// Where the last whole record ends; 0 where none does. The bytes start with a record.
///
/// A quote opens a value only at its start, as for the `csv` crate; later ones are letters.
fn end_of_last_record(bytes: &[u8], delimiter: u8) -> usize {
    if !bytes.contains(&b'"') {
        return bytes
            .iter()
            .rposition(|b| *b == b'\n')
            .map_or(0, |at| at + 1);
    }
    let (mut at, mut end) = (0, 0);
    loop {
        if bytes.get(at) == Some(&b'"') {
            at += 1;
            // To the quote that closes the value: one that no other follows.
            loop {
                let Some(quote) = bytes[at..].iter().position(|b| *b == b'"') else {
                    return end;
                };
                at += quote + 1;
                match bytes.get(at) {
                    None => return end,
                    Some(b'"') => at += 1,
                    Some(_) => break,
                }
            }
        }
        let is_end = |b: &u8| *b == delimiter || *b == b'\n';
        let Some(length) = bytes[at..].iter().position(is_end) else {
            return end;
        };
        at += length + 1;
        if bytes[at - 1] == b'\n' {
            end = at;
        }
    }
}

pub(super) fn count_lines(bytes: &[u8]) -> u64 {
    bytes.iter().map(|b| u64::from(*b == b'\n')).sum()
}

/// The names in the first record, and its length in bytes.
fn first_record(bytes: &[u8], delimiter: u8) -> (Vec<String>, usize) {
    let mut reader = plain_reader(bytes, delimiter);
    let mut first = csv::ByteRecord::new();
    reader.read_byte_record(&mut first).unwrap_or(false);
    let names = first.iter().map(|name| {
        String::from_utf8_lossy(name)
            .trim_matches(['\u{feff}', ' '])
            .to_owned()
    });
    (unique(names), reader.position().byte() as usize)
}

/// Records as they stand.
pub(super) fn plain_reader(bytes: &[u8], delimiter: u8) -> csv::Reader<&[u8]> {
    csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .from_reader(bytes)
}

/// Names in order; a repeated name gets `_2`, `_3`, …
fn unique(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut seen: HashSet<String> = HashSet::new();
    // Where the numbers of a name went on, so that thousands of equal names take one step each.
    let mut next: HashMap<String, u32> = HashMap::new();
    let numbered = |name: String| {
        let mut candidate = name.clone();
        let n = next.entry(name.clone()).or_insert(2);
        while !candidate.is_empty() && !seen.insert(candidate.clone()) {
            candidate = format!("{name}_{n}");
            *n += 1;
        }
        candidate
    };
    names.map(numbered).collect()
}

fn malformed(source: &Source, cause: &std::io::Error) -> Error {
    Error::new(
        ErrorKind::Malformed,
        format!("The file cannot be read to its end: {cause}"),
    )
    .at(&source.path)
    .hint("The file may be cut off or damaged; export or download it again")
}
