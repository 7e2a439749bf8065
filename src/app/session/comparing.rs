//! The comparison follows the settings. Comparisons made before are kept, so that going back to a
//! selection costs nothing.

use std::sync::Arc;

use super::super::document::Document;
use super::{Output, Session, Slot};
use crate::analysis::{Analysis, AnalysisSettings, Rollouts, analyze_again};
use crate::cli::CellLog;
use crate::ingest::Loaded;
use crate::jobs::JobKind;

/// Comparisons kept; each takes some megabytes at most, whatever the log's size.
const MOST_KEPT: usize = 8;

/// What was found about the log on screen.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// Comparisons, the one asked for last at the end.
    analyses: Vec<Arc<Analysis>>,
    rollouts: Arc<Rollouts>,
}

impl Kept {
    fn with_settings(&mut self, settings: &AnalysisSettings) -> Option<Arc<Analysis>> {
        let at = self
            .analyses
            .iter()
            .position(|kept| kept.settings == *settings)?;
        let found = self.analyses.remove(at);
        self.analyses.push(found.clone());
        Some(found)
    }

    fn keep(&mut self, analysis: Arc<Analysis>) {
        if self.analyses.len() == MOST_KEPT {
            self.analyses.remove(0);
        }
        self.analyses.push(analysis);
    }
}

impl Session {
    /// Compares with the document's settings, unless that was done before.
    pub(super) fn start_analysis(&mut self, loaded: &Arc<Loaded>, document: &Document) {
        self.asked_settings = Some(document.settings.clone());
        self.jobs.cancel_kind(JobKind::Replay);
        self.replay.is_stale = self.replay.value.is_some();
        if let Some(known) = self.kept.with_settings(&document.settings) {
            self.jobs.cancel_kind(JobKind::Analyze);
            self.analysis = Slot {
                value: Some(known),
                ..Slot::default()
            };
            self.asked_rulebook = None;
            return;
        }
        self.analysis.is_stale = true;
        let (loaded, settings) = (loaded.clone(), document.settings.clone());
        let rollouts = self.kept.rollouts.clone();
        self.jobs.start(JobKind::Analyze, move |progress| {
            let analysis = match CellLog::of(&loaded) {
                Some(known) => known.analyze(&settings, progress),
                None => analyze_again(&loaded.log, &rollouts, &settings, progress),
            };
            analysis.map(|a| Output::Analysis(Box::new(a)))
        });
    }

    /// Takes the comparison that was asked for; the replay follows it.
    pub(super) fn take_analysis(&mut self, analysis: Analysis) {
        self.analysis.settle(Ok(analysis));
        if let Some(newest) = &self.analysis.value {
            self.kept.keep(newest.clone());
        }
        self.asked_rulebook = None;
    }
}
