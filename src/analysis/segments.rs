//! The treatment's effect on every metric within every segment value, the most harmful first.
//!
//! Each value is compared as a log of its own, whose users are numbered anew: a pass over its rows
//! then touches that part of memory alone. p-values are corrected over two families, the effects on
//! metrics that decide and those on metrics that explain, so that the latter cost the former nothing.

use std::cmp::Reverse;

use rayon::prelude::*;

use super::effect::{Inference, effect};
use super::metrics::Metric;
use super::model::{MetricRole, SegmentColumn, SegmentEffect, Verdict};
use super::ordered::Latencies;
use super::scorecard::observed;
use super::strata::Stratifier;
use crate::data::{RequestLog, Segment, Units};
use crate::error::Result;
use crate::jobs::Progress;

/// The effects, neither corrected nor ordered, and how much of each column they cover.
pub(super) fn segments(
    log: &RequestLog,
    metrics: &[Metric],
    arms: (usize, usize),
    inference: Inference<'_>,
    progress: &Progress,
) -> Result<(Vec<SegmentEffect>, Vec<SegmentColumn>)> {
    let told: Vec<&Metric> = metrics
        .iter()
        .filter(|metric| metric.role != MetricRole::Ignored)
        .collect();
    let (mut effects, mut columns) = (Vec::new(), Vec::new());
    for segment in &log.segments {
        let (values, column) = compared(log, segment, arms);
        let of_value = |value: &Value| -> Result<Vec<SegmentEffect>> {
            let part = Part::of(log, &value.rows, arms);
            let strata = inference.strata.map(|strata| strata.within(&value.rows));
            let inference = Inference {
                strata: strata.as_ref(),
                ..inference
            };
            let found = part.effects(&told, arms.1, inference, progress)?;
            let named = |found| SegmentEffect {
                segment: segment.name.clone(),
                value: segment.values[value.code].clone(),
                ..found
            };
            Ok(found.into_iter().map(named).collect())
        };
        let found = values
            .par_iter()
            .map(of_value)
            .collect::<Result<Vec<_>>>()?;
        effects.extend(found.into_iter().flatten());
        columns.push(column);
    }
    Ok((effects, columns))
}

/// Of harmed values of different columns that share requests, the fewest are told as harmed: one that is
/// not harmed without the requests of another, graver one is the same as that.
pub(super) fn tell_same(
    log: &RequestLog,
    metrics: &[Metric],
    arms: (usize, usize),
    inference: Inference<'_>,
    effects: &mut [SegmentEffect],
    progress: &Progress,
) -> Result<()> {
    let is_told = |effect: &SegmentEffect| {
        let harm = effect.harm.as_ref();
        harm.is_some_and(|harm| harm.decides && !harm.is_known)
    };
    let mut told: Vec<usize> = (0..effects.len())
        .filter(|k| is_told(&effects[*k]))
        .collect();
    // The clearest first: what spreads over more columns is the thinner, the less clear.
    told.sort_by(|a, b| ln_p(&effects[*a]).total_cmp(&ln_p(&effects[*b])));
    told.truncate(MAX_TOLD);
    let mut kept: Vec<usize> = Vec::new();
    for this in told {
        let mut same = None;
        for other in &kept {
            let (here, there) = (&effects[this], &effects[*other]);
            if here.metric == there.metric
                && here.segment != there.segment
                && is_gone_without(log, metrics, arms, inference, (here, there), progress)?
            {
                same = Some(format!("{} = {}", there.segment, there.shown_value()));
                break;
            }
        }
        match (same, &mut effects[this].harm) {
            (Some(same), Some(harm)) => harm.same_as = Some(same),
            _ => kept.push(this),
        }
    }
    Ok(())
}

/// At most so many harmed values are compared with each other.
const MAX_TOLD: usize = 8;

fn ln_p(effect: &SegmentEffect) -> f64 {
    effect.effect.test.map_or(0.0, |test| test.ln_p)
}

/// Whether a harm is no longer clear among the requests that another segment value does not have.
fn is_gone_without(
    log: &RequestLog,
    metrics: &[Metric],
    arms: (usize, usize),
    inference: Inference<'_>,
    (here, there): (&SegmentEffect, &SegmentEffect),
    progress: &Progress,
) -> Result<bool> {
    let find = |effect: &SegmentEffect| {
        let column = log.segments.iter().find(|s| s.name == effect.segment)?;
        let code = column.values.iter().position(|v| *v == effect.value)?;
        Some((&column.code, code))
    };
    let metric = metrics.iter().find(|metric| metric.id == here.metric);
    let (Some(own), Some(other), Some(metric)) = (find(here), find(there), metric) else {
        return Ok(false);
    };
    let is_in = |(codes, code): (&Vec<u16>, usize), row: usize| usize::from(codes[row]) == code;
    let rows: Vec<u32> = (0..log.n_rows())
        .filter(|row| [arms.0, arms.1].contains(&usize::from(log.arm[*row])))
        .filter(|row| is_in(own, *row) && !is_in(other, *row))
        .map(|row| row as u32)
        .collect();
    let strata = inference.strata.map(|strata| strata.within(&rows));
    let inference = Inference {
        strata: strata.as_ref(),
        ..inference
    };
    let part = Part::of(log, &rows, arms);
    let left = part.effects(&[metric], arms.1, inference, progress)?;
    Ok(left.iter().all(|effect| effect.verdict != Verdict::Worse))
}

