//! Broken, odd and hostile files: each is read with an issue that names the place, or refused with
//! an error that says what to do. Nothing is dropped in silence and nothing panics.

mod changing;
mod containers;
#[cfg(unix)]
mod special;
mod table;

pub(crate) use containers::parquet;

use std::fs;
use std::path::Path;

use hindsight::analysis::{AnalysisSettings, analyze};
use hindsight::data::{Outcome, Quantity, RequestLog};
use hindsight::error::{Error, ErrorKind, Result};
use hindsight::ingest::{DecimalMark, Effect, Issue, LoadRequest, Loaded, Mapping, load};
use hindsight::jobs::Progress;

/// What a file should lead to.
enum Expect<'a> {
    /// Refused: kind and a part of the message.
    Refused(ErrorKind, &'a str),
    /// Read: rows kept, and all rejections, gaps and assumptions as `effect column message xN @lines`.
    Read(usize, &'a [&'a str]),
}
use Expect::{Read, Refused};

#[track_caller]
fn check(name: &str, bytes: impl AsRef<[u8]>, expect: &Expect<'_>) -> Option<Loaded> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    let found = read(&path, None);
    match (expect, found) {
        (Refused(kind, message), Err(error)) => {
            check_error(name, &error, *kind, message);
            None
        }
        (Read(n_rows, issues), Ok(loaded)) => {
            assert_eq!(loaded.log.n_rows(), *n_rows, "{name}");
            assert_eq!(&losses(&loaded.issues), issues, "{name}");
            check_log(name, &loaded.log);
            Some(loaded)
        }
        (Refused(..), Ok(_)) => panic!("{name} was read"),
        (Read(..), Err(error)) => panic!("{name} was refused: {error}"),
    }
}

fn read(path: &Path, mapping: Option<Mapping>) -> Result<Loaded> {
    let request = LoadRequest {
        paths: vec![path.to_path_buf()],
        mapping,
        ..LoadRequest::default()
    };
    load(&request, &Progress::unwatched())
}

#[track_caller]
fn check_error(name: &str, error: &Error, kind: ErrorKind, message: &str) {
    assert_eq!(error.kind, kind, "{name}: {error}");
    assert!(error.message.contains(message), "{name}: {error}");
    assert!(!error.message.ends_with('.'), "{name}: {error}");
    assert!(
        !error.hint.is_empty(),
        "{name} says not what to do: {error}"
    );
    assert!(error.place.path.is_some(), "{name} names no file: {error}");
}

/// The invariants of a log, and that it can be analysed.
#[track_caller]
fn check_log(name: &str, log: &RequestLog) {
    assert!(log.event_us.is_sorted(), "{name}");
    assert!(
        log.quantities
            .iter()
            .all(|(_, v)| v.iter().all(|x| !x.is_infinite()))
    );
    analyze(log, &AnalysisSettings::default(), &Progress::unwatched())
        .unwrap_or_else(|e| panic!("{name}: {e}"));
}

fn losses(issues: &[Issue]) -> Vec<String> {
    let grave = issues.iter().filter(|i| i.effect != Effect::Noted);
    grave
        .map(|i| {
            let column = i
                .column
                .as_ref()
                .map(|c| format!(" {c}"))
                .unwrap_or_default();
            let lines: Vec<String> = i.lines.iter().map(u64::to_string).collect();
            let place = if lines.is_empty() {
                String::new()
            } else {
                format!(" x{} @{}", i.count, lines.join(","))
            };
            format!("{}{column}: {}{place}", i.effect.label(), i.message)
        })
        .collect()
}

/// A plain log: `n` rows of two arms with time, user, status, latency and rating.
fn rows(n: usize) -> Vec<String> {
    (0..n)
        .map(|i| {
            format!(
                "2026-03-02T06:{:02}:{:02}Z,u{},{},200,{}.5,{}",
                i / 60 % 60,
                i % 60,
                i % 17,
                ["stable", "canary"][i % 2],
                100 + i % 50,
                1 + i % 5
            )
        })
        .collect()
}

const HEADER: &str = "timestamp,user_id,variant,status,latency_ms,rating";

fn csv_of(rows: &[String]) -> String {
    format!("{HEADER}\n{}\n", rows.join("\n"))
}

/// [`rows`] with one of them replaced; row 0 stands on line 2.
fn with(n: usize, i: usize, row: &str) -> String {
    let mut rows = rows(n);
    row.clone_into(&mut rows[i]);
    csv_of(&rows)
}

