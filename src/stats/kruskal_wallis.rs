//! Kruskal and Wallis' H: do several arms tend to different values?
//!
//! Midranks and tie correction; chi-square approximation, good from about five values a group
//! (Kruskal & Wallis 1952). With two arms it is the Mann-Whitney test without continuity correction.

use super::dist::chi_square_tails;
use super::estimate::{TestName, TestResult};
use super::ranks::Ranked;

/// Compares two or more groups; values that are not finite are skipped. `None` below two groups, if
/// a group has no values or if all values are equal. O(n log n).
pub fn kruskal_wallis(groups: &[&[f64]]) -> Option<TestResult> {
    let ranked = Ranked::new(groups);
    if groups.len() < 2 || ranked.sizes.contains(&0) {
        return None;
    }
    let n = ranked.doubled_ranks.len() as f64;
    let untied = 1.0 - ranked.ties / (n * (n * n - 1.0));
    if untied <= 0.0 {
        return None;
    }
    let sizes = ranked.sizes.iter().map(|&size| size as f64);
    let between: f64 = sizes
        .zip(&ranked.doubled_rank_sums)
        .map(|(size, &doubled)| {
            let excess = doubled as f64 / 2.0 - size * f64::midpoint(n, 1.0);
            excess * (excess / size)
        })
        .sum();
    let h = 12.0 / (n * (n + 1.0)) * between / untied;
    let df = (groups.len() - 1) as f64;
    let tails = chi_square_tails(h, df);
    Some(TestResult::new(
        TestName::KruskalWallis,
        h,
        Some(df),
        tails.ln_upper,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::mann_whitney::mann_whitney;
    use crate::stats::ranks::PValue;

    #[test]
    fn two_groups_are_mann_whitney() {
        let (a, b) = ([1.0, 4.0, 4.0, 2.0], [3.0, 4.0, 9.0, 9.0, 7.0]);
        let h = kruskal_wallis(&[&a, &b]).unwrap();
        let u = mann_whitney(&a, &b, PValue::NormalUncorrected).unwrap();
        assert!((h.p - u.test.p).abs() < 1e-13);
    }

    #[test]
    fn nothing_to_compare_is_none() {
        assert_eq!(kruskal_wallis(&[]), None);
        assert_eq!(kruskal_wallis(&[&[1.0, 2.0]]), None);
        assert_eq!(kruskal_wallis(&[&[1.0], &[f64::NAN]]), None);
        assert_eq!(kruskal_wallis(&[&[1.0, 1.0], &[1.0]]), None);
    }
}
