//! What the documents and sources of other systems say that they do, with their numbers.

use hindsight::data::{Arm, Clock, Outcome, RequestLog};
use hindsight::jobs::Progress;
use hindsight::rules::import::{ImportSettings, import};
use hindsight::rules::{ReplaySettings, RuleReplay, Rulebook, replay};

use crate::support::real_logs;

/// Two requests of the canary in every minute, by a letter: `0` both succeed, `X` both fail, `-` none
/// come. The baseline sees a success at the beginning of each minute.
fn minutes(points: &str) -> RequestLog {
    let mut log = RequestLog {
        clock: Clock::Epoch,
        arms: ["stable", "canary"]
            .map(|name| Arm { name: name.into() })
            .into(),
        has_outcome: true,
        ..RequestLog::default()
    };
    let mut add = |second: i64, arm: u16, outcome| {
        log.row.push(log.row.len() as u32);
        log.arm.push(arm);
        log.start_us.push(second * 1_000_000);
        log.event_us.push(second * 1_000_000);
        log.outcome.push(outcome);
    };
    for (minute, point) in (0..).zip(points.chars()) {
        add(minute * 60, 0, Outcome::Ok);
        let outcome = match point {
            'X' => Outcome::Error,
            '0' => Outcome::Ok,
            _ => continue,
        };
        add(minute * 60 + 20, 1, outcome);
        add(minute * 60 + 40, 1, outcome);
    }
    add(points.len() as i64 * 60 + 1, 0, Outcome::Ok);
    log.assemble()
}

fn run(log: &RequestLog, rulebook: &Rulebook) -> RuleReplay {
    let settings = ReplaySettings {
        control: 0,
        treatment: 1,
    };
    let found = replay(log, rulebook, &settings, &Progress::unwatched()).unwrap();
    found.rules.into_iter().next().unwrap()
}

/// Seconds until the first rule of a file fires.
fn fires_after(file: &str, log: &RequestLog) -> Option<f64> {
    let imported = import(file, &ImportSettings::default()).unwrap();
    let rulebook = imported
        .rulebook
        .unwrap_or_else(|| panic!("{:#?}", imported.notes));
    let found = run(log, &rulebook);
    assert_eq!(found.skipped, None);
    found.first.map(|first| first.time_us as f64 / 1e6)
}

/// Argo Rollouts, `analysis/analysis.go`: a measurement at once and an interval after each; more
/// failures than the limit over the whole run; five errors in a row, each tried again after 10 s.
#[test]
fn argo_phases() {
    let template = |more: &str| {
        format!(
            "kind: AnalysisTemplate\nspec:\n  metrics:\n  - name: errors\n    interval: 1m\n    initialDelay: 1m\n{more}    provider:\n      prometheus:\n        query: sum(increase(llm_errors_total{{track=\"canary\"}}[1m])) or vector(0)\n"
        )
    };
    // At the end of every minute: the increase between the scrapes within it.
    let by = |limit: &str| template(&format!("    failureCondition: result[0] > 0\n{limit}"));
    for (file, points, expected) in [
        // No limit is a limit of 0: the first failure ends the run.
        (by(""), "000X0", Some(240.0)),
        // Failures add up, in a row or not.
        (by("    failureLimit: 1\n"), "0X0X0", Some(240.0)),
        (by("    failureLimit: 2\n"), "0XXXX", Some(240.0)),
        (by("    failureLimit: 3\n"), "0XXX0", None),
        // Three measurements, and the run is over.
        (by("    count: 3\n"), "000XX", None),
        (by("    count: 4\n"), "000XX", Some(240.0)),
    ] {
        assert_eq!(
            fires_after(&file, &minutes(points)),
            expected,
            "{file}{points}"
        );
    }
}

