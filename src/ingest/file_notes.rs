//! What several files as one log mean for its columns: files as arms, columns that some lack.

use super::detect::Guess;
use super::files::Files;
use super::issues::{Effect, Issues};
use super::mapping::{self, Mapping, Role};

/// Where no column is a variant and the files have names of their own, each file is an arm.
pub(super) fn take_files_as_arms(
    files: &Files,
    mapping: &mut Mapping,
    guesses: &mut [Guess],
    issues: &mut Issues,
) {
    let Some(column) = &files.label_column else {
        return;
    };
    if mapping.column(Role::Variant).is_some() || !files.are_named_apart() {
        return;
    }
    mapping.assign(column, Some(Role::Variant));
    for guess in guesses.iter_mut().filter(|g| g.profile.name == *column) {
        guess.role = Some(Role::Variant);
        guess.confidence = 0.6;
        "no other column looks like a variant".clone_into(&mut guess.evidence);
    }
    issues.note(
        Effect::Assumed,
        Some(column),
        "No column looks like a variant; each file was taken as an arm",
        "",
        "If the files are parts of one log, map the column that tells the arms apart as variant",
    );
}

/// Columns in use that some of the files do not have.
pub(super) fn note_missing_columns(files: &Files, mapping: &Mapping, issues: &mut Issues) {
    for column in mapping.columns.iter().map(|c| &c.column) {
        if Some(column) == files.label_column.as_ref() {
            continue;
        }
        for (i, names) in files.columns.iter().enumerate() {
            if !mapping::is_in(column, names) && files.n_rows_of[i] > 0 {
                let kind = (
                    Effect::Missing,
                    "A column that not every file has",
                    "The rows of these files have no value there; export them again with the column, or leave the files out",
                );
                let n_rows = files.n_rows_of[i];
                issues.rows_of_file(kind, column, n_rows, &files.labels[i]);
            }
        }
    }
}
