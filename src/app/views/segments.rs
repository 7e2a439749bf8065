//! Effects by segment value, the most harmful first; part of the overview.

use super::super::command::{Command, Commands};
use super::super::state::AppState;
use super::super::widgets::{Column, cell, copy_button, note, table_ui, tsv, verdict_chip};
use crate::analysis::{Analysis, SegmentEffect, Verdict};
use crate::units;

pub(super) fn ui(
    ui: &mut egui::Ui,
    state: &mut AppState,
    analysis: &Analysis,
    commands: &mut Commands,
) {
    let mut metrics: Vec<(&str, &str)> = analysis
        .segments
        .iter()
        .map(|s| (s.metric.as_str(), s.label.as_str()))
        .collect();
    metrics.sort_unstable();
    metrics.dedup();
    ui.horizontal_wrapped(|ui| {
        ui.label("Metric");
        if ui
            .selectable_label(state.segment_metric.is_none(), "all")
            .clicked()
        {
            state.segment_metric = None;
        }
        for (id, label) in metrics {
            if ui
                .selectable_label(state.segment_metric.as_deref() == Some(id), label)
                .clicked()
            {
                state.segment_metric = Some(id.to_owned());
            }
        }
    });
    let chosen: Vec<_> = analysis
        .segments
        .iter()
        .filter(|s| {
            state
                .segment_metric
                .as_ref()
                .is_none_or(|id| s.metric == *id)
        })
        .collect();
    spread_ui(ui, state, analysis);
    copy_button(ui, "the segments", commands, || segments_tsv(&chosen));
    let columns = [
        Column::text("Where", 180.0),
        Column::text("Metric", 145.0),
        Column::number("Control", 70.0),
        Column::number("Treatment", 76.0),
        Column::number("Difference and interval", 236.0),
        Column::number("p (Holm)", 76.0),
        Column::text("Verdict", 126.0),
        Column::text("", 84.0),
    ];
    table_ui(
        ui,
        "segments",
        &columns,
        (chosen.len(), 320.0),
        |ui, i, column| {
            let segment = chosen[i];
            let value = if segment.value.is_empty() {
                "(empty)"
            } else {
                &segment.value
            };
            let form = |v: Option<f64>| {
                v.map_or_else(|| units::NO_VALUE.to_owned(), |v| segment.form.value(v))
            };
            match column {
                0 => {
                    ui.add(egui::Label::new(format!("{} = {value}", segment.segment)).truncate());
                }
                1 => {
                    ui.label(&segment.label);
                }
                2 => {
                    ui.label(form(segment.control))
                        .on_hover_text(format!("{} requests", units::count(segment.n_requests.0)));
                }
                3 => {
                    ui.label(form(segment.treatment))
                        .on_hover_text(format!("{} requests", units::count(segment.n_requests.1)));
                }
                4 => {
                    if let Some(d) = segment.effect.difference {
                        ui.label(segment.form.change_with_interval(
                            d.value,
                            d.interval.lower,
                            d.interval.upper,
                        ));
                    }
                }
                5 => {
                    ui.label(units::p_value(segment.p_holm));
                }
                6 => {
                    // A single segment out of many proves nothing before correction.
                    let verdict =
                        if segment.effect.verdict == Verdict::Worse && segment.p_holm >= 0.05 {
                            Verdict::Inconclusive
                        } else {
                            segment.effect.verdict
                        };
                    verdict_chip(ui, verdict);
                }
                _ => {
                    let button = ui
                        .small_button("Look at it")
                        .accessible_name(format!("Look at {} = {value} only", segment.segment));
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
            segment.effect.verdict.label().to_owned(),
        ]
    };
    tsv(&headings, chosen.iter().map(row))
}

/// Harm that the mean hides, and where the effect differs between values.
fn spread_ui(ui: &mut egui::Ui, state: &AppState, analysis: &Analysis) {
    for spread in &analysis.segment_spread {
        let is_chosen = state
            .segment_metric
            .as_ref()
            .is_none_or(|id| spread.metric == *id);
        if let Some(words) = spread.hidden_harm.as_ref().filter(|_| is_chosen) {
            ui.strong(words);
        }
        if is_chosen && spread.p_holm < 0.05 {
            note(
                ui,
                &format!(
                    "The effect on {} differs between the values of {} (Cochran's Q, corrected p {})",
                    spread.label,
                    spread.segment,
                    units::p_value(spread.p_holm)
                ),
            );
        }
    }
}
