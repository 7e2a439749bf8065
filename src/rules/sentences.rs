//! What a replay found, in sentences: the window, the report and the command line say the same.

use super::{
    Averted, AvertedAmount, Censoring, CensoringKind, Firing, NoData, PhaseRange, PlanFit,
    PlannedAt, Replay, Rule, RuleReplay, StageAt, Truth,
};
use crate::units::{self, Clock};

/// What is to be said of a rule's replay besides its table: where in the rollout it fired, how much
/// its ticks matter, what acting would have averted, what the log cannot show, what the monitor does
/// next.
pub fn sentences(replay: &Replay, rule: &RuleReplay) -> Vec<String> {
    if rule.skipped.is_some() {
        return Vec::new();
    }
    let mut found = Vec::new();
    if let Some(first) = &rule.first {
        let saw = |truth: Truth| first.readings.iter().any(|reading| reading.truth == truth);
        if saw(Truth::Unknown) && !saw(Truth::True) {
            found.push("It fired because data were missing: no condition held.".to_owned());
        }
        found.extend(first.stage.map(stage_text));
        if let (Some(fit), Some(planned)) = (&rule.plan, first.planned) {
            found.push(planned_text(&fit.plan, planned));
        }
    }
    found.extend(rule.plan.as_ref().map(fit_text));
    found.extend(rule.phases.as_ref().map(phase_text));
    if let Some(ratings) = rule.ratings {
        found.push(format!(
            "Ratings count when they came: {} of {} came later than their answer, half of those by {} or more.",
            units::count(ratings.later),
            units::count(ratings.ratings),
            units::duration_us(ratings.median_us)
        ));
    }
    if let Some(averted) = &rule.averted {
        found.extend(averted_text(averted));
    }
    if let Some(censoring) = &replay.censoring {
        found.push(censoring_text(censoring, rule.first.as_ref(), replay.clock));
    }
    if let (Some(after), Some(first)) = (&rule.after, &rule.first) {
        if after.alerts > 0 {
            let quiet = match after.quiet_us {
                Some(us) => format!("until {} after it", units::duration_us(us - first.time_us)),
                None => "to the end of the log".to_owned(),
            };
            found.push(format!(
                "After its own rollback the monitor keeps its windows: its conditions go on holding \
                 at {} evaluations, {quiet}.",
                units::count(after.alerts)
            ));
        }
        if let Some(resumed) = after.resumed {
            found.push(format!(
                "{} after the rollback its rollout goes on by itself: the canary that was rolled back \
                 is advanced to stage {}, {} of the traffic.",
                units::duration_us(resumed.time_us - first.time_us),
                resumed.stage + 1,
                units::share(resumed.weight)
            ));
        }
    }
    found
}

/// What the rule makes of missing data, condition by condition.
pub fn no_data_text(rule: &Rule) -> String {
    let conditions = rule.conditions();
    let meanings: Vec<&str> = conditions
        .iter()
        .map(|condition| match (condition.empty_as, condition.no_data) {
            (Some(_), _) => "counts as a value",
            (None, None) => "leaves a condition open",
            (None, Some(NoData::False)) => "counts as no breach",
            (None, Some(NoData::True)) => "counts as a breach",
            (None, Some(NoData::Hold)) => "leaves a condition as it was",
            (None, Some(NoData::Reset)) => "is no breach and starts the wait anew",
            (None, Some(NoData::Error)) => "is an error, which is retried",
        })
        .collect();
    match meanings.as_slice() {
        [] => String::new(),
        [first, rest @ ..] if rest.iter().all(|meaning| meaning == first) => {
            format!("A lack of data {first}.")
        }
        _ => {
            let parts: Vec<String> = conditions
                .iter()
                .zip(&meanings)
                .map(|(condition, meaning)| format!("{}: {meaning}", condition.name))
                .collect();
            format!("A lack of data, by condition: {}.", parts.join("; "))
        }
    }
}

fn stage_text(stage: StageAt) -> String {
    format!(
        "It fired in stage {}, at {} of the requests, {} into it.",
        stage.index + 1,
        units::share(stage.share),
        units::duration_us(stage.into_us)
    )
}

fn planned_text(plan: &str, planned: PlannedAt) -> String {
    format!(
        "By the plan {plan} that is stage {}, {} of the traffic, {} into it.",
        planned.index + 1,
        units::share(planned.weight),
        units::duration_us(planned.into_us)
    )
}

