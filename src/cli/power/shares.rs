//! Questions about two independent shares.

use super::answer::{Answer, Answered, Counted};
use super::arguments::{ProportionsArguments, ShareFormulaName};
use super::{
    Asked, answered, asked, better, design, equivalence_answer, settings, sides, treatment,
    unsigned,
};
use crate::error::Result;
use crate::stats::power::equivalence::Equivalent;
use crate::stats::power::proportions::{self, MarginFormula, ShareFormula, ShareMargin};
use crate::stats::power::{Sides, published};
use crate::units;

pub(super) fn proportions_answer(a: &ProportionsArguments) -> Result<Answered> {
    if let Some(margin) = a.goal.non_inferior_by {
        return share_margin_answer(a, margin);
    }
    if let Some(margin) = a.goal.equivalent_within {
        let target = target_share(a.baseline, a.question.mde.unwrap_or(0.0))?;
        let question = Equivalent::Shares {
            control: a.baseline,
            treatment: target,
        };
        no_formula(a.formula)?;
        let text = format!("Share of {} in the control", units::share(a.baseline));
        return equivalence_answer(
            question,
            margin,
            &text,
            &a.question,
            &a.common,
            units::points,
        );
    }
    let formula = share_formula(a.formula)?;
    let asked = asked(&a.question)?;
    let design = design(
        &a.common,
        sides(&a.common),
        matches!(asked, Asked::Change(_)),
    )?;
    let mut others = Vec::new();
    let (answer, to) = match asked {
        Asked::Size(mde) => {
            let target = target_share(a.baseline, mde)?;
            for other in ShareFormula::ALL.into_iter().filter(|f| *f != formula) {
                others.push(proportions::sample_size(
                    a.baseline, target, &design, other,
                )?);
            }
            let size = proportions::sample_size(a.baseline, target, &design, formula)?;
            (Answer::Size(size), Some(target))
        }
        Asked::Power(mde, n) => {
            let target = target_share(a.baseline, mde)?;
            let arms = treatment(n, &a.common);
            let power = proportions::power(a.baseline, target, arms, &design, formula)?;
            (Answer::Power(power), Some(target))
        }
        Asked::Change(n) => {
            let arms = treatment(n, &a.common);
            let change = proportions::detectable_change(a.baseline, arms, &design, formula)?;
            (Answer::Change(change), None)
        }
    };
    let to = to.map_or_else(String::new, |to| format!(" to {}", units::share(to)));
    let question = format!("Share of {}{to}", units::share(a.baseline));
    let mut answered = answered(question, answer, design, Counted::Units, units::points);
    answered.alternatives = others;
    if let (Some(mde), None) = (a.question.mde, a.question.n) {
        answered.notes = published::notes(a.baseline, mde, &design)?;
    }
    Ok(answered)
}

fn share_margin_answer(a: &ProportionsArguments, margin: f64) -> Result<Answered> {
    let formula = match a.formula {
        None | Some(ShareFormulaName::Wald) => MarginFormula::Wald,
        Some(ShareFormulaName::FarringtonManning) => MarginFormula::FarringtonManning,
        Some(_) => {
            return Err(settings("This formula plans no margin")
                .hint("With --non-inferior-by choose wald or farrington-manning"));
        }
    };
    let design = design(&a.common, Sides::One, false)?;
    let question = ShareMargin {
        control: a.baseline,
        treatment: target_share(a.baseline, a.question.mde.unwrap_or(0.0))?,
        margin,
        better: better(&a.goal),
    };
    let answer = match a.question.n {
        None => Answer::Size(proportions::non_inferiority_size(
            &question, &design, formula,
        )?),
        Some(n) => {
            let arms = treatment(n, &a.common);
            let power = proportions::non_inferiority_power(&question, arms, &design, formula)?;
            Answer::Power(power)
        }
    };
    let text = format!(
        "Share of {}, treatment not worse by {}",
        units::share(a.baseline),
        unsigned(&units::points(margin))
    );
    Ok(answered(
        text,
        answer,
        design,
        Counted::Units,
        units::points,
    ))
}

fn share_formula(name: Option<ShareFormulaName>) -> Result<ShareFormula> {
    Ok(match name {
        None | Some(ShareFormulaName::Pooled) => ShareFormula::Pooled,
        Some(ShareFormulaName::Unpooled) => ShareFormula::Unpooled,
        Some(ShareFormulaName::Arcsine) => ShareFormula::Arcsine,
        Some(ShareFormulaName::Corrected) => ShareFormula::ContinuityCorrected,
        Some(ShareFormulaName::ControlVariance) => ShareFormula::ControlVariance,
        Some(ShareFormulaName::Wald | ShareFormulaName::FarringtonManning) => {
            return Err(settings("This formula plans a margin")
                .hint("Give --non-inferior-by, or choose another formula"));
        }
    })
}

fn no_formula(name: Option<ShareFormulaName>) -> Result<()> {
    match name {
        None | Some(ShareFormulaName::Wald) => Ok(()),
        Some(_) => {
            Err(settings("Equivalence of shares has one formula: wald").hint("Leave out --formula"))
        }
    }
}

/// The share after a change, which must still be one.
fn target_share(baseline: f64, mde: f64) -> Result<f64> {
    let target = baseline + mde;
    if target > 0.0 && target < 1.0 {
        return Ok(target);
    }
    Err(settings(&format!(
        "From {} on, a difference of {} leaves the range of a share",
        units::share(baseline),
        units::points(mde)
    ))
    .hint("--mde is absolute: 0.05 is five percentage points more, and -0.05 five fewer"))
}
