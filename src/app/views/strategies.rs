//! Tables and charts of the rollout strategy: shadow pairs, the switch, novelty.

use super::super::command::Commands;
use super::super::widgets::{Column, card_to_copy_ui, chart_ui, note, table_height, table_ui, tsv};
use super::super::words::tr;
use crate::analysis::Analysis;
use crate::report::panels::{Panel, panels};

pub(super) fn ui(ui: &mut egui::Ui, analysis: &Analysis, commands: &mut Commands) {
    for panel in panels(analysis) {
        card_to_copy_ui(
            ui,
            (&panel.title, &panel.title),
            commands,
            || tsv(&panel.header, panel.rows.iter().cloned()),
            |ui, _| panel_ui(ui, &panel),
        );
    }
}

fn panel_ui(ui: &mut egui::Ui, panel: &Panel) {
    for sentence in &panel.lead {
        ui.label(tr(sentence));
    }
    ui.add_space(4.0);
    let columns: Vec<Column<'_>> = panel
        .header
        .iter()
        .enumerate()
        .map(|(k, title)| {
            let cells = panel.rows.iter().filter_map(|row| row.get(k));
            let longest = cells.map(|cell| cell.chars().count()).max().unwrap_or(0);
            let width = 7.0 * longest.max(title.chars().count()) as f32 + 18.0;
            if k == 0 {
                Column::text(title, width)
            } else {
                Column::number(title, width)
            }
        })
        .collect();
    let height = table_height(panel.rows.len()).min(480.0);
    table_ui(
        ui,
        &panel.title,
        &columns,
        (panel.rows.len(), height),
        |ui, row, column| {
            if let Some(cell) = panel.rows[row].get(column) {
                ui.label(tr(cell));
            }
        },
    );
    note(ui, &panel.note);
    for chart in &panel.charts {
        ui.add_space(6.0);
        chart_ui(ui, chart, 220.0);
    }
}
