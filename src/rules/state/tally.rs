//! [`Tally`]: counts and shares.

use super::{Observed, Statistic, is_value};
use crate::data::{Outcome, RequestLog};
use crate::rules::Predicate;

/// What a request is to a share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(in crate::rules) enum Flag {
    /// Not in the denominator.
    Out = 0,
    /// In the denominator only.
    Miss = 1,
    /// In both.
    Hit = 2,
}

/// Counts the requests of a window by their flags.
#[derive(Debug, Clone)]
pub(in crate::rules) struct Tally<'a> {
    flags: &'a [Flag],
    value: TallyValue,
    n: u32,
    hits: u32,
}

/// What a tally gives.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::rules) enum TallyValue {
    /// Hits over all; none without requests.
    Share,
    /// How many.
    Count,
    /// How many in a second of a window of so many seconds.
    PerSecond(f64),
    /// Hits over this.
    Hits(f64),
    /// The share over the share that an objective allows.
    Burn(f64),
}

impl<'a> Tally<'a> {
    pub(in crate::rules) fn new(flags: &'a [Flag], value: TallyValue) -> Self {
        Self {
            flags,
            value,
            n: 0,
            hits: 0,
        }
    }
}

impl Statistic for Tally<'_> {
    #[inline]
    fn add(&mut self, row: usize) -> bool {
        let flag = self.flags[row];
        self.n += u32::from(flag != Flag::Out);
        self.hits += u32::from(flag == Flag::Hit);
        flag != Flag::Out
    }

    #[inline]
    fn remove(&mut self, row: usize) -> bool {
        let flag = self.flags[row];
        self.n -= u32::from(flag != Flag::Out);
        self.hits -= u32::from(flag == Flag::Hit);
        flag != Flag::Out
    }

    #[inline]
    fn replace(&mut self, new: usize, old: usize) -> bool {
        // Most requests are like those that they replace.
        self.flags[new] != self.flags[old] && (self.remove(old) | self.add(new))
    }

    fn unlike_most(&self, rows: &[u32]) -> Option<Vec<u32>> {
        /// So many requests tell which flag most have.
        const SAMPLE: usize = 4096;
        let mut counts = [0_usize; 3];
        let sample = &rows[..rows.len().min(SAMPLE)];
        for row in sample {
            counts[self.flags[*row as usize] as usize] += 1;
        }
        let flags = [Flag::Out, Flag::Miss, Flag::Hit];
        let (usual, n) = flags.into_iter().zip(counts).max_by_key(|(_, n)| *n)?;
        if 4 * n < 3 * sample.len() {
            return None;
        }
        let places = (0..).zip(rows);
        let unlike = places.filter(|(_, row)| self.flags[**row as usize] != usual);
        Some(unlike.map(|(place, _)| place).collect())
    }

    #[inline]
    fn observe(&mut self) -> Observed {
        let value = match self.value {
            // 0/0 is NaN, which is how no data is written.
            TallyValue::Share => f64::from(self.hits) / f64::from(self.n),
            TallyValue::Count => f64::from(self.n),
            TallyValue::PerSecond(seconds) => f64::from(self.n) / seconds,
            TallyValue::Hits(divisor) => f64::from(self.hits) / divisor,
            TallyValue::Burn(allowed) => f64::from(self.hits) / f64::from(self.n) / allowed,
        };
        Observed::new(value, self.n)
    }
}

impl Flag {
    /// Failed requests among those whose outcome counts.
    pub(in crate::rules) fn errors(log: &RequestLog) -> Vec<Self> {
        Self::outcomes(log, Outcome::is_error)
    }

    /// Requests that did not fail among those whose outcome counts.
    pub(in crate::rules) fn successes(log: &RequestLog) -> Vec<Self> {
        Self::outcomes(log, |outcome| !outcome.is_error())
    }

    /// Every request counts.
    pub(in crate::rules) fn requests(log: &RequestLog) -> Vec<Self> {
        vec![Self::Miss; log.n_rows()]
    }

    /// Values for which the predicate holds among the values that are there.
    pub(in crate::rules) fn predicate(
        values: &[f64],
        predicate: &Predicate,
        drop_zero: bool,
    ) -> Vec<Self> {
        values
            .iter()
            .map(|value| {
                if is_value(*value, drop_zero) {
                    Self::hit_if(predicate.cmp.holds(*value, predicate.value))
                } else {
                    Self::Out
                }
            })
            .collect()
    }

    fn outcomes(log: &RequestLog, is_hit: impl Fn(Outcome) -> bool) -> Vec<Self> {
        log.outcome
            .iter()
            .map(|outcome| {
                if outcome.is_counted() {
                    Self::hit_if(is_hit(*outcome))
                } else {
                    Self::Out
                }
            })
            .collect()
    }

    fn hit_if(is_hit: bool) -> Self {
        if is_hit { Self::Hit } else { Self::Miss }
    }
}
