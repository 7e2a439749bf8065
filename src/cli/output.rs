//! The only place that prints.

use std::io::Write as _;

use crate::error::{Error, ErrorKind, Result};
use crate::report::text::{self, is_unseen};

/// Results for people go to standard output.
pub(super) fn print(text: &str) -> Result<()> {
    write(&printable(text))
}

/// One text per line: a label that holds a line break cannot pass for a line of its own.
pub(super) fn joined(lines: &[String]) -> String {
    lines
        .iter()
        .map(|line| text::visible(line).into_owned() + "\n")
        .collect()
}

/// JSON with two-space indentation and a final newline; unseen characters as `\u` escapes.
pub(super) fn print_json(value: &serde_json::Value) -> Result<()> {
    write(&(crate::report::json::shown(value) + "\n"))
}

/// A reader that closed the pipe, such as `head`, is not an error.
fn write(text: &str) -> Result<()> {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(cause) if cause.kind() != std::io::ErrorKind::BrokenPipe => Err(Error::new(
            ErrorKind::Unwritable,
            format!("Cannot write to standard output: {cause}"),
        )),
        _ => Ok(()),
    }
}

/// Notices go to standard error, so that results can be piped.
pub(super) fn note(text: &str) {
    // Nobody is left to tell when standard error is closed.
    writeln!(std::io::stderr().lock(), "{}", printable(text)).ok();
}

/// Prints an error. Hints list labels of the log, which must not pass for lines of their own.
pub(super) fn print_error(error: &Error) {
    note(&format!("hindsight: {}{}", error.message, error.place));
    if !error.hint.is_empty() {
        note(&format!("  {}", text::visible(&error.hint)));
    }
}

/// Text from a log must not steer the terminal: control and direction characters are replaced.
pub(super) fn printable(text: &str) -> String {
    let replaced = |c: char| match c {
        '\n' => c,
        c if is_unseen(c) => '\u{fffd}',
        c => c,
    };
    text.chars().map(replaced).collect()
}
