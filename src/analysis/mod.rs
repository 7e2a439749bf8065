//! Data × statistics: the one value that the screen, the report and the command line show.
//!
//! [`analyze`] turns a log into an [`Analysis`]: plain data that carries the settings, counts and
//! method names that produced it. Nothing downstream computes a number.

mod arms;
mod before_after;
mod cell_stages;
mod clusters;
mod covariate;
mod decision;
mod dissent;
mod effect;
mod family;
mod health;
mod latency;
mod looks;
mod metrics;
mod model;
mod novelty;
mod ordered;
mod outlook;
mod paired;
mod plan;
mod scorecard;
mod segment_harm;
mod segments;
mod settings;
mod shadow;
mod spread;
mod stages;
mod strata;
mod strategy;
mod test_reports;
mod trends;
mod verdict;

#[cfg(test)]
mod simulations;
#[cfg(test)]
mod tests;

pub use cell_stages::unit_plan;
pub use model::*;
pub use settings::{
    AnalysisSettings, Correction, CrossingUnits, Looks, Margins, MetricChoice, StrataChoice,
};

use std::borrow::Cow;

use crate::data::{Clock, RequestLog};
use crate::error::{Error, ErrorKind, Result};
use crate::jobs::Progress;

/// Compares the arms of a log.
///
/// Fails when the settings name an arm or segment that the log does not have, when the filter
/// leaves no request, or when cancelled. A log with one arm is described, not compared.
pub fn analyze(
    log: &RequestLog,
    settings: &AnalysisSettings,
    progress: &Progress,
) -> Result<Analysis> {
    if !(settings.level > 0.5 && settings.level < 1.0) {
        return Err(Error::new(
            ErrorKind::Settings,
            "The confidence level must lie between 0.5 and 1",
        )
        .key("level"));
    }
    progress.phase("Selecting rows", 0)?;
    let n_requests_unfiltered = log.n_rows() as u64;
    let Selection {
        rows: selected,
        control,
        treatment,
        crossing_left_out,
    } = select(log, settings)?;
    // What the rollout was does not depend on which part of it is looked at.
    let stages = treatment
        .map(|t| stages::infer(log, control, t))
        .unwrap_or_default();
    let strategy = strategy::find(log, control, treatment, &stages, settings);
    let log = selected.as_ref();
    let rows = scorecard::rows_by_arm(log);
    let arms = arms::summarize(log, &rows, control, treatment);
    let mut metrics = metrics::of_log(log, settings)?;
    if strategy.strategy == Strategy::Shadow {
        paired::set_ratings_aside(&mut metrics, settings);
    }
    let level = settings.level;
    let compared = (control, treatment);
    let strata = strata_of(log, settings, (&strategy, &stages), &rows, compared);
    let inference = effect::Inference::new(settings, strata.as_ref());

    progress.phase("Scoring the arms", metrics.len() as u64)?;
    let of_metrics: Vec<&metrics::Metric> = metrics.iter().collect();
    let latencies = ordered::Latencies::of(log, &of_metrics, &rows, &latency::DIFFERENCE_QUANTILES);
    let ground = Ground {
        log,
        metrics: &metrics,
        rows: &rows,
        latencies: &latencies,
        compared,
        strategy: &strategy,
        settings,
        inference,
    };
    let (scorecard, shadow, covariate) = scored(&ground, progress)?;
    progress.phase("Latency distributions", 0)?;
    let observed = (rows.as_slice(), &latencies);
    let latency = latency::panels(log, observed, control, inference, progress)?;
    progress.phase("Trends", 0)?;
    let trends = trends::trends(log, &metrics, level, progress)?;
    progress.phase("Segments", 0)?;
    let by_segment = by_segment(&ground, &scorecard, progress)?;
    progress.phase("The effect over time", 0)?;
    let over_time = over_time(&ground, progress)?;
    progress.phase("Health of the log", 0)?;
    let health = health::checks(&health::Subject {
        log,
        arms: &arms,
        control,
        treatment,
        stages: &stages,
        strategy: &strategy,
        scorecard: &scorecard,
        settings,
        left_out: crossing_left_out.as_ref(),
    });
    let tests = test_reports::reports(
        log,
        (&metrics, &scorecard),
        &rows,
        (&strategy, covariate.as_ref()),
        control,
        level,
    );
    progress.phase("Switch, novelty", 0)?;
    let switch = before_after::find(log, &metrics, compared, &strategy, level);
    let novelty = novelty::find(log, &metrics, compared, &strategy, level);
    let plan = plan::inputs(log, observed, &scorecard, control, treatment, &arms);
    let summary = summary(log, n_requests_unfiltered);
    let decision = decision::decide(
        &arms,
        compared,
        &scorecard,
        &by_segment.effects,
        &health,
        &strategy,
        (&summary, settings),
    );
    Ok(Analysis {
        schema: SCHEMA,
        settings: settings.clone(),
        log: summary,
        crossing_left_out,
        stages: if strategy.strategy.is_concurrent() {
            stages
        } else {
            Vec::new()
        },
        strategy,
        decision,
        control,
        treatment,
        arms,
        health,
        scorecard,
        latency,
        trends,
        tests,
        over_time,
        segment_spread: by_segment.spreads,
        segments: by_segment.effects,
        segment_columns: by_segment.columns,
        covariate,
        shadow,
        switch,
        novelty,
        plan,
    })
}

