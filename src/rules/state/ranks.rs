//! [`Ranks`]: values as integers in the same order, so that order statistics can be counted.

use super::is_value;

/// The values of a column as ranks: equal values have equal ranks, greater ones greater ranks.
#[derive(Debug, Clone)]
pub(in crate::rules) struct Ranks {
    /// Per row; [`Ranks::NONE`] where there is no value.
    pub(super) rank: Vec<u32>,
    /// How many ranks there may be.
    pub(super) size: usize,
    values: Values,
}

#[derive(Debug, Clone)]
enum Values {
    /// Rank k stands for k / steps.
    Grid { steps: f64 },
    /// Rank k stands for the k-th distinct value.
    Sorted(Vec<f64>),
}

/// A log's latencies mostly are whole milliseconds, or tenths, hundredths or thousandths of them.
const STEPS: [f64; 4] = [1.0, 10.0, 100.0, 1000.0];

/// A grid has at most so many cells; beyond that, distinct values are sorted.
const MAX_GRID: u32 = 4_194_304;

impl Ranks {
    /// The rank of a row without a value.
    pub(super) const NONE: u32 = u32::MAX;

    /// Ranks the values; NaN, and 0 on request, are no values.
    pub(in crate::rules) fn of(values: &[f64], drop_zero: bool) -> Self {
        Self::cheaply(values, drop_zero).unwrap_or_else(|| Self::sorted(values, drop_zero))
    }

    /// Ranks the values if that needs no sorting.
    pub(in crate::rules) fn cheaply(values: &[f64], drop_zero: bool) -> Option<Self> {
        STEPS
            .iter()
            .find_map(|steps| Self::on_grid(values, drop_zero, *steps))
    }

    /// The value of a rank.
    #[inline]
    pub(super) fn value(&self, rank: usize) -> f64 {
        match &self.values {
            Values::Grid { steps } => rank as f64 / steps,
            Values::Sorted(values) => values[rank],
        }
    }

    /// `None` unless every value is exactly one of k / steps.
    fn on_grid(values: &[f64], drop_zero: bool, steps: f64) -> Option<Self> {
        let mut greatest = 0;
        let rank = values
            .iter()
            .map(|value| {
                if !is_value(*value, drop_zero) {
                    return Some(Self::NONE);
                }
                // The cast rounds down and saturates, so that cells out of range fit no value.
                let cell = (value * steps + 0.5) as u32;
                let is_on_grid = cell < MAX_GRID && f64::from(cell) / steps == *value;
                greatest = greatest.max(cell);
                is_on_grid.then_some(cell)
            })
            .collect::<Option<Vec<u32>>>()?;
        Some(Self {
            rank,
            size: greatest as usize + 1,
            values: Values::Grid { steps },
        })
    }

    fn sorted(values: &[f64], drop_zero: bool) -> Self {
        let mut order: Vec<(u64, u32)> = (0..)
            .zip(values)
            .filter(|(_, value)| is_value(**value, drop_zero))
            // Adding 0 makes −0 and 0 one value.
            .map(|(row, value)| (ascending_bits(value + 0.0), row))
            .collect();
        order.sort_unstable();
        let mut rank = vec![Self::NONE; values.len()];
        let mut distinct: Vec<f64> = Vec::new();
        let mut last = None;
        for (bits, row) in order {
            if last != Some(bits) {
                last = Some(bits);
                distinct.push(values[row as usize]);
            }
            rank[row as usize] = distinct.len() as u32 - 1;
        }
        Self {
            rank,
            size: distinct.len(),
            values: Values::Sorted(distinct),
        }
    }
}

/// Bits that order as the numbers do, negative ones included.
fn ascending_bits(value: f64) -> u64 {
    let bits = value.to_bits();
    if bits >> 63 == 0 {
        bits | 1 << 63
    } else {
        !bits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(values: &[f64], drop_zero: bool, is_grid: bool) {
        let ranks = Ranks::of(values, drop_zero);
        assert_eq!(
            matches!(ranks.values, Values::Grid { .. }),
            is_grid,
            "{values:?}"
        );
        for (row, value) in values.iter().enumerate() {
            let rank = ranks.rank[row];
            if value.is_nan() || (drop_zero && *value == 0.0) {
                assert_eq!(rank, Ranks::NONE);
            } else {
                assert_eq!(ranks.value(rank as usize), *value);
                assert!((rank as usize) < ranks.size);
            }
        }
    }

    #[test]
    fn ranks_give_back_every_value_exactly() {
        check(&[1297.9, 886.3, 0.0, f64::NAN, 2064.8], true, true);
        check(&[3.0, 0.0, 1.0], false, true);
        check(&[0.1 + 0.2, 0.3, 1e9, -4.0, 0.3], false, false);
        check(&[], true, true);
    }
}
