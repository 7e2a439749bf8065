//! Times that count from each user's own first request: they say nothing of what ran together.

use std::collections::HashMap;

use super::issues::{Effect, Issues};
use super::mapping::{Mapping, Role};
use crate::data::{Clock, RequestLog, Units};
use crate::units;

/// Fewer users may start together by chance.
const LEAST_USERS: usize = 10;
/// So large a share of them starts at the same moment where each clock is a user's own.
const NEARLY_ALL: f64 = 0.95;

/// Takes a log whose users all begin at the very same moment of a clock without dates as one without
/// times, in the order of the file, and says so. Users of one test that began together differ by
/// some microseconds; only clocks of their own agree to the last digit.
pub(super) fn set_aside(log: RequestLog, mapping: &Mapping, issues: &mut Issues) -> RequestLog {
    let Some((n_together, n_users)) = beginning_together(&log) else {
        return log;
    };
    let column = mapping.column(Role::Time).map(|c| c.column.as_str());
    let counted = format!(
        "{} of {} users begin at the same moment",
        units::count(n_together as u64),
        units::count(n_users as u64)
    );
    issues.note(
        Effect::Assumed,
        column,
        "Times count from each user's own first request, so the log was read as one without times",
        &counted,
        "What ran when, and whether the arms ran together, cannot be seen; map a stamp with its date if there is one",
    );
    in_file_order(log)
}

/// How many users begin at the first moment of all, and how many there are; `None` where that is
/// not nearly all of them.
fn beginning_together(log: &RequestLog) -> Option<(usize, usize)> {
    let units = log
        .units
        .as_ref()
        .filter(|_| log.clock == Clock::Relative)?;
    let mut first = vec![i64::MAX; units.n_units as usize];
    for (id, start) in units.id.iter().zip(&log.start_us) {
        if *id != Units::NONE {
            let first = &mut first[*id as usize];
            *first = (*first).min(*start);
        }
    }
    first.retain(|us| *us != i64::MAX);
    let zero = log.time_zero_us();
    let is_spread = log.start_us.iter().any(|us| *us != zero);
    together(first.into_iter(), zero, is_spread)
}

/// Of users' first moments, how many are the first of all; `None` where they are not nearly all.
/// `is_spread` says that not all requests are at that moment, which is another finding.
fn together(
    first: impl Iterator<Item = i64>,
    zero: i64,
    is_spread: bool,
) -> Option<(usize, usize)> {
    let (mut n_users, mut n_together) = (0, 0);
    for us in first {
        n_users += 1;
        n_together += usize::from(us == zero);
    }
    let is_own = n_users >= LEAST_USERS && n_together as f64 >= NEARLY_ALL * n_users as f64;
    (is_own && is_spread).then_some((n_together, n_users))
}

/// Whether times are each user's own, of a log that is read in pieces.
#[derive(Debug, Default)]
pub struct OwnClocks {
    /// By the hash of the user.
    first: HashMap<u64, i64>,
    /// First and last start.
    span_us: Option<(i64, i64)>,
}

impl OwnClocks {
    /// Looks at further requests. `users` holds an id per row, 0 where it names none.
    pub fn add(&mut self, piece: &RequestLog, users: &[u64]) {
        if piece.clock != Clock::Relative {
            return;
        }
        for (user, start) in users.iter().zip(&piece.start_us) {
            let span = self.span_us.get_or_insert((*start, *start));
            *span = (span.0.min(*start), span.1.max(*start));
            if *user != 0 {
                let first = self.first.entry(*user).or_insert(i64::MAX);
                *first = (*first).min(*start);
            }
        }
    }

    /// Whether nearly all users begin at the very same moment.
    pub fn are_own(&self) -> bool {
        let Some((zero, last)) = self.span_us else {
            return false;
        };
        together(self.first.values().copied(), zero, last > zero).is_some()
    }
}

fn in_file_order(mut log: RequestLog) -> RequestLog {
    log.clock = Clock::RowOrder;
    log.start_us = log
        .row
        .iter()
        .map(|row| i64::from(*row) * 1_000_000)
        .collect();
    log.event_us.clone_from(&log.start_us);
    log.assemble()
}
