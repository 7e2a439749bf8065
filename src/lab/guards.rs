//! What to keep in mind with a figure: each known way to be misled has its sentence, where it
//! applies.

use super::calibrate;
use super::model::{GroundSummary, OwnFiring, RuleTrial};
use super::run::Trace;
use super::settings::{Engine, LabSettings};
use super::words;
use crate::data::{Clock as LogClock, Quantity, RequestLog};
use crate::rules::{Condition, NoData, Persistence, Rule, Window};
use crate::stats::{RatioMoments, Share};
use crate::units;

/// What holds of every figure of a lab.
pub(super) fn of_lab(
    settings: &LabSettings,
    ground: &GroundSummary,
    log: Option<&RequestLog>,
    plan_end_us: Option<i64>,
) -> Vec<String> {
    let mut found = vec![words::engine(&settings.engine, ground.by_user)];
    found.push(format!(
        "The canary's share follows {}; a rollout has {} canary requests on average and {}. What fires later is not seen: \"never\" means not within that.",
        settings.plan.source,
        units::count(ground.canary_requests.round() as u64),
        match ground.clock {
            // From the first row to the last.
            LogClock::RowOrder => format!("is {} long", units::elapsed(ground.span_us + 1_000_000, ground.clock)),
            LogClock::Epoch | LogClock::Relative => format!("lasts {}", units::duration_us(ground.span_us)),
        }
    ));
    if let (Some(planned), true) = (
        ground.planned_canary_requests,
        settings.max_canary_requests.is_none(),
    ) && (ground.canary_requests / planned - 1.0).abs() > 0.05
    {
        found.push(format!(
            "On all of the log's traffic the same shares would give the canary {} requests, {:.1} times as many: here rollouts are made of fewer requests, so that windows of time hold fewer.",
            units::count(planned.round() as u64),
            planned / ground.canary_requests
        ));
    }
    if let Some(end_us) = plan_end_us
        && ground.clock != LogClock::RowOrder
        && end_us > ground.span_us + ground.span_us / 20
    {
        found.push(format!(
            "The plan lasts {}, the log {}: the stages after that are not tried.",
            units::duration_us(end_us),
            units::duration_us(ground.span_us)
        ));
    }
    if let Some(log) = log {
        of_log(settings, ground, log, &mut found);
    }
    if matches!(settings.engine, Engine::Relabel | Engine::Permute) {
        found.push("Shares and their intervals are of rollouts of this log. \"On other logs\" its users are drawn anew, so that base rates and heavy users differ as they would elsewhere. Incidents, weeks and users that this log does not have are in neither.".to_owned());
    }
    if settings.calibrate {
        found.push("Thresholds are chosen from one set of rollouts and judged on another. Both sets come from the same log: another week can differ.".to_owned());
    }
    if !settings.injections.is_empty() {
        found.push("Regressions are put into the canary's requests as they stand: a slower request is still seen when it was, and nobody gives up or retries because of it.".to_owned());
        found.push("Harmed requests are those that the regression made worse. What fails in the baseline as well counts neither as harm nor as averted.".to_owned());
    }
    found.push("A firing on one bad rollout says nothing of a rule's false alarms, and a log exists only of rollouts that happened.".to_owned());
    found
}

