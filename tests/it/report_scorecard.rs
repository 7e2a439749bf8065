//! What people read in a report's scorecard is what its JSON holds: every number, in HTML and Markdown.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use hindsight::analysis::{AnalysisSettings, analyze};
use hindsight::ingest::{LoadRequest, load};
use hindsight::jobs::Progress;
use hindsight::language::Language;
use hindsight::report::{Context, ReportForm, ReportInput, load_notes};
use hindsight::units::{self, ValueForm};
use serde_json::Value;

use crate::support::real_logs::find;

/// A number as it is written, with its unit: `+1.24 pp`.
fn numbers(text: &str) -> BTreeSet<String> {
    const UNITS: [&str; 7] = ["%", "pp", "ms", "s", "min", "h", "d"];
    let chars: Vec<char> = text.chars().collect();
    let is_digit = |at: usize| chars.get(at).is_some_and(char::is_ascii_digit);
    let mut found = BTreeSet::new();
    let mut at = 0;
    while at < chars.len() {
        if !is_digit(at) {
            at += 1;
            continue;
        }
        let from = match at.checked_sub(1).map(|before| chars[before]) {
            Some('+' | '−') => at - 1,
            _ => at,
        };
        while is_digit(at) || matches!(chars.get(at), Some('.' | ',')) && is_digit(at + 1) {
            at += 1;
        }
        if chars.get(at) == Some(&'e') && chars.get(at + 1) == Some(&'−') && is_digit(at + 2) {
            at += 2;
            while is_digit(at) {
                at += 1;
            }
        }
        let mut number: String = chars[from..at].iter().collect();
        let rest: String = chars[at..].iter().take(5).collect();
        let unit = rest.trim_start_matches([' ', '\u{a0}']);
        let unit: String = unit
            .chars()
            .take_while(|c| c.is_alphabetic() || *c == '%')
            .collect();
        if UNITS.contains(&unit.as_str()) {
            number = format!("{number} {unit}");
        }
        found.insert(number);
    }
    found
}

/// How a number of the JSON is written.
enum As {
    Value,
    Change,
    Relative,
    P,
    Count,
    Text,
}

/// Adds what people may read of `value`.
fn tell(known: &mut BTreeSet<String>, form: ValueForm, how: &As, value: &Value) {
    let mut number = |x: f64| {
        known.extend(numbers(&match how {
            As::Value => form.value(x),
            As::Change => form.change(x),
            As::Relative => units::relative(x),
            As::P => units::p_value(x),
            As::Count => units::count(x as u64),
            As::Text => String::new(),
        }));
    };
    match value {
        Value::Number(x) => number(x.as_f64().unwrap()),
        Value::String(text) => known.extend(numbers(text)),
        // An estimate.
        Value::Object(fields) if fields.contains_key("interval") => {
            for x in [
                &value["value"],
                &value["interval"]["lower"],
                &value["interval"]["upper"],
            ] {
                x.as_f64().into_iter().for_each(&mut number);
            }
        }
        _ => {}
    }
}

/// Every number that the scorecard of this analysis may show, and those that it has to.
fn told(analysis: &Value) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut known, mut needed) = (BTreeSet::new(), BTreeSet::new());
    for arm in analysis["arms"].as_array().unwrap() {
        let plain = ValueForm::Number;
        tell(&mut known, plain, &As::Text, &arm["name"]);
        tell(&mut known, plain, &As::Count, &arm["n_requests"]);
        let errors = arm["errors"].as_array().unwrap();
        let all: f64 = errors.iter().map(|e| e["n"].as_f64().unwrap()).sum();
        for error in errors {
            tell(&mut known, plain, &As::Text, &error["code"]);
            tell(&mut known, plain, &As::Count, &error["n"]);
            known.extend(numbers(&units::share(error["n"].as_f64().unwrap() / all)));
        }
    }
    for row in analysis["scorecard"].as_array().unwrap() {
        let form: ValueForm = serde_json::from_value(row["form"].clone()).unwrap();
        for text in ["label", "denominator", "scale"] {
            tell(&mut known, form, &As::Text, &row[text]);
        }
        for value in row["values"].as_array().unwrap() {
            tell(&mut known, form, &As::Value, &value["estimate"]);
            tell(&mut known, form, &As::Count, &value["n"]);
            tell(&mut known, form, &As::Count, &value["numerator"]);
        }
        for effect in row["effects"].as_array().unwrap() {
            let at = |path: &str| effect.pointer(path).unwrap_or(&Value::Null);
            for (how, path) in [
                (As::Change, "/difference"),
                (As::Change, "/each_unit_once"),
                (As::Change, "/stratified/pooled"),
                (As::Relative, "/relative"),
                (As::Change, "/margin"),
                (As::P, "/test/p"),
                (As::P, "/p_adjusted"),
                (As::P, "/by_request/test/p"),
                (As::P, "/by_unit/test/p"),
                (As::Text, "/unit_warning"),
                (As::Text, "/stratified/warning"),
            ] {
                tell(&mut known, form, &how, at(path));
            }
            let weighted = at("/stratified/weighted").as_array();
            for value in weighted.into_iter().flatten() {
                known.extend(numbers(&form.value(value.as_f64().unwrap())));
            }
            if let Some(margin) = effect["margin"].as_f64() {
                known.extend(numbers(&form.change(-margin)));
            }
            if effect["arm"] == analysis["treatment"] {
                for path in ["/difference", "/each_unit_once"] {
                    tell(&mut needed, form, &As::Change, at(path));
                }
                tell(&mut needed, form, &As::Relative, at("/relative"));
            }
        }
    }
    (known, needed)
}

