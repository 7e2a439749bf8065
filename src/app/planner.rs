//! What the Plan screen asks the calculators, and their answers, computed when an input changes.

use crate::analysis::{Analysis, PlanInputs};
use crate::report::chart::{Along, Axis, Chart, Layer, Scale, Tone};
use crate::stats::power::{self, Design, SampleSize, means, proportions};
use crate::units::{self, ValueForm};

/// What is planned for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PlanMetric {
    /// A share, such as errors or conversions.
    #[default]
    Share,
    /// A mean, such as ratings.
    Mean,
}

/// Inputs of the calculators.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanFields {
    /// What is planned for.
    pub metric: PlanMetric,
    /// Share in the control, 0 to 1.
    pub baseline: f64,
    /// Smallest absolute difference of shares worth finding.
    pub share_mde: f64,
    /// Standard deviation of one observation.
    pub sd: f64,
    /// Smallest difference of means worth finding.
    pub mean_mde: f64,
    /// Two-sided error probability of the first kind.
    pub alpha: f64,
    /// Wanted power.
    pub power: f64,
    /// Treatment observations per control observation.
    pub ratio: f64,
    /// Variance by user over variance by observation.
    pub design_effect: f64,
    /// Observations of all arms per day; 0 where unknown.
    pub per_day: f64,
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
    /// Smallest detectable difference by observations per arm.
    pub curve: Chart,
}

impl Default for PlanFields {
    fn default() -> Self {
        Self {
            metric: PlanMetric::Share,
            baseline: 0.10,
            share_mde: 0.05,
            sd: 1.0,
            mean_mde: 0.1,
            alpha: 0.05,
            power: 0.8,
            ratio: 1.0,
            design_effect: 1.0,
            per_day: 0.0,
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
                (fields.design_effect, fields.per_day) = (error_design_effect.max(1.0), per_day);
            }
            PlanMetric::Mean => {
                fields.sd = rating_sd.filter(|sd| *sd > 0.0).unwrap_or(fields.sd);
                fields.mean_mde = analysis.settings.margins.rating;
                (fields.design_effect, fields.per_day) = (
                    rating_design_effect.max(1.0),
                    per_day * rated_share.unwrap_or(1.0),
                );
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

impl Answer {
    fn of(fields: &PlanFields) -> Self {
        let design = Design {
            alpha: fields.alpha,
            power: fields.power,
            ratio: fields.ratio,
            design_effect: fields.design_effect,
            ..Design::default()
        };
        let size = match fields.metric {
            PlanMetric::Share => proportions::sample_size(
                fields.baseline,
                fields.baseline + fields.share_mde,
                &design,
                proportions::ShareFormula::default(),
            ),
            PlanMetric::Mean => means::sample_size(
                means::MeanEffect {
                    delta: fields.mean_mde,
                    sd: fields.sd,
                },
                &design,
                means::MeanFormula::default(),
            ),
        };
        let size = size.map_err(|error| error.to_string());
        let days = size
            .as_ref()
            .ok()
            .and_then(|size| size.days(fields.per_day));
        let curve = curve(fields, &design, size.as_ref().ok());
        Self { size, days, curve }
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
        let change = match fields.metric {
            PlanMetric::Share => proportions::detectable_change(
                fields.baseline,
                arms,
                design,
                proportions::ShareFormula::default(),
            ),
            PlanMetric::Mean => {
                means::detectable_change(fields.sd, arms, design, means::MeanFormula::default())
            }
        };
        change
            .ok()
            .and_then(|c: power::DetectableChange| c.up)
            .map(|up| (n, up))
    };
    let points: Vec<(f64, f64)> = (0..=32).filter_map(point).collect();
    let (form, mde) = match fields.metric {
        PlanMetric::Share => (ValueForm::Share, fields.share_mde),
        PlanMetric::Mean => (ValueForm::Number, fields.mean_mde),
    };
    let mut layers = vec![Layer::Line {
        name: "smallest detectable increase".to_owned(),
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
        caption: "Smallest increase found with the wanted power, by observations in the control. The horizontal line is the difference asked for.".to_owned(),
        x: Axis::new("observations in the control", Scale::Linear(ValueForm::Number)),
        y: Axis::new("difference", Scale::Change(form)),
        layers,
    }
    .with_y_from_zero()
}
