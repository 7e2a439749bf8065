//! The tests behind the scorecard, with their assumptions, and the segments as a forest.

use super::super::command::Commands;
use super::super::state::AppState;
use super::super::widgets::{
    Column, bold, card_to_copy_ui, card_ui, cell, change, chip, note, shortened, table_height,
    table_ui, tsv,
};
use super::super::words::tr;
use super::behind::{arms_ui, forest_ui, over_time_ui};
use super::strategies;
use crate::analysis::{Analysis, Holds, TestLine, TestReport};
use crate::report::chart::Tone;
use crate::units;

pub(super) fn ui(
    ui: &mut egui::Ui,
    state: &mut AppState,
    analysis: &Analysis,
    commands: &mut Commands,
) {
    if analysis.cells.is_some() {
        return;
    }
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
    let reports = analysis.tests.iter().filter(|r| r.metric == chosen);
    let mut reports: Vec<&TestReport> = reports.collect();
    reports.sort_by_key(|report| Some(report.arm) != analysis.treatment);
    for report in reports {
        report_ui(ui, analysis, report, commands);
    }
    if analysis.over_time.iter().any(|s| s.metric == chosen) {
        card_ui(ui, "", |ui| over_time_ui(ui, analysis, &chosen, commands));
    }
    if analysis.segments.iter().any(|s| s.metric == chosen) {
        card_ui(ui, "", |ui| forest_ui(ui, analysis, &chosen, commands));
    }
}

fn report_ui(ui: &mut egui::Ui, analysis: &Analysis, report: &TestReport, commands: &mut Commands) {
    let arm = shortened(&analysis.arms[report.arm].name);
    let control = shortened(&analysis.arms[analysis.control].name);
    let name = format!("the tests of {}", report.label);
    let title = format!("{}: {arm} against {control}", report.label);
    card_to_copy_ui(
        ui,
        (&title, &name),
        commands,
        || tests_tsv(report),
        |ui, commands| {
            let changes = report.tests.iter();
            let changes = changes.filter_map(|line| Some(change(report.form, line.difference?)));
            let columns = [
                Column::text("Test", 230.0),
                Column::text("Unit", 84.0),
                Column::number("Statistic", 78.0),
                Column::number("df", 62.0),
                Column::whole(ui, "Difference and interval", 200.0, changes),
                Column::number("p", 70.0),
                Column::rest("What to know", 240.0),
            ];
            let compared = [analysis.control, report.arm];
            arms_ui(ui, analysis, &report.metric, &compared, commands);
            let id = format!("tests {} {}", report.metric, report.arm);
            let height = table_height(report.tests.len());
            table_ui(
                ui,
                &id,
                &columns,
                (report.tests.len(), height),
                |ui, row, column| {
                    let line = &report.tests[row];
                    let text = match column {
                        0 => line.result.name.label().to_owned(),
                        1 => line.unit.label().to_owned(),
                        2 => units::number(line.result.statistic),
                        3 => line.result.df.map_or_else(String::new, units::number),
                        4 => line
                            .difference
                            .map_or_else(String::new, |d| change(report.form, d)),
                        5 => units::p_value(line.result.p),
                        _ => line.note.clone(),
                    };
                    ui.label(match (row, column) {
                        (0, 0) => bold(tr(&text)),
                        _ => egui::RichText::new(tr(&text)),
                    });
                },
            );
            ui.add_space(6.0);
            ui.label(bold(tr("What the tests take for granted")));
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
