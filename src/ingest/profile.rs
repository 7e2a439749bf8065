//! What a sample of a file says about each column, before any meaning is given to it.

use std::collections::HashMap;

use polars::prelude::DataType;
use serde::Serialize;
use serde_json::Value;

use super::cell;
use super::files::Files;
use super::issues::{Issues, shortened};
use super::json::{JsonReader, LeafNames};
use super::log_reader;
use super::mapping::RowFilter;
use super::number::{DecimalMark, MarkEvidence, is_null_word, mark_evidence, parse_number};
use super::parquet::ParquetBatches;
use super::source::{Format, Source};
use super::stamp_text::{DateOrder, ordered_stamp_us, text_stamp_us, uuid7_us};
use super::text_sample::{as_texts, no_row_fits, sample_text};
use crate::error::{Error, ErrorKind, Result};
use crate::jobs::Progress;

/// Rows that the guesses stand on, spread over the whole file.
pub(super) const SAMPLE_ROWS: usize = 10_000;

/// Type of a key of the JSON text in another column's cells.
const KEY_TYPE: &str = "key in a cell";

/// What the sampled values of one column look like.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ColumnProfile {
    /// Its name in the file.
    pub name: String,
    /// Its type in the file: "text", "key in a cell", or a Parquet type.
    pub type_name: String,
    /// Sampled rows.
    pub n: usize,
    /// Of those, empty or a word for "no value".
    pub n_null: usize,
    /// Distinct values in the sample.
    pub n_distinct: usize,
    /// Share of the non-null values that are numbers.
    pub numeric_share: f64,
    /// Share of the non-null values that are dates with times.
    pub stamp_share: f64,
    /// Of the non-null values, the shares that are dates with the day first and with the month first.
    #[serde(skip)]
    pub ordered_shares: (f64, f64),
    /// Share of the non-null values that are UUIDs of version 7.
    #[serde(skip)]
    pub uuid7_share: f64,
    /// Whether every number is whole.
    pub is_whole: bool,
    /// Smallest, median and largest number.
    pub range: Option<(f64, f64, f64)>,
    /// The first distinct values, for people.
    pub samples: Vec<String>,
    /// The most frequent values, at most twenty.
    #[serde(skip)]
    pub frequent: Vec<String>,
    /// Whether the file itself declares a stamp type.
    #[serde(skip)]
    pub is_typed_stamp: bool,
    /// Whether the file itself declares numbers or truth values.
    #[serde(skip)]
    pub is_typed_number: bool,
    /// Numeric values in sample order, NaN where none: for tests between columns.
    #[serde(skip)]
    pub numbers: Vec<f64>,
}

impl ColumnProfile {
    /// Whether it is a key of the JSON text in another column's cells.
    pub fn is_key(&self) -> bool {
        self.type_name == KEY_TYPE
    }

    /// Share of sampled rows without a value.
    pub fn null_share(&self) -> f64 {
        self.n_null as f64 / self.n.max(1) as f64
    }

    /// Share of the values that occur only once or nearly.
    pub fn distinct_share(&self) -> f64 {
        self.n_distinct as f64 / (self.n - self.n_null).max(1) as f64
    }
}

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
    columns: Vec<Sampled>,
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
    /// The names of the columns alone.
    pub(super) fn in_files(&self) -> Vec<String> {
        let columns = self.columns.iter().filter(|c| !c.is_key);
        columns.map(|c| c.name.clone()).collect()
    }

    /// What the values of the rows that count look like.
    pub(super) fn profile(mut self, rows: Option<&RowFilter>) -> Profile {
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
        let (decimal_mark, ambiguous_marks) = decimal_mark(self.has_semicolons, &self.columns);
        let columns = self.columns.into_iter();
        Profile {
            columns: columns.map(|c| describe(c, decimal_mark)).collect(),
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

fn describe(column: Sampled, mark: DecimalMark) -> ColumnProfile {
    let is_typed_stamp = matches!(column.dtype, Some(DataType::Datetime(..) | DataType::Date));
    let is_typed_number = column
        .dtype
        .as_ref()
        .is_some_and(|t| t.is_numeric() || t.is_bool());
    let mark = if column.dtype.is_some() {
        DecimalMark::Point
    } else {
        mark
    };
    let present = |value: &&String| !is_null_word(value.trim());
    let values: Vec<&String> = column.values.iter().flatten().filter(present).collect();
    let mut counts: HashMap<&str, (usize, usize)> = HashMap::new();
    for (order, value) in values.iter().enumerate() {
        counts.entry(value.as_str()).or_insert((0, order)).0 += 1;
    }
    let mut by_count: Vec<(&str, (usize, usize))> = counts.into_iter().collect();
    by_count.sort_by_key(|(_, (count, order))| (std::cmp::Reverse(*count), *order));
    let numbers: Vec<f64> = column
        .values
        .iter()
        .map(|value| {
            value
                .as_deref()
                .and_then(|v| parse_number(v, mark))
                .unwrap_or(f64::NAN)
        })
        .collect();
    let mut sorted: Vec<f64> = numbers.iter().copied().filter(|v| !v.is_nan()).collect();
    sorted.sort_by(f64::total_cmp);
    let n_values = values.len().max(1) as f64;
    let share =
        |fits: &dyn Fn(&str) -> bool| values.iter().filter(|v| fits(v)).count() as f64 / n_values;
    let stamp_share = share(&|v| text_stamp_us(v, &mut false).is_some());
    let ordered = |order| {
        if stamp_share > 0.5 || is_plain_number(&sorted, n_values) {
            return 0.0;
        }
        share(&|v| ordered_stamp_us(v, Some(order), &mut false).is_some())
    };
    let type_name = match column.dtype {
        Some(dtype) => dtype.to_string(),
        None if column.is_key => KEY_TYPE.to_owned(),
        None => "text".to_owned(),
    };
    ColumnProfile {
        name: column.name,
        type_name,
        n: column.values.len(),
        n_null: column.values.len() - values.len(),
        n_distinct: by_count.len(),
        numeric_share: sorted.len() as f64 / n_values,
        stamp_share,
        ordered_shares: (ordered(DateOrder::DayFirst), ordered(DateOrder::MonthFirst)),
        uuid7_share: share(&|v| uuid7_us(v).is_some()),
        is_whole: sorted.iter().all(|v| v.fract() == 0.0),
        range: sorted
            .first()
            .zip(sorted.last())
            .map(|(low, high)| (*low, sorted[sorted.len() / 2], *high)),
        samples: by_count
            .iter()
            .take(4)
            .map(|(value, _)| shortened(value))
            .collect(),
        frequent: by_count
            .iter()
            .take(20)
            .map(|(value, _)| (*value).to_owned())
            .collect(),
        is_typed_stamp,
        is_typed_number,
        numbers,
    }
}

fn is_plain_number(sorted: &[f64], n_values: f64) -> bool {
    sorted.len() as f64 > 0.9 * n_values
}
