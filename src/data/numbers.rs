//! [`Numbers`]: a numeric column in as few bytes as keep every value exact.

use std::ops::Index;
use std::sync::Arc;

use rayon::prelude::*;

use super::decimals::{Packed, Scale};
use super::request_log::Rows;

/// Values further apart than this get a table of those that occur, rather than of all between.
const DENSE_TABLE: u64 = 1 << 20;
/// Up to this span the values that occur are found with a bit each, beyond it by sorting.
const BITMAP_SPAN: u64 = 1 << 28;

/// A numeric column: per row the index of its value in an ascending table. Logs hold decimals with
/// few digits and many repeats, so that two bytes a row often do; and the order of the indices is
/// the order of the values, so that ranks and quantiles need no comparisons of floats.
#[derive(Debug, Clone)]
pub struct Numbers {
    codes: Codes,
    table: Arc<[f64]>,
}

/// Indices into a table, in the smallest type that holds them all.
#[derive(Debug, Clone)]
pub enum Codes {
    /// Up to 256 values.
    U8(Vec<u8>),
    /// Up to 65,536 values.
    U16(Vec<u16>),
    /// More.
    U32(Vec<u32>),
}

/// Runs an expression with the vector inside [`Codes`], whatever its type.
#[macro_export]
macro_rules! with_codes {
    ($codes:expr, $inner:ident => $body:expr) => {
        match $codes {
            $crate::data::Codes::U8($inner) => $body,
            $crate::data::Codes::U16($inner) => $body,
            $crate::data::Codes::U32($inner) => $body,
        }
    };
}

impl Numbers {
    /// Joins packed stretches of a column, in order.
    pub fn join(parts: Vec<Packed>) -> Self {
        let Some(ranges) = parts.iter().map(Packed::range).collect::<Option<Vec<_>>>() else {
            return Self::ranked(&parts);
        };
        let scale = ranges
            .iter()
            .map(|range| range.scale)
            .max()
            .unwrap_or_default();
        let known = ranges.iter().filter(|range| range.is_known);
        let bounds = known
            .map(|range| range.at(scale))
            .fold(None, |bounds, range| {
                let (low, high) = bounds.unwrap_or((range.low, range.high));
                Some((range.low.min(low), range.high.max(high)))
            });
        let (low, high) = bounds.unwrap_or((0, -1));
        match (high - low + 1) as u64 {
            ..DENSE_TABLE => Self::dense(parts, scale, (low, high)),
            span @ ..BITMAP_SPAN => Self::sparse(parts, scale, (low, span)),
            _ => Self::ranked(&parts),
        }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        with_codes!(&self.codes, codes => codes.len())
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The values in row order, NaN where missing.
    pub fn iter(&self) -> impl Iterator<Item = &f64> + '_ {
        (0..self.len()).map(|row| &self[row])
    }

    /// The values in row order, NaN where missing: for loops that need them as floats.
    pub fn to_vec(&self) -> Vec<f64> {
        let table = &self.table;
        with_codes!(&self.codes, codes => codes.iter().map(|c| table[*c as usize]).collect())
    }

    /// Per row the index into [`Numbers::table`].
    pub fn codes(&self) -> &Codes {
        &self.codes
    }

    /// The index into [`Numbers::table`] of one row.
    #[inline]
    pub fn code(&self, row: usize) -> usize {
        with_codes!(&self.codes, codes => codes[row] as usize)
    }

    /// The values in ascending order, some perhaps in no row, and NaN at the end.
    pub fn table(&self) -> &[f64] {
        &self.table
    }

    /// The rows at `indices`, in that order.
    #[must_use]
    pub fn gathered(&self, indices: &[u32]) -> Self {
        self.taken(&Rows::At(indices))
    }

    pub(super) fn taken(&self, rows: &Rows<'_>) -> Self {
        Self {
            codes: match &self.codes {
                Codes::U8(codes) => Codes::U8(rows.of(codes)),
                Codes::U16(codes) => Codes::U16(rows.of(codes)),
                Codes::U32(codes) => Codes::U32(rows.of(codes)),
            },
            table: self.table.clone(),
        }
    }

    /// A table of all integers between the bounds.
    fn dense(parts: Vec<Packed>, scale: Scale, (low, high): (i64, i64)) -> Self {
        let mut table: Vec<f64> = (low..=high).map(|k| scale.value(k)).collect();
        table.push(f64::NAN);
        let missing = table.len() - 1;
        Self::coded(parts, scale, table, |k| {
            k.map_or(missing, |k| (k - low) as usize)
        })
    }

    fn coded(
        parts: Vec<Packed>,
        scale: Scale,
        table: Vec<f64>,
        code: impl Fn(Option<i64>) -> usize,
    ) -> Self {
        let n: usize = parts.iter().map(Packed::len).sum();
        // Each part is freed as soon as it is copied: a column is never held twice.
        macro_rules! fill {
            ($kind:ident, $type:ty) => {{
                let mut codes: Vec<$type> = Vec::with_capacity(n);
                for part in parts {
                    part.for_each(scale, |k| codes.push(code(k) as $type));
                }
                Codes::$kind(codes)
            }};
        }
        let codes = match table.len() {
            0..=0x100 => fill!(U8, u8),
            0x101..=0x1_0000 => fill!(U16, u16),
            _ => fill!(U32, u32),
        };
        Self {
            codes,
            table: table.into(),
        }
    }

