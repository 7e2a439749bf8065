//! Rule files from the command line: what cannot run, what is compared, and which columns they may name.

use std::fmt::Write as _;
use std::path::Path;

use crate::support::program::{Dir, stderr};

fn bundled(name: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    root.join(name).to_string_lossy().into_owned()
}

/// A rule that cannot be read is named with its line and reason, a second file stands beside, and another
/// plan is refused where the log does not hold it.
#[test]
fn replay_names_what_cannot_run_and_compares_files() {
    let dir = Dir::new();
    let rule = |id: &str, metric: &str, value: f64| {
        format!(
            "[[rule]]\nid = '{id}'\nclock = 'request'\nany = [{{ metric = '{metric}', window = {{ last = 100 }}, cmp = '>', value = {value} }}]\n"
        )
    };
    let both = rule("errors", "error_share", 0.05)
        + &rule("toxic", "mean(toxicity)", 0.5)
        + &rule("slow", "mean(latncy)", 0.5);
    let ours = dir.write("ours.toml", &both);
    let theirs = dir.write("theirs.toml", &rule("errors", "error_share", 0.99));
    let log = bundled("tests/data/replay/pub01_error_rel.csv");
    let arguments = ["replay", &log, "--rules", &ours, "--against", &theirs];
    let run = dir.run(&arguments);
    assert!(run.status.success(), "{}", stderr(&run));
    let said = stderr(&run);
    assert!(said.contains("slow") && said.contains("line 12"), "{said}");
    let text = String::from_utf8(run.stdout).unwrap();
    assert!(text.contains("Side by side"), "{text}");
    assert!(text.contains("no longer fires"), "{text}");
    let found = dir.json(&[&arguments[..], &["--json"]].concat());
    let rules = found["rules"].as_array().unwrap();
    assert_eq!(rules.len(), 3);
    assert!(rules[0]["first"].is_object());
    assert!(rules[1]["skipped"].as_str().unwrap().contains("toxicity"));
    assert!(
        rules[2]["skipped"]
            .as_str()
            .unwrap()
            .contains("write latency")
    );
    assert!(text.contains("firing: error_share"), "{text}");
    let listed = dir.ok(&["replay", &log, "--rules", &theirs, "--transitions"]);
    assert!(listed.contains("stage 1 begins"), "{listed}");
    // What could not be read stands in the report and among the lab's rules too.
    let lab = [
        "lab",
        &log,
        "--rules",
        &ours,
        "--plan",
        "0.2",
        "--replicates",
        "20",
        "--json",
    ];
    let lab = dir.json(&lab);
    let of_lab: Vec<_> = lab["rules"].as_array().unwrap().iter().collect();
    let slow = of_lab.iter().find(|rule| rule["id"] == "slow").unwrap();
    assert!(
        slow["skipped"].as_str().unwrap().contains("line 12"),
        "{slow}"
    );
    let report = dir.ok(&["report", &log, "--rules", &ours, "-o", "-"]);
    assert!(report.contains("write latency"), "{report}");
    assert!(report.contains("stage 1 begins"), "{report}");
    assert!(found["against"]["rules"][0]["first"].is_null());
    let planned = ["replay", &log, "--rules", &theirs, "--plan", "all-at-once"];
    dir.fails(&planned, 1, "cannot be replayed on this log");
}

