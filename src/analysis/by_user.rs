//! Rows of an arm in stretches of time and, within each, user by user.
//!
//! Whoever adds up by user then goes through the users' sums in their order. Row by row in the order
//! of time, each addition would have to wait for memory that no addition before it has touched.

use std::borrow::Cow;
use std::ops::Range;

use rayon::prelude::*;

use super::strata::Strata;
use crate::data::RequestLog;

/// First row of each stretch of time but the first, ascending. Strata and looks end there, so that
/// either is made of whole stretches.
#[derive(Debug, Clone)]
pub(super) struct Cuts(Vec<u32>);

impl Cuts {
    /// Cuts at the bounds of the strata and before the rows in `ends`.
    pub(super) fn of(log: &RequestLog, strata: Option<&Strata>, ends: &[u32]) -> Self {
        let inside = 1..log.n_rows() as u32;
        let bounds = strata.map_or(&[][..], Strata::bounds);
        let rows = bounds.iter().chain(ends).copied();
        let mut cuts: Vec<u32> = rows.filter(|row| inside.contains(row)).collect();
        cuts.sort_unstable();
        cuts.dedup();
        Self(cuts)
    }

    /// The stretches of some ascending rows.
    fn stretches<'a>(&'a self, rows: &'a [u32]) -> impl Iterator<Item = &'a [u32]> {
        let before = |cut: &u32| rows.partition_point(|row| row < cut);
        let ends = self.0.iter().map(before).chain([rows.len()]);
        ends.scan(0, |start, end| {
            Some(&rows[std::mem::replace(start, end)..end])
        })
    }
}

/// Rows in stretches; within a stretch ordered by user, those of one user in order of time.
#[derive(Debug, Clone)]
pub(super) struct UserRows<'a> {
    rows: Cow<'a, [u32]>,
    /// Per row its unit, for inference; empty where the log names no users.
    units: Vec<u32>,
    ends: Ends<'a>,
}

/// How many rows or observations there are up to the end of each stretch.
#[derive(Debug, Clone)]
pub(super) struct Ends<'a> {
    cuts: &'a Cuts,
    ends: Vec<u32>,
}

impl<'a> UserRows<'a> {
    /// Orders ascending rows. Where the log names no users they stay as they are.
    pub(super) fn of(log: &RequestLog, rows: &'a [u32], cuts: &'a Cuts) -> Self {
        let stretches: Vec<&[u32]> = cuts.stretches(rows).collect();
        let mut ends = Ends::new(cuts);
        for stretch in &stretches {
            ends.push(ends.n() + stretch.len());
        }
        let Some(units) = &log.units else {
            let rows = Cow::Borrowed(rows);
            return Self::ordered(rows, Vec::new(), ends);
        };
        let by_user = |rows: &&[u32]| -> Vec<u64> {
            let key = |row: &u32| u64::from(units.of_row(*row as usize)) << 32 | u64::from(*row);
            let mut keys: Vec<u64> = rows.iter().map(key).collect();
            keys.sort_unstable();
            keys
        };
        let keys: Vec<Vec<u64>> = stretches.par_iter().map(by_user).collect();
        let all = || keys.iter().flatten();
        let in_order = all().map(|key| *key as u32).collect();
        let units = all().map(|key| (*key >> 32) as u32).collect();
        Self::ordered(Cow::Owned(in_order), units, ends)
    }

    /// Rows that are in order already, with their units.
    pub(super) fn ordered(rows: Cow<'a, [u32]>, units: Vec<u32>, ends: Ends<'a>) -> Self {
        Self { rows, units, ends }
    }

    /// Number of rows.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// All rows.
    pub(super) fn rows(&self) -> &[u32] {
        &self.rows
    }

    /// Per row its unit; empty where the log names no users.
    pub(super) fn units(&self) -> &[u32] {
        &self.units
    }

    /// The places of the rows of each stretch.
    pub(super) fn stretches(&self) -> impl Iterator<Item = Range<usize>> {
        let ends = self.ends.ends.iter().map(|end| *end as usize);
        ends.scan(0, |start, end| Some(std::mem::replace(start, end)..end))
    }

    /// Where the stretches end.
    pub(super) fn ends(&self) -> &Ends<'a> {
        &self.ends
    }
}

impl<'a> Ends<'a> {
    /// Of the same stretches, none of them seen yet.
    pub(super) fn like(other: &Self) -> Self {
        Self::new(other.cuts)
    }

    fn new(cuts: &'a Cuts) -> Self {
        Self {
            cuts,
            ends: Vec::with_capacity(cuts.0.len() + 1),
        }
    }

    /// The next stretch ends here.
    pub(super) fn push(&mut self, n: usize) {
        self.ends.push(n as u32);
    }

    /// How many there are in all.
    fn n(&self) -> usize {
        self.ends.last().map_or(0, |end| *end as usize)
    }

    /// How many there are before a row of the log at which it is cut, or before its end.
    pub(super) fn before(&self, row: u32) -> usize {
        let cuts = &self.cuts.0;
        let at = cuts.partition_point(|cut| *cut < row);
        debug_assert!(
            cuts.get(at).is_none_or(|cut| *cut == row),
            "no cut at {row}"
        );
        self.ends.get(at).map_or(0, |end| *end as usize)
    }

    /// Cut at some of the rows, ascending.
    pub(super) fn between(&self, bounds: &[u32]) -> impl Iterator<Item = Range<usize>> {
        let ends = bounds.iter().map(|row| self.before(*row));
        ends.chain([self.n()])
            .scan(0, |start, end| Some(std::mem::replace(start, end)..end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Units;

    fn log(ids: &[u32]) -> RequestLog {
        RequestLog {
            arm: vec![0; ids.len()],
            units: Some(Units {
                column: "user".into(),
                id: ids.to_vec(),
                n_units: 5,
            }),
            ..RequestLog::default()
        }
    }

    #[test]
    fn stretches_hold_their_rows_user_by_user() {
        let log = log(&[3, 1, 3, 0, Units::NONE, 1, 0, 1]);
        let cuts = Cuts::of(&log, None, &[5, 2, 8, 2]);
        let rows = [0, 1, 2, 3, 4, 6, 7];
        let ordered = UserRows::of(&log, &rows, &cuts);
        let stretches = ordered.stretches().map(|places| &ordered.rows()[places]);
        let stretches: Vec<&[u32]> = stretches.collect();
        assert_eq!(stretches, [&[1, 0][..], &[3, 2, 4], &[6, 7]]);
        // A row without a user stands for itself.
        assert_eq!(ordered.units(), [1, 3, 0, 3, 5 + 4, 0, 1]);
        let ends = ordered.ends();
        assert_eq!([2, 5, 8].map(|row| ends.before(row)), [2, 5, 7]);
        assert_eq!(ends.between(&[5]).collect::<Vec<_>>(), [0..5, 5..7]);
    }

    #[test]
    fn without_users_the_order_is_that_of_time() {
        let log = RequestLog {
            units: None,
            ..log(&[0; 4])
        };
        let cuts = Cuts::of(&log, None, &[]);
        let ordered = UserRows::of(&log, &[0, 2, 3], &cuts);
        assert_eq!(ordered.rows(), [0, 2, 3]);
        assert_eq!(ordered.ends().before(4), 3);
    }
}
