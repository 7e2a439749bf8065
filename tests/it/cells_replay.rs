//! Rules on cells against the same rules on the requests, where the edges of cells are the rules' clock.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;

use crate::cells::{hindsight, text};

/// A whole minute: the first request starts at it, so that ticks fall on edges of cells.
const START_S: i64 = 1_764_979_200;

/// Three hours of a canary that fails more, and gets slower, in the middle; failures take long. No request
/// ends at an edge of a cell.
fn write_log(path: &Path) {
    let mut lines = "ts,variant,status,latency_ms,rating\n".to_owned();
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut draw = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let mut at_ms = 0_i64;
    let mut first = true;
    while at_ms < 3 * 3_600_000 {
        let is_canary = !first && draw() < 0.4;
        let is_bad = is_canary && (4_200_000..7_800_000).contains(&at_ms);
        let fails = !first && draw() < if is_bad { 0.12 } else { 0.01 };
        let slow = if is_bad { 2.2 } else { 1.0 };
        let answer = slow * (150.0 - 420.0 * (1.0 - draw()).ln());
        let latency = if fails { 9_000.0 + answer } else { answer };
        let rating = if draw() < 0.3 {
            ((draw() * 5.0) as u64 + 1).to_string()
        } else {
            String::new()
        };
        let end_ms = at_ms as f64 + latency;
        // Counters and windows are closed on different sides of an edge.
        let is_at_edge = (end_ms % 15_000.0) < 1.0 || (end_ms % 15_000.0) > 14_999.0;
        if !is_at_edge {
            writeln!(
                lines,
                "{}.{:03},{},{},{latency:.3},{rating}",
                START_S + at_ms / 1000,
                at_ms % 1000,
                if is_canary { "canary" } else { "stable" },
                if fails { "503" } else { "200" },
            )
            .unwrap();
        }
        first = false;
        at_ms += 1 + (draw() * 900.0) as i64;
    }
    std::fs::write(path, lines).unwrap();
}

fn replay(log: &Path, more: &[&str]) -> Value {
    let arguments = [&["replay", text(log), "--json"], more].concat();
    serde_json::from_str(&hindsight(&arguments)).unwrap()
}

/// What both replays of a rule have in common.
fn outline(rule: &Value) -> Value {
    let transitions = rule["transitions"].as_array().unwrap().iter();
    let transitions: Vec<Value> = transitions
        .map(|t| serde_json::json!([t["time_us"], t["state"], t["causes"]]))
        .collect();
    let conditions = rule["conditions"].as_array().unwrap().iter();
    let conditions: Vec<Value> = conditions
        .map(|c| {
            serde_json::json!([
                c["name"],
                c["evaluations_true"],
                c["evaluations_no_data"],
                c["first_us"]
            ])
        })
        .collect();
    serde_json::json!({
        "id": rule["id"],
        "first": rule["first"]["time_us"],
        "causes": rule["first"]["causes"],
        "evaluations": rule["evaluations"],
        "exposure": rule["exposure"],
        "transitions": transitions,
        "conditions": conditions,
    })
}

const RULES: &str = r#"
[[rule]]
id = "flagger"
title = "Checks every minute, five failures roll back"
clock = { every = "1m" }
any = [{ name = "success", metric = "success_share", window = { trailing = "1m" }, cmp = "<", value = 0.97 }]
persist = { failures = { limit = 5, mode = "ge", scope = "run" } }

[[rule]]
id = "cloudwatch"
title = "3 of 5 periods of 5 minutes"
clock = { every = "1m" }
any = [{ name = "errors", metric = "error_share", window = { tumbling = "5m", slide = "1m" }, cmp = ">", value = 0.05 }]
persist = { m_of_n = [3, 5], missing = "notBreaching", stride = 5 }

[[rule]]
id = "p95"
title = "p95 over a quarter of an hour"
clock = { every = "1m" }
any = [{ name = "p95", metric = "quantile(latency,0.95)", window = { trailing = "15m" }, cmp = ">", times_baseline = 1.5 }]

[[rule]]
id = "ratings"
title = "Mean rating"
clock = { every = "1m" }
any = [{ name = "rating", metric = "mean(rating)", window = { trailing = "30m" }, drop = { cmp = ">", value = 0.2 } }]

