//! Arms that fell short of their number of requests in some kinds of them, in a log whose numbers
//! somebody set beforehand.

use super::super::model::{HealthCheck, Severity};
use super::designed::Design;
use super::work::is_groups;
use super::{Evidence, found, some_of};
use crate::data::Segment;
use crate::units;

const QUESTION: (&str, &str) = (
    "short-segments",
    "Has every arm its full number of requests of each kind?",
);
/// Values with fewer requests an arm are no part of a design.
const LEAST: u64 = 30;
/// Places listed.
const LISTED: usize = 4;

pub(super) fn checks(evidence: &Evidence<'_>) -> Vec<HealthCheck> {
    let log = evidence.log;
    if log.arms.len() < 3 {
        return Vec::new();
    }
    let n_rows = log.n_rows();
    let columns = log.segments.iter().filter(|s| is_groups(s, n_rows));
    let short: Vec<(usize, String)> = columns.flat_map(|s| of_column(evidence, s)).collect();
    if short.is_empty() {
        return Vec::new();
    }
    let compared = [Some(evidence.control), evidence.treatment];
    let is_compared = short.iter().any(|(arm, _)| compared.contains(&Some(*arm)));
    let listed: Vec<String> = short.into_iter().map(|(_, text)| text).collect();
    vec![found(
        QUESTION,
        if is_compared {
            Severity::Warning
        } else {
            Severity::Note
        },
        format!(
            "Other arms have the same number to the request, but {}",
            some_of(&listed, LISTED)
        ),
        "Where the missing requests were the slowest or failed, the arm looks better than it is",
        "Look for them in the record of the run, and count them as failed if they never came back",
    )]
}

/// Arms that are short of what the others have, per value; only where most values of the column show
/// such a design.
fn of_column(evidence: &Evidence<'_>, segment: &Segment) -> Vec<(usize, String)> {
    let log = evidence.log;
    let mut counts = vec![vec![0u64; log.arms.len()]; segment.values.len()];
    for (code, arm) in segment.code.iter().zip(&log.arm) {
        counts[usize::from(*code)][usize::from(*arm)] += 1;
    }
    let large: Vec<(&String, &Vec<u64>)> = segment
        .values
        .iter()
        .zip(&counts)
        .filter(|(_, counts)| counts.iter().any(|n| *n >= LEAST))
        .collect();
    let designs = large.iter().filter_map(|(value, counts)| {
        let design = Design::of(counts).filter(Design::is_equal)?;
        Some((*value, *counts, design))
    });
    let designs: Vec<_> = designs.collect();
    if 2 * designs.len() < large.len() {
        return Vec::new();
    }
    let short = designs.into_iter().flat_map(|(value, counts, design)| {
        let of_value = design.short(counts).into_iter();
        let worded = of_value.map(|(arm, meant)| {
            let text = format!(
                "{} has {} of {} where {} is {value}",
                evidence.arms[arm].name,
                units::count(counts[arm]),
                units::count(meant),
                segment.name
            );
            (arm, text)
        });
        worded.collect::<Vec<_>>()
    });
    short.collect()
}
