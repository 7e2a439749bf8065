//! Finds the entry that an English text was made from. A text is looked up whole; then as a
//! template with values, which are looked up in turn; then by its parts: sentences, lists, a label
//! before a colon, a remark in parentheses. Nothing is guessed: every part comes from the tables
//! or stays as it is.

use std::collections::HashMap;

use super::Language;
use super::template::{Place, Template};

/// Parts of parts of parts: no sentence of the product goes deeper.
const DEEPEST: u8 = 5;
/// Bytes of fixed words by which a sentence is told from any other. With fewer, `{a} of {b}`, its
/// values have to be numbers or known themselves.
const TELLING: usize = 12;

/// The texts of one language.
#[derive(Debug)]
pub(super) struct Texts {
    language: Language,
    whole: HashMap<String, String>,
    /// English and translation; those with more fixed words first.
    templates: Vec<(Template, Template)>,
}

impl Texts {
    pub(super) fn new(language: Language, entries: Vec<(String, String)>) -> Self {
        let mut whole = HashMap::new();
        let mut templates = Vec::new();
        for (english, said) in entries {
            // A sentence is found without its stop, which may follow or not.
            let (english, said) = match english.strip_suffix('.') {
                Some(stem) => (
                    stem.to_owned(),
                    said.trim_end_matches(['.', '。']).to_owned(),
                ),
                None => (english, said),
            };
            let template = Template::new(&english);
            if template.places().next().is_some() {
                templates.push((template, Template::new(&said)));
            } else {
                whole.insert(english, said);
            }
        }
        templates.sort_by_key(|(english, _)| std::cmp::Reverse(english.n_fixed()));
        Self {
            language,
            whole,
            templates,
        }
    }

    /// The text in this language; `None` where it has no words of the tables.
    pub(super) fn known(&self, text: &str) -> Option<String> {
        self.part(text, DEEPEST)
    }

    fn part(&self, text: &str, depth: u8) -> Option<String> {
        let deeper = depth.checked_sub(1)?;
        if !text.contains(|c: char| c.is_ascii_alphabetic()) {
            return None;
        }
        let core = text.trim();
        if core.len() < text.len() {
            let start = &text[..text.len() - text.trim_start().len()];
            let end = &text[text.trim_end().len()..];
            return Some(format!("{start}{}{end}", self.part(core, deeper)?));
        }
        self.whole(text)
            .or_else(|| self.without_stop(text, deeper))
            .or_else(|| self.headed(text, deeper))
            .or_else(|| self.template(text, deeper))
            .or_else(|| self.joined(text, "\n", "\n", deeper))
            .or_else(|| self.sentences(text, deeper))
            .or_else(|| self.list(text, deeper))
            .or_else(|| self.after_symbol(text, deeper))
            .or_else(|| self.labelled(text, deeper))
    }

    /// A text without places; it may begin in the middle of a sentence.
    fn whole(&self, text: &str) -> Option<String> {
        let of_other_case = || self.whole.get(&other_case(text)?);
        self.whole.get(text).or_else(of_other_case).cloned()
    }

