//! One rule through the lab.

use super::calibrate::calibrate;
use super::model::{Calibrated, Chance, Detection, MeanTime, RuleLab, RuleTrial};
use super::other_logs::other_logs;
use super::random::Set;
use super::run::{Batch, Meter, Trace, traces};
use super::source::Made;
use super::versions::{Variant, variants};
use super::{FIRST_ANSWER, LabSettings, frontier, guards, own, summary, words};
use crate::data::RequestLog;
use crate::error::Result;
use crate::jobs::Progress;
use crate::rules::passage::Until;
use crate::rules::{ReplaySettings, Rule, Rulebook, UnreadRule};

/// What is shared by everything that is tried with one rule.
struct Bench<'a> {
    made: &'a Made,
    settings: LabSettings,
    progress: &'a Progress,
}

/// Tries a rule and adds it to the lab, showing the lab whenever there is more to see.
pub(super) fn run(
    rule: &Rule,
    rulebook: &Rulebook,
    log: Option<(&RequestLog, ReplaySettings)>,
    made: &Made,
    progress: &Progress,
    lab: &mut RuleLab,
    show: &mut dyn FnMut(&RuleLab),
) -> Result<()> {
    let bench = Bench {
        made,
        settings: lab.settings.clone(),
        progress,
    };
    let at = lab.rules.len();
    lab.rules.push(empty(rule));
    let n = bench.settings.replicates;
    let first = n.min(FIRST_ANSWER);
    let mut calm = match bench.calm(rule, (0, first), Until::End)? {
        Ok(calm) => calm,
        Err(reason) => {
            lab.rules[at].skipped = Some(reason);
            return Ok(());
        }
    };
    bench.describe(rule, &calm, &[], &mut lab.rules[at]);
    show(lab);
    while (calm.len() as u32) < n {
        let from = calm.len() as u32;
        let to = from.saturating_mul(2).min(n);
        calm.extend(
            bench
                .calm(rule, (from, to), Until::End)?
                .unwrap_or_default(),
        );
        if (calm.len() as u32) < to {
            break;
        }
        bench.describe(rule, &calm, &[], &mut lab.rules[at]);
        show(lab);
    }
    lab.rules[at].other_logs = other_logs(made, rule, &bench.settings, progress)?;
    show(lab);
    let mut injected = Vec::new();
    for i in 0..bench.settings.injections.len() {
        injected.push(bench.injected(rule, i, Until::End)?);
        bench.describe(rule, &calm, &injected, &mut lab.rules[at]);
        show(lab);
    }
    if let Some((log, arms)) = log {
        lab.rules[at].own = own::firing(log, &arms, rulebook, rule, &calm, progress)?;
    }
    lab.frontier = frontier::points(lab);
    show(lab);
    if bench.settings.calibrate {
        for variant in variants(rule, bench.settings.grid.as_ref()) {
            let known = (variant.rule == *rule).then_some(calm.as_slice());
            let as_written = lab.rules[at].false_rollback;
            if let Some(version) = bench.version(variant, known, as_written)? {
                lab.rules[at].calibrated.push(version);
                lab.frontier = frontier::points(lab);
                show(lab);
            }
        }
    }
    lab.rules[at].guards = guards::of_rule(rule, &lab.rules[at], &calm, &bench.settings);
    Ok(())
}

/// Tries a rule as briefly as its place among the others needs.
pub(super) fn compare(
    rule: &Rule,
    made: &Made,
    progress: &Progress,
    lab: &mut RuleLab,
) -> Result<()> {
    let mut settings = lab.settings.clone();
    settings.replicates = settings.replicates.min(FIRST_ANSWER);
    settings.injections.truncate(1);
    let bench = Bench {
        made,
        settings,
        progress,
    };
    let mut trial = empty(rule);
    match bench.calm(rule, (0, bench.settings.replicates), Until::Firing)? {
        Ok(calm) => {
            let mut injected = Vec::new();
            for i in 0..bench.settings.injections.len() {
                injected.push(bench.injected(rule, i, Until::Firing)?);
            }
            bench.describe(rule, &calm, &injected, &mut trial);
            for condition in &mut trial.conditions {
                // Rollouts that end at the first firing have no profile.
                condition.profile.clear();
            }
        }
        Err(reason) => trial.skipped = Some(reason),
    }
    lab.rules.push(trial);
    lab.frontier = frontier::points(lab);
    Ok(())
}

