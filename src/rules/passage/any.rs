//! Rules that fire as soon as one condition holds: each condition on its own, one comparison an
//! evaluation.

use super::super::evaluate::judge;
use super::super::gate::Gate;
use super::super::prepare::View;
use super::super::signal::Signal;
use super::super::state::{Block as Evaluations, Points, Seen};
use super::super::{Condition, NoData, Truth};
use super::critical::critical;
use super::{Fired, Passages, Step, Until, Watch, first_over, oriented, step_at};
use crate::error::Result;
use crate::jobs::Progress;

/// A condition and what it has exceeded so far.
pub(super) struct Leaf<'a> {
    pub(super) signal: Signal<'a>,
    pub(super) rise: Rise,
    shown: Option<Seen>,
    /// Whether `shown` has yet to be judged.
    is_new: bool,
}

/// A condition whose threshold stands just above all that it has exceeded so far.
pub(super) struct Rise {
    probe: Condition,
    needs_baseline: bool,
    /// The threshold as written, oriented.
    pub(super) written: f64,
    /// What has been exceeded so far.
    pub(super) reach: f64,
    pub(super) steps: Vec<Step>,
}

/// A block of evaluations.
struct Block<'b> {
    evaluations: &'b Evaluations<'b>,
    is_open: &'b [bool],
    /// Evaluations before it.
    before: usize,
}

pub(super) fn run(
    watch: &Watch<'_>,
    view: View<'_>,
    mut points: Points<'_>,
    until: Until,
    progress: &Progress,
) -> Result<Passages> {
    let mut leaves: Vec<Leaf<'_>> = watch
        .conditions
        .iter()
        .map(|condition| Leaf::new(view, condition))
        .collect();
    let mut gate = watch.rule.min.map(|minimum| Gate::new(view, minimum));
    let mut looks = 0;
    let (mut block, mut is_open) = (Evaluations::default(), Vec::new());
    let mut before = 0;
    let mut first = None;
    loop {
        points.fill(view.prepared.log(), &mut block);
        if block.is_empty() {
            break;
        }
        progress.check()?;
        looks += Gate::mark(gate.as_mut(), &block, &mut is_open);
        let part = Block {
            evaluations: &block,
            is_open: &is_open,
            before,
        };
        for leaf in &mut leaves {
            leaf.run(view, &part);
        }
        if first.is_none() {
            first = first_firing(&leaves).map(|(at, causes)| {
                let point = block.point(at.look as usize - before);
                Fired::new(at, point.seen, causes)
            });
        }
        before += block.len();
        let n_skipped = skip(&mut points, &mut leaves, gate.as_ref(), &block);
        looks += if is_open.last() == Some(&true) {
            n_skipped
        } else {
            0
        };
        before += n_skipped as usize;
        let is_exhausted = leaves.iter().all(|leaf| leaf.rise.reach == f64::INFINITY);
        if is_exhausted || (until == Until::Firing && first.is_some()) {
            break;
        }
    }
    Ok(Passages {
        alone: leaves.into_iter().map(|leaf| leaf.rise.steps).collect(),
        beside: Vec::new(),
        first,
        looks,
    })
}

/// Passes over ticks that see what the last evaluation saw; their number.
fn skip(
    points: &mut Points<'_>,
    leaves: &mut [Leaf<'_>],
    gate: Option<&Gate<'_>>,
    block: &Evaluations<'_>,
) -> u64 {
    let Some(last) = block.last().filter(|_| points.are_ticks()) else {
        return 0;
    };
    let mut until_us = gate.map_or(i64::MAX, |gate| gate.quiet_until(last));
    for leaf in leaves
        .iter_mut()
        .filter(|leaf| leaf.rise.reach < f64::INFINITY)
    {
        until_us = until_us.min(leaf.signal.quiet_until(last));
    }
    points.skip_until(until_us).map_or(0, |ticks| ticks.n)
}

/// The earliest step over a threshold as written, and the conditions that held then.
pub(super) fn first_firing(leaves: &[Leaf<'_>]) -> Option<(Step, u64)> {
    let firsts: Vec<Option<Step>> = leaves
        .iter()
        .map(|leaf| first_over(&leaf.rise.steps, leaf.rise.written))
        .collect();
    let at = *firsts.iter().flatten().min_by_key(|step| step.look)?;
    let mut causes = 0;
    for (i, (leaf, step)) in leaves.iter().zip(&firsts).enumerate() {
        if step.is_some_and(|step| step.look == at.look) {
            causes |= 1_u64.checked_shl(i as u32).unwrap_or(0);
            if leaf.rise.probe.stop {
                break;
            }
        }
    }
    Some((at, causes))
}

impl Rise {
    fn new(condition: &Condition) -> Self {
        let cmp = condition.comparison.cmp();
        let mut probe = condition.clone();
        probe.comparison.set_threshold(oriented(cmp, f64::MIN));
        Self {
            probe,
            needs_baseline: condition.needs_baseline(),
            written: oriented(cmp, condition.comparison.threshold()),
            reach: f64::NEG_INFINITY,
            steps: Vec::new(),
        }
    }

    /// The highest threshold that is exceeded, where that is more than ever before.
    #[inline]
    pub(super) fn raise(&mut self, seen: &Seen) -> Option<f64> {
        let probe = &mut self.probe;
        let level = match judge(probe, self.needs_baseline, seen).truth {
            Truth::True => critical(probe, seen),
            Truth::Unknown if probe.no_data == Some(NoData::True) => f64::INFINITY,
            Truth::Unknown | Truth::False => return None,
        };
        if level <= self.reach {
            return None;
        }
        self.reach = level;
        let above = oriented(probe.comparison.cmp(), level.next_up());
        probe.comparison.set_threshold(above);
        Some(level)
    }
}

impl<'a> Leaf<'a> {
    pub(super) fn new(view: View<'a>, condition: &Condition) -> Self {
        Self {
            signal: Signal::new(view, condition, condition.needs_baseline()),
            rise: Rise::new(condition),
            shown: None,
            is_new: true,
        }
    }

    fn run(&mut self, view: View<'_>, block: &Block<'_>) {
        if self.rise.reach == f64::INFINITY {
            return;
        }
        let Self {
            signal,
            rise,
            shown,
            is_new,
        } = self;
        signal.walk(block.evaluations, |i, observed| {
            if let Some(observed) = observed {
                (*shown, *is_new) = (Some(*observed), true);
            }
            // The first evaluation after a closed gate judges what was shown behind it.
            *is_new |= !block.is_open[i];
            if !block.is_open[i] || !std::mem::take(is_new) {
                return;
            }
            if let Some(level) = shown.as_ref().and_then(|shown| rise.raise(shown)) {
                let point = block.evaluations.point(i);
                rise.steps
                    .push(step_at(view, level, block.before + i, point));
            }
        });
    }
}
