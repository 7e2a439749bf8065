//! Many metrics: p-values corrected over the metrics that were declared to be tested together.
//!
//! Primary metrics are one family and secondary ones another, over all arms: a claim of benefit that
//! any one of them can earn must pay for their number. Guardrails are not corrected: shipping needs
//! every one of them, so each is tested at the full level and the chance of shipping with a harmed
//! one stays below it (intersection-union test, Berger 1982).

use super::model::{MetricRole, ScorecardRow, Verdict};
use super::settings::{AnalysisSettings, Correction};
use super::verdict;
use crate::stats::{benjamini_hochberg, holm};

/// Fills in the adjusted p-values, and reads the verdicts anew by them. Harm to a primary metric is not
/// read away: of harm, it is a guardrail too.
pub(super) fn adjust(scorecard: &mut [ScorecardRow], settings: &AnalysisSettings) {
    let alpha = 1.0 - settings.level;
    for role in MetricRole::ALL
        .into_iter()
        .filter(|role| role.is_corrected())
    {
        let effects = || {
            scorecard
                .iter()
                .filter(|row| row.role == role)
                .flat_map(|row| &row.effects)
        };
        let p: Vec<f64> = effects()
            .filter_map(|effect| Some(effect.test?.p))
            .collect();
        let adjusted = corrected(&p, settings.correction);
        let tested = scorecard
            .iter_mut()
            .filter(|row| row.role == role)
            .flat_map(|row| &mut row.effects)
            .filter(|effect| effect.test.is_some());
        for (effect, p) in tested.zip(adjusted) {
            effect.p_adjusted = Some(p);
            let is_harm = matches!(effect.verdict, Verdict::Worse | Verdict::WorseMarginOpen);
            if role != MetricRole::Primary || !is_harm {
                effect.verdict = verdict::after_correction(effect.verdict, p < alpha);
            }
        }
    }
}

/// p-values in the order given, corrected for their number.
pub(super) fn corrected(p: &[f64], correction: Correction) -> Vec<f64> {
    match correction {
        Correction::Holm => holm(p),
        Correction::BenjaminiHochberg => benjamini_hochberg(p),
        Correction::None => p.to_vec(),
    }
}