/// A segment value with its rows in both arms, ascending.
struct Value {
    code: usize,
    rows: Vec<u32>,
}

/// The values that have enough requests, the largest first.
fn compared(
    log: &RequestLog,
    segment: &Segment,
    (control, treatment): (usize, usize),
) -> (Vec<Value>, SegmentColumn) {
    let mut sizes = vec![[0usize; 2]; segment.values.len()];
    let side = |row: usize| match usize::from(log.arm[row]) {
        arm if arm == control => Some(0),
        arm if arm == treatment => Some(1),
        _ => None,
    };
    for (row, code) in segment.code.iter().enumerate() {
        if let Some(side) = side(row) {
            sizes[usize::from(*code)][side] += 1;
        }
    }
    let n_values = sizes.iter().filter(|n| n[0] + n[1] > 0).count();
    let mut order: Vec<usize> = (0..sizes.len())
        .filter(|v| sizes[*v].iter().all(|n| *n >= SegmentEffect::MIN_REQUESTS))
        .collect();
    let n_large = order.len();
    order.sort_by_key(|v| (Reverse(sizes[*v][0] + sizes[*v][1]), *v));
    order.truncate(SegmentEffect::MAX_VALUES);
    let mut place = vec![usize::MAX; sizes.len()];
    let mut values: Vec<Value> = Vec::with_capacity(order.len());
    for code in order {
        place[code] = values.len();
        let rows = Vec::with_capacity(sizes[code][0] + sizes[code][1]);
        values.push(Value { code, rows });
    }
    for (row, code) in segment.code.iter().enumerate() {
        if let Some(value) = values.get_mut(place[usize::from(*code)])
            && side(row).is_some()
        {
            value.rows.push(row as u32);
        }
    }
    let column = SegmentColumn {
        segment: segment.name.clone(),
        n_values: n_values as u64,
        n_compared: values.len() as u64,
        n_too_small: (n_values - n_large) as u64,
        n_not_shown: (n_large - values.len()) as u64,
    };
    (values, column)
}

/// The rows of one segment value as a log: what metrics read of it, and no more.
struct Part {
    log: RequestLog,
    /// Its rows of control and treatment.
    sides: [Vec<u32>; 2],
}

impl Part {
    fn of(log: &RequestLog, rows: &[u32], (control, _): (usize, usize)) -> Self {
        let (mut a, mut b) = (Vec::new(), Vec::new());
        for (at, row) in rows.iter().enumerate() {
            if usize::from(log.arm[*row as usize]) == control {
                a.push(at as u32);
            } else {
                b.push(at as u32);
            }
        }
        Self {
            log: RequestLog {
                clock: log.clock,
                outcome: rows.iter().map(|row| log.outcome[*row as usize]).collect(),
                has_outcome: log.has_outcome,
                quantities: log
                    .quantities
                    .iter()
                    .map(|(quantity, numbers)| (*quantity, numbers.gathered(rows)))
                    .collect(),
                extra_names: log.extra_names.clone(),
                units: log.units.as_ref().map(|units| numbered_anew(units, rows)),
                ..RequestLog::default()
            },
            sides: [a, b],
        }
    }

    fn effects(
        &self,
        metrics: &[&Metric],
        treatment: usize,
        inference: Inference<'_>,
        progress: &Progress,
    ) -> Result<Vec<SegmentEffect>> {
        let [a, b] = &self.sides;
        let stratifier = Stratifier::new(&self.log, inference, [a, b]);
        let latencies = Latencies::of(&self.log, metrics, &self.sides, &[]);
        let of_metric = |metric: &&Metric| {
            progress.check()?;
            let observed = observed(&self.log, metric, &self.sides, &latencies);
            let samples = [0, 1].map(|side| observed[side].sample(metric, inference));
            let pooled = effect(metric, treatment, &samples[0], &samples[1], inference);
            let effect = match &stratifier {
                Some(stratifier) => {
                    let sides = [0, 1].map(|side| observed[side].observations());
                    stratifier.effect(metric, pooled, sides)
                }
                None => pooled,
            };
            Ok(SegmentEffect {
                segment: String::new(),
                value: String::new(),
                metric: metric.id.clone(),
                label: metric.label.clone(),
                form: metric.form,
                n_requests: (a.len() as u64, b.len() as u64),
                n: (samples[0].n, samples[1].n),
                control: samples[0].estimate.map(|e| e.value),
                treatment: samples[1].estimate.map(|e| e.value),
                verdict: effect.verdict,
                effect,
                p_holm: 1.0,
                p_adjusted: 1.0,
                harm: None,
            })
        };
        metrics.iter().map(of_metric).collect()
    }
}

/// The units at some rows, numbered from 0 in the order of their first row.
fn numbered_anew(units: &Units, rows: &[u32]) -> Units {
    let mut numbers = vec![Units::NONE; units.n_units as usize];
    let mut n_units = 0;
    let id = rows
        .iter()
        .map(|row| match units.id[*row as usize] {
            Units::NONE => Units::NONE,
            old => {
                let new = &mut numbers[old as usize];
                if *new == Units::NONE {
                    *new = n_units;
                    n_units += 1;
                }
                *new
            }
        })
        .collect();
    Units {
        column: units.column.clone(),
        id,
        n_units,
    }
}
