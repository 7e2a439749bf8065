//! Values that one arm lacks more often than another: what is missing is seldom like the rest.

use rayon::prelude::*;

use super::super::model::{HealthCheck, Severity, Verdict};
use super::{ALARMING, Evidence, fine, found, lost};
use crate::data::{Numbers, Outcome, Quantity, RequestLog, Units};
use crate::stats::chi_square;
use crate::stats::dist::chi_square_tails;
use crate::units;

/// Differences of less than this bias nothing.
const SMALL: f64 = 0.01;

pub(super) fn checks(evidence: &Evidence<'_>) -> Vec<HealthCheck> {
    let mut checks = Vec::new();
    if evidence.arms.len() > 1 {
        checks.extend(rated_share(evidence));
        checks.extend(values(evidence));
    }
    checks.extend(users(evidence));
    checks
}

/// Read off the scorecard, which counts by user.
pub(super) fn rated_share(evidence: &Evidence<'_>) -> Option<HealthCheck> {
    let question = (
        "rated-share",
        "Are ratings given equally often in each arm?",
    );
    let row = evidence
        .scorecard
        .iter()
        .find(|row| row.id == "rated_share")?;
    let shares: Vec<String> = row
        .values
        .iter()
        .filter_map(|value| {
            let name = &evidence.arms[value.arm].name;
            Some(format!("{name} {}", units::share(value.estimate?.value)))
        })
        .collect();
    let tests = row
        .effects
        .iter()
        .filter(|e| e.verdict != Verdict::NoData)
        .filter_map(|e| e.test);
    let test = tests.min_by(|a, b| a.p.total_cmp(&b.p));
    let p = test.map_or_else(String::new, |t| format!("; smallest {}", units::p_is(t.p)));
    let finding = format!("{}{p}", shares.join(", "));
    let is_different = test.is_some_and(|t| t.p < ALARMING);
    let check = if is_different {
        found(
            question,
            Severity::Warning,
            finding,
            "Users of one arm rate more often, so mean ratings compare different users",
            "Look at the share of low ratings per request too",
        )
    } else {
        fine(question.0, question.1, finding)
    };
    Some(HealthCheck { test, ..check })
}

/// A column's name and, per arm, answered requests with and without a value.
type Counts = (String, Vec<[u64; 2]>);

/// Every other column, over answered requests: failed ones lack latency and tokens for good reason.
fn values(evidence: &Evidence<'_>) -> Option<HealthCheck> {
    let question = (
        "missing-values",
        "Are values missing equally often in each arm?",
    );
    let log = evidence.log;
    let columns: Vec<&(Quantity, Numbers)> = log
        .quantities
        .iter()
        .filter(|(q, _)| *q != Quantity::Rating)
        .collect();
    if columns.is_empty() {
        return None;
    }
    let counted: Vec<Counts> = columns
        .par_iter()
        .map(|(q, values)| (name(log, *q), counts(log, values)))
        .collect();
    let uneven: Vec<(&Quantity, &Counts)> = columns
        .iter()
        .map(|(quantity, _)| quantity)
        .zip(&counted)
        .filter(|(_, (_, counts))| is_different(counts, evidence.request_design_effect, SMALL))
        .collect();
    let differs: Vec<String> = uneven
        .iter()
        .map(|(_, (name, counts))| {
            let arms = evidence.arms.iter().zip(counts);
            let shares = arms.map(|(arm, c)| format!("{} {}", arm.name, units::share(missing(c))));
            format!(
                "{name} is missing in {}",
                shares.collect::<Vec<_>>().join(", ")
            )
        })
        .collect();
    Some(if differs.is_empty() {
        let finding = if lost::has_uneven_outcomes(evidence) {
            "No other column than the status lacks values clearly more often in one arm"
        } else {
            "No column lacks values clearly more often in one arm"
        };
        fine(question.0, question.1, finding.to_owned())
    } else {
        let ids = uneven.iter().flat_map(|(q, _)| metric_ids(evidence, **q));
        HealthCheck {
            undermines: ids.collect(),
            ..found(
                question,
                Severity::Warning,
                format!("Of answered requests, {}", differs.join("; ")),
                "The arms are compared on different kinds of requests in these columns: means and quantiles may differ for that alone",
                "Find out why they are missing; where one arm does not record a column, leave the column out of the comparison",
            )
        }
    })
}

