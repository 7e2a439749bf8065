//! `hindsight rules`: rulebooks from and to the systems that teams already run.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

use super::Finish;
use super::output::{note, print, print_json};
use crate::error::{Error, ErrorKind, Result};
use crate::ingest::read_text;
use crate::report::write::write_atomic;
use crate::rules::import::{CounterMeaning, Import, ImportNote, ImportSettings, import};
use crate::rules::{RateEngine, Rulebook, TimeSpan, UnreadRule, export};

/// What to do with rulebooks.
#[derive(Debug, Subcommand)]
pub enum RulesCommand {
    /// Turn what a team already runs into a rulebook: Prometheus alerts, Argo Rollouts, Flagger,
    /// CloudWatch alarms and AppConfig strategies, Kayenta, Unleash, SLOs of Sloth or `OpenSLO`.
    Import(RulesImportArguments),
    /// Write a rulebook as Prometheus alerting rules, where Prometheus can say the same.
    Export(RulesExportArguments),
}

/// `hindsight rules import`
#[derive(Debug, Args)]
pub struct RulesImportArguments {
    /// The file: YAML or JSON.
    pub file: PathBuf,
    /// Where to write the rulebook (TOML); default: standard output.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Label value that stands for the canary in queries; default: told by words such as canary.
    #[arg(long, value_name = "VALUE")]
    pub canary: Option<String>,
    /// Label value that stands for the baseline in queries.
    #[arg(long, value_name = "VALUE")]
    pub baseline: Option<String>,
    /// What a counter counts: requests, successes or errors; once per counter.
    #[arg(long, value_name = "NAME=MEANING", value_parser = counter)]
    pub counter: Vec<(String, CounterMeaning)>,
    /// Which generation of Prometheus evaluates the queries.
    #[arg(long, value_enum, default_value_t = Engine::Prom3)]
    pub engine: Engine,
    /// How often counters are scraped.
    #[arg(long, value_name = "TIME", default_value = "15s", value_parser = scrape)]
    pub scrape: TimeSpan,
    /// Upper bounds of latency histograms in milliseconds, such as 100,250,500,1000; without them
    /// quantiles are those of the requests themselves.
    #[arg(long, value_name = "MS", value_delimiter = ',')]
    pub buckets: Vec<f64>,
    /// Print the rulebook and the notes as JSON.
    #[arg(long)]
    pub json: bool,
}

/// `hindsight rules export`
#[derive(Debug, Args)]
pub struct RulesExportArguments {
    /// The rulebook (TOML).
    pub rulebook: PathBuf,
    /// Where to write the rules (YAML); default: standard output.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Print the rules and the notes as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Generations of Prometheus whose rates differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Engine {
    /// 2.x before 2.51.
    #[value(name = "prom-2")]
    Prom2,
    /// 3.x.
    #[value(name = "prom-3")]
    Prom3,
}

pub(super) fn run(command: &RulesCommand) -> Result<Finish> {
    match command {
        RulesCommand::Import(arguments) => run_import(arguments),
        RulesCommand::Export(arguments) => run_export(arguments),
    }
}

fn run_import(arguments: &RulesImportArguments) -> Result<Finish> {
    let settings = ImportSettings {
        canary: arguments.canary.clone(),
        baseline: arguments.baseline.clone(),
        counters: arguments.counter.clone(),
        engine: match arguments.engine {
            Engine::Prom2 => RateEngine::Prom2,
            Engine::Prom3 => RateEngine::Prom3,
        },
        scrape: arguments.scrape,
        buckets_ms: arguments.buckets.clone(),
    };
    let found =
        import(&read_text(&arguments.file)?, &settings).map_err(|e| e.at(&arguments.file))?;
    let toml = found.rulebook.as_ref().map(Rulebook::to_toml).transpose()?;
    if let (Some(path), Some(toml)) = (&arguments.output, &toml) {
        write_atomic(path, toml.as_bytes())?;
    }
    if arguments.json {
        print_json(&json!({
            "schema": 1,
            "kind": found.kind,
            "rulebook": toml,
            "notes": found.notes,
        }))?;
    } else {
        note(&summary(&found, arguments.output.as_deref()));
        if arguments.output.is_none() {
            print(toml.as_deref().unwrap_or_default())?;
        }
    }
    match toml {
        Some(_) => Ok(Finish::Done),
        None => Err(nothing_left(
            "No rule could be imported",
            &found.notes,
            &arguments.file,
        )),
    }
}

