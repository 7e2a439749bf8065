//! Every arm by segment, where there are more than two: which is best for which requests.

use super::super::charts;
use super::super::document::{Block, Cell, Column, Figure, Table};
use super::arm_name;
use crate::analysis::{Analysis, SegmentArms, SegmentEffect};
use crate::report::ReportInput;
use crate::report::segment_map::{arms_by_segment, arms_note, left_out_words};

/// Columns of which every arm is shown; JSON has them all.
const MAX_COLUMNS: usize = 2;
const CHART_HEIGHT_PX: u32 = 300;

pub(super) fn blocks(input: &ReportInput<'_>) -> Vec<Block> {
    let analysis = input.analysis;
    let mut columns: Vec<(&str, Vec<&SegmentArms>)> = Vec::new();
    for found in arms_by_segment(analysis) {
        match columns.last_mut() {
            Some((column, of_column)) if *column == found.segment => of_column.push(found),
            _ => columns.push((&found.segment, vec![found])),
        }
    }
    if columns.is_empty() {
        return Vec::new();
    }
    let mut out = vec![Block::Lead(arms_note().to_owned())];
    let n_columns = columns.len();
    for (_, of_column) in columns.into_iter().take(MAX_COLUMNS) {
        let charts = of_column.iter().filter_map(|found| {
            let chart = charts::arms_by_segment(analysis, found)?;
            Some(Figure::new(chart, CHART_HEIGHT_PX, None))
        });
        let figures: Vec<Figure> = charts.collect();
        let has_curves = !figures.is_empty();
        if has_curves {
            out.push(Block::Figures(figures));
        }
        // Curves show what tables of medians would repeat.
        let decides = |found: &&SegmentArms| {
            let mut rows = analysis.scorecard.iter();
            rows.any(|row| row.id == found.metric && row.role.decides())
        };
        for found in of_column.into_iter().filter(|f| !has_curves || decides(f)) {
            let title = format!("{} by {}", found.label, found.segment);
            out.push(Block::Heading(title, Vec::new()));
            out.push(Block::Table(table(analysis, found)));
        }
    }
    if n_columns > MAX_COLUMNS {
        out.push(Block::Note(format!(
            "{MAX_COLUMNS} of {n_columns} segment columns; the JSON report has them all."
        )));
    }
    out
}

/// One metric: segment values down, arms across.
fn table(analysis: &Analysis, found: &SegmentArms) -> Table {
    let shown: Vec<usize> = found.values.first().map_or_else(Vec::new, |value| {
        value.arms.iter().map(|of| of.arm).collect()
    });
    let mut columns = vec![Column::head(found.segment.as_str())];
    columns.extend(
        shown
            .iter()
            .map(|arm| Column::right(arm_name(analysis, *arm))),
    );
    let rows = found.values.iter().map(|value| {
        let of_arm = |arm: &usize| match value.arms.iter().find(|of| of.arm == *arm) {
            Some(of) if of.n > 0 => {
                let cell = Cell::value(found.form, of.estimate.map(|e| e.value));
                match of.n {
                    n if n < SegmentEffect::MIN_REQUESTS as u64 => cell.note(format!("n {n}")),
                    _ => cell,
                }
            }
            _ => Cell::none(),
        };
        let name = Cell::text(value.shown_value());
        std::iter::once(name)
            .chain(shown.iter().map(of_arm))
            .collect()
    });
    let id = format!("arms-{}-{}", found.metric, found.segment);
    let title = format!("{} by {}, every arm", found.label, found.segment);
    let mut table = Table::new(&id, title, columns).dense().with(rows);
    if found.n_left_out > 0 {
        table.more = format!("{}.", left_out_words(found.n_left_out));
    }
    table
}
