//! Cells: the same from the program and from an engine, whatever the pieces and the threads.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use hindsight::cells::sql::DIALECTS;
use hindsight::cells::{Cells, Measure, Scope, UnitMeasure};
use hindsight::data::{Outcome, Quantity};
use hindsight::ingest::{CELLS_FILE, LoadRequest, STAGES_FILE, UNITS_FILE, load, read_cells};
use hindsight::jobs::Progress;

pub(crate) fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-data/canary-rollout.parquet")
}

pub(crate) fn hindsight(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_hindsight"))
        .args(arguments)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Counts are equal, sums to 1e-12 of them.
fn assert_same(a: &Cells, b: &Cells) {
    assert_eq!(
        (a.width_us, &a.arms, &a.places),
        (b.width_us, &b.arms, &b.places)
    );
    assert_eq!(a.extra_names, b.extra_names);
    let is_near = |x: f64, y: f64| (x - y).abs() <= 1e-12 * x.abs().max(y.abs());
    assert_eq!(a.cells.len(), b.cells.len());
    assert_eq!(a.stages.len(), b.stages.len());
    let of_stages = a.stages.iter().zip(&b.stages);
    for (a, b) in a.cells.iter().zip(&b.cells).chain(of_stages) {
        let key = |c: &hindsight::cells::Cell| {
            (c.place, c.measure, c.arm, c.time_us, c.bin, c.n, c.span_us)
        };
        assert_eq!(key(a), key(b));
        assert!(
            is_near(a.sum, b.sum) && is_near(a.sum_sq, b.sum_sq),
            "{a:?} {b:?}"
        );
    }
    assert_eq!(a.units.len(), b.units.len());
    for (a, b) in a.units.iter().zip(&b.units) {
        let key = |u: &hindsight::cells::UnitCell| {
            (u.place, u.measure, u.scope, u.groups, u.sums.n_units)
        };
        assert_eq!(key(a), key(b));
        let (s, t) = (a.sums, b.sums);
        let pairs = [
            (s.num, t.num),
            (s.den, t.den),
            (s.num_num, t.num_num),
            (s.num_den, t.num_den),
            (s.den_num, t.den_num),
            (s.den_den, t.den_den),
        ];
        assert!(pairs.iter().all(|(x, y)| is_near(*x, *y)), "{a:?} {b:?}");
    }
}

#[test]
fn counts_and_sums_are_those_of_the_rows() {
    let folder = tempfile::tempdir().unwrap();
    hindsight(&["cells", text(&sample()), "--out", text(folder.path())]);
    let cells = read_cells(folder.path()).unwrap();
    let log = load(&LoadRequest::of(sample()), &Progress::unwatched())
        .unwrap()
        .log;
    assert_eq!(cells.n_requests(), log.n_rows() as u64);
    let whole = |measure: Measure, bin: Option<i32>| {
        let own = cells
            .cells
            .iter()
            .filter(move |c| c.measure == measure && c.bin == bin);
        let of_log = own.filter(|c| cells.places[c.place as usize].segment.is_empty());
        of_log.fold((0, 0.0), |(n, sum), c| (n + c.n, sum + c.sum))
    };
    let failed = log
        .outcome
        .iter()
        .filter(|outcome| outcome.is_error())
        .count() as u64;
    let (errors, limited) = (
        whole(Measure::Outcome, Some(1)),
        whole(Measure::Outcome, Some(2)),
    );
    assert_eq!(errors.0 + limited.0, failed);
    for quantity in [
        Quantity::Rating,
        Quantity::TokensIn,
        Quantity::TokensOut,
        Quantity::Cost,
    ] {
        // A failure has no answer that could be long.
        let counts =
            |row: usize| quantity != Quantity::TokensOut || log.outcome[row] == Outcome::Ok;
        let numbers = log.quantity(quantity).unwrap();
        let rows = (0..log.n_rows()).filter(|row| counts(*row));
        let values: Vec<f64> = rows
            .map(|row| numbers[row])
            .filter(|v| !v.is_nan())
            .collect();
        let (n, sum) = whole(Measure::Of(quantity), None);
        let expected: f64 = values.iter().sum();
        assert_eq!(n, values.len() as u64);
        assert!(
            (sum - expected).abs() < 1e-10 * expected,
            "{quantity:?} {sum} {expected}"
        );
    }
    // Every segment column splits the same requests.
    for segment in ["language", "region", "task"] {
        let is_of = |c: &&hindsight::cells::Cell| {
            c.measure == Measure::Requests && cells.places[c.place as usize].segment == segment
        };
        let n: u64 = cells.cells.iter().filter(is_of).map(|c| c.n).sum();
        assert_eq!(n, log.n_rows() as u64, "{segment}");
    }
    // Users of an arm, whatever the stages they came in.
    for (arm, name) in cells.arms.iter().enumerate() {
        let at = log.arm_index(name).unwrap();
        let units = log.units.as_ref().unwrap();
        let mut ids: Vec<u32> = log.rows_of_arm(at).map(|row| units.of_row(row)).collect();
        let n_requests = ids.len() as f64;
        ids.sort_unstable();
        ids.dedup();
        let found = cells.units.iter().find(|u| {
            u.measure == UnitMeasure::Requests
                && u.scope == Scope::All
                && u.groups.iter().all(|group| usize::from(group.arm) == arm)
                && cells.places[u.place as usize].segment.is_empty()
        });
        let sums = found.unwrap().sums;
        assert_eq!(
            (sums.n_units, sums.den),
            (ids.len() as u64, n_requests),
            "{name}"
        );
    }
}

#[test]
fn pieces_and_threads_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let out = |name: &str| folder.path().join(name);
    let small = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-data/canary-rollout-20k.csv");
    // Told from several files, their names would be a column too.
    let mapping = out("mapping.toml");
    hindsight(&["inspect", text(&small), "--write-mapping", text(&mapping)]);
    let mapped = ["cells", "--mapping", text(&mapping)];
    let cells = |arguments: &[&str]| hindsight(&[&mapped[..], arguments].concat());
    for (name, threads) in [("one", "1"), ("four", "4")] {
        let status = Command::new(env!("CARGO_BIN_EXE_hindsight"))
            .args([&mapped[..], &[text(&small), "--out", text(&out(name))]].concat())
            .env("RAYON_NUM_THREADS", threads)
            .status()
            .unwrap();
        assert!(status.success());
    }
    for file in [CELLS_FILE, STAGES_FILE, UNITS_FILE] {
        let read = |name: &str| std::fs::read(out(name).join(file)).unwrap();
        assert!(read("one") == read("four"), "{file}");
    }
    // A log in two files is the log; the cells of each, merged, are its cells.
    let lines = std::fs::read_to_string(&small).unwrap();
    let lines: Vec<&str> = lines.lines().collect();
    let mut parts = Vec::new();
    for (name, rows) in [("a", &lines[1..9_000]), ("b", &lines[9_000..])] {
        let path = out(&format!("{name}.csv"));
        let body = [&lines[..1], rows].concat().join("\n") + "\n";
        std::fs::write(&path, body).unwrap();
        cells(&[text(&path), "--out", text(&out(name))]);
        parts.push(path);
    }
    let [a, b] = [&parts[0], &parts[1]].map(|path| text(path));
    cells(&[a, b, "--out", text(&out("both"))]);
    let [a, b] = [out("a"), out("b")];
    cells(&[text(&a), text(&b), "--out", text(&out("merged"))]);
    let whole = read_cells(&out("one")).unwrap();
    assert_same(&whole, &read_cells(&out("both")).unwrap());
    let merged = read_cells(&out("merged")).unwrap();
    // Users of a stretch of time may be in both.
    let without_users = |cells: Cells| {
        let kept = cells
            .cells
            .into_iter()
            .filter(|c| c.measure != Measure::Users);
        Cells {
            cells: kept.collect(),
            stages: Vec::new(),
            units: Vec::new(),
            ..cells
        }
    };
    assert_same(&without_users(whole), &without_users(merged));
}

