//! What the window says, in the language of the user. The language is part of the state; a frame
//! begins by saying which it is, so that widgets need no argument for it.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use unicode_bidi::{BidiInfo, Level};

use crate::language::Language;

/// Texts kept; a dragged slider makes new ones all the time.
const MOST_KEPT: usize = 4000;

thread_local! {
    static LANGUAGE: Cell<Language> = const { Cell::new(Language::English) };
    /// Sentences are recognised once, not sixty times a second.
    static SAID: RefCell<HashMap<String, String>> = RefCell::default();
}

/// Says which language this thread's window speaks from now on.
pub(super) fn speak(language: Language) {
    if LANGUAGE.replace(language) != language {
        SAID.with_borrow_mut(HashMap::clear);
    }
}

/// What this thread's window speaks, for a dialog that another thread shows.
pub(super) fn spoken() -> Language {
    LANGUAGE.get()
}

/// A text in the language of the window. Names from logs and users are not passed through here,
/// except inside sentences, whose places for them are marked as such in the tables.
pub(super) fn tr(english: impl AsRef<str>) -> String {
    let english = with_short_names(english.as_ref());
    let language = LANGUAGE.get();
    if language == Language::English {
        return in_visual_order(&english, Some(Level::ltr())).into_owned();
    }
    SAID.with_borrow_mut(|said| {
        if let Some(known) = said.get(&*english) {
            return known.clone();
        }
        if said.len() >= MOST_KEPT {
            said.clear();
        }
        let new = language.say(&english);
        let new = in_visual_order(&new, Some(Level::ltr())).into_owned();
        said.insert(english.into_owned(), new.clone());
        new
    })
}

/// Characters without a space from which on they are a name that would fill lines.
const LONG_NAME: usize = 70;
/// Characters that are kept of it.
const SHORT_NAME: usize = 32;

/// A sentence in which names of hundreds of characters are cut; paths stay whole.
fn with_short_names(english: &str) -> Cow<'_, str> {
    let is_long = |word: &str| {
        word.len() > LONG_NAME && !word.contains(['/', '\\']) && word.chars().count() > LONG_NAME
    };
    if !english.split(' ').any(is_long) {
        return Cow::Borrowed(english);
    }
    let words = english.split(' ').map(|word| {
        if is_long(word) {
            let kept: String = word.chars().take(SHORT_NAME).collect();
            // What ends the sentence or the list ends it still.
            let tail = word.trim_end_matches([',', '.', ';', ':', ')']);
            Cow::Owned(format!("{kept}…{}", &word[tail.len()..]))
        } else {
            Cow::Borrowed(word)
        }
    });
    Cow::Owned(words.collect::<Vec<_>>().join(" "))
}

/// Begins text that is in visual order already.
const VISUAL: char = '\u{200e}';

/// Text in which words of Hebrew or Arabic are put where a reader expects them (Unicode bidirectional
/// algorithm). The toolkit draws each such word from the right, but sets words one after another from
/// the left. `base` is the direction of the whole; `None` takes that of the first letter.
pub(super) fn in_visual_order(text: &str, base: Option<Level>) -> Cow<'_, str> {
    if !text.chars().any(is_right_to_left) || text.contains(VISUAL) {
        return Cow::Borrowed(text);
    }
    let info = BidiInfo::new(text, base);
    let mut out = String::from(VISUAL);
    for paragraph in &info.paragraphs {
        if paragraph.level.is_ltr() {
            push_isolated(&mut out, &text[paragraph.range.clone()]);
            continue;
        }
        let (levels, runs) = info.visual_runs(paragraph, paragraph.range.clone());
        for run in runs {
            let part = &text[run.clone()];
            if levels[run.start].is_rtl() {
                push_reversed(&mut out, part);
            } else {
                out.push_str(part);
            }
        }
    }
    if out[VISUAL.len_utf8()..] == *text {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(out)
    }
}

/// A line from the left in which neighbouring words from the right change places. What follows them, such as
/// a figure after a name, stays behind them, as if each name were isolated.
fn push_isolated(out: &mut String, line: &str) {
    let is_word = |word: &&str| word.chars().any(is_right_to_left);
    let words: Vec<&str> = line.split(' ').collect();
    let mut at = 0;
    while at < words.len() {
        // Only what ends in such a letter has the next word to its left.
        let run = words[at..].iter().take_while(|word| is_word(word)).count();
        let joined = words[at..at + run]
            .iter()
            .take_while(|word| word.ends_with(is_right_to_left))
            .count();
        let end = at + run.min(joined + 1).max(1);
        let (bare, tail) = split_tail(words[end - 1]);
        let turned = words[at..end - 1].iter().rev().copied();
        let turned: Vec<&str> = std::iter::once(bare).chain(turned).collect();
        if at > 0 {
            out.push(' ');
        }
        out.push_str(&turned.join(" "));
        out.push_str(tail);
        at = end;
    }
}

/// A word and the signs that end it.
fn split_tail(word: &str) -> (&str, &str) {
    let bare = word.trim_end_matches(|c: char| !c.is_alphanumeric() && !is_right_to_left(c));
    word.split_at(bare.len())
}

/// The words of a run from the last to the first, each as it was; brackets turn.
fn push_reversed(out: &mut String, run: &str) {
    let mut rest = run;
    while let Some(last) = rest.chars().next_back() {
        let start = if is_right_to_left(last) {
            let word = rest.trim_end_matches(is_right_to_left);
            word.len()
        } else {
            rest.len() - last.len_utf8()
        };
        match &rest[start..] {
            "(" => out.push(')'),
            ")" => out.push('('),
            "[" => out.push(']'),
            "]" => out.push('['),
            part => out.push_str(part),
        }
        rest = &rest[..start];
    }
}

/// Letters of Hebrew and Arabic and their marks.
fn is_right_to_left(c: char) -> bool {
    matches!(u32::from(c), 0x0590..=0x08FF | 0xFB1D..=0xFDFF | 0xFE70..=0xFEFC)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_from_right_to_left_stand_where_they_are_read() {
        let check = |text: &str, base, expected: &str| {
            let found = in_visual_order(text, base);
            assert_eq!(found.trim_start_matches(VISUAL), expected, "{text}");
            assert_eq!(in_visual_order(&found, base), found, "once is enough");
        };
        check("plain", None, "plain");
        check(
            "where language is עברית: +1",
            Some(Level::ltr()),
            "where language is עברית: +1",
        );
        check("arm גרסה חדשה v3", Some(Level::ltr()), "arm חדשה גרסה v3");
        check("גרסה חדשה v3 (ניסוי)", None, "(ניסוי) v3 חדשה גרסה");
    }

    #[test]
    fn names_of_hundreds_of_characters_are_cut_and_paths_are_not() {
        let name = "x".repeat(300);
        let text = format!("Arms: {name}, b; {name}");
        let text = tr(text);
        assert!(
            text.starts_with("Arms: xxx") && text.contains("…, b; xxx"),
            "{text}"
        );
        assert!(text.chars().count() < 90, "{text}");
        let path = format!("Report written to results/{name}/report.html");
        assert_eq!(tr(&path), path);
    }
}
