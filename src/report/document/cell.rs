//! Cells of tables: what a person reads beside what a program reads.

use super::Chip;
use crate::stats::Estimate;
use crate::units::{self, ValueForm};

/// A cell.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// What it holds.
    pub shown: Shown,
    /// Smaller, below it.
    pub notes: Vec<String>,
    /// A warning, below that; may be empty.
    pub warning: String,
    /// The number that words stand for, in full: what they are sorted by, and what CSV holds.
    pub number: Option<f64>,
}

/// What a cell holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Shown {
    /// No value.
    Nothing,
    /// Words.
    Text(String),
    /// A name or a value as it stands in a file.
    Code(String),
    /// A number.
    Number {
        /// In full.
        raw: f64,
        /// For people.
        text: String,
    },
    /// A number with its interval.
    Estimate {
        /// Value, lower and upper end, in full.
        raw: [f64; 3],
        /// The value for people.
        text: String,
        /// The interval for people.
        interval: String,
    },
    /// A reading.
    Chip(Chip),
}

impl Cell {
    /// A cell without notes.
    pub fn new(shown: Shown) -> Self {
        Self {
            shown,
            notes: Vec::new(),
            warning: String::new(),
            number: None,
        }
    }

    /// No value.
    pub fn none() -> Self {
        Self::new(Shown::Nothing)
    }

    /// Words.
    pub fn text(text: impl Into<String>) -> Self {
        Self::new(Shown::Text(text.into()))
    }

    /// A name from a file; nothing where it is empty.
    pub fn code(text: &str) -> Self {
        if text.is_empty() {
            Self::text("")
        } else {
            Self::new(Shown::Code(text.to_owned()))
        }
    }

    /// A number that is written as `text`.
    pub fn number(raw: f64, text: impl Into<String>) -> Self {
        Self::new(Shown::Number {
            raw,
            text: text.into(),
        })
    }

    /// A count.
    pub fn count(n: u64) -> Self {
        Self::number(n as f64, units::count(n))
    }

    /// A difference without an interval, where there is one.
    pub fn plain_change(form: ValueForm, value: Option<f64>) -> Self {
        value.map_or_else(Self::none, |v| {
            Self::number(form.unrounded(v), form.change(v))
        })
    }

    /// A value of `form`, where there is one.
    pub fn value(form: ValueForm, value: Option<f64>) -> Self {
        value.map_or_else(Self::none, |v| {
            Self::number(form.unrounded(v), form.value(v))
        })
    }

    /// A value with its interval, where there is one.
    pub fn estimate(form: ValueForm, estimate: Option<&Estimate>) -> Self {
        Self::with_interval(estimate, |end| form.unrounded(end), |end| form.value(end))
    }

    /// A difference with its interval, where there is one.
    pub fn change(form: ValueForm, estimate: Option<&Estimate>) -> Self {
        Self::with_interval(estimate, |end| form.unrounded(end), |end| form.change(end))
    }

    /// A relative change with its interval, where there is one.
    pub fn relative(estimate: Option<&Estimate>) -> Self {
        Self::with_interval(estimate, |end| end, units::relative)
    }

    /// A reading.
    pub fn chip(chip: Chip) -> Self {
        Self::new(Shown::Chip(chip))
    }

    /// The same, standing for a number.
    #[must_use]
    pub fn standing_for(mut self, number: f64) -> Self {
        self.number = Some(number);
        self
    }

    /// The same with a smaller line below.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// The same with a warning below, where there is one.
    #[must_use]
    pub fn warn(mut self, warning: Option<&String>) -> Self {
        self.warning = warning.cloned().unwrap_or_default();
        self
    }

    fn with_interval(
        estimate: Option<&Estimate>,
        raw: impl Fn(f64) -> f64,
        form: impl Fn(f64) -> String,
    ) -> Self {
        estimate.map_or_else(Self::none, |estimate| {
            let interval = estimate.interval;
            Self::new(Shown::Estimate {
                raw: [estimate.value, interval.lower, interval.upper].map(raw),
                text: form(estimate.value),
                interval: bracketed(estimate, form),
            })
        })
    }
}

/// `[lower, upper]`, to be broken between the ends only: a number stays with its unit.
fn bracketed(estimate: &Estimate, form: impl Fn(f64) -> String) -> String {
    let unbroken = |value: f64| form(value).replace(' ', "\u{a0}");
    let interval = estimate.interval;
    format!(
        "[{}, {}]",
        unbroken(interval.lower),
        unbroken(interval.upper)
    )
}
