//! The one integration binary: each further one would link everything again.

mod analysis;
mod cli;
mod ingest;
mod malformed;
mod reference;
mod replay;
mod support;
mod tidy;
#[cfg(feature = "gui")]
mod ui;
