//! The window by role and label, whole journeys, and its pictures.

use std::path::Path;

use eframe::egui;
use egui::{Key, Modifiers, Role, Theme};
use egui_kittest::kittest::Queryable as _;
use hindsight::analysis::{AnalysisSettings, analyze};
use hindsight::app::{Command, Screen};
use hindsight::data::Quantity;
use hindsight::ingest::{LoadRequest, load};
use hindsight::jobs::Progress;

use crate::support::harness::{picture, press, sample, settle, show, window, window_on};

#[test]
fn a_log_opens_by_the_path_field_and_shows_the_computed_decision() {
    let path = sample("canary-rollout-20k.csv");
    let mut window = window();
    window.run();
    window.get_by_label("Log file").focus();
    window
        .get_by_label("Log file")
        .type_text(&path.display().to_string());
    window.run();
    window.get_by_role_and_label(Role::Button, "Open").click();
    settle(&mut window);
    show(&mut window, Screen::Overview);

    let loaded = load(&LoadRequest::of(path), &Progress::unwatched()).unwrap();
    let analysis = analyze(
        &loaded.log,
        &AnalysisSettings::default(),
        &Progress::unwatched(),
    )
    .unwrap();
    let (what, why) = analysis.decision.headline.split_once(": ").unwrap();
    window.get_by_label(what);
    // The sentence stands on its own there, so its first letter may be a capital.
    window.get_by_label_contains(&why[1..]);
    for check in analysis.health.iter().filter(|c| !c.advice.is_empty()) {
        assert!(
            window.query_all_by_label(&check.finding).next().is_some(),
            "{}",
            check.finding
        );
    }
}

/// What the values do not tell is asked first, and one click answers it.
#[test]
fn a_question_is_answered_by_a_click() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("whole.csv");
    let row = |i: usize| {
        let arm = ["stable", "canary"][i % 2];
        format!("2026-03-02T06:00:{:02}Z,{arm},{}\n", i % 60, 1 + i % 9)
    };
    let rows: String = (0..60).map(row).collect();
    std::fs::write(&path, format!("ts,variant,took\n{rows}")).unwrap();
    let mut window = window_on(&path, Theme::Light);
    show(&mut window, Screen::Log);
    window.get_by_label("What unit is `took` in?");
    window
        .get_by_role_and_label(Role::Button, "milliseconds")
        .click();
    settle(&mut window);
    assert!(window.query_by_label("What unit is `took` in?").is_none());
    let loaded = window.state().session.loaded.value.clone().unwrap();
    let latency = loaded.log.quantity(Quantity::LatencyMs).unwrap();
    assert!(latency.iter().all(|ms| *ms < 10.0));
}

#[test]
fn every_screen_rests_and_has_named_inputs() {
    let mut window = window_on(&sample("canary-rollout-20k.csv"), Theme::Light);
    for screen in Screen::ALL {
        show(&mut window, screen);
        window.get_by_label(screen.question());
    }
}

#[test]
fn screens_open_by_keys() {
    let mut window = window_on(&sample("aa.csv"), Theme::Light);
    window.key_press_modifiers(Modifiers::COMMAND, Key::Num7);
    settle(&mut window);
    assert_eq!(window.state().state.screen, Screen::Rollback);
}

#[test]
fn the_list_of_shortcuts_opens_and_closes_by_keys() {
    let mut window = window_on(&sample("aa.csv"), Theme::Light);
    let is_open = |window: &egui_kittest::Harness<'_, hindsight::app::App>| {
        let mut found = window.query_all_by_label("Keyboard shortcuts");
        found.next().is_some()
    };
    window.key_press(Key::F1);
    settle(&mut window);
    assert!(is_open(&window));
    window.key_press(Key::Escape);
    settle(&mut window);
    assert!(!is_open(&window));
}

#[test]
fn a_corrected_role_is_read_again_and_can_be_undone() {
    let mut window = window_on(&sample("aa.csv"), Theme::Light);
    let has_rating = |window: &egui_kittest::Harness<'_, hindsight::app::App>| {
        let loaded = window.state().session.loaded.value.clone().unwrap();
        loaded.log.quantity(Quantity::Rating).is_some()
    };
    assert!(has_rating(&window));
    window.state_mut().ask(Command::AssignRole {
        column: "rating".to_owned(),
        role: None,
    });
    settle(&mut window);
    assert!(!has_rating(&window), "the rating column is still read");
    window.get_by_role_and_label(Role::Button, "Undo").click();
    settle(&mut window);
    assert!(has_rating(&window), "undo does not bring the rating back");
}

