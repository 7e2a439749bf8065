//! Observations of one arm as counts, and every quantile of them in one pass.

use std::sync::Arc;

use rayon::prelude::*;

use super::by_user::UserRows;
use super::effect::Inference;
use super::metrics::{Kind, Metric, Observations};
use crate::data::{Quantity, RequestLog};
use crate::error::Result;
use crate::jobs::Progress;
use crate::stats::{self, Ascending as _, Coded, Counts, Estimate, Moments, RatioMoments};

/// Observations counted once for all quantiles that are asked for.
#[derive(Debug)]
pub(super) struct Ordered<'a> {
    pub(super) counts: Counts<'a>,
    pub(super) moments: Moments,
    /// Relative error of the values; 0 where they are those of the requests.
    known_to: f64,
    /// What was asked for, each with the share of every unit's observations up to the quantile.
    asked: Vec<(f64, Option<RatioMoments>)>,
    /// Distinct units; 0 where the log names none.
    pub(super) n_units: usize,
}

impl<'a> Ordered<'a> {
    /// Of observations and how often each value occurs among them.
    fn of(observations: &Observations<'a>, counts: Counts<'a>, asked: &[f64]) -> Self {
        let coded = observations.coded();
        let end = |q: &f64| stats::quantile(&counts, *q).map_or(0, |at| counts.end_near(at, *q));
        let ends: Vec<u32> = asked.iter().map(end).collect();
        let clusters = if coded.units.is_empty() {
            vec![None; asked.len()]
        } else {
            shares_below(&coded, &ends)
        };
        let moments = Moments::from_counts(&counts);
        Self::of_counts(
            counts,
            moments,
            asked.iter().copied().zip(clusters).collect(),
        )
    }

    /// Of observations that were counted, with what is asked for.
    pub(super) fn of_counts(
        counts: Counts<'a>,
        moments: Moments,
        asked: Vec<(f64, Option<RatioMoments>)>,
    ) -> Self {
        let n_units = asked
            .first()
            .and_then(|(_, c)| Some(c.as_ref()?.units as usize));
        Self {
            counts,
            moments,
            known_to: 0.0,
            asked,
            n_units: n_units.unwrap_or(0),
        }
    }

    /// With values that stand for others.
    pub(super) fn known_to(mut self, relative_error: f64) -> Self {
        self.known_to = relative_error;
        self
    }

    /// A quantile that was asked for, with an interval that allows for clustering in units, where
    /// there are any.
    pub(super) fn by_unit(&self, q: f64, level: f64) -> Option<Estimate> {
        let (_, clusters) = self.asked.iter().find(|(asked, _)| *asked == q)?;
        clusters
            .and_then(|below| stats::clustered_quantile_estimate(&self.counts, q, &below, level))
            .map(|estimate| estimate.known_to(self.known_to))
            .or_else(|| self.by_request(q, level))
    }

    /// A quantile with an interval that takes observations as independent.
    pub(super) fn by_request(&self, q: f64, level: f64) -> Option<Estimate> {
        let estimate = stats::quantile_estimate(&self.counts, q, level)?;
        Some(estimate.known_to(self.known_to))
    }

    /// Units of equal size that would tell as much; 0 where the log names none.
    pub(super) fn effective_units(&self) -> f64 {
        let clusters = self.asked.first().and_then(|(_, clusters)| *clusters);
        clusters.map_or(0.0, |clusters| clusters.effective_units())
    }

    /// Number of observations.
    pub(super) fn n(&self) -> u64 {
        self.counts.n() as u64
    }
}

/// Latencies of answered requests by quantity and arm, observed once for all that read them.
#[derive(Debug)]
pub(super) struct Latencies<'a> {
    of: Vec<(Quantity, Vec<Answered<'a>>)>,
}

/// Latencies of one arm's answered requests.
#[derive(Debug)]
pub(super) struct Answered<'a> {
    pub(super) observations: Observations<'a>,
    /// How often each value occurs in each stratum.
    pub(super) by_stratum: Vec<Arc<Counts<'a>>>,
    pub(super) ordered: Ordered<'a>,
}

