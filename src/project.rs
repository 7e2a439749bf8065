//! The saved file of an investigation (`.hindsight`): which log, how it is read, what was chosen.
//! It holds no row of the log. Paths are stored relative to the project's folder where the log
//! lies below it, so that both can be moved together.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::analysis::AnalysisSettings;
use crate::error::{Error, ErrorKind, Result};
use crate::ingest::{Loaded, Mapping, Source};
use crate::report::Context;
use crate::rules::Rulebook;

/// The extension of project files.
pub const EXTENSION: &str = "hindsight";
/// The only version of the format so far.
const SCHEMA: u32 = 1;

/// Everything that a screen stands on besides the log itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Project {
    /// Version of this format.
    pub schema: u32,
    /// The log: files, folders and patterns; none where no log was open.
    pub logs: Vec<PathBuf>,
    /// The files as they were when the project was saved.
    #[serde(default)]
    pub files: Vec<FileReference>,
    /// The columns' roles; `None` guesses them.
    #[serde(default)]
    pub mapping: Option<Mapping>,
    /// Arms, filter, margins, roles of metrics.
    #[serde(default)]
    pub settings: AnalysisSettings,
    /// The rollback rules.
    pub rulebook: Rulebook,
    /// The report's title; empty takes the log's name.
    #[serde(default)]
    pub title: String,
    /// What the analyst adds to the report: owner, hypothesis, arms, a decision of their own.
    #[serde(default)]
    pub context: Context,
}

/// A file of the log as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileReference {
    /// Its name without the folder.
    pub name: String,
    /// Its size.
    pub bytes: u64,
}

impl Project {
    /// A project of the present version.
    pub fn new(
        logs: Vec<PathBuf>,
        mapping: Option<Mapping>,
        settings: AnalysisSettings,
        rulebook: Rulebook,
        title: String,
        context: Context,
    ) -> Self {
        Self {
            schema: SCHEMA,
            logs,
            files: Vec::new(),
            mapping,
            settings,
            rulebook,
            title,
            context,
        }
    }

    /// Whether a path names a project rather than a log.
    pub fn is_project(path: &Path) -> bool {
        path.extension()
            .is_some_and(|extension| extension == EXTENSION)
    }

    /// Reads the text of a project file; relative paths are those below `folder`.
    pub fn from_json(text: &str, folder: &Path) -> Result<Self> {
        let malformed = |message: String, line: usize| {
            Error::new(ErrorKind::Settings, message)
                .line(line as u64)
                .hint("Open the log itself and save the project again; a copy of the last save may stand beside it")
        };
        let value: serde_json::Value = serde_json::from_str(text).map_err(|cause| {
            malformed(
                format!("The project file is damaged: {cause}"),
                cause.line(),
            )
        })?;
        let schema = value.get("schema").and_then(serde_json::Value::as_u64);
        if schema != Some(u64::from(SCHEMA)) {
            let found = schema.map_or("none".to_owned(), |schema| schema.to_string());
            let message = format!(
                "The project file has version {found}; this program reads version {SCHEMA}"
            );
            return Err(Error::new(ErrorKind::Settings, message)
                .hint("Open it with a newer version of Hindsight"));
        }
        let mut project: Self = serde_json::from_str(text).map_err(|cause| {
            malformed(
                format!("The project file is not valid: {cause}"),
                cause.line(),
            )
        })?;
        for path in project.paths_mut().filter(|path| path.is_relative()) {
            *path = folder.join(&*path);
        }
        Ok(project)
    }

    /// The text of a project file that stands in `folder`.
    pub fn to_json(&self, folder: &Path) -> Result<String> {
        let mut stored = self.clone();
        for path in stored.paths_mut() {
            if let Ok(below) = path.strip_prefix(folder) {
                *path = below.to_path_buf();
            }
        }
        let text = serde_json::to_string_pretty(&stored).map_err(|cause| {
            Error::new(
                ErrorKind::Internal,
                format!("Cannot write the project: {cause}"),
            )
        })?;
        Ok(text + "\n")
    }

    /// The log's files and the tables beside it.
    fn paths_mut(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let tables = self.mapping.iter_mut().flat_map(|m| &mut m.side);
        self.logs
            .iter_mut()
            .chain(tables.map(|side| &mut side.file))
    }

    /// What the files of a log are, for noticing later that they changed.
    #[must_use]
    pub fn with_files_of(mut self, loaded: Option<&Loaded>) -> Self {
        let reference = |source: &Source| FileReference {
            name: file_name(&source.path),
            bytes: source.bytes,
        };
        self.files = loaded.map_or_else(Vec::new, |l| l.sources().map(reference).collect());
        self
    }

    /// How the files of a log differ from those that the project was saved with; `None` where they
    /// do not.
    pub fn change(&self, loaded: &Loaded) -> Option<String> {
        let now = self.clone().with_files_of(Some(loaded)).files;
        if self.files.is_empty() || now == self.files {
            return None;
        }
        if now.len() != self.files.len() {
            return Some(format!(
                "The log has {} files now; the project was saved with {}",
                now.len(),
                self.files.len()
            ));
        }
        let (then, now) = self
            .files
            .iter()
            .zip(&now)
            .find(|(then, now)| then != now)?;
        Some(format!(
            "The log has changed since the project was saved: {} of {} bytes then, {} of {} bytes now",
            then.name, then.bytes, now.name, now.bytes
        ))
    }
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::presets;

    fn project() -> Project {
        let settings = AnalysisSettings {
            level: 0.9,
            ..AnalysisSettings::default()
        };
        let logs = vec![
            PathBuf::from("/data/logs/a.csv"),
            PathBuf::from("/elsewhere/b.csv"),
        ];
        let rulebook = presets::all().unwrap();
        Project::new(
            logs,
            Some(Mapping::default()),
            settings,
            rulebook,
            "Title".to_owned(),
            Context {
                owner: "Ada".to_owned(),
                ..Context::default()
            },
        )
    }

    #[test]
    fn a_project_survives_its_file_and_moves_with_its_log() {
        let project = project();
        let text = project.to_json(Path::new("/data")).unwrap();
        assert!(text.contains("\"logs/a.csv\""), "{text}");
        assert_eq!(
            Project::from_json(&text, Path::new("/data")).unwrap(),
            project
        );
        let moved = Project::from_json(&text, Path::new("/moved")).unwrap();
        assert_eq!(moved.logs[0], Path::new("/moved/logs/a.csv"));
        assert_eq!(moved.logs[1], Path::new("/elsewhere/b.csv"));
    }

    #[test]
    fn what_is_no_project_is_refused_with_what_to_do() {
        let sound = project().to_json(Path::new("/")).unwrap();
        let check = |text: &str, part: &str| {
            let error = Project::from_json(text, Path::new("/")).unwrap_err();
            assert!(error.to_string().contains(part), "{error}");
            assert!(!error.hint.is_empty());
        };
        check("", "damaged");
        check(&sound[..sound.len() / 2], "damaged");
        check("{}", "version none");
        check(
            &sound.replacen("\"schema\": 1", "\"schema\": 7", 1),
            "version 7",
        );
        check(&sound.replacen("\"level\"", "\"levle\"", 1), "levle");
        check(
            &sound.replacen("\"error_share\"", "\"eror_share\"", 1),
            "not valid",
        );
    }
}