/// Rules of another system take the place of the present ones, with what became of their fields; undo
/// brings the rules back, and what Prometheus can express is written.
#[test]
fn rules_of_another_system_are_opened_and_exported() {
    let mut window = window_on(&sample("canary-rollout-20k.csv"), Theme::Light);
    let rules = |window: &egui_kittest::Harness<'_, hindsight::app::App>| {
        let replay = window.state().session.replay.value.clone().unwrap();
        let ids = replay.rules.iter().map(|rule| rule.id.clone());
        ids.collect::<Vec<String>>()
    };
    let presets = rules(&window);
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/imports/prometheus.yml");
    window.state_mut().ask(Command::OpenRules(file));
    settle(&mut window);
    assert_eq!(window.state().state.screen, Screen::Rollback);
    let alerts = [
        "ErrorShareHigh",
        "SlowTail",
        "WorseThanStable",
        "SuccessLow",
        "CostUp",
    ];
    assert_eq!(rules(&window), alerts);
    window.get_by_label("Prometheus alerting rules: 5 rules");
    window.get_by_label_contains("groups[0].limit: 10 has no counterpart");
    let folder = tempfile::tempdir().unwrap();
    let written = folder.path().join("rules.yml");
    window
        .state_mut()
        .ask(Command::ExportRules(written.clone()));
    settle(&mut window);
    let text = std::fs::read_to_string(written).unwrap();
    assert!(text.contains("alert: \"ErrorShareHigh\""), "{text}");
    window.get_by_role_and_label(Role::Button, "Undo").click();
    settle(&mut window);
    assert_eq!(rules(&window), presets);
}

/// Rules of a file that could not be read stand in the report that the window writes, as in the command line's.
#[test]
fn a_report_names_the_rules_that_could_not_be_read() {
    let mut window = window_on(&sample("canary-rollout-20k.csv"), Theme::Light);
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("rules.toml");
    let rule = |id: &str, key: &str| {
        format!(
            "[[rule]]\nid = '{id}'\nclock = 'request'\nany = [ {{ metric = 'error_share', \
             window = {{ last = 100 }}, cmp = '>', {key} = 0.2 }} ]\n"
        )
    };
    std::fs::write(&rules, rule("good", "value") + &rule("bad", "valu")).unwrap();
    window.state_mut().ask(Command::OpenRules(rules));
    settle(&mut window);
    show(&mut window, Screen::Report);
    let report = folder.path().join("report.json");
    window.state_mut().state.report.path_text = report.display().to_string();
    window.run();
    press(&mut window, "Write the report");
    let text = std::fs::read_to_string(report).unwrap();
    let written: serde_json::Value = serde_json::from_str(&text).unwrap();
    let told = written["replay"]["rules"].as_array().unwrap();
    let ids: Vec<&str> = told.iter().filter_map(|rule| rule["id"].as_str()).collect();
    assert_eq!(ids, ["good", "bad"]);
    let why = told[1]["skipped"].as_str().unwrap();
    assert!(why.contains("`valu`") && why.contains("line 8"), "{why}");
    // The presets come without them.
    window.get_by_role_and_label(Role::Button, "Undo").click();
    settle(&mut window);
    assert!(window.state().state.document.unread_rules.is_empty());
}

#[test]
fn moving_a_threshold_moves_the_firing_and_undo_brings_it_back() {
    let mut window = window_on(&sample("canary-rollout-20k.csv"), Theme::Light);
    show(&mut window, Screen::Rollback);
    let first = |window: &egui_kittest::Harness<'_, hindsight::app::App>| {
        let replay = window.state().session.replay.value.clone().unwrap();
        replay.rules[0]
            .first
            .clone()
            .map(|firing| (firing.row, firing.causes))
    };
    let before = first(&window);
    assert!(before.is_some(), "QualityMonitor fires on the sample");
    for threshold in [
        "error_absolute",
        "error_relative",
        "rating_drop",
        "latency_p95",
    ] {
        window
            .get_by_role_and_label(Role::Slider, &format!("Threshold of {threshold}"))
            .set_value_accesskit(1e6);
        settle(&mut window);
    }
    let after = first(&window);
    assert_ne!(before, after);
    for _ in 0..4 {
        window.get_by_role_and_label(Role::Button, "Undo").click();
        settle(&mut window);
    }
    assert_eq!(first(&window), before);
}

#[test]
fn a_segment_narrows_every_number() {
    let mut window = window_on(&sample("canary-rollout-20k.csv"), Theme::Light);
    let n_requests = |window: &egui_kittest::Harness<'_, hindsight::app::App>| {
        window
            .state()
            .session
            .analysis
            .value
            .as_ref()
            .unwrap()
            .log
            .n_requests
    };
    let all = n_requests(&window);
    window.state_mut().ask(Command::SetSegment(Some((
        "language".to_owned(),
        "한국어".to_owned(),
    ))));
    settle(&mut window);
    assert!(n_requests(&window) < all / 2);
    window.get_by_role_and_label(Role::Button, "Undo").click();
    settle(&mut window);
    assert_eq!(n_requests(&window), all);
}

#[test]
fn what_is_wrong_with_a_file_is_said_with_what_to_do() {
    let mut window = window_on(&sample("no-such-file.csv"), Theme::Light);
    show(&mut window, Screen::Log);
    let error = window.state().session.loaded.error.clone().unwrap();
    window.get_by_label_contains("Cannot read the file");
    window.get_by_label(&error.hint);
}

