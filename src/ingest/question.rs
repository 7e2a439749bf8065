//! What the values of a file do not tell: asked, with the evidence and what was assumed meanwhile.

use serde::Serialize;

use super::mapping::Role;
use super::number::DecimalMark;
use super::stamp::{DurationUnit, StampForm};

/// Something that has to be asked.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Question {
    /// The column, by its name in the file; `None` where it is about the file or about which
    /// column plays a role.
    pub column: Option<String>,
    /// The role whose column is asked for; `None` where it is about how values are written.
    pub role: Option<Role>,
    /// One sentence that ends with a question mark.
    pub text: String,
    /// What the values look like.
    pub evidence: String,
    /// What it could be.
    pub candidates: Vec<Candidate>,
    /// Which of the candidates was assumed.
    pub assumed: usize,
}

/// One possible answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Candidate {
    /// As shown to people.
    pub label: String,
    /// What it changes.
    pub answer: Answer,
}

/// A change of a mapping.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "set", rename_all = "snake_case")]
pub enum Answer {
    /// A column plays a role; without a column none does.
    Role {
        /// The role.
        role: Role,
        /// The column.
        column: Option<String>,
    },
    /// The times in a column stand for those of the log; the column keeps its other roles.
    Time {
        /// The column.
        column: String,
    },
    /// The unit of a duration.
    Unit {
        /// The column.
        column: String,
        /// Its unit.
        unit: DurationUnit,
    },
    /// The form of a stamp.
    Stamp {
        /// The column.
        column: String,
        /// Its form.
        stamp: StampForm,
    },
    /// The factor of a number.
    Scale {
        /// The column.
        column: String,
        /// Its factor.
        scale: f64,
    },
    /// Values that mean "no value".
    Nulls {
        /// The column.
        column: String,
        /// Those values.
        nulls: Vec<String>,
    },
    /// The decimal mark of the file.
    DecimalMark {
        /// Point or comma.
        mark: DecimalMark,
    },
}

impl Question {
    /// What was assumed, as shown to people.
    pub fn assumed_label(&self) -> &str {
        self.candidates
            .get(self.assumed)
            .map_or("", |candidate| candidate.label.as_str())
    }

    /// What was assumed.
    pub(super) fn assumed_answer(&self) -> Option<&Answer> {
        self.candidates.get(self.assumed).map(|c| &c.answer)
    }

    /// The column that it is about, or that was assumed.
    pub(super) fn subject(&self) -> Option<&str> {
        self.column.as_deref().or(match self.assumed_answer() {
            Some(Answer::Role { column, .. }) => column.as_deref(),
            _ => None,
        })
    }

    /// Whether it asks how a column's values are written.
    pub(super) fn is_about(&self, column: &str) -> bool {
        self.column.as_deref() == Some(column)
    }
}
