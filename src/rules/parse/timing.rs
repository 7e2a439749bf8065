//! Clocks, windows and minima: everything that says when and over what.

use super::super::phase::group_phase;
use super::super::raw::{
    RawAlign, RawClock, RawClockTable, RawMinimum, RawPhase, RawSince, RawWindow,
};
use super::super::{Anchor, Clock, Minimum, PerArm, Phase, RequestArm, TickMode, TimeSpan, Window};
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
    check_clock_options(&table, at)?;
    let anchor = table.anchor.unwrap_or_default();
    match (table.request, table.every, table.once_at, table.stage_end) {
        (Some(arm), None, None, false) => Ok(Clock::Request { arm }),
        (None, Some(every), None, false) => {
            positive(every, &format!("{at}.every"))?;
            let mode = table.mode.unwrap_or_default();
            // Argo measures at once, and then an interval after every measurement.
            let from = table.from.unwrap_or(u8::from(mode == TickMode::Fixed));
            if from > 1 {
                return Err(
                    fault(format!("{at}.from"), format!("from is 0 or 1, not {from}"))
                        .hint("0 evaluates at the anchor itself, 1 an interval later"),
                );
            }
            Ok(Clock::Every {
                every,
                phase: phase(&table, every, at)?,
                anchor,
                delay: table.delay.unwrap_or_default(),
                until: table.until,
                from,
                mode,
            })
        }
        (None, None, Some(at), false) => Ok(Clock::OnceAt { at, anchor }),
        (None, None, None, true) => Ok(Clock::StageEnd),
        _ => Err(fault(
            at,
            "A clock has exactly one of request, every, once_at and stage_end",
        )),
    }
}

/// Options that mean nothing for the kind of clock they stand beside.
fn check_clock_options(table: &RawClockTable, at: &str) -> Result<()> {
    let is_ticking = table.every.is_some();
    for (name, is_given, is_fit) in [
        ("phase", table.phase.is_some(), is_ticking),
        ("group", table.group.is_some(), is_ticking),
        ("delay", table.delay.is_some(), is_ticking),
        ("mode", table.mode.is_some(), is_ticking),
        ("until", table.until.is_some(), is_ticking),
        ("from", table.from.is_some(), is_ticking),
        (
            "anchor",
            table.anchor.is_some(),
            is_ticking || table.once_at.is_some(),
        ),
    ] {
        if is_given && !is_fit {
            return Err(fault(
                format!("{at}.{name}"),
                format!("{name} means nothing for this kind of clock"),
            ));
        }
    }
    if table.once_at.is_some() && table.anchor == Some(Anchor::Epoch) {
        return Err(fault(
            format!("{at}.anchor"),
            "once_at counts from the run or the stage",
        ));
    }
    Ok(())
}

fn phase(table: &RawClockTable, every: TimeSpan, at: &str) -> Result<Phase> {
    match (&table.group, table.phase) {
        (None, None) => Ok(Phase::default()),
        (None, Some(RawPhase::GroupHash)) => Ok(Phase::GroupHash),
        (None, Some(RawPhase::Fixed(span))) => Ok(Phase::Fixed(span)),
        (Some(_), Some(RawPhase::Fixed(_))) => Err(fault(
            format!("{at}.group"),
            "The phase is given, and a group whose hash it would be",
        )),
        (Some(group), _) => match group.split_once(';') {
            Some((file, name)) => Ok(Phase::Fixed(group_phase(file, name, every))),
            None => Err(fault(
                format!("{at}.group"),
                format!("{group:?} is not a rule group"),
            )
            .hint("Write group = \"/etc/prometheus/rules.yml;canary\": file as the server reads it, and name")),
        },
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
        return match raw.align {
            None => Ok(Window::Trailing { span, left }),
            Some(RawAlign::Minute) if raw.left.is_none() => Ok(Window::Tumbling {
                span,
                slide: TimeSpan::seconds(60),
                align: Anchor::Epoch,
            }),
            Some(_) => Err(fault(
                format!("{at}.align"),
                "A trailing window is aligned to \"minute\" or not at all",
            )
            .hint("Write { tumbling = \"5m\", slide = \"1m\", align = \"epoch\" }")),
        };
    }
    if let Some(span) = raw.tumbling {
        positive(span, &format!("{at}.tumbling"))?;
        let slide = raw.slide.unwrap_or(span);
        positive(slide, &format!("{at}.slide"))?;
        let align = match raw.align {
            None | Some(RawAlign::Run) => Anchor::Run,
            Some(RawAlign::Stage) => Anchor::Stage,
            Some(RawAlign::Epoch | RawAlign::Minute) => Anchor::Epoch,
        };
        return Ok(Window::Tumbling { span, slide, align });
    }
    Ok(match raw.since {
        Some(RawSince::Stage) => Window::Stage,
        _ => Window::Run,
    })
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
        func: raw.func.unwrap_or_default(),
    })
}

fn check_window_options(raw: &RawWindow, at: &str) -> Result<()> {
    for (name, is_given) in [
        ("left", raw.left.is_some() && raw.trailing.is_none()),
        ("slide", raw.slide.is_some() && raw.tumbling.is_none()),
        (
            "align",
            raw.align.is_some() && raw.trailing.is_none() && raw.tumbling.is_none(),
        ),
        ("func", raw.func.is_some()),
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

pub(super) fn positive(span: TimeSpan, at: &str) -> Result<()> {
    if span.us > 0 {
        Ok(())
    } else {
        Err(fault(at, "The length of time is zero"))
    }
}
