//! What goes wrong with real exports, and what has to happen: one test a pitfall.

mod losses;
mod outcomes;

use std::fs;

use hindsight::analysis::{Analysis, HealthCheck, Severity};
use hindsight::data::{Clock, Outcome, Quantity, RequestLog};
use hindsight::ingest::{
    Additions, Answer, DurationUnit, Effect, LoadRequest, Loaded, Mapping, Question, Role, Side,
    SideKind, StampForm, load,
};
use hindsight::jobs::Progress;

use crate::support::real_logs::compare;

const N: usize = 120;

/// A log of `n` rows: a header and what `row` writes.
fn table(header: &str, n: usize, row: impl Fn(usize) -> String) -> String {
    let lines = std::iter::once(header.to_owned()).chain((0..n).map(row));
    lines.collect::<Vec<_>>().join("\n") + "\n"
}

#[track_caller]
fn read(name: &str, bytes: impl AsRef<[u8]>) -> Loaded {
    read_as(name, bytes, None)
}

#[track_caller]
fn read_as(name: &str, bytes: impl AsRef<[u8]>, mapping: Option<Mapping>) -> Loaded {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    let request = LoadRequest {
        mapping,
        ..LoadRequest::of(&path)
    };
    load(&request, &Progress::unwatched()).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// Second `i` of a day.
fn time(i: usize) -> String {
    format!("2026-03-02T06:{:02}:{:02}Z", i / 60, i % 60)
}

fn arm(i: usize) -> &'static str {
    ["stable", "canary"][i % 2]
}

fn values(log: &RequestLog, quantity: Quantity) -> Vec<f64> {
    let mut order: Vec<usize> = (0..log.n_rows()).collect();
    order.sort_by_key(|&i| log.row[i]);
    let values: Vec<f64> = log.quantity(quantity).unwrap().iter().copied().collect();
    order.into_iter().map(|i| values[i]).collect()
}

fn outcomes(log: &RequestLog) -> Vec<Outcome> {
    let mut order: Vec<usize> = (0..log.n_rows()).collect();
    order.sort_by_key(|&i| log.row[i]);
    order.into_iter().map(|i| log.outcome[i]).collect()
}

#[track_caller]
fn question<'a>(loaded: &'a Loaded, part: &str) -> &'a Question {
    let asked = &loaded.mapping.questions;
    let found = asked.iter().find(|q| q.text.contains(part));
    found.unwrap_or_else(|| panic!("\"{part}\" is not asked but {asked:?}"))
}

/// The mapping with one candidate of a question taken.
fn answered(loaded: &Loaded, question: &Question, label: &str) -> Mapping {
    let candidate = question.candidates.iter().find(|c| c.label.contains(label));
    let mut mapping = loaded.mapping.clone();
    mapping.answer(question, &candidate.unwrap().answer);
    mapping
}

fn has_issue(loaded: &Loaded, effect: Effect, part: &str) -> bool {
    let mut issues = loaded.issues.iter();
    issues.any(|i| i.effect == effect && i.message.contains(part))
}

fn health<'a>(analysis: &'a Analysis, id: &str) -> &'a HealthCheck {
    analysis.health.iter().find(|check| check.id == id).unwrap()
}

/// The suffix says it, then the stamps, then the size; whole small numbers are asked, and the answer
/// stands in the mapping file.
#[test]
fn unit_of_latency() {
    let log = |took: &dyn Fn(usize) -> String| {
        table("ts,variant,took", N, |i| {
            format!("{},{},{}", time(i), arm(i), took(i))
        })
    };
    let seconds = read("fractions.csv", log(&|i| format!("1.{:02}", i % 90)));
    assert_eq!(seconds.mapping.columns[2].unit, Some(DurationUnit::S));
    let named = seconds.guesses[2].evidence.as_str();
    assert!(
        named.contains("median 1.") && named.contains("seconds"),
        "{named}"
    );
    let text = log(&|i| (1 + i % 9).to_string());
    let doubtful = read("whole.csv", &text);
    let asked = question(&doubtful, "What unit is `took` in?");
    assert_eq!(asked.assumed_label(), "seconds");
    assert!(
        asked.evidence.contains("whole numbers"),
        "{}",
        asked.evidence
    );
    let mapping = answered(&doubtful, asked, "milliseconds");
    let saved: Mapping = toml::from_str(&mapping.to_toml()).unwrap();
    let again = read_as("whole.csv", &text, Some(saved));
    assert!(again.mapping.questions.is_empty());
    assert_eq!(values(&again.log, Quantity::LatencyMs)[0], 1.0);
    assert_eq!(values(&doubtful.log, Quantity::LatencyMs)[0], 1000.0);
}

