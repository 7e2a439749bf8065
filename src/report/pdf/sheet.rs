//! Pages as lists of marks, filled from top to bottom.

use resvg::usvg::Tree;

use super::super::text::visible;
use super::typeface::Typefaces;
use crate::error::Result;

/// A4 in points.
pub(super) const PAGE: (f32, f32) = (595.28, 841.89);
/// Where text begins.
pub(super) const LEFT: f32 = 45.0;
/// The first line's top.
pub(super) const TOP: f32 = 46.0;
/// Nothing but the page number stands below.
pub(super) const BOTTOM: f32 = PAGE.1 - 52.0;
/// Width of the text.
pub(super) const WIDTH: f32 = PAGE.0 - 2.0 * LEFT;
/// Paragraphs of so many lines are not broken over pages; longer ones keep as many at either end.
const WHOLE: usize = 4;

/// Red, green, blue.
pub(super) type Colour = (u8, u8, u8);
pub(super) const INK: Colour = (0x10, 0x12, 0x14);
pub(super) const QUIET: Colour = (0x44, 0x4c, 0x55);
pub(super) const HAIR: Colour = (0xcc, 0xd2, 0xd9);
pub(super) const SUNKEN: Colour = (0xf2, 0xf4, 0xf6);
pub(super) const ACCENT: Colour = (0x0a, 0x5c, 0xa8);

/// How text is set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Style {
    pub(super) size: f32,
    pub(super) is_bold: bool,
    pub(super) colour: Colour,
}

impl Style {
    pub(super) fn sized(size: f32) -> Self {
        Self {
            size,
            is_bold: false,
            colour: INK,
        }
    }

    pub(super) fn body() -> Self {
        Self::sized(9.0)
    }

    pub(super) fn small() -> Self {
        Self::sized(7.5)
    }

    pub(super) fn bold(self) -> Self {
        Self {
            is_bold: true,
            ..self
        }
    }

    pub(super) fn quiet(self) -> Self {
        self.coloured(QUIET)
    }

    pub(super) fn coloured(self, colour: Colour) -> Self {
        Self { colour, ..self }
    }

    /// From baseline to baseline.
    pub(super) fn line(self) -> f32 {
        self.size * 1.38
    }
}

/// Something on a page.
pub(super) enum Mark {
    /// Text from `x` on its baseline.
    Text {
        x: f32,
        y: f32,
        text: String,
        style: Style,
    },
    /// A filled rectangle.
    Fill {
        x: f32,
        y: f32,
        width: f32,
        height: f32,
        colour: Colour,
    },
    /// A hairline rectangle.
    Frame {
        x: f32,
        y: f32,
        width: f32,
        height: f32,
    },
    /// A chart.
    Chart {
        x: f32,
        y: f32,
        width: f32,
        height: f32,
        tree: Box<Tree>,
    },
}

/// A place that a bookmark leads to.
pub(super) struct Bookmark {
    pub(super) title: String,
    pub(super) is_below: bool,
    pub(super) page: usize,
    pub(super) y: f32,
}

/// The pages so far.
pub(super) struct Sheet {
    pub(super) pages: Vec<Vec<Mark>>,
    pub(super) bookmarks: Vec<Bookmark>,
    pub(super) faces: Typefaces,
    y: f32,
    left: f32,
}

impl Sheet {
    pub(super) fn new() -> Result<Self> {
        Ok(Self {
            pages: vec![Vec::new()],
            bookmarks: Vec::new(),
            faces: Typefaces::bundled()?,
            y: TOP,
            left: LEFT,
        })
    }

    /// Top of what comes next.
    pub(super) fn y(&self) -> f32 {
        self.y
    }

    pub(super) fn left(&self) -> f32 {
        self.left
    }

    /// Width of what comes next.
    pub(super) fn room(&self) -> f32 {
        LEFT + WIDTH - self.left
    }

    pub(super) fn advance(&mut self, height: f32) {
        self.y += height;
    }

    /// White space, but none at the top of a page.
    pub(super) fn gap(&mut self, height: f32) {
        if self.y > TOP {
            self.y += height;
        }
    }

    pub(super) fn new_page(&mut self) {
        self.pages.push(Vec::new());
        self.y = TOP;
    }

    /// Goes to the next page unless this much fits; whether it did.
    pub(super) fn need(&mut self, height: f32) -> bool {
        let is_full = self.y + height > BOTTOM && self.y > TOP;
        if is_full {
            self.new_page();
        }
        is_full
    }

    /// What `inside` puts down starts further right.
    pub(super) fn inset(&mut self, by: f32, inside: impl FnOnce(&mut Self)) {
        self.left += by;
        inside(self);
        self.left -= by;
    }

    pub(super) fn mark(&self) -> (usize, f32) {
        (self.pages.len() - 1, self.y)
    }

    /// A bar at the left of everything since `from`, over as many pages as that took.
    pub(super) fn bar_since(&mut self, from: (usize, f32), colour: Colour) {
        let (last, y) = self.mark();
        for page in from.0..=last {
            let top = if page == from.0 { from.1 } else { TOP };
            let bottom = if page == last { y } else { BOTTOM };
            let mark = Mark::Fill {
                x: self.left,
                y: top,
                width: 3.0,
                height: bottom - top,
                colour,
            };
            self.pages[page].push(mark);
        }
    }

