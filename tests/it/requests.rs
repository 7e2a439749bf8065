//! The requests behind the numbers, and first firings while a threshold moves.

use eframe::egui;
use egui::{Key, Modifiers, Role, Theme};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
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

/// What the listing holds: arms, and the times of its requests.
fn listed_arms(window: &Harness<'_, App>) -> (std::collections::BTreeSet<u16>, i64) {
    let run = &window.state().session.requests;
    let listing = run.listing.value.clone().unwrap();
    let arms = listing.order.iter().map(|i| listing.log.arm[*i as usize]);
    let times = listing
        .order
        .iter()
        .map(|i| listing.log.event_us[*i as usize]);
    (arms.collect(), times.max().unwrap())
}

/// Clicks into a chart, at a share of its width and height.
fn click_in(window: &mut Harness<'_, App>, title: &str, (x, y): (f32, f32)) {
    let rect = window
        .get_all_by_label_contains(title)
        .rfind(|node| node.accesskit_node().role() == Role::Image)
        .unwrap()
        .rect();
    let at = egui::pos2(
        rect.left() + rect.width() * x,
        rect.top() + rect.height() * y,
    );
    window.hover_at(at);
    window.step();
    window.drag_at(at);
    window.step();
    window.drop_at(at);
    settle(window);
}

#[test]
fn the_numbers_of_the_tests_lead_to_their_requests() {
    let mut window = window_on(&sample("canary-rollout-20k.csv"), Theme::Light);
    window.set_size(egui::vec2(1180.0, 2000.0));
    show(&mut window, Screen::Tests);
    press(&mut window, "p95 latency");
    let analysis = window.state().session.analysis.value.clone().unwrap();
    let row = analysis.scorecard.iter().find(|r| r.id == "latency_p95");
    let row = row.unwrap();
    let treatment = analysis.treatment.unwrap();
    let value = &row.values[treatment];
    window
        .get_by_role_and_label(Role::Link, &row.form.value(value.estimate.unwrap().value))
        .click_accesskit();
    settle(&mut window);
    assert_eq!(listed(&window).len() as u64, value.n);
    assert_eq!(listed_arms(&window).0, [treatment as u16].into());

    // A moment of the effect over time: what had been seen by the look before it.
    click_in(&mut window, "p95 latency: effect over time", (0.6, 0.5));
    let series = analysis
        .over_time
        .iter()
        .find(|s| s.metric == "latency_p95");
    let looks: Vec<i64> = series.unwrap().points.iter().map(|p| p.time_us).collect();
    let (after, until) = window.state().state.requests.query.within_us.unwrap();
    assert_eq!(after, i64::MIN);
    assert!(looks[1..looks.len() - 1].contains(&until), "{until}");
    let (arms, last) = listed_arms(&window);
    assert_eq!(arms, [0, 1].into());
    assert!(last <= until);

    // A row of the forest: its segment, of both arms.
    let harmed = analysis.segments.iter();
    let harmed = harmed.clone().find(|s| s.metric == "latency_p95").unwrap();
    click_in(&mut window, "p95 latency by segment", (0.5, 0.03));
    let chosen = window
        .state()
        .state
        .document
        .settings
        .filter
        .segment
        .clone();
    assert_eq!(chosen, Some((harmed.segment.clone(), harmed.value.clone())));
    let n = listed(&window).len() as u64;
    assert_eq!(n, harmed.n.0 + harmed.n.1);
}

#[test]
fn what_a_plan_is_filled_from_leads_to_its_requests() {
    let mut window = window_on(&sample("canary-rollout-20k.csv"), Theme::Light);
    show(&mut window, Screen::Plan);
    let analysis = window.state().session.analysis.value.clone().unwrap();
    let shown = |metric: &str| {
        let row = analysis.scorecard.iter().find(|r| r.id == metric).unwrap();
        let value = &row.values[analysis.control];
        (row.form.value(value.estimate.unwrap().value), value.n)
    };
    let failed = &analysis.arms[analysis.control].outcomes;
    let failed = failed.error + failed.rate_limited;
    window
        .get_by_role_and_label(Role::Link, &shown("error_share").0)
        .click_accesskit();
    settle(&mut window);
    assert_eq!(listed(&window).len() as u64, failed);
    press(&mut window, "A quantile (p95 latency)");
    let (p95, n) = shown("latency_p95");
    window
        .get_by_role_and_label(Role::Link, &p95)
        .click_accesskit();
    settle(&mut window);
    assert_eq!(listed(&window).len() as u64, n);
}
