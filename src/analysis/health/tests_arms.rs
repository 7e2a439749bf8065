//! Checks of arms against each other: shares, mixes, numbers that were set beforehand.

use super::tests::{N, audited, check, noise, sound};
use crate::analysis::{AnalysisSettings, Severity};
use crate::data::{Arm, RequestLog};

#[test]
fn expected_shares_that_do_not_fit_are_said() {
    let settings = |shares: &[(&str, f64)]| AnalysisSettings {
        expected_shares: shares
            .iter()
            .map(|(name, share)| ((*name).to_owned(), *share))
            .collect(),
        ..AnalysisSettings::default()
    };
    let found = |log: &RequestLog, shares: &[(&str, f64)]| -> Vec<String> {
        let health = audited(log, &settings(shares)).health;
        health
            .into_iter()
            .filter(|c| c.id == "expected-shares")
            .map(|c| c.finding)
            .collect()
    };
    assert_eq!(
        found(&sound(), &[("old", 0.5), ("new", 0.5)]),
        Vec::<String>::new()
    );
    assert_eq!(
        found(&sound(), &[("old", 0.5)]),
        ["No share was given for new: the rest, 50.0 %, was taken"]
    );
    let mut three = sound();
    three.arms.push(Arm {
        name: "newest".into(),
    });
    (0..N)
        .filter(|i| three.arm[*i] == 1 && i % 2 == 0)
        .collect::<Vec<_>>()
        .into_iter()
        .for_each(|i| three.arm[i] = 2);
    assert_eq!(
        found(&three, &[("old", 0.5)]),
        ["No share was given for new, newest, so the given ones were not used"]
    );
    assert!(found(&sound(), &[("odl", 0.5)])[0].contains("odl, which is no arm"));
}

/// Six days of three arms; the third lost half of its requests.
fn three() -> RequestLog {
    let mut log = sound();
    log.arms.push(Arm {
        name: "late".into(),
    });
    let users = log.units.clone().unwrap();
    for i in 0..N {
        log.arm[i] = (noise(users.id[i] as usize, 3) % 3) as u16;
    }
    let kept: Vec<u32> = (0..N as u32)
        .filter(|i| {
            log.arm[*i as usize] != 2 || noise(users.id[*i as usize] as usize, 8).is_multiple_of(2)
        })
        .collect();
    log.gathered(&kept)
}

#[test]
fn an_arm_that_is_not_decided_on_stops_nothing() {
    let log = three();
    let settings = AnalysisSettings {
        control: Some("old".into()),
        treatment: Some("new".into()),
        ..AnalysisSettings::default()
    };
    let severity = |settings: &AnalysisSettings, id: &str| {
        let health = audited(&log, settings).health;
        let check = health.into_iter().find(|c| c.id == id).unwrap();
        (check.severity, check.finding)
    };
    for id in ["sample-ratio-requests", "sample-ratio-units"] {
        assert_eq!(severity(&settings, id).0, Severity::Ok, "{id}");
    }
    let (of_others, finding) = severity(&settings, "sample-ratio-arms");
    assert_eq!(of_others, Severity::Warning);
    assert!(
        finding.starts_with("Beside control and treatment: late "),
        "{finding}"
    );
    // Decided on, the same arm forbids a conclusion.
    let of_late = AnalysisSettings {
        treatment: Some("late".into()),
        ..settings.clone()
    };
    assert_eq!(severity(&of_late, "sample-ratio-units").0, Severity::Stop);
    // Declared shares that all three keep.
    let declared = AnalysisSettings {
        expected_shares: [("old", 0.4), ("new", 0.4), ("late", 0.2)]
            .map(|(name, share)| (name.to_owned(), share))
            .into(),
        ..settings
    };
    let (of_others, finding) = severity(&declared, "sample-ratio-arms");
    assert_eq!(of_others, Severity::Ok, "{finding}");
    assert!(
        finding.contains("all arms against expected shares"),
        "{finding}"
    );
}

#[test]
fn another_mix_of_requests_is_named() {
    let mut log = sound();
    for i in 0..N {
        // The new arm serves no Korean request: those are German there.
        if log.arm[i] == 1 && log.segments[0].code[i] == 0 {
            log.segments[0].code[i] = 1;
        }
    }
    check(
        &log,
        "same-work",
        Severity::Warning,
        "The mix is not the control's: new, country KR: 0 % (control 3",
    );
    let mut unread = sound();
    unread.unread_columns = vec!["target_qps".into()];
    check(
        &unread,
        "same-work",
        Severity::Ok,
        "No clear difference between the arms in: country. Not compared: target_qps",
    );
}

#[test]
fn nothing_is_wrong_with_many_arms() {
    let mut log = sound();
    log.arms = (0..120)
        .map(|i| Arm {
            name: format!("v{i}"),
        })
        .collect();
    let users = log.units.clone().unwrap();
    for i in 0..N {
        log.arm[i] = (noise(users.id[i] as usize, 3) % 120) as u16;
    }
    let health = audited(&log, &AnalysisSettings::default()).health;
    let of = |id: &str| health.iter().find(|check| check.id == id).unwrap();
    // The largest of so many is large by chance, and its share of all requests is small.
    for id in ["sample-ratio-requests", "sample-ratio-units", "arm-gaps"] {
        assert_eq!(of(id).severity, Severity::Ok, "{}", of(id).finding);
    }
    let users = &of("sample-ratio-units").finding;
    assert!(users.contains("against equal shares"), "{users}");
    assert!(
        users.contains("corrected for the choice among 119 arms p = "),
        "{users}"
    );
    assert!(
        of("sample-ratio-arms").test.is_some(),
        "all are tested together"
    );
}
