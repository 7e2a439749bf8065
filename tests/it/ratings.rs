//! Ratings that arrive later than their answers: a rule sees them when they come, by a brute-force count.

use std::fmt::Write as _;

use hindsight::data::RequestLog;
use hindsight::ingest::{LoadRequest, Role, load};
use hindsight::jobs::Progress;
use hindsight::lab::{Engine, LabPlan, LabSettings, lab};
use hindsight::rules::{ReplaySettings, RuleReplay, Rulebook, replay_in_full};

const ARMS: ReplaySettings = ReplaySettings {
    control: 0,
    treatment: 1,
};

/// Draws of a generator with a short period, to be the same everywhere.
fn draws(mut state: u64) -> impl FnMut(u64) -> u64 {
    move |below| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) % below
    }
}

/// Two hours, a request every 4 s; the arms in turn; one in three is rated, up to twenty minutes late.
fn logged(has_times: bool) -> RequestLog {
    let mut draw = draws(7);
    let mut text = "timestamp,variant,latency_ms,rating".to_owned();
    text += if has_times { ",rated_at\n" } else { "\n" };
    for i in 0..1800_u64 {
        let (second, latency_ms) = (i * 4, 100 + draw(9_000));
        let rating = (draw(3) == 0).then(|| 1 + draw(5));
        let late_s = draw(1_200);
        let stamp = |second: u64| {
            let (hour, minute) = (6 + second / 3600, second / 60 % 60);
            format!("2026-03-02T{hour:02}:{minute:02}:{:02}Z", second % 60)
        };
        let arm = ["stable", "canary"][i as usize % 2];
        write!(text, "{},{arm},{latency_ms},", stamp(second)).unwrap();
        if let Some(rating) = rating {
            write!(text, "{rating}").unwrap();
        }
        if has_times {
            text.push(',');
            if rating.is_some() {
                text += &stamp(second + latency_ms / 1000 + 1 + late_s);
            }
        }
        text.push('\n');
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.csv");
    std::fs::write(&path, text).unwrap();
    let mut request = LoadRequest::of(&path);
    let mut loaded = load(&request, &Progress::unwatched()).unwrap();
    assert!(loaded.log.rated_at_us.is_none(), "it is never guessed");
    if has_times {
        loaded.mapping.assign("rated_at", Some(Role::RatedAt));
        request.mapping = Some(loaded.mapping);
        loaded = load(&request, &Progress::unwatched()).unwrap();
    }
    RequestLog::clone(&loaded.log)
}

fn rule(clock: &str, metric: &str, window: &str) -> Rulebook {
    Rulebook::parse(&format!(
        "[[rule]]\nid = 'r'\nclock = {clock}\nany = [{{ metric = '{metric}', window = {window}, cmp = '>', value = 3.2 }}]\n"
    ))
    .unwrap()
}

fn run(log: &RequestLog, rulebook: &Rulebook) -> RuleReplay {
    let found = replay_in_full(log, rulebook, &ARMS, &[], &Progress::unwatched()).unwrap();
    found.rules.into_iter().next().unwrap()
}

/// Mean rating of the canary at a moment, over what arrived within the window.
fn mean_at(log: &RequestLog, seen: usize, at_us: i64, from_us: impl Fn(&[usize]) -> i64) -> f64 {
    let rated = log.rated_at_us.as_ref().unwrap();
    let ratings = log.quantity(hindsight::data::Quantity::Rating).unwrap();
    let canary: Vec<usize> = (0..log.n_rows()).filter(|row| log.arm[*row] == 1).collect();
    let until = canary.partition_point(|row| *row < seen);
    let from_us = from_us(&canary[..until]);
    let arrived = |row: &&usize| {
        let at = rated[**row].max(log.event_us[**row]);
        !ratings[**row].is_nan() && at <= at_us && at >= from_us
    };
    let values: Vec<f64> = canary
        .iter()
        .filter(arrived)
        .map(|row| ratings[*row])
        .collect();
    values.iter().sum::<f64>() / values.len() as f64
}

#[test]
fn a_rule_sees_a_rating_when_it_comes() {
    let log = logged(true);
    assert!(log.rated_at_us.is_some(), "the mapped column is read");
    // After every request of the canary, the ratings since the oldest of its last 40 requests.
    let found = run(
        &log,
        &rule("{ request = 'canary' }", "mean(rating)", "{ last = 40 }"),
    );
    let expected = (0..log.n_rows())
        .filter(|row| log.arm[*row] == 1)
        .filter(|row| {
            let from = |seen: &[usize]| {
                let oldest = seen.len().checked_sub(40).map(|at| seen[at]);
                oldest.map_or(i64::MIN, |row| log.event_us[row])
            };
            mean_at(&log, row + 1, log.event_us[*row], from) > 3.2
        });
    let expected: Vec<u32> = expected.map(|row| log.row[row]).collect();
    assert_eq!(found.evaluations_true, expected.len() as u64);
    assert_eq!(found.conditions[0].first_row, expected.first().copied());
    assert!(expected.len() > 50);
    // At ticks, those of the last ten minutes.
    let found = run(
        &log,
        &rule("{ every = '30s' }", "mean(rating)", "{ trailing = '10m' }"),
    );
    let zero_us = log.time_zero_us();
    let (_, last_us) = log.event_span_us().unwrap();
    let ticks = (1..)
        .map(|k| zero_us + k * 30_000_000)
        .take_while(|at| *at <= last_us);
    let n = ticks.filter(|at_us| {
        let seen = log.event_us.partition_point(|event| event <= at_us);
        mean_at(&log, seen, *at_us, |_| at_us - 600_000_000 + 1) > 3.2
    });
    assert_eq!(found.evaluations_true, n.count() as u64);
    let facts = found.ratings.unwrap();
    assert!(
        facts.later == facts.ratings && facts.median_us > 300_000_000,
        "{facts:?}"
    );
}

/// Without times of their own, and in every count of requests, nothing changes.
#[test]
fn ratings_without_times_count_with_their_answers() {
    let (timed, plain) = (logged(true), logged(false));
    assert!(plain.rated_at_us.is_none());
    let rating = rule("'request'", "mean(rating)", "{ last = 40 }");
    let (late, at_once) = (run(&timed, &rating), run(&plain, &rating));
    assert_ne!(late.evaluations_true, at_once.evaluations_true);
    assert_eq!(at_once.ratings, None);
    let mut shifted = timed.clone();
    shifted.rated_at_us = Some(shifted.event_us.clone());
    let same = run(&shifted, &rating);
    assert_eq!(same.evaluations_true, at_once.evaluations_true);
    let latency = rule("'request'", "quantile(latency,0.9)", "{ last = 40 }");
    assert_eq!(run(&timed, &latency), run(&plain, &latency));
}

/// The lab moves ratings with their answers, and says what it does not know.
#[test]
fn the_lab_sees_ratings_when_they_come() {
    let settings = LabSettings {
        engine: Engine::Relabel,
        plan: LabPlan::fixed(0.3),
        replicates: 40,
        alpha: 0.05,
        seed: 1,
        max_canary_requests: None,
        injections: Vec::new(),
        calibrate: false,
        grid: None,
        focus: None,
        level: 0.95,
    };
    let tried = |log: &RequestLog| {
        let rulebook = rule("'request'", "mean(rating)", "{ last = 40 }");
        let progress = Progress::unwatched();
        lab(
            Some((log, ARMS)),
            &rulebook,
            &settings,
            &progress,
            &mut |_| {},
        )
        .unwrap()
    };
    let (late, at_once) = (tried(&logged(true)), tried(&logged(false)));
    let warns = |found: &hindsight::lab::RuleLab| {
        found
            .assumptions
            .iter()
            .any(|text| text.contains("no column is read as the time"))
    };
    assert!(!warns(&late) && warns(&at_once));
    assert_ne!(late.rules[0].mean_time, at_once.rules[0].mean_time);
}
