//! How the figures came about, what they cannot say, and how to get them again.

use std::collections::BTreeSet;

use super::super::document::{Block, Cell, Column, Table};
use super::level;
use crate::analysis::{Analysis, InferenceUnit, Looks, Strategy};
use crate::report::ReportInput;
use crate::report::json;
use crate::units;

pub(super) fn method(input: &ReportInput<'_>) -> Vec<Block> {
    let analysis = input.analysis;
    let margins = &analysis.settings.margins;
    let definitions = [
        ("Intervals by", joined(&interval_methods(analysis))),
        ("Tests", joined(&test_names(analysis))),
        ("Unit", unit(analysis)),
        ("Verdicts", verdicts().to_owned()),
    ];
    vec![
        Block::Paragraph(format!(
            "{}. {}.",
            analysis.strategy.why, analysis.strategy.consequence
        )),
        Block::Paragraph(format!(
            "Intervals have a level of {}. Tolerated changes for the worse: error share {}, latency \
             quantiles {}, mean rating {}, cost and tokens {}.",
            level(analysis.settings.level),
            units::points(margins.error_share),
            units::relative(margins.latency),
            units::change(-margins.rating),
            units::relative(margins.cost)
        )),
        Block::Definitions(
            definitions
                .map(|(name, text)| (name.to_owned(), text))
                .to_vec(),
        ),
        Block::Heading("Words".to_owned(), Vec::new()),
        Block::Definitions(words(analysis)),
        Block::Heading("Limits".to_owned(), Vec::new()),
        Block::Bullets(limits(analysis).into_iter().map(str::to_owned).collect()),
    ]
}

fn unit(analysis: &Analysis) -> String {
    match &analysis.log.unit_column {
        Some(column) if analysis.settings.unit == InferenceUnit::Request => format!(
            "By request, as chosen, although users are known ({column}): intervals are too short where \
             requests of one user resemble each other. The figures by user stand beside them."
        ),
        Some(column) => format!(
            "Requests of one user resemble each other, so inference is by {column} wherever it can be."
        ),
        None => "The log names no users: requests are taken as independent, which overstates the \
                 evidence where users send several."
            .to_owned(),
    }
}

pub(super) fn reproduce(input: &ReportInput<'_>) -> Vec<Block> {
    let analysis = input.analysis;
    let settings = serde_json::to_value(&analysis.settings).unwrap_or_default();
    let mut out = vec![Block::Paragraph(format!(
        "Open {} with Hindsight {} and the settings below; the same log, settings and version give the \
         same figures, to the last digit. The JSON report (schema {}) carries them unrounded, with the \
         columns and the rules in full: “hindsight report --from report.json LOG” makes them again and \
         says what differs.",
        input.load.source, input.version, analysis.schema
    ))];
    if !input.load.inputs.is_empty() {
        let rows = input.load.inputs.iter().map(|file| {
            vec![
                Cell::text(file.name.as_str()),
                Cell::count(file.bytes),
                Cell::code(&file.sha256),
            ]
        });
        let columns = vec![
            Column::head("File"),
            Column::right("Bytes"),
            Column::left("SHA-256"),
        ];
        out.push(Block::Table(
            Table::new("inputs", "Files", columns).with(rows),
        ));
    }
    out.push(Block::Code(json::shown(&settings)));
    out
}

fn joined(labels: &BTreeSet<&'static str>) -> String {
    if labels.is_empty() {
        units::NO_VALUE.to_owned()
    } else {
        labels.iter().copied().collect::<Vec<_>>().join("; ")
    }
}

fn interval_methods(analysis: &Analysis) -> BTreeSet<&'static str> {
    let values = analysis.scorecard.iter().flat_map(|row| &row.values);
    let effects = analysis.scorecard.iter().flat_map(|row| &row.effects);
    let quantiles = analysis.latency.iter().flat_map(|panel| &panel.differences);
    values
        .filter_map(|value| value.estimate.as_ref())
        .chain(effects.filter_map(|effect| effect.difference.as_ref()))
        .chain(
            quantiles
                .flat_map(|arm| &arm.points)
                .map(|point| &point.estimate),
        )
        .map(|estimate| estimate.method.label())
        .collect()
}

