//! Whether the effect on a metric differs between the values of a segment, and where the mean hides
//! a harm.

use super::model::{Direction, ScorecardRow, SegmentEffect, SegmentSpread, Verdict};
use super::verdict;
use crate::stats::{holm, pool};

/// One per segment column and metric, those that hide a harm first, then by p. Cochran's Q over the
/// values' effects, which takes users as being in one value each; p corrected over all (Holm).
pub(super) fn spreads(
    segments: &[SegmentEffect],
    scorecard: &[ScorecardRow],
    treatment: usize,
    level: f64,
) -> Vec<SegmentSpread> {
    let mut keys: Vec<(&str, &str)> = segments
        .iter()
        .map(|s| (s.segment.as_str(), s.metric.as_str()))
        .collect();
    keys.sort_unstable();
    keys.dedup();
    let mut found: Vec<SegmentSpread> = keys
        .into_iter()
        .filter_map(|(segment, metric)| {
            let of_pair: Vec<&SegmentEffect> = segments
                .iter()
                .filter(|s| s.segment == segment && s.metric == metric)
                .collect();
            let effects: Vec<(f64, f64)> = of_pair
                .iter()
                .filter_map(|s| {
                    let difference = s.effect.difference?;
                    Some((
                        difference.value,
                        verdict::variance(&difference, s.effect.test)?,
                    ))
                })
                .collect();
            let pooled = pool(&effects, level)?;
            let row = scorecard.iter().find(|row| row.id == metric)?;
            Some(SegmentSpread {
                segment: segment.to_owned(),
                metric: metric.to_owned(),
                label: row.label.clone(),
                n_values: effects.len() as u64,
                heterogeneity: pooled.heterogeneity?,
                p_holm: 1.0,
                i_squared: pooled.i_squared,
                hidden_harm: hidden_harm(row, treatment, &of_pair),
            })
        })
        .collect();
    let p: Vec<f64> = found.iter().map(|s| s.heterogeneity.p).collect();
    for (spread, p) in found.iter_mut().zip(holm(&p)) {
        spread.p_holm = p;
    }
    found.sort_by(|a, b| {
        let rank = |s: &SegmentSpread| s.hidden_harm.is_none();
        rank(a)
            .cmp(&rank(b))
            .then(a.heterogeneity.ln_p.total_cmp(&b.heterogeneity.ln_p))
    });
    found
}

/// The mean does not get worse, and some value clearly does.
fn hidden_harm(row: &ScorecardRow, treatment: usize, values: &[&SegmentEffect]) -> Option<String> {
    let overall = row
        .effects
        .iter()
        .find(|e| e.arm == treatment)?
        .difference?;
    let is_better = match row.direction {
        Direction::LowerIsBetter => overall.value < 0.0,
        Direction::HigherIsBetter => overall.value > 0.0,
        Direction::Neutral => false,
    };
    let harmed: Vec<String> = values
        .iter()
        .filter(|s| s.effect.verdict == Verdict::Worse && s.p_holm < 0.05)
        .filter_map(|s| {
            let d = s.effect.difference?;
            let change = s
                .form
                .change_with_interval(d.value, d.interval.lower, d.interval.upper);
            Some(format!("{} ({change})", shown(&s.value)))
        })
        .collect();
    (is_better && !harmed.is_empty()).then(|| {
        format!(
            "{} is better on the whole ({}), but worse where {} is {}: the mean hides it",
            row.label,
            row.form.change_with_interval(
                overall.value,
                overall.interval.lower,
                overall.interval.upper
            ),
            values[0].segment,
            harmed.join(", ")
        )
    })
}

fn shown(value: &str) -> &str {
    if value.is_empty() { "(empty)" } else { value }
}
