//! Rulebooks of known systems, `tests/data/rulebooks`: each is read, written, read again and replayed.

use std::fs;
use std::path::{Path, PathBuf};

use hindsight::data::{Clock, Outcome, Quantity, RequestLog};
use hindsight::jobs::Progress;
use hindsight::rules::{Replay, ReplaySettings, Rulebook, StageSpan, presets, replay_in_full};

use crate::support::replay_log;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/rulebooks")
}

fn rulebook(name: &str) -> Rulebook {
    let text = fs::read_to_string(folder().join(name).with_extension("toml")).unwrap();
    Rulebook::parse(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Ten hours, a request a second, 50/50 in turn; the canary fails half of its requests from the
/// sixth hour on and takes ten times as long.
fn incident() -> RequestLog {
    let n = 36_000;
    let is_bad = |i: usize| i % 2 == 1 && i > 21_600;
    let outcome = |i: usize| {
        if is_bad(i) && i % 4 == 1 {
            Outcome::Error
        } else {
            Outcome::Ok
        }
    };
    RequestLog {
        clock: Clock::Epoch,
        arms: ["stable", "canary"]
            .map(|name| hindsight::data::Arm { name: name.into() })
            .into(),
        arm: (0..n).map(|i| (i % 2) as u16).collect(),
        row: (0..n as u32).collect(),
        start_us: (0..n as i64).map(|i| i * 1_000_000).collect(),
        event_us: (0..n as i64).map(|i| i * 1_000_000).collect(),
        outcome: (0..n).map(outcome).collect(),
        has_outcome: true,
        quantities: vec![
            (
                Quantity::LatencyMs,
                (0..n)
                    .map(|i| if is_bad(i) { 9_000.0 } else { 300.0 })
                    .collect::<Vec<f64>>()
                    .into(),
            ),
            (
                Quantity::Rating,
                (0..n)
                    .map(|i| 3.0 + (i % 3) as f64)
                    .collect::<Vec<f64>>()
                    .into(),
            ),
        ],
        ..RequestLog::default()
    }
    .assemble()
}

fn run(log: &RequestLog, rulebook: &Rulebook) -> Replay {
    let hours = |from: i64, to: i64, share| StageSpan {
        from_us: from * 3_600_000_000,
        to_us: to * 3_600_000_000,
        share,
    };
    let settings = ReplaySettings {
        control: 0,
        treatment: 1,
    };
    let stages = [hours(0, 5, 0.5), hours(5, 10, 0.5)];
    replay_in_full(log, rulebook, &settings, &stages, &Progress::unwatched()).unwrap()
}

#[test]
fn every_known_rulebook_is_read_written_and_replayed() {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "toml"))
        .collect();
    paths.sort();
    assert_eq!(paths.len(), 13);
    let log = incident();
    for path in paths {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let known = rulebook(name);
        let written = known.to_toml().unwrap();
        let again = Rulebook::parse(&written).unwrap_or_else(|e| panic!("{name}: {e}\n{written}"));
        assert_eq!(again, known, "{name}\n{written}");
        for rule in run(&log, &known).rules {
            assert_eq!(rule.skipped, None, "{name}");
            assert!(rule.evaluations > 0, "{name}");
        }
    }
}

/// Seconds from the incident to the first firing of every rule, found by hand.
#[test]
fn known_rules_fire_on_an_incident_as_their_systems_would() {
    let log = incident();
    let first = |name: &str, rule: usize| {
        let found = run(&log, &rulebook(name)).rules.remove(rule);
        found
            .first
            .map(|first| first.time_us as f64 / 1e6 - 21_600.0)
    };
    let expected = [
        // The 95th percentile of 100 is the fifth largest: five slow requests, two seconds apart.
        ("source-quality-monitor", 0, Some(9.0)),
        // 300 s after either stage began, all was well.
        ("source-monitor-canary", 0, None),
        // Only the first 300 s are watched.
        ("source-auto-rollback", 0, None),
        // The next whole minute; of its two plans neither is named as the rule's.
        ("source-appconfig-cloudwatch", 0, Some(60.0)),
        // Two samples are there at the third retry only: five-minute measurements fall 30 s after whole
        // ones, and the fourth failure is the fourth of them.
        ("system-argo", 0, Some(930.0)),
        // Five failures, a minute apart.
        ("system-flagger", 0, Some(300.0)),
        // A third of all points since the start are bad and the rest are alike: the median difference is
        // 0, but the root search stops within 1e-4 of it, above.
        ("system-kayenta", 0, Some(11400.0)),
        // 150 requests in five minutes are fewer than 1,000: the state is kept.
        ("system-cloudwatch-p99", 0, None),
        // 14.4 % of an hour's requests, half of them failing: 1,037 s, looked at every 30 s.
        ("system-burn-rate", 0, Some(1050.0)),
        // A twentieth of an hour is slow after 180 s.
        ("system-unleash-envoy", 0, Some(240.0)),
        // Every other canary request fails.
        ("system-unleash-envoy", 1, None),
    ];
    let found: Vec<_> = expected
        .iter()
        .map(|(name, rule, _)| (*name, *rule, first(name, *rule)))
        .collect();
    assert_eq!(found, expected);
}

