//! The Rollback screen: rules of another file beside these, another plan, and what changed in time.

use eframe::egui;
use egui::{Role, Theme};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use hindsight::app::{App, Rival, Screen};
use hindsight::rules::{Replay, beside, changes, presets, with_threshold};

use crate::support::harness::{sample, settle, show, window_on};

fn replay(window: &Harness<'_, App>) -> std::sync::Arc<Replay> {
    window.state().session.replay.value.clone().unwrap()
}

/// Rules of a second file, one with a threshold that nothing reaches, stand beside those of the document
/// until they are closed.
#[test]
fn rules_of_another_file_stand_beside_these() {
    let mut window = window_on(&sample("canary-rollout-20k.csv"), Theme::Light);
    show(&mut window, Screen::Rollback);
    let mut other = presets::rulebook(&["quality-monitor"]).unwrap();
    for condition in 0..4 {
        other = with_threshold(&other, 0, condition, 1e6).unwrap();
    }
    window.state_mut().state.rival = Some(Rival {
        path: "calmer.toml".into(),
        rulebook: other,
    });
    settle(&mut window);
    let theirs = window.state().session.rival.replay.value.clone().unwrap();
    assert!(theirs.rules[0].first.is_none());
    window.get_by_label("Beside the rules of another file");
    window.get_by_label("calmer.toml");
    let ours = replay(&window);
    let change = beside(&ours, &theirs)[0].change();
    assert_eq!(change, "no longer fires");
    window.get_by_label(&change);
    // A filter moves both.
    let before = theirs.rules[0].evaluations;
    let from_us = ours.time_zero_us + ours.last_event_us / 2;
    let command = hindsight::app::Command::SetTimeRange(Some(from_us), None);
    window.state_mut().ask(command);
    settle(&mut window);
    let theirs = window.state().session.rival.replay.value.clone().unwrap();
    assert!(theirs.rules[0].evaluations < before);
    window
        .get_by_role_and_label(Role::Button, "Close")
        .click_accesskit();
    settle(&mut window);
    assert!(window.state().state.rival.is_none());
    assert!(
        window
            .query_by_label("Beside the rules of another file")
            .is_none()
    );
}

/// A plan is chosen from the list: what became of the log is said, a plan that asks for more is refused,
/// and the rollout as it was comes back.
#[test]
fn another_plan_is_replayed_and_a_larger_one_is_refused() {
    let mut window = window_on(&sample("canary-rollout-20k.csv"), Theme::Light);
    show(&mut window, Screen::Rollback);
    let as_it_was = replay(&window);
    window
        .get_by_role_and_label(Role::ComboBox, "Rollout that is replayed")
        .click_accesskit();
    window.run();
    window
        .get_by_role_and_label(Role::Button, "gradual-rollout")
        .click_accesskit();
    settle(&mut window);
    let planned = replay(&window);
    let facts = planned.replanned.as_ref().unwrap();
    assert_eq!(facts.plan, "gradual-rollout");
    for sentence in facts.sentences() {
        window.get_by_label(&sentence);
    }
    window.state_mut().state.replay_plan = Some("all-at-once".to_owned());
    settle(&mut window);
    window.get_by_label_contains("cannot be replayed on this log");
    window.state_mut().state.replay_plan = None;
    settle(&mut window);
    assert_eq!(*replay(&window), *as_it_was);
}

/// States, stages and what the conditions saw, in order of time.
#[test]
fn what_changed_is_listed_in_order_of_time() {
    let mut window = window_on(&sample("canary-rollout-20k.csv"), Theme::Light);
    show(&mut window, Screen::Rollback);
    let found = replay(&window);
    let done = &found.rules[0];
    let n = done.transitions.len() as u64 + done.transitions_omitted;
    let header = format!("{} changes of state", hindsight::units::count(n));
    window.get_by_label(&header).click_accesskit();
    settle(&mut window);
    let rulebook = window.state().state.document.rulebook.clone();
    let listed = changes(&found, done, Some(&rulebook.rules[0]));
    assert!(listed.is_sorted_by_key(|change| change.time_us));
    assert!(
        listed[0].what.starts_with("stage 1 begins: "),
        "{:?}",
        listed[0]
    );
    let firing = listed
        .iter()
        .find(|change| change.what.starts_with("firing: "))
        .unwrap();
    let first = done.first.as_ref().unwrap();
    assert_eq!((firing.time_us, firing.row), (first.time_us, first.row));
    assert!(firing.saw[0].starts_with(&format!("{}: ", first.causes[0])));
    window.get_by_label(&listed[0].what);
}
