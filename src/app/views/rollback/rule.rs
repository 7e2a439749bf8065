//! One rule: what it did, its plan, what its conditions saw, and the requests behind that.

use super::super::super::command::{Command, Commands};
use super::super::super::requests::Query;
use super::super::super::session::Session;
use super::super::super::theme;
use super::super::super::widgets::{
    Brushed, Column, brush_in, card_ui, cell, chip, copy_button, note, select_time, table_height,
    table_ui, tsv,
};
use super::super::super::words::tr;
use super::condition::condition_ui;
use crate::analysis::Analysis;
use crate::report::chart::Tone;
use crate::report::charts;
use crate::rules::{
    Change, Condition, Firing, PlanFit, Reading, Replay, Rule, RuleReplay, Rulebook, Truth, Window,
    changes, clock_text, no_data_text, persistence_text, sentences,
};
use crate::units;

/// The chosen rule with what it did.
pub(super) struct Shown<'a> {
    pub(super) rulebook: &'a Rulebook,
    pub(super) index: usize,
    pub(super) rule: &'a Rule,
    pub(super) replay: &'a Replay,
    pub(super) done: &'a RuleReplay,
    pub(super) analysis: &'a Analysis,
    pub(super) session: &'a Session,
}

pub(super) fn rule_ui(ui: &mut egui::Ui, shown: &Shown<'_>, commands: &mut Commands) {
    let Shown {
        rulebook,
        rule,
        replay,
        done,
        analysis,
        ..
    } = *shown;
    card_ui(ui, &rule.title, |ui| {
        ui.label(tr(&rule.description));
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
                tr(format!("Not evaluated on this log: {why}")),
            );
        }
        if !rule.faults.is_empty() {
            egui::CollapsingHeader::new(tr(format!(
                "{} known faults of this rule",
                rule.faults.len()
            )))
            .id_salt(("faults", &rule.id))
            .show(ui, |ui| {
                for fault in &rule.faults {
                    ui.add(egui::Label::new(tr(format!("▼ {fault}"))).wrap());
                }
            });
        }
        verdict_ui(ui, shown);
        if let Some(firing) = &done.first {
            firing_ui(ui, shown, replay.time_zero_us + firing.time_us, commands);
        }
        for sentence in sentences(replay, done, analysis.harm_from_us()) {
            note(ui, &sentence);
        }
        if let Some(fit) = &done.plan {
            plan_ui(ui, fit);
        }
        changes_ui(ui, shown, commands);
    });
    if let Some(lanes) = charts::rule_lanes(analysis, replay, done, rule) {
        card_ui(ui, "", |ui| {
            let height = 70.0 + 26.0 * lanes.n_rows() as f32;
            let brushed = brush_in(ui, &lanes, height, Some(time_group(replay)));
            take_brushed(brushed, shown, None, commands);
            note(ui, &lanes.caption);
        });
    }
    for (c, condition) in rule.conditions().into_iter().enumerate() {
        condition_ui(ui, shown, c, condition, commands);
    }
    if let Some(firing) = &done.first {
        card_ui(ui, "What its conditions saw when it first fired", |ui| {
            copy_button(ui, "what the conditions saw", commands, || {
                readings_tsv(firing)
            });
            readings_ui(ui, rulebook, done, firing);
        });
    }
}

/// What happened to the rule in order of time.
fn changes_ui(ui: &mut egui::Ui, shown: &Shown<'_>, commands: &mut Commands) {
    const COLUMNS: [Column<'_>; 4] = [
        Column::text("When", 110.0),
        Column::number("Data row", 90.0),
        Column::text("Change", 260.0),
        Column::text("What the conditions saw", 420.0),
    ];
    /// Rows that are shown before the table scrolls.
    const MAX_ROWS: usize = 10;
    let n_states = shown.done.transitions.len() as u64 + shown.done.transitions_omitted;
    if n_states == 0 {
        return;
    }
    let title = match n_states {
        1 => "1 change of state".to_owned(),
        n => format!("{} changes of state", units::count(n)),
    };
    let header = egui::CollapsingHeader::new(tr(title)).id_salt(("changes", &shown.rule.id));
    header.show(ui, |ui| {
        let found = changes(shown.replay, shown.done, Some(shown.rule));
        copy_button(ui, "the changes of state", commands, || changes_tsv(&found));
        let height = table_height(found.len().min(MAX_ROWS));
        table_ui(
            ui,
            "changes",
            &COLUMNS,
            (found.len(), height),
            |ui, i, column| {
                let change = &found[i];
                match column {
                    0 => ui.label(tr(units::moment(change.time_us, shown.replay.clock))),
                    1 => ui.label(row_text(change)),
                    2 => ui.label(tr(change.what.as_str())),
                    _ => {
                        let saw = change.saw.join("; ");
                        ui.label(&saw).on_hover_text(change.saw.join("\n"))
                    }
                };
            },
        );
        if shown.done.transitions_omitted > 0 {
            let n = units::count(shown.done.transitions_omitted);
            note(ui, &format!("{n} later changes of state are not listed."));
        }
    });
}

