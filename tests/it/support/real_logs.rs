//! Logs of others that are too large or not ours to bundle: tests that need them skip without them.

use std::path::{Path, PathBuf};

use hindsight::analysis::{Analysis, AnalysisSettings, analyze};
use hindsight::data::{Filter, RequestLog};
use hindsight::ingest::{LoadRequest, Loaded, Mapping, load};
use hindsight::jobs::Progress;

/// A file or folder beside the repository; prints a notice where it is not there.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let found = ["../shared", "../../shared"]
        .into_iter()
        .map(|folder| root.join(folder).join(name))
        .find(|path| path.exists());
    if found.is_none() {
        println!("skipped: shared/{name} is not here");
    }
    found
}

/// A real log as guessed.
pub(crate) fn read(name: &str) -> Option<Loaded> {
    find(&format!("data/{name}")).map(|path| read_as(&path, None))
}

/// A log with a mapping or as guessed.
pub(crate) fn read_as(path: &Path, mapping: Option<Mapping>) -> Loaded {
    let request = LoadRequest {
        paths: vec![path.to_path_buf()],
        mapping,
        ..LoadRequest::default()
    };
    load(&request, &Progress::unwatched()).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The analysis of a log with named arms; empty names leave the choice to the log.
pub(crate) fn compare(log: &RequestLog, control: &str, treatment: &str) -> Analysis {
    compare_within(log, control, treatment, Filter::default())
}

/// [`compare`] on a selection of rows.
pub(crate) fn compare_within(
    log: &RequestLog,
    control: &str,
    treatment: &str,
    filter: Filter,
) -> Analysis {
    let named = |name: &str| (!name.is_empty()).then(|| name.to_owned());
    let settings = AnalysisSettings {
        control: named(control),
        treatment: named(treatment),
        filter,
        ..AnalysisSettings::default()
    };
    analyze(log, &settings, &Progress::unwatched()).unwrap()
}
