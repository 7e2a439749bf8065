//! How quantities are written for people. Every screen, report and table formats through here, so
//! that one number looks the same everywhere. JSON carries the full values instead.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What the microseconds of a log count from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Clock {
    /// From 1970-01-01 UTC.
    #[default]
    Epoch,
    /// From an unknown instant, such as the start of a benchmark or of each session.
    Relative,
    /// The log has no times: row order stands in, one second a row. Nothing about time is shown.
    RowOrder,
}

/// How the values of a metric are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ValueForm {
    /// A share of 0 to 1, shown in per cent; its changes in percentage points.
    Share,
    /// Milliseconds.
    LatencyMs,
    /// A plain number.
    Number,
    /// An amount per request, told per 1,000 requests.
    PerThousand,
}

impl ValueForm {
    /// A value for people.
    pub fn value(self, value: f64) -> String {
        match self {
            Self::Share => share(value),
            Self::LatencyMs => latency(value),
            Self::Number => number(value),
            Self::PerThousand => number(self.unrounded(value)),
        }
    }

    /// The number behind what people read, in full: amounts per 1,000 requests, shares of 0 to 1,
    /// milliseconds.
    pub fn unrounded(self, value: f64) -> f64 {
        match self {
            Self::PerThousand => value * 1000.0,
            Self::Share | Self::LatencyMs | Self::Number => value,
        }
    }

    /// A difference for people, with its sign.
    pub fn change(self, value: f64) -> String {
        match self {
            Self::Share => points(value),
            Self::LatencyMs => latency_change(value),
            Self::Number => change(value),
            Self::PerThousand => change(self.unrounded(value)),
        }
    }

    /// A value with its interval.
    pub fn value_with_interval(self, value: f64, lower: f64, upper: f64) -> String {
        format!(
            "{} [{}, {}]",
            self.value(value),
            self.value(lower),
            self.value(upper)
        )
    }

    /// A difference with its interval: `+1.24 pp [+0.31, +2.17]`.
    pub fn change_with_interval(self, value: f64, lower: f64, upper: f64) -> String {
        format!(
            "{} [{}, {}]",
            self.change(value),
            self.change(lower),
            self.change(upper)
        )
    }
}

/// The sign of a negative number in text for people.
const MINUS: char = '\u{2212}';

/// Shown where there is no value.
pub const NO_VALUE: &str = "–";

/// A whole number with thousands separators: `14,374`.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// The name of a quantile: `p95`.
pub fn percentile(q: f64) -> String {
    format!("p{}", significant(q * 100.0, 2))
}

/// A share of 0 to 1 as per cent: `3.27 %`.
pub fn share(value: f64) -> String {
    if value.is_nan() {
        NO_VALUE.to_owned()
    } else {
        format!("{} %", significant(value * 100.0, 3))
    }
}

/// A difference of shares in percentage points: `+1.24 pp`.
pub fn points(value: f64) -> String {
    if value.is_nan() {
        NO_VALUE.to_owned()
    } else {
        format!("{} pp", signed(value * 100.0, 3))
    }
}

/// A relative change: `+4.1 %`. Beyond a hundredfold no figure means anything: `> +10,000 %`.
pub fn relative(value: f64) -> String {
    if value.is_nan() {
        NO_VALUE.to_owned()
    } else if value > 100.0 && value.is_finite() {
        "> +10,000 %".to_owned()
    } else {
        format!("{} %", signed(value * 100.0, 2))
    }
}

/// A latency: `312 ms`, `1.94 s`, `2 min 4 s`.
pub fn latency(ms: f64) -> String {
    let size = ms.abs();
    if ms.is_nan() {
        NO_VALUE.to_owned()
    } else if size.is_infinite() {
        significant(ms, 3)
    } else if size < 999.5 {
        format!("{} ms", significant(ms, 3))
    } else if size < 119_950.0 {
        format!("{} s", significant(ms / 1e3, 3))
    } else {
        let sign = if ms < 0.0 {
            MINUS.to_string()
        } else {
            String::new()
        };
        format!("{sign}{}", duration_us((size * 1e3) as i64))
    }
}

/// A difference of latencies with its sign: `+0.28 s`.
pub fn latency_change(ms: f64) -> String {
    if ms > 0.0 {
        format!("+{}", latency(ms))
    } else {
        latency(ms)
    }
}

/// A plain number to three significant digits: `3.84`, `1,020`, `0.00213`.
pub fn number(value: f64) -> String {
    if value.is_nan() {
        NO_VALUE.to_owned()
    } else {
        significant(value, 3)
    }
}

