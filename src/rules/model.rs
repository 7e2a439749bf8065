//! The rulebook as a value: what TOML says, checked. [`Rulebook::parse`] reads it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::raw::RawRulebook;
use super::{Clock, Cmp, Metric, Persistence, TimeSpan, Window};

/// Rules, with the arms they speak of and the plans they belong to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "RawRulebook", into = "RawRulebook")]
pub struct Rulebook {
    /// The name shown to people; may be empty.
    pub title: String,
    /// Which arms of the log are meant; without labels the caller says.
    pub arms: ArmLabels,
    /// The rules, in the order of the file; at least one.
    pub rules: Vec<Rule>,
    /// Stage plans by name.
    pub plans: BTreeMap<String, Plan>,
}

/// Labels of the log's arms; they override what the caller chose.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ArmLabels {
    /// The arm under test.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canary: Option<String>,
    /// The arm it is compared with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baseline: Option<String>,
}

/// One rule: when it looks, what it looks at, and what it does.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Its name in reports and on the command line; unique in the rulebook.
    pub id: String,
    /// Its name on the screens.
    pub title: String,
    /// What it is and where it comes from; may be empty.
    pub description: String,
    /// What is known to be wrong with it, one sentence each.
    pub faults: Vec<String>,
    /// When it is evaluated.
    pub clock: Clock,
    /// Requests that must be there before anything is evaluated.
    pub min: Option<Minimum>,
    /// The conditions.
    pub root: Node,
    /// How long or how often they must hold.
    pub persistence: Persistence,
    /// What happens then.
    pub action: Action,
    /// How long after the decision the action takes effect.
    pub delay: TimeSpan,
    /// Whether a decision stands until somebody revokes it. The open-loop replay shows the
    /// unlatched states.
    pub latch: bool,
    /// What the monitor does after it acted. Read and kept; the open-loop replay does not use it.
    pub after: After,
}

/// Requests that must be in a window before a rule is evaluated at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Minimum {
    /// The window in which requests are counted.
    pub window: Window,
    /// How many requests of each arm.
    pub n: PerArm,
}

/// A number per arm.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PerArm {
    /// For the canary, or the arm that the condition measures.
    pub canary: u32,
    /// For the baseline.
    pub baseline: u32,
}

/// What a rule does when it fires.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// All traffic goes back to the baseline.
    #[default]
    Rollback,
    /// The rollout stops where it is.
    Hold,
    /// The rollout goes on to its next stage.
    Promote,
    /// Somebody is told.
    Alert,
}

/// What a monitor does after it acted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct After {
    /// What becomes of its windows.
    pub windows: AfterWindows,
    /// Whether it goes on recording requests.
    pub record: bool,
}

/// What becomes of a monitor's windows after it acted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AfterWindows {
    /// They keep what they hold.
    #[default]
    Keep,
    /// They are emptied.
    Clear,
}

/// A tree of conditions in three-valued (Kleene) logic.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// True if any part is true, else unknown if any part is unknown.
    Any(Vec<Self>),
    /// True if all parts are true, false if any part is false.
    All(Vec<Self>),
    /// A leaf.
    Condition(Condition),
}

/// One comparison of a metric with a threshold.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// Its name in causes; unique in the rule.
    pub name: String,
    /// What is measured.
    pub metric: Metric,
    /// Of which arm.
    pub arm: ArmRole,
    /// Over which requests, of the measured arm and of the baseline alike.
    pub window: Window,
    /// With what it is compared.
    pub comparison: Comparison,
    /// Values that must be there, else the condition is unknown.
    pub min_n: PerArm,
    /// What the baseline must be, else the condition is false.
    pub require: Option<Require>,
    /// The value of an arm without data; without it the condition is unknown then.
    pub empty_as: Option<f64>,
    /// Whether values of 0 count as missing.
    pub drop_zero: bool,
    /// Which quantile is meant.
    pub quantile_method: QuantileMethod,
    /// What unknown means; `None` leaves it unknown to the tree and the persistence.
    pub no_data: Option<NoData>,
    /// When it holds, the monitor returns: later conditions are no causes of that evaluation.
    pub stop: bool,
}

/// Which requests a condition measures.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ArmRole {
    /// The arm under test.
    #[default]
    Canary,
    /// The arm it is compared with.
    Baseline,
    /// Every request of the log, whatever its arm.
    All,
}