    /// A table of the values that occur, found with one bit per possible value.
    fn sparse(parts: Vec<Packed>, scale: Scale, (low, span): (i64, u64)) -> Self {
        let mut bits = vec![0u64; (span / 64 + 1) as usize];
        for part in &parts {
            part.for_each(scale, |k| {
                if let Some(k) = k {
                    let at = (k - low) as usize;
                    bits[at / 64] |= 1 << (at % 64);
                }
            });
        }
        let mut before = Vec::with_capacity(bits.len());
        let mut table = Vec::new();
        for (i, word) in bits.iter().enumerate() {
            before.push(table.len() as u32);
            let mut rest = *word;
            while rest != 0 {
                let at = i as i64 * 64 + i64::from(rest.trailing_zeros());
                table.push(scale.value(low + at));
                rest &= rest - 1;
            }
        }
        table.push(f64::NAN);
        let missing = table.len() - 1;
        Self::coded(parts, scale, table, |k| {
            k.map_or(missing, |k| {
                let at = (k - low) as usize;
                let below = bits[at / 64] & ((1 << (at % 64)) - 1);
                before[at / 64] as usize + below.count_ones() as usize
            })
        })
    }

    /// Values that are no decimals with few digits: ranked by sorting.
    fn ranked(parts: &[Packed]) -> Self {
        let n = parts.iter().map(Packed::len).sum();
        let mut pairs: Vec<(f64, u32)> = Vec::with_capacity(n);
        let mut row = 0;
        for part in parts {
            part.for_each_value(|value| {
                if !value.is_nan() {
                    pairs.push((value, row));
                }
                row += 1;
            });
        }
        // Rows differ, so that the order is the same however many threads sort.
        pairs.par_sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let mut table: Vec<f64> = Vec::new();
        let mut codes = vec![u32::MAX; n];
        for (value, row) in pairs {
            if table.last() != Some(&value) {
                table.push(value);
            }
            codes[row as usize] = table.len() as u32 - 1;
        }
        let missing = table.len() as u32;
        table.push(f64::NAN);
        for code in &mut codes {
            *code = (*code).min(missing);
        }
        let codes = match table.len() {
            0..=0x100 => Codes::U8(codes.iter().map(|c| *c as u8).collect()),
            0x101..=0x1_0000 => Codes::U16(codes.iter().map(|c| *c as u16).collect()),
            _ => Codes::U32(codes),
        };
        Self {
            codes,
            table: table.into(),
        }
    }
}

impl From<Vec<f64>> for Numbers {
    /// Infinite values count as missing.
    fn from(values: Vec<f64>) -> Self {
        Self::join(vec![Packed::of(&values)])
    }
}

impl Default for Numbers {
    fn default() -> Self {
        Vec::new().into()
    }
}

impl Index<usize> for Numbers {
    type Output = f64;

    fn index(&self, row: usize) -> &f64 {
        &self.table[self.code(row)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(values: &[f64], n_table: usize, width: usize) {
        let numbers = Numbers::from(values.to_vec());
        let bits = |v: &[f64]| v.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&numbers.to_vec()), bits(values));
        assert!(numbers.table()[..numbers.table().len() - 1].is_sorted());
        assert_eq!(numbers.table().len(), n_table, "{values:?}");
        assert_eq!(
            with_codes!(numbers.codes(), c => std::mem::size_of_val(&c[0])),
            width
        );
    }

    #[test]
    fn every_value_is_kept_in_the_smallest_form() {
        let nan = f64::NAN;
        check(&[5.0, 1.0, nan, 4.0], 6, 1);
        check(&[nan], 1, 1);
        check(&[0.1, 30.5, nan], 306, 2);
        check(&[0.0, 3_600_000.5, 12.5], 4, 1);
        check(&[1e14, 0.5, -2.0, nan], 4, 1);
        check(&[std::f64::consts::PI, 0.1 + 0.2, nan, 0.1 + 0.2], 3, 1);
    }

    #[test]
    fn parts_of_different_scales_join() {
        let parts = [vec![1.0, 2.0], vec![0.25, f64::NAN], vec![], vec![f64::NAN]];
        let joined = Numbers::join(parts.iter().map(|part| Packed::of(part)).collect());
        let whole = Numbers::from(parts.concat());
        assert_eq!(format!("{joined:?}"), format!("{whole:?}"));
        assert_eq!(joined.gathered(&[2, 0]).to_vec(), [0.25, 1.0]);
        assert_eq!(joined.taken(&Rows::Range(1..3)).to_vec(), [2.0, 0.25]);
    }
}
