//! [`Streak`]: requests in a row.

use super::{Flag, Observed, Statistic};

/// Counts hits up to the last request that counts; a miss begins anew.
#[derive(Debug, Clone)]
pub(in crate::rules) struct Streak<'a> {
    flags: &'a [Flag],
    n: u32,
}

impl<'a> Streak<'a> {
    pub(in crate::rules) fn new(flags: &'a [Flag]) -> Self {
        Self { flags, n: 0 }
    }
}

impl Statistic for Streak<'_> {
    #[inline]
    fn add(&mut self, row: usize) -> bool {
        match self.flags[row] {
            Flag::Out => false,
            Flag::Hit => {
                self.n += 1;
                true
            }
            Flag::Miss => std::mem::take(&mut self.n) > 0,
        }
    }

    /// Its window never loses a request.
    fn remove(&mut self, _row: usize) -> bool {
        false
    }

    fn observe(&mut self) -> Observed {
        Observed::new(f64::from(self.n), self.n)
    }
}
