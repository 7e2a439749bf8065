//! Columns of the file that play no part, each with what it could be.

use serde::Serialize;

use super::column_profile::{ColumnProfile, Declared};
use super::derive::Expression;
use super::detect::Guess;
use super::durations::stamp_form;
use super::mapping::{Mapping, Role};
use super::names::{name_score, normalize};
use super::stamp::StampForm;
use crate::units;

/// A column that plays no part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnusedColumn {
    /// Its name in the file.
    pub column: String,
    /// What its values are like, without any of them.
    pub values: String,
    /// What it could be.
    pub could_be: CouldBe,
}

/// What a column without a role could be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CouldBe {
    /// Kinds of requests to split by.
    Segment,
    /// A second latency, or a part of one.
    Duration,
    /// A further moment of the request.
    Time,
    /// An outcome as a number.
    Metric,
    /// Words, ids or prompts: nothing that can be counted.
    Text,
    /// Nothing: it has no values, or one.
    Nothing,
}

impl CouldBe {
    /// As shown to people.
    pub fn label(self) -> &'static str {
        match self {
            Self::Segment => "a segment to split by",
            Self::Duration => "another duration of the request",
            Self::Time => "another moment of the request",
            Self::Metric => "a metric",
            Self::Text => "text or an id",
            Self::Nothing => "nothing: its values do not differ",
        }
    }
}

/// The columns of the file, without keys inside cells, that no role, filter, expression or table
/// beside the log reads.
pub(super) fn columns(
    mapping: &Mapping,
    guesses: &[Guess],
    expressions: &[Expression],
) -> Vec<UnusedColumn> {
    let is_read = |name: &String| {
        let is_key_of = |column: &String| {
            column
                .strip_prefix(name.as_str())
                .is_some_and(|key| key.starts_with('.'))
        };
        let of_sides = mapping.side.iter().filter_map(|side| side.on.as_ref());
        let of_rows = mapping.rows.iter().map(|rows| &rows.column);
        let mut read = mapping
            .columns
            .iter()
            .map(|c| &c.column)
            .chain(expressions.iter().flat_map(|e| &e.inputs))
            .chain(of_sides)
            .chain(of_rows);
        read.any(|column| column == name || is_key_of(column))
    };
    guesses
        .iter()
        .map(|guess| &guess.profile)
        .filter(|profile| !profile.is_key() && !is_read(&profile.name))
        .map(|profile| UnusedColumn {
            column: profile.name.clone(),
            values: values(profile),
            could_be: could_be(profile),
        })
        .collect()
}

/// Few numbers, each of them often: the steps of a load, a setting, a code.
pub(super) fn is_few_numbers(profile: &ColumnProfile) -> bool {
    profile.numeric_share > 0.9
        && (2..=20).contains(&profile.n_distinct)
        && profile.null_share() < 0.05
        && profile.distinct_share() < 0.1
}

fn could_be(profile: &ColumnProfile) -> CouldBe {
    let normalized = normalize(&profile.name);
    let is_named = |role| name_score(&normalized, role).0 >= 0.5;
    let is_moment = matches!(
        stamp_form(profile),
        Some(form) if !matches!(form, StampForm::Relative(_))
    );
    let is_duration = is_named(Role::Latency)
        || is_named(Role::Ttft)
        || profile.duration_share > 0.9
        || normalized.ends_with("_time")
        || normalized.ends_with("latency");
    let is_few = (2..=1000).contains(&profile.n_distinct) && profile.distinct_share() < 0.5;
    let is_numeric = profile.numeric_share > 0.9;
    match profile.n_distinct {
        0 | 1 => CouldBe::Nothing,
        _ if profile.declared == Declared::Stamps || is_moment => CouldBe::Time,
        _ if is_few_numbers(profile) => CouldBe::Segment,
        _ if is_duration && (is_numeric || profile.duration_share > 0.9) => CouldBe::Duration,
        _ if is_numeric => CouldBe::Metric,
        _ if is_few => CouldBe::Segment,
        _ => CouldBe::Text,
    }
}

fn values(profile: &ColumnProfile) -> String {
    let n = units::count(profile.n_distinct as u64);
    match (profile.n_distinct, profile.range) {
        (0, _) => "no values".to_owned(),
        (1, _) => "1 distinct value".to_owned(),
        (_, Some((low, _, high))) if profile.numeric_share > 0.9 => {
            let shown = |v: f64| {
                if profile.is_whole {
                    units::significant(v, 1)
                } else {
                    units::number(v)
                }
            };
            let (low, high) = (shown(low), shown(high));
            format!("{n} distinct numbers, {low} to {high}")
        }
        _ => format!("{n} distinct values"),
    }
}
