//! The window in Chinese and Korean: its texts are complete, change at run time and are remembered.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use eframe::egui::{Role, Theme};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use hindsight::app::{App, Command, Screen, UiCommand};
use hindsight::language::Language;

use crate::support::harness::{picture, sample, settle, show, window_on, window_with_storage};
use crate::support::program::is_english;

fn speak(window: &mut Harness<'_, App>, language: Language) {
    window
        .state_mut()
        .ask(Command::Ui(UiCommand::Speak(language)));
    settle(window);
}

#[test]
fn the_language_changes_at_once_and_back() {
    let mut window = window_on(&sample("aa.csv"), Theme::Light);
    show(&mut window, Screen::Overview);
    window.get_by_label("Scorecard");
    speak(&mut window, Language::Chinese);
    window.get_by_role_and_label(Role::Button, "回滚").click();
    settle(&mut window);
    assert_eq!(window.state().state.screen, Screen::Rollback);
    speak(&mut window, Language::Korean);
    window.get_by_role_and_label(Role::Button, "개요").click();
    settle(&mut window);
    window.get_by_label("스코어카드");
    speak(&mut window, Language::English);
    window.get_by_label("Scorecard");
}

#[test]
fn the_language_is_remembered() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = window_with_storage(folder.path());
    speak(&mut window, Language::Korean);
    drop(window);
    let mut window = window_with_storage(folder.path());
    window.run();
    window.get_by_label("파일");
}

#[test]
fn pictures_in_other_languages() {
    let mut window = window_on(&sample("canary-rollout-20k.csv"), Theme::Light);
    for (language, screen, name) in [
        (Language::Chinese, Screen::Overview, "overview-chinese"),
        (Language::Korean, Screen::Tests, "tests-korean"),
    ] {
        speak(&mut window, language);
        window.state_mut().ask(Command::Show(screen));
        settle(&mut window);
        picture(&mut window, name);
    }
}

/// What a user reads on the screens of the sample is in the language that was chosen, but for names
/// and the few sentences that no table has yet: each of these is one less to read.
#[test]
fn nearly_nothing_on_screen_stays_english() {
    let mut window = window_on(&sample("canary-rollout-20k.csv"), Theme::Light);
    for language in [Language::Chinese, Language::Korean] {
        speak(&mut window, language);
        let (mut n_texts, mut left) = (0, BTreeSet::new());
        for screen in Screen::ALL {
            window.state_mut().ask(Command::Show(screen));
            settle(&mut window);
            for node in window.query_all_by(|_| true) {
                let node = node.accesskit_node();
                let Some(label) = node.label().or_else(|| node.value()) else {
                    continue;
                };
                n_texts += 1;
                if is_english(&label) {
                    left.insert(label);
                }
            }
        }
        assert!(n_texts > 500, "{n_texts} texts in {language:?}");
        assert!(
            left.len() * 50 < n_texts,
            "{} of {n_texts} texts are not in {language:?}: {left:#?}",
            left.len()
        );
    }
}

/// Every `tr("…")` and `tr(format!("…"))` of the window.
#[test]
fn every_text_of_the_window_is_in_the_tables() {
    let mut missing = BTreeSet::new();
    for (path, source) in sources(&["src/app"]) {
        for after in source.split("tr(").skip(1) {
            let after = after.trim_start();
            let literal = after.strip_prefix("format!(").unwrap_or(after);
            let Some(text) = literal.trim_start().strip_prefix('"').map(unquoted) else {
                continue;
            };
            if text.contains("}{") {
                continue; // put together from parts
            }
            // A number stands at every place.
            let text = text
                .split('{')
                .enumerate()
                .map(|(i, part)| match part.split_once('}') {
                    Some((_, rest)) if i > 0 => format!("7{rest}"),
                    _ => part.to_owned(),
                })
                .collect::<String>();
            for language in [Language::Chinese, Language::Korean] {
                if text.contains(|c: char| c.is_ascii_alphabetic())
                    && language.known(&text).is_none()
                {
                    missing.insert(format!("{}: {text}", path.display()));
                }
            }
        }
    }
    assert!(
        missing.is_empty(),
        "add to assets/texts/window.toml: {missing:#?}"
    );
}