    pub(super) fn put(&mut self, mark: Mark) {
        if let Some(page) = self.pages.last_mut() {
            page.push(mark);
        }
    }

    pub(super) fn frame(&mut self, x: f32, y: f32, width: f32, height: f32) {
        self.put(Mark::Frame {
            x,
            y,
            width,
            height,
        });
    }

    pub(super) fn fill(&mut self, x: f32, y: f32, width: f32, height: f32, colour: Colour) {
        self.put(Mark::Fill {
            x,
            y,
            width,
            height,
            colour,
        });
    }

    /// Text whose line begins at `top`.
    pub(super) fn text_at(&mut self, x: f32, top: f32, text: &str, style: Style) {
        self.baseline_text(x, top + style.size, text, style);
    }

    pub(super) fn baseline_text(&mut self, x: f32, y: f32, text: &str, style: Style) {
        let text = visible(text).into_owned();
        self.put(Mark::Text { x, y, text, style });
    }

    pub(super) fn width(&self, text: &str, style: Style) -> f32 {
        self.faces.width(text, style.is_bold) * style.size
    }

    /// `text` in lines of at most `room`.
    pub(super) fn wrap(&self, text: &str, style: Style, room: f32) -> Vec<String> {
        let text = visible(text);
        let mut lines = Vec::new();
        let mut line = String::new();
        for word in pieces(&text) {
            let wanted = self.width(&line, style) + self.width(word.trim_end(), style);
            if !line.is_empty() && wanted > room {
                lines.push(line.trim_end().to_owned());
                line.clear();
            }
            line.push_str(word);
            // A word that is wider than the line is cut where it must be.
            while self.width(line.trim_end(), style) > room && line.chars().count() > 1 {
                let rest = self.overflow(&mut line, style, room);
                lines.push(std::mem::replace(&mut line, rest));
            }
        }
        if !line.trim().is_empty() {
            lines.push(line.trim_end().to_owned());
        }
        lines
    }

    /// Shortens `line` to the room, by one character at least; what was cut off.
    fn overflow(&self, line: &mut String, style: Style, room: f32) -> String {
        let mut end = line.len();
        for (at, c) in line.char_indices().skip(1) {
            if self.width(&line[..at + c.len_utf8()], style) > room {
                end = at;
                break;
            }
        }
        line.split_off(end)
    }

    /// A paragraph over as many pages as it takes; no page begins or ends with a line of it alone.
    pub(super) fn paragraph(&mut self, text: &str, style: Style) {
        let lines = self.wrap(text, style, self.room());
        let n = lines.len();
        for (k, line) in lines.into_iter().enumerate() {
            let together = match k {
                0 => n.min(WHOLE),
                _ if n > WHOLE && n - k == 2 => 2,
                _ => 1,
            };
            self.need(together as f32 * style.line());
            self.text_at(self.left, self.y, &line, style);
            self.y += style.line();
        }
    }

    /// The height of what a paragraph keeps together at its beginning, `inset` further right.
    pub(super) fn beginning(&self, text: &str, style: Style, inset: f32) -> f32 {
        let lines = self.wrap(text, style, self.room() - inset);
        lines.len().min(WHOLE) as f32 * style.line()
    }

    pub(super) fn bookmark(&mut self, title: &str) {
        self.add_bookmark(title, false);
    }

    fn add_bookmark(&mut self, title: &str, is_below: bool) {
        let bookmark = Bookmark {
            title: visible(title).into_owned(),
            is_below,
            page: self.pages.len() - 1,
            y: self.y,
        };
        self.bookmarks.push(bookmark);
    }

    /// A section's heading, on the page of what it needs below itself.
    pub(super) fn section(&mut self, title: &str, bookmark: &str, below: f32) {
        self.gap(16.0);
        self.need(11.0 + 2.0 * Style::sized(14.0).line() + below);
        self.add_bookmark(bookmark, false);
        let rule = Mark::Fill {
            x: LEFT,
            y: self.y,
            width: WIDTH,
            height: 0.6,
            colour: HAIR,
        };
        self.put(rule);
        self.y += 8.0;
        self.paragraph(title, Style::sized(14.0).bold());
        self.y += 3.0;
    }

    /// A heading below a section's.
    pub(super) fn heading(&mut self, title: &str) {
        self.gap(9.0);
        self.add_bookmark(title, true);
        self.paragraph(title, Style::sized(10.5).bold());
        self.y += 2.0;
    }
}

/// Pieces after which a line may end.
pub(super) fn pieces(text: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let mut from = 0;
    for (at, c) in text.char_indices() {
        let end = at + c.len_utf8();
        let next = text[end..].chars().next();
        let may_break = c == ' ' || super::super::text::is_wide(c) && !next.is_some_and(is_closing);
        if may_break {
            out.push(&text[from..end]);
            from = end;
        }
    }
    out.push(&text[from..]);
    out
}

/// What must not begin a line.
fn is_closing(c: char) -> bool {
    "、。，．：；？！」』）】》〉”’%,.:;?!)]}".contains(c)
}
