//! What every form of the report is made of.

use super::context::Context;
use super::examples::Examples;
use crate::analysis::Analysis;
use crate::ingest::{FileDigest, Mapping};
use crate::lab::RuleLab;
use crate::language::Language;
use crate::rules::{Replay, Rulebook};

/// What a report is made of.
#[derive(Debug, Clone, Copy)]
pub struct ReportInput<'a> {
    /// The analysis.
    pub analysis: &'a Analysis,
    /// What the rollback rules would have done; `None` leaves that section out.
    pub replay: Option<&'a Replay>,
    /// The rules that were replayed: descriptions, known faults and units of conditions.
    pub rulebook: Option<&'a Rulebook>,
    /// How good the rules are; `None` leaves that section out.
    pub lab: Option<&'a RuleLab>,
    /// Single requests that went badly; `None` leaves that section out.
    pub examples: Option<&'a Examples>,
    /// What was read.
    pub load: &'a LoadNotes,
    /// How the columns were read, for doing it again; `None` leaves that out of the JSON.
    pub mapping: Option<&'a Mapping>,
    /// What the analyst adds.
    pub context: &'a Context,
    /// The report's title; empty takes the log's name.
    pub title: &'a str,
    /// Version of the program.
    pub version: &'a str,
    /// The language of every form but JSON.
    pub language: Language,
}

/// How the log was read.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize)]
pub struct LoadNotes {
    /// File name without its folder, or how many files.
    pub source: String,
    /// Size of the input in bytes.
    pub bytes: u64,
    /// Such as `CSV, UTF-8, comma`.
    pub format: String,
    /// Data rows in the input.
    pub rows_read: u64,
    /// Rows that could not be used.
    pub rows_rejected: u64,
    /// What was found while reading, the worst first.
    pub issues: Vec<IssueLine>,
    /// Which column plays which role.
    pub mapping: Vec<MappingLine>,
    /// Columns of the file that play no role.
    pub unused: Vec<UnusedLine>,
    /// How the tables beside the log fit it, in words.
    pub joins: Vec<String>,
    /// Digests of the files; empty where they were not made.
    pub inputs: Vec<FileDigest>,
}

/// One finding of the reader.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize)]
pub struct IssueLine {
    /// How bad it is, as shown to people.
    pub severity: String,
    /// The column; empty for the whole row or file.
    pub column: String,
    /// Which rows and how many, in words.
    pub rows: String,
    /// What is wrong.
    pub message: String,
    /// What to do; may be empty.
    pub hint: String,
    /// A value as it stands in the file; may be empty.
    pub sample: String,
}

/// The part that a column plays.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize)]
pub struct MappingLine {
    /// What it is used as, such as `latency`.
    pub role: String,
    /// Its name in the file.
    pub column: String,
    /// Its unit; may be empty.
    pub unit: String,
}

/// A column without a role.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize)]
pub struct UnusedLine {
    /// Its name in the file.
    pub column: String,
    /// What its values are like; none of them is quoted.
    pub values: String,
    /// What it could be, as shown to people.
    pub could_be: String,
}
