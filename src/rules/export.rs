//! A rulebook as Prometheus alerting rules, where Prometheus can say the same; what it cannot say
//! is refused by name.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::Value;

use super::import::{ImportNote, Notes};
use super::{Rulebook, TimeSpan};
use crate::error::{Error, ErrorKind, Result};

/// Names of the series that the expressions use.
const REQUESTS: &str = "llm_requests_total";
const SUCCESSES: &str = "llm_success_total";
const ERRORS: &str = "llm_errors_total";
/// The label that tells the arms apart.
const ARM_LABEL: &str = "variant";
/// Rules that look at every request are evaluated this often by Prometheus.
const SHORTEST: &str = "15s";

/// A rulebook as a Prometheus rule file.
#[derive(Debug, Clone, Serialize)]
pub struct Export {
    /// The YAML text; `None` where no rule could be expressed.
    pub yaml: Option<String>,
    /// What differs from the rulebook, the gravest first.
    pub notes: Vec<ImportNote>,
}

/// Writes the rules that Prometheus can express.
pub fn to_prometheus(rulebook: &Rulebook) -> Result<Export> {
    let value = serde_json::to_value(rulebook).map_err(|cause| {
        Error::new(
            ErrorKind::Internal,
            format!("Cannot write the rulebook: {cause}"),
        )
    })?;
    let notes = Notes::default();
    let labels = Labels::of(&value);
    let mut groups = String::new();
    for rule in value["rule"].as_array().into_iter().flatten() {
        let id = rule["id"].as_str().unwrap_or_default();
        match group(rule, &labels, &notes) {
            Ok(text) => groups += &text,
            Err(why) => notes.refuse(id, why),
        }
    }
    if !groups.is_empty() {
        notes.assume("", format!(
            "The expressions use {REQUESTS}, {SUCCESSES}, {ERRORS} and histograms such as llm_latency_seconds with the label {ARM_LABEL}; rename them to yours"
        ));
    }
    Ok(Export {
        yaml: (!groups.is_empty()).then(|| format!("groups:\n{groups}")),
        notes: notes.into_list(),
    })
}

/// Label values of the arms.
struct Labels {
    canary: String,
    baseline: String,
}

impl Labels {
    fn of(rulebook: &Value) -> Self {
        let label = |arm: &str| rulebook["arms"][arm].as_str().unwrap_or(arm).to_owned();
        Self {
            canary: label("canary"),
            baseline: label("baseline"),
        }
    }

    fn matcher(&self, arm: &str) -> String {
        match arm {
            "all" => String::new(),
            "baseline" => format!("{{{ARM_LABEL}={:?}}}", self.baseline),
            _ => format!("{{{ARM_LABEL}={:?}}}", self.canary),
        }
    }
}

/// One rule as a group of its own, because the interval belongs to the group.
fn group(rule: &Value, labels: &Labels, notes: &Notes) -> std::result::Result<String, String> {
    let id = rule["id"].as_str().unwrap_or_default();
    let every = match rule["clock"]["every"].as_str() {
        Some(every) => every.to_owned(),
        None if rule["clock"].get("once_at").is_some() => {
            return Err("Prometheus cannot look once only".to_owned());
        }
        None => {
            notes.assume(
                id,
                format!("Prometheus looks every {SHORTEST}, not at every request"),
            );
            SHORTEST.to_owned()
        }
    };
    let mut expression = tree(rule, labels, (id, notes))?;
    if let Some(min) = rule.get("min") {
        for arm in ["canary", "baseline"] {
            let n = min[arm].as_u64().unwrap_or(0);
            if n > 0 {
                let span = range(&min["window"], (id, notes))?;
                expression = format!(
                    "({expression}) and sum(increase({REQUESTS}{}[{span}])) >= {n}",
                    labels.matcher(arm)
                );
            }
        }
    }
    let (hold, keep) = persistence(&rule["persist"], &every)?;
    let mut text = format!(
        "- name: {id:?}\n  interval: {}\n  rules:\n",
        prometheus_span(&every)
    );
    let mut line = |key: &str, value: &str| writeln!(text, "  {key}: {value}").ok();
    line("- alert", &format!("{id:?}"));
    line("  expr", &quoted(&expression));
    if let Some(hold) = hold {
        line("  for", &hold);
    }
    if let Some(keep) = keep {
        line("  keep_firing_for", &keep);
    }
    line(
        "  labels",
        &format!(
            "{{ action: {} }}",
            rule["action"].as_str().unwrap_or("rollback")
        ),
    );
    if let Some(title) = rule["title"].as_str() {
        line(
            "  annotations",
            &format!("{{ summary: {} }}", quoted(title)),
        );
    }
    Ok(text)
}

