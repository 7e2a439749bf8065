//! What speaks against the decision, so that nobody has to find it out afterwards.

use super::decision::lower_first;
use super::model::{
    ArmSummary, ChosenBy, Decision, DecisionKind, Effect, HealthCheck, MetricRole, ScorecardRow,
    SegmentEffect, Severity, Verdict,
};
use crate::units;

/// Sentences that point the other way, the gravest first.
pub(super) fn dissent(
    kind: DecisionKind,
    treatment: usize,
    (scorecard, segments): (&[ScorecardRow], &[SegmentEffect]),
    health: &[HealthCheck],
    alpha: f64,
) -> Vec<String> {
    let of_treatment = |row| -> Option<(&ScorecardRow, &Effect)> {
        let row: &ScorecardRow = row;
        let effect = row.effect_of(treatment)?;
        (row.role != MetricRole::Ignored).then_some((row, effect))
    };
    let effects: Vec<(&ScorecardRow, &Effect)> =
        scorecard.iter().filter_map(of_treatment).collect();
    let for_shipping = kind == DecisionKind::Ship;
    let mut out = Vec::new();
    for (row, effect) in &effects {
        let Some(difference) = effect.difference else {
            continue;
        };
        let clear = effect.p_adjusted.is_none_or(|p| p < alpha);
        let opposes = match effect.verdict {
            Verdict::Worse => for_shipping && clear,
            Verdict::Better => matches!(kind, DecisionKind::RollBack | DecisionKind::Hold) && clear,
            _ => false,
        };
        if opposes {
            let change = row.form.change_with_interval(
                difference.value,
                difference.interval.lower,
                difference.interval.upper,
            );
            out.push(format!(
                "{} is {}: {change}",
                row.label,
                effect.verdict.label()
            ));
        }
        if row.role.decides() {
            out.extend(turned(row, effect));
            let stages = effect.stratified.as_ref();
            out.extend(stages.and_then(|s| s.warning.clone()));
            out.extend(
                effect
                    .unit_warning
                    .iter()
                    .map(|warning| format!("{}: {warning}", row.label)),
            );
        }
    }
    if kind != DecisionKind::Unsound {
        out.extend(
            effects
                .iter()
                .filter(|(row, effect)| row.role.decides() && effect.verdict == Verdict::Worse)
                .flat_map(|(row, _)| spared(row, segments)),
        );
        out.extend(
            health
                .iter()
                .filter(|check| check.severity == Severity::Warning)
                .map(|check| check.finding.clone()),
        );
    }
    out
}

/// That users with many requests turn a difference round.
fn turned(row: &ScorecardRow, effect: &Effect) -> Option<String> {
    let (all, once) = (effect.difference?, effect.each_unit_once?);
    let is_opposite = all.value * once.value < 0.0;
    is_opposite.then(|| {
        format!(
            "Each user counted once, {} differs by {}, the other way round than by request ({}): users with many requests decide",
            lower_first(&row.label),
            row.form.change(once.value),
            row.form.change(all.value)
        )
    })
}

/// That nobody said which of several arms to compare, and neither do their names: first of all doubts.
pub(super) fn add_choice(
    decision: &mut Decision,
    arms: &[ArmSummary],
    (control, treatment): (usize, Option<usize>),
    [of_control, of_treatment]: [ChosenBy; 2],
) {
    let is_by_size = |by| matches!(by, ChosenBy::Size | ChosenBy::Tie);
    let Some(treatment) = treatment.filter(|_| arms.len() > 2 && is_by_size(of_treatment)) else {
        return;
    };
    let (a, b) = (&arms[control].name, &arms[treatment].name);
    let text = match (is_by_size(of_control), of_control, of_treatment) {
        (true, ChosenBy::Tie, _) | (true, _, ChosenBy::Tie) => format!(
            "Nobody said which of the {} arms to compare, and several are equally large: {b} against {a} is as good as any other pair",
            units::count(arms.len() as u64)
        ),
        (true, ..) => format!(
            "Nobody said which of the {} arms to compare: {b} and {a} are the largest",
            units::count(arms.len() as u64)
        ),
        (false, _, ChosenBy::Tie) => format!(
            "Nobody said which of the {} arms the decision is about, and several are as large as {b}",
            units::count(arms.len() as u64)
        ),
        (false, ..) => format!(
            "Nobody said which of the {} arms the decision is about: {b} is the largest beside {a}",
            units::count(arms.len() as u64)
        ),
    };
    decision.dissent.insert(0, text);
}

/// Segment values in which a metric that is worse on the whole is better, the largest three.
fn spared(row: &ScorecardRow, segments: &[SegmentEffect]) -> Vec<String> {
    let mut found: Vec<&SegmentEffect> = segments
        .iter()
        .filter(|segment| segment.metric == row.id && segment.verdict == Verdict::Better)
        .collect();
    found.sort_by_key(|segment| std::cmp::Reverse(segment.n_requests.0 + segment.n_requests.1));
    let said = |segment: &SegmentEffect| {
        let d = segment.effect.difference?;
        let change = (row.form).change_with_interval(d.value, d.interval.lower, d.interval.upper);
        Some(format!(
            "{} is better where {} is {}: {change}",
            row.label,
            segment.segment,
            segment.shown_value()
        ))
    };
    found.into_iter().take(3).filter_map(said).collect()
}