/// What is drawn goes through the tables: a text given to a widget as it stands stays English.
#[test]
fn no_widget_is_given_a_text_as_it_stands() {
    const WIDGETS: [&str; 12] = [
        ".label(",
        ".strong(",
        ".weak(",
        ".heading(",
        "Button::new(",
        ".button(",
        ".small_button(",
        ".hint_text(",
        ".accessible_name(",
        ".on_hover_text(",
        ".suffix(",
        ".menu_button(",
    ];
    // What is no text: an example of SQL, units.
    const FINE: [&str; 4] = ["CASE WHEN", " s", " %", "GB"];
    let mut found = BTreeSet::new();
    for (path, source) in sources(&["src/app"]) {
        for widget in WIDGETS {
            for after in source.split(widget).skip(1) {
                let after = after.trim_start().trim_start_matches('&');
                let after = after.strip_prefix("format!(").unwrap_or(after);
                let Some(text) = after.trim_start().strip_prefix('"').map(unquoted) else {
                    continue;
                };
                // Places hold what was translated, or names.
                let words = text.split(['{', '}']).step_by(2).collect::<String>();
                let is_fine = FINE.iter().any(|fine| text.trim().starts_with(fine.trim()));
                if words.contains(|c: char| c.is_ascii_alphabetic()) && !is_fine {
                    found.insert(format!("{}: {widget}{text}", path.display()));
                }
            }
        }
    }
    assert!(found.is_empty(), "say these through tr: {found:#?}");
}

#[test]
fn signs_stay_before_what_they_mark() {
    let say = |language: Language| language.say("▼ after 41 min 38 s");
    assert_eq!(say(Language::Chinese), "▼ 41 min 38 s 后");
    assert_eq!(say(Language::Korean), "▼ 41 min 38 s 후");
    let why = "numbers 5.40 to 64,864, median 3,206, milliseconds";
    let said = Language::Chinese.say(why);
    assert_eq!(said, "数值，5.40 至 64,864，中位数 3,206，毫秒");
    let mut window = window_on(&sample("canary-rollout-20k.csv"), Theme::Light);
    show(&mut window, Screen::Overview);
    speak(&mut window, Language::Chinese);
    // The legend of a forest: no arm is called so.
    window
        .get_all_by_role_and_label(Role::CheckBox, "界值")
        .next()
        .unwrap();
}

/// An entry whose English nobody says any more was reworded in the code: reword it in the tables.
#[test]
fn nearly_every_entry_is_said_somewhere() {
    let mut said = String::new();
    for (_, source) in sources(&["src", "assets/presets"]) {
        for literal in source.split('"') {
            said += &unquoted(literal).to_lowercase();
            said.push('\n');
        }
    }
    let (mut n_entries, mut stale) = (0, BTreeSet::new());
    for (_, table) in sources(&["assets/texts"]) {
        let entries: toml::Table = toml::from_str(&table).unwrap();
        for english in entries.keys() {
            n_entries += 1;
            let pieces = english.split('{').enumerate().map(|(i, piece)| {
                let words = piece.split_once('}').filter(|_| i > 0);
                words.map_or(piece, |(_, words)| words)
            });
            for piece in pieces {
                let edges = |c: char| !c.is_alphanumeric();
                let words = piece.trim_matches(edges).to_lowercase();
                if !said.contains(&words) {
                    stale.insert(english.clone());
                }
            }
        }
    }
    assert!(
        stale.len() * 20 < n_entries,
        "{} of {n_entries} are said nowhere in src: {stale:#?}",
        stale.len()
    );
}

/// Text files below folders of the repository.
fn sources(folders: &[&str]) -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut open: Vec<PathBuf> = folders.iter().map(|folder| root.join(folder)).collect();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(
                fs::read_dir(path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        } else if path.extension().is_some_and(|e| e == "rs" || e == "toml") {
            found.push((path.clone(), fs::read_to_string(path).unwrap()));
        }
    }
    found
}

/// A string literal from behind its opening quote to its end, as it reads.
fn unquoted(source: &str) -> String {
    let mut text = String::new();
    let mut chars = source.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => break,
            '\\' => match chars.next() {
                Some('n') => text.push('\n'),
                Some('\n') => {
                    let rest = chars.as_str().trim_start();
                    chars = rest.chars();
                }
                Some(other) => text.push(other),
                None => break,
            },
            _ => text.push(c),
        }
    }
    text
}
