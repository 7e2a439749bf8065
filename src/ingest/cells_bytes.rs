//! Writing the Parquet tables of [`Cells`], as `docs/cells.md` describes them.

use std::collections::{BTreeMap, BTreeSet};

use polars::polars_utils::compression::ZstdLevel;
use polars::prelude::{
    Column, DataFrame, IntoColumn as _, NamedFrom as _, PolarsResult, Scalar, Series,
};
use polars_io::parquet::write::{ParquetCompression, ParquetWriter};
use rayon::prelude::*;

use crate::cells::{Cell, Cells, Measure, UnitCell, UnitProducts, VERSION};
use crate::error::{Error, ErrorKind, Result};

/// Small files at twice the time of level 3: cells are written once and copied.
const ZSTD_LEVEL: i32 = 19;
/// Within these many stretches of time a row's time is one byte, which compresses; but see [`BLOCK_ROWS`].
const BLOCK_STRETCHES: i64 = 256;
/// No fewer rows than these to a block on average: each takes some kilobytes of its own.
const BLOCK_ROWS: usize = 100_000;
/// The most rows of a row group, which readers hold as one.
const GROUP_ROWS: usize = 4_000_000;
/// A column of a row group is one page, so that it is compressed as one.
const PAGE_BYTES: usize = 64 << 20;

/// The table `cells` as a Parquet file.
pub fn cells_bytes(cells: &Cells) -> Result<Vec<u8>> {
    bytes_of(cells, &cells.cells, cells.width_us)
}

/// The table `stages` as a Parquet file.
pub fn stages_bytes(cells: &Cells) -> Result<Vec<u8>> {
    bytes_of(cells, &cells.stages, 0)
}

/// The table `units` as a Parquet file.
pub fn units_bytes(cells: &Cells) -> Result<Vec<u8>> {
    written(units_frame(cells), [])
}

/// Which rows share a row group: those of a block of time that fill the same columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Filled {
    /// First and last event time.
    Requests,
    /// Sums.
    Sums,
    /// Counts of durations, which are most rows.
    Bins,
}

/// Rows in the order in which they take the least room: columns that repeat come first, and within a bin
/// the times of a place ascend.
fn bytes_of(cells: &Cells, rows: &[Cell], width_us: i64) -> Result<Vec<u8>> {
    let block_us = block_us(rows, width_us);
    let mut segments: Vec<&str> = cells.places.iter().map(|p| p.segment.as_str()).collect();
    segments.sort_unstable();
    segments.dedup();
    let segment = |name: &str| segments.binary_search(&name).unwrap_or_default();
    let segment_of_place: Vec<usize> = cells.places.iter().map(|p| segment(&p.segment)).collect();
    let group = |row: u32| {
        let cell = &rows[row as usize];
        (cell.time_us.div_euclid(block_us), Filled::of(cell))
    };
    let mut order: Vec<u32> = (0..rows.len() as u32).collect();
    order.par_sort_unstable_by_key(|row| {
        let cell = &rows[*row as usize];
        let within = (cell.bin, cell.arm, cell.place, cell.time_us);
        let segment = segment_of_place[cell.place as usize];
        (group(*row), cell.measure, segment, within)
    });
    let groups = order.chunk_by(|a, b| group(*a) == group(*b));
    let groups = groups.flat_map(|rows| rows.chunks(GROUP_ROWS));
    let frame = |group: &[u32]| cells_frame(cells, rows, group, width_us);
    written(frame(&[]), groups.map(frame))
}

impl Filled {
    fn of(cell: &Cell) -> Self {
        match (cell.measure, cell.bin) {
            (Measure::Requests, _) => Self::Requests,
            (Measure::Of(_) | Measure::Unanswered(_), Some(_)) => Self::Bins,
            _ => Self::Sums,
        }
    }
}

/// The length of a block.
fn block_us(rows: &[Cell], width_us: i64) -> i64 {
    let times = || rows.iter().map(|cell| cell.time_us);
    let (Some(first), Some(last)) = (times().min(), times().max()) else {
        return i64::MAX;
    };
    if width_us <= 0 {
        return i64::MAX;
    }
    let n_stretches = (last - first) / width_us + 1;
    let most_blocks = (rows.len() / BLOCK_ROWS + 1) as i64;
    (n_stretches / most_blocks + 1)
        .max(BLOCK_STRETCHES)
        .saturating_mul(width_us)
}

