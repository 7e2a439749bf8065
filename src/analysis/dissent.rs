//! What speaks against the decision, so that nobody has to find it out afterwards.

use super::model::{
    DecisionKind, Effect, HealthCheck, MetricRole, ScorecardRow, SegmentEffect, Severity, Verdict,
};

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