/// The values of one column (by its place in [`HEADER`]) replaced by a function of the row.
fn with_column(n: usize, column: usize, value: impl Fn(usize) -> String) -> String {
    let changed: Vec<String> = rows(n)
        .iter()
        .enumerate()
        .map(|(i, row)| {
            let mut fields: Vec<String> = row.split(',').map(str::to_owned).collect();
            fields[column] = value(i);
            fields.join(",")
        })
        .collect();
    csv_of(&changed)
}

#[test]
fn a_plain_log_has_no_losses() {
    check("plain.csv", csv_of(&rows(60)), &Read(60, &[]));
    let no_newline = csv_of(&rows(60)).trim_end().to_owned();
    check("no_newline.csv", no_newline, &Read(60, &[]));
}

#[test]
fn files_without_rows() {
    let refused = |message| Refused(ErrorKind::NotARequestLog, message);
    check("empty.csv", "", &refused("The file is empty"));
    check("blank.csv", "\n \n\n", &refused("only blank lines"));
    check(
        "header.csv",
        format!("{HEADER}\n"),
        &refused("column names but no rows"),
    );
    check(
        "header_only.csv",
        HEADER,
        &refused("column names but no rows"),
    );
    check("one_column.csv", "variant\na\nb\n", &refused("no columns"));
    check(
        "prose.txt",
        "This is a note.\nNothing else.\n",
        &refused("no columns"),
    );
}

#[test]
fn encodings() {
    let text = csv_of(&rows(60));
    let crlf = format!("\u{feff}{}", text.replace('\n', "\r\n"));
    let loaded = check("bom_crlf.csv", &crlf, &Read(60, &[])).unwrap();
    assert_eq!(loaded.mapping.columns[0].column, "timestamp");
    check("mac.csv", text.replace('\n', "\r"), &Read(60, &[]));
    check(
        "nul.csv",
        text.replace("u3,", "u\0,"),
        &Refused(
            ErrorKind::Malformed,
            "The text holds NUL characters, first in line 5",
        ),
    );
    let mut latin = text.replace("canary", "can\u{1}ry").into_bytes();
    latin
        .iter_mut()
        .filter(|b| **b == 1)
        .for_each(|b| *b = 0xe9);
    let loaded = check(
        "latin1.csv",
        latin,
        &Read(60, &["assumed: Bytes that are not UTF-8 x30 @3,5,7,9,11"]),
    );
    assert_eq!(loaded.unwrap().log.arms[1].name, "can\u{fffd}ry");
}

#[test]
fn ragged_rows() {
    let short = "2026-03-02T06:00:09Z,u9,stable";
    check(
        "short.csv",
        with(60, 9, short),
        &Read(
            60,
            &["values missing: Fewer fields than column names x1 @11"],
        ),
    );
    let long = "2026-03-02T06:00:09Z,u9,stable,200,100,5,and more";
    let loaded = check(
        "long.csv",
        with(60, 9, long),
        &Read(59, &["rows rejected: More fields than column names x1 @11"]),
    );
    assert_eq!(loaded.unwrap().n_rows_in_file, 60);
    let trailing = csv_of(&rows(60)).replace(".5,1\n", ".5,1,,\n");
    check("trailing_commas.csv", trailing, &Read(60, &[]));
}

/// Lines are counted as an editor counts them, whatever stands between.
#[test]
fn line_numbers_survive_quoted_newlines_blank_lines_and_crlf() {
    let bad = |time: &str| format!("{time},u1,stable,200,fast,5");
    let mut lines = rows(60);
    lines[3] = "2026-03-02T06:00:03Z,\"u\n\n3\",stable,200,100,5".to_owned();
    lines[10] = bad("2026-03-02T06:00:10Z");
    lines[20] = format!("\n\n{}", bad("2026-03-02T06:00:20Z"));
    let text = csv_of(&lines);
    // Header, two newlines inside a value, two blank lines.
    let issue = "values missing latency_ms: Not a number x2 @14,26";
    check("lf.csv", &text, &Read(60, &[issue]));
    check("crlf.csv", text.replace('\n', "\r\n"), &Read(60, &[issue]));
    for (number, line) in text.lines().enumerate() {
        assert_eq!(
            line.contains("fast"),
            [14, 26].contains(&(number + 1)),
            "{number} {line}"
        );
    }
}

#[test]
fn a_quote_that_is_never_closed_is_named() {
    let open = "2026-03-02T06:00:09Z,\"u9,stable,200,100,5";
    let issue = "rows rejected: A quote that is never closed x1 @11";
    check("unclosed.csv", with(60, 9, open), &Read(9, &[issue]));
    let last = "2026-03-02T06:00:09Z,u9,stable,200,100,\"5";
    check("unclosed_last.csv", with(60, 9, last), &Read(9, &[issue]));
    check(
        "unclosed_first_row.csv",
        with(60, 0, open),
        &Refused(ErrorKind::Malformed, "No row fits the column names"),
    );
    // A closed value may end with a newline of its own.
    let closed = with(60, 59, "2026-03-02T06:00:59Z,u1,canary,200,100,\"5\n\"");
    check("closed.csv", closed.trim_end(), &Read(60, &[]));
}

