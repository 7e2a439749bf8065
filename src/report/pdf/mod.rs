//! The report as PDF: A4, fonts inside, text that can be selected, bookmarks, page numbers. Rows of
//! tables and charts are never cut; a table that goes on repeats its header; a heading stands on the page
//! of what it is about.

mod blocks;
mod ink;
mod keep;
mod sheet;
mod table;
mod typeface;

use krilla::metadata::Metadata;

use super::document::{Banner, Document, Tile};
use super::text::prose;
use crate::error::{Error, ErrorKind, Result};
use crate::language::Language;
use blocks::{block, callout, items, list, tone_colour};
use keep::{introduces, least};
use sheet::{BOTTOM, LEFT, Sheet, Style, WIDTH};

/// The report as the bytes of a PDF file. The same input gives the same bytes.
///
/// # Errors
/// A chart or a font that the PDF writer refuses, which would be a defect.
pub(super) fn render(document: &Document) -> Result<Vec<u8>> {
    let mut sheet = Sheet::new()?;
    cover(&mut sheet, document);
    sections(&mut sheet, document)?;
    let metadata = Metadata::new()
        .title(super::text::visible(&document.title).into_owned())
        .creator(format!("Hindsight {}", document.version))
        .language(document.language.tag().to_owned());
    ink::paint(sheet, document, metadata)
}

fn sections(sheet: &mut Sheet, document: &Document) -> Result<()> {
    for (k, section) in document.sections.iter().enumerate() {
        let title = format!("{}  {}", k + 1, section.title);
        sheet.section(&title, &section.title, least(sheet, &section.blocks));
        for (at, part) in section.blocks.iter().enumerate() {
            if introduces(part) {
                sheet.need(least(sheet, &section.blocks[at..]));
            }
            block(sheet, part)?;
        }
    }
    Ok(())
}

/// The one page for those who read nothing else.
fn cover(sheet: &mut Sheet, document: &Document) {
    let language = document.language;
    sheet.bookmark(&language.say("Decision"));
    sheet.paragraph(
        &language.say("Decision report"),
        Style::small().bold().coloured(sheet::ACCENT),
    );
    sheet.paragraph(&document.title, Style::sized(19.0).bold());
    sheet.gap(4.0);
    facts(sheet, &document.facts);
    banner(sheet, &document.banner, language);
    tiles(sheet, &document.tiles);
}

/// Name over value, as many beside each other as fit.
fn facts(sheet: &mut Sheet, facts: &[(String, String)]) {
    let (name_style, value_style) = (Style::small().quiet(), Style::sized(8.5));
    let mut x = LEFT;
    let mut row_height: f32 = 0.0;
    for (name, value) in facts {
        let wanted = sheet
            .width(name, name_style)
            .max(sheet.width(value, value_style))
            + 18.0;
        let width = wanted.min(WIDTH);
        if x > LEFT && x + width > LEFT + WIDTH {
            sheet.advance(row_height + 5.0);
            (x, row_height) = (LEFT, 0.0);
        }
        sheet.need(30.0);
        let top = sheet.y();
        sheet.text_at(x, top, name, name_style);
        let lines = sheet.wrap(value, value_style, width);
        for (k, line) in lines.iter().enumerate() {
            sheet.text_at(x, top + 10.0 + 11.0 * k as f32, line, value_style);
        }
        row_height = row_height.max(10.0 + 11.0 * lines.len() as f32);
        x += width;
    }
    sheet.advance(row_height + 10.0);
}

fn banner(sheet: &mut Sheet, banner: &Banner, language: Language) {
    let colour = tone_colour(banner.tone);
    let from = sheet.mark();
    sheet.inset(12.0, |sheet| {
        sheet.gap(6.0);
        sheet.paragraph(&banner.kicker, Style::small().quiet());
        let kind = format!("{} {}", banner.symbol, banner.kind);
        sheet.paragraph(&kind, Style::sized(17.0).bold().coloured(colour));
        sheet.paragraph(&prose(&banner.headline), Style::sized(10.5));
        sheet.gap(3.0);
        for found in &banner.callouts {
            callout(sheet, found);
        }
        items(sheet, &banner.reasons);
        for (title, sentences) in [
            ("Next step", &banner.next_step),
            ("What would change a reading", &banner.would_change),
            ("Doubts about this decision", &banner.dissent),
        ] {
            if !sentences.is_empty() {
                sheet.gap(3.0);
                sheet.paragraph(&language.say(title), Style::body().bold());
                list(sheet, sentences);
            }
        }
        sheet.gap(4.0);
    });
    sheet.bar_since(from, colour);
    sheet.gap(10.0);
}

fn tiles(sheet: &mut Sheet, tiles: &[Tile]) {
    if tiles.is_empty() {
        return;
    }
    let gap = 8.0;
    let width = (WIDTH - 2.0 * gap) / 3.0;
    let height = 88.0;
    if sheet.y() + height > BOTTOM {
        sheet.new_page();
    }
    let top = sheet.y();
    for (k, tile) in tiles.iter().enumerate() {
        let left = LEFT + k as f32 * (width + gap);
        sheet.frame(left, top, width, height);
        let colour = tone_colour(tile.verdict.tone);
        let verdict = format!("{} {}", tile.verdict.symbol, tile.verdict.label);
        let lines = [
            (12.0, &tile.label, Style::small().quiet()),
            (31.0, &tile.change, Style::sized(15.0).bold()),
            (45.0, &tile.interval, Style::small()),
            (80.0, &verdict, Style::small().bold().coloured(colour)),
        ];
        for (below, text, style) in lines {
            sheet.baseline_text(left + 9.0, top + below, text, style);
        }
        let arms = sheet.wrap(&tile.arms, Style::sized(7.0), width - 18.0);
        for (k, line) in arms.iter().take(2).enumerate() {
            let y = top + 57.0 + 9.0 * k as f32;
            sheet.baseline_text(left + 9.0, y, line, Style::sized(7.0).quiet());
        }
    }
    sheet.advance(height + 12.0);
}

fn refused(what: &str) -> Error {
    Error::new(
        ErrorKind::Internal,
        format!("The PDF could not be written: {what}"),
    )
    .hint("Write HTML instead and print it")
}

#[cfg(test)]
mod tests;
