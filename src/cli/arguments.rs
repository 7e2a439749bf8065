//! What can be typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use super::cells::CellsArguments;
use super::memory::MemoryLimit;
use super::power::PowerArguments;
use super::report::ReportArguments;
use super::rules::RulesCommand;
use crate::analysis::{
    Correction, CrossingUnits, Direction, InferenceUnit, Looks, MetricRole, StrataChoice, Strategy,
};
use crate::data::MsRange;
use crate::ingest::{Derived, Encoding, Repeats, Role};

/// Tells from an exported request log which variant of an LLM rollout to ship, and what the
/// auto-rollback rules would have done. Works offline; opens no network connection.
#[derive(Debug, Parser)]
#[command(
    name = "hindsight",
    version,
    about,
    args_conflicts_with_subcommands = true,
    max_term_width = 100
)]
pub struct Arguments {
    /// Headless commands; without one the window opens.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The log to open in the window.
    #[command(flatten)]
    pub log: LogArguments,
    /// Inner size of the window in points, such as 1280x800.
    #[arg(long, value_name = "WIDTHxHEIGHT", value_parser = window_size)]
    pub window_size: Option<(f32, f32)>,
}

/// Headless commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show how a log was understood (columns, roles, units, rejected values) and whether it is sound.
    Inspect(InspectArguments),
    /// Compare the arms: health, scorecard, decision.
    Analyze(AnalyzeArguments),
    /// Replay rollback rules: when each would have fired, and why.
    Replay(ReplayArguments),
    /// Try rollback rules: how often each fires when nothing is wrong, how soon when something is,
    /// and which thresholds would be better.
    Lab(LabArguments),
    /// Turn the rules of other systems into rulebooks, and rulebooks into Prometheus rules.
    #[command(subcommand)]
    Rules(RulesCommand),
    /// Calculate sample sizes, power and detectable effects; needs no log.
    Power(PowerArguments),
    /// Write the decision report: HTML, PDF, Markdown, JSON, tables as CSV, charts as pictures.
    Report(ReportArguments),
    /// Turn a log into mergeable figures (cells), or print the query that has an engine make them.
    Cells(CellsArguments),
    /// Generate the bundled sample logs.
    Sample(SampleArguments),
}

/// Which log.
#[derive(Debug, Clone, Default, Args)]
pub struct LogArguments {
    /// Request log: CSV, JSON or Parquet; plain, .gz, .zst, .bz2 or .zip. Several files, a folder
    /// or a pattern such as 'logs/*.csv' are read as one log. Default: the bundled sample.
    #[arg(value_name = "LOG")]
    pub logs: Vec<PathBuf>,
    /// Mapping file (TOML) that says which column is what; default: guessed.
    #[arg(long, value_name = "FILE")]
    pub mapping: Option<PathBuf>,
    /// Encoding of text that is not UTF-8 and does not tell: gb18030, big5, euc-kr, sjis, ….
    #[arg(long, value_name = "NAME", value_parser = encoding)]
    pub encoding: Option<Encoding>,
    /// Read the log as this tool's export: the name of a preset, or a preset file; default: told by
    /// its columns.
    #[arg(long, value_name = "NAME|FILE", conflicts_with = "mapping")]
    pub tool: Option<String>,
    /// Folder of further tool presets (TOML).
    #[arg(long, value_name = "DIR")]
    pub preset_dir: Option<PathBuf>,
    /// Memory that the log and what is made of it may take: 4GB, 512MB, auto or none; a log that needs
    /// more is refused. Default: auto, most of what is free.
    #[arg(long, value_name = "SIZE")]
    pub memory: Option<MemoryLimit>,
    /// A column made of others, as SQL over one row; once per column.
    #[arg(
        long,
        value_name = "ROLE [NAME] = SQL",
        value_parser = derived,
        help = "A column made of others, as SQL over one row, such as \"variant = model || '@' || prompt_version\" or \"segment tier = CASE WHEN cost > 1 THEN 'high' ELSE 'low' END\"; once per column"
    )]
    pub derive: Vec<Derived>,
    /// Table of ratings or scores, joined by request or trace id.
    #[arg(long, value_name = "FILE")]
    pub ratings: Option<PathBuf>,
    /// Which scores of that table count, where it holds several.
    #[arg(long, value_name = "NAME", requires = "ratings")]
    pub rating_name: Option<String>,
    /// What a request with several scores gets: last, first or mean; default: last.
    #[arg(long, value_name = "WHICH", value_parser = repeats, requires = "ratings")]
    pub repeats: Option<Repeats>,
    /// Table of assignments (exposures) of users to arms, joined by user and time.
    #[arg(long, value_name = "FILE")]
    pub assignments: Option<PathBuf>,
    /// Which experiment or flag of that table counts, where it holds several.
    #[arg(long, value_name = "NAME", requires = "assignments")]
    pub experiment: Option<String>,
    /// Table of events such as deploys and rollbacks.
    #[arg(long, value_name = "FILE")]
    pub events: Option<PathBuf>,
}

