//! JSON: one object a line, a list of objects, or objects over several lines. Nested objects become
//! dotted names; a batch of spans becomes one row a span.

use std::collections::{HashSet, VecDeque};
use std::io::{BufRead, Read as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Map, Value};

use super::batch::{BATCH_ROWS, Batch, row_number, text_builders};
use super::cell::{at, text};
use super::issues::{Effect, Issues};
use super::loose_json;
use super::otlp;
use super::source::{Format, Source};
use crate::error::{Error, ErrorKind, Result};

/// Objects nested deeper than this stay JSON text.
const MAX_DEPTH: usize = 4;
/// More columns than any log has.
const MAX_NAMES: usize = 5000;

pub(super) struct JsonReader {
    source: Source,
    reader: Box<dyn BufRead + Send>,
    layout: Layout,
    next_row: u64,
    next_line: u64,
    /// Rows of an object that holds several, with its line.
    waiting: VecDeque<(u64, Value)>,
    read_bytes: Arc<AtomicU64>,
}

/// Where one object ends and the next begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// One object a line: a damaged one costs its line alone.
    Lines,
    /// A list, or objects over several lines: by counting braces.
    Braces,
    /// A list with something after it: up to its closing bracket.
    List,
}

impl JsonReader {
    pub(super) fn open(source: &Source) -> Result<Self> {
        let read_bytes = Arc::new(AtomicU64::new(0));
        let mut reader = source.reader(read_bytes.clone())?;
        let head = reader
            .fill_buf()
            .map_err(|cause| Error::unreadable(&source.path, &cause))?;
        let (mut layout, mut next_line) = (layout(head), 1);
        if source.format == Format::JsonWrapped {
            skip_to_list(&mut reader, &mut next_line)
                .map_err(|cause| Error::unreadable(&source.path, &cause))?;
            layout = Layout::List;
        }
        Ok(Self {
            source: source.clone(),
            reader,
            layout,
            next_row: 0,
            next_line,
            waiting: VecDeque::new(),
            read_bytes,
        })
    }

    pub(super) fn next_batch(
        &mut self,
        wanted: &[String],
        issues: &mut Issues,
    ) -> Result<Option<Batch>> {
        let mut builders = text_builders(wanted);
        let (mut rows, mut lines) = (Vec::new(), Vec::new());
        while rows.len() < BATCH_ROWS {
            let Some((row, line, object)) = self.next_object(issues)? else {
                break;
            };
            for (builder, name) in builders.iter_mut().zip(wanted) {
                builder.append_option(at(&object, name).and_then(text));
            }
            rows.push(row_number(row)?);
            lines.push(line);
        }
        Ok(Batch::of_texts(builders, rows, lines))
    }

    /// The next object with its row and line; what is none becomes an issue.
    pub(super) fn next_object(&mut self, issues: &mut Issues) -> Result<Option<(u64, u64, Value)>> {
        let mut buffer = Vec::new();
        loop {
            if let Some((line, object)) = self.waiting.pop_front() {
                let row = self.next_row;
                self.next_row += 1;
                return Ok(Some((row, line, object)));
            }
            buffer.clear();
            let Some(line) = self.next_text(&mut buffer)? else {
                return Ok(None);
            };
            let bytes = buffer
                .strip_prefix(b"\xef\xbb\xbf")
                .unwrap_or(&buffer)
                .trim_ascii();
            if bytes.is_empty() {
                continue;
            }
            let parsed = serde_json::from_slice::<Value>(bytes).or_else(|error| {
                let repaired = loose_json::repaired(bytes);
                repaired.map_or(Err(error), |bytes| serde_json::from_slice(&bytes))
            });
            match parsed {
                Ok(object @ Value::Object(_)) => self
                    .waiting
                    .extend(rows_of(object).into_iter().map(|row| (line, row))),
                _ => {
                    self.next_row += 1;
                    let hint = if self.layout == Layout::Lines {
                        "Every line must be one object; a cut-off last line means that the export was interrupted"
                    } else {
                        "The file must be a list of objects; a cut-off end means that the export was interrupted"
                    };
                    let kind = (Effect::Rejected, "Not a JSON object", hint);
                    issues.value(kind, None, line, &String::from_utf8_lossy(bytes));
                }
            }
        }
    }

    pub(super) fn progress(&self) -> (u64, u64) {
        (self.read_bytes.load(Ordering::Relaxed), self.source.bytes)
    }

    /// Data rows so far, rejected ones included.
    pub(super) fn n_rows_seen(&self) -> u64 {
        self.next_row
    }

    /// The bytes of the next object and the line on which it starts; `None` at the end.
    fn next_text(&mut self, buffer: &mut Vec<u8>) -> Result<Option<u64>> {
        let mut reader = (&mut self.reader).take(Source::LONGEST_RECORD as u64 + 1);
        let found = match self.layout {
            Layout::Lines => reader.read_until(b'\n', buffer).map(|n| {
                let line = self.next_line;
                self.next_line += 1;
                (n > 0).then_some(line)
            }),
            Layout::Braces => next_braced(&mut reader, buffer, &mut self.next_line, false),
            Layout::List => next_braced(&mut reader, buffer, &mut self.next_line, true),
        };
        if reader.limit() == 0 {
            return Err(self.source.endless().line(self.next_line));
        }
        found.map_err(|cause| {
            Error::new(
                ErrorKind::Malformed,
                format!("The file cannot be read to its end: {cause}"),
            )
            .line(self.next_line)
            .at(&self.source.path)
            .hint("The file may be cut off or damaged; export or download it again")
        })
    }
}

