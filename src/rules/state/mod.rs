//! What a replay keeps while it runs over the requests: windows, and the statistics in them.
//!
//! A window is two positions in the list of an arm's requests; it tells a [`Statistic`] which
//! requests come and which go. Every statistic is exact at every evaluation and costs amortised
//! constant time a request.

mod counter;
mod order;
mod points;
mod ranks;
mod series;
mod sliding;
mod sorted;
mod tally;
mod total;

pub(super) use counter::{CounterValue, ScrapedCounters};
pub(super) use order::Order;
pub(super) use points::{Point, Points};
pub(super) use ranks::Ranks;
pub(super) use series::Thinner;
pub(super) use sliding::{Sliding, Statistic};
pub(super) use sorted::Sorted;
pub(super) use tally::{Flag, Tally, TallyValue};
pub(super) use total::{Total, TotalValue};

/// What a window showed at an evaluation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Observed {
    /// The metric's value; NaN without data.
    pub(super) value: f64,
    /// How many requests, or values, it rests on.
    pub(super) n: u32,
}

impl Observed {
    /// Nothing was seen.
    pub(super) const NOTHING: Self = Self {
        value: f64::NAN,
        n: 0,
    };
}

/// Whether a cell counts as a value: it is there, and is not one of the zeros to be dropped.
#[inline]
fn is_value(value: f64, drop_zero: bool) -> bool {
    !(value.is_nan() || drop_zero && value == 0.0)
}
