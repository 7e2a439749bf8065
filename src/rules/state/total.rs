//! [`Total`]: sums and means.

use super::{Observed, Statistic, is_value};

/// Sums the values of a window.
///
/// A window that only grows adds in event order with `+=`, as a cumulative monitor does. A window
/// that slides keeps the exact sum, because repeated adding and subtracting of floats would drift;
/// its value is the exact sum, rounded once, and then divided, which for ratings on a scale of whole
/// numbers is what every monitor computes.
#[derive(Debug, Clone)]
pub(in crate::rules) struct Total<'a> {
    values: &'a [f64],
    drop_zero: bool,
    gives: TotalValue,
    n: u32,
    sum: Sum,
}

/// What a total gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::rules) enum TotalValue {
    /// The sum; 0 without values.
    Sum,
    /// The arithmetic mean; none without values.
    Mean,
}

/// What is known of the values of a column, so that sliding sums stay exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::rules) enum Addends {
    /// Whole numbers below 2³¹.
    Whole,
    /// Anything.
    Any,
}

#[derive(Debug, Clone, Copy)]
enum Sum {
    Running(f64),
    Whole(i64),
    /// In units of 2⁻⁶⁴: exact for values of at least 2⁻¹² and sums below 2⁶³.
    Exact(i128),
}

/// 2⁶⁴.
const FIXED_ONE: f64 = (1_u128 << 64) as f64;

impl Addends {
    /// What is known of these values.
    pub(in crate::rules) fn of(values: &[f64]) -> Self {
        let is_whole = |value: &f64| value.is_nan() || f64::from(*value as i32) == *value;
        if values.iter().all(is_whole) {
            Self::Whole
        } else {
            Self::Any
        }
    }
}

impl<'a> Total<'a> {
    /// For a window that only grows.
    pub(in crate::rules) fn running(values: &'a [f64], drop_zero: bool, gives: TotalValue) -> Self {
        Self {
            values,
            drop_zero,
            gives,
            n: 0,
            sum: Sum::Running(0.0),
        }
    }

    /// For a window that slides.
    pub(in crate::rules) fn sliding(
        values: &'a [f64],
        addends: Addends,
        drop_zero: bool,
        gives: TotalValue,
    ) -> Self {
        Self {
            sum: match addends {
                Addends::Whole => Sum::Whole(0),
                Addends::Any => Sum::Exact(0),
            },
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
    fn add(&mut self, row: usize) -> bool {
        let Some(value) = self.value_of(row) else {
            return false;
        };
        self.n += 1;
        match &mut self.sum {
            Sum::Running(sum) => *sum += value,
            Sum::Whole(sum) => *sum += value as i64,
            Sum::Exact(sum) => *sum += fixed(value),
        }
        true
    }

    #[inline]
    fn remove(&mut self, row: usize) -> bool {
        let Some(value) = self.value_of(row) else {
            return false;
        };
        self.n -= 1;
        match &mut self.sum {
            Sum::Running(sum) => *sum -= value,
            Sum::Whole(sum) => *sum -= value as i64,
            Sum::Exact(sum) => *sum -= fixed(value),
        }
        true
    }

    #[inline]
    fn observe(&mut self) -> Observed {
        let sum = match self.sum {
            Sum::Running(sum) => sum,
            Sum::Whole(sum) => sum as f64,
            Sum::Exact(sum) => sum as f64 / FIXED_ONE,
        };
        let value = match self.gives {
            TotalValue::Sum => sum,
            TotalValue::Mean if self.n == 0 => f64::NAN,
            TotalValue::Mean => sum / f64::from(self.n),
        };
        Observed::new(value, self.n)
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
        let mut total = Total::sliding(&values, Addends::of(&values), false, TotalValue::Mean);
        for row in 0..1000 {
            total.add(row);
        }
        for row in 0..999 {
            total.remove(row);
        }
        assert_eq!(total.observe().value, values[999]);
    }

    #[test]
    fn whole_numbers_sum_as_any_others() {
        let values: Vec<f64> = (0..500).map(|i| f64::from(i % 6)).collect();
        assert_eq!(Addends::of(&values), Addends::Whole);
        assert_eq!(Addends::of(&[1.0, 2.5]), Addends::Any);
        assert_eq!(Addends::of(&[f64::NAN, -3.0, 1e9]), Addends::Whole);
        assert_eq!(Addends::of(&[1e10]), Addends::Any);
        let mut whole = Total::sliding(&values, Addends::Whole, false, TotalValue::Mean);
        let mut any = Total::sliding(&values, Addends::Any, false, TotalValue::Mean);
        for row in 0..500 {
            whole.add(row);
            any.add(row);
            if row >= 7 {
                whole.replace(row, row - 7);
                any.replace(row, row - 7);
            }
            assert_eq!(
                whole.observe().value.to_bits(),
                any.observe().value.to_bits()
            );
        }
    }

    #[test]
    fn missing_values_and_zeros_are_left_out() {
        let values = [f64::NAN, 0.0, 3.0];
        let mut total = Total::running(&values, true, TotalValue::Mean);
        assert!(total.observe().value.is_nan());
        assert_eq!([0, 1, 2].map(|row| total.add(row)), [false, false, true]);
        assert_eq!((total.observe().value, total.observe().n), (3.0, 1));
    }
}
