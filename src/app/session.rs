//! What was loaded and computed, kept in step with the document by jobs. While something is
//! recomputed its old value stays, marked as stale.

mod comparing;
mod reading;
#[cfg(test)]
mod tests;
mod writing;

use std::path::PathBuf;
use std::sync::Arc;
use std::task::Waker;

use super::dialogs::answer;
use super::document::Document;
use super::lab_run::LabRun;
use super::pictures::Picture;
use super::requests::Listing;
use super::requests_run::{self, RequestsRun};
use super::rivals::RivalRun;
use super::saving::{self, open_log};
use super::state::{AppState, Notice, Screen};
use super::thresholds::{Passed, Thresholds, replay_changed};
use super::watch::{Change, Snapshot, Watch};
use super::words::spoken;
use crate::analysis::{Analysis, AnalysisSettings};
use crate::cli::CellLog;
use crate::error::{Error, Result};
use crate::ingest::{LoadRequest, Loaded, Mapping, Side, SideKind, WrittenRows, load};
use crate::jobs::{JobId, JobKind, JobQueue, JobStatus, Progress};
use crate::lab::RuleLab;
use crate::report::write::write_atomic;
use crate::rules::{Replay, Rulebook};

/// A computed value with its state.
#[derive(Debug)]
pub struct Slot<T> {
    /// The newest value there is.
    pub value: Option<Arc<T>>,
    /// Whether it is out of date: a newer one is being computed, was cancelled or failed.
    pub is_stale: bool,
    /// Why the newest could not be computed.
    pub error: Option<Error>,
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self {
            value: None,
            is_stale: false,
            error: None,
        }
    }
}

impl<T> Slot<T> {
    /// Takes a result; a cancellation leaves what was there.
    pub(super) fn settle(&mut self, result: Result<T>) {
        match result {
            Ok(value) => {
                self.value = Some(Arc::new(value));
                self.is_stale = false;
                self.error = None;
            }
            Err(error) if error.is_cancelled() => {}
            Err(error) => self.error = Some(error),
        }
    }
}

/// What a finished job hands over.
#[derive(Debug)]
pub(super) enum Output {
    Loaded(Box<Loaded>, Snapshot),
    /// A bundled log, found or made.
    Bundled(PathBuf),
    Listed(Box<Listing>),
    Written(WrittenRows),
    Analysis(Box<Analysis>),
    Replay(Box<Replay>),
    Passed(Option<Box<Passed>>),
    Lab(Box<RuleLab>),
    Exported(PathBuf),
    /// A chart was written to a file.
    Pictured(PathBuf),
    Picked(Vec<PathBuf>),
    /// The desktop has no file dialog; whether it was for a log.
    NoDialog(bool),
    PickedTable(SideKind, PathBuf),
    Changed(Change),
    PickedPath(PathBuf),
    PickedPicture(PathBuf),
    Saved(PathBuf, Box<Document>, String),
    Kept,
}

/// Loaded and computed values, and the jobs that make them.
#[derive(Debug)]
pub struct Session {
    /// The log and how it was read.
    pub loaded: Slot<Loaded>,
    /// The comparison.
    pub analysis: Slot<Analysis>,
    /// Those of other selections.
    kept: comparing::Kept,
    /// The rules' replay; stays empty for a single arm.
    pub replay: Slot<Replay>,
    /// The replay of another file's rules, to compare with.
    pub rival: RivalRun,
    /// The lab's findings.
    pub lab: LabRun,
    /// Single requests.
    pub requests: RequestsRun,
    /// What answers while a threshold is dragged.
    pub thresholds: Thresholds,
    /// What happened to the files since they were read.
    pub change: Option<Change>,
    watch: Option<Watch>,
    /// The roles that the log on screen was read with, while it is read again as it is.
    pinned: Option<Mapping>,
    /// What the log on screen was asked for with.
    shown_request: Option<LoadRequest>,
    pub(super) jobs: JobQueue<Output>,
    /// The log that the values belong to: reading it anew with other roles keeps its history.
    shown_log: Vec<PathBuf>,
    /// What the newest jobs were started for.
    asked_log: Option<(LoadRequest, u64)>,
    asked_settings: Option<AnalysisSettings>,
    asked_rulebook: Option<Rulebook>,
    asked_plan: Option<String>,
    /// What `replay` is of.
    replayed: Option<(AnalysisSettings, Rulebook)>,
}

