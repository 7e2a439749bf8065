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
            repeats,
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
