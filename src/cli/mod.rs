//! The headless twin of every screen: asks, calls, prints. Exit codes: 0 done, 1 failed, 2 wrong
//! usage, 3 (with `--check`) the decision is to roll back or the log is unsound.

mod analyze;
mod arguments;
pub mod bundled;
mod cells;
mod from_cells;
mod inspect;
mod inspect_cells;
mod lab;
mod lab_values;
mod memory;
mod output;
mod power;
mod replay;
mod report;
mod rules;
mod selection;
mod table;

pub use arguments::{Arguments, Command, LogArguments};
#[cfg(feature = "gui")]
pub(crate) use from_cells::{CellLog, no_plan_on_cells};
pub use inspect::mapping_beside;
pub use memory::MemoryLimit;
#[cfg(feature = "gui")]
pub(crate) use replay::stages;
pub use rules::RulesCommand;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::data::RequestLog;
use crate::error::Result;
use crate::ingest::{
    Additions, Effect, Issue, LoadRequest, Loaded, Mapping, Side, SideKind, ToolPreset, Tools,
};
use crate::jobs::Progress;
use crate::rules::Rulebook;
use output::{note, print, print_error};

/// What a command ends with when nothing failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finish {
    /// Exit code 0.
    Done,
    /// Exit code 3: asked with `--check`, and the answer is no.
    CheckFailed,
}

/// Runs a headless command and says how the process should end.
pub fn run(command: Command) -> ExitCode {
    let progress = Progress::unwatched();
    let finish = match command {
        Command::Inspect(arguments) => inspect::run(&arguments, &progress),
        Command::Analyze(arguments) => analyze::run(&arguments, &progress),
        Command::Replay(arguments) => replay::run(&arguments, &progress),
        Command::Cells(arguments) => cells::run(&arguments, &progress),
        Command::Lab(arguments) => lab::run(&arguments, &progress),
        Command::Rules(command) => rules::run(&command),
        Command::Power(arguments) => power::run(&arguments),
        Command::Report(arguments) => report::run(&arguments, &progress),
        Command::Sample(arguments) => {
            crate::sample::write(&arguments.folder, arguments.seed, &progress).and_then(|paths| {
                let lines: Vec<String> = paths
                    .iter()
                    .map(|path| path.display().to_string())
                    .collect();
                print(&(lines.join("\n") + "\n"))?;
                Ok(Finish::Done)
            })
        }
    };
    exit_code(finish)
}

/// Writes the report of the bundled sample or of a given log where no window can be opened.
pub fn report_instead_of_window(arguments: &LogArguments, reason: &str) -> ExitCode {
    exit_code(report::instead_of_window(
        arguments,
        reason,
        &Progress::unwatched(),
    ))
}

fn exit_code(finish: Result<Finish>) -> ExitCode {
    match finish {
        Ok(Finish::Done) => ExitCode::SUCCESS,
        Ok(Finish::CheckFailed) => ExitCode::from(3),
        Err(error) => {
            print_error(&error);
            ExitCode::from(1)
        }
    }
}

impl LogArguments {
    /// What the loader is asked for; no paths where no log was named.
    pub fn load_request(&self) -> Result<LoadRequest> {
        Ok(LoadRequest {
            paths: self.logs.clone(),
            mapping: self.mapping.as_deref().map(Mapping::read).transpose()?,
            added: Additions {
                encoding: self.encoding,
                derive: self.derive.clone(),
                side: self.sides(),
                ..Additions::default()
            },
            tools: self.tools()?,
            memory: self.memory.unwrap_or_default().bytes(),
        })
    }

    /// The tool presets that the arguments name.
    fn tools(&self) -> Result<Tools> {
        let own = self.preset_dir.as_deref().map(Tools::read_folder);
        let named = |name: &String| match Path::new(name) {
            path if path.extension().is_some() => ToolPreset::read(path),
            _ => Tools::built_in(name),
        };
        Ok(Tools {
            own: own.transpose()?.unwrap_or_default(),
            forced: self.tool.as_ref().map(named).transpose()?,
        })
    }
}

