//! What the Plan screen asks the calculators, and their answers, computed when an input changes.

use crate::analysis::{Analysis, PlanInputs};
use crate::error::Result;
use crate::report::chart::{Along, Axis, Chart, Layer, Scale, Tone};
use crate::stats::power::looks::{self, SequentialSize};
use crate::stats::power::means::{MeanEffect, MeanFormula};
use crate::stats::power::proportions::{MarginFormula, ShareFormula, ShareMargin};
use crate::stats::power::quantiles::{self, Spread};
use crate::stats::power::{
    Better, Design, DetectableChange, SampleSize, Sides, means, proportions, published,
};
use crate::stats::sequential::Boundary;
use crate::units::{self, ValueForm};

/// The quantile of a pilot. Its interval carries the spread, so that the level changes no size.
const PILOT_Q: f64 = 0.95;

/// What is planned for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PlanMetric {
    /// A share, such as errors or conversions.
    #[default]
    Share,
    /// A mean, such as ratings.
    Mean,
    /// A ratio over users, such as errors per request, from the spread between users.
    Ratio,
    /// A quantile, such as p95 latency.
    Quantile,
}

/// What is to be shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PlanGoal {
    /// That the arms differ.
    #[default]
    Difference,
    /// That the treatment is not worse by more than a margin.
    NonInferior,
}

/// Inputs of the calculators.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanFields {
    /// What is planned for.
    pub metric: PlanMetric,
    /// What is to be shown; a ratio or a quantile is planned for a difference.
    pub goal: PlanGoal,
    /// Which way is better, where no more than a margin is to be lost.
    pub better: Better,
    /// Share in the control, 0 to 1.
    pub baseline: f64,
    /// Smallest absolute difference of shares worth finding.
    pub share_mde: f64,
    /// Standard deviation of one observation.
    pub sd: f64,
    /// Smallest difference of means worth finding.
    pub mean_mde: f64,
    /// Units of a pilot arm whose interval of the ratio or quantile is known.
    pub pilot_n: u64,
    /// Half the width of that interval, at 95 %.
    pub pilot_half_width: f64,
    /// Smallest difference of ratios or quantiles worth finding.
    pub pilot_mde: f64,
    /// Error probability of the first kind: two-sided for a difference, one-sided for a margin.
    pub alpha: f64,
    /// Wanted power.
    pub power: f64,
    /// Treatment observations per control observation.
    pub ratio: f64,
    /// Variance by user over variance by observation.
    pub design_effect: f64,
    /// Observations of all arms per day; 0 where unknown.
    pub per_day: f64,
    /// Looks at equal distances; 1 looks once, at the end.
    pub looks: u32,
    /// The bounds of several looks.
    pub boundary: Boundary,
}

/// The planner with its last answer.
#[derive(Debug, Default)]
pub struct Planner {
    /// The inputs.
    pub fields: PlanFields,
    answered: Option<(PlanFields, Answer)>,
    /// The log that the inputs were last filled from.
    filled_from: Option<String>,
}

/// The calculators' answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The sizes, or why there are none.
    pub size: Result<SampleSize, String>,
    /// Days at the given traffic.
    pub days: Option<u64>,
    /// The same size by other formulas.
    pub alternatives: Vec<SampleSize>,
    /// The plan of several looks.
    pub looks: Option<SequentialSize>,
    /// What to know about answers that are published to this question.
    pub notes: Vec<String>,
    /// Smallest detectable difference by observations per arm.
    pub curve: Chart,
}

impl PlanMetric {
    /// The metric of a log that it is filled from.
    pub fn of_log(self) -> &'static str {
        match self {
            Self::Share | Self::Ratio => "error_share",
            Self::Mean => "rating_mean",
            Self::Quantile => "latency_p95",
        }
    }
}

impl Default for PlanFields {
    fn default() -> Self {
        Self {
            metric: PlanMetric::Share,
            goal: PlanGoal::Difference,
            better: Better::Lower,
            baseline: 0.10,
            share_mde: 0.05,
            sd: 1.0,
            mean_mde: 0.1,
            pilot_n: 1000,
            pilot_half_width: 1.0,
            pilot_mde: 1.0,
            alpha: 0.05,
            power: 0.8,
            ratio: 1.0,
            design_effect: 1.0,
            per_day: 0.0,
            looks: 1,
            boundary: Boundary::ObrienFleming,
        }
    }
}

