//! How the figures came about, what they cannot say, and how to get them again.

use std::collections::BTreeSet;

use super::super::document::{Block, Cell, Column, Table};
use super::from_cells::{exactness, has_users};
use super::level;
use crate::analysis::{Analysis, Effect, InferenceUnit, Looks, Margins, Strategy};
use crate::report::ReportInput;
use crate::report::json;
use crate::units;

pub(super) fn method(input: &ReportInput<'_>) -> Vec<Block> {
    let analysis = input.analysis;
    let definitions = [
        ("Intervals by", joined(&interval_methods(analysis))),
        ("Tests", joined(&test_names(analysis))),
        ("Unit", unit(analysis)),
        ("Verdicts", verdicts().to_owned()),
    ];
    let mut out = vec![
        Block::Paragraph(format!(
            "{}. {}.",
            analysis.strategy.why, analysis.strategy.consequence
        )),
        Block::Paragraph(format!(
            "Intervals have a level of {}.",
            level(analysis.settings.level)
        )),
    ];
    out.extend(tolerated(analysis));
    let cells = analysis.cells.as_ref();
    out.extend(cells.map(|cells| Block::Paragraph(exactness(cells))));
    out.extend([
        Block::Definitions(
            definitions
                .map(|(name, text)| (name.to_owned(), text))
                .to_vec(),
        ),
        Block::Heading("Words".to_owned(), Vec::new()),
        Block::Definitions(words(analysis)),
        Block::Heading("Limits".to_owned(), Vec::new()),
        Block::Bullets(limits(analysis).into_iter().map(str::to_owned).collect()),
    ]);
    out
}

/// The margins of this log's metrics, and whose they are.
fn tolerated(analysis: &Analysis) -> Vec<Block> {
    let deciding = analysis.scorecard.iter().filter(|row| row.role.decides());
    let margins: Vec<(String, String)> = deciding
        .filter_map(|row| {
            let of_treatment = |e: &&Effect| Some(e.arm) == analysis.treatment;
            let margin = row.effects.iter().find(of_treatment)?.margin?;
            let text = row.form.change(margin);
            Some((row.label.clone(), text.trim_start_matches('+').to_owned()))
        })
        .collect();
    if margins.is_empty() {
        return Vec::new();
    }
    let whose = if margins_are_defaults(analysis) {
        "Tolerated changes for the worse, by Hindsight's defaults: nobody set them for this rollout."
    } else {
        "Tolerated changes for the worse, some of them set by the analyst."
    };
    vec![Block::Paragraph(whose.to_owned()), Block::Facts(margins)]
}

/// Whether nobody chose a margin.
pub(super) fn margins_are_defaults(analysis: &Analysis) -> bool {
    let settings = &analysis.settings;
    settings.margins == Margins::default()
        && settings
            .metrics
            .values()
            .all(|choice| choice.margin.is_none())
}

fn unit(analysis: &Analysis) -> String {
    let is_told = |id: &str| analysis.health.iter().any(|check| check.id == id);
    match &analysis.log.unit_column {
        None if has_users(analysis) && analysis.settings.unit == InferenceUnit::Request => {
            "By request, as chosen, although users are known: intervals are too short where requests of one \
             user resemble each other. The figures by user stand beside them."
                .to_owned()
        }
        None if has_users(analysis) => {
            "Requests of one user resemble each other, so inference is by user wherever it can be.".to_owned()
        }
        None if is_told("users-not-added-up") => {
            "The log names users, but nothing was added up by user: requests are taken as independent, which \
             overstates the evidence where users send several."
                .to_owned()
        }
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
    out.push(Block::Code(json::in_few_lines(&settings)));
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
        .chain(effects.flat_map(|effect| {
            let by_request = effect.by_request.as_ref().map(|other| &other.difference);
            let own = effect.difference.iter().chain(&effect.relative);
            own.chain(by_request)
        }))
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
            "The range of true values that the data are compatible with, in square brackets. A guardrail \
             passes by its worse end, not by the value in its middle.",
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
            "The change for the worse that is tolerated, unless the analyst set one: 10 % of the control's \
             latency or cost, 1 pp of errors, 0.1 of a rating, 10 % of the control's value of another metric. \
             In a segment it is taken of that segment's control.",
        ),
        (
            "Guardrail, primary, secondary",
            "A guardrail must not get worse than its margin; a primary metric has to get better, where one was \
             named; a secondary one explains and decides nothing.",
        ),
        (
            "Delta method, Welch, Newcombe, Wilson",
            "How intervals are made: of ratios over users, of means with a variance for each arm, of differences \
             of shares, of shares.",
        ),
        (
            "Corrected p, Holm",
            "Among many comparisons some are clear by chance; Holm's method raises each p so that any false one \
             among all is no likelier than the level says.",
        ),
    ];
    if analysis.treatment.is_some() {
        out.push((
            "Hold, roll back, keep collecting, unsound",
            "Hold: no further traffic, and find out; roll back: take the treatment out; keep collecting: \
             no harm is shown, and more data may settle what is open; unsound: the log decides nothing.",
        ));
    }
    if !analysis.latency.is_empty() {
        out.push((
            "Order statistics, square-and-add",
            "The sorted values: two of them, at ranks that chance moves so far, bound a quantile. The \
             interval of a difference reaches as far as the root of both arms’ squared distances.",
        ));
    }
    if has_users(analysis) {
        out.push((
            "Design effect",
            "How much wider the variance is by user than by request, as the squared ratio of the two \
             intervals' widths. Far above 1, requests of one user resemble each other, and figures by \
             request look surer than they are.",
        ));
    }
    if !analysis.segment_spread.is_empty() {
        out.push((
            "Cochran's Q",
            "Tests whether an effect is the same in several groups: stages, or the values of a segment.",
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
     beyond the margin. Worse, margin open: wholly on the worse side, the estimate not beyond the margin. \
     Inconclusive: it spans too much to tell, which is not the same as no effect. Changed, no clear change: \
     of metrics without a better side. Not judged: the log decides nothing. Within segments the corrected \
     p decides what is clear, not the interval."
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
        "Relative intervals allow for the uncertainty of both arms, so their ends are not those of the \
         difference divided by the control’s value.",
    ];
    let has = |id: &str| analysis.scorecard.iter().any(|row| row.id == id);
    match (has("rating_mean"), has("cost_mean")) {
        (false, false) => out.push(
            "The log holds neither ratings nor costs: nothing here tells whether answers got better, or \
             dearer.",
        ),
        (false, true) => {
            out.push("The log holds no ratings: nothing here tells whether answers got better.");
        }
        _ => {}
    }
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
    if has_users(analysis) && effects().any(|effect| by_request(effect.unit)) {
        out.push(
            "Where a difference is marked “by request”, users were not accounted for; its interval \
             is too short if users differ.",
        );
    }
    out
}
