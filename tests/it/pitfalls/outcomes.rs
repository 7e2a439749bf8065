//! From booleans to repeats, in the order in which the pitfalls are listed.

use hindsight::analysis::Severity;
use hindsight::data::{Outcome, Quantity};
use hindsight::ingest::{DecimalMark, Effect, Loaded, Role, RowFilter};
use hindsight::jobs::Progress;

use super::{
    N, answered, arm, has_issue, health, outcomes, question, read, read_as, table, time, values,
};
use crate::ingest::roles;
use crate::support::real_logs::compare;

#[test]
fn booleans_in_every_spelling() {
    let words = [
        "TRUE", "True", "true", "1", "t", "yes", "FALSE", "False", "false", "0", "f", "no",
    ];
    let text = table("time,variant,latency_ms,success,copied", N, |i| {
        format!(
            "{},{},{}.5,{},{}",
            time(i),
            arm(i),
            100 + i,
            words[i % 12],
            words[i % 12]
        )
    });
    let loaded = read("booleans.csv", text);
    let half = |i: usize| i % 12 < 6;
    let expected: Vec<Outcome> = (0..N)
        .map(|i| if half(i) { Outcome::Ok } else { Outcome::Error })
        .collect();
    assert_eq!(outcomes(&loaded.log), expected);
    let copied = values(&loaded.log, Quantity::Extra(0));
    assert!((0..N).all(|i| copied[i] == f64::from(u8::from(half(i)))));
}

/// Refused at once and logged with 0: no part of latency, and said.
#[test]
fn failed_rows_with_latency_0() {
    let text = table("time,variant,latency_ms,status", N, |i| {
        let (latency, status) = if i % 4 == 0 { (0, 429) } else { (200, 200) };
        format!("{},{},{latency},{status}", time(i), arm(i))
    });
    let analysis = compare(&read("zero.csv", text).log, "stable", "canary");
    assert!(health(&analysis, "zero-latency").finding.contains("30"));
    assert!(
        analysis.latency[0]
            .arms
            .iter()
            .all(|arm| arm.mean_ms == 200.0)
    );
}

#[test]
fn rows_missing_in_one_arm() {
    let text = table("time,variant,latency_ms,user_id", 3000, |i| {
        let user = i / 5;
        let arm = if user % 10 < 6 { "stable" } else { "canary" };
        format!(
            "2026-03-02T06:{:02}:{:02}Z,{arm},{}.5,u{user}",
            i / 60,
            i % 60,
            100 + i % 50
        )
    });
    let loaded = read("missing.csv", text);
    let settings = hindsight::analysis::AnalysisSettings {
        expected_shares: vec![("stable".into(), 0.5), ("canary".into(), 0.5)],
        ..hindsight::analysis::AnalysisSettings::default()
    };
    let analysis =
        hindsight::analysis::analyze(&loaded.log, &settings, &Progress::unwatched()).unwrap();
    for id in ["sample-ratio-requests", "sample-ratio-units"] {
        assert_ne!(health(&analysis, id).severity, Severity::Ok, "{id}");
    }
    assert!(analysis.decision.is_log_unsound);
}

#[test]
fn statuses() {
    use Outcome::{Cancelled, Error, Ok, RateLimited, Unknown};
    let log = |header: &str, words: &[&str]| {
        let words: Vec<String> = words.iter().map(|w| (*w).to_owned()).collect();
        let text = table(&format!("time;variant;latency_ms;{header}"), N, |i| {
            format!(
                "{};{};{}.5;{}",
                time(i),
                arm(i),
                100 + i,
                words[i % words.len()]
            )
        });
        outcomes(&read("status.csv", text).log)[..words.len()].to_vec()
    };
    assert_eq!(
        log("status", &["200", "500", "429", "499", "0"]),
        [Ok, Error, RateLimited, Cancelled, Cancelled]
    );
    assert_eq!(
        log("status", &["OK", "ERROR", "UNSET", "IN_PROGRESS"]),
        [Ok, Error, Ok, Unknown]
    );
    assert_eq!(
        log("state", &["success", "failure", "-"]),
        [Ok, Error, Unknown]
    );
    assert_eq!(
        log("level", &["DEFAULT", "ERROR", "WARNING"]),
        [Ok, Error, Ok]
    );
    assert_eq!(
        log("error", &["", "connection reset", "HTTP 429"]),
        [Ok, Error, RateLimited]
    );
    assert_eq!(
        log("状态", &["成功", "失败", "超时", "已取消"]),
        [Ok, Error, Error, Cancelled]
    );
    assert_eq!(
        log("상태", &["성공", "실패", "시간초과", "정상"]),
        [Ok, Error, Error, Ok]
    );
}

