//! What sample-data/README.md promises, checked on the generated logs, and that the files in
//! sample-data are the generated ones.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::Path;

use polars_io::SerReader;
use polars_io::parquet::read::ParquetReader;

use super::calibration::{CODE_TASK, KOREAN};
use super::files::data_frame;
use super::story::{HOUR_MS, stage_at};
use super::*;
use crate::jobs::Progress;

/// The sizes of the bundled rollout logs.
const SIZES: [usize; 2] = [20_000, 200_000];

#[test]
fn the_canary_fails_as_often_as_the_control() {
    for log in SIZES.map(rollout) {
        let errors = |variant| counts(&log, |r| r.variant == variant && r.status != 499, is_error);
        let (control, canary) = (errors("prompt-v1"), errors("prompt-v2"));
        assert!(z_of_shares(control, canary).abs() < 2.0);
        for (k, n) in [control, canary] {
            check_within(k as f64 / n as f64, 0.015, 0.021);
        }
    }
}

#[test]
fn the_tail_of_latency_grows_from_the_stage_of_25_percent_on() {
    for log in SIZES.map(rollout) {
        let ratio = |level, stages: &[u32]| {
            let quantile = |variant| {
                let at = |r: &SampleRequest| stages.contains(&stage_at(r.start_ms).buckets);
                latency_quantile(&log, level, |r| r.variant == variant && at(r))
            };
            quantile("prompt-v2") / quantile("prompt-v1")
        };
        check_within(ratio(0.95, &[100, 500, 1_000]), 0.9, 1.1);
        check_within(ratio(0.95, &[2_500]), 1.2, 1.5);
        check_within(ratio(0.95, &[5_000]), 1.2, 1.5);
        check_within(ratio(0.5, &[2_500, 5_000]), 0.95, 1.1);
    }
}

#[test]
fn ratings_fall_in_korean_alone() {
    let last_day = START_MS + 48 * HOUR_MS;
    for log in SIZES.map(rollout) {
        let drop = |of: &dyn Fn(&SampleRequest) -> bool| {
            let ratings = |variant| {
                ratings(&log, |r| {
                    r.variant == variant && r.start_ms >= last_day && of(r)
                })
            };
            difference(&ratings("prompt-v1"), &ratings("prompt-v2"))
        };
        let (drop_korean, z) = drop(&|r| r.language == KOREAN);
        check_within(drop_korean, 0.5, 1.3);
        assert!(z > 3.0, "{z}");
        for other in ["English", "简体中文", "日本語"] {
            let (difference, z) = drop(&|r| r.language == other);
            assert!(z.abs() < 2.5, "{other}: {difference} {z}");
        }
    }
}

#[test]
fn answers_are_rated_equally_often() {
    for log in SIZES.map(rollout) {
        for variant in ["prompt-v1", "prompt-v2"] {
            let rated = |r: &SampleRequest| r.rating.is_some();
            let (k, n) = counts(&log, |r| r.variant == variant && r.status == 200, rated);
            check_within(k as f64 / n as f64, 0.08, 0.12);
        }
    }
}

#[test]
fn few_users_see_both_arms() {
    for log in SIZES.map(rollout) {
        let users = arms_of_users(&log);
        let both = users.values().filter(|arms| arms.len() == 2).count();
        check_within(both as f64 / users.len() as f64, 0.002, 0.004);
    }
}

#[test]
fn the_canary_gets_the_share_of_users_of_each_stage() {
    for log in SIZES.map(rollout) {
        let mut per_stage = BTreeMap::<u32, (u64, u64)>::new();
        for first in first_requests(&log) {
            let (k, n) = per_stage
                .entry(stage_at(first.start_ms).buckets)
                .or_default();
            *k += u64::from(first.variant == "prompt-v2");
            *n += 1;
        }
        assert_eq!(per_stage.len(), STAGES.len());
        for (buckets, (k, n)) in per_stage {
            check_binomial(k, n, f64::from(buckets) / 10_000.0);
        }
    }
}

