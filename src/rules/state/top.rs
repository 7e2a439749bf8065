//! [`Top`]: exact quantiles of a small window, whatever its values.

use super::order::Position;
use super::{Observed, Statistic, is_value};
use crate::rules::QuantileMethod;

/// A quantile from the greatest values of a window.
///
/// Only the values from a floor on are kept, in order; the floor lies a little below the wanted order
/// statistic. Of a 95th percentile nine in ten requests come and go below it and change nothing. Where
/// too few values are left above the floor, or far too many, the window is looked at anew. Needs no
/// ranks.
#[derive(Debug, Clone)]
pub(in crate::rules) struct Top<'a> {
    values: &'a [f64],
    drop_zero: bool,
    probability: f64,
    method: QuantileMethod,
    /// The values of the window that are at least `floor`, ascending.
    band: Vec<f64>,
    floor: f64,
    /// All values of the window.
    n: u32,
    /// Values in the band when it was cut last.
    n_cut: u32,
}

/// How many values to keep so that the order statistic with `above` greater ones is among them, also
/// when it has moved for a while.
pub(super) fn band_size(above: u32) -> u32 {
    let spread = 4.0 * f64::from(above).sqrt();
    above + 1 + (above / 2).max(spread as u32 + 8)
}

/// Whether a band of so many values is to be cut anew; `n_cut` were left when it was cut last. Values
/// that are equal cannot be told apart by a floor: a band that stays wide is left as it is.
pub(super) fn is_too_wide(n_band: u32, above: u32, n_cut: u32) -> bool {
    n_band > 4 * (above + 1) + 64 && n_band / 2 > n_cut
}

impl<'a> Top<'a> {
    /// Windows of at most so many requests are kept this way: a value that comes or goes moves those
    /// above it.
    pub(in crate::rules) const MAX_N: u32 = 2048;

    pub(in crate::rules) fn new(
        values: &'a [f64],
        drop_zero: bool,
        probability: f64,
        method: QuantileMethod,
    ) -> Self {
        Self {
            values,
            drop_zero,
            probability,
            method,
            band: Vec::new(),
            floor: f64::NEG_INFINITY,
            n: 0,
            n_cut: 0,
        }
    }

    #[inline]
    fn value_of(&self, row: usize) -> Option<f64> {
        let value = self.values[row];
        is_value(value, self.drop_zero).then_some(value)
    }

    /// The place of a value in the band: how many are smaller.
    #[inline]
    fn place(&self, value: f64) -> usize {
        self.band.partition_point(|kept| *kept < value)
    }

    #[inline]
    fn put(&mut self, value: f64) {
        if value >= self.floor {
            let at = self.place(value);
            self.band.insert(at, value);
        }
    }

    #[inline]
    fn take(&mut self, value: f64) {
        if value >= self.floor {
            let at = self.place(value);
            self.band.remove(at);
        }
    }

    /// How many values are greater than the wanted one, by their order; `None` without values.
    #[inline]
    fn above(&self) -> Option<(u32, Position)> {
        let position = Position::of(self.n, self.probability, self.method)?;
        Some((self.n - 1 - position.k, position))
    }

    /// The quantile; `None` where the floor lies above it.
    #[inline]
    fn quantile(&self) -> Option<f64> {
        let (above, position) = self.above()?;
        let at = self.band.len().checked_sub(above as usize + 1)?;
        let low = self.band[at];
        Some(position.between(low, || self.band.get(at + 1).copied().unwrap_or(low)))
    }
}

impl Statistic for Top<'_> {
    #[inline]
    fn add(&mut self, row: usize) -> bool {
        let Some(value) = self.value_of(row) else {
            return false;
        };
        self.n += 1;
        self.put(value);
        true
    }

    #[inline]
    fn remove(&mut self, row: usize) -> bool {
        let Some(value) = self.value_of(row) else {
            return false;
        };
        self.n -= 1;
        self.take(value);
        true
    }

    #[inline]
    fn replace(&mut self, new: usize, old: usize) -> bool {
        let (Some(new), Some(old)) = (self.value_of(new), self.value_of(old)) else {
            return self.remove(old) | self.add(new);
        };
        // Below the floor one value is as good as another.
        if new < self.floor && old < self.floor {
            return false;
        }
        let before = self.quantile();
        self.take(old);
        self.put(new);
        let after = self.quantile();
        after.is_none() || before != after
    }

    #[inline]
    fn needs_recount(&self) -> bool {
        let n_band = self.band.len() as u32;
        self.above()
            .is_some_and(|(above, _)| n_band <= above || is_too_wide(n_band, above, self.n_cut))
    }

    fn recount(&mut self, rows: &[u32]) {
        let mut band = std::mem::take(&mut self.band);
        band.clear();
        band.extend(rows.iter().filter_map(|row| self.value_of(*row as usize)));
        self.n = band.len() as u32;
        let kept = self.above().map_or(0, |(above, _)| band_size(above));
        self.floor = f64::NEG_INFINITY;
        if kept < self.n {
            let first = (self.n - kept) as usize;
            let (_, floor, _) = band.select_nth_unstable_by(first, f64::total_cmp);
            self.floor = *floor;
            band.retain(|value| *value >= self.floor);
        }
        band.sort_unstable_by(f64::total_cmp);
        self.n_cut = band.len() as u32;
        self.band = band;
    }

    #[inline]
    fn observe(&mut self) -> Observed {
        match self.quantile() {
            Some(value) => Observed::new(value, self.n),
            None => Observed::NOTHING,
        }
    }
}