[[rule]]
id = "fine"
title = "Every ten seconds"
clock = { every = "10s" }
any = [{ name = "errors", metric = "error_share", window = { trailing = "1m" }, cmp = ">", value = 0.05 }]

[[rule]]
id = "last"
title = "The last hundred requests"
clock = { every = "1m" }
any = [{ name = "errors", metric = "error_share", window = { last = 100 }, cmp = ">", value = 0.05 }]
"#;

#[test]
fn rules_on_aligned_cells_do_what_they_do_on_requests() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    write_log(&at("log.csv"));
    std::fs::write(at("rules.toml"), RULES).unwrap();
    let mut n_fired = 0;
    for (every, chosen, compared) in [
        (
            "15s",
            vec!["--preset", "prometheus-success-ratio"],
            vec!["prometheus-success-ratio"],
        ),
        (
            "1m",
            vec!["--preset", "canary-monitor,appconfig-error-rate"],
            vec!["canary-monitor", "appconfig-error-rate"],
        ),
        (
            "1m",
            vec!["--rules", text(&at("rules.toml"))],
            vec!["flagger", "cloudwatch", "ratings"],
        ),
    ] {
        let out = at(&format!("cells-{every}"));
        hindsight(&[
            "cells",
            text(&at("log.csv")),
            "--every",
            every,
            "--out",
            text(&out),
        ]);
        let (of_rows, of_cells) = (replay(&at("log.csv"), &chosen), replay(&out, &chosen));
        let width_us = if every == "1m" {
            60_000_000
        } else {
            15_000_000
        };
        assert_eq!(of_cells["grain_us"], width_us);
        assert!(of_rows["grain_us"].is_null());
        assert_eq!(of_rows["time_zero"], of_cells["time_zero"]);
        for id in compared {
            let rule = |replay: &Value| {
                let mut rules = replay["rules"].as_array().unwrap().iter();
                rules.find(|rule| rule["id"] == id).unwrap().clone()
            };
            let (a, b) = (rule(&of_rows), rule(&of_cells));
            assert_eq!(outline(&a), outline(&b), "{id}");
            assert!(b["skipped"].is_null(), "{b}");
            if let Some(us) = b["first"]["time_us"].as_i64() {
                n_fired += 1;
                let range = |end: &str| b["phases"][end].as_i64().unwrap();
                assert!(range("earliest_us") <= us && us + width_us <= range("latest_us"));
                assert!(b["first"]["row"].is_null());
            }
        }
    }
    assert!(n_fired >= 4, "{n_fired}");
    // Quantiles within their bound, at the same moment.
    let cells = at("cells-1m");
    let rulebook = at("rules.toml");
    let rules = ["--rules", text(&rulebook)];
    let (of_rows, of_cells) = (replay(&at("log.csv"), &rules), replay(&cells, &rules));
    let p95 = |replay: &Value| {
        let reading = &replay["rules"][2]["first"]["readings"][0];
        let value = |arm: &str| reading[arm]["value"].as_f64().unwrap();
        (value("measured"), value("baseline"))
    };
    let first = |replay: &Value| replay["rules"][2]["first"]["time_us"].as_i64().unwrap();
    let (a, b) = (p95(&of_rows), p95(&of_cells));
    assert!((first(&of_rows) - first(&of_cells)).abs() <= 60_000_000);
    if first(&of_rows) == first(&of_cells) {
        assert!((a.0 - b.0).abs() <= 0.010_001 * a.0, "{a:?} {b:?}");
        assert!((a.1 - b.1).abs() <= 0.010_001 * a.1, "{a:?} {b:?}");
    }
    // What cells cannot do is said.
    let skipped = |at: usize| of_cells["rules"][at]["skipped"].as_str().unwrap();
    assert!(skipped(4).starts_with("needs finer cells: its interval of 10 s"));
    assert!(skipped(5).starts_with("needs the request log"));
    let shown = hindsight(&["replay", text(&cells), "--rules", text(&at("rules.toml"))]);
    assert!(shown.contains("Replayed on cells of 1 min"), "{shown}");
    assert!(shown.contains("needs finer cells"), "{shown}");
}
