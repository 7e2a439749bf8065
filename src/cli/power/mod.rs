//! `hindsight power`: sample sizes, power and detectable effects; needs no log.

mod answer;
mod arguments;
mod shares;

pub(super) use arguments::PowerArguments;

use super::Finish;
use super::output::{print, print_json};
use crate::error::{Error, ErrorKind, Result};
use crate::stats::power::equivalence::{self, Equivalent};
use crate::stats::power::means::{self, MeanEffect, MeanFormula};
use crate::stats::power::quantiles::{self, Spread};
use crate::stats::power::{Better, Design, DetectableChange, Formula, Sides, pairs};
use crate::stats::sequential::{Boundary, GroupDesign, Spending};
use crate::units;
use answer::{Answer, Answered, Counted};
use arguments::{
    Bounds, Direction, GoalArguments, MeanFormulaName, MeansArguments, PairedMeansArguments,
    PairedProportionsArguments, PowerCommon, PowerMetric, QuantileArguments, QuestionArguments,
    RatioArguments,
};

pub(super) fn run(arguments: &PowerArguments) -> Result<Finish> {
    let (common, answered) = match &arguments.metric {
        PowerMetric::Proportions(a) => (&a.common, shares::proportions_answer(a)?),
        PowerMetric::Means(a) => (&a.common, means_answer(a)?),
        PowerMetric::Ratio(a) => (&a.common, ratio_answer(a)?),
        PowerMetric::Quantile(a) => (&a.common, quantile_answer(a)?),
        PowerMetric::PairedProportions(a) => (&a.common, paired_proportions_answer(a)?),
        PowerMetric::PairedMeans(a) => (&a.common, paired_means_answer(a)?),
    };
    let answered = match common.looks {
        Some(looks) => answered.with_looks(looks, boundary(common.bounds))?,
        None => answered,
    };
    if common.json {
        print_json(&answered.as_json(common))?;
    } else {
        print(&answered.as_text(common))?;
    }
    Ok(Finish::Done)
}

/// What follows from --mde and --n.
enum Asked {
    Size(f64),
    Power(f64, u64),
    Change(u64),
}

fn asked(question: &QuestionArguments) -> Result<Asked> {
    match (question.mde, question.n) {
        (Some(mde), None) => Ok(Asked::Size(mde)),
        (Some(mde), Some(n)) => Ok(Asked::Power(mde, n)),
        (None, Some(n)) => Ok(Asked::Change(n)),
        (None, None) => Err(settings("Neither --mde nor --n is given").hint(
            "Give --mde for the sample size, --n for the detectable effect, or both for the power",
        )),
    }
}

/// The design of a question; a detectable change under several looks is that of fewer units.
fn design(common: &PowerCommon, sides: Sides, is_change: bool) -> Result<Design> {
    let mut design = Design {
        alpha: alpha(common, sides),
        power: common.power,
        sides,
        ratio: common.ratio,
        design_effect: common.design_effect,
    };
    design.check()?;
    if let (true, Some(looks)) = (is_change, common.looks) {
        let bounds = boundary(common.bounds);
        let plan = GroupDesign::equally_spaced(looks, design.alpha, sides, bounds)?;
        design.design_effect *= plan.inflation(common.power)?;
    }
    Ok(design)
}

/// One side without --one-sided is that of a margin, which a decision holds against a 95 % interval.
fn alpha(common: &PowerCommon, sides: Sides) -> f64 {
    let is_margin = sides == Sides::One && !common.one_sided;
    common.alpha.unwrap_or(if is_margin { 0.025 } else { 0.05 })
}

const fn sides(common: &PowerCommon) -> Sides {
    if common.one_sided {
        Sides::One
    } else {
        Sides::Two
    }
}

fn treatment(n: u64, common: &PowerCommon) -> (u64, u64) {
    (n, (n as f64 * common.ratio).round() as u64)
}

fn answered(
    question: String,
    answer: Answer,
    design: Design,
    counted: Counted,
    form: fn(f64) -> String,
) -> Answered {
    Answered {
        question,
        answer,
        design,
        counted,
        form,
        alternatives: Vec::new(),
        looks: None,
        notes: Vec::new(),
    }
}

