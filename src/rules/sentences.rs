//! What a replay found, in sentences: the window, the report and the command line say the same.

use super::{
    Censoring, CensoringKind, Credit, Firing, NoData, PhaseRange, PlanFit, PlannedAt, Replay, Rule,
    RuleReplay, StageAt, Truth, credit,
};
use crate::units::{self, Clock};

/// What is to be said of a rule's replay besides its table: where in the rollout it fired and what that is
/// worth, how much its ticks matter, what the log cannot show, what the monitor does next. What acting
/// would have averted stands in one [`super::ledger`] for all rules. `harm_from_us` as for [`credit`].
pub fn sentences(replay: &Replay, rule: &RuleReplay, harm_from_us: Option<i64>) -> Vec<String> {
    if rule.skipped.is_some() {
        return Vec::new();
    }
    let mut found = Vec::new();
    if let Some(first) = &rule.first {
        let saw = |truth: Truth| first.readings.iter().any(|reading| reading.truth == truth);
        if saw(Truth::Unknown) && !saw(Truth::True) {
            found.push("It fired because data were missing: no condition held.".to_owned());
        }
        let credit = credit(replay, rule, harm_from_us);
        found.extend(credit.and_then(|credit| credit.text(replay)));
        if credit != Some(Credit::BeforeCanary) {
            found.extend(first.stage.map(|stage| stage_text(stage, replay.clock)));
        }
        // A plan that the log does not follow says nothing of where the firing was.
        if let (Some(fit), Some(planned)) = (&rule.plan, first.planned)
            && fit.is_followed()
        {
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
    if let Some(averted) = rule
        .averted
        .as_ref()
        .filter(|averted| averted.not_identified > 0)
    {
        found.push(format!(
            "For {} of the canary's requests after it took effect there was no baseline at the same time: what a \
             rollback would have averted there is not known.",
            units::count(averted.not_identified)
        ));
    }
    if let Some(censoring) = &replay.censoring {
        found.push(censoring_text(censoring, rule.first.as_ref(), replay.clock));
    }
    if let (Some(after), Some(first)) = (&rule.after, &rule.first) {
        if after.alerts > 0 {
            let quiet = match after.quiet_us {
                Some(us) => format!(
                    "until {} after it",
                    units::elapsed(us - first.time_us, replay.clock)
                ),
                None if rule.stops_early(replay) => "to its last look".to_owned(),
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

/// One sentence where not a single rule could be evaluated, with the reasons; `None` where one could.
pub fn nothing_ran(replay: &Replay) -> Option<String> {
    let reasons: Option<Vec<&str>> = replay
        .rules
        .iter()
        .map(|rule| rule.skipped.as_deref())
        .collect();
    let mut counted: Vec<(&str, u64)> = Vec::new();
    for reason in reasons? {
        match counted.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, n)) => *n += 1,
            None => counted.push((reason, 1)),
        }
    }
    let told: Vec<String> = counted
        .iter()
        .map(|(reason, n)| match n {
            1 => format!("{reason} (1 rule)"),
            n => format!("{reason} ({} rules)", units::count(*n)),
        })
        .collect();
    (!told.is_empty()).then(|| {
        format!(
            "No rollback rule could be replayed on this log: {}.",
            told.join("; ")
        )
    })
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

fn stage_text(stage: StageAt, clock: Clock) -> String {
    format!(
        "It fired in stage {}, at {} of the requests, {} into it.",
        stage.index + 1,
        units::share(stage.share),
        units::elapsed(stage.into_us, clock)
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

fn fit_text(fit: &PlanFit) -> String {
    let n = units::count(fit.stages.len() as u64);
    if fit.is_followed() {
        return format!(
            "The log shows the shares of the plan {} in all {n} stages that it reaches.",
            fit.plan
        );
    }
    let differing = fit.stages.iter().filter(|stage| stage.differs).count();
    format!(
        "The log does not follow the plan {}: the shares differ in {} of {n} stages.",
        fit.plan,
        units::count(differing as u64)
    )
}

fn phase_text(range: &PhaseRange) -> String {
    let n = units::count(u64::from(range.n_phases));
    // Of a rule that looks once, or as often as cells have edges.
    if let (1, Some(earliest), Some(latest)) = (range.n_phases, range.earliest_us, range.latest_us)
    {
        return format!(
            "Where in a cell its ticks fell is not known: it first fires between {} and {} after the start.",
            units::duration_us(earliest),
            units::duration_us(latest)
        );
    }
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

fn censoring_text(censoring: &Censoring, first: Option<&Firing>, clock: Clock) -> String {
    let end = match clock {
        // From the row behind its last one.
        Clock::RowOrder => units::instant(censoring.time_us + 1_000_000, clock),
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
