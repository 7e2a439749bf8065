//! The rule lab: against probabilities that are known, and through the program.

use std::path::Path;

use hindsight::jobs::Progress;
use hindsight::lab::{
    Engine, Grid, Harm, Injection, LabPlan, LabSettings, Onset, RuleLab, SEQUENTIAL_TEST, Traffic,
    TrafficModel, digest, lab,
};
use hindsight::rules::{Rulebook, presets};
use hindsight::stats::dist::binomial_tails;

use crate::support::program::{Dir, stderr};

/// One look at the first hundred canary requests.
const ONE_LOOK: &str = "[[rule]]\nid = 'one'\nclock = { request = 'canary' }\nmin = { canary = 100 }\nany = [ { name = 'e', metric = 'error_share', window = { last = 100 }, cmp = '>', value = 0.05 } ]\n";

fn settings(replicates: u32) -> LabSettings {
    LabSettings {
        engine: Engine::Parametric(Traffic::Model(TrafficModel {
            requests: 4_000,
            error_share: 0.03,
            ..TrafficModel::default()
        })),
        plan: LabPlan::fixed(0.1),
        replicates,
        alpha: 0.05,
        seed: 5,
        max_canary_requests: Some(100),
        injections: vec![Injection {
            harm: Harm::Errors { share: 0.05 },
            onset: Onset::Start,
        }],
        calibrate: true,
        grid: None,
        focus: None,
        level: 0.999,
    }
}

fn run(rulebook: &str, settings: &LabSettings) -> RuleLab {
    let rulebook = Rulebook::parse(rulebook).unwrap();
    lab(
        None,
        &rulebook,
        settings,
        &Progress::unwatched(),
        &mut |_| {},
    )
    .unwrap()
}

#[test]
fn one_look_fires_with_the_binomial_probability() {
    let found = run(ONE_LOOK, &settings(4_000));
    let trial = &found.rules[0];
    // 6 or more of 100 are above 5 %.
    let exact = |p: f64| 1.0 - binomial_tails(5, 100, p).lower();
    let c = trial.false_rollback;
    let expected = exact(0.03);
    assert!(
        c.lower <= expected && expected <= c.upper,
        "{c:?} {expected}"
    );
    // Of the 97 % that would have succeeded, 5 % fail.
    let d = trial.detection[0].detected;
    let expected = exact(0.03 + 0.97 * 0.05);
    assert!(
        d.lower <= expected && expected <= d.upper,
        "{d:?} {expected}"
    );
    // 6 or more have a probability of 8 %, 7 or more of 3 %.
    let version = &trial.calibrated[0];
    assert_eq!(version.thresholds[0].is, 0.06);
    let kept = version.false_rollback;
    assert!(
        kept.lower <= 1.0 - binomial_tails(6, 100, 0.03).lower(),
        "{kept:?}"
    );
    let at = |t: f64| {
        let profile = &trial.conditions[0].profile;
        profile
            .iter()
            .find(|p| p.threshold >= t)
            .unwrap()
            .false_rollback
    };
    assert_eq!(at(0.05), c.share);
    assert!(at(0.02) > at(0.05) && at(0.05) > at(0.08));
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let one = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .unwrap();
    let four = rayon::ThreadPoolBuilder::new()
        .num_threads(4)
        .build()
        .unwrap();
    let settings = settings(60);
    assert_eq!(
        one.install(|| run(ONE_LOOK, &settings)),
        four.install(|| run(ONE_LOOK, &settings))
    );
}

#[test]
fn a_cancelled_lab_stops() {
    let progress = Progress::unwatched();
    progress.cancel();
    let rulebook = Rulebook::parse(ONE_LOOK).unwrap();
    let found = lab(None, &rulebook, &settings(100), &progress, &mut |_| {});
    assert!(found.unwrap_err().is_cancelled());
}

