//! Metrics over time with stages and rule firings; all charts share their time axis and cursor.

use super::super::widgets::{card_ui, chart_in, note};
use crate::analysis::Analysis;
use crate::report::charts;
use crate::rules::Replay;

pub(super) fn ui(ui: &mut egui::Ui, analysis: &Analysis, replay: Option<&Replay>) {
    if analysis.trends.is_none() {
        card_ui(ui, "No times", |ui| {
            ui.label("The log has no times. If a column holds them, give it the role Time (start) on the Log screen.");
        });
        return;
    }
    note(
        ui,
        "By event time: a request counts when its outcome was known. Drag to move, double-click to see all; the charts move together.",
    );
    let group = egui::Id::unique("trends");
    let traffic = charts::traffic(analysis, replay);
    let metrics = charts::metric_ids(analysis);
    let all = traffic.into_iter().chain(
        metrics
            .iter()
            .filter_map(|id| charts::trend(analysis, id, replay)),
    );
    for chart in all {
        card_ui(ui, "", |ui| {
            ui.label(egui::RichText::new(&chart.title).strong());
            chart_in(ui, &chart, 190.0, Some(group));
            note(ui, &chart.caption);
        });
    }
}
