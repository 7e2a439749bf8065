//! Whether requests of different users are independent: those that share a queue, a load step or a
//! moment move together, and no interval by user sees that.

use super::super::Strategy;
use super::super::model::{HealthCheck, Severity};
use super::{Evidence, fine, found};
use crate::data::{Clock, Outcome, Quantity, Units};
use crate::units;

const QUESTION: (&str, &str) = (
    super::INDEPENDENCE,
    "Are requests of different users independent?",
);
/// Stretches of consecutive requests that are summed.
const STRETCHES: usize = 100;
/// Shorter ones hold too few neighbours.
const SHORTEST: usize = 10;
/// Longer ones are not looked at whole.
const LONGEST: usize = 2000;
/// At either end of a log, this share of it: the last requests to end are the slowest alone.
const ENDS: usize = 100;
/// From this design effect on it is worth knowing; a hundred stretches of independent requests have
/// one of 1 ± 0.14.
const NOTABLE: f64 = 2.0;
/// From this one on, intervals are half as long as they should be.
const MUCH: f64 = 4.0;

/// What one request adds to the difference of the arms.
struct Part {
    /// Rows of one user in one stretch answer for each other elsewhere.
    user: u64,
    arm: usize,
    /// Log latency above the mean of its arm and stage.
    above: f64,
    /// The same as its part in the difference of both arms.
    weighted: f64,
}

pub(super) fn checks(evidence: &Evidence<'_>) -> Vec<HealthCheck> {
    if evidence.log.clock == Clock::RowOrder {
        return Vec::new();
    }
    let stretches = stretches(evidence);
    let (Some(effect), Some(correlation)) = (design_effect(&stretches), correlation(&stretches))
    else {
        return Vec::new();
    };
    let n = stretches.first().map_or(0, Vec::len);
    let mut finding = format!(
        "Latencies of neighbouring requests of different users correlate at {}; over stretches of {} requests that is a design effect of {} beyond that of users",
        units::number(correlation),
        units::count(n as u64),
        units::number(effect)
    );
    if effect < NOTABLE {
        return vec![fine(QUESTION.0, QUESTION.1, finding)];
    }
    if evidence.strategy.strategy == Strategy::Sequential {
        finding += ". Arms that run one after another are one observation a run";
    }
    let meaning = format!(
        "Requests that share a queue, a load step or a moment move together, or the difference changes with time. Intervals and p-values do not see it: intervals are too short by a factor of about {}",
        units::number(effect.sqrt())
    );
    vec![found(
        QUESTION,
        if effect < MUCH {
            Severity::Note
        } else {
            Severity::Warning
        },
        finding,
        &meaning,
        "Run both arms by turns, several times each, and compare runs; where a column tells load or kind of request apart, compare within it",
    )]
}

