//! Which files make up a log: several files, folders, patterns, with different columns.

mod containers;
mod joins;
mod routers;

use std::fs;
use std::path::{Path, PathBuf};

use hindsight::data::Quantity;
use hindsight::error::{ErrorKind, Result};
use hindsight::ingest::{Effect, LoadRequest, Loaded, Role, load};
use hindsight::jobs::Progress;

fn open(paths: &[PathBuf]) -> Result<Loaded> {
    let request = LoadRequest {
        paths: paths.to_vec(),
        ..LoadRequest::default()
    };
    load(&request, &Progress::unwatched())
}

/// Ten rows of an hour with the columns in a given order; `note` has a line break in quotes.
fn part(columns: &[&str], hour: usize) -> String {
    let cell = |column: &str, i: usize| match column {
        "ts" => format!("2026-03-02T{hour:02}:00:{i:02}Z"),
        "variant" => ["a", "b"][i % 2].to_owned(),
        "latency_ms" => format!("{}", 100 * hour + i),
        "status" => "200".to_owned(),
        "note" => "\"two\nlines\"".to_owned(),
        _ => String::new(),
    };
    let row = |i: usize| {
        let cells: Vec<String> = columns.iter().map(|c| cell(c, i)).collect();
        cells.join(",") + "\n"
    };
    columns.join(",") + "\n" + &(0..10).map(row).collect::<String>()
}

/// A folder of three parts whose columns differ in order and number.
fn three_parts() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, columns: &[&str], hour| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, part(columns, hour)).unwrap();
    };
    write("part-1.csv", &["ts", "variant", "latency_ms", "status"], 1);
    write("part-2.csv", &["note", "latency_ms", "ts", "variant"], 2);
    write(
        "day=3/part-3.csv",
        &["variant", "ts", "latency_ms", "status", "extra"],
        3,
    );
    fs::write(folder.path().join(".hidden.csv"), "x").unwrap();
    fs::write(folder.path().join("_SUCCESS"), "").unwrap();
    folder
}

fn labels(loaded: &Loaded) -> Vec<&str> {
    loaded.files.iter().map(|f| f.label.as_str()).collect()
}

#[test]
fn a_folder_is_one_log() {
    let folder = three_parts();
    let loaded = open(&[folder.path().to_path_buf()]).unwrap();
    assert_eq!(labels(&loaded), ["part-1", "part-2", "part-3"]);
    assert_eq!(
        loaded.files.iter().map(|f| f.rows).collect::<Vec<_>>(),
        [10, 10, 10]
    );
    assert_eq!(loaded.n_rows_in_file, 30);
    assert_eq!(loaded.log.n_rows(), 30);
    assert_eq!(loaded.log.name, "part-1.csv and 2 more files");
    // Values follow their names, whatever the order of the columns.
    let expected: Vec<f64> = (1..=3)
        .flat_map(|hour| (0..10).map(move |i| f64::from(100 * hour + i)))
        .collect();
    let latency = loaded.log.quantity(Quantity::LatencyMs).unwrap();
    assert_eq!(latency.to_vec(), expected);
    assert_eq!(loaded.log.row, (0..30).collect::<Vec<u32>>());
    let issue = loaded
        .issues
        .iter()
        .find(|i| i.column.as_deref() == Some("status"));
    let issue = issue.expect("the second part has no status");
    assert_eq!((issue.effect, issue.count), (Effect::Missing, 10));
    assert_eq!(issue.samples, ["part-2"]);
    // Parts are not arms, but can be looked at one by one.
    assert_eq!(loaded.log.arms.len(), 2);
    let segment = loaded.log.segments.iter().find(|s| s.name == "file");
    assert_eq!(segment.map(|s| s.values.len()), Some(3));
}

#[test]
fn lines_are_those_of_the_file() {
    let folder = three_parts();
    let path = folder.path().join("part-2.csv");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace(",205,", ",fast,")).unwrap();
    let pattern = folder.path().join("part-*.csv");
    let loaded = open(&[pattern]).unwrap();
    assert_eq!(labels(&loaded), ["part-1", "part-2"]);
    let issue = loaded
        .issues
        .iter()
        .find(|i| i.message == "Not a number")
        .unwrap();
    // Five rows of two lines each stand before it, and the header; it starts on line 12 as its
    // first value spans a line break.
    assert_eq!(issue.lines, [12]);
    assert_eq!(issue.files, ["part-2"]);
    assert_eq!(issue.places(), "part-2 12");
}

#[test]
fn a_named_file_that_does_not_fit_is_refused_and_a_found_one_left_out() {
    let folder = three_parts();
    let other = folder.path().join("scores.csv");
    fs::write(&other, "trace_id,score\nt1,5\nt2,3\n").unwrap();
    let error = open(&[folder.path().join("part-1.csv"), other.clone()]).unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotARequestLog);
    assert_eq!(error.place.path.as_deref(), Some(other.as_path()));
    assert!(error.message.contains("part-1.csv"), "{error}");
    fs::write(folder.path().join("README"), "made by nobody\n").unwrap();
    let loaded = open(&[folder.path().to_path_buf()]).unwrap();
    assert_eq!(loaded.log.n_rows(), 30);
    let issue = loaded
        .issues
        .iter()
        .find(|i| i.message == "A file was left out")
        .unwrap();
    assert_eq!((issue.effect, issue.count), (Effect::Rejected, 2));
    assert!(
        issue.samples.iter().any(|s| s.starts_with("scores.csv: ")),
        "{issue:?}"
    );
}

#[test]
fn a_file_reached_twice_is_read_once() {
    let folder = three_parts();
    let paths = [
        folder.path().join("part-1.csv"),
        folder.path().to_path_buf(),
    ];
    let loaded = open(&paths).unwrap();
    assert_eq!(loaded.log.n_rows(), 30);
    assert!(
        loaded
            .issues
            .iter()
            .any(|i| i.message.contains("named twice"))
    );
}

#[test]
fn files_with_names_of_their_own_are_arms() {
    let folder = tempfile::tempdir().unwrap();
    for (i, name) in ["control", "treatment"].into_iter().enumerate() {
        let text = part(&["ts", "latency_ms", "status"], i + 1);
        fs::write(folder.path().join(name).with_extension("csv"), text).unwrap();
    }
    let loaded = open(&[folder.path().to_path_buf()]).unwrap();
    let arms: Vec<&str> = loaded.log.arms.iter().map(|a| a.name.as_str()).collect();
    assert_eq!(arms, ["control", "treatment"]);
    assert_eq!(
        loaded
            .mapping
            .column(Role::Variant)
            .map(|c| c.column.as_str()),
        Some("file")
    );
    // The mapping that comes of it opens the same files again.
    let again = LoadRequest {
        paths: vec![folder.path().to_path_buf()],
        mapping: Some(loaded.mapping),
        ..LoadRequest::default()
    };
    let again = load(&again, &Progress::unwatched()).unwrap();
    assert_eq!(again.log.arms.len(), 2);
}

#[test]
fn nothing_found_is_said() {
    #[track_caller]
    fn check(path: &Path, message: &str) {
        let error = open(&[path.to_path_buf()]).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unreadable);
        assert!(
            error.message.contains(message) && !error.hint.is_empty(),
            "{error}"
        );
        assert_eq!(error.place.path.as_deref(), Some(path));
    }
    let folder = tempfile::tempdir().unwrap();
    check(folder.path(), "The folder holds no files");
    check(&folder.path().join("*.csv"), "No file matches the pattern");
    check(&folder.path().join("none.csv"), "Cannot read the file");
}
