//! Observations as indices into an ascending table of values: ranks and quantiles are then counts.

use std::cmp::Ordering;

/// Ascending observations, read by rank.
pub trait Ascending {
    /// Number of observations.
    fn n(&self) -> usize;
    /// The value at a rank, from 0; `None` beyond the last.
    fn at(&self, rank: usize) -> Option<f64>;
}

impl<T: AsRef<[f64]> + ?Sized> Ascending for T {
    fn n(&self) -> usize {
        self.as_ref().len()
    }

    fn at(&self, rank: usize) -> Option<f64> {
        self.as_ref().get(rank).copied()
    }
}

/// Observations in the order in which they were made.
#[derive(Debug, Clone, Copy, Default)]
pub struct Coded<'a> {
    /// Distinct finite values, ascending; whatever stands behind the last code that is used is not read.
    pub table: &'a [f64],
    /// Per observation: index into `table`.
    pub codes: &'a [u32],
    /// Per observation: its unit, a small whole number; empty where observations are independent.
    pub units: &'a [u32],
}

impl Coded<'_> {
    /// Number of observations.
    pub fn len(&self) -> usize {
        self.codes.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.codes.is_empty()
    }

    /// Whether no value is anything but 0 or 1.
    pub fn are_zeros_and_ones(&self) -> bool {
        let is_one = |value: &f64| *value == 0.0 || *value == 1.0 || value.is_nan();
        self.table.iter().all(is_one)
    }

    /// Consecutive observations.
    #[must_use]
    pub fn range(&self, range: std::ops::Range<usize>) -> Self {
        Self {
            table: self.table,
            codes: &self.codes[range.clone()],
            units: if self.units.is_empty() {
                &[]
            } else {
                &self.units[range]
            },
        }
    }

    /// The code that is the first above a value.
    pub fn above(&self, value: f64) -> u32 {
        above(self.table, value)
    }
}

fn above(table: &[f64], value: f64) -> u32 {
    let is_not_above = |v: &f64| {
        matches!(
            v.partial_cmp(&value),
            Some(Ordering::Less | Ordering::Equal)
        )
    };
    table.partition_point(is_not_above) as u32
}

/// How often each value occurs.
#[derive(Debug, Clone, Default)]
pub struct Counts<'a> {
    table: &'a [f64],
    /// The codes that occur, ascending.
    codes: Vec<u32>,
    /// Per code: observations up to it.
    ends: Vec<u32>,
}

impl<'a> Counts<'a> {
    /// Counts codes. Where they are few for the size of the table they are sorted instead.
    pub fn of(table: &'a [f64], codes: &[u32]) -> Self {
        let mut counts = Self {
            table,
            ..Self::default()
        };
        if table.len() / 4 <= codes.len() {
            let mut n_of = vec![0u32; table.len()];
            for code in codes {
                n_of[*code as usize] += 1;
            }
            for (code, n) in n_of.into_iter().enumerate().filter(|(_, n)| *n > 0) {
                counts.push(code as u32, n);
            }
        } else {
            let mut sorted = codes.to_vec();
            sorted.sort_unstable();
            for group in sorted.chunk_by(|a, b| a == b) {
                counts.push(group[0], group.len() as u32);
            }
        }
        counts
    }

    /// With the observations of another, of the same table.
    #[must_use]
    pub fn merged(&self, other: &Self) -> Self {
        let n = self.codes.len().max(other.codes.len());
        let mut merged = Self {
            table: self.table,
            codes: Vec::with_capacity(n),
            ends: Vec::with_capacity(n),
        };
        let (mut a, mut b) = (self.by_code().peekable(), other.by_code().peekable());
        while let Some(code) = a
            .peek()
            .into_iter()
            .chain(b.peek())
            .map(|(code, _)| *code)
            .min()
        {
            let of_both = [a.next_if(|of| of.0 == code), b.next_if(|of| of.0 == code)];
            merged.push(code, of_both.iter().flatten().map(|(_, n)| n).sum());
        }
        merged
    }

