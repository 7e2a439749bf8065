//! The one integration binary: each further one would link everything again.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a helper of tests fails and speaks as a test does"
)]

mod analysis;
mod cli;
mod exports;
mod formats;
mod hostile;
mod ingest;
mod malformed;
mod reference;
mod replay;
mod support;
mod tidy;
