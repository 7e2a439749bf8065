//! The distribution of latency: histogram, distribution function, quantile differences.

use super::{arm_name, arm_tone, counts_by_arm};
use crate::analysis::{Analysis, LatencyArm, LatencyPanel};
use crate::data::Quantity;
use crate::report::chart::{Axis, Chart, Layer, Scale};
use crate::stats::Method;
use crate::units::{self, ValueForm};

/// Share of each arm's requests per bin of latency.
pub fn latency_histogram(analysis: &Analysis, panel: &LatencyPanel) -> Chart {
    let edges: Vec<f64> = panel.edges_ms.iter().map(|ms| ms.log10()).collect();
    let shown = super::overlapping_arms(analysis);
    let layers = of_arms(&shown, panel).map(|arm| Layer::Steps {
        name: arm_name(analysis, arm.arm).to_owned(),
        tone: arm_tone(analysis, arm.arm),
        edges: edges.clone(),
        heights: arm
            .counts
            .iter()
            .map(|&n| n as f64 / (arm.n.max(1)) as f64)
            .collect(),
    });
    Chart {
        id: format!("{}-histogram", slug(panel)),
        title: format!("{}: histogram", panel.label),
        caption: caption(
            analysis,
            panel,
            &shown,
            if analysis.log.has_outcome {
                "Share of each arm's successful requests per bin"
            } else {
                "Share of each arm's requests per bin"
            },
        ),
        x: latency_axis(panel),
        y: Axis::new("Share of requests", Scale::Linear(ValueForm::Share)),
        layers: layers.collect(),
    }
    .with_y_from_zero()
}

/// The empirical distribution function of each arm.
pub fn latency_ecdf(analysis: &Analysis, panel: &LatencyPanel) -> Chart {
    let shown = super::drawn_arms(analysis);
    let layers = of_arms(&shown, panel).map(|arm| Layer::Line {
        name: arm_name(analysis, arm.arm).to_owned(),
        tone: arm_tone(analysis, arm.arm),
        points: arm
            .ecdf
            .iter()
            .map(|&(ms, share)| (ms.log10(), share))
            .collect(),
    });
    Chart {
        id: format!("{}-ecdf", slug(panel)),
        title: format!("{}: cumulative distribution", panel.label),
        caption: caption(
            analysis,
            panel,
            &shown,
            if analysis.log.has_outcome {
                "Share of successful requests answered within the latency"
            } else {
                "Share of requests answered within the latency"
            },
        ),
        x: latency_axis(panel),
        y: Axis::new(
            "Share of requests at most this slow",
            Scale::Linear(ValueForm::Share),
        )
        .from_to(0.0, 1.0),
        layers: layers.collect(),
    }
}

/// How much slower each part of the distribution is than the control's, with its band.
pub fn quantile_differences(analysis: &Analysis, panel: &LatencyPanel) -> Chart {
    let mut layers = Vec::new();
    let shown = super::overlapping_arms(analysis);
    let differences = panel.differences.iter();
    // The axis of an arm that is far off would make a flat line of the treatment.
    for arm in differences.filter(|arm| shown.contains(&arm.arm)) {
        let name = arm_name(analysis, arm.arm).to_owned();
        let tone = arm_tone(analysis, arm.arm);
        let band = arm.points.iter().map(|p| {
            let interval = p.estimate.interval;
            (p.q, interval.lower, interval.upper)
        });
        layers.push(Layer::Band {
            name: name.clone(),
            tone,
            points: band.collect(),
        });
        let points = arm.points.iter().map(|p| (p.q, p.estimate.value)).collect();
        layers.push(Layer::Line { name, tone, points });
    }
    let control = arm_name(analysis, analysis.control);
    let level = panel
        .differences
        .iter()
        .find_map(|arm| arm.points.first())
        .map_or(analysis.settings.level, |point| point.estimate.level);
    Chart {
        id: format!("{}-quantile-differences", slug(panel)),
        title: format!("{}: change at each quantile", panel.label),
        caption: format!(
            "Above zero: slower than {control} at that quantile. The band is the {} interval of each \
             quantile by itself. {} {}",
            level_text(level),
            quantile_note(analysis, panel),
            caption(analysis, panel, &shown, counted(analysis))
        ),
        x: Axis::new("Quantile", Scale::Linear(ValueForm::Share)).from_to(0.0, 1.0),
        y: Axis::new(
            format!("Difference from {control}"),
            Scale::Change(ValueForm::LatencyMs),
        ),
        layers,
    }
}

