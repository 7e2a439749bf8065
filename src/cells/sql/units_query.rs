//! The query of the table `units`: users' totals, and the products of the totals of every two groups
//! that users share.

use super::dialect::with;
use super::requests::requests;
use super::{Dialect, LogTable, bin_alias, counted};
use crate::cells::{Scope, UnitMeasure, UnitPlan, VERSION, bins, is_duration};
use crate::data::Quantity;

/// The query of the table `units`; `None` where the log names no users.
pub fn units_query(
    table: &LogTable,
    dialect: &Dialect,
    width_us: i64,
    plan: &UnitPlan,
) -> Option<String> {
    table.unit.as_ref()?;
    let measures = measures(table, plan);
    let mut columns: Vec<String> = Vec::new();
    let mut totals: Vec<String> = Vec::new();
    for (_, num, den) in &measures {
        for expression in [num, den] {
            if !columns.contains(expression) {
                columns.push(expression.clone());
                totals.push(format!("c{}", columns.len() - 1));
            }
        }
    }
    let total = |expression: &String| {
        let at = columns.iter().position(|known| known == expression);
        format!("c{}", at.unwrap_or_default())
    };
    let measures: Vec<Measured> = measures
        .iter()
        .map(|(measure, num, den)| Measured {
            name: measure.name(&table.extra_names),
            num: total(num),
            den: total(den),
        })
        .collect();
    let parts = [
        requests(table, dialect, width_us),
        facts(dialect, plan, &columns),
        of_users(table, dialect, &totals),
        levels(dialect, plan, &totals),
        pairs(&measures),
        singles(table, dialect, plan, &measures),
        "products AS (\n  SELECT * FROM pairs UNION ALL SELECT * FROM singles\n)".to_owned(),
    ];
    let figures: Vec<String> = measures
        .iter()
        .enumerate()
        .map(|(i, measure)| figure(i, measure, dialect))
        .collect();
    Some(format!(
        "{}\nSELECT {VERSION} AS version, segment, value, measure, bin, scope, arm_a, from_a_us, arm_b, from_b_us, {} AS n_units, num, den, num_num, num_den, den_num, den_den\nFROM (\n  {}\n) figures\nORDER BY segment, value, measure, bin, scope, arm_a, from_a_us, arm_b, from_b_us{}\n",
        parts.join(",\n"),
        with(dialect.to_long, "n_units"),
        figures.join("\n  UNION ALL "),
        dialect.suffix
    ))
}

/// A ratio, with the columns of its numerator and denominator.
struct Measured {
    name: (String, Option<i32>),
    num: String,
    den: String,
}

/// The ratios, with what they add up over requests.
fn measures(table: &LogTable, plan: &UnitPlan) -> Vec<(UnitMeasure, String, String)> {
    let one = || "1".to_owned();
    let is = |condition: &str| format!("CASE WHEN {condition} THEN 1 ELSE 0 END");
    let mut measures = vec![(UnitMeasure::Requests, one(), one())];
    if table.status.is_some() {
        let failed = is("outcome IN (1, 2)");
        measures.push((UnitMeasure::ErrorShare, failed, is("outcome IN (0, 1, 2)")));
    }
    for quantity in table.quantities() {
        let value = counted(quantity);
        let has = is(&format!("{value} IS NOT NULL"));
        if is_duration(quantity) {
            let bin = bin_alias(quantity);
            let answered = is(&format!("{bin} > {}", bins::NOT_POSITIVE));
            for (of, last) in plan.thresholds.iter().filter(|(of, _)| *of == quantity) {
                let up_to = is(&format!(
                    "{bin} > {} AND {bin} <= {last}",
                    bins::NOT_POSITIVE
                ));
                measures.push((UnitMeasure::UpTo(*of, *last), up_to, answered.clone()));
            }
            continue;
        }
        if quantity == Quantity::Rating {
            measures.push((UnitMeasure::RatedShare, has.clone(), one()));
        }
        measures.push((
            UnitMeasure::Mean(quantity),
            format!("COALESCE({value}, 0e0)"),
            has,
        ));
    }
    measures
}

/// Per request its stage and what adds up.
fn facts(dialect: &Dialect, plan: &UnitPlan, columns: &[String]) -> String {
    let stage = match plan.stages.as_slice() {
        [] => "0".to_owned(),
        [only] => only.from_us.to_string(),
        [stages @ .., last] => {
            let cases: Vec<String> = stages
                .iter()
                .zip(&plan.stages[1..])
                .map(|(stage, next)| {
                    format!(" WHEN event_us < {} THEN {}", next.from_us, stage.from_us)
                })
                .collect();
            format!("CASE{} ELSE {} END", cases.concat(), last.from_us)
        }
    };
    let columns: Vec<String> = columns
        .iter()
        .enumerate()
        .map(|(i, column)| format!(",\n    {} AS c{i}", with(dialect.to_double, column)))
        .collect();
    format!(
        "facts AS (\n  SELECT requests.*, {} AS from_us{}\n  FROM requests\n)",
        with(dialect.to_long, &stage),
        columns.concat()
    )
}

/// Totals of users by arm and stage.
fn of_users(table: &LogTable, dialect: &Dialect, totals: &[String]) -> String {
    let sums: Vec<String> = totals.iter().map(|c| format!("SUM({c}) AS {c}")).collect();
    format!(
        "of_users AS (\n  SELECT unit, arm, from_us, {},\n    {}\n  FROM facts\n  WHERE unit IS NOT NULL\n  {}\n)",
        table.place(dialect),
        sums.join(", "),
        table.grouping_sets("unit, arm, from_us")
    )
}