impl Session {
    /// An empty session whose jobs wake `waker`.
    pub fn new(waker: Waker) -> Self {
        Self {
            loaded: Slot::default(),
            analysis: Slot::default(),
            kept: comparing::Kept::default(),
            replay: Slot::default(),
            rival: RivalRun::default(),
            lab: LabRun::default(),
            requests: RequestsRun::default(),
            thresholds: Thresholds::default(),
            change: None,
            watch: None,
            pinned: None,
            shown_request: None,
            jobs: JobQueue::new(waker),
            shown_log: Vec::new(),
            asked_log: None,
            asked_settings: None,
            asked_rulebook: None,
            asked_plan: None,
            replayed: None,
        }
    }

    /// The running jobs.
    pub fn jobs(&self) -> Vec<JobStatus> {
        self.jobs.status()
    }

    /// Whether nothing runs.
    pub fn is_idle(&self) -> bool {
        self.jobs.status().is_empty()
    }

    /// Asks a job to stop.
    pub fn cancel(&mut self, id: JobId) {
        self.jobs.cancel(id);
    }

    /// Takes the results of finished jobs.
    pub(super) fn poll(&mut self, state: &mut AppState) {
        self.lab.take_so_far();
        for (_, kind, result) in self.jobs.poll() {
            match (kind, result) {
                (JobKind::Sample, Ok(Output::Bundled(path))) => {
                    open_log(state, LoadRequest::of(path));
                    state.screen = Screen::Overview;
                }
                (JobKind::Load, result) => self.take_loaded(result, state),
                (JobKind::Analyze, Ok(Output::Analysis(analysis))) => {
                    self.take_analysis(*analysis);
                }
                (JobKind::Analyze, Err(error)) => self.analysis.settle(Err(error)),
                (JobKind::Replay, Ok(Output::Replay(replay))) => {
                    self.replay.settle(Ok(*replay));
                    // What was replayed under another plan answers for nothing but itself.
                    let asked = self.asked_settings.clone().zip(self.asked_rulebook.clone());
                    self.replayed = asked.filter(|_| self.asked_plan.is_none());
                }
                (JobKind::Thresholds, Ok(Output::Passed(passed))) => self.take_passed(passed),
                (JobKind::Replay, Err(error)) => self.replay.settle(Err(error)),
                (JobKind::Rival, result) => self.rival.take(result),
                (JobKind::Lab, Ok(Output::Lab(found))) => self.lab.settle(Ok(*found)),
                (JobKind::Lab, Err(error)) => self.lab.settle(Err(error)),
                (JobKind::List, Ok(Output::Listed(listing))) => self.requests.settle(Ok(*listing)),
                (JobKind::List, Err(error)) => self.requests.settle(Err(error)),
                (JobKind::ReadRequest, Ok(Output::Written(rows))) => {
                    self.requests.written.settle(Ok(rows));
                }
                (JobKind::ReadRequest, Err(error)) => self.requests.written.settle(Err(error)),
                (JobKind::ReadIds, Ok(Output::Written(rows))) => {
                    requests_run::copy_ids(state, &rows);
                }
                (JobKind::Export, Ok(Output::Exported(path))) => {
                    let text = format!("Report written to {}", path.display());
                    state.notice = Some(Notice::done(text).of_file(path));
                }
                (JobKind::Picture, Ok(Output::Pictured(path))) => {
                    state.notice = Some(
                        Notice::done(format!("Picture written to {}", path.display()))
                            .of_file(path),
                    );
                }
                (JobKind::Dialog, Ok(Output::PickedPicture(path))) => {
                    if let Some(picture) = &mut state.picture {
                        picture.path_text = path.display().to_string();
                    }
                }
                (JobKind::Dialog, Ok(Output::PickedPath(path))) => {
                    if let Some(asked) = &mut state.asked_path {
                        asked.path_text = path.display().to_string();
                    }
                }
                (JobKind::Save, Ok(Output::Saved(path, document, text))) => {
                    state.notice =
                        Some(Notice::done(format!("Project saved to {}", path.display())));
                    state.storage.remember(&path);
                    state.project.note_saved(path, *document, text);
                }
                (JobKind::Dialog, Ok(Output::PickedTable(kind, file))) => {
                    let side = Side {
                        kind,
                        file,
                        ..Side::default()
                    };
                    super::sources::add_table(state, side);
                }
                (JobKind::Dialog, Ok(Output::NoDialog(is_for_log))) => {
                    state.notice = Some(Notice::failed(
                        "This desktop shows no file dialog. Type or paste the path into the field.",
                    ));
                    if is_for_log {
                        (state.screen, state.wants_path) = (Screen::Log, true);
                    }
                }
                (JobKind::Watch, Ok(Output::Changed(change))) => self.tell(change),
                (JobKind::Dialog, Ok(Output::Picked(paths))) => {
                    let request = LoadRequest {
                        paths,
                        ..LoadRequest::default()
                    };
                    saving::open_log(state, request);
                }
                (_, Err(error)) if error.is_cancelled() => {}
                (_, Err(error)) => {
                    state.notice = Some(Notice::failed(error.to_string()));
                }
                (_, Ok(_)) => {}
            }
        }
    }

