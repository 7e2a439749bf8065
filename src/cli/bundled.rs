//! Where the bundled sample is.

use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind, Result};
use crate::jobs::Progress;
use crate::sample;

/// The bundled canary rollout: in `sample-data` of the working folder, of the program's folder or
/// of the source tree; otherwise generated once into the user's cache, from the same seed.
pub fn sample_log(progress: &Progress) -> Result<PathBuf> {
    find(sample::ROLLOUT_PARQUET).map_or_else(|| generate(sample::ROLLOUT_PARQUET, progress), Ok)
}

/// The bundled A/A log, found or made like [`sample_log`].
pub fn aa_log(progress: &Progress) -> Result<PathBuf> {
    find(sample::AA_CSV).map_or_else(|| generate(sample::AA_CSV, progress), Ok)
}

fn find(name: &str) -> Option<PathBuf> {
    let beside_program = std::env::current_exe()
        .ok()
        .and_then(|exe| exe.parent().map(Path::to_path_buf));
    let source_tree = Some(PathBuf::from(env!("CARGO_MANIFEST_DIR")));
    let folders = [Some(PathBuf::from(".")), beside_program, source_tree];
    folders
        .into_iter()
        .flatten()
        .map(|folder| folder.join("sample-data").join(name))
        .find(|path| path.is_file())
}

fn generate(name: &str, progress: &Progress) -> Result<PathBuf> {
    let home = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("LOCALAPPDATA").map(PathBuf::from))
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")));
    let Some(home) = home else {
        return Err(
            Error::new(ErrorKind::Unreadable, "The bundled sample was not found")
                .hint("Run `hindsight sample FOLDER` and open the file that it writes"),
        );
    };
    let folder = home.join("hindsight").join("sample-data");
    let path = folder.join(name);
    if !path.is_file() {
        sample::write(&folder, sample::SAMPLE_SEED, progress)?;
    }
    Ok(path)
}