#[test]
fn a_copied_monitor_rolls_back_identical_variants() {
    let dir = Dir::new();
    let aa = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-data/aa.csv");
    let aa = aa.to_string_lossy();
    let arguments = [
        "lab",
        &aa,
        "--preset",
        "quality-monitor",
        "--replicates",
        "100",
    ];
    let found = dir.json(&[&arguments[..], &["--json", "--write", "calibrated.toml"]].concat());
    assert_eq!(found["schema"], 1);
    let rule = &found["rules"][0];
    assert_eq!(rule["false_rollback"]["share"], 1.0);
    assert!(rule["own"]["p"].as_f64().unwrap() > 0.05);
    for version in rule["calibrated"].as_array().unwrap() {
        let lower = version["false_rollback"]["lower"].as_f64().unwrap();
        assert!(lower <= 0.05, "{version}");
    }
    let calm = dir.ok(&[
        "lab",
        &aa,
        "--rules",
        "calibrated.toml",
        "--replicates",
        "60",
    ]);
    assert!(
        calm.contains("rollouts without a difference it never rolled back")
            || calm.contains("% of rollouts without a difference"),
        "{calm}"
    );
    let text = dir.ok(&arguments);
    assert_eq!(text, dir.ok(&arguments));
    for part in [
        "It rolls back 100 %",
        "Keep in mind",
        "windows of 500 requests",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let refused = dir.run(&["lab", &aa, "--plan", "gradual"]);
    assert!(
        stderr(&refused).contains("no plan called"),
        "{}",
        stderr(&refused)
    );
}

/// Traffic of the demonstration in docs/lab-figures.md: both arms fail in 2 % of requests.
fn demonstration(horizon: u32, replicates: u32) -> LabSettings {
    LabSettings {
        engine: Engine::Parametric(Traffic::Model(TrafficModel {
            requests: horizon * 25,
            latency_sd_log: 0.8,
            ..TrafficModel::default()
        })),
        plan: LabPlan::fixed(0.05),
        max_canary_requests: Some(horizon),
        injections: [0.04, 0.10]
            .map(|to| Injection {
                harm: Harm::Errors {
                    share: (to - 0.02) / 0.98,
                },
                onset: Onset::Start,
            })
            .to_vec(),
        grid: Some(Grid::default()),
        level: 0.999,
        ..settings(replicates)
    }
}

fn preset(id: &str, settings: &LabSettings) -> RuleLab {
    let rulebook = presets::rulebook(&[id]).unwrap();
    let progress = Progress::unwatched();
    lab(None, &rulebook, settings, &progress, &mut |_| {}).unwrap()
}

#[test]
fn quality_monitor_does_what_an_independent_simulation_says() {
    let found = preset("quality-monitor", &demonstration(1_000, 600));
    let trial = &found.rules[0];
    assert_eq!(trial.false_rollback.share, 1.0);
    let version = &trial.calibrated[0];
    let is: Vec<f64> = version.thresholds.iter().map(|t| t.is).collect();
    // Expected 0.121, 11, 2.28, 4.1; the first two are steps of a lattice.
    for (is, range) in is
        .iter()
        .zip([0.115..=0.14, 10.0..=13.7, 2.0..=2.6, 3.0..=5.2])
    {
        assert!(range.contains(is), "{:?}", version.thresholds);
    }
    let holds =
        |c: hindsight::lab::Chance, expected: f64| c.lower <= expected && expected <= c.upper;
    assert!(
        holds(version.false_rollback, 0.034),
        "{:?}",
        version.false_rollback
    );
    let found_in = |i: usize| version.detection[i].detected;
    assert!(holds(found_in(0), 0.15), "{:?}", found_in(0));
    assert!(found_in(1).share > 0.97, "{:?}", found_in(1));
    // The anytime-valid test keeps its promise at thousands of looks.
    let sequence = found.rules.last().unwrap();
    assert_eq!(sequence.id, SEQUENTIAL_TEST);
    assert!(sequence.false_rollback.lower <= 0.05, "{sequence:?}");
    assert!(sequence.detection[0].detected.share < 1.0);
    assert!(
        found
            .frontier
            .iter()
            .any(|p| found.rules[p.rule].id == SEQUENTIAL_TEST)
    );
    let said = digest(&found);
    assert_eq!(said.frontier.rows.len(), found.frontier.len());
    assert_eq!(said.rules.len(), found.rules.len());
}

#[test]
fn canary_monitor_exceeds_one_and_a_half_times_its_mean_in_two_of_three_rollouts() {
    let mut settings = demonstration(2_000, 300);
    settings.calibrate = false;
    settings.injections.clear();
    if let Engine::Parametric(Traffic::Model(model)) = &mut settings.engine {
        model.error_share = 0.005;
        model.latency_sd_log = 0.5;
    }
    let found = preset("canary-monitor", &settings);
    // A Poisson process exceeds 1.5 times its mean at some time with a probability of 1/1.5.
    let relative = found.rules[0].conditions[1].alone;
    assert!(
        relative.lower <= 2.0 / 3.0 && 2.0 / 3.0 <= relative.upper,
        "{relative:?}"
    );
    let c = found.rules[0].false_rollback;
    assert!(c.upper >= 0.64 && c.lower <= 0.81, "{c:?}");
}

#[test]
fn a_baseline_alone_makes_a_lab() {
    let dir = Dir::new();
    let aa = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-data/aa.csv");
    let text = std::fs::read_to_string(&aa).unwrap();
    let mut lines = text.lines();
    let header = lines.next().unwrap();
    let control = lines.filter(|line| line.contains(",control,"));
    let alone: Vec<&str> = std::iter::once(header).chain(control).collect();
    std::fs::write(dir.path("alone.csv"), alone.join("\n")).unwrap();
    let found = dir.json(&[
        "lab",
        "alone.csv",
        "--preset",
        "quality-monitor",
        "--plan",
        "0.1",
        "--replicates",
        "40",
        "--windows",
        "100",
        "--minimums",
        "20,100",
        "--json",
    ]);
    assert_eq!(found["rules"][0]["own"], serde_json::Value::Null);
    assert_eq!(found["settings"]["grid"]["minimums"][1], 100);
}
