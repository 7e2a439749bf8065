//! What was taken for granted while reading and would decide: nobody has confirmed it.

use super::super::model::{HealthCheck, Severity};
use super::{Evidence, found};

const QUESTION: (&str, &str) = (
    "unconfirmed-columns",
    "Is it sure what the columns of the log say?",
);

pub(super) fn checks(evidence: &Evidence<'_>) -> Vec<HealthCheck> {
    let doubts = &evidence.log.doubts;
    if doubts.is_empty() {
        return Vec::new();
    }
    let decides = doubts.iter().any(|doubt| doubt.is_of_outcome);
    let said: Vec<&str> = doubts.iter().map(|doubt| doubt.text.as_str()).collect();
    let (severity, meaning) = if decides {
        (
            Severity::Warning,
            "Another answer would give other errors or latencies, and perhaps another decision",
        )
    } else {
        (Severity::Note, "Another answer would give other figures")
    };
    vec![HealthCheck {
        forbids_shipping: decides,
        ..found(
            QUESTION,
            severity,
            said.join(" "),
            meaning,
            "Answer it on the Log screen, or say it in a mapping file",
        )
    }]
}
