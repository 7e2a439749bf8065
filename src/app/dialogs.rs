//! The file dialog of the desktop.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::session::Output;
use super::words::{speak, tr};
use crate::error::{Error, Result};
use crate::ingest::SideKind;
use crate::language::Language;
use crate::project::EXTENSION;

/// Nobody closes a dialog that fast: it was never shown.
const FASTEST: Duration = Duration::from_millis(400);

/// What a dialog gave: a dialog that was closed counts as cancelled, one that was never shown says so. The
/// desktop tells neither from the other.
pub(super) fn answer<T>(
    dialog: impl FnOnce() -> Option<T>,
    output: impl FnOnce(T) -> Output,
) -> Result<Output> {
    let start = Instant::now();
    match dialog() {
        Some(picked) => Ok(output(picked)),
        None if start.elapsed() < FASTEST => Ok(Output::NoDialog(false)),
        None => Err(Error::cancelled()),
    }
}

/// Asks for the files of a log; `None` when cancelled or where the desktop has no dialog. Blocks:
/// call it on a thread.
pub(super) fn pick_logs(language: Language) -> Option<Vec<PathBuf>> {
    speak(language);
    rfd::FileDialog::new()
        .set_title(tr("Open a request log: one file, or several as one log"))
        .add_filter(
            tr("Request logs"),
            &[
                "csv",
                "tsv",
                "txt",
                "log",
                "json",
                "jsonl",
                "ndjson",
                "parquet",
                "gz",
                "zst",
                "bz2",
                "zip",
                "hindsight",
            ],
        )
        .add_filter(tr("All files"), &["*"])
        .pick_files()
}

/// Asks for a table beside the log; `None` when cancelled or where the desktop has no dialog.
/// Blocks: call it on a thread.
pub(super) fn pick_table(language: Language, kind: SideKind) -> Option<PathBuf> {
    speak(language);
    rfd::FileDialog::new()
        .set_title(tr(match kind {
            SideKind::Ratings => "Open ratings that belong to the log",
            SideKind::Assignments => "Open assignments that belong to the log",
            SideKind::Events => "Open events that belong to the log",
        }))
        .pick_file()
}

/// Asks for a file of rules; `None` when cancelled or where the desktop has no dialog. Blocks: call
/// it on a thread.
pub(super) fn pick_rules(language: Language) -> Option<PathBuf> {
    speak(language);
    rfd::FileDialog::new()
        .set_title(tr("Open rules: a rulebook, or what another system runs"))
        .add_filter(tr("Rules"), &["toml", "yml", "yaml", "json"])
        .add_filter(tr("All files"), &["*"])
        .pick_file()
}

/// Asks for a mapping file, as [`pick_rules`] does.
pub(super) fn pick_mapping(language: Language) -> Option<PathBuf> {
    speak(language);
    rfd::FileDialog::new()
        .set_title(tr("Use a mapping file"))
        .add_filter(tr("Mapping files"), &["toml"])
        .pick_file()
}

/// Asks where to write the roles of the columns, as [`pick_rules`] does.
pub(super) fn pick_mapping_export(language: Language, proposed: &Path) -> Option<PathBuf> {
    speak(language);
    proposing(proposed)
        .set_title(tr("Save columns as mapping file"))
        .add_filter(tr("Mapping files"), &["toml"])
        .save_file()
}

/// Asks where to write Prometheus rules, as [`pick_rules`] does.
pub(super) fn pick_rules_export(language: Language, proposed: &Path) -> Option<PathBuf> {
    speak(language);
    proposing(proposed)
        .set_title(tr("Export the rules for Prometheus"))
        .add_filter(tr("Prometheus rules"), &["yml"])
        .save_file()
}

/// Asks where to save a project; `None` when cancelled or where the desktop has no dialog. Blocks:
/// call it on a thread.
pub(super) fn pick_project(language: Language, proposed: &Path) -> Option<PathBuf> {
    speak(language);
    proposing(proposed)
        .set_title(tr("Save the project"))
        .add_filter(tr("Hindsight projects"), &[EXTENSION])
        .save_file()
}

/// Asks where to save a picture, beginning with a proposed file; `None` when cancelled or where the
/// desktop has no dialog. Blocks: call it on a thread.
pub(super) fn pick_picture(language: Language, proposed: &Path) -> Option<PathBuf> {
    speak(language);
    proposing(proposed)
        .set_title(tr("Save the chart as a picture"))
        .add_filter("PNG, SVG", &["png", "svg"])
        .save_file()
}

/// A dialog that begins with a file.
fn proposing(proposed: &Path) -> rfd::FileDialog {
    let name = proposed.file_name().map(|name| name.to_string_lossy());
    let dialog = rfd::FileDialog::new().set_file_name(name.unwrap_or_default());
    match proposed.parent() {
        Some(folder) => dialog.set_directory(folder),
        None => dialog,
    }
}
