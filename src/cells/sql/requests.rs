//! The first part of every query: one row per request with the columns that Hindsight reads, in its
//! own units.

use super::dialect::{double, with};
use super::{
    Dialect, LogTable, NumberColumn, Stamp, StampColumn, StatusColumn, alias, bin_alias,
    unanswered_bin_alias,
};
use crate::cells::{Stretches, bins, is_duration};
use crate::data::Quantity;

/// The years 2000 to 2100: other dates stand for no time.
const DATES_US: (i64, i64) = (946_684_800_000_000, 4_133_980_800_000_000);

/// The common table expressions `given`, `timed` and `requests`.
pub(super) fn requests(table: &LogTable, dialect: &Dialect, stretches: Stretches<'_>) -> String {
    format!(
        "WITH given AS (\n  SELECT {}\n  FROM {}\n),\ntimed AS (\n  SELECT given.*, {}\n  FROM given\n),\nrequests AS (\n  SELECT timed.*, {} AS time_us{}\n  FROM timed\n  WHERE arm IS NOT NULL AND arm <> '' AND event_us IS NOT NULL\n)",
        given(table, dialect).join(",\n    "),
        table.from,
        timed(table, dialect).join(",\n    "),
        start_us(dialect, stretches),
        of_bins(table, dialect, stretches)
    )
}

/// The start of the stretch of time that a request is in.
fn start_us(dialect: &Dialect, stretches: Stretches<'_>) -> String {
    let of_stages = match stretches {
        Stretches::Every(width_us) => return format!("event_us - MOD(event_us, {width_us})"),
        Stretches::Stages([]) => "0".to_owned(),
        Stretches::Stages([only]) => only.to_string(),
        Stretches::Stages(starts @ [.., last]) => {
            let case = |pair: &[i64]| format!(" WHEN event_us < {} THEN {}", pair[1], pair[0]);
            let cases: Vec<String> = starts.windows(2).map(case).collect();
            format!("CASE{} ELSE {last} END", cases.concat())
        }
    };
    with(dialect.to_long, &of_stages)
}

/// The columns of the log, typed.
fn given(table: &LogTable, dialect: &Dialect) -> Vec<String> {
    let text = |name: &str| with(dialect.to_text, &dialect.column(name));
    let mut columns = Vec::new();
    columns.push(match &table.arm {
        Some(arm) => format!("TRIM({}) AS arm", text(arm)),
        None => "'all requests' AS arm".to_owned(),
    });
    for (stamp, name) in [(&table.start, "start_us"), (&table.end, "end_us")] {
        let us = stamp.as_ref().map(|stamp| stamp_us(stamp, dialect));
        let us = us.unwrap_or_else(|| dialect.no_long.to_owned());
        columns.push(format!("{us} AS {name}"));
    }
    if let Some(unit) = &table.unit {
        let unit = format!("TRIM({})", text(unit));
        let words = dialect.texts(table.null_words.iter().map(String::as_str));
        columns.push(format!(
            "CASE WHEN {unit} <> '' AND LOWER({unit}) NOT IN {words} THEN {unit} END AS unit"
        ));
    }
    if let Some(status) = &table.status {
        columns.push(format!("{} AS outcome", outcome(status, dialect)));
    } else {
        columns.push("0 AS outcome".to_owned());
    }
    for number in &table.numbers {
        columns.push(format!(
            "{} AS {}",
            value(number, dialect),
            alias(number.quantity)
        ));
    }
    for (i, segment) in table.segments.iter().enumerate() {
        columns.push(format!("COALESCE({}, '') AS segment_{i}", text(segment)));
    }
    columns
}

/// When the outcome was known, and latencies that follow from it.
fn timed(table: &LogTable, dialect: &Dialect) -> Vec<String> {
    let has_latency = table
        .numbers
        .iter()
        .any(|n| n.quantity == Quantity::LatencyMs);
    let latency_us = if has_latency {
        let us = with(dialect.to_long, "FLOOR(latency_ms * 1e3 + 5e-1)");
        format!("CASE WHEN latency_ms > 0 THEN {us} ELSE 0 END")
    } else {
        "0".to_owned()
    };
    let mut columns = vec![format!(
        "CASE WHEN end_us IS NULL THEN start_us + {latency_us} WHEN start_us IS NULL OR end_us >= start_us THEN end_us ELSE start_us END AS event_us"
    )];
    if table.derives_latency() {
        columns.push(format!(
            "CASE WHEN end_us >= start_us THEN {} / 1e3 END AS latency_ms",
            with(dialect.to_double, "(end_us - start_us)")
        ));
    }
    columns
}

