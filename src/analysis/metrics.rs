//! Which metrics a log can show, and the observations behind each.

use std::borrow::Cow;

use super::by_user::{Ends, UserRows};
use super::model::{Direction, MetricRole};
use super::settings::{AnalysisSettings, Margins, MetricChoice};
use crate::cells::needs_answer;
use crate::data::{Numbers, Outcome, Quantity, RequestLog};
use crate::error::{Error, ErrorKind, Result};
use crate::stats::{Coded, Counts};
use crate::units::ValueForm;
use crate::with_codes;

/// What is computed from the observations.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Kind {
    /// Share of requests with an error.
    ErrorShare,
    /// Share of requests that carry a rating.
    RatedShare,
    /// Mean of a quantity.
    Mean(Quantity),
    /// Quantile of a latency, successful requests only.
    Quantile(Quantity, f64),
}

/// How much worse a guardrail may get.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Margin {
    /// In the metric's own unit.
    Absolute(f64),
    /// As a share of the control's value.
    Relative(f64),
}

/// A metric that this log can show.
#[derive(Debug, Clone)]
pub(super) struct Metric {
    pub(super) id: String,
    pub(super) label: String,
    pub(super) form: ValueForm,
    pub(super) direction: Direction,
    pub(super) role: MetricRole,
    pub(super) denominator: &'static str,
    pub(super) kind: Kind,
    pub(super) margin: Option<Margin>,
}

/// Observations of one metric at some rows, in their order; a share is 0 and 1.
#[derive(Debug, Clone)]
pub(super) struct Observations<'a> {
    /// Distinct values, ascending.
    table: &'a [f64],
    /// Per observation: index into the table.
    codes: Vec<u32>,
    /// Per observation: its unit; empty where the log names none.
    units: Cow<'a, [u32]>,
    ends: Ends<'a>,
}

impl<'a> Observations<'a> {
    pub(super) fn len(&self) -> usize {
        self.codes.len()
    }

    /// Those before a row at which stretches end.
    pub(super) fn n_before(&self, row: u32) -> usize {
        self.ends.before(row)
    }

    /// All of them.
    pub(super) fn coded(&self) -> Coded<'_> {
        Coded {
            table: self.table,
            codes: &self.codes,
            units: &self.units,
        }
    }

    /// Cut at rows at which stretches end.
    pub(super) fn cells(&self, bounds: &[u32]) -> Vec<Coded<'_>> {
        let ranges = self.ends.between(bounds);
        ranges.map(|range| self.coded().range(range)).collect()
    }

    /// How often each value occurs.
    pub(super) fn counts(&self) -> Counts<'a> {
        Counts::of(self.table, &self.codes)
    }

    /// The values alone.
    pub(super) fn values(&self) -> impl Iterator<Item = f64> {
        self.codes.iter().map(|code| self.table[*code as usize])
    }
}

/// What a share can be.
const NO_OR_YES: [f64; 2] = [0.0, 1.0];

/// Whose values count where failures have values too.
const ANSWERED: &str = "successful requests";

/// The metrics of a log with the analyst's choices applied. Fails when a choice names a metric that
/// the log does not have, or contradicts itself.
pub(super) fn of_log(log: &RequestLog, settings: &AnalysisSettings) -> Result<Vec<Metric>> {
    let mut metrics = defaults(log, &settings.margins);
    if !log.has_outcome {
        let answered = metrics
            .iter_mut()
            .filter(|metric| metric.denominator == ANSWERED);
        answered.for_each(|metric| metric.denominator = "requests");
    }
    for (id, choice) in &settings.metrics {
        let Some(metric) = metrics.iter_mut().find(|metric| metric.id == *id) else {
            let ids: Vec<&str> = metrics.iter().map(|metric| metric.id.as_str()).collect();
            return Err(Error::new(
                ErrorKind::Settings,
                format!("The log has no metric called \"{id}\""),
            )
            .key(format!("metrics.{id}"))
            .hint(format!("Its metrics are: {}", ids.join(", "))));
        };
        metric.choose(choice, &settings.margins)?;
    }
    Ok(metrics)
}

