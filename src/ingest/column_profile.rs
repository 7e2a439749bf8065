//! What the sampled values of one column look like, before any meaning is given to it.

use std::collections::HashMap;

use serde::Serialize;

use super::issues::shortened;
use super::number::{DecimalMark, is_null_word, parse_number};
use super::stamp_text::{DateOrder, ordered_stamp_us, text_stamp_us, uuid7_us};
use super::written_duration::written_ms;

/// Type of a key of the JSON text in another column's cells.
pub(super) const KEY_TYPE: &str = "key in a cell";

/// What the sampled values of one column look like.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ColumnProfile {
    /// Its name in the file.
    pub name: String,
    /// Its type in the file: "text", "key in a cell", or a Parquet type.
    pub type_name: String,
    /// Sampled rows.
    pub n: usize,
    /// Of those, empty or a word for "no value".
    pub n_null: usize,
    /// Distinct values in the sample.
    pub n_distinct: usize,
    /// Share of the non-null values that are numbers.
    pub numeric_share: f64,
    /// Share of the non-null values that are durations with their unit, such as `120ms`.
    #[serde(skip)]
    pub duration_share: f64,
    /// Share of the non-null values that are dates with times.
    pub stamp_share: f64,
    /// Of the non-null values, the shares that are dates with the day first and with the month first.
    #[serde(skip)]
    pub ordered_shares: (f64, f64),
    /// Of the non-null values, the share that is a list such as `[1]`.
    #[serde(skip)]
    pub list_share: f64,
    /// Share of the non-null values that are UUIDs of version 7.
    #[serde(skip)]
    pub uuid7_share: f64,
    /// Whether every number is whole.
    pub is_whole: bool,
    /// Smallest, median and largest number.
    pub range: Option<(f64, f64, f64)>,
    /// The first distinct values, for people.
    pub samples: Vec<String>,
    /// The most frequent values, at most twenty.
    #[serde(skip)]
    pub frequent: Vec<String>,
    /// What the file itself says about its values.
    #[serde(skip)]
    pub declared: Declared,
    /// Numeric values in sample order, NaN where none: for tests between columns.
    #[serde(skip)]
    pub numbers: Vec<f64>,
    /// Stamps as text in microseconds in sample order, NaN where none; empty where there are few.
    #[serde(skip)]
    pub stamps_us: Vec<f64>,
    /// Per sampled row which of the distinct values it has, the most frequent first; [`NO_CODE`]
    /// where it has none.
    #[serde(skip)]
    pub codes: Vec<u32>,
}

/// The code of a row without a value.
pub(super) const NO_CODE: u32 = u32::MAX;

/// What a file declares about the values of a column.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Declared {
    /// Nothing, or text.
    #[default]
    Text,
    /// Numbers or truth values.
    Numbers,
    /// Dates or stamps.
    Stamps,
}

impl ColumnProfile {
    /// Whether it is a key of the JSON text in another column's cells.
    pub fn is_key(&self) -> bool {
        self.type_name == KEY_TYPE
    }

    /// Share of sampled rows without a value.
    pub fn null_share(&self) -> f64 {
        self.n_null as f64 / self.n.max(1) as f64
    }

    /// Whether two columns tell the same rows apart: each value of one stands for one of the other.
    pub(super) fn is_equivalent(&self, other: &Self) -> bool {
        let pairs = self.codes.iter().zip(&other.codes);
        let mut of_own: HashMap<u32, u32> = HashMap::new();
        let mut of_other: HashMap<u32, u32> = HashMap::new();
        for (a, b) in pairs {
            let same = *of_own.entry(*a).or_insert(*b) == *b;
            if !same || *of_other.entry(*b).or_insert(*a) != *a {
                return false;
            }
        }
        true
    }

    /// Whether its ids look like `1.23E+15`.
    pub(super) fn has_rounded_ids(&self) -> bool {
        let is_rounded = |v: &String| {
            let parts = v.split_once("E+").or_else(|| v.split_once("e+"));
            parts.is_some_and(|(m, e)| m.parse::<f64>().is_ok() && e.parse::<u32>().is_ok())
        };
        self.frequent.iter().any(is_rounded)
    }

    /// The last part of its name: `tier` of `metadata.tier`.
    pub(super) fn last_name(&self) -> &str {
        self.name.rsplit('.').next().unwrap_or_default()
    }

