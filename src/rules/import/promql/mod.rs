//! An alert's `PromQL` expression as conditions on a request log: the subset in which rollback rules
//! are written. Whatever lies outside is refused by name, never approximated in silence.

mod counters;
mod terms;

use std::collections::BTreeMap;
use std::panic::catch_unwind;

use promql_parser::parser::{AggregateExpr, BinaryExpr, Call, Expr, VectorSelector, parse};
use serde_json::{Value, json};

use super::ImportSettings;
use super::notes::Notes;
use crate::rules::TimeSpan;
use terms::{Rate, RateFunction, Signal, Term, compare};

/// What an expression is translated with.
pub(super) struct Context<'a> {
    pub(super) settings: &'a ImportSettings,
    /// Expressions of the recording rules in the same file, by name.
    pub(super) recorded: &'a BTreeMap<String, String>,
    pub(super) place: &'a str,
    pub(super) notes: &'a Notes,
}

/// Recording rules that refer to each other are followed this deep.
const DEEPEST: u32 = 16;

/// The conditions under which an alert with this expression fires, as a node of a rulebook.
pub(super) fn alert(text: &str, context: &Context<'_>) -> Result<Value, String> {
    let expression = parse_text(text)?;
    node(&expression, context)
}

/// The value of an expression that is compared elsewhere, such as by a success condition.
pub(super) fn signal(text: &str, context: &Context<'_>) -> Result<Measured, String> {
    match term(&parse_text(text)?, context, 0)? {
        Term::Number(_) => Err("the query is a constant".to_owned()),
        found => Ok(Measured(found)),
    }
}

/// A value that can be compared with a number.
pub(super) struct Measured(Term);

impl Measured {
    /// `value cmp threshold` as a condition of a rulebook.
    pub(super) fn condition(
        &self,
        cmp: &str,
        threshold: f64,
        context: &Context<'_>,
    ) -> Result<Value, String> {
        compare(&self.0, cmp, &Term::Number(threshold), context)
    }
}

fn parse_text(text: &str) -> Result<Expr, String> {
    // The parser panics at a duration of more seconds than can be held.
    let parsed = catch_unwind(|| parse(text.trim()))
        .unwrap_or_else(|_| Err("a duration in it is too long".to_owned()));
    parsed.map_err(|cause| format!("this is not PromQL: {}", cause.trim()))
}

/// A truth: comparisons, joined by and, or, unless.
fn node(expression: &Expr, context: &Context<'_>) -> Result<Value, String> {
    match expression {
        Expr::Paren(inner) => node(&inner.expr, context),
        Expr::Binary(binary) if binary.op.is_set_operator() => {
            let (left, right) = (node(&binary.lhs, context)?, node(&binary.rhs, context)?);
            Ok(match binary.op.to_string().as_str() {
                "and" => json!({ "all": [left, right] }),
                "or" => json!({ "any": [left, right] }),
                _ => json!({ "all": [left, { "not": right }] }),
            })
        }
        Expr::Binary(binary) if binary.op.is_comparison_operator() => comparison(binary, context),
        _ => Err(
            "it compares nothing, so that it fires whenever there are data; a comparison is needed"
                .to_owned(),
        ),
    }
}

fn comparison(binary: &BinaryExpr, context: &Context<'_>) -> Result<Value, String> {
    if binary.return_bool() {
        return Err(
            "a comparison with bool is 0 or 1 and never empty, so that the alert always fires"
                .to_owned(),
        );
    }
    let (left, right) = (
        term(&binary.lhs, context, 0)?,
        term(&binary.rhs, context, 0)?,
    );
    compare(&left, &binary.op.to_string(), &right, context)
}

/// A number per instant.
fn term(expression: &Expr, context: &Context<'_>, depth: u32) -> Result<Term, String> {
    match expression {
        Expr::NumberLiteral(number) => Ok(Term::Number(number.val)),
        Expr::Paren(inner) => term(&inner.expr, context, depth),
        Expr::Unary(inner) => {
            terms::times(&Term::Number(-1.0), &term(&inner.expr, context, depth)?)
        }
        Expr::Aggregate(aggregate) => aggregated(aggregate, context, depth),
        Expr::Call(call) => called(call, context, depth),
        Expr::Binary(binary) => arithmetic(binary, context, depth),
        Expr::VectorSelector(selector) => recorded(selector, context, depth),
        Expr::MatrixSelector(_) => Err("a range without rate(), increase() or irate()".to_owned()),
        Expr::Subquery(_) => Err("a subquery is not supported".to_owned()),
        Expr::StringLiteral(_) => Err("a text is no number".to_owned()),
        Expr::Extension(_) => Err("an extension of PromQL is not supported".to_owned()),
    }
}

