//! What a join says of itself, in words.

use super::{Join, Repeats, SideKind};
use crate::units;

impl Join {
    /// What was joined and how it fits, a line each.
    pub fn lines(&self) -> Vec<String> {
        let first = format!("{}: {}", self.side.kind.label(), self.headline());
        let rest = self.findings().into_iter().map(|line| format!("  {line}"));
        std::iter::once(first).chain(rest).collect()
    }

    /// The file and the columns that it was joined by.
    pub fn headline(&self) -> String {
        let column = |name: &Option<String>| name.clone().unwrap_or_default();
        let (side, file) = (&self.side, self.side.file.display());
        let rows = units::count(self.rows);
        match side.kind {
            SideKind::Events => format!("{file}, {rows} rows, by {}", column(&side.time)),
            SideKind::Ratings | SideKind::Assignments => format!(
                "{file}, {rows} rows, {} = {} of the log",
                column(&side.key),
                column(&side.on)
            ),
        }
    }

    /// How the table and the log fit each other, the most important first.
    pub fn findings(&self) -> Vec<String> {
        let mut found = match self.side.kind {
            SideKind::Events => Vec::new(),
            SideKind::Ratings | SideKind::Assignments => self.matches(),
        };
        let mut more = |n: u64, what: &str| {
            if n > 0 {
                found.push(format!("{} {what}", units::count(n)));
            }
        };
        more(self.rows_of_other_names, "rows of other names");
        let unreadable = match self.side.kind {
            SideKind::Events => "rows without a time that could be read",
            _ => "rows without a key or value that could be read",
        };
        more(self.rows_unreadable, unreadable);
        more(self.rows_outside, "events before or after the log");
        more(
            self.rows_before_first,
            "scores given before any request with their key",
        );
        more(
            self.requests_before_first,
            "requests before their unit's first assignment",
        );
        more(
            self.requests_ambiguous,
            "requests of units with several arms at once",
        );
        if self.side.kind == SideKind::Ratings {
            more(
                self.requests_sharing_a_key,
                "requests share their key with another; each score counts for one of them",
            );
        }
        if !self.unmatched_keys.is_empty() {
            let keys = self.unmatched_keys.join(", ");
            found.push(format!("not in the log: {keys}"));
        }
        found
    }

    fn matches(&self) -> Vec<String> {
        let of = |n: u64, total: u64| {
            let share = units::share(n as f64 / total.max(1) as f64);
            format!("{} of {} ({share})", units::count(n), units::count(total))
        };
        let n_rows = self.rows_matched + self.rows_unmatched;
        let (rows, requests) = (
            of(self.rows_matched, n_rows),
            of(self.requests_matched, self.requests),
        );
        let mut found = vec![format!(
            "rows matched: {rows}; requests matched: {requests}"
        )];
        let most = units::count(self.most_per_key);
        found.extend(match self.side.kind {
            _ if self.most_per_key < 2 => None,
            SideKind::Ratings => {
                let which = match self.side.repeats.unwrap_or_default() {
                    Repeats::Last => "the last counts",
                    Repeats::First => "the first counts",
                    Repeats::Mean => "their mean counts",
                };
                Some(format!("up to {most} scores of one request: {which}"))
            }
            _ => Some(format!("up to {most} assignments of one unit")),
        });
        found
    }
}
