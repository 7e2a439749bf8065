//! The rule lab: rollouts without a difference, made of a million requests of the baseline.

#![expect(clippy::expect_used, reason = "a bench that cannot run stops")]

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hindsight::data::{Arm, Clock, Outcome, Quantity, RequestLog, Units};
use hindsight::jobs::Progress;
use hindsight::lab::{Engine, FIRST_ANSWER, LabPlan, LabSettings, lab};
use hindsight::rules::{ReplaySettings, presets};

/// Requests of the baseline.
const N: usize = 1_000_000;

/// One arm, fifty thousand users; values spread by multiplication.
fn log() -> RequestLog {
    let spread = |i: usize, by: usize, to: usize| i.wrapping_mul(by) / 64 % to;
    let at_us: Vec<i64> = (0..N as i64).map(|i| i * 25_000).collect();
    let latency_ms: Vec<f64> = (0..N)
        .map(|i| {
            let uniform = (spread(i, 69_621, 9_999) as f64 + 1.0) / 10_000.0;
            (400.0 / uniform.sqrt() * 10.0).round() / 10.0
        })
        .collect();
    let rating: Vec<f64> = (0..N)
        .map(|i| match spread(i, 16_807, 50) {
            score @ 0..5 => score as f64 + 1.0,
            _ => f64::NAN,
        })
        .collect();
    RequestLog {
        name: "bench".to_owned(),
        clock: Clock::Epoch,
        arms: vec![Arm {
            name: "stable".to_owned(),
        }],
        arm: vec![0; N],
        row: (0..N as u32).collect(),
        start_us: at_us.clone(),
        event_us: at_us,
        outcome: (0..N)
            .map(|i| {
                if spread(i, 48_271, 50) == 0 {
                    Outcome::Error
                } else {
                    Outcome::Ok
                }
            })
            .collect(),
        has_outcome: true,
        quantities: vec![
            (Quantity::LatencyMs, latency_ms.into()),
            (Quantity::Rating, rating.into()),
        ],
        units: Some(Units {
            column: "user".to_owned(),
            id: (0..N)
                .map(|i| spread(i, 2_654_435_761, N / 20) as u32)
                .collect(),
            n_units: (N / 20) as u32,
        }),
        ..RequestLog::default()
    }
}

fn rollouts(criterion: &mut Criterion) {
    let log = log();
    let arms = ReplaySettings {
        control: 0,
        treatment: 0,
    };
    let settings = LabSettings {
        engine: Engine::Relabel,
        plan: LabPlan::fixed(0.05),
        replicates: FIRST_ANSWER,
        alpha: 0.05,
        seed: 1,
        max_canary_requests: None,
        injections: Vec::new(),
        calibrate: false,
        grid: None,
        focus: None,
        level: 0.95,
    };
    let mut group = criterion.benchmark_group("lab");
    group.sample_size(10);
    group.measurement_time(Duration::from_secs(30));
    group.throughput(Throughput::Elements(u64::from(FIRST_ANSWER) * N as u64));
    for rule in ["quality-monitor", "canary-monitor"] {
        let rulebook = presets::rulebook(&[rule]).expect("the preset is there");
        group.bench_function(format!("{rule}, 100 rollouts"), |bencher| {
            bencher.iter(|| {
                let progress = Progress::unwatched();
                let found = lab(
                    Some((&log, arms)),
                    &rulebook,
                    &settings,
                    &progress,
                    &mut |_| {},
                );
                black_box(found.expect("the log makes rollouts"))
            });
        });
    }
    group.finish();
}

criterion_group!(benches, rollouts);
criterion_main!(benches);
