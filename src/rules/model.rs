//! The rulebook as a value: what TOML says, checked. [`Rulebook::parse`] reads it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::raw::RawRulebook;
use super::{Clock, Column, Condition, Metric, Persistence, Plan, Router, TimeSpan, Window};

/// Rules, with the arms they speak of and the plans they belong to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "RawRulebook", into = "RawRulebook")]
pub struct Rulebook {
    /// The name shown to people; may be empty.
    pub title: String,
    /// What the rulebook says of the log's columns.
    pub columns: Columns,
    /// Which arms of the log are meant; without labels the caller says.
    pub arms: ArmLabels,
    /// The rules, in the order of the file; at least one.
    pub rules: Vec<Rule>,
    /// Stage plans by name.
    pub plans: BTreeMap<String, Plan>,
    /// Routers by name.
    pub routers: BTreeMap<String, Router>,
}

/// What a rulebook says of the log's columns. A loaded log has typed columns, which its mapping
/// chose: of these entries only the event time moves a replay, the others are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Columns {
    /// When a monitor sees a request.
    pub event_time: EventTime,
    /// The other entries, by key.
    pub named: BTreeMap<String, String>,
}

/// When a monitor sees a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventTime {
    /// When its outcome is known, as the log is sorted.
    #[default]
    End,
    /// When it starts: what a dashboard by start time shows, and what no monitor can see.
    Start,
    /// When its first token is out; at the end where the log has no time to first token.
    FirstToken,
}

/// Labels of the log's arms, or predicates on its columns such as `region == 'eu' and variant ==
/// 'canary'`; they override what the caller chose.
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
    /// The plan it belongs to, by name.
    pub plan: Option<String>,
    /// How long it watches.
    pub scope: Scope,
    /// What the tests among its conditions count as one observation.
    pub unit: TestUnit,
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
    /// What the monitor does after it acted; what follows from it stands beside the open-loop replay.
    pub after: After,
}

/// How long a rule watches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scope {
    /// To the end of the log.
    #[default]
    #[serde(rename = "run")]
    Run,
    /// To the end of its plan's last step, plus the bake time.
    #[serde(rename = "deployment+bake")]
    DeploymentAndBake,
}

/// What a test counts as one observation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TestUnit {
    /// A request.
    #[default]
    Request,
    /// A user, with all of their requests; requests of nobody stand for themselves.
    User,
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
    /// At which stage the rollout stands.
    pub stage: AfterStage,
    /// What becomes of the time that the stage has lasted.
    pub stage_clock: AfterWindows,
}

/// At which stage a rollout stands after a rollback.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AfterStage {
    /// At none: the rollout is over.
    #[default]
    Ended,
    /// At its first, from which it goes on as soon as the rule is quiet.
    First,
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
    /// True if its part is false, unknown if it is unknown.
    Not(Box<Self>),
    /// A leaf.
    Condition(Box<Condition>),
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

impl Rulebook {
    /// The columns of a log that the rules name besides its quantities; each once, in order.
    pub fn named_columns(&self) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        let metrics = self.rules.iter().flat_map(Rule::metrics);
        for metric in metrics {
            if let Some(Column::Named(name)) = metric.column()
                && !found.iter().any(|known| **known == **name)
            {
                found.push(name.to_string());
            }
        }
        found
    }
}

impl Rulebook {
    /// What its routers put before an id; each once.
    pub fn salts(&self) -> Vec<String> {
        let salts = self.routers.values().map(|router| router.salt.clone());
        let mut found: Vec<String> = salts.filter(|salt| !salt.is_empty()).collect();
        found.sort();
        found.dedup();
        found
    }
}

impl Rule {
    /// What its conditions, or its judge, measure.
    pub fn metrics(&self) -> Vec<&Metric> {
        let mut found = Vec::new();
        for condition in self.conditions() {
            match &condition.score {
                Some(score) => found.extend(score.metrics.iter().map(|metric| &metric.metric)),
                None => found.push(&condition.metric),
            }
        }
        found
    }

    /// Whether it measures ratings, which may arrive later than their requests.
    pub(super) fn reads_ratings(&self) -> bool {
        self.metrics().into_iter().any(Metric::reads_ratings)
    }

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
            Self::Not(part) => part.visit(found),
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
            Self::Not(part) => part.visit_mut(found),
            Self::Condition(condition) => found.push(condition),
        }
    }
}

impl Default for After {
    fn default() -> Self {
        Self {
            windows: AfterWindows::Keep,
            record: true,
            stage: AfterStage::Ended,
            stage_clock: AfterWindows::Clear,
        }
    }
}
