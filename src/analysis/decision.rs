//! What to do, and why. Rules in order, the first that applies wins: a log that cannot be trusted is
//! unsound; a metric that decides and is harmed beyond its margin rolls back; a harmed segment holds;
//! what cannot be told yet keeps collecting; arms without a concurrent control hold; what the log
//! does not hold and could hide harm holds; a primary metric that is not better keeps collecting or
//! holds; the rest ships.

use std::cmp::Ordering;

use super::at_switch::{AtSwitch, at_switch};
use super::dissent::dissent;
use super::headline::{Read, carried_by, carries, onset_us, worded};
use super::model::{
    ArmSummary, Decision, DecisionKind, Effect, HealthCheck, LogSummary, MetricRole, Reason,
    ReasonWeight, ScorecardRow, SegmentEffect, Severity, Stage, Strategy, StrategyFinding,
    SwitchFinding, Verdict,
};
use super::next_step::next_step;
use super::outlook::{Traffic, outlooks};
use super::settings::AnalysisSettings;
use super::withheld;

/// Metrics in these verdicts keep collecting.
const UNTOLD: [Verdict; 3] = [
    Verdict::WorseMarginOpen,
    Verdict::Inconclusive,
    Verdict::NoData,
];

/// The decision about the treatment.
pub(super) fn decide(
    arms: &[ArmSummary],
    (control, treatment): (usize, Option<usize>),
    scorecard: &[ScorecardRow],
    (segments, stages): (&[SegmentEffect], &[Stage]),
    health: &[HealthCheck],
    (strategy, switch): (&StrategyFinding, Option<&SwitchFinding>),
    (log, settings): (&LogSummary, &AnalysisSettings),
) -> Decision {
    let alpha = 1.0 - settings.level;
    let stops: Vec<&HealthCheck> = health
        .iter()
        .filter(|check| check.severity == Severity::Stop)
        .collect();
    let Some(treatment) = treatment else {
        return Decision {
            kind: DecisionKind::Unsound,
            headline: "There is one arm only, so there is nothing to decide".to_owned(),
            is_log_unsound: true,
            next_step: None,
            reasons: reasons(&stops, (&[], &[]), &[], strategy),
            would_change: Vec::new(),
            dissent: Vec::new(),
        };
    };
    let name = &arms[treatment].name;
    let guardrails = deciding(scorecard, treatment);
    let grave = grave(scorecard, treatment, alpha);
    let has_none = guardrails.is_empty();
    let (guardrails, unjudged) = withheld::split(&guardrails, health);
    let mut reasons = reasons(&stops, (&guardrails, &grave), segments, strategy);
    let worse = in_verdicts(&guardrails, &[Verdict::Worse]);
    let AtSwitch {
        is_none_moved,
        told,
    } = at_switch(switch, treatment, &worse);
    add_doubts(&mut reasons, withheld::reasons(&unjudged, health), told);
    let open = in_verdicts(&guardrails, &UNTOLD);
    let has_harmed_segment = harmed_segments(segments, ReasonWeight::Against)
        .next()
        .is_some();

    let (kind, headline) = if !stops.is_empty() {
        (DecisionKind::Unsound, unsound(name, stops[0]))
    } else if !worse.is_empty() {
        let told = worded(&worse, segments, log.clock);
        harmed(name, &told, strategy.strategy, is_none_moved)
    } else if has_none {
        (
            DecisionKind::Hold,
            format!(
                "Hold {name}: the log has no metric to decide on (errors, latency, ratings, cost)"
            ),
        )
    } else if has_harmed_segment {
        (
            DecisionKind::Hold,
            format!("Hold {name}: nothing is worse on average, but a segment is harmed"),
        )
    } else if let Some(headline) = withheld::unjudged(name, &unjudged) {
        (DecisionKind::Hold, headline)
    } else if !open.is_empty() {
        let metrics: Vec<String> = open
            .iter()
            .map(|(row, _)| lower_first(&row.label))
            .collect();
        (
            DecisionKind::KeepCollecting,
            format!(
                "Keep collecting: nothing is shown worse beyond its margin in {name}, but {} cannot be told yet",
                listed(&metrics)
            ),
        )
    } else if !strategy.strategy.is_concurrent() {
        (
            DecisionKind::Hold,
            format!(
                "Hold {name}: all guardrails look fine, but nothing shows that the arms ran at the same time"
            ),
        )
    } else if let Some(headline) = withheld::unshipped(name, health) {
        (DecisionKind::Hold, headline)
    } else {
        benefit(name, &guardrails, alpha)
    };
    let mut dissent = dissent(kind, treatment, (scorecard, segments), health, alpha);
    dissent.retain(|said| reasons.iter().all(|reason| reason.text != *said));
    // More of what cannot be trusted would change nothing.
    let would_change = if stops.is_empty() {
        let traffic = Traffic::of(log, arms, [control, treatment]);
        outlooks(&guardrails, &traffic, settings.looks)
    } else {
        Vec::new()
    };
    Decision {
        kind,
        headline,
        is_log_unsound: !stops.is_empty(),
        next_step: next_step(
            kind,
            (arms, control, treatment),
            strategy,
            (stages, segments),
            onset_us(&worse, segments),
            &would_change,
        ),
        reasons,
        would_change,
        dissent,
    }
}

