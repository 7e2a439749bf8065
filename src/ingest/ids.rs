//! Columns of ids: users, requests, and what a router hashes.

use super::batch::{Texts, Values};
use super::kept::Kept;
use super::key::{NO_KEY, hash, key, key_of_integer};
use super::number::{is_null_word, trimmed};
use super::router::Router;
use crate::data::Buckets;

/// The keys of ids, [`NO_KEY`] where a row has none.
pub(super) fn keys(values: &Values, kept: &Kept, trims: bool) -> Vec<u128> {
    if let Some(numbers) = values.integers() {
        let kept = numbers
            .into_iter()
            .enumerate()
            .filter(|(i, _)| kept.has(*i));
        return kept
            .map(|(_, value)| value.map_or(NO_KEY, key_of_integer))
            .collect();
    }
    let mut keys = Vec::with_capacity(kept.n);
    Texts::of(values).for_each(|i, text| {
        if kept.has(i) {
            let text = if trims { text.map(trimmed) } else { text };
            let text = text.filter(|text| !is_null_word(text));
            keys.push(text.map_or(NO_KEY, |text| key(text.as_bytes())));
        }
    });
    keys
}

/// Hashes of keys, 0 where there is none.
pub(super) fn hashes(keys: Vec<u128>) -> Vec<u64> {
    let hash = |key| if key == NO_KEY { 0 } else { hash(key) };
    keys.into_iter().map(hash).collect()
}

/// The buckets of ids.
pub(super) fn buckets(router: &Router, values: &Values, kept: &Kept) -> Vec<u16> {
    let mut found = Vec::with_capacity(kept.n);
    Texts::of(values).for_each(|i, text| {
        if kept.has(i) {
            found.push(router.bucket(text).unwrap_or(Buckets::NONE));
        }
    });
    found
}
