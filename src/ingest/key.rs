//! Labels and ids as fixed-size keys, and dictionaries over them.
//!
//! Up to fifteen bytes a key is the text itself, beyond that a hash of 120 bits: among ten million
//! long ids the chance that any two share a key is below 1e-22.

use std::sync::{Mutex, MutexGuard, PoisonError};

use rayon::prelude::*;

use crate::data::Units;

/// Parts of the shared dictionary, each with a lock of its own; a power of two.
const SHARDS: usize = 64;

/// Stands for no text: the last byte of a key is a length up to 15, or 255.
pub(super) const NO_KEY: u128 = 0xfe << 120;

/// The key of a text.
#[inline]
pub(super) fn key(text: &[u8]) -> u128 {
    let n = text.len();
    if n < 16 {
        let mut bytes = [0; 16];
        bytes[..n].copy_from_slice(text);
        bytes[15] = n as u8;
        return u128::from_le_bytes(bytes);
    }
    // Two chains of multiplications over words of eight bytes; the last word overlaps.
    let word = |at: usize| -> u64 {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&text[at..at + 8]);
        u64::from_le_bytes(bytes)
    };
    let (mut a, mut b) = (n as u64 ^ K[0], n as u64 ^ K[1]);
    let mut at = 0;
    while at + 8 < n {
        let next = word(at);
        (a, b) = (folded(a ^ next, K[2]), folded(b ^ next, K[3]));
        at += 8;
    }
    let last = word(n - 8);
    (a, b) = (folded(a ^ last, K[1]), folded(b ^ last, K[0]));
    u128::from(folded(a, K[3])) | u128::from(folded(b, K[2])) << 64 | 0xff << 120
}

/// The key of a whole number: that of its decimal digits.
pub(super) fn key_of_integer(value: i64) -> u128 {
    let mut digits = [0; 20];
    let mut at = digits.len();
    let mut rest = value.unsigned_abs();
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if value < 0 {
        at -= 1;
        digits[at] = b'-';
    }
    key(&digits[at..])
}

/// 64 bits of a key, never 0.
#[inline]
pub(super) fn hash(key: u128) -> u64 {
    folded(key as u64 ^ K[0], (key >> 64) as u64 ^ K[1]).max(1)
}

/// Odd constants without structure: the fractions of the square roots of 2, 3, 5 and 7.
const K: [u64; 4] = [
    0x6a09_e667_f3bc_c909,
    0xbb67_ae85_84ca_a73b,
    0x3c6e_f372_fe94_f82b,
    0xa54f_f53a_5f1d_36f1,
];

#[inline]
fn folded(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}

/// Numbers keys in the order in which they come.
#[derive(Debug, Default)]
pub(super) struct Dictionary {
    keys: Vec<u128>,
    /// Open addressing: index into `keys` plus one, 0 for a free slot.
    slots: Vec<u32>,
}

impl Dictionary {
    /// The number of a key, and whether it is new.
    #[inline]
    pub(super) fn code(&mut self, key: u128, hash: u64) -> (u32, bool) {
        if self.keys.len() * 2 >= self.slots.len() {
            self.grow();
        }
        let mask = self.slots.len() - 1;
        let mut slot = hash as usize & mask;
        loop {
            match self.slots[slot] {
                0 => {
                    self.keys.push(key);
                    self.slots[slot] = self.keys.len() as u32;
                    return (self.keys.len() as u32 - 1, true);
                }
                found if self.keys[found as usize - 1] == key => return (found - 1, false),
                _ => slot = (slot + 1) & mask,
            }
        }
    }

    fn grow(&mut self) {
        let n = (self.slots.len() * 2).max(64);
        self.slots = vec![0; n];
        for (i, key) in self.keys.iter().enumerate() {
            let mut slot = hash(*key) as usize & (n - 1);
            while self.slots[slot] != 0 {
                slot = (slot + 1) & (n - 1);
            }
            self.slots[slot] = i as u32 + 1;
        }
    }
}

/// Numbers the keys of a column that several threads read: provisionally at first, and in the
/// order of the file at the end, so that the result does not depend on the threads.
#[derive(Debug)]
pub(super) struct SharedDictionary {
    shards: Vec<Mutex<Shard>>,
}

#[derive(Debug, Default)]
struct Shard {
    dictionary: Dictionary,
    /// Per key: the piece and the row in it where it came first.
    first: Vec<(u32, u32)>,
}

