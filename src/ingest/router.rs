//! Whether the arms of a log follow from a hash of an id, told from the sample, so that buckets are
//! computed for every row only where they mean something.

use std::collections::HashSet;

use md5::{Digest as _, Md5};

use super::mapping::{Mapping, Role};
use super::number::is_null_word;
use super::profile::Sample;
use crate::data::{BucketHash, Cut};

/// Rows of a stretch in which the canary's share is taken as constant.
const STRETCH: usize = 500;
/// Ids of the smaller arm that a stretch must hold to count.
const MIN_OF_STRETCH: u64 = 5;
/// Ids of the smaller arms of all stretches together.
const MIN_MINORITY: u64 = 50;
/// Distinct ids of the smaller arm.
const MIN_DISTINCT: usize = 30;
/// The share of the smaller arm's ids that a router must explain. By chance it is next to none.
const EXPLAINED: f64 = 0.8;

/// A router that explains the arms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Router {
    pub(super) hash: BucketHash,
    pub(super) column: String,
    /// What is put before an id.
    pub(super) salt: String,
}

impl Router {
    /// The bucket of an id; `None` for a cell without one.
    pub(super) fn bucket(&self, text: Option<&str>) -> Option<u16> {
        bucket(self.hash, &self.salt, text)
    }
}

/// The router that explains the arms of a sample best, without a salt or with one of `salts`; `None`
/// where none does.
pub(super) fn recognise(sample: &Sample, mapping: &Mapping, salts: &[String]) -> Option<Router> {
    let values = |role| {
        let name = &mapping.column(role)?.column;
        sample.columns.iter().find(|c| c.name == *name)
    };
    let arms = two_largest(&values(Role::Variant)?.values)?;
    let ids = [Role::Unit, Role::RequestId].into_iter().filter_map(values);
    let salts = || std::iter::once("").chain(salts.iter().map(String::as_str));
    let hashes = || {
        BucketHash::ALL
            .into_iter()
            .flat_map(|hash| salts().map(move |salt| (hash, salt)))
    };
    let tries = ids.flat_map(|ids| hashes().map(move |(hash, salt)| (ids, hash, salt)));
    let explained = tries.filter_map(|(ids, hash, salt)| {
        let share = explained(&arms, &ids.values, (hash, salt))?;
        let router = || Router {
            hash,
            column: ids.name.clone(),
            salt: salt.to_owned(),
        };
        (share >= EXPLAINED).then(|| (share, router()))
    });
    let best = explained.reduce(|best, next| if next.0 > best.0 { next } else { best })?;
    Some(best.1)
}

fn bucket(hash: BucketHash, salt: &str, text: Option<&str>) -> Option<u16> {
    let text = text.map(str::trim).filter(|text| !is_null_word(text))?;
    let digest = Md5::new().chain_update(salt).chain_update(text).finalize();
    Some(hash.bucket(digest.into()))
}

/// Per row whether it is in the second of the two largest arms; `None` for rows of others. `None`
/// with fewer than two arms.
fn two_largest(names: &[Option<String>]) -> Option<Vec<Option<bool>>> {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for name in names.iter().flatten().map(|name| name.trim()) {
        match counts.iter().position(|(known, _)| *known == name) {
            Some(at) => counts[at].1 += 1,
            // A column of so many names is none of arms.
            None if counts.len() >= 50 => return None,
            None => counts.push((name, 1)),
        }
    }
    counts.sort_by_key(|(name, n)| (std::cmp::Reverse(*n), *name));
    let (first, second) = (counts.first()?.0, counts.get(1)?.0);
    let side = |name: &Option<String>| match name.as_deref().map(str::trim) {
        Some(name) if name == first => Some(false),
        Some(name) if name == second => Some(true),
        _ => None,
    };
    Some(names.iter().map(side).collect())
}

/// The share of the smaller arm's ids that a cut per stretch explains; `None` where too few ids are
/// in it to tell. An id counts once a stretch: a few busy users would part by chance.
fn explained(
    arms: &[Option<bool>],
    ids: &[Option<String>],
    (hash, salt): (BucketHash, &str),
) -> Option<f64> {
    let (mut n_wrong, mut n_minority) = (0, 0);
    let mut seen = [HashSet::new(), HashSet::new()];
    for (arms, ids) in arms.chunks(STRETCH).zip(ids.chunks(STRETCH)) {
        let n_buckets = usize::from(hash.n_buckets());
        let mut counts = [vec![0u32; n_buckets], vec![0u32; n_buckets]];
        let (mut in_stretch, mut n) = (HashSet::new(), [0u64, 0]);
        for (arm, id) in arms.iter().zip(ids) {
            let (Some(arm), Some(id)) = (arm, id.as_deref()) else {
                continue;
            };
            let arm = usize::from(*arm);
            if !in_stretch.insert((id, arm)) {
                continue;
            }
            if let Some(at) = bucket(hash, salt, Some(id)) {
                counts[arm][usize::from(at)] += 1;
                n[arm] += 1;
                seen[arm].insert(id);
            }
        }
        let n_smaller = n[0].min(n[1]);
        if n_smaller >= MIN_OF_STRETCH {
            n_minority += n_smaller;
            n_wrong += Cut::best(&counts[0], &counts[1]).map_or(0, |cut| cut.n_wrong);
        }
    }
    let n_distinct = seen[0].len().min(seen[1].len());
    (n_minority >= MIN_MINORITY && n_distinct >= MIN_DISTINCT)
        .then(|| 1.0 - n_wrong as f64 / n_minority as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed with Python: `int(md5(text).hexdigest(), 16) % 10000` and `int(….hexdigest()[:8], 16)
    /// % 1000`.
    #[test]
    fn ids_stand_in_the_buckets_that_the_routers_give_them() {
        let check = |hash, text, expected| assert_eq!(bucket(hash, "", Some(text)), Some(expected));
        check(BucketHash::Md5Of10000, "u1", 2804);
        check(BucketHash::Md5Of10000, "user-42", 6035);
        check(BucketHash::Md5Of10000, "alice", 8300);
        check(BucketHash::Md5HeadOf1000, "req-1", 481);
        check(BucketHash::Md5HeadOf1000, "req-2", 609);
        assert_eq!(bucket(BucketHash::Md5Of10000, "", Some(" ")), None);
        assert_eq!(bucket(BucketHash::Md5Of10000, "", None), None);
        let salted = bucket(BucketHash::Md5Of10000, "user-", Some("42"));
        assert_eq!(salted, Some(6035), "a salt is put before the id");
    }
}
