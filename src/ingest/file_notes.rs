//! What is to be said about the files of a log: files as arms, columns that some lack, encodings.

use super::detect::Guess;
use super::encoding::Encoding;
use super::files::{Files, file_name};
use super::issues::{Effect, Issues};
use super::mapping::{self, Mapping, Role};
use super::source::Format;

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

/// Text that had to be decoded, and how that was known.
pub(super) fn note_encodings(files: &Files, given: Option<Encoding>, issues: &mut Issues) {
    for source in &files.sources {
        let encoding = source.encoding;
        if encoding == Encoding::UTF_8 {
            continue;
        }
        let effect = if encoding.is_utf_16() || Some(encoding) == given {
            Effect::Noted
        } else {
            Effect::Assumed
        };
        let kind = (
            effect,
            "The text is not UTF-8 and was decoded",
            "If letters look wrong, name the encoding with --encoding or in the mapping file; what it does not have is shown as \u{fffd}",
        );
        let name = file_name(&source.path);
        issues.file(kind, &format!("{name}: {}", encoding.name()));
    }
}

/// Lines above the names of the columns, which are not read.
pub(super) fn note_lines_before(files: &Files, issues: &mut Issues) {
    for source in &files.sources {
        let Format::Csv { lines_before, .. } = source.format else {
            continue;
        };
        if lines_before > 0 {
            let kind = (
                Effect::Noted,
                "Lines above the names of the columns were passed over",
                "If the names stand there, take out what is above them",
            );
            let name = file_name(&source.path);
            issues.file(kind, &format!("{name}: {lines_before}"));
        }
    }
}

/// Columns in use that some of the files do not have.
pub(super) fn note_missing_columns(files: &Files, mapping: &Mapping, issues: &mut Issues) {
    for column in mapping.columns.iter().map(|c| &c.column) {
        let is_derived = mapping.derive.iter().any(|d| d.name == *column);
        if is_derived || Some(column) == files.label_column.as_ref() {
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
