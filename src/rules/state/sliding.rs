//! [`Sliding`]: which requests of an arm are in a window.

use super::{Late, Observed, Point};
use crate::rules::{Anchor, Edge, Window};

/// A statistic over the requests of a window. Adding and removing say whether the value may have
/// changed.
pub(in crate::rules) trait Statistic {
    /// A request enters.
    fn add(&mut self, row: usize) -> bool;
    /// The oldest request leaves.
    fn remove(&mut self, row: usize) -> bool;
    /// A request enters and the oldest leaves.
    #[inline]
    fn replace(&mut self, new: usize, old: usize) -> bool {
        self.remove(old) | self.add(new)
    }
    /// Takes requests in, each as the one beside it goes, up to the first that may change what is observed;
    /// how many those are.
    #[inline]
    fn pass_over(&mut self, _coming: &[u32], _going: &[u32]) -> usize {
        0
    }
    /// Whether it is the same as before where what is observed is.
    #[inline]
    fn shows_all(&self) -> bool {
        false
    }
    /// Whether it has to look at the whole window before it can be observed.
    #[inline]
    fn needs_recount(&self) -> bool {
        false
    }
    /// Looks at the requests of the window anew.
    fn recount(&mut self, _rows: &[u32]) {}
    /// Of an arm's requests the places of those that are unlike most: where one comes as another like
    /// it goes, nothing changes. `None` where that saves nothing.
    fn unlike_most(&self, _rows: &[u32]) -> Option<Vec<u32>> {
        None
    }
    /// The value now.
    fn observe(&mut self) -> Observed;
}

/// What windows count from; times in the log's own microseconds.
#[derive(Debug, Clone, Copy)]
pub(in crate::rules) struct Frame<'a> {
    /// Event time of every row of the log.
    pub(in crate::rules) event_us: &'a [i64],
    /// Time zero.
    pub(in crate::rules) zero_us: i64,
    /// Starts of the stages, ascending; the first at or before time zero. Empty: one stage.
    pub(in crate::rules) stages: &'a [i64],
}

/// The requests of one arm that are in a window, as positions `tail..head` in the arm's rows.
#[derive(Debug, Clone)]
pub(in crate::rules) struct Sliding<'a, S> {
    rows: &'a [u32],
    frame: Frame<'a>,
    extent: Extent,
    head: usize,
    tail: usize,
    /// The next request to look at; `head` unless those between change nothing.
    next: usize,
    skips: Option<Skips>,
    statistic: S,
    observed: Observed,
    /// Where values arrive later than their requests: `head` and `tail` are places among these.
    late: Option<Late<'a>>,
}

/// How far back a window reaches; times in microseconds.
#[derive(Debug, Clone, Copy)]
enum Extent {
    Last(usize),
    /// Requests later than `t − us`.
    Trailing(i64),
    Run,
    Stage,
    /// Whole periods.
    Tumbling {
        us: i64,
        slide_us: i64,
        align: Anchor,
    },
}

/// So many requests ahead are asked whether they change anything.
const AHEAD: usize = 64;

/// The requests of an arm that are unlike most, as places in its rows.
#[derive(Debug, Clone)]
struct Skips {
    unlike: Vec<u32>,
    /// The next of them to come, and the next to go.
    coming: usize,
    going: usize,
}

impl Skips {
    fn new(unlike: Vec<u32>) -> Self {
        Self {
            unlike,
            coming: 0,
            going: 0,
        }
    }

    /// The first request from `head` on that may change a full window of `n`: it is unlike most, or one
    /// goes that is.
    #[inline]
    fn next(&mut self, head: usize, n: usize) -> usize {
        let at = |i: usize| {
            self.unlike
                .get(i)
                .map_or(usize::MAX, |place| *place as usize)
        };
        while at(self.coming) < head {
            self.coming += 1;
        }
        while at(self.going).saturating_add(n) < head {
            self.going += 1;
        }
        at(self.coming).min(at(self.going).saturating_add(n))
    }
}

impl Frame<'_> {
    /// The start of the stage in force at an instant.
    fn stage_start(&self, at_us: i64) -> i64 {
        let k = self.stages.partition_point(|start| *start <= at_us);
        match k.checked_sub(1) {
            Some(k) => self.stages[k].max(self.zero_us),
            None => self.zero_us,
        }
    }

    /// The end of the stage in force at an instant.
    fn stage_end(&self, at_us: i64) -> i64 {
        let k = self.stages.partition_point(|start| *start <= at_us);
        self.stages.get(k).copied().unwrap_or(i64::MAX)
    }
}

