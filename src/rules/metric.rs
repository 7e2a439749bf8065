//! What a condition measures, and how it compares: the small languages inside the TOML strings.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::place::nearest;
use crate::data::{Quantity, RequestLog};

/// What is computed over the requests of a window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Metric {
    /// Failed requests over requests with a known outcome; 0 to 1.
    ErrorShare,
    /// Requests that did not fail over requests with a known outcome; 0 to 1.
    SuccessShare,
    /// Number of requests.
    Count,
    /// Requests per second of the window's length.
    Rps,
    /// Number of failed requests.
    ErrorCount,
    /// Failed requests per second of the window's length.
    ErrorsPerSecond,
    /// Arithmetic mean of the values that are there.
    Mean(Column),
    /// Sum of the values that are there.
    Sum(Column),
    /// Quantile of the values that are there.
    Quantile(Column, f64),
    /// Values for which the predicate holds over values that are there; 0 to 1.
    Share(Predicate),
    /// Error share over the share that the objective allows, 1 − SLO (Google SRE workbook).
    Burn(f64),
    /// Failed requests, or values for which the predicate holds, in a row up to the last request of
    /// the arm; requests without outcome or value are passed over.
    Consecutive(Option<Predicate>),
    /// The score of the rule's judge, 0 to 100.
    Score,
}

/// A numeric column, as a rulebook names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Column {
    /// A quantity with a name of its own, whatever the log calls its column: latency, rating, …
    Of(Quantity),
    /// Any other column of numbers, by its name in the log.
    Named(Arc<str>),
}

/// A comparison of a column with a number, such as `rating<=2`.
#[derive(Debug, Clone, PartialEq)]
pub struct Predicate {
    /// The column.
    pub column: Column,
    /// How it is compared.
    pub cmp: Cmp,
    /// With what.
    pub value: f64,
}

/// A comparison operator. All comparisons with NaN are false, except `!=`, which no rule reaches
/// with NaN because missing values are left out before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cmp {
    /// Greater.
    #[serde(rename = ">")]
    Gt,
    /// Greater or equal.
    #[serde(rename = ">=")]
    Ge,
    /// Less.
    #[serde(rename = "<")]
    Lt,
    /// Less or equal.
    #[serde(rename = "<=")]
    Le,
    /// Equal.
    #[serde(rename = "==")]
    Eq,
    /// Not equal.
    #[serde(rename = "!=")]
    Ne,
}

/// How rulebooks name the quantities.
const COLUMNS: [(&str, Quantity); 6] = [
    ("latency", Quantity::LatencyMs),
    ("ttft", Quantity::TtftMs),
    ("rating", Quantity::Rating),
    ("tokens_in", Quantity::TokensIn),
    ("tokens_out", Quantity::TokensOut),
    ("cost", Quantity::Cost),
];

/// Two-character operators first, so that `<=` is not read as `<`.
const OPERATORS: [(&str, Cmp); 6] = [
    (">=", Cmp::Ge),
    ("<=", Cmp::Le),
    ("==", Cmp::Eq),
    ("!=", Cmp::Ne),
    (">", Cmp::Gt),
    ("<", Cmp::Lt),
];

impl Metric {
    /// The column that the metric needs; `None` where it counts requests or outcomes.
    pub fn column(&self) -> Option<&Column> {
        match self {
            Self::Mean(column) | Self::Sum(column) | Self::Quantile(column, _) => Some(column),
            Self::Share(predicate) | Self::Consecutive(Some(predicate)) => Some(&predicate.column),
            Self::ErrorShare
            | Self::SuccessShare
            | Self::Count
            | Self::Rps
            | Self::ErrorCount
            | Self::ErrorsPerSecond
            | Self::Burn(_)
            | Self::Consecutive(None)
            | Self::Score => None,
        }
    }

    /// Whether it measures ratings, which may arrive later than their requests.
    pub(super) fn reads_ratings(&self) -> bool {
        self.column() == Some(&Column::Of(Quantity::Rating))
    }

    /// Whether its values lie between 0 and 1.
    pub fn is_share(&self) -> bool {
        matches!(self, Self::ErrorShare | Self::SuccessShare | Self::Share(_))
    }

