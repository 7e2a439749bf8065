//! Dates and times as people and tools write them, to microseconds.

use chrono::NaiveDate;

/// A stamp as text. `zone_missing` is set where it has none and UTC was assumed.
pub(super) fn text_stamp_us(text: &str, zone_missing: &mut bool) -> Option<i64> {
    ordered_stamp_us(text, None, zone_missing)
}

/// Whether the day or the month comes first where both are numbers and the year comes last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DateOrder {
    DayFirst,
    MonthFirst,
}

/// [`text_stamp_us`], which also reads `2/3/2026` in the given order.
pub(super) fn ordered_stamp_us(
    text: &str,
    order: Option<DateOrder>,
    zone_missing: &mut bool,
) -> Option<i64> {
    // Some exports keep literal quotes in the cell.
    let text = text.trim().trim_matches('"').trim();
    iso_stamp_us(text, zone_missing)
        .or_else(|| digits_stamp_us(text, zone_missing))
        .or_else(|| written_stamp_us(text, order, zone_missing))
}

/// The milliseconds since 1970 in a UUID of version 7 (RFC 9562, 5.7), in microseconds.
pub(super) fn uuid7_us(text: &str) -> Option<i64> {
    let digits: String = text.trim().chars().filter(|c| *c != '-').collect();
    let is_version_7 = digits.len() == 32 && digits.as_bytes()[12] == b'7';
    let ms = i64::from_str_radix(digits.get(..12).filter(|_| is_version_7)?, 16).ok()?;
    Some(ms * 1000)
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

/// `20260821` and `20260821062723`.
fn digits_stamp_us(text: &str, zone_missing: &mut bool) -> Option<i64> {
    if !matches!(text.len(), 8 | 14) || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let number = |from: usize, to: usize| text.get(from..to).and_then(|t| t.parse::<u32>().ok());
    let date = (number(0, 4)?, number(4, 6)?, number(6, 8)?);
    let time = if text.len() == 14 {
        (number(8, 10)?, number(10, 12)?, number(12, 14)?)
    } else {
        (0, 0, 0)
    };
    if !(2000..=2100).contains(&date.0) {
        return None;
    }
    *zone_missing = true;
    composed_us(date, time, 0)
}

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
/// Half-day words, and the hours that they add.
const HALVES: [(&str, u32); 8] = [
    ("上午", 0),
    ("오전", 0),
    ("a.m.", 0),
    ("am", 0),
    ("下午", 12),
    ("오후", 12),
    ("p.m.", 12),
    ("pm", 12),
];

/// A date of three parts, the month perhaps a word, and perhaps a time: `2026年3月2日 下午6:27`,
/// `2026. 3. 2. 오후 6:27:23`, `17/May/2015:10:05:03 +0000`, `Mon, 2 Mar 2026 06:27:23 GMT`,
/// `Mar 2, 2026, 6:27 PM`, and in a given order `2/3/2026 18:27`.
fn written_stamp_us(text: &str, order: Option<DateOrder>, zone_missing: &mut bool) -> Option<i64> {
    let mut text: String = text
        .trim_start_matches('[')
        .trim_end_matches(']')
        .to_lowercase()
        .replace(['年', '月', '년', '월'], "-")
        .replace(['日', '일', '秒', '초'], " ")
        .replace(['时', '時', '點', '点', '시', '分', '분'], ":");
    let half = HALVES.iter().find(|(word, _)| text.contains(word));
    if let Some((word, _)) = half {
        text = text.replacen(word, " ", 1);
    }
    let mut parts = Parts(&text);
    let date = parts.date(order)?;
    let (mut hour, minute, second, fraction_us) = parts.time()?;
    if let Some((_, afternoon)) = half {
        hour = match hour {
            1..=11 => hour + afternoon,
            12 => *afternoon,
            // "오후 18:27" says the same twice.
            13..=23 if *afternoon == 12 => hour,
            _ => return None,
        };
    }
    let offset_us = zone_offset_us(&parts.0.trim().to_uppercase(), zone_missing)?;
    Some(composed_us(date, (hour, minute, second), fraction_us)? - offset_us)
}

fn composed_us(
    (year, month, day): (u32, u32, u32),
    (hour, minute, second): (u32, u32, u32),
    fraction_us: i64,
) -> Option<i64> {
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let date = NaiveDate::from_ymd_opt(year as i32, month, day)?;
    let days = date.signed_duration_since(NaiveDate::default()).num_days();
    let seconds = i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second);
    Some((days * 86_400 + seconds) * 1_000_000 + fraction_us)
}

/// What is left to read of a written stamp.
struct Parts<'a>(&'a str);