/// Which arms and rows.
#[derive(Debug, Clone, Default, Args)]
pub struct CompareArguments {
    /// Label of the control arm; default: told by names and sizes.
    #[arg(long, value_name = "ARM")]
    pub control: Option<String>,
    /// Label of the arm that the decision is about; default: the largest other arm.
    #[arg(long, value_name = "ARM")]
    pub treatment: Option<String>,
    /// Look at one segment only.
    #[arg(long, value_name = "COLUMN=VALUE")]
    pub segment: Option<String>,
    /// Look at requests from this event time on: a time such as 2026-03-02T06:30 (UTC unless it says
    /// otherwise), or how long after the first request, such as 90m or 1d 6h.
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Look at requests before this event time; written as for --since.
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// Look at latencies in this range only, such as 500ms..2s or 10s.. (below the right end).
    #[arg(long, value_name = "FROM..TO", value_parser = super::selection::ms_range)]
    pub latency: Option<MsRange>,
    /// Look at times to first token in this range only; written as for --latency.
    #[arg(long, value_name = "FROM..TO", value_parser = super::selection::ms_range)]
    pub ttft: Option<MsRange>,
    /// Confidence level of the intervals.
    #[arg(long, value_name = "SHARE", value_parser = open_share)]
    pub level: Option<f64>,
    /// How the rollout was done: ab-test, canary, shadow, blue-green or sequential; default: inferred.
    #[arg(long, value_name = "NAME", value_parser = strategy)]
    pub strategy: Option<Strategy>,
    /// Share of units that an arm should have had; once per arm.
    #[arg(long, value_name = "ARM=SHARE", value_parser = named_number)]
    pub expect: Vec<(String, f64)>,
    /// Users in several arms: keep them in all, keep their first arm, or drop them.
    #[arg(long, value_name = "keep|first|drop", value_parser = crossing)]
    pub crossing: Option<CrossingUnits>,
    /// How much worse is tolerated: `error_share` (absolute), latency, rating (points), cost, metric,
    /// or the id of one metric.
    #[arg(long, value_name = "NAME=SIZE", value_parser = named_number)]
    pub margin: Vec<(String, f64)>,
    /// What a metric counts for: primary, guardrail, secondary, neutral or ignored.
    #[arg(long, value_name = "METRIC=ROLE", value_parser = named_role)]
    pub role: Vec<(String, MetricRole)>,
    /// Which way a metric is better: higher, lower or neither.
    #[arg(long, value_name = "METRIC=WAY", value_parser = named_direction)]
    pub better: Vec<(String, Direction)>,
    /// Unit of inference: user or request. By user wherever the log names users, unless told otherwise.
    #[arg(long, value_name = "UNIT", value_parser = unit)]
    pub unit: Option<InferenceUnit>,
    /// Looks at the figures: fixed (once) or continuous (at any time: confidence sequences).
    #[arg(long, value_name = "NAME", value_parser = looks)]
    pub looks: Option<Looks>,
    /// Where the treatment's share changed: compare within stages, or over the whole log (none).
    #[arg(long, value_name = "NAME", value_parser = strata)]
    pub strata: Option<StrataChoice>,
    /// Correction for the number of primary or secondary metrics: holm, benjamini-hochberg or none.
    #[arg(long, value_name = "NAME", value_parser = correction)]
    pub correction: Option<Correction>,
}

/// `hindsight inspect`
#[derive(Debug, Args)]
pub struct InspectArguments {
    /// The log.
    #[command(flatten)]
    pub log: LogArguments,
    /// The comparison whose soundness is asked about.
    #[command(flatten)]
    pub compare: CompareArguments,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// Exit with 3 when the log is unsound.
    #[arg(long)]
    pub check: bool,
    /// Write the mapping as a file to correct and reuse.
    #[arg(long, value_name = "FILE")]
    pub write_mapping: Option<PathBuf>,
}

