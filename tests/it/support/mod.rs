//! What several integration tests share.

pub mod replay_log;
