//! What a file is, told from its bytes rather than its name.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

use crate::error::{Error, ErrorKind, Result};

/// How much of the decompressed file decides its format.
const HEAD_BYTES: u64 = 64 * 1024;

/// A file that can be read as a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Source {
    /// Where it is.
    pub path: PathBuf,
    /// Its size on disk.
    pub bytes: u64,
    /// Around the whole file.
    pub compression: Compression,
    /// Inside the compression.
    pub format: Format,
}

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
}

/// The form of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// Delimited text with a header line.
    Csv {
        /// Between the fields, ASCII.
        delimiter: char,
    },
    /// JSON objects: one a line, in a list, or over several lines.
    JsonLines,
    /// Apache Parquet.
    Parquet,
}

impl Source {
    /// Looks at the first bytes of a file.
    pub fn open(path: &Path) -> Result<Self> {
        let unreadable = |cause: std::io::Error| Error::unreadable(path, &cause);
        let meta = std::fs::metadata(path).map_err(unreadable)?;
        let mut magic = Vec::new();
        File::open(path)
            .and_then(|f| f.take(8).read_to_end(&mut magic))
            .map_err(unreadable)?;
        if magic.is_empty() {
            return Err(Error::new(ErrorKind::NotARequestLog, "The file is empty")
                .at(path)
                .hint("Export the log again, or check that the export has finished"));
        }
        let compression = match magic.as_slice() {
            [0x1f, 0x8b, ..] => Compression::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Compression::Zstd,
            _ => Compression::None,
        };
        let mut source = Self {
            path: path.to_path_buf(),
            bytes: meta.len(),
            compression,
            format: Format::Parquet,
        };
        source.format = match magic.as_slice() {
            [b'P', b'A', b'R', b'1', ..] => Format::Parquet,
            [b'P', b'K', 3, 4, ..] => {
                return Err(unsupported(
                    path,
                    "a zip archive",
                    "Unpack it and open the file inside",
                ));
            }
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => {
                return Err(unsupported(
                    path,
                    "UTF-16 text",
                    "Save it again as UTF-8 (in Excel: \"CSV UTF-8\")",
                ));
            }
            _ => source.text_format()?,
        };
        Ok(source)
    }

    /// The decompressed bytes of a text format; `read_bytes` counts what was taken from disk.
    pub fn reader(&self, read_bytes: Arc<AtomicU64>) -> Result<Box<dyn BufRead + Send>> {
        let file = File::open(&self.path).map_err(|cause| Error::unreadable(&self.path, &cause))?;
        let counted = Counted { file, read_bytes };
        Ok(match self.compression {
            Compression::None => Box::new(BufReader::with_capacity(1 << 18, counted)),
            Compression::Gzip => {
                let decoder = flate2::bufread::MultiGzDecoder::new(BufReader::with_capacity(
                    1 << 18,
                    counted,
                ));
                Box::new(BufReader::with_capacity(1 << 18, decoder))
            }
            Compression::Zstd => {
                let decoder = zstd::Decoder::new(counted)
                    .map_err(|cause| Error::unreadable(&self.path, &cause))?;
                Box::new(BufReader::with_capacity(1 << 18, decoder))
            }
        })
    }

    /// As shown to people: "CSV (;), gzip".
    pub fn description(&self) -> String {
        let format = match self.format {
            Format::Csv { delimiter: '\t' } => "CSV (tab)".to_owned(),
            Format::Csv { delimiter } => format!("CSV ({delimiter})"),
            Format::JsonLines => "JSON".to_owned(),
            Format::Parquet => "Parquet".to_owned(),
        };
        match self.compression {
            Compression::None => format,
            Compression::Gzip => format + ", gzip",
            Compression::Zstd => format + ", zstd",
        }
    }

    fn text_format(&self) -> Result<Format> {
        let mut head = Vec::new();
        self.reader(Arc::default())?
            .take(HEAD_BYTES)
            .read_to_end(&mut head)
            .map_err(|cause| {
                Error::new(
                    ErrorKind::Malformed,
                    format!("The compressed data are damaged: {cause}"),
                )
                .at(&self.path)
                .hint("Download or export the file again")
            })?;
        if head.starts_with(b"PAR1") {
            return Err(unsupported(
                &self.path,
                "a compressed Parquet file",
                "Decompress it first; Parquet compresses inside",
            ));
        }
        if head.contains(&0) {
            return Err(unsupported(
                &self.path,
                "binary data",
                "Export the log as CSV, JSON lines or Parquet",
            ));
        }
        let text = String::from_utf8_lossy(&head);
        let text = text.trim_start_matches('\u{feff}').trim_start();
        if text.is_empty() {
            return Err(
                Error::new(ErrorKind::NotARequestLog, "The file holds only blank lines")
                    .at(&self.path)
                    .hint("Export the log again, or check that the export has finished"),
            );
        }
        if let Some(inside) = text.strip_prefix('[').map(str::trim_start)
            && (inside.is_empty() || inside.starts_with('{'))
        {
            return Ok(Format::JsonLines);
        }
        if text.starts_with('{') {
            return Ok(Format::JsonLines);
        }
        self.delimited(text)
    }

    fn delimited(&self, text: &str) -> Result<Format> {
        if is_access_log(text) {
            return Err(Error::new(
                ErrorKind::NotARequestLog,
                "This is a web server's access log without column names",
            )
            .at(&self.path)
            .hint("Hindsight needs a table with a header: log JSON lines (NGINX log_format escape=json) or convert it to CSV with columns for time, variant, status and latency"));
        }
        let complete = text.rfind('\n').map_or(text, |end| &text[..end]);
        let widths = |delimiter: char| -> Vec<usize> {
            csv::ReaderBuilder::new()
                .delimiter(delimiter as u8)
                .has_headers(false)
                .flexible(true)
                .from_reader(complete.as_bytes())
                .byte_records()
                .filter_map(|record| record.ok().map(|r| r.len()))
                .take(200)
                .collect()
        };
        let score = |delimiter: char| {
            let widths = widths(delimiter);
            let first = widths.first().copied().unwrap_or(0);
            let agreeing = widths.iter().filter(|w| **w == first).count();
            if first < 2 {
                0.0
            } else {
                agreeing as f64 / widths.len() as f64 * (1.0 + first as f64).ln()
            }
        };
        let best = [',', ';', '\t', '|']
            .into_iter()
            .map(|d| (score(d), d))
            .max_by(|a, b| a.0.total_cmp(&b.0));
        match best {
            Some((score, delimiter)) if score > 0.0 => Ok(Format::Csv { delimiter }),
            _ => Err(Error::new(ErrorKind::NotARequestLog, "This text has no columns")
                .at(&self.path)
                .hint("Hindsight reads CSV with a header line (comma, semicolon, tab or |), JSON lines and Parquet")),
        }
    }
}

/// Common and combined log format: `1.2.3.4 - - [17/May/2015:10:05:03 +0000] "GET …`.
fn is_access_log(text: &str) -> bool {
    let lines: Vec<&str> = text.lines().take(5).collect();
    let looks =
        |line: &&str| line.contains(" [") && line.contains("] \"") && !line.starts_with('"');
    !lines.is_empty() && lines.iter().all(looks)
}

fn unsupported(path: &Path, what: &str, hint: &str) -> Error {
    Error::new(
        ErrorKind::Malformed,
        format!("This is {what}, which Hindsight does not open"),
    )
    .at(path)
    .hint(hint)
}

struct Counted {
    file: File,
    read_bytes: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let n = self.file.read(buffer)?;
        self.read_bytes.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}
