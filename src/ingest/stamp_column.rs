//! Stamp columns to microseconds UTC, whatever their form; a stamp that cannot be is an issue.

use chrono::{Offset as _, TimeZone as _};
use polars::prelude::{Column, DataType, TimeUnit};

use super::batch::{Batch, Texts, Values};
use super::issues::{Effect, Issues};
use super::kept::Kept;
use super::mapping::{ColumnRole, Mapping, Role};
use super::number::{DecimalMark, parse_number};
use super::stamp::{DurationUnit, StampForm, decimal_stamp_us, numeric_stamp_us};
use super::stamp_text::{DateOrder, ordered_stamp_us, uuid7_us};
use crate::error::{Error, ErrorKind, Result};

/// A stamp that is missing, until event times are settled.
pub(super) const NO_STAMP: i64 = i64::MIN;

/// 2000-01-01 up to 2101-01-01 UTC. Zeroes and years like 9999 stand for "no time" in exports, and
/// one of them would stretch every trend and replay.
const PLAUSIBLE_US: std::ops::Range<i64> = 946_684_800_000_000..4_133_980_800_000_000;

/// A row that nothing places.
pub(super) const NO_TIME: (Effect, &str, &str) =
    (Effect::Rejected, "Neither a start nor an end", UNPLACED);
const UNPLACED: &str =
    "Rows without a time cannot be placed; correct the export, or map another column as time";
const STANDS_IN: &str = "Where a row has only its start or only its end, the other follows from the latency if there is one";

/// How the stamps of a mapping are read.
pub(super) struct StampReader {
    zone: Option<chrono_tz::Tz>,
    mark: DecimalMark,
    /// Whether the log has starts as well as ends, so that one can stand in for the other.
    has_both: bool,
}

impl StampReader {
    pub(super) fn new(mapping: &Mapping) -> Result<Self> {
        Ok(Self {
            zone: mapping.time_zone.as_deref().map(parse_zone).transpose()?,
            mark: mapping.decimal_mark,
            has_both: [Role::Time, Role::EndTime]
                .iter()
                .all(|role| mapping.column(*role).is_some()),
        })
    }

    /// The stamps of a batch; [`NO_STAMP`] where there is none.
    pub(super) fn read(
        &self,
        role: &ColumnRole,
        column: &Values,
        batch: &Batch,
        issues: &mut Issues,
    ) -> Vec<i64> {
        let form = role.stamp.unwrap_or(StampForm::Text);
        let mut zone_missing = false;
        let texts = Texts::of(column);
        let mut stamps = if let (StampForm::Typed, Values::Typed(column)) = (form, column) {
            zone_missing = matches!(column.dtype(), DataType::Datetime(_, None) | DataType::Date);
            typed_stamps(column)
        } else {
            let mut stamps = Vec::with_capacity(column.len());
            texts.for_each(|_, text| {
                let text = text.unwrap_or_default();
                let stamp = match form {
                    StampForm::Epoch(unit) | StampForm::Relative(unit) => self.numeric(text, unit),
                    StampForm::Uuid7 => uuid7_us(text),
                    StampForm::DayFirst => {
                        ordered_stamp_us(text, Some(DateOrder::DayFirst), &mut zone_missing)
                    }
                    StampForm::MonthFirst => {
                        ordered_stamp_us(text, Some(DateOrder::MonthFirst), &mut zone_missing)
                    }
                    StampForm::Text | StampForm::Typed => {
                        ordered_stamp_us(text, None, &mut zone_missing)
                    }
                };
                stamps.push(stamp.unwrap_or(NO_STAMP));
            });
            stamps
        };
        if let Some(zone) = self.zone.filter(|_| zone_missing) {
            for (i, stamp) in stamps
                .iter_mut()
                .enumerate()
                .filter(|(_, s)| **s != NO_STAMP)
            {
                let (utc, fold) = local_to_utc(*stamp, zone);
                *stamp = utc;
                let message = match fold {
                    Fold::None => continue,
                    Fold::Twice => "A local time that exists twice; the earlier was taken",
                    Fold::Never => "A local time that does not exist; the clocks went forward",
                };
                let kind = (
                    Effect::Assumed,
                    message,
                    "Export times in UTC or with their offset to be sure",
                );
                let text = texts.get(i).unwrap_or_default();
                issues.value(kind, Some(&role.column), batch.lines[i], text);
            }
        } else if zone_missing {
            issues.note(
                Effect::Assumed,
                Some(&role.column),
                "The times name no zone; UTC was assumed",
                "",
                "Set time_zone = \"Asia/Seoul\" or another in the mapping file if they are local",
            );
        }
        for (i, stamp) in stamps.iter_mut().enumerate() {
            let is_plausible =
                matches!(form, StampForm::Relative(_)) || PLAUSIBLE_US.contains(stamp);
            if *stamp != NO_STAMP && is_plausible {
                continue;
            }
            let text = texts.get(i);
            let is_beside = matches!(role.role, Role::Ttft | Role::RatedAt);
            let (lost, hint) = if self.has_both && !is_beside {
                (Effect::Missing, STANDS_IN)
            } else if is_beside {
                (Effect::Missing, UNPLACED)
            } else {
                (Effect::Rejected, UNPLACED)
            };
            let kind = if *stamp == NO_STAMP {
                // Few requests are rated, and a failed one has no first token.
                if is_beside && text.is_none() {
                    continue;
                }
                (lost, "Not a time that could be read", hint)
            } else {
                *stamp = NO_STAMP;
                (
                    lost,
                    "A time outside the years 2000 to 2100",
                    "Zeroes and far dates often stand for \"no time\"; correct them in the export, or map another column as time",
                )
            };
            issues.value(
                kind,
                Some(&role.column),
                batch.lines[i],
                text.unwrap_or("(empty)"),
            );
        }
        stamps
    }

