//! Logs and projects in the window: opening, saving, and whether there is something to save.

use std::path::{Path, PathBuf};

use super::document::Document;
use super::session::Session;
use super::state::{AppState, Notice, Screen};
use crate::analysis::AnalysisSettings;
use crate::error::{Error, ErrorKind, Result};
use crate::ingest::{LoadRequest, Loaded, read_text};
use crate::project::Project;
use crate::report::Context;
use crate::report::write::write_atomic;

/// The project that the document belongs to.
#[derive(Debug, Default)]
pub struct ProjectState {
    /// Its file; `None` until it is saved.
    pub path: Option<PathBuf>,
    /// The text of the file, as it was read or written here last.
    text: String,
    /// The document as it stands in the file; without a file, as it was opened.
    saved: Document,
    /// A project whose log is being read, or could not be.
    opening: Option<Opening>,
    /// Whether it was brought back from a crash: as opened, it is unsaved work already.
    is_recovered: bool,
}

#[derive(Debug)]
struct Opening {
    /// `None` for a state that was kept from a crash.
    path: Option<PathBuf>,
    text: String,
    project: Project,
    has_failed: bool,
}

impl ProjectState {
    /// Whether the file lacks what is on screen.
    pub fn is_unsaved(&self, document: &Document) -> bool {
        self.path.is_some() && self.saved != *document
    }

    /// Whether something was changed since it was opened or saved.
    pub fn is_changed(&self, document: &Document) -> bool {
        self.saved != *document
    }

    /// A log was opened on its own.
    pub(super) fn note_opened(&mut self, document: &Document) {
        if self.path.is_none() && !self.is_recovered {
            self.saved.clone_from(document);
        }
    }

    pub(super) fn note_saved(&mut self, path: PathBuf, document: Document, text: String) {
        (self.path, self.saved, self.is_recovered) = (Some(path), document, false);
        self.text = text;
    }

    /// What the project's own file held last; `None` for any other file.
    pub(super) fn text_of(&self, path: &Path) -> Option<String> {
        let own = self.path.as_ref().map(std::path::absolute);
        let is_own = own.is_some_and(|own| own.is_ok_and(|own| own == path));
        is_own.then(|| self.text.clone())
    }
}

/// Makes a log the document's, with fresh arms and filter; rules and margins stay.
pub(super) fn open_log(state: &mut AppState, request: LoadRequest) {
    if let [path] = request.paths.as_slice() {
        state.storage.remember(path);
        if Project::is_project(path) {
            return open_file(state, path.clone());
        }
    }
    // Several files have no path that could be typed.
    state.path_text = match request.paths.as_slice() {
        [path] => path.display().to_string(),
        _ => String::new(),
    };
    state.n_opened += 1;
    if let Some(document) = relocated(state, &request) {
        state.document = document;
    } else {
        forget(state);
        let margins = state.document.settings.margins;
        state.document.log = request.paths;
        state.document.mapping = request.mapping;
        state.document.added = request.added;
        state.document.settings = AnalysisSettings {
            margins,
            ..AnalysisSettings::default()
        };
        // Words on one rollout would be wrong of another, an overruled decision above all.
        state.document.context = Context::default();
        state.project.note_opened(&state.document);
    }
    if state.screen == Screen::Report {
        state.screen = Screen::Overview;
    }
    state.notice = None;
}

/// Reads a project file, and gives its text too.
pub(super) fn read(path: &Path) -> Result<(Project, String)> {
    let text = read_text(path)?;
    let project = Project::from_json(&text, folder_of(path)).map_err(|error| error.at(path))?;
    Ok((project, text))
}

