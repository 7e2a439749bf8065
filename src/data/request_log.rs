//! [`RequestLog`]: one row per request, structure of arrays.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::time_order::{Put, time_order};
use super::{Buckets, LeftOut, Numbers, RequestIds};
pub use crate::units::Clock;

/// A request log in event-time order.
///
/// Invariants, established by [`RequestLog::assemble`]: all columns have the same length;
/// `event_us` ascends, ties in file order; every code indexes its dictionary; a missing value of
/// a quantity is NaN and no value is infinite; at most `u32::MAX` rows.
#[derive(Debug, Clone, Default)]
pub struct RequestLog {
    /// The name shown to people: a file name, or how many files.
    pub name: String,
    /// What the stamps mean.
    pub clock: Clock,
    /// The arms, in the order of their first appearance in the file.
    pub arms: Vec<Arm>,
    /// Per row: index into `arms`.
    pub arm: Vec<u16>,
    /// Per row: 0-based data row in the input, header not counted.
    pub row: Vec<u32>,
    /// Per row: when the request started, microseconds of `clock`.
    pub start_us: Vec<i64>,
    /// Per row: when its outcome was known (end, else start + latency, else start).
    pub event_us: Vec<i64>,
    /// Per row.
    pub outcome: Vec<Outcome>,
    /// Whether the log has any column that tells success from failure.
    pub has_outcome: bool,
    /// Codes of failed requests, such as `429`, by the status column; `""` where a request did not fail or
    /// failed without a code. `None` without such a column.
    pub error_codes: Option<Segment>,
    /// The numeric columns that the log has; NaN where a row has no value.
    pub quantities: Vec<(Quantity, Numbers)>,
    /// What costs are in, such as `USD`, where the log or its mapping says so.
    pub currency: Option<String>,
    /// The columns behind [`Quantity::Extra`].
    pub extra_names: Vec<String>,
    /// Which of them was known about users before they met an arm, and is no outcome.
    pub covariate: Option<u16>,
    /// Who was assigned to an arm; `None` where the log has no such column.
    pub units: Option<Units>,
    /// Which rows share a request id; `None` without such a column.
    pub request_id: Option<RequestIds>,
    /// Categorical columns to split by.
    pub segments: Vec<Segment>,
    /// Per row: when its rating was given; its event time where the rating has no time of its own or
    /// there is none. `None` where no rating has a time of its own.
    pub rated_at_us: Option<Vec<i64>>,
    /// What happened around the log, in order of time.
    pub events: Vec<Event>,
    /// The buckets of the hash router that explains the arms; `None` where none does.
    pub buckets: Option<Buckets>,
    /// Columns of the file that hold values other than times and play no role, in its order.
    pub unread_columns: Vec<String>,
    /// Rows that are not here because they name no arm or no time.
    pub left_out: LeftOut,
    /// What was taken for granted while reading.
    pub doubts: Vec<Doubt>,
}

/// Something that was taken for granted about a column, and that nobody has confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    /// What was asked and assumed, or left out, in sentences without any value of the log.
    pub text: String,
    /// Whether errors or latencies rest on it.
    pub is_of_outcome: bool,
}

/// A deploy, a rollback or anything else that happened at a moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When, microseconds since 1970.
    pub time_us: i64,
    /// What it was, in the words of whoever noted it.
    pub kind: String,
    /// A remark; may be empty.
    pub note: String,
}

/// One variant of the rollout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arm {
    /// The raw label in the log.
    pub name: String,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum Outcome {
    /// Answered.
    #[default]
    Ok,
    /// Failed by the service: 5xx, timeout, exception.
    Error,
    /// Refused for load or quota (429); an error in every count, told apart in tables.
    RateLimited,
    /// Given up by the client (499); not an error of the service.
    Cancelled,
    /// Neither success nor failure could be read; left out of error shares.
    Unknown,
}

impl Outcome {
    /// Whether it counts as a failed request.
    pub fn is_error(self) -> bool {
        matches!(self, Self::Error | Self::RateLimited)
    }

    /// Whether it counts in the denominator of an error share.
    pub fn is_counted(self) -> bool {
        self != Self::Unknown && self != Self::Cancelled
    }
}

/// A numeric column with a fixed meaning and unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quantity {
    /// End-to-end latency, milliseconds.
    LatencyMs,
    /// Time to first token, milliseconds.
    TtftMs,
    /// User or judge score, in the log's own scale.
    Rating,
    /// Prompt tokens.
    TokensIn,
    /// Completion tokens.
    TokensOut,
    /// Cost per request in the log's own currency, major units.
    Cost,
    /// Any other outcome, 0/1 or number: index into [`RequestLog::extra_names`].
    Extra(u16),
}

