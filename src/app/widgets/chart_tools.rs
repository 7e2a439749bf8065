//! What every chart offers: its figures as a table, to read and to copy, and itself as a picture.

use egui::{Align, Layout, RichText};
use egui_extras::{Column, TableBuilder};

use super::super::command::{Command, Commands};
use super::super::words::tr;
use super::shortened_to;
use crate::report::chart::Chart;
use crate::report::table::ChartTable;

const ROW_HEIGHT: f32 = 24.0;
/// Rows in view; the rest scrolls.
const MOST_ROWS: usize = 12;

/// Title and tools on one line.
pub(super) fn title_ui(ui: &mut egui::Ui, chart: &Chart) {
    ui.horizontal(|ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let button = ui.small_button(tr("Picture…"));
            let button = button.on_hover_text(tr("Save the chart as a picture"));
            let name = tr(format!("Save {} as a picture", chart.title));
            if button.accessible_name(name).clicked() {
                ask(ui, Asked::Picture(Box::new(chart.clone())));
            }
            let button = ui.small_button(tr("Copy"));
            let button = button.on_hover_text(tr("Copy the figures as tab-separated text"));
            let name = tr(format!("Copy the figures of {}", chart.title));
            if button.accessible_name(name).clicked() {
                ask(ui, Asked::Figures(ChartTable::of(chart).tsv()));
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                ui.add(egui::Label::new(RichText::new(tr(&chart.title)).strong()).truncate());
            });
        });
    });
}

/// What was asked of a chart in this frame.
#[derive(Debug, Clone)]
enum Asked {
    /// To copy its figures.
    Figures(String),
    /// To save it as a picture.
    Picture(Box<Chart>),
}

fn ask(ui: &egui::Ui, asked: Asked) {
    ui.data_mut(|data| data.insert_temp(asked_id(), Some(asked)));
    ui.ctx().request_repaint();
}

/// The figures, where they are unfolded.
pub(super) fn table_ui(ui: &mut egui::Ui, chart: &Chart) {
    egui::CollapsingHeader::new(RichText::new(tr("Table")).small())
        .id_salt(("table of", &chart.id))
        .show(ui, |ui| {
            let table = ChartTable::of(chart);
            let n_shown = table.shown.len().clamp(1, MOST_ROWS) as f32;
            let across = egui::ScrollArea::horizontal().id_salt(("across", &chart.id));
            across.show(ui, |ui| {
                let mut builder = TableBuilder::new(ui)
                    .id_salt(("figures", &chart.id))
                    .striped(true)
                    .auto_shrink([false, true])
                    .max_scroll_height((n_shown + 1.0) * (ROW_HEIGHT + 6.0));
                for (c, heading) in table.headings.iter().enumerate() {
                    let cells = table.shown.iter().filter_map(|row| row.get(c));
                    let longest = cells.map(|cell| cell.chars().count()).max().unwrap_or(0);
                    let n = longest.max(heading.chars().count()).min(40) as f32;
                    builder = builder.column(Column::exact(7.4 * n + 16.0).clip(true));
                }
                builder
                    .header(ROW_HEIGHT, |mut header| {
                        for heading in &table.headings {
                            header.col(|ui| {
                                ui.strong(shortened_to(&tr(heading), 40));
                            });
                        }
                    })
                    .body(|body| {
                        body.rows(ROW_HEIGHT, table.shown.len(), |mut row| {
                            for cell in &table.shown[row.index()] {
                                row.col(|ui| {
                                    ui.add(
                                        egui::Label::new(shortened_to(&tr(cell), 40)).truncate(),
                                    );
                                });
                            }
                        });
                    });
            });
        });
}

/// Hands over what the charts of a frame were asked: commands do not reach so far down.
pub(in crate::app) fn take_asked(ctx: &egui::Context, commands: &mut Commands) {
    let asked: Option<Option<Asked>> = ctx.data_mut(|data| data.remove_temp(asked_id()));
    match asked.flatten() {
        None => {}
        Some(Asked::Figures(text)) => commands.push(Command::Copy(text)),
        Some(Asked::Picture(chart)) => commands.push(Command::AskPicture(chart)),
    }
}

fn asked_id() -> egui::Id {
    egui::Id::unique("asked of a chart")
}
