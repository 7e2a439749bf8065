//! The log's own rollout among rollouts without a difference.

use super::model::OwnFiring;
use super::run::Trace;
use crate::data::RequestLog;
use crate::error::Result;
use crate::jobs::Progress;
use crate::rules::{Clock, Phase, ReplaySettings, Rule, Rulebook, TimeSpan, replay};

/// Shifts of a rule's ticks that are tried.
const PHASES: i64 = 20;

/// When the rule fires on the log itself, and how many of the rollouts fire as early, counted in
/// requests of the canary.
pub(super) fn firing(
    log: &RequestLog,
    arms: &ReplaySettings,
    rulebook: &Rulebook,
    rule: &Rule,
    calm: &[Trace],
    progress: &Progress,
) -> Result<Option<OwnFiring>> {
    if arms.control == arms.treatment {
        // A log of the baseline alone has no rollout of its own.
        return Ok(None);
    }
    let replayed = |rule: &Rule| -> Result<_> {
        let one = Rulebook {
            arms: rulebook.arms.clone(),
            rules: vec![rule.clone()],
            ..Rulebook::default()
        };
        let mut found = replay(log, &one, arms, progress)?;
        Ok(found.rules.pop().map(|rule| (rule, found.censoring)))
    };
    let Some((found, censoring)) = replayed(rule)?.filter(|(found, _)| found.skipped.is_none())
    else {
        return Ok(None);
    };
    let requests = found
        .first
        .as_ref()
        .and(found.exposure)
        .map(|exposure| exposure.before.requests as u32);
    // Before the canary's first request a firing says nothing of it, however early others are.
    let p = requests.filter(|requests| *requests > 0).map(|requests| {
        let as_early = |t: &&Trace| t.first.is_some_and(|f| f.at.requests <= requests);
        let n = calm.iter().filter(as_early).count();
        (n + 1) as f64 / (calm.len() + 1) as f64
    });
    let mut phase_us = None;
    if let (Clock::Every { every, phase, .. }, true) = (rule.clock, found.first.is_some()) {
        for k in 0..PHASES {
            let mut shifted = rule.clone();
            if let Clock::Every { phase: of, .. } = &mut shifted.clock {
                *of = Phase::Fixed(TimeSpan {
                    us: phase.span().us + every.us * k / PHASES,
                });
            }
            let first = replayed(&shifted)?.and_then(|(found, _)| found.first);
            if let Some(at) = first.map(|first| first.time_us) {
                let (low, high) = phase_us.unwrap_or((at, at));
                phase_us = Some((at.min(low), at.max(high)));
            }
        }
    }
    Ok(Some(OwnFiring {
        requests,
        time_us: found.first.map(|first| first.time_us),
        p,
        phase_us,
        ended_us: censoring.map(|end| end.time_us),
        clock: log.clock,
    }))
}
