//! `hindsight replay`: when rollback rules would have fired, and why.

use serde_json::json;

use super::arguments::{LogArguments, ReplayArguments, RulesArguments};
use super::from_cells::{CellLog, no_plan_on_cells};
use super::output::{joined, print, print_json};
use super::rules::read_rulebook;
use super::table::table;
use super::{Finish, load_for, settings};
use crate::analysis::{AnalysisSettings, Selection, analyze, observed_stages, select};
use crate::data::RequestLog;
use crate::error::{Error, ErrorKind, Result};
use crate::jobs::Progress;
use crate::rules::{
    AvertedAmount, Change, Replanned, Replay, ReplaySettings, RuleReplay, Rulebook, StageSpan,
    UnreadRule, beside, changes, ledger, presets, replay_in_full, replay_planned, sentences,
};
use crate::units;

pub(super) fn run(arguments: &ReplayArguments, progress: &Progress) -> Result<Finish> {
    let (rulebook, unread) = chosen(&arguments.rules)?;
    let rival = arguments
        .against
        .as_deref()
        .map(read_rulebook)
        .transpose()?;
    if let Some(known) = CellLog::read(&arguments.log.logs)? {
        return of_cells(arguments, &known, (&rulebook, &unread), rival, progress);
    }
    let rulebooks: Vec<&Rulebook> = std::iter::once(&rulebook)
        .chain(rival.iter().map(|(rival, _)| rival))
        .collect();
    let loaded = load_for(&arguments.log, &rulebooks, progress)?;
    let settings = settings(&arguments.compare, &loaded.log)?;
    let Selection {
        rows: log,
        control,
        treatment,
        ..
    } = select(&loaded.log, &settings)?;
    let treatment = treatment.ok_or_else(|| one_arm(&arguments.log))?;
    let arms = ReplaySettings { control, treatment };
    let stages = stages(&loaded.log, control, treatment);
    let run = |rulebook: &Rulebook, unread: &[UnreadRule]| -> Result<Replay> {
        let mut replay = match &arguments.plan {
            Some(plan) => replay_planned(&log, rulebook, &arms, &stages, plan, progress),
            None => replay_in_full(&log, rulebook, &arms, &stages, progress),
        }?;
        replay.rules.extend(unread.iter().map(RuleReplay::unread));
        Ok(replay)
    };
    let replay = run(&rulebook, &unread)?;
    let rival = rival
        .map(|(rulebook, unread)| run(&rulebook, &unread))
        .transpose()?;
    if arguments.json {
        return print_replays(&replay, rival.as_ref(), &settings);
    }
    let listed = Listed {
        rulebook: &rulebook,
        is_all: arguments.transitions,
        harm_from_us: harm_from_us(&replay, &loaded.log, &settings, progress)?,
    };
    let n_requests = log.n_rows() as u64;
    let text = as_text(&replay, (&log, n_requests), (control, treatment), &listed);
    let rival = rival.map(|rival| side_by_side(&replay, &rival));
    print(&(text + &rival.unwrap_or_default()))?;
    Ok(Finish::Done)
}

/// The same on cells.
fn of_cells(
    arguments: &ReplayArguments,
    known: &CellLog,
    (rulebook, unread): (&Rulebook, &[UnreadRule]),
    rival: Option<(Rulebook, Vec<UnreadRule>)>,
    progress: &Progress,
) -> Result<Finish> {
    if arguments.plan.is_some() {
        return Err(no_plan_on_cells());
    }
    let settings = settings(&arguments.compare, &known.log)?;
    let analysis = known.analyze(&settings, progress)?;
    let (control, treatment) = (analysis.control, analysis.treatment);
    let treatment = treatment.ok_or_else(|| one_arm(&arguments.log))?;
    let arms = ReplaySettings { control, treatment };
    let run = |rulebook: &Rulebook, unread: &[UnreadRule]| -> Result<Replay> {
        let mut replay = known.replay(rulebook, &arms, &settings, progress)?;
        replay.rules.extend(unread.iter().map(RuleReplay::unread));
        Ok(replay)
    };
    let replay = run(rulebook, unread)?;
    let rival = rival
        .map(|(rulebook, unread)| run(&rulebook, &unread))
        .transpose()?;
    if arguments.json {
        return print_replays(&replay, rival.as_ref(), &settings);
    }
    let listed = Listed {
        rulebook,
        is_all: arguments.transitions,
        harm_from_us: analysis.harm_from_us(),
    };
    let n_requests = known.cells.n_requests();
    let text = as_text(
        &replay,
        (&known.log, n_requests),
        (control, treatment),
        &listed,
    );
    let rival = rival.map(|rival| side_by_side(&replay, &rival));
    print(&(text + &rival.unwrap_or_default()))?;
    Ok(Finish::Done)
}

