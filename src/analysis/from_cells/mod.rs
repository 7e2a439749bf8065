//! The comparison of a log that is known by its cells: what [`super::analyze`] finds, from the same
//! estimates and tests.
//!
//! Counts, means, their intervals and tests are those of the requests to 1e-9; quantiles are within
//! one per cent of theirs, and what needs single requests is left out and named in
//! [`FromCells::needs_request_log`].

mod carried;
mod compare;
mod figures;
mod health;
mod limits;
mod names;
mod segments;
mod trends;

use super::arms::{choose, chosen_by};
use super::cell_stages::{joined, stages_of_cells, unit_plan};
use super::effect::Inference;
use super::latency::{self, Shown};
use super::metrics;
use super::model::{
    Analysis, ArmRole, ArmSummary, EventTimes, FromCells, LatencyPanel, LogSummary, SCHEMA,
    StrategyFinding,
};
use super::plan::{self, Baseline};
use super::settings::{AnalysisSettings, StrataChoice};
use super::strata::Strata;
use super::{decision, dissent, family, strategy, tail};
use crate::cells::{Cells, Measure, Scope, bins};
use crate::data::{Quantity, RequestLog};
use crate::error::{Error, ErrorKind, Result};
use crate::jobs::Progress;
use compare::{Basis, PlaceFigures, Table};
use figures::{ByUser, Figures};

/// Compares the arms of a log that is known by its cells.
///
/// Fails as [`super::analyze`], where the settings ask for what needs single requests, and where
/// stages or users were added up for other arms than these.
pub fn analyze_cells(
    cells: &Cells,
    name: &str,
    settings: &AnalysisSettings,
    progress: &Progress,
) -> Result<Analysis> {
    super::check_level(settings.level)?;
    limits::check(settings)?;
    progress.phase("Scoring the arms", 0)?;
    let by_user = ByUser::of(cells);
    let root = names::place_of(cells, settings)?;
    let whole = Figures::of_arms(&cells.cells, 0, cells.arms.len());
    let names = names::log_without_requests(cells, name, &whole);
    let sizes: Vec<u64> = whole.iter().map(|figures| figures.n_requests).collect();
    let compared = choose(&names, &sizes, settings)?;
    let (control, treatment) = compared;
    let stages = treatment.map_or_else(Vec::new, |t| stages_of_cells(cells, [control, t]));
    let strategy = strategy::of_cells(cells, [Some(control), treatment], &stages, settings);
    let treatment_us = treatment.and_then(|treatment| whole[treatment].span_us);
    let layers = Layers::of(cells, (&by_user, root), treatment_us, (settings, &strategy))?;
    let basis = Basis {
        cells,
        clock: names.clock,
        by_user: &by_user,
        table: &Table::new(),
        inference: Inference::new(settings, layers.strata.as_ref()),
        layers: &layers,
    };
    let metrics = metrics::of_log(&names, settings)?;
    let figures = PlaceFigures::of(&basis, root);
    if figures.whole.iter().all(|of_arm| of_arm.n_requests == 0) {
        let message = "The filter leaves no request";
        return Err(Error::new(ErrorKind::NotEnoughData, message));
    }
    let mut scorecard = Vec::new();
    for metric in &metrics {
        progress.check()?;
        scorecard.push(figures.row(&basis, metric, control));
    }
    family::adjust(&mut scorecard, settings);
    let arms = summaries(&figures.whole, &names, (&by_user, root), compared);
    progress.phase("Segments", 0)?;
    let place = (root, compared, settings);
    let (by_segment, is_carrier_open) =
        segments::all(&basis, (&metrics, &scorecard), &arms, place, progress)?;
    let log = summary(&names, &figures.whole, &sizes, (&by_user, root));
    let found = health::Found {
        names: &names,
        arms: &arms,
        compared,
        stages: &stages,
        strategy: &strategy,
        scorecard: &scorecard,
        settings,
    };
    let health = health::checks(&found, cells, (&by_user, root));
    let mut decision = decision::decide(
        &arms,
        compared,
        &scorecard,
        (&by_segment.effects, &stages),
        &health,
        (&strategy, None),
        (&log, settings),
    );
    let chosen_by = chosen_by(&names, &sizes, settings, compared);
    dissent::add_choice(&mut decision, &arms, compared, chosen_by);
    let latency = latencies(&basis, &names, &figures, control);
    tail::add_tails(&mut decision, &latency, &scorecard, &arms, compared);
    let moments = |quantity| {
        let has = names.quantity(quantity).is_some();
        has.then(|| figures.whole[control].moments(quantity))
    };
    let baseline = Baseline {
        rating: moments(Quantity::Rating),
        latency_ms: moments(Quantity::LatencyMs),
    };
    Ok(Analysis {
        schema: SCHEMA,
        settings: settings.clone(),
        plan: plan::inputs(&log, &baseline, &scorecard, compared, &arms),
        latency,
        trends: trends::trends(&basis, &metrics, root),
        cells: Some(FromCells {
            width_us: cells.width_us,
            quantile_relative_error: bins::ALPHA,
            needs_request_log: limits::needs(
                &log,
                root,
                &strategy,
                (&by_segment.effects, is_carrier_open),
            ),
        }),
        log,
        crossing_left_out: None,
        stages: strategy::shown_stages(&strategy, &stages),
        strategy,
        decision,
        control,
        treatment,
        chosen_by,
        arms,
        health,
        scorecard,
        tests: Vec::new(),
        over_time: Vec::new(),
        segments: by_segment.effects,
        segment_columns: by_segment.columns,
        segment_spread: by_segment.spread,
        segment_arms: by_segment.arms,
        other_segments: by_segment.others,
        covariate: None,
        shadow: None,
        switch: None,
        novelty: None,
    })
}

