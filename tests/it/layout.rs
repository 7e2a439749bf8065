//! Where things stand in the window: nothing is cut off that is needed, whatever names a log holds.

use std::fmt::Write as _;
use std::fs;

use eframe::egui;
use egui::{Role, Theme};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use hindsight::app::{App, Screen};

use crate::support::harness::{press, sample, settle, show, window_on};

/// A log whose names are as long, and in as many scripts, as names get.
fn hostile(folder: &std::path::Path) -> std::path::PathBuf {
    let arms = ["稳定版-v1（生产环境·对照组）", "카나리-🚀🔥 v2"];
    let values = [
        format!("long {}", "segment ".repeat(37)),
        "עברית".to_owned(),
    ];
    let mut text = "timestamp,variant,user_id,status,latency_ms,language\n".to_owned();
    for i in 0..1200_u32 {
        let (arm, value) = (arms[(i % 2) as usize], &values[(i / 2 % 2) as usize]);
        let status = if i % 37 == 0 { 500 } else { 200 };
        let latency = 300 + i * 7919 % 900 + 200 * (i % 2);
        let (minute, second) = (i / 60, i % 60);
        writeln!(
            text,
            "2026-03-02T06:{minute:02}:{second:02}Z,{arm},u{},{status},{latency},{value}",
            i % 301
        )
        .unwrap();
    }
    let path = folder.join("a-name-of-a-log-as-exports-of-tools-make-them-2026-03-02-06.csv");
    fs::write(&path, text).unwrap();
    path
}

fn rect(window: &Harness<'_, App>, role: Role, name: &str) -> egui::Rect {
    let mut found = window.get_all_by_role_and_label(role, name);
    found.next().unwrap().rect()
}

/// Also where it begins below the fold, and where a narrow window breaks the line of choices.
#[test]
fn a_narrow_window_shows_what_matters() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = window_on(&hostile(folder.path()), Theme::Light);
    window.set_size(egui::vec2(1024.0, 640.0));
    show(&mut window, Screen::Overview);
    for heading in ["Verdict", "Difference and interval"] {
        for node in window.get_all_by_label(heading) {
            assert!(node.rect().right() < 1024.0, "{heading}: {:?}", node.rect());
        }
    }
    for name in ["Control", "Treatment", "Segment"] {
        let (label, choice) = (
            rect(&window, Role::Label, name),
            rect(&window, Role::ComboBox, name),
        );
        let apart = (label.center().y - choice.center().y).abs();
        assert!(apart < 2.0, "{name}: {label:?} beside {choice:?}");
    }
}

/// An interval without its end tells nothing.
#[test]
fn intervals_are_shown_whole() {
    let mut window = window_on(&sample("canary-rollout.parquet"), Theme::Light);
    window.set_size(egui::vec2(1180.0, 2600.0));
    show(&mut window, Screen::Overview);
    let analysis = window.state().session.analysis.value.clone().unwrap();
    let changes = analysis.scorecard.iter().filter_map(|row| {
        let d = row.effects[0].difference?;
        let (lower, upper) = (d.interval.lower, d.interval.upper);
        Some(row.form.change_with_interval(d.value, lower, upper))
    });
    let shown = changes.max_by_key(|shown| shown.chars().count()).unwrap();
    assert!(shown.chars().count() > 30, "{shown}");
    let cell = rect(&window, Role::Label, &shown);
    let heading = rect(&window, Role::Label, "Difference and interval");
    assert!((cell.right() - heading.right()).abs() < 2.0);
    // As wide as its characters, not cut to a narrower column.
    assert!(
        cell.width() > 6.0 * shown.chars().count() as f32,
        "{cell:?}"
    );
}

