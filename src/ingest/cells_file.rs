//! Reading the Parquet tables of [`Cells`], as `docs/cells.md` describes them.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use polars::prelude::{DataFrame, PolarsError, SerReader as _};
use polars_io::parquet::read::ParquetReader;

use super::digest::{FileDigest, digest};
use super::parquet::guarded;
use crate::cells::{
    Cell, Cells, Group, Measure, Place, Scope, UnitCell, UnitMeasure, UnitProducts, VERSION,
};
use crate::error::{Error, ErrorKind, Result};

/// The file of the cells in a folder.
pub const CELLS_FILE: &str = "cells.parquet";
/// The file of the same over the stages of the rollout.
pub const STAGES_FILE: &str = "stages.parquet";
/// The file of what was added up by user.
pub const UNITS_FILE: &str = "units.parquet";

/// Whether a path is a folder of cells.
pub fn is_cells(path: &Path) -> bool {
    path.join(CELLS_FILE).exists()
}

/// The folder of a table of cells that was named itself; other paths stay as they are.
pub fn folder_of_cells(path: &Path) -> PathBuf {
    let name = path.file_name().and_then(|name| name.to_str());
    let is_table = name.is_some_and(|name| [CELLS_FILE, STAGES_FILE, UNITS_FILE].contains(&name));
    match path.parent().filter(|_| is_table && path.is_file()) {
        Some(folder) if folder.as_os_str().is_empty() => PathBuf::from("."),
        Some(folder) if is_cells(folder) => folder.to_owned(),
        _ => path.to_owned(),
    }
}

/// Cells hold no requests that could be read.
pub(super) fn refuse_cells(paths: &[PathBuf]) -> Result<()> {
    let is_of_cells = |path: &&PathBuf| is_cells(&folder_of_cells(path));
    let Some(folder) = paths.iter().find(is_of_cells) else {
        return Ok(());
    };
    let (message, hint) = if paths.iter().all(|path| is_of_cells(&path)) {
        (
            "This is a folder of cells: what was asked needs the request log",
            "Name the request log, or some days of it; `hindsight analyze`, `report`, `replay` and `inspect` read cells",
        )
    } else {
        (
            "Cells and request logs cannot be read as one log",
            "Compute the cells of the log, `hindsight cells LOG --out DIR`, and name both folders",
        )
    };
    Err(Error::new(ErrorKind::NotARequestLog, message)
        .at(folder)
        .hint(hint))
}

/// Reads a folder of cells: its `cells.parquet`, and `stages.parquet` and `units.parquet` where they
/// are. Each may be a folder of Parquet files, as engines write them.
///
/// Fails where a table is missing or damaged, or of a version that this program does not know.
pub fn read_cells(folder: &Path) -> Result<Cells> {
    let mut names = Names::default();
    let mut cells = Vec::new();
    let mut width_us = None;
    for path in parts(&folder.join(CELLS_FILE))? {
        let frame = read_frame(&path)?;
        add_cells(&frame, &mut names, &mut width_us, &mut cells)
            .map_err(|cause| damaged(&path, &cause))?;
    }
    let (mut stages, mut units) = (Vec::new(), Vec::new());
    for path in parts_if_there(&folder.join(STAGES_FILE))? {
        let frame = read_frame(&path)?;
        add_cells(&frame, &mut names, &mut Some(0), &mut stages)
            .map_err(|cause| damaged(&path, &cause))?;
    }
    for path in parts_if_there(&folder.join(UNITS_FILE))? {
        let frame = read_frame(&path)?;
        add_units(&frame, &mut names, &mut units).map_err(|cause| damaged(&path, &cause))?;
    }
    let read = Cells {
        width_us: width_us.unwrap_or(0),
        arms: names.arms.names,
        places: names.places.names,
        extra_names: names.extra,
        cells,
        stages,
        units,
    };
    if read.cells.is_empty() || read.width_us <= 0 {
        return Err(Error::new(ErrorKind::NotARequestLog, "The cells are empty")
            .at(&folder.join(CELLS_FILE))
            .hint("Compute them anew with `hindsight cells`"));
    }
    Ok(read.ordered())
}

