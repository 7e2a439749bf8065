//! Files from the desktop: the dialog, and files dropped on the window.

use std::path::PathBuf;

use super::command::{Command, Commands};

/// Asks for a log; `None` when cancelled or where the desktop has no dialog. Blocks: call it on a
/// thread.
pub(super) fn pick_log() -> Option<PathBuf> {
    rfd::FileDialog::new()
        .set_title("Open a request log")
        .add_filter(
            "Request logs",
            &[
                "csv", "tsv", "txt", "log", "json", "jsonl", "ndjson", "parquet", "gz", "zst",
            ],
        )
        .add_filter("All files", &["*"])
        .pick_file()
}

/// Opens the first file that was dropped on the window.
pub(super) fn take_dropped_files(ctx: &egui::Context, commands: &mut Commands) {
    let path = ctx.input(|input| {
        input
            .raw
            .dropped_files
            .first()
            .map(|file| file.path().to_path_buf())
    });
    if let Some(path) = path.filter(|path| !path.as_os_str().is_empty()) {
        commands.push(Command::OpenLog {
            path,
            mapping: None,
        });
    }
}
