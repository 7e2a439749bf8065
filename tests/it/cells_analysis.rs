//! The analysis of cells against that of the requests: the same figures, but for quantiles.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::cells::{hindsight, sample, text};
use crate::support::real_logs;

/// What a figure may differ by, relative to it: rounding.
const EXACT: f64 = 1e-9;
/// The bound of quantiles.
const QUANTILE: f64 = 0.01 * (1.0 + EXACT);

/// Replaces indices of arms.
fn name(value: &mut Value, names: &[Value]) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                let of_arm = ["arm", "control", "treatment"].contains(&key.as_str());
                match value.as_u64().filter(|_| of_arm) {
                    Some(arm) => *value = names[arm as usize].clone(),
                    None => name(value, names),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| name(item, names)),
        _ => {}
    }
}

/// Arms by their names: without times, nothing tells their order in the log.
fn with_names(mut analysis: Value) -> Value {
    let arms = analysis["arms"].as_array().unwrap().iter();
    let names: Vec<Value> = arms.map(|arm| arm["name"].clone()).collect();
    name(&mut analysis, &names);
    analysis
}

/// All figures of an analysis by their path, where lists are named by what they are of.
fn figures(value: &Value, path: &str, into: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                figures(value, &format!("{path}/{name}"), into);
            }
        }
        Value::Array(items) => {
            for (i, item) in items.iter().enumerate() {
                let name = |field: &str| item.get(field).and_then(Value::as_str);
                let named: Vec<&str> = [
                    "segment", "value", "metric", "id", "quantity", "arm", "name",
                ]
                .into_iter()
                .filter_map(name)
                .collect();
                let key = if named.is_empty() {
                    i.to_string()
                } else {
                    named.join("=")
                };
                figures(item, &format!("{path}/{key}"), into);
            }
        }
        leaf => {
            into.insert(path.to_owned(), leaf.clone());
        }
    }
}

fn gap(a: f64, b: f64) -> f64 {
    // Differences of nearly equal values have the digits of the values, not their own.
    (a - b).abs() / a.abs().max(b.abs()).max(1e-3)
}

/// Whether a figure is of a quantile, or follows from one.
fn is_of_quantile(path: &str) -> bool {
    let of_metric = ["latency_p", "ttft_p"].iter().any(|id| path.contains(id));
    of_metric || path.contains("/quantiles/") || path.contains("/differences/")
}

/// Figures that cells must have in common with the requests, to the last digits.
const SHARED: [&str; 11] = [
    "/arms/",
    "/scorecard/",
    "/segments/",
    "/segment_arms/",
    "/other_segments/",
    "/segment_spread/",
    "/segment_columns/",
    "/stages/",
    "/trends/",
    "/plan/",
    "/latency/",
];

