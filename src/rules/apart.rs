//! Rules on arms that the log never shows beside each other. Such a log has one arm at a time: a comparison
//! of both rests on which of them came first, and says nothing of the rollout.

use super::prepare::Assignment;
use super::{ArmRole, Metric, Replay, Rule, RuleReplay};
use crate::data::RequestLog;
use crate::units::{self, Clock as LogClock};

/// With less than this part of either arm beside the other, only stragglers are.
const LEAST: f64 = 0.1;

/// Whether one arm ended before the other began, but for stragglers; false where an arm has no request.
pub(super) fn are_apart(log: &RequestLog, arms: &Assignment) -> bool {
    let (canary, baseline) = (&arms.canary, &arms.baseline);
    !canary.is_empty()
        && !baseline.is_empty()
        && inside(log, canary, baseline).max(inside(log, baseline, canary)) < LEAST
}

/// The share of `rows` within the time of `other`, whose outer hundredths are left out.
fn inside(log: &RequestLog, rows: &[u32], other: &[u32]) -> f64 {
    let at = |row: u32| log.event_us[row as usize];
    let outer = other.len() / 100;
    let (low, high) = (at(other[outer]), at(other[other.len() - 1 - outer]));
    let until = rows.partition_point(|row| at(*row) <= high);
    let from = rows.partition_point(|row| at(*row) < low);
    until.saturating_sub(from) as f64 / rows.len() as f64
}

/// Why a rule cannot be judged on arms that are apart; `None` where it watches the canary alone.
pub(super) fn objection(arms: &Assignment, rule: &Rule, clock: LogClock) -> Option<String> {
    let has_times = clock != LogClock::RowOrder;
    let conditions = rule.conditions();
    let compares = conditions.iter().any(|condition| {
        condition.needs_baseline()
            || condition.arm == ArmRole::Baseline
            || condition.metric == Metric::Score
    });
    if compares {
        let why = if has_times {
            "the arms do not overlap in the log, so no request of the baseline lies beside one of the canary"
        } else {
            "the log has no times and its rows are sorted by arm, so no request of the baseline lies beside one of the canary"
        };
        return Some(why.to_owned());
    }
    let has_others = arms.all.len() > arms.canary.len() + arms.baseline.len();
    let sees_all = conditions.iter().any(|c| c.arm == ArmRole::All);
    let why = if has_times {
        "the arms ran one after another, so of all requests it sees one arm at a time"
    } else {
        "the log has no times and its rows are sorted by arm, so of all requests it sees one arm at a time"
    };
    (sees_all && has_others).then(|| why.to_owned())
}

/// Why a rule that stopped looking before the canary's first request is no rule on arms that are apart: it was
/// the other arm's.
pub(super) fn too_early(replay: &Replay, done: &RuleReplay) -> Option<String> {
    let from_us = replay.canary_from_us?;
    let last_us = done.last_evaluation_us;
    let is_early = last_us > 0 && last_us < from_us && replay.clock != LogClock::RowOrder;
    is_early.then(|| {
        format!(
            "it looks for the last time {} after the first request, and the canary's first came {} after it",
            units::duration_us(last_us),
            units::duration_us(from_us)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(canary: &[u32], baseline: &[u32], expected: bool) {
        let log = RequestLog {
            event_us: (0..1000).collect(),
            ..RequestLog::default()
        };
        let arms = Assignment {
            canary: canary.to_vec(),
            baseline: baseline.to_vec(),
            ..Assignment::default()
        };
        assert_eq!(are_apart(&log, &arms), expected, "{canary:?} {baseline:?}");
    }

    #[test]
    fn arms_are_apart_only_where_both_are_alone() {
        let rows = |from: u32, to: u32| (from..to).collect::<Vec<u32>>();
        check(&rows(600, 1000), &rows(0, 400), true);
        check(&rows(0, 400), &rows(600, 1000), true);
        // Stragglers of the old arm.
        let mut old = rows(0, 500);
        old.extend([700, 900]);
        check(&rows(510, 700), &old, true);
        // A canary that was rolled back early, and one that was promoted.
        check(&[10, 20, 30], &rows(40, 1000), true);
        check(&[10, 20, 30], &[&[5][..], &rows(40, 1000)].concat(), true);
        check(&[100, 102, 104], &rows(200, 1000), true);
        check(
            &[301, 303, 305],
            &[&rows(0, 300)[..], &rows(310, 1000)].concat(),
            false,
        );
        check(&rows(500, 1000), &rows(0, 600), false);
        check(&rows(500, 1000), &[], false);
    }
}