#[test]
fn nothing_differs_in_the_aa_log() {
    let log = log(SampleKind::AA, 20_000);
    let of = |variant: &'static str| move |r: &SampleRequest| r.variant == variant;
    let counted = |variant| counts(&log, |r| r.variant == variant && r.status != 499, is_error);
    assert!(z_of_shares(counted("control"), counted("treatment")).abs() < 2.0);
    for level in [0.5, 0.95] {
        let ratio = latency_quantile(&log, level, of("treatment"))
            / latency_quantile(&log, level, of("control"));
        check_within(ratio, 0.95, 1.05);
    }
    let (_, z) = difference(
        &ratings(&log, of("control")),
        &ratings(&log, of("treatment")),
    );
    assert!(z.abs() < 2.0, "{z}");
    let users = arms_of_users(&log);
    assert!(users.values().all(|arms| arms.len() == 1));
    let treated = users.values().filter(|arms| arms.contains("treatment"));
    check_binomial(treated.count() as u64, users.len() as u64, 0.5);
}

#[test]
fn every_row_is_consistent() {
    for log in [rollout(20_000), log(SampleKind::AA, 20_000)] {
        assert!(log.requests.is_sorted_by_key(|r| r.start_ms));
        let numbers: BTreeSet<u32> = log.requests.iter().map(|r| r.number).collect();
        assert_eq!(numbers.len(), log.requests.len());
        for r in &log.requests {
            assert!((START_MS..END_MS).contains(&r.start_ms));
            assert!(r.latency_ms > 0.0 && r.ttft_ms.is_none_or(|ttft| ttft <= r.latency_ms));
            assert_eq!(r.rating.is_some(), r.rated_at_ms.is_some());
            assert!(r.rating.is_none() || r.status == 200);
            let end_ms = r.start_ms as f64 + r.latency_ms;
            assert!(
                r.rated_at_ms
                    .is_none_or(|rated_at| rated_at as f64 > end_ms)
            );
            let answered = r.ttft_ms.is_some() && r.completion_tokens > 0;
            assert!(answered == (r.status == 200) || r.status == 499, "{r:?}");
        }
        let mut traits = BTreeMap::new();
        for r in &log.requests {
            let kept = traits.entry(r.user).or_insert((r.language, r.region));
            assert_eq!(*kept, (r.language, r.region));
        }
    }
}

#[test]
fn token_counts_follow_the_traces() {
    let log = rollout(200_000);
    let tokens = |level, code: bool, of: fn(&SampleRequest) -> u32| {
        let values = log.requests.iter();
        let values = values.filter(|r| r.status == 200 && (r.task == CODE_TASK) == code);
        quantile(values.map(|r| f64::from(of(r))).collect(), level)
    };
    for (level, code, prompt, completion) in [
        (0.5, false, 1020.0, 129.0),
        (0.95, false, 4083.0, 451.0),
        (0.5, true, 1469.0, 13.0),
        (0.95, true, 7303.0, 90.0),
    ] {
        check_within(
            tokens(level, code, |r| r.prompt_tokens) / prompt,
            0.95,
            1.05,
        );
        check_within(
            tokens(level, code, |r| r.completion_tokens) / completion,
            0.9,
            1.1,
        );
    }
}

#[test]
fn the_small_log_is_a_part_of_the_large_one() {
    let (small, large) = (rollout(20_000), rollout(200_000));
    let large: BTreeMap<u32, &SampleRequest> =
        large.requests.iter().map(|r| (r.number, r)).collect();
    assert!(small.requests.iter().all(|r| large[&r.number] == r));
}

#[test]
fn the_bundled_files_are_the_generated_ones() {
    let bundled = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-data");
    let folder = tempfile::tempdir().unwrap();
    let written = write(folder.path(), SAMPLE_SEED, &Progress::unwatched()).unwrap();
    assert_eq!(written.len(), 3);
    for name in [ROLLOUT_CSV, AA_CSV] {
        let [bundled, fresh] = [&bundled, folder.path()].map(|f| std::fs::read(f.join(name)));
        assert!(bundled.unwrap() == fresh.unwrap(), "{name} differs");
    }
    // The bytes of Parquet depend on the writer's version, its content does not.
    let file = File::open(bundled.join(ROLLOUT_PARQUET)).unwrap();
    assert!(file.metadata().unwrap().len() < 8_000_000);
    let frame = ParquetReader::new(file).finish().unwrap();
    assert!(frame.equals_missing(&data_frame(&rollout(200_000)).unwrap()));
}

