//! How much memory a log may take, chosen in the menu and kept for the next start.

use super::command::{Command, Commands};
use super::state::AppState;
use super::words::tr;
use crate::cli::MemoryLimit;

/// Offered sizes, in GB.
const SIZES_GB: [u64; 6] = [1, 2, 4, 8, 16, 32];

pub(super) fn menu_ui(ui: &mut egui::Ui, state: &AppState, commands: &mut Commands) {
    ui.menu_button(tr("Memory for logs"), |ui| {
        let now = state.memory;
        let mut choice = |ui: &mut egui::Ui, limit, text: String| {
            if ui.radio(now == limit, text).clicked() {
                commands.push(Command::LimitMemory(limit));
                ui.close();
            }
        };
        choice(ui, MemoryLimit::Automatic, tr("Most of what is free"));
        for gb in SIZES_GB {
            choice(
                ui,
                MemoryLimit::Bytes(gb * 1_000_000_000),
                format!("{gb} GB"),
            );
        }
        choice(ui, MemoryLimit::Unlimited, tr("No limit"));
    });
}

/// Takes a limit, for the next log that is opened.
pub(super) fn set(state: &mut AppState, limit: MemoryLimit) {
    state.memory = limit;
    state.storage.remember_memory(limit);
}