/// The log of cells without its requests: its arms, segments and quantities, whose values say no more
/// than whether they are shares.
pub fn log_of_cells(cells: &Cells, name: &str) -> RequestLog {
    let whole = Figures::of_arms(&cells.cells, 0, cells.arms.len());
    names::log_without_requests(cells, name, &whole)
}

/// The strata within which arms are compared.
pub(super) struct Layers {
    /// Where they begin; empty where the arms are compared as a whole.
    pub(super) starts: Vec<i64>,
    /// Whether the cells were counted anew by stage; else whole stretches of time go to the stage in
    /// which they begin.
    pub(super) are_exact: bool,
    pub(super) strata: Option<Strata>,
}

impl Layers {
    /// Those by which the requests were counted or, where that was not done, those at the edges of the
    /// cells.
    ///
    /// Fails where requests or users were added up by the stages of other arms.
    fn of(
        cells: &Cells,
        (by_user, root): (&ByUser<'_>, usize),
        treatment_us: Option<(i64, i64)>,
        (settings, strategy): (&AnalysisSettings, &StrategyFinding),
    ) -> Result<Self> {
        let none = Self {
            starts: Vec::new(),
            are_exact: true,
            strata: None,
        };
        if settings.strata == StrataChoice::None || !strategy.strategy.has_stages() {
            return Ok(none);
        }
        let mut starts = unit_plan(cells, settings)?.stages;
        let are_exact = !cells.stages.is_empty();
        let of_users = by_user.stages();
        // Between two starts there may be no request.
        let is_known = |us: &i64| starts.binary_search(us).is_ok();
        let are_same = cells.stages.iter().all(|cell| is_known(&cell.time_us))
            && of_users.iter().all(is_known)
            && (by_user.is_empty() || are_exact != of_users.is_empty());
        if !are_same {
            return Err(Error::new(
                ErrorKind::Settings,
                "Stages and users of these cells were not added up for these arms",
            )
            .hint("Compute both with the same --control and --treatment (docs/cells.md), or compare over the whole log: --strata none"));
        }
        if starts.len() < 2 {
            return Ok(none);
        }
        if !are_exact {
            let width_us = cells.width_us;
            for start in &mut starts {
                // What comes after the treatment begins behind its last stretch.
                let is_after = treatment_us.is_some_and(|(_, last)| *start > last);
                let within = start.rem_euclid(width_us);
                let up = if is_after && within > 0 { width_us } else { 0 };
                *start += up - within;
            }
            starts.dedup();
        }
        let mut spans: Vec<Option<(i64, i64)>> = vec![None; starts.len()];
        let table = if are_exact {
            &cells.stages
        } else {
            &cells.cells
        };
        for cell in figures::of_place(table, root).filter(|c| c.measure == Measure::Requests) {
            let stratum = starts.partition_point(|start| *start <= cell.time_us);
            let span = &mut spans[stratum.saturating_sub(1)];
            *span = joined(*span, cell.span_us);
        }
        // A stratum without requests is used by no comparison.
        let span = |(span, start): (&Option<(i64, i64)>, &i64)| {
            span.map_or((*start, *start), |(first, last)| (first, last + 1))
        };
        let spans = spans.iter().zip(&starts).map(span).collect();
        Ok(Self {
            starts,
            are_exact,
            strata: Some(Strata::of_spans(spans)),
        })
    }
}

/// Users of one arm, or in two; `None` where none were added up.
fn n_users(by_user: &ByUser<'_>, place: usize, arms: [usize; 2]) -> Option<u64> {
    let groups = arms.map(compare::whole_arm);
    let sums = by_user.products(place, crate::cells::UnitMeasure::Users, Scope::All, groups);
    (!by_user.is_empty()).then_some(sums.n_units)
}

/// How users spread over arms.
struct Spread {
    n_units: u64,
    n_in_several: u64,
}

/// Users of some arms, and of these the ones in several; `None` where that is not known.
fn spread_of(by_user: &ByUser<'_>, place: usize, arms: &[usize]) -> Option<Spread> {
    let own = arms.iter().map(|arm| n_users(by_user, place, [*arm; 2]));
    let sum: u64 = own.sum::<Option<u64>>()?;
    let mut n_in_several = 0;
    for (i, a) in arms.iter().enumerate() {
        for b in &arms[i + 1..] {
            n_in_several += n_users(by_user, place, [*a, *b])?;
        }
    }
    // Of three arms, a user of two is counted as one of three is.
    (arms.len() <= 2 || n_in_several == 0).then(|| Spread {
        n_units: sum - n_in_several,
        n_in_several,
    })
}

fn summaries(
    whole: &[Figures],
    names: &RequestLog,
    (by_user, place): (&ByUser<'_>, usize),
    (control, treatment): (usize, Option<usize>),
) -> Vec<ArmSummary> {
    let n_all: u64 = whole.iter().map(|figures| figures.n_requests).sum();
    let summary = |(arm, figures): (usize, &Figures)| ArmSummary {
        name: names.arms[arm].name.clone(),
        role: match arm {
            arm if arm == control => ArmRole::Control,
            arm if Some(arm) == treatment => ArmRole::Treatment,
            _ => ArmRole::Other,
        },
        n_requests: figures.n_requests,
        n_units: n_users(by_user, place, [arm; 2]),
        share_of_requests: figures.n_requests as f64 / n_all.max(1) as f64,
        span_us: figures.span_us,
        outcomes: figures.outcomes(names.has_outcome),
        errors: Vec::new(),
    };
    whole.iter().enumerate().map(summary).collect()
}

fn summary(
    names: &RequestLog,
    whole: &[Figures],
    sizes: &[u64],
    (by_user, place): (&ByUser<'_>, usize),
) -> LogSummary {
    let spans = whole.iter().map(|figures| figures.span_us);
    let span = spans.fold(None, joined);
    LogSummary {
        name: names.name.clone(),
        clock: names.clock,
        n_requests: whole.iter().map(|figures| figures.n_requests).sum(),
        n_requests_unfiltered: sizes.iter().sum(),
        n_units: spread_of(by_user, place, &(0..whole.len()).collect::<Vec<_>>())
            .map(|spread| spread.n_units),
        unit_column: None,
        first_us: span.map(|(first, _)| first),
        last_us: span.map(|(_, last)| last),
        // Where latencies are known, requests count when they ended.
        times: match names.quantity(Quantity::LatencyMs) {
            Some(_) => EventTimes::Completion,
            None => EventTimes::Start,
        },
        has_outcome: names.has_outcome,
        events: Vec::new(),
    }
}

fn latencies(
    basis: &Basis<'_>,
    names: &RequestLog,
    figures: &PlaceFigures,
    control: usize,
) -> Vec<LatencyPanel> {
    let known = latency::LATENCIES
        .into_iter()
        .filter(|(quantity, _)| names.quantity(*quantity).is_some());
    let panel = |(quantity, label): (Quantity, &str)| {
        let ordered: Vec<_> = (0..figures.whole.len())
            .map(|arm| figures.ordered(basis, quantity, arm, &latency::DIFFERENCE_QUANTILES))
            .collect();
        let shown = ordered.iter().zip(&figures.whole).map(|(ordered, of_arm)| {
            Shown::new(ordered, of_arm.n_not_positive(quantity), basis.inference)
        });
        latency::panel((quantity, label), &shown.collect::<Vec<_>>(), control)
    };
    known.filter_map(panel).collect()
}
