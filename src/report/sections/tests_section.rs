//! The tests behind the scorecard, and whether what they take for granted holds here.

use super::super::chart::Tone;
use super::super::charts;
use super::super::document::{Block, Cell, Chip, Column, Item, Table};
use super::{arm_name, effect, figure};
use crate::analysis::{Analysis, Assumption, Holds, TestLine, TestReport};
use crate::report::ReportInput;
use crate::stats::{Estimate, TestName};
use crate::units::{self, ValueForm};

pub(super) fn blocks(input: &ReportInput<'_>) -> Vec<Block> {
    let analysis = input.analysis;
    if analysis.tests.is_empty() {
        return Vec::new();
    }
    let mut out = vec![Block::Lead(
        "A small p says that the difference is hardly chance; how large it is, and whether it \
         matters, is in the difference and its interval. The first test of each metric is the one \
         that the scorecard uses; a test without an interval of its own stands with the difference of \
         that one."
            .to_owned(),
    )];
    let is_shown = |report: &&TestReport| Some(report.arm) == analysis.treatment;
    let shown: Vec<&TestReport> = analysis.tests.iter().filter(is_shown).collect();
    let of_all = |a: &&Assumption| shown.iter().all(|report| report.assumptions.contains(a));
    let common: Vec<&Assumption> = match shown.as_slice() {
        [first, _, ..] => first.assumptions.iter().filter(of_all).collect(),
        _ => Vec::new(),
    };
    if !common.is_empty() {
        out.push(Block::Heading("All of these tests".to_owned(), Vec::new()));
        out.push(Block::Items(common.iter().map(|a| item(a)).collect()));
    }
    for report in &shown {
        let name = if analysis.arms.len() > 2 {
            format!("{}: {}", report.label, arm_name(analysis, report.arm))
        } else {
            report.label.clone()
        };
        out.push(Block::Heading(name, Vec::new()));
        out.push(Block::Table(table(analysis, report)));
        let own = report.assumptions.iter().filter(|a| !common.contains(a));
        let items: Vec<Item> = own.map(item).collect();
        if !items.is_empty() {
            out.push(Block::Items(items));
        }
        // Arms that ran one after another have no effect at any one time.
        if analysis.strategy.strategy.is_concurrent()
            && let Some(chart) = charts::effect_over_time(analysis, &report.metric)
        {
            out.push(figure(chart, 260, None));
        }
    }
    if shown.len() < analysis.tests.len() {
        let which = "The tests of the other arms stand in the JSON report.";
        out.push(Block::Note(which.to_owned()));
    }
    out
}

fn item(assumption: &Assumption) -> Item {
    Item {
        chip: holds(assumption.holds),
        about: assumption.text.clone(),
        text: assumption.why.clone(),
        notes: Vec::new(),
    }
}

fn table(analysis: &Analysis, report: &TestReport) -> Table {
    let columns = vec![
        Column::head("Test"),
        Column::right("Difference"),
        Column::right("Statistic"),
        Column::right("p"),
        Column::left("Note"),
    ];
    // By request without users the first test comes twice.
    let is_new = |k: &usize| {
        let line = &report.tests[*k];
        report.tests[..*k]
            .iter()
            .all(|known| (known.unit, &known.result) != (line.unit, &line.result))
    };
    let lines = (0..report.tests.len()).filter(is_new);
    let rows = lines.map(|k| &report.tests[k]).map(|line| {
        let shown = difference(analysis, report, line);
        // The interval of another test would not fit the p-value beside it.
        let change = match &line.difference {
            Some(own) => Cell::change(report.form, Some(own)),
            None => Cell::none(),
        };
        let result = &line.result;
        let statistic = match result.name {
            // A count of the table, not a distance from it.
            TestName::FisherExact => Cell::count(result.statistic as u64).note("events"),
            _ => Cell::number(result.statistic, ValueForm::Number.value(result.statistic)),
        };
        vec![
            Cell::text(result.name.label()).note(line.unit.label()),
            change,
            match result.df {
                Some(df) => statistic.note(format!("df {}", degrees(df))),
                None => statistic,
            },
            // No p-value stands without the effect and its interval.
            match shown {
                Some(_) => Cell::number(result.p, units::p_value(result.p)),
                None => Cell::none(),
            },
            Cell::text(line.note.as_str()),
        ]
    });
    let id = format!("tests-{}-{}", report.metric, arm_name(analysis, report.arm));
    Table::new(&id, format!("{}: tests", report.label), columns).with(rows)
}

/// Degrees of freedom: whole ones as such.
fn degrees(df: f64) -> String {
    units::significant(df, if df.fract() == 0.0 { 1 } else { 4 })
}

/// The effect that a test speaks of; tests without one borrow the scorecard's.
fn difference<'a>(
    analysis: &'a Analysis,
    report: &TestReport,
    line: &'a TestLine,
) -> Option<&'a Estimate> {
    line.difference.as_ref().or_else(|| {
        effect(analysis, &report.metric, report.arm)?
            .difference
            .as_ref()
    })
}

fn holds(holds: Holds) -> Chip {
    let (tone, symbol) = match holds {
        Holds::Yes => (Tone::Good, "✓"),
        Holds::Unknown => (Tone::Quiet, "?"),
        Holds::No => (Tone::Caution, "!"),
    };
    Chip::new(tone, symbol, holds.label())
}
