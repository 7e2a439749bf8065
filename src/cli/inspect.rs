//! `hindsight inspect`: how a log was understood, and whether it is sound.

use std::path::Path;

use serde_json::json;

use super::analyze::health_lines;
use super::arguments::InspectArguments;
use super::from_cells::CellLog;
use super::output::{joined, note, print, print_json};
use super::table::{cut, table};
use super::{Finish, read, settings};
use crate::analysis::{ArmRole, Audit, audit};
use crate::data::Filter;
use crate::error::Result;
use crate::ingest::{Guess, Issue, Join, Loaded, Mapping, Question, Role};
use crate::jobs::Progress;
use crate::units;

/// Columns of the terminal that the values may take.
const EVIDENCE_WIDTH: usize = 60;

pub(super) fn run(arguments: &InspectArguments, progress: &Progress) -> Result<Finish> {
    if let Some(known) = CellLog::read(&arguments.log.logs)? {
        return super::inspect_cells::run(arguments, &known, progress);
    }
    let loaded = read(&arguments.log, &[], progress)?;
    if let Some(path) = &arguments.write_mapping {
        let text = mapping_beside(&loaded.mapping, path).to_toml();
        crate::report::write::write_atomic(path, text.as_bytes())?;
        note(&format!("Mapping written to {}", path.display()));
    }
    let settings = settings(&arguments.compare, &loaded.log)?;
    let audit = audit(&loaded.log, &settings, progress)?;
    if arguments.json {
        print_json(&as_json(&loaded, &audit, &settings.filter))?;
    } else {
        print(&as_text(&loaded, &audit))?;
    }
    Ok(if arguments.check && audit.is_unsound() {
        Finish::CheckFailed
    } else {
        Finish::Done
    })
}

fn as_json(loaded: &Loaded, audit: &Audit, filter: &Filter) -> serde_json::Value {
    let log = &loaded.log;
    json!({
        "schema": 1,
        "source": loaded.files.first().map(|file| &file.source),
        "files": loaded.files,
        "rows_in_file": loaded.n_rows_in_file,
        "requests": log.n_rows(),
        "units": log.units.as_ref().map(|u| u.n_units),
        "arms": log.arms,
        "clock": log.clock,
        "tool": loaded.mapping.tool,
        "mapping": loaded.mapping,
        "questions": loaded.mapping.questions,
        "columns": loaded.guesses,
        "unused": loaded.unused,
        "joins": loaded.joins,
        "events": loaded.log.events,
        "issues": loaded.issues,
        "audit": audit,
        "filter": filter,
    })
}

fn as_text(loaded: &Loaded, audit: &Audit) -> String {
    let log = &loaded.log;
    let mut lines = vec![format!(
        "{}: {}, {} rows read, {} requests kept",
        loaded.files.first().map_or_else(String::new, |file| file
            .source
            .path
            .display()
            .to_string()),
        loaded.description(),
        units::count(loaded.n_rows_in_file),
        units::count(log.n_rows() as u64)
    )];
    if let Some((first, last)) = log.event_span_us() {
        let at = |us| units::instant(us, log.clock);
        lines.push(format!("{} to {}", at(first), at(last)));
    }
    lines.push(format!(
        "{}: {}",
        audit.strategy.label(log.clock),
        audit.strategy.why
    ));
    let tool = loaded.mapping.tool.iter();
    lines.extend(tool.map(|tool| format!("Recognised as {tool}")));
    if !loaded.mapping.questions.is_empty() {
        lines.push(String::new());
    }
    lines.extend(loaded.mapping.questions.iter().flat_map(question_lines));
    let rows: Vec<Vec<String>> = loaded
        .guesses
        .iter()
        .map(|guess| column_line(loaded, guess))
        .collect();
    let columns = table(&["Column", "Role", "Confidence", "Values"], &rows);
    let mut rest = Vec::new();
    rest.extend(loaded.joins.iter().flat_map(Join::lines));
    if !loaded.joins.is_empty() {
        rest.push(String::new());
    }
    if !loaded.issues.is_empty() {
        rest.push("Issues".to_owned());
        rest.extend(loaded.issues.iter().flat_map(issue_lines));
        rest.push(String::new());
    }
    rest.extend(health_lines(&audit.health));
    [joined(&lines), arms_table(audit), columns, joined(&rest)].join("\n")
}

