//! What a Prometheus series counts, told from its name and labels: a request log has no series,
//! so each must be restated as requests, successes, errors or sums of a quantity.

use promql_parser::label::{MatchOp, Matcher};
use promql_parser::parser::VectorSelector;

use super::super::notes::Notes;
use super::super::{CounterMeaning, ImportSettings};
use crate::data::ArmWord;

/// A series of the source in terms of a request log.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Series {
    pub(super) counts: Counts,
    pub(super) arm: Arm,
}

/// What a series counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Counts {
    Requests,
    Successes,
    Errors,
    /// Sum of a quantity over requests; the series' unit times the factor is the log's unit.
    Sum(&'static str, f64),
    /// Buckets of a histogram.
    Buckets(&'static str, f64),
}

/// Whose requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arm {
    Canary,
    Baseline,
    All,
}

impl Arm {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Canary => "canary",
            Self::Baseline => "baseline",
            Self::All => "all",
        }
    }
}

/// Labels that tell how a request ended.
const OUTCOME_LABELS: [&str; 13] = [
    "code",
    "status",
    "status_code",
    "response_code",
    "http_status",
    "http_code",
    "http_status_code",
    "http_response_status_code",
    "result",
    "outcome",
    "success",
    "error",
    "status_class",
];
/// Labels that tell the arm even where their value is no word of the lists below.
const ARM_LABELS: [&str; 14] = [
    "variant",
    "variation",
    "arm",
    "track",
    "model",
    "model_name",
    "model_version",
    "version",
    "release",
    "prompt_version",
    "deployment",
    "destination_version",
    "rollouts_pod_template_hash",
    "canary",
];

/// Restates a selector, or says why that cannot be done.
pub(super) fn series(
    selector: &VectorSelector,
    settings: &ImportSettings,
    (place, notes): (&str, &Notes),
) -> Result<Series, String> {
    if !selector.matchers.or_matchers.is_empty() {
        return Err("label matchers joined by \"or\" are not supported".to_owned());
    }
    if selector.offset.is_some() || selector.at.is_some() {
        return Err("offset and @ look at another time than now".to_owned());
    }
    let matchers = &selector.matchers.matchers;
    let by_label = matchers.iter().find(|m| m.name == "__name__");
    let name = selector
        .name
        .as_deref()
        .or(by_label.map(|m| m.value.as_str()))
        .ok_or("a selector without a metric name")?;
    let mut counts = meaning(name, settings, (place, notes))?;
    let mut arm = None;
    for matcher in matchers.iter().filter(|m| m.name != "__name__") {
        if OUTCOME_LABELS.contains(&matcher.name.as_str()) {
            counts = with_outcome(counts, matcher)?;
        } else if let Some(found) = arm_of(matcher, settings, (place, notes)) {
            if arm.is_some_and(|known| known != found) {
                return Err(format!("the labels of {name} name two arms"));
            }
            arm = Some(found);
        } else {
            notes.lose(
                place,
                format!(
                    "{}{}\"{}\" selects a part of the requests; the log is taken whole",
                    matcher.name, matcher.op, matcher.value
                ),
            );
        }
    }
    let arm = arm.unwrap_or_else(|| {
        let text =
            format!("{name} names no arm: the requests of all arms are counted as one series");
        notes.assume(place, text);
        Arm::All
    });
    Ok(Series { counts, arm })
}

/// By the user's word, else by the name.
fn meaning(
    name: &str,
    settings: &ImportSettings,
    (place, notes): (&str, &Notes),
) -> Result<Counts, String> {
    if let Some((_, given)) = settings.counters.iter().find(|(known, _)| known == name) {
        return Ok(match given {
            CounterMeaning::Requests => Counts::Requests,
            CounterMeaning::Successes => Counts::Successes,
            CounterMeaning::Errors => Counts::Errors,
        });
    }
    let lower = name.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    let stem = |suffix: &str| lower.ends_with(suffix);
    let counts = if stem("_bucket") || stem("_sum") {
        let (quantity, factor) = quantity(&lower, (place, notes));
        if stem("_bucket") {
            Counts::Buckets(quantity, factor)
        } else {
            Counts::Sum(quantity, factor)
        }
    } else if has(&["success", "succeeded"]) {
        Counts::Successes
    } else if has(&["error", "fail", "5xx", "exception"]) {
        Counts::Errors
    } else if has(&["tokens"]) && !stem("_count") {
        let (quantity, factor) = quantity(&lower, (place, notes));
        Counts::Sum(quantity, factor)
    } else if has(&[
        "request",
        "completion",
        "call",
        "response",
        "invocation",
        "query",
        "queries",
        "prediction",
        "inference",
    ]) || stem("_count")
    {
        Counts::Requests
    } else {
        return Err(format!(
            "it is not known what {name} counts; say so with --counter {name}=requests, =successes or =errors"
        ));
    };
    let word = match counts {
        Counts::Requests => "requests",
        Counts::Successes => "successful requests",
        Counts::Errors => "failed requests",
        Counts::Sum(..) | Counts::Buckets(..) => return Ok(counts),
    };
    notes.assume(place, format!("{name} counts {word}"));
    Ok(counts)
}

