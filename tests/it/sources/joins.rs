//! Tables beside a log: ratings, assignments and events, and columns made of others.

use std::fs;
use std::path::{Path, PathBuf};

use hindsight::data::{Outcome, Quantity};
use hindsight::error::{ErrorKind, Result};
use hindsight::ingest::{
    Additions, Derived, LoadRequest, Loaded, Mapping, Repeats, Role, Side, SideKind, load,
};
use hindsight::jobs::Progress;

use crate::support::real_logs::find;

fn opened(log: &Path, added: Additions) -> Result<Loaded> {
    let request = LoadRequest {
        added,
        ..LoadRequest::of(log)
    };
    load(&request, &Progress::unwatched())
}

fn with_side(log: &Path, side: Side) -> Result<Loaded> {
    let added = Additions {
        side: vec![side],
        ..Additions::default()
    };
    opened(log, added)
}

fn side(kind: SideKind, file: PathBuf) -> Side {
    Side {
        kind,
        file,
        ..Side::default()
    }
}

/// Ten requests of two users, a minute apart, each answered within a second.
const LOG: &str = "ts,id,user_id,variant,latency_ms,status,error\n\
2026-03-02T06:00:00Z,r0,u0,a,100,200,\n\
2026-03-02T06:01:00Z,r1,u1,b,200,200,\n\
2026-03-02T06:02:00Z,r2,u0,a,300,500,overloaded\n\
2026-03-02T06:03:00Z,r3,u1,b,400,200,\n\
2026-03-02T06:04:00Z,r4,u0,a,500,200,\n\
2026-03-02T06:05:00Z,r5,u1,b,600,503,\n";

fn written(files: &[(&str, &str)]) -> (tempfile::TempDir, Vec<PathBuf>) {
    let folder = tempfile::tempdir().unwrap();
    let paths = files.iter().map(|(name, text)| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    });
    let paths = paths.collect();
    (folder, paths)
}

fn ratings(loaded: &Loaded) -> Vec<f64> {
    loaded.log.quantity(Quantity::Rating).unwrap().to_vec()
}

/// The feedback of a real gateway: its `target_id` is the inference's id.
#[test]
fn tensorzero_feedback_joins_by_target_id() {
    let (Some(log), Some(feedback)) = (
        find("data/tensorzero/ChatInference.jsonl"),
        find("data/tensorzero/BooleanMetricFeedback.jsonl"),
    ) else {
        return;
    };
    let loaded = with_side(&log, side(SideKind::Ratings, feedback.clone())).unwrap();
    let join = &loaded.joins[0];
    assert_eq!(join.side.key.as_deref(), Some("target_id"));
    assert_eq!(join.side.on.as_deref(), Some("id"));
    assert_eq!(
        (join.rows, join.rows_matched, join.rows_unmatched),
        (500, 500, 0)
    );
    assert_eq!((join.requests, join.requests_matched), (1000, 500));
    assert_eq!((join.most_per_key, join.requests_sharing_a_key), (1, 0));
    assert_eq!(loaded.log.n_rows(), 1000);
    let rated: Vec<f64> = ratings(&loaded)
        .into_iter()
        .filter(|r| !r.is_nan())
        .collect();
    assert_eq!((rated.len(), rated.iter().sum::<f64>()), (500, 84.0));
    // The scores were given after the requests: they have times of their own.
    let times = loaded.log.rated_at_us.as_ref().unwrap();
    assert!(
        times
            .iter()
            .zip(&loaded.log.event_us)
            .any(|(rated, event)| rated > event)
    );
    let late = loaded
        .issues
        .iter()
        .find(|i| i.message.contains("given after"));
    assert!(
        late.unwrap()
            .message
            .contains("500 (BooleanMetricFeedback.jsonl)")
    );
    // By the wrong key nothing matches, and nothing is doubled.
    let wrong = Side {
        on: Some("episode_id".to_owned()),
        key: Some("target_id".to_owned()),
        ..side(SideKind::Ratings, feedback)
    };
    let error = with_side(&log, wrong).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Settings);
    assert!(error.message.contains("Nothing matches"), "{error}");
}

const SCORES: &str = "trace_id,name,value,timestamp\n\
r0,helpful,1,2026-03-02T06:10:00Z\n\
r0,helpful,5,2026-03-02T06:30:00Z\n\
r0,helpful,3,2026-03-02T06:20:00Z\n\
r1,toxic,1,2026-03-02T06:10:00Z\n\
r9,helpful,4,2026-03-02T06:10:00Z\n";

