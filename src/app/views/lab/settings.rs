//! What the lab tries, and the button that starts it.

use super::super::super::command::{Command, Commands};
use super::super::super::session::Session;
use super::super::super::state::{AppState, LabPlanChoice};
use super::super::super::widgets::{card_ui, note};
use super::super::super::words::tr;
use crate::analysis::Analysis;
use crate::jobs::JobKind;
use crate::lab::{Engine, Traffic};
use crate::units;

pub(super) fn ui(
    ui: &mut egui::Ui,
    state: &mut AppState,
    session: &Session,
    analysis: &Analysis,
    commands: &mut Commands,
) {
    card_ui(ui, "What to try", |ui| {
        let rules = &state.document.rulebook.rules;
        state.rule = state.rule.min(rules.len().saturating_sub(1));
        ui.horizontal_wrapped(|ui| {
            ui.label(tr("Rule"));
            let shown = rules.get(state.rule).map_or("", |rule| rule.title.as_str());
            egui::ComboBox::from_id_salt("lab rule")
                .width(330.0)
                .selected_text(tr(shown))
                .show_ui(ui, |ui| {
                    for (i, rule) in rules.iter().enumerate() {
                        ui.selectable_value(&mut state.rule, i, tr(&rule.title));
                    }
                })
                .response
                .accessible_name(tr("Rule to try"));
            ui.label(tr("Rollouts"));
            for n in [100, 400, 1000, 4000] {
                let text = units::count(u64::from(n));
                ui.selectable_value(&mut state.lab.replicates, n, text);
            }
        });
        let mut chosen = "";
        ui.horizontal_wrapped(|ui| {
            ui.label(tr("Made by"));
            for (engine, text, why) in [
                (
                    Engine::Relabel,
                    "relabelling the baseline's users",
                    "Keeps the log's hours, bursts and incidents. Recommended.",
                ),
                (
                    Engine::Permute,
                    "permuting both arms",
                    "Uses all requests; overstates false rollbacks where the canary is worse.",
                ),
                (
                    Engine::Blocks { days: 1 },
                    "drawing days",
                    "Days of the baseline, drawn with replacement: other weeks of days like these. For logs of two days or more.",
                ),
                (
                    Engine::Parametric(Traffic::Log { error_share: None }),
                    "drawing single requests",
                    "Independent requests: the fewest false rollbacks that can be hoped for.",
                ),
            ] {
                if state.lab.engine == engine {
                    chosen = why;
                }
                ui.selectable_value(&mut state.lab.engine, engine, tr(text))
                    .on_hover_text(tr(why));
            }
        });
        note(ui, chosen);
        plan_ui(ui, state);
        let is_readable = grid_ui(ui, state);
        ui.add_space(4.0);
        ui.horizontal(|ui| {
            let can_run = analysis.treatment.is_some() && is_readable;
            let button = egui::Button::new(egui::RichText::new(tr("Run the lab")).strong());
            if ui.add_enabled(can_run, button).clicked() {
                commands.push(Command::RunLab);
            }
            if session.lab_is_running() {
                if ui.button(tr("Stop")).clicked() {
                    for job in session.jobs() {
                        if job.kind == JobKind::Lab {
                            commands.push(Command::CancelJob(job.id));
                        }
                    }
                }
                ui.spinner();
                let done = session.lab.value.as_ref().and_then(|lab| lab.rules.first());
                ui.weak(done.map_or_else(
                    || tr("Making rollouts…"),
                    |trial| {
                        tr(format!(
                            "{} rollouts without a difference and {} calibrated versions so far",
                            units::count(trial.false_rollback.n),
                            trial.calibrated.len()
                        ))
                    },
                ));
            } else if session.lab.is_stale(&state.document) {
                ui.weak(tr(
                    "These figures are of other rules or another log: run it again.",
                ));
            } else if session.lab.is_partial() {
                ui.weak(tr("Stopped: these are the findings until then."));
            } else if session.lab.value.is_none() {
                ui.weak(tr("Nothing was tried yet."));
            }
        });
    });
}

/// How the canary's share grows, and what is calibrated to.
fn plan_ui(ui: &mut egui::Ui, state: &mut AppState) {
    ui.horizontal_wrapped(|ui| {
        ui.label(tr("Canary's share"));
        ui.selectable_value(
            &mut state.lab.plan,
            LabPlanChoice::Log,
            tr("stages of the log"),
        );
        let names = state.document.rulebook.plan_names();
        let is_named = matches!(state.lab.plan, LabPlanChoice::Named(_));
        let a_plan = tr("a plan…");
        egui::ComboBox::from_id_salt("lab plan")
            .selected_text(match &state.lab.plan {
                LabPlanChoice::Named(name) if is_named => name.as_str(),
                _ => &a_plan,
            })
            .show_ui(ui, |ui| {
                for name in names {
                    let this = LabPlanChoice::Named(name.clone());
                    ui.selectable_value(&mut state.lab.plan, this, tr(name));
                }
            })
            .response
            .accessible_name(tr("A plan by its name"));
        let mut percent = match state.lab.plan {
            LabPlanChoice::Fixed(share) => share * 100.0,
            _ => 5.0,
        };
        let is_fixed = matches!(state.lab.plan, LabPlanChoice::Fixed(_));
        if ui.selectable_label(is_fixed, tr("fixed at")).clicked() && !is_fixed {
            state.lab.plan = LabPlanChoice::Fixed(percent / 100.0);
        }
        let drag = egui::DragValue::new(&mut percent)
            .range(0.1..=99.0)
            .suffix(" %")
            .max_decimals(1);
        if ui
            .add_enabled(is_fixed, drag)
            .accessible_name(tr("Fixed share"))
            .changed()
        {
            state.lab.plan = LabPlanChoice::Fixed(percent / 100.0);
        }
        ui.label(tr("Tolerated false rollbacks")).on_hover_text(tr(
            "Thresholds are calibrated so that a rule rolls back at most this share of rollouts in which nothing is wrong",
        ));
        let mut alpha = state.lab.alpha * 100.0;
        let drag = egui::DragValue::new(&mut alpha)
            .range(0.1..=50.0)
            .suffix(" %")
            .max_decimals(1);
        if ui
            .add(drag)
            .accessible_name(tr("False rollbacks to calibrate to"))
            .changed()
        {
            state.lab.alpha = alpha / 100.0;
        }
    });
}

/// Windows and first looks to calibrate with; whether they can be read.
fn grid_ui(ui: &mut egui::Ui, state: &mut AppState) -> bool {
    ui.horizontal_wrapped(|ui| {
        for (text, name) in state.lab.grid_text.iter_mut().zip([
            "Windows to calibrate with, requests",
            "First looks, canary requests",
        ]) {
            let label = ui.label(tr(name));
            let edit = egui::TextEdit::singleline(text)
                .hint_text(tr("empty: as usual"))
                .desired_width(130.0);
            ui.add(edit).labelled_by(label.id).on_hover_text(tr(
                "Several, with commas between them: each is tried with each.",
            ));
        }
    });
    match state.lab.grid() {
        Ok(_) => true,
        Err(fault) => {
            ui.colored_label(ui.visuals().error_fg_color, fault);
            false
        }
    }
}
