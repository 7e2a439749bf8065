//! Exports of known tools, built from their documented fields: told by their columns, read with the
//! documented units, one row a request.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use hindsight::data::{Outcome, Quantity, RequestLog};
use hindsight::error::ErrorKind;
use hindsight::ingest::{LoadRequest, Role, TableKind, ToolPreset, Tools, load, understand};
use hindsight::jobs::Progress;

use crate::ingest::roles;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/tools")
}

fn files() -> Vec<String> {
    let names = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = names.map(|n| n.into_string().unwrap()).collect();
    names.retain(|name| name != "expected.txt" && name != "README.md");
    names.sort();
    names
}

/// What each export is taken for, as a text that people can check against the tools' documents.
#[test]
fn every_export_is_recognised() {
    let mut found = String::new();
    for file in files() {
        found += &described(&file);
    }
    let expected = fs::read_to_string(folder().join("expected.txt")).unwrap_or_default();
    let differs = found.lines().zip(expected.lines()).find(|(a, b)| a != b);
    assert!(found == expected, "first difference: {differs:?}\n{found}");
}

fn described(file: &str) -> String {
    let request = LoadRequest::of(folder().join(file));
    let table = understand(&request, &Progress::unwatched()).unwrap();
    let mapping = &table.mapping;
    let tool = mapping.tool.as_deref().unwrap_or("not recognised");
    let mut text = format!("{file}: {tool}\n");
    if let Some(rows) = &mapping.rows {
        writeln!(text, "  rows: {} is {}", rows.column, rows.is.join(" or ")).unwrap();
    }
    match load(&request, &Progress::unwatched()) {
        Ok(loaded) => {
            let log = &loaded.log;
            let n_rows = (log.n_rows(), loaded.n_rows_in_file);
            writeln!(
                text,
                "  {} requests of {} rows, {}",
                n_rows.0,
                n_rows.1,
                outcomes(log)
            )
            .unwrap();
        }
        Err(error) => {
            assert_eq!(error.kind, ErrorKind::NotARequestLog, "{error}");
            assert_ne!(mapping.kind, TableKind::Requests, "{error}");
            writeln!(text, "  {:?} of {} rows", mapping.kind, table.n_rows).unwrap();
        }
    }
    for role in roles(mapping) {
        writeln!(text, "  {role}").unwrap();
    }
    for question in &mapping.questions {
        writeln!(text, "  ? {} {}", question.text, question.assumed_label()).unwrap();
    }
    text + "\n"
}

fn outcomes(log: &RequestLog) -> String {
    let count = |outcome| log.outcome.iter().filter(|o| **o == outcome).count();
    let counts = [
        ("ok", Outcome::Ok),
        ("failed", Outcome::Error),
        ("refused", Outcome::RateLimited),
        ("cancelled", Outcome::Cancelled),
        ("unknown", Outcome::Unknown),
    ]
    .map(|(name, outcome)| (name, count(outcome)));
    let shown = counts.iter().filter(|(_, n)| *n > 0);
    shown
        .map(|(name, n)| format!("{n} {name}"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// All exports tell of the same 24 requests: a new one every 30 s, the i-th took 800 + 10 i ms, its
/// first token 200 + i ms, 500 + i and 80 + i tokens, and cost (i + 1) / 100 cents.
#[test]
fn units_are_those_of_the_documents() {
    let first = 1_772_431_200_123_000;
    for file in files() {
        let Ok(loaded) = load(
            &LoadRequest::of(folder().join(&file)),
            &Progress::unwatched(),
        ) else {
            continue;
        };
        let log = &loaded.log;
        let close = |quantity, expected: &dyn Fn(f64) -> f64| {
            let Some(values) = log.quantity(quantity) else {
                return;
            };
            for (i, value) in values.iter().enumerate() {
                let expected = expected(f64::from(log.row[i] - log.row[0]) / step(log));
                assert!(
                    (value - expected).abs() < 1e-6 * expected,
                    "{file} {quantity:?} {i}: {value} {expected}"
                );
            }
        };
        close(Quantity::LatencyMs, &|i| 800.0 + 10.0 * i);
        close(Quantity::TtftMs, &|i| 200.0 + i);
        close(Quantity::TokensIn, &|i| 500.0 + i);
        close(Quantity::TokensOut, &|i| 80.0 + i);
        close(Quantity::Cost, &|i| 0.0001 * (i + 1.0));
        assert!(log.quantity(Quantity::LatencyMs).is_some(), "{file}");
        let has_time = loaded.mapping.column(Role::Time).is_some();
        if has_time && !file.starts_with("tensorzero-model") {
            assert_eq!(log.start_us[0], first, "{file}");
            assert_eq!(log.start_us[23], first + 23 * 30_000_000, "{file}");
        }
    }
}

/// Rows of the file per request.
fn step(log: &RequestLog) -> f64 {
    f64::from(log.row[1] - log.row[0])
}

/// A user's own preset: read from a folder, tried first, or forced by name.
#[test]
fn users_add_presets() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log.csv");
    let row = |i: usize| {
        format!(
            "{},{},{}\n",
            1_772_431_200 + i,
            i * 7 % 40,
            ["x", "y"][i % 2]
        )
    };
    let rows: String = (0..60).map(row).collect();
    fs::write(&log, format!("when,took,which\n{rows}")).unwrap();
    let preset = r#"
name = "Our gateway"
source = "our wiki"
fingerprint = ["when", "took", "which"]
columns = [
  { role = "time", column = "when" },
  { role = "latency", column = "took", unit = "s" },
  { role = "variant", column = ["arm", "which"] },
]
"#;
    fs::write(folder.path().join("ours.toml"), preset).unwrap();
    let mut request = LoadRequest::of(&log);
    request.tools.own = Tools::read_folder(folder.path()).unwrap();
    let loaded = load(&request, &Progress::unwatched()).unwrap();
    assert_eq!(loaded.mapping.tool.as_deref(), Some("Our gateway"));
    assert_eq!(
        roles(&loaded.mapping),
        [
            "when = Time (start) seconds since 1970",
            "took = Latency seconds",
            "which = Variant (arm)"
        ]
    );
    assert!(loaded.mapping.questions.is_empty());
    request.tools = Tools {
        forced: Some(Tools::built_in("statsig").unwrap()),
        ..Tools::default()
    };
    let table = understand(&request, &Progress::unwatched()).unwrap();
    assert_eq!(table.mapping.tool.as_deref(), Some("Statsig assignments"));
    let error = Tools::built_in("statsigg").unwrap_err();
    assert!(error.hint.contains("statsig"), "{error}");
    let unknown = preset.replace("source", "sauce");
    let error = ToolPreset::parse(&unknown).unwrap_err();
    assert!(
        error.message.contains("sauce") && error.place.line.is_some(),
        "{error}"
    );
}
