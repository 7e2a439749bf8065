//! Projects: saved, reopened, moved, changed behind their back, and brought back after a crash.

use std::fs;
use std::path::Path;

use eframe::egui;
use egui::{Key, Modifiers, Role, Theme};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use hindsight::analysis::DecisionKind;
use hindsight::app::{App, Command, Screen, SourceCommand, UiCommand};
use hindsight::ingest::{self, Derived, LoadRequest, Repeats, Side, SideKind};
use hindsight::report::{Context, Override};

use crate::support::harness::{
    press, sample, settle, step_until, window, window_on, window_with_storage,
};

/// A window on a copy of the sample with a few choices made.
fn investigated(log: &Path) -> Harness<'static, App> {
    fs::copy(sample("canary-rollout-20k.csv"), log).unwrap();
    let mut window = window_on(log, Theme::Light);
    let mut settings = window.state().state.document.settings.clone();
    settings.level = 0.9;
    window.state_mut().ask(Command::SetSettings(settings));
    window.state_mut().ask(Command::SetThreshold(0, 0, 0.125));
    settle(&mut window);
    window
}

fn saved(window: &mut Harness<'static, App>, path: &Path) {
    window
        .state_mut()
        .ask(Command::SaveProject(path.to_path_buf()));
    step_until(window, "the project is saved", |window| {
        window.state().state.project.path.is_some()
    });
    settle(window);
}

fn opened(path: &Path) -> Harness<'static, App> {
    let mut window = window();
    window
        .state_mut()
        .ask(Command::OpenLog(LoadRequest::of(path).into()));
    settle(&mut window);
    window
}

#[test]
fn what_the_analyst_adds_survives_closing_and_stays_with_its_log() {
    let folder = tempfile::tempdir().unwrap();
    let (log, project) = (
        folder.path().join("log.csv"),
        folder.path().join("p.hindsight"),
    );
    let mut first = investigated(&log);
    first.state_mut().ask(Command::Show(Screen::Report));
    settle(&mut first);
    let owner = first.get_by_role_and_label(Role::TextInput, "Owner");
    owner.click();
    owner.type_text("Ada");
    settle(&mut first);
    first.state_mut().state.document.context.overrule = Some(Override {
        decision: DecisionKind::Hold,
        reason: "Holiday".to_owned(),
        by: String::new(),
    });
    settle(&mut first);
    saved(&mut first, &project);

    let mut second = opened(&project);
    let context = &second.state().state.document.context;
    assert_eq!(context.owner, "Ada");
    let overrule = context.overrule.as_ref().unwrap();
    assert_eq!(overrule.decision, DecisionKind::Hold);
    assert_eq!(overrule.reason, "Holiday");
    let path = folder.path().join("r.md");
    second.state_mut().state.report.path_text = path.display().to_string();
    second.state_mut().ask(Command::Ui(UiCommand::Export));
    step_until(&mut second, "the report is written", |_| path.exists());
    let report = fs::read_to_string(&path).unwrap();
    assert!(report.contains("- Owner: Ada"), "{report}");
    assert!(report.contains("Decision by the analyst: ■ Hold"));

    let other = LoadRequest::of(sample("aa.csv"));
    second.state_mut().ask(Command::OpenLog(other.into()));
    settle(&mut second);
    assert_eq!(second.state().state.document.context, Context::default());
}

#[test]
fn a_saved_project_opens_in_the_same_state() {
    let folder = tempfile::tempdir().unwrap();
    let (log, project) = (
        folder.path().join("log.csv"),
        folder.path().join("p.hindsight"),
    );
    let mut first = investigated(&log);
    saved(&mut first, &project);
    let is_unsaved = |window: &Harness<'_, App>| {
        let state = &window.state().state;
        state.project.is_unsaved(&state.document)
    };
    assert!(!is_unsaved(&first));
    first.state_mut().ask(Command::SetThreshold(0, 0, 0.25));
    settle(&mut first);
    assert!(is_unsaved(&first), "a change has to be saved again");

    let second = opened(&project);
    let document = &second.state().state.document;
    assert_eq!(document.settings.level, 0.9);
    let condition = document.rulebook.rules[0].conditions()[0].clone();
    assert_eq!(condition.comparison.threshold(), 0.125);
    assert!(!is_unsaved(&second));
    let decision = |window: &Harness<'_, App>| {
        window
            .state()
            .session
            .analysis
            .value
            .clone()
            .unwrap()
            .decision
            .headline
            .clone()
    };
    assert_eq!(decision(&first), decision(&second));
}

