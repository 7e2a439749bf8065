//! From a log and settings to rollouts.

use super::draw::{DAY_US, Draw, Kind};
use super::ground::{Ground, names_users, rows_of_arms};
use super::model::GroundSummary;
use super::run::Source;
use super::settings::{Engine, LabSettings, Traffic};
use crate::data::{Clock, RequestLog};
use crate::error::{Error, ErrorKind, Result};
use crate::rules::ReplaySettings;

/// Where rollouts come from, and what that is.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) source: Source,
    pub(super) ground: GroundSummary,
}

/// Fewer requests than this make no rollouts.
const LEAST_REQUESTS: usize = 50;

pub(super) fn make(
    log: Option<(&RequestLog, ReplaySettings)>,
    settings: &LabSettings,
) -> Result<Made> {
    let plan = &settings.plan;
    let max_canary = settings.max_canary_requests;
    if let Engine::Parametric(Traffic::Model(model)) = &settings.engine {
        let draw = Draw {
            kind: Kind::Model(*model),
            zero_us: 0,
            plan: plan.clone(),
            max_canary,
        };
        let mut made = drawn(draw, false, None);
        made.ground.error_share = Some(model.error_share);
        return Ok(made);
    }
    let (log, arms) = log.ok_or_else(|| {
        Error::new(
            ErrorKind::Settings,
            "Rollouts are made from a log, and there is none",
        )
        .hint("Name a log, or describe the traffic (--model)")
    })?;
    let zero_us = log.time_zero_us();
    let baseline = slim(rows_of_arms(log, &[arms.control]));
    if baseline.n_rows() < LEAST_REQUESTS {
        let message = format!(
            "The baseline has {} requests; rollouts need at least {LEAST_REQUESTS}",
            baseline.n_rows()
        );
        return Err(Error::new(ErrorKind::NotEnoughData, message)
            .hint("Choose another control, or widen the filter"));
    }
    let error_share = error_share(&baseline);
    let by_user = names_users(&baseline);
    let both = slim(rows_of_arms(log, &[arms.control, arms.treatment]));
    let mut made = match &settings.engine {
        Engine::Relabel => fixed(Ground::new(baseline, zero_us, plan, max_canary), by_user),
        Engine::Permute => {
            let arm = both.arm.clone();
            let mut ground = Ground::new(both.clone(), zero_us, plan, max_canary);
            ground.keep_users(|row| usize::from(arm[row]) == arms.treatment);
            fixed(ground, by_user)
        }
        Engine::Blocks { days } => {
            let starts = day_starts(&baseline, zero_us, *days)?;
            let kind = Kind::Days {
                pool: baseline,
                starts,
                together: (*days).max(1),
            };
            let draw = Draw {
                kind,
                zero_us,
                plan: plan.clone(),
                max_canary,
            };
            drawn(draw, by_user, error_share)
        }
        Engine::Parametric(Traffic::Log { error_share: set }) => {
            let (first, last) = both.event_span_us().unwrap_or((0, 1));
            let gap_us = (last - first).max(1) as f64 / both.n_rows() as f64;
            let end_us = plan.stages.last().and_then(|stage| stage.to_us);
            let n = end_us.map_or(both.n_rows() as f64, |end| end as f64 / gap_us);
            let kind = Kind::Requests {
                pool: baseline,
                n: n.min(50e6) as u32,
                gap_us,
                error_share: *set,
            };
            let draw = Draw {
                kind,
                zero_us,
                plan: plan.clone(),
                max_canary,
            };
            drawn(draw, false, set.or(error_share))
        }
        Engine::Parametric(Traffic::Model(_)) => return Err(impossible()),
    };
    made.ground.error_share = made.ground.error_share.or(error_share);
    if !matches!(settings.engine, Engine::Parametric(_) | Engine::Permute) {
        let (_, _, planned) = Ground::new(both, zero_us, plan, max_canary).volumes();
        made.ground.planned_canary_requests = Some(planned);
    }
    if made.ground.canary_requests < 1.0 {
        return Err(Error::new(
            ErrorKind::NotEnoughData,
            "With this plan the canary would get no request of the log",
        )
        .hint("Choose larger shares, or a log that lasts longer"));
    }
    Ok(made)
}

fn fixed(ground: Ground, by_user: bool) -> Made {
    Made {
        ground: summary(&ground, by_user, error_share(&ground.log)),
        source: Source::Rows(Box::new(ground)),
    }
}

fn drawn(draw: Draw, by_user: bool, error_share: Option<f64>) -> Made {
    Made {
        ground: summary(&draw.ground(0), by_user, error_share),
        source: Source::Drawn(Box::new(draw)),
    }
}

fn summary(ground: &Ground, by_user: bool, error_share: Option<f64>) -> GroundSummary {
    let (requests, units, canary_requests) = ground.volumes();
    GroundSummary {
        requests,
        units,
        by_user,
        canary_requests,
        planned_canary_requests: None,
        span_us: ground.span_us.1 - ground.span_us.0,
        clock: ground.log.clock,
        error_share,
    }
}

/// Where the rows of each full day begin.
fn day_starts(log: &RequestLog, zero_us: i64, together: u32) -> Result<Vec<usize>> {
    let span_us = log.event_span_us().map_or(0, |(_, last)| last - zero_us);
    let n_days = if log.clock == Clock::RowOrder {
        0
    } else {
        (span_us + DAY_US / 24) / DAY_US
    };
    if n_days < 2 || n_days < i64::from(together) {
        return Err(Error::new(
            ErrorKind::NotEnoughData,
            format!("Blocks of days need two days or more; the log has {n_days}"),
        )
        .hint("Use --engine relabel"));
    }
    Ok((0..=n_days)
        .map(|day| {
            log.event_us
                .partition_point(|at| *at < zero_us + day * DAY_US)
        })
        .collect())
}

/// Without what no rule reads.
fn slim(mut log: RequestLog) -> RequestLog {
    log.segments = Vec::new();
    log.request_id = None;
    log
}

fn error_share(log: &RequestLog) -> Option<f64> {
    let counted = log.outcome.iter().filter(|outcome| outcome.is_counted());
    let n = counted.clone().count();
    let errors = counted.filter(|outcome| outcome.is_error()).count();
    (log.has_outcome && n > 0).then(|| errors as f64 / n as f64)
}

fn impossible() -> Error {
    Error::new(ErrorKind::Internal, "A model was taken for a log")
}
