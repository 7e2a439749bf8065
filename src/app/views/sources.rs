//! What belongs to a log besides its own columns: tables beside it, and columns made of others.

use super::super::command::{Command, Commands};
use super::super::session::Session;
use super::super::sources::{SourceCommand, SourceFields};
use super::super::state::AppState;
use super::super::widgets::{bold, card_ui, note};
use super::super::words::tr;
use crate::ingest::{Derived, Join, Loaded, Repeats, Role, Side, SideKind};
use crate::jobs::JobKind;

const REPEATS: [(Repeats, &str); 3] = [
    (Repeats::Last, "the last score"),
    (Repeats::First, "the first score"),
    (Repeats::Mean, "the mean score"),
];

fn ask(commands: &mut Commands, command: SourceCommand) {
    commands.push(Command::Sources(command));
}

/// Ratings, assignments and events that stand in files of their own, and how they fit.
pub(super) fn tables_ui(
    ui: &mut egui::Ui,
    state: &mut AppState,
    session: &Session,
    loaded: &Loaded,
    commands: &mut Commands,
) {
    card_ui(ui, "Tables beside the log", |ui| {
        for (i, join) in loaded.joins.iter().enumerate() {
            join_ui(ui, i, join, commands);
        }
        if loaded.joins.is_empty() {
            note(
                ui,
                "Ratings, assignments or events (deploys, rollbacks) that stand in files of their own. They are joined by the ids that match and by time; no request is ever doubled.",
            );
        }
        ui.horizontal_wrapped(|ui| add_table_ui(ui, &mut state.sources, session, commands));
    });
}

fn join_ui(ui: &mut egui::Ui, at: usize, join: &Join, commands: &mut Commands) {
    let label = join.side.kind.label();
    ui.horizontal_wrapped(|ui| {
        ui.label(bold(tr(label)));
        ui.label(tr(join.headline()));
        if join.side.kind == SideKind::Ratings {
            let current = join.side.repeats.unwrap_or_default();
            let text = |repeats| REPEATS.iter().find(|(r, _)| *r == repeats).map(|(_, t)| *t);
            egui::ComboBox::from_id_salt(("repeats", at))
                .selected_text(tr(text(current).unwrap_or_default()))
                .show_ui(ui, |ui| {
                    for (repeats, text) in REPEATS {
                        let is_current = repeats == current;
                        if ui.selectable_label(is_current, tr(text)).clicked() && !is_current {
                            ask(commands, SourceCommand::SetRepeats(at, repeats));
                        }
                    }
                })
                .response
                .accessible_name(tr("Of several scores of one request"));
        }
        let remove = ui.small_button(tr("Remove"));
        if remove
            .accessible_name(tr(format!("Remove {label}")))
            .clicked()
        {
            ask(commands, SourceCommand::RemoveTable(at));
        }
    });
    for line in join.findings() {
        note(ui, &line);
    }
    ui.add_space(6.0);
}

fn add_table_ui(
    ui: &mut egui::Ui,
    fields: &mut SourceFields,
    session: &Session,
    commands: &mut Commands,
) {
    const KINDS: [SideKind; 3] = [SideKind::Ratings, SideKind::Assignments, SideKind::Events];
    egui::ComboBox::from_id_salt("table kind")
        .width(110.0)
        .selected_text(tr(fields.kind.label()))
        .show_ui(ui, |ui| {
            for kind in KINDS {
                ui.selectable_value(&mut fields.kind, kind, tr(kind.label()));
            }
        })
        .response
        .accessible_name(tr("What the table holds"));
    let label = ui.label(tr("File"));
    let path = egui::TextEdit::singleline(&mut fields.path_text).desired_width(260.0);
    ui.add(path.hint_text(tr("Path of the table")))
        .labelled_by(label.id);
    if fields.kind != SideKind::Events {
        let text = match fields.kind {
            SideKind::Ratings => "Score",
            _ => "Experiment",
        };
        let label = ui.label(tr(text));
        let name = egui::TextEdit::singleline(&mut fields.name_text).desired_width(140.0);
        ui.add(name.hint_text(tr("its name, if several")))
            .labelled_by(label.id);
    }
    let path = fields.path_text.trim().trim_matches('"').to_owned();
    let add = ui.add_enabled(!path.is_empty(), egui::Button::new(tr("Add table")));
    if add.clicked() {
        let name = fields.name_text.trim();
        ask(
            commands,
            SourceCommand::AddTable(Box::new(Side {
                kind: fields.kind,
                file: path.into(),
                name: (!name.is_empty() && fields.kind != SideKind::Events)
                    .then(|| name.to_owned()),
                ..Side::default()
            })),
        );
    }
    let is_waiting = session.jobs().iter().any(|job| job.kind == JobKind::Dialog);
    let browse = ui.add_enabled(!is_waiting, egui::Button::new(tr("Browse…")));
    if browse.accessible_name(tr("Browse for the table")).clicked() {
        ask(commands, SourceCommand::PickTable(fields.kind));
    }
}

