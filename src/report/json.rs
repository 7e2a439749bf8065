//! The report as JSON: every figure in full, under stable names.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::input::ReportInput;
use super::text;
use crate::analysis::Analysis;
use crate::error::{Error, ErrorKind, Result};
use crate::rules;

/// Version of the envelope; the analysis and the replay carry their own.
const SCHEMA: u32 = 1;

/// One object with `schema`, `tool`, `title`, `load`, `context`, `mapping`, `rulebook`, `analysis`
/// and, where rules were replayed or tried, `replay` and `lab`; `examples` where they were asked for. Numbers that do not exist are `null`; no number is ever NaN or infinite.
pub fn render(input: &ReportInput<'_>) -> Result<Value> {
    let whole = |e: serde_json::Error| {
        Error::new(
            ErrorKind::Internal,
            format!("Cannot write the report as JSON: {e}"),
        )
    };
    let replay = input.replay.map(rules::json::to_json).transpose()?;
    Ok(json!({
        "schema": SCHEMA,
        "tool": { "name": "hindsight", "version": input.version },
        "title": input.title,
        "null_means": "no data, undefined for these data, or without a bound on that side",
        "load": serde_json::to_value(input.load).map_err(whole)?,
        "context": serde_json::to_value(input.context).map_err(whole)?,
        "mapping": serde_json::to_value(input.mapping).map_err(whole)?,
        "rulebook": serde_json::to_value(input.rulebook).map_err(whole)?,
        "analysis": analysis(input.analysis)?,
        "replay": replay,
        "lab": serde_json::to_value(input.lab).map_err(whole)?,
        "examples": serde_json::to_value(input.examples).map_err(whole)?,
    }))
}

/// The analysis alone, as `hindsight analyze --json` prints it.
pub fn analysis(analysis: &Analysis) -> Result<Value> {
    serde_json::to_value(analysis).map_err(|e| {
        Error::new(
            ErrorKind::Internal,
            format!("Cannot write the analysis as JSON: {e}"),
        )
    })
}

/// JSON for reading in a page or a terminal: indented, with unseen characters as `\u` escapes.
pub fn shown(value: &Value) -> String {
    let mut out = String::new();
    for c in format!("{value:#}").chars() {
        if c != '\n' && text::is_unseen(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _infallible = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// The same in few lines: as many fields of the outermost object beside each other as fit.
pub fn in_few_lines(value: &Value) -> String {
    const WIDTH: usize = 110;
    let Value::Object(fields) = value else {
        return shown(value);
    };
    let mut lines: Vec<String> = Vec::new();
    for (k, (name, field)) in fields.iter().enumerate() {
        // Texts hold no line breaks but escaped ones: what is trimmed is indentation.
        let field = shown(field);
        let parts: Vec<&str> = field.lines().map(str::trim_start).collect();
        let comma = if k + 1 < fields.len() { "," } else { "" };
        let entry = format!(
            "{}: {}{comma}",
            shown(&Value::from(name.as_str())),
            parts.join(" ")
        );
        match lines.last_mut() {
            Some(line) if line.len() + 1 + entry.len() <= WIDTH => {
                line.push(' ');
                line.push_str(&entry);
            }
            _ => lines.push(format!("  {entry}")),
        }
    }
    format!("{{\n{}\n}}", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::super::fixture::canary;
    use super::*;

    #[test]
    fn the_envelope_is_complete() {
        let fixture = canary();
        let value = render(&fixture.input()).unwrap();
        assert_eq!(value["tool"]["version"], "0.1.0");
        assert_eq!(value["analysis"]["decision"]["kind"], "roll-back");
        assert_eq!(
            value["analysis"]["scorecard"][0]["effects"][0]["difference"]["value"],
            0.0124
        );
        assert_eq!(value["load"]["rows_read"], 150_412);
        assert_eq!(value["replay"]["rules"][0]["first"]["causes"][0], "err-abs");
        let without = render(&ReportInput {
            replay: None,
            ..fixture.input()
        })
        .unwrap();
        assert!(without["replay"].is_null());
    }

    #[test]
    fn shown_json_reads_back_and_hides_nothing() {
        let value = json!({ "name": "a\u{202E}b\u{E0041}\n" });
        let text = shown(&value);
        assert!(text.contains("\\u202e") && text.contains("\\udb40\\udc41"));
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }

    #[test]
    fn few_lines_read_back_too() {
        let value = json!({ "a": { "b": [1, 2], "c": " x  y\n z" }, "d": null });
        let text = in_few_lines(&value);
        assert_eq!(text.lines().count(), 3, "{text}");
        let long = json!({ "a": "x".repeat(100), "b": "y".repeat(100) });
        assert_eq!(in_few_lines(&long).lines().count(), 4);
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }
}
