//! Reports of cells: the figures of the requests, and in the place of what is missing, that it is.

use std::path::Path;

use serde_json::Value;

use crate::cells::{hindsight, sample, text};
use crate::support::program::is_english;

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn a_report_of_cells_shows_the_same_and_names_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    hindsight(&["cells", text(&sample()), "--out", text(&at("c"))]);
    let outputs: Vec<_> = ["r.md", "r.json", "r.html", "r.pdf"].map(at).to_vec();
    let mut arguments = vec!["report".to_owned(), text(&at("c")).to_owned()];
    for output in &outputs {
        arguments.extend(["-o".to_owned(), text(output).to_owned()]);
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    hindsight(&arguments);
    let rows = at("rows.md");
    hindsight(&["report", text(&sample()), "-o", text(&rows)]);
    let (md, rows) = (read(&outputs[0]), read(&rows));
    // Section by section, what needs requests stands where it would be.
    let section = |title: &str| {
        let from = md
            .find(&format!("## {title}"))
            .unwrap_or_else(|| panic!("{title}"));
        let rest = &md[from + 3..];
        rest[..rest.find("\n## ").unwrap_or(rest.len())].to_owned()
    };
    for (title, what) in [
        ("Can the log be trusted?", "Checks of single requests"),
        ("Latency", "The exact distribution of latencies"),
        (
            "Tests and their assumptions",
            "Tests beside the one that decides",
        ),
        ("Tests and their assumptions", "The effect at every look"),
        (
            "What the rollout strategy adds",
            "The effect by day since users met",
        ),
        ("Scorecard", "Errors by code"),
        ("Rollback rules", "needs finer cells"),
        ("Rule lab: can the rules be trusted?", "The rule lab"),
        (
            "Examples of bad requests",
            "Single requests that went badly",
        ),
    ] {
        let own = section(title);
        assert!(own.contains(what), "{title}: {own}");
        assert!(own.contains("needs the request log"), "{title}: {own}");
    }
    assert!(section("Latency").contains("within ±1 %"));
    assert!(section("Scorecard").contains("±1 %"));
    assert!(
        md.contains("inference is by user wherever it can be"),
        "{md}"
    );
    assert!(!md.contains("names no users"), "{md}");
    // Counts and means are the same words in both.
    let mut n_same = 0;
    for line in rows.lines().filter(|line| {
        line.starts_with("| Error share<br>") || line.starts_with("| Mean rating<br>")
    }) {
        let figures = line.split('|').nth(2).unwrap().trim();
        n_same += usize::from(md.contains(figures));
    }
    assert_eq!(n_same, 2);
    let json: Value = serde_json::from_str(&read(&outputs[1])).unwrap();
    assert_eq!(json["analysis"]["cells"]["quantile_relative_error"], 0.01);
    assert_eq!(json["replay"]["grain_us"], 900_000_000_u64);
    assert_eq!(json["load"]["inputs"].as_array().unwrap().len(), 3);
    // The same again, from the report itself.
    hindsight(&["report", text(&at("c")), "--from", text(&outputs[1])]);
    assert!(std::fs::metadata(&outputs[3]).unwrap().len() > 50_000);
    assert!(read(&outputs[2]).contains("needs the request log"));
}

/// Whatever cells add to a report is said in its language.
#[test]
fn reports_of_cells_speak_chinese_and_korean() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    hindsight(&["cells", text(&sample()), "--out", text(&at("c"))]);
    for language in ["zh", "ko"] {
        let (of_cells, of_rows) = (at("cells.md"), at("rows.md"));
        for (log, path) in [(at("c"), &of_cells), (sample(), &of_rows)] {
            hindsight(&[
                "report",
                text(&log),
                "-o",
                text(path),
                "--language",
                language,
            ]);
        }
        let rows = read(&of_rows);
        let left: Vec<String> = read(&of_cells)
            .split(['\n', '|', '*', '。'])
            .flat_map(|part| part.split(". "))
            .map(|part| part.trim().to_owned())
            .filter(|part| is_english(part) && !rows.contains(part.as_str()))
            .collect();
        assert!(left.is_empty(), "{language}: {left:#?}");
    }
}
