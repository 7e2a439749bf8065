//! Open a log, see how it was read, correct it.

use super::super::command::{Command, Commands, UiCommand};
use super::super::session::Session;
use super::super::state::AppState;
use super::super::widgets::{Column, card_ui, note, table_height, table_ui};
use super::super::words::tr;
use super::sources;
use crate::ingest::{ColumnRole, DurationUnit, Guess, LoadRequest, Loaded, Question, Role};
use crate::units;

pub(super) fn ui(
    ui: &mut egui::Ui,
    state: &mut AppState,
    session: &Session,
    commands: &mut Commands,
) {
    open_ui(ui, state, session, commands);
    let Some(loaded) = session.loaded.value.clone() else {
        return welcome_ui(ui, &state.storage.recent, commands);
    };
    if session.loaded.is_stale {
        ui.weak(tr("Reading…"));
    }
    if let Some(cells) = &loaded.cells {
        return super::from_cells::log_ui(ui, &loaded.log, cells);
    }
    // What was answered or assigned is no longer asked, even while the log is read again.
    let asked = state.document.mapping.as_ref().unwrap_or(&loaded.mapping);
    if !asked.questions.is_empty() {
        card_ui(ui, "Please confirm", |ui| {
            note(
                ui,
                "The values alone do not tell these. A click answers; the log is read again.",
            );
            for question in &asked.questions {
                question_ui(ui, question, commands);
            }
        });
    }
    summary_ui(ui, &loaded);
    card_ui(ui, "Columns", |ui| {
        note(
            ui,
            "Each column with the role it was given and why. Correct a role here; the log is read again.",
        );
        ui.add_space(4.0);
        columns_ui(ui, &loaded, commands);
    });
    sources::derived_ui(ui, state, &loaded, commands);
    sources::tables_ui(ui, state, session, &loaded, commands);
    card_ui(ui, "Findings while reading", |ui| issues_ui(ui, &loaded));
}

fn open_ui(ui: &mut egui::Ui, state: &mut AppState, session: &Session, commands: &mut Commands) {
    card_ui(ui, "", |ui| {
        ui.horizontal(|ui| {
            let label = ui.label(tr("Log file"));
            let width = (ui.available_width() - 260.0).max(200.0);
            let field = egui::TextEdit::singleline(&mut state.path_text)
                .desired_width(width)
                .hint_text(tr("Path of a file or folder, or drop files on this window"));
            let response = ui.add(field).labelled_by(label.id);
            let is_enter =
                response.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
            let path = state.path_text.trim().trim_matches('"').to_owned();
            let open = ui.add_enabled(!path.is_empty(), egui::Button::new(tr("Open")));
            if !path.is_empty() && (open.clicked() || is_enter) {
                commands.push(Command::OpenLog(LoadRequest::of(path).into()));
            }
            let is_waiting = session
                .jobs()
                .iter()
                .any(|job| job.kind == crate::jobs::JobKind::Dialog);
            if ui
                .add_enabled(!is_waiting, egui::Button::new(tr("Browse…")))
                .clicked()
            {
                commands.push(Command::Ui(UiCommand::Open));
            }
        });
        note(
            ui,
            "CSV, JSON or Parquet; plain, .gz, .zst, .bz2 or .zip; several files are read as one log. Nothing leaves this machine: Hindsight opens no network connection.",
        );
    });
}

fn question_ui(ui: &mut egui::Ui, question: &Question, commands: &mut Commands) {
    ui.add_space(6.0);
    ui.horizontal_wrapped(|ui| {
        ui.strong(tr(&question.text));
        ui.weak(tr(&question.evidence));
    });
    ui.horizontal_wrapped(|ui| {
        for (i, candidate) in question.candidates.iter().enumerate() {
            let is_assumed = i == question.assumed;
            let text = if is_assumed {
                format!("{} (assumed)", candidate.label)
            } else {
                candidate.label.clone()
            };
            let button = egui::Button::new(super::super::widgets::shortened_to(&tr(&text), 72));
            let response = ui.add(button.selected(is_assumed));
            if response.on_hover_text(tr(&candidate.label)).clicked() {
                let answer = candidate.answer.clone();
                commands.push(Command::Answer(question.clone(), answer));
            }
        }
    });
}

