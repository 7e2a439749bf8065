//! Real logs through loader and analysis: figures that their publishers state, or that follow from
//! the files by the plain formulas.

use std::collections::BTreeMap;
use std::fs;

use hindsight::analysis::{Analysis, DecisionKind, LatencyArm, Severity, Strategy, TestReport};
use hindsight::data::{Filter, Quantity, RequestLog};
use hindsight::ingest::{DurationUnit, Mapping, Role};
use hindsight::jobs::Progress;
use hindsight::rules::{ReplaySettings, Rulebook, replay};
use hindsight::stats::{self, RatioMoments, Share, TestName, Variance, two_proportions};
use serde_json::Value;

use crate::support::real_logs::{compare, compare_within, find, read, read_as};

#[track_caller]
fn close(found: f64, expected: f64, relative: f64) {
    let limit = relative * expected.abs();
    assert!(
        (found - expected).abs() <= limit,
        "{found} is not {expected}"
    );
}

/// Equal after rounding to the digits that were published; a half may have gone either way.
#[track_caller]
fn rounds_to(found: f64, expected: f64, decimals: i32) {
    let limit = 0.51 * 10f64.powi(-decimals);
    assert!(
        (found - expected).abs() <= limit,
        "{found} is not {expected}"
    );
}

fn arm(analysis: &Analysis, name: &str) -> usize {
    analysis.arms.iter().position(|a| a.name == name).unwrap()
}

fn latency<'a>(analysis: &'a Analysis, quantity: Quantity, name: &str) -> &'a LatencyArm {
    let panel = analysis.latency.iter().find(|p| p.quantity == quantity);
    &panel.unwrap().arms[arm(analysis, name)]
}

fn seconds(latency: &LatencyArm, q: f64) -> f64 {
    let found = latency.quantiles.iter().find(|v| v.q == q).unwrap();
    found.estimate.value / 1e3
}

fn health<'a>(analysis: &'a Analysis, id: &str) -> &'a hindsight::analysis::HealthCheck {
    analysis.health.iter().find(|check| check.id == id).unwrap()
}

fn report<'a>(analysis: &'a Analysis, metric: &str, arm: usize) -> &'a TestReport {
    let found = |r: &&TestReport| r.metric == metric && r.arm == arm;
    analysis.tests.iter().find(found).unwrap()
}

fn model_size(size: &str) -> Filter {
    Filter {
        segment: Some(("model_size".into(), size.into())),
        ..Filter::default()
    }
}

/// All 18 benchmark runs against the summary that was published with each.
#[test]
fn llmperf_equals_its_published_summaries() {
    let (Some(loaded), Some(folder)) = (
        read("llmperf/llmperf_requests.csv"),
        find("data/llmperf/raw_data/summary"),
    ) else {
        return;
    };
    let mut n_checked = 0;
    for size in ["7b", "13b", "70b"] {
        let analysis = compare_within(&loaded.log, "", "", model_size(size));
        for entry in fs::read_dir(&folder).unwrap() {
            let text = fs::read_to_string(entry.unwrap().path()).unwrap();
            let summary: Value = serde_json::from_str(&text).unwrap();
            if summary["model_size"] == size {
                check_summary(&analysis, &summary);
                n_checked += 1;
            }
        }
    }
    assert_eq!(n_checked, 18);
}

fn check_summary(analysis: &Analysis, summary: &Value) {
    let provider = summary["framework"].as_str().unwrap();
    let published = |key: &str| summary[format!("results_{key}")].as_f64().unwrap();
    for (quantity, key) in [
        (Quantity::TtftMs, "ttft_s"),
        (Quantity::LatencyMs, "end_to_end_latency_s"),
    ] {
        let found = latency(analysis, quantity, provider);
        assert_eq!(found.n as f64, published("num_completed_requests"));
        assert_eq!(found.quantiles.len(), 6);
        for value in &found.quantiles {
            let percent = (value.q * 100.0).round();
            let expected = published(&format!("{key}_quantiles_p{percent}"));
            close(value.estimate.value / 1e3, expected, 1e-9);
        }
        close(found.mean_ms / 1e3, published(&format!("{key}_mean")), 1e-9);
        close(found.sd_ms / 1e3, published(&format!("{key}_stddev")), 1e-9);
    }
    let arm = arm(analysis, provider);
    let counts = analysis.arms[arm].outcomes;
    let n_errors = counts.error + counts.rate_limited;
    assert_eq!(n_errors as f64, published("number_errors"), "{provider}");
    let errors = analysis
        .scorecard
        .iter()
        .find(|row| row.id == "error_share");
    let share = errors.unwrap().values[arm].estimate.unwrap().value;
    assert_eq!(
        share,
        n_errors as f64 / analysis.arms[arm].n_requests as f64
    );
    if analysis.arms[arm].n_requests as f64 == published("num_requests_started") {
        close(share, published("error_rate"), 1e-12);
    }
}

