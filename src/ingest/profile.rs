//! What a sample of a file says about each column, before any meaning is given to it.

use std::collections::HashMap;

use polars::prelude::DataType;
use serde_json::Value;

use super::cell;
use super::column_profile::{ColumnProfile, Declared, KEY_TYPE, describe};
use super::files::Files;
use super::issues::Issues;
use super::json::{JsonReader, LeafNames};
use super::log_reader;
use super::mapping::RowFilter;
use super::number::{DecimalMark, MarkEvidence, is_null_word, mark_evidence};
use super::parquet::ParquetBatches;
use super::source::{Format, Source};
use super::text_sample::{as_texts, no_row_fits, sample_text};
use crate::error::{Error, ErrorKind, Result};
use crate::jobs::Progress;

/// Rows that the guesses stand on, spread over the whole file.
pub(super) const SAMPLE_ROWS: usize = 10_000;

/// The columns of a log that the guesses stand on.
pub(super) struct Profile {
    pub(super) columns: Vec<ColumnProfile>,
    /// Rows in all files.
    pub(super) n_rows: u64,
    pub(super) decimal_mark: DecimalMark,
    /// Columns whose commas may be thousands or decimals.
    pub(super) ambiguous_marks: Vec<String>,
}

/// A spread sample of a log's rows.
pub(super) struct Sample {
    pub(super) columns: Vec<Sampled>,
    /// Rows in all files.
    pub(super) n_rows: u64,
    /// Whether every file puts semicolons between its fields.
    has_semicolons: bool,
}

/// Reads the files once, counts their rows and keeps a spread sample of them. The keys of JSON text
/// in cells become columns of their own: the frequent ones, and those in `named`.
pub(super) fn sample(files: &mut Files, named: &[String], progress: &Progress) -> Result<Sample> {
    let n_bytes = files.sources.iter().map(|s| s.bytes).sum();
    progress.phase("Looking at the columns", n_bytes)?;
    // Every file shows some of its rows, however many files there are.
    let n_wanted = (SAMPLE_ROWS / files.sources.len()).max(100);
    let (mut samples, mut n_bytes_before) = (Vec::new(), 0);
    for source in &files.sources {
        let tick = |n_bytes: u64| progress.tick(n_bytes_before + n_bytes);
        let sample = match source.format {
            Format::Parquet => sample_parquet(source, n_wanted),
            Format::JsonLines | Format::JsonWrapped => sample_json(source, n_wanted, &tick),
            Format::Csv { .. } => sample_text(source, n_wanted, &tick),
        };
        let (columns, n_rows) = sample.map_err(|e| e.at(&source.path))?;
        files.n_rows_of.push(n_rows);
        samples.push(columns);
        n_bytes_before += source.bytes;
    }
    if files.n_rows() == 0 {
        return Err(Error::new(
            ErrorKind::NotARequestLog,
            "The file has column names but no rows",
        )
        .at(&files.sources[0].path)
        .hint("Export the log again with its data"));
    }
    let name = |column: &Sampled| column.name.clone();
    files.columns = samples
        .iter()
        .map(|s| s.iter().map(name).collect())
        .collect();
    let columns = log_reader::together(files, samples);
    let in_file: Vec<String> = columns.iter().map(name).collect();
    let with_keys = columns.into_iter().flat_map(|column| {
        let keys = keys_of(&column, &in_file, named);
        std::iter::once(column).chain(keys)
    });
    Ok(Sample {
        columns: with_keys.collect(),
        n_rows: files.n_rows(),
        has_semicolons: files.have_semicolons(),
    })
}

impl Sample {
    /// The names of the columns and of the keys inside their cells.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|c| c.name.as_str())
    }

    /// Whether a filter keeps any of the sampled rows.
    pub(super) fn has_rows(&self, rows: &RowFilter) -> bool {
        let column = self.columns.iter().find(|c| c.name == rows.column);
        column.is_some_and(|c| c.values.iter().any(|v| rows.keeps(v.as_deref())))
    }

    /// The names of the columns alone.
    pub(super) fn in_files(&self) -> Vec<String> {
        let columns = self.columns.iter().filter(|c| !c.is_key);
        columns.map(|c| c.name.clone()).collect()
    }

    /// The decimal mark, and the columns that do not tell it.
    pub(super) fn decimal_mark(&self) -> (DecimalMark, Vec<String>) {
        decimal_mark(self.has_semicolons, &self.columns)
    }

    /// What the values of the rows that count look like.
    pub(super) fn profile(&mut self, rows: Option<&RowFilter>) -> Profile {
        let of_filter = rows.and_then(|rows| {
            let column = self.columns.iter().find(|c| c.name == rows.column)?;
            let values = column.values.iter();
            Some(values.map(|v| rows.keeps(v.as_deref())).collect::<Vec<_>>())
        });
        if let Some(kept) = of_filter {
            for column in &mut self.columns {
                let mut kept = kept.iter();
                column.values.retain(|_| kept.next().is_none_or(|k| *k));
            }
        }
        let (decimal_mark, ambiguous_marks) = self.decimal_mark();
        let columns = self.columns.iter();
        Profile {
            columns: columns.map(|c| c.described(decimal_mark)).collect(),
            n_rows: self.n_rows,
            decimal_mark,
            ambiguous_marks,
        }
    }
}

/// A column's sampled values as text, `None` for null, and what the file says of its type.
pub(super) struct Sampled {
    pub(super) name: String,
    pub(super) values: Vec<Option<String>>,
    pub(super) dtype: Option<DataType>,
    /// A key inside the cells of another column.
    is_key: bool,
}

