//! [`Ranks`]: values as integers in the same order, so that order statistics can be counted.

use crate::data::{Codes, Numbers};

/// The values of a column as ranks: the places of the column's own ascending table.
#[derive(Debug, Clone)]
pub(in crate::rules) struct Ranks {
    /// Per row; [`Ranks::NONE`] where there is no value.
    pub(super) rank: Vec<u32>,
    /// Ascending; the value of every rank.
    values: Vec<f64>,
}

impl Ranks {
    /// The rank of a row without a value.
    pub(super) const NONE: u32 = u32::MAX;

    /// Ranks the values; NaN, and 0 on request, are no values.
    pub(in crate::rules) fn of(numbers: &Numbers, drop_zero: bool) -> Self {
        let values = numbers.table().to_vec();
        let is_value = |code: u32| super::is_value(values[code as usize], drop_zero);
        let rank = |code: u32| if is_value(code) { code } else { Self::NONE };
        let rank = match numbers.codes() {
            Codes::U8(codes) => codes.iter().map(|code| rank(u32::from(*code))).collect(),
            Codes::U16(codes) => codes.iter().map(|code| rank(u32::from(*code))).collect(),
            Codes::U32(codes) => codes.iter().map(|code| rank(*code)).collect(),
        };
        Self { rank, values }
    }

    /// How many ranks there may be.
    pub(super) fn size(&self) -> usize {
        self.values.len()
    }

    /// The value of a rank.
    #[inline]
    pub(super) fn value(&self, rank: usize) -> f64 {
        self.values[rank]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(values: &[f64], drop_zero: bool) {
        let ranks = Ranks::of(&values.to_vec().into(), drop_zero);
        for (row, value) in values.iter().enumerate() {
            let rank = ranks.rank[row];
            if value.is_nan() || (drop_zero && *value == 0.0) {
                assert_eq!(rank, Ranks::NONE);
            } else {
                assert_eq!(ranks.value(rank as usize), *value);
                assert!((rank as usize) < ranks.size());
            }
        }
    }

    #[test]
    fn ranks_give_back_every_value_exactly() {
        check(&[1297.9, 886.3, 0.0, f64::NAN, 2064.8], true);
        check(&[3.0, 0.0, 1.0], false);
        check(&[0.1 + 0.2, 0.3, 1e9, -4.0, 0.3], false);
        check(&[], true);
    }
}