/// The units of assignment: users, sessions, tenants.
#[derive(Debug, Clone, Default)]
pub struct Units {
    /// The column they came from.
    pub column: String,
    /// Per row: dense id from 0; [`Units::NONE`] where the row names no unit.
    pub id: Vec<u32>,
    /// The number of distinct units.
    pub n_units: u32,
}

impl Units {
    /// The id of a row that names no unit.
    pub const NONE: u32 = u32::MAX;

    /// The unit of a row for inference: a row that names none stands for itself.
    pub fn of_row(&self, row: usize) -> u32 {
        match self.id[row] {
            Self::NONE => self.n_units.saturating_add(row as u32),
            id => id,
        }
    }
}

/// A categorical column.
#[derive(Debug, Clone, Default)]
pub struct Segment {
    /// The column's name in the file.
    pub name: String,
    /// Distinct values in the order of first appearance; an empty cell is `""`.
    pub values: Vec<String>,
    /// Per row: index into `values`.
    pub code: Vec<u16>,
}

impl Segment {
    /// The name and the dictionary.
    fn without_rows(&self) -> Self {
        Self {
            name: self.name.clone(),
            values: self.values.clone(),
            code: Vec::new(),
        }
    }
}

impl RequestLog {
    /// Sorts freshly read columns by event time (ties keep file order) and so establishes the
    /// invariants.
    #[must_use]
    pub fn assemble(mut self) -> Self {
        self.order_by_time(&|| false);
        self
    }

    /// As [`RequestLog::assemble`]; `None` where somebody cancelled it, at most some 100 ms after.
    #[must_use]
    pub fn assemble_unless(mut self, is_cancelled: &(dyn Fn() -> bool + Sync)) -> Option<Self> {
        self.order_by_time(is_cancelled);
        (!is_cancelled()).then_some(self)
    }

    /// Leaves the columns in any order where it is cancelled.
    fn order_by_time(&mut self, is_cancelled: &(dyn Fn() -> bool + Sync)) {
        debug_assert!(
            self.arm.len() == self.event_us.len() && self.start_us.len() == self.event_us.len()
        );
        if let Some(order) = time_order(&self.event_us, is_cancelled) {
            self.reorder(&order, is_cancelled);
        }
    }

    /// Number of requests.
    pub fn n_rows(&self) -> usize {
        self.arm.len()
    }

    /// The values of a quantity, NaN where missing; `None` where the log has no such column.
    pub fn quantity(&self, quantity: Quantity) -> Option<&Numbers> {
        self.quantities
            .iter()
            .find(|(q, _)| *q == quantity)
            .map(|(_, values)| values)
    }

    /// The index of the arm with this label.
    pub fn arm_index(&self, name: &str) -> Option<usize> {
        self.arms.iter().position(|arm| arm.name == name)
    }

    /// Time zero of every replay: the first start stamp. 0 for an empty log.
    pub fn time_zero_us(&self) -> i64 {
        self.start_us.iter().copied().min().unwrap_or(0)
    }

    /// The first and the last event time; `None` for an empty log.
    pub fn event_span_us(&self) -> Option<(i64, i64)> {
        Some((*self.event_us.first()?, *self.event_us.last()?))
    }