impl SharedDictionary {
    /// Nothing known yet.
    pub(super) fn new() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
        }
    }

    /// The keys so far.
    pub(super) fn n_keys(&self) -> u64 {
        let of_shard = |shard: &Mutex<Shard>| lock(shard).first.len() as u64;
        self.shards.iter().map(of_shard).sum()
    }

    /// Provisional numbers of the keys of a piece, `none` where there is [`NO_KEY`]. Pieces are
    /// numbered in the order of the file.
    pub(super) fn codes(&self, piece: u32, keys: &[u128], none: u32) -> Vec<u32> {
        let hashes: Vec<u64> = keys
            .iter()
            .map(|key| if *key == NO_KEY { 0 } else { hash(*key) })
            .collect();
        // Rows by shard, so that each lock is taken once and its part of the table stays in the cache.
        let shard_of = |hash: u64| (hash >> 58) as usize % SHARDS;
        let mut ends = [0u32; SHARDS];
        for hash in hashes.iter().filter(|hash| **hash != 0) {
            ends[shard_of(*hash)] += 1;
        }
        let mut sum = 0;
        for end in &mut ends {
            sum += *end;
            *end = sum - *end;
        }
        let mut rows = vec![0u32; sum as usize];
        for (row, hash) in hashes.iter().enumerate().filter(|(_, hash)| **hash != 0) {
            let end = &mut ends[shard_of(*hash)];
            rows[*end as usize] = row as u32;
            *end += 1;
        }
        let mut codes = vec![none; keys.len()];
        let mut start = 0;
        for (number, end) in ends.into_iter().enumerate() {
            let mut shard = lock(&self.shards[number]);
            for &row in &rows[start..end as usize] {
                let key = keys[row as usize];
                let (code, is_new) = shard.dictionary.code(key, hashes[row as usize]);
                let here = (piece, row);
                if is_new {
                    shard.first.push(here);
                } else if here < shard.first[code as usize] {
                    shard.first[code as usize] = here;
                }
                codes[row as usize] = code * SHARDS as u32 + number as u32;
            }
            start = end as usize;
        }
        codes
    }

    /// The units of a column of provisional numbers, numbered in the order of the file. Where rows
    /// were left out after they were numbered, units without a row are left out too.
    pub(super) fn numbered(self, mut ids: Vec<u32>, has_gaps: bool) -> Units {
        let shards = self.shards.into_iter();
        let first: Vec<Vec<(u32, u32)>> = shards
            .map(|s| s.into_inner().unwrap_or_else(PoisonError::into_inner).first)
            .collect();
        let longest = first.iter().map(Vec::len).max().unwrap_or(0);
        let mut all: Vec<((u32, u32), u32)> = Vec::new();
        for (number, first) in first.into_iter().enumerate() {
            let numbered = first.into_iter().enumerate();
            all.extend(numbered.map(|(i, at)| (at, (i * SHARDS + number) as u32)));
        }
        if has_gaps {
            let mut is_used = vec![false; longest * SHARDS];
            for id in ids.iter().filter(|id| **id != Units::NONE) {
                is_used[*id as usize] = true;
            }
            all.retain(|(_, code)| is_used[*code as usize]);
        }
        all.par_sort_unstable();
        let mut place = vec![Units::NONE; longest * SHARDS];
        for (i, (_, code)) in all.iter().enumerate() {
            place[*code as usize] = i as u32;
        }
        ids.par_iter_mut()
            .filter(|id| **id != Units::NONE)
            .for_each(|id| *id = place[*id as usize]);
        Units {
            column: String::new(),
            id: ids,
            n_units: all.len() as u32,
        }
    }
}

/// A poisoned lock only means that another worker panicked; the dictionary is still a plain value.
fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_texts_have_different_keys() {
        let texts: Vec<String> = (0..60)
            .flat_map(|n| ["a", "b", "\0"].map(|c| c.repeat(n)))
            .chain((0..1000).map(|i| format!("user-{i}-of-the-long-kind")))
            .chain((0..1000).map(|i| i.to_string()))
            .collect();
        let mut keys: Vec<u128> = texts.iter().map(|t| key(t.as_bytes())).collect();
        keys.sort_unstable();
        keys.dedup();
        // Three empty texts are one.
        assert_eq!(keys.len(), texts.len() - 2);
        for value in [0, 7, -12, i64::MAX, i64::MIN] {
            assert_eq!(key_of_integer(value), key(value.to_string().as_bytes()));
        }
    }

    #[test]
    fn numbers_follow_the_file_whatever_the_order_of_the_pieces() {
        let keys = |names: &[&str]| -> Vec<u128> {
            names
                .iter()
                .map(|name| {
                    if *name == "-" {
                        NO_KEY
                    } else {
                        key(name.as_bytes())
                    }
                })
                .collect()
        };
        let (a, b) = (keys(&["x", "-", "y", "x"]), keys(&["z", "y", "w"]));
        let run = |turned: bool| {
            let shared = SharedDictionary::new();
            let (first, second);
            if turned {
                second = shared.codes(1, &b, u32::MAX);
                first = shared.codes(0, &a, u32::MAX);
            } else {
                first = shared.codes(0, &a, u32::MAX);
                second = shared.codes(1, &b, u32::MAX);
            }
            let units = shared.numbered([first, second].concat(), false);
            (units.n_units, units.id)
        };
        let expected = (4, vec![0, u32::MAX, 1, 0, 2, 1, 3]);
        assert_eq!(run(false), expected);
        assert_eq!(run(true), expected);
    }
}
