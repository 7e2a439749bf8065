//! Random numbers by hashing: the same for the same seed, whatever runs beside.

/// Which set of rollouts. Sets share nothing but the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Set {
    /// Profiles, false rollbacks as written, and calibration.
    Calibrate = 1,
    /// Judging what was calibrated.
    Judge = 2,
    /// Rollouts with a regression.
    Detect = 3,
    /// Rollouts of other logs.
    OtherLogs = 4,
}

/// The salt of one rollout.
pub(super) fn salt(seed: u64, set: Set, replicate: u32) -> u64 {
    mix(mix(seed ^ 0x6c61_6200) ^ ((set as u64) << 32 | u64::from(replicate)))
}

/// 32 random bits for a number under a salt.
#[inline]
pub(super) fn bits(salt: u64, number: u32) -> u32 {
    (mix(salt.wrapping_add(u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15))) >> 32) as u32
}

/// A number from 0 to below 1.
#[inline]
pub(super) fn unit(salt: u64, number: u32) -> f64 {
    f64::from(bits(salt, number)) / TWO_32
}

/// The bits below which a share of all numbers lies.
pub(super) fn below(share: f64) -> u64 {
    (share.clamp(0.0, 1.0) * TWO_32) as u64
}

const TWO_32: f64 = 4_294_967_296.0;

/// The finaliser of `SplitMix64` (Steele, Lea & Flood 2014).
#[inline]
pub(super) fn mix(mut z: u64) -> u64 {
    z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_come_out_right_and_sets_differ() {
        let mut counts = [0_u32; 2];
        for (count, set) in counts.iter_mut().zip([Set::Calibrate, Set::Judge]) {
            let salt = salt(1, set, 0);
            *count = (0..100_000)
                .filter(|user| u64::from(bits(salt, *user)) < below(0.05))
                .count() as u32;
        }
        assert!(
            counts.iter().all(|n| (4_800..5_200).contains(n)),
            "{counts:?}"
        );
        assert_ne!(counts[0], counts[1]);
        assert!(u64::from(u32::MAX) < below(1.0));
    }
}
