//! Stamps to microseconds: epochs in four units, ISO forms with and without zone, access-log form.

use chrono::{DateTime, NaiveDate, NaiveDateTime};
use serde::{Deserialize, Serialize};

/// How the stamps of a column are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StampForm {
    /// Dates and times as text; without a zone they are UTC.
    Text,
    /// A typed Parquet stamp.
    Typed,
    /// Numbers since 1970.
    Epoch(DurationUnit),
    /// Numbers since an unknown start.
    Relative(DurationUnit),
}

/// The unit of a duration or of a numeric stamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DurationUnit {
    /// Seconds.
    S,
    /// Milliseconds.
    Ms,
    /// Microseconds.
    Us,
    /// Nanoseconds.
    Ns,
}

impl DurationUnit {
    /// Milliseconds in one unit.
    pub fn in_ms(self) -> f64 {
        match self {
            Self::S => 1e3,
            Self::Ms => 1.0,
            Self::Us => 1e-3,
            Self::Ns => 1e-6,
        }
    }

    /// As shown to people.
    pub fn label(self) -> &'static str {
        match self {
            Self::S => "seconds",
            Self::Ms => "milliseconds",
            Self::Us => "microseconds",
            Self::Ns => "nanoseconds",
        }
    }

    fn digits(self) -> i32 {
        match self {
            Self::S => 0,
            Self::Ms => 3,
            Self::Us => 6,
            Self::Ns => 9,
        }
    }
}

impl StampForm {
    /// As shown to people.
    pub fn label(self) -> String {
        match self {
            Self::Text => "date and time".to_owned(),
            Self::Typed => "stamp".to_owned(),
            Self::Epoch(unit) => format!("{} since 1970", unit.label()),
            Self::Relative(unit) => format!("{} since a start", unit.label()),
        }
    }
}

/// The epoch unit that puts a typical stamp into the years 1973 to 2286; `None` for a relative one.
pub(super) fn epoch_unit(median: f64) -> Option<DurationUnit> {
    [
        (1e8, DurationUnit::S),
        (1e11, DurationUnit::Ms),
        (1e14, DurationUnit::Us),
        (1e17, DurationUnit::Ns),
    ]
    .into_iter()
    .find(|(low, _)| (*low..*low * 100.0).contains(&median))
    .map(|(_, unit)| unit)
}

/// A numeric stamp in microseconds, rounded.
pub(super) fn numeric_stamp_us(value: f64, unit: DurationUnit) -> Option<i64> {
    let us = value * 10f64.powi(6 - unit.digits());
    (us.is_finite() && us.abs() < 9e18).then(|| us.round() as i64)
}

/// A numeric stamp written in decimal digits, exact to the microsecond where f64 would not be.
pub(super) fn decimal_stamp_us(text: &str, unit: DurationUnit) -> Option<i64> {
    let text = text.trim();
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    let unsigned = whole.strip_prefix('-').unwrap_or(whole);
    if unsigned.is_empty() || unsigned.len() > 19 || !digits(unsigned) || !digits(fraction) {
        return text
            .parse()
            .ok()
            .and_then(|value| numeric_stamp_us(value, unit));
    }
    // The number as an integer of 10^-9 units, then to microseconds.
    let mut value: i128 = unsigned.parse().ok()?;
    let mut taken = 0;
    for digit in fraction.bytes().take(9) {
        value = value * 10 + i128::from(digit - b'0');
        taken += 1;
    }
    let exponent = 6 - unit.digits() - taken;
    let us = if exponent >= 0 {
        value.checked_mul(10i128.checked_pow(exponent as u32)?)?
    } else {
        let divisor = 10i128.pow(exponent.unsigned_abs());
        (value + divisor / 2).div_euclid(divisor)
    };
    let signed = if whole.starts_with('-') { -us } else { us };
    i64::try_from(signed).ok()
}

/// A stamp as text. `zone_missing` is set where it has none and UTC was assumed.
pub(super) fn text_stamp_us(text: &str, zone_missing: &mut bool) -> Option<i64> {
    // Some exports keep literal quotes in the cell.
    let text = text.trim().trim_matches('"').trim();
    iso_stamp_us(text, zone_missing).or_else(|| other_stamp_us(text, zone_missing))
}

/// `YYYY-MM-DD[T ]HH:MM[:SS[.fraction]][Z|±HH[:]MM| UTC]`, also with `/` in the date.
fn iso_stamp_us(text: &str, zone_missing: &mut bool) -> Option<i64> {
    let bytes = text.as_bytes();
    let number = |from: usize, to: usize| -> Option<u32> {
        let part = bytes.get(from..to)?;
        part.iter().try_fold(0, |sum, b| {
            b.is_ascii_digit().then(|| sum * 10 + u32::from(b - b'0'))
        })
    };
    let separator = *bytes.get(4)?;
    if !matches!(separator, b'-' | b'/') || bytes.get(7) != Some(&separator) {
        return None;
    }
    let date = NaiveDate::from_ymd_opt(number(0, 4)? as i32, number(5, 7)?, number(8, 10)?)?;
    let days_us = i64::from(date.signed_duration_since(NaiveDate::default()).num_days() as i32)
        * 86_400_000_000;
    if bytes.len() == 10 {
        *zone_missing = true;
        return Some(days_us);
    }
    if !matches!(bytes.get(10)?, b'T' | b't' | b' ') || bytes.get(13) != Some(&b':') {
        return None;
    }
    let (hour, minute) = (number(11, 13)?, number(14, 16)?);
    let (second, mut rest) = if bytes.get(16) == Some(&b':') {
        (number(17, 19)?, text.get(19..)?)
    } else {
        (0, text.get(16..)?)
    };
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let mut fraction_us = 0;
    if let Some(after) = rest.strip_prefix(['.', ',']) {
        let n = after.bytes().take_while(u8::is_ascii_digit).count();
        // Digits beyond the sixth are cut off, not rounded: a stamp must not move to the next second.
        let digits = after.get(..n.min(6))?;
        fraction_us = digits.parse::<i64>().ok()? * 10i64.pow(6 - digits.len() as u32);
        rest = after.get(n..)?;
    }
    let offset_us = zone_offset_us(rest.trim(), zone_missing)?;
    let seconds = i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second);
    Some(days_us + seconds * 1_000_000 + fraction_us - offset_us)
}

