//! A file as batches of named columns, whatever its format.

use polars::prelude::{Column, StringChunkedBuilder};

use super::csv::CsvReader;
use super::issues::Issues;
use super::json::JsonReader;
use super::parquet::ParquetBatches;
use super::source::{Format, Source};
use crate::error::{Error, ErrorKind, Result};

/// Rows per batch of text formats: large enough to amortise, small enough for the cache.
pub(super) const BATCH_ROWS: usize = 16_384;

/// Consecutive rows of the wanted columns.
pub(super) struct Batch {
    /// In the order in which they were asked for; text formats give text, Parquet its own types.
    pub(super) columns: Vec<Column>,
    /// Per row: 0-based data row in the file.
    pub(super) rows: Vec<u32>,
    /// Per row: the line as an editor counts it, or the row from 1 for Parquet.
    pub(super) lines: Vec<u64>,
}

/// Reads batches from start to end.
pub(super) enum Reader {
    Csv(CsvReader),
    Json(JsonReader),
    Parquet(ParquetBatches),
}

impl Reader {
    /// Opens a source at its first row.
    pub(super) fn open(source: &Source) -> Result<Self> {
        Ok(match source.format {
            Format::Csv { delimiter } => Self::Csv(CsvReader::open(source, delimiter as u8)?),
            Format::JsonLines => Self::Json(JsonReader::open(source)?),
            Format::Parquet => Self::Parquet(ParquetBatches::open(source)?),
        })
    }

    /// The next rows of `wanted`, or `None` at the end. A row that cannot be read becomes an issue.
    pub(super) fn next_batch(
        &mut self,
        wanted: &[String],
        issues: &mut Issues,
    ) -> Result<Option<Batch>> {
        match self {
            Self::Csv(reader) => reader.next_batch(wanted, issues),
            Self::Json(reader) => reader.next_batch(wanted, issues),
            Self::Parquet(reader) => reader.next_batch(wanted),
        }
    }

    /// Data rows so far, rejected ones included.
    pub(super) fn n_rows_seen(&self) -> u64 {
        match self {
            Self::Csv(reader) => reader.n_rows_seen(),
            Self::Json(reader) => reader.n_rows_seen(),
            Self::Parquet(reader) => reader.progress().0,
        }
    }

    /// Bytes (text) or rows (Parquet) read so far, and in all.
    pub(super) fn progress(&self) -> (u64, u64) {
        match self {
            Self::Csv(reader) => reader.progress(),
            Self::Json(reader) => reader.progress(),
            Self::Parquet(reader) => reader.progress(),
        }
    }
}

/// Builders for text columns.
pub(super) fn text_builders(wanted: &[String]) -> Vec<StringChunkedBuilder> {
    wanted
        .iter()
        .map(|name| StringChunkedBuilder::new(name.as_str().into(), BATCH_ROWS))
        .collect()
}

/// The row number as the log stores it.
pub(super) fn row_number(row: u64) -> Result<u32> {
    u32::try_from(row).map_err(|_too_large| {
        Error::new(
            ErrorKind::NotEnoughData,
            "The log has more than 4,294,967,295 rows",
        )
        .hint("Split it by time and open one part")
    })
}
