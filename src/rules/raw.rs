//! The rulebook as TOML spells it. Everything is optional here; [`super::parse`] checks.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::{
    Action, After, Anchor, ArmLabels, ArmRole, Cmp, CounterFunc, Direction, Edge, Effect,
    ErrorLimit, FailureLimit, FailureScope, FirstSeen, LowSample, Metric, Missing, NanStrategy,
    NoData, PerArm, Plan, QuantileMethod, RateEngine, RequestArm, Router, Scope, Side, TestKind,
    TestUnit, TickMode, TimeSpan,
};

/// The only version of the format so far.
pub(super) const SCHEMA: u32 = 1;

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawRulebook {
    pub(super) rulebook: RawHeader,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) columns: BTreeMap<String, String>,
    pub(super) arms: ArmLabels,
    #[serde(rename = "rule")]
    pub(super) rules: Vec<RawRule>,
    #[serde(rename = "plan", skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) plans: BTreeMap<String, Plan>,
    #[serde(rename = "router", skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) routers: BTreeMap<String, Router>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawHeader {
    pub(super) schema: u32,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) title: String,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawRule {
    pub(super) id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) faults: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) clock: Option<RawClock>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) plan: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) scope: Option<Scope>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) unit: Option<TestUnit>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) min: Option<RawMinimum>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) any: Option<Vec<RawNode>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) all: Option<Vec<RawNode>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) not: Option<Box<RawNode>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) score: Option<RawScore>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) persist: Option<RawPersistence>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) action: Option<Action>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) delay: Option<TimeSpan>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) latch: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) after: Option<After>,
    /// States of an alarm that fire: another spelling of `insufficient_fires`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rollback_on: Option<Vec<AlarmState>>,
    /// Which conditions are causes beside others: another spelling of `stop`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) emit: Option<String>,
}

/// A state of a CloudWatch alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum AlarmState {
    #[serde(rename = "ALARM")]
    Alarm,
    #[serde(rename = "INSUFFICIENT_DATA")]
    InsufficientData,
}

/// `"request"`, or a table.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub(super) enum RawClock {
    Name(String),
    Table(RawClockTable),
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawClockTable {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) request: Option<RequestArm>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) every: Option<TimeSpan>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) phase: Option<RawPhase>,
    /// Group file and name, whose hash is the phase.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) group: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) anchor: Option<Anchor>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) delay: Option<TimeSpan>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mode: Option<TickMode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) until: Option<TimeSpan>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) from: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) once_at: Option<TimeSpan>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) stage_end: bool,
}

/// `"group_hash"` or a length of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(super) enum RawPhase {
    Fixed(TimeSpan),
    GroupHash,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawMinimum {
    pub(super) canary: u32,
    pub(super) baseline: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) window: Option<RawWindow>,
}

/// A condition, or a part of the tree with `any` or `all`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawNode {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) any: Option<Vec<Self>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) all: Option<Vec<Self>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) not: Option<Box<Self>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) metric: Option<Metric>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) arm: Option<ArmRole>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) window: Option<RawWindow>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cmp: Option<Cmp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) value: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) times_baseline: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) drop: Option<RawChange>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rise: Option<RawChange>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) test: Option<RawTest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) scale: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) min_n: Option<PerArm>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) require: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) empty_as: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) drop_zero: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) quantile_method: Option<QuantileMethod>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) buckets: Option<Vec<f64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) no_data: Option<NoData>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) nan: Option<NoData>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) low_sample: Option<LowSample>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stop: Option<bool>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawChange {
    pub(super) cmp: Option<Cmp>,
    pub(super) value: Option<f64>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawWindow {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) last: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) trailing: Option<TimeSpan>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) left: Option<Edge>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) since: Option<RawSince>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tumbling: Option<TimeSpan>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) slide: Option<TimeSpan>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) align: Option<RawAlign>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) counter: Option<TimeSpan>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) scrape: Option<TimeSpan>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) scrape_phase: Option<TimeSpan>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) engine: Option<RateEngine>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) first_seen: Option<FirstSeen>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) func: Option<CounterFunc>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum RawSince {
    Run,
    Stage,
}

/// What periods are cut by: an anchor, or minutes by the wall clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum RawAlign {
    Run,
    Epoch,
    Stage,
    Minute,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawTest {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) kind: Option<TestKind>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) side: Option<Side>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) alpha: Option<f64>,
    /// The confidence 1 − alpha.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) conf: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tuning: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) margin: Option<f64>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawScore {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) judge: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pass: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) marginal: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) abort_cmp: Option<Cmp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) points: Option<RawWindow>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) seed: Option<u64>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) groups: BTreeMap<String, f64>,
    pub(super) metrics: Vec<RawScoreMetric>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawScoreMetric {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) metric: Option<Metric>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) scale: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) group: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) direction: Option<Direction>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) critical: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) must_have_data: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) nan: Option<NanStrategy>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) outlier_factor: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) quantile_method: Option<QuantileMethod>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) effect: Option<Effect>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawPersistence {
    #[serde(rename = "for", skip_serializing_if = "Option::is_none")]
    pub(super) hold: Option<TimeSpan>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) keep_for: Option<TimeSpan>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) m_of_n: Option<(u32, u32)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) missing: Option<Missing>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) range: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stride: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) insufficient_fires: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) failures: Option<RawFailures>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) errors: Option<ErrorLimit>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) consecutive: Option<u32>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawFailures {
    pub(super) limit: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mode: Option<FailureLimit>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) scope: Option<FailureScope>,
}

impl TryFrom<String> for RawPhase {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.as_str() {
            "group_hash" => Ok(Self::GroupHash),
            span => span.parse().map(Self::Fixed),
        }
    }
}

impl From<RawPhase> for String {
    fn from(phase: RawPhase) -> Self {
        match phase {
            RawPhase::Fixed(span) => span.to_string(),
            RawPhase::GroupHash => "group_hash".to_owned(),
        }
    }
}

impl Default for RawHeader {
    fn default() -> Self {
        Self {
            schema: SCHEMA,
            title: String::new(),
        }
    }
}

/// By hand, because an untagged enum would hide which key of the table is wrong.
impl<'de> Deserialize<'de> for RawClock {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameOrTable;

        impl<'de> Visitor<'de> for NameOrTable {
            type Value = RawClock;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("\"request\" or a table such as { every = \"60s\" }")
            }

            fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<RawClock, E> {
                Ok(RawClock::Name(name.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RawClock, A::Error> {
                RawClockTable::deserialize(MapAccessDeserializer::new(map)).map(RawClock::Table)
            }
        }

        deserializer.deserialize_any(NameOrTable)
    }
}
