//! The tests behind the scorecard, with their assumptions, and the segments as a forest.

use super::super::command::Commands;
use super::super::state::AppState;
use super::super::widgets::{
    Column, card_ui, cell, chart_ui, chip, copy_button, note, shortened, table_height, table_ui,
    tsv,
};
use super::super::words::tr;
use super::strategies;
use crate::analysis::{Analysis, Holds, TestLine, TestReport};
use crate::report::chart::Tone;
use crate::report::charts;
use crate::units;

pub(super) fn ui(
    ui: &mut egui::Ui,
    state: &mut AppState,
    analysis: &Analysis,
    commands: &mut Commands,
) {
    if analysis.tests.is_empty() {
        card_ui(ui, "No tests", |ui| {
            ui.label(tr("There is nothing to compare: the log has one arm, or no metric that both arms share."));
        });
        return;
    }
    strategies::ui(ui, analysis, commands);
    let mut metrics: Vec<(&str, &str)> = Vec::new();
    for report in &analysis.tests {
        if !metrics.iter().any(|(id, _)| *id == report.metric) {
            metrics.push((&report.metric, &report.label));
        }
    }
    let chosen = state
        .test_metric
        .clone()
        .filter(|id| metrics.iter().any(|(m, _)| m == id))
        .unwrap_or_else(|| metrics[0].0.to_owned());
    ui.horizontal_wrapped(|ui| {
        for (id, label) in &metrics {
            if ui.selectable_label(chosen == *id, tr(*label)).clicked() {
                state.test_metric = Some((*id).to_owned());
            }
        }
    });
    ui.add_space(4.0);
    for report in analysis
        .tests
        .iter()
        .filter(|report| report.metric == chosen)
    {
        report_ui(ui, analysis, report, commands);
    }
    if let Some(chart) = charts::effect_over_time(analysis, &chosen) {
        card_ui(ui, "", |ui| {
            chart_ui(ui, &chart, 260.0);
        });
    }
    if let Some(forest) = charts::segment_forest(analysis, &chosen) {
        card_ui(ui, "", |ui| {
            chart_ui(ui, &forest, 60.0 + 26.0 * forest.n_rows() as f32);
        });
    }
}

fn report_ui(ui: &mut egui::Ui, analysis: &Analysis, report: &TestReport, commands: &mut Commands) {
    let arm = shortened(&analysis.arms[report.arm].name);
    let control = shortened(&analysis.arms[analysis.control].name);
    card_ui(
        ui,
        &format!("{}: {arm} against {control}", report.label),
        |ui| {
            const COLUMNS: [Column<'_>; 7] = [
                Column::text("Test", 215.0),
                Column::text("Unit", 85.0),
                Column::number("Statistic", 85.0),
                Column::number("df", 75.0),
                Column::number("Difference and interval", 236.0),
                Column::number("p", 85.0),
                Column::text("What to know", 290.0),
            ];
            let id = format!("tests {} {}", report.metric, report.arm);
            let height = table_height(report.tests.len());
            let name = format!("the tests of {}", report.label);
            copy_button(ui, &name, commands, || tests_tsv(report));
            table_ui(
                ui,
                &id,
                &COLUMNS,
                (report.tests.len(), height),
                |ui, row, column| {
                    let line = &report.tests[row];
                    let text = match column {
                        0 => line.result.name.label().to_owned(),
                        1 => line.unit.label().to_owned(),
                        2 => units::number(line.result.statistic),
                        3 => line.result.df.map_or_else(String::new, units::number),
                        4 => line.difference.map_or_else(String::new, |d| {
                            report.form.change_with_interval(
                                d.value,
                                d.interval.lower,
                                d.interval.upper,
                            )
                        }),
                        5 => units::p_value(line.result.p),
                        _ => line.note.clone(),
                    };
                    let rich = if row == 0 && column == 0 {
                        egui::RichText::new(tr(&text)).strong()
                    } else {
                        egui::RichText::new(tr(&text))
                    };
                    ui.add(egui::Label::new(rich).truncate());
                },
            );
            ui.add_space(6.0);
            ui.strong(tr("What the tests take for granted"));
            for assumption in &report.assumptions {
                let (symbol, tone) = match assumption.holds {
                    Holds::Yes => ("●", Tone::Good),
                    Holds::Unknown => ("?", Tone::Caution),
                    Holds::No => ("■", Tone::Bad),
                };
                ui.horizontal_wrapped(|ui| {
                    chip(ui, &format!("{symbol} {}", assumption.holds.label()), tone);
                    ui.label(tr(&assumption.text));
                });
                note(ui, &assumption.why);
            }
        },
    );
}

fn tests_tsv(report: &TestReport) -> String {
    let headings = [
        "test",
        "unit",
        "statistic",
        "df",
        "difference",
        "lower",
        "upper",
        "p",
        "note",
    ];
    let row = |line: &TestLine| {
        let difference = line.difference;
        vec![
            line.result.name.label().to_owned(),
            line.unit.label().to_owned(),
            line.result.statistic.to_string(),
            cell(line.result.df),
            cell(difference.map(|d| d.value)),
            cell(difference.map(|d| d.interval.lower)),
            cell(difference.map(|d| d.interval.upper)),
            line.result.p.to_string(),
            line.note.clone(),
        ]
    };
    tsv(&headings, report.tests.iter().map(row))
}
