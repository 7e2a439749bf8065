//! What a log takes in memory, told while it is read: one that would take more than it may is refused
//! before the system ends the program.

use super::mapping::{Mapping, Role};
use crate::error::{Error, ErrorKind, Result};

/// Of a row whatever its columns: its number, start and event time, outcome, and its place in order.
const ROW_BYTES: u64 = 4 + 8 + 8 + 1 + 4;
/// Of a unit while a log is read: its key, its slots and where it came first.
const UNIT_BYTES: u64 = 48;
/// What joining, sorting, comparing and replaying take beyond the columns: the highest peak over the
/// columns' own bytes that was measured (tests/README.md), rounded up.
const PEAK: u64 = 2;
/// The program, its fonts, and the pieces that are parsed at a time.
const BASE_BYTES: u64 = 150 << 20;
/// How much of a log is read before the rest is judged by it.
const TELLING_SHARE: f64 = 0.01;

/// What a log may take.
pub(super) struct Budget {
    limit: Option<u64>,
    row_bytes: u64,
}

impl Budget {
    /// `limit` in bytes; `None` for as much as there is.
    pub(super) fn new(limit: Option<u64>, mapping: &Mapping) -> Self {
        let of_column = |role: Role| match role {
            Role::Time => 0,
            Role::EndTime | Role::RatedAt | Role::RequestId => 8,
            Role::Unit | Role::Variant | Role::Status => 4,
            Role::Segment => 2,
            _ => 4,
        };
        let columns = mapping.columns.iter().map(|column| of_column(column.role));
        Self {
            limit,
            row_bytes: ROW_BYTES + columns.sum::<u64>(),
        }
    }

    /// Fails when the rows so far take more than they may, or when going on at their rate until the end
    /// would. Units are counted as they are: most of them come early.
    pub(super) fn check(&self, n_rows: u64, n_units: u64, share_read: f64) -> Result<()> {
        let Some(limit) = self.limit else {
            return Ok(());
        };
        let n_rows = if share_read >= TELLING_SHARE {
            (n_rows as f64 / share_read.min(1.0)) as u64
        } else {
            n_rows
        };
        let columns = n_rows * self.row_bytes + n_units * UNIT_BYTES;
        let needed = columns * PEAK + BASE_BYTES;
        if needed <= limit {
            return Ok(());
        }
        let message = format!(
            "The log needs about {} of memory, more than the {} it may take",
            size(needed),
            size(limit)
        );
        Err(Error::new(ErrorKind::TooLarge, message).hint(
            "Allow more with --memory or in the menu, map fewer columns, or open a part of the log",
        ))
    }
}

/// As shown to people: "1.5 GB".
fn size(bytes: u64) -> String {
    if bytes < 1_000_000_000 {
        format!("{} MB", bytes.div_ceil(1_000_000))
    } else {
        format!("{:.1} GB", bytes as f64 / 1e9)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_refused_as_soon_as_it_can_be_told() {
        let budget = Budget::new(Some(1_000_000_000), &Mapping::default());
        assert!(budget.check(1_000_000, 0, 0.5).is_ok());
        // A hundredth of the log took a hundredth of more than twice the limit.
        let error = budget.check(500_000, 0, 0.01).unwrap_err();
        assert_eq!(error.kind, ErrorKind::TooLarge);
        assert!(
            error.message.contains("2.7 GB") && error.message.contains("1.0 GB"),
            "{error}"
        );
        // Too little was read to judge the rest by it; what was read does count.
        assert!(budget.check(500_000, 0, 0.001).is_ok());
        assert!(budget.check(20_000_000, 0, 0.001).is_err());
        assert!(
            Budget::new(None, &Mapping::default())
                .check(u64::from(u32::MAX), 0, 0.1)
                .is_ok()
        );
    }
}
