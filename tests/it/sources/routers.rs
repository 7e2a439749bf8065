//! Assignment against hash routers: recognised from the ids, and the rows that stand elsewhere.

use std::fmt::Write as _;
use std::fs;

use hindsight::analysis::{AnalysisSettings, HealthCheck, Severity, audit};
use hindsight::data::BucketHash;
use hindsight::ingest::{LoadRequest, load};
use hindsight::jobs::Progress;
use md5::{Digest as _, Md5};

const N: usize = 8000;

fn bucket(hash: BucketHash, text: &str) -> u16 {
    hash.bucket(Md5::digest(text.as_bytes()).into())
}

/// A log of one hour whose arm is what `is_canary` says of row, user and request.
fn log(is_canary: impl Fn(usize, &str, &str) -> bool) -> String {
    let mut text = "time,request_id,user_id,variant,latency_ms\n".to_owned();
    for i in 0..N {
        // Users come back in no order.
        let (user, request) = (format!("user-{}", i * 7919 % 2003), format!("req-{i}"));
        let arm = if is_canary(i, &user, &request) {
            "canary"
        } else {
            "stable"
        };
        let (minute, second) = (i * 60 / N, i * 3600 / N % 60);
        let latency = 200 + i * 31 % 97;
        writeln!(
            text,
            "2026-03-02T06:{minute:02}:{second:02}Z,{request},{user},{arm},{latency}.5"
        )
        .unwrap();
    }
    text
}

/// The router that was recognised, and its check.
fn checked(text: &str) -> (Option<(BucketHash, String)>, Option<HealthCheck>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.csv");
    fs::write(&path, text).unwrap();
    let progress = Progress::unwatched();
    let loaded = load(&LoadRequest::of(&path), &progress).unwrap();
    let audit = audit(&loaded.log, &AnalysisSettings::default(), &progress).unwrap();
    let router = loaded
        .log
        .buckets
        .as_ref()
        .map(|b| (b.hash, b.column.clone()));
    (router, audit.health.into_iter().find(|c| c.id == "router"))
}

#[test]
fn sticky_users_are_recognised() {
    let hash = BucketHash::Md5Of10000;
    let (router, check) = checked(&log(|_, user, _| bucket(hash, user) < 2000));
    assert_eq!(router, Some((hash, "user_id".to_owned())));
    let check = check.unwrap();
    assert_eq!(check.severity, Severity::Ok, "{}", check.finding);
    assert!(
        check.finding.contains("below 2,000 (20"),
        "{}",
        check.finding
    );
}

#[test]
fn rows_in_another_arm_than_their_bucket_are_named() {
    let hash = BucketHash::Md5Of10000;
    let moved = [100usize, 2500, 4001];
    let is_canary = |i: usize, user: &str| (bucket(hash, user) < 2000) != moved.contains(&i);
    let (_, check) = checked(&log(|i, user, _| is_canary(i, user)));
    let check = check.unwrap();
    assert_eq!(check.severity, Severity::Note, "{}", check.finding);
    assert!(
        check.finding.starts_with("3 of 8,000 rows"),
        "{}",
        check.finding
    );
    assert!(
        check.finding.ends_with("data rows 101, 2,501, 4,002"),
        "{}",
        check.finding
    );
}

#[test]
fn a_growing_canary_by_request_is_recognised() {
    let hash = BucketHash::Md5HeadOf1000;
    // The stable arm has the lower 950, 800, then 500 buckets.
    let stable = |i: usize| [950, 800, 500][i * 3 / N];
    let (router, check) = checked(&log(|i, _, request| bucket(hash, request) >= stable(i)));
    assert_eq!(router, Some((hash, "request_id".to_owned())));
    let check = check.unwrap();
    assert_eq!(check.severity, Severity::Ok, "{}", check.finding);
    for part in ["from 950 (5", "from 800 (20", "from 500 (50"] {
        assert!(check.finding.contains(part), "{}", check.finding);
    }
}

#[test]
fn chance_is_no_router() {
    let (router, check) = checked(&log(|i, _, _| (i * i) % 7 < 2));
    assert_eq!(router, None);
    assert!(check.is_none());
}
