//! Metrics over time with stages and rule firings; all charts share their time axis and cursor.

use super::super::command::{Command, Commands};
use super::super::requests::Query;
use super::super::widgets::{Brushed, brush_in, card_ui, note, select_time};
use super::super::words::tr;
use crate::analysis::{Analysis, Trends};
use crate::report::charts;
use crate::rules::Replay;

pub(super) fn ui(
    ui: &mut egui::Ui,
    analysis: &Analysis,
    replay: Option<&Replay>,
    commands: &mut Commands,
) {
    let Some(trends) = &analysis.trends else {
        card_ui(ui, "No times", |ui| {
            ui.label(tr("The log has no times. If a column holds them, give it the role Time (start) on the Log screen."));
        });
        return;
    };
    let are_cells = analysis.cells.is_some();
    note(
        ui,
        if are_cells {
            "By event time: a request counts when its outcome was known."
        } else {
            "By event time: a request counts when its outcome was known. Drag over a stretch to look at it alone, on every screen; double-click for all times."
        },
    );
    // Another stretch of time starts at its own bounds.
    let span = (analysis.log.first_us, analysis.log.last_us);
    let group = egui::Id::unique(("trends", span));
    let traffic = charts::traffic(analysis, replay).map(|chart| (None, chart));
    let metrics = charts::metric_ids(analysis);
    let of_metrics = metrics
        .iter()
        .filter_map(|id| Some((Some(id), charts::trend(analysis, id, replay)?)));
    for (metric, chart) in traffic.into_iter().chain(of_metrics) {
        card_ui(ui, "", |ui| {
            // A stretch of time, or its requests, need the request log.
            let brushed = brush_in(ui, &chart, 190.0, Some(group)).filter(|_| !are_cells);
            if let Some(Brushed::Place(seconds, _)) = brushed {
                commands.push(Command::ShowRequests(Box::new(Query {
                    within_us: bucket_at(trends, (seconds * 1e6) as i64),
                    arm: None,
                    ..metric.map_or_else(Query::default, |id| Query::behind(id, 0))
                })));
            }
            select_time(brushed, commands);
            note(ui, &chart.caption);
        });
    }
}

/// The bucket around a moment, as the table of requests wants it: after its first, up to its second.
fn bucket_at(trends: &Trends, us: i64) -> Option<(i64, i64)> {
    let after = trends.starts_us.partition_point(|start| *start <= us);
    let start = trends.starts_us.get(after.checked_sub(1)?)?;
    Some((start - 1, start + trends.width_us - 1))
}
