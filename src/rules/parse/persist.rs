//! Persistence: what turns breaches into a firing.

use super::super::raw::{AlarmState, RawFailures, RawPersistence};
use super::super::{FailureLimit, Persistence};
use super::fault;
use super::timing::positive;
use crate::error::Result;

/// Reads what turns a breach into a firing.
pub(super) fn persistence(raw: Option<RawPersistence>, at: &str) -> Result<Persistence> {
    let Some(raw) = raw else {
        return Ok(Persistence::None);
    };
    let kinds = [
        raw.hold.is_some(),
        raw.m_of_n.is_some(),
        raw.failures.is_some(),
        raw.consecutive.is_some(),
    ];
    if kinds.iter().filter(|given| **given).count() != 1 {
        return Err(fault(
            at,
            "persist has exactly one of for, m_of_n, failures and consecutive",
        ));
    }
    if raw.keep_for.is_some() && raw.hold.is_none() {
        return Err(fault(
            format!("{at}.keep_for"),
            "keep_for belongs beside for",
        ));
    }
    if raw.m_of_n.is_none()
        && (raw.missing.is_some()
            || raw.range.is_some()
            || raw.stride.is_some()
            || raw.insufficient_fires.is_some())
    {
        return Err(fault(
            at,
            "missing, range, stride and insufficient_fires belong beside m_of_n",
        ));
    }
    if let Some(errors) = raw.errors {
        if raw.failures.is_none() {
            return Err(fault(
                format!("{at}.errors"),
                "errors belongs beside failures",
            ));
        }
        positive(errors.retry, &format!("{at}.errors.retry"))?;
    }
    if let Some(hold) = raw.hold {
        let keep = raw.keep_for.unwrap_or_default();
        return Ok(Persistence::For { hold, keep });
    }
    if let Some(m_of_n) = raw.m_of_n {
        return points(&raw, m_of_n, at);
    }
    if let Some(RawFailures { limit, mode, scope }) = raw.failures {
        let at = format!("{at}.failures");
        let Some(limit) = limit else {
            return Err(fault(format!("{at}.limit"), "failures has no limit"));
        };
        let mode = mode.unwrap_or_default();
        if limit == 0 && mode == FailureLimit::Ge {
            return Err(fault(
                format!("{at}.limit"),
                "A limit of 0 failures is always reached",
            ));
        }
        return Ok(Persistence::Failures {
            limit,
            mode,
            scope: scope.unwrap_or_default(),
            errors: raw.errors,
        });
    }
    match raw.consecutive {
        Some(k) if k > 0 => Ok(Persistence::Consecutive { k }),
        _ => Err(fault(
            format!("{at}.consecutive"),
            "consecutive is at least 1",
        )),
    }
}

fn points(raw: &RawPersistence, (m, n): (u32, u32), at: &str) -> Result<Persistence> {
    if m == 0 || m > n {
        return Err(fault(
            format!("{at}.m_of_n"),
            format!("{m} of {n} points cannot breach"),
        )
        .hint("Write m_of_n = [3, 5] for three of the last five"));
    }
    // LocalStack's guess at the undocumented number of points that CloudWatch fetches.
    let fetched = raw.missing.map_or(n, |_| n + (n / 3).max(2));
    let range = raw.range.unwrap_or(fetched);
    if range < n {
        return Err(fault(
            format!("{at}.range"),
            format!("range is at least the {n} points"),
        ));
    }
    let stride = raw.stride.unwrap_or(1);
    if stride == 0 {
        return Err(fault(
            format!("{at}.stride"),
            "Points are at least one evaluation apart",
        ));
    }
    Ok(Persistence::MOfN {
        m,
        n,
        missing: raw.missing.unwrap_or_default(),
        range,
        stride,
        insufficient_fires: raw.insufficient_fires.unwrap_or(false),
    })
}

/// `rollback_on = ["ALARM", "INSUFFICIENT_DATA"]`.
pub(super) fn alarm_states(
    persistence: &mut Persistence,
    states: &[AlarmState],
    at: &str,
) -> Result<()> {
    let Persistence::MOfN {
        insufficient_fires, ..
    } = persistence
    else {
        return Err(fault(at, "Only m_of_n has these states")
            .hint("Write persist = { m_of_n = [1, 1], missing = \"missing\" }"));
    };
    if !states.contains(&AlarmState::Alarm) {
        return Err(fault(at, "A rule that does not fire on ALARM never fires")
            .hint("Write rollback_on = [\"ALARM\"]"));
    }
    *insufficient_fires = states.contains(&AlarmState::InsufficientData);
    Ok(())
}
