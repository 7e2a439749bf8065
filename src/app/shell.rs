//! The frame around the screens: menu and top bar, rail, status line, notices.

use std::sync::Arc;

use super::command::{Command, Commands, UiCommand, screen_shortcut};
use super::palette;
use super::session::Session;
use super::state::{AppState, Screen};
use super::views;
use super::widgets::{note, shortened, shortened_to};
use crate::analysis::Analysis;
use crate::data::{Filter, FilterPart, MsRange, Quantity, RequestLog};
use crate::ingest::LoadRequest;
use crate::units;

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
            selection_ui(ui, &loaded.log, analysis.as_ref(), state, commands);
        });
    }
    recover_ui(ui, state, commands);
    egui::Panel::bottom("status").show(ui, |ui| status_ui(ui, state, session, commands));
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
            ],
        ),
        ("Help", &[UiCommand::Palette, UiCommand::Shortcuts]),
    ];
    egui::MenuBar::new().ui(ui, |ui| {
        for (title, items) in menus {
            ui.menu_button(title, |ui| {
                for command in items {
                    command_button(ui, *command, state, session, commands);
                }
                if title == "File" {
                    recent_ui(ui, state, commands);
                }
            });
        }
        ui.separator();
        for command in [UiCommand::Undo, UiCommand::Redo] {
            let button = egui::Button::new(command.text()).small();
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
            ui.add(egui::Label::new(egui::RichText::new(text).color(color)).truncate())
                .on_hover_text(&notice.text);
        }
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
            ui.label(format!(
                "Unsaved work on {name} was left when Hindsight ended: arms, filter, settings and rules."
            ));
            if ui.button("Bring it back").clicked() {
                commands.push(Command::Recover(true));
            }
            if ui.button("Let it go").clicked() {
                commands.push(Command::Recover(false));
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
    ui.weak("Opened last");
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
    let button = egui::Button::new(command.text())
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

/// Log, arms, segment, time range and undo: what every screen stands on.
fn selection_ui(
    ui: &mut egui::Ui,
    log: &RequestLog,
    analysis: Option<&Arc<Analysis>>,
    state: &AppState,
    commands: &mut Commands,
) {
    ui.add_space(2.0);
    ui.horizontal_wrapped(|ui| {
        ui.label(egui::RichText::new(&log.name).strong());
        let Some(analysis) = analysis else { return };
        let users = analysis
            .log
            .n_units
            .map(|n| format!(", {} users", units::count(n)))
            .unwrap_or_default();
        let of = if analysis.log.n_requests < analysis.log.n_requests_unfiltered {
            format!(" of {}", units::count(analysis.log.n_requests_unfiltered))
        } else {
            String::new()
        };
        ui.weak(format!(
            "{}{of} requests{users}",
            units::count(analysis.log.n_requests)
        ));
        ui.separator();
        let control = arm_combo(ui, "Control", log, Some(analysis.control));
        if let Some(name) = control {
            commands.push(Command::SetControl(Some(name)));
        }
        if let Some(name) = arm_combo(ui, "Treatment", log, analysis.treatment) {
            commands.push(Command::SetTreatment(Some(name)));
        }
        segment_combo(ui, log, state, commands);
        time_range_button(ui, log, state, commands);
        latency_range_button(ui, log, state, commands);
    });
    filter_ui(ui, log, &state.document.settings.filter, commands);
    ui.add_space(2.0);
}

fn arm_combo(
    ui: &mut egui::Ui,
    label: &str,
    log: &RequestLog,
    current: Option<usize>,
) -> Option<String> {
    let shown = current
        .and_then(|i| log.arms.get(i))
        .map_or(units::NO_VALUE, |arm| arm.name.as_str());
    let mut chosen = None;
    ui.label(label);
    egui::ComboBox::from_id_salt(label)
        .selected_text(shortened(shown))
        .show_ui(ui, |ui| {
            for (i, arm) in log.arms.iter().enumerate() {
                if ui
                    .selectable_label(Some(i) == current, shortened(&arm.name))
                    .clicked()
                    && Some(i) != current
                {
                    chosen = Some(arm.name.clone());
                }
            }
        })
        .response
        .accessible_name(label);
    chosen
}

fn segment_combo(ui: &mut egui::Ui, log: &RequestLog, state: &AppState, commands: &mut Commands) {
    if log.segments.is_empty() {
        return;
    }
    let current = &state.document.settings.filter.segment;
    let shown = current.as_ref().map_or_else(
        || "All segments".to_owned(),
        |(name, value)| format!("{name} = {}", shortened(value)),
    );
    ui.label("Segment");
    egui::ComboBox::from_id_salt("segment")
        .selected_text(shown)
        .height(360.0)
        .show_ui(ui, |ui| {
            if ui
                .selectable_label(current.is_none(), "All segments")
                .clicked()
            {
                commands.push(Command::SetSegment(None));
            }
            for segment in &log.segments {
                ui.separator();
                ui.weak(&segment.name);
                for value in segment.values.iter().take(40) {
                    let this = Some((segment.name.clone(), value.clone()));
                    let text = if value.is_empty() {
                        "(empty)".to_owned()
                    } else {
                        shortened(value)
                    };
                    if ui.selectable_label(*current == this, text).clicked() {
                        commands.push(Command::SetSegment(this));
                    }
                }
            }
        })
        .response
        .accessible_name("Segment");
}

/// What is selected, as text; each part can be taken back.
fn filter_ui(ui: &mut egui::Ui, log: &RequestLog, filter: &Filter, commands: &mut Commands) {
    if filter.is_all() {
        return;
    }
    ui.horizontal_wrapped(|ui| {
        ui.label("Only");
        let time_zero_us = log.time_zero_us();
        for part in FilterPart::ALL {
            let Some(text) = filter.part_text(part, log.clock, time_zero_us) else {
                continue;
            };
            let button = egui::Button::new(format!("{}  ×", shortened_to(&text, 60)));
            let response = ui
                .add(button)
                .on_hover_text(format!("{text}\nClick to take it back"));
            response.widget_info(|| {
                egui::WidgetInfo::labeled(
                    egui::Role::Button,
                    true,
                    format!("Only {text}: take back"),
                )
            });
            if response.clicked() {
                commands.push(Command::ClearFilter(part));
            }
        }
        let selects_by_outcome = filter.latency.is_some() || filter.ttft.is_some();
        if selects_by_outcome {
            ui.weak("selected by outcome: the arms' remaining requests need not be alike");
        }
    });
}

/// Ranges of latency, typed: the same as dragging over a histogram.
fn latency_range_button(
    ui: &mut egui::Ui,
    log: &RequestLog,
    state: &AppState,
    commands: &mut Commands,
) {
    let quantities = [
        (Quantity::LatencyMs, FilterPart::Latency, "Latency"),
        (Quantity::TtftMs, FilterPart::Ttft, "First token"),
    ];
    if !quantities
        .iter()
        .any(|(q, _, _)| log.quantity(*q).is_some())
    {
        return;
    }
    let filter = &state.document.settings.filter;
    let is_all = filter.latency.is_none() && filter.ttft.is_none();
    ui.menu_button(
        if is_all {
            "All latencies"
        } else {
            "Some latencies"
        },
        |ui| {
            note(
                ui,
                "Also by dragging over a histogram of the Latency screen.",
            );
            for (quantity, part, name) in quantities {
                let (Some(values), current) = (
                    log.quantity(quantity),
                    match part {
                        FilterPart::Ttft => filter.ttft,
                        _ => filter.latency,
                    },
                ) else {
                    continue;
                };
                let known = values.table().iter().rev().find(|v| v.is_finite());
                let highest = known.map_or(1.0, |ms| ms / 1_000.0);
                let range = current.unwrap_or_default();
                let (mut from, mut to) = (
                    range.from_ms.unwrap_or(0.0) / 1_000.0,
                    range.to_ms.map_or(highest, |ms| ms / 1_000.0),
                );
                let is_final =
                    |r: &egui::Response| r.drag_stopped() || (r.changed() && !r.dragged());
                let mut slider = |value: &mut f64, text: &str| {
                    let slider = egui::Slider::new(value, 0.0..=highest)
                        .logarithmic(true)
                        .smallest_positive(0.001)
                        .suffix(" s")
                        .text(text);
                    is_final(&ui.add(slider))
                };
                let is_changed = slider(&mut from, &format!("{name} from"))
                    | slider(&mut to, &format!("{name} below"));
                if is_changed && from < to {
                    let wanted = MsRange {
                        from_ms: (from > 0.0).then_some(from * 1_000.0),
                        to_ms: (to < highest).then_some(to * 1_000.0),
                    };
                    let wanted = (wanted != MsRange::default()).then_some(wanted);
                    commands.push(Command::SetLatencyRange(quantity, wanted));
                }
            }
        },
    );
}

/// A stretch of event time in hours since the first event.
fn time_range_button(
    ui: &mut egui::Ui,
    log: &RequestLog,
    state: &AppState,
    commands: &mut Commands,
) {
    const HOUR_US: f64 = 3.6e9;
    let Some((first, last)) = log
        .event_span_us()
        .filter(|_| log.clock != units::Clock::RowOrder)
    else {
        return;
    };
    let filter = &state.document.settings.filter;
    let hours = |us: i64| (us - first) as f64 / HOUR_US;
    let span = hours(last);
    let (mut from, mut to) = (
        filter.from_us.map_or(0.0, hours),
        filter.to_us.map_or(span, hours),
    );
    let is_all = filter.from_us.is_none() && filter.to_us.is_none();
    let title = if is_all { "All times" } else { "Some times" };
    ui.menu_button(title, |ui| {
        note(
            ui,
            &format!(
                "Event time, hours since {}",
                units::instant(first, log.clock)
            ),
        );
        // A drag counts when it ends; keys and typed numbers count at once.
        let is_final = |r: &egui::Response| r.drag_stopped() || (r.changed() && !r.dragged());
        let from_changed =
            is_final(&ui.add(egui::Slider::new(&mut from, 0.0..=span).text("from (hours)")));
        let to_changed =
            is_final(&ui.add(egui::Slider::new(&mut to, 0.0..=span).text("to (hours)")));
        if (from_changed || to_changed) && from < to {
            let at = |hours: f64| first + (hours * HOUR_US) as i64;
            commands.push(Command::SetTimeRange(
                (from > 0.0).then(|| at(from)),
                (to < span).then(|| at(to)),
            ));
        }
        if ui
            .add_enabled(!is_all, egui::Button::new("Show all times"))
            .clicked()
        {
            commands.push(Command::SetTimeRange(None, None));
        }
    });
}

fn rail_ui(ui: &mut egui::Ui, state: &AppState, session: &Session, commands: &mut Commands) {
    ui.add_space(8.0);
    for screen in Screen::ALL {
        let is_enabled =
            screen == Screen::Log || screen == Screen::Plan || session.analysis.value.is_some();
        let text = egui::RichText::new(screen.label()).size(15.0);
        let button = egui::Button::selectable(state.screen == screen, text)
            .min_size(egui::vec2(108.0, 32.0));
        let keys = ui.ctx().format_shortcut(&screen_shortcut(screen));
        let response = ui
            .add_enabled(is_enabled, button)
            .on_hover_text(format!("{} ({keys})", screen.question()));
        if response.clicked() {
            commands.push(Command::Show(screen));
        }
    }
}

fn status_ui(ui: &mut egui::Ui, state: &AppState, session: &Session, commands: &mut Commands) {
    ui.horizontal(|ui| {
        let jobs = session.jobs();
        for job in &jobs {
            ui.label(job.kind.title());
            match job.share {
                Some(share) => {
                    ui.add(
                        egui::ProgressBar::new(share as f32)
                            .desired_width(140.0)
                            .text(job.phase),
                    );
                }
                None => {
                    ui.weak(format!("{}…", job.phase));
                }
            }
            if ui.small_button("Cancel").clicked() {
                commands.push(Command::CancelJob(job.id));
            }
        }
        if session.is_out_of_date() {
            ui.colored_label(ui.visuals().warn_fg_color, "Out of date");
            if ui.small_button("Compute again").clicked() {
                commands.push(Command::Recompute);
            }
        } else if jobs.is_empty() {
            ui.weak("Ready");
        }
        if let Some(loaded) = &session.loaded.value {
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                let n = loaded.issues.len();
                let text = if n == 1 {
                    "1 finding while reading".to_owned()
                } else {
                    format!("{n} findings while reading")
                };
                if ui
                    .small_button(text)
                    .on_hover_text("What was rejected, repaired or assumed")
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
    egui::Window::new("Keyboard shortcuts")
        .open(&mut is_open)
        .collapsible(false)
        .resizable(false)
        .show(ui.ctx(), |ui| {
            egui::Grid::new("shortcuts")
                .num_columns(2)
                .spacing([24.0, 6.0])
                .show(ui, |ui| {
                    for command in UiCommand::ALL {
                        if let Some(shortcut) = command.shortcut() {
                            ui.label(command.text());
                            ui.monospace(ui.ctx().format_shortcut(&shortcut));
                            ui.end_row();
                        }
                    }
                    for screen in Screen::ALL {
                        ui.label(screen.label());
                        ui.monospace(ui.ctx().format_shortcut(&screen_shortcut(screen)));
                        ui.end_row();
                    }
                });
        });
    state.shows_shortcuts = is_open;
}
