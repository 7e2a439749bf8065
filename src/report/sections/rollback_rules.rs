//! The rules one by one: what each is, what it saw when it fired, what happened to it, and its charts.

use std::fmt::Write as _;

use super::super::chart::Tone;
use super::super::charts;
use super::super::document::{Block, Callout, Cell, Chip, Column, Figure, Table};
use super::rollback::{instant, outcome, shown, when};
use super::{arm_name, quiet};
use crate::analysis::Analysis;
use crate::report::ReportInput;
use crate::rules::{
    ConditionReplay, Exposure, Firing, Replay, Rule, RuleReplay, Truth, changes, clock_text,
    no_data_text, persistence_text, sentences,
};
use crate::units::{self, ValueForm};

/// The most charts that a rule gets; those of the causes come first.
const MAX_CHARTS: usize = 4;
/// The most changes of a rule's state that are listed.
const MAX_CHANGES: usize = 12;

/// Every rule that could be evaluated.
pub(super) fn rule_by_rule(input: &ReportInput<'_>, replay: &Replay) -> Vec<Block> {
    let mut out = Vec::new();
    for rule in replay.rules.iter().filter(|rule| rule.skipped.is_none()) {
        one_rule(input, replay, rule, &mut out);
    }
    out
}

fn one_rule(input: &ReportInput<'_>, replay: &Replay, rule: &RuleReplay, out: &mut Vec<Block>) {
    out.push(Block::Heading(shown(rule).to_owned(), vec![outcome(rule)]));
    let source = input
        .rulebook
        .and_then(|book| book.rules.iter().find(|r| r.id == rule.id));
    if let Some(source) = source {
        about(source, out);
    }
    match &rule.first {
        Some(first) => {
            out.push(Block::Paragraph(firing(
                input.analysis,
                replay,
                rule,
                first,
            )));
            out.push(Block::Table(readings(input, rule, first)));
        }
        None => out.push(Block::Table(conditions(rule, replay))),
    }
    out.extend(state_changes(replay, rule, source).map(Block::Table));
    let said = sentences(replay, rule, input.analysis.harm_from_us());
    out.extend(said.into_iter().map(Block::Paragraph));
    let figures = figures(input, replay, rule);
    if !figures.is_empty() {
        out.push(Block::Figures(figures));
    }
}

/// What the rule is, and what is known to be wrong with it.
fn about(source: &Rule, out: &mut Vec<Block>) {
    if !source.description.is_empty() {
        out.push(Block::Paragraph(source.description.clone()));
    }
    out.push(Block::Lead(format!(
        "Evaluated {}; {}. {}",
        clock_text(source.clock),
        persistence_text(source.persistence),
        no_data_text(source)
    )));
    if !source.faults.is_empty() {
        out.push(Block::Callout(Callout {
            tone: Tone::Caution,
            title: "Known faults of this rule".to_owned(),
            lines: source.faults.clone(),
        }));
    }
}

fn firing(analysis: &Analysis, replay: &Replay, rule: &RuleReplay, first: &Firing) -> String {
    let treatment = analysis
        .treatment
        .map_or("the canary", |arm| arm_name(analysis, arm));
    let mut out = format!("First fired at {}", instant(replay, first.time_us));
    if let Some(row) = first.row {
        let _infallible = write!(out, ", on data row {}", units::count(u64::from(row) + 1));
    }
    if first.effective_us > first.time_us {
        let later = units::elapsed(first.effective_us - first.time_us, replay.clock);
        let _infallible = write!(out, ", taking effect {later} later");
    }
    out += ".";
    if let Some(Exposure { before, after }) = rule.exposure
        && !analysis.log.has_outcome
    {
        let _infallible = write!(
            out,
            " Requests of {treatment} until then: {}. Requests after that: {}.",
            units::count(before.requests),
            units::count(after.requests)
        );
    } else if let Some(Exposure { before, after }) = rule.exposure {
        let _infallible = write!(
            out,
            " Requests of {treatment} until then: {}, failed: {}. Requests after that: {}, failed: {}.",
            units::count(before.requests),
            units::count(before.errors),
            units::count(after.requests),
            units::count(after.errors)
        );
    }
    out
}

