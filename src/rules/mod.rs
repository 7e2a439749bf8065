//! Rollback rules: what a rulebook says, and what it would have done on a log.
//!
//! A [`Rulebook`] is read from TOML (or from [`presets`]) and replayed over a
//! [`RequestLog`](crate::data::RequestLog) in event time. The replay is open loop: it goes on as if
//! no rollback had taken effect, so every figure after the first firing is hypothetical. It is
//! exact: comparisons, order statistics and rates follow the arithmetic of the monitors they
//! restate, to the last bit.

mod clock;
mod describe;
mod evaluate;
mod gate;
pub mod json;
mod metric;
mod model;
mod outcome;
mod parse;
mod persist;
mod place;
mod prepare;
pub mod presets;
mod raw;
mod replay;
mod run;
mod state;
mod timespan;
mod tree;
mod window;
mod write;

pub use clock::{Anchor, Clock, RequestArm};
pub use describe::{clock_text, condition_text, persistence_text};
pub use metric::{Cmp, Metric, Predicate};
pub use model::{
    Action, After, AfterWindows, ArmLabels, ArmRole, Comparison, Condition, Minimum, NoData, Node,
    PerArm, Plan, QuantileMethod, Require, Rule, Rulebook, Stage, with_threshold,
};
pub use outcome::{
    ArmReading, ConditionReplay, Exposure, ExposureCounts, Firing, Reading, Replay, RuleReplay,
    SeriesPoint, Transition, Truth,
};
pub use persist::{FailureLimit, Missing, Persistence, State};
pub use replay::{ReplaySettings, replay};
pub use timespan::TimeSpan;
pub use window::{Edge, FirstSeen, RateEngine, Window};
