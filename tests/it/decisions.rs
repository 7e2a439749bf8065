//! Decisions on logs made for them: the published 2×2 example, a shadow test, and whether what would
//! change a decision does change it.

use hindsight::analysis::{
    Analysis, AnalysisSettings, DecisionKind, InferenceUnit, Strategy, Verdict,
};
use hindsight::analysis::{TestLine, analyze};
use hindsight::data::{Arm, Outcome, Quantity, RequestIds, RequestLog, Units};
use hindsight::jobs::Progress;
use hindsight::stats::TestName;
use hindsight::units::Clock;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// One request: arm, user, failed, rating (NaN for none).
type Row = (u16, u32, bool, f64);

fn log(rows: &[Row], has_users: bool) -> RequestLog {
    let arm = |name: &str| Arm { name: name.into() };
    let times: Vec<i64> = (0..rows.len() as i64).map(|i| i * 1_000_000).collect();
    let outcome = |failed: bool| if failed { Outcome::Error } else { Outcome::Ok };
    let ratings: Vec<f64> = rows.iter().map(|row| row.3).collect();
    let is_rated = ratings.iter().any(|rating| !rating.is_nan());
    RequestLog {
        clock: Clock::Epoch,
        arms: vec![arm("stable"), arm("canary")],
        arm: rows.iter().map(|row| row.0).collect(),
        row: (0..rows.len() as u32).collect(),
        start_us: times.clone(),
        event_us: times,
        outcome: rows.iter().map(|row| outcome(row.2)).collect(),
        has_outcome: true,
        quantities: is_rated
            .then(|| (Quantity::Rating, ratings.into()))
            .into_iter()
            .collect(),
        units: has_users.then(|| Units {
            column: "user".into(),
            id: rows.iter().map(|row| row.1).collect(),
            n_units: 1 + rows.iter().map(|row| row.1).max().unwrap_or(0),
        }),
        ..RequestLog::default()
    }
    .assemble()
}

fn run(log: &RequestLog, settings: &AnalysisSettings) -> Analysis {
    analyze(log, settings, &Progress::unwatched()).unwrap()
}

/// Control 2,100 good and 300 bad, treatment 2,200 and 200: the table of a guide to LLM rollouts,
/// which runs scipy's `chi2_contingency` on it (Yates by default). Reference: `scipy` 1.17, R 4.5.
#[test]
fn the_published_table_has_the_right_figures() {
    let cells = [
        (0, false, 2100),
        (0, true, 300),
        (1, false, 2200),
        (1, true, 200),
    ];
    let mut rows: Vec<Row> = cells
        .iter()
        .flat_map(|(arm, failed, n)| vec![(*arm, 0, *failed, f64::NAN); *n])
        .collect();
    // Side by side in time: a fixed shuffle.
    rows = (0..rows.len())
        .map(|i| rows[i * 2693 % rows.len()])
        .collect();
    let analysis = run(&log(&rows, false), &AnalysisSettings::default());
    let effect = &analysis.scorecard[0].effects[0];
    let difference = effect.difference.unwrap();
    let near = |value: f64, expected: f64, digits: i32| {
        let gap = (value - expected).abs();
        assert!(gap <= 0.5001 * 10f64.powi(-digits), "{value} {expected}");
    };
    near(difference.value, -0.041_667, 6);
    near(difference.interval.lower, -0.0590, 4);
    near(difference.interval.upper, -0.0244, 4);
    assert_eq!(effect.unit, InferenceUnit::Request);
    let tests = &analysis.tests[0].tests;
    let of = |name: TestName| -> &TestLine {
        tests.iter().find(|line| line.result.name == name).unwrap()
    };
    let chi_square = effect.test.unwrap();
    assert_eq!(chi_square.name, TestName::ChiSquare);
    near(chi_square.statistic, 22.3256, 4);
    near(chi_square.p * 1e6, 2.3012, 4);
    let yates = of(TestName::ChiSquareYates).result;
    near(yates.statistic, 21.8813, 4);
    near(yates.p * 1e6, 2.9005, 4);
    near(of(TestName::FisherExact).result.p * 1e6, 2.7185, 4);
    near(
        of(TestName::TwoProportionPooled).result.statistic,
        -4.7250,
        4,
    );
    near(effect.relative.unwrap().value, 0.6667 - 1.0, 4);
}