/// Without a series there is no result, which is an error and no failure.
#[test]
fn argo_errors_are_tried_again() {
    let template = |more: &str| {
        format!(
            "kind: AnalysisTemplate\nspec:\n  metrics:\n  - name: errors\n    interval: 1m\n{more}    successCondition: result[0] < 0.5\n    provider:\n      prometheus:\n        query: sum(rate(llm_errors_total{{track=\"canary\"}}[1m])) / sum(rate(llm_requests_total{{track=\"canary\"}}[1m]))\n"
        )
    };
    // Measured at 0, 10, 20, 30 and 40 s.
    assert_eq!(fires_after(&template(""), &minutes("-----")), Some(40.0));
    let limit = "    consecutiveErrorLimit: 1\n";
    assert_eq!(fires_after(&template(limit), &minutes("-----")), Some(10.0));
}

/// Flagger, `pkg/controller/scheduler.go`: failed checks are never forgotten, and the
/// rollback comes with the tick after the last.
#[test]
fn flagger_timeline() {
    let canary = |threshold: u32| {
        format!(
            "kind: Canary\nmetadata: {{ name: answers }}\nspec:\n  analysis:\n    interval: 1m\n    threshold: {threshold}\n    stepWeight: 10\n    maxWeight: 50\n    metrics:\n    - name: errors\n      thresholdRange: {{ max: 0 }}\n      interval: 1m\n      query: sum(increase(llm_errors_total{{app=\"{{{{ target }}}}\"}}[{{{{ interval }}}}])) or vector(0)\n"
        )
    };
    for (threshold, points, expected) in [
        (1, "0X000", Some(120.0)),
        (2, "0X0X0", Some(240.0)),
        (3, "0X0X0X", Some(360.0)),
        (4, "0X0X0X", None),
    ] {
        let file = canary(threshold);
        let rulebook = import(&file, &ImportSettings::default())
            .unwrap()
            .rulebook
            .unwrap();
        let found = run(&minutes(points), &rulebook);
        let first = found.first.as_ref();
        let seconds = |us: i64| us as f64 / 1e6;
        assert_eq!(
            first.map(|first| seconds(first.time_us)),
            expected,
            "{threshold} {points}"
        );
        let acts = first.map(|first| seconds(first.effective_us));
        assert_eq!(acts, expected.map(|at| at + 60.0), "{threshold} {points}");
    }
}

/// "p95 of the time to first token over a minute above 10 s, at least 20 requests, two minutes in a
/// row" on each of the six routers: by the time of the start, as a dashboard shows it, and by the time
/// at which the value is known.
#[test]
fn aibrix_triggers_by_start_and_by_known_time() {
    let Some(loaded) = real_logs::read("aibrix/aibrix_v021_requests.csv") else {
        return;
    };
    let log = loaded.log;
    for (router, by_start, by_known) in [
        ("aibrix_high_low", 9, 2),
        ("aibrix_naive_7", 20, 20),
        ("naive", 20, 20),
        ("ps_naive", 18, 16),
        ("ps_stack_high_low", 7, 5),
        ("ps_stack_low_high", 17, 18),
    ] {
        let treatment = log.arm_index(router).unwrap();
        // The routers ran one after another: each counts from its own beginning.
        let rows: Vec<u32> = log.rows_of_arm(treatment).map(|row| row as u32).collect();
        let alone = log.gathered(&rows);
        for (event_time, expected) in [("start", by_start), ("first_token", by_known)] {
            let rulebook = Rulebook::parse(&format!(
                r#"
[columns]
event_time = "{event_time}"
[[rule]]
id = "ttft"
clock = {{ every = "1m" }}
all = [ {{ metric = "quantile(ttft,0.95)", window = {{ tumbling = "60s" }}, cmp = ">", value = 10000, min_n = {{ canary = 20 }}, no_data = "false" }} ]
persist = {{ consecutive = 2 }}
"#
            ))
            .unwrap();
            let settings = ReplaySettings {
                control: (treatment + 1) % log.arms.len(),
                treatment,
            };
            let found = replay(&alone, &rulebook, &settings, &Progress::unwatched()).unwrap();
            let rule = &found.rules[0];
            assert_eq!(rule.skipped, None, "{router}");
            let minute = rule.first.as_ref().map(|first| first.time_us / 60_000_000);
            assert_eq!(minute, Some(expected), "{router} by {event_time}");
        }
    }
}