/// Totals of users in every scope.
fn levels(dialect: &Dialect, plan: &UnitPlan, totals: &[String]) -> String {
    let zero = with(dialect.to_long, "0");
    let (list, sums) = (totals.join(", "), sums_of(totals));
    let group = "GROUP BY segment, value, unit, arm";
    let over = |scope: Scope, condition: &str| {
        format!(
            "SELECT '{}' AS scope, segment, value, unit, arm, {zero} AS from_us, {sums} FROM of_users{condition} {group}",
            scope.name()
        )
    };
    let mut levels = vec![over(Scope::All, "")];
    if !plan.stages.is_empty() {
        if let Some(condition) = both(plan) {
            levels.push(over(Scope::Overlap, &format!(" WHERE {condition}")));
        }
        levels.push(format!(
            "SELECT '{}' AS scope, segment, value, unit, arm, from_us, {list} FROM of_users",
            Scope::Stage.name()
        ));
    }
    format!("levels AS (\n  {}\n)", levels.join("\n  UNION ALL "))
}

fn sums_of(totals: &[String]) -> String {
    let sums: Vec<String> = totals.iter().map(|c| format!("SUM({c}) AS {c}")).collect();
    sums.join(", ")
}

/// Whether control and treatment both ran in a stage; `None` where they never did.
fn both(plan: &UnitPlan) -> Option<String> {
    let stages = plan.stages.iter().filter(|stage| stage.has_both);
    let from: Vec<String> = stages.map(|stage| stage.from_us.to_string()).collect();
    (!from.is_empty()).then(|| format!("from_us IN ({})", from.join(", ")))
}

/// Sums over users of the products of two groups' totals, `a` and `b` naming them.
fn products(measures: &[Measured], a: &str, b: &str) -> String {
    let product = |i: usize, measure: &Measured| {
        let (num_a, den_a) = (
            format!("{a}.{}", measure.num),
            format!("{a}.{}", measure.den),
        );
        let (num_b, den_b) = (
            format!("{b}.{}", measure.num),
            format!("{b}.{}", measure.den),
        );
        // A user without a denominator has no numerator either.
        let shared = format!("CASE WHEN {den_a} > 0 AND {den_b} > 0 THEN");
        format!(
            "SUM({shared} 1 ELSE 0 END) AS n{i}, SUM({shared} {num_a} END) AS x{i}, SUM({shared} {den_a} END) AS y{i}, SUM({num_a} * {num_b}) AS xx{i}, SUM({num_a} * {den_b}) AS xy{i}, SUM({den_a} * {num_b}) AS yx{i}, SUM({den_a} * {den_b}) AS yy{i}"
        )
    };
    let columns: Vec<String> = measures
        .iter()
        .enumerate()
        .map(|(i, m)| product(i, m))
        .collect();
    columns.join(",\n    ")
}

/// Every two groups that users share.
fn pairs(measures: &[Measured]) -> String {
    format!(
        "pairs AS (\n  SELECT a.scope AS scope, a.segment AS segment, a.value AS value, a.arm AS arm_a, a.from_us AS from_a_us, b.arm AS arm_b, b.from_us AS from_b_us,\n    {}\n  FROM levels a JOIN levels b ON a.scope = b.scope AND a.segment = b.segment AND a.value = b.value AND a.unit = b.unit\n  WHERE a.arm < b.arm OR (a.arm = b.arm AND a.from_us <= b.from_us)\n  GROUP BY a.scope, a.segment, a.value, a.arm, a.from_us, b.arm, b.from_us\n)",
        products(measures, "a", "b")
    )
}

/// Requests without a user, each of which counts as one.
fn singles(table: &LogTable, dialect: &Dialect, plan: &UnitPlan, measures: &[Measured]) -> String {
    let products = products(measures, "facts", "facts");
    let select = |scope: Scope, from_us: &str, condition: &str| {
        let keys = if scope == Scope::Stage {
            "arm, from_us"
        } else {
            "arm"
        };
        format!(
            "SELECT '{}' AS scope, {}, arm AS arm_a, {from_us} AS from_a_us, arm AS arm_b, {from_us} AS from_b_us,\n    {products}\n  FROM facts\n  WHERE unit IS NULL{condition}\n  {}",
            scope.name(),
            table.place(dialect),
            table.grouping_sets(keys)
        )
    };
    let zero = &with(dialect.to_long, "0");
    let mut scopes = vec![select(Scope::All, zero, "")];
    if !plan.stages.is_empty() {
        if let Some(condition) = both(plan) {
            scopes.push(select(Scope::Overlap, zero, &format!(" AND {condition}")));
        }
        scopes.push(select(Scope::Stage, "from_us", ""));
    }
    format!("singles AS (\n  {}\n)", scopes.join("\n  UNION ALL "))
}

/// One measure of the products as rows of the table.
fn figure(i: usize, measure: &Measured, dialect: &Dialect) -> String {
    let (name, bin) = &measure.name;
    let own = "CASE WHEN arm_a = arm_b AND from_a_us = from_b_us THEN";
    let bin = bin.map_or_else(|| dialect.no_int.to_owned(), |bin| bin.to_string());
    format!(
        "SELECT segment, value, {} AS measure, {bin} AS bin, scope, arm_a, from_a_us, arm_b, from_b_us, SUM(n{i}) AS n_units, {own} SUM(x{i}) ELSE 0e0 END AS num, {own} SUM(y{i}) ELSE 0e0 END AS den, SUM(xx{i}) AS num_num, SUM(xy{i}) AS num_den, SUM(yx{i}) AS den_num, SUM(yy{i}) AS den_den FROM products WHERE n{i} > 0 GROUP BY segment, value, scope, arm_a, from_a_us, arm_b, from_b_us",
        dialect.text(name)
    )
}
