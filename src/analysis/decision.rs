//! What to do, and why. Rules in order, the first that applies wins: a log that cannot be trusted
//! holds; a harmed guardrail rolls back; guardrails that cannot be told yet keep collecting; all
//! guardrails within their margins ship.

use super::model::{
    ArmSummary, Decision, DecisionKind, Effect, HealthCheck, MetricRole, Reason, ReasonWeight,
    ScorecardRow, SegmentEffect, Severity, Strategy, StrategyFinding, Verdict,
};

/// The decision about the treatment.
pub(super) fn decide(
    arms: &[ArmSummary],
    treatment: Option<usize>,
    scorecard: &[ScorecardRow],
    segments: &[SegmentEffect],
    health: &[HealthCheck],
    strategy: &StrategyFinding,
) -> Decision {
    let stops: Vec<&HealthCheck> = health
        .iter()
        .filter(|check| check.severity == Severity::Stop)
        .collect();
    let mut reasons: Vec<Reason> = stops
        .iter()
        .map(|check| {
            reason(
                ReasonWeight::Against,
                format!("{} {}", check.title, check.finding),
            )
        })
        .collect();
    let Some(treatment) = treatment else {
        let headline = "There is one arm only, so there is nothing to decide".to_owned();
        return Decision {
            kind: DecisionKind::Hold,
            headline,
            is_log_unsound: true,
            reasons,
        };
    };
    let name = &arms[treatment].name;
    let guardrails = guardrails(scorecard, treatment);
    let worse = in_verdict(&guardrails, Verdict::Worse);
    let open: Vec<_> = guardrails
        .iter()
        .filter(|(_, e)| matches!(e.verdict, Verdict::Inconclusive | Verdict::NoData))
        .collect();
    reasons.extend(
        worse
            .iter()
            .map(|(row, effect)| reason(ReasonWeight::Against, sentence(row, effect))),
    );
    reasons.extend(harmed_segments(segments));
    reasons.extend(
        open.iter()
            .map(|(row, effect)| reason(ReasonWeight::Open, sentence(row, effect))),
    );
    let fine = guardrails
        .iter()
        .filter(|(_, e)| matches!(e.verdict, Verdict::Better | Verdict::WithinMargin));
    reasons.extend(fine.map(|(row, effect)| reason(ReasonWeight::For, sentence(row, effect))));
    if !strategy.strategy.is_concurrent() {
        reasons.push(reason(ReasonWeight::Open, strategy.consequence.clone()));
    }
    let has_harmed_segment = !harmed_segments(segments).is_empty();
    reasons.sort_by_key(|reason| reason.weight);

    let (kind, headline) = if !stops.is_empty() {
        (
            DecisionKind::Hold,
            format!(
                "Hold {name}: {}, and until that is explained no difference can be trusted",
                problem(stops[0])
            ),
        )
    } else if !worse.is_empty() && strategy.strategy == Strategy::Sequential {
        (
            DecisionKind::Hold,
            format!(
                "Hold {name}: {}, but nothing shows that the arms ran at the same time",
                worded(&worse)
            ),
        )
    } else if !worse.is_empty() {
        (
            DecisionKind::RollBack,
            format!("Roll back {name}: {}", worded(&worse)),
        )
    } else if guardrails.is_empty() {
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
    } else if !open.is_empty() {
        let metrics: Vec<String> = open
            .iter()
            .map(|(row, _)| lower_first(&row.label))
            .collect();
        (
            DecisionKind::KeepCollecting,
            format!(
                "Keep collecting: nothing is clearly worse in {name}, but {} cannot be told yet",
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
    } else {
        (
            DecisionKind::Ship,
            format!("Ship {name}: every guardrail is better or within its margin"),
        )
    };
    Decision {
        kind,
        headline,
        is_log_unsound: !stops.is_empty(),
        reasons,
    }
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

fn guardrails(scorecard: &[ScorecardRow], treatment: usize) -> Vec<(&ScorecardRow, &Effect)> {
    let decides = |row: &&ScorecardRow| row.role == MetricRole::Guardrail;
    let of_treatment = |row| -> Option<(&ScorecardRow, &Effect)> {
        let row: &ScorecardRow = row;
        row.effects
            .iter()
            .find(|e| e.arm == treatment)
            .map(|effect| (row, effect))
    };
    scorecard
        .iter()
        .filter(decides)
        .filter_map(of_treatment)
        .collect()
}

fn in_verdict<'a>(
    guardrails: &[(&'a ScorecardRow, &'a Effect)],
    verdict: Verdict,
) -> Vec<(&'a ScorecardRow, &'a Effect)> {
    guardrails
        .iter()
        .filter(|(_, e)| e.verdict == verdict)
        .copied()
        .collect()
}

/// Segments harmed beyond the margin after correction for looking at all of them.
fn harmed_segments(segments: &[SegmentEffect]) -> Vec<Reason> {
    let harmed = segments
        .iter()
        .filter(|s| s.effect.verdict == Verdict::Worse && s.p_holm < 0.05);
    harmed
        .take(5)
        .filter_map(|s| {
            let difference = s.effect.difference?;
            let change = s.form.change_with_interval(
                difference.value,
                difference.interval.lower,
                difference.interval.upper,
            );
            let value = if s.value.is_empty() {
                "(empty)"
            } else {
                &s.value
            };
            Some(reason(
                ReasonWeight::Against,
                format!(
                    "{} is worse where {} is {value}: {change}",
                    s.label, s.segment
                ),
            ))
        })
        .collect()
}

/// "p95 latency is worse, beyond its margin of 1.3 s: +4.2 s [+3.1 s, +5.3 s] (+32 %)"; a margin
/// has no sign, because it is always meant for the worse.
fn sentence(row: &ScorecardRow, effect: &Effect) -> String {
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
        .map(|m| row.form.change(m).trim_start_matches('+').to_owned())
        .unwrap_or_default();
    let reading = match effect.verdict {
        Verdict::Better => "is better".to_owned(),
        Verdict::WithinMargin => format!("stays within its margin of {margin}"),
        Verdict::Worse => format!("is worse, beyond its margin of {margin}"),
        _ => format!("cannot be told yet (margin {margin})"),
    };
    format!("{} {reading}: {change}{relative}", row.label)
}

fn worded(worse: &[(&ScorecardRow, &Effect)]) -> String {
    let parts: Vec<String> = worse
        .iter()
        .map(|(row, effect)| {
            let change = match (effect.relative, effect.difference) {
                // Shares and ratings have scales that people know; a latency says little by itself.
                (Some(relative), _)
                    if row.form != crate::units::ValueForm::Share && row.id != "rating_mean" =>
                {
                    crate::units::relative(relative.value)
                }
                (_, Some(difference)) => row.form.change(difference.value),
                _ => String::new(),
            };
            format!(
                "{} is worse by {}",
                lower_first(&row.label),
                change.trim_start_matches(['+', '\u{2212}'])
            )
        })
        .collect();
    listed(&parts)
}

fn listed(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

fn lower_first(text: &str) -> String {
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

fn reason(weight: ReasonWeight, text: String) -> Reason {
    Reason { weight, text }
}