fn print_replays(
    replay: &Replay,
    rival: Option<&Replay>,
    settings: &AnalysisSettings,
) -> Result<Finish> {
    let mut value = crate::rules::json::to_json(replay)?;
    value["filter"] = json!(settings.filter);
    if let Some(rival) = rival {
        value["against"] = crate::rules::json::to_json(rival)?;
    }
    print_json(&value)?;
    Ok(Finish::Done)
}

/// Since when the analysis shows harm; asked only where a rule fires, because it takes a comparison.
fn harm_from_us(
    replay: &Replay,
    log: &RequestLog,
    settings: &AnalysisSettings,
    progress: &Progress,
) -> Result<Option<i64>> {
    if replay.rules.iter().all(|rule| rule.first.is_none()) {
        return Ok(None);
    }
    match analyze(log, settings, progress) {
        Ok(analysis) => Ok(analysis.harm_from_us()),
        Err(error) if error.is_cancelled() => Err(error),
        // The replay stands without it.
        Err(_) => Ok(None),
    }
}

/// The stages that the whole log shows: a filter does not change what the rollout was.
pub(crate) fn stages(log: &RequestLog, control: usize, treatment: usize) -> Vec<StageSpan> {
    let stages = observed_stages(log, control, treatment);
    stages
        .iter()
        .map(|stage| StageSpan {
            from_us: stage.from_us,
            to_us: stage.to_us,
            share: stage.share,
        })
        .collect()
}

/// Both files' rules, a line per rule.
fn side_by_side(ours: &Replay, theirs: &Replay) -> String {
    let fires = |rule: Option<&RuleReplay>| match rule {
        None => "–".to_owned(),
        Some(rule) => match (&rule.first, &rule.skipped) {
            (Some(first), _) => units::moment(first.time_us, ours.clock),
            (None, Some(_)) => "not evaluated".to_owned(),
            (None, None) => "never".to_owned(),
        },
    };
    let before = |rule: Option<&RuleReplay>| {
        let rule = rule.filter(|rule| rule.first.is_some());
        let exposure = rule.and_then(|rule| rule.exposure);
        exposure.map_or_else(String::new, |e| units::count(e.before.requests))
    };
    let rows: Vec<Vec<String>> = beside(ours, theirs)
        .iter()
        .map(|pair| {
            let id = pair.ours.or(pair.theirs).map(|rule| rule.id.clone());
            vec![
                id.unwrap_or_default(),
                fires(pair.ours),
                fires(pair.theirs),
                pair.change(),
                before(pair.ours),
                before(pair.theirs),
            ]
        })
        .collect();
    let headings = [
        "Rule",
        "Fires",
        "In --against",
        "Which is",
        "Canary requests before",
        "In --against",
    ];
    format!("\nSide by side\n{}", table(&headings, &rows))
}

