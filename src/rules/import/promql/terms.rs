//! Arithmetic on what `PromQL` expressions measure: rates of counters become shares, means and
//! quantiles, and comparisons of these become conditions.

use serde_json::{Map, Value, json};

use super::Context;
use super::counters::{Arm, Counts};
use crate::rules::TimeSpan;

/// What an expression is worth at an instant.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Term {
    Number(f64),
    Rate(Rate),
    Signal(Signal),
    /// `left / right` or `left − right` of the same metric of the two arms.
    Ratio(Signal, Signal),
    Difference(Signal, Signal),
}

/// A counter's growth over a range.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Rate {
    pub(super) counts: Counts,
    pub(super) arm: Arm,
    pub(super) function: RateFunction,
    pub(super) range: TimeSpan,
    pub(super) is_zero_before_first: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RateFunction {
    Rate,
    Increase,
    Irate,
}

/// A metric of a rulebook, seen through `scale · x + shift`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Signal {
    metric: String,
    arm: Arm,
    rate: Rate,
    scale: f64,
    shift: f64,
}

impl Signal {
    fn new(metric: impl Into<String>, rate: &Rate, scale: f64) -> Self {
        Self {
            metric: metric.into(),
            arm: rate.arm,
            rate: rate.clone(),
            scale,
            shift: 0.0,
        }
    }

    /// `histogram_quantile(q, rate)`.
    pub(super) fn quantile(q: f64, rate: &Rate) -> Result<Self, String> {
        let Counts::Buckets(quantity, factor) = rate.counts else {
            return Err("histogram_quantile needs a series that ends in _bucket".to_owned());
        };
        if !(0.0..=1.0).contains(&q) {
            return Err(format!("the quantile {q} does not lie between 0 and 1"));
        }
        let metric = format!("quantile({quantity},{q})");
        Ok(Self::new(metric, rate, 1.0 / factor))
    }

    fn is_same_metric(&self, other: &Self) -> bool {
        self.metric == other.metric
            && self.rate.range == other.rate.range
            && self.rate.function == other.rate.function
            && self.shift == 0.0
            && other.shift == 0.0
    }

    fn is_share(&self) -> bool {
        matches!(self.metric.as_str(), "error_share" | "success_share")
    }

    fn is_histogram(&self) -> bool {
        self.metric.starts_with("quantile(latency") || self.metric.starts_with("quantile(ttft")
    }

    /// The keys of a condition that say what is measured.
    fn keys(&self, context: &Context<'_>) -> Map<String, Value> {
        let mut keys = Map::new();
        keys.insert("metric".to_owned(), json!(self.metric));
        if self.arm != Arm::Canary {
            keys.insert("arm".to_owned(), json!(self.arm.name()));
        }
        keys.insert("window".to_owned(), self.window(context));
        if self.is_histogram() && !context.settings.buckets_ms.is_empty() {
            keys.insert("quantile_method".to_owned(), json!("prom_buckets"));
            keys.insert("buckets".to_owned(), json!(context.settings.buckets_ms));
        }
        keys
    }

    /// Shares and counts follow Prometheus' arithmetic on scraped counters. Means and quantiles are
    /// taken over the requests themselves, which are in the log.
    fn window(&self, context: &Context<'_>) -> Value {
        let is_by_buckets = self.is_histogram() && !context.settings.buckets_ms.is_empty();
        let is_of_values = ["mean(", "quantile("]
            .iter()
            .any(|name| self.metric.starts_with(name));
        if is_of_values && !is_by_buckets {
            context.notes.assume(
                context.place,
                format!("{} is exact over the last {}; Prometheus knows it as of the last scrape, and a quantile only to its bucket (--buckets)", self.metric, self.rate.range),
            );
            return json!({ "trailing": self.rate.range });
        }
        let mut window = json!({
            "counter": self.rate.range,
            "scrape": context.settings.scrape,
            "engine": context.settings.engine,
        });
        if self.rate.is_zero_before_first {
            window["first_seen"] = json!("or_zero");
        }
        match self.rate.function {
            RateFunction::Rate => {}
            RateFunction::Increase => window["func"] = json!("increase"),
            RateFunction::Irate => window["func"] = json!("irate"),
        }
        window
    }
}

