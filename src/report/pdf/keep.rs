//! What stays together on a page: a heading or an introduction with the beginning of what follows.

use super::super::document::Block;
use super::super::text::prose;
use super::blocks::figures_height;
use super::sheet::{BOTTOM, Sheet, Style, TOP};
use super::table::beginning;

/// What must fit below a heading that only text follows.
const TEXT: f32 = 60.0;

/// Whether a block belongs to the next one.
pub(super) fn introduces(block: &Block) -> bool {
    matches!(block, Block::Heading(..) | Block::Lead(_))
}

/// The height of what stands together at the beginning of some blocks: headings and the texts below
/// them with the beginning of the table, or the charts, that these lead to.
pub(super) fn least(sheet: &Sheet, blocks: &[Block]) -> f32 {
    let page = BOTTOM - TOP;
    let mut texts = 0.0;
    for block in blocks {
        let paragraph = |text: &str, style: Style| {
            let lines = sheet.wrap(&prose(text), style, sheet.room());
            lines.len() as f32 * style.line() + 4.0
        };
        texts += match block {
            Block::Heading(title, _) => 9.0 + paragraph(title, Style::sized(10.5).bold()),
            Block::Lead(text) | Block::Paragraph(text) => paragraph(text, Style::body()),
            Block::Note(text) => paragraph(text, Style::small()),
            Block::Table(table) => return (texts + beginning(sheet, table)).min(page),
            Block::Figures(figures) => return (texts + figures_height(sheet, figures)).min(page),
            _ => return texts + TEXT,
        };
        // Texts that fill a good part of a page stand for themselves.
        if texts > page / 3.0 {
            return TEXT;
        }
    }
    texts.min(TEXT)
}