    /// The codes that occur, ascending, each with how often.
    fn by_code(&self) -> impl Iterator<Item = (u32, u32)> + Clone + '_ {
        let mut before = 0;
        let each = self.codes.iter().zip(&self.ends);
        each.map(move |(code, end)| (*code, end - std::mem::replace(&mut before, *end)))
    }

    /// Of values that were counted elsewhere: ascending codes, each with how often it occurs.
    pub fn of_groups(table: &'a [f64], groups: impl IntoIterator<Item = (u32, u32)>) -> Self {
        let mut counts = Self {
            table,
            ..Self::default()
        };
        for (code, n) in groups {
            counts.push(code, n);
        }
        counts
    }

    fn push(&mut self, code: u32, n: u32) {
        let before = self.ends.last().copied().unwrap_or(0);
        self.codes.push(code);
        self.ends.push(before + n);
    }

    /// Distinct values, ascending, each with how often it occurs.
    pub fn groups(&self) -> impl Iterator<Item = (f64, u64)> + Clone + '_ {
        let each = self.by_code();
        each.map(|(code, n)| (self.table[code as usize], u64::from(n)))
    }

    /// How many observations have this very value.
    pub fn n_equal(&self, value: f64) -> u64 {
        let mut groups = self.groups();
        groups.find(|(v, _)| *v == value).map_or(0, |(_, n)| n)
    }

    /// How many observations are below a code.
    pub fn n_below(&self, code: u32) -> usize {
        let place = self.codes.partition_point(|c| *c < code);
        place
            .checked_sub(1)
            .map_or(0, |last| self.ends[last] as usize)
    }

    /// How many observations are below a value.
    pub fn n_less(&self, value: f64) -> usize {
        self.n_below(self.table.partition_point(|v| *v < value) as u32)
    }

    /// The code that is the first above a value.
    pub fn above(&self, value: f64) -> u32 {
        above(self.table, value)
    }

    /// The code that is the first at a value or above it.
    pub(super) fn at_or_above(&self, value: f64) -> u32 {
        self.table.partition_point(|v| *v < value) as u32
    }

    /// The code below which the share of observations lies nearest to `q`, at a value that is the
    /// quantile: that of the value itself, or the first above it.
    pub fn end_near(&self, value: f64, q: f64) -> u32 {
        let above = self.above(value);
        let at = self.at_or_above(value);
        let away = |code: u32| (self.n_below(code) as f64 - q * self.n() as f64).abs();
        if away(at) < away(above) { at } else { above }
    }

    /// The value of a code.
    pub(super) fn value(&self, code: u32) -> f64 {
        self.table[code as usize]
    }

    /// The first code that occurs at or after one.
    pub(super) fn next(&self, code: u32) -> Option<u32> {
        self.codes
            .get(self.codes.partition_point(|c| *c < code))
            .copied()
    }

    /// The last code that occurs before one.
    pub(super) fn previous(&self, code: u32) -> Option<u32> {
        let place = self.codes.partition_point(|c| *c < code);
        Some(self.codes[place.checked_sub(1)?])
    }

    /// All observations, ascending.
    pub fn to_vec(&self) -> Vec<f64> {
        let repeated = |(value, n): (f64, u64)| std::iter::repeat_n(value, n as usize);
        self.groups().flat_map(repeated).collect()
    }
}

impl Ascending for Counts<'_> {
    fn n(&self) -> usize {
        self.ends.last().map_or(0, |end| *end as usize)
    }

    fn at(&self, rank: usize) -> Option<f64> {
        let place = self.ends.partition_point(|end| *end as usize <= rank);
        Some(self.table[*self.codes.get(place)? as usize])
    }
}

/// Values as a table and codes.
#[cfg(test)]
pub(crate) fn coded(values: &[f64]) -> (Vec<f64>, Vec<u32>) {
    let mut table = values.to_vec();
    table.sort_by(f64::total_cmp);
    table.dedup();
    let code = |v: &f64| table.partition_point(|t| t < v) as u32;
    let codes = values.iter().map(code).collect();
    (table, codes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(table: &[f64], codes: &[u32]) {
        let counts = Counts::of(table, codes);
        let mut sorted: Vec<f64> = codes.iter().map(|c| table[*c as usize]).collect();
        sorted.sort_by(f64::total_cmp);
        assert_eq!(counts.to_vec(), sorted);
        assert_eq!(counts.n(), sorted.len());
        let (front, back) = codes.split_at(codes.len() / 3);
        let merged = Counts::of(table, front).merged(&Counts::of(table, back));
        assert_eq!(merged.to_vec(), sorted);
        for rank in 0..=sorted.len() {
            assert_eq!(counts.at(rank), sorted.get(rank).copied());
        }
        for (code, value) in table.iter().enumerate() {
            assert_eq!(counts.n_less(*value), sorted.partition_point(|v| v < value));
            assert_eq!(counts.n_below(code as u32), counts.n_less(*value));
            assert_eq!(counts.above(*value), code as u32 + 1);
        }
    }

    #[test]
    fn counts_read_like_sorted_values() {
        let table: Vec<f64> = (0..100).map(f64::from).collect();
        check(&table[..5], &[3, 1, 1, 4, 0, 1]);
        check(&table, &[99, 7, 7]);
        check(&table[..3], &[]);
    }
}
