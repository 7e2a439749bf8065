//! The order of rows by time, found in steps between which it can be cancelled.

use rayon::prelude::*;

use super::request_log::Rows;

/// Keys that one thread sorts in turn.
const RUN: usize = 1 << 17;

/// The rows in order of time, ties in the order in which they stand; `None` where they are so
/// already, or where somebody cancelled it.
pub(super) fn time_order(
    event_us: &[i64],
    is_cancelled: &(dyn Fn() -> bool + Sync),
) -> Option<Vec<u32>> {
    if event_us.is_sorted() {
        return None;
    }
    let (low, high) = event_us
        .iter()
        .fold((i64::MAX, i64::MIN), |(low, high), t| {
            (low.min(*t), high.max(*t))
        });
    let row_bits = usize::BITS - event_us.len().leading_zeros();
    let time_bits = u64::BITS - high.abs_diff(low).leading_zeros();
    if row_bits + time_bits > u64::BITS {
        let mut order: Vec<u32> = (0..event_us.len() as u32).collect();
        order.par_sort_by_key(|&row| event_us[row as usize]);
        return Some(order);
    }
    // Time and row in one integer: all keys differ, so that the sort need not be stable.
    let mut keys: Vec<u64> = event_us
        .iter()
        .enumerate()
        .map(|(row, t)| t.abs_diff(low) << row_bits | row as u64)
        .collect();
    sort(&mut keys, is_cancelled)?;
    let row = (1u64 << row_bits) - 1;
    Some(keys.into_iter().map(|key| (key & row) as u32).collect())
}

/// Sorts runs, then joins neighbours. Logs are nearly in order or made of ordered files, so that of two
/// neighbours little lies across, or two ordered halves, which the stable sort joins in one pass.
fn sort(keys: &mut [u64], is_cancelled: &(dyn Fn() -> bool + Sync)) -> Option<()> {
    let go_on = || (!is_cancelled()).then_some(());
    keys.par_chunks_mut(RUN).try_for_each(|run| {
        run.sort_unstable();
        go_on()
    })?;
    let mut width = RUN;
    while width < keys.len() {
        keys.par_chunks_mut(2 * width).try_for_each(|pair| {
            join(pair, width);
            go_on()
        })?;
        width *= 2;
    }
    Some(())
}

/// Sorts keys of which those before `at` and those from it on are sorted.
fn join(keys: &mut [u64], at: usize) {
    let (Some(&first), Some(&last)) = (keys.get(at), keys.get(at - 1)) else {
        return;
    };
    let from = keys[..at].partition_point(|key| *key < first);
    let to = at + keys[at..].partition_point(|key| *key < last);
    #[expect(
        clippy::stable_sort_primitive,
        reason = "it joins ordered halves in one pass"
    )]
    keys[from..to].sort();
}

/// Puts columns into an order until it is cancelled.
pub(super) struct Put<'a> {
    pub(super) order: &'a [u32],
    pub(super) is_cancelled: &'a (dyn Fn() -> bool + Sync),
}

impl Put<'_> {
    pub(super) fn column<T: Copy + Send>(&self, values: &mut Vec<T>) {
        self.with(|order| *values = Rows::At(order).of(values));
    }

    pub(super) fn with(&self, put: impl FnOnce(&[u32])) {
        if !(self.is_cancelled)() {
            put(self.order);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Times in a few ordered files, jittered, with ties: several runs of them.
    fn times() -> Vec<i64> {
        let n = 5 * RUN as i64 + 4321;
        let of_file = |file: i64| {
            (0..n / 4).map(move |i| i * 10 + file + (i * 7_919 % 1_013) * 3 - (i % 5) * 40)
        };
        (0..4).flat_map(of_file).collect()
    }

    #[test]
    fn rows_are_ordered_and_ties_stand_as_they_stood() {
        let times = times();
        let found = time_order(&times, &|| false).expect("out of order");
        let mut expected: Vec<u32> = (0..times.len() as u32).collect();
        expected.sort_by_key(|row| times[*row as usize]);
        assert!(found == expected, "as a stable sort has it");
        let sorted: Vec<i64> = found.iter().map(|row| times[*row as usize]).collect();
        assert!(time_order(&sorted, &|| false).is_none());
    }

    #[test]
    fn it_stops_soon_after_it_was_cancelled() {
        let asked = AtomicUsize::new(0);
        let is_cancelled = || asked.fetch_add(1, Ordering::Relaxed) >= 3;
        assert!(time_order(&times(), &is_cancelled).is_none());
        let n_threads = rayon::current_num_threads();
        assert!(asked.into_inner() <= 4 + n_threads, "no further steps");
    }
}