fn welcome_ui(ui: &mut egui::Ui, recent: &[std::path::PathBuf], commands: &mut Commands) {
    card_ui(ui, "Tell from a request log which variant to ship", |ui| {
        ui.label(tr("Hindsight compares the arms of a rollout by errors, latency, ratings and cost, checks whether the log can be trusted,"));
        ui.label(tr(
            "and replays rollback rules to show when each would have fired.",
        ));
        ui.add_space(6.0);
        ui.horizontal(|ui| {
            for command in [UiCommand::OpenSample, UiCommand::OpenAa] {
                if ui.button(tr(command.text())).clicked() {
                    commands.push(Command::Ui(command));
                }
            }
        });
    });
    if !recent.is_empty() {
        card_ui(ui, "Opened last", |ui| {
            for path in recent {
                if ui.link(path.display().to_string()).clicked() {
                    commands.push(Command::OpenLog(LoadRequest::of(path).into()));
                }
            }
        });
    }
}

fn summary_ui(ui: &mut egui::Ui, loaded: &Loaded) {
    let log = &loaded.log;
    card_ui(ui, &log.name, |ui| {
        egui::Grid::new("summary")
            .num_columns(2)
            .spacing([20.0, 4.0])
            .show(ui, |ui| {
                let mut line = |name: &str, value: String| {
                    ui.weak(tr(name));
                    ui.label(tr(value));
                    ui.end_row();
                };
                line(
                    "Format",
                    format!(
                        "{}, {} kB",
                        loaded.description(),
                        units::count(loaded.n_bytes() / 1000)
                    ),
                );
                if let Some(tool) = &loaded.mapping.tool {
                    line("Recognised as", tool.clone());
                }
                line(
                    "Rows",
                    format!(
                        "{} in the file, {} requests kept",
                        units::count(loaded.n_rows_in_file),
                        units::count(log.n_rows() as u64)
                    ),
                );
                if let Some((first, last)) = log.event_span_us() {
                    let span = units::duration_us(last - first);
                    line(
                        "Time",
                        format!(
                            "{} to {} ({span})",
                            units::instant(first, log.clock),
                            units::instant(last, log.clock)
                        ),
                    );
                }
                let arms: Vec<String> = log
                    .arms
                    .iter()
                    .take(8)
                    .map(|arm| super::super::widgets::shortened(&arm.name))
                    .collect();
                let more = if log.arms.len() > 8 {
                    format!(" and {} more", log.arms.len() - 8)
                } else {
                    String::new()
                };
                line("Arms", arms.join(", ") + &more);
            });
    });
}

fn columns_ui(ui: &mut egui::Ui, loaded: &Loaded, commands: &mut Commands) {
    let columns = [
        Column::text("Column", 170.0),
        Column::text("Role", 190.0),
        Column::text("Unit", 120.0),
        Column::number("Confidence", 90.0),
        Column::text("Values", 200.0),
        Column::text("Why", 320.0),
    ];
    let height = table_height(loaded.guesses.len());
    table_ui(
        ui,
        "columns",
        &columns,
        (loaded.guesses.len(), height.min(520.0)),
        |ui, row, column| {
            let guess = &loaded.guesses[row];
            let role = loaded
                .mapping
                .columns
                .iter()
                .find(|c| c.column == guess.profile.name);
            let is_guess = role.map(|c| c.role) == guess.role;
            match column {
                0 => {
                    ui.label(&guess.profile.name);
                }
                1 => role_combo(ui, guess, role.map(|c| c.role), commands),
                2 => unit_ui(ui, role, commands),
                3 => match role {
                    Some(_) if is_guess => {
                        ui.label(
                            units::share(guess.confidence.min(1.0))
                                .replace(".00", "")
                                .replace("100.0", "100"),
                        );
                    }
                    Some(_) => {
                        ui.label(tr("given"));
                    }
                    None => {}
                },
                4 => {
                    ui.add(egui::Label::new(guess.profile.samples.join("  ·  ")).truncate())
                        .on_hover_text(guess.profile.samples.join("\n"));
                }
                _ => {
                    let name = &guess.profile.name;
                    let unused = loaded.unused.iter().find(|c| c.column == *name);
                    let why = match unused {
                        Some(unused) => format!("could be {}", unused.could_be.label()),
                        None if is_guess => guess.evidence.clone(),
                        None => return,
                    };
                    ui.add(egui::Label::new(egui::RichText::new(tr(&why)).weak()).truncate())
                        .on_hover_text(tr(&why));
                }
            }
        },
    );
}