impl Sampled {
    fn described(&self, mark: DecimalMark) -> ColumnProfile {
        let type_name = match &self.dtype {
            Some(dtype) => dtype.to_string(),
            None if self.is_key => KEY_TYPE.to_owned(),
            None => "text".to_owned(),
        };
        let is_stamp = matches!(self.dtype, Some(DataType::Datetime(..) | DataType::Date));
        let is_number = |t: &DataType| t.is_numeric() || t.is_bool();
        let declared = if is_stamp {
            Declared::Stamps
        } else if self.dtype.as_ref().is_some_and(is_number) {
            Declared::Numbers
        } else {
            Declared::Text
        };
        // The marks of a text file are not those of a typed column.
        let mark = match self.dtype {
            Some(_) => DecimalMark::Point,
            None => mark,
        };
        describe((self.name.clone(), type_name), &self.values, declared, mark)
    }

    pub(super) fn text(name: String, values: Vec<Option<String>>) -> Self {
        Self {
            name,
            values,
            dtype: None,
            is_key: false,
        }
    }
}

/// Keys offered per column: properties, not data.
const MAX_KEYS: usize = 40;
/// Cells that decide whether a column holds JSON text.
const PROBED: usize = 50;

/// The keys of the JSON text in a column's cells, as columns.
fn keys_of(column: &Sampled, in_file: &[String], named: &[String]) -> Vec<Sampled> {
    if column
        .dtype
        .as_ref()
        .is_some_and(|t| *t != DataType::String)
    {
        return Vec::new();
    }
    let present = column.values.iter().flatten();
    let probed: Vec<bool> = present
        .filter(|v| !is_null_word(v.trim()))
        .take(PROBED)
        .map(|v| cell::object(v).is_some())
        .collect();
    if probed.iter().filter(|is| **is).count() * 2 <= probed.len() {
        return Vec::new();
    }
    let mut keys: Vec<Sampled> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for (i, value) in column.values.iter().enumerate() {
        let Some(object) = value.as_deref().and_then(cell::object) else {
            continue;
        };
        cell::leaves(&object, &mut |key, text| {
            let name = format!("{}.{key}", column.name);
            let place = places.get(&name).copied().or_else(|| {
                let is_wanted = keys.len() < MAX_KEYS || named.contains(&name);
                (is_wanted && !in_file.contains(&name)).then(|| {
                    places.insert(name.clone(), keys.len());
                    keys.push(Sampled {
                        is_key: true,
                        ..Sampled::text(name, vec![None; column.values.len()])
                    });
                    keys.len() - 1
                })
            });
            if let Some(place) = place {
                keys[place].values[i] = Some(text);
            }
        });
    }
    keys
}

fn sample_parquet(source: &Source, n_wanted: usize) -> Result<(Vec<Sampled>, u64)> {
    let reader = ParquetBatches::open(source)?;
    let batches = reader.spread_sample(n_wanted)?;
    let columns = reader
        .schema
        .iter()
        .enumerate()
        .map(|(i, (name, dtype))| Sampled {
            name: name.clone(),
            values: batches
                .iter()
                .flat_map(|batch| batch.columns.get(i).map(as_texts).unwrap_or_default())
                .collect(),
            dtype: Some(dtype.clone()),
            is_key: false,
        });
    Ok((columns.collect(), reader.progress().1))
}

/// As [`sample_text`]; the columns are the keys of all objects, however late they appear.
fn sample_json(
    source: &Source,
    n_wanted: usize,
    tick: &dyn Fn(u64) -> Result<()>,
) -> Result<(Vec<Sampled>, u64)> {
    let mut reader = JsonReader::open(source)?;
    let mut names = LeafNames::default();
    let mut kept: Vec<Value> = Vec::new();
    let (mut step, mut n_read) = (1u64, 0u64);
    while let Some((_, _, object)) = reader.next_object(&mut Issues::default())? {
        names.add(&object);
        if n_read.is_multiple_of(step) {
            kept.push(object);
        }
        n_read += 1;
        if kept.len() > 2 * n_wanted {
            step *= 2;
            let mut i = 0;
            kept.retain(|_| {
                i += 1;
                i % 2 == 1
            });
        }
        if n_read.is_multiple_of(1024) {
            tick(reader.progress().0)?;
        }
    }
    if n_read == 0 && reader.n_rows_seen() > 0 {
        return Err(no_row_fits(source));
    }
    let columns = names.names.into_iter().map(|name| {
        let values = kept.iter().map(|o| cell::at(o, &name).and_then(cell::text));
        let values = values.collect();
        Sampled::text(name, values)
    });
    Ok((columns.collect(), reader.n_rows_seen()))
}

/// One decimal mark for the whole log: proven by any column, else suggested by the delimiter.
fn decimal_mark(has_semicolons: bool, columns: &[Sampled]) -> (DecimalMark, Vec<String>) {
    let evidence: Vec<(&str, MarkEvidence)> = columns
        .iter()
        .map(|column| {
            (
                column.name.as_str(),
                mark_evidence(column.values.iter().flatten().map(String::as_str)),
            )
        })
        .collect();
    let votes = |mark| {
        evidence
            .iter()
            .filter(|(_, e)| *e == MarkEvidence::Proven(mark))
            .count()
    };
    let mark = match votes(DecimalMark::Comma).cmp(&votes(DecimalMark::Point)) {
        std::cmp::Ordering::Greater => DecimalMark::Comma,
        std::cmp::Ordering::Equal if has_semicolons => DecimalMark::Comma,
        _ => DecimalMark::Point,
    };
    let is_proven = votes(mark) > 0;
    let asked = evidence
        .iter()
        .filter(|(_, e)| *e == MarkEvidence::Ambiguous && !is_proven);
    (mark, asked.map(|(name, _)| (*name).to_owned()).collect())
}
