//! What stands around the rules: columns, arms, plans and routers.

use std::collections::BTreeMap;

use super::super::model::Columns;
use super::super::place::nearest;
use super::super::predicate::RowPredicate;
use super::super::{EventTime, GrowthKind, Plan, Router, presets};
use super::fault;
use crate::error::Result;

/// The keys of `[columns]`.
const COLUMNS: [&str; 14] = [
    "time",
    "end",
    "event_time",
    "user",
    "request",
    "variant",
    "latency",
    "ttft",
    "rating",
    "error",
    "status",
    "tokens_in",
    "tokens_out",
    "cost",
];

/// Reads `[columns]`.
pub(super) fn columns(raw: BTreeMap<String, String>) -> Result<Columns> {
    let mut columns = Columns::default();
    for (key, value) in raw {
        let at = format!("columns.{key}");
        if !COLUMNS.contains(&key.as_str()) {
            let error = fault(at, format!("No column is called {key:?}"));
            return Err(match nearest(&key, &COLUMNS) {
                Some(meant) => error.hint(format!("Did you mean `{meant}`?")),
                None => error.hint(format!("Known here: {}", COLUMNS.join(", "))),
            });
        }
        if key != "event_time" {
            columns.named.insert(key, value);
            continue;
        }
        columns.event_time = match value.as_str() {
            "end" => EventTime::End,
            "start" => EventTime::Start,
            "first_token" => EventTime::FirstToken,
            _ => {
                return Err(fault(at, format!("{value:?} is not an event time"))
                    .hint("Write \"end\", \"start\" or \"first_token\""));
            }
        };
    }
    Ok(columns)
}

/// A label of an arm, or a predicate that can be read.
pub(super) fn check_arm(label: &str, at: &str) -> Result<()> {
    match RowPredicate::parse(label) {
        Some(Err(message)) => Err(fault(at, message)
            .hint("Write a label of the log, or a predicate such as variant == 'canary'")),
        None | Some(Ok(_)) => Ok(()),
    }
}

/// Weights and times that can be.
pub(in crate::rules) fn check_plan(plan: &Plan, at: &str) -> Result<()> {
    match (&plan.growth, plan.stages.is_empty()) {
        (None, true) => {
            return Err(fault(at, "The plan has no stages")
                .hint("Write stages = [ { weight = 0.1, hold = \"1h\" }, { weight = 1.0 } ] or growth = { … }"));
        }
        (Some(_), false) => return Err(fault(at, "A plan has either stages or growth")),
        _ => {}
    }
    for (i, stage) in plan.stages.iter().enumerate() {
        if !(0.0..=1.0).contains(&stage.weight) {
            return Err(fault(
                format!("{at}.stages[{i}].weight"),
                format!("A weight lies between 0 and 1, not {}", stage.weight),
            ));
        }
        if stage.hold.is_none() && i + 1 < plan.stages.len() {
            return Err(fault(
                format!("{at}.stages[{i}].hold"),
                "Only the last stage lasts for ever",
            )
            .hint("Write hold = \"1h\""));
        }
    }
    match plan.growth {
        Some(growth) if !(growth.factor > 0.0 && growth.factor <= 100.0) => Err(fault(
            format!("{at}.growth.factor"),
            format!(
                "A growth factor is above 0 and at most 100 per cent, not {}",
                growth.factor
            ),
        )),
        Some(growth) if growth.kind == GrowthKind::Linear && growth.factor < 0.1 => Err(fault(
            format!("{at}.growth.factor"),
            "A linear growth takes at most 1,000 steps",
        )),
        _ => Ok(()),
    }
}

/// The plans with those that the rules name and that come with the program. A rule that was cut out
/// of its rulebook keeps the name of its plan, whatever that was.
pub(super) fn with_presets<'n>(
    mut plans: BTreeMap<String, Plan>,
    named: impl Iterator<Item = Option<&'n str>>,
) -> Result<BTreeMap<String, Plan>> {
    let is_whole = !plans.is_empty();
    for (i, name) in named.enumerate() {
        let Some(name) = name.filter(|name| !plans.contains_key(*name)) else {
            continue;
        };
        if let Some(plan) = presets::plan(name) {
            plans.insert(name.to_owned(), plan);
        } else if is_whole {
            let known: Vec<&str> = plans.keys().map(String::as_str).collect();
            let message = format!("No plan is called {name:?}");
            let error = fault(format!("rule[{i}].plan"), message);
            return Err(match nearest(name, &known) {
                Some(meant) => error.hint(format!("Did you mean {meant:?}?")),
                None => error.hint(format!("Begin it with [plan.{name}]")),
            });
        }
    }
    Ok(plans)
}

/// Buckets that fit each other.
pub(super) fn check_router(router: &Router, at: &str) -> Result<()> {
    if router.buckets == 0 {
        return Err(fault(
            format!("{at}.buckets"),
            "A router has at least one bucket",
        ));
    }
    if router.bucket_hash().is_none() {
        return Err(fault(at, "No log is read for the buckets of this router").hint(
            "Known are hash = \"md5-full-mod\", buckets = 10000, canary = \"bucket < weight*buckets\" and \
             hash = \"md5-first8-mod\", buckets = 1000, canary = \"bucket >= trunc((1-weight)*1000)\"; \
             key and salt are free. Leave the router out otherwise",
        ));
    }
    Ok(())
}
