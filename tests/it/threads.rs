//! The same log gives the same bytes on one thread and on several, and pieces of a file join without
//! a seam: rows, lines and dictionaries are those of the whole.

use std::fmt::Write as _;
use std::fs;

use hindsight::analysis::{AnalysisSettings, analyze};
use hindsight::ingest::{LoadRequest, Loaded, load};
use hindsight::jobs::Progress;
use hindsight::report::json;

/// Large enough for several pieces, with quoted newlines, bad values and repeated ids.
fn text(n: usize) -> String {
    let mut text = "timestamp,request_id,user_id,variant,status,latency_ms,note\n".to_owned();
    for i in 0..n {
        let ms = i * 700 + i * i % 400;
        let (seconds, ms) = (ms / 1000, ms % 1000);
        let (day, second) = (1 + seconds / 86_400, seconds % 86_400);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        let user = i * i % 4001;
        let variant = if i % 5 == 0 { "canary" } else { "stable" };
        let status = if i % 47 == 0 { 500 } else { 200 };
        let latency = match i {
            30_001 | 60_002 => "fast".to_owned(),
            _ => format!("{}.{}", 100 + i * 37 % 4999, i % 10),
        };
        let note = if i % 20_000 == 19_999 {
            "\"two\nlines, quoted\""
        } else {
            "plain"
        };
        let id = if i == 50_000 { 7 } else { i };
        writeln!(
            text,
            "2026-03-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z,r{id},u{user},{variant},{status},{latency},{note}"
        )
        .unwrap();
    }
    text
}

fn on_threads(n: usize, path: &std::path::Path) -> (Loaded, String) {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(n)
        .build()
        .unwrap();
    pool.install(|| {
        let loaded = load(&LoadRequest::of(path), &Progress::unwatched()).unwrap();
        let settings = AnalysisSettings::default();
        let analysis = analyze(&loaded.log, &settings, &Progress::unwatched()).unwrap();
        let text = json::analysis(&analysis).unwrap().to_string();
        (loaded, text)
    })
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.csv");
    fs::write(&path, text(70_000)).unwrap();
    let (one, one_text) = on_threads(1, &path);
    let (four, four_text) = on_threads(4, &path);
    assert_eq!(one_text, four_text);
    assert_eq!(one.issues, four.issues);
    assert_eq!(format!("{:?}", one.log), format!("{:?}", four.log));
}

#[test]
fn pieces_of_a_file_join_without_a_seam() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.csv");
    let whole = text(70_000);
    fs::write(&path, &whole).unwrap();
    let (loaded, _) = on_threads(2, &path);
    let log = &loaded.log;
    assert_eq!((log.n_rows(), loaded.n_rows_in_file), (70_000, 70_000));
    let units = log.units.as_ref().unwrap();
    // Users are numbered in the order of the file.
    let mut seen = std::collections::BTreeMap::new();
    for i in 0..70_000 {
        let next = seen.len() as u32;
        seen.entry(i * i % 4001).or_insert(next);
    }
    assert_eq!(units.n_units as usize, seen.len());
    for at in (0..70_000).step_by(331) {
        let row = log.row[at] as usize;
        assert_eq!(units.id[at], seen[&(row * row % 4001)], "row {row}");
    }
    let ids = log.request_id.as_ref().unwrap();
    let shared: Vec<u32> = (0..70_000)
        .filter(|i| ids.of_row(*i) > 1)
        .map(|i| log.row[i])
        .collect();
    assert_eq!(shared, [7, 50_000]);
    // The line of a value as an editor counts it, quoted newlines included.
    let bad = loaded
        .issues
        .iter()
        .find(|i| i.message == "Not a number")
        .unwrap();
    let line_of = |needle: &str| {
        let at = whole.find(needle).unwrap();
        whole[..at].matches('\n').count() as u64 + 1
    };
    assert_eq!(bad.lines, [line_of("r30001,"), line_of("r60002,")]);
}
