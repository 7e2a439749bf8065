//! [`Order`]: exact quantiles of a window.

use super::{Observed, Ranks, Statistic};
use crate::rules::QuantileMethod;

/// A quantile of the values in a window, by counting ranks.
///
/// A pointer stands on the rank of the wanted order statistic and knows how many values lie below
/// it; a value that comes or goes moves it by about one occupied rank. A hierarchy of bitmaps
/// skips ranks that no value has, so that sparse or bimodal values cost no more. Ranks are counted from
/// a floor on, a little below the pointer: most requests of a high quantile come and go below it.
#[derive(Debug, Clone)]
pub(in crate::rules) struct Order<'a> {
    ranks: &'a Ranks,
    probability: f64,
    method: QuantileMethod,
    /// Per rank from the floor on; 0 below it.
    counts: Vec<u32>,
    occupied: Occupied,
    n: u32,
    floor: usize,
    /// Values from the floor on, and how many they were when it was set last.
    n_band: u32,
    n_cut: u32,
    /// The rank that the pointer stands on; not below the floor.
    at: usize,
    /// How many values have a smaller rank than `at`.
    below: u32,
}

/// Where a quantile lies among sorted values.
#[derive(Debug, Clone, Copy)]
pub(super) struct Position {
    /// The index of the value at or below it, from 0.
    pub(super) k: u32,
    /// How far it lies towards the next value; 0 where it is a value itself.
    pub(super) fraction: f64,
}

/// Which ranks have values: one bit a rank, and above it one bit for each word below.
#[derive(Debug, Clone)]
struct Occupied {
    levels: Vec<Vec<u64>>,
}

impl<'a> Order<'a> {
    pub(in crate::rules) fn new(
        ranks: &'a Ranks,
        probability: f64,
        method: QuantileMethod,
    ) -> Self {
        Self {
            ranks,
            probability,
            method,
            counts: vec![0; ranks.size()],
            occupied: Occupied::new(ranks.size()),
            n: 0,
            floor: 0,
            n_band: 0,
            n_cut: 0,
            at: 0,
            below: 0,
        }
    }

    /// A value comes.
    #[inline]
    fn put(&mut self, rank: usize) {
        self.below += u32::from(rank < self.at);
        if rank >= self.floor {
            if self.counts[rank] == 0 {
                self.occupied.set(rank);
            }
            self.counts[rank] += 1;
            self.n_band += 1;
        }
    }

    /// A value goes.
    #[inline]
    fn take(&mut self, rank: usize) {
        self.below -= u32::from(rank < self.at);
        if rank >= self.floor {
            self.counts[rank] -= 1;
            if self.counts[rank] == 0 {
                self.occupied.clear(rank);
            }
            self.n_band -= 1;
        }
    }

    #[inline]
    fn position(&self) -> Option<Position> {
        Position::of(self.n, self.probability, self.method)
    }

    /// Puts the pointer on the k-th smallest value, from 0; `k < n`.
    #[inline]
    fn select(&mut self, k: u32) -> f64 {
        while self.below > k {
            self.at = self.occupied.before(self.at).unwrap_or(0);
            self.below -= self.counts[self.at];
        }
        while self.below + self.counts[self.at] <= k {
            self.below += self.counts[self.at];
            let Some(next) = self.occupied.after(self.at) else {
                break;
            };
            self.at = next;
        }
        self.ranks.value(self.at)
    }

    /// The (k+1)-th smallest value while the pointer stands on the k-th.
    fn following(&self, k: u32) -> f64 {
        if k + 1 < self.below + self.counts[self.at] {
            return self.ranks.value(self.at);
        }
        let next = self.occupied.after(self.at).unwrap_or(self.at);
        self.ranks.value(next)
    }
}

