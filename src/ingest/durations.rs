//! How stamps are written and what unit durations have: the name's suffix first, then a check
//! against the stamps, then the size that LLM requests have.

use super::column_profile::{ColumnProfile, Declared};
use super::mapping::{Mapping, Role};
use super::names::normalize;
use super::stamp::{DurationUnit, StampForm, epoch_unit};
use crate::units;

/// A unit, and how it was told.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct UnitGuess {
    pub(super) unit: DurationUnit,
    /// Whether nothing else is plausible.
    pub(super) is_sure: bool,
    /// In words: "median 1.9, fractions".
    pub(super) why: String,
}

const UNITS: [DurationUnit; 4] = [
    DurationUnit::S,
    DurationUnit::Ms,
    DurationUnit::Us,
    DurationUnit::Ns,
];

/// The unit of a duration. `spans_ms` are end minus start of the same rows, where both are known.
pub(super) fn duration_unit(column: &ColumnProfile, spans_ms: Option<&[f64]>) -> UnitGuess {
    if column.duration_share > 0.5 {
        return UnitGuess {
            unit: DurationUnit::Ms,
            is_sure: true,
            why: "written with their units".to_owned(),
        };
    }
    if let Some(unit) = suffix_unit(&column.name) {
        return UnitGuess {
            unit,
            is_sure: true,
            why: "by its name".to_owned(),
        };
    }
    spans_ms
        .and_then(|spans| by_spans(column, spans))
        .unwrap_or_else(|| by_size(column))
}

/// The unit in which a duration is about end minus start.
fn by_spans(column: &ColumnProfile, spans_ms: &[f64]) -> Option<UnitGuess> {
    let pairs = column.numbers.iter().zip(spans_ms);
    let ratios = pairs.filter(|(d, span)| **d > 0.0 && **span > 0.0);
    let ratio = median(ratios.map(|(d, span)| d / span))?;
    let found = UNITS
        .into_iter()
        .find(|unit| (0.8..1.25).contains(&(ratio * unit.in_ms())))?;
    Some(UnitGuess {
        unit: found,
        is_sure: true,
        why: "equals end minus start".to_owned(),
    })
}

fn by_size(column: &ColumnProfile) -> UnitGuess {
    let positive = column.numbers.iter().copied().filter(|v| *v > 0.0);
    let Some(median) = median(positive) else {
        return UnitGuess {
            unit: DurationUnit::Ms,
            is_sure: true,
            why: "no values".to_owned(),
        };
    };
    let (unit, is_sure) = match median {
        m if m < 120.0 && !column.is_whole => (DurationUnit::S, true),
        // Whole seconds, or milliseconds of a cache or of a very small model.
        m if m < 20.0 => (DurationUnit::S, false),
        m if m < 120.0 => (DurationUnit::Ms, false),
        m if m <= 600_000.0 => (DurationUnit::Ms, true),
        m if m <= 1e6 => (DurationUnit::Ms, false),
        m if m <= 3e7 => (DurationUnit::Us, true),
        m if m <= 2e8 => (DurationUnit::Us, false),
        // Minutes in microseconds, or tenths of a second in nanoseconds.
        m if m <= 1e9 => (DurationUnit::Ns, false),
        _ => (DurationUnit::Ns, true),
    };
    let kind = if column.is_whole {
        "whole numbers"
    } else {
        "fractions"
    };
    UnitGuess {
        unit,
        is_sure,
        why: format!("median {}, {kind}", units::number(median)),
    }
}

/// End minus start in the sampled rows, where a mapping has both.
pub(super) fn spans_ms(mapping: &Mapping, columns: &[ColumnProfile]) -> Option<Vec<f64>> {
    let of = |role| {
        let column = mapping.column(role)?;
        let profile = columns.iter().find(|c| c.name == column.column)?;
        stamps_us(profile, column.stamp.or_else(|| stamp_form(profile))?)
    };
    let (starts, ends) = (of(Role::Time)?, of(Role::EndTime)?);
    let spans = starts.iter().zip(&ends);
    Some(spans.map(|(start, end)| (end - start) / 1e3).collect())
}

fn stamps_us(profile: &ColumnProfile, form: StampForm) -> Option<Vec<f64>> {
    match form {
        StampForm::Text | StampForm::Typed if !profile.stamps_us.is_empty() => {
            Some(profile.stamps_us.clone())
        }
        StampForm::Epoch(unit) | StampForm::Relative(unit) => {
            let to_us = unit.in_ms() * 1e3;
            Some(profile.numbers.iter().map(|v| v * to_us).collect())
        }
        _ => None,
    }
}

fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.filter(|v| v.is_finite()).collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// How a column's stamps are written; `None` where it has none.
pub(super) fn stamp_form(column: &ColumnProfile) -> Option<StampForm> {
    if column.declared == Declared::Stamps {
        return Some(StampForm::Typed);
    }
    // 20260821 is a date, not a number of seconds.
    let is_text = column.stamp_share > 0.5;
    if column.numeric_share > 0.9 && !(is_text && column.stamp_share > 0.9) {
        let (_, median, _) = column.range?;
        return Some(match epoch_unit(median) {
            Some(unit) => StampForm::Epoch(unit),
            None => StampForm::Relative(suffix_unit(&column.name).unwrap_or(DurationUnit::S)),
        });
    }
    if is_text {
        return Some(StampForm::Text);
    }
    if column.uuid7_share > 0.9 {
        return Some(StampForm::Uuid7);
    }
    let (day_first, month_first) = column.ordered_shares;
    if day_first.max(month_first) < 0.5 {
        return None;
    }
    Some(match day_first.total_cmp(&month_first) {
        std::cmp::Ordering::Greater => StampForm::DayFirst,
        std::cmp::Ordering::Less => StampForm::MonthFirst,
        // AM and PM are written where months come first.
        std::cmp::Ordering::Equal if has_half_days(column) => StampForm::MonthFirst,
        std::cmp::Ordering::Equal => StampForm::DayFirst,
    })
}

