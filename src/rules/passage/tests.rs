//! The steps against plain replays at many thresholds.

use super::*;
use crate::data::{Arm, Outcome, Quantity};
use crate::rules::{ReplaySettings, Rulebook, presets, replay, with_threshold};

/// Numbers from 0 to below 1, from a seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        f64::from((self.0 >> 33) as u32) / f64::from(1_u32 << 31)
    }
}

/// Two arms over an hour or so, with a gap, failures in spells, fine latencies in every other log.
fn log(seed: u64) -> RequestLog {
    let mut dice = Dice(seed);
    let n = 900;
    let share = 0.15 + 0.5 * dice.roll();
    let mut at_us = 0;
    let mut log = RequestLog {
        arms: ["stable", "canary"]
            .map(|name| Arm { name: name.into() })
            .into(),
        has_outcome: true,
        ..RequestLog::default()
    };
    let (mut latency, mut rating) = (Vec::new(), Vec::new());
    for i in 0..n {
        at_us += (dice.roll() * 8e6) as i64;
        if i == n / 2 {
            at_us += if seed.is_multiple_of(2) {
                400_000_000
            } else {
                40_000_000_000
            };
        }
        let is_bad = (i / 90) % 3 == (seed % 3) as usize;
        let is_canary = dice.roll() < share;
        log.arm.push(u16::from(is_canary));
        log.row.push(i as u32);
        log.start_us.push(at_us);
        log.event_us.push(at_us);
        let p_error = if is_bad { 0.15 } else { 0.02 };
        log.outcome.push(if dice.roll() < p_error {
            Outcome::Error
        } else if dice.roll() < 0.01 {
            Outcome::Cancelled
        } else {
            Outcome::Ok
        });
        let ms = 300.0 + 3000.0 * dice.roll() * dice.roll();
        latency.push(if seed.is_multiple_of(2) {
            ms.round()
        } else {
            ms
        });
        rating.push(if dice.roll() < 0.4 {
            1.0 + (dice.roll() * 5.0).floor()
        } else {
            f64::NAN
        });
    }
    log.quantities = vec![
        (Quantity::LatencyMs, latency.into()),
        (Quantity::Rating, rating.into()),
    ];
    log
}

/// Rules with every clock, window, tree, persistence and policy that the profile must follow.
const RULES: &str = r#"
[[rule]]
id = "together"
clock = { request = "canary" }
all = [
  { any = [
    { name = "errors", metric = "error_share", window = { last = 60 }, cmp = ">", value = 0.06 },
    { name = "slow", metric = "quantile(latency,0.9)", window = { trailing = "5m" }, cmp = ">=", value = 1200 },
  ] },
  { name = "volume", metric = "count", window = { trailing = "5m" }, cmp = ">=", value = 20 },
]
persist = { consecutive = 4 }

[[rule]]
id = "held"
clock = { every = "20s" }
min = { canary = 10, baseline = 10, window = { trailing = "10m" } }
any = [
  { name = "rise", metric = "error_share", window = { trailing = "4m" }, rise = { cmp = ">", value = 0.08 }, no_data = "hold" },
  { name = "rating", metric = "mean(rating)", window = { trailing = "6m" }, min_n = { canary = 3, baseline = 3 }, drop = { cmp = ">=", value = 0.9 }, no_data = "reset" },
]
persist = { for = "2m" }

[[rule]]
id = "failures"
clock = { every = "30s" }
all = [
  { name = "success", metric = "success_share", window = { tumbling = "30s" }, cmp = "<", value = 0.75 },
]
persist = { failures = { limit = 3 } }

[[rule]]
id = "alarm"
clock = { every = "1m" }
all = [
  { name = "p75", metric = "quantile(latency,0.75)", window = { tumbling = "1m" }, cmp = ">", times_baseline = 1.1 },
]
persist = { m_of_n = [2, 3], missing = "missing", range = 5, insufficient_fires = true }

[[rule]]
id = "counted"
clock = { every = "15s" }
any = [
  { name = "ratio", metric = "success_share", window = { counter = "2m", scrape = "15s", engine = "prom-3" }, cmp = "<=", value = 0.95, no_data = "reset" },
  { name = "worse", metric = "success_share", window = { counter = "2m", scrape = "15s" }, cmp = "<", times_baseline = 0.97 },
]

[[rule]]
id = "kept"
clock = "request"
any = [
  { name = "errors", metric = "error_share", window = { last = 40 }, cmp = ">=", times_baseline = 1.5, require = "baseline > 0", no_data = "hold" },
  { name = "all", metric = "error_share", arm = "all", window = { last = 50 }, cmp = ">", value = 0.07 },
  { name = "mean", metric = "mean(latency)", window = { since = "run" }, cmp = ">", times_baseline = 1.02, min_n = { canary = 5, baseline = 5 }, no_data = "true" },
]

[[rule]]
id = "after-canary"
clock = { request = "canary" }
min = { canary = 15, baseline = 30, window = { last = 40 } }
any = [
  { name = "rise", metric = "error_share", window = { last = 30 }, rise = { cmp = ">=", value = 0.08 } },
  { name = "rating", metric = "mean(rating)", window = { last = 50 }, min_n = { canary = 5, baseline = 3 }, drop = { cmp = ">", value = 0.7 }, stop = true },
  { name = "p95", metric = "quantile(latency,0.95)", window = { last = 50 }, cmp = ">", times_baseline = 1.1 },
]

[[rule]]
id = "after-baseline"
clock = { request = "baseline" }
min = { canary = 25, window = { since = "run" } }
any = [
  { name = "median", metric = "quantile(latency,0.5)", quantile_method = "r7", window = { last = 40 }, cmp = ">=", times_baseline = 1.2 },
  { name = "row", metric = "consecutive(error)", window = { since = "run" }, cmp = ">=", value = 3 },
  { name = "p90", metric = "quantile(latency,0.9)", window = { since = "run" }, cmp = "<", value = 1500 },
]
"#;

