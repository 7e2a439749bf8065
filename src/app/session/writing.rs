//! Writing what is on screen: the report.

use std::path::PathBuf;

use super::{Output, Session};
use crate::app::state::AppState;
use crate::cli::CellLog;
use crate::jobs::JobKind;
use crate::lab::{RuleLab, RuleTrial};
use crate::report::write::write_atomic;
use crate::report::{LoadNotes, ReportForm, ReportInput, load_notes};
use crate::rules::{Replay, RuleReplay};

impl Session {
    /// Writes the report of what is on screen.
    pub(in crate::app) fn export(&mut self, state: &AppState) {
        let (Some(loaded), Some(analysis)) =
            (self.loaded.value.clone(), self.analysis.value.clone())
        else {
            return;
        };
        let unread = state.document.unread_rules.clone();
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
            // As the command line does, so that nobody takes the rules that ran for all of the file.
            let replay = replay.map(|replay| {
                let mut replay = Replay::clone(&replay);
                replay.rules.extend(unread.iter().map(RuleReplay::unread));
                replay
            });
            let lab = lab.map(|lab| {
                let mut lab = RuleLab::clone(&lab);
                lab.rules.extend(unread.iter().map(RuleTrial::unread));
                lab
            });
            let input = ReportInput {
                analysis: &analysis,
                replay: replay.as_ref(),
                rulebook: Some(&rulebook),
                lab: lab.as_ref(),
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
