//! What a reader has to be told of a log, and told once: since when there is harm, whom it hits, and how much of
//! it is shown.

use std::path::Path;

use hindsight::analysis::{Analysis, Effect, ReasonWeight, SegmentEffect, Verdict};
use hindsight::stats::TestName;

use crate::support::real_logs::{compare, read, read_as};

fn bundled() -> Analysis {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-data/canary-rollout.parquet");
    compare(&read_as(&path, None).log, "", "")
}

fn effect<'a>(analysis: &'a Analysis, metric: &str, arm: &str) -> &'a Effect {
    let arm = analysis.arms.iter().position(|a| a.name == arm).unwrap();
    let row = analysis.scorecard.iter().find(|row| row.id == metric);
    let effect = row.unwrap().effects.iter().find(|e| e.arm == arm);
    effect.unwrap()
}

fn segment<'a>(analysis: &'a Analysis, metric: &str, value: &str) -> &'a SegmentEffect {
    let found = |s: &&SegmentEffect| s.metric == metric && s.value == value;
    analysis.segments.iter().find(found).unwrap()
}

/// The story of the sample (sample-data/README.md): from the fourth stage on some answers hang, and Korean
/// answers get worse; Seoul is where most of them are.
#[test]
fn the_sample_is_told_by_stage_and_by_language() {
    let found = bundled();
    let ttft = effect(&found, "ttft_p95", "prompt-v2");
    let stages = ttft.stratified.as_ref().unwrap();
    let onset = stages.onset.as_ref().unwrap();
    assert!(
        onset.contains("no harm is shown before 2026-03-03 12:00"),
        "{onset}"
    );
    // The difference is between the values that are shown for it.
    let difference = ttft.difference.unwrap().value;
    assert!((stages.weighted.1 - stages.weighted.0 - difference).abs() < 1e-9 * difference);

    let korean = segment(&found, "rating_mean", "한국어");
    assert_eq!(korean.harm.as_ref().unwrap().same_as, None);
    let seoul = segment(&found, "rating_mean", "서울")
        .harm
        .as_ref()
        .unwrap();
    assert_eq!(seoul.same_as.as_deref(), Some("language = 한국어"));
    // n counts ratings, a tenth of the requests.
    assert!(
        korean.n.1 * 5 < korean.n_requests.1,
        "{:?} {:?}",
        korean.n,
        korean.n_requests
    );

    let reasons = &found.decision.reasons;
    assert!(reasons.iter().all(|reason| !reason.text.contains("서울")));
    let of_korean = reasons.iter().find(|reason| reason.text.contains("한국어"));
    let of_korean = of_korean.unwrap();
    assert_eq!(of_korean.weight, ReasonWeight::Against);
    // Beside Korean requests nobody rates the treatment worse.
    let harm = korean.harm.as_ref().unwrap();
    let without = harm.without.unwrap();
    assert!(
        without.interval.lower > -0.1 && without.value.abs() < 0.02,
        "{without:?}"
    );
    assert!(
        of_korean
            .text
            .contains("without these requests it stays within its margin")
    );
    assert!(
        of_korean.text.contains("stage by stage"),
        "{}",
        of_korean.text
    );
    // Since when and where, not a blend of stretches with harm and without.
    let headline = &found.decision.headline;
    for said in [
        "p95 time to first token is worse by 8.26 s to 9.91 s since 2026-03-03 12:00:01 UTC",
        "mean rating is worse by 0.503 where language is 한국어",
    ] {
        assert!(headline.contains(said), "{headline}");
    }
    let step = found.decision.next_step.as_ref().unwrap();
    assert!(step.contains("Going back to 9.86 %"), "{step}");
    assert!(
        reasons
            .iter()
            .any(|reason| reason.text.starts_with("p99 time to first token is worse"))
    );
    // Its interval reaches into the margin.
    let rating = reasons
        .iter()
        .find(|reason| reason.text.starts_with("Mean rating is worse,"));
    assert!(
        rating
            .unwrap()
            .text
            .contains("more likely than not beyond its margin")
    );
}

/// A difference that excludes zero and holds the margin is worse by an amount that is open.
#[test]
fn harm_of_open_size_is_called_harm() {
    let Some(loaded) = read("aibrix/aibrix_v021_requests.csv") else {
        return;
    };
    let found = compare(&loaded.log, "naive", "ps_naive");
    let latency = effect(&found, "latency_p95", "ps_naive");
    let (difference, margin) = (latency.difference.unwrap(), latency.margin.unwrap());
    assert!(difference.interval.lower > 0.0 && difference.value < margin);
    assert_eq!(latency.verdict, Verdict::WorseMarginOpen);
    // The arms ran one after another: an effect that grows with time would be one of the time.
    assert!(found.over_time.is_empty());
}

/// Two failures of 150 against none of 450: Fisher's p is 0.062 (scipy 1.17), the score interval excludes zero.
/// Answers that failed have no length.
#[test]
fn few_failures_and_failed_answers() {
    let Some(loaded) = read("llmperf/llmperf_requests.csv") else {
        return;
    };
    let found = compare(&loaded.log, "anyscale", "fireworks");
    let failures = effect(&found, "error_share", "perplexity");
    let test = failures.test.unwrap();
    assert_eq!(test.name, TestName::FisherExact);
    assert!((test.p - 0.0622).abs() < 5e-4, "{}", test.p);
    assert!(failures.difference.unwrap().interval.lower > 0.0);
    assert_eq!(failures.verdict, Verdict::Inconclusive);
    let tokens = effect(&found, "tokens_out_mean", "lepton")
        .difference
        .unwrap();
    assert!(
        tokens.n < 450 + 450 && tokens.value.abs() < 1.0,
        "{tokens:?}"
    );
    // p95 latency is worse on the whole and better for one size of model.
    let spared = |text: &&String| text.starts_with("p95 latency is better where model_size is 7b");
    assert!(found.decision.dissent.iter().any(|text| spared(&text)));
}
