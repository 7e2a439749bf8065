//! Golden replays: every preset against what the monitors themselves did on the same logs, see
//! `tests/data/replay/README.md`.

use std::fs;
use std::path::{Path, PathBuf};

use hindsight::jobs::Progress;
use hindsight::rules::{
    FirstSeen, Replay, ReplaySettings, RuleReplay, Rulebook, State, Window, json, presets, replay,
};
use serde_json::{Value, json};

use crate::support::replay_log;

#[test]
fn presets_do_what_the_monitors_did() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/replay");
    let mut cases: Vec<PathBuf> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
        .collect();
    cases.sort();
    assert_eq!(cases.len(), 16);
    let mut n_skipped = 0;
    for case in cases {
        match log_of(&case) {
            Some(log) => check(&case, &log),
            None => n_skipped += 1,
        }
    }
    assert!(n_skipped <= 10, "the six bundled logs are always run");
    if n_skipped > 0 {
        println!("{n_skipped} of 16 golden replays skipped: their logs are not here");
    }
}

/// The case's log: bundled, or in the folder that all golden replays come from.
fn log_of(case: &Path) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let bundled = case.with_extension("csv");
    let name = bundled.file_name()?.to_owned();
    [
        bundled,
        root.join("../shared/replay").join(&name),
        root.join("../../shared/replay").join(&name),
    ]
    .into_iter()
    .find(|path| path.exists())
}

fn check(case: &Path, log: &Path) {
    let golden: Value = serde_json::from_str(&fs::read_to_string(case).unwrap()).unwrap();
    let name = golden["case"].as_str().unwrap();
    let found = run(log, &presets::all().unwrap());
    let form = json::to_json(&found).unwrap();
    assert_eq!(form["time_zero"], golden["time_zero"], "{name}");
    assert_eq!(form["last_event_us"], golden["last_event_us"], "{name}");
    quality_monitor(&golden["quality_monitor"], &form, name);
    canary_monitor(&golden["canary_monitor"], &found, name);
    monitor_canary(&golden["monitor_canary"], &found, name);
    auto_rollback(&golden["auto_rollback"], &found, name);
    prometheus(&golden["prometheus_2"], log, name);
}

fn run(log: &Path, rulebook: &Rulebook) -> Replay {
    let log = replay_log::read(log);
    let settings = ReplaySettings {
        control: 0,
        treatment: 1,
    };
    replay(&log, rulebook, &settings, &Progress::unwatched()).unwrap()
}

fn rule<'a>(replay: &'a Replay, id: &str) -> &'a RuleReplay {
    replay.rules.iter().find(|rule| rule.id == id).unwrap()
}

/// Through the JSON form, whose fields are fixed.
fn quality_monitor(golden: &Value, form: &Value, name: &str) {
    let rules = form["rules"].as_array().unwrap();
    let found = rules
        .iter()
        .find(|rule| rule["id"] == "quality-monitor")
        .unwrap();
    let mut first = found["first"].clone();
    if let Some(fields) = first.as_object_mut() {
        fields.retain(|key, _| ["row", "time_us", "causes"].contains(&key.as_str()));
    }
    assert_eq!(first, golden["first"], "{name}");
    let open = &golden["open_loop"];
    assert_eq!(
        found["evaluations_true"], open["evaluations_true"],
        "{name}"
    );
    let leaves: Value = found["conditions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|condition| {
            let leaf = json!({
                "true": condition["evaluations_true"],
                "first_row": condition["first_row"],
            });
            (condition["name"].as_str().unwrap().to_owned(), leaf)
        })
        .collect();
    assert_eq!(leaves, open["leaves"], "{name}");
}