fn text(name: &str, texts: Vec<&str>) -> Column {
    Series::new(name.into(), texts).into_column()
}

/// Some rows of `cells` or `stages`.
fn cells_frame(
    cells: &Cells,
    rows: &[Cell],
    group: &[u32],
    width_us: i64,
) -> PolarsResult<DataFrame> {
    let cell = |row: &u32| &rows[*row as usize];
    let each = || group.iter().map(cell);
    let long = |name: &str, of: &dyn Fn(&Cell) -> Option<i64>| -> Column {
        let longs: Vec<Option<i64>> = each().map(of).collect();
        Series::new(name.into(), longs).into_column()
    };
    let float = |name: &str, of: &dyn Fn(&Cell) -> f64| -> Column {
        let floats: Vec<f64> = each().map(of).collect();
        Series::new(name.into(), floats).into_column()
    };
    let place = |cell: &Cell| &cells.places[cell.place as usize];
    let measures: BTreeSet<Measure> = each().map(|cell| cell.measure).collect();
    let name = |measure: Measure| (measure, measure.name(&cells.extra_names));
    let names: BTreeMap<Measure, String> = measures.into_iter().map(name).collect();
    let bins: Vec<Option<i32>> = each().map(|cell| cell.bin).collect();
    let columns = vec![
        Column::new_scalar("version".into(), Scalar::from(VERSION), group.len()),
        text(
            "segment",
            each().map(|cell| place(cell).segment.as_str()).collect(),
        ),
        text(
            "value",
            each().map(|cell| place(cell).value.as_str()).collect(),
        ),
        text(
            "measure",
            each()
                .map(|cell| names.get(&cell.measure).map_or("", String::as_str))
                .collect(),
        ),
        text(
            "arm",
            each()
                .map(|cell| cells.arms[usize::from(cell.arm)].as_str())
                .collect(),
        ),
        long("time_us", &|cell| Some(cell.time_us)),
        Column::new_scalar("width_us".into(), Scalar::from(width_us), group.len()),
        Series::new("bin".into(), bins).into_column(),
        long("n", &|cell| Some(cell.n as i64)),
        float("sum", &|cell| cell.sum),
        float("sum_sq", &|cell| cell.sum_sq),
        long("first_us", &|cell| Some(cell.span_us?.0)),
        long("last_us", &|cell| Some(cell.span_us?.1)),
    ];
    DataFrame::new(group.len(), columns)
}

fn units_frame(cells: &Cells) -> PolarsResult<DataFrame> {
    let rows = &cells.units;
    let text = |name: &str, of: &dyn Fn(&UnitCell) -> String| -> Column {
        Series::new(name.into(), rows.iter().map(of).collect::<Vec<_>>()).into_column()
    };
    let long = |name: &str, of: &dyn Fn(&UnitCell) -> i64| -> Column {
        Series::new(name.into(), rows.iter().map(of).collect::<Vec<_>>()).into_column()
    };
    let float = |name: &str, of: fn(&UnitProducts) -> f64| -> Column {
        let values: Vec<f64> = rows.iter().map(|unit| of(&unit.sums)).collect();
        Series::new(name.into(), values).into_column()
    };
    let place = |unit: &UnitCell| &cells.places[unit.place as usize];
    let measure = |unit: &UnitCell| unit.measure.name(&cells.extra_names);
    let arm = |unit: &UnitCell, side: usize| cells.arms[usize::from(unit.groups[side].arm)].clone();
    let bins: Vec<Option<i32>> = rows.iter().map(|unit| measure(unit).1).collect();
    let columns = vec![
        Series::new("version".into(), vec![VERSION; rows.len()]).into_column(),
        text("segment", &|unit| place(unit).segment.clone()),
        text("value", &|unit| place(unit).value.clone()),
        text("measure", &|unit| measure(unit).0),
        Series::new("bin".into(), bins).into_column(),
        text("scope", &|unit| unit.scope.name().to_owned()),
        text("arm_a", &|unit| arm(unit, 0)),
        long("from_a_us", &|unit| unit.groups[0].from_us),
        text("arm_b", &|unit| arm(unit, 1)),
        long("from_b_us", &|unit| unit.groups[1].from_us),
        long("n_units", &|unit| unit.sums.n_units as i64),
        float("num", |sums| sums.num),
        float("den", |sums| sums.den),
        float("num_num", |sums| sums.num_num),
        float("num_den", |sums| sums.num_den),
        float("den_num", |sums| sums.den_num),
        float("den_den", |sums| sums.den_den),
    ];
    DataFrame::new(rows.len(), columns)
}