/// A latency that is not end minus start is the time to first token, or a part of the way.
#[test]
fn latency_that_is_time_to_first_token() {
    let row = |i: usize| {
        let start = 1_772_432_843.0 + i as f64;
        format!("{start:.3},{:.3},{},0.3", start + 2.0, arm(i))
    };
    let loaded = read(
        "ttft.csv",
        table("startTime,endTime,variant,response_time", N, row),
    );
    let asked = question(&loaded, "Is `response_time` the whole request?");
    assert_eq!(asked.assumed_label(), "no: latency is end minus start");
    assert_eq!(values(&loaded.log, Quantity::LatencyMs)[0], 2000.0);
    assert!(has_issue(&loaded, Effect::Noted, "end minus start"));
}

#[test]
fn numbers_as_times() {
    let log = |stamp: &dyn Fn(usize) -> String| {
        table("timestamp,variant,latency_ms", N, |i| {
            format!("{},{},{}.5", stamp(i), arm(i), 100 + i)
        })
    };
    let first = 1_772_432_843_250_000;
    for (name, unit, zeroes) in [
        ("s", DurationUnit::S, ""),
        ("ms", DurationUnit::Ms, "250"),
        ("us", DurationUnit::Us, "250000"),
        ("ns", DurationUnit::Ns, "250000000"),
    ] {
        let whole = |i: usize| 1_772_432_843 + i;
        let text = log(&|i| match unit {
            DurationUnit::S => format!("{}.25", whole(i)),
            _ => format!("{}{zeroes}", whole(i)),
        });
        let loaded = read(name, text);
        assert_eq!(
            loaded.mapping.columns[0].stamp,
            Some(StampForm::Epoch(unit))
        );
        assert_eq!(loaded.log.start_us[0], first, "{name}");
    }
    let relative = read("relative.csv", log(&|i| format!("{}.5", i * 3)));
    assert_eq!(relative.log.clock, Clock::Relative);
    let digits = read("digits.csv", log(&|i| format!("202603{:02}", 1 + i % 28)));
    assert_eq!(digits.log.clock, Clock::Epoch);
    assert_eq!(digits.log.start_us[0], 1_772_323_200_000_000);
}

/// UTC is assumed and said; a zone can be set, and hours that are there twice or not at all are
/// counted.
#[test]
fn times_without_a_zone() {
    let hours = [
        "2026-03-29 02:30:00",
        "2026-10-25 02:30:00",
        "2026-07-01 12:00:00",
    ];
    let text = table("time,variant,latency_ms", N, |i| {
        format!("{},{},{}.5", hours[i % 3], arm(i), 100 + i)
    });
    let loaded = read("local.csv", &text);
    assert!(has_issue(&loaded, Effect::Assumed, "name no zone; UTC"));
    let mapping = Mapping {
        time_zone: Some("Europe/Berlin".to_owned()),
        ..loaded.mapping
    };
    let berlin = read_as("local.csv", &text, Some(mapping));
    let count = |part: &str| {
        let issue = berlin.issues.iter().find(|i| i.message.contains(part));
        issue.map(|i| (i.effect, i.count))
    };
    assert_eq!(count("does not exist"), Some((Effect::Assumed, 40)));
    assert_eq!(count("exists twice"), Some((Effect::Assumed, 40)));
}

