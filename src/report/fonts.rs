//! The fonts of pictures and PDF. They are part of the program, so that a bare machine draws the
//! same as a desktop; `assets/fonts/report/README.md` says where they come from.

use std::sync::Arc;

use resvg::usvg::fontdb::{Database, Source};

/// Latin, Greek, Cyrillic and the symbols that reports use.
const REGULAR: &[u8] = include_bytes!("../../assets/fonts/report/sans-regular.otf");
/// The same, bold.
const BOLD: &[u8] = include_bytes!("../../assets/fonts/report/sans-bold.otf");
/// Letters and symbols that the two lack.
const FALLBACK: &[u8] = include_bytes!("../../assets/fonts/report/fallback.ttf");

/// Fonts to draw text with.
#[derive(Debug, Clone)]
pub(super) struct Fonts {
    pub(super) database: Arc<Database>,
}

impl Fonts {
    /// The fonts that come with the program.
    pub(super) fn bundled() -> Self {
        let mut database = Database::new();
        for font in [REGULAR, BOLD, FALLBACK] {
            database.load_font_source(Source::Binary(Arc::new(font)));
        }
        database.set_sans_serif_family("Hindsight Sans");
        Self {
            database: Arc::new(database),
        }
    }
}