/// The metrics that a log can show, errors and latency first.
fn defaults(log: &RequestLog, margins: &Margins) -> Vec<Metric> {
    let mut metrics = Vec::new();
    if log.has_outcome {
        let margin = Some(Margin::Absolute(margins.error_share));
        metrics.push(Metric::new(
            "error_share",
            "Error share",
            Kind::ErrorShare,
            ValueForm::Share,
            margin,
        ));
    }
    for (quantity, id, name) in [
        (Quantity::LatencyMs, "latency", "latency"),
        (Quantity::TtftMs, "ttft", "time to first token"),
    ] {
        if log.quantity(quantity).is_none() {
            continue;
        }
        for q in [50, 95, 99] {
            let kind = Kind::Quantile(quantity, f64::from(q) / 100.0);
            let margin = Some(Margin::Relative(margins.latency));
            let mut metric = Metric::new(
                &format!("{id}_p{q}"),
                &format!("p{q} {name}"),
                kind,
                ValueForm::LatencyMs,
                margin,
            );
            // One quantile per latency decides: three that move together would count thrice.
            if q != 95 {
                metric.role = MetricRole::Secondary;
            }
            metrics.push(metric);
        }
    }
    if log.quantity(Quantity::Rating).is_some() {
        let margin = Some(Margin::Absolute(margins.rating));
        // Thumbs up and down are a share, whose uncertainty is that of one.
        let (label, form) = if are_zeros_and_ones(log, Quantity::Rating) {
            ("Share of positive ratings", ValueForm::Share)
        } else {
            ("Mean rating", ValueForm::Number)
        };
        let kind = Kind::Mean(Quantity::Rating);
        metrics.push(Metric::new("rating_mean", label, kind, form, margin));
        metrics.push(Metric::new(
            "rated_share",
            "Share rated",
            Kind::RatedShare,
            ValueForm::Share,
            None,
        ));
    }
    let means = [
        (Quantity::TokensIn, "tokens_in_mean", "Prompt tokens, mean"),
        (
            Quantity::TokensOut,
            "tokens_out_mean",
            "Completion tokens, mean",
        ),
    ];
    for (quantity, id, label) in means {
        if log.quantity(quantity).is_some() {
            let kind = Kind::Mean(quantity);
            metrics.push(Metric::new(id, label, kind, ValueForm::Number, None));
        }
    }
    if log.quantity(Quantity::Cost).is_some() {
        metrics.push(Metric::new(
            "cost_mean",
            &cost_label(log.currency.as_deref()),
            Kind::Mean(Quantity::Cost),
            ValueForm::PerThousand,
            Some(Margin::Relative(margins.cost)),
        ));
    }
    for (i, name) in log.extra_names.iter().enumerate() {
        if log.covariate == Some(i as u16) {
            continue;
        }
        let quantity = Quantity::Extra(i as u16);
        let is_share = are_zeros_and_ones(log, quantity);
        let form = if is_share {
            ValueForm::Share
        } else {
            ValueForm::Number
        };
        // A metric of which nobody knows whether more is better cannot guard anything.
        let margin = (direction_of_name(name) != Direction::Neutral)
            .then_some(Margin::Relative(margins.metric));
        let label = if is_share {
            format!("Share {name}")
        } else {
            format!("Mean {name}")
        };
        metrics.push(Metric::new(
            &format!("metric.{name}"),
            &label,
            Kind::Mean(quantity),
            form,
            margin,
        ));
    }
    metrics
}

fn are_zeros_and_ones(log: &RequestLog, quantity: Quantity) -> bool {
    let is_one = |x: &f64| x.is_nan() || *x == 0.0 || *x == 1.0;
    let values = log.quantity(quantity).map(Numbers::table);
    values.is_some_and(|table| table.iter().all(is_one))
}

/// Of one request, most costs would be digits behind noughts.
fn cost_label(currency: Option<&str>) -> String {
    currency.map_or_else(
        || "Cost per 1,000 requests".to_owned(),
        |currency| format!("Cost per 1,000 requests ({currency})"),
    )
}

