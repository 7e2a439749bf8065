//! The report in every form, through the program.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::program::{Dir, is_english, log_of, stderr};

const FORMS: [&str; 4] = ["r.html", "r.pdf", "r.md", "r.json"];

fn all_forms(dir: &Dir, log: &str) -> Vec<Vec<u8>> {
    let mut arguments = vec!["report", log];
    for form in FORMS {
        arguments.extend(["-o", form]);
    }
    arguments.extend(["--tables", "tables", "--charts", "charts"]);
    dir.ok(&arguments);
    let mut paths: Vec<_> = FORMS.map(|form| dir.path(form)).to_vec();
    for folder in ["tables", "charts"] {
        let mut found: Vec<_> = fs::read_dir(dir.path(folder))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        found.sort();
        assert!(found.len() > 3, "{folder}: {found:?}");
        paths.extend(found);
    }
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

#[test]
fn two_runs_give_the_same_bytes_in_every_form() {
    let dir = Dir::new();
    let log = dir.write("log.csv", &log_of(["stable", "canary"], [1, 9]));
    assert!(all_forms(&dir, &log) == all_forms(&dir, &log));
}

#[test]
fn a_report_is_made_again_and_a_changed_log_is_named() {
    let dir = Dir::new();
    let text = log_of(["stable", "canary"], [1, 9]);
    let log = dir.write("log.csv", &text);
    dir.ok(&["report", &log, "--margin", "latency=0.3", "-o", "r.json"]);
    let again = dir.run(&["report", &log, "--from", "r.json"]);
    assert!(again.status.success());
    assert!(stderr(&again).contains("Same: every figure agrees"));
    dir.write("log.csv", &text.replacen("Z,u1,", "Z,u7,", 1));
    dir.fails(
        &["report", &log, "--from", "r.json"],
        1,
        "load.inputs[0].sha256: was ",
    );
    dir.fails(
        &["report", &log, "--from", "log.csv"],
        1,
        "not a JSON report",
    );
}

#[test]
fn the_rule_lab_is_in_every_form_and_made_again() {
    let dir = Dir::new();
    let log = dir.write("log.csv", &log_of(["stable", "canary"], [3, 3]));
    let mut arguments = vec!["report", &log, "--preset", "quality-monitor", "--lab"];
    arguments.extend(["--replicates", "100", "--seed", "7"]);
    for form in FORMS {
        arguments.extend(["-o", form]);
    }
    dir.ok(&arguments);
    let first = FORMS.map(|form| fs::read(dir.path(form)).unwrap());
    dir.ok(&arguments);
    assert!(first == FORMS.map(|form| fs::read(dir.path(form)).unwrap()));
    let text = |k: usize| String::from_utf8_lossy(&first[k]).into_owned();
    assert!(text(0).contains("<section id=\"lab\""));
    let markdown = text(2);
    for part in [
        "## Rule lab: can the rules be trusted?",
        "100 rollouts without a difference, seed 7",
        "| Threshold of |",
        "False rollbacks against harm",
        "What all figures of the lab rest on",
    ] {
        assert!(markdown.contains(part), "{part}");
    }
    let report: Value = serde_json::from_slice(&first[3]).unwrap();
    assert_eq!(report["lab"]["settings"]["seed"], 7);
    assert_eq!(report["lab"]["rules"][0]["false_rollback"]["n"], 100);
    let mut faults = Vec::new();
    check(&schema(), &schema(), &report, "", &mut faults);
    assert!(faults.is_empty(), "{faults:#?}");
    let again = dir.run(&["report", &log, "--from", "r.json"]);
    assert!(stderr(&again).contains("Same: every figure agrees"));
    dir.fails(&["report", &log, "--seed", "2"], 2, "--lab");
}

/// What a reader reads is in the language that was asked for, but for names and commands.
#[test]
fn a_report_in_another_language_keeps_no_english() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let log = root.join("sample-data/canary-rollout-20k.csv");
    let log = log.to_str().unwrap();
    let dir = Dir::new();
    for language in ["zh", "ko"] {
        let mut arguments = vec!["report", log, "--language", language];
        arguments.extend(["--lab", "--replicates", "20", "--preset", "quality-monitor"]);
        dir.ok(&[&arguments[..], &["-o", "r.md", "-o", "r.html"]].concat());
        let text = fs::read_to_string(dir.path("r.md")).unwrap();
        let left: Vec<&str> = text
            .lines()
            .flat_map(|line| line.split(['|', '*']))
            .flat_map(|cell| cell.split("<br>"))
            .filter(|part| is_english(part))
            .collect();
        assert!(left.len() < 4, "{language}: {} left: {left:#?}", left.len());
        let page = fs::read_to_string(dir.path("r.html")).unwrap();
        let tag = if language == "zh" { "zh-Hans" } else { "ko" };
        assert!(page.contains(&format!("<html lang=\"{tag}\"")));
    }
    dir.fails(&["report", log, "--language", "fr"], 2, "one of en, zh, ko");
}

