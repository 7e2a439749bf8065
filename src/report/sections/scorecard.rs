//! Every metric of every arm, with its effect, margin and verdict; and the forest plot.

use std::fmt::Write as _;

use super::super::charts;
use super::super::document::{Block, Cell, Column, Table};
use super::{MAX_ARMS, arm_name, by_gravity, figure, from_cells, level, read, rows_height};
use crate::analysis::{Analysis, ArmValue, Direction, Effect, MetricRole, ScorecardRow};
use crate::report::ReportInput;
use crate::stats::{Estimate, Interval};
use crate::units;

/// Codes that an arm's errors are listed by.
const MAX_CODES: usize = 8;

/// Metrics by what they count for.
const ROLES: [(MetricRole, &str); 4] = [
    (MetricRole::Primary, "Primary: to be improved"),
    (MetricRole::Guardrail, "Guardrails"),
    (MetricRole::Secondary, "Secondary"),
    (MetricRole::Neutral, "For information"),
];

pub(super) fn blocks(input: &ReportInput<'_>) -> Vec<Block> {
    let analysis = input.analysis;
    if analysis.scorecard.is_empty() {
        return Vec::new();
    }
    let mut out = vec![Block::Lead(lead(analysis))];
    out.extend(
        analysis
            .cells
            .as_ref()
            .map(|cells| Block::Note(from_cells::exactness(cells))),
    );
    for (role, title) in ROLES {
        let of_role = analysis.scorecard.iter().filter(|row| row.role == role);
        let rows: Vec<&ScorecardRow> = of_role.collect();
        if !rows.is_empty() {
            out.push(Block::Heading(title.to_owned(), Vec::new()));
            out.push(Block::Table(table(analysis, &rows, role)));
        }
    }
    if let Some(errors) = errors_by_code(analysis) {
        out.push(Block::Heading("Errors by code".to_owned(), Vec::new()));
        out.push(Block::Table(errors));
        let note = "As the status column has them. Failed and rate-limited requests are errors, cancelled \
                    ones are not. Messages are not read, because they can quote what users wrote.";
        out.push(Block::Note(note.to_owned()));
        if has_code_below_zero(analysis) {
            let note = "A code below 0 is none of HTTP: clients and benchmarks write such codes, also for \
                        answers that came and did not suit them. What it means has to be asked before \
                        the arm is blamed.";
            out.push(Block::Note(note.to_owned()));
        }
    }
    if let Some(forest) = charts::guardrail_forest(analysis) {
        let height = rows_height(forest.n_rows());
        out.push(figure(forest, height, None));
    }
    out
}

fn lead(analysis: &Analysis) -> String {
    if analysis.treatment.is_none() {
        return format!(
            "The values of the one arm, with {} intervals; there is no other to compare them with.",
            level(analysis.settings.level)
        );
    }
    let effects = analysis.scorecard.iter().flat_map(|row| &row.effects);
    let n_stages = effects.filter_map(|effect| effect.stratified.as_ref());
    let n_stages = n_stages.map(|stages| stages.strata.len()).max();
    let stratified = n_stages.map_or_else(String::new, |n| match n {
        1 => " Arms are compared over the time in which both ran; the two values beside a difference \
              stand for the whole log."
            .to_owned(),
        n => format!(
            " The treatment’s share changed over time, so arms are compared within the {n} stages and \
             the stages combined, weighted by how much both arms ran in each: the difference is not \
             that of the two values beside it, which stand for the whole log."
        ),
    });
    let mut effects = analysis.scorecard.iter().flat_map(|row| &row.effects);
    let once = if effects.any(|effect| effect.each_unit_once.is_some()) {
        " Shares and means count each request once, so that users with many requests weigh more; beside \
         them stands what comes out where each user counts once."
    } else {
        ""
    };
    format!(
        "Differences are the arm minus {}, with {} intervals. A guardrail passes when the worse end \
         of its interval stays within its margin, and is not corrected for the number of guardrails: \
         shipping needs all of them, so the chance of shipping an arm with a harmed one stays below {}. \
         Primary and secondary metrics are corrected ({}).{once}{stratified}",
        arm_name(analysis, analysis.control),
        level(analysis.settings.level),
        units::share((1.0 - analysis.settings.level) / 2.0),
        analysis.settings.correction.label()
    )
}