impl Planner {
    /// Starts from a log when it is new, or when another metric is chosen.
    pub fn follow(&mut self, analysis: &Analysis, is_other_metric: bool) {
        if is_other_metric || self.filled_from.as_ref() != Some(&analysis.log.name) {
            self.fill_from(analysis);
        }
    }

    /// Takes the baseline, spread and traffic of a log.
    pub fn fill_from(&mut self, analysis: &Analysis) {
        let PlanInputs {
            error_share,
            error_design_effect,
            rating_sd,
            rating_design_effect,
            rated_share,
            requests_per_day,
            ..
        } = analysis.plan;
        self.filled_from = Some(analysis.log.name.clone());
        let fields = &mut self.fields;
        let per_day = requests_per_day.unwrap_or(0.0);
        match fields.metric {
            PlanMetric::Share => {
                fields.baseline = error_share
                    .filter(|s| *s > 0.0 && *s < 1.0)
                    .unwrap_or(fields.baseline);
                fields.share_mde = analysis.settings.margins.error_share;
                fields.better = Better::Lower;
                (fields.design_effect, fields.per_day) = (error_design_effect.max(1.0), per_day);
            }
            PlanMetric::Mean => {
                fields.sd = rating_sd.filter(|sd| *sd > 0.0).unwrap_or(fields.sd);
                fields.mean_mde = analysis.settings.margins.rating;
                fields.better = Better::Higher;
                (fields.design_effect, fields.per_day) = (
                    rating_design_effect.max(1.0),
                    per_day * rated_share.unwrap_or(1.0),
                );
            }
            PlanMetric::Ratio => {
                let users = analysis.log.n_units.unwrap_or(0) as f64;
                let share = users / (analysis.log.n_requests as f64).max(1.0);
                fields.take_pilot(analysis, fields.metric.of_log());
                (fields.design_effect, fields.per_day) = (1.0, per_day * share);
            }
            PlanMetric::Quantile => {
                fields.take_pilot(analysis, fields.metric.of_log());
                (fields.design_effect, fields.per_day) = (1.0, per_day);
            }
        }
        fields.ratio = 1.0;
    }

    /// The answer to the present inputs.
    pub fn answer(&mut self) -> &Answer {
        let is_current = self
            .answered
            .as_ref()
            .is_some_and(|(fields, _)| *fields == self.fields);
        if !is_current {
            self.answered = None;
        }
        let fields = self.fields.clone();
        &self
            .answered
            .get_or_insert_with(|| (fields.clone(), Answer::of(&fields)))
            .1
    }
}

impl PlanFields {
    /// A metric's interval in the control: users are in it as the log has them.
    fn take_pilot(&mut self, analysis: &Analysis, metric: &str) {
        let row = analysis.scorecard.iter().find(|row| row.id == metric);
        let pilot = row.and_then(|row| row.values[analysis.control].estimate);
        let Some(pilot) = pilot.filter(|p| p.interval.upper > p.interval.lower) else {
            return;
        };
        let z = |level: f64| crate::stats::dist::z_multiplier(level).unwrap_or(1.0);
        let to_95 = z(0.95) / z(pilot.level);
        self.pilot_n = pilot.n;
        self.pilot_half_width = to_95 * (pilot.interval.upper - pilot.interval.lower) / 2.0;
        let margin = row
            .into_iter()
            .flat_map(|row| &row.effects)
            .find_map(|effect| effect.margin);
        self.pilot_mde = margin.unwrap_or(self.pilot_half_width);
    }

    /// The goal that this metric can be planned for.
    pub fn effective_goal(&self) -> PlanGoal {
        match self.metric {
            PlanMetric::Share | PlanMetric::Mean => self.goal,
            PlanMetric::Ratio | PlanMetric::Quantile => PlanGoal::Difference,
        }
    }