fn test_names(analysis: &Analysis) -> BTreeSet<&'static str> {
    let lines = analysis
        .tests
        .iter()
        .flat_map(|report| &report.tests)
        .map(|line| &line.result);
    let effects = analysis.scorecard.iter().flat_map(|row| &row.effects);
    lines
        .chain(effects.filter_map(|effect| effect.test.as_ref()))
        .chain(
            analysis
                .health
                .iter()
                .filter_map(|check| check.test.as_ref()),
        )
        .map(|result| result.name.label())
        .collect()
}

/// What a reader who did not do the analysis may ask.
fn words(analysis: &Analysis) -> Vec<(String, String)> {
    let mut out = vec![
        (
            "Interval",
            "The range of true values that the data are compatible with, in square brackets. Decisions \
             go by its ends, not by the value in its middle.",
        ),
        (
            "pp",
            "Percentage points: from 1 % to 3 % is +2 pp, or +200 % relative.",
        ),
        (
            "p50, p95, p99",
            "Quantiles: 95 % of the requests are at most as slow as the p95.",
        ),
        (
            "p",
            "How often chance alone would give a difference at least as large if there were none.",
        ),
        (
            "Margin",
            "The change for the worse that is tolerated; the analyst sets it.",
        ),
    ];
    if analysis.log.n_units.is_some() {
        out.push((
            "Design effect",
            "How much wider the variance is by user than by request. Far above 1, requests of one user \
             resemble each other, and figures by request look surer than they are.",
        ));
    }
    if !analysis.over_time.is_empty() {
        out.push((
            "Confidence sequence",
            "An interval that holds at every look together, however often one looks.",
        ));
    }
    let owned = |(name, text): (&str, &str)| (name.to_owned(), text.to_owned());
    out.into_iter().map(owned).collect()
}

fn verdicts() -> &'static str {
    "Better: the interval lies wholly on the better side of zero. Within margin: its worse end \
     stays within the margin. Worse: it lies wholly on the worse side of zero and the estimate is \
     beyond the margin. Inconclusive: it spans too much to tell, which is not the same as no effect."
}

fn limits(analysis: &Analysis) -> Vec<&'static str> {
    let mut out = vec![
        "A log shows what was recorded. What never reached the log, such as requests lost before \
         the router, cannot be seen here.",
        match analysis.settings.looks {
            Looks::Fixed => {
                "Intervals hold for one look at the data. Whoever looks again and again and stops at \
                 the first clear result is wrong more often than the level says; the effects over \
                 time, and everything with “looked at repeatedly”, allow for it."
            }
            Looks::Continuous => {
                "Differences carry confidence sequences: they hold at every look together, for large \
                 samples (some hundred users an arm). Values of single arms, latency curves and \
                 trends hold for one look."
            }
        },
        "Several metrics are read side by side. Primary and secondary metrics and segment effects are \
         corrected for their number; guardrails are not, because shipping needs every one of them.",
        "Relative changes treat the control’s value as known; their intervals are a little too short.",
    ];
    if !analysis.strategy.strategy.is_concurrent()
        && analysis.strategy.strategy != Strategy::SingleArm
    {
        out.push(
            "Nothing shows that the arms ran at the same time. A difference may come from the time as well as \
             from the arm, and no test on this log can tell these apart.",
        );
    }
    let by_request = |unit: InferenceUnit| unit == InferenceUnit::Request;
    let effects = || analysis.scorecard.iter().flat_map(|row| &row.effects);
    if analysis.log.n_units.is_some() && effects().any(|effect| by_request(effect.unit)) {
        out.push(
            "Where a difference is marked “by request”, users were not accounted for; its interval \
             is too short if users differ.",
        );
    }
    out
}
