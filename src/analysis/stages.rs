//! Stages of a rollout, inferred from the treatment's share of requests over time.

use super::model::Stage;
use crate::data::{RequestLog, TimeBuckets, Units};

/// Resolution of the segmentation.
const MAX_BUCKETS: usize = 288;

/// Cuts the time of a log where the treatment's share changes: the segmentation into stretches of
/// constant share that maximises the binomial log-likelihood less a penalty of `3 ln n` per cut
/// (optimal partitioning, Jackson et al. 2005, with a Bayesian-information-like penalty).
///
/// Each user counts once per bucket and arm. Boundaries are exact to a bucket, at least a 288th of the
/// span.
pub(super) fn infer(log: &RequestLog, control: usize, treatment: usize) -> Vec<Stage> {
    let Some(buckets) = TimeBuckets::over(log, MAX_BUCKETS) else {
        return Vec::new();
    };
    let mut counts = vec![ArmCounts::default(); buckets.n_buckets];
    let n_units = log.units.as_ref().map_or(0, |units| units.n_units as usize);
    let mut last_vote = [control, treatment].map(|_| vec![u32::MAX; n_units]);
    for (bucket, rows) in buckets.stretches(log).into_iter().enumerate() {
        for row in rows {
            let arm = usize::from(log.arm[row]);
            if arm != control && arm != treatment {
                continue;
            }
            let side = usize::from(arm == treatment);
            counts[bucket].requests[side] += 1;
            // A user who sends many requests says no more about the share than one who sends one.
            let unit = log.units.as_ref().map(|units| units.id[row]);
            let is_repeat = unit.filter(|id| *id != Units::NONE).is_some_and(|id| {
                let vote = &mut last_vote[side][id as usize];
                std::mem::replace(vote, bucket as u32) == bucket as u32
            });
            counts[bucket].users[side] += u64::from(!is_repeat);
        }
    }
    of_counts(&buckets, &counts)
}

/// Requests and users of the control and of the treatment in one bucket.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ArmCounts {
    pub(super) requests: [u64; 2],
    pub(super) users: [u64; 2],
}

/// The stages of a log of which the arms are counted by bucket.
pub(super) fn of_counts(buckets: &TimeBuckets, counts: &[ArmCounts]) -> Vec<Stage> {
    let stage = |(from, to): (usize, usize)| {
        let sum = |side: usize| {
            counts[from..to]
                .iter()
                .map(|c| c.requests[side])
                .sum::<u64>()
        };
        let (n, k) = (sum(0) + sum(1), sum(1));
        Stage {
            from_us: buckets.start_us(from),
            to_us: buckets.start_us(to),
            share: if n == 0 { 0.0 } else { k as f64 / n as f64 },
            n_requests: n,
            n_treatment: k,
        }
    };
    let votes: Vec<(u64, u64)> = counts
        .iter()
        .map(|c| (c.users[0] + c.users[1], c.users[1]))
        .collect();
    segment(&votes).into_iter().map(stage).collect()
}

/// The buckets in which stages of a log with these first and last event times are looked for.
pub(super) fn buckets_over(first_us: i64, last_us: i64) -> TimeBuckets {
    TimeBuckets::between(first_us, last_us, MAX_BUCKETS)
}

/// Half-open ranges of buckets of constant share.
fn segment(counts: &[(u64, u64)]) -> Vec<(usize, usize)> {
    let n_total: u64 = counts.iter().map(|c| c.0).sum();
    let penalty = 3.0 * (n_total.max(2) as f64).ln();
    let mut sums = vec![(0u64, 0u64)];
    for (n, k) in counts {
        let (sn, sk) = sums[sums.len() - 1];
        sums.push((sn + n, sk + k));
    }
    let m = counts.len();
    let mut best = vec![0.0; m + 1];
    let mut cut = vec![0; m + 1];
    for end in 1..=m {
        let candidate = |start: usize| {
            let (n, k) = (sums[end].0 - sums[start].0, sums[end].1 - sums[start].1);
            let opening = if start == 0 { 0.0 } else { penalty };
            best[start] + opening - log_likelihood(n, k)
        };
        let (start, cost) = (0..end)
            .map(|start| (start, candidate(start)))
            .min_by(|a, b| a.1.total_cmp(&b.1))
            .unwrap_or((0, 0.0));
        best[end] = cost;
        cut[end] = start;
    }
    let mut ranges = Vec::new();
    let mut end = m;
    while end > 0 {
        ranges.push((cut[end], end));
        end = cut[end];
    }
    ranges.reverse();
    ranges
}

/// Of `k` in `n` at the share `k / n`.
fn log_likelihood(n: u64, k: u64) -> f64 {
    let term = |count: u64| {
        if count == 0 {
            0.0
        } else {
            count as f64 * (count as f64 / n as f64).ln()
        }
    };
    term(k) + term(n - k)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn share_changes_are_found_and_nothing_else() {
        let mut counts = vec![(100, 5); 30];
        counts.extend(vec![(100, 25); 20]);
        counts.extend(vec![(0, 0); 5]);
        counts.extend(vec![(100, 26); 10]);
        let ranges = segment(&counts);
        assert_eq!(ranges.len(), 2, "{ranges:?}");
        assert_eq!(ranges[0], (0, 30));
        assert_eq!(segment(&[(0, 0)]), [(0, 1)]);
    }
}
