//! Rollback rules: when each would have fired, what its conditions saw, and what moving a
//! threshold changes.

mod averted;
mod condition;
mod rival;
mod rule;

use std::sync::Arc;

use super::super::command::{Command, Commands};
use super::super::paths::PathFor;
use super::super::requests::{Ending, Query};
use super::super::session::Session;
use super::super::state::AppState;
use super::super::widgets::{
    Brushed, Column, brush_in, card_ui, chip, copy_button, note, select_time, table_height,
    table_ui, tsv,
};
use super::super::words::tr;
use crate::analysis::Analysis;
use crate::report::chart::Tone;
use crate::report::charts;
use crate::rules::{Credit, Replay, RuleReplay, credit, nothing_ran};
use crate::units;
use averted::averted_ui;
use rival::rival_ui;
use rule::{Shown, rule_ui};

pub(super) fn ui(
    ui: &mut egui::Ui,
    state: &mut AppState,
    session: &Session,
    analysis: &Analysis,
    commands: &mut Commands,
) {
    if analysis.treatment.is_none() {
        card_ui(ui, "One arm only", |ui| {
            ui.label(tr("Rollback rules watch a canary beside a baseline. Map the column that tells the variants apart."));
        });
        return;
    }
    if let Some(error) = &session.replay.error {
        super::error_ui(ui, error);
    }
    replanned_ui(ui, state, session);
    let Some(replay) = session.replay.value.clone() else {
        let text = if session.is_idle() {
            "There is no replay yet: it was cancelled or failed."
        } else {
            "Replaying…"
        };
        ui.label(tr(text));
        return;
    };
    let how = match replay.clock {
        units::Clock::RowOrder => {
            "The log has no times: each rule sees it row by row, in an order that need not be that of the requests. The replay is open loop: everything after a first firing is hypothetical, because a rollback would have changed what followed."
        }
        units::Clock::Epoch | units::Clock::Relative => {
            "Each rule sees the log request by request in event time. The replay is open loop: everything after a first firing is hypothetical, because a rollback would have changed what followed."
        }
    };
    match replay.grain_text() {
        Some(grain) => note(ui, &grain),
        None => note(ui, how),
    }
    super::super::rule_files::ui(ui, state);
    match nothing_ran(&replay) {
        Some(why) => {
            ui.label(tr(why));
        }
        None => timeline_ui(ui, state, &replay, analysis, commands),
    }
    rules_ui(ui, state, &replay, analysis, commands);
    averted_ui(ui, &replay, analysis, commands);
    rival_ui(ui, state, session, analysis, &replay);
    let rulebook = &state.document.rulebook;
    let index = state.rule.min(replay.rules.len().saturating_sub(1));
    // While a changed rulebook is replayed, the replay on screen can be of another one.
    if let (Some(rule), Some(done)) = (rulebook.rules.get(index), replay.rules.get(index))
        && rule.id == done.id
    {
        let shown = Shown {
            rulebook,
            index,
            rule,
            replay: &replay,
            done,
            analysis,
            session,
        };
        rule_ui(ui, &shown, commands);
    }
}

/// Every rule over time; a lane chooses its rule.
fn timeline_ui(
    ui: &mut egui::Ui,
    state: &mut AppState,
    replay: &Replay,
    analysis: &Analysis,
    commands: &mut Commands,
) {
    let mut timeline = charts::replay_timeline(analysis, replay);
    let in_rows = charts::timeline_rules(replay);
    // Room above the first lane for the labels of stages and of where harm begins.
    timeline.y.range = Some((-1.1, in_rows.len() as f64 - 0.5));
    card_ui(ui, "", |ui| {
        let height = 86.0 + 26.0 * in_rows.len() as f32;
        let brushed = brush_in(ui, &timeline, height, None);
        if let Some(Brushed::Place(_, row)) = brushed
            && row.round() >= 0.0
            && let Some(rule) = in_rows.get(row.round() as usize)
        {
            state.rule = *rule;
        }
        select_time(brushed, commands);
        note(ui, &timeline.caption);
        note(
            ui,
            "Click a rule's lane to choose it; drag over a stretch to look at it alone, on every screen.",
        );
    });
}

/// The plan that the log is replayed under, and what became of the log by it.
fn replanned_ui(ui: &mut egui::Ui, state: &mut AppState, session: &Session) {
    let as_it_was = tr("as it was");
    ui.horizontal_wrapped(|ui| {
        ui.label(tr("Rollout"));
        egui::ComboBox::from_id_salt("replay plan")
            .selected_text(state.replay_plan.as_ref().unwrap_or(&as_it_was))
            .show_ui(ui, |ui| {
                ui.selectable_value(&mut state.replay_plan, None, &as_it_was);
                for name in state.document.rulebook.plan_names() {
                    ui.selectable_value(&mut state.replay_plan, Some(name.clone()), name);
                }
            })
            .response
            .accessible_name(tr("Rollout that is replayed"))
            .on_hover_text(tr("Another plan can be replayed as long as it gives the canary no more than the log did, exactly where a known router assigned by hash, else by a random part of the canary"));
    });
    let replanned = session
        .replay
        .value
        .as_ref()
        .and_then(|replay| replay.replanned.as_ref());
    let routers = session
        .replay
        .value
        .iter()
        .flat_map(|replay| &replay.routers);
    for fit in routers {
        note(ui, &fit.text);
    }
    for sentence in replanned.iter().flat_map(|facts| facts.sentences()) {
        note(ui, &sentence);
    }
}

