//! The comparisons of an analysis, side by side: what each stands on, and what they found.

use rayon::prelude::*;

use super::by_user::{Cuts, UserRows};
use super::effect::Inference;
use super::health::Subject;
use super::metrics::Metric;
use super::model::{
    ArmSummary, CovariateFinding, EffectSeries, HealthCheck, NoveltyFinding, ScorecardRow,
    SegmentArms, SegmentColumn, SegmentEffect, SegmentSpread, ShadowFinding, StrategyFinding,
    TestReport, Trends,
};
use super::ordered::Latencies;
use super::segment_arms::BySegment;
use super::settings::AnalysisSettings;
use super::{
    carried, covariate, family, health, looks, novelty, paired, scorecard, segment_arms,
    segment_harm, segments, shadow, spread, test_reports, trends,
};
use crate::data::RequestLog;
use crate::error::Result;
use crate::jobs::Progress;

/// What the parts of an analysis stand on.
pub(super) struct Ground<'a> {
    pub(super) log: &'a RequestLog,
    pub(super) metrics: &'a [Metric],
    /// Per arm, in order of time.
    pub(super) rows: &'a [Vec<u32>],
    /// The same user by user.
    pub(super) by_user: &'a [UserRows<'a>],
    /// Ends of the looks.
    pub(super) looks: &'a [u32],
    pub(super) latencies: &'a Latencies<'a>,
    /// Control and treatment.
    pub(super) compared: (usize, Option<usize>),
    pub(super) strategy: &'a StrategyFinding,
    pub(super) arms: &'a [ArmSummary],
    pub(super) settings: &'a AnalysisSettings,
    pub(super) inference: Inference<'a>,
}

/// Arm against arm: over all requests, by segment and over time.
pub(super) struct Compared {
    pub(super) scorecard: Vec<ScorecardRow>,
    pub(super) shadow: Option<ShadowFinding>,
    pub(super) covariate: Option<CovariateFinding>,
    pub(super) by_segment: BySegment,
    pub(super) over_time: Vec<EffectSeries>,
}

impl Compared {
    pub(super) fn of(ground: &Ground<'_>, progress: &Progress) -> Result<Self> {
        // What takes longest comes first, so that another core finds enough to take.
        let (scored, (by_segment, over_time)) = rayon::join(
            || scored(ground, progress),
            || {
                let of_arms = || {
                    let by_segment = by_segment(ground, progress);
                    let others = others_by_segment(ground, progress);
                    (by_segment, every_arm(ground, progress), others)
                };
                rayon::join(of_arms, || over_time(ground, progress))
            },
        );
        let (by_segment, segment_arms, others) = by_segment;
        let (scorecard, shadow, covariate) = scored?;
        let (mut segments, segment_columns) = by_segment?;
        let by_segment = BySegment {
            spread: conclude(ground, &scorecard, &mut segments, progress)?,
            effects: segments,
            columns: segment_columns,
            arms: segment_arms?,
            others: segment_arms::conclude(others?, &scorecard, ground.settings),
        };
        Ok(Self {
            scorecard,
            shadow,
            covariate,
            by_segment,
            over_time: over_time?,
        })
    }
}

/// Corrects and orders the effects within segment values, and tells how they spread.
fn conclude(
    ground: &Ground<'_>,
    scorecard: &[ScorecardRow],
    effects: &mut [SegmentEffect],
    progress: &Progress,
) -> Result<Vec<SegmentSpread>> {
    let Some((treatment, sides)) = ground.ordered_sides() else {
        return Ok(Vec::new());
    };
    segment_harm::conclude(effects, scorecard, treatment, ground.settings);
    let spreads = spread::spreads(effects, scorecard, treatment, ground.settings);
    let overall = (scorecard, treatment);
    let alpha = 1.0 - ground.settings.level;
    segment_harm::leave_out_repeats(effects, &spreads, overall, alpha);
    let (log, metrics) = (ground.log, ground.metrics);
    let of_arms = (treatment, sides);
    let inference = ground.inference;
    segments::tell_same(log, metrics, of_arms, inference, effects, progress)?;
    let found = (scorecard, spreads.as_slice());
    let remaining = |metric: &Metric, without: &SegmentEffect| {
        segments::remaining(log, metric, of_arms, inference, without, progress)
    };
    carried::tell_carried(metrics, (treatment, alpha), found, effects, remaining)?;
    Ok(spreads)
}

/// What stands beside the comparison.
pub(super) struct Beside {
    pub(super) health: Vec<HealthCheck>,
    pub(super) novelty: Option<NoveltyFinding>,
    pub(super) trends: Option<Trends>,
    pub(super) tests: Vec<TestReport>,
}