/// `hindsight analyze`
#[derive(Debug, Args)]
pub struct AnalyzeArguments {
    /// The log.
    #[command(flatten)]
    pub log: LogArguments,
    /// The comparison.
    #[command(flatten)]
    pub compare: CompareArguments,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// Exit with 3 when the decision is to roll back or the log is unsound.
    #[arg(long)]
    pub check: bool,
}

/// Which rules to replay.
#[derive(Debug, Clone, Default, Args)]
pub struct RulesArguments {
    /// Preset rules, separated by commas; default: all presets unless --rules is given.
    #[arg(long, value_name = "ID,…", value_delimiter = ',')]
    pub preset: Vec<String>,
    /// A rulebook (TOML).
    #[arg(long = "rules", value_name = "FILE")]
    pub file: Option<PathBuf>,
}

/// `hindsight replay`
#[derive(Debug, Args)]
pub struct ReplayArguments {
    /// The log.
    #[command(flatten)]
    pub log: LogArguments,
    /// The comparison.
    #[command(flatten)]
    pub compare: CompareArguments,
    /// The rules.
    #[command(flatten)]
    pub rules: RulesArguments,
    /// Replay as if the rollout had gone by this plan, a preset's or the rulebook's, where the log's
    /// router nests its buckets.
    #[arg(long, value_name = "NAME")]
    pub plan: Option<String>,
    /// Rules of another file, replayed beside these: what they would have changed.
    #[arg(long, value_name = "FILE")]
    pub against: Option<PathBuf>,
    /// List every change of a rule's state, with the stages of the rollout; without it only where there
    /// are few.
    #[arg(long)]
    pub transitions: bool,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// `hindsight lab`
#[derive(Debug, Args)]
pub struct LabArguments {
    /// The log.
    #[command(flatten)]
    pub log: LogArguments,
    /// The comparison.
    #[command(flatten)]
    pub compare: CompareArguments,
    /// The rules.
    #[command(flatten)]
    pub rules: RulesArguments,
    /// How rollouts without a difference are made.
    #[arg(long, value_enum, default_value_t = EngineName::Relabel)]
    pub engine: EngineName,
    /// Days that stay together with --engine blocks.
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub days: u32,
    /// Stages of the canary: log (those of the log), the name of a plan, or a fixed share such as
    /// 0.05. Default: the plan of --rules if it has one, else log.
    #[arg(long, value_name = "PLAN")]
    pub plan: Option<String>,
    /// End rollouts after so many requests of the canary.
    #[arg(long, value_name = "REQUESTS")]
    pub horizon: Option<u32>,
    /// Rollouts without a difference; a fifth as many for each regression.
    #[arg(long, default_value_t = 1000, value_name = "N")]
    pub replicates: u32,
    /// False-rollback probability that thresholds are calibrated to.
    #[arg(long, default_value_t = 0.05, value_parser = open_share)]
    pub alpha: f64,
    /// Regression to try; once per regression, the first one for choosing rules. errors=0.02 (share
    /// of requests that fail besides), latency=1.5x, latency=+500 (ms), tail=3x (5 % of requests),
    /// rating=-0.5, tokens=2x; with @stage2, @mid2 (middle of stage 2) or @ramp if not from the start.
    #[arg(long, value_name = "WHAT=SIZE", value_parser = super::lab_values::injection)]
    pub inject: Vec<crate::lab::Injection>,
    /// Modelled traffic instead of a log, such as
    /// errors=0.02,requests=200000,rate=10,latency=1000,spread=0.5,rated=0.1.
    #[arg(long, value_name = "KEY=VALUE,…", value_parser = super::lab_values::model, conflicts_with = "log")]
    pub model: Option<crate::lab::TrafficModel>,
    /// Calibrate every rule, not only a single one.
    #[arg(long)]
    pub calibrate: bool,
    /// Windows of the last so many requests to calibrate with, each with each of --minimums.
    #[arg(long, value_name = "N,…", value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..))]
    pub windows: Vec<u32>,
    /// Canary requests before the first look to calibrate with.
    #[arg(long, value_name = "N,…", value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..))]
    pub minimums: Vec<u32>,
    /// Write the calibrated rule that lets least harm through as a rulebook.
    #[arg(long, value_name = "FILE")]
    pub write: Option<PathBuf>,
    /// The same seed gives the same result.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// How rollouts without a difference are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum EngineName {
    /// The baseline's requests; a part of its users is called canary.
    Relabel,
    /// The requests of both arms; users change arms inside every stage.
    Permute,
    /// The baseline's days, drawn with replacement.
    Blocks,
    /// Single requests of the baseline, drawn independently.
    Parametric,
}

/// `hindsight sample`
#[derive(Debug, Args)]
pub struct SampleArguments {
    /// Folder to write to.
    #[arg(default_value = "sample-data", value_name = "FOLDER")]
    pub folder: PathBuf,
    /// The same seed gives the same bytes.
    #[arg(long, default_value_t = crate::sample::SAMPLE_SEED)]
    pub seed: u64,
}

fn strategy(text: &str) -> Result<Strategy, String> {
    serde_json::from_value(serde_json::Value::from(text)).map_err(|_unknown| {
        "one of ab-test, canary, shadow, blue-green, sequential is needed".to_owned()
    })
}

fn crossing(text: &str) -> Result<CrossingUnits, String> {
    word(text).map_err(|()| "one of keep, first, drop is needed".to_owned())
}

fn unit(text: &str) -> Result<InferenceUnit, String> {
    word(text).map_err(|()| "one of user, request is needed".to_owned())
}

fn looks(text: &str) -> Result<Looks, String> {
    word(text).map_err(|()| "one of fixed, continuous is needed".to_owned())
}

fn strata(text: &str) -> Result<StrataChoice, String> {
    word(text).map_err(|()| "one of stages, none is needed".to_owned())
}

fn correction(text: &str) -> Result<Correction, String> {
    word(text).map_err(|()| "one of holm, benjamini-hochberg, none is needed".to_owned())
}

fn named_role(text: &str) -> Result<(String, MetricRole), String> {
    let named = text.rsplit_once('=');
    named
        .and_then(|(name, role)| Some((name.to_owned(), word(role).ok()?)))
        .ok_or_else(|| {
            "write METRIC=ROLE with primary, guardrail, secondary, neutral or ignored".to_owned()
        })
}

fn named_direction(text: &str) -> Result<(String, Direction), String> {
    let direction = |way: &str| match way {
        "higher" => Some(Direction::HigherIsBetter),
        "lower" => Some(Direction::LowerIsBetter),
        "neither" => Some(Direction::Neutral),
        _ => None,
    };
    text.rsplit_once('=')
        .and_then(|(name, way)| Some((name.to_owned(), direction(way)?)))
        .ok_or_else(|| "write METRIC=higher, METRIC=lower or METRIC=neither".to_owned())
}

/// A choice by the name that it has in JSON.
fn word<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, ()> {
    serde_json::from_value(serde_json::Value::from(text)).map_err(|_unknown| ())
}

/// `ROLE = SQL` or `ROLE NAME = SQL`.
fn derived(text: &str) -> Result<Derived, String> {
    let (left, expression) = text.split_once('=').ok_or("write ROLE = SQL")?;
    let (role, name) = left.trim().split_once(' ').unwrap_or((left.trim(), ""));
    let role: Role = serde_json::from_value(serde_json::Value::from(role)).map_err(|_unknown| {
        "the role is one of time, end_time, request_id, unit, variant, latency, ttft, status, rating, tokens_in, tokens_out, cost, segment, metric".to_owned()
    })?;
    let name = match name.trim() {
        "" => format!("derived {}", left.trim()),
        name => name.to_owned(),
    };
    Ok(Derived {
        name,
        expression: expression.trim().to_owned(),
        role: Some(role),
    })
}

fn repeats(text: &str) -> Result<Repeats, String> {
    serde_json::from_value(serde_json::Value::from(text))
        .map_err(|_unknown| "one of last, first, mean is needed".to_owned())
}

fn encoding(text: &str) -> Result<Encoding, String> {
    Encoding::try_from(text.to_owned())
}

fn named_number(text: &str) -> Result<(String, f64), String> {
    let parsed = text
        .rsplit_once('=')
        .and_then(|(name, size)| Some((name.to_owned(), size.parse::<f64>().ok()?)));
    match parsed {
        Some((name, size)) if size > 0.0 && size.is_finite() => Ok((name, size)),
        _ => Err("write NAME=NUMBER with a positive number".to_owned()),
    }
}

pub(super) fn open_share(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value > 0.0 && value < 1.0 => Ok(value),
        _ => Err("a number between 0 and 1 is needed".to_owned()),
    }
}

fn window_size(text: &str) -> Result<(f32, f32), String> {
    let parsed = text
        .split_once('x')
        .and_then(|(w, h)| Some((w.parse::<f32>().ok()?, h.parse::<f32>().ok()?)));
    match parsed {
        Some((w, h)) if (200.0..=10_000.0).contains(&w) && (200.0..=10_000.0).contains(&h) => {
            Ok((w, h))
        }
        _ => Err("write it as 1280x800".to_owned()),
    }
}
