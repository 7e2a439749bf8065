//! What health checks answer.

use serde::Serialize;

use crate::stats::TestResult;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Checked and fine.
    Ok,
    /// Worth knowing.
    Note,
    /// May bias the comparison.
    Warning,
    /// The comparison cannot be trusted.
    Stop,
}

impl Severity {
    /// As shown to people.
    pub fn label(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Note => "Note",
            Self::Warning => "Warning",
            Self::Stop => "Stop",
        }
    }
}

/// One question about the log's soundness, answered.
#[derive(Debug, Clone, Serialize)]
pub struct HealthCheck {
    /// Stable name, such as `sample-ratio-units`.
    pub id: &'static str,
    /// What was asked.
    pub title: String,
    /// The answer's weight.
    pub severity: Severity,
    /// The answer, with its numbers.
    pub finding: String,
    /// What follows from it; empty when fine.
    pub meaning: String,
    /// What to do; empty when fine or where nothing can be done.
    pub advice: String,
    /// The test behind it.
    pub test: Option<TestResult>,
    /// Whether what was found could hide harm beyond a margin, so that nothing is shipped on it.
    pub forbids_shipping: bool,
    /// Metrics, by id, whose values the arms lack unequally: they are neither shipped nor rolled back on.
    pub undermines: Vec<String>,
}