/// Where the desktop has no file dialog, a path is typed.
#[test]
fn a_project_is_saved_and_rules_are_opened_by_typed_paths() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log.csv");
    let mut window = investigated(&log);
    window.key_press_modifiers(Modifiers::COMMAND, Key::S);
    settle(&mut window);
    let proposed = folder.path().join("log.hindsight");
    let asked = window.state().state.asked_path.clone().unwrap();
    assert_eq!(Path::new(&asked.path_text), proposed);
    let warning = "This file exists; what is in it will be replaced.";
    assert!(window.query_by_label(warning).is_none());
    fs::write(&proposed, "another file").unwrap();
    settle(&mut window);
    window.get_by_label(warning);
    press(&mut window, "Save");
    assert_eq!(window.state().state.project.path.as_ref(), Some(&proposed));
    let text = fs::read_to_string(&proposed).unwrap();
    assert!(text.contains("0.125"), "{text}");
    // Its own file is not asked for again.
    window.key_press_modifiers(Modifiers::COMMAND, Key::S);
    settle(&mut window);
    assert!(window.state().state.asked_path.is_none());

    window.state_mut().ask(Command::Ui(UiCommand::OpenRules));
    settle(&mut window);
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/imports/prometheus.yml");
    window
        .get_by_role_and_label(Role::TextInput, "Path of the file")
        .type_text(&file.display().to_string());
    window.key_press(Key::Enter);
    settle(&mut window);
    assert!(window.state().state.asked_path.is_none());
    window.get_by_label("Prometheus alerting rules: 5 rules");
}

#[test]
fn a_project_moves_with_its_log_and_notices_that_it_changed() {
    let folder = tempfile::tempdir().unwrap();
    let old = folder.path().join("old");
    fs::create_dir(&old).unwrap();
    let mut first = investigated(&old.join("log.csv"));
    saved(&mut first, &old.join("p.hindsight"));
    let new = folder.path().join("new");
    fs::rename(&old, &new).unwrap();
    let text = fs::read_to_string(new.join("log.csv")).unwrap();
    let last = text.lines().last().unwrap().to_owned();
    fs::write(new.join("log.csv"), format!("{text}{last}\n")).unwrap();

    let second = opened(&new.join("p.hindsight"));
    let state = &second.state().state;
    assert_eq!(state.document.log, [new.join("log.csv")]);
    let notice = state.notice.clone().unwrap().text;
    assert!(
        notice.contains("has changed since the project was saved"),
        "{notice}"
    );
}

#[test]
fn a_log_that_is_gone_is_asked_for_and_choices_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (log, project) = (
        folder.path().join("log.csv"),
        folder.path().join("p.hindsight"),
    );
    let mut first = investigated(&log);
    saved(&mut first, &project);
    drop(first);
    let elsewhere = folder.path().join("elsewhere.csv");
    fs::rename(&log, &elsewhere).unwrap();

    let mut second = opened(&project);
    assert_eq!(second.state().state.screen, Screen::Log);
    let notice = second.state().state.notice.clone().unwrap().text;
    assert!(notice.contains("Open it where it is now"), "{notice}");
    second
        .state_mut()
        .ask(Command::OpenLog(LoadRequest::of(&elsewhere).into()));
    settle(&mut second);
    let state = &second.state().state;
    assert_eq!(state.document.settings.level, 0.9);
    assert_eq!(state.project.path.as_deref(), Some(project.as_path()));
    assert!(
        state.project.is_unsaved(&state.document),
        "the new place has to be saved"
    );
}

