//! The tests behind the scorecard, and whether what they take for granted holds here.

use super::super::chart::Tone;
use super::super::charts;
use super::super::document::{Block, Cell, Chip, Column, Figure, Item, Table};
use super::{arm_name, effect};
use crate::analysis::{Analysis, Assumption, Holds, TestLine, TestReport};
use crate::report::ReportInput;
use crate::stats::{Estimate, TestName};
use crate::units::{self, ValueForm};

pub(super) fn blocks(input: &ReportInput<'_>) -> Vec<Block> {
    let analysis = input.analysis;
    if analysis.tests.is_empty() {
        return Vec::new();
    }
    let is_shown = |report: &&TestReport| Some(report.arm) == analysis.treatment;
    let shown: Vec<&TestReport> = analysis.tests.iter().filter(is_shown).collect();
    let mut out = vec![Block::Lead(lead(analysis))];
    if !shown.is_empty() {
        out.push(Block::Table(tests(analysis, &shown)));
    }
    let of_all = |a: &&Assumption| shown.iter().all(|report| report.assumptions.contains(a));
    let common: Vec<&Assumption> = match shown.as_slice() {
        [first, _, ..] => first.assumptions.iter().filter(of_all).collect(),
        _ => Vec::new(),
    };
    let heading = |text: &str| Block::Heading(text.to_owned(), Vec::new());
    if !common.is_empty() {
        out.push(heading("What all of these tests take for granted"));
        out.push(Block::Items(common.iter().map(|a| item(a)).collect()));
    }
    if let Some(table) = assumptions(analysis, &shown, &common) {
        out.push(heading("What they take for granted, metric by metric"));
        out.push(Block::Table(table));
    }
    // Arms that ran one after another have no effect at any one time.
    if analysis.strategy.strategy.is_concurrent() {
        let charts = shown
            .iter()
            .filter_map(|report| charts::effect_over_time(analysis, &report.metric));
        let figures: Vec<Figure> = charts.map(|chart| Figure::new(chart, 260, None)).collect();
        if !figures.is_empty() {
            out.push(heading("Effects over time"));
            out.push(Block::Figures(figures));
        }
    }
    if shown.len() < analysis.tests.len() {
        let which = "The tests of the other arms stand in the JSON report.";
        out.push(Block::Note(which.to_owned()));
    }
    out
}

fn lead(analysis: &Analysis) -> String {
    let mut lead = "A small p says that the difference is hardly chance; how large it is, and whether it \
                    matters, is in the difference and its interval. The first test of each metric is the \
                    one that the scorecard uses; a test without an interval of its own stands with the \
                    difference of that one."
        .to_owned();
    if analysis.log.n_units.is_some() {
        lead += " Tests by request take the requests of one user as independent, which a design effect far \
                 above 1 speaks against.";
    }
    lead
}

fn item(assumption: &Assumption) -> Item {
    Item {
        chip: holds(assumption.holds),
        about: assumption.text.clone(),
        text: assumption.why.clone(),
        notes: Vec::new(),
    }
}

/// The tests of all metrics; those of one metric stand together.
fn tests(analysis: &Analysis, shown: &[&TestReport]) -> Table {
    let columns = vec![
        Column::head("Metric"),
        Column::left("Test"),
        Column::right("Difference"),
        Column::right("Statistic"),
        Column::right("p"),
        Column::left("Note"),
    ];
    let treatment = analysis.treatment.map(|arm| arm_name(analysis, arm));
    let title = match treatment {
        Some(name) if analysis.arms.len() > 2 => format!("Tests: {name}"),
        _ => "Tests".to_owned(),
    };
    let rows = shown.iter().flat_map(|report| rows(analysis, report));
    Table::new("tests", title, columns).dense().with(rows)
}

fn rows(analysis: &Analysis, report: &TestReport) -> Vec<Vec<Cell>> {
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
            Cell::text(report.label.as_str()),
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
    rows.collect()
}

/// What is not taken for granted by all: a row per metric, the reason where something may not hold.
fn assumptions(
    analysis: &Analysis,
    shown: &[&TestReport],
    common: &[&Assumption],
) -> Option<Table> {
    let mut asked: Vec<&str> = Vec::new();
    for assumption in shown.iter().flat_map(|report| &report.assumptions) {
        if !common.contains(&assumption) && !asked.contains(&assumption.text.as_str()) {
            asked.push(&assumption.text);
        }
    }
    if asked.is_empty() {
        return None;
    }
    let design_effect =
        |report: &TestReport| effect(analysis, &report.metric, report.arm)?.design_effect;
    let has_design_effect = shown.iter().any(|report| design_effect(report).is_some());
    let mut columns = vec![Column::head("Metric")];
    if has_design_effect {
        columns.push(Column::right("Design effect"));
    }
    columns.extend(asked.iter().map(|text| Column::left(*text)));
    let rows = shown.iter().map(|report| {
        let mut cells = vec![Cell::text(report.label.as_str())];
        if has_design_effect {
            cells.push(Cell::value(ValueForm::Number, design_effect(report)));
        }
        cells.extend(asked.iter().map(|text| {
            let found = report.assumptions.iter().find(|a| a.text == *text);
            found.map_or_else(Cell::none, |a| match a.holds {
                Holds::Yes => Cell::chip(holds(a.holds)),
                _ => Cell::chip(holds(a.holds)).note(a.why.as_str()),
            })
        }));
        cells
    });
    Some(Table::new("assumptions", "What the tests take for granted", columns).with(rows))
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
