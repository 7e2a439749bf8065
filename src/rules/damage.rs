//! What acting at a first firing would have averted: the canary's later requests against what the
//! baseline did at the same time.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use super::prepare::View;
use crate::data::{Numbers, Quantity, RequestLog, TimeBuckets};

/// What a rollback at the first firing would have averted.
///
/// Over the canary's requests after it takes effect, the sum of their value less the mean of the
/// baseline's requests in the same stretch of time. Where the baseline has no request in a stretch,
/// as at full share, nothing can be said: those requests are counted apart. Assumes that the baseline
/// would have served them as it served its own.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Averted {
    /// The canary's requests that could be compared.
    pub requests: u64,
    /// Those without a request of the baseline in the same stretch of time.
    pub not_identified: u64,
    /// The length of a stretch.
    pub bin_us: i64,
    /// The highest rating that counts as bad: 2 of 5, the lowest of two, else four tenths of the greatest;
    /// `None` without ratings.
    pub bad_rating: Option<f64>,
    /// What was averted, by measure; negative where the baseline would have been worse.
    pub amounts: Vec<AvertedAmount>,
}

/// One measure of what was averted.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AvertedAmount {
    /// `errors`, `bad_ratings`, `latency_s`, `tokens` or `cost`.
    pub id: &'static str,
    /// The canary's excess over the baseline; negative where it was better.
    pub value: f64,
    /// The interval of 95 % of a bootstrap over users; `None` with fewer than 20 users.
    pub interval: Option<(f64, f64)>,
}

/// Users are drawn in so many groups.
const N_GROUPS: usize = 512;
const N_REPLICATES: usize = 1000;
/// With fewer groups an interval would be a guess.
const MIN_GROUPS: usize = 20;
const SEED: u64 = 1;
/// The time of the log is cut into at most so many stretches.
const MAX_BINS: usize = 288;

/// Compares the canary's requests after `effective_us`, in the log's own microseconds.
pub(super) fn averted(view: View<'_>, effective_us: i64) -> Option<Averted> {
    let log = view.prepared.log();
    if view.prepared.is_timeless() {
        return None;
    }
    let bins = TimeBuckets::over(log, MAX_BINS)?;
    let after = |rows: &[u32]| {
        let start = rows.partition_point(|row| log.event_us[*row as usize] <= effective_us);
        rows[start..].to_vec()
    };
    let (canary, baseline) = (after(&view.arms.canary), after(&view.arms.baseline));
    let mut of_baseline = vec![false; bins.n_buckets];
    for row in &baseline {
        of_baseline[bins.index(log.event_us[*row as usize])] = true;
    }
    let is_compared = |row: &&u32| of_baseline[bins.index(log.event_us[**row as usize])];
    let requests = canary.iter().filter(is_compared).count() as u64;
    let comparison = Comparison {
        log,
        bins,
        canary: &canary,
        baseline: &baseline,
    };
    let amounts = measures(log)
        .into_iter()
        .filter_map(|(id, value)| comparison.amount(id, value.as_ref()))
        .collect();
    Some(Averted {
        requests,
        not_identified: canary.len() as u64 - requests,
        bin_us: bins.width_us,
        bad_rating: log
            .quantity(Quantity::Rating)
            .and_then(bad_rating)
            .map(|(_, bad)| bad),
        amounts,
    })
}

/// A measure's name and a row's value, if it has one.
type Measure<'a> = (&'static str, Box<dyn Fn(usize) -> Option<f64> + 'a>);

fn measures(log: &RequestLog) -> Vec<Measure<'_>> {
    let there = |value: f64| Some(value).filter(|value| !value.is_nan());
    let mut found: Vec<Measure<'_>> = Vec::new();
    if log.has_outcome {
        let failed = |row: usize| {
            let outcome = log.outcome[row];
            outcome
                .is_counted()
                .then(|| f64::from(u8::from(outcome.is_error())))
        };
        found.push(("errors", Box::new(failed)));
    }
    if let Some((ratings, bad)) = log.quantity(Quantity::Rating).and_then(bad_rating) {
        let is_bad =
            move |row: usize| there(ratings[row]).map(|rating| f64::from(u8::from(rating <= bad)));
        found.push(("bad_ratings", Box::new(is_bad)));
    }
    if let Some(latency) = log.quantity(Quantity::LatencyMs) {
        let seconds = move |row: usize| there(latency[row] / 1000.0);
        found.push(("latency_s", Box::new(seconds)));
    }
    let tokens: Vec<&Numbers> = [Quantity::TokensIn, Quantity::TokensOut]
        .into_iter()
        .filter_map(|quantity| log.quantity(quantity))
        .collect();
    if !tokens.is_empty() {
        let sum = move |row: usize| there(tokens.iter().map(|numbers| numbers[row]).sum());
        found.push(("tokens", Box::new(sum)));
    }
    if let Some(cost) = log.quantity(Quantity::Cost) {
        found.push(("cost", Box::new(move |row: usize| there(cost[row]))));
    }
    found
}