#[test]
fn a_log_that_fails_leaves_the_one_on_screen() {
    let mut window = window_on(&sample("aa.csv"), Theme::Light);
    window.state_mut().ask(Command::OpenLog(
        LoadRequest::of(sample("no-such-file.csv")).into(),
    ));
    settle(&mut window);
    let state = window.state();
    assert!(state.session.loaded.error.is_some());
    assert_eq!(state.state.document.log, [sample("aa.csv")]);
    assert!(state.session.analysis.value.is_some() && !state.session.is_out_of_date());
}

#[test]
fn a_repaired_file_opens_at_the_same_path() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.csv");
    std::fs::write(&path, "").unwrap();
    let mut window = window_on(&path, Theme::Light);
    assert!(window.state().session.loaded.error.is_some());
    std::fs::copy(sample("aa.csv"), &path).unwrap();
    window
        .state_mut()
        .ask(Command::OpenLog(LoadRequest::of(path).into()));
    settle(&mut window);
    assert_eq!(window.state().session.loaded.error, None);
    assert!(window.state().session.analysis.value.is_some());
}

#[test]
fn the_report_on_disk_says_what_the_screen_says() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("decision.html");
    let mut window = window_on(&sample("aa.csv"), Theme::Light);
    show(&mut window, Screen::Report);
    window.state_mut().state.report.path_text = path.display().to_string();
    window.run();
    window
        .get_by_role_and_label(Role::Button, "Write the report")
        .click();
    settle(&mut window);
    window
        .get_all_by_label_contains("Report written to")
        .next()
        .expect("the window says where the report is");
    let html = std::fs::read_to_string(&path).unwrap();
    let analysis = window.state().session.analysis.value.clone().unwrap();
    let (what, _) = analysis.decision.headline.split_once(": ").unwrap();
    assert!(html.contains(what), "{what}");
}

#[test]
fn a_cancelled_load_leaves_a_working_window() {
    let mut window = window();
    window.run();
    window.state_mut().ask(Command::OpenLog(
        LoadRequest::of(sample("canary-rollout.parquet")).into(),
    ));
    window.step();
    let job = window.state().session.jobs().first().map(|job| job.id);
    if let Some(id) = job {
        window.state_mut().ask(Command::CancelJob(id));
    }
    settle(&mut window);
    window
        .state_mut()
        .ask(Command::OpenLog(LoadRequest::of(sample("aa.csv")).into()));
    settle(&mut window);
    assert_eq!(
        window
            .state()
            .session
            .loaded
            .value
            .as_ref()
            .unwrap()
            .log
            .name,
        "aa.csv"
    );
}

#[test]
fn pictures_in_light() {
    let mut window = window_on(&sample("canary-rollout-20k.csv"), Theme::Light);
    // Where the checkout lies must not be in the picture.
    window.state_mut().state.path_text = "canary-rollout-20k.csv".to_owned();
    for (screen, name) in [
        (Screen::Log, "log"),
        (Screen::Overview, "overview"),
        (Screen::Latency, "latency"),
        (Screen::Rollback, "rollback"),
        (Screen::Plan, "plan"),
    ] {
        show(&mut window, screen);
        picture(&mut window, name);
    }
}

#[test]
fn pictures_in_dark() {
    let mut window = window_on(&sample("aa.csv"), Theme::Dark);
    for (screen, name) in [
        (Screen::Overview, "overview-dark"),
        (Screen::Trends, "trends-dark"),
    ] {
        show(&mut window, screen);
        picture(&mut window, name);
    }
}

#[test]
fn a_rule_is_tried_and_its_calibrated_version_taken_over() {
    let mut window = window_on(&sample("aa.csv"), Theme::Light);
    show(&mut window, Screen::Lab);
    window.get_by_label("Nothing was tried yet.");
    window.get_by_role_and_label(Role::Button, "100").click();
    window.run();
    window
        .get_by_role_and_label(Role::Button, "Run the lab")
        .click();
    settle(&mut window);
    let lab = window.state().session.lab.value.clone().unwrap();
    let trial = &lab.rules[0];
    assert_eq!(trial.id, "quality-monitor");
    assert_eq!(trial.false_rollback.n, 100);
    assert!(lab.rules.len() > 1, "the other rules stand beside it");
    window.get_by_label(&hindsight::lab::words::verdict(trial));
    picture(&mut window, "lab");
    let rule = |window: &egui_kittest::Harness<'_, hindsight::app::App>| {
        window.state().state.document.rulebook.rules[0].clone()
    };
    let before = rule(&window);
    let at = lab
        .frontier
        .iter()
        .position(|point| point.calibrated == Some(0))
        .unwrap();
    window.state_mut().state.lab.point = Some(at);
    window.run();
    window
        .get_by_role_and_label(Role::Button, "Use this version")
        .click_accesskit();
    settle(&mut window);
    let after = rule(&window);
    assert_eq!(after, trial.calibrated[0].rulebook.rules[0]);
    assert_ne!(before, after);
    window.get_by_role_and_label(Role::Button, "Undo").click();
    settle(&mut window);
    assert_eq!(rule(&window), before);
}