/// Fails where a figure drifts; how many were compared.
fn check(rows: &Value, cells: &Value, (what, is_part): (&str, bool)) -> usize {
    let (mut of_rows, mut of_cells) = (BTreeMap::new(), BTreeMap::new());
    figures(rows, "", &mut of_rows);
    figures(cells, "", &mut of_cells);
    let mut n = 0;
    let has_times = rows["log"]["clock"] != "row-order";
    let is_shared = |path: &&String| {
        // Bins are those of the cells, and of their edges; scales are not in them.
        let own = ["/edges_ms/", "/counts/", "/ecdf/", "/scale"];
        // Named among what needs the request log; and a currency, which is in a column's name.
        let of_requests = ["/errors/", "/each_unit_once", "cost_mean/label"];
        // Said in words with the digits of quantiles, or told by the requests that segments share.
        let words = ["hidden_harm", "/harm", "warning", "onset"];
        // Corrected for families that hold quantiles.
        let corrected = ["/p_adjusted", "/p_holm"];
        // Cells are split by one column at a time.
        let is_of_part = is_part && path.starts_with("/segment");
        let is_of_row = !has_times && path.contains("/span_us");
        let mut unlike = own.iter().chain(&of_requests).chain(&words);
        let is_own = unlike.any(|part| path.contains(part))
            || corrected.iter().any(|part| path.ends_with(part));
        SHARED.iter().any(|part| path.starts_with(part)) && !is_of_part && !is_of_row && !is_own
    };
    for (path, a) in of_rows.iter().filter(|(path, _)| is_shared(path)) {
        let b = of_cells.get(path);
        if is_of_quantile(path) {
            // Values and counts of single arms; what they are compared by follows from these.
            let is_value = path.ends_with("/estimate/value") && !path.contains("/differences/")
                || path.contains("/trends/") && path.ends_with("/value");
            if let Some(a) = a.as_f64().filter(|_| is_value) {
                let b = b.and_then(Value::as_f64).unwrap_or(f64::NAN);
                assert!(gap(a, b) <= QUANTILE, "{what} {path}: {a} {b}");
                n += 1;
            }
            continue;
        }
        let b = b.unwrap_or_else(|| panic!("{what} {path} is missing in cells: {a}"));
        match (a.as_f64(), b.as_f64()) {
            (Some(a), Some(b)) => assert!(gap(a, b) <= EXACT, "{what} {path}: {a} {b}"),
            _ => assert_eq!(a, b, "{what} {path}"),
        }
        n += 1;
    }
    let kind = |analysis: &Value| analysis["decision"]["kind"].clone();
    assert_eq!(kind(rows), kind(cells), "{what}");
    let mut fields = vec!["n_requests", "clock", "has_outcome"];
    if has_times {
        fields.extend(["first_us", "last_us", "times"]);
    }
    // Of more than two arms that share users, cells do not know.
    if !cells["log"]["n_units"].is_null() || rows["arms"].as_array().unwrap().len() == 2 {
        fields.push("n_units");
    }
    for field in fields {
        assert_eq!(rows["log"][field], cells["log"][field], "{what} {field}");
    }
    n
}

/// Analyses a log and its cells, with the same arguments.
fn compare(log: &Path, every: &str, more: &[&str]) -> usize {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("cells");
    hindsight(&["cells", text(log), "--every", every, "--out", text(&out)]);
    let analysis = |path: &Path| -> Value {
        let arguments = [&["analyze", text(path), "--json"], more].concat();
        with_names(serde_json::from_str(&hindsight(&arguments)).unwrap())
    };
    let what = format!("{} {more:?}", log.display());
    let is_part = more.contains(&"--segment");
    check(&analysis(log), &analysis(&out), (&what, is_part))
}

#[test]
fn analysis_of_cells_is_that_of_the_sample() {
    assert!(compare(&sample(), "15m", &[]) > 5_000);
    let korean = ["--segment", "language=한국어"];
    assert!(compare(&sample(), "15m", &korean) > 1_000);
    for more in [
        ["--strata", "none"],
        ["--unit", "request"],
        ["--looks", "continuous"],
    ] {
        assert!(compare(&sample(), "15m", &more) > 5_000);
    }
}

#[test]
fn analysis_of_cells_is_that_of_real_logs() {
    for (name, least) in [
        ("data/aibrix/aibrix_v021_requests.csv", 2_000),
        ("data/realhumaneval/chat_slim.csv", 150),
    ] {
        let Some(path) = real_logs::find(name) else {
            return;
        };
        assert!(compare(&path, "1m", &[]) > least, "{name}");
    }
}