#[test]
fn repeated_scores_count_once() {
    let (_folder, paths) = written(&[("log.csv", LOG), ("scores.csv", SCORES)]);
    let several = with_side(&paths[0], side(SideKind::Ratings, paths[1].clone())).unwrap_err();
    assert!(several.message.contains("helpful, toxic"), "{several}");
    for (repeats, expected) in [
        (Repeats::Last, 5.0),
        (Repeats::First, 1.0),
        (Repeats::Mean, 3.0),
    ] {
        let side = Side {
            name: Some("helpful".to_owned()),
            repeats: Some(repeats),
            ..side(SideKind::Ratings, paths[1].clone())
        };
        let loaded = with_side(&paths[0], side).unwrap();
        let found = ratings(&loaded);
        assert_eq!(found[0], expected, "{repeats:?}");
        assert!(found[1..].iter().all(|r| r.is_nan()));
        let join = &loaded.joins[0];
        assert_eq!((join.rows, join.rows_of_other_names), (5, 1));
        assert_eq!((join.rows_matched, join.rows_unmatched), (3, 1));
        assert_eq!(join.unmatched_keys, ["r9"]);
        assert_eq!((join.most_per_key, loaded.log.n_rows()), (3, 6));
    }
}

/// A user's score belongs to the request that came last before it, not to all of them.
#[test]
fn a_score_of_a_user_counts_for_one_request() {
    let scores = "user_id,score,timestamp\nu0,4,2026-03-02T06:03:30Z\nu1,2,2026-03-02T06:30:00Z\n";
    let (_folder, paths) = written(&[("log.csv", LOG), ("scores.csv", scores)]);
    let loaded = with_side(&paths[0], side(SideKind::Ratings, paths[1].clone())).unwrap();
    let found = ratings(&loaded);
    let rated: Vec<(usize, f64)> = found
        .iter()
        .copied()
        .enumerate()
        .filter(|(_, r)| !r.is_nan())
        .collect();
    assert_eq!(rated, [(2, 4.0), (5, 2.0)]);
    assert_eq!(loaded.joins[0].requests_sharing_a_key, 6);
}

#[test]
fn the_assignment_in_force_is_the_arm() {
    let assignments = "user_id,experiment_id,variation_id,timestamp\n\
u0,e,old,2026-03-02T05:00:00Z\n\
u0,e,new,2026-03-02T06:03:00Z\n\
u1,e,new,2026-03-02T06:02:00Z\n";
    let (_folder, paths) = written(&[("log.csv", LOG), ("exposures.csv", assignments)]);
    let loaded = with_side(&paths[0], side(SideKind::Assignments, paths[1].clone())).unwrap();
    let log = &loaded.log;
    let arms: Vec<&str> = log
        .arm
        .iter()
        .map(|a| log.arms[usize::from(*a)].name.as_str())
        .collect();
    // r1 came before the first exposure of its user.
    assert_eq!(log.row, [0, 2, 3, 4, 5]);
    assert_eq!(arms, ["old", "old", "new", "new", "new"]);
    let join = &loaded.joins[0];
    assert_eq!((join.requests_before_first, join.requests_matched), (1, 5));
    // The column that looked like the arm can still be split by.
    assert!(log.segments.iter().any(|s| s.name == "variant"));
}

#[test]
fn events_are_placed_in_time() {
    let events =
        "time,kind,note\n2026-03-02T06:04:30Z,rollback,too slow\n2026-03-02T06:01:30Z,deploy,v2\n";
    let (_folder, paths) = written(&[("log.csv", LOG), ("events.csv", events)]);
    let loaded = with_side(&paths[0], side(SideKind::Events, paths[1].clone())).unwrap();
    let found: Vec<(&str, &str)> = loaded
        .log
        .events
        .iter()
        .map(|e| (e.kind.as_str(), e.note.as_str()))
        .collect();
    assert_eq!(found, [("deploy", "v2"), ("rollback", "too slow")]);
    assert_eq!(
        loaded.log.events[0].time_us,
        loaded.log.start_us[1] + 30_000_000
    );
}

fn derived(role: Role, expression: &str) -> Additions {
    Additions {
        derive: vec![Derived {
            name: "made".to_owned(),
            expression: expression.to_owned(),
            role: Some(role),
        }],
        ..Additions::default()
    }
}