pub(super) fn arms_table(audit: &Audit) -> String {
    let rows: Vec<Vec<String>> = audit
        .arms
        .iter()
        .map(|arm| {
            vec![
                arm.name.clone(),
                match arm.role {
                    ArmRole::Control => "control",
                    ArmRole::Treatment => "treatment",
                    ArmRole::Other => "",
                }
                .to_owned(),
                units::count(arm.n_requests),
                arm.n_units.map_or_else(String::new, units::count),
                units::share(arm.share_of_requests),
            ]
        })
        .collect();
    table(&["Arm", "Is", "Requests", "Users", "Share"], &rows)
}

/// What the values do not tell, and what was assumed.
fn question_lines(question: &Question) -> Vec<String> {
    let mut lines = vec![format!("[?] {} ({})", question.text, question.evidence)];
    for (i, candidate) in question.candidates.iter().enumerate() {
        let mark = if i == question.assumed {
            "assumed"
        } else {
            "or"
        };
        lines.push(format!(
            "    {mark:>7}: {}",
            cut(&candidate.label, EVIDENCE_WIDTH)
        ));
    }
    lines.push(String::new());
    lines
}

/// The mapping with its tables named as seen from the mapping file.
pub fn mapping_beside(mapping: &Mapping, path: &Path) -> Mapping {
    let whole = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let folder = whole(path).with_file_name("");
    let mut mapping = mapping.clone();
    for side in &mut mapping.side {
        let file = whole(&side.file);
        let inside = file.strip_prefix(&folder).map(Path::to_path_buf);
        side.file = inside.unwrap_or(file);
    }
    mapping
}

/// What was found, where, and what to do about it.
fn issue_lines(issue: &Issue) -> Vec<String> {
    let column = issue
        .column
        .as_ref()
        .map_or_else(String::new, |column| format!(" {column}:"));
    let times = match issue.count {
        0 => String::new(),
        1 => " (once)".to_owned(),
        n => format!(" ({} times)", units::count(n)),
    };
    let effect = issue.effect.label();
    let mut lines = vec![format!("  [{effect}]{column} {}{times}", issue.message)];
    if !issue.lines.is_empty() {
        let samples = issue.samples.join(" | ");
        lines.push(format!("      lines {}: {samples}", issue.places()));
    } else if !issue.samples.is_empty() {
        lines.push(format!("      {}", issue.samples.join(" | ")));
    }
    if !issue.hint.is_empty() {
        lines.push(format!("      {}", issue.hint));
    }
    lines
}

/// One column of the log: what it is read as, and what its values are like. That the name fits goes
/// without saying.
fn column_line(loaded: &Loaded, guess: &Guess) -> Vec<String> {
    let profile = &guess.profile;
    let columns = loaded.mapping.columns.iter();
    let roles: Vec<Role> = columns
        .filter(|c| c.column == profile.name)
        .map(|c| c.role)
        .collect();
    let role = roles.first().copied();
    let values = profile.samples.join(" | ");
    let evidence = match guess.evidence.split_once("; ") {
        Some((name, rest))
            if name.starts_with("named") || loaded.mapping.tool.as_deref() == Some(name) =>
        {
            rest
        }
        _ => &guess.evidence,
    };
    let unused = loaded.unused.iter().find(|c| c.column == profile.name);
    let (confidence, shown) = match role {
        None => match unused {
            Some(unused) => (
                String::new(),
                format!("could be {}: {values}", unused.could_be.label()),
            ),
            None => (String::new(), values),
        },
        Some(_) if role != guess.role => ("given".to_owned(), values),
        // Few words tell more than their number.
        Some(_) if profile.numeric_share < 0.5 && profile.n_distinct <= profile.samples.len() => (
            format!("{:.2}", guess.confidence),
            format!("{evidence}: {values}"),
        ),
        Some(_) => (format!("{:.2}", guess.confidence), evidence.to_owned()),
    };
    let labels: Vec<&str> = roles.iter().map(|role| role.label()).collect();
    let shown_roles = match (labels.as_slice(), profile.is_key()) {
        ([], true) => "can be read".to_owned(),
        ([], false) => "not read".to_owned(),
        _ => labels.join(", "),
    };
    vec![
        cut(&profile.name, 32),
        shown_roles,
        confidence,
        cut(&shown, EVIDENCE_WIDTH),
    ]
}