/// Three weeks of a canary with users, many segment values and every kind of gap.
fn write_large(path: &Path, n: u64) {
    let mut lines =
        "ts,variant,user_id,status,latency_ms,rating,cost,tokens_out,tenant\n".to_owned();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut draw = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1u64 << 53) as f64
    };
    for i in 0..n {
        let at = 1_765_000_000.0 + (i as f64 + draw()) / n as f64 * 21.0 * 86_400.0;
        let share = [0.0, 0.02, 0.1, 0.5][(i * 4 / n) as usize];
        let user = (draw() * draw() * 40_000.0) as u64;
        let is_canary = (user.wrapping_mul(2_654_435_761) % 1_000) as f64 / 1_000.0 < share;
        let status = if draw() < 0.02 { "503" } else { "200" };
        let slow = if is_canary { 1.1 } else { 1.0 };
        let latency = slow * (200.0 - 900.0 * (1.0 - draw()).ln());
        let rating = if draw() < 0.2 {
            ((draw() * 5.0) as u64 + 1).to_string()
        } else {
            String::new()
        };
        writeln!(
            lines,
            "{at:.6},{},u{user},{status},{latency:.3},{rating},{:.6},{},t{}",
            if is_canary { "canary" } else { "stable" },
            draw() * 0.01,
            (draw() * 900.0) as u64,
            (draw() * draw() * 50.0) as u64,
        )
        .unwrap();
    }
    std::fs::write(path, lines).unwrap();
}

#[test]
fn analysis_of_cells_is_that_of_a_million_requests() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("large.csv");
    write_large(&log, 1_000_000);
    assert!(compare(&log, "1h", &[]) > 20_000);
}

/// Minutes, and a file of 700 MB: `cargo test --release --test it ten_million -- --ignored --nocapture`.
#[test]
#[ignore = "takes minutes"]
fn analysis_of_cells_is_that_of_ten_million_requests() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("large.csv");
    write_large(&log, 10_000_000);
    let n = compare(&log, "1h", &[]);
    println!("{n} figures agree");
    assert!(n > 20_000);
}

#[test]
fn what_needs_single_requests_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("cells");
    hindsight(&["cells", text(&sample()), "--out", text(&out)]);
    let analysis: Value =
        serde_json::from_str(&hindsight(&["analyze", text(&out), "--json"])).unwrap();
    let needs = analysis["cells"]["needs_request_log"].as_array().unwrap();
    let fields = ["health", "tests", "latency", "over_time", "novelty"];
    for field in fields.into_iter().chain(["arms.errors"]) {
        let need = needs.iter().find(|need| need["field"] == field).unwrap();
        assert!(!need["what"].as_str().unwrap().is_empty());
        assert!(!need["advice"].as_str().unwrap().is_empty());
    }
    assert_eq!(analysis["cells"]["quantile_relative_error"], 0.01);
    let shown = hindsight(&["analyze", text(&out)]);
    assert!(shown.contains("Needs the request log"), "{shown}");
    assert!(shown.contains(" s ±1 %"), "{shown}");
    // Of requests nothing of this is said.
    let of_rows = hindsight(&["analyze", text(&sample()), "--json"]);
    assert!(!of_rows.contains("needs_request_log"));
    let refused = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_hindsight"))
            .args(arguments)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("needs the request log"), "{said}");
    };
    refused(&["analyze", text(&out), "--since", "1d"]);
    refused(&["analyze", text(&out), "--latency", "1s.."]);
    refused(&["analyze", text(&out), "--crossing", "drop"]);
    refused(&["analyze", text(&out), "--strategy", "shadow"]);
    refused(&["replay", text(&out), "--segment", "language=한국어"]);
    refused(&["report", text(&out), "--lab", "-o", "-"]);
    refused(&["report", text(&out), "--examples", "3", "-o", "-"]);
    refused(&["lab", text(&out)]);
}

/// Merged sets have no users and stages of their own: that is said, and the arms are still compared.
#[test]
fn merged_cells_say_that_users_were_not_added_up() {
    let folder = tempfile::tempdir().unwrap();
    let out = |name: &str| folder.path().join(name);
    hindsight(&["cells", text(&sample()), "--out", text(&out("a"))]);
    for file in ["stages.parquet", "units.parquet"] {
        std::fs::remove_file(out("a").join(file)).unwrap();
    }
    let shown = hindsight(&["analyze", text(&out("a"))]);
    assert!(shown.contains("nothing was added up by user"), "{shown}");
    let analysis: Value =
        serde_json::from_str(&hindsight(&["analyze", text(&out("a")), "--json"])).unwrap();
    let effect = &analysis["scorecard"][0]["effects"][0];
    assert_eq!(effect["unit"], "request");
    assert!(effect["stratified"]["strata"].as_array().unwrap().len() > 2);
}

