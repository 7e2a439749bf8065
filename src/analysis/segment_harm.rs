//! What the effects within segments add up to: p-values corrected for their number, harm in words,
//! the most harmful first.

use super::family::corrected;
use super::model::{
    Direction, Effect, MetricRole, ScorecardRow, SegmentEffect, SegmentHarm, SegmentSpread, Verdict,
};
use super::settings::AnalysisSettings;
use super::verdict;
use crate::stats::holm;

/// Corrects, reads and orders the effects.
pub(super) fn conclude(
    effects: &mut [SegmentEffect],
    scorecard: &[ScorecardRow],
    treatment: usize,
    settings: &AnalysisSettings,
) {
    let row_of = |effect: &SegmentEffect| scorecard.iter().find(|row| row.id == effect.metric);
    let decides = |effect: &SegmentEffect| row_of(effect).is_some_and(|row| row.role.decides());
    for is_deciding in [true, false] {
        let mut family: Vec<&mut SegmentEffect> = effects
            .iter_mut()
            .filter(|effect| decides(effect) == is_deciding && effect.effect.test.is_some())
            .collect();
        let p: Vec<f64> = family
            .iter()
            .filter_map(|effect| effect.effect.test.map(|test| test.p))
            .collect();
        let (by_holm, as_chosen) = (holm(&p), corrected(&p, settings.correction));
        for (effect, p) in family.iter_mut().zip(by_holm.into_iter().zip(as_chosen)) {
            (effect.p_holm, effect.p_adjusted) = p;
        }
    }
    let alpha = 1.0 - settings.level;
    for effect in effects.iter_mut() {
        let is_clear = effect.p_adjusted < alpha;
        effect.verdict = verdict::after_correction(effect.effect.verdict, is_clear);
        let overall = row_of(effect).and_then(|row| {
            let effect = row.effect_of(treatment)?;
            Some((row, effect))
        });
        effect.harm = overall.and_then(|overall| harm(effect, overall));
    }
    effects.sort_by(|a, b| {
        rank(a, decides(a))
            .cmp(&rank(b, decides(b)))
            .then_with(|| severity(b, row_of(b)).total_cmp(&severity(a, row_of(a))))
    });
}

/// What is harmed here, in words, and whether the mean hides it.
fn harm(here: &SegmentEffect, (row, overall): (&ScorecardRow, &Effect)) -> Option<SegmentHarm> {
    if here.verdict != Verdict::Worse {
        return None;
    }
    let difference = here.effect.difference?;
    let change = here.form.change_with_interval(
        difference.value,
        difference.interval.lower,
        difference.interval.upper,
    );
    let is_better = |value: f64| match row.direction {
        Direction::LowerIsBetter => value < 0.0,
        Direction::HigherIsBetter => value > 0.0,
        Direction::Neutral => false,
    };
    let hiding = overall.difference.filter(|all| is_better(all.value));
    let hidden = hiding.map_or_else(String::new, |all| {
        let all = here.form.change(all.value);
        format!("; on the whole it is better ({all}), which hides this")
    });
    Some(SegmentHarm {
        text: format!(
            "{} is worse where {} is {}: {change}{hidden}",
            here.label,
            here.segment,
            here.shown_value()
        ),
        is_hidden: hiding.is_some(),
        is_known: overall.verdict == Verdict::Worse
            && overall
                .difference
                .is_some_and(|all| difference.interval.contains(all.value)),
        decides: row.role.decides(),
        same_as: None,
        without: None,
    })
}

/// Harm that repeats the whole log's: its column's values do not differ beyond chance.
pub(super) fn leave_out_repeats(
    effects: &mut [SegmentEffect],
    spreads: &[SegmentSpread],
    (scorecard, treatment): (&[ScorecardRow], usize),
    alpha: f64,
) {
    let is_worse = |metric: &str| {
        let row = scorecard.iter().find(|row| row.id == metric);
        let effect = row.and_then(|row| row.effect_of(treatment));
        effect.is_some_and(|effect| effect.verdict == Verdict::Worse)
    };
    for effect in effects {
        let (segment, metric) = (&effect.segment, &effect.metric);
        let spread = |s: &&SegmentSpread| s.segment == *segment && s.metric == *metric;
        let differs = spreads
            .iter()
            .find(spread)
            .is_some_and(|s| s.p_adjusted < alpha);
        let repeats = !differs && is_worse(metric);
        if let Some(harm) = &mut effect.harm {
            harm.is_known |= repeats;
        }
    }
}

/// Harm that decides first, above all what the mean hides; what has no data last.
fn rank(effect: &SegmentEffect, decides: bool) -> (u8, bool) {
    let class = match (&effect.harm, effect.effect.verdict) {
        (Some(harm), _) if decides => u8::from(!harm.is_hidden),
        (_, Verdict::Worse) if decides => 2,
        (_, Verdict::NoData) => 5,
        _ if decides => 3,
        _ => 4,
    };
    (class, effect.harm.is_none())
}

/// How many margins the effect is on the worse side; without a margin, how clear it is.
fn severity(effect: &SegmentEffect, row: Option<&ScorecardRow>) -> f64 {
    let (Some(row), Some(difference)) = (row, effect.effect.difference) else {
        return f64::NEG_INFINITY;
    };
    let sign = match row.direction {
        Direction::HigherIsBetter => -1.0,
        _ => 1.0,
    };
    match effect.effect.margin.filter(|margin| *margin > 0.0) {
        Some(margin) if row.role != MetricRole::Neutral => sign * difference.value / margin,
        _ => -effect.effect.test.map_or(0.0, |test| test.ln_p),
    }
}
