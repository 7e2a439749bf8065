//! Columns that no file holds: SQL expressions over one row at a time.
//!
//! Text formats have no types, so a text column becomes numbers where an expression compares it
//! with a number or calculates with it, and stays text everywhere else.

use polars::prelude::{
    Column, DataFrame, DataType, Expr, IntoColumn as _, IntoLazy as _, LiteralValue,
    NamedFrom as _, Operator, Series, StringChunked, lit,
};
use serde::{Deserialize, Serialize};

use super::Additions;
use super::batch::{Texts, Values};
use super::detect::Guess;
use super::mapping::{Mapping, Role, is_in};
use super::names::normalize;
use super::number::{DecimalMark, is_null_word, parse_number};
use super::outcome::OutcomeForm;
use super::profile::{Sample, Sampled};
use super::side::Side;
use super::text_sample::as_texts;
use crate::error::{Error, ErrorKind, Result};

/// Marks the numbers of a text column.
const NUMBERS: &str = "\u{1}numbers of ";
/// The name of a result until it gets its own.
const RESULT: &str = "\u{1}result";

/// A column made of others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Derived {
    /// Its name, which no column of the log has.
    pub name: String,
    /// SQL over columns of the log: `status >= 500 or error != ''`.
    pub expression: String,
    /// Its role, unless `columns` gives it one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
}

/// An expression that can be computed.
#[derive(Debug)]
pub(super) struct Expression {
    pub(super) name: String,
    /// The columns that it reads.
    pub(super) inputs: Vec<String>,
    text: String,
    expr: Expr,
    mark: DecimalMark,
    /// How truth values become outcomes; `None` where the column is no status.
    outcome: Option<OutcomeForm>,
}

impl Mapping {
    /// The mapping with what was added to it.
    pub(super) fn with(&self, added: &Additions) -> Self {
        let mut mapping = self.clone();
        mapping.derive.extend(added.derive.iter().cloned());
        for side in &added.side {
            let is_like =
                |other: &&mut Side| other.kind == side.kind && other.metric == side.metric;
            match mapping.side.iter_mut().find(is_like) {
                Some(own) => {
                    own.file.clone_from(&side.file);
                    own.name = side.name.clone().or(own.name.take());
                    own.repeats = side.repeats.or(own.repeats);
                }
                None => mapping.side.push(side.clone()),
            }
        }
        for i in 0..mapping.derive.len() {
            if let Some(role) = mapping.derive[i].role.take() {
                let name = mapping.derive[i].name.clone();
                mapping.assign(&name, Some(role));
            }
        }
        mapping
    }

    /// Adds what was asked for to a guessed mapping.
    pub(super) fn take_over(&mut self, asked: Self, guesses: &mut [Guess]) {
        for column in &asked.columns {
            self.assign(&column.column, Some(column.role));
            for guess in guesses.iter_mut() {
                if guess.profile.name == column.column {
                    guess.role = Some(column.role);
                    guess.confidence = 1.0;
                    "an expression".clone_into(&mut guess.evidence);
                } else if guess.role == Some(column.role) && !column.role.is_repeatable() {
                    guess.role = None;
                }
            }
        }
        (self.derive, self.side) = (asked.derive, asked.side);
    }
}

/// The expressions of a mapping over a log with these columns.
pub(super) fn expressions(
    mapping: &Mapping,
    in_files: &[String],
    mark: DecimalMark,
) -> Result<Vec<Expression>> {
    let mut found: Vec<Expression> = Vec::new();
    for (i, derived) in mapping.derive.iter().enumerate() {
        let key = format!("derive[{i}]");
        if in_files.contains(&derived.name) || found.iter().any(|e| e.name == derived.name) {
            return Err(Error::new(
                ErrorKind::Settings,
                format!("There is a column \"{}\" already", derived.name),
            )
            .key(key + ".name")
            .hint("Give the derived column another name"));
        }
        let role = mapping.columns.iter().find(|c| c.column == derived.name);
        let is_status = role.is_some_and(|c| c.role == Role::Status);
        let (expr, inputs) = parse(&derived.expression, in_files).map_err(|e| e.key(key))?;
        found.push(Expression {
            outcome: is_status.then(|| OutcomeForm::of_name(&normalize(&derived.name))),
            name: derived.name.clone(),
            text: derived.expression.clone(),
            inputs,
            expr,
            mark,
        });
    }
    Ok(found)
}

