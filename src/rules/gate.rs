//! A rule's minimum of requests.

use super::prepare::View;
use super::state::{Block, Point, Sliding, Tally, TallyValue};
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
    pub(super) fn new(view: View<'a>, minimum: Minimum) -> Self {
        let flags = view.prepared.flags(&Metric::Count, false);
        let sliding = |arm| {
            let tally = Tally::new(flags, TallyValue::Count);
            Sliding::new(view.rows(arm), view.frame(), minimum.window, tally)
        };
        Self {
            minimum,
            canary: sliding(ArmRole::Canary),
            baseline: sliding(ArmRole::Baseline),
            is_open_for_good: false,
        }
    }

    /// Marks the evaluations at which a rule is looked at, all of them where it asks for no minimum,
    /// and gives their number.
    pub(super) fn mark(gate: Option<&mut Self>, block: &Block<'_>, is_open: &mut Vec<bool>) -> u64 {
        match gate.and_then(|gate| gate.run(block)) {
            Some(open) => *is_open = open,
            None => {
                is_open.clear();
                is_open.resize(block.len(), true);
            }
        }
        is_open.iter().filter(|open| **open).count() as u64
    }

    /// Every tick after `point`, the last one, and before this instant meets the minimum as that did.
    pub(super) fn quiet_until(&self, point: Point) -> i64 {
        if self.is_open_for_good {
            return i64::MAX;
        }
        let canary = self.canary.quiet_until(point);
        if self.minimum.n.baseline > 0 {
            canary.min(self.baseline.quiet_until(point))
        } else {
            canary
        }
    }

    /// At which of the evaluations the minimum is met; `None` at all of them.
    pub(super) fn run(&mut self, block: &Block<'_>) -> Option<Vec<bool>> {
        if self.is_open_for_good {
            return None;
        }
        let is_met = |point: Point| {
            self.canary.advance(point);
            let mut is_met = self.canary.observed().n >= self.minimum.n.canary;
            if self.minimum.n.baseline > 0 {
                self.baseline.advance(point);
                is_met &= self.baseline.observed().n >= self.minimum.n.baseline;
            }
            is_met
        };
        let is_open: Vec<bool> = block.iter().map(is_met).collect();
        let never_shrinks = matches!(self.minimum.window, Window::Last { .. } | Window::Run);
        self.is_open_for_good = never_shrinks && is_open.last() == Some(&true);
        Some(is_open)
    }
}
