//! Whether the log could tell: how wide the intervals are beside the margins, and what more data
//! would take.

use super::super::document::{Block, Cell, Column, Table};
use super::read;
use crate::analysis::Analysis;
use crate::report::ReportInput;
use crate::units;

pub(super) fn blocks(input: &ReportInput<'_>) -> Vec<Block> {
    let analysis = input.analysis;
    let table = table(analysis);
    if table.rows.is_empty() {
        return Vec::new();
    }
    vec![
        Block::Lead(
            "An interval much wider than the margin cannot tell harm from none. A true change of half its \
             width is seen one time in two, one of 1.4 times that four times in five. What would change the reading supposes that the estimate stays where it is."
                .to_owned(),
        ),
        Block::Table(table),
    ]
}

fn table(analysis: &Analysis) -> Table {
    let columns = vec![
        Column::head("Metric"),
        Column::right("Half the interval’s width"),
        Column::right("Margin"),
        Column::left("Verdict"),
        Column::left("What would change it"),
    ];
    let mut table = Table::new("power", "Width of the intervals", columns);
    let Some(treatment) = analysis.treatment else {
        return table;
    };
    for row in analysis.scorecard.iter().filter(|row| row.role.decides()) {
        let Some(effect) = row.effect_of(treatment) else {
            continue;
        };
        let reach = effect
            .difference
            .map(|d| (d.interval.upper - d.interval.lower) / 2.0);
        let signed = |value: Option<f64>, sign: &str| {
            value.map_or_else(Cell::none, |v| {
                let text = row.form.change(v);
                Cell::number(
                    row.form.unrounded(v),
                    format!("{sign}{}", text.trim_start_matches('+')),
                )
            })
        };
        let outlook = analysis
            .decision
            .would_change
            .iter()
            .find(|o| o.metric == row.id);
        table.rows.push(vec![
            Cell::text(row.label.as_str()),
            signed(reach.filter(|r| r.is_finite()), "± "),
            signed(effect.margin, ""),
            Cell::chip(read(analysis, effect.verdict)),
            Cell::text(outlook.map_or(units::NO_VALUE, |o| o.text.as_str())),
        ]);
    }
    table
}