impl Beside {
    pub(super) fn of(
        ground: &Ground<'_>,
        subject: &Subject<'_>,
        covariate: Option<&CovariateFinding>,
        progress: &Progress,
    ) -> Result<Self> {
        let Ground {
            log,
            metrics,
            rows,
            latencies,
            compared,
            strategy,
            inference,
            ..
        } = *ground;
        let level = inference.level;
        let tests = || {
            let scored = (metrics, subject.scorecard);
            let explained = (strategy, covariate);
            let arms = (subject.arms, compared.0);
            test_reports::reports(log, scored, (rows, latencies), explained, arms, level)
        };
        let ((health, tests), (novelty, trends)) = rayon::join(
            || rayon::join(|| health::checks(subject, progress), tests),
            || {
                rayon::join(
                    || novelty::find(log, metrics, compared, strategy, level),
                    || trends::trends(log, metrics, level, progress),
                )
            },
        );
        progress.check()?;
        Ok(Self {
            health: health?,
            novelty,
            trends: trends?,
            tests,
        })
    }
}

impl<'a> Ground<'a> {
    /// The treatment's index, with both arms' rows user by user.
    fn ordered_sides(&self) -> Option<(usize, [&'a UserRows<'a>; 2])> {
        let (control, treatment) = (self.compared.0, self.compared.1?);
        Some((
            treatment,
            [control, treatment].map(|arm| &self.by_user[arm]),
        ))
    }

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
        by_user,
        latencies,
        compared,
        strategy,
        settings,
        inference,
        ..
    } = *ground;
    let observed = (by_user, latencies);
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
    family::adjust(&mut scorecard, settings);
    Ok((scorecard, shadow, covariate))
}

/// The scorecard, with what took part in it.
type Scored = (
    Vec<ScorecardRow>,
    Option<ShadowFinding>,
    Option<CovariateFinding>,
);

/// Effects within segment values, neither corrected nor ordered; none without a treatment.
fn by_segment(
    ground: &Ground<'_>,
    progress: &Progress,
) -> Result<(Vec<SegmentEffect>, Vec<SegmentColumn>)> {
    let Some(of_arms) = ground.ordered_sides() else {
        return Ok(Default::default());
    };
    let (log, metrics) = (ground.log, ground.metrics);
    segments::segments(
        log,
        &segment_arms::told(metrics),
        of_arms,
        ground.inference,
        progress,
    )
}

/// The same for the other arms that are shown, on metrics that decide.
fn others_by_segment(ground: &Ground<'_>, progress: &Progress) -> Result<Vec<Vec<SegmentEffect>>> {
    let (log, control) = (ground.log, ground.compared.0);
    let metrics = segment_arms::deciding(ground.metrics);
    let of_arm = |arm: usize| {
        let of_arms = (arm, [control, arm].map(|arm| &ground.by_user[arm]));
        let (found, _) = segments::segments(log, &metrics, of_arms, ground.inference, progress)?;
        Ok(found)
    };
    let others = segment_arms::others(ground.arms, ground.compared);
    others.into_iter().map(of_arm).collect()
}

/// Every arm by segment value; nothing where no more than two arms are compared.
fn every_arm(ground: &Ground<'_>, progress: &Progress) -> Result<Vec<SegmentArms>> {
    let shown = segment_arms::shown(ground.arms, ground.compared);
    let arms = (shown.as_slice(), ground.by_user);
    let (log, metrics) = (ground.log, ground.metrics);
    segment_arms::segment_arms(log, metrics, arms, ground.inference, progress)
}

/// The treatment's effects over time; none without times.
fn over_time(ground: &Ground<'_>, progress: &Progress) -> Result<Vec<EffectSeries>> {
    let (control, treatment) = ground.compared;
    // Without a common time, what grows is not the evidence but the stretch of one arm that is seen.
    let is_concurrent = !ground.looks.is_empty() && ground.strategy.strategy.is_concurrent();
    let Some(treatment) = treatment.filter(|_| is_concurrent) else {
        return Ok(Vec::new());
    };
    let observed = (ground.by_user, ground.latencies);
    let sides = ((control, treatment), ground.looks);
    let (log, metrics) = (ground.log, ground.metrics);
    looks::series(log, metrics, observed, sides, ground.inference, progress)
}

/// Each arm's rows user by user, in stretches between cuts.
pub(super) fn rows_by_user<'a>(
    log: &RequestLog,
    rows: &'a [Vec<u32>],
    cuts: &'a Cuts,
) -> Vec<UserRows<'a>> {
    let of_arm = |rows: &'a Vec<u32>| UserRows::of(log, rows, cuts);
    rows.par_iter().map(of_arm).collect()
}
