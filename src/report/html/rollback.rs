//! What the rollback rules would have done: when, at which stage, why, and what they saw.

use maud::{Markup, html};

use super::super::chart::Tone;
use super::super::charts;
use super::parts::{HALF, WIDE, chip, figure, table};
use crate::analysis::Analysis;
use crate::report::ReportInput;
use crate::rules::{
    Action, ConditionReplay, Exposure, Firing, Reading, Replay, Rule, RuleReplay, Truth,
    clock_text, no_data_text, persistence_text, sentences,
};
use crate::units::{self, ValueForm};

/// The most charts that a rule gets; those of the causes come first.
const MAX_CHARTS: usize = 4;

pub(super) fn body(input: &ReportInput<'_>) -> Option<Markup> {
    let (analysis, replay) = (input.analysis, input.replay?);
    if replay.rules.is_empty() {
        return None;
    }
    let timeline = charts::replay_timeline(analysis, replay);
    let n_rules = replay.rules.len() as u32;
    Some(html! {
        p.lead {
            "Each rule was replayed over the log in event time, as its monitor would have seen the \
             requests complete. The log does not stop where a rule fires, so what is said of the \
             time after a first firing is hypothetical."
        }
        (overview(analysis, replay))
        (figure(&timeline, (WIDE, 120 + 34 * n_rules), None))
        @for rule in &replay.rules { (rule_article(input, replay, rule)) }
    })
}

fn overview(analysis: &Analysis, replay: &Replay) -> Markup {
    let head = html! {
        tr {
            th scope="col" { "Rule" }
            th scope="col" { "Outcome" }
            th scope="col" { "First fired" }
            th.num scope="col" { "Stage" }
            th scope="col" { "Because of" }
            th.num scope="col" { "Breaches" }
        }
    };
    let body = html! {
        @for rule in &replay.rules {
            tr {
                th scope="row" { (shown(rule)) }
                td { (outcome(rule)) }
                @match &rule.first {
                    Some(first) => {
                        td.nowrap {
                            (instant(replay, first.time_us))
                            small { (units::duration_us(first.time_us)) " after the start" }
                        }
                        td.num { (stage(analysis, replay, first.time_us)) }
                        td { (first.causes.join(", ")) }
                    }
                    None => { td { (units::NO_VALUE) } td.num { (units::NO_VALUE) } td { (units::NO_VALUE) } }
                }
                td.num {
                    @if rule.skipped.is_some() { (units::NO_VALUE) } @else {
                        (units::count(rule.evaluations_true))
                        small { "of " (units::count(rule.evaluations)) }
                    }
                }
            }
        }
    };
    table("", &head, &body)
}

fn rule_article(input: &ReportInput<'_>, replay: &Replay, rule: &RuleReplay) -> Markup {
    let source = input
        .rulebook
        .and_then(|book| book.rules.iter().find(|r| r.id == rule.id));
    html! {
        article.rule {
            h3 { (shown(rule)) " " (outcome(rule)) }
            @if let Some(source) = source { (about(source)) }
            @match (&rule.skipped, &rule.first) {
                (Some(why), _) => p { "Not evaluated: " (why) "." },
                (None, Some(first)) => {
                    (firing(input.analysis, replay, rule, first))
                    (readings(input, rule, &first.readings))
                }
                (None, None) => {

                    (conditions(rule, replay))
                }
            }
            @for sentence in sentences(replay, rule) { p { (sentence) } }
            (condition_charts(input, replay, rule))
        }
    }
}

/// What the rule is, and what is known to be wrong with it.
fn about(source: &Rule) -> Markup {
    html! {
        @if !source.description.is_empty() { p { (source.description) } }
        p.how { "Evaluated " (clock_text(source.clock)) "; " (persistence_text(source.persistence)) ". " (no_data_text(source)) }
        @if !source.faults.is_empty() {
            div.faults {
                p { strong { "Known faults of this rule" } }
                ul { @for fault in &source.faults { li { (fault) } } }
            }
        }
    }
}

fn firing(analysis: &Analysis, replay: &Replay, rule: &RuleReplay, first: &Firing) -> Markup {
    let treatment = analysis
        .treatment
        .map_or("the canary", |arm| charts::arm_name(analysis, arm));
    html! {
        p {
            "First fired at " strong { (instant(replay, first.time_us)) }
            @if let Some(row) = first.row { ", on data row " (units::count(u64::from(row) + 1)) }
            @if first.effective_us > first.time_us {
                ", taking effect " (units::duration_us(first.effective_us - first.time_us)) " later"
            }
            "."
            @if let Some(Exposure { before, after }) = rule.exposure {
                " Until then " (treatment) " had served " (units::count(before.requests)) " requests, "
                (units::count(before.errors)) " of which failed; after it came "
                (units::count(after.requests)) " more, " (units::count(after.errors)) " failed."
            }
        }
    }
}

