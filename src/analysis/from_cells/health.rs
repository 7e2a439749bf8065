//! Health of a log that is known by its cells: the checks that counts allow.

use super::super::clusters::Crossing;
use super::super::health::{self, Counted, Subject};
use super::super::model::{
    ArmSummary, HealthCheck, ScorecardRow, Severity, Stage, StrategyFinding,
};
use super::super::settings::AnalysisSettings;
use super::figures::{ByUser, of_place};
use super::{compare, spread_of};
use crate::cells::{Cells, Measure, Scope, UnitMeasure};
use crate::data::RequestLog;

/// What the checks look at.
pub(super) struct Found<'a> {
    /// The log without its requests.
    pub(super) names: &'a RequestLog,
    pub(super) arms: &'a [ArmSummary],
    pub(super) compared: (usize, Option<usize>),
    pub(super) stages: &'a [Stage],
    pub(super) strategy: &'a StrategyFinding,
    pub(super) scorecard: &'a [ScorecardRow],
    pub(super) settings: &'a AnalysisSettings,
}

/// All checks that cells allow, the worst first.
pub(super) fn checks(
    found: &Found<'_>,
    cells: &Cells,
    (by_user, place): (&ByUser<'_>, usize),
) -> Vec<HealthCheck> {
    let subject = Subject {
        log: found.names,
        by_user: &[],
        arms: found.arms,
        control: found.compared.0,
        treatment: found.compared.1,
        stages: found.stages,
        strategy: found.strategy,
        scorecard: found.scorecard,
        settings: found.settings,
        left_out: None,
    };
    let n_arms = found.arms.len();
    let all: Vec<usize> = (0..n_arms).collect();
    let of_all = spread_of(by_user, place, &all);
    let is_of_all_arms = of_all.is_some();
    // Else those of the two arms that are compared.
    let spread = of_all.or_else(|| {
        let treatment = found.compared.1?;
        spread_of(by_user, place, &[found.compared.0, treatment])
    });
    let crossing = spread.map(|spread| {
        let sizes = sizes(by_user, place, n_arms);
        Crossing::counted(spread.n_units, spread.n_in_several, sizes)
    });
    let mix = |segment: usize| (place == 0).then(|| mix(found, cells, segment));
    let counted = Counted {
        crossing,
        is_of_all_arms,
        mix: &mix,
    };
    let mut checks = health::checks_of_counts(&subject, &counted);
    if found.names.units.is_some() && by_user.is_empty() {
        checks.push(users_are_missing());
    }
    checks.sort_by_key(|check| std::cmp::Reverse(check.severity));
    checks
}

/// Σn and Σn² over requests per user.
fn sizes(by_user: &ByUser<'_>, place: usize, n_arms: usize) -> (f64, f64) {
    let (mut sum, mut squares) = (0.0, 0.0);
    for a in 0..n_arms {
        for b in 0..n_arms {
            let groups = [a, b].map(compare::whole_arm);
            let products = by_user.products(place, UnitMeasure::Users, Scope::All, groups);
            squares += products.den_den;
            sum += if a == b { products.den } else { 0.0 };
        }
    }
    (sum, squares)
}

/// How often each value of a segment column occurs, by stage and arm.
fn mix(found: &Found<'_>, cells: &Cells, segment: usize) -> Vec<Vec<Vec<u64>>> {
    let of_column = &found.names.segments[segment];
    let is_staged = found.strategy.strategy.has_stages();
    let stages = found.stages.iter().filter(|_| is_staged);
    let ends: Vec<i64> = stages.map(|stage| stage.to_us).collect();
    let empty = vec![vec![0; of_column.values.len()]; cells.arms.len()];
    let mut counts = vec![empty; ends.len().max(1)];
    let last = counts.len() - 1;
    let first = cells
        .places
        .partition_point(|place| place.segment < of_column.name);
    for (value, _) in of_column.values.iter().enumerate() {
        let own = of_place(&cells.cells, first + value);
        for cell in own.filter(|cell| cell.measure == Measure::Requests) {
            let stage = ends.partition_point(|end| *end <= cell.time_us).min(last);
            counts[stage][usize::from(cell.arm)][value] += cell.n;
        }
    }
    counts
}

fn users_are_missing() -> HealthCheck {
    HealthCheck {
        id: "users-not-added-up",
        title: "Do intervals stand on users?".to_owned(),
        severity: Severity::Warning,
        finding: "The log names users, but nothing was added up by user".to_owned(),
        meaning: "Requests are taken as independent, which makes intervals too short where users' requests resemble each other".to_owned(),
        advice: "Compute units.parquet over all logs at once (docs/cells.md)".to_owned(),
        test: None,
        forbids_shipping: false,
        undermines: Vec::new(),
    }
}
