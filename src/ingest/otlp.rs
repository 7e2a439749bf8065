//! OpenTelemetry's JSON: batches of spans to one flat object a span.
//!
//! A line of the collector's file exporter is one batch, `{"resourceSpans": [...]}`. Attributes are
//! lists of `{"key", "value": {"stringValue"|"intValue"|…}}`, 64-bit numbers are strings, and enums
//! are integers (opentelemetry-proto, `docs/specification.md`).

use serde_json::{Map, Value};

/// Whether an object is a batch of spans.
pub(super) fn is_batch(object: &Value) -> bool {
    object.get("resourceSpans").is_some_and(Value::is_array)
}

/// Every span of a batch: its fields, its attributes by name, and those of its resource after
/// `resource.`. `llm_call` tells calls of a model from the other spans of a request.
pub(super) fn spans(batch: &Value) -> Vec<Value> {
    let mut out = Vec::new();
    for resource_spans in list(batch, "resourceSpans") {
        let mut shared = Map::new();
        let resource = resource_spans.get("resource").unwrap_or(&Value::Null);
        attributes(resource, "resource.", &mut shared);
        let scopes = list(resource_spans, "scopeSpans")
            .iter()
            .chain(list(resource_spans, "instrumentationLibrarySpans"));
        for scope in scopes {
            for span in list(scope, "spans") {
                out.push(Value::Object(flat(span, &shared)));
            }
        }
    }
    out
}

fn flat(span: &Value, shared: &Map<String, Value>) -> Map<String, Value> {
    let mut row = Map::new();
    for key in [
        "startTimeUnixNano",
        "endTimeUnixNano",
        "traceId",
        "spanId",
        "parentSpanId",
        "name",
        "kind",
    ] {
        if let Some(value) = span.get(key) {
            row.insert(key.to_owned(), value.clone());
        }
    }
    let status = span.get("status").unwrap_or(&Value::Null);
    row.insert("status.code".to_owned(), status_word(status.get("code")));
    if let Some(message) = status.get("message") {
        row.insert("status.message".to_owned(), message.clone());
    }
    attributes(span, "", &mut row);
    for event in list(span, "events") {
        // An evaluation of this call; other events hold prompts and answers.
        if event.get("name").and_then(Value::as_str) == Some("gen_ai.evaluation.result") {
            attributes(event, "", &mut row);
        }
    }
    row.insert("llm_call".to_owned(), Value::Bool(is_llm_call(&row)));
    row.extend(shared.clone());
    row
}

/// Calls of a model carry `gen_ai.` or `llm.` attributes; so do agents and tools, which are told
/// by their operation or kind.
fn is_llm_call(row: &Map<String, Value>) -> bool {
    let word = |key: &str| row.get(key).and_then(Value::as_str);
    let kind = word("openinference.span.kind").or(word("traceloop.span.kind"));
    if let Some(kind) = kind {
        return kind.eq_ignore_ascii_case("llm");
    }
    match word("gen_ai.operation.name") {
        Some(name) => matches!(
            name,
            "chat" | "text_completion" | "generate_content" | "completion"
        ),
        None => row
            .keys()
            .any(|k| k.starts_with("gen_ai.") || k.starts_with("llm.")),
    }
}

fn status_word(code: Option<&Value>) -> Value {
    let word = match code {
        Some(Value::Number(n)) => match n.as_i64() {
            Some(1) => "OK",
            Some(2) => "ERROR",
            _ => "UNSET",
        },
        Some(Value::String(text)) => text.trim_start_matches("STATUS_CODE_"),
        _ => "UNSET",
    };
    Value::from(word)
}

fn attributes(holder: &Value, prefix: &str, row: &mut Map<String, Value>) {
    for attribute in list(holder, "attributes") {
        let key = attribute.get("key").and_then(Value::as_str);
        let value = attribute.get("value").map(plain);
        if let (Some(key), Some(value)) = (key, value) {
            row.insert(format!("{prefix}{key}"), value);
        }
    }
}

/// An `AnyValue` as a plain JSON value.
fn plain(value: &Value) -> Value {
    let Some((form, inner)) = value.as_object().and_then(|map| map.iter().next()) else {
        return Value::Null;
    };
    match form.as_str() {
        "arrayValue" => Value::Array(list(inner, "values").iter().map(plain).collect()),
        "kvlistValue" => {
            let pairs = list(inner, "values").iter().filter_map(|pair| {
                Some((
                    pair.get("key")?.as_str()?.to_owned(),
                    plain(pair.get("value")?),
                ))
            });
            Value::Object(pairs.collect())
        }
        _ => inner.clone(),
    }
}

fn list<'a>(holder: &'a Value, key: &str) -> &'a [Value] {
    holder
        .get(key)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}
