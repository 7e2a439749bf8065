//! What the stamps mean, and whether the arms ran side by side.

use super::super::Strategy;
use super::super::model::{HealthCheck, Severity};
use super::{Evidence, fine, found};
use crate::data::{Clock, RequestLog};
use crate::units;

/// Requests of an A/B test outside the common time beyond this share deserve a look.
const MUCH_ALONE: f64 = 0.05;
/// The outer share of each arm that a stray row may belong to.
const STRAY: usize = 1000;

pub(super) fn checks(evidence: &Evidence<'_>) -> Vec<HealthCheck> {
    let mut checks = Vec::new();
    if evidence.arms.len() > 1 {
        checks.push(concurrency(evidence));
        checks.extend(overlap(evidence));
    }
    checks.extend(clock(evidence.log));
    checks
}

/// Those that read no single request.
pub(super) fn checks_of_counts(evidence: &Evidence<'_>) -> Vec<HealthCheck> {
    let several = (evidence.arms.len() > 1).then(|| concurrency(evidence));
    several.into_iter().chain(clock(evidence.log)).collect()
}

fn concurrency(evidence: &Evidence<'_>) -> HealthCheck {
    let question = ("concurrency", "Did the arms run at the same time?");
    let strategy = evidence.strategy;
    let why = strategy.why.clone();
    if !strategy.strategy.is_concurrent() {
        // Where the log's own times show it and nobody planned it so, no difference is the arms' alone.
        let is_seen = strategy.strategy == Strategy::Sequential
            && !strategy.is_declared
            && evidence.log.clock != Clock::RowOrder;
        return found(
            question,
            if is_seen {
                Severity::Stop
            } else {
                Severity::Warning
            },
            why,
            &strategy.consequence,
            "Run the arms side by side, or by turns and several times each, before deciding on a difference",
        );
    }
    if evidence.log.clock == Clock::Relative && !strategy.is_declared {
        return found(
            question,
            Severity::Note,
            why,
            "Times count from an unknown start; where each session has its own, arms that ran on different days look the same",
            "Make sure that they did run together",
        );
    }
    fine(question.0, question.1, why)
}

/// Where control and treatment began or ended at different times, the rest has no counterpart.
fn overlap(evidence: &Evidence<'_>) -> Option<HealthCheck> {
    let question = ("overlap", "Do the arms cover the same time?");
    let strategy = evidence.strategy.strategy;
    if !matches!(strategy, Strategy::AbTest | Strategy::Canary)
        || evidence.log.clock == Clock::RowOrder
    {
        return None;
    }
    let (a, b) = (evidence.control, evidence.treatment?);
    let (first, last) = (inner_span(evidence.log, a)?, inner_span(evidence.log, b)?);
    let common = first.0.max(last.0)..=first.1.min(last.1);
    let alone = |arm: usize| -> f64 {
        let events = evidence
            .log
            .rows_of_arm(arm)
            .map(|row| evidence.log.event_us[row]);
        let n = events.filter(|t| !common.contains(t)).count();
        n as f64 / evidence.arms[arm].n_requests.max(1) as f64
    };
    let (alone_a, alone_b) = (alone(a), alone(b));
    let finding = format!(
        "But for the first and the last thousandth of each arm, both ran from {} to {}; outside lie {} of {}'s requests and {} of {}'s",
        units::instant(*common.start(), evidence.log.clock),
        units::instant(*common.end(), evidence.log.clock),
        units::share(alone_a),
        evidence.arms[a].name,
        units::share(alone_b),
        evidence.arms[b].name
    );
    if alone_a.max(alone_b) <= MUCH_ALONE {
        return Some(fine(question.0, question.1, finding));
    }
    // A canary's control runs before it by design.
    let severity = if strategy == Strategy::AbTest {
        Severity::Warning
    } else {
        Severity::Note
    };
    Some(found(
        question,
        severity,
        finding,
        "Requests without a counterpart at the same time bring the time of day and other changes into the difference",
        "Limit the time range to the time in which both ran",
    ))
}

/// First and last event time of an arm, but for the outer thousandth.
fn inner_span(log: &RequestLog, arm: usize) -> Option<(i64, i64)> {
    let n = log.rows_of_arm(arm).count();
    let skip = n / STRAY;
    let first = log.rows_of_arm(arm).nth(skip)?;
    let from_end = log
        .arm
        .iter()
        .enumerate()
        .rev()
        .filter(|(_, a)| usize::from(**a) == arm);
    let last = from_end.map(|(row, _)| row).nth(skip)?;
    Some((log.event_us[first], log.event_us[last]))
}

fn clock(log: &RequestLog) -> Option<HealthCheck> {
    let question = ("clock", "When did it happen?");
    match log.clock {
        Clock::Epoch => None,
        Clock::Relative => Some(found(
            question,
            Severity::Note,
            "Times count from an unknown start, such as that of each session".to_owned(),
            "Trends and replays show time since that start; whether arms ran on the same days cannot be told",
            "",
        )),
        Clock::RowOrder => Some(found(
            question,
            Severity::Note,
            "The log has no clock that all requests share".to_owned(),
            "Trends cannot be shown, and rules that watch the clock cannot run",
            "Export a stamp with each request",
        )),
    }
}
