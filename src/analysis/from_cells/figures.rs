//! Cells added up: one arm in one place, over all of the log or a stretch of it.

use std::collections::{BTreeMap, BTreeSet};

use super::super::cell_stages::joined;
use super::super::metrics::{Kind, Metric};
use super::super::model::OutcomeCounts;
use crate::cells::{Cell, Cells, Group, Measure, Scope, UnitMeasure, UnitProducts, bins};
use crate::data::Quantity;
use crate::stats::{Counts, Moments, RatioMoments};
use crate::units::ValueForm;

/// What cells come to.
#[derive(Debug, Clone, Default)]
pub(super) struct Figures {
    pub(super) n_requests: u64,
    pub(super) span_us: Option<(i64, i64)>,
    outcomes: [u64; 5],
    sums: BTreeMap<Quantity, (u64, f64, f64)>,
    /// By quantity and bin.
    bins: BTreeMap<Quantity, BTreeMap<i32, u64>>,
}

/// Observations of a share or a mean.
#[derive(Debug, Clone, Copy)]
pub(super) struct Observed {
    /// Number of ones, of a share.
    pub(super) n_events: Option<u64>,
    pub(super) moments: Moments,
}

impl Figures {
    /// Of each arm, the cells of a place by what `at` says of their times: `[arm][at]`.
    pub(super) fn of(
        cells: &[Cell],
        (place, n_arms): (usize, usize),
        n: usize,
        at: impl Fn(i64) -> Option<usize>,
    ) -> Vec<Vec<Self>> {
        let mut figures = vec![vec![Self::default(); n]; n_arms];
        for cell in of_place(cells, place) {
            if let Some(at) = at(cell.time_us) {
                figures[usize::from(cell.arm)][at].add(cell);
            }
        }
        figures
    }

    /// Of each arm, all cells of a place.
    pub(super) fn of_arms(cells: &[Cell], place: usize, n_arms: usize) -> Vec<Self> {
        let all = Self::of(cells, (place, n_arms), 1, |_| Some(0));
        all.into_iter().flatten().collect()
    }

    fn add(&mut self, cell: &Cell) {
        match (cell.measure, cell.bin) {
            (Measure::Requests, _) => {
                self.n_requests += cell.n;
                self.span_us = joined(self.span_us, cell.span_us);
            }
            (Measure::Users | Measure::Unanswered(_), _) => {}
            (Measure::Outcome, bin) => {
                let number = bin.and_then(|bin| usize::try_from(bin).ok());
                if let Some(n) = number.and_then(|number| self.outcomes.get_mut(number)) {
                    *n += cell.n;
                }
            }
            (Measure::Of(quantity), None) => {
                let sums = self.sums.entry(quantity).or_default();
                *sums = (sums.0 + cell.n, sums.1 + cell.sum, sums.2 + cell.sum_sq);
            }
            (Measure::Of(quantity), Some(bin)) => {
                let bins = self.bins.entry(quantity).or_default();
                *bins.entry(bin).or_default() += cell.n;
            }
        }
    }

    pub(super) fn outcomes(&self, has_outcome: bool) -> OutcomeCounts {
        if !has_outcome {
            return OutcomeCounts {
                unknown: self.n_requests,
                ..OutcomeCounts::default()
            };
        }
        let [ok, error, rate_limited, cancelled, unknown] = self.outcomes;
        OutcomeCounts {
            ok,
            error,
            rate_limited,
            cancelled,
            unknown,
        }
    }

    /// The observations of a share or a mean.
    pub(super) fn observed(&self, metric: &Metric) -> Observed {
        let [ok, error, limited, ..] = self.outcomes;
        let sums = |quantity| self.sums.get(&quantity).copied().unwrap_or_default();
        let share = |n_events: u64, n: u64| Observed {
            n_events: Some(n_events),
            moments: Moments::from_sums(n, n_events as f64, n_events as f64),
        };
        match metric.kind {
            Kind::ErrorShare => share(error + limited, ok + error + limited),
            Kind::RatedShare => share(sums(Quantity::Rating).0, self.n_requests),
            Kind::Mean(quantity) | Kind::Quantile(quantity, _) => {
                let (n, sum, squares) = sums(quantity);
                if metric.form == ValueForm::Share && n > 0 {
                    return share(sum as u64, n);
                }
                Observed {
                    n_events: None,
                    moments: Moments::from_sums(n, sum, squares),
                }
            }
        }
    }

