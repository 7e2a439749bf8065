//! The form of a text, told from its first lines.

use super::other_formats;
use super::source::Format;
use crate::error::{Error, ErrorKind, Result};

/// A title above a table is not longer.
const MAX_TITLE_LINES: usize = 10;

/// Where the lists of records lie that exports wrap: not deeper than `{"data": {"runs": [`.
const MAX_DEPTH: usize = 3;

/// The form of a text that starts with `head`; `is_whole` where that is all of it.
pub(super) fn text_format(head: &str, is_whole: bool) -> Result<Format> {
    let marked = head.trim_start_matches('\u{feff}');
    let text = marked.trim_start();
    if text.is_empty() {
        return Err(
            Error::new(ErrorKind::NotARequestLog, "The file holds only blank lines")
                .hint("Export the log again, or check that the export has finished"),
        );
    }
    if let Some(inside) = text.strip_prefix('[').map(str::trim_start)
        && (inside.is_empty() || inside.starts_with('{'))
    {
        return Ok(Format::JsonLines);
    }
    if text.starts_with('{') {
        return Ok(if is_wrapped(text, is_whole) {
            Format::JsonWrapped
        } else {
            Format::JsonLines
        });
    }
    if let Some(refusal) = other_formats::of_text(text) {
        return Err(refusal);
    }
    let blank = &marked[..marked.len() - text.len()];
    delimited(text, blank.matches('\n').count())
}

/// Whether a text is one object around a list of objects, rather than objects that may hold lists
/// of their own, such as messages.
fn is_wrapped(text: &str, is_whole: bool) -> bool {
    // The collector's batches are taken apart by the JSON reader.
    if list_of_objects(text).is_none_or(|key| key == "resourceSpans") {
        return false;
    }
    let (line, rest) = text.split_once('\n').unwrap_or((text, ""));
    if serde_json::from_str::<serde_json::Value>(line).is_ok() && !rest.trim().is_empty() {
        return false;
    }
    match end_of_object(text) {
        Some(end) => is_whole && text[end..].trim().is_empty(),
        None => true,
    }
}

/// The key of the first list whose first entry is an object.
fn list_of_objects(text: &str) -> Option<&str> {
    let bytes = text.as_bytes();
    let (mut depth, mut key, mut i) = (0usize, "", 0);
    while i < bytes.len() {
        match bytes[i] {
            b'"' => {
                let end = end_of_string(bytes, i)?;
                if text[end..].trim_start().starts_with(':') {
                    key = &text[i + 1..end - 1];
                }
                i = end;
                continue;
            }
            b'{' => depth += 1,
            // More ends than beginnings: no object.
            b'}' => depth = depth.checked_sub(1)?,
            b'[' if text[i + 1..].trim_start().starts_with('{') => {
                return (depth <= MAX_DEPTH).then_some(key);
            }
            _ => {}
        }
        i += 1;
    }
    None
}

/// Where the object ends with which a text begins.
fn end_of_object(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let (mut depth, mut i) = (0u32, 0);
    while i < bytes.len() {
        match bytes[i] {
            b'"' => {
                i = end_of_string(bytes, i)?;
                continue;
            }
            b'{' => depth += 1,
            b'}' => depth = depth.checked_sub(1)?,
            _ => {}
        }
        i += 1;
        if depth == 0 {
            return Some(i);
        }
    }
    None
}

/// After the closing quote of the string that opens at `start`.
fn end_of_string(bytes: &[u8], start: usize) -> Option<usize> {
    let mut i = start + 1;
    loop {
        match bytes.get(i)? {
            b'\\' => i += 2,
            b'"' => return Some(i + 1),
            _ => i += 1,
        }
    }
}

/// `n_blank` lines stand before the text.
fn delimited(text: &str, n_blank: usize) -> Result<Format> {
    if is_access_log(text) {
        return Err(Error::new(
            ErrorKind::NotARequestLog,
            "This is a web server's access log without column names",
        )
        .hint("Hindsight needs a table with a header: log JSON lines (NGINX log_format escape=json) or convert it to CSV with columns for time, variant, status and latency"));
    }
    let complete = text.rfind('\n').map_or(text, |end| &text[..end]);
    let comments = n_comment_lines(complete);
    let best = best_delimiter(after_lines(complete, comments)).map(|d| (d, comments));
    // Else a title may stand above the names, in lines of one field.
    let below_title = || {
        (comments + 1..=comments + MAX_TITLE_LINES).find_map(|n| {
            let table = after_lines(complete, n);
            let is_table = |d: &char| widths(table, *d).iter().take(3).all(|w| *w >= 3);
            best_delimiter(table).filter(is_table).map(|d| (d, n))
        })
    };
    match best.or_else(below_title) {
        Some((delimiter, lines_before)) => Ok(Format::Csv {
            delimiter,
            lines_before: match lines_before {
                0 => 0,
                n => u8::try_from(n_blank + n).unwrap_or(u8::MAX),
            },
        }),
        None => Err(Error::new(ErrorKind::NotARequestLog, "This text has no columns")
            .hint("Hindsight reads CSV with a header line (comma, semicolon, tab or |), JSON lines and Parquet")),
    }
}

