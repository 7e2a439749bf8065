//! Where in the traffic the treatment loses first.

use maud::{Markup, html};

use super::super::charts;
use super::parts::{HALF, WIDE, change_cell, figure, table, verdict};
use crate::analysis::{Analysis, SegmentEffect};
use crate::report::ReportInput;
use crate::units::{self, ValueForm};

/// The most rows that the table shows; JSON has them all.
const MAX_ROWS: usize = 20;

pub(super) fn body(input: &ReportInput<'_>) -> Option<Markup> {
    let analysis = input.analysis;
    if analysis.segments.is_empty() {
        return None;
    }
    let mut metrics: Vec<&str> = Vec::new();
    for segment in &analysis.segments {
        if !metrics.contains(&segment.metric.as_str()) {
            metrics.push(&segment.metric);
        }
    }
    let forests: Vec<_> = metrics
        .iter()
        .filter_map(|metric| charts::segment_forest(analysis, metric))
        .collect();
    Some(html! {
        p.lead {
            "Exploratory: many segments were looked at, so p is corrected for their number by \
             Holm’s method, and the intervals are not. A segment that loses here is a question for \
             the next rollout rather than a finding."
        }
        @for spread in analysis.segment_spread.iter().filter(|s| s.hidden_harm.is_some() || s.p_holm < 0.05) {
            p {
                @if let Some(words) = &spread.hidden_harm { strong { (words) } ". " }
                @if spread.p_holm < 0.05 {
                    "The effect on " (spread.label) " differs between the values of " (spread.segment)
                    " (Cochran’s Q " (units::number(spread.heterogeneity.statistic)) ", corrected p "
                    (units::p_value(spread.p_holm)) ")."
                }
            }
        }
        (segments_table(analysis))
        @match forests.as_slice() {
            [only] => (figure(only, (WIDE, height(only)), None)),
            _ => div.pair {
                @for forest in &forests { (figure(forest, (HALF, height(forest)), None)) }
            },
        }
    })
}

/// A row of a category axis takes 26 pixels.
fn height(chart: &super::super::chart::Chart) -> u32 {
    let (_, (lo, hi)) = chart.ranges();
    110 + (26.0 * (hi - lo)) as u32
}

fn segments_table(analysis: &Analysis) -> Markup {
    let control = charts::arm_name(analysis, analysis.control);
    let treatment = analysis
        .treatment
        .map_or("treatment", |arm| charts::arm_name(analysis, arm));
    let head = html! {
        tr {
            th scope="col" { "Segment" }
            th scope="col" { "Metric" }
            th.num scope="col" { (control) }
            th.num scope="col" { (treatment) }
            th.num scope="col" { "Difference" }
            th.num scope="col" { "p (Holm)" }
            th scope="col" { "Verdict" }
        }
    };
    let body = html! {
        @for segment in analysis.segments.iter().take(MAX_ROWS) { (row(segment)) }
    };
    html! {
        (table("", &head, &body))
        @if analysis.segments.len() > MAX_ROWS {
            p.more {
                "The " (MAX_ROWS) " most harmful of " (analysis.segments.len())
                "; the JSON report has them all."
            }
        }
    }
}

fn row(segment: &SegmentEffect) -> Markup {
    html! {
        tr {
            th scope="row" {
                @if segment.value.is_empty() { em { "(empty)" } } @else { (segment.value) }
                small { (segment.segment) }
            }
            td { (segment.label) }
            td.num { (value(segment.form, segment.control, segment.n_requests.0)) }
            td.num { (value(segment.form, segment.treatment, segment.n_requests.1)) }
            td.num { (change_cell(segment.form, segment.effect.difference.as_ref())) }
            td.num {
                @if segment.effect.difference.is_some() {
                    (units::p_value(segment.p_holm))
                } @else { (units::NO_VALUE) }
            }
            td { (verdict(segment.effect.verdict)) }
        }
    }
}

fn value(form: ValueForm, value: Option<f64>, n: u64) -> Markup {
    html! {
        (value.map_or_else(|| units::NO_VALUE.to_owned(), |value| form.value(value)))
        small { (units::count(n)) " requests" }
    }
}
