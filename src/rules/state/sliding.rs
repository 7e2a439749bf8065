//! [`Sliding`]: which requests of an arm are in a window.

use super::{Observed, Point};
use crate::rules::{Edge, Window};

/// A statistic over the requests of a window.
pub(in crate::rules) trait Statistic {
    /// A request enters.
    fn add(&mut self, row: usize);
    /// The oldest request leaves.
    fn remove(&mut self, row: usize);
    /// The value now.
    fn observe(&mut self) -> Observed;
}

/// The requests of one arm that are in a window, as positions `tail..head` in the arm's rows.
#[derive(Debug, Clone)]
pub(in crate::rules) struct Sliding<'a, S> {
    rows: &'a [u32],
    event_us: &'a [i64],
    extent: Extent,
    head: usize,
    tail: usize,
    statistic: S,
    observed: Observed,
}

/// How far back a window reaches; times in microseconds.
#[derive(Debug, Clone, Copy)]
enum Extent {
    Last(usize),
    /// Requests later than `t − us`.
    Trailing(i64),
    Run,
    Tumbling {
        us: i64,
        zero_us: i64,
    },
}

impl<'a, S: Statistic> Sliding<'a, S> {
    /// An empty window over the rows of an arm; `zero_us` is time zero. A counter window has no
    /// sliding form: scrapes see everything since time zero.
    pub(in crate::rules) fn new(
        rows: &'a [u32],
        event_us: &'a [i64],
        window: Window,
        zero_us: i64,
        mut statistic: S,
    ) -> Self {
        let extent = match window {
            Window::Last { n } => Extent::Last(n as usize),
            Window::Trailing {
                span,
                left: Edge::Open,
            } => Extent::Trailing(span.us),
            Window::Trailing {
                span,
                left: Edge::Closed,
            } => Extent::Trailing(span.us + 1),
            Window::Run | Window::Counter { .. } => Extent::Run,
            Window::Tumbling { span } => Extent::Tumbling {
                us: span.us,
                zero_us,
            },
        };
        Self {
            rows,
            event_us,
            extent,
            head: 0,
            tail: 0,
            observed: statistic.observe(),
            statistic,
        }
    }

    /// Jumps to just before `point` without looking at the requests that no longer matter there.
    pub(in crate::rules) fn seek(&mut self, point: Point) {
        let seen = self.rows.partition_point(|row| *row < point.seen);
        let later =
            |us: i64| self.rows[..seen].partition_point(|row| self.event_us[*row as usize] < us);
        let start = match self.extent {
            Extent::Last(n) => seen.saturating_sub(n),
            Extent::Trailing(us) => later(point.at_us - us + 1),
            Extent::Run => 0,
            Extent::Tumbling { us, zero_us } => later(period_end(point.at_us, us, zero_us) - us),
        };
        (self.head, self.tail) = (start, start);
    }

    /// What the window shows at the point that it has moved to.
    #[inline]
    pub(in crate::rules) fn observed(&self) -> Observed {
        self.observed
    }

    /// Moves on to `point`, which is not before the last one; whether any request came or went.
    #[expect(clippy::inline_always, reason = "the innermost loop of a replay")]
    #[inline(always)]
    pub(in crate::rules) fn advance(&mut self, point: Point) -> bool {
        let before = (self.head, self.tail);
        match self.extent {
            Extent::Last(n) => {
                while self.take(point.seen) {
                    if self.head - self.tail > n {
                        self.drop_oldest();
                    }
                }
            }
            Extent::Trailing(us) => {
                while self.take(point.seen) {}
                self.drop_before(point.at_us - us + 1);
            }
            Extent::Run => while self.take(point.seen) {},
            Extent::Tumbling { us, zero_us } => {
                let end_us = period_end(point.at_us, us, zero_us);
                while self.next_event_us(point.seen).is_some_and(|at| at < end_us) {
                    self.take(point.seen);
                }
                self.drop_before(end_us - us);
            }
        }
        let has_changed = before != (self.head, self.tail);
        if has_changed {
            self.observed = self.statistic.observe();
        }
        has_changed
    }

    /// Takes the next request in if it has been seen.
    #[expect(clippy::inline_always, reason = "the innermost loop of a replay")]
    #[inline(always)]
    fn take(&mut self, seen: u32) -> bool {
        match self.rows.get(self.head) {
            Some(&row) if row < seen => {
                self.statistic.add(row as usize);
                self.head += 1;
                true
            }
            _ => false,
        }
    }

    fn next_event_us(&self, seen: u32) -> Option<i64> {
        let row = self.rows.get(self.head).filter(|row| **row < seen)?;
        Some(self.event_us[*row as usize])
    }

    #[expect(clippy::inline_always, reason = "the innermost loop of a replay")]
    #[inline(always)]
    fn drop_oldest(&mut self) {
        self.statistic.remove(self.rows[self.tail] as usize);
        self.tail += 1;
    }

    /// Requests before `us` leave.
    #[inline]
    fn drop_before(&mut self, us: i64) {
        while self.tail < self.head && self.event_us[self.rows[self.tail] as usize] < us {
            self.drop_oldest();
        }
    }
}

/// The end of the last period that is complete at `at_us`.
fn period_end(at_us: i64, us: i64, zero_us: i64) -> i64 {
    zero_us + (at_us - zero_us).div_euclid(us) * us
}