    /// How its differences are written.
    pub fn form(&self) -> ValueForm {
        match self.metric {
            PlanMetric::Share | PlanMetric::Ratio => ValueForm::Share,
            PlanMetric::Mean => ValueForm::Number,
            PlanMetric::Quantile => ValueForm::LatencyMs,
        }
    }

    /// The difference, or the margin, that is asked for.
    pub fn asked(&self) -> f64 {
        match self.metric {
            PlanMetric::Share => self.share_mde,
            PlanMetric::Mean => self.mean_mde,
            PlanMetric::Ratio | PlanMetric::Quantile => self.pilot_mde,
        }
    }

    fn pilot(&self) -> Spread {
        Spread::Pilot {
            n: self.pilot_n,
            half_width: self.pilot_half_width,
            level: 0.95,
        }
    }

    /// Standard deviation of one unit, from the pilot.
    fn pilot_sd(&self) -> Result<f64> {
        // Only the interval's width counts, whatever it is an interval of.
        quantiles::equivalent_sd(PILOT_Q, self.pilot())
    }

    /// The design as its test is made: against a margin one-sided.
    fn tested(&self, design: &Design) -> Design {
        let sides = match self.effective_goal() {
            PlanGoal::Difference => Sides::Two,
            PlanGoal::NonInferior => Sides::One,
        };
        Design { sides, ..*design }
    }

    /// Of the test: decisions hold a margin against one end of a two-sided interval.
    pub fn tested_alpha(&self) -> f64 {
        match self.effective_goal() {
            PlanGoal::Difference => self.alpha,
            PlanGoal::NonInferior => self.alpha / 2.0,
        }
    }

    fn design(&self) -> Design {
        Design {
            alpha: self.tested_alpha(),
            power: self.power,
            ratio: self.ratio,
            design_effect: self.design_effect,
            ..Design::default()
        }
    }

    /// Of a single look.
    fn size(&self, design: &Design) -> Result<SampleSize> {
        let margin = self.asked().abs();
        match (self.metric, self.effective_goal()) {
            (PlanMetric::Share, PlanGoal::Difference) => {
                let to = self.baseline + self.share_mde;
                proportions::sample_size(self.baseline, to, design, ShareFormula::default())
            }
            (PlanMetric::Share, PlanGoal::NonInferior) => {
                let question = ShareMargin {
                    control: self.baseline,
                    treatment: self.baseline,
                    margin,
                    better: self.better,
                };
                proportions::non_inferiority_size(&question, design, MarginFormula::Wald)
            }
            (PlanMetric::Mean, PlanGoal::Difference) => {
                let effect = MeanEffect {
                    delta: self.mean_mde,
                    sd: self.sd,
                };
                means::sample_size(effect, design, MeanFormula::default())
            }
            (PlanMetric::Mean, PlanGoal::NonInferior) => {
                let effect = MeanEffect {
                    delta: 0.0,
                    sd: self.sd,
                };
                means::non_inferiority_size(effect, margin, design, MeanFormula::default())
            }
            (PlanMetric::Quantile, _) => {
                quantiles::sample_size(self.pilot_mde, PILOT_Q, self.pilot(), design)
            }
            (PlanMetric::Ratio, _) => {
                let effect = MeanEffect {
                    delta: self.pilot_mde,
                    sd: self.pilot_sd()?,
                };
                means::sample_size(effect, design, MeanFormula::RatioDelta)
            }
        }
    }

    /// The smallest difference, or margin, that these arms find.
    fn detectable(&self, arms: (u64, u64), design: &Design) -> Result<Option<f64>> {
        let up = |change: DetectableChange| change.up;
        let by_t = MeanFormula::default();
        match (self.metric, self.effective_goal()) {
            (PlanMetric::Share, PlanGoal::Difference) => {
                proportions::detectable_change(self.baseline, arms, design, ShareFormula::default())
                    .map(up)
            }
            (PlanMetric::Share, PlanGoal::NonInferior) => {
                let formula = MarginFormula::Wald;
                proportions::provable_margin(self.baseline, self.better, arms, design, formula)
            }
            (PlanMetric::Mean, PlanGoal::Difference) => {
                means::detectable_change(self.sd, arms, design, by_t).map(up)
            }
            (PlanMetric::Mean, PlanGoal::NonInferior) => {
                means::provable_margin(self.sd, arms, design, by_t).map(Some)
            }
            (PlanMetric::Quantile, _) => {
                quantiles::detectable_change(PILOT_Q, self.pilot(), arms, design).map(up)
            }
            (PlanMetric::Ratio, _) => {
                let sd = self.pilot_sd()?;
                means::detectable_change(sd, arms, design, MeanFormula::RatioDelta).map(up)
            }
        }
    }
}

