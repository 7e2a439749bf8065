//! Every arm in one row, where there are more than two: for whoever has to choose among them.

use super::super::chart::Tone;
use super::super::charts;
use super::super::document::{Block, Cell, Chip, Column, Table};
use super::{MAX_ARMS, arm_name, by_gravity};
use crate::analysis::{Analysis, Effect, ScorecardRow};
use crate::report::ReportInput;
use crate::report::segment_map::missing_values;

pub(super) fn blocks(input: &ReportInput<'_>) -> Vec<Block> {
    let analysis = input.analysis;
    let Some(map) = map(analysis) else {
        return Vec::new();
    };
    let mut out = vec![
        Block::Table(map),
        Block::Note(super::signs("Intervals stand in the scorecard")),
    ];
    if analysis.decision.is_log_unsound {
        let text = "The marks are grey because this log decides nothing: the differences stand here as they \
                    were measured, with whatever is wrong in them.";
        out.push(Block::Note(text.to_owned()));
    }
    let settings = &analysis.settings;
    if settings.control.is_none() || settings.treatment.is_none() {
        let text = "Which arms are compared was not said. Hindsight takes an arm whose name says so, else the \
                    lowest of several versions, else the largest arm as the control, and the largest other arm \
                    as the treatment. --control and --treatment name them.";
        out.push(Block::Note(text.to_owned()));
    }
    out
}

/// Every arm by every metric that decides.
fn map(analysis: &Analysis) -> Option<Table> {
    analysis.treatment.filter(|_| analysis.arms.len() > 2)?;
    let decides = |row: &&ScorecardRow| row.role.decides();
    let metrics: Vec<&ScorecardRow> = analysis.scorecard.iter().filter(decides).collect();
    let mut arms: Vec<usize> = (0..analysis.arms.len())
        .filter(|arm| *arm != analysis.control)
        .collect();
    let gravest = |arm: usize| {
        let effects = metrics.iter().filter_map(|row| row.effect_of(arm));
        effects.map(|effect| by_gravity(effect.verdict)).min()
    };
    let n_arms = arms.len();
    if n_arms > MAX_ARMS {
        arms.sort_by_key(|arm| (Some(*arm) != analysis.treatment, gravest(*arm)));
        arms.truncate(MAX_ARMS);
    } else {
        arms.sort_by_key(|arm| Some(*arm) != analysis.treatment);
    }
    let labels = metrics.iter().map(|row| Column::left(row.label.as_str()));
    let columns = std::iter::once(Column::head("Arm")).chain(labels).collect();
    let rows = arms.into_iter().map(|arm| {
        let name = Cell::text(arm_name(analysis, arm));
        let mut notes = missing_values(analysis, arm);
        if Some(arm) == analysis.treatment {
            notes.insert(0, "treatment".to_owned());
        }
        let name = match notes.is_empty() {
            true => name,
            false => name.note(notes.join("; ")),
        };
        let cells = metrics
            .iter()
            .map(|row| cell(analysis, row, row.effect_of(arm)));
        std::iter::once(name).chain(cells).collect()
    });
    let mut table = Table::new("arms-map", "The arms at a glance", columns).with(rows);
    if n_arms > MAX_ARMS {
        table.more = super::gravest(n_arms);
    }
    (!metrics.is_empty()).then_some(table)
}

fn cell(analysis: &Analysis, row: &ScorecardRow, effect: Option<&Effect>) -> Cell {
    let Some((effect, difference)) = effect.and_then(|e| Some((e, e.difference.as_ref()?))) else {
        return Cell::none();
    };
    let tone = if analysis.decision.is_log_unsound {
        Tone::Quiet
    } else {
        charts::verdict_tone(effect.verdict)
    };
    let change = row.form.change(difference.value);
    Cell::chip(Chip::new(tone, effect.verdict.symbol(), change))
}