/// Adds the derived columns to a sample, and so finds out whether they can be computed.
pub(super) fn add_to(sample: &mut Sample, expressions: &[Expression]) -> Result<()> {
    let height = sample.columns.first().map_or(0, |c| c.values.len());
    for expression in expressions {
        let input = |name: &String| {
            let of_name = sample.columns.iter().find(|c| c.name == *name);
            let none = || Values::repeated("", height);
            of_name.map_or_else(none, |c| {
                Values::of_texts(c.values.iter().map(Option::as_ref))
            })
        };
        let inputs: Vec<Values> = expression.inputs.iter().map(input).collect();
        let values = as_texts(&expression.of(&inputs, height)?);
        let column = Sampled::text(expression.name.clone(), values);
        sample.columns.push(column);
    }
    Ok(())
}

fn parse(text: &str, in_files: &[String]) -> Result<(Expr, Vec<String>)> {
    let refused = |what: String, hint: &str| {
        Error::new(
            ErrorKind::Settings,
            format!("The expression `{text}` {what}"),
        )
        .hint(hint)
    };
    let expr = polars::sql::sql_expr(text).map_err(|cause| {
        refused(
            format!("cannot be read: {cause}"),
            "It is SQL: text stands in 'single quotes', names with dots or spaces in \"double quotes\"",
        )
    })?;
    let mut inputs: Vec<String> = Vec::new();
    for node in &expr {
        match node {
            Expr::Column(name) if !inputs.iter().any(|i| i == name.as_str()) => {
                inputs.push(name.to_string());
            }
            Expr::Column(_)
            | Expr::Literal(_)
            | Expr::BinaryExpr { .. }
            | Expr::Cast { .. }
            | Expr::Ternary { .. }
            | Expr::Function { .. }
            | Expr::Alias(..) => {}
            _ => {
                return Err(refused(
                    "does not look at one row alone".to_owned(),
                    "Sums, counts, means, windows and * are not possible here",
                ));
            }
        }
    }
    if let Some(missing) = inputs.iter().find(|name| !is_in(name, in_files)) {
        return Err(refused(
            format!("names a column \"{missing}\" that the log does not have"),
            &format!(
                "Its columns are: {}. Names with dots or spaces stand in \"double quotes\", text in 'single quotes'",
                in_files.join(", ")
            ),
        ));
    }
    Ok((expr, inputs))
}

impl Expression {
    /// The column of as many rows whose input columns these are, in order.
    pub(super) fn of(&self, inputs: &[Values], height: usize) -> Result<Values> {
        let failed = |cause: polars::prelude::PolarsError| {
            Error::new(
                ErrorKind::Settings,
                format!("The expression `{}` cannot be computed: {cause}", self.text),
            )
            .column(&self.name)
            .hint("Compare numbers with numbers and text with 'text in quotes'; CAST(column AS DOUBLE) or AS VARCHAR converts")
        };
        let inputs: Vec<Column> = inputs.iter().map(as_column).collect();
        let is_text = |name: &str| {
            let mut all = self.inputs.iter().zip(&inputs);
            all.any(|(n, column)| n == name && *column.dtype() == DataType::String)
        };
        let expr = self.expr.clone().map_expr(|node| settled(node, &is_text));
        let mut columns = Vec::new();
        for (name, column) in self.inputs.iter().zip(&inputs) {
            let marked = format!("{NUMBERS}{name}");
            let is_used = (&expr)
                .into_iter()
                .any(|node| matches!(node, Expr::Column(n) if n.as_str() == marked));
            if is_used {
                columns.push(self.numbers(name, column, &marked)?);
            }
            columns.push(column.clone().with_name(name.as_str().into()));
        }
        let frame = DataFrame::new(height, columns).map_err(failed)?;
        let frame = frame.lazy().with_columns([expr.alias(RESULT)]).collect();
        let result = frame
            .and_then(|f| f.column(RESULT).cloned())
            .map_err(failed)?;
        Ok(Values::Typed(match self.outcome {
            Some(form) if result.dtype().is_bool() => outcome_words(&result, form),
            _ => result,
        }))
    }

