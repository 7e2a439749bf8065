//! Service level objectives: the multi-window, multi-burn-rate alerts that the Site Reliability
//! Workbook (chapter "Alerting on SLOs") derives from an objective.

use serde_json::{Value, json};

use super::Draft;
use super::notes::Fields;

/// Long window, short window and burn rate of the alerts that page, then of those that make a
/// ticket, for a budget of 30 days.
const PAGE: [(&str, &str, f64); 2] = [("1h", "5m", 14.4), ("6h", "30m", 6.0)];
const TICKET: [(&str, &str, f64); 2] = [("1d", "2h", 3.0), ("3d", "6h", 1.0)];

pub(super) fn translate(fields: &Fields<'_>, value: &Value, draft: &mut Draft) {
    fields.without_effect(&[
        "apiVersion",
        "kind",
        "metadata",
        "version",
        "service",
        "labels",
    ]);
    let spec = fields.child("spec");
    let holder = spec.as_ref().unwrap_or(fields);
    if holder.get("slos").is_some() {
        for slo in holder.children("slos") {
            sloth(&slo, draft);
        }
    } else {
        open_slo(holder, value, draft);
    }
}

/// Sloth: `objective` in per cent.
fn sloth(slo: &Fields<'_>, draft: &mut Draft) {
    slo.without_effect(&["description", "labels"]);
    let name = slo.text("name").unwrap_or_else(|| "slo".to_owned());
    let Some(objective) = slo.number("objective") else {
        return slo.refuse(format!("The SLO {name} has no objective"));
    };
    let (mut pages, mut tickets) = (true, true);
    if let Some(alerting) = slo.child("alerting") {
        alerting.without_effect(&["name", "labels", "annotations"]);
        let is_off = |key: &str| {
            alerting.child(key).is_some_and(|alert| {
                alert.without_effect(&["labels", "annotations"]);
                alert.truth("disable") == Some(true)
            })
        };
        (pages, tickets) = (
            !is_off("page_alert") && !is_off("pageAlert"),
            !is_off("ticket_alert") && !is_off("ticketAlert"),
        );
    }
    slo.notes.assume(
        &slo.at("sli"),
        "The indicator is the canary's share of failed requests",
    );
    slo.without_effect(&["sli"]);
    add(&name, objective / 100.0, (pages, tickets), slo, draft);
}

/// `OpenSLO`: objectives with a target.
fn open_slo(spec: &Fields<'_>, document: &Value, draft: &mut Draft) {
    spec.without_effect(&[
        "service",
        "description",
        "indicatorRef",
        "timeWindow",
        "budgetingMethod",
        "alertPolicies",
    ]);
    let name = super::argo::name_of(document);
    spec.notes.assume(
        &spec.at("indicator"),
        "The indicator is the canary's share of failed requests",
    );
    spec.without_effect(&["indicator"]);
    for objective in spec.children("objectives") {
        objective.without_effect(&["displayName", "op", "value"]);
        let target = objective
            .number("target")
            .or_else(|| objective.number("targetPercent").map(|t| t / 100.0));
        match target {
            Some(target) => add(&name, target, (true, true), &objective, draft),
            None => objective.refuse("The objective has no target"),
        }
    }
}

fn add(
    name: &str,
    objective: f64,
    (pages, tickets): (bool, bool),
    at: &Fields<'_>,
    draft: &mut Draft,
) {
    if !(objective > 0.0 && objective < 1.0) {
        return at.refuse(format!(
            "An objective of {objective} leaves no budget of errors"
        ));
    }
    at.notes.assume(&at.place, "The windows are those of a budget of 30 days; a rollout that lasts for hours needs shorter ones");
    let burn = |window: &str, rate: f64| {
        json!({
            "metric": format!("burn(error_share,{objective})"),
            "window": { "trailing": window },
            "cmp": ">",
            "value": rate,
        })
    };
    let pair = |(long, short, rate): &(&str, &str, f64)| json!({ "all": [burn(long, *rate), burn(short, *rate)] });
    let mut push = |suffix: &str, windows: &[(&str, &str, f64)], action: &str| {
        let any: Vec<Value> = windows.iter().map(pair).collect();
        draft.push(json!({
            "id": format!("{name}-{suffix}"),
            "clock": { "every": "30s" },
            "action": action,
            "any": any,
        }));
    };
    if pages {
        push("page", &PAGE, "rollback");
    }
    if tickets {
        push("ticket", &TICKET, "alert");
    }
}
