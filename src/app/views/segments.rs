//! Effects by segment value: what stands out in words, every metric by every value as a map, and one
//! metric with its intervals; part of the overview.

use super::super::command::{Command, Commands};
use super::super::state::AppState;
use super::super::theme;
use super::super::widgets::{
    Column, cell, change, chip, copy_button, note, shortened, table_ui, tsv, verdict_chip,
    with_focus_in_view,
};
use super::super::words::tr;
use super::behind::{forest_ui, show_segment};
use crate::analysis::{Analysis, SegmentEffect};
use crate::report::segment_map::{SegmentMap, cell_text, segment_map, segment_note, segment_words};
use crate::units;

/// A row of the map with its distance to the next.
const ROW_HEIGHT: f32 = 34.0;
/// A higher map scrolls.
const MOST_HEIGHT: f32 = 380.0;

pub(super) fn ui(
    ui: &mut egui::Ui,
    state: &mut AppState,
    analysis: &Analysis,
    commands: &mut Commands,
) {
    let Some(map) = segment_map(analysis) else {
        return;
    };
    for words in segment_words(analysis) {
        // What is harmed comes first, and first of all what the mean hides.
        let is_harm = analysis
            .segments
            .iter()
            .any(|s| s.harm.as_ref().is_some_and(|harm| harm.text == words));
        if is_harm {
            ui.add(egui::Label::new(egui::RichText::new(tr(&words)).strong()).wrap());
        } else {
            note(ui, &words);
        }
    }
    ui.add_space(4.0);
    map_ui(ui, state, &map);
    note(
        ui,
        &format!(
            "{}. Choose a metric to see its effects with their intervals.",
            segment_note(analysis)
        ),
    );
    ui.horizontal_wrapped(|ui| {
        ui.label(tr("Metric"));
        if ui
            .selectable_label(state.segment_metric.is_none(), tr("all"))
            .clicked()
        {
            state.segment_metric = None;
        }
        for row in &map.metrics {
            let is_chosen = state.segment_metric.as_deref() == Some(&row.id);
            if ui.selectable_label(is_chosen, tr(&row.label)).clicked() {
                state.segment_metric = Some(row.id.clone());
            }
        }
    });
    let chosen: Vec<&SegmentEffect> = analysis
        .segments
        .iter()
        .filter(|s| {
            state
                .segment_metric
                .as_ref()
                .is_none_or(|id| s.metric == *id)
        })
        .collect();
    if let Some(metric) = &state.segment_metric {
        forest_ui(ui, analysis, metric, commands);
    }
    copy_button(ui, "the segments", commands, || segments_tsv(&chosen));
    let arms = [Some(analysis.control), analysis.treatment];
    table_of(ui, &chosen, arms, commands);
}

/// Segment values by metrics: a colour, a shape and the change in each cell.
fn map_ui(ui: &mut egui::Ui, state: &mut AppState, map: &SegmentMap<'_>) {
    let height = (ROW_HEIGHT * (map.rows.len() + 1) as f32).min(MOST_HEIGHT);
    egui::ScrollArea::both()
        .id_salt("segment map")
        // Below the fold it would shrink to a single row otherwise.
        .min_scrolled_height(height)
        .max_height(height)
        .auto_shrink([false, true])
        .show(ui, |ui| {
            with_focus_in_view(ui, |ui| grid_ui(ui, state, map));
        });
}

fn grid_ui(ui: &mut egui::Ui, state: &mut AppState, map: &SegmentMap<'_>) {
    egui::Grid::new("segment map")
        .spacing([6.0, 4.0])
        .show(ui, |ui| {
            ui.label("");
            for row in &map.metrics {
                let is_chosen = state.segment_metric.as_deref() == Some(&row.id);
                let text = egui::RichText::new(tr(&row.label)).strong().size(13.0);
                if ui.selectable_label(is_chosen, text).clicked() {
                    state.segment_metric = (!is_chosen).then(|| row.id.clone());
                }
            }
            ui.end_row();
            for row in &map.rows {
                let place = format!("{} = {}", row.worst.segment, row.worst.shown_value());
                ui.label(shortened(&place)).on_hover_text(&place);
                for found in &row.cells {
                    cell_ui(ui, *found);
                }
                ui.end_row();
            }
        });
}

