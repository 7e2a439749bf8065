//! [`Ring`]: exact quantiles of a small window, whatever its values.

use super::order::Position;
use super::{Observed, Statistic, is_value};
use crate::rules::QuantileMethod;

/// Cells are compared so many at once.
const LANES: usize = 8;

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
    /// chooses. Filled up to whole lanes.
    cells: Vec<f64>,
    /// Requests that the window holds.
    n_cells: usize,
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
        let n_cells = n.max(1) as usize;
        Self {
            values,
            drop_zero,
            probability,
            method,
            cells: vec![f64::NAN; n_cells.next_multiple_of(LANES)],
            n_cells,
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
            self.move_to(self.below());
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
        let equal = self.lanes(0.0, |n, value| n + if value == pivot { 1.0 } else { 0.0 });
        self.equal = equal.iter().sum::<f64>() as u32;
    }

    /// The greatest value below the pivot.
    fn below(&self) -> f64 {
        let pivot = self.pivot;
        let greater = |best: f64, value: f64| if value > best { value } else { best };
        let lanes = self.lanes(f64::NEG_INFINITY, |best, value| {
            greater(
                best,
                if value < pivot {
                    value
                } else {
                    f64::NEG_INFINITY
                },
            )
        });
        lanes.into_iter().fold(f64::NEG_INFINITY, greater)
    }

    /// The least value above the pivot.
    fn above(&self) -> f64 {
        let pivot = self.pivot;
        let less = |best: f64, value: f64| if value < best { value } else { best };
        let lanes = self.lanes(f64::INFINITY, |best, value| {
            less(best, if value > pivot { value } else { f64::INFINITY })
        });
        lanes.into_iter().fold(f64::INFINITY, less)
    }

    /// Folds the cells in lanes, which do not wait for each other and become vector instructions.
    #[expect(
        clippy::inline_always,
        reason = "vector instructions need to know what is done"
    )]
    #[inline(always)]
    fn lanes(&self, start: f64, take: impl Fn(f64, f64) -> f64) -> [f64; LANES] {
        let (chunks, _) = self.cells.as_chunks::<LANES>();
        let mut lanes = [start; LANES];
        for chunk in chunks {
            for (lane, value) in lanes.iter_mut().zip(chunk) {
                *lane = take(*lane, *value);
            }
        }
        lanes
    }

    /// The newest value takes the oldest one's cell.
    #[inline]
    fn turn(&mut self, value: f64) {
        self.cells[self.oldest] = value;
        self.oldest += 1;
        if self.oldest == self.n_cells {
            self.oldest = 0;
        }
    }
}

impl Statistic for Ring<'_> {
    #[inline]
    fn add(&mut self, row: usize) -> bool {
        let Some(value) = self.value_of(row) else {
            return false;
        };
        let mut at = self.oldest + self.n;
        if at >= self.n_cells {
            at -= self.n_cells;
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
        self.turn(f64::NAN);
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
        if self.n == self.n_cells {
            self.turn(new_value);
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
    fn pass_over(&mut self, coming: &[u32], _going: &[u32]) -> usize {
        if self.n < self.n_cells {
            return 0;
        }
        let changing = coming.iter().position(|row| {
            let (new, old) = (self.values[*row as usize], self.cells[self.oldest]);
            let is_below = new < self.pivot && old < self.pivot && is_value(new, self.drop_zero);
            if is_below {
                self.turn(new);
            }
            !is_below
        });
        changing.unwrap_or(coming.len())
    }

    #[inline]
    fn shows_all(&self) -> bool {
        true
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
