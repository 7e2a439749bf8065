//! How well a column fits a role, by its name and by its values, with the evidence in words.

use super::column_profile::{ColumnProfile, Declared};
use super::durations::{is_moment, stamp_form};
use super::mapping::Role;
use super::names::{name_score, normalize};
use super::outcome::{OutcomeForm, rating_of_word};
use super::profile::SAMPLE_ROWS;
use super::stamp::{StampForm, numeric_stamp_us};
use crate::data::{ArmWord, Outcome};
use crate::units;

/// The score of a role for a column, and the evidence in words.
pub(super) fn score(column: &ColumnProfile, role: Role, n_rows: u64) -> (f64, String) {
    let normalized = normalize(&column.name);
    let (name, known) = name_score(&normalized, role);
    let mut fit = value_fit(column, role, &normalized, n_rows);
    // "response_time" counts seconds too, but from no start: only a full name makes a relative stamp.
    let is_relative = matches!(stamp_form(column), Some(StampForm::Relative(_)));
    if role.is_stamp() && is_relative && name < 0.7 {
        fit = 0.0;
    }
    let ends = name_score(&normalized, Role::EndTime).0 > 0.0;
    let by_values = if ends && role == Role::Time {
        0.0
    } else {
        value_only(column, role, name)
    };
    if by_values > name * fit {
        return (
            by_values,
            format!("values fit: {}", column.samples.join(", ")),
        );
    }
    let similar = if normalized == known {
        "named"
    } else {
        "named like"
    };
    (
        name * fit,
        format!("{similar} \"{known}\"; {}", describe(column, role)),
    )
}

/// How well the values fit a role whose name fits, 0 to 1.
pub(super) fn value_fit(column: &ColumnProfile, role: Role, normalized: &str, n_rows: u64) -> f64 {
    let has_values = column.n_null < column.n;
    let numeric = column.numeric_share > 0.9 && has_values;
    // Words among the numbers are reported value by value; a column is not dropped for them.
    let amount_fit = |share: f64| match share {
        _ if !has_values => 0.0,
        share if share > 0.9 => 1.0,
        share if share > 0.5 => 0.7,
        _ => 0.0,
    };
    let non_negative = column.range.is_some_and(|(low, _, _)| low >= 0.0);
    match role {
        Role::Time | Role::EndTime | Role::RatedAt => {
            stamp_form(column).map_or(0.0, |form| match form {
                StampForm::Relative(_) if !non_negative => 0.0,
                StampForm::Relative(_) => 0.8,
                _ => 1.0,
            })
        }
        Role::Variant => match column.n_distinct {
            2..=50 if column.null_share() < 0.05 && (!numeric || column.is_whole) => 1.0,
            1 if column.null_share() < 0.05 => 0.7,
            51..=200 if column.null_share() < 0.05 && !numeric => 0.6,
            // Rows of no arm are reported; for a total at the end no arm is given up.
            2..=50 if column.null_share() < 0.5 && !numeric => 0.65,
            _ => 0.0,
        },
        Role::Unit if !has_values => 0.0,
        // One name throughout is the service account, not who was assigned.
        Role::Unit if column.n_distinct == 1 => 0.3,
        // A column in which every row differs tells requests apart, not users.
        Role::Unit if n_rows > 50 && differs_by_row(column, n_rows) => 0.4,
        Role::Unit => 1.0,
        Role::RequestId => {
            if column.distinct_share() > 0.9 {
                1.0
            } else {
                0.3
            }
        }
        // The moment of the first token serves as well as the time until then.
        Role::Ttft if normalized.ends_with("_time") && is_moment(column) => 1.0,
        Role::Latency | Role::Ttft => {
            if is_moment(column) {
                0.0
            } else {
                amount_fit(column.numeric_share + column.duration_share)
            }
        }
        Role::Status => status_fit(column, normalized),
        // How likely an action was chosen, not how good it was.
        Role::Rating if normalized.contains("propensity") => 0.0,
        Role::Rating => rating_fit(column),
        Role::TokensIn | Role::TokensOut => {
            if column.is_whole && non_negative {
                amount_fit(column.numeric_share)
            } else {
                0.0
            }
        }
        Role::Cost => amount_fit(column.numeric_share),
        Role::Segment => {
            if (2..=1000).contains(&column.n_distinct) && column.distinct_share() < 0.5 {
                1.0
            } else {
                0.0
            }
        }
        Role::Metric | Role::Covariate => {
            if numeric || is_truth(column) {
                1.0
            } else {
                0.0
            }
        }
    }
}

/// Whether every row seems to have a value of its own. A sample of a larger log holds few of a user's
/// requests: of ten million requests by half a million users, one in a hundred repeats a user.
fn differs_by_row(column: &ColumnProfile, n_rows: u64) -> bool {
    const REPEATS: usize = 5;
    let is_part = n_rows >= SAMPLE_ROWS as u64 / 10 * 9;
    let n_repeats = column.n.saturating_sub(column.n_null + column.n_distinct);
    column.distinct_share() > 0.98 && !(is_part && n_repeats >= REPEATS)
}

