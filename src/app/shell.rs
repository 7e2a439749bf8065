//! The frame around the screens: menu and top bar, rail, status line, notices.

use egui::{Key, Modifiers};

use super::command::{Command, Commands, UiCommand, screen_shortcut};
use super::session::Session;
use super::state::{AppState, Screen};
use super::widgets::{shortened, with_focus_in_view};
use super::words::tr;
use super::{memory, palette, paths, pictures, selection_bar, views};
use crate::ingest::LoadRequest;
use crate::language::Language;

/// Draws everything.
pub(super) fn ui(
    ui: &mut egui::Ui,
    state: &mut AppState,
    session: &Session,
    commands: &mut Commands,
) {
    egui::Panel::top("menu").show(ui, |ui| menu_ui(ui, state, session, commands));
    if let Some(loaded) = &session.loaded.value {
        let analysis = session.analysis.value.clone();
        egui::Panel::top("selection").show(ui, |ui| {
            selection_bar::ui(ui, &loaded.log, analysis.as_ref(), state, commands);
        });
    }
    recover_ui(ui, state, commands);
    start_ui(ui, state, commands);
    change_ui(ui, session, commands);
    egui::Panel::bottom("status").show(ui, |ui| status_ui(ui, state, session, commands));
    views::requests::panel_ui(ui, state, session, commands);
    egui::Panel::left("rail")
        .resizable(false)
        .exact_size(124.0)
        .show(ui, |ui| rail_ui(ui, state, session, commands));
    egui::CentralPanel::default().show(ui, |ui| {
        let is_stale = session.analysis.is_stale || session.loaded.is_stale;
        ui.scope(|ui| {
            if is_stale && state.screen != Screen::Log {
                ui.multiply_opacity(0.6);
            }
            views::screen_ui(ui, state, session, commands);
        });
    });
    shortcuts_ui(ui, state);
    pictures::ui(ui.ctx(), state, commands);
    paths::ui(ui.ctx(), state, commands);
    palette::ui(ui.ctx(), state, session, commands);
}

fn menu_ui(ui: &mut egui::Ui, state: &AppState, session: &Session, commands: &mut Commands) {
    let menus: [(&str, &[UiCommand]); 4] = [
        (
            "File",
            &[
                UiCommand::Open,
                UiCommand::OpenSample,
                UiCommand::OpenAa,
                UiCommand::Save,
                UiCommand::SaveAs,
                UiCommand::Export,
                UiCommand::SaveMapping,
                UiCommand::OpenMapping,
                UiCommand::OpenRules,
                UiCommand::ExportRules,
            ],
        ),
        ("Edit", &[UiCommand::Undo, UiCommand::Redo]),
        (
            "View",
            &[
                UiCommand::ThemeSystem,
                UiCommand::ThemeLight,
                UiCommand::ThemeDark,
                UiCommand::ZoomIn,
                UiCommand::ZoomOut,
                UiCommand::ZoomReset,
                UiCommand::Speak(Language::English),
                UiCommand::Speak(Language::Chinese),
                UiCommand::Speak(Language::Korean),
                UiCommand::Requests,
            ],
        ),
        ("Help", &[UiCommand::Palette, UiCommand::Shortcuts]),
    ];
    egui::MenuBar::new().ui(ui, |ui| {
        for (title, items) in menus {
            ui.menu_button(tr(title), |ui| {
                for command in items {
                    command_button(ui, *command, state, session, commands);
                }
                if title == "File" {
                    memory::menu_ui(ui, state, commands);
                    recent_ui(ui, state, commands);
                }
            });
        }
        ui.separator();
        for command in [UiCommand::Undo, UiCommand::Redo] {
            let button = egui::Button::new(tr(command.text())).small();
            if ui
                .add_enabled(command.is_enabled(state, session), button)
                .clicked()
            {
                commands.push(Command::Ui(command));
            }
        }
        if let Some(notice) = &state.notice {
            let color = if notice.is_error {
                ui.visuals().error_fg_color
            } else {
                ui.visuals().weak_text_color()
            };
            let text = notice.text.lines().next().unwrap_or_default();
            ui.separator();
            ui.add(egui::Label::new(egui::RichText::new(tr(text)).color(color)).truncate())
                .on_hover_text(tr(&notice.text));
        }
    });
}

