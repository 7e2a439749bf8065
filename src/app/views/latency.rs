//! Latency distributions: histogram, empirical distribution, quantile differences, table.

use super::super::command::{Command, Commands};
use super::super::state::AppState;
use super::super::widgets::{
    Brushed, Column, brush_in, card_ui, chart_ui, copy_button, note, shortened, table_height,
    table_ui,
};
use super::super::words::tr;
use crate::analysis::{Analysis, LatencyPanel};
use crate::data::{MsRange, Quantity};
use crate::report::charts;
use crate::units;

pub(super) fn ui(
    ui: &mut egui::Ui,
    state: &mut AppState,
    analysis: &Analysis,
    commands: &mut Commands,
) {
    if analysis.latency.is_empty() {
        card_ui(ui, "No latency", |ui| {
            ui.label(tr("The log has no latency of answered requests. If a column holds it, give it the role Latency on the Log screen."));
        });
        return;
    }
    state.latency_panel = state.latency_panel.min(analysis.latency.len() - 1);
    ui.horizontal(|ui| {
        for (i, panel) in analysis.latency.iter().enumerate() {
            ui.selectable_value(&mut state.latency_panel, i, tr(&panel.label));
        }
    });
    ui.add_space(4.0);
    let panel = &analysis.latency[state.latency_panel];
    card_ui(ui, "", |ui| {
        let histogram = charts::latency_histogram(analysis, panel);
        let brushed = brush_in(ui, &histogram, 250.0, None);
        note(ui, &histogram.caption);
        note(
            ui,
            "Drag over a stretch to look at these latencies alone, on every screen; double-click for all.",
        );
        select_latency(brushed, panel.quantity, commands);
    });
    ui.columns(2, |columns| {
        card_ui(&mut columns[0], "", |ui| {
            chart_ui(ui, &charts::latency_ecdf(analysis, panel), 260.0);
        });
        card_ui(&mut columns[1], "", |ui| {
            chart_ui(ui, &charts::quantile_differences(analysis, panel), 260.0);
        });
    });
    card_ui(ui, "Quantiles of successful requests", |ui| {
        copy_button(ui, "the quantiles", commands, || tsv(analysis, panel));
        quantiles_ui(ui, analysis, panel);
    });
}

/// Selects the latencies that were dragged over; the axis holds logarithms.
fn select_latency(brushed: Option<Brushed>, quantity: Quantity, commands: &mut Commands) {
    let range = match brushed {
        None | Some(Brushed::Place(..)) => return,
        Some(Brushed::All) => None,
        Some(Brushed::Stretch(from, to)) => Some(MsRange {
            from_ms: Some(10f64.powf(from)),
            to_ms: Some(10f64.powf(to)),
        }),
    };
    commands.push(Command::SetLatencyRange(quantity, range));
}

fn quantiles_ui(ui: &mut egui::Ui, analysis: &Analysis, panel: &LatencyPanel) {
    const COLUMNS: [Column; 10] = [
        Column::text("Arm", 150.0),
        Column::number("Requests", 85.0),
        Column::number("Mean", 80.0),
        Column::number("sd", 80.0),
        Column::number("p25", 80.0),
        Column::number("p50", 80.0),
        Column::number("p75", 80.0),
        Column::number("p90", 80.0),
        Column::number("p95", 80.0),
        Column::number("p99", 80.0),
    ];
    let height = table_height(panel.arms.len());
    table_ui(
        ui,
        "quantiles",
        &COLUMNS,
        (panel.arms.len(), height.min(400.0)),
        |ui, row, column| {
            let arm = &panel.arms[row];
            match column {
                0 => {
                    ui.label(shortened(&analysis.arms[arm.arm].name));
                }
                1 => {
                    ui.label(units::count(arm.n));
                }
                2 => {
                    ui.label(units::latency(arm.mean_ms));
                }
                3 => {
                    ui.label(units::latency(arm.sd_ms));
                }
                _ => {
                    if let Some(quantile) = arm.quantiles.get(column - 4) {
                        let interval = quantile.estimate.interval;
                        let text = format!(
                            "{} to {} ({})",
                            units::latency(interval.lower),
                            units::latency(interval.upper),
                            quantile.estimate.method.label()
                        );
                        ui.label(units::latency(quantile.estimate.value))
                            .on_hover_text(tr(text));
                    }
                }
            }
        },
    );
}

fn tsv(analysis: &Analysis, panel: &LatencyPanel) -> String {
    let mut out = "arm\trequests\tmean_ms\tsd_ms\tq\tvalue_ms\tlower_ms\tupper_ms\n".to_owned();
    for arm in &panel.arms {
        for q in &arm.quantiles {
            let name = analysis.arms[arm.arm].name.replace(['\t', '\n'], " ");
            let e = q.estimate;
            let cells = [
                name,
                arm.n.to_string(),
                arm.mean_ms.to_string(),
                arm.sd_ms.to_string(),
                q.q.to_string(),
                e.value.to_string(),
                e.interval.lower.to_string(),
                e.interval.upper.to_string(),
            ];
            out += &(cells.join("\t") + "\n");
        }
    }
    out
}