/// A comparison with its threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Comparison {
    /// `x cmp value`.
    Value {
        /// The operator.
        cmp: Cmp,
        /// The threshold.
        value: f64,
    },
    /// `x cmp factor·baseline`, a product and never a quotient.
    TimesBaseline {
        /// The operator.
        cmp: Cmp,
        /// The threshold.
        factor: f64,
    },
    /// `baseline − x cmp by`.
    Drop {
        /// The operator.
        cmp: Cmp,
        /// The threshold.
        by: f64,
    },
    /// `x − baseline cmp by`.
    Rise {
        /// The operator.
        cmp: Cmp,
        /// The threshold.
        by: f64,
    },
}

/// What the baseline's value must be for a condition to be looked at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Require {
    /// The operator.
    pub cmp: Cmp,
    /// Compared with.
    pub value: f64,
}

/// Which of the definitions of a sample quantile.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum QuantileMethod {
    /// Linear interpolation of order statistics, type 7 of Hyndman and Fan (1996).
    #[default]
    #[serde(rename = "r7")]
    R7,
    /// `sorted[int(n·q)]`, the maximum for q = 1; never interpolated.
    #[serde(rename = "floor_index")]
    FloorIndex,
}

/// What a condition without data means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NoData {
    /// It does not hold.
    False,
    /// It holds.
    True,
    /// It is what it was at the evaluation before.
    Hold,
    /// It does not hold, and the persistence starts anew.
    Reset,
}

/// A rollout in stages. Read and kept for the screens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The stages, in order.
    #[serde(default)]
    pub stages: Vec<Stage>,
    /// How long it is watched after the last stage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bake: Option<TimeSpan>,
}

/// One stage of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// Its name; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The canary's share of the traffic, 0 to 1.
    pub weight: f64,
    /// How long it lasts; the last stage has no end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<TimeSpan>,
}

/// The rulebook with one threshold moved; `None` where there is no such rule or condition.
/// Conditions count in the order of [`Rule::conditions`].
pub fn with_threshold(
    rulebook: &Rulebook,
    rule: usize,
    condition: usize,
    threshold: f64,
) -> Option<Rulebook> {
    let mut moved = rulebook.clone();
    moved
        .rules
        .get_mut(rule)?
        .conditions_mut()
        .into_iter()
        .nth(condition)?
        .comparison
        .set_threshold(threshold);
    Some(moved)
}

impl Rule {
    /// The conditions, in the order in which the tree names them.
    pub fn conditions(&self) -> Vec<&Condition> {
        let mut found = Vec::new();
        self.root.visit(&mut found);
        found
    }

    /// The conditions for changing them, in the same order.
    pub fn conditions_mut(&mut self) -> Vec<&mut Condition> {
        let mut found = Vec::new();
        self.root.visit_mut(&mut found);
        found
    }
}

impl Node {
    fn visit<'a>(&'a self, found: &mut Vec<&'a Condition>) {
        match self {
            Self::Any(parts) | Self::All(parts) => {
                for part in parts {
                    part.visit(found);
                }
            }
            Self::Condition(condition) => found.push(condition),
        }
    }

    fn visit_mut<'a>(&'a mut self, found: &mut Vec<&'a mut Condition>) {
        match self {
            Self::Any(parts) | Self::All(parts) => {
                for part in parts {
                    part.visit_mut(found);
                }
            }
            Self::Condition(condition) => found.push(condition),
        }
    }
}

impl Condition {
    /// Whether the baseline's value is needed to judge it.
    pub fn needs_baseline(&self) -> bool {
        self.require.is_some()
            || self.min_n.baseline > 0
            || !matches!(self.comparison, Comparison::Value { .. })
    }
}

impl Comparison {
    /// The number that a person would move.
    pub fn threshold(self) -> f64 {
        match self {
            Self::Value { value, .. } => value,
            Self::TimesBaseline { factor, .. } => factor,
            Self::Drop { by, .. } | Self::Rise { by, .. } => by,
        }
    }

    /// Moves the threshold.
    pub fn set_threshold(&mut self, threshold: f64) {
        match self {
            Self::Value { value, .. } => *value = threshold,
            Self::TimesBaseline { factor, .. } => *factor = threshold,
            Self::Drop { by, .. } | Self::Rise { by, .. } => *by = threshold,
        }
    }

    /// Its operator.
    pub fn cmp(self) -> Cmp {
        match self {
            Self::Value { cmp, .. }
            | Self::TimesBaseline { cmp, .. }
            | Self::Drop { cmp, .. }
            | Self::Rise { cmp, .. } => cmp,
        }
    }
}

impl Default for After {
    fn default() -> Self {
        Self {
            windows: AfterWindows::Keep,
            record: true,
        }
    }
}
