//! The same table in another encoding, delimiter, container or unit gives the same analysis.

use hindsight::analysis::Analysis;
use hindsight::data::{Quantity, RequestLog};
use hindsight::ingest::Role;
use serde_json::Value;

use crate::support::real_logs::{compare, read, read_as};

#[test]
fn formats_do_not_change_the_analysis() {
    let aibrix = (
        "aibrix/aibrix_v021_requests.csv",
        "naive",
        "ps_stack_high_low",
    );
    let llmperf = ("llmperf/llmperf_requests.csv", "bedrock", "groq");
    // JSON holds ten decimals of a second.
    for (variant, original, tolerance) in [
        ("aibrix_v021.jsonl.gz", aibrix, 1e-6),
        ("aibrix_v021.jsonl.zst", aibrix, 1e-6),
        ("llmperf_bom_crlf.csv", llmperf, 0.0),
        ("llmperf_semicolon_decimalcomma.csv", llmperf, 0.0),
    ] {
        let (Some(expected), Some(found)) = (read(original.0), read(&in_variants(variant))) else {
            return;
        };
        check_same(variant, &found.log, &expected.log, original, tolerance);
    }
    check_rounded("llmperf_thousands_ms.csv", llmperf);
}

fn in_variants(name: &str) -> String {
    format!("format_variants/{name}")
}

fn check_same(
    name: &str,
    found: &RequestLog,
    expected: &RequestLog,
    (_, control, treatment): (&str, &str, &str),
    tolerance: f64,
) {
    let [found, expected] = [found, expected].map(|log| {
        let mut analysis = compare(log, control, treatment);
        analysis.log.name = String::new();
        serde_json::to_value(&analysis).unwrap()
    });
    let mut differences = Vec::new();
    differ(&found, &expected, tolerance, name, &mut differences);
    let n = differences.len();
    differences.truncate(10);
    assert!(n == 0, "{n} differences: {differences:#?}");
}

/// The Parquet file has the start twice: as the original's number, which gives the same analysis to
/// the last bit, and as a stamp of whole nanoseconds, which rounds to another microsecond where the
/// number stands half-way.
#[test]
fn parquet_stamps_equal_numbers_to_the_microsecond() {
    let original = (
        "aibrix/aibrix_v021_requests.csv",
        "naive",
        "ps_stack_high_low",
    );
    let (Some(expected), Some(stamped)) = (
        read(original.0),
        read(&in_variants("aibrix_v021_ts_ns_utc.parquet")),
    ) else {
        return;
    };
    let mut mapping = stamped.mapping.clone();
    assert_eq!(mapping.column(Role::Time).unwrap().column, "ts");
    mapping.assign("launch_time", Some(Role::Time));
    let numbered = read_as(&stamped.files[0].source.path, Some(mapping));
    // The column that is not used then is named; the original has none of it.
    let mut numbered = (*numbered.log).clone();
    numbered.unread_columns.retain(|column| column != "ts");
    check_same("parquet", &numbered, &expected.log, original, 0.0);
    let moved = |(a, b): (&i64, &i64)| {
        assert!((a - b).abs() <= 1, "{a} {b}");
        a != b
    };
    let starts = stamped.log.start_us.iter().zip(&expected.log.start_us);
    let n_moved = starts.filter(|pair| moved(*pair)).count();
    assert!(n_moved < 1000, "{n_moved} stamps moved");
    let stamped = compare(&stamped.log, original.1, original.2);
    let expected = compare(&expected.log, original.1, original.2);
    let ttft = |analysis: &Analysis| serde_json::to_value(&analysis.latency[1]).unwrap();
    assert_eq!(ttft(&stamped), ttft(&expected));
}

/// Collects the places at which two values differ by more than `tolerance`, absolute below 1 and
/// relative above.
fn differ(found: &Value, expected: &Value, tolerance: f64, at: &str, out: &mut Vec<String>) {
    match (found, expected) {
        (Value::Object(a), Value::Object(b)) if a.len() == b.len() => {
            for (key, value) in b {
                differ(&a[key], value, tolerance, &format!("{at}.{key}"), out);
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (i, (x, y)) in a.iter().zip(b).enumerate() {
                differ(x, y, tolerance, &format!("{at}[{i}]"), out);
            }
        }
        (Value::Number(a), Value::Number(b)) if tolerance > 0.0 => {
            let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
            if (a - b).abs() > tolerance * a.abs().max(b.abs()).max(1.0) {
                out.push(format!("{at}: {a} is not {b}"));
            }
        }
        _ if found == expected => {}
        _ => out.push(format!("{at}: {found} is not {expected}")),
    }
}

/// Every row was rounded to 0.1 ms, so every quantile moved by at most half of that.
fn check_rounded(variant: &str, (original, control, treatment): (&str, &str, &str)) {
    let (Some(exact), Some(rounded)) = (read(original), read(&in_variants(variant))) else {
        return;
    };
    for quantity in [Quantity::LatencyMs, Quantity::TtftMs] {
        let (a, b) = (exact.log.quantity(quantity), rounded.log.quantity(quantity));
        for (a, b) in a.unwrap().iter().zip(b.unwrap().iter()) {
            assert!((a - b).abs() <= 0.050_001, "{a} {b}");
        }
    }
    let [exact, rounded] = [exact, rounded].map(|l| compare(&l.log, control, treatment));
    for (a, b) in exact.latency.iter().zip(&rounded.latency) {
        for (a, b) in a.arms.iter().zip(&b.arms) {
            assert_eq!((a.n, a.n_not_positive), (b.n, b.n_not_positive));
            assert!((a.mean_ms - b.mean_ms).abs() <= 0.050_001);
            for (a, b) in a.quantiles.iter().zip(&b.quantiles) {
                assert!((a.estimate.value - b.estimate.value).abs() <= 0.050_001);
            }
        }
    }
    let counts = |a: &Analysis| a.arms.iter().map(|arm| arm.outcomes).collect::<Vec<_>>();
    assert_eq!(counts(&exact), counts(&rounded));
    assert_eq!(exact.decision.kind, rounded.decision.kind);
}
