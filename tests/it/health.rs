//! Health checks on real logs.

use hindsight::analysis::{Analysis, HealthCheck, Severity};
use hindsight::data::Clock;
use hindsight::ingest::CouldBe;

use crate::support::real_logs::{compare, read};

fn health<'a>(analysis: &'a Analysis, id: &str) -> &'a HealthCheck {
    analysis.health.iter().find(|check| check.id == id).unwrap()
}

/// Five arms have 2,558 requests each, to one; the sixth lost 973. That forbids deciding on the sixth
/// alone.
#[test]
fn a_short_arm_stops_only_what_is_decided_on_it() {
    let Some(loaded) = read("aibrix/aibrix_v021_requests.csv") else {
        return;
    };
    let p_near = |check: &HealthCheck, p: f64| {
        let found = check.test.unwrap().p;
        assert!((found / p - 1.0).abs() < 0.01, "{found} is not {p}");
    };
    let analysis = compare(&loaded.log, "naive", "ps_naive");
    let ratio = health(&analysis, "sample-ratio-requests");
    assert_eq!(ratio.severity, Severity::Ok, "{}", ratio.finding);
    p_near(ratio, 1.0);
    let others = health(&analysis, "sample-ratio-arms");
    assert_eq!(others.severity, Severity::Warning);
    p_near(others, 5.3e-69);
    let short = "Short of that: aibrix_high_low 1,585 of 2,558";
    assert!(others.finding.contains(short), "{}", others.finding);
    // The arms ran one after another, which still forbids a decision.
    assert!(analysis.decision.is_log_unsound);

    let of_short = compare(&loaded.log, "naive", "aibrix_high_low");
    let ratio = health(&of_short, "sample-ratio-requests");
    assert_eq!(ratio.severity, Severity::Stop, "{}", ratio.finding);
    p_near(ratio, 1.258e-51);
}

/// Groq and Perplexity answered the 70b model alone, bedrock no 7b; Anyscale and Fireworks each the
/// same number of all three.
#[test]
fn mixes_of_models_are_compared_with_the_controls() {
    let Some(loaded) = read("llmperf/llmperf_requests.csv") else {
        return;
    };
    let analysis = compare(&loaded.log, "anyscale", "fireworks");
    let work = health(&analysis, "same-work");
    // Of arms that nothing is decided about.
    assert_eq!(work.severity, Severity::Note);
    let of_groq = compare(&loaded.log, "anyscale", "groq");
    assert_eq!(health(&of_groq, "same-work").severity, Severity::Warning);
    for part in [
        "groq, model_size 13b: 0 % (control 33.3 %), 7b: 0 % (control 33.3 %), 70b: 100 % (control 33.3 %)",
        "bedrock, model_size 7b: 0 % (control 33.3 %)",
        "perplexity, model_size",
        "Not compared: idx, error_msg, inter_token_latency_s",
    ] {
        assert!(work.finding.contains(part), "{part}: {}", work.finding);
    }
    for arm in ["fireworks", "replicate", "together", "lepton"] {
        assert!(!work.finding.contains(arm), "{}", work.finding);
    }
    // Numbers of requests that somebody chose are no broken split.
    let ratio = health(&analysis, "sample-ratio-requests");
    assert_eq!(ratio.severity, Severity::Ok);
    let others = health(&analysis, "sample-ratio-arms");
    assert_eq!(others.severity, Severity::Note, "{}", others.finding);
    assert!(others.finding.contains("in multiples of 150 requests"));
    assert!(
        others
            .finding
            .ends_with("Short of that: replicate 445 of 450")
    );
    let bedrock = compare(&loaded.log, "anyscale", "bedrock");
    let ratio = health(&bedrock, "sample-ratio-requests");
    assert!(
        ratio.severity == Severity::Ok && ratio.finding.contains("set beforehand"),
        "{}",
        ratio.finding
    );
}

/// Replicate lost five of 150 requests to the largest model; two of Together took over 100 s.
#[test]
fn what_a_benchmark_lost_or_waited_for_is_named() {
    let Some(loaded) = read("llmperf/llmperf_requests.csv") else {
        return;
    };
    let analysis = compare(&loaded.log, "anyscale", "fireworks");
    let short = health(&analysis, "short-segments");
    assert_eq!(short.severity, Severity::Note);
    assert_eq!(
        short.finding,
        "Other arms have the same number to the request, but replicate has 145 of 150 where model_size is 70b"
    );
    let extreme = health(&analysis, "extreme-latencies");
    assert_eq!(
        extreme.finding,
        "Slowest requests: 2 of together took 101 s or more, so that its mean is 2.59 s and not 2.14 s"
    );
}

