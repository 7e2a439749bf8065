//! Fingerprints of a log's files, so that a report can name the bytes it stands on.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::{Loaded, LoadedFile};
use crate::error::{Error, Result};

/// A file as it was when it was hashed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct FileDigest {
    /// Its name without the folder.
    pub name: String,
    /// Its size on disk.
    pub bytes: u64,
    /// SHA-256 of its bytes on disk, as `sha256sum` prints it.
    pub sha256: String,
}

impl Loaded {
    /// A digest of every file on disk, an archive counting once, in reading order. Of a log that has
    /// grown since, the bytes that were read.
    ///
    /// # Errors
    /// A file that can no longer be read, or has changed since it was.
    pub fn digests(&self) -> Result<Vec<FileDigest>> {
        let mut seen: Vec<&Path> = Vec::new();
        let mut found = Vec::new();
        for LoadedFile { source, .. } in &self.files {
            if !seen.contains(&source.on_disk()) {
                seen.push(source.on_disk());
                source.check_unchanged()?;
                found.push(digest(source.on_disk(), source.state.n_bytes)?);
            }
        }
        Ok(found)
    }
}

/// Of the first bytes of a file.
pub(super) fn digest(path: &Path, n_bytes: u64) -> Result<FileDigest> {
    let unreadable = |cause: std::io::Error| Error::unreadable(path, &cause);
    let mut file = File::open(path).map_err(unreadable)?.take(n_bytes);
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    let mut bytes = 0;
    loop {
        let n = file.read(&mut buffer).map_err(unreadable)?;
        if n == 0 {
            break;
        }
        hash.update(&buffer[..n]);
        bytes += n as u64;
    }
    let mut sha256 = String::with_capacity(64);
    for byte in hash.finalize() {
        let _infallible = write!(sha256, "{byte:02x}");
    }
    Ok(FileDigest {
        name: path
            .file_name()
            .map_or_else(String::new, |name| name.to_string_lossy().into_owned()),
        bytes,
        sha256,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_that_of_sha256sum() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("abc");
        std::fs::write(&path, "abc").unwrap();
        let found = digest(&path, 3).unwrap();
        let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!((found.sha256.as_str(), found.bytes), (known, 3));
    }
}
