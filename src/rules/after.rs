//! What a monitor does after it acted, as its rulebook says: with the canary's traffic gone, its
//! windows stand still or empty out, and some monitors alert for ever or start the rollout anew.

use serde::Serialize;

use super::prepare::{Assignment, Prepared};
use super::replay::{count_true_after, walk_through};
use super::{Action, AfterStage, AfterWindows, Firing, HoldCmp, Plan, Rule, State};
use crate::error::Result;
use crate::jobs::Progress;

/// What follows from a rollback that takes effect: closed loop, with the canary's later requests left
/// out. The baseline's stand in for what the canary's users would then have met.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct AfterFacts {
    /// Evaluations after the rollback at which its conditions hold all the same: an alert at each,
    /// unless somebody silences it.
    pub alerts: u64,
    /// When it is quiet again, since time zero; `None`: not within the log.
    pub quiet_us: Option<i64>,
    /// The stage that the rolled-back canary is advanced to without anybody asking for it.
    pub resumed: Option<Resumed>,
}

/// A rollout that goes on after it was rolled back.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Resumed {
    /// When, since time zero.
    pub time_us: i64,
    /// The plan's stage, from 0.
    pub stage: usize,
    /// The canary's share in it.
    pub weight: f64,
}

/// The closed loop after a first firing; `None` for rules that do not roll back.
pub(super) fn after(
    prepared: &Prepared<'_>,
    arms: &Assignment,
    (rule, plan): (&Rule, Option<&Plan>),
    first: &Firing,
    progress: &Progress,
) -> Result<Option<AfterFacts>> {
    if rule.action != Action::Rollback || rule.after.windows == AfterWindows::Clear {
        return Ok(None);
    }
    let log = prepared.log();
    let effective_us = arms.span_us.0 + first.effective_us;
    let until = |rows: &[u32]| {
        let end = rows.partition_point(|row| log.event_us[*row as usize] <= effective_us);
        rows[..end].to_vec()
    };
    let stopped = Assignment {
        canary: until(&arms.canary),
        baseline: if rule.after.record {
            arms.baseline.clone()
        } else {
            until(&arms.baseline)
        },
        all: arms.all.clone(),
        span_us: arms.span_us,
    };
    let whole = walk_through(prepared, &stopped, (rule, plan), |_| progress.check())?;
    // Evaluations up to the rollback are the same either way.
    let n_before = whole
        .transitions
        .iter()
        .take_while(|transition| transition.time_us <= first.effective_us)
        .count();
    let is_firing = whole.transitions[..n_before]
        .last()
        .is_some_and(|transition| transition.state == State::Firing);
    let quiet_us = if is_firing {
        whole.transitions[n_before..]
            .iter()
            .find(|transition| transition.state != State::Firing)
            .map(|transition| transition.time_us)
    } else {
        Some(first.effective_us)
    };
    let alerts = count_true_after(prepared, &stopped, rule, plan, effective_us);
    let resumed = match (rule.after.stage, plan, quiet_us) {
        (AfterStage::First, Some(plan), Some(quiet_us)) => {
            resumed(plan, rule.after.stage_clock, first, quiet_us)
        }
        _ => None,
    };
    let last_us = arms.span_us.1 - arms.span_us.0;
    Ok(Some(AfterFacts {
        alerts,
        quiet_us,
        resumed: resumed.filter(|resumed| resumed.time_us <= last_us),
    }))
}

/// When a plan that fell back to its first stage goes on to its second.
fn resumed(
    plan: &Plan,
    stage_clock: AfterWindows,
    first: &Firing,
    quiet_us: i64,
) -> Option<Resumed> {
    let schedule = plan.schedule();
    let (hold, next) = (schedule.first()?.hold?, schedule.get(1)?);
    let began_us = match stage_clock {
        AfterWindows::Keep => first.time_us - plan.stage_at(first.time_us)?.2,
        AfterWindows::Clear => first.effective_us,
    };
    let over_us = began_us + hold.us + i64::from(plan.hold_cmp == HoldCmp::Gt);
    Some(Resumed {
        time_us: quiet_us.max(over_us),
        stage: 1,
        weight: next.weight,
    })
}