#[test]
fn forms_of_times() {
    for first in [
        "2026-03-02 06:27:23.9799600",
        "2026-03-02T06:27:23.979960+00:00",
        "2026-03-02T06:27:23.979960123Z",
        "2026年3月2日 上午6:27:23.979960",
        "2026. 3. 2. 오전 6:27:23.979960",
        "2026년 3월 2일 06:27:23.979960",
    ] {
        let text = table("timestamp;variant;latency_ms", N, |i| {
            format!("{first};{};{}.5", arm(i), 100 + i)
        });
        let loaded = read("forms.csv", text);
        assert_eq!(loaded.log.start_us[0], 1_772_432_843_979_960, "{first}");
    }
    for (first, order) in [("2/3/2026 6:27 PM", "month"), ("2.3.2026 06:27", "day")] {
        let text = table("timestamp;variant;latency_ms", N, |i| {
            format!("{first};{};{}", arm(i), 100 + i)
        });
        let loaded = read("order.csv", text);
        let asked = question(&loaded, "begin with the day or the month");
        assert!(
            asked.assumed_label().contains(&format!("{order} before")),
            "{first}"
        );
        assert!(matches!(asked.candidates[0].answer, Answer::Stamp { .. }));
    }
    let told = table("timestamp,variant,latency_ms", N, |i| {
        format!("2/{}/2026 06:27,{},{}.5", 1 + i % 28, arm(i), 100 + i)
    });
    let loaded = read("told.csv", told);
    assert!(
        loaded.mapping.questions.is_empty(),
        "{:?}",
        loaded.mapping.questions
    );
    assert_eq!(loaded.mapping.columns[0].stamp, Some(StampForm::MonthFirst));
}

#[test]
fn literal_quotes_in_cells() {
    let text = table("time,variant,latency_ms,user_id", N, |i| {
        format!(
            "\"\"\"{}\"\"\",\"\"\"{}\"\"\",\"\"\"{}.5\"\"\",u{}",
            time(i),
            arm(i),
            100 + i,
            i % 9
        )
    });
    let loaded = read("quotes.csv", text);
    assert_eq!(loaded.log.arms[0].name, "stable");
    assert_eq!(values(&loaded.log, Quantity::LatencyMs)[0], 100.5);
    assert_eq!(loaded.log.start_us[0], 1_772_431_200_000_000);
}

/// Offered in the list of columns, read when named; what cannot be read stays empty.
#[test]
fn json_and_python_text_in_cells() {
    let text = table("time;variant;latency_ms;meta;repr", N, |i| {
        let repr = if i == 7 {
            "{'max': <obj>}".to_owned()
        } else {
            format!("{{'max': {}, 'ok': True}}", i % 3)
        };
        format!(
            "{};{};{}.5;{{\"plan\":\"p{}\"}};{repr}",
            time(i),
            arm(i),
            100 + i,
            i % 2
        )
    });
    let loaded = read("cells.csv", &text);
    let keys: Vec<&str> = loaded
        .guesses
        .iter()
        .filter(|g| g.profile.is_key())
        .map(|g| g.profile.name.as_str())
        .collect();
    assert_eq!(keys, ["meta.plan", "repr.max", "repr.ok"]);
    let mut mapping = loaded.mapping;
    mapping.assign("meta.plan", Some(Role::Segment));
    mapping.assign("repr.max", Some(Role::Metric));
    let log = read_as("cells.csv", &text, Some(mapping)).log;
    assert_eq!(log.n_rows(), N);
    let plan = log.segments.iter().find(|s| s.name == "meta.plan").unwrap();
    assert_eq!(plan.values, ["p0", "p1"]);
    let max = values(&log, Quantity::Extra(0));
    assert!(max[8] == 2.0 && max[7].is_nan(), "{:?}", &max[..9]);
}

