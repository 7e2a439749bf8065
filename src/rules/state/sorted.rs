//! [`Sorted`]: exact quantiles of a small window whose values are too fine to be counted.

use super::order::Position;
use super::{Observed, Statistic, is_value};
use crate::rules::QuantileMethod;

/// A quantile from the sorted values of a window. Moving a few hundred values in an array costs
/// less than ranking a whole column of them.
#[derive(Debug, Clone)]
pub(in crate::rules) struct Sorted<'a> {
    values: &'a [f64],
    drop_zero: bool,
    probability: f64,
    method: QuantileMethod,
    /// The values of the window, ascending.
    window: Vec<f64>,
}

impl<'a> Sorted<'a> {
    /// Windows of at most so many requests are kept sorted.
    pub(in crate::rules) const MAX_N: u32 = 512;

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
            window: Vec::new(),
        }
    }

    #[inline]
    fn value_of(&self, row: usize) -> Option<f64> {
        let value = self.values[row];
        is_value(value, self.drop_zero).then_some(value)
    }

    #[inline]
    fn place_of(&self, value: f64) -> usize {
        self.window.partition_point(|known| *known < value)
    }
}

impl Statistic for Sorted<'_> {
    #[inline]
    fn add(&mut self, row: usize) {
        if let Some(value) = self.value_of(row) {
            self.window.insert(self.place_of(value), value);
        }
    }

    #[inline]
    fn remove(&mut self, row: usize) {
        if let Some(value) = self.value_of(row) {
            self.window.remove(self.place_of(value));
        }
    }

    #[inline]
    fn observe(&mut self) -> Observed {
        let n = self.window.len() as u32;
        let Some(position) = Position::of(n, self.probability, self.method) else {
            return Observed::NOTHING;
        };
        let k = position.k as usize;
        let value = position.between(self.window[k], || self.window[k + 1]);
        Observed { value, n }
    }
}