/// Neighbouring requests share a queue and a load step: nobody's interval by user sees that.
#[test]
fn runs_under_load_are_not_independent() {
    let Some(loaded) = read("aibrix/aibrix_v021_requests.csv") else {
        return;
    };
    let analysis = compare(&loaded.log, "naive", "ps_naive");
    let check = health(&analysis, "independence");
    assert_eq!(check.severity, Severity::Warning, "{}", check.finding);
    assert!(check.finding.ends_with("one observation a run"));
    // Every arm ran the same steps of load but one.
    let segments = &loaded.log.segments;
    assert!(segments.iter().any(|s| s.name == "target_qps"));
    let work = health(&analysis, "same-work");
    assert!(
        work.finding.contains("aibrix_high_low, target_qps") && !work.finding.contains("ps_naive"),
        "{}",
        work.finding
    );
}

/// The log has no status column: nothing is known of success or failure.
#[test]
fn without_a_status_outcomes_are_unknown() {
    let Some(loaded) = read("aibrix/aibrix_v021_requests.csv") else {
        return;
    };
    let analysis = compare(&loaded.log, "naive", "ps_naive");
    for arm in &analysis.arms {
        assert_eq!(arm.outcomes.unknown, arm.n_requests, "{}", arm.name);
        assert_eq!((arm.outcomes.ok, arm.outcomes.error), (0, 0));
    }
    let latency = analysis.scorecard.iter().find(|r| r.id == "latency_p95");
    assert_eq!(latency.unwrap().denominator, "requests");
    assert!(!analysis.log.has_outcome);
}

/// Each programmer's clock begins at 0: the log shows no order and no common time.
#[test]
fn clocks_of_single_sessions_show_no_time() {
    let Some(loaded) = read("realhumaneval/chat_slim.csv") else {
        return;
    };
    assert_eq!(loaded.log.clock, Clock::RowOrder);
    assert_eq!(loaded.log.row, (0..1055).collect::<Vec<u32>>());
    let issue = loaded
        .issues
        .iter()
        .find(|issue| {
            issue
                .message
                .starts_with("Times count from each user's own")
        })
        .unwrap();
    assert_eq!(issue.column.as_deref(), Some("timestamp"));
    let users = "107 of 107 users begin at the same moment";
    assert!(issue.message.ends_with(users), "{}", issue.message);
    let analysis = compare(&loaded.log, "GPT-3.5 (chat)", "GPT-4o (chat)");
    assert!(analysis.trends.is_none() && analysis.over_time.is_empty());
    let strategy = &analysis.strategy;
    assert_eq!(
        strategy.label(analysis.log.clock),
        "Order of the arms unknown"
    );
    for id in ["overlap", "gaps", "arm-gaps", "sample-ratio-parts"] {
        assert!(analysis.health.iter().all(|check| check.id != id), "{id}");
    }
}

/// What could have been measured and was not.
#[test]
fn columns_without_a_role_are_listed_with_what_they_could_be() {
    use CouldBe::{Duration, Metric, Segment, Text};

    let unused = |log: &str| -> Option<Vec<(String, CouldBe)>> {
        let unused = read(log)?.unused.into_iter();
        Some(unused.map(|c| (c.column, c.could_be)).collect())
    };
    let expected = |of: &[(&str, CouldBe)]| -> Vec<(String, CouldBe)> {
        of.iter()
            .map(|(name, could)| ((*name).to_owned(), *could))
            .collect()
    };
    for (log, of) in [
        (
            "aibrix/aibrix_v021_requests.csv",
            &[("generation_time", Duration), ("question_id", Segment)][..],
        ),
        ("realhumaneval/chat_slim.csv", &[("output_chars", Metric)]),
        (
            "llmperf/llmperf_requests.csv",
            &[
                ("idx", Metric),
                ("error_msg", Text),
                ("inter_token_latency_s", Duration),
                ("request_output_throughput_token_per_s", Metric),
                ("number_total_tokens", Metric),
            ],
        ),
    ] {
        let Some(found) = unused(log) else { return };
        assert_eq!(found, expected(of), "{log}");
    }
}