fn of_log(
    settings: &LabSettings,
    ground: &GroundSummary,
    log: &RequestLog,
    found: &mut Vec<String>,
) {
    if !ground.by_user && !matches!(settings.engine, Engine::Parametric(_)) {
        found.push("The log names no users, so single requests change arms. Where a user sends several that resemble each other, real rollouts differ more than these.".to_owned());
    } else if ground.units < 200 && ground.by_user {
        found.push(format!(
            "Only {} users take part: the same few decide every rollout.",
            units::count(ground.units)
        ));
    }
    found.extend(resemblance(log, ground));
    if ground.error_share == Some(0.0) {
        let n = ground.requests;
        // Wilson's upper end, at 95 % as elsewhere.
        let upper = Share { events: 0, n }
            .wilson(0.95)
            .map_or(1.0, |e| e.interval.upper);
        found.push(format!(
            "The baseline has no failed request among {}: its true share may be up to {}. Rules on errors are tried as if it were 0, so how often they would roll back without cause is not known.",
            units::count(n),
            units::share(upper)
        ));
    }
    if log.clock == LogClock::RowOrder {
        found.push("The log has no times: requests are taken in the order of the file.".to_owned());
    } else if log.start_us == log.event_us {
        found.push("The log does not tell when requests ended, so a rule sees them when they started: earlier than it would have.".to_owned());
    }
    if log.quantity(Quantity::Rating).is_some() && log.rated_at_us.is_none() {
        found.push("A rating counts when its request ends: no column is read as the time of the rating. In production it comes later, so rules on ratings fire later than here.".to_owned());
    }
}

/// What to keep in mind with one rule.
pub(super) fn of_rule(
    rule: &Rule,
    trial: &RuleTrial,
    calm: &[Trace],
    settings: &LabSettings,
) -> Vec<String> {
    let conditions = rule.conditions();
    let mut found = Vec::new();
    if trial.looks >= 100.0 {
        found.push(format!(
            "It looks {} times in a rollout. Every look is a chance to be wrong: a threshold that is rarely exceeded once is exceeded often in so many looks.",
            units::count(trial.looks.round() as u64)
        ));
    }
    found.extend(turns(rule));
    found.extend(policies(&conditions));
    found.extend(asymmetry(&conditions, settings));
    found.extend(confounding(&conditions, settings));
    found.extend(common(calm));
    found.extend(without_data(calm));
    found.extend(trial.own.and_then(phases));
    found.extend(trial.own.and_then(ended));
    if trial.own.is_some() && !settings.plan.is_of_log {
        found.push("The log's own rollout gave the canary other shares than the rollouts here: compare its firing with care.".to_owned());
    }
    if settings.calibrate && trial.calibrated.is_empty() {
        found.push(uncalibrated(rule, calm, settings));
    }
    for version in &trial.calibrated {
        found.extend(version.thresholds.iter().filter_map(words::kept));
    }
    found.sort();
    found.dedup();
    found
}

/// Why no threshold was calibrated.
fn uncalibrated(rule: &Rule, calm: &[Trace], settings: &LabSettings) -> String {
    let needed = calibrate::needed(rule, settings.alpha);
    if (calm.len() as u64) < needed {
        format!(
            "No threshold was calibrated: to keep false rollbacks at {} with its conditions takes {} rollouts without a difference or more, and {} were made.",
            words::rounded(settings.alpha),
            units::count(needed),
            units::count(calm.len() as u64)
        )
    } else {
        "No threshold was calibrated: none of its conditions can be moved so that it rolls back seldom enough.".to_owned()
    }
}

/// Requests of one user resemble each other.
fn resemblance(log: &RequestLog, ground: &GroundSummary) -> Option<String> {
    let units = log.units.as_ref().filter(|_| ground.by_user)?;
    let n = units.n_units as usize;
    let (mut errors, mut requests) = (vec![0.0; n], vec![0.0; n]);
    for (outcome, id) in log.outcome.iter().zip(&units.id) {
        let id = *id as usize;
        if id < n && outcome.is_counted() {
            errors[id] += f64::from(u8::from(outcome.is_error()));
            requests[id] += 1.0;
        }
    }
    let mut moments = RatioMoments::default();
    for (errors, requests) in errors.iter().zip(&requests) {
        if *requests > 0.0 {
            moments.push(*errors, *requests);
        }
    }
    let effect = moments.share_design_effect()?;
    (log.has_outcome && effect > 1.1).then(|| {
        format!(
            "Requests of one user resemble each other: the variance of error shares is {effect:.1} times that of independent requests. Rollouts that assign whole users keep this; drawing single requests loses it."
        )
    })
}

