//! Looking again and again: intervals and tests that hold at every look at once, and the effect over
//! time as a sequence of such intervals.
//!
//! Each interval is widened to the asymptotic confidence sequence (Waudby-Smith et al. 2024) that its
//! own standard error and number of units give, tightest around [`TUNING`] units; by request, shares
//! have an exact sequence (beta-binomial mixture; Robbins 1970). Asymmetric intervals keep their shape.

use rayon::prelude::*;

use super::by_user::UserRows;
use super::effect::{Compared, Inference};
use super::metrics::{Kind, Metric, Observations};
use super::model::{Direction, EffectSeries, InferenceUnit, SeriesPoint};
use super::ordered::Latencies;
use super::scorecard::{Observed, observed};
use super::verdict;
use crate::data::{Clock, RequestLog, TimeBuckets};
use crate::error::Result;
use crate::jobs::Progress;
use crate::stats::sequential::{BetaMixture, asymptotic_sequence, share_difference_sequence};
use crate::stats::{Estimate, Independence, Interval, Method, Share, standardised_quantiles};

/// Units over both arms at which sequences are tightest: chosen before any log was seen, as validity
/// demands, at the default of experimentation platforms.
pub(super) const TUNING: f64 = 5000.0;
/// Looks shown over time.
const MAX_LOOKS: usize = 30;
/// Observations that all looks of a quantile may read together.
const MAX_READ: usize = 60_000_000;
/// Fewer units than this in an arm are too few for normal theory.
const MIN_UNITS: u64 = 50;

/// A comparison for one look, made to hold at every look. `None` where the interval has no finite
/// width.
pub(super) fn always_valid((estimate, test): Compared, n_units: u64) -> Option<Compared> {
    if estimate.method == Method::BetaBinomial {
        return Some((estimate, test));
    }
    let se = verdict::variance(&estimate, test)?.sqrt();
    let sequence = asymptotic_sequence(estimate.value, se, n_units, TUNING, estimate.level)?;
    let estimate = Estimate {
        n: n_units,
        ..estimate
    };
    let now = sequence.estimate.interval;
    let fixed = estimate.interval;
    let factor = (now.upper - now.lower) / (fixed.upper - fixed.lower);
    let interval = Interval {
        lower: estimate.value - (estimate.value - fixed.lower) * factor,
        upper: estimate.value + (fixed.upper - estimate.value) * factor,
    };
    Some((
        Estimate {
            interval,
            method: sequence.estimate.method,
            ..estimate
        },
        Some(sequence.test),
    ))
}

/// By request, the difference of two shares with an exact sequence. It has no test of its own.
pub(super) fn exact_shares(a: Option<Share>, b: Option<Share>, level: f64) -> Option<Compared> {
    let estimate = share_difference_sequence(a?, b?, BetaMixture::default(), level)?;
    Some((estimate, None))
}

/// A p-value, valid at every look, that the change for the worse exceeds the margin: that of the
/// sequence against the margin, 1 on the wrong side of it.
pub(super) fn non_inferior(
    direction: Direction,
    difference: &Estimate,
    margin: f64,
) -> Option<f64> {
    // The sequence's own width gives back the standard error it was made from.
    let half = (difference.interval.upper - difference.interval.lower) / 2.0;
    let se = half / multiplier(difference.n, difference.level)?;
    let against = |room: f64| -> Option<f64> {
        let found = asymptotic_sequence(room, se, difference.n, TUNING, difference.level)?;
        Some(if room > 0.0 { found.test.p } else { 1.0 })
    };
    let (up, down) = (margin - difference.value, margin + difference.value);
    match direction {
        Direction::LowerIsBetter => against(up),
        Direction::HigherIsBetter => against(down),
        Direction::Neutral => Some(against(up)?.max(against(down)?)),
    }
}

/// Standard errors between the estimate and an end of its sequence.
pub(super) fn multiplier(n_units: u64, level: f64) -> Option<f64> {
    let unit = asymptotic_sequence(0.0, 1.0, n_units, TUNING, level)?;
    Some(unit.estimate.interval.upper)
}

/// A relative change widened as its difference was.
pub(super) fn widened(relative: Estimate, from: &Estimate, to: &Estimate) -> Option<Estimate> {
    let width = |e: &Estimate| e.interval.upper - e.interval.lower;
    let factor = width(to) / width(from);
    // On the logarithmic scale on which it was made.
    let centre = (relative.value + 1.0).ln();
    let end = |end: f64| (centre + ((end + 1.0).ln() - centre) * factor).exp_m1();
    let interval = Interval {
        lower: end(relative.interval.lower),
        upper: end(relative.interval.upper),
    };
    (interval.lower.is_finite() && interval.upper.is_finite()).then_some(Estimate {
        interval,
        ..relative
    })
}