/// 300 users, one request each, answered by both arms; hard requests fail in both.
fn shadow(seed: u64, more: f64) -> Analysis {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut rows = Vec::new();
    for user in 0..3000 {
        let is_hard = random.random::<f64>() < 0.1;
        let fails = is_hard || random.random::<f64>() < 0.002;
        let own = random.random::<f64>() < more;
        let rating = f64::from(random.random_range(1..=5_u32));
        rows.push((0, user, fails, rating));
        rows.push((1, user, fails || own, f64::NAN));
    }
    let mut log = log(&rows, true);
    let ids: Vec<u64> = (0..rows.len() as u64).map(|row| row / 2 + 1).collect();
    log.request_id = Some(RequestIds::of_hashes(&ids));
    let analysis = run(&log, &AnalysisSettings::default());
    assert_eq!(analysis.strategy.strategy, Strategy::Shadow);
    analysis
}

#[test]
fn a_shadow_test_is_decided_on_its_pairs_and_not_on_ratings_it_cannot_have() {
    let analysis = shadow(3, 0.001);
    let effect = &analysis.scorecard[0].effects[0];
    let (paired, unpaired) = (
        effect.difference.unwrap(),
        effect.unpaired.unwrap().difference,
    );
    assert!((paired.value - unpaired.value).abs() < 1e-12);
    let width = |e: hindsight::stats::Estimate| e.interval.upper - e.interval.lower;
    assert!(
        3.0 * width(paired) < width(unpaired),
        "{paired:?} {unpaired:?}"
    );
    assert_eq!(effect.verdict, Verdict::WithinMargin);
    assert_eq!(
        analysis.decision.kind,
        DecisionKind::Ship,
        "{:?}",
        analysis.decision
    );
    let worse = shadow(4, 0.03);
    assert_eq!(worse.decision.kind, DecisionKind::RollBack);
    assert!(worse.scorecard[0].effects[0].test.unwrap().name == TestName::Paired);
}

/// `users` users an arm with 1 to 5 requests, failing at given shares.
fn ab(random: &mut ChaCha8Rng, users: u32, shares: [f64; 2]) -> Analysis {
    let mut rows = Vec::new();
    for user in 0..2 * users {
        let arm = (user % 2) as u16;
        for _ in 0..random.random_range(1..=5_u32) {
            let failed = random.random::<f64>() < shares[usize::from(arm)];
            rows.push((arm, user, failed, f64::NAN));
        }
    }
    for i in (1..rows.len()).rev() {
        rows.swap(i, random.random_range(0..=i));
    }
    run(&log(&rows, true), &AnalysisSettings::default())
}

/// An open metric says how many more users settle it with a chance of 80 %. With so many, and with
/// the truth where the estimate stands, as many logs out of 200 are settled.
#[test]
fn the_users_that_an_outlook_asks_for_settle_the_metric_as_often_as_it_says() {
    let mut random = ChaCha8Rng::seed_from_u64(9);
    for (users, shares, goal) in [
        (700, [0.05, 0.053], Verdict::WithinMargin),
        (700, [0.05, 0.066], Verdict::Worse),
    ] {
        let open = (0..20)
            .map(|_| ab(&mut random, users, shares))
            .find(|found| {
                let effect = &found.scorecard[0].effects[0];
                let value = effect.difference.unwrap().value;
                let is_like_goal = (value > 0.01) == (goal == Verdict::Worse);
                let outlook = found.decision.would_change.first();
                effect.verdict == Verdict::Inconclusive
                    && is_like_goal
                    && (value - 0.01).abs() > 0.002
                    && outlook.is_some_and(|o| !o.text.contains("out of this log's reach"))
            })
            .unwrap();
        let outlook = &open.decision.would_change[0];
        assert!(
            outlook.text.contains("with a chance of 80"),
            "{}",
            outlook.text
        );
        let n_more = outlook.n_more.unwrap();
        let values = &open.scorecard[0].values;
        let truth = [0, 1].map(|arm: usize| values[arm].estimate.unwrap().value);
        let all = u64::from(users) + n_more / 2;
        let settled = (0..200)
            .filter(|_| {
                let found = ab(&mut random, all as u32, truth);
                let verdict = found.scorecard[0].effects[0].verdict;
                // Better is more than was asked for.
                verdict == goal || (goal == Verdict::WithinMargin && verdict == Verdict::Better)
            })
            .count();
        assert!(
            (140..=180).contains(&settled),
            "{settled} of 200 {goal:?}: {}",
            outlook.text
        );
    }
}
