//! What the window says, in the language of the user. The language is part of the state; a frame
//! begins by saying which it is, so that widgets need no argument for it.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

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
    let english = english.as_ref();
    let language = LANGUAGE.get();
    if language == Language::English {
        return english.to_owned();
    }
    SAID.with_borrow_mut(|said| {
        if let Some(known) = said.get(english) {
            return known.clone();
        }
        if said.len() >= MOST_KEPT {
            said.clear();
        }
        let new = language.say(english).into_owned();
        said.insert(english.to_owned(), new.clone());
        new
    })
}