/// People count rows from 1.
fn row_text(change: &Change) -> String {
    change
        .row
        .map_or_else(String::new, |row| units::count(u64::from(row) + 1))
}

fn changes_tsv(found: &[Change]) -> String {
    let headings = ["after_seconds", "data_row", "change", "saw"];
    let row = |change: &Change| {
        vec![
            cell(Some(change.time_us as f64 / 1e6)),
            change
                .row
                .map_or_else(String::new, |row| (u64::from(row) + 1).to_string()),
            change.what.clone(),
            change.saw.join("; "),
        ]
    };
    tsv(&headings, found.iter().map(row))
}

/// The plan that the rule belongs to, beside what the log shows.
fn plan_ui(ui: &mut egui::Ui, fit: &PlanFit) {
    const COLUMNS: [Column<'_>; 6] = [
        Column::text("Stage", 130.0),
        Column::text("Time", 220.0),
        Column::number("Planned share", 110.0),
        Column::number("Share seen", 110.0),
        Column::number("Requests", 110.0),
        Column::text("", 110.0),
    ];
    egui::CollapsingHeader::new(tr(format!("Plan {} beside the log", fit.plan)))
        .id_salt(("plan", &fit.plan))
        .show(ui, |ui| {
            let n = fit.stages.len();
            table_ui(
                ui,
                "plan",
                &COLUMNS,
                (n, table_height(n)),
                |ui, i, column| {
                    let stage = &fit.stages[i];
                    let text = match column {
                        0 => format!("{} {}", i + 1, stage.name),
                        1 => format!(
                            "{} – {}",
                            units::duration_us(stage.from_us),
                            units::duration_us(stage.to_us)
                        ),
                        2 => units::share(stage.weight),
                        3 => stage
                            .share
                            .map_or_else(|| units::NO_VALUE.to_owned(), units::share),
                        4 => units::count(stage.requests),
                        _ => {
                            let (text, tone) = if stage.differs {
                                ("▼ differs", Tone::Caution)
                            } else {
                                ("● as planned", Tone::Quiet)
                            };
                            chip(ui, text, tone);
                            return;
                        }
                    };
                    ui.label(text);
                },
            );
        });
}

