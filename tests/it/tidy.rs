//! Rules of the source tree that no compiler checks: who may import whom, who may touch files,
//! clocks and the environment, and how long a file may be.

use std::fs;
use std::path::{Path, PathBuf};

/// Per module: what of this crate its code may name besides itself.
const MAY_USE: [(&str, &[&str]); 16] = [
    ("units", &[]),
    ("error", &[]),
    ("stats", &["units", "error"]),
    ("language", &[]),
    ("jobs", &["error"]),
    ("data", &["units"]),
    ("cells", &["data", "error"]),
    ("ingest", &["cells", "data", "error", "jobs", "units"]),
    ("rules", &["data", "stats", "units", "error", "jobs"]),
    (
        "analysis",
        &["cells", "data", "stats", "units", "error", "jobs"],
    ),
    ("lab", &["rules", "data", "stats", "units", "error", "jobs"]),
    (
        "report",
        &[
            "analysis", "rules", "lab", "language", "ingest", "units", "error", "data", "stats",
        ],
    ),
    (
        "project",
        &["analysis", "error", "ingest", "report", "rules"],
    ),
    ("sample", &["data", "error", "jobs", "units"]),
    (
        "cli",
        &[
            "analysis", "cells", "data", "error", "ingest", "jobs", "lab", "language", "report",
            "rules", "sample", "stats", "units",
        ],
    ),
    (
        "app",
        &[
            "analysis", "cells", "cli", "data", "error", "ingest", "jobs", "lab", "language",
            "project", "report", "rules", "sample", "stats", "units",
        ],
    ),
];

/// A file of `src` without its comments.
struct Source {
    /// Below `src`, with `/`.
    path: String,
    /// `stats` for `stats/dist/mod.rs` and `units` for `units.rs`.
    module: String,
    /// Line numbers from 1, and code.
    lines: Vec<(usize, String)>,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    gather(&root, &mut paths);
    paths.sort();
    paths
        .into_iter()
        .filter(|path| path.extension().is_some_and(|e| e == "rs"))
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            let path = slashed(path.strip_prefix(&root).unwrap());
            let module = path.split(['/', '.']).next().unwrap().to_owned();
            let code = |(i, line): (usize, &str)| {
                let code = line.split("//").next().unwrap_or_default();
                (!code.trim().is_empty()).then(|| (i + 1, code.to_owned()))
            };
            Source {
                lines: text.lines().enumerate().filter_map(code).collect(),
                path,
                module,
            }
        })
        .collect()
}

fn gather(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            gather(&path, paths);
        } else {
            paths.push(path);
        }
    }
}

fn slashed(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}

/// Places at which code outside `allowed` (modules or path prefixes) names one of `words`.
fn offenders(words: &[&str], allowed: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources() {
        if allowed
            .iter()
            .any(|a| source.module == *a || source.path.starts_with(a))
        {
            continue;
        }
        for (number, line) in &source.lines {
            for word in words.iter().filter(|word| names(line, word)) {
                found.push(format!("src/{}:{number} names {word}", source.path));
            }
        }
    }
    found
}

/// Whether code holds a word that is not part of a longer one.
fn names(line: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        !line[..at].ends_with(is_part) && !line[at + word.len()..].starts_with(is_part)
    })
}

fn assert_none(offenders: &[String]) {
    assert!(offenders.is_empty(), "{offenders:#?}");
}

#[test]
fn imports_go_one_way() {
    let mut found = Vec::new();
    for source in sources() {
        let Some((_, allowed)) = MAY_USE.iter().find(|(module, _)| *module == source.module) else {
            assert!(
                ["lib", "main"].contains(&source.module.as_str()),
                "tests/it/tidy.rs does not know src/{}: add what it may use",
                source.path
            );
            continue;
        };
        for (number, line) in &source.lines {
            for (at, _) in line.match_indices("crate::") {
                let name: String = line[at + 7..]
                    .chars()
                    .take_while(|c| c.is_alphanumeric() || *c == '_')
                    .collect();
                let is_module = MAY_USE.iter().any(|(module, _)| *module == name);
                if is_module && name != source.module && !allowed.contains(&name.as_str()) {
                    found.push(format!("src/{}:{number} names {name}", source.path));
                }
            }
        }
    }
    assert_none(&found);
}

