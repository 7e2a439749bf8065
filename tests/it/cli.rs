//! The program itself, in a folder of its own: exit codes, streams, files and stable output.

use std::fs;
use std::path::Path;
use std::process::Command;

use hindsight::units::{self, ValueForm};
use serde_json::{Value, json};

use crate::support::program::{Dir, assert_self_contained, log_of, stderr};
use crate::support::real_logs;

fn bundled(name: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    root.join(name).to_string_lossy().into_owned()
}

#[test]
fn inspect_shows_roles_and_issues() {
    let dir = Dir::new();
    let mut text = log_of(["stable", "canary"], [1, 1]);
    text += "2026-03-02T06:59:00Z,u1,stable,200,fast,5\n";
    let log = dir.write("log.csv", &text);
    let shown = dir.ok(&["inspect", &log]);
    for part in [
        "2,001 rows read",
        "Variant (arm)",
        "Not a number",
        "lines 2002: fast",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let found = dir.json(&["inspect", &log, "--json"]);
    assert_eq!(found["schema"], 1);
    assert_eq!(found["requests"], 2001);
    assert_eq!(found["arms"][1]["name"], "canary");
    assert_eq!(found["issues"][0]["lines"], json!([2002]));
}

#[test]
fn output_is_the_same_at_every_run() {
    let dir = Dir::new();
    let log = dir.write("log.csv", &log_of(["stable", "canary"], [1, 9]));
    for command in ["inspect", "analyze", "replay"] {
        for arguments in [vec![command, &log], vec![command, &log, "--json"]] {
            assert_eq!(dir.ok(&arguments), dir.ok(&arguments), "{arguments:?}");
        }
    }
    let analysis = dir.json(&["analyze", &log, "--json"]);
    assert_eq!(analysis["decision"]["kind"], "roll-back");
    assert_eq!(analysis["log"]["n_requests"], 2000);
}

/// Through the program, loader included: the golden replays that the monitors themselves produced.
#[test]
fn replay_equals_the_golden_files() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/replay");
    let dir = Dir::new();
    let mut n_checked = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let golden = entry.unwrap().path();
        if golden.extension().is_none_or(|e| e != "json") {
            continue;
        }
        let log = golden.with_extension("csv");
        let name = log.file_name().unwrap().to_str().unwrap().to_owned();
        let Some(log) = log
            .exists()
            .then_some(log)
            .or_else(|| real_logs::find(&format!("replay/{name}")))
        else {
            continue;
        };
        let presets = "quality-monitor,prometheus-success-ratio";
        let log = log.to_string_lossy().into_owned();
        let found = dir.json(&["replay", &log, "--preset", presets, "--json"]);
        let golden = serde_json::from_str(&fs::read_to_string(&golden).unwrap()).unwrap();
        check_replay(&name, &found, &golden);
        n_checked += 1;
    }
    assert!(n_checked >= 6, "{n_checked} logs found");
}

