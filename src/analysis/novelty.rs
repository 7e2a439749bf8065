//! Whether the effect changes as users get used to the treatment, or tire of it.
//!
//! A user's day 0 begins with the first request in the arm. The slope of the difference over days is
//! a contrast of the days' means with weights that are the same in both arms; its variance is taken
//! over users, whose days resemble each other.

use rayon::prelude::*;

use super::metrics::{Kind, Metric};
use super::model::{
    MetricRole, NoveltyDay, NoveltyFinding, NoveltySeries, Strategy, StrategyFinding,
};
use crate::data::{Clock, Outcome, Quantity, RequestLog, Units};
use crate::stats::{Moments, RatioMoments, Reference, ratio_difference, welch};
use crate::units::ValueForm;

const DAY_US: i64 = 86_400_000_000;
/// Days that are told apart, and how many there must be.
const MAX_DAYS: usize = 28;
const MIN_DAYS: usize = 3;
/// Requests and users of each arm that a day needs.
const MIN_REQUESTS: u64 = 50;
const MIN_UNITS: u64 = 20;
/// Rows that are looked at; of longer logs one user in so many.
const MAX_ROWS: usize = 2_000_000;

/// A row of either arm: side (control 0), day, user.
struct Exposed {
    row: usize,
    side: usize,
    day: usize,
    unit: usize,
}

/// Effects by day since first exposure; `None` where the log names no users, has no times, or
/// follows too few users for three days or more.
pub(super) fn find(
    log: &RequestLog,
    metrics: &[Metric],
    (control, treatment): (usize, Option<usize>),
    strategy: &StrategyFinding,
    level: f64,
) -> Option<NoveltyFinding> {
    let is_split = matches!(strategy.strategy, Strategy::AbTest | Strategy::Canary);
    let treatment = treatment.filter(|_| is_split && log.clock != Clock::RowOrder)?;
    let units = log.units.as_ref()?;
    let (first, last) = log.event_span_us()?;
    if last - first < (MIN_DAYS as i64 - 1) * DAY_US {
        return None;
    }
    let one_user_in = log.n_rows().div_ceil(MAX_ROWS) as u32;
    let rows = exposed(log, units, [control, treatment], one_user_in);
    let n_units = (units.n_units / one_user_in) as usize + 1;
    let decides = |metric: &&Metric| metric.role != MetricRole::Ignored;
    let series: Vec<NoveltySeries> = metrics
        .par_iter()
        .filter(decides)
        .filter_map(|metric| {
            let (id, label, value) = measured(log, metric)?;
            effect_by_day(&rows, n_units, (id, label, metric.form), level, value)
        })
        .collect();
    (!series.is_empty()).then_some(NoveltyFinding {
        one_user_in,
        series,
    })
}

/// The rows of one user in so many, with the day since their first request in the arm.
fn exposed(log: &RequestLog, units: &Units, arms: [usize; 2], one_in: u32) -> Vec<Exposed> {
    let mut first = vec![[i64::MAX; 2]; (units.n_units / one_in) as usize + 1];
    let mut rows = Vec::new();
    for row in 0..log.n_rows() {
        let id = units.id[row];
        if id == Units::NONE || !id.is_multiple_of(one_in) {
            continue;
        }
        let Some(side) = arms
            .iter()
            .position(|arm| *arm == usize::from(log.arm[row]))
        else {
            continue;
        };
        let unit = (id / one_in) as usize;
        first[unit][side] = first[unit][side].min(log.start_us[row]);
        rows.push(Exposed {
            row,
            side,
            day: 0,
            unit,
        });
    }
    for exposed in &mut rows {
        let since = log.start_us[exposed.row] - first[exposed.unit][exposed.side];
        exposed.day = (since / DAY_US) as usize;
    }
    rows.retain(|exposed| exposed.day < MAX_DAYS);
    rows
}

type Value<'a> = Box<dyn Fn(usize) -> Option<f64> + Sync + 'a>;

/// The value of a request, where the metric is a mean or has one beside its quantiles.
fn measured<'a>(log: &'a RequestLog, metric: &Metric) -> Option<(String, String, Value<'a>)> {
    let (id, label) = (metric.id.clone(), metric.label.clone());
    Some(match metric.kind {
        Kind::ErrorShare => {
            let value = |row: usize| {
                let outcome = log.outcome[row];
                outcome
                    .is_counted()
                    .then(|| f64::from(u8::from(outcome.is_error())))
            };
            (id, label, Box::new(value))
        }
        Kind::Mean(quantity) => {
            let values = log.quantity(quantity)?;
            (
                id,
                label,
                Box::new(|row| Some(values[row]).filter(|value| !value.is_nan())),
            )
        }
        Kind::Quantile(Quantity::LatencyMs, 0.5) => {
            let values = log.quantity(Quantity::LatencyMs)?;
            let value = |row: usize| {
                Some(values[row]).filter(|ms| log.outcome[row] == Outcome::Ok && *ms > 0.0)
            };
            (
                "latency_mean".to_owned(),
                "Latency, mean".to_owned(),
                Box::new(value),
            )
        }
        _ => return None,
    })
}