    /// Row indices of one arm, ascending.
    pub fn rows_of_arm(&self, arm: usize) -> impl Iterator<Item = usize> + '_ {
        self.arm
            .iter()
            .enumerate()
            .filter(move |(_, a)| usize::from(**a) == arm)
            .map(|(row, _)| row)
    }

    /// The rows at `indices`, in that order; dictionaries stay whole, so codes keep their meaning.
    #[must_use]
    pub fn gathered(&self, indices: &[u32]) -> Self {
        self.taken(&Rows::At(indices))
    }

    /// Consecutive rows, likewise.
    #[must_use]
    pub fn range(&self, rows: Range<usize>) -> Self {
        self.taken(&Rows::Range(rows))
    }

    fn taken(&self, rows: &Rows<'_>) -> Self {
        let mut log = self.without_rows();
        rayon::scope(|scope| {
            scope.spawn(|_| log.arm = rows.of(&self.arm));
            scope.spawn(|_| log.row = rows.of(&self.row));
            scope.spawn(|_| log.start_us = rows.of(&self.start_us));
            scope.spawn(|_| log.event_us = rows.of(&self.event_us));
            scope.spawn(|_| log.outcome = rows.of(&self.outcome));
            for ((_, to), (_, from)) in log.quantities.iter_mut().zip(&self.quantities) {
                scope.spawn(|_| *to = from.taken(rows));
            }
            if let Some((to, from)) = log.units.as_mut().zip(self.units.as_ref()) {
                scope.spawn(|_| to.id = rows.of(&from.id));
            }
            if let Some((to, from)) = log.request_id.as_mut().zip(self.request_id.as_ref()) {
                scope.spawn(|_| *to = from.taken(rows));
            }
            if let Some((to, from)) = log.rated_at_us.as_mut().zip(self.rated_at_us.as_ref()) {
                scope.spawn(|_| *to = rows.of(from));
            }
            if let Some((to, from)) = log.buckets.as_mut().zip(self.buckets.as_ref()) {
                scope.spawn(|_| to.bucket = rows.of(&from.bucket));
            }
            let codes = log.error_codes.iter_mut().zip(&self.error_codes);
            for (to, from) in log.segments.iter_mut().zip(&self.segments).chain(codes) {
                scope.spawn(|_| to.code = rows.of(&from.code));
            }
        });
        log
    }

    /// Puts the rows into an order, a column at a time, so that the log is never held twice.
    fn reorder(&mut self, order: &[u32], is_cancelled: &(dyn Fn() -> bool + Sync)) {
        let put = Put {
            order,
            is_cancelled,
        };
        rayon::scope(|scope| {
            scope.spawn(|_| put.column(&mut self.arm));
            scope.spawn(|_| put.column(&mut self.row));
            scope.spawn(|_| put.column(&mut self.start_us));
            scope.spawn(|_| put.column(&mut self.event_us));
            scope.spawn(|_| put.column(&mut self.outcome));
            for (_, numbers) in &mut self.quantities {
                scope.spawn(|_| put.with(|order| *numbers = numbers.gathered(order)));
            }
            if let Some(units) = &mut self.units {
                scope.spawn(|_| put.column(&mut units.id));
            }
            if let Some(ids) = &mut self.request_id {
                scope.spawn(|_| put.with(|order| *ids = ids.gathered(order)));
            }
            if let Some(times) = &mut self.rated_at_us {
                scope.spawn(|_| put.column(times));
            }
            if let Some(buckets) = &mut self.buckets {
                scope.spawn(|_| put.column(&mut buckets.bucket));
            }
            for segment in self.segments.iter_mut().chain(&mut self.error_codes) {
                scope.spawn(|_| put.column(&mut segment.code));
            }
        });
    }

    /// The names and dictionaries, and no row.
    #[must_use]
    pub fn without_rows(&self) -> Self {
        Self {
            name: self.name.clone(),
            clock: self.clock,
            arms: self.arms.clone(),
            has_outcome: self.has_outcome,
            quantities: self
                .quantities
                .iter()
                .map(|(quantity, _)| (*quantity, Numbers::default()))
                .collect(),
            currency: self.currency.clone(),
            extra_names: self.extra_names.clone(),
            covariate: self.covariate,
            units: self.units.as_ref().map(|units| Units {
                column: units.column.clone(),
                id: Vec::new(),
                n_units: units.n_units,
            }),
            request_id: self.request_id.as_ref().map(|_| RequestIds::default()),
            rated_at_us: self.rated_at_us.as_ref().map(|_| Vec::new()),
            events: self.events.clone(),
            unread_columns: self.unread_columns.clone(),
            left_out: self.left_out.clone(),
            doubts: self.doubts.clone(),
            buckets: self.buckets.as_ref().map(|buckets| Buckets {
                column: buckets.column.clone(),
                salt: buckets.salt.clone(),
                bucket: Vec::new(),
                ..*buckets
            }),
            error_codes: self.error_codes.as_ref().map(Segment::without_rows),
            segments: self.segments.iter().map(Segment::without_rows).collect(),
            ..Self::default()
        }
    }
}

/// Which rows of a column to take.
pub(super) enum Rows<'a> {
    /// Those at these indices, in that order.
    At(&'a [u32]),
    /// Consecutive ones.
    Range(Range<usize>),
}

impl Rows<'_> {
    /// Their values in a column.
    pub(super) fn of<T: Copy>(&self, values: &[T]) -> Vec<T> {
        match self {
            Self::At(indices) => indices.iter().map(|&i| values[i as usize]).collect(),
            Self::Range(range) => values[range.clone()].to_vec(),
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::At(indices) => indices.len(),
            Self::Range(range) => range.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assemble_sorts_by_event_time_and_keeps_ties_in_file_order() {
        let log = RequestLog {
            arms: vec![Arm { name: "a".into() }],
            arm: vec![0; 4],
            row: vec![0, 1, 2, 3],
            start_us: vec![0, 1, 2, 3],
            event_us: vec![50, 10, 50, 10],
            outcome: vec![Outcome::Ok; 4],
            quantities: vec![(Quantity::Rating, vec![0.0, 1.0, 2.0, 3.0].into())],
            ..RequestLog::default()
        }
        .assemble();
        assert_eq!(log.row, [1, 3, 0, 2]);
        assert_eq!(
            log.quantity(Quantity::Rating).map(Numbers::to_vec),
            Some(vec![1.0, 3.0, 0.0, 2.0])
        );
        assert_eq!(log.time_zero_us(), 0);
    }
}