impl LogArguments {
    /// The tables beside the log.
    fn sides(&self) -> Vec<Side> {
        let side = |kind, file: &Option<PathBuf>, name: &Option<String>| {
            Some(Side {
                kind,
                file: file.clone()?,
                name: name.clone(),
                repeats: self.repeats,
                ..Side::default()
            })
        };
        [
            side(SideKind::Ratings, &self.ratings, &self.rating_name),
            side(SideKind::Assignments, &self.assignments, &self.experiment),
            side(SideKind::Events, &self.events, &None),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// [`read`], and warns of what was assumed.
fn load(arguments: &LogArguments, progress: &Progress) -> Result<Loaded> {
    load_for(arguments, &[], progress)
}

/// As [`load`], with what rules ask of it: columns that they name, routers that they speak of.
fn load_for(
    arguments: &LogArguments,
    rulebooks: &[&Rulebook],
    progress: &Progress,
) -> Result<Loaded> {
    let loaded = read(arguments, rulebooks, progress)?;
    note_issues(&loaded.mapping, &loaded.issues);
    Ok(loaded)
}

/// Warns of what was assumed and lost.
fn note_issues(mapping: &Mapping, issues: &[Issue]) {
    for question in &mapping.questions {
        note(&format!(
            "hindsight: assumed: {} {} ({})",
            question.text,
            question.assumed_label(),
            question.evidence
        ));
    }
    let is_asked = |issue: &Issue| {
        let mut questions = mapping.questions.iter();
        questions.any(|q| issue.message.contains(&q.text))
    };
    let is_loss = |issue: &&Issue| issue.effect != Effect::Noted && !is_asked(issue);
    for issue in issues.iter().filter(is_loss) {
        let (effect, short) = (issue.effect.label(), issue.in_short());
        note(&format!("hindsight: {effect}: {short}"));
    }
    if !mapping.questions.is_empty() {
        note(
            "  `hindsight inspect LOG --write-mapping FILE` writes it down, to be corrected and used with --mapping",
        );
    }
}

/// Reads the log that the arguments name, else the bundled sample.
fn read(arguments: &LogArguments, rulebooks: &[&Rulebook], progress: &Progress) -> Result<Loaded> {
    let mut request = arguments.load_request()?;
    for rulebook in rulebooks {
        request.added.metrics.extend(rulebook.named_columns());
        request.added.salts.extend(rulebook.salts());
    }
    if request.paths.is_empty() {
        request.paths.push(bundled::sample_log(progress)?);
    }
    crate::ingest::load(&request, progress)
}

/// The analysis settings that the arguments name, for this log.
fn settings(
    arguments: &arguments::CompareArguments,
    log: &RequestLog,
) -> Result<crate::analysis::AnalysisSettings> {
    let mut settings = crate::analysis::AnalysisSettings {
        control: arguments.control.clone(),
        treatment: arguments.treatment.clone(),
        ..crate::analysis::AnalysisSettings::default()
    };
    if let Some(level) = arguments.level {
        settings.level = level;
    }
    settings.strategy = arguments.strategy;
    settings.crossing = arguments.crossing.unwrap_or_default();
    settings.expected_shares.clone_from(&arguments.expect);
    for (name, size) in &arguments.margin {
        let margin = match name.as_str() {
            "error_share" => &mut settings.margins.error_share,
            "latency" => &mut settings.margins.latency,
            "rating" => &mut settings.margins.rating,
            "cost" => &mut settings.margins.cost,
            "metric" => &mut settings.margins.metric,
            id => {
                settings.metrics.entry(id.to_owned()).or_default().margin = Some(*size);
                continue;
            }
        };
        *margin = *size;
    }
    for (id, role) in &arguments.role {
        settings.metrics.entry(id.clone()).or_default().role = Some(*role);
    }
    for (id, direction) in &arguments.better {
        settings.metrics.entry(id.clone()).or_default().direction = Some(*direction);
    }
    settings.unit = arguments.unit.unwrap_or_default();
    settings.looks = arguments.looks.unwrap_or_default();
    settings.strata = arguments.strata.unwrap_or_default();
    settings.correction = arguments.correction.unwrap_or_default();
    settings.filter = selection::filter(arguments, log)?;
    Ok(settings)
}
