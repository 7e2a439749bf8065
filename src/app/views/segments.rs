//! Effects by segment value: what stands out in words, every metric by every value as a map, and one
//! metric with its intervals; part of the overview.

use super::super::command::{Command, Commands};
use super::super::state::AppState;
use super::super::theme;
use super::super::widgets::{
    Column, bold, cell, change, chip, chip_width, copy_button, note, shortened, shortened_to,
    table_height, table_ui, tsv, verdict_chip, verdicts_width, width_of,
};
use super::super::words::tr;
use super::behind::{forest_ui, show_segment};
use crate::analysis::{Analysis, SegmentEffect};
use crate::report::chart::Tone;
use crate::report::segment_map::{SegmentMap, cell_text, segment_map, segment_note, segment_words};
use crate::units;

/// Rows of the map in view; the rest scrolls.
const MOST_ROWS: usize = 24;
/// A column of the map at least.
const NARROWEST: f32 = 62.0;
/// Characters of a value in a cell; the whole appears under the pointer, and in what is copied.
const LONGEST: usize = 80;

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
            ui.add(egui::Label::new(bold(tr(&words))).wrap());
        } else {
            note(ui, &words);
        }
    }
    ui.add_space(4.0);
    map_ui(ui, &map, !analysis.decision.is_log_unsound);
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
    ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
        copy_button(ui, "the segments", commands, || segments_tsv(&chosen));
    });
    let arms = [Some(analysis.control), analysis.treatment];
    let is_judged = !analysis.decision.is_log_unsound;
    table_of(ui, (&chosen, is_judged), arms, commands);
}

/// Segment values by metrics: a colour, a shape and the change in each cell.
fn map_ui(ui: &mut egui::Ui, map: &SegmentMap<'_>, is_judged: bool) {
    let place = |k: usize| {
        let worst = map.rows[k].worst;
        format!("{} = {}", worst.segment, worst.shown_value())
    };
    let n_rows = map.rows.len();
    let places = (0..n_rows).map(|k| width_of(ui, &shortened(&place(k))));
    let places = places.fold(0.0, f32::max) + 4.0;
    let mut columns = vec![Column::text("", places)];
    for (m, metric) in map.metrics.iter().enumerate() {
        let cells = map.rows.iter().filter_map(|row| row.cells.get(m));
        let widest = cells.map(|found| chip_width(ui, &cell_text(*found)));
        let width = widest.fold(NARROWEST, f32::max);
        columns.push(Column::controls(&metric.label, width));
    }
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        let size = (n_rows, table_height(n_rows.min(MOST_ROWS)));
        table_ui(ui, "segment map", &columns, size, |ui, row, column| {
            if let Some(metric) = column.checked_sub(1) {
                cell_ui(ui, map.rows[row].cells[metric], is_judged);
            } else {
                let place = place(row);
                ui.label(shortened(&place)).on_hover_text(place);
            }
        });
    });
}

fn cell_ui(ui: &mut egui::Ui, found: Option<&SegmentEffect>, is_judged: bool) {
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
    let (tone, reading) = if is_judged {
        (theme::verdict_tone(effect.verdict), effect.verdict.label())
    } else {
        (Tone::Quiet, "not judged")
    };
    chip(ui, &text, tone).on_hover_text(format!(
        "{}\n{}\n{}: {}",
        tr(&effect.label),
        place,
        tr(reading),
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
    (chosen, is_judged): (&[&SegmentEffect], bool),
    [control, treatment]: [Option<usize>; 2],
    commands: &mut Commands,
) {
    let changes = chosen
        .iter()
        .filter_map(|s| Some(change(s.form, s.effect.difference?)));
    let verdicts = verdicts_width(ui, chosen.iter().map(|segment| segment.verdict), is_judged);
    let columns = [
        Column::rest("Where", 190.0),
        Column::text("Metric", 150.0),
        Column::controls("Verdict", verdicts),
        Column::number("Control", 70.0),
        Column::number("Treatment", 76.0),
        Column::whole(ui, "Difference and interval", 180.0, changes),
        Column::number("p (corrected)", 86.0),
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
                    let place = format!("{} = {}", segment.segment, shortened_to(value, LONGEST));
                    let name = tr(format!("Look at {} = {value} only", segment.segment));
                    let link = ui.link(place).on_hover_text(&name);
                    if link.accessible_name(name).clicked() {
                        commands.push(Command::SetSegment(Some((
                            segment.segment.clone(),
                            segment.value.clone(),
                        ))));
                    }
                }
                1 => {
                    ui.label(tr(&segment.label));
                }
                2 => {
                    verdict_chip(ui, segment.verdict, is_judged);
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
                _ => {
                    ui.label(units::p_value(segment.p_adjusted));
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
