//! What the screens say of a log that is known by its cells: how it was read, and what on each screen
//! needs the request log.

use super::super::state::Screen;
use super::super::widgets::{card_ui, note};
use super::super::words::tr;
use crate::analysis::Analysis;
use crate::cells::Cells;
use crate::data::RequestLog;
use crate::units;

/// What a screen lacks; nothing for a log of requests.
pub(super) fn needs_ui(ui: &mut egui::Ui, screen: Screen, analysis: &Analysis) {
    let Some(cells) = &analysis.cells else {
        return;
    };
    let own = cells.needs_request_log.iter();
    let mut told: Vec<(String, String)> = own
        .filter(|need| screen_of(need.field) == screen)
        .map(|need| (need.what.clone(), need.advice.clone()))
        .collect();
    let advice = "Open the request log, or some days of it";
    let of_screen = match screen {
        Screen::Lab => Some("The rule lab, which makes rollouts from the log’s requests"),
        Screen::Rollback => {
            Some("What acting would have averted, and thresholds as they are dragged")
        }
        _ => None,
    };
    told.extend(of_screen.map(|what| (what.to_owned(), advice.to_owned())));
    let error = units::plain(100.0 * cells.quantile_relative_error);
    let bound = format!("Read from cells, quantiles are within ±{error} %.");
    if matches!(screen, Screen::Overview | Screen::Latency | Screen::Trends) {
        ui.weak(tr(bound));
    }
    if told.is_empty() {
        return;
    }
    card_ui(ui, "Needs the request log", |ui| {
        for (what, advice) in told {
            ui.add(egui::Label::new(tr(format!("{what}."))).wrap());
            note(ui, &format!("{advice}."));
        }
    });
}

/// Where the window would show a field of the analysis.
fn screen_of(field: &str) -> Screen {
    match field {
        "tests" | "over_time" => Screen::Tests,
        "latency" => Screen::Latency,
        "segments" | "novelty" | "shadow" | "switch" => Screen::Trends,
        _ => Screen::Overview,
    }
}

/// How the cells were read, in the place of the log's columns.
pub(super) fn log_ui(ui: &mut egui::Ui, log: &RequestLog, cells: &Cells) {
    let n_rows = cells.cells.len() + cells.stages.len() + cells.units.len();
    card_ui(ui, &log.name, |ui| {
        egui::Grid::new("cells")
            .num_columns(2)
            .spacing([20.0, 4.0])
            .show(ui, |ui| {
                let arms: Vec<&str> = log.arms.iter().map(|arm| arm.name.as_str()).collect();
                for (name, value) in [
                    (
                        "Format",
                        tr(format!("cells of {}", units::duration_us(cells.width_us))),
                    ),
                    ("Requests", units::count(cells.n_requests())),
                    ("Rows of cells", units::count(n_rows as u64)),
                    ("Arms", arms.join(", ")),
                ] {
                    ui.weak(tr(name));
                    ui.label(value);
                    ui.end_row();
                }
            });
        note(
            ui,
            "Cells are counts and sums by time, arm and segment. Their columns were given their roles where they were computed.",
        );
    });
}
