//! What the rollback rules would have done: one table of all, and what acting would have averted. Rule by rule
//! follows for rules that somebody chose; of the presets it stands at the end of the report.

use super::super::chart::Tone;
use super::super::charts;
use super::super::document::{Block, Callout, Cell, Chip, Column, Shown, Table};
use super::rollback_rules::rule_by_rule;
use super::{figure, quiet, rows_height};
use crate::analysis::Analysis;
use crate::lab::words::rounded;
use crate::report::ReportInput;
use crate::rules::{
    Action, AvertedAmount, Credit, Ledger, Replanned, Replay, RuleReplay, credit, ledger,
    nothing_ran, presets,
};
use crate::units::{self, Clock};

pub(super) fn blocks(input: &ReportInput<'_>) -> Vec<Block> {
    let analysis = input.analysis;
    let Some(replay) = replayed(input) else {
        return Vec::new();
    };
    if let Some(why) = nothing_ran(replay) {
        let grain = replay.grain_text();
        return [why]
            .into_iter()
            .chain(grain)
            .map(Block::Paragraph)
            .collect();
    }
    let mut lead = match replay.clock {
        Clock::Epoch | Clock::Relative => {
            "Each rule was replayed over the log in event time, as its monitor would have seen the \
             requests complete. The log does not stop where a rule fires, so what is said of the time \
             after a first firing is hypothetical."
        }
        Clock::RowOrder => {
            "The log has no times: each rule was replayed in the order of the rows, which need not be that \
             of the requests. What is said of the rows after a first firing is hypothetical."
        }
    }
    .to_owned();
    if are_presets(input) {
        lead += " No rules of this rollout were named: these are the presets that come with Hindsight, \
                 taken from published articles and tools. What each of them saw stands at the end of this report.";
    }
    let mut out = vec![Block::Lead(lead)];
    out.extend(replay.grain_text().map(Block::Paragraph));
    let routers = replay.routers.iter().map(|fit| fit.text.clone());
    out.extend(routers.map(Block::Paragraph));
    let replanned = replay.replanned.iter().flat_map(Replanned::sentences);
    out.extend(replanned.map(Block::Paragraph));
    out.push(Block::Table(overview(input, replay)));
    if !analysis.strategy.strategy.is_concurrent() {
        out.push(Block::Callout(Callout {
            tone: Tone::Caution,
            title: "The arms were not seen side by side".to_owned(),
            lines: vec![
                "Rules that compare the canary with the baseline cannot be judged on such a log. What the others \
                 did can come from the time at which an arm ran."
                    .to_owned(),
            ],
        }));
    }
    out.push(figure(
        charts::replay_timeline(analysis, replay),
        rows_height(charts::timeline_rules(replay).len()),
        None,
    ));
    if let Some(found) = ledger(replay, analysis.harm_from_us()) {
        let title = "What a rollback would have averted";
        out.push(Block::Heading(title.to_owned(), Vec::new()));
        out.push(Block::Table(averted(&found)));
        out.extend(found.notes.into_iter().map(Block::Paragraph));
    }
    if !are_presets(input) {
        out.extend(rule_by_rule(input, replay));
    }
    out
}

/// The presets one by one, where nobody named rules.
pub(super) fn appendix(input: &ReportInput<'_>) -> Vec<Block> {
    match replayed(input) {
        Some(replay) if are_presets(input) => rule_by_rule(input, replay),
        _ => Vec::new(),
    }
}

/// Whether the rules are those that stand in where nobody named any.
pub(super) fn are_presets(input: &ReportInput<'_>) -> bool {
    let Some(own) = input.rulebook.filter(|own| !own.rules.is_empty()) else {
        return false;
    };
    presets::all().is_ok_and(|all| own.rules.iter().all(|rule| all.rules.contains(rule)))
}

fn replayed<'a>(input: &ReportInput<'a>) -> Option<&'a Replay> {
    input.replay.filter(|replay| !replay.rules.is_empty())
}