/// Whose latencies count.
fn counted(analysis: &Analysis) -> &'static str {
    if analysis.log.has_outcome {
        "Successful requests"
    } else {
        "Requests, failed ones among them"
    }
}

/// How the intervals of quantiles were made, and what the decision does otherwise.
pub fn quantile_note(analysis: &Analysis, panel: &LatencyPanel) -> String {
    let mut estimates = panel.arms.iter().flat_map(|arm| &arm.quantiles);
    let is_by_unit = estimates.any(|q| q.estimate.method == Method::ClusteredOrderStatistics);
    let made = if is_by_unit {
        "Intervals are by user: order statistics, widened because requests of one user resemble each other; \
         a difference joins those of its arms by square-and-add."
    } else {
        "Intervals take requests as independent: order statistics; a difference joins those of its arms by \
         square-and-add."
    };
    let mut effects = analysis.scorecard.iter().flat_map(|row| &row.effects);
    let stages = if effects.any(|effect| effect.stratified.is_some()) {
        " Here stages are mixed; the decision compares within them."
    } else {
        ""
    };
    format!("{made}{stages}{}", super::bound_note(analysis))
}

/// Some arms of a panel.
fn of_arms<'a>(arms: &[usize], panel: &'a LatencyPanel) -> impl Iterator<Item = &'a LatencyArm> {
    panel.arms.iter().filter(|arm| arms.contains(&arm.arm))
}

/// From the first to the last bin that holds a request.
fn latency_axis(panel: &LatencyPanel) -> Axis {
    let axis = Axis::new(format!("{} (log scale)", panel.label), Scale::LogMs);
    let holds = |k: &usize| {
        panel
            .arms
            .iter()
            .any(|arm| arm.counts.get(*k).is_some_and(|&n| n > 0))
    };
    let bins = 0..panel.edges_ms.len().saturating_sub(1);
    match (bins.clone().find(holds), bins.rev().find(holds)) {
        (Some(first), Some(last)) => axis.from_to(
            panel.edges_ms[first].log10(),
            panel.edges_ms[last + 1].log10(),
        ),
        _ => axis,
    }
}

fn level_text(level: f64) -> String {
    format!(
        "{} %",
        units::significant(level * 100.0, if level > 0.99 { 3 } else { 2 })
    )
}

/// The beginning of the panel's chart ids.
fn slug(panel: &LatencyPanel) -> &str {
    match panel.quantity {
        Quantity::LatencyMs => "latency",
        Quantity::TtftMs => "ttft",
        _ => &panel.label,
    }
}

fn caption(analysis: &Analysis, panel: &LatencyPanel, shown: &[usize], what: &str) -> String {
    let counts = counts_by_arm(analysis, of_arms(shown, panel).map(|arm| (arm.arm, arm.n)));
    let left_out: u64 = panel.arms.iter().map(|arm| arm.n_not_positive).sum();
    let zeros = match left_out {
        0 => String::new(),
        n => format!(
            " {} with zero or negative latency are left out.",
            units::count(n)
        ),
    };
    let drawn = if shown.len() == super::drawn_arms(analysis).len() {
        super::drawn_note(analysis)
    } else {
        super::overlap_note(analysis, " Only the arms that are compared are drawn.").to_owned()
    };
    let bins = super::bins_note(analysis);
    format!("{what}: {counts}.{zeros}{bins}{drawn}")
}
