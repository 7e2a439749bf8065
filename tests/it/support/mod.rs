//! What several integration tests share.

#[cfg(feature = "gui")]
pub(crate) mod cpu_renderer;
#[cfg(feature = "gui")]
pub(crate) mod harness;
pub(crate) mod packing;
pub(crate) mod program;
pub(crate) mod real_logs;
pub(crate) mod replay_log;
