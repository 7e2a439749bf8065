//! Latency: distributions, quantiles and what changed at each of them.

use std::cmp::Reverse;

use super::super::charts;
use super::super::document::{Block, Cell, Column, Figure, Table};
use super::{MAX_ARMS, arm_name};
use crate::analysis::{Analysis, LatencyArm, LatencyPanel, QuantileValue};
use crate::report::ReportInput;
use crate::units::{self, ValueForm};

/// The most arms that stand beside each other in a table.
const MAX_BESIDE: usize = 3;

pub(super) fn blocks(input: &ReportInput<'_>) -> Vec<Block> {
    let analysis = input.analysis;
    if analysis.latency.is_empty() {
        return Vec::new();
    }
    let mut out = vec![Block::Lead(
        if analysis.log.has_outcome {
            "Successful requests only: a failure is often fast, and would flatter the arm that fails."
        } else {
            "All requests, because the log does not say which of them failed: a failure is often fast, and would flatter the arm that fails."
        }
        .to_owned(),
    )];
    for panel in &analysis.latency {
        out.push(Block::Heading(panel.label.clone(), Vec::new()));
        if panel.arms.len() > MAX_BESIDE {
            out.extend(by_arm(analysis, panel).map(Block::Table));
        } else {
            out.push(Block::Table(quantiles(analysis, panel)));
        }
        let note = charts::quantile_note(analysis, panel);
        out.push(Block::Note(note.clone()));
        let half = |chart, twin| Figure::new(chart, 270, twin);
        out.push(Block::Figures(vec![
            half(
                charts::latency_histogram(analysis, panel),
                Some(bins(analysis, panel)),
            ),
            half(charts::latency_ecdf(analysis, panel), None),
        ]));
        if panel.differences.iter().any(|arm| !arm.points.is_empty()) {
            let chart = charts::quantile_differences(analysis, panel);
            let mut drawn = Figure::new(chart, 260, Some(differences(analysis, panel)));
            // Said above already.
            drawn.caption = drawn.caption.replace(&format!("{note} "), "");
            out.push(Block::Figures(vec![drawn]));
        }
    }
    out
}

fn quantiles(analysis: &Analysis, panel: &LatencyPanel) -> Table {
    let mut columns = vec![Column::head("Quantile")];
    columns.extend(panel.arms.iter().map(|arm| {
        Column::right(arm_name(analysis, arm.arm)).below(format!("n {}", units::count(arm.n)))
    }));
    columns.extend(
        panel
            .differences
            .iter()
            .map(|arm| Column::right("Difference").below(arm_name(analysis, arm.arm))),
    );
    let levels = panel.arms.first().map_or(&[][..], |arm| &arm.quantiles);
    let rows = levels.iter().map(|level| {
        let values = panel.arms.iter().map(|arm| {
            Cell::estimate(
                ValueForm::LatencyMs,
                QuantileValue::at(&arm.quantiles, level.q),
            )
        });
        let changes = panel.differences.iter().map(|arm| {
            Cell::change(
                ValueForm::LatencyMs,
                QuantileValue::at(&arm.points, level.q),
            )
        });
        std::iter::once(Cell::text(units::percentile(level.q)))
            .chain(values)
            .chain(changes)
            .collect()
    });
    let means = panel.arms.iter().map(mean);
    let last = std::iter::once(Cell::text("Mean ± sd"))
        .chain(means)
        .chain(panel.differences.iter().map(|_| Cell::text("")))
        .collect();
    Table::new(
        &format!("quantiles-{}", panel.label),
        format!("{}: quantiles", panel.label),
        columns,
    )
    .with(rows)
    .with([last])
}

