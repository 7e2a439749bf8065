//! Parts that several screens use.

mod chart;
mod chart_axes;
mod chart_layers;
mod chart_tools;
mod chips;
mod table;

pub(super) use chart::{Brushed, brush_in, brush_or_move_in, chart_ui, pick_in, pick_row_in};
pub(super) use chart_tools::take_asked;
pub(super) use chips::{chip, chip_width, severity_chip, verdict_chip, verdicts_width};
pub(super) use table::{Column, table_height, table_ui};

use super::command::{Command, Commands};
use super::theme;
use super::words::{in_visual_order, spoken, tr};
use crate::analysis::Decision;
use crate::language::Language;
use crate::stats::Estimate;
use crate::units::ValueForm;

/// Text that stands out.
pub(super) fn bold(text: impl Into<String>) -> egui::RichText {
    egui::RichText::new(text).family(bold_face()).strong()
}

/// The face of what stands out. Chinese and Korean letters have no bold face here, and among them bold figures
/// and Latin letters would stand out for nothing.
fn bold_face() -> egui::FontFamily {
    match spoken() {
        Language::English => theme::bold(),
        Language::Chinese | Language::Korean => egui::FontFamily::Proportional,
    }
}

/// A titled card over the full width.
pub(super) fn card_ui(ui: &mut egui::Ui, title: &str, contents: impl FnOnce(&mut egui::Ui)) {
    card_with_tools_ui(ui, title, |_| {}, contents);
}

/// A titled card with a button that puts what it shows on the clipboard; `name` says what that is.
pub(super) fn card_to_copy_ui(
    ui: &mut egui::Ui,
    (title, name): (&str, &str),
    commands: &mut Commands,
    text: impl FnOnce() -> String,
    contents: impl FnOnce(&mut egui::Ui, &mut Commands),
) {
    let mut copied = Commands::default();
    let button = |ui: &mut egui::Ui| copy_button(ui, name, &mut copied, text);
    card_with_tools_ui(ui, title, button, |ui| contents(ui, commands));
    commands.append(copied);
}

/// A titled card with tools at the right of its title, which follow one another from the right.
fn card_with_tools_ui(
    ui: &mut egui::Ui,
    title: &str,
    tools: impl FnOnce(&mut egui::Ui),
    contents: impl FnOnce(&mut egui::Ui),
) {
    theme::card(ui).show(ui, |ui| {
        ui.set_width(ui.available_width());
        if !title.is_empty() {
            title_ui(ui, bold(tr(title)).size(15.0), tools);
            ui.add_space(2.0);
        }
        // In columns text would be justified.
        ui.vertical(contents);
    });
    ui.add_space(10.0);
}

/// A title with tools at the right of its line.
fn title_ui(ui: &mut egui::Ui, title: egui::RichText, tools: impl FnOnce(&mut egui::Ui)) {
    ui.horizontal(|ui| {
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            tools(ui);
            ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
                ui.add(egui::Label::new(title).wrap());
            });
        });
    });
}

/// Frames in which the focus is new: rows of tables that come into view on the way to it may need more room.
const FOLLOWED: u64 = 2;

fn is_new_focus(ctx: &egui::Context, response: &egui::Response) -> bool {
    let place = egui::Id::unique("focus that is followed");
    let now = ctx.cumulative_frame_nr();
    if response.gained_focus() {
        ctx.data_mut(|data| data.insert_temp(place, (response.id, now)));
    }
    let followed: Option<(egui::Id, u64)> = ctx.data(|data| data.get_temp(place));
    let is_new = followed.is_some_and(|(id, since)| id == response.id && now <= since + FOLLOWED);
    if is_new {
        ctx.request_repaint();
    }
    is_new
}

/// What is inside of a scroll area. What gains the focus there, by keys or by assistive technology, comes
/// into view: egui moves the focus alone.
pub(super) fn with_focus_in_view<R>(
    ui: &mut egui::Ui,
    contents: impl FnOnce(&mut egui::Ui) -> R,
) -> R {
    let (ctx, layer) = (ui.ctx().clone(), ui.layer_id());
    let n_before = ctx.viewport(|v| v.this_pass.widgets.get_layer(layer).count());
    let out = contents(ui);
    if let Some(id) = ctx.memory(egui::Memory::focused)
        && let Some((on, place)) = ctx.viewport(|v| v.this_pass.widgets.order(id))
        && (on == layer && place >= n_before)
        && let Some(response) = ctx.read_response(id)
        && is_new_focus(&ctx, &response)
    {
        ui.scroll_to_rect(response.rect.expand2(egui::vec2(0.0, 16.0)), None);
    }
    out
}

/// Small grey text that wraps.
pub(super) fn note(ui: &mut egui::Ui, text: &str) {
    ui.add(egui::Label::new(egui::RichText::new(tr(text)).weak().size(12.0)).wrap());
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

/// A difference with its interval, as a cell shows it.
pub(super) fn change(form: ValueForm, difference: Estimate) -> String {
    let interval = difference.interval;
    form.change_with_interval(difference.value, interval.lower, interval.upper)
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
    ui.add(egui::Label::new(bold(tr(what)).size(24.0).color(color)).wrap());
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

/// How wide a line of text is.
pub(super) fn width_of(ui: &egui::Ui, text: &str) -> f32 {
    let (font, color) = (
        egui::TextStyle::Body.resolve(ui.style()),
        egui::Color32::BLACK,
    );
    let galley = ui.painter().layout_no_wrap(text.to_owned(), font, color);
    galley.size().x
}

/// At most `n` characters and an ellipsis, on one line.
pub(super) fn shortened_to(text: &str, n: usize) -> String {
    cut_to(text, n).replace(char::is_control, " ")
}

/// The same with its lines.
pub(super) fn cut_to(text: &str, n: usize) -> String {
    let mut out: String = text.chars().take(n).collect();
    if text.chars().nth(n).is_some() {
        out.push('…');
    }
    in_visual_order(&out, None).into_owned()
}
