//! The query of the tables `cells` and `stages`.

use super::dialect::with;
use super::requests::requests;
use super::{Dialect, LogTable, alias, bin_alias, counted, unanswered_bin_alias};
use crate::cells::bins::NOT_POSITIVE;
use crate::cells::{Measure, Stretches, VERSION, is_duration, quantity_name};
use crate::data::Quantity;

/// The query of the table `cells` over stretches of one length, or of `stages` over the rollout's
/// stages.
pub fn cells_query(table: &LogTable, dialect: &Dialect, stretches: Stretches<'_>) -> String {
    let mut parts = vec![requests(table, dialect, stretches), sums(table, dialect)];
    let (width_us, has_users) = match stretches {
        Stretches::Every(width_us) => (width_us, table.unit.is_some()),
        Stretches::Stages(_) => (0, false),
    };
    let durations = || table.quantities().into_iter().filter(|q| is_duration(*q));
    parts.extend(durations().map(|quantity| of_bins(table, quantity)));
    let counts_unanswered = table.counts_unanswered(stretches);
    if counts_unanswered {
        parts.extend(durations().map(of_unanswered));
    }
    if has_users {
        parts.push("users AS (\n  SELECT arm, time_us, COUNT(DISTINCT unit) + SUM(CASE WHEN unit IS NULL THEN 1 ELSE 0 END) AS n\n  FROM requests\n  GROUP BY arm, time_us\n)".to_owned());
    }
    parts.push(format!(
        "figures AS (\n  {}\n)",
        figures(table, dialect, (has_users, counts_unanswered)).join("\n  UNION ALL ")
    ));
    format!(
        "{}\nSELECT {VERSION} AS version, segment, value, measure, arm, time_us, {} AS width_us, bin, {} AS n, sum, sum_sq, first_us, last_us\nFROM figures\nORDER BY segment, value, measure, arm, time_us, bin{}\n",
        parts.join(",\n"),
        with(dialect.to_long, &width_us.to_string()),
        with(dialect.to_long, "n"),
        dialect.suffix
    )
}

/// All counts and sums of one arm in one stretch of time, in one row.
fn sums(table: &LogTable, dialect: &Dialect) -> String {
    let mut columns = vec![
        "COUNT(*) AS n".to_owned(),
        "MIN(event_us) AS first_us".to_owned(),
        "MAX(event_us) AS last_us".to_owned(),
    ];
    if table.status.is_some() {
        let count = |k| format!("SUM(CASE WHEN outcome = {k} THEN 1 ELSE 0 END) AS outcome_{k}");
        columns.extend((0..5).map(count));
    }
    for quantity in table.quantities() {
        let name = alias(quantity);
        let value = counted(quantity);
        columns.push(format!(
            "COUNT({value}) AS n_{name}, SUM({value}) AS sum_{name}, SUM(({value}) * ({value})) AS squares_{name}"
        ));
    }
    format!(
        "sums AS (\n  SELECT arm, time_us, {},\n    {}\n  FROM requests\n  {}\n)",
        table.place(dialect),
        columns.join(",\n    "),
        table.grouping_sets("arm, time_us")
    )
}

/// Durations by bin.
fn of_bins(table: &LogTable, quantity: Quantity) -> String {
    let bin = bin_alias(quantity);
    format!(
        "{bin}s AS (\n  SELECT {}arm, time_us, {bin} AS bin, COUNT(*) AS n\n  FROM requests\n  WHERE {bin} IS NOT NULL\n  {}\n)",
        table.segment_columns(),
        table.grouping_sets(&format!("arm, time_us, {bin}"))
    )
}

/// Durations of requests that were not answered by bin, of the whole log.
fn of_unanswered(quantity: Quantity) -> String {
    let (bin, value) = (unanswered_bin_alias(quantity), alias(quantity));
    format!(
        "{bin}s AS (\n  SELECT arm, time_us, {bin}, COUNT(*) AS counted, SUM({value}) AS total, SUM({value} * {value}) AS squares\n  FROM requests\n  WHERE {bin} IS NOT NULL\n  GROUP BY arm, time_us, {bin}\n)"
    )
}

/// One row per figure.
fn figures(
    table: &LogTable,
    dialect: &Dialect,
    (has_users, counts_unanswered): (bool, bool),
) -> Vec<String> {
    let (no_int, no_long) = (dialect.no_int, dialect.no_long);
    let no_sums = format!("0e0 AS sum, 0e0 AS sum_sq, {no_long} AS first_us, {no_long} AS last_us");
    let keys = "arm, time_us";
    let mut figures = vec![format!(
        "SELECT segment, value, 'requests' AS measure, {keys}, {no_int} AS bin, n, 0e0 AS sum, 0e0 AS sum_sq, first_us, last_us FROM sums"
    )];
    if has_users {
        figures.push(format!(
            "SELECT '' AS segment, '' AS value, 'users' AS measure, {keys}, {no_int} AS bin, n, {no_sums} FROM users"
        ));
    }
    if table.status.is_some() {
        figures.extend((0..5).map(|k| {
            format!(
                "SELECT segment, value, 'outcome' AS measure, {keys}, {k} AS bin, outcome_{k} AS n, {no_sums} FROM sums WHERE outcome_{k} > 0"
            )
        }));
    }
    for quantity in table.quantities() {
        let name = alias(quantity);
        let measure = dialect.text(&quantity_name(quantity, &table.extra_names));
        figures.push(format!(
            "SELECT segment, value, {measure} AS measure, {keys}, {no_int} AS bin, n_{name} AS n, sum_{name} AS sum, squares_{name} AS sum_sq, {no_long} AS first_us, {no_long} AS last_us FROM sums WHERE n_{name} > 0"
        ));
        if is_duration(quantity) {
            figures.push(format!(
                "SELECT {}, {measure} AS measure, {keys}, bin, n, {no_sums} FROM {}s",
                table.place(dialect),
                bin_alias(quantity)
            ));
        }
        if is_duration(quantity) && counts_unanswered {
            let of = Measure::Unanswered(quantity).name(&table.extra_names);
            let measure = dialect.text(&of);
            let bins = unanswered_bin_alias(quantity);
            let least = NOT_POSITIVE;
            figures.push(format!(
                "SELECT '' AS segment, '' AS value, {measure} AS measure, {keys}, {bins} AS bin, counted AS n, {no_sums} FROM {bins}s"
            ));
            figures.push(format!(
                "SELECT '' AS segment, '' AS value, {measure} AS measure, {keys}, {no_int} AS bin, SUM(counted) AS n, SUM(total) AS sum, SUM(squares) AS sum_sq, {no_long} AS first_us, {no_long} AS last_us FROM {bins}s WHERE {bins} > {least} GROUP BY {keys}"
            ));
        }
    }
    figures
}
