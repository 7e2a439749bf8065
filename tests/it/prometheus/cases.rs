//! Logs and rules for Prometheus to judge: edges by hand, the rest at random from a seed.

use std::fmt::Write as _;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{Case, N_GOLDEN, Request};

/// The situations in which Prometheus surprises; then random ones.
pub(super) fn golden_cases() -> Vec<Case> {
    let steady = |until_s: i64, is_error: &dyn Fn(i64) -> bool| -> Vec<Request> {
        (1..until_s)
            .map(|second| Request {
                at_ms: second * 1000,
                arm: usize::from(second % 2 == 0),
                is_error: second % 2 == 0 && is_error(second),
                latency_ms: 300.0,
            })
            .collect()
    };
    let success = "sum(rate(llm_success_total{variant=\"canary\"}[5m])) / sum(rate(llm_requests_total{variant=\"canary\"}[5m])) < 0.95";
    let edge = |name: &str, requests: Vec<Request>, hold: &str| Case {
        name: name.to_owned(),
        requests,
        scrape_s: 15,
        interval_s: 60,
        rules: format!(
            "groups:\n- name: canary\n  interval: 1m\n  rules:\n  - alert: ALERT\n    expr: '{success}'\n    for: {hold}\n"
        ),
    };
    let mut cases = vec![
        // The success counter never exists: the alert cannot see a total failure.
        edge("total-failure", steady(1500, &|_| true), "10m"),
        // It exists, and then all fail.
        edge(
            "failure-after-success",
            steady(1500, &|second| second > 120),
            "10m",
        ),
        // One of twenty fails: 0.95 or a hair beside it.
        edge("exactly-95", steady(1500, &|second| second % 40 == 0), "2m"),
        // No traffic for ten minutes starts the wait anew.
        edge(
            "gap",
            steady(2400, &|_| true)
                .into_iter()
                .enumerate()
                .map(|(i, r)| Request {
                    is_error: i % 3 != 0 && r.arm == 1,
                    ..r
                })
                .filter(|r| !(600_000..1_200_000).contains(&r.at_ms))
                .collect(),
            "5m",
        ),
        // One canary request makes no rate.
        edge(
            "single-request",
            steady(900, &|_| true)
                .into_iter()
                .filter(|r| r.arm == 0 || r.at_ms == 300_000)
                .collect(),
            "1m",
        ),
        // The canary comes late.
        edge(
            "late-canary",
            steady(1800, &|second| second % 3 == 0)
                .into_iter()
                .filter(|r| r.arm == 0 || r.at_ms > 900_000)
                .collect(),
            "2m",
        ),
    ];
    let n_random = (N_GOLDEN - cases.len()) as u64;
    cases.extend((0..n_random).map(|seed| random_case(1000 + seed, 30, 4000.0)));
    cases
}

/// Two arms whose traffic and error shares change every few minutes, sometimes to nothing; a tenth of
/// the requests completes at whole seconds, where scrapes and evaluations fall.
fn random_requests(random: &mut ChaCha8Rng, minutes: i64, busiest_ms: f64) -> Vec<Request> {
    let mut requests = Vec::new();
    for arm in 0..2 {
        let (mut at_ms, mut change_ms) = (0.0, 0.0);
        let (mut gap_ms, mut share) = (1000.0, 0.0);
        while at_ms < minutes as f64 * 60_000.0 {
            if at_ms >= change_ms {
                gap_ms = busiest_ms * [1.0, 2.0, 5.0, 20.0, 200.0][random.random_range(0..5)];
                share = [0.0, 0.02, 0.05, 0.2, 0.6, 1.0][random.random_range(0..6)];
                change_ms = at_ms + random.random_range(60_000.0..600_000.0);
            }
            at_ms += -gap_ms * (1.0 - random.random::<f64>()).ln();
            let completes = at_ms as i64;
            let is_round = random.random_range(0..10) == 0;
            requests.push(Request {
                at_ms: if is_round {
                    completes / 1000 * 1000
                } else {
                    completes
                },
                arm,
                is_error: random.random::<f64>() < share,
                latency_ms: f64::from(random.random_range(1..40_u32)) * 100.0,
            });
        }
    }
    requests.sort_by_key(|request| request.at_ms);
    requests
}

/// An alert in the subset that is imported.
fn random_rules(random: &mut ChaCha8Rng, interval_s: i64) -> String {
    let pick = |random: &mut ChaCha8Rng, list: &[&str]| {
        list[random.random_range(0..list.len())].to_owned()
    };
    let range = pick(random, &["1m", "2m", "5m", "7m", "10m"]);
    let limit = pick(random, &["0.05", "0.1", "0.013", "0.3", "0"]);
    let over = |function: &str, series: &str, variant: &str| {
        format!("sum({function}(llm_{series}_total{{variant=\"{variant}\"}}[{range}]))")
    };
    let share = |function: &str, series: &str, variant: &str| {
        format!(
            "{} / {}",
            over(function, series, variant),
            over(function, "requests", variant)
        )
    };
    let errors = |variant: &str| share("rate", "errors", variant);
    let expression = match random.random_range(0..14) {
        0 => format!("{} < 0.95", share("rate", "success", "canary")),
        1 => format!("{} > {limit}", errors("canary")),
        2 => format!("100 * (1 - {}) < 92.3", errors("canary")),
        3 => format!("{} > 2 * ({})", errors("canary"), errors("stable")),
        4 => format!("({}) - ({}) > {limit}", errors("canary"), errors("stable")),
        5 => format!("({}) / ({}) >= 1.5", errors("canary"), errors("stable")),
        6 => format!(
            "{} >= {limit} and {} >= 10",
            errors("canary"),
            over("increase", "requests", "canary")
        ),
        7 => format!(
            "({} or vector(0)) / {} <= {limit}",
            over("rate", "errors", "canary"),
            over("rate", "requests", "canary")
        ),
        8 => format!("{} > {limit}", share("irate", "errors", "canary")),
        9 => format!("{} > 3", over("increase", "errors", "canary")),
        10 => format!("{} > 0.02", over("rate", "errors", "canary")),
        11 => format!(
            "{} > 0.1 unless {} > 0.1",
            errors("canary"),
            errors("stable")
        ),
        12 => format!(
            "{} > 0.3 or {} < 0.03",
            errors("canary"),
            over("rate", "requests", "canary")
        ),
        _ => format!(
            "histogram_quantile(0.9, sum by (le) (rate(llm_latency_seconds_bucket{{variant=\"canary\"}}[{range}]))) > 2.4"
        ),
    };
    let mut text = format!(
        "groups:\n- name: canary\n  interval: {interval_s}s\n  rules:\n  - alert: ALERT\n    expr: '{expression}'\n"
    );
    let hold = pick(random, &["0s", "1m", "2m", "5m"]);
    if hold != "0s" {
        writeln!(text, "    for: {hold}").unwrap();
    }
    if random.random_range(0..3) == 0 {
        writeln!(text, "    keep_firing_for: {}", pick(random, &["1m", "3m"])).unwrap();
    }
    text
}

pub(super) fn random_case(seed: u64, minutes: i64, busiest_ms: f64) -> Case {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let interval_s = [15, 30, 60][random.random_range(0..3)];
    let scrape_s = [15, 30][random.random_range(0..2)];
    let rules = random_rules(&mut random, interval_s);
    Case {
        name: format!("random{seed:03}"),
        requests: random_requests(&mut random, minutes, busiest_ms),
        scrape_s,
        interval_s,
        rules,
    }
}
