//! One rule over many rollouts.

use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;

use super::draw::Draw;
use super::ground::{Ground, Rollout};
use super::random::{Set, salt};
use super::settings::Injection;
use crate::error::Result;
use crate::jobs::Progress;
use crate::rules::Rule;
use crate::rules::passage::{Fired, Passages, Step, Until, Watch};

/// Where rollouts come from.
#[derive(Debug)]
pub(super) enum Source {
    /// The same rows, in other arms each time.
    Rows(Box<Ground>),
    /// Rows that are drawn anew.
    Drawn(Box<Draw>),
}

/// Which rollouts are run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Batch<'a> {
    pub(super) seed: u64,
    pub(super) set: Set,
    /// Which of the set's rollouts.
    pub(super) from: u32,
    pub(super) to: u32,
    pub(super) injection: Option<&'a Injection>,
    pub(super) until: Until,
}

/// What a rule did in one rollout.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Trace {
    /// Per condition, see [`Passages::alone`].
    pub(super) alone: Vec<Vec<Mark>>,
    /// Per condition, see [`Passages::beside`].
    pub(super) beside: Vec<Vec<Mark>>,
    /// The first firing as written.
    pub(super) first: Option<TraceFiring>,
    pub(super) n_canary: u32,
    pub(super) n_baseline: u32,
    /// Requests of the canary that were worsened, and those before the regression was there.
    pub(super) n_harmed: u32,
    pub(super) before_onset: u32,
    /// The end of the rollout, since time zero.
    pub(super) end_us: i64,
    pub(super) looks: u64,
}

/// The first firing of a rollout.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct TraceFiring {
    pub(super) at: Mark,
    pub(super) causes: u64,
    pub(super) is_common: Option<bool>,
}

/// When an oriented threshold was first exceeded, and what that took.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Mark {
    pub(super) level: f64,
    pub(super) look: u32,
    /// When, since time zero.
    pub(super) at_us: i64,
    /// Requests of the canary before the action takes effect, and those of them that were worsened.
    pub(super) requests: u32,
    pub(super) harmed: u32,
}

/// Counts rollouts for the progress bar, over all threads.
#[derive(Debug)]
pub(super) struct Meter<'a> {
    progress: &'a Progress,
    done: AtomicU64,
}

/// Conditions with more marks than this in a rollout are thinned.
const MANY_MARKS: usize = 256;
/// By how much thinning may overstate the requests until a firing.
const THINNING: f64 = 0.02;

impl<'a> Meter<'a> {
    pub(super) fn new(progress: &'a Progress, phase: &'static str, total: u64) -> Result<Self> {
        progress.phase(phase, total)?;
        Ok(Self {
            progress,
            done: AtomicU64::new(0),
        })
    }