#[test]
fn expressions_make_columns() {
    let (folder, paths) = written(&[("log.csv", LOG)]);
    let loaded = opened(
        &paths[0],
        derived(Role::Status, "status >= 500 or error != ''"),
    )
    .unwrap();
    let failed: Vec<bool> = loaded
        .log
        .outcome
        .iter()
        .map(|o| *o == Outcome::Error)
        .collect();
    assert_eq!(failed, [false, false, true, false, false, true]);
    // The mapping holds the expression, and opens the log again.
    let file = folder.path().join("mapping.toml");
    fs::write(&file, loaded.mapping.to_toml()).unwrap();
    let again = LoadRequest {
        mapping: Some(Mapping::read(&file).unwrap()),
        ..LoadRequest::of(&paths[0])
    };
    let again = load(&again, &Progress::unwatched()).unwrap();
    assert_eq!(again.log.outcome, loaded.log.outcome);
    let loaded = opened(
        &paths[0],
        derived(Role::Variant, "variant || '@' || user_id"),
    )
    .unwrap();
    let arms: Vec<&str> = loaded.log.arms.iter().map(|a| a.name.as_str()).collect();
    assert_eq!(arms, ["a@u0", "b@u1"]);
    let loaded = opened(&paths[0], derived(Role::Metric, "latency_ms / 100 + 1")).unwrap();
    let made = loaded.log.quantity(Quantity::Extra(0)).unwrap().to_vec();
    assert_eq!(made, [2.0, 3.0, 4.0, 5.0, 6.0, 7.0]);
    let tier = "CASE WHEN latency_ms BETWEEN 250 AND 450 THEN 'mid' ELSE 'out' END";
    let loaded = opened(&paths[0], derived(Role::Segment, tier)).unwrap();
    let tiers = loaded
        .log
        .segments
        .iter()
        .find(|s| s.name == "made")
        .unwrap();
    assert_eq!(tiers.code, [0, 0, 1, 1, 0, 0]);
}

#[test]
fn a_wrong_expression_is_named() {
    let (_folder, paths) = written(&[("log.csv", LOG)]);
    let check = |expression: &str, message: &str| {
        let error = opened(&paths[0], derived(Role::Status, expression)).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Settings, "{error}");
        assert!(error.to_string().contains(message), "{expression}: {error}");
        assert!(!error.hint.is_empty());
    };
    check(
        "code >= 500",
        "names a column \"code\" that the log does not have",
    );
    check("code >= 500", "latency_ms, status");
    check("status >=", "cannot be read");
    check("avg(latency_ms) > 3", "one row alone");
    check("variant > 3", "holds text such as \"a\"");
}

/// A score's value may be an index of its label: then the label counts. What is neither number nor
/// word is counted and shown, never taken.
#[test]
fn scores_in_words() {
    let scores = "trace_id,name,value,data_type,string_value\n\
r0,verdict,1,CATEGORICAL,bad\n\
r1,verdict,0,CATEGORICAL,good\n\
r2,verdict,2,CATEGORICAL,purple\n\
r3,verdict,1,NUMERIC,\n";
    let (_folder, paths) = written(&[("log.csv", LOG), ("scores.csv", scores)]);
    let loaded = with_side(&paths[0], side(SideKind::Ratings, paths[1].clone())).unwrap();
    let found = ratings(&loaded);
    assert_eq!((found[0], found[1], found[3]), (0.0, 1.0, 1.0));
    assert!(found[2].is_nan());
    let join = &loaded.joins[0];
    assert_eq!((join.rows_matched, join.rows_unreadable), (3, 1));
    let issue = loaded
        .issues
        .iter()
        .find(|i| i.message.contains("no number"));
    let issue = issue.unwrap();
    assert_eq!((issue.count, issue.lines.as_slice()), (1, [4].as_slice()));
    assert_eq!(issue.samples, ["purple"]);
}

/// A score of a user that came before all of the log's requests belongs to none of them.
#[test]
fn a_score_before_every_request_counts_for_none() {
    let scores = "user_id,score,timestamp\nu0,4,2026-03-02T05:03:30Z\nu1,2,2026-03-02T06:30:00Z\n";
    let (_folder, paths) = written(&[("log.csv", LOG), ("scores.csv", scores)]);
    let loaded = with_side(&paths[0], side(SideKind::Ratings, paths[1].clone())).unwrap();
    let found = ratings(&loaded);
    assert!(found[..5].iter().all(|r| r.is_nan()) && found[5] == 2.0);
    let join = &loaded.joins[0];
    assert_eq!((join.rows_before_first, join.requests_matched), (1, 1));
}

