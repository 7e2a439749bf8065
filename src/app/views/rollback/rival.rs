//! The rules of a second file beside those of the document.

use super::super::super::session::Session;
use super::super::super::state::AppState;
use super::super::super::widgets::{Column, brush_in, card_ui, note, table_height, table_ui};
use super::super::super::words::tr;
use super::firing_chip;
use crate::analysis::Analysis;
use crate::report::charts;
use crate::rules::{Replay, beside};
use crate::units;

/// Both files' rules, a line per rule, and the lanes of the other one.
pub(super) fn rival_ui(
    ui: &mut egui::Ui,
    state: &mut AppState,
    session: &Session,
    analysis: &Analysis,
    ours: &Replay,
) {
    let Some(rival) = &state.rival else { return };
    let name = rival.path.file_name().unwrap_or_default();
    let name = name.to_string_lossy().into_owned();
    let mut is_closed = false;
    card_ui(ui, "Beside the rules of another file", |ui| {
        ui.horizontal(|ui| {
            note(ui, &name);
            is_closed = ui.small_button(tr("Close")).clicked();
        });
        if let Some(error) = &session.rival.replay.error {
            super::super::error_ui(ui, error);
        }
        let Some(theirs) = &session.rival.replay.value else {
            ui.label(tr("Replaying…"));
            return;
        };
        let pairs = beside(ours, theirs);
        let columns = [
            Column::text("Rule", 290.0),
            Column::text("These rules", 160.0),
            Column::text("The other file", 160.0),
            Column::text("Which is", 190.0),
        ];
        let height = table_height(pairs.len());
        table_ui(
            ui,
            "rival",
            &columns,
            (pairs.len(), height),
            |ui, i, column| {
                let pair = &pairs[i];
                let chip = |ui: &mut egui::Ui, replay: &Replay, rule| {
                    if let Some(rule) = rule {
                        firing_chip(ui, replay, rule);
                    } else {
                        ui.weak(units::NO_VALUE);
                    }
                };
                match column {
                    0 => {
                        let rule = pair.ours.or(pair.theirs);
                        ui.label(tr(rule.map_or("", |rule| &rule.title)));
                    }
                    1 => chip(ui, ours, pair.ours),
                    2 => chip(ui, theirs, pair.theirs),
                    _ => {
                        ui.label(tr(pair.change()));
                    }
                }
            },
        );
        let mut timeline = charts::replay_timeline(analysis, theirs);
        "rival-timeline".clone_into(&mut timeline.id);
        "What the rules of the other file would have done".clone_into(&mut timeline.title);
        let height = 70.0 + 26.0 * timeline.n_rows() as f32;
        brush_in(ui, &timeline, height, None);
    });
    if is_closed {
        state.rival = None;
    }
}
