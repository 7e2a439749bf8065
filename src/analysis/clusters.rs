//! How requests cluster in users: who is in several arms, and how far that widens chance.

use super::by_user::UserRows;
use super::model::CrossingLeftOut;
use super::settings::CrossingUnits;
use crate::data::{RequestLog, Units};

/// How users spread over the arms.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Crossing {
    /// Users.
    pub(super) n_units: u64,
    /// Those in more than one arm.
    pub(super) n_in_several: u64,
    /// Those who came back to the control after another arm. A sticky canary moves users away from
    /// the control as its share grows, but never back.
    pub(super) n_returning: u64,
    /// `n_in_several` over the number to be expected if single requests had been assigned at random:
    /// near 1 for weighted routing by request, far below it where users stick to their arm.
    pub(super) by_request_ratio: f64,
    /// Σn²/Σn over the users' numbers of requests.
    size_ratio: f64,
}

impl Crossing {
    /// Of users that were counted, with Σn and Σn² of their numbers of requests. Who came back, and
    /// whether single requests were assigned, follows from no counts: of a log's requests alone are
    /// these two known.
    pub(super) fn counted(n_units: u64, n_in_several: u64, (n, squares): (f64, f64)) -> Self {
        Self {
            n_units,
            n_in_several,
            n_returning: 0,
            by_request_ratio: 0.0,
            size_ratio: if n > 0.0 { squares / n } else { 1.0 },
        }
    }
}

/// What one user did.
#[derive(Clone, Copy)]
struct UserArms {
    first_arm: u16,
    is_in_several: bool,
    n_control: u32,
    n_other: u32,
    first_other_us: i64,
    last_control_us: i64,
}

impl UserArms {
    fn n(&self) -> f64 {
        f64::from(self.n_control) + f64::from(self.n_other)
    }
}

