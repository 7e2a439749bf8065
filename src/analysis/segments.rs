//! The treatment's effect on every metric within every segment value, the most harmful first.
//!
//! Each value is compared as a log of its own, whose users are numbered anew: a pass over its rows
//! then touches that part of memory alone. p-values are corrected over two families, the effects on
//! metrics that decide and those on metrics that explain, so that the latter cost the former nothing.

use std::borrow::Cow;
use std::cmp::Reverse;

use rayon::prelude::*;

use super::by_user::{Ends, UserRows};
use super::effect::{ArmSample, Inference, effect};
use super::metrics::Metric;
use super::model::{Effect, SegmentColumn, SegmentEffect, Verdict};
use super::ordered::Latencies;
use super::scorecard::observed;
use super::strata::Stratifier;
use crate::data::{RequestLog, Segment, Units};
use crate::error::Result;
use crate::jobs::Progress;

/// The treatment, with the rows of control and treatment.
pub(super) type OfArms<'a> = (usize, [&'a UserRows<'a>; 2]);

/// The effects, neither corrected nor ordered, and how much of each column they cover.
pub(super) fn segments(
    log: &RequestLog,
    metrics: &[&Metric],
    (treatment, sides): OfArms<'_>,
    inference: Inference<'_>,
    progress: &Progress,
) -> Result<(Vec<SegmentEffect>, Vec<SegmentColumn>)> {
    let (mut effects, mut columns) = (Vec::new(), Vec::new());
    for segment in &log.segments {
        let (values, column) = compared(segment, sides);
        let of_value = |value: &Value<'_>| -> Result<Vec<SegmentEffect>> {
            let part = Part::of(log, &value.sides);
            let found = part.effects(metrics, treatment, inference, progress)?;
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
    of_arms: OfArms<'_>,
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
                && is_gone_without(log, metrics, of_arms, inference, (here, there), progress)?
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
    of_arms: OfArms<'_>,
    inference: Inference<'_>,
    (here, there): (&SegmentEffect, &SegmentEffect),
    progress: &Progress,
) -> Result<bool> {
    let metric = metrics.iter().find(|metric| metric.id == here.metric);
    let (Some(own), Some(other), Some(metric)) = (codes(log, here), codes(log, there), metric)
    else {
        return Ok(false);
    };
    let is_left = |row: usize| is_in(own, row) && !is_in(other, row);
    let left = among(log, metric, of_arms, inference, is_left, progress)?;
    Ok(left.is_none_or(|effect| effect.verdict != Verdict::Worse))
}

/// The effect on a metric among the requests that a segment value does not have.
pub(super) fn remaining(
    log: &RequestLog,
    metric: &Metric,
    of_arms: OfArms<'_>,
    inference: Inference<'_>,
    without: &SegmentEffect,
    progress: &Progress,
) -> Result<Option<Effect>> {
    let Some(other) = codes(log, without) else {
        return Ok(None);
    };
    let is_left = |row: usize| !is_in(other, row);
    let left = among(log, metric, of_arms, inference, is_left, progress)?;
    Ok(left.map(|found| found.effect))
}

/// A segment's codes by row, and one of its values.
type Codes<'a> = (&'a [u16], usize);

fn codes<'a>(log: &'a RequestLog, effect: &SegmentEffect) -> Option<Codes<'a>> {
    let column = log.segments.iter().find(|s| s.name == effect.segment)?;
    let code = column.values.iter().position(|v| *v == effect.value)?;
    Some((&column.code, code))
}

fn is_in((codes, code): Codes<'_>, row: usize) -> bool {
    usize::from(codes[row]) == code
}

