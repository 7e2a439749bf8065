//! Opening a log: the bundled sample, grown to several pieces of a file; or, of the log that
//! `HINDSIGHT_LOG` names, how soon opening and comparing stop when they are cancelled.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a bench that cannot run stops, and prints what it found"
)]

use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hindsight::analysis::{AnalysisSettings, analyze};
use hindsight::error::Result;
use hindsight::ingest::{LoadRequest, load};
use hindsight::jobs::Progress;

/// The sample's logs in a folder that goes away at the end.
fn sample() -> (tempfile::TempDir, Vec<PathBuf>) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let paths = hindsight::sample::write(folder.path(), 1, &Progress::unwatched());
    (folder, paths.expect("the sample"))
}

fn opening(criterion: &mut Criterion) {
    if let Some(path) = std::env::var_os("HINDSIGHT_LOG") {
        return cancelling(Path::new(&path));
    }
    let (_folder, paths) = sample();
    let mut group = criterion.benchmark_group("load");
    group.sample_size(10);
    let is_log = |path: &&PathBuf| {
        let ending = path.extension().and_then(|e| e.to_str());
        matches!(ending, Some("csv" | "parquet" | "jsonl"))
    };
    for path in paths.iter().filter(is_log) {
        let bytes = fs::metadata(path).map_or(0, |meta| meta.len());
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned());
        group.throughput(Throughput::Bytes(bytes));
        group.bench_function(name.unwrap_or_default(), |bencher| {
            bencher.iter(|| {
                let loaded = load(&LoadRequest::of(path), &Progress::unwatched());
                black_box(loaded.expect("the sample opens"))
            });
        });
    }
    group.finish();
}

/// Cancels at moments spread over the whole work.
const MOMENTS: u32 = 25;

fn cancelling(path: &Path) {
    let request = LoadRequest::of(path);
    let open = |progress: &Progress| load(&request, progress).map(black_box);
    let log = stopping("opening", &open).log;
    let settings = AnalysisSettings::default();
    let compare = |progress: &Progress| analyze(&log, &settings, progress).map(black_box);
    stopping("comparing", &compare);
}

/// Prints how long the work took to stop, the latest first, each with the phase it was in; gives back
/// what it makes where nobody cancels it.
fn stopping<T>(name: &str, work: &(dyn Fn(&Progress) -> Result<T> + Sync)) -> T {
    let start = Instant::now();
    let made = work(&Progress::unwatched()).expect("nobody cancelled it");
    let whole = start.elapsed();
    let mut took: Vec<(Duration, &str)> = (1..MOMENTS)
        .map(|moment| cancelled_after(whole * moment / MOMENTS, work))
        .collect();
    took.sort_unstable_by(|a, b| b.cmp(a));
    let ms = |took: Duration| took.as_secs_f64() * 1_000.0;
    println!("{name}: {:.0} ms in all; stopped after", ms(whole));
    for (took, phase) in took {
        println!("  {:4.0} ms in \"{phase}\"", ms(took));
    }
    made
}

fn cancelled_after<T>(
    moment: Duration,
    work: &(dyn Fn(&Progress) -> Result<T> + Sync),
) -> (Duration, &'static str) {
    let progress = Progress::unwatched();
    std::thread::scope(|scope| {
        let worker = scope.spawn(|| {
            let made = work(&progress);
            // Giving memory back is part of it.
            drop(made);
        });
        std::thread::sleep(moment);
        let phase = progress.state().0;
        let start = Instant::now();
        progress.cancel();
        worker.join().expect("it does not panic");
        (start.elapsed(), phase)
    })
}

criterion_group!(benches, opening);
criterion_main!(benches);
