//! Prometheus itself as the judge: the same rule file goes to `promtool test rules` and, imported, to
//! the replay. Both must give the same state at every evaluation.
//!
//! Thirty cases are committed with what promtool 2.42 said, in `tests/data/promtool`; two hundred
//! random ones are run where promtool is installed.

mod cases;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use hindsight::data::{Arm, Clock, Outcome, Quantity, RequestLog};
use hindsight::jobs::Progress;
use hindsight::rules::import::{ImportSettings, import};
use hindsight::rules::{Clock as RuleClock, RateEngine, ReplaySettings, State, TimeSpan, replay};

use crate::support::program::Dir;
use cases::{golden_cases, random_case};

const N_RANDOM: u64 = 200;
const N_GOLDEN: usize = 30;
const BUCKETS_MS: [f64; 5] = [100.0, 250.0, 500.0, 1000.0, 2500.0];

/// A request: when it completes, in ms; its arm, 1 for the canary; whether it failed; its latency.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Request {
    at_ms: i64,
    arm: usize,
    is_error: bool,
    latency_ms: f64,
}

/// A log, a rule file with one alert, and how Prometheus looks at them.
struct Case {
    name: String,
    requests: Vec<Request>,
    scrape_s: i64,
    interval_s: i64,
    rules: String,
}

impl Case {
    fn n_evaluations(&self) -> i64 {
        let last_ms = self.requests.last().map_or(0, |request| request.at_ms);
        last_ms / (self.interval_s * 1000) + 1
    }

    /// The state at every evaluation: `.` inactive, `p` pending, `F` firing.
    fn replayed(&self) -> String {
        let settings = ImportSettings {
            engine: RateEngine::Prom2,
            scrape: TimeSpan::seconds(self.scrape_s),
            buckets_ms: BUCKETS_MS.to_vec(),
            ..ImportSettings::default()
        };
        let imported = import(&self.rules, &settings).unwrap();
        let rulebook = imported
            .rulebook
            .unwrap_or_else(|| panic!("{}: {:#?}\n{}", self.name, imported.notes, self.rules));
        assert!(matches!(rulebook.rules[0].clock, RuleClock::Every { .. }));
        let settings = ReplaySettings {
            control: 0,
            treatment: 1,
        };
        let found = replay(&self.log(), &rulebook, &settings, &Progress::unwatched()).unwrap();
        let rule = &found.rules[0];
        assert_eq!(rule.skipped, None, "{}", self.name);
        let mut changes = rule.transitions.iter().peekable();
        let mut state = State::Inactive;
        (0..self.n_evaluations())
            .map(|k| {
                let at_us = k * self.interval_s * 1_000_000;
                while let Some(change) = changes.next_if(|change| change.time_us <= at_us) {
                    state = change.state;
                }
                match state {
                    State::Inactive => '.',
                    State::Pending => 'p',
                    State::Firing => 'F',
                }
            })
            .collect()
    }

    fn log(&self) -> RequestLog {
        let of = |value: &dyn Fn(&Request) -> i64| self.requests.iter().map(value).collect();
        RequestLog {
            name: self.name.clone(),
            clock: Clock::Epoch,
            arms: ["stable", "canary"]
                .map(|name| Arm { name: name.into() })
                .into(),
            arm: self.requests.iter().map(|r| r.arm as u16).collect(),
            row: (0..self.requests.len() as u32).collect(),
            // Time zero is the first start, and Prometheus' clock begins there.
            start_us: of(&|r| {
                if *r == self.requests[0] {
                    0
                } else {
                    r.at_ms * 1000
                }
            }),
            event_us: of(&|r| r.at_ms * 1000),
            outcome: self
                .requests
                .iter()
                .map(|r| {
                    if r.is_error {
                        Outcome::Error
                    } else {
                        Outcome::Ok
                    }
                })
                .collect(),
            has_outcome: true,
            quantities: vec![(
                Quantity::LatencyMs,
                self.requests
                    .iter()
                    .map(|r| r.latency_ms)
                    .collect::<Vec<f64>>()
                    .into(),
            )],
            ..RequestLog::default()
        }
        .assemble()
    }