/// JSON strings are YAML strings.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

fn persistence(
    persist: &Value,
    every: &str,
) -> std::result::Result<(Option<String>, Option<String>), String> {
    let Some(kind) = persist.as_object() else {
        return Ok((None, None));
    };
    let span = |key: &str| kind.get(key).and_then(Value::as_str).map(prometheus_span);
    if kind.contains_key("for") {
        return Ok((span("for"), span("keep_for")));
    }
    if let Some(k) = kind.get("consecutive").and_then(Value::as_i64) {
        let every: TimeSpan = every.parse()?;
        let hold = TimeSpan {
            us: every.us.saturating_mul(k - 1),
        };
        return Ok((Some(prometheus_span(&hold.to_string())), None));
    }
    Err("Prometheus knows no persistence but `for`; breaches cannot be counted".to_owned())
}

/// `any` and `all` of a rule or branch.
fn tree(
    branch: &Value,
    labels: &Labels,
    at: (&str, &Notes),
) -> std::result::Result<String, String> {
    let (word, parts) = match (branch["any"].as_array(), branch["all"].as_array()) {
        (Some(parts), _) => ("or", parts),
        (None, Some(parts)) => ("and", parts),
        (None, None) => {
            return Err("the rule is judged by score, which Prometheus cannot compute".to_owned());
        }
    };
    let parts = parts
        .iter()
        .map(|part| {
            if part.get("metric").is_some() {
                condition(part, labels, at)
            } else if part.get("not").is_some() {
                Err("a negation is not exported".to_owned())
            } else {
                tree(part, labels, at).map(|text| format!("({text})"))
            }
        })
        .collect::<std::result::Result<Vec<String>, String>>()?;
    Ok(parts.join(&format!(" {word} ")))
}

fn condition(
    found: &Value,
    labels: &Labels,
    at: (&str, &Notes),
) -> std::result::Result<String, String> {
    let span = range(&found["window"], at)?;
    let metric = found["metric"].as_str().unwrap_or_default();
    let arm = found["arm"].as_str().unwrap_or("canary");
    let absent_as_zero = found["window"]["first_seen"] == "or_zero";
    if found["window"]["first_seen"] == "zero" {
        at.1.assume(at.0, "Counters exist from the start, at 0");
    }
    let measured_of = |arm: &str| {
        let series = Series {
            arm: labels.matcher(arm),
            span: &span,
            function: found["window"]["func"].as_str().unwrap_or("rate"),
            absent_as_zero,
        };
        measure(metric, &series)
    };
    let (measured, factor) = measured_of(arm)?;
    let baseline = || measured_of("baseline").map(|(text, _)| text);
    let scale = found["scale"].as_f64();
    // A scale multiplies both arms: differences shrink by it, multiples do not.
    let change_by = |change: &Value| {
        tidy(change["value"].as_f64().unwrap_or(0.0) * factor / scale.unwrap_or(1.0))
    };
    let cmp = |holder: &Value| holder["cmp"].as_str().unwrap_or(">").to_owned();
    let mut text = if let Some(value) = found["value"].as_f64() {
        let scaled = scale.map_or_else(
            || measured.clone(),
            |scale| format!("{scale} * ({measured})"),
        );
        format!("{scaled} {} {}", cmp(found), tidy(value * factor))
    } else if let Some(times) = found["times_baseline"].as_f64() {
        format!("{measured} {} {times} * ({})", cmp(found), baseline()?)
    } else if let Some(change) = found.get("rise") {
        format!(
            "({measured}) - ({}) {} {}",
            baseline()?,
            cmp(change),
            change_by(change)
        )
    } else if let Some(change) = found.get("drop") {
        format!(
            "({}) - ({measured}) {} {}",
            baseline()?,
            cmp(change),
            change_by(change)
        )
    } else {
        return Err("a statistical test is not exported".to_owned());
    };
    if let Some(require) = found["require"].as_str() {
        let bound = require.trim_start_matches("baseline").trim();
        text = format!("({text} and {} {bound})", baseline()?);
    }
    for arm in ["canary", "baseline"] {
        let n = found["min_n"][arm].as_u64().unwrap_or(0);
        if n > 0 {
            text = format!(
                "({text} and sum(increase({REQUESTS}{}[{span}])) >= {n})",
                labels.matcher(arm)
            );
        }
    }
    for (key, same) in [
        ("empty_as", &[] as &[&str]),
        ("drop_zero", &[]),
        ("quantile_method", &["prom_buckets"]),
        ("no_data", &["false", "reset"]),
        ("nan", &["false", "reset"]),
        ("low_sample", &[]),
    ] {
        if found.get(key).is_some()
            && !found[key]
                .as_str()
                .is_some_and(|value| same.contains(&value))
        {
            at.1.lose(
                at.0,
                format!("{key} = {} has no counterpart in Prometheus", found[key]),
            );
        }
    }
    Ok(text)
}