/// A report formats values of the analysis; it may name their plain types and nothing that
/// computes.
#[test]
fn the_report_computes_no_statistics() {
    let plain = ["Estimate", "Interval", "Method", "TestName", "TestResult"];
    let mut found = Vec::new();
    for source in sources().into_iter().filter(|s| s.module == "report") {
        for (number, line) in &source.lines {
            let Some((_, rest)) = line.split_once("crate::stats::") else {
                continue;
            };
            let words = rest
                .split(|c: char| !c.is_alphanumeric())
                .filter(|w| !w.is_empty());
            let is_type = |w: &&str| w.starts_with(char::is_uppercase);
            let end = if rest.starts_with('{') { usize::MAX } else { 1 };
            for word in words
                .take(end)
                .filter(|w| !(is_type(w) && plain.contains(w)))
            {
                found.push(format!("src/{}:{number} names stats::{word}", source.path));
            }
        }
    }
    assert_none(&found);
}

#[test]
fn only_the_window_knows_the_toolkit() {
    assert_none(&offenders(
        &["egui", "eframe", "egui_extras", "egui_plot", "rfd", "winit"],
        &["app"],
    ));
}

#[test]
fn only_the_loader_and_the_sample_know_data_frames() {
    // The program names the crate in a text only: it tells whose panic message to drop.
    assert_none(&offenders(&["polars"], &["ingest", "sample", "main"]));
}

#[test]
fn only_the_edges_touch_files() {
    let allowed = [
        "ingest",
        "sample",
        "report/write.rs",
        "project",
        "cli",
        "app",
    ];
    assert_none(&offenders(&["fs", "OpenOptions"], &allowed));
}

/// Results depend on the input alone.
#[test]
fn no_clock_and_no_environment_below_the_edges() {
    let clocks = [
        "std::time",
        "SystemTime",
        "Instant",
        "Utc::now",
        "Local::now",
    ];
    // When a file was written last is no clock: it tells that the file changed while it was read.
    let allowed = ["jobs", "cli", "app", "ingest/on_disk.rs"];
    assert_none(&offenders(&clocks, &allowed));
    assert_none(&offenders(
        &["std::env", "env::var", "env::args"],
        &["cli", "app"],
    ));
}

#[test]
fn nothing_touches_the_network() {
    let words = [
        "std::net",
        "TcpStream",
        "UdpSocket",
        "reqwest",
        "ureq",
        "hyper",
        "curl",
    ];
    assert_none(&offenders(&words, &[]));
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    for client in ["reqwest", "ureq", "hyper", "curl", "tokio", "rustls"] {
        assert!(!manifest.contains(client), "Cargo.toml names {client}");
    }
}

#[test]
fn files_are_short() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    gather(&root.join("src"), &mut paths);
    gather(&root.join("tests/it"), &mut paths);
    let mut found = Vec::new();
    for path in paths
        .iter()
        .filter(|path| path.extension().is_some_and(|e| e == "rs"))
    {
        let n_lines = fs::read_to_string(path).unwrap().lines().count();
        if n_lines > 500 {
            found.push(format!("{}: {n_lines} lines", slashed(path)));
        }
    }
    assert_none(&found);
}

#[test]
fn every_file_says_what_it_is_for() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let found: Vec<String> = sources()
        .into_iter()
        .filter(|source| {
            // A file of tests is named by what it tests.
            if source.path.ends_with("tests.rs") {
                return false;
            }
            let text = fs::read_to_string(root.join(&source.path)).unwrap();
            !text.starts_with("//! ")
        })
        .map(|source| format!("src/{} starts without //!", source.path))
        .collect();
    assert_none(&found);
}

/// What was left to do and where it was made are nobody's business.
#[test]
fn no_notes_to_self_and_no_paths_of_a_machine() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    for folder in ["src", "tests", "assets", "benches", ".ci", "sample-data"] {
        if root.join(folder).is_dir() {
            gather(&root.join(folder), &mut paths);
        }
    }
    let at_root = fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    paths.extend(at_root.filter(|path| path.is_file() && !path.ends_with(".git")));
    // Written in pieces, so that this file does not find itself.
    let words = [
        "TO\u{44}O",
        "FIX\u{4d}E",
        "/ro\u{6f}t/",
        "/wo\u{72}k/",
        "/hom\u{65}/",
    ];
    let mut found = Vec::new();
    for path in paths {
        let Ok(text) = fs::read_to_string(&path) else {
            continue; // not text
        };
        for (number, line) in text.lines().enumerate() {
            for word in words.iter().filter(|word| line.contains(**word)) {
                found.push(format!("{}:{} holds {word}", slashed(&path), number + 1));
            }
        }
    }
    assert_none(&found);
}
