//! What sections say of analyses that were changed by hand.

use super::super::document::{Block, Cell, Shown, Table};
use super::super::fixture::{Fixture, canary};
use super::*;
use crate::analysis::{DecisionKind, OutcomeCounts, SegmentColumn, Severity};
use crate::stats::Interval;

fn written(fixture: &Fixture) -> Document {
    document(&fixture.input())
}

fn table<'a>(document: &'a Document, id: &str) -> Option<&'a Table> {
    document.tables().find(|table| table.id == id)
}

fn text(cell: &Cell) -> &str {
    match &cell.shown {
        Shown::Text(text) | Shown::Number { text, .. } => text,
        _ => "",
    }
}

#[test]
fn what_happened_comes_before_what_explains_it() {
    let document = written(&canary());
    let ids: Vec<&str> = document.sections.iter().map(|s| s.id).collect();
    let place = |id: &str| ids.iter().position(|known| *known == id);
    let order = [
        "stages",
        "segments",
        "scorecard",
        "health",
        "trends",
        "tests",
        "method",
    ];
    let places: Vec<_> = order.into_iter().filter_map(place).collect();
    assert!(places.is_sorted() && places.len() > 5, "{ids:?}");
}

#[test]
fn a_metric_with_one_value_in_all_arms_takes_one_row() {
    let mut fixture = canary();
    let mut third = fixture.analysis.arms[1].clone();
    third.name = "third".to_owned();
    fixture.analysis.arms.push(third);
    let row = fixture.analysis.scorecard.last_mut().unwrap();
    let mut value = row.values[1].clone();
    value.arm = 2;
    row.values.push(value);
    let mut effect = row.effects[0].clone();
    effect.arm = 2;
    row.effects.push(effect);
    for value in &mut row.values {
        let estimate = value.estimate.as_mut().unwrap();
        estimate.interval = Interval {
            lower: estimate.value,
            upper: estimate.value,
        };
    }
    let one = row.values[0].estimate;
    row.values.iter_mut().for_each(|value| value.estimate = one);
    let verdict = row.effects[0].verdict;
    row.effects
        .iter_mut()
        .for_each(|effect| effect.verdict = verdict);
    let label = row.label.clone();
    let document = written(&fixture);
    let of_metric: Vec<&Vec<Cell>> = document
        .tables()
        .filter(|table| table.id.starts_with("scorecard-"))
        .flat_map(|table| &table.rows)
        .filter(|row| text(&row[0]) == label)
        .collect();
    assert_eq!(of_metric.len(), 1);
    assert_eq!(text(&of_metric[0][2]), "all other arms");
}

#[test]
fn nothing_is_judged_in_a_log_that_cannot_be_trusted() {
    let mut fixture = canary();
    fixture.analysis.health[0].severity = Severity::Stop;
    let stops = fixture.analysis.health.iter();
    let n_stops = stops
        .filter(|check| check.severity == Severity::Stop)
        .count();
    let decision = &mut fixture.analysis.decision;
    (decision.kind, decision.is_log_unsound) = (DecisionKind::Unsound, true);
    let document = written(&fixture);
    for (k, reason) in document.banner.reasons.iter().enumerate() {
        assert_eq!(reason.chip.label == "not judged", k >= n_stops, "{k}");
    }
    let chips = document
        .tiles
        .iter()
        .map(|tile| tile.verdict.label.as_str());
    assert!(chips.clone().all(|label| label == "not judged") && chips.count() > 0);
}

#[test]
fn outcomes_that_no_arm_has_are_no_column() {
    let mut fixture = canary();
    let titles = |fixture: &Fixture| -> Vec<String> {
        let document = written(fixture);
        let columns = &table(&document, "arms").unwrap().columns;
        columns.iter().map(|column| column.title.clone()).collect()
    };
    assert!(titles(&fixture).contains(&"Rate-limited".to_owned()));
    assert!(!titles(&fixture).contains(&"Outcome unknown".to_owned()));
    for arm in &mut fixture.analysis.arms {
        arm.outcomes = OutcomeCounts {
            unknown: arm.n_requests,
            ..OutcomeCounts::default()
        };
    }
    let titles = titles(&fixture);
    assert!(
        titles.contains(&"Outcome unknown".to_owned()) && !titles.contains(&"Failed".to_owned())
    );
}

#[test]
fn segments_that_could_not_be_compared_are_told() {
    let mut fixture = canary();
    fixture.analysis.segments.clear();
    fixture.analysis.segment_spread.clear();
    fixture.analysis.segment_columns = vec![SegmentColumn {
        segment: "task".to_owned(),
        n_values: 17,
        n_compared: 0,
        n_too_small: 17,
        n_not_shown: 0,
    }];
    let document = written(&fixture);
    let section = document
        .sections
        .iter()
        .find(|s| s.id == "segments")
        .unwrap();
    let [Block::Paragraph(said)] = section.blocks.as_slice() else {
        panic!("{:?}", section.blocks);
    };
    assert!(said.contains("17 values of task"), "{said}");
}

#[test]
fn a_metric_that_never_varies_has_no_chart_over_time() {
    let mut fixture = canary();
    let n = |fixture: &Fixture| written(fixture).charts().count();
    let before = n(&fixture);
    let trends = fixture.analysis.trends.as_mut().unwrap();
    let id = trends.arms[0].series[0].id.clone();
    let series = trends.arms.iter_mut().flat_map(|arm| &mut arm.series);
    for series in series.filter(|series| series.id == id) {
        series
            .points
            .iter_mut()
            .flatten()
            .for_each(|point| point.value = 0.5);
    }
    assert_eq!(n(&fixture), before - 1);
}