/// What every condition saw at the first firing.
fn readings(input: &ReportInput<'_>, rule: &RuleReplay, first: &Firing) -> Table {
    let columns = vec![
        Column::head("Condition at that moment"),
        Column::right("Saw"),
        Column::right("Bound"),
        Column::right("Baseline"),
        Column::left("Held"),
    ];
    let rows = first.readings.iter().map(|reading| {
        let form = charts::condition_form(input.rulebook, rule, &reading.condition);
        let found = rule.conditions.iter().find(|c| c.name == reading.condition);
        let counted = |value, n: u32| {
            Cell::value(form, value).note(format!("n {}", units::count(u64::from(n))))
        };
        vec![
            Cell::text(reading.condition.as_str())
                .note(found.map_or("", |condition| condition.text.as_str())),
            counted(reading.measured.value, reading.measured.n),
            Cell::value(form, reading.bound),
            counted(reading.baseline.value, reading.baseline.n),
            Cell::chip(truth(reading.truth)),
        ]
    });
    Table::new(
        &format!("rule-{}", rule.id),
        format!("{}: conditions at the first firing", shown(rule)),
        columns,
    )
    .with(rows)
}

/// What happened to the rule in order of time: the first changes, where its state changed at all.
fn state_changes(replay: &Replay, rule: &RuleReplay, source: Option<&Rule>) -> Option<Table> {
    if rule.transitions.is_empty() {
        return None;
    }
    let found = changes(replay, rule, source);
    let columns = vec![
        Column::left("When"),
        Column::right("Data row"),
        Column::left("Change"),
        Column::left("What the conditions saw"),
    ];
    let rows = found.iter().take(MAX_CHANGES).map(|change| {
        vec![
            when(replay, change.time_us),
            change
                .row
                .map_or_else(Cell::none, |row| Cell::count(u64::from(row) + 1)),
            Cell::text(change.what.as_str()),
            Cell::text(change.saw.join("; ")),
        ]
    });
    let n = found.len() as u64 + rule.transitions_omitted;
    let title = if n > MAX_CHANGES as u64 {
        format!(
            "{}: the first {MAX_CHANGES} of {} changes",
            shown(rule),
            units::count(n)
        )
    } else {
        format!("{}: what changed", shown(rule))
    };
    Some(Table::new(&format!("changes-{}", rule.id), title, columns).with(rows))
}

/// How often each condition of a rule that never fired held.
fn conditions(rule: &RuleReplay, replay: &Replay) -> Table {
    let columns = vec![
        Column::head("Condition"),
        Column::right("Held at"),
        Column::right("No data at"),
        Column::left("First held"),
    ];
    let rows = rule.conditions.iter().map(|condition| {
        let name = Cell::text(condition.name.as_str()).note(condition.text.as_str());
        match &condition.unavailable {
            Some(why) => vec![name, Cell::none(), Cell::none(), Cell::text(why.as_str())],
            None => vec![
                name,
                Cell::count(condition.evaluations_true),
                Cell::count(condition.evaluations_no_data),
                condition
                    .first_us
                    .map_or_else(Cell::none, |us| Cell::text(instant(replay, us))),
            ],
        }
    });
    Table::new(
        &format!("rule-{}", rule.id),
        format!("{}: conditions", shown(rule)),
        columns,
    )
    .with(rows)
}

fn figures(input: &ReportInput<'_>, replay: &Replay, rule: &RuleReplay) -> Vec<Figure> {
    let causes = rule.first.as_ref().map_or(&[][..], |first| &first.causes);
    let is_cause = |c: &&ConditionReplay| causes.contains(&c.name);
    let others = rule.conditions.iter().filter(|c| !is_cause(c));
    rule.conditions
        .iter()
        .filter(is_cause)
        .chain(others)
        // One look is one point: the table above has it.
        .filter(|condition| condition.series.len() > 1)
        .filter_map(|condition| {
            let form: ValueForm = charts::condition_form(input.rulebook, rule, &condition.name);
            charts::condition_chart(input.analysis, replay, rule, condition, form)
        })
        .take(MAX_CHARTS)
        .map(|chart| Figure::new(chart, 235, None))
        .collect()
}

fn truth(truth: Truth) -> Chip {
    match truth {
        Truth::True => Chip::new(Tone::Bad, "▼", "yes"),
        Truth::False => quiet("●", "no"),
        Truth::Unknown => quiet("?", "no data"),
    }
}
