//! Sample ratio mismatch: arm sizes that chance does not explain.

use super::super::model::{HealthCheck, Severity};
use super::expected::{Expected, expected, no_split};
use super::{ALARMING, Evidence, fine, found};
use crate::stats::sample_ratio_clustered;
use crate::units;

const SUSPICIOUS: f64 = 0.01;
/// Arms further than this from equal shares were hardly meant to be equal.
const UNEQUAL_BY_DESIGN: f64 = 0.5;

pub(super) fn checks(evidence: &Evidence<'_>) -> Vec<HealthCheck> {
    if evidence.arms.len() < 2 {
        return Vec::new();
    }
    let by_request: Vec<u64> = evidence.arms.iter().map(|arm| arm.n_requests).collect();
    let by_unit: Option<Vec<u64>> = evidence.arms.iter().map(|arm| arm.n_units).collect();
    let requests = ratio(
        (
            "sample-ratio-requests",
            "Did each arm get its share of requests?",
        ),
        &by_request,
        evidence.request_design_effect,
        evidence,
    );
    let users = by_unit.map(|counts| {
        let question = ("sample-ratio-units", "Did each arm get its share of users?");
        ratio(question, &counts, 1.0, evidence)
    });
    std::iter::once(requests).chain(users).collect()
}

/// Whether arms are so far from equal that the split was hardly meant to be.
pub(super) fn is_unequal_by_design(counts: &[u64]) -> bool {
    let mean = counts.iter().sum::<u64>() as f64 / counts.len().max(1) as f64;
    counts
        .iter()
        .any(|n| (*n as f64 / mean - 1.0).abs() > UNEQUAL_BY_DESIGN)
}

fn ratio(
    question: (&'static str, &str),
    counts: &[u64],
    design_effect: f64,
    evidence: &Evidence<'_>,
) -> HealthCheck {
    let listed: Vec<String> = evidence
        .arms
        .iter()
        .zip(counts)
        .map(|(arm, n)| format!("{} {}", arm.name, units::count(*n)))
        .collect();
    let shown = listed.join(", ");
    let Expected {
        arms,
        weights,
        is_given,
    } = expected(evidence, counts);
    if let Some(why) = no_split(evidence.strategy.strategy).filter(|_| !is_given) {
        return found(
            question,
            Severity::Note,
            format!("{shown}. {why}"),
            "",
            "If the split was fixed, name the expected shares (settings on the overview; --expect ARM=SHARE)",
        );
    }
    let counts: Vec<u64> = arms.iter().map(|i| counts[*i]).collect();
    let Some(test) = sample_ratio_clustered(&counts, &weights, design_effect) else {
        return fine(question.0, question.1, format!("{shown}. Too few to test"));
    };
    let against = if is_given {
        "expected shares"
    } else {
        "equal shares"
    };
    let allowance = if design_effect > 1.0 {
        let effect = units::number(design_effect);
        format!(" allowing for users who send many requests (design effect {effect})")
    } else {
        String::new()
    };
    let p = units::p_is(test.p);
    let finding = format!("{shown}; against {against}{allowance}, chi-square {p}");
    let check = if test.p >= SUSPICIOUS {
        fine(question.0, question.1, finding)
    } else if !is_given && is_unequal_by_design(&counts) {
        found(
            question,
            Severity::Warning,
            finding,
            "The split looks unequal by design, so nothing tells whether it went as planned. If equal shares were meant, assignment or logging is broken",
            "Give the expected shares so that the split can be tested",
        )
    } else if test.p < ALARMING {
        found(
            question,
            Severity::Stop,
            finding,
            "Chance does not explain this: requests or users are missing from an arm, or assignment is broken. What is missing is seldom like the rest",
            "Find out which before trusting any difference",
        )
    } else {
        found(
            question,
            Severity::Warning,
            finding,
            "Chance seldom explains this",
            "Check assignment and logging",
        )
    };
    HealthCheck {
        test: Some(test),
        ..check
    }
}