/// Columns that no file holds.
pub(super) fn derived_ui(
    ui: &mut egui::Ui,
    state: &mut AppState,
    loaded: &Loaded,
    commands: &mut Commands,
) {
    card_ui(ui, "Columns made of others", |ui| {
        for derived in &loaded.mapping.derive {
            let column = loaded
                .mapping
                .columns
                .iter()
                .find(|c| c.column == derived.name);
            ui.horizontal_wrapped(|ui| {
                ui.label(bold(tr(column.map_or("not used", |c| c.role.label()))));
                ui.label(&derived.name);
                ui.monospace(&derived.expression);
                let remove = ui.small_button(tr("Remove"));
                let name = format!("Remove {}", derived.name);
                if remove.accessible_name(tr(name)).clicked() {
                    ask(commands, SourceCommand::RemoveDerived(derived.name.clone()));
                }
            });
        }
        if loaded.mapping.derive.is_empty() {
            note(
                ui,
                "SQL over one row: model || '@' || prompt_version makes a variant, status >= 500 or error != '' a status.",
            );
        }
        ui.horizontal_wrapped(|ui| add_derived_ui(ui, &mut state.sources, loaded, commands));
    });
}

fn add_derived_ui(
    ui: &mut egui::Ui,
    fields: &mut SourceFields,
    loaded: &Loaded,
    commands: &mut Commands,
) {
    egui::ComboBox::from_id_salt("derived role")
        .width(150.0)
        .selected_text(tr(fields.role.label()))
        .show_ui(ui, |ui| {
            for role in Role::ALL {
                ui.selectable_value(&mut fields.role, role, tr(role.label()));
            }
        })
        .response
        .accessible_name(tr("Role of the new column"));
    let label = ui.label("=");
    let sql = egui::TextEdit::singleline(&mut fields.sql)
        .desired_width(420.0)
        .font(egui::TextStyle::Monospace)
        .hint_text("CASE WHEN cost > 1 THEN 'high' ELSE 'low' END");
    ui.add(sql)
        .labelled_by(label.id)
        .accessible_name(tr("Expression"));
    let is_empty = fields.sql.trim().is_empty();
    if ui
        .add_enabled(!is_empty, egui::Button::new(tr("Add column")))
        .clicked()
    {
        let name = free_name(fields.role, loaded);
        ask(
            commands,
            SourceCommand::AddDerived(Derived {
                name,
                expression: fields.sql.trim().to_owned(),
                role: Some(fields.role),
            }),
        );
    }
}

/// "derived segment", or with a number where there is one.
fn free_name(role: Role, loaded: &Loaded) -> String {
    let word = role.label().split(" (").next().unwrap_or_default();
    let name = format!("derived {}", word.to_lowercase());
    let is_taken = |name: &String| {
        loaded.mapping.derive.iter().any(|d| d.name == *name)
            || loaded.guesses.iter().any(|g| g.profile.name == *name)
    };
    let mut free = name.clone();
    let mut n = 1;
    while is_taken(&free) {
        n += 1;
        free = format!("{name} {n}");
    }
    free
}
