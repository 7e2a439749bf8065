//! What the analyst chooses.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Direction, InferenceUnit, MetricRole, Strategy};
use crate::data::Filter;

/// What becomes of users who are in several arms.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CrossingUnits {
    /// They count in every arm that they were in.
    #[default]
    Keep,
    /// Only their requests in the arm that they were in first count.
    First,
    /// They are left out.
    Drop,
}

impl CrossingUnits {
    /// As shown to people.
    pub fn label(self) -> &'static str {
        match self {
            Self::Keep => "Keep them in all their arms",
            Self::First => "Keep them in their first arm",
            Self::Drop => "Leave them out",
        }
    }
}

/// The choices behind an analysis; stored in projects, printed in reports.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AnalysisSettings {
    /// Label of the control arm; `None` lets names and sizes decide.
    pub control: Option<String>,
    /// Label of the arm that the decision is about; `None` takes the largest other arm.
    pub treatment: Option<String>,
    /// How the rollout was done; `None` infers it from the log.
    pub strategy: Option<Strategy>,
    /// Confidence level of every interval.
    pub level: f64,
    /// Expected share of units per arm label; empty means equal shares for an A/B test and no
    /// expectation for a canary, whose shares change by design.
    pub expected_shares: Vec<(String, f64)>,
    /// What becomes of users who are in several arms.
    pub crossing: CrossingUnits,
    /// How much worse the treatment may be before it counts as harm.
    pub margins: Margins,
    /// Which rows are looked at.
    pub filter: Filter,
    /// What one observation of an inference is; users wherever the log names them, by default.
    pub unit: InferenceUnit,
    /// Whether the log is looked at once, or again and again while it grows.
    pub looks: Looks,
    /// Whether the arms are compared within stages where the treatment's share changed.
    pub strata: StrataChoice,
    /// How metrics declared primary or secondary are corrected for their number.
    pub correction: Correction,
    /// Per metric id: what the analyst chose instead of the defaults.
    pub metrics: BTreeMap<String, MetricChoice>,
}

/// What the analyst chose for one metric; `None` leaves the default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MetricChoice {
    /// What it counts for.
    pub role: Option<MetricRole>,
    /// Which way is better.
    pub direction: Option<Direction>,
    /// The tolerated change for the worse: absolute for error share, share rated and mean rating,
    /// relative to the control's value for the rest.
    pub margin: Option<f64>,
}

/// How often somebody looks at the figures and may act on them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Looks {
    /// Once, at an end that was fixed beforehand.
    #[default]
    Fixed,
    /// At any time, as often as wanted: intervals become confidence sequences.
    Continuous,
}

/// Whether arms are compared within stages of constant treatment share.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StrataChoice {
    /// Within stages wherever the treatment's share changed over time.
    #[default]
    Stages,
    /// Over the whole log, as if time did not matter.
    None,
}

/// Correction of p-values for the number of metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Correction {
    /// Holm: holds the chance of any false finding.
    #[default]
    Holm,
    /// Benjamini and Hochberg: holds the expected share of false findings among the findings.
    BenjaminiHochberg,
    /// None: each metric is read as if it were the only one.
    None,
}

impl Correction {
    /// All of them, the safest first.
    pub const ALL: [Self; 3] = [Self::Holm, Self::BenjaminiHochberg, Self::None];

    /// As shown to people.
    pub fn label(self) -> &'static str {
        match self {
            Self::Holm => "Holm",
            Self::BenjaminiHochberg => "Benjamini-Hochberg",
            Self::None => "uncorrected",
        }
    }
}

/// Non-inferiority margins per guardrail. All are sizes of a change for the worse.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Margins {
    /// Error share, absolute: 0.01 is one percentage point.
    pub error_share: f64,
    /// Latency quantiles, relative to the control's: 0.10 is 10 % slower.
    pub latency: f64,
    /// Mean rating, in points of its scale.
    pub rating: f64,
    /// Mean cost and tokens, relative to the control's.
    pub cost: f64,
    /// Other metrics, relative to the control's.
    pub metric: f64,
}

impl Default for Margins {
    fn default() -> Self {
        Self {
            error_share: 0.01,
            latency: 0.10,
            rating: 0.1,
            cost: 0.10,
            metric: 0.10,
        }
    }
}

impl Default for AnalysisSettings {
    fn default() -> Self {
        Self {
            control: None,
            treatment: None,
            strategy: None,
            level: 0.95,
            expected_shares: Vec::new(),
            crossing: CrossingUnits::default(),
            margins: Margins::default(),
            filter: Filter::default(),
            unit: InferenceUnit::Unit,
            looks: Looks::default(),
            strata: StrataChoice::default(),
            correction: Correction::default(),
            metrics: BTreeMap::new(),
        }
    }
}