#[test]
fn headers() {
    let duplicate = csv_of(&rows(60)).replacen("rating", "status", 1);
    let loaded = check("duplicate.csv", duplicate, &Read(60, &[])).unwrap();
    let names: Vec<&str> = loaded
        .guesses
        .iter()
        .map(|g| g.profile.name.as_str())
        .collect();
    assert_eq!(names[3..], ["status", "latency_ms", "status_2"]);
    let lines = rows(60).into_iter().enumerate();
    let indexed: Vec<String> = lines.map(|(i, row)| format!("{i},{row}")).collect();
    let unnamed = format!(",{HEADER}\n{}\n", indexed.join("\n"));
    let loaded = check("unnamed_index.csv", unnamed, &Read(60, &[])).unwrap();
    assert_eq!(loaded.guesses.len(), 6);
}

#[test]
fn arms_and_missing_columns() {
    let one = csv_of(&rows(60)).replace("canary", "stable");
    let loaded = check("one_arm.csv", one, &Read(60, &[])).unwrap();
    assert_eq!(loaded.log.arms.len(), 1);
    let no_latency: Vec<String> = rows(60)
        .iter()
        .map(|row| row.split(',').take(4).collect::<Vec<_>>().join(","))
        .collect();
    let text = format!(
        "timestamp,user_id,variant,status\n{}\n",
        no_latency.join("\n")
    );
    let loaded = check("no_latency.csv", text, &Read(60, &[])).unwrap();
    assert!(loaded.log.quantity(Quantity::LatencyMs).is_none());
    let nulls = with_column(60, 4, |i| ["", "null", "NaN", "\\N"][i % 4].to_owned());
    let loaded = check("null_latency.csv", nulls, &Read(60, &[])).unwrap();
    assert!(loaded.log.quantity(Quantity::LatencyMs).is_none());
    let gap = with(60, 9, "2026-03-02T06:00:09Z,u9,,200,100,5");
    check(
        "no_variant.csv",
        gap,
        &Read(59, &["rows rejected variant: No variant x1 @11"]),
    );
    let ids = "id,name\n1,a\n2,b\n3,c\n";
    check(
        "customers.csv",
        ids,
        &Refused(ErrorKind::NotARequestLog, "No column looks like"),
    );
}

#[test]
fn numbers() {
    let negative = with_column(60, 4, |i| if i == 9 { "-5".into() } else { "100.5".into() });
    check(
        "negative.csv",
        negative,
        &Read(60, &["values missing latency_ms: Negative value x1 @11"]),
    );
    let odd = with_column(60, 4, |i| match i {
        5 => "NaN".into(),
        7 => "inf".into(),
        9 => "-Infinity".into(),
        11 => "1e999".into(),
        _ => "100.5".into(),
    });
    let loaded = check(
        "nan_inf.csv",
        odd,
        &Read(60, &["values missing latency_ms: Not a number x3 @9,11,13"]),
    );
    let missing = |log: &RequestLog| {
        let values = log.quantity(Quantity::LatencyMs).unwrap();
        values.iter().filter(|v| v.is_nan()).count()
    };
    assert_eq!(missing(&loaded.unwrap().log), 4);
}

#[test]
fn decimal_marks() {
    let latency = |loaded: &Loaded| {
        let row = loaded.log.row.iter().position(|r| *r == 0).unwrap();
        loaded.log.quantity(Quantity::LatencyMs).unwrap()[row]
    };
    let ambiguous = with_column(60, 4, |i| format!("\"1,{:03}\"", 100 + i));
    let comma = "assumed latency_ms: Not told by the values: Does the comma in 1,100 group thousands or begin decimals? Assumed: thousands";
    let loaded = check("ambiguous.csv", &ambiguous, &Read(60, &[comma])).unwrap();
    assert_eq!(latency(&loaded), 1100.0);
    // The mapping says otherwise.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ambiguous.csv");
    fs::write(&path, &ambiguous).unwrap();
    let mapping = Mapping {
        decimal_mark: DecimalMark::Comma,
        ..loaded.mapping
    };
    assert_eq!(latency(&read(&path, Some(mapping)).unwrap()), 1.1);

    let thousands = with_column(60, 4, |i| format!("\"1,{:03}.5\"", 100 + i));
    let loaded = check("thousands.csv", thousands, &Read(60, &[])).unwrap();
    assert_eq!(latency(&loaded), 1100.5);
    let decimal = with_column(60, 4, |i| format!("{}.5", 100 + i));
    let decimal = decimal.replace(',', ";").replace('.', ",");
    let loaded = check("decimal_comma.csv", decimal, &Read(60, &[])).unwrap();
    assert_eq!(latency(&loaded), 100.5);
}

