//! Every metric of every arm, with its effect, margin and verdict; and the forest plot.

use maud::{Markup, html};

use super::super::charts;
use super::parts::{WIDE, change_cell, figure, level, relative_cell, table, value_cell, verdict};
use crate::analysis::{Analysis, ArmValue, Direction, Effect, MetricRole, ScorecardRow};
use crate::report::ReportInput;
use crate::units;

pub(super) fn body(input: &ReportInput<'_>) -> Option<Markup> {
    let analysis = input.analysis;
    if analysis.scorecard.is_empty() {
        return None;
    }
    let forest = charts::guardrail_forest(analysis);
    Some(html! {
        p.lead {
            "Differences are the arm minus " (charts::arm_name(analysis, analysis.control))
            ", with " (level(analysis.settings.level)) " intervals. A guardrail passes when the \
             worse end of its interval stays within its margin, and is not corrected for the number of \
             guardrails: shipping needs all of them, so the chance of shipping with a harmed one stays \
             below the level of each. Primary and secondary metrics are corrected ("
            (analysis.settings.correction.label()) ")."
            @if stratified(analysis) {
                " The treatment’s share changed over time, so arms are compared within stages and \
                 the stages combined, each at the weight n₁n₂/(n₁+n₂) of its requests in both arms: \
                 the difference is not that of the two values beside it, which stand for the whole log."
            }
        }
        @for (role, title) in [
            (MetricRole::Primary, "Primary: to be improved"),
            (MetricRole::Guardrail, "Guardrails"),
            (MetricRole::Secondary, "Secondary"),
            (MetricRole::Neutral, "For information"),
        ] {
            @let rows: Vec<&ScorecardRow> =
                analysis.scorecard.iter().filter(|row| row.role == role).collect();
            @if !rows.is_empty() {
                h3 { (title) }
                (rows_table(analysis, &rows, role))
            }
        }
        @if let Some(forest) = forest {
            @let rows = analysis.scorecard.iter().filter(|r| r.role.decides()).count();
            (figure(&forest, (WIDE, 120 + 34 * rows as u32), None))
        }
    })
}

fn stratified(analysis: &Analysis) -> bool {
    let effects = analysis.scorecard.iter().flat_map(|row| &row.effects);
    effects.clone().any(|effect| effect.stratified.is_some())
}

fn rows_table(analysis: &Analysis, rows: &[&ScorecardRow], role: MetricRole) -> Markup {
    let several = rows.iter().any(|row| row.effects.len() > 1);
    let control = charts::arm_name(analysis, analysis.control);
    let treatment = analysis
        .treatment
        .map(|arm| charts::arm_name(analysis, arm));
    let head = html! {
        tr {
            th scope="col" { "Metric" }
            th.num scope="col" { (control) small { "control" } }
            @if treatment.is_some() {
                @if several { th scope="col" { "Arm" } }
                th.num scope="col" {
                    @if several { "Value" } @else { (treatment.unwrap_or_default()) small { "treatment" } }
                }
                th.num scope="col" { "Difference" }
                th.num scope="col" { "Relative" }
                @if role.decides() { th.num scope="col" { "Margin" } }
                th scope="col" { "Verdict" }
            }
        }
    };
    let body = html! {
        @for row in rows {
            @if row.effects.is_empty() {
                tr { (metric_cell(row, 1)) (control_cell(analysis, row, 1)) }
            }
            @for (k, effect) in row.effects.iter().enumerate() {
                tr class=[(k > 0).then_some("same")] {
                    @if k == 0 {
                        (metric_cell(row, row.effects.len()))
                        (control_cell(analysis, row, row.effects.len()))
                    }
                    @if several { td { (charts::arm_name(analysis, effect.arm)) } }
                    td.num { (arm_value(row, effect.arm)) }
                    td.num { (change_cell(row.form, effect.difference.as_ref())) (inference(row, effect)) }
                    td.num { (relative_cell(effect.relative.as_ref())) }
                    @if role.decides() { td.num.nowrap { (margin(row, effect)) } }
                    td { (verdict(effect.verdict)) }
                }
            }
        }
    };
    let class = if several {
        "scorecard several"
    } else {
        "scorecard"
    };
    table(class, &head, &body)
}

fn metric_cell(row: &ScorecardRow, span: usize) -> Markup {
    html! {
        th scope="row" rowspan=[(span > 1).then_some(span)] {
            (row.label)
            small { "of " (row.denominator) }
            @match row.direction {
                Direction::LowerIsBetter => small { "lower is better" },
                Direction::HigherIsBetter => small { "higher is better" },
                Direction::Neutral => {},
            }
        }
    }
}

fn control_cell(analysis: &Analysis, row: &ScorecardRow, span: usize) -> Markup {
    html! {
        td.num rowspan=[(span > 1).then_some(span)] { (arm_value(row, analysis.control)) }
    }
}

/// A value, its interval and what it was counted from.
fn arm_value(row: &ScorecardRow, arm: usize) -> Markup {
    let found = row.values.iter().find(|value| value.arm == arm);
    html! {
        (value_cell(row.form, found.and_then(|value| value.estimate.as_ref())))
        @if let Some(ArmValue { n, numerator, .. }) = found {
            small {
                @match numerator {
                    Some(k) => { (units::count(*k)) " / " (units::count(*n)) }
                    None => { "n " (units::count(*n)) }
                }
            }
        }
    }
}

/// What the interval stands on, and the p-value beside it.
fn inference(row: &ScorecardRow, effect: &Effect) -> Markup {
    html! {
        @if effect.difference.is_some() {
            small {
                (effect.unit.label())
                @if let Some(test) = &effect.test { ", p " (units::p_value(test.p)) }
                @if let Some(p) = effect.p_adjusted { ", corrected " (units::p_value(p)) }
            }
            @if let Some(other) = effect.by_request.as_ref().or(effect.by_unit.as_ref()) {
                small {
                    @if effect.by_request.is_some() { "by request" } @else { "by user" }
                    ", p " (units::p_value(other.test.p))
                    @if let Some(deff) = effect.design_effect {
                        "; design effect " (units::number(deff))
                    }
                }
            }
            @if let Some(warning) = &effect.unit_warning { small.warning { (warning) } }
            @if let Some(stages) = &effect.stratified {
                small {
                    "within " (stages.strata.len()) " stages; over the whole log "
                    (stages.pooled.as_ref().map_or_else(
                        || units::NO_VALUE.to_owned(),
                        |d| row.form.change_with_interval(d.value, d.interval.lower, d.interval.upper),
                    ))
                }
                @if let Some(warning) = &stages.warning { small.warning { (warning) } }
            }
        }
    }
}

/// The tolerated change, towards the worse side.
fn margin(row: &ScorecardRow, effect: &Effect) -> String {
    match (effect.margin, row.direction) {
        (None, _) => units::NO_VALUE.to_owned(),
        (Some(margin), Direction::HigherIsBetter) => row.form.change(-margin),
        (Some(margin), _) => row.form.change(margin),
    }
}