/// A column that only a rule names is read because of it, whatever else it would have been.
#[test]
fn a_rule_names_any_column_of_numbers() {
    let dir = Dir::new();
    let mut text = "timestamp,user_id,variant,status,latency_ms,oddness,judge score\n".to_owned();
    for i in 0..600 {
        let (arm, minute, second) = (["stable", "canary"][i % 2], i / 60, i % 60);
        let oddness = if arm == "canary" && i > 300 { 0.9 } else { 0.1 };
        let score = 3 + i % 2;
        writeln!(
            text,
            "2026-03-02T06:{minute:02}:{second:02}Z,u{i},{arm},200,250.5,{oddness},{score}"
        )
        .unwrap();
    }
    let log = dir.write("log.csv", &text);
    let rules = dir.write(
        "rules.toml",
        "[[rule]]\nid = 'odd'\nclock = 'request'\nany = [\n  { name = 'mean', metric = 'mean(oddness)', window = { last = 20 }, cmp = '>', value = 0.5 },\n  { name = 'share', metric = 'share(oddness>=0.9)', window = { last = 20 }, cmp = '>', value = 0.5 },\n  { name = 'p90', metric = 'quantile(oddness, 0.9)', window = { last = 20 }, cmp = '>', value = 0.5 },\n  { name = 'sum', metric = \"sum('judge score')\", window = { trailing = '1m' }, cmp = '>', value = 1e9 },\n]\n",
    );
    let found = dir.json(&["replay", &log, "--rules", &rules, "--json"]);
    let rule = &found["rules"][0];
    assert!(rule["skipped"].is_null(), "{rule}");
    let conditions = rule["conditions"].as_array().unwrap();
    // The canary has 149 requests up to the 300th row; eleven of the last 20 are then odd.
    let first = |i: usize| conditions[i]["first_row"].as_u64();
    assert_eq!((first(0), first(1)), (Some(321), Some(321)));
    assert!(first(2).is_some() && first(3).is_none());
    let text = dir.ok(&["replay", &log, "--rules", &rules]);
    assert!(text.contains("Mean oddness of the canary"), "{text}");
    let lab = [
        "lab",
        &log,
        "--rules",
        &rules,
        "--plan",
        "0.3",
        "--replicates",
        "20",
        "--json",
    ];
    assert!(dir.json(&lab)["rules"][0]["skipped"].is_null());
}

/// The bundled canary as it would have been logged had somebody rolled it back on Tuesday evening, or given
/// it all traffic: the replay says so, and that a rule that is quiet until then might have fired.
#[test]
fn the_end_of_a_rollout_within_the_log_is_seen() {
    let dir = Dir::new();
    let text = std::fs::read_to_string(bundled("sample-data/canary-rollout-20k.csv")).unwrap();
    let until = "2026-03-03T18:00:00Z";
    let ended = |from: &str, to: &str| -> String {
        let moved = text.lines().map(|line| {
            let is_later = line > until && line.starts_with("2026");
            let arm = format!(",{from},");
            if is_later {
                line.replacen(&arm, &format!(",{to},"), 1)
            } else {
                line.to_owned()
            }
        });
        moved.map(|line| line + "\n").collect()
    };
    let events = dir.write(
        "events.csv",
        "time,kind,note\n2026-03-03T18:01:00Z,rollback,by hand\n",
    );
    let rules = dir.write(
        "rules.toml",
        "[[rule]]\nid = 'never'\nclock = { every = '1m' }\nany = [{ metric = 'error_share', window = { trailing = '1h' }, cmp = '>', value = 0.99 }]\n",
    );
    let find = |log: &str, more: &[&str]| {
        let arguments = [
            "replay",
            log,
            "--rules",
            &rules,
            "--control",
            "prompt-v1",
            "--treatment",
            "prompt-v2",
        ];
        let found = dir.json(&[&arguments[..], more, &["--json"]].concat());
        let text = dir.ok(&[&arguments[..], more, &["--transitions"]].concat());
        (found["censoring"].clone(), text)
    };
    let back = dir.write("back.csv", &ended("prompt-v2", "prompt-v1"));
    let (end, said) = find(&back, &["--events", &events]);
    assert_eq!(end["kind"], "rolled-back");
    assert_eq!(end["event"]["kind"], "rollback");
    assert!(end["requests_after"].as_u64().unwrap() > 5_000, "{end}");
    assert!(
        said.contains("the log's own rollback: last request of the canary"),
        "{said}"
    );
    let on = dir.write("on.csv", &ended("prompt-v1", "prompt-v2"));
    let (end, said) = find(&on, &[]);
    assert_eq!(end["kind"], "promoted");
    assert!(said.contains("the log's own promotion"), "{said}");
    let (end, _) = find(&bundled("sample-data/canary-rollout-20k.csv"), &[]);
    assert!(end.is_null(), "{end}");
}