    /// Whether it needs to know how requests ended.
    pub fn needs_outcome(&self) -> bool {
        matches!(
            self,
            Self::ErrorShare
                | Self::SuccessShare
                | Self::ErrorCount
                | Self::ErrorsPerSecond
                | Self::Burn(_)
                | Self::Consecutive(None)
        )
    }
}

impl Cmp {
    /// Whether `left cmp right` holds.
    #[inline]
    pub fn holds(self, left: f64, right: f64) -> bool {
        match self {
            Self::Gt => left > right,
            Self::Ge => left >= right,
            Self::Lt => left < right,
            Self::Le => left <= right,
            Self::Eq => left == right,
            Self::Ne => left != right,
        }
    }
}

impl Column {
    /// The log's own quantity behind it; `None` where the log has none.
    pub(super) fn quantity(&self, log: &RequestLog) -> Option<Quantity> {
        match self {
            Self::Of(quantity) => Some(*quantity),
            Self::Named(name) => {
                let place = log.extra_names.iter().position(|extra| **extra == **name)?;
                Some(Quantity::Extra(place as u16))
            }
        }
    }

    /// The quantity, where the column has one of its own.
    pub fn known(&self) -> Option<Quantity> {
        match self {
            Self::Of(quantity) => Some(*quantity),
            Self::Named(_) => None,
        }
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Of(quantity) => {
                let known = COLUMNS.iter().find(|(_, known)| known == quantity);
                f.write_str(known.map_or("", |(name, _)| name))
            }
            Self::Named(name) if is_plain(name) => f.write_str(name),
            Self::Named(name) if name.contains('\'') => write!(f, "\"{name}\""),
            Self::Named(name) => write!(f, "'{name}'"),
        }
    }
}

/// Whether a name can stand without quotes: it is no quantity's, nor nearly, and holds no sign.
fn is_plain(name: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-');
    nearest(name, &COLUMNS.map(|(known, _)| known)).is_none() && name.chars().all(is_word)
}

impl FromStr for Column {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        for quote in ['\'', '"'] {
            let inner = text.strip_prefix(quote).and_then(|t| t.strip_suffix(quote));
            if let Some(inner) = inner.filter(|inner| !inner.is_empty()) {
                return Ok(Self::Named(inner.into()));
            }
        }
        if let Some((_, quantity)) = COLUMNS.iter().find(|(known, _)| *known == text) {
            return Ok(Self::Of(*quantity));
        }
        match nearest(text, &COLUMNS.map(|(known, _)| known)) {
            _ if text.is_empty() => Err("a column's name is missing".to_owned()),
            Some(meant) => Err(format!(
                "no quantity is called {text:?}: write {meant}, or '{text}' in quotes if the log has such a column"
            )),
            None => Ok(Self::Named(text.into())),
        }
    }
}

impl FromStr for Metric {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let Some((name, inner)) = text.split_once('(') else {
            return match text {
                "error_share" => Ok(Self::ErrorShare),
                "success_share" => Ok(Self::SuccessShare),
                "count" => Ok(Self::Count),
                "rps" => Ok(Self::Rps),
                _ => Err(unknown_metric(text)),
            };
        };
        let inner = inner
            .strip_suffix(')')
            .ok_or_else(|| format!("metric {text:?} lacks its closing parenthesis"))?;
        match name.trim() {
            "mean" => Ok(Self::Mean(inner.parse()?)),
            "sum" => Ok(Self::Sum(inner.parse()?)),
            "share" => Ok(Self::Share(inner.parse()?)),
            "count" if inner.trim() == "error" => Ok(Self::ErrorCount),
            "rps" if inner.trim() == "error" => Ok(Self::ErrorsPerSecond),
            "consecutive" if inner.trim() == "error" => Ok(Self::Consecutive(None)),
            "consecutive" => Ok(Self::Consecutive(Some(inner.parse()?))),
            "burn" => {
                let objective = inner.trim().strip_prefix("error_share").map(str::trim);
                let objective = objective.and_then(|rest| rest.strip_prefix(','));
                let slo = number(objective.ok_or_else(|| {
                    format!("{text:?} is no burn rate: write burn(error_share, 0.99)")
                })?)?;
                if slo > 0.0 && slo < 1.0 {
                    Ok(Self::Burn(slo))
                } else {
                    Err(format!("an objective lies between 0 and 1, not {slo}"))
                }
            }
            "quantile" => {
                let (column, q) = inner.rsplit_once(',').ok_or_else(|| {
                    format!("{text:?} lacks its probability: write quantile(latency, 0.95)")
                })?;
                let q = number(q)?;
                if (0.0..=1.0).contains(&q) {
                    Ok(Self::Quantile(column.parse()?, q))
                } else {
                    Err(format!(
                        "a quantile's probability lies between 0 and 1, not {q}"
                    ))
                }
            }
            _ => Err(unknown_metric(text)),
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ErrorShare => f.write_str("error_share"),
            Self::SuccessShare => f.write_str("success_share"),
            Self::Count => f.write_str("count"),
            Self::Rps => f.write_str("rps"),
            Self::ErrorCount => f.write_str("count(error)"),
            Self::ErrorsPerSecond => f.write_str("rps(error)"),
            Self::Mean(q) => write!(f, "mean({q})"),
            Self::Sum(q) => write!(f, "sum({q})"),
            Self::Quantile(q, p) => write!(f, "quantile({q},{p})"),
            Self::Share(predicate) => write!(f, "share({predicate})"),
            Self::Burn(slo) => write!(f, "burn(error_share,{slo})"),
            Self::Consecutive(None) => f.write_str("consecutive(error)"),
            Self::Consecutive(Some(predicate)) => write!(f, "consecutive({predicate})"),
            Self::Score => f.write_str("score"),
        }
    }
}