impl<'a, S: Statistic> Sliding<'a, S> {
    /// An empty window over the rows of an arm. A counter window has no sliding form: scrapes see
    /// everything since time zero.
    pub(in crate::rules) fn new(
        rows: &'a [u32],
        frame: Frame<'a>,
        window: Window,
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
            Window::Stage => Extent::Stage,
            Window::Tumbling { span, slide, align } => Extent::Tumbling {
                us: span.us,
                slide_us: slide.us,
                align,
            },
        };
        Self {
            rows,
            frame,
            extent,
            head: 0,
            tail: 0,
            next: 0,
            skips: None,
            observed: statistic.observe(),
            statistic,
            late: None,
        }
    }

    /// The same window over values that arrive later than their requests.
    #[must_use]
    pub(in crate::rules) fn with_arrivals(self, late: Option<Late<'a>>) -> Self {
        Self { late, ..self }
    }

    /// Jumps to just before `point` without looking at the requests that no longer matter there.
    pub(in crate::rules) fn seek(&mut self, point: Point) {
        if let Some((tail, _)) = self.extent_of_late(point) {
            (self.head, self.tail) = (tail, tail);
            return;
        }
        let seen = self.rows.partition_point(|row| *row < point.seen);
        let later = |us: i64| {
            self.rows[..seen].partition_point(|row| self.frame.event_us[*row as usize] < us)
        };
        let start = match self.extent {
            Extent::Last(n) => seen.saturating_sub(n),
            Extent::Trailing(us) => later(point.at_us - us + 1),
            Extent::Run => 0,
            Extent::Stage => later(self.frame.stage_start(point.at_us)),
            Extent::Tumbling {
                us,
                slide_us,
                align,
            } => later(self.period_end(point.at_us, slide_us, align) - us),
        };
        (self.head, self.tail, self.next) = (start, start, start);
    }

    /// Prepares for a walk over all requests: those that change nothing are passed over.
    pub(in crate::rules) fn skip_what_changes_nothing(&mut self) {
        if matches!(self.extent, Extent::Last(_)) && self.late.is_none() {
            let unlike = self.statistic.unlike_most(self.rows);
            self.skips = unlike.map(Skips::new);
        }
    }

    /// What the window shows at the point that it has moved to.
    #[inline]
    pub(in crate::rules) fn observed(&self) -> Observed {
        self.observed
    }

    /// The statistic at that point.
    pub(in crate::rules) fn statistic(&self) -> &S {
        &self.statistic
    }

    /// The first request in the window, as a position in the arm's rows.
    pub(in crate::rules) fn tail(&self) -> usize {
        self.tail
    }

    /// Whether nothing but a request of the arm moves the window.
    #[inline]
    pub(in crate::rules) fn is_moved_by_requests(&self) -> bool {
        self.late.is_none() && matches!(self.extent, Extent::Last(_) | Extent::Run)
    }

    /// The next request that may change what the window shows; `u32::MAX` at the end.
    #[inline]
    pub(in crate::rules) fn next_row(&self) -> u32 {
        self.rows.get(self.next).copied().unwrap_or(u32::MAX)
    }

    /// Takes the next request in; only for windows that are moved by requests. Whether the value may
    /// have changed.
    #[expect(clippy::inline_always, reason = "the innermost loop of a replay")]
    #[inline(always)]
    pub(in crate::rules) fn step(&mut self) -> bool {
        let row = self.rows[self.next] as usize;
        // Requests are passed over in a full window only: as many went as came.
        self.tail += self.next - self.head;
        self.head = self.next + 1;
        self.next = self.head;
        match self.extent {
            Extent::Last(n) if self.head - self.tail > n => {
                let old = self.rows[self.tail] as usize;
                self.tail += 1;
                let may_have_changed = self.statistic.replace(row, old);
                let has_changed = may_have_changed && self.observe();
                self.next = match &mut self.skips {
                    Some(skips) => skips.next(self.head, n),
                    None => self.head + self.pass_over(),
                };
                has_changed
            }
            _ => self.statistic.add(row) && self.observe(),
        }
    }

    /// How many of the next requests change nothing in the full window; the statistic has taken them in.
    #[inline]
    fn pass_over(&mut self) -> usize {
        let coming = &self.rows[self.head..];
        let coming = &coming[..coming.len().min(AHEAD)];
        let going = &self.rows[self.tail..][..coming.len()];
        self.statistic.pass_over(coming, going)
    }

    /// Looks at the statistic anew; whether it may be another.
    #[inline]
    fn observe(&mut self) -> bool {
        if self.statistic.needs_recount() {
            let rows = match &self.late {
                Some(late) => &late.rows,
                None => self.rows,
            };
            self.statistic.recount(&rows[self.tail..self.head]);
        }
        let before = std::mem::replace(&mut self.observed, self.statistic.observe());
        let is_same =
            before.n == self.observed.n && before.value.to_bits() == self.observed.value.to_bits();
        !(is_same && self.statistic.shows_all())
    }

    /// Moves on to `point`, which is not before the last one; whether the value may have changed.
    #[expect(clippy::inline_always, reason = "the innermost loop of a replay")]
    #[inline(always)]
    pub(in crate::rules) fn advance(&mut self, point: Point) -> bool {
        let mut has_changed = false;
        if self.late.is_some() {
            return self.advance_late(point);
        }
        match self.extent {
            Extent::Last(_) | Extent::Run => {
                while self.next_row() < point.seen {
                    has_changed |= self.step();
                }
                return has_changed;
            }
            Extent::Trailing(us) => {
                has_changed |= self.take_until(point.seen, i64::MAX);
                has_changed |= self.drop_before(point.at_us - us + 1);
            }
            Extent::Stage => {
                has_changed |= self.take_until(point.seen, i64::MAX);
                has_changed |= self.drop_before(self.frame.stage_start(point.at_us));
            }
            Extent::Tumbling {
                us,
                slide_us,
                align,
            } => {
                let end_us = self.period_end(point.at_us, slide_us, align);
                has_changed |= self.take_until(point.seen, end_us);
                has_changed |= self.drop_before(end_us - us);
            }
        }
        has_changed && self.observe()
    }

    /// Every tick after `point`, the last one moved to, and before this instant shows the same.
    pub(in crate::rules) fn quiet_until(&self, point: Point) -> i64 {
        let time = |rows: &[u32], times: &[i64], place: usize| {
            let row = rows.get(place);
            row.map_or(i64::MAX, |row| times[*row as usize])
        };
        let (frame, at_us) = (self.frame, point.at_us);
        let (rows, times, next) = match &self.late {
            Some(late) => (late.rows.as_slice(), late.at_us, self.head),
            None if self.is_moved_by_requests() => (self.rows, frame.event_us, self.next),
            None => (self.rows, frame.event_us, self.head),
        };
        let next_us = time(rows, times, next);
        match self.extent {
            Extent::Run => next_us,
            Extent::Last(_) => match &self.late {
                Some(late) => next_us.min(time(self.rows, frame.event_us, late.n_seen)),
                None => next_us,
            },
            Extent::Trailing(_) if self.tail == self.head => next_us,
            Extent::Trailing(us) => next_us.min(time(rows, times, self.tail).saturating_add(us)),
            Extent::Stage => next_us.min(frame.stage_end(at_us)),
            Extent::Tumbling {
                slide_us, align, ..
            } => {
                // Periods that end before the next request comes are as empty as this one.
                let end_us = self.period_end(at_us, slide_us, align) + slide_us;
                let until = if self.tail == self.head {
                    end_us.max(next_us)
                } else {
                    end_us
                };
                match align {
                    Anchor::Stage => until.min(frame.stage_end(at_us)),
                    Anchor::Run | Anchor::Epoch => until,
                }
            }
        }
    }

    /// Which of the late values are in the window at an evaluation.
    fn extent_of_late(&mut self, point: Point) -> Option<(usize, usize)> {
        let end_us = match self.extent {
            Extent::Tumbling {
                slide_us, align, ..
            } => self.period_end(point.at_us, slide_us, align),
            _ => i64::MAX,
        };
        let stage_us = self.frame.stage_start(point.at_us);
        let late = self.late.as_mut()?;
        let tail = match self.extent {
            Extent::Last(n) => late.n_before_last(n, self.rows, point.seen, self.frame),
            Extent::Trailing(us) => late.n_before(point.at_us - us + 1),
            Extent::Run => 0,
            Extent::Stage => late.n_before(stage_us),
            Extent::Tumbling { us, .. } => late.n_before(end_us - us),
        };
        let head = late.n_arrived(point, end_us);
        Some((tail.min(head), head))
    }

    /// [`Sliding::advance`] over values that arrive later than their requests.
    fn advance_late(&mut self, point: Point) -> bool {
        let (extent, late) = (self.extent_of_late(point), self.late.as_ref());
        let (Some((tail, head)), Some(late)) = (extent, late) else {
            return false;
        };
        let mut has_changed = false;
        while self.head < head {
            has_changed |= self.statistic.add(late.rows[self.head] as usize);
            self.head += 1;
        }
        while self.tail < tail {
            has_changed |= self.statistic.remove(late.rows[self.tail] as usize);
            self.tail += 1;
        }
        has_changed && self.observe()
    }

    /// Takes in what has been seen before `end_us`.
    #[inline]
    fn take_until(&mut self, seen: u32, end_us: i64) -> bool {
        let mut has_changed = false;
        while let Some(&row) = self.rows.get(self.head)
            && row < seen
            && self.frame.event_us[row as usize] < end_us
        {
            has_changed |= self.statistic.add(row as usize);
            self.head += 1;
        }
        has_changed
    }

    /// Requests before `us` leave.
    #[inline]
    fn drop_before(&mut self, us: i64) -> bool {
        let mut has_changed = false;
        while self.tail < self.head && self.frame.event_us[self.rows[self.tail] as usize] < us {
            has_changed |= self.statistic.remove(self.rows[self.tail] as usize);
            self.tail += 1;
        }
        has_changed
    }

    /// The end of the last period that is complete at `at_us`.
    fn period_end(&self, at_us: i64, slide_us: i64, align: Anchor) -> i64 {
        let origin = match align {
            Anchor::Run => self.frame.zero_us,
            Anchor::Epoch => 0,
            Anchor::Stage => self.frame.stage_start(at_us),
        };
        origin + (at_us - origin).div_euclid(slide_us) * slide_us
    }
}
