//! [`TestSignal`]: what a condition sees that is a statistical test.

use super::prepare::View;
use super::signal::Pair;
use super::significance::{TestKind, TestRule};
use super::state::{Point, Sample, Seen, UnitSums};
use super::{Condition, Metric};

/// Both arms of a test.
pub(super) struct TestSignal<'a> {
    rule: TestRule,
    pair: Pair<'a, Sample<'a>>,
    /// The least p-value so far: valid at every look.
    least_p: f64,
    /// The first request in the canary's window, whose loss begins a new stage.
    tail: usize,
}

impl<'a> TestSignal<'a> {
    pub(super) fn new(view: View<'a>, condition: &Condition, rule: TestRule) -> Self {
        let (prepared, drop_zero) = (view.prepared, condition.drop_zero);
        let metric = &condition.metric;
        let column = match metric {
            Metric::Mean(column) | Metric::Quantile(column, _) => Some(column),
            _ => None,
        };
        let sample = || match (rule.kind, column) {
            (TestKind::ZTwoProp, _) => Sample::Counts {
                flags: prepared.flags(metric, drop_zero),
                hits: 0,
                n: 0,
            },
            (TestKind::MannWhitney, _) => Sample::Values {
                values: column.map_or(&[], |column| prepared.values(column)),
                drop_zero,
                window: std::collections::VecDeque::new(),
            },
            (_, Some(column)) => Sample::Units(UnitSums::of_mean(
                prepared.values(column),
                drop_zero,
                view.units(),
            )),
            (_, None) => Sample::Units(UnitSums::of_share(
                prepared.flags(metric, drop_zero),
                view.units(),
            )),
        };
        Self {
            rule,
            pair: Pair::new(view, condition, true, sample),
            least_p: f64::NAN,
            tail: 0,
        }
    }

    /// Every tick after `point`, which was looked at last, and before this instant sees the same.
    pub(super) fn quiet_until(&self, point: Point) -> i64 {
        self.pair.quiet_until(point)
    }

    /// `None` while nothing has changed.
    pub(super) fn look(&mut self, point: Point) -> Option<Seen> {
        if !self.pair.advance(point) {
            return None;
        }
        let mut seen = self.pair.seen(0);
        let canary = self.pair.measured.statistic();
        let baseline = self.pair.baseline.as_ref()?.statistic();
        let rule = &self.rule;
        seen.statistic = match (canary, baseline) {
            (
                Sample::Counts { hits, n, .. },
                Sample::Counts {
                    hits: of_b, n: n_b, ..
                },
            ) => rule.two_shares((*hits, *n), (*of_b, *n_b)),
            (Sample::Values { window, .. }, Sample::Values { window: of_b, .. }) => {
                let values = |window: &std::collections::VecDeque<f64>| -> Vec<f64> {
                    window.iter().copied().collect()
                };
                rule.two_samples(&values(window), &values(of_b))
            }
            (Sample::Units(canary), Sample::Units(baseline)) => {
                let (canary, baseline) = (canary.moments(), baseline.moments());
                if rule.kind.is_limit() {
                    rule.sequence_limit(&canary, &baseline)
                } else {
                    let tail = self.pair.measured.tail();
                    if std::mem::replace(&mut self.tail, tail) != tail {
                        self.least_p = f64::NAN;
                    }
                    // `min` leaves a NaN out.
                    self.least_p = self.least_p.min(rule.mixture_p(&canary, &baseline));
                    self.least_p
                }
            }
            _ => f64::NAN,
        };
        Some(seen)
    }
}
