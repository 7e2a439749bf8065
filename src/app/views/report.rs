//! What the report will say, and writing it.

mod context;

use std::path::Path;

use super::super::command::{Command, Commands, UiCommand};
use super::super::session::Session;
use super::super::state::{AppState, Notice};
use super::super::widgets::{bold, card_ui, headline, note};
use super::super::words::tr;
use crate::analysis::{Analysis, Severity};
use crate::jobs::JobKind;
use crate::report::ReportForm;
use crate::units;

pub(super) fn ui(
    ui: &mut egui::Ui,
    state: &mut AppState,
    session: &Session,
    analysis: &Analysis,
    commands: &mut Commands,
) {
    card_ui(ui, "Write the report", |ui| {
        egui::Grid::new("report fields")
            .num_columns(2)
            .spacing([12.0, 8.0])
            .show(ui, |ui| {
                let label = ui.label(tr("Title"));
                let title = egui::TextEdit::singleline(&mut state.document.title)
                    .desired_width(460.0)
                    .hint_text(analysis.log.name.as_str());
                ui.add(title).labelled_by(label.id);
                ui.end_row();
                let label = ui.label(tr("File"));
                ui.add(
                    egui::TextEdit::singleline(&mut state.report.path_text).desired_width(460.0),
                )
                .labelled_by(label.id);
                ui.end_row();
                ui.label(tr("Form"));
                form_ui(ui, &mut state.report.path_text);
                ui.end_row();
            });
        ui.add_space(4.0);
        let is_writing = session.jobs().iter().any(|job| job.kind == JobKind::Export);
        let is_ready = !is_writing && !state.report.path_text.trim().is_empty();
        if ui
            .add_enabled(is_ready, egui::Button::new(tr("Write the report")))
            .clicked()
        {
            commands.push(Command::Ui(UiCommand::Export));
        }
        // What was copied or drawn elsewhere is none of the report's.
        let is_of_report = |notice: &Notice| {
            let mut path = notice.path.iter();
            notice.is_error || path.any(|path| ReportForm::of_path(path).is_ok())
        };
        if let Some(notice) = state.notice.clone().filter(is_of_report) {
            let color = if notice.is_error {
                ui.visuals().error_fg_color
            } else {
                ui.visuals().text_color()
            };
            ui.add(egui::Label::new(egui::RichText::new(tr(&notice.text)).color(color)).wrap());
            if let Some(path) = &notice.path {
                let absolute = std::path::absolute(path).unwrap_or_else(|_| path.clone());
                ui.hyperlink_to(
                    tr("Open it in the browser"),
                    format!("file://{}", absolute.display()),
                );
            }
        }
        note(
            ui,
            "One file with charts and tables inside, readable offline. No user ids and no prompts are in it.",
        );
    });
    context::ui(ui, &mut state.document.context, analysis);
    preview_ui(ui, state, session, analysis);
}

/// The forms of a report, of which the end of the file's name chooses one.
fn form_ui(ui: &mut egui::Ui, path_text: &mut String) {
    ui.horizontal(|ui| {
        let chosen = ReportForm::of_path(Path::new(path_text.trim())).ok();
        for form in ReportForm::ALL {
            let is_chosen = chosen == Some(form);
            if ui.selectable_label(is_chosen, form.label()).clicked() && !is_chosen {
                let path = Path::new(path_text.trim()).with_extension(form.extension());
                *path_text = path.display().to_string();
            }
        }
    });
}

/// What stands in the report, from the values it is made of.
fn preview_ui(ui: &mut egui::Ui, state: &AppState, session: &Session, analysis: &Analysis) {
    card_ui(ui, "What it will say", |ui| {
        headline(ui, &analysis.decision);
        ui.add_space(6.0);
        let worst = analysis
            .health
            .iter()
            .filter(|check| check.severity >= Severity::Warning)
            .count();
        let firings = session.replay.value.as_ref().map_or(0, |r| {
            r.rules.iter().filter(|rule| rule.first.is_some()).count()
        });
        let n_rules = session.replay.value.as_ref().map_or(0, |r| r.rules.len());
        let n_intervals = analysis
            .scorecard
            .iter()
            .map(|row| row.effects.len())
            .sum::<usize>();
        let charts = analysis.latency.len() * 3
            + analysis
                .trends
                .as_ref()
                .map_or(0, |_| analysis.scorecard.len() + 1);
        egui::Grid::new("contents")
            .num_columns(2)
            .spacing([20.0, 4.0])
            .show(ui, |ui| {
                for (section, contents) in [
                    (
                        "Decision",
                        format!("{} reasons", analysis.decision.reasons.len()),
                    ),
                    (
                        "Health",
                        format!(
                            "{} checks, {worst} of them warnings or worse",
                            analysis.health.len()
                        ),
                    ),
                    (
                        "Scorecard",
                        format!(
                            "{} metrics, {n_intervals} differences with intervals",
                            analysis.scorecard.len()
                        ),
                    ),
                    (
                        "Latency and trends",
                        format!("about {charts} charts, each with its table"),
                    ),
                    (
                        "Tests",
                        format!("{} reports with assumptions", analysis.tests.len()),
                    ),
                    (
                        "Segments",
                        format!(
                            "{} effects, corrected for their number",
                            analysis.segments.len()
                        ),
                    ),
                    (
                        "Rollback rules",
                        format!("{n_rules} rules, {firings} would have fired"),
                    ),
                    (
                        "Rule lab",
                        match session.lab.current(&state.document) {
                            Some(lab) => format!("{} rules tried", lab.rules.len()),
                            None => "left out: try a rule in the rule lab to add it".to_owned(),
                        },
                    ),
                    (
                        "Reading of the log",
                        match session.loaded.value.as_ref().map_or(0, |l| l.issues.len()) {
                            1 => "1 finding".to_owned(),
                            n => format!("{n} findings"),
                        },
                    ),
                    (
                        "Method and settings",
                        format!("{} intervals", units::share(analysis.settings.level)),
                    ),
                ] {
                    ui.label(bold(tr(section)));
                    ui.label(tr(contents));
                    ui.end_row();
                }
            });
    });
}
