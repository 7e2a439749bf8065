//! Every arm in one row, where there are more than two: for whoever has to choose among them.

use super::super::chart::Tone;
use super::super::charts;
use super::super::document::{Block, Cell, Chip, Column, Table};
use super::{MAX_ARMS, arm_name, by_gravity};
use crate::analysis::{Analysis, Effect, ScorecardRow, SegmentEffect, Verdict};
use crate::report::ReportInput;
use crate::report::segment_map::{MissingValues, missing_values};
use crate::units;

pub(super) fn blocks(input: &ReportInput<'_>) -> Vec<Block> {
    let analysis = input.analysis;
    let Some(map) = map(analysis) else {
        return Vec::new();
    };
    let mut out = vec![
        Block::Table(map),
        Block::Note(super::signs("Intervals stand in the scorecard")),
    ];
    if (0..analysis.arms.len()).any(|arm| !missing_values(analysis, arm).is_empty()) {
        let text = "\u{2260}: the arm has none of some requests that the control has, so that the difference is one of requests too. \
                    Where both arms have one kind of them, they are compared within it.";
        out.push(Block::Note(text.to_owned()));
    }
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
        let missing = missing_values(analysis, arm);
        let mut notes: Vec<String> = missing.iter().map(MissingValues::words).collect();
        if Some(arm) == analysis.treatment {
            notes.insert(0, "treatment".to_owned());
        }
        let name = if notes.is_empty() {
            name
        } else {
            name.note(notes.join("; "))
        };
        let cells = metrics
            .iter()
            .map(|row| cell(analysis, (row, arm), &missing));
        std::iter::once(name).chain(cells).collect()
    });
    let mut table = Table::new("arms-map", "The arms at a glance", columns).with(rows);
    if n_arms > MAX_ARMS {
        table.more = super::gravest(n_arms);
    }
    (!metrics.is_empty()).then_some(table)
}

/// The change on the whole, with what the whole hides; among the requests that both arms have, where the
/// arm has none of the others.
fn cell(
    analysis: &Analysis,
    (row, arm): (&ScorecardRow, usize),
    missing: &[MissingValues<'_>],
) -> Cell {
    let Some(effect) = row.effect_of(arm) else {
        return Cell::none();
    };
    let is_whole = missing.is_empty();
    match shared_value(analysis, (row, arm), missing) {
        Some(shared) => {
            let place = format!("where {} is {}", shared.segment, shared.shown_value());
            chip(analysis, row, (&shared.effect, shared.verdict)).note(place)
        }
        None if is_whole => {
            let mut shown = chip(analysis, row, (effect, effect.verdict));
            shown.notes.extend(part_words(analysis, row, arm));
            shown
                .notes
                .extend(hidden(analysis, row, effect).map(hidden_words));
            shown
        }
        // Requests of other kinds are behind it.
        None => match effect.difference {
            Some(difference) => {
                let change = row.form.change(difference.value);
                Cell::chip(Chip::new(Tone::Quiet, "\u{2260}", change))
                    .standing_for(row.form.unrounded(difference.value))
                    .note("other mix of requests")
            }
            None => Cell::none(),
        },
    }
}

/// That few of an arm's requests are behind its value.
fn part_words(analysis: &Analysis, row: &ScorecardRow, arm: usize) -> Option<String> {
    let of = |arm: usize| Some((row.values.get(arm)?.n, analysis.arms.get(arm)?.n_requests));
    let is_part = |n: u64, all: u64| 2 * n < all;
    match (of(arm), of(analysis.control)) {
        (Some((n, all)), Some(control)) if is_part(n, all) && !is_part(control.0, control.1) => {
            let (n, all) = (units::count(n), units::count(all));
            Some(format!("of {n} of {all} requests"))
        }
        _ => None,
    }
}

/// The effect among the only requests of a column that both arms have.
fn shared_value<'a>(
    analysis: &'a Analysis,
    (row, arm): (&ScorecardRow, usize),
    missing: &[MissingValues<'_>],
) -> Option<&'a SegmentEffect> {
    let [column] = missing else {
        return None;
    };
    let mut effects = of_arm(analysis, row, arm).filter(|s| s.segment == column.segment);
    let only = effects.next()?;
    let is_only = column.n_shared == 1 && effects.next().is_none();
    (is_only && only.effect.difference.is_some()).then_some(only)
}

/// The gravest harm within a segment value that the whole does not show.
fn hidden<'a>(
    analysis: &'a Analysis,
    row: &ScorecardRow,
    effect: &Effect,
) -> Option<&'a SegmentEffect> {
    if effect.verdict == Verdict::Worse {
        return None;
    }
    of_arm(analysis, row, effect.arm).find(|s| s.verdict == Verdict::Worse)
}

fn hidden_words(harmed: &SegmentEffect) -> String {
    let change = harmed
        .effect
        .difference
        .map_or_else(String::new, |d| harmed.form.change(d.value));
    format!(
        "worse where {} is {}: {change}",
        harmed.segment,
        harmed.shown_value()
    )
}

/// An arm's effects on one metric by segment, the most harmful first.
fn of_arm<'a>(
    analysis: &'a Analysis,
    row: &ScorecardRow,
    arm: usize,
) -> impl Iterator<Item = &'a SegmentEffect> {
    let metric = row.id.clone();
    let all = analysis.segments.iter().chain(&analysis.other_segments);
    all.filter(move |s| s.effect.arm == arm && s.metric == metric)
}

fn chip(analysis: &Analysis, row: &ScorecardRow, (effect, verdict): (&Effect, Verdict)) -> Cell {
    let Some(difference) = &effect.difference else {
        return Cell::none();
    };
    let tone = if analysis.decision.is_log_unsound {
        Tone::Quiet
    } else {
        charts::verdict_tone(verdict)
    };
    let change = row.form.change(difference.value);
    Cell::chip(Chip::new(tone, verdict.symbol(), change))
        .standing_for(row.form.unrounded(difference.value))
}
