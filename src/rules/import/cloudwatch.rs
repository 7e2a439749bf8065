//! CloudWatch alarms and AppConfig deployment strategies, from `CloudFormation` or from the answer
//! of `describe-alarms`.

use serde_json::{Value, json};

use super::named::{Named, named};
use super::notes::Fields;
use super::{Draft, seconds, slug};

/// Keys that say who is told, not when.
const WITHOUT_EFFECT: [&str; 17] = [
    "AlarmDescription",
    "AlarmArn",
    "AlarmActions",
    "OKActions",
    "InsufficientDataActions",
    "Tags",
    "StateValue",
    "StateReason",
    "StateReasonData",
    "StateUpdatedTimestamp",
    "StateTransitionedTimestamp",
    "AlarmConfigurationUpdatedTimestamp",
    "Namespace",
    "EvaluationState",
    "AlarmRule",
    "ActionsSuppressor",
    "Dimensions",
];

pub(super) fn translate(fields: &Fields<'_>, draft: &mut Draft) {
    fields.without_effect(&[
        "AWSTemplateFormatVersion",
        "Description",
        "Parameters",
        "Outputs",
        "Metadata",
        "Conditions",
        "Mappings",
    ]);
    if let Some(resources) = fields.child("Resources") {
        resources_of(&resources, draft);
    } else if fields.get("MetricAlarms").is_some() {
        for found in fields.children("MetricAlarms") {
            add_alarm(&found, None, false, draft);
        }
    } else if fields.get("AlarmName").is_some() {
        add_alarm(fields, None, false, draft);
    } else {
        resources_of(fields, draft);
    }
    if fields
        .get("CompositeAlarms")
        .and_then(Value::as_array)
        .is_some_and(|list| !list.is_empty())
    {
        fields.notes.refuse(
            &fields.at("CompositeAlarms"),
            "Composite alarms are not supported; their parts are",
        );
    }
}

