//! Files that are either written whole or not at all.

use std::fs;
use std::io::{self, ErrorKind as Io, Write};
use std::path::Path;

use crate::error::{Error, ErrorKind, Result};

/// Writes `bytes` to `path` through a temporary file in the same folder, so that a reader sees the
/// old file or the new one. A symbolic link keeps pointing to its file; what is no regular file,
/// such as `/dev/stdout`, is written to directly.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<()> {
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let written = match fs::metadata(&target) {
        Ok(found) if found.is_dir() => Err(io::Error::from(Io::IsADirectory)),
        Ok(found) if !found.is_file() => fs::OpenOptions::new()
            .write(true)
            .open(path)
            .and_then(|mut file| file.write_all(bytes)),
        _ => replace(&target, bytes),
    };
    written.map_err(|cause| unwritable(path, &cause))
}

fn replace(target: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".hindsight-");
    // Who may read the old file may read the new one, and nobody else.
    let old = fs::metadata(target).ok().map(|found| found.permissions());
    #[cfg(unix)]
    if old.is_none() {
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666)); // less the umask
    }
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(bytes)?;
    if let Some(old) = old {
        file.as_file().set_permissions(old)?;
    }
    file.as_file().sync_all()?;
    file.persist(target).map_err(|failed| failed.error)?;
    #[cfg(unix)]
    fs::File::open(folder)?.sync_all()?; // so that the rename survives a crash
    Ok(())
}

/// Why `path` could not be written, and what to do.
pub fn unwritable(path: &Path, cause: &io::Error) -> Error {
    let (message, hint) = match cause.kind() {
        Io::NotFound | Io::NotADirectory => (
            "The folder does not exist",
            "Create it first, or choose another folder",
        ),
        Io::PermissionDenied | Io::ReadOnlyFilesystem => (
            "The folder cannot be written to",
            "Choose a folder of your own, such as your home folder",
        ),
        Io::StorageFull | Io::QuotaExceeded => (
            "The disk is full",
            "Free some space, or choose another disk; the old file, if any, is unchanged",
        ),
        Io::IsADirectory => ("This is a folder", "Add a file name to it"),
        Io::InvalidFilename => (
            "The file name is not allowed here",
            "Choose a shorter or simpler name",
        ),
        _ => {
            return Error::new(
                ErrorKind::Unwritable,
                format!("The file could not be written ({cause})"),
            )
            .at(path)
            .hint("Try another folder; the old file, if any, is unchanged");
        }
    };
    Error::new(ErrorKind::Unwritable, message)
        .at(path)
        .hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_a_file_and_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.html");
        write_atomic(&path, b"first").unwrap();
        write_atomic(&path, b"second").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"second");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn failures_say_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("none/report.html");
        for (path, message) in [
            (missing.as_path(), "The folder does not exist"),
            (folder.path(), "This is a folder"),
        ] {
            let error = write_atomic(path, b"x").unwrap_err();
            assert_eq!(error.kind, ErrorKind::Unwritable);
            assert_eq!(error.message, message);
            assert!(!error.hint.is_empty());
            assert_eq!(error.place.path.as_deref(), Some(path));
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_private_file_stays_private() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.html");
        fs::write(&path, b"old").unwrap();
        for mode in [0o600, 0o640, 0o644] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            write_atomic(&path, b"new").unwrap();
            let found = fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(found & 0o777, mode);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_keeps_pointing_to_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real"), folder.path().join("link"));
        fs::write(&real, b"old").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        write_atomic(&link, b"new").unwrap();
        assert_eq!(fs::read(&real).unwrap(), b"new");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    }
}
