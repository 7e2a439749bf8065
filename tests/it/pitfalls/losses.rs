//! Failures that a log tells in an unusual way, or not at all: five in a hundred of the canary, one of
//! the control. Nobody may be told to ship it.

use hindsight::analysis::{Analysis, DecisionKind, Severity, Strategy};
use hindsight::ingest::{Effect, Loaded, Role};

use super::{answered, arm, health, question, read, read_as, table};
use crate::support::real_logs::compare;

const ROWS: usize = 4000;

fn fails(i: usize) -> bool {
    i / 2 % 100 < [1, 5][i % 2]
}

/// As often in both arms.
fn fails_alike(i: usize) -> bool {
    i / 2 % 100 < 3
}

fn stamp(i: usize) -> String {
    format!(
        "2026-03-02T{:02}:{:02}:{:02}Z",
        i / 3600,
        i / 60 % 60,
        i % 60
    )
}

fn latency_ms(i: usize) -> f64 {
    500.5 + (i * 7919 % 997) as f64
}

fn decide(loaded: &Loaded) -> Analysis {
    compare(&loaded.log, "stable", "canary")
}

/// A log whose rows say in `cell` whether they failed.
fn log(column: &str, fails: impl Fn(usize) -> bool, cell: [&str; 2]) -> Loaded {
    let text = table(
        &format!("timestamp;variant;latency_ms;{column}"),
        ROWS,
        |i| {
            let cell = cell[usize::from(fails(i))];
            format!("{};{};{};{cell}", stamp(i), arm(i), latency_ms(i))
        },
    );
    read("log.csv", text)
}

#[track_caller]
fn check_held(loaded: &Loaded, id: &str) -> Analysis {
    let analysis = decide(loaded);
    let check = health(&analysis, id);
    assert_eq!(check.severity, Severity::Warning, "{}", check.finding);
    assert!(check.forbids_shipping, "{}", check.finding);
    let decision = &analysis.decision;
    assert_eq!(decision.kind, DecisionKind::Hold, "{}", decision.headline);
    let mut reasons = decision.reasons.iter();
    assert!(reasons.any(|reason| reason.text == check.finding));
    analysis
}

#[test]
fn outcomes_that_are_missing_unknown_or_given_up_in_one_arm() {
    for [ok, lost] in [
        ["200", ""],
        ["200", "None"],
        ["200", "-1"],
        ["ok", "E_OVERLOAD"],
        ["200", "499"],
        ["ok", "aborted"],
    ] {
        let analysis = check_held(&log("status", fails, [ok, lost]), "lost-requests");
        let said = &health(&analysis, "lost-requests").finding;
        assert!(said.contains("stable 1.00 %, canary 5.00 %"), "{said}");
        assert!(said.contains("beyond its margin of 1.00 pp"), "{said}");
        let others = &health(&analysis, "missing-values").finding;
        let is_status = !["499", "aborted"].contains(&lost);
        assert_eq!(
            others.contains("other column than the status"),
            is_status,
            "{others}"
        );
        // What both arms lose alike hides nothing, though words that nobody knows are asked.
        let alike = decide(&log("status", fails_alike, [ok, lost]));
        assert_eq!(health(&alike, "lost-requests").severity, Severity::Ok);
        let is_asked = ["-1", "E_OVERLOAD"].contains(&lost);
        let is_shipped = alike.decision.kind == DecisionKind::Ship;
        assert_ne!(is_shipped, is_asked, "{lost}: {}", alike.decision.headline);
    }
}

#[test]
fn rows_without_a_time_in_one_arm() {
    for column in ["timestamp", "finish_time"] {
        let text = |fails: fn(usize) -> bool| {
            table(&format!("{column},variant,latency_ms,status"), ROWS, |i| {
                let time = if fails(i) { String::new() } else { stamp(i) };
                format!("{time},{},{},200", arm(i), latency_ms(i))
            })
        };
        let loaded = read("times.csv", text(fails));
        let issue = loaded.issues.iter().find(|i| i.effect == Effect::Rejected);
        let issue = issue.unwrap_or_else(|| panic!("{:?}", loaded.issues));
        assert_eq!((issue.count, issue.lines[0]), (120, 2), "{}", issue.message);
        check_held(&loaded, "lost-requests");
        let alike = decide(&read("times.csv", text(fails_alike)));
        assert_eq!(alike.decision.kind, DecisionKind::Ship, "{column}");
    }
}

