//! A file as pieces that are read on any thread, or as batches of named columns one after another.

use std::ops::Range;

use rayon::prelude::*;

use super::batch::Batch;
use super::csv::CsvReader;
use super::csv_block::Block;
use super::issues::Issues;
use super::json::{JsonReader, LeafNames};
use super::parquet::{ParquetBatches, ParquetPiece};
use super::source::{Format, Source};
use crate::error::Result;

/// Reads from start to end.
pub(super) struct Reader {
    form: Form,
    /// What the rows and lines of the next batch count from.
    placed: (u64, u64),
}

enum Form {
    Csv(CsvReader),
    Json(JsonReader),
    Parquet(ParquetBatches),
}

/// Consecutive rows, not yet parsed.
pub(super) enum Piece {
    Csv(Block),
    Parquet(ParquetPiece),
    /// JSON is parsed while it is read.
    Batch(Batch),
}

/// A piece that has been parsed.
pub(super) struct ReadPiece {
    pub(super) batch: Batch,
    /// Lines as in the batch.
    pub(super) issues: Issues,
    pub(super) extent: Extent,
}

/// Data rows and lines of a piece that counts its own, rejected ones included; zeros where its
/// numbers are those of the file.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Extent {
    pub(super) n_rows: u64,
    pub(super) n_lines: u64,
}

impl Reader {
    /// Opens a source at its first row.
    pub(super) fn open(source: &Source) -> Result<Self> {
        let form = match source.format {
            Format::Csv {
                delimiter,
                lines_before,
            } => Form::Csv(CsvReader::open(source, delimiter as u8, lines_before)?),
            Format::JsonLines | Format::JsonWrapped => Form::Json(JsonReader::open(source)?),
            Format::Parquet => Form::Parquet(ParquetBatches::open(source)?),
        };
        let mut reader = Self {
            form,
            placed: (0, 0),
        };
        reader.placed = reader.first_place();
        Ok(reader)
    }

    /// The next rows, or `None` at the end.
    pub(super) fn next_piece(
        &mut self,
        wanted: &[String],
        issues: &mut Issues,
    ) -> Result<Option<Piece>> {
        Ok(match &mut self.form {
            Form::Csv(reader) => reader.next_block()?.map(Piece::Csv),
            Form::Json(reader) => reader.next_batch(wanted, issues)?.map(Piece::Batch),
            Form::Parquet(reader) => reader.next_piece().map(Piece::Parquet),
        })
    }

    /// What the rows and lines of the first piece count from.
    pub(super) fn first_place(&self) -> (u64, u64) {
        match &self.form {
            // Editors count from 1.
            Form::Csv(reader) => (0, reader.n_header_lines() + 1),
            Form::Json(_) | Form::Parquet(_) => (0, 0),
        }
    }

    /// The next rows of `wanted`, or `None` at the end. A row that cannot be read becomes an issue.
    pub(super) fn next_batch(
        &mut self,
        wanted: &[String],
        issues: &mut Issues,
    ) -> Result<Option<Batch>> {
        let Some(piece) = self.next_piece(wanted, issues)? else {
            return Ok(None);
        };
        let mut read = piece.read(wanted, Issues::default())?;
        let (row, line) = self.placed;
        self.placed.0 += read.extent.n_rows;
        self.placed.1 += read.extent.n_lines;
        issues.absorb(read.issues, line);
        read.batch.rows.iter_mut().for_each(|r| *r += row as u32);
        read.batch.lines.iter_mut().for_each(|l| *l += line);
        Ok(Some(read.batch))
    }

    /// Rows from stretches spread over the file, without reading what lies between; `None` where the
    /// file has to be read as a whole.
    pub(super) fn spread_sample(&self, wanted: &[String]) -> Result<Option<Vec<Batch>>> {
        let Form::Csv(reader) = &self.form else {
            return Ok(None);
        };
        let Some(blocks) = reader.spread_blocks()? else {
            return Ok(None);
        };
        let read = |block| Ok(Piece::Csv(block).read(wanted, Issues::default())?.batch);
        blocks
            .into_par_iter()
            .map(read)
            .collect::<Result<_>>()
            .map(Some)
    }

    /// Column names of delimited text; an unnamed column is `""`.
    pub(super) fn header(&self) -> &[String] {
        match &self.form {
            Form::Csv(reader) => reader.header(),
            Form::Json(_) | Form::Parquet(_) => &[],
        }
    }

    /// Whether the last row that was read had no end of line.
    pub(super) fn ends_in_line(&self) -> bool {
        matches!(&self.form, Form::Csv(reader) if reader.ends_in_line())
    }

    /// Data rows of the batches so far, rejected ones included; those of CSV pieces are known by their
    /// extents.
    pub(super) fn n_rows_seen(&self) -> u64 {
        match &self.form {
            Form::Csv(_) => self.placed.0,
            Form::Json(reader) => reader.n_rows_seen(),
            Form::Parquet(reader) => reader.progress().0,
        }
    }

    /// Bytes (text) or rows (Parquet) read so far, and in all.
    pub(super) fn progress(&self) -> (u64, u64) {
        match &self.form {
            Form::Csv(reader) => reader.progress(),
            Form::Json(reader) => reader.progress(),
            Form::Parquet(reader) => reader.progress(),
        }
    }
}

/// The names of a file's columns, in order; an unnamed column is `""`.
pub(super) fn column_names(source: &Source) -> Result<Vec<String>> {
    let reader = Reader::open(source)?;
    Ok(match reader.form {
        Form::Csv(reader) => reader.header().to_vec(),
        Form::Parquet(reader) => reader.schema.into_iter().map(|(name, _)| name).collect(),
        Form::Json(reader) => json_names(reader)?,
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

impl Piece {
    /// The rows of the file that it holds, where that is known before it is parsed.
    pub(super) fn known_rows(&self) -> Option<Range<u64>> {
        match self {
            Self::Parquet(piece) => Some(piece.rows()),
            Self::Csv(_) | Self::Batch(_) => None,
        }
    }

    /// Parses the wanted columns.
    pub(super) fn read(self, wanted: &[String], mut issues: Issues) -> Result<ReadPiece> {
        let (batch, extent) = match self {
            Self::Csv(block) => block.parse(wanted, &mut issues)?,
            Self::Parquet(piece) => (piece.read(wanted)?, Extent::default()),
            Self::Batch(batch) => (batch, Extent::default()),
        };
        Ok(ReadPiece {
            batch,
            issues,
            extent,
        })
    }
}
