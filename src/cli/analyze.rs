//! `hindsight analyze`: health, scorecard, decision.

use super::arguments::AnalyzeArguments;
use super::from_cells::CellLog;
use super::output::{joined, print, print_json};
use super::table::table;
use super::{Finish, load, settings};
use crate::analysis::{
    Analysis, DecisionKind, HealthCheck, MetricRole, ReasonWeight, ScorecardRow, analyze,
};
use crate::data::RequestLog;
use crate::error::Result;
use crate::jobs::Progress;
use crate::report::panels::panels;
use crate::report::segment_map::{cell_text, segment_map, segment_note, segment_words};
use crate::units;

pub(super) fn run(arguments: &AnalyzeArguments, progress: &Progress) -> Result<Finish> {
    let analysis = match CellLog::read(&arguments.log.logs)? {
        Some(known) => {
            let settings = settings(&arguments.compare, &RequestLog::default())?;
            known.analyze(&settings, progress)?
        }
        None => {
            let loaded = load(&arguments.log, progress)?;
            let settings = settings(&arguments.compare, &loaded.log)?;
            analyze(&loaded.log, &settings, progress)?
        }
    };
    if arguments.json {
        print_json(&crate::report::json::analysis(&analysis)?)?;
    } else {
        print(&as_text(&analysis))?;
    }
    Ok(finish(&analysis, arguments.check))
}

/// Exit code 3 for `--check` when the answer is no.
pub(super) fn finish(analysis: &Analysis, is_check: bool) -> Finish {
    let decision = &analysis.decision;
    let is_no = decision.is_log_unsound || decision.kind == DecisionKind::RollBack;
    if is_check && is_no {
        Finish::CheckFailed
    } else {
        Finish::Done
    }
}

fn as_text(analysis: &Analysis) -> String {
    let decision = &analysis.decision;
    let mut lines = vec![decision.headline.clone()];
    lines.extend(decision.reasons.iter().map(|reason| {
        let sign = match reason.weight {
            ReasonWeight::Against => "−",
            ReasonWeight::Open => "?",
            ReasonWeight::For => "+",
        };
        format!("  {sign} {}", reason.text)
    }));
    for (title, texts) in [
        ("Next step", decision.next_step.iter().collect()),
        (
            "What would change a reading",
            decision
                .would_change
                .iter()
                .map(|o| &o.text)
                .collect::<Vec<_>>(),
        ),
        (
            "Doubts about this decision",
            decision.dissent.iter().collect(),
        ),
    ] {
        if !texts.is_empty() {
            lines.extend([String::new(), title.to_owned()]);
            lines.extend(texts.into_iter().map(|text| format!("  {text}")));
        }
    }
    let log = &analysis.log;
    let users = log
        .n_units
        .map_or_else(String::new, |n| format!(", {} users", units::count(n)));
    lines.push(String::new());
    lines.push(format!(
        "{}: {} requests{users}. {}: {}",
        log.name,
        units::count(log.n_requests),
        analysis.strategy.label(analysis.log.clock),
        analysis.strategy.why
    ));
    lines.push(String::new());
    lines.extend(health_lines(&analysis.health));
    lines.extend(needs_log_lines(analysis));
    lines.push(String::new());
    let mut effects = analysis.scorecard.iter().flat_map(|row| &row.effects);
    let stages = if effects.any(|effect| effect.stratified.is_some()) {
        "\nValues stand for the whole log; differences are taken within stages, because the treatment's share changed.\n"
    } else {
        ""
    };
    joined(&lines)
        + &scorecard(analysis)
        + stages
        + &segments(analysis)
        + &strategy_panels(analysis)
}

/// What cells cannot say, and how exact their quantiles are.
pub(super) fn needs_log_lines(analysis: &Analysis) -> Vec<String> {
    let Some(cells) = &analysis.cells else {
        return Vec::new();
    };
    let mut lines = vec![String::new(), "Needs the request log".to_owned()];
    for need in &cells.needs_request_log {
        lines.push(format!("  {}: {}", need.what, need.advice));
    }
    lines.push(String::new());
    lines.push(format!(
        "Read from cells: counts, shares and means are the log's; latency quantiles are within ±{} % of its requests', and their intervals are wider by that.",
        units::plain(100.0 * cells.quantile_relative_error)
    ));
    lines
}

/// Segment values that the table shows; JSON has them all.
const MAX_SEGMENT_ROWS: usize = 15;

