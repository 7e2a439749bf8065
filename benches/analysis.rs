//! Recomputing everything about a log of a million requests after a change of the filter.

#![expect(clippy::expect_used, reason = "a bench that cannot run stops")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hindsight::analysis::{AnalysisSettings, analyze};
use hindsight::data::{Arm, Clock, Filter, Numbers, Outcome, Quantity, RequestLog, Segment, Units};
use hindsight::jobs::Progress;

const N: usize = 1_000_000;
const N_SEGMENTS: usize = 10;

/// Two arms, fifty thousand users, ten segment values; values spread by multiplication.
fn log() -> RequestLog {
    let spread = |i: usize, by: usize, to: usize| i.wrapping_mul(by) / 64 % to;
    let numbers = |of: &dyn Fn(usize) -> f64| Numbers::from((0..N).map(of).collect::<Vec<_>>());
    let user = |i: usize| spread(i, 2_654_435_761, N / 20);
    RequestLog {
        name: "bench".to_owned(),
        clock: Clock::Epoch,
        arms: ["stable", "canary"]
            .map(|name| Arm { name: name.into() })
            .into(),
        arm: (0..N).map(|i| u16::from(user(i) % 5 == 0)).collect(),
        row: (0..N as u32).collect(),
        start_us: (0..N as i64).map(|i| i * 25_000).collect(),
        event_us: (0..N as i64).map(|i| i * 25_000).collect(),
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
            (
                Quantity::LatencyMs,
                numbers(&|i| 100.0 + spread(i, 69_621, 90_000) as f64 / 10.0),
            ),
            (
                Quantity::TokensIn,
                numbers(&|i| 50.0 + spread(i, 16_807, 4000) as f64),
            ),
        ],
        units: Some(Units {
            column: "user".to_owned(),
            id: (0..N).map(|i| user(i) as u32).collect(),
            n_units: (N / 20) as u32,
        }),
        segments: vec![Segment {
            name: "region".to_owned(),
            values: (0..N_SEGMENTS).map(|i| format!("region-{i}")).collect(),
            code: (0..N).map(|i| (user(i) % N_SEGMENTS) as u16).collect(),
        }],
        ..RequestLog::default()
    }
}

fn recomputing(criterion: &mut Criterion) {
    let log = log();
    let span_us = N as i64 * 25_000;
    let filters = [
        ("everything", Filter::default()),
        (
            "half of the time",
            Filter {
                from_us: Some(span_us / 2),
                ..Filter::default()
            },
        ),
        (
            "one segment",
            Filter {
                segment: Some(("region".to_owned(), "region-3".to_owned())),
                ..Filter::default()
            },
        ),
    ];
    let mut group = criterion.benchmark_group("analyze");
    group.sample_size(10);
    group.throughput(Throughput::Elements(N as u64));
    for (name, filter) in filters {
        let settings = AnalysisSettings {
            filter,
            ..AnalysisSettings::default()
        };
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let analysis = analyze(&log, &settings, &Progress::unwatched());
                black_box(analysis.expect("the log can be analysed"))
            });
        });
    }
    group.finish();
}

criterion_group!(benches, recomputing);
criterion_main!(benches);