fn verdict_ui(ui: &mut egui::Ui, shown: &Shown<'_>) {
    let Shown {
        done,
        replay,
        analysis,
        ..
    } = *shown;
    ui.add_space(4.0);
    if done.skipped.is_none() {
        let (held, of) = done.breaches();
        note(
            ui,
            &format!("Its conditions held at {held} evaluations {of}."),
        );
    }
    let Some(firing) = &done.first else {
        if done.skipped.is_none() {
            ui.strong(tr("It would never have fired on this log."));
        }
        return;
    };
    let at = firing.time_us + replay.time_zero_us;
    let color = theme::tone(Tone::Bad, ui.visuals().dark_mode);
    let causes = firing.causes.join(" and ");
    let text = match replay.clock {
        units::Clock::RowOrder => tr(format!(
            "First fires at {}, because of {}.",
            units::instant(at, replay.clock),
            causes
        )),
        units::Clock::Epoch | units::Clock::Relative => tr(format!(
            "First fires {} after the start, because of {}. At {}.",
            units::duration_us(firing.time_us),
            causes,
            units::instant(at, replay.clock)
        )),
    };
    ui.add(egui::Label::new(egui::RichText::new(text).color(color).strong()).wrap());
    if let Some(exposure) = done.exposure
        && !analysis.log.has_outcome
    {
        note(
            ui,
            &format!(
                "Until then the canary answered {} requests; {} came after.",
                units::count(exposure.before.requests),
                units::count(exposure.after.requests)
            ),
        );
    } else if let Some(exposure) = done.exposure {
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

/// The charts of a rule share their time axis and cursor.
pub(super) fn time_group(replay: &Replay) -> egui::Id {
    egui::Id::unique(("rule over time", replay.time_zero_us, replay.last_event_us))
}

/// From a firing to the requests that it stands on.
fn firing_ui(ui: &mut egui::Ui, shown: &Shown<'_>, at_us: i64, commands: &mut Commands) {
    let Some(after_us) = window_start(shown, None, at_us) else {
        return;
    };
    ui.horizontal_wrapped(|ui| {
        if ui
            .small_button(tr("List the requests it saw"))
            .on_hover_text(tr("The canary's requests in its longest window"))
            .clicked()
        {
            show_window(shown, (after_us, at_us), commands);
        }
        if ui
            .small_button(tr("Look at this stretch alone"))
            .on_hover_text(tr("On every screen; undo brings all times back"))
            .clicked()
        {
            // The filter is closed on the left and open on the right, the window the other way round.
            commands.push(Command::SetTimeRange(
                (after_us > i64::MIN).then(|| after_us + 1),
                Some(at_us + 1),
            ));
        }
    });
}

/// A drag selects time; a click lists the requests that the rule, or a condition, saw then.
pub(super) fn take_brushed(
    brushed: Option<Brushed>,
    shown: &Shown<'_>,
    condition: Option<&Condition>,
    commands: &mut Commands,
) {
    if let Some(Brushed::Place(seconds, _)) = brushed {
        let at_us = (seconds * 1e6).round() as i64;
        if let Some(after_us) = window_start(shown, condition, at_us) {
            show_window(shown, (after_us, at_us), commands);
        }
    }
    select_time(brushed, commands);
}

fn show_window(shown: &Shown<'_>, within_us: (i64, i64), commands: &mut Commands) {
    commands.push(Command::ShowRequests(Box::new(Query {
        arm: shown.analysis.treatment,
        within_us: Some(within_us),
        ..Query::default()
    })));
}

/// Where the window of a condition, or the longest of the rule, begins at a moment.
fn window_start(shown: &Shown<'_>, condition: Option<&Condition>, at_us: i64) -> Option<i64> {
    let conditions = match condition {
        Some(condition) => vec![condition],
        None => shown.rule.conditions(),
    };
    let log = &shown.session.loaded.value.as_ref()?.log;
    let canary = shown.analysis.treatment?;
    let start = |window: Window| match window {
        Window::Last { n } => {
            let until = log.event_us.partition_point(|&t| t <= at_us);
            let mut rows = (0..until)
                .rev()
                .filter(|&row| usize::from(log.arm[row]) == canary);
            // The window is open on the left.
            rows.nth(n.saturating_sub(1) as usize)
                .map_or(i64::MIN, |row| log.event_us[row] - 1)
        }
        Window::Run => i64::MIN,
        Window::Stage => {
            let stages = shown.analysis.stages.iter();
            let of_moment = stages.map(|s| s.from_us).filter(|from| *from <= at_us);
            of_moment.max().unwrap_or(i64::MIN)
        }
        Window::Trailing { span, .. }
        | Window::Tumbling { span, .. }
        | Window::Counter { span, .. } => at_us - span.us,
    };
    conditions.into_iter().map(|c| start(c.window)).min()
}

fn readings_ui(ui: &mut egui::Ui, rulebook: &Rulebook, done: &RuleReplay, firing: &Firing) {
    const COLUMNS: [Column<'_>; 7] = [
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

fn readings_tsv(firing: &Firing) -> String {
    let headings = [
        "condition",
        "held",
        "measured",
        "n",
        "baseline",
        "baseline_n",
        "bound",
    ];
    let row = |reading: &Reading| {
        let held = match reading.truth {
            Truth::True => "yes",
            Truth::False => "no",
            Truth::Unknown => "no data",
        };
        vec![
            reading.condition.clone(),
            held.to_owned(),
            cell(reading.measured.value),
            reading.measured.n.to_string(),
            cell(reading.baseline.value),
            reading.baseline.n.to_string(),
            cell(reading.bound),
        ]
    };
    tsv(&headings, firing.readings.iter().map(row))
}
