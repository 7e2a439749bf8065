//! The same cells as SQL: queries for engines that have the log.
//!
//! One generator writes every query; [`Dialect`] holds what engines write differently. The queries use
//! grouping sets, which read the log once for all segment columns, and no function whose last digit
//! decides: see [`super::bins`].

mod cells_query;
mod dialect;
mod requests;
mod units_query;

pub use cells_query::cells_query;
pub use dialect::{DIALECTS, Dialect};
pub use units_query::units_query;

use crate::cells::Stretches;
use crate::data::Quantity;

/// A log in an engine: which column is what.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LogTable {
    /// What stands after FROM.
    pub from: String,
    /// The arm; `None` where all requests are of one.
    pub arm: Option<String>,
    /// When requests started and ended; at least one is known.
    pub start: Option<StampColumn>,
    /// See `start`.
    pub end: Option<StampColumn>,
    /// Who was assigned.
    pub unit: Option<String>,
    /// What tells success from failure.
    pub status: Option<StatusColumn>,
    /// Everything numeric.
    pub numbers: Vec<NumberColumn>,
    /// The names behind [`Quantity::Extra`].
    pub extra_names: Vec<String>,
    /// Columns to split by.
    pub segments: Vec<String>,
    /// Texts, in lower case, that say that there is no user.
    pub null_words: Vec<String>,
}

/// A column of stamps.
#[derive(Debug, Clone, PartialEq)]
pub struct StampColumn {
    /// Its name.
    pub column: String,
    /// How its stamps are written.
    pub form: Stamp,
}

/// How stamps are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stamp {
    /// A type of the engine.
    Typed,
    /// ISO 8601.
    Text,
    /// Numbers; how many make a second. `is_date` where they count from 1970.
    Number {
        /// 1, 1,000, 1,000,000 or 1,000,000,000.
        per_second: i64,
        /// Whether they count from 1970.
        is_date: bool,
    },
}

/// A column of statuses.
#[derive(Debug, Clone, PartialEq)]
pub struct StatusColumn {
    /// Its name.
    pub column: String,
    /// Texts in lower case, with the number of the outcome that they mean; before codes are looked at.
    pub words: Vec<(Vec<String>, i32)>,
    /// Whole numbers from and to, both included, with the number of the outcome; the first counts.
    pub codes: Vec<((i64, i64), i32)>,
    /// The outcome of any other whole number.
    pub other_code: i32,
    /// The outcome of any other text.
    pub other_text: i32,
    /// Patterns of texts in lower case, as of `LIKE`, that mean another outcome than `other_text`; the first
    /// counts.
    pub patterns: Vec<(String, i32)>,
    /// The outcome of no text.
    pub null: i32,
}

/// A numeric column.
#[derive(Debug, Clone, PartialEq)]
pub struct NumberColumn {
    /// What it measures.
    pub quantity: Quantity,
    /// Its name.
    pub column: String,
    /// What makes its numbers those of the quantity.
    pub factor: f64,
    /// Whether numbers below 0 count.
    pub is_signed: bool,
    /// Numbers beyond this, after the factor, count as missing.
    pub most: Option<f64>,
    /// Numbers that stand for no value.
    pub nulls: Vec<f64>,
}

/// The name of a quantity's column within a query.
fn alias(quantity: Quantity) -> String {
    match quantity {
        Quantity::Extra(i) => format!("extra_{i}"),
        known => super::quantity_name(known, &[]),
    }
}

/// The value of a quantity at the requests where it counts; NULL at others.
fn counted(quantity: Quantity) -> String {
    let name = alias(quantity);
    if super::is_duration(quantity) {
        format!(
            "CASE WHEN {} > {} THEN {name} END",
            bin_alias(quantity),
            super::bins::NOT_POSITIVE
        )
    } else if super::needs_answer(quantity) {
        format!("CASE WHEN outcome = 0 THEN {name} END")
    } else {
        name
    }
}

/// The name of a duration's bin within a query.
fn bin_alias(quantity: Quantity) -> String {
    alias(quantity) + "_bin"
}

/// The name of the bin of a duration that no answer ended.
fn unanswered_bin_alias(quantity: Quantity) -> String {
    alias(quantity) + "_unanswered_bin"
}

/// A common table expression of the numbers below `n`: what is joined with it has a row for each.
///
/// Most engines compute a common table expression anew wherever it is named, so that a row per figure is made
/// by this and not by a SELECT per figure.
fn numbered(name: &str, n: usize) -> String {
    let rows: Vec<String> = (0..n).map(|k| format!("SELECT {k} AS k")).collect();
    format!("{name} AS (\n  {}\n)", rows.join(" UNION ALL "))
}

/// The expression of each number of [`numbered`].
fn by_number(name: &str, n: usize, of: &dyn Fn(usize) -> String) -> String {
    let cases: Vec<String> = (0..n)
        .map(|k| format!(" WHEN {name}.k = {k} THEN {}", of(k)))
        .collect();
    format!("CASE{} END", cases.concat())
}

impl LogTable {
    /// Whether durations of requests that were not answered are counted: where outcomes are known, in the
    /// table `cells`.
    fn counts_unanswered(&self, stretches: Stretches<'_>) -> bool {
        self.status.is_some() && matches!(stretches, Stretches::Every(_))
    }

    /// The quantities that the query reads: a latency may follow from start and end.
    fn quantities(&self) -> Vec<Quantity> {
        let mut quantities: Vec<Quantity> = self.numbers.iter().map(|n| n.quantity).collect();
        if self.derives_latency() {
            quantities.insert(0, Quantity::LatencyMs);
        }
        quantities
    }

    fn derives_latency(&self) -> bool {
        let has = |number: &NumberColumn| number.quantity == Quantity::LatencyMs;
        self.start.is_some() && self.end.is_some() && !self.numbers.iter().any(has)
    }

    /// Grouping sets: the columns alone, then with each segment column.
    fn grouping_sets(&self, columns: &str) -> String {
        let sets = (0..self.segments.len()).map(|i| format!("({columns}, segment_{i})"));
        let all: Vec<String> = [format!("({columns})")].into_iter().chain(sets).collect();
        format!("GROUP BY GROUPING SETS ({})", all.join(", "))
    }

    /// The segment columns of a select list, each followed by a comma.
    fn segment_columns(&self) -> String {
        let columns = (0..self.segments.len()).map(|i| format!("segment_{i}, "));
        columns.collect::<Vec<_>>().concat()
    }

    /// `segment` and `value` from the columns of grouping sets: a value is never NULL, a column that a
    /// set leaves out always is.
    fn place(&self, dialect: &Dialect) -> String {
        if self.segments.is_empty() {
            return "'' AS segment, '' AS value".to_owned();
        }
        let cases: Vec<String> = (0..)
            .zip(&self.segments)
            .map(|(i, name)| format!(" WHEN segment_{i} IS NOT NULL THEN {}", dialect.text(name)))
            .collect();
        format!(
            "CASE{} ELSE '' END AS segment, COALESCE({}'') AS value",
            cases.concat(),
            self.segment_columns()
        )
    }
}
