//! What differs between the arms of the canary rollout: everything that a reader of the sample log
//! can find is here, with its size.

use super::SampleKind;
use super::calibration::KOREAN;

/// 2026-03-02T00:00:00Z, a Monday.
pub const START_MS: i64 = 1_772_409_600_000;
/// Three days later.
pub const END_MS: i64 = START_MS + 72 * HOUR_MS;
pub(super) const HOUR_MS: i64 = 3_600_000;

/// One step of the rollout plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stage {
    /// Hours from [`START_MS`] at which it begins; it lasts until the next one.
    pub from_hour: u32,
    /// Buckets of 10,000 whose users get the canary.
    pub buckets: u32,
}

/// 1 %, 5 %, 10 %, 25 % and 50 %, held for 6, 12, 18, 18 and 18 hours.
pub const STAGES: [Stage; 5] = [
    stage(0, 100),
    stage(6, 500),
    stage(18, 1_000),
    stage(36, 2_500),
    stage(54, 5_000),
];

/// Share of users who lose their cookie in the middle of a visit to the canary.
pub(super) const LOST_COOKIE_SHARE: f64 = 0.003;

/// The delay before the first token of a canary request that finds its cached prefix evicted and
/// queues to recompute it: log-normal. Aibrix's published benchmark shows this kind of overload:
/// `ps_stack_high_low`, from 2.1 to 2.5 requests a second, goes from a median of 1.68 to 1.75 s
/// while its p95 goes from 2.1 to 40 s; waits for the first token are 16 s at p95 at 2.9
/// requests a second. Fewer requests are hit here.
pub(super) const CACHE_MISS_MEDIAN_MS: f64 = 17_000.0;
pub(super) const CACHE_MISS_SD_LOG: f64 = 0.4;

/// Change of latent quality by the end of the third day, in standard deviations, growing linearly.
const KOREAN_DRIFT: f64 = -1.1;
const KOREAN_DRIFT_FROM_HOUR: f64 = 12.0;

/// The two arms, and how the story treats them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arm {
    Control,
    Treatment,
}

impl SampleKind {
    /// The arm of a user who first comes at `start_ms`. The canary's buckets are nested: whoever
    /// belongs to it at one stage belongs to it at all later ones.
    pub(super) fn arm(self, user: u64, start_ms: i64) -> Arm {
        let treated = match self {
            Self::CanaryRollout => stage_at(start_ms).buckets,
            Self::AA => 5_000,
        };
        if bucket(user) < treated {
            Arm::Treatment
        } else {
            Arm::Control
        }
    }

    /// The label in the column `variant`.
    pub(super) fn label(self, arm: Arm) -> &'static str {
        match (self, arm) {
            (Self::CanaryRollout, Arm::Control) => "prompt-v1",
            (Self::CanaryRollout, Arm::Treatment) => "prompt-v2",
            (Self::AA, Arm::Control) => "control",
            (Self::AA, Arm::Treatment) => "treatment",
        }
    }

    /// Probability that a request of this arm misses the prefix cache, at this traffic relative to
    /// its mean. The canary's cache fits until its stage of 25 %.
    pub(super) fn cache_miss_probability(self, arm: Arm, time_ms: i64, load: f64) -> f64 {
        let share = match (self, arm) {
            (Self::CanaryRollout, Arm::Treatment) => match stage_at(time_ms).buckets {
                ..2_500 => 0.0,
                2_500..5_000 => 0.05,
                _ => 0.053,
            },
            _ => 0.0,
        };
        share * load.clamp(0.6, 1.4)
    }

    /// Change of an answer's latent quality, in standard deviations.
    pub(super) fn quality_shift(self, arm: Arm, language: &str, time_ms: i64) -> f64 {
        if self == Self::CanaryRollout && arm == Arm::Treatment && language == KOREAN {
            let hours = (time_ms - START_MS) as f64 / HOUR_MS as f64;
            let grown = (hours - KOREAN_DRIFT_FROM_HOUR) / (72.0 - KOREAN_DRIFT_FROM_HOUR);
            KOREAN_DRIFT * grown.clamp(0.0, 1.0)
        } else {
            0.0
        }
    }

    /// Whether some users lose their cookie and see both arms.
    pub(super) fn loses_cookies(self) -> bool {
        self == Self::CanaryRollout
    }
}

/// The stage of the rollout at an instant; the last one after the end.
pub(super) fn stage_at(time_ms: i64) -> Stage {
    let past = |stage: &Stage| START_MS + i64::from(stage.from_hour) * HOUR_MS <= time_ms;
    let started = STAGES.iter().take_while(|stage| past(stage)).count();
    STAGES[started.max(1) - 1]
}

/// `SplitMix64` (Steele, Lea and Flood 2014): turns consecutive numbers into independent ones.
pub(super) fn splitmix64(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// 0 to 9,999. Salted, so that not the same users are the first in every rollout.
fn bucket(user: u64) -> u32 {
    const SALT: u64 = 0x7072_6f6d_7074_7632; // "promptv2"
    (splitmix64(user ^ SALT) % 10_000) as u32
}

const fn stage(from_hour: u32, buckets: u32) -> Stage {
    Stage { from_hour, buckets }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_begin_on_their_hour() {
        for (hour, buckets) in [(0, 100), (5, 100), (6, 500), (36, 2_500), (71, 5_000)] {
            assert_eq!(stage_at(START_MS + hour * HOUR_MS).buckets, buckets);
        }
        assert_eq!(stage_at(START_MS + 6 * HOUR_MS - 1).buckets, 100);
    }

    #[test]
    fn whoever_is_in_the_canary_stays_in_it() {
        let kind = SampleKind::CanaryRollout;
        for user in 0..10_000 {
            let arms = STAGES.map(|s| kind.arm(user, START_MS + i64::from(s.from_hour) * HOUR_MS));
            assert!(arms.is_sorted_by_key(|&arm| arm == Arm::Treatment));
        }
    }

    #[test]
    fn splitmix_follows_its_published_sequence() {
        assert_eq!(splitmix64(1_234_567), 6_457_827_717_110_365_317);
    }
}