/// Which series, and over which range.
struct Series<'a> {
    arm: String,
    span: &'a str,
    /// `rate`, `irate` or `increase`, for quotients.
    function: &'a str,
    /// Whether what was never counted is 0 and not absent.
    absent_as_zero: bool,
}

impl Series<'_> {
    fn of(&self, function: &str, name: &str) -> String {
        format!("sum({function}({name}{}[{}]))", self.arm, self.span)
    }

    /// A counter of some of the requests.
    fn part(&self, function: &str, name: &str) -> String {
        let sum = self.of(function, name);
        if self.absent_as_zero {
            format!("({sum} or vector(0))")
        } else {
            sum
        }
    }
}

/// The expression of a metric, and the factor from the log's unit to the series'.
fn measure(metric: &str, series: &Series<'_>) -> std::result::Result<(String, f64), String> {
    let rate = |name: &str| series.of(series.function, name);
    let share = |name: &str| {
        format!(
            "{} / {}",
            series.part(series.function, name),
            rate(REQUESTS)
        )
    };
    let quantity = |inner: &str| match inner {
        "latency" => Ok(("llm_latency_seconds", 0.001)),
        "ttft" => Ok(("llm_time_to_first_token_seconds", 0.001)),
        "rating" => Ok(("llm_rating", 1.0)),
        "tokens_in" => Ok(("llm_prompt_tokens", 1.0)),
        "tokens_out" => Ok(("llm_completion_tokens", 1.0)),
        "cost" => Ok(("llm_cost_usd", 1.0)),
        other => Err(format!("{other} has no histogram")),
    };
    match metric {
        "error_share" => Ok((share(ERRORS), 1.0)),
        "success_share" => Ok((share(SUCCESSES), 1.0)),
        "count" => Ok((series.of("increase", REQUESTS), 1.0)),
        "rps" => Ok((rate(REQUESTS), 1.0)),
        "count(error)" => Ok((series.part("increase", ERRORS), 1.0)),
        "rps(error)" => Ok((series.part(series.function, ERRORS), 1.0)),
        _ => {
            let (name, inner) = metric
                .trim_end_matches(')')
                .split_once('(')
                .ok_or_else(|| format!("{metric} is not exported"))?;
            match (name, inner.split_once(',')) {
                ("mean", None) => {
                    let (name, factor) = quantity(inner)?;
                    Ok((
                        format!(
                            "{} / {}",
                            rate(&format!("{name}_sum")),
                            rate(&format!("{name}_count"))
                        ),
                        factor,
                    ))
                }
                // burn > k is error share > k · allowed
                ("burn", Some((_, objective))) => {
                    let objective: f64 = objective.trim().parse().unwrap_or(f64::NAN);
                    Ok((share(ERRORS), 1.0 - objective))
                }
                ("quantile", Some((inner, q))) => {
                    let (name, factor) = quantity(inner.trim())?;
                    let Series {
                        arm,
                        span,
                        function,
                        ..
                    } = series;
                    Ok((
                        format!(
                            "histogram_quantile({}, sum by (le) ({function}({name}_bucket{arm}[{span}])))",
                            q.trim()
                        ),
                        factor,
                    ))
                }
                _ => Err(format!("{metric} is not exported")),
            }
        }
    }
}

/// Without the digits that the conversion of units leaves.
fn tidy(value: f64) -> f64 {
    format!("{value:.13e}").parse().unwrap_or(value)
}

/// The length of a window that Prometheus has too.
fn range(window: &Value, (id, notes): (&str, &Notes)) -> std::result::Result<String, String> {
    if let Some(span) = window["counter"].as_str() {
        return Ok(prometheus_span(span));
    }
    if let Some(span) = window["trailing"].as_str() {
        notes.assume(id, "A window of time becomes a rate of scraped counters, which lags by up to a scrape and extrapolates at its ends");
        return Ok(prometheus_span(span));
    }
    let kind = window
        .as_object()
        .and_then(|map| map.keys().next())
        .map_or("none", String::as_str);
    Err(format!(
        "Prometheus has no window of the kind {kind:?}; trailing windows can be exported"
    ))
}

/// `1h 30m` is `1h30m` there.
fn prometheus_span(span: &str) -> String {
    span.split_whitespace().collect()
}
