//! Commands on folders of cells, as if they were the log.

use std::path::PathBuf;
use std::sync::Arc;

use super::cells::{names_of, read_cells_of};
use crate::analysis::{Analysis, AnalysisSettings, analyze_cells, log_of_cells, stages_of_cells};
use crate::cells::{Cells, Durations, with_requests};
use crate::data::RequestLog;
use crate::error::{Error, ErrorKind, Result};
use crate::ingest::{FileDigest, cells_digests, folder_of_cells};
use crate::jobs::Progress;
use crate::report::LoadNotes;
use crate::rules::{DurationsAre, Replay, ReplaySettings, Rulebook, StageSpan, replay_cells};
use crate::units;
#[cfg(feature = "gui")]
use crate::{
    analysis::unit_plan,
    ingest::{Loaded, Mapping},
};

/// A log that is known by its cells.
pub(crate) struct CellLog {
    /// The cells of all folders.
    pub(crate) cells: Arc<Cells>,
    /// The names of the log, without its requests.
    pub(crate) log: Arc<RequestLog>,
}

impl CellLog {
    /// That of folders of cells; `None` where the paths are of a log.
    pub(crate) fn read(paths: &[PathBuf]) -> Result<Option<Self>> {
        let folders = folders_of(paths);
        let cells = read_cells_of(&folders)?;
        Ok(cells.map(|cells| Self {
            log: Arc::new(log_of_cells(&cells, &names_of(&folders))),
            cells: Arc::new(cells),
        }))
    }

    /// The same in the place of a log that was read.
    #[cfg(feature = "gui")]
    pub(crate) fn load(paths: &[PathBuf]) -> Result<Option<Loaded>> {
        Ok(Self::read(paths)?.map(|known| Loaded {
            log: known.log,
            files: Vec::new(),
            n_rows_in_file: 0,
            mapping: Mapping::default(),
            guesses: Vec::new(),
            unused: Vec::new(),
            joins: Vec::new(),
            issues: Vec::new(),
            cells: Some(known.cells),
        }))
    }

    /// That of what was read; `None` for a log of requests.
    #[cfg(feature = "gui")]
    pub(crate) fn of(loaded: &Loaded) -> Option<Self> {
        Some(Self {
            cells: loaded.cells.clone()?,
            log: loaded.log.clone(),
        })
    }

    /// The arms that are compared; `None` for a log of one arm.
    #[cfg(feature = "gui")]
    pub(crate) fn arms(&self, settings: &AnalysisSettings) -> Result<Option<ReplaySettings>> {
        let compared = unit_plan(&self.cells, settings)?.compared;
        let place = |name: &String| self.cells.arms.iter().position(|known| known == name);
        Ok(compared.and_then(|[control, treatment]| {
            Some(ReplaySettings {
                control: place(&control)?,
                treatment: place(&treatment)?,
            })
        }))
    }

    /// The comparison of its arms.
    pub(crate) fn analyze(
        &self,
        settings: &AnalysisSettings,
        progress: &Progress,
    ) -> Result<Analysis> {
        analyze_cells(&self.cells, &self.log.name, settings, progress)
    }

    /// What the rules would have done, at the grain of the cells. `settings` are those of the analysis.
    pub(crate) fn replay(
        &self,
        rulebook: &Rulebook,
        arms: &ReplaySettings,
        settings: &AnalysisSettings,
        progress: &Progress,
    ) -> Result<Replay> {
        if settings.filter.segment.is_some() {
            let message = "A rule within a segment needs the request log: cells do not tell the latencies of its failed requests";
            return Err(Error::new(ErrorKind::Settings, message)
                .hint("Replay on all requests, or compute cells of that segment alone"));
        }
        let stages = stages_of_cells(&self.cells, [arms.control, arms.treatment]);
        let stages: Vec<StageSpan> = stages
            .iter()
            .map(|stage| StageSpan {
                from_us: stage.from_us,
                to_us: stage.to_us,
                share: stage.share,
            })
            .collect();
        let log_of = |durations| {
            let durations = match durations {
                DurationsAre::Sums => Durations::Means,
                DurationsAre::Binned => Durations::Bins,
            };
            with_requests(&self.cells, &self.log, durations)
        };
        let ground = (self.cells.width_us, stages.as_slice());
        replay_cells(&log_of, rulebook, arms, ground, progress)
    }

    /// What a report says of how it was read.
    pub(crate) fn notes(&self, paths: &[PathBuf]) -> Result<LoadNotes> {
        let folders = folders_of(paths);
        let digests = folders.iter().map(|folder| cells_digests(folder));
        let inputs: Vec<FileDigest> = digests.collect::<Result<Vec<_>>>()?.concat();
        let Cells {
            cells,
            stages,
            units,
            ..
        } = &*self.cells;
        Ok(LoadNotes {
            source: self.log.name.clone(),
            bytes: inputs.iter().map(|file| file.bytes).sum(),
            format: format!(
                "Parquet, cells of {}",
                units::duration_us(self.cells.width_us)
            ),
            rows_read: (cells.len() + stages.len() + units.len()) as u64,
            inputs,
            ..LoadNotes::default()
        })
    }
}

/// The folders of cells that paths name, each once: its tables may be named themselves.
fn folders_of(paths: &[PathBuf]) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = paths.iter().map(|path| folder_of_cells(path)).collect();
    let is_table = |path: &PathBuf| folder_of_cells(path) != *path;
    if paths.iter().any(is_table) {
        folders.dedup();
    }
    folders
}

/// What is said of a replay under another plan.
pub(crate) fn no_plan_on_cells() -> Error {
    let message =
        "A replay under another plan needs the request log: cells hold no single requests";
    Error::new(ErrorKind::Settings, message)
        .hint("Leave it out, or name the request log, or some days of it")
}

/// Refuses what cells cannot be asked for on the command line.
pub(super) fn refuse(asked: &[(bool, &str)]) -> Result<()> {
    let Some((_, option)) = asked.iter().find(|(is_asked, _)| *is_asked) else {
        return Ok(());
    };
    let message = format!("{option} needs the request log: cells hold no single requests");
    Err(Error::new(ErrorKind::Settings, message)
        .hint("Leave it out, or name the request log, or some days of it"))
}
