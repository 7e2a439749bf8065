//! A report made again: what an earlier JSON report says to do, and where the figures differ.

use serde_json::Value;

use crate::analysis::AnalysisSettings;
use crate::error::{Error, ErrorKind, Result};
use crate::ingest::Mapping;
use crate::lab::LabSettings;
use crate::rules::Rulebook;

/// The most differences that are listed.
const MAX_LISTED: usize = 20;

/// What an earlier report was made with.
#[derive(Debug, Clone)]
pub struct Recipe {
    /// How the columns were read; `None` guesses them.
    pub mapping: Option<Mapping>,
    /// The choices behind the analysis.
    pub settings: AnalysisSettings,
    /// The rules; `None` where none were replayed.
    pub rulebook: Option<Rulebook>,
    /// What the lab was asked for; `None` where it was not.
    pub lab: Option<LabSettings>,
    /// The report itself.
    pub report: Value,
}

impl Recipe {
    /// Reads a JSON report.
    ///
    /// # Errors
    /// Text that is no JSON report of a version that this program knows.
    pub fn parse(text: &str) -> Result<Self> {
        let refused = |what: String| {
            Error::new(
                ErrorKind::Settings,
                format!("This is not a JSON report: {what}"),
            )
            .hint("Write one with `hindsight report -o report.json LOG`")
        };
        let report: Value =
            serde_json::from_str(text).map_err(|cause| refused(cause.to_string()))?;
        let of = |path: &str| report.pointer(path).cloned().unwrap_or_default();
        Ok(Self {
            mapping: serde_json::from_value(of("/mapping"))
                .map_err(|cause| refused(format!("mapping: {cause}")))?,
            settings: serde_json::from_value(of("/analysis/settings"))
                .map_err(|cause| refused(format!("analysis.settings: {cause}")))?,
            rulebook: serde_json::from_value(of("/rulebook"))
                .map_err(|cause| refused(format!("rulebook: {cause}")))?,
            lab: serde_json::from_value(of("/lab/settings"))
                .map_err(|cause| refused(format!("lab.settings: {cause}")))?,
            report,
        })
    }

    /// What differs in `report`, one line each; empty where all figures agree. Files first, for a
    /// changed log explains the rest; title, context and wording of issues do not count.
    pub fn differences(&self, report: &Value) -> Vec<String> {
        let mut found = Vec::new();
        let mut n = 0;
        for part in [
            "/tool/version",
            "/load/inputs",
            "/load/rows_read",
            "/analysis",
            "/replay",
            "/lab",
        ] {
            let of = |report: &Value| report.pointer(part).cloned().unwrap_or_default();
            let name = part.trim_start_matches('/').replace('/', ".");
            compare(&name, &of(&self.report), &of(report), &mut |line| {
                n += 1;
                if found.len() < MAX_LISTED {
                    found.push(line);
                }
            });
        }
        if n > found.len() {
            found.push(format!("… and {} further differences", n - found.len()));
        }
        found
    }
}

fn compare(path: &str, old: &Value, new: &Value, tell: &mut dyn FnMut(String)) {
    match (old, new) {
        (Value::Object(a), Value::Object(b)) => {
            for (key, value) in a {
                let other = b.get(key).unwrap_or(&Value::Null);
                compare(&format!("{path}.{key}"), value, other, tell);
            }
            for (key, value) in b.iter().filter(|(key, _)| !a.contains_key(*key)) {
                compare(&format!("{path}.{key}"), &Value::Null, value, tell);
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (k, (old, new)) in a.iter().zip(b).enumerate() {
                compare(&format!("{path}[{k}]"), old, new, tell);
            }
        }
        (old, new) if old == new => {}
        (old, new) => tell(format!("{path}: was {}, is {}", brief(old), brief(new))),
    }
}

fn brief(value: &Value) -> String {
    match value {
        Value::Array(items) => format!("a list of {}", items.len()),
        Value::Object(_) => "an object".to_owned(),
        Value::String(text) => super::text::visible(&format!("{text:?}")).into_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::canary;
    use super::super::{ReportInput, json};
    use super::*;

    #[test]
    fn a_report_says_how_it_was_made_and_finds_no_difference_to_itself() {
        let fixture = canary();
        let report = json::render(&fixture.input()).unwrap();
        let recipe = Recipe::parse(&json::shown(&report)).unwrap();
        assert_eq!(recipe.settings, fixture.analysis.settings);
        assert_eq!(recipe.rulebook.as_ref(), Some(&fixture.rulebook));
        assert_eq!(recipe.differences(&report), Vec::<String>::new());
    }

    #[test]
    fn a_changed_log_is_named_before_the_figures() {
        let fixture = canary();
        let recipe = Recipe::parse(&json::render(&fixture.input()).unwrap().to_string()).unwrap();
        let mut changed = canary();
        changed.load.inputs[0].sha256 = "cd".repeat(32);
        changed.analysis.arms[0].n_requests += 1;
        let report = json::render(&ReportInput {
            title: "Another title",
            ..changed.input()
        });
        let found = recipe.differences(&report.unwrap());
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].starts_with("load.inputs[0].sha256: was \"abab"));
        assert!(found[1].starts_with("analysis.arms[0].n_requests: was "));
    }

    #[test]
    fn other_files_are_refused() {
        for text in ["", "{}", "[1]", "{\"analysis\": {\"settings\": 3}}"] {
            assert!(Recipe::parse(text).is_err(), "{text}");
        }
    }
}