/// A digest of every file of a folder of cells, by the name of its table.
///
/// # Errors
/// A file that cannot be read.
pub fn cells_digests(folder: &Path) -> Result<Vec<FileDigest>> {
    let mut files = parts(&folder.join(CELLS_FILE))?;
    for table in [STAGES_FILE, UNITS_FILE] {
        files.extend(parts_if_there(&folder.join(table))?);
    }
    let all = files.iter().map(|path| digest(path, u64::MAX));
    all.collect()
}

/// Names in the order in which they came.
struct Numbered<T> {
    names: Vec<T>,
    place: BTreeMap<T, u32>,
}

impl<T> Default for Numbered<T> {
    fn default() -> Self {
        Self {
            names: Vec::new(),
            place: BTreeMap::new(),
        }
    }
}

impl<T: Ord + Clone> Numbered<T> {
    fn number(&mut self, name: T) -> u32 {
        if let Some(place) = self.place.get(&name) {
            return *place;
        }
        let place = self.names.len() as u32;
        self.names.push(name.clone());
        self.place.insert(name, place);
        place
    }
}

#[derive(Default)]
struct Names {
    arms: Numbered<String>,
    places: Numbered<Place>,
    extra: Vec<String>,
}

/// [`parts`] of a table that need not be there.
fn parts_if_there(table: &Path) -> Result<Vec<PathBuf>> {
    if table.exists() {
        parts(table)
    } else {
        Ok(Vec::new())
    }
}

/// A file, or the Parquet files of a folder in the order of their names.
fn parts(path: &Path) -> Result<Vec<PathBuf>> {
    let unreadable = |cause: std::io::Error| Error::unreadable(path, &cause);
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut parts = Vec::new();
    for entry in path.read_dir().map_err(unreadable)? {
        let part = entry.map_err(unreadable)?.path();
        if part
            .extension()
            .is_some_and(|extension| extension == "parquet")
        {
            parts.push(part);
        }
    }
    parts.sort();
    Ok(parts)
}

fn read_frame(path: &Path) -> Result<DataFrame> {
    let file = File::open(path).map_err(|cause| Error::unreadable(path, &cause))?;
    guarded(path, || ParquetReader::new(file).finish())
}

/// What is wrong with a table.
enum Fault {
    Frame(PolarsError),
    Version(i64),
    Width,
}

impl From<PolarsError> for Fault {
    fn from(cause: PolarsError) -> Self {
        Self::Frame(cause)
    }
}

fn damaged(path: &Path, fault: &Fault) -> Error {
    let message = match fault {
        Fault::Frame(cause) => format!("This is no table of cells: {cause}"),
        Fault::Version(version) => {
            format!("The cells are of version {version}, which this program does not know")
        }
        Fault::Width => "The cells are of stretches of time that differ in length".to_owned(),
    };
    Error::new(ErrorKind::Malformed, message)
        .at(path)
        .hint("docs/cells.md describes the table; compute it anew with `hindsight cells`")
}

/// The columns of a table by name, as the types that both engines and this program write.
struct Table<'a>(&'a DataFrame);

impl Table<'_> {
    /// Equal texts in a row are one: tables are sorted, so that these are most.
    fn texts(&self, name: &str) -> Result<Vec<Arc<str>>, Fault> {
        let column = self
            .0
            .column(name)?
            .cast(&polars::prelude::DataType::String)?;
        let mut texts: Vec<Arc<str>> = Vec::with_capacity(column.len());
        for text in column.str()?.iter() {
            let text = text.unwrap_or_default();
            let again = texts.last().filter(|last| &***last == text).cloned();
            texts.push(again.unwrap_or_else(|| text.into()));
        }
        Ok(texts)
    }

    fn longs(&self, name: &str) -> Result<Vec<Option<i64>>, Fault> {
        let column = self
            .0
            .column(name)?
            .cast(&polars::prelude::DataType::Int64)?;
        Ok(column.i64()?.iter().collect())
    }

    fn floats(&self, name: &str) -> Result<Vec<f64>, Fault> {
        let column = self
            .0
            .column(name)?
            .cast(&polars::prelude::DataType::Float64)?;
        Ok(column
            .f64()?
            .iter()
            .map(|value| value.unwrap_or(0.0))
            .collect())
    }

    fn check_version(&self) -> Result<(), Fault> {
        let versions = self.longs("version")?;
        let other = versions
            .into_iter()
            .flatten()
            .find(|v| *v != i64::from(VERSION));
        other.map_or(Ok(()), |version| Err(Fault::Version(version)))
    }
}