fn table(analysis: &Analysis, rows: &[&ScorecardRow], role: MetricRole) -> Table {
    let several = rows.iter().any(|row| row.effects.len() > 1);
    // Readings of secondary metrics may rest on one too.
    let mut effects = rows.iter().flat_map(|row| &row.effects);
    let has_margins = effects.any(|effect| effect.margin.is_some()) && role != MetricRole::Neutral;
    let control = arm_name(analysis, analysis.control);
    let mut columns = vec![
        Column::head("Metric"),
        Column::right(control).below("control"),
    ];
    if let Some(treatment) = analysis.treatment {
        if several {
            columns.extend([Column::left("Arm"), Column::right("Value")]);
        } else {
            columns.push(Column::right(arm_name(analysis, treatment)).below("treatment"));
        }
        columns.extend([Column::right("Difference"), Column::right("Relative")]);
        if has_margins {
            columns.push(Column::right("Margin"));
        }
        columns.push(Column::left("Verdict"));
    }
    let n_columns = columns.len();
    let id = format!("scorecard-{}", role.label());
    let title = format!("Scorecard: {} metrics", role.label().to_lowercase());
    let mut table = Table::new(&id, title, columns);
    for row in rows {
        let about = [metric(row), arm_value(analysis, row, analysis.control)];
        if several && is_same_everywhere(row) {
            let mut cells = about.to_vec();
            cells.extend([Cell::text("all other arms"), Cell::text("the same")]);
            cells.resize(n_columns - 1, Cell::none());
            let chip = |effect: &Effect| Cell::chip(read(analysis, effect.verdict));
            cells.push(row.effects.first().map_or_else(Cell::none, chip));
            table.rows.push(cells);
            continue;
        }
        let mut effects: Vec<&Effect> = row.effects.iter().collect();
        effects.sort_by_key(|effect| Some(effect.arm) != analysis.treatment); // stable: the others follow
        if effects.len() > MAX_ARMS {
            effects.sort_by_key(|e| (Some(e.arm) != analysis.treatment, by_gravity(e.verdict)));
            effects.truncate(MAX_ARMS);
            table.more = super::gravest(row.effects.len());
        }
        for effect in effects {
            let mut cells = about.to_vec();
            if several {
                cells.push(Cell::text(arm_name(analysis, effect.arm)));
            }
            cells.push(arm_value(analysis, row, effect.arm));
            cells.push(difference(analysis, row, effect));
            cells.push(Cell::relative(effect.relative.as_ref()));
            if has_margins {
                cells.push(margin(row, effect));
            }
            cells.push(Cell::chip(read(analysis, effect.verdict)));
            table.rows.push(cells);
        }
        if row.effects.is_empty() {
            let mut cells = about.to_vec();
            cells.resize(n_columns, Cell::none());
            table.rows.push(cells);
        }
    }
    table
}

/// Whether all arms have one value, which says in one row what many would.
fn is_same_everywhere(row: &ScorecardRow) -> bool {
    let mut values = row
        .values
        .iter()
        .map(|value| value.estimate.map(|e| e.interval));
    let first = values.next().flatten();
    let is_constant = first.is_some_and(|ends| ends.lower == ends.upper);
    let has_one_verdict = row
        .effects
        .windows(2)
        .all(|pair| pair[0].verdict == pair[1].verdict);
    is_constant && has_one_verdict && values.all(|value| value == first)
}

/// What failures are called in the log, where it has codes for them.
fn errors_by_code(analysis: &Analysis) -> Option<Table> {
    let all = || analysis.arms.iter().flat_map(|arm| &arm.errors);
    // One word for all failures says no more than the error share.
    let is_telling = |code: &str| code.parse::<i64>().is_ok();
    let first = all().next()?;
    if all().all(|error| error.code == first.code && !is_telling(&error.code)) {
        return None;
    }
    let columns = vec![
        Column::head("Arm"),
        Column::left("Code"),
        Column::left("Means"),
        Column::right("Errors"),
        Column::right("Of its errors"),
    ];
    let mut table = Table::new("errors-by-code", "Errors by code", columns);
    for arm in &analysis.arms {
        let n: u64 = arm.errors.iter().map(|error| error.n).sum();
        for error in arm.errors.iter().take(MAX_CODES) {
            table.rows.push(vec![
                Cell::text(arm.name.as_str()).note(format!("n {}", units::count(arm.n_requests))),
                match error.code.as_str() {
                    "" => Cell::text("(no code)"),
                    code => Cell::code(code),
                },
                Cell::text(meaning(&error.code)),
                Cell::count(error.n),
                Cell::text(units::share(error.n as f64 / n as f64)),
            ]);
        }
    }
    if analysis.arms.iter().any(|arm| arm.errors.len() > MAX_CODES) {
        table.more =
            format!("The {MAX_CODES} commonest of every arm; the JSON report has them all.");
    }
    Some(table)
}

