//! Metrics over time with stages and rule firings; all charts share their time axis and cursor.

use super::super::command::Commands;
use super::super::widgets::{brush_in, card_ui, note, select_time};
use super::super::words::tr;
use crate::analysis::Analysis;
use crate::report::charts;
use crate::rules::Replay;

pub(super) fn ui(
    ui: &mut egui::Ui,
    analysis: &Analysis,
    replay: Option<&Replay>,
    commands: &mut Commands,
) {
    if analysis.trends.is_none() {
        card_ui(ui, "No times", |ui| {
            ui.label(tr("The log has no times. If a column holds them, give it the role Time (start) on the Log screen."));
        });
        return;
    }
    note(
        ui,
        "By event time: a request counts when its outcome was known. Drag over a stretch to look at it alone, on every screen; double-click for all times.",
    );
    // Another stretch of time starts at its own bounds.
    let span = (analysis.log.first_us, analysis.log.last_us);
    let group = egui::Id::unique(("trends", span));
    let traffic = charts::traffic(analysis, replay);
    let metrics = charts::metric_ids(analysis);
    let all = traffic.into_iter().chain(
        metrics
            .iter()
            .filter_map(|id| charts::trend(analysis, id, replay)),
    );
    for chart in all {
        card_ui(ui, "", |ui| {
            select_time(brush_in(ui, &chart, 190.0, Some(group)), commands);
            note(ui, &chart.caption);
        });
    }
}
