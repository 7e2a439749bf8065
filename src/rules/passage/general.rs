//! Rules with persistence or with conditions that must hold together: one condition's threshold
//! moves at a time.

use super::super::evaluate::judge;
use super::super::gate::Gate;
use super::super::prepare::View;
use super::super::signal::Signal;
use super::super::state::{Block, Points, Seen};
use super::super::{Condition, NoData, Node, State, Truth};
use super::critical::critical;
use super::follow::Follow;
use super::{Fired, Passages, Step, Until, Watch, oriented, step_at, tracker};
use crate::error::Result;
use crate::jobs::Progress;

/// A condition's levels over a block of evaluations.
struct Leaf<'a> {
    signal: Signal<'a>,
    condition: &'a Condition,
    /// The condition with a threshold that everything exceeds.
    probe: Condition,
    written: f64,
    shown: Option<Seen>,
    /// What follows from `shown`.
    judged: Option<f64>,
    is_new: bool,
    /// The last evaluation's level, after the policy for missing data.
    previous: f64,
    /// Per evaluation: the highest threshold exceeded, `None` without data.
    levels: Vec<Option<f64>>,
}

/// The whole rule with one threshold left open.
struct Coordinate {
    leaf: usize,
    /// Leaves that are taken not to hold.
    is_off: Vec<bool>,
    follow: Follow,
    reach: f64,
    steps: Vec<Step>,
}

pub(super) fn run(
    watch: &Watch<'_>,
    view: View<'_>,
    mut points: Points<'_>,
    until: Until,
    progress: &Progress,
) -> Result<Passages> {
    let rule = watch.rule;
    let mut leaves: Vec<Leaf<'_>> = watch
        .conditions
        .iter()
        .map(|condition| Leaf::new(view, condition))
        .collect();
    let n = leaves.len();
    // While only the firing as written matters, no threshold is open.
    let is_open_axis = until == Until::End && Follow::is_exact(rule.persistence);
    let coordinates = |is_alone: bool| -> Vec<Coordinate> {
        let n = if is_open_axis { n } else { 0 };
        (0..n)
            .map(|leaf| Coordinate::new(watch, leaf, is_alone))
            .collect()
    };
    let (mut alone, mut beside) = (coordinates(true), coordinates(false));
    let mut gate = rule.min.map(|minimum| Gate::new(view, minimum));
    let mut written = tracker(rule);
    let (mut block, mut is_open, mut resets) = (Block::default(), Vec::new(), Vec::new());
    let (mut before, mut looks, mut first) = (0, 0, None);
    'blocks: loop {
        points.fill(view.prepared.log(), &mut block);
        if block.is_empty() {
            break;
        }
        progress.check()?;
        looks += Gate::mark(gate.as_mut(), &block, &mut is_open);
        resets.clear();
        resets.resize(block.len(), false);
        for leaf in &mut leaves {
            leaf.run(&block, &is_open, &mut resets);
        }
        for (i, point) in block.iter().enumerate() {
            if resets[i] {
                written.reset();
                for coordinate in alone.iter_mut().chain(&mut beside) {
                    coordinate.follow.reset();
                }
            }
            let truths = |leaf: usize| leaves[leaf].truth(i);
            let truth = tree(&rule.root, &mut 0, &truths);
            let state = written.step(point.at_us, truth);
            if state == State::Firing && first.is_none() {
                let at = step_at(view, 0.0, before + i, point);
                first = Some(Fired::new(at, point.seen, causes(&leaves, i)));
                if until == Until::Firing {
                    break 'blocks;
                }
            }
            for coordinate in alone.iter_mut().chain(&mut beside) {
                coordinate.step(&rule.root, &leaves, i, point.at_us, |level| {
                    step_at(view, level, before + i, point)
                });
            }
        }
        before += block.len();
    }
    let steps = |found: Vec<Coordinate>| found.into_iter().map(|c| c.steps).collect();
    Ok(Passages {
        alone: if is_open_axis {
            steps(alone)
        } else {
            vec![Vec::new(); n]
        },
        beside: steps(beside),
        first,
        looks,
    })
}

impl<'a> Leaf<'a> {
    fn new(view: View<'a>, condition: &'a Condition) -> Self {
        let cmp = condition.comparison.cmp();
        let mut probe = condition.clone();
        probe.comparison.set_threshold(oriented(cmp, f64::MIN));
        Self {
            signal: Signal::new(view, condition, condition.needs_baseline()),
            condition,
            probe,
            written: oriented(cmp, condition.comparison.threshold()),
            shown: None,
            judged: None,
            is_new: true,
            previous: f64::NEG_INFINITY,
            levels: Vec::new(),
        }
    }

