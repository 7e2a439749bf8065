//! Simulated logs of known truth: what the inference says against what was put in.

use hindsight::analysis::{
    Analysis, AnalysisSettings, Effect, InferenceUnit, Looks, StrataChoice, analyze,
};
use hindsight::data::{Arm, Outcome, Quantity, RequestLog, Units};
use hindsight::jobs::Progress;
use hindsight::stats::sequential::asymptotic_sequence;
use hindsight::stats::{Interval, Method};
use hindsight::units::Clock;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const HOUR_US: i64 = 3_600_000_000;

/// One simulated request.
struct Row {
    time_us: i64,
    user: u32,
    is_treated: bool,
    is_error: bool,
    latency_ms: f64,
}

fn log(rows: &[Row]) -> RequestLog {
    let arm = |name: &str| Arm { name: name.into() };
    let times: Vec<i64> = rows.iter().map(|row| row.time_us).collect();
    RequestLog {
        clock: Clock::Epoch,
        arms: vec![arm("stable"), arm("canary")],
        arm: rows.iter().map(|row| u16::from(row.is_treated)).collect(),
        row: (0..rows.len() as u32).collect(),
        start_us: times.clone(),
        event_us: times,
        outcome: rows
            .iter()
            .map(|row| {
                if row.is_error {
                    Outcome::Error
                } else {
                    Outcome::Ok
                }
            })
            .collect(),
        has_outcome: true,
        quantities: vec![(
            Quantity::LatencyMs,
            rows.iter()
                .map(|row| row.latency_ms)
                .collect::<Vec<_>>()
                .into(),
        )],
        units: Some(Units {
            column: "user".into(),
            id: rows.iter().map(|row| row.user).collect(),
            n_units: 1 + rows.iter().map(|row| row.user).max().unwrap_or(0),
        }),
        ..RequestLog::default()
    }
    .assemble()
}

fn run(log: &RequestLog, settings: &AnalysisSettings) -> Analysis {
    analyze(log, settings, &Progress::unwatched()).unwrap()
}

fn effect<'a>(analysis: &'a Analysis, metric: &str) -> &'a Effect {
    let row = analysis.scorecard.iter().find(|row| row.id == metric);
    &row.unwrap().effects[0]
}

/// A canary over four stages of six hours, 5 to 50 %, while errors and latency climb for everybody.
/// Users stick to the canary once they are in it; each has their own proneness to errors.
fn growing_canary(seed: u64, effect: f64) -> RequestLog {
    const N_USERS: u32 = 800;
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let proneness: Vec<f64> = (0..N_USERS)
        .map(|_| random.random_range(0.5..1.5))
        .collect();
    let mut rows = Vec::new();
    for i in 0..16_000_u32 {
        let time_us = i64::from(i) * 24 * HOUR_US / 16_000;
        let stage = (i / 4000) as usize;
        let share = [0.05, 0.15, 0.30, 0.50][stage];
        let user = random.random_range(0..N_USERS);
        let is_treated = f64::from(user) < share * f64::from(N_USERS);
        let drift = [0.04, 0.08, 0.12, 0.16][stage];
        let treated = if is_treated { effect } else { 0.0 };
        let p = (drift * proneness[user as usize] + treated).clamp(0.0, 1.0);
        let noise: f64 = random.random_range(0.5..2.0);
        rows.push(Row {
            time_us,
            user,
            is_treated,
            is_error: random.random::<f64>() < p,
            latency_ms: 1000.0 * (1.0 + stage as f64) * noise,
        });
    }
    log(&rows)
}

/// Time made everything worse while the canary grew. Over the whole log the canary looks guilty;
/// within stages it does not. Over 40 logs the interval within stages holds the truth as often as
/// it says, the one over the whole log hardly ever.
#[test]
fn a_drift_does_not_pass_for_an_effect_within_stages() {
    let pooled_settings = AnalysisSettings {
        strata: StrataChoice::None,
        ..AnalysisSettings::default()
    };
    let (mut within, mut over) = ([0, 0], [0, 0]);
    for seed in 0..40 {
        let log = growing_canary(seed, 0.0);
        let stratified = run(&log, &AnalysisSettings::default());
        let pooled = run(&log, &pooled_settings);
        for (k, metric) in ["error_share", "latency_p50"].into_iter().enumerate() {
            let holds = |analysis| {
                let found = effect(analysis, metric).difference.unwrap();
                u32::from(found.interval.contains(0.0))
            };
            within[k] += holds(&stratified);
            over[k] += holds(&pooled);
        }
    }
    assert!(within.iter().all(|n| (35..=40).contains(n)), "{within:?}");
    assert!(over.iter().all(|n| *n <= 5), "{over:?}");
}

