//! The evaluations of a rule, in blocks.

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
        /// When.
        ticks: Ticks,
        /// The next tick.
        next: u64,
        /// Rows seen so far.
        seen: usize,
    },
}

/// Evaluations a block holds: few enough that a block stays in the first-level cache.
const BLOCK: usize = 2048;

impl Points<'_> {
    /// Replaces `block` by the next evaluations; empty at the end.
    pub(in crate::rules) fn fill(&mut self, log: &RequestLog, block: &mut Vec<Point>) {
        block.clear();
        let event_us = &log.event_us;
        match self {
            Self::EveryRequest { next } => {
                let end = event_us.len().min(*next + BLOCK);
                block.extend(
                    (*next..end)
                        .zip(&event_us[*next..end])
                        .map(|(row, at_us)| Point {
                            at_us: *at_us,
                            seen: row as u32 + 1,
                        }),
                );
                *next = end;
            }
            Self::Requests { rows, next } => {
                let end = rows.len().min(*next + BLOCK);
                block.extend(rows[*next..end].iter().map(|row| Point {
                    at_us: event_us[*row as usize],
                    seen: row + 1,
                }));
                *next = end;
            }
            Self::Ticks { ticks, next, seen } => {
                while block.len() < BLOCK && *next < ticks.n {
                    let at_us = ticks.first_us + *next as i64 * ticks.every_us;
                    while event_us.get(*seen).is_some_and(|event| *event <= at_us) {
                        *seen += 1;
                    }
                    block.push(Point {
                        at_us,
                        seen: *seen as u32,
                    });
                    *next += 1;
                }
            }
        }
    }
}