/// Sum and number of one arm's values on one day.
type Cell = (f64, u64);
/// User, side and value of one request.
type Seen = (u32, u8, f64);

fn effect_by_day(
    rows: &[Exposed],
    n_units: usize,
    (id, label, form): (String, String, ValueForm),
    level: f64,
    value: impl Fn(usize) -> Option<f64>,
) -> Option<NoveltySeries> {
    let mut by_unit: Vec<Vec<Seen>> = vec![Vec::new(); MAX_DAYS];
    let mut cells: Vec<[Cell; 2]> = vec![[(0.0, 0); 2]; MAX_DAYS];
    for exposed in rows {
        let Some(value) = value(exposed.row) else {
            continue;
        };
        let cell = &mut cells[exposed.day][exposed.side];
        *cell = (cell.0 + value, cell.1 + 1);
        by_unit[exposed.day].push((exposed.unit as u32, exposed.side as u8, value));
    }
    let mut days = Vec::new();
    let mut sums = vec![(0.0, 0u32); n_units];
    for (day, values) in by_unit.iter().enumerate() {
        let sides = [0u8, 1].map(|side| per_unit(values, side, &mut sums));
        let is_enough =
            (0..2).all(|side| cells[day][side].1 >= MIN_REQUESTS && sides[side].units >= MIN_UNITS);
        if !is_enough {
            break;
        }
        let difference = ratio_difference(&sides[0], &sides[1], Reference::Welch, level);
        days.push(NoveltyDay {
            day: day as u32,
            n_units: (sides[0].units, sides[1].units),
            difference: difference.map(|found| found.difference),
        });
    }
    if days.len() < MIN_DAYS {
        return None;
    }
    cells.truncate(days.len());
    let slopes = slopes(&by_unit[..days.len()], &cells, n_units);
    let found = welch(&slopes[0], &slopes[1], level)?;
    Some(NoveltySeries {
        metric: id,
        label,
        form,
        days,
        slope_per_day: found.difference,
        test: found.test,
    })
}

/// Ratio moments of one arm's users; `sums` is scratch space that is left as it was.
fn per_unit(values: &[Seen], side: u8, sums: &mut [(f64, u32)]) -> RatioMoments {
    let of_side = || values.iter().filter(|value| value.1 == side);
    for (unit, _, value) in of_side() {
        let sum = &mut sums[*unit as usize];
        *sum = (sum.0 + value, sum.1 + 1);
    }
    let mut moments = RatioMoments::default();
    for (unit, ..) in of_side() {
        let (sum, n) = std::mem::take(&mut sums[*unit as usize]);
        if n > 0 {
            moments.push(sum, f64::from(n));
        }
    }
    moments
}

/// Each arm's slope over the days, as the mean of its users' contributions.
fn slopes(by_unit: &[Vec<Seen>], cells: &[[Cell; 2]], n_units: usize) -> [Moments; 2] {
    // Days weigh by how precisely they tell a difference.
    let precision = |[a, b]: &[Cell; 2]| (a.1 as f64 * b.1 as f64) / (a.1 + b.1) as f64;
    let total: f64 = cells.iter().map(precision).sum();
    let middle = cells
        .iter()
        .enumerate()
        .map(|(day, c)| day as f64 * precision(c))
        .sum::<f64>()
        / total;
    let spread: f64 = cells
        .iter()
        .enumerate()
        .map(|(day, c)| precision(c) * (day as f64 - middle).powi(2))
        .sum();
    let weight = |day: usize| precision(&cells[day]) * (day as f64 - middle) / spread;
    [0, 1].map(|side| {
        let mean = |day: usize| cells[day][side].0 / cells[day][side].1 as f64;
        let mut influence = vec![(0.0, false); n_units];
        for (day, values) in by_unit.iter().enumerate() {
            let scale = weight(day) / cells[day][side].1 as f64;
            for (unit, _, value) in values.iter().filter(|value| usize::from(value.1) == side) {
                let (sum, is_there) = &mut influence[*unit as usize];
                *sum += scale * (value - mean(day));
                *is_there = true;
            }
        }
        let n = influence.iter().filter(|(_, is_there)| *is_there).count() as u64;
        let squares: f64 = influence.iter().map(|(sum, _)| sum * sum).sum();
        // As moments whose variance of the mean, m2/(n(n−1)), is Σz²·n/(n−1).
        Moments {
            n,
            mean: (0..cells.len()).map(|day| weight(day) * mean(day)).sum(),
            mean_rest: 0.0,
            m2: squares * (n * n) as f64,
        }
    })
}