/// A file of the columns of `first`, which has a row group of its rows and one for each other frame.
fn written(
    first: PolarsResult<DataFrame>,
    others: impl IntoIterator<Item = PolarsResult<DataFrame>>,
) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let write = || -> PolarsResult<()> {
        let first = first?;
        let writer = ParquetWriter::new(&mut bytes)
            .with_compression(ParquetCompression::Zstd(Some(ZstdLevel::try_new(
                ZSTD_LEVEL,
            )?)))
            .with_data_page_size(Some(PAGE_BYTES));
        let mut file = writer.batched(first.schema())?;
        for frame in [Ok(first)].into_iter().chain(others) {
            file.write_batch(&frame?)?;
        }
        file.finish()?;
        Ok(())
    };
    write().map_err(|cause| Error::new(ErrorKind::Internal, format!("Parquet: {cause}")))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::super::cells_file::{CELLS_FILE, read_cells};
    use super::*;
    use crate::cells::Place;
    use crate::data::Quantity;

    const HOUR_US: i64 = 3_600_000_000;

    /// Hours of two arms in two places: requests, a sum of latencies and their bins.
    fn cells(n_hours: i64) -> Cells {
        let mut cells = Vec::new();
        for (hour, arm, place) in
            (0..n_hours * 4).map(|i| (i / 4, (i % 2) as u16, (i / 2 % 2) as u32))
        {
            let time_us = hour * HOUR_US;
            let cell = |measure, bin, n| Cell {
                place,
                measure,
                arm,
                time_us,
                bin,
                n,
                sum: 0.0,
                sum_sq: 0.0,
                span_us: None,
            };
            let latency = Measure::Of(Quantity::LatencyMs);
            cells.push(Cell {
                span_us: Some((time_us + i64::from(arm), time_us + HOUR_US - 1)),
                ..cell(Measure::Requests, None, 100)
            });
            cells.push(Cell {
                sum: 0.1 * hour as f64,
                sum_sq: (hour as f64).sqrt(),
                ..cell(latency, None, 100)
            });
            let bins = 300..400;
            cells.extend(
                bins.map(|bin| cell(latency, Some(bin), 1 + (hour as u64 + bin as u64) % 3)),
            );
        }
        let place = |segment: &str, value: &str| Place {
            segment: segment.into(),
            value: value.into(),
        };
        Cells {
            width_us: HOUR_US,
            arms: vec!["a".into(), "b".into()],
            places: vec![place("", ""), place("tenant", "x")],
            cells,
            ..Cells::default()
        }
        .ordered()
    }

    #[test]
    fn what_is_written_is_read_whatever_its_order_in_the_file() {
        for n_hours in [0, 1, 700] {
            let cells = cells(n_hours);
            let bytes = cells_bytes(&cells).unwrap();
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join(CELLS_FILE), bytes).unwrap();
            let read = read_cells(folder.path());
            if n_hours == 0 {
                assert!(read.unwrap_err().to_string().contains("empty"));
            } else {
                assert!(read.unwrap() == cells, "{n_hours}");
            }
        }
    }

    #[test]
    fn blocks_are_of_256_stretches_where_there_are_many_rows_and_longer_where_there_are_few() {
        let few = cells(10).cells;
        let many = cells(700).cells;
        assert_eq!(block_us(&few, HOUR_US), 256 * HOUR_US);
        assert_eq!(block_us(&many, HOUR_US), 256 * HOUR_US);
        let sparse: Vec<Cell> = (0..1000)
            .map(|hour| Cell {
                time_us: hour * HOUR_US,
                ..few[0]
            })
            .collect();
        assert!(block_us(&sparse, HOUR_US) > 999 * HOUR_US);
        assert_eq!(block_us(&[], HOUR_US), i64::MAX);
    }
}
