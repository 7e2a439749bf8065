//! Flagger: the metrics of a `Canary` become one rule that counts failed checks, its steps a plan.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::argo::name_of;
use super::notes::{Fields, Notes};
use super::prometheus::duration;
use super::promql::{Context, signal};
use super::source::Document;
use super::{Draft, ImportSettings, set_in_all, slug};
use crate::rules::TimeSpan;

/// Flagger looks every minute unless told otherwise.
const INTERVAL: TimeSpan = TimeSpan { us: 60_000_000 };

pub(super) fn translate(
    documents: &[Document],
    settings: &ImportSettings,
    notes: &Notes,
    draft: &mut Draft,
) {
    let mut templates = BTreeMap::new();
    for document in documents {
        if document
            .value
            .get("kind")
            .is_some_and(|kind| kind == "MetricTemplate")
        {
            let query = document
                .value
                .pointer("/spec/query")
                .and_then(Value::as_str);
            let query = query.unwrap_or_default().to_owned();
            templates.insert(name_of(&document.value), query);
        }
    }
    for document in documents {
        if document
            .value
            .get("kind")
            .is_none_or(|kind| kind != "Canary")
        {
            continue;
        }
        let Some(fields) = Fields::of(&document.value, document.place.clone(), notes) else {
            continue;
        };
        fields.without_effect(&["apiVersion", "kind", "metadata", "status"]);
        if let Some(spec) = fields.child("spec") {
            spec.without_effect(&[
                "targetRef",
                "autoscalerRef",
                "ingressRef",
                "provider",
                "service",
                "progressDeadlineSeconds",
                "metricsServer",
                "routeRef",
                "upstreamRef",
            ]);
            let name = name_of(&document.value);
            match spec
                .child("analysis")
                .or_else(|| spec.child("canaryAnalysis"))
            {
                Some(analysis) => canary(&analysis, &name, &templates, settings, draft),
                None => spec.refuse("The canary has no analysis"),
            }
        }
    }
}

fn canary(
    analysis: &Fields<'_>,
    name: &str,
    templates: &BTreeMap<String, String>,
    settings: &ImportSettings,
    draft: &mut Draft,
) {
    let interval = duration(analysis, "interval").unwrap_or(INTERVAL);
    let threshold = analysis.number("threshold").unwrap_or(1.0).max(1.0) as u32;
    analysis.without_effect(&["alerts"]);
    if analysis.get("webhooks").is_some() {
        analysis.notes.lose(&analysis.at("webhooks"), "Hooks are answered by other systems; a failing hook counts as a failed check there and is not replayed");
    }
    let mut conditions = Vec::new();
    for metric in analysis.children("metrics") {
        match checks(&metric, interval, templates, settings) {
            Ok(found) => conditions.extend(found),
            Err(why) => metric.refuse(why),
        }
    }
    plan(analysis, name, interval, draft);
    if conditions.is_empty() {
        return analysis.notes.refuse(
            &analysis.at("metrics"),
            "The canary has no check that can be replayed",
        );
    }
    draft.push(json!({
        "id": name,
        "clock": { "every": interval },
        "action": "rollback",
        "plan": slug(name),
        "delay": interval, // the rollback comes with the tick after the last failed check
        "any": conditions,
        "persist": { "failures": { "limit": threshold, "mode": "ge" } },
    }));
}

/// The limits of one metric, each as a condition that fails the check.
fn checks(
    metric: &Fields<'_>,
    tick: TimeSpan,
    templates: &BTreeMap<String, String>,
    settings: &ImportSettings,
) -> Result<Vec<Value>, String> {
    let name = metric.text("name").unwrap_or_default();
    let range = duration(metric, "interval").unwrap_or(tick);
    let limits = limits(metric, &name)?;
    let template = metric.child("templateRef").and_then(|reference| {
        reference.without_effect(&["namespace"]);
        reference.text("name")
    });
    metric.without_effect(&["templateVariables"]);
    let query = match (metric.text("query"), template) {
        (Some(query), _) => query,
        (None, Some(template)) => templates.get(&template).cloned().ok_or_else(|| {
            format!("The metric template {template} is not in this file; add it to the file")
        })?,
        (None, None) => return builtin(&name, range, &limits, settings),
    };
    let place = metric.place.clone();
    let recorded = BTreeMap::new();
    let context = Context {
        settings,
        recorded: &recorded,
        place: &place,
        notes: metric.notes,
    };
    let measured = signal(&filled(&query, range), &context)
        .map_err(|why| format!("The metric {name}: {why}"))?;
    limits
        .iter()
        .map(|(cmp, value)| {
            let mut found = measured.condition(cmp, *value, &context)?;
            set_in_all(&mut found, "no_data", &json!("true"));
            Ok(found)
        })
        .collect()
}

