//! `hindsight report`: the decision report as one HTML file.

use std::path::PathBuf;

use super::analyze::finish;
use super::arguments::{CompareArguments, LogArguments, ReportArguments};
use super::output::{note, print_json};
use super::replay::rulebook;
use super::{Finish, load, settings};
use crate::analysis::{AnalysisSettings, Selection, analyze, select};
use crate::error::Result;
use crate::ingest::Loaded;
use crate::jobs::Progress;
use crate::report::ReportInput;
use crate::report::{html, json, load_notes, write::write_atomic};
use crate::rules::{Replay, ReplaySettings, Rulebook};

pub(super) fn run(arguments: &ReportArguments, progress: &Progress) -> Result<Finish> {
    let rulebook = rulebook(&arguments.preset, arguments.rules.as_deref())?;
    let loaded = load(&arguments.log, progress)?;
    let settings = settings(&arguments.compare)?;
    let analysis = analyze(&loaded.log, &settings, progress)?;
    let replay = replay(&loaded, &settings, &rulebook, progress)?;
    let notes = load_notes(&loaded);
    let input = ReportInput {
        analysis: &analysis,
        replay: replay.as_ref(),
        rulebook: Some(&rulebook),
        load: &notes,
        title: &loaded.log.name,
        version: env!("CARGO_PKG_VERSION"),
    };
    write_atomic(&arguments.output, html::render(&input).as_bytes())?;
    if arguments.json {
        print_json(&json::render(&input)?)?;
    }
    note(&format!(
        "{}\nReport written to {}",
        analysis.decision.headline,
        arguments.output.display()
    ));
    Ok(finish(&analysis, arguments.check))
}

/// Where no window can be opened: the same log, as a report.
pub(super) fn instead_of_window(
    log: &LogArguments,
    reason: &str,
    progress: &Progress,
) -> Result<Finish> {
    note(&format!(
        "{reason}\nWriting the report of the same log instead; `hindsight --help` lists the headless commands"
    ));
    let arguments = ReportArguments {
        log: log.clone(),
        compare: CompareArguments::default(),
        preset: Vec::new(),
        rules: None,
        output: PathBuf::from("report.html"),
        json: false,
        check: false,
    };
    run(&arguments, progress)
}

/// The replay of the rows that the analysis looks at; `None` with a single arm.
fn replay(
    loaded: &Loaded,
    settings: &AnalysisSettings,
    rulebook: &Rulebook,
    progress: &Progress,
) -> Result<Option<Replay>> {
    let Selection {
        rows,
        control,
        treatment,
        ..
    } = select(&loaded.log, settings)?;
    let Some(treatment) = treatment else {
        return Ok(None);
    };
    crate::rules::replay_in_full(
        &rows,
        rulebook,
        &ReplaySettings { control, treatment },
        &super::replay::stages(&loaded.log, control, treatment),
        progress,
    )
    .map(Some)
}
