use super::super::document;
use super::super::document::{Block, Section};
use super::super::fixture::{canary, canary_named};
use super::*;

fn rendered(name: &str) -> Vec<u8> {
    render(&document(&canary_named(name).input())).unwrap()
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let first = rendered("v2");
    assert!(first.starts_with(b"%PDF-"));
    assert!(first == rendered("v2"));
}

#[test]
fn labels_of_any_script_are_drawn() {
    for name in [
        "模型二",
        "모델",
        "<script>\u{202E}\u{0}",
        "Łódź ✕",
        &"long".repeat(200),
        "",
    ] {
        assert!(rendered(name).len() > 10_000);
    }
}

#[test]
fn nothing_stands_outside_of_the_page() {
    let mut sheet = Sheet::new().unwrap();
    let document = document(&canary().input());
    cover(&mut sheet, &document);
    sections(&mut sheet, &document).unwrap();
    assert!(sheet.pages.len() > 3);
    for marks in &sheet.pages {
        assert!(!marks.is_empty(), "an empty page");
        for mark in marks {
            let (left, right, bottom) = match mark {
                sheet::Mark::Text { x, y, text, style } => (*x, x + sheet.width(text, *style), *y),
                sheet::Mark::Fill {
                    x,
                    y,
                    width,
                    height,
                    ..
                }
                | sheet::Mark::Frame {
                    x,
                    y,
                    width,
                    height,
                }
                | sheet::Mark::Chart {
                    x,
                    y,
                    width,
                    height,
                    ..
                } => (*x, x + width, y + height),
            };
            assert!(
                left >= LEFT - 1.0 && right <= LEFT + WIDTH + 2.0,
                "{left} to {right}"
            );
            assert!(bottom <= BOTTOM + 1.0, "{bottom}");
        }
    }
}

/// Wherever on a page it comes, a heading stands with the chart or the table that it names.
#[test]
fn a_heading_is_not_parted_from_what_it_is_about() {
    let document = document(&canary().input());
    let all = || document.sections.iter().flat_map(|s| &s.blocks);
    let chart = all().find(|b| matches!(b, Block::Figures(_))).unwrap();
    let table = all().find(|b| matches!(b, Block::Table(_))).unwrap();
    let mut n_moved = 0;
    for (above, below) in (0..15).flat_map(|k| [(k, chart), (k, table)]) {
        let mut sheet = Sheet::new().unwrap();
        sheet.advance(50.0 * above as f32);
        let blocks = [
            Block::Heading("Heading".into(), Vec::new()),
            Block::Lead("What to know before.".into()),
            below.clone(),
        ];
        let section = Section {
            id: "x",
            title: "Section".into(),
            blocks: blocks.to_vec(),
        };
        let one = Document {
            sections: vec![section],
            ..document.clone()
        };
        sections(&mut sheet, &one).unwrap();
        n_moved += sheet.bookmarks[0].page;
        let page = &sheet.pages[sheet.bookmarks[0].page];
        let is_there = page.iter().any(|mark| match mark {
            sheet::Mark::Chart { .. } => true,
            sheet::Mark::Fill { colour, .. } => *colour == sheet::SUNKEN,
            _ => false,
        });
        assert!(is_there, "{above}");
        assert_eq!(sheet.bookmarks[0].page, sheet.bookmarks[1].page);
    }
    assert!(n_moved > 4, "{n_moved}");
}

#[test]
fn lines_break_between_han_but_not_before_punctuation() {
    let sheet = Sheet::new().unwrap();
    let style = Style::sized(10.0);
    for line in sheet.wrap("模型模型模型，模型模型。模型", style, 45.0) {
        assert!(!line.starts_with(['，', '。']), "{line}");
    }
    let cut = sheet.wrap(&"a".repeat(100), style, 100.0);
    assert!(cut.len() > 3 && cut.concat().len() == 100);
}
