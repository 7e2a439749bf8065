//! Rollback rules: when each would have fired, what its conditions saw, and what moving a
//! threshold changes.

use super::super::command::{Command, Commands};
use super::super::session::Session;
use super::super::state::AppState;
use super::super::theme;
use super::super::widgets::{
    Column, brush_in, card_ui, chip, note, select_time, table_height, table_ui,
};
use crate::analysis::Analysis;
use crate::report::chart::Tone;
use crate::report::charts;
use crate::rules::{
    Comparison, Condition, Firing, Replay, Rule, RuleReplay, Rulebook, Truth, clock_text,
    no_data_text, persistence_text, sentences,
};
use crate::units::{self, ValueForm};

pub(super) fn ui(
    ui: &mut egui::Ui,
    state: &mut AppState,
    session: &Session,
    analysis: &Analysis,
    commands: &mut Commands,
) {
    if analysis.treatment.is_none() {
        card_ui(ui, "One arm only", |ui| {
            ui.label("Rollback rules watch a canary beside a baseline. Map the column that tells the variants apart.");
        });
        return;
    }
    if let Some(error) = &session.replay.error {
        super::error_ui(ui, error);
    }
    let Some(replay) = session.replay.value.clone() else {
        let text = if session.is_idle() {
            "There is no replay yet: it was cancelled or failed."
        } else {
            "Replaying…"
        };
        ui.label(text);
        return;
    };
    note(
        ui,
        "Each rule sees the log request by request in event time. The replay is open loop: everything after a first firing is hypothetical, because a rollback would have changed what followed.",
    );
    let timeline = charts::replay_timeline(analysis, &replay);
    card_ui(ui, "", |ui| {
        ui.label(egui::RichText::new(&timeline.title).strong());
        let height = 70.0 + 26.0 * replay.rules.len() as f32;
        select_time(brush_in(ui, &timeline, height, None), commands);
        note(ui, &timeline.caption);
    });
    rules_ui(ui, state, &replay);
    let rulebook = &state.document.rulebook;
    let index = state.rule.min(replay.rules.len().saturating_sub(1));
    // While a changed rulebook is replayed, the replay on screen can be of another one.
    if let (Some(rule), Some(done)) = (rulebook.rules.get(index), replay.rules.get(index))
        && rule.id == done.id
    {
        rule_ui(
            ui,
            (rulebook, index),
            rule,
            (&replay, done),
            analysis,
            commands,
        );
    }
}

/// The rules with their verdicts; one is chosen.
fn rules_ui(ui: &mut egui::Ui, state: &mut AppState, replay: &Replay) {
    card_ui(ui, "Rules", |ui| {
        const COLUMNS: [Column; 5] = [
            Column::text("Rule", 330.0),
            Column::text("Would have fired", 190.0),
            Column::text("Because of", 210.0),
            Column::number("Canary requests until then", 190.0),
            Column::number("Errors among them", 140.0),
        ];
        let height = table_height(replay.rules.len());
        table_ui(
            ui,
            "rules",
            &COLUMNS,
            (replay.rules.len(), height),
            |ui, i, column| {
                let rule = &replay.rules[i];
                let exposure = rule.exposure.map(|e| e.before);
                match (column, &rule.first) {
                    (0, _) => {
                        ui.selectable_value(&mut state.rule, i, &rule.title);
                    }
                    (1, Some(firing)) => {
                        chip(
                            ui,
                            &format!("▼ after {}", units::duration_us(firing.time_us)),
                            Tone::Bad,
                        );
                    }
                    (1, None) => match &rule.skipped {
                        Some(why) => {
                            chip(ui, "? cannot run", Tone::Caution).on_hover_text(why);
                        }
                        None => {
                            chip(ui, "● never", Tone::Quiet);
                        }
                    },
                    (2, Some(firing)) => {
                        ui.add(egui::Label::new(firing.causes.join(", ")).truncate());
                    }
                    (3, Some(_)) => {
                        ui.label(exposure.map_or_else(String::new, |e| units::count(e.requests)));
                    }
                    (4, Some(_)) => {
                        ui.label(exposure.map_or_else(String::new, |e| units::count(e.errors)));
                    }
                    _ => {}
                }
            },
        );
        ui.add_space(2.0);
        note(ui, "Choose a rule to see and move its thresholds.");
    });
}

