//! What a file is, told from its bytes rather than its name.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use serde::Serialize;

pub use super::container::Compression;
use super::container::{Member, decompressed, members, stored_bytes};
pub use super::encoding::Encoding;
use super::encoding::{Decoded, Told, tell};
use super::on_disk::State;
use super::other_formats;
use super::sniff::text_format;
use crate::error::{Error, ErrorKind, Result};

/// How much of the decompressed file decides its format.
const HEAD_BYTES: u64 = 64 * 1024;
/// How much of it where a single line is longer than that.
const LONG_HEAD_BYTES: u64 = 8 << 20;
/// Between decompressed bytes and whoever reads them.
const BUFFER_BYTES: usize = 1 << 18;

/// A file, or a member of a zip archive, that can be read as a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Source {
    /// Where it is; a member follows its archive: `export.zip/2026-03-02.json.gz`.
    pub path: PathBuf,
    /// Its size on disk.
    pub bytes: u64,
    /// Around the whole file.
    pub compression: Compression,
    /// Of the text inside; UTF-8 for Parquet.
    pub encoding: Encoding,
    /// Inside the compression.
    pub format: Format,
    /// The file or archive on disk.
    #[serde(skip)]
    on_disk: PathBuf,
    /// What it was when it was opened.
    #[serde(skip)]
    pub(super) state: State,
    #[serde(skip)]
    member: Option<Member>,
}

/// The form of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// Delimited text with a header line.
    Csv {
        /// Between the fields, ASCII.
        delimiter: char,
        /// Before the column names: comments, a title, `sep=;`.
        lines_before: u8,
    },
    /// JSON objects: one a line, in a list, or over several lines.
    JsonLines,
    /// One JSON object with a list of objects in it: `{"data": [{…}, …]}`.
    JsonWrapped,
    /// Apache Parquet.
    Parquet,
}

impl Source {
    /// The tables in a file: one, or one per member of a zip archive, in the order of their names.
    /// Text that does not tell its encoding is taken as `encoding`.
    pub(super) fn open(path: &Path, encoding: Option<Encoding>) -> Result<Vec<Part>> {
        let state = State::of(path)?;
        let magic = first_bytes(path, None)?;
        if magic.is_empty() {
            return Err(Error::new(ErrorKind::NotARequestLog, "The file is empty")
                .at(path)
                .hint("Export the log again, or check that the export has finished"));
        }
        // An archive without members has only its end.
        if !magic.starts_with(b"PK\x03\x04") && !magic.starts_with(b"PK\x05\x06") {
            let source = Self::told(path, None, (state, &magic), encoding)?;
            return Ok(vec![Part {
                path: source.path.clone(),
                source: Ok(source),
            }]);
        }
        let part = |member: Member| {
            let inside = path.join(&member.name);
            let source = first_bytes(path, Some(&member))
                .and_then(|magic| Self::told(path, Some(member), (state, &magic), encoding));
            Part {
                path: inside,
                source,
            }
        };
        let members = members(path)?;
        let mut names = members.iter().map(|member| member.name.as_str());
        if let Some(refusal) = other_formats::of_members(&mut names) {
            return Err(refusal.at(path));
        }
        let parts: Vec<Part> = members.into_iter().map(part).collect();
        if parts.is_empty() {
            return Err(
                Error::new(ErrorKind::NotARequestLog, "The archive holds no files")
                    .at(path)
                    .hint("Export the log again, or check that the export has finished"),
            );
        }
        Ok(parts)
    }

    /// The decompressed and decoded bytes of a text format; `read_bytes` counts what was taken
    /// from disk.
    pub fn reader(&self, read_bytes: Arc<AtomicU64>) -> Result<Box<dyn BufRead + Send>> {
        let bytes = self.decompressed(read_bytes)?;
        Ok(if self.encoding == Encoding::UTF_8 {
            Box::new(BufReader::with_capacity(BUFFER_BYTES, bytes))
        } else {
            let decoded = Decoded::new(bytes, self.encoding);
            Box::new(BufReader::with_capacity(BUFFER_BYTES, decoded))
        })
    }

    /// The file or archive on disk.
    pub fn on_disk(&self) -> &Path {
        &self.on_disk
    }

    /// Whether the file's bytes on disk are the text itself: neither compressed, nor packed, nor in
    /// another encoding than UTF-8.
    pub fn is_plain(&self) -> bool {
        self.member.is_none()
            && self.compression == Compression::None
            && self.encoding == Encoding::UTF_8
    }

    /// As shown to people: "CSV (;), gzip".
    pub fn description(&self) -> String {
        let mut text = match self.format {
            Format::Csv {
                delimiter: '\t', ..
            } => "CSV (tab)".to_owned(),
            Format::Csv { delimiter, .. } => format!("CSV ({delimiter})"),
            Format::JsonLines => "JSON".to_owned(),
            Format::JsonWrapped => "JSON (list inside an object)".to_owned(),
            Format::Parquet => "Parquet".to_owned(),
        };
        if self.encoding != Encoding::UTF_8 {
            text.extend([", ", self.encoding.name()]);
        }
        text.push_str(match self.compression {
            Compression::None => "",
            Compression::Gzip => ", gzip",
            Compression::Zstd => ", zstd",
            Compression::Bzip2 => ", bzip2",
        });
        if self.member.is_some() {
            text.push_str(", zip");
        }
        text
    }

