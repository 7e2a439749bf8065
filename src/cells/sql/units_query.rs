//! The query of the table `units`: users' totals, and the products of the totals of every two groups
//! that users share.

use super::dialect::with;
use super::requests::requests;
use super::{Dialect, LogTable, bin_alias, by_number, counted, numbered};
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
        Some(scopes(plan, both.is_some())),
        Some(spread(dialect, &totals, &measures, both.is_some())),
        Some(levels(&totals)),
        Some(pairs(&measures)),
        Some(singles_of_stages(table, dialect, &measures)),
        Some(singles(dialect, &measures, both.is_some())),
        Some(products_of_groups(&measures)),
        Some(numbered("measures", measures.len())),
    ];
    let kept_as = format!(" {} (\n", dialect.kept_as);
    let parts = parts.into_iter().flatten();
    let parts: Vec<String> = parts
        .map(|part| part.replace(" AS (\n", &kept_as))
        .collect();
    Some(format!(
        "{}\nSELECT {VERSION} AS version, segment, value, measure, bin, scope, arm_a, from_a_us, arm_b, from_b_us, {} AS n_units, num, den, num_num, num_den, den_num, den_den\nFROM (\n  {}\n) figures\nWHERE n_units > 0 AND (scope <> '{}' OR arm_a = arm_b)\nORDER BY segment, value, measure, bin, scope, arm_a, from_a_us, arm_b, from_b_us{}\n",
        parts.join(",\n"),
        with(dialect.to_long, "n_units"),
        figures(&measures, dialect),
        Scope::Overlap.name(),
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

/// The scopes in which groups are told apart.
fn scopes(plan: &UnitPlan, has_overlap: bool) -> String {
    let own = Scope::ALL.into_iter().filter(|scope| match scope {
        Scope::All => true,
        Scope::Overlap => has_overlap,
        Scope::Stage => !plan.stages.is_empty(),
    });
    let rows: Vec<String> = own
        .map(|scope| format!("SELECT '{}' AS scope", scope.name()))
        .collect();
    format!("scopes AS (\n  {}\n)", rows.join(" UNION ALL "))
}

/// The start of a group's stage in a scope.
fn from_us(dialect: &Dialect, known: &str) -> String {
    let stage = Scope::Stage.name();
    let zero = with(dialect.to_long, "0");
    format!("CASE WHEN scopes.scope = '{stage}' THEN {known} ELSE {zero} END")
}

/// Totals of users by stage once for every scope; in the overlap, denominators alone.
///
/// Engines that do not keep the result of a common table expression compute it anew for every time that it
/// is named: so each is named once where it can be.
fn spread(
    dialect: &Dialect,
    totals: &[String],
    measures: &[Measured],
    has_overlap: bool,
) -> String {
    let denominators = denominators(measures);
    let overlap = Scope::Overlap.name();
    let total = |total: &String| {
        let is_denominator = denominators.contains(&total.as_str());
        let own = format!("of_users.{total}");
        match (has_overlap, is_denominator) {
            (false, _) => format!("{own} AS {total}"),
            (true, true) => format!(
                "CASE WHEN scopes.scope = '{overlap}' THEN {own} * in_both.in_both_{total} ELSE {own} END AS {total}"
            ),
            (true, false) => {
                format!("CASE WHEN scopes.scope = '{overlap}' THEN 0e0 ELSE {own} END AS {total}")
            }
        }
    };
    let totals: Vec<String> = totals.iter().map(total).collect();
    format!(
        "spread AS (\n  SELECT scopes.scope AS scope, of_users.segment AS segment, of_users.value AS value, of_users.unit AS unit, of_users.arm AS arm, {} AS from_us,\n    {}\n  FROM of_users{} CROSS JOIN scopes\n)",
        from_us(dialect, "of_users.from_us"),
        totals.join(",\n    "),
        in_both_of("of_users", "from_us", has_overlap)
    )
}

/// The join of what has a place and a stage with whether both arms are in it.
fn in_both_of(table: &str, from_us: &str, has_overlap: bool) -> String {
    if !has_overlap {
        return String::new();
    }
    format!(
        " JOIN in_both ON {table}.segment = in_both.segment AND {table}.value = in_both.value AND {table}.{from_us} = in_both.from_us"
    )
}

/// Totals of users in every scope.
fn levels(totals: &[String]) -> String {
    let sums: Vec<String> = totals.iter().map(|c| format!("SUM({c}) AS {c}")).collect();
    format!(
        "levels AS (\n  SELECT scope, segment, value, unit, arm, from_us, {}\n  FROM spread\n  GROUP BY scope, segment, value, unit, arm, from_us\n)",
        sums.join(", ")
    )
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
fn singles_of_stages(table: &LogTable, dialect: &Dialect, measures: &[Measured]) -> String {
    format!(
        "singles_of_stages AS (\n  SELECT {}, arm, from_us,\n    {}\n  FROM facts\n  WHERE unit IS NULL\n  {}\n)",
        table.place(dialect),
        products(measures, "facts", "facts"),
        table.grouping_sets("arm, from_us")
    )
}

/// The same in every scope: what is of one request adds up over stages.
fn singles(dialect: &Dialect, measures: &[Measured], has_overlap: bool) -> String {
    let overlap = Scope::Overlap.name();
    let counted = |(i, measure): (usize, &Measured)| {
        let own = |name: &str| format!("singles_of_stages.{name}{i}");
        let n = if has_overlap {
            format!(
                "CASE WHEN scopes.scope = '{overlap}' THEN {} * in_both.in_both_{} ELSE {} END",
                own("n"),
                measure.den,
                own("n")
            )
        } else {
            own("n")
        };
        let sums = SUMS.map(|name| format!("{} AS {name}{i}", own(name)));
        format!("{n} AS n{i}, {}", sums.join(", "))
    };
    let counted: Vec<String> = measures.iter().enumerate().map(counted).collect();
    let from_us = from_us(dialect, "singles_of_stages.from_us");
    format!(
        "singles AS (\n  SELECT scopes.scope AS scope, singles_of_stages.segment AS segment, singles_of_stages.value AS value, singles_of_stages.arm AS arm_a, {from_us} AS from_a_us, singles_of_stages.arm AS arm_b, {from_us} AS from_b_us,\n    {}\n  FROM singles_of_stages{} CROSS JOIN scopes\n)",
        counted.join(",\n    "),
        in_both_of("singles_of_stages", "from_us", has_overlap)
    )
}

/// The columns of [`products`] besides the number of users.
const SUMS: [&str; 6] = ["x", "y", "xx", "xy", "yx", "yy"];

/// Users and requests without one, added up by groups.
fn products_of_groups(measures: &[Measured]) -> String {
    let keys = "scope, segment, value, arm_a, from_a_us, arm_b, from_b_us";
    let sum = |i: usize| {
        let all = ["n"].into_iter().chain(SUMS);
        let sums = all.map(|name| format!("SUM({name}{i}) AS {name}{i}"));
        sums.collect::<Vec<_>>().join(", ")
    };
    let sums: Vec<String> = (0..measures.len()).map(sum).collect();
    format!(
        "products AS (\n  SELECT {keys},\n    {}\n  FROM (SELECT * FROM pairs UNION ALL SELECT * FROM singles) pairs_and_singles\n  GROUP BY {keys}\n)",
        sums.join(",\n    ")
    )
}

/// Every measure of the products as a row of the table.
fn figures(measures: &[Measured], dialect: &Dialect) -> String {
    let overlap = Scope::Overlap.name();
    let of_measure = |of: &dyn Fn(usize) -> String| by_number("measures", measures.len(), of);
    let name = of_measure(&|i| dialect.text(&measures[i].name.0));
    let bin = of_measure(&|i| {
        let bin = measures[i].name.1;
        bin.map_or_else(|| dialect.no_int.to_owned(), |bin| bin.to_string())
    });
    let own = format!("arm_a = arm_b AND from_a_us = from_b_us AND scope <> '{overlap}'");
    let all = format!("scope <> '{overlap}'");
    let sums = [
        ("x", "num", &own),
        ("y", "den", &own),
        ("xx", "num_num", &all),
        ("xy", "num_den", &all),
        ("yx", "den_num", &all),
        ("yy", "den_den", &all),
    ];
    let sums = sums.map(|(column, name, is_given)| {
        let sum = of_measure(&|i| format!("{column}{i}"));
        format!("CASE WHEN {is_given} THEN {sum} ELSE 0e0 END AS {name}")
    });
    format!(
        "SELECT segment, value, {name} AS measure, {bin} AS bin, scope, arm_a, from_a_us, arm_b, from_b_us, {} AS n_units,\n    {}\n  FROM products CROSS JOIN measures",
        of_measure(&|i| format!("n{i}")),
        sums.join(",\n    ")
    )
}