/// The published schema.
fn schema() -> Value {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("docs/report.schema.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn an_overruled_recommendation_is_printed_with_its_reason() {
    let dir = Dir::new();
    let log = dir.write("log.csv", &log_of(["stable", "canary"], [1, 9]));
    let overrule = [
        "report",
        &log,
        "--override",
        "ship",
        "--reason",
        "The *tail* is known",
    ];
    let shown = dir.ok(&[&overrule[..], &["--short"]].concat());
    assert!(shown.contains("Decision by the analyst: ✓ Ship"), "{shown}");
    assert!(
        shown.contains("recommends from the figures below: roll back"),
        "{shown}"
    );
    assert!(shown.contains("The \\*tail\\* is known"), "{shown}");
    // The gate goes by the recommendation.
    let checked = dir.run(&[&overrule[..], &["--check", "--short"]].concat());
    assert_eq!(checked.status.code(), Some(3));
    let context = dir.write(
        "context.toml",
        "title = 'Spring'\nowner = 'Ada'\nhypothesis = 'Cheaper'\n[arms.canary]\nmodel = 'm-2'\n",
    );
    dir.ok(&["report", &log, "--context", &context, "-o", "r.md"]);
    let text = fs::read_to_string(dir.path("r.md")).unwrap();
    for part in [
        "# Spring",
        "- Owner: Ada",
        "**Hypothesis**: Cheaper",
        "| canary | m-2 |",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    dir.fails(&["report", &log, "--override", "ship"], 2, "--reason");
    dir.fails(&["report", &log, "-o", "r.docx"], 1, "End it in");
}

/// A PDF without its streams, whose compressed bytes may spell anything.
fn outside_streams(pdf: &[u8]) -> Vec<u8> {
    let find = |bytes: &[u8], word: &[u8]| bytes.windows(word.len()).position(|w| w == word);
    let (mut rest, mut outside) = (pdf, Vec::new());
    while let Some(start) = find(rest, b"\nstream") {
        outside.extend_from_slice(&rest[..start]);
        let end = find(&rest[start..], b"endstream").expect("a stream ends");
        rest = &rest[start + end..];
    }
    outside.extend_from_slice(rest);
    outside
}

#[test]
fn hostile_labels_stay_text_in_every_form() {
    for label in [
        "<script>alert(1)</script>",
        "=HYPERLINK(\"http://evil.example\")",
        "../../x",
        "\u{1b}[31mred\u{1b}]0;owned\u{7}",
        "[a](//b)",
    ] {
        let dir = Dir::new();
        let log = dir.write("log.csv", &log_of(["stable", label], [1, 9]));
        all_forms(&dir, &log);
        dir.ok(&["report", &log, "--charts", "pictures", "--picture", "png"]);
        let expected = [
            "charts", "log.csv", "pictures", "r.html", "r.json", "r.md", "r.pdf",
        ];
        let mut files = dir.files();
        files.retain(|name| name != "tables" && name != "report.html");
        assert_eq!(files, expected, "nothing is written elsewhere");
        let read = |name: &str| fs::read_to_string(dir.path(name)).unwrap();
        let has_codes = |text: &str| text.chars().any(|c| c.is_control() && c != '\n');

        let html = read("r.html");
        assert!(!html.contains("<script") && !html.contains("href=\"http") && !has_codes(&html));
        let markdown = read("r.md");
        assert!(!markdown.contains("<script") && !markdown.contains("[a](//b)"));
        assert!(!has_codes(&markdown));
        let json = read("r.json");
        assert!(!has_codes(&json));
        let json: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json["analysis"]["arms"][1]["name"], label);
        // A link, a form or a script of a PDF is one of these.
        let pdf = outside_streams(&fs::read(dir.path("r.pdf")).unwrap());
        for action in [
            "/URI",
            "/JavaScript",
            "/Launch",
            "/OpenAction",
            "/AA",
            "/SubmitForm",
        ] {
            let found = pdf.windows(action.len()).any(|w| w == action.as_bytes());
            assert!(!found, "{label}: {action}");
        }
        for (folder, ending) in [("tables", "csv"), ("charts", "svg"), ("pictures", "png")] {
            for entry in fs::read_dir(dir.path(folder)).unwrap() {
                let path = entry.unwrap().path();
                let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
                assert!(path.extension().is_some_and(|e| e == ending), "{name}");
                let is_plain = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
                assert!(name.chars().all(is_plain), "{name}");
                if ending == "png" {
                    assert!(fs::read(&path).unwrap().starts_with(b"\x89PNG"), "{name}");
                    continue;
                }
                let text = fs::read_to_string(&path).unwrap();
                assert!(!has_codes(&text), "{name}");
                if ending == "svg" {
                    assert!(!text.contains("<script") && !text.contains("<a "), "{name}");
                    continue;
                }
                for row in csv_cells(&text) {
                    for cell in row {
                        // A number may begin with a minus.
                        let runs = cell.starts_with(['=', '+', '@'])
                            || cell.starts_with('-') && cell.parse::<f64>().is_err();
                        assert!(!runs, "{name}: {cell}");
                    }
                }
            }
        }
        for arguments in [vec!["report", &log, "--short"], vec!["analyze", &log]] {
            assert!(!has_codes(&dir.ok(&arguments)), "{arguments:?}");
        }
    }
}

/// Cells of a CSV file by row.
fn csv_cells(text: &str) -> Vec<Vec<String>> {
    let mut rows = vec![vec![String::new()]];
    let mut is_quoted = false;
    for c in text.chars() {
        let row = rows.last_mut().unwrap();
        match c {
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => row.push(String::new()),
            '\n' if !is_quoted => rows.push(vec![String::new()]),
            _ => row.last_mut().unwrap().push(c),
        }
    }
    rows
}

#[test]
fn errors_are_listed_by_code_and_arm_and_never_by_message() {
    let dir = Dir::new();
    let log = dir.write(
        "codes.csv",
        &log_of(["stable", "canary"], [3, 9]).replacen(",500,", ",429,", 20),
    );
    let report = dir.json(&["report", &log, "--json"]);
    let arms = &report["analysis"]["arms"];
    let codes = |arm: usize| -> Vec<&str> {
        let errors = arms[arm]["errors"].as_array().unwrap();
        errors.iter().map(|e| e["code"].as_str().unwrap()).collect()
    };
    assert_eq!(codes(1), ["500", "429"]);
    for arm in arms.as_array().unwrap() {
        let errors = arm["errors"].as_array().unwrap();
        let n: u64 = errors.iter().map(|e| e["n"].as_u64().unwrap()).sum();
        let outcomes = &arm["outcomes"];
        let of = |name: &str| outcomes[name].as_u64().unwrap();
        assert_eq!(n, of("error") + of("rate_limited"));
    }
    dir.ok(&["report", &log, "-o", "r.md"]);
    let text = fs::read_to_string(dir.path("r.md")).unwrap();
    assert!(
        text.contains("### Errors by code") && text.contains("rate-limited"),
        "{text}"
    );

    // What an error column says may quote what a user wrote.
    let messages = log_of(["stable", "canary"], [3, 9])
        .replace(",status,", ",error_message,")
        .replace(",500,", ",no answer for alice,")
        .replace(",200,", ",,");
    let log = dir.write("messages.csv", &messages);
    dir.ok(&["report", &log, "-o", "m.md", "-o", "m.json"]);
    for name in ["m.md", "m.json"] {
        let text = fs::read_to_string(dir.path(name)).unwrap();
        assert!(
            !text.contains("alice") && !text.contains("Errors by code"),
            "{name}"
        );
    }
    let report = dir.json(&["report", &log, "--json"]);
    let errors = &report["analysis"]["arms"][1]["errors"];
    assert_eq!(errors[0]["code"], "", "{errors}");
    assert_eq!(errors.as_array().unwrap().len(), 1);
}

#[test]
fn labels_that_make_one_file_name_get_a_table_each() {
    let dir = Dir::new();
    let log = dir.write("log.csv", &log_of(["stable", "../x"], [1, 9]));
    let derived = ["metric a b = latency_ms", "metric a/b = latency_ms + 1"];
    let [spaced, slashed] = derived.map(|column| ["--derive", column]);
    let given = [
        ["report", &log],
        ["--control", "stable"],
        spaced,
        slashed,
        ["--tables", "t"],
    ];
    dir.ok(given.as_flattened());
    let folder = dir.path("t");
    for name in ["trend-metric-a-b.csv", "trend-metric-a-b-2.csv"] {
        assert!(folder.join(name).is_file(), "{name}");
    }
}

#[test]
fn every_log_gets_a_report_of_its_own() {
    let dir = Dir::new();
    let good = dir.write("good.csv", &log_of(["stable", "canary"], [1, 1]));
    let bad = dir.write("bad.csv", &log_of(["stable", "canary"], [1, 9]));
    let output = dir.run(&["report", &good, &bad, "--each", "all", "--check"]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    for name in ["all/good-csv.html", "all/bad-csv.html"] {
        assert!(dir.path(name).is_file(), "{name}");
    }
}

#[test]
fn no_user_is_named() {
    let dir = Dir::new();
    let log = dir.write(
        "log.csv",
        &log_of(["stable", "canary"], [1, 9]).replace("Z,u", "Z,private-"),
    );
    for (form, bytes) in FORMS.iter().zip(all_forms(&dir, &log)) {
        assert!(
            !String::from_utf8_lossy(&bytes).contains("private-"),
            "{form}"
        );
    }
}

#[test]
fn reports_follow_their_schema() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let schema = schema();
    let dir = Dir::new();
    let made = dir.write("log.csv", &log_of(["stable", "canary"], [1, 9]));
    let one_arm = dir.write("one.csv", &log_of(["stable", "stable"], [1, 1]));
    let bundled = |name: &str| {
        root.join("sample-data")
            .join(name)
            .to_string_lossy()
            .into_owned()
    };
    for log in [
        made,
        one_arm,
        bundled("aa.csv"),
        bundled("canary-rollout-20k.csv"),
    ] {
        let report = dir.json(&["report", &log, "--json"]);
        let mut faults = Vec::new();
        check(&schema, &schema, &report, "", &mut faults);
        assert!(
            faults.is_empty(),
            "{log}: {:#?}",
            &faults[..faults.len().min(20)]
        );
    }
    let mut faults = Vec::new();
    check(
        &schema,
        &schema,
        &serde_json::json!({ "schema": 2 }),
        "",
        &mut faults,
    );
    assert!(
        faults.len() > 5,
        "a check that finds nothing wrong checks nothing"
    );
}

/// The part of JSON Schema that the report's schema uses.
fn check(root: &Value, schema: &Value, value: &Value, path: &str, faults: &mut Vec<String>) {
    if let Some(name) = schema["$ref"].as_str() {
        let target = root.pointer(name.trim_start_matches('#')).unwrap();
        return check(root, target, value, path, faults);
    }
    if let Some(options) = schema["anyOf"].as_array() {
        let fits = |option: &Value| {
            let mut found = Vec::new();
            check(root, option, value, path, &mut found);
            found
        };
        let found: Vec<Vec<String>> = options.iter().map(fits).collect();
        if found.iter().all(|faults| !faults.is_empty()) {
            faults.extend(found.into_iter().flatten());
        }
        return;
    }
    let is = |name: &Value| match name.as_str().unwrap() {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("{other} is no type"),
    };
    let types = match &schema["type"] {
        Value::Array(types) => types.clone(),
        Value::Null => Vec::new(),
        one => vec![one.clone()],
    };
    if !types.is_empty() && !types.iter().any(is) {
        faults.push(format!("{path}: {value} is not {}", schema["type"]));
        return;
    }
    let allowed = schema["enum"].as_array();
    if schema.get("const").is_some_and(|only| only != value)
        || allowed.is_some_and(|allowed| !allowed.contains(value))
    {
        faults.push(format!("{path}: {value} is not allowed"));
    }
    if let Some(object) = value.as_object() {
        for name in schema["required"].as_array().into_iter().flatten() {
            if !object.contains_key(name.as_str().unwrap()) {
                faults.push(format!("{path}: {name} is missing"));
            }
        }
        for (name, part) in object {
            if let Some(schema) = schema["properties"].get(name) {
                check(root, schema, part, &format!("{path}.{name}"), faults);
            }
        }
    }
    if let (Some(items), Some(values)) = (schema.get("items"), value.as_array()) {
        for (k, item) in values.iter().enumerate() {
            check(root, items, item, &format!("{path}[{k}]"), faults);
        }
    }
}