#[test]
fn llmperf_figures() {
    let Some(loaded) = read("llmperf/llmperf_requests.csv") else {
        return;
    };
    let of_size = |size| compare_within(&loaded.log, "bedrock", "", model_size(size));
    let large = of_size("70b");
    for (provider, n, p50, p95) in [
        ("anyscale", 150, 2.260, 3.126),
        ("bedrock", 101, 6.989, 7.834),
        ("fireworks", 150, 3.772, 4.211),
        ("groq", 150, 0.805, 0.942),
        ("lepton", 20, 4.567, 4.703),
        ("perplexity", 148, 4.972, 5.738),
        ("replicate", 145, 12.371, 34.919),
        ("together", 150, 2.438, 2.997),
    ] {
        let found = latency(&large, Quantity::LatencyMs, provider);
        assert_eq!(found.n, n, "{provider}");
        rounds_to(seconds(found, 0.50), p50, 3);
        rounds_to(seconds(found, 0.95), p95, 3);
    }
    let ttft = latency(&large, Quantity::TtftMs, "bedrock");
    for (q, expected) in [
        (0.25, 0.374_486),
        (0.50, 0.387_720),
        (0.75, 0.414_931),
        (0.90, 0.490_433),
        (0.95, 0.542_103),
        (0.99, 0.686_971),
    ] {
        rounds_to(seconds(ttft, q), expected, 6);
    }
    rounds_to(ttft.mean_ms / 1e3, 0.408_374, 6);
    rounds_to(ttft.sd_ms / 1e3, 0.074_991_8, 7);
    // One request of 101.9 s: the mean lies above p95.
    let medium = of_size("13b");
    let together = latency(&medium, Quantity::LatencyMs, "together");
    assert_eq!(together.n, 149);
    rounds_to(together.mean_ms / 1e3, 2.953_159, 6);
    rounds_to(together.sd_ms / 1e3, 11.5603, 4);
    rounds_to(seconds(together, 0.95), 1.910, 3);
    rounds_to(seconds(together, 0.99), 54.31, 2);
}

/// 130 of 150 requests were refused at once and logged with latency 0.
#[test]
fn refused_requests_do_not_make_latencies_look_good() {
    let Some(loaded) = read("llmperf/llmperf_requests.csv") else {
        return;
    };
    let large = compare_within(&loaded.log, "bedrock", "lepton", model_size("70b"));
    let lepton = arm(&large, "lepton");
    assert_eq!(large.arms[lepton].outcomes.rate_limited, 130);
    let found = latency(&large, Quantity::LatencyMs, "lepton");
    rounds_to(found.mean_ms / 1e3, 4.469, 3);
    // The mean over all rows, as a plain average would have it.
    let log = model_size("70b").apply(&loaded.log);
    let all = log.quantity(Quantity::LatencyMs).unwrap();
    let of_lepton: Vec<f64> = log.rows_of_arm(lepton).map(|row| all[row]).collect();
    let naive = of_lepton.iter().sum::<f64>() / of_lepton.len() as f64;
    rounds_to(naive / 1e3, 0.596, 3);
    let both = "Mean latency of lepton: 596 ms with them, 4.47 s of answered requests";
    let zero = health(&large, "zero-latency");
    assert!(zero.finding.contains(both), "{}", zero.finding);
    let whole = compare(&loaded.log, "bedrock", "lepton");
    let refused: u64 = whole.arms.iter().map(|a| a.outcomes.rate_limited).sum();
    assert_eq!(refused, 392);
    // The refused ones and one that failed otherwise.
    let zero = health(&whole, "zero-latency");
    assert!(
        zero.finding
            .starts_with("Requests with latency 0: 393, of which failed: 393"),
        "{}",
        zero.finding
    );
}