/// Which column of the log a histogram or sum is about, and the factor to the log's unit.
fn quantity(name: &str, (place, notes): (&str, &Notes)) -> (&'static str, f64) {
    let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
    if has(&["rating", "score", "feedback"]) {
        return ("rating", 1.0);
    }
    if has(&["cost", "spend"]) {
        return ("cost", 1.0);
    }
    if has(&["tokens"]) {
        let is_input = has(&["prompt", "input", "request"]);
        return (if is_input { "tokens_in" } else { "tokens_out" }, 1.0);
    }
    let quantity = if has(&["ttft", "first_token", "first_chunk"]) {
        "ttft"
    } else {
        "latency"
    };
    if has(&["_milliseconds", "_ms", "millis"]) {
        return (quantity, 1.0);
    }
    if !has(&["seconds", "_s_"]) {
        notes.assume(
            place,
            format!("{name} is in seconds, as Prometheus recommends"),
        );
    }
    (quantity, 1000.0)
}

/// Requests whose outcome label matches.
fn with_outcome(counts: Counts, matcher: &Matcher) -> Result<Counts, String> {
    if counts != Counts::Requests {
        return Ok(counts); // a success counter restricted to code 200 counts successes all the same
    }
    let matches = |words: &[&str]| words.iter().any(|word| matcher.is_match(word));
    let (good, bad): (&[&str], &[&str]) = if matcher.name == "error" {
        (&["false", "0", "", "none"], &["true", "1", "timeout"])
    } else if matcher.value.contains(|c: char| c.is_ascii_digit()) {
        (&["200", "2xx"], &["500", "503", "5xx"])
    } else {
        (
            &["success", "ok", "OK", "true", "completed"],
            &["error", "failure", "failed", "false", "ERROR"],
        )
    };
    let (good, bad) = (matches(good), matches(bad));
    match (good, bad) {
        (true, false) => Ok(Counts::Successes),
        (false, true) => Ok(Counts::Errors),
        (true, true) => Ok(Counts::Requests),
        (false, false) => Err(format!(
            "{}{}\"{}\" selects requests that are neither all successes nor all errors",
            matcher.name, matcher.op, matcher.value
        )),
    }
}

/// The arm that a label names.
fn arm_of(
    matcher: &Matcher,
    settings: &ImportSettings,
    (place, notes): (&str, &Notes),
) -> Option<Arm> {
    let is = |given: &Option<String>| given.as_ref().is_some_and(|value| matcher.is_match(value));
    let is_positive = matches!(matcher.op, MatchOp::Equal | MatchOp::Re(_));
    let (is_canary, is_baseline) = (is(&settings.canary), is(&settings.baseline));
    if is_canary != is_baseline {
        return Some(if is_canary {
            Arm::Canary
        } else {
            Arm::Baseline
        });
    }
    let value = matcher.value.to_lowercase();
    let named = match (
        ArmWord::Treatment.is_in(&value),
        ArmWord::Control.is_in(&value),
    ) {
        (true, false) => Some(Arm::Canary),
        (false, true) => Some(Arm::Baseline),
        _ => None,
    };
    match named {
        Some(Arm::Canary) if !is_positive => Some(Arm::Baseline),
        Some(Arm::Baseline) if !is_positive => Some(Arm::Canary),
        Some(arm) => Some(arm),
        None if is_positive
            && ARM_LABELS.contains(&matcher.name.as_str())
            && settings.canary.is_none() =>
        {
            notes.assume(
                place,
                format!(
                    "{}=\"{}\" is the canary; say otherwise with --canary and --baseline",
                    matcher.name, matcher.value
                ),
            );
            Some(Arm::Canary)
        }
        None => None,
    }
}