fn nothing_left(what: &str, notes: &[ImportNote], path: &Path) -> Error {
    let why = notes
        .first()
        .map(|note| note.text.clone())
        .unwrap_or_default();
    Error::new(ErrorKind::Settings, format!("{what}: {why}"))
        .at(path)
        .hint("The notes above say why of each; --counter, --canary and --baseline settle what names leave open")
}

/// What was imported, and of every field what became of it.
fn summary(found: &Import, output: Option<&Path>) -> String {
    let n_rules = found
        .rulebook
        .as_ref()
        .map_or(0, |rulebook| rulebook.rules.len());
    let n_plans = found
        .rulebook
        .as_ref()
        .map_or(0, |rulebook| rulebook.plans.len());
    let mut text = format!("{}: {}", found.kind.label(), counted(n_rules, "rule"));
    if n_plans > 0 {
        write!(text, " and {}", counted(n_plans, "plan")).ok();
    }
    if let Some(path) = output.filter(|_| n_rules > 0) {
        write!(text, ", written to {}", path.display()).ok();
    }
    text + &listed(&found.notes)
}

fn counted(n: usize, what: &str) -> String {
    let plural = if n == 1 { "" } else { "s" };
    format!("{n} {what}{plural}")
}

fn listed(notes: &[ImportNote]) -> String {
    let mut text = String::from("\n");
    for note in notes {
        let place = if note.place.is_empty() {
            String::new()
        } else {
            format!("{}: ", note.place)
        };
        writeln!(text, "  {}: {place}{}", note.kind.label(), note.text).ok();
    }
    text.trim_end().to_owned() + "\n"
}

fn run_export(arguments: &RulesExportArguments) -> Result<Finish> {
    let (rulebook, _) = read_rulebook(&arguments.rulebook)?;
    let found = export::to_prometheus(&rulebook)?;
    let Some(yaml) = &found.yaml else {
        note(&listed(&found.notes));
        return Err(nothing_left("No rule could be exported", &found.notes, &arguments.rulebook)
            .hint("Only rules on windows of time that hold for some time have a counterpart in Prometheus"));
    };
    if let Some(path) = &arguments.output {
        write_atomic(path, yaml.as_bytes())?;
    }
    if arguments.json {
        print_json(&json!({ "schema": 1, "prometheus": yaml, "notes": found.notes }))?;
    } else {
        note(&listed(&found.notes));
        if arguments.output.is_none() {
            print(yaml)?;
        }
    }
    Ok(Finish::Done)
}

/// A rulebook in TOML, or a file of another system, whose notes are printed. Rules that cannot be read
/// are given beside the others.
pub(super) fn read_rulebook(path: &Path) -> Result<(Rulebook, Vec<UnreadRule>)> {
    let text = read_text(path)?;
    let extension = path.extension().map(|e| e.to_string_lossy().to_lowercase());
    if !matches!(extension.as_deref(), Some("yml" | "yaml" | "json")) {
        let (rulebook, mut unread) =
            Rulebook::parse_partly(&text).map_err(|error| error.at(path))?;
        for rule in &mut unread {
            rule.error = rule.error.clone().at(path);
            note(&format!("Rule {} is left out. {}\n", rule.id, rule.error));
        }
        return Ok((rulebook, unread));
    }
    let mut found = import(&text, &ImportSettings::default()).map_err(|e| e.at(path))?;
    note(&summary(&found, None));
    match found.rulebook.take() {
        Some(rulebook) => Ok((rulebook, Vec::new())),
        None => Err(nothing_left(
            "No rule could be imported",
            &found.notes,
            path,
        )),
    }
}

fn counter(text: &str) -> std::result::Result<(String, CounterMeaning), String> {
    let (name, meaning) = text
        .rsplit_once('=')
        .ok_or("write NAME=requests, NAME=successes or NAME=errors")?;
    let meaning = match meaning {
        "requests" => CounterMeaning::Requests,
        "successes" => CounterMeaning::Successes,
        "errors" => CounterMeaning::Errors,
        _ => return Err("a counter counts requests, successes or errors".to_owned()),
    };
    Ok((name.to_owned(), meaning))
}

fn scrape(text: &str) -> std::result::Result<TimeSpan, String> {
    let span: TimeSpan = text.parse()?;
    if span.us > 0 {
        Ok(span)
    } else {
        Err("counters are scraped at an interval above 0".to_owned())
    }
}
