//! `hindsight cells`: a log as mergeable figures, or the query that has an engine make them.

use std::path::{Path, PathBuf};

use clap::Args;

use super::output::{note, print};
use super::{Finish, LogArguments};
use crate::analysis::{AnalysisSettings, unit_plan};
use crate::cells::sql::{Dialect, cells_query, units_query};
use crate::cells::{Cells, Gatherer, Stretches, UnitGatherer, UnitPlan};
use crate::error::{Error, ErrorKind, Result};
use crate::ingest::{
    CELLS_FILE, LoadRequest, Mapping, OwnClocks, ReadInPieces, Role, STAGES_FILE, UNITS_FILE,
    cells_bytes, is_cells, log_table, read_cells, read_in_pieces, stages_bytes, units_bytes,
};
use crate::jobs::Progress;
use crate::report::write::write_atomic;
use crate::units;

/// Bytes that users' totals may take in one pass through the log.
const PASS_BYTES: u64 = 1_200_000_000;

/// The length of the stretches of time where none is named.
const EVERY_US: i64 = 15 * 60 * 1_000_000;

/// `hindsight cells`
#[derive(Debug, Args)]
pub struct CellsArguments {
    /// The log, or folders of cells to merge.
    #[command(flatten)]
    pub log: LogArguments,
    /// Folder to write the tables to.
    #[arg(long, value_name = "DIR", required_unless_present = "sql")]
    pub out: Option<PathBuf>,
    /// Length of the stretches of time: 15m, 1h or 1d; default: 15m. Cells of different lengths cannot be
    /// merged.
    #[arg(long, value_name = "TIME", value_parser = width_us)]
    pub every: Option<i64>,
    /// Print a query for this engine instead: duckdb, spark, clickhouse, trino or bigquery. With a folder
    /// of cells as LOG, the query of what is added up by user, or of --table.
    #[arg(
        long,
        value_name = "ENGINE",
        requires = "mapping",
        conflicts_with = "out"
    )]
    pub sql: Option<String>,
    /// With --sql and a folder of cells: which of the tables that need it.
    #[arg(long, value_enum, default_value = "units", requires = "sql")]
    pub table: SecondTable,
    /// What the engine reads: a table, or a function over files.
    #[arg(
        long,
        value_name = "TABLE",
        default_value = "requests_log",
        requires = "sql"
    )]
    pub from: String,
    /// Label of the control arm; default: told by names and sizes.
    #[arg(long, value_name = "ARM")]
    pub control: Option<String>,
    /// Label of the arm that the decision is about; default: the largest other arm.
    #[arg(long, value_name = "ARM")]
    pub treatment: Option<String>,
}

/// The tables whose queries are told by the cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum SecondTable {
    /// The cells again, over the stages of the rollout.
    Stages,
    /// What is added up by user.
    Units,
}

pub(super) fn run(arguments: &CellsArguments, progress: &Progress) -> Result<Finish> {
    if let Some(engine) = &arguments.sql {
        print(&query(arguments, &Dialect::of_name(engine)?)?)?;
        return Ok(Finish::Done);
    }
    let Some(out) = &arguments.out else {
        return Ok(Finish::Done);
    };
    let paths = &arguments.log.logs;
    let cells = match read_cells_of(paths)? {
        Some(cells) => {
            check_width(&cells, arguments.every)?;
            cells
        }
        None => of_log(arguments, progress)?,
    };
    write(&cells, out)?;
    Ok(Finish::Done)
}

/// The cells of folders that hold such, as one; `None` where the paths are of a log.
pub(super) fn read_cells_of(paths: &[PathBuf]) -> Result<Option<Cells>> {
    let are_cells = !paths.is_empty() && paths.iter().all(|path| is_cells(path));
    are_cells.then(|| merge(paths)).transpose()
}

/// What a log in these folders is called.
pub(super) fn names_of(paths: &[PathBuf]) -> String {
    let name = |path: &PathBuf| {
        let name = path.file_name().unwrap_or(path.as_os_str());
        name.to_string_lossy().into_owned()
    };
    paths.iter().map(name).collect::<Vec<_>>().join(", ")
}

/// The stretches of cells that are there cannot be cut anew.
fn check_width(cells: &Cells, every_us: Option<i64>) -> Result<()> {
    if every_us.is_none_or(|every_us| every_us == cells.width_us) {
        return Ok(());
    }
    let known = units::duration_us(cells.width_us);
    let message = format!("These cells are of {known}, which --every cannot change");
    Err(Error::new(ErrorKind::Settings, message).hint(
        "Leave --every out to merge them, or compute cells of that length from the request log",
    ))
}

fn settings(arguments: &CellsArguments) -> AnalysisSettings {
    AnalysisSettings {
        control: arguments.control.clone(),
        treatment: arguments.treatment.clone(),
        ..AnalysisSettings::default()
    }
}

/// The query of the cells or, where these are there, of what is added up by user.
fn query(arguments: &CellsArguments, dialect: &Dialect) -> Result<String> {
    let mapping = arguments
        .log
        .mapping
        .as_deref()
        .map(Mapping::read)
        .transpose()?;
    let table = log_table(&mapping.unwrap_or_default(), &arguments.from)?;
    let [folder] = arguments.log.logs.as_slice() else {
        return Ok(cells_query(
            &table,
            dialect,
            Stretches::Every(arguments.every.unwrap_or(EVERY_US)),
        ));
    };
    let cells = read_cells(folder)?;
    let plan = unit_plan(&cells, &settings(arguments))?;
    if arguments.table == SecondTable::Stages {
        if plan.stages.is_empty() {
            return Err(Error::new(ErrorKind::Settings, "The rollout has no stages")
                .hint("The arms are compared over the whole log: the table stages is not needed"));
        }
        let stretches = Stretches::Stages(&plan.stages);
        return Ok(cells_query(&table, dialect, stretches));
    }
    units_query(&table, dialect, &plan).ok_or_else(|| {
        Error::new(ErrorKind::Settings, "The mapping names no users")
            .hint("Without users nothing is added up by them: the cells are all there is")
    })
}

