//! Labels that try to run as markup, steer a terminal, or hide: shown as the text that they are.

use std::fs;

use crate::support::program::{Dir, assert_self_contained, log_of, stderr};

const HOSTILE: [&str; 2] = [
    "<script>alert(1)</script>\u{1b}]0;owned\u{7}",
    "\u{202e}=HYPERLINK(\"http://evil.example\")\u{9b}2J\u{200b}\u{7f}",
];

/// Escape codes, and characters that turn or hide text, never reach a terminal.
#[test]
fn no_text_of_a_log_steers_the_terminal() {
    let dir = Dir::new();
    let log = dir.write("log.csv", &log_of(HOSTILE, [1, 9]));
    let harmless = |c: char| {
        c == '\n' || !(c.is_control() || matches!(c, '\u{200b}' | '\u{202a}'..='\u{202e}'))
    };
    for command in ["inspect", "analyze", "replay", "report"] {
        for arguments in [vec![command, &log], vec![command, &log, "--json"]] {
            let output = dir.run(&arguments);
            for text in [&output.stdout, &output.stderr].map(|b| String::from_utf8_lossy(b)) {
                let found: Vec<char> = text.chars().filter(|c| !harmless(*c)).collect();
                assert!(found.is_empty(), "{arguments:?}: {found:?}");
            }
        }
    }
    // JSON keeps the labels whole, as escapes.
    let found = dir.json(&["inspect", &log, "--json"]);
    assert_eq!(
        [&found["arms"][0]["name"], &found["arms"][1]["name"]],
        HOSTILE
    );
    let name = "no\u{1b}[2Jsuch.csv";
    let said = stderr(&dir.run(&["inspect", name]));
    assert!(
        said.chars().all(harmless) && said.contains("such.csv"),
        "{said:?}"
    );
}

#[test]
fn a_report_shows_hostile_labels_as_text() {
    let dir = Dir::new();
    // Column names and segment values are text of the log too.
    let lines = log_of(HOSTILE, [1, 9]);
    let with_segment = |(i, line): (usize, &str)| {
        let value = ["<img src=x onerror=alert(1)>", "\u{2066}b"][i / 2 % 2];
        let cell = if i == 0 { "<b>region\u{7}" } else { value };
        format!("{line},{cell}\n")
    };
    let text: String = lines.lines().enumerate().map(with_segment).collect();
    let log = dir.write("log.csv", &text);
    dir.ok(&["report", &log]);
    let html = fs::read_to_string(dir.path("report.html")).unwrap();
    assert!(!html.to_lowercase().contains("<script"));
    assert!(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;⟨U+001B⟩]0;owned⟨U+0007⟩"));
    assert!(html.contains("⟨U+202E⟩=HYPERLINK("));
    assert!(html.contains("&lt;b&gt;region⟨U+0007⟩") && html.contains("⟨U+2066⟩b"));
    assert!(html.contains("⟨U+009B⟩2J⟨U+200B⟩⟨U+007F⟩"));
    let unseen = |c: char| c != '\n' && (c.is_control() || matches!(c, '\u{200b}' | '\u{202e}'));
    assert!(!html.contains(unseen));
    assert_self_contained(&html);
}
