//! Parquet through polars: row groups as pieces that are read on any thread, wanted columns only.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use polars::prelude::{ArrowSchema, Column, DataFrame, DataType, PolarsError, PolarsResult};
use polars_io::SerReader as _;
use polars_io::parquet::read::{ParallelStrategy, ParquetReader};

use rayon::prelude::*;

use super::batch::{Batch, Values, row_number};
use super::nested;
use super::source::Source;
use crate::error::{Error, ErrorKind, Result};

/// Rows of a piece: row groups above this are cut.
const PIECE_ROWS: usize = 1 << 18;

pub(super) struct ParquetBatches {
    file: Arc<ParquetFile>,
    /// Names and types of the columns, fields of structs by dotted names.
    pub(super) schema: Vec<(String, DataType)>,
    n_rows: u64,
    slices: Vec<Slice>,
    next_slice: usize,
}

/// Rows of one row group.
#[derive(Debug, Clone, Copy)]
struct Slice {
    group: usize,
    /// First row in the file.
    start: usize,
    /// First row in the row group.
    offset: usize,
    n: usize,
}

type ReadSlice = dyn Fn(Slice, &[String]) -> PolarsResult<DataFrame> + Send + Sync;

/// What every piece needs: opened again by each, because readers hold a position.
struct ParquetFile {
    source: Source,
    /// The columns as the file has them.
    in_file: Vec<(String, DataType)>,
    /// Reads columns of a slice.
    read: Box<ReadSlice>,
}

/// Rows whose columns are yet to be decoded.
pub(super) struct ParquetPiece {
    file: Arc<ParquetFile>,
    slice: Slice,
}

impl ParquetPiece {
    /// The rows of the file that it holds.
    pub(super) fn rows(&self) -> std::ops::Range<u64> {
        let Slice { start, n, .. } = self.slice;
        start as u64..(start + n) as u64
    }

    /// Decodes the wanted columns.
    pub(super) fn read(&self, wanted: &[String]) -> Result<Batch> {
        let Slice { start, n, .. } = self.slice;
        let in_file = &self.file.in_file;
        let root = |name: &String| nested::root(name, in_file).map(str::to_owned);
        let mut roots: Vec<String> = wanted.iter().filter_map(root).collect();
        roots.sort_unstable();
        roots.dedup();
        let columns = guarded(&self.file.source.path, || {
            let frame = (self.file.read)(self.slice, &roots)?;
            // Damaged files have had columns of fewer values than rows.
            let short = |name: &&String| frame.column(name).is_ok_and(|c| c.len() != n);
            if let Some(name) = roots.iter().find(short) {
                return Err(PolarsError::ComputeError(
                    format!("column {name:?} does not hold a value for each of {n} rows").into(),
                ));
            }
            let picked = wanted.iter().filter_map(|name| {
                let column = frame.column(&root(name)?).ok()?.rechunk();
                nested::pick(&column, name)
            });
            let picked: Vec<Column> = picked.collect();
            // A constant column becomes values when it is first asked for, and may be damaged too.
            for column in &picked {
                column.as_materialized_series();
            }
            Ok(picked)
        })?;
        Ok(Batch {
            columns: columns.into_iter().map(Values::Typed).collect(),
            rows: (start..start + n)
                .map(|row| row_number(row as u64))
                .collect::<Result<Vec<u32>>>()?,
            lines: (start + 1..=start + n).map(|row| row as u64).collect(),
            file: 0,
        })
    }
}

