//! What keeps a decision from standing on its metrics: values that one arm lacks, requests that dropped
//! out of it, columns that nobody confirmed.

use super::decision::{listed, lower_first};
use super::headline::Read;
use super::model::{HealthCheck, Reason, ReasonWeight, Severity};

/// Metrics that decide and whose values the health checks found fit to be compared, and the others, each
/// with the check that says why.
pub(super) fn split<'a, 'h>(
    deciding: &[Read<'a>],
    health: &'h [HealthCheck],
) -> (Vec<Read<'a>>, Vec<(Read<'a>, &'h HealthCheck)>) {
    let (mut sound, mut unjudged) = (Vec::new(), Vec::new());
    for read in deciding {
        let is_of = |check: &&HealthCheck| check.undermines.contains(&read.0.id);
        match health.iter().find(is_of) {
            Some(check) => unjudged.push((*read, check)),
            None => sound.push(*read),
        }
    }
    (sound, unjudged)
}

/// The headline where metrics cannot be judged; `None` where all can.
pub(super) fn unjudged(name: &str, metrics: &[(Read<'_>, &HealthCheck)]) -> Option<String> {
    let (_, check) = metrics.first()?;
    let labels: Vec<String> = metrics
        .iter()
        .map(|((row, _), _)| lower_first(&row.label))
        .collect();
    let why = match check.id {
        "zero-latency" => "more of the latencies are 0 in one arm",
        _ => "more of the values are missing in one arm",
    };
    let labels = listed(&labels);
    Some(format!(
        "Hold {name}: {labels} cannot be judged, because {why}"
    ))
}

/// The headline where something that could hide harm forbids shipping; `None` where nothing does.
pub(super) fn unshipped(name: &str, health: &[HealthCheck]) -> Option<String> {
    let check = health.iter().find(|check| check.forbids_shipping)?;
    let why = match check.id {
        "lost-requests" => "the requests that it loses could hide harm".to_owned(),
        "rows-without-arm" => "failed requests that name no arm could hide harm".to_owned(),
        "unconfirmed-columns" => "a column that decides is not confirmed".to_owned(),
        _ => lower_first(&check.finding),
    };
    Some(format!(
        "Hold {name}: every guardrail is better or within its margin, but {why}"
    ))
}

/// Both as reasons. An unsound log has its own.
pub(super) fn reasons(metrics: &[(Read<'_>, &HealthCheck)], health: &[HealthCheck]) -> Vec<Reason> {
    if health.iter().any(|check| check.severity == Severity::Stop) {
        return Vec::new();
    }
    let unjudged = metrics.iter().map(|((row, _), check)| {
        let finding = lower_first(&check.finding);
        format!("{} is not judged: {finding}", row.label)
    });
    let forbids = health.iter().filter(|check| check.forbids_shipping);
    unjudged
        .chain(forbids.map(|check| check.finding.clone()))
        .map(|text| Reason {
            weight: ReasonWeight::Open,
            text,
        })
        .collect()
}
