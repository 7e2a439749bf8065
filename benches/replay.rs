//! Replaying rules over 20 million requests in memory, on one core; and a threshold that is dragged.

#![expect(clippy::expect_used, reason = "a bench that cannot run stops")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hindsight::data::{Arm, Clock, Outcome, Quantity, RequestLog};
use hindsight::jobs::Progress;
use hindsight::rules::passage::{Until, Watch, first_over, oriented};
use hindsight::rules::{Assignment, Prepared, Rulebook, presets, replay_rule};

const N: usize = 20_000_000;
/// Rows under a threshold that is dragged.
const N_DRAGGED: usize = 10_000_000;

/// Two arms, 200 requests a second, skewed latencies in tenths of a ms, a tenth of them rated.
fn log(n: usize) -> RequestLog {
    let mut state = 1_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let draws: Vec<u64> = (0..n).map(|_| random()).collect();
    let share = |draw: u64, shift: u32| f64::from((draw >> shift) as u16) / 65_536.0;
    let latency = |draw: &u64| {
        let u = share(*draw, 0) + share(*draw, 16) + share(*draw, 32);
        ((u * 2.0).exp() * 1000.0).round() / 10.0
    };
    RequestLog {
        name: "bench".to_owned(),
        clock: Clock::Epoch,
        arms: ["stable", "canary"]
            .map(|name| Arm { name: name.into() })
            .into(),
        arm: draws.iter().map(|d| u16::from(d % 20 == 0)).collect(),
        row: (0..n as u32).collect(),
        start_us: (0..n as i64).map(|i| i * 5_000).collect(),
        event_us: (0..n as i64).map(|i| i * 5_000).collect(),
        outcome: draws
            .iter()
            .map(|d| match (d >> 24) % 50 {
                0 => Outcome::Error,
                _ => Outcome::Ok,
            })
            .collect(),
        has_outcome: true,
        quantities: vec![
            (
                Quantity::LatencyMs,
                draws.iter().map(latency).collect::<Vec<f64>>().into(),
            ),
            (
                Quantity::Rating,
                draws
                    .iter()
                    .map(|d| match (d >> 40) % 10 {
                        0 => 1.0 + ((d >> 48) % 5) as f64,
                        _ => f64::NAN,
                    })
                    .collect::<Vec<f64>>()
                    .into(),
            ),
        ],
        ..RequestLog::default()
    }
    .assemble()
}

/// The rules, each looked at after every request but the last, which Prometheus looks at.
fn rulebook() -> Rulebook {
    let p95 = |n: u32| {
        format!(
            r#"[[rule]]
id = "p95 of the last {n}"
clock = "request"
any = [ {{ metric = "quantile(latency,0.95)", quantile_method = "floor_index", window = {{ last = {n} }}, cmp = ">", times_baseline = 2.0 }} ]
"#
        )
    };
    let text = format!(
        r#"[[rule]]
id = "error share of the last 100"
clock = "request"
any = [
  {{ name = "absolute", metric = "error_share", window = {{ last = 100 }}, cmp = ">", value = 0.05 }},
  {{ name = "relative", metric = "error_share", window = {{ last = 100 }}, cmp = ">", times_baseline = 3.0, require = "baseline > 0" }},
]
{}{}{}{}"#,
        p95(100),
        p95(1000),
        p95(10_000),
        p95(100_000)
    );
    let mut rulebook = presets::rulebook(&["quality-monitor", "prometheus-success-ratio"])
        .expect("the presets can be read");
    let own = Rulebook::parse(&text).expect("the rulebook can be read");
    rulebook.rules.extend(own.rules);
    rulebook
}

fn replaying(criterion: &mut Criterion) {
    let (log, rulebook) = (log(N), rulebook());
    let prepared = Prepared::new(&log, &rulebook, &[]);
    let arms = Assignment::of(prepared.log(), 0, 1);
    let mut group = criterion.benchmark_group("replay");
    group.sample_size(10);
    group.throughput(Throughput::Elements(N as u64));
    for rule in &rulebook.rules {
        group.bench_function(&rule.id, |bencher| {
            bencher.iter(|| {
                let done = replay_rule(&prepared, &arms, rule, None, &Progress::unwatched());
                black_box(done.expect("nobody cancels"))
            });
        });
    }
    group.finish();
}

/// While a threshold is dragged, one pass over the rows, made before, answers for all thresholds.
fn dragging(criterion: &mut Criterion) {
    let log = log(N_DRAGGED);
    let rulebook = presets::rulebook(&["quality-monitor"]).expect("the preset can be read");
    let rule = &rulebook.rules[0];
    let watch = Watch::new(&log, rule).expect("the log has what the rule needs");
    let arms = Assignment::of(&log, 0, 1);
    let progress = Progress::unwatched();
    let pass = || watch.run(&arms, Until::End, &progress);
    let passages = pass().expect("nobody cancels");
    let conditions = rule.conditions();
    let mut group = criterion.benchmark_group("threshold");
    group.sample_size(10);
    group.bench_function("dragged, 10 million rows", |bencher| {
        bencher.iter(|| {
            let steps = passages.alone.iter().zip(&conditions);
            let first = steps.filter_map(|(steps, condition)| {
                let comparison = black_box(condition.comparison);
                let threshold = oriented(comparison.cmp(), 1.01 * comparison.threshold());
                first_over(steps, threshold).map(|step| step.at_us)
            });
            black_box(first.min())
        });
    });
    group.bench_function("the pass before", |bencher| {
        bencher.iter(|| black_box(pass().expect("nobody cancels")));
    });
    group.finish();
}

criterion_group!(benches, replaying, dragging);
criterion_main!(benches);
