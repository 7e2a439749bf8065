//! The languages of window and reports, and what their texts are in each of them.
//!
//! The English text is the key, as with gettext: code says what it means in plain English, and
//! `assets/texts` has the same in Chinese and Korean. A text that was put together from a template,
//! `"{n} more reasons"`, is recognised by that template ([`recognise`]); so the sentences that the
//! analysis and the rules make stay English values, the same in JSON, report and terminal, and are
//! put into another language where they are shown. What is not in the tables is shown in English.

mod recognise;
mod template;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::OnceLock;

use recognise::Texts;

/// A language of the window.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Language {
    /// The language of the code, the command line and JSON.
    #[default]
    English,
    /// Simplified Chinese.
    Chinese,
    /// Korean.
    Korean,
}

/// The tables by part of the product: English text to [Chinese, Korean].
const TABLES: [(&str, &str); 7] = [
    ("window", include_str!("../../assets/texts/window.toml")),
    ("charts", include_str!("../../assets/texts/charts.toml")),
    ("analysis", include_str!("../../assets/texts/analysis.toml")),
    ("reading", include_str!("../../assets/texts/reading.toml")),
    ("rules", include_str!("../../assets/texts/rules.toml")),
    ("report", include_str!("../../assets/texts/report.toml")),
    ("cells", include_str!("../../assets/texts/cells.toml")),
];

impl Language {
    /// All languages, English first.
    pub const ALL: [Self; 3] = [Self::English, Self::Chinese, Self::Korean];

    /// Its own name.
    pub fn name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Chinese => "简体中文",
            Self::Korean => "한국어",
        }
    }

    /// The tag that settings keep (BCP 47).
    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh-Hans",
            Self::Korean => "ko",
        }
    }

    /// The language of a tag.
    pub fn of_tag(tag: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.tag() == tag)
    }

    /// The language of a locale, `zh_CN.UTF-8` or `ko-KR`; English for any other.
    pub fn of_locale(locale: &str) -> Self {
        let language = locale.split(['_', '-', '.', '@']).next();
        match language.unwrap_or_default().to_lowercase().as_str() {
            "zh" => Self::Chinese,
            "ko" => Self::Korean,
            _ => Self::English,
        }
    }

    /// A text in this language; English where the tables do not have it.
    pub fn say(self, text: &str) -> Cow<'_, str> {
        self.known(text).map_or(Cow::Borrowed(text), Cow::Owned)
    }

    /// The same; `None` where the tables do not have it, and in English.
    pub fn known(self, text: &str) -> Option<String> {
        static CHINESE: OnceLock<Texts> = OnceLock::new();
        static KOREAN: OnceLock<Texts> = OnceLock::new();
        let texts = match self {
            Self::English => return None,
            Self::Chinese => CHINESE.get_or_init(|| Texts::new(self, entries(0))),
            Self::Korean => KOREAN.get_or_init(|| Texts::new(self, entries(1))),
        };
        texts.known(text)
    }
}

/// Every English text with its translation. The tables are part of the program and a test reads
/// them; one that could not be read would leave the window in English.
fn entries(index: usize) -> Vec<(String, String)> {
    let parsed = TABLES
        .iter()
        .filter_map(|(_, text)| toml::from_str::<BTreeMap<String, [String; 2]>>(text).ok());
    parsed
        .flatten()
        .map(|(english, mut said)| (english, std::mem::take(&mut said[index])))
        .collect()
}

#[cfg(test)]
mod tests;
