//! What the split should have been: equal, given, or completed from what was given.

use super::super::Strategy;
use super::super::model::{HealthCheck, Severity};
use super::{Evidence, found};
use crate::units;

/// The split that was meant.
pub(super) struct Expected {
    /// Indices of the arms that count; a stray label of a few rows is no arm that anybody planned.
    pub(super) arms: Vec<usize>,
    /// A weight for each of them.
    pub(super) weights: Vec<f64>,
    /// Whether the analyst gave them.
    pub(super) is_given: bool,
}

/// The weights that `counts` per arm are tested against.
pub(super) fn expected(evidence: &Evidence<'_>, counts: &[u64]) -> Expected {
    let largest = counts.iter().copied().max().unwrap_or(0);
    let is_planned = |i: &usize| share_of(evidence, *i).is_some() || counts[*i] * 100 >= largest;
    let arms: Vec<usize> = (0..counts.len()).filter(is_planned).collect();
    match given(evidence, &arms) {
        Some(weights) => Expected {
            arms,
            weights,
            is_given: true,
        },
        None => Expected {
            weights: vec![1.0; arms.len()],
            arms,
            is_given: false,
        },
    }
}

/// Why no fixed ratio is expected, where none is.
pub(super) fn no_split(strategy: Strategy) -> Option<&'static str> {
    match strategy {
        Strategy::Canary => {
            Some("A canary's share is set by its stages, so no fixed ratio is expected")
        }
        Strategy::BlueGreen => {
            Some("Before and after last as long as they last, so no ratio is expected")
        }
        _ => None,
    }
}

fn share_of(evidence: &Evidence<'_>, arm: usize) -> Option<f64> {
    let name = &evidence.arms[arm].name;
    let shares = &evidence.settings.expected_shares;
    shares
        .iter()
        .find(|(n, _)| n == name)
        .map(|(_, share)| *share)
}

/// The given shares of the arms; what one arm lacks is the rest to 1. `None` where more are lacking.
fn given(evidence: &Evidence<'_>, arms: &[usize]) -> Option<Vec<f64>> {
    let shares: Vec<Option<f64>> = arms.iter().map(|i| share_of(evidence, *i)).collect();
    let n_given = shares.iter().flatten().count();
    let rest = 1.0 - shares.iter().flatten().sum::<f64>();
    match arms.len() - n_given {
        0 => shares.into_iter().collect(),
        1 if n_given > 0 && rest > 0.0 => {
            Some(shares.into_iter().map(|s| s.unwrap_or(rest)).collect())
        }
        _ => None,
    }
}

/// Says what became of expected shares that do not fit the arms of the log.
pub(super) fn checks(evidence: &Evidence<'_>) -> Vec<HealthCheck> {
    let shares = &evidence.settings.expected_shares;
    if shares.is_empty() || evidence.arms.len() < 2 {
        return Vec::new();
    }
    let question = ("expected-shares", "Do the expected shares fit the arms?");
    let quoted = |names: Vec<&str>| names.join(", ");
    let unknown: Vec<&str> = shares
        .iter()
        .map(|(name, _)| name.as_str())
        .filter(|name| evidence.arms.iter().all(|arm| arm.name != **name))
        .collect();
    let counts: Vec<u64> = evidence.arms.iter().map(|arm| arm.n_requests).collect();
    let expected = expected(evidence, &counts);
    let lacking: Vec<usize> = expected
        .arms
        .iter()
        .copied()
        .filter(|arm| share_of(evidence, *arm).is_none())
        .collect();
    let names = |arms: &[usize]| -> String {
        quoted(
            arms.iter()
                .map(|i| evidence.arms[*i].name.as_str())
                .collect(),
        )
    };
    let mut checks = Vec::new();
    if !unknown.is_empty() {
        checks.push(found(
            question,
            Severity::Warning,
            format!(
                "A share is expected of {}, which is no arm of this log",
                quoted(unknown)
            ),
            "Either the label is misspelt, or the arm never reached the log",
            "Compare the label with the arms of the log",
        ));
    }
    if let ([arm], true) = (lacking.as_slice(), expected.is_given) {
        let position = expected.arms.iter().position(|i| i == arm).unwrap_or(0);
        checks.push(found(
            question,
            Severity::Note,
            format!(
                "No share was given for {}: the rest, {}, was taken",
                names(&[*arm]),
                units::share(expected.weights[position])
            ),
            "The split is tested against the given shares and this rest",
            "Give its share too if the rest is not what was meant",
        ));
    } else if !lacking.is_empty() {
        checks.push(found(
            question,
            Severity::Warning,
            format!("No share was given for {}, so the given ones were not used", names(&lacking)),
            "The split could not be tested against what was meant",
            "Give a share for every arm (settings on the overview; --expect ARM=SHARE once per arm)",
        ));
    }
    checks
}