/// What stands out between segments, and every deciding metric by every value.
fn segments(analysis: &Analysis) -> String {
    let Some(map) = segment_map(analysis) else {
        return String::new();
    };
    let mut lines = vec![String::new(), "Segments".to_owned()];
    let words = segment_words(analysis);
    lines.extend(words.into_iter().map(|words| format!("  {words}")));
    lines.push(format!("  {}", segment_note(analysis)));
    let shown: Vec<usize> = (0..map.metrics.len())
        .filter(|k| map.metrics[*k].role.decides())
        .collect();
    let labels = shown.iter().map(|k| map.metrics[*k].label.as_str());
    let header: Vec<&str> = ["Where"].into_iter().chain(labels).collect();
    let rows: Vec<Vec<String>> = map
        .rows
        .iter()
        .take(MAX_SEGMENT_ROWS)
        .map(|row| {
            let place = format!("{} = {}", row.worst.segment, row.worst.shown_value());
            let cells = shown.iter().map(|k| cell_text(row.cells[*k]));
            [place].into_iter().chain(cells).collect()
        })
        .collect();
    let more = if map.rows.len() > MAX_SEGMENT_ROWS {
        format!(
            "  The {MAX_SEGMENT_ROWS} most harmful of {}; --json has them all, with the metrics that explain\n",
            map.rows.len()
        )
    } else {
        String::new()
    };
    joined(&lines) + &table(&header, &rows) + &more
}

/// Shadow pairs, the switch, novelty: where the log has them.
fn strategy_panels(analysis: &Analysis) -> String {
    let shown = panels(analysis).into_iter().map(|panel| {
        let mut lines = vec![String::new(), panel.title];
        lines.extend(panel.lead.iter().map(|sentence| format!("  {sentence}")));
        let note = joined(&[format!("  {}", panel.note)]);
        joined(&lines) + &table(&panel.header, &panel.rows) + &note
    });
    shown.collect()
}

/// Each check with its finding, what that means and what to do.
pub(super) fn health_lines(checks: &[HealthCheck]) -> Vec<String> {
    let mut lines = vec!["Health".to_owned()];
    for check in checks {
        let severity = check.severity.label();
        lines.push(format!("  [{severity}] {} {}", check.title, check.finding));
        let rest = [&check.meaning, &check.advice];
        lines.extend(
            rest.into_iter()
                .filter(|text| !text.is_empty())
                .map(|text| format!("      {text}")),
        );
    }
    lines
}

fn shown_rows(analysis: &Analysis) -> impl Iterator<Item = &ScorecardRow> {
    let rows = analysis.scorecard.iter();
    rows.filter(|row| row.role != MetricRole::Ignored)
}

fn scorecard(analysis: &Analysis) -> String {
    let mut rows = Vec::new();
    for row in shown_rows(analysis) {
        for (i, arm) in analysis.arms.iter().enumerate() {
            rows.push(line(analysis, row, i, &arm.name));
        }
    }
    table(
        &[
            "Metric",
            "Role",
            "Arm",
            "n",
            "Value",
            "Difference to control",
            "Relative",
            "p",
            "p corrected",
            "Unit",
            "Verdict",
        ],
        &rows,
    )
}

fn line(analysis: &Analysis, row: &ScorecardRow, arm: usize, name: &str) -> Vec<String> {
    let value = &row.values[arm];
    let [label, role] = if arm == 0 {
        [row.label.clone(), row.role.label().to_lowercase()]
    } else {
        [String::new(), String::new()]
    };
    let error = analysis.cells.as_ref();
    let error = error.and_then(|cells| cells.relative_error(row.form));
    let shown = value.estimate.map_or_else(
        || units::NO_VALUE.to_owned(),
        |e| match error {
            Some(error) => format!(
                "{} ±{} %",
                row.form.value(e.value),
                units::plain(100.0 * error)
            ),
            None => row.form.value(e.value),
        },
    );
    let mut cells = vec![label, role, name.to_owned(), units::count(value.n), shown];
    match row.effect_of(arm) {
        None => cells.extend([if arm == analysis.control {
            "control".to_owned()
        } else {
            String::new()
        }]),
        Some(effect) => {
            let difference = effect.difference.map_or_else(String::new, |d| {
                row.form
                    .change_with_interval(d.value, d.interval.lower, d.interval.upper)
            });
            let relative = effect
                .relative
                .map_or_else(String::new, |r| units::relative(r.value));
            let p = effect
                .test
                .map_or_else(String::new, |t| units::p_value(t.p));
            let adjusted = effect.p_adjusted.map_or_else(String::new, units::p_value);
            cells.extend([
                difference,
                relative,
                p,
                adjusted,
                effect.unit.label().to_owned(),
                format!("{} {}", effect.verdict.symbol(), effect.verdict.label()),
            ]);
        }
    }
    cells
}
