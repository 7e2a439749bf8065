//! The requests behind the numbers: a panel below every screen, with one request in full beside it.

use super::super::words::tr;
use egui::{Align, Layout, Sense};
use egui_extras::TableBuilder;

use super::super::command::{Command, Commands};
use super::super::requests::{Column, Ending, Listing};
use super::super::requests_run::MOST_COPIED;
use super::super::session::Session;
use super::super::state::{AppState, ChosenRequest, RequestsPanel};
use super::super::widgets::{bold, cut_to, note, shortened, shortened_to, width_of};
use crate::data::{RequestLog, Units};
use crate::units;

const ROW_HEIGHT: f32 = 24.0;
/// The panel's least height; a large scale leaves the screen above it less.
const SMALLEST: f32 = 178.0;
/// Characters of a cell that are laid out; the whole stands beside the table.
const LONGEST_CELL: usize = 60;
/// Characters of a field that are laid out; the whole is copied.
const LONGEST_FIELD: usize = 20_000;

/// The panel, where it is open.
pub(in crate::app) fn panel_ui(
    ui: &mut egui::Ui,
    state: &mut AppState,
    session: &Session,
    commands: &mut Commands,
) {
    if !state.requests.is_open {
        return;
    }
    let Some(loaded) = session.loaded.value.clone() else {
        return;
    };
    egui::Panel::bottom("requests")
        .resizable(true)
        .default_size(290.0)
        .size_range(SMALLEST..=(ui.available_height() - 160.0).max(SMALLEST))
        .show(ui, |ui| {
            // As high as it was drawn, also while there is nothing to show yet.
            ui.set_min_height(ui.available_height());
            ui.add_space(4.0);
            if loaded.cells.is_some() {
                let text =
                    "Cells hold no single requests: open the request log, or some days of it.";
                ui.label(tr(text));
                return;
            }
            let listing = session.requests.listing.value.clone();
            bar_ui(
                ui,
                &mut state.requests,
                &loaded.log,
                listing.as_deref(),
                commands,
            );
            if let Some(error) = &session.requests.listing.error {
                let text = format!("{}{}. {}", error.message, error.place, error.hint);
                ui.label(tr(text));
                return;
            }
            let Some(listing) = listing else {
                ui.weak(tr("Listing…"));
                return;
            };
            if state.requests.chosen.is_some() {
                egui::Panel::right("request")
                    .resizable(true)
                    .default_size(380.0)
                    .size_range(220.0..=700.0)
                    .show(ui, |ui| {
                        one_ui(ui, &mut state.requests, session, commands);
                    });
            }
            egui::CentralPanel::no_frame().show(ui, |ui| {
                if session.requests.listing.is_stale {
                    ui.multiply_opacity(0.6);
                }
                table_ui(ui, &mut state.requests, &listing);
            });
        });
}

/// What is listed, as words and choices.
fn bar_ui(
    ui: &mut egui::Ui,
    panel: &mut RequestsPanel,
    log: &RequestLog,
    listing: Option<&Listing>,
    commands: &mut Commands,
) {
    ui.horizontal_wrapped(|ui| {
        let query = &mut panel.query;
        ui.label(bold(tr("Requests")));
        if let Some(listing) = listing {
            let (n, of) = (listing.order.len() as u64, listing.log.n_rows() as u64);
            let text = if n == of {
                format!("all {} selected", units::count(n))
            } else {
                format!("{} of {} selected", units::count(n), units::count(of))
            };
            ui.weak(tr(text));
        }
        let shown = query
            .arm
            .and_then(|arm| log.arms.get(arm))
            .map_or_else(|| tr("All arms"), |arm| shortened(&arm.name));
        egui::ComboBox::from_id_salt("arm of the requests")
            .selected_text(shown)
            .show_ui(ui, |ui| {
                ui.selectable_value(&mut query.arm, None, tr("All arms"));
                for (i, arm) in log.arms.iter().enumerate() {
                    ui.selectable_value(&mut query.arm, Some(i), shortened(&arm.name));
                }
            })
            .response
            .accessible_name(tr("Arm of the requests"));
        if log.has_outcome {
            for (ending, text) in [
                (Ending::Any, "any outcome"),
                (Ending::Failed, "failed"),
                (Ending::Answered, "answered"),
            ] {
                ui.selectable_value(&mut query.ending, ending, tr(text));
            }
        }
        ui.add(
            egui::TextEdit::singleline(&mut query.search)
                .desired_width(230.0)
                .hint_text(tr("Arm, segment value or row number")),
        )
        .accessible_name(tr("Search the requests"));
        take_back_ui(ui, panel, log);
        let Some(listing) = listing else { return };
        let rows = ui.small_button(tr("Copy rows")).on_hover_text(tr(format!(
            "The first {} listed, as tab-separated text",
            units::count(MOST_COPIED as u64)
        )));
        if rows.clicked() {
            commands.push(Command::Copy(listing.tsv(MOST_COPIED)));
        }
        if log.request_id.is_some() {
            let ids = ui
                .small_button(tr("Copy ids"))
                .on_hover_text(tr("The request ids of those listed, read from the file"));
            if ids.clicked() {
                commands.push(Command::CopyIds);
            }
        }
        if ui
            .small_button(tr("Close"))
            .accessible_name(tr("Close the requests"))
            .clicked()
        {
            panel.is_open = false;
        }
    });
}

