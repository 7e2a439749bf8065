//! Files that are no request log but well known: named, with the way to a file that can be read.

use crate::error::{Error, ErrorKind};

const EXPORT: &str = "Export the log as CSV, JSON lines or Parquet";

/// What binary formats begin with, their names, and what to do.
const BINARY: [(&[u8], &str, &str); 20] = [
    (
        b"\xd0\xcf\x11\xe0",
        "an Excel workbook (.xls)",
        "Save the sheet as CSV UTF-8",
    ),
    (
        b"SQLite format 3",
        "an SQLite database",
        "Export its table, for example: sqlite3 -header -csv FILE 'SELECT * FROM …' > log.csv",
    ),
    (
        b"ARROW1",
        "an Arrow or Feather file",
        "Write it as Parquet, for example: pyarrow.parquet.write_table",
    ),
    (
        b"Obj\x01",
        "an Avro file",
        "Convert it to Parquet or JSON lines, for example: avro-tools tojson",
    ),
    (b"ORC", "an ORC file", "Convert it to Parquet"),
    (
        b"\x89HDF",
        "an HDF5 file",
        "Write its table as Parquet or CSV",
    ),
    (
        b"PARE",
        "an encrypted Parquet file",
        "Write it without encryption",
    ),
    (
        b"DUCK",
        "a DuckDB database",
        "Export its table: COPY … TO 'log.parquet'",
    ),
    (b"\xfd7zXZ", "an xz archive", "Unpack it: unxz FILE"),
    (
        b"7z\xbc\xaf",
        "a 7z archive",
        "Unpack it and open the files inside",
    ),
    (
        b"Rar!",
        "a RAR archive",
        "Unpack it and open the files inside",
    ),
    (b"\x04\x22\x4d\x18", "an LZ4 file", "Unpack it: lz4 -d FILE"),
    (
        b"\x1f\x8b",
        "a gzip file inside another",
        "Unpack it once: gunzip FILE",
    ),
    (
        b"\x28\xb5\x2f\xfd",
        "a zstd file inside another",
        "Unpack it once: zstd -d FILE",
    ),
    (
        b"BZh",
        "a bzip2 file inside another",
        "Unpack it once: bunzip2 FILE",
    ),
    (b"\x89PNG", "a picture", EXPORT),
    (b"\xff\xd8\xff", "a picture", EXPORT),
    (b"\x7fELF", "a program", EXPORT),
    (b"MZ", "a program", EXPORT),
    (
        b"\x80\x04\x95",
        "a Python pickle",
        "Write its table as Parquet or CSV: DataFrame.to_parquet",
    ),
];

/// Why a file that is no text cannot be read.
pub(super) fn refusal(head: &[u8]) -> Error {
    let known = BINARY.iter().find(|(magic, _, _)| head.starts_with(magic));
    if let Some((_, name, hint)) = known {
        return refused(name, hint);
    }
    if head.len() > 8 && head[1..4] == [0; 3] && head[5..8] == [0; 3] {
        return refused("text in UTF-32", "Save it as UTF-8");
    }
    // A text that a crash or a full disk has filled up.
    if head.first() != Some(&0) && std::str::from_utf8(head).is_ok() {
        let before = head.iter().take_while(|b| **b != 0);
        let line = 1 + before.filter(|b| **b == b'\n').count();
        return Error::new(
            ErrorKind::Malformed,
            format!("The text holds NUL characters, first in line {line}"),
        )
        .hint("They do not belong in text: export the log again, or take them out: tr -d '\\000' < FILE > log.csv");
    }
    refused("binary data", EXPORT)
}

/// Why a text that is a document cannot be read; `None` for all others.
pub(super) fn of_text(text: &str) -> Option<Error> {
    let start: String = text.chars().take(20).collect::<String>().to_lowercase();
    let begins = |with: &str| start.starts_with(with);
    if begins("%pdf") {
        return Some(refused("a PDF document", EXPORT));
    }
    if begins("<!doctype html") || begins("<html") {
        return Some(refused(
            "a web page",
            "Often it is a login or an error page: open it in a browser, then download the export again",
        ));
    }
    begins("<?xml").then(|| refused("an XML document", EXPORT))
}

/// Why an archive that is an office document cannot be read; `None` for all others.
pub(super) fn of_members<'a>(names: &mut impl Iterator<Item = &'a str>) -> Option<Error> {
    let hint = "Save the sheet as CSV UTF-8";
    names.find_map(|name| match name {
        "xl/workbook.xml" | "xl/workbook.bin" => Some(refused("an Excel workbook", hint)),
        "content.xml" => Some(refused("an OpenDocument file", hint)),
        _ => None,
    })
}

fn refused(what: &str, hint: &str) -> Error {
    let message = format!("This is {what}, which Hindsight does not open");
    Error::new(ErrorKind::Malformed, message).hint(hint)
}
