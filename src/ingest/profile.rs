//! What a sample of a file says about each column, before any meaning is given to it.

use std::collections::HashMap;

use polars::prelude::{Column, DataType};
use serde::Serialize;

use super::issues::{Issues, shortened};
use super::json::leaf_names;
use super::number::{DecimalMark, MarkEvidence, is_null_word, mark_evidence, parse_number};
use super::reader::Reader;
use super::source::{Format, Source};
use super::stamp::text_stamp_us;
use crate::error::{Error, ErrorKind, Result};
use crate::jobs::Progress;

/// Rows that the guesses stand on, spread over the whole file.
pub(super) const SAMPLE_ROWS: usize = 10_000;

/// What the sampled values of one column look like.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ColumnProfile {
    /// Its name in the file.
    pub name: String,
    /// Its type in the file: "text", or a Parquet type.
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
    /// Share of sampled rows without a value.
    pub fn null_share(&self) -> f64 {
        self.n_null as f64 / self.n.max(1) as f64
    }

    /// Share of the values that occur only once or nearly.
    pub fn distinct_share(&self) -> f64 {
        self.n_distinct as f64 / (self.n - self.n_null).max(1) as f64
    }
}

/// The sampled columns of a file.
pub(super) struct Profile {
    pub(super) columns: Vec<ColumnProfile>,
    /// Rows in the file.
    pub(super) n_rows: u64,
    pub(super) decimal_mark: DecimalMark,
    /// Columns whose commas may be thousands or decimals.
    pub(super) ambiguous_marks: Vec<String>,
}

/// Reads a file once and profiles a spread sample of its rows.
pub(super) fn profile(source: &Source, progress: &Progress) -> Result<Profile> {
    progress.phase("Looking at the columns", source.bytes)?;
    let (columns, n_rows) = match source.format {
        Format::Parquet => sample_parquet(source)?,
        Format::Csv { .. } | Format::JsonLines => sample_text(source, progress)?,
    };
    if n_rows == 0 {
        return Err(Error::new(
            ErrorKind::NotARequestLog,
            "The file has column names but no rows",
        )
        .at(&source.path)
        .hint("Export the log again with its data"));
    }
    let (decimal_mark, ambiguous_marks) = decimal_mark(source, &columns);
    let columns = columns
        .into_iter()
        .map(|column| describe(column, decimal_mark))
        .collect();
    Ok(Profile {
        columns,
        n_rows,
        decimal_mark,
        ambiguous_marks,
    })
}

/// A column's sampled values as text, `None` for null, and what the file says of its type.
struct Sampled {
    name: String,
    values: Vec<Option<String>>,
    dtype: Option<DataType>,
}

fn sample_parquet(source: &Source) -> Result<(Vec<Sampled>, u64)> {
    let Reader::Parquet(reader) = Reader::open(source)? else {
        return Ok((Vec::new(), 0));
    };
    let batches = reader.spread_sample(SAMPLE_ROWS)?;
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
        });
    Ok((columns.collect(), reader.progress().1))
}

/// The values of a typed column as text.
fn as_texts(column: &Column) -> Vec<Option<String>> {
    let text = column.cast(&DataType::String);
    let Some(text) = text.as_ref().ok().and_then(|c| c.str().ok()) else {
        return vec![None; column.len()];
    };
    text.iter().map(|value| value.map(str::to_owned)).collect()
}

/// Every k-th row, k doubling whenever the sample is full: even spread in one pass.
fn sample_text(source: &Source, progress: &Progress) -> Result<(Vec<Sampled>, u64)> {
    let mut reader = Reader::open(source)?;
    let mut ignored = Issues::default();
    let mut names: Vec<String> = match &reader {
        Reader::Csv(csv) => csv.header.clone(),
        _ => json_names(source)?,
    };
    names.retain(|name| !name.is_empty());
    let mut kept: Vec<Vec<Option<String>>> = vec![Vec::new(); names.len()];
    let (mut step, mut n_read) = (1u64, 0u64);
    while let Some(batch) = reader.next_batch(&names, &mut ignored)? {
        progress.tick(reader.progress().0)?;
        for i in 0..batch.rows.len() {
            if n_read.is_multiple_of(step) {
                for (values, column) in kept.iter_mut().zip(&batch.columns) {
                    values.push(column.str().ok().and_then(|c| c.get(i)).map(str::to_owned));
                }
            }
            n_read += 1;
        }
        while kept
            .first()
            .is_some_and(|values| values.len() > 2 * SAMPLE_ROWS)
        {
            step *= 2;
            for values in &mut kept {
                let mut i = 0;
                values.retain(|_| {
                    i += 1;
                    i % 2 == 1
                });
            }
        }
    }
    let n_rows = reader.n_rows_seen();
    if n_read == 0 && n_rows > 0 {
        return Err(no_row_fits(source));
    }
    let columns = names.into_iter().zip(kept).map(|(name, values)| Sampled {
        name,
        values,
        dtype: None,
    });
    Ok((columns.collect(), n_rows))
}

/// The file has rows, but each of them contradicts its format.
fn no_row_fits(source: &Source) -> Error {
    let (message, hint) = if source.format == Format::JsonLines {
        (
            "No line is a JSON object of its own",
            "Write one object a line, for example with: jq -c . log.json > log.jsonl",
        )
    } else {
        (
            "No row fits the column names",
            "A quote may be open, or the header may belong to another file; export the log again",
        )
    };
    Error::new(ErrorKind::Malformed, message).hint(hint)
}

/// The names in the first thousand objects: later ones seldom bring a new key.
fn json_names(source: &Source) -> Result<Vec<String>> {
    let Reader::Json(mut reader) = Reader::open(source)? else {
        return Ok(Vec::new());
    };
    let mut names = Vec::new();
    for _ in 0..1000 {
        let Some((_, _, object)) = reader.next_object(&mut Issues::default())? else {
            break;
        };
        leaf_names(&object, &mut names);
        if names.len() > 2000 {
            break;
        }
    }
    Ok(names)
}

/// One decimal mark for the whole file: proven by any column, else suggested by the delimiter.
fn decimal_mark(source: &Source, columns: &[Sampled]) -> (DecimalMark, Vec<String>) {
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
    let by_delimiter = matches!(source.format, Format::Csv { delimiter: ';' });
    let mark = match votes(DecimalMark::Comma).cmp(&votes(DecimalMark::Point)) {
        std::cmp::Ordering::Greater => DecimalMark::Comma,
        std::cmp::Ordering::Equal if by_delimiter => DecimalMark::Comma,
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
    let stamps = values
        .iter()
        .filter(|v| text_stamp_us(v, &mut false).is_some())
        .count();
    let n_values = values.len().max(1) as f64;
    ColumnProfile {
        name: column.name,
        type_name: column
            .dtype
            .map_or_else(|| "text".to_owned(), |dtype| dtype.to_string()),
        n: column.values.len(),
        n_null: column.values.len() - values.len(),
        n_distinct: by_count.len(),
        numeric_share: sorted.len() as f64 / n_values,
        stamp_share: stamps as f64 / n_values,
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