/// With a start and an end, a row needs one of them; what the other lacks is listed.
#[test]
fn an_end_that_is_missing_is_listed() {
    let text = table("start_time,end_time,variant,latency_ms", ROWS, |i| {
        let cells = match i {
            7 => [String::new(), stamp(i)],
            8 => [stamp(i), String::new()],
            9 => [String::new(), String::new()],
            _ => [stamp(i), stamp(i + 1)],
        };
        format!("{},{},{},{}", cells[0], cells[1], arm(i), latency_ms(i))
    });
    let loaded = read("ends.csv", text);
    assert_eq!(loaded.log.n_rows(), ROWS - 1);
    let issues = |effect| {
        let of_effect = loaded.issues.iter().filter(move |i| i.effect == effect);
        of_effect
            .map(|i| (i.count, i.lines.clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(issues(Effect::Rejected), [(1, vec![11])]);
    assert_eq!(
        issues(Effect::Missing),
        [(2, vec![10, 11]), (2, vec![9, 11])]
    );
}

#[test]
fn failed_rows_that_name_no_arm() {
    let log = |is_failed: bool| {
        let text = table("timestamp,variant,latency_ms,status", ROWS, |i| {
            let (arm, status) = match fails(i) {
                true if is_failed => ("", 500),
                true => ("", 200),
                false => (arm(i), 200),
            };
            format!("{},{arm},{},{status}", stamp(i), latency_ms(i))
        });
        read("arms.csv", text)
    };
    let analysis = check_held(&log(true), "rows-without-arm");
    let said = &health(&analysis, "rows-without-arm").finding;
    let expected =
        "120 rows (3.00 %) name no arm and were left out. Of them 100 % failed, of the others 0 %";
    assert_eq!(said, expected);
    // Most rows without an arm are of no rollout at all.
    let analysis = decide(&log(false));
    assert_eq!(
        health(&analysis, "rows-without-arm").severity,
        Severity::Note
    );
    assert_eq!(analysis.decision.kind, DecisionKind::Ship);
}

#[test]
fn failures_in_unusual_words() {
    for (column, ok, failed) in [
        ("status", "200 OK", "500 Internal Server Error"),
        ("status", "HTTP/1.1 200", "HTTP/1.1 500"),
        ("result", "pass", "fail"),
        ("failed", "F", "T"),
        ("errors", "[]", "[\"boom\"]"),
        ("error_type", "no_error", "timeout"),
        ("finish_reason", "stop", "error"),
    ] {
        let loaded = log(column, fails, [ok, failed]);
        let status = loaded
            .mapping
            .column(Role::Status)
            .map(|c| c.column.as_str());
        assert_eq!(status, Some(column));
        let analysis = decide(&loaded);
        let errors = &analysis.scorecard[0];
        let shares = errors.values.iter().map(|v| v.estimate.unwrap().value);
        assert_eq!(
            shares.collect::<Vec<_>>(),
            [0.01, 0.05],
            "{column} {failed}"
        );
        assert_eq!(analysis.decision.kind, DecisionKind::RollBack, "{column}");
        assert!(loaded.log.segments.is_empty(), "{column}");
    }
    // Answers end for many reasons, none of which is a failure.
    let loaded = log("finish_reason", fails, ["stop", "length"]);
    assert!(loaded.mapping.column(Role::Status).is_none());
}

/// A status of 200 throughout says nothing beside errors that came after it.
#[test]
fn a_status_that_never_fails_beside_errors() {
    for (status, error) in [("200", "Timeout"), ("success", "Timeout"), ("200", "true")] {
        let columns = "status;error";
        let failed = format!("{status};{error}");
        let loaded = log(columns, fails, [&format!("{status};"), &failed]);
        assert_eq!(loaded.mapping.column(Role::Status).unwrap().column, "error");
        assert!(
            loaded.mapping.questions.is_empty(),
            "{:?}",
            loaded.mapping.questions
        );
        assert_eq!(decide(&loaded).decision.kind, DecisionKind::RollBack);
    }
}

/// Where both fail, and not the same requests, somebody has to say which counts.
#[test]
fn a_status_and_errors_that_disagree() {
    let text = table("timestamp,variant,latency_ms,status,error", ROWS, |i| {
        let status = if i / 2 % 100 == 50 { 500 } else { 200 };
        let error = if fails(i) { "stream broke off" } else { "" };
        format!("{},{},{},{status},{error}", stamp(i), arm(i), latency_ms(i))
    });
    let loaded = read("both.csv", &text);
    let asked = question(&loaded, "role \"Status or error\"");
    assert_eq!(asked.evidence, "they do not agree on which requests failed");
    let analysis = check_held(&loaded, "unconfirmed-columns");
    let said = &health(&analysis, "unconfirmed-columns").finding;
    assert!(
        said.ends_with("Assumed: `status`.") && !said.contains("broke off"),
        "{said}"
    );
    assert!(loaded.log.segments.is_empty());
    let mapping = answered(&loaded, asked, "`error`: stream broke off");
    let answered = decide(&read_as("both.csv", &text, Some(mapping)));
    assert_eq!(answered.decision.kind, DecisionKind::RollBack);
}

#[test]
fn a_status_that_nobody_can_read() {
    let loaded = log("status", fails, ["A", "B"]);
    assert!(loaded.log.segments.is_empty());
    let analysis = check_held(&loaded, "unconfirmed-columns");
    assert!(
        health(&analysis, "outcomes")
            .finding
            .starts_with("No status or error column")
    );
}

#[test]
fn nanoseconds() {
    for column in [
        "latency_ns",
        "duration_ns",
        "elapsed_nanoseconds",
        "latency",
    ] {
        for noughts in ["", ".5"] {
            let text = table(&format!("timestamp,variant,{column},status"), ROWS, |i| {
                let ns = latency_ms(i) as u64 * 1_000_000 * (1 + i as u64 % 2);
                format!("{},{},{ns}{noughts},200", stamp(i), arm(i))
            });
            let analysis = decide(&read("ns.csv", text));
            assert_eq!(analysis.decision.kind, DecisionKind::RollBack, "{column}");
            let mean = analysis.latency[0].arms[0].mean_ms;
            assert!((900.0..1100.0).contains(&mean), "{column} {mean}");
        }
    }
}

/// Both arms answer, some requests in one arm alone, and some are tried again.
#[test]
fn ids_of_a_shadow_test() {
    for column in ["request_id", "trace_id"] {
        let text = table(
            &format!("id,timestamp,{column},variant,latency_ms"),
            ROWS,
            |i| {
                let pair = i / 2;
                let id = match pair {
                    _ if pair % 20 == 0 => format!("alone{i}"),
                    _ if pair % 17 == 2 => format!("q{}", pair - 1),
                    _ => format!("q{pair}"),
                };
                format!("row{i},{},{id},{},{}", stamp(pair), arm(i), latency_ms(i))
            },
        );
        let loaded = read("pairs.csv", text);
        assert_eq!(
            loaded.mapping.column(Role::RequestId).unwrap().column,
            column
        );
        assert_eq!(decide(&loaded).strategy.strategy, Strategy::Shadow);
    }
}

/// A benchmark that sends the same requests to one arm after the other.
#[test]
fn ids_of_runs_one_after_another_are_no_shadow_test() {
    let text = table("timestamp,request_id,variant,latency_ms", ROWS, |i| {
        let (arm, id) = (arm(i / (ROWS / 2)), i % (ROWS / 2));
        format!("{},q{id},{arm},{}", stamp(i), latency_ms(i))
    });
    let loaded = read("runs.csv", text);
    assert!(loaded.mapping.column(Role::RequestId).is_some());
    let strategy = decide(&loaded).strategy.strategy;
    assert!(
        !strategy.is_concurrent() && strategy != Strategy::Shadow,
        "{strategy:?}"
    );
}

/// The same names hold ids of sessions elsewhere.
#[test]
fn ids_of_sessions_are_none_of_requests() {
    for n in [3, 10] {
        let text = table("timestamp,trace_id,variant,latency_ms", ROWS, |i| {
            // Without pattern.
            let mixed = (i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let mixed = (mixed ^ (mixed >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let arm = arm((mixed >> 40) as usize);
            format!("{},s{},{arm},{}", stamp(i), i / n, latency_ms(i))
        });
        let loaded = read("sessions.csv", text);
        assert!(loaded.mapping.column(Role::RequestId).is_none(), "{n}");
        assert_ne!(decide(&loaded).strategy.strategy, Strategy::Shadow);
    }
}

/// Slow answers whose latency got lost, and answers of a cache that took no time: what is left of the
/// canary is no ground to ship it, nor to roll it back.
#[test]
fn latencies_that_one_arm_lacks() {
    let decided = |latency: &dyn Fn(usize) -> String| {
        let text = table("timestamp,variant,latency_ms,status", ROWS, |i| {
            format!("{},{},{},200", stamp(i), arm(i), latency(i))
        });
        decide(&read("latencies.csv", text))
    };
    let is_slow = |i: usize| i % 2 == 1 && latency_ms(i) > 1350.0;
    let lacking = |i: usize| {
        if is_slow(i) {
            String::new()
        } else {
            latency_ms(i).to_string()
        }
    };
    let is_cached = |i: usize| i % 2 == 1 && i / 2 % 10 < 6;
    let cached = |i: usize| match i % 2 {
        _ if is_cached(i) => "0".to_owned(),
        1 => (latency_ms(i) * 1.3).to_string(),
        _ => latency_ms(i).to_string(),
    };
    for (id, analysis) in [
        ("missing-values", decided(&lacking)),
        ("zero-latency", decided(&cached)),
    ] {
        let check = health(&analysis, id);
        assert_eq!(check.severity, Severity::Warning, "{}", check.finding);
        assert!(check.undermines.contains(&"latency_p95".to_owned()));
        let decision = &analysis.decision;
        assert_eq!(decision.kind, DecisionKind::Hold, "{}", decision.headline);
        let said = "Hold canary: p95 latency cannot be judged, because more of the";
        assert!(decision.headline.starts_with(said), "{}", decision.headline);
        let reason = &decision.reasons[0].text;
        assert!(
            reason.starts_with("p95 latency is not judged: "),
            "{reason}"
        );
    }
    // Of both arms alike: a remark.
    let alike = decided(&|i| match i / 2 % 10 {
        0..6 => "0".to_owned(),
        _ => latency_ms(i).to_string(),
    });
    assert_eq!(health(&alike, "zero-latency").severity, Severity::Note);
    assert_eq!(alike.decision.kind, DecisionKind::Ship);
}