impl Bench<'_> {
    fn calm(
        &self,
        rule: &Rule,
        (from, to): (u32, u32),
        until: Until,
    ) -> Result<std::result::Result<Vec<Trace>, String>> {
        let set = match until {
            Until::End => Set::Calibrate,
            Until::Firing => Set::Judge,
        };
        let phase = match until {
            Until::End => "Without a difference",
            Until::Firing => "On fresh rollouts",
        };
        let meter = Meter::new(self.progress, phase, u64::from(to - from))?;
        let batch = Batch {
            seed: self.settings.seed,
            set,
            from,
            to,
            injection: None,
            until,
        };
        traces(&self.made.source, rule, &batch, &meter)
    }

    /// Rollouts with the i-th regression. A rule that cannot see it is not run: it fires as without.
    fn injected(&self, rule: &Rule, i: usize, until: Until) -> Result<Vec<Trace>> {
        let n = self.settings.injected_replicates();
        let meter = Meter::new(self.progress, "With a regression", u64::from(n))?;
        let batch = Batch {
            seed: self.settings.seed,
            set: Set::Detect,
            from: 0,
            to: n,
            injection: Some(&self.settings.injections[i]),
            until,
        };
        Ok(traces(&self.made.source, rule, &batch, &meter)?.unwrap_or_default())
    }

    fn detection(&self, rule: &Rule, traces: &[Trace], i: usize) -> Detection {
        summary::detection(
            &summary::as_written(traces),
            (rule, &self.settings.injections[i]),
            &self.settings,
            self.made.ground.error_share,
        )
    }

    fn describe(
        &self,
        rule: &Rule,
        calm: &[Trace],
        injected: &[Vec<Trace>],
        trial: &mut RuleTrial,
    ) {
        let level = self.settings.level;
        let endings = summary::as_written(calm);
        trial.false_rollback = summary::fired(&endings, level);
        trial.within = summary::within(&endings, level);
        trial.stages = summary::by_stage(&endings, &self.settings);
        trial.mean_time = summary::mean_time(&endings);
        trial.looks = calm.iter().map(|t| t.looks as f64).sum::<f64>() / calm.len().max(1) as f64;
        trial.conditions = summary::conditions(rule, calm, injected, level);
        trial.detection = injected
            .iter()
            .enumerate()
            .map(|(i, traces)| self.detection(rule, traces, i))
            .collect();
    }

    /// A variant with calibrated thresholds, judged on fresh rollouts; `None` where the log cannot
    /// feed it or no threshold can be moved.
    fn version(
        &self,
        variant: Variant,
        known: Option<&[Trace]>,
        as_written: Chance,
    ) -> Result<Option<Calibrated>> {
        let n = self.settings.replicates;
        let own;
        let calm = match known {
            Some(known) => known,
            None => {
                own = self
                    .calm(&variant.rule, (0, n), Until::End)?
                    .unwrap_or_default();
                &own
            }
        };
        let mut rule = variant.rule;
        let thresholds = calibrate(&mut rule, calm, self.settings.alpha);
        if calm.is_empty() || thresholds.iter().all(|t| t.kept.is_some()) {
            return Ok(None);
        }
        let fresh = self
            .calm(&rule, (0, n.div_ceil(2)), Until::Firing)?
            .unwrap_or_default();
        let mut detection = Vec::new();
        for i in 0..self.settings.injections.len() {
            let traces = self.injected(&rule, i, Until::Firing)?;
            detection.push(self.detection(&rule, &traces, i));
        }
        let other_logs = other_logs(self.made, &rule, &self.settings, self.progress)?;
        let mut version = Calibrated {
            name: variant.name,
            rulebook: Rulebook {
                title: String::new(),
                rules: vec![rule],
                ..Rulebook::default()
            },
            thresholds,
            alpha: self.settings.alpha,
            chosen_from: calm.len() as u64,
            false_rollback: summary::fired(&summary::as_written(&fresh), self.settings.level),
            other_logs,
            detection,
            text: String::new(),
        };
        version.text = words::calibrated(&version, &as_written);
        Ok(Some(version))
    }
}

fn empty(rule: &Rule) -> RuleTrial {
    RuleTrial::named(&rule.id, &rule.title)
}

impl RuleTrial {
    /// A rule of a rulebook that could not be read, in the place of its trial.
    pub fn unread(rule: &UnreadRule) -> Self {
        Self {
            skipped: Some(rule.error.to_string()),
            ..Self::named(&rule.id, &rule.id)
        }
    }

    fn named(id: &str, title: &str) -> Self {
        Self {
            id: id.to_owned(),
            title: title.to_owned(),
            skipped: None,
            false_rollback: Chance::default(),
            other_logs: None,
            within: Vec::new(),
            stages: Vec::new(),
            conditions: Vec::new(),
            mean_time: MeanTime::default(),
            own: None,
            detection: Vec::new(),
            calibrated: Vec::new(),
            looks: 0.0,
            guards: Vec::new(),
        }
    }
}
