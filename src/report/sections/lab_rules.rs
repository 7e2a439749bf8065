//! The lab rule by rule: its verdict, its conditions, what it finds, and better thresholds.

use super::super::chart::Tone;
use super::super::charts;
use super::super::document::{Block, Callout, Cell, Chip, Column, Shown, Table};
use super::lab::CHART_PX;
use super::{figure, quiet};
use crate::lab::words::{Grade, grade, graded, rounded};
use crate::lab::{LabCell, LabDigest, LabTable, RuleDigest, RuleLab, RuleTrial};

/// Every rule of a lab.
pub(super) fn rule_by_rule(lab: &RuleLab, said: &LabDigest) -> Vec<Block> {
    let mut out = Vec::new();
    for (trial, rule) in lab.rules.iter().zip(&said.rules) {
        one_rule(trial, rule, lab.settings.alpha, &mut out);
    }
    out
}

fn one_rule(trial: &RuleTrial, rule: &RuleDigest, alpha: f64, out: &mut Vec<Block>) {
    let chip = match &trial.skipped {
        Some(_) => quiet("–", "cannot be tried"),
        None => graded_chip(trial, alpha),
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

/// Red where false rollbacks are more than is tolerated; green only where it finds something, too.
fn graded_chip(trial: &RuleTrial, alpha: f64) -> Chip {
    let grade = grade(
        (&trial.false_rollback, trial.other_logs.as_ref()),
        &trial.detection,
        alpha,
    );
    let label = graded(&trial.false_rollback, &trial.detection, grade);
    match grade {
        Grade::Wrong => Chip::new(Tone::Bad, "▼", label),
        Grade::Open | Grade::Blind | Grade::Partial => Chip::new(Tone::Caution, "?", label),
        Grade::Good => Chip::new(Tone::Good, "✓", label),
    }
}

/// A table of the lab.
pub(super) fn table(id: &str, of: &str, found: &LabTable) -> Table {
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
            text: match chance.events {
                0 => "never".to_owned(),
                _ => rounded(chance.share),
            },
            interval: format!(
                "[{}, {}]",
                rounded(chance.lower).replace(' ', "\u{a0}"),
                rounded(chance.upper).replace(' ', "\u{a0}")
            ),
        }),
    }
}
