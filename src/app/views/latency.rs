//! Latency distributions: histogram, empirical distribution, quantile differences, table.

use super::super::command::{Command, Commands};
use super::super::requests::Query;
use super::super::state::AppState;
use super::super::theme;
use super::super::widgets::{
    Brushed, Column, brush_in, card_to_copy_ui, card_ui, chart_ui, note, shortened, table_height,
    table_ui,
};
use super::super::words::tr;
use crate::analysis::{Analysis, LatencyPanel, QuantileValue};
use crate::data::{MsRange, Quantity};
use crate::report::charts;
use crate::stats::Estimate;
use crate::units::{self, ValueForm};

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
        // Of cells, single latencies are not known.
        if analysis.cells.is_none() {
            note(
                ui,
                "Drag over a stretch to look at these latencies alone, on every screen; double-click for all.",
            );
            select_latency(brushed, panel.quantity, commands);
        }
    });
    ui.columns(2, |columns| {
        card_ui(&mut columns[0], "", |ui| {
            chart_ui(ui, &charts::latency_ecdf(analysis, panel), 284.0);
        });
        card_ui(&mut columns[1], "", |ui| {
            chart_ui(ui, &charts::quantile_differences(analysis, panel), 284.0);
        });
    });
    let title = if analysis.log.has_outcome {
        "Quantiles of successful requests"
    } else {
        "Quantiles of all requests"
    };
    card_to_copy_ui(
        ui,
        (title, "the quantiles"),
        commands,
        || tsv(analysis, panel),
        |ui, commands| {
            if panel.arms.len() > MOST_BESIDE {
                quantiles_by_arm_ui(ui, analysis, panel, commands);
            } else {
                quantiles_ui(ui, analysis, panel, commands);
            }
            note(ui, &charts::quantile_note(analysis, panel));
        },
    );
}

/// Selects the latencies that were dragged over; the axis holds logarithms.
fn select_latency(brushed: Option<Brushed>, quantity: Quantity, commands: &mut Commands) {
    let range = match brushed {
        None | Some(Brushed::Place(..) | Brushed::Moved(..)) => return,
        Some(Brushed::All) => None,
        Some(Brushed::Stretch(from, to)) => Some(MsRange {
            from_ms: Some(10f64.powf(from)),
            to_ms: Some(10f64.powf(to)),
        }),
    };
    commands.push(Command::SetLatencyRange(quantity, range));
}

/// More arms than these side by side would not fit beside their differences.
const MOST_BESIDE: usize = 2;
/// Rows in view; the rest scrolls.
const MOST_ROWS: usize = 40;

/// A row for each quantile and arm, where the arms are many.
fn quantiles_by_arm_ui(
    ui: &mut egui::Ui,
    analysis: &Analysis,
    panel: &LatencyPanel,
    commands: &mut Commands,
) {
    let columns = [
        Column::text("Quantile", 90.0),
        Column::rest("Arm", 200.0),
        Column::number("Arm's value", 190.0),
        Column::number("Difference", 210.0),
    ];
    let levels = levels(panel);
    let n_arms = panel.arms.len();
    let n_rows = (levels.len() + 1) * n_arms;
    let size = (n_rows, table_height(n_rows.min(MOST_ROWS)));
    table_ui(ui, "quantiles", &columns, size, |ui, row, column| {
        let (q, k) = (levels.get(row / n_arms).copied(), row % n_arms);
        let arm = panel.arms[k].arm;
        match column {
            0 if k == 0 => {
                ui.label(cell(panel, q, 0));
            }
            0 => {}
            1 => {
                let color = theme::tone(charts::arm_tone(analysis, arm), ui.visuals().dark_mode);
                let name = &analysis.arms[arm].name;
                ui.colored_label(color, shortened(name)).on_hover_text(name);
            }
            2 => value_ui(ui, panel, arm, cell(panel, q, k + 1), commands),
            _ => {
                let difference = panel.differences.iter().position(|d| d.arm == arm);
                if let (Some(difference), Some(_)) = (difference, q) {
                    ui.label(cell(panel, q, n_arms + 1 + difference));
                }
            }
        }
    });
}

/// A value of an arm, which leads to its requests, the slowest first.
fn value_ui(
    ui: &mut egui::Ui,
    panel: &LatencyPanel,
    arm: usize,
    text: String,
    commands: &mut Commands,
) {
    let link = ui
        .link(text)
        .on_hover_text(tr("Click for the requests behind it"));
    if link.clicked() {
        let metric = match panel.quantity {
            Quantity::TtftMs => "ttft_",
            _ => "latency_",
        };
        commands.push(Command::ShowRequests(Box::new(Query::behind(metric, arm))));
    }
}

fn levels(panel: &LatencyPanel) -> Vec<f64> {
    let first = panel.arms.first();
    first.map_or_else(Vec::new, |arm| arm.quantiles.iter().map(|q| q.q).collect())
}

/// A row for each quantile: the arms with their intervals, then what differs from the control.
fn quantiles_ui(
    ui: &mut egui::Ui,
    analysis: &Analysis,
    panel: &LatencyPanel,
    commands: &mut Commands,
) {
    let name = |arm: usize| shortened(&analysis.arms[arm].name);
    let headings: Vec<String> = std::iter::once(tr("Quantile"))
        .chain(panel.arms.iter().map(|arm| name(arm.arm)))
        .chain(
            panel
                .differences
                .iter()
                .map(|arm| match panel.differences.len() {
                    1 => tr("Difference"),
                    _ => tr(format!("Difference: {}", name(arm.arm))),
                }),
        )
        .collect();
    let columns: Vec<Column<'_>> = headings
        .iter()
        .enumerate()
        .map(|(k, heading)| match k {
            0 => Column::text(heading, 90.0),
            _ => Column::number(heading, 170.0),
        })
        .collect();
    let levels = levels(panel);
    let n_rows = levels.len() + 1;
    let size = (n_rows, table_height(n_rows));
    table_ui(ui, "quantiles", &columns, size, |ui, row, column| {
        let text = cell(panel, levels.get(row).copied(), column);
        // A value of an arm leads to its requests, the slowest first.
        let of_arm = column.checked_sub(1).and_then(|k| panel.arms.get(k));
        let Some(arm) = of_arm else {
            ui.label(text);
            return;
        };
        value_ui(ui, panel, arm.arm, text, commands);
    });
}

/// At a quantile, or the mean with its standard deviation.
fn cell(panel: &LatencyPanel, q: Option<f64>, column: usize) -> String {
    let n_arms = panel.arms.len();
    let (Some(q), true) = (q, column > 0) else {
        return match (q, column) {
            (Some(q), _) => units::percentile(q),
            (None, 0) => tr("Mean ± sd"),
            (None, _) => panel.arms.get(column - 1).map_or_else(String::new, |arm| {
                let (mean, sd) = (units::latency(arm.mean_ms), units::latency(arm.sd_ms));
                format!("{mean} ± {sd}")
            }),
        };
    };
    let form = ValueForm::LatencyMs;
    let ends = |e: &Estimate| (e.value, e.interval.lower, e.interval.upper);
    let shown = match column.checked_sub(n_arms + 1) {
        None => QuantileValue::at(&panel.arms[column - 1].quantiles, q).map(|e| {
            let (value, lower, upper) = ends(e);
            form.value_with_interval(value, lower, upper)
        }),
        Some(k) => QuantileValue::at(&panel.differences[k].points, q).map(|e| {
            let (value, lower, upper) = ends(e);
            form.change_with_interval(value, lower, upper)
        }),
    };
    shown.unwrap_or_else(|| units::NO_VALUE.to_owned())
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
