//! Plans beside logs, and other plans on the same log: checked against a second reconstruction.

use std::fmt::Write as _;
use std::fs;

use hindsight::data::BucketHash;
use hindsight::error::Error;
use hindsight::ingest::{LoadRequest, Loaded, load};
use hindsight::jobs::Progress;
use hindsight::rules::{
    DrawnBy, Replay, ReplaySettings, Rulebook, StageSpan, presets, replay_in_full, replay_planned,
};
use md5::{Digest as _, Md5};

const N: usize = 9_000;
const SECOND: i64 = 1_000_000;
const HALF_HOUR: i64 = 1_800 * SECOND;
/// 2026-03-02T06:00:00Z.
const ZERO: i64 = 1_772_431_200 * SECOND;

/// A request of the made log: its second, its user's bucket, and whether it failed.
struct Request {
    second: i64,
    bucket: u16,
    is_error: bool,
}

/// An hour, 2.5 requests a second; an eleventh of the canary's requests fail in the second half.
fn requests() -> Vec<(String, Request)> {
    let request = |i: usize| {
        let user = format!("user-{}", i * 7919 % 2003);
        let bucket = BucketHash::Md5Of10000.bucket(Md5::digest(user.as_bytes()).into());
        let second = (i * 3600 / N) as i64;
        let is_canary = f64::from(bucket) < share_of_log(second) * 10_000.0;
        let is_error = is_canary && second >= 1_800 && i.is_multiple_of(11);
        let made = Request {
            second,
            bucket,
            is_error,
        };
        (user, made)
    };
    (0..N).map(request).collect()
}

/// 20 %, and 40 % from the half hour on.
fn share_of_log(second: i64) -> f64 {
    if second < 1_800 { 0.2 } else { 0.4 }
}

/// How the made log was routed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Routing {
    /// By a known hash of the user.
    Known,
    /// By the same hash with a salt, a fifth of the users throughout.
    Salted,
    /// Every fifth request.
    ByRequest,
}

fn logged(routing: Routing) -> Loaded {
    logged_with(routing, &[])
}

