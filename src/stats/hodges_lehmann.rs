//! Hodges and Lehmann's shift: how far one sample lies from another, in the metric's unit.
//!
//! The estimate is the median of all differences between a treatment's and a control's value, the
//! interval a pair of these differences at the ranks that the Mann-Whitney test leaves (Hodges &
//! Lehmann 1963; Hollander, Wolfe & Chicken 2014, sections 4.2–4.3). It goes with that test as a mean
//! difference goes with the t test, and outliers do not move it. For pairs: the median of the
//! averages of any two differences, with the ranks of the signed-rank test.
//!
//! The differences are never listed: those at a rank are found by counting how many lie below a
//! value, in O(n) per step.

use super::dist::z_multiplier;
use super::estimate::{Estimate, Interval, Method};
use super::mann_whitney::exact_u_quantile;
use super::ranks::Ranked;
use super::wilcoxon::exact_signed_rank_quantile;

/// The shift of treatment `b` against control `a` with its interval; an end is infinite where there
/// are too few values for the level. Values that are not finite are skipped. `None` if either arm is
/// empty or `level` is outside (0, 1). O(n log n).
pub fn shift(a: &[f64], b: &[f64], level: f64) -> Option<Estimate> {
    let z = z_multiplier(level)?;
    let (sorted_a, sorted_b) = (sorted(a), sorted(b));
    let (na, nb) = (sorted_a.len() as u64, sorted_b.len() as u64);
    let pairs = Pairs::Between(&sorted_a, &sorted_b);
    let outside = match exact_u_quantile(na, nb, (1.0 - level) / 2.0) {
        Some(rank) => rank,
        None => {
            let (x, y) = (na as f64, nb as f64);
            let n = x + y;
            let ties = Ranked::new(&[&sorted_a, &sorted_b]).ties;
            let variance = x * (y / 12.0) * ((n + 1.0) - ties / (n * (n - 1.0)));
            normal_rank(x * y, variance, z)
        }
    };
    pairs.estimate(outside, level, na.saturating_add(nb))
}

/// The centre of paired differences `b − a` with its interval; as [`shift`]. `None` if the slices
/// differ in length, without a finite pair, or when `level` is outside (0, 1).
pub fn paired_shift(a: &[f64], b: &[f64], level: f64) -> Option<Estimate> {
    let z = z_multiplier(level)?;
    if a.len() != b.len() {
        return None;
    }
    let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| b - a).collect();
    let sorted = sorted(&differences);
    let n = sorted.len() as u64;
    let outside = match exact_signed_rank_quantile(n, (1.0 - level) / 2.0) {
        Some(rank) => rank,
        None => {
            let count = n as f64;
            let total = count * (count + 1.0) / 2.0;
            normal_rank(total, total * (2.0 * count + 1.0) / 12.0, z)
        }
    };
    Pairs::Within(&sorted).estimate(outside, level, n)
}

/// The rank, from 1, of the lower limit among `total` values: the greatest k with P(T ≤ k−1) ≤ α/2
/// for T normal with mean total/2, with continuity correction; 0 where there is none.
fn normal_rank(total: f64, variance: f64, z: f64) -> u64 {
    (total / 2.0 + 0.5 - z * variance.max(0.0).sqrt())
        .floor()
        .max(0.0) as u64
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut kept: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
    kept.sort_unstable_by(f64::total_cmp);
    kept
}

/// A multiset of combinations of ascending values, ordered but never listed.
enum Pairs<'a> {
    /// y − x for x of the first and y of the second.
    Between(&'a [f64], &'a [f64]),
    /// (x + y)/2 for any two of the values, each with itself too.
    Within(&'a [f64]),
}