fn layout(head: &[u8]) -> Layout {
    let head = head
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(head)
        .trim_ascii_start();
    let first = head.split(|b| *b == b'\n').next().unwrap_or_default();
    let first = first.trim_ascii();
    if first.starts_with(b"[") || (first.starts_with(b"{") && first.ends_with(b"{")) {
        Layout::Braces
    } else {
        Layout::Lines
    }
}

/// Skips what stands before the list in an object, up to and with its opening bracket.
fn skip_to_list(reader: &mut dyn BufRead, next_line: &mut u64) -> std::io::Result<()> {
    let (mut in_text, mut is_escaped, mut is_open) = (false, false, false);
    loop {
        let chunk = reader.fill_buf()?;
        if chunk.is_empty() {
            return Ok(());
        }
        let mut used = 0;
        let mut is_found = false;
        for &byte in chunk {
            // The brace after the bracket belongs to the first object.
            is_found = is_open && byte == b'{';
            if is_found {
                break;
            }
            used += 1;
            *next_line += u64::from(byte == b'\n');
            is_open = !in_text && (byte == b'[' || (is_open && byte.is_ascii_whitespace()));
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' if in_text => is_escaped = true,
                b'"' => in_text = !in_text,
                _ => {}
            }
        }
        reader.consume(used);
        if is_found {
            return Ok(());
        }
    }
}

/// Reads up to the brace that closes the next object. What stands between objects is skipped but
/// for words and numbers, which are handed over as they are. A closing bracket between objects is
/// the end where `ends_at_bracket`.
fn next_braced(
    reader: &mut dyn BufRead,
    buffer: &mut Vec<u8>,
    next_line: &mut u64,
    ends_at_bracket: bool,
) -> std::io::Result<Option<u64>> {
    let (mut depth, mut in_text, mut is_escaped) = (0u32, false, false);
    let mut start = *next_line;
    loop {
        let chunk = reader.fill_buf()?;
        if chunk.is_empty() {
            return Ok((!buffer.is_empty()).then_some(start));
        }
        let mut used = 0;
        let mut is_done = false;
        for &byte in chunk {
            used += 1;
            if byte == b'\n' {
                *next_line += 1;
            }
            let between = depth == 0 && !in_text;
            if between && byte == b']' && ends_at_bracket {
                // It stays there, so that the next call ends here as well.
                reader.consume(used - 1);
                return Ok((!buffer.is_empty()).then_some(start));
            }
            if between && matches!(byte, b'[' | b']' | b',' | b' ' | b'\t' | b'\r' | b'\n') {
                is_done = !buffer.is_empty();
            } else {
                if buffer.is_empty() {
                    start = *next_line;
                }
                buffer.push(byte);
                match byte {
                    _ if is_escaped => is_escaped = false,
                    b'\\' if in_text => is_escaped = true,
                    b'"' => in_text = !in_text,
                    b'{' if !in_text => depth += 1,
                    b'}' if !in_text => {
                        depth = depth.saturating_sub(1);
                        is_done = depth == 0;
                    }
                    _ => {}
                }
            }
            if is_done {
                break;
            }
        }
        reader.consume(used);
        if is_done {
            return Ok(Some(start));
        }
    }
}

/// The rows that an object stands for: nearly always itself.
fn rows_of(object: Value) -> Vec<Value> {
    if otlp::is_batch(&object) {
        otlp::spans(&object)
    } else if let Some(rows) = benchmark_rows(&object) {
        rows
    } else {
        vec![object]
    }
}

/// vLLM's benchmark writes one object a run, with a list per quantity. End-to-end latency, which it
/// does not write, is the time to first token and all times between tokens.
fn benchmark_rows(object: &Value) -> Option<Vec<Value>> {
    let map = object.as_object()?;
    let n = map.get("ttfts")?.as_array()?.len();
    let rows = (0..n).map(|i| {
        let mut row = Map::new();
        for (key, value) in map {
            match value.as_array() {
                Some(list) if list.len() == n => row.insert(key.clone(), list[i].clone()),
                Some(_) => None,
                None => row.insert(key.clone(), value.clone()),
            };
        }
        let between = row.remove("itls");
        let ttft = row.get("ttfts").and_then(Value::as_f64);
        if let (Some(Value::Array(between)), Some(ttft)) = (between, ttft) {
            let total = ttft + between.iter().filter_map(Value::as_f64).sum::<f64>();
            row.insert("ttft_plus_itls_s".to_owned(), Value::from(total));
        }
        Value::Object(row)
    });
    Some(rows.collect())
}

/// The dotted names of all leaves of the objects that were shown, in order of appearance.
#[derive(Default)]
pub(super) struct LeafNames {
    pub(super) names: Vec<String>,
    known: HashSet<String>,
    path: String,
}

impl LeafNames {
    pub(super) fn add(&mut self, object: &Value) {
        self.walk(object, 1);
    }

    fn walk(&mut self, value: &Value, depth: usize) {
        let Value::Object(map) = value else { return };
        for (key, value) in map {
            let before = self.path.len();
            if before > 0 {
                self.path.push('.');
            }
            self.path.push_str(key);
            if value.is_object() && depth < MAX_DEPTH {
                self.walk(value, depth + 1);
            } else if !self.known.contains(&self.path) && self.names.len() < MAX_NAMES {
                self.known.insert(self.path.clone());
                self.names.push(self.path.clone());
            }
            self.path.truncate(before);
        }
    }
}
