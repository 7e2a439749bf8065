//! Latencies that no request can have had, and what they do to averages.

use super::super::model::{HealthCheck, Severity};
use super::missing::{is_different, metric_ids, missing};
use super::{Evidence, found, some_of};
use crate::data::{Numbers, Outcome, Quantity};
use crate::units;

/// Medians outside this range, milliseconds, point to a wrong unit.
const PLAUSIBLE_MS: std::ops::Range<f64> = 1.0..600_000.0;
/// Single latencies beyond an hour.
const ABSURD_MS: f64 = 3_600_000.0;
/// A request this many times as slow as its arm's median is far out.
const EXTREME: f64 = 20.0;
/// So many of them are few, or a thousandth of the arm.
const FEW: u64 = 5;
/// Shares of zeros among answered requests that differ by less bias no quantile much.
const UNEVEN_ZEROS: f64 = 0.01;
/// Share of the mean's sum that a few requests make.
const MUCH_OF_MEAN: f64 = 0.1;
/// Arms listed.
const LISTED: usize = 3;
/// Rows whose first token comes after the end.
const MANY_LATE_TOKENS: f64 = 0.01;

/// Sums over one arm's latencies.
#[derive(Default, Clone, Copy)]
struct Sums {
    n_all: u64,
    all_ms: f64,
    n_answered: u64,
    answered_ms: f64,
}

pub(super) fn checks(evidence: &Evidence<'_>) -> Vec<HealthCheck> {
    let Some(latency) = evidence.log.quantity(Quantity::LatencyMs) else {
        return Vec::new();
    };
    let checks = [
        zero(evidence, latency),
        absurd(evidence, latency),
        extremes(evidence, latency),
        first_token(evidence, latency),
    ];
    checks.into_iter().flatten().collect()
}

/// Failed requests are often stored with latency 0: an average over all rows then flatters the arm
/// that fails more.
fn zero(evidence: &Evidence<'_>, latency: &Numbers) -> Option<HealthCheck> {
    let log = evidence.log;
    let mut arms = vec![Sums::default(); evidence.arms.len()];
    let mut zeros = vec![[0u64; 2]; evidence.arms.len()];
    let (mut n_zero, mut n_failed) = (0u64, 0u64);
    for ((ms, outcome), arm) in latency.iter().zip(&log.outcome).zip(&log.arm) {
        if ms.is_nan() {
            continue;
        }
        let sums = &mut arms[usize::from(*arm)];
        sums.n_all += 1;
        sums.all_ms += ms;
        if *outcome == Outcome::Ok {
            zeros[usize::from(*arm)][usize::from(*ms <= 0.0)] += 1;
        }
        if *ms <= 0.0 {
            n_zero += 1;
            n_failed += u64::from(outcome.is_error());
        } else if *outcome == Outcome::Ok {
            sums.n_answered += 1;
            sums.answered_ms += ms;
        }
    }
    if n_zero == 0 {
        return None;
    }
    if zeros.len() > 1 && is_different(&zeros, evidence.request_design_effect, UNEVEN_ZEROS) {
        return Some(uneven_zeros(evidence, &zeros));
    }
    // The arm whose average suffers most.
    let means = arms
        .iter()
        .enumerate()
        .filter(|(_, s)| s.n_answered > 0)
        .map(|(arm, s)| {
            let naive = s.all_ms / s.n_all as f64;
            let real = s.answered_ms / s.n_answered as f64;
            (arm, naive, real)
        });
    let worst = means.max_by(|a, b| (a.2 / a.1).total_cmp(&(b.2 / b.1)));
    let means = worst.map_or_else(String::new, |(arm, naive, real)| {
        format!(
            ". Mean latency of {}: {} with them, {} of answered requests",
            evidence.arms[arm].name,
            units::latency(naive),
            units::latency(real)
        )
    });
    let finding = format!(
        "Requests with latency 0: {}, of which failed: {}{means}",
        units::count(n_zero),
        units::count(n_failed)
    );
    Some(found(
        ("zero-latency", "Are latencies real?"),
        Severity::Note,
        finding,
        "They are left out of latency figures, which stand on successful requests; averages made elsewhere may include them",
        "Compare averages of other tools with the figures here before quoting them",
    ))
}

/// Answers that took no time stand in no quantile: caches give them, and so do rows that lack a latency.
fn uneven_zeros(evidence: &Evidence<'_>, zeros: &[[u64; 2]]) -> HealthCheck {
    let arms = evidence.arms.iter().zip(zeros);
    let shares: Vec<String> = arms
        .map(|(arm, counts)| format!("{} {}", arm.name, units::share(missing(counts))))
        .collect();
    HealthCheck {
        undermines: metric_ids(evidence, Quantity::LatencyMs),
        ..found(
            ("zero-latency", "Are latencies real?"),
            Severity::Warning,
            format!("Answered requests with latency 0: {}", shares.join(", ")),
            "They are left out of latency figures, so that the arms are compared on different kinds of requests",
            "If they came from a cache, export the time that they took; if it is not known, leave the cell empty",
        )
    }
}