/// How users spread over the arms, of whose rows each is one; `None` where the log names no users.
pub(super) fn crossing(
    log: &RequestLog,
    by_user: &[UserRows<'_>],
    control: usize,
) -> Option<Crossing> {
    const UNSEEN: UserArms = UserArms {
        first_arm: u16::MAX,
        is_in_several: false,
        n_control: 0,
        n_other: 0,
        first_other_us: i64::MAX,
        last_control_us: i64::MIN,
    };
    let units = log.units.as_ref()?;
    let mut users = vec![UNSEEN; units.n_units as usize];
    for (arm, rows) in by_user.iter().enumerate() {
        for (row, unit) in rows.rows().iter().zip(rows.units()) {
            // A row without a user has a unit of its own, behind the users.
            let Some(user) = users.get_mut(*unit as usize) else {
                continue;
            };
            let start = log.start_us[*row as usize];
            if user.first_arm == u16::MAX {
                user.first_arm = arm as u16;
            }
            user.is_in_several |= usize::from(user.first_arm) != arm;
            if arm == control {
                user.n_control += 1;
                user.last_control_us = user.last_control_us.max(start);
            } else {
                user.n_other += 1;
                user.first_other_us = user.first_other_us.min(start);
            }
        }
    }
    users.retain(|user| user.first_arm != u16::MAX);
    let count =
        |holds: fn(&UserArms) -> bool| users.iter().filter(|user| holds(user)).count() as u64;
    let n_requests: f64 = users.iter().map(UserArms::n).sum();
    let squares: f64 = users.iter().map(|user| user.n().powi(2)).sum();
    let other_share = users.iter().map(|u| f64::from(u.n_other)).sum::<f64>() / n_requests.max(1.0);
    let expected: f64 = users
        .iter()
        .map(UserArms::n)
        .map(|n| 1.0 - other_share.powf(n) - (1.0 - other_share).powf(n))
        .sum();
    let n_in_several = count(|user| user.is_in_several);
    let over = |a: f64, b: f64, none: f64| if b > 0.0 { a / b } else { none };
    Some(Crossing {
        n_units: users.len() as u64,
        n_in_several,
        n_returning: count(|user| user.first_other_us < user.last_control_us),
        by_request_ratio: over(n_in_several as f64, expected, 0.0),
        size_ratio: over(squares, n_requests, 1.0),
    })
}

/// The log without users who were in several arms, or without what they did after their first arm;
/// `None` where all are kept, or where the log names no users. The first arm is that of the earliest
/// start.
pub(super) fn leave_out(
    log: &RequestLog,
    choice: CrossingUnits,
) -> Option<(RequestLog, CrossingLeftOut)> {
    let units = log.units.as_ref()?;
    if choice == CrossingUnits::Keep {
        return None;
    }
    let unseen = (i64::MAX, u16::MAX, false);
    let mut users = vec![unseen; units.n_units as usize];
    let named = |row: usize| Some(units.id[row]).filter(|id| *id != Units::NONE);
    for row in 0..log.n_rows() {
        let Some(id) = named(row) else { continue };
        let (arm, start) = (log.arm[row], log.start_us[row]);
        let (first_start, first_arm, is_in_several) = &mut users[id as usize];
        *is_in_several |= *first_arm != u16::MAX && *first_arm != arm;
        if start < *first_start {
            (*first_start, *first_arm) = (start, arm);
        }
    }
    let is_kept = |row: usize| {
        let Some(id) = named(row) else { return true };
        let (_, first_arm, is_in_several) = users[id as usize];
        !is_in_several || (choice == CrossingUnits::First && log.arm[row] == first_arm)
    };
    let kept: Vec<u32> = (0..log.n_rows())
        .filter(|row| is_kept(*row))
        .map(|row| row as u32)
        .collect();
    let left_out = CrossingLeftOut {
        choice,
        n_units: users
            .iter()
            .filter(|(_, _, is_in_several)| *is_in_several)
            .count() as u64,
        n_requests: (log.n_rows() - kept.len()) as u64,
    };
    Some((log.gathered(&kept), left_out))
}

/// How much whole users inflate the chance variation of request counts: Σn²/Σn over requests per
/// user. 1 where users do not stick to an arm, because then requests are not assigned by user.
pub(super) fn request_design_effect(crossing: Option<Crossing>) -> f64 {
    let sticky = crossing.filter(|found| found.n_in_several as f64 <= 0.1 * found.n_units as f64);
    sticky.map_or(1.0, |found| found.size_ratio)
}

#[cfg(test)]
mod tests {
    use super::super::by_user::Cuts;
    use super::super::scorecard::rows_by_arm;
    use super::*;
    use crate::data::{Arm, Outcome};

    /// Rows as (user, arm), one a second; arm 0 is the control.
    fn check(rows: &[(u32, u16)], n_in_several: u64, n_returning: u64) -> f64 {
        let n = rows.len();
        let log = RequestLog {
            arms: vec![Arm { name: "old".into() }, Arm { name: "new".into() }],
            arm: rows.iter().map(|r| r.1).collect(),
            row: (0..n as u32).collect(),
            start_us: (0..n as i64).collect(),
            event_us: (0..n as i64).collect(),
            outcome: vec![Outcome::Ok; n],
            units: Some(Units {
                column: "user".into(),
                id: rows.iter().map(|r| r.0).collect(),
                n_units: 1 + rows.iter().map(|r| r.0).max().unwrap_or(0),
            }),
            ..RequestLog::default()
        };
        let rows = rows_by_arm(&log);
        let cuts = Cuts::of(&log, None, &[]);
        let by_user: Vec<_> = rows.iter().map(|r| UserRows::of(&log, r, &cuts)).collect();
        let found = crossing(&log, &by_user, 0).unwrap();
        assert_eq!(
            (found.n_in_several, found.n_returning),
            (n_in_several, n_returning),
            "{rows:?}"
        );
        found.by_request_ratio
    }

    #[test]
    fn moving_to_the_canary_is_no_return() {
        check(&[(0, 0), (0, 0), (0, 1), (1, 0)], 1, 0);
        check(&[(0, 0), (0, 1), (0, 0), (1, 1)], 1, 1);
    }

    #[test]
    fn routing_by_request_is_told_from_sticky_users() {
        let by_request: Vec<(u32, u16)> = (0..400)
            .map(|i| (i % 40, u16::from(i * 7 % 11 < 5)))
            .collect();
        let sticky: Vec<(u32, u16)> = (0..400).map(|i| (i % 40, u16::from(i % 40 < 20))).collect();
        assert!(check(&by_request, 40, 40) > 0.9);
        assert!(check(&sticky, 0, 0) < 0.01);
    }
}
