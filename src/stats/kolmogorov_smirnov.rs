//! Kolmogorov and Smirnov's two-sample test: do two arms have the same distribution at all?
//!
//! The statistic is the greatest distance of the two empirical distribution functions. Exact
//! p-values count lattice paths: a path is an order in which the values of both arms may come, and
//! the share of paths that reach the observed distance is carried along directly, never as one minus
//! the others, so tails far below 1e-16 keep their digits. With ties only the ends of tied groups
//! count as looks, as in R.

use super::dist::kolmogorov_tails;
use super::estimate::{TestName, TestResult};

/// Up to this product of sample sizes the p-value is exact: some ten milliseconds.
const EXACT_LIMIT: usize = 2_000_000;

/// How the p-value is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KsForm {
    /// Exact given the ties for small samples, else Kolmogorov's limit.
    Automatic,
    /// As `Automatic`, with the exact law for values without ties; too great where there are ties.
    IgnoringTies,
    /// Kolmogorov's limit at any size.
    Asymptotic,
}

/// Compares two samples, two-sided; values that are not finite are skipped. The statistic is the
/// distance D in 0..=1. `None` if either arm is empty. O(n log n), plus the product of the sizes
/// where that is at most two million.
pub fn kolmogorov_smirnov(a: &[f64], b: &[f64], form: KsForm) -> Option<TestResult> {
    let paths = Paths::new(a, b)?;
    let (m, n) = (paths.m as f64, paths.n as f64);
    let distance = paths.distance as f64 / (m * n);
    let product = paths.m.checked_mul(paths.n);
    let is_small = product.is_some_and(|p| p <= EXACT_LIMIT);
    let (name, ln_p) = if form != KsForm::Asymptotic && is_small {
        let p = paths.share_that_reach(form);
        (TestName::KolmogorovSmirnovExact, p.ln())
    } else {
        let scaled = distance * (m * (n / (m + n))).sqrt();
        let tails = kolmogorov_tails(scaled);
        (TestName::KolmogorovSmirnov, tails.ln_upper)
    };
    Some(TestResult::new(name, distance, None, ln_p))
}

/// Both samples in one order.
struct Paths {
    m: usize,
    n: usize,
    /// The greatest |i·n − j·m| over the i values of a and j of b seen so far.
    distance: u128,
    /// Whether after so many values a group of tied ones is complete, from 0 values.
    is_complete: Vec<bool>,
}

impl Paths {
    fn new(a: &[f64], b: &[f64]) -> Option<Self> {
        let arm = |values: &[f64], is_b: bool| -> Vec<(f64, bool)> {
            let finite = values.iter().filter(|v| v.is_finite());
            finite.map(|&v| (v, is_b)).collect()
        };
        let (mut all, from_b) = (arm(a, false), arm(b, true));
        let (m, n) = (all.len(), from_b.len());
        if m == 0 || n == 0 {
            return None;
        }
        all.extend(from_b);
        all.sort_unstable_by(|x, y| x.0.total_cmp(&y.0));
        let mut paths = Self {
            m,
            n,
            distance: 0,
            is_complete: vec![true],
        };
        let (mut i, mut j) = (0_u128, 0_u128);
        for group in all.chunk_by(|x, y| x.0 == y.0) {
            let of_b = group.iter().filter(|(_, is_b)| *is_b).count();
            j += of_b as u128;
            i += (group.len() - of_b) as u128;
            let distance = (i * n as u128).abs_diff(j * m as u128);
            paths.distance = paths.distance.max(distance);
            let open = std::iter::repeat_n(false, group.len() - 1);
            paths.is_complete.extend(open);
            paths.is_complete.push(true);
        }
        Some(paths)
    }

    /// The share of all orders whose distance is at least the observed one.
    fn share_that_reach(&self, form: KsForm) -> f64 {
        let (m, n) = (self.m as u64, self.n as u64);
        // Small samples only: products fit.
        let distance = self.distance as u64;
        let reaches = |i: u64, j: u64| {
            let is_look = form == KsForm::IgnoringTies || self.is_complete[(i + j) as usize];
            is_look && (i * n).abs_diff(j * m) >= distance
        };
        // share[j] at step i: of the orders of i values of a and j of b, those that have reached it.
        let mut share = vec![0.0_f64; self.n + 1];
        for i in 0..=m {
            for j in 0..=n {
                let at = j as usize;
                share[at] = if reaches(i, j) {
                    1.0
                } else if i + j == 0 {
                    0.0
                } else {
                    // The last value is of a with chance i/(i+j).
                    let left = if j > 0 { share[at - 1] } else { 0.0 };
                    let above = if i > 0 { share[at] } else { 0.0 };
                    (above * i as f64 + left * j as f64) / (i + j) as f64
                };
            }
        }
        share[self.n].min(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn test(a: &[f64], b: &[f64]) -> TestResult {
        kolmogorov_smirnov(a, b, KsForm::Automatic).unwrap()
    }

    #[test]
    fn separated_arms_by_hand() {
        let result = test(&[1.0, 2.0, 3.0], &[4.0, 5.0, 6.0]);
        assert_eq!(result.statistic, 1.0);
        assert!((result.p - 2.0 / 20.0).abs() < 1e-15);
    }

    #[test]
    fn equal_samples_are_certain() {
        let values = [3.0, 1.0, 1.0, 2.0];
        let result = test(&values, &values);
        assert_eq!((result.statistic, result.p), (0.0, 1.0));
        let asymptotic = kolmogorov_smirnov(&values, &values, KsForm::Asymptotic).unwrap();
        assert_eq!(asymptotic.p, 1.0);
    }

    #[test]
    fn far_tails_keep_their_digits() {
        let a: Vec<f64> = (0..100).map(f64::from).collect();
        let b: Vec<f64> = (0..100).map(|i| f64::from(i) + 95.5).collect();
        let result = test(&a, &b);
        // D = 0.96; 1.4e-51 by exact rational arithmetic.
        assert!((result.statistic - 0.96).abs() < 1e-15);
        assert!(result.p > 1.35e-51 && result.p < 1.45e-51, "{}", result.p);
    }

    #[test]
    fn ties_make_the_exact_p_smaller() {
        let (a, b) = ([1.0, 1.0, 2.0, 2.0, 3.0], [2.0, 3.0, 3.0, 3.0, 3.0]);
        let given = test(&a, &b);
        let ignored = kolmogorov_smirnov(&a, &b, KsForm::IgnoringTies).unwrap();
        assert!(given.p < ignored.p);
        assert_eq!(given.statistic, ignored.statistic);
        assert_eq!(kolmogorov_smirnov(&[], &b, KsForm::Automatic), None);
    }
}