/// The ratings with the highest that counts as bad: 2 of 5, the lowest of two, else four tenths of
/// the greatest.
fn bad_rating(ratings: &Numbers) -> Option<(&Numbers, f64)> {
    let there = ratings.iter().copied().filter(|rating| !rating.is_nan());
    let (low, high) = there.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), rating| {
        (low.min(rating), high.max(rating))
    });
    (low < high).then_some(())?;
    let bad = if high <= 1.0 {
        low
    } else if high <= 5.0 {
        2.0
    } else {
        0.4 * high
    };
    Some((ratings, bad))
}

/// The later requests of both arms.
struct Comparison<'a> {
    log: &'a RequestLog,
    bins: TimeBuckets,
    canary: &'a [u32],
    baseline: &'a [u32],
}

/// Sums of one stretch of time.
#[derive(Clone, Copy, Default)]
struct Bin {
    n_canary: f64,
    n_baseline: f64,
    sum_baseline: f64,
}

impl Comparison<'_> {
    fn amount(
        &self,
        id: &'static str,
        value: &dyn Fn(usize) -> Option<f64>,
    ) -> Option<AvertedAmount> {
        let mut bins = vec![Bin::default(); self.bins.n_buckets];
        for row in self.baseline {
            if let Some(y) = value(*row as usize) {
                let bin = &mut bins[self.bin(*row)];
                bin.n_baseline += 1.0;
                bin.sum_baseline += y;
            }
        }
        for row in self.canary {
            if value(*row as usize).is_some() {
                bins[self.bin(*row)].n_canary += 1.0;
            }
        }
        // What every group of users moves the sum by, to first order: the baseline's through its
        // means.
        let mut groups = vec![0.0; N_GROUPS];
        let mut is_there = vec![false; N_GROUPS];
        let mut n = 0_u64;
        let mut add = |row: u32, moved: f64| {
            let group = self.group(row);
            groups[group] += moved;
            is_there[group] = true;
        };
        for row in self.canary {
            let bin = bins[self.bin(*row)];
            if let Some(y) = value(*row as usize)
                && bin.n_baseline > 0.0
            {
                add(*row, y - bin.sum_baseline / bin.n_baseline);
                n += 1;
            }
        }
        for row in self.baseline {
            let bin = bins[self.bin(*row)];
            if let Some(y) = value(*row as usize) {
                let excess = y - bin.sum_baseline / bin.n_baseline;
                add(*row, -excess * bin.n_canary / bin.n_baseline);
            }
        }
        let drawn: Vec<f64> = groups
            .iter()
            .zip(&is_there)
            .filter(|(_, is_there)| **is_there)
            .map(|(moved, _)| *moved)
            .collect();
        (n > 0).then(|| AvertedAmount {
            id,
            value: groups.iter().sum(),
            interval: interval(&drawn),
        })
    }

    fn bin(&self, row: u32) -> usize {
        self.bins.index(self.log.event_us[row as usize])
    }

    /// The group of the request's user.
    fn group(&self, row: u32) -> usize {
        let unit = match &self.log.units {
            Some(units) => units.of_row(row as usize),
            None => row,
        };
        // The golden ratio spreads consecutive numbers.
        (u64::from(unit).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 55) as usize % N_GROUPS
    }
}

/// The middle 95 % of sums over groups drawn with replacement.
fn interval(groups: &[f64]) -> Option<(f64, f64)> {
    if groups.len() < MIN_GROUPS {
        return None;
    }
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    let mut sums: Vec<f64> = (0..N_REPLICATES)
        .map(|_| {
            (0..groups.len())
                .map(|_| groups[random.random_range(0..groups.len())])
                .sum()
        })
        .collect();
    sums.sort_by(f64::total_cmp);
    let at = |share: f64| sums[(share * (N_REPLICATES - 1) as f64).round() as usize];
    Some((at(0.025), at(0.975)))
}
