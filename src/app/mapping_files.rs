//! The roles of columns as a file: kept for the next export of the same tool, and taken from one.

use std::path::Path;

use super::command::{forget_what_stood_on, mapping_in_force};
use super::rule_files::fail;
use super::session::Session;
use super::state::{AppState, Notice, Screen};
use crate::cli::mapping_beside;
use crate::ingest::{Mapping, Role};
use crate::report::write::write_atomic;

/// Writes the roles in force; tables beside the log are named by where they lie from there.
pub(super) fn save(state: &mut AppState, session: &Session, path: &Path) {
    let Some(mapping) = mapping_in_force(state, session) else {
        return;
    };
    let text = mapping_beside(&mapping, path).to_toml();
    match write_atomic(path, text.as_bytes()) {
        Ok(()) => {
            let text = format!("Mapping written to {}", path.display());
            state.notice = Some(Notice::done(text).of_file(path.to_path_buf()));
        }
        Err(error) => fail(state, &error),
    }
}

/// Reads the log with the roles of a file; they can be undone.
pub(super) fn open(state: &mut AppState, session: &Session, path: &Path) {
    match Mapping::read(path) {
        Ok(mapping) => {
            let before = mapping_in_force(state, session);
            for role in Role::ALL {
                let before = before.as_ref().and_then(|before| before.column(role));
                if before != mapping.column(role) {
                    forget_what_stood_on(&mut state.document.settings, [Some(role), None]);
                }
            }
            state.document.mapping = Some(mapping);
            state.screen = Screen::Log;
        }
        Err(error) => fail(state, &error),
    }
}
