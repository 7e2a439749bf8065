//! The three answers of a calculator, for people and as JSON.

use serde_json::{Value, json};

use super::arguments::PowerCommon;
use crate::error::Result;
use crate::stats::power::looks::{self, SequentialSize};
use crate::stats::power::{Design, DetectableChange, Power, SampleSize, Sides};
use crate::stats::sequential::Boundary;
use crate::units;

/// What was asked: exactly one of the three follows from which numbers are given.
pub(super) enum Answer {
    Size(SampleSize),
    Power(Power),
    Change(DetectableChange),
}

/// Whether both arms have units of their own.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Counted {
    Units,
    Pairs,
}

/// An answer with all that is said about it.
pub(super) struct Answered {
    /// The question in words.
    pub(super) question: String,
    pub(super) answer: Answer,
    pub(super) design: Design,
    pub(super) counted: Counted,
    /// How a difference of the metric is written.
    pub(super) form: fn(f64) -> String,
    /// The same size by other formulas.
    pub(super) alternatives: Vec<SampleSize>,
    /// With several looks: the plan behind a size.
    pub(super) looks: Option<SequentialSize>,
    pub(super) notes: Vec<String>,
}

impl Answered {
    /// Spreads a single look over several: a size grows, a power falls. Detectable changes are
    /// found with the inflated design from the start.
    pub(super) fn with_looks(mut self, count: usize, boundary: Boundary) -> Result<Self> {
        match &self.answer {
            Answer::Size(single) => {
                let plan = looks::sample_size(single, count, boundary, &self.design)?;
                self.answer = Answer::Size(plan.full);
                self.looks = Some(plan);
                self.alternatives.clear();
            }
            Answer::Power(single) => {
                let power = looks::power(single, count, boundary, &self.design)?;
                self.answer = Answer::Power(power);
            }
            Answer::Change(_) => {}
        }
        Ok(self)
    }

    /// Whole days until the sample is complete, where the traffic is known.
    fn days(&self, per_day: Option<f64>) -> Option<u64> {
        let Answer::Size(size) = &self.answer else {
            return None;
        };
        match self.counted {
            Counted::Units => size.days(per_day?),
            Counted::Pairs => SampleSize {
                n_treatment: 0,
                ..*size
            }
            .days(per_day?),
        }
    }

    pub(super) fn as_json(&self, common: &PowerCommon) -> Value {
        let (what, value) = match &self.answer {
            Answer::Size(size) => ("sample_size", json!(size)),
            Answer::Power(power) => ("power", json!(power)),
            Answer::Change(change) => ("detectable_change", json!(change)),
        };
        let mut object = json!({
            "schema": 1,
            "question": self.question,
            "alpha": self.design.alpha,
            "sides": self.design.sides,
            "target_power": self.design.power,
            "ratio": self.design.ratio,
            "design_effect": common.design_effect,
        });
        object[what] = value;
        object["alternatives"] = json!(self.alternatives);
        object["looks"] = json!(self.looks);
        object["days"] = json!(self.days(common.per_day));
        object["notes"] = json!(self.notes);
        object
    }

    pub(super) fn as_text(&self, common: &PowerCommon) -> String {
        let sides = match self.design.sides {
            Sides::One => "one-sided",
            Sides::Two => "two-sided",
        };
        let mut lines = vec![
            format!(
                "{}; {sides} alpha {}, power {}",
                self.question, self.design.alpha, self.design.power
            ),
            self.answer_line(),
        ];
        if !self.alternatives.is_empty() {
            lines.push("By other formulas:".to_owned());
            lines.extend(self.alternatives.iter().map(|size| {
                let counts = [size.n_control, size.n_treatment].map(units::count);
                format!(
                    "  {} and {} ({})",
                    counts[0],
                    counts[1],
                    size.formula.label()
                )
            }));
        }
        if let Some(plan) = &self.looks {
            lines.extend(plan_lines(plan));
        }
        if let Some(days) = self.days(common.per_day) {
            lines.push(format!("Days to collect them: {}", units::count(days)));
        }
        lines.extend(self.notes.iter().cloned());
        lines.join("\n") + "\n"
    }

    fn answer_line(&self) -> String {
        match &self.answer {
            Answer::Size(size) => {
                let counts = [size.n_control, size.n_treatment].map(units::count);
                let what = match self.counted {
                    Counted::Units => format!(
                        "{} units in the control and {} in the treatment",
                        counts[0], counts[1]
                    ),
                    Counted::Pairs => format!("{} pairs", counts[0]),
                };
                format!("{what} ({})", size.formula.label())
            }
            Answer::Power(power) => format!(
                "Power {} ({})",
                units::share(power.power),
                power.formula.label()
            ),
            Answer::Change(change) => {
                let shown = |value: Option<f64>| value.map_or_else(|| "none".to_owned(), self.form);
                format!(
                    "Detectable increase {}, decrease {} ({})",
                    shown(change.up),
                    shown(change.down),
                    change.formula.label()
                )
            }
        }
    }
}

fn plan_lines(plan: &SequentialSize) -> Vec<String> {
    let design = &plan.design;
    let bound = match design.sides {
        Sides::One => "z",
        Sides::Two => "|z|",
    };
    let mut lines = vec![format!(
        "That is the most, {} times the units of a single look. Expected: {} of it if the effect \
         is true, {} without one",
        units::number(plan.inflation),
        units::share(plan.expected_information),
        units::share(plan.expected_information_null)
    )];
    let looks = design.information.iter().zip(&design.z);
    lines.extend(looks.zip(&design.nominal_p).map(|((t, z), p)| {
        if z.is_finite() {
            let (t, z) = (units::share(*t), units::number(*z));
            format!(
                "  at {t} of the units stop if {bound} ≥ {z}, p ≤ {}",
                units::p_value(*p)
            )
        } else {
            format!("  at {} of the units never stop", units::share(*t))
        }
    }));
    lines
}
