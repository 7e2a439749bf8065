//! Argo Rollouts: metrics of an `AnalysisTemplate` become rules, steps of a `Rollout` a plan.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::expression::Expression;
use super::notes::Fields;
use super::prometheus::{duration, set_root};
use super::promql::{Context, Measured, signal};
use super::{Draft, ImportSettings, set_in_all, slug};
use crate::rules::TimeSpan;

/// An error of a measurement is tried again after this long, whatever the interval.
const RETRY: &str = "10s";
/// Errors in a row that are tolerated unless the metric says otherwise.
const ERROR_LIMIT: f64 = 4.0;

pub(super) fn translate(
    fields: &Fields<'_>,
    value: &Value,
    settings: &ImportSettings,
    draft: &mut Draft,
) {
    fields.without_effect(&["apiVersion", "metadata", "status"]);
    let name = name_of(value);
    let kind = fields.text("kind").unwrap_or_default();
    let Some(spec) = fields.child("spec") else {
        return;
    };
    if kind == "Rollout" {
        rollout(&spec, &name, draft);
    } else {
        analysis(&spec, settings, draft);
    }
}

pub(super) fn name_of(document: &Value) -> String {
    let name = document
        .get("metadata")
        .and_then(|m| m.get("name")?.as_str());
    name.unwrap_or("imported").to_owned()
}

fn analysis(spec: &Fields<'_>, settings: &ImportSettings, draft: &mut Draft) {
    let arguments: BTreeMap<String, String> = spec
        .children("args")
        .iter()
        .filter_map(|argument| {
            let name = argument.text("name")?;
            argument.without_effect(&["valueFrom"]);
            let value = argument.text("value");
            if value.is_none() {
                argument.notes.assume(&argument.place, format!("The argument {name} is given when the analysis runs; its name stands for it here"));
            }
            Some((name.clone(), value.unwrap_or(name)))
        })
        .collect();
    spec.without_effect(&["measurementRetention"]);
    for metric in spec.children("metrics") {
        if let Err(why) = rule(&metric, &arguments, settings, draft) {
            metric.refuse(why);
        }
    }
}

/// `{{args.name}}` and `{{ args.name }}` replaced.
fn filled(text: &str, arguments: &BTreeMap<String, String>) -> String {
    arguments
        .iter()
        .fold(text.to_owned(), |text, (name, value)| {
            text.replace(&format!("{{{{args.{name}}}}}"), value)
                .replace(&format!("{{{{ args.{name} }}}}"), value)
        })
}

fn rule(
    metric: &Fields<'_>,
    arguments: &BTreeMap<String, String>,
    settings: &ImportSettings,
    draft: &mut Draft,
) -> Result<(), String> {
    let name = metric.text("name").unwrap_or_else(|| "metric".to_owned());
    let query = query(metric)?;
    let place = metric.at("provider.prometheus.query");
    let recorded = BTreeMap::new();
    let context = Context {
        settings,
        recorded: &recorded,
        place: &place,
        notes: metric.notes,
    };
    let measured = signal(&filled(&query, arguments), &context)
        .map_err(|why| format!("The metric {name}: {why}"))?;
    let success = condition(metric, "successCondition")?;
    let failure = condition(metric, "failureCondition")?;
    // Fails where the failure condition holds, else where the success condition does not.
    let (breach, nan) = match (success, failure) {
        (Some(success), None) => (success.negated(), "true"),
        (None, Some(failure)) => (failure, "false"),
        (Some(_), Some(failure)) => {
            metric.notes.lose(&metric.at("successCondition"), "Measurements that meet neither condition are inconclusive and pause the rollout; only failures are replayed");
            (failure, "false")
        }
        (None, None) => {
            return Err(format!(
                "The metric {name} has no condition and always succeeds"
            ));
        }
    };
    let node = node(breach, &measured, nan, &context)?;
    let mut rule = json!({ "id": name, "clock": clock(metric), "action": "rollback" });
    if metric.truth("dryRun") == Some(true) {
        rule["action"] = json!("alert");
    }
    set_root(&mut rule, &node);
    let limit = metric.number("failureLimit").unwrap_or(0.0);
    let errors = metric
        .number("consecutiveErrorLimit")
        .unwrap_or(ERROR_LIMIT);
    if limit < 0.0 {
        return Err(format!(
            "The metric {name} tolerates any number of failures"
        ));
    }
    rule["persist"] = json!({
        "failures": { "limit": limit as u32, "mode": "gt" },
        "errors": { "consecutive": errors.max(0.0) as u32, "retry": RETRY },
    });
    metric.without_effect(&["inconclusiveLimit"]);
    draft.push(rule);
    Ok(())
}

