//! The requests behind the numbers, and first firings while a threshold moves.

use eframe::egui;
use egui::{Key, Modifiers, Role, Theme};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use hindsight::app::{App, Command, FirstFires, Screen};
use hindsight::data::Quantity;
use hindsight::rules::with_threshold;

use crate::support::harness::{press, sample, settle, show, window_on};

fn listed(window: &Harness<'_, App>) -> Vec<u32> {
    let listing = window
        .state()
        .session
        .requests
        .listing
        .value
        .clone()
        .unwrap();
    listing
        .order
        .iter()
        .map(|i| listing.log.row[*i as usize])
        .collect()
}

#[test]
fn a_number_of_the_scorecard_leads_to_its_requests() {
    let mut window = window_on(&sample("canary-rollout-20k.csv"), Theme::Light);
    show(&mut window, Screen::Overview);
    let analysis = window.state().session.analysis.value.clone().unwrap();
    let row = analysis
        .scorecard
        .iter()
        .find(|r| r.id == "error_share")
        .unwrap();
    let treatment = analysis.treatment.unwrap();
    let shown = row
        .form
        .value(row.values[treatment].estimate.unwrap().value);
    window
        .get_all_by_role_and_label(Role::Link, &shown)
        .last()
        .unwrap()
        .click_accesskit();
    settle(&mut window);
    let outcomes = &analysis.arms[treatment].outcomes;
    let n_failed = outcomes.error + outcomes.rate_limited;
    assert_eq!(listed(&window).len() as u64, n_failed);

    // Sorted by latency, the longest first.
    press(&mut window, "Sort by Latency");
    press(&mut window, "Sort by Latency");
    let listing = window
        .state()
        .session
        .requests
        .listing
        .value
        .clone()
        .unwrap();
    let latency = listing.log.quantity(Quantity::LatencyMs).unwrap();
    let values: Vec<f64> = listing.order.iter().map(|i| latency[*i as usize]).collect();
    assert!(values.windows(2).all(|pair| pair[0] >= pair[1]));
    assert!(values.len() as u64 == n_failed);

    // One in full, as the file has it.
    let first = listed(&window)[0];
    let number = hindsight::units::count(u64::from(first) + 1);
    window
        .get_by_role_and_label(Role::Button, &format!("Data row {number} in full"))
        .click_accesskit();
    settle(&mut window);
    let text = std::fs::read_to_string(sample("canary-rollout-20k.csv")).unwrap();
    let line = text.lines().nth(first as usize + 1).unwrap();
    let id = line.split(',').find(|cell| cell.starts_with('r')).unwrap();
    window.get_by_label(id);
}

#[test]
fn the_table_follows_the_selection_and_is_searched() {
    let mut window = window_on(&sample("canary-rollout-20k.csv"), Theme::Light);
    window.key_press_modifiers(Modifiers::COMMAND, Key::R);
    settle(&mut window);
    let all = listed(&window).len();
    assert_eq!(all, 20_000);
    let segment = Some(("language".to_owned(), "한국어".to_owned()));
    window.state_mut().ask(Command::SetSegment(segment));
    settle(&mut window);
    let korean = listed(&window);
    assert!(!korean.is_empty() && korean.len() < all / 2);
    let number = korean[3] + 1;
    window.state_mut().state.requests.query.search = number.to_string();
    settle(&mut window);
    assert_eq!(listed(&window), [number - 1]);
}

/// What a drag shows at once is what the replay finds.
#[test]
fn the_preview_of_a_threshold_is_the_replay() {
    let mut window = window_on(&sample("canary-rollout-20k.csv"), Theme::Light);
    show(&mut window, Screen::Rollback);
    let rulebook = window.state().state.document.rulebook.clone();
    let threshold = rulebook.rules[0].conditions()[0].comparison.threshold();
    for factor in [0.5, 1.0, 2.0, 4.0, 1_000.0] {
        let moved = with_threshold(&rulebook, 0, 0, threshold * factor).unwrap();
        let preview = window.state().session.thresholds.first(&moved.rules[0]);
        window
            .state_mut()
            .ask(Command::SetThreshold(0, 0, threshold * factor));
        settle(&mut window);
        let replay = window.state().session.replay.value.clone().unwrap();
        let found = match &replay.rules[0].first {
            Some(first) => FirstFires::At(first.time_us),
            None => FirstFires::Never,
        };
        assert_eq!(preview, Some(found), "{factor} times the threshold");
    }
}
