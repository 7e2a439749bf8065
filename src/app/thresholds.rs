//! First firings while a threshold is dragged. One pass over the rows answers for every threshold
//! (`rules::passage`), so that a drag costs a look-up; the whole replay follows when it ends.

use std::sync::Arc;

use super::document::Document;
use super::session::{Output, Session};
use super::state::{AppState, Screen};
use crate::analysis::{AnalysisSettings, select};
use crate::cli::{CellLog, no_plan_on_cells};
use crate::data::RequestLog;
use crate::error::{Error, Result};
use crate::ingest::Loaded;
use crate::jobs::{JobKind, Progress};
use crate::rules::passage::{Assignment, Passages, Until, Watch, first_over, oriented};
use crate::rules::{
    Anchor, ArmLabels, Clock, EventTime, Replay, Rule, Rulebook, Scope, Window, replay_in_full,
    replay_planned,
};

/// What answers for the thresholds of one rule.
#[derive(Debug, Default)]
pub struct Thresholds {
    asked: Option<(AnalysisSettings, Rule)>,
    found: Option<Passed>,
}

/// A rule that was watched over the whole log.
#[derive(Debug)]
pub(super) struct Passed {
    rule: Rule,
    passages: Passages,
    /// Whether it fires as soon as one condition holds.
    is_separable: bool,
    zero_us: i64,
}

/// When a rule first fires, in microseconds since time zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FirstFires {
    /// Then.
    At(i64),
    /// Never.
    Never,
}

impl Thresholds {
    /// When a rule that is moved from the watched one in thresholds alone would first fire; `None`
    /// where that is not known without a replay.
    pub fn first(&self, rule: &Rule) -> Option<FirstFires> {
        self.found.as_ref()?.first(rule)
    }
}

impl Passed {
    fn first(&self, rule: &Rule) -> Option<FirstFires> {
        let (watched, asked) = (self.rule.conditions(), rule.conditions());
        if watched.len() != asked.len() || with_thresholds_of(rule, &self.rule) != self.rule {
            return None;
        }
        let threshold = |c: usize| {
            let comparison = asked[c].comparison;
            oriented(comparison.cmp(), comparison.threshold())
        };
        let passages = &self.passages;
        let at_us = if self.is_separable {
            let mut earliest = None;
            for (c, steps) in passages.alone.iter().enumerate() {
                let step = first_over(steps, threshold(c));
                earliest = earliest
                    .into_iter()
                    .chain(step.map(|step| step.at_us))
                    .min();
            }
            earliest
        } else {
            let is_moved =
                |c: &usize| watched[*c].comparison.threshold() != asked[*c].comparison.threshold();
            let mut moved = (0..asked.len()).filter(is_moved);
            match (moved.next(), moved.next()) {
                (None, _) => passages.first.map(|first| first.at_us),
                (Some(c), None) => {
                    first_over(&passages.beside[c], threshold(c)).map(|step| step.at_us)
                }
                (Some(_), Some(_)) => return None,
            }
        };
        Some(at_us.map_or(FirstFires::Never, |us| FirstFires::At(us - self.zero_us)))
    }
}

impl Session {
    /// Watches the rule on the Rollback screen, once its replay is there.
    pub(super) fn follow_thresholds(&mut self, state: &AppState) {
        let document = &state.document;
        if state.screen != Screen::Rollback || self.replay.is_stale || self.is_replaying() {
            return;
        }
        let (Some(loaded), Some(replay)) = (self.loaded.value.clone(), self.replay.value.clone())
        else {
            return;
        };
        if loaded.cells.is_some() {
            return;
        }
        let Some(rule) = document.rulebook.rules.get(state.rule).cloned() else {
            return;
        };
        let asked = (document.settings.clone(), rule.clone());
        if self.thresholds.asked.as_ref() == Some(&asked) {
            return;
        }
        if self.thresholds.first(&rule).is_some()
            && self.thresholds.asked.as_ref().map(|(settings, _)| settings)
                == Some(&document.settings)
        {
            return;
        }
        self.thresholds = Thresholds {
            asked: Some(asked),
            found: None,
        };
        let expected = replay
            .rules
            .get(state.rule)
            .and_then(|done| done.first.as_ref().map(|first| first.time_us));
        let settings = document.settings.clone();
        let rulebook = &document.rulebook;
        let by_stage = match rule.clock {
            Clock::Request { .. } => false,
            Clock::Every { anchor, .. } | Clock::OnceAt { anchor, .. } => anchor == Anchor::Stage,
            Clock::StageEnd => true,
        };
        let follows_stages =
            by_stage || rule.conditions().iter().any(|c| c.window == Window::Stage);
        let is_plain = rule.scope == Scope::Run
            && !follows_stages
            && rulebook.columns.event_time == EventTime::default()
            && rulebook.arms == ArmLabels::default();
        if is_plain {
            self.jobs.start(JobKind::Thresholds, move |progress| {
                let passed = watch(&loaded.log, &settings, &rule, progress)?;
                // What a watch does not know, such as stages, could move a replay.
                let is_same = passed
                    .passages
                    .first
                    .map(|first| first.at_us - passed.zero_us)
                    == expected;
                Ok(Output::Passed(is_same.then(|| Box::new(passed))))
            });
        }
    }

