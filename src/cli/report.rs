//! `hindsight report`: the decision report in every form, its tables and its charts.

mod arguments;
mod examples;
mod of_cells;

use std::path::{Path, PathBuf};

pub(super) use arguments::{Picture, ReportArguments};

use super::analyze::finish;
use super::arguments::{CompareArguments, LogArguments};
use super::from_cells::CellLog;
use super::output::{note, print, print_json};
use super::replay::chosen;
use super::{Finish, load_for, settings};
use crate::analysis::{Analysis, AnalysisSettings, Selection, analyze, select};
use crate::error::{Error, ErrorKind, Result};
use crate::ingest::{Loaded, read_text};
use crate::jobs::Progress;
use crate::lab::{Engine, LabPlan, LabSettings, RuleLab, RuleTrial, usual_injections};
use crate::report::picture::{self, PictureForm};
use crate::report::write::{unwritable, write_atomic};
use crate::report::{
    Context, Document, Override, Recipe, ReportForm, ReportInput, csv, document, json, load_notes,
    text,
};
use crate::rules::{Replay, ReplaySettings, RuleReplay, Rulebook};

pub(super) fn run(arguments: &ReportArguments, progress: &Progress) -> Result<Finish> {
    for path in arguments.output.iter().filter(|path| !is_stdout(path)) {
        ReportForm::of_path(path)?; // before the work, not after
    }
    let Some(folder) = &arguments.each else {
        return one(arguments, progress);
    };
    make_folder(folder)?;
    let mut worst = Finish::Done;
    for log in &arguments.log.logs {
        let name = log
            .file_name()
            .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let mut alone = arguments.clone();
        alone.log.logs = vec![log.clone()];
        alone.output = vec![folder.join(format!("{}.html", text::slug(&name)))];
        if one(&alone, progress)? == Finish::CheckFailed {
            worst = Finish::CheckFailed;
        }
    }
    Ok(worst)
}

/// The report of one log.
fn one(arguments: &ReportArguments, progress: &Progress) -> Result<Finish> {
    let recipe = recipe(arguments)?;
    let context = context(arguments)?;
    if let Some(known) = CellLog::read(&arguments.log.logs)? {
        return of_cells::one(arguments, &known, recipe.as_ref(), &context, progress);
    }
    let (loaded, settings, rulebook, unread) = match &recipe {
        Some(recipe) => (
            load_as(arguments, recipe, progress)?,
            recipe.settings.clone(),
            recipe.rulebook.clone().unwrap_or_default(),
            Vec::new(),
        ),
        None => {
            let (rulebook, unread) = chosen(&arguments.rules)?;
            let loaded = load_for(&arguments.log, &[&rulebook], progress)?;
            let settings = settings(&arguments.compare, &loaded.log)?;
            (loaded, settings, rulebook, unread)
        }
    };
    let analysis = analyze(&loaded.log, &settings, progress)?;
    let mut replay = replay(&loaded, &settings, &rulebook, progress)?;
    if let Some(replay) = &mut replay {
        replay.rules.extend(unread.iter().map(RuleReplay::unread));
    }
    let asked = recipe.as_ref().and_then(|recipe| recipe.lab.clone());
    let mut lab = if arguments.lab || asked.is_some() {
        lab(arguments, asked, &loaded, &analysis, &rulebook, progress)?
    } else {
        None
    };
    if let Some(lab) = &mut lab {
        lab.rules.extend(unread.iter().map(RuleTrial::unread));
    }
    let mut notes = load_notes(&loaded);
    notes.inputs = loaded.digests()?;
    let examples = examples::examples(arguments, &loaded, &settings, progress)?;
    let input = ReportInput {
        analysis: &analysis,
        replay: replay.as_ref(),
        rulebook: Some(&rulebook),
        lab: lab.as_ref(),
        examples: examples.as_ref(),
        load: &notes,
        mapping: Some(&loaded.mapping),
        context: &context,
        title: match context.title.as_str() {
            "" => &loaded.log.name,
            title => title,
        },
        version: env!("CARGO_PKG_VERSION"),
        language: arguments.language,
    };
    finished(arguments, &input, recipe.as_ref())
}

/// Writes what was asked for, and tells it.
fn finished(
    arguments: &ReportArguments,
    input: &ReportInput<'_>,
    recipe: Option<&Recipe>,
) -> Result<Finish> {
    let written = write(arguments, input)?;
    if arguments.json {
        print_json(&json::render(input)?)?;
    }
    note(&input.analysis.decision.headline);
    for line in written {
        note(&line);
    }
    if let Some(recipe) = recipe {
        tell_differences(&recipe.differences(&json::render(input)?))?;
    }
    Ok(finish(input.analysis, arguments.check))
}

