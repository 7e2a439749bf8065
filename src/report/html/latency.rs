//! Latency: distributions, quantiles and what changed at each of them.

use maud::{Markup, html};

use super::super::charts;
use super::parts::{HALF, WIDE, change_cell, figure, table, value_cell};
use crate::analysis::{Analysis, LatencyPanel, QuantileValue};
use crate::report::ReportInput;
use crate::units::{self, ValueForm};

pub(super) fn body(input: &ReportInput<'_>) -> Option<Markup> {
    let analysis = input.analysis;
    if analysis.latency.is_empty() {
        return None;
    }
    Some(html! {
        p.lead {
            "Successful requests only: a failure is often fast, and would flatter the arm that fails."
        }
        @for panel in &analysis.latency {
            h3 { (panel.label) }
            (quantile_table(analysis, panel))
            div.pair {
                (figure(&charts::latency_histogram(analysis, panel), (HALF, 270), Some(bins(analysis, panel))))
                (figure(&charts::latency_ecdf(analysis, panel), (HALF, 270), None))
            }
            @if panel.differences.iter().any(|arm| !arm.points.is_empty()) {
                (figure(
                    &charts::quantile_differences(analysis, panel),
                    (WIDE, 260),
                    Some(differences(analysis, panel)),
                ))
            }
        }
    })
}

fn quantile_table(analysis: &Analysis, panel: &LatencyPanel) -> Markup {
    let levels: Vec<f64> = panel.arms.first().map_or(Vec::new(), |arm| {
        arm.quantiles.iter().map(|q| q.q).collect()
    });
    let head = html! {
        tr {
            th scope="col" { "Quantile" }
            @for arm in &panel.arms {
                th.num scope="col" {
                    (charts::arm_name(analysis, arm.arm)) small { "n " (units::count(arm.n)) }
                }
            }
            @for arm in &panel.differences {
                th.num scope="col" {
                    "Difference" small { (charts::arm_name(analysis, arm.arm)) }
                }
            }
        }
    };
    let body = html! {
        @for q in levels {
            tr {
                th scope="row" { (percentile(q)) }
                @for arm in &panel.arms {
                    td.num { (value_cell(ValueForm::LatencyMs, at(&arm.quantiles, q))) }
                }
                @for arm in &panel.differences {
                    td.num { (change_cell(ValueForm::LatencyMs, at(&arm.points, q))) }
                }
            }
        }
        tr.aside {
            th scope="row" { "Mean ± sd" }
            @for arm in &panel.arms {
                td.num { (units::latency(arm.mean_ms)) " ± " (units::latency(arm.sd_ms)) }
            }
            @for _ in &panel.differences { td {} }
        }
    };
    table("", &head, &body)
}

fn at(quantiles: &[QuantileValue], q: f64) -> Option<&crate::stats::Estimate> {
    quantiles
        .iter()
        .find(|value| (value.q - q).abs() < 1e-9)
        .map(|value| &value.estimate)
}

fn percentile(q: f64) -> String {
    format!("p{}", units::significant(q * 100.0, 2))
}

/// The histogram's twin: requests per bin, empty bins at both ends left out.
fn bins(analysis: &Analysis, panel: &LatencyPanel) -> Markup {
    let used = |k: &usize| {
        panel
            .arms
            .iter()
            .any(|arm| arm.counts.get(*k).is_some_and(|&n| n > 0))
    };
    let n_bins = panel.edges_ms.len().saturating_sub(1);
    let first = (0..n_bins).find(used).unwrap_or(0);
    let last = (0..n_bins).rev().find(used).map_or(first, |k| k + 1);
    let head = html! {
        tr {
            th.num scope="col" { "From" }
            th.num scope="col" { "To" }
            @for arm in &panel.arms { th.num scope="col" { (charts::arm_name(analysis, arm.arm)) } }
        }
    };
    let body = html! {
        @for k in first..last {
            tr {
                td.num { (units::latency(panel.edges_ms[k])) }
                td.num { (units::latency(panel.edges_ms[k + 1])) }
                @for arm in &panel.arms {
                    td.num { (units::count(arm.counts.get(k).copied().unwrap_or(0))) }
                }
            }
        }
    };
    table("dense", &head, &body)
}

fn differences(analysis: &Analysis, panel: &LatencyPanel) -> Markup {
    let head = html! {
        tr {
            th scope="col" { "Arm" }
            th scope="col" { "Quantile" }
            th.num scope="col" { "Difference" }
        }
    };
    let body = html! {
        @for arm in &panel.differences {
            @for point in &arm.points {
                tr {
                    td { (charts::arm_name(analysis, arm.arm)) }
                    td { (percentile(point.q)) }
                    td.num { (change_cell(ValueForm::LatencyMs, Some(&point.estimate))) }
                }
            }
        }
    };
    table("dense", &head, &body)
}