/// The bins of durations, of answered requests and, where they are counted, of the others.
fn of_bins(table: &LogTable, dialect: &Dialect, stretches: Stretches<'_>) -> String {
    let durations = table.quantities().into_iter().filter(|q| is_duration(*q));
    durations
        .map(|quantity| {
            let ms = alias(quantity);
            let us = format!("GREATEST(FLOOR({ms} * 1e3 + 5e-1), 1e0)");
            let bin = format!(
                "LEAST(CEIL(LN({us} / 1e3) / {}), {})",
                double(bins::LN_GAMMA),
                double(f64::from(bins::LAST))
            );
            let of = |is_other: &str, name: String| {
                format!(
                    ",\n    CASE WHEN {is_other} THEN NULL WHEN {ms} > 0 THEN {} WHEN {ms} <= 0 THEN {} END AS {name}",
                    with(dialect.to_int, &bin),
                    bins::NOT_POSITIVE
                )
            };
            let answered = of("outcome <> 0", bin_alias(quantity));
            if table.counts_unanswered(stretches) {
                answered + &of("outcome = 0", unanswered_bin_alias(quantity))
            } else {
                answered
            }
        })
        .collect::<Vec<_>>()
        .concat()
}

fn stamp_us(stamp: &StampColumn, dialect: &Dialect) -> String {
    let column = dialect.column(&stamp.column);
    let (us, is_date) = match stamp.form {
        Stamp::Typed => (with(dialect.typed_stamp_us, &column), true),
        Stamp::Text => (with(dialect.text_stamp_us, &column), true),
        Stamp::Number {
            per_second: 1_000_000_000,
            is_date,
        } => {
            // Nanoseconds since 1970 have more digits than a double.
            let ns = format!("({} + 500)", with(dialect.to_long, &column));
            let us = format!("({ns} - MOD({ns}, 1000)) / 1000");
            (with(dialect.to_long, &us), is_date)
        }
        Stamp::Number {
            per_second,
            is_date,
        } => {
            let factor = double(1e6 / per_second as f64);
            let number = with(dialect.to_double, &column);
            let us = format!("FLOOR({number} * {factor} + 5e-1)");
            (with(dialect.to_long, &us), is_date)
        }
    };
    if !is_date {
        return us;
    }
    let (from, to) = DATES_US;
    format!("CASE WHEN {us} >= {from} AND {us} < {to} THEN {us} END")
}

fn value(number: &NumberColumn, dialect: &Dialect) -> String {
    let raw = with(dialect.to_double, &dialect.column(&number.column));
    let value = if number.factor == 1.0 {
        raw.clone()
    } else {
        format!("{raw} * {}", double(number.factor))
    };
    let least = if number.is_signed { -1e300 } else { 0.0 };
    // What is not a number is above every number, or compares as false.
    let most = number.most.unwrap_or(1e300);
    let nulls: Vec<String> = number
        .nulls
        .iter()
        .map(|null| format!(" AND {raw} <> {}", double(*null)))
        .collect();
    format!(
        "CASE WHEN {value} >= {} AND {value} <= {}{} THEN {value} END",
        double(least),
        double(most),
        nulls.concat()
    )
}

fn outcome(status: &StatusColumn, dialect: &Dialect) -> String {
    let column = dialect.column(&status.column);
    let text = format!("LOWER(TRIM({}))", with(dialect.to_text, &column));
    let code = with(dialect.to_double, &with(dialect.to_text, &column));
    let is_code = format!("{code} = FLOOR({code})");
    let mut cases = vec![format!(
        "WHEN {column} IS NULL OR {text} = '' THEN {}",
        status.null
    )];
    for (words, outcome) in &status.words {
        let words = dialect.texts(words.iter().map(String::as_str));
        cases.push(format!("WHEN {text} IN {words} THEN {outcome}"));
    }
    for ((from, to), outcome) in &status.codes {
        let range = format!("{code} >= {from} AND {code} <= {to}");
        cases.push(format!("WHEN {is_code} AND {range} THEN {outcome}"));
    }
    cases.push(format!("WHEN {is_code} THEN {}", status.other_code));
    for (pattern, outcome) in &status.patterns {
        let pattern = dialect.text(pattern);
        cases.push(format!("WHEN {text} LIKE {pattern} THEN {outcome}"));
    }
    format!(
        "CASE {} ELSE {} END",
        cases.join("\n      "),
        status.other_text
    )
}