fn absurd(evidence: &Evidence<'_>, latency: &Numbers) -> Option<HealthCheck> {
    let question = ("latency-range", "Are latencies of a believable size?");
    let panel = evidence
        .scorecard
        .iter()
        .find(|row| row.id == "latency_p50");
    let medians = panel
        .into_iter()
        .flat_map(|row| &row.values)
        .filter_map(|v| v.estimate.map(|e| e.value));
    let off: Vec<f64> = medians.filter(|ms| !PLAUSIBLE_MS.contains(ms)).collect();
    if let Some(median) = off.first() {
        return Some(found(
            question,
            Severity::Warning,
            format!(
                "Half of an arm's requests take less than {}",
                units::latency(*median)
            ),
            "No model answers like this: the unit of the latency column was probably read wrongly",
            "Set the unit of the latency column (log screen, or unit in a mapping file)",
        ));
    }
    let n_absurd = latency.iter().filter(|ms| **ms > ABSURD_MS).count() as u64;
    (n_absurd > 0).then(|| {
        found(
            question,
            Severity::Note,
            format!("Requests of more than an hour: {}", units::count(n_absurd)),
            "Clocks that jumped and requests closed by a sweep look like this. Quantiles hardly feel them, means do",
            "",
        )
    })
}

/// A few requests that took so long that they make an arm's mean.
fn extremes(evidence: &Evidence<'_>, latency: &Numbers) -> Option<HealthCheck> {
    let rows = &evidence.scorecard;
    let row = rows.iter().find(|row| row.id == "latency_p50")?;
    let mut limits = vec![f64::INFINITY; evidence.arms.len()];
    for value in &row.values {
        let median = value.estimate.map(|estimate| estimate.value);
        limits[value.arm] = median.map_or(f64::INFINITY, |ms| EXTREME * ms);
    }
    let mut arms = vec![Extremes::default(); evidence.arms.len()];
    let rows = latency.iter().zip(&evidence.log.outcome);
    for ((ms, outcome), arm) in rows.zip(&evidence.log.arm) {
        if *outcome == Outcome::Ok && *ms > 0.0 {
            arms[usize::from(*arm)].push(*ms, limits[usize::from(*arm)]);
        }
    }
    let named: Vec<String> = arms
        .iter()
        .zip(evidence.arms)
        .filter(|(extremes, _)| extremes.make_the_mean())
        .map(|(extremes, arm)| {
            format!(
                "{} of {} took {} or more, so that its mean is {} and not {}",
                units::count(extremes.n_extreme),
                arm.name,
                units::latency(extremes.least_ms),
                units::latency(extremes.mean_ms()),
                units::latency(extremes.rest_ms())
            )
        })
        .collect();
    (!named.is_empty()).then(|| {
        found(
            ("extreme-latencies", "Do a few requests make a mean?"),
            Severity::Note,
            format!("Slowest requests: {}", some_of(&named, LISTED)),
            "The mean and p99 of such an arm, and their intervals, are those of a few requests",
            "Look at these requests; quantiles up to p95 hardly feel them",
        )
    })
}

/// An arm's answered requests, and those far beyond its median.
#[derive(Clone, Copy)]
struct Extremes {
    n: u64,
    sum_ms: f64,
    n_extreme: u64,
    extreme_ms: f64,
    least_ms: f64,
}

impl Default for Extremes {
    fn default() -> Self {
        Self {
            n: 0,
            sum_ms: 0.0,
            n_extreme: 0,
            extreme_ms: 0.0,
            least_ms: f64::INFINITY,
        }
    }
}

impl Extremes {
    fn push(&mut self, ms: f64, limit_ms: f64) {
        self.n += 1;
        self.sum_ms += ms;
        if ms > limit_ms {
            self.n_extreme += 1;
            self.extreme_ms += ms;
            self.least_ms = self.least_ms.min(ms);
        }
    }

    /// Few of them, and more of the sum than they could have had by their number.
    fn make_the_mean(&self) -> bool {
        let is_few = self.n_extreme <= FEW.max(self.n / 1000);
        self.n_extreme > 0 && is_few && self.extreme_ms >= MUCH_OF_MEAN * self.sum_ms
    }

    fn mean_ms(&self) -> f64 {
        self.sum_ms / self.n as f64
    }

    fn rest_ms(&self) -> f64 {
        (self.sum_ms - self.extreme_ms) / (self.n - self.n_extreme).max(1) as f64
    }
}

fn first_token(evidence: &Evidence<'_>, latency: &Numbers) -> Option<HealthCheck> {
    let ttft = evidence.log.quantity(Quantity::TtftMs)?;
    let n_both = ttft
        .iter()
        .zip(latency.iter())
        .filter(|(t, l)| **t > 0.0 && **l > 0.0)
        .count();
    // Rounding to whole milliseconds makes both equal at times.
    let n_late = ttft
        .iter()
        .zip(latency.iter())
        .filter(|(t, l)| **l > 0.0 && **t > **l + 1.0)
        .count();
    let share = n_late as f64 / n_both.max(1) as f64;
    (share > MANY_LATE_TOKENS).then(|| {
        found(
            ("first-token-order", "Does the first token come before the end?"),
            Severity::Warning,
            format!(
                "In {} of {} requests the first token comes after the end",
                units::count(n_late as u64),
                units::count(n_both as u64)
            ),
            "The two columns are swapped or differ in their unit, or the latency is that of something else",
            "Check both columns and their units (log screen, or a mapping file)",
        )
    })
}
