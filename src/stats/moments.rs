//! Count, mean and sum of squared deviations, exact to merge.
//!
//! Streaming: B. P. Welford (1962); merging: Chan, Golub & `LeVeque` (1983). Slices are read twice,
//! which removes the rounding of the mean. Never the sum of squares minus the square of the sum.

use serde::Serialize;

use super::counts::Counts;

/// Sample moments of finite values.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Moments {
    /// Number of values.
    pub n: u64,
    /// Arithmetic mean; 0 when there are no values.
    pub mean: f64,
    /// What rounding left out of `mean`: the mean is `mean + mean_rest`. Differences of nearly equal
    /// means need it.
    pub mean_rest: f64,
    /// Sum of squared deviations from the mean.
    pub m2: f64,
}

impl Moments {
    /// Moments of the finite values of a slice; NaN and infinities are skipped.
    pub fn from_slice(values: &[f64]) -> Self {
        let finite = || values.iter().copied().filter(|v| v.is_finite());
        let mut rough = Self::rough(values);
        if rough.n == 0 {
            return rough;
        }
        if !rough.mean.is_finite() {
            // The sum overflows though the mean does not.
            rough = Self::default();
            finite().for_each(|value| rough.push(value));
        }
        // Second pass: deviations from the rough mean give the rest of the mean and m2 corrected
        // for it.
        let (mut sum, mut squares) = (0.0, 0.0);
        for value in finite() {
            let deviation = value - rough.mean;
            sum += deviation;
            squares += deviation * deviation;
        }
        let moments = Self::corrected(rough.n, rough.mean, (sum, squares));
        if moments.m2.is_finite() {
            return moments;
        }
        Self {
            m2: f64::INFINITY,
            ..rough
        }
    }

    /// Moments of finite values that were counted.
    pub fn from_counts(counts: &Counts<'_>) -> Self {
        let (mut n, mut sum) = (0, 0.0);
        for (value, times) in counts.groups() {
            n += times;
            sum += value * times as f64;
        }
        if n == 0 {
            return Self::default();
        }
        let mut groups = counts.groups();
        if let (Some((value, _)), None) = (groups.next(), groups.next()) {
            return Self {
                n,
                mean: value,
                ..Self::default()
            };
        }
        let rough = sum / n as f64;
        if !rough.is_finite() {
            return Self::from_slice(&counts.to_vec());
        }
        let (mut rest, mut squares) = (0.0, 0.0);
        for (value, times) in counts.groups() {
            let (deviation, times) = (value - rough, times as f64);
            rest += deviation * times;
            squares += deviation * deviation * times;
        }
        Self::corrected(n, rough, (rest, squares))
    }

    /// From the sum of values and that of their squares, which lose the digits that values far from zero
    /// and close together have in common: for sums that an engine made.
    pub fn from_sums(n: u64, sum: f64, squares: f64) -> Self {
        /// Of the squares: what is left of less is rounding.
        const NOISE: f64 = 1e-13;
        let total = n.max(1) as f64;
        let mean = sum / total;
        let m2 = squares - sum * mean;
        Self {
            n,
            mean,
            mean_rest: 0.0,
            m2: if m2 > NOISE * squares { m2 } else { 0.0 },
        }
    }

    /// From a rough mean, the sum of the deviations from it, and that of their squares.
    fn corrected(n: u64, mean: f64, (sum, squares): (f64, f64)) -> Self {
        let total = n as f64;
        let m2 = squares - sum * (sum / total);
        let mut moments = Self {
            n,
            mean,
            mean_rest: 0.0,
            m2: if m2.is_finite() {
                m2.max(0.0)
            } else {
                f64::INFINITY
            },
        };
        if m2.is_finite() {
            moments.shift_mean(sum / total);
        }
        moments
    }

    /// Number and mean alone, of the finite values: eight sums side by side, which is several times as
    /// fast as a running mean.
    fn rough(values: &[f64]) -> Self {
        let (mut sums, mut n) = ([0.0; 8], 0);
        let (blocks, rest) = values.as_chunks::<8>();
        for block in blocks {
            for (sum, value) in sums.iter_mut().zip(block) {
                let is_finite = value.is_finite();
                *sum += if is_finite { *value } else { 0.0 };
                n += u64::from(is_finite);
            }
        }
        for value in rest.iter().filter(|value| value.is_finite()) {
            sums[0] += value;
            n += 1;
        }
        Self {
            n,
            mean: sums.iter().sum::<f64>() / n.max(1) as f64,
            ..Self::default()
        }
    }

    /// Moments known from a report: the mean and the standard deviation (n−1). `None` unless n ≥ 1,
    /// both are finite and the deviation is not negative.
    pub fn from_summary(n: u64, mean: f64, standard_deviation: f64) -> Option<Self> {
        let valid = mean.is_finite() && standard_deviation.is_finite() && standard_deviation >= 0.0;
        (n >= 1 && valid).then(|| Self {
            n,
            mean,
            mean_rest: 0.0,
            m2: standard_deviation * standard_deviation * (n - 1) as f64,
        })
    }