/// Fields of the first records.
fn widths(text: &str, delimiter: char) -> Vec<usize> {
    csv::ReaderBuilder::new()
        .delimiter(delimiter as u8)
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes())
        .byte_records()
        .filter_map(|record| record.ok().map(|r| r.len()))
        .take(200)
        .collect()
}

/// What cuts the most records into as many fields as the first has.
fn best_delimiter(text: &str) -> Option<char> {
    let score = |delimiter: char| {
        let widths = widths(text, delimiter);
        let first = widths.first().copied().unwrap_or(0);
        let agreeing = widths.iter().filter(|w| **w == first).count();
        if first < 2 {
            0.0
        } else {
            agreeing as f64 / widths.len() as f64 * (1.0 + first as f64).ln()
        }
    };
    [',', ';', '\t', '|']
        .into_iter()
        .map(|d| (score(d), d))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .filter(|(score, _)| *score > 0.0)
        .map(|(_, delimiter)| delimiter)
}

/// Lines that stand for nothing in a table: comments, and what tells a spreadsheet the delimiter.
fn n_comment_lines(text: &str) -> usize {
    let is_comment = |line: &&str| {
        let line = line.trim();
        let is_hint = line.strip_prefix("sep=").is_some_and(|d| d.len() <= 1);
        line.starts_with('#') || is_hint
    };
    let lines = text.lines();
    lines
        .take_while(is_comment)
        .take(u8::MAX as usize - MAX_TITLE_LINES)
        .count()
}

/// The text after its first lines.
fn after_lines(text: &str, n: usize) -> &str {
    (0..n).fold(text, |rest, _| {
        rest.split_once('\n').map_or("", |(_, rest)| rest)
    })
}

/// Common and combined log format: `1.2.3.4 - - [17/May/2015:10:05:03 +0000] "GET …`.
fn is_access_log(text: &str) -> bool {
    let lines: Vec<&str> = text.lines().take(5).collect();
    let looks =
        |line: &&str| line.contains(" [") && line.contains("] \"") && !line.starts_with('"');
    !lines.is_empty() && lines.iter().all(looks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Format) {
        assert_eq!(text_format(text, true), Ok(expected), "{text}");
    }

    #[test]
    fn lists_inside_an_object_are_no_messages_of_a_record() {
        let wrapped = Format::JsonWrapped;
        check(
            "{\"data\": [{\"a\": 1}, {\"a\": 2}], \"total\": 2}",
            wrapped,
        );
        check("{\n  \"page\": {\"runs\": [\n {\"a\": 1}]}\n}\n", wrapped);
        assert_eq!(
            text_format("{\"data\": [{\"a\": 1}, {\"a\":", false),
            Ok(wrapped)
        );
        let lines = Format::JsonLines;
        check("{\"m\": [{\"a\": 1}]}\n{\"m\": [{\"a\": 2}]}\n", lines);
        check("{\n\"m\": [{\"a\": 1}]\n}\n{\n\"m\": []\n}\n", lines);
        check("{\"resourceSpans\": [{\"scopeSpans\": []}]}", lines);
        check("{\"a\": \"[{\", \"b\": [1, 2]}", lines);
        check("[{\"a\": 1}]", lines);
    }

    #[test]
    fn tables_begin_below_comments_and_titles() {
        let csv = |delimiter, lines_before| Format::Csv {
            delimiter,
            lines_before,
        };
        check("a,b,c\n1,2,3\n", csv(',', 0));
        check("\n\na,b,c\n1,2,3\n", csv(',', 0));
        check("sep=;\na;b\n1;2\n", csv(';', 1));
        check("# made, today\n# by hand\na,b\n1,2\n", csv(',', 2));
        check("\n# c\na\tb\n1\t2\n", csv('\t', 2));
        check("Export of May\n\nwhen,arm,ms\n1,2,3\n4,5,6\n", csv(',', 1));
        assert!(text_format("one\ntwo\n1,2\n3,4\n", true).is_err());
    }
}
