//! Consecutive rows as columns: what every reader hands over and every column builder takes.

use std::cell::OnceCell;
use std::sync::Arc;

use polars::prelude::{
    BooleanChunked, Column, DataType, Int64Chunked, IntoColumn as _, NewChunkedArray as _,
    StringChunked, TimeUnit,
};

use super::cell::bare;
use crate::error::{Error, ErrorKind, Result};

/// Rows per batch of JSON lines: large enough to amortise, small enough for the cache.
pub(super) const BATCH_ROWS: usize = 16_384;

/// Consecutive rows of the wanted columns.
pub(super) struct Batch {
    /// In the order in which they were asked for.
    pub(super) columns: Vec<Values>,
    /// Per row: 0-based data row.
    pub(super) rows: Vec<u32>,
    /// Which of the log's files they come from.
    pub(super) file: usize,
    /// Per row: the line as an editor counts it, or the row from 1 for Parquet.
    pub(super) lines: Vec<u64>,
}

/// A column of a batch: text formats give text, Parquet its own types. Cheap to clone.
#[derive(Clone)]
pub(super) enum Values {
    Text(TextColumn),
    Typed(Column),
}

/// Values as stretches of one text; an empty one is missing.
#[derive(Clone, Default)]
pub(super) struct TextColumn {
    text: Arc<String>,
    stretches: Arc<Vec<(u32, u32)>>,
}

/// Collects the values of a text column.
#[derive(Default)]
pub(super) struct TextBuilder {
    text: String,
    stretches: Vec<(u32, u32)>,
}

impl Batch {
    /// The rows of a text format; `None` when there are none left.
    pub(super) fn of_texts(
        builders: Vec<TextBuilder>,
        rows: Vec<u32>,
        lines: Vec<u64>,
    ) -> Option<Self> {
        let columns = builders.into_iter().map(TextBuilder::finish);
        (!rows.is_empty()).then(|| Self {
            columns: columns.collect(),
            rows,
            lines,
            file: 0,
        })
    }
}

impl Values {
    /// Number of rows.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Text(column) => column.stretches.len(),
            Self::Typed(column) => column.len(),
        }
    }

    /// Text values.
    pub(super) fn of_texts(values: impl Iterator<Item = Option<impl AsRef<str>>>) -> Self {
        let mut builder = TextBuilder::default();
        values.for_each(|value| builder.append_option(value));
        builder.finish()
    }

    /// One value in all rows; an empty one is missing.
    pub(super) fn repeated(value: &str, n: usize) -> Self {
        let stretch = (0, value.len() as u32);
        Self::Text(TextColumn::of(Arc::new(value.to_owned()), vec![stretch; n]))
    }

    /// The rows at which `keep` holds.
    #[must_use]
    pub(super) fn filtered(&self, keep: &[bool]) -> Self {
        match self {
            Self::Text(column) => {
                let stretches = column.stretches.iter().zip(keep);
                let kept = stretches.filter(|(_, keep)| **keep).map(|(s, _)| *s);
                Self::Text(TextColumn::of(column.text.clone(), kept.collect()))
            }
            Self::Typed(column) => {
                let mask = BooleanChunked::from_slice("rows".into(), keep);
                let none = |_| Column::new_empty(column.name().clone(), &DataType::String);
                Self::Typed(column.filter(&mask).unwrap_or_else(none))
            }
        }
    }

    /// The values of a column of whole numbers; `None` for any other.
    pub(super) fn integers(&self) -> Option<Vec<Option<i64>>> {
        let Self::Typed(column) = self else {
            return None;
        };
        // An unsigned number may not fit, and would get lost.
        let fits = column.dtype().is_signed_integer() || *column.dtype() == DataType::UInt32;
        let integers = column.cast(&DataType::Int64).ok().filter(|_| fits)?;
        Some(integers.i64().ok()?.iter().collect())
    }
}

impl TextColumn {
    /// Stretches of a text that several columns share.
    pub(super) fn of(text: Arc<String>, stretches: Vec<(u32, u32)>) -> Self {
        Self {
            text,
            stretches: Arc::new(stretches),
        }
    }

    #[inline]
    fn get(&self, i: usize) -> Option<&str> {
        let (start, end) = *self.stretches.get(i)?;
        (start < end).then(|| bare(&self.text[start as usize..end as usize]))
    }
}

impl TextBuilder {
    /// Appends a value; an empty one is missing.
    pub(super) fn append(&mut self, value: &str) {
        let start = self.text.len() as u32;
        self.text.push_str(value);
        self.stretches.push((start, self.text.len() as u32));
    }

    /// Appends a value or none.
    pub(super) fn append_option<T: AsRef<str>>(&mut self, value: Option<T>) {
        match value {
            Some(value) => self.append(value.as_ref()),
            None => self.append(""),
        }
    }

    pub(super) fn finish(self) -> Values {
        Values::Text(TextColumn::of(Arc::new(self.text), self.stretches))
    }
}

/// A column as text, whatever its type; converted when the first value is asked for.
pub(super) struct Texts<'a> {
    values: &'a Values,
    text: OnceCell<Option<StringChunked>>,
}

impl<'a> Texts<'a> {
    pub(super) fn of(values: &'a Values) -> Self {
        Self {
            values,
            text: OnceCell::new(),
        }
    }

    /// The text of a cell, without literal quotes around it.
    pub(super) fn get(&self, i: usize) -> Option<&str> {
        match self.values {
            Values::Text(column) => column.get(i),
            Values::Typed(column) => self.converted(column)?.get(i).map(bare),
        }
    }

    /// The values of all rows, in order.
    pub(super) fn for_each<'b>(&'b self, mut see: impl FnMut(usize, Option<&'b str>)) {
        match self.values {
            Values::Text(column) => {
                for i in 0..column.stretches.len() {
                    see(i, column.get(i));
                }
            }
            Values::Typed(column) => match self.converted(column) {
                Some(text) => text
                    .iter()
                    .enumerate()
                    .for_each(|(i, value)| see(i, value.map(bare))),
                None => (0..column.len()).for_each(|i| see(i, None)),
            },
        }
    }

    fn converted(&self, column: &Column) -> Option<&StringChunked> {
        let convert = || {
            let column = within_calendar(column)?;
            column.cast(&DataType::String).ok()?.str().ok().cloned()
        };
        self.text.get_or_init(convert).as_ref()
    }
}

/// Stamps that no calendar has become null: writing them as text would panic.
fn within_calendar(column: &Column) -> Option<Column> {
    /// Days that every unit and the calendar of the data frames can hold.
    const MAX_DAYS: i64 = 90_000_000;
    let per_day = match column.dtype() {
        DataType::Date => 1,
        DataType::Datetime(TimeUnit::Milliseconds, _) => 86_400_000,
        DataType::Datetime(TimeUnit::Microseconds, _) => 86_400_000_000,
        _ => return Some(column.clone()),
    };
    let stamps = column.to_physical_repr().cast(&DataType::Int64).ok()?;
    let is_day = |stamp: &i64| (-MAX_DAYS..MAX_DAYS).contains(&(stamp / per_day));
    let kept: Int64Chunked = stamps
        .i64()
        .ok()?
        .iter()
        .map(|stamp| stamp.filter(is_day))
        .collect();
    kept.into_column().cast(column.dtype()).ok()
}

/// Builders for text columns.
pub(super) fn text_builders(wanted: &[String]) -> Vec<TextBuilder> {
    wanted.iter().map(|_| TextBuilder::default()).collect()
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
