//! The whole analysis on small logs made by hand.

use super::*;
use crate::data::{Arm, Filter, Outcome, Segment, Units};

/// Rows of (arm, user, segment value, is error), one a second.
fn log(rows: &[(u16, u32, u16, bool)]) -> RequestLog {
    let n = rows.len();
    let arm = |name: &str| Arm {
        name: name.to_owned(),
    };
    RequestLog {
        arms: vec![arm("gpt"), arm("mini")],
        arm: rows.iter().map(|r| r.0).collect(),
        row: (0..n as u32).collect(),
        start_us: (0..n as i64).map(|i| i * 1_000_000).collect(),
        event_us: (0..n as i64).map(|i| i * 1_000_000).collect(),
        outcome: rows
            .iter()
            .map(|r| if r.3 { Outcome::Error } else { Outcome::Ok })
            .collect(),
        has_outcome: true,
        units: Some(Units {
            column: "user".to_owned(),
            id: rows.iter().map(|r| r.1).collect(),
            n_units: 1 + rows
                .iter()
                .map(|r| r.1)
                .filter(|id| *id != Units::NONE)
                .max()
                .unwrap_or(0),
        }),
        segments: vec![Segment {
            name: "plan".to_owned(),
            values: vec!["free".to_owned(), "paid".to_owned()],
            code: rows.iter().map(|r| r.2).collect(),
        }],
        ..RequestLog::default()
    }
}

fn run(log: &RequestLog, filter: Filter) -> Analysis {
    let settings = AnalysisSettings {
        filter,
        ..AnalysisSettings::default()
    };
    analyze(log, &settings, &Progress::unwatched()).unwrap()
}

fn plan(value: &str) -> Filter {
    Filter {
        segment: Some(("plan".to_owned(), value.to_owned())),
        ..Filter::default()
    }
}

#[test]
fn a_filter_never_swaps_the_arms() {
    // The larger arm overall is the smaller one among the paid.
    let rows: Vec<_> = (0..600)
        .map(|i| {
            let arm = u16::from(i % 5 >= 3);
            (arm, i, u16::from(arm == 1 || i % 10 == 0), false)
        })
        .collect();
    let log = log(&rows);
    let all = run(&log, Filter::default());
    let paid = run(&log, plan("paid"));
    assert!(paid.arms[1].n_requests > paid.arms[0].n_requests);
    assert_eq!((paid.control, paid.treatment), (all.control, all.treatment));
}

#[test]
fn an_arm_that_a_filter_empties_has_no_data_and_is_still_an_arm() {
    let rows: Vec<_> = (0..400)
        .map(|i| (i as u16 % 2, i, i as u16 % 2, false))
        .collect();
    let free = run(&log(&rows), plan("free"));
    assert_eq!(free.treatment, Some(1));
    assert_eq!(free.scorecard[0].effects[0].verdict, Verdict::NoData);
    assert_ne!(free.decision.kind, DecisionKind::Ship);
}

#[test]
fn no_error_at_all_is_judged_by_users_not_by_requests() {
    // 25 users an arm with 40 requests each: 2,000 requests, but 50 users.
    let rows: Vec<_> = (0..2000)
        .map(|i| (i as u16 % 2, i % 50, 0, false))
        .collect();
    let effect = run(&log(&rows), Filter::default())
        .scorecard
        .remove(0)
        .effects
        .remove(0);
    assert_eq!(effect.unit, InferenceUnit::Unit);
    let width = effect
        .difference
        .map(|d| d.interval.upper - d.interval.lower)
        .unwrap();
    assert!(width > 0.1, "{width}");
    assert_eq!(effect.verdict, Verdict::Inconclusive);
}

#[test]
fn rows_without_a_user_count_once_each() {
    let rows: Vec<_> = (0..1000)
        .map(|i| {
            (
                i as u16 % 2,
                if i % 4 < 2 { Units::NONE } else { i / 8 },
                0,
                i % 20 == 0,
            )
        })
        .collect();
    let analysis = run(&log(&rows), Filter::default());
    let counted: u64 = analysis.scorecard[0].values.iter().map(|v| v.n).sum();
    assert_eq!(counted, 1000);
    let errors: u64 = analysis.scorecard[0]
        .values
        .iter()
        .filter_map(|v| v.numerator)
        .sum();
    assert_eq!(
        errors,
        analysis.arms.iter().map(|a| a.outcomes.error).sum::<u64>()
    );
}

#[test]
fn a_stray_label_does_not_hide_an_uneven_split() {
    let mut log = log(&(0..10_000)
        .map(|i| (u16::from(i * 37 % 100 >= 53), i, 0, false))
        .collect::<Vec<_>>());
    log.arms.push(Arm {
        name: "typo".to_owned(),
    });
    log.arm[0] = 2;
    let found = run(&log, Filter::default());
    let check = found
        .health
        .iter()
        .find(|c| c.id == "sample-ratio-units")
        .unwrap();
    assert_eq!(check.severity, Severity::Stop, "{}", check.finding);
}
