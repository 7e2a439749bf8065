//! Where in the traffic the treatment loses first.

use maud::{Markup, html};

use super::super::charts;
use super::parts::{HALF, WIDE, change_cell, figure, prose, table, tone_class, unbroken, verdict};
use crate::analysis::{Analysis, SegmentEffect};
use crate::report::ReportInput;
use crate::report::segment_map::{cell_text, segment_map, segment_note, segment_words};
use crate::units::{self, ValueForm};

/// The most rows that the table shows; JSON has them all.
const MAX_ROWS: usize = 20;

pub(super) fn body(input: &ReportInput<'_>) -> Option<Markup> {
    let analysis = input.analysis;
    if analysis.segments.is_empty() {
        return None;
    }
    let deciding = analysis.scorecard.iter().filter(|row| row.role.decides());
    let forests: Vec<_> = deciding
        .filter_map(|row| charts::segment_forest(analysis, &row.id))
        .collect();
    Some(html! {
        p.lead {
            "Exploratory: many segments were looked at. A segment that loses here is a question for \
             the next rollout rather than a finding."
        }
        @for words in segment_words(analysis) { p { (prose(&words)) "." } }
        (map_table(analysis))
        p.note { (segment_note(analysis)) "." }
        (segments_table(analysis))
        @match forests.as_slice() {
            [only] => (figure(only, (WIDE, height(only)), None)),
            _ => div.pair {
                @for forest in &forests { (figure(forest, (HALF, height(forest)), None)) }
            },
        }
    })
}

/// Every metric that decides by every segment value.
fn map_table(analysis: &Analysis) -> Markup {
    let Some(map) = segment_map(analysis) else {
        return html! {};
    };
    let shown: Vec<usize> = (0..map.metrics.len())
        .filter(|k| map.metrics[*k].role.decides())
        .collect();
    let head = html! {
        tr {
            th scope="col" { "Segment" }
            @for k in &shown { th scope="col" { (map.metrics[*k].label) } }
        }
    };
    let body = html! {
        @for row in map.rows.iter().take(MAX_ROWS) {
            tr {
                th scope="row" { (row.worst.shown_value()) small { (row.worst.segment) } }
                @for k in &shown {
                    td { (map_cell(row.cells[*k])) }
                }
            }
        }
    };
    html! {
        (table("map", &head, &body))
        @if map.rows.len() > MAX_ROWS {
            p.more { "The " (MAX_ROWS) " most harmful of " (map.rows.len()) " values." }
        }
    }
}

fn map_cell(cell: Option<&SegmentEffect>) -> Markup {
    let text = cell_text(cell);
    match cell {
        Some(effect) => {
            let tone = charts::verdict_tone(effect.verdict);
            html! { span class={ "chip " (tone_class(tone)) } { (unbroken(&text)) } }
        }
        None => html! { (text) },
    }
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
            th.num scope="col" { "p (corrected)" }
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
                    (units::p_value(segment.p_adjusted))
                } @else { (units::NO_VALUE) }
            }
            td { (verdict(segment.verdict)) }
        }
    }
}

fn value(form: ValueForm, value: Option<f64>, n: u64) -> Markup {
    html! {
        (value.map_or_else(|| units::NO_VALUE.to_owned(), |value| form.value(value)))
        small { (units::count(n)) " requests" }
    }
}
