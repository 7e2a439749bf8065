//! Clocks, windows, minima and persistence: everything that says when.

use super::super::raw::{
    RawClock, RawClockTable, RawFailures, RawMinimum, RawPersistence, RawWindow,
};
use super::super::{
    Clock, FailureLimit, Minimum, PerArm, Persistence, RequestArm, TimeSpan, Window,
};
use super::fault;
use crate::error::Result;

/// Reads when a rule is evaluated.
pub(super) fn clock(raw: RawClock, at: &str) -> Result<Clock> {
    let table = match raw {
        RawClock::Name(name) if name == "request" => RawClockTable {
            request: Some(RequestArm::Any),
            ..RawClockTable::default()
        },
        RawClock::Name(name) => {
            return Err(fault(at, format!("No clock is called {name:?}"))
                .hint("Write \"request\" or a table such as { every = \"60s\" }"));
        }
        RawClock::Table(table) => table,
    };
    match (table.request, table.every, table.once_at) {
        (Some(arm), None, None) => Ok(Clock::Request { arm }),
        (None, Some(every), None) => {
            positive(every, &format!("{at}.every"))?;
            let from = table.from.unwrap_or(1);
            if from > 1 {
                return Err(
                    fault(format!("{at}.from"), format!("from is 0 or 1, not {from}"))
                        .hint("0 evaluates at the anchor itself, 1 an interval later"),
                );
            }
            Ok(Clock::Every {
                every,
                phase: table.phase.unwrap_or_default(),
                anchor: table.anchor.unwrap_or_default(),
                until: table.until,
                from,
            })
        }
        (None, None, Some(at)) => Ok(Clock::OnceAt { at }),
        _ => Err(fault(
            at,
            "A clock has exactly one of request, every and once_at",
        )),
    }
}

/// Reads over which requests a metric is computed.
pub(super) fn window(raw: &RawWindow, at: &str) -> Result<Window> {
    let kinds = [
        raw.last.is_some(),
        raw.trailing.is_some(),
        raw.since.is_some(),
        raw.tumbling.is_some(),
        raw.counter.is_some(),
    ];
    if kinds.iter().filter(|given| **given).count() != 1 {
        return Err(fault(
            at,
            "A window has exactly one of last, trailing, since, tumbling and counter",
        ));
    }
    if let Some(span) = raw.counter {
        return counter(raw, span, at);
    }
    check_window_options(raw, at)?;
    if let Some(n) = raw.last {
        if n == 0 {
            return Err(fault(
                format!("{at}.last"),
                "A window of no requests holds nothing",
            ));
        }
        return Ok(Window::Last { n });
    }
    if let Some(span) = raw.trailing {
        positive(span, &format!("{at}.trailing"))?;
        let left = raw.left.unwrap_or_default();
        return Ok(Window::Trailing { span, left });
    }
    if let Some(span) = raw.tumbling {
        positive(span, &format!("{at}.tumbling"))?;
        return Ok(Window::Tumbling { span });
    }
    Ok(Window::Run)
}

fn counter(raw: &RawWindow, span: TimeSpan, at: &str) -> Result<Window> {
    let scrape = raw.scrape.unwrap_or(TimeSpan::seconds(15));
    positive(scrape, &format!("{at}.scrape"))?;
    if span < scrape {
        return Err(fault(
            format!("{at}.counter"),
            format!("A range of {span} never holds two scrapes that are {scrape} apart"),
        ));
    }
    Ok(Window::Counter {
        span,
        scrape,
        phase: raw.scrape_phase.unwrap_or_default(),
        engine: raw.engine.unwrap_or_default(),
        first_seen: raw.first_seen.unwrap_or_default(),
    })
}

fn check_window_options(raw: &RawWindow, at: &str) -> Result<()> {
    for (name, is_given) in [
        ("left", raw.left.is_some() && raw.trailing.is_none()),
        ("scrape", raw.scrape.is_some()),
        ("scrape_phase", raw.scrape_phase.is_some()),
        ("engine", raw.engine.is_some()),
        ("first_seen", raw.first_seen.is_some()),
    ] {
        if is_given {
            return Err(fault(
                format!("{at}.{name}"),
                format!("{name} means nothing for this kind of window"),
            ));
        }
    }
    Ok(())
}

/// Reads a rule's minimum of requests.
pub(super) fn minimum(raw: RawMinimum, at: &str) -> Result<Minimum> {
    let window_at = format!("{at}.window");
    let window = match raw.window {
        Some(raw) => window(&raw, &window_at)?,
        None => Window::Run,
    };
    if matches!(window, Window::Counter { .. }) {
        return Err(fault(
            window_at,
            "A minimum counts requests, not scraped counters",
        ));
    }
    for (name, n) in [("canary", raw.canary), ("baseline", raw.baseline)] {
        reachable(window, n, &format!("{at}.{name}"))?;
    }
    Ok(Minimum {
        window,
        n: PerArm {
            canary: raw.canary,
            baseline: raw.baseline,
        },
    })
}

/// Refuses a number of requests that the window never holds.
pub(super) fn reachable(window: Window, n: u32, at: &str) -> Result<()> {
    match window {
        Window::Last { n: last } if n > last => Err(fault(
            at,
            format!("A window of the last {last} requests never holds {n}"),
        )),
        _ => Ok(()),
    }
}

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
        && (raw.missing.is_some() || raw.range.is_some() || raw.insufficient_fires.is_some())
    {
        return Err(fault(
            at,
            "missing, range and insufficient_fires belong beside m_of_n",
        ));
    }
    if let Some(hold) = raw.hold {
        let keep = raw.keep_for.unwrap_or_default();
        return Ok(Persistence::For { hold, keep });
    }
    if let Some(m_of_n) = raw.m_of_n {
        return points(&raw, m_of_n, at);
    }
    if let Some(RawFailures { limit, mode }) = raw.failures {
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
        return Ok(Persistence::Failures { limit, mode });
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
    Ok(Persistence::MOfN {
        m,
        n,
        missing: raw.missing.unwrap_or_default(),
        range,
        insufficient_fires: raw.insufficient_fires.unwrap_or(false),
    })
}

fn positive(span: TimeSpan, at: &str) -> Result<()> {
    if span.us > 0 {
        Ok(())
    } else {
        Err(fault(at, "The length of time is zero"))
    }
}
