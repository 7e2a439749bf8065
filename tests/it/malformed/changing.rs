//! Files that change, shrink, grow or vanish while they are read: what is read is what was written,
//! whole rows of one version, or an error says that the file changed.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Wake, Waker};
use std::time::Duration;

use hindsight::data::Quantity;
use hindsight::error::{Error, ErrorKind};
use hindsight::ingest::{LoadRequest, Loaded, load};
use hindsight::jobs::Progress;
use polars::prelude::{DataFrame, df};
use polars_io::parquet::write::ParquetWriter;

use crate::support::packing;

/// More than the buffers between disk and rows hold.
const N_ROWS: usize = 60_000;

/// A log whose latencies are all `latency`.
fn csv(latency: u32) -> Vec<u8> {
    let mut text = b"timestamp,user_id,variant,status,latency_ms\n".to_vec();
    for i in 0..N_ROWS {
        let (minute, second) = (i / 60 % 60, i % 60);
        writeln!(
            text,
            "2026-03-02T06:{minute:02}:{second:02}Z,u{},{},200,{latency}",
            i % 997,
            ["stable", "canary"][i % 2]
        )
        .unwrap();
    }
    text
}

fn json(latency: u32) -> Vec<u8> {
    let text = String::from_utf8(csv(latency)).unwrap();
    let object = |line: &str| {
        let [time, user, variant, status, latency] =
            line.split(',').collect::<Vec<_>>().try_into().unwrap();
        format!(
            "{{\"timestamp\":\"{time}\",\"user_id\":\"{user}\",\"variant\":\"{variant}\",\"status\":{status},\"latency_ms\":{latency}}}\n"
        )
    };
    text.lines()
        .skip(1)
        .map(object)
        .collect::<String>()
        .into_bytes()
}

fn parquet(latency: u32) -> Vec<u8> {
    let n = N_ROWS as i64;
    let mut frame: DataFrame = df!(
        "timestamp" => (0..n).map(|i| 1_772_432_843_000_i64 + i * 250).collect::<Vec<_>>(),
        "user_id" => (0..n).map(|i| format!("u{}", i * 7919 % 9973)).collect::<Vec<_>>(),
        "variant" => (0..n).map(|i| ["stable", "canary"][i as usize % 2]).collect::<Vec<_>>(),
        "latency_ms" => (0..n).map(|_| f64::from(latency)).collect::<Vec<_>>(),
    )
    .unwrap();
    let mut bytes = Vec::new();
    let writer = ParquetWriter::new(&mut bytes).with_row_group_size(Some(10_000));
    writer.finish(&mut frame).unwrap();
    bytes
}

type Change = Box<dyn FnMut() + Send>;

/// Runs a change at the n-th word of progress.
struct AtStep {
    step: u32,
    seen: AtomicU32,
    change: Mutex<Change>,
}

impl Wake for AtStep {
    fn wake(self: Arc<Self>) {
        if self.seen.fetch_add(1, Ordering::Relaxed) == self.step {
            (self.change.lock().unwrap())();
        }
        // Progress is told at most twenty times a second; every word is wanted here.
        std::thread::sleep(Duration::from_millis(51));
    }
}

/// Loads a file that changes when its columns have been looked at (step 1) or before (step 0).
fn load_while(path: &Path, step: u32, change: Change) -> (Result<Loaded, Error>, bool) {
    let hook = Arc::new(AtStep {
        step,
        seen: AtomicU32::new(0),
        change: Mutex::new(change),
    });
    let progress = Progress::watched_by(Waker::from(hook.clone()));
    std::thread::sleep(Duration::from_millis(51));
    let found = load(&LoadRequest::of(path), &progress);
    (found, hook.seen.load(Ordering::Relaxed) > step)
}

/// All latencies are those of one version.
#[track_caller]
fn check_one_version(what: &str, loaded: &Loaded) {
    let values = loaded.log.quantity(Quantity::LatencyMs).unwrap();
    let first = values[0];
    assert!(first == 100.0 || first == 900.0, "{what}: {first}");
    assert!(
        values.iter().all(|v| *v == first),
        "{what}: versions are mixed"
    );
    let names: Vec<&str> = loaded
        .log
        .arms
        .iter()
        .map(|arm| arm.name.as_str())
        .collect();
    assert_eq!(names, ["stable", "canary"], "{what}");
}

