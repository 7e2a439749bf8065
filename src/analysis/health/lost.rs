//! Requests that stand in no figure: where one arm loses more of them than another, harm can hide.

use std::fmt::Write as _;

use super::super::model::{HealthCheck, Severity};
use super::missing::{is_different, missing};
use super::{Evidence, fine, found};
use crate::units;

const LOST: (&str, &str) = (
    "lost-requests",
    "Do requests drop out equally often in each arm?",
);
const UNASSIGNED: (&str, &str) = ("rows-without-arm", "Does every row name its arm?");

/// Differences of less hide no harm that a decision would turn on.
const SMALL: f64 = 0.002;

/// Why requests are in no figure, with their numbers per arm: kept, lost.
struct Loss {
    why: &'static str,
    counts: Vec<[u64; 2]>,
}

pub(super) fn checks(evidence: &Evidence<'_>) -> Vec<HealthCheck> {
    let lost = (evidence.arms.len() > 1).then(|| lost(evidence)).flatten();
    lost.into_iter().chain(unassigned(evidence)).collect()
}

/// Whether outcomes cannot be read more often in one arm than another.
pub(super) fn has_uneven_outcomes(evidence: &Evidence<'_>) -> bool {
    let unknown = losses(evidence).into_iter().next();
    unknown.is_some_and(|loss| is_uneven(evidence, &loss.counts))
}

/// Without an outcome, given up by the client, or left out while reading; in this order.
fn losses(evidence: &Evidence<'_>) -> [Loss; 3] {
    let of_outcomes = |why, count: fn(&super::super::model::OutcomeCounts) -> u64| Loss {
        why,
        counts: (evidence.arms.iter())
            .map(|arm| [arm.n_requests - count(&arm.outcomes), count(&arm.outcomes)])
            .collect(),
    };
    let n_arms = evidence.arms.len();
    let of_reading = (0..n_arms).map(|arm| {
        let (lost, all) = evidence.log.left_out.of_arm(arm);
        [all - lost, lost]
    });
    [
        of_outcomes(
            "Without a readable outcome",
            // Nothing is lost that no column could hold.
            if evidence.log.has_outcome {
                |o| o.unknown
            } else {
                |_| 0
            },
        ),
        of_outcomes("Given up by the client", |o| o.cancelled),
        Loss {
            why: "Left out for want of a time",
            counts: of_reading.collect(),
        },
    ]
}

fn is_uneven(evidence: &Evidence<'_>, counts: &[[u64; 2]]) -> bool {
    is_different(counts, evidence.request_design_effect, SMALL)
}

fn lost(evidence: &Evidence<'_>) -> Option<HealthCheck> {
    let losses = losses(evidence);
    if losses
        .iter()
        .flat_map(|loss| &loss.counts)
        .all(|c| c[1] == 0)
    {
        return None;
    }
    let uneven: Vec<&Loss> = losses
        .iter()
        .filter(|loss| is_uneven(evidence, &loss.counts))
        .collect();
    if uneven.is_empty() {
        let finding = "No arm loses clearly more of its requests than another".to_owned();
        return Some(fine(LOST.0, LOST.1, finding));
    }
    let said = uneven.iter().map(|loss| {
        let arms = evidence.arms.iter().zip(&loss.counts);
        let shares = arms.map(|(arm, c)| format!("{} {}", arm.name, units::share(missing(c))));
        format!("{}: {}", loss.why, shares.collect::<Vec<_>>().join(", "))
    });
    let mut finding = said.collect::<Vec<_>>().join(". ");
    let hidden = excess(evidence, &uneven).and_then(|excess| could_hide(evidence, excess));
    if let Some((worst, margin)) = &hidden {
        let _infallible = write!(
            finding,
            ". Had these requests failed, the error share could be {worst} higher, beyond its margin of {margin}"
        );
    }
    Some(HealthCheck {
        forbids_shipping: hidden.is_some(),
        ..found(
            LOST,
            Severity::Warning,
            finding,
            "They count as neither answered nor failed, nor in latencies: the arm that loses more of them may look better than it is",
            "Find out what became of them; where they failed, say so in the status (--derive), or export them whole",
        )
    })
}

/// The share of its requests that the treatment loses beyond the control's.
fn excess(evidence: &Evidence<'_>, uneven: &[&Loss]) -> Option<f64> {
    let treatment = evidence.treatment?;
    let of_loss = |loss: &&Loss| {
        let pair = [loss.counts[evidence.control], loss.counts[treatment]];
        let more = missing(&pair[1]) - missing(&pair[0]);
        (more > 0.0 && is_uneven(evidence, &pair)).then_some(more)
    };
    Some(uneven.iter().filter_map(of_loss).sum())
}

/// How far the treatment's error share could be above the control's if so much more of its requests
/// had failed, and the margin; `None` where that stays within it.
fn could_hide(evidence: &Evidence<'_>, excess: f64) -> Option<(String, String)> {
    let errors = evidence
        .scorecard
        .iter()
        .find(|row| row.id == "error_share");
    let effect = errors.and_then(|row| row.effect_of(evidence.treatment?));
    let upper = effect.and_then(|effect| Some(effect.difference?.interval.upper));
    let upper = upper.filter(|upper| upper.is_finite());
    let worst = upper.map_or(0.0, |upper| upper.max(0.0)) + excess;
    let margin = effect.and_then(|effect| effect.margin);
    let margin = margin.unwrap_or(evidence.settings.margins.error_share);
    let points = |share| {
        let change = units::ValueForm::Share.change(share);
        change.trim_start_matches('+').to_owned()
    };
    let said = (points(worst), points(margin));
    (excess > 0.0 && worst > margin).then_some(said)
}

/// Rows without an arm are seldom of the rollout at all; where they failed more than the others, they may
/// be what one arm lost.
fn unassigned(evidence: &Evidence<'_>) -> Option<HealthCheck> {
    let left_out = &evidence.log.left_out;
    let rows = left_out.without_arm;
    if rows.n == 0 {
        return None;
    }
    let n_kept: u64 = left_out.n_kept.iter().sum();
    let share = rows.n as f64 / (rows.n + n_kept) as f64;
    let mut finding = format!(
        "{} rows ({}) name no arm and were left out",
        units::count(rows.n),
        units::share(share)
    );
    let (n_counted, n_failed) = evidence.arms.iter().fold((0, 0), |(n, failed), arm| {
        let o = &arm.outcomes;
        let errors = o.error + o.rate_limited;
        (n + o.ok + errors, failed + errors)
    });
    let failures = [
        [n_counted - n_failed, n_failed],
        [rows.n - rows.n_failed, rows.n_failed],
    ];
    let more = missing(&failures[1]) - missing(&failures[0]);
    if more <= 0.0 || !is_uneven(evidence, &failures) {
        return Some(found(
            UNASSIGNED,
            Severity::Note,
            finding,
            "They fail no more often than the others; they are in no figure",
            "",
        ));
    }
    let _infallible = write!(
        finding,
        ". Of them {} failed, of the others {}",
        units::share(missing(&failures[1])),
        units::share(missing(&failures[0]))
    );
    let n_treatment = evidence
        .treatment
        .map_or(0, |arm| evidence.arms[arm].n_requests);
    let excess = more * rows.n as f64 / (n_treatment + rows.n) as f64;
    Some(HealthCheck {
        forbids_shipping: could_hide(evidence, excess).is_some(),
        ..found(
            UNASSIGNED,
            Severity::Warning,
            finding,
            "If they belong to one arm, it looks better than it is",
            "Find out which arm served them; if none did, leave them out with rows in a mapping file",
        )
    })
}