fn query(metric: &Fields<'_>) -> Result<String, String> {
    let provider = metric
        .child("provider")
        .ok_or("The metric has no provider")?;
    let Some(prometheus) = provider.child("prometheus") else {
        let kinds = provider.keys();
        provider.ignore_all();
        let other = kinds.first().map_or("unknown", String::as_str);
        return Err(format!(
            "Queries of {other} cannot be computed from a request log; only those of Prometheus can"
        ));
    };
    prometheus.without_effect(&[
        "address",
        "timeout",
        "insecure",
        "headers",
        "authentication",
    ]);
    prometheus
        .text("query")
        .ok_or_else(|| "The metric has no query".to_owned())
}

fn condition(metric: &Fields<'_>, key: &str) -> Result<Option<Expression>, String> {
    metric
        .text(key)
        .map(|text| Expression::parse(&text))
        .transpose()
}

fn node(
    expression: Expression,
    measured: &Measured,
    nan: &str,
    context: &Context<'_>,
) -> Result<Value, String> {
    let list = |parts: Vec<Expression>| -> Result<Vec<Value>, String> {
        parts
            .into_iter()
            .map(|part| node(part, measured, nan, context))
            .collect()
    };
    match expression {
        Expression::Compare(cmp, value) => {
            let mut found = measured.condition(&cmp, value, context)?;
            set_in_all(&mut found, "nan", &json!(nan));
            set_in_all(&mut found, "no_data", &json!("error"));
            Ok(found)
        }
        Expression::All(parts) => Ok(json!({ "all": list(parts)? })),
        Expression::Any(parts) => Ok(json!({ "any": list(parts)? })),
        Expression::Not(inner) => node(inner.negated(), measured, nan, context),
    }
}

/// Without an interval there is one measurement; a count ends it.
fn clock(metric: &Fields<'_>) -> Value {
    let delay = duration(metric, "initialDelay").unwrap_or_default();
    let count = metric.number("count");
    let Some(interval) = duration(metric, "interval") else {
        return json!({ "once_at": delay });
    };
    metric
        .notes
        .assume(&metric.place, "The analysis begins with the log");
    let mut clock = json!({ "every": interval, "mode": "after_finish" });
    if delay.us > 0 {
        clock["delay"] = json!(delay);
    }
    if let Some(count) = count.filter(|count| *count >= 1.0) {
        // The first measurement is made at once; an end is exclusive.
        let end_us = delay.us + (interval.us as f64 * (count.min(1e6) - 1.0)) as i64 + 1;
        clock["until"] = json!(TimeSpan { us: end_us });
    }
    clock
}

/// Lengthens the last stage by a pause; `false` where the pause has no end.
fn held(stages: &mut [Value], pause: Option<TimeSpan>) -> bool {
    let Some(stage) = stages.last_mut() else {
        return true;
    };
    let so_far: Option<TimeSpan> = stage["hold"].as_str().and_then(|text| text.parse().ok());
    match pause {
        Some(pause) => {
            let us = so_far.unwrap_or_default().us.saturating_add(pause.us);
            stage["hold"] = json!(TimeSpan { us });
            true
        }
        None => {
            if let Some(stage) = stage.as_object_mut() {
                stage.remove("hold");
            }
            false
        }
    }
}

fn rollout(spec: &Fields<'_>, name: &str, draft: &mut Draft) {
    spec.without_effect(&[
        "replicas",
        "selector",
        "template",
        "workloadRef",
        "revisionHistoryLimit",
        "minReadySeconds",
        "progressDeadlineSeconds",
    ]);
    let Some(strategy) = spec.child("strategy") else {
        return;
    };
    if strategy.get("blueGreen").is_some() {
        draft.plans.insert(
            slug(name),
            json!({ "stages": [{ "name": "switch", "weight": 1.0 }] }),
        );
        return;
    }
    let Some(canary) = strategy.child("canary") else {
        return;
    };
    canary.without_effect(&[
        "trafficRouting",
        "canaryService",
        "stableService",
        "maxSurge",
        "maxUnavailable",
        "canaryMetadata",
        "stableMetadata",
    ]);
    let mut stages: Vec<Value> = Vec::new();
    let mut waits = false;
    for step in canary.children("steps") {
        if waits {
            step.ignore_all();
            continue;
        }
        if let Some(weight) = step.number("setWeight") {
            stages.push(json!({ "weight": weight / 100.0, "hold": TimeSpan::default() }));
        } else if let Some(pause) = step.child("pause") {
            if stages.is_empty() {
                stages.push(json!({ "weight": 0.0, "hold": TimeSpan::default() }));
            }
            waits |= !held(&mut stages, duration(&pause, "duration"));
            if waits {
                step.notes.lose(
                    &step.place,
                    "The rollout waits here for a person: the plan ends with this stage",
                );
            }
        } else if step.get("analysis").is_some() {
            step.notes.lose(&step.place, "An analysis within the steps holds the rollout until it ends; its metrics are replayed from the beginning of the log");
        }
    }
    if !stages.is_empty() {
        if !waits && stages.last().is_some_and(|stage| stage["weight"] != 1.0) {
            stages.push(json!({ "weight": 1.0 }));
        }
        draft.plans.insert(slug(name), json!({ "stages": stages }));
    }
}
