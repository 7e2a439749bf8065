//! Conditions: what is measured and with what it is compared.

use super::super::raw::{RawChange, RawNode, RawTest};
use super::super::{
    ArmRole, Cmp, Comparison, Condition, CounterFunc, LowSample, Metric, QuantileMethod, Require,
    TestKind, TestRule, Window,
};
use super::fault;
use super::timing::{reachable, window};
use crate::error::Result;

/// Reads one condition.
pub(super) fn condition(raw: RawNode, at: &str) -> Result<Condition> {
    let Some(metric) = raw.metric.clone() else {
        return Err(fault(format!("{at}.metric"), "The condition has no metric")
            .hint("Write metric = \"error_share\" or another metric"));
    };
    let scale = raw.scale.unwrap_or(1.0);
    if !(scale.is_finite() && scale > 0.0) {
        return Err(fault(
            format!("{at}.scale"),
            format!("A scale is a positive number, not {scale}"),
        ));
    }
    let comparison = comparison(&raw, &metric, scale, at)?;
    let window = match (&raw.window, &metric) {
        (Some(raw), _) => window(raw, &format!("{at}.window"))?,
        // A count of requests in a row goes back as far as they do.
        (None, Metric::Consecutive(_)) => Window::Run,
        (None, _) => {
            return Err(fault(format!("{at}.window"), "The condition has no window")
                .hint("Write window = { last = 100 } or { trailing = \"5m\" }"));
        }
    };
    check_metric_in_window(&metric, window, raw.quantile_method, at)?;
    let found = Condition {
        name: raw.name.unwrap_or_default(),
        metric,
        arm: raw.arm.unwrap_or_default(),
        window,
        comparison,
        scale,
        min_n: raw.min_n.unwrap_or_default(),
        require: raw
            .require
            .map(|text| require(&text, &format!("{at}.require")))
            .transpose()?,
        empty_as: raw.empty_as,
        drop_zero: raw.drop_zero.unwrap_or(false),
        quantile_method: raw.quantile_method.unwrap_or_default(),
        buckets: buckets(raw.buckets, raw.quantile_method, &format!("{at}.buckets"))?,
        no_data: raw.no_data,
        nan: raw.nan,
        low_sample: raw.low_sample.unwrap_or_default(),
        stop: raw.stop.unwrap_or(false),
        score: None,
    };
    check_options(&found, raw.quantile_method, at)?;
    Ok(found)
}

/// Options that contradict the metric or the window they stand beside.
fn check_options(found: &Condition, quantile: Option<QuantileMethod>, at: &str) -> Result<()> {
    for (name, n) in [
        ("canary", found.min_n.canary),
        ("baseline", found.min_n.baseline),
    ] {
        reachable(found.window, n, &format!("{at}.min_n.{name}"))?;
    }
    if found.drop_zero && found.metric.column().is_none() {
        return Err(fault(
            format!("{at}.drop_zero"),
            format!("{} has no values of which 0 could be dropped", found.metric),
        ));
    }
    if quantile.is_some() && !matches!(found.metric, Metric::Quantile(..)) {
        return Err(fault(
            format!("{at}.quantile_method"),
            format!("{} is not a quantile", found.metric),
        ));
    }
    if found.low_sample == LowSample::Ignore && found.least_n() == 0 {
        return Err(fault(
            format!("{at}.low_sample"),
            format!("{} is not a quantile", found.metric),
        ));
    }
    if let Comparison::Test(test) = found.comparison {
        check_test(found, test, &format!("{at}.test"))?;
    }
    if found.arm == ArmRole::Baseline && found.needs_baseline() {
        return Err(fault(
            format!("{at}.arm"),
            "The baseline cannot be compared with itself",
        ));
    }
    match found.empty_as {
        Some(value) if !value.is_finite() => Err(fault(
            format!("{at}.empty_as"),
            "empty_as is a finite number",
        )),
        _ => Ok(()),
    }
}

/// A test of a metric that it can test, over requests that it can have.
fn check_test(found: &Condition, test: TestRule, at: &str) -> Result<()> {
    let metric = &found.metric;
    let (is_fit, needed) = match test.kind {
        TestKind::ZTwoProp => (metric.is_share(), "a share"),
        TestKind::MannWhitney => (
            matches!(metric, Metric::Mean(_) | Metric::Quantile(..)),
            "values: a mean or a quantile",
        ),
        TestKind::ConfSeq | TestKind::Msprt => (
            metric.is_share() || matches!(metric, Metric::Mean(_)),
            "a share or a mean",
        ),
    };
    if !is_fit {
        return Err(fault(
            format!("{at}.kind"),
            format!("This test compares {needed}, not {metric}"),
        ));
    }
    if matches!(found.window, Window::Counter { .. }) {
        return Err(fault(at, "A test needs requests, not scraped counters"));
    }
    let is_sequential = matches!(test.kind, TestKind::ConfSeq | TestKind::Msprt);
    if is_sequential && !matches!(found.window, Window::Run | Window::Stage) {
        return Err(fault(
            format!("{at}.kind"),
            "A sequential test holds over all looks at data that only grow, not on a window that forgets",
        )
        .hint("Write window = { since = \"run\" } or { since = \"stage\" }"));
    }
    if found.scale != 1.0 || found.arm != ArmRole::Canary || found.require.is_some() {
        return Err(fault(
            at,
            "A test compares the canary with the baseline as they are: without scale, arm and require",
        ));
    }
    Ok(())
}