#[test]
fn realhumaneval_is_inferred_by_user() {
    let Some(loaded) = read("realhumaneval/chat_slim.csv") else {
        return;
    };
    let analysis = compare(&loaded.log, "CodeLlama34b (chat)", "GPT-4o (chat)");
    let copied = &analysis.scorecard[0];
    assert_eq!(copied.id, "metric.copied");
    for (name, users, messages, rate, clustered, naive) in [
        ("GPT-4o (chat)", 29, 280, 0.3750, 0.0503, 0.0289),
        ("GPT-3.5 (chat)", 31, 305, 0.3672, 0.0649, 0.0276),
        ("CodeLlama7b (chat)", 24, 243, 0.3333, 0.0365, 0.0302),
        ("CodeLlama34b (chat)", 23, 227, 0.2819, 0.0351, 0.0299),
    ] {
        let i = arm(&analysis, name);
        assert_eq!(analysis.arms[i].n_units, Some(users), "{name}");
        assert_eq!(copied.values[i].n, messages, "{name}");
        rounds_to(copied.values[i].estimate.unwrap().value, rate, 4);
        let (by_user, by_message) = standard_errors(&loaded.log, i);
        rounds_to(by_user, clustered, 4);
        rounds_to(by_message, naive, 4);
    }
    rounds_to(
        health(&analysis, "sample-ratio-arms").test.unwrap().p,
        0.643,
        3,
    );
    assert!(
        health(&analysis, "concurrency").severity == Severity::Warning,
        "seconds from each session's start show no concurrency"
    );
    assert!(
        health(&analysis, "crossing")
            .finding
            .starts_with("0 of 107 users")
    );

    let gpt = arm(&analysis, "GPT-4o (chat)");
    let effect = copied.effects.iter().find(|e| e.arm == gpt).unwrap();
    rounds_to(effect.difference.unwrap().value, 0.0931, 4);
    let test = effect.test.unwrap();
    rounds_to(test.statistic.abs(), 1.517, 3);
    // The published p takes z; t with about fifty degrees of freedom says .136.
    rounds_to(
        2.0 * stats::dist::normal_cdf(-test.statistic.abs()),
        0.129,
        3,
    );
    assert!((0.129..0.140).contains(&test.p), "{test:?}");
    // By message, as if 280 and 227 users had been asked: z with a variance per arm as published,
    // and the pooled one whose square the scorecard shows.
    let share = |name: &str| {
        let value = &copied.values[arm(&analysis, name)];
        Share {
            events: value.numerator.unwrap(),
            n: value.n,
        }
    };
    let (a, b) = (share("CodeLlama34b (chat)"), share("GPT-4o (chat)"));
    let unpooled = two_proportions(a, b, Variance::Unpooled, 0.95)
        .unwrap()
        .test;
    rounds_to(unpooled.statistic, 2.238, 3);
    rounds_to(unpooled.p, 0.0252, 4);
    let pooled = two_proportions(a, b, Variance::Pooled, 0.95).unwrap().test;
    let by_request = effect.by_request.as_ref().unwrap();
    close(by_request.test.statistic, pooled.statistic.powi(2), 1e-12);
    assert!(effect.design_effect.unwrap() > 2.0);
    let lines = &report(&analysis, "metric.copied", gpt).tests;
    let by_message = lines
        .iter()
        .find(|line| line.result.name == TestName::TwoProportionUnpooled);
    rounds_to(by_message.unwrap().result.p, 0.0252, 4);
    let warning = effect.unit_warning.as_deref().unwrap();
    assert!(warning.contains("overstates the evidence"), "{warning}");
    assert!(
        analysis
            .decision
            .dissent
            .iter()
            .any(|text| text.contains(warning))
    );
}

