//! Kayenta: a canary configuration becomes a rule that is judged by score.

use serde_json::{Value, json};

use super::Draft;
use super::named::{Named, named};
use super::notes::Fields;

/// Spinnaker's usual thresholds and interval, where the stage that uses the configuration is not
/// in the file.
const PASS: f64 = 95.0;
const MARGINAL: f64 = 75.0;
const EVERY: &str = "30m";

pub(super) fn translate(fields: &Fields<'_>, draft: &mut Draft) {
    match rule(fields) {
        Ok(rule) => draft.push(rule),
        Err(why) => fields.refuse(why),
    }
}

fn rule(fields: &Fields<'_>) -> Result<Value, String> {
    fields.without_effect(&[
        "id",
        "description",
        "configVersion",
        "applications",
        "createdTimestamp",
        "updatedTimestamp",
        "createdTimestampIso",
        "updatedTimestampIso",
        "templates",
    ]);
    let name = fields.text("name").unwrap_or_else(|| "kayenta".to_owned());
    if let Some(judge) = fields.child("judge") {
        judge.without_effect(&["judgeConfigurations"]);
        let name = judge.text("name").unwrap_or_default();
        if !name.starts_with("NetflixACAJudge") {
            return Err(format!("The judge {name} is not known; NetflixACAJudge is"));
        }
    }
    let classifier = fields.child("classifier");
    let thresholds = fields
        .child("scoreThresholds")
        .or_else(|| classifier.as_ref()?.child("scoreThresholds"));
    if thresholds.is_none() {
        fields.notes.assume(&fields.place, "The thresholds stand in the pipeline, not in this file: pass 95, marginal 75, judged every 30 minutes");
    }
    let threshold = |key: &str, otherwise: f64| {
        thresholds
            .as_ref()
            .and_then(|t| t.number(key))
            .unwrap_or(otherwise)
    };
    let metrics: Vec<Value> = fields
        .children("metrics")
        .iter()
        .filter_map(|found| metric(found).map_err(|why| found.refuse(why)).ok())
        .collect();
    if metrics.is_empty() {
        return Err("No metric of the configuration can be computed from a request log".to_owned());
    }
    let mut groups = json!({});
    if let Some(weights) = classifier.as_ref().and_then(|c| c.child("groupWeights")) {
        for group in weights.keys() {
            if let Some(weight) = weights.number(&group) {
                groups[&group] = json!(weight);
            }
        }
    }
    fields.notes.assume(
        &fields.place,
        "Each point is a minute of an arm's requests, and the judge looks at all minutes so far",
    );
    Ok(json!({
        "id": name,
        "clock": { "every": EVERY },
        "action": "rollback",
        "score": {
            "judge": "netflix-aca",
            "pass": threshold("pass", PASS),
            "marginal": threshold("marginal", MARGINAL),
            "abort_cmp": "<=",
            "points": { "tumbling": "60s" },
            "groups": groups,
            "metrics": metrics,
        },
    }))
}

fn metric(metric: &Fields<'_>) -> Result<Value, String> {
    metric.without_effect(&["query", "scopeName"]);
    let name = metric.text("name").unwrap_or_default();
    let known = named(&name, &metric.place, metric.notes)
        .ok_or_else(|| format!("It is not known what the metric {name} measures"))?;
    let mut found = json!({ "name": name });
    match known {
        // Shares in per cent: the judge's tolerance of 1e-4 would swallow small ones.
        Named::ErrorShare => {
            (found["metric"], found["scale"]) = (json!("error_share"), json!(100.0));
        }
        Named::SuccessShare => {
            (found["metric"], found["scale"]) = (json!("success_share"), json!(100.0));
        }
        Named::Requests => found["metric"] = json!("count"),
        Named::Quantity(quantity, _) => found["metric"] = json!(statistic(&name, quantity)),
    }
    if let Some(group) = metric
        .get("groups")
        .and_then(|groups| groups.get(0)?.as_str())
    {
        found["group"] = json!(group);
    }
    if let Some(canary) = metric
        .child("analysisConfigurations")
        .and_then(|c| c.child("canary"))
    {
        if canary.truth("muted") == Some(true) {
            canary.ignore_all();
            return Err(format!("The metric {name} is muted and moves no score"));
        }
        configuration(&canary, &mut found);
    }
    Ok(found)
}

fn statistic(name: &str, quantity: &str) -> String {
    let lower = name.to_lowercase();
    let percentile = ["99", "95", "90", "75", "50"]
        .into_iter()
        .find(|p| lower.contains(&format!("p{p}")));
    match percentile {
        Some(p) => format!("quantile({quantity},0.{})", p.trim_end_matches('0')),
        None => format!("mean({quantity})"),
    }
}

fn configuration(canary: &Fields<'_>, found: &mut Value) {
    if let Some(direction) = canary.text("direction") {
        found["direction"] = json!(direction);
    }
    if let Some(strategy) = canary.text("nanStrategy") {
        found["nan"] = json!(strategy);
    }
    for (key, ours) in [("critical", "critical"), ("mustHaveData", "must_have_data")] {
        if canary.truth(key) == Some(true) {
            found[ours] = json!(true);
        }
    }
    if let Some(outliers) = canary.child("outliers") {
        let factor = outliers.number("outlierFactor").unwrap_or(3.0);
        if outliers.text("strategy").as_deref() == Some("remove") {
            found["outlier_factor"] = json!(factor);
        }
    }
    if let Some(effect) = canary.child("effectSize") {
        let mut sizes = json!({});
        if let Some(measure) = effect.text("measure") {
            sizes["measure"] = json!(measure);
        }
        for (key, ours) in [
            ("allowedIncrease", "allowed_increase"),
            ("allowedDecrease", "allowed_decrease"),
            ("criticalIncrease", "critical_increase"),
            ("criticalDecrease", "critical_decrease"),
        ] {
            if let Some(size) = effect.number(key) {
                sizes[ours] = json!(size);
            }
        }
        found["effect"] = sizes;
    }
}