/// The scores that tools export apart from their requests, by the tools' own columns.
#[test]
fn scores_of_the_tools_find_their_requests() {
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/tools");
    for (log, scores, key, on) in [
        (
            "langfuse-observations.csv",
            "langfuse-scores.csv",
            "observation_id",
            "id",
        ),
        (
            "tensorzero.csv",
            "tensorzero-feedback.jsonl",
            "target_id",
            "id",
        ),
        (
            "portkey.jsonl",
            "portkey-feedback.jsonl",
            "trace_id",
            "trace_id",
        ),
    ] {
        let file = tools.join(scores);
        let loaded = with_side(&tools.join(log), side(SideKind::Ratings, file.clone()));
        let loaded = loaded.unwrap_or_else(|e| panic!("{log}: {e}"));
        let join = &loaded.joins[0];
        assert_eq!(join.side.key.as_deref(), Some(key), "{log}");
        assert_eq!(join.side.on.as_deref(), Some(on), "{log}");
        assert_eq!((join.rows_unmatched, join.rows_unreadable), (0, 0), "{log}");
        assert_eq!(join.requests_matched, join.rows, "{log}");
        // Given as the log itself, the scores say how to use them.
        let error = opened(&file, Additions::default()).unwrap_err();
        assert_eq!(error.kind, ErrorKind::NotARequestLog);
        assert!(error.hint.contains("--ratings"), "{error}");
    }
}

/// A table that is added takes the part of the column that has it; one that a mapping file names
/// beside such a column contradicts it.
#[test]
fn a_table_takes_the_part_of_a_column() {
    let row = |i: usize| {
        let (user, arm, rating) = (i % 3, ["a", "b"][i % 2], i % 5 + 1);
        format!("2026-03-02T06:{i:02}:00Z,r{i},u{user},{arm},{rating}\n")
    };
    let rows: String = (0..30).map(row).collect();
    let log = format!("ts,id,user_id,variant,rating\n{rows}");
    let scores = "id,score\nr0,5\nr1,4\n";
    let (_folder, paths) = written(&[("log.csv", &log), ("scores.csv", scores)]);
    let table = side(SideKind::Ratings, paths[1].clone());
    let own = opened(&paths[0], Additions::default()).unwrap();
    assert_eq!(own.mapping.column(Role::Rating).unwrap().column, "rating");
    let request = LoadRequest {
        mapping: Some(own.mapping.clone()),
        added: Additions {
            side: vec![table.clone()],
            ..Additions::default()
        },
        ..LoadRequest::of(&paths[0])
    };
    let joined = load(&request, &Progress::unwatched()).unwrap();
    assert_eq!(ratings(&joined)[..2], [5.0, 4.0]);
    assert!(joined.mapping.column(Role::Rating).is_none());
    let contradiction = LoadRequest {
        mapping: Some(Mapping {
            side: vec![table],
            ..own.mapping
        }),
        ..LoadRequest::of(&paths[0])
    };
    let error = load(&contradiction, &Progress::unwatched()).unwrap_err();
    assert!(error.message.contains("Two sources"), "{error}");
}

/// What a tool's status column does not tell, an expression can: LiteLLM's error code names refusals.
#[test]
fn an_error_code_tells_refusals_apart() {
    let row = |i: usize| {
        let (status, code) = match i % 10 {
            3 => ("failure", "\"429\""),
            7 => ("failure", "\"\""),
            _ => ("success", "\"\""),
        };
        let start = 1_772_431_200 + i;
        format!(
            "{{\"id\": \"r{i}\", \"call_type\": \"acompletion\", \"startTime\": {start}.1, \"endTime\": {start}.9, \"response_time\": 0.8, \"response_cost\": 0.01, \"model\": \"m{}\", \"status\": \"{status}\", \"error_information\": {{\"error_code\": {code}}}}}\n",
            i % 2
        )
    };
    let text: String = (0..100).map(row).collect();
    let (_folder, paths) = written(&[("litellm.jsonl", &text)]);
    let own = opened(&paths[0], Additions::default()).unwrap();
    let count = |loaded: &Loaded, outcome| {
        let outcomes = loaded.log.outcome.iter();
        outcomes.filter(|o| **o == outcome).count()
    };
    assert_eq!(count(&own, Outcome::Error), 20);
    let code = "CASE WHEN status = 'failure' AND \"error_information.error_code\" != '' THEN \"error_information.error_code\" ELSE status END";
    let told = opened(&paths[0], derived(Role::Status, code)).unwrap();
    assert_eq!(count(&told, Outcome::Error), 10);
    assert_eq!(count(&told, Outcome::RateLimited), 10);
}