/// Whether more of a metric is better, as far as its name tells.
fn direction_of_name(name: &str) -> Direction {
    const MORE_IS_BETTER: [&str; 13] = [
        "copied",
        "click",
        "convers",
        "converted",
        "accept",
        "correct",
        "resolved",
        "retained",
        "purchase",
        "success",
        "helpful",
        "solved",
        "pass",
    ];
    const LESS_IS_BETTER: [&str; 10] = [
        "refus",
        "hallucinat",
        "toxic",
        "retry",
        "retries",
        "escalat",
        "complain",
        "abandon",
        "violation",
        "unsafe",
    ];
    let name = name.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
    if has(&LESS_IS_BETTER) {
        Direction::LowerIsBetter
    } else if has(&MORE_IS_BETTER) {
        Direction::HigherIsBetter
    } else {
        Direction::Neutral
    }
}

impl Metric {
    fn new(id: &str, label: &str, kind: Kind, form: ValueForm, margin: Option<Margin>) -> Self {
        let direction = match kind {
            Kind::ErrorShare
            | Kind::Quantile(..)
            | Kind::Mean(Quantity::Cost | Quantity::LatencyMs | Quantity::TtftMs) => {
                Direction::LowerIsBetter
            }
            Kind::Mean(Quantity::Extra(_)) => direction_of_name(id),
            Kind::Mean(Quantity::Rating) => Direction::HigherIsBetter,
            Kind::RatedShare | Kind::Mean(Quantity::TokensIn | Quantity::TokensOut) => {
                Direction::Neutral
            }
        };
        let denominator = match kind {
            Kind::ErrorShare => "requests with an outcome",
            Kind::RatedShare => "requests",
            Kind::Quantile(..) => ANSWERED,
            Kind::Mean(Quantity::Rating) => "rated requests",
            Kind::Mean(quantity) if needs_answer(quantity) => ANSWERED,
            Kind::Mean(_) => "requests with a value",
        };
        let role = if margin.is_some() {
            MetricRole::Guardrail
        } else {
            MetricRole::Neutral
        };
        Self {
            id: id.to_owned(),
            label: label.to_owned(),
            form,
            direction,
            role,
            denominator,
            kind,
            margin,
        }
    }

    /// Its label within a sentence: "error share", "p95 latency".
    pub(super) fn words(&self) -> String {
        super::decision::lower_first(&self.label)
    }

    /// Applies what the analyst chose.
    fn choose(&mut self, choice: &MetricChoice, margins: &Margins) -> Result<()> {
        if let Some(direction) = choice.direction {
            self.direction = direction;
            // Once it is known which way is better, it guards as others do.
            if direction != Direction::Neutral && self.role == MetricRole::Neutral {
                self.role = MetricRole::Guardrail;
            }
        }
        if let Some(role) = choice.role {
            self.role = role;
        }
        if self.role == MetricRole::Primary && self.direction == Direction::Neutral {
            return Err(Error::new(
                ErrorKind::Settings,
                format!(
                    "\"{}\" cannot be primary: nobody said which way is better",
                    self.id
                ),
            )
            .key(format!("metrics.{}", self.id))
            .hint(format!(
                "Declare it: --better {}=higher or {}=lower",
                self.id, self.id
            )));
        }
        if self.role.decides() && self.margin.is_none() {
            self.margin = Some(match self.kind {
                Kind::RatedShare => Margin::Absolute(margins.error_share),
                _ => Margin::Relative(margins.metric),
            });
        }
        if let Some(size) = choice.margin {
            self.margin = Some(match self.kind {
                Kind::ErrorShare | Kind::RatedShare | Kind::Mean(Quantity::Rating) => {
                    Margin::Absolute(size)
                }
                _ => Margin::Relative(size),
            });
        }
        Ok(())
    }

