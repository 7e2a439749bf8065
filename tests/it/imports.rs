//! Rule files of other systems, `tests/data/imports`: each is imported, its losses are named, and the
//! rules replay on the bundled sample. Rulebooks are exported to Prometheus and back.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use hindsight::jobs::Progress;
use hindsight::rules::import::{Import, ImportSettings, NoteKind, import};
use hindsight::rules::{Replay, ReplaySettings, Rulebook, export, replay};

use crate::support::program::Dir;
use crate::support::{real_logs, replay_log};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/imports")
}

fn imported(name: &str) -> Import {
    let text = fs::read_to_string(folder().join(name)).unwrap();
    import(&text, &ImportSettings::default()).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// Every fixture with the rules that it gives and what each does on the sample: the first firing in
/// seconds after the first request.
#[test]
fn every_fixture_replays_on_the_sample() {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-data/canary-rollout.parquet");
    let log = real_logs::read_as(&sample, None).log;
    let settings = ReplaySettings {
        control: log.arm_index("prompt-v1").unwrap(),
        treatment: log.arm_index("prompt-v2").unwrap(),
    };
    for (name, expected) in EXPECTED {
        let rulebook = imported(name).rulebook.unwrap();
        let found = replay(&log, &rulebook, &settings, &Progress::unwatched()).unwrap();
        let firings: Vec<(&str, Option<f64>)> = found
            .rules
            .iter()
            .map(|rule| {
                assert_eq!(rule.skipped, None, "{name}");
                assert!(rule.evaluations > 0, "{name} {}", rule.id);
                let first = rule.first.as_ref();
                (
                    rule.id.as_str(),
                    first.map(|first| first.time_us as f64 / 1e6),
                )
            })
            .collect();
        assert_eq!(firings, expected, "{name}");
    }
    let mut files: Vec<String> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "README.md")
        .collect();
    files.sort();
    assert_eq!(files, EXPECTED.map(|(name, _)| name.to_owned()));
}

/// Rules by id, each with the seconds until it first fires.
type Firings = &'static [(&'static str, Option<f64>)];

const EXPECTED: [(&str, Firings); 10] = [
    (
        "argo.yml",
        &[
            // The canary has no traffic in the first minutes: after a delay of a minute the fifth error
            // in a row comes 40 s later.
            ("success-rate", Some(100.0)),
            ("latency", Some(40.0)),
        ],
    ),
    (
        "cloudwatch.yml",
        // AppConfig takes the silence at the first whole minute of the clock for a reason.
        &[("ErrorAlarm", None), ("TailAlarm", Some(34.161))],
    ),
    (
        "describe-alarms.json",
        &[("latency-mean", Some(214.161)), ("errors-sum", None)],
    ),
    // No data is a failed check, and the fifth is enough.
    ("flagger.yml", &[("answers", Some(300.0))]),
    ("fragment.yml", &[("CanaryRegressionDetected", None)]),
    ("kayenta.json", &[("answers", None)]),
    (
        "openslo.yml",
        // One failure among five: ten times the allowed 2 %, above 6 and below 14.4.
        &[
            ("answers-availability-page", Some(330.0)),
            ("answers-availability-ticket", Some(330.0)),
        ],
    ),
    (
        "prometheus.yml",
        &[
            ("ErrorShareHigh", Some(50610.0)),
            ("SlowTail", Some(2370.0)),
            ("WorseThanStable", Some(130_650.0)),
            // The first increment of the error counter is lost: one of five failed after 330 s.
            ("SuccessLow", Some(22_230.0)),
            ("CostUp", Some(9540.0)),
        ],
    ),
    ("sloth.yml", &[("availability-page", Some(330.0))]),
    (
        "unleash.json",
        &[
            ("answer_latency-p95", Some(180.0)),
            ("answer_errors-count", Some(123_660.0)),
        ],
    ),
];

/// As a user does it: the file stands where a rulebook would, and the losses are said.
#[test]
fn a_rule_file_is_replayed_like_a_rulebook() {
    let dir = Dir::new();
    let log = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-data/canary-rollout-20k.csv");
    let rules = folder().join("fragment.yml");
    let arguments = [
        "replay",
        log.to_str().unwrap(),
        "--rules",
        rules.to_str().unwrap(),
        "--json",
    ];
    let output = dir.run(&arguments);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("Prometheus alerting rules: 1 rule"), "{said}");
    assert!(
        said.contains("assumed: expr: model=\"claude-3-5-sonnet\" is the canary"),
        "{said}"
    );
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found["rules"][0]["id"], "CanaryRegressionDetected");
}

/// What could not be taken over, by place. The list is complete but for what was assumed.
#[test]
fn losses_are_named() {
    for (name, expected) in [
        (
            "prometheus.yml",
            &[
                (
                    "groups[0].rules[6]",
                    "vllm_num_requests_waiting is a series of its own",
                ),
                ("groups[0].rules[7]", "it compares nothing"),
                ("groups[0].rules[8]", "bool"),
                ("groups[0].limit", "10 has no counterpart"),
            ] as &[(&str, &str)],
        ),
        ("fragment.yml", &[]),
        (
            "argo.yml",
            &[
                ("[0].spec.metrics[2]", "Queries of web"),
                (
                    "[0].spec.metrics[0].provider.prometheus.query",
                    "service=\"service-name\"",
                ),
                (
                    "[1].spec.strategy.canary.steps[3]",
                    "waits here for a person",
                ),
            ],
        ),
        (
            "flagger.yml",
            &[
                ("[0].spec.analysis.metrics[3]", "queue_length"),
                ("[0].spec.analysis.webhooks", "Hooks"),
            ],
        ),
        (
            "cloudwatch.yml",
            &[
                ("Resources.MathAlarm.Properties", "metric math"),
                ("Resources.Topic", "AWS::SNS::Topic"),
            ],
        ),
        ("describe-alarms.json", &[]),
        ("kayenta.json", &[("metrics[2]", "cpu")]),
        (
            "unleash.json",
            &[("safeguards[0].impactMetric.labelSelectors", "tier")],
        ),
        ("sloth.yml", &[]),
        ("openslo.yml", &[]),
    ] {
        let found = imported(name);
        let losses: Vec<(&str, &str)> = found
            .notes
            .iter()
            .filter(|note| note.kind != NoteKind::Assumed)
            .map(|note| (note.place.as_str(), note.text.as_str()))
            .collect();
        assert_eq!(losses.len(), expected.len(), "{name}: {losses:#?}");
        for ((place, text), (expected_place, part)) in losses.iter().zip(expected) {
            assert_eq!(place, expected_place, "{name}");
            assert!(text.contains(part), "{name}: {text}");
        }
    }
}

