//! Widths of text in the fonts of the report, and which font has which character.

use krilla::text::Font;
use ttf_parser::Face;

use super::super::fonts::{BOLD, FALLBACKS, REGULAR};
use super::refused;
use crate::error::Result;

/// A font, measured.
pub(super) struct Typeface {
    pub(super) font: Font,
    face: Face<'static>,
}

/// The fonts in the order in which they are asked for a character.
pub(super) struct Typefaces {
    all: Vec<Typeface>,
}

/// The regular font's place in [`Typefaces`].
const REGULAR_AT: usize = 0;
/// The bold font's.
const BOLD_AT: usize = 1;

/// A stretch of text in one font.
pub(super) struct Run<'a> {
    pub(super) text: &'a str,
    pub(super) face: usize,
    /// Relative to the font size.
    pub(super) width: f32,
}

impl Typefaces {
    pub(super) fn bundled() -> Result<Self> {
        let fonts = [REGULAR, BOLD].into_iter().chain(FALLBACKS);
        let all: Option<Vec<Typeface>> = fonts
            .map(|bytes| {
                Some(Typeface {
                    font: Font::new(bytes.into(), 0)?,
                    face: Face::parse(bytes, 0).ok()?,
                })
            })
            .collect();
        all.map(|all| Self { all })
            .ok_or_else(|| refused("a font is damaged"))
    }

    pub(super) fn font(&self, at: usize) -> Font {
        self.all[at].font.clone()
    }

    /// Width relative to the font size.
    pub(super) fn width(&self, text: &str, is_bold: bool) -> f32 {
        text.chars()
            .map(|c| self.advance(c, self.face_of(c, is_bold)))
            .sum()
    }

    /// `text` in stretches of one font.
    pub(super) fn runs<'a>(&self, text: &'a str, is_bold: bool) -> Vec<Run<'a>> {
        let mut runs: Vec<Run<'a>> = Vec::new();
        let mut from = 0;
        let mut current: Option<usize> = None;
        let mut width = 0.0;
        for (at, c) in text.char_indices() {
            let joins = matches!(u32::from(c), 0x0300..=0x036F | 0x200C..=0x200D | 0xFE00..=0xFE0F);
            let face = match current {
                Some(face) if joins => face,
                _ => self.face_of(c, is_bold),
            };
            if let Some(last) = current.filter(|last| *last != face) {
                runs.push(Run {
                    text: &text[from..at],
                    face: last,
                    width,
                });
                (from, width) = (at, 0.0);
            }
            current = Some(face);
            width += self.advance(c, face);
        }
        if let Some(face) = current {
            runs.push(Run {
                text: &text[from..],
                face,
                width,
            });
        }
        runs
    }

    /// The first font that has `c`; the wanted one where none has.
    fn face_of(&self, c: char, is_bold: bool) -> usize {
        let wanted = if is_bold { BOLD_AT } else { REGULAR_AT };
        let has = |at: &usize| self.all[*at].face.glyph_index(c).is_some();
        std::iter::once(wanted)
            .chain(BOLD_AT + 1..self.all.len())
            .find(has)
            .unwrap_or(wanted)
    }

    fn advance(&self, c: char, at: usize) -> f32 {
        let face = &self.all[at].face;
        let glyph = face.glyph_index(c).unwrap_or_default();
        let advance = face.glyph_hor_advance(glyph).unwrap_or(0);
        f32::from(advance) / f32::from(face.units_per_em())
    }
}
