//! Mann and Whitney's U: does one arm tend to greater values?
//!
//! Midranks for ties; normal approximation with tie and continuity correction, exact permutation
//! distribution for small samples (the shift algorithm of Streitberg & Röhmel 1986). It tests equal
//! distributions, not equal medians or means.

use super::counts::{Ascending as _, Counts};
use super::dist::normal_tails;
use super::estimate::{TestName, TestResult};
pub use super::ranks::PValue;
use super::ranks::{ExactTails, Ranked};
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

/// Compares treatment `b` with control `a`; values that are not finite are skipped. `None` if
/// either arm is empty or all values are equal. O(n log n), with the exact p-value at most
/// some ten million steps.
pub fn mann_whitney(a: &[f64], b: &[f64], p_value: PValue) -> Option<MannWhitney> {
    of_ranked(&Ranked::new(&[a, b]), p_value)
}

/// [`mann_whitney`] of finite values that were counted: in the number of distinct values.
pub fn mann_whitney_counts(a: &Counts<'_>, b: &Counts<'_>, p_value: PValue) -> Option<MannWhitney> {
    if a.n().saturating_mul(b.n()) <= EXACT_LIMIT {
        return mann_whitney(&a.to_vec(), &b.to_vec(), p_value);
    }
    of_ranked(&Ranked::of_counts([a, b]), p_value)
}

fn of_ranked(ranked: &Ranked, p_value: PValue) -> Option<MannWhitney> {
    let [size_a, size_b] = [ranked.sizes[0], ranked.sizes[1]];
    let (na, nb) = (size_a as f64, size_b as f64);
    if size_a == 0 || size_b == 0 {
        return None;
    }
    let mean = na * nb / 2.0;
    let u = ranked.doubled_rank_sums[1] as f64 / 2.0 - nb * (nb + 1.0) / 2.0;
    let n = na + nb;
    let variance = na * (nb / 12.0) * ((n + 1.0) - ranked.ties / (n * (n - 1.0)));
    if variance <= 0.0 {
        return None;
    }
    let sigma = variance.sqrt();
    let excess = u - mean;
    let correction = p_value.correction();
    let z = if excess == 0.0 {
        0.0
    } else {
        excess.signum() * ((excess.abs() - correction).max(0.0) / sigma)
    };
    let (name, ln_p, p_greater, p_less) =
        if p_value.may_be_exact() && size_a * size_b <= EXACT_LIMIT {
            let tails = exact_tails(ranked);
            let p = tails.two_sided(p_value);
            (
                TestName::MannWhitneyExact,
                p.ln(),
                tails.greater,
                tails.less,
            )
        } else {
            let greater = normal_tails((excess - correction) / sigma).upper();
            let less = normal_tails((excess + correction) / sigma).lower();
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

/// The tails of the rank sum of b over all arrangements.
fn exact_tails(ranked: &Ranked) -> ExactTails {
    let [size_a, size_b] = [ranked.sizes[0], ranked.sizes[1]];
    // Both rank sums together are constant; the smaller arm has the shorter table.
    let smaller = usize::from(size_b <= size_a);
    let (size, n) = (ranked.sizes[smaller], size_a + size_b);
    let observed = ranked.doubled_rank_sums[smaller] as usize;
    let chances = subset_sums(&ranked.doubled_ranks, size);
    // All doubled ranks sum to n(n+1), of which the arm has the share size/n on average.
    let tails = ExactTails::of(&chances, observed, 2 * size * (n + 1));
    if smaller == 1 {
        tails
    } else {
        ExactTails {
            greater: tails.less,
            less: tails.greater,
            ..tails
        }
    }
}

/// For samples without ties: the greatest k with P(U ≤ k−1) ≤ `tail`, 0 where there is none. `None`
/// beyond the sizes for which p-values are exact.
pub(super) fn exact_u_quantile(na: u64, nb: u64, tail: f64) -> Option<u64> {
    if na.checked_mul(nb)? > EXACT_LIMIT as u64 {
        return None;
    }
    let size = na.min(nb);
    let ranks: Vec<u64> = (1..=na + nb).collect();
    let chances = subset_sums(&ranks, size as usize);
    let least = (size * (size + 1) / 2) as usize;
    Some(count_up_to(chances.iter().skip(least), tail))
}

/// How many of the `chances`, from the first on, sum to at most `tail`.
pub(super) fn count_up_to<'a>(chances: impl Iterator<Item = &'a f64>, tail: f64) -> u64 {
    // One step of rounding must not move a rank.
    let limit = tail * (1.0 + 1e-12);
    let sums = chances.scan(0.0, |sum, chance| {
        *sum += chance;
        Some(*sum)
    });
    sums.take_while(|sum| *sum <= limit).count() as u64
}

/// The chance of each sum of `size` of the ascending `values` drawn at random.
fn subset_sums(values: &[u64], size: usize) -> Vec<f64> {
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
    chances.swap_remove(size)
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
