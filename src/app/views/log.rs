//! Open a log, see how it was read, correct it.

use super::super::command::{Command, Commands, UiCommand};
use super::super::session::Session;
use super::super::state::AppState;
use super::super::widgets::{
    Column, bold, card_ui, chip, note, shortened_to, table_height, table_ui,
};
use super::super::words::tr;
use super::sources;
use crate::ingest::{ColumnRole, DurationUnit, Guess, LoadRequest, Loaded, Question, Role};
use crate::units;

/// Names longer than this stand on lines of their own.
const LONG_NAME: usize = 24;
/// Characters of an arm's name that are laid out, and of cells of the table of columns.
const LONGEST_NAME: usize = 400;
const LONGEST_CELL: usize = 60;
/// Columns that are shown without scrolling.
const MOST_COLUMNS: usize = 40;
/// Arms that are named.
const MOST_ARMS: usize = 12;

pub(super) fn ui(
    ui: &mut egui::Ui,
    state: &mut AppState,
    session: &Session,
    commands: &mut Commands,
) {
    open_ui(ui, state, session, commands);
    if session.loaded.value.is_none() || state.is_at_start() {
        welcome_ui(ui, &state.storage.recent, commands);
    }
    let Some(loaded) = session.loaded.value.clone() else {
        return;
    };
    if session.loaded.is_stale {
        ui.multiply_opacity(0.6);
    }
    if let Some(cells) = &loaded.cells {
        return super::from_cells::log_ui(ui, &loaded.log, cells);
    }
    // What was answered or assigned is no longer asked, even while the log is read again.
    let asked = state.document.mapping.as_ref().unwrap_or(&loaded.mapping);
    let top = ui.cursor().top();
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
    keep_in_place(ui, ui.cursor().top() - top, &loaded);
    card_ui(ui, "Columns", |ui| {
        note(
            ui,
            "Each column with the role it was given and why. Correct a role here; the log is read again.",
        );
        ui.horizontal_wrapped(|ui| {
            for command in [UiCommand::SaveMapping, UiCommand::OpenMapping] {
                if ui.small_button(tr(command.text())).clicked() {
                    commands.push(Command::Ui(command));
                }
            }
        });
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
            if std::mem::take(&mut state.wants_path) {
                response.request_focus();
            }
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

/// What stands above the columns changes with their roles: the row at hand stays where it was, so that a second
/// click does not land on another.
fn keep_in_place(ui: &egui::Ui, height: f32, loaded: &Loaded) {
    let id = ui.scope_id().with("above the columns");
    let known: Option<(String, f32)> = ui.data(|data| data.get_temp(id));
    if let Some((name, before)) = known
        && name == loaded.log.name
        && (before - height).abs() > 0.5
        && ui.cursor().top() < ui.clip_rect().center().y
    {
        let back = egui::vec2(0.0, before - height);
        ui.scroll_with_delta_animation(back, egui::style::ScrollAnimation::none());
    }
    ui.data_mut(|data| data.insert_temp(id, (loaded.log.name.clone(), height)));
}

fn question_ui(ui: &mut egui::Ui, question: &Question, commands: &mut Commands) {
    ui.add_space(6.0);
    ui.horizontal_wrapped(|ui| {
        ui.label(bold(tr(&question.text)));
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
            let button = egui::Button::new(shortened_to(&tr(&text), 72));
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
            .spacing([20.0, 2.0])
            .min_row_height(22.0)
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
                arms_ui(ui, loaded);
                ui.end_row();
            });
    });
}

/// The arms with their names in full, which other screens shorten.
fn arms_ui(ui: &mut egui::Ui, loaded: &Loaded) {
    let arms = &loaded.log.arms;
    let names = arms.iter().take(MOST_ARMS);
    let names: Vec<String> = names
        .map(|arm| shortened_to(&arm.name, LONGEST_NAME))
        .collect();
    let more = arms.len().saturating_sub(MOST_ARMS);
    ui.weak(tr("Arms"));
    if names.iter().all(|name| name.chars().count() <= LONG_NAME) {
        let names = names.join(", ");
        let text = match more {
            0 => names,
            more => tr(format!("{names} and {more} more")),
        };
        ui.add(egui::Label::new(text).wrap());
        return;
    }
    ui.vertical(|ui| {
        for name in names {
            ui.add(egui::Label::new(name).wrap());
        }
        if more > 0 {
            ui.weak(tr(format!("and {more} more")));
        }
    });
}

fn columns_ui(ui: &mut egui::Ui, loaded: &Loaded, commands: &mut Commands) {
    let columns = [
        Column::text("Column", 150.0),
        Column::controls("Role", 178.0),
        Column::controls("Unit", 118.0),
        Column::rest("Values", 230.0).at_least(170.0),
        Column::rest("Why, and how sure", 250.0).at_least(150.0),
    ];
    let n_rows = loaded.guesses.len();
    let size = (n_rows, table_height(n_rows.min(MOST_COLUMNS)));
    table_ui(ui, "columns", &columns, size, |ui, row, column| {
        let guess = &loaded.guesses[row];
        let name = &guess.profile.name;
        let mut roles = loaded.mapping.columns.iter();
        let role = roles.find(|c| c.column == *name);
        match column {
            0 => {
                let shown = shortened_to(name, LONGEST_CELL);
                ui.label(shown).on_hover_text(name);
            }
            1 => role_combo(ui, guess, role.map(|c| c.role), commands),
            2 => unit_ui(ui, role, commands),
            3 => {
                let samples = &guess.profile.samples;
                ui.label(first_samples(samples))
                    .on_hover_text(samples.join("\n"));
            }
            _ => {
                ui.weak(why(loaded, guess, role.map(|c| c.role)));
            }
        }
    });
}

/// What speaks for the role and how sure that is, or what a column without one could be.
fn why(loaded: &Loaded, guess: &Guess, role: Option<Role>) -> String {
    let mut unused = loaded.unused.iter();
    if let Some(unused) = unused.find(|column| column.column == guess.profile.name) {
        return tr(format!("could be {}", unused.could_be.label()));
    }
    if role != guess.role {
        return role.map_or_else(String::new, |_| tr("given"));
    }
    if role.is_none() {
        return tr(&guess.evidence);
    }
    let sure = units::share(guess.confidence.min(1.0));
    let sure = sure.replace(".00", "").replace("100.0", "100");
    let tool = loaded.mapping.tool.iter();
    let mut of_tool = tool.filter_map(|tool| {
        let rest = guess.evidence.strip_prefix(tool.as_str())?;
        Some(format!("{tool}; {}", tr(rest.strip_prefix("; ")?)))
    });
    let evidence = of_tool.next().unwrap_or_else(|| tr(&guess.evidence));
    format!("{sure}: {evidence}")
}

/// As many values as fit on two lines or so, one at least.
fn first_samples(samples: &[String]) -> String {
    let mut out = String::new();
    for sample in samples {
        let sample = shortened_to(sample, LONGEST_CELL);
        let n_chars = out.chars().count() + sample.chars().count();
        if !out.is_empty() && n_chars > LONGEST_CELL {
            break;
        }
        if !out.is_empty() {
            out += "  ·  ";
        }
        out += &sample;
    }
    out
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
            chip(ui, issue.effect.label(), tone);
            if let Some(column) = &issue.column {
                ui.label(bold(column));
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
