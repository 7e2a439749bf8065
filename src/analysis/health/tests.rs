//! Each check on a log with one thing wrong, and on the same log with nothing wrong.

use crate::analysis::{AnalysisSettings, Audit, CrossingUnits, Severity, analyze, audit};
use crate::data::{Arm, Clock, Outcome, Quantity, RequestIds, RequestLog, Segment, Units};
use crate::jobs::Progress;

const DAY_US: i64 = 86_400_000_000;
/// 2026-03-02, a Monday.
const MONDAY_US: i64 = 20_514 * DAY_US;
pub(super) const N: usize = 12_000;

/// A number without pattern for every row and purpose.
pub(super) fn noise(row: usize, purpose: u64) -> u64 {
    let mut x = (row as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
        ^ purpose.wrapping_mul(0xd1b5_4a32_d192_ed03);
    x = (x ^ (x >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x ^ (x >> 29)
}

/// Six days, 3,000 users in two arms of equal size, nothing wrong.
pub(super) fn sound() -> RequestLog {
    let user = |row: usize| (noise(row, 1) % 3000) as u32;
    let start: Vec<i64> = (0..N).map(|i| MONDAY_US + i as i64 * 43_200_017).collect();
    let latency: Vec<f64> = (0..N).map(|i| 800.0 + (noise(i, 2) % 700) as f64).collect();
    RequestLog {
        name: "log.csv".into(),
        clock: Clock::Epoch,
        arms: vec![Arm { name: "old".into() }, Arm { name: "new".into() }],
        arm: (0..N)
            .map(|i| (noise(user(i) as usize, 3) % 2) as u16)
            .collect(),
        row: (0..N as u32).collect(),
        event_us: start
            .iter()
            .zip(&latency)
            .map(|(s, ms)| s + (ms * 1e3) as i64)
            .collect(),
        start_us: start,
        outcome: (0..N)
            .map(|i| {
                if noise(i, 4).is_multiple_of(50) {
                    Outcome::Error
                } else {
                    Outcome::Ok
                }
            })
            .collect(),
        has_outcome: true,
        quantities: vec![
            (Quantity::LatencyMs, latency.into()),
            (
                Quantity::TtftMs,
                (0..N)
                    .map(|i| 100.0 + (noise(i, 5) % 300) as f64)
                    .collect::<Vec<f64>>()
                    .into(),
            ),
        ],
        units: Some(Units {
            column: "user".into(),
            id: (0..N).map(user).collect(),
            n_units: 3000,
        }),
        request_id: Some(RequestIds::of_hashes(&hashes())),
        segments: vec![Segment {
            name: "country".into(),
            values: vec!["KR".into(), "DE".into(), "CN".into()],
            code: (0..N)
                .map(|i| (noise(user(i) as usize, 6) % 3) as u16)
                .collect(),
        }],
        ..RequestLog::default()
    }
}

/// Of request ids that occur once.
fn hashes() -> Vec<u64> {
    (0..N).map(|i| noise(i, 7)).collect()
}

/// Changes a column.
fn edit(log: &mut RequestLog, column: usize, change: impl Fn(usize, &mut f64)) {
    let mut values = log.quantities[column].1.to_vec();
    for (i, value) in values.iter_mut().enumerate() {
        change(i, value);
    }
    log.quantities[column].1 = values.into();
}

/// The sound log without the rows that `drops` names.
fn without(drops: impl Fn(&RequestLog, usize) -> bool) -> RequestLog {
    let log = sound();
    let kept: Vec<u32> = (0..N)
        .filter(|i| !drops(&log, *i))
        .map(|i| i as u32)
        .collect();
    log.gathered(&kept)
}

pub(super) fn audited(log: &RequestLog, settings: &AnalysisSettings) -> Audit {
    audit(log, settings, &Progress::unwatched()).unwrap()
}

/// Severity and finding of a check; severity OK where it is absent.
fn of(log: &RequestLog, id: &str) -> (Severity, String) {
    let health = audited(log, &AnalysisSettings::default()).health;
    let found = health.into_iter().find(|check| check.id == id);
    found.map_or((Severity::Ok, String::new()), |check| {
        (check.severity, check.finding)
    })
}

#[track_caller]
pub(super) fn check(log: &RequestLog, id: &str, severity: Severity, part: &str) {
    let (found, text) = of(log, id);
    assert!(
        found == severity && text.contains(part),
        "{id}: {found:?} {text}"
    );
}

#[test]
fn a_sound_log_passes_every_check() {
    let health = audited(&sound(), &AnalysisSettings::default()).health;
    let remarks: Vec<_> = health
        .iter()
        .filter(|check| check.severity > Severity::Ok)
        .collect();
    assert!(remarks.is_empty(), "{remarks:#?}");
    assert!(health.len() >= 12, "{health:#?}");
}

#[test]
fn the_comparison_shows_the_same_checks() {
    let log = sound();
    let settings = AnalysisSettings::default();
    let full = analyze(&log, &settings, &Progress::unwatched())
        .unwrap()
        .health;
    let alone = audited(&log, &settings).health;
    let findings = |health: &[crate::analysis::HealthCheck]| -> Vec<String> {
        health
            .iter()
            .map(|check| format!("{} {}", check.id, check.finding))
            .collect()
    };
    assert_eq!(findings(&full), findings(&alone));
}

#[test]
fn a_lost_day_is_named() {
    let lost = without(|log, i| {
        log.arm[i] == 1 && (log.event_us[i] - MONDAY_US) / DAY_US == 2 && i % 3 > 0
    });
    check(
        &lost,
        "sample-ratio-parts",
        Severity::Warning,
        "Off in 2026-03-04: old ",
    );
}

#[test]
fn a_lost_segment_is_named() {
    let lost = without(|log, i| {
        log.arm[i] == 1
            && log.segments[0].code[i] == 0
            && log.units.as_ref().unwrap().id[i] % 2 == 0
    });
    check(
        &lost,
        "sample-ratio-parts",
        Severity::Warning,
        "country = KR: old ",
    );
    check(&lost, "sample-ratio-units", Severity::Stop, "");
}

#[test]
fn a_pause_of_one_arm_is_told_from_a_pause_of_all() {
    let in_pause =
        |log: &RequestLog, i: usize| (log.event_us[i] - MONDAY_US - 3 * DAY_US).abs() < DAY_US / 8;
    let one = without(|log, i| log.arm[i] == 1 && in_pause(log, i));
    check(
        &one,
        "arm-gaps",
        Severity::Warning,
        "no request of new for 6 h",
    );
    check(&one, "gaps", Severity::Ok, "");
    let all = without(in_pause);
    check(
        &all,
        "gaps",
        Severity::Note,
        "No request of any arm for 6 h",
    );
    check(&all, "arm-gaps", Severity::Ok, "");
}

#[test]
fn repeated_rows_are_told_from_retries() {
    let log = sound();
    let mut rows: Vec<u32> = (0..N as u32).collect();
    rows.extend(3000..3300);
    rows.sort_unstable();
    let mut twice = log.gathered(&rows);
    twice.row = (0..rows.len() as u32).collect();
    let all = hashes();
    let ids: Vec<u64> = rows.iter().map(|row| all[*row as usize]).collect();
    twice.request_id = Some(RequestIds::of_hashes(&ids));
    check(
        &twice,
        "exact-duplicates",
        Severity::Warning,
        "300 rows (2.44 %) repeat an earlier one",
    );
    check(&twice, "repeated-ids", Severity::Ok, "0 rows");
    twice.request_id = None;
    check(&twice, "exact-duplicates", Severity::Warning, "300 rows");

    let mut retried = sound();
    let mut ids = hashes();
    (100..160).step_by(2).for_each(|i| ids[i + 1] = ids[i]);
    retried.request_id = Some(RequestIds::of_hashes(&ids));
    retried.outcome[100] = Outcome::Error;
    check(
        &retried,
        "repeated-ids",
        Severity::Note,
        "30 rows repeat an earlier request id with other values: ",
    );
    check(&retried, "exact-duplicates", Severity::Ok, "No row");
}

#[test]
fn users_in_several_arms_can_be_left_out() {
    let mut log = sound();
    let units = log.units.clone().unwrap();
    // Users below 150 get a request in the other arm at the end of the log.
    for i in N / 2..N {
        if units.id[i] < 150 {
            log.arm[i] = 1 - (noise(units.id[i] as usize, 3) % 2) as u16;
        }
    }
    check(&log, "crossing", Severity::Warning, "of 2");
    let with = |crossing| {
        let settings = AnalysisSettings {
            crossing,
            ..AnalysisSettings::default()
        };
        analyze(&log, &settings, &Progress::unwatched()).unwrap()
    };
    let (keep, first, drop) = (
        with(CrossingUnits::Keep),
        with(CrossingUnits::First),
        with(CrossingUnits::Drop),
    );
    assert_eq!(keep.crossing_left_out, None);
    let n_crossing = drop.crossing_left_out.unwrap().n_units;
    assert!((100..=150).contains(&n_crossing), "{n_crossing}");
    assert_eq!(
        drop.log.n_units.unwrap() + n_crossing,
        keep.log.n_units.unwrap()
    );
    assert_eq!(first.log.n_units, keep.log.n_units);
    assert_eq!(
        first.log.n_requests + first.crossing_left_out.unwrap().n_requests,
        N as u64
    );
    for analysis in [&first, &drop] {
        let check = analysis
            .health
            .iter()
            .find(|check| check.id == "crossing")
            .unwrap();
        assert!(
            check.severity == Severity::Note && check.finding.contains("as chosen"),
            "{}",
            check.finding
        );
        let units: u64 = analysis.arms.iter().filter_map(|arm| arm.n_units).sum();
        assert_eq!(
            Some(units),
            analysis.log.n_units,
            "users are in one arm each"
        );
    }
}

#[test]
fn values_missing_in_one_arm_are_named() {
    let mut log = sound();
    let arms = log.arm.clone();
    edit(&mut log, 1, |i, ttft| {
        if arms[i] == 1 && noise(i, 9).is_multiple_of(8) {
            *ttft = f64::NAN;
        }
    });
    check(
        &log,
        "missing-values",
        Severity::Warning,
        "time to first token is missing in old 0 %, new 12",
    );
    let units = log.units.as_mut().unwrap();
    units
        .id
        .iter_mut()
        .step_by(10)
        .for_each(|id| *id = Units::NONE);
    check(
        &log,
        "missing-users",
        Severity::Warning,
        "1,200 requests (10.0 %) name no user",
    );
}

#[test]
fn failures_logged_with_latency_zero_show_both_means() {
    let mut log = sound();
    (0..N)
        .step_by(2)
        .for_each(|i| log.outcome[i] = Outcome::Error);
    edit(&mut log, 0, |i, ms| *ms *= (i % 2) as f64);
    check(
        &log,
        "zero-latency",
        Severity::Note,
        "Requests with latency 0: 6,000, of which failed: 6,000. Mean latency of ",
    );
    edit(&mut log, 0, |_, ms| *ms /= 1e4);
    check(&log, "latency-range", Severity::Warning, "take less than");
    check(
        &log,
        "first-token-order",
        Severity::Warning,
        "the first token comes after the end",
    );
}

#[test]
fn clocks_that_jumped_are_found() {
    let hour = 3_600_000_000;
    let mut back = sound();
    back.start_us[5000..].iter_mut().for_each(|t| *t -= hour);
    back.event_us[5000..].iter_mut().for_each(|t| *t -= hour);
    check(
        &back.assemble(),
        "clock-jumps",
        Severity::Warning,
        "1 time, by up to 59 min 16 s at data row 5,001; one step is an hour",
    );

    // The same log as several interleaved files: no clock need have jumped.
    let mut shuffled = sound();
    shuffled.row = (0..N).map(|i| ((i * 7) % N) as u32).collect();
    check(
        &shuffled,
        "clock-jumps",
        Severity::Ok,
        "not in the order of time",
    );

    let mut stray = sound();
    stray.event_us[N - 1] += 3650 * DAY_US;
    check(
        &stray,
        "stray-stamps",
        Severity::Warning,
        "1 after, the last 2036-03-0",
    );

    let mut piled = sound();
    let at = piled.start_us[400];
    piled.start_us[400..700].fill(at);
    check(
        &piled,
        "equal-stamps",
        Severity::Warning,
        "300 requests in a row carry the stamp 2026-03-02",
    );

    let mut days = sound();
    days.start_us
        .iter_mut()
        .for_each(|t| *t = *t / DAY_US * DAY_US);
    days.event_us.clone_from(&days.start_us);
    check(
        &days,
        "equal-stamps",
        Severity::Warning,
        "Stamps are whole days",
    );
}

#[test]
fn an_hour_lost_to_summer_time_is_found() {
    // Sunday 2026-03-08, from 2 to 3 in the night, at 360 requests an hour.
    let mut log = sound();
    let from = MONDAY_US + 5 * DAY_US + DAY_US / 2;
    let stamps: Vec<i64> = (0..N as i64).map(|i| from + i * 10_000_000).collect();
    log.event_us.clone_from(&stamps);
    log.start_us = stamps;
    let gap = MONDAY_US + 6 * DAY_US + 2 * 3_600_000_000;
    let kept: Vec<u32> = (0..N as u32)
        .filter(|i| !(gap..gap + 3_600_000_000).contains(&log.event_us[*i as usize]))
        .collect();
    check(&log, "daylight-saving", Severity::Ok, "");
    check(
        &log.gathered(&kept),
        "daylight-saving",
        Severity::Warning,
        "from 2026-03-08 02:00:00 UTC, a Sunday, is empty",
    );
}

#[test]
fn a_segment_of_ids_is_no_segment() {
    let mut log = sound();
    log.segments[0].values = (0..1000).map(|i| i.to_string()).collect();
    check(
        &log,
        "segment-values",
        Severity::Note,
        "country has 1,000 values or more",
    );
}