fn check_replay(name: &str, found: &Value, golden: &Value) {
    assert_eq!(found["schema"], 1, "{name}");
    assert_eq!(found["time_zero"], golden["time_zero"], "{name}");
    let rules = found["rules"].as_array().unwrap();
    assert_eq!(rules.len(), 2, "{name}");
    let (quality, golden_quality) = (&rules[0], &golden["quality_monitor"]);
    assert_eq!(quality["id"], "quality-monitor");
    for key in ["row", "time_us", "causes"] {
        assert_eq!(
            quality["first"][key], golden_quality["first"][key],
            "{name} {key}"
        );
    }
    assert_eq!(
        quality["first"].is_null(),
        golden_quality["first"].is_null(),
        "{name}"
    );
    let open = &golden_quality["open_loop"];
    assert_eq!(
        quality["evaluations_true"], open["evaluations_true"],
        "{name}"
    );
    for condition in quality["conditions"].as_array().unwrap() {
        let leaf = &open["leaves"][condition["name"].as_str().unwrap()];
        assert_eq!(condition["evaluations_true"], leaf["true"], "{name} {leaf}");
        assert_eq!(condition["first_row"], leaf["first_row"], "{name} {leaf}");
    }
    assert_eq!(rules[1]["id"], "prometheus-success-ratio");
    let transitions: Vec<Value> = rules[1]["transitions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|t| json!({"time_s": t["time_us"].as_i64().unwrap() / 1_000_000, "state": t["state"]}))
        .collect();
    assert_eq!(
        json!(transitions),
        golden["prometheus_2"]["absent"],
        "{name}"
    );
}

#[test]
fn check_exits_with_three_when_the_answer_is_no() {
    let dir = Dir::new();
    let worse = dir.write("worse.csv", &log_of(["stable", "canary"], [1, 9]));
    let same = dir.write("same.csv", &log_of(["stable", "canary"], [1, 1]));
    for (log, code) in [(&worse, 3), (&same, 0)] {
        let output = dir.run(&["analyze", log, "--check"]);
        assert_eq!(output.status.code(), Some(code), "{log}");
        assert!(
            !output.stdout.is_empty(),
            "the answer is printed all the same"
        );
        let output = dir.run(&["report", log, "--check"]);
        assert_eq!(output.status.code(), Some(code), "{log}");
        assert!(dir.path("report.html").is_file());
    }
    // An unsound log is a no, whatever the decision: half of an arm is missing.
    let lines = log_of(["stable", "canary"], [1, 1]);
    let lost = |(i, line): (usize, &str)| {
        (i % 10 != 0 || !line.contains("canary")).then(|| format!("{line}\n"))
    };
    let unsound: String = lines.lines().enumerate().filter_map(lost).collect();
    let unsound: String = unsound
        .lines()
        .enumerate()
        .map(|(i, line)| {
            if i == 0 {
                line.to_owned() + "\n"
            } else {
                line.replace(",u", &format!(",v{i}u")) + "\n"
            }
        })
        .collect();
    let log = dir.write("unsound.csv", &unsound);
    let analysis = dir.json(&["analyze", &log, "--json"]);
    let is_unsound = analysis["decision"]["is_log_unsound"].as_bool().unwrap();
    let output = dir.run(&["analyze", &log, "--check"]);
    assert!(is_unsound, "{}", analysis["health"]);
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(dir.run(&["analyze", &log]).status.code(), Some(0));
}

#[test]
fn wrong_usage_exits_with_two() {
    let dir = Dir::new();
    for arguments in [
        vec!["analyze", "--contrl", "a"],
        vec!["analyze", "--level", "2"],
        vec!["power", "proportions"],
        vec!["power", "proportions", "--baseline", "1.5", "--mde", "0.1"],
        vec!["--window-size", "big"],
        vec!["replay", "--no-such-flag"],
    ] {
        dir.fails(&arguments, 2, "error:");
    }
}

#[test]
fn failures_exit_with_one_and_say_what_to_do() {
    let dir = Dir::new();
    let log = dir.write("log.csv", &log_of(["stable", "canary"], [1, 1]));
    let one_arm = dir.write("one.csv", &log_of(["stable", "stable"], [1, 1]));
    let bad = dir.write("bad.toml", "columns = 5\n");
    for (arguments, message) in [
        (vec!["analyze", "none.csv"], "Check the path"),
        (vec!["inspect", "*.tsv"], "No file matches the pattern"),
        (
            vec!["analyze", &log, "--control", "red"],
            "The arms are: stable, canary",
        ),
        (
            vec!["analyze", &log, "--segment", "ko"],
            "--segment COLUMN=VALUE",
        ),
        (
            vec!["analyze", &log, "--segment", "language=ko"],
            "no segment called",
        ),
        (
            vec!["analyze", &log, "--mapping", &bad],
            "mapping file is not valid",
        ),
        (vec!["replay", &log, "--preset", "none"], "quality-monitor"),
        (
            vec!["replay", &log, "--rules", "none.toml"],
            "Check the path",
        ),
        (vec!["replay", &one_arm], "arm"),
        (
            vec!["power", "proportions", "--baseline", "0.1"],
            "Give --mde",
        ),
        (
            vec!["report", &log, "-o", "none/report.html"],
            "Create it first",
        ),
        (vec!["report", &log, "-o", "log.csv/report.html"], "folder"),
        (
            vec!["inspect", &log, "--write-mapping", "none/m.toml"],
            "Create it first",
        ),
    ] {
        dir.fails(&arguments, 1, message);
    }
    assert_eq!(dir.files(), ["bad.toml", "log.csv", "one.csv"]);
}

/// A server without a screen still gets its answer.
#[cfg(target_os = "linux")]
#[test]
fn without_a_display_the_report_is_written() {
    let dir = Dir::new();
    let log = dir.write("log.csv", &log_of(["stable", "canary"], [1, 9]));
    let run = |log: &str| {
        Command::new(env!("CARGO_BIN_EXE_hindsight"))
            .arg(log)
            .current_dir(dir.0.path())
            .env_remove("DISPLAY")
            .env_remove("WAYLAND_DISPLAY")
            .env_remove("WAYLAND_SOCKET")
            .output()
            .unwrap()
    };
    let output = run(&log);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(output.stdout.is_empty() && stderr(&output).contains("Report written to report.html"));
    let html = fs::read_to_string(dir.path("report.html")).unwrap();
    assert!(html.contains("<!DOCTYPE html>"));
    let output = run("none.csv");
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("Check the path"));
}