#[track_caller]
fn check_told(what: &str, error: &Error) {
    assert!(
        matches!(error.kind, ErrorKind::Unreadable | ErrorKind::Malformed),
        "{what}: {error}"
    );
    assert!(
        !error.hint.is_empty() && error.place.path.is_some(),
        "{what}: {error}"
    );
}

#[test]
fn a_log_that_changes_while_it_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let gz = |bytes: Vec<u8>| packing::gzip(&bytes);
    let files: [(&str, Vec<u8>, Vec<u8>); 4] = [
        ("log.csv", csv(100), csv(900)),
        ("log.jsonl", json(100), json(900)),
        ("log.parquet", parquet(100), parquet(900)),
        ("log.csv.gz", gz(csv(100)), gz(csv(900))),
    ];
    let mut n_told = 0;
    for (name, old, new) in files {
        let path = folder.path().join(name);
        for step in [0, 1, 2] {
            for how in ["replace", "overwrite", "shrink", "empty", "vanish"] {
                let what = format!("{name}, {how} at step {step}");
                fs::remove_file(&path).ok();
                fs::write(&path, &old).unwrap();
                let (at, new, beside) = (path.clone(), new.clone(), folder.path().join("new"));
                let change = move || match how {
                    "replace" => {
                        fs::write(&beside, &new).unwrap();
                        fs::rename(&beside, &at).unwrap();
                    }
                    "overwrite" => fs::write(&at, &new).unwrap(),
                    "shrink" => {
                        let file = fs::OpenOptions::new().write(true).open(&at).unwrap();
                        file.set_len(new.len() as u64 / 2).unwrap();
                    }
                    "empty" => fs::write(&at, b"").unwrap(),
                    _ => fs::remove_file(&at).unwrap(),
                };
                let (found, is_changed) = load_while(&path, step, Box::new(change));
                match found {
                    Ok(loaded) => {
                        check_one_version(&what, &loaded);
                        assert!(!is_changed || how == "vanish", "{what}: read in silence");
                        assert_eq!(loaded.log.n_rows(), N_ROWS, "{what}");
                    }
                    Err(error) => {
                        check_told(&what, &error);
                        n_told += 1;
                    }
                }
            }
        }
    }
    assert!(n_told > 30, "{n_told}");
}

/// A log that another program goes on writing, in pieces that end anywhere: every row that is read is
/// one that was written, or the loader says that the file changed.
#[test]
fn a_log_that_grows_while_it_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let (mut n_noted, mut n_told) = (0, 0);
    for (name, whole) in [("log.csv", csv(100)), ("log.jsonl", json(100))] {
        let path = folder.path().join(name);
        // Within a number, a label, at the end of a line, after it.
        for n_missing in [0, 1, 2, 7, 12, 15, 30] {
            for step in 0..6 {
                let what = format!("{name} without {n_missing} bytes, growing at step {step}");
                let (before, after) = whole.split_at(whole.len() - n_missing);
                fs::write(&path, before).unwrap();
                let (at, added) = (
                    path.clone(),
                    [after, b"2026-03-02T07:00:00Z,u1,sta"].concat(),
                );
                let change = move || {
                    let mut file = fs::OpenOptions::new().append(true).open(&at).unwrap();
                    file.write_all(&added).unwrap();
                };
                match load_while(&path, step, Box::new(change)) {
                    // It was loaded before that step: the file is what it is.
                    (Ok(_), false) => {}
                    (Ok(loaded), true) => {
                        check_one_version(&what, &loaded);
                        let n_rows = loaded.log.n_rows();
                        assert!(n_rows == N_ROWS || n_rows == N_ROWS - 1, "{what}: {n_rows}");
                        let mut issues = loaded.issues.iter();
                        let grew = issues.any(|i| i.message == "The file grew while it was read");
                        assert!(grew, "{what}");
                        n_noted += 1;
                    }
                    (Err(error), _) => {
                        check_told(&what, &error);
                        assert!(error.message.contains("changed"), "{what}: {error}");
                        n_told += 1;
                    }
                }
            }
        }
    }
    assert!(n_noted > 20 && n_told > 0, "{n_noted} noted, {n_told} told");
}
