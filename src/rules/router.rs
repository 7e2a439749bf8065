//! Routers: how the system that wrote a log is said to have assigned its requests, and whether the log
//! agrees.

use serde::{Deserialize, Serialize};

use super::routed::Routed;
use super::{ReplaySettings, StageSpan};
use crate::data::{BucketHash, RequestLog};
use crate::units;

/// A router by hash buckets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Router {
    /// How the key becomes a number.
    pub hash: RouterHash,
    /// What is hashed.
    pub key: RouterKey,
    /// The number of buckets.
    pub buckets: u32,
    /// Which buckets are the canary's.
    pub canary: CanaryBuckets,
    /// What is put before the key; mostly nothing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub salt: String,
}

/// How a key becomes a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RouterHash {
    /// MD5 of the key as a number of 128 bits, modulo the buckets.
    Md5FullMod,
    /// The first eight hexadecimal digits of the MD5, modulo the buckets.
    Md5First8Mod,
}

/// What a router hashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RouterKey {
    /// The user: everything of one user goes to one arm.
    User,
    /// The request: a user meets both arms.
    Request,
}

/// Which buckets are the canary's at a weight. Either way the canary of a smaller weight is part of
/// that of a greater one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum CanaryBuckets {
    /// The lowest.
    #[serde(rename = "bucket < weight*buckets")]
    Lowest,
    /// The highest, as the source truncates the stable weight: 198 of the 1,001 thousandths give the
    /// canary a thousandth too much.
    #[serde(rename = "bucket >= trunc((1-weight)*1000)")]
    HighestOf1000,
}

/// A router of the rulebook beside the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RouterFit {
    /// Its name.
    pub name: String,
    /// Whether the arms of the log follow from it.
    pub is_followed: bool,
    /// Requests that stand in another arm than it says; 0 where the arms do not follow from it.
    pub misrouted: u64,
    /// What is to be said of it, as a sentence.
    pub text: String,
}

impl Router {
    /// The hash that tells its buckets; `None` where no log is read for such buckets.
    pub(super) fn bucket_hash(&self) -> Option<BucketHash> {
        match (self.hash, self.buckets, self.canary) {
            (RouterHash::Md5FullMod, 10_000, CanaryBuckets::Lowest) => Some(BucketHash::Md5Of10000),
            (RouterHash::Md5First8Mod, 1_000, CanaryBuckets::HighestOf1000) => {
                Some(BucketHash::Md5HeadOf1000)
            }
            _ => None,
        }
    }

    /// Lays the router beside a log. `stages` are the observed ones.
    pub(super) fn fit(
        &self,
        name: &str,
        log: &RequestLog,
        arms: &ReplaySettings,
        stages: &[StageSpan],
    ) -> RouterFit {
        let fit = |is_followed, misrouted, text| RouterFit {
            name: name.to_owned(),
            is_followed,
            misrouted,
            text,
        };
        let routed = log.buckets.as_ref().and_then(|buckets| {
            let routed = Routed::of(log, buckets, arms, stages)?;
            Some((buckets, routed))
        });
        let Some((buckets, routed)) = routed else {
            let text = format!(
                "The arms do not follow the router {name}, nor another one that is known here."
            );
            return fit(false, 0, text);
        };
        let users = log.units.as_ref();
        let is_of_users = users.is_some_and(|users| users.column == buckets.column);
        let is_that = self.bucket_hash() == Some(buckets.hash)
            && self.salt == buckets.salt
            && is_of_users == (self.key == RouterKey::User)
            && routed.is_low == (self.canary == CanaryBuckets::Lowest);
        if !is_that {
            let found = buckets.text();
            let text = format!("The arms do not follow the router {name}: they follow {found}.");
            return fit(false, 0, text);
        }
        let text = match routed.n_wrong {
            0 => format!("The arms follow the router {name}."),
            n => format!(
                "The arms follow the router {name}; {} requests stand in another arm than it says.",
                units::count(n)
            ),
        };
        fit(true, routed.n_wrong, text)
    }
}