/// The presets and the rulebook that were asked for; all presets when nothing was.
/// With them the rules of the file that could not be read.
pub(super) fn chosen(rules: &RulesArguments) -> Result<(Rulebook, Vec<UnreadRule>)> {
    let ids: Vec<&str> = rules.preset.iter().map(String::as_str).collect();
    let mut rulebook = match (ids.is_empty(), &rules.file) {
        (true, None) => presets::all()?,
        (true, Some(_)) => Rulebook::default(),
        (false, _) => presets::rulebook(&ids)?,
    };
    let mut unread = Vec::new();
    if let Some(path) = &rules.file {
        let presets = std::mem::take(&mut rulebook);
        (rulebook, unread) = read_rulebook(path)?;
        // A rule that names no plan belongs to its file's only one, whatever the presets bring.
        if let [name] = rulebook.plans.keys().collect::<Vec<_>>().as_slice() {
            let name = (*name).clone();
            for rule in &mut rulebook.rules {
                rule.plan.get_or_insert_with(|| name.clone());
            }
        }
        rulebook.rules.splice(0..0, presets.rules);
        for (name, plan) in presets.plans {
            rulebook.plans.entry(name).or_insert(plan);
        }
    }
    Ok((rulebook, unread))
}

fn one_arm(log: &LogArguments) -> Error {
    let error = Error::new(ErrorKind::NotEnoughData, "The log has one arm only: rollback rules watch a canary beside a baseline")
        .hint("Map the column that tells the variants apart (--mapping), or open a log that holds both arms");
    match log.logs.as_slice() {
        [path] => error.at(path),
        _ => error,
    }
}

fn as_text(
    replay: &Replay,
    (log, n_requests): (&RequestLog, u64),
    (control, treatment): (usize, usize),
    listed: &Listed<'_>,
) -> String {
    let title = format!(
        "{}: {} as canary against {} as baseline, {} requests in event time from {}",
        log.name,
        log.arms[treatment].name,
        log.arms[control].name,
        units::count(n_requests),
        units::instant(replay.time_zero_us, replay.clock)
    );
    let mut heading = vec![title];
    heading.extend(replay.events.iter().map(|event| {
        let sign = if event.time_us < 0 { "−" } else { "" };
        let at = units::duration_us(event.time_us.abs());
        format!("Event at {sign}{at}: {}", event.text())
    }));
    heading.extend(replay.grain_text());
    heading.extend(replay.routers.iter().map(|fit| fit.text.clone()));
    heading.extend(replay.replanned.iter().flat_map(Replanned::sentences));
    heading.push(String::new());
    let mut out = joined(&heading);
    let summary = |rule: &RuleReplay| summary(replay, rule, log.has_outcome);
    let rows: Vec<Vec<String>> = replay.rules.iter().map(summary).collect();
    out += &table(
        &[
            "Rule",
            "Fires",
            "Data row",
            "Canary requests before / after",
            "Of which failed",
            "Because of",
        ],
        &rows,
    );
    let rules: Vec<String> = replay
        .rules
        .iter()
        .map(|rule| details(replay, rule, listed.harm_from_us) + &listed.changes(replay, rule))
        .collect();
    out + &rules.concat()
        + &averted(replay, listed.harm_from_us)
        + "\nTimes count from the first request. Everything after a first firing is hypothetical: with a rollback the log would have gone on differently.\nThe report lists the known faults of each rule.\n"
}

/// What acting would have averted, for all rules at once.
fn averted(replay: &Replay, harm_from_us: Option<i64>) -> String {
    let Some(found) = ledger(replay, harm_from_us) else {
        return String::new();
    };
    let mut headings = vec!["Stopped by", "Requests after"];
    headings.extend(found.measures.iter().map(|(_, what)| what.as_str()));
    let cell = |amount: &AvertedAmount| match amount.interval {
        Some((low, high)) => format!(
            "{} [{}, {}]",
            units::change(amount.value),
            units::change(low),
            units::change(high)
        ),
        None => units::change(amount.value),
    };
    let rows: Vec<Vec<String>> = found
        .rows
        .iter()
        .map(|row| {
            let mut cells = vec![row.who.clone(), units::count(row.averted.requests)];
            cells.extend(found.measures.iter().map(|(id, _)| {
                let mut amounts = row.averted.amounts.iter();
                amounts
                    .find(|amount| amount.id == *id)
                    .map_or_else(String::new, cell)
            }));
            cells
        })
        .collect();
    let title = "\nWhat a rollback would have averted\n";
    [title, &table(&headings, &rows), &joined(&found.notes)].concat()
}

