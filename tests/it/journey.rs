//! One sitting from a log to a report, by what stands on the screen; then everything again from the
//! saved project. The figures are those that the command line prints.

use std::fs;

use eframe::egui;
use egui::{Key, Modifiers, Role, Theme};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use hindsight::app::{App, Command, Screen};
use hindsight::ingest::{LoadRequest, Role as ColumnRole};
use hindsight::report::json;
use hindsight::{rules, units};
use serde_json::Value;

use crate::support::harness::{press, sample, settle, show, step_until, window, window_on};
use crate::support::program::Dir;

fn analysis_json(window: &Harness<'_, App>) -> Value {
    json::analysis(window.state().session.analysis.value.as_ref().unwrap()).unwrap()
}

fn replay_json(window: &Harness<'_, App>) -> Value {
    rules::json::to_json(window.state().session.replay.value.as_ref().unwrap()).unwrap()
}

/// That a text stands on the screen, once at least.
#[track_caller]
fn stands(window: &Harness<'_, App>, text: &str) {
    assert!(
        window.query_all_by_label_contains(text).next().is_some(),
        "the screen does not say {text:?}"
    );
}

#[test]
fn from_a_log_to_a_report_and_back_from_the_project() {
    let dir = Dir::new();
    let log = dir.path("log.csv");
    fs::copy(sample("aa.csv"), &log).unwrap();
    let mut window = window();
    settle(&mut window);

    // Open.
    window.get_by_label("Log file").focus();
    window
        .get_by_label("Log file")
        .type_text(&log.display().to_string());
    window.run();
    press(&mut window, "Open");

    // Correct the mapping: without ratings.
    show(&mut window, Screen::Log);
    let has_rating = |window: &Harness<'_, App>| {
        let value = analysis_json(window);
        let rows = value["scorecard"].as_array().unwrap().clone();
        rows.iter().any(|row| row["id"] == "rating_mean")
    };
    assert!(has_rating(&window));
    window.state_mut().ask(Command::AssignRole {
        column: "rating".to_owned(),
        role: None,
    });
    settle(&mut window);
    assert!(!has_rating(&window));
    press(&mut window, "Undo");
    assert!(has_rating(&window));

    // Compare: the screen says what the command line says.
    let printed = dir.json(&["analyze", "log.csv", "--json"]);
    assert_eq!(analysis_json(&window), printed);
    show(&mut window, Screen::Overview);
    let analysis = window.state().session.analysis.value.clone().unwrap();
    for row in analysis.scorecard.iter().filter(|row| row.role.decides()) {
        let effect = row.effects.first().unwrap().difference.unwrap();
        let interval = effect.interval;
        let shown = row
            .form
            .change_with_interval(effect.value, interval.lower, interval.upper);
        stands(&window, &shown);
    }
    show(&mut window, Screen::Latency);
    // The first row: of a table below the edge of the screen no others are drawn.
    let p25 = analysis.latency[0].arms[0].quantiles[0].estimate;
    let (lower, upper) = (p25.interval.lower, p25.interval.upper);
    let shown = units::ValueForm::LatencyMs.value_with_interval(p25.value, lower, upper);
    stands(&window, &shown);
    show(&mut window, Screen::Trends);
    stands(&window, "Requests over time");

    // Test.
    show(&mut window, Screen::Tests);
    let report = &analysis.tests[0];
    stands(&window, &units::p_value(report.tests[0].result.p));

    // Plan.
    show(&mut window, Screen::Plan);
    press(&mut window, "Fill from this log");
    stands(&window, "in the control and");

    // Replay.
    let replayed = dir.json(&["replay", "log.csv", "--json"]);
    assert_eq!(replay_json(&window)["rules"], replayed["rules"]);
    show(&mut window, Screen::Rollback);
    let replay = window.state().session.replay.value.clone().unwrap();
    let fires = replay.rules[0].first.as_ref().unwrap().time_us;
    stands(&window, &units::duration_us(fires));

    // Drag a threshold out of reach, and back by undo.
    window
        .get_by_role_and_label(Role::Slider, "Threshold of error_relative")
        .set_value_accesskit(1e6);
    settle(&mut window);
    let dragged = replay_json(&window);
    assert_ne!(dragged["rules"], replayed["rules"]);
    window.key_press_modifiers(Modifiers::COMMAND, Key::Z);
    settle(&mut window);
    assert_eq!(replay_json(&window)["rules"], replayed["rules"]);
    window.key_press_modifiers(Modifiers::COMMAND, Key::Y);
    settle(&mut window);
    assert_eq!(replay_json(&window)["rules"], dragged["rules"]);

    // Lab.
    show(&mut window, Screen::Lab);
    press(&mut window, "100");
    press(&mut window, "Run the lab");
    let lab = window.state().session.lab.value.clone().unwrap();
    stands(&window, &hindsight::lab::words::verdict(&lab.rules[0]));

    // Select, export.
    window.state_mut().ask(Command::SetSegment(Some((
        "task".to_owned(),
        "code".to_owned(),
    ))));
    settle(&mut window);
    let selected = dir.json(&["analyze", "log.csv", "--json", "--segment", "task=code"]);
    assert_eq!(analysis_json(&window), selected);
    show(&mut window, Screen::Report);
    let html = dir.path("decision.html");
    window.state_mut().state.report.path_text = html.display().to_string();
    window.run();
    press(&mut window, "Write the report");
    let analysis = window.state().session.analysis.value.clone().unwrap();
    let (what, _) = analysis.decision.headline.split_once(": ").unwrap();
    assert!(fs::read_to_string(&html).unwrap().contains(what));

    // Save, close, open again.
    let project = dir.path("sitting.hindsight");
    window
        .state_mut()
        .ask(Command::SaveProject(project.clone()));
    step_until(&mut window, "the project is saved", |window| {
        window.state().state.project.path.is_some()
    });
    settle(&mut window);
    let document = window.state().state.document.clone();
    let (figures, replayed) = (analysis_json(&window), replay_json(&window));
    drop(window);
    let again = window_on(&project, Theme::Light);
    let opened = &again.state().state.document;
    assert_eq!(opened.settings, document.settings);
    assert_eq!(opened.rulebook, document.rulebook);
    assert_eq!(analysis_json(&again), figures);
    assert_eq!(replay_json(&again), replayed);
}

/// A load that is not waited for leaves the log on screen, and what was done with it, as it was.
#[test]
fn a_cancelled_load_leaves_the_log_and_its_history() {
    let mut window = window_on(&sample("aa.csv"), Theme::Light);
    window.state_mut().ask(Command::AssignRole {
        column: "rating".to_owned(),
        role: Some(ColumnRole::Metric),
    });
    settle(&mut window);
    let before = analysis_json(&window);
    let request = LoadRequest::of(sample("canary-rollout.parquet"));
    window.state_mut().ask(Command::OpenLog(request.into()));
    window.step();
    let job = window
        .state()
        .session
        .jobs()
        .first()
        .map(|job| job.id)
        .unwrap();
    window.state_mut().ask(Command::CancelJob(job));
    settle(&mut window);
    assert_eq!(analysis_json(&window), before);
    stands(&window, "Loading was cancelled");
    press(&mut window, "Undo");
    assert_ne!(analysis_json(&window), before);
}