/// Per look the rows that it sees, as the first that it does not; none without times.
pub(super) fn ends(log: &RequestLog) -> Vec<u32> {
    let buckets = TimeBuckets::over(log, MAX_LOOKS).filter(|_| log.clock != Clock::RowOrder);
    let Some(buckets) = buckets else {
        return Vec::new();
    };
    let before = |us: i64| log.event_us.partition_point(|t| *t < us) as u32;
    let inner = (1..buckets.n_buckets).map(|bucket| before(buckets.start_us(bucket)));
    inner.chain([log.n_rows() as u32]).collect()
}

/// The effects of the deciding metrics over time at the chosen unit, each look with everything up
/// to its end.
pub(super) fn series(
    log: &RequestLog,
    metrics: &[Metric],
    (rows, latencies): (&[UserRows<'_>], &Latencies<'_>),
    ((control, arm), ends): ((usize, usize), &[u32]),
    inference: Inference<'_>,
    progress: &Progress,
) -> Result<Vec<EffectSeries>> {
    let mut list = Vec::new();
    for metric in metrics.iter().filter(|metric| metric.role.decides()) {
        progress.check()?;
        let all = observed(log, metric, rows, latencies);
        let sides = [control, arm].map(|arm| &all[arm]);
        let found = match metric.kind {
            Kind::Quantile(_, q) => quantiles(q, sides, ends, inference),
            _ => means(sides.map(Observed::observations), ends, inference),
        };
        let points: Vec<SeriesPoint> = found
            .into_iter()
            .enumerate()
            .filter_map(|(look, found)| {
                let (estimate, n_units) = found?;
                let (difference, _) = always_valid((estimate, None), n_units)?;
                let time_us = log.event_us[ends[look] as usize - 1];
                Some(SeriesPoint {
                    time_us,
                    n_units,
                    difference,
                })
            })
            .collect();
        if points.is_empty() {
            continue;
        }
        let is_harm = |p: &&SeriesPoint| match metric.direction {
            Direction::LowerIsBetter => p.difference.interval.lower > 0.0,
            Direction::HigherIsBetter => p.difference.interval.upper < 0.0,
            Direction::Neutral => !p.difference.interval.contains(0.0),
        };
        list.push(EffectSeries {
            metric: metric.id.clone(),
            label: metric.label.clone(),
            form: metric.form,
            arm,
            unit: if log.units.is_some() {
                inference.unit
            } else {
                InferenceUnit::Request
            },
            first_harm_us: points.iter().find(is_harm).map(|p| p.time_us),
            points,
        });
    }
    Ok(list)
}

/// Per look: the difference for that look alone, and the units so far.
type Look = Option<(Estimate, u64)>;

/// What one unit did so far.
#[derive(Debug, Clone, Copy, Default)]
struct UnitSoFar {
    /// Sum and number of its values in this stratum.
    sum: f64,
    n: u32,
    is_seen: bool,
    /// What it contributed to the strata before.
    past: f64,
}

/// One arm's running sums by unit. Values are taken from the metric's overall mean, so that sums of
/// squares lose no digits.
#[derive(Default)]
struct Running {
    by_unit: Vec<UnitSoFar>,
    n_units: u64,
    y: f64,
    d: f64,
    yy: f64,
    yd: f64,
    dd: f64,
    past_y: f64,
    past_d: f64,
    past_past: f64,
}

impl Running {
    /// A value that is a unit of its own.
    fn push_alone(&mut self, value: f64) {
        self.n_units += 1;
        self.yy += value * value;
        self.yd += value;
        self.dd += 1.0;
        self.y += value;
        self.d += 1.0;
    }

    fn push(&mut self, unit: usize, value: f64) {
        if unit >= self.by_unit.len() {
            let n = (unit + 1).next_power_of_two();
            self.by_unit.resize(n, UnitSoFar::default());
        }
        let of_unit = &mut self.by_unit[unit];
        self.n_units += u64::from(!std::mem::replace(&mut of_unit.is_seen, true));
        let (y, d) = (of_unit.sum, f64::from(of_unit.n));
        self.yy += value * (2.0 * y + value);
        self.yd += y + value * d + value;
        self.dd += 2.0 * d + 1.0;
        self.past_y += of_unit.past * value;
        self.past_d += of_unit.past;
        of_unit.sum = y + value;
        of_unit.n += 1;
        self.y += value;
        self.d += 1.0;
    }

    /// Sum of squares of the units' contributions, this stratum's at the weight `weight`.
    fn squares(&self, weight: f64) -> f64 {
        if self.d == 0.0 {
            return self.past_past;
        }
        let (k, mean) = (weight / self.d, self.y / self.d);
        let own = self.yy - 2.0 * mean * self.yd + mean * mean * self.dd;
        let cross = self.past_y - mean * self.past_d;
        (self.past_past + 2.0 * k * cross + k * k * own).max(0.0)
    }

    /// Settles the stratum at its weight.
    fn close(&mut self, weight: f64) {
        if self.d > 0.0 {
            let (k, mean) = (weight / self.d, self.y / self.d);
            if self.by_unit.is_empty() {
                let own = self.yy - 2.0 * mean * self.yd + mean * mean * self.dd;
                self.past_past += k * k * own;
            }
            for unit in &mut self.by_unit {
                unit.past += k * (unit.sum - mean * f64::from(unit.n));
                (unit.sum, unit.n) = (0.0, 0);
            }
        }
        if !self.by_unit.is_empty() {
            self.past_past = self.by_unit.iter().map(|unit| unit.past * unit.past).sum();
        }
        (self.y, self.d, self.yy, self.yd, self.dd) = (0.0, 0.0, 0.0, 0.0, 0.0);
        (self.past_y, self.past_d) = (0.0, 0.0);
    }
}

/// Means and shares: one pass over the rows in time order, each adding to its unit's sums.
fn means(sides: [&Observations<'_>; 2], ends: &[u32], inference: Inference<'_>) -> Vec<Look> {
    let bounds = inference.bounds();
    let is_alone = inference.unit == InferenceUnit::Request;
    let n: usize = sides.iter().map(|side| side.len()).sum();
    let sum: f64 = sides.iter().flat_map(|side| side.values()).sum();
    let overall = sum / n.max(1) as f64;
    let mut arms = [Running::default(), Running::default()];
    let (mut weights, mut total) = (0.0, 0.0); // of the strata before
    let mut at = [0, 0];
    let mut looks = Vec::with_capacity(ends.len());
    let mut cuts: Vec<(u32, bool)> = ends.iter().map(|row| (*row, true)).collect();
    cuts.extend(bounds.iter().map(|row| (*row, false)));
    // At the same row the look comes first: it sees the stratum before.
    cuts.sort_by_key(|(row, is_look)| (*row, !is_look));
    for (cut, is_look) in cuts {
        let seen = |(arm, (at, side)): (&mut Running, (&mut usize, &Observations<'_>))| {
            let from = std::mem::replace(at, side.n_before(cut));
            let coded = side.coded().range(from..*at);
            let values = coded.codes.iter().map(|code| coded.table[*code as usize]);
            if is_alone || coded.units.is_empty() {
                values.for_each(|value| arm.push_alone(value - overall));
            } else {
                let units = coded.units.iter().zip(values);
                units.for_each(|(unit, value)| arm.push(*unit as usize, value - overall));
            }
        };
        arms.par_iter_mut()
            .zip(at.par_iter_mut().zip(sides))
            .for_each(seen);
        let [a, b] = &arms;
        let weight = if a.d * b.d > 0.0 {
            a.d * b.d / (a.d + b.d)
        } else {
            0.0
        };
        let own = if weight > 0.0 {
            b.y / b.d - a.y / a.d
        } else {
            0.0
        };
        if is_look {
            let all = weights + weight;
            let few = a.n_units.min(b.n_units) < MIN_UNITS;
            looks.push((all > 0.0 && !few).then(|| {
                let variance: f64 = arms
                    .iter()
                    .map(|arm| {
                        let n = arm.n_units as f64;
                        arm.squares(weight) * n / (n - 1.0)
                    })
                    .sum();
                let value = (total + weight * own) / all;
                let n_units = a.n_units + b.n_units;
                (
                    normal(value, variance.sqrt() / all, inference.level, n_units),
                    n_units,
                )
            }));
        } else {
            for arm in &mut arms {
                arm.close(weight);
            }
            weights += weight;
            total += weight * own;
        }
    }
    looks
}

fn normal(value: f64, se: f64, level: f64, n: u64) -> Estimate {
    let z = crate::stats::dist::z_multiplier(level).unwrap_or(f64::INFINITY);
    Estimate {
        value,
        interval: Interval::around(value, z * se),
        level,
        method: Method::DeltaNormal,
        n,
    }
}

/// Quantiles: each look reads what was there.
fn quantiles(
    q: f64,
    sides: [&Observed<'_>; 2],
    ends: &[u32],
    inference: Inference<'_>,
) -> Vec<Look> {
    let by = match inference.unit {
        InferenceUnit::Unit => Independence::OfUnits,
        InferenceUnit::Request => Independence::OfObservations,
    };
    let samples = sides.map(|side| side.layered(inference.bounds()));
    let sides = sides.map(Observed::observations);
    // A look reads all that was there: fewer looks at large logs.
    let n: usize = sides.iter().map(|side| side.len()).sum();
    let every = (n * ends.len()).div_ceil(MAX_READ).max(1);
    ends.par_iter()
        .enumerate()
        .map(|(look, end)| {
            let is_skipped = !(ends.len() - 1 - look).is_multiple_of(every);
            if is_skipped {
                return None;
            }
            let [a, b] = [0, 1].map(|side| samples[side].first(sides[side].n_before(*end)));
            let found = standardised_quantiles(&a, &b, (q, by), inference.level)?;
            let [a, b] = [found.0, found.1];
            (a.n.min(b.n) >= MIN_UNITS).then_some((found.2, a.n + b.n))
        })
        .collect()
}