/// Something is worse beyond its margin: `told` says what.
fn harmed(
    name: &str,
    told: &str,
    strategy: Strategy,
    is_none_moved: bool,
) -> (DecisionKind, String) {
    if strategy == Strategy::Sequential {
        let headline = format!(
            "Hold {name}: {told}, which is no ground to roll back: nothing shows that the arms ran at the same time"
        );
        return (DecisionKind::Hold, headline);
    }
    if is_none_moved {
        let headline = format!(
            "Hold {name}: {told} than before, but at the switch nothing moved that a steady trend would not explain"
        );
        return (DecisionKind::Hold, headline);
    }
    let doubt = if strategy.is_concurrent() {
        ""
    } else {
        ", though nothing ran at the same time to compare with"
    };
    (
        DecisionKind::RollBack,
        format!("Roll back {name}: {told}{doubt}"),
    )
}

/// Nothing is harmed: ships unless a primary metric was declared and none is clearly better.
fn benefit(
    name: &str,
    deciding: &[(&ScorecardRow, &Effect)],
    alpha: f64,
) -> (DecisionKind, String) {
    let primaries: Vec<_> = deciding
        .iter()
        .filter(|(row, _)| is_primary(row))
        .copied()
        .collect();
    let better: Vec<String> = primaries
        .iter()
        .filter(|(_, effect)| {
            effect.verdict == Verdict::Better && effect.p_adjusted.is_none_or(|p| p < alpha)
        })
        .map(|(row, _)| lower_first(&row.label))
        .collect();
    if primaries.is_empty() {
        (
            DecisionKind::Ship,
            format!("Ship {name}: every guardrail is better or within its margin"),
        )
    } else if better.is_empty() {
        no_benefit(name, &primaries)
    } else {
        (
            DecisionKind::Ship,
            format!(
                "Ship {name}: {} is better, and every guardrail is better or within its margin",
                listed(&better)
            ),
        )
    }
}

/// No harm, but no clear benefit either: more data may show one unless an improvement as large as
/// the margin is already excluded.
fn no_benefit(name: &str, primaries: &[(&ScorecardRow, &Effect)]) -> (DecisionKind, String) {
    let metrics: Vec<String> = primaries
        .iter()
        .map(|(row, _)| lower_first(&row.label))
        .collect();
    let can_still_show = primaries.iter().any(|(row, effect)| {
        let best = effect.difference.map(|d| match row.direction {
            super::model::Direction::HigherIsBetter => d.interval.upper,
            _ => -d.interval.lower,
        });
        best.is_some_and(|best| best > effect.margin.unwrap_or(0.0))
    });
    if can_still_show {
        (
            DecisionKind::KeepCollecting,
            format!(
                "Keep collecting: nothing is worse in {name}, but no benefit in {} is shown yet",
                listed(&metrics)
            ),
        )
    } else {
        (
            DecisionKind::Hold,
            format!(
                "Hold {name}: it does no harm, but a benefit in {} as large as the margin is excluded",
                listed(&metrics)
            ),
        )
    }
}

/// Behind what is against: what cannot be judged, and what the switch itself did.
fn add_doubts(reasons: &mut Vec<Reason>, unjudged: Vec<Reason>, at_switch: Vec<Reason>) {
    let after = reasons.partition_point(|reason| reason.weight == ReasonWeight::Against);
    reasons.splice(after..after, unjudged.into_iter().chain(at_switch));
}

