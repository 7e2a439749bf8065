//! The evaluations of a rule, in blocks.

use std::ops::Range;

use crate::data::RequestLog;
use crate::rules::clock::Ticks;

/// One evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::rules) struct Point {
    /// When, in the log's own microseconds.
    pub(in crate::rules) at_us: i64,
    /// How many rows of the log it has seen.
    pub(in crate::rules) seen: u32,
}

/// Consecutive evaluations.
#[derive(Debug, Clone, Default)]
pub(in crate::rules) struct Block<'a> {
    points: Vec<Point>,
    /// The first row and the times of all, where an evaluation is after every row: points are made of them
    /// when they are asked for.
    every_row: Option<(u32, &'a [i64])>,
}

impl Block<'_> {
    pub(in crate::rules) fn of(points: Vec<Point>) -> Self {
        Self {
            points,
            every_row: None,
        }
    }

    #[inline]
    pub(in crate::rules) fn len(&self) -> usize {
        self.every_row
            .map_or(self.points.len(), |(_, times)| times.len())
    }

    pub(in crate::rules) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// An evaluation of the block.
    #[inline]
    pub(in crate::rules) fn point(&self, i: usize) -> Point {
        match self.every_row {
            Some((first, times)) => Point {
                at_us: times[i],
                seen: first + i as u32 + 1,
            },
            None => self.points[i],
        }
    }

    pub(in crate::rules) fn last(&self) -> Option<Point> {
        self.len().checked_sub(1).map(|last| self.point(last))
    }

    pub(in crate::rules) fn iter(&self) -> impl Iterator<Item = Point> {
        (0..self.len()).map(|i| self.point(i))
    }

    /// The rows after which the evaluations are, where that is every row from one to another.
    #[inline]
    pub(in crate::rules) fn rows(&self) -> Option<Range<u32>> {
        self.every_row
            .map(|(first, times)| first..first + times.len() as u32)
    }
}

/// The evaluations of a rule in order.
pub(in crate::rules) enum Points<'a> {
    /// After every request of the log.
    EveryRequest {
        /// The next row.
        next: usize,
    },
    /// After the requests of one arm.
    Requests {
        /// The rows after which it is evaluated, ascending.
        rows: &'a [u32],
        /// Position in `rows`.
        next: usize,
    },
    /// At fixed instants; a tick has seen every request up to and including its instant.
    Ticks {
        /// When, stretch by stretch.
        ticks: Vec<Ticks>,
        /// The present stretch.
        stretch: usize,
        /// The next tick of the stretch.
        next: u64,
        /// Rows seen so far.
        seen: usize,
    },
    /// At instants that depend on what the instant before showed.
    Measured {
        /// The next instant.
        next_us: i64,
        /// From a measurement to the next.
        every_us: i64,
        /// From an error to the next.
        retry_us: i64,
        /// The last possible instant.
        end_us: i64,
        /// Rows seen so far.
        seen: usize,
    },
}

/// After so many ticks without a request a block ends, so that those like the last can be passed over.
const QUIET: usize = 32;

/// Evaluations a block holds: few enough that what they show stays in the first-level cache.
const BLOCK: usize = 2048;

impl Points<'_> {
    /// Replaces `block` by the next evaluations; empty at the end.
    pub(in crate::rules) fn fill<'a>(&mut self, log: &'a RequestLog, block: &mut Block<'a>) {
        let points = &mut block.points;
        points.clear();
        block.every_row = None;
        let event_us = &log.event_us;
        match self {
            Self::EveryRequest { next } => {
                let end = event_us.len().min(*next + BLOCK);
                block.every_row = Some((*next as u32, &event_us[*next..end]));
                *next = end;
            }
            Self::Requests { rows, next } => {
                let end = rows.len().min(*next + BLOCK);
                points.extend(rows[*next..end].iter().map(|row| Point {
                    at_us: event_us[*row as usize],
                    seen: row + 1,
                }));
                *next = end;
            }
            Self::Ticks {
                ticks,
                stretch,
                next,
                seen,
            } => {
                let (mut before, mut n_quiet) = (*seen, 0);
                while points.len() < BLOCK
                    && n_quiet < QUIET
                    && let Some(now) = ticks.get(*stretch)
                {
                    if *next == now.n {
                        (*stretch, *next) = (*stretch + 1, 0);
                        continue;
                    }
                    let at_us = now.first_us + *next as i64 * now.every_us;
                    points.push(tick(event_us, at_us, seen));
                    n_quiet = if *seen == before { n_quiet + 1 } else { 0 };
                    before = *seen;
                    *next += 1;
                }
            }
            Self::Measured {
                next_us,
                end_us,
                seen,
                ..
            } => {
                if *next_us <= *end_us {
                    points.push(tick(event_us, *next_us, seen));
                }
            }
        }
    }

    /// Whether evaluations follow a clock instead of requests.
    pub(in crate::rules) fn are_ticks(&self) -> bool {
        matches!(self, Self::Ticks { .. } | Self::Measured { .. })
    }

    /// Passes over the ticks to come that are before `until_us`, as far as they are evenly spaced.
    pub(in crate::rules) fn skip_until(&mut self, until_us: i64) -> Option<Ticks> {
        let (first_us, every_us, end_us) = match self {
            Self::EveryRequest { .. } | Self::Requests { .. } => return None,
            Self::Ticks {
                ticks,
                stretch,
                next,
                ..
            } => {
                let now = ticks.get(*stretch)?;
                let first_us = now.first_us + *next as i64 * now.every_us;
                let left = (now.n - *next) as i64;
                (first_us, now.every_us, first_us + left * now.every_us)
            }
            Self::Measured {
                next_us,
                every_us,
                end_us,
                ..
            } => (*next_us, *every_us, *end_us + 1),
        };
        let skipped = Ticks::of(first_us, every_us, until_us.min(end_us) - 1);
        match self {
            Self::Ticks { next, .. } => *next += skipped.n,
            Self::Measured { next_us, .. } => *next_us += skipped.n as i64 * every_us,
            Self::EveryRequest { .. } | Self::Requests { .. } => {}
        }
        Some(skipped).filter(|ticks| ticks.n > 0)
    }

    /// Says whether the evaluation of the last block was an error, where the next instant depends on
    /// it.
    pub(in crate::rules) fn measured(&mut self, is_error: bool) {
        if let Self::Measured {
            next_us,
            every_us,
            retry_us,
            ..
        } = self
        {
            *next_us += if is_error { *retry_us } else { *every_us };
        }
    }
}

fn tick(event_us: &[i64], at_us: i64, seen: &mut usize) -> Point {
    // Galloping: ticks are rare where a log is long.
    let mut reach = 1;
    while event_us
        .get(*seen + reach - 1)
        .is_some_and(|event| *event <= at_us)
    {
        *seen += reach;
        reach *= 2;
    }
    let rest = &event_us[*seen..event_us.len().min(*seen + reach)];
    *seen += rest.partition_point(|event| *event <= at_us);
    Point {
        at_us,
        seen: *seen as u32,
    }
}
