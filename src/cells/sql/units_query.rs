//! The query of the table `units`: users' totals, and the products of the totals of every two groups
//! that users share.

use super::dialect::with;
use super::requests::requests;
use super::{Dialect, LogTable, bin_alias, counted};
use crate::cells::{Scope, Stretches, UnitMeasure, UnitPlan, VERSION, bins, is_duration};
use crate::data::Quantity;

/// The query of the table `units`; `None` where the log names no users.
pub fn units_query(table: &LogTable, dialect: &Dialect, plan: &UnitPlan) -> Option<String> {
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
    let both = both(table, dialect, plan, &measures);
    let parts = [
        Some(requests(table, dialect, Stretches::Stages(&plan.stages))),
        Some(facts(dialect, &columns)),
        Some(of_users(table, dialect, &totals)),
        both.clone(),
        Some(levels(
            dialect,
            plan,
            &totals,
            both.as_ref().map(|_| &measures[..]),
        )),
        Some(pairs(&measures)),
        Some(singles_of_stages(table, plan, dialect, &measures)),
        Some(singles(table, dialect, plan, &measures, both.is_some())),
        Some("products AS (\n  SELECT * FROM pairs UNION ALL SELECT * FROM singles\n)".to_owned()),
    ];
    let kept_as = format!(" {} (\n", dialect.kept_as);
    let parts = parts.into_iter().flatten();
    let parts: Vec<String> = parts
        .map(|part| part.replace(" AS (\n", &kept_as))
        .collect();
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
    let named = is("unit IS NOT NULL");
    let mut measures = vec![
        (UnitMeasure::Requests, one(), one()),
        (UnitMeasure::Users, named.clone(), named),
    ];
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
fn facts(dialect: &Dialect, columns: &[String]) -> String {
    let columns: Vec<String> = columns
        .iter()
        .enumerate()
        .map(|(i, column)| format!(",\n    {} AS c{i}", with(dialect.to_double, column)))
        .collect();
    format!(
        "facts AS (\n  SELECT requests.*, time_us AS from_us{}\n  FROM requests\n)",
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

/// Whether control and treatment both have a denominator in a stage, by place, stage and the columns of
/// denominators; `None` where the arms are not compared within stages.
fn both(
    table: &LogTable,
    dialect: &Dialect,
    plan: &UnitPlan,
    measures: &[Measured],
) -> Option<String> {
    let compared = plan.compared.as_ref().filter(|_| !plan.stages.is_empty())?;
    let has = |arm: &String, den: &str| {
        let arm = dialect.text(arm);
        format!("SUM(CASE WHEN arm = {arm} THEN {den} ELSE 0e0 END) > 0")
    };
    let flags: Vec<String> = denominators(measures)
        .iter()
        .map(|den| {
            let [a, b] = [&compared[0], &compared[1]].map(|arm| has(arm, den));
            format!("CASE WHEN {a} AND {b} THEN 1e0 ELSE 0e0 END AS in_both_{den}")
        })
        .collect();
    Some(format!(
        "in_both AS (\n  SELECT {}, from_us,\n    {}\n  FROM facts\n  {}\n)",
        table.place(dialect),
        flags.join(",\n    "),
        table.grouping_sets("from_us")
    ))
}

/// The columns that are the denominator of some ratio.
fn denominators(measures: &[Measured]) -> Vec<&str> {
    let mut columns: Vec<&str> = measures.iter().map(|m| m.den.as_str()).collect();
    columns.sort_unstable();
    columns.dedup();
    columns
}

/// Totals of users in every scope; in the overlap, denominators alone.
fn levels(
    dialect: &Dialect,
    plan: &UnitPlan,
    totals: &[String],
    overlap_of: Option<&[Measured]>,
) -> String {
    let zero = with(dialect.to_long, "0");
    let (list, sums) = (totals.join(", "), sums_of(totals));
    let mut levels = vec![format!(
        "SELECT '{}' AS scope, segment, value, unit, arm, {zero} AS from_us, {sums} FROM of_users GROUP BY segment, value, unit, arm",
        Scope::All.name()
    )];
    if let Some(measures) = overlap_of {
        let denominators = denominators(measures);
        let sum = |total: &String| {
            if denominators.contains(&total.as_str()) {
                format!("SUM(of_users.{total} * in_both.in_both_{total}) AS {total}")
            } else {
                format!("0e0 AS {total}")
            }
        };
        let sums: Vec<String> = totals.iter().map(sum).collect();
        levels.push(format!(
            "SELECT '{}' AS scope, of_users.segment AS segment, of_users.value AS value, of_users.unit AS unit, of_users.arm AS arm, {zero} AS from_us, {} FROM of_users JOIN in_both ON of_users.segment = in_both.segment AND of_users.value = in_both.value AND of_users.from_us = in_both.from_us GROUP BY of_users.segment, of_users.value, of_users.unit, of_users.arm",
            Scope::Overlap.name(),
            sums.join(", ")
        ));
    }
    if !plan.stages.is_empty() {
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
            "SUM({shared} 1e0 ELSE 0e0 END) AS n{i}, SUM({shared} {num_a} END) AS x{i}, SUM({shared} {den_a} END) AS y{i}, SUM({num_a} * {num_b}) AS xx{i}, SUM({num_a} * {den_b}) AS xy{i}, SUM({den_a} * {num_b}) AS yx{i}, SUM({den_a} * {den_b}) AS yy{i}"
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

/// Requests without a user, each of which counts as one: by stage.
fn singles_of_stages(
    table: &LogTable,
    plan: &UnitPlan,
    dialect: &Dialect,
    measures: &[Measured],
) -> String {
    let scope = match plan.stages.as_slice() {
        [] => Scope::All,
        _ => Scope::Stage,
    };
    format!(
        "singles_of_stages AS (\n  SELECT '{}' AS scope, {}, arm AS arm_a, from_us AS from_a_us, arm AS arm_b, from_us AS from_b_us,\n    {}\n  FROM facts\n  WHERE unit IS NULL\n  {}\n)",
        scope.name(),
        table.place(dialect),
        products(measures, "facts", "facts"),
        table.grouping_sets("arm, from_us")
    )
}

/// The same in every scope.
fn singles(
    table: &LogTable,
    dialect: &Dialect,
    plan: &UnitPlan,
    measures: &[Measured],
    has_overlap: bool,
) -> String {
    let mut scopes = vec!["SELECT * FROM singles_of_stages".to_owned()];
    let zero = with(dialect.to_long, "0");
    if !plan.stages.is_empty() {
        scopes.push(format!(
            "SELECT '{}' AS scope, {}, arm AS arm_a, {zero} AS from_a_us, arm AS arm_b, {zero} AS from_b_us,\n    {}\n  FROM facts\n  WHERE unit IS NULL\n  {}",
            Scope::All.name(),
            table.place(dialect),
            products(measures, "facts", "facts"),
            table.grouping_sets("arm")
        ));
    }
    if has_overlap {
        let counted = |(i, measure): (usize, &Measured)| {
            let none = ["x", "y", "xx", "xy", "yx", "yy"].map(|name| format!("0e0 AS {name}{i}"));
            format!(
                "SUM(s.n{i} * in_both.in_both_{}) AS n{i}, {}",
                measure.den,
                none.join(", ")
            )
        };
        let counted: Vec<String> = measures.iter().enumerate().map(counted).collect();
        scopes.push(format!(
            "SELECT '{}' AS scope, s.segment AS segment, s.value AS value, s.arm_a AS arm_a, {zero} AS from_a_us, s.arm_b AS arm_b, {zero} AS from_b_us,\n    {}\n  FROM singles_of_stages s JOIN in_both ON s.segment = in_both.segment AND s.value = in_both.value AND s.from_a_us = in_both.from_us\n  GROUP BY s.segment, s.value, s.arm_a, s.arm_b",
            Scope::Overlap.name(),
            counted.join(",\n    ")
        ));
    }
    format!("singles AS (\n  {}\n)", scopes.join("\n  UNION ALL "))
}

/// One measure of the products as rows of the table.
fn figure(i: usize, measure: &Measured, dialect: &Dialect) -> String {
    let (name, bin) = &measure.name;
    let overlap = Scope::Overlap.name();
    let own =
        format!("CASE WHEN arm_a = arm_b AND from_a_us = from_b_us AND scope <> '{overlap}' THEN");
    let all = format!("CASE WHEN scope <> '{overlap}' THEN");
    let bin = bin.map_or_else(|| dialect.no_int.to_owned(), |bin| bin.to_string());
    format!(
        "SELECT segment, value, {} AS measure, {bin} AS bin, scope, arm_a, from_a_us, arm_b, from_b_us, SUM(n{i}) AS n_units, {own} SUM(x{i}) ELSE 0e0 END AS num, {own} SUM(y{i}) ELSE 0e0 END AS den, {all} SUM(xx{i}) ELSE 0e0 END AS num_num, {all} SUM(xy{i}) ELSE 0e0 END AS num_den, {all} SUM(yx{i}) ELSE 0e0 END AS den_num, {all} SUM(yy{i}) ELSE 0e0 END AS den_den FROM products WHERE n{i} > 0 AND (scope <> '{overlap}' OR arm_a = arm_b) GROUP BY segment, value, scope, arm_a, from_a_us, arm_b, from_b_us",
        dialect.text(name)
    )
}