fn logged_with(routing: Routing, salts: &[&str]) -> Loaded {
    let mut text = "time,user_id,variant,status,latency_ms\n".to_owned();
    for (i, (user, request)) in requests().iter().enumerate() {
        let is_canary = match routing {
            Routing::Known => f64::from(request.bucket) < share_of_log(request.second) * 10_000.0,
            Routing::Salted => {
                let digest = Md5::digest(format!("spring-{user}").as_bytes());
                BucketHash::Md5Of10000.bucket(digest.into()) < 2_000
            }
            Routing::ByRequest => i % 5 == 0,
        };
        let arm = if is_canary { "canary" } else { "stable" };
        let status = if request.is_error { 500 } else { 200 };
        let (minute, second) = (request.second / 60, request.second % 60);
        writeln!(
            text,
            "2026-03-02T06:{minute:02}:{second:02}Z,{user},{arm},{status},250"
        )
        .unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.csv");
    fs::write(&path, text).unwrap();
    let mut request = LoadRequest::of(&path);
    request.added.salts = salts.iter().map(|salt| (*salt).to_owned()).collect();
    load(&request, &Progress::unwatched()).unwrap()
}

fn rulebook(stages: &str) -> Rulebook {
    Rulebook::parse(&format!(
        r#"
[[rule]]
id = "errors"
clock = {{ request = "canary" }}
plan = "asked"
any = [ {{ metric = "error_share", window = {{ last = 50 }}, cmp = ">", value = 0.1, min_n = {{ canary = 50 }} }} ]
[plan.asked]
stages = [ {stages} ]
"#
    ))
    .unwrap()
}

/// The stages that the log shows, the switch up to a minute off, as inferred stages are.
const STAGES: [StageSpan; 2] = [
    StageSpan {
        from_us: ZERO,
        to_us: ZERO + HALF_HOUR + 40 * SECOND,
        share: 0.2,
    },
    StageSpan {
        from_us: ZERO + HALF_HOUR + 40 * SECOND,
        to_us: ZERO + 2 * HALF_HOUR,
        share: 0.4,
    },
];

fn arms(loaded: &Loaded) -> ReplaySettings {
    ReplaySettings {
        control: loaded.log.arm_index("stable").unwrap(),
        treatment: loaded.log.arm_index("canary").unwrap(),
    }
}

fn planned(loaded: &Loaded, stages: &str) -> Result<Replay, Error> {
    let rulebook = rulebook(stages);
    let progress = Progress::unwatched();
    replay_planned(
        &loaded.log,
        &rulebook,
        &arms(loaded),
        &STAGES,
        "asked",
        &progress,
    )
}

/// Canary requests under a plan, and the time at which the 50 last of them first failed too often.
fn by_hand(share: impl Fn(i64) -> f64, until: i64) -> (u64, Option<i64>) {
    let (mut n, mut failed, mut first) = (0, Vec::new(), None);
    for (_, request) in requests() {
        let share = share(request.second);
        if request.second >= until || f64::from(request.bucket) >= share * 10_000.0 {
            continue;
        }
        n += 1;
        failed.push(request.is_error);
        let last = &failed[failed.len().saturating_sub(50)..];
        let n_failed = last.iter().filter(|failed| **failed).count();
        if last.len() == 50 && n_failed > 5 && first.is_none() {
            first = Some(request.second * SECOND + 250_000);
        }
    }
    (n, first)
}

#[test]
fn a_smaller_share_is_replayed_request_by_request() {
    let loaded = logged(Routing::Known);
    let found = planned(&loaded, "{ weight = 0.05, hold = '40m' }, { weight = 0.3 }").unwrap();
    let share = |second: i64| if second < 2_400 { 0.05 } else { 0.3 };
    let (n_canary, first_us) = by_hand(share, i64::MAX);
    let facts = found.replanned.as_ref().unwrap();
    assert_eq!(facts.canary_requests, n_canary);
    let (n_logged, _) = by_hand(share_of_log, i64::MAX);
    assert_eq!(facts.stand_ins, n_logged - n_canary);
    assert_eq!((facts.misrouted, facts.end), (0, None));
    let rule = &found.rules[0];
    let first = rule.first.as_ref().unwrap();
    assert_eq!(Some(first.time_us), first_us);
    // The plan's stages are those of the replay.
    let stage = first.stage.unwrap();
    assert_eq!((stage.index, stage.share), (1, 0.3));
    assert_eq!(stage.into_us, first.time_us - 2_400 * SECOND);
    let exposure = rule.exposure.unwrap();
    assert_eq!(exposure.before.requests + exposure.after.requests, n_canary);
    assert!(rule.plan.as_ref().unwrap().is_followed());
}

#[test]
fn the_plan_of_the_log_changes_nothing() {
    let loaded = logged(Routing::Known);
    let stages = "{ weight = 0.2, hold = '30m' }, { weight = 0.4 }";
    let as_planned = planned(&loaded, stages).unwrap();
    let facts = as_planned.replanned.as_ref().unwrap();
    assert_eq!((facts.stand_ins, facts.end), (0, None));
    let progress = Progress::unwatched();
    let as_logged = replay_in_full(
        &loaded.log,
        &rulebook(stages),
        &arms(&loaded),
        &STAGES,
        &progress,
    )
    .unwrap();
    let first = |replay: &Replay| replay.rules[0].first.clone().unwrap();
    let (mut a, b) = (first(&as_planned), first(&as_logged));
    // The log's own stages are known to a minute only.
    a.stage = b.stage;
    assert_eq!(a, b);
    assert_eq!(b.planned.unwrap().index, 1);
}

#[test]
fn a_larger_share_is_not_in_the_log() {
    let loaded = logged(Routing::Known);
    let refused = planned(&loaded, "{ weight = 0.25 }")
        .unwrap_err()
        .to_string();
    assert!(refused.contains("25.0 % and the log only 20"), "{refused}");
    // What is in the log up to there is replayed.
    let stages = "{ weight = 0.1, hold = '50m' }, { weight = 0.5 }";
    let found = planned(&loaded, stages).unwrap();
    let facts = found.replanned.as_ref().unwrap();
    let end = facts.end.unwrap();
    assert_eq!(end.time_us, 3_000 * SECOND);
    assert_eq!((end.wanted, (end.seen * 100.0).round()), (0.5, 40.0));
    assert_eq!(facts.canary_requests, by_hand(|_| 0.1, 3_000).0);
    assert!(found.last_event_us < end.time_us);
}

/// Where no known router explains the arms, a random part of the canary stays: the same at every run, a
/// fourth of it where a fifth becomes a twentieth, of users where they kept their arm.
#[test]
fn without_a_known_router_a_random_part_stays() {
    for (routing, by) in [
        (Routing::ByRequest, DrawnBy::Request),
        (Routing::Salted, DrawnBy::User),
    ] {
        let loaded = logged(routing);
        assert!(loaded.log.buckets.is_none(), "{routing:?}");
        let found = planned(&loaded, "{ weight = 0.05 }").unwrap();
        let facts = found.replanned.as_ref().unwrap();
        assert_eq!((facts.drawn, facts.router.as_str()), (Some(by), ""));
        let n = facts.canary_requests + facts.stand_ins;
        assert_eq!(
            n,
            loaded.log.rows_of_arm(arms(&loaded).treatment).count() as u64
        );
        let share = facts.canary_requests as f64 / n as f64;
        assert!((0.19..0.31).contains(&share), "{routing:?}: {share}");
        let said = facts.sentences().join(" ");
        assert!(
            said.contains("drawn at random") && said.contains("seed 1"),
            "{said}"
        );
        assert_eq!(planned(&loaded, "{ weight = 0.05 }").unwrap(), found);
        let refused = planned(&loaded, "{ weight = 0.5 }")
            .unwrap_err()
            .to_string();
        assert!(refused.contains("50.0 % and the log only"), "{refused}");
    }
}

/// With its salt the router is known, and the plan is replayed exactly; the rulebook's routers are laid
/// beside the log.
#[test]
fn a_router_with_a_salt_is_recognised() {
    let loaded = logged_with(Routing::Salted, &["autumn-", "spring-"]);
    assert_eq!(loaded.log.buckets.as_ref().unwrap().salt, "spring-");
    let router = |name: &str, salt: &str| {
        format!(
            "[router.{name}]\nhash = 'md5-full-mod'\nkey = 'user'\nbuckets = 10000\ncanary = 'bucket < weight*buckets'\nsalt = '{salt}'\n"
        )
    };
    let mut rulebook = rulebook("{ weight = 0.05 }").to_toml().unwrap();
    rulebook += &(router("ours", "spring-") + &router("theirs", ""));
    let rulebook = Rulebook::parse(&rulebook).unwrap();
    assert_eq!(rulebook.salts(), ["spring-"]);
    let progress = Progress::unwatched();
    let (log, arms) = (&loaded.log, arms(&loaded));
    let found = replay_planned(log, &rulebook, &arms, &[], "asked", &progress).unwrap();
    let facts = found.replanned.unwrap();
    assert_eq!((facts.drawn, facts.misrouted), (None, 0));
    let by_hand = requests().into_iter().filter(|(user, _)| {
        let digest = Md5::digest(format!("spring-{user}").as_bytes());
        BucketHash::Md5Of10000.bucket(digest.into()) < 500
    });
    assert_eq!(facts.canary_requests, by_hand.count() as u64);
    let found = replay_in_full(log, &rulebook, &arms, &[], &progress).unwrap();
    let fits: Vec<_> = found
        .routers
        .iter()
        .map(|fit| (fit.name.as_str(), fit.is_followed))
        .collect();
    assert_eq!(fits, [("ours", true), ("theirs", false)]);
    assert!(found.routers[1].text.contains("md5(\"spring-\" + user_id)"));
}

/// Planned shares beside those of the log, stage by stage.
#[test]
fn a_plan_that_the_log_does_not_follow_is_named() {
    let loaded = logged(Routing::Known);
    let rulebook = presets::rulebook(&["canary-monitor"]).unwrap();
    let progress = Progress::unwatched();
    let found = replay_in_full(&loaded.log, &rulebook, &arms(&loaded), &STAGES, &progress).unwrap();
    let fit = found.rules[0].plan.as_ref().unwrap();
    let stages: Vec<_> = fit
        .stages
        .iter()
        .map(|stage| (stage.from_us / SECOND, stage.to_us / SECOND, stage.weight))
        .collect();
    // 5 % for 10 min, 20 % for 30 min, 50 %: the log has 20 %, then 40 % from the half hour on.
    assert_eq!(
        stages,
        [(0, 600, 0.05), (600, 2_400, 0.2), (2_400, 3_599, 0.5)]
    );
    assert!(fit.stages[0].differs && fit.stages[1].differs);
    assert!(!fit.is_followed());
    let second = &fit.stages[1];
    let share = second.share.unwrap();
    assert!((share - 0.27).abs() < 0.03, "{share}");
    let followed = replay_in_full(
        &loaded.log,
        &self::rulebook("{ weight = 0.2, hold = '30m' }, { weight = 0.4 }"),
        &arms(&loaded),
        &STAGES,
        &progress,
    )
    .unwrap();
    assert!(followed.rules[0].plan.as_ref().unwrap().is_followed());
}