impl Parts<'_> {
    /// Year, month and day.
    fn date(&mut self, order: Option<DateOrder>) -> Option<(u32, u32, u32)> {
        let mut numbers: Vec<(u32, usize)> = Vec::new();
        let mut month = None;
        while numbers.len() + usize::from(month.is_some()) < 3 {
            self.0 = self.0.trim_start_matches(['-', '/', '.', ',', ' ']);
            if let Some((value, n_digits)) = self.number() {
                numbers.push((value, n_digits));
                continue;
            }
            let n = self.0.chars().take_while(|c| c.is_alphabetic()).count();
            let word: String = self.0.chars().take(n).collect();
            let known = MONTHS.iter().position(|m| word.starts_with(m));
            if n < 3 || (known.is_none() && !is_weekday(&word)) || month.is_some() {
                return None;
            }
            month = known.map(|i| i as u32 + 1);
            self.0 = &self.0[word.len()..];
        }
        match (numbers.as_slice(), month, order) {
            ([(year, 4), (month, 1..=2), (day, 1..=2)], None, _) => Some((*year, *month, *day)),
            ([(year, 4), (day, 1..=2)] | [(day, 1..=2), (year, 4)], Some(month), _) => {
                Some((*year, month, *day))
            }
            ([(a, 1..=2), (b, 1..=2), (year, 4)], None, Some(order)) => Some(match order {
                DateOrder::DayFirst => (*year, *b, *a),
                DateOrder::MonthFirst => (*year, *a, *b),
            }),
            _ => None,
        }
    }

    /// Hour, minute, second and microseconds; midnight where there is none.
    fn time(&mut self) -> Option<(u32, u32, u32, i64)> {
        self.0 = self.0.trim_start_matches(['.', ',', ':', ' ', 't']);
        let Some((hour, _)) = self.number() else {
            return Some((0, 0, 0, 0));
        };
        let mut rest = [0, 0];
        for part in &mut rest {
            self.0 = self.0.trim_start_matches(' ');
            let Some(after) = self.0.strip_prefix(':') else {
                break;
            };
            self.0 = after.trim_start_matches(' ');
            // "6시 27분" ends with a mark and no seconds.
            *part = self.number().map_or(0, |(value, _)| value);
        }
        let mut fraction_us = 0;
        if let Some(after) = self.0.strip_prefix(['.', ',']) {
            let n = after.bytes().take_while(u8::is_ascii_digit).count();
            let digits = after.get(..n.min(6)).filter(|d| !d.is_empty())?;
            fraction_us = digits.parse::<i64>().ok()? * 10i64.pow(6 - digits.len() as u32);
            self.0 = &after[n..];
        }
        Some((hour, rest[0], rest[1], fraction_us))
    }

    fn number(&mut self) -> Option<(u32, usize)> {
        let n = self.0.bytes().take_while(u8::is_ascii_digit).count();
        let value = self.0.get(..n)?.parse().ok()?;
        self.0 = &self.0[n..];
        Some((value, n))
    }
}

fn is_weekday(word: &str) -> bool {
    ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
        .iter()
        .any(|day| word.starts_with(day))
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
        check(
            "Mon, 2 Mar 2026 06:27:23 +0900",
            Some("2026-03-01T21:27:23.000Z"),
        );
        check("2026年3月2日 下午6:27:23", Some("2026-03-02T18:27:23.000Z"));
        check(
            "2026年3月2日 上午12時05分",
            Some("2026-03-02T00:05:00.000Z"),
        );
        check("2026. 3. 2. 오후 6:27:23", Some("2026-03-02T18:27:23.000Z"));
        check(
            "2026년 3월 2일 오전 6시 27분 23초",
            Some("2026-03-02T06:27:23.000Z"),
        );
        check("Mar 2, 2026, 6:27 PM", Some("2026-03-02T18:27:00.000Z"));
        check("20260302", Some("2026-03-02T00:00:00.000Z"));
        check("2026/3/2", Some("2026-03-02T00:00:00.000Z"));
        check("2/3/2026 06:27", None);
        check("1.5.0", None);
        check("yesterday", None);
        check("", None);
    }

    #[test]
    fn the_order_of_day_and_month_is_given() {
        let read = |order| {
            let us = ordered_stamp_us("2/3/2026 6:27:23 PM", Some(order), &mut false)?;
            Some(crate::units::instant_iso(us, crate::units::Clock::Epoch))
        };
        assert_eq!(
            read(DateOrder::DayFirst).as_deref(),
            Some("2026-03-02T18:27:23.000Z")
        );
        assert_eq!(
            read(DateOrder::MonthFirst).as_deref(),
            Some("2026-02-03T18:27:23.000Z")
        );
    }

    #[test]
    fn uuids_of_version_7_hold_milliseconds() {
        let us = uuid7_us("019562d9-020f-7dd1-a66b-69b9616c592b").unwrap();
        let shown = crate::units::instant_iso(us, crate::units::Clock::Epoch);
        assert_eq!(shown, "2025-03-04T20:29:03.887Z");
        assert_eq!(uuid7_us("67e55044-10b1-426f-9247-bb680e5fe0c8"), None);
    }
}