fn overview(input: &ReportInput<'_>, replay: &Replay) -> Table {
    let analysis = input.analysis;
    let mut columns = vec![
        Column::head("Rule"),
        Column::left("Outcome"),
        Column::left("First fired"),
        Column::right("Stage"),
        Column::left("Because of"),
        Column::right("Breaches"),
    ];
    if input.lab.is_some() {
        columns.push(Column::right("False rollbacks in the lab"));
    }
    let rows = replay.rules.iter().map(|rule| {
        let (when, stage, causes) = match &rule.first {
            Some(first) => (
                when(replay, first.time_us),
                stage(analysis, replay, first.time_us),
                Cell::text(first.causes.join(", ")),
            ),
            None => (Cell::none(), Cell::none(), Cell::none()),
        };
        let breaches = match rule.skipped {
            Some(_) => Cell::none(),
            None => {
                let (held, of) = rule.breaches();
                Cell::text(held).note(of)
            }
        };
        let worth = credit(replay, rule, analysis.harm_from_us()).and_then(Credit::label);
        let mut row = vec![
            Cell::text(shown(rule)),
            match (&rule.skipped, worth) {
                (Some(why), _) => Cell::chip(outcome(rule)).note(why.as_str()),
                (None, Some(worth)) => Cell::chip(outcome(rule)).note(worth),
                (None, None) => Cell::chip(outcome(rule)),
            },
            when,
            stage,
            causes,
            breaches,
        ];
        if let Some(lab) = input.lab {
            let trial = lab.rules.iter().find(|trial| trial.id == rule.id);
            let tried = trial.filter(|trial| trial.skipped.is_none());
            row.push(tried.map_or_else(Cell::none, |trial| {
                let found = trial.false_rollback;
                let text = match found.events {
                    0 => "never".to_owned(),
                    _ => rounded(found.share),
                };
                Cell::number(found.share, text)
            }));
        }
        row
    });
    Table::new("rules", "What each rule would have done", columns).with(rows)
}

/// What stopping the canary would have averted.
fn averted(found: &Ledger<'_>) -> Table {
    let mut columns = vec![Column::head("Stopped by"), Column::right("Requests after")];
    let measures = found.measures.iter();
    columns.extend(measures.map(|(_, what)| Column::right(what.clone())));
    let rows = found.rows.iter().map(|row| {
        let mut cells = vec![
            Cell::text(row.who.as_str()),
            Cell::count(row.averted.requests),
        ];
        cells.extend(found.measures.iter().map(|(id, _)| {
            let mut amounts = row.averted.amounts.iter();
            amounts
                .find(|amount| amount.id == *id)
                .map_or_else(Cell::none, amount)
        }));
        cells
    });
    Table::new("averted", "What a rollback would have averted", columns).with(rows)
}

fn amount(amount: &AvertedAmount) -> Cell {
    let text = units::change(amount.value);
    match amount.interval {
        Some((low, high)) => Cell::new(Shown::Estimate {
            raw: [amount.value, low, high],
            text,
            interval: format!("[{}, {}]", units::change(low), units::change(high)),
        }),
        None => Cell::number(amount.value, text).note("too few users for an interval"),
    }
}

pub(super) fn outcome(rule: &RuleReplay) -> Chip {
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

pub(super) fn shown(rule: &RuleReplay) -> &str {
    if rule.title.is_empty() {
        &rule.id
    } else {
        &rule.title
    }
}

pub(super) fn instant(replay: &Replay, time_us: i64) -> String {
    units::instant(replay.time_zero_us + time_us, replay.clock)
}

/// A moment, and how long after the first request it was; the row alone where there are no times.
pub(super) fn when(replay: &Replay, time_us: i64) -> Cell {
    let cell = Cell::text(instant(replay, time_us));
    match replay.clock {
        Clock::RowOrder => cell,
        Clock::Epoch | Clock::Relative if time_us == 0 => cell.note("the start"),
        Clock::Epoch | Clock::Relative => {
            cell.note(format!("{} after the start", units::duration_us(time_us)))
        }
    }
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