/// The rules with their verdicts; one is chosen.
fn rules_ui(
    ui: &mut egui::Ui,
    state: &mut AppState,
    replay: &Arc<Replay>,
    analysis: &Analysis,
    commands: &mut Commands,
) {
    let (treatment, harm_from_us) = (analysis.treatment, analysis.harm_from_us());
    card_ui(ui, "Rules", |ui| {
        let mut columns = vec![
            Column::text("Rule", 256.0),
            Column::text("Would have fired", 140.0),
            Column::text("Because of", 140.0),
            Column::number("Canary requests until then", 166.0),
            Column::number("Errors among them", 118.0),
            Column::rest("Remark", 190.0),
        ];
        let kept = state.kept_replay.clone();
        if kept.is_some() {
            columns.insert(1, Column::text("As kept", 160.0));
        }
        keep_ui(ui, state, replay, commands);
        let height = table_height(replay.rules.len());
        table_ui(
            ui,
            "rules",
            &columns,
            (replay.rules.len(), height),
            |ui, i, column| {
                let rule = &replay.rules[i];
                let exposure = rule.exposure.map(|e| e.before);
                let column = match (column, &kept) {
                    (1, Some(kept)) => {
                        if let Some(before) = kept.rules.iter().find(|r| r.id == rule.id) {
                            firing_chip(ui, kept, before);
                        }
                        return;
                    }
                    (column, Some(_)) if column > 1 => column - 1,
                    _ => column,
                };
                match (column, &rule.first) {
                    (0, _) => {
                        ui.selectable_value(&mut state.rule, i, tr(&rule.title));
                    }
                    (1, _) => firing_chip(ui, replay, rule),
                    (2, Some(firing)) => {
                        ui.label(tr(firing.causes.join(", ")));
                    }
                    (5, _) => {
                        let credit = credit(replay, rule, harm_from_us);
                        let worth = credit.and_then(Credit::label);
                        if let Some(remark) = rule.skipped.as_deref().or(worth) {
                            ui.label(tr(remark));
                        }
                    }
                    (4, Some(_)) if !analysis.log.has_outcome => {
                        ui.label(units::NO_VALUE);
                    }
                    (3 | 4, Some(firing)) => {
                        let Some(exposure) = exposure else { return };
                        let (n, ending) = match column {
                            3 => (exposure.requests, Ending::Any),
                            _ => (exposure.errors, Ending::Failed),
                        };
                        if ui
                            .link(units::count(n))
                            .on_hover_text(tr("Click for these requests"))
                            .clicked()
                        {
                            let query = Query {
                                arm: treatment,
                                ending,
                                within_us: Some((
                                    i64::MIN,
                                    replay.time_zero_us + firing.effective_us,
                                )),
                                ..Query::default()
                            };
                            commands.push(Command::ShowRequests(Box::new(query)));
                        }
                    }
                    _ => {}
                }
            },
        );
        ui.add_space(2.0);
        note(ui, "Choose a rule to see and move its thresholds.");
    });
}

/// When a rule first fires, or that it does not.
fn firing_chip(ui: &mut egui::Ui, replay: &Replay, rule: &RuleReplay) {
    match (&rule.first, &rule.skipped) {
        (Some(firing), _) => {
            let text = format!("▼ {}", units::moment(firing.time_us, replay.clock));
            chip(ui, &text, Tone::Bad);
        }
        (None, Some(why)) => {
            chip(ui, "? not evaluated", Tone::Caution).on_hover_text(tr(why));
        }
        (None, None) => {
            chip(ui, "● never", Tone::Quiet);
        }
    }
}

/// Keeps what the rules do now, to stand beside what they do after a change.
fn keep_ui(ui: &mut egui::Ui, state: &mut AppState, replay: &Arc<Replay>, commands: &mut Commands) {
    ui.horizontal(|ui| {
        copy_button(ui, "what the rules did", commands, || rules_tsv(replay));
        let keep = ui.small_button(tr("Keep to compare")).on_hover_text(
            tr("What these rules do stays as a column beside what changed rules, or another selection, do"),
        );
        if keep.clicked() {
            state.kept_replay = Some(Arc::clone(replay));
        }
        let compare = ui
            .small_button(tr("Compare with a rule file…"))
            .on_hover_text(tr("Replays the rules of another file beside these"));
        if compare.clicked() {
            commands.push(Command::AskPath(PathFor::Rival));
        }
        if state.kept_replay.is_some() && ui.small_button(tr("Forget what was kept")).clicked() {
            state.kept_replay = None;
        }
    });
}

fn rules_tsv(replay: &Replay) -> String {
    let headings = [
        "rule",
        "fires_after_us",
        "causes",
        "canary_requests_before",
        "errors_before",
    ];
    let row = |rule: &RuleReplay| {
        let (first, before) = (rule.first.as_ref(), rule.exposure.map(|e| e.before));
        vec![
            rule.id.clone(),
            first.map_or_else(String::new, |f| f.time_us.to_string()),
            first.map_or_else(String::new, |f| f.causes.join(", ")),
            before.map_or_else(String::new, |e| e.requests.to_string()),
            before.map_or_else(String::new, |e| e.errors.to_string()),
        ]
    };
    tsv(&headings, replay.rules.iter().map(row))
}
