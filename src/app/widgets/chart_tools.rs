//! What every chart offers: its figures as a table, to read and to copy, and itself as a picture.

use egui::RichText;

use super::super::command::{Command, Commands};
use super::super::words::tr;
use super::{Column, shortened_to, table_height};
use crate::report::chart::Chart;
use crate::report::table::ChartTable;

/// Width of the names of series and of figures, at least.
const SERIES: f32 = 180.0;
const NUMBERS: f32 = 130.0;
/// Rows in view; the rest scrolls.
const MOST_ROWS: usize = 12;

/// Title and tools on one line.
pub(super) fn title_ui(ui: &mut egui::Ui, chart: &Chart) {
    super::title_ui(ui, super::bold(tr(&chart.title)).size(15.0), |ui| {
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
            let n_rows = table.shown.len();
            let headings: Vec<String> =
                table.headings.iter().map(|h| shortened_to(h, 40)).collect();
            let columns: Vec<Column<'_>> = headings
                .iter()
                .enumerate()
                .map(|(c, heading)| {
                    let cells = table.shown.iter().filter_map(|row| row.get(c));
                    match c {
                        0 => Column::text(heading, SERIES),
                        _ => Column::whole(ui, heading, NUMBERS, cells.map(tr)),
                    }
                })
                .collect();
            let height = table_height(n_rows.min(MOST_ROWS));
            let id = format!("figures {}", chart.id);
            super::table_ui(ui, &id, &columns, (n_rows, height), |ui, row, column| {
                ui.label(shortened_to(&tr(&table.shown[row][column]), 40));
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
