//! What was known about users before exposure, and effects adjusted for it (CUPED).
//!
//! The covariate is a column mapped as one, or else, where the log begins before the treatment does,
//! each user's own value of the metric in that time. Shares and means are linearised by user as in
//! the delta method; [`cuped`] then takes off what the covariate explains. The unadjusted effect stays
//! the one that decides: whether to adjust has to be settled before anybody saw the figures.
//!
//! A covariate that the treatment may have touched is refused, as far as a log can tell: one that takes
//! several values for a user, or that differs between the arms by more than chance.

use super::effect::Inference;
use super::looks;
use super::metrics::{Kind, Metric};
use super::model::{Adjusted, CovariateFinding, CovariateSource, ScorecardRow, Verdict};
use super::settings::Looks;
use super::verdict;
use crate::data::{Numbers, Quantity, RequestLog, Units};
use crate::stats::{Covaried, Moments, cuped, welch};
use crate::units::{self, Clock};

/// Below this p-value arms differ in the covariate by more than chance; small, because many look.
const IMBALANCE: f64 = 0.001;
/// Share of users with several values from which a covariate is not one of before exposure.
const VARYING: f64 = 0.01;
/// A stage of this weight stands for the whole rollout.
const ONE_STAGE: f64 = 0.95;
/// Share of each arm's users who must have been there for the time before to tell something.
const THERE_BEFORE: f64 = 0.2;
/// Users of each arm who need a value.
const MIN_UNITS: usize = 50;

/// Fills in the adjusted effects of the treatment; `None` where the log has no covariate.
pub(super) fn adjust(
    log: &RequestLog,
    metrics: &[Metric],
    sides: [&[u32]; 2],
    treatment: usize,
    scorecard: &mut [ScorecardRow],
    inference: Inference<'_>,
) -> Option<CovariateFinding> {
    let finder = Finder::new(log, sides);
    let column = log.covariate.and_then(|i| log.quantity(Quantity::Extra(i)));
    let mut finding = match column {
        Some(values) => finder.of_column(values),
        None => finder.of_time_before()?,
    };
    if finding.refused.is_some() {
        return Some(finding);
    }
    let begin = finder.first_treated()?;
    let by_column = column.and_then(|values| finder.unit_values(values).ok());
    for (metric, row) in metrics.iter().zip(scorecard) {
        if matches!(metric.kind, Kind::Quantile(..)) {
            continue;
        }
        let Some(effect) = row.effects.iter_mut().find(|e| e.arm == treatment) else {
            continue;
        };
        let stages = effect.stratified.as_ref();
        if stages.is_some_and(|s| s.strata.iter().all(|stage| stage.weight < ONE_STAGE)) {
            if finding.source == CovariateSource::TimeBefore {
                return None;
            }
            finding.refused.get_or_insert_with(|| {
                "the treatment's share changed over time, and effects combined over stages are not adjusted".to_owned()
            });
            continue;
        }
        // The time before is left out where the unadjusted effect leaves it out.
        let is_cut = stages.is_some() || finding.source == CovariateSource::TimeBefore;
        let from = if is_cut { begin } else { 0 };
        let before = match &by_column {
            Some(values) => values.clone(),
            None => finder.means_before(metric, from),
        };
        let margin = effect.margin;
        let found = finder.adjusted(metric, from, &before, inference.level);
        effect.adjusted = found.and_then(|found| {
            let (difference, test) = match inference.looks {
                Looks::Fixed => (found.difference, found.test),
                Looks::Continuous => {
                    let fixed = (found.difference, Some(found.test));
                    let (difference, test) = looks::always_valid(fixed, found.difference.n)?;
                    (difference, test?)
                }
            };
            Some(Adjusted {
                difference,
                test,
                verdict: verdict::of_difference(metric, &difference, margin),
                ..found
            })
        });
    }
    Some(finding)
}

/// A value per unit; NaN where it has none.
type ByUnit = Vec<f64>;

struct Finder<'a> {
    log: &'a RequestLog,
    /// Rows of control and treatment, ascending.
    sides: [&'a [u32]; 2],
    /// Units that ids may name: users, and rows without one where there are any.
    n_units: usize,
}

