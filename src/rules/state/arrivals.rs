//! [`Arrivals`]: values that a monitor learns of later than of their requests, such as ratings.

use super::{Frame, Point};
use crate::data::{Quantity, RequestLog};
use crate::rules::LateRatings;

/// When the values of a column arrived.
///
/// A window holds the values that arrived within it. A window of the last N requests reaches from the
/// oldest of them to the evaluation. Where every value arrives with its request, windows hold what they
/// hold without arrivals.
#[derive(Debug, Clone)]
pub(in crate::rules) struct Arrivals {
    /// Rows with a value, in order of arrival, ties in the order of the log.
    rows: Vec<u32>,
    /// Per row of the log; of a row without a value its event time.
    at_us: Vec<i64>,
}

/// The arrivals of one arm.
#[derive(Debug, Clone)]
pub(in crate::rules) struct Late<'a> {
    /// In order of arrival.
    pub(super) rows: Vec<u32>,
    /// Per row of the log.
    pub(super) at_us: &'a [i64],
    /// How many of the arm's requests had been seen when the window was moved last.
    pub(super) n_seen: usize,
}

impl Arrivals {
    /// Those of ratings; `None` where the log does not know that any came later than its request.
    pub(in crate::rules) fn of_ratings(log: &RequestLog) -> Option<Self> {
        let rated_at_us = log.rated_at_us.as_ref()?;
        let ratings = log.quantity(Quantity::Rating)?;
        // Nobody rates an answer before it is there.
        let times = rated_at_us.iter().zip(&log.event_us);
        let at_us: Vec<i64> = times.map(|(rated, event)| *rated.max(event)).collect();
        let is_rated = |row: &u32| !ratings[*row as usize].is_nan();
        let mut rows: Vec<u32> = (0..log.n_rows() as u32).filter(is_rated).collect();
        if rows
            .iter()
            .all(|row| at_us[*row as usize] == log.event_us[*row as usize])
        {
            return None;
        }
        rows.sort_by_key(|row| (at_us[*row as usize], *row));
        Some(Self { rows, at_us })
    }

    /// How late they were.
    pub(in crate::rules) fn lateness(&self, log: &RequestLog) -> LateRatings {
        let delay = |row: &u32| self.at_us[*row as usize] - log.event_us[*row as usize];
        let mut delays: Vec<i64> = self.rows.iter().map(delay).filter(|us| *us > 0).collect();
        delays.sort_unstable();
        LateRatings {
            ratings: self.rows.len() as u64,
            later: delays.len() as u64,
            median_us: delays.get(delays.len() / 2).copied().unwrap_or(0),
        }
    }

    /// Those of an arm, whose rows ascend.
    pub(in crate::rules) fn of_arm(&self, arm: &[u32]) -> Late<'_> {
        let is_there = |row: &&u32| arm.binary_search(row).is_ok();
        Late {
            rows: self.rows.iter().filter(is_there).copied().collect(),
            at_us: &self.at_us,
            n_seen: 0,
        }
    }
}

impl<'a> Late<'a> {
    /// In order of arrival.
    pub(in crate::rules) fn rows(&self) -> &[u32] {
        &self.rows
    }

    /// When the value of each row of the log arrived.
    pub(in crate::rules) fn times(&self) -> &'a [i64] {
        self.at_us
    }

    /// The place of an arrival in their order.
    fn key(&self, row: u32) -> (i64, u32) {
        (self.at_us[row as usize], row)
    }

    /// How many have arrived at an evaluation, and before `end_us`.
    pub(super) fn n_arrived(&self, point: Point, end_us: i64) -> usize {
        let n = |key: (i64, u32)| self.rows.partition_point(|row| self.key(*row) < key);
        n((point.at_us, point.seen)).min(n((end_us, 0)))
    }

    /// How many arrived before the oldest of the last `n` requests of an arm was seen.
    pub(super) fn n_before_last(
        &mut self,
        n: usize,
        arm: &[u32],
        seen: u32,
        frame: Frame<'_>,
    ) -> usize {
        while arm.get(self.n_seen).is_some_and(|row| *row < seen) {
            self.n_seen += 1;
        }
        match self.n_seen.checked_sub(n).map(|oldest| arm[oldest]) {
            None => 0,
            Some(oldest) => {
                let first = (frame.event_us[oldest as usize], oldest);
                self.rows.partition_point(|row| self.key(*row) < first)
            }
        }
    }

    /// How many arrived before a moment.
    pub(super) fn n_before(&self, us: i64) -> usize {
        self.rows
            .partition_point(|row| self.at_us[*row as usize] < us)
    }
}