/// Parts of the query that come from elsewhere, each to be taken back.
fn take_back_ui(ui: &mut egui::Ui, panel: &mut RequestsPanel, log: &RequestLog) {
    let query = &mut panel.query;
    let mut part = |text: String| {
        let name = format!("{text}: take back");
        let button = ui.small_button(format!("{}  ×", tr(&text)));
        button.accessible_name(tr(name)).clicked()
    };
    if let Some((after, until)) = query.within_us {
        let until_text = units::instant(until, log.clock);
        let text = if after == i64::MIN {
            format!("up to {until_text}")
        } else {
            format!("{} up to {until_text}", units::duration_us(until - after))
        };
        if part(text) {
            query.within_us = None;
        }
    }
    if let Some(unit) = query.unit
        && part(format!(
            "one unit, number {}",
            units::count(u64::from(unit) + 1)
        ))
    {
        query.unit = None;
    }
    if let Some(quantity) = query.having
        && part(format!(
            "with {}",
            Column::Quantity(quantity).heading(log).to_lowercase()
        ))
    {
        query.having = None;
    }
}

fn table_ui(ui: &mut egui::Ui, panel: &mut RequestsPanel, listing: &Listing) {
    let log = &listing.log;
    let columns = Column::of(log);
    let widths: Vec<f32> = columns.iter().map(|c| width(ui, log, *c)).collect();
    let scroll = egui::ScrollArea::horizontal().id_salt("requests across");
    scroll.show(ui, |ui| {
        let height = ui.available_height();
        let mut table = TableBuilder::new(ui)
            .id_salt("requests")
            .striped(true)
            .sense(Sense::click())
            .cell_layout(Layout::left_to_right(Align::Center))
            .min_scrolled_height(60.0)
            .max_scroll_height(height)
            .auto_shrink([false, false]);
        for width in widths {
            table = table.column(egui_extras::Column::exact(width).clip(true));
        }
        table
            .header(ROW_HEIGHT, |mut header| {
                for column in &columns {
                    header.col(|ui| heading_ui(ui, panel, log, *column));
                }
            })
            .body(|body| {
                body.rows(ROW_HEIGHT, listing.order.len(), |mut row| {
                    let index = listing.order[row.index()] as usize;
                    let number = log.row[index];
                    row.set_selected(panel.chosen.is_some_and(|chosen| chosen.row == number));
                    for column in &columns {
                        row.col(|ui| cell_ui(ui, panel, log, *column, index));
                    }
                    if row.response().clicked() {
                        panel.chosen = Some(chosen(log, index));
                    }
                });
            });
    });
}

/// As wide as the heading with its arrow and as names of arms and segments, up to a bound: the whole appears under
/// the pointer and beside the table.
fn width(ui: &egui::Ui, log: &RequestLog, column: Column) -> f32 {
    const WIDEST: f32 = 230.0;
    const MOST_MEASURED: usize = 60;
    let widest = |names: &mut dyn Iterator<Item = &String>| {
        let names = names.take(MOST_MEASURED);
        names
            .map(|name| width_of(ui, &shortened_to(name, LONGEST_CELL)) + 10.0)
            .fold(0.0, f32::max)
    };
    let cells = match column {
        Column::Time => 176.0,
        Column::Row | Column::Unit | Column::Quantity(_) => 76.0,
        Column::Outcome => 124.0,
        Column::Arm => widest(&mut log.arms.iter().map(|arm| &arm.name)),
        Column::Segment(i) => widest(&mut log.segments[i].values.iter()),
    };
    let heading = width_of(ui, &shortened(&tr(column.heading(log)))) + 26.0;
    cells.max(heading).min(WIDEST)
}