/// A canary that fails in one region; users are of one region, or of any.
fn write_carried(path: &Path, users_move: bool) {
    let mut lines = "ts,variant,user_id,status,latency_ms,region\n".to_owned();
    let regions = ["eu", "us", "asia", "africa"];
    for i in 0..48_000_u64 {
        let user = i.wrapping_mul(2_654_435_761) % 3_001;
        let region = regions[(if users_move { i / 7 } else { user / 2 } % 4) as usize];
        let is_canary = user % 2 == 1;
        let draw = i.wrapping_mul(6_364_136_223_846_793_005) >> 40;
        let failing = if is_canary && region == "eu" { 90 } else { 10 };
        let status = if draw % 1_000 < failing { 500 } else { 200 };
        writeln!(
            lines,
            "{},{},u{user},{status},{},{region}",
            1_765_000_000 + i * 5,
            if is_canary { "canary" } else { "stable" },
            300 + draw % 700
        )
        .unwrap();
    }
    std::fs::write(path, lines).unwrap();
}

#[test]
fn a_segment_that_carries_a_harm_is_named_where_users_are_of_one_value() {
    for users_move in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let (log, out) = (folder.path().join("log.csv"), folder.path().join("cells"));
        write_carried(&log, users_move);
        hindsight(&["cells", text(&log), "--out", text(&out)]);
        let [rows, cells] = [&log, &out].map(|path| -> Value {
            serde_json::from_str(&hindsight(&["analyze", text(path), "--json"])).unwrap()
        });
        let harm = |analysis: &Value| {
            let segments = analysis["segments"].as_array().unwrap().clone();
            let is_asked = |s: &&Value| s["metric"] == "error_share" && s["value"] == "eu";
            segments.iter().find(is_asked).unwrap()["harm"].clone()
        };
        let headline = |analysis: &Value| analysis["decision"]["headline"].clone();
        assert!(
            headline(&rows)
                .as_str()
                .unwrap()
                .contains("where region is eu")
        );
        let needs = cells["cells"]["needs_request_log"].as_array().unwrap();
        let is_open = needs
            .iter()
            .any(|need| need["field"] == "segments.harm.without");
        assert_eq!(is_open, users_move);
        if users_move {
            assert!(harm(&cells)["without"].is_null());
            continue;
        }
        assert_eq!(headline(&rows), headline(&cells));
        let [a, b] = [&rows, &cells].map(|analysis| harm(analysis)["without"].clone());
        for figure in ["/value", "/interval/lower", "/interval/upper"] {
            let of = |estimate: &Value| estimate.pointer(figure).and_then(Value::as_f64).unwrap();
            assert!(gap(of(&a), of(&b)) <= EXACT, "{figure}: {a} {b}");
        }
        assert_eq!(harm(&rows)["text"], harm(&cells)["text"]);
    }
}

#[test]
fn inspect_says_what_cells_hold() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("cells");
    hindsight(&["cells", text(&sample()), "--out", text(&out)]);
    let told = hindsight(&["inspect", text(&out)]);
    for part in [
        "cells of 15 min",
        "200,000 requests",
        "latency_ms",
        "language",
        "Needs the request log",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let of = |path: &Path| -> Value {
        serde_json::from_str(&hindsight(&["inspect", text(path), "--json"])).unwrap()
    };
    let (rows, cells) = (of(&sample()), of(&out));
    for field in ["requests", "units", "clock"] {
        assert_eq!(rows[field], cells[field], "{field}");
    }
    let arms = |told: &Value| told["audit"]["arms"].as_array().unwrap().len();
    assert_eq!(arms(&rows), arms(&cells));
    assert_eq!(cells["cells"]["width_us"], 900_000_000);
}