impl ParquetBatches {
    pub(super) fn open(source: &Source) -> Result<Self> {
        let path = source.path.clone();
        let (schema, lengths, read) = guarded(&source.path, || {
            let mut reader = ParquetReader::new(File::open(&path)?);
            let arrow_schema = reader.schema()?;
            let metadata = reader.get_metadata()?.clone();
            let mut lengths = Vec::new();
            for group in &metadata.row_groups {
                lengths.push(group.num_rows());
            }
            let schema = columns_of(&arrow_schema);
            // A reader walks over all row groups before its slice and decodes their dictionaries: it
            // is given a footer that names the one row group alone.
            let groups: Vec<_> = (0..lengths.len())
                .map(|group| {
                    let mut alone = (*metadata).clone();
                    alone.row_groups = vec![metadata.row_groups[group].clone()];
                    alone.num_rows = lengths[group];
                    Arc::new(alone)
                })
                .collect();
            let read = move |slice: Slice, wanted: &[String]| {
                let mut reader = ParquetReader::new(File::open(&path)?);
                reader.set_metadata(groups[slice.group].clone());
                reader
                    .read_parallel(ParallelStrategy::None)
                    .with_columns(Some(wanted.to_vec()))
                    .with_slice(Some((slice.offset, slice.n)))
                    .finish()
            };
            Ok((schema, lengths, read))
        })?;
        let slices = cut(&lengths);
        Ok(Self {
            file: Arc::new(ParquetFile {
                source: source.clone(),
                read: Box::new(read),
                in_file: schema.clone(),
            }),
            schema: nested::flat(&schema),
            n_rows: lengths.iter().map(|n| *n as u64).sum(),
            slices,
            next_slice: 0,
        })
    }

    /// The next rows, not yet decoded.
    pub(super) fn next_piece(&mut self) -> Option<ParquetPiece> {
        let slice = *self.slices.get(self.next_slice)?;
        self.next_slice += 1;
        Some(self.piece(slice))
    }

    /// About `n_rows` rows spread evenly over the file, in up to twenty stretches.
    pub(super) fn spread_sample(&self, n_rows: usize) -> Result<Vec<Batch>> {
        let wanted: Vec<String> = self.schema.iter().map(|(name, _)| name.clone()).collect();
        let total = self.n_rows as usize;
        if total <= n_rows {
            let slices = self.slices.iter();
            return slices
                .map(|slice| self.piece(*slice).read(&wanted))
                .collect();
        }
        let stretch = n_rows / 20;
        let mut pieces = Vec::new();
        for start in (0..20).map(|i| (total - stretch) * i / 19) {
            let (mut at, end) = (start, start + stretch);
            for slice in &self.slices {
                let (from, to) = (slice.start.max(at), (slice.start + slice.n).min(end));
                if from < to {
                    let offset = slice.offset + from - slice.start;
                    let part = Slice {
                        start: from,
                        offset,
                        n: to - from,
                        ..*slice
                    };
                    pieces.push(self.piece(part));
                    at = to;
                }
            }
        }
        pieces.par_iter().map(|piece| piece.read(&wanted)).collect()
    }

    pub(super) fn progress(&self) -> (u64, u64) {
        let done = self.slices[..self.next_slice].last();
        (done.map_or(0, |s| (s.start + s.n) as u64), self.n_rows)
    }

    fn piece(&self, slice: Slice) -> ParquetPiece {
        ParquetPiece {
            file: self.file.clone(),
            slice,
        }
    }
}

/// Names and types.
fn columns_of(schema: &ArrowSchema) -> Vec<(String, DataType)> {
    schema
        .iter()
        .map(|(name, field)| (name.to_string(), DataType::from_arrow_field(field)))
        .collect()
}

/// Row groups of these lengths as slices.
fn cut(lengths: &[usize]) -> Vec<Slice> {
    let mut slices = Vec::new();
    let mut start = 0;
    for (group, &length) in lengths.iter().enumerate() {
        let mut offset = 0;
        while offset < length {
            let n = (length - offset).min(PIECE_ROWS);
            slices.push(Slice {
                group,
                start,
                offset,
                n,
            });
            offset += n;
            start += n;
        }
    }
    slices
}

/// Damaged Parquet has made polars panic before: both kinds of failure become one error.
pub(super) fn guarded<T>(path: &Path, read: impl FnOnce() -> PolarsResult<T>) -> Result<T> {
    let malformed = |cause: String| {
        Error::new(
            ErrorKind::Malformed,
            format!(
                "The Parquet file cannot be read: {}",
                cause.trim_end_matches('.')
            ),
        )
        .at(path)
        .hint("It may be cut off or damaged; export or download it again")
    };
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(cause)) => Err(malformed(cause.to_string())),
        Err(_) => Err(malformed("its contents contradict its footer".to_owned())),
    }
}
