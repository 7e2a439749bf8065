//! The one integration binary: each further one would link everything again.

mod reference;
mod replay;
mod support;
#[cfg(feature = "gui")]
mod ui;
