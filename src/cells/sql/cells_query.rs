//! The query of the tables `cells` and `stages`.

use super::dialect::with;
use super::requests::requests;
use super::{
    Dialect, LogTable, alias, bin_alias, by_number, counted, numbered, unanswered_bin_alias,
};
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
    let summed = summed(table, dialect);
    parts.push(numbered("numbers", summed.len()));
    parts.push(format!(
        "figures AS (\n  {}\n)",
        figures(table, dialect, &summed, (has_users, counts_unanswered)).join("\n  UNION ALL ")
    ));
    format!(
        "{}\nSELECT {VERSION} AS version, segment, value, measure, arm, time_us, {} AS width_us, bin, {} AS n, sum, sum_sq, first_us, last_us\nFROM figures\nWHERE n > 0\nORDER BY segment, value, measure, arm, time_us, bin{}\n",
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

/// Durations of requests that were not answered by bin, and all of them where the bin is NULL; of the whole
/// log.
fn of_unanswered(quantity: Quantity) -> String {
    let (bin, value) = (unanswered_bin_alias(quantity), alias(quantity));
    let above = |what: &str| format!("SUM(CASE WHEN {value} > 0 THEN {what} END)");
    format!(
        "{bin}s AS (\n  SELECT arm, time_us, {bin}, COUNT(*) AS counted, {} AS above, {} AS total, {} AS squares\n  FROM requests\n  WHERE {bin} IS NOT NULL\n  GROUP BY GROUPING SETS ((arm, time_us, {bin}), (arm, time_us))\n)",
        above("1"),
        above(&value),
        above(&format!("{value} * {value}"))
    )
}

/// A figure of [`sums`]: its measure, bin, number, sum and sum of squares.
struct Summed {
    measure: String,
    bin: Option<i32>,
    n: String,
    sums: Option<[String; 2]>,
}

/// The figures of [`sums`], that of requests first.
fn summed(table: &LogTable, dialect: &Dialect) -> Vec<Summed> {
    let counted = |measure: &str, bin, n: String| Summed {
        measure: dialect.text(measure),
        bin,
        n,
        sums: None,
    };
    let mut all = vec![counted("requests", None, "n".to_owned())];
    if table.status.is_some() {
        all.extend((0..5).map(|k| counted("outcome", Some(k), format!("outcome_{k}"))));
    }
    all.extend(table.quantities().into_iter().map(|quantity| {
        let name = alias(quantity);
        let measure = quantity_name(quantity, &table.extra_names);
        Summed {
            sums: Some(["sum", "squares"].map(|of| format!("{of}_{name}"))),
            ..counted(&measure, None, format!("n_{name}"))
        }
    }));
    all
}

/// One row per figure of [`sums`].
fn of_sums(summed: &[Summed], dialect: &Dialect) -> String {
    let of_figure = |of: &dyn Fn(usize) -> String| by_number("numbers", summed.len(), of);
    let sum = |which: usize| {
        of_figure(&|k| {
            let sums = summed[k].sums.as_ref();
            sums.map_or_else(|| "0e0".to_owned(), |sums| sums[which].clone())
        })
    };
    let bin = of_figure(&|k| {
        let bin = summed[k].bin;
        bin.map_or_else(|| dialect.no_int.to_owned(), |bin| bin.to_string())
    });
    let n = of_figure(&|k| summed[k].n.clone());
    let of_requests = |span: &str| {
        let no_long = dialect.no_long;
        format!("CASE WHEN numbers.k = 0 THEN {span} ELSE {no_long} END AS {span}")
    };
    format!(
        "SELECT segment, value, {} AS measure, arm, time_us, {bin} AS bin, {n} AS n, {} AS sum, {} AS sum_sq, {}, {} FROM sums CROSS JOIN numbers",
        of_figure(&|k| summed[k].measure.clone()),
        sum(0),
        sum(1),
        of_requests("first_us"),
        of_requests("last_us")
    )
}

/// One row per figure.
fn figures(
    table: &LogTable,
    dialect: &Dialect,
    summed: &[Summed],
    (has_users, counts_unanswered): (bool, bool),
) -> Vec<String> {
    let (no_int, no_long) = (dialect.no_int, dialect.no_long);
    let no_span = format!("{no_long} AS first_us, {no_long} AS last_us");
    let no_sums = format!("0e0 AS sum, 0e0 AS sum_sq, {no_span}");
    let keys = "arm, time_us";
    let mut figures = vec![of_sums(summed, dialect)];
    if has_users {
        figures.push(format!(
            "SELECT '' AS segment, '' AS value, 'users' AS measure, {keys}, {no_int} AS bin, n, {no_sums} FROM users"
        ));
    }
    for quantity in table.quantities().into_iter().filter(|q| is_duration(*q)) {
        let measure = dialect.text(&quantity_name(quantity, &table.extra_names));
        figures.push(format!(
            "SELECT {}, {measure} AS measure, {keys}, bin, n, {no_sums} FROM {}s",
            table.place(dialect),
            bin_alias(quantity)
        ));
        if counts_unanswered {
            let of = Measure::Unanswered(quantity).name(&table.extra_names);
            let measure = dialect.text(&of);
            let bins = unanswered_bin_alias(quantity);
            let of_all = |what: &str, else_: &str| {
                format!("CASE WHEN {bins} IS NULL THEN {what} ELSE {else_} END")
            };
            figures.push(format!(
                "SELECT '' AS segment, '' AS value, {measure} AS measure, {keys}, {bins} AS bin, {} AS n, {} AS sum, {} AS sum_sq, {no_span} FROM {bins}s",
                of_all("above", "counted"),
                of_all("total", "0e0"),
                of_all("squares", "0e0")
            ));
        }
    }
    figures
}