impl Position {
    /// The place of a quantile among `n` sorted values; `None` without values.
    #[inline]
    pub(super) fn of(n: u32, probability: f64, method: QuantileMethod) -> Option<Self> {
        let last = n.checked_sub(1)?;
        Some(match method {
            QuantileMethod::FloorIndex => Self {
                k: ((f64::from(n) * probability) as u32).min(last),
                fraction: 0.0,
            },
            QuantileMethod::NearestRank => Self {
                k: ((f64::from(n) * probability).ceil() as u32).clamp(1, n) - 1,
                fraction: 0.0,
            },
            // Buckets are interpolated where they are counted.
            QuantileMethod::R7 | QuantileMethod::PromBuckets => {
                let position = f64::from(last) * probability;
                let k = (position as u32).min(last);
                Self {
                    k,
                    fraction: position - f64::from(k),
                }
            }
        })
    }

    /// The quantile from the k-th smallest value and, where it is needed, the one after it.
    #[inline]
    pub(super) fn between(self, low: f64, high: impl FnOnce() -> f64) -> f64 {
        if self.fraction == 0.0 {
            low
        } else {
            low + (high() - low) * self.fraction
        }
    }
}

/// How many values to keep so that the order statistic with `above` greater ones is among them, also
/// when it has moved for a while.
fn band_size(above: u32) -> u32 {
    let spread = 4.0 * f64::from(above).sqrt();
    above + 1 + (above / 2).max(spread as u32 + 8)
}

/// Whether a band of so many values is to be cut anew; `n_cut` were left when it was cut last. Values
/// that are equal cannot be told apart by a floor: a band that stays wide is left as it is.
fn is_too_wide(n_band: u32, above: u32, n_cut: u32) -> bool {
    n_band > 4 * (above + 1) + 64 && n_band / 2 > n_cut
}

impl Statistic for Order<'_> {
    #[inline]
    fn add(&mut self, row: usize) -> bool {
        let rank = self.ranks.rank[row];
        if rank == Ranks::NONE {
            return false;
        }
        self.n += 1;
        self.put(rank as usize);
        true
    }

    #[inline]
    fn remove(&mut self, row: usize) -> bool {
        let rank = self.ranks.rank[row];
        if rank == Ranks::NONE {
            return false;
        }
        self.n -= 1;
        self.take(rank as usize);
        true
    }

    #[inline]
    fn replace(&mut self, new: usize, old: usize) -> bool {
        let (new_rank, old_rank) = (self.ranks.rank[new], self.ranks.rank[old]);
        if new_rank == Ranks::NONE || old_rank == Ranks::NONE {
            return self.remove(old) | self.add(new);
        }
        let (new, old) = (new_rank as usize, old_rank as usize);
        if new < self.floor && old < self.floor {
            return false;
        }
        self.take(old);
        self.put(new);
        // On one side of the pointer one value is as good as another; the value after it matters only
        // where it is interpolated.
        let is_between = matches!(
            self.method,
            QuantileMethod::R7 | QuantileMethod::PromBuckets
        );
        let is_above = new > self.at && old > self.at && !is_between;
        !(is_above || new < self.at && old < self.at)
    }

    #[inline]
    fn pass_over(&mut self, coming: &[u32], going: &[u32]) -> usize {
        let is_below = |row: u32| (self.ranks.rank[row as usize] as usize) < self.floor;
        let mut pairs = coming.iter().zip(going);
        let changing = pairs.position(|(new, old)| !(is_below(*new) & is_below(*old)));
        changing.unwrap_or(coming.len())
    }

    #[inline]
    fn shows_all(&self) -> bool {
        true
    }

    #[inline]
    fn needs_recount(&self) -> bool {
        self.position().is_some_and(|position| {
            let above = self.n - 1 - position.k;
            self.n_band <= above || is_too_wide(self.n_band, above, self.n_cut)
        })
    }

    fn recount(&mut self, rows: &[u32]) {
        let mut rank = Some(self.floor);
        while let Some(at) = rank {
            self.counts[at] = 0;
            rank = self.occupied.after(at);
            self.occupied.clear(at);
        }
        let ranks = rows.iter().map(|row| self.ranks.rank[*row as usize]);
        let mut ranks: Vec<u32> = ranks.filter(|rank| *rank != Ranks::NONE).collect();
        self.n = ranks.len() as u32;
        let above = self
            .position()
            .map_or(0, |position| self.n - 1 - position.k);
        let kept = band_size(above);
        self.floor = 0;
        if kept < self.n {
            let first = (self.n - kept) as usize;
            self.floor = *ranks.select_nth_unstable(first).1 as usize;
        }
        (self.at, self.below, self.n_band) = (self.floor, 0, 0);
        for rank in ranks {
            self.put(rank as usize);
        }
        self.n_cut = self.n_band;
    }

    #[inline]
    fn observe(&mut self) -> Observed {
        let Some(position) = self.position() else {
            return Observed::NOTHING;
        };
        let low = self.select(position.k);
        let value = position.between(low, || self.following(position.k));
        Observed::new(value, self.n)
    }
}

