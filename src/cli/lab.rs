//! `hindsight lab`: whether rollback rules are any good.

use super::arguments::{EngineName, LabArguments};
use super::output::{print, print_json};
use super::replay::chosen as chosen_rules;
use super::table::table;
use super::{Finish, load_for, settings};
use crate::analysis::{Selection, analyze, select};
use crate::data::RequestLog;
use crate::error::{Error, ErrorKind, Result};
use crate::jobs::Progress;
use crate::lab::{
    Calibrated, Engine, Grid, LabCell, LabPlan, LabSettings, LabTable, RuleLab, RuleTrial, Traffic,
    digest, lab, usual_injections,
};
use crate::report::write::write_atomic;
use crate::rules::{ReplaySettings, Rulebook};
use crate::units;

pub(super) fn run(arguments: &LabArguments, progress: &Progress) -> Result<Finish> {
    let (rulebook, unread) = chosen_rules(&arguments.rules)?;
    let (mut found, title) = match arguments.model {
        Some(model) => {
            let settings = LabSettings {
                engine: Engine::Parametric(Traffic::Model(model)),
                ..self::settings_of(arguments, &rulebook, None)?
            };
            let found = lab(None, &rulebook, &settings, progress, &mut |_| {})?;
            (found, "Modelled traffic".to_owned())
        }
        None => on_log(arguments, &rulebook, progress)?,
    };
    found.rules.extend(unread.iter().map(RuleTrial::unread));
    if let Some(path) = &arguments.write {
        let version = chosen(&found).ok_or_else(|| {
            Error::new(
                ErrorKind::NotEnoughData,
                "There is no calibrated rule to write",
            )
            .hint("Try one rule at a time, or add --calibrate")
        })?;
        write_atomic(path, version.rulebook.to_toml()?.as_bytes())?;
    }
    if arguments.json {
        let value = serde_json::to_value(&found)
            .map_err(|e| Error::new(ErrorKind::Internal, format!("Cannot write the lab: {e}")))?;
        print_json(&value)?;
    } else {
        print(&as_text(&found, &title))?;
    }
    Ok(Finish::Done)
}

fn on_log(
    arguments: &LabArguments,
    rulebook: &Rulebook,
    progress: &Progress,
) -> Result<(RuleLab, String)> {
    let loaded = load_for(&arguments.log, &[rulebook], progress)?;
    let compare = settings(&arguments.compare, &loaded.log)?;
    let Selection {
        rows: log,
        control,
        treatment,
        ..
    } = select(&loaded.log, &compare)?;
    // A log of one arm is a baseline without a rollout of its own.
    let arms = ReplaySettings {
        control,
        treatment: treatment.unwrap_or(control),
    };
    let plan = if wants_log_plan(arguments, rulebook) {
        let stages = analyze(&loaded.log, &compare, progress)?.stages;
        log_plan(&log, &stages, arms)
    } else {
        None
    };
    let settings = settings_of(arguments, rulebook, Some((&log, arms, plan.as_ref())))?;
    let found = lab(
        Some((&log, arms)),
        rulebook,
        &settings,
        progress,
        &mut |_| {},
    )?;
    let title = format!(
        "{}: {} as baseline, {} requests",
        log.name,
        log.arms[control].name,
        units::count(found.ground.requests)
    );
    Ok((found, title))
}

/// Whether the stages come from the log: asked for, or no file gave a plan.
fn wants_log_plan(arguments: &LabArguments, rulebook: &Rulebook) -> bool {
    match &arguments.plan {
        Some(plan) => plan == "log",
        None => arguments.rules.file.is_none() || rulebook.plans.len() != 1,
    }
}

/// The stages of the log, or its mean share where it has none.
fn log_plan(
    log: &RequestLog,
    stages: &[crate::analysis::Stage],
    arms: ReplaySettings,
) -> Option<LabPlan> {
    if arms.control == arms.treatment {
        return None;
    }
    Some(LabPlan::of_log(
        log,
        stages.iter().map(|s| (s.from_us, s.share)),
        &arms,
    ))
}