/// On the sample that nobody asked for: what this is, and the way to a log of one's own.
fn start_ui(ui: &mut egui::Ui, state: &mut AppState, commands: &mut Commands) {
    if !state.is_at_start() {
        return;
    }
    egui::Panel::top("start").show(ui, |ui| {
        ui.horizontal_wrapped(|ui| {
            ui.label(tr("This is a bundled sample, a made-up canary rollout."));
            if ui.button(tr("Open a log of your own")).clicked() {
                commands.push(Command::Show(Screen::Log));
                state.wants_path = true;
            }
            if ui.button(tr("Look at the sample")).clicked() {
                state.shows_start = false;
            }
        });
    });
}

/// After a crash: what was open can be brought back.
fn recover_ui(ui: &mut egui::Ui, state: &AppState, commands: &mut Commands) {
    let Some(project) = &state.storage.leftover else {
        return;
    };
    let names: Vec<_> = project
        .logs
        .iter()
        .filter_map(|path| path.file_name())
        .collect();
    let name = names
        .first()
        .map_or_else(String::new, |name| shortened(&name.to_string_lossy()));
    egui::Panel::top("recover").show(ui, |ui| {
        ui.horizontal_wrapped(|ui| {
            ui.label(tr(format!(
                "Unsaved work on {name} was left when Hindsight ended: arms, filter, settings and rules."
            )));
            if ui.button(tr("Bring it back")).clicked() {
                commands.push(Command::Recover(true));
            }
            if ui.button(tr("Let it go")).clicked() {
                commands.push(Command::Recover(false));
            }
        });
    });
}

/// A log that changed since it was read: quiet, for what is on screen still holds for what was read.
fn change_ui(ui: &mut egui::Ui, session: &Session, commands: &mut Commands) {
    let Some(change) = session.change.as_ref().filter(|_| !session.loaded.is_stale) else {
        return;
    };
    egui::Panel::top("change").show(ui, |ui| {
        ui.horizontal_wrapped(|ui| {
            ui.label(tr(format!("{}.", change.text)));
            if change.can_reload
                && ui
                    .button(tr("Reload"))
                    .on_hover_text(tr("Reads the files again; roles, settings and rules stay"))
                    .clicked()
            {
                commands.push(Command::Reload);
            }
            if ui.button(tr("Not now")).clicked() {
                commands.push(Command::IgnoreChange);
            }
        });
    });
}

/// Logs and projects that were opened last.
fn recent_ui(ui: &mut egui::Ui, state: &AppState, commands: &mut Commands) {
    if state.storage.recent.is_empty() {
        return;
    }
    ui.separator();
    ui.weak(tr("Opened last"));
    for path in &state.storage.recent {
        let name = path
            .file_name()
            .map_or_else(String::new, |n| n.to_string_lossy().into_owned());
        let button = egui::Button::new(shortened(&name)).min_size(egui::vec2(230.0, 0.0));
        let response = ui.add(button).on_hover_text(path.display().to_string());
        if response.clicked() {
            commands.push(Command::OpenLog(LoadRequest::of(path).into()));
            ui.close();
        }
    }
}

fn command_button(
    ui: &mut egui::Ui,
    command: UiCommand,
    state: &AppState,
    session: &Session,
    commands: &mut Commands,
) {
    let keys = command
        .shortcut()
        .map(|s| ui.ctx().format_shortcut(&s))
        .unwrap_or_default();
    let button = egui::Button::new(tr(command.text()))
        .shortcut_text(keys)
        .min_size(egui::vec2(230.0, 0.0));
    if ui
        .add_enabled(command.is_enabled(state, session), button)
        .clicked()
    {
        commands.push(Command::Ui(command));
        ui.close();
    }
}

fn rail_ui(ui: &mut egui::Ui, state: &AppState, session: &Session, commands: &mut Commands) {
    ui.add_space(8.0);
    egui::ScrollArea::vertical().show(ui, |ui| {
        with_focus_in_view(ui, |ui| screens_ui(ui, state, session, commands));
    });
}

