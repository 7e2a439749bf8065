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

/// What every request of a log is to a share.
#[derive(Debug)]
pub(in crate::rules) struct Flags {
    pub(in crate::rules) all: Vec<Flag>,
    /// The rows that are unlike most, ascending; `None` where they are more than a quarter.
    pub(in crate::rules) unlike: Option<Vec<u32>>,
}

/// Counts the requests of a window by their flags.
#[derive(Debug, Clone)]
pub(in crate::rules) struct Tally<'a> {
    flags: &'a [Flag],
    /// See [`Flags::unlike`].
    unlike: Option<&'a [u32]>,
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
            unlike: None,
            value,
            n: 0,
            hits: 0,
        }
    }

    /// With the rows whose flags are unlike most, where they are known.
    #[must_use]
    pub(in crate::rules) fn knowing(self, unlike: Option<&'a [u32]>) -> Self {
        Self { unlike, ..self }
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
        self.unlike.map(|unlike| places(unlike, rows))
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

impl Flags {
    pub(in crate::rules) fn new(all: Vec<Flag>) -> Self {
        let flags = [Flag::Out, Flag::Miss, Flag::Hit];
        let count = |flag: Flag| all.iter().filter(|known| **known == flag).count();
        let usual = flags.into_iter().max_by_key(|flag| count(*flag));
        let unlike = usual.filter(|usual| 4 * count(*usual) >= 3 * all.len());
        let unlike = unlike.map(|usual| {
            let rows = (0..).zip(&all).filter(|(_, flag)| **flag != usual);
            rows.map(|(row, _)| row).collect()
        });
        Self { all, unlike }
    }
}

/// Where in `rows` those of them stand that are wanted; both ascend.
fn places(wanted: &[u32], rows: &[u32]) -> Vec<u32> {
    // Sixteen are passed over at once, in order, and counted together where the wanted one is among them.
    let (chunks, rest) = rows.as_chunks::<16>();
    let mut ahead = chunks.iter().enumerate().peekable();
    let mut found = Vec::with_capacity(wanted.len().min(rows.len()));
    for row in wanted {
        while ahead.next_if(|(_, chunk)| chunk[15] < *row).is_some() {}
        let place = match ahead.peek() {
            Some((k, chunk)) => 16 * k + n_before(*chunk, *row),
            None => 16 * chunks.len() + n_before(rest, *row),
        };
        if rows.get(place) == Some(row) {
            found.push(place as u32);
        }
    }
    found
}

fn n_before(rows: &[u32], row: u32) -> usize {
    rows.iter().map(|known| usize::from(*known < row)).sum()
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
