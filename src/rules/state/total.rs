//! [`Total`]: sums and means.

use super::{Observed, Statistic, is_value};

/// Sums the values of a window.
///
/// A window that only grows adds in event order with `+=`, as a cumulative monitor does. A window
/// that slides keeps the exact sum in fixed point, because repeated adding and subtracting of
/// floats would drift; its value is the exact sum, rounded once, and then divided, which for
/// ratings on a scale of whole numbers is what every monitor computes.
#[derive(Debug, Clone)]
pub(in crate::rules) struct Total<'a> {
    values: &'a [f64],
    drop_zero: bool,
    gives: TotalValue,
    n: u32,
    sum: Sum,
    /// The last observation, while no value has come or gone.
    observed: Option<Observed>,
}

/// What a total gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::rules) enum TotalValue {
    /// The sum; 0 without values.
    Sum,
    /// The arithmetic mean; none without values.
    Mean,
}

#[derive(Debug, Clone, Copy)]
enum Sum {
    Running(f64),
    /// In units of 2⁻⁶⁴: exact for values of at least 2⁻¹² and sums below 2⁶³.
    Exact(i128),
}

/// 2⁶⁴.
const FIXED_ONE: f64 = (1_u128 << 64) as f64;

impl<'a> Total<'a> {
    /// For a window that only grows.
    pub(in crate::rules) fn running(values: &'a [f64], drop_zero: bool, gives: TotalValue) -> Self {
        Self {
            values,
            drop_zero,
            gives,
            n: 0,
            sum: Sum::Running(0.0),
            observed: None,
        }
    }

    /// For a window that slides.
    pub(in crate::rules) fn sliding(values: &'a [f64], drop_zero: bool, gives: TotalValue) -> Self {
        Self {
            sum: Sum::Exact(0),
            ..Self::running(values, drop_zero, gives)
        }
    }

    #[inline]
    fn value_of(&self, row: usize) -> Option<f64> {
        let value = self.values[row];
        is_value(value, self.drop_zero).then_some(value)
    }
}

impl Statistic for Total<'_> {
    #[inline]
    fn add(&mut self, row: usize) {
        if let Some(value) = self.value_of(row) {
            self.n += 1;
            self.observed = None;
            match &mut self.sum {
                Sum::Running(sum) => *sum += value,
                Sum::Exact(sum) => *sum += fixed(value),
            }
        }
    }

    #[inline]
    fn remove(&mut self, row: usize) {
        if let Some(value) = self.value_of(row) {
            self.n -= 1;
            self.observed = None;
            match &mut self.sum {
                Sum::Running(sum) => *sum -= value,
                Sum::Exact(sum) => *sum -= fixed(value),
            }
        }
    }

    #[inline]
    fn observe(&mut self) -> Observed {
        if let Some(observed) = self.observed {
            return observed;
        }
        let sum = match self.sum {
            Sum::Running(sum) => sum,
            Sum::Exact(sum) => sum as f64 / FIXED_ONE,
        };
        let value = match self.gives {
            TotalValue::Sum => sum,
            TotalValue::Mean if self.n == 0 => f64::NAN,
            TotalValue::Mean => sum / f64::from(self.n),
        };
        *self.observed.insert(Observed { value, n: self.n })
    }
}

#[inline]
fn fixed(value: f64) -> i128 {
    (value * FIXED_ONE) as i128
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sliding_sum_does_not_drift() {
        let values: Vec<f64> = (0..1000).map(|i| f64::from(i) * 0.1 + 1e6).collect();
        let mut total = Total::sliding(&values, false, TotalValue::Mean);
        for row in 0..1000 {
            total.add(row);
        }
        for row in 0..999 {
            total.remove(row);
        }
        assert_eq!(total.observe().value, values[999]);
    }

    #[test]
    fn missing_values_and_zeros_are_left_out() {
        let values = [f64::NAN, 0.0, 3.0];
        let mut total = Total::running(&values, true, TotalValue::Mean);
        assert!(total.observe().value.is_nan());
        (0..3).for_each(|row| total.add(row));
        assert_eq!(total.observe(), Observed { value: 3.0, n: 1 });
    }
}
