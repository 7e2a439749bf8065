//! The fonts of pictures and PDF. They are part of the program, so that a bare machine draws the
//! same as a desktop; `assets/fonts/report/README.md` says where they come from.

use std::sync::{Arc, OnceLock};

use resvg::usvg::fontdb::{Database, Source};

/// Chinese, Japanese and Korean letters (`assets/fonts/README.md`).
pub const CJK: &[u8] = include_bytes!("../../assets/fonts/HindsightCJK-Regular.otf");
/// Hebrew and Arabic letters.
pub const RIGHT_TO_LEFT: &[u8] = include_bytes!("../../assets/fonts/HindsightRTL-Regular.ttf");
/// Emoji, in outline.
pub const EMOJI: &[u8] = include_bytes!("../../assets/fonts/HindsightEmoji-Regular.ttf");

/// Latin, Greek, Cyrillic and the symbols that reports use.
pub const REGULAR: &[u8] = include_bytes!("../../assets/fonts/report/sans-regular.otf");
/// The same, bold.
pub const BOLD: &[u8] = include_bytes!("../../assets/fonts/report/sans-bold.otf");
/// What the two lack, in the order in which it is asked: letters and symbols; Chinese, Japanese and
/// Korean; Arabic and Hebrew; emoji.
pub(super) const FALLBACKS: [&[u8]; 4] = [
    include_bytes!("../../assets/fonts/report/fallback.ttf"),
    CJK,
    RIGHT_TO_LEFT,
    EMOJI,
];

/// Fonts to draw text with.
#[derive(Debug, Clone)]
pub(super) struct Fonts {
    pub(super) database: Arc<Database>,
}

impl Fonts {
    /// The fonts that come with the program, read once.
    pub(super) fn bundled() -> Self {
        static DATABASE: OnceLock<Arc<Database>> = OnceLock::new();
        let made = || {
            let mut database = Database::new();
            for font in [REGULAR, BOLD].into_iter().chain(FALLBACKS) {
                database.load_font_source(Source::Binary(Arc::new(font)));
            }
            database.set_sans_serif_family("Hindsight Sans");
            Arc::new(database)
        };
        Self {
            database: Arc::clone(DATABASE.get_or_init(made)),
        }
    }
}
