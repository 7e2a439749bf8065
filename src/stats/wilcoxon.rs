//! Wilcoxon's signed-rank test: are paired differences centred on zero?
//!
//! Differences of zero are dropped (Wilcoxon 1945), tied ones share their ranks. Exact for up to 200
//! differences by counting the sums of all sign patterns, conditional on the ranks; else normal with
//! tie correction. It assumes that differences are symmetric about their centre.

use super::dist::normal_tails;
use super::estimate::{TestName, TestResult};
use super::mann_whitney::count_up_to;
use super::ranks::{ExactTails, PValue, Ranked};
use serde::Serialize;

/// Up to this many differences other than zero the p-value is exact.
const EXACT_LIMIT: usize = 200;

/// Wilcoxon's signed-rank test with its one-sided p-values.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct SignedRank {
    /// Two-sided test; its statistic is the sum of the ranks of positive differences.
    pub test: TestResult,
    /// Differences other than zero.
    pub n_nonzero: u64,
    /// One-sided p-value of the alternative that treatment is greater.
    pub p_greater: f64,
    /// One-sided p-value of the alternative that treatment is smaller.
    pub p_less: f64,
}

/// Compares pairs of control `a` and treatment `b`, one by one. Pairs with a value that is not
/// finite are skipped. `None` if the slices differ in length or no pair differs.
pub fn wilcoxon_signed_rank(a: &[f64], b: &[f64], p_value: PValue) -> Option<SignedRank> {
    if a.len() != b.len() {
        return None;
    }
    let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| b - a).collect();
    signed_rank(&differences, p_value)
}

/// The test on `differences` already taken. `None` if all are zero or none is finite.
pub fn signed_rank(differences: &[f64], p_value: PValue) -> Option<SignedRank> {
    let sizes = |keep: fn(&f64) -> bool| -> Vec<f64> {
        let kept = differences.iter().filter(|d| keep(d));
        kept.map(|d| d.abs()).collect()
    };
    let (negative, positive) = (sizes(|d| *d < 0.0), sizes(|d| *d > 0.0));
    let ranked = Ranked::new(&[&negative, &positive]);
    let n = ranked.doubled_ranks.len();
    if n == 0 {
        return None;
    }
    let doubled = ranked.doubled_rank_sums[1];
    let statistic = doubled as f64 / 2.0;
    let (name, ln_p, p_greater, p_less) = if p_value.may_be_exact() && n <= EXACT_LIMIT {
        let chances = sign_sums(&ranked.doubled_ranks);
        let tails = ExactTails::of(&chances, doubled as usize, chances.len() - 1);
        let p = tails.two_sided(p_value);
        let name = TestName::WilcoxonExact;
        (name, p.ln(), tails.greater, tails.less)
    } else {
        let count = n as f64;
        let mean = count * (count + 1.0) / 4.0;
        let variance = mean * ((2.0 * count + 1.0) / 6.0) - ranked.ties / 48.0;
        let (excess, sigma) = (statistic - mean, variance.sqrt());
        let correction = p_value.correction();
        let z = (excess.abs() - correction).max(0.0) / sigma;
        let greater = normal_tails((excess - correction) / sigma).upper();
        let less = normal_tails((excess + correction) / sigma).lower();
        let ln_p = normal_tails(z).ln_two_sided();
        (TestName::Wilcoxon, ln_p, greater, less)
    };
    Some(SignedRank {
        test: TestResult::new(name, statistic, None, ln_p),
        n_nonzero: n as u64,
        p_greater,
        p_less,
    })
}

/// For differences without ties: the greatest k with P(W ≤ k−1) ≤ `tail`, 0 where there is none.
/// `None` beyond the number for which p-values are exact.
pub(super) fn exact_signed_rank_quantile(n: u64, tail: f64) -> Option<u64> {
    if n > EXACT_LIMIT as u64 {
        return None;
    }
    let ranks: Vec<u64> = (1..=n).collect();
    Some(count_up_to(sign_sums(&ranks).iter(), tail))
}

/// The chance of each sum of the `values` whose signs come up positive by the toss of a coin.
fn sign_sums(values: &[u64]) -> Vec<f64> {
    let total: u64 = values.iter().sum();
    let mut chances = vec![0.0_f64; total as usize + 1];
    chances[0] = 1.0;
    let mut reached = 0;
    for &value in values {
        let value = value as usize;
        for sum in (0..=reached).rev() {
            let half = 0.5 * chances[sum];
            chances[sum] = half;
            chances[sum + value] += half;
        }
        reached += value;
    }
    chances
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_positive_by_hand() {
        let result = signed_rank(&[1.0, 2.0, 3.0, 4.0], PValue::Automatic).unwrap();
        assert_eq!(result.test.statistic, 10.0);
        assert_eq!((result.p_greater, result.p_less), (1.0 / 16.0, 1.0));
        assert!((result.test.p - 0.125).abs() < 1e-15);
    }

    #[test]
    fn zeros_are_dropped_and_nothing_else_is_none() {
        let result = wilcoxon_signed_rank(&[1.0, 5.0], &[1.0, 7.0], PValue::Automatic).unwrap();
        assert_eq!(result.n_nonzero, 1);
        assert_eq!(result.test.p, 1.0);
        assert_eq!(signed_rank(&[0.0, 0.0, f64::NAN], PValue::Automatic), None);
        assert_eq!(wilcoxon_signed_rank(&[1.0], &[], PValue::Normal), None);
    }

    #[test]
    fn swapping_the_arms_mirrors_the_answer() {
        let (a, b) = ([3.0, 1.0, 4.0, 1.5, 9.0], [2.0, 7.0, 1.0, 8.0, 2.5]);
        for p_value in [PValue::Automatic, PValue::Normal, PValue::NormalUncorrected] {
            let forth = wilcoxon_signed_rank(&a, &b, p_value).unwrap();
            let back = wilcoxon_signed_rank(&b, &a, p_value).unwrap();
            assert!((forth.test.p - back.test.p).abs() < 1e-14);
            assert!((forth.p_greater - back.p_less).abs() < 1e-14);
        }
    }

    #[test]
    fn exact_and_normal_agree_at_the_limit() {
        let differences: Vec<f64> = (1..=200)
            .map(|i| f64::from(i) * if i % 9 < 5 { 1.0 } else { -1.0 })
            .collect();
        let exact = signed_rank(&differences, PValue::Automatic).unwrap();
        let normal = signed_rank(&differences, PValue::Normal).unwrap();
        assert_eq!(exact.test.name, TestName::WilcoxonExact);
        assert!((exact.test.p - normal.test.p).abs() < 1e-3);
    }
}
