//! Columns of numbers that rules name and that no role reads: they become metrics.

use super::column_profile::ColumnProfile;
use super::issues::{Effect, Issues};
use super::mapping::{ColumnRole, Mapping, Role};

/// Adds those of the named columns that the log has, that hold numbers and that nothing reads as
/// numbers yet. What a rule names and the log lacks is said by the rule.
pub(super) fn add(
    mapping: &mut Mapping,
    named: &[String],
    columns: &[ColumnProfile],
    issues: &mut Issues,
) {
    for name in named {
        let profile = columns.iter().find(|column| column.name == *name);
        let holds_numbers = |c: &ColumnProfile| c.n_null < c.n && c.numeric_share > 0.5;
        if profile.is_none_or(|column| !holds_numbers(column)) || is_read(mapping, name) {
            continue;
        }
        mapping.columns.push(ColumnRole::new(name, Role::Metric));
        issues.note(
            Effect::Noted,
            Some(name),
            "Read as a metric, because a rule names it",
            "",
            "",
        );
    }
}

/// Whether a column is read as numbers.
fn is_read(mapping: &Mapping, name: &str) -> bool {
    let of_column = mapping.columns.iter().filter(|c| c.column == name);
    of_column.into_iter().any(|c| {
        matches!(
            c.role,
            Role::Latency
                | Role::Ttft
                | Role::Rating
                | Role::TokensIn
                | Role::TokensOut
                | Role::Cost
                | Role::Metric
                | Role::Covariate
        )
    })
}
