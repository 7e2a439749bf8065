//! The first page: what to do, why, three numbers, and whether the log can be trusted.

use maud::{Markup, html};

use super::super::chart::Tone;
use super::super::charts;
use super::parts::{change_interval, chip, prose, tone_class, unbroken, verdict};
use crate::analysis::{
    Analysis, ArmRole, DecisionKind, Effect, HealthCheck, ReasonWeight, ScorecardRow, Severity,
    Verdict,
};
use crate::report::ReportInput;
use crate::units;

/// How many numbers stand on the first page.
const TILES: usize = 3;

pub(super) fn cover(input: &ReportInput<'_>, title: &str) -> Markup {
    let analysis = input.analysis;
    html! {
        header.cover {
            p.kicker { "Decision report" }
            h1 { (title) }
            (facts(analysis))
        }
        (decision(analysis))
        (tiles(analysis))
        (health(&analysis.health))
    }
}

fn facts(analysis: &Analysis) -> Markup {
    let log = &analysis.log;
    let names = |role: ArmRole| {
        let of_role = analysis.arms.iter().filter(move |arm| arm.role == role);
        of_role
            .map(|arm| arm.name.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    };
    html! {
        dl.facts {
            div { dt { "Control" } dd { (names(ArmRole::Control)) } }
            @if analysis.treatment.is_some() {
                div { dt { "Treatment" } dd { (names(ArmRole::Treatment)) } }
            }
            @if analysis.arms.iter().any(|arm| arm.role == ArmRole::Other) {
                div { dt { "Other arms" } dd { (names(ArmRole::Other)) } }
            }
            div {
                dt { "Rollout" }
                dd {
                    (analysis.strategy.strategy.label())
                    @if analysis.strategy.is_declared { " (as declared)" } @else { " (inferred)" }
                }
            }
            @if let (Some(first), Some(last)) = (log.first_us, log.last_us) {
                div {
                    dt { "Period" }
                    dd { (units::instant(first, log.clock)) " to " (units::instant(last, log.clock)) }
                }
            }
            div {
                dt { "Data" }
                dd {
                    (units::count(log.n_requests)) " requests"
                    @if log.n_requests < log.n_requests_unfiltered {
                        " of " (units::count(log.n_requests_unfiltered)) " (filtered)"
                    }
                    @if let Some(n) = log.n_units { ", " (units::count(n)) " users" }
                }
            }
        }
    }
}

fn decision(analysis: &Analysis) -> Markup {
    let decision = &analysis.decision;
    let (tone, symbol) = match decision.kind {
        DecisionKind::Ship => (Tone::Good, "✓"),
        DecisionKind::Hold => (Tone::Caution, "■"),
        DecisionKind::RollBack => (Tone::Bad, "✕"),
        DecisionKind::KeepCollecting => (Tone::Quiet, "…"),
        DecisionKind::Unsound => (Tone::Bad, "!"),
    };
    html! {
        section #decision class={ "decision " (tone_class(tone)) } {
            p.recommendation { "Recommendation" }
            h2 { span.symbol aria-hidden="true" { (symbol) } (decision.kind.label()) }
            p.headline { (prose(&decision.headline)) }
            @if decision.is_log_unsound {
                p.unsound {
                    strong { "Not decision-grade." }
                    " A health check below forbids trusting the comparison; read every figure with it."
                }
            }
            ul.reasons {
                @for reason in &decision.reasons {
                    li {
                        (weight(reason.weight))
                        span { (prose(&reason.text)) }
                    }
                }
            }
            @if !decision.would_change.is_empty() {
                h3.plain { "What would change it" }
                ul.outlook {
                    @for outlook in &decision.would_change { li { (prose(&outlook.text)) } }
                }
            }
            @if !decision.dissent.is_empty() {
                h3.plain { "What speaks against it" }
                ul.outlook {
                    @for text in &decision.dissent { li { (prose(text)) } }
                }
            }
        }
    }
}

fn weight(weight: ReasonWeight) -> Markup {
    match weight {
        ReasonWeight::Against => chip(Tone::Bad, "✕", "against"),
        ReasonWeight::Open => chip(Tone::Caution, "?", "open"),
        ReasonWeight::For => chip(Tone::Good, "✓", "for"),
    }
}

/// The guardrails of the treatment that matter most.
fn tiles(analysis: &Analysis) -> Markup {
    let mut guardrails: Vec<(&ScorecardRow, &Effect)> = analysis
        .scorecard
        .iter()
        .filter(|row| row.role.decides())
        .filter_map(|row| {
            let treatment = analysis.treatment?;
            Some((
                row,
                row.effects.iter().find(|effect| effect.arm == treatment)?,
            ))
        })
        .collect();
    guardrails.sort_by_key(|(_, effect)| concern(effect.verdict)); // stable: else the scorecard's order
    html! {
        @if !guardrails.is_empty() {
            div.tiles {
                @for (row, effect) in guardrails.into_iter().take(TILES) { (tile(analysis, row, effect)) }
            }
        }
    }
}

fn tile(analysis: &Analysis, row: &ScorecardRow, effect: &Effect) -> Markup {
    let value = |arm: usize| {
        let found = row.values.iter().find(|value| value.arm == arm);
        let estimate = found.and_then(|value| value.estimate.as_ref());
        estimate.map_or_else(
            || units::NO_VALUE.to_owned(),
            |e| unbroken(&row.form.value(e.value)),
        )
    };
    html! {
        div class={ "tile " (tone_class(charts::verdict_tone(effect.verdict))) } {
            p.label { (row.label) }
            @match &effect.difference {
                Some(difference) => {
                    p.change { (row.form.change(difference.value)) }
                    p.interval { (change_interval(row.form, difference)) }
                }
                None => p.change { (units::NO_VALUE) },
            }
            p.arms {
                (charts::arm_name(analysis, effect.arm)) " " (value(effect.arm)) ", "
                (charts::arm_name(analysis, analysis.control)) " " (value(analysis.control))
            }
            (verdict(effect.verdict))
        }
    }
}

/// Lower is shown first.
fn concern(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Worse => 0,
        Verdict::Inconclusive => 1,
        Verdict::Changed => 2,
        Verdict::WithinMargin => 3,
        Verdict::Better => 4,
        Verdict::NoClearChange => 5,
        Verdict::NoData => 6,
    }
}

fn health(checks: &[HealthCheck]) -> Markup {
    let n_fine = checks
        .iter()
        .filter(|check| check.severity == Severity::Ok)
        .count();
    html! {
        section #health {
            h2.plain { "Health of the log" }
            p.lead {
                @if n_fine == 0 { "None of the " (checks.len()) " checks is without a remark." }
                @else { (n_fine) " of " (checks.len()) " checks are fine." }
                @if n_fine < checks.len() { " The gravest come first." }
            }
            ul.checks {
                @for check in checks {
                    li class=[(check.severity == Severity::Ok).then_some("fine")] {
                        (severity(check.severity))
                        strong { (check.title) }
                        div {
                            (prose(&check.finding))
                            @if !check.meaning.is_empty() { p.advice { (check.meaning) } }
                            @if !check.advice.is_empty() { p.advice { (check.advice) } }
                        }
                    }
                }
            }
        }
    }
}

fn severity(severity: Severity) -> Markup {
    let (tone, symbol) = match severity {
        Severity::Ok => (Tone::Good, "✓"),
        Severity::Note => (Tone::Quiet, "i"),
        Severity::Warning => (Tone::Caution, "!"),
        Severity::Stop => (Tone::Bad, "✕"),
    };
    chip(tone, symbol, severity.label())
}
