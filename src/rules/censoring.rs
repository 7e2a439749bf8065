//! What the log itself did to the rollout: after its end nothing of a rule can be seen.

use serde::Serialize;

use super::ReplayEvent;
use super::prepare::Assignment;
use crate::data::RequestLog;

/// The end of the comparison within the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Censoring {
    /// What ended.
    pub kind: CensoringKind,
    /// The last request of the arm that ended, since time zero.
    pub time_us: i64,
    /// Requests of the other arm after that.
    pub requests_after: u64,
    /// The event beside the log that came nearest to that, within ten minutes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<ReplayEvent>,
}

/// What ended the comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CensoringKind {
    /// The canary got no more requests: it was rolled back, or stopped.
    RolledBack,
    /// The baseline got no more requests: the canary was promoted.
    Promoted,
}

/// The arm's share is taken from so many requests before its end.
const RECENT: usize = 1000;

/// So near must an event be to have ended the comparison.
const NEAR_US: u64 = 600_000_000;

/// By chance an arm would fall silent for so long with at most this probability.
const CHANCE: f64 = 1e-6;

/// The real end of a rollout, if the log holds one.
pub(super) fn censoring(log: &RequestLog, arms: &Assignment) -> Option<Censoring> {
    silent(
        log,
        arms,
        &arms.canary,
        &arms.baseline,
        CensoringKind::RolledBack,
    )
    .or_else(|| {
        silent(
            log,
            arms,
            &arms.baseline,
            &arms.canary,
            CensoringKind::Promoted,
        )
    })
}

/// Whether `arm` falls silent while `other` goes on.
fn silent(
    log: &RequestLog,
    arms: &Assignment,
    arm: &[u32],
    other: &[u32],
    kind: CensoringKind,
) -> Option<Censoring> {
    let last = *arm.last()?;
    let split = other.partition_point(|row| *row < last);
    let n_after = other.len() - split;
    let recent = &other[split.saturating_sub(RECENT)..split];
    let from = recent.first().copied().unwrap_or(0);
    let n_arm = arm.len() - arm.partition_point(|row| *row < from);
    let share = n_arm as f64 / (n_arm + recent.len()) as f64;
    let ln_chance = n_after as f64 * (-share.min(0.999_999)).ln_1p();
    let time_us = log.event_us[last as usize] - arms.span_us.0;
    let distance = |event: &ReplayEvent| event.time_us.abs_diff(time_us);
    (ln_chance < CHANCE.ln()).then(|| Censoring {
        kind,
        time_us,
        requests_after: n_after as u64,
        event: ReplayEvent::all(log, arms.span_us.0)
            .into_iter()
            .filter(|event| distance(event) <= NEAR_US)
            .min_by_key(distance),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(canary: &[u32], baseline: &[u32], expected: Option<(CensoringKind, i64)>) {
        let log = RequestLog {
            event_us: (0..1000).collect(),
            ..RequestLog::default()
        };
        let arms = Assignment {
            canary: canary.to_vec(),
            baseline: baseline.to_vec(),
            ..Assignment::default()
        };
        let found = censoring(&log, &arms);
        assert_eq!(found.map(|c| (c.kind, c.time_us)), expected);
    }

    #[test]
    fn an_arm_that_falls_silent_ends_the_comparison() {
        let every = |step: usize, end: u32| (0..end).step_by(step).collect::<Vec<u32>>();
        let odd = |end: u32| (1..end).step_by(2).collect::<Vec<u32>>();
        check(&every(2, 1000), &odd(1000), None);
        check(
            &every(2, 500),
            &odd(1000),
            Some((CensoringKind::RolledBack, 498)),
        );
        check(
            &every(2, 1000),
            &odd(400),
            Some((CensoringKind::Promoted, 399)),
        );
        // Ten requests without one of a tenth may be chance.
        check(&every(10, 985), &odd(1000), None);
    }
}