fn arithmetic(binary: &BinaryExpr, context: &Context<'_>, depth: u32) -> Result<Term, String> {
    let operator = binary.op.to_string();
    if operator == "or" && is_zero_vector(&binary.rhs) {
        // `x or vector(0)`: a counter that does not exist yet counts as 0.
        return match term(&binary.lhs, context, depth)? {
            Term::Rate(rate) => Ok(Term::Rate(Rate {
                is_zero_before_first: true,
                ..rate
            })),
            _ => Err("or vector(0) is supported behind a rate only".to_owned()),
        };
    }
    let (left, right) = (
        term(&binary.lhs, context, depth)?,
        term(&binary.rhs, context, depth)?,
    );
    match operator.as_str() {
        "+" => terms::plus(&left, &right),
        "-" => terms::minus(&left, &right),
        "*" => terms::times(&left, &right),
        "/" => terms::divided_by(&left, &right),
        _ => Err(format!(
            "the operator {operator} is not supported inside a comparison"
        )),
    }
}

fn is_zero_vector(expression: &Expr) -> bool {
    let Expr::Call(call) = expression else {
        return false;
    };
    call.func.name == "vector"
        && matches!(call.args.args.first().map(AsRef::as_ref), Some(Expr::NumberLiteral(n)) if n.val == 0.0)
}

/// Sums over series change nothing, because the log is taken whole.
fn aggregated(
    aggregate: &AggregateExpr,
    context: &Context<'_>,
    depth: u32,
) -> Result<Term, String> {
    let operator = aggregate.op.to_string();
    let found = term(&aggregate.expr, context, depth)?;
    if let Some(modifier) = &aggregate.modifier {
        let labels: Vec<&str> = modifier
            .labels()
            .labels
            .iter()
            .map(String::as_str)
            .filter(|l| *l != "le")
            .collect();
        if !labels.is_empty() && modifier.is_include() {
            context.notes.lose(
                context.place,
                format!(
                    "by ({}) makes one alert per label value; here each arm is one series",
                    labels.join(", ")
                ),
            );
        }
    }
    match (operator.as_str(), &found) {
        ("sum", _) => Ok(found),
        ("avg" | "min" | "max", Term::Rate(_) | Term::Signal(_)) => Err(format!(
            "{operator} over series depends on how many instances there are, which a request log does not tell"
        )),
        _ => Err(format!("{operator} is not supported")),
    }
}

fn called(call: &Call, context: &Context<'_>, depth: u32) -> Result<Term, String> {
    let arguments: Vec<&Expr> = call.args.args.iter().map(AsRef::as_ref).collect();
    match (call.func.name, arguments.as_slice()) {
        (name @ ("rate" | "increase" | "irate"), [Expr::MatrixSelector(range)]) => {
            let series =
                counters::series(&range.vs, context.settings, (context.place, context.notes))?;
            let function = match name {
                "rate" => RateFunction::Rate,
                "increase" => RateFunction::Increase,
                _ => RateFunction::Irate,
            };
            Ok(Term::Rate(Rate {
                counts: series.counts,
                arm: series.arm,
                function,
                range: TimeSpan {
                    us: i64::try_from(range.range.as_micros()).unwrap_or(i64::MAX),
                },
                is_zero_before_first: false,
            }))
        }
        ("histogram_quantile", [Expr::NumberLiteral(q), buckets]) => {
            match term(buckets, context, depth)? {
                Term::Rate(rate) => Signal::quantile(q.val, &rate).map(Term::Signal),
                _ => Err("histogram_quantile needs the rate of buckets".to_owned()),
            }
        }
        ("scalar" | "vector", [inner]) => term(inner, context, depth),
        (name, _) => Err(format!(
            "the function {name} is not supported in this place"
        )),
    }
}

/// A name without a range: a recording rule of the same file, or a gauge that nobody can restate.
fn recorded(selector: &VectorSelector, context: &Context<'_>, depth: u32) -> Result<Term, String> {
    let name = selector.name.clone().unwrap_or_default();
    let Some(text) = context.recorded.get(&name) else {
        return Err(format!(
            "{name} is a series of its own; only rates of counters, quantiles of histograms and recording rules of the same file can be computed from a request log"
        ));
    };
    if depth >= DEEPEST {
        return Err(format!("the recording rule {name} refers to itself"));
    }
    if !selector.matchers.matchers.is_empty() {
        context.notes.lose(
            context.place,
            format!("the labels that {name} is selected by are not applied to its recording rule"),
        );
    }
    term(&parse_text(text)?, context, depth + 1)
}