/// The reader of Parquet may panic on a damaged footer; the user sees one error with a hint.
#[test]
fn a_damaged_file_ends_in_an_error_not_in_a_panic() {
    let dir = Dir::new();
    let whole = crate::malformed::parquet();
    let mut n_refused = 0;
    for at in (whole.len() - 600..whole.len()).step_by(3) {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        fs::write(dir.path("flipped.parquet"), bytes).unwrap();
        let output = dir.run(&["inspect", "flipped.parquet"]);
        let said = stderr(&output);
        assert!(!said.contains("panicked"), "byte {at}: {said}");
        match output.status.code() {
            Some(0) => {}
            Some(1) => {
                assert!(said.starts_with("hindsight: ") && output.stdout.is_empty());
                n_refused += 1;
            }
            other => panic!("byte {at}: {other:?} {said}"),
        }
    }
    assert!(n_refused > 0);
}

/// A full disk and a folder without permission leave neither half a report nor a temporary file.
#[cfg(target_os = "linux")]
#[test]
fn what_cannot_be_written_leaves_nothing_behind() {
    use std::os::unix::fs::PermissionsExt as _;

    let dir = Dir::new();
    let log = dir.write("log.csv", &log_of(["stable", "canary"], [1, 1]));
    dir.fails(&["report", &log, "-o", "/dev/full"], 1, "The disk is full");
    let locked = dir.path("locked");
    fs::create_dir(&locked).unwrap();
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o555)).unwrap();
    if fs::write(locked.join("probe"), "x").is_ok() {
        // The administrator may write everywhere; kernel folders refuse even that.
        println!("run as administrator: a kernel folder stands in for one without permission");
        dir.fails(
            &["report", &log, "-o", "/proc/self/report.html"],
            1,
            "folder",
        );
        return;
    }
    dir.fails(
        &["report", &log, "-o", "locked/report.html"],
        1,
        "Choose a folder of your own",
    );
    assert_eq!(fs::read_dir(&locked).unwrap().count(), 0);
    // An old report that may not be replaced stays as it was.
    assert_eq!(dir.files(), ["locked", "log.csv"]);
}

#[test]
fn a_mapping_file_reads_the_log_as_its_guess_did() {
    let dir = Dir::new();
    let log = dir.write("log.csv", &log_of(["stable", "canary"], [1, 9]));
    dir.ok(&["inspect", &log, "--write-mapping", "map.toml"]);
    let guessed = dir.ok(&["analyze", &log, "--json"]);
    let mapped = dir.ok(&["analyze", &log, "--mapping", "map.toml", "--json"]);
    assert_eq!(guessed, mapped);
    // Corrected: seconds instead of milliseconds, and no ratings.
    let text = fs::read_to_string(dir.path("map.toml")).unwrap();
    assert!(text.contains("unit = \"ms\""), "{text}");
    let (head, _) = text.split_once("[[columns]]\ncolumn = \"rating\"").unwrap();
    dir.write("map.toml", &head.replace("unit = \"ms\"", "unit = \"s\""));
    let corrected = dir.json(&["analyze", &log, "--mapping", "map.toml", "--json"]);
    let value = |analysis: &Value, id: &str| {
        let rows = analysis["scorecard"].as_array().unwrap();
        let row = rows.iter().find(|row| row["id"] == id)?;
        row["values"][0]["estimate"]["value"].as_f64()
    };
    let guessed: Value = serde_json::from_str(&guessed).unwrap();
    let (before, after) = (
        value(&guessed, "latency_p50"),
        value(&corrected, "latency_p50"),
    );
    assert!((after.unwrap() / before.unwrap() - 1000.0).abs() < 1e-9);
    assert!(value(&guessed, "rating_mean").is_some() && value(&corrected, "rating_mean").is_none());
    // A mapping of another log says which column is not there.
    let other = dir.write("other.csv", "t,arm,took\n1,a,5\n2,b,6\n");
    dir.fails(
        &["analyze", &other, "--mapping", "map.toml"],
        1,
        "no column named \"timestamp\"",
    );
}