    /// Share of the values that occur only once or nearly.
    pub fn distinct_share(&self) -> f64 {
        self.n_distinct as f64 / (self.n - self.n_null).max(1) as f64
    }
}

/// Describes sampled values; `None` is null.
pub(super) fn describe(
    (name, type_name): (String, String),
    sampled: &[Option<String>],
    declared: Declared,
    mark: DecimalMark,
) -> ColumnProfile {
    let present = |value: &&String| !is_null_word(value.trim());
    let values: Vec<&String> = sampled.iter().flatten().filter(present).collect();
    let n_values = values.len().max(1) as f64;
    let share =
        |fits: &dyn Fn(&str) -> bool| values.iter().filter(|v| fits(v)).count() as f64 / n_values;
    let (by_count, codes) = distinct(sampled);
    let number = |v: &Option<String>| v.as_deref().and_then(|v| parse_number(v, mark));
    let numbers: Vec<f64> = sampled
        .iter()
        .map(|v| number(v).unwrap_or(f64::NAN))
        .collect();
    let mut sorted: Vec<f64> = numbers.iter().copied().filter(|v| !v.is_nan()).collect();
    sorted.sort_by(f64::total_cmp);
    let numeric_share = sorted.len() as f64 / n_values;
    let stamp = |v: &str| text_stamp_us(v, &mut false);
    let stamp_share = share(&|v| stamp(v).is_some());
    let stamps_us = if stamp_share > 0.5 && numeric_share < 0.5 {
        let stamp_of = |v: &Option<String>| v.as_deref().and_then(stamp);
        let stamps = sampled.iter().map(stamp_of);
        stamps
            .map(|us| us.map_or(f64::NAN, |us| us as f64))
            .collect()
    } else {
        Vec::new()
    };
    let ordered = |order| {
        if stamp_share > 0.5 || numeric_share > 0.5 {
            return 0.0;
        }
        share(&|v| ordered_stamp_us(v, Some(order), &mut false).is_some())
    };
    ColumnProfile {
        name,
        type_name,
        n: sampled.len(),
        n_null: sampled.len() - values.len(),
        n_distinct: by_count.len(),
        numeric_share,
        duration_share: if numeric_share > 0.9 {
            0.0
        } else {
            share(&|v| written_ms(v).is_some())
        },
        stamp_share,
        ordered_shares: (ordered(DateOrder::DayFirst), ordered(DateOrder::MonthFirst)),
        list_share: share(&|v| v.trim_start().starts_with('[')),
        uuid7_share: share(&|v| uuid7_us(v).is_some()),
        is_whole: sorted.iter().all(|v| v.fract() == 0.0),
        range: sorted
            .first()
            .zip(sorted.last())
            .map(|(low, high)| (*low, sorted[sorted.len() / 2], *high)),
        samples: by_count.iter().take(4).map(|v| shortened(v)).collect(),
        frequent: by_count.iter().take(20).map(|v| (*v).to_owned()).collect(),
        declared,
        numbers,
        stamps_us,
        codes,
    }
}

/// The distinct values, the most frequent first and then the earliest, and each row's place among
/// them.
fn distinct(sampled: &[Option<String>]) -> (Vec<&str>, Vec<u32>) {
    let present = |v: &&str| !is_null_word(v.trim());
    let mut counts: HashMap<&str, (usize, usize)> = HashMap::new();
    for (order, v) in sampled.iter().enumerate() {
        if let Some(v) = v.as_deref().filter(present) {
            counts.entry(v).or_insert((0, order)).0 += 1;
        }
    }
    let mut by_count: Vec<(&str, (usize, usize))> = counts.into_iter().collect();
    by_count.sort_by_key(|(_, (count, order))| (std::cmp::Reverse(*count), *order));
    let ranked = by_count.iter().enumerate();
    let places: HashMap<&str, u32> = ranked.map(|(i, (v, _))| (*v, i as u32)).collect();
    let code = |v: &Option<String>| v.as_deref().and_then(|v| places.get(v).copied());
    let codes = sampled.iter().map(|v| code(v).unwrap_or(NO_CODE)).collect();
    (by_count.into_iter().map(|(v, _)| v).collect(), codes)
}