fn screens_ui(ui: &mut egui::Ui, state: &AppState, session: &Session, commands: &mut Commands) {
    for screen in Screen::ALL {
        let is_enabled =
            screen == Screen::Log || screen == Screen::Plan || session.analysis.value.is_some();
        let text = egui::RichText::new(tr(screen.label())).size(15.0);
        let button = egui::Button::selectable(state.screen == screen, text)
            .min_size(egui::vec2(108.0, 32.0));
        let keys = ui.ctx().format_shortcut(&screen_shortcut(screen));
        let response = ui
            .add_enabled(is_enabled, button)
            .on_hover_text(format!("{} ({keys})", tr(screen.question())));
        if response.clicked() {
            commands.push(Command::Show(screen));
        }
    }
}

fn status_ui(ui: &mut egui::Ui, state: &AppState, session: &Session, commands: &mut Commands) {
    ui.horizontal(|ui| {
        let mut jobs = session.jobs();
        jobs.retain(|job| !job.kind.is_housekeeping());
        for job in &jobs {
            let title = tr(job.kind.title());
            if job.phase.is_empty() {
                ui.label(title + "…");
            } else {
                ui.label(title);
                ui.weak(tr(job.phase) + "…");
            }
            if let Some(share) = job.share {
                ui.add(egui::ProgressBar::new(share as f32).desired_width(140.0))
                    .accessible_name(tr(job.kind.title()));
            }
            if ui.small_button(tr("Cancel")).clicked() {
                commands.push(Command::CancelJob(job.id));
            }
        }
        if session.is_out_of_date() {
            ui.colored_label(ui.visuals().warn_fg_color, tr("Out of date"));
            if ui.small_button(tr("Compute again")).clicked() {
                commands.push(Command::Recompute);
            }
        } else if jobs.is_empty() {
            ui.weak(tr("Ready"));
        }
        if let Some(loaded) = &session.loaded.value {
            let keys = UiCommand::Requests.shortcut();
            let keys = keys.map_or_else(String::new, |s| ui.ctx().format_shortcut(&s));
            let button = egui::Button::selectable(state.requests.is_open, tr("Requests")).small();
            let response = ui
                .add(button)
                .on_hover_text(tr(format!("The requests behind the numbers ({keys})")));
            if response.clicked() {
                commands.push(Command::Ui(UiCommand::Requests));
            }
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                let n = loaded.issues.len();
                let text = if n == 1 {
                    "1 finding while reading".to_owned()
                } else {
                    format!("{n} findings while reading")
                };
                if ui
                    .small_button(tr(text))
                    .on_hover_text(tr("What was rejected, repaired or assumed"))
                    .clicked()
                    && state.screen != Screen::Log
                {
                    commands.push(Command::Show(Screen::Log));
                }
            });
        }
    });
}

fn shortcuts_ui(ui: &egui::Ui, state: &mut AppState) {
    let mut is_open = state.shows_shortcuts;
    if is_open && ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Escape)) {
        is_open = false;
    }
    egui::Window::new(tr("Keyboard shortcuts"))
        .open(&mut is_open)
        .collapsible(false)
        .resizable(false)
        .anchor(egui::Align2::CENTER_CENTER, egui::Vec2::ZERO)
        .show(ui.ctx(), |ui| {
            egui::Grid::new("shortcuts")
                .num_columns(2)
                .spacing([24.0, 6.0])
                .show(ui, |ui| {
                    for command in UiCommand::ALL {
                        if let Some(shortcut) = command.shortcut() {
                            ui.label(tr(command.text()));
                            let mut keys = ui.ctx().format_shortcut(&shortcut);
                            if command == UiCommand::Shortcuts {
                                keys += " or ?";
                            }
                            ui.monospace(keys);
                            ui.end_row();
                        }
                    }
                    for screen in Screen::ALL {
                        ui.label(tr(screen.label()));
                        ui.monospace(ui.ctx().format_shortcut(&screen_shortcut(screen)));
                        ui.end_row();
                    }
                });
        });
    state.shows_shortcuts = is_open;
}
