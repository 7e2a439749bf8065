//! `hindsight report`: the decision report as one HTML file.

use std::path::{Path, PathBuf};

use super::analyze::finish;
use super::arguments::{CompareArguments, LogArguments, Picture, ReportArguments};
use super::output::{note, print_json};
use super::replay::rulebook;
use super::{Finish, load, settings};
use crate::analysis::{AnalysisSettings, Selection, analyze, select};
use crate::error::Result;
use crate::ingest::Loaded;
use crate::jobs::Progress;
use crate::report::picture::{self, PictureForm};
use crate::report::write::{unwritable, write_atomic};
use crate::report::{ReportInput, charts, html, json, load_notes};
use crate::rules::{Replay, ReplaySettings, Rulebook};

pub(super) fn run(arguments: &ReportArguments, progress: &Progress) -> Result<Finish> {
    let rulebook = rulebook(&arguments.preset, arguments.rules.as_deref())?;
    let loaded = load(&arguments.log, progress)?;
    let settings = settings(&arguments.compare, &loaded.log)?;
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
    let written = match &arguments.charts {
        Some(folder) => write_charts(&input, folder, arguments.picture)?,
        None => {
            write_atomic(&arguments.output, html::render(&input).as_bytes())?;
            format!("Report written to {}", arguments.output.display())
        }
    };
    if arguments.json {
        print_json(&json::render(&input)?)?;
    }
    note(&format!("{}\n{written}", analysis.decision.headline));
    Ok(finish(&analysis, arguments.check))
}

/// Every chart into `folder`, which is made if need be; what was done, in words.
fn write_charts(input: &ReportInput<'_>, folder: &Path, form: Picture) -> Result<String> {
    let form = match form {
        Picture::Svg => PictureForm::Svg,
        Picture::Png => PictureForm::Png,
    };
    std::fs::create_dir_all(folder).map_err(|cause| unwritable(folder, &cause))?;
    let charts = charts::all(input);
    let origin = picture::origin(input);
    for chart in &charts {
        let path = folder.join(picture::file_name(chart, form));
        write_atomic(&path, &form.render(chart, &origin)?)?;
    }
    Ok(format!(
        "{} charts written to {}",
        charts.len(),
        folder.display()
    ))
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
        charts: None,
        picture: Picture::Svg,
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
