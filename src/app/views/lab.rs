//! The rule lab: whether a rollback rule is any good, and which thresholds would be better.

mod detection;
mod settings;

use super::super::command::{Command, Commands};
use super::super::session::Session;
use super::super::state::AppState;
use super::super::widgets::{Column, card_ui, chip, note, pick_in, table_height, table_ui};
use super::super::words::tr;
use crate::analysis::Analysis;
use crate::lab::words::{
    FIRING_WORDS, Grade, chance, few, found, grade, graded, others, own, rounded, verdict,
};
use crate::lab::{Calibrated, Chance, Detection, OtherLogs, RuleLab, RuleTrial};
use crate::report::chart::Tone;
use crate::report::charts;
use crate::rules::{Comparison, Rule};
use crate::units::{self, ValueForm};

pub(super) fn ui(
    ui: &mut egui::Ui,
    state: &mut AppState,
    session: &Session,
    analysis: &Analysis,
    commands: &mut Commands,
) {
    note(
        ui,
        "A replay says when a rule would have fired on one log. The lab runs it over many rollouts made from the log's own traffic: some in which both arms are the same, where every firing is false, and some into whose canary a regression was put.",
    );
    if analysis.cells.is_some() {
        return;
    }
    settings::ui(ui, state, session, analysis, commands);
    if let Some(error) = &session.lab.error {
        super::error_ui(ui, error);
    }
    let Some(lab) = session.lab.value.clone() else {
        return;
    };
    let Some(trial) = lab.rules.first() else {
        return;
    };
    ui.scope(|ui| {
        if session.lab.is_stale(&state.document) {
            ui.multiply_opacity(0.6);
        }
        verdict_ui(ui, &lab, trial);
        if trial.skipped.is_some() {
            return;
        }
        let index = rule_index(state, trial);
        if let Some(index) = index {
            profile_ui(ui, state, trial, index, commands);
        }
        detection::ui(ui, trial);
        frontier_ui(ui, state, &lab, commands);
        guards_ui(ui, &lab, trial);
    });
}

/// Where the tried rule stands in the document.
fn rule_index(state: &AppState, trial: &RuleTrial) -> Option<usize> {
    let rules = &state.document.rulebook.rules;
    rules.iter().position(|rule| rule.id == trial.id)
}

fn verdict_ui(ui: &mut egui::Ui, lab: &RuleLab, trial: &RuleTrial) {
    card_ui(ui, &trial.title, |ui| {
        if trial.skipped.is_none() {
            let alpha = lab.settings.alpha;
            ui.horizontal_wrapped(|ui| {
                let as_written = (
                    (&trial.false_rollback, trial.other_logs.as_ref()),
                    trial.detection.as_slice(),
                );
                grade_chip(ui, "As written", as_written, alpha);
                if let Some(version) = best(trial) {
                    let calibrated = (
                        (&version.false_rollback, version.other_logs.as_ref()),
                        version.detection.as_slice(),
                    );
                    grade_chip(ui, "Calibrated", calibrated, alpha);
                }
            });
        }
        ui.add(egui::Label::new(egui::RichText::new(tr(verdict(trial))).size(15.0)).wrap());
        if let Some(own) = own(trial) {
            ui.add(egui::Label::new(tr(own)).wrap());
        }
        if trial.skipped.is_some() {
            return;
        }
        let mut early: Vec<String> = trial
            .within
            .iter()
            .map(|w| {
                format!(
                    "within {} canary requests {}",
                    units::count(u64::from(w.requests)),
                    chance(&w.chance)
                )
            })
            .collect();
        if trial.false_rollback.events > 0 {
            early.push(format!(
                "on average after {} of {} canary requests",
                few(trial.mean_time.requests),
                few(trial.mean_time.of_requests)
            ));
        }
        note(ui, &format!("False rollbacks: {}.", early.join("; ")));
        ui.add_space(4.0);
        causes_ui(ui, trial);
        note(ui, FIRING_WORDS);
        if trial.stages.len() > 1 {
            let stages: Vec<String> = trial
                .stages
                .iter()
                .map(|s| {
                    format!(
                        "{} ({}): {}",
                        s.name,
                        units::share(s.weight),
                        rounded(s.chance.share)
                    )
                })
                .collect();
            note(
                ui,
                &format!("First false rollback by stage: {}.", stages.join(", ")),
            );
        }
    });
}

