//! What the window keeps in a folder of its own: the logs opened last, and the unsaved state to
//! come back to after a crash. Nothing of a log's contents is in it.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::document::Document;
use crate::cli::MemoryLimit;
use crate::language::Language;
use crate::project::Project;
use crate::report::write::write_atomic;

/// Logs and projects remembered.
const MOST_RECENT: usize = 10;
/// Windows at once whose states are kept apart.
const MOST_WINDOWS: usize = 16;
/// A change is kept after this many seconds without another.
const REST_SECONDS: f64 = 2.0;

/// The window's own folder; without one nothing is kept.
#[derive(Debug, Default)]
pub struct Storage {
    folder: Option<PathBuf>,
    /// Held while this window lives, so that another can tell a crash from a running window.
    slot: Option<(File, PathBuf)>,
    /// What was opened last, the latest first.
    pub recent: Vec<PathBuf>,
    /// The language that was chosen; `None` until then.
    pub language: Option<Language>,
    /// How much memory a log may take, if that was chosen.
    pub memory: Option<MemoryLimit>,
    /// The state of a window that did not end properly.
    pub leftover: Option<Project>,
    kept: Document,
    changed: Document,
    changed_at_s: f64,
}

impl Storage {
    /// Takes a free slot of the folder, and looks for what a crash left behind.
    pub(super) fn open(folder: &Path) -> Self {
        let mut storage = Self::default();
        // Where the folder cannot be made, nothing is kept; the window works all the same.
        if std::fs::create_dir_all(folder).is_err() {
            return storage;
        }
        keep_private(folder);
        storage.recent = std::fs::read_to_string(folder.join("recent.json"))
            .ok()
            .and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or_default();
        storage.language = std::fs::read_to_string(folder.join("language"))
            .ok()
            .and_then(|tag| Language::of_tag(tag.trim()));
        storage.memory = std::fs::read_to_string(folder.join("memory"))
            .ok()
            .and_then(|text| text.parse().ok());
        for i in 0..MOST_WINDOWS {
            let lock = File::options()
                .create(true)
                .truncate(false)
                .write(true)
                .open(folder.join(format!("window-{i}.lock")));
            let Some(lock) = lock.ok().filter(|lock| lock.try_lock().is_ok()) else {
                continue;
            };
            let kept = folder.join(format!("window-{i}.hindsight"));
            storage.leftover = super::saving::read(&kept).ok().map(|(project, _)| project);
            storage.slot = Some((lock, kept));
            break;
        }
        storage.folder = Some(folder.to_path_buf());
        storage
    }

    /// Puts what was opened first in the list.
    pub(super) fn remember(&mut self, path: &Path) {
        let Some(folder) = &self.folder else { return };
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
        self.recent.retain(|known| *known != path);
        self.recent.insert(0, path);
        self.recent.truncate(MOST_RECENT);
        if let Ok(text) = serde_json::to_string_pretty(&self.recent) {
            // A list of files is not worth a message.
            write_atomic(&folder.join("recent.json"), text.as_bytes()).ok();
        }
    }

    /// Keeps the chosen language for the next start.
    pub(super) fn remember_language(&mut self, language: Language) {
        self.language = Some(language);
        if let Some(folder) = &self.folder {
            // Chosen again at the next start, where it cannot be kept.
            write_atomic(&folder.join("language"), language.tag().as_bytes()).ok();
        }
    }

    /// Keeps the chosen limit for the next start.
    pub(super) fn remember_memory(&mut self, limit: MemoryLimit) {
        self.memory = Some(limit);
        if let Some(folder) = &self.folder {
            // Chosen again at the next start, where it cannot be kept.
            write_atomic(&folder.join("memory"), limit.to_string().as_bytes()).ok();
        }
    }

    /// The file to keep the document in, once it has rested; asks for another look until then. What
    /// was only opened, or was changed back, is not worth keeping.
    pub(super) fn due(
        &mut self,
        ctx: &egui::Context,
        document: &Document,
        is_changed: bool,
    ) -> Option<PathBuf> {
        let (_, path) = self.slot.as_ref()?;
        if !is_changed {
            if self.kept != Document::default() {
                self.kept = Document::default();
                // Where there is none, nothing is to be removed.
                std::fs::remove_file(path).ok();
            }
            return None;
        }
        if document.log.is_empty() || *document == self.kept {
            return None;
        }
        let now_s = ctx.input(|input| input.time);
        if *document != self.changed {
            self.changed.clone_from(document);
            self.changed_at_s = now_s;
        }
        let rest_s = REST_SECONDS - (now_s - self.changed_at_s);
        if rest_s > 0.0 {
            ctx.request_repaint_after(std::time::Duration::from_secs_f64(rest_s));
            return None;
        }
        self.kept.clone_from(document);
        Some(path.clone())
    }

    /// A window that ends properly leaves nothing behind, unless a project has unsaved changes.
    pub(super) fn close(&mut self, is_unsaved: bool) {
        if let Some((_, path)) = self.slot.take().filter(|_| !is_unsaved) {
            // Where there is none, nothing is to be removed.
            std::fs::remove_file(path).ok();
        }
    }
}

/// Which logs were opened is nobody else's business. Where the file system knows no owners, nothing
/// can be done.
fn keep_private(folder: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700)).ok();
    }
    #[cfg(not(unix))]
    let _of_the_account = folder;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Context;

    fn keep(folder: &Path) -> Storage {
        let mut storage = Storage::open(folder);
        let document = Document {
            log: vec![PathBuf::from("/log.csv")],
            ..Document::default()
        };
        let ctx = egui::Context::default();
        assert_eq!(storage.due(&ctx, &document, false), None, "nothing changed");
        assert_eq!(
            storage.due(&ctx, &document, true),
            None,
            "it has to rest first"
        );
        storage.changed_at_s = -10.0;
        let path = storage.due(&ctx, &document, true).unwrap();
        let project = Project::new(
            document.log,
            None,
            document.settings,
            document.rulebook,
            String::new(),
            Context::default(),
        );
        write_atomic(&path, project.to_json(folder).unwrap().as_bytes()).unwrap();
        storage
    }

    #[test]
    fn a_crash_leaves_the_state_and_a_proper_end_does_not() {
        let folder = tempfile::tempdir().unwrap();
        drop(keep(folder.path())); // the lock goes with the process
        let mut storage = Storage::open(folder.path());
        assert_eq!(
            storage.leftover.as_ref().unwrap().logs,
            [Path::new("/log.csv")]
        );
        storage.close(false);
        drop(storage);
        assert!(Storage::open(folder.path()).leftover.is_none());
    }

    #[test]
    fn what_was_changed_back_is_not_brought_back() {
        let folder = tempfile::tempdir().unwrap();
        let mut storage = keep(folder.path());
        let document = storage.kept.clone();
        storage.due(&egui::Context::default(), &document, false);
        drop(storage);
        assert!(Storage::open(folder.path()).leftover.is_none());
    }

    #[test]
    fn two_windows_do_not_take_each_other_for_a_crash() {
        let folder = tempfile::tempdir().unwrap();
        let _first = keep(folder.path());
        assert!(Storage::open(folder.path()).leftover.is_none());
    }

    #[test]
    fn the_latest_is_first_and_once() {
        let folder = tempfile::tempdir().unwrap();
        let mut storage = Storage::open(folder.path());
        for name in ["/a", "/b", "/a"] {
            storage.remember(Path::new(name));
        }
        drop(storage);
        let recent = Storage::open(folder.path()).recent;
        assert_eq!(recent, [Path::new("/a"), Path::new("/b")]);
    }
}
