//! The program in a folder of its own, and logs made for it.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

/// A folder in which commands run.
pub(crate) struct Dir(pub(crate) TempDir);

impl Dir {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        fs::write(self.path(name), text).unwrap();
        name.to_owned()
    }

    /// The names of the files in it.
    pub(crate) fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).unwrap();
        let name = |e: std::io::Result<fs::DirEntry>| e.unwrap().file_name().into_string().unwrap();
        let mut names: Vec<String> = entries.map(name).collect();
        names.sort();
        names
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_hindsight"))
            .args(arguments)
            .current_dir(self.0.path())
            .output()
            .unwrap()
    }

    /// Standard output of a command that must succeed.
    #[track_caller]
    pub(crate) fn ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            stderr(&output)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    #[track_caller]
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.ok(arguments)).unwrap()
    }

    /// A command that must fail: nothing on standard output, the message on standard error.
    #[track_caller]
    pub(crate) fn fails(&self, arguments: &[&str], code: i32, message: &str) {
        let output = self.run(arguments);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
        assert!(said.contains(message), "{arguments:?}: {said}");
    }
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Four English words in a row: names of columns, arms and tests have fewer.
pub(crate) fn is_english(text: &str) -> bool {
    let is_word = |word: &str| word.len() > 1 && word.chars().all(|c| c.is_ascii_lowercase());
    let words: Vec<&str> = text.split([' ', ',', ':', '.', ';']).collect();
    words.windows(4).any(|four| four.iter().all(|w| is_word(w)))
}

/// A log of two arms; the second has another error share.
pub(crate) fn log_of(arms: [&str; 2], errors: [usize; 2]) -> String {
    let mut text = "timestamp,user_id,variant,status,latency_ms,rating\n".to_owned();
    for i in 0..2000 {
        let (minute, second) = (i / 60 % 60, i % 60);
        let status = if i / 2 % 100 < errors[i % 2] {
            500
        } else {
            200
        };
        let label = format!("\"{}\"", arms[i % 2].replace('"', "\"\""));
        writeln!(
            text,
            "2026-03-02T06:{minute:02}:{second:02}Z,u{},{label},{status},{}.5,{}",
            i % 400,
            200 + i * 7 % 100,
            1 + i % 5
        )
        .unwrap();
    }
    text
}

/// One file: no script, and nothing that a browser would fetch.
#[track_caller]
pub(crate) fn assert_self_contained(html: &str) {
    let lower = html.to_lowercase();
    for tag in [
        "<script", "<link", "<iframe", "<img", "<object", "<embed", "<base", "<form", "@import",
    ] {
        assert!(!lower.contains(tag), "{tag}");
    }
    for attribute in ["href=\"", "src=\"", "action=\"", "srcset=\"", "url("] {
        for (at, _) in lower.match_indices(attribute) {
            let target = &lower[at + attribute.len()..];
            assert!(
                target.starts_with('#'),
                "{}",
                &target[..target.len().min(60)]
            );
        }
    }
    assert!(lower.contains("default-src 'none'"));
}
