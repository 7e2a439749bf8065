//! Rules that look after requests and whose windows only requests move: each condition goes over the
//! requests that can change what it sees, and the looks between them are counted.

use super::super::prepare::View;
use super::super::state::{Point, Seen};
use super::super::{ArmRole, Clock, Comparison, Minimum, RequestArm, Rule, Window};
use super::any::{Leaf, first_firing};
use super::{Fired, Passages, Step, Until, Watch};
use crate::error::Result;
use crate::jobs::Progress;

/// After which requests a rule looks.
#[derive(Debug, Clone, Copy)]
enum Looks<'a> {
    /// Those of both arms.
    Both {
        canary: &'a [u32],
        baseline: &'a [u32],
    },
    /// Those of one.
    One(&'a [u32]),
}

/// Whether a rule of alternatives can be watched this way.
pub(super) fn applies(rule: &Rule) -> bool {
    let is_moved_by_requests = |window: Window| matches!(window, Window::Last { .. } | Window::Run);
    matches!(rule.clock, Clock::Request { .. })
        && rule.min.is_none_or(|min| is_moved_by_requests(min.window))
        && rule.conditions().iter().all(|condition| {
            is_moved_by_requests(condition.window)
                && condition.score.is_none()
                && !matches!(condition.comparison, Comparison::Test(_))
        })
}

pub(super) fn run(
    watch: &Watch<'_>,
    view: View<'_>,
    until: Until,
    progress: &Progress,
) -> Result<Passages> {
    let looks = Looks::of(view);
    let mut leaves: Vec<Leaf<'_>> = watch
        .conditions
        .iter()
        .map(|condition| Leaf::new(view, condition))
        .collect();
    let Some(opening) = looks.first_open(view, watch.rule.min) else {
        return Ok(Passages::none(leaves.len()));
    };
    let mut last_row = u32::MAX;
    for leaf in &mut leaves {
        progress.check()?;
        let fired = leaf.follow(view, looks, opening, last_row, until);
        last_row = fired.map_or(last_row, |row| row.min(last_row));
    }
    let first = first_firing(&leaves).map(|(at, causes)| Fired::new(at, looks.row(at) + 1, causes));
    Ok(Passages {
        alone: leaves.into_iter().map(|leaf| leaf.rise.steps).collect(),
        beside: Vec::new(),
        first,
        looks: (looks.len() - looks.before(opening)) as u64,
    })
}

impl Leaf<'_> {
    /// Follows the condition up to `last_row`; the row at which it exceeds its threshold as written,
    /// where that ends the watch.
    fn follow(
        &mut self,
        view: View<'_>,
        looks: Looks<'_>,
        opening: u32,
        last_row: u32,
        until: Until,
    ) -> Option<u32> {
        let mut fired = None;
        let rise = &mut self.rise;
        let mut see = |row: u32, seen: &Seen| -> bool {
            if row > last_row {
                return false;
            }
            let Some(level) = rise.raise(seen) else {
                return true;
            };
            let step = Step {
                level,
                look: looks.before(row) as u32,
                at_us: view.prepared.log().event_us[row as usize],
                requests: before(view.rows(ArmRole::Canary), row + 1) as u32,
            };
            rise.steps.push(step);
            if until == Until::Firing && level >= rise.written {
                fired = Some(row);
                return false;
            }
            level < f64::INFINITY
        };
        let until = Point {
            at_us: view.prepared.log().event_us[opening as usize],
            seen: opening + 1,
        };
        self.signal.walk_requests(until, looks.rows(), &mut see);
        fired
    }
}

impl<'a> Looks<'a> {
    fn of(view: View<'a>) -> Self {
        let (canary, baseline) = (view.rows(ArmRole::Canary), view.rows(ArmRole::Baseline));
        match view.rule.clock {
            Clock::Request {
                arm: RequestArm::Canary,
            } => Self::One(canary),
            Clock::Request {
                arm: RequestArm::Baseline,
            } => Self::One(baseline),
            _ => Self::Both { canary, baseline },
        }
    }

    fn len(self) -> usize {
        match self {
            Self::Both { canary, baseline } => canary.len() + baseline.len(),
            Self::One(rows) => rows.len(),
        }
    }

    /// The row after which a step's look is.
    fn row(self, step: Step) -> u32 {
        match self {
            Self::Both { canary, baseline } => {
                let last = |rows: &[u32], n: usize| n.checked_sub(1).map(|i| rows[i]);
                let n = step.requests as usize;
                let others = step.look as usize + 1 - n;
                last(canary, n).max(last(baseline, others)).unwrap_or(0)
            }
            Self::One(rows) => rows[step.look as usize],
        }
    }

    /// The rows after which a look is, where those of one arm are skipped.
    fn rows(self) -> Option<&'a [u32]> {
        match self {
            Self::Both { .. } => None,
            Self::One(rows) => Some(rows),
        }
    }

    /// How many looks are before that after a row.
    fn before(self, row: u32) -> usize {
        match self {
            Self::Both { canary, baseline } => before(canary, row) + before(baseline, row),
            Self::One(rows) => before(rows, row),
        }
    }

    /// The first look at or after a row.
    fn at_or_after(self, row: u32) -> Option<u32> {
        let next = |rows: &[u32]| rows.get(before(rows, row)).copied();
        match self {
            Self::Both { canary, baseline } => {
                let (canary, baseline) = (next(canary), next(baseline));
                canary.into_iter().chain(baseline).min()
            }
            Self::One(rows) => next(rows),
        }
    }

    /// The row of the first look at which the minimum is met.
    fn first_open(self, view: View<'_>, minimum: Option<Minimum>) -> Option<u32> {
        let Some(minimum) = minimum else {
            return self.at_or_after(0);
        };
        let met = |arm: ArmRole, n: u32| -> Option<u32> {
            let never = matches!(minimum.window, Window::Last { n: window } if window < n);
            match n.checked_sub(1) {
                None => Some(0),
                Some(_) if never => None,
                Some(last) => view.rows(arm).get(last as usize).copied(),
            }
        };
        let canary = met(ArmRole::Canary, minimum.n.canary)?;
        let baseline = met(ArmRole::Baseline, minimum.n.baseline)?;
        self.at_or_after(canary.max(baseline))
    }
}

fn before(rows: &[u32], row: u32) -> usize {
    rows.partition_point(|known| *known < row)
}