/// The bounds of a histogram; Istio's where the rulebook gives none.
fn buckets(raw: Option<Vec<f64>>, method: Option<QuantileMethod>, at: &str) -> Result<Vec<f64>> {
    /// `istio_request_duration_milliseconds`.
    const ISTIO_MS: [f64; 19] = [
        0.5,
        1.0,
        5.0,
        10.0,
        25.0,
        50.0,
        100.0,
        250.0,
        500.0,
        1000.0,
        2500.0,
        5000.0,
        10_000.0,
        30_000.0,
        60_000.0,
        300_000.0,
        600_000.0,
        1_800_000.0,
        3_600_000.0,
    ];
    match (raw, method) {
        (Some(bounds), Some(QuantileMethod::PromBuckets)) => {
            if bounds.is_empty() || !bounds.is_sorted_by(|a, b| a < b && b.is_finite()) {
                return Err(fault(at, "Bounds of buckets ascend and are finite")
                    .hint("Write buckets = [100, 250, 500, 1000]; the bucket above the last is there anyway"));
            }
            Ok(bounds)
        }
        (None, Some(QuantileMethod::PromBuckets)) => Ok(ISTIO_MS.to_vec()),
        (Some(_), _) => Err(fault(
            at,
            "buckets belongs beside quantile_method = \"prom_buckets\"",
        )),
        (None, _) => Ok(Vec::new()),
    }
}

fn test(raw: &RawTest, at: &str) -> Result<TestRule> {
    let Some(kind) = raw.kind else {
        return Err(fault(format!("{at}.kind"), "The test has no kind")
            .hint("Write kind = \"conf_seq\", \"msprt\", \"z_two_prop\" or \"mann_whitney\""));
    };
    let (key, alpha) = match (raw.alpha, raw.conf) {
        (Some(alpha), None) => ("alpha", alpha),
        (None, Some(conf)) => ("conf", 1.0 - conf),
        (None, None) => ("alpha", 0.05),
        (Some(_), Some(_)) => {
            return Err(fault(
                format!("{at}.conf"),
                "A test has either alpha or conf",
            ));
        }
    };
    if !(alpha > 0.0 && alpha <= 0.5) {
        return Err(fault(
            format!("{at}.{key}"),
            format!("The level of a test lies between 0 and 0.5, not {alpha}"),
        ));
    }
    let (tuning, margin) = (
        raw.tuning.unwrap_or(TestRule::TUNING),
        raw.margin.unwrap_or(0.0),
    );
    if !(tuning.is_finite() && tuning >= 1.0) {
        return Err(fault(
            format!("{at}.tuning"),
            "tuning is a number of units, at least 1",
        ));
    }
    if !(margin.is_finite() && margin >= 0.0) {
        return Err(fault(format!("{at}.margin"), "A margin is at least 0"));
    }
    if margin > 0.0 && !matches!(kind, TestKind::ConfSeq | TestKind::Msprt) {
        return Err(fault(
            format!("{at}.margin"),
            "Only conf_seq and msprt take a margin",
        ));
    }
    Ok(TestRule {
        kind,
        side: raw.side.unwrap_or_default(),
        alpha,
        tuning,
        margin,
    })
}

fn comparison(raw: &RawNode, metric: &Metric, scale: f64, at: &str) -> Result<Comparison> {
    let given = [
        raw.test.is_some(),
        raw.value.is_some(),
        raw.times_baseline.is_some(),
        raw.drop.is_some(),
        raw.rise.is_some(),
    ];
    if given.iter().filter(|given| **given).count() != 1 {
        return Err(fault(
            at,
            "A condition has exactly one of value, times_baseline, drop, rise and test",
        )
        .hint("Write cmp = \">\", value = 0.05 or cmp = \">\", times_baseline = 2"));
    }
    if let Some(raw) = &raw.test {
        return Ok(Comparison::Test(test(raw, &format!("{at}.test"))?));
    }
    if let Some(change) = &raw.drop {
        let (cmp, by) = amount(change, metric, scale, &format!("{at}.drop"))?;
        return Ok(Comparison::Drop { cmp, by });
    }
    if let Some(change) = &raw.rise {
        let (cmp, by) = amount(change, metric, scale, &format!("{at}.rise"))?;
        return Ok(Comparison::Rise { cmp, by });
    }
    let cmp = operator(raw.cmp, at)?;
    if let Some(factor) = raw.times_baseline {
        if !(factor.is_finite() && factor > 0.0) {
            return Err(fault(
                format!("{at}.times_baseline"),
                format!("A factor is a positive number, not {factor}"),
            ));
        }
        return Ok(Comparison::TimesBaseline { cmp, factor });
    }
    let value = threshold(raw.value, metric, scale, at)?;
    Ok(Comparison::Value { cmp, value })
}

