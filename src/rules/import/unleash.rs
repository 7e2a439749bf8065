//! Unleash: safeguards of a release plan.

use serde_json::{Value, json};

use super::Draft;
use super::named::{Named, named};
use super::notes::Fields;

pub(super) fn translate(fields: &Fields<'_>, draft: &mut Draft) {
    fields.without_effect(&[
        "id",
        "name",
        "description",
        "releasePlanTemplateId",
        "createdAt",
        "featureName",
        "environment",
    ]);
    let listed = fields.children("safeguards");
    let all: Vec<&Fields<'_>> = if listed.is_empty() {
        vec![fields]
    } else {
        listed.iter().collect()
    };
    for safeguard in all {
        match rule(safeguard) {
            Ok(rule) => draft.push(rule),
            Err(why) => safeguard.refuse(why),
        }
    }
}

fn rule(safeguard: &Fields<'_>) -> Result<Value, String> {
    safeguard.without_effect(&["id", "name"]);
    let metric = safeguard
        .child("impactMetric")
        .ok_or("The safeguard has no impactMetric")?;
    let trigger = safeguard
        .child("triggerCondition")
        .ok_or("The safeguard has no triggerCondition")?;
    let action = match safeguard.get("action") {
        Some(Value::String(action)) => action.clone(),
        Some(action) => action
            .get("type")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned(),
        None => String::new(),
    };
    metric.without_effect(&["id"]);
    let name = metric.text("metricName").unwrap_or_default();
    let range = match metric.text("timeRange").as_deref() {
        Some("hour") | None => "1h",
        Some("day") => "1d",
        Some("week") => "7d",
        Some("month") => "30d",
        Some(other) => return Err(format!("The time range {other:?} is not known")),
    };
    let cmp = match trigger.text("operator").as_deref() {
        Some(">") => ">",
        Some("<") => "<",
        other => {
            return Err(format!(
                "The operator {} is not known",
                other.unwrap_or("(none)")
            ));
        }
    };
    let threshold = trigger
        .number("threshold")
        .ok_or("The safeguard has no threshold")?;
    let mode = metric
        .text("aggregationMode")
        .unwrap_or_else(|| "avg".to_owned());
    let known = named(&name, &metric.at("metricName"), metric.notes)
        .ok_or_else(|| format!("It is not known what the metric {name} measures"))?;
    let (measured, factor) = measured(known, &mode)?;
    safeguard.notes.assume(
        &safeguard.place,
        "The safeguard looks every minute; how often Unleash looks is not documented",
    );
    Ok(json!({
        "id": format!("{name}-{mode}"),
        "clock": { "every": "1m" },
        "action": if action.contains("pause") { "hold" } else { "rollback" },
        "all": [{
            "metric": measured,
            "window": { "trailing": range },
            "cmp": cmp,
            "value": threshold * factor,
        }],
    }))
}

/// The metric, and the factor from the source's unit to the log's.
fn measured(known: Named, mode: &str) -> Result<(String, f64), String> {
    match (known, mode) {
        (Named::ErrorShare, "avg") => Ok(("error_share".to_owned(), 1.0)),
        (Named::SuccessShare, "avg") => Ok(("success_share".to_owned(), 1.0)),
        (Named::ErrorShare, "count") => Ok(("count(error)".to_owned(), 1.0)),
        (Named::ErrorShare, "rps") => Ok(("rps(error)".to_owned(), 1.0)),
        (Named::Requests, "count") => Ok(("count".to_owned(), 1.0)),
        (Named::Requests, "rps") => Ok(("rps".to_owned(), 1.0)),
        (Named::Quantity(quantity, factor), "avg") => Ok((format!("mean({quantity})"), factor)),
        (Named::Quantity(quantity, factor), "sum") => Ok((format!("sum({quantity})"), factor)),
        (Named::Quantity(quantity, factor), "p50" | "p95" | "p99") => Ok((
            format!("quantile({quantity},0.{})", mode[1..].trim_end_matches('0')),
            factor,
        )),
        _ => Err(format!(
            "{mode} of this metric depends on the traffic and is not supported"
        )),
    }
}
