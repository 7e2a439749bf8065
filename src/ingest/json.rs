//! JSON lines: one object a line, nested objects flattened to dotted names.

use std::io::BufRead;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value;

use super::batch::{BATCH_ROWS, Batch, row_number, text_builders};
use super::issues::{Effect, Issues};
use super::source::Source;
use crate::error::{Error, ErrorKind, Result};

/// Objects nested deeper than this stay JSON text.
const MAX_DEPTH: usize = 4;

pub(super) struct JsonReader {
    source: Source,
    reader: Box<dyn BufRead + Send>,
    next_row: u64,
    next_line: u64,
    read_bytes: Arc<AtomicU64>,
}

impl JsonReader {
    pub(super) fn open(source: &Source) -> Result<Self> {
        let read_bytes = Arc::new(AtomicU64::new(0));
        let reader = source.reader(read_bytes.clone())?;
        Ok(Self {
            source: source.clone(),
            reader,
            next_row: 0,
            next_line: 1,
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
                builder.append_option(lookup(&object, name).and_then(text));
            }
            rows.push(row_number(row)?);
            lines.push(line);
        }
        Ok(Batch::of_texts(builders, rows, lines))
    }

    /// The next object with its row and line; lines that are none become issues.
    pub(super) fn next_object(&mut self, issues: &mut Issues) -> Result<Option<(u64, u64, Value)>> {
        let mut buffer = Vec::new();
        loop {
            buffer.clear();
            let n = self
                .reader
                .read_until(b'\n', &mut buffer)
                .map_err(|cause| {
                    Error::new(
                        ErrorKind::Malformed,
                        format!("The file cannot be read to its end: {cause}"),
                    )
                    .line(self.next_line)
                    .at(&self.source.path)
                    .hint("The file may be cut off or damaged; export or download it again")
                })?;
            if n == 0 {
                return Ok(None);
            }
            let line = self.next_line;
            self.next_line += 1;
            let bytes = buffer
                .strip_prefix(b"\xef\xbb\xbf")
                .unwrap_or(&buffer)
                .trim_ascii();
            if bytes.is_empty() {
                continue;
            }
            let row = self.next_row;
            self.next_row += 1;
            match serde_json::from_slice::<Value>(bytes) {
                Ok(object @ Value::Object(_)) => return Ok(Some((row, line, object))),
                _ => {
                    let kind = (
                        Effect::Rejected,
                        "Not a JSON object",
                        "Every line must be one object; a cut-off last line means that the export was interrupted",
                    );
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
}

/// The dotted names of all leaves of an object, in order.
pub(super) fn leaf_names(object: &Value, names: &mut Vec<String>) {
    fn walk(value: &Value, prefix: &str, depth: usize, names: &mut Vec<String>) {
        let Value::Object(map) = value else { return };
        for (key, value) in map {
            let name = if prefix.is_empty() {
                key.clone()
            } else {
                format!("{prefix}.{key}")
            };
            if value.is_object() && depth < MAX_DEPTH {
                walk(value, &name, depth + 1, names);
            } else if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    walk(object, "", 1, names);
}

/// The value at a dotted name; keys may themselves contain dots.
fn lookup<'a>(object: &'a Value, name: &str) -> Option<&'a Value> {
    let map = object.as_object()?;
    if let Some(value) = map.get(name) {
        return Some(value);
    }
    let dots = name.match_indices('.').map(|(i, _)| i);
    let mut splits = dots.filter_map(|i| lookup(map.get(&name[..i])?, &name[i + 1..]));
    splits.next()
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) if text.is_empty() => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}
