//! What the calculators start from: this log's own baseline, spread and traffic.

use super::model::{ArmSummary, LogSummary, PlanInputs, ScorecardRow};
use crate::stats::Moments;
use crate::units::Clock;

const DAY_US: f64 = 86_400e6;

/// What the control shows; `None` where the log does not have it.
pub(super) struct Baseline {
    pub(super) rating: Option<Moments>,
    /// Of answered requests.
    pub(super) latency_ms: Option<Moments>,
}

/// Read off the control, so that a planned experiment starts from what is in production.
pub(super) fn inputs(
    log: &LogSummary,
    baseline: &Baseline,
    scorecard: &[ScorecardRow],
    (control, treatment): (usize, Option<usize>),
    arms: &[ArmSummary],
) -> PlanInputs {
    let row = |id: &str| scorecard.iter().find(|row| row.id == id);
    let value = |id: &str| {
        row(id)
            .and_then(|row| row.values[control].estimate)
            .map(|e| e.value)
    };
    let design_effect = |id: &str| {
        let effects = row(id).map(|row| row.effects.iter().filter(|e| Some(e.arm) == treatment));
        effects
            .and_then(|mut e| e.find_map(|e| e.design_effect))
            .unwrap_or(1.0)
            .max(1.0)
    };
    let (rating, latency) = (baseline.rating, baseline.latency_ms);
    let span_us = log
        .first_us
        .zip(log.last_us)
        .map(|(first, last)| (last - first) as f64);
    PlanInputs {
        error_share: value("error_share"),
        error_design_effect: design_effect("error_share"),
        rating_mean: rating.filter(|m| m.n > 0).map(|m| m.mean),
        rating_sd: rating.and_then(|m| m.standard_deviation()),
        rating_design_effect: design_effect("rating_mean"),
        rated_share: value("rated_share"),
        latency_sd_ms: latency.and_then(|m| m.standard_deviation()),
        latency_mean_ms: latency.filter(|m| m.n > 0).map(|m| m.mean),
        requests_per_day: span_us
            .filter(|us| *us > 0.0 && log.clock == Clock::Epoch)
            .map(|us| log.n_requests as f64 / us * DAY_US),
        allocation_ratio: treatment
            .map(|t| arms[t].n_requests as f64 / arms[control].n_requests.max(1) as f64),
    }
}