fn settings_of(
    arguments: &LabArguments,
    rulebook: &Rulebook,
    log: Option<(&RequestLog, ReplaySettings, Option<&LabPlan>)>,
) -> Result<LabSettings> {
    let share = arguments
        .plan
        .as_deref()
        .and_then(|text| text.parse::<f64>().ok());
    let plan = match (&arguments.plan, share) {
        (_, Some(share)) if (0.0..=1.0).contains(&share) => LabPlan::fixed(share),
        (Some(name), None) if name != "log" => {
            let plan = rulebook.plan(name).map_err(|error| {
                let known = rulebook.plan_names().join(", ");
                error.hint(format!(
                    "Write log, a share such as 0.05, or one of: {known}"
                ))
            })?;
            LabPlan::of_rulebook(name, &plan)
        }
        (_, Some(_)) => {
            return Err(
                Error::new(ErrorKind::Settings, "A share lies between 0 and 1").key("plan"),
            );
        }
        _ => match (&log, rulebook.plans.first_key_value()) {
            (Some((_, _, Some(plan))), _) => (*plan).clone(),
            (Some(_), Some((name, plan))) if arguments.rules.file.is_some() => {
                LabPlan::of_rulebook(name, plan)
            }
            _ => LabPlan::fixed(0.05),
        },
    };
    let engine = match arguments.engine {
        EngineName::Relabel => Engine::Relabel,
        EngineName::Permute => Engine::Permute,
        EngineName::Blocks => Engine::Blocks {
            days: arguments.days,
        },
        EngineName::Parametric => Engine::Parametric(Traffic::Log { error_share: None }),
    };
    let mut injections = arguments.inject.clone();
    if injections.is_empty() {
        injections = match (&log, arguments.model) {
            (Some((log, arms, _)), _) => {
                usual_injections(log, arms.control, &plan, arguments.horizon)
            }
            (None, Some(model)) => {
                let share = plan.stages.last().map_or(0.0, |stage| stage.weight);
                let most = arguments.horizon.map_or(f64::INFINITY, f64::from);
                let canary_requests = (share * f64::from(model.requests)).min(most);
                crate::lab::usual_errors(model.error_share, canary_requests)
            }
            (None, None) => Vec::new(),
        };
    }
    let grid = (!arguments.windows.is_empty() || !arguments.minimums.is_empty()).then(|| Grid {
        windows: arguments.windows.clone(),
        minimums: arguments.minimums.clone(),
    });
    Ok(LabSettings {
        engine,
        plan,
        replicates: arguments.replicates,
        alpha: arguments.alpha,
        seed: arguments.seed,
        max_canary_requests: arguments.horizon,
        injections,
        calibrate: arguments.calibrate || grid.is_some() || rulebook.rules.len() == 1,
        grid,
        focus: None,
        level: 0.95,
    })
}

/// The calibrated version that harms least among those that keep their promise.
fn chosen(found: &RuleLab) -> Option<&Calibrated> {
    let versions = found.rules.iter().flat_map(|trial| &trial.calibrated);
    let harm = |version: &&Calibrated| version.detection.first().map_or(0.0, |d| d.harmed);
    versions
        .filter(|version| version.false_rollback.lower <= version.alpha)
        .min_by(|a, b| harm(a).total_cmp(&harm(b)))
}

fn as_text(found: &RuleLab, title: &str) -> String {
    let said = digest(found);
    let mut out = format!("{title}. {}\n\n", said.headline);
    out += &plain(&said.summary);
    out += &sentences("", &said.ceilings);
    out += &sentences("", &said.legend);
    for rule in &said.rules {
        out += &["\n", &rule.title, "\n"].concat();
        out += &sentences("  ", &rule.sentences);
        for found in &rule.tables {
            out += "\n";
            out += &indented(found);
        }
        for (text, tables) in &rule.calibrated {
            let title = tables.first().map_or("", |found| found.title.as_str());
            out += &["\n  ", title, "\n    ", text, "\n"].concat();
            out.extend(tables.iter().map(indented));
        }
        if !rule.guards.is_empty() {
            out += "\n  Keep in mind\n";
            out += &sentences("    ", &rule.guards);
        }
    }
    if said.frontier.rows.len() > 1 {
        out += &["\n", &said.frontier.title, "\n"].concat();
        out += &indented(&said.frontier);
    }
    out += "\nWhat all figures rest on\n";
    out + &sentences("  ", &said.assumptions)
}

/// A line each.
fn sentences(indent: &str, sentences: &[String]) -> String {
    let lines: Vec<String> = sentences.iter().map(|s| format!("{indent}{s}\n")).collect();
    lines.concat()
}

fn plain(found: &LabTable) -> String {
    let text = |row: &Vec<LabCell>| row.iter().map(LabCell::text).collect();
    let rows: Vec<Vec<String>> = found.rows.iter().map(text).collect();
    table(&found.columns, &rows)
}

/// A table below a heading.
fn indented(found: &LabTable) -> String {
    let lines: Vec<String> = plain(found)
        .lines()
        .map(|line| format!("  {line}\n"))
        .collect();
    lines.concat()
}