/// The requests of both arms with a latency, in the order in which they ended, in consecutive
/// stretches, centred by arm and stage. Long logs are looked at in places, spread evenly.
fn stretches(evidence: &Evidence<'_>) -> Vec<Vec<Part>> {
    let log = evidence.log;
    let (Some(treatment), Some(latency)) = (evidence.treatment, log.quantity(Quantity::LatencyMs))
    else {
        return Vec::new();
    };
    let pair = [evidence.control, treatment];
    let rows: Vec<u32> = (0..log.n_rows())
        .filter(|row| {
            pair.contains(&usize::from(log.arm[*row]))
                && log.outcome[*row] == Outcome::Ok
                && latency[*row] > 0.0
        })
        .map(|row| row as u32)
        .collect();
    let rows = &rows[rows.len() / ENDS..rows.len() - rows.len() / ENDS];
    let step = rows.len() / STRETCHES;
    if step < SHORTEST {
        return Vec::new();
    }
    let length = step.min(LONGEST);
    let chosen = || (0..STRETCHES).map(|i| &rows[i * step..i * step + length]);
    let is_staged = evidence.strategy.strategy.has_stages();
    let n_stages = if is_staged {
        evidence.stages.len().max(1)
    } else {
        1
    };
    let stage_of = |row: usize| {
        let stages = &evidence.stages[..n_stages.min(evidence.stages.len())];
        let before = stages.partition_point(|s| s.to_us <= log.event_us[row]);
        before.min(n_stages - 1)
    };
    let cell_of = |row: usize| {
        let arm = usize::from(usize::from(log.arm[row]) == treatment);
        (stage_of(row), arm)
    };
    let mut cells = vec![[(0u64, 0.0); 2]; n_stages];
    for row in chosen().flatten() {
        let row = *row as usize;
        let (stage, arm) = cell_of(row);
        let (n, sum) = &mut cells[stage][arm];
        *n += 1;
        *sum += latency[row].ln();
    }
    let part = |row: &u32| {
        let row = *row as usize;
        let (stage, arm) = cell_of(row);
        let [(n_a, _), (n_b, _)] = cells[stage];
        let (n, sum) = cells[stage][arm];
        let above = latency[row].ln() - sum / n as f64;
        // A stage counts n₁n₂/(n₁+n₂), as in the scorecard, spread over its requests.
        let other = if arm == 0 { n_b } else { n_a };
        let share = other as f64 / (n_a + n_b) as f64;
        let sign = if arm == 0 { -1.0 } else { 1.0 };
        let units = log.units.as_ref().map(|units| units.id[row]);
        let named = units.filter(|id| *id != Units::NONE).map(u64::from);
        Part {
            user: named.unwrap_or((1 << 32) + row as u64),
            arm,
            above,
            weighted: sign * share * above,
        }
    };
    chosen()
        .map(|rows| rows.iter().map(part).collect())
        .collect()
}

/// The variance of the difference with requests of one stretch free to move together, over that with
/// requests as independent: Σ(Σx)²/Σx², less the products of one user's requests, which inference by
/// user has counted (batch means; Bartlett 1946 for the sum of lagged products).
fn design_effect(stretches: &[Vec<Part>]) -> Option<f64> {
    let (mut squares, mut products) = (0.0, 0.0);
    for stretch in stretches {
        let sum: f64 = stretch.iter().map(|p| p.weighted).sum();
        let mut by_user: Vec<(u64, f64)> = stretch.iter().map(|p| (p.user, p.weighted)).collect();
        by_user.sort_unstable_by_key(|(user, _)| *user);
        let of_users: f64 = by_user
            .chunk_by(|a, b| a.0 == b.0)
            .map(|rows| rows.iter().map(|(_, x)| x).sum::<f64>().powi(2))
            .sum();
        products += sum * sum - of_users;
        squares += by_user.iter().map(|(_, x)| x * x).sum::<f64>();
    }
    (squares > 0.0).then(|| 1.0 + products / squares)
}

/// Of each request with the one before it in its arm, where another user sent that.
fn correlation(stretches: &[Vec<Part>]) -> Option<f64> {
    let (mut together, mut squares) = (0.0, 0.0);
    for stretch in stretches {
        let mut before: [Option<&Part>; 2] = [None, None];
        for part in stretch {
            let last = before[part.arm].replace(part);
            if let Some(last) = last.filter(|last| last.user != part.user) {
                together += last.above * part.above;
                squares += f64::midpoint(last.above.powi(2), part.above.powi(2));
            }
        }
    }
    (squares > 0.0).then(|| together / squares)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stretch(values: impl Iterator<Item = (u64, f64)>) -> Vec<Part> {
        let part = |(user, above)| Part {
            user,
            arm: 0,
            above,
            weighted: above,
        };
        values.map(part).collect()
    }

    #[test]
    fn stretches_that_move_together_have_the_design_effect_of_their_length() {
        let of = |i: u64| if i.is_multiple_of(2) { 1.0 } else { -1.0 };
        let together: Vec<_> = (0..50)
            .map(|i| stretch((0..20).map(|k| (i * 20 + k, of(i)))))
            .collect();
        assert_eq!(design_effect(&together), Some(20.0));
        assert_eq!(correlation(&together), Some(1.0));
        // The same of one user each is that user's, and is counted elsewhere.
        let of_one: Vec<_> = (0..50)
            .map(|i| stretch((0..20).map(|_| (i, of(i)))))
            .collect();
        assert_eq!(design_effect(&of_one), Some(1.0));
        assert_eq!(correlation(&of_one), None);
    }
}