/// Whether the values are moments that can be told from durations: stamps in seconds since 1970 are as
/// large as durations in nanoseconds, but lie close together.
pub(super) fn is_moment(column: &ColumnProfile) -> bool {
    match stamp_form(column) {
        Some(StampForm::Epoch(_)) => {
            let is_named = suffix_unit(&column.name).is_some_and(|unit| unit == DurationUnit::Ns);
            let known = || column.numbers.iter().copied().filter(|v| *v > 0.0);
            let middle = median(known()).unwrap_or(0.0);
            let is_near = |v: &f64| (0.8..1.25).contains(&(v / middle));
            let n_near = known().filter(is_near).count();
            !is_named && n_near as f64 > 0.9 * known().count() as f64
        }
        Some(StampForm::Relative(_)) | None => false,
        Some(_) => true,
    }
}

/// Whether no date tells the day from the month.
pub(super) fn is_order_open(column: &ColumnProfile) -> bool {
    let (day_first, month_first) = column.ordered_shares;
    day_first > 0.5 && day_first == month_first
}

fn has_half_days(column: &ColumnProfile) -> bool {
    let is_half = |v: &String| v.ends_with(['M', 'm']);
    column.frequent.iter().any(is_half)
}

fn suffix_unit(name: &str) -> Option<DurationUnit> {
    let normalized = normalize(name);
    match normalized.rsplit('_').next().unwrap_or_default() {
        "s" | "sec" | "secs" | "seconds" | "秒" | "초" => Some(DurationUnit::S),
        "ms" | "millis" | "milliseconds" | "毫秒" | "밀리초" => Some(DurationUnit::Ms),
        "us" | "micros" | "microseconds" | "微秒" => Some(DurationUnit::Us),
        "ns" | "nano" | "nanos" | "nanoseconds" | "纳秒" => Some(DurationUnit::Ns),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::column_profile::describe;
    use super::super::number::DecimalMark;
    use super::*;

    fn column(name: &str, values: &[&str]) -> ColumnProfile {
        let values: Vec<Option<String>> = values.iter().map(|v| Some((*v).to_owned())).collect();
        let names = (name.to_owned(), "text".to_owned());
        describe(names, &values, Declared::Text, DecimalMark::Point)
    }

    fn check(name: &str, values: &[&str], unit: DurationUnit, is_sure: bool) {
        let guess = duration_unit(&column(name, values), None);
        assert_eq!(
            (guess.unit, guess.is_sure),
            (unit, is_sure),
            "{name} {values:?}"
        );
    }

    #[test]
    fn units_are_told_or_doubted() {
        check("latency_ms", &["1.9"], DurationUnit::Ms, true);
        check("took", &["1.9", "2.4"], DurationUnit::S, true);
        check("took", &["3", "7"], DurationUnit::S, false);
        check("took", &["40", "90"], DurationUnit::Ms, false);
        check("took", &["340", "900"], DurationUnit::Ms, true);
        check("took", &["700000", "800000"], DurationUnit::Ms, false);
        check("took", &["2100000", "3400000"], DurationUnit::Us, true);
        check("took", &["100000000", "200000000"], DurationUnit::Us, false);
        check("took", &["500000000", "900000000"], DurationUnit::Ns, false);
        check(
            "took",
            &["2100000000", "3400000000"],
            DurationUnit::Ns,
            true,
        );
    }

    #[test]
    fn nanoseconds_are_told_from_stamps() {
        let nanoseconds = ["920000000", "1310000000", "700000000"];
        assert!(!is_moment(&column("latency", &nanoseconds)));
        let stamps = ["1772432843", "1772432901", "1772440000"];
        assert!(is_moment(&column("first_token_time", &stamps)));
        assert!(!is_moment(&column("ttft_ns", &stamps)));
    }

    #[test]
    fn stamps_decide_where_sizes_do_not() {
        let spans = [3000.0, 7000.0];
        let guess = duration_unit(&column("took", &["3", "7"]), Some(&spans));
        assert_eq!((guess.unit, guess.is_sure), (DurationUnit::S, true));
    }

    #[test]
    fn dates_without_a_thirteenth_leave_the_order_open() {
        let open = column("d", &["2/3/2026", "11/12/2026"]);
        assert!(is_order_open(&open));
        assert_eq!(stamp_form(&open), Some(StampForm::DayFirst));
        let told = column("d", &["2/3/2026", "2/13/2026"]);
        assert!(!is_order_open(&told));
        assert_eq!(stamp_form(&told), Some(StampForm::MonthFirst));
        let half = column("d", &["2/3/2026 6:27 PM"]);
        assert_eq!(stamp_form(&half), Some(StampForm::MonthFirst));
        assert_eq!(
            stamp_form(&column("d", &["20260302"])),
            Some(StampForm::Text)
        );
    }
}
