//! A blue-green switch: when it happened, and what changed in level and slope around it.

use super::metrics::{Kind, Metric};
use super::model::{
    MetricRole, Strategy, StrategyFinding, SwitchFinding, SwitchPoint, SwitchSeries,
};
use crate::data::{Clock, RequestLog, bucket_width_us};
use crate::stats::{Interrupted, Moments, Season, SeriesPoint, interrupted, quantile};

const HOUR_US: i64 = 3_600_000_000;
const DAY_US: i64 = 24 * HOUR_US;
/// Buckets over the log's span, and what the shorter side needs.
const MAX_BUCKETS: usize = 200;
const MIN_SIDE: i64 = 8;
/// Observations without which a bucket says nothing.
const MIN_OBSERVATIONS: usize = 5;
/// The time of day is modelled from this span on, where each side covers a day.
const SEASON_US: i64 = 3 * DAY_US;

const WARNING: &str = "Nothing ran at the same time: whatever else changed at the switch, such as traffic, prompts or the provider, is part of the estimate. The model takes out a steady trend and, in longer logs, the time of day, and nothing else";

/// The switch; `None` unless the rollout was a blue-green switch with times.
pub(super) fn find(
    log: &RequestLog,
    metrics: &[Metric],
    (control, treatment): (usize, Option<usize>),
    strategy: &StrategyFinding,
    level: f64,
) -> Option<SwitchFinding> {
    let treatment = treatment.filter(|_| strategy.strategy == Strategy::BlueGreen)?;
    if log.clock == Clock::RowOrder {
        return None;
    }
    let Switch {
        at_us,
        before,
        after,
        n_stray,
    } = switch(log, control, treatment)?;
    let (first, last) = log.event_span_us()?;
    let (length_before, length_after) = (at_us - first, last - at_us);
    let shorter = length_before.min(length_after);
    let width_us =
        bucket_width_us(last - first, MAX_BUCKETS).min((shorter / MIN_SIDE).max(1_000_000));
    let has_daily_pattern = log.clock == Clock::Epoch
        && last - first >= SEASON_US
        && shorter >= DAY_US
        && width_us <= 2 * HOUR_US;
    let season = if has_daily_pattern {
        Season::Daily
    } else {
        Season::None
    };
    let rows = by_bucket(log, (before, after), at_us, width_us);
    let decides = |metric: &&Metric| !matches!(metric.role, MetricRole::Ignored);
    let series = metrics
        .iter()
        .filter(decides)
        .filter_map(|metric| model(log, metric, &rows, (at_us, width_us), season, level))
        .collect();
    Some(SwitchFinding {
        at_us,
        before,
        after,
        n_stray,
        width_us,
        has_daily_pattern,
        warning: WARNING.to_owned(),
        series,
    })
}

struct Switch {
    at_us: i64,
    before: usize,
    after: usize,
    n_stray: u64,
}

/// The start time that leaves the fewest requests on the wrong side.
fn switch(log: &RequestLog, control: usize, treatment: usize) -> Option<Switch> {
    let mut starts: Vec<(i64, bool)> = (0..log.n_rows())
        .filter(|row| [control, treatment].contains(&usize::from(log.arm[*row])))
        .map(|row| (log.start_us[row], usize::from(log.arm[row]) == treatment))
        .collect();
    starts.sort_unstable();
    let n_treatment = starts
        .iter()
        .filter(|(_, is_treatment)| *is_treatment)
        .count();
    if n_treatment == 0 || n_treatment == starts.len() {
        return None;
    }
    // Wrong if the switch came before row i: the control's rows after it, the treatment's before.
    let mut wrong = (starts.len() - n_treatment) as i64;
    let total = starts.len() as i64;
    let (mut best, mut worst) = ((wrong, 0), (wrong, 0));
    for (i, (_, is_treatment)) in starts.iter().enumerate() {
        wrong += if *is_treatment { 1 } else { -1 };
        if wrong < best.0 {
            best = (wrong, i + 1);
        }
        if wrong > worst.0 {
            worst = (wrong, i + 1);
        }
    }
    // Where the treatment ran first, the right places are the wrong ones.
    let is_treatment_later = best.0 <= total - worst.0;
    let (n_stray, i) = if is_treatment_later {
        best
    } else {
        (total - worst.0, worst.1)
    };
    let at_us = starts.get(i).or(starts.last())?.0;
    let (before, after) = if is_treatment_later {
        (control, treatment)
    } else {
        (treatment, control)
    };
    Some(Switch {
        at_us,
        before,
        after,
        n_stray: n_stray as u64,
    })
}

/// Rows by bucket of start time, counted from the switch; stray rows are left out.
fn by_bucket(
    log: &RequestLog,
    (before, after): (usize, usize),
    at_us: i64,
    width_us: i64,
) -> Vec<(i64, Vec<u32>)> {
    let mut rows: Vec<(i64, u32)> = Vec::new();
    for row in 0..log.n_rows() {
        let bucket = (log.start_us[row] - at_us).div_euclid(width_us);
        let arm = if bucket < 0 { before } else { after };
        if usize::from(log.arm[row]) == arm {
            rows.push((bucket, row as u32));
        }
    }
    rows.sort_unstable();
    let groups = rows.chunk_by(|a, b| a.0 == b.0);
    groups
        .map(|group| (group[0].0, group.iter().map(|(_, row)| *row).collect()))
        .collect()
}

fn model(
    log: &RequestLog,
    metric: &Metric,
    rows: &[(i64, Vec<u32>)],
    (at_us, width_us): (i64, i64),
    season: Season,
    level: f64,
) -> Option<SwitchSeries> {
    let mut points = Vec::new();
    for (bucket, rows) in rows {
        let mut values = metric.values(log, rows);
        if values.len() < MIN_OBSERVATIONS {
            continue;
        }
        let value = match metric.kind {
            Kind::Quantile(_, q) => {
                values.sort_by(f64::total_cmp);
                quantile(&values, q)?
            }
            _ => Moments::from_slice(&values).mean,
        };
        let middle = bucket * width_us + width_us / 2;
        points.push(SeriesPoint {
            day: middle as f64 / DAY_US as f64,
            hour: (at_us + middle).rem_euclid(DAY_US) as f64 / HOUR_US as f64,
            value,
            weight: values.len() as f64,
        });
    }
    let Interrupted {
        level,
        slope,
        autocorrelation,
        fitted,
    } = interrupted(&points, season, level)?;
    let start =
        |point: &SeriesPoint| at_us + (point.day * DAY_US as f64).round() as i64 - width_us / 2;
    Some(SwitchSeries {
        metric: metric.id.clone(),
        label: metric.label.clone(),
        form: metric.form,
        level: level.difference,
        level_test: level.test,
        slope_per_day: slope.difference,
        slope_test: slope.test,
        autocorrelation,
        points: points
            .iter()
            .zip(fitted)
            .map(|(point, (fitted, without_switch))| SwitchPoint {
                start_us: start(point),
                value: point.value,
                fitted,
                without_switch,
            })
            .collect(),
    })
}