/// The rows that are no requests of their own are left out, and counted.
#[test]
fn several_rows_a_request() {
    let text = table("time,variant,latency_ms,kind", N, |i| {
        format!(
            "{},{},{}.5,{}",
            time(i),
            arm(i / 2),
            100 + i,
            ["llm", "tool"][i % 2]
        )
    });
    let mut mapping = read("spans.csv", &text).mapping;
    mapping.rows = Some(RowFilter {
        column: "kind".to_owned(),
        is: vec!["llm".to_owned()],
    });
    let loaded = read_as("spans.csv", &text, Some(mapping));
    assert_eq!(
        (loaded.log.n_rows(), loaded.n_rows_in_file),
        (N / 2, N as u64)
    );
    let left_out = loaded
        .issues
        .iter()
        .find(|i| i.message.contains("left out"))
        .unwrap();
    assert_eq!(left_out.count, (N / 2) as u64);
}

#[test]
fn variants_as_numbers_and_truth_values() {
    for (words, expected) in [
        (["0", "1"], ["0", "1"]),
        (["true", "false"], ["true", "false"]),
    ] {
        let text = table("time,variant,latency_ms", N, |i| {
            format!("{},{},{}.5", time(i), words[i % 2], 100 + i)
        });
        let log = read("index.csv", text).log;
        assert_eq!(
            log.arms.iter().map(|a| a.name.as_str()).collect::<Vec<_>>(),
            expected
        );
    }
}

/// Signs are dropped, cents are asked for and scaled.
#[test]
fn costs() {
    let log = |cost: &dyn Fn(usize) -> String| {
        table(
            "time;variant;prompt_tokens;completion_tokens;cost",
            N,
            |i| format!("{};{};{};{};{}", time(i), arm(i), 500 + i, 80 + i, cost(i)),
        )
    };
    let cost = |loaded: &Loaded| values(&loaded.log, Quantity::Cost)[0];
    for (text, expected) in [
        ("$0.0021", 0.0021),
        ("1.2E-05", 1.2e-5),
        ("0.002100000", 0.0021),
    ] {
        let loaded = read("cost.csv", log(&|_| text.to_owned()));
        assert_eq!(cost(&loaded), expected, "{text}");
        assert!(
            loaded.mapping.questions.is_empty(),
            "{:?}",
            loaded.mapping.questions
        );
    }
    let text = log(&|i| format!("{}.5", 1 + i % 3));
    let dear = read("cents.csv", &text);
    let mapping = answered(&dear, question(&dear, "or in cents?"), "cents");
    assert_eq!(cost(&read_as("cents.csv", &text, Some(mapping))), 0.015);
}

#[test]
fn thousands_and_decimal_commas() {
    let log = |latency: &dyn Fn(usize) -> String| {
        table("time;variant;latency_ms", N, |i| {
            format!("{};{};{}", time(i), arm(i), latency(i))
        })
    };
    let first = |loaded: &Loaded| values(&loaded.log, Quantity::LatencyMs)[0];
    assert_eq!(
        first(&read("comma.csv", log(&|i| format!("{},25", 100 + i)))),
        100.25
    );
    assert_eq!(
        first(&read("both.csv", log(&|i| format!("1.{:03},5", 100 + i)))),
        1100.5
    );
    let text = log(&|i| format!("1,{:03}", 100 + i));
    let doubtful = read("doubtful.csv", &text);
    let asked = question(&doubtful, "group thousands or begin decimals");
    let mapping = answered(&doubtful, asked, "thousands");
    assert_eq!(mapping.decimal_mark, DecimalMark::Point);
    assert_eq!(
        first(&read_as("doubtful.csv", &text, Some(mapping))),
        1100.0
    );
    let mapping = answered(&doubtful, asked, "decimals");
    assert_eq!(first(&read_as("doubtful.csv", &text, Some(mapping))), 1.1);
}

#[test]
fn byte_order_marks_index_columns_and_quoted_newlines() {
    let text = table(",time,variant,latency_ms,note,note", N, |i| {
        format!(
            "{i},{},{},{}.5,\"two\nlines, \"\"quoted\"\"\",\\u00e9",
            time(i),
            arm(i),
            100 + i
        )
    });
    let loaded = read(
        "excel.csv",
        format!("\u{feff}{}", text.replace('\n', "\r\n")),
    );
    assert_eq!(loaded.log.n_rows(), N);
    let names: Vec<&str> = loaded
        .guesses
        .iter()
        .map(|g| g.profile.name.as_str())
        .collect();
    assert_eq!(names, ["time", "variant", "latency_ms", "note", "note_2"]);
    let escaped = table("", N, |i| {
        format!(
            r#"{{"time":"{}","variant":"caf\u00e9 {}","latency_ms":{}.5}}"#,
            time(i),
            i % 2,
            100 + i
        )
    });
    assert_eq!(read("escaped.jsonl", escaped).log.arms[0].name, "café 0");
}

