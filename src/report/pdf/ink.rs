//! Marks to PDF.

use krilla::Document;
use krilla::color::rgb;
use krilla::destination::XyzDestination;
use krilla::geom::{PathBuilder, Point, Rect, Size, Transform};
use krilla::metadata::Metadata;
use krilla::outline::{Outline, OutlineNode};
use krilla::page::PageSettings;
use krilla::paint::{Fill, Stroke};
use krilla::surface::Surface;
use krilla::text::TextDirection;
use krilla_svg::{SurfaceExt as _, SvgSettings};

use super::super::document::Document as Report;
use super::refused;
use super::sheet::{BOTTOM, Bookmark, Colour, HAIR, LEFT, Mark, PAGE, Sheet, Style, WIDTH};
use crate::error::Result;

/// The pages as a PDF file, with the report's origin and the page's number at the foot of each.
pub(super) fn paint(mut sheet: Sheet, report: &Report, metadata: Metadata) -> Result<Vec<u8>> {
    let n = sheet.pages.len();
    let style = Style::sized(7.0).quiet();
    for k in 0..n {
        let number = format!("Page {} of {n}", k + 1);
        let number = report.language.say(&number).into_owned();
        let right = LEFT + WIDTH - sheet.width(&number, style);
        let lines = sheet.wrap(&report.origin, style, WIDTH - 80.0);
        let y = BOTTOM + 28.0;
        let foot = [
            (LEFT, lines.first().cloned().unwrap_or_default()),
            (right, number),
        ];
        let marks = foot.map(|(x, text)| Mark::Text { x, y, text, style });
        sheet.pages[k].extend(marks);
    }
    let mut document = Document::new();
    document.set_metadata(metadata);
    document.set_outline(outline(&sheet.bookmarks));
    let settings = PageSettings::from_wh(PAGE.0, PAGE.1).ok_or_else(|| refused("page size"))?;
    for marks in &sheet.pages {
        let mut page = document.start_page_with(settings.clone());
        let mut surface = page.surface();
        for mark in marks {
            one(&mut surface, &sheet, mark)?;
        }
        surface.finish();
        page.finish();
    }
    document
        .finish()
        .map_err(|cause| refused(&format!("{cause:?}")))
}

fn one(surface: &mut Surface<'_>, sheet: &Sheet, mark: &Mark) -> Result<()> {
    match mark {
        Mark::Text { x, y, text, style } => {
            surface.set_fill(Some(fill(style.colour)));
            let mut x = *x;
            for run in sheet.faces.runs(text, style.is_bold) {
                let font = sheet.faces.font(run.face);
                let start = Point::from_xy(x, *y);
                surface.draw_text(
                    start,
                    font,
                    style.size,
                    run.text,
                    false,
                    TextDirection::Auto,
                );
                x += run.width * style.size;
            }
        }
        Mark::Fill {
            x,
            y,
            width,
            height,
            colour,
        } => {
            surface.set_fill(Some(fill(*colour)));
            draw_rectangle(surface, (*x, *y, *width, *height));
        }
        Mark::Frame {
            x,
            y,
            width,
            height,
        } => {
            surface.set_fill(None);
            surface.set_stroke(Some(Stroke {
                paint: paint_of(HAIR).into(),
                width: 0.6,
                ..Stroke::default()
            }));
            draw_rectangle(surface, (*x, *y, *width, *height));
            surface.set_stroke(None);
        }
        Mark::Chart {
            x,
            y,
            width,
            height,
            tree,
        } => {
            let size = Size::from_wh(*width, *height).ok_or_else(|| refused("an empty chart"))?;
            surface.push_transform(&Transform::from_translate(*x, *y));
            surface.draw_svg(tree, size, SvgSettings::default());
            surface.pop();
        }
    }
    Ok(())
}

fn draw_rectangle(surface: &mut Surface<'_>, (x, y, width, height): (f32, f32, f32, f32)) {
    let mut path = PathBuilder::new();
    if let Some(rect) = Rect::from_xywh(x, y, width, height) {
        path.push_rect(rect);
    }
    if let Some(path) = path.finish() {
        surface.draw_path(&path);
    }
}

fn fill(colour: Colour) -> Fill {
    Fill {
        paint: paint_of(colour).into(),
        ..Fill::default()
    }
}

fn paint_of((red, green, blue): Colour) -> rgb::Color {
    rgb::Color::new(red, green, blue)
}

/// Sections, with their headings below them.
fn outline(bookmarks: &[Bookmark]) -> Outline {
    let node = |bookmark: &Bookmark| {
        let place = Point::from_xy(LEFT, (bookmark.y - 10.0).max(0.0));
        OutlineNode::new(
            bookmark.title.clone(),
            XyzDestination::new(bookmark.page, place),
        )
    };
    let mut outline = Outline::new();
    let mut current: Option<OutlineNode> = None;
    for bookmark in bookmarks {
        match &mut current {
            Some(section) if bookmark.is_below => section.push_child(node(bookmark)),
            _ => {
                if let Some(done) = current.replace(node(bookmark)) {
                    outline.push_child(done);
                }
            }
        }
    }
    if let Some(last) = current {
        outline.push_child(last);
    }
    outline
}