impl<'a> Latencies<'a> {
    /// At the rows of each arm; the quantiles are those of the metrics and of `besides`.
    pub(super) fn of(
        log: &'a RequestLog,
        metrics: &[&Metric],
        rows: &'a [UserRows<'_>],
        (besides, inference): (&[f64], Inference<'_>),
        progress: &Progress,
    ) -> Result<Self> {
        let mut latencies = Self { of: Vec::new() };
        for metric in metrics {
            let Kind::Quantile(quantity, _) = metric.kind else {
                continue;
            };
            if latencies.arms(quantity).is_some() {
                continue;
            }
            let mut asked = besides.to_vec();
            asked.extend(metrics.iter().filter_map(|metric| match metric.kind {
                Kind::Quantile(of, q) if of == quantity && !besides.contains(&q) => Some(q),
                _ => None,
            }));
            let answered = |rows: &'a UserRows<'_>| -> Result<Answered<'a>> {
                progress.check()?;
                let observations = metric.observe(log, rows);
                let cells = observations.cells(inference.bounds());
                let counts = |cell: &Coded<'_>| Arc::new(Counts::of(metric.table(log), cell.codes));
                let by_stratum: Vec<Arc<Counts<'a>>> = cells.iter().map(counts).collect();
                progress.check()?;
                let all = by_stratum.iter().skip(1);
                let all = all.fold((*by_stratum[0]).clone(), |all, more| all.merged(more));
                Ok(Answered {
                    ordered: Ordered::of(&observations, all, &asked),
                    observations,
                    by_stratum,
                })
            };
            let arms = rows.par_iter().map(answered).collect::<Result<_>>()?;
            latencies.of.push((quantity, arms));
        }
        Ok(latencies)
    }

    /// Of every arm; `None` where no metric is a quantile of this quantity.
    pub(super) fn arms(&self, quantity: Quantity) -> Option<&[Answered<'a>]> {
        let of = self.of.iter().find(|(known, _)| *known == quantity);
        of.map(|(_, arms)| arms.as_slice())
    }
}

/// For each code: how many observations each unit has below it, over how many it has in all. All
/// sums are whole numbers, so that each is exact and follows from the one before.
fn shares_below(observed: &Coded<'_>, codes: &[u32]) -> Vec<Option<RatioMoments>> {
    #[derive(Clone, Copy, Default)]
    struct Unit {
        n: u32,
        n_below: u32,
    }
    let highest = observed.units.iter().max().map_or(0, |unit| *unit as usize);
    let mut by_unit = vec![Unit::default(); highest + 1];
    for unit in observed.units {
        by_unit[*unit as usize].n += 1;
    }
    let (mut n_units, mut squares) = (0, 0);
    for unit in by_unit.iter().filter(|unit| unit.n > 0) {
        n_units += 1;
        squares += u64::from(unit.n) * u64::from(unit.n);
    }
    let mut order: Vec<usize> = (0..codes.len()).collect();
    order.sort_by_key(|i| codes[*i]);
    let ascending: Vec<u32> = order.iter().map(|i| codes[*i]).collect();
    let between = units_between(observed, &ascending);
    let mut found = vec![None; codes.len()];
    let (mut below, mut squares_below, mut products) = (0, 0u64, 0u64);
    for (i, units) in order.into_iter().zip(between) {
        for unit in &units {
            let unit = &mut by_unit[*unit as usize];
            // (k + 1)² = k² + 2k + 1
            squares_below += 2 * u64::from(unit.n_below) + 1;
            products += u64::from(unit.n);
            unit.n_below += 1;
        }
        below += units.len() as u64;
        found[i] = Some(RatioMoments::from_sums(
            n_units,
            (below, observed.len() as u64),
            (squares_below, squares, products),
        ));
    }
    found
}

/// The units of the observations below the first of ascending codes, of those from it to below the
/// second, and so on.
fn units_between(observed: &Coded<'_>, ascending: &[u32]) -> Vec<Vec<u32>> {
    let place = |code: u32| ascending.iter().filter(|end| code >= **end).count();
    let mut sizes = vec![0; ascending.len() + 1];
    for code in observed.codes {
        sizes[place(*code)] += 1;
    }
    let with_room = |n: &usize| Vec::with_capacity(*n);
    let mut between: Vec<Vec<u32>> = sizes[..ascending.len()].iter().map(with_room).collect();
    for (unit, code) in observed.units.iter().zip(observed.codes) {
        if let Some(units) = between.get_mut(place(*code)) {
            units.push(*unit);
        }
    }
    between
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_pass_finds_what_a_pass_per_quantile_finds() {
        let table: Vec<f64> = (0..1013).map(f64::from).collect();
        let codes: Vec<u32> = (0..3000).map(|i| i * 37 % 1013).collect();
        let units: Vec<u32> = (0..3000).map(|i| i * i % 311).collect();
        let coded = Coded {
            table: &table,
            codes: &codes,
            units: &units,
        };
        let asked = [950, 40, 500, 1012];
        for (end, found) in asked.iter().zip(shares_below(&coded, &asked)) {
            let mut sums = vec![(0, 0); 311];
            for (code, unit) in codes.iter().zip(&units) {
                sums[*unit as usize].0 += u32::from(code < end);
                sums[*unit as usize].1 += 1;
            }
            let expected = RatioMoments::of_whole_numbers(sums.into_iter());
            assert_eq!(found, Some(expected), "{end}");
        }
    }
}