/// Runs a query in `DuckDB` and writes its result; `None` where Python has no `DuckDB`.
fn in_duckdb(query: &str, into: &Path) -> Option<()> {
    let has = Command::new("python3")
        .args(["-c", "import duckdb"])
        .output();
    if !has.is_ok_and(|output| output.status.success()) {
        println!("skipped: python3 has no duckdb");
        return None;
    }
    let program = "import duckdb, sys\nc = duckdb.connect()\nc.execute(\"SET TimeZone='UTC'\")\nc.execute(f\"COPY ({sys.argv[1]}) TO '{sys.argv[2]}' (FORMAT parquet)\")";
    let output = Command::new("python3")
        .args(["-c", program, query, text(into)])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{query}");
    Some(())
}

/// The program's cells of a log are those of the printed queries.
fn check_against_duckdb(log: &Path, from: &str) {
    let folder = tempfile::tempdir().unwrap();
    let (ours, theirs) = (folder.path().join("ours"), folder.path().join("theirs"));
    let mapping = folder.path().join("mapping.toml");
    hindsight(&["inspect", text(log), "--write-mapping", text(&mapping)]);
    hindsight(&[
        "cells",
        text(log),
        "--mapping",
        text(&mapping),
        "--out",
        text(&ours),
    ]);
    std::fs::create_dir(&theirs).unwrap();
    let sql = [
        "cells",
        "--mapping",
        text(&mapping),
        "--sql",
        "duckdb",
        "--from",
        from,
    ];
    let query = hindsight(&sql);
    if in_duckdb(&query, &theirs.join(CELLS_FILE)).is_none() {
        return;
    }
    // The other queries need nothing but the first one's result.
    let query = hindsight(&[&sql[..], &[text(&theirs)]].concat());
    in_duckdb(&query, &theirs.join(UNITS_FILE));
    if ours.join(STAGES_FILE).exists() && !read_cells(&ours).unwrap().stages.is_empty() {
        let query = hindsight(&[&sql[..], &["--table", "stages", text(&theirs)]].concat());
        in_duckdb(&query, &theirs.join(STAGES_FILE));
    }
    let (ours, theirs) = (read_cells(&ours).unwrap(), read_cells(&theirs).unwrap());
    assert!(!ours.cells.is_empty() && !ours.units.is_empty());
    assert_same(&ours, &theirs);
}