/// The resources of a `CloudFormation` template.
fn resources_of(resources: &Fields<'_>, draft: &mut Draft) {
    let all: Vec<(String, Fields<'_>)> = resources
        .keys()
        .into_iter()
        .filter_map(|name| Some((name.clone(), resources.child(&name)?)))
        .collect();
    let kind = |fields: &Fields<'_>| fields.text("Type").unwrap_or_default();
    // AppConfig takes missing data for a reason to roll back.
    let is_monitored = all.iter().any(|(_, resource)| {
        kind(resource) == "AWS::AppConfig::Environment"
            && resource.child("Properties").is_some_and(|p| {
                p.without_effect(&[
                    "ApplicationId",
                    "Name",
                    "Description",
                    "Tags",
                    "DeletionProtectionCheck",
                ]);
                p.get("Monitors").is_some()
            })
    });
    for (name, resource) in &all {
        let Some(properties) = resource.child("Properties") else {
            continue;
        };
        match kind(resource).as_str() {
            "AWS::CloudWatch::Alarm" => add_alarm(&properties, Some(name), is_monitored, draft),
            "AWS::AppConfig::DeploymentStrategy" => strategy(&properties, name, draft),
            "AWS::AppConfig::Environment" => {
                properties.without_effect(&[
                    "ApplicationId",
                    "Name",
                    "Description",
                    "Monitors",
                    "Tags",
                    "DeletionProtectionCheck",
                ]);
            }
            other => {
                resource.without_effect(&["Type", "DependsOn", "Metadata"]);
                properties.ignore_all();
                resources.notes.lose(
                    &resource.place,
                    format!("A resource of type {other} bears no rule"),
                );
            }
        }
    }
}

fn add_alarm(
    alarm: &Fields<'_>,
    logical_name: Option<&str>,
    is_monitored: bool,
    draft: &mut Draft,
) {
    match rule(alarm, logical_name, is_monitored) {
        Ok(rule) => draft.push(rule),
        Err(why) => alarm.refuse(why),
    }
}

fn rule(
    alarm: &Fields<'_>,
    logical_name: Option<&str>,
    is_monitored: bool,
) -> Result<Value, String> {
    alarm.without_effect(&WITHOUT_EFFECT);
    let name = alarm
        .text("AlarmName")
        .or_else(|| logical_name.map(str::to_owned))
        .unwrap_or_default();
    if alarm.get("Metrics").is_some() {
        return Err(format!(
            "The alarm {name} is on metric math; write its rule by hand"
        ));
    }
    let period = alarm.number("Period").unwrap_or(60.0);
    if period < 1.0 {
        return Err(format!("The alarm {name} has no period"));
    }
    let n = alarm.number("EvaluationPeriods").unwrap_or(1.0).max(1.0) as u32;
    let m = alarm
        .number("DatapointsToAlarm")
        .map_or(n, |m| (m.max(1.0) as u32).min(n));
    // Alarms are looked at every minute, those on shorter periods every ten seconds.
    let tick = if period < 60.0 { 10.0 } else { 60.0 };
    // The range is documented nowhere but for N = 3.
    let range = n + (n / 3).max(2);
    let mut persist = json!({
        "m_of_n": [m, n],
        "missing": missing(alarm)?,
        "range": range,
        "stride": (period / tick).round().max(1.0) as u32,
    });
    if is_monitored {
        persist["insufficient_fires"] = json!(true);
    }
    alarm.notes.assume(
        &alarm.at("EvaluationPeriods"),
        format!("CloudWatch looks at {range} periods to find {n} with data"),
    );
    let mut rule = json!({
        "id": name,
        "clock": { "every": seconds(tick), "anchor": "epoch" },
        "action": if alarm.truth("ActionsEnabled") == Some(false) { "alert" } else { "rollback" },
        "all": [condition(alarm, period, tick)?],
        "persist": persist,
    });
    if is_monitored {
        rule["scope"] = json!("deployment+bake");
    }
    Ok(rule)
}

fn missing(alarm: &Fields<'_>) -> Result<&'static str, String> {
    match alarm.text("TreatMissingData").as_deref() {
        None | Some("missing") => Ok("missing"),
        Some("ignore") => Ok("ignore"),
        Some("breaching") => Ok("breaching"),
        Some("notBreaching") => Ok("notBreaching"),
        Some(other) => Err(format!("TreatMissingData {other:?} is not known")),
    }
}

fn condition(alarm: &Fields<'_>, period: f64, tick: f64) -> Result<Value, String> {
    let metric_name = alarm.text("MetricName").unwrap_or_default();
    let statistic = alarm
        .text("ExtendedStatistic")
        .or_else(|| alarm.text("Statistic"))
        .unwrap_or_else(|| "Average".to_owned());
    let cmp = match alarm.text("ComparisonOperator").as_deref() {
        Some("GreaterThanThreshold") => ">",
        Some("GreaterThanOrEqualToThreshold") => ">=",
        Some("LessThanThreshold") => "<",
        Some("LessThanOrEqualToThreshold") => "<=",
        other => {
            return Err(format!(
                "The operator {} compares with a band of anomaly detection",
                other.unwrap_or("(none)")
            ));
        }
    };
    let threshold = alarm
        .number("Threshold")
        .ok_or("The alarm has no threshold")?;
    let Some(known) = named(&metric_name, &alarm.at("MetricName"), alarm.notes) else {
        return Err(format!(
            "It is not known what the metric {metric_name} measures"
        ));
    };
    let unit = alarm.text("Unit");
    let (metric, value) = measured(known, &statistic, threshold, unit.as_deref(), alarm)?;
    let mut found = json!({
        "metric": metric,
        "window": { "tumbling": seconds(period), "slide": seconds(tick), "align": "epoch" },
        "cmp": cmp,
        "value": value,
    });
    if alarm.text("EvaluateLowSampleCountPercentile").as_deref() == Some("ignore") {
        found["low_sample"] = json!("ignore");
    }
    Ok(found)
}

/// The metric, and the threshold in the log's unit.
fn measured(
    known: Named,
    statistic: &str,
    threshold: f64,
    unit: Option<&str>,
    alarm: &Fields<'_>,
) -> Result<(String, f64), String> {
    let lower = statistic.to_lowercase();
    match known {
        Named::ErrorShare | Named::SuccessShare if lower == "average" => {
            let is_percent = unit == Some("Percent") || threshold > 1.0;
            if is_percent && unit.is_none() {
                alarm.notes.assume(
                    &alarm.at("Threshold"),
                    format!("{threshold} is in per cent"),
                );
            }
            let name = if known == Named::ErrorShare {
                "error_share"
            } else {
                "success_share"
            };
            Ok((
                name.to_owned(),
                if is_percent {
                    threshold / 100.0
                } else {
                    threshold
                },
            ))
        }
        Named::ErrorShare if lower == "sum" => Ok(("count(error)".to_owned(), threshold)),
        Named::ErrorShare | Named::SuccessShare => Err(format!(
            "The {statistic} of a count of errors or successes is not supported; their sum or average is"
        )),
        Named::Requests if lower == "sum" || lower == "samplecount" => {
            Ok(("count".to_owned(), threshold))
        }
        Named::Requests => Err(format!(
            "The {statistic} of a count of requests is not supported"
        )),
        Named::Quantity(quantity, factor) => {
            let factor = match unit {
                Some("Seconds") => 1000.0,
                Some("Microseconds") => 0.001,
                Some("Milliseconds") => 1.0,
                _ => factor,
            };
            Ok((statistic_of(quantity, &lower)?, threshold * factor))
        }
    }
}

fn statistic_of(quantity: &str, statistic: &str) -> Result<String, String> {
    let percentile = statistic
        .strip_prefix('p')
        .and_then(|text| text.parse::<f64>().ok());
    match (statistic, percentile) {
        ("average", _) => Ok(format!("mean({quantity})")),
        ("sum", _) => Ok(format!("sum({quantity})")),
        ("maximum", _) => Ok(format!("quantile({quantity},1)")),
        ("minimum", _) => Ok(format!("quantile({quantity},0)")),
        (_, Some(p)) if (0.0..=100.0).contains(&p) => {
            Ok(format!("quantile({quantity},{})", p / 100.0))
        }
        _ => Err(format!("The statistic {statistic} is not supported")),
    }
}

/// A deployment strategy: growth of the share and time to watch afterwards.
fn strategy(properties: &Fields<'_>, logical_name: &str, draft: &mut Draft) {
    properties.without_effect(&["Description", "ReplicateTo", "Tags"]);
    let name = properties
        .text("Name")
        .unwrap_or_else(|| logical_name.to_owned());
    let minutes = |key: &str| properties.number(key).unwrap_or(0.0).clamp(0.0, 1e6) * 60.0;
    let kind = properties
        .text("GrowthType")
        .unwrap_or_else(|| "LINEAR".to_owned())
        .to_lowercase();
    let factor = properties.number("GrowthFactor").unwrap_or(100.0);
    let plan = json!({
        "growth": { "type": kind, "factor": factor, "duration": seconds(minutes("DeploymentDurationInMinutes")) },
        "bake": seconds(minutes("FinalBakeTimeInMinutes")),
    });
    draft.plans.insert(slug(&name), plan);
}
