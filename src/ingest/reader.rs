//! A file as batches of named columns, whatever its format.

use super::batch::Batch;
use super::csv::CsvReader;
use super::issues::Issues;
use super::json::{JsonReader, LeafNames};
use super::parquet::ParquetBatches;
use super::source::{Format, Source};
use crate::error::Result;

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

/// The names of a file's columns, in order; an unnamed column is `""`.
pub(super) fn column_names(source: &Source) -> Result<Vec<String>> {
    Ok(match Reader::open(source)? {
        Reader::Csv(reader) => reader.header,
        Reader::Parquet(reader) => reader.schema.into_iter().map(|(name, _)| name).collect(),
        Reader::Json(reader) => json_names(reader)?,
    })
}

/// The names in the first thousand objects.
fn json_names(mut reader: JsonReader) -> Result<Vec<String>> {
    let mut names = LeafNames::default();
    for _ in 0..1000 {
        let Some((_, _, object)) = reader.next_object(&mut Issues::default())? else {
            break;
        };
        names.add(&object);
    }
    Ok(names.names)
}