    /// Starts what the document asks for and nobody has started yet.
    pub(super) fn follow(&mut self, state: &AppState, is_dragging: bool) {
        let document = &state.document;
        let log = document.load_request().map(|r| (r, state.n_opened));
        if log != self.asked_log {
            self.asked_log.clone_from(&log);
            if let Some((request, _)) = log {
                self.loaded.is_stale = true;
                let pinned = self.pinned.take();
                let request = LoadRequest {
                    tools: state.tools.clone(),
                    memory: state.memory.bytes(),
                    mapping: request.mapping.or(pinned),
                    ..request
                };
                self.jobs.start(JobKind::Load, move |progress| {
                    // Before reading: what is written meanwhile has not been seen.
                    let files = Snapshot::of(&request);
                    let loaded = match CellLog::load(&request.paths)? {
                        Some(loaded) => loaded,
                        None => load(&request, progress)?,
                    };
                    Ok(Output::Loaded(Box::new(loaded), files))
                });
            }
        }
        let Some(loaded) = self.loaded.value.clone().filter(|_| !self.loaded.is_stale) else {
            return;
        };
        if self.asked_settings.as_ref() != Some(&document.settings) {
            self.start_analysis(&loaded, document);
        }
        self.follow_requests(&loaded, state);
        let is_ready = self.analysis.value.is_some() && !self.analysis.is_stale;
        // While a threshold is dragged its first firing is looked up; the replay follows at the end.
        let rule = document.rulebook.rules.get(state.rule);
        let is_known = rule.is_some_and(|rule| self.thresholds.first(rule).is_some());
        if is_ready
            && !(is_dragging && is_known)
            && (self.asked_rulebook.as_ref() != Some(&document.rulebook)
                || self.asked_plan != state.replay_plan)
        {
            self.start_replay(&loaded, document, state.replay_plan.clone());
        }
        if is_ready {
            self.follow_rival(&loaded, state);
        }
        self.follow_thresholds(state);
    }

    /// Writes the project to a file.
    pub(super) fn save(&mut self, state: &AppState, path: PathBuf) {
        let project = saving::project_of(state, self);
        let document = Box::new(state.document.clone());
        let path = std::path::absolute(&path).unwrap_or(path);
        let known = state.project.text_of(&path);
        self.jobs.start(JobKind::Save, move |_| {
            let text = saving::write(&path, &project, known.as_deref())?;
            Ok(Output::Saved(path, document, text))
        });
    }

    /// Keeps the document for a crash, once it has rested.
    pub(super) fn keep(&mut self, ctx: &egui::Context, state: &mut AppState) {
        let is_changed = state.project.is_changed(&state.document);
        let Some(path) = state.storage.due(ctx, &state.document, is_changed) else {
            return;
        };
        let project = saving::project_of(state, self);
        self.jobs.start(JobKind::Keep, move |_| {
            write_atomic(&path, project.to_json(saving::folder_of(&path))?.as_bytes())?;
            Ok(Output::Kept)
        });
    }

