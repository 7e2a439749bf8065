//! [`Ring`]: exact quantiles of a small window, whatever its values.

use super::order::Position;
use super::{Observed, Statistic, is_value};
use crate::rules::QuantileMethod;

/// A quantile from the values of a window in the order of their arrival.
///
/// A pivot stands on the wanted order statistic and knows how many values are less than and equal to
/// it. A value that comes or goes mostly leaves the pivot where it is; where it does not, the
/// neighbouring value is found by one pass over the window. Needs no ranks and no sorting.
#[derive(Debug, Clone)]
pub(in crate::rules) struct Ring<'a> {
    values: &'a [f64],
    drop_zero: bool,
    probability: f64,
    method: QuantileMethod,
    /// The values of the window, the oldest at `oldest`; empty cells hold NaN, which no comparison
    /// chooses.
    cells: Vec<f64>,
    oldest: usize,
    n: usize,
    pivot: f64,
    /// How many values are less than the pivot.
    less: u32,
    /// How many values equal it.
    equal: u32,
}

impl<'a> Ring<'a> {
    /// Windows of at most so many requests are kept this way.
    pub(in crate::rules) const MAX_N: u32 = 512;

    pub(in crate::rules) fn new(
        values: &'a [f64],
        drop_zero: bool,
        n: u32,
        probability: f64,
        method: QuantileMethod,
    ) -> Self {
        Self {
            values,
            drop_zero,
            probability,
            method,
            cells: vec![f64::NAN; n.max(1) as usize],
            oldest: 0,
            n: 0,
            pivot: f64::NEG_INFINITY,
            less: 0,
            equal: 0,
        }
    }

    #[inline]
    fn value_of(&self, row: usize) -> Option<f64> {
        let value = self.values[row];
        is_value(value, self.drop_zero).then_some(value)
    }

    #[inline]
    fn count(&mut self, value: f64, sign: u32) {
        self.less = self.less.wrapping_add(u32::from(value < self.pivot) * sign);
        self.equal = self
            .equal
            .wrapping_add(u32::from(value == self.pivot) * sign);
    }

    /// Puts the pivot on the k-th smallest value, from 0.
    #[inline]
    fn select(&mut self, k: u32) {
        while k < self.less {
            let pivot = self.pivot;
            let next = self.fold(f64::NEG_INFINITY, |best, value| {
                if value < pivot { best.max(value) } else { best }
            });
            self.move_to(next);
            self.less -= self.equal;
        }
        while k >= self.less + self.equal {
            let next = self.above();
            self.less += self.equal;
            self.move_to(next);
        }
    }

    fn move_to(&mut self, pivot: f64) {
        self.pivot = pivot;
        self.equal = self.cells.iter().map(|v| u32::from(*v == pivot)).sum();
    }

    /// The least value above the pivot.
    fn above(&self) -> f64 {
        let pivot = self.pivot;
        self.fold(f64::INFINITY, |best, value| {
            if value > pivot { best.min(value) } else { best }
        })
    }

    /// In four lanes, which need not wait for each other.
    #[inline]
    fn fold(&self, start: f64, pick: impl Fn(f64, f64) -> f64 + Copy) -> f64 {
        let (chunks, rest) = self.cells.as_chunks::<4>();
        let mut lanes = [start; 4];
        for chunk in chunks {
            for (lane, value) in lanes.iter_mut().zip(chunk) {
                *lane = pick(*lane, *value);
            }
        }
        let tail = rest.iter().fold(start, |best, value| pick(best, *value));
        lanes.into_iter().fold(tail, pick)
    }
}

impl Statistic for Ring<'_> {
    #[inline]
    fn add(&mut self, row: usize) -> bool {
        let Some(value) = self.value_of(row) else {
            return false;
        };
        let mut at = self.oldest + self.n;
        if at >= self.cells.len() {
            at -= self.cells.len();
        }
        self.cells[at] = value;
        self.n += 1;
        self.count(value, 1);
        true
    }

    #[inline]
    fn remove(&mut self, row: usize) -> bool {
        let Some(value) = self.value_of(row) else {
            return false;
        };
        self.cells[self.oldest] = f64::NAN;
        self.oldest += 1;
        if self.oldest == self.cells.len() {
            self.oldest = 0;
        }
        self.n -= 1;
        self.count(value, u32::MAX);
        true
    }

    #[inline]
    fn replace(&mut self, new: usize, old: usize) -> bool {
        let (Some(new_value), Some(old_value)) = (self.value_of(new), self.value_of(old)) else {
            return self.remove(old) | self.add(new);
        };
        // The window is as full as before, so the newest value takes the oldest one's cell.
        if self.n == self.cells.len() {
            self.cells[self.oldest] = new_value;
            self.oldest += 1;
            if self.oldest == self.cells.len() {
                self.oldest = 0;
            }
            // Below the pivot one value is as good as another.
            if new_value < self.pivot && old_value < self.pivot {
                return false;
            }
            self.count(old_value, u32::MAX);
            self.count(new_value, 1);
            return true;
        }
        self.remove(old) | self.add(new)
    }

    #[inline]
    fn observe(&mut self) -> Observed {
        let n = self.n as u32;
        let Some(position) = Position::of(n, self.probability, self.method) else {
            return Observed::NOTHING;
        };
        self.select(position.k);
        let low = self.pivot;
        let value = position.between(low, || {
            if position.k + 1 < self.less + self.equal {
                low
            } else {
                self.above()
            }
        });
        Observed::new(value, n)
    }
}