#[test]
fn a_cancelled_write_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let progress = Progress::unwatched();
    progress.cancel();
    assert!(
        write(folder.path(), SAMPLE_SEED, &progress)
            .unwrap_err()
            .is_cancelled()
    );
    assert_eq!(folder.path().read_dir().unwrap().count(), 0);
}

fn log(kind: SampleKind, n_requests: usize) -> SampleLog {
    generate(&SampleSpec {
        seed: SAMPLE_SEED,
        n_requests,
        kind,
    })
}

fn rollout(n_requests: usize) -> SampleLog {
    log(SampleKind::CanaryRollout, n_requests)
}

fn is_error(request: &SampleRequest) -> bool {
    !matches!(request.status, 200 | 499)
}

/// Of the requests that count, how many have the property.
fn counts(
    log: &SampleLog,
    counted: impl Fn(&SampleRequest) -> bool,
    has: impl Fn(&SampleRequest) -> bool,
) -> (usize, usize) {
    let counted: Vec<_> = log.requests.iter().filter(|r| counted(r)).collect();
    (counted.iter().filter(|r| has(r)).count(), counted.len())
}

fn latency_quantile(log: &SampleLog, level: f64, of: impl Fn(&SampleRequest) -> bool) -> f64 {
    let answered = log.requests.iter().filter(|r| r.status == 200 && of(r));
    quantile(answered.map(|r| r.latency_ms).collect(), level)
}

fn quantile(mut values: Vec<f64>, level: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values[(values.len() as f64 * level) as usize]
}

fn ratings(log: &SampleLog, of: impl Fn(&SampleRequest) -> bool) -> Vec<f64> {
    let rated = log.requests.iter().filter(|r| of(r));
    rated.filter_map(|r| r.rating.map(f64::from)).collect()
}

/// Difference of means, first less second, and by how many standard errors.
fn difference(a: &[f64], b: &[f64]) -> (f64, f64) {
    let moments = |x: &[f64]| {
        let n = x.len() as f64;
        let mean = x.iter().sum::<f64>() / n;
        let variance = x.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0);
        (mean, variance / n)
    };
    let ((mean_a, se2_a), (mean_b, se2_b)) = (moments(a), moments(b));
    (mean_a - mean_b, (mean_a - mean_b) / (se2_a + se2_b).sqrt())
}

fn z_of_shares((k1, n1): (usize, usize), (k2, n2): (usize, usize)) -> f64 {
    let (n1, n2) = (n1 as f64, n2 as f64);
    let pooled = (k1 + k2) as f64 / (n1 + n2);
    let se = (pooled * (1.0 - pooled) * (1.0 / n1 + 1.0 / n2)).sqrt();
    (k1 as f64 / n1 - k2 as f64 / n2) / se
}

fn first_requests(log: &SampleLog) -> Vec<&SampleRequest> {
    let mut seen = BTreeSet::new();
    let first = log.requests.iter().filter(|r| seen.insert(r.user));
    first.collect()
}

fn arms_of_users(log: &SampleLog) -> BTreeMap<u64, BTreeSet<&'static str>> {
    let mut users = BTreeMap::<u64, BTreeSet<&str>>::new();
    for r in &log.requests {
        users.entry(r.user).or_default().insert(r.variant);
    }
    users
}

#[track_caller]
fn check_within(value: f64, low: f64, high: f64) {
    assert!((low..=high).contains(&value), "{value}");
}

/// Within three standard deviations of a binomial count, and half for the step.
#[track_caller]
fn check_binomial(k: u64, n: u64, p: f64) {
    let (k, n) = (k as f64, n as f64);
    let bound = 3.0 * (n * p * (1.0 - p)).sqrt() + 0.5;
    assert!((k - n * p).abs() <= bound, "{k} of {n} at {p}");
}
