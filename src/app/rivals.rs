//! Rules of a second file beside those of the document: what they would have changed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::document::Document;
use super::rule_files;
use super::session::{Output, Session, Slot};
use super::state::{AppState, Screen};
use super::thresholds::replay_changed;
use crate::analysis::AnalysisSettings;
use crate::error::Result;
use crate::ingest::Loaded;
use crate::jobs::JobKind;
use crate::rules::{Replay, Rulebook};

/// Rules to compare with.
#[derive(Debug, Clone, PartialEq)]
pub struct Rival {
    /// Their file.
    pub path: PathBuf,
    /// The rules.
    pub rulebook: Rulebook,
}

/// Their replay.
#[derive(Debug, Default)]
pub struct RivalRun {
    /// What they did.
    pub replay: Slot<Replay>,
    asked: Option<(AnalysisSettings, Rival, Option<String>)>,
}

/// Takes the rules of a file to compare with.
pub(super) fn open(state: &mut AppState, path: &Path) {
    match rule_files::read(path) {
        Ok((rulebook, _, _)) => {
            state.rival = Some(Rival {
                path: path.to_path_buf(),
                rulebook,
            });
            state.screen = Screen::Rollback;
        }
        Err(error) => rule_files::fail(state, &error),
    }
}

impl RivalRun {
    /// Takes the result of the job.
    pub(super) fn take(&mut self, result: Result<Output>) {
        match result {
            Ok(Output::Replay(replay)) => self.replay.settle(Ok(*replay)),
            Ok(_) => {}
            Err(error) => self.replay.settle(Err(error)),
        }
    }
}

impl Session {
    /// Replays the rules to compare with, on what is compared now.
    pub(super) fn follow_rival(&mut self, loaded: &Arc<Loaded>, state: &AppState) {
        let Some(rival) = &state.rival else {
            self.rival = RivalRun::default();
            return;
        };
        let plan = state.replay_plan.clone();
        let asked = (state.document.settings.clone(), rival.clone(), plan.clone());
        if self.rival.asked.as_ref() == Some(&asked) {
            return;
        }
        self.rival.replay.is_stale = true;
        let document = Document {
            rulebook: rival.rulebook.clone(),
            ..state.document.clone()
        };
        self.rival.asked = Some(asked);
        let loaded = loaded.clone();
        self.jobs.start(JobKind::Rival, move |progress| {
            replay_changed(&loaded, &document, (None, plan), progress)
                .map(|replay| Output::Replay(Box::new(replay)))
        });
    }
}