#[test]
fn a_damaged_project_is_refused_and_the_log_on_screen_stays() {
    let folder = tempfile::tempdir().unwrap();
    let project = folder.path().join("p.hindsight");
    fs::write(&project, "{\"schema\": 1, \"logs\": [").unwrap();
    let mut window = window_on(&sample("aa.csv"), Theme::Light);
    window
        .state_mut()
        .ask(Command::OpenLog(LoadRequest::of(&project).into()));
    settle(&mut window);
    let notice = window.state().state.notice.clone().unwrap();
    assert!(
        notice.is_error && notice.text.contains("damaged"),
        "{}",
        notice.text
    );
    assert_eq!(window.state().state.document.log, [sample("aa.csv")]);
}

#[test]
fn after_a_crash_the_state_is_offered() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = window_with_storage(folder.path());
    first
        .state_mut()
        .ask(Command::OpenLog(LoadRequest::of(sample("aa.csv")).into()));
    settle(&mut first);
    first.state_mut().ask(Command::SetThreshold(0, 0, 0.125));
    let kept = folder.path().join("window-0.hindsight");
    step_until(&mut first, "the state is kept", |_| {
        fs::read_to_string(&kept).is_ok_and(|text| text.contains("0.125"))
    });
    drop(first); // as a crash: nobody called on_exit

    let mut second = window_with_storage(folder.path());
    second.run();
    second
        .get_by_role_and_label(Role::Button, "Bring it back")
        .click();
    settle(&mut second);
    let document = &second.state().state.document;
    assert_eq!(document.log, [sample("aa.csv")]);
    assert_eq!(
        document.rulebook.rules[0].conditions()[0]
            .comparison
            .threshold(),
        0.125
    );
    assert!(second.query_by_label("Bring it back").is_none());
}

#[test]
fn commands_are_found_by_typing() {
    let mut window = window_on(&sample("aa.csv"), Theme::Light);
    window.key_press_modifiers(Modifiers::COMMAND, Key::K);
    window.run();
    window.get_by_label("Command").type_text("latency");
    window.run();
    window.key_press(Key::Enter);
    settle(&mut window);
    assert_eq!(window.state().state.screen, Screen::Latency);
    assert!(
        window.query_by_label("Command").is_none(),
        "the palette closes"
    );
    // By arm, with arrows, and away without a choice.
    window.key_press_modifiers(Modifiers::COMMAND, Key::K);
    window.run();
    window.get_by_label("Command").type_text("treatment");
    window.run();
    window.key_press(Key::ArrowDown);
    window.run();
    window.key_press(Key::Escape);
    window.run();
    assert!(window.query_by_label("Command").is_none());
}