#[test]
fn simpson_between_stages_is_named() {
    let found = run(&growing_canary(7, -0.02), &AnalysisSettings::default());
    let errors = effect(&found, "error_share");
    let stages = errors.stratified.as_ref().unwrap();
    assert!(stages.pooled.unwrap().value > 0.0);
    assert!(errors.difference.unwrap().interval.upper < 0.0);
    assert!((errors.difference.unwrap().value + 0.02).abs() < 0.015);
    let warning = stages.warning.as_deref().unwrap();
    assert!(warning.starts_with("Simpson's paradox"), "{warning}");
    assert!(found.decision.dissent.iter().any(|text| text == warning));
    assert_eq!(stages.strata.len(), 4);
    let weights: f64 = stages.strata.iter().map(|s| s.weight).sum();
    assert!((weights - 1.0).abs() < 1e-12);
}

/// 1,000 users in two arms that do not differ; each has their own proneness to errors.
fn no_difference(seed: u64) -> RequestLog {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let proneness: Vec<f64> = (0..1000).map(|_| random.random_range(0.0..0.4)).collect();
    let rows: Vec<Row> = (0..6000_i64)
        .map(|i| {
            let user = random.random_range(0..1000_u32);
            Row {
                time_us: i * HOUR_US / 100,
                user,
                is_treated: user % 2 == 0,
                is_error: random.random::<f64>() < proneness[user as usize],
                latency_ms: 100.0 + random.random_range(0.0..900.0),
            }
        })
        .collect();
    log(&rows)
}

/// 200 logs without a difference, thirty looks each: the sequences cry wolf at any look as seldom as
/// they promise; intervals for one look do so several times as often.
#[test]
fn looking_again_and_again_is_paid_for() {
    let (mut sequence, mut fixed) = (0, 0);
    for seed in 0..200 {
        let found = run(&no_difference(1000 + seed), &AnalysisSettings::default());
        let series = found.over_time.iter().find(|s| s.metric == "error_share");
        let points = &series.unwrap().points;
        assert!(points.len() > 20, "{}", points.len());
        let excludes = |interval: Interval| !interval.contains(0.0);
        let for_one_look = |k: usize| {
            let p = &points[k];
            let unit = asymptotic_sequence(0.0, 1.0, p.n_units, 5000.0, 0.95).unwrap();
            let half =
                (p.difference.interval.upper - p.difference.value) / unit.estimate.interval.upper;
            Interval::around(p.difference.value, 1.96 * half)
        };
        sequence += u32::from(points.iter().any(|p| excludes(p.difference.interval)));
        fixed += u32::from((0..points.len()).any(|k| excludes(for_one_look(k))));
    }
    assert!(sequence <= 10, "{sequence} of 200");
    assert!(fixed >= 25, "{fixed} of 200");
}

/// The last look has seen everything: it is the scorecard's effect.
#[test]
fn the_last_look_is_the_scorecards_effect() {
    let continuous = AnalysisSettings {
        looks: Looks::Continuous,
        ..AnalysisSettings::default()
    };
    let found = run(&growing_canary(3, 0.01), &continuous);
    for metric in ["error_share", "latency_p95"] {
        let series = found.over_time.iter().find(|s| s.metric == metric).unwrap();
        let last = series.points.last().unwrap().difference;
        let all = effect(&found, metric).difference.unwrap();
        let width = |i: Interval| i.upper - i.lower;
        assert!(
            (last.value - all.value).abs() < 1e-9 * all.value.abs().max(1.0),
            "{metric}"
        );
        let ratio = width(last.interval) / width(all.interval);
        assert!((0.9..1.1).contains(&ratio), "{metric}: {ratio}");
        assert_eq!(all.method, Method::AlwaysValid);
    }
}

#[test]
fn repeated_looks_widen_intervals_and_shares_by_request_are_exact() {
    let log = no_difference(5);
    let at = |looks, unit| {
        let settings = AnalysisSettings {
            looks,
            unit,
            ..AnalysisSettings::default()
        };
        let found = run(&log, &settings);
        effect(&found, "error_share").clone()
    };
    for unit in [InferenceUnit::Unit, InferenceUnit::Request] {
        let (once, often) = (at(Looks::Fixed, unit), at(Looks::Continuous, unit));
        let (a, b) = (once.difference.unwrap(), often.difference.unwrap());
        assert_eq!(a.value, b.value);
        assert!(b.interval.lower < a.interval.lower && b.interval.upper > a.interval.upper);
        assert!(often.p_non_inferior.unwrap() > once.p_non_inferior.unwrap());
    }
    let by_request = at(Looks::Continuous, InferenceUnit::Request);
    assert_eq!(by_request.difference.unwrap().method, Method::BetaBinomial);
}