/// A second file with a key and names: what matches is shown on both sides, and nothing is doubled.
/// (Repeats, times and the tools' own exports: `sources::joins`.)
#[test]
fn scores_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let (log, scores) = (
        folder.path().join("log.csv"),
        folder.path().join("scores.csv"),
    );
    let text = table("time,trace_id,variant,latency_ms", N, |i| {
        format!("{},t{i},{},{}.5", time(i), arm(i), 100 + i)
    });
    fs::write(&log, text).unwrap();
    // Two scores of every other request, one name too many, and ten of another day.
    let text = table("trace_id,name,value", N + 10, |i| {
        let name = if i % 7 == 0 { "toxic" } else { "helpful" };
        format!("t{},{name},{}", i / 2 * 2 + i / N * 1000, i % 2)
    });
    fs::write(&scores, text).unwrap();
    let request = LoadRequest {
        added: Additions {
            side: vec![Side {
                kind: SideKind::Ratings,
                file: scores,
                name: Some("helpful".to_owned()),
                ..Side::default()
            }],
            ..Additions::default()
        },
        ..LoadRequest::of(&log)
    };
    let loaded = load(&request, &Progress::unwatched()).unwrap();
    let join = &loaded.joins[0];
    assert_eq!(loaded.log.n_rows(), N);
    assert_eq!((join.rows, join.rows_of_other_names), (130, 19));
    assert_eq!((join.rows_matched, join.rows_unmatched), (102, 9));
    assert_eq!((join.requests_matched, join.requests_unmatched), (60, 60));
    assert_eq!((join.most_per_key, join.requests_sharing_a_key), (2, 0));
    let lines = join.lines().join("\n");
    assert!(lines.contains("requests matched: 60 of 120 (50"), "{lines}");
    assert!(lines.contains("not in the log: t1120"), "{lines}");
}

/// Who answers is part of the result: a rating share that differs is a warning.
#[test]
fn partial_ratings() {
    let text = table("time,variant,latency_ms,rating,user_id", 4000, |i| {
        let is_rated = i % 2 == 0 && i % 3 == 0 || i % 2 == 1 && i % 11 == 0;
        let rating = if is_rated { "4" } else { "" };
        format!(
            "2026-03-02T{:02}:{:02}:{:02}Z,{},{}.5,{rating},u{i}",
            i / 3600,
            i / 60 % 60,
            i % 60,
            arm(i),
            100 + i % 50
        )
    });
    let loaded = read("partial.csv", text);
    let analysis = compare(&loaded.log, "stable", "canary");
    let check = health(&analysis, "rated-share");
    assert_ne!(check.severity, Severity::Ok, "{}", check.finding);
}

#[test]
fn rating_scales() {
    let log = |rating: &dyn Fn(usize) -> String| {
        table("time,variant,rating", N, |i| {
            format!("{},{},{}", time(i), arm(i), rating(i))
        })
    };
    for (name, words, expected) in [
        ("words", ["up", "down"], [1.0, 0.0]),
        ("emoji", ["👍🏽", "👎"], [1.0, 0.0]),
        ("chinese", ["赞", "踩"], [1.0, 0.0]),
        ("korean", ["좋아요", "싫어요"], [1.0, 0.0]),
        ("signed", ["1", "-1"], [1.0, -1.0]),
        ("mixed", ["TRUE", "False"], [1.0, 0.0]),
        ("ten", ["10", "-10"], [10.0, -10.0]),
        ("list", ["[1]", "[0]"], [1.0, 0.0]),
    ] {
        let loaded = read(name, log(&|i| words[i % 3 % 2].to_owned()));
        assert_eq!(
            values(&loaded.log, Quantity::Rating)[..2],
            expected,
            "{name}"
        );
    }
    let text = log(&|i| (i % 6).to_string());
    let stars = read("stars.csv", &text);
    let asked = question(&stars, "Is a 0 in `rating` the lowest rating");
    let mapping = answered(&stars, asked, "no rating");
    let rated = values(
        &read_as("stars.csv", &text, Some(mapping)).log,
        Quantity::Rating,
    );
    assert!(rated[0].is_nan() && rated[1] == 1.0);
}
