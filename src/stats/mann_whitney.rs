//! Mann and Whitney's U: does one arm tend to greater values?
//!
//! Midranks for ties; normal approximation with tie and continuity correction, exact permutation
//! distribution for small samples (the shift algorithm of Streitberg & Röhmel 1986). It tests equal
//! distributions, not equal medians or means.

use super::dist::normal_tails;
use super::estimate::{TestName, TestResult};
use serde::Serialize;

/// Below this product of sample sizes the p-value is exact.
const EXACT_LIMIT: usize = 2_500;

/// U with the chance that it estimates.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct MannWhitney {
    /// Two-sided test; its statistic is U of b: pairs with b > a, ties counted half.
    pub test: TestResult,
    /// P(b > a) + ½ P(b = a), estimated; ½ when neither arm tends to greater values.
    pub superiority: f64,
    /// Standardised U with tie and continuity correction.
    pub z: f64,
    /// One-sided p-value of the alternative that b tends to greater values.
    pub p_greater: f64,
    /// One-sided p-value of the alternative that b tends to smaller values.
    pub p_less: f64,
}

/// How the p-value is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PValue {
    /// Exact for small samples, else normal.
    Automatic,
    /// Normal at any size.
    Normal,
}

/// Compares treatment `b` with control `a`; values that are not finite are skipped. `None` if
/// either arm is empty or all values are equal. O(n log n), with the exact p-value at most
/// some ten million steps.
pub fn mann_whitney(a: &[f64], b: &[f64], p_value: PValue) -> Option<MannWhitney> {
    let ranked = Ranked::new(a, b)?;
    let (na, nb) = (ranked.na as f64, ranked.nb as f64);
    let mean = na * nb / 2.0;
    let u = ranked.doubled_rank_sum as f64 / 2.0 - nb * (nb + 1.0) / 2.0;
    let n = na + nb;
    let variance = na * (nb / 12.0) * ((n + 1.0) - ranked.ties / (n * (n - 1.0)));
    if variance <= 0.0 {
        return None;
    }
    let sigma = variance.sqrt();
    let excess = u - mean;
    let z = excess.signum() * ((excess.abs() - 0.5).max(0.0) / sigma);
    let z = if excess == 0.0 { 0.0 } else { z };
    let (name, ln_p, p_greater, p_less) =
        if p_value == PValue::Automatic && ranked.na * ranked.nb <= EXACT_LIMIT {
            let (greater, less) = ranked.exact_tails();
            let p = (2.0 * greater.min(less)).min(1.0);
            (TestName::MannWhitneyExact, p.ln(), greater, less)
        } else {
            let greater = normal_tails((excess - 0.5) / sigma).upper();
            let less = normal_tails((excess + 0.5) / sigma).lower();
            let ln_p = normal_tails(z).ln_two_sided();
            (TestName::MannWhitney, ln_p, greater, less)
        };
    Some(MannWhitney {
        test: TestResult::new(name, u, None, ln_p),
        superiority: u / (na * nb),
        z,
        p_greater,
        p_less,
    })
}

/// Both arms ranked together. Ranks are doubled, which makes midranks integers.
struct Ranked {
    na: usize,
    nb: usize,
    /// Sum of the doubled ranks of b.
    doubled_rank_sum: u128,
    /// Σ(t³ − t) over groups of t tied values.
    ties: f64,
    /// The doubled ranks of all values, ascending.
    doubled_ranks: Vec<u64>,
}

impl Ranked {
    fn new(a: &[f64], b: &[f64]) -> Option<Self> {
        let finite = |values: &[f64], arm: bool| -> Vec<(f64, bool)> {
            let kept = values.iter().filter(|v| v.is_finite());
            kept.map(|&v| (v, arm)).collect()
        };
        let (mut all, from_b) = (finite(a, false), finite(b, true));
        let (na, nb) = (all.len(), from_b.len());
        if na == 0 || nb == 0 {
            return None;
        }
        all.extend(from_b);
        all.sort_by(|x, y| x.0.total_cmp(&y.0));
        let mut ranked = Self {
            na,
            nb,
            doubled_rank_sum: 0,
            ties: 0.0,
            doubled_ranks: Vec::with_capacity(all.len()),
        };
        let mut before = 0;
        for group in all.chunk_by(|x, y| x.0 == y.0) {
            let size = group.len();
            let doubled = (2 * before + size + 1) as u64;
            let of_b = group.iter().filter(|(_, is_b)| *is_b).count();
            ranked.doubled_rank_sum += u128::from(doubled) * of_b as u128;
            let t = size as f64;
            ranked.ties += t * (t * t - 1.0);
            ranked
                .doubled_ranks
                .extend(std::iter::repeat_n(doubled, size));
            before += size;
        }
        Some(ranked)
    }