fn rule_ui(
    ui: &mut egui::Ui,
    (rulebook, index): (&Rulebook, usize),
    rule: &Rule,
    (replay, done): (&Replay, &RuleReplay),
    analysis: &Analysis,
    commands: &mut Commands,
) {
    card_ui(ui, &rule.title, |ui| {
        ui.label(&rule.description);
        note(
            ui,
            &format!(
                "{}; {}. {}",
                clock_text(rule.clock),
                persistence_text(rule.persistence),
                no_data_text(rule)
            ),
        );
        if let Some(why) = &done.skipped {
            ui.colored_label(
                ui.visuals().warn_fg_color,
                format!("It cannot run on this log: {why}"),
            );
        }
        if !rule.faults.is_empty() {
            egui::CollapsingHeader::new(format!("{} known faults of this rule", rule.faults.len()))
                .id_salt(("faults", &rule.id))
                .show(ui, |ui| {
                    for fault in &rule.faults {
                        ui.add(egui::Label::new(format!("▼ {fault}")).wrap());
                    }
                });
        }
        verdict_ui(ui, done, analysis, replay);
        for sentence in sentences(replay, done) {
            note(ui, &sentence);
        }
    });
    for (c, condition) in rule.conditions().into_iter().enumerate() {
        condition_ui(
            ui,
            (rulebook, index, c),
            condition,
            (replay, done),
            analysis,
            commands,
        );
    }
    if let Some(firing) = &done.first {
        card_ui(ui, "What its conditions saw when it first fired", |ui| {
            readings_ui(ui, rulebook, done, firing);
        });
    }
}

fn verdict_ui(ui: &mut egui::Ui, done: &RuleReplay, analysis: &Analysis, replay: &Replay) {
    ui.add_space(4.0);
    let Some(firing) = &done.first else {
        if done.skipped.is_none() {
            ui.strong("It would never have fired on this log.");
        }
        return;
    };
    let at = firing.time_us + replay.time_zero_us;
    let stage = analysis
        .stages
        .iter()
        .position(|stage| (stage.from_us..stage.to_us).contains(&at));
    let stage = stage.map_or_else(String::new, |i| {
        let stage = &analysis.stages[i];
        format!(
            ", in stage {} ({} of requests), {} into it",
            i + 1,
            units::share(stage.share),
            units::duration_us(at - stage.from_us)
        )
    });
    let color = theme::tone(Tone::Bad, ui.visuals().dark_mode);
    let text = format!(
        "First fires {} after the start{stage}, because of {}. At {}.",
        units::duration_us(firing.time_us),
        firing.causes.join(" and "),
        units::instant(at, replay.clock)
    );
    ui.add(egui::Label::new(egui::RichText::new(text).color(color).strong()).wrap());
    if let Some(exposure) = done.exposure {
        note(
            ui,
            &format!(
                "Until then the canary answered {} requests, {} of them failed; {} requests came after, {} of them failed.",
                units::count(exposure.before.requests),
                units::count(exposure.before.errors),
                units::count(exposure.after.requests),
                units::count(exposure.after.errors)
            ),
        );
    }
}

