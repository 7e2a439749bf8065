//! YAML and JSON to documents, and which system they belong to.

use serde_json::Value;

use super::SourceKind;
use crate::error::{Error, ErrorKind, Result};

/// One document of a file.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) value: Value,
    /// `[2]` where the file holds several; empty for a lone one.
    pub(super) place: String,
}

/// All documents of a YAML or JSON text.
pub(super) fn documents(text: &str) -> Result<Vec<Document>> {
    let malformed = |message: String, line: u64| {
        Error::new(ErrorKind::Malformed, message)
            .line(line)
            .hint("Rules are imported from YAML or JSON; in YAML the indentation decides what belongs together")
    };
    let text = text.trim_start_matches('\u{feff}');
    let values: Vec<Value> = if text.trim_start().starts_with(['{', '[']) {
        let value = serde_json::from_str(text).map_err(|cause| {
            malformed(
                format!("The JSON is not valid: {cause}"),
                cause.line() as u64,
            )
        })?;
        vec![value]
    } else {
        serde_saphyr::from_multiple(text).map_err(|cause| {
            let line = cause.location().map_or(1, |at| at.line());
            malformed(
                format!("The YAML is not valid: {}", first_line(&cause.to_string())),
                line,
            )
        })?
    };
    let values: Vec<Value> = values
        .into_iter()
        .flat_map(items)
        .filter(Value::is_object)
        .collect();
    let is_single = values.len() == 1;
    Ok(values
        .into_iter()
        .enumerate()
        .map(|(i, value)| Document {
            value,
            place: if is_single {
                String::new()
            } else {
                format!("[{i}]")
            },
        })
        .collect())
}

/// The items of a Kubernetes list or of a bare list; pasted fragments are such lists.
fn items(value: Value) -> Vec<Value> {
    match value {
        Value::Array(list) => list,
        Value::Object(mut map) if map.get("kind").is_some_and(|k| k == "List") => {
            match map.remove("items") {
                Some(Value::Array(list)) => list,
                _ => Vec::new(),
            }
        }
        other => vec![other],
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

/// The system of the first document that is recognised.
pub(super) fn kind(documents: &[Document]) -> Option<SourceKind> {
    documents
        .iter()
        .find_map(|document| kind_of(&document.value))
}

fn kind_of(value: &Value) -> Option<SourceKind> {
    let has = |key: &str| value.get(key).is_some();
    let kind = value
        .get("kind")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let version = value
        .get("apiVersion")
        .or_else(|| value.get("version"))
        .and_then(Value::as_str)
        .unwrap_or_default();
    Some(match kind {
        "AnalysisTemplate" | "ClusterAnalysisTemplate" | "AnalysisRun" | "Rollout" => {
            SourceKind::ArgoRollouts
        }
        "Canary" | "MetricTemplate" => SourceKind::Flagger,
        "PrometheusRule" => SourceKind::Prometheus,
        "SLO" | "PrometheusServiceLevel" => SourceKind::Objectives,
        _ if version.starts_with("prometheus/") && has("slos") => SourceKind::Objectives,
        _ if has("groups") || has("alert") => SourceKind::Prometheus,
        _ if has("Resources")
            || has("MetricAlarms")
            || has("CompositeAlarms")
            || has("AlarmName") =>
        {
            SourceKind::CloudWatch
        }
        _ if is_cloudformation_fragment(value) => SourceKind::CloudWatch,
        _ if has("judge") || has("classifier") => SourceKind::Kayenta,
        _ if has("safeguards") || has("triggerCondition") || has("impactMetric") => {
            SourceKind::Unleash
        }
        _ => return None,
    })
}

/// Resources without the `Resources` around them, as documentation shows them.
fn is_cloudformation_fragment(value: &Value) -> bool {
    let is_aws = |resource: &Value| {
        resource
            .get("Type")
            .and_then(Value::as_str)
            .is_some_and(|t| t.starts_with("AWS::"))
    };
    value
        .as_object()
        .is_some_and(|map| map.values().any(is_aws))
}