/// A number of a scale, as it was written: `1`, `−1`, `0.5`.
pub fn plain(value: f64) -> String {
    let digits = if value.fract() == 0.0 { 1 } else { 3 };
    significant(value, digits)
}

/// A difference with its sign, to three significant digits.
pub fn change(value: f64) -> String {
    if value.is_nan() {
        NO_VALUE.to_owned()
    } else {
        signed(value, 3)
    }
}

/// A p-value: `0.031`, `2.3e−6`, never `0.000`; what is smaller than any sample can vouch for is told
/// as `< 1e−15`.
pub fn p_value(p: f64) -> String {
    if p.is_nan() {
        NO_VALUE.to_owned()
    } else if p >= 0.001 {
        format!("{p:.3}")
    } else if p >= 1e-15 {
        format!("{p:.1e}").replace("e-", "e\u{2212}")
    } else {
        format!("< 1e{MINUS}15")
    }
}

/// A p-value within a sentence: `p = 0.031`, `p < 1e−15`.
pub fn p_is(p: f64) -> String {
    let shown = p_value(p);
    if shown.starts_with('<') {
        format!("p {shown}")
    } else {
        format!("p = {shown}")
    }
}

/// A span of time in its two largest parts: `2 h 13 min`, `45 s`, `350 ms`.
pub fn duration_us(us: i64) -> String {
    let (sign, us) = if us < 0 {
        (MINUS.to_string(), -us)
    } else {
        (String::new(), us)
    };
    if us < 1_000_000 {
        return format!("{sign}{} ms", significant(us as f64 / 1e3, 3));
    }
    let seconds = us / 1_000_000;
    let parts = [("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)];
    let mut rest = seconds;
    let mut out = Vec::new();
    for (name, size) in parts {
        if rest >= size && out.len() < 2 {
            out.push(format!("{} {name}", rest / size));
        } else if !out.is_empty() {
            break; // "1 d 3 s" helps nobody
        }
        rest %= size;
    }
    sign + &out.join(" ")
}

/// How long something lasts on a log's clock: a duration, or `450 rows` where there are no times.
pub fn elapsed(us: i64, clock: Clock) -> String {
    match (clock, us / 1_000_000) {
        (Clock::RowOrder, 1) => "1 row".to_owned(),
        (Clock::RowOrder, rows) => format!("{} rows", count(rows.max(0) as u64)),
        _ => duration_us(us),
    }
}

/// A moment that is counted from the first request: `after 41 min 38 s`, or `at row 451`.
pub fn moment(us: i64, clock: Clock) -> String {
    match clock {
        Clock::RowOrder => format!("at {}", instant(us, clock)),
        Clock::Epoch | Clock::Relative if us == 0 => "at the start".to_owned(),
        Clock::Epoch | Clock::Relative => format!("after {}", duration_us(us)),
    }
}

/// An instant of a log's clock: `2026-03-02 06:27:23 UTC`, or the time since zero.
pub fn instant(us: i64, clock: Clock) -> String {
    match (clock, DateTime::<Utc>::from_timestamp_micros(us)) {
        (Clock::Epoch, Some(time)) => time.format("%Y-%m-%d %H:%M:%S UTC").to_string(),
        (Clock::RowOrder, _) => format!("row {}", count((us / 1_000_000).max(0) as u64 + 1)),
        _ => format!("+{}", duration_us(us)),
    }
}

/// An instant for machines: RFC 3339 with as many digits as needed, at least milliseconds; plain
/// seconds for a relative clock.
pub fn instant_iso(us: i64, clock: Clock) -> String {
    match (clock, DateTime::<Utc>::from_timestamp_micros(us)) {
        (Clock::Epoch, Some(time)) => {
            let form = if us % 1000 == 0 {
                "%Y-%m-%dT%H:%M:%S%.3fZ"
            } else {
                "%Y-%m-%dT%H:%M:%S%.6fZ"
            };
            time.format(form).to_string()
        }
        _ => format!("{}", us as f64 / 1e6),
    }
}

/// `value` to `digits` significant digits, without an exponent, with thousands separators.
pub fn significant(value: f64, digits: usize) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    if !value.is_finite() {
        return if value.is_nan() {
            NO_VALUE.to_owned()
        } else {
            format!("{}∞", if value < 0.0 { "−" } else { "" })
        };
    }
    let size = value.abs();
    if size < 1e-6 {
        return format!("{value:.*e}", digits - 1).replace('-', &MINUS.to_string());
    }
    // The exponent after rounding: 9.996 to three digits is 10.0, not 10.00.
    let rounded: f64 = format!("{size:.*e}", digits - 1).parse().unwrap_or(size);
    let magnitude = rounded.log10().floor() as i32;
    let decimals = (digits as i32 - 1 - magnitude).max(0) as usize;
    // Whole digits are never rounded away: 1,234,567 keeps them all.
    let text = if decimals == 0 {
        format!("{size:.0}")
    } else {
        format!("{rounded:.decimals$}")
    };
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let sign = if value < 0.0 {
        MINUS.to_string()
    } else {
        String::new()
    };
    let whole = whole.parse().map_or_else(|_| whole.to_owned(), count);
    if fraction.is_empty() {
        format!("{sign}{whole}")
    } else {
        format!("{sign}{whole}.{fraction}")
    }
}

/// Less than this is what rounding leaves of equal numbers.
const ROUNDING: f64 = 1e-12;

/// A change with its sign.
fn signed(value: f64, digits: usize) -> String {
    let value = if value.abs() < ROUNDING { 0.0 } else { value };
    let text = significant(value, digits);
    if value > 0.0 {
        format!("+{text}")
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_significant_digits() {
        for (value, text) in [
            (0.0, "0"),
            (9.996, "10.0"),
            (0.001_234, "0.00123"),
            (1_234_567.0, "1,234,567"),
            (-3.0, "−3.00"),
            (1020.4, "1,020"),
            (f64::NAN, "–"),
        ] {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn shares_and_points() {
        assert_eq!(share(0.0327), "3.27 %");
        assert_eq!(points(0.0124), "+1.24 pp");
        assert_eq!(relative(-0.041), "−4.1 %");
        assert_eq!(relative(1_801_749.4), "> +10,000 %");
        assert_eq!(points(6.9e-18), "0 pp");
    }

    #[test]
    fn amounts_per_request_are_told_per_thousand() {
        let form = ValueForm::PerThousand;
        assert_eq!(form.value(0.005_02), "5.02");
        assert_eq!(
            form.change_with_interval(0.000_001_7, -0.000_042_7, 0.000_046_1),
            "+0.00170 [−0.0427, +0.0461]"
        );
        assert_eq!(form.unrounded(0.25), 250.0);
        assert_eq!(ValueForm::Share.unrounded(0.25), 0.25);
    }

    #[test]
    fn latencies_choose_their_unit() {
        for (ms, text) in [
            (0.5, "0.500 ms"),
            (312.0, "312 ms"),
            (999.6, "1.00 s"),
            (124_000.0, "2 min 4 s"),
            (f64::NEG_INFINITY, "−∞"),
        ] {
            assert_eq!(latency(ms), text);
        }
        assert_eq!(latency_change(-280.0), "−280 ms");
    }

    #[test]
    fn durations_show_two_adjacent_parts() {
        for (us, text) in [
            (0, "0 ms"),
            (45_000_000, "45 s"),
            (7_980_000_000, "2 h 13 min"),
            (86_403_000_000, "1 d"),
            (-60_000_000, "−1 min"),
        ] {
            assert_eq!(duration_us(us), text);
        }
    }

    #[test]
    fn p_values_are_never_zero() {
        assert_eq!(p_value(0.0314), "0.031");
        assert_eq!(p_value(2.3e-6), "2.3e−6");
        assert_eq!(p_value(0.0), "< 1e−15");
        assert_eq!(p_is(0.0), "p < 1e−15");
        assert_eq!(p_is(0.0314), "p = 0.031");
    }

    #[test]
    fn instants() {
        assert_eq!(
            instant_iso(1_772_432_843_720_000, Clock::Epoch),
            "2026-03-02T06:27:23.720Z"
        );
        assert_eq!(instant(90_000_000, Clock::Relative), "+1 min 30 s");
        // Without times nothing lasts.
        assert_eq!(elapsed(449_000_000, Clock::RowOrder), "449 rows");
        assert_eq!(elapsed(1_000_000, Clock::RowOrder), "1 row");
        assert_eq!(moment(450_000_000, Clock::RowOrder), "at row 451");
        assert_eq!(moment(2_498_000_000, Clock::Epoch), "after 41 min 38 s");
        assert_eq!(moment(0, Clock::Relative), "at the start");
    }
}
