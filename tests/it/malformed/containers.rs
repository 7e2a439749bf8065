//! JSON, compressed files, archives and Parquet, whole and damaged.

use std::fs;

use hindsight::error::ErrorKind;
use hindsight::ingest::Role;
use polars::prelude::{DataFrame, df};
use polars_io::parquet::write::ParquetWriter;
use serde_json::Value;

use super::{Read, Refused, check, check_error, csv_of, read, rows};
use crate::support::packing;

#[test]
fn json() {
    let object = |i: usize| {
        format!(
            r#"{{"ts":"2026-03-02T06:00:{:02}Z","request":{{"variant":"{}","user":{{"id":"u{}"}}}},"latency_ms":{}.5,"status":200}}"#,
            i % 60,
            ["a", "b"][i % 2],
            i % 7,
            100 + i
        )
    };
    let lines: Vec<String> = (0..60).map(object).collect();
    let loaded = check("nested.jsonl", lines.join("\n"), &Read(60, &[])).unwrap();
    let column = |role| loaded.mapping.column(role).map(|c| c.column.clone());
    assert_eq!(column(Role::Variant).as_deref(), Some("request.variant"));
    assert_eq!(column(Role::Unit).as_deref(), Some("request.user.id"));
    let mut cut = lines.clone();
    cut[59].truncate(40);
    cut[10] = "null".into();
    let issue = "rows rejected: Not a JSON object x2 @11,60";
    let loaded = check("cut_off.jsonl", cut.join("\n"), &Read(58, &[issue])).unwrap();
    assert_eq!(loaded.n_rows_in_file, 60);
    for (name, open) in [("array", "[\n"), ("array_line", "["), ("array_space", "[ ")] {
        let text = format!("{open}{}]", lines.join(","));
        check(name, text, &Read(60, &[]));
    }
    let indented: Vec<String> = lines
        .iter()
        .map(|line| serde_json::to_string_pretty(&serde_json::from_str::<Value>(line).unwrap()))
        .map(Result::unwrap)
        .collect();
    check("pretty.json", indented.join("\n"), &Read(60, &[]));
    let list = format!("[\n{}\n]", indented.join(",\n"));
    check("pretty_list.json", &list, &Read(60, &[]));
    // Eleven lines an object.
    let issue = "rows rejected: Not a JSON object x1 @651";
    check(
        "cut_list.json",
        &list[..list.len() - 20],
        &Read(59, &[issue]),
    );
    check(
        "words.json",
        "[{\n1, 2,\n\"three\"]",
        &Refused(ErrorKind::Malformed, "No line is a JSON object"),
    );
}

/// Keys that first appear late, and keys inside text.
#[test]
fn no_key_of_a_json_log_is_lost() {
    let object = |i: usize| {
        let late = if i < 1500 { "" } else { r#","rating":4"# };
        format!(
            r#"{{"ts":{},"variant":"{}","props":"{{\"tier\":\"{}\",\"n\":{{\"deep\":{i}}}}}"{late}}}"#,
            1_772_432_843 + i,
            ["a", "b"][i % 2],
            ["free", "pro", "team"][i % 3],
        )
    };
    let lines: Vec<String> = (0..2000).map(object).collect();
    let loaded = check("late.jsonl", lines.join("\n"), &Read(2000, &[])).unwrap();
    let rating = loaded.mapping.column(Role::Rating).unwrap();
    assert_eq!(rating.column, "rating");
    let keys: Vec<&str> = loaded
        .guesses
        .iter()
        .filter(|g| g.profile.is_key())
        .map(|g| g.profile.name.as_str())
        .collect();
    assert_eq!(keys, ["props.tier", "props.n.deep"]);
    let mut mapping = loaded.mapping.clone();
    mapping.assign("props.tier", Some(Role::Segment));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("late.jsonl");
    fs::write(&path, lines.join("\n")).unwrap();
    let log = read(&path, Some(mapping)).unwrap().log;
    let tier = log
        .segments
        .iter()
        .find(|s| s.name == "props.tier")
        .unwrap();
    assert_eq!(tier.values, ["free", "pro", "team"]);
}

#[test]
fn containers() {
    let text = csv_of(&rows(4000));
    let gz = packing::gzip(text.as_bytes());
    let zst = packing::zstd(text.as_bytes());
    check("log.csv.gz", &gz, &Read(4000, &[]));
    check("log.csv.zst", &zst, &Read(4000, &[]));
    for (name, bytes) in [("cut.csv.gz", &gz), ("cut.csv.zst", &zst)] {
        for part in [2, 10] {
            let cut = &bytes[..bytes.len() - bytes.len() / part];
            check(name, cut, &Refused(ErrorKind::Malformed, ""));
        }
    }
    let zip = b"PK\x03\x04\x14\0\0\0\x08\0log.csv";
    check(
        "log.zip",
        zip,
        &Refused(ErrorKind::Malformed, "The zip archive cannot be read"),
    );
    let folder = tempfile::tempdir().unwrap();
    let error = read(&folder.path().join("none.csv"), None).unwrap_err();
    check_error(
        "missing",
        &error,
        ErrorKind::Unreadable,
        "Cannot read the file",
    );
}

/// A whole Parquet log of 3,000 rows.
pub(crate) fn parquet() -> Vec<u8> {
    let n = 3000;
    let mut frame: DataFrame = df!(
        "timestamp" => (0..n).map(|i| 1_772_432_843_000_i64 + i * 250).collect::<Vec<_>>(),
        "variant" => (0..n).map(|i| ["a", "b"][i as usize % 2]).collect::<Vec<_>>(),
        "latency_ms" => (0..n).map(|i| (100 + i % 50) as f64).collect::<Vec<_>>(),
    )
    .unwrap();
    let mut bytes = Vec::new();
    ParquetWriter::new(&mut bytes).finish(&mut frame).unwrap();
    bytes
}

/// Whatever is flipped, the loader answers with a log or an error, never with a panic.
#[test]
fn damaged_parquet() {
    let whole = parquet();
    check("whole.parquet", &whole, &Read(3000, &[]));
    for keep in [4, 8, 100, whole.len() / 2, whole.len() - 1] {
        let refused = Refused(ErrorKind::Malformed, "The Parquet file cannot be read");
        check("cut.parquet", &whole[..keep], &refused);
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flipped.parquet");
    let (mut n_read, mut n_refused) = (0, 0);
    // Densely in the footer, whose damage does the most harm; sparsely in the pages.
    let footer = whole.len() - 600;
    for at in (4..footer)
        .step_by(whole.len() / 150)
        .chain((footer..whole.len()).step_by(3))
    {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        fs::write(&path, bytes).unwrap();
        match read(&path, None) {
            Ok(_) => n_read += 1,
            Err(error) => {
                assert!(
                    !error.message.is_empty() && error.kind != ErrorKind::Internal,
                    "{error}"
                );
                n_refused += 1;
            }
        }
    }
    assert!(n_refused > 0, "{n_read} read");
}