impl FromStr for Predicate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        for (operator, cmp) in OPERATORS {
            // The last one: a name in quotes may hold others.
            if let Some((left, right)) = text.rsplit_once(operator) {
                return Ok(Self {
                    column: left.parse()?,
                    cmp,
                    value: number(right)?,
                });
            }
        }
        Err(format!("{text:?} is not a predicate such as rating<=2"))
    }
}

impl fmt::Display for Predicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{}", self.column, self.cmp, self.value)
    }
}

impl fmt::Display for Cmp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = OPERATORS.iter().find(|(_, cmp)| cmp == self);
        f.write_str(name.map_or("", |(name, _)| name))
    }
}

impl TryFrom<String> for Metric {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Metric> for String {
    fn from(metric: Metric) -> Self {
        metric.to_string()
    }
}

fn number(text: &str) -> Result<f64, String> {
    match text.trim().parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        _ => Err(format!("{:?} is not a number", text.trim())),
    }
}

fn unknown_metric(text: &str) -> String {
    format!(
        "no metric is called {text:?}: write error_share, success_share, count, rps, mean(column), \
         sum(column), quantile(column, 0.95), share(rating<=2), burn(error_share, 0.99) or consecutive(error)"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_read_and_written() {
        for text in [
            "error_share",
            "success_share",
            "count",
            "rps",
            "mean(rating)",
            "sum(tokens_in)",
            "quantile(latency,0.95)",
            "share(rating<=2)",
            "share(cost!=0)",
            "burn(error_share,0.99)",
            "consecutive(error)",
            "consecutive(rating<=2)",
            "mean(toxicity)",
            "quantile('judge score, v2',0.9)",
            "share(scores.toxicity>=0.5)",
            "share('a>b'>=0.5)",
            "mean('latncy')",
            "mean(\"o'clock\")",
        ] {
            assert_eq!(text.parse::<Metric>().unwrap().to_string(), text);
        }
        assert_eq!(
            " quantile( latency , .99 )".parse::<Metric>().unwrap(),
            Metric::Quantile(Column::Of(Quantity::LatencyMs), 0.99)
        );
    }

    #[test]
    fn nonsense_names_what_is_wrong() {
        for (text, part) in [
            ("errors", "no metric"),
            ("mean(latncy)", "write latency, or 'latncy' in quotes"),
            ("mean()", "name is missing"),
            ("mean(latency", "parenthesis"),
            ("quantile(latency)", "probability"),
            ("quantile(latency,95)", "between 0 and 1"),
            ("share(rating)", "predicate"),
            ("burn(0.99)", "burn(error_share, 0.99)"),
            ("burn(error_share,99)", "between 0 and 1"),
            ("share(rating<=two)", "two"),
        ] {
            let message = text.parse::<Metric>().unwrap_err();
            assert!(message.contains(part), "{text}: {message}");
        }
    }
}
