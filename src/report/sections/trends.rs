//! Metrics over time and the stages of the rollout.

use super::super::chart::Chart;
use super::super::charts;
use super::super::document::{Block, Cell, Column, Figure, Table};
use super::arm_name;
use crate::analysis::{Analysis, ScorecardRow, StratifiedEffect, TrendArm, Trends};
use crate::report::ReportInput;
use crate::units;

/// The stages, and what decides over time.
pub(super) fn happened(input: &ReportInput<'_>) -> Vec<Block> {
    let analysis = input.analysis;
    let mut out = Vec::new();
    if analysis.trends.is_some() && analysis.stages.len() > 1 {
        out.push(Block::Heading("Stages".to_owned(), Vec::new()));
        out.push(Block::Lead(
            "Inferred from the treatment’s share of requests, not read from a plan.".to_owned(),
        ));
        out.push(Block::Table(stages(analysis)));
        if let Some(effects) = effects_by_stage(analysis) {
            out.push(Block::Heading(
                "Differences stage by stage".to_owned(),
                Vec::new(),
            ));
            out.push(Block::Table(effects));
        }
    }
    out.extend(charts_of(input, true));
    out
}

/// The metrics that explain, over time.
pub(super) fn further(input: &ReportInput<'_>) -> Vec<Block> {
    charts_of(input, false)
}

/// Traffic and the metrics that decide, or all others.
fn charts_of(input: &ReportInput<'_>, deciding: bool) -> Vec<Block> {
    let analysis = input.analysis;
    let Some(trends) = &analysis.trends else {
        return Vec::new();
    };
    // Said once, not below each chart.
    let shared = charts::background_note(analysis, input.replay);
    let figure = |chart: Chart, twin: Table| {
        let mut figure = Figure::new(chart, 235, Some(twin));
        if let Some(own) = figure.chart.caption.strip_suffix(&shared) {
            figure.caption.truncate(own.len());
        }
        Block::Figures(vec![figure])
    };
    let decides = |id: &str| {
        let mut rows = analysis.scorecard.iter();
        rows.any(|row| row.id == id && row.role.decides())
    };
    let mut out = Vec::new();
    if deciding && let Some(chart) = charts::traffic(analysis, input.replay) {
        out.push(figure(chart, traffic(analysis, trends)));
    }
    for id in charts::metric_ids(analysis) {
        if decides(&id) == deciding
            && varies(trends, &id)
            && let Some(chart) = charts::trend(analysis, &id, input.replay)
        {
            let twin = series(analysis, trends, &id, &chart.title);
            out.push(figure(chart, twin));
        }
    }
    if !out.is_empty() && !shared.is_empty() {
        out.insert(0, Block::Lead(shared.trim_start().to_owned()));
    }
    out
}

/// Whether a metric takes more than one value.
fn varies(trends: &Trends, id: &str) -> bool {
    let series = trends.arms.iter().flat_map(|arm| &arm.series);
    let points = series.filter(|series| series.id == id);
    let mut values = points.flat_map(|series| series.points.iter().flatten().map(|p| p.value));
    let first = values.next();
    first.is_some_and(|first| values.any(|value| (value - first).abs() > 1e-9 * first.abs()))
}

fn stages(analysis: &Analysis) -> Table {
    let clock = analysis.log.clock;
    let columns = vec![
        Column::left("Stage"),
        Column::right("Treatment’s share"),
        Column::left("From"),
        Column::right("Lasted"),
        Column::right("Requests"),
        Column::right("of the treatment"),
    ];
    let rows = analysis.stages.iter().enumerate().map(|(k, stage)| {
        let lasted_us = stage.to_us - stage.from_us;
        vec![
            Cell::count(k as u64 + 1),
            Cell::number(stage.share, units::share(stage.share)),
            Cell::text(units::instant(stage.from_us, clock)),
            Cell::number(lasted_us as f64 / 1e6, units::duration_us(lasted_us)),
            Cell::count(stage.n_requests),
            Cell::count(stage.n_treatment),
        ]
    });
    Table::new("stages", "Stages", columns).with(rows)
}

