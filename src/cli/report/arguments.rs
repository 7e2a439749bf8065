//! What `hindsight report` takes.

use std::path::PathBuf;

use clap::Args;

use super::super::arguments::{CompareArguments, LogArguments, RulesArguments};
use crate::analysis::DecisionKind;
use crate::language::Language;

/// `hindsight report`
#[derive(Debug, Clone, Default, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own on the command line"
)]
pub struct ReportArguments {
    /// The log.
    #[command(flatten)]
    pub log: LogArguments,
    /// The comparison.
    #[command(flatten)]
    pub compare: CompareArguments,
    /// The rules.
    #[command(flatten)]
    pub rules: RulesArguments,
    /// Where to write the report; the ending says what: .html, .pdf, .md or .json; - prints Markdown.
    /// May be given several times. Default: report.html.
    #[arg(short, long, value_name = "FILE")]
    pub output: Vec<PathBuf>,
    /// Take every LOG for a log of its own, and write a report of each into this folder.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["output", "short", "tables", "charts", "from"])]
    pub each: Option<PathBuf>,
    /// Write Markdown short enough for a comment on a pull request.
    #[arg(long)]
    pub short: bool,
    /// Write every table as a CSV file into this folder.
    #[arg(long, value_name = "DIR")]
    pub tables: Option<PathBuf>,
    /// Write every chart as a file of its own into this folder.
    #[arg(long, value_name = "DIR")]
    pub charts: Option<PathBuf>,
    /// What the charts are written as.
    #[arg(long, value_name = "FORM", default_value = "svg", requires = "charts")]
    pub picture: Picture,
    /// Try the rules on rollouts made from the log, and report how often each is wrong, what it finds
    /// and which thresholds would be better.
    #[arg(long, conflicts_with = "from")]
    pub lab: bool,
    /// Rollouts without a difference that --lab makes; a fifth as many, at least 100, for each
    /// regression.
    #[arg(long, default_value_t = 200, value_name = "N", requires = "lab")]
    pub replicates: u32,
    /// The same seed gives the same figures of --lab.
    #[arg(long, default_value_t = 1, requires = "lab")]
    pub seed: u64,
    /// List up to so many failed, slowest and lowest-rated requests of the treatment, by data row.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100))]
    pub examples: Option<u32>,
    /// Columns whose text stands with the examples, between commas; ids, addresses, numbers and keys
    /// are taken out, names of people are not.
    #[arg(
        long,
        value_name = "COLUMNS",
        value_delimiter = ',',
        requires = "examples"
    )]
    pub example_text: Vec<String>,
    /// The language of the report: en, zh or ko. JSON is English.
    #[arg(long, value_name = "NAME", default_value = "en", value_parser = language)]
    pub language: Language,
    /// What the log cannot tell: owner, hypothesis, what the arms are (TOML).
    #[arg(long, value_name = "FILE")]
    pub context: Option<PathBuf>,
    /// Decide otherwise than recommended; the report prints both, and the reason.
    #[arg(long = "override", value_name = "DECISION", requires = "reason", value_parser = decision)]
    pub overrule: Option<DecisionKind>,
    /// Why the recommendation is overruled.
    #[arg(long, value_name = "TEXT", requires = "overrule")]
    pub reason: Option<String>,
    /// Make the figures of this JSON report again, with its columns, settings and rules, and say
    /// what differs.
    #[arg(long, value_name = "REPORT", conflicts_with_all = ["mapping", "tool", "control", "treatment", "segment", "level", "preset", "file"])]
    pub from: Option<PathBuf>,
    /// Print the report's numbers as JSON as well.
    #[arg(long)]
    pub json: bool,
    /// Exit with 3 when the decision is to roll back or the log is unsound.
    #[arg(long)]
    pub check: bool,
}

/// What a chart is written as.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Picture {
    /// Vector.
    #[default]
    Svg,
    /// Pixels, 1,800 wide.
    Png,
}

fn language(text: &str) -> Result<Language, String> {
    let known = Language::of_tag(text).or_else(|| (text == "zh").then_some(Language::Chinese));
    known.ok_or_else(|| "one of en, zh, ko is needed".to_owned())
}

fn decision(text: &str) -> Result<DecisionKind, String> {
    serde_json::from_value(serde_json::Value::from(text)).map_err(|_unknown| {
        "one of ship, hold, roll-back, keep-collecting, unsound is needed".to_owned()
    })
}
