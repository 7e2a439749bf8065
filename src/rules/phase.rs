//! Phases: when within its interval a monitor happens to look.
//!
//! A Prometheus rule group is evaluated a hash of the group later than at whole intervals
//! (`rules/group.go`), the same after every restart; a polling loop begins when it is started.

use rayon::prelude::*;

use super::prepare::{Assignment, Prepared};
use super::replay::first_firing;
use super::{PhaseRange, Plan, Rule, TimeSpan, Window};
use crate::error::Result;
use crate::jobs::Progress;

/// So many shifts are tried.
const N_PHASES: u32 = 20;

/// The first firings of a rule over shifted ticks and scrapes; `None` for a rule that has no
/// interval. The scrapes' shifts run through the same parts in another order, so that both vary on
/// their own.
pub(super) fn phase_range(
    prepared: &Prepared<'_>,
    arms: &Assignment,
    rule: &Rule,
    plan: Option<&Plan>,
    progress: &Progress,
) -> Result<Option<PhaseRange>> {
    if rule.clock.shifted(0.0).is_none() {
        return Ok(None);
    }
    let all: Vec<Rule> = (0..N_PHASES).map(|k| shifted(rule, k)).collect();
    range_of(prepared, arms, &all, plan, progress).map(Some)
}

/// The first firings of a rule with its ticks at several places.
pub(super) fn range_of(
    prepared: &Prepared<'_>,
    arms: &Assignment,
    shifts: &[Rule],
    plan: Option<&Plan>,
    progress: &Progress,
) -> Result<PhaseRange> {
    let first = |shifted: &Rule| -> Result<Option<i64>> {
        progress.check()?;
        let first = first_firing(prepared, arms, shifted, plan);
        Ok(first.map(|first| first.time_us))
    };
    let firsts: Result<Vec<Option<i64>>> = shifts.par_iter().map(first).collect();
    let fired: Vec<i64> = firsts?.into_iter().flatten().collect();
    Ok(PhaseRange {
        n_phases: shifts.len() as u32,
        n_fired: fired.len() as u32,
        earliest_us: fired.iter().min().copied(),
        latest_us: fired.iter().max().copied(),
    })
}

/// A rule with its ticks shifted by k parts of their interval, and its scrapes by as many of theirs.
fn shifted(rule: &Rule, k: u32) -> Rule {
    let part = |k: u32| f64::from(k % N_PHASES) / f64::from(N_PHASES);
    let mut shifted = Rule {
        clock: rule.clock.shifted(part(k)).unwrap_or(rule.clock),
        ..rule.clone()
    };
    for condition in shifted.conditions_mut() {
        if let Window::Counter { scrape, phase, .. } = &mut condition.window {
            // 7 and 20 have no common divisor.
            phase.us += (part(7 * k) * scrape.us as f64) as i64;
        }
    }
    shifted
}

/// When within its interval a group is evaluated: `file` as the server reads it.
pub(super) fn group_phase(file: &str, name: &str, every: TimeSpan) -> TimeSpan {
    // The labels of the group in order, each name and value ended by a byte that no text has.
    let mut bytes = Vec::new();
    for part in ["file", file, "name", name] {
        bytes.extend(part.as_bytes());
        bytes.push(0xff);
    }
    let every_ns = (every.us as u64).saturating_mul(1000).max(1);
    TimeSpan {
        us: (xxh64(&bytes) % every_ns / 1000) as i64,
    }
}

const PRIMES: [u64; 5] = [
    0x9E37_79B1_85EB_CA87,
    0xC2B2_AE3D_27D4_EB4F,
    0x1656_67B1_9E37_79F9,
    0x85EB_CA77_C2B2_AE63,
    0x27D4_EB2F_1656_67C5,
];

/// xxHash64 with seed 0, by its published specification.
fn xxh64(bytes: &[u8]) -> u64 {
    let round = |lane: u64, word: u64| {
        let sum = lane.wrapping_add(word.wrapping_mul(PRIMES[1]));
        sum.rotate_left(31).wrapping_mul(PRIMES[0])
    };
    let (blocks, mut rest) = bytes.as_chunks::<32>();
    let mut hash = PRIMES[4];
    if !blocks.is_empty() {
        let mut lanes = [
            PRIMES[0].wrapping_add(PRIMES[1]),
            PRIMES[1],
            0,
            PRIMES[0].wrapping_neg(),
        ];
        for block in blocks {
            for (lane, word) in lanes.iter_mut().zip(block.as_chunks::<8>().0) {
                *lane = round(*lane, u64::from_le_bytes(*word));
            }
        }
        hash = [1, 7, 12, 18]
            .iter()
            .zip(lanes)
            .fold(0_u64, |sum, (turn, lane)| {
                sum.wrapping_add(lane.rotate_left(*turn))
            });
        for lane in lanes {
            hash = (hash ^ round(0, lane))
                .wrapping_mul(PRIMES[0])
                .wrapping_add(PRIMES[3]);
        }
    }
    hash = hash.wrapping_add(bytes.len() as u64);
    while let Some((word, tail)) = rest.split_first_chunk::<8>() {
        hash = (hash ^ round(0, u64::from_le_bytes(*word)))
            .rotate_left(27)
            .wrapping_mul(PRIMES[0])
            .wrapping_add(PRIMES[3]);
        rest = tail;
    }
    if let Some((word, tail)) = rest.split_first_chunk::<4>() {
        hash = (hash ^ u64::from(u32::from_le_bytes(*word)).wrapping_mul(PRIMES[0]))
            .rotate_left(23)
            .wrapping_mul(PRIMES[1])
            .wrapping_add(PRIMES[2]);
        rest = tail;
    }
    for byte in rest {
        hash = (hash ^ u64::from(*byte).wrapping_mul(PRIMES[4]))
            .rotate_left(11)
            .wrapping_mul(PRIMES[0]);
    }
    hash = (hash ^ (hash >> 33)).wrapping_mul(PRIMES[1]);
    hash = (hash ^ (hash >> 29)).wrapping_mul(PRIMES[2]);
    hash ^ (hash >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Vectors of the xxHash repository and its Go port.
    #[test]
    fn the_hash_is_xxh64() {
        assert_eq!(xxh64(b""), 0xef46_db37_51d8_e999);
        assert_eq!(xxh64(b"a"), 0xd24e_c4f1_a98c_6e5b);
        assert_eq!(xxh64(b"abc"), 0x44bc_2cf5_ad77_0999);
        let long = b"Call me Ishmael. Some years ago--never mind how long precisely-";
        assert_eq!(xxh64(long), 0x02a2_e854_70d6_fd96);
    }

    #[test]
    fn a_phase_is_shorter_than_the_interval() {
        let every = TimeSpan::seconds(60);
        let phase = group_phase("rules.yml", "canary", every);
        assert!(phase < every && phase.us > 0, "{phase}");
        assert_ne!(phase, group_phase("rules.yml", "other", every));
    }
}