/// Rows of `cells`; measures that this version does not know are passed over.
fn add_cells(
    frame: &DataFrame,
    names: &mut Names,
    width_us: &mut Option<i64>,
    cells: &mut Vec<Cell>,
) -> Result<(), Fault> {
    let table = Table(frame);
    table.check_version()?;
    let (segments, values) = (table.texts("segment")?, table.texts("value")?);
    let (measures, arms) = (table.texts("measure")?, table.texts("arm")?);
    let (times, widths) = (table.longs("time_us")?, table.longs("width_us")?);
    let (bins, counts) = (table.longs("bin")?, table.longs("n")?);
    let (sums, squares) = (table.floats("sum")?, table.floats("sum_sq")?);
    let (first, last) = (table.longs("first_us")?, table.longs("last_us")?);
    let mut before: Option<(usize, (Measure, u32, u16))> = None;
    for row in 0..frame.height() {
        let width = widths[row].unwrap_or(0);
        if *width_us.get_or_insert(width) != width {
            return Err(Fault::Width);
        }
        let is_same = |at: usize| {
            let same = |texts: &[Arc<str>]| Arc::ptr_eq(&texts[at], &texts[row]);
            same(&segments) && same(&values) && same(&measures) && same(&arms)
        };
        let (measure, place, arm) = match before.filter(|(at, _)| is_same(*at)) {
            Some((_, known)) => known,
            None => {
                let Some(measure) = Measure::of_name(&measures[row], &mut names.extra) else {
                    continue;
                };
                let place = Place {
                    segment: segments[row].to_string(),
                    value: values[row].to_string(),
                };
                let place = names.places.number(place);
                (
                    measure,
                    place,
                    names.arms.number(arms[row].to_string()) as u16,
                )
            }
        };
        before = Some((row, (measure, place, arm)));
        cells.push(Cell {
            place,
            measure,
            arm,
            time_us: times[row].unwrap_or(0),
            bin: bins[row].map(|bin| bin as i32),
            n: counts[row].unwrap_or(0).max(0) as u64,
            sum: sums[row],
            sum_sq: squares[row],
            span_us: first[row].zip(last[row]),
        });
    }
    Ok(())
}

/// Rows of `units`, as [`add_cells`].
fn add_units(frame: &DataFrame, names: &mut Names, units: &mut Vec<UnitCell>) -> Result<(), Fault> {
    let table = Table(frame);
    table.check_version()?;
    let (segments, values) = (table.texts("segment")?, table.texts("value")?);
    let (measures, bins) = (table.texts("measure")?, table.longs("bin")?);
    let scopes = table.texts("scope")?;
    let arms = [table.texts("arm_a")?, table.texts("arm_b")?];
    let from = [table.longs("from_a_us")?, table.longs("from_b_us")?];
    let n_units = table.longs("n_units")?;
    let [num, den] = [table.floats("num")?, table.floats("den")?];
    let [num_num, num_den] = [table.floats("num_num")?, table.floats("num_den")?];
    let [den_num, den_den] = [table.floats("den_num")?, table.floats("den_den")?];
    for row in 0..frame.height() {
        let bin = bins[row].map(|bin| bin as i32);
        let measure = UnitMeasure::of_name(&measures[row], bin, &mut names.extra);
        let scope = Scope::ALL
            .into_iter()
            .find(|scope| *scope.name() == *scopes[row]);
        let Some((measure, scope)) = measure.zip(scope) else {
            continue;
        };
        let place = Place {
            segment: segments[row].to_string(),
            value: values[row].to_string(),
        };
        units.push(UnitCell {
            place: names.places.number(place),
            measure,
            scope,
            groups: [0, 1].map(|side| Group {
                arm: names.arms.number(arms[side][row].to_string()) as u16,
                from_us: from[side][row].unwrap_or(0),
            }),
            sums: UnitProducts {
                n_units: n_units[row].unwrap_or(0).max(0) as u64,
                num: num[row],
                den: den[row],
                num_num: num_num[row],
                num_den: num_den[row],
                den_num: den_num[row],
                den_den: den_den[row],
            },
        });
    }
    Ok(())
}
