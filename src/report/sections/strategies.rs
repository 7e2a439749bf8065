//! Tables and charts of the rollout strategy: shadow pairs, the switch, novelty.

use super::super::document::{Block, Cell, Column, Figure, Table};
use super::super::panels::panels;
use crate::report::ReportInput;

pub(super) fn blocks(input: &ReportInput<'_>) -> Vec<Block> {
    let mut out = Vec::new();
    for panel in panels(input.analysis) {
        out.push(Block::Heading(panel.title.clone(), Vec::new()));
        let sentences = panel.lead.iter().map(|lead| format!("{lead}."));
        out.extend(sentences.map(Block::Paragraph));
        let columns = panel.header.iter().enumerate().map(|(k, title)| match k {
            0 => Column::head(*title),
            _ => Column::right(*title),
        });
        let rows = panel
            .rows
            .into_iter()
            .map(|row| row.into_iter().map(Cell::text).collect());
        out.push(Block::Table(
            Table::new(&panel.title, panel.title.as_str(), columns.collect()).with(rows),
        ));
        out.push(Block::Note(format!("{}.", panel.note)));
        let charts = panel.charts.into_iter();
        let figures: Vec<Figure> = charts.map(|c| Figure::new(c, 240, None)).collect();
        if !figures.is_empty() {
            out.push(Block::Figures(figures));
        }
    }
    out
}
