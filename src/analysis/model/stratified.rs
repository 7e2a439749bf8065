//! An effect over stages in which the treatment's share was constant.

use serde::Serialize;

use super::Verdict;
use crate::stats::{Estimate, TestResult};

/// An effect combined over stages in which the treatment's share was constant.
#[derive(Debug, Clone, Serialize)]
pub struct StratifiedEffect {
    /// The stages that have both arms.
    pub strata: Vec<StratumEffect>,
    /// The control's and the arm's value with the stages weighted alike: `difference` is between these.
    pub weighted: (f64, f64),
    /// Since when there is harm, where the stages tell: one sentence.
    pub onset: Option<String>,
    /// The start of the first stage with it, in the log's own microseconds.
    pub onset_us: Option<i64>,
    /// The difference over the whole log, stages mixed.
    pub pooled: Option<Estimate>,
    /// The test of it.
    pub pooled_test: Option<TestResult>,
    /// How it would read.
    pub pooled_verdict: Verdict,
    /// Whether the effect differs between stages (Cochran's Q).
    pub heterogeneity: Option<TestResult>,
    /// The share of both arms' requests in stages that have both arms.
    pub share_used: f64,
    /// Set where the figure over the whole log would mislead: one sentence.
    pub warning: Option<String>,
}

/// One stage's part in an effect.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct StratumEffect {
    /// First event time.
    pub from_us: i64,
    /// End, exclusive.
    pub to_us: i64,
    /// Requests of the control and of the arm.
    pub n_requests: (u64, u64),
    /// Its weight; all sum to 1.
    pub weight: f64,
    /// Its own difference; `None` where it is too small.
    pub difference: Option<Estimate>,
}
