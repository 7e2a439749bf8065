//! Real logs through the loader: roles, units, row counts and times.

use hindsight::data::{Clock, Quantity};
use hindsight::ingest::{Effect, Mapping, Role, StampForm};

use crate::support::real_logs::{find, read, read_as};

/// `column role unit-or-stamp`, in the order of the mapping.
pub(crate) fn roles(mapping: &Mapping) -> Vec<String> {
    mapping
        .columns
        .iter()
        .map(|c| {
            let unit = c.unit.map(|u| u.label().to_owned());
            let form = unit.or(c.stamp.map(StampForm::label)).unwrap_or_default();
            format!("{} = {} {form}", c.column, c.role.label())
                .trim_end()
                .to_owned()
        })
        .collect()
}

fn check(name: &str, n_rows: usize, clock: Clock, expected: &[&str]) {
    let Some(loaded) = read(name) else { return };
    assert_eq!(roles(&loaded.mapping), expected, "{name}");
    assert_eq!(loaded.log.n_rows(), n_rows, "{name}");
    assert_eq!(loaded.n_rows_in_file, n_rows as u64, "{name}");
    assert_eq!(loaded.log.clock, clock, "{name}");
    let lost = |effect| matches!(effect, Effect::Rejected | Effect::Missing);
    let bad: Vec<_> = loaded.issues.iter().filter(|i| lost(i.effect)).collect();
    assert!(bad.is_empty(), "{name}: {bad:?}");
}

#[test]
fn roles_and_units_are_found() {
    check(
        "aibrix/aibrix_v021_requests.csv",
        14_374,
        Clock::Epoch,
        &[
            "variant = Variant (arm)",
            "target_qps = Segment",
            "prompt_tokens = Prompt tokens",
            "generation_tokens = Completion tokens",
            "ttft = Time to first token seconds",
            "user_id = User or other unit",
            "launch_time = Time (start) seconds since 1970",
            "finish_time = Time (end) seconds since 1970",
        ],
    );
    check(
        "llmperf/llmperf_requests.csv",
        2845,
        Clock::RowOrder,
        &[
            "provider = Variant (arm)",
            "model_size = Segment",
            "error_code = Status or error",
            "ttft_s = Time to first token seconds",
            "end_to_end_latency_s = Latency seconds",
            "number_output_tokens = Completion tokens",
            "number_input_tokens = Prompt tokens",
        ],
    );
    check(
        "realhumaneval/chat_slim.csv",
        1055,
        // The clock of each user's own session.
        Clock::RowOrder,
        &[
            "programmer_id = User or other unit",
            "timestamp = Time (start) seconds since a start",
            "model = Variant (arm)",
            "task_name = Segment",
            "copied = Other metric",
        ],
    );
    check(
        "tensorzero/ModelInference.csv",
        2000,
        Clock::Epoch,
        &[
            "inference_id = Request id",
            "model_name = Variant (arm)",
            "input_tokens = Prompt tokens",
            "output_tokens = Completion tokens",
            "response_time_ms = Latency milliseconds",
            "timestamp = Time (start) date and time",
        ],
    );
    for (name, n_rows) in [("code", 8819), ("conv", 19_366)] {
        check(
            &format!("azure_llm/AzureLLMInferenceTrace_{name}.csv"),
            n_rows,
            Clock::Epoch,
            &[
                "TIMESTAMP = Time (start) date and time",
                "ContextTokens = Prompt tokens",
                "GeneratedTokens = Completion tokens",
            ],
        );
    }
}

/// A propensity is no rating, though "score" is in its name.
#[test]
fn bandit_logs_have_clicks_and_no_rating() {
    for name in ["obd/random_all.csv", "obd/bts_all.csv"] {
        let Some(loaded) = read(name) else { return };
        assert_eq!(loaded.log.n_rows(), 10_000);
        assert!(loaded.mapping.column(Role::Rating).is_none(), "{name}");
        let clicks = loaded.log.quantity(Quantity::Extra(0)).unwrap();
        let expected = if name.contains("bts") { 42.0 } else { 38.0 };
        assert_eq!(loaded.log.extra_names, ["click"]);
        assert_eq!(clicks.iter().sum::<f64>(), expected, "{name}");
    }
}

/// Seven digits of a second: cut after the sixth.
#[test]
fn fractions_beyond_microseconds_are_cut() {
    let Some(loaded) = read("azure_llm/AzureLLMInferenceTrace_code.csv") else {
        return;
    };
    // 2023-11-16 18:17:03.9799600
    assert_eq!(loaded.log.start_us[0], 1_700_158_623_979_960);
    let zone = loaded.issues.iter().find(|i| i.message.contains("no zone"));
    assert_eq!(zone.map(|i| i.effect), Some(Effect::Assumed));
}

