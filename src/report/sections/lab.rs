//! Whether the rules can be trusted: how often each is wrong when nothing is, what it finds when
//! something is, and which thresholds would be better.

use super::super::chart::Tone;
use super::super::charts;
use super::super::document::{Block, Callout, Cell, Chip, Column, Shown, Table};
use super::{figure, quiet};
use crate::lab::words::rounded;
use crate::lab::{Chance, LabCell, LabTable, RuleDigest, RuleTrial, digest};
use crate::report::ReportInput;

/// Height of a chart over the whole width, pixels.
const CHART_PX: u32 = 270;

pub(super) fn blocks(input: &ReportInput<'_>) -> Vec<Block> {
    let Some(lab) = input.lab else {
        return Vec::new();
    };
    if let [first, rest @ ..] = lab.rules.as_slice()
        && let Some(why) = &first.skipped
        && rest.iter().all(|rule| rule.skipped.is_some())
    {
        return vec![Block::Paragraph(format!(
            "No rule could be tried on this log: {why}."
        ))];
    }
    let said = digest(lab);
    let mut out = vec![Block::Lead(
        "The replay above says when each rule would have fired on this one log. The lab asks whether \
         that firing can be believed. It makes many rollouts from the log's own requests in which both \
         arms are the same, so that every firing is false, and others into whose canary a regression \
         was put. A good rule seldom fires in the first and nearly always in the second."
            .to_owned(),
    )];
    if lab.is_partial {
        out.push(Block::Callout(Callout {
            tone: Tone::Caution,
            title: "The lab was stopped before its end".to_owned(),
            lines: vec!["Figures stand on fewer rollouts than were asked for.".to_owned()],
        }));
    }
    out.push(Block::Paragraph(said.headline.clone()));
    out.push(Block::Table(table("lab", "Rule lab", &said.summary)));
    out.push(Block::Note(format!(
        "Probabilities stand with their {} intervals (Wilson). Requests are those of the canary. \
         Thresholds are as a rulebook writes them: shares from 0 to 1, latencies in milliseconds, \
         factors of the baseline.",
        super::level(lab.settings.level)
    )));
    for (trial, rule) in lab.rules.iter().zip(&said.rules) {
        one_rule(trial, rule, lab.settings.alpha, &mut out);
    }
    if said.frontier.rows.len() > 1 {
        out.push(Block::Heading(said.frontier.title.clone(), Vec::new()));
        out.extend(charts::lab_frontier(lab, None).map(|chart| figure(chart, CHART_PX, None)));
        out.push(Block::Table(table(
            "lab-frontier",
            "Rule lab",
            &said.frontier,
        )));
    }
    out.push(Block::Heading(
        "What all figures of the lab rest on".to_owned(),
        Vec::new(),
    ));
    out.push(Block::Bullets(said.assumptions));
    out
}

fn one_rule(trial: &RuleTrial, rule: &RuleDigest, alpha: f64, out: &mut Vec<Block>) {
    let chip = match &trial.skipped {
        Some(_) => quiet("–", "cannot be tried"),
        None => false_rollbacks(&trial.false_rollback, alpha),
    };
    out.push(Block::Heading(rule.title.clone(), vec![chip]));
    out.extend(rule.sentences.iter().cloned().map(Block::Paragraph));
    let id = |k: usize| format!("lab-{}-{k}", rule.id);
    let mut n = 0;
    let mut push = |found: &LabTable, out: &mut Vec<Block>| {
        n += 1;
        out.push(Block::Table(table(&id(n), &rule.id, found)));
    };
    for found in &rule.tables {
        push(found, out);
    }
    if let Some(chart) = charts::lab_detection(trial) {
        out.push(figure(chart, CHART_PX, None));
    }
    // What each version finds stands in its sentence and in the chart; JSON has the tables.
    for (text, tables) in &rule.calibrated {
        out.push(Block::Paragraph(text.clone()));
        if let Some(thresholds) = tables.first() {
            push(thresholds, out);
        }
    }
    if !rule.guards.is_empty() {
        out.push(Block::Callout(Callout {
            tone: Tone::Caution,
            title: "Keep in mind".to_owned(),
            lines: rule.guards.clone(),
        }));
    }
}

/// Red where the probability is above what is tolerated, green where it is below.
fn false_rollbacks(chance: &Chance, alpha: f64) -> Chip {
    let label = format!("{} false rollbacks", rounded(chance.share));
    if chance.lower > alpha {
        Chip::new(Tone::Bad, "▼", label)
    } else if chance.upper > alpha {
        Chip::new(Tone::Caution, "?", label)
    } else {
        Chip::new(Tone::Good, "✓", label)
    }
}

fn table(id: &str, of: &str, found: &LabTable) -> Table {
    let is_figure = |column: usize| {
        let cells = found.rows.iter().filter_map(|row| row.get(column));
        cells
            .into_iter()
            .any(|cell| !matches!(cell, LabCell::Text(_)))
    };
    let columns = found.columns.iter().enumerate().map(|(k, title)| match k {
        0 => Column::head(*title),
        k if is_figure(k) => Column::right(*title),
        _ => Column::left(*title),
    });
    let rows = found.rows.iter().map(|row| row.iter().map(cell).collect());
    Table::new(id, format!("{of}: {}", found.title), columns.collect()).with(rows)
}

fn cell(cell: &LabCell) -> Cell {
    match cell {
        LabCell::Text(text) => Cell::text(text.as_str()),
        LabCell::Number(raw, text) => Cell::number(*raw, text.as_str()),
        LabCell::Chance(chance) if chance.n == 0 => Cell::none(),
        LabCell::Chance(chance) => Cell::new(Shown::Estimate {
            raw: [chance.share, chance.lower, chance.upper],
            text: rounded(chance.share),
            interval: format!(
                "[{}, {}]",
                rounded(chance.lower).replace(' ', "\u{a0}"),
                rounded(chance.upper).replace(' ', "\u{a0}")
            ),
        }),
    }
}