/// What the parts of an analysis stand on.
struct Ground<'a> {
    log: &'a RequestLog,
    metrics: &'a [metrics::Metric],
    /// Per arm.
    rows: &'a [Vec<u32>],
    latencies: &'a ordered::Latencies<'a>,
    /// Control and treatment.
    compared: (usize, Option<usize>),
    strategy: &'a StrategyFinding,
    settings: &'a AnalysisSettings,
    inference: effect::Inference<'a>,
}

impl Ground<'_> {
    /// The treatment's index, with both arms' rows.
    fn sides(&self) -> Option<(usize, [&[u32]; 2])> {
        let (control, treatment) = (self.compared.0, self.compared.1?);
        let of = |arm: usize| self.rows[arm].as_slice();
        Some((treatment, [of(control), of(treatment)]))
    }
}

/// The scorecard: of pairs where the rollout was a shadow test, with adjusted effects beside it where
/// the log knows users from before.
fn scored(ground: &Ground<'_>, progress: &Progress) -> Result<Scored> {
    let Ground {
        log,
        metrics,
        rows,
        latencies,
        compared,
        strategy,
        settings,
        inference,
    } = *ground;
    let observed = (rows, latencies);
    let mut scorecard =
        scorecard::scorecard(log, metrics, observed, compared.0, inference, progress)?;
    let shadow = shadow::find(log, metrics, compared, strategy, inference);
    if let Some((found, treatment)) = shadow.as_ref().zip(compared.1) {
        paired::decide_on_pairs(found, metrics, &mut scorecard, treatment, inference);
    }
    let split = ground.sides().filter(|_| strategy.strategy.has_stages());
    let covariate = split.and_then(|(treatment, sides)| {
        covariate::adjust(log, metrics, sides, treatment, &mut scorecard, inference)
    });
    family::adjust(&mut scorecard, settings.correction);
    Ok((scorecard, shadow, covariate))
}

/// The scorecard, with what took part in it.
type Scored = (
    Vec<ScorecardRow>,
    Option<ShadowFinding>,
    Option<CovariateFinding>,
);

/// What segments show.
#[derive(Default)]
struct Segmented {
    effects: Vec<SegmentEffect>,
    columns: Vec<SegmentColumn>,
    spreads: Vec<SegmentSpread>,
}

