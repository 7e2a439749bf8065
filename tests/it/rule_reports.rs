//! What replay and lab say where a log shows less than a rule asks for, and what a firing is worth: in terminal,
//! JSON and report alike.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::program::{Dir, log_of};

/// A request a second of each arm in turn, for `n` seconds each; or without times.
fn one_after_another(arms: &[&str], n: usize, has_times: bool) -> String {
    let mut text = if has_times {
        "timestamp,variant,status,latency_ms\n".to_owned()
    } else {
        "variant,status,latency_ms\n".to_owned()
    };
    for (k, arm) in arms.iter().enumerate() {
        for i in 0..n {
            let at = k * n + i;
            if has_times {
                let (hour, minute, second) = (6 + at / 3600, at / 60 % 60, at % 60);
                write!(text, "2026-03-02T{hour:02}:{minute:02}:{second:02}Z,").unwrap();
            }
            let status = if i % 50 == 7 { 500 } else { 200 };
            writeln!(text, "{arm},{status},{}.5", 200 + i * 7 % 100 + 900 * k).unwrap();
        }
    }
    text
}

/// The part of a report below a heading of second order.
fn section<'a>(report: &'a str, heading: &str) -> &'a str {
    let start = report
        .find(&format!("\n## {heading}\n"))
        .unwrap_or_else(|| panic!("{heading}: {report}"));
    let rest = &report[start + 4..];
    &rest[..rest.find("\n## ").unwrap_or(rest.len())]
}

fn rule<'a>(replay: &'a Value, id: &str) -> &'a Value {
    let mut rules = replay["rules"].as_array().unwrap().iter();
    rules.find(|rule| rule["id"] == id).unwrap()
}

fn sample(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("sample-data")
        .join(name);
    path.to_string_lossy().into_owned()
}

#[test]
fn rules_that_compare_are_not_judged_on_arms_that_never_met() {
    let dir = Dir::new();
    let log = dir.write(
        "log.csv",
        &one_after_another(&["stable", "canary"], 900, true),
    );
    let found = dir.json(&["replay", &log, "--json"]);
    for id in ["quality-monitor", "canary-monitor"] {
        let why = rule(&found, id)["skipped"].as_str().unwrap();
        assert!(why.contains("the arms do not overlap"), "{id}: {why}");
        assert!(rule(&found, id)["first"].is_null());
    }
    // Polled for five minutes, ten minutes before the canary began.
    let why = rule(&found, "auto-rollback")["skipped"].as_str().unwrap();
    assert!(why.contains("the canary's first came 15 min"), "{why}");
    // It watches the canary alone.
    assert_eq!(
        rule(&found, "prometheus-success-ratio")["skipped"],
        Value::Null
    );
    // No percentile of a firing that cannot be judged.
    let lab = dir.json(&[
        "lab",
        &log,
        "--preset",
        "quality-monitor",
        "--replicates",
        "40",
        "--json",
    ]);
    assert_eq!(lab["rules"][0]["own"], Value::Null);
    // The same rules on arms that met.
    let both = dir.write("both.csv", &log_of(["stable", "canary"], [2, 2]));
    let found = dir.json(&["replay", &both, "--json"]);
    assert_eq!(rule(&found, "quality-monitor")["skipped"], Value::Null);
}

#[test]
fn where_no_rule_can_be_replayed_one_sentence_says_so() {
    let dir = Dir::new();
    let text = one_after_another(&["stable", "canary"], 300, false).replace(",status", ",zone");
    let log = dir.write("log.csv", &text);
    dir.ok(&["report", &log, "--lab", "--replicates", "20", "-o", "r.md"]);
    let report = fs::read_to_string(dir.path("r.md")).unwrap();
    let rules = section(&report, "Rollback rules");
    assert!(
        rules.contains("No rollback rule could be replayed on this log: ")
            && rules.contains("the log has no times")
            && rules.lines().count() < 6,
        "{rules}"
    );
}

#[test]
fn without_times_nothing_lasts() {
    let dir = Dir::new();
    let mut text = "variant,status,latency_ms\n".to_owned();
    // 450 rows in turn, then the baseline ends.
    for i in 0..900 {
        let arm = if i % 2 == 0 && i < 450 {
            "stable"
        } else {
            "canary"
        };
        writeln!(
            text,
            "{arm},{},{}.5",
            if i % 90 == 7 { 500 } else { 200 },
            200 + i * 7 % 100
        )
        .unwrap();
    }
    let log = dir.write("log.csv", &text);
    let asked = [
        "--preset",
        "quality-monitor",
        "--control",
        "stable",
        "--treatment",
        "canary",
    ];
    let replayed = dir.ok(&[&["replay", &log][..], &asked].concat());
    assert!(
        replayed.contains("The baseline gets no more requests from row 450 on"),
        "{replayed}"
    );
    let lab = dir.ok(&[&["lab", &log, "--replicates", "40"][..], &asked].concat());
    assert!(lab.contains("is 449 rows long"), "{lab}");
    dir.ok(&[
        &["report", &log, "--lab", "--replicates", "20", "-o", "r.md"][..],
        &asked,
    ]
    .concat());
    let report = fs::read_to_string(dir.path("r.md")).unwrap();
    let of_report = section(&report, "Rollback rules").to_owned()
        + section(&report, "Rule lab: can the rules be trusted?");
    for said in [replayed, lab, of_report] {
        // Durations have a space before their unit; latencies too, but never minutes.
        let invented = said
            .lines()
            .find(|line| line.contains(" min ") && !line.contains("first look"));
        assert_eq!(invented, None);
        assert!(!said.contains("after 7 min"), "{said}");
    }
}

