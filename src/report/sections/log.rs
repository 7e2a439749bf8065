//! What was read, how it was understood, and what was wrong with it.

use super::super::chart::Tone;
use super::super::document::{Block, Cell, Chip, Column, Table};
use super::from_cells::has_users;
use crate::analysis::{Analysis, EventTimes, OutcomeCounts};
use crate::report::{IssueLine, LoadNotes, ReportInput};
use crate::units::{self, Clock};

pub(super) fn blocks(input: &ReportInput<'_>) -> Vec<Block> {
    let load = input.load;
    let heading = |text: &str| Block::Heading(text.to_owned(), Vec::new());
    let are_cells = input.analysis.cells.is_some();
    let mut facts = vec![
        ("File", load.source.clone()),
        ("Format", load.format.clone()),
        ("Size", format!("{} bytes", units::count(load.bytes))),
    ];
    if are_cells {
        facts.push(("Rows of cells", units::count(load.rows_read)));
    } else {
        facts.push(("Rows read", units::count(load.rows_read)));
        facts.push(("Rows rejected", units::count(load.rows_rejected)));
    }
    let facts = facts
        .into_iter()
        .map(|(name, fact)| (name.to_owned(), fact));
    let mut out = vec![
        Block::Facts(facts.collect()),
        heading("Arms"),
        Block::Table(arms(input.analysis)),
    ];
    if !load.mapping.is_empty() {
        out.extend([heading("Columns"), Block::Table(mapping(input))]);
    }
    if !load.unused.is_empty() {
        out.extend([heading("Columns not used"), Block::Table(unused(load))]);
    }
    if !load.joins.is_empty() {
        out.push(heading("Tables beside the log"));
        out.push(Block::Bullets(load.joins.clone()));
    }
    out.push(heading("Issues found while reading"));
    out.push(if are_cells {
        let said = "Cells do not carry them: they were told where the cells were computed.";
        Block::Paragraph(said.to_owned())
    } else if load.issues.is_empty() {
        Block::Paragraph("None.".to_owned())
    } else {
        Block::Table(issues(&load.issues))
    });
    out
}

fn arms(analysis: &Analysis) -> Table {
    type Count = fn(&OutcomeCounts) -> u64;
    let outcomes: [(&str, &str, Count); 5] = [
        ("Answered", "", |n| n.ok),
        ("Failed", "", |n| n.error),
        ("Rate-limited", "429", |n| n.rate_limited),
        ("Cancelled", "", |n| n.cancelled),
        ("Outcome unknown", "", |n| n.unknown),
    ];
    // What no arm has is no column.
    let occurs = |of: Count| analysis.arms.iter().any(|arm| of(&arm.outcomes) > 0);
    let outcomes: Vec<_> = outcomes
        .into_iter()
        .filter(|(.., of)| occurs(*of))
        .collect();
    let has_users = has_users(analysis);
    let counts = ["Requests", "Users"]
        .into_iter()
        .take(1 + usize::from(has_users));
    let columns = std::iter::once(Column::head("Arm"))
        .chain(counts.map(Column::right))
        .chain(
            outcomes
                .iter()
                .map(|(name, sub, _)| Column::right(*name).below(*sub)),
        )
        .chain(spans(analysis).map(Column::left));
    let rows = analysis.arms.iter().enumerate().map(|(k, arm)| {
        let name = Cell::text(arm.name.as_str());
        let mut cells = vec![
            if k == analysis.control {
                name.note("control")
            } else if Some(k) == analysis.treatment {
                name.note("treatment")
            } else {
                name
            },
            Cell::count(arm.n_requests).note(units::share(arm.share_of_requests)),
        ];
        if has_users {
            cells.push(arm.n_units.map_or_else(Cell::none, Cell::count));
        }
        cells.extend(
            outcomes
                .iter()
                .map(|(.., of)| Cell::count(of(&arm.outcomes))),
        );
        let instant = |us| Cell::text(units::instant(us, analysis.log.clock));
        cells.extend(match arm.span_us {
            Some((first, last)) => [instant(first), instant(last)],
            None => [Cell::none(), Cell::none()],
        });
        cells
    });
    Table::new("arms", "Arms", columns.collect()).with(rows)
}

/// What the first and the last time of an arm are.
fn spans(analysis: &Analysis) -> [&'static str; 2] {
    match (analysis.log.clock, analysis.log.times) {
        (Clock::RowOrder, _) => ["First", "Last"],
        (_, EventTimes::Completion) => ["First completed", "Last completed"],
        (_, EventTimes::Start) => ["First started", "Last started"],
    }
}

fn mapping(input: &ReportInput<'_>) -> Table {
    let has_times = input.analysis.log.clock != Clock::RowOrder;
    let rows = input.load.mapping.iter().map(|line| {
        let unit = Cell::text(line.unit.as_str());
        let is_time = line.role.starts_with("Time (");
        vec![
            Cell::text(line.role.as_str()),
            Cell::code(&line.column),
            if is_time && !has_times {
                unit.note("not used: no time that all requests share")
            } else {
                unit
            },
        ]
    });
    Table::new(
        "columns",
        "Columns",
        ["Used as", "Column", "Unit"].map(Column::left).to_vec(),
    )
    .with(rows)
}

fn unused(load: &LoadNotes) -> Table {
    let rows = load.unused.iter().map(|line| {
        vec![
            Cell::code(&line.column),
            Cell::text(line.values.as_str()),
            Cell::text(line.could_be.as_str()),
        ]
    });
    Table::new(
        "unused-columns",
        "Columns not used",
        ["Column", "Values", "Could be"].map(Column::left).to_vec(),
    )
    .with(rows)
}

fn issues(issues: &[IssueLine]) -> Table {
    let rows = issues.iter().map(|issue| {
        let text = match issue.sample.as_str() {
            "" => issue.message.clone(),
            sample => format!("{} ({sample})", issue.message),
        };
        let cell = Cell::text(text);
        vec![
            Cell::chip(severity(&issue.severity)),
            Cell::code(&issue.column),
            Cell::text(issue.rows.as_str()),
            if issue.hint.is_empty() {
                cell
            } else {
                cell.note(issue.hint.as_str())
            },
        ]
    });
    Table::new(
        "issues",
        "Issues found while reading",
        ["Weight", "Column", "Rows", "Issue"]
            .map(Column::left)
            .to_vec(),
    )
    .with(rows)
}

fn severity(severity: &str) -> Chip {
    let (tone, symbol) = match severity {
        "Stop" | "Error" => (Tone::Bad, "✕"),
        "Warning" => (Tone::Caution, "!"),
        _ => (Tone::Quiet, "i"),
    };
    Chip::new(tone, symbol, severity)
}
