//! Users in several arms.

use super::super::Strategy;
use super::super::model::{HealthCheck, Severity};
use super::super::settings::CrossingUnits;
use super::{Evidence, counted, fine, found};
use crate::units;

const QUESTION: (&str, &str) = ("crossing", "Is every user in one arm only?");

pub(super) fn checks(evidence: &Evidence<'_>) -> Vec<HealthCheck> {
    if evidence.arms.len() < 2 {
        return Vec::new();
    }
    left_out(evidence)
        .or_else(|| one_arm_each(evidence))
        .into_iter()
        .collect()
}

/// Of users that were counted: whether they came back to the control, and whether requests were
/// assigned instead of users, is not known.
pub(super) fn checks_of_counts(evidence: &Evidence<'_>) -> Vec<HealthCheck> {
    let known = evidence.crossing.filter(|_| evidence.arms.len() > 1);
    let check = known.map(|crossing| {
        let share = crossing.n_in_several as f64 / crossing.n_units.max(1) as f64;
        let finding = format!(
            "{} of {} users ({}) are in more than one arm",
            units::count(crossing.n_in_several),
            units::count(crossing.n_units),
            units::share(share)
        );
        if crossing.n_in_several == 0 {
            return fine(QUESTION.0, QUESTION.1, finding);
        }
        let is_expected = evidence.strategy.strategy != Strategy::AbTest || share < 0.001;
        found(
            QUESTION,
            if is_expected {
                Severity::Note
            } else {
                Severity::Warning
            },
            finding,
            "Whether they came back to the control, or single requests were assigned to arms, needs the request log",
            "Look at some days of the log: `hindsight inspect`",
        )
    });
    check.into_iter().collect()
}

/// After the analyst's choice nobody is left in several arms; what that cost is told.
fn left_out(evidence: &Evidence<'_>) -> Option<HealthCheck> {
    let left_out = evidence.left_out?;
    let users = counted(left_out.n_units, "user", "users");
    let requests = counted(left_out.n_requests, "request", "requests");
    let (finding, meaning) = match left_out.choice {
        CrossingUnits::Keep => return None,
        CrossingUnits::Drop => (
            format!("{users} in several arms, with {requests}, were left out as chosen"),
            "The arms are separate groups now. Whoever changes arms is seldom like the others, so the figures speak of those who stayed",
        ),
        CrossingUnits::First => (
            format!(
                "{users} in several arms were kept in their first arm as chosen; {requests} in later arms were left out"
            ),
            "The arms are separate groups now. What those users did after changing arms is not counted",
        ),
    };
    Some(found(
        QUESTION,
        if left_out.n_units == 0 {
            Severity::Ok
        } else {
            Severity::Note
        },
        finding,
        meaning,
        "Compare with --crossing keep (settings on the overview) to see what the choice changes",
    ))
}

/// Sticky users are in one arm, or move from the control to a growing canary; with routing by
/// request nearly everybody is in both.
fn one_arm_each(evidence: &Evidence<'_>) -> Option<HealthCheck> {
    let found_users = evidence.crossing?;
    let strategy = evidence.strategy.strategy;
    let is_canary = strategy == Strategy::Canary;
    let n_wrong = if is_canary {
        found_users.n_returning
    } else {
        found_users.n_in_several
    };
    let share = n_wrong as f64 / found_users.n_units.max(1) as f64;
    let of_users = |n: u64| {
        let share = units::share(n as f64 / found_users.n_units.max(1) as f64);
        format!(
            "{} of {} users ({share})",
            units::count(n),
            units::count(found_users.n_units)
        )
    };
    let n_moved = found_users
        .n_in_several
        .saturating_sub(found_users.n_returning);
    let finding = if is_canary && n_moved > 0 {
        format!(
            "{} moved from the control to a growing canary, and {} came back from it",
            of_users(n_moved),
            units::count(found_users.n_returning)
        )
    } else {
        format!(
            "{} are in more than one arm",
            of_users(found_users.n_in_several)
        )
    };
    let (severity, meaning, advice) = match strategy {
        _ if found_users.n_in_several == 0 => return Some(fine(QUESTION.0, QUESTION.1, finding)),
        Strategy::Shadow | Strategy::BlueGreen | Strategy::Sequential => (
            Severity::Note,
            "Expected where every user meets every arm; the arms are then not independent, and intervals are somewhat too wide",
            "",
        ),
        _ if found_users.by_request_ratio > 0.6 => (
            Severity::Note,
            "Requests, not users, were assigned to arms. What a user saw in one arm can colour how they rate the other; intervals by user stay valid",
            "",
        ),
        _ if n_wrong == 0 => (
            Severity::Note,
            "Expected where the canary's share grows and users stick to it",
            "",
        ),
        _ if share < 0.001 => (Severity::Note, "Too few to matter", ""),
        _ if share < 0.10 => (
            Severity::Warning,
            "Their requests blur the difference between the arms a little",
            "Look for clients that lose their assignment; leave these users out or keep their first arm (--crossing drop or first; settings on the overview)",
        ),
        _ => (
            Severity::Stop,
            "Assignment did not stick to users, nor was it by request: the arms are not separate groups",
            "Find out how users changed arms before trusting any difference",
        ),
    };
    Some(found(QUESTION, severity, finding, meaning, advice))
}
