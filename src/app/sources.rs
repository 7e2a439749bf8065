//! Tables beside the log and columns made of others: what is typed, and the commands that change
//! them.

use super::command::{forget_what_stood_on, mapping_in_force};
use super::session::Session;
use super::state::AppState;
use crate::ingest::{Derived, Repeats, Role, Side, SideKind};

/// Changes what belongs to the log besides its own columns.
#[derive(Debug, Clone)]
pub enum SourceCommand {
    /// Choose a table with the file dialog.
    PickTable(SideKind),
    /// Join a table to the log.
    AddTable(Box<Side>),
    /// Do without a table, by its place in the mapping.
    RemoveTable(usize),
    /// Choose which of several scores of one request counts.
    SetRepeats(usize, Repeats),
    /// Make a column of others.
    AddDerived(Derived),
    /// Do without such a column.
    RemoveDerived(String),
}

/// What is typed on the Log screen.
#[derive(Debug)]
pub struct SourceFields {
    pub(super) kind: SideKind,
    pub(super) path_text: String,
    pub(super) name_text: String,
    pub(super) role: Role,
    pub(super) sql: String,
}

impl Default for SourceFields {
    fn default() -> Self {
        Self {
            kind: SideKind::Ratings,
            path_text: String::new(),
            name_text: String::new(),
            role: Role::Segment,
            sql: String::new(),
        }
    }
}

/// Carries out one command. The log is read again with the change; if it cannot be, the change is
/// taken back.
pub(super) fn apply(command: SourceCommand, state: &mut AppState, session: &mut Session) {
    match command {
        SourceCommand::PickTable(kind) => session.pick_table(kind),
        SourceCommand::AddTable(side) => add_table(state, *side),
        SourceCommand::AddDerived(derived) => {
            forget_what_stood_on(&mut state.document.settings, [derived.role, None]);
            state.document.added.derive.push(derived);
        }
        SourceCommand::RemoveTable(at) => {
            let Some(mut mapping) = mapping_in_force(state, session) else {
                return;
            };
            if at < mapping.side.len() {
                let kind = mapping.side.remove(at).kind;
                forget_arms(state, kind);
                state.document.mapping = Some(mapping);
            }
        }
        SourceCommand::SetRepeats(at, repeats) => {
            let Some(mut mapping) = mapping_in_force(state, session) else {
                return;
            };
            if let Some(side) = mapping.side.get_mut(at) {
                side.repeats = Some(repeats);
                state.document.mapping = Some(mapping);
            }
        }
        SourceCommand::RemoveDerived(name) => {
            let Some(mut mapping) = mapping_in_force(state, session) else {
                return;
            };
            let role = mapping.columns.iter().find(|c| c.column == name);
            let role = role.map(|c| c.role);
            forget_what_stood_on(&mut state.document.settings, [role, None]);
            mapping.derive.retain(|derived| derived.name != name);
            mapping.assign(&name, None);
            state.document.mapping = Some(mapping);
        }
    }
}

/// Joins a table when the log is read next.
pub(super) fn add_table(state: &mut AppState, side: Side) {
    forget_arms(state, side.kind);
    state.document.added.side.push(side);
}

/// Assignments name the arms.
fn forget_arms(state: &mut AppState, kind: SideKind) {
    if kind == SideKind::Assignments {
        forget_what_stood_on(&mut state.document.settings, [Some(Role::Variant), None]);
    }
}