/// Standard errors of the share copied in an arm: by user (delta method) and by message.
fn standard_errors(log: &RequestLog, arm: usize) -> (f64, f64) {
    let (units, copied) = (
        log.units.as_ref().unwrap(),
        log.quantity(Quantity::Extra(0)).unwrap(),
    );
    let mut by_user: BTreeMap<u32, (f64, f64)> = BTreeMap::new();
    for row in log.rows_of_arm(arm) {
        let sums = by_user.entry(units.id[row]).or_default();
        *sums = (sums.0 + copied[row], sums.1 + 1.0);
    }
    let mut moments = RatioMoments::default();
    for (x, n) in by_user.values() {
        moments.push(*x, *n);
    }
    let (x, n) = by_user
        .values()
        .fold((0.0, 0.0), |s, v| (s.0 + v.0, s.1 + v.1));
    let share = x / n;
    (
        moments.variance_of_ratio().unwrap().sqrt(),
        (share * (1.0 - share) / n).sqrt(),
    )
}

#[test]
fn aibrix_figures() {
    let Some(loaded) = read("aibrix/aibrix_v021_requests.csv") else {
        return;
    };
    let analysis = compare(&loaded.log, "naive", "ps_stack_high_low");
    for (name, n, p50, p95, p99) in [
        ("naive", 2558, 2.970, 17.748, 28.333),
        ("ps_naive", 2558, 2.855, 21.370, 28.913),
        ("aibrix_naive_7", 2558, 2.850, 14.838, 21.719),
        ("ps_stack_high_low", 2558, 0.206, 13.434, 22.264),
        ("ps_stack_low_high", 2557, 0.206, 23.363, 34.447),
        ("aibrix_high_low", 1585, 14.249, 48.274, 64.636),
    ] {
        let found = latency(&analysis, Quantity::TtftMs, name);
        assert_eq!(found.n, n, "{name}");
        assert_eq!(analysis.arms[arm(&analysis, name)].n_requests, n);
        for (q, expected) in [(0.50, p50), (0.95, p95), (0.99, p99)] {
            rounds_to(seconds(found, q), expected, 3);
            close(
                seconds(found, q),
                plain_quantile(&loaded.log, name, q),
                1e-6,
            );
        }
    }
    let tests = &report(&analysis, "ttft_p50", arm(&analysis, "ps_stack_high_low")).tests;
    let welch = tests
        .iter()
        .find(|line| line.result.name == TestName::Welch)
        .unwrap();
    rounds_to(welch.result.statistic, -21.263, 3);
    rounds_to(welch.result.df.unwrap(), 4883.4, 1);
    rounds_to(welch.difference.unwrap().value / 1e3, -3.1173, 4);
}

/// The linear quantile of an arm's time to first token in seconds, by its definition.
fn plain_quantile(log: &RequestLog, name: &str, q: f64) -> f64 {
    let ttft = log.quantity(Quantity::TtftMs).unwrap();
    let arm = log.arm_index(name).unwrap();
    let mut values: Vec<f64> = log.rows_of_arm(arm).map(|row| ttft[row] / 1e3).collect();
    values.sort_by(f64::total_cmp);
    let at = (values.len() - 1) as f64 * q;
    let low = at.floor() as usize;
    values[low] + (at - at.floor()) * (values[(low + 1).min(values.len() - 1)] - values[low])
}

/// The six runs follow each other, and the analysis says so.
#[test]
fn arms_that_ran_one_after_another_are_no_experiment() {
    let Some(loaded) = read("aibrix/aibrix_v021_requests.csv") else {
        return;
    };
    let analysis = compare(&loaded.log, "naive", "ps_stack_high_low");
    assert_eq!(analysis.strategy.strategy, Strategy::Sequential);
    let concurrency = health(&analysis, "concurrency");
    assert_eq!(concurrency.severity, Severity::Stop);
    assert!(concurrency.meaning.contains("No concurrent control"));
    assert_eq!(analysis.decision.kind, DecisionKind::Unsound);
    let headline = &analysis.decision.headline;
    assert!(headline.contains("ran one after another"), "{headline}");
}