    /// The unit test for promtool: every evaluation asks for the alerts and expects none, so that
    /// promtool prints them.
    fn unit_test(&self, rules: &str) -> String {
        let mut text = format!(
            "rule_files: [{rules}]\nevaluation_interval: {}s\ntests:\n- interval: {}s\n  input_series:\n",
            self.interval_s, self.scrape_s
        );
        for (arm, label) in ["stable", "canary"].into_iter().enumerate() {
            let of_arm: Vec<&Request> = self.requests.iter().filter(|r| r.arm == arm).collect();
            let mut add =
                |series: &str, exists_with_all: bool, is_counted: &dyn Fn(&Request) -> bool| {
                    let values = self.scraped(&of_arm, exists_with_all, is_counted);
                    writeln!(text, "  - series: '{series}'\n    values: '{values}'").unwrap();
                };
            let all = format!("{{variant=\"{label}\"}}");
            add(&format!("llm_requests_total{all}"), false, &|_| true);
            add(&format!("llm_success_total{all}"), false, &|r| !r.is_error);
            add(&format!("llm_errors_total{all}"), false, &|r| r.is_error);
            for le in BUCKETS_MS.into_iter().chain([f64::INFINITY]) {
                let bound = if le.is_finite() {
                    (le / 1000.0).to_string()
                } else {
                    "+Inf".to_owned()
                };
                let series =
                    format!("llm_latency_seconds_bucket{{variant=\"{label}\",le=\"{bound}\"}}");
                add(&series, true, &|r| r.latency_ms <= le);
            }
        }
        text += "  promql_expr_test:\n";
        for k in 0..self.n_evaluations() {
            let at = k * self.interval_s;
            writeln!(
                text,
                "  - {{expr: ALERTS, eval_time: {at}s, exp_samples: []}}"
            )
            .unwrap();
        }
        text
    }

    /// A counter at every scrape; it does not exist before its first increment, and the buckets of a
    /// histogram all appear with its first value.
    fn scraped(
        &self,
        requests: &[&Request],
        exists_with_all: bool,
        is_counted: &dyn Fn(&Request) -> bool,
    ) -> String {
        let last_ms = self.requests.last().map_or(0, |request| request.at_ms);
        let scrapes = (0..=last_ms / (self.scrape_s * 1000)).map(|k| k * self.scrape_s * 1000);
        let values = scrapes.map(|at_ms| {
            let seen = requests.iter().take_while(|r| r.at_ms <= at_ms);
            let n = seen.clone().filter(|r| is_counted(r)).count();
            let exists = n > 0 || exists_with_all && seen.count() > 0;
            if exists {
                n.to_string()
            } else {
                "_".to_owned()
            }
        });
        values.collect::<Vec<String>>().join(" ")
    }
}

/// What promtool says of each case; `None` where it is not installed.
fn promtool(cases: &[Case]) -> Option<Vec<String>> {
    let dir = Dir::new();
    let mut tests = Vec::new();
    for (i, case) in cases.iter().enumerate() {
        let rules = dir.write(
            &format!("rules{i}.yml"),
            &case.rules.replace("ALERT", &format!("Case{i}")),
        );
        tests.push(dir.write(&format!("test{i}.yml"), &case.unit_test(&rules)));
    }
    let output = Command::new("promtool")
        .args(["test", "rules"])
        .args(&tests)
        .current_dir(dir.path(""))
        .output()
        .ok()?;
    let said = String::from_utf8(output.stderr).unwrap();
    let mut states: Vec<Vec<char>> = cases
        .iter()
        .map(|case| vec!['.'; case.n_evaluations() as usize])
        .collect();
    let mut at_s = 0;
    for line in said.lines() {
        if let Some((_, time)) = line.split_once("expr: \"ALERTS\", time: ") {
            let span: TimeSpan = time.trim_end_matches(',').parse().unwrap();
            at_s = span.us / 1_000_000;
        } else if let Some((_, alert)) = line.split_once("alertname=\"Case") {
            let (number, rest) = alert.split_once('"').unwrap();
            let case: usize = number.parse().unwrap();
            let letter = if rest.contains("alertstate=\"firing\"") {
                'F'
            } else {
                'p'
            };
            states[case][(at_s / cases[case].interval_s) as usize] = letter;
        } else {
            let is_known = ["FAILED:", "exp: nil", ""].contains(&line.trim());
            assert!(is_known, "promtool: {line}\n{said}");
        }
    }
    Some(
        states
            .into_iter()
            .map(|s| s.into_iter().collect())
            .collect(),
    )
}