/// Many arms: a row for each, values first, then differences.
fn by_arm(analysis: &Analysis, panel: &LatencyPanel) -> [Table; 2] {
    let levels: Vec<f64> = panel.arms.first().map_or_else(Vec::new, |arm| {
        arm.quantiles.iter().map(|level| level.q).collect()
    });
    let columns = || {
        let levels = levels.iter().map(|q| Column::right(units::percentile(*q)));
        std::iter::once(Column::head("Arm")).chain(levels)
    };
    let name = |arm: usize| Cell::text(arm_name(analysis, arm));
    let mut kept: Vec<&LatencyArm> = panel.arms.iter().collect();
    let n_arms = kept.len();
    let mut more = String::new();
    if n_arms > MAX_ARMS + 1 {
        let of_pair = |arm: usize| arm == analysis.control || Some(arm) == analysis.treatment;
        kept.sort_by_key(|arm| (!of_pair(arm.arm), Reverse(arm.n), arm.arm));
        kept.truncate(MAX_ARMS + 1);
        kept.sort_by_key(|arm| arm.arm);
        more = format!(
            "The {} largest of {n_arms} arms; the JSON report has them all.",
            kept.len()
        );
    }
    let is_kept = |arm: usize| kept.iter().any(|other| other.arm == arm);
    let values = kept.iter().map(|arm| {
        let n = format!("n {}", units::count(arm.n));
        let of =
            |q: &f64| Cell::estimate(ValueForm::LatencyMs, QuantileValue::at(&arm.quantiles, *q));
        std::iter::once(name(arm.arm).note(n))
            .chain(levels.iter().map(of))
            .chain([mean(arm)])
            .collect()
    });
    let compared = panel.differences.iter().filter(|arm| is_kept(arm.arm));
    let changes = compared.map(|arm| {
        let of = |q: &f64| Cell::change(ValueForm::LatencyMs, QuantileValue::at(&arm.points, *q));
        let from = format!("minus {}", arm_name(analysis, analysis.control));
        std::iter::once(name(arm.arm).note(from))
            .chain(levels.iter().map(of))
            .collect()
    });
    let with_mean = columns().chain([Column::right("Mean ± sd")]).collect();
    let mut tables = [
        Table::new(
            &format!("quantiles-{}", panel.label),
            format!("{}: quantiles", panel.label),
            with_mean,
        )
        .with(values),
        Table::new(
            &format!("quantiles-{}-differences", panel.label),
            format!("{}: differences of quantiles", panel.label),
            columns().collect(),
        )
        .with(changes),
    ];
    for table in &mut tables {
        table.more.clone_from(&more);
    }
    tables
}

fn mean(arm: &LatencyArm) -> Cell {
    let text = format!(
        "{} ± {}",
        units::latency(arm.mean_ms),
        units::latency(arm.sd_ms)
    );
    Cell::number(arm.mean_ms, text)
}

/// The histogram's twin: requests per bin, empty bins at both ends left out.
fn bins(analysis: &Analysis, panel: &LatencyPanel) -> Table {
    let n_bins = panel.edges_ms.len().saturating_sub(1);
    let used = |k: &usize| {
        let mut counts = panel.arms.iter().filter_map(|arm| arm.counts.get(*k));
        counts.any(|&n| n > 0)
    };
    let first = (0..n_bins).find(used).unwrap_or(0);
    let last = (0..n_bins).rev().find(used).map_or(first, |k| k + 1);
    let drawn = charts::overlapping_arms(analysis);
    let is_drawn = |arm: &&LatencyArm| drawn.contains(&arm.arm);
    let arms = panel.arms.iter().filter(is_drawn);
    let columns = [Column::right("From"), Column::right("To")]
        .into_iter()
        .chain(arms.map(|arm| Column::right(arm_name(analysis, arm.arm))));
    let edge = |k: usize| Cell::number(panel.edges_ms[k], units::latency(panel.edges_ms[k]));
    let rows = (first..last).map(|k| {
        let counts = panel
            .arms
            .iter()
            .filter(is_drawn)
            .map(|arm| arm.counts.get(k).copied().unwrap_or(0));
        [edge(k), edge(k + 1)]
            .into_iter()
            .chain(counts.map(Cell::count))
            .collect()
    });
    Table::new(
        &format!("histogram-{}", panel.label),
        format!("{}: requests per bin", panel.label),
        columns.collect(),
    )
    .dense()
    .with(rows)
}

fn differences(analysis: &Analysis, panel: &LatencyPanel) -> Table {
    let columns = vec![
        Column::left("Arm"),
        Column::left("Quantile"),
        Column::right("Difference"),
    ];
    let drawn = charts::overlapping_arms(analysis);
    let arms = panel.differences.iter();
    let arms = arms.filter(|arm| drawn.contains(&arm.arm));
    let rows = arms.flat_map(|arm| {
        arm.points.iter().map(|point| {
            vec![
                Cell::text(arm_name(analysis, arm.arm)),
                Cell::text(units::percentile(point.q)),
                Cell::change(ValueForm::LatencyMs, Some(&point.estimate)),
            ]
        })
    });
    Table::new(
        &format!("quantile-differences-{}", panel.label),
        format!("{}: differences of quantiles", panel.label),
        columns,
    )
    .dense()
    .with(rows)
}