/// So many stages that differ are told of; the others are counted.
const MAX_DIFFERING: usize = 3;

fn fit_text(fit: &PlanFit) -> String {
    let differing: Vec<String> = fit
        .stages
        .iter()
        .filter(|stage| stage.differs)
        .filter_map(|stage| {
            Some(format!(
                "{} planned from {} to {} but {} seen",
                units::share(stage.weight),
                units::duration_us(stage.from_us),
                units::duration_us(stage.to_us),
                units::share(stage.share?)
            ))
        })
        .collect();
    let n = units::count(fit.stages.len() as u64);
    if differing.is_empty() {
        return format!(
            "The log shows the shares of the plan {} in all {n} stages that it reaches.",
            fit.plan
        );
    }
    format!(
        "The log does not follow the plan {} in {} of {n} stages: {}.",
        fit.plan,
        units::count(differing.len() as u64),
        differing[..differing.len().min(MAX_DIFFERING)].join("; ")
    )
}

fn phase_text(range: &PhaseRange) -> String {
    let n = units::count(u64::from(range.n_phases));
    match (range.earliest_us, range.latest_us) {
        (Some(earliest), Some(latest)) => {
            let often = if range.n_fired == range.n_phases {
                "at all of them it fires".to_owned()
            } else {
                format!("at {} of them it fires", range.n_fired)
            };
            let when = if earliest == latest {
                format!("after {}", units::duration_us(earliest))
            } else {
                format!(
                    "between {} and {} after the start",
                    units::duration_us(earliest),
                    units::duration_us(latest)
                )
            };
            format!(
                "Where its ticks and scrapes fall is chance: of {n} shifts over one interval, {often}, \
                 first {when}."
            )
        }
        _ => format!(
            "Where its ticks and scrapes fall is chance: at none of {n} shifts over one interval does it \
             fire."
        ),
    }
}

fn averted_text(averted: &Averted) -> Vec<String> {
    let mut found = Vec::new();
    if averted.requests > 0 && !averted.amounts.is_empty() {
        let amounts: Vec<String> = averted.amounts.iter().map(amount_text).collect();
        found.push(format!(
            "Against the baseline at the same time, the canary's {} requests after it took effect had {}. \
             A rollback would have averted that; where it is negative, it would have lost it.",
            units::count(averted.requests),
            amounts.join(", ")
        ));
        if averted
            .amounts
            .iter()
            .any(|amount| amount.interval.is_some())
        {
            found.push("In brackets: 95 % intervals, from drawing users anew.".to_owned());
        }
    }
    if averted.not_identified > 0 {
        found.push(format!(
            "For {} more requests of the canary there was no baseline at the same time: what a rollback \
             would have averted there is not known.",
            units::count(averted.not_identified)
        ));
    }
    found
}

fn amount_text(amount: &AvertedAmount) -> String {
    let what = match amount.id {
        "errors" => "errors",
        "bad_ratings" => "bad ratings",
        "latency_s" => "seconds of waiting",
        "tokens" => "tokens",
        _ => "of cost",
    };
    let value = units::change(amount.value);
    match amount.interval {
        Some((low, high)) => format!(
            "{value} {what} ({} to {})",
            units::change(low),
            units::change(high)
        ),
        None => format!("{value} {what} (too few users for an interval)"),
    }
}

fn censoring_text(censoring: &Censoring, first: Option<&Firing>, clock: Clock) -> String {
    let end = match clock {
        Clock::RowOrder => units::instant(censoring.time_us, clock),
        Clock::Epoch | Clock::Relative => units::duration_us(censoring.time_us),
    };
    let what = match censoring.kind {
        CensoringKind::RolledBack => format!("The canary gets no more requests from {end} on"),
        CensoringKind::Promoted => format!("The baseline gets no more requests from {end} on"),
    };
    let consequence = match first {
        Some(first) if first.time_us <= censoring.time_us => {
            "nothing after that can be seen".to_owned()
        }
        Some(_) => {
            "the firing lies beyond that end and rests on what was seen before it".to_owned()
        }
        None => {
            "that the rule had not fired by then does not mean that it never would have".to_owned()
        }
    };
    let event = censoring.event.as_ref();
    let event = event.map_or_else(String::new, |e| format!(" (event: {})", e.text()));
    format!("{what}{event}: the rollout ended there in the log itself, and {consequence}.")
}
