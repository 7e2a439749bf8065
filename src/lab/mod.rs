//! The rule lab: is a rollback rule any good?
//!
//! A replay tells when a rule would have fired on one log. The lab tells how often it fires when
//! nothing is wrong, how soon when something is, and which thresholds would keep a chosen
//! false-rollback probability. It makes many rollouts without a difference from the log's own
//! requests, runs the rule over each, and puts regressions into others. Every rollout has its own
//! seed, so results do not depend on the number of threads. Rules run in the engine of
//! [`crate::rules`]; see [`crate::rules::passage`].

mod calibrate;
mod digest;
mod draw;
mod frontier;
mod ground;
mod guards;
mod inject;
mod model;
mod other_logs;
mod own;
mod random;
mod run;
mod sequential;
mod settings;
mod source;
mod summary;
mod trial;
mod versions;
pub mod words;

pub use digest::{LabCell, LabDigest, LabTable, RuleDigest, digest};
pub use model::*;
pub use sequential::SEQUENTIAL_TEST;
pub use settings::*;

use crate::data::RequestLog;
use crate::error::{Error, ErrorKind, Result};
use crate::jobs::Progress;
use crate::rules::{ReplaySettings, Rule, Rulebook};

/// Rollouts of the first answer.
pub const FIRST_ANSWER: u32 = 100;

/// Tries every rule of a rulebook. `log` may be missing for [`Traffic::Model`] alone.
///
/// `show` gets the findings so far, the first after [`FIRST_ANSWER`] rollouts a rule. A rule that the
/// log cannot feed is reported as skipped. Fails if the settings or the log cannot make rollouts, or
/// if the user cancels.
pub fn lab(
    log: Option<(&RequestLog, ReplaySettings)>,
    rulebook: &Rulebook,
    settings: &LabSettings,
    progress: &Progress,
    show: &mut dyn FnMut(&RuleLab),
) -> Result<RuleLab> {
    check(settings)?;
    progress.phase("Preparing rollouts", 0)?;
    let made = source::make(log, settings)?;
    let mut found = RuleLab {
        schema: SCHEMA,
        settings: settings.clone(),
        assumptions: guards::of_lab(
            settings,
            &made.ground,
            log.map(|(log, _)| log),
            settings.plan.stages.last().and_then(|stage| stage.to_us),
        ),
        ground: made.ground.clone(),
        rules: Vec::new(),
        frontier: Vec::new(),
        is_partial: true,
    };
    let is_focus = |rule: &&Rule| settings.focus.as_ref().is_none_or(|id| *id == rule.id);
    for rule in rulebook.rules.iter().filter(is_focus) {
        trial::run(rule, rulebook, log, &made, progress, &mut found, show)?;
    }
    for rule in rulebook.rules.iter().filter(|rule| !is_focus(rule)) {
        trial::compare(rule, &made, progress, &mut found)?;
        show(&found);
    }
    if settings.calibrate
        && !settings.injections.is_empty()
        && made.ground.error_share.is_some()
        && let Some(rule) = sequential::rule(settings.alpha)?
    {
        trial::compare(&rule, &made, progress, &mut found)?;
    }
    found.is_partial = false;
    Ok(found)
}

fn check(settings: &LabSettings) -> Result<()> {
    let fault = |key: &str, message: &str| {
        Err(Error::new(ErrorKind::Settings, message.to_owned()).key(key))
    };
    if !(20..=100_000).contains(&settings.replicates) {
        return fault("replicates", "A lab needs 20 to 100,000 rollouts");
    }
    if !(settings.alpha > 0.0 && settings.alpha < 1.0) {
        return fault(
            "alpha",
            "The false-rollback probability must lie between 0 and 1",
        );
    }
    let is_share = |weight: f64| (0.0..=1.0).contains(&weight);
    if settings.plan.stages.is_empty() || !settings.plan.stages.iter().all(|s| is_share(s.weight)) {
        return fault("plan", "A plan needs stages with shares from 0 to 1");
    }
    if settings.max_canary_requests == Some(0) {
        return fault(
            "horizon",
            "A rollout needs at least one request of the canary",
        );
    }
    Ok(())
}

/// When a regression begins, since time zero.
fn onset_us(injection: &Injection, settings: &LabSettings) -> Option<i64> {
    let stage = |i: usize| settings.plan.stages.get(i);
    match injection.onset {
        Onset::Start | Onset::Ramp => Some(0),
        Onset::Stage(i) => Some(stage(i)?.from_us),
        Onset::MidStage(i) => Some(stage(i)?.from_us.midpoint(stage(i)?.to_us?)),
    }
}