/// What the log lacks is said, and the other rules run.
#[test]
fn a_rule_without_its_column_says_so() {
    let mut log = incident();
    log.quantities
        .retain(|(quantity, _)| *quantity != Quantity::LatencyMs);
    let found = run(&log, &rulebook("system-unleash-envoy"));
    assert_eq!(
        found.rules[0].skipped.as_deref(),
        Some("the log has no column for latency")
    );
    assert_eq!(found.rules[1].skipped, None);
}

/// The golden logs with the source's own files: the same first firing as with the presets.
#[test]
fn source_rulebooks_agree_with_the_presets() {
    let log = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/replay/pub01_error_rel.csv");
    let log = replay_log::read(&log);
    let found = run(&log, &rulebook("source-quality-monitor"))
        .rules
        .remove(0);
    let first = found.first.unwrap();
    assert_eq!((first.row, first.time_us), (Some(240), 623_376_200));
    assert_eq!(first.causes, ["err-abs"]);
    let found = run(&log, &rulebook("source-canary-monitor"))
        .rules
        .remove(0);
    assert_eq!(found.first.unwrap().time_us, 360_000_000);
}

/// A sequential test holds over all looks only where requests are never forgotten.
#[test]
fn sequential_tests_refuse_windows_that_forget() {
    let text = |kind: &str, window: &str| {
        format!(
            "[[rule]]\nid = \"a\"\nclock = {{ every = \"5m\" }}\nall = [ {{ metric = \"error_share\", window = {{ {window} }}, test = {{ kind = \"{kind}\" }} }} ]\n"
        )
    };
    for kind in ["conf_seq", "msprt"] {
        for window in ["since = \"run\"", "since = \"stage\""] {
            Rulebook::parse(&text(kind, window)).unwrap();
        }
        for window in ["last = 500", "trailing = \"1h\"", "tumbling = \"1h\""] {
            let error = Rulebook::parse(&text(kind, window))
                .unwrap_err()
                .to_string();
            assert!(error.contains("rule[0].all[0].test.kind"), "{error}");
            assert!(error.contains("since = \"run\""), "{error}");
        }
    }
    Rulebook::parse(&text("z_two_prop", "last = 500")).unwrap();
}

/// Twenty minutes, ten requests a second in turn. The canary fails one request in 125, the baseline one
/// in 250 and from the fifth minute on one in 25.
fn worse_baseline() -> RequestLog {
    let n = 12_000;
    let fails = |i: usize| match (i % 2, i / 2) {
        (1, k) => k % 125 == 100,
        (_, k) if k < 1_500 => k % 250 == 100,
        (_, k) => k.is_multiple_of(25),
    };
    let outcome = |i| {
        if fails(i) {
            Outcome::Error
        } else {
            Outcome::Ok
        }
    };
    let mut log = incident();
    let at: Vec<i64> = (0..n as i64).map(|i| i * 100_000).collect();
    log = log.gathered(&(0..n as u32).collect::<Vec<u32>>());
    (log.start_us, log.event_us) = (at.clone(), at);
    log.outcome = (0..n).map(outcome).collect();
    log
}

/// As written, the rolled-back canary is advanced to 20 % once the baseline is bad enough; repaired,
/// the rollout is over.
#[test]
fn the_repaired_canary_monitor_does_not_resurrect_its_canary() {
    let log = worse_baseline();
    let of = |id: &str| {
        let rulebook = presets::rulebook(&[id]).unwrap();
        run(&log, &rulebook).rules.remove(0)
    };
    let (as_written, repaired) = (of("canary-monitor"), of("canary-monitor-repaired"));
    // After a minute two of 300 requests of the canary have failed, and one of the baseline's.
    let minute = 60_000_000;
    for rule in [&as_written, &repaired] {
        let first = rule.first.as_ref().unwrap();
        assert_eq!(first.time_us, minute);
        assert_eq!(first.causes, ["error_relative"]);
    }
    // Quiet before the stage's ten minutes are over, it goes on to 20 % when they are.
    let resumed = as_written.after.unwrap().resumed.unwrap();
    assert_eq!((resumed.time_us, resumed.stage), (10 * minute, 1));
    assert_eq!(resumed.weight, 0.2);
    assert_eq!(repaired.after, None);
}

/// The repaired version never fires before the other on the golden logs.
#[test]
fn the_repaired_canary_monitor_waits_for_a_sample() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/replay");
    let entries = fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let (mut n, mut n_later) = (0, 0);
    for path in paths.filter(|path| path.extension().is_some_and(|e| e == "csv")) {
        let log = replay_log::read(&path);
        let first_us = |id: &str| {
            let rulebook = presets::rulebook(&[id]).unwrap();
            let rule = run(&log, &rulebook).rules.remove(0);
            rule.first.map_or(i64::MAX, |first| first.time_us)
        };
        let (early, late) = (
            first_us("canary-monitor"),
            first_us("canary-monitor-repaired"),
        );
        assert!(early <= late, "{}", path.display());
        n += 1;
        n_later += usize::from(early < late);
    }
    assert!(n >= 6 && n_later > 0, "{n_later} of {n}");
}
