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
    /// At anchor + delay + phase + k·every, up to the last event; with scraped counters up to the
    /// first instant at or after it, because the last requests show at the next scrape only.
    Every {
        /// The interval.
        every: TimeSpan,
        /// Shift of all instants.
        phase: Phase,
        /// What the instants count from.
        anchor: Anchor,
        /// How long after the anchor the watch begins.
        delay: TimeSpan,
        /// No evaluation at or after this time since time zero.
        until: Option<TimeSpan>,
        /// The first k: 0 evaluates at the anchor itself, 1 an interval later.
        from: u8,
        /// What an interval counts from.
        mode: TickMode,
    },
    /// Once, this long after time zero or after the start of every stage.
    OnceAt {
        /// When.
        at: TimeSpan,
        /// What it counts from.
        anchor: Anchor,
    },
    /// At the end of every stage, and at the end of the log.
    StageEnd,
}

/// Shift of the ticks of a clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Known.
    Fixed(TimeSpan),
    /// Prometheus' hash of the rule group's file and name, which the rulebook does not say: 0 stands
    /// for it, and the range over all phases says how much that matters.
    GroupHash,
}

/// What an interval between ticks counts from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TickMode {
    /// From tick to tick.
    #[default]
    Fixed,
    /// From the end of a measurement to the next (Argo Rollouts). A measurement takes no time here, so
    /// that ticks differ only where an error is retried earlier.
    AfterFinish,
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
    /// The start of every stage; the ticks of a stage end with it.
    Stage,
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

impl Phase {
    /// The shift, 0 where it is unknown.
    pub fn span(self) -> TimeSpan {
        match self {
            Self::Fixed(span) => span,
            Self::GroupHash => TimeSpan::default(),
        }
    }
}

impl Default for Phase {
    fn default() -> Self {
        Self::Fixed(TimeSpan::default())
    }
}

impl Clock {
    /// The ticks from `time_zero_us` to `last_us`, both in the log's own microseconds, in order;
    /// `None` for a clock that follows the requests. `stages` are the starts of the stages, the
    /// first at or before time zero.
    pub(super) fn ticks(
        &self,
        time_zero_us: i64,
        last_us: i64,
        stages: &[i64],
    ) -> Option<Vec<Ticks>> {
        let starts = |anchor| match anchor {
            Anchor::Stage if !stages.is_empty() => stages.len(),
            _ => 1,
        };
        // Start and last instant of the k-th stretch with a common anchor.
        let stretch = |anchor, k: usize| match anchor {
            Anchor::Stage if !stages.is_empty() => (
                stages[k].max(time_zero_us),
                stages.get(k + 1).map_or(last_us, |next| next - 1),
            ),
            _ => (time_zero_us, last_us),
        };
        Some(match *self {
            Self::Request { .. } => return None,
            Self::StageEnd => stages
                .iter()
                .skip(1)
                .copied()
                .chain([last_us])
                .filter(|end| *end > time_zero_us)
                .map(|end| Ticks::of(end, 1, end))
                .collect(),
            Self::OnceAt { at, anchor } => (0..starts(anchor))
                .map(|k| {
                    let (start, end) = stretch(anchor, k);
                    let at_us = start.saturating_add(at.us);
                    Ticks::of(at_us, 1, end.min(at_us))
                })
                .collect(),
            Self::Every {
                every,
                phase,
                anchor,
                delay,
                until,
                from,
                mode: _,
            } => (0..starts(anchor))
                .map(|k| {
                    let (start, end) = stretch(anchor, k);
                    let phase_us = phase.span().us;
                    let first = match anchor {
                        Anchor::Run | Anchor::Stage => {
                            start + delay.us + phase_us + i64::from(from) * every.us
                        }
                        Anchor::Epoch => {
                            let earliest = start + delay.us + i64::from(from);
                            earliest + (phase_us - earliest).rem_euclid(every.us)
                        }
                    };
                    let end =
                        until.map_or(end, |until| end.min(start.saturating_add(until.us) - 1));
                    Ticks::of(first, every.us, end)
                })
                .collect(),
        })
    }

