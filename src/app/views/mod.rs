//! The nine screens. They show values and ask for changes; nothing here computes a number.

mod behind;
mod from_cells;
mod lab;
mod latency;
mod log;
mod metric_settings;
mod overview;
mod plan;
mod report;
pub(super) mod requests;
mod rollback;
mod segment_arms;
mod segments;
mod settings;
mod sources;
mod strategies;
mod tests;
mod trends;

use super::command::Commands;
use super::session::Session;
use super::state::{AppState, Screen};
use super::widgets::{note, with_focus_in_view};
use super::words::tr;
use crate::error::Error;

/// The screen in view.
pub(super) fn screen_ui(
    ui: &mut egui::Ui,
    state: &mut AppState,
    session: &Session,
    commands: &mut Commands,
) {
    egui::ScrollArea::vertical()
        .id_salt(state.screen.label())
        .auto_shrink([false, false])
        .show(ui, |ui| {
            ui.set_max_width(ui.available_width().min(1500.0) - 8.0);
            with_focus_in_view(ui, |ui| contents_ui(ui, state, session, commands));
        });
}

fn contents_ui(
    ui: &mut egui::Ui,
    state: &mut AppState,
    session: &Session,
    commands: &mut Commands,
) {
    heading_ui(ui, state.screen);
    if let Some(error) = session
        .loaded
        .error
        .as_ref()
        .or(session.analysis.error.as_ref())
    {
        error_ui(ui, error);
    }
    if state.screen == Screen::Log {
        return log::ui(ui, state, session, commands);
    }
    if state.screen == Screen::Plan {
        let analysis = session.analysis.value.as_deref();
        return plan::ui(ui, &mut state.planner, analysis, commands);
    }
    let Some(analysis) = session.analysis.value.clone() else {
        let text = if session.is_idle() && session.loaded.value.is_some() {
            "The comparison was cancelled or failed."
        } else if session.is_idle() {
            "Open a log first (Ctrl+1)."
        } else {
            "Computing…"
        };
        ui.label(tr(text));
        return;
    };
    match state.screen {
        Screen::Overview => overview::ui(ui, state, &analysis, commands),
        Screen::Latency => latency::ui(ui, state, &analysis, commands),
        Screen::Trends => {
            trends::ui(ui, &analysis, session.replay.value.as_deref(), commands);
        }
        Screen::Tests => tests::ui(ui, state, &analysis, commands),
        Screen::Rollback => rollback::ui(ui, state, session, &analysis, commands),
        Screen::Lab => lab::ui(ui, state, session, &analysis, commands),
        Screen::Report => report::ui(ui, state, session, &analysis, commands),
        Screen::Log | Screen::Plan => {}
    }
    from_cells::needs_ui(ui, state.screen, &analysis);
}

fn heading_ui(ui: &mut egui::Ui, screen: Screen) {
    ui.horizontal(|ui| {
        ui.heading(tr(screen.label()));
        ui.weak(tr(screen.question()));
    });
    ui.add_space(4.0);
}

/// What failed, where, and what to do.
fn error_ui(ui: &mut egui::Ui, error: &Error) {
    let color = ui.visuals().error_fg_color;
    super::theme::card(ui)
        .stroke(egui::Stroke::new(1.5, color))
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.add(
                egui::Label::new(
                    egui::RichText::new(format!(
                        "■ {}{}",
                        tr(&error.message),
                        tr(error.place.to_string())
                    ))
                    .color(color)
                    .strong(),
                )
                .wrap(),
            );
            if !error.hint.is_empty() {
                note(ui, &error.hint);
            }
        });
    ui.add_space(10.0);
}