#[test]
fn compression_is_told_by_content() {
    let text = table("time,variant,latency_ms", N, |i| {
        format!("{},{},{}.5", time(i), arm(i), 100 + i)
    });
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut gz, text.as_bytes()).unwrap();
    assert_eq!(read("log.csv", gz.finish().unwrap()).log.n_rows(), N);
    let zst = zstd::encode_all(text.as_bytes(), 3).unwrap();
    assert_eq!(read("log.csv", zst).log.n_rows(), N);
    let mut bz2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    std::io::Write::write_all(&mut bz2, text.as_bytes()).unwrap();
    assert_eq!(read("log.csv", bz2.finish().unwrap()).log.n_rows(), N);
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for name in ["__MACOSX/._log.csv", ".DS_Store", "log.csv"] {
        zip.start_file(name, zip::write::SimpleFileOptions::default())
            .unwrap();
        std::io::Write::write_all(&mut zip, text.as_bytes()).unwrap();
    }
    let zip = zip.finish().unwrap().into_inner();
    assert_eq!(read("log.csv", zip).log.n_rows(), N);
}

/// Structs become dotted names, lists and maps JSON text whose keys can be read.
#[test]
fn nested_parquet() {
    use polars::prelude::{DataFrame, IntoSeries as _, NamedFrom as _, Series, StructChunked, df};
    use polars_io::parquet::write::ParquetWriter;
    let n = N as i64;
    let mut frame: DataFrame = df!(
        "time" => (0..n).map(|i| 1_772_432_843_000 + i * 250).collect::<Vec<_>>(),
        "latency_ms" => (0..n).map(|i| 100.5 + i as f64).collect::<Vec<_>>(),
    )
    .unwrap();
    let inner = [
        Series::new("arm".into(), (0..N).map(arm).collect::<Vec<_>>()),
        Series::new("n".into(), (0..n).collect::<Vec<_>>()),
    ];
    let info = StructChunked::from_series("info".into(), N, inner.iter()).unwrap();
    frame.with_column(info.into_series().into()).unwrap();
    let pair = |i: i64| {
        let fields = [
            Series::new("key".into(), ["input", "output"]),
            Series::new("value".into(), [500 + i, 80 + i]),
        ];
        StructChunked::from_series("".into(), 2, fields.iter())
            .unwrap()
            .into_series()
    };
    let usage = Series::new("usage".into(), (0..n).map(pair).collect::<Vec<Series>>());
    frame.with_column(usage.into()).unwrap();
    let mut bytes = Vec::new();
    ParquetWriter::new(&mut bytes).finish(&mut frame).unwrap();
    let loaded = read("nested.parquet", &bytes);
    let names: Vec<&str> = loaded
        .guesses
        .iter()
        .map(|g| g.profile.name.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "time",
            "latency_ms",
            "info.arm",
            "info.n",
            "usage",
            "usage.input",
            "usage.output"
        ]
    );
    assert_eq!(
        loaded.mapping.column(Role::Variant).unwrap().column,
        "info.arm"
    );
    let mut mapping = loaded.mapping;
    mapping.assign("usage.output", Some(Role::TokensOut));
    let log = read_as("nested.parquet", &bytes, Some(mapping)).log;
    assert_eq!(values(&log, Quantity::TokensOut)[..2], [80.0, 81.0]);
    assert_eq!(log.arms[1].name, "canary");
}

#[test]
fn words_for_no_value() {
    let words = ["", "null", "None", "NaN", "-", "N/A", "\\N", "nil"];
    let text = table("time,variant,latency_ms,user_id", N, |i| {
        let latency = if i % 2 == 0 {
            words[i / 2 % 8].to_owned()
        } else {
            "100.5".to_owned()
        };
        format!("{},{},{latency},{}", time(i), arm(i), words[i % 8])
    });
    let loaded = read("nulls.csv", &text);
    let missing = values(&loaded.log, Quantity::LatencyMs)
        .iter()
        .filter(|v| v.is_nan())
        .count();
    assert_eq!(missing, N / 2);
    let mut mapping = loaded.mapping;
    mapping.columns.retain(|c| c.role != Role::Unit);
    mapping.columns[2].nulls = vec!["100.5".to_owned()];
    let log = read_as("nulls.csv", &text, Some(mapping)).log;
    assert!(values(&log, Quantity::LatencyMs).iter().all(|v| v.is_nan()));
}

#[test]
fn ids_that_a_spreadsheet_rounded() {
    let text = table("time,variant,latency_ms,user_id", N, |i| {
        format!("{},{},{}.5,1.23{}E+15", time(i), arm(i), 100 + i, i % 9)
    });
    let loaded = read("ids.csv", text);
    assert_eq!(roles(&loaded.mapping)[3], "user_id = User or other unit");
    assert!(has_issue(&loaded, Effect::Assumed, "rounded"));
}

/// Repeated rows, repeated request ids and users in two arms are told apart.
#[test]
fn repeats() {
    let text = table("time,variant,latency_ms,user_id,request_id", N, |i| {
        let i = if i == 50 { 49 } else { i };
        format!(
            "{},{},{}.5,u{},r{}",
            time(i),
            arm(i),
            100 + i,
            i % 7,
            if i == 60 { 10 } else { i }
        )
    });
    let analysis = compare(&read("repeats.csv", text).log, "stable", "canary");
    assert!(!health(&analysis, "repeated-ids").finding.starts_with('0'));
    assert!(
        health(&analysis, "crossing")
            .finding
            .starts_with("7 of 7 users")
    );
}
