//! From a number to the requests behind it.

use super::super::command::{Command, Commands};
use super::super::requests::Query;
use super::super::theme;
use super::super::widgets::{Brushed, brush_in, note, pick_row_in, select_time, shortened};
use super::super::words::tr;
use crate::analysis::{Analysis, ScorecardRow, SegmentEffect};
use crate::report::charts;
use crate::units;

/// A value that lists the requests behind it.
pub(super) fn value_link(
    ui: &mut egui::Ui,
    row: &ScorecardRow,
    arm: usize,
    commands: &mut Commands,
) {
    let value = &row.values[arm];
    let shown = value
        .estimate
        .map_or_else(|| units::NO_VALUE.to_owned(), |e| row.form.value(e.value));
    let hover = format!(
        "{} {}\nClick for the requests behind it",
        units::count(value.n),
        row.denominator
    );
    if ui.link(shown).on_hover_text(tr(hover)).clicked() {
        commands.push(Command::ShowRequests(Box::new(Query::behind(&row.id, arm))));
    }
}

/// A metric's value in each of these arms, with how many it is of.
pub(super) fn arms_ui(
    ui: &mut egui::Ui,
    analysis: &Analysis,
    metric: &str,
    arms: &[usize],
    commands: &mut Commands,
) {
    let Some(row) = analysis.scorecard.iter().find(|row| row.id == metric) else {
        return;
    };
    ui.horizontal_wrapped(|ui| {
        for arm in arms {
            let color = theme::tone(charts::arm_tone(analysis, *arm), ui.visuals().dark_mode);
            ui.colored_label(color, shortened(&analysis.arms[*arm].name));
            value_link(ui, row, *arm, commands);
            let n = units::count(row.values[*arm].n);
            ui.weak(tr(format!("{n} {}", row.denominator)));
            ui.add_space(14.0);
        }
    });
}

/// The effect over time; a click lists the requests up to the look before it.
pub(super) fn over_time_ui(
    ui: &mut egui::Ui,
    analysis: &Analysis,
    metric: &str,
    commands: &mut Commands,
) {
    let Some(chart) = charts::effect_over_time(analysis, metric) else {
        return;
    };
    let brushed = brush_in(ui, &chart, 260.0, None);
    if let Some(Brushed::Place(seconds, _)) = brushed {
        let series = analysis.over_time.iter().find(|s| s.metric == metric);
        let looks = series.map_or(&[][..], |series| &series.points[..]);
        let before = looks.partition_point(|look| look.time_us as f64 <= seconds * 1e6);
        if let Some(look) = looks.get(before.saturating_sub(1)) {
            commands.push(Command::ShowRequests(Box::new(Query {
                within_us: Some((i64::MIN, look.time_us)),
                arm: None,
                ..Query::behind(metric, analysis.control)
            })));
        }
    }
    select_time(brushed, commands);
    note(ui, &chart.caption);
    note(
        ui,
        "Click a moment for the requests up to it, drag over a stretch to look at it alone.",
    );
}

/// A metric's effects by segment; a click on one selects its segment and lists its requests.
pub(super) fn forest_ui(
    ui: &mut egui::Ui,
    analysis: &Analysis,
    metric: &str,
    commands: &mut Commands,
) {
    let Some(chart) = charts::segment_forest(analysis, metric) else {
        return;
    };
    let height = 60.0 + 26.0 * chart.n_rows() as f32;
    let picked = pick_row_in(ui, &chart, height);
    let mut drawn = analysis
        .segments
        .iter()
        .filter(|s| s.metric == metric && s.effect.difference.is_some());
    if let Some(segment) = picked.and_then(|row| drawn.nth(row)) {
        show_segment(segment, None, commands);
    }
    note(ui, &chart.caption);
    note(ui, "Click a row for its requests.");
}

/// Selects a segment value and lists its requests, of one arm or of all.
pub(super) fn show_segment(segment: &SegmentEffect, arm: Option<usize>, commands: &mut Commands) {
    let place = (segment.segment.clone(), segment.value.clone());
    show_place(place, &segment.metric, arm, commands);
}

/// Selects a segment value by its column and name, and lists the requests behind a metric.
pub(super) fn show_place(
    place: (String, String),
    metric: &str,
    arm: Option<usize>,
    commands: &mut Commands,
) {
    commands.push(Command::SetSegment(Some(place)));
    commands.push(Command::ShowRequests(Box::new(Query {
        arm,
        ..Query::behind(metric, 0)
    })));
}
