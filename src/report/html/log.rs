//! What was read, how it was understood, and what was wrong with it.

use maud::{Markup, html};

use super::super::chart::Tone;
use super::parts::{chip, table};
use crate::analysis::{Analysis, OutcomeCounts};
use crate::report::{IssueLine, LoadNotes, ReportInput};
use crate::units;

pub(super) fn body(input: &ReportInput<'_>) -> Markup {
    let load = input.load;
    html! {
        (source(load))
        h3 { "Arms" }
        (arms(input.analysis))
        @if !load.mapping.is_empty() { h3 { "Columns" } (mapping(load)) }
        h3 { "Issues found while reading" }
        @if load.issues.is_empty() { p { "None." } } @else { (issues(&load.issues)) }
    }
}

fn source(load: &LoadNotes) -> Markup {
    html! {
        dl.facts {
            div { dt { "File" } dd { (load.source) } }
            div { dt { "Format" } dd { (load.format) } }
            div { dt { "Size" } dd { (units::count(load.bytes)) " bytes" } }
            div { dt { "Rows read" } dd { (units::count(load.rows_read)) } }
            div { dt { "Rows rejected" } dd { (units::count(load.rows_rejected)) } }
        }
    }
}

fn arms(analysis: &Analysis) -> Markup {
    let head = html! {
        tr {
            th scope="col" { "Arm" }
            th.num scope="col" { "Requests" }
            th.num scope="col" { "Users" }
            th.num scope="col" { "Answered" }
            th.num scope="col" { "Failed" }
            th.num scope="col" { "Refused" }
            th.num scope="col" { "Cancelled" }
            th.num scope="col" { "Unknown" }
            th scope="col" { "First and last" }
        }
    };
    let body = html! {
        @for (k, arm) in analysis.arms.iter().enumerate() {
            @let OutcomeCounts { ok, error, rate_limited, cancelled, unknown } = arm.outcomes;
            tr {
                th scope="row" {
                    (arm.name)
                    @if k == analysis.control { small { "control" } }
                    @if Some(k) == analysis.treatment { small { "treatment" } }
                }
                td.num { (units::count(arm.n_requests)) small { (units::share(arm.share_of_requests)) } }
                td.num { (arm.n_units.map_or_else(|| units::NO_VALUE.to_owned(), units::count)) }
                @for n in [ok, error, rate_limited, cancelled, unknown] { td.num { (units::count(n)) } }
                td.nowrap {
                    @if let Some((first, last)) = arm.span_us {
                        (units::instant(first, analysis.log.clock)) br;
                        (units::instant(last, analysis.log.clock))
                    } @else { (units::NO_VALUE) }
                }
            }
        }
    };
    table("", &head, &body)
}

fn mapping(load: &LoadNotes) -> Markup {
    let head = html! {
        tr { th scope="col" { "Used as" } th scope="col" { "Column" } th scope="col" { "Unit" } }
    };
    let body = html! {
        @for line in &load.mapping {
            tr { td { (line.role) } td { code { (line.column) } } td { (line.unit) } }
        }
    };
    table("", &head, &body)
}

fn issues(issues: &[IssueLine]) -> Markup {
    let head = html! {
        tr {
            th scope="col" { "Weight" }
            th scope="col" { "Column" }
            th scope="col" { "Rows" }
            th scope="col" { "Issue" }
        }
    };
    let body = html! {
        @for issue in issues {
            tr {
                td { (chip(tone(&issue.severity), symbol(&issue.severity), &issue.severity)) }
                td { @if !issue.column.is_empty() { code { (issue.column) } } }
                td { (issue.rows) }
                td.note {
                    (issue.message)
                    @if !issue.sample.is_empty() { " " code.sample { (issue.sample) } }
                    @if !issue.hint.is_empty() { small { (issue.hint) } }
                }
            }
        }
    };
    table("issues", &head, &body)
}

fn tone(severity: &str) -> Tone {
    match severity {
        "Stop" | "Error" => Tone::Bad,
        "Warning" => Tone::Caution,
        _ => Tone::Quiet,
    }
}

fn symbol(severity: &str) -> &'static str {
    match severity {
        "Stop" | "Error" => "✕",
        "Warning" => "!",
        _ => "i",
    }
}