fn zone_offset_us(zone: &str, zone_missing: &mut bool) -> Option<i64> {
    match zone {
        "" => {
            *zone_missing = true;
            Some(0)
        }
        "Z" | "z" | "UTC" | "GMT" => Some(0),
        _ => {
            let sign = if zone.starts_with('-') { -1 } else { 1 };
            let digits: String = zone
                .strip_prefix(['+', '-'])?
                .chars()
                .filter(|c| *c != ':')
                .collect();
            let (hours, minutes) = match digits.len() {
                2 => (digits.parse::<i64>().ok()?, 0),
                4 => (
                    digits.get(..2)?.parse::<i64>().ok()?,
                    digits.get(2..)?.parse::<i64>().ok()?,
                ),
                _ => return None,
            };
            Some(sign * (hours * 60 + minutes) * 60_000_000)
        }
    }
}

fn other_stamp_us(text: &str, zone_missing: &mut bool) -> Option<i64> {
    if let Ok(time) = DateTime::parse_from_rfc2822(text) {
        return Some(time.timestamp_micros());
    }
    let access_log = text.trim_start_matches('[').trim_end_matches(']');
    if let Ok(time) = DateTime::parse_from_str(access_log, "%d/%b/%Y:%H:%M:%S %z") {
        return Some(time.timestamp_micros());
    }
    let asian = text
        .replace(['年', '月', '년', '월'], "-")
        .replace(['日', '일'], " ")
        .replace("- ", "-")
        .replace("  ", " ");
    let forms = [
        "%Y-%m-%d %H:%M:%S%.f",
        "%Y-%m-%d %H:%M",
        "%Y. %m. %d. %H:%M:%S",
        "%Y. %m. %d. %H:%M",
    ];
    let time = forms
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(asian.trim(), form).ok())?;
    *zone_missing = true;
    Some(time.and_utc().timestamp_micros())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<&str>) {
        let us = text_stamp_us(text, &mut false);
        let shown = us.map(|us| crate::units::instant_iso(us, crate::units::Clock::Epoch));
        assert_eq!(shown.as_deref(), expected, "{text}");
    }

    #[test]
    fn text_forms() {
        check("2026-03-02T06:27:23.720Z", Some("2026-03-02T06:27:23.720Z"));
        check(
            "2023-11-16 18:17:03.9799600",
            Some("2023-11-16T18:17:03.979960Z"),
        );
        check(
            "2026-03-02T06:27:23.9999999Z",
            Some("2026-03-02T06:27:23.999999Z"),
        );
        check(
            "2019-11-24 00:00:17.004101+00:00",
            Some("2019-11-24T00:00:17.004101Z"),
        );
        check("2026-03-02T06:27:23+0900", Some("2026-03-01T21:27:23.000Z"));
        check("\"2024-01-05T00:00:00Z\"", Some("2024-01-05T00:00:00.000Z"));
        check(
            "[17/May/2015:10:05:03 +0000]",
            Some("2015-05-17T10:05:03.000Z"),
        );
        check("2026/03/02 06:27", Some("2026-03-02T06:27:00.000Z"));
        check("2026年3月2日 06:27:23", Some("2026-03-02T06:27:23.000Z"));
        check("2026년 3월 2일 06:27:23", Some("2026-03-02T06:27:23.000Z"));
        check("2026-02-30T00:00:00Z", None);
        check("2026-03-02T25:00:00Z", None);
        check("yesterday", None);
        check("", None);
    }

    #[test]
    fn numeric_forms_are_exact_to_the_microsecond() {
        assert_eq!(
            decimal_stamp_us("1742749585.209894", DurationUnit::S),
            Some(1_742_749_585_209_894)
        );
        assert_eq!(
            decimal_stamp_us("1742749585209894123", DurationUnit::Ns),
            Some(1_742_749_585_209_894)
        );
        assert_eq!(
            decimal_stamp_us("1765000000000", DurationUnit::Ms),
            Some(1_765_000_000_000_000)
        );
        assert_eq!(
            decimal_stamp_us("1.5e9", DurationUnit::S),
            Some(1_500_000_000_000_000)
        );
        assert_eq!(decimal_stamp_us("-0.5", DurationUnit::S), Some(-500_000));
        assert_eq!(decimal_stamp_us("x", DurationUnit::S), None);
        assert_eq!(epoch_unit(1.7e9), Some(DurationUnit::S));
        assert_eq!(epoch_unit(1.7e18), Some(DurationUnit::Ns));
        assert_eq!(epoch_unit(208.8), None);
    }
}