/// Effects within segment values, corrected and ordered; none without a treatment.
fn by_segment(
    ground: &Ground<'_>,
    scorecard: &[ScorecardRow],
    progress: &Progress,
) -> Result<Segmented> {
    let (control, Some(treatment)) = ground.compared else {
        return Ok(Segmented::default());
    };
    let arms = (control, treatment);
    let (mut effects, columns) =
        segments::segments(ground.log, ground.metrics, arms, ground.inference, progress)?;
    segment_harm::conclude(&mut effects, scorecard, treatment, ground.settings);
    let spreads = spread::spreads(&effects, scorecard, treatment, ground.settings);
    let overall = (scorecard, treatment);
    segment_harm::leave_out_repeats(&mut effects, &spreads, overall, 1.0 - ground.settings.level);
    segments::tell_same(
        ground.log,
        ground.metrics,
        arms,
        ground.inference,
        &mut effects,
        progress,
    )?;
    Ok(Segmented {
        effects,
        columns,
        spreads,
    })
}

/// The treatment's effects over time; none without times.
fn over_time(ground: &Ground<'_>, progress: &Progress) -> Result<Vec<EffectSeries>> {
    let (control, treatment) = ground.compared;
    // Without a common time, what grows is not the evidence but the stretch of one arm that is seen.
    let is_concurrent =
        ground.log.clock != Clock::RowOrder && ground.strategy.strategy.is_concurrent();
    let Some(treatment) = treatment.filter(|_| is_concurrent) else {
        return Ok(Vec::new());
    };
    let observed = (ground.rows, ground.latencies);
    let arms = (control, treatment);
    let (log, metrics) = (ground.log, ground.metrics);
    looks::series(log, metrics, observed, arms, ground.inference, progress)
}

/// Metrics whose figures health checks read.
const AUDITED_METRICS: [&str; 3] = ["latency_p50", "rated_share", "tokens_in_mean"];

/// Whether a log can carry a conclusion, without the comparison itself; same checks, same findings
/// as [`analyze`]. Fails where [`select`] does, or when cancelled.
pub fn audit(log: &RequestLog, settings: &AnalysisSettings, progress: &Progress) -> Result<Audit> {
    progress.phase("Health of the log", 0)?;
    let Selection {
        rows: selected,
        control,
        treatment,
        crossing_left_out,
    } = select(log, settings)?;
    let stages = treatment
        .map(|t| stages::infer(log, control, t))
        .unwrap_or_default();
    let strategy = strategy::find(log, control, treatment, &stages, settings);
    let log = selected.as_ref();
    let rows = scorecard::rows_by_arm(log);
    let arms = arms::summarize(log, &rows, control, treatment);
    let mut metrics = metrics::of_log(log, settings)?;
    metrics.retain(|metric| AUDITED_METRICS.contains(&metric.id.as_str()));
    let compared = (control, treatment);
    let strata = strata_of(log, settings, (&strategy, &stages), &rows, compared);
    let inference = effect::Inference::new(settings, strata.as_ref());
    let of_metrics: Vec<&metrics::Metric> = metrics.iter().collect();
    let latencies = ordered::Latencies::of(log, &of_metrics, &rows, &[]);
    let observed = (rows.as_slice(), &latencies);
    let scorecard = scorecard::scorecard(log, &metrics, observed, control, inference, progress)?;
    let health = health::checks(&health::Subject {
        log,
        arms: &arms,
        control,
        treatment,
        stages: &stages,
        strategy: &strategy,
        scorecard: &scorecard,
        settings,
        left_out: crossing_left_out.as_ref(),
    });
    Ok(Audit {
        strategy,
        control,
        treatment,
        arms,
        health,
    })
}

/// The stages within which arms are compared; `None` where they are compared as a whole.
fn strata_of(
    log: &RequestLog,
    settings: &AnalysisSettings,
    (strategy, stages): (&StrategyFinding, &[Stage]),
    rows: &[Vec<u32>],
    (control, treatment): (usize, Option<usize>),
) -> Option<strata::Strata> {
    let is_wanted = settings.strata == StrataChoice::Stages && strategy.strategy.has_stages();
    let treatment = treatment.filter(|_| is_wanted)?;
    strata::Strata::of(log, stages, (&rows[control], &rows[treatment]))
}

