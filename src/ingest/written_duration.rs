//! Durations as text with their unit: `120ms`, `1m2.5s` (Go), `PT1.5S` (ISO 8601), `0:00:01.25`
//! (Python) and `1 day, 0:00:01`.

/// Longer texts are no durations.
const MAX_BYTES: usize = 40;

/// Milliseconds of a written duration; `None` where it is none, or a number without a unit.
pub(super) fn written_ms(text: &str) -> Option<f64> {
    let text = text.trim();
    let is_short = !text.is_empty() && text.len() <= MAX_BYTES;
    if !is_short || !text.bytes().any(|b| b.is_ascii_digit()) {
        return None;
    }
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text),
    };
    let ms = iso_ms(rest)
        .or_else(|| clock_ms(rest))
        .or_else(|| parts_ms(rest))?;
    ms.is_finite().then_some(sign * ms)
}

/// `P1DT2H3M4.5S`; years and months have no fixed length.
fn iso_ms(text: &str) -> Option<f64> {
    let rest = text.strip_prefix('P')?;
    let (days, time) = rest.split_once('T').unwrap_or((rest, ""));
    if days.is_empty() && time.is_empty() {
        return None;
    }
    let days = if days.is_empty() {
        0.0
    } else {
        digits(days.strip_suffix('D')?)? * 86_400_000.0
    };
    let is_unit = |part: &str| matches!(part, "H" | "M" | "S");
    let time = if time.is_empty() {
        0.0
    } else {
        sum_of_parts(time, is_unit)?
    };
    Some(days + time)
}

/// `H:MM:SS.fff`, with days before it as Python writes them.
fn clock_ms(text: &str) -> Option<f64> {
    let (days, clock) = match text.split_once(", ") {
        Some((days, clock)) => {
            let n = days
                .strip_suffix(" days")
                .or_else(|| days.strip_suffix(" day"))?;
            (digits(n)?, clock)
        }
        None => (0.0, text),
    };
    let mut parts = clock.split(':');
    let (hours, minutes, seconds) = (parts.next()?, parts.next()?, parts.next()?);
    let has_two = |part: &str| part.len() >= 2 && part.as_bytes()[..2].is_ascii();
    if parts.next().is_some() || minutes.len() != 2 || !has_two(seconds) {
        return None;
    }
    let (minutes, seconds) = (digits(minutes)?, digits(seconds)?);
    if minutes >= 60.0 || seconds >= 60.0 {
        return None;
    }
    Some(((days * 24.0 + digits(hours)?) * 60.0 + minutes) * 60_000.0 + seconds * 1e3)
}

/// `1h2m3.5s`, `350 ms`, `2.1 seconds`.
fn parts_ms(text: &str) -> Option<f64> {
    sum_of_parts(text, |_| true)
}

/// The sum of numbers with their units, each unit smaller than the one before.
fn sum_of_parts(text: &str, is_unit: impl Fn(&str) -> bool) -> Option<f64> {
    let (mut rest, mut sum, mut last) = (text, 0.0, f64::INFINITY);
    while !rest.is_empty() {
        let n = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at(n);
        let after = after.trim_start();
        let end = after
            .find(|c: char| c.is_ascii_digit() || c == ' ')
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        let ms = unit_ms(unit).filter(|ms| *ms < last && is_unit(unit))?;
        let number = digits(number)?;
        // Thousandths are no floats: dividing rounds once.
        sum += if ms < 1.0 {
            number / (1.0 / ms).round()
        } else {
            number * ms
        };
        last = ms;
        rest = after.trim_start();
    }
    Some(sum)
}

fn unit_ms(unit: &str) -> Option<f64> {
    Some(match unit {
        "ns" | "nanoseconds" | "纳秒" | "나노초" => 1e-6,
        "us" | "µs" | "μs" | "microseconds" | "微秒" | "마이크로초" => 1e-3,
        "ms" | "msec" | "millis" | "milliseconds" | "毫秒" | "밀리초" => 1.0,
        "s" | "S" | "sec" | "secs" | "second" | "seconds" | "秒" | "초" => 1e3,
        "m" | "M" | "min" | "mins" | "minute" | "minutes" | "分" | "分钟" | "분" => 60e3,
        "h" | "H" | "hr" | "hour" | "hours" | "小时" | "시간" => 3600e3,
        _ => return None,
    })
}

/// Digits with at most one point: neither sign nor exponent.
fn digits(text: &str) -> Option<f64> {
    let fits = |b: u8| b.is_ascii_digit() || b == b'.';
    (text.bytes().all(fits) && !text.is_empty())
        .then(|| text.parse().ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_as_languages_write_them() {
        for (text, ms) in [
            ("120ms", Some(120.0)),
            ("1.5s", Some(1500.0)),
            ("350 µs", Some(0.35)),
            ("1m2.5s", Some(62_500.0)),
            ("1h0m0.25s", Some(3_600_250.0)),
            ("2 min 3 sec", Some(123_000.0)),
            ("-3ms", Some(-3.0)),
            ("PT1.5S", Some(1500.0)),
            ("PT1M", Some(60_000.0)),
            ("P1DT0.5S", Some(86_400_500.0)),
            ("0:00:01.25", Some(1250.0)),
            ("12:30:00", Some(45_000_000.0)),
            ("1 day, 0:00:01", Some(86_401_000.0)),
            ("1.5 秒", Some(1500.0)),
            ("2초", Some(2000.0)),
            ("1.5", None),
            ("", None),
            ("ms", None),
            ("3s2m", None),
            ("5 apples", None),
            ("1:2", None),
            ("10:75:00", None),
            ("2026-01-01T00:00:00Z", None),
            ("P1M", None),
            ("PT", None),
            ("1.2.3s", None),
            ("gpt-4o", None),
        ] {
            assert_eq!(written_ms(text), ms, "{text}");
        }
    }
}
