//! Data × statistics: the one value that the screen, the report and the command line show.
//!
//! [`analyze`] turns a log into an [`Analysis`]: plain data that carries the settings, counts and
//! method names that produced it. Nothing downstream computes a number.

mod arms;
mod at_switch;
mod bad_requests;
mod before_after;
mod by_user;
mod carried;
mod cell_stages;
mod clusters;
mod covariate;
mod decision;
mod dissent;
mod effect;
mod family;
mod from_cells;
mod ground;
mod headline;
mod health;
mod latency;
mod looks;
mod metric_scale;
mod metrics;
mod model;
mod next_step;
mod novelty;
mod ordered;
mod outlook;
mod paired;
mod plan;
mod rollouts;
mod scorecard;
mod segment_arms;
mod segment_harm;
mod segments;
mod selection;
mod settings;
mod shadow;
mod spread;
mod stages;
mod strata;
mod strategy;
mod tail;
mod test_reports;
mod trends;
mod verdict;
mod withheld;

#[cfg(test)]
mod simulations;
#[cfg(test)]
mod tests;

pub use bad_requests::{BadRequests, Badness, bad_requests};
pub use cell_stages::{stages_of_cells, unit_plan};
pub use from_cells::{analyze_cells, log_of_cells};
pub use model::*;
pub use rollouts::Rollouts;
pub use selection::{Selection, select};
pub use settings::{
    AnalysisSettings, Correction, CrossingUnits, Looks, Margins, MetricChoice, StrataChoice,
};

use ground::{Beside, Compared, Ground, rows_by_user};

use crate::data::{Quantity, RequestLog};
use crate::error::{Error, ErrorKind, Result};
use crate::jobs::Progress;
use crate::stats::Moments;

/// Compares the arms of a log.
///
/// Fails when the settings name an arm or segment that the log does not have, when the filter
/// leaves no request, or when cancelled. A log with one arm is described, not compared.
pub fn analyze(
    log: &RequestLog,
    settings: &AnalysisSettings,
    progress: &Progress,
) -> Result<Analysis> {
    analyze_again(log, &Rollouts::default(), settings, progress)
}

/// The same as [`analyze`] for a log that is analysed more than once: `rollouts`, always the same for
/// one log, keep what no filter changes.
pub fn analyze_again(
    log: &RequestLog,
    rollouts: &Rollouts,
    settings: &AnalysisSettings,
    progress: &Progress,
) -> Result<Analysis> {
    check_level(settings.level)?;
    progress.phase("Selecting rows", 0)?;
    let n_requests_unfiltered = log.n_rows() as u64;
    // What the rollout was does not depend on which part of it is looked at.
    let (selection, rollout) = rayon::join(
        || selection::of(log, rollouts, settings),
        || -> Result<_> {
            let compared = arms::choose(log, rollouts.sizes(log), settings)?;
            Ok(rollouts.find(log, compared))
        },
    );
    let Selection {
        rows: selected,
        control,
        treatment,
        crossing_left_out,
    } = selection?;
    let rollout = rollout?;
    let stages = rollout.stages.as_slice();
    let strategy = strategy::in_force(&rollout.looks_like, settings, log.clock);
    let chosen_by = arms::chosen_by(log, rollouts.sizes(log), settings, (control, treatment));
    let log = selected.as_ref();
    let rows = scorecard::rows_by_arm(log);
    let arms = arms::summarize(log, &rows, control, treatment);
    let metrics = metrics_of(log, &strategy, settings)?;
    let compared = (control, treatment);
    let strata = strata_of(log, settings, &strategy, &rollout.strata);
    let inference = effect::Inference::new(settings, strata.as_ref());

    progress.phase("Scoring the arms", metrics.len() as u64)?;
    let looks = looks::ends(log);
    let cuts = by_user::Cuts::of(log, strata.as_ref(), &looks);
    let by_user = rows_by_user(log, &rows, &cuts);
    let of_metrics: Vec<&metrics::Metric> = metrics.iter().collect();
    let quantiles = (latency::DIFFERENCE_QUANTILES.as_slice(), inference);
    let latencies = ordered::Latencies::of(log, &of_metrics, &by_user, quantiles, progress)?;
    let ground = Ground {
        log,
        metrics: &metrics,
        rows: &rows,
        by_user: &by_user,
        looks: &looks,
        latencies: &latencies,
        compared,
        strategy: &strategy,
        arms: &arms,
        settings,
        inference,
    };
    let Compared {
        scorecard,
        shadow,
        covariate,
        by_segment,
        over_time,
    } = Compared::of(&ground, progress)?;
    let latency = latency::panels(log, (&rows, &latencies), control, inference, progress)?;
    progress.phase("Health of the log", 0)?;
    let subject = health::Subject {
        log,
        by_user: &by_user,
        arms: &arms,
        control,
        treatment,
        stages,
        strategy: &strategy,
        scorecard: &scorecard,
        settings,
        left_out: crossing_left_out.as_ref(),
    };
    let Beside {
        health,
        novelty,
        trends,
        mut tests,
    } = Beside::of(&ground, &subject, covariate.as_ref(), progress)?;
    test_reports::heed_neighbours(&mut tests, &health);
    let switch = before_after::find(log, &metrics, compared, &strategy, settings.level);
    let summary = summary(log, n_requests_unfiltered);
    let baseline = baseline(log, &rows[control], &latencies, control);
    let plan = plan::inputs(&summary, &baseline, &scorecard, compared, &arms);
    let mut decision = decision::decide(
        &arms,
        compared,
        &scorecard,
        (&by_segment.effects, stages),
        &health,
        (&strategy, switch.as_ref()),
        (&summary, settings),
    );
    dissent::add_choice(&mut decision, &arms, compared, chosen_by);
    tail::add_tails(&mut decision, &latency, &scorecard, &arms, compared);
    Ok(Analysis {
        schema: SCHEMA,
        settings: settings.clone(),
        log: summary,
        crossing_left_out,
        stages: strategy::shown_stages(&strategy, stages),
        strategy,
        decision,
        control,
        treatment,
        chosen_by,
        arms,
        health,
        scorecard,
        latency,
        trends,
        tests,
        over_time,
        segments: by_segment.effects,
        segment_columns: by_segment.columns,
        segment_spread: by_segment.spread,
        segment_arms: by_segment.arms,
        other_segments: by_segment.others,
        covariate,
        shadow,
        switch,
        novelty,
        plan,
        cells: None,
    })
}

