//! Blocks of a report on pages.

use resvg::usvg::{Options, Tree};

use super::super::chart::Tone;
use super::super::document::{Block, Callout, Figure, Item};
use super::super::fonts::Fonts;
use super::super::svg;
use super::super::text::prose;
use super::refused;
use super::sheet::{BOTTOM, Colour, LEFT, Mark, QUIET, Sheet, Style, TOP, WIDTH};
use super::table::table;
use crate::error::Result;

/// Width of a chart that has the page for itself, in the chart's own pixels.
const WIDE: u32 = 860;
/// Width of a chart that shares the page, pixels.
const HALF: u32 = 430;
/// Between two charts beside each other.
const GUTTER: f32 = 12.0;
/// Width of the column of chips.
const CHIPS: f32 = 82.0;
/// White between a name and its explanation.
const GAP: f32 = 8.0;
/// No name takes more room than this from its explanation.
const MOST_INSET: f32 = 190.0;

pub(super) fn block(sheet: &mut Sheet, block: &Block) -> Result<()> {
    match block {
        Block::Heading(title, chips) => {
            let mut words = vec![title.clone()];
            words.extend(
                chips
                    .iter()
                    .map(|chip| format!("{} {}", chip.symbol, chip.label)),
            );
            sheet.heading(&words.join("  "));
        }
        Block::Lead(text) => spaced(sheet, text, Style::body().quiet()),
        Block::Paragraph(text) => spaced(sheet, text, Style::body()),
        Block::Note(text) => spaced(sheet, text, Style::small().quiet()),
        Block::Facts(entries) | Block::Definitions(entries) => definitions(sheet, entries),
        Block::Bullets(entries) => list(sheet, entries),
        Block::Items(found) => {
            items(sheet, found);
            sheet.gap(4.0);
        }
        Block::Table(found) => table(sheet, found),
        Block::Figures(figures) => {
            for row in rows_of(figures) {
                row_of_figures(sheet, row, width_of(figures))?;
            }
        }
        Block::Callout(found) => callout(sheet, found),
        Block::Code(text) => code(sheet, text),
    }
    Ok(())
}

/// The colour that the light page gives a tone.
pub(super) fn tone_colour(tone: Tone) -> Colour {
    match tone {
        Tone::Good => (0x00, 0x69, 0x4b),
        Tone::Bad => (0xb0, 0x3a, 0x00),
        Tone::Caution => (0x7d, 0x57, 0x00),
        Tone::Control | Tone::Arm(_) | Tone::Quiet => (0x5a, 0x63, 0x6e),
    }
}

fn spaced(sheet: &mut Sheet, text: &str, style: Style) {
    sheet.paragraph(&prose(text), style);
    sheet.gap(4.0);
}

fn definitions(sheet: &mut Sheet, entries: &[(String, String)]) {
    let style = Style::body();
    let widths = entries.iter().map(|(name, _)| sheet.width(name, style));
    let inset = widths.fold(CHIPS - GAP, f32::max).min(MOST_INSET) + GAP;
    for (name, text) in entries {
        sheet.need(sheet.beginning(&prose(text), style, inset));
        sheet.text_at(sheet.left(), sheet.y(), name, Style::body().quiet());
        sheet.inset(inset, |sheet| sheet.paragraph(&prose(text), style));
        sheet.gap(2.0);
    }
    sheet.gap(4.0);
}

/// A bulleted list.
pub(super) fn list(sheet: &mut Sheet, entries: &[String]) {
    for entry in entries {
        sheet.need(sheet.beginning(&prose(entry), Style::body(), 12.0));
        sheet.text_at(sheet.left() + 2.0, sheet.y(), "•", Style::body().quiet());
        sheet.inset(12.0, |sheet| sheet.paragraph(&prose(entry), Style::body()));
        sheet.gap(1.5);
    }
    sheet.gap(3.0);
}

/// Statements with their weights in a column of their own.
pub(super) fn items(sheet: &mut Sheet, items: &[Item]) {
    let style = Style::body();
    for item in items {
        let about = sheet.beginning(&item.about, style.bold(), CHIPS);
        sheet.need(about + sheet.beginning(&prose(&item.text), style, CHIPS));
        let chip = format!("{} {}", item.chip.symbol, item.chip.label);
        let chip_style = Style::small().bold().coloured(tone_colour(item.chip.tone));
        sheet.text_at(sheet.left(), sheet.y() + 1.0, &chip, chip_style);
        sheet.inset(CHIPS, |sheet| {
            if !item.about.is_empty() {
                sheet.paragraph(&item.about, style.bold());
            }
            sheet.paragraph(&prose(&item.text), style);
            for note in &item.notes {
                sheet.paragraph(&prose(note), style.quiet());
            }
        });
        sheet.gap(3.0);
    }
}

