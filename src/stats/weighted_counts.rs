//! The observations of one arm with a weight per stratum, as one distribution: its quantiles, and what
//! lies a share up or down from them.

use super::counts::{Ascending, Counts};
use super::dist::t_multiplier;
use super::estimate::{Estimate, Interval, Method};

/// How much one observation of each stratum weighs; 0 where a stratum is not used.
pub(super) struct Weighted<'s> {
    pub(super) layers: Vec<(f64, &'s Counts<'s>)>,
}

impl Weighted<'_> {
    fn used(&self) -> impl DoubleEndedIterator<Item = &(f64, &Counts<'_>)> {
        self.layers.iter().filter(|(each, _)| *each > 0.0)
    }

    /// The weight of all observations below a code.
    pub(super) fn below(&self, code: u32) -> f64 {
        self.used()
            .map(|(each, counts)| each * counts.n_below(code) as f64)
            .sum()
    }

    /// The code at which the weight of all below it is nearest to `q`, of a value and the first above it,
    /// and that weight.
    pub(super) fn end_near(&self, value: f64, q: f64) -> Option<(u32, f64)> {
        let (_, counts) = self.used().next()?;
        let ends = [counts.above(value), counts.at_or_above(value)];
        let shares = ends.map(|end| (end, self.below(end)));
        let away = |(_, share): &(u32, f64)| (share - q).abs();
        shares
            .into_iter()
            .min_by(|a, b| away(a).total_cmp(&away(b)))
    }

    /// The variance of the share at q, from that of the share below `end`: not less than with independent
    /// observations, and carried over to q where many values are equal.
    pub(super) fn variance(&self, (q, share): (f64, f64), end: u32, found: f64) -> f64 {
        let of_independent = |share_of: &dyn Fn(&Counts<'_>) -> f64| -> f64 {
            let layer = |(each, counts): &(f64, &Counts<'_>)| {
                let share = share_of(counts);
                each * each * counts.n() as f64 * share * (1.0 - share)
            };
            self.used().map(layer).sum()
        };
        let below = |counts: &Counts<'_>| counts.n_below(end) as f64 / counts.n().max(1) as f64;
        let independent = of_independent(&below);
        if independent <= 0.0 {
            // Nothing tells how those below are clustered.
            return of_independent(&|_| q);
        }
        found.max(independent) * (q * (1.0 - q) / (share * (1.0 - share)))
    }

    /// The value at q between those that the variance of its share leaves open.
    pub(super) fn estimate(
        &self,
        (value, q): (f64, f64),
        variance: f64,
        n_units: u64,
        level: f64,
    ) -> Option<Estimate> {
        let df = n_units.checked_sub(1)? as f64;
        let half = t_multiplier(level, df)? * variance.sqrt();
        Some(Estimate {
            value,
            interval: self.between(q - half, q + half),
            level,
            method: Method::StratifiedOrderStatistics,
            n: n_units,
        })
    }

    /// The first code that occurs at or after one.
    fn next(&self, code: u32) -> Option<u32> {
        self.used()
            .filter_map(|(_, counts)| counts.next(code))
            .min()
    }

    /// The last code that occurs before one.
    fn previous(&self, code: u32) -> Option<u32> {
        let of_layers = self.used().filter_map(|(_, counts)| counts.previous(code));
        of_layers.max()
    }

    /// Where the first observation of a code that occurs has its middle, and where the last has: equal
    /// values stand in the order of the strata.
    fn middles(&self, code: u32) -> (f64, f64) {
        let is_there = |(_, counts): &&(f64, &Counts<'_>)| counts.next(code) == Some(code);
        let half = |layer: Option<&(f64, &Counts<'_>)>| layer.map_or(0.0, |(each, _)| each / 2.0);
        (
            self.below(code) + half(self.used().find(is_there)),
            self.below(code + 1) - half(self.used().rfind(is_there)),
        )
    }

    /// The first code whose weight, with all below it, reaches a share; the last where none does.
    fn reaching(&self, share: f64) -> Option<u32> {
        let last = self.previous(u32::MAX)?;
        let (mut low, mut high) = (0, last);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.below(middle + 1) < share {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        self.next(low)
    }

    /// The code of the first observation whose middle is at a share or above it.
    fn first_from(&self, share: f64) -> Option<u32> {
        let code = self.reaching(share)?;
        if self.middles(code).1 >= share {
            return Some(code);
        }
        self.next(code + 1)
    }

    fn value(&self, code: u32) -> Option<f64> {
        self.used().next().map(|(_, counts)| counts.value(code))
    }

    /// The value at the share `q`: linear between the middles of the weights, so that equal weights
    /// give type 7.
    pub(super) fn at(&self, q: f64) -> Option<f64> {
        let (lowest, highest) = (self.next(0)?, self.previous(u32::MAX)?);
        // Half the weights of the first and the last observation stand outside.
        let first = self.middles(lowest).0;
        let last = self.below(highest + 1) - self.middles(highest).1;
        let target = first + q * (1.0 - first - last);
        let Some(code) = self.first_from(target - 1e-15) else {
            return self.value(highest);
        };
        let (value, middle) = (self.value(code)?, self.middles(code).0);
        let Some(before) = self.previous(code).filter(|_| middle >= target - 1e-15) else {
            return Some(value);
        };
        let (at, value_before) = (self.middles(before).1, self.value(before)?);
        let part = if middle > at {
            (target - at) / (middle - at)
        } else {
            0.0
        };
        Some(value_before + part.clamp(0.0, 1.0) * (value - value_before))
    }

    /// The values one order statistic outside the shares `low` and `high`; infinite beyond the sample.
    pub(super) fn between(&self, low: f64, high: f64) -> Interval {
        // The first code that is not all at or below `low`: its own first observation may still be.
        let beyond = self.reaching(low);
        let lower = beyond.and_then(|code| {
            let is_below = self.middles(code).0 <= low;
            if is_below {
                Some(code)
            } else {
                self.previous(code)
            }
        });
        let value = |code: Option<u32>, open: f64| code.and_then(|c| self.value(c)).unwrap_or(open);
        Interval {
            lower: value(lower, f64::NEG_INFINITY),
            upper: value(self.first_from(high), f64::INFINITY),
        }
    }
}
