//! What assistive technology is told: every control has a name, and the order is that of reading.

use eframe::egui;
use egui::accesskit::{Role, Toggled};
use egui::{Modifiers, Theme};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use hindsight::app::{App, Screen};

use crate::support::harness::{sample, settle, show, window, window_on};

/// A node of the tree, in order.
struct Told {
    role: Role,
    name: String,
}

fn told(window: &Harness<'_, App>) -> Vec<Told> {
    let mut found = Vec::new();
    let mut open = vec![window.root()];
    while let Some(node) = open.pop() {
        let inner = node.accesskit_node();
        let label = inner.label().or_else(|| inner.value());
        found.push(Told {
            role: inner.role(),
            name: label.unwrap_or_default(),
        });
        let children: Vec<_> = node.children().collect();
        open.extend(children.into_iter().rev());
    }
    found
}

fn is_control(role: Role) -> bool {
    matches!(
        role,
        Role::Button
            | Role::CheckBox
            | Role::RadioButton
            | Role::ComboBox
            | Role::Link
            | Role::Slider
            | Role::SpinButton
            | Role::TextInput
            | Role::MultilineTextInput
            | Role::Image
    )
}

#[track_caller]
fn check_names(window: &Harness<'_, App>, what: &str) {
    let nodes = told(window);
    let controls = nodes.iter().filter(|node| is_control(node.role));
    let unnamed: Vec<String> = controls
        .filter(|node| node.name.trim().is_empty())
        .map(|node| format!("{:?}", node.role))
        .collect();
    assert!(unnamed.is_empty(), "{what}: {unnamed:#?}");
    assert!(nodes.len() > 20, "{what} tells {} things", nodes.len());
}

#[test]
fn every_control_of_every_screen_has_a_name() {
    let mut empty = window();
    settle(&mut empty);
    check_names(&empty, "the first screen");
    let mut window = window_on(&sample("canary-rollout-20k.csv"), Theme::Light);
    window.key_press_modifiers(Modifiers::COMMAND, egui::Key::R);
    settle(&mut window);
    for screen in Screen::ALL {
        show(&mut window, screen);
        check_names(&window, screen.label());
        unfold(&mut window);
        check_names(&window, &format!("{} unfolded", screen.label()));
    }
}

/// Opens what is folded: reasons, settings, the tables of charts.
fn unfold(window: &mut Harness<'_, App>) {
    for name in [
        "What this decision stands on",
        "What would change a reading",
        "Table",
        "What the arms are",
        "Plan gradual-rollout beside the log",
    ] {
        let folded: Vec<_> = window.query_all_by_label_contains(name).collect();
        let buttons = folded
            .iter()
            .filter(|node| node.accesskit_node().role() == Role::Button);
        buttons
            .take(2)
            .for_each(egui_kittest::Node::click_accesskit);
        window.run();
    }
}

#[test]
fn every_control_of_every_dialog_has_a_name() {
    let mut window = window_on(&sample("canary-rollout-20k.csv"), Theme::Light);
    show(&mut window, Screen::Latency);
    for (key, what) in [
        (egui::Key::K, "the palette"),
        (egui::Key::R, "the requests"),
    ] {
        window.key_press_modifiers(Modifiers::COMMAND, key);
        settle(&mut window);
        check_names(&window, what);
        window.key_press(egui::Key::Escape);
        settle(&mut window);
    }
    window
        .get_by_role_and_label(Role::Button, "Data row 1 in full")
        .click_accesskit();
    settle(&mut window);
    check_names(&window, "a request in full");
    window
        .get_by_role_and_label(
            Role::Button,
            "Save End-to-end latency: histogram as a picture",
        )
        .click_accesskit();
    window.run_steps(4);
    window.get_by_label("Save the chart as a picture");
    check_names(&window, "the picture of a chart");
}

/// Menu, selection, rail, then the screen.
#[test]
fn the_order_is_that_of_reading() {
    let mut window = window_on(&sample("canary-rollout-20k.csv"), Theme::Light);
    for screen in Screen::ALL {
        show(&mut window, screen);
        let nodes = told(&window);
        let place = |name: &str| {
            let found = nodes.iter().position(|node| node.name == name);
            found.unwrap_or_else(|| panic!("{name} is missing on {}", screen.label()))
        };
        let order = ["File", "Control", "Log", "Report", screen.question()];
        let places: Vec<usize> = order.iter().map(|name| place(name)).collect();
        assert!(
            places.is_sorted(),
            "{}: {order:?} at {places:?}",
            screen.label()
        );
    }
}