fn merge(folders: &[PathBuf]) -> Result<Cells> {
    let sets = folders
        .iter()
        .map(|folder| read_cells(folder))
        .collect::<Result<Vec<_>>>()?;
    let is_again = |(i, set): (usize, &Cells)| sets[..i].contains(set);
    if let Some(again) = sets.iter().enumerate().position(is_again) {
        let message = "The same cells were named before: their requests would count twice";
        return Err(Error::new(ErrorKind::Settings, message)
            .at(&folders[again])
            .hint("Name each folder once"));
    }
    let has_more = |set: &Cells| !set.units.is_empty() || !set.stages.is_empty();
    let has_units = sets.iter().any(has_more);
    let merged = Cells::merged(sets)?;
    if folders.len() > 1 && has_units {
        note(
            "hindsight: what was added up by user and by stage is left out: users may be in several of the sets, and stages begin elsewhere. Compute both over all logs at once: `hindsight cells LOG… --out`, or the query of `--sql` with the merged cells",
        );
    }
    Ok(merged)
}

/// Reads the log once for the cells, and again for stages and users' totals.
fn of_log(arguments: &CellsArguments, progress: &Progress) -> Result<Cells> {
    let mut request = arguments.log.load_request()?;
    if request.paths.is_empty() {
        request.paths.push(super::bundled::sample_log(progress)?);
    }
    let mut gatherer = Gatherer::new(Stretches::Every(arguments.every.unwrap_or(EVERY_US)));
    let mut clocks = OwnClocks::default();
    let read = read_in_pieces(&request, progress, |piece, users| {
        gatherer.add(piece, (!users.is_empty()).then_some(users));
        clocks.add(piece, users);
        Ok(())
    })?;
    super::note_issues(&read.mapping, &read.issues);
    let mut cells = gatherer.finish();
    if clocks.are_own() || !has_time(&read) {
        note(
            "hindsight: the requests share no clock, so their cells are of no time: no trends, and no order of the arms",
        );
        cells = cells.without_times();
    }
    let has_users = read.mapping.column(Role::Unit).is_some();
    let plan = unit_plan(&cells, &settings(arguments))?;
    if has_users || !plan.stages.is_empty() {
        // The second reading takes the first one's word for what the columns are.
        request.mapping = Some(read.mapping);
        add_second(&mut cells, (&request, has_users), &plan, progress)?;
    }
    Ok(cells)
}

fn has_time(read: &ReadInPieces) -> bool {
    let has = |role| read.mapping.column(role).is_some();
    has(Role::Time) || has(Role::EndTime)
}

/// Counts by stage and adds up by user, in as many passes as keep the totals small.
fn add_second(
    cells: &mut Cells,
    (request, has_users): (&LoadRequest, bool),
    plan: &UnitPlan,
    progress: &Progress,
) -> Result<()> {
    let n_passes = if has_users {
        cells.totals_bytes(plan).div_ceil(PASS_BYTES).max(1)
    } else {
        1
    };
    let mut by_stage = Cells::default();
    for pass in 0..n_passes {
        let mut of_stages = Gatherer::new(Stretches::Stages(&plan.stages));
        let mut of_users = UnitGatherer::new(plan.clone(), (pass, n_passes));
        read_in_pieces(request, progress, |piece, users| {
            if pass == 0 {
                of_stages.add(piece, None);
            }
            if has_users {
                of_users.add(piece, users);
            }
            Ok(())
        })?;
        if pass == 0 {
            by_stage = of_stages.finish();
        }
        if has_users {
            cells.add_units(of_users.finish(&by_stage));
        }
    }
    if !plan.stages.is_empty() {
        cells.add_stages(by_stage);
    }
    *cells = std::mem::take(cells).ordered();
    Ok(())
}

fn write(cells: &Cells, out: &Path) -> Result<()> {
    std::fs::create_dir_all(out).map_err(|cause| crate::report::write::unwritable(out, &cause))?;
    let tables = [
        (CELLS_FILE, cells_bytes(cells)?, cells.cells.len()),
        (STAGES_FILE, stages_bytes(cells)?, cells.stages.len()),
        (UNITS_FILE, units_bytes(cells)?, cells.units.len()),
    ];
    let mut told = vec![format!("{} requests", units::count(cells.n_requests()))];
    for (name, bytes, n_rows) in tables {
        write_atomic(&out.join(name), &bytes)?;
        told.push(format!(
            "{name}: {} rows, {:.1} MB",
            units::count(n_rows as u64),
            bytes.len() as f64 / 1e6
        ));
    }
    note(&format!("hindsight: {}", told.join("; ")));
    Ok(())
}

fn width_us(text: &str) -> Result<i64, String> {
    let refused = || "write a length such as 15m, 1h or 1d".to_owned();
    let (number, unit) = text.split_at(text.len().saturating_sub(1));
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(refused()),
    };
    let number: i64 = number.parse().map_err(|_no_number| refused())?;
    if (1..=100_000).contains(&number) {
        Ok(number * seconds * 1_000_000)
    } else {
        Err(refused())
    }
}