/// The checks that need no query: success rate in per cent and the 99th percentile in ms.
fn builtin(
    name: &str,
    range: TimeSpan,
    limits: &[(&'static str, f64)],
    settings: &ImportSettings,
) -> Result<Vec<Value>, String> {
    let keys = match name {
        "request-success-rate" => json!({
            "metric": "success_share",
            "scale": 100.0,
            "window": { "counter": range, "scrape": settings.scrape, "engine": settings.engine },
        }),
        // By the buckets of Istio's histogram, which are the default.
        "request-duration" => json!({
            "metric": "quantile(latency,0.99)",
            "quantile_method": "prom_buckets",
            "window": { "counter": range, "scrape": settings.scrape, "engine": settings.engine },
        }),
        _ => {
            return Err(format!(
                "The metric {name} has neither a query nor a template"
            ));
        }
    };
    let with_limit = |(cmp, value): &(&str, f64)| {
        let mut found = keys.clone();
        found["cmp"] = json!(cmp);
        found["value"] = json!(value);
        found["no_data"] = json!("true");
        found
    };
    Ok(limits.iter().map(with_limit).collect())
}

/// What fails the check: outside of the range, or below the success threshold of old versions.
fn limits(metric: &Fields<'_>, name: &str) -> Result<Vec<(&'static str, f64)>, String> {
    let mut limits = Vec::new();
    if let Some(range) = metric.child("thresholdRange") {
        limits.extend(range.number("min").map(|min| ("<", min)));
        limits.extend(range.number("max").map(|max| (">", max)));
    }
    if let Some(threshold) = metric.number("threshold") {
        let cmp = if name == "request-success-rate" {
            "<"
        } else {
            ">"
        };
        limits.push((cmp, threshold));
    }
    if limits.is_empty() {
        return Err(format!("The metric {name} has no threshold"));
    }
    Ok(limits)
}

/// Template variables of a query: what Flagger puts in for the canary.
fn filled(query: &str, range: TimeSpan) -> String {
    let mut text = String::with_capacity(query.len());
    let mut rest = query;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((variable, behind)) = after.split_once("}}") else {
            break;
        };
        text.push_str(before);
        let range: String = range.to_string().split_whitespace().collect();
        match variable.trim() {
            "interval" => text.push_str(&range),
            "target" if behind.starts_with("-primary") => {}
            "target" => text.push_str("canary"),
            other => text.push_str(&other.replace(' ', "_")),
        }
        rest = behind;
    }
    text + rest
}

/// Weights grow by a step per passing tick, with one more tick at the last.
fn plan(analysis: &Fields<'_>, name: &str, interval: TimeSpan, draft: &mut Draft) {
    let max = analysis.number("maxWeight").unwrap_or(100.0);
    let step = analysis.number("stepWeight");
    let listed = analysis.get("stepWeights").and_then(Value::as_array);
    analysis.without_effect(&[
        "iterations",
        "match",
        "mirror",
        "mirrorWeight",
        "stepWeightPromotion",
        "primaryReadyThreshold",
        "canaryReadyThreshold",
        "sessionAffinity",
    ]);
    let weights: Vec<f64> = match (listed, step) {
        (Some(list), _) => list.iter().filter_map(Value::as_f64).collect(),
        (None, Some(step)) if step > 0.0 => {
            let n = (max / step).ceil().min(1000.0) as u32;
            (1..=n).map(|k| (step * f64::from(k)).min(max)).collect()
        }
        _ => return,
    };
    let hold = interval;
    let mut stages: Vec<Value> = weights
        .iter()
        .map(|w| json!({ "weight": w / 100.0, "hold": hold }))
        .collect();
    if weights.last().is_none_or(|last| *last < 100.0) {
        stages.push(json!({ "weight": 1.0 }));
    }
    draft.plans.insert(
        slug(name),
        json!({ "stages": stages, "advance_only_when": "all_rules_ok" }),
    );
}