/// Conditions that hold in turn keep a rule breached.
fn turns(rule: &Rule) -> Option<String> {
    let several = rule.conditions().len() > 1 && rule.persistence != Persistence::None;
    several.then(|| {
        "Its conditions can take turns in keeping it breached for long enough, which a threshold chosen for one of them alone does not see: rely on the fresh rollouts.".to_owned()
    })
}

/// What a lack of data counts as.
fn policies(conditions: &[&Condition]) -> Option<String> {
    let said: Vec<String> = conditions
        .iter()
        .filter_map(|condition| {
            let counts = match condition.no_data? {
                NoData::False => "does not hold",
                NoData::True => "holds",
                NoData::Hold => "stays as it was",
                NoData::Reset => "does not hold and starts its hold anew",
                NoData::Error => "counts as an error",
            };
            Some(format!("{} {counts}", condition.name))
        })
        .collect();
    (!said.is_empty()).then(|| {
        format!(
            "Without data {}. Other systems decide otherwise on the same log.",
            said.join(", ")
        )
    })
}

/// The log's rollout was itself ended.
fn ended(own: OwnFiring) -> Option<String> {
    let end_us = own.ended_us?;
    Some(format!(
        "In the log the comparison itself ends {}: what the rule would have done later cannot be known from it.",
        units::moment(end_us, own.clock)
    ))
}

/// Windows of equal numbers span different times.
fn asymmetry(conditions: &[&Condition], settings: &LabSettings) -> Option<String> {
    let compares = conditions
        .iter()
        .any(|c| matches!(c.window, Window::Last { .. }) && c.needs_baseline());
    let least = settings
        .plan
        .stages
        .iter()
        .map(|stage| stage.weight)
        .filter(|weight| *weight > 0.0 && *weight < 0.5)
        .fold(f64::INFINITY, f64::min);
    let times = (1.0 - least) / least;
    (compares && least.is_finite() && times >= 1.5).then(|| {
        format!(
            "At a share of {} the canary's last requests span about {} times as long as the baseline's: different hours are compared.",
            units::share(least),
            units::significant(times, 2)
        )
    })
}

/// Counters since the start mix stages.
fn confounding(conditions: &[&Condition], settings: &LabSettings) -> Option<String> {
    let accumulates = conditions
        .iter()
        .any(|c| c.window == Window::Run && c.needs_baseline());
    (accumulates && settings.plan.stages.len() > 1).then(|| {
        "It counts since the start while the shares change from stage to stage: an hour in which both arms were bad weighs differently in each of them, which looks like a difference.".to_owned()
    })
}

/// Incidents that hit both arms.
fn common(calm: &[Trace]) -> Option<String> {
    let judged: Vec<bool> = calm
        .iter()
        .filter_map(|trace| trace.first?.is_common)
        .collect();
    let n_common = judged.iter().filter(|common| **common).count();
    (n_common * 20 > judged.len() && n_common > 0).then(|| {
        format!(
            "In {} of {} false rollbacks for a fixed threshold the baseline exceeded it at that moment too: the rule blames the canary for what hits both.",
            units::count(n_common as u64),
            units::count(judged.len() as u64)
        )
    })
}

/// Firings without any condition that holds.
fn without_data(calm: &[Trace]) -> Option<String> {
    let n = calm
        .iter()
        .filter(|trace| trace.first.is_some_and(|first| first.causes == 0))
        .count();
    (n > 0).then(|| {
        format!(
            "In {} of {} rollouts it fires for want of data. What no data means is a choice of the rule: Prometheus starts its hold anew, Flagger counts a failure, AppConfig rolls back.",
            units::count(n as u64),
            units::count(calm.len() as u64)
        )
    })
}

fn phases(own: OwnFiring) -> Option<String> {
    let (first, last) = own.phase_us?;
    (last > first).then(|| {
        format!(
            "When exactly it looks is chance: with its ticks shifted, it first fires on this log between {} and {}.",
            units::duration_us(first),
            units::duration_us(last)
        )
    })
}
