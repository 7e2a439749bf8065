//! Which single requests went worst: examples beside the figures.

use std::cmp::Ordering;

use serde::Serialize;

use crate::data::{Numbers, Outcome, Quantity, RequestLog};

/// What is bad about a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Badness {
    /// It failed, or was refused for load.
    Failed,
    /// Its answer took longest.
    Slowest,
    /// It was rated lowest.
    LowestRated,
}

/// Requests of one arm that went badly in one way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRequests {
    /// In which way.
    pub what: Badness,
    /// From how many they were picked.
    pub n: u64,
    /// Rows of the log: failures in order of time, the others the worst first, ties in order of time.
    pub rows: Vec<u32>,
}

/// At most `most` requests of `arm` for each way to go badly that the log can tell. Failures are picked
/// at even distances among all of them, so that one outage does not fill the list.
pub fn bad_requests(log: &RequestLog, arm: usize, most: usize) -> Vec<BadRequests> {
    let of_arm = || log.rows_of_arm(arm).map(|row| row as u32);
    let mut found = Vec::new();
    if log.has_outcome {
        let failed: Vec<u32> = of_arm()
            .filter(|row| log.outcome[*row as usize].is_error())
            .collect();
        found.push(BadRequests {
            what: Badness::Failed,
            n: failed.len() as u64,
            rows: spread(&failed, most),
        });
    }
    if let Some(latencies) = log.quantity(Quantity::LatencyMs) {
        let answered = of_arm().filter(|row| log.outcome[*row as usize] == Outcome::Ok);
        found.push(worst(Badness::Slowest, answered, latencies, most));
    }
    if let Some(ratings) = log.quantity(Quantity::Rating) {
        found.push(worst(Badness::LowestRated, of_arm(), ratings, most));
    }
    found.retain(|bad| !bad.rows.is_empty());
    found
}

fn spread(rows: &[u32], most: usize) -> Vec<u32> {
    let n_picked = most.min(rows.len());
    let at = |k: usize| rows[(2 * k + 1) * rows.len() / (2 * n_picked)];
    (0..n_picked).map(at).collect()
}

fn worst(
    what: Badness,
    rows: impl Iterator<Item = u32>,
    values: &Numbers,
    most: usize,
) -> BadRequests {
    let value = |row: u32| values[row as usize];
    let mut rows: Vec<u32> = rows.filter(|row| !value(*row).is_nan()).collect();
    let by_badness = |a: &u32, b: &u32| -> Ordering {
        let ascending = value(*a).total_cmp(&value(*b));
        let worse = match what {
            Badness::Slowest => ascending.reverse(),
            Badness::Failed | Badness::LowestRated => ascending,
        };
        worse.then(a.cmp(b))
    };
    let n = rows.len();
    if (1..n).contains(&most) {
        rows.select_nth_unstable_by(most - 1, by_badness);
    }
    rows.truncate(most);
    rows.sort_unstable_by(by_badness);
    BadRequests {
        what,
        n: n as u64,
        rows,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Arm;

    #[test]
    fn the_worst_of_an_arm_are_found_in_each_way() {
        let n = 40;
        let log = RequestLog {
            arms: ["a", "b"].map(|name| Arm { name: name.into() }).into(),
            arm: (0..n).map(|i| i % 2).collect(),
            outcome: (0..n)
                .map(|i| if i < 20 { Outcome::Error } else { Outcome::Ok })
                .collect(),
            has_outcome: true,
            quantities: vec![
                (
                    Quantity::LatencyMs,
                    (0..n).map(|i| f64::from(i % 10)).collect::<Vec<_>>().into(),
                ),
                (
                    Quantity::Rating,
                    (0..n)
                        .map(|i| if i == 5 { f64::NAN } else { f64::from(i) })
                        .collect::<Vec<_>>()
                        .into(),
                ),
            ],
            ..RequestLog::default()
        };
        let found = bad_requests(&log, 1, 3);
        let rows = |k: usize| (found[k].what, found[k].n, found[k].rows.clone());
        assert_eq!(rows(0), (Badness::Failed, 10, vec![3, 11, 17]));
        assert_eq!(rows(1), (Badness::Slowest, 10, vec![29, 39, 27]));
        assert_eq!(rows(2), (Badness::LowestRated, 19, vec![1, 3, 7]));
        let all = bad_requests(&log, 1, 100);
        assert_eq!(all[0].rows.len(), 10);
        assert_eq!(bad_requests(&log, 1, 0), Vec::new());
    }
}
