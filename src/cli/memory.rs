//! How much memory a log may take: a size, no limit, or most of what is free when it is opened.

use std::fmt;
use std::str::FromStr;

/// How much memory a log may take.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum MemoryLimit {
    /// Four fifths of what is free when a log is opened, where the system tells.
    #[default]
    Automatic,
    /// This many bytes.
    Bytes(u64),
    /// As much as there is.
    Unlimited,
}

impl MemoryLimit {
    /// In bytes, now; `None` for no limit.
    pub fn bytes(self) -> Option<u64> {
        match self {
            Self::Automatic => free().map(|free| free / 5 * 4),
            Self::Bytes(bytes) => Some(bytes),
            Self::Unlimited => None,
        }
    }
}

impl FromStr for MemoryLimit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refused = || "write a size such as 4GB or 512MB, auto, or none".to_owned();
        let text = text.trim().to_ascii_lowercase();
        match text.as_str() {
            "auto" => return Ok(Self::Automatic),
            "none" => return Ok(Self::Unlimited),
            _ => {}
        }
        let at = text
            .find(|c: char| c.is_ascii_alphabetic())
            .ok_or_else(refused)?;
        let (number, unit) = text.split_at(at);
        let unit = match unit {
            "mb" | "m" => 1e6,
            "gb" | "g" => 1e9,
            "mib" => f64::from(1 << 20),
            "gib" => f64::from(1 << 30),
            _ => return Err(refused()),
        };
        let number: f64 = number.trim().parse().map_err(|_no_number| refused())?;
        if number.is_finite() && number > 0.0 {
            Ok(Self::Bytes((number * unit) as u64))
        } else {
            Err(refused())
        }
    }
}

impl fmt::Display for MemoryLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Automatic => f.write_str("auto"),
            Self::Bytes(bytes) => write!(f, "{}MB", bytes / 1_000_000),
            Self::Unlimited => f.write_str("none"),
        }
    }
}

/// Bytes that programs may still take, where the system tells: Linux does, for the machine and for the
/// container that the program runs in.
fn free() -> Option<u64> {
    let of_machine = std::fs::read_to_string("/proc/meminfo").ok();
    let of_machine = of_machine.and_then(|text| available_of(&text));
    let number = |path: &str| {
        std::fs::read_to_string(path)
            .ok()?
            .trim()
            .parse::<u64>()
            .ok()
    };
    let of_container = number("/sys/fs/cgroup/memory.max").map(|most| {
        let taken = number("/sys/fs/cgroup/memory.current").unwrap_or(0);
        most.saturating_sub(taken)
    });
    of_machine.into_iter().chain(of_container).min()
}

/// `MemAvailable:   12345 kB` in bytes.
fn available_of(meminfo: &str) -> Option<u64> {
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        let check = |text: &str, expected| assert_eq!(text.parse(), Ok(expected), "{text}");
        check("4GB", MemoryLimit::Bytes(4_000_000_000));
        check("512 mb", MemoryLimit::Bytes(512_000_000));
        check("1.5GiB", MemoryLimit::Bytes(1_610_612_736));
        check("auto", MemoryLimit::Automatic);
        check("none", MemoryLimit::Unlimited);
        for text in ["", "4", "-1GB", "nan GB", "4TBq", "GB", "1e400GB"] {
            assert!(text.parse::<MemoryLimit>().is_err(), "{text}");
        }
        for limit in [
            MemoryLimit::Automatic,
            MemoryLimit::Unlimited,
            MemoryLimit::Bytes(2_000_000_000),
        ] {
            assert_eq!(limit.to_string().parse(), Ok(limit));
        }
    }

    #[test]
    fn what_is_free_is_told_by_the_system() {
        let text = "MemTotal:       24567890 kB\nMemFree: 1 kB\nMemAvailable:   1024 kB\n";
        assert_eq!(available_of(text), Some(1 << 20));
        assert_eq!(available_of("MemTotal: 5 kB"), None);
        assert_eq!(MemoryLimit::Unlimited.bytes(), None);
    }
}