impl Occupied {
    fn new(n_ranks: usize) -> Self {
        let mut levels = Vec::new();
        let mut n = n_ranks;
        loop {
            n = n.div_ceil(64).max(1);
            levels.push(vec![0; n]);
            if n == 1 {
                return Self { levels };
            }
        }
    }

    #[inline]
    fn set(&mut self, rank: usize) {
        let mut i = rank;
        for level in &mut self.levels {
            let word = &mut level[i / 64];
            let was_empty = *word == 0;
            *word |= 1 << (i % 64);
            if !was_empty {
                return;
            }
            i /= 64;
        }
    }

    #[inline]
    fn clear(&mut self, rank: usize) {
        let mut i = rank;
        for level in &mut self.levels {
            let word = &mut level[i / 64];
            *word &= !(1 << (i % 64));
            if *word != 0 {
                return;
            }
            i /= 64;
        }
    }

    /// The smallest occupied rank above `rank`.
    #[inline]
    fn after(&self, rank: usize) -> Option<usize> {
        let mut i = rank;
        for (height, level) in self.levels.iter().enumerate() {
            let above = level[i / 64] & (u64::MAX << (i % 64)) & !(1 << (i % 64));
            if above != 0 {
                let found = i / 64 * 64 + above.trailing_zeros() as usize;
                return Some(self.descend(height, found, u64::trailing_zeros));
            }
            i /= 64;
        }
        None
    }

    /// The greatest occupied rank below `rank`.
    #[inline]
    fn before(&self, rank: usize) -> Option<usize> {
        let mut i = rank;
        for (height, level) in self.levels.iter().enumerate() {
            let below = level[i / 64] & !(u64::MAX << (i % 64));
            if below != 0 {
                let found = i / 64 * 64 + highest_bit(below) as usize;
                return Some(self.descend(height, found, highest_bit));
            }
            i /= 64;
        }
        None
    }

    /// From an occupied word of a level down to the rank at its edge.
    #[inline]
    fn descend(&self, height: usize, found: usize, edge: impl Fn(u64) -> u32) -> usize {
        let mut found = found;
        for level in self.levels[..height].iter().rev() {
            found = found * 64 + edge(level[found]) as usize;
        }
        found
    }
}