    /// Exact moments of durations.
    pub(super) fn moments(&self, quantity: Quantity) -> Moments {
        let (n, sum, squares) = self.sums.get(&quantity).copied().unwrap_or_default();
        Moments::from_sums(n, sum, squares)
    }

    /// Durations as counts of what stands for their bins.
    pub(super) fn counts<'t>(&self, quantity: Quantity, table: &'t [f64]) -> Counts<'t> {
        let bins = self.bins.get(&quantity).into_iter().flatten();
        let groups = bins
            .filter(|(bin, _)| **bin != bins::NOT_POSITIVE)
            .map(|(bin, n)| (code(*bin), u32::try_from(*n).unwrap_or(u32::MAX)));
        Counts::of_groups(table, groups)
    }

    /// Answered requests whose duration was 0 or less.
    pub(super) fn n_not_positive(&self, quantity: Quantity) -> u64 {
        let bins = self.bins.get(&quantity);
        let n = bins.and_then(|bins| bins.get(&bins::NOT_POSITIVE));
        n.copied().unwrap_or(0)
    }

    /// Whether all values of a metric of the log's own are 0 or 1.
    pub(super) fn is_share(&self, quantity: Quantity) -> bool {
        let (n, sum, squares) = self.sums.get(&quantity).copied().unwrap_or_default();
        sum == squares && sum.fract() == 0.0 && sum <= n as f64
    }
}

/// The cells of one place, which are ordered by it.
pub(super) fn of_place(cells: &[Cell], place: usize) -> impl Iterator<Item = &Cell> {
    let from = cells.partition_point(|cell| (cell.place as usize) < place);
    let own = cells[from..].iter();
    own.take_while(move |cell| cell.place as usize == place)
}

/// Index of a bin's value among [`values`].
pub(super) fn code(bin: i32) -> u32 {
    (bin.clamp(bins::FIRST, bins::LAST) - bins::FIRST) as u32
}

/// What stands for the durations of every bin, ascending.
pub(super) fn values() -> Vec<f64> {
    (bins::FIRST..=bins::LAST).map(bins::value_ms).collect()
}

/// What was added up by user, found by what it is of.
pub(super) struct ByUser<'a> {
    products: BTreeMap<(u32, UnitMeasure, Scope, [Group; 2]), &'a UnitProducts>,
    /// The bins at which durations were added up, ascending.
    thresholds: BTreeSet<(Quantity, i32)>,
}

impl<'a> ByUser<'a> {
    pub(super) fn of(cells: &'a Cells) -> Self {
        let units = || cells.units.iter();
        let thresholds = units().filter_map(|unit| match unit.measure {
            UnitMeasure::UpTo(quantity, bin) => Some((quantity, bin)),
            _ => None,
        });
        Self {
            products: units()
                .map(|u| ((u.place, u.measure, u.scope, u.groups), &u.sums))
                .collect(),
            thresholds: thresholds.collect(),
        }
    }

    /// Products of the totals of two groups, the first group's first; 0 where no user is in both.
    pub(super) fn products(
        &self,
        place: usize,
        measure: UnitMeasure,
        scope: Scope,
        [a, b]: [Group; 2],
    ) -> UnitProducts {
        let find = |groups| self.products.get(&(place as u32, measure, scope, groups));
        if a <= b {
            return find([a, b]).map_or_else(UnitProducts::default, |sums| **sums);
        }
        find([b, a]).map_or_else(UnitProducts::default, |sums| UnitProducts {
            num_den: sums.den_num,
            den_num: sums.num_den,
            ..**sums
        })
    }