/// The effect on a metric among some rows.
fn among(
    log: &RequestLog,
    metric: &Metric,
    (treatment, sides): OfArms<'_>,
    inference: Inference<'_>,
    is_left: impl Fn(usize) -> bool,
    progress: &Progress,
) -> Result<Option<SegmentEffect>> {
    let left = sides.map(|of_arm| {
        let (mut rows, mut ends) = (Vec::new(), Ends::like(of_arm.ends()));
        for places in of_arm.stretches() {
            let of_stretch = of_arm.rows()[places].iter();
            rows.extend(of_stretch.filter(|row| is_left(**row as usize)));
            ends.push(rows.len());
        }
        (rows, ends)
    });
    let left = Part::of(log, &left).effects(&[metric], treatment, inference, progress)?;
    Ok(left.into_iter().next())
}

/// Some rows of each of several arms, in the order of the arms' rows.
type Sides<'a> = [(Vec<u32>, Ends<'a>)];

/// A segment value with its rows.
pub(super) struct Value<'a> {
    pub(super) code: usize,
    pub(super) sides: Vec<(Vec<u32>, Ends<'a>)>,
}

/// The values that have enough requests, the largest first.
fn compared<'a>(segment: &Segment, sides: [&UserRows<'a>; 2]) -> (Vec<Value<'a>>, SegmentColumn) {
    let is_large = |n: &[usize]| n.iter().all(|n| *n >= SegmentEffect::MIN_REQUESTS);
    let (values, found) = largest(segment, &sides, is_large);
    let column = SegmentColumn {
        segment: segment.name.clone(),
        n_values: found.n_values,
        n_compared: values.len() as u64,
        n_too_small: found.n_values - found.n_large,
        n_not_shown: found.n_large - values.len() as u64,
    };
    (values, column)
}

/// How many values occur, and how many of them are large enough.
pub(super) struct FoundValues {
    pub(super) n_values: u64,
    pub(super) n_large: u64,
}

/// The values that are large enough by their requests per arm, the largest first, with their rows.
pub(super) fn largest<'a>(
    segment: &Segment,
    sides: &[&UserRows<'a>],
    is_large: impl Fn(&[usize]) -> bool,
) -> (Vec<Value<'a>>, FoundValues) {
    let code = |row: &u32| usize::from(segment.code[*row as usize]);
    let mut sizes = vec![vec![0usize; sides.len()]; segment.values.len()];
    for (side, of_arm) in sides.iter().enumerate() {
        for row in of_arm.rows() {
            sizes[code(row)][side] += 1;
        }
    }
    let total = |v: usize| sizes[v].iter().sum::<usize>();
    let n_values = (0..sizes.len()).filter(|v| total(*v) > 0).count();
    let mut order: Vec<usize> = (0..sizes.len()).filter(|v| is_large(&sizes[*v])).collect();
    let found = FoundValues {
        n_values: n_values as u64,
        n_large: order.len() as u64,
    };
    order.sort_by_key(|v| (Reverse(total(*v)), *v));
    order.truncate(SegmentEffect::MAX_VALUES);
    let mut place = vec![usize::MAX; sizes.len()];
    let mut values: Vec<Value<'_>> = Vec::with_capacity(order.len());
    for code in order {
        place[code] = values.len();
        let with_room = |(side, of_arm): (usize, &&UserRows<'a>)| {
            let ends = Ends::like(of_arm.ends());
            (Vec::with_capacity(sizes[code][side]), ends)
        };
        let sides = sides.iter().enumerate().map(with_room).collect();
        values.push(Value { code, sides });
    }
    for (side, of_arm) in sides.iter().enumerate() {
        for places in of_arm.stretches() {
            for row in &of_arm.rows()[places] {
                if let Some(value) = values.get_mut(place[code(row)]) {
                    value.sides[side].0.push(*row);
                }
            }
            for value in &mut values {
                let (rows, ends) = &mut value.sides[side];
                ends.push(rows.len());
            }
        }
    }
    (values, found)
}

/// The rows of one segment value as a log: what metrics read of it, and no more.
pub(super) struct Part<'a> {
    pub(super) log: RequestLog,
    /// Its rows of each arm.
    pub(super) sides: Vec<UserRows<'a>>,
}

