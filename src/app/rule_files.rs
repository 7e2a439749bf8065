//! Rule files in the window: a rulebook, or the rules of another system with what became of every
//! field of theirs; and rules for Prometheus to take along.

use std::path::{Path, PathBuf};

use super::state::{AppState, Notice, Screen};
use super::widgets::{card_ui, chip, note};
use super::words::tr;
use crate::error::{Error, ErrorKind, Result};
use crate::ingest::read_text;
use crate::report::chart::Tone;
use crate::report::write::write_atomic;
use crate::rules::import::{Import, ImportNote, ImportSettings, NoteKind, import};
use crate::rules::{Rulebook, UnreadRule, export};

/// Endings of the files that hold rules; `json` can be a log too and is asked for by the dialog only.
const EXTENSIONS: [&str; 3] = ["toml", "yml", "yaml"];

/// What was said about the rules when they came from a file or went into one.
#[derive(Debug, Clone)]
pub struct RuleFile {
    /// The file.
    pub path: PathBuf,
    /// What the file was, and how many rules it gave or took.
    pub title: String,
    /// What was not taken over, or had to be assumed; the gravest first.
    pub notes: Vec<ImportNote>,
}

/// Whether a dropped file holds rules rather than requests.
pub(super) fn is_rule_file(path: &Path) -> bool {
    let extension = path.extension().map(|e| e.to_string_lossy().to_lowercase());
    extension.is_some_and(|extension| EXTENSIONS.contains(&extension.as_str()))
}

/// Puts the rules of a file in the place of the present ones; they can be undone.
pub(super) fn open(state: &mut AppState, path: &Path) {
    match read(path) {
        Ok((rulebook, unread, file)) => {
            state.document.rulebook = rulebook;
            state.document.unread_rules = unread;
            (state.rule, state.rule_file) = (0, Some(file));
            state.screen = Screen::Rollback;
        }
        Err(error) => fail(state, &error),
    }
}

/// The rules of a file, those of them that could not be read, and what is to be said of it.
pub(super) fn read(path: &Path) -> Result<(Rulebook, Vec<UnreadRule>, RuleFile)> {
    let text = read_text(path)?;
    let is_toml = path
        .extension()
        .is_some_and(|e| e.eq_ignore_ascii_case("toml"));
    if is_toml {
        let (rulebook, unread) = Rulebook::parse_partly(&text).map_err(|error| error.at(path))?;
        let title = format!("Rulebook: {}", counted(rulebook.rules.len()));
        let notes = unread.iter().map(|rule| ImportNote {
            kind: NoteKind::Refused,
            place: rule.id.clone(),
            text: rule.error.to_string(),
        });
        let file = file(path, title, notes.collect());
        return Ok((rulebook, unread, file));
    }
    let found = import(&text, &ImportSettings::default()).map_err(|error| error.at(path))?;
    let Import {
        kind,
        rulebook,
        notes,
    } = found;
    let Some(rulebook) = rulebook else {
        let why = notes.first().map_or("", |note| note.text.as_str());
        let message = format!("No rule of this file can be replayed on a request log: {why}");
        return Err(Error::new(ErrorKind::Settings, message).at(path));
    };
    let title = format!("{}: {}", kind.label(), counted(rulebook.rules.len()));
    Ok((rulebook, Vec::new(), file(path, title, notes)))
}

/// Writes the rules that Prometheus can express.
pub(super) fn export(state: &mut AppState, path: &Path) {
    let written = export::to_prometheus(&state.document.rulebook).and_then(|found| {
        let Some(yaml) = &found.yaml else {
            let why = found.notes.first().map_or("", |note| note.text.as_str());
            return Err(Error::new(
                ErrorKind::Settings,
                format!("Prometheus can express none of these rules: {why}"),
            ));
        };
        write_atomic(path, yaml.as_bytes())?;
        Ok(found.notes)
    });
    match written {
        Ok(notes) => {
            let title = "Written as Prometheus rules".to_owned();
            state.notice = Some(
                Notice::done(format!("Rules written to {}", path.display()))
                    .of_file(path.to_path_buf()),
            );
            state.rule_file = Some(file(path, title, notes));
            state.screen = Screen::Rollback;
        }
        Err(error) => fail(state, &error),
    }
}

fn file(path: &Path, title: String, notes: Vec<ImportNote>) -> RuleFile {
    RuleFile {
        path: path.to_path_buf(),
        title,
        notes,
    }
}

pub(super) fn fail(state: &mut AppState, error: &Error) {
    state.notice = Some(Notice::failed(error.to_string()));
}

fn counted(n: usize) -> String {
    match n {
        1 => "1 rule".to_owned(),
        n => format!("{n} rules"),
    }
}

/// What became of the fields of the last file, until it is closed.
pub(super) fn ui(ui: &mut egui::Ui, state: &mut AppState) {
    let Some(file) = state.rule_file.clone() else {
        return;
    };
    card_ui(ui, &file.title, |ui| {
        note(ui, &file.path.display().to_string());
        if file.notes.is_empty() {
            ui.label(tr("Every field was taken over."));
        }
        egui::ScrollArea::vertical()
            .id_salt("rule file")
            .max_height(180.0)
            .auto_shrink([false, true])
            .show(ui, |ui| {
                for found in &file.notes {
                    note_ui(ui, found);
                }
            });
        if ui.button(tr("Close")).clicked() {
            state.rule_file = None;
        }
    });
}

fn note_ui(ui: &mut egui::Ui, found: &ImportNote) {
    let tone = match found.kind {
        NoteKind::Refused => Tone::Bad,
        NoteKind::Lost => Tone::Caution,
        NoteKind::Assumed => Tone::Quiet,
    };
    ui.horizontal_wrapped(|ui| {
        chip(ui, found.kind.label(), tone);
        let place = match found.place.as_str() {
            "" => String::new(),
            place => format!("{place}: "),
        };
        ui.label(format!("{place}{}", found.text));
    });
}
