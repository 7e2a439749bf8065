//! Analysis and replay to charts: one builder a chart, for the window and the report alike.
//!
//! Builders select and rescale; the statistics come from the values they are given.

mod forest;
mod latency;
mod rollback;
mod trends;

pub use forest::{guardrail_forest, segment_forest};
pub use latency::{latency_ecdf, latency_histogram, quantile_differences};
pub use rollback::{condition_chart, condition_form, replay_timeline};
pub use trends::{metric_ids, traffic, trend};

use super::chart::{Axis, Scale, Tone};
use crate::analysis::{Analysis, Verdict};
use crate::units::{self, Clock};

/// The colour of an arm: grey for the control, one of its own for every other in the log's order.
pub fn arm_tone(analysis: &Analysis, arm: usize) -> Tone {
    if arm == analysis.control {
        Tone::Control
    } else {
        Tone::Arm(arm - usize::from(arm > analysis.control))
    }
}

/// The name of an arm; empty for an index that does not exist.
pub fn arm_name(analysis: &Analysis, arm: usize) -> &str {
    analysis.arms.get(arm).map_or("", |arm| arm.name.as_str())
}

/// The colour of a verdict.
pub fn verdict_tone(verdict: Verdict) -> Tone {
    match verdict {
        Verdict::Better => Tone::Good,
        Verdict::Worse => Tone::Bad,
        Verdict::Inconclusive | Verdict::Changed => Tone::Caution,
        Verdict::WithinMargin | Verdict::NoClearChange | Verdict::NoData => Tone::Quiet,
    }
}

/// All verdicts, the worst first, as legends list them.
const VERDICTS: [Verdict; 7] = [
    Verdict::Worse,
    Verdict::Inconclusive,
    Verdict::Changed,
    Verdict::WithinMargin,
    Verdict::Better,
    Verdict::NoClearChange,
    Verdict::NoData,
];

/// Microseconds of a log's clock to the coordinate of [`Scale::Time`].
fn seconds(us: i64) -> f64 {
    us as f64 / 1e6
}

/// An axis of event time that says its dates, for ticks within a day do not.
fn time_axis(clock: Clock, from_us: i64, to_us: i64) -> Axis {
    let day = |us: i64| {
        units::instant(us, clock)
            .chars()
            .take(10)
            .collect::<String>()
    };
    let label = match clock {
        Clock::Epoch if day(from_us) == day(to_us) => format!("Event time (UTC), {}", day(from_us)),
        Clock::Epoch => format!("Event time (UTC), {} to {}", day(from_us), day(to_us)),
        Clock::Relative => "Event time since the start".to_owned(),
        Clock::RowOrder => "Row".to_owned(),
    };
    Axis::new(label, Scale::Time(clock)).from_to(seconds(from_us), seconds(to_us))
}

/// `stable 12,345, canary 1,234`, for captions.
fn counts_by_arm(analysis: &Analysis, counts: impl Iterator<Item = (usize, u64)>) -> String {
    counts
        .map(|(arm, n)| format!("{} {}", arm_name(analysis, arm), units::count(n)))
        .collect::<Vec<_>>()
        .join(", ")
}