fn canary_monitor(golden: &Value, found: &Replay, name: &str) {
    let found = rule(found, "canary-monitor");
    assert_eq!(
        found.evaluations,
        golden["ticks"].as_u64().unwrap(),
        "{name}"
    );
    assert_eq!(
        found.evaluations_true,
        golden["unhealthy_ticks"].as_u64().unwrap(),
        "{name}"
    );
    let Some(first) = &found.first else {
        assert!(golden["first"].is_null(), "{name}");
        return;
    };
    let golden = &golden["first"];
    assert_eq!(json!(first.time_us), golden["time_us"], "{name}");
    assert_eq!(
        first.time_us,
        golden["tick"].as_i64().unwrap() * 60_000_000,
        "{name}"
    );
    assert_eq!(json!(first.causes), golden["causes"], "{name}");
    for (condition, kind) in [(0, "error_share"), (2, "mean_latency_ms")] {
        let reading = &first.readings[condition];
        for (arm, value) in [("canary", reading.measured), ("stable", reading.baseline)] {
            let expected = golden[format!("{arm}_{kind}")].as_f64().unwrap();
            assert_eq!(value.value.unwrap_or(0.0), expected, "{name} {arm} {kind}");
        }
    }
}

fn monitor_canary(golden: &Value, found: &Replay, name: &str) {
    let found = rule(found, "monitor-canary");
    assert_eq!(found.evaluations, 1, "{name}");
    assert_eq!(
        found.first.is_none(),
        golden["healthy"].as_bool().unwrap(),
        "{name}"
    );
    let seen = found.conditions[0].series[0];
    assert_eq!(json!(seen.time_us), golden["time_us"], "{name}");
    assert_eq!(
        seen.value,
        golden["error_share"].as_f64().unwrap(),
        "{name}"
    );
    if let Some(first) = &found.first {
        assert_eq!(
            json!(first.readings[0].measured.n),
            golden["requests"],
            "{name}"
        );
    }
}

fn auto_rollback(golden: &Value, found: &Replay, name: &str) {
    let found = rule(found, "auto-rollback");
    assert_eq!(found.evaluations, 30, "{name}");
    let golden = &golden["first"];
    let Some(first) = &found.first else {
        assert!(golden.is_null(), "{name}");
        return;
    };
    assert_eq!(json!(first.time_us), golden["time_us"], "{name}");
    assert_eq!(
        first.time_us,
        golden["tick"].as_i64().unwrap() * 10_000_000,
        "{name}"
    );
    assert_eq!(json!(first.causes), golden["causes"], "{name}");
    let expected = golden["error_share"].as_f64();
    assert_eq!(first.readings[0].measured.value, expected, "{name}");
    let p99 = first.readings[1].measured.value.unwrap();
    let expected = golden["latency_p99_ms"].as_f64().unwrap();
    assert!(
        (p99 / expected - 1.0).abs() <= 1e-12,
        "{name}: {p99} {expected}"
    );
}

fn prometheus(golden: &Value, log: &Path, name: &str) {
    for (key, seen) in [("absent", FirstSeen::Absent), ("zero", FirstSeen::Zero)] {
        let mut rulebook = presets::rulebook(&["prometheus-success-ratio"]).unwrap();
        for condition in rulebook.rules[0].conditions_mut() {
            if let Window::Counter { first_seen, .. } = &mut condition.window {
                *first_seen = seen;
            }
        }
        let found = run(log, &rulebook);
        let transitions: Vec<Value> = found.rules[0]
            .transitions
            .iter()
            .map(|transition| {
                assert_eq!(transition.time_us % 1_000_000, 0);
                json!({"time_s": transition.time_us / 1_000_000, "state": transition.state})
            })
            .collect();
        assert_eq!(json!(transitions), golden[key], "{name} {key}");
        let fired = transitions
            .iter()
            .any(|transition| transition["state"] == "firing");
        assert_eq!(found.rules[0].first.is_some(), fired, "{name}");
        assert!(found.rules[0].transitions.iter().all(|transition| {
            transition.causes.is_empty() == (transition.state == State::Inactive)
        }));
    }
}
