//! Parquet through polars, one row group at a time, wanted columns only.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};

use polars::prelude::{Column, DataFrame, DataType, ParquetReader, PolarsResult, SerReader as _};

use super::batch::{Batch, row_number};
use super::source::Source;
use crate::error::{Error, ErrorKind, Result};

pub(super) struct ParquetBatches {
    source: Source,
    /// Names and types of the columns.
    pub(super) schema: Vec<(String, DataType)>,
    n_rows: u64,
    /// First row and length of each row group, large ones cut.
    slices: Vec<(usize, usize)>,
    next_slice: usize,
}

impl ParquetBatches {
    pub(super) fn open(source: &Source) -> Result<Self> {
        let (schema, lengths) = guarded(source, || {
            let mut reader = ParquetReader::new(open_file(source)?);
            let schema = reader.schema()?;
            let mut groups = Vec::new();
            for group in &reader.get_metadata()?.row_groups {
                groups.push(group.num_rows());
            }
            let schema = schema
                .iter()
                .map(|(name, field)| (name.to_string(), DataType::from_arrow_field(field)))
                .collect::<Vec<_>>();
            Ok((schema, groups))
        })?;
        let mut slices = Vec::new();
        let mut start = 0;
        for mut rest in lengths {
            while rest > 0 {
                let n = rest.min(1 << 20);
                slices.push((start, n));
                start += n;
                rest -= n;
            }
        }
        Ok(Self {
            source: source.clone(),
            schema,
            n_rows: start as u64,
            slices,
            next_slice: 0,
        })
    }

    pub(super) fn next_batch(&mut self, wanted: &[String]) -> Result<Option<Batch>> {
        let Some(&(start, n)) = self.slices.get(self.next_slice) else {
            return Ok(None);
        };
        self.next_slice += 1;
        self.read(start, n, wanted).map(Some)
    }

    /// About `n_rows` rows spread evenly over the file, in up to twenty stretches.
    pub(super) fn spread_sample(&self, n_rows: usize) -> Result<Vec<Batch>> {
        let wanted: Vec<String> = self.schema.iter().map(|(name, _)| name.clone()).collect();
        let total = self.n_rows as usize;
        if total <= n_rows {
            return Ok(if total == 0 {
                Vec::new()
            } else {
                vec![self.read(0, total, &wanted)?]
            });
        }
        let stretch = n_rows / 20;
        (0..20)
            .map(|i| self.read((total - stretch) * i / 19, stretch, &wanted))
            .collect()
    }

    pub(super) fn progress(&self) -> (u64, u64) {
        let done = self.slices[..self.next_slice]
            .last()
            .map_or(0, |(start, n)| start + n);
        (done as u64, self.n_rows)
    }

    fn read(&self, start: usize, n: usize, wanted: &[String]) -> Result<Batch> {
        let frame: DataFrame = guarded(&self.source, || {
            ParquetReader::new(open_file(&self.source)?)
                .with_columns(Some(wanted.to_vec()))
                .with_slice(Some((start, n)))
                .finish()
        })?;
        let columns: Vec<Column> = wanted
            .iter()
            .filter_map(|name| {
                frame
                    .column(name)
                    .ok()
                    .map(polars::prelude::Column::rechunk)
            })
            .collect();
        let rows = (start..start + n)
            .map(|row| row_number(row as u64))
            .collect::<Result<Vec<u32>>>()?;
        let lines = (start + 1..=start + n).map(|row| row as u64).collect();
        Ok(Batch {
            columns,
            rows,
            lines,
            file: 0,
        })
    }
}

fn open_file(source: &Source) -> PolarsResult<File> {
    Ok(File::open(&source.path)?)
}

/// Damaged Parquet has made polars panic before: both kinds of failure become one error.
fn guarded<T>(source: &Source, read: impl FnOnce() -> PolarsResult<T>) -> Result<T> {
    let malformed = |cause: String| {
        Error::new(
            ErrorKind::Malformed,
            format!("The Parquet file cannot be read: {cause}"),
        )
        .at(&source.path)
        .hint("It may be cut off or damaged; export or download it again")
    };
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(cause)) => Err(malformed(cause.to_string())),
        Err(_) => Err(malformed("its contents contradict its footer".to_owned())),
    }
}
