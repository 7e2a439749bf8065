//! The tests behind the scorecard, and whether what they take for granted holds here.

use maud::{Markup, html};

use super::super::chart::Tone;
use super::super::charts;
use super::parts::{WIDE, change_cell, chip, effect, figure, table};
use crate::analysis::{Analysis, Assumption, Holds, TestLine, TestReport};
use crate::report::ReportInput;
use crate::stats::Estimate;
use crate::units::{self, ValueForm};

pub(super) fn body(input: &ReportInput<'_>) -> Option<Markup> {
    let analysis = input.analysis;
    if analysis.tests.is_empty() {
        return None;
    }
    Some(html! {
        p.lead {
            "A small p says that the difference is hardly chance; how large it is, and whether it \
             matters, is in the difference and its interval. The first test of each metric is the \
             one that the scorecard uses."
        }
        @for report in &analysis.tests {
            article.test {
                h3 {
                    (report.label)
                    @if analysis.arms.len() > 2 {
                        span.of { (charts::arm_name(analysis, report.arm)) }
                    }
                }
                (tests_table(analysis, report))
                (assumptions(&report.assumptions))
                @if Some(report.arm) == analysis.treatment {
                    @if let Some(chart) = charts::effect_over_time(analysis, &report.metric) {
                        (figure(&chart, (WIDE, 260), None))
                    }
                }
            }
        }
    })
}

fn tests_table(analysis: &Analysis, report: &TestReport) -> Markup {
    let head = html! {
        tr {
            th scope="col" { "Test" }
            th.num scope="col" { "Difference" }
            th.num scope="col" { "Statistic" }
            th.num scope="col" { "p" }
            th scope="col" { "Note" }
        }
    };
    let body = html! {
        @for line in &report.tests {
            tr {
                th scope="row" { (line.result.name.label()) small { (line.unit.label()) } }
                @let shown = difference(analysis, report, line);
                td.num {
                    (change_cell(report.form, shown))
                    @if shown.is_some() && line.difference.is_none() {
                        small { "(as in the scorecard)" }
                    }
                }
                td.num {
                    (ValueForm::Number.value(line.result.statistic))
                    @if let Some(df) = line.result.df { small { "df " (degrees(df)) } }
                }
                // No p-value stands without the effect and its interval.
                td.num.nowrap {
                    @if shown.is_some() { (units::p_value(line.result.p)) }
                    @else { (units::NO_VALUE) }
                }
                td.note { (line.note) }
            }
        }
    };
    table("tests", &head, &body)
}

/// Degrees of freedom: whole ones as such.
fn degrees(df: f64) -> String {
    units::significant(df, if df.fract() == 0.0 { 1 } else { 4 })
}

/// The effect that a test speaks of; tests without one borrow the scorecard's.
fn difference<'a>(
    analysis: &'a Analysis,
    report: &TestReport,
    line: &'a TestLine,
) -> Option<&'a Estimate> {
    line.difference.as_ref().or_else(|| {
        effect(analysis, &report.metric, report.arm)?
            .difference
            .as_ref()
    })
}

fn assumptions(assumptions: &[Assumption]) -> Markup {
    html! {
        @if !assumptions.is_empty() {
            ul.assumptions {
                @for assumption in assumptions {
                    li {
                        (holds(assumption.holds))
                        span { strong { (assumption.text) } " " (assumption.why) }
                    }
                }
            }
        }
    }
}

fn holds(holds: Holds) -> Markup {
    let (tone, symbol) = match holds {
        Holds::Yes => (Tone::Good, "✓"),
        Holds::Unknown => (Tone::Quiet, "?"),
        Holds::No => (Tone::Caution, "!"),
    };
    chip(tone, symbol, holds.label())
}
