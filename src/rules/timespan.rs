//! [`TimeSpan`]: a length of time as rulebooks write it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A length of time in microseconds; written `"60s"`, `"5m"`, `"1h 30m"`, `"250ms"`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TimeSpan {
    /// Microseconds.
    pub us: i64,
}

/// Suffixes, longest unit first; `ms` before `m` so that it is matched first.
const UNITS: [(&str, i64); 7] = [
    ("w", 604_800_000_000),
    ("d", 86_400_000_000),
    ("h", 3_600_000_000),
    ("ms", 1_000),
    ("us", 1),
    ("m", 60_000_000),
    ("s", 1_000_000),
];

impl TimeSpan {
    /// A span of whole seconds.
    pub fn seconds(seconds: i64) -> Self {
        Self {
            us: seconds * 1_000_000,
        }
    }

    /// The span in seconds.
    pub fn as_seconds(self) -> f64 {
        self.us as f64 / 1e6
    }
}

impl FromStr for TimeSpan {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fault =
            || format!("{text:?} is not a length of time such as \"60s\", \"5m\" or \"2h\"");
        let mut rest = text.trim();
        let mut us = 0_i64;
        if rest.is_empty() {
            return Err(fault());
        }
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(fault)?;
            let number: i64 = rest[..digits].parse().ok().ok_or_else(fault)?;
            let (suffix, size) = UNITS
                .iter()
                .find(|(suffix, _)| rest[digits..].starts_with(suffix))
                .ok_or_else(fault)?;
            us = number
                .checked_mul(*size)
                .and_then(|part| us.checked_add(part))
                .ok_or_else(fault)?;
            rest = rest[digits + suffix.len()..].trim_start();
        }
        Ok(Self { us })
    }
}

impl fmt::Display for TimeSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.us == 0 {
            return f.write_str("0s");
        }
        let mut rest = self.us;
        for suffix in ["d", "h", "m", "s", "ms", "us"] {
            let size = UNITS
                .iter()
                .find(|(s, _)| *s == suffix)
                .map_or(1, |(_, n)| *n);
            if rest >= size {
                write!(f, "{}{suffix}", rest / size)?;
                rest %= size;
            }
        }
        Ok(())
    }
}

impl TryFrom<String> for TimeSpan {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<TimeSpan> for String {
    fn from(span: TimeSpan) -> Self {
        span.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_and_written() {
        for (text, us, again) in [
            ("60s", 60_000_000, "1m"),
            ("5m", 300_000_000, "5m"),
            ("1h 30m", 5_400_000_000, "1h30m"),
            ("250ms", 250_000, "250ms"),
            ("0s", 0, "0s"),
        ] {
            let span: TimeSpan = text.parse().unwrap();
            assert_eq!((span.us, span.to_string().as_str()), (us, again));
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "5", "m", "-5m", "5 parsecs", "5m3", "99999999999w"] {
            assert!(text.parse::<TimeSpan>().is_err(), "{text}");
        }
    }
}