/// Writes a project to a file, and gives its text. Fails where its own file no longer holds what was
/// read or written here last (`known`): that would undo what another window or program saved.
pub(super) fn write(path: &Path, project: &Project, known: Option<&str>) -> Result<String> {
    let is_other = |known: &str| read_text(path).is_ok_and(|now| now != known);
    if known.is_some_and(is_other) {
        let message = "The project file was changed since it was opened here";
        return Err(Error::new(ErrorKind::Unwritable, message).at(path).hint(
            "Another window or program wrote it: save under another name, or open it again",
        ));
    }
    let text = project.to_json(folder_of(path))?;
    write_atomic(path, text.as_bytes())?;
    Ok(text)
}

/// The folder that a project's relative paths count from.
pub(super) fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}

/// Opens a project file: its log is read, and everything that was chosen comes back.
pub(super) fn open_file(state: &mut AppState, path: PathBuf) {
    match read(&path) {
        Ok(found) => open(state, found, Some(path)),
        Err(error) => {
            state.notice = Some(Notice::failed(error.to_string()));
            state.screen = Screen::Log;
        }
    }
}

/// Opens a project.
pub(super) fn open(state: &mut AppState, found: (Project, String), path: Option<PathBuf>) {
    let (project, text) = found;
    state.n_opened += 1;
    state.document = document_of(&project, project.logs.clone());
    state.path_text = match project.logs.as_slice() {
        [log] => log.display().to_string(),
        _ => String::new(),
    };
    state.screen = Screen::Overview;
    state.notice = None;
    state.project.opening = Some(Opening {
        path,
        text,
        project,
        has_failed: false,
    });
}

/// After a project's log was not found: the log that the user names instead, read as the project
/// says. `None` where no project waits.
pub(super) fn relocated(state: &mut AppState, request: &LoadRequest) -> Option<Document> {
    let opening = state.project.opening.as_mut().filter(|o| o.has_failed)?;
    opening.has_failed = false;
    Some(document_of(&opening.project, request.paths.clone()))
}

/// A log on its own belongs to no project.
pub(super) fn forget(state: &mut AppState) {
    state.project = ProjectState::default();
}

fn document_of(project: &Project, log: Vec<PathBuf>) -> Document {
    Document {
        log,
        mapping: project.mapping.clone(),
        settings: project.settings.clone(),
        rulebook: project.rulebook.clone(),
        title: project.title.clone(),
        context: project.context.clone(),
        ..Document::default()
    }
}

/// The log of a project was read.
pub(super) fn settle(state: &mut AppState, loaded: &Loaded) {
    let Some(opening) = state.project.opening.take() else {
        return;
    };
    if let Some(change) = opening.project.change(loaded) {
        state.notice = Some(Notice::failed(change));
    }
    state.project.is_recovered = opening.path.is_none();
    if let Some(path) = opening.path {
        // As in the file: a log that was found elsewhere is a change to save.
        let saved = document_of(&opening.project, opening.project.logs.clone());
        state.project.note_saved(path, saved, opening.text);
    }
}

/// The log of a project could not be read: the project waits for another path.
pub(super) fn wait_for_log(state: &mut AppState, error: &Error) {
    if error.is_cancelled() {
        state.project.opening = None;
    } else if let Some(opening) = &mut state.project.opening {
        opening.has_failed = true;
        state.notice = Some(Notice::failed(
            "The project's log could not be read. Open it where it is now: its roles, settings and rules are kept",
        ));
    }
}

/// The project as it would be saved now.
pub(super) fn project_of(state: &AppState, session: &Session) -> Project {
    let mut document = state.document.clone();
    // Paths of the command line count from the folder it was typed in.
    let whole = |path: &mut PathBuf| {
        if let Ok(absolute) = std::path::absolute(&*path) {
            *path = absolute;
        }
    };
    document.log.iter_mut().for_each(whole);
    let tables = document.mapping.iter_mut().flat_map(|m| &mut m.side);
    tables.for_each(|side| whole(&mut side.file));
    Project::new(
        document.log,
        document.mapping,
        document.settings,
        document.rulebook,
        document.title,
        document.context,
    )
    .with_files_of(session.loaded.value.as_deref())
}