#[test]
fn looks_after_requests_of_other_arms_are_counted_apart() {
    let dir = Dir::new();
    let mut text = "timestamp,variant,status,latency_ms\n".to_owned();
    for i in 0..1800 {
        let arm = ["stable", "canary", "other"][i % 3];
        writeln!(
            text,
            "2026-03-02T06:{:02}:{:02}Z,{arm},{},{}.5",
            i / 60,
            i % 60,
            if i % 60 == 1 { 500 } else { 200 },
            200 + i * 7 % 100
        )
        .unwrap();
    }
    let log = dir.write("log.csv", &text);
    let asked = [
        "--preset",
        "quality-monitor",
        "--control",
        "stable",
        "--treatment",
        "canary",
    ];
    let found = dir.json(&[&["replay", &log, "--json"][..], &asked].concat());
    let found = rule(&found, "quality-monitor");
    let count = |name: &str| found[name].as_u64().unwrap();
    // From the twentieth canary request on, a third of the looks.
    assert_eq!(count("evaluations"), 1800 - 58);
    assert_eq!(count("evaluations_elsewhere"), (1800 - 58) / 3 + 1);
    assert!(count("evaluations_true_elsewhere") <= count("evaluations_true"));
    let pair = count("evaluations") - count("evaluations_elsewhere");
    let said = dir.ok(&[&["replay", &log][..], &asked].concat());
    assert!(
        said.contains(&format!(" of {}; besides ", pair_text(pair))),
        "{pair}: {said}"
    );
    // Two arms have no others.
    let both = dir.write("both.csv", &log_of(["stable", "canary"], [2, 2]));
    let found = dir.json(&["replay", &both, "--preset", "quality-monitor", "--json"]);
    assert_eq!(rule(&found, "quality-monitor")["evaluations_elsewhere"], 0);
}

fn pair_text(n: u64) -> String {
    hindsight::units::count(n)
}

#[test]
fn a_firing_before_there_was_harm_is_not_credited() {
    let dir = Dir::new();
    let log = sample("canary-rollout-20k.csv");
    let said = dir.ok(&["replay", &log]);
    assert!(
        said.contains("It fired before the canary had answered a single request"),
        "{said}"
    );
    assert!(
        said.contains("before the log shows harm: what made it fire was not that harm."),
        "{said}"
    );
    // One line for all of them, not a paragraph each.
    assert_eq!(
        said.matches("A stop before the harm began").count(),
        1,
        "{said}"
    );
    assert_eq!(
        said.matches("A rollback would have averted that").count(),
        1,
        "{said}"
    );
    assert!(said.contains("Ratings of 2 or lower"), "{said}");
    dir.ok(&["report", &log, "-o", "r.md", "-o", "r.json"]);
    let report = fs::read_to_string(dir.path("r.md")).unwrap();
    let rules = section(&report, "Rollback rules");
    assert!(
        rules.contains("would have rolled back<br>before the log shows harm"),
        "{rules}"
    );
    assert_eq!(
        rules.matches("A stop before the harm began").count(),
        1,
        "{rules}"
    );
    let json: Value =
        serde_json::from_str(&fs::read_to_string(dir.path("r.json")).unwrap()).unwrap();
    assert_eq!(
        rule(&json["replay"], "quality-monitor")["averted"]["bad_rating"],
        2.0
    );
    let onset = json["analysis"]["scorecard"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|row| row["effects"].as_array().unwrap())
        .filter_map(|effect| effect["stratified"]["onset_us"].as_i64())
        .min();
    // 2026-03-03 11:45: the stage of 25 %.
    assert_eq!(onset.map(|us| us / 60_000_000), Some(29_542_305));
    // A log without a difference has no harm to come before.
    let calm = dir.ok(&["replay", &sample("aa.csv")]);
    assert!(!calm.contains("before the log shows harm"), "{calm}");
}

#[test]
fn regressions_can_be_found_and_nearly_is_not_always() {
    let dir = Dir::new();
    // No errors in 225 requests of each: half a per cent more would be one.
    let log = dir.write(
        "log.csv",
        &log_of(["stable", "canary"], [0, 0])
            .lines()
            .take(451)
            .collect::<Vec<_>>()
            .join("\n"),
    );
    let asked = [
        "lab",
        &log,
        "--preset",
        "quality-monitor,monitor-canary",
        "--replicates",
        "60",
        "--calibrate",
    ];
    let found = dir.json(&[&asked[..], &["--json"]].concat());
    let first = &found["rules"][0]["detection"][0];
    assert!(
        first["harmed_without_rule"].as_f64().unwrap() > 4.0,
        "{first}"
    );
    assert!(first["findable"].as_f64().unwrap() > 0.95, "{first}");
    for version in found["rules"][0]["calibrated"].as_array().unwrap() {
        for threshold in version["thresholds"].as_array().unwrap() {
            assert!(
                threshold["is"].as_f64().unwrap().is_sign_positive(),
                "{threshold}"
            );
        }
    }
    // A rule on errors has nothing to say of ratings.
    let of_ratings = |detection: &&Value| detection["text"].as_str().unwrap().contains("ratings");
    let detections = found["rules"][1]["detection"].as_array().unwrap();
    let blind = detections.iter().find(of_ratings);
    assert!(blind.is_none_or(|d| d["sees"] == false), "{detections:?}");
    let said = dir.ok(&[&asked[..], &["--inject", "errors=0.005"]].concat());
    assert!(
        said.contains("beyond its false rollbacks no rule can find more than "),
        "{said}"
    );
    for text in ["-0", "Among causes", "On its own", "Exposed"] {
        assert!(!said.contains(text), "{text}: {said}");
    }
    assert!(
        said.contains("5 %") && said.contains("2 × the baseline"),
        "{said}"
    );
}
