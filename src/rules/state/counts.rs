//! [`Counts`]: counters of a service while its requests are counted.

use super::counter::CounterValue;
use super::{Flag, is_value};

/// What increments the counters.
#[derive(Debug, Clone, Copy)]
pub(in crate::rules) enum Counted<'a> {
    /// Requests, by what each is to a share.
    Flags(&'a [Flag]),
    /// Values; NaN, and 0 on request, are none.
    Values(&'a [f64], bool),
}

/// Counters while the requests are counted.
pub(super) struct Counts<'a> {
    counted: Counted<'a>,
    bounds: &'a [f64],
    pub(super) total: u32,
    pub(super) parts: Vec<u32>,
}

impl<'a> Counts<'a> {
    pub(super) fn new(counted: Counted<'a>, gives: &'a CounterValue, n_parts: usize) -> Self {
        Self {
            counted,
            bounds: match gives {
                CounterValue::Quantile { bounds, .. } => bounds,
                _ => &[],
            },
            total: 0,
            parts: vec![0; n_parts],
        }
    }

    #[inline]
    pub(super) fn take(&mut self, row: usize) {
        match self.counted {
            Counted::Flags(flags) => {
                self.total += u32::from(flags[row] != Flag::Out);
                if let Some(hits) = self.parts.first_mut() {
                    *hits += u32::from(flags[row] == Flag::Hit);
                }
            }
            Counted::Values(values, drop_zero) if is_value(values[row], drop_zero) => {
                self.total += 1;
                let from = self.bounds.partition_point(|bound| *bound < values[row]);
                self.parts[from..].iter_mut().for_each(|count| *count += 1);
            }
            Counted::Values(..) => {}
        }
    }
}