    fn tick(&self) -> Result<()> {
        self.progress
            .tick(self.done.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

/// Runs a rule over a batch of rollouts, in their order whatever the number of threads. The inner
/// error says why the log cannot feed the rule.
pub(super) fn traces(
    source: &Source,
    rule: &Rule,
    batch: &Batch<'_>,
    meter: &Meter<'_>,
) -> Result<std::result::Result<Vec<Trace>, String>> {
    match source {
        Source::Rows(ground) => {
            let worse = batch.injection.map(|injection| ground.with(injection));
            let ground = worse.as_ref().unwrap_or(ground);
            let watch = match Watch::new(&ground.log, rule) {
                Ok(watch) => watch,
                Err(reason) => return Ok(Err(reason)),
            };
            let found: Result<Vec<Trace>> = (batch.from..batch.to)
                .into_par_iter()
                .map(|i| trace(ground, &watch, rule, batch, i, meter))
                .collect();
            found.map(Ok)
        }
        Source::Drawn(draw) => {
            let one = |i: u32| -> Result<std::result::Result<Trace, String>> {
                let mut ground = draw.ground(salt(batch.seed, batch.set, i));
                if let Some(injection) = batch.injection {
                    ground = ground.with(injection);
                }
                match Watch::new(&ground.log, rule) {
                    Ok(watch) => trace(&ground, &watch, rule, batch, i, meter).map(Ok),
                    Err(reason) => Ok(Err(reason)),
                }
            };
            let found: Result<Vec<_>> = (batch.from..batch.to).into_par_iter().map(one).collect();
            Ok(found?.into_iter().collect())
        }
    }
}

/// One rollout of a set.
pub(super) fn trace(
    ground: &Ground,
    watch: &Watch<'_>,
    rule: &Rule,
    batch: &Batch<'_>,
    replicate: u32,
    meter: &Meter<'_>,
) -> Result<Trace> {
    let rollout = ground.rollout(salt(batch.seed, batch.set, replicate), watch.reads_all());
    let clerk = Clerk::new(ground, rule, &rollout);
    let (n_canary, n_baseline) = (
        rollout.assignment.canary.len() as u32,
        rollout.assignment.baseline.len() as u32,
    );
    let span_us = rollout.assignment.span_us;
    let passages = watch.run(&rollout.assignment, batch.until, meter.progress)?;
    meter.tick()?;
    Ok(clerk.trace(passages, (n_canary, n_baseline), span_us))
}

/// Turns evaluations into what they cost.
struct Clerk {
    zero_us: i64,
    harmed: Vec<u32>,
    before_onset: u32,
    /// With a delay: when each canary request came.
    delayed: Option<(i64, Vec<i64>)>,
}

impl Clerk {
    fn new(ground: &Ground, rule: &Rule, rollout: &Rollout) -> Self {
        let event = |row: &u32| ground.log.event_us[*row as usize];
        Self {
            zero_us: ground.span_us.0,
            harmed: rollout.harmed.clone(),
            before_onset: rollout.before_onset,
            delayed: (rule.delay.us > 0).then(|| {
                (
                    rule.delay.us,
                    rollout.assignment.canary.iter().map(event).collect(),
                )
            }),
        }
    }

    fn trace(&self, passages: Passages, n: (u32, u32), span_us: (i64, i64)) -> Trace {
        let marks = |conditions: Vec<Vec<Step>>| -> Vec<Vec<Mark>> {
            conditions
                .into_iter()
                .map(|steps| thinned(steps.iter().map(|step| self.mark(step)).collect()))
                .collect()
        };
        Trace {
            alone: marks(passages.alone),
            beside: marks(passages.beside),
            first: passages.first.map(|first| self.firing(&first)),
            n_canary: n.0,
            n_baseline: n.1,
            n_harmed: self.harmed.len() as u32,
            before_onset: self.before_onset,
            end_us: span_us.1 - span_us.0,
            looks: passages.looks,
        }
    }

    fn firing(&self, fired: &Fired) -> TraceFiring {
        let step = Step {
            level: f64::INFINITY,
            look: fired.look,
            at_us: fired.at_us,
            requests: fired.requests,
        };
        TraceFiring {
            at: self.mark(&step),
            causes: fired.causes,
            is_common: fired.is_common,
        }
    }

    fn mark(&self, step: &Step) -> Mark {
        let requests = match &self.delayed {
            None => step.requests,
            Some((delay_us, events)) => {
                let until = step.at_us.saturating_add(*delay_us);
                events.partition_point(|event| *event <= until) as u32
            }
        };
        Mark {
            level: step.level,
            look: step.look,
            at_us: step.at_us - self.zero_us,
            requests,
            harmed: self.harmed.partition_point(|place| *place < requests) as u32,
        }
    }
}

/// Leaves marks out where the next one that stays comes after at most 2 % more requests: a threshold
/// in between counts as exceeded there. Whether it is exceeded at all stays exact. However long the
/// rollout, some hundred marks remain.
fn thinned(marks: Vec<Mark>) -> Vec<Mark> {
    if marks.len() <= MANY_MARKS {
        return marks;
    }
    let mut kept: Vec<Mark> = Vec::new();
    for mark in marks.into_iter().rev() {
        let is_near =
            |next: &Mark| f64::from(next.requests) <= f64::from(mark.requests) * (1.0 + THINNING);
        if !kept.last().is_some_and(is_near) {
            kept.push(mark);
        }
    }
    kept.reverse();
    kept
}

/// The first mark over an oriented threshold.
pub(super) fn first_over(marks: &[Mark], threshold: f64) -> Option<Mark> {
    let reached = marks.partition_point(|mark| mark.level < threshold);
    marks.get(reached).copied()
}

impl Trace {
    /// The first firing with one threshold moved, oriented; the others are as written in `written`.
    pub(super) fn moved(&self, condition: usize, threshold: f64, written: &[f64]) -> Option<Mark> {
        if let Some(marks) = self.beside.get(condition) {
            return first_over(marks, threshold);
        }
        let thresholds = written
            .iter()
            .enumerate()
            .map(|(i, t)| if i == condition { threshold } else { *t });
        self.at(thresholds)
    }

    /// The first firing of a rule that fires as soon as one condition holds, at any thresholds.
    pub(super) fn at(&self, thresholds: impl Iterator<Item = f64>) -> Option<Mark> {
        self.alone
            .iter()
            .zip(thresholds)
            .filter_map(|(marks, threshold)| first_over(marks, threshold))
            .min_by_key(|mark| mark.look)
    }

    /// The highest oriented threshold that a condition alone exceeds in the whole rollout.
    pub(super) fn reach(&self, condition: usize) -> f64 {
        self.alone
            .get(condition)
            .and_then(|marks| marks.last())
            .map_or(f64::NEG_INFINITY, |mark| mark.level)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thinning_overstates_delays_by_two_per_cent_at_most() {
        let marks: Vec<Mark> = (1..20_000_u32)
            .map(|i| Mark {
                level: f64::from(i),
                look: i,
                at_us: i64::from(i),
                requests: i,
                harmed: i / 50,
            })
            .collect();
        let kept = thinned(marks.clone());
        assert!((100..800).contains(&kept.len()), "{}", kept.len());
        for mark in &marks {
            let found = first_over(&kept, mark.level).unwrap();
            assert!(found.requests >= mark.requests);
            assert!(f64::from(found.requests) <= f64::from(mark.requests) * 1.02);
        }
        assert_eq!(first_over(&kept, 20_000.0), None);
        assert_eq!(thinned(marks[..256].to_vec()), marks[..256]);
    }
}
