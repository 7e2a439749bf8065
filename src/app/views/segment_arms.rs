//! Every arm by segment value, where more than two are compared; part of the overview.

use super::super::command::Commands;
use super::super::state::AppState;
use super::super::widgets::{
    Column, chart_ui, copy_button, note, shortened_to, table_height, table_ui, tsv, width_of,
};
use super::super::words::tr;
use super::behind::show_place;
use crate::analysis::{Analysis, ArmValue, SegmentArms};
use crate::report::charts;
use crate::report::segment_map::{arms_by_segment, arms_note, left_out_words};
use crate::units;

/// Rows of a table in view; the rest scrolls.
const MOST_ROWS: usize = 16;
/// A column of values at least.
const NARROWEST: f32 = 84.0;
/// Characters of an arm's or a value's name; the whole appears under the pointer.
const LONGEST: usize = 24;

pub(super) fn ui(
    ui: &mut egui::Ui,
    state: &mut AppState,
    analysis: &Analysis,
    commands: &mut Commands,
) {
    note(ui, arms_note());
    let chosen = chosen(state, analysis);
    ui.horizontal_wrapped(|ui| {
        ui.label(tr("Metric"));
        let first = analysis.segment_arms.first().map(|found| &found.segment);
        let of_first = analysis
            .segment_arms
            .iter()
            .filter(|f| Some(&f.segment) == first);
        for found in of_first {
            let is_chosen = Some(&found.metric) == chosen.as_ref();
            if ui.selectable_label(is_chosen, tr(&found.label)).clicked() {
                state.segment_arms_metric = Some(found.metric.clone());
            }
        }
    });
    let is_chosen = |found: &&SegmentArms| Some(&found.metric) == chosen.as_ref();
    for found in analysis.segment_arms.iter().filter(is_chosen) {
        ui.add_space(6.0);
        match charts::arms_by_segment(analysis, found) {
            Some(chart) => chart_ui(ui, &chart, 260.0),
            None => {
                ui.label(tr(format!("{} by {}", found.label, found.segment)));
            }
        }
        table_of(ui, analysis, found, commands);
        if found.n_left_out > 0 {
            note(ui, &format!("{}.", left_out_words(found.n_left_out)));
        }
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            copy_button(ui, "every arm by segment", commands, || {
                arms_tsv(analysis, found)
            });
        });
    }
}

/// The metric that was chosen, else the first that decides.
fn chosen(state: &AppState, analysis: &Analysis) -> Option<String> {
    let is_there = |id: &&String| analysis.segment_arms.iter().any(|f| f.metric == **id);
    let asked = state.segment_arms_metric.as_ref().filter(is_there);
    let first = || arms_by_segment(analysis).next().map(|found| &found.metric);
    asked.or_else(first).cloned()
}

fn table_of(ui: &mut egui::Ui, analysis: &Analysis, found: &SegmentArms, commands: &mut Commands) {
    let arms: Vec<usize> = arms(found).collect();
    let names: Vec<String> = arms
        .iter()
        .map(|arm| shortened_to(&analysis.arms[*arm].name, LONGEST))
        .collect();
    let mut columns = vec![Column::rest(&found.segment, 120.0)];
    for name in &names {
        let width = width_of(ui, name) + 12.0;
        columns.push(Column::number(name, width.max(NARROWEST)));
    }
    let n_rows = found.values.len();
    let size = (n_rows, table_height(n_rows.min(MOST_ROWS)));
    let id = format!("every arm by {}", found.segment);
    table_ui(ui, &id, &columns, size, |ui, row, column| {
        let value = &found.values[row];
        let Some(of_arm) = column.checked_sub(1).and_then(|k| value.arms.get(k)) else {
            let name = value.shown_value();
            ui.label(shortened_to(name, LONGEST)).on_hover_text(name);
            return;
        };
        value_ui(ui, found, (&value.value, of_arm), commands);
    });
}

/// What an arm shows at one value: leads to its requests, with the segment selected.
fn value_ui(
    ui: &mut egui::Ui,
    found: &SegmentArms,
    (value, of_arm): (&str, &ArmValue),
    commands: &mut Commands,
) {
    let Some(estimate) = of_arm.estimate.filter(|_| of_arm.n > 0) else {
        ui.weak(units::NO_VALUE);
        return;
    };
    let interval = estimate.interval;
    let form = found.form;
    let hover = format!(
        "{}\nn {}\n{}",
        form.value_with_interval(estimate.value, interval.lower, interval.upper),
        units::count(of_arm.n),
        tr("Click for the requests behind it")
    );
    if ui
        .link(form.value(estimate.value))
        .on_hover_text(hover)
        .clicked()
    {
        let place = (found.segment.clone(), value.to_owned());
        show_place(place, &found.metric, Some(of_arm.arm), commands);
    }
}

fn arms(found: &SegmentArms) -> impl Iterator<Item = usize> {
    let first = found.values.first().into_iter();
    first.flat_map(|value| value.arms.iter().map(|of| of.arm))
}

fn arms_tsv(analysis: &Analysis, found: &SegmentArms) -> String {
    let headings = [
        "segment", "value", "metric", "arm", "n", "estimate", "lower", "upper",
    ];
    let rows = found.values.iter().flat_map(|value| {
        value.arms.iter().map(|of_arm| {
            let number = |of: fn(&crate::stats::Estimate) -> f64| {
                of_arm
                    .estimate
                    .as_ref()
                    .map_or_else(String::new, |e| of(e).to_string())
            };
            vec![
                found.segment.clone(),
                value.value.clone(),
                found.metric.clone(),
                analysis.arms[of_arm.arm].name.clone(),
                of_arm.n.to_string(),
                number(|e| e.value),
                number(|e| e.interval.lower),
                number(|e| e.interval.upper),
            ]
        })
    });
    tsv(&headings, rows)
}