impl<'a> Finder<'a> {
    fn new(log: &'a RequestLog, sides: [&'a [u32]; 2]) -> Self {
        let n_units = match &log.units {
            Some(units) if !units.id.contains(&Units::NONE) => units.n_units as usize,
            Some(units) => units.n_units as usize + log.n_rows(),
            None => log.n_rows(),
        };
        Self {
            log,
            sides,
            n_units,
        }
    }

    fn unit(&self, row: u32) -> usize {
        let units = self.log.units.as_ref();
        units.map_or(row, |units| units.of_row(row as usize)) as usize
    }

    /// The treatment's first row.
    fn first_treated(&self) -> Option<u32> {
        self.sides[1].first().copied()
    }

    /// The column's value per unit, or for how many of how many units it varies.
    fn unit_values(&self, values: &Numbers) -> Result<ByUnit, (usize, usize)> {
        let mut by_unit = vec![f64::NAN; self.n_units];
        let mut varies = vec![false; self.n_units];
        for row in self.sides.iter().flat_map(|rows| rows.iter()) {
            let (unit, value) = (self.unit(*row), values[*row as usize]);
            if value.is_nan() {
                continue;
            }
            if by_unit[unit].is_nan() {
                by_unit[unit] = value;
            } else if by_unit[unit] != value {
                varies[unit] = true;
            }
        }
        let n_varying = varies.iter().filter(|varies| **varies).count();
        let n = by_unit.iter().filter(|value| !value.is_nan()).count();
        if n_varying as f64 > VARYING * n as f64 {
            Err((n_varying, n))
        } else {
            Ok(by_unit)
        }
    }

    fn of_column(&self, values: &Numbers) -> CovariateFinding {
        let at = self.log.covariate.map(usize::from);
        let name = at.and_then(|i| self.log.extra_names.get(i));
        let name = name.map_or("", String::as_str);
        let mut finding = CovariateFinding {
            source: CovariateSource::Column,
            label: format!("\u{201c}{name}\u{201d}"),
            until_us: None,
            n_units: [0, 0],
            p_balance: None,
            refused: None,
        };
        match self.unit_values(values) {
            Err((n_varying, n)) => {
                finding.refused = Some(format!(
                    "it takes several values for {} of {} users, so it changed after they met an arm: a value from before exposure is one value per user",
                    units::count(n_varying as u64),
                    units::count(n as u64)
                ));
            }
            Ok(by_unit) => {
                self.check(&by_unit, 0, &mut finding);
            }
        }
        finding
    }

    /// The time in which every request went to the control; `None` unless users of both arms were
    /// there.
    fn of_time_before(&self) -> Option<CovariateFinding> {
        let log = self.log;
        log.units.as_ref()?;
        if log.clock == Clock::RowOrder {
            return None;
        }
        let from = self.first_treated()?;
        let n_before = self.sides[0].partition_point(|row| *row < from);
        if n_before < 2 * MIN_UNITS {
            return None;
        }
        let mut requests = vec![f64::NAN; self.n_units];
        for row in &self.sides[0][..n_before] {
            let n = &mut requests[self.unit(*row)];
            *n = if n.is_nan() { 1.0 } else { *n + 1.0 };
        }
        let mut finding = CovariateFinding {
            source: CovariateSource::TimeBefore,
            label: "what the same users did before the treatment began".to_owned(),
            until_us: Some(log.event_us[from as usize]),
            n_units: [0, 0],
            p_balance: None,
            refused: None,
        };
        let n_units = self.check(&requests, from, &mut finding);
        // A few who came minutes earlier are no time before.
        let is_there = |side: usize| {
            let n = finding.n_units[side];
            n >= MIN_UNITS as u64 && n as f64 >= THERE_BEFORE * n_units[side] as f64
        };
        (is_there(0) && is_there(1)).then_some(finding)
    }

    /// Compares the arms and counts the units with a value; gives the number of all units.
    fn check(&self, by_unit: &[f64], from: u32, finding: &mut CovariateFinding) -> [usize; 2] {
        let all = self.sides.map(|rows| -> Vec<f64> {
            let mut is_seen = vec![false; by_unit.len()];
            let units = rows
                .iter()
                .filter(|row| **row >= from)
                .map(|row| self.unit(*row));
            units
                .filter(|unit| !std::mem::replace(&mut is_seen[*unit], true))
                .map(|unit| by_unit[unit])
                .collect()
        });
        let n_all = all.each_ref().map(Vec::len);
        let values = all.map(|mut values| {
            values.retain(|value| !value.is_nan());
            values
        });
        finding.n_units = [0, 1].map(|side| values[side].len() as u64);
        if values.iter().any(|values| values.len() < MIN_UNITS) {
            finding.refused = Some(format!(
                "fewer than {MIN_UNITS} users of an arm have a value"
            ));
            return n_all;
        }
        let [a, b] = [0, 1].map(|side: usize| Moments::from_slice(&values[side]));
        let Some(found) = welch(&a, &b, 0.95) else {
            finding.refused = Some("it does not vary".to_owned());
            return n_all;
        };
        finding.p_balance = Some(found.test.p);
        if found.test.p < IMBALANCE {
            finding.refused = Some(format!(
                "it differs between the arms by more than chance explains ({} and {} on average, p {}): the treatment has touched it, or the split is off",
                units::number(a.mean),
                units::number(b.mean),
                units::p_value(found.test.p)
            ));
        }
        n_all
    }

    /// Each user's mean of a metric over the rows before `from`.
    fn means_before(&self, metric: &Metric, from: u32) -> ByUnit {
        let rows = self.sides[0];
        let rows = &rows[..rows.partition_point(|row| *row < from)];
        let sums = self.sums(metric, rows);
        sums.into_iter().map(|(sum, n)| sum / n).collect()
    }

    fn sums(&self, metric: &Metric, rows: &[u32]) -> Vec<(f64, f64)> {
        let table = metric.table(self.log);
        let mut sums = vec![(0.0, 0.0); self.n_units];
        metric.each(self.log, rows, |at, code| {
            let (sum, n) = &mut sums[self.unit(rows[at])];
            *sum += table[code as usize];
            *n += 1.0;
        });
        sums
    }

    /// The comparison, its reading still to be made.
    fn adjusted(&self, metric: &Metric, from: u32, before: &[f64], level: f64) -> Option<Adjusted> {
        let sides = self.sides.map(|rows| {
            let rows = &rows[rows.partition_point(|row| *row < from)..];
            linearised(&self.sums(metric, rows), before)
        });
        let known = |side: &Linearised| side.before.iter().filter(|x| !x.is_nan()).count();
        let n_with = [0, 1].map(|k: usize| known(&sides[k]));
        let all = || sides.iter().flat_map(|side| &side.before);
        let mean = all().filter(|x| !x.is_nan()).sum::<f64>() / (n_with[0] + n_with[1]) as f64;
        // Who has no value counts with the mean, which adjusts nothing.
        let [a, b] = sides.map(|side| {
            let filled = |x: f64| if x.is_nan() { mean } else { x };
            let before = side.before.into_iter().map(filled).collect();
            Linearised { before, ..side }
        });
        let found = cuped(a.covaried(), b.covaried(), level)?;
        Some(Adjusted {
            difference: found.comparison.difference,
            test: found.comparison.test,
            theta: found.theta,
            variance_reduction: found.variance_reduction,
            n_units: [a.outcomes.len() as u64, b.outcomes.len() as u64],
            n_with: n_with.map(|n| n as u64),
            verdict: Verdict::NoData,
        })
    }
}

/// One arm's users: outcomes whose mean is the arm's ratio, and values from before.
struct Linearised {
    outcomes: Vec<f64>,
    before: Vec<f64>,
}

impl Linearised {
    fn covaried(&self) -> Covaried<'_> {
        Covaried {
            outcomes: &self.outcomes,
            covariates: &self.before,
        }
    }
}

/// R + (y − R·d) / mean(d) per unit, with R = Σy/Σd (Deng, Knoblich & Lu 2018).
fn linearised(sums: &[(f64, f64)], before: &[f64]) -> Linearised {
    let units = || sums.iter().zip(before).filter(|((_, n), _)| *n > 0.0);
    let (sum, n, n_units) = units().fold((0.0, 0.0, 0.0), |(s, n, k), ((y, d), _)| {
        (s + y, n + d, k + 1.0)
    });
    let (ratio, mean) = (sum / n, n / n_units);
    Linearised {
        outcomes: units()
            .map(|((y, d), _)| ratio + (y - ratio * d) / mean)
            .collect(),
        before: units().map(|(_, x)| *x).collect(),
    }
}
