//! Parts that several screens use.

mod chart;
mod chart_layers;
mod chart_tools;
mod chips;
mod table;

pub(super) use chart::{Brushed, brush_in, brush_or_move_in, chart_ui, pick_in};
pub(super) use chart_tools::take_asked;
pub(super) use chips::{chip, severity_chip, verdict_chip};
pub(super) use table::{Column, table_height, table_ui};

use super::command::{Command, Commands};
use super::theme;
use super::words::{in_visual_order, tr};
use crate::analysis::Decision;

/// A titled card over the full width.
pub(super) fn card_ui(ui: &mut egui::Ui, title: &str, contents: impl FnOnce(&mut egui::Ui)) {
    theme::card(ui).show(ui, |ui| {
        ui.set_width(ui.available_width());
        if !title.is_empty() {
            ui.label(egui::RichText::new(tr(title)).strong().size(15.0));
            ui.add_space(2.0);
        }
        contents(ui);
    });
    ui.add_space(10.0);
}

/// Small grey text that wraps.
pub(super) fn note(ui: &mut egui::Ui, text: &str) {
    ui.add(egui::Label::new(egui::RichText::new(tr(text)).weak().size(12.5)).wrap());
}

/// Selects the stretch of time that was dragged over; an axis of times counts seconds.
pub(super) fn select_time(brushed: Option<Brushed>, commands: &mut Commands) {
    let at = |seconds: f64| Some((seconds * 1e6).round() as i64);
    match brushed {
        None | Some(Brushed::Place(..) | Brushed::Moved(..)) => {}
        Some(Brushed::All) => commands.push(Command::SetTimeRange(None, None)),
        Some(Brushed::Stretch(from, to)) => {
            commands.push(Command::SetTimeRange(at(from), at(to)));
        }
    }
}

/// A small button that puts text on the clipboard.
pub(super) fn copy_button(
    ui: &mut egui::Ui,
    name: &str,
    commands: &mut Commands,
    text: impl FnOnce() -> String,
) {
    let button = ui
        .small_button(tr("Copy"))
        .on_hover_text(tr(format!("Copy {name} as tab-separated text")));
    if button.accessible_name(tr(format!("Copy {name}"))).clicked() {
        commands.push(Command::Copy(text()));
    }
}

/// Tab-separated text: a heading and a line per row; what would break a line becomes a space.
pub(super) fn tsv(headings: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let plain = |cell: &String| cell.replace(['\t', '\n', '\r'], " ");
    let line = |row: Vec<String>| row.iter().map(plain).collect::<Vec<_>>().join("\t") + "\n";
    headings.join("\t") + "\n" + &rows.into_iter().map(line).collect::<String>()
}

/// A number for a cell of such text; an empty one for none.
pub(super) fn cell(value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

/// The decision in large letters, its strongest reason below.
pub(super) fn headline(ui: &mut egui::Ui, decision: &Decision) {
    let color = theme::tone(theme::decision_tone(decision.kind), ui.visuals().dark_mode);
    let (what, why) = decision
        .headline
        .split_once(": ")
        .unwrap_or((&decision.headline, ""));
    ui.add(egui::Label::new(egui::RichText::new(tr(what)).size(24.0).color(color)).wrap());
    if !why.is_empty() {
        ui.add(egui::Label::new(egui::RichText::new(upper_first(&tr(why))).size(16.0)).wrap());
    }
}

/// A sentence from the middle of another; "p95" stays as it is.
fn upper_first(text: &str) -> String {
    let mut chars = text.chars();
    match (chars.next(), chars.clone().next()) {
        (Some(first), Some(second)) if second.is_alphabetic() => {
            first.to_uppercase().collect::<String>() + chars.as_str()
        }
        _ => text.to_owned(),
    }
}

/// Labels from logs can be long; the whole stands in tables and reports.
pub(super) fn shortened(text: &str) -> String {
    shortened_to(text, 28)
}

/// At most `n` characters and an ellipsis.
pub(super) fn shortened_to(text: &str, n: usize) -> String {
    let mut out: String = text.chars().take(n).collect();
    if text.chars().nth(n).is_some() {
        out.push('…');
    }
    in_visual_order(&out, None).into_owned()
}