fn amount(change: &RawChange, metric: &Metric, scale: f64, at: &str) -> Result<(Cmp, f64)> {
    Ok((
        operator(change.cmp, at)?,
        threshold(change.value, metric, scale, at)?,
    ))
}

fn operator(cmp: Option<Cmp>, at: &str) -> Result<Cmp> {
    let at = format!("{at}.cmp");
    match cmp {
        Some(Cmp::Eq | Cmp::Ne) => Err(fault(at, "A threshold is not compared for equality")
            .hint("Write \">\", \">=\", \"<\" or \"<=\"")),
        Some(cmp) => Ok(cmp),
        None => Err(fault(at, "The comparison has no operator").hint("Write cmp = \">\"")),
    }
}

fn threshold(value: Option<f64>, metric: &Metric, scale: f64, at: &str) -> Result<f64> {
    let at = format!("{at}.value");
    let Some(value) = value else {
        return Err(fault(at, "The comparison has no value").hint("Write value = 0.05"));
    };
    if !value.is_finite() {
        return Err(fault(
            at,
            format!("A threshold is a finite number, not {value}"),
        ));
    }
    if metric.is_share() && value.abs() > scale {
        let error = fault(
            at,
            format!("{metric} lies between 0 and {scale}, so {value} is never met"),
        );
        return Err(if scale == 1.0 {
            error.hint(format!("Write {} for {value} %", value / 100.0))
        } else {
            error
        });
    }
    Ok(value)
}

fn require(text: &str, at: &str) -> Result<Require> {
    let fault = || {
        fault(at, format!("{text:?} is not a requirement"))
            .hint("Write require = \"baseline > 0\" or \"baseline != 0\"")
    };
    let rest = text
        .trim()
        .strip_prefix("baseline")
        .ok_or_else(fault)?
        .trim();
    let split = rest.find(|c: char| !"<>=!".contains(c)).ok_or_else(fault)?;
    let value: f64 = rest[split..].trim().parse().ok().ok_or_else(fault)?;
    let cmp = [Cmp::Gt, Cmp::Ge, Cmp::Lt, Cmp::Le, Cmp::Eq, Cmp::Ne]
        .into_iter()
        .find(|cmp| cmp.to_string() == rest[..split])
        .ok_or_else(fault)?;
    Ok(Require { cmp, value })
}

fn check_metric_in_window(
    metric: &Metric,
    window: Window,
    method: Option<QuantileMethod>,
    at: &str,
) -> Result<()> {
    let at = format!("{at}.metric");
    let is_histogram = method == Some(QuantileMethod::PromBuckets);
    match (metric, window) {
        (Metric::Score, _) => Err(fault(at, "A score is no condition")
            .hint("Write [rule.score] instead of any and all")),
        (
            Metric::ErrorShare
            | Metric::SuccessShare
            | Metric::Rps
            | Metric::ErrorsPerSecond
            | Metric::Burn(_),
            Window::Counter { .. },
        ) => Ok(()),
        (Metric::Quantile(..), Window::Counter { .. }) if is_histogram => Ok(()),
        (
            Metric::Count | Metric::ErrorCount,
            Window::Counter {
                func: CounterFunc::Increase,
                ..
            },
        ) => Ok(()),
        (Metric::Count | Metric::ErrorCount, Window::Counter { .. }) => Err(fault(at, "A rate is no count")
            .hint("Write func = \"increase\" in the window, or metric = \"rps\"")),
        (_, Window::Counter { .. }) => Err(fault(
            at,
            format!("{metric} cannot be had from scraped counters"),
        )
        .hint("Use error_share, success_share, burn, rps, count or a quantile by prom_buckets, or a trailing window")),
        (Metric::Quantile(..), _) if is_histogram => Err(fault(
            at,
            "A quantile by prom_buckets needs scraped counters",
        )
        .hint("Write window = { counter = \"5m\" }")),
        (Metric::Consecutive(_), Window::Run | Window::Stage) => Ok(()),
        (Metric::Consecutive(_), _) => Err(fault(
            at,
            "Requests in a row go back as far as they do: leave the window out",
        )),
        (Metric::Rps | Metric::ErrorsPerSecond, Window::Last { .. } | Window::Run | Window::Stage) => {
            Err(fault(at, "rps needs a window with a length in time")
                .hint("Use a trailing, tumbling or counter window"))
        }
        _ => Ok(()),
    }
}
