//! Sample ratio mismatch: arm sizes that chance does not explain.
//!
//! Only the two arms that are decided on can forbid a conclusion. Further arms are tested together
//! with them, and named where they are off.

use super::super::arms;
use super::super::model::{HealthCheck, Severity};
use super::designed::Design;
use super::expected::{Expected, expected, no_split};
use super::{ALARMING, Evidence, fine, found};
use crate::data::ArmWord;
use crate::stats::{TestResult, holm, sample_ratio_clustered};
use crate::units;

const SUSPICIOUS: f64 = 0.01;
/// Arms further than this from equal shares were hardly meant to be equal.
const UNEQUAL_BY_DESIGN: f64 = 0.5;
/// An arm that lacks less than this of what it was meant to get is a remark.
const SLIGHTLY_SHORT: f64 = 0.02;
/// Users in several arms beyond this share: who is in an arm says nothing of how they were split.
const SHARED: f64 = 0.5;

const REQUESTS: (&str, &str) = (
    "sample-ratio-requests",
    "Did each arm get its share of requests?",
);
const USERS: (&str, &str) = ("sample-ratio-units", "Did each arm get its share of users?");
const OTHERS: (&str, &str) = (
    "sample-ratio-arms",
    "Did the arms beside control and treatment get their shares?",
);

pub(super) fn checks(evidence: &Evidence<'_>) -> Vec<HealthCheck> {
    let Some(treatment) = evidence.treatment else {
        return Vec::new();
    };
    let by_request: Vec<u64> = evidence.arms.iter().map(|arm| arm.n_requests).collect();
    let by_unit: Option<Vec<u64>> = evidence.arms.iter().map(|arm| arm.n_units).collect();
    let design = Design::of(&by_request);
    let pair = [evidence.control, treatment];
    let effect = evidence.request_design_effect;
    let requests = if is_as_meant(design.as_ref(), &by_request, pair) {
        fine(
            REQUESTS.0,
            REQUESTS.1,
            as_meant(evidence, &by_request, pair),
        )
    } else {
        ratio(REQUESTS, &by_request, pair, effect, evidence)
    };
    let users = by_unit.as_ref().map(|counts| {
        shared_users(evidence, counts, pair)
            .unwrap_or_else(|| ratio(USERS, counts, pair, 1.0, evidence))
    });
    // Users were assigned, where they are not the same in all arms.
    let others = match (&by_unit, &design) {
        (Some(counts), None) if !has_shared_users(evidence) => {
            others(evidence, (counts, "users", 1.0), None, pair)
        }
        _ => others(
            evidence,
            (&by_request, "requests", effect),
            design.as_ref(),
            pair,
        ),
    };
    std::iter::once(requests)
        .chain(users)
        .chain(others)
        .collect()
}

/// Whether arms are so far from equal that the split was hardly meant to be.
pub(super) fn is_unequal_by_design(counts: &[u64]) -> bool {
    let mean = counts.iter().sum::<u64>() as f64 / counts.len().max(1) as f64;
    counts
        .iter()
        .any(|n| (*n as f64 / mean - 1.0).abs() > UNEQUAL_BY_DESIGN)
}

fn listed(evidence: &Evidence<'_>, counts: &[u64], arms: &[usize]) -> String {
    let arms = arms.iter().map(|i| {
        let name = &evidence.arms[*i].name;
        format!("{name} {}", units::count(counts[*i]))
    });
    arms.collect::<Vec<_>>().join(", ")
}

/// Unequal arms of a benchmark that both have what they were meant to.
fn is_as_meant(design: Option<&Design>, counts: &[u64], [a, b]: [usize; 2]) -> bool {
    design.is_some_and(|design| {
        let short = design.short(counts);
        design.meant[a] != design.meant[b] && short.iter().all(|(i, _)| *i != a && *i != b)
    })
}

fn as_meant(evidence: &Evidence<'_>, counts: &[u64], pair: [usize; 2]) -> String {
    format!(
        "{}; counts look set beforehand, as in a benchmark, so they are not tested against equal shares",
        listed(evidence, counts, &pair)
    )
}