    /// Adds one value; NaN and infinities are skipped.
    pub fn push(&mut self, value: f64) {
        if !value.is_finite() {
            return;
        }
        self.n += 1;
        let n = self.n as f64;
        let before = value - self.mean - self.mean_rest;
        if before.is_finite() {
            self.shift_mean(before / n);
            self.add_squares(before * (value - self.mean - self.mean_rest));
        } else {
            self.shift_mean(value / n - self.mean / n);
            self.m2 = f64::INFINITY;
        }
    }

    /// Adds the values that `other` was made from.
    pub fn merge(&mut self, other: &Self) {
        if other.n == 0 {
            return;
        }
        if self.n == 0 {
            *self = *other;
            return;
        }
        let (here, there) = (self.n as f64, other.n as f64);
        let total = here + there;
        let difference = Self::difference(self, other);
        if difference.is_finite() {
            self.add_squares(other.m2 + difference * (difference * (here / total)) * there);
            self.shift_mean(difference * (there / total));
        } else {
            self.shift_mean(other.mean * (there / total) - self.mean * (there / total));
            self.m2 = f64::INFINITY;
        }
        self.n += other.n;
    }

    /// Sample variance (n−1); `None` below two values, or where values lie so far apart (some
    /// 1e154) that it exceeds the range of `f64`.
    pub fn variance(&self) -> Option<f64> {
        (self.n >= 2 && self.m2.is_finite()).then(|| self.m2 / (self.n - 1) as f64)
    }

    /// Sample standard deviation (n−1); `None` as for [`Moments::variance`].
    pub fn standard_deviation(&self) -> Option<f64> {
        self.variance().map(f64::sqrt)
    }

    /// Variance of the mean; `None` as for [`Moments::variance`].
    pub fn variance_of_mean(&self) -> Option<f64> {
        self.variance().map(|v| v / self.n as f64)
    }

    /// Mean of `b` minus mean of `a`, to full precision where both are nearly equal.
    pub fn difference(a: &Self, b: &Self) -> f64 {
        (b.mean - a.mean) + (b.mean_rest - a.mean_rest)
    }

    /// Infinite once squares overflow, and from then on.
    fn add_squares(&mut self, squares: f64) {
        let sum = self.m2 + squares;
        self.m2 = if sum.is_nan() { f64::INFINITY } else { sum };
    }

    fn shift_mean(&mut self, by: f64) {
        let mean = self.mean + by;
        self.mean_rest += by - (mean - self.mean);
        self.mean = mean + self.mean_rest;
        self.mean_rest -= self.mean - mean;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_large_offset_costs_nothing() {
        let values: Vec<f64> = [4.0, 7.0, 13.0, 16.0].iter().map(|v| v + 1e9).collect();
        let moments = Moments::from_slice(&values);
        assert_eq!(moments.mean, 1e9 + 10.0);
        assert_eq!(moments.variance(), Some(30.0));
    }

    #[test]
    fn values_that_are_not_numbers_are_skipped() {
        let moments = Moments::from_slice(&[1.0, f64::NAN, 3.0, f64::INFINITY]);
        assert_eq!((moments.n, moments.mean), (2, 2.0));
    }

    #[test]
    fn values_too_far_apart_have_a_mean_and_no_variance() {
        for values in [[f64::MAX, f64::MIN, 0.0], [1e200, -1e200, 3.0]] {
            let mut pushed = Moments::default();
            let mut merged = Moments::default();
            for v in values {
                pushed.push(v);
                merged.merge(&Moments::from_slice(&[v]));
            }
            for moments in [Moments::from_slice(&values), pushed, merged] {
                assert_eq!(moments.variance(), None);
                assert!(moments.mean.is_finite() && moments.mean_rest.is_finite());
            }
        }
    }

    #[test]
    fn too_few_values_have_no_variance() {
        assert_eq!(Moments::from_slice(&[]).variance(), None);
        assert_eq!(Moments::from_slice(&[5.0]).variance(), None);
        assert_eq!(Moments::from_slice(&[5.0; 9]).variance(), Some(0.0));
    }

    proptest! {
        #[test]
        fn merging_and_pushing_agree_with_two_passes(
            left in prop::collection::vec(-1e6..1e6_f64, 0..40),
            right in prop::collection::vec(-1e6..1e6_f64, 1..40),
        ) {
            let all = [left.clone(), right.clone()].concat();
            let expected = Moments::from_slice(&all);
            let mut merged = Moments::from_slice(&left);
            merged.merge(&Moments::from_slice(&right));
            let mut pushed = Moments::default();
            for &v in &all {
                pushed.push(v);
            }
            for got in [merged, pushed] {
                prop_assert_eq!(got.n, expected.n);
                prop_assert!((got.mean - expected.mean).abs() <= 1e-9);
                prop_assert!((got.m2 - expected.m2).abs() <= 1e-12 * expected.m2.max(1.0));
            }
        }
    }
}
