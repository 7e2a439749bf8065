//! What a metric measures, told from its name, where the source gives nothing else.

use super::notes::Notes;

/// A metric of a request log, in the source's unit times `factor`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Named {
    ErrorShare,
    SuccessShare,
    Requests,
    /// A quantity and the factor to the log's unit.
    Quantity(&'static str, f64),
}

/// Seconds where the name says so, else ms.
fn factor(name: &str) -> f64 {
    if name.contains("second") && !name.contains("milli") || name.ends_with("_s") {
        1000.0
    } else {
        1.0
    }
}

/// The metric of that name, or `None` where it is not known.
pub(super) fn named(name: &str, place: &str, notes: &Notes) -> Option<Named> {
    let lower: String = name
        .to_lowercase()
        .chars()
        .filter(|c| !matches!(c, '-' | ' '))
        .collect();
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    let found = if has(&["ttft", "firsttoken", "first_token"]) {
        Named::Quantity("ttft", factor(&lower))
    } else if has(&["latency", "duration", "responsetime", "response_time"])
        || matches!(lower.as_str(), "p50" | "p90" | "p95" | "p99")
    {
        Named::Quantity("latency", factor(&lower))
    } else if has(&["success", "availability"]) {
        Named::SuccessShare
    } else if has(&["error", "fail", "5xx", "fault", "exception"]) {
        Named::ErrorShare
    } else if has(&["rating", "score", "feedback", "satisfaction"]) {
        Named::Quantity("rating", 1.0)
    } else if has(&["cost", "spend"]) {
        Named::Quantity("cost", 1.0)
    } else if has(&["inputtoken", "input_token", "prompttoken", "prompt_token"]) {
        Named::Quantity("tokens_in", 1.0)
    } else if has(&["token"]) {
        Named::Quantity("tokens_out", 1.0)
    } else if has(&["request", "invocation", "count", "traffic", "rps"]) {
        Named::Requests
    } else {
        return None;
    };
    let word = match found {
        Named::ErrorShare => "the share of failed requests",
        Named::SuccessShare => "the share of successful requests",
        Named::Requests => "the number of requests",
        Named::Quantity(quantity, _) => quantity,
    };
    notes.assume(place, format!("{name} is {word}"));
    Some(found)
}
