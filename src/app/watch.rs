//! Notices that the files of the log, or of the tables beside it, changed since they were read.
//! What is on screen stays until the user asks for the files anew.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::error::Result;
use crate::ingest::{self, LoadRequest};
use crate::jobs::Progress;
use crate::units;

/// Between two looks.
const EVERY: Duration = Duration::from_secs(2);
/// How soon a watch that nobody needs any more ends.
const STEP: Duration = Duration::from_millis(100);

/// The files that a request names, by size and time of the last change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Snapshot(BTreeMap<PathBuf, (u64, Option<SystemTime>)>);

/// What happened to the files since they were read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// In words.
    pub text: String,
    /// Whether there is something to read anew.
    pub can_reload: bool,
    now: Snapshot,
}

/// What is watched: the request, the files as they were read, and as the user last heard of them.
#[derive(Debug, Clone)]
pub(super) struct Watch {
    pub(super) request: LoadRequest,
    pub(super) read: Snapshot,
    told: Snapshot,
}

impl Snapshot {
    /// The files as they are now; those that are gone are missing.
    pub(super) fn of(request: &LoadRequest) -> Self {
        let of_mapping = request.mapping.iter().flat_map(|m| &m.side);
        let tables = of_mapping.chain(&request.added.side).map(|side| &side.file);
        let named: Vec<PathBuf> = request.paths.iter().chain(tables).cloned().collect();
        let state = |path: PathBuf| {
            let meta = std::fs::metadata(&path).ok()?;
            Some((path, (meta.len(), meta.modified().ok())))
        };
        Self(
            ingest::files_behind(&named)
                .into_iter()
                .filter_map(state)
                .collect(),
        )
    }
}

impl Watch {
    pub(super) fn new(request: LoadRequest, read: Snapshot) -> Self {
        Self {
            told: read.clone(),
            request,
            read,
        }
    }

    /// The same from the moment at which a change was told, or was not minded.
    pub(super) fn after(mut self, change: &Change, is_minded: bool) -> Self {
        self.told.clone_from(&change.now);
        if !is_minded {
            self.read.clone_from(&change.now);
        }
        self
    }

    /// Waits for the next change.
    pub(super) fn wait(&self, progress: &Progress) -> Result<Change> {
        loop {
            for _ in 0..EVERY.as_millis() / STEP.as_millis() {
                std::thread::sleep(STEP);
                progress.check()?;
            }
            let now = Snapshot::of(&self.request);
            if now != self.told {
                return Ok(self.change(now));
            }
        }
    }

    fn change(&self, now: Snapshot) -> Change {
        let (before, after) = (&self.read.0, &now.0);
        let gone: Vec<&PathBuf> = before.keys().filter(|p| !after.contains_key(*p)).collect();
        let new: Vec<&PathBuf> = after.keys().filter(|p| !before.contains_key(*p)).collect();
        let other: Vec<&PathBuf> = before
            .iter()
            .filter(|(path, state)| after.get(*path).is_some_and(|now| now != *state))
            .map(|(path, _)| path)
            .collect();
        let mut parts = Vec::new();
        if let [path] = other.as_slice() {
            let (then, now) = (before[*path].0, after[*path].0);
            let grown = now.checked_sub(then).filter(|n| *n > 0);
            parts.push(match grown {
                Some(n) => format!("{} has grown by {}", name(path), bytes(n)),
                None => format!("{} has changed", name(path)),
            });
        } else if !other.is_empty() {
            parts.push(format!("{} files have changed", other.len()));
        }
        match new.as_slice() {
            [] => {}
            [path] => parts.push(format!("{} is new", name(path))),
            all => parts.push(format!("{} files are new", all.len())),
        }
        match gone.as_slice() {
            [] => {}
            [path] => parts.push(format!("{} is gone", name(path))),
            all => parts.push(format!("{} files are gone", all.len())),
        }
        let is_back = parts.is_empty();
        let text = if is_back {
            String::new()
        } else {
            format!("Since the log was read: {}", parts.join(", "))
        };
        Change {
            text,
            can_reload: !after.is_empty(),
            now,
        }
    }
}

impl Change {
    /// Whether the files are again as they were read.
    pub(super) fn is_undone(&self) -> bool {
        self.text.is_empty()
    }
}

fn bytes(n: u64) -> String {
    match n {
        1 => "1 byte".to_owned(),
        n => format!("{} bytes", units::count(n)),
    }
}

fn name(path: &Path) -> String {
    let name = path.file_name();
    name.map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happened_to_the_files_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let write = |name: &str, text: &str| std::fs::write(path(name), text).unwrap();
        write("a.csv", "x");
        write("b.csv", "x");
        let request = LoadRequest::of(folder.path());
        let watch = Watch::new(request.clone(), Snapshot::of(&request));
        let now = || watch.change(Snapshot::of(&request)).text;
        assert_eq!(now(), "");
        write("a.csv", "x, and 1");
        assert_eq!(now(), "Since the log was read: a.csv has grown by 7 bytes");
        write("a.csv", "");
        write("c.csv", "x");
        let both = "Since the log was read: a.csv has changed, c.csv is new";
        assert_eq!(now(), both);
        std::fs::remove_file(path("b.csv")).unwrap();
        assert_eq!(now(), format!("{both}, b.csv is gone"));
    }

    #[test]
    fn a_change_that_was_told_is_told_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        std::fs::write(&path, "x").unwrap();
        let request = LoadRequest::of(&path);
        let watch = Watch::new(request.clone(), Snapshot::of(&request));
        std::fs::write(&path, "xy").unwrap();
        let change = watch.wait(&Progress::unwatched()).unwrap();
        assert!(change.can_reload && !change.is_undone());
        let minded = watch.clone().after(&change, true);
        assert_eq!(minded.told, Snapshot::of(&request));
        std::fs::write(&path, "xyz").unwrap();
        let text = minded.change(Snapshot::of(&request)).text;
        assert!(text.ends_with("grown by 2 bytes"), "{text}");
        let unminded = watch.after(&change, false);
        let text = unminded.change(Snapshot::of(&request)).text;
        assert!(text.ends_with("grown by 1 byte"), "{text}");
    }
}
