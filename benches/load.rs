//! Opening a log: the bundled sample, grown to several pieces of a file.

#![expect(clippy::expect_used, reason = "a bench that cannot run stops")]

use std::fs;
use std::hint::black_box;
use std::path::PathBuf;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hindsight::ingest::{LoadRequest, load};
use hindsight::jobs::Progress;

/// The sample's logs in a folder that goes away at the end.
fn sample() -> (tempfile::TempDir, Vec<PathBuf>) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let paths = hindsight::sample::write(folder.path(), 1, &Progress::unwatched());
    (folder, paths.expect("the sample"))
}

fn opening(criterion: &mut Criterion) {
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

criterion_group!(benches, opening);
criterion_main!(benches);