/// The metrics that stand on a column.
pub(super) fn metric_ids(evidence: &Evidence<'_>, quantity: Quantity) -> Vec<String> {
    let quantiles = |of: &str| ["p50", "p95", "p99"].map(|q| format!("{of}_{q}")).to_vec();
    match quantity {
        Quantity::LatencyMs => quantiles("latency"),
        Quantity::TtftMs => quantiles("ttft"),
        Quantity::Rating => vec!["rating_mean".to_owned()],
        Quantity::TokensIn => vec!["tokens_in_mean".to_owned()],
        Quantity::TokensOut => vec!["tokens_out_mean".to_owned()],
        Quantity::Cost => vec!["cost_mean".to_owned()],
        Quantity::Extra(_) => vec![format!("metric.{}", name(evidence.log, quantity))],
    }
}

fn counts(log: &RequestLog, values: &Numbers) -> Vec<[u64; 2]> {
    let mut counts = vec![[0u64; 2]; log.arms.len()];
    for ((value, outcome), arm) in values.iter().zip(&log.outcome).zip(&log.arm) {
        if *outcome == Outcome::Ok {
            counts[usize::from(*arm)][usize::from(value.is_nan())] += 1;
        }
    }
    counts
}

/// The share of the second of two counts.
pub(super) fn missing([present, missing]: &[u64; 2]) -> f64 {
    *missing as f64 / (present + missing).max(1) as f64
}

/// Whether the shares of the arms differ by more than `small` and more than chance: chi-square over the
/// arms, weakened as if whole users lacked their values (Rao & Scott 1981).
pub(super) fn is_different(counts: &[[u64; 2]], design_effect: f64, small: f64) -> bool {
    let table: Vec<Vec<u64>> = counts
        .iter()
        .filter(|c| c[0] + c[1] > 0)
        .map(|c| c.to_vec())
        .collect();
    let shares: Vec<f64> = counts
        .iter()
        .filter(|c| c[0] + c[1] > 0)
        .map(missing)
        .collect();
    let range = shares.iter().fold(0.0, |m, s| f64::max(m, *s))
        - shares.iter().fold(1.0, |m, s| f64::min(m, *s));
    let clear = chi_square(&table).and_then(|found| {
        let tails = chi_square_tails(
            found.test.statistic / design_effect.max(1.0),
            found.test.df?,
        );
        Some(tails.upper() < ALARMING)
    });
    range > small && clear == Some(true)
}

fn name(log: &RequestLog, quantity: Quantity) -> String {
    match quantity {
        Quantity::LatencyMs => "latency".to_owned(),
        Quantity::TtftMs => "time to first token".to_owned(),
        Quantity::Rating => "rating".to_owned(),
        Quantity::TokensIn => "prompt tokens".to_owned(),
        Quantity::TokensOut => "completion tokens".to_owned(),
        Quantity::Cost => "cost".to_owned(),
        Quantity::Extra(i) => log.extra_names[usize::from(i)].clone(),
    }
}

/// Rows that name no user stand for themselves.
fn users(evidence: &Evidence<'_>) -> Option<HealthCheck> {
    let units = evidence.log.units.as_ref()?;
    let n_none = units.id.iter().filter(|id| **id == Units::NONE).count() as u64;
    if n_none == 0 {
        return None;
    }
    let question = ("missing-users", "Does every request name its user?");
    let share = n_none as f64 / units.id.len().max(1) as f64;
    let finding = format!(
        "{} requests ({}) name no {}",
        units::count(n_none),
        units::share(share),
        units.column
    );
    Some(found(
        question,
        if share > 0.05 {
            Severity::Warning
        } else {
            Severity::Note
        },
        finding,
        "Each of them counts as a user of its own: where users send several, the evidence is overstated",
        "Export the user, or another id that was assigned, with every request",
    ))
}
