//! What a join says of itself, in words.

use super::{Join, SideKind};
use crate::units;

impl Join {
    /// What was joined and how it fits, a line each.
    pub fn lines(&self) -> Vec<String> {
        let side = &self.side;
        let (file, label) = (side.file.display(), side.kind.label());
        let column = |name: &Option<String>| name.clone().unwrap_or_default();
        let rows = units::count(self.rows);
        if side.kind == SideKind::Events {
            return vec![format!(
                "{label}: {file}, {rows} rows, by {}",
                column(&side.time)
            )];
        }
        let mut lines = vec![format!(
            "{label}: {file}, {rows} rows, {} = {} of the log",
            column(&side.key),
            column(&side.on)
        )];
        let of = |n: u64, total: u64| format!("{} of {}", units::count(n), units::count(total));
        let n_rows = self.rows_matched + self.rows_unmatched;
        lines.push(format!(
            "  rows matched: {}; requests matched: {}; most rows of one {}: {}",
            of(self.rows_matched, n_rows),
            of(self.requests_matched, self.requests),
            if side.kind == SideKind::Ratings {
                "request"
            } else {
                "unit"
            },
            units::count(self.most_per_key)
        ));
        let mut more = |n: u64, what: &str| {
            if n > 0 {
                lines.push(format!("  {} {what}", units::count(n)));
            }
        };
        more(self.rows_of_other_names, "rows of other names");
        more(self.rows_unreadable, "rows without key or value");
        more(
            self.requests_before_first,
            "requests before the first assignment",
        );
        more(
            self.requests_ambiguous,
            "requests of units with several arms at once",
        );
        if side.kind == SideKind::Ratings {
            more(
                self.requests_sharing_a_key,
                "requests share their key with another; each score counts once",
            );
        }
        if !self.unmatched_keys.is_empty() {
            lines.push(format!(
                "  not in the log: {}",
                self.unmatched_keys.join(", ")
            ));
        }
        lines
    }
}
