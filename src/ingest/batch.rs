//! Consecutive rows as columns: what every reader hands over and every column builder takes.

use std::cell::OnceCell;

use polars::prelude::{Column, DataType, IntoColumn as _, StringChunked, StringChunkedBuilder};

use super::cell::bare;
use crate::error::{Error, ErrorKind, Result};

/// Rows per batch of text formats: large enough to amortise, small enough for the cache.
pub(super) const BATCH_ROWS: usize = 16_384;

/// Consecutive rows of the wanted columns.
pub(super) struct Batch {
    /// In the order in which they were asked for; text formats give text, Parquet its own types.
    pub(super) columns: Vec<Column>,
    /// Per row: 0-based data row in the file; in a log of several files counted on over all of them.
    pub(super) rows: Vec<u32>,
    /// Per row: the line as an editor counts it, or the row from 1 for Parquet.
    pub(super) lines: Vec<u64>,
    /// Which of the log's files they come from.
    pub(super) file: usize,
}

impl Batch {
    /// The rows of a text format; `None` when there are none left.
    pub(super) fn of_texts(
        builders: Vec<StringChunkedBuilder>,
        rows: Vec<u32>,
        lines: Vec<u64>,
    ) -> Option<Self> {
        let columns = builders.into_iter().map(|b| b.finish().into_column());
        (!rows.is_empty()).then(|| Self {
            columns: columns.collect(),
            rows,
            lines,
            file: 0,
        })
    }
}

/// A column as text, whatever its type; converted when the first value is asked for.
pub(super) struct Texts<'a> {
    column: &'a Column,
    text: OnceCell<Option<StringChunked>>,
}

impl<'a> Texts<'a> {
    pub(super) fn of(column: &'a Column) -> Self {
        Self {
            column,
            text: OnceCell::new(),
        }
    }

    /// The text of a cell, without literal quotes around it.
    pub(super) fn get(&self, i: usize) -> Option<&str> {
        let convert = || {
            self.column
                .cast(&DataType::String)
                .ok()?
                .str()
                .ok()
                .cloned()
        };
        self.text.get_or_init(convert).as_ref()?.get(i).map(bare)
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
