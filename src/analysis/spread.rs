//! Whether the effect on a metric differs between the values of a segment, and where the mean hides
//! a harm.

use std::collections::BTreeMap;

use super::family::corrected;
use super::model::{ScorecardRow, SegmentEffect, SegmentSpread};
use super::settings::AnalysisSettings;
use super::verdict;
use crate::stats::{holm, pool};

/// One per segment column and metric, those that hide a harm first, then by p. Cochran's Q over the
/// values' effects, which takes users as being in one value each; p corrected over all columns and
/// the metrics that decide, or those that explain.
pub(super) fn spreads(
    segments: &[SegmentEffect],
    scorecard: &[ScorecardRow],
    treatment: usize,
    settings: &AnalysisSettings,
) -> Vec<SegmentSpread> {
    let mut pairs: BTreeMap<(&str, &str), Vec<&SegmentEffect>> = BTreeMap::new();
    for effect in segments {
        let key = (effect.segment.as_str(), effect.metric.as_str());
        pairs.entry(key).or_default().push(effect);
    }
    let mut found: Vec<(bool, SegmentSpread)> = pairs
        .values()
        .filter_map(|values| {
            let row = scorecard.iter().find(|row| row.id == values[0].metric)?;
            let spread = spread(row, treatment, values, settings.level)?;
            Some((row.role.decides(), spread))
        })
        .collect();
    for is_deciding in [true, false] {
        let mut family: Vec<&mut SegmentSpread> = found
            .iter_mut()
            .filter(|(decides, _)| *decides == is_deciding)
            .map(|(_, spread)| spread)
            .collect();
        let p: Vec<f64> = family.iter().map(|s| s.heterogeneity.p).collect();
        let (by_holm, as_chosen) = (holm(&p), corrected(&p, settings.correction));
        for (spread, p) in family.iter_mut().zip(by_holm.into_iter().zip(as_chosen)) {
            (spread.p_holm, spread.p_adjusted) = p;
        }
    }
    found.sort_by(|(a_decides, a), (b_decides, b)| {
        let rank = |decides: bool, s: &SegmentSpread| (s.hidden_harm.is_none(), !decides);
        rank(*a_decides, a)
            .cmp(&rank(*b_decides, b))
            .then(a.heterogeneity.ln_p.total_cmp(&b.heterogeneity.ln_p))
    });
    found.into_iter().map(|(_, spread)| spread).collect()
}

fn spread(
    row: &ScorecardRow,
    treatment: usize,
    values: &[&SegmentEffect],
    level: f64,
) -> Option<SegmentSpread> {
    let effects: Vec<(f64, f64)> = values
        .iter()
        .filter_map(|s| {
            let difference = s.effect.difference?;
            let variance = verdict::variance(&difference, s.effect.test)?;
            Some((difference.value, variance))
        })
        .collect();
    let pooled = pool(&effects, level)?;
    Some(SegmentSpread {
        segment: values[0].segment.clone(),
        metric: row.id.clone(),
        label: row.label.clone(),
        n_values: effects.len() as u64,
        heterogeneity: pooled.heterogeneity?,
        p_holm: 1.0,
        p_adjusted: 1.0,
        i_squared: pooled.i_squared,
        hidden_harm: hidden_harm(row, treatment, values),
    })
}

/// The mean gets better, and some value clearly does not.
fn hidden_harm(row: &ScorecardRow, treatment: usize, values: &[&SegmentEffect]) -> Option<String> {
    let overall = row.effect_of(treatment)?.difference?;
    let harmed: Vec<String> = values
        .iter()
        .filter(|s| s.harm.as_ref().is_some_and(|harm| harm.is_hidden))
        .filter_map(|s| {
            let d = s.effect.difference?;
            let change = s
                .form
                .change_with_interval(d.value, d.interval.lower, d.interval.upper);
            Some(format!("{} ({change})", s.shown_value()))
        })
        .collect();
    (!harmed.is_empty()).then(|| {
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