#[test]
fn times() {
    let mut reversed = rows(60);
    reversed.reverse();
    let loaded = check("unsorted.csv", csv_of(&reversed), &Read(60, &[])).unwrap();
    assert!(loaded.log.event_us.is_sorted());
    let same = |i: usize| {
        format!(
            "2026-03-02T06:00:00Z,u{i},{},200,100,5",
            ["stable", "canary"][i % 2]
        )
    };
    let equal = csv_of(&(0..60).map(same).collect::<Vec<_>>());
    let loaded = check("equal.csv", equal, &Read(60, &[])).unwrap();
    assert!(loaded.log.row.is_sorted(), "ties keep file order");
    let absurd = with_column(60, 0, |i| match i {
        3 => "0001-01-01T00:00:00Z".into(),
        5 => "1970-01-01T00:00:00Z".into(),
        9 => "9999-12-31T23:59:59Z".into(),
        11 => "2026-02-30T00:00:00Z".into(),
        13 => "soon".into(),
        _ => format!("2026-03-02T06:00:{i:02}Z"),
    });
    check(
        "absurd.csv",
        absurd,
        &Read(
            55,
            &[
                "rows rejected timestamp: A time outside the years 2000 to 2100 x3 @5,7,11",
                "rows rejected timestamp: Not a time that could be read x2 @13,15",
            ],
        ),
    );
    let zeroes = with_column(60, 0, |i| {
        if i == 4 {
            "0".into()
        } else {
            format!("{}", 1_772_432_843 + i)
        }
    });
    let issue = "rows rejected timestamp: A time outside the years 2000 to 2100 x1 @6";
    check("zero_epoch.csv", zeroes, &Read(59, &[issue]));
}

#[test]
fn outcomes() {
    use Outcome::{Cancelled, Error, Ok, RateLimited, Unknown};
    let outcomes = |loaded: &Loaded| {
        let mut order: Vec<usize> = (0..loaded.log.n_rows()).collect();
        order.sort_by_key(|&i| loaded.log.row[i]);
        order
            .into_iter()
            .map(|i| loaded.log.outcome[i])
            .collect::<Vec<_>>()
    };
    let words = [
        "200", "OK", "success", "500", "error", "timeout", "429", "499", "", "weird",
    ];
    let mixed = with_column(60, 3, |i| words[i % 10].to_owned());
    let issue = "values missing status: Status that is not known x6 @11,21,31,41,51";
    let loaded = check("mixed.csv", mixed, &Read(60, &[issue])).unwrap();
    let expected = [
        Ok,
        Ok,
        Ok,
        Error,
        Error,
        Error,
        RateLimited,
        Cancelled,
        Unknown,
        Unknown,
    ];
    assert_eq!(outcomes(&loaded)[..10], expected);
    let no_errors = with_column(60, 3, |_| String::new()).replacen("status", "error", 1);
    let loaded = check("no_errors.csv", no_errors, &Read(60, &[])).unwrap();
    assert!(loaded.log.has_outcome && outcomes(&loaded).iter().all(|o| *o == Ok));
    let messages = with_column(60, 3, |i| {
        ["", "connection reset", "HTTP 429: rate limit"][i % 3].to_owned()
    });
    let messages = messages.replacen("status", "error_message", 1);
    let loaded = check("messages.csv", messages, &Read(60, &[])).unwrap();
    assert_eq!(outcomes(&loaded)[..3], [Ok, Error, RateLimited]);
}

/// Labels are data: kept as they are, and made harmless where they are shown.
#[test]
fn hostile_labels_are_kept_as_they_are() {
    for label in [
        "<script>alert(1)</script>",
        "=HYPERLINK(\"http://evil.example\")",
        "\u{1b}[2J\u{1b}]0;owned\u{7}",
        "\u{202e}gpj.exe",
        "안녕 👩‍🔬",
    ] {
        let quoted = format!("\"{}\"", label.replace('"', "\"\""));
        let text = csv_of(&rows(60)).replace("canary", &quoted);
        let loaded = check("hostile.csv", text, &Read(60, &[])).unwrap();
        assert_eq!(loaded.log.arms[1].name, label);
    }
}
