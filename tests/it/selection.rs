//! Selecting rows: on the command line and by dragging over charts, with the same figures.

use hindsight::units::Clock;
use serde_json::json;

use crate::support::program::{Dir, log_of, stderr};

#[test]
fn a_stretch_of_time_and_of_latency_is_selected_and_told() {
    let dir = Dir::new();
    let log = dir.write("log.csv", &log_of(["stable", "canary"], [1, 1]));
    let n = |arguments: &[&str]| -> u64 {
        let all = [&["analyze", &log, "--json"], arguments].concat();
        dir.json(&all)["log"]["n_requests"].as_u64().unwrap()
    };
    let all = n(&[]);
    let early = n(&["--until", "5m"]);
    let late = n(&["--since", "5m"]);
    assert!(early > 0 && late > 0, "{early} {late}");
    assert_eq!(early + late, all);
    let found = dir.json(&["analyze", &log, "--json", "--since", "2026-03-02T06:05Z"]);
    assert_eq!(
        found["settings"]["filter"]["from_us"],
        json!(1_772_431_500_000_000_i64)
    );
    let found = dir.json(&["replay", &log, "--json", "--latency", "..10min"]);
    assert_eq!(
        found["filter"]["latency"],
        json!({ "from_ms": null, "to_ms": 600_000.0 })
    );
    let none = dir.run(&["analyze", &log, "--latency", "10min.."]);
    assert_eq!(none.status.code(), Some(1));
    assert!(stderr(&none).contains("The filter leaves no request"));
    assert!(
        stderr(&none).contains("ranges of latency"),
        "{}",
        stderr(&none)
    );
    let swapped = dir.run(&["analyze", &log, "--since", "9m", "--until", "3m"]);
    assert!(stderr(&swapped).contains("--since is not before --until"));
}

#[cfg(feature = "gui")]
mod window {
    use eframe::egui;
    use egui::{Modifiers, Role, Theme};
    use egui_kittest::Harness;
    use egui_kittest::kittest::{NodeT as _, Queryable as _};
    use hindsight::analysis::analyze;
    use hindsight::app::{App, Screen};
    use hindsight::data::Quantity;
    use hindsight::jobs::Progress;

    use super::Clock;
    use crate::support::harness::{sample, settle, show, window_on};

    fn n_requests(window: &Harness<'_, App>) -> u64 {
        let analysis = window.state().session.analysis.value.clone().unwrap();
        analysis.log.n_requests
    }

    /// Drags over the middle third of a chart.
    fn brush(window: &mut Harness<'_, App>, chart: &str) {
        let node = window.get_by_role_and_label(Role::Image, chart);
        let rect = node.rect();
        let at = |share: f32| egui::pos2(rect.left() + rect.width() * share, rect.center().y);
        window.hover_at(at(0.33));
        window.step();
        window.drag_at(at(0.33));
        window.step();
        window.hover_at(at(0.5));
        window.step();
        window.hover_at(at(0.66));
        window.step();
        window.drop_at(at(0.66));
        settle(window);
    }

    fn chart_title(window: &Harness<'_, App>, start: &str) -> String {
        let mut all = window.get_all_by_label_contains(start);
        let node = all.find(|node| node.accesskit_node().role() == Role::Image);
        node.and_then(|node| node.accesskit_node().label()).unwrap()
    }

    #[test]
    fn a_drag_over_a_trend_selects_that_time_on_every_screen() {
        let mut window = window_on(&sample("canary-rollout-20k.csv"), Theme::Light);
        let all = n_requests(&window);
        show(&mut window, Screen::Trends);
        let title = chart_title(&window, "Requests over time");
        brush(&mut window, &title);
        let filter = window.state().state.document.settings.filter.clone();
        assert!(filter.from_us.is_some() && filter.to_us.is_some());
        assert!(n_requests(&window) < all / 2);
        let loaded = window.state().session.loaded.value.clone().unwrap();
        assert_eq!(loaded.log.clock, Clock::Epoch);
        // What the command line computes for the same selection.
        let settings = window.state().state.document.settings.clone();
        let same = analyze(&loaded.log, &settings, &Progress::unwatched()).unwrap();
        assert_eq!(same.log.n_requests, n_requests(&window));
        window.get_by_label("Only");
        window.key_press_modifiers(Modifiers::COMMAND, egui::Key::Z);
        settle(&mut window);
        assert_eq!(n_requests(&window), all);
    }

    #[test]
    fn a_drag_over_the_histogram_selects_latencies_and_a_click_takes_them_back() {
        let mut window = window_on(&sample("canary-rollout-20k.csv"), Theme::Light);
        let all = n_requests(&window);
        show(&mut window, Screen::Latency);
        let title = chart_title(&window, "End-to-end latency: histogram");
        brush(&mut window, &title);
        let range = window.state().state.document.settings.filter.latency;
        let range = range.unwrap();
        let loaded = window.state().session.loaded.value.clone().unwrap();
        let latency = loaded.log.quantity(Quantity::LatencyMs).unwrap();
        let (from, to) = (range.from_ms.unwrap(), range.to_ms.unwrap());
        let inside = latency.iter().filter(|ms| (from..to).contains(*ms)).count();
        assert_eq!(n_requests(&window), inside as u64);
        assert!(inside > 0 && (inside as u64) < all);
        window.get_by_label_contains(": take back").click();
        settle(&mut window);
        assert_eq!(n_requests(&window), all);
    }
}
