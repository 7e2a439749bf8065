//! The logs of the golden replays as a [`RequestLog`], without the loader.

use std::path::Path;

use hindsight::data::{Arm, Clock, Outcome, Quantity, RequestLog};

/// Reads `timestamp,request_id,user_id,variant,status,latency_ms,rating,…`. The event time is the
/// start plus the latency to the microsecond; an error is a status of 500 or more. Arm 0 is
/// `stable`, arm 1 `canary`.
pub(crate) fn read(path: &Path) -> RequestLog {
    let mut log = RequestLog {
        name: path.display().to_string(),
        clock: Clock::Epoch,
        has_outcome: true,
        arms: ["stable", "canary"]
            .map(|name| Arm { name: name.into() })
            .into(),
        ..RequestLog::default()
    };
    let (mut latency_ms, mut rating) = (Vec::new(), Vec::new());
    let mut reader = csv::Reader::from_path(path).unwrap();
    for (row, record) in reader.records().enumerate() {
        let record = record.unwrap();
        let stamp = chrono::DateTime::parse_from_rfc3339(&record[0]).unwrap();
        let latency: f64 = record[5].parse().unwrap();
        let status: u16 = record[4].parse().unwrap();
        let start_us = stamp.timestamp_micros();
        log.row.push(row as u32);
        log.arm.push(log.arm_index(&record[3]).unwrap() as u16);
        log.start_us.push(start_us);
        log.event_us
            .push(start_us + (latency * 1000.0).round() as i64);
        log.outcome.push(if status >= 500 {
            Outcome::Error
        } else {
            Outcome::Ok
        });
        latency_ms.push(latency);
        rating.push(record[6].parse().unwrap_or(f64::NAN));
    }
    log.quantities = vec![
        (Quantity::LatencyMs, latency_ms.into()),
        (Quantity::Rating, rating.into()),
    ];
    log.assemble()
}
