//! Faults while the window is open.

use std::fs;

use eframe::egui;
use egui::Theme;
use egui_kittest::Harness;
use hindsight::app::{App, Command};
use hindsight::ingest::LoadRequest;

use super::SmallDisk;
use crate::support::harness::{sample, settle, step_until, window_on, window_with_storage};
use crate::support::program::Dir;

fn notice(window: &Harness<'_, App>) -> String {
    let notice = window.state().state.notice.as_ref();
    notice.map_or_else(String::new, |notice| notice.text.clone())
}

fn change(window: &mut Harness<'_, App>, level: f64) {
    let mut settings = window.state().state.document.settings.clone();
    settings.level = level;
    window.state_mut().ask(Command::SetSettings(settings));
    settle(window);
}

fn save(window: &mut Harness<'_, App>, path: &std::path::Path) {
    window.state_mut().state.notice = None;
    window
        .state_mut()
        .ask(Command::SaveProject(path.to_path_buf()));
    step_until(window, "the project was saved or not", |window| {
        window.state().state.notice.is_some()
    });
    settle(window);
}

/// Where there is no room, the window says so, keeps what is on screen as unsaved, and saves it elsewhere.
#[test]
fn a_full_disk_costs_no_work() {
    let dir = Dir::new();
    let path = dir.path("disk");
    let Some(disk) = SmallDisk::at(&path) else {
        return;
    };
    disk.fill();
    let mut window = window_on(&sample("aa.csv"), Theme::Light);
    change(&mut window, 0.9);
    save(&mut window, &path.join("work.hindsight"));
    assert!(
        notice(&window).contains("The disk is full"),
        "{}",
        notice(&window)
    );
    assert_eq!(disk.files(), Vec::<String>::new());
    assert!(
        window
            .state()
            .state
            .project
            .is_changed(&window.state().state.document)
    );
    let elsewhere = dir.path("work.hindsight");
    save(&mut window, &elsewhere);
    assert!(
        notice(&window).starts_with("Project saved"),
        "{}",
        notice(&window)
    );
    assert!(
        fs::read_to_string(elsewhere)
            .unwrap()
            .contains("\"level\": 0.9")
    );
}

/// A second window does not undo what the first one saved.
#[test]
fn two_windows_on_one_project() {
    let dir = Dir::new();
    let path = dir.path("work.hindsight");
    let mut first = window_on(&sample("aa.csv"), Theme::Light);
    save(&mut first, &path);
    let storage = dir.path("storage");
    let mut second = window_with_storage(&storage);
    second
        .state_mut()
        .ask(Command::OpenLog(LoadRequest::of(&path).into()));
    settle(&mut second);
    assert_eq!(
        second.state().state.project.path.as_deref(),
        Some(path.as_path())
    );
    change(&mut first, 0.9);
    save(&mut first, &path);
    let saved = fs::read(&path).unwrap();

    change(&mut second, 0.8);
    save(&mut second, &path);
    let said = notice(&second);
    assert!(
        said.contains("was changed since it was opened here"),
        "{said}"
    );
    assert!(said.contains("under another name"), "{said}");
    assert_eq!(
        fs::read(&path).unwrap(),
        saved,
        "what the first window saved"
    );
    let document = &second.state().state.document;
    assert!(document.settings.level == 0.8 && second.state().state.project.is_unsaved(document));
    save(&mut second, &dir.path("mine.hindsight"));
    assert!(notice(&second).starts_with("Project saved"));
    // The first goes on saving its own file, again and again.
    for level in [0.91, 0.92] {
        change(&mut first, level);
        save(&mut first, &path);
        assert!(
            notice(&first).starts_with("Project saved"),
            "{}",
            notice(&first)
        );
    }
}