impl Pairs<'_> {
    fn total(&self) -> u64 {
        match self {
            Self::Between(a, b) => a.len() as u64 * b.len() as u64,
            Self::Within(d) => d.len() as u64 * (d.len() as u64 + 1) / 2,
        }
    }

    /// How many are at most `limit`.
    fn at_most(&self, limit: f64) -> u64 {
        match self {
            Self::Between(a, b) => {
                let mut reached = 0;
                a.iter()
                    .map(|x| {
                        while reached < b.len() && b[reached] - x <= limit {
                            reached += 1;
                        }
                        reached as u64
                    })
                    .sum()
            }
            Self::Within(d) => {
                // For each x the partners not after it: the count falls as x rises.
                let mut reached = d.len();
                let mut count = 0;
                for (i, x) in d.iter().enumerate() {
                    while reached > i && f64::midpoint(*x, d[reached - 1]) > limit {
                        reached -= 1;
                    }
                    if reached <= i {
                        break;
                    }
                    count += (reached - i) as u64;
                }
                count
            }
        }
    }

    /// The least and the greatest.
    fn ends(&self) -> Option<(f64, f64)> {
        match self {
            Self::Between(a, b) => Some((b.first()? - a.last()?, b.last()? - a.first()?)),
            Self::Within(d) => Some((*d.first()?, *d.last()?)),
        }
    }

    /// The value at `rank` from 1, by halving the ordered bit patterns between the ends.
    fn at_rank(&self, rank: u64) -> Option<f64> {
        let (least, greatest) = self.ends()?;
        let (mut low, mut high) = (ordered_bits(least), ordered_bits(greatest));
        while low < high {
            let middle = low + (high - low) / 2;
            if self.at_most(from_ordered_bits(middle)) >= rank {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        Some(from_ordered_bits(low) + 0.0) // never −0
    }

    fn estimate(&self, outside: u64, level: f64, n: u64) -> Option<Estimate> {
        let total = self.total();
        let low = self.at_rank(total.div_ceil(2))?;
        let value = if total % 2 == 1 {
            low
        } else {
            f64::midpoint(low, self.at_rank(total / 2 + 1)?)
        };
        let interval = if outside == 0 {
            Interval {
                lower: f64::NEG_INFINITY,
                upper: f64::INFINITY,
            }
        } else {
            let rank = outside.min(total.div_ceil(2));
            Interval {
                lower: self.at_rank(rank)?,
                upper: self.at_rank(total + 1 - rank)?,
            }
        };
        value.is_finite().then_some(Estimate {
            value,
            interval,
            level,
            method: Method::HodgesLehmann,
            n,
        })
    }
}

/// The bits of a float as an integer in the same order.
fn ordered_bits(value: f64) -> u64 {
    let bits = value.to_bits();
    if bits >> 63 == 1 {
        !bits
    } else {
        bits | 1 << 63
    }
}

fn from_ordered_bits(bits: u64) -> f64 {
    f64::from_bits(if bits >> 63 == 1 {
        bits & !(1 << 63)
    } else {
        !bits
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn by_hand() {
        // Differences 2, 3, 4 and 0, 1, 2: median of 0 1 2 2 3 4.
        let estimate = shift(&[1.0, 3.0], &[3.0, 4.0, 5.0], 0.95).unwrap();
        assert_eq!(estimate.value, 2.0);
        assert_eq!(estimate.interval.lower, f64::NEG_INFINITY);
        let narrow = shift(&[1.0, 3.0], &[3.0, 4.0, 5.0], 0.5).unwrap();
        assert!(narrow.interval.lower >= 0.0 && narrow.interval.upper <= 4.0);
        assert_eq!(shift(&[], &[1.0], 0.95), None);
        // Averages of 1, 2, 6: 1 1.5 2 3.5 4 6.
        let pairs = paired_shift(&[0.0; 3], &[1.0, 2.0, 6.0], 0.95).unwrap();
        assert_eq!(pairs.value, 2.75);
        assert_eq!(paired_shift(&[0.0], &[], 0.95), None);
    }

    #[test]
    fn floats_keep_their_order_as_bits() {
        let values = [
            f64::NEG_INFINITY,
            -1e300,
            -1.0,
            -0.0,
            0.0,
            1e-310,
            2.0,
            f64::INFINITY,
        ];
        for pair in values.windows(2) {
            assert!(ordered_bits(pair[0]) < ordered_bits(pair[1]), "{pair:?}");
            assert_eq!(from_ordered_bits(ordered_bits(pair[0])), pair[0]);
        }
    }

    #[test]
    fn a_pure_shift_is_found_at_any_size() {
        let a: Vec<f64> = (0..20_000).map(|i| f64::from(i * 7919 % 10_007)).collect();
        let b: Vec<f64> = a.iter().map(|v| v + 25.0).collect();
        let estimate = shift(&a, &b, 0.95).unwrap();
        assert_eq!(estimate.value, 25.0);
        assert!(estimate.interval.contains(25.0));
        assert!(estimate.interval.upper - estimate.interval.lower < 200.0);
        let pairs = paired_shift(&a, &b, 0.95).unwrap();
        assert_eq!((pairs.interval.lower, pairs.interval.upper), (25.0, 25.0));
    }

    proptest! {
        #[test]
        fn ranks_agree_with_a_list(
            a in prop::collection::vec(-5..6_i32, 1..12),
            b in prop::collection::vec(-5..6_i32, 1..12),
        ) {
            let floats = |v: &[i32]| sorted(&v.iter().map(|x| f64::from(*x) / 4.0).collect::<Vec<_>>());
            let (a, b) = (floats(&a), floats(&b));
            let mut between: Vec<f64> = a.iter().flat_map(|x| b.iter().map(move |y| y - x)).collect();
            between.sort_by(f64::total_cmp);
            let pairs = Pairs::Between(&a, &b);
            for (i, v) in between.iter().enumerate() {
                prop_assert_eq!(pairs.at_rank(i as u64 + 1), Some(*v));
            }
            let mut within: Vec<f64> = (0..a.len())
                .flat_map(|i| a[i..].iter().map(|y| f64::midpoint(a[i], *y)).collect::<Vec<_>>())
                .collect();
            within.sort_by(f64::total_cmp);
            let pairs = Pairs::Within(&a);
            prop_assert_eq!(pairs.total(), within.len() as u64);
            for (i, v) in within.iter().enumerate() {
                prop_assert_eq!(pairs.at_rank(i as u64 + 1), Some(*v));
            }
        }
    }
}
