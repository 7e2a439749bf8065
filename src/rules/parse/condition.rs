//! Conditions: what is measured and with what it is compared.

use super::super::raw::{RawChange, RawNode};
use super::super::{ArmRole, Cmp, Comparison, Condition, Metric, QuantileMethod, Require, Window};
use super::fault;
use super::timing::{reachable, window};
use crate::error::Result;

/// Reads one condition.
pub(super) fn condition(raw: RawNode, at: &str) -> Result<Condition> {
    let Some(metric) = raw.metric else {
        return Err(fault(format!("{at}.metric"), "The condition has no metric")
            .hint("Write metric = \"error_share\" or another metric"));
    };
    let comparison = comparison(&raw, metric, at)?;
    let Some(raw_window) = raw.window else {
        return Err(fault(format!("{at}.window"), "The condition has no window")
            .hint("Write window = { last = 100 } or { trailing = \"5m\" }"));
    };
    let window = window(&raw_window, &format!("{at}.window"))?;
    check_metric_in_window(metric, window, at)?;
    let found = Condition {
        name: raw.name.unwrap_or_default(),
        metric,
        arm: raw.arm.unwrap_or_default(),
        window,
        comparison,
        min_n: raw.min_n.unwrap_or_default(),
        require: raw
            .require
            .map(|text| require(&text, &format!("{at}.require")))
            .transpose()?,
        empty_as: raw.empty_as,
        drop_zero: raw.drop_zero.unwrap_or(false),
        quantile_method: raw.quantile_method.unwrap_or_default(),
        no_data: raw.no_data,
        stop: raw.stop.unwrap_or(false),
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
    if found.drop_zero && found.metric.quantity().is_none() {
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

fn comparison(raw: &RawNode, metric: Metric, at: &str) -> Result<Comparison> {
    let given = [
        raw.value.is_some(),
        raw.times_baseline.is_some(),
        raw.drop.is_some(),
        raw.rise.is_some(),
    ];
    if given.iter().filter(|given| **given).count() != 1 {
        return Err(fault(
            at,
            "A condition has exactly one of value, times_baseline, drop and rise",
        )
        .hint("Write cmp = \">\", value = 0.05 or cmp = \">\", times_baseline = 2"));
    }
    if let Some(change) = &raw.drop {
        let (cmp, by) = amount(change, metric, &format!("{at}.drop"))?;
        return Ok(Comparison::Drop { cmp, by });
    }
    if let Some(change) = &raw.rise {
        let (cmp, by) = amount(change, metric, &format!("{at}.rise"))?;
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
    let value = threshold(raw.value, metric, at)?;
    Ok(Comparison::Value { cmp, value })
}

fn amount(change: &RawChange, metric: Metric, at: &str) -> Result<(Cmp, f64)> {
    Ok((
        operator(change.cmp, at)?,
        threshold(change.value, metric, at)?,
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

fn threshold(value: Option<f64>, metric: Metric, at: &str) -> Result<f64> {
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
    if metric.is_share() && !(-1.0..=1.0).contains(&value) {
        return Err(fault(
            at,
            format!("{metric} lies between 0 and 1, so {value} is never met"),
        )
        .hint(format!("Write {} for {value} %", value / 100.0)));
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

fn check_metric_in_window(metric: Metric, window: Window, at: &str) -> Result<()> {
    let at = format!("{at}.metric");
    match (metric, window) {
        (Metric::ErrorShare | Metric::SuccessShare | Metric::Rps, Window::Counter { .. }) => Ok(()),
        (_, Window::Counter { .. }) => Err(fault(
            at,
            format!("{metric} cannot be had from scraped counters"),
        )
        .hint("Use error_share, success_share or rps, or a trailing window")),
        (Metric::Rps, Window::Last { .. } | Window::Run) => {
            Err(fault(at, "rps needs a window with a length in time")
                .hint("Use a trailing, tumbling or counter window"))
        }
        _ => Ok(()),
    }
}