pub(super) fn plus(left: &Term, right: &Term) -> Result<Term, String> {
    match (left, right) {
        (Term::Number(a), Term::Number(b)) => Ok(Term::Number(a + b)),
        (Term::Number(k), Term::Signal(x)) | (Term::Signal(x), Term::Number(k)) => {
            Ok(Term::Signal(Signal {
                shift: x.shift + k,
                ..x.clone()
            }))
        }
        (Term::Rate(a), Term::Rate(b)) if is_parallel(a, b) => match (a.counts, b.counts) {
            (Counts::Successes, Counts::Errors) | (Counts::Errors, Counts::Successes) => {
                Ok(Term::Rate(Rate {
                    counts: Counts::Requests,
                    ..a.clone()
                }))
            }
            _ => Err("a sum of these two counters has no meaning in a request log".to_owned()),
        },
        _ => Err("this sum is not supported".to_owned()),
    }
}

pub(super) fn minus(left: &Term, right: &Term) -> Result<Term, String> {
    match (left, right) {
        (Term::Rate(a), Term::Rate(b)) if is_parallel(a, b) => match (a.counts, b.counts) {
            (Counts::Requests, Counts::Successes) => Ok(Term::Rate(Rate {
                counts: Counts::Errors,
                ..a.clone()
            })),
            (Counts::Requests, Counts::Errors) => Ok(Term::Rate(Rate {
                counts: Counts::Successes,
                ..a.clone()
            })),
            _ => {
                Err("a difference of these two counters has no meaning in a request log".to_owned())
            }
        },
        (Term::Signal(a), Term::Signal(b)) if a.is_same_metric(b) && a.scale == b.scale => {
            Ok(Term::Difference(a.clone(), b.clone()))
        }
        (_, Term::Number(k)) => plus(left, &Term::Number(-k)),
        (Term::Number(_), Term::Signal(_)) => plus(left, &times(&Term::Number(-1.0), right)?),
        _ => Err("this difference is not supported".to_owned()),
    }
}

pub(super) fn times(left: &Term, right: &Term) -> Result<Term, String> {
    match (left, right) {
        (Term::Number(a), Term::Number(b)) => Ok(Term::Number(a * b)),
        (Term::Number(k), Term::Signal(x)) | (Term::Signal(x), Term::Number(k)) => {
            Ok(Term::Signal(Signal {
                scale: x.scale * k,
                shift: x.shift * k,
                ..x.clone()
            }))
        }
        (Term::Number(k), Term::Rate(x)) | (Term::Rate(x), Term::Number(k)) => {
            times(&Term::Number(*k), &alone(x)?)
        }
        _ => Err("this product is not supported".to_owned()),
    }
}

pub(super) fn divided_by(left: &Term, right: &Term) -> Result<Term, String> {
    match (left, right) {
        (_, Term::Number(k)) => times(left, &Term::Number(1.0 / k)),
        (Term::Rate(a), Term::Rate(b)) => quotient(a, b).map(Term::Signal),
        (Term::Signal(a), Term::Signal(b)) if a.is_same_metric(b) => {
            Ok(Term::Ratio(a.clone(), b.clone()))
        }
        _ => Err("this quotient is not supported".to_owned()),
    }
}

/// A quotient of two counters is a share or a mean.
fn quotient(a: &Rate, b: &Rate) -> Result<Signal, String> {
    if a.arm != b.arm {
        return Err("one arm's counter over another arm's is a share of traffic, which no rule here watches".to_owned());
    }
    if a.range != b.range || a.function != b.function {
        return Err("the two counters are taken over different ranges".to_owned());
    }
    let is_zero_before_first = a.is_zero_before_first;
    let rate = Rate {
        is_zero_before_first,
        ..b.clone()
    };
    match (a.counts, b.counts) {
        (Counts::Successes, Counts::Requests) => Ok(Signal::new("success_share", &rate, 1.0)),
        (Counts::Errors, Counts::Requests) => Ok(Signal::new("error_share", &rate, 1.0)),
        (Counts::Sum(quantity, factor), Counts::Requests) => Ok(Signal::new(
            format!("mean({quantity})"),
            &rate,
            1.0 / factor,
        )),
        _ => Err("this quotient of counters is neither a share of requests nor a mean".to_owned()),
    }
}

/// A counter on its own: requests per second or in the range.
fn alone(rate: &Rate) -> Result<Term, String> {
    match (rate.counts, rate.function) {
        (Counts::Requests, RateFunction::Increase) => Ok(Term::Signal(Signal::new("count", rate, 1.0))),
        (Counts::Requests, _) => Ok(Term::Signal(Signal::new("rps", rate, 1.0))),
        (Counts::Errors, RateFunction::Increase) => Ok(Term::Signal(Signal::new("count(error)", rate, 1.0))),
        (Counts::Errors, _) => Ok(Term::Signal(Signal::new("rps(error)", rate, 1.0))),
        _ => Err("a counter of successes or of a sum alone depends on the traffic; divide it by the requests".to_owned()),
    }
}