#[test]
fn random_rules_on_random_logs_are_as_promtool_says() {
    let cases: Vec<Case> = (0..N_RANDOM)
        .map(|seed| random_case(seed, 40, 700.0))
        .collect();
    let Some(expected) = promtool(&cases) else {
        println!("skipped: promtool is not installed (Debian package prometheus)");
        return;
    };
    let (mut n_firing, mut n_quiet) = (0, 0);
    for (case, expected) in cases.iter().zip(expected) {
        assert_eq!(case.replayed(), expected, "{}\n{}", case.name, case.rules);
        n_firing += usize::from(expected.contains('F'));
        n_quiet += usize::from(expected.contains('.'));
    }
    // Otherwise the comparison would mean little.
    assert!(
        n_firing > 80 && n_quiet > 150,
        "{n_firing} fire, {n_quiet} are quiet at times"
    );
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/promtool")
}

#[test]
fn golden_cases_are_as_promtool_said() {
    let states = fs::read_to_string(folder().join("states.txt")).unwrap();
    let mut n = 0;
    for line in states.lines() {
        let [name, scrape_s, interval_s, expected] = line.split(' ').collect::<Vec<&str>>()[..]
        else {
            panic!("{line}")
        };
        let case = Case {
            name: name.to_owned(),
            requests: read_requests(name),
            scrape_s: scrape_s.parse().unwrap(),
            interval_s: interval_s.parse().unwrap(),
            rules: fs::read_to_string(folder().join(name).with_extension("yml")).unwrap(),
        };
        assert_eq!(case.replayed(), expected, "{name}");
        n += 1;
    }
    assert_eq!(n, N_GOLDEN);
}

fn read_requests(name: &str) -> Vec<Request> {
    let mut reader = csv::Reader::from_path(folder().join(name).with_extension("csv")).unwrap();
    let read = |record: csv::StringRecord| Request {
        at_ms: record[0].parse().unwrap(),
        arm: usize::from(&record[1] == "canary"),
        is_error: &record[2] == "1",
        latency_ms: record[3].parse().unwrap(),
    };
    reader
        .records()
        .map(|record| read(record.unwrap()))
        .collect()
}

/// Makes `tests/data/promtool` anew with the promtool that is installed.
#[test]
#[ignore = "writes the golden files"]
fn write_golden_cases() {
    let cases = golden_cases();
    let expected = promtool(&cases).unwrap();
    let mut states = String::new();
    for (case, expected) in cases.iter().zip(expected) {
        let mut rows = String::from("at_ms,variant,error,latency_ms\n");
        for r in &case.requests {
            let variant = ["stable", "canary"][r.arm];
            writeln!(
                rows,
                "{},{variant},{},{}",
                r.at_ms,
                u8::from(r.is_error),
                r.latency_ms
            )
            .unwrap();
        }
        let path = folder().join(&case.name);
        fs::write(path.with_extension("csv"), rows).unwrap();
        fs::write(path.with_extension("yml"), &case.rules).unwrap();
        let Case {
            name,
            scrape_s,
            interval_s,
            ..
        } = case;
        writeln!(states, "{name} {scrape_s} {interval_s} {expected}").unwrap();
    }
    fs::write(folder().join("states.txt"), states).unwrap();
}