/// The treatment's effect on what decides, a row per stretch of time with both arms.
fn effects_by_stage(analysis: &Analysis) -> Option<Table> {
    let treatment = analysis.treatment?;
    let effects: Vec<(&ScorecardRow, &StratifiedEffect)> = analysis
        .scorecard
        .iter()
        .filter(|row| row.role.decides())
        .filter_map(|row| {
            let effect = row.effect_of(treatment)?;
            Some((row, effect.stratified.as_ref()?))
        })
        .collect();
    let mut spans: Vec<(i64, i64)> = effects
        .iter()
        .flat_map(|(_, found)| found.strata.iter().map(|s| (s.from_us, s.to_us)))
        .collect();
    spans.sort_unstable();
    spans.dedup();
    if spans.len() < 2 {
        return None;
    }
    let clock = analysis.log.clock;
    let rows = spans.iter().map(|(from_us, to_us)| {
        let cells = effects.iter().map(|(row, found)| {
            let stratum = found.strata.iter().find(|s| s.from_us == *from_us);
            Cell::change(row.form, stratum.and_then(|s| s.difference.as_ref()))
        });
        let from =
            Cell::text(units::instant(*from_us, clock)).note(units::duration_us(to_us - from_us));
        std::iter::once(from).chain(cells).collect()
    });
    let mut columns = vec![Column::left("From")];
    columns.extend(
        effects
            .iter()
            .map(|(row, _)| Column::right(row.label.as_str())),
    );
    Some(Table::new("stage-effects", "Differences stage by stage", columns).with(rows))
}

/// The arms of the charts.
fn drawn<'a>(analysis: &Analysis, trends: &'a Trends) -> impl Iterator<Item = &'a TrendArm> {
    let drawn = charts::drawn_arms(analysis);
    trends
        .arms
        .iter()
        .filter(move |arm| drawn.contains(&arm.arm))
}

fn heads(analysis: &Analysis, trends: &Trends) -> Vec<Column> {
    let arms = drawn(analysis, trends);
    std::iter::once(Column::left("From"))
        .chain(arms.map(|arm| Column::right(arm_name(analysis, arm.arm))))
        .collect()
}

/// A row per bucket, a cell per arm.
fn by_bucket(
    analysis: &Analysis,
    trends: &Trends,
    cell: impl Fn(&TrendArm, usize) -> Cell,
) -> Vec<Vec<Cell>> {
    let buckets = trends.starts_us.iter().enumerate();
    buckets
        .map(|(k, start)| {
            let from = Cell::text(units::instant(*start, analysis.log.clock));
            let arms = drawn(analysis, trends).map(|arm| cell(arm, k));
            std::iter::once(from).chain(arms).collect()
        })
        .collect()
}

fn traffic(analysis: &Analysis, trends: &Trends) -> Table {
    let rows = by_bucket(analysis, trends, |arm, k| {
        let cell = Cell::count(arm.n_requests.get(k).copied().unwrap_or(0));
        match arm.share.get(k).copied().flatten() {
            Some(share) => cell.note(units::share(share)),
            None => cell,
        }
    });
    Table::new("traffic", "Requests over time", heads(analysis, trends))
        .dense()
        .with(rows)
}

fn series(analysis: &Analysis, trends: &Trends, id: &str, title: &str) -> Table {
    let rows = by_bucket(analysis, trends, |arm, k| point(arm, id, k));
    Table::new(&format!("trend-{id}"), title, heads(analysis, trends))
        .dense()
        .with(rows)
}

fn point(arm: &TrendArm, id: &str, bucket: usize) -> Cell {
    let found = arm.series.iter().find(|series| series.id == id);
    let Some((form, point)) =
        found.and_then(|s| Some((s.form, s.points.get(bucket).copied().flatten()?)))
    else {
        return Cell::none();
    };
    let cell = Cell::value(form, Some(point.value));
    let interval = point.interval.map_or_else(String::new, |interval| {
        format!(
            "[{}, {}], ",
            form.value(interval.lower),
            form.value(interval.upper)
        )
    });
    cell.note(format!("{interval}n {}", units::count(point.n)))
}