    /// The same clock with all of its ticks shifted by a part of its interval from 0 to 1; `None`
    /// for a clock without an interval.
    pub(super) fn shifted(&self, part: f64) -> Option<Self> {
        let mut shifted = *self;
        let Self::Every { every, phase, .. } = &mut shifted else {
            return None;
        };
        let us = phase.span().us + (part * every.us as f64) as i64;
        *phase = Phase::Fixed(TimeSpan { us });
        Some(shifted)
    }
}

impl Ticks {
    /// From an instant to `end_us` at the latest.
    pub(super) fn of(first_us: i64, every_us: i64, end_us: i64) -> Self {
        let n = if end_us < first_us {
            0
        } else {
            ((end_us - first_us) / every_us) as u64 + 1
        };
        Self {
            first_us,
            every_us,
            n,
        }
    }

    /// The last of them, of which there must be one.
    pub(super) fn last_us(&self) -> i64 {
        self.first_us + (self.n as i64 - 1) * self.every_us
    }

    /// How many are later than an instant.
    pub(super) fn n_after(&self, us: i64) -> u64 {
        let until = Self::of(self.first_us, self.every_us, us);
        self.n - until.n.min(self.n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every(seconds: i64) -> Clock {
        Clock::Every {
            every: TimeSpan::seconds(seconds),
            phase: Phase::default(),
            anchor: Anchor::Run,
            delay: TimeSpan::default(),
            until: None,
            from: 1,
            mode: TickMode::Fixed,
        }
    }

    fn check(clock: Clock, zero_us: i64, last_us: i64, first_us: i64, n: u64) {
        let ticks = clock.ticks(zero_us, last_us, &[]).unwrap();
        assert_eq!(ticks.len(), 1);
        assert_eq!((ticks[0].first_us, ticks[0].n), (first_us, n), "{clock:?}");
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
            phase: Phase::default(),
            anchor: Anchor::Run,
            delay: TimeSpan::default(),
            until: Some(TimeSpan::seconds(300)),
            from: 0,
            mode: TickMode::Fixed,
        };
        check(clock, 0, i64::MAX / 2, 0, 30);
    }

    #[test]
    fn epoch_ticks_fall_on_whole_minutes() {
        let clock = |from, phase| Clock::Every {
            every: TimeSpan::seconds(60),
            phase: Phase::Fixed(TimeSpan::seconds(phase)),
            anchor: Anchor::Epoch,
            delay: TimeSpan::default(),
            until: None,
            from,
            mode: TickMode::Fixed,
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
            anchor: Anchor::Run,
        };
        check(clock, 0, 300_000_000, 300_000_000, 1);
        check(clock, 0, 299_999_999, 300_000_000, 0);
    }

    #[test]
    fn stages_restart_the_clock() {
        let clock = Clock::Every {
            every: TimeSpan::seconds(60),
            phase: Phase::default(),
            anchor: Anchor::Stage,
            delay: TimeSpan::default(),
            until: None,
            from: 1,
            mode: TickMode::Fixed,
        };
        let stages = [-5, 100_000_000];
        let found = |clock: Clock| -> Vec<(i64, u64)> {
            let ticks = clock.ticks(0, 250_000_000, &stages).unwrap();
            ticks.iter().map(|t| (t.first_us, t.n)).collect()
        };
        assert_eq!(found(clock), [(60_000_000, 1), (160_000_000, 2)]);
        assert_eq!(found(Clock::StageEnd), [(100_000_000, 1), (250_000_000, 1)]);
        let once = Clock::OnceAt {
            at: TimeSpan::seconds(90),
            anchor: Anchor::Stage,
        };
        assert_eq!(found(once), [(90_000_000, 1), (190_000_000, 1)]);
    }
}