/// What the control shows for a plan.
fn baseline(
    log: &RequestLog,
    rows: &[u32],
    latencies: &ordered::Latencies<'_>,
    control: usize,
) -> plan::Baseline {
    let latencies = latencies.arms(Quantity::LatencyMs);
    plan::Baseline {
        rating: log.quantity(Quantity::Rating).map(|values| {
            let of_control = rows.iter().map(|row| values[*row as usize]);
            Moments::from_slice(&of_control.collect::<Vec<f64>>())
        }),
        latency_ms: latencies.map(|arms| arms[control].ordered.moments),
    }
}

/// The metrics of a log with the analyst's choices applied.
fn metrics_of(
    log: &RequestLog,
    strategy: &StrategyFinding,
    settings: &AnalysisSettings,
) -> Result<Vec<metrics::Metric>> {
    let mut metrics = metrics::of_log(log, settings)?;
    if strategy.strategy == Strategy::Shadow {
        paired::set_ratings_aside(&mut metrics, settings);
    }
    Ok(metrics)
}

fn check_level(level: f64) -> Result<()> {
    if level > 0.5 && level < 1.0 {
        return Ok(());
    }
    let message = "The confidence level must lie between 0.5 and 1";
    Err(Error::new(ErrorKind::Settings, message).key("level"))
}

/// Metrics whose figures health checks read.
const AUDITED_METRICS: [&str; 4] = [
    "error_share",
    "latency_p50",
    "rated_share",
    "tokens_in_mean",
];

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
    let rollout = Rollouts::default().find(log, (control, treatment));
    let stages = rollout.stages.as_slice();
    let strategy = strategy::in_force(&rollout.looks_like, settings, log.clock);
    let log = selected.as_ref();
    let rows = scorecard::rows_by_arm(log);
    let arms = arms::summarize(log, &rows, control, treatment);
    let mut metrics = metrics::of_log(log, settings)?;
    metrics.retain(|metric| AUDITED_METRICS.contains(&metric.id.as_str()));
    let strata = strata_of(log, settings, &strategy, &rollout.strata);
    let inference = effect::Inference::new(settings, strata.as_ref());
    let of_metrics: Vec<&metrics::Metric> = metrics.iter().collect();
    let cuts = by_user::Cuts::of(log, strata.as_ref(), &[]);
    let by_user = rows_by_user(log, &rows, &cuts);
    let latencies = ordered::Latencies::of(log, &of_metrics, &by_user, (&[], inference), progress)?;
    let observed = (by_user.as_slice(), &latencies);
    let scorecard = scorecard::scorecard(log, &metrics, observed, control, inference, progress)?;
    let health = health::checks(
        &health::Subject {
            log,
            by_user: &by_user,
            arms: &arms,
            control,
            treatment,
            stages,
            strategy: &strategy,
            scorecard: &scorecard,
            settings,
            left_out: crossing_left_out.as_ref(),
        },
        progress,
    )?;
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
    strategy: &StrategyFinding,
    starts: &[i64],
) -> Option<strata::Strata> {
    let is_wanted = settings.strata == StrataChoice::Stages && strategy.strategy.has_stages();
    strata::Strata::of(log, starts).filter(|_| is_wanted)
}

/// The stages of the rollout from `control` to `treatment`, inferred from the treatment's share of
/// the requests over time; empty for a log without times.
pub fn observed_stages(log: &RequestLog, control: usize, treatment: usize) -> Vec<Stage> {
    stages::infer(log, control, treatment)
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
        times: if log.event_us == log.start_us {
            EventTimes::Start
        } else {
            EventTimes::Completion
        },
        has_outcome: log.has_outcome,
        events: log.events.clone(),
    }
}
