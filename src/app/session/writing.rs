//! Writing what is on screen: the report.

use std::path::PathBuf;

use super::{Output, Session};
use crate::app::state::AppState;
use crate::cli::CellLog;
use crate::jobs::JobKind;
use crate::report::write::write_atomic;
use crate::report::{LoadNotes, ReportForm, ReportInput, load_notes};

impl Session {
    /// Writes the report of what is on screen.
    pub(in crate::app) fn export(&mut self, state: &AppState) {
        let (Some(loaded), Some(analysis)) =
            (self.loaded.value.clone(), self.analysis.value.clone())
        else {
            return;
        };
        let replay = self.replay.value.clone();
        let rulebook = state.document.rulebook.clone();
        let lab = self.lab.current(&state.document);
        let title = state.document.title.clone();
        let context = state.document.context.clone();
        let language = state.language;
        let paths = state.document.log.clone();
        let path = PathBuf::from(state.report.path_text.trim());
        self.jobs.start(JobKind::Export, move |progress| {
            progress.phase("Writing", 0)?;
            let context = context.checked()?;
            let notes = match CellLog::of(&loaded) {
                Some(known) => known.notes(&paths)?,
                None => LoadNotes {
                    inputs: loaded.digests()?,
                    ..load_notes(&loaded)
                },
            };
            let title = if title.trim().is_empty() {
                loaded.log.name.clone()
            } else {
                title
            };
            let input = ReportInput {
                analysis: &analysis,
                replay: replay.as_deref(),
                rulebook: Some(&rulebook),
                lab: lab.as_deref(),
                examples: None,
                load: &notes,
                mapping: loaded.cells.is_none().then_some(&loaded.mapping),
                context: &context,
                title: &title,
                version: env!("CARGO_PKG_VERSION"),
                language,
            };
            write_atomic(&path, &ReportForm::of_path(&path)?.render(&input)?)?;
            Ok(Output::Exported(path))
        });
    }
}
