//! Rollback rules: what a rulebook says, and what it would have done on a log.
//!
//! A [`Rulebook`] is read from TOML (or from [`presets`]) and replayed over a
//! [`RequestLog`](crate::data::RequestLog) in event time. The replay is open loop: it goes on as if
//! no rollback had taken effect, so every figure after the first firing is hypothetical. It is
//! exact: comparisons, order statistics and rates follow the arithmetic of the monitors they
//! restate, to the last bit.

mod after;
mod apart;
mod arms;
mod beside;
mod censoring;
mod changes;
mod clock;
mod condition;
mod credit;
mod damage;
mod describe;
mod evaluate;
pub mod export;
mod fit;
mod gate;
mod grain;
pub mod import;
pub mod json;
mod judge;
mod looks;
mod metric;
mod model;
mod outcome;
mod parse;
pub mod passage;
mod persist;
mod phase;
mod place;
mod plan;
mod predicate;
mod prepare;
pub mod presets;
mod raw;
mod replan;
mod replay;
mod routed;
mod router;
mod run;
mod score;
mod sentences;
mod shift;
mod signal;
mod significance;
mod state;
mod tested;
mod thin;
mod timespan;
mod tree;
mod walk;
mod window;
mod write;

pub use after::{AfterFacts, Resumed};
pub use beside::{Beside, beside};
pub use censoring::{Censoring, CensoringKind};
pub use changes::{Change, changes};
pub use clock::{Anchor, Clock, Phase, RequestArm, TickMode};
pub use condition::{ArmRole, Comparison, Condition, LowSample, NoData, QuantileMethod, Require};
pub use credit::{Credit, Ledger, LedgerRow, credit, ledger};
pub use damage::{Averted, AvertedAmount};
pub use describe::{clock_text, condition_text, persistence_text, threshold_text};
pub use fit::{PlanFit, StageFit};
pub use grain::{DurationsAre, replay_cells};
pub use metric::{Cmp, Column, Metric, Predicate};
pub use model::{
    Action, After, AfterStage, AfterWindows, ArmLabels, Columns, EventTime, Minimum, Node, PerArm,
    Rule, Rulebook, Scope, TestUnit, with_threshold,
};
pub use outcome::{
    ArmReading, ConditionReplay, Exposure, ExposureCounts, Firing, LateRatings, PhaseRange,
    PlannedAt, Reading, Replay, ReplayEvent, ReplayStage, RuleReplay, SeriesPoint, StageAt,
    Transition, Truth,
};
pub use parse::UnreadRule;
pub use persist::{ErrorLimit, FailureLimit, FailureScope, Missing, Persistence, State};
pub use plan::{AdvanceWhen, Growth, GrowthKind, HoldCmp, Order, Plan, RollbackSeen, Stage};
pub use prepare::{Assignment, Prepared};
pub use replan::{ReplanEnd, Replanned, replay_planned};
pub use replay::{
    FirstFiring, ReplaySettings, StageSpan, first_firing, replay, replay_in_full, replay_rule,
};
pub use router::{CanaryBuckets, Router, RouterFit, RouterHash, RouterKey};
pub use score::{Direction, Effect, EffectMeasure, NanStrategy, Score, ScoreMetric};
pub use sentences::{no_data_text, nothing_ran, sentences};
pub use significance::{Side, TestKind, TestRule};
pub use thin::DrawnBy;
pub use timespan::TimeSpan;
pub use window::{CounterFunc, Edge, FirstSeen, RateEngine, Window};