    /// Milliseconds from the starts of the kept rows to the moments in a column.
    pub(super) fn since_start(
        &self,
        role: &ColumnRole,
        column: &Values,
        (batch, kept, starts): (&Batch, &Kept, &[i64]),
        issues: &mut Issues,
    ) -> Vec<f64> {
        let stamps = self.read(role, column, batch, issues);
        let since = |(i, start): (usize, &i64)| {
            if stamps[i] == NO_STAMP || *start == NO_STAMP {
                return f64::NAN;
            }
            if stamps[i] < *start {
                let kind = (
                    Effect::Missing,
                    "A first token before the start",
                    "Such times count as missing; check the clocks of the hosts that write the log",
                );
                issues.value(kind, Some(&role.column), batch.lines[i], "");
                return f64::NAN;
            }
            (stamps[i] - start) as f64 / 1e3
        };
        let rows = (0..stamps.len()).filter(|i| kept.has(*i));
        rows.zip(starts).map(since).collect()
    }

    fn numeric(&self, text: &str, unit: DurationUnit) -> Option<i64> {
        match self.mark {
            DecimalMark::Point if !text.contains(',') => decimal_stamp_us(text, unit),
            mark => numeric_stamp_us(parse_number(text, mark)?, unit),
        }
    }
}

fn typed_stamps(column: &Column) -> Vec<i64> {
    let is_nanos = matches!(column.dtype(), DataType::Datetime(TimeUnit::Nanoseconds, _));
    let unit = if is_nanos {
        TimeUnit::Nanoseconds
    } else {
        TimeUnit::Microseconds
    };
    let values = column
        .cast(&DataType::Datetime(unit, None))
        .and_then(|c| c.cast(&DataType::Int64));
    let Some(values) = values.as_ref().ok().and_then(|c| c.i64().ok()) else {
        return vec![NO_STAMP; column.len()];
    };
    // Nanoseconds are rounded, as numeric stamps are: both forms of one stamp are then equal.
    let to_us = |value: i64| {
        if is_nanos {
            value.saturating_add(500).div_euclid(1000)
        } else {
            value
        }
    };
    values
        .iter()
        .map(|value| value.map_or(NO_STAMP, to_us))
        .collect()
}

fn parse_zone(name: &str) -> Result<chrono_tz::Tz> {
    name.parse().map_err(|_unknown| {
        Error::new(
            ErrorKind::Settings,
            format!("\"{name}\" is not a time zone"),
        )
        .key("time_zone")
        .hint("Use an IANA name such as Asia/Seoul, Europe/Berlin or UTC")
    })
}

/// An hour of local time that is not there once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fold {
    None,
    /// The clocks were put back: the earlier one is taken.
    Twice,
    /// The clocks were put forward: the offset before it is taken.
    Never,
}

/// Local wall time in microseconds to UTC.
fn local_to_utc(local_us: i64, zone: chrono_tz::Tz) -> (i64, Fold) {
    let Some(local) = chrono::DateTime::from_timestamp_micros(local_us).map(|t| t.naive_utc())
    else {
        return (local_us, Fold::None);
    };
    let (offset, fold) = match zone.offset_from_local_datetime(&local) {
        chrono::LocalResult::Single(offset) => (offset, Fold::None),
        chrono::LocalResult::Ambiguous(earlier, _) => (earlier, Fold::Twice),
        chrono::LocalResult::None => (zone.offset_from_utc_datetime(&local), Fold::Never),
    };
    let offset_us = i64::from(offset.fix().local_minus_utc()) * 1_000_000;
    (local_us - offset_us, fold)
}