fn causes_ui(ui: &mut egui::Ui, trial: &RuleTrial) {
    const COLUMNS: [Column<'_>; 5] = [
        Column::text("Condition", 140.0),
        Column::number("Threshold", 180.0),
        Column::number("False rollbacks it takes part in", 200.0),
        Column::number("Rollbacks on it alone", 150.0),
        Column::rest("Says", 200.0),
    ];
    let height = table_height(trial.conditions.len());
    table_ui(
        ui,
        "causes",
        &COLUMNS,
        (trial.conditions.len(), height),
        |ui, i, column| {
            let condition = &trial.conditions[i];
            match column {
                0 => ui.label(&condition.name),
                1 => ui.label(tr(&condition.threshold_text)),
                2 => ui.label(rounded(condition.causes.share)),
                3 => ui.label(rounded(condition.alone.share)),
                _ => ui.label(tr(&condition.text)),
            };
        },
    );
}

/// One condition over all thresholds; dragging in the chart or the slider tries one.
fn profile_ui(
    ui: &mut egui::Ui,
    state: &mut AppState,
    trial: &RuleTrial,
    rule: usize,
    commands: &mut Commands,
) {
    card_ui(ui, "Move a threshold", |ui| {
        let before = state.lab.condition;
        ui.horizontal_wrapped(|ui| {
            for (i, condition) in trial.conditions.iter().enumerate() {
                ui.selectable_value(&mut state.lab.condition, i, &condition.name);
            }
        });
        let at = state
            .lab
            .condition
            .min(trial.conditions.len().saturating_sub(1));
        if before != state.lab.condition {
            state.lab.threshold = None;
        }
        let (Some(condition), Some(written)) = (
            trial.conditions.get(at),
            condition_of(&state.document.rulebook.rules[rule], at),
        ) else {
            return;
        };
        let form = form_of(written);
        let chosen = state.lab.threshold.unwrap_or(condition.threshold);
        let Some(chart) = charts::lab_profile(trial, at, form, chosen) else {
            ui.label(tr("Computing…"));
            return;
        };
        if let Some((x, _)) = pick_in(ui, &chart, 240.0) {
            state.lab.threshold = Some(nearest(trial, at, x));
        }
        note(
            ui,
            &(tr(&chart.caption) + " " + &tr("Drag in the chart to try a threshold.")),
        );
        let Some(point) = condition.profile.iter().min_by(|a, b| {
            (a.threshold - chosen)
                .abs()
                .total_cmp(&(b.threshold - chosen).abs())
        }) else {
            return;
        };
        let finds: Vec<String> = trial
            .detection
            .iter()
            .zip(&point.detection)
            .map(|(d, at)| format!("{} ({})", rounded(at.detected), d.text))
            .collect();
        let text = format!(
            "At {} it rolls back {} of rollouts without a difference{}.",
            form.value(point.threshold),
            rounded(point.false_rollback),
            if finds.is_empty() {
                String::new()
            } else {
                format!("; with a regression, {}", finds.join(", "))
            }
        );
        ui.add(egui::Label::new(egui::RichText::new(tr(text)).strong()).wrap());
        if let Some(others) = others(condition) {
            note(ui, &tr(others));
        }
        ui.horizontal(|ui| {
            let profile = &condition.profile;
            let mut index = profile.iter().position(|p| p == point).unwrap_or(0);
            ui.spacing_mut().slider_width = 320.0;
            let shown = |i: f64, _: std::ops::RangeInclusive<usize>| {
                profile
                    .get(i as usize)
                    .map_or_else(String::new, |p| form.value(p.threshold))
            };
            let slider =
                egui::Slider::new(&mut index, 0..=profile.len() - 1).custom_formatter(shown);
            let name = format!("Threshold of {} to try", condition.name);
            if ui.add(slider).accessible_name(tr(name)).changed() {
                state.lab.threshold = Some(profile[index].threshold);
            }
            let is_other = point.threshold != written.comparison.threshold();
            if ui
                .add_enabled(is_other, egui::Button::new(tr("Use this threshold")))
                .clicked()
            {
                commands.push(Command::SetThreshold(rule, at, point.threshold));
            }
        });
    });
}

fn condition_of(rule: &Rule, index: usize) -> Option<&crate::rules::Condition> {
    rule.conditions().into_iter().nth(index)
}

fn form_of(condition: &crate::rules::Condition) -> ValueForm {
    if matches!(condition.comparison, Comparison::TimesBaseline { .. }) {
        return ValueForm::Number;
    }
    condition.form()
}

