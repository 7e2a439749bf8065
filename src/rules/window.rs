//! Over which requests a metric is computed.

use serde::{Deserialize, Serialize};

use super::{Anchor, TimeSpan};

/// The requests of one arm that a metric looks at, at an evaluation at time t.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// The last so many requests of the arm.
    Last {
        /// How many.
        n: u32,
    },
    /// The requests of the last span of time.
    Trailing {
        /// How long.
        span: TimeSpan,
        /// Whether a request exactly `span` ago still counts; the right edge is always closed.
        left: Edge,
    },
    /// Everything since time zero; counters that are never reset.
    Run,
    /// Everything since the present stage began.
    Stage,
    /// `[e − span, e)` with e the last whole multiple of `slide` since the anchor: the last complete
    /// period where both are the same, and minutes as CloudWatch cuts them with a slide of 1 min.
    Tumbling {
        /// How long a period is.
        span: TimeSpan,
        /// From the end of a period to that of the next.
        slide: TimeSpan,
        /// What the periods count from.
        align: Anchor,
    },
    /// Prometheus: `rate(counter[span])` of counters that are scraped at time zero + phase + k·scrape.
    Counter {
        /// The range of the range selector.
        span: TimeSpan,
        /// How often the counters are scraped.
        scrape: TimeSpan,
        /// When the first scrape is, after time zero.
        phase: TimeSpan,
        /// Whose `rate()`.
        engine: RateEngine,
        /// What a counter is before its first increment.
        first_seen: FirstSeen,
        /// Which function of the counters.
        func: CounterFunc,
    },
}

/// Which function of a counter over a range.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CounterFunc {
    /// The increase per second, extrapolated to the range.
    #[default]
    Rate,
    /// The increase, extrapolated to the range.
    Increase,
    /// The increase per second between the last two samples.
    Irate,
}

/// Whether the left edge of a trailing window belongs to it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Edge {
    /// `(t − span, t]`.
    #[default]
    Open,
    /// `[t − span, t]`.
    Closed,
}

/// Which generation of Prometheus computes `rate()`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum RateEngine {
    /// 2.x before 2.51: ranges closed on both sides, the zero point taken before the threshold.
    #[default]
    #[serde(rename = "prom-2")]
    Prom2,
    /// 3.x: ranges open on the left, the threshold applied before the zero point.
    #[serde(rename = "prom-3")]
    Prom3,
}

/// What a counter is before its first increment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FirstSeen {
    /// It does not exist, as a labelled counter of a client library; its first increment is lost.
    #[default]
    Absent,
    /// It exists from the first scrape on, at 0.
    Zero,
    /// As absent, and the expression takes what it lacks for 0: `rate(…) or vector(0)`.
    #[serde(rename = "or_zero")]
    OrZero,
}

impl Window {
    /// Whether the window is measured in time, so that it means nothing on a log without times.
    pub fn is_timed(self) -> bool {
        !matches!(self, Self::Last { .. } | Self::Run)
    }

    /// Its length in time, where it has a fixed one.
    pub fn span(self) -> Option<TimeSpan> {
        match self {
            Self::Trailing { span, .. }
            | Self::Tumbling { span, .. }
            | Self::Counter { span, .. } => Some(span),
            Self::Last { .. } | Self::Run | Self::Stage => None,
        }
    }
}
