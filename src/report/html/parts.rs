//! Blocks as HTML.

use maud::{Markup, PreEscaped, html};

use super::super::chart::Tone;
use super::super::document::{
    Align, Block, Callout, Cell, Chip, Density, Figure, Item, Shown, Table,
};
use super::super::svg;
use super::super::text::prose;
use super::sort::Order;
use crate::language::Language;
use crate::units;

/// Width of a chart that has the column for itself, pixels.
const WIDE: u32 = 860;
/// Width of a chart that shares the column, pixels.
const HALF: u32 = 430;
/// Columns from which a table is set smaller.
const MANY: usize = 7;

pub(super) fn block(block: &Block, language: Language) -> Markup {
    html! {
        @match block {
            Block::Heading(title, chips) => h3 { (title) @for c in chips { " " (chip(c)) } },
            Block::Lead(text) => p.lead { (running(text)) },
            Block::Paragraph(text) => p { (running(text)) },
            Block::Note(text) => p.note { (running(text)) },
            Block::Facts(facts) => (self::facts(facts)),
            Block::Definitions(entries) => dl.methods {
                @for (name, text) in entries { div { dt { (name) } dd { (running(text)) } } }
            },
            Block::Bullets(entries) => ul.limits { @for entry in entries { li { (running(entry)) } } },
            Block::Items(items) => ul.checks { @for entry in items { (item(entry)) } },
            Block::Table(found) => (table(found, language)),
            Block::Figures(figures) => @match figures.as_slice() {
                [only] => (figure(only, WIDE, language)),
                several => div.pair { @for one in several { (figure(one, HALF, language)) } },
            },
            Block::Callout(found) => (callout(found)),
            Block::Code(text) => pre { code { (text) } },
        }
    }
}

pub(super) fn facts(facts: &[(String, String)]) -> Markup {
    html! {
        dl.facts { @for (name, value) in facts { div { dt { (name) } dd { (running(value)) } } } }
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

/// A sentence in which neither figures nor dates nor options are broken.
pub(super) fn running(text: &str) -> Markup {
    let text = prose(text);
    let is_whole = |word: &str| {
        let word = word.trim_start_matches(['(', '[']);
        let is_of_stamp = |c: char| c.is_ascii_digit() || "-:,;.)".contains(c);
        word.starts_with("--") || (word.contains('-') && word.chars().all(is_of_stamp))
    };
    html! {
        @for (k, word) in text.split(' ').enumerate() {
            @if k > 0 { " " }
            @if is_whole(word) { span.whole { (word) } } @else { (word) }
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
                [only] => p { (running(only)) },
                several => ul { @for line in several { li { (running(line)) } } },
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
                (running(&item.text))
                @for note in &item.notes { p.advice { (running(note)) } }
            }
        }
    }
}

/// A chart with its caption and, folded, its table twin.
fn figure(figure: &Figure, width: u32, language: Language) -> Markup {
    html! {
        figure {
            h4 { (figure.chart.title) }
            (PreEscaped(svg::draw(&figure.chart, width, figure.height_px)))
            figcaption { (figure.caption) }
            @if let Some(twin) = &figure.twin {
                details { summary { (language.say("Show as table")) } (table(twin, language)) }
            }
        }
    }
}

/// Longer words are broken anywhere.
const LONG_WORD: usize = 32;

/// A table that scrolls by itself where the page is too narrow, and sorts by any column.
fn table(table: &Table, language: Language) -> Markup {
    let class = match table.density {
        Density::Dense => "dense",
        Density::Roomy if table.columns.len() >= MANY => "several",
        Density::Roomy => "",
    };
    let order = Order::of(table);
    let sortable = order.as_ref().map_or("", |_| " sortable");
    let columns = order
        .as_ref()
        .map(|_| format!("--n:{}", table.columns.len()));
    html! {
        div.scroll {
            table class={ (class) (sortable) } style=[columns] id={ "table-" (table.id) } aria-label=(table.title) {
                thead { tr {
                    @for (k, column) in table.columns.iter().enumerate() {
                        th.num[column.align == Align::Right].long[is_long(&column.title)] scope="col" {
                            (column.title)
                            @if !column.sub.is_empty() { small { (column.sub) } }
                            @if let Some(order) = &order { (order.buttons(table, k, language)) }
                        }
                    }
                } }
                tbody {
                    @for (k, row) in table.rows.iter().enumerate() {
                        @let n_shared = table.n_shared(k);
                        tr class=[(n_shared > 0).then_some("same")] style=[order.as_ref().map(|order| order.style(k))] {
                            @for (c, (cell, column)) in row.iter().zip(&table.columns).enumerate() {
                                @if c >= n_shared {
                                    (self::cell(cell, column.align))
                                } @else if order.is_some() {
                                    // Shown where sorting tears it from the row above.
                                    td.shared { span { (content(cell)) } }
                                } @else {
                                    td {}
                                }
                            }
                        }
                    }
                }
            }
        }
        @if !table.more.is_empty() { p.more { (table.more) } }
    }
}

/// A name without a place to break it, which would push the figures out of sight.
fn is_long(text: &str) -> bool {
    let longest = text.split(' ').map(|word| word.chars().count()).max();
    longest.unwrap_or(0) > LONG_WORD
}

fn content(cell: &Cell) -> Markup {
    html! {
        @match &cell.shown {
            Shown::Nothing => span.none { (units::NO_VALUE) },
            Shown::Text(text) => (running(text)),
            Shown::Code(text) => code { (text) },
            Shown::Number { text, .. } => (prose(text)),
            Shown::Estimate { text, interval, .. } => {
                span.value { (text) }
                small { (interval) }
            },
            Shown::Chip(found) => (chip(found)),
        }
        @for note in &cell.notes { small { (running(note)) } }
        @if !cell.warning.is_empty() { small.warning { (cell.warning) } }
    }
}

fn cell(cell: &Cell, align: Align) -> Markup {
    let content = content(cell);
    let is_long = match &cell.shown {
        Shown::Text(text) | Shown::Code(text) => is_long(text),
        _ => false,
    };
    html! {
        @match align {
            Align::Head => th.long[is_long] scope="row" { (content) },
            Align::Left => td.long[is_long] { (content) },
            Align::Right => td.num { (content) },
        }
    }
}