fn condition_ui(
    ui: &mut egui::Ui,
    (rulebook, rule_index, index): (&Rulebook, usize, usize),
    condition: &Condition,
    (replay, done): (&Replay, &RuleReplay),
    analysis: &Analysis,
    commands: &mut Commands,
) {
    let Some(result) = done.conditions.get(index) else {
        return;
    };
    let form = charts::condition_form(Some(rulebook), done, &condition.name);
    card_ui(ui, &condition.name, |ui| {
        ui.label(&result.text);
        if let Some(why) = &result.unavailable {
            ui.colored_label(
                ui.visuals().warn_fg_color,
                format!("Cannot be evaluated on this log: {why}"),
            );
            return;
        }
        threshold_ui(ui, (rule_index, index), condition, form, commands);
        let fires = done.first.as_ref().map_or_else(
            || "The rule never fires.".to_owned(),
            |firing| {
                format!(
                    "The rule first fires after {}.",
                    units::duration_us(firing.time_us)
                )
            },
        );
        ui.strong(fires);
        let first = result.first_us.map_or_else(
            || "never".to_owned(),
            |us| format!("first after {}", units::duration_us(us)),
        );
        note(
            ui,
            &format!(
                "Holds at {} of {} evaluations, {first}; too few data at {}.",
                units::count(result.evaluations_true),
                units::count(done.evaluations),
                units::count(result.evaluations_no_data)
            ),
        );
        if let Some(chart) = charts::condition_chart(analysis, replay, done, result, form) {
            select_time(brush_in(ui, &chart, 180.0, None), commands);
        }
    });
}

/// A slider for the threshold: per cent for shares, seconds for latencies, else as written.
fn threshold_ui(
    ui: &mut egui::Ui,
    (rule, index): (usize, usize),
    condition: &Condition,
    form: ValueForm,
    commands: &mut Commands,
) {
    let (scale, suffix) = match (condition.comparison, form) {
        (Comparison::TimesBaseline { .. }, _) => (1.0, " × baseline"),
        (_, ValueForm::Share) => (100.0, " %"),
        (_, ValueForm::LatencyMs) => (0.001, " s"),
        (_, ValueForm::Number) => (1.0, ""),
    };
    let mut shown = condition.comparison.threshold() * scale;
    let top = match suffix {
        " %" => 100.0,
        " s" => (shown * 4.0).max(60.0),
        _ => (shown * 4.0).max(5.0),
    };
    ui.horizontal(|ui| {
        ui.label("Threshold");
        ui.spacing_mut().slider_width = 320.0;
        let slider = egui::Slider::new(&mut shown, 0.0..=top)
            .suffix(suffix)
            .max_decimals(2)
            .smart_aim(true)
            .logarithmic(suffix == " %");
        let response = ui
            .add(slider)
            .accessible_name(format!("Threshold of {}", condition.name));
        if response.changed() {
            commands.push(Command::SetThreshold(rule, index, shown / scale));
        }
        if ui
            .small_button("Reset all rules")
            .accessible_name(format!("Reset all rules, beside {}", condition.name))
            .clicked()
        {
            commands.push(Command::ResetRules);
        }
    });
}

fn readings_ui(ui: &mut egui::Ui, rulebook: &Rulebook, done: &RuleReplay, firing: &Firing) {
    const COLUMNS: [Column; 7] = [
        Column::text("Condition", 180.0),
        Column::text("Held", 100.0),
        Column::number("Measured", 110.0),
        Column::number("from n", 80.0),
        Column::number("Baseline", 110.0),
        Column::number("from n", 80.0),
        Column::number("Bound", 110.0),
    ];
    let height = table_height(firing.readings.len());
    table_ui(
        ui,
        "readings",
        &COLUMNS,
        (firing.readings.len(), height),
        |ui, i, column| {
            let reading = &firing.readings[i];
            let form = charts::condition_form(Some(rulebook), done, &reading.condition);
            let value =
                |v: Option<f64>| v.map_or_else(|| units::NO_VALUE.to_owned(), |v| form.value(v));
            match column {
                0 => {
                    ui.label(&reading.condition);
                }
                1 => {
                    let (word, tone) = match reading.truth {
                        Truth::True => ("▼ yes", Tone::Bad),
                        Truth::False => ("● no", Tone::Quiet),
                        Truth::Unknown => ("? no data", Tone::Caution),
                    };
                    chip(ui, word, tone);
                }
                2 => {
                    ui.label(value(reading.measured.value));
                }
                3 => {
                    ui.label(units::count(u64::from(reading.measured.n)));
                }
                4 => {
                    ui.label(value(reading.baseline.value));
                }
                5 => {
                    ui.label(units::count(u64::from(reading.baseline.n)));
                }
                _ => {
                    ui.label(value(reading.bound));
                }
            }
        },
    );
}