const SETTINGS: ReplaySettings = ReplaySettings {
    control: 0,
    treatment: 1,
};

fn assignment(log: &RequestLog) -> Assignment {
    let rows = |arm: usize| log.rows_of_arm(arm).map(|row| row as u32).collect();
    Assignment {
        canary: rows(1),
        baseline: rows(0),
        all: (0..log.n_rows() as u32).collect(),
        span_us: (log.time_zero_us(), log.event_span_us().unwrap().1),
    }
}

/// When the rule first fires with a threshold moved, by replaying it.
fn replayed(
    log: &RequestLog,
    rulebook: &Rulebook,
    condition: usize,
    threshold: f64,
) -> Option<i64> {
    let moved = with_threshold(rulebook, 0, condition, threshold).unwrap();
    let found = replay(log, &moved, &SETTINGS, &Progress::unwatched()).unwrap();
    found.rules[0].first.as_ref().map(|first| first.time_us)
}

/// Compares at 50 thresholds around the written one; gives how many fire.
fn check(log: &RequestLog, rule: &Rule) -> usize {
    let rulebook = Rulebook {
        rules: vec![rule.clone()],
        ..Rulebook::default()
    };
    let watch = Watch::new(log, rule).unwrap();
    let found = watch
        .run(&assignment(log), Until::End, &Progress::unwatched())
        .unwrap();
    let conditions = rule.conditions();
    let oriented_written = |i: usize| {
        let comparison = conditions[i].comparison;
        oriented(comparison.cmp(), comparison.threshold())
    };
    let mut n_firing = 0;
    for (i, condition) in conditions.iter().enumerate() {
        let written = condition.comparison.threshold();
        for k in 0..50 {
            // Multiples of the written threshold, so that some are hit exactly.
            let threshold = written * f64::from(k) / 20.0;
            let over = oriented(condition.comparison.cmp(), threshold);
            let got = if watch.is_separable() {
                (0..conditions.len())
                    .filter_map(|j| {
                        let over = if j == i { over } else { oriented_written(j) };
                        first_over(&found.alone[j], over)
                    })
                    .min_by_key(|step| step.look)
            } else {
                first_over(&found.beside[i], over)
            };
            let expected = replayed(log, &rulebook, i, threshold);
            assert_eq!(
                got.map(|step| step.at_us - log.time_zero_us()),
                expected,
                "{} {} at {threshold}",
                rule.id,
                condition.name
            );
            n_firing += usize::from(expected.is_some());
        }
    }
    let as_written = replay(log, &rulebook, &SETTINGS, &Progress::unwatched()).unwrap();
    let first = as_written.rules[0].first.as_ref();
    let fired = found.first;
    assert_eq!(
        fired.map(|f| f.at_us),
        first.map(|f| f.time_us + log.time_zero_us())
    );
    let names = |causes: u64| -> Vec<&str> {
        let held = conditions
            .iter()
            .enumerate()
            .filter(|(i, _)| causes >> i & 1 == 1);
        held.map(|(_, condition)| condition.name.as_str()).collect()
    };
    if let (Some(fired), Some(first)) = (fired, first)
        && fired.causes != 0
    {
        assert_eq!(names(fired.causes), first.causes, "{}", rule.id);
        assert_eq!(fired.seen.checked_sub(1), first.event_index);
    }
    let early = watch
        .run(&assignment(log), Until::Firing, &Progress::unwatched())
        .unwrap();
    assert_eq!(early.first, fired, "{}", rule.id);
    n_firing
}

#[test]
fn profiles_are_replays_at_every_threshold() {
    let mut rules = Rulebook::parse(RULES).unwrap().rules;
    rules.extend(presets::all().unwrap().rules);
    let mut n_firing = vec![0; rules.len()];
    for seed in 0..20 {
        let log = log(seed);
        for (rule, n) in rules.iter().zip(&mut n_firing) {
            *n += check(&log, rule);
        }
    }
    // Neither all nor none: otherwise the comparison shows nothing.
    let n: usize = n_firing.iter().sum();
    let of: usize = rules
        .iter()
        .map(|rule| 20 * 50 * rule.conditions().len())
        .sum();
    assert!(
        n > of / 20 && n < of * 19 / 20,
        "{n} of {of} fire: {n_firing:?}"
    );
}

#[test]
fn an_assignment_is_a_log_of_its_own() {
    let log = log(3);
    let rule = presets::rulebook(&["quality-monitor"])
        .unwrap()
        .rules
        .remove(0);
    let watch = Watch::new(&log, &rule).unwrap();
    let kept: Vec<u32> = (0..log.n_rows() as u32)
        .filter(|row| row % 3 != 0)
        .collect();
    let is_canary = |row: &u32| row % 5 == 1;
    let end_us = log.event_us[*kept.last().unwrap() as usize];
    let found = watch
        .run(
            &Assignment {
                canary: kept.iter().copied().filter(is_canary).collect(),
                baseline: kept.iter().copied().filter(|row| !is_canary(row)).collect(),
                all: kept.clone(),
                span_us: (log.time_zero_us(), end_us),
            },
            Until::End,
            &Progress::unwatched(),
        )
        .unwrap();
    let mut alone = log.gathered(&kept);
    alone.arm = kept.iter().map(|row| u16::from(is_canary(row))).collect();
    let again = Watch::new(&alone, &rule).unwrap();
    let direct = again
        .run(&assignment(&alone), Until::End, &Progress::unwatched())
        .unwrap();
    assert_eq!(found.alone, direct.alone);
    assert!(found.first.is_some());
}