/// End = start + time to first token + generation, so the derived latency is their sum.
#[test]
fn latency_is_derived_from_start_and_end() {
    let name = "data/aibrix/aibrix_v021_requests.csv";
    let Some(path) = find(name) else { return };
    let loaded = read_as(&path, None);
    let latency = loaded.log.quantity(Quantity::LatencyMs).unwrap();
    let mut sums = Vec::new();
    for record in csv::Reader::from_path(&path).unwrap().records() {
        let record = record.unwrap();
        let ms = |i: usize| record[i].parse::<f64>().unwrap() * 1e3;
        sums.push(ms(4) + ms(5));
    }
    for (latency, row) in latency.iter().zip(&loaded.log.row) {
        let sum = sums[*row as usize];
        assert!((latency - sum).abs() <= 0.007, "row {row}: {latency} {sum}");
    }
    assert!(loaded.log.event_us.is_sorted());
}

/// Where only the end is logged, the start follows from the latency.
#[test]
fn starts_follow_from_ends() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ends.csv");
    let row = |i: usize| format!("\n{},{}.250,0.75", ["a", "b"][i % 2], 1_772_432_843 + i);
    let rows = (0..60).map(row);
    let text: Vec<String> = std::iter::once("variant,finish_time,request_time".to_owned())
        .chain(rows)
        .collect();
    std::fs::write(&path, text.concat()).unwrap();
    let log = read_as(&path, None).log;
    assert_eq!(log.event_us[0], 1_772_432_843_250_000);
    assert_eq!(log.start_us[0], 1_772_432_842_500_000);
}

/// An export that is not a request log gets a message that says so.
#[test]
fn other_logs_are_refused_with_a_reason() {
    for (name, expected) in [
        ("apache_logs.log", "access log without column names"),
        (
            "nginxplus_json_logs.jsonl",
            "No column looks like a variant",
        ),
    ] {
        let Some(path) = find(&format!("data/not_ours/{name}")) else {
            return;
        };
        let request = hindsight::ingest::LoadRequest::of(path);
        let error =
            hindsight::ingest::load(&request, &hindsight::jobs::Progress::unwatched()).unwrap_err();
        assert_eq!(error.kind, hindsight::error::ErrorKind::NotARequestLog);
        assert!(error.message.contains(expected), "{error}");
        assert!(!error.hint.is_empty());
    }
}

/// Ratings alone: no arm, and 530 zeros on a scale of 1 to 5, which are asked about.
#[test]
fn reviews_have_ratings_and_a_doubtful_zero() {
    let Some(loaded) = read("reviews/anonreviews.csv.bz2") else {
        return;
    };
    let log = &loaded.log;
    assert_eq!(log.n_rows(), 578_805);
    assert_eq!(log.arms.len(), 1);
    let column = |role| loaded.mapping.column(role).map(|c| c.column.as_str());
    assert_eq!(column(Role::Rating), Some("rating"));
    assert_eq!(column(Role::Time), Some("date"));
    let mut mapping = loaded.mapping.clone();
    mapping.assign("reviewerId", Some(Role::Unit));
    let by_reviewer = read_as(&loaded.files[0].source.path, Some(mapping)).log;
    assert_eq!(by_reviewer.units.as_ref().unwrap().n_units, 400_141);
    let ratings = log.quantity(Quantity::Rating).unwrap();
    assert_eq!(ratings.iter().filter(|r| **r == 0.0).count(), 530);
    let mut asked = loaded.mapping.questions.iter();
    assert!(asked.any(|q| q.text.contains("Is a 0 in `rating`")));
}

/// Two logs as two arms: clicks of a random and of a learned policy.
#[test]
fn two_bandit_logs_compare_as_arms() {
    let (Some(random), Some(bts)) = (
        find("data/obd/random_all.csv"),
        find("data/obd/bts_all.csv"),
    ) else {
        return;
    };
    let request = hindsight::ingest::LoadRequest {
        paths: vec![random, bts],
        ..Default::default()
    };
    let loaded =
        hindsight::ingest::load(&request, &hindsight::jobs::Progress::unwatched()).unwrap();
    let log = &loaded.log;
    let names: Vec<&str> = log.arms.iter().map(|a| a.name.as_str()).collect();
    assert_eq!(names, ["random_all", "bts_all"]);
    let clicks = log.quantity(Quantity::Extra(0)).unwrap();
    let of_arm = |arm: usize| log.rows_of_arm(arm).map(|row| clicks[row]).sum::<f64>();
    assert_eq!((of_arm(0), of_arm(1)), (38.0, 42.0));
    // Pearson's chi-square without correction, as `scipy.stats.chi2_contingency(…, correction=False)`.
    let test = hindsight::stats::chi_square(&[vec![38, 9_962], vec![42, 9_958]])
        .unwrap()
        .test;
    assert!((test.p - 0.654).abs() < 5e-4, "{}", test.p);
}
