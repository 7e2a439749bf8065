//! What several integration tests share.

pub(crate) mod program;
pub(crate) mod real_logs;
pub(crate) mod replay_log;
