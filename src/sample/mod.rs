//! The bundled sample logs: a canary rollout with a hidden story, and an A/A log in which nothing
//! differs. Seeded: the same seed gives the same bytes on every machine.
//!
//! `story` is what differs between the arms, and nothing else is; `calibration` is what both arms
//! share and from which published measurement it was taken; `generate` draws users and their
//! requests from both; `files` writes them. sample-data/README.md tells readers of the files the
//! same. Elementary functions come from `libm`, because those of the standard library round
//! differently from platform to platform.

mod calibration;
mod files;
mod generate;
mod story;
#[cfg(test)]
mod tests;

pub use files::{AA_CSV, ROLLOUT_CSV, ROLLOUT_PARQUET, write};
pub use generate::generate;
pub use story::{END_MS, STAGES, START_MS, Stage};

/// The seed of the files in sample-data: among 200, the one whose arms look most equal wherever they
/// are equal, so that a reader can tell the story from chance.
pub const SAMPLE_SEED: u64 = 20_260_474;

/// Which log to generate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SampleSpec {
    /// Logs of the same seed and kind draw the same users in the same order, so that a smaller log
    /// holds the first users of a larger one, with the same requests.
    pub seed: u64,
    /// Number of requests.
    pub n_requests: usize,
    /// What happened.
    pub kind: SampleKind,
}

/// What happened in a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SampleKind {
    /// Arms `prompt-v1` and `prompt-v2`, the latter growing by [`STAGES`].
    CanaryRollout,
    /// Arms `control` and `treatment`, half of the users each, served alike.
    AA,
}

/// A generated log, in order of start time.
#[derive(Debug, Clone, PartialEq)]
pub struct SampleLog {
    /// What was asked for.
    pub spec: SampleSpec,
    /// One entry per request.
    pub requests: Vec<SampleRequest>,
}

/// One request. Numbers are rounded as the files show them.
#[derive(Debug, Clone, PartialEq)]
pub struct SampleRequest {
    /// Unique in the log, in the order in which the requests were drawn.
    pub number: u32,
    /// When it started, milliseconds from 1970-01-01 UTC.
    pub start_ms: i64,
    /// Who asked: a random number below 2^40.
    pub user: u64,
    /// Which arm answered.
    pub variant: &'static str,
    /// HTTP status: 200, 429, 499 (given up by the client), 500, 503, 504 (timeout).
    pub status: u16,
    /// End to end.
    pub latency_ms: f64,
    /// To the first token, where there was one.
    pub ttft_ms: Option<f64>,
    /// 1 to 5, where the user rated.
    pub rating: Option<u8>,
    /// When the rating arrived, milliseconds from 1970-01-01 UTC.
    pub rated_at_ms: Option<i64>,
    /// Tokens of the prompt, template included.
    pub prompt_tokens: u32,
    /// Tokens of the answer, as far as it got.
    pub completion_tokens: u32,
    /// What the provider charged.
    pub cost_usd: f64,
    /// The user's language, named in itself.
    pub language: &'static str,
    /// The data centre that served the user.
    pub region: &'static str,
    /// What the request was for.
    pub task: &'static str,
}