/// Everything that was asked for; what was done, one line each.
fn write(arguments: &ReportArguments, input: &ReportInput<'_>) -> Result<Vec<String>> {
    let is_for_more =
        arguments.tables.is_some() || arguments.charts.is_some() || arguments.from.is_some();
    let outputs = match arguments.output.as_slice() {
        [] if arguments.short => vec![PathBuf::from("-")],
        [] if is_for_more => Vec::new(),
        [] => vec![PathBuf::from("report.html")],
        named => named.to_vec(),
    };
    let mut lines = Vec::new();
    for path in outputs {
        if is_stdout(&path) {
            let form = if arguments.short {
                ReportForm::ShortMarkdown
            } else {
                ReportForm::Markdown
            };
            print(&String::from_utf8_lossy(&form.render(input)?))?;
            continue;
        }
        let form = match ReportForm::of_path(&path)? {
            ReportForm::Markdown if arguments.short => ReportForm::ShortMarkdown,
            form => form,
        };
        write_atomic(&path, &form.render(input)?)?;
        lines.push(format!("Report written to {}", path.display()));
    }
    if let Some(folder) = &arguments.tables {
        lines.push(write_tables(&document(input), folder)?);
    }
    if let Some(folder) = &arguments.charts {
        lines.push(write_charts(&document(input), folder, arguments.picture)?);
    }
    Ok(lines)
}

fn is_stdout(path: &Path) -> bool {
    path == Path::new("-")
}

fn write_tables(document: &Document, folder: &Path) -> Result<String> {
    make_folder(folder)?;
    let files = csv::files(document)?;
    for (name, bytes) in &files {
        write_atomic(&folder.join(name), bytes)?;
    }
    Ok(format!(
        "{} tables written to {}",
        files.len(),
        folder.display()
    ))
}

/// Every chart into `folder`, which is made if need be; what was done, in words.
fn write_charts(document: &Document, folder: &Path, form: Picture) -> Result<String> {
    let form = match form {
        Picture::Svg => PictureForm::Svg,
        Picture::Png => PictureForm::Png,
    };
    make_folder(folder)?;
    let mut n = 0;
    for chart in document.charts() {
        let path = folder.join(picture::file_name(chart, form));
        write_atomic(&path, &form.render(chart, &document.origin)?)?;
        n += 1;
    }
    Ok(format!("{n} charts written to {}", folder.display()))
}

fn make_folder(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(|cause| unwritable(folder, &cause))
}

fn recipe(arguments: &ReportArguments) -> Result<Option<Recipe>> {
    let Some(path) = &arguments.from else {
        return Ok(None);
    };
    Recipe::parse(&read_text(path)?)
        .map(Some)
        .map_err(|error| error.at(path))
}

/// Context of the file and the arguments.
fn context(arguments: &ReportArguments) -> Result<Context> {
    let mut context = match &arguments.context {
        Some(path) => Context::parse(&read_text(path)?).map_err(|error| error.at(path))?,
        None => Context::default(),
    };
    if let (Some(decision), Some(reason)) = (arguments.overrule, &arguments.reason) {
        context.overrule = Some(Override {
            decision,
            reason: reason.clone(),
            by: context.owner.clone(),
        });
    }
    context.checked()
}

/// The log, read as an earlier report read it.
fn load_as(arguments: &ReportArguments, recipe: &Recipe, progress: &Progress) -> Result<Loaded> {
    let mut request = arguments.log.load_request()?;
    if request.paths.is_empty() {
        request.paths.push(super::bundled::sample_log(progress)?);
    }
    request.mapping.clone_from(&recipe.mapping);
    crate::ingest::load(&request, progress)
}

fn tell_differences(differences: &[String]) -> Result<()> {
    if differences.is_empty() {
        note("Same: every figure agrees with the earlier report, to the last digit");
        return Ok(());
    }
    for difference in differences {
        note(&format!("  {difference}"));
    }
    Err(Error::new(
        ErrorKind::Settings,
        "The figures differ from the earlier report, as listed above",
    )
    .hint("Where load.inputs or tool.version differ, another log or another version explains the rest"))
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
        ..ReportArguments::default()
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

/// The rules on rollouts made from the rows that the analysis looks at, as `asked` or as the arguments
/// say; `None` with a single arm.
fn lab(
    arguments: &ReportArguments,
    asked: Option<LabSettings>,
    loaded: &Loaded,
    analysis: &Analysis,
    rulebook: &Rulebook,
    progress: &Progress,
) -> Result<Option<RuleLab>> {
    let selection = select(&loaded.log, &analysis.settings)?;
    let Some(treatment) = selection.treatment else {
        return Ok(None);
    };
    let (rows, control) = (&selection.rows, selection.control);
    let arms = ReplaySettings { control, treatment };
    let plan = match rulebook.plans.first_key_value() {
        Some((name, plan)) if rulebook.plans.len() == 1 && arguments.rules.file.is_some() => {
            LabPlan::of_rulebook(name, plan)
        }
        _ => LabPlan::of_log(
            rows,
            analysis.stages.iter().map(|s| (s.from_us, s.share)),
            &arms,
        ),
    };
    let settings = asked.unwrap_or_else(|| LabSettings {
        engine: Engine::Relabel,
        injections: usual_injections(rows, control, &plan, None),
        plan,
        replicates: arguments.replicates,
        alpha: 0.05,
        seed: arguments.seed,
        max_canary_requests: None,
        calibrate: true,
        grid: None,
        focus: None,
        level: analysis.settings.level,
    });
    let log = Some((&**rows, arms));
    crate::lab::lab(log, rulebook, &settings, progress, &mut |_| {}).map(Some)
}