    fn run(&mut self, block: &Block<'_>, is_open: &[bool], resets: &mut [bool]) {
        let Self {
            signal,
            condition,
            probe,
            shown,
            judged,
            is_new,
            previous,
            levels,
            ..
        } = self;
        levels.clear();
        if matches!(signal, Signal::Unavailable(_)) {
            levels.resize(block.len(), None);
            return;
        }
        let needs_baseline = condition.needs_baseline();
        signal.walk(block, |i, observed| {
            if let Some(observed) = observed {
                (*shown, *is_new) = (Some(*observed), true);
            }
            if !is_open[i] {
                levels.push(Some(f64::NEG_INFINITY));
                return;
            }
            if std::mem::take(is_new)
                && let Some(shown) = shown
            {
                *judged = match judge(probe, needs_baseline, shown).truth {
                    Truth::True => Some(critical(probe, shown)),
                    Truth::False => Some(f64::NEG_INFINITY),
                    Truth::Unknown => None,
                };
            }
            let level = match (*judged, condition.no_data) {
                (Some(level), _) => Some(level),
                (None, None | Some(NoData::Error)) => None,
                (None, Some(NoData::False)) => Some(f64::NEG_INFINITY),
                (None, Some(NoData::True)) => Some(f64::INFINITY),
                (None, Some(NoData::Hold)) => Some(*previous),
                (None, Some(NoData::Reset)) => {
                    resets[i] = true;
                    Some(f64::NEG_INFINITY)
                }
            };
            *previous = level.unwrap_or(f64::NEG_INFINITY);
            levels.push(level);
        });
    }

    /// Whether it holds at its threshold as written.
    fn truth(&self, i: usize) -> Truth {
        match self.levels[i] {
            None => Truth::Unknown,
            Some(level) if level >= self.written => Truth::True,
            Some(_) => Truth::False,
        }
    }
}

impl Coordinate {
    fn new(watch: &Watch<'_>, leaf: usize, is_alone: bool) -> Self {
        let mut is_off = vec![false; watch.conditions.len()];
        if is_alone {
            switch_off(&watch.rule.root, leaf, 0, &mut is_off);
        }
        Self {
            leaf,
            is_off,
            follow: Follow::new(watch.rule.persistence),
            reach: f64::NEG_INFINITY,
            steps: Vec::new(),
        }
    }

    fn step(
        &mut self,
        root: &Node,
        leaves: &[Leaf<'_>],
        i: usize,
        at_us: i64,
        step: impl Fn(f64) -> Step,
    ) {
        let with = |truth: Truth| {
            let truths = |leaf: usize| {
                if leaf == self.leaf {
                    truth
                } else if self.is_off[leaf] {
                    Truth::False
                } else {
                    leaves[leaf].truth(i)
                }
            };
            tree(root, &mut 0, &truths)
        };
        let level = match leaves[self.leaf].levels[i] {
            None => as_level(with(Truth::Unknown)),
            Some(level) => match (with(Truth::True), with(Truth::False)) {
                (Truth::True, Truth::True) => Some(f64::INFINITY),
                (Truth::True, _) => Some(level),
                // Without data on one side of the threshold only; both sides are no breach.
                (_, otherwise) => as_level(otherwise),
            },
        };
        let fires = self.follow.step(at_us, level);
        if fires > self.reach {
            self.reach = fires;
            self.steps.push(step(fires));
        }
    }
}

fn as_level(truth: Truth) -> Option<f64> {
    match truth {
        Truth::True => Some(f64::INFINITY),
        Truth::False => Some(f64::NEG_INFINITY),
        Truth::Unknown => None,
    }
}

/// Switches off the leaves that stand beside the way to `leaf` in an `any`; `first` is the first
/// leaf of the node, which holds `leaf`.
fn switch_off(node: &Node, leaf: usize, first: usize, is_off: &mut [bool]) {
    let (Node::Any(parts) | Node::All(parts)) = node else {
        return;
    };
    let mut at = first;
    for part in parts {
        let end = at + n_leaves(part);
        if (at..end).contains(&leaf) {
            switch_off(part, leaf, at, is_off);
        } else if matches!(node, Node::Any(_)) {
            is_off[at..end].fill(true);
        }
        at = end;
    }
}

fn n_leaves(node: &Node) -> usize {
    match node {
        Node::Condition(_) => 1,
        Node::Not(part) => n_leaves(part),
        Node::Any(parts) | Node::All(parts) => parts.iter().map(n_leaves).sum(),
    }
}

/// The truth of a tree at one evaluation; `next` is its first leaf.
fn tree(node: &Node, next: &mut usize, truths: &impl Fn(usize) -> Truth) -> Truth {
    match node {
        Node::Condition(_) => {
            *next += 1;
            truths(*next - 1)
        }
        Node::Not(part) => tree(part, next, truths).negated(),
        Node::Any(parts) => parts
            .iter()
            .map(|part| tree(part, next, truths))
            .fold(Truth::False, Truth::max),
        Node::All(parts) => parts
            .iter()
            .map(|part| tree(part, next, truths))
            .fold(Truth::True, Truth::min),
    }
}

/// The conditions that hold, up to one that makes the monitor return.
fn causes(leaves: &[Leaf<'_>], i: usize) -> u64 {
    let mut causes = 0;
    for (k, leaf) in leaves.iter().enumerate() {
        if leaf.truth(i) == Truth::True {
            causes |= 1_u64.checked_shl(k as u32).unwrap_or(0);
            if leaf.condition.stop {
                break;
            }
        }
    }
    causes
}