fn is_parallel(a: &Rate, b: &Rate) -> bool {
    a.arm == b.arm && a.range == b.range && a.function == b.function
}

/// `left cmp right` as a condition.
pub(super) fn compare(
    left: &Term,
    cmp: &str,
    right: &Term,
    context: &Context<'_>,
) -> Result<Value, String> {
    match (left, right) {
        (Term::Number(_), Term::Number(_)) => Err("it compares two constants".to_owned()),
        (Term::Number(_), _) => compare(right, mirrored(cmp), left, context),
        (Term::Rate(rate), _) => compare(&alone(rate)?, cmp, right, context),
        (_, Term::Rate(rate)) => compare(left, cmp, &alone(rate)?, context),
        (Term::Signal(x), Term::Number(value)) => {
            if x.scale == 0.0 {
                return Err("the value is multiplied by 0".to_owned());
            }
            let cmp = if x.scale < 0.0 { mirrored(cmp) } else { cmp };
            let mut keys = x.keys(context);
            // Per cent are compared as Prometheus does; seconds become the log's milliseconds.
            let scale = if x.is_share() { x.scale.abs() } else { 1.0 };
            if scale != 1.0 {
                keys.insert("scale".to_owned(), json!(scale));
            }
            let value = tidy((value - x.shift) / x.scale * scale);
            condition(keys, [("cmp", json!(cmp)), ("value", json!(value))])
        }
        (Term::Ratio(a, b), Term::Number(k)) => {
            let (a, b) = (Term::Signal(a.clone()), Term::Signal(b.clone()));
            let mut found = compare(&a, cmp, &times(&Term::Number(*k), &b)?, context)?;
            // 0/0 is no number and no breach; as a product it would be 0 ≥ 0.
            match cmp {
                "<=" => found["require"] = json!("baseline > 0"),
                ">=" => {
                    let above_0 = compare(&a, ">", &Term::Number(0.0), context)?;
                    return Ok(json!({ "all": [found, above_0] }));
                }
                _ => {}
            }
            Ok(found)
        }
        (Term::Difference(a, b), Term::Number(d)) => {
            let change = |size: f64| json!({ "cmp": cmp, "value": tidy(size / a.scale) });
            match (a.arm, b.arm) {
                (Arm::Canary, Arm::Baseline) => condition(a.keys(context), [("rise", change(*d))]),
                (Arm::Baseline, Arm::Canary) => condition(b.keys(context), [("drop", change(*d))]),
                _ => Err("a difference needs the canary on one side and the baseline on the other".to_owned()),
            }
        }
        (Term::Signal(a), Term::Signal(b)) if a.is_same_metric(b) => match (a.arm, b.arm) {
            (Arm::Canary, Arm::Baseline) => condition(a.keys(context), [
                ("cmp", json!(cmp)),
                ("times_baseline", json!(tidy(b.scale / a.scale))),
            ]),
            (Arm::Baseline, Arm::Canary) => compare(right, mirrored(cmp), left, context),
            _ => Err("a comparison of two series needs the canary on one side and the baseline on the other; name them with --canary and --baseline".to_owned()),
        },
        _ => Err("the two sides of the comparison do not measure the same".to_owned()),
    }
}

fn condition<const N: usize>(
    mut keys: Map<String, Value>,
    rest: [(&str, Value); N],
) -> Result<Value, String> {
    for (key, value) in rest {
        if matches!(value.as_str(), Some("==" | "!=")) {
            return Err("== and != of computed values are decided by rounding".to_owned());
        }
        keys.insert(key.to_owned(), value);
    }
    // Prometheus: an empty or NaN result drops the element, as a comparison that is false does.
    keys.insert("no_data".to_owned(), json!("false"));
    Ok(Value::Object(keys))
}

fn mirrored(cmp: &str) -> &str {
    match cmp {
        ">" => "<",
        "<" => ">",
        ">=" => "<=",
        "<=" => ">=",
        other => other,
    }
}

/// Without the last digits that the conversion of units leaves: 0.05 rather than
/// 0.050000000000000044.
fn tidy(value: f64) -> f64 {
    format!("{value:.13e}").parse().unwrap_or(value)
}