#[test]
fn duckdb_makes_the_same_cells_of_the_sample() {
    check_against_duckdb(&sample(), &format!("read_parquet('{}')", text(&sample())));
}

/// Every kind of status, missing values, requests without a user or an arm, epochs in seconds.
#[test]
fn duckdb_makes_the_same_cells_of_a_log_with_flaws() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("flaws.csv");
    let statuses = [
        "200", "503", "429", "499", "ok", "Timeout", "", "실패", "pending", "299.0", "weird",
    ];
    let mut lines = "ts,variant,user_id,status,latency_s,ttft_ms,rating,copied,region\n".to_owned();
    for i in 0..4_000_u32 {
        let pick = |n: u32| (i.wrapping_mul(2_654_435_761) >> 7) % n;
        let user = match pick(9) {
            0 => String::new(),
            1 => "null".to_owned(),
            _ => format!("u{}", pick(311)),
        };
        let arm = if pick(97) == 3 {
            ""
        } else {
            ["control", "it's \\ new"][pick(2) as usize]
        };
        let latency = match pick(31) {
            0 => String::new(),
            1 => "0".to_owned(),
            2 => "-1".to_owned(),
            3 => "4000.5".to_owned(),
            _ => format!("{}.{:04}", pick(7), pick(9_999)),
        };
        let rating = if pick(4) == 0 {
            (pick(5) + 1).to_string()
        } else {
            String::new()
        };
        let (ttft, copied) = (pick(700) * pick(2), pick(3) % 2);
        writeln!(
            lines,
            "{}.{:06},{arm},{user},{},{latency},{ttft},{rating},{copied},{}",
            1_765_000_000 + i * 61,
            pick(1_000_000),
            statuses[pick(11) as usize],
            ["eu", "o'hare", "서울", ""][pick(4) as usize],
        )
        .unwrap();
    }
    std::fs::write(&log, lines).unwrap();
    check_against_duckdb(
        &log,
        &format!("read_csv('{}', all_varchar = true)", text(&log)),
    );
}

#[test]
fn every_engine_has_both_queries_and_what_they_cannot_say_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (mapping, out) = (
        folder.path().join("mapping.toml"),
        folder.path().join("cells"),
    );
    hindsight(&[
        "inspect",
        text(&sample()),
        "--write-mapping",
        text(&mapping),
    ]);
    hindsight(&["cells", text(&sample()), "--out", text(&out)]);
    for dialect in DIALECTS {
        let sql = [
            "cells",
            "--mapping",
            text(&mapping),
            "--sql",
            dialect.name,
            "--from",
            "logs",
        ];
        let cells = hindsight(&sql);
        let units = hindsight(&[&sql[..], &[text(&out)]].concat());
        let stages = hindsight(&[&sql[..], &["--table", "stages", text(&out)]].concat());
        for query in [&cells, &units, &stages] {
            assert!(
                query.contains("FROM logs") && !query.replace("'{}'", "").contains("{}"),
                "{query}"
            );
            assert_eq!(query.matches('(').count(), query.matches(')').count());
        }
    }
    let refused = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_hindsight"))
            .args(arguments)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let said = refused(&["cells", "--mapping", text(&mapping), "--sql", "oracle"]);
    assert!(
        said.contains("duckdb, spark, clickhouse, trino, bigquery"),
        "{said}"
    );
    let written = std::fs::read_to_string(&mapping).unwrap();
    let with_zone = folder.path().join("zone.toml");
    std::fs::write(&with_zone, format!("time_zone = \"Asia/Seoul\"\n{written}")).unwrap();
    let said = refused(&["cells", "--mapping", text(&with_zone), "--sql", "spark"]);
    assert!(
        said.contains("A time zone cannot be written as a query"),
        "{said}"
    );
}