impl Answer {
    fn of(fields: &PlanFields) -> Self {
        let design = fields.design();
        let single = fields.size(&design);
        let mut looks = None;
        let size = single.and_then(|single| {
            if fields.looks < 2 {
                return Ok(single);
            }
            let count = fields.looks as usize;
            let sides = fields.tested(&design);
            let plan = looks::sample_size(&single, count, fields.boundary, &sides)?;
            let full = plan.full;
            looks = Some(plan);
            Ok(full)
        });
        let is_published =
            fields.metric == PlanMetric::Share && fields.goal == PlanGoal::Difference;
        let is_plain = is_published && fields.looks < 2 && size.is_ok();
        let (mut alternatives, mut notes) = (Vec::new(), Vec::new());
        if is_plain {
            let others = ShareFormula::ALL
                .into_iter()
                .filter(|formula| *formula != ShareFormula::default());
            let to = fields.baseline + fields.share_mde;
            alternatives = others
                .filter_map(|f| proportions::sample_size(fields.baseline, to, &design, f).ok())
                .collect();
            notes =
                published::notes(fields.baseline, fields.share_mde, &design).unwrap_or_default();
        }
        let size = size.map_err(|error| error.to_string());
        let days = size
            .as_ref()
            .ok()
            .and_then(|size| size.days(fields.per_day));
        let curve = curve(fields, &design, size.as_ref().ok());
        Self {
            size,
            days,
            alternatives,
            looks,
            notes,
            curve,
        }
    }
}

/// Detectable difference against observations in the control, on a logarithmic axis of counts.
fn curve(fields: &PlanFields, design: &Design, size: Option<&SampleSize>) -> Chart {
    let centre = size.map_or(1000.0, |s| s.n_control as f64).clamp(20.0, 1e9);
    let point = |i: i32| -> Option<(f64, f64)> {
        let n = (centre * 10f64.powf(f64::from(i) / 20.0 - 1.0))
            .round()
            .max(4.0);
        let arms = (n as u64, (n * fields.ratio).round().max(4.0) as u64);
        let found = fields.detectable(arms, design).ok()?;
        found.map(|up| (n, up))
    };
    let points: Vec<(f64, f64)> = (0..=32).filter_map(point).collect();
    let (form, mde) = (fields.form(), fields.asked());
    let is_margin = fields.effective_goal() == PlanGoal::NonInferior;
    let mut layers = vec![Layer::Line {
        name: if is_margin {
            "smallest margin that can be shown".to_owned()
        } else {
            "smallest detectable increase".to_owned()
        },
        tone: Tone::Arm(0),
        points,
    }];
    layers.push(Layer::Rule {
        label: String::new(),
        tone: Tone::Quiet,
        axis: Along::Y,
        at: mde.abs(),
    });
    if let Some(size) = size {
        let label = format!("{} needed", units::count(size.n_control));
        layers.push(Layer::Rule {
            label,
            tone: Tone::Good,
            axis: Along::X,
            at: size.n_control as f64,
        });
    }
    Chart {
        id: "plan-curve".to_owned(),
        title: "What a sample can detect".to_owned(),
        caption: format!(
            "{} with the wanted power in one look, by observations in the control. The horizontal line is what is asked for.",
            if is_margin { "Smallest margin shown" } else { "Smallest increase found" }
        ),
        x: Axis::new("Observations in the control", Scale::Linear(ValueForm::Number)),
        y: Axis::new("Difference", Scale::Change(form)),
        layers,
    }
    .with_y_from_zero()
}
