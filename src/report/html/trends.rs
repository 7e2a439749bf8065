//! Metrics over time and the stages of the rollout.

use maud::{Markup, html};

use super::super::charts;
use super::parts::{WIDE, figure, table};
use crate::analysis::{Analysis, TrendArm, Trends};
use crate::report::ReportInput;
use crate::units;

pub(super) fn body(input: &ReportInput<'_>) -> Option<Markup> {
    let analysis = input.analysis;
    let trends = analysis.trends.as_ref()?;
    Some(html! {
        @if !analysis.stages.is_empty() { (stages(analysis)) }
        @if let Some(chart) = charts::traffic(analysis, input.replay) {
            (figure(&chart, (WIDE, 230), Some(traffic_table(analysis, trends))))
        }
        @for id in charts::metric_ids(analysis) {
            @if let Some(chart) = charts::trend(analysis, &id, input.replay) {
                (figure(&chart, (WIDE, 240), Some(series_table(analysis, trends, &id))))
            }
        }
    })
}

fn stages(analysis: &Analysis) -> Markup {
    let clock = analysis.log.clock;
    let head = html! {
        tr {
            th scope="col" { "Stage" }
            th.num scope="col" { "Treatment’s share" }
            th scope="col" { "From" }
            th.num scope="col" { "Lasted" }
            th.num scope="col" { "Requests" }
            th.num scope="col" { "of the treatment" }
        }
    };
    let body = html! {
        @for (k, stage) in analysis.stages.iter().enumerate() {
            tr {
                td { (k + 1) }
                td.num { (units::share(stage.share)) }
                td { (units::instant(stage.from_us, clock)) }
                td.num { (units::duration_us(stage.to_us - stage.from_us)) }
                td.num { (units::count(stage.n_requests)) }
                td.num { (units::count(stage.n_treatment)) }
            }
        }
    };
    html! {
        h3 { "Stages" }
        p.lead { "Inferred from the treatment’s share of requests, not read from a plan." }
        (table("", &head, &body))
    }
}

fn arm_heads(analysis: &Analysis, trends: &Trends) -> Markup {
    html! {
        @for arm in &trends.arms {
            th.num scope="col" { (charts::arm_name(analysis, arm.arm)) }
        }
    }
}

fn traffic_table(analysis: &Analysis, trends: &Trends) -> Markup {
    let clock = analysis.log.clock;
    let head = html! { tr { th scope="col" { "From" } (arm_heads(analysis, trends)) } };
    let body = html! {
        @for (k, start) in trends.starts_us.iter().enumerate() {
            tr {
                td { (units::instant(*start, clock)) }
                @for arm in &trends.arms {
                    td.num {
                        (units::count(arm.n_requests.get(k).copied().unwrap_or(0)))
                        @if let Some(share) = arm.share.get(k).copied().flatten() {
                            small { (units::share(share)) }
                        }
                    }
                }
            }
        }
    };
    table("dense", &head, &body)
}

fn series_table(analysis: &Analysis, trends: &Trends, id: &str) -> Markup {
    let clock = analysis.log.clock;
    let head = html! { tr { th scope="col" { "From" } (arm_heads(analysis, trends)) } };
    let body = html! {
        @for (k, start) in trends.starts_us.iter().enumerate() {
            tr {
                td { (units::instant(*start, clock)) }
                @for arm in &trends.arms { td.num { (point(arm, id, k)) } }
            }
        }
    };
    table("dense", &head, &body)
}

fn point(arm: &TrendArm, id: &str, bucket: usize) -> Markup {
    let found = arm
        .series
        .iter()
        .find(|series| series.id == id)
        .and_then(|series| {
            let point = series.points.get(bucket).copied().flatten()?;
            Some((series.form, point))
        });
    html! {
        @match found {
            Some((form, point)) => {
                (form.value(point.value))
                small {
                    @if let Some(interval) = point.interval {
                        "[" (form.value(interval.lower)) ", " (form.value(interval.upper)) "], "
                    }
                    "n " (units::count(point.n))
                }
            }
            None => (units::NO_VALUE),
        }
    }
}