#[test]
fn the_keyboard_reaches_every_part() {
    let mut window = window_on(&sample("aa.csv"), Theme::Light);
    show(&mut window, Screen::Overview);
    let mut names = Vec::new();
    for _ in 0..60 {
        window.key_press(egui::Key::Tab);
        window.run();
        let focused = told_focus(&window);
        names.extend(focused);
    }
    for wanted in ["File", "Latency", "Requests", "Copy the scorecard"] {
        assert!(
            names.iter().any(|name| name == wanted),
            "{wanted}: {names:?}"
        );
    }
}

/// What the focus moves to is on screen, wherever it stands on a long page.
#[test]
fn the_focus_comes_into_view() {
    let mut window = window_on(&sample("canary-rollout-20k.csv"), Theme::Light);
    let screen = window.ctx.content_rect();
    for shown in [Screen::Overview, Screen::Rollback] {
        show(&mut window, shown);
        let mut names = std::collections::BTreeSet::new();
        for _ in 0..90 {
            window.key_press(egui::Key::Tab);
            window.run();
            let Some(id) = window.ctx.memory(egui::Memory::focused) else {
                continue;
            };
            let name = told_focus(&window).expect("what has the focus has a name");
            let rect = window.ctx.read_response(id).unwrap().rect;
            let on = shown.label();
            assert!(screen.contains(rect.center()), "{name} on {on}: {rect:?}");
            names.insert(name);
        }
        assert!(names.len() > 30, "{names:?}");
    }
}

fn told_focus(window: &Harness<'_, App>) -> Option<String> {
    let mut open = vec![window.root()];
    while let Some(node) = open.pop() {
        let inner = node.accesskit_node();
        if inner.is_focused() {
            return inner.label().or_else(|| inner.value());
        }
        open.extend(node.children());
    }
    None
}

#[test]
fn series_that_are_hidden_say_so() {
    let mut window = window_on(&sample("aa.csv"), Theme::Light);
    show(&mut window, Screen::Trends);
    let mut open = vec![window.root()];
    let mut n_shown = 0;
    while let Some(node) = open.pop() {
        let inner = node.accesskit_node();
        if inner.role() == Role::CheckBox {
            n_shown += usize::from(inner.toggled() == Some(Toggled::True));
        }
        open.extend(node.children());
    }
    assert!(
        n_shown >= 2,
        "the arms of the first chart are told as shown"
    );
}

/// Beside every chart stand its figures, to be read and copied.
#[test]
fn every_chart_has_its_figures() {
    let mut window = window_on(&sample("aa.csv"), Theme::Light);
    let mut n_charts = 0;
    for screen in Screen::ALL {
        show(&mut window, screen);
        let nodes = told(&window);
        let count = |start: &str| nodes.iter().filter(|n| n.name.starts_with(start)).count();
        let charts = nodes.iter().filter(|n| n.role == Role::Image).count();
        assert_eq!(count("Copy the figures of "), charts, "{}", screen.label());
        n_charts += charts;
    }
    assert!(n_charts > 8, "{n_charts} charts");

    show(&mut window, Screen::Trends);
    let name = "Copy the figures of Requests over time";
    window
        .get_by_role_and_label(egui::Role::Button, name)
        .click_accesskit();
    let mut copied = None;
    for _ in 0..4 {
        window.step();
        let commands = &window.output().platform_output.commands;
        copied = copied.or_else(|| {
            commands.iter().find_map(|command| match command {
                egui::OutputCommand::CopyText(text) => Some(text.clone()),
                _ => None,
            })
        });
    }
    let copied = copied.expect("the figures are on the clipboard");
    let analysis = window.state().session.analysis.value.clone().unwrap();
    let trends = analysis.trends.as_ref().unwrap();
    let n_points: usize = trends.arms.iter().map(|arm| arm.n_requests.len()).sum();
    assert_eq!(copied.lines().count(), n_points + 1);
    let first = copied.lines().nth(1).unwrap();
    assert_eq!(
        first.split('\t').next_back(),
        Some(trends.arms[0].n_requests[0].to_string().as_str())
    );
}