    /// The observations at some rows of a log.
    pub(super) fn observe<'a>(
        &self,
        log: &'a RequestLog,
        rows: &'a UserRows<'_>,
    ) -> Observations<'a> {
        let mut codes = Vec::with_capacity(rows.len());
        let mut ends = Ends::like(rows.ends());
        // Most metrics have a value in every row: then the rows' units serve as they are.
        let of_rows = rows.units();
        let mut units: Option<Vec<u32>> = None;
        for places in rows.stretches() {
            self.each(log, &rows.rows()[places.clone()], |at, code| {
                let place = places.start + at;
                if place != codes.len() && units.is_none() && !of_rows.is_empty() {
                    let mut before = Vec::with_capacity(rows.len());
                    before.extend_from_slice(&of_rows[..codes.len()]);
                    units = Some(before);
                }
                codes.push(code);
                if let Some(units) = &mut units {
                    units.push(of_rows[place]);
                }
            });
            ends.push(codes.len());
        }
        Observations {
            table: self.table(log),
            units: match units {
                Some(units) => Cow::Owned(units),
                None => Cow::Borrowed(&of_rows[..codes.len().min(of_rows.len())]),
            },
            codes,
            ends,
        }
    }

    /// How often each value occurs at some rows.
    pub(super) fn counts<'a>(&self, log: &'a RequestLog, rows: &[u32]) -> Counts<'a> {
        let mut codes = Vec::with_capacity(rows.len());
        self.each(log, rows, |_, code| codes.push(code));
        Counts::of(self.table(log), &codes)
    }

    /// The values at some rows, in their order.
    pub(super) fn values(&self, log: &RequestLog, rows: &[u32]) -> Vec<f64> {
        let table = self.table(log);
        let mut values = Vec::with_capacity(rows.len());
        self.each(log, rows, |_, code| values.push(table[code as usize]));
        values
    }

    /// What the codes of observations stand for.
    pub(super) fn table<'a>(&self, log: &'a RequestLog) -> &'a [f64] {
        match self.kind {
            Kind::ErrorShare | Kind::RatedShare => &NO_OR_YES,
            Kind::Mean(quantity) | Kind::Quantile(quantity, _) => {
                log.quantity(quantity).map_or(&[], Numbers::table)
            }
        }
    }

    /// Calls `see` with the place of each row that has a value among `rows`, and its code.
    pub(super) fn each(&self, log: &RequestLog, rows: &[u32], mut see: impl FnMut(usize, u32)) {
        let rows = rows.iter().map(|row| *row as usize).enumerate();
        let quantity = match self.kind {
            Kind::ErrorShare => {
                for (at, row) in rows.filter(|(_, row)| log.outcome[*row].is_counted()) {
                    see(at, u32::from(log.outcome[row].is_error()));
                }
                return;
            }
            Kind::RatedShare => Quantity::Rating,
            Kind::Mean(quantity) | Kind::Quantile(quantity, _) => quantity,
        };
        let Some(numbers) = log.quantity(quantity) else {
            return;
        };
        // The table ascends and ends with what stands for no value.
        let missing = numbers.table().len() - 1;
        let first_positive = numbers.table().partition_point(|v| *v <= 0.0);
        with_codes!(numbers.codes(), codes => {
            let codes = rows.map(|(at, row)| (at, row, codes[row] as usize));
            match self.kind {
                Kind::RatedShare => {
                    codes.for_each(|(at, _, code)| see(at, u32::from(code != missing)));
                }
                Kind::Quantile(..) => codes
                    .filter(|(_, row, code)| {
                        (first_positive..missing).contains(code) && log.outcome[*row] == Outcome::Ok
                    })
                    .for_each(|(at, _, code)| see(at, code as u32)),
                // An answer that failed is none, whatever length the log gives it.
                Kind::Mean(quantity) if needs_answer(quantity) => codes
                    .filter(|(_, row, code)| *code != missing && log.outcome[*row] == Outcome::Ok)
                    .for_each(|(at, _, code)| see(at, code as u32)),
                _ => codes
                    .filter(|(.., code)| *code != missing)
                    .for_each(|(at, _, code)| see(at, code as u32)),
            }
        });
    }
}