/// The threshold of the profile that is nearest to a place in the chart.
fn nearest(trial: &RuleTrial, condition: usize, x: f64) -> f64 {
    trial.conditions[condition]
        .profile
        .iter()
        .map(|point| point.threshold)
        .min_by(|a, b| (a - x).abs().total_cmp(&(b - x).abs()))
        .unwrap_or(x)
}

/// Rules as points; a click or a row chooses one, a button takes it over.
fn frontier_ui(ui: &mut egui::Ui, state: &mut AppState, lab: &RuleLab, commands: &mut Commands) {
    let chosen = state.lab.point.filter(|i| *i < lab.frontier.len());
    let Some(chart) = charts::lab_frontier(lab, chosen) else {
        return;
    };
    card_ui(ui, "Which version to use", |ui| {
        if let Some((x, y)) = pick_in(ui, &chart, 230.0) {
            let most = lab.frontier.iter().map(|p| p.harmed).fold(1.0, f64::max);
            let distance = |i: &usize| {
                let p = &lab.frontier[*i];
                (p.false_rollback.share - x).powi(2) + ((p.harmed - y) / most).powi(2)
            };
            state.lab.point =
                (0..lab.frontier.len()).min_by(|a, b| distance(a).total_cmp(&distance(b)));
        }
        note(
            ui,
            &(tr(&chart.caption) + " " + &tr("Click a point to choose it.")),
        );
        for (i, point) in lab.frontier.iter().enumerate() {
            ui.horizontal_wrapped(|ui| {
                let text = format!(
                    "{}. {}: {} false rollbacks, fires with the regression in {}, {} requests harmed until then",
                    i + 1,
                    tr(&point.name),
                    rounded(point.false_rollback.share),
                    rounded(point.detected.share),
                    few(point.harmed)
                );
                if ui.selectable_label(chosen == Some(i), tr(text)).clicked() {
                    state.lab.point = Some(i);
                }
            });
        }
        let version = chosen.and_then(|i| version_of(lab, i));
        let Some((id, version)) = version else {
            note(
                ui,
                "Choose a calibrated version to take its windows and thresholds over.",
            );
            return;
        };
        ui.add_space(4.0);
        ui.add(egui::Label::new(tr(&version.text)).wrap());
        for d in version.detection.iter().skip(1) {
            note(ui, &format!("Finds {}.", found(d)));
        }
        let rules = &state.document.rulebook.rules;
        let at = rules.iter().position(|rule| rule.id == id);
        let button = egui::Button::new(tr("Use this version"));
        if let (true, Some(at), Some(rule)) = (
            ui.add_enabled(at.is_some(), button).clicked(),
            at,
            version.rulebook.rules.first(),
        ) {
            commands.push(Command::ReplaceRule(at, Box::new(rule.clone())));
        }
        note(
            ui,
            "It takes the place of the rule; undo brings the old one back.",
        );
    });
}

fn version_of(lab: &RuleLab, point: usize) -> Option<(&str, &Calibrated)> {
    let point = &lab.frontier[point];
    let trial = &lab.rules[point.rule];
    Some((&trial.id, trial.calibrated.get(point.calibrated?)?))
}

fn guards_ui(ui: &mut egui::Ui, lab: &RuleLab, trial: &RuleTrial) {
    card_ui(ui, "Keep in mind", |ui| {
        for sentence in &trial.guards {
            ui.add(egui::Label::new(tr(format!("▲ {sentence}"))).wrap());
        }
        for sentence in &lab.assumptions {
            note(ui, sentence);
        }
    });
}

/// The calibrated version that harms least.
fn best(trial: &RuleTrial) -> Option<&Calibrated> {
    let harm = |v: &&Calibrated| v.detection.first().map_or(0.0, |d| d.harmed);
    trial
        .calibrated
        .iter()
        .min_by(|a, b| harm(a).total_cmp(&harm(b)))
}

/// How good a version is, in colour, sign and words.
fn grade_chip(
    ui: &mut egui::Ui,
    version: &str,
    (tried, detection): ((&Chance, Option<&OtherLogs>), &[Detection]),
    alpha: f64,
) {
    let grade = grade(tried, detection, alpha);
    let (sign, tone) = match grade {
        Grade::Wrong => ("▼", Tone::Bad),
        Grade::Open => ("●", Tone::Caution),
        Grade::Blind | Grade::Partial => ("?", Tone::Caution),
        Grade::Good => ("▲", Tone::Good),
    };
    let said = tr(graded(tried.0, detection, grade));
    chip(ui, &format!("{sign} {}: {said}", tr(version)), tone);
}
