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
}
