//! Logs drawn with a known truth: intervals of shadow pairs, switches and novelty cover it as often
//! as they say.

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution as _, Normal};

use super::*;
use crate::data::{Arm, Clock, Outcome, Quantity, RequestIds, Units};

const HOUR_US: i64 = 3_600_000_000;
const DAY_US: i64 = 24 * HOUR_US;
/// 2026-03-02, a Monday.
const MONDAY_US: i64 = 20_514 * DAY_US;

/// One request: start, arm, user, latency, failed, hash of its id.
struct Row {
    start_us: i64,
    arm: u16,
    user: u32,
    latency_ms: f64,
    is_error: bool,
    id: u64,
}

fn log(mut rows: Vec<Row>, n_units: u32) -> RequestLog {
    rows.sort_by_key(|row| row.start_us);
    let arm = |name: &str| Arm { name: name.into() };
    let latency: Vec<f64> = rows.iter().map(|row| row.latency_ms).collect();
    RequestLog {
        clock: Clock::Epoch,
        arms: vec![arm("old"), arm("new")],
        arm: rows.iter().map(|row| row.arm).collect(),
        row: (0..rows.len() as u32).collect(),
        start_us: rows.iter().map(|row| row.start_us).collect(),
        event_us: rows.iter().map(|row| row.start_us).collect(),
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
        quantities: vec![(Quantity::LatencyMs, latency.into())],
        units: Some(Units {
            column: "user".into(),
            id: rows.iter().map(|row| row.user).collect(),
            n_units,
        }),
        request_id: Some(RequestIds::of_hashes(
            &rows.iter().map(|row| row.id).collect::<Vec<_>>(),
        )),
        ..RequestLog::default()
    }
}

fn normal(rng: &mut ChaCha8Rng, mean: f64, sd: f64) -> f64 {
    Normal::new(mean, sd).unwrap().sample(rng)
}

fn run(log: &RequestLog, strategy: Strategy) -> Analysis {
    let settings = AnalysisSettings {
        strategy: Some(strategy),
        ..AnalysisSettings::default()
    };
    analyze(log, &settings, &Progress::unwatched()).unwrap()
}

/// 60 users of 1 to 12 requests, each answered twice; the shadow takes 80 ms more on average, and
/// differs from user to user.
fn shadow(rng: &mut ChaCha8Rng) -> RequestLog {
    let mut rows = Vec::new();
    let mut id = 0;
    for user in 0..60 {
        let extra = normal(rng, 80.0, 60.0);
        for _ in 0..rng.random_range(1..=12) {
            id += 1;
            let start_us = MONDAY_US + rng.random_range(0..DAY_US);
            let hard = normal(rng, 2000.0, 700.0);
            for arm in 0..2u16 {
                let own = normal(rng, 0.0, 50.0);
                rows.push(Row {
                    start_us: start_us + i64::from(arm),
                    arm,
                    user,
                    latency_ms: (hard + f64::from(arm) * extra + own).max(1.0),
                    is_error: false,
                    id,
                });
            }
        }
    }
    log(rows, 60)
}

#[test]
fn paired_differences_cover_the_truth() {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let mut covered = 0;
    let (mut paired, mut unpaired) = (0.0, 0.0);
    for _ in 0..200 {
        let analysis = run(&shadow(&mut rng), Strategy::Shadow);
        let found = analysis.shadow.unwrap();
        assert_eq!(found.n_unpaired, (0, 0));
        let latency = found
            .metrics
            .iter()
            .find(|m| m.metric == "latency_mean")
            .unwrap();
        assert_eq!(latency.unit, InferenceUnit::Unit);
        let interval = latency.difference.unwrap().interval;
        covered += u32::from(interval.contains(80.0));
        paired += interval.upper - interval.lower;
        let p50 = analysis
            .scorecard
            .iter()
            .find(|row| row.id == "latency_p50")
            .unwrap();
        let interval = p50.effects[0].difference.unwrap().interval;
        unpaired += interval.upper - interval.lower;
    }
    assert!((182..=199).contains(&covered), "{covered} of 200");
    assert!(
        paired * 3.0 < unpaired,
        "pairing pays: {paired} against {unpaired}"
    );
}

#[test]
fn pairs_partners_and_failures_are_counted() {
    let row = |start_us, arm, user, is_error, id| Row {
        start_us,
        arm,
        user,
        latency_ms: 100.0 + start_us as f64,
        is_error,
        id,
    };
    let mut rows = Vec::new();
    for i in 0..40i64 {
        rows.push(row(2 * i, 0, i as u32, i < 3, i as u64 + 1));
        rows.push(row(
            2 * i + 1,
            1,
            i as u32,
            (2..9).contains(&i),
            i as u64 + 1,
        ));
    }
    rows.push(row(100, 0, 3, false, 900));
    rows.push(row(101, 1, 3, false, 901));
    rows.push(row(102, 1, 3, false, 902));
    // The third request's shadow was tried again, and the second attempt answered.
    rows.push(row(200, 1, 2, false, 3));
    let found = run(&log(rows, 40), Strategy::Shadow).shadow.unwrap();
    assert_eq!(
        (found.n_pairs, found.n_unpaired, found.n_repeats),
        (40, (1, 2), 1)
    );
    let errors = found.errors.unwrap();
    let counts = errors.counts;
    assert_eq!(
        (
            counts.both,
            counts.only_control,
            counts.only_treatment,
            counts.neither
        ),
        (0, 3, 6, 31)
    );
    assert_eq!(errors.agreement, 31.0 / 40.0);
    // Mid-p by hand: 2·P(X ≤ 2) + P(X = 3) for Binomial(9, ½) = (2·46 + 84)/512.
    assert!((errors.test.unwrap().p - 176.0 / 512.0).abs() < 1e-12);
    assert_eq!(found.load[0].treatment, 43.0);
}