/// What every condition saw at the first firing.
fn readings(input: &ReportInput<'_>, rule: &RuleReplay, readings: &[Reading]) -> Markup {
    let head = html! {
        tr {
            th scope="col" { "Condition at that moment" }
            th.num scope="col" { "Saw" }
            th.num scope="col" { "Bound" }
            th.num scope="col" { "Baseline" }
            th scope="col" { "Held" }
        }
    };
    let body = html! {
        @for reading in readings {
            @let form = charts::condition_form(input.rulebook, rule, &reading.condition);
            @let text = rule.conditions.iter().find(|c| c.name == reading.condition).map(|c| c.text.as_str());
            tr {
                th scope="row" { (reading.condition) small { (text.unwrap_or_default()) } }
                td.num { (number(form, reading.measured.value)) small { "n " (units::count(u64::from(reading.measured.n))) } }
                td.num { (number(form, reading.bound)) }
                td.num { (number(form, reading.baseline.value)) small { "n " (units::count(u64::from(reading.baseline.n))) } }
                td { (truth(reading.truth)) }
            }
        }
    };
    table("", &head, &body)
}

/// How often each condition of a rule that never fired held.
fn conditions(rule: &RuleReplay, replay: &Replay) -> Markup {
    let head = html! {
        tr {
            th scope="col" { "Condition" }
            th.num scope="col" { "Held at" }
            th.num scope="col" { "No data at" }
            th scope="col" { "First held" }
        }
    };
    let body = html! {
        @for condition in &rule.conditions {
            tr {
                th scope="row" { (condition.name) small { (condition.text) } }
                @if let Some(why) = &condition.unavailable {
                    td.note colspan="3" { (why) }
                } @else {
                    td.num { (units::count(condition.evaluations_true)) }
                    td.num { (units::count(condition.evaluations_no_data)) }
                    td.nowrap {
                        (condition.first_us.map_or_else(|| units::NO_VALUE.to_owned(), |us| instant(replay, us)))
                    }
                }
            }
        }
    };
    table("", &head, &body)
}

fn condition_charts(input: &ReportInput<'_>, replay: &Replay, rule: &RuleReplay) -> Markup {
    let is_cause = |c: &&ConditionReplay| {
        rule.first
            .as_ref()
            .is_some_and(|f| f.causes.contains(&c.name))
    };
    let causes = rule.conditions.iter().filter(is_cause);
    let others = rule.conditions.iter().filter(|c| !is_cause(c));
    let found: Vec<_> = causes
        .chain(others)
        .filter_map(|condition| {
            let form = charts::condition_form(input.rulebook, rule, &condition.name);
            charts::condition_chart(input.analysis, replay, rule, condition, form)
        })
        .take(MAX_CHARTS)
        .collect();
    match found.as_slice() {
        [] => html! {},
        [only] => figure(only, (WIDE, 240), None),
        several => html! {
            div.pair { @for chart in several { (figure(chart, (HALF, 230), None)) } }
        },
    }
}

fn outcome(rule: &RuleReplay) -> Markup {
    let done = match rule.action {
        Action::Rollback => "would have rolled back",
        Action::Hold => "would have stopped the rollout",
        Action::Promote => "would have gone on",
        Action::Alert => "would have alerted",
    };
    match (&rule.skipped, &rule.first) {
        (Some(_), _) => chip(Tone::Quiet, "–", "not evaluated"),
        (None, Some(_)) => chip(Tone::Bad, "▼", done),
        (None, None) => chip(Tone::Quiet, "●", "would not have fired"),
    }
}

fn truth(truth: Truth) -> Markup {
    match truth {
        Truth::True => chip(Tone::Bad, "▼", "yes"),
        Truth::False => chip(Tone::Quiet, "●", "no"),
        Truth::Unknown => chip(Tone::Quiet, "?", "no data"),
    }
}

fn shown(rule: &RuleReplay) -> &str {
    if rule.title.is_empty() {
        &rule.id
    } else {
        &rule.title
    }
}

fn number(form: ValueForm, value: Option<f64>) -> String {
    value.map_or_else(|| units::NO_VALUE.to_owned(), |value| form.value(value))
}

fn instant(replay: &Replay, time_us: i64) -> String {
    units::instant(replay.time_zero_us + time_us, replay.clock)
}

/// The stage in force, with the treatment's share.
fn stage(analysis: &Analysis, replay: &Replay, time_us: i64) -> Markup {
    let at = replay.time_zero_us + time_us;
    let mut stages = analysis.stages.iter().enumerate();
    html! {
        @match stages.find(|(_, stage)| stage.from_us <= at && at < stage.to_us) {
            Some((k, stage)) => { (k + 1) small { (units::share(stage.share)) } }
            None => (units::NO_VALUE),
        }
    }
}
