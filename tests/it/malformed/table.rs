//! The table of malformed files in `tests/data/malformed`: what each is read as, or why it is refused.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{check_log, csv_of, losses, read, rows, with_column};
use crate::support::packing;

#[derive(Deserialize)]
struct Table {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    base: Option<String>,
    column: Option<String>,
    #[serde(default)]
    every: usize,
    #[serde(default)]
    value: String,
    text: Option<String>,
    hex: Option<String>,
    repeat: Option<(String, usize)>,
    splice: Option<String>,
    encode: Option<String>,
    pack: Option<String>,
    #[serde(default)]
    again: bool,
    cut: Option<i64>,
    flip: Option<(usize, u8)>,
    append: Option<String>,
}

const N_ROWS: usize = 90;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/malformed")
}

#[test]
fn every_case_of_the_table_is_read_or_refused_as_it_says() {
    let cases = fs::read_to_string(folder().join("cases.toml")).unwrap();
    let table: Table = toml::from_str(&cases).unwrap();
    assert!(table.case.len() >= 400);
    let found: Vec<String> = table.case.iter().map(Case::outcome).collect();
    let path = folder().join("expected.txt");
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        fs::write(&path, found.concat()).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap();
    for (found, expected) in found.iter().zip(paragraphs(&expected)) {
        assert_eq!(found.trim_end(), expected.trim_end());
    }
    assert_eq!(found.len(), paragraphs(&expected).len());
}

fn paragraphs(text: &str) -> Vec<&str> {
    text.split("\n\n")
        .filter(|p| !p.trim().is_empty())
        .collect()
}

impl Case {
    /// The name, and what became of the file.
    fn outcome(&self) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(&self.name);
        fs::write(&path, self.bytes()).unwrap();
        let mut text = format!("{}\n", self.name);
        match read(&path, None) {
            Ok(loaded) => {
                check_log(&self.name, &loaded.log);
                let roles: Vec<&str> = loaded
                    .mapping
                    .columns
                    .iter()
                    .map(|c| c.role.label())
                    .collect();
                writeln!(
                    text,
                    "  {} requests of {}: {}",
                    loaded.log.n_rows(),
                    loaded.n_rows_in_file,
                    roles.join(", ")
                )
                .unwrap();
                for loss in losses(&loaded.issues) {
                    writeln!(text, "  {}", visible(&loss)).unwrap();
                }
            }
            Err(error) => {
                assert!(error.place.path.is_some(), "{}: {error}", self.name);
                assert!(!error.hint.is_empty(), "{}: {error}", self.name);
                writeln!(text, "  refused: {}", visible(&error.message)).unwrap();
                writeln!(text, "  {}", visible(&error.hint)).unwrap();
            }
        }
        text + "\n"
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = packed(self.plain(), self.pack.as_deref());
        if self.again {
            bytes = packed(bytes, self.pack.as_deref());
        }
        if let Some(n) = self.cut {
            let n = if n < 0 { bytes.len() as i64 + n } else { n };
            bytes.truncate(n as usize);
        }
        if let Some((place, bit)) = self.flip {
            bytes[place] ^= 1 << bit;
        }
        bytes.extend(self.append.iter().flat_map(|text| text.bytes()));
        bytes
    }

    fn plain(&self) -> Vec<u8> {
        if let Some(base) = &self.base {
            return fs::read(folder().join(base)).unwrap();
        }
        if let Some(hex) = &self.hex {
            return bytes_of(hex);
        }
        if let Some((text, n)) = &self.repeat {
            return text.repeat(*n).into_bytes();
        }
        let text = self.text.clone().unwrap_or_else(|| self.table());
        if let Some(hex) = &self.splice {
            let at = text.find("u4,").unwrap();
            let (before, after) = text.split_at(at);
            return [before.as_bytes(), &bytes_of(hex), after.as_bytes()].concat();
        }
        encoded(&text, self.encode.as_deref())
    }

    /// A plain log with the values of a column replaced.
    fn table(&self) -> String {
        let Some(column) = &self.column else {
            return csv_of(&rows(N_ROWS));
        };
        let at = super::HEADER.split(',').position(|c| c == column).unwrap();
        let plain = rows(N_ROWS);
        with_column(N_ROWS, at, |i| {
            if i % self.every == 0 {
                let value = self.value.replace("{i}", &i.to_string());
                format!("\"{}\"", value.replace('"', "\"\""))
            } else {
                plain[i].split(',').nth(at).unwrap().to_owned()
            }
        })
    }
}

fn encoded(text: &str, encoding: Option<&str>) -> Vec<u8> {
    let mark = |mark: &[u8], text: Vec<u8>| [mark, &text].concat();
    let units = || text.encode_utf16();
    match encoding {
        None => text.as_bytes().to_vec(),
        Some("utf-16le") => mark(b"\xff\xfe", units().flat_map(u16::to_le_bytes).collect()),
        Some("utf-16le-bare") => units().flat_map(u16::to_le_bytes).collect(),
        Some("utf-16be") => mark(b"\xfe\xff", units().flat_map(u16::to_be_bytes).collect()),
        Some("utf-32") => text
            .chars()
            .flat_map(|c| u32::from(c).to_le_bytes())
            .collect(),
        Some(name) => {
            let encoding = encoding_rs::Encoding::for_label(name.as_bytes()).unwrap();
            encoding.encode(text).0.into_owned()
        }
    }
}

fn packed(bytes: Vec<u8>, pack: Option<&str>) -> Vec<u8> {
    match pack {
        None => bytes,
        Some("gzip") => packing::gzip(&bytes),
        Some("zstd") => packing::zstd(&bytes),
        Some("bzip2") => packing::bzip2(&bytes),
        Some("zip") => {
            let mut out = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
            let options = zip::write::SimpleFileOptions::default();
            out.start_file("log.csv", options).unwrap();
            out.write_all(&bytes).unwrap();
            out.finish().unwrap().into_inner()
        }
        Some(other) => panic!("{other} is no packing"),
    }
}

fn bytes_of(hex: &str) -> Vec<u8> {
    let pairs = hex.as_bytes().chunks(2);
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    pairs.map(byte).collect()
}

/// On one line, with unseen characters as escapes.
fn visible(text: &str) -> String {
    let shown = |c: char| match c {
        c if c.is_control() || matches!(c, '\u{202e}' | '\u{feff}') => {
            c.escape_unicode().to_string()
        }
        c => c.to_string(),
    };
    text.chars().map(shown).collect()
}
