//! The file dialog of the desktop.

use std::path::PathBuf;

/// Asks for the files of a log; none when cancelled or where the desktop has no dialog. Blocks:
/// call it on a thread.
pub(super) fn pick_logs() -> Vec<PathBuf> {
    rfd::FileDialog::new()
        .set_title("Open a request log: one file, or several as one log")
        .add_filter(
            "Request logs",
            &[
                "csv", "tsv", "txt", "log", "json", "jsonl", "ndjson", "parquet", "gz", "zst",
            ],
        )
        .add_filter("All files", &["*"])
        .pick_files()
        .unwrap_or_default()
}
