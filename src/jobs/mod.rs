//! Background work: progress that can be watched and cancelled, and a queue that runs it.
//!
//! Uses the standard library alone. The screen hands in a [`std::task::Waker`], so that nothing
//! here knows a user interface.

mod progress;
mod queue;

pub use progress::Progress;
pub use queue::{Job, JobId, JobKind, JobQueue, JobStatus};