/// The score of a role by values alone, for columns whose names say nothing.
fn value_only(column: &ColumnProfile, role: Role, name: f64) -> f64 {
    let names_arms = || {
        let is_arm = |v: &String| {
            let name = v.to_lowercase();
            ArmWord::Control.is_name(&name) || ArmWord::Treatment.is_name(&name)
        };
        column.n_distinct >= 2
            && column.frequent.len() == column.n_distinct
            && column.frequent.iter().all(is_arm)
    };
    match role {
        Role::Variant if names_arms() && column.null_share() < 0.05 => 0.8,
        Role::Time if column.declared == Declared::Stamps || column.stamp_share > 0.9 => 0.5,
        // Few distinct words that play no other part are worth splitting by.
        Role::Segment
            if name == 0.0
                && (2..=20).contains(&column.n_distinct)
                && column.numeric_share < 0.5
                && column.null_share() < 0.5
                && column.distinct_share() < 0.2
                && column.declared != Declared::Stamps
                && column.stamp_share < 0.5
                && !is_structured(column) =>
        {
            0.5
        }
        // One number in brackets: scores, as tools export them.
        Role::Metric if column.list_share > 0.9 && column.numeric_share > 0.9 => 0.6,
        _ => 0.0,
    }
}

fn status_fit(column: &ColumnProfile, normalized: &str) -> f64 {
    let form = OutcomeForm::of_name(normalized);
    if column.n_null == column.n {
        // An error column that is empty throughout says that nothing failed.
        return if form == OutcomeForm::Error { 0.6 } else { 0.0 };
    }
    let read = column.frequent.iter().filter_map(|v| form.read(v));
    let known = read.clone().count();
    // Answers end for many reasons: without a failure among them it is no status.
    if normalized.ends_with("finish_reason") && !read.into_iter().any(Outcome::is_error) {
        return 0.0;
    }
    let share = known as f64 / column.frequent.len().max(1) as f64;
    // A continuous number is no status, whatever its name.
    let too_many = column.n_distinct > 60 && form != OutcomeForm::Error;
    // Nor is a counter that is never 0, of handshakes that failed, say.
    let never_zero = column.n_null == 0 && column.range.is_some_and(|(low, ..)| low > 0.0);
    let is_counter = form == OutcomeForm::Error && column.numeric_share > 0.9 && never_zero;
    if too_many || is_counter || (column.numeric_share > 0.9 && !column.is_whole) {
        0.0
    } else {
        share
    }
}

fn rating_fit(column: &ColumnProfile) -> f64 {
    let words = column
        .frequent
        .iter()
        .filter(|v| rating_of_word(v).is_some())
        .count();
    let is_words = words > 0 && words == column.frequent.len();
    let in_scale = column
        .range
        .is_some_and(|(low, _, high)| low >= -10.0 && high <= 100.0);
    match column.numeric_share {
        _ if is_words => 1.0,
        share if in_scale && share > 0.9 => 1.0,
        share if in_scale && share > 0.5 => 0.7,
        _ => 0.0,
    }
}

/// Whether the values are JSON text, whose keys are what varies.
fn is_structured(column: &ColumnProfile) -> bool {
    column.frequent.iter().any(|v| v.starts_with(['{', '[']))
}

fn is_truth(column: &ColumnProfile) -> bool {
    let known = ["true", "false", "0", "1", "yes", "no", "t", "f"];
    !column.frequent.is_empty()
        && column
            .frequent
            .iter()
            .all(|v| known.contains(&v.to_lowercase().as_str()))
}

pub(super) fn describe(column: &ColumnProfile, role: Role) -> String {
    let is_label = matches!(
        role,
        Role::Unit | Role::RequestId | Role::Variant | Role::Segment
    );
    let nulls = if column.n_null > 0 {
        format!(", {} empty", units::share(column.null_share()))
    } else {
        String::new()
    };
    match column.range {
        Some((low, median, high)) if column.numeric_share > 0.9 && !is_label => {
            if let (true, Some(StampForm::Epoch(unit))) = (role.is_stamp(), stamp_form(column)) {
                let at = |stamp| {
                    numeric_stamp_us(stamp, unit)
                        .map_or_else(String::new, |us| units::instant(us, units::Clock::Epoch))
                };
                return format!("{} to {}{nulls}", at(low), at(high));
            }
            let (kind, shown): (_, fn(f64) -> String) = if column.is_whole {
                ("whole numbers", |v| units::significant(v.round(), 1))
            } else {
                ("numbers", units::number)
            };
            format!(
                "{kind} {} to {}, median {}{nulls}",
                shown(low),
                shown(high),
                shown(median)
            )
        }
        _ => format!(
            "{} distinct values{nulls}",
            units::count(column.n_distinct as u64)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(n: usize, n_distinct: usize, expected: f64) {
        let column = ColumnProfile {
            n,
            n_distinct,
            ..ColumnProfile::default()
        };
        assert_eq!(value_fit(&column, Role::Unit, "userid", n as u64), expected);
    }

    #[test]
    fn users_of_a_large_log_are_told_from_requests() {
        check(10_000, 10_000, 0.4);
        check(10_000, 9_900, 1.0);
        check(2_000, 1_990, 0.4);
        check(40, 40, 1.0);
    }
}
