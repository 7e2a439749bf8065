//! How stamps are written, and those that are numbers to microseconds.

use serde::{Deserialize, Serialize};

/// How the stamps of a column are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StampForm {
    /// Dates and times as text; without a zone they are UTC.
    Text,
    /// Text with the day before the month: `2/3/2026` is in March.
    DayFirst,
    /// Text with the month before the day: `2/3/2026` is in February.
    MonthFirst,
    /// The milliseconds in the first 48 bits of a UUID of version 7.
    Uuid7,
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
            Self::DayFirst => "date and time, day before month".to_owned(),
            Self::MonthFirst => "date and time, month before day".to_owned(),
            Self::Uuid7 => "milliseconds in a UUID".to_owned(),
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

#[cfg(test)]
mod tests {
    use super::*;

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
