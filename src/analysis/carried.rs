//! Harm to the whole log that one segment value carries: all other requests stay within the margin.

use super::decision::margin_words;
use super::metrics::Metric;
use super::model::{Effect, ScorecardRow, SegmentEffect, SegmentSpread, Verdict};
use crate::error::Result;
use crate::stats::Estimate;

/// Finds the values that carry a harm and says so in their sentence. Only a value whose column's values
/// differ beyond chance, and which is the only harmed one of it, is set aside to see what remains.
/// `remaining` is the effect on a metric among the requests that a segment value does not have.
pub(super) fn tell_carried(
    metrics: &[Metric],
    (treatment, alpha): (usize, f64),
    (scorecard, spreads): (&[ScorecardRow], &[SegmentSpread]),
    effects: &mut [SegmentEffect],
    mut remaining: impl FnMut(&Metric, &SegmentEffect) -> Result<Option<Effect>>,
) -> Result<()> {
    for k in 0..effects.len() {
        let here = &effects[k];
        let row = scorecard.iter().find(|row| row.id == here.metric);
        let metric = metrics.iter().find(|metric| metric.id == here.metric);
        let (Some(row), Some(metric)) = (row, metric) else {
            continue;
        };
        let overall = row.effect_of(treatment).map(|effect| effect.verdict);
        if overall != Some(Verdict::Worse) || !may_carry(here, effects, spreads, alpha) {
            continue;
        }
        let Some(rest) = remaining(metric, here)? else {
            continue;
        };
        let is_fine = matches!(rest.verdict, Verdict::WithinMargin | Verdict::Better);
        if let (true, Some(difference), Some(margin)) = (is_fine, rest.difference, rest.margin) {
            let text = said(here, &difference, &margin_words(row, margin));
            if let Some(harm) = &mut effects[k].harm {
                harm.without = Some(difference);
                harm.text = text;
            }
        }
    }
    Ok(())
}

fn may_carry(
    here: &SegmentEffect,
    effects: &[SegmentEffect],
    spreads: &[SegmentSpread],
    alpha: f64,
) -> bool {
    let is_news = here
        .harm
        .as_ref()
        .is_some_and(|harm| harm.decides && !harm.is_known && harm.same_as.is_none());
    let is_harmed_beside = |effect: &&SegmentEffect| {
        effect.segment == here.segment
            && effect.metric == here.metric
            && effect.verdict == Verdict::Worse
    };
    let differs = |spread: &SegmentSpread| {
        spread.segment == here.segment && spread.metric == here.metric && spread.p_adjusted < alpha
    };
    is_news && spreads.iter().any(differs) && effects.iter().filter(is_harmed_beside).count() == 1
}

/// The harm stage by stage, and what is left without it.
fn said(here: &SegmentEffect, rest: &Estimate, margin: &str) -> String {
    let shown = |d: &Estimate| {
        (here.form).change_with_interval(d.value, d.interval.lower, d.interval.upper)
    };
    let own = here
        .effect
        .difference
        .as_ref()
        .map_or_else(String::new, shown);
    let strata = here
        .effect
        .stratified
        .iter()
        .flat_map(|found| &found.strata);
    let of_stages: Vec<String> = strata
        .filter_map(|stratum| Some(here.form.change(stratum.difference?.value)))
        .collect();
    let stages = if of_stages.len() > 1 {
        format!(" (stage by stage {})", of_stages.join(", "))
    } else {
        String::new()
    };
    format!(
        "{} is worse where {} is {}: {own}{stages}; without these requests it stays within its margin of {margin}: {}",
        here.label,
        here.segment,
        here.shown_value(),
        shown(rest)
    )
}