fn cell_ui(ui: &mut egui::Ui, found: Option<&SegmentEffect>) {
    let text = cell_text(found);
    let Some(effect) = found else {
        ui.weak(text);
        return;
    };
    let interval = effect.effect.difference.map_or_else(String::new, |d| {
        let p = units::p_value(effect.p_adjusted);
        format!("{}, corrected p {p}", change(effect.form, d))
    });
    let place = format!("{} = {}", effect.segment, effect.shown_value());
    chip(ui, &text, theme::verdict_tone(effect.verdict)).on_hover_text(format!(
        "{}\n{}\n{}: {}",
        tr(&effect.label),
        place,
        tr(effect.verdict.label()),
        tr(interval)
    ));
}

/// A value of an arm in a segment: leads to its requests, with the segment selected.
fn value_ui(
    ui: &mut egui::Ui,
    segment: &SegmentEffect,
    (value, n, arm): (Option<f64>, u64, Option<usize>),
    commands: &mut Commands,
) {
    let text = value.map_or_else(
        || units::NO_VALUE.to_owned(),
        |value| segment.form.value(value),
    );
    let hover = format!(
        "n {}\n{}",
        units::count(n),
        tr("Click for the requests behind it")
    );
    let link = ui.link(text).on_hover_text(hover);
    if let Some(arm) = arm.filter(|_| link.clicked()) {
        show_segment(segment, Some(arm), commands);
    }
}

fn table_of(
    ui: &mut egui::Ui,
    chosen: &[&SegmentEffect],
    [control, treatment]: [Option<usize>; 2],
    commands: &mut Commands,
) {
    let changes = chosen
        .iter()
        .filter_map(|s| Some(change(s.form, s.effect.difference?)));
    let columns = [
        Column::text("Where", 180.0),
        Column::text("Metric", 145.0),
        Column::text("Verdict", 126.0),
        Column::number("Control", 70.0),
        Column::number("Treatment", 76.0),
        Column::whole(ui, "Difference and interval", 236.0, changes),
        Column::number("p (corrected)", 92.0),
        Column::text("", 84.0),
    ];
    table_ui(
        ui,
        "segments",
        &columns,
        (chosen.len(), 320.0),
        |ui, i, column| {
            let segment = chosen[i];
            let value = segment.shown_value();
            match column {
                0 => {
                    ui.add(egui::Label::new(format!("{} = {value}", segment.segment)).truncate());
                }
                1 => {
                    ui.label(tr(&segment.label));
                }
                2 => {
                    verdict_chip(ui, segment.verdict);
                }
                3 => {
                    let shown = (segment.compared().0, segment.n.0, control);
                    value_ui(ui, segment, shown, commands);
                }
                4 => {
                    let shown = (segment.compared().1, segment.n.1, treatment);
                    value_ui(ui, segment, shown, commands);
                }
                5 => {
                    if let Some(d) = segment.effect.difference {
                        ui.label(change(segment.form, d));
                    }
                }
                6 => {
                    ui.label(units::p_value(segment.p_adjusted));
                }
                _ => {
                    let button = ui
                        .small_button(tr("Look at it"))
                        .accessible_name(tr(format!("Look at {} = {value} only", segment.segment)));
                    if button.clicked() {
                        commands.push(Command::SetSegment(Some((
                            segment.segment.clone(),
                            segment.value.clone(),
                        ))));
                    }
                }
            }
        },
    );
}

fn segments_tsv(chosen: &[&SegmentEffect]) -> String {
    let headings = [
        "segment",
        "value",
        "metric",
        "control",
        "treatment",
        "difference",
        "lower",
        "upper",
        "p_holm",
        "p_adjusted",
        "verdict",
    ];
    let row = |segment: &&SegmentEffect| {
        let difference = segment.effect.difference;
        vec![
            segment.segment.clone(),
            segment.value.clone(),
            segment.metric.clone(),
            cell(segment.control),
            cell(segment.treatment),
            cell(difference.map(|d| d.value)),
            cell(difference.map(|d| d.interval.lower)),
            cell(difference.map(|d| d.interval.upper)),
            segment.p_holm.to_string(),
            segment.p_adjusted.to_string(),
            segment.verdict.label().to_owned(),
        ]
    };
    tsv(&headings, chosen.iter().map(row))
}