    /// Takes what was watched.
    pub(super) fn take_passed(&mut self, passed: Option<Box<Passed>>) {
        self.thresholds.found = passed.map(|passed| *passed);
    }
}

/// A replay of those rules alone that an earlier replay of the same rows does not answer for; under
/// another plan than the log's, of all of them.
pub(super) fn replay_changed(
    loaded: &Loaded,
    document: &Document,
    (earlier, plan): (Option<(Arc<Replay>, Rulebook)>, Option<String>),
    progress: &Progress,
) -> Result<Replay> {
    if let Some(known) = CellLog::of(loaded) {
        let arms = known
            .arms(&document.settings)?
            .ok_or_else(Error::cancelled)?;
        return match plan {
            Some(_) => Err(no_plan_on_cells()),
            None => known.replay(&document.rulebook, &arms, &document.settings, progress),
        };
    }
    let log = &loaded.log;
    let selection = select(log, &document.settings)?;
    let (control, treatment) = (
        selection.control,
        selection.treatment.ok_or_else(Error::cancelled)?,
    );
    let rulebook = &document.rulebook;
    let arms = crate::rules::ReplaySettings { control, treatment };
    let stages = crate::cli::stages(log, control, treatment);
    if let Some(plan) = plan {
        return replay_planned(&selection.rows, rulebook, &arms, &stages, &plan, progress);
    }
    let rest = |book: &Rulebook| Rulebook {
        rules: Vec::new(),
        title: String::new(),
        ..book.clone()
    };
    let earlier = earlier.filter(|(_, book)| rest(book) == rest(rulebook));
    let known = |rule: &Rule| {
        let (replay, book) = earlier.as_ref()?;
        let at = book.rules.iter().position(|r| r == rule)?;
        replay.rules.get(at).cloned()
    };
    let (kept, changed): (Vec<_>, Vec<_>) = rulebook
        .rules
        .iter()
        .map(|rule| (known(rule), rule))
        .unzip();
    let mut to_run = rest(rulebook);
    to_run.rules = kept
        .iter()
        .zip(changed)
        .filter(|(kept, _)| kept.is_none())
        .map(|(_, rule)| rule.clone())
        .collect();
    let mut found = replay_in_full(&selection.rows, &to_run, &arms, &stages, progress)?;
    let mut fresh = std::mem::take(&mut found.rules).into_iter();
    found.rules = kept
        .into_iter()
        .filter_map(|kept| kept.or_else(|| fresh.next()))
        .collect();
    Ok(found)
}

fn watch(
    log: &RequestLog,
    settings: &AnalysisSettings,
    rule: &Rule,
    progress: &Progress,
) -> Result<Passed> {
    let selection = select(log, settings)?;
    let treatment = selection.treatment.ok_or_else(Error::cancelled)?;
    let rows = &selection.rows;
    // A rule that the log cannot feed has no first firing to preview.
    let watch = Watch::new(rows, rule).map_err(|_reason| Error::cancelled())?;
    let arms = Assignment::of(rows, selection.control, treatment);
    let passages = watch.run(&arms, Until::End, progress)?;
    Ok(Passed {
        is_separable: watch.is_separable(),
        zero_us: arms.span_us.0,
        passages,
        rule: rule.clone(),
    })
}

/// `rule` with the thresholds of another of the same shape.
fn with_thresholds_of(rule: &Rule, other: &Rule) -> Rule {
    let mut rule = rule.clone();
    for (condition, other) in rule.conditions_mut().into_iter().zip(other.conditions()) {
        condition
            .comparison
            .set_threshold(other.comparison.threshold());
    }
    rule
}
