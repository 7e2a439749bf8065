//! When a rule looks at a log: after requests, at ticks, or as its own measurements allow.

use super::prepare::View;
use super::state::Points;
use super::{ArmRole, Clock, NoData, Persistence, RequestArm, Rule};

/// A rule with more ticks than this is not evaluated.
const MAX_TICKS: u64 = 100_000_000;

/// The evaluations of a rule, or why there are none.
pub(super) fn points(view: View<'_>) -> std::result::Result<Points<'_>, String> {
    let (prepared, rule) = (view.prepared, view.rule);
    let zero_us = view.zero_us();
    let stages = view.frame().stages;
    let Some(mut ticks) = rule.clock.ticks(zero_us, view.until_us, stages) else {
        return Ok(match rule.clock {
            Clock::Request {
                arm: RequestArm::Canary,
            } => Points::Requests {
                rows: view.rows(ArmRole::Canary),
                next: 0,
            },
            Clock::Request {
                arm: RequestArm::Baseline,
            } => Points::Requests {
                rows: view.rows(ArmRole::Baseline),
                next: 0,
            },
            _ => Points::EveryRequest { next: 0 },
        });
    };
    if prepared.is_timeless() {
        return Err("the log has no times, and the rule is evaluated by the clock".to_owned());
    }
    let n: u64 = ticks.iter().map(|stretch| stretch.n).sum();
    if n > MAX_TICKS {
        return Err(format!("the log lasts for {n} evaluations"));
    }
    if let (Some(retry_us), [stretch]) = (retry_us(rule), ticks.as_mut_slice()) {
        return Ok(Points::Measured {
            next_us: stretch.first_us,
            every_us: stretch.every_us,
            retry_us,
            end_us: stretch.first_us + stretch.n as i64 * stretch.every_us - 1,
            seen: 0,
        });
    }
    Ok(Points::Ticks {
        ticks,
        stretch: 0,
        next: 0,
        seen: 0,
    })
}

/// How soon a rule looks again after an error, if it can have any.
fn retry_us(rule: &Rule) -> Option<i64> {
    let is_error = |policy: Option<NoData>| policy == Some(NoData::Error);
    let has_errors = rule
        .conditions()
        .iter()
        .any(|condition| is_error(condition.no_data) || is_error(condition.nan));
    match rule.persistence {
        Persistence::Failures {
            errors: Some(errors),
            ..
        } if has_errors => Some(errors.retry.us),
        _ => None,
    }
}