    /// The numbers of a text column; an error where it holds none.
    fn numbers(&self, name: &str, column: &Column, marked: &str) -> Result<Column> {
        let values = Values::Typed(column.clone());
        let texts = Texts::of(&values);
        let mut word = None;
        let number = |i: usize| {
            let text = texts.get(i).filter(|t| !is_null_word(t.trim()))?;
            let number = parse_number(text, self.mark);
            if number.is_none() {
                word.get_or_insert_with(|| text.to_owned());
            }
            number
        };
        let numbers: Vec<Option<f64>> = (0..column.len()).map(number).collect();
        match word.filter(|_| numbers.iter().all(Option::is_none)) {
            None => Ok(Series::new(marked.into(), numbers).into_column()),
            Some(word) => Err(Error::new(
                ErrorKind::Settings,
                format!(
                    "The expression `{}` takes {name} as a number, but it holds text such as \"{word}\"",
                    self.text
                ),
            )
            .column(name)
            .hint("Compare it with 'text in quotes' instead")),
        }
    }
}

fn as_column(values: &Values) -> Column {
    match values {
        Values::Typed(column) => column.clone(),
        Values::Text(_) => {
            let mut texts = Vec::with_capacity(values.len());
            Texts::of(values).for_each(|_, text| texts.push(text.map(str::to_owned)));
            Series::new("".into(), texts).into_column()
        }
    }
}

/// Takes the text columns of one comparison or calculation as numbers where the other side is one.
fn settled(node: Expr, is_text: &dyn Fn(&str) -> bool) -> Expr {
    let is_text_column = |e: &Expr| matches!(e, Expr::Column(name) if is_text(name));
    let as_number = |e: &Expr| match e {
        Expr::Column(name) if is_text(name) => Expr::Column(format!("{NUMBERS}{name}").into()),
        other => other.clone(),
    };
    // An empty cell and an empty text are the same to whoever looks at a CSV file.
    let as_text = |e: &Expr| {
        if is_text_column(e) {
            e.clone().fill_null(lit(""))
        } else {
            e.clone()
        }
    };
    match node {
        Expr::BinaryExpr { left, op, right } if is_text_column(&left) || is_text_column(&right) => {
            let is_ordering = matches!(
                op,
                Operator::Lt | Operator::LtEq | Operator::Gt | Operator::GtEq
            );
            let has_text = is_word(&left) || is_word(&right);
            let has_number = is_number(&left) || is_number(&right);
            let both = is_text_column(&left) && is_text_column(&right);
            let numeric = !has_text
                && (op.is_arithmetic()
                    || (op.is_comparison() && (has_number || (both && is_ordering))));
            let convert: &dyn Fn(&Expr) -> Expr = if numeric {
                &as_number
            } else if op.is_comparison() && has_text {
                &as_text
            } else {
                &Expr::clone
            };
            Expr::BinaryExpr {
                left: convert(&left).into(),
                op,
                right: convert(&right).into(),
            }
        }
        Expr::Function { input, function }
            if input.len() > 1 && input[1..].iter().all(is_number) =>
        {
            Expr::Function {
                input: input.iter().map(as_number).collect(),
                function,
            }
        }
        other => other,
    }
}

fn is_number(expr: &Expr) -> bool {
    match expr {
        Expr::Literal(LiteralValue::Dyn(_)) if is_word(expr) => false,
        Expr::Literal(LiteralValue::Dyn(value)) => !matches!(
            LiteralValue::Dyn(value.clone()).get_datatype(),
            DataType::List(_)
        ),
        Expr::Literal(LiteralValue::Scalar(scalar)) => scalar.dtype().is_numeric(),
        Expr::Literal(LiteralValue::Series(series)) => {
            let dtype = series.dtype();
            dtype.is_numeric() || dtype.inner_dtype().is_some_and(DataType::is_numeric)
        }
        Expr::BinaryExpr { left, op, right } => {
            op.is_arithmetic() && !is_word(left) && !is_word(right)
        }
        Expr::Column(name) => name.starts_with(NUMBERS),
        _ => false,
    }
}

fn is_word(expr: &Expr) -> bool {
    match expr {
        Expr::Literal(value @ LiteralValue::Dyn(_)) => value.extract_str().is_some(),
        Expr::Literal(LiteralValue::Scalar(scalar)) => scalar.dtype().is_string(),
        Expr::Cast { dtype, .. } => dtype.as_literal().is_some_and(DataType::is_string),
        _ => false,
    }
}

/// True means failed, unless the column's name speaks of success; an unknown truth stays unknown.
fn outcome_words(column: &Column, form: OutcomeForm) -> Column {
    let failed = form != OutcomeForm::Success;
    let Ok(truths) = column.bool() else {
        return column.clone();
    };
    let word = |truth: Option<bool>| match truth {
        Some(truth) if truth == failed => "error",
        Some(_) => "ok",
        None => "unknown",
    };
    let words: StringChunked = truths.iter().map(|t| Some(word(t))).collect();
    words.into_column()
}
