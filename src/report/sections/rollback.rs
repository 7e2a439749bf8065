//! What the rollback rules would have done: when, at which stage, why, and what they saw.

use std::fmt::Write as _;

use super::super::chart::Tone;
use super::super::charts;
use super::super::document::{Block, Callout, Cell, Chip, Column, Figure, Table};
use super::{arm_name, figure, quiet, rows_height};
use crate::analysis::Analysis;
use crate::report::ReportInput;
use crate::rules::{
    Action, ConditionReplay, Exposure, Firing, Replanned, Replay, Rule, RuleReplay, Truth, changes,
    clock_text, no_data_text, persistence_text, presets, sentences,
};
use crate::units::{self, ValueForm};

/// The most charts that a rule gets; those of the causes come first.
const MAX_CHARTS: usize = 4;
/// The most changes of a rule's state that are listed.
const MAX_CHANGES: usize = 12;

pub(super) fn blocks(input: &ReportInput<'_>) -> Vec<Block> {
    let analysis = input.analysis;
    let Some(replay) = input.replay.filter(|replay| !replay.rules.is_empty()) else {
        return Vec::new();
    };
    let mut lead = match replay.clock {
        units::Clock::Epoch | units::Clock::Relative => {
            "Each rule was replayed over the log in event time, as its monitor would have seen the \
             requests complete. The log does not stop where a rule fires, so what is said of the time \
             after a first firing is hypothetical."
        }
        units::Clock::RowOrder => {
            "The log has no times: each rule was replayed in the order of the rows, which need not be that \
             of the requests. What is said of the rows after a first firing is hypothetical."
        }
    }
    .to_owned();
    if presets::all().is_ok_and(|all| input.rulebook == Some(&all)) {
        lead += " No rules of this rollout were named: these are the presets that come with Hindsight, \
                 taken from published articles and tools.";
    }
    let mut out = vec![Block::Lead(lead)];
    let routers = replay.routers.iter().map(|fit| fit.text.clone());
    out.extend(routers.map(Block::Paragraph));
    let replanned = replay.replanned.iter().flat_map(Replanned::sentences);
    out.extend(replanned.map(Block::Paragraph));
    out.push(Block::Table(overview(analysis, replay)));
    if !analysis.strategy.strategy.is_concurrent() {
        out.push(Block::Callout(Callout {
            tone: Tone::Caution,
            title: "The arms were not seen side by side".to_owned(),
            lines: vec![
                "A rule that compares the canary with the baseline has only one of them before it at any \
                 moment of such a log. That it fires, or does not, tells little about the rollout."
                    .to_owned(),
            ],
        }));
    }
    let mut ran = replay
        .rules
        .iter()
        .filter(|rule| rule.skipped.is_none())
        .peekable();
    if ran.peek().is_some() {
        let height_px = rows_height(replay.rules.len());
        out.push(figure(
            charts::replay_timeline(analysis, replay),
            height_px,
            None,
        ));
    }
    for rule in ran {
        one_rule(input, replay, rule, &mut out);
    }
    out
}

fn overview(analysis: &Analysis, replay: &Replay) -> Table {
    let columns = vec![
        Column::head("Rule"),
        Column::left("Outcome"),
        Column::left("First fired"),
        Column::right("Stage"),
        Column::left("Because of"),
        Column::right("Breaches"),
    ];
    let rows = replay.rules.iter().map(|rule| {
        let (when, stage, causes) = match &rule.first {
            Some(first) => (
                match replay.clock {
                    units::Clock::RowOrder => Cell::text(instant(replay, first.time_us)),
                    _ => Cell::text(instant(replay, first.time_us)).note(format!(
                        "{} after the start",
                        units::duration_us(first.time_us)
                    )),
                },
                stage(analysis, replay, first.time_us),
                Cell::text(first.causes.join(", ")),
            ),
            None => (Cell::none(), Cell::none(), Cell::none()),
        };
        let breaches = match rule.skipped {
            Some(_) => Cell::none(),
            None => Cell::count(rule.evaluations_true)
                .note(format!("of {}", units::count(rule.evaluations))),
        };
        vec![
            Cell::text(shown(rule)),
            match &rule.skipped {
                Some(why) => Cell::chip(outcome(rule)).note(why.as_str()),
                None => Cell::chip(outcome(rule)),
            },
            when,
            stage,
            causes,
            breaches,
        ]
    });
    Table::new("rules", "What each rule would have done", columns).with(rows)
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
    out.extend(sentences(replay, rule).into_iter().map(Block::Paragraph));
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
        let later = units::duration_us(first.effective_us - first.time_us);
        let _infallible = write!(out, ", taking effect {later} later");
    }
    out += ".";
    if let Some(Exposure { before, after }) = rule.exposure {
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
            Cell::text(instant(replay, change.time_us)).note(format!(
                "{} after the start",
                units::duration_us(change.time_us)
            )),
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
        .filter_map(|condition| {
            let form: ValueForm = charts::condition_form(input.rulebook, rule, &condition.name);
            charts::condition_chart(input.analysis, replay, rule, condition, form)
        })
        .take(MAX_CHARTS)
        .map(|chart| Figure::new(chart, 235, None))
        .collect()
}

fn outcome(rule: &RuleReplay) -> Chip {
    let done = match rule.action {
        Action::Rollback => "would have rolled back",
        Action::Hold => "would have stopped the rollout",
        Action::Promote => "would have gone on",
        Action::Alert => "would have alerted",
    };
    match (&rule.skipped, &rule.first) {
        (Some(_), _) => quiet("–", "not evaluated"),
        (None, Some(_)) => Chip::new(Tone::Bad, "▼", done),
        (None, None) => quiet("●", "would not have fired"),
    }
}

fn truth(truth: Truth) -> Chip {
    match truth {
        Truth::True => Chip::new(Tone::Bad, "▼", "yes"),
        Truth::False => quiet("●", "no"),
        Truth::Unknown => quiet("?", "no data"),
    }
}

fn shown(rule: &RuleReplay) -> &str {
    if rule.title.is_empty() {
        &rule.id
    } else {
        &rule.title
    }
}

fn instant(replay: &Replay, time_us: i64) -> String {
    units::instant(replay.time_zero_us + time_us, replay.clock)
}

/// The stage in force, with the treatment's share.
fn stage(analysis: &Analysis, replay: &Replay, time_us: i64) -> Cell {
    let at = replay.time_zero_us + time_us;
    let mut stages = analysis.stages.iter().enumerate();
    match stages.find(|(_, stage)| stage.from_us <= at && at < stage.to_us) {
        Some((k, stage)) => Cell::count(k as u64 + 1).note(units::share(stage.share)),
        None => Cell::none(),
    }
}
