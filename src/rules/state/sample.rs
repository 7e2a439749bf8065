//! [`Sample`]: what a statistical test needs of one arm.

use std::collections::VecDeque;

use super::{Flag, Observed, Statistic, is_value};
use crate::stats::RatioMoments;

/// One arm of a test.
#[derive(Debug, Clone)]
pub(in crate::rules) enum Sample<'a> {
    /// Hits among requests.
    Counts {
        /// What each row is to the share.
        flags: &'a [Flag],
        /// Hits.
        hits: u64,
        /// Requests.
        n: u64,
    },
    /// The values themselves, in order of arrival.
    Values {
        /// Of every row of the log.
        values: &'a [f64],
        /// Whether zeros are missing.
        drop_zero: bool,
        /// Those in the window.
        window: VecDeque<f64>,
    },
    /// Sums over units.
    Units(UnitSums<'a>),
}

/// Sums, squares and products over units of (numerator, denominator): a share's hits and requests,
/// or a mean's sum and number of values.
#[derive(Debug, Clone)]
pub(in crate::rules) struct UnitSums<'a> {
    what: What<'a>,
    /// The unit of every row; `None` where every request is a unit.
    units: Option<&'a [u32]>,
    /// Per unit with an id: its numerator and denominator so far.
    by_unit: Vec<(f64, f64)>,
    n_units: u64,
    num: f64,
    den: f64,
    num_2: f64,
    den_2: f64,
    cross: f64,
}

#[derive(Debug, Clone, Copy)]
enum What<'a> {
    Flags(&'a [Flag]),
    Values(&'a [f64], bool),
}

impl<'a> UnitSums<'a> {
    /// Of a share. `units` are dense ids below `n_ids`, others stand for themselves.
    pub(in crate::rules) fn of_share(flags: &'a [Flag], units: Option<(&'a [u32], u32)>) -> Self {
        Self::new(What::Flags(flags), units)
    }

    /// Of a mean.
    pub(in crate::rules) fn of_mean(
        values: &'a [f64],
        drop_zero: bool,
        units: Option<(&'a [u32], u32)>,
    ) -> Self {
        Self::new(What::Values(values, drop_zero), units)
    }

    fn new(what: What<'a>, units: Option<(&'a [u32], u32)>) -> Self {
        Self {
            what,
            units: units.map(|(ids, _)| ids),
            by_unit: vec![(0.0, 0.0); units.map_or(0, |(_, n)| n as usize)],
            n_units: 0,
            num: 0.0,
            den: 0.0,
            num_2: 0.0,
            den_2: 0.0,
            cross: 0.0,
        }
    }

    /// The moments over units.
    pub(in crate::rules) fn moments(&self) -> RatioMoments {
        let n = self.n_units.max(1) as f64;
        let (mean_num, mean_den) = (self.num / n, self.den / n);
        RatioMoments {
            units: self.n_units,
            offset: 0.0,
            mean_num,
            mean_den,
            m_num: (self.num_2 - self.num * mean_num).max(0.0),
            m_den: (self.den_2 - self.den * mean_den).max(0.0),
            m_cross: self.cross - self.num * mean_den,
        }
    }

    /// What a row adds to its unit; `None` if nothing.
    fn part(&self, row: usize) -> Option<f64> {
        match self.what {
            What::Flags(flags) => match flags[row] {
                Flag::Out => None,
                flag => Some(f64::from(u8::from(flag == Flag::Hit))),
            },
            What::Values(values, drop_zero) => {
                Some(values[row]).filter(|value| is_value(*value, drop_zero))
            }
        }
    }

    fn change(&mut self, row: usize, sign: f64) -> bool {
        let Some(part) = self.part(row) else {
            return false;
        };
        let id = self.units.map_or(usize::MAX, |ids| ids[row] as usize);
        let mut alone = if sign > 0.0 { (0.0, 0.0) } else { (part, 1.0) };
        let unit = self.by_unit.get_mut(id).unwrap_or(&mut alone);
        let before = *unit;
        *unit = (before.0 + sign * part, before.1 + sign);
        let after = *unit;
        self.n_units = self
            .n_units
            .wrapping_add(u64::from(after.1 > 0.0))
            .wrapping_sub(u64::from(before.1 > 0.0));
        self.num += after.0 - before.0;
        self.den += after.1 - before.1;
        self.num_2 += after.0 * after.0 - before.0 * before.0;
        self.den_2 += after.1 * after.1 - before.1 * before.1;
        self.cross += after.0 * after.1 - before.0 * before.1;
        true
    }
}

impl Statistic for Sample<'_> {
    fn add(&mut self, row: usize) -> bool {
        match self {
            Sample::Counts { flags, hits, n } => {
                *hits += u64::from(flags[row] == Flag::Hit);
                *n += u64::from(flags[row] != Flag::Out);
                flags[row] != Flag::Out
            }
            Sample::Values {
                values,
                drop_zero,
                window,
            } => {
                let is_there = is_value(values[row], *drop_zero);
                if is_there {
                    window.push_back(values[row]);
                }
                is_there
            }
            Sample::Units(sums) => sums.change(row, 1.0),
        }
    }

    fn remove(&mut self, row: usize) -> bool {
        match self {
            Sample::Counts { flags, hits, n } => {
                *hits -= u64::from(flags[row] == Flag::Hit);
                *n -= u64::from(flags[row] != Flag::Out);
                flags[row] != Flag::Out
            }
            Sample::Values {
                values,
                drop_zero,
                window,
            } => is_value(values[row], *drop_zero) && window.pop_front().is_some(),
            Sample::Units(sums) => sums.change(row, -1.0),
        }
    }

    fn observe(&mut self) -> Observed {
        let (value, n) = match self {
            Sample::Counts { hits, n, .. } => (*hits as f64 / *n as f64, *n as f64),
            Sample::Values { window, .. } => {
                let n = window.len() as f64;
                (window.iter().sum::<f64>() / n, n)
            }
            Sample::Units(sums) => (sums.num / sums.den, sums.den),
        };
        Observed::new(value, n as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Moments by adding are those of the totals by unit, also after requests have left.
    #[test]
    fn moments_are_those_of_the_units() {
        let flags = [
            Flag::Hit,
            Flag::Miss,
            Flag::Hit,
            Flag::Out,
            Flag::Miss,
            Flag::Hit,
        ];
        let units = [0, 0, 1, 1, u32::MAX, 2];
        let mut sample = Sample::Units(UnitSums::of_share(&flags, Some((&units, 3))));
        (0..6).for_each(|row| {
            sample.add(row);
        });
        let moments = |sample: &Sample<'_>| match sample {
            Sample::Units(sums) => sums.moments(),
            _ => RatioMoments::default(),
        };
        let expected = RatioMoments::from_slices(&[1.0, 1.0, 0.0, 1.0], &[2.0, 1.0, 1.0, 1.0]);
        let found = moments(&sample);
        assert_eq!((found.units, found.mean_num), (4, expected.mean_num));
        assert!((found.m_num - expected.m_num).abs() < 1e-12);
        assert!((found.m_cross - expected.m_cross).abs() < 1e-12);
        sample.remove(0);
        sample.remove(1);
        let expected = RatioMoments::from_slices(&[1.0, 0.0, 1.0], &[1.0, 1.0, 1.0]);
        assert_eq!(moments(&sample).units, 3);
        assert!((moments(&sample).m_num - expected.m_num).abs() < 1e-12);
    }
}
