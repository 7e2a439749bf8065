//! Blocks as HTML.

use maud::{Markup, PreEscaped, html};

use super::super::chart::Tone;
use super::super::document::{
    Align, Block, Callout, Cell, Chip, Column, Density, Figure, Item, Shown, Table,
};
use super::super::svg;
use super::super::text::prose;
use crate::units;

/// Width of a chart that has the column for itself, pixels.
const WIDE: u32 = 860;
/// Width of a chart that shares the column, pixels.
const HALF: u32 = 430;
/// Columns from which a table is set smaller.
const MANY: usize = 7;

pub(super) fn block(block: &Block) -> Markup {
    html! {
        @match block {
            Block::Heading(title, chips) => h3 { (title) @for c in chips { " " (chip(c)) } },
            Block::Lead(text) => p.lead { (prose(text)) },
            Block::Paragraph(text) => p { (prose(text)) },
            Block::Note(text) => p.note { (prose(text)) },
            Block::Facts(facts) => (self::facts(facts)),
            Block::Definitions(entries) => dl.methods {
                @for (name, text) in entries { div { dt { (name) } dd { (prose(text)) } } }
            },
            Block::Bullets(entries) => ul.limits { @for entry in entries { li { (prose(entry)) } } },
            Block::Items(items) => ul.checks { @for entry in items { (item(entry)) } },
            Block::Table(found) => (table(found)),
            Block::Figures(figures) => @match figures.as_slice() {
                [only] => (figure(only, WIDE)),
                several => div.pair { @for one in several { (figure(one, HALF)) } },
            },
            Block::Callout(found) => (callout(found)),
            Block::Code(text) => pre { code { (text) } },
        }
    }
}

pub(super) fn facts(facts: &[(String, String)]) -> Markup {
    html! {
        dl.facts { @for (name, value) in facts { div { dt { (name) } dd { (value) } } } }
    }
}

/// A word with a shape and a colour.
pub(super) fn chip(chip: &Chip) -> Markup {
    html! {
        span class={ "chip " (tone_class(chip.tone)) } {
            span.symbol aria-hidden="true" { (chip.symbol) } (chip.label)
        }
    }
}

/// The class that carries a tone's colour and tint.
pub(super) fn tone_class(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "t-good",
        Tone::Bad => "t-bad",
        Tone::Caution => "t-caution",
        Tone::Control | Tone::Arm(_) | Tone::Quiet => "t-quiet",
    }
}

pub(super) fn callout(callout: &Callout) -> Markup {
    html! {
        div class={ "callout " (tone_class(callout.tone)) } {
            p { strong { (callout.title) } }
            @match callout.lines.as_slice() {
                [only] => p { (prose(only)) },
                several => ul { @for line in several { li { (prose(line)) } } },
            }
        }
    }
}

fn item(item: &Item) -> Markup {
    html! {
        li class=[(item.chip.tone == Tone::Good).then_some("fine")] {
            (chip(&item.chip))
            strong { (item.about) }
            div {
                (prose(&item.text))
                @for note in &item.notes { p.advice { (prose(note)) } }
            }
        }
    }
}

/// A chart with its caption and, folded, its table twin.
fn figure(figure: &Figure, width: u32) -> Markup {
    html! {
        figure {
            h4 { (figure.chart.title) }
            (PreEscaped(svg::draw(&figure.chart, width, figure.height_px)))
            figcaption { (figure.chart.caption) }
            @if let Some(twin) = &figure.twin {
                details { summary { "Show as table" } (table(twin)) }
            }
        }
    }
}

/// A table that scrolls by itself where the page is too narrow.
fn table(table: &Table) -> Markup {
    let class = match table.density {
        Density::Dense => "dense",
        Density::Roomy if table.columns.len() >= MANY => "several",
        Density::Roomy => "",
    };
    html! {
        div.scroll {
            table class=(class) id={ "table-" (table.id) } aria-label=(table.title) {
                thead { tr { @for column in &table.columns { (head(column)) } } }
                tbody {
                    @for (k, row) in table.rows.iter().enumerate() {
                        @let same = k > 0 && is_same_head(table, k);
                        tr class=[same.then_some("same")] {
                            @for (cell, column) in row.iter().zip(&table.columns) {
                                (self::cell(cell, column.align, same))
                            }
                        }
                    }
                }
            }
        }
        @if !table.more.is_empty() { p.more { (table.more) } }
    }
}

/// Whether a row is about what the row above is about, as a metric's further arms are.
fn is_same_head(table: &Table, row: usize) -> bool {
    let has_head = table
        .columns
        .first()
        .is_some_and(|c| c.align == Align::Head);
    has_head && table.rows[row].first() == table.rows[row - 1].first()
}

fn head(column: &Column) -> Markup {
    html! {
        th.num[column.align == Align::Right] scope="col" {
            (column.title)
            @if !column.sub.is_empty() { small { (column.sub) } }
        }
    }
}

fn cell(cell: &Cell, align: Align, same: bool) -> Markup {
    let content = html! {
        @match &cell.shown {
            Shown::Nothing => span.none { (units::NO_VALUE) },
            Shown::Text(text) => (prose(text)),
            Shown::Code(text) => code { (text) },
            Shown::Number { text, .. } => (text),
            Shown::Estimate { text, interval, .. } => {
                span.value { (text) }
                small { (interval) }
            },
            Shown::Chip(found) => (chip(found)),
        }
        @for note in &cell.notes { small { (note) } }
        @if !cell.warning.is_empty() { small.warning { (cell.warning) } }
    };
    html! {
        @match align {
            Align::Head if same => td {},
            Align::Head => th scope="row" { (content) },
            Align::Left => td { (content) },
            Align::Right => td.num { (content) },
        }
    }
}
