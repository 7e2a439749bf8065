//! Recomputing everything about a log of a million requests after a change of the filter; or, of the
//! log that `HINDSIGHT_LOG` names, the time that each phase takes.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a bench that cannot run stops, and prints what it found"
)]

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hindsight::analysis::{AnalysisSettings, analyze};
use hindsight::data::{Arm, Clock, Filter, Numbers, Outcome, Quantity, RequestLog, Segment, Units};
use hindsight::ingest::{LoadRequest, load};
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

/// What is looked at: everything, one value of the first segment, a third of the time.
fn filters(log: &RequestLog) -> [(&'static str, Filter); 3] {
    let (first, last) = log.event_span_us().expect("the log has rows");
    let third = (last - first) / 3;
    let segment = log.segments.first();
    [
        ("everything", Filter::default()),
        (
            "one segment value",
            Filter {
                segment: segment.map(|s| (s.name.clone(), s.values[s.values.len() / 3].clone())),
                ..Filter::default()
            },
        ),
        (
            "a third of the time",
            Filter {
                from_us: Some(first + third),
                to_us: Some(first + 2 * third),
                ..Filter::default()
            },
        ),
    ]
}

fn recomputing(criterion: &mut Criterion) {
    if let Some(path) = std::env::var_os("HINDSIGHT_LOG") {
        return phases(Path::new(&path));
    }
    let log = log();
    let mut group = criterion.benchmark_group("analyze");
    group.sample_size(10);
    group.throughput(Throughput::Elements(N as u64));
    for (name, filter) in filters(&log) {
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

/// Wall time of each phase, the fastest of five runs per filter.
fn phases(path: &Path) {
    let loaded = load(&LoadRequest::of(path), &Progress::unwatched()).expect("the log can be read");
    for (name, filter) in filters(&loaded.log) {
        let settings = AnalysisSettings {
            filter,
            ..AnalysisSettings::default()
        };
        let runs = (0..5).map(|_| watched(&loaded.log, &settings));
        let (all, phases) = runs.min_by_key(|run| run.0).expect("it ran");
        println!("{name}: {:.0} ms", ms(all));
        for (phase, took) in phases {
            println!("  {phase}: {:.0} ms", ms(took));
        }
    }
}

/// One analysis: how long it took, and of that each phase, seen every millisecond.
fn watched(
    log: &RequestLog,
    settings: &AnalysisSettings,
) -> (Duration, Vec<(&'static str, Duration)>) {
    let progress = Progress::unwatched();
    let start = Instant::now();
    std::thread::scope(|scope| {
        let worker = scope.spawn(|| analyze(log, settings, &progress).map(black_box));
        let mut phases: Vec<(&'static str, Duration)> = Vec::new();
        let mut seen = start;
        while !worker.is_finished() {
            std::thread::sleep(Duration::from_millis(1));
            let (phase, now) = (progress.state().0, Instant::now());
            if phases.last().is_none_or(|(last, _)| *last != phase) {
                phases.push((phase, Duration::ZERO));
            }
            if let Some((_, took)) = phases.last_mut() {
                *took += now - seen;
            }
            seen = now;
        }
        let took = start.elapsed();
        worker
            .join()
            .expect("it does not panic")
            .expect("the log can be analysed");
        (took, phases)
    })
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}

criterion_group!(benches, recomputing);
criterion_main!(benches);