    fn told(
        path: &Path,
        member: Option<Member>,
        (state, magic): (State, &[u8]),
        encoding: Option<Encoding>,
    ) -> Result<Self> {
        let n_compressed = member.as_ref().map(|member| member.n_compressed);
        let shown = member.as_ref().map(|member| path.join(&member.name));
        let mut source = Self {
            path: shown.unwrap_or_else(|| path.to_path_buf()),
            bytes: n_compressed.unwrap_or(state.n_bytes),
            compression: Compression::of(magic),
            encoding: Encoding::UTF_8,
            format: Format::Parquet,
            on_disk: path.to_path_buf(),
            state,
            member,
        };
        if magic.starts_with(b"PAR1") {
            if source.member.is_some() {
                return Err(source.unsupported(
                    "a Parquet file in an archive",
                    "Unpack the archive and open the files inside; Parquet compresses by itself",
                ));
            }
            return Ok(source);
        }
        let mut head = source.head(HEAD_BYTES)?;
        if head.len() as u64 == HEAD_BYTES && !head.contains(&b'\n') {
            head = source.head(LONG_HEAD_BYTES)?;
        }
        source.encoding = source.encoding_of(&head, encoding)?;
        let mut text = Vec::new();
        Decoded::new(head.as_slice(), source.encoding)
            .read_to_end(&mut text)
            .map_err(|cause| Error::unreadable(path, &cause))?;
        let is_whole = (head.len() as u64) < HEAD_BYTES;
        let format = text_format(&String::from_utf8_lossy(&text), is_whole);
        source.format = format.map_err(|error| error.at(&source.path))?;
        Ok(source)
    }

    fn encoding_of(&self, head: &[u8], given: Option<Encoding>) -> Result<Encoding> {
        let is = |magic: &[u8]| head.starts_with(magic);
        if is(b"PAR1") || is(b"PK\x03\x04") || head.get(257..262) == Some(b"ustar") {
            return Err(self.unsupported(
                "a Parquet file or an archive inside another container",
                "Unpack it and open the files inside",
            ));
        }
        match tell(head) {
            // A byte order mark says more than whoever chose the encoding.
            Told::Certain(told) if told.is_utf_16() => Ok(told),
            Told::Binary => Err(other_formats::refusal(head).at(&self.path)),
            told => match (given, told) {
                (Some(given), _) => Ok(given),
                (None, Told::Certain(told)) => Ok(told),
                _ => Err(Error::new(
                    ErrorKind::Malformed,
                    "The text is not UTF-8, and its encoding cannot be told for certain",
                )
                .at(&self.path)
                .hint("Name it, for example --encoding gb18030, big5, euc-kr or shift_jis; --encoding utf-8 reads it with \u{fffd} for what is not UTF-8")),
            },
        }
    }

    /// What is longer is no record but the rest of a file after a stray quote or bracket.
    pub(super) const LONGEST_RECORD: usize = 1 << 28;

    /// For a record longer than that, before it fills the memory.
    pub(super) fn endless(&self) -> Error {
        Error::new(ErrorKind::Malformed, "A record is longer than 256 MB")
            .at(&self.path)
            .hint("A quote or bracket is probably never closed; find it near the last row that other programs read")
    }

    /// The first decompressed bytes.
    fn head(&self, n_bytes: u64) -> Result<Vec<u8>> {
        let mut head = Vec::new();
        self.decompressed(Arc::default())?
            .take(n_bytes)
            .read_to_end(&mut head)
            .map_err(|cause| {
                Error::new(
                    ErrorKind::Malformed,
                    format!("The compressed data are damaged: {cause}"),
                )
                .at(&self.path)
                .hint("Download or export the file again")
            })?;
        Ok(head)
    }

    fn decompressed(&self, read_bytes: Arc<AtomicU64>) -> Result<Box<dyn Read + Send>> {
        let bytes = stored_bytes(&self.on_disk, self.member.as_ref(), read_bytes);
        // What is added to a log meanwhile is not read: both passes see the same rows.
        let bounded = |bytes: Box<dyn Read + Send>| -> Box<dyn Read + Send> {
            if self.member.is_some() {
                bytes
            } else {
                Box::new(bytes.take(self.state.n_bytes))
            }
        };
        bytes
            .map(bounded)
            .and_then(|bytes| decompressed(bytes, self.compression, self.bytes))
            .map_err(|cause| Error::unreadable(&self.path, &cause))
    }

    fn unsupported(&self, what: &str, hint: &str) -> Error {
        Error::new(
            ErrorKind::Malformed,
            format!("This is {what}, which Hindsight does not open"),
        )
        .at(&self.path)
        .hint(hint)
    }
}

/// One table of a file, or why it is none.
pub(super) struct Part {
    pub(super) path: PathBuf,
    pub(super) source: Result<Source>,
}

/// The first bytes as stored, enough for a compression's or format's mark.
fn first_bytes(path: &Path, member: Option<&Member>) -> Result<Vec<u8>> {
    let mut magic = Vec::new();
    stored_bytes(path, member, Arc::default())
        .and_then(|bytes| bytes.take(8).read_to_end(&mut magic))
        .map_err(|cause| Error::unreadable(path, &cause))?;
    Ok(magic)
}