/// Everything that speaks for or against, the strongest first.
fn reasons(
    stops: &[&HealthCheck],
    (guardrails, grave): (&[Read<'_>], &[Read<'_>]),
    segments: &[SegmentEffect],
    strategy: &StrategyFinding,
) -> Vec<Reason> {
    let of = |weight, verdicts: &[Verdict]| -> Vec<Reason> {
        in_verdicts(guardrails, verdicts)
            .into_iter()
            .map(|(row, effect)| {
                let told_below = carried_by(row, segments).is_some();
                reason(weight, sentence(row, effect, told_below))
            })
            .collect()
    };
    let mut reasons: Vec<Reason> = stops
        .iter()
        .map(|check| reason(ReasonWeight::Against, objection(check)))
        .collect();
    let worse = of(ReasonWeight::Against, &[Verdict::Worse]);
    // Where the mean is harmed it decides; a segment then is something to look into.
    let of_segments = if worse.is_empty() {
        ReasonWeight::Against
    } else {
        ReasonWeight::Open
    };
    if !worse.is_empty() {
        let told = grave
            .iter()
            .map(|(row, effect)| sentence(row, effect, false));
        reasons.extend(worse);
        let carried = |segment: &&SegmentEffect| carries(segment);
        let carried = segments
            .iter()
            .filter(carried)
            .filter_map(|s| s.harm.as_ref());
        reasons.extend(carried.map(|harm| reason(ReasonWeight::Against, harm.text.clone())));
        reasons.extend(told.map(|text| reason(ReasonWeight::Against, text)));
    }
    reasons.extend(harmed_segments(segments, of_segments));
    reasons.extend(of(ReasonWeight::Open, &UNTOLD));
    let lacks_benefit =
        |(row, effect): &&(&ScorecardRow, &Effect)| is_primary(row) && within(effect);
    reasons.extend(
        guardrails
            .iter()
            .filter(lacks_benefit)
            .map(|(row, effect)| {
                let text =
                    sentence(row, effect, false) + "; as the primary metric it has to be better";
                reason(ReasonWeight::Open, text)
            }),
    );
    if !matches!(strategy.strategy, Strategy::SingleArm) && !strategy.strategy.is_concurrent() {
        reasons.push(reason(ReasonWeight::Open, strategy.consequence.clone()));
    }
    let fine = in_verdicts(guardrails, &[Verdict::Better, Verdict::WithinMargin]);
    reasons.extend(
        fine.into_iter()
            .filter(|(row, effect)| !(is_primary(row) && within(effect)))
            .map(|(row, effect)| reason(ReasonWeight::For, sentence(row, effect, false))),
    );
    reasons
}

fn is_primary(row: &ScorecardRow) -> bool {
    row.role == MetricRole::Primary
}

fn within(effect: &Effect) -> bool {
    effect.verdict == Verdict::WithinMargin
}

fn unsound(name: &str, stop: &HealthCheck) -> String {
    let remains = match stop.id {
        "concurrency" => "what changed from run to run is part of every difference",
        _ => "until that is explained no difference can be trusted",
    };
    format!(
        "Do not decide on {name} from this log: {}, and {remains}",
        problem(stop)
    )
}

/// What a stopping check found, as a statement.
fn objection(check: &HealthCheck) -> String {
    let said = match check.id {
        "sample-ratio-requests" => "The arms did not get their shares of requests",
        "sample-ratio-units" => "The arms did not get their shares of users",
        "crossing" => "Too many users are in several arms",
        _ => return check.finding.clone(),
    };
    format!("{said}: {}", check.finding)
}

/// What a stopping check found, in a few words.
fn problem(check: &HealthCheck) -> String {
    match check.id {
        "sample-ratio-requests" => "the arms did not get their shares of requests".to_owned(),
        "sample-ratio-units" => "the arms did not get their shares of users".to_owned(),
        "crossing" => "too many users are in several arms".to_owned(),
        _ => lower_first(&check.finding),
    }
}

/// What decides: primary metrics and guardrails, with the treatment's effect.
fn deciding(scorecard: &[ScorecardRow], treatment: usize) -> Vec<(&ScorecardRow, &Effect)> {
    let decides = |row: &&ScorecardRow| row.role.decides();
    let of_treatment = |row| -> Option<(&ScorecardRow, &Effect)> {
        let row: &ScorecardRow = row;
        row.effect_of(treatment).map(|effect| (row, effect))
    };
    scorecard
        .iter()
        .filter(decides)
        .filter_map(of_treatment)
        .collect()
}

