//! Archives, compressions and encodings: the same log in each gives the same figures.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use hindsight::data::Quantity;
use hindsight::error::{Error, ErrorKind};
use hindsight::ingest::{
    Additions, Compression, Effect, Encoding, Format, LoadRequest, Loaded, load,
};
use hindsight::jobs::Progress;

use super::{labels, open, part};
use crate::support::packing;
use crate::support::real_logs::{find, read};

const COLUMNS: [&str; 4] = ["ts", "variant", "latency_ms", "status"];

/// A file of these bytes, opened.
fn opened(name: &str, bytes: &[u8]) -> Result<Loaded, Error> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    open(&[path])
}

fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (i, (name, bytes)) in members.iter().enumerate() {
        let method = [
            zip::CompressionMethod::Deflated,
            zip::CompressionMethod::Stored,
        ][i % 2];
        let options = zip::write::SimpleFileOptions::default().compression_method(method);
        zip.start_file(*name, options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn json_lines(hour: usize) -> String {
    let line = |i: usize| {
        format!(
            "{{\"ts\":\"2026-03-02T{hour:02}:00:{i:02}Z\",\"variant\":\"{}\",\"latency_ms\":{}}}\n",
            ["a", "b"][i % 2],
            100 * hour + i
        )
    };
    (0..10).map(line).collect()
}

/// A zip of gzipped JSON lines, as Amplitude exports, with what macOS leaves in archives.
#[test]
fn the_members_of_an_archive_are_one_log() {
    let (one, two) = (
        packing::gzip(json_lines(1).as_bytes()),
        packing::gzip(json_lines(2).as_bytes()),
    );
    let bytes = zip(&[
        ("export/2026-03-02_2.json.gz", &two),
        ("export/2026-03-02_1.json.gz", &one),
        ("__MACOSX/export/._2026-03-02_1.json.gz", b"junk"),
        ("export/.DS_Store", b"junk"),
    ]);
    let loaded = opened("export.zip", &bytes).unwrap();
    assert_eq!(labels(&loaded), ["2026-03-02_1", "2026-03-02_2"]);
    assert_eq!(loaded.description(), "2 files: JSON, gzip, zip");
    assert_eq!(loaded.log.n_rows(), 20);
    let latency = loaded.log.quantity(Quantity::LatencyMs).unwrap();
    assert_eq!(latency.to_vec()[10..12], [200.0, 201.0]);
    // What does not fit is left out and named.
    let csv = part(&COLUMNS, 1);
    let bytes = zip(&[
        ("log.csv", csv.as_bytes()),
        ("README.md", b"made by nobody"),
    ]);
    let loaded = opened("export.zip", &bytes).unwrap();
    assert_eq!(loaded.log.n_rows(), 10);
    let issue = loaded
        .issues
        .iter()
        .find(|i| i.effect == Effect::Rejected)
        .unwrap();
    assert!(issue.samples[0].starts_with("README.md: "), "{issue:?}");
}

#[test]
fn a_damaged_archive_is_refused() {
    let csv = part(&COLUMNS, 1);
    let whole = zip(&[("log.csv", csv.as_bytes())]);
    let cut = opened("cut.zip", &whole[..whole.len() / 2]).unwrap_err();
    assert_eq!(cut.kind, ErrorKind::Malformed, "{cut}");
    // A flipped byte in the data: the checksum tells.
    let stored = zip(&[("empty", b""), ("log.csv", csv.as_bytes())]);
    let at = stored.windows(4).position(|w| w == b"200\n").unwrap();
    let mut flipped = stored.clone();
    flipped[at] = b'5';
    let error = opened("flipped.zip", &flipped).unwrap_err();
    assert!(error.message.contains("checksum"), "{error}");
    assert!(error.place.path.unwrap().ends_with("flipped.zip/log.csv"));
    let parquet = zip(&[("log.parquet", b"PAR1 and more")]);
    let error = opened("parquet.zip", &parquet).unwrap_err();
    assert!(error.message.contains("Parquet"), "{error}");
}

#[test]
fn bzip2_is_read_and_a_bomb_is_not() {
    let bz2 = packing::bzip2(part(&COLUMNS, 1).as_bytes());
    let loaded = opened("log.csv.bz2", &bz2).unwrap();
    assert_eq!(loaded.files[0].source.compression, Compression::Bzip2);
    assert_eq!(loaded.log.n_rows(), 10);
    // 300 MB of one row in a few kilobytes.
    let row = part(&COLUMNS, 1).lines().nth(1).unwrap().to_owned() + "\n";
    let mut bomb = zstd::Encoder::new(Vec::new(), 1).unwrap();
    bomb.write_all(b"ts,variant,latency_ms,status\n").unwrap();
    let chunk = row.repeat(20_000);
    for _ in 0..(300_000_000 / chunk.len()) {
        bomb.write_all(chunk.as_bytes()).unwrap();
    }
    let error = opened("bomb.csv.zst", &bomb.finish().unwrap()).unwrap_err();
    assert!(error.message.contains("1,000 times its size"), "{error}");
}

fn labelled(control: &str, treatment: &str) -> String {
    part(&["ts", "variant", "latency_ms"], 1)
        .replace(",a,", &format!(",{control},"))
        .replace(",b,", &format!(",{treatment},"))
}

#[track_caller]
fn check_arms(name: &str, bytes: &[u8], encoding: &str, effect: Effect, arms: [&str; 2]) {
    let loaded = opened(name, bytes).unwrap();
    let found: Vec<&str> = loaded.log.arms.iter().map(|a| a.name.as_str()).collect();
    assert_eq!(found, arms, "{name}");
    assert_eq!(loaded.files[0].source.encoding.name(), encoding);
    let issue = loaded
        .issues
        .iter()
        .find(|i| i.message.contains("was decoded"))
        .unwrap();
    assert_eq!(issue.effect, effect);
    assert!(issue.samples[0].ends_with(encoding), "{issue:?}");
}

#[test]
fn encodings_are_told_and_said() {
    let arms = ["대조군", "실험군"];
    let text = labelled(arms[0], arms[1]);
    let utf_16 = |bom: &str, le: bool| -> Vec<u8> {
        let units = format!("{bom}{text}").encode_utf16().collect::<Vec<_>>();
        let bytes = |unit: u16| {
            if le {
                unit.to_le_bytes()
            } else {
                unit.to_be_bytes()
            }
        };
        units.into_iter().flat_map(bytes).collect()
    };
    let noted = Effect::Noted;
    check_arms("le.csv", &utf_16("\u{feff}", true), "UTF-16LE", noted, arms);
    check_arms(
        "be.csv",
        &utf_16("\u{feff}", false),
        "UTF-16BE",
        noted,
        arms,
    );
    check_arms("le_no_mark.csv", &utf_16("", true), "UTF-16LE", noted, arms);
    check_arms(
        "be_no_mark.csv",
        &utf_16("", false),
        "UTF-16BE",
        noted,
        arms,
    );
    let korean = encoding_rs::EUC_KR.encode(&text).0;
    check_arms("korean.csv", &korean, "EUC-KR", Effect::Assumed, arms);
    let arms = ["对照组", "实验组"];
    let chinese = encoding_rs::GB18030
        .encode(&labelled(arms[0], arms[1]))
        .0
        .into_owned();
    check_arms("chinese.csv", &chinese, "gb18030", Effect::Assumed, arms);
    check_arms(
        "chinese.csv.gz",
        &packing::gzip(&chinese),
        "gb18030",
        Effect::Assumed,
        arms,
    );
}

#[test]
fn what_cannot_be_told_is_asked_for() {
    let arms = ["対照の群", "実験の群"];
    let bytes = encoding_rs::SHIFT_JIS
        .encode(&labelled(arms[0], arms[1]))
        .0
        .into_owned();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("japanese.csv");
    fs::write(&path, bytes).unwrap();
    let mut request = LoadRequest::of(&path);
    let error = load(&request, &Progress::unwatched()).unwrap_err();
    assert!(error.message.contains("cannot be told"), "{error}");
    assert!(error.hint.contains("--encoding"), "{error}");
    request.added = Additions {
        encoding: Encoding::try_from("shift_jis".to_owned()).ok(),
        ..Additions::default()
    };
    let loaded = load(&request, &Progress::unwatched()).unwrap();
    assert_eq!(loaded.log.arms[1].name, arms[1]);
    // The mapping keeps it for the next export.
    let again = LoadRequest {
        mapping: Some(toml_round_trip(&loaded, folder.path())),
        ..LoadRequest::of(&path)
    };
    let again = load(&again, &Progress::unwatched()).unwrap();
    assert_eq!(again.log.arms[1].name, arms[1]);
}

fn toml_round_trip(loaded: &Loaded, folder: &Path) -> hindsight::ingest::Mapping {
    let path = folder.join("mapping.toml");
    fs::write(&path, loaded.mapping.to_toml()).unwrap();
    hindsight::ingest::Mapping::read(&path).unwrap()
}

#[test]
fn a_list_inside_an_object_is_read() {
    let rows: Vec<String> = json_lines(1).lines().map(str::to_owned).collect();
    let text = format!(
        "{{\"object\": \"list\", \"data\": [{}], \"total\": 10}}",
        rows.join(",\n")
    );
    let loaded = opened("api.json", text.as_bytes()).unwrap();
    assert_eq!(loaded.files[0].source.format, Format::JsonWrapped);
    assert_eq!(loaded.log.n_rows(), 10);
    assert_eq!(loaded.n_rows_in_file, 10);
}

/// As published: one list per provider and size, the provider in the file's name only.
#[test]
fn llmperf_as_published() {
    let Some(folder) = find("data/llmperf/raw_data/individual") else {
        return;
    };
    let loaded = open(&[folder]).unwrap();
    assert_eq!((loaded.files.len(), loaded.log.n_rows()), (19, 2845));
    assert_eq!(loaded.log.arms.len(), 19);
    let arm = loaded.log.arm_index("bedrock_70b").unwrap();
    let latency = loaded.log.quantity(Quantity::LatencyMs).unwrap();
    let rows: Vec<usize> = loaded.log.rows_of_arm(arm).collect();
    let n_errors = rows
        .iter()
        .filter(|i| loaded.log.outcome[**i].is_error())
        .count();
    assert_eq!((rows.len(), n_errors), (150, 49));
    let mut ok: Vec<f64> = rows
        .iter()
        .filter(|i| !loaded.log.outcome[**i].is_error())
        .map(|i| latency[*i])
        .collect();
    ok.sort_by(f64::total_cmp);
    assert!(
        (ok[ok.len() / 2] - 6989.185).abs() < 0.001,
        "{}",
        ok[ok.len() / 2]
    );
    // The merged table has the same rows.
    let merged = read("llmperf/llmperf_requests.csv").unwrap();
    assert_eq!(merged.log.n_rows(), loaded.log.n_rows());
}
