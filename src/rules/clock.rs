//! When a rule is evaluated.

use serde::{Deserialize, Serialize};

use super::TimeSpan;

/// The instants at which a rule looks at its windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// After every request.
    Request {
        /// Of which arm.
        arm: RequestArm,
    },
    /// At anchor + phase + k·every, up to the last event; with scraped counters up to the first
    /// instant at or after it, because the last requests show at the next scrape only.
    Every {
        /// The interval.
        every: TimeSpan,
        /// Shift of all instants.
        phase: TimeSpan,
        /// What the instants count from.
        anchor: Anchor,
        /// No evaluation at or after this time since time zero.
        until: Option<TimeSpan>,
        /// The first k: 0 evaluates at the anchor itself, 1 an interval later.
        from: u8,
    },
    /// Once, this long after time zero.
    OnceAt {
        /// When.
        at: TimeSpan,
    },
}

/// After which requests a rule is evaluated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RequestArm {
    /// After every request of the log.
    #[default]
    Any,
    /// After requests of the canary.
    Canary,
    /// After requests of the baseline.
    Baseline,
}

/// What the ticks of a clock count from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Anchor {
    /// Time zero of the replay, the first start stamp.
    #[default]
    Run,
    /// Whole multiples of the interval in epoch time; the first is the first at or after time zero
    /// (k = 0) or strictly after it (k = 1).
    Epoch,
}

/// A regular sequence of instants in the log's own microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ticks {
    /// The first instant.
    pub(super) first_us: i64,
    /// Distance of the instants, at least 1.
    pub(super) every_us: i64,
    /// How many.
    pub(super) n: u64,
}

impl Clock {
    /// The interval of a clock that ticks for ever.
    pub(super) fn interval(&self) -> Option<TimeSpan> {
        match self {
            Self::Every { every, .. } => Some(*every),
            Self::Request { .. } | Self::OnceAt { .. } => None,
        }
    }

    /// The ticks from `time_zero_us` to `last_us`, both in the log's own microseconds; `None` for a
    /// clock that follows the requests.
    pub(super) fn ticks(&self, time_zero_us: i64, last_us: i64) -> Option<Ticks> {
        let (first_us, every_us, end_us) = match *self {
            Self::Request { .. } => return None,
            Self::OnceAt { at } => {
                let at_us = time_zero_us.saturating_add(at.us);
                (at_us, 1, last_us.min(at_us))
            }
            Self::Every {
                every,
                phase,
                anchor,
                until,
                from,
            } => {
                let start = match anchor {
                    Anchor::Run => time_zero_us + phase.us + i64::from(from) * every.us,
                    Anchor::Epoch => {
                        let earliest = time_zero_us + i64::from(from);
                        earliest + (phase.us - earliest).rem_euclid(every.us)
                    }
                };
                let end = until.map_or(last_us, |until| {
                    last_us.min(time_zero_us.saturating_add(until.us) - 1)
                });
                (start, every.us, end)
            }
        };
        let n = if end_us < first_us {
            0
        } else {
            ((end_us - first_us) / every_us) as u64 + 1
        };
        Some(Ticks {
            first_us,
            every_us,
            n,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every(seconds: i64) -> Clock {
        Clock::Every {
            every: TimeSpan::seconds(seconds),
            phase: TimeSpan::default(),
            anchor: Anchor::Run,
            until: None,
            from: 1,
        }
    }

    fn check(clock: Clock, zero_us: i64, last_us: i64, first_us: i64, n: u64) {
        let ticks = clock.ticks(zero_us, last_us).unwrap();
        assert_eq!((ticks.first_us, ticks.n), (first_us, n), "{clock:?}");
    }

    #[test]
    fn ticks_end_with_the_last_event() {
        check(every(60), 5, 5 + 179_999_999, 60_000_005, 2);
        check(every(60), 5, 5 + 180_000_000, 60_000_005, 3);
        check(every(60), 5, 5, 60_000_005, 0);
    }

    #[test]
    fn until_is_exclusive() {
        let clock = Clock::Every {
            every: TimeSpan::seconds(10),
            phase: TimeSpan::default(),
            anchor: Anchor::Run,
            until: Some(TimeSpan::seconds(300)),
            from: 0,
        };
        check(clock, 0, i64::MAX / 2, 0, 30);
    }

    #[test]
    fn epoch_ticks_fall_on_whole_minutes() {
        let clock = |from, phase| Clock::Every {
            every: TimeSpan::seconds(60),
            phase: TimeSpan::seconds(phase),
            anchor: Anchor::Epoch,
            until: None,
            from,
        };
        check(clock(1, 0), 61_000_000, 200_000_000, 120_000_000, 2);
        check(clock(0, 0), 60_000_000, 60_000_000, 60_000_000, 1);
        check(clock(1, 0), 60_000_000, 60_000_000, 120_000_000, 0);
        check(clock(0, 56), 61_000_000, 200_000_000, 116_000_000, 2);
    }

    #[test]
    fn once_happens_once_if_the_log_lasts() {
        let clock = Clock::OnceAt {
            at: TimeSpan::seconds(300),
        };
        check(clock, 0, 300_000_000, 300_000_000, 1);
        check(clock, 0, 299_999_999, 300_000_000, 0);
    }
}