/// Six days of 100 requests an hour with a daily pattern and a drift; the switch comes at noon of
/// the fourth day and adds 300 ms.
fn blue_green(rng: &mut ChaCha8Rng) -> RequestLog {
    let mut rows = Vec::new();
    let switch = MONDAY_US + 3 * DAY_US + 12 * HOUR_US;
    let mut drift = 0.0;
    for hour in 0..144i64 {
        drift = 0.5 * drift + normal(rng, 0.0, 40.0);
        for _ in 0..30 {
            let start_us = MONDAY_US + hour * HOUR_US + rng.random_range(0..HOUR_US);
            let is_after = start_us >= switch;
            let daily = 200.0 * (std::f64::consts::TAU * hour as f64 / 24.0).cos();
            let mean = 2000.0 + daily + drift + hour as f64 + if is_after { 300.0 } else { 0.0 };
            rows.push(Row {
                start_us,
                arm: u16::from(is_after),
                user: rng.random_range(0..500),
                latency_ms: normal(rng, mean, 100.0),
                is_error: rng.random_range(0..50) == 0,
                id: 0,
            });
        }
    }
    log(rows, 500)
}

#[test]
fn a_switch_is_found_and_its_jump_covered() {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let mut covered = 0;
    for i in 0..100 {
        let log = blue_green(&mut rng);
        let settings = AnalysisSettings::default();
        let found = if i == 0 {
            let analysis = analyze(&log, &settings, &Progress::unwatched()).unwrap();
            assert_eq!(analysis.strategy.strategy, Strategy::BlueGreen);
            analysis.switch.unwrap()
        } else {
            let metrics = metrics::of_log(&log, &settings).unwrap();
            let strategy = StrategyFinding {
                strategy: Strategy::BlueGreen,
                is_declared: true,
                why: String::new(),
                consequence: String::new(),
            };
            before_after::find(&log, &metrics, (0, Some(1)), &strategy, 0.95).unwrap()
        };
        let off = (found.at_us - (MONDAY_US + 3 * DAY_US + 12 * HOUR_US)).abs();
        assert!(
            off < HOUR_US / 4 && found.n_stray == 0 && found.has_daily_pattern,
            "{off}"
        );
        let latency = found
            .series
            .iter()
            .find(|s| s.metric == "latency_p50")
            .unwrap();
        covered += u32::from(latency.level.interval.contains(300.0));
    }
    assert!((88..=99).contains(&covered), "{covered} of 100");
}

#[test]
fn the_treatment_may_run_first() {
    let mut log = blue_green(&mut ChaCha8Rng::seed_from_u64(6));
    log.arm.iter_mut().for_each(|arm| *arm = 1 - *arm);
    log.arm[10] = 0;
    let found = run(&log, Strategy::BlueGreen).switch.unwrap();
    assert_eq!((found.before, found.after, found.n_stray), (1, 0, 1));
    assert!(
        (found
            .series
            .iter()
            .find(|s| s.metric == "latency_p50")
            .unwrap()
            .level
            .value
            - 300.0)
            .abs()
            < 120.0
    );
}

/// 400 users over six days; users differ, and the treatment's effect of −200 ms fades by 30 ms a day.
fn fading(rng: &mut ChaCha8Rng, fade: f64) -> RequestLog {
    let mut rows = Vec::new();
    for user in 0..400u32 {
        let arm = (user % 2) as u16;
        let own = normal(rng, 2000.0, 150.0);
        let met = MONDAY_US + rng.random_range(0..DAY_US);
        for day in 0..5i64 {
            for request in 0..rng.random_range(1..4i64) {
                let effect = f64::from(arm) * (fade * day as f64 - 200.0);
                rows.push(Row {
                    start_us: met + day * DAY_US + request * HOUR_US,
                    arm,
                    user,
                    latency_ms: normal(rng, own + effect, 200.0),
                    is_error: false,
                    id: 0,
                });
            }
        }
    }
    log(rows, 400)
}

#[test]
fn a_fading_effect_is_covered_by_its_trend() {
    let mut rng = ChaCha8Rng::seed_from_u64(8);
    let mut covered = 0;
    let settings = AnalysisSettings::default();
    let strategy = StrategyFinding {
        strategy: Strategy::AbTest,
        is_declared: true,
        why: String::new(),
        consequence: String::new(),
    };
    for _ in 0..200 {
        let log = fading(&mut rng, 30.0);
        let metrics = metrics::of_log(&log, &settings).unwrap();
        let found = novelty::find(&log, &metrics, (0, Some(1)), &strategy, 0.95).unwrap();
        let latency = found
            .series
            .iter()
            .find(|s| s.metric == "latency_mean")
            .unwrap();
        assert_eq!(latency.days.len(), 5);
        covered += u32::from(latency.slope_per_day.interval.contains(30.0));
    }
    assert!((182..=199).contains(&covered), "{covered} of 200");
    let found = run(&fading(&mut rng, 30.0), Strategy::AbTest)
        .novelty
        .unwrap();
    let latency = found
        .series
        .iter()
        .find(|s| s.metric == "latency_mean")
        .unwrap();
    assert!((latency.days[0].difference.unwrap().value + 200.0).abs() < 60.0);
    assert!(latency.test.p < 0.01);
}
