//! Effects adjusted for what was known before exposure, against a computation by hand
//! (`tests/data/cuped/make.py`), and covariates that are refused.

use std::path::Path;

use hindsight::analysis::{Adjusted, Analysis, AnalysisSettings, CovariateSource, analyze};
use hindsight::data::{Quantity, RequestLog};
use hindsight::ingest::Mapping;
use hindsight::jobs::Progress;
use serde_json::Value;

use crate::support::real_logs::read_as;

fn log(has_column: bool) -> RequestLog {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/cuped");
    let mut mapping = Mapping::read(&folder.join("mapping.toml")).unwrap();
    if !has_column {
        mapping.columns.retain(|column| column.column != "pre");
    }
    let loaded = read_as(&folder.join("log.csv"), Some(mapping));
    loaded.log.as_ref().clone()
}

fn run(log: &RequestLog) -> Analysis {
    let settings = AnalysisSettings {
        control: Some("old".into()),
        ..AnalysisSettings::default()
    };
    analyze(log, &settings, &Progress::unwatched()).unwrap()
}

fn adjusted(analysis: &Analysis) -> Adjusted {
    let row = analysis.scorecard.iter().find(|r| r.id == "metric.score");
    row.unwrap().effects[0].adjusted.unwrap()
}

fn check(analysis: &Analysis, expected: &Value) {
    let found = adjusted(analysis);
    let interval = found.difference.interval;
    for (name, value) in [
        ("theta", found.theta),
        ("difference", found.difference.value),
        ("lower", interval.lower),
        ("upper", interval.upper),
        ("p", found.test.p),
        ("variance_reduction", found.variance_reduction),
    ] {
        let expected = expected[name].as_f64().unwrap();
        assert!(
            (value - expected).abs() < 1e-9,
            "{name}: {value} {expected}"
        );
    }
    let n_with: Vec<u64> = serde_json::from_value(expected["n_with"].clone()).unwrap();
    assert_eq!(found.n_with.to_vec(), n_with);
    let plain = &analysis.scorecard[0].effects[0];
    let unadjusted = expected["unadjusted"].as_f64().unwrap();
    assert!((plain.difference.unwrap().value - unadjusted).abs() < 0.05);
    let lines = &analysis.tests[0].tests;
    assert!(
        lines
            .iter()
            .any(|line| line.note.contains("(CUPED): variance")),
        "{lines:?}"
    );
}

#[test]
fn adjusted_effects_are_those_of_a_computation_by_hand() {
    let text = include_str!("../data/cuped/expected.json");
    let expected: Value = serde_json::from_str(text).unwrap();
    let by_column = run(&log(true));
    assert!(
        by_column.scorecard.iter().all(|row| row.id != "metric.pre"),
        "a covariate is no outcome"
    );
    check(&by_column, &expected["column"]);
    let by_time = run(&log(false));
    let finding = by_time.covariate.as_ref().unwrap();
    assert_eq!(finding.source, CovariateSource::TimeBefore);
    check(&by_time, &expected["time_before"]);
}

/// The covariate's values, changed.
fn with(change: impl Fn(usize, usize, f64) -> f64) -> Analysis {
    let mut log = log(true);
    let at = log.covariate.unwrap();
    let arms = log.arm.clone();
    let (_, numbers) = log
        .quantities
        .iter_mut()
        .find(|(quantity, _)| *quantity == Quantity::Extra(at))
        .unwrap();
    let values: Vec<f64> = numbers
        .to_vec()
        .into_iter()
        .enumerate()
        .map(|(row, value)| change(row, usize::from(arms[row]), value))
        .collect();
    *numbers = values.into();
    run(&log)
}

#[test]
fn covariates_that_the_treatment_may_have_touched_are_refused() {
    for (analysis, why) in [
        (with(|row, _, value| value + row as f64), "several values"),
        (with(|_, _, _| 1.0), "does not vary"),
    ] {
        let finding = analysis.covariate.as_ref().unwrap();
        let refused = finding.refused.as_deref().unwrap();
        assert!(refused.contains(why), "{refused}");
        assert!(analysis.scorecard[0].effects[0].adjusted.is_none());
        let shown = &analysis.tests[0].assumptions;
        assert!(shown.iter().any(|a| a.why.contains(why)), "{shown:?}");
    }
}

/// Without users each request has a value of its own, so only its balance can be checked.
#[test]
fn a_covariate_that_moved_with_the_treatment_is_refused() {
    let mut log = log(true);
    log.units = None;
    let at = log.covariate.unwrap();
    let arms = log.arm.clone();
    for (quantity, numbers) in &mut log.quantities {
        if *quantity == Quantity::Extra(at) {
            let values: Vec<f64> = numbers.to_vec();
            let moved = values.iter().zip(&arms);
            *numbers = moved
                .map(|(value, arm)| value + 10.0 * f64::from(*arm))
                .collect::<Vec<f64>>()
                .into();
        }
    }
    let analysis = run(&log);
    let refused = analysis.covariate.unwrap().refused.unwrap();
    assert!(refused.contains("more than chance explains"), "{refused}");
}
