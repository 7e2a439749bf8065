//! What a replay keeps while it runs over the requests: windows, and the statistics in them.
//!
//! A window is two positions in the list of an arm's requests; it tells a [`Statistic`] which
//! requests come and which go. Every statistic is exact at every evaluation.

mod arrivals;
mod counter;
mod counts;
mod order;
mod points;
mod ranks;
mod rate;
mod ring;
mod sample;
mod series;
mod sliding;
mod streak;
mod tally;
mod total;

pub(super) use arrivals::{Arrivals, Late};
pub(super) use counter::{CounterValue, ScrapedCounters};
pub(super) use counts::Counted;
pub(super) use order::Order;
pub(super) use points::{Block, Point, Points};
pub(super) use ranks::Ranks;
pub(super) use ring::Ring;
pub(super) use sample::{Sample, UnitSums};
pub(super) use series::Thinner;
pub(super) use sliding::{Frame, Sliding, Statistic};
pub(super) use streak::Streak;
pub(super) use tally::{Flag, Flags, Tally, TallyValue};
pub(super) use total::{Addends, Total, TotalValue};

/// What a window showed at an evaluation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Observed {
    /// The metric's value; NaN without data.
    pub(super) value: f64,
    /// How many requests, or values, it rests on.
    pub(super) n: u32,
    /// Whether a missing value is a quotient 0/0 rather than a lack of data.
    pub(super) is_quotient: bool,
}

impl Observed {
    /// Nothing was seen.
    pub(super) const NOTHING: Self = Self {
        value: f64::NAN,
        n: 0,
        is_quotient: false,
    };

    #[inline]
    pub(super) fn new(value: f64, n: u32) -> Self {
        Self {
            value,
            n,
            is_quotient: false,
        }
    }
}

/// What a condition sees from an evaluation on, until it sees something else.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    /// The evaluation's place in its block.
    pub(super) at: u32,
    pub(super) measured: Observed,
    pub(super) baseline: Observed,
    /// The p-value or the limit of a condition that is a test; NaN otherwise.
    pub(super) statistic: f64,
}

/// Whether a cell counts as a value: it is there, and is not one of the zeros to be dropped.
#[inline]
fn is_value(value: f64, drop_zero: bool) -> bool {
    !(value.is_nan() || drop_zero && value == 0.0)
}