    /// Moments over the users of one group; `None` without users.
    pub(super) fn moments(
        &self,
        place: usize,
        measure: UnitMeasure,
        scope: Scope,
        group: Group,
    ) -> Option<RatioMoments> {
        let sums = self.products(place, measure, scope, [group, group]);
        (sums.n_units > 0).then(|| {
            RatioMoments::from_float_sums(
                sums.n_units,
                (sums.num, sums.den),
                (sums.num_num, sums.den_den, sums.num_den),
            )
        })
    }

    /// The measures by which durations were added up, by bin.
    pub(super) fn thresholds(&self, quantity: Quantity) -> impl Iterator<Item = i32> {
        let bins = self.thresholds.iter();
        bins.filter(move |(of, _)| *of == quantity)
            .map(|(_, bin)| *bin)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.products.is_empty()
    }

    /// Where the stages begin; empty where there are none.
    pub(super) fn stages(&self) -> Vec<i64> {
        let of_stages = self
            .products
            .keys()
            .filter(|(.., scope, _)| *scope == Scope::Stage);
        let mut starts: Vec<i64> = of_stages.map(|(.., groups)| groups[0].from_us).collect();
        starts.sort_unstable();
        starts.dedup();
        starts
    }
}

/// The ratio behind a share or a mean.
pub(super) fn unit_measure(metric: &Metric) -> UnitMeasure {
    match metric.kind {
        Kind::ErrorShare => UnitMeasure::ErrorShare,
        Kind::RatedShare => UnitMeasure::RatedShare,
        Kind::Mean(quantity) | Kind::Quantile(quantity, _) => UnitMeasure::Mean(quantity),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::metrics;
    use super::super::super::scorecard::rows_by_arm;
    use super::super::super::settings::AnalysisSettings;
    use super::*;
    use crate::cells::{Gatherer, Stretches};
    use crate::data::{Arm, Numbers, Outcome, RequestLog};

    /// What a metric counts of requests and what it counts of cells are two readings of one rule.
    #[test]
    fn the_same_requests_count_in_cells_as_in_every_metric() {
        let outcome = vec![
            Outcome::Ok,
            Outcome::Error,
            Outcome::RateLimited,
            Outcome::Cancelled,
            Outcome::Unknown,
            Outcome::Ok,
        ];
        let values = vec![1.0, 2.0, 3.0, 4.0, 5.0, f64::NAN];
        let quantities = [
            Quantity::LatencyMs,
            Quantity::TtftMs,
            Quantity::Rating,
            Quantity::TokensIn,
            Quantity::TokensOut,
            Quantity::Cost,
            Quantity::Extra(0),
        ];
        let log = RequestLog {
            arms: vec![Arm { name: "a".into() }],
            arm: vec![0; 6],
            event_us: (0..6).collect(),
            start_us: (0..6).collect(),
            outcome,
            has_outcome: true,
            quantities: quantities
                .into_iter()
                .map(|quantity| (quantity, Numbers::from(values.clone())))
                .collect(),
            extra_names: vec!["score".into()],
            ..RequestLog::default()
        };
        let mut gatherer = Gatherer::new(Stretches::Every(1_000_000));
        gatherer.add(&log, None);
        let cells = gatherer.finish();
        let figures = Figures::of_arms(&cells.cells, 0, 1).swap_remove(0);
        let rows = rows_by_arm(&log);
        let metrics = metrics::of_log(&log, &AnalysisSettings::default()).unwrap();
        assert_eq!(metrics.len(), 13);
        for metric in metrics {
            let of_rows = Moments::from_slice(&metric.values(&log, &rows[0]));
            let of_cells = match metric.kind {
                Kind::Quantile(quantity, _) => figures.moments(quantity),
                _ => figures.observed(&metric).moments,
            };
            assert_eq!(
                (of_rows.n, of_rows.mean),
                (of_cells.n, of_cells.mean),
                "{}",
                metric.id
            );
        }
    }
}