impl<'a> Part<'a> {
    /// Its rows are in the order in which they are read: arm after arm.
    pub(super) fn of(log: &RequestLog, sides: &Sides<'a>) -> Self {
        let each: Vec<&[u32]> = sides.iter().map(|(rows, _)| rows.as_slice()).collect();
        let rows = each.concat();
        let units = log.units.as_ref().map(|units| numbered_anew(units, &rows));
        let mut from = 0;
        let side = |(own, ends): &(Vec<u32>, Ends<'a>)| {
            let places = from..from + own.len();
            from = places.end;
            let rows = places.clone().map(|row| row as u32).collect();
            let own = units
                .iter()
                .flat_map(|units| places.clone().map(|row| units.of_row(row)));
            UserRows::ordered(Cow::Owned(rows), own.collect(), ends.clone())
        };
        Self {
            sides: sides.iter().map(side).collect(),
            log: RequestLog {
                clock: log.clock,
                outcome: rows.iter().map(|row| log.outcome[*row as usize]).collect(),
                has_outcome: log.has_outcome,
                quantities: log
                    .quantities
                    .iter()
                    .map(|(quantity, numbers)| (*quantity, numbers.gathered(&rows)))
                    .collect(),
                extra_names: log.extra_names.clone(),
                units,
                ..RequestLog::default()
            },
        }
    }

    /// What control and treatment show of each metric, and the effect on it.
    fn effects(
        &self,
        metrics: &[&Metric],
        treatment: usize,
        inference: Inference<'_>,
        progress: &Progress,
    ) -> Result<Vec<SegmentEffect>> {
        let [a, b] = self.sides.as_slice() else {
            return Ok(Vec::new());
        };
        let stratifier = Stratifier::new(&self.log, inference, [a, b]);
        let latencies = Latencies::of(&self.log, metrics, &self.sides, (&[], inference), progress)?;
        let of_metric = |metric: &&Metric| {
            progress.check()?;
            let observed = observed(&self.log, metric, &self.sides, &latencies);
            let samples = [0, 1].map(|side| observed[side].sample(metric, inference));
            let pooled = effect(metric, treatment, &samples[0], &samples[1], inference);
            let effect = match &stratifier {
                Some(stratifier) => stratifier.effect(metric, pooled, [&observed[0], &observed[1]]),
                None => pooled,
            };
            let n_requests = (a.len() as u64, b.len() as u64);
            Ok(of_value(metric, n_requests, &samples, effect))
        };
        metrics.iter().map(of_metric).collect()
    }
}

/// The effect on a metric within one value, which is yet to be named; neither corrected nor ordered.
pub(super) fn of_value(
    metric: &Metric,
    n_requests: (u64, u64),
    [control, treatment]: &[ArmSample; 2],
    effect: Effect,
) -> SegmentEffect {
    SegmentEffect {
        segment: String::new(),
        value: String::new(),
        metric: metric.id.clone(),
        label: metric.label.clone(),
        form: metric.form,
        n_requests,
        n: (control.n, treatment.n),
        control: control.estimate.map(|e| e.value),
        treatment: treatment.estimate.map(|e| e.value),
        verdict: effect.verdict,
        effect,
        p_holm: 1.0,
        p_adjusted: 1.0,
        harm: None,
    }
}

/// The units at some rows, numbered from 0 in the order that they had.
fn numbered_anew(units: &Units, rows: &[u32]) -> Units {
    let ids = || rows.iter().map(|row| units.id[*row as usize]);
    let mut is_there = vec![false; units.n_units as usize];
    for id in ids().filter(|id| *id != Units::NONE) {
        is_there[id as usize] = true;
    }
    let mut n_units = 0;
    let number = |is_there: bool| {
        n_units += u32::from(is_there);
        n_units.saturating_sub(1)
    };
    let numbers: Vec<u32> = is_there.into_iter().map(number).collect();
    let id = ids().map(|id| numbers.get(id as usize).copied().unwrap_or(Units::NONE));
    Units {
        column: units.column.clone(),
        id: id.collect(),
        n_units,
    }
}
