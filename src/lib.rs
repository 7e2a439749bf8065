//! Hindsight tells from an exported request log which variant of an LLM rollout to ship, and what
//! the auto-rollback rules would have done. ARCHITECTURE.md has the map and the invariants.
//!
//! ```text
//! files ─ingest→ RequestLog + Issues ─analysis→ Analysis ─┐
//!                     └──────────────rules→ Replay ───────┴report→ html · json
//! ```

pub mod error;
pub mod units;

pub mod ingest;

pub mod cells;
pub mod data;

pub mod analysis;
pub mod lab;
pub mod rules;
pub mod stats;

pub mod report;

pub mod project;

pub mod jobs;
pub mod sample;

pub mod cli;

pub mod language;

#[cfg(feature = "gui")]
pub mod app;
