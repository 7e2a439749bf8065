//! The lab's job: what was asked for, and the findings while they come.

use std::sync::{Arc, Mutex, PoisonError};

use super::document::Document;
use super::state::{LabChoices, LabPlanChoice};
use crate::analysis::{Analysis, AnalysisSettings, select};
use crate::data::RequestLog;
use crate::error::{Error, Result};
use crate::jobs::Progress;
use crate::lab::{LabPlan, LabSettings, RuleLab, lab, usual_injections};
use crate::rules::{ReplaySettings, Rule, Rulebook};

/// The lab on screen.
#[derive(Debug, Default)]
pub struct LabRun {
    /// The newest findings; partial while the job runs or after it was cancelled.
    pub value: Option<Arc<RuleLab>>,
    /// Why the newest could not be computed.
    pub error: Option<Error>,
    asked: Option<(AnalysisSettings, Rule)>,
    so_far: Arc<Mutex<Option<RuleLab>>>,
}

/// What a lab job works on.
#[derive(Debug)]
pub(super) struct LabWork {
    settings: AnalysisSettings,
    rulebook: Rulebook,
    rule: String,
    choices: LabChoices,
    analysis: Arc<Analysis>,
    so_far: Arc<Mutex<Option<RuleLab>>>,
}

impl LabRun {
    /// Whether the findings are of other rules or rows than the document's.
    pub fn is_stale(&self, document: &Document) -> bool {
        self.asked.as_ref().is_some_and(|(settings, rule)| {
            *settings != document.settings || !document.rulebook.rules.contains(rule)
        })
    }

    /// The findings, where they are of the document's rules and rows.
    pub fn current(&self, document: &Document) -> Option<Arc<RuleLab>> {
        self.value.clone().filter(|_| !self.is_stale(document))
    }

    /// Whether the findings are those of a job that was stopped or still runs.
    pub fn is_partial(&self) -> bool {
        self.value.as_ref().is_some_and(|found| found.is_partial)
    }

    /// Notes what is asked for now; older findings go.
    pub(super) fn ask(
        &mut self,
        document: &Document,
        rule: usize,
        choices: &LabChoices,
        analysis: &Arc<Analysis>,
    ) -> Option<LabWork> {
        let asked = document.rulebook.rules.get(rule)?.clone();
        *self = Self::default();
        let work = LabWork {
            settings: document.settings.clone(),
            rulebook: document.rulebook.clone(),
            rule: asked.id.clone(),
            choices: choices.clone(),
            analysis: Arc::clone(analysis),
            so_far: Arc::clone(&self.so_far),
        };
        self.asked = Some((document.settings.clone(), asked));
        Some(work)
    }

    /// Takes findings that a running job has so far.
    pub(super) fn take_so_far(&mut self) {
        let found = lock(&self.so_far).take();
        if let Some(found) = found {
            self.value = Some(Arc::new(found));
        }
    }

    /// Takes the result of the job; findings so far stay where it was cancelled.
    pub(super) fn settle(&mut self, result: Result<RuleLab>) {
        match result {
            Ok(found) => self.value = Some(Arc::new(found)),
            Err(error) if error.is_cancelled() => {}
            Err(error) => self.error = Some(error),
        }
    }
}

impl LabWork {
    /// Tries the rule, handing over findings as they come.
    pub(super) fn run(self, log: &RequestLog, progress: &Progress) -> Result<RuleLab> {
        let selection = select(log, &self.settings)?;
        let arms = ReplaySettings {
            control: selection.control,
            treatment: selection.treatment.ok_or_else(Error::cancelled)?,
        };
        let rows = &selection.rows;
        let plan = match &self.choices.plan {
            LabPlanChoice::Named(name) => match self.rulebook.plan(name) {
                Ok(plan) => LabPlan::of_rulebook(name, &plan),
                // The rulebook has changed since, and took its plan along.
                Err(_) => self.log_plan(rows, &arms),
            },
            LabPlanChoice::Fixed(share) => LabPlan::fixed(*share),
            LabPlanChoice::Log => self.log_plan(rows, &arms),
        };
        let settings = LabSettings {
            engine: self.choices.engine.clone(),
            injections: usual_injections(rows, arms.control, &plan, None),
            plan,
            replicates: self.choices.replicates,
            alpha: self.choices.alpha,
            seed: 1,
            max_canary_requests: None,
            calibrate: true,
            grid: self.choices.grid().unwrap_or_default(),
            focus: Some(self.rule),
            level: self.settings.level,
        };
        let so_far = self.so_far;
        lab(
            Some((rows, arms)),
            &self.rulebook,
            &settings,
            progress,
            &mut |found| {
                *lock(&so_far) = Some(found.clone());
            },
        )
    }

    fn log_plan(&self, rows: &RequestLog, arms: &ReplaySettings) -> LabPlan {
        let stages = self.analysis.stages.iter();
        LabPlan::of_log(rows, stages.map(|stage| (stage.from_us, stage.share)), arms)
    }
}

/// A poisoned lock only means that the worker panicked; the findings are still plain values.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