/// The stages of the rollout from `control` to `treatment`, inferred from the treatment's share of
/// the requests over time; empty for a log without times.
pub fn observed_stages(log: &RequestLog, control: usize, treatment: usize) -> Vec<Stage> {
    stages::infer(log, control, treatment)
}

/// The part of a log that the settings look at.
#[derive(Debug)]
pub struct Selection<'a> {
    /// The rows; the log itself where nothing is filtered.
    pub rows: Cow<'a, RequestLog>,
    /// Index of the control.
    pub control: usize,
    /// Index of the arm that the decision is about; `None` with a single arm.
    pub treatment: Option<usize>,
    /// What the choice about users in several arms left out; `None` where they are kept.
    pub crossing_left_out: Option<CrossingLeftOut>,
}

/// Applies the filter and the choice about users in several arms, and chooses the arms, for analyses
/// and replays alike. Arms are chosen and users judged on the whole log, so that a filter never swaps
/// the ones nor clears the others.
///
/// Fails when the settings name an arm or segment that the log does not have, or leave no request.
pub fn select<'a>(log: &'a RequestLog, settings: &AnalysisSettings) -> Result<Selection<'a>> {
    let (control, treatment) = arms::choose(log, settings)?;
    check_segment(log, settings)?;
    let (rows, crossing_left_out) = match clusters::leave_out(log, settings.crossing) {
        Some((rows, left_out)) => (Cow::Owned(rows), Some(left_out)),
        None => (Cow::Borrowed(log), None),
    };
    let rows = if settings.filter.is_all() {
        rows
    } else {
        Cow::Owned(settings.filter.apply(&rows))
    };
    if rows.n_rows() == 0 {
        return Err(
            Error::new(ErrorKind::NotEnoughData, "The filter leaves no request").hint(
                "Widen the time range and the ranges of latency, clear the segment, or keep users who are in several arms",
            ),
        );
    }
    Ok(Selection {
        rows,
        control,
        treatment,
        crossing_left_out,
    })
}

/// The filter names a column and a value that the log has.
fn check_segment(log: &RequestLog, settings: &AnalysisSettings) -> Result<()> {
    let Some((name, value)) = &settings.filter.segment else {
        return Ok(());
    };
    let listed = |names: Vec<&str>| names.into_iter().take(20).collect::<Vec<_>>().join(", ");
    let unknown = |message: String, hint: String| {
        Err(Error::new(ErrorKind::Settings, message)
            .key("segment")
            .hint(hint))
    };
    match log.segments.iter().find(|segment| segment.name == *name) {
        None if log.segments.is_empty() => unknown(
            format!("The log has no segment called \"{name}\""),
            "No column of the log is mapped as a segment".to_owned(),
        ),
        None => unknown(
            format!("The log has no segment called \"{name}\""),
            format!(
                "Its segments are: {}",
                listed(log.segments.iter().map(|s| s.name.as_str()).collect())
            ),
        ),
        Some(segment) if !segment.values.contains(value) => unknown(
            format!("No request has {name} = \"{value}\""),
            format!(
                "Its values are: {}",
                listed(segment.values.iter().map(String::as_str).collect())
            ),
        ),
        Some(_) => Ok(()),
    }
}

fn summary(log: &RequestLog, n_requests_unfiltered: u64) -> LogSummary {
    let span = log.event_span_us();
    let n_units = log.units.as_ref().map(|units| {
        let ids = units.id.iter().copied();
        effect::n_distinct(ids.filter(|id| *id != crate::data::Units::NONE)) as u64
    });
    LogSummary {
        name: log.name.clone(),
        clock: log.clock,
        n_requests: log.n_rows() as u64,
        n_requests_unfiltered,
        n_units,
        unit_column: log.units.as_ref().map(|units| units.column.clone()),
        first_us: span.map(|(first, _)| first),
        last_us: span.map(|(_, last)| last),
        events: log.events.clone(),
    }
}
