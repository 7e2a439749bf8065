//! Failures that hold an answer: a benchmark's own rule, or a stream that broke off late, counts as an
//! error like a refusal, and is left out of latencies.

use super::super::model::{HealthCheck, Severity};
use super::missing::is_different;
use super::{Evidence, found, some_of};
use crate::data::Quantity;
use crate::units;

const QUESTION: (&str, &str) = ("answered-failures", "Did failed requests fail?");
/// Fewer are no pattern.
const LEAST: u64 = 10;
/// Differences of less turn no decision.
const SMALL: f64 = 0.002;
/// Arms listed.
const LISTED: usize = 4;

/// Failures of one arm.
#[derive(Debug, Clone, Copy, Default)]
struct Failures {
    n: u64,
    /// With a latency, and with completion tokens or a first one.
    n_answered: u64,
}

pub(super) fn checks(evidence: &Evidence<'_>) -> Vec<HealthCheck> {
    let Some(arms) = failures(evidence) else {
        return Vec::new();
    };
    let requests = evidence.arms.iter().map(|arm| arm.n_requests);
    let counts: Vec<[u64; 2]> = requests
        .zip(&arms)
        .map(|(n, failures)| [n - failures.n_answered.min(n), failures.n_answered])
        .collect();
    let design_effect = evidence.request_design_effect;
    if counts.len() < 2 || !is_different(&counts, design_effect, SMALL) {
        return Vec::new();
    }
    let mut many: Vec<(usize, Failures)> = arms.into_iter().enumerate().collect();
    many.retain(|(_, f)| f.n_answered >= LEAST && 2 * f.n_answered >= f.n);
    if many.is_empty() {
        return Vec::new();
    }
    many.sort_by_key(|(arm, failures)| (std::cmp::Reverse(failures.n_answered), *arm));
    let compared = [Some(evidence.control), evidence.treatment];
    let is_compared = many.iter().any(|(arm, _)| compared.contains(&Some(*arm)));
    let named: Vec<String> = many.iter().map(|of_arm| words(evidence, of_arm)).collect();
    vec![found(
        QUESTION,
        if is_compared {
            Severity::Warning
        } else {
            Severity::Note
        },
        format!(
            "Failures with an answer, its tokens and its latency: {}",
            some_of(&named, LISTED)
        ),
        "They may be answers that a rule of whoever made the log rejects. They count as errors and in no latency, and whether every arm met that rule is not in the log",
        "Find out what their codes mean; if they are answers, map the status so that they count as such",
    )]
}

fn words(evidence: &Evidence<'_>, (arm, failures): &(usize, Failures)) -> String {
    let arm = &evidence.arms[*arm];
    // Where nearly all are answered, the commonest code is theirs.
    let are_all = 10 * failures.n_answered >= 9 * failures.n;
    let code = arm
        .errors
        .first()
        .filter(|error| are_all && !error.code.is_empty());
    let code = code.map_or_else(String::new, |error| {
        format!(", most with code {}", error.code)
    });
    format!(
        "{} {} of {}{code}",
        arm.name,
        units::count(failures.n_answered),
        units::count(failures.n)
    )
}

/// Per arm; `None` where the log does not show what failed, or what an answer would be.
fn failures(evidence: &Evidence<'_>) -> Option<Vec<Failures>> {
    let log = evidence.log;
    let latency = log.quantity(Quantity::LatencyMs)?;
    let signs = [Quantity::TokensOut, Quantity::TtftMs].map(|quantity| log.quantity(quantity));
    if !log.has_outcome || signs.iter().all(Option::is_none) {
        return None;
    }
    let mut arms = vec![Failures::default(); evidence.arms.len()];
    let failed = log.outcome.iter().enumerate();
    for (row, _) in failed.filter(|(_, outcome)| outcome.is_error()) {
        let of_arm = &mut arms[usize::from(log.arm[row])];
        of_arm.n += 1;
        let mut signs = signs.iter().flatten();
        let is_answered = latency[row] > 0.0 && signs.all(|sign| sign[row] > 0.0);
        of_arm.n_answered += u64::from(is_answered);
    }
    Some(arms)
}
