//! What lies on disk: only regular files are read, since a log is read more than once, and a file
//! that changes while it is read is told.

use std::fs::Metadata;
use std::io::Read as _;
use std::path::Path;
use std::time::SystemTime;

use super::files::{Files, file_name};
use super::issues::{Effect, Issues};
use super::source::{Format, Source};
use crate::error::{Error, ErrorKind, Result};
use crate::units;

/// Settings, rules and projects are a few kB; what is longer is something else.
const LONGEST_TEXT: u64 = 32 << 20;

/// A file as it was when it was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct State {
    pub(super) n_bytes: u64,
    modified: Option<SystemTime>,
}

impl State {
    /// Fails for what is no regular file: a pipe would be waited for without end.
    pub(super) fn of(path: &Path) -> Result<Self> {
        let found = std::fs::metadata(path).map_err(|cause| Error::unreadable(path, &cause))?;
        check_regular(
            &found,
            path,
            "A log is read more than once: write it to a file first",
        )?;
        Ok(Self::of_metadata(&found))
    }

    fn of_metadata(found: &Metadata) -> Self {
        Self {
            n_bytes: found.len(),
            modified: found.modified().ok(),
        }
    }

    /// Whether the file has become longer since.
    pub(super) fn has_grown(self, path: &Path) -> bool {
        std::fs::metadata(path).is_ok_and(|now| now.len() > self.n_bytes)
    }
}

/// Reads a small text file whole: settings, rules, a project.
///
/// Fails for what is no regular file, is not UTF-8, or is larger than such files are.
pub fn read_text(path: &Path) -> Result<String> {
    let unreadable = |cause: std::io::Error| Error::unreadable(path, &cause);
    let found = std::fs::metadata(path).map_err(unreadable)?;
    // A shell hands the output of a command over as /dev/fd/63.
    if !path.starts_with("/dev/fd") && path != Path::new("/dev/stdin") {
        check_regular(&found, path, "Write the text to a file first")?;
    }
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let bounded = &mut file.take(LONGEST_TEXT + 1);
    bounded.read_to_string(&mut text).map_err(|cause| {
        if cause.kind() == std::io::ErrorKind::InvalidData {
            Error::new(ErrorKind::Malformed, "The file is not UTF-8 text")
                .at(path)
                .hint("Save it as UTF-8, or check that it is the right file")
        } else {
            unreadable(cause)
        }
    })?;
    if text.len() as u64 > LONGEST_TEXT {
        let message = "The file is larger than 32 MB, which no settings, rules or project are";
        return Err(Error::new(ErrorKind::Settings, message)
            .at(path)
            .hint("Check that it is the right file; a log is opened by itself"));
    }
    Ok(text)
}

fn check_regular(found: &Metadata, path: &Path, hint: &str) -> Result<()> {
    if found.is_file() {
        return Ok(());
    }
    if found.is_dir() {
        let cause = std::io::Error::from(std::io::ErrorKind::IsADirectory);
        return Err(Error::unreadable(path, &cause));
    }
    Err(Error::new(ErrorKind::Unreadable, refusal(found))
        .at(path)
        .hint(hint))
}

#[cfg(unix)]
fn refusal(found: &Metadata) -> &'static str {
    use std::os::unix::fs::FileTypeExt as _;
    let kind = found.file_type();
    if kind.is_fifo() {
        "This is a pipe, not a file"
    } else if kind.is_socket() {
        "This is a socket, not a file"
    } else {
        "This is a device, not a file"
    }
}

#[cfg(not(unix))]
fn refusal(_found: &Metadata) -> &'static str {
    "This is a device, not a file"
}

impl Source {
    /// Compares the file with what it was when it was opened, and gives the bytes that were added.
    /// Text is read up to where it ended then, so that it may grow; any other change may have mixed
    /// old values with new.
    pub(super) fn check_unchanged(&self) -> Result<u64> {
        let (then, path) = (self.state, self.on_disk());
        // What is gone was read whole, or could not be opened: a reader keeps its file.
        let Ok(now) = std::fs::metadata(path) else {
            return Ok(0);
        };
        let now = State::of_metadata(&now);
        let may_grow = self.format != Format::Parquet && self.is_plain();
        match now.n_bytes.checked_sub(then.n_bytes) {
            _ if now == then => Ok(0),
            Some(added) if added > 0 && may_grow => Ok(added),
            _ => Err(self.changed()),
        }
    }

    fn changed(&self) -> Error {
        let message = "The file changed since it was opened";
        Error::new(ErrorKind::Unreadable, message)
            .at(self.on_disk())
            .hint("Wait until it is complete, or copy it and open the copy")
    }
}

impl Files {
    /// A failure of reading, by its cause where that is a change of the files.
    pub(super) fn or_changed<T>(&self, found: Result<T>) -> Result<T> {
        if found.as_ref().is_err_and(|error| !error.is_cancelled()) {
            self.check_unchanged(&mut Issues::default())?;
        }
        found
    }

    /// Fails where a file changed since it was opened; notes those that grew.
    pub(super) fn check_unchanged(&self, issues: &mut Issues) -> Result<()> {
        let ends = self.ends_in_line.iter().chain(std::iter::repeat(&false));
        for (source, ends_in_line) in self.sources.iter().zip(ends) {
            let added = source.check_unchanged()?;
            // The last row was read before the rest of its line was there.
            if added > 0 && *ends_in_line {
                return Err(source.changed());
            }
            if added > 0 {
                let kind = (
                    Effect::Noted,
                    "The file grew while it was read",
                    "Open it again for what was added",
                );
                let name = file_name(&source.path);
                let added = units::count(added);
                issues.file(kind, &format!("{name}: {added} bytes more"));
            }
        }
        Ok(())
    }
}
