//! Routers: how the system that wrote a log assigned its requests, so that the log can be checked
//! against it and other shares can be told from the same buckets.

use serde::{Deserialize, Serialize};

/// A router by hash buckets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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
    /// The highest, as the source truncates the stable weight.
    #[serde(rename = "bucket >= trunc((1-weight)*1000)")]
    HighestOf1000,
}

impl Router {
    /// The bucket of a key.
    pub fn bucket(&self, key: &str) -> u32 {
        let digest = md5(key.as_bytes());
        let number = match self.hash {
            RouterHash::Md5FullMod => u128::from_be_bytes(digest),
            RouterHash::Md5First8Mod => u128::from(u32::from_be_bytes([
                digest[0], digest[1], digest[2], digest[3],
            ])),
        };
        (number % u128::from(self.buckets.max(1))) as u32
    }

    /// Whether a bucket belongs to the canary at a weight from 0 to 1.
    pub fn is_canary(&self, bucket: u32, weight: f64) -> bool {
        match self.canary {
            CanaryBuckets::Lowest => f64::from(bucket) < weight * f64::from(self.buckets),
            // The source keeps the stable weight 1.0 − canary and truncates it to thousandths: 198
            // of the 1,001 thousandths give the canary a thousandth too much.
            CanaryBuckets::HighestOf1000 => f64::from(bucket) >= ((1.0 - weight) * 1000.0).trunc(),
        }
    }
}

/// MD5 (RFC 1321), which the sources' routers hash with; not for security.
fn md5(bytes: &[u8]) -> [u8; 16] {
    const SHIFTS: [[u32; 4]; 4] = [
        [7, 12, 17, 22],
        [5, 9, 14, 20],
        [4, 11, 16, 23],
        [6, 10, 15, 21],
    ];
    let mut message = bytes.to_vec();
    message.push(0x80);
    while message.len() % 64 != 56 {
        message.push(0);
    }
    message.extend((bytes.len() as u64 * 8).to_le_bytes());
    let mut state: [u32; 4] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];
    for chunk in message.as_chunks::<64>().0 {
        let words: Vec<u32> = chunk
            .as_chunks::<4>()
            .0
            .iter()
            .map(|w| u32::from_le_bytes(*w))
            .collect();
        let [mut a, mut b, mut c, mut d] = state;
        for i in 0..64 {
            let (mixed, word) = match i / 16 {
                0 => ((b & c) | (!b & d), i),
                1 => ((d & b) | (!d & c), (5 * i + 1) % 16),
                2 => (b ^ c ^ d, (3 * i + 5) % 16),
                _ => (c ^ (b | !d), 7 * i % 16),
            };
            // RFC 1321: the integer part of 2³² times |sin(i + 1)|.
            let constant = (libm::sin(i as f64 + 1.0).abs() * 4_294_967_296.0) as u32;
            let sum = a
                .wrapping_add(mixed)
                .wrapping_add(constant)
                .wrapping_add(words[word]);
            let turned = b.wrapping_add(sum.rotate_left(SHIFTS[i / 16][i % 4]));
            (a, d, c, b) = (d, c, b, turned);
        }
        for (total, part) in state.iter_mut().zip([a, b, c, d]) {
            *total = total.wrapping_add(part);
        }
    }
    let mut digest = [0; 16];
    for (bytes, word) in digest.as_chunks_mut::<4>().0.iter_mut().zip(state) {
        *bytes = word.to_le_bytes();
    }
    digest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(digest: [u8; 16]) -> String {
        format!("{:032x}", u128::from_be_bytes(digest))
    }

    /// The test suite of RFC 1321.
    #[test]
    fn md5_is_that_of_the_rfc() {
        assert_eq!(hex(md5(b"")), "d41d8cd98f00b204e9800998ecf8427e");
        assert_eq!(
            hex(md5(b"message digest")),
            "f96b697d7cb7938d525a2f31aaf161d0"
        );
        let digits = "1234567890".repeat(8);
        assert_eq!(
            hex(md5(digits.as_bytes())),
            "57edf4a22be3c955ac49da2e2107b67a"
        );
    }

    const STICKY: Router = Router {
        hash: RouterHash::Md5FullMod,
        key: RouterKey::User,
        buckets: 10_000,
        canary: CanaryBuckets::Lowest,
    };

    const BY_REQUEST: Router = Router {
        hash: RouterHash::Md5First8Mod,
        key: RouterKey::Request,
        buckets: 1000,
        canary: CanaryBuckets::HighestOf1000,
    };

    #[test]
    fn buckets_are_those_of_the_source() {
        for (user, bucket) in [("u1", 2804), ("user-42", 6035), ("alice", 8300)] {
            assert_eq!(STICKY.bucket(user), bucket);
        }
        assert!(STICKY.is_canary(499, 0.05) && !STICKY.is_canary(500, 0.05));
    }

    #[test]
    fn truncation_gives_the_canary_a_thousandth_too_much() {
        let n = |weight| {
            (0..1000)
                .filter(|b| BY_REQUEST.is_canary(*b, weight))
                .count()
        };
        assert_eq!((n(0.05), n(0.1), n(0.25), n(1.0)), (50, 100, 250, 1000));
        assert_eq!((n(0.066), n(0.07), n(0.191)), (67, 71, 192));
        let too_many = (0..=1000)
            .filter(|k| n(f64::from(*k) / 1000.0) != *k as usize)
            .count();
        assert_eq!(too_many, 198);
    }
}