#[test]
fn the_report_shows_the_numbers_of_the_analysis() {
    let dir = Dir::new();
    let made = dir.write("log.csv", &log_of(["stable", "canary"], [1, 9]));
    for log in [
        made,
        bundled("sample-data/aa.csv"),
        bundled("tests/data/replay/pub07_outage.csv"),
    ] {
        let analysis = dir.json(&["analyze", &log, "--json"]);
        let printed = dir.json(&["report", &log, "-o", "out.html", "--json"]);
        assert_eq!(printed["analysis"], analysis, "{log}");
        let html = fs::read_to_string(dir.path("out.html")).unwrap();
        assert_self_contained(&html);
        // Running text keeps numbers and their units on one line.
        let html = html.replace('\u{a0}', " ");
        let mut n_checked = 0;
        for row in analysis["scorecard"].as_array().unwrap() {
            let form: ValueForm = serde_json::from_value(row["form"].clone()).unwrap();
            let shown = |value: f64| assert!(html.contains(&form.value(value)), "{log}: {row}");
            for value in row["values"].as_array().unwrap() {
                if let Some(estimate) = value["estimate"]["value"].as_f64() {
                    shown(estimate);
                    n_checked += 1;
                }
            }
            for effect in row["effects"].as_array().unwrap() {
                if let Some(difference) = effect["difference"]["value"].as_f64() {
                    assert!(html.contains(&form.change(difference)), "{log}: {row}");
                }
            }
        }
        assert!(n_checked >= 6, "{log}");
        let n_requests = analysis["log"]["n_requests"].as_u64().unwrap();
        assert!(html.contains(&units::count(n_requests)), "{log}");
        let headline = analysis["decision"]["headline"].as_str().unwrap();
        let escaped = headline
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;");
        assert!(html.contains(&escaped), "{log}: {headline}");
    }
}

#[test]
fn an_arm_cannot_pass_for_a_line_of_its_own() {
    let dir = Dir::new();
    let name = "new\n  [OK] Is this log sound? Yes";
    let log = dir.write("log.csv", &log_of(["old", name], [1, 9]));
    for command in ["inspect", "analyze", "replay"] {
        let shown = dir.ok(&[command, &log]);
        let forged = shown
            .lines()
            .find(|line| line.trim_start().starts_with("[OK] Is this"));
        assert_eq!(forged, None, "{command}");
    }
    assert!(dir.ok(&["analyze", &log]).contains("new⟨U+000A⟩"));
    let own = dir.ok(&["analyze", &bundled("sample-data/canary-rollout-20k.csv")]);
    assert!(
        own.contains("\nWhat would change a reading\n") && !own.contains('⟨'),
        "{own}"
    );
    let output = dir.run(&["analyze", &log, "--control", "nobody"]);
    let shown = stderr(&output);
    assert!(
        shown.contains("new") && !shown.contains("\n  [OK]"),
        "{shown}"
    );
}

#[test]
fn inspect_says_whether_the_log_is_sound() {
    let dir = Dir::new();
    let log = dir.write("log.csv", &log_of(["old", "new"], [1, 1]));
    let shown = dir.ok(&["inspect", &log, "--check"]);
    assert!(
        shown.contains("[OK] Did each arm get its share of users?"),
        "{shown}"
    );
    let audit = &dir.json(&["inspect", &log, "--json"])["audit"];
    let analysis = dir.json(&["analyze", &log, "--json"]);
    assert_eq!(audit["health"], analysis["health"]);
    let unfair = [
        "inspect", &log, "--check", "--expect", "old=0.9", "--expect", "new=0.1",
    ];
    assert_eq!(dir.run(&unfair).status.code(), Some(3));
}