    /// The template with most words that fits.
    fn template(&self, text: &str, depth: u8) -> Option<String> {
        let other = other_case(text);
        let forms = [Some(text), other.as_deref()];
        self.templates.iter().find_map(|(english, said)| {
            let values = forms
                .into_iter()
                .flatten()
                .find_map(|form| english.values(form))?;
            let is_loose = english.n_fixed() < TELLING;
            let values: Option<Vec<(&str, String)>> = english
                .places()
                .zip(values)
                .map(|(place, value)| {
                    if english.is_again_in(value) {
                        return None;
                    }
                    let value = self.value(place, value, is_loose, depth)?;
                    Some((place.name.as_str(), value))
                })
                .collect();
            let values = values?;
            let value = |name: &str| {
                let found = values.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| value.as_str())
            };
            Some(said.filled(value))
        })
    }

    /// What stands at a place; `None` where it cannot have been put there.
    fn value(&self, place: &Place, value: &str, is_loose: bool, depth: u8) -> Option<String> {
        // A value does not reach into the next sentence.
        if value.contains(". ") || value.contains("? ") {
            return None;
        }
        if place.is_verbatim {
            return Some(value.to_owned());
        }
        let is_number = place.name.len() == 1;
        if value.contains("; ") {
            let list = self.list(value, depth);
            // Figures stand in no sentence of their own.
            return list.or_else(|| self.template(value, depth).filter(|_| !is_number));
        }
        let known = self.part(value, depth);
        if has_words(value) && (is_number || (is_loose && known.is_none())) {
            return None;
        }
        Some(known.unwrap_or_else(|| value.to_owned()))
    }

    /// `▲ for`, `2 Rule`: shapes and numbers stand before words everywhere.
    fn after_symbol(&self, text: &str, depth: u8) -> Option<String> {
        let (symbol, rest) = text.split_once(' ')?;
        let is_symbol = !symbol.contains(char::is_alphabetic);
        let said = is_symbol.then(|| self.part(rest, depth))??;
        Some(format!("{symbol} {said}"))
    }

    fn without_stop(&self, text: &str, depth: u8) -> Option<String> {
        let (stem, stop) = match text.strip_suffix('…') {
            Some(stem) => (stem, "…"),
            None => (text.strip_suffix('.')?, self.stop()),
        };
        Some(self.part(stem, depth)? + stop)
    }

    fn sentences(&self, text: &str, depth: u8) -> Option<String> {
        let (first, rest) = text.match_indices(['.', '?']).find_map(|(at, _)| {
            let rest = text[at + 1..].strip_prefix(' ')?;
            // A name may begin with a small letter: only a question is sure to have ended.
            let is_question = text[..=at].ends_with('?') && at > 0;
            let is_start = is_question || rest.starts_with(|c: char| !c.is_lowercase());
            is_start.then_some((&text[..=at], rest))
        })?;
        let (said, after) = (self.part(first, depth), self.part(rest, depth + 1));
        if said.is_none() && after.is_none() {
            return None;
        }
        let space = if said.is_some() && self.language == Language::Chinese {
            ""
        } else {
            " "
        };
        let or_as_is = |said: Option<String>, text: &str| said.unwrap_or_else(|| text.to_owned());
        Some(or_as_is(said, first) + space + &or_as_is(after, rest))
    }

    /// A list counts only if each of its parts is known: "and" alone may stand in any name.
    fn list(&self, text: &str, depth: u8) -> Option<String> {
        let (comma, semicolon) = match self.language {
            Language::Chinese => ("、", "；"),
            _ => (", ", "; "),
        };
        if text.contains("; ") {
            return self.joined(text, "; ", semicolon, depth);
        }
        let plain = text.replace(" and ", ", ");
        self.joined(&plain, ", ", comma, depth)
    }

    fn joined(&self, text: &str, separator: &str, by: &str, depth: u8) -> Option<String> {
        if !text.contains(separator) {
            return None;
        }
        let is_line = separator == "\n";
        let part = |part: &str| {
            let has_words = part.contains(|c: char| c.is_ascii_alphabetic());
            let said = self.part(part, depth);
            said.or_else(|| (is_line || !has_words).then(|| part.to_owned()))
        };
        let parts: Option<Vec<String>> = text.split(separator).map(part).collect();
        parts
            .map(|parts| parts.join(by))
            .filter(|said| said != text)
    }

    /// `label: sentence`, where both are known: a template of the sentence could take the label for a name.
    fn headed(&self, text: &str, depth: u8) -> Option<String> {
        let (label, rest) = text.split_once(": ")?;
        let said = self.whole(label)?;
        let rest = self.template(rest, depth)?;
        Some(format!("{said}{}{rest}", self.colon()))
    }

    /// `label: what` and `what (remark)`, where the label or the remark is known.
    fn labelled(&self, text: &str, depth: u8) -> Option<String> {
        if let Some((label, rest)) = text.split_once(": ")
            && let Some(said) = self.part(label, depth)
        {
            let rest = self.part(rest, depth).unwrap_or_else(|| rest.to_owned());
            return Some(said + self.colon() + &rest);
        }
        let (what, remark) = text.strip_suffix(')')?.rsplit_once(" (")?;
        let (said, known) = (self.part(what, depth), self.part(remark, depth));
        if said.is_none() && known.is_none() {
            return None;
        }
        let (open, close) = match self.language {
            Language::Chinese => ("（", "）"),
            _ => (" (", ")"),
        };
        let or_as_is = |said: Option<String>, text: &str| said.unwrap_or_else(|| text.to_owned());
        Some(or_as_is(said, what) + open + &or_as_is(known, remark) + close)
    }

    fn colon(&self) -> &'static str {
        match self.language {
            Language::Chinese => "：",
            _ => ": ",
        }
    }

    fn stop(&self) -> &'static str {
        match self.language {
            Language::Chinese => "。",
            _ => ".",
        }
    }
}

/// Whether there is more than numbers and their units: "min", "kB" and "UTC" are short.
fn has_words(text: &str) -> bool {
    text.split(|c: char| !c.is_ascii_alphabetic())
        .any(|word| word.len() > 3)
}

/// The text with its first letter large for small or small for large; "p95" and "CSV" stay.
fn other_case(text: &str) -> Option<String> {
    let mut chars = text.chars();
    let first = chars.next().filter(char::is_ascii_alphabetic)?;
    let second = chars.clone().next()?;
    (second.is_lowercase() || second == ' ').then(|| {
        let other = if first.is_ascii_uppercase() {
            first.to_ascii_lowercase()
        } else {
            first.to_ascii_uppercase()
        };
        format!("{other}{}", chars.as_str())
    })
}