fn means_answer(a: &MeansArguments) -> Result<Answered> {
    let formula = match a.formula {
        MeanFormulaName::T => MeanFormula::NoncentralT,
        MeanFormulaName::Normal => MeanFormula::Normal,
    };
    let spread = format!("Mean with standard deviation {}", units::number(a.sd));
    let delta = a.question.mde.unwrap_or(0.0);
    if let Some(margin) = a.goal.equivalent_within {
        let question = Equivalent::Means {
            sd: a.sd,
            difference: delta,
        };
        return equivalence_answer(
            question,
            margin,
            &spread,
            &a.question,
            &a.common,
            units::change,
        );
    }
    if let Some(margin) = a.goal.non_inferior_by {
        let design = design(&a.common, Sides::One, false)?;
        let effect = MeanEffect {
            delta: match better(&a.goal) {
                Better::Higher => delta,
                Better::Lower => -delta,
            },
            sd: a.sd,
        };
        let answer = match a.question.n {
            None => Answer::Size(means::non_inferiority_size(
                effect, margin, &design, formula,
            )?),
            Some(n) => {
                let arms = treatment(n, &a.common);
                let power = means::non_inferiority_power(effect, margin, arms, &design, formula)?;
                Answer::Power(power)
            }
        };
        let text = format!("{spread}, treatment not worse by {}", units::number(margin));
        return Ok(answered(
            text,
            answer,
            design,
            Counted::Units,
            units::change,
        ));
    }
    mean_difference(&spread, a.sd, formula, &a.question, &a.common)
}

fn ratio_answer(a: &RatioArguments) -> Result<Answered> {
    let pilot = Spread::Pilot {
        n: a.pilot_n,
        half_width: a.pilot_half_width,
        level: a.pilot_level,
    };
    // An interval says the same of a ratio over users as of a quantile: only its width counts.
    let sd = quantiles::equivalent_sd(0.5, pilot)?;
    let spread = format!(
        "Ratio with a standard deviation of {} a user",
        units::number(sd)
    );
    mean_difference(&spread, sd, MeanFormula::RatioDelta, &a.question, &a.common)
}

fn mean_difference(
    spread: &str,
    sd: f64,
    formula: MeanFormula,
    question: &QuestionArguments,
    common: &PowerCommon,
) -> Result<Answered> {
    let asked = asked(question)?;
    let design = design(common, sides(common), matches!(asked, Asked::Change(_)))?;
    let effect = |delta| MeanEffect { delta, sd };
    let arms = |n| treatment(n, common);
    let answer = match asked {
        Asked::Size(mde) => Answer::Size(means::sample_size(effect(mde), &design, formula)?),
        Asked::Power(mde, n) => {
            Answer::Power(means::power(effect(mde), arms(n), &design, formula)?)
        }
        Asked::Change(n) => {
            Answer::Change(means::detectable_change(sd, arms(n), &design, formula)?)
        }
    };
    let text = format!("{spread}{}", difference_text(question.mde, units::change));
    Ok(answered(
        text,
        answer,
        design,
        Counted::Units,
        units::change,
    ))
}

fn quantile_answer(a: &QuantileArguments) -> Result<Answered> {
    let spread = match (a.median, a.value, a.pilot_n, a.pilot_half_width, a.density) {
        (Some(median), Some(value), ..) => Spread::LogNormal { median, value },
        (_, _, Some(n), Some(half_width), _) => Spread::Pilot {
            n,
            half_width,
            level: a.pilot_level,
        },
        (.., Some(density)) => Spread::Density(density),
        _ => {
            return Err(
                settings("The spread around the quantile is not given").hint(
                    "Give --median and --value, --pilot-n and --pilot-half-width, or --density",
                ),
            );
        }
    };
    let asked = asked(&a.question)?;
    let is_change = matches!(asked, Asked::Change(_));
    let design = design(&a.common, sides(&a.common), is_change)?;
    let arms = |n| treatment(n, &a.common);
    let answer = match asked {
        Asked::Size(mde) => Answer::Size(quantiles::sample_size(mde, a.quantile, spread, &design)?),
        Asked::Power(mde, n) => {
            Answer::Power(quantiles::power(mde, a.quantile, spread, arms(n), &design)?)
        }
        Asked::Change(n) => Answer::Change(quantiles::detectable_change(
            a.quantile,
            spread,
            arms(n),
            &design,
        )?),
    };
    let text = format!(
        "Quantile {}{}",
        a.quantile,
        difference_text(a.question.mde, units::change)
    );
    Ok(answered(
        text,
        answer,
        design,
        Counted::Units,
        units::change,
    ))
}

