//! From traces to figures.

use super::inject::is_seen_by;
use super::model::{
    Chance, ConditionTrial, Detection, MeanTime, ProfileDetection, ProfilePoint, StageChance,
    Within,
};
use super::run::{Mark, Trace, first_over};
use super::settings::{Injection, LabSettings};
use super::words;
use crate::rules::passage::oriented;
use crate::rules::{Condition, Rule, condition_text, threshold_text};
use crate::stats::quantile;

/// Thresholds of a profile.
const PROFILE_POINTS: usize = 64;

/// A rollout's first firing and its length, for any version of a rule.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ending<'a> {
    pub(super) trace: &'a Trace,
    pub(super) first: Option<Mark>,
}

/// As written.
pub(super) fn as_written(traces: &[Trace]) -> Vec<Ending<'_>> {
    traces
        .iter()
        .map(|trace| Ending {
            trace,
            first: trace.first.map(|first| first.at),
        })
        .collect()
}

pub(super) fn fired(endings: &[Ending<'_>], level: f64) -> Chance {
    let events = endings.iter().filter(|e| e.first.is_some()).count();
    Chance::of(events, endings.len(), level)
}

/// Within 100, 1,000, … requests of the canary, as far as every rollout goes.
pub(super) fn within(endings: &[Ending<'_>], level: f64) -> Vec<Within> {
    let shortest = endings.iter().map(|e| e.trace.n_canary).min().unwrap_or(0);
    [100, 1_000, 10_000, 100_000]
        .into_iter()
        .filter(|requests| *requests <= shortest)
        .map(|requests| {
            let is_early = |e: &&Ending<'_>| e.first.is_some_and(|mark| mark.requests <= requests);
            let events = endings.iter().filter(is_early).count();
            Within {
                requests,
                chance: Chance::of(events, endings.len(), level),
            }
        })
        .collect()
}

pub(super) fn by_stage(endings: &[Ending<'_>], settings: &LabSettings) -> Vec<StageChance> {
    let counts = stage_counts(endings.iter().filter_map(|e| e.first), settings);
    settings
        .plan
        .stages
        .iter()
        .enumerate()
        .zip(counts)
        .map(|((i, stage), events)| StageChance {
            name: if stage.name.is_empty() {
                (i + 1).to_string()
            } else {
                stage.name.clone()
            },
            weight: stage.weight,
            chance: Chance::of(events, endings.len(), settings.level),
        })
        .collect()
}

fn stage_counts(firings: impl Iterator<Item = Mark>, settings: &LabSettings) -> Vec<usize> {
    let stages = &settings.plan.stages;
    let mut counts = vec![0; stages.len()];
    for mark in firings {
        // The last look can come after the last stage's last request.
        let after = stages.partition_point(|stage| stage.from_us <= mark.at_us);
        if let Some(count) = counts.get_mut(after.saturating_sub(1)) {
            *count += 1;
        }
    }
    counts
}

pub(super) fn mean_time(endings: &[Ending<'_>]) -> MeanTime {
    let mean = |value: &dyn Fn(&Ending<'_>) -> f64| {
        endings.iter().map(value).sum::<f64>() / endings.len().max(1) as f64
    };
    MeanTime {
        requests: mean(&|e| f64::from(e.first.map_or(e.trace.n_canary, |m| m.requests))),
        of_requests: mean(&|e| f64::from(e.trace.n_canary)),
        us: mean(&|e| e.first.map_or(e.trace.end_us, |m| m.at_us) as f64),
        of_us: mean(&|e| e.trace.end_us as f64),
    }
}

pub(super) fn detection(
    endings: &[Ending<'_>],
    (rule, injection): (&Rule, &Injection),
    settings: &LabSettings,
    error_share: Option<f64>,
) -> Detection {
    let n = endings.len();
    let is_before = |e: &Ending<'_>| {
        let before = e.trace.before_onset;
        before > 0 && e.first.is_some_and(|mark| mark.requests <= before)
    };
    let after: Vec<(&Ending<'_>, Mark)> = endings
        .iter()
        .filter(|e| !is_before(e))
        .filter_map(|e| Some((e, e.first?)))
        .collect();
    let mut delays: Vec<f64> = after
        .iter()
        .map(|(e, mark)| f64::from(mark.requests.saturating_sub(e.trace.before_onset)))
        .collect();
    delays.sort_unstable_by(f64::total_cmp);
    let mean = |values: &[f64]| {
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
    };
    let onset_us = super::onset_us(injection, settings);
    let delays_us: Vec<f64> = after
        .iter()
        .map(|(e, mark)| (mark.at_us - onset_us.unwrap_or(e.trace.end_us).max(0)) as f64)
        .collect();
    let exposed: Vec<f64> = endings
        .iter()
        .map(|e| f64::from(e.first.map_or(e.trace.n_canary, |m| m.requests)))
        .collect();
    let harmed: Vec<f64> = endings.iter().map(harmed).collect();
    let all: Vec<f64> = endings
        .iter()
        .map(|e| f64::from(e.trace.n_harmed))
        .collect();
    Detection {
        injection: *injection,
        text: words::injection(injection, error_share),
        sees: is_seen_by(injection.harm, rule),
        findable: all.iter().filter(|n| **n > 0.0).count() as f64 / n.max(1) as f64,
        detected: Chance::of(after.len(), n, settings.level),
        before: Chance::of(
            endings.iter().filter(|e| is_before(e)).count(),
            n,
            settings.level,
        ),
        by_stage: stage_counts(after.iter().map(|(_, mark)| *mark), settings)
            .into_iter()
            .map(|events| events as f64 / n.max(1) as f64)
            .collect(),
        median_delay_requests: quantile(&delays, 0.5),
        mean_delay_requests: mean(&delays),
        mean_delay_us: mean(&delays_us),
        exposed: mean(&exposed).unwrap_or(0.0),
        harmed: mean(&harmed).unwrap_or(0.0),
        harmed_without_rule: mean(&all).unwrap_or(0.0),
    }
}

fn harmed(ending: &Ending<'_>) -> f64 {
    f64::from(ending.first.map_or(ending.trace.n_harmed, |m| m.harmed))
}

/// The conditions of a rule: who causes false rollbacks, and the rule at every threshold.
pub(super) fn conditions(
    rule: &Rule,
    calm: &[Trace],
    injected: &[Vec<Trace>],
    level: f64,
) -> Vec<ConditionTrial> {
    let conditions = rule.conditions();
    let written = written(&conditions);
    conditions
        .iter()
        .enumerate()
        .map(|(i, condition)| {
            let is_cause = |t: &&Trace| {
                t.first
                    .is_some_and(|f| f.causes & (1_u64 << i.min(63)) != 0)
            };
            let alone = |t: &&Trace| t.reach(i) >= written[i];
            ConditionTrial {
                name: condition.name.clone(),
                text: condition_text(condition),
                threshold: condition.comparison.threshold(),
                threshold_text: threshold_text(condition, condition.comparison.threshold()),
                causes: Chance::of(calm.iter().filter(is_cause).count(), calm.len(), level),
                alone: Chance::of(calm.iter().filter(alone).count(), calm.len(), level),
                profile: profile(i, condition, &written, calm, injected),
            }
        })
        .collect()
}

/// The conditions' thresholds, oriented.
pub(super) fn written(conditions: &[&Condition]) -> Vec<f64> {
    conditions
        .iter()
        .map(|c| oriented(c.comparison.cmp(), c.comparison.threshold()))
        .collect()
}

fn profile(
    i: usize,
    condition: &Condition,
    written: &[f64],
    calm: &[Trace],
    injected: &[Vec<Trace>],
) -> Vec<ProfilePoint> {
    let cmp = condition.comparison.cmp();
    let mut points: Vec<ProfilePoint> = axis(i, condition, calm, injected)
        .into_iter()
        .map(|threshold| {
            let over = oriented(cmp, threshold);
            let share = |n: usize, of: usize| n as f64 / of.max(1) as f64;
            let fires = |t: &&Trace| t.moved(i, over, written).is_some();
            let alone = |t: &&Trace| first_over(&t.alone[i], over).is_some();
            ProfilePoint {
                threshold,
                false_rollback: share(calm.iter().filter(fires).count(), calm.len()),
                alone: share(calm.iter().filter(alone).count(), calm.len()),
                detection: injected
                    .iter()
                    .map(|traces| {
                        let endings: Vec<Ending<'_>> = traces
                            .iter()
                            .map(|trace| Ending {
                                trace,
                                first: trace.moved(i, over, written),
                            })
                            .collect();
                        let is_after = |e: &&Ending<'_>| {
                            e.first.is_some_and(|m| m.requests >= e.trace.before_onset)
                        };
                        ProfileDetection {
                            detected: share(endings.iter().filter(is_after).count(), traces.len()),
                            harmed: endings.iter().map(harmed).sum::<f64>()
                                / traces.len().max(1) as f64,
                        }
                    })
                    .collect(),
            }
        })
        .collect();
    points.sort_by(|a, b| a.threshold.total_cmp(&b.threshold));
    points
}

/// Thresholds from where nearly every rollout fires to where hardly any does, with or without a
/// regression; the threshold as written is among them.
fn axis(i: usize, condition: &Condition, calm: &[Trace], injected: &[Vec<Trace>]) -> Vec<f64> {
    let cmp = condition.comparison.cmp();
    let threshold = condition.comparison.threshold();
    let reaches = |traces: &[Trace]| -> Vec<f64> {
        let mut found: Vec<f64> = traces
            .iter()
            .map(|t| t.reach(i))
            .filter(|reach| reach.is_finite())
            .map(|reach| oriented(cmp, reach))
            .collect();
        found.sort_unstable_by(f64::total_cmp);
        found
    };
    let mut ends = vec![threshold];
    for traces in std::iter::once(calm).chain(injected.iter().map(Vec::as_slice)) {
        let found = reaches(traces);
        ends.extend([0.02, 0.98].iter().filter_map(|q| quantile(&found, *q)));
    }
    let low = ends.iter().copied().fold(f64::INFINITY, f64::min);
    let high = ends.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let margin = (high - low) * 0.1;
    let low = if low >= 0.0 {
        (low - margin).max(0.0)
    } else {
        low - margin
    };
    let width = high + margin - low;
    if width <= 0.0 {
        return vec![threshold];
    }
    let n = PROFILE_POINTS - 1;
    let mut found: Vec<f64> = (0..=n).map(|k| low + width * k as f64 / n as f64).collect();
    found.push(threshold);
    found
}
