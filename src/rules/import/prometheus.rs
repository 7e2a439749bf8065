//! Prometheus alerting rules.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::notes::{Fields, Notes};
use super::promql::{Context, alert};
use super::source::Document;
use super::{Draft, ImportSettings};
use crate::rules::TimeSpan;

/// Prometheus evaluates every minute unless told otherwise.
const EVALUATION: TimeSpan = TimeSpan { us: 60_000_000 };

pub(super) fn translate(
    documents: &[Document],
    settings: &ImportSettings,
    notes: &Notes,
    draft: &mut Draft,
) {
    let recorded: BTreeMap<String, String> =
        documents.iter().flat_map(|d| recorded(&d.value)).collect();
    for document in documents {
        let Some(document) = Fields::of(&document.value, document.place.clone(), notes) else {
            continue;
        };
        document.without_effect(&["apiVersion", "kind", "metadata"]);
        if document.get("alert").is_some() {
            // A rule without its group, as articles show it.
            notes.assume(
                &document.place,
                "The rule stands without its group; it is evaluated every minute",
            );
            rule(&document, EVALUATION, &recorded, settings, draft);
            continue;
        }
        let spec = document.child("spec");
        for found in spec.as_ref().unwrap_or(&document).children("groups") {
            group(&found, &recorded, settings, draft);
        }
    }
}

fn group(
    group: &Fields<'_>,
    recorded: &BTreeMap<String, String>,
    settings: &ImportSettings,
    draft: &mut Draft,
) {
    group.without_effect(&["name"]);
    group.notes.assume(
        &group.place,
        "Evaluated at whole intervals from the beginning of the log; the server shifts them by a hash of the group's file and name",
    );
    let interval = match duration(group, "interval") {
        Some(interval) => interval,
        None => {
            group.notes.assume(
                &group.place,
                "The group is evaluated every minute, Prometheus' default",
            );
            EVALUATION
        }
    };
    for found in group.children("rules") {
        if found.get("record").is_some() {
            found.without_effect(&["expr", "labels"]);
        } else {
            rule(&found, interval, recorded, settings, draft);
        }
    }
}

fn rule(
    fields: &Fields<'_>,
    interval: TimeSpan,
    recorded: &BTreeMap<String, String>,
    settings: &ImportSettings,
    draft: &mut Draft,
) {
    let Some(name) = fields.text("alert") else {
        return fields.refuse("This rule is neither an alert nor a recording rule");
    };
    let Some(expression) = fields.text("expr") else {
        return fields.refuse(format!("The alert {name} has no expression"));
    };
    fields.without_effect(&["labels"]);
    let description = fields.child("annotations").map(|texts| {
        let text = texts.text("description").or_else(|| texts.text("summary"));
        texts.without_effect(&["summary", "runbook_url", "dashboard_url", "message"]);
        text.unwrap_or_default()
    });
    let place = fields.at("expr");
    let context = Context {
        settings,
        recorded,
        place: &place,
        notes: fields.notes,
    };
    let condition = match alert(&expression, &context) {
        Ok(condition) => condition,
        Err(why) => return fields.refuse(format!("The alert {name}: {why}")),
    };
    let mut rule = json!({
        "id": name,
        "clock": { "every": interval, "from": 0 },
        "action": "rollback",
    });
    if let Some(text) = description.filter(|text| !text.is_empty()) {
        rule["description"] = json!(text);
    }
    set_root(&mut rule, &condition);
    let hold = duration(fields, "for").unwrap_or_default();
    let keep = duration(fields, "keep_firing_for").unwrap_or_default();
    if hold.us > 0 || keep.us > 0 {
        let mut persist = json!({ "for": hold });
        if keep.us > 0 {
            persist["keep_for"] = json!(keep);
        }
        rule["persist"] = persist;
    }
    draft.push(rule);
}

/// Puts a node at the root of a rule, which is a branch.
pub(super) fn set_root(rule: &mut Value, node: &Value) {
    let branch = ["all", "any"]
        .into_iter()
        .find(|key| node.get(key).is_some());
    match branch {
        Some(key) => rule[key] = node[key].clone(),
        None => rule["all"] = json!([node]),
    }
}

/// Names and expressions of the recording rules of a document.
fn recorded(document: &Value) -> Vec<(String, String)> {
    let groups = document
        .get("groups")
        .or_else(|| document.get("spec")?.get("groups"));
    let list = |value: Option<&Value>| value.and_then(Value::as_array).cloned().unwrap_or_default();
    let text = |rule: &Value, key: &str| rule.get(key).and_then(Value::as_str).map(str::to_owned);
    list(groups)
        .iter()
        .flat_map(|group| list(group.get("rules")))
        .filter_map(|rule| Some((text(&rule, "record")?, text(&rule, "expr")?)))
        .collect()
}

/// A duration such as `5m`; one that cannot be read is noted.
pub(super) fn duration(fields: &Fields<'_>, key: &str) -> Option<TimeSpan> {
    let text = fields.text(key)?;
    let parsed = match text.as_str() {
        // A number alone is in seconds.
        seconds if seconds.parse::<u32>().is_ok() => {
            Ok(TimeSpan::seconds(seconds.parse().unwrap_or_default()))
        }
        // The parser panics at seconds that no duration holds.
        seconds if seconds.parse::<f64>().is_ok() => Err(String::new()),
        _ => promql_parser::util::parse_duration(&text).map(|span| TimeSpan {
            us: i64::try_from(span.as_micros()).unwrap_or(i64::MAX),
        }),
    };
    if parsed.is_err() {
        fields.notes.lose(
            &fields.at(key),
            format!("{text:?} is not a duration such as 5m"),
        );
    }
    parsed.ok()
}