    /// Asks where to save a chart; the answer goes into the field of the picture.
    pub(super) fn pick_picture(&mut self, proposed: PathBuf) {
        let language = spoken();
        self.jobs.start(JobKind::Dialog, move |_| {
            let pick = || super::dialogs::pick_picture(language, &proposed);
            answer(pick, Output::PickedPicture)
        });
    }

    /// Writes a chart as a picture, in the language of the window.
    pub(super) fn save_picture(&mut self, picture: Picture, rulebook: Rulebook) {
        let language = spoken();
        if let Some(analysis) = self.analysis.value.clone() {
            self.jobs.start(JobKind::Picture, move |_| {
                let path = picture.write(&analysis, &rulebook, language);
                path.map(Output::Pictured)
            });
        }
    }

    /// Tries the chosen rule on rollouts made from the log.
    pub(super) fn run_lab(&mut self, state: &AppState) {
        let (Some(loaded), Some(analysis)) =
            (self.loaded.value.clone(), self.analysis.value.clone())
        else {
            return;
        };
        let work = self
            .lab
            .ask(&state.document, state.rule, &state.lab, &analysis);
        if let Some(work) = work {
            self.jobs.start(JobKind::Lab, move |progress| {
                work.run(&loaded.log, progress)
                    .map(|found| Output::Lab(Box::new(found)))
            });
        }
    }

    /// Whether the rules are being replayed.
    pub fn is_replaying(&self) -> bool {
        self.jobs.is_running(JobKind::Replay)
    }

    /// Whether the lab works.
    pub fn lab_is_running(&self) -> bool {
        self.jobs.is_running(JobKind::Lab)
    }

    /// Opens a bundled log, which is made first where it does not exist yet.
    pub(super) fn open_bundled(&mut self, find: fn(&Progress) -> Result<PathBuf>) {
        self.jobs.start(JobKind::Sample, move |progress| {
            find(progress).map(Output::Bundled)
        });
    }

    /// Shows the file dialog on a thread of its own: without a desktop portal it may never answer.
    pub(super) fn pick_log(&mut self) {
        let language = spoken();
        self.jobs.start(JobKind::Dialog, move |_| {
            let found = answer(|| super::dialogs::pick_logs(language), Output::Picked)?;
            Ok(match found {
                Output::NoDialog(_) => Output::NoDialog(true),
                found => found,
            })
        });
    }

    /// Asks for a table to join to the log.
    pub(super) fn pick_table(&mut self, kind: SideKind) {
        let language = spoken();
        self.jobs.start(JobKind::Dialog, move |_| {
            let pick = || super::dialogs::pick_table(language, kind);
            answer(pick, |path| Output::PickedTable(kind, path))
        });
    }

    /// Starts again what was cancelled or failed.
    pub(super) fn recompute(&mut self) {
        (self.asked_settings, self.asked_rulebook) = (None, None);
    }

    /// Whether something on screen is out of date and nobody works on it.
    pub fn is_out_of_date(&self) -> bool {
        let has_log = self.loaded.value.is_some();
        let is_missing =
            self.analysis.value.is_none() || self.analysis.is_stale || self.replay.is_stale;
        has_log && is_missing && self.is_idle()
    }

    fn start_replay(&mut self, loaded: &Arc<Loaded>, document: &Document, plan: Option<String>) {
        self.asked_rulebook = Some(document.rulebook.clone());
        self.asked_plan.clone_from(&plan);
        if self
            .analysis
            .value
            .as_ref()
            .is_none_or(|a| a.treatment.is_none())
        {
            self.replay = Slot::default();
            return;
        }
        self.replay.is_stale = true;
        let earlier = self.replay.value.clone().zip(
            self.replayed
                .clone()
                .filter(|(settings, _)| *settings == document.settings)
                .map(|(_, rulebook)| rulebook),
        );
        let (loaded, document) = (loaded.clone(), document.clone());
        self.jobs.start(JobKind::Replay, move |progress| {
            replay_changed(&loaded, &document, (earlier, plan), progress)
                .map(|replay| Output::Replay(Box::new(replay)))
        });
    }
}
