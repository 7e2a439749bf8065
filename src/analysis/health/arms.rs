//! Whether there is something to compare, and enough of it.

use super::super::model::{HealthCheck, Severity};
use super::work::is_groups;
use super::{Evidence, fine, found};
use crate::units;

/// Fewer requests than this in an arm tell little.
const FEW_REQUESTS: u64 = 100;
/// Fewer users than this tell little of how users vary.
const FEW_USERS: u64 = 20;

pub(super) fn checks(evidence: &Evidence<'_>) -> Vec<HealthCheck> {
    let mut checks: Vec<HealthCheck> = if evidence.arms.len() < 2 {
        vec![single_arm()]
    } else {
        few_requests(evidence)
            .into_iter()
            .chain(few_users(evidence))
            .collect()
    };
    checks.extend(outcomes(evidence));
    checks.extend(segment_values(evidence));
    checks
}

fn single_arm() -> HealthCheck {
    found(
        ("arms", "Are there two arms to compare?"),
        Severity::Stop,
        "The log has one arm only".to_owned(),
        "The figures describe this arm; no comparison, rule or decision stands on them",
        "Map the column that tells the variants apart, or open a log that holds both",
    )
}

fn few_requests(evidence: &Evidence<'_>) -> Option<HealthCheck> {
    let few: Vec<String> = evidence
        .arms
        .iter()
        .filter(|arm| arm.n_requests < FEW_REQUESTS)
        .map(|arm| format!("{}: {}", arm.name, units::count(arm.n_requests)))
        .collect();
    (!few.is_empty()).then(|| {
        found(
            ("few-requests", "Has every arm enough requests?"),
            Severity::Warning,
            format!("Fewer than {FEW_REQUESTS} requests in {}", few.join(", ")),
            "Tails and error shares of so few requests say little",
            "Collect more, or leave the arm out",
        )
    })
}

/// However many requests they sent: that users differ is seen between users alone.
fn few_users(evidence: &Evidence<'_>) -> Option<HealthCheck> {
    let few: Vec<String> = evidence
        .arms
        .iter()
        .zip(evidence.by_user)
        .filter_map(|(arm, rows)| {
            let n = arm.n_units?;
            let sizes = sizes(rows.units());
            let effective = effective(&sizes);
            let largest = sizes.iter().max().copied().unwrap_or(0);
            let share = units::share(largest as f64 / rows.len().max(1) as f64);
            let is_few = n < FEW_USERS;
            (is_few || effective < FEW_USERS as f64).then(|| {
                let (name, n) = (&arm.name, units::count(n));
                if is_few {
                    format!("{name}: {n}")
                } else {
                    let effective = units::number(effective);
                    format!(
                        "{name}: {n}, who count as {effective}, as one sent {share} of its requests"
                    )
                }
            })
        })
        .collect();
    (!few.is_empty()).then(|| {
        found(
            ("few-users", "Has every arm enough users?"),
            Severity::Warning,
            format!("Fewer than {FEW_USERS} users in {}", few.join("; ")),
            "Users differ, and so few tell little of how much: intervals by user are wide and rough, and below 5 users an arm nothing is judged. What one user does most of is that user's doing",
            "Collect more users, look at the largest one apart, or choose requests as the unit if users have nothing to do with the assignment",
        )
    })
}

/// Requests of each unit.
fn sizes(units: &[u32]) -> Vec<u64> {
    let highest = units.iter().max().map_or(0, |unit| *unit as usize);
    let mut sizes = vec![0; highest + 1];
    for unit in units {
        sizes[*unit as usize] += 1;
    }
    sizes
}

/// Units of equal size that would tell as much (Kish 1965).
fn effective(sizes: &[u64]) -> f64 {
    let sum: u64 = sizes.iter().sum();
    let squares: f64 = sizes.iter().map(|n| (*n as f64).powi(2)).sum();
    if squares > 0.0 {
        (sum as f64).powi(2) / squares
    } else {
        0.0
    }
}

fn outcomes(evidence: &Evidence<'_>) -> Option<HealthCheck> {
    let question = ("outcomes", "Can success and failure be told apart?");
    let log = evidence.log;
    if !log.has_outcome {
        return Some(found(
            question,
            Severity::Note,
            if log.doubts.iter().any(|doubt| doubt.is_of_outcome) {
                "No status or error column of the log could be read".to_owned()
            } else {
                "The log has no status or error column".to_owned()
            },
            "Error shares cannot be shown, and failed requests may be among the latencies",
            "Map a status column if there is one",
        ));
    }
    let n_unknown: u64 = evidence.arms.iter().map(|arm| arm.outcomes.unknown).sum();
    if n_unknown == 0 {
        return None;
    }
    let share = n_unknown as f64 / n_requests(evidence).max(1) as f64;
    let finding = format!(
        "{} requests ({}) have no readable outcome",
        units::count(n_unknown),
        units::share(share)
    );
    let is_bad = share > 0.05 || evidence.arms.iter().all(|arm| arm.outcomes.ok == 0);
    Some(if is_bad {
        found(
            question,
            Severity::Warning,
            finding,
            "Requests without an outcome are left out of error shares",
            "Check that the status column was read rightly",
        )
    } else {
        fine(question.0, question.1, finding)
    })
}

fn n_requests(evidence: &Evidence<'_>) -> u64 {
    evidence.arms.iter().map(|arm| arm.n_requests).sum()
}

/// A column with nearly as many values as rows names things rather than kinds of them.
fn segment_values(evidence: &Evidence<'_>) -> Option<HealthCheck> {
    let n = n_requests(evidence) as usize;
    let fine_grained: Vec<String> = evidence
        .log
        .segments
        .iter()
        .filter(|segment| !is_groups(segment, n))
        .map(|segment| {
            let values = units::count(segment.values.len() as u64);
            format!("{} has {values} values or more", segment.name)
        })
        .collect();
    (!fine_grained.is_empty()).then(|| {
        found(
            ("segment-values", "Do the segments hold groups of requests?"),
            Severity::Note,
            fine_grained.join(", "),
            "Groups of so few requests show no effect, and testing them all costs the others their evidence",
            "Leave the column out of the mapping, or group its values in the export",
        )
    })
}
