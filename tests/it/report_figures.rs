//! Every figure that a report shows stands in its JSON, to the last bit.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use hindsight::analysis::{AnalysisSettings, analyze};
use hindsight::ingest::{LoadRequest, load};
use hindsight::jobs::Progress;
use hindsight::lab::{Engine, LabPlan, LabSettings, lab, usual_injections};
use hindsight::language::Language;
use hindsight::report::document::{Cell, Shown};
use hindsight::report::{Context, ReportInput, document, json, load_notes};
use hindsight::rules::{ReplaySettings, presets, replay_in_full};
use serde_json::Value;

use crate::support::real_logs::find;

fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("sample-data")
        .join(name)
}

/// Every number of a JSON value, by its bits; -0 is 0.
fn gather(value: &Value, found: &mut BTreeSet<u64>) {
    match value {
        Value::Number(n) => {
            let number = n.as_f64().unwrap() + 0.0;
            // Amounts per request are told per 1,000.
            found.extend([number, number * 1000.0].map(f64::to_bits));
        }
        Value::Array(items) => items.iter().for_each(|item| gather(item, found)),
        Value::Object(fields) => {
            // What follows from an interval or a stage alone.
            let number = |name: &str| fields.get(name).and_then(Value::as_f64);
            if let (Some(lower), Some(upper)) = (number("lower"), number("upper")) {
                let half = (upper - lower) / 2.0;
                found.extend([half, half * 1000.0].map(f64::to_bits));
            }
            if let (Some(from), Some(to)) = (number("from_us"), number("to_us")) {
                found.insert(((to - from) / 1e6).to_bits());
            }
            if let Some(margin) = number("margin") {
                found.extend([-margin, -margin * 1000.0].map(f64::to_bits));
            }
            fields.values().for_each(|field| gather(field, found));
        }
        _ => {}
    }
}

fn raw(cell: &Cell) -> Vec<f64> {
    match &cell.shown {
        Shown::Number { raw, .. } => vec![*raw],
        Shown::Estimate { raw, .. } => raw.to_vec(),
        _ => Vec::new(),
    }
}

#[track_caller]
fn check(log: &Path) {
    let progress = Progress::unwatched();
    let loaded = load(&LoadRequest::of(log), &progress).unwrap();
    let settings = AnalysisSettings::default();
    let analysis = analyze(&loaded.log, &settings, &progress).unwrap();
    let rulebook = presets::all().unwrap();
    let arms = ReplaySettings {
        control: analysis.control,
        treatment: analysis.treatment.unwrap(),
    };
    let replay = replay_in_full(&loaded.log, &rulebook, &arms, &[], &progress).unwrap();
    let stages = analysis.stages.iter().map(|s| (s.from_us, s.share));
    let plan = LabPlan::of_log(&loaded.log, stages, &arms);
    let asked = LabSettings {
        engine: Engine::Relabel,
        injections: usual_injections(&loaded.log, arms.control, &plan, None),
        plan,
        replicates: 20,
        alpha: 0.05,
        seed: 1,
        max_canary_requests: None,
        calibrate: true,
        grid: None,
        focus: Some("quality-monitor".to_owned()),
        level: 0.95,
    };
    let found = lab(
        Some((&loaded.log, arms)),
        &presets::rulebook(&["quality-monitor"]).unwrap(),
        &asked,
        &progress,
        &mut |_| {},
    );
    let found = found.unwrap();
    let input = ReportInput {
        analysis: &analysis,
        replay: Some(&replay),
        rulebook: Some(&rulebook),
        lab: Some(&found),
        examples: None,
        load: &load_notes(&loaded),
        mapping: Some(&loaded.mapping),
        context: &Context::default(),
        title: "",
        version: "0",
        language: Language::English,
    };
    let mut known = BTreeSet::new();
    gather(&json::render(&input).unwrap(), &mut known);
    let is_known = |value: f64| known.contains(&(value + 0.0).to_bits());
    let report = document(&input);
    let (mut n, mut missing) = (0, Vec::new());
    for table in report.tables() {
        for (row, cells) in table.rows.iter().enumerate() {
            for (cell, column) in cells.iter().zip(&table.columns) {
                for value in raw(cell).into_iter().filter(|value| value.is_finite()) {
                    n += 1;
                    // Rows and stages are counted from 1 for people, from 0 in JSON.
                    let is_counter = value == (row + 1) as f64;
                    let is_row = column.title == "Data row" && is_known(value - 1.0);
                    if !is_known(value) && !is_counter && !is_row {
                        missing.push(format!("{}, {}: {value}", table.id, column.title));
                    }
                }
            }
        }
    }
    assert!(n > 500, "{n} figures");
    missing.truncate(30);
    assert!(missing.is_empty(), "{}: {missing:#?}", log.display());
}

#[test]
fn every_figure_of_the_sample_is_in_the_json() {
    check(&sample("canary-rollout-20k.csv"));
}

#[test]
fn every_figure_of_a_real_log_is_in_the_json() {
    if let Some(log) = find("data/aibrix/aibrix_v021_requests.csv") {
        check(&log);
    }
}
