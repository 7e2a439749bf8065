//! Which rows the arguments select: a segment, a stretch of time, ranges of latency.

use super::arguments::CompareArguments;
use crate::data::{Clock, Filter, MsRange, RequestLog};
use crate::error::{Error, ErrorKind, Result};
use crate::rules::TimeSpan;

/// The filter that the arguments name. Times need the log: what they count from stands in it.
pub(super) fn filter(arguments: &CompareArguments, log: &RequestLog) -> Result<Filter> {
    let segment = arguments.segment.as_ref().map(|text| {
        let named = text.split_once('=').ok_or_else(|| {
            Error::new(
                ErrorKind::Settings,
                format!("\"{text}\" names no segment value"),
            )
            .hint("Write --segment COLUMN=VALUE, for example --segment language=ko")
        })?;
        Ok::<_, Error>((named.0.to_owned(), named.1.to_owned()))
    });
    let at = |option, text: &Option<String>| {
        text.as_ref()
            .map(|text| event_us(option, text, log))
            .transpose()
    };
    let (from_us, to_us) = (
        at("--since", &arguments.since)?,
        at("--until", &arguments.until)?,
    );
    if let (Some(from), Some(to)) = (from_us, to_us)
        && from >= to
    {
        return Err(
            Error::new(ErrorKind::Settings, "--since is not before --until").hint("Swap the two"),
        );
    }
    Ok(Filter {
        from_us,
        to_us,
        segment: segment.transpose()?,
        latency: arguments.latency,
        ttft: arguments.ttft,
    })
}

/// A time of the log's clock: an instant, or a span since the first request started.
fn event_us(option: &str, text: &str, log: &RequestLog) -> Result<i64> {
    let wrong = |message: String, hint: &str| {
        Err(Error::new(ErrorKind::Settings, message)
            .key(option)
            .hint(hint))
    };
    if log.clock == Clock::RowOrder {
        return wrong(
            "The log has no times to select by".to_owned(),
            "Map the column that holds them (--mapping), or leave the option out",
        );
    }
    if let Ok(span) = text.parse::<TimeSpan>() {
        return Ok(log.time_zero_us().saturating_add(span.us));
    }
    match (crate::ingest::instant_us(text), log.clock) {
        (Some(us), Clock::Epoch) => Ok(us),
        (Some(_), _) => wrong(
            format!("\"{text}\" is a date, and the log's times count from an unknown start"),
            "Write how long after the first request, such as 90m",
        ),
        (None, _) => wrong(
            format!("\"{text}\" is not a time"),
            "Write 2026-03-02T06:30, or how long after the first request, such as 90m",
        ),
    }
}

/// `500ms..2s`, `10s..`, `..1.5s`: milliseconds where no unit stands.
pub(super) fn ms_range(text: &str) -> std::result::Result<MsRange, String> {
    let fault = || "write a range such as 500ms..2s, 10s.. or ..1.5s".to_owned();
    let (from, to) = text.split_once("..").ok_or_else(fault)?;
    let end = |text: &str| match text.trim() {
        "" => Ok(None),
        text => milliseconds(text).map(Some).ok_or_else(fault),
    };
    let range = MsRange {
        from_ms: end(from)?,
        to_ms: end(to)?,
    };
    match (range.from_ms, range.to_ms) {
        (None, None) => Err(fault()),
        (Some(from), Some(to)) if from >= to => {
            Err("the left end is not below the right one".to_owned())
        }
        _ => Ok(range),
    }
}

fn milliseconds(text: &str) -> Option<f64> {
    let units = [
        ("ms", 1.0),
        ("s", 1_000.0),
        ("min", 60_000.0),
        ("m", 60_000.0),
    ];
    let (number, unit_ms) = units
        .iter()
        .find_map(|(suffix, ms)| Some((text.strip_suffix(suffix)?, *ms)))
        .unwrap_or((text, 1.0));
    let value: f64 = number.trim().parse().ok()?;
    (value.is_finite() && value >= 0.0).then_some(value * unit_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_with_their_units() {
        let check = |text: &str, expected: Option<(Option<f64>, Option<f64>)>| {
            let found = ms_range(text).ok().map(|r| (r.from_ms, r.to_ms));
            assert_eq!(found, expected, "{text}");
        };
        check("500ms..2s", Some((Some(500.0), Some(2_000.0))));
        check("10s..", Some((Some(10_000.0), None)));
        check("..1.5 s", Some((None, Some(1_500.0))));
        check("250..2min", Some((Some(250.0), Some(120_000.0))));
        check("..", None);
        check("2s..1s", None);
        check("2s", None);
        check("-1..2", None);
        check("1h..", None);
    }

    #[test]
    fn times_are_instants_or_count_from_the_first_request() {
        let log = |clock| RequestLog {
            clock,
            arm: vec![0],
            start_us: vec![1_000_000],
            event_us: vec![3_000_000],
            ..RequestLog::default()
        };
        let at = |text, clock| event_us("--since", text, &log(clock)).ok();
        assert_eq!(at("90m", Clock::Epoch), Some(5_401_000_000));
        assert_eq!(at("90m", Clock::Relative), Some(5_401_000_000));
        assert_eq!(
            at("2026-03-02T06:30", Clock::Epoch),
            Some(1_772_433_000_000_000)
        );
        assert_eq!(
            at("2026-03-02 07:30+01:00", Clock::Epoch),
            Some(1_772_433_000_000_000)
        );
        assert_eq!(at("2026-03-02T06:30", Clock::Relative), None);
        assert_eq!(at("90m", Clock::RowOrder), None);
        assert_eq!(at("noon", Clock::Epoch), None);
    }
}
