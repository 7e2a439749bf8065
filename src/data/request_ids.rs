//! [`RequestIds`]: which rows share a request id. The ids themselves are not kept.

use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;

use super::request_log::Rows;

/// Bits per id in the sieve that finds candidates for repeats: one in thirty is a false one.
const BITS_PER_ID: usize = 16;

/// Hashes that one thread looks at in turn.
const STRETCH: usize = 1 << 16;

/// Which rows share a request id.
#[derive(Debug, Clone, Default)]
pub struct RequestIds {
    n_rows: usize,
    /// Per row: [`RequestIds::NONE`], [`RequestIds::ONCE`], or the number of an id that several rows
    /// have; empty where every row has an id of its own.
    groups: Vec<u32>,
}

impl RequestIds {
    /// A row without an id.
    pub const NONE: u32 = 0;
    /// A row whose id no other row of the whole log has.
    pub const ONCE: u32 = 1;

    /// From hashes of the ids, 0 where a row has none. Equal hashes are taken for equal ids: among
    /// ten million ids the chance of a mistake is below one in three hundred thousand.
    pub fn of_hashes(hashes: &[u64]) -> Self {
        Self::of_candidates(hashes, &candidates(hashes, &|| false))
    }

    /// As [`RequestIds::of_hashes`]; `None` where somebody cancelled it.
    pub fn of_hashes_unless(
        hashes: &[u64],
        is_cancelled: &(dyn Fn() -> bool + Sync),
    ) -> Option<Self> {
        let shared = candidates(hashes, is_cancelled);
        (!is_cancelled()).then(|| Self::of_candidates(hashes, &shared))
    }

    fn of_candidates(hashes: &[u64], shared: &[(u64, u32)]) -> Self {
        let n_rows = hashes.len();
        let repeated = || {
            let same = shared.chunk_by(|a, b| a.0 == b.0);
            same.filter(|group| group.len() > 1)
        };
        let has_gap = hashes.par_chunks(STRETCH).any(|part| part.contains(&0));
        let mut groups = Vec::new();
        if has_gap || repeated().next().is_some() {
            let is_there = |hash: &u64| if *hash == 0 { Self::NONE } else { Self::ONCE };
            groups = hashes.iter().map(is_there).collect();
            for (number, group) in repeated().enumerate() {
                for (_, row) in group {
                    groups[*row as usize] = number as u32 + Self::ONCE + 1;
                }
            }
        }
        Self { n_rows, groups }
    }

    /// From numbers that say which rows share an id, as [`RequestIds::of_row`] gives them.
    pub fn of_groups(groups: Vec<u32>) -> Self {
        let n_rows = groups.len();
        let is_plain = groups.iter().all(|group| *group == Self::ONCE);
        Self {
            n_rows,
            groups: if is_plain { Vec::new() } else { groups },
        }
    }

    /// The number of a row's id: the same for all rows that have the same, unless it is
    /// [`RequestIds::NONE`] or [`RequestIds::ONCE`].
    pub fn of_row(&self, row: usize) -> u32 {
        self.groups.get(row).copied().unwrap_or(Self::ONCE)
    }

    /// Whether any id is missing or in several rows.
    pub fn are_all_unique(&self) -> bool {
        self.groups.is_empty()
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.n_rows
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.n_rows == 0
    }

    /// The rows at `indices`, in that order.
    #[must_use]
    pub fn gathered(&self, indices: &[u32]) -> Self {
        self.taken(&Rows::At(indices))
    }

    pub(super) fn taken(&self, rows: &Rows<'_>) -> Self {
        Self {
            n_rows: rows.len(),
            groups: if self.groups.is_empty() {
                Vec::new()
            } else {
                rows.of(&self.groups)
            },
        }
    }
}

/// Hashes with their rows, sorted: all that several rows have, and few others. Some, where it was cancelled.
fn candidates(hashes: &[u64], is_cancelled: &(dyn Fn() -> bool + Sync)) -> Vec<(u64, u32)> {
    // A bit per hash: those that are set twice hold all repeats and few others.
    let n_bits = (hashes.len() * BITS_PER_ID).next_power_of_two().max(64);
    let sieve = || -> Vec<AtomicU64> { (0..n_bits / 64).map(|_| AtomicU64::new(0)).collect() };
    let (once, twice) = (sieve(), sieve());
    let place = |hash: u64| {
        let bit = (hash >> 7) as usize & (n_bits - 1);
        (bit / 64, 1u64 << (bit % 64))
    };
    hashes.par_chunks(STRETCH).for_each(|part| {
        let part = if is_cancelled() { &[] } else { part };
        for hash in part.iter().filter(|hash| **hash != 0) {
            let (word, bit) = place(*hash);
            if once[word].fetch_or(bit, Ordering::Relaxed) & bit != 0 {
                twice[word].fetch_or(bit, Ordering::Relaxed);
            }
        }
    });
    drop(once);
    let with_rows = |(number, part): (usize, &[u64])| -> Vec<(u64, u32)> {
        let mut found = Vec::new();
        let part = if is_cancelled() { &[] } else { part };
        for (i, hash) in part.iter().enumerate().filter(|(_, hash)| **hash != 0) {
            let (word, bit) = place(*hash);
            if twice[word].load(Ordering::Relaxed) & bit != 0 {
                found.push((*hash, (number * STRETCH + i) as u32));
            }
        }
        found
    };
    let mut found: Vec<(u64, u32)> = hashes
        .par_chunks(STRETCH)
        .enumerate()
        .flat_map_iter(with_rows)
        .collect();
    found.par_sort_unstable();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_are_found_and_nothing_else() {
        let mut hashes: Vec<u64> = (1..10_000u64)
            .map(|i| i.wrapping_mul(0x9e37_79b9))
            .collect();
        assert!(RequestIds::of_hashes(&hashes).are_all_unique());
        hashes[4000] = hashes[17];
        hashes[9000] = hashes[17];
        hashes[5] = 0;
        let ids = RequestIds::of_hashes(&hashes);
        let special: Vec<(usize, u32)> = (0..ids.len())
            .map(|row| (row, ids.of_row(row)))
            .filter(|(_, group)| *group != RequestIds::ONCE)
            .collect();
        assert_eq!(special, [(5, 0), (17, 2), (4000, 2), (9000, 2)]);
        assert_eq!(ids.gathered(&[9000, 6]).of_row(0), 2);
        assert!(RequestIds::of_hashes_unless(&hashes, &|| true).is_none());
    }
}
