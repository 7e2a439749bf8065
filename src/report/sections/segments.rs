//! Where in the traffic the treatment loses first.

use super::super::chart::Tone;
use super::super::charts;
use super::super::document::{Block, Cell, Chip, Column, Figure, Table};
use super::{arm_name, read};
use crate::analysis::{Analysis, SegmentEffect, Verdict};
use crate::report::ReportInput;
use crate::report::segment_map::{segment_map, segment_note, segment_words};
use crate::units;

/// The most rows that the table shows; JSON has them all.
const MAX_ROWS: usize = 30;

pub(super) fn blocks(input: &ReportInput<'_>) -> Vec<Block> {
    let analysis = input.analysis;
    let words = segment_words(analysis).into_iter();
    let words = words.map(|words| Block::Paragraph(words + "."));
    if analysis.segments.is_empty() {
        // Columns that were asked for and could not be compared do not go without a word.
        return words.collect();
    }
    let mut out = vec![Block::Lead(
        "Exploratory: many segments were looked at. A segment that loses or gains here is a question \
         for the next rollout rather than a finding."
            .to_owned(),
    )];
    out.extend(words);
    if let Some(map) = map_table(analysis) {
        out.push(Block::Table(map));
        out.push(Block::Note(super::signs(
            "Intervals of what is worse or better stand in the next table",
        )));
    }
    out.push(Block::Note(segment_note(analysis) + "."));
    let table = table(analysis);
    if table.rows.is_empty() {
        out.push(Block::Note(table.more));
    } else {
        out.push(Block::Table(table));
    }
    let deciding = analysis.scorecard.iter().filter(|row| row.role.decides());
    let figures: Vec<Figure> = deciding
        .filter_map(|row| charts::segment_forest(analysis, &row.id))
        .map(|chart| {
            let height_px = 110 + 26 * chart.n_rows() as u32;
            Figure::new(chart, height_px, None)
        })
        .collect();
    if !figures.is_empty() {
        out.push(Block::Figures(figures));
    }
    out
}

/// Every metric that decides by every segment value.
fn map_table(analysis: &Analysis) -> Option<Table> {
    let map = segment_map(analysis)?;
    let shown: Vec<usize> = (0..map.metrics.len())
        .filter(|k| map.metrics[*k].role.decides())
        .collect();
    let mut columns = vec![Column::head("Segment")];
    columns.extend(
        shown
            .iter()
            .map(|k| Column::left(map.metrics[*k].label.as_str())),
    );
    let rows = map.rows.iter().take(MAX_ROWS).map(|row| {
        let name = Cell::text(row.worst.shown_value()).note(row.worst.segment.as_str());
        let cells = shown
            .iter()
            .map(|k| map_cell(row.cells[*k], !analysis.decision.is_log_unsound));
        std::iter::once(name).chain(cells).collect()
    });
    let mut table = Table::new("segment-map", "Every metric by every segment", columns).with(rows);
    if map.rows.len() > MAX_ROWS {
        table.more = format!("The {MAX_ROWS} most harmful of {} values.", map.rows.len());
    }
    Some(table)
}

fn map_cell(cell: Option<&SegmentEffect>, is_judged: bool) -> Cell {
    let Some((effect, difference)) = cell.and_then(|c| Some((c, c.effect.difference.as_ref()?)))
    else {
        return Cell::none();
    };
    Cell::chip(Chip::new(
        if is_judged {
            charts::verdict_tone(effect.verdict)
        } else {
            Tone::Quiet
        },
        effect.verdict.symbol(),
        effect.form.change(difference.value),
    ))
    .standing_for(effect.form.unrounded(difference.value))
}

fn table(analysis: &Analysis) -> Table {
    let treatment = analysis
        .treatment
        .map_or("treatment", |arm| arm_name(analysis, arm));
    let columns = vec![
        Column::head("Segment"),
        Column::left("Metric"),
        Column::right(arm_name(analysis, analysis.control)),
        Column::right(treatment),
        Column::right("Difference"),
        Column::right("p (corrected)"),
        Column::left("Verdict"),
    ];
    let all = || analysis.segments.iter();
    let is_told = |segment: &&SegmentEffect| is_clear(segment.verdict);
    let rows = all()
        .filter(is_told)
        .take(MAX_ROWS)
        .map(|s| row(analysis, s));
    let mut table = Table::new("segments", "Effects by segment", columns).with(rows);
    let (n, n_clear) = (all().count(), all().filter(is_told).count());
    let shown = table.rows.len();
    let n_open = n - n_clear;
    table.more = if n_clear > shown {
        format!(
            "{shown} of {n_clear} clear effects; {n_open} further effects are not clear. The JSON report has them all."
        )
    } else {
        format!(
            "All {n_clear} clear effects; {n_open} further effects are not clear. The JSON report has them all."
        )
    };
    table
}

/// Worse, better or changed beyond chance.
fn is_clear(verdict: Verdict) -> bool {
    matches!(
        verdict,
        Verdict::Worse | Verdict::WorseMarginOpen | Verdict::Better | Verdict::Changed
    )
}

fn row(analysis: &Analysis, segment: &SegmentEffect) -> Vec<Cell> {
    let value = |value: Option<f64>, n: u64| {
        Cell::value(segment.form, value).note(format!("n {}", units::count(n)))
    };
    let (control, treatment) = segment.compared();
    let name = match segment.value.as_str() {
        "" => "(empty)",
        value => value,
    };
    vec![
        Cell::text(name).note(segment.segment.as_str()),
        Cell::text(segment.label.as_str()),
        value(control, segment.n.0),
        value(treatment, segment.n.1),
        Cell::change(segment.form, segment.effect.difference.as_ref()),
        match segment.effect.difference {
            Some(_) => Cell::number(segment.p_adjusted, units::p_value(segment.p_adjusted)),
            None => Cell::none(),
        },
        Cell::chip(read(analysis, segment.verdict)),
    ]
}