/// A field that no importer knows is never dropped in silence.
#[test]
fn a_field_of_the_future_is_named() {
    for (name, known, with_more) in [
        ("fragment.yml", "  for: 10m", "  for: 10m\n  shades: 3"),
        (
            "argo.yml",
            "    failureLimit: 3",
            "    failureLimit: 3\n    shades: 3",
        ),
        (
            "flagger.yml",
            "    threshold: 5",
            "    threshold: 5\n    shades: 3",
        ),
        (
            "cloudwatch.yml",
            "      Namespace: Answers",
            "      shades: 3",
        ),
        (
            "describe-alarms.json",
            "\"OKActions\": [],",
            "\"shades\": 3,",
        ),
        (
            "kayenta.json",
            "\"configVersion\": \"1\",",
            "\"shades\": 3,",
        ),
        (
            "unleash.json",
            "\"timeRange\": \"hour\",",
            "\"timeRange\": \"hour\", \"shades\": 3,",
        ),
        (
            "sloth.yml",
            "  objective: 99",
            "  objective: 99\n  shades: 3",
        ),
        ("openslo.yml", "  service: answers", "  shades: 3"),
    ] {
        let text = fs::read_to_string(folder().join(name)).unwrap();
        assert!(text.contains(known), "{name}: {known}");
        let found = import(
            &text.replacen(known, with_more, 1),
            &ImportSettings::default(),
        )
        .unwrap();
        let is_named = |note: &hindsight::rules::import::ImportNote| {
            note.place.ends_with("shades") && note.text.contains('3')
        };
        assert!(
            found.notes.iter().any(is_named),
            "{name}: {:#?}",
            found.notes
        );
    }
}

/// What is imported is a rulebook like any other: written and read again, it is the same.
#[test]
fn imported_rulebooks_are_written_and_read() {
    for (name, _) in EXPECTED {
        let rulebook = imported(name).rulebook.unwrap();
        let toml = rulebook.to_toml().unwrap();
        assert_eq!(Rulebook::parse(&toml).unwrap(), rulebook, "{name}\n{toml}");
    }
}

fn exported(rulebook: &Rulebook, name: &str) -> String {
    let export = export::to_prometheus(rulebook).unwrap();
    export
        .yaml
        .unwrap_or_else(|| panic!("{name}: {:#?}", export.notes))
}

fn logs() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/replay");
    let mut logs: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "csv"))
        .collect();
    logs.sort();
    assert_eq!(logs.len(), 6);
    logs
}

fn run(log: &Path, rulebook: &Rulebook) -> Replay {
    let settings = ReplaySettings {
        control: 0,
        treatment: 1,
    };
    replay(
        &replay_log::read(log),
        rulebook,
        &settings,
        &Progress::unwatched(),
    )
    .unwrap()
}

/// Rules on counters lose nothing on the way to Prometheus and back: the same states at the same
/// times on every bundled log.
#[test]
fn what_is_exported_and_imported_replays_the_same() {
    let mut n_transitions = 0;
    for name in ["prometheus.yml", "fragment.yml"] {
        let first = imported(name).rulebook.unwrap();
        let again = import(&exported(&first, name), &ImportSettings::default())
            .unwrap()
            .rulebook
            .unwrap();
        assert_eq!(again.rules.len(), first.rules.len(), "{name}");
        for log in logs() {
            let (left, right) = (run(&log, &first), run(&log, &again));
            for (left, right) in left.rules.iter().zip(&right.rules) {
                assert_eq!(left.id, right.id);
                assert_eq!(left.skipped, right.skipped, "{name} {}", left.id);
                assert_eq!(left.transitions, right.transitions, "{name} {}", left.id);
                assert_eq!(left.evaluations_true, right.evaluations_true, "{name}");
                n_transitions += left.transitions.len();
            }
        }
    }
    assert!(n_transitions > 50, "{n_transitions}");
}

/// Prometheus' own check of what is exported.
#[test]
fn promtool_accepts_what_is_exported() {
    let dir = Dir::new();
    let presets = hindsight::rules::presets::all().unwrap();
    let mut books = vec![("presets", presets)];
    for name in [
        "prometheus.yml",
        "fragment.yml",
        "unleash.json",
        "sloth.yml",
    ] {
        books.push((name, imported(name).rulebook.unwrap()));
    }
    for (name, rulebook) in books {
        dir.write("rules.yml", &exported(&rulebook, name));
        let checked = Command::new("promtool")
            .args(["check", "rules", "rules.yml"])
            .current_dir(dir.path(""))
            .output();
        let Ok(checked) = checked else {
            println!("promtool is not installed: the exported rules are not checked by it");
            return;
        };
        assert!(
            checked.status.success(),
            "{name}: {}",
            String::from_utf8_lossy(&checked.stderr)
        );
    }
}
