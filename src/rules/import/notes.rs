//! What an import could not take over, or had to assume: nothing of the source is lost in silence.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Map, Value};

/// One thing that the user has to know about an import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ImportNote {
    /// How it bears on the rules.
    pub kind: NoteKind,
    /// The place in the source, such as `groups[0].rules[1].labels`.
    pub place: String,
    /// What was done or not done about it.
    pub text: String,
}

/// How a note bears on the imported rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoteKind {
    /// A rule or condition that could not be taken over: the rulebook lacks it.
    Refused,
    /// A field without a counterpart: the replay goes on without it.
    Lost,
    /// The source leaves it open, and something was taken for granted.
    Assumed,
}

impl NoteKind {
    /// As shown to people.
    pub fn label(self) -> &'static str {
        match self {
            Self::Refused => "not imported",
            Self::Lost => "left out",
            Self::Assumed => "assumed",
        }
    }
}

/// Gathers notes while a source is walked.
#[derive(Debug, Default)]
pub(in crate::rules) struct Notes {
    found: RefCell<Vec<ImportNote>>,
}

impl Notes {
    pub(super) fn add(&self, kind: NoteKind, place: &str, text: impl Into<String>) {
        let note = ImportNote {
            kind,
            place: place.to_owned(),
            text: text.into(),
        };
        let mut found = self.found.borrow_mut();
        if !found.contains(&note) {
            found.push(note);
        }
    }

    pub(in crate::rules) fn refuse(&self, place: &str, text: impl Into<String>) {
        self.add(NoteKind::Refused, place, text);
    }

    pub(in crate::rules) fn lose(&self, place: &str, text: impl Into<String>) {
        self.add(NoteKind::Lost, place, text);
    }

    pub(in crate::rules) fn assume(&self, place: &str, text: impl Into<String>) {
        self.add(NoteKind::Assumed, place, text);
    }

    /// The gravest first, else in the order of the source.
    pub(in crate::rules) fn into_list(self) -> Vec<ImportNote> {
        let mut found = self.found.into_inner();
        found.sort_by_key(|note| note.kind);
        found
    }
}

/// A map of the source that remembers which of its keys were read. Keys that nobody asked for are
/// noted as lost when it goes out of scope.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    map: &'a Map<String, Value>,
    /// Where it stands in the source.
    pub(super) place: String,
    read: RefCell<BTreeSet<&'a str>>,
    is_refused: Cell<bool>,
    pub(super) notes: &'a Notes,
}

impl<'a> Fields<'a> {
    /// `None` where the value is no map.
    pub(super) fn of(value: &'a Value, place: impl Into<String>, notes: &'a Notes) -> Option<Self> {
        Some(Self {
            map: value.as_object()?,
            place: place.into(),
            read: RefCell::default(),
            is_refused: Cell::new(false),
            notes,
        })
    }

    /// The place of a key.
    pub(super) fn at(&self, key: &str) -> String {
        if self.place.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.place)
        }
    }

    /// A value; empty ones count as absent.
    pub(super) fn get(&self, key: &str) -> Option<&'a Value> {
        let (key, value) = self.map.get_key_value(key)?;
        self.read.borrow_mut().insert(key);
        (!value.is_null()).then_some(value)
    }

    /// A value as text; numbers are written out, because YAML drops quotes.
    pub(super) fn text(&self, key: &str) -> Option<String> {
        match self.get(key)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(truth) => Some(truth.to_string()),
            _ => None,
        }
    }

    /// A value as a finite number, also when it stands in quotes.
    pub(super) fn number(&self, key: &str) -> Option<f64> {
        match self.get(key)? {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        }
        .filter(|number: &f64| number.is_finite())
    }

    /// A truth value, also when it stands in quotes.
    pub(super) fn truth(&self, key: &str) -> Option<bool> {
        match self.get(key)? {
            Value::Bool(truth) => Some(*truth),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    /// A map below.
    pub(super) fn child(&self, key: &str) -> Option<Self> {
        Self::of(self.get(key)?, self.at(key), self.notes)
    }

    /// The maps of a list below; other entries are skipped with a note.
    pub(super) fn children(&self, key: &str) -> Vec<Self> {
        let Some(list) = self.get(key).and_then(Value::as_array) else {
            return Vec::new();
        };
        let entry = |(i, value): (usize, &'a Value)| {
            let place = format!("{}[{i}]", self.at(key));
            let found = Self::of(value, place.clone(), self.notes);
            if found.is_none() {
                self.notes
                    .lose(&place, "This is not a map of keys and values");
            }
            found
        };
        list.iter().enumerate().filter_map(entry).collect()
    }

    /// All keys, in the order of the source.
    pub(super) fn keys(&self) -> Vec<String> {
        self.map.keys().cloned().collect()
    }

    /// Marks all keys as read, where one note says what becomes of the whole.
    pub(super) fn ignore_all(&self) {
        self.read
            .borrow_mut()
            .extend(self.map.keys().map(String::as_str));
    }

    /// Keys that say nothing about when a rule fires: names, owners, texts.
    pub(super) fn without_effect(&self, keys: &[&str]) {
        for key in keys {
            self.get(key);
        }
    }

    /// Notes why the whole of it is not imported; its keys need no notes of their own then.
    pub(super) fn refuse(&self, why: impl Into<String>) {
        self.is_refused.set(true);
        self.notes.refuse(&self.place, why);
    }
}

impl Drop for Fields<'_> {
    fn drop(&mut self) {
        if self.is_refused.get() {
            return;
        }
        for (key, value) in self.map {
            if !self.read.borrow().contains(key.as_str()) && !value.is_null() {
                let shown = shorten(&value.to_string());
                self.notes
                    .lose(&self.at(key), format!("{shown} has no counterpart here"));
            }
        }
    }
}

/// The beginning of a long value.
fn shorten(text: &str) -> String {
    const LONGEST: usize = 60;
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    text.chars().take(LONGEST).chain(['…']).collect()
}
