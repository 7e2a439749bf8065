//! A log that was read: what is on screen follows it, and its files are watched from then on.

use super::super::lab_run::LabRun;
use super::super::requests::Query;
use super::super::saving;
use super::super::state::{AppState, Notice, Screen};
use super::super::watch::{Change, Snapshot, Watch};
use super::comparing::Kept;
use super::{Output, Session, Slot};
use crate::error::{Error, Result};
use crate::ingest::{Additions, Loaded};
use crate::jobs::JobKind;

impl Session {
    pub(super) fn take_loaded(&mut self, result: Result<Output>, state: &mut AppState) {
        let (loaded, files) = match result {
            Ok(Output::Loaded(loaded, files)) => (Ok(*loaded), files),
            Ok(_) => return,
            Err(error) => (Err(error), Snapshot::default()),
        };
        let is_new = loaded.is_ok();
        match &loaded {
            Ok(loaded) => {
                saving::settle(state, loaded);
                self.keep_additions(loaded, state);
                self.shown_request = state.document.load_request();
                self.change = None;
                self.watch = self
                    .shown_request
                    .clone()
                    .map(|request| Watch::new(request, files));
                self.keep_watching();
            }
            Err(error) => {
                self.take_back(error, state);
                saving::wait_for_log(state, error);
            }
        }
        if is_new {
            let_go((
                self.loaded.value.take(),
                self.analysis.value.take(),
                std::mem::take(&mut self.requests),
                std::mem::take(&mut self.thresholds),
            ));
        }
        self.loaded.settle(loaded);
        self.loaded.is_stale = false;
        if is_new {
            (self.asked_settings, self.asked_rulebook) = (None, None);
            // A replay of the log before must not arrive late.
            self.jobs.cancel_kind(JobKind::Replay);
            self.jobs.cancel_kind(JobKind::Lab);
            self.jobs.cancel_kind(JobKind::List);
            self.jobs.cancel_kind(JobKind::ReadRequest);
            self.lab = LabRun::default();
            self.jobs.cancel_kind(JobKind::Thresholds);
            self.replayed = None;
            (state.requests.query, state.requests.chosen) = (Query::default(), None);
            state.kept_replay = None;
            state.replay_plan = None;
            (self.analysis, self.replay) = (Slot::default(), Slot::default());
            self.kept = Kept::default();
            if self.shown_log != state.document.log {
                self.shown_log.clone_from(&state.document.log);
                state.history.restart(&state.document);
                state.project.note_opened(&state.document);
            }
        }
    }

    /// What the command line added is part of the mapping from now on, so that it is saved with it.
    fn keep_additions(&mut self, loaded: &Loaded, state: &mut AppState) {
        if state.document.added != Additions::default() {
            state.document.mapping = Some(loaded.mapping.clone());
            state.document.added = Additions::default();
            state.history.amend(&state.document);
            let asked = state.document.load_request();
            self.asked_log = asked.map(|r| (r, state.n_opened));
        }
    }

    /// A log that could not be read, or was not waited for, leaves the one on screen as it was.
    fn take_back(&mut self, error: &Error, state: &mut AppState) {
        if error.is_cancelled() {
            state.notice = Some(Notice::done("Loading was cancelled"));
        } else {
            // Where another file can be chosen.
            state.screen = Screen::Log;
        }
        let asked = state.document.load_request();
        if asked.is_some() && asked == self.shown_request {
            // It was read again as it is: no choice is to be taken back.
        } else if self.shown_log.is_empty() {
            state.document.log.clear();
            state.history.restart(&state.document);
        } else {
            state.history.discard_last(&mut state.document);
        }
        let asked = state.document.load_request();
        self.asked_log = asked.map(|r| (r, state.n_opened));
    }

    /// Reads the log again, with the roles and settings that are on screen.
    pub(in super::super) fn reload(&mut self, state: &mut AppState) {
        self.pinned = self.loaded.value.as_ref().map(|l| l.mapping.clone());
        state.n_opened += 1;
    }

    /// Lets a change of the files be.
    pub(in super::super) fn ignore_change(&mut self) {
        if let Some((change, watch)) = self.change.take().zip(self.watch.take()) {
            self.watch = Some(watch.after(&change, false));
            self.keep_watching();
        }
    }

    pub(super) fn tell(&mut self, change: Change) {
        self.watch = self.watch.take().map(|watch| watch.after(&change, true));
        self.change = Some(change).filter(|change| !change.is_undone());
        self.keep_watching();
    }

    fn keep_watching(&mut self) {
        if let Some(watch) = self.watch.clone() {
            self.jobs.start(JobKind::Watch, move |progress| {
                watch.wait(progress).map(Output::Changed)
            });
        }
    }
}

/// Gives memory back on a thread of its own: with half a gigabyte the window would not answer meanwhile.
fn let_go(old: impl Send + 'static) {
    rayon::spawn(move || drop(old));
}
