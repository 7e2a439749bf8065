//! Writes the sample logs as files, each whole or not at all.

use std::fs;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use chrono::{DateTime, SecondsFormat};
use polars::prelude::{
    Column, DataFrame, IntoColumn, IntoSeries, NamedFrom, PolarsResult, Series, TimeUnit, TimeZone,
};
use polars_io::parquet::write::{ParquetCompression, ParquetWriter};

use super::{SampleKind, SampleLog, SampleRequest, SampleSpec, generate};
use crate::error::{Error, ErrorKind, Result};
use crate::jobs::Progress;

/// The canary rollout, 200,000 requests.
pub const ROLLOUT_PARQUET: &str = "canary-rollout.parquet";
/// The first tenth of its users, 20,000 requests.
pub const ROLLOUT_CSV: &str = "canary-rollout-20k.csv";
/// The A/A log, 20,000 requests.
pub const AA_CSV: &str = "aa.csv";

/// Writes the bundled logs into `folder`, which is created where it is missing, and returns their
/// paths. Files of the same names are replaced.
pub fn write(folder: &Path, seed: u64, progress: &Progress) -> Result<Vec<PathBuf>> {
    progress.phase("Writing sample logs", 3)?;
    fs::create_dir_all(folder).map_err(|cause| unwritable(folder, &cause))?;
    let files = [
        (ROLLOUT_PARQUET, SampleKind::CanaryRollout, 200_000),
        (ROLLOUT_CSV, SampleKind::CanaryRollout, 20_000),
        (AA_CSV, SampleKind::AA, 20_000),
    ];
    let mut written = Vec::with_capacity(files.len());
    for (done, (name, kind, n_requests)) in (1..).zip(files) {
        let log = generate(&SampleSpec {
            seed,
            n_requests,
            kind,
        });
        let path = folder.join(name);
        write_log(&log, folder, &path)?;
        written.push(path);
        progress.tick(done)?;
    }
    Ok(written)
}

/// In which form the file name asks to be written.
fn write_log(log: &SampleLog, folder: &Path, path: &Path) -> Result<()> {
    let mut file = tempfile::Builder::new();
    // Temporary files are private; a sample is not. The user's umask still applies.
    #[cfg(unix)]
    file.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = file
        .tempfile_in(folder)
        .map_err(|cause| unwritable(path, &cause))?;
    if path.extension().is_some_and(|extension| extension == "csv") {
        write_csv(log, file.as_file_mut()).map_err(|cause| unwritable(path, &cause))?;
    } else {
        write_parquet(log, file.as_file_mut()).map_err(|cause| unwritable(path, &cause))?;
    }
    file.persist(path)
        .map_err(|cause| unwritable(path, &cause.error))?;
    Ok(())
}

const HEADER: [&str; 15] = [
    "timestamp",
    "request_id",
    "user_id",
    "variant",
    "status",
    "latency_ms",
    "ttft_ms",
    "rating",
    "rated_at",
    "prompt_tokens",
    "completion_tokens",
    "cost_usd",
    "language",
    "region",
    "task",
];

fn write_csv(log: &SampleLog, out: impl Write) -> csv::Result<()> {
    let mut csv = csv::Writer::from_writer(BufWriter::new(out));
    csv.write_record(HEADER)?;
    for request in &log.requests {
        csv.write_record([
            rfc3339(request.start_ms).as_str(),
            &request.request_id(),
            &request.user_id(),
            request.variant,
            &request.status.to_string(),
            &format!("{:.1}", request.latency_ms),
            &cell(request.ttft_ms, |ttft| format!("{ttft:.1}")),
            &cell(request.rating, |rating| rating.to_string()),
            &cell(request.rated_at_ms, rfc3339),
            &request.prompt_tokens.to_string(),
            &request.completion_tokens.to_string(),
            &format!("{:.6}", request.cost_usd),
            request.language,
            request.region,
            request.task,
        ])?;
    }
    csv.flush()?;
    Ok(())
}

fn write_parquet(log: &SampleLog, out: impl Write) -> PolarsResult<()> {
    let mut frame = data_frame(log)?;
    ParquetWriter::new(BufWriter::new(out))
        .with_compression(ParquetCompression::Zstd(None))
        .finish(&mut frame)?;
    Ok(())
}

/// The log as a data frame: integers as narrow as they can be, stamps in UTC.
pub(super) fn data_frame(log: &SampleLog) -> PolarsResult<DataFrame> {
    let [
        timestamp,
        request_id,
        user_id,
        variant,
        status,
        latency,
        ttft,
        rating,
        rated_at,
        rest @ ..,
    ] = HEADER;
    let [
        prompt_tokens,
        completion_tokens,
        cost,
        language,
        region,
        task,
    ] = rest;
    let utc = |name: &str, times: Vec<Option<i64>>| -> PolarsResult<Column> {
        let stamps = Series::new(name.into(), times).i64()?.clone();
        let stamps = stamps.into_datetime(TimeUnit::Milliseconds, Some(TimeZone::UTC));
        Ok(stamps.into_series().into_column())
    };
    DataFrame::new(
        log.requests.len(),
        vec![
            utc(timestamp, column(log, |r| Some(r.start_ms)))?,
            Column::new(request_id.into(), column(log, SampleRequest::request_id)),
            Column::new(user_id.into(), column(log, SampleRequest::user_id)),
            Column::new(variant.into(), column(log, |r| r.variant)),
            Column::new(status.into(), column(log, |r| r.status as i16)),
            Column::new(latency.into(), column(log, |r| r.latency_ms)),
            Column::new(ttft.into(), column(log, |r| r.ttft_ms)),
            Column::new(rating.into(), column(log, |r| r.rating.map(|r| r as i8))),
            utc(rated_at, column(log, |r| r.rated_at_ms))?,
            Column::new(
                prompt_tokens.into(),
                column(log, |r| r.prompt_tokens as i32),
            ),
            Column::new(
                completion_tokens.into(),
                column(log, |r| r.completion_tokens as i32),
            ),
            Column::new(cost.into(), column(log, |r| r.cost_usd)),
            Column::new(language.into(), column(log, |r| r.language)),
            Column::new(region.into(), column(log, |r| r.region)),
            Column::new(task.into(), column(log, |r| r.task)),
        ],
    )
}

fn column<T>(log: &SampleLog, value: impl Fn(&SampleRequest) -> T) -> Vec<T> {
    log.requests.iter().map(value).collect()
}

impl SampleRequest {
    fn request_id(&self) -> String {
        format!("r{:06}", self.number)
    }

    fn user_id(&self) -> String {
        format!("u{:010x}", self.user)
    }
}

fn cell<T>(value: Option<T>, text: impl Fn(T) -> String) -> String {
    value.map(text).unwrap_or_default()
}

fn rfc3339(time_ms: i64) -> String {
    DateTime::from_timestamp_millis(time_ms)
        .map(|time| time.to_rfc3339_opts(SecondsFormat::Millis, true))
        .unwrap_or_default()
}

fn unwritable(path: &Path, cause: &dyn std::fmt::Display) -> Error {
    Error::new(
        ErrorKind::Unwritable,
        format!("Cannot write the sample log: {cause}"),
    )
    .at(path)
    .hint("Name a folder that you may write to and that has 12 MB left")
}
