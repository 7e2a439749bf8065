//! `hindsight power`: sample sizes, power and detectable effects; needs no log.

use serde_json::json;

use super::Finish;
use super::arguments::{PowerArguments, PowerCommon, PowerMetric};
use super::output::{print, print_json};
use crate::error::{Error, ErrorKind, Result};
use crate::stats::power::{self, Design, DetectableChange, Power, SampleSize};
use crate::units;

/// What was asked: exactly one of the three follows from which numbers are given.
enum Answer {
    Size(SampleSize),
    Power(Power),
    Change(DetectableChange),
}

pub(super) fn run(arguments: &PowerArguments) -> Result<Finish> {
    let (common, answer, question) = match &arguments.metric {
        PowerMetric::Proportions {
            baseline,
            mde,
            n,
            common,
        } => {
            let design = design(common);
            let formula = power::proportions::ShareFormula::default();
            let arms = n.map(|n| (n, treatment(n, common)));
            let target = mde.map(|mde| target_share(*baseline, mde)).transpose()?;
            let answer = match (target, arms) {
                (Some(target), None) => Answer::Size(power::proportions::sample_size(
                    *baseline, target, &design, formula,
                )?),
                (Some(target), Some(arms)) => Answer::Power(power::proportions::power(
                    *baseline, target, arms, &design, formula,
                )?),
                (None, Some(arms)) => Answer::Change(power::proportions::detectable_change(
                    *baseline, arms, &design, formula,
                )?),
                (None, None) => return Err(nothing_asked()),
            };
            let to = mde
                .map(|mde| format!(" to {}", units::share(baseline + mde)))
                .unwrap_or_default();
            (
                common,
                answer,
                format!("Share of {}{to}", units::share(*baseline)),
            )
        }
        PowerMetric::Means { sd, mde, n, common } => {
            let design = design(common);
            let formula = power::means::MeanFormula::default();
            let arms = n.map(|n| (n, treatment(n, common)));
            let effect = mde.map(|delta| power::means::MeanEffect { delta, sd: *sd });
            let answer = match (effect, arms) {
                (Some(effect), None) => {
                    Answer::Size(power::means::sample_size(effect, &design, formula)?)
                }
                (Some(effect), Some(arms)) => {
                    Answer::Power(power::means::power(effect, arms, &design, formula)?)
                }
                (None, Some(arms)) => Answer::Change(power::means::detectable_change(
                    *sd, arms, &design, formula,
                )?),
                (None, None) => return Err(nothing_asked()),
            };
            let by = mde
                .map(|mde| format!(", difference {}", units::change(mde)))
                .unwrap_or_default();
            (
                common,
                answer,
                format!("Mean with standard deviation {}{by}", units::number(*sd)),
            )
        }
    };
    if common.json {
        print_json(&as_json(common, &answer))?;
    } else {
        let design = format!("two-sided alpha {}, power {}", common.alpha, common.power);
        let form = match arguments.metric {
            PowerMetric::Proportions { .. } => units::points,
            PowerMetric::Means { .. } => units::change,
        };
        print(&format!(
            "{question}; {design}\n{}\n",
            as_text(&answer, form)
        ))?;
    }
    Ok(Finish::Done)
}

/// The share after a change, which must still be one.
fn target_share(baseline: f64, mde: f64) -> Result<f64> {
    let target = baseline + mde;
    if target > 0.0 && target < 1.0 {
        return Ok(target);
    }
    Err(Error::new(
        ErrorKind::Settings,
        format!(
            "From {} on, a difference of {} leaves the range of a share",
            units::share(baseline),
            units::points(mde)
        ),
    )
    .hint("--mde is absolute: 0.05 is five percentage points more, and -0.05 five fewer"))
}

fn design(common: &PowerCommon) -> Design {
    Design {
        alpha: common.alpha,
        power: common.power,
        ratio: common.ratio,
        ..Design::default()
    }
}

fn treatment(n: u64, common: &PowerCommon) -> u64 {
    (n as f64 * common.ratio).round() as u64
}

fn nothing_asked() -> Error {
    Error::new(ErrorKind::Settings, "Neither --mde nor --n is given").hint(
        "Give --mde for the sample size, --n for the detectable effect, or both for the power",
    )
}

fn as_json(common: &PowerCommon, answer: &Answer) -> serde_json::Value {
    let (what, value) = match answer {
        Answer::Size(size) => ("sample_size", json!(size)),
        Answer::Power(power) => ("power", json!(power)),
        Answer::Change(change) => ("detectable_change", json!(change)),
    };
    let mut object = json!({"schema": 1, "alpha": common.alpha, "target_power": common.power, "ratio": common.ratio});
    object[what] = value;
    object
}

/// The answer as a sentence; differences in the form of the metric.
fn as_text(answer: &Answer, form: fn(f64) -> String) -> String {
    match answer {
        Answer::Size(size) => format!(
            "{} units in the control and {} in the treatment ({})",
            units::count(size.n_control),
            units::count(size.n_treatment),
            size.formula.label()
        ),
        Answer::Power(power) => format!(
            "Power {} ({})",
            units::share(power.power),
            power.formula.label()
        ),
        Answer::Change(change) => {
            let shown = |value: Option<f64>| value.map_or_else(|| "none".to_owned(), form);
            format!(
                "Detectable increase {}, decrease {} ({})",
                shown(change.up),
                shown(change.down),
                change.formula.label()
            )
        }
    }
}