/// Secondary metrics that are worse by several margins: they decide nothing, but where something is
/// worse they may be the larger part of it. The two gravest.
fn grave(
    scorecard: &[ScorecardRow],
    treatment: usize,
    alpha: f64,
) -> Vec<(&ScorecardRow, &Effect)> {
    const MARGINS: f64 = 3.0;
    let margins = |effect: &Effect| {
        let (difference, margin) = (effect.difference?, effect.margin?);
        Some(difference.value.abs() / margin)
    };
    let mut found: Vec<(&ScorecardRow, &Effect)> = scorecard
        .iter()
        .filter(|row| row.role == MetricRole::Secondary)
        .filter_map(|row| Some((row, row.effect_of(treatment)?)))
        .filter(|(_, effect)| {
            effect.verdict == Verdict::Worse
                && effect.p_adjusted.is_none_or(|p| p < alpha)
                && margins(effect).is_some_and(|n| n > MARGINS)
        })
        .collect();
    found.sort_by(|a, b| {
        margins(b.1)
            .partial_cmp(&margins(a.1))
            .unwrap_or(Ordering::Equal)
    });
    found.truncate(2);
    found
}

fn in_verdicts<'a>(
    guardrails: &[(&'a ScorecardRow, &'a Effect)],
    verdicts: &[Verdict],
) -> Vec<(&'a ScorecardRow, &'a Effect)> {
    guardrails
        .iter()
        .filter(|(_, effect)| verdicts.contains(&effect.verdict))
        .copied()
        .collect()
}

/// Segments harmed beyond the margin after correction for looking at all of them, in their order.
/// Those that repeat what the whole log shows, or another segment, are left out.
fn harmed_segments(
    segments: &[SegmentEffect],
    weight: ReasonWeight,
) -> impl Iterator<Item = Reason> {
    segments
        .iter()
        .filter_map(|segment| segment.harm.as_ref())
        .filter(|harm| harm.decides && !harm.is_known && harm.same_as.is_none())
        .filter(|harm| harm.without.is_none()) // told with the mean
        .take(5)
        .map(move |harm| reason(weight, harm.text.clone()))
}

/// "p95 latency is worse, beyond its margin of 1.3 s: +4.2 s [+3.1 s, +5.3 s] (+32 %)"; a margin
/// has no sign, because it is always meant for the worse. When the harm began is left to the segment
/// value that carries it, where there is one.
fn sentence(row: &ScorecardRow, effect: &Effect, is_carried: bool) -> String {
    let Some(difference) = effect.difference else {
        return format!("{}: too few data", row.label);
    };
    let change = row.form.change_with_interval(
        difference.value,
        difference.interval.lower,
        difference.interval.upper,
    );
    let relative = effect
        .relative
        .map(|r| format!(" ({})", crate::units::relative(r.value)))
        .unwrap_or_default();
    let margin = effect
        .margin
        .map(|m| margin_words(row, m))
        .unwrap_or_default();
    let reading = match effect.verdict {
        Verdict::Better => "is better".to_owned(),
        Verdict::WithinMargin => format!("stays within its margin of {margin}"),
        Verdict::Worse if is_beyond(effect) => format!("is worse, beyond its margin of {margin}"),
        Verdict::Worse => {
            format!("is worse, more likely than not beyond its margin of {margin}")
        }
        Verdict::WorseMarginOpen => {
            format!("is worse; whether by more than its margin of {margin} cannot be told yet")
        }
        _ => format!("cannot be told yet (margin {margin})"),
    };
    let onset = effect.stratified.as_ref().and_then(|s| s.onset.as_ref());
    let onset = onset
        .filter(|_| effect.verdict == Verdict::Worse && !is_carried)
        .map_or_else(String::new, |onset| format!(". {onset}"));
    format!("{} {reading}: {change}{relative}{onset}", row.label)
}

/// Whether the whole interval is beyond the margin.
fn is_beyond(effect: &Effect) -> bool {
    let nearest = effect
        .difference
        .map(|d| d.interval.lower.abs().min(d.interval.upper.abs()));
    nearest
        .zip(effect.margin)
        .is_some_and(|(end, margin)| end > margin)
}

/// A margin has no sign, because it is always meant for the worse.
pub(super) fn margin_words(row: &ScorecardRow, margin: f64) -> String {
    row.form.change(margin).trim_start_matches('+').to_owned()
}

pub(super) fn listed(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

pub(super) fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next();
    // "p95" and acronyms stay as they are.
    match (first, chars.clone().next()) {
        (Some(a), Some(b)) if a.is_uppercase() && b.is_lowercase() => {
            a.to_lowercase().collect::<String>() + chars.as_str()
        }
        _ => text.to_owned(),
    }
}

pub(super) fn reason(weight: ReasonWeight, text: String) -> Reason {
    Reason { weight, text }
}