/// All rows of the map of segments, without a scroll bar of its own.
#[test]
fn the_map_of_segments_shows_its_rows() {
    let mut window = window_on(&sample("canary-rollout-20k.csv"), Theme::Light);
    window.set_size(egui::vec2(1280.0, 3400.0));
    show(&mut window, Screen::Overview);
    let note = window.get_by_label_contains("Treatment minus control within each value");
    let below = note.rect().top();
    let analysis = window.state().session.analysis.value.clone().unwrap();
    let map = hindsight::report::segment_map::segment_map(&analysis).unwrap();
    assert!(map.rows.len() > 3, "{} rows", map.rows.len());
    for row in map.rows.iter().take(8) {
        let place = format!("{} = {}", row.worst.segment, row.worst.shown_value());
        let mut found = window.get_all_by_label(&place);
        let at = found.next().unwrap().rect();
        assert!(
            at.bottom() < below,
            "{place} at {at:?}, the note at {below}"
        );
    }
}

/// Long values of a segment leave the chart its axes.
#[test]
fn a_forest_of_long_names_keeps_its_axes() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = window_on(&hostile(folder.path()), Theme::Light);
    window.set_size(egui::vec2(1024.0, 1800.0));
    show(&mut window, Screen::Tests);
    settle(&mut window);
    let title = "Error share by language";
    let mut charts = window.get_all_by_label_contains(title);
    let plot = charts.find(|node| {
        use egui_kittest::kittest::NodeT as _;
        node.accesskit_node().role() == Role::Image
    });
    let plot = plot.unwrap().rect();
    let card = rect(&window, Role::Label, title);
    let labels = plot.left() - card.left();
    assert!(
        (150.0..400.0).contains(&labels),
        "{labels} points of labels"
    );
    assert!(plot.right() < 1000.0 && plot.width() > 400.0, "{plot:?}");
}

/// Rows are as high as their text, and a page stays where it was when they leave the view.
#[test]
fn long_cells_wrap_and_keep_their_room() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = window_on(&hostile(folder.path()), Theme::Light);
    window.set_size(egui::vec2(1024.0, 3000.0));
    show(&mut window, Screen::Overview);
    settle(&mut window);
    // The name of the first arm is wider than its column.
    let arm = "稳定版-v1（生产环境·对照组）";
    let analysis = window.state().session.analysis.value.clone().unwrap();
    assert!(analysis.arms.iter().any(|known| known.name == arm));
    for heading in ["Metric", "Relative", "p"] {
        let found = window.get_all_by_label(heading).next().unwrap().rect();
        assert!(found.right() < 1024.0, "{heading}: {found:?}");
    }
    let whole = rect(&window, Role::Label, "Segments, the most harmful first");
    window.set_size(egui::vec2(1024.0, 640.0));
    settle(&mut window);
    let heading = |window: &Harness<'_, App>| {
        let name = "Segments, the most harmful first";
        rect(window, Role::Label, name).top() - rect(window, Role::Label, "Scorecard").top()
    };
    let before = heading(&window);
    window
        .get_by_role_and_label(Role::Label, "Segments, the most harmful first")
        .scroll_to_me();
    settle(&mut window);
    let after = heading(&window);
    assert!(
        (before - after).abs() < 1.0,
        "{before} became {after}, {whole:?}"
    );
}

/// The window that opened the sample by itself says what it shows, until that is read or another log is open.
#[test]
fn the_first_look_says_that_it_is_a_sample() {
    let mut window = window_on(&sample("canary-rollout.parquet"), Theme::Light);
    let words = "This is a bundled sample, a made-up canary rollout.";
    assert!(window.query_by_label(words).is_none());
    window.state_mut().state.shows_start = true;
    window.run();
    assert!(window.query_by_label(words).is_some());
    press(&mut window, "Open a log of your own");
    assert_eq!(window.state().state.screen, Screen::Log);
    assert!(window.get_by_label("Log file").is_focused());
    assert!(
        window
            .query_by_label("Open sample: A/A, nothing differs")
            .is_some()
    );
    press(&mut window, "Look at the sample");
    assert!(window.query_by_label(words).is_none());
}