/// A heading that sorts; a second click turns the order.
fn heading_ui(ui: &mut egui::Ui, panel: &mut RequestsPanel, log: &RequestLog, column: Column) {
    let heading = column.heading(log);
    let query = &mut panel.query;
    let is_sorted = query.sort == column;
    let arrow = match (is_sorted, query.is_descending) {
        (true, true) => " ▼",
        (true, false) => " ▲",
        (false, _) => "",
    };
    let text = bold(format!("{}{arrow}", shortened(&tr(&heading)))).size(13.0);
    let button = egui::Button::new(text).frame(false).truncate();
    let layout = if column.is_number() && column != Column::Row {
        Layout::right_to_left(Align::Center)
    } else {
        Layout::left_to_right(Align::Center)
    };
    let button = ui.with_layout(layout, |ui| ui.add(button)).inner;
    let name = tr(format!("Sort by {heading}"));
    let button = button.on_hover_text(&name);
    if button.accessible_name(name).clicked() {
        query.is_descending = is_sorted && !query.is_descending;
        query.sort = column;
    }
}

fn cell_ui(
    ui: &mut egui::Ui,
    panel: &mut RequestsPanel,
    log: &RequestLog,
    column: Column,
    row: usize,
) {
    let text = match column {
        Column::Outcome => tr(column.text(log, row)),
        _ => shortened_to(&column.text(log, row), LONGEST_CELL),
    };
    if column == Column::Row {
        let is_chosen = panel
            .chosen
            .is_some_and(|chosen| chosen.row == log.row[row]);
        let name = format!("Data row {text} in full");
        let button = egui::Button::selectable(is_chosen, tr(&text)).small();
        if ui.add(button).accessible_name(tr(name)).clicked() {
            panel.chosen = Some(chosen(log, row));
        }
        return;
    }
    let label = egui::Label::new(text).truncate().selectable(false);
    if column.is_number() {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.add_space(4.0);
            ui.add(label);
        });
    } else {
        ui.add(label);
    }
}

/// The chosen request with every column of the file, those that are not loaded among them.
fn one_ui(
    ui: &mut egui::Ui,
    panel: &mut RequestsPanel,
    session: &Session,
    commands: &mut Commands,
) {
    let Some(ChosenRequest { row: number, unit }) = panel.chosen else {
        return;
    };
    ui.horizontal_wrapped(|ui| {
        ui.label(bold(tr(format!(
            "Data row {}",
            units::count(u64::from(number) + 1)
        ))));
        if let Some(unit) = unit
            && ui.small_button(tr("All of this unit")).clicked()
        {
            panel.query.unit = Some(unit);
        }
        if ui
            .small_button(tr("Close"))
            .accessible_name(tr("Close the request"))
            .clicked()
        {
            panel.chosen = None;
        }
    });
    let written = &session.requests.written;
    if let Some(error) = &written.error {
        let text = format!("{}{}. {}", error.message, error.place, error.hint);
        ui.label(tr(text));
        return;
    }
    let Some(written) = &written.value else {
        ui.weak(tr("Reading it from the file…"));
        return;
    };
    let Some((_, cells)) = written.rows.first() else {
        ui.label(tr(
            "The file does not have this row any more: it changed after it was loaded.",
        ));
        return;
    };
    let mapping = session.loaded.value.as_ref().map(|loaded| &loaded.mapping);
    egui::ScrollArea::vertical()
        .id_salt("request in full")
        .auto_shrink([false, false])
        .show(ui, |ui| {
            for (name, cell) in written.columns.iter().zip(cells) {
                let role = mapping
                    .and_then(|m| m.columns.iter().find(|c| c.column == *name))
                    .map_or("not loaded", |c| c.role.label());
                ui.horizontal_wrapped(|ui| {
                    ui.label(bold(shortened_to(name, LONGEST_CELL)));
                    ui.weak(tr(role));
                    let copy = ui.small_button(tr("Copy"));
                    if copy.accessible_name(tr(format!("Copy {name}"))).clicked() {
                        commands.push(Command::Copy(cell.clone()));
                    }
                });
                if cell.is_empty() {
                    note(ui, "empty");
                } else {
                    ui.add(egui::Label::new(cut_to(cell, LONGEST_FIELD)).wrap());
                }
                ui.add_space(4.0);
            }
        });
}

fn chosen(log: &RequestLog, row: usize) -> ChosenRequest {
    let unit = log.units.as_ref().map(|units| units.id[row]);
    ChosenRequest {
        row: log.row[row],
        unit: unit.filter(|id| *id != Units::NONE),
    }
}
