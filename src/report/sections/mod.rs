//! What a report says, section by section: selects and words what the analysis found.

mod arms;
mod by_segment;
mod cover;
mod examples;
mod from_cells;
mod lab;
mod lab_rules;
mod latency;
mod log;
mod method;
mod power;
mod rollback;
mod rollback_rules;
mod scorecard;
mod segments;
mod strategies;
mod tests_section;
mod trends;

use std::collections::BTreeMap;

use super::chart::{Chart, Tone};
use super::document::{Block, Chip, Document, Figure, Section, Table};
use super::text::slug;
use super::translate::translate;
use super::{ReportInput, charts, picture};
use crate::analysis::{Analysis, Effect, Verdict};
use crate::units;

/// The report as data.
pub fn document(input: &ReportInput<'_>) -> Document {
    let parts = [
        ("arms", "The arms at a glance", arms::blocks(input)),
        (
            "by-segment",
            "Every arm by segment",
            by_segment::blocks(input),
        ),
        ("context", "What was rolled out", cover::context(input)),
        (
            "stages",
            "What happened, and since when",
            trends::happened(input),
        ),
        ("segments", "Effects by segment", segments::blocks(input)),
        ("scorecard", "Scorecard", scorecard::blocks(input)),
        ("power", "Was it enough data?", power::blocks(input)),
        ("health", "Can the log be trusted?", cover::health(input)),
        (
            "trends",
            "Further metrics over time",
            trends::further(input),
        ),
        ("latency", "Latency", latency::blocks(input)),
        (
            "tests",
            "Tests and their assumptions",
            tests_section::blocks(input),
        ),
        (
            "strategy",
            "What the rollout strategy adds",
            strategies::blocks(input),
        ),
        ("rollback", "Rollback rules", rollback::blocks(input)),
        (
            "lab",
            "Rule lab: can the rules be trusted?",
            lab::blocks(input),
        ),
        (
            "examples",
            "Examples of bad requests",
            examples::blocks(input),
        ),
        ("log", "The log", log::blocks(input)),
        ("method", "Method and limits", method::method(input)),
        ("reproduce", "How to reproduce", method::reproduce(input)),
        (
            "rollback-rules",
            "The rollback rules one by one",
            rollback::appendix(input),
        ),
        (
            "lab-rules",
            "The rule lab, rule by rule",
            lab::appendix(input),
        ),
    ];
    let sections = parts
        .into_iter()
        .map(|(id, title, mut blocks)| {
            blocks.extend(from_cells::missing(input, id));
            (id, title, blocks)
        })
        .filter(|(_, _, blocks)| !blocks.is_empty());
    let mut document = Document {
        title: title(input).to_owned(),
        version: input.version.to_owned(),
        language: input.language,
        facts: cover::facts(input),
        banner: cover::banner(input),
        tiles: cover::tiles(input.analysis),
        sections: sections
            .map(|(id, title, blocks)| Section {
                id,
                title: title.to_owned(),
                blocks,
            })
            .collect(),
        origin: picture::origin(input.analysis, input.version),
    };
    name_apart(&mut document);
    translate(&mut document, input);
    document
}

/// Ids become names of files, in which labels of a log can turn out alike.
fn name_apart(document: &mut Document) {
    let (mut tables, mut charts) = (BTreeMap::new(), BTreeMap::new());
    let apart = |seen: &mut BTreeMap<String, usize>, id: &mut String| {
        let n = seen.entry(slug(id)).or_insert(0);
        *n += 1;
        if *n > 1 {
            *id = format!("{id}-{n}");
        }
    };
    let blocks = document
        .sections
        .iter_mut()
        .flat_map(|section| &mut section.blocks);
    for block in blocks {
        match block {
            Block::Table(table) => apart(&mut tables, &mut table.id),
            Block::Figures(figures) => {
                for figure in figures {
                    apart(&mut charts, &mut figure.chart.id);
                    if let Some(twin) = &mut figure.twin {
                        apart(&mut tables, &mut twin.id);
                    }
                }
            }
            _ => {}
        }
    }
}

fn title<'a>(input: &ReportInput<'a>) -> &'a str {
    if input.title.trim().is_empty() {
        &input.analysis.log.name
    } else {
        input.title
    }
}

/// One chart over the whole width.
fn figure(chart: Chart, height_px: u32, twin: Option<Table>) -> Block {
    Block::Figures(vec![Figure::new(chart, height_px, twin)])
}

/// Height of a chart with a row per item.
fn rows_height(rows: usize) -> u32 {
    120 + 34 * rows as u32
}

/// How the arms of this log read; nothing is judged where the log cannot be trusted.
fn read(analysis: &Analysis, verdict: Verdict) -> Chip {
    if analysis.decision.is_log_unsound {
        quiet("–", "not judged")
    } else {
        self::verdict(verdict)
    }
}

fn verdict(verdict: Verdict) -> Chip {
    Chip::new(
        charts::verdict_tone(verdict),
        verdict.symbol(),
        verdict.label(),
    )
}

fn arm_name(analysis: &Analysis, arm: usize) -> &str {
    charts::arm_name(analysis, arm)
}

/// The scorecard's effect of `arm` on a metric.
fn effect<'a>(analysis: &'a Analysis, metric: &str, arm: usize) -> Option<&'a Effect> {
    let row = analysis.scorecard.iter().find(|row| row.id == metric)?;
    row.effect_of(arm)
}

/// The most arms beside the control that a table lists; JSON has them all.
const MAX_ARMS: usize = 20;

/// What a table of `n` arms leaves out.
fn gravest(n: usize) -> String {
    format!("The {MAX_ARMS} gravest of {n} arms; the JSON report has them all.")
}

/// Lower is shown first.
fn by_gravity(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Worse => 0,
        Verdict::WorseMarginOpen => 1,
        Verdict::Inconclusive => 2,
        Verdict::Changed => 3,
        Verdict::WithinMargin => 4,
        Verdict::Better => 5,
        Verdict::NoClearChange => 6,
        Verdict::NoData => 7,
    }
}

/// What the signs of readings stand for, and where their intervals are.
fn signs(intervals: &str) -> String {
    let readings = [
        Verdict::Worse,
        Verdict::WorseMarginOpen,
        Verdict::Better,
        Verdict::WithinMargin,
        Verdict::Inconclusive,
    ];
    let signs = readings.map(|verdict| format!("{} {}", verdict.symbol(), verdict.label()));
    format!("{}. {intervals}.", signs.join(", "))
}

/// `95 %`.
fn level(level: f64) -> String {
    let digits = if level > 0.99 { 3 } else { 2 };
    format!("{} %", units::significant(level * 100.0, digits))
}

/// A chip without news.
fn quiet(symbol: &'static str, label: &str) -> Chip {
    Chip::new(Tone::Quiet, symbol, label)
}

#[cfg(test)]
mod tests;
