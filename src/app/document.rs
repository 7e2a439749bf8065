//! What the user chose: all that undo covers and that results follow from.

use std::path::PathBuf;

use crate::analysis::AnalysisSettings;
use crate::ingest::{Additions, LoadRequest, Mapping};
use crate::report::Context;
use crate::rules::{Rulebook, UnreadRule, presets};

/// The choices behind everything on screen.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// The files of the log; none at the start.
    pub log: Vec<PathBuf>,
    /// The columns' roles; `None` guesses them.
    pub mapping: Option<Mapping>,
    /// What the command line added to the mapping, until the log was read with it.
    pub added: Additions,
    /// Arms, filter, margins, level.
    pub settings: AnalysisSettings,
    /// The rollback rules.
    pub rulebook: Rulebook,
    /// Rules of the same file that could not be read: a report names them.
    pub unread_rules: Vec<UnreadRule>,
    /// The report's title; empty takes the log's name.
    pub title: String,
    /// What the analyst adds to the report.
    pub context: Context,
}

impl Document {
    /// Puts the presets in the place of whatever rules there are.
    pub fn reset_rules(&mut self) {
        self.rulebook = Self::default().rulebook;
        self.unread_rules.clear();
    }

    /// What the loader is asked for; `None` without a log.
    pub fn load_request(&self) -> Option<LoadRequest> {
        (!self.log.is_empty()).then(|| LoadRequest {
            paths: self.log.clone(),
            mapping: self.mapping.clone(),
            added: Additions {
                metrics: self.rulebook.named_columns(),
                salts: self.rulebook.salts(),
                ..self.added.clone()
            },
            ..LoadRequest::default()
        })
    }
}

impl Default for Document {
    fn default() -> Self {
        // The presets are part of the program; a test parses each of them.
        let rulebook = presets::all().unwrap_or_default();
        Self {
            log: Vec::new(),
            mapping: None,
            added: Additions::default(),
            settings: AnalysisSettings::default(),
            rulebook,
            unread_rules: Vec::new(),
            title: String::new(),
            context: Context::default(),
        }
    }
}