/// Which changes are listed.
struct Listed<'a> {
    rulebook: &'a Rulebook,
    /// However many they are.
    is_all: bool,
    /// As for [`sentences`].
    harm_from_us: Option<i64>,
}

/// So many changes are listed unasked.
const FEW_CHANGES: usize = 12;

impl Listed<'_> {
    /// What happened to a rule in order of time.
    fn changes(&self, replay: &Replay, rule: &RuleReplay) -> String {
        let source = self.rulebook.rules.iter().find(|r| r.id == rule.id);
        let found = changes(replay, rule, source);
        if rule.transitions.is_empty() && !self.is_all {
            return String::new();
        }
        if found.len() > FEW_CHANGES && !self.is_all {
            let n = rule.transitions.len() as u64 + rule.transitions_omitted;
            return format!(
                "  {} changes of state; --transitions lists them.\n",
                units::count(n)
            );
        }
        let cells = |change: &Change| {
            vec![
                format!("    {}", units::moment(change.time_us, replay.clock)),
                change
                    .row
                    .map_or_else(String::new, |row| units::count(u64::from(row) + 1)),
                change.what.clone(),
                change.saw.join("; "),
            ]
        };
        let rows: Vec<Vec<String>> = found.iter().map(cells).collect();
        let headings = ["    When", "Data row", "Change", "What the conditions saw"];
        let mut out = table(&headings, &rows);
        if rule.transitions_omitted > 0 {
            let n = units::count(rule.transitions_omitted);
            out += &["    and ", &n, " more changes of state\n"].concat();
        }
        out
    }
}

/// What each condition of a rule saw over the whole log.
fn details(replay: &Replay, rule: &RuleReplay, harm_from_us: Option<i64>) -> String {
    let mut lines = vec![String::new(), format!("{} ({})", rule.title, rule.id)];
    if let Some(why) = &rule.skipped {
        lines.push(format!("  not evaluated: {why}"));
    }
    for condition in &rule.conditions {
        let held = match (&condition.unavailable, condition.first_us) {
            (Some(why), _) => format!("cannot be judged: {why}"),
            (None, None) => "never holds".to_owned(),
            (None, Some(us)) => format!(
                "holds at {} of {} evaluations, first {}",
                units::count(condition.evaluations_true),
                units::count(rule.evaluations),
                units::moment(us, replay.clock)
            ),
        };
        lines.push(format!("  {}: {}", condition.name, condition.text));
        lines.push(format!("      {held}"));
    }
    if !rule.no_data.is_empty() {
        lines.push(format!("  {}", rule.no_data));
    }
    if rule.evaluations_elsewhere > 0 {
        let (held, of) = rule.breaches();
        lines.push(format!("  Breaches: {held} {of}"));
    }
    for sentence in sentences(replay, rule, harm_from_us) {
        lines.push(format!("  {sentence}"));
    }
    joined(&lines)
}

fn summary(replay: &Replay, rule: &RuleReplay, has_outcome: bool) -> Vec<String> {
    let Some(firing) = &rule.first else {
        let state = rule.skipped.as_ref().map_or("never", |_| "not evaluated");
        return vec![rule.id.clone(), state.to_owned()];
    };
    let exposure = rule.exposure.unwrap_or_default();
    vec![
        rule.id.clone(),
        units::moment(firing.time_us, replay.clock),
        // People count rows from 1, as the report does; JSON counts from 0.
        firing
            .row
            .map_or_else(String::new, |row| units::count(u64::from(row) + 1)),
        format!(
            "{} / {}",
            units::count(exposure.before.requests),
            units::count(exposure.after.requests)
        ),
        if has_outcome {
            format!(
                "{} / {}",
                units::count(exposure.before.errors),
                units::count(exposure.after.errors)
            )
        } else {
            units::NO_VALUE.to_owned()
        },
        firing.causes.join(", "),
    ]
}
