//! The bytes of a log as they lie on disk: plain, compressed, or in a zip archive whose members
//! may be compressed again. What decompresses beyond all bounds is refused.

use std::fs::File;
use std::io::{BufReader, Read, Seek as _, SeekFrom, Take};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

use crate::error::{Error, ErrorKind, Result};
use crate::units;

/// What a file may always decompress to.
const ALWAYS_ALLOWED: u64 = 1 << 28;
/// Beyond that, how many times its size: logs with long repeated prompts stay below 200.
const MAX_RATIO: u64 = 1000;

/// Compression of a whole file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Compression {
    /// Plain bytes.
    None,
    /// `.gz`.
    Gzip,
    /// `.zst`.
    Zstd,
    /// `.bz2`.
    Bzip2,
}

impl Compression {
    /// What the first bytes say.
    pub(super) fn of(magic: &[u8]) -> Self {
        match magic {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, 0x59, 0x26, ..] => Self::Bzip2,
            _ => Self::None,
        }
    }
}

/// Where a member lies in its zip archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) name: String,
    start: u64,
    pub(super) n_compressed: u64,
    crc32: u32,
    is_deflated: bool,
}

/// The members of a zip archive that can hold data, by name. What macOS and editors leave behind is
/// skipped.
pub(super) fn members(path: &Path) -> Result<Vec<Member>> {
    let damaged = |cause: zip::result::ZipError| {
        Error::new(
            ErrorKind::Malformed,
            format!("The zip archive cannot be read: {cause}"),
        )
        .at(path)
        .hint("It may be cut off or damaged; export or download it again")
    };
    let file = File::open(path).map_err(|cause| Error::unreadable(path, &cause))?;
    let mut archive = zip::ZipArchive::new(BufReader::new(file)).map_err(damaged)?;
    let mut found = Vec::new();
    for i in 0..archive.len() {
        let entry = archive.by_index_raw(i).map_err(damaged)?;
        let name = entry.name().map_err(damaged)?.into_owned();
        let is_hidden = name
            .split('/')
            .any(|part| part.starts_with('.') || part == "__MACOSX");
        if !entry.is_file() || is_hidden || entry.size() == 0 {
            continue;
        }
        let refused = |what: &str| {
            Error::new(
                ErrorKind::Malformed,
                format!("{name} in the archive is {what}, which Hindsight does not open"),
            )
            .at(path)
            .hint("Unpack the archive and open the files inside")
        };
        if entry.encrypted() {
            return Err(refused("encrypted"));
        }
        let is_deflated = match entry.compression() {
            zip::CompressionMethod::Stored => false,
            zip::CompressionMethod::Deflated => true,
            other => return Err(refused(&format!("compressed as {other}"))),
        };
        let Some(start) = entry.data_start() else {
            return Err(refused("without data"));
        };
        found.push(Member {
            start,
            n_compressed: entry.compressed_size(),
            crc32: entry.crc32(),
            is_deflated,
            name,
        });
    }
    if archive.has_overlapping_files().map_err(damaged)? {
        return Err(
            Error::new(ErrorKind::Malformed, "Files in the archive overlap")
                .at(path)
                .hint("Such archives are made to fill memory; unpack it with care if you trust it"),
        );
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

/// The bytes of a file or of a member of an archive; `read_bytes` counts what was taken from disk.
pub(super) fn stored_bytes(
    path: &Path,
    member: Option<&Member>,
    read_bytes: Arc<AtomicU64>,
) -> std::io::Result<Box<dyn Read + Send>> {
    let mut file = File::open(path)?;
    let Some(member) = member else {
        return Ok(Box::new(Counted {
            inner: file,
            read_bytes,
        }));
    };
    file.seek(SeekFrom::Start(member.start))?;
    let inner = Counted {
        inner: file,
        read_bytes,
    };
    let bytes: Take<_> = inner.take(member.n_compressed);
    let inflated: Box<dyn Read + Send> = if member.is_deflated {
        Box::new(flate2::read::DeflateDecoder::new(bytes))
    } else {
        Box::new(bytes)
    };
    Ok(Box::new(Checked {
        inner: flate2::CrcReader::new(inflated),
        crc32: member.crc32,
    }))
}

/// Undoes a compression, within bounds that follow from the size on disk.
pub(super) fn decompressed(
    bytes: Box<dyn Read + Send>,
    compression: Compression,
    n_on_disk: u64,
) -> std::io::Result<Box<dyn Read + Send>> {
    let inner: Box<dyn Read + Send> = match compression {
        Compression::None => bytes,
        Compression::Gzip => Box::new(flate2::read::MultiGzDecoder::new(bytes)),
        Compression::Zstd => Box::new(zstd::Decoder::new(bytes)?),
        Compression::Bzip2 => Box::new(bzip2::read::MultiBzDecoder::new(bytes)),
    };
    Ok(Box::new(Bounded {
        inner,
        left: ALWAYS_ALLOWED.max(n_on_disk.saturating_mul(MAX_RATIO)),
    }))
}

/// Counts bytes as they are read.
struct Counted<R> {
    inner: R,
    read_bytes: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.read_bytes.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

/// Compares the checksum at the end, as an archiver does.
struct Checked<R> {
    inner: flate2::CrcReader<R>,
    crc32: u32,
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let n = self.inner.read(buffer)?;
        if n == 0 && !buffer.is_empty() && self.inner.crc().sum() != self.crc32 {
            return Err(std::io::Error::other("its checksum in the archive differs"));
        }
        Ok(n)
    }
}

/// Stops where a few bytes would fill the memory.
struct Bounded<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.left = self.left.checked_sub(n as u64).ok_or_else(|| {
            std::io::Error::other(format!(
                "it decompresses to more than {} times its size; unpack it yourself if you trust it",
                units::count(MAX_RATIO)
            ))
        })?;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bomb_is_stopped_and_a_plain_log_is_not() {
        let zeroes = || Box::new(std::io::repeat(b'0').take(ALWAYS_ALLOWED + (1 << 20)));
        let mut bomb = decompressed(zeroes(), Compression::None, 300).unwrap();
        let error = std::io::copy(&mut bomb, &mut std::io::sink()).unwrap_err();
        assert!(error.to_string().contains("1,000 times"), "{error}");
        let mut log = decompressed(zeroes(), Compression::None, 1 << 20).unwrap();
        let n = std::io::copy(&mut log, &mut std::io::sink()).unwrap();
        assert_eq!(n, ALWAYS_ALLOWED + (1 << 20));
    }
}
