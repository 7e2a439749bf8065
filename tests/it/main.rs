//! The one integration binary: each further one would link everything again.

#![expect(
    clippy::expect_used,
    clippy::iter_over_hash_type,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test fails where it unwraps, says when it skips, and renders textures in any order"
)]

#[cfg(feature = "gui")]
mod access;
mod analysis;
mod cells;
mod cells_analysis;
mod cells_replay;
mod cells_report;
mod cli;
mod corpora;
mod covariates;
mod decisions;
mod exports;
mod faults;
mod findings;
mod formats;
mod health;
mod hostile;
mod imports;
mod inference;
mod ingest;
#[cfg(feature = "gui")]
mod journey;
mod lab;
#[cfg(feature = "gui")]
mod language;
#[cfg(feature = "gui")]
mod layout;
mod malformed;
mod offline;
mod pictures;
mod pitfalls;
mod plans;
mod power;
mod privacy;
#[cfg(feature = "gui")]
mod projects;
mod prometheus;
mod ratings;
mod reference;
mod replay;
mod report;
mod report_figures;
mod report_files;
mod report_scorecard;
#[cfg(feature = "gui")]
mod requests;
#[cfg(feature = "gui")]
mod rollback_screen;
mod rule_files;
mod rule_reports;
mod rulebooks;
mod selection;
mod sources;
mod statistics;
mod support;
mod systems;
mod threads;
mod tidy;
mod tools;
#[cfg(feature = "gui")]
mod ui;