fn has_shared_users(evidence: &Evidence<'_>) -> bool {
    let crossing = evidence.crossing;
    crossing.is_some_and(|c| c.n_in_several as f64 > SHARED * c.n_units as f64)
}

/// The same people in all arms, as in a benchmark: their numbers are no outcome of a split.
fn shared_users(
    evidence: &Evidence<'_>,
    counts: &[u64],
    [a, b]: [usize; 2],
) -> Option<HealthCheck> {
    let crossing = evidence.crossing?;
    has_shared_users(evidence).then(|| {
        let finding = format!(
            "Not tested, because the arms share their users: {} has {} of {}, {} {}",
            evidence.arms[a].name,
            units::count(counts[a]),
            units::count(crossing.n_units),
            evidence.arms[b].name,
            units::count(counts[b])
        );
        fine(USERS.0, USERS.1, finding)
    })
}

/// The weights of some arms; equal where none were given.
fn weights_of(expected: &Expected, arms: &[usize]) -> Vec<f64> {
    let weight = |arm: &usize| {
        let place = expected.arms.iter().position(|i| i == arm)?;
        Some(expected.weights[place])
    };
    let weights: Option<Vec<f64>> = arms.iter().map(weight).collect();
    weights.unwrap_or_else(|| vec![1.0; arms.len()])
}

fn against(expected: &Expected) -> &'static str {
    if expected.is_given {
        "expected shares"
    } else {
        "equal shares"
    }
}