fn has_code_below_zero(analysis: &Analysis) -> bool {
    let mut codes = analysis.arms.iter().flat_map(|arm| &arm.errors);
    codes.any(|error| error.code.parse::<i64>().is_ok_and(|code| code < 0))
}

/// What codes of HTTP stand for; others are the log's own.
fn meaning(code: &str) -> &'static str {
    match code {
        "400" => "bad request",
        "401" => "not authenticated",
        "403" => "forbidden",
        "404" => "not found",
        "408" => "request timeout",
        "413" => "request too large",
        "422" => "request not understood",
        "429" => "rate-limited",
        "500" => "internal server error",
        "502" => "bad gateway",
        "503" => "service unavailable",
        "504" => "gateway timeout",
        _ if code.parse::<i64>().is_ok() => "the log's own code",
        _ => "",
    }
}

fn metric(row: &ScorecardRow) -> Cell {
    let mut cell = Cell::text(row.label.as_str()).note(format!("of {}", row.denominator));
    if !row.scale.is_empty() {
        cell = cell.note(row.scale.as_str());
    }
    match row.direction {
        Direction::Neutral => cell,
        direction => cell.note(direction.label()),
    }
}

/// A value, its interval and what it was counted from.
fn arm_value(analysis: &Analysis, row: &ScorecardRow, arm: usize) -> Cell {
    let found = row.values.iter().find(|value| value.arm == arm);
    let mut cell = Cell::estimate(row.form, found.and_then(|value| value.estimate.as_ref()));
    let cells = analysis.cells.as_ref();
    if let Some(cells) = cells.filter(|cells| cells.relative_error(row.form).is_some()) {
        cell = cell.note(from_cells::bound(cells));
    }
    match found {
        Some(ArmValue {
            n,
            numerator: Some(k),
            ..
        }) => cell.note(format!("{} / {}", units::count(*k), units::count(*n))),
        Some(ArmValue { n, .. }) => cell.note(format!("n {}", units::count(*n))),
        None => cell,
    }
}

/// The difference with what its interval stands on, and the p-value beside it.
fn difference(analysis: &Analysis, row: &ScorecardRow, effect: &Effect) -> Cell {
    let mut cell = Cell::change(row.form, effect.difference.as_ref());
    if effect.difference.is_none() {
        return cell;
    }
    let mut by = effect.unit.label().to_owned();
    match &effect.test {
        Some(test) => {
            let _infallible = write!(by, ", p {}", units::p_value(test.p));
        }
        None => by += ", no test",
    }
    cell = cell.note(by);
    if effect.test.is_none() && has_no_events(row, analysis.control, effect.arm) {
        cell = cell.note("none in either arm");
    }
    if let Some(p) = effect.p_adjusted {
        cell = cell.note(format!("corrected p {}", units::p_value(p)));
    }
    if let Some(other) = effect.by_request.as_ref().or(effect.by_unit.as_ref()) {
        let unit = if effect.by_request.is_some() {
            "by request"
        } else {
            "by user"
        };
        cell = cell.note(format!("{unit}, p {}", units::p_value(other.test.p)));
    }
    if let Some(once) = &effect.each_unit_once {
        cell = cell.note("each user counted once:").note(shown(row, once));
    }
    if let Some(stages) = &effect.stratified {
        let pooled = stages.pooled.as_ref();
        let pooled = pooled.map_or_else(|| units::NO_VALUE.to_owned(), |d| shown(row, d));
        if stages.strata.len() > 1 {
            let (control, arm) = stages.weighted;
            let between = format!("{} and {}", row.form.value(control), row.form.value(arm));
            cell = cell.note("between, stages weighted alike:").note(between);
        }
        // In two lines: columns of figures are narrow.
        cell = cell.note("over the whole log:").note(pooled);
    }
    let warning = effect.stratified.as_ref().and_then(|s| s.warning.as_ref());
    cell.warn(effect.unit_warning.as_ref().or(warning))
}

/// Whether a share is of events that neither arm has.
fn has_no_events(row: &ScorecardRow, control: usize, arm: usize) -> bool {
    let events = |arm: usize| row.values.iter().find(|value| value.arm == arm)?.numerator;
    events(control) == Some(0) && events(arm) == Some(0)
}

/// A difference with its interval in one line.
fn shown(row: &ScorecardRow, d: &Estimate) -> String {
    let Interval { lower, upper } = d.interval;
    row.form.change_with_interval(d.value, lower, upper)
}

/// The tolerated change, towards the worse side.
fn margin(row: &ScorecardRow, effect: &Effect) -> Cell {
    let signed = match row.direction {
        Direction::HigherIsBetter => effect.margin.map(|margin| -margin),
        _ => effect.margin,
    };
    Cell::plain_change(row.form, signed)
}
