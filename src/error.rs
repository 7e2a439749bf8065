//! One error type: what happened, where, and what to do about it.

use std::fmt;
use std::path::{Path, PathBuf};

/// Result of every fallible function of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of failure it was; decides the exit code and the icon, never the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// A file or folder could not be found, opened or read.
    Unreadable,
    /// The bytes were read but are not what they claim to be.
    Malformed,
    /// The file is well formed but is not a request log of an experiment.
    NotARequestLog,
    /// A column mapping, rulebook or setting contradicts itself or the log.
    Settings,
    /// The log needs more memory than it may take.
    TooLarge,
    /// The log holds too little for what was asked.
    NotEnoughData,
    /// A result could not be written.
    Unwritable,
    /// The user cancelled the job.
    Cancelled,
    /// A defect of this program.
    Internal,
}

/// An error that names its place and says what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// The kind, for callers that branch.
    pub kind: ErrorKind,
    /// What happened, one sentence without a final period.
    pub message: String,
    /// Where it happened.
    pub place: Place,
    /// What the user can do about it; may be empty.
    pub hint: String,
}

/// Where something happened; every part is optional.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub path: Option<PathBuf>,
    /// The column, by its name in the file.
    pub column: Option<String>,
    /// The line as a text editor counts it, from 1, header included.
    pub line: Option<u64>,
    /// The key of a settings file, such as `rule[0].any[2].cmp`.
    pub key: Option<String>,
}

impl Error {
    /// An error without a place; add one with [`Error::at`].
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            place: Place::default(),
            hint: String::new(),
        }
    }

    /// The user cancelled.
    pub fn cancelled() -> Self {
        Self::new(ErrorKind::Cancelled, "Cancelled")
    }

    /// Adds what the user can do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// Adds the file, unless one is already named.
    #[must_use]
    pub fn at(mut self, path: &Path) -> Self {
        self.place.path.get_or_insert_with(|| path.to_path_buf());
        self
    }

    /// Adds the column.
    #[must_use]
    pub fn column(mut self, column: impl Into<String>) -> Self {
        self.place.column = Some(column.into());
        self
    }

    /// Adds the line as an editor counts it.
    #[must_use]
    pub fn line(mut self, line: u64) -> Self {
        self.place.line = Some(line);
        self
    }

    /// Adds the key of a settings file.
    #[must_use]
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.place.key = Some(key.into());
        self
    }

    /// Whether the user cancelled, which is not a failure to report.
    pub fn is_cancelled(&self) -> bool {
        self.kind == ErrorKind::Cancelled
    }

    /// An input file that could not be opened or read, with the hint that fits the cause.
    pub fn unreadable(path: &Path, cause: &std::io::Error) -> Self {
        let hint = match cause.kind() {
            std::io::ErrorKind::NotFound => {
                "Check the path; relative paths start at the current folder"
            }
            std::io::ErrorKind::PermissionDenied => {
                "You have no permission to read it; ask its owner or copy it"
            }
            std::io::ErrorKind::IsADirectory => "Name a file in that folder",
            _ => "Check that the file is complete and can be opened by other programs",
        };
        Self::new(
            ErrorKind::Unreadable,
            format!("Cannot read the file: {}", lower_first(&cause.to_string())),
        )
        .at(path)
        .hint(hint)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.message, self.place)?;
        if !self.hint.is_empty() {
            write!(f, "\n  {}", self.hint)?;
        }
        Ok(())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            path,
            column,
            line,
            key,
        } = self;
        let parts: Vec<String> = [
            key.as_ref().map(|k| format!("key {k}")),
            column.as_ref().map(|c| format!("column {c}")),
            line.map(|l| format!("line {l}")),
            path.as_ref().map(|p| p.display().to_string()),
        ]
        .into_iter()
        .flatten()
        .collect();
        if parts.is_empty() {
            Ok(())
        } else {
            write!(f, ": {}", parts.join(", "))
        }
    }
}

impl std::error::Error for Error {}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    chars
        .next()
        .map(|c| c.to_lowercase().collect::<String>() + chars.as_str())
        .unwrap_or_default()
}