fn role_combo(ui: &mut egui::Ui, guess: &Guess, current: Option<Role>, commands: &mut Commands) {
    let name = &guess.profile.name;
    egui::ComboBox::from_id_salt(("role", name))
        .width(170.0)
        .height(420.0)
        .selected_text(tr(current.map_or("not used", Role::label)))
        .show_ui(ui, |ui| {
            let mut choice = |ui: &mut egui::Ui, role: Option<Role>| {
                let is_current = role == current;
                if ui
                    .selectable_label(is_current, tr(role.map_or("not used", Role::label)))
                    .clicked()
                    && !is_current
                {
                    commands.push(Command::AssignRole {
                        column: name.clone(),
                        role,
                    });
                }
            };
            choice(ui, None);
            for role in Role::ALL {
                choice(ui, Some(role));
            }
        })
        .response
        .accessible_name(tr(format!("Role of {name}")));
}

fn unit_ui(ui: &mut egui::Ui, role: Option<&ColumnRole>, commands: &mut Commands) {
    let Some(role) = role else { return };
    if let Some(stamp) = role.stamp {
        ui.label(tr(stamp.label()));
    }
    let Some(unit) = role.unit.filter(|_| role.role.is_duration()) else {
        return;
    };
    egui::ComboBox::from_id_salt(("unit", &role.column))
        .width(110.0)
        .selected_text(tr(unit.label()))
        .show_ui(ui, |ui| {
            for other in [
                DurationUnit::S,
                DurationUnit::Ms,
                DurationUnit::Us,
                DurationUnit::Ns,
            ] {
                if ui
                    .selectable_label(other == unit, tr(other.label()))
                    .clicked()
                    && other != unit
                {
                    commands.push(Command::SetUnit {
                        column: role.column.clone(),
                        unit: other,
                    });
                }
            }
        })
        .response
        .accessible_name(tr(format!("Unit of {}", role.column)));
}

fn issues_ui(ui: &mut egui::Ui, loaded: &Loaded) {
    if loaded.issues.is_empty() {
        ui.label(tr("Nothing was rejected, repaired or assumed."));
        return;
    }
    for issue in &loaded.issues {
        ui.horizontal_wrapped(|ui| {
            let tone = match issue.effect {
                crate::ingest::Effect::Rejected => crate::report::chart::Tone::Bad,
                crate::ingest::Effect::Missing | crate::ingest::Effect::Assumed => {
                    crate::report::chart::Tone::Caution
                }
                crate::ingest::Effect::Noted => crate::report::chart::Tone::Quiet,
            };
            super::super::widgets::chip(ui, issue.effect.label(), tone);
            if let Some(column) = &issue.column {
                ui.strong(column);
            }
            let count = if issue.count > 0 {
                format!(" ({} times)", units::count(issue.count))
            } else {
                String::new()
            };
            ui.label(tr(&issue.message) + &tr(count));
        });
        if !issue.lines.is_empty() {
            note(
                ui,
                &format!("Lines {}: {}", issue.places(), issue.samples.join("  ·  ")),
            );
        }
        if !issue.hint.is_empty() {
            note(ui, &issue.hint);
        }
        ui.add_space(4.0);
    }
}