/// Control and treatment: what is decided stands on them.
fn ratio(
    question: (&'static str, &str),
    counts: &[u64],
    pair: [usize; 2],
    design_effect: f64,
    evidence: &Evidence<'_>,
) -> HealthCheck {
    let shown = listed(evidence, counts, &pair);
    let expected = expected(evidence, counts);
    let is_given = expected.is_given;
    if let Some(why) = no_split(evidence.strategy.strategy).filter(|_| !is_given) {
        return found(
            question,
            Severity::Note,
            format!("{shown}. {why}"),
            "",
            "If the split was fixed, name the expected shares (settings on the overview; --expect ARM=SHARE)",
        );
    }
    let weights = weights_of(&expected, &pair);
    let counts = pair.map(|i| counts[i]);
    let Some(test) = sample_ratio_clustered(&counts, &weights, design_effect) else {
        return fine(question.0, question.1, format!("{shown}. Too few to test"));
    };
    let against = against(&expected);
    let allowance = if design_effect > 1.0 {
        let effect = units::number(design_effect);
        format!(" allowing for users who send many requests (design effect {effect})")
    } else {
        String::new()
    };
    let p = units::p_is(test.p);
    let n_choices = choices(evidence);
    let p_of_choice = (test.p * n_choices as f64).min(1.0);
    let chosen = if n_choices > 1 {
        let p = units::p_is(p_of_choice);
        format!(", corrected for the choice among {n_choices} arms {p}")
    } else {
        String::new()
    };
    let finding = format!("{shown}; against {against}{allowance}, chi-square {p}{chosen}");
    let check = if p_of_choice >= SUSPICIOUS {
        fine(question.0, question.1, finding)
    } else if !is_given && is_unequal_by_design(&counts) {
        found(
            question,
            Severity::Warning,
            finding,
            "The split looks unequal by design, so nothing tells whether it went as planned. If equal shares were meant, assignment or logging is broken",
            "Give the expected shares so that the split can be tested",
        )
    } else if p_of_choice < ALARMING {
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

/// From how many arms the treatment was chosen for its size, of which the largest is large by chance too.
fn choices(evidence: &Evidence<'_>) -> usize {
    let is_named = evidence.settings.treatment.is_some()
        || arms::known(evidence.log, ArmWord::Treatment).is_some();
    if is_named { 1 } else { evidence.arms.len() - 1 }
}

/// All arms together, where there are more than two; a warning names those that are off.
fn others(
    evidence: &Evidence<'_>,
    (counts, what, effect): (&[u64], &str, f64),
    design: Option<&Design>,
    pair: [usize; 2],
) -> Option<HealthCheck> {
    let expected = expected(evidence, counts);
    let has_split = expected.is_given || no_split(evidence.strategy.strategy).is_none();
    if expected.arms.len() < 3 || !has_split {
        return None;
    }
    let of_all: Vec<u64> = expected.arms.iter().map(|i| counts[*i]).collect();
    let test = sample_ratio_clustered(&of_all, &expected.weights, effect)?;
    let check = match design.filter(|_| !expected.is_given) {
        Some(design) => of_design(evidence, counts, design, &test),
        None => of_shares(evidence, (counts, what, effect), (&expected, &test), pair),
    };
    Some(HealthCheck {
        test: Some(test),
        ..check
    })
}

/// Counts that were set beforehand: which arm fell short of them.
fn of_design(
    evidence: &Evidence<'_>,
    counts: &[u64],
    design: &Design,
    test: &TestResult,
) -> HealthCheck {
    let short = design.short(counts);
    let base = units::count(design.base);
    let mut finding = if design.is_equal() {
        format!(
            "Counts look set beforehand, as in a benchmark: {base} requests each; all arms against equal shares, chi-square {}",
            units::p_is(test.p)
        )
    } else {
        let all: Vec<usize> = (0..counts.len()).collect();
        format!(
            "Counts look set beforehand, as in a benchmark, in multiples of {base} requests: {}",
            listed(evidence, counts, &all)
        )
    };
    if short.is_empty() {
        return fine(OTHERS.0, OTHERS.1, finding);
    }
    let named: Vec<String> = short
        .iter()
        .map(|(i, meant)| {
            let (name, n) = (&evidence.arms[*i].name, units::count(counts[*i]));
            format!("{name} {n} of {}", units::count(*meant))
        })
        .collect();
    finding = format!("{finding}. Short of that: {}", named.join(", "));
    let is_short =
        |(i, meant): &(usize, u64)| (counts[*i] as f64) < (1.0 - SLIGHTLY_SHORT) * *meant as f64;
    if short.iter().any(is_short) {
        off(finding)
    } else {
        found(
            OTHERS,
            Severity::Note,
            finding,
            "Requests that are missing are seldom like the rest: those that took longest are lost first",
            "Look for the missing requests in the benchmark's own record",
        )
    }
}

/// Shares that were given, or equal ones: which arm departs from what control and treatment promise.
fn of_shares(
    evidence: &Evidence<'_>,
    (counts, what, effect): (&[u64], &str, f64),
    (expected, test): (&Expected, &TestResult),
    [a, b]: [usize; 2],
) -> HealthCheck {
    let others = expected.arms.iter().filter(|i| **i != a && **i != b);
    let tested: Vec<(usize, f64, f64)> = others
        .filter_map(|i| {
            let weights = weights_of(expected, &[a, b, *i]);
            let of_pair = counts[a] + counts[b];
            let against = [weights[0] + weights[1], weights[2]];
            let test = sample_ratio_clustered(&[of_pair, counts[*i]], &against, effect)?;
            Some((*i, test.p, of_pair as f64 * against[1] / against[0]))
        })
        .collect();
    let corrected = holm(&tested.iter().map(|(_, p, _)| *p).collect::<Vec<f64>>());
    let named: Vec<String> = tested
        .iter()
        .zip(corrected)
        .filter(|(_, p)| *p < ALARMING)
        .map(|((i, _, meant), _)| {
            let (name, n) = (&evidence.arms[*i].name, units::count(counts[*i]));
            let meant = units::count(meant.round() as u64);
            format!("{name} {n} for {meant} expected")
        })
        .collect();
    let finding = format!(
        "{} {what}; all arms against {}, chi-square {}",
        listed(evidence, counts, &expected.arms),
        against(expected),
        units::p_is(test.p)
    );
    if named.is_empty() {
        return fine(OTHERS.0, OTHERS.1, finding);
    }
    let finding = format!(
        "Beside control and treatment: {}. {finding}",
        named.join(", ")
    );
    off(finding)
}

fn off(finding: String) -> HealthCheck {
    found(
        OTHERS,
        Severity::Warning,
        finding,
        "Control and treatment do not rest on such an arm. Its own figures may lack what is missing, which is seldom like the rest",
        "Find out what is missing, and run the arm again or leave it out",
    )
}
