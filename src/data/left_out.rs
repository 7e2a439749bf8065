//! Rows of a log that reading left out, for want of an arm or a time.

/// Rows that were left out while reading, of the whole log whatever is selected of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Those that name no arm.
    pub without_arm: RowsLeftOut,
    /// Those of each arm; may be shorter than the list of arms.
    pub of_arms: Vec<RowsLeftOut>,
    /// The rows of each arm that were kept; empty where no row was left out.
    pub n_kept: Vec<u64>,
}

/// Some of these rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RowsLeftOut {
    /// How many.
    pub n: u64,
    /// Of those, requests that had failed by their status.
    pub n_failed: u64,
}

impl RowsLeftOut {
    /// Adds further rows.
    pub fn add(&mut self, other: Self) {
        self.n += other.n;
        self.n_failed += other.n_failed;
    }
}

impl LeftOut {
    /// The rows of an arm, to add to.
    pub fn of_arm_mut(&mut self, arm: usize) -> &mut RowsLeftOut {
        if self.of_arms.len() <= arm {
            self.of_arms.resize(arm + 1, RowsLeftOut::default());
        }
        &mut self.of_arms[arm]
    }

    /// Rows of an arm that were left out, and all its rows.
    pub fn of_arm(&self, arm: usize) -> (u64, u64) {
        let n = self.of_arms.get(arm).map_or(0, |rows| rows.n);
        (n, n + self.n_kept.get(arm).copied().unwrap_or(0))
    }
}
