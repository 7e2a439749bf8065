//! What several integration tests share.

pub(crate) mod replay_log;