/// The words of an HTML page between two places, without its pictures.
fn words(html: &str, from: &str, to: &str) -> String {
    let start = html.find(from).unwrap();
    let end = start
        + html[start + 1..]
            .find(to)
            .map_or(html.len() - start, |n| n + 1);
    let mut out = String::new();
    for (k, part) in html[start..end].split("<svg").enumerate() {
        let shown = if k == 0 {
            part
        } else {
            part.split_once("</svg>").map_or("", |(_, after)| after)
        };
        for piece in shown.split('<') {
            out.push(' ');
            out.push_str(piece.split_once('>').map_or(piece, |(_, text)| text));
        }
    }
    out.replace("&lt;", "<").replace("&amp;", "&")
}

/// Cells of a page's tables.
fn cells_of_html(html: &str) -> String {
    let start = html.find("id=\"scorecard\"").unwrap();
    let section = &html[start..];
    let section = &section[..section.find("</section>").unwrap()];
    let bodies = section.split("<tbody").skip(1);
    bodies.map(|body| words(body, ">", "</tbody>")).collect()
}

fn cells_of_markdown(markdown: &str) -> String {
    let (_, section) = markdown.split_once("\n## Scorecard\n").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with('|'));
    rows.collect::<Vec<_>>()
        .join("\n")
        .replace('\\', "")
        .replace("<br>", " ")
}

#[track_caller]
fn check(log: &Path) {
    let progress = Progress::unwatched();
    let loaded = load(&LoadRequest::of(log), &progress).unwrap();
    let analysis = analyze(&loaded.log, &AnalysisSettings::default(), &progress).unwrap();
    let input = ReportInput {
        analysis: &analysis,
        replay: None,
        rulebook: None,
        lab: None,
        examples: None,
        load: &load_notes(&loaded),
        mapping: Some(&loaded.mapping),
        context: &Context::default(),
        title: "",
        version: "0",
        language: Language::English,
    };
    let written = |form: ReportForm| String::from_utf8(form.render(&input).unwrap()).unwrap();
    let json: Value = serde_json::from_str(&written(ReportForm::Json)).unwrap();
    let (known, needed) = told(&json["analysis"]);
    for (form, cells) in [
        ("HTML", cells_of_html(&written(ReportForm::Html))),
        (
            "Markdown",
            cells_of_markdown(&written(ReportForm::Markdown)),
        ),
    ] {
        let shown = numbers(&cells);
        let place = log.display();
        let unknown: Vec<_> = shown.difference(&known).collect();
        assert!(unknown.is_empty(), "{place}, {form} only: {unknown:?}");
        let missing: Vec<_> = needed.difference(&shown).collect();
        assert!(missing.is_empty(), "{place}, not in {form}: {missing:?}");
        assert!(!needed.is_empty());
    }
}

#[test]
fn numbers_are_found_with_their_units() {
    let text = "+1.24\u{a0}pp [−0.31 pp, 2,845] p < 1e−15; 1 min 3 s, GPT-3.5";
    let expected = [
        "+1.24 pp",
        "−0.31 pp",
        "2,845",
        "1e−15",
        "1 min",
        "3 s",
        "3.5",
    ];
    assert_eq!(numbers(text), expected.map(str::to_owned).into());
}

#[test]
fn the_scorecard_of_the_sample_is_that_of_its_json() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    check(&root.join("sample-data/canary-rollout.parquet"));
}

#[test]
fn the_scorecards_of_real_logs_are_those_of_their_json() {
    for name in [
        "aibrix/aibrix_v021_requests.csv",
        "realhumaneval/chat_slim.csv",
        "llmperf/llmperf_requests.csv",
    ] {
        if let Some(log) = find(&format!("data/{name}")) {
            check(&log);
        }
    }
}
