//! [`Kept`]: the rows of a batch that are not rejected.

/// Which rows of a batch are accepted.
pub(super) struct Kept {
    /// Empty where all are.
    keep: Vec<bool>,
    pub(super) n: usize,
}

impl Kept {
    pub(super) fn new(keep: Vec<bool>) -> Self {
        let n = keep.iter().filter(|keep| **keep).count();
        Self {
            keep: if n == keep.len() { Vec::new() } else { keep },
            n,
        }
    }

    /// The values of the accepted rows.
    pub(super) fn of<T: Copy>(&self, values: Vec<T>) -> Vec<T> {
        if self.keep.is_empty() {
            return values;
        }
        let kept = values.into_iter().zip(&self.keep);
        kept.filter(|(_, keep)| **keep)
            .map(|(value, _)| value)
            .collect()
    }

    /// Whether a row is accepted.
    #[inline]
    pub(super) fn has(&self, i: usize) -> bool {
        self.keep.get(i).copied().unwrap_or(true)
    }
}