pub(super) fn callout(sheet: &mut Sheet, callout: &Callout) {
    sheet.need(4.0 * Style::body().line());
    let from = sheet.mark();
    sheet.inset(10.0, |sheet| {
        sheet.paragraph(&callout.title, Style::body().bold());
        match callout.lines.as_slice() {
            [only] => sheet.paragraph(&prose(only), Style::body()),
            several => list(sheet, several),
        }
    });
    sheet.bar_since(from, tone_colour(callout.tone));
    sheet.gap(6.0);
}

/// Text letter by letter, its indentation kept.
fn code(sheet: &mut Sheet, text: &str) {
    for line in text.lines() {
        let indent = line.len() - line.trim_start().len();
        sheet.inset(3.0 * indent as f32, |sheet| {
            sheet.paragraph(line.trim_start(), Style::small().quiet());
        });
    }
    sheet.gap(6.0);
}

/// Charts that stand beside each other.
fn rows_of(figures: &[Figure]) -> std::slice::Chunks<'_, Figure> {
    figures.chunks(2)
}

/// The width of a block's charts, in their own pixels.
fn width_of(figures: &[Figure]) -> u32 {
    if figures.len() == 1 { WIDE } else { HALF }
}

/// The height of the first row of a block's charts.
pub(super) fn figures_height(sheet: &Sheet, figures: &[Figure]) -> f32 {
    let row = rows_of(figures).next().unwrap_or_default();
    Row::laid(sheet, row, width_of(figures)).whole + 4.0
}

/// Charts beside each other, measured.
struct Row {
    /// Of each chart, points.
    width: f32,
    captions: Vec<Vec<String>>,
    heights: Vec<f32>,
    /// With titles and captions.
    whole: f32,
}

const CAPTION: f32 = 7.0;

impl Row {
    fn laid(sheet: &Sheet, figures: &[Figure], pixels: u32) -> Self {
        let n = if pixels == WIDE { 1.0 } else { 2.0 };
        let width = (WIDTH - GUTTER * (n - 1.0)) / n;
        let caption = Style::sized(CAPTION);
        let scale = width / pixels as f32;
        let most = BOTTOM - TOP;
        let captions: Vec<Vec<String>> = figures
            .iter()
            .map(|figure| sheet.wrap(&figure.caption, caption, width))
            .collect();
        let words = |lines: &[String]| 20.0 + lines.len() as f32 * caption.line();
        let heights: Vec<f32> = figures
            .iter()
            .zip(&captions)
            .map(|(figure, lines)| (figure.height_px as f32 * scale).min(most - words(lines)))
            .collect();
        let whole = heights.iter().zip(&captions);
        let whole = whole.map(|(height, lines)| height + words(lines));
        Self {
            width,
            whole: whole.fold(0.0, f32::max),
            captions,
            heights,
        }
    }
}

/// Charts beside each other with titles and captions, all on one page.
fn row_of_figures(sheet: &mut Sheet, figures: &[Figure], pixels: u32) -> Result<()> {
    let Row {
        width,
        captions,
        heights,
        whole,
    } = Row::laid(sheet, figures, pixels);
    let (title, caption) = (Style::sized(8.5).bold(), Style::sized(CAPTION).quiet());
    let scale = width / pixels as f32;
    sheet.gap(4.0);
    sheet.need(whole);
    let top = sheet.y();
    for (k, figure) in figures.iter().enumerate() {
        let left = LEFT + k as f32 * (width + GUTTER);
        let name = sheet.wrap(&figure.chart.title, title, width);
        sheet.text_at(left, top, name.first().map_or("", String::as_str), title);
        let drawn = svg::plain(&figure.chart, pixels, figure.height_px);
        let options = Options {
            fontdb: Fonts::bundled().database,
            ..Options::default()
        };
        let tree = Tree::from_str(&drawn, &options)
            .map_err(|cause| refused(&format!("chart {}: {cause}", figure.chart.id)))?;
        let height = heights[k];
        let narrowed = (height / (figure.height_px as f32 * scale)).min(1.0);
        sheet.put(Mark::Chart {
            x: left,
            y: top + 16.0,
            width: width * narrowed,
            height,
            tree: Box::new(tree),
        });
        for (j, line) in captions[k].iter().enumerate() {
            let y = top + 20.0 + height + j as f32 * caption.line();
            sheet.text_at(left, y, line, caption.coloured(QUIET));
        }
    }
    sheet.advance(whole + 10.0);
    Ok(())
}
