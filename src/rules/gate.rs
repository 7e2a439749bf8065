//! A rule's minimum of requests.

use super::prepare::Prepared;
use super::state::{Point, Sliding, Tally, TallyValue};
use super::{ArmRole, Metric, Minimum, Window};

/// Counts the requests of both arms.
pub(super) struct Gate<'a> {
    minimum: Minimum,
    canary: Sliding<'a, Tally<'a>>,
    baseline: Sliding<'a, Tally<'a>>,
    /// Whether it was met in a window that never holds fewer requests again.
    is_open_for_good: bool,
}

impl<'a> Gate<'a> {
    pub(super) fn new(prepared: &'a Prepared<'a>, minimum: Minimum) -> Self {
        let flags = prepared.flags(Metric::Count, false);
        let sliding = |arm| {
            Sliding::new(
                prepared.rows(arm),
                &prepared.log.event_us,
                minimum.window,
                prepared.span_us.0,
                Tally::new(flags, TallyValue::Count),
            )
        };
        Self {
            minimum,
            canary: sliding(ArmRole::Canary),
            baseline: sliding(ArmRole::Baseline),
            is_open_for_good: false,
        }
    }

    /// Clears `is_open` at the evaluations at which the minimum is not met.
    pub(super) fn run(&mut self, points: &[Point], is_open: &mut [bool]) {
        if self.is_open_for_good {
            return;
        }
        let last = is_open.len() - 1;
        for (point, is_open) in points.iter().zip(is_open.iter_mut()) {
            self.canary.advance(*point);
            *is_open = self.canary.observed().n >= self.minimum.n.canary;
            if self.minimum.n.baseline > 0 {
                self.baseline.advance(*point);
                *is_open &= self.baseline.observed().n >= self.minimum.n.baseline;
            }
        }
        let never_shrinks = matches!(self.minimum.window, Window::Last { .. } | Window::Run);
        self.is_open_for_good = never_shrinks && is_open[last];
    }
}