/// "p95 of a minute above 10 s, at least 20 requests, twice in a row": a latency that is known
/// only when the first token is there fires in another minute than the launch times suggest.
#[test]
fn aibrix_rule_fires_when_the_latency_is_known() {
    let Some(path) = find("data/aibrix/aibrix_v021_requests.csv") else {
        return;
    };
    let loaded = |role| {
        let mut mapping = Mapping::default();
        mapping.assign("variant", Some(Role::Variant));
        mapping.assign("launch_time", Some(Role::Time));
        mapping.assign("ttft", Some(role));
        mapping.columns[2].unit = Some(DurationUnit::S);
        read_as(&path, Some(mapping)).log
    };
    let (at_launch, when_known) = (loaded(Role::Ttft), loaded(Role::Latency));
    for (name, launched, known) in [
        ("aibrix_high_low", 9, 2),
        ("aibrix_naive_7", 20, 20),
        ("naive", 20, 20),
        ("ps_naive", 18, 16),
        ("ps_stack_high_low", 7, 5),
        ("ps_stack_low_high", 17, 18),
    ] {
        assert_eq!(
            first_minute(&at_launch, name, "ttft"),
            launched,
            "{name} at launch"
        );
        assert_eq!(
            first_minute(&when_known, name, "latency"),
            known,
            "{name} when known"
        );
    }
}

/// The minute of the run whose window completes the firing, counted from 1.
fn first_minute(log: &RequestLog, name: &str, column: &str) -> i64 {
    let rulebook = Rulebook::parse(&format!(
        r#"
[rulebook]
schema = 1
[[rule]]
id = "p95"
clock = {{ every = "1m" }}
all = [ {{ name = "p95", metric = "quantile({column},0.95)", window = {{ tumbling = "1m" }}, cmp = ">", value = 10000, min_n = {{ canary = 20 }} }} ]
persist = {{ consecutive = 2 }}
"#
    ))
    .unwrap();
    let arm = log.arm_index(name).unwrap();
    let rows: Vec<u32> = log.rows_of_arm(arm).map(|row| row as u32).collect();
    let settings = ReplaySettings {
        control: usize::from(arm == 0),
        treatment: arm,
    };
    let found = replay(
        &log.gathered(&rows),
        &rulebook,
        &settings,
        &Progress::unwatched(),
    );
    found.unwrap().rules[0].first.as_ref().unwrap().time_us / 60_000_000
}

#[test]
fn azure_has_one_arm_and_no_decision() {
    for (name, tokens_in, tokens_out) in [("code", 1469.0, 13.0), ("conv", 1020.0, 129.0)] {
        let Some(loaded) = read(&format!("azure_llm/AzureLLMInferenceTrace_{name}.csv")) else {
            return;
        };
        let log = &loaded.log;
        for (quantity, median) in [
            (Quantity::TokensIn, tokens_in),
            (Quantity::TokensOut, tokens_out),
        ] {
            let mut values = log.quantity(quantity).unwrap().to_vec();
            values.sort_by(f64::total_cmp);
            assert_eq!(stats::quantile(&values, 0.5), Some(median), "{name}");
        }
        let (first, last) = log.event_span_us().unwrap();
        let minute = |us| hindsight::units::instant(us, log.clock)[..16].to_owned();
        assert!(minute(first).as_str() >= "2023-11-16 18:15");
        assert!(
            minute(last).as_str() <= "2023-11-16 19:15",
            "{}",
            minute(last)
        );
        let analysis = compare(log, "", "");
        assert_eq!(analysis.strategy.strategy, Strategy::SingleArm);
        assert_eq!(analysis.treatment, None);
        assert_eq!(health(&analysis, "arms").severity, Severity::Stop);
        assert!(analysis.tests.is_empty() && analysis.segments.is_empty());
        assert_ne!(analysis.decision.kind, DecisionKind::Ship);
    }
}

#[test]
fn tensorzero_figures() {
    let Some(loaded) = read("tensorzero/ModelInference.csv") else {
        return;
    };
    let analysis = compare(&loaded.log, "", "");
    for (name, p50, p95, p99) in [
        ("openai::gpt-4o-mini-2024-07-18", 1867.0, 3434.05, 5549.8),
        ("openai::gpt-4o-2024-08-06", 3444.0, 5643.8, 7766.25),
    ] {
        let found = latency(&analysis, Quantity::LatencyMs, name);
        for (q, expected) in [(0.50, p50), (0.95, p95), (0.99, p99)] {
            close(seconds(found, q) * 1e3, expected, 5e-6);
        }
    }
}