    /// (P(T ≥ t), P(T ≤ t)) of the rank sum T of b over all arrangements.
    fn exact_tails(&self) -> (f64, f64) {
        let all: u64 = self.doubled_ranks.iter().sum();
        let of_b = self.doubled_rank_sum as usize;
        // The smaller arm has the shorter table; both rank sums together are constant.
        if self.nb <= self.na {
            tails_of_subset_sum(&self.doubled_ranks, self.nb, of_b)
        } else {
            let of_a = all as usize - of_b;
            let (greater, less) = tails_of_subset_sum(&self.doubled_ranks, self.na, of_a);
            (less, greater)
        }
    }
}

/// (P(S ≥ sum), P(S ≤ sum)) for S the sum of `size` of the ascending `values` drawn at random.
fn tails_of_subset_sum(values: &[u64], size: usize, sum: usize) -> (f64, f64) {
    let mut prefix = vec![0_usize];
    prefix.extend(values.iter().scan(0, |total, &v| {
        *total += v as usize;
        Some(*total)
    }));
    let n = values.len();
    let greatest = prefix[n] - prefix[n - size];
    // chances[k][s]: share of draws with k values so far and sum s. Taking the values in turn, each
    // is drawn with the chance that keeps all subsets equally likely, so that nothing overflows.
    let mut chances = vec![vec![0.0_f64; greatest + 1]; size + 1];
    chances[0][0] = 1.0;
    for (seen, &value) in values.iter().enumerate() {
        let left = (n - seen) as f64;
        for k in (0..=size.min(seen)).rev() {
            let chance = ((size - k) as f64 / left).min(1.0);
            let (least, most) = (prefix[k], prefix[seen] - prefix[seen - k]);
            let (here, above) = chances.split_at_mut(k + 1);
            let here = &mut here[k];
            for s in least..=most.min(greatest) {
                let mass = here[s];
                if mass > 0.0 && k < size {
                    above[0][s + value as usize] += mass * chance;
                    here[s] = mass * (1.0 - chance);
                }
            }
        }
    }
    let sums = &chances[size];
    let greater = sums.iter().skip(sum).sum::<f64>().min(1.0);
    let less = sums.iter().take(sum + 1).sum::<f64>().min(1.0);
    (greater, less)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separated_arms_by_hand() {
        let result = mann_whitney(&[1.0, 2.0, 3.0], &[4.0, 5.0, 6.0], PValue::Automatic).unwrap();
        assert_eq!(result.test.statistic, 9.0);
        assert_eq!(result.superiority, 1.0);
        assert!((result.test.p - 0.1).abs() < 1e-15); // 2 of the 20 arrangements
    }

    #[test]
    fn nothing_to_compare_is_none() {
        assert_eq!(mann_whitney(&[], &[1.0], PValue::Automatic), None);
        assert_eq!(mann_whitney(&[f64::NAN], &[1.0], PValue::Normal), None);
        assert_eq!(mann_whitney(&[2.0; 9], &[2.0; 5], PValue::Automatic), None);
    }

    #[test]
    fn swapping_the_arms_mirrors_the_answer() {
        let (a, b) = ([0.3, 2.2, 5.0, 5.0, 1.0], [5.0, 2.2, 9.0]);
        for p_value in [PValue::Automatic, PValue::Normal] {
            let forth = mann_whitney(&a, &b, p_value).unwrap();
            let back = mann_whitney(&b, &a, p_value).unwrap();
            assert!((forth.test.p - back.test.p).abs() < 1e-14);
            assert!((forth.p_greater - back.p_less).abs() < 1e-14);
            assert_eq!(forth.superiority + back.superiority, 1.0);
        }
    }

    #[test]
    fn one_value_among_many_is_uniform() {
        let many: Vec<f64> = (0..2499).map(f64::from).collect();
        let one = [9.5];
        for result in [
            mann_whitney(&many, &one, PValue::Automatic).unwrap(),
            mann_whitney(&one, &many, PValue::Automatic).unwrap(),
        ] {
            assert!((result.test.p - 2.0 * 11.0 / 2500.0).abs() < 1e-13);
        }
    }

    #[test]
    fn exact_and_normal_agree_for_middling_samples() {
        let a: Vec<f64> = (0..50).map(|i| f64::from(i * 37 % 101)).collect();
        let b: Vec<f64> = (0..50).map(|i| f64::from(i * 53 % 103) + 9.0).collect();
        let exact = mann_whitney(&a, &b, PValue::Automatic).unwrap();
        let normal = mann_whitney(&a, &b, PValue::Normal).unwrap();
        assert_eq!(exact.test.name, TestName::MannWhitneyExact);
        assert!((exact.test.p - normal.test.p).abs() < 0.003);
    }
}