fn paired_proportions_answer(a: &PairedProportionsArguments) -> Result<Answered> {
    let asked = asked(&a.question)?;
    let is_change = matches!(asked, Asked::Change(_));
    let design = design(&a.common, sides(&a.common), is_change)?;
    let answer = match asked {
        Asked::Size(mde) => Answer::Size(pairs::sample_size_shares(a.discordant, mde, &design)?),
        Asked::Power(mde, n) => Answer::Power(pairs::power_shares(a.discordant, mde, n, &design)?),
        Asked::Change(n) => {
            let found = pairs::detectable_share(a.discordant, n, &design)?;
            Answer::Change(both_ways(found, Formula::McNemarConnor))
        }
    };
    let text = format!(
        "Pairs of which {} differ{}",
        units::share(a.discordant),
        difference_text(a.question.mde, units::points)
    );
    Ok(answered(
        text,
        answer,
        design,
        Counted::Pairs,
        units::points,
    ))
}

fn paired_means_answer(a: &PairedMeansArguments) -> Result<Answered> {
    let asked = asked(&a.question)?;
    let is_change = matches!(asked, Asked::Change(_));
    let design = design(&a.common, sides(&a.common), is_change)?;
    let effect = |delta| MeanEffect { delta, sd: a.sd };
    let answer = match asked {
        Asked::Size(mde) => Answer::Size(pairs::sample_size_means(effect(mde), &design)?),
        Asked::Power(mde, n) => Answer::Power(pairs::power_means(effect(mde), n, &design)?),
        Asked::Change(n) => {
            let found = pairs::detectable_mean(a.sd, n, &design)?;
            Answer::Change(both_ways(Some(found), Formula::PairedT))
        }
    };
    let text = format!(
        "Differences within pairs with standard deviation {}{}",
        units::number(a.sd),
        difference_text(a.question.mde, units::change)
    );
    Ok(answered(
        text,
        answer,
        design,
        Counted::Pairs,
        units::change,
    ))
}

fn both_ways(size: Option<f64>, formula: Formula) -> DetectableChange {
    DetectableChange {
        formula,
        up: size,
        down: size.map(|d| -d),
    }
}

fn equivalence_answer(
    question: Equivalent,
    margin: f64,
    what: &str,
    asked: &QuestionArguments,
    common: &PowerCommon,
    form: fn(f64) -> String,
) -> Result<Answered> {
    if common.looks.is_some() {
        return Err(settings("Several looks are not planned for equivalence")
            .hint("Leave out --looks, or plan --non-inferior-by"));
    }
    let design = design(common, Sides::One, false)?;
    let answer = match asked.n {
        None => Answer::Size(equivalence::sample_size(question, margin, &design)?),
        Some(n) => {
            let arms = treatment(n, common);
            Answer::Power(equivalence::power(question, margin, arms, &design)?)
        }
    };
    let text = format!("{what}, within {} of each other", unsigned(&form(margin)));
    Ok(answered(text, answer, design, Counted::Units, form))
}

/// A margin has no direction.
fn unsigned(difference: &str) -> &str {
    difference.trim_start_matches('+')
}

fn difference_text(mde: Option<f64>, form: fn(f64) -> String) -> String {
    mde.map_or_else(String::new, |mde| format!(", difference {}", form(mde)))
}

const fn better(goal: &GoalArguments) -> Better {
    match goal.better {
        Some(Direction::Lower) => Better::Lower,
        _ => Better::Higher,
    }
}

const fn boundary(bounds: Bounds) -> Boundary {
    match bounds {
        Bounds::ObrienFleming => Boundary::ObrienFleming,
        Bounds::Pocock => Boundary::Pocock,
        Bounds::SpendObrienFleming => Boundary::Spending(Spending::ObrienFleming),
        Bounds::SpendPocock => Boundary::Spending(Spending::Pocock),
    }
}

fn settings(what: &str) -> Error {
    Error::new(ErrorKind::Settings, what.to_owned())
}