/// Tables beside the log and derived columns come back with the project, and undo takes them away.
#[test]
fn tables_and_expressions_are_part_of_a_project() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::copy(sample("canary-rollout-20k.csv"), path("log.csv")).unwrap();
    let text = fs::read_to_string(path("log.csv")).unwrap();
    let header: Vec<&str> = text.lines().next().unwrap().split(',').collect();
    let at = header
        .iter()
        .position(|name| *name == "request_id")
        .unwrap();
    let ids = text
        .lines()
        .skip(1)
        .map(|line| line.split(',').nth(at).unwrap());
    let rows = ids.step_by(10).enumerate();
    let scores: Vec<String> = rows.map(|(i, id)| format!("{id},{}\n", i % 2)).collect();
    fs::write(
        path("scores.csv"),
        format!("request_id,score\n{}", scores.concat()),
    )
    .unwrap();

    let mut window = window_on(&path("log.csv"), Theme::Light);
    let ask = |window: &mut Harness<'_, App>, command: SourceCommand| {
        window.state_mut().ask(Command::Sources(command));
        settle(window);
    };
    let found = |window: &Harness<'_, App>| {
        let loaded = window.state().session.loaded.value.clone().unwrap();
        let join = loaded
            .joins
            .first()
            .map(|j| (j.requests_matched, j.side.repeats));
        let derived: Vec<String> = loaded
            .mapping
            .derive
            .iter()
            .map(|d| d.name.clone())
            .collect();
        (join, derived)
    };
    let own = found(&window);
    let table = Side {
        kind: SideKind::Ratings,
        file: path("scores.csv"),
        ..Side::default()
    };
    ask(&mut window, SourceCommand::AddTable(table.into()));
    ask(&mut window, SourceCommand::SetRepeats(0, Repeats::Mean));
    let tier = Derived {
        name: "tier".to_owned(),
        expression: "CASE WHEN latency_ms > 3000 THEN 'slow' ELSE 'fast' END".to_owned(),
        role: Some(ingest::Role::Segment),
    };
    ask(&mut window, SourceCommand::AddDerived(tier));
    assert!(window.state().session.loaded.error.is_none());
    let all = (Some((2000, Some(Repeats::Mean))), vec!["tier".to_owned()]);
    assert_eq!(found(&window), all);
    let undo = |window: &mut Harness<'_, App>, command| {
        window.state_mut().ask(Command::Ui(command));
        settle(window);
    };
    undo(&mut window, UiCommand::Undo);
    assert_eq!(found(&window).1, Vec::<String>::new());
    undo(&mut window, UiCommand::Redo);
    assert_eq!(found(&window), all);
    saved(&mut window, &path("p.hindsight"));

    // In another folder: the table moves with the project.
    let moved = tempfile::tempdir().unwrap();
    for name in ["log.csv", "scores.csv", "p.hindsight"] {
        fs::rename(path(name), moved.path().join(name)).unwrap();
    }
    let again = opened(&moved.path().join("p.hindsight"));
    assert_eq!(found(&again), all);

    for _ in 0..3 {
        undo(&mut window, UiCommand::Undo);
    }
    // The files have gone meanwhile: nothing is read, and the undone choices stay undone.
    assert!(window.state().state.document.mapping.is_none());
    assert_eq!(own, (None, Vec::new()));
}

/// A log that grows while it is open is noticed; reading it again keeps every choice.
#[test]
fn a_growing_log_is_noticed_and_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log.csv");
    let mut window = investigated(&log);
    let n_before = window
        .state()
        .session
        .loaded
        .value
        .as_ref()
        .unwrap()
        .log
        .n_rows();
    let text = fs::read_to_string(&log).unwrap();
    let last = text.lines().last().unwrap();
    fs::write(&log, format!("{text}{last}\n")).unwrap();
    step_until(&mut window, "the change is noticed", |window| {
        window.state().session.change.is_some()
    });
    window.run();
    window.get_by_label_contains("log.csv has grown by");
    window.get_by_label("Reload").click();
    settle(&mut window);
    let app = window.state();
    assert!(app.session.change.is_none());
    let n_now = app.session.loaded.value.as_ref().unwrap().log.n_rows();
    assert_eq!(n_now, n_before + 1);
    assert_eq!(app.state.document.settings.level, 0.9);
    let condition = app.state.document.rulebook.rules[0].conditions()[0].clone();
    assert_eq!(condition.comparison.threshold(), 0.125);
    assert!(
        app.state.history.can_undo(),
        "reading again is no new start"
    );

    // A file that cannot be read any more takes nothing back.
    fs::write(&log, "").unwrap();
    step_until(&mut window, "the change is noticed", |window| {
        window.state().session.change.is_some()
    });
    window.state_mut().ask(Command::Reload);
    settle(&mut window);
    let app = window.state();
    assert!(app.session.loaded.error.is_some());
    assert_eq!(app.state.document.settings.level, 0.9);
    assert_eq!(
        app.session.loaded.value.as_ref().unwrap().log.n_rows(),
        n_now
    );
}