fn highest_bit(word: u64) -> u32 {
    word.ilog2()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::rules::state::{Frame, Point, Ring, Sliding};
    use crate::rules::{Edge, TimeSpan, Window};

    /// The definition: sort, then index or interpolate.
    fn by_sorting(values: &[f64], probability: f64, method: QuantileMethod) -> f64 {
        let mut sorted: Vec<f64> = values.iter().copied().filter(|v| !v.is_nan()).collect();
        sorted.sort_by(f64::total_cmp);
        let n = sorted.len();
        if n == 0 {
            return f64::NAN;
        }
        match method {
            QuantileMethod::FloorIndex => sorted[((n as f64 * probability) as usize).min(n - 1)],
            QuantileMethod::NearestRank => {
                sorted[((n as f64 * probability).ceil() as usize).clamp(1, n) - 1]
            }
            QuantileMethod::R7 | QuantileMethod::PromBuckets => {
                let position = (n - 1) as f64 * probability;
                let (low, high) = (position.floor() as usize, position.ceil() as usize);
                sorted[low] + (sorted[high] - sorted[low]) * position.fract()
            }
        }
    }

    fn values() -> impl Strategy<Value = Vec<f64>> {
        let value = prop_oneof![
            6 => (0..50_000_u32).prop_map(|v| f64::from(v) / 10.0),
            2 => -1e9..1e9_f64,
            1 => Just(f64::NAN),
            1 => Just(0.0),
        ];
        let on_grid = (0..400_000_u32).prop_map(|v| f64::from(v) / 10.0);
        prop_oneof![
            proptest::collection::vec(value, 1..400),
            proptest::collection::vec(on_grid, 1..400),
        ]
    }

    fn method() -> impl Strategy<Value = QuantileMethod> {
        prop_oneof![
            Just(QuantileMethod::R7),
            Just(QuantileMethod::FloorIndex),
            Just(QuantileMethod::NearestRank)
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            rng_seed: proptest::test_runner::RngSeed::Fixed(1),
            failure_persistence: None,
            ..ProptestConfig::with_cases(200)
        })]

        #[test]
        fn the_pointer_finds_what_sorting_finds(
            values in values(), n in 1..120_u32, probability in 0.0..=1.0_f64, method in method(),
        ) {
            let rows: Vec<u32> = (0..values.len() as u32).collect();
            let event_us = vec![0; values.len()];
            let ranks = Ranks::of(&values.clone().into(), false);
            let order = Order::new(&ranks, probability, method);
            let frame = Frame { event_us: &event_us, zero_us: 0, stages: &[] };
            let mut window = Sliding::new(&rows, frame, Window::Last { n }, order);
            let ring = Ring::new(&values, false, n, probability, method);
            let mut small = Sliding::new(&rows, frame, Window::Last { n }, ring);
            for seen in 1..=values.len() {
                let point = Point { at_us: 0, seen: seen as u32 };
                window.advance(point);
                small.advance(point);
                let got = window.observed();
                let expected = by_sorting(&values[seen.saturating_sub(n as usize)..seen], probability, method);
                prop_assert_eq!(got.value.to_bits(), expected.to_bits(), "{} {}", got.value, expected);
                prop_assert_eq!(small.observed().value.to_bits(), expected.to_bits());
            }
        }

        #[test]
        fn a_trailing_window_holds_what_brute_force_holds(
            steps in proptest::collection::vec(0..5_i64, 1..200), span in 1..40_i64, is_open: bool,
        ) {
            let event_us: Vec<i64> = steps.iter().scan(0, |t, step| { *t += step; Some(*t) }).collect();
            let rows: Vec<u32> = (0..event_us.len() as u32).step_by(2).collect();
            let values: Vec<f64> = (0..event_us.len()).map(|i| (i * 7 % 31) as f64).collect();
            let ranks = Ranks::of(&values.clone().into(), false);
            let left = if is_open { Edge::Open } else { Edge::Closed };
            let window = Window::Trailing { span: TimeSpan { us: span }, left };
            let order = Order::new(&ranks, 0.5, QuantileMethod::FloorIndex);
            let frame = Frame { event_us: &event_us, zero_us: 0, stages: &[] };
            let mut sliding = Sliding::new(&rows, frame, window, order.clone());
            for (row, at_us) in event_us.iter().enumerate() {
                let point = Point { at_us: *at_us, seen: row as u32 + 1 };
                let inside: Vec<f64> = rows.iter().map(|r| *r as usize).filter(|r| *r <= row)
                    .filter(|r| event_us[*r] > at_us - span || (!is_open && event_us[*r] == at_us - span))
                    .map(|r| values[r]).collect();
                let expected = by_sorting(&inside, 0.5, QuantileMethod::FloorIndex);
                sliding.advance(point);
                let got = sliding.observed();
                prop_assert_eq!(got.n as usize, inside.len());
                prop_assert_eq!(got.value.to_bits(), expected.to_bits());
                let mut jumped = Sliding::new(&rows, frame, window, order.clone());
                jumped.seek(point);
                jumped.advance(point);
                prop_assert_eq!(jumped.observed().value.to_bits(), expected.to_bits());
            }
        }
    }
}
