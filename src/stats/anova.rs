//! Comparison of more than two means: the classical F test and Welch's, from moments.
//!
//! The classical test assumes one variance for all groups; Welch's (1951) does not and should be
//! preferred where group sizes differ. Sums of squares come from deviations, never from squares of
//! sums.

use super::dist::f_tails;
use super::estimate::{TestName, TestResult};
use super::moments::Moments;
use serde::Serialize;

/// One-way analysis of variance.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Anova {
    /// The F test; its `df` are those between groups.
    pub test: TestResult,
    /// Degrees of freedom within groups; for Welch's test, its second degrees of freedom.
    pub df_within: f64,
    /// Sum of squares between groups; `None` for Welch's test.
    pub ss_between: Option<f64>,
    /// Sum of squares within groups; `None` for Welch's test.
    pub ss_within: Option<f64>,
}

/// F test that all groups have the same mean, with one variance for all. `None` below two groups,
/// if a group is empty, if no group varies, or where squares exceed the range of `f64`.
pub fn anova(groups: &[Moments]) -> Option<Anova> {
    if groups.len() < 2 || groups.iter().any(|g| g.n == 0) {
        return None;
    }
    let total: f64 = groups.iter().map(|g| g.n as f64).sum();
    // Everything relative to the first group's mean, so that a large offset costs nothing.
    let shift = |g: &Moments| Moments::difference(&groups[0], g);
    let grand = groups
        .iter()
        .map(|g| shift(g) * (g.n as f64 / total))
        .sum::<f64>();
    let between: f64 = groups
        .iter()
        .map(|g| (shift(g) - grand).powi(2) * g.n as f64)
        .sum();
    let within: f64 = groups.iter().map(|g| g.m2).sum();
    let (df_between, df_within) = ((groups.len() - 1) as f64, total - groups.len() as f64);
    let f = between / df_between / (within / df_within);
    if !(df_within > 0.0 && within > 0.0 && within.is_finite() && f.is_finite()) {
        return None;
    }
    Some(Anova {
        test: f_test(TestName::Anova, f, df_between, df_within),
        df_within,
        ss_between: Some(between),
        ss_within: Some(within),
    })
}

/// Welch's F test that all groups have the same mean, with a variance for each. `None` below two
/// groups, if a group has fewer than two values or does not vary, or where squares exceed the range
/// of `f64`.
pub fn welch_anova(groups: &[Moments]) -> Option<Anova> {
    if groups.len() < 2 {
        return None;
    }
    let k = groups.len() as f64;
    let weights: Option<Vec<f64>> = groups
        .iter()
        .map(|g| {
            let variance = g.variance_of_mean()?;
            (variance > 0.0 && variance.is_finite()).then(|| 1.0 / variance)
        })
        .collect();
    let weights = weights?;
    let sum: f64 = weights.iter().sum();
    let shift = |g: &Moments| Moments::difference(&groups[0], g);
    let weighted = || groups.iter().zip(&weights);
    let grand: f64 = weighted().map(|(g, w)| w / sum * shift(g)).sum();
    let between: f64 = weighted()
        .map(|(g, w)| w * (shift(g) - grand).powi(2))
        .sum();
    // Σ (1 − w/W)²/(n−1)
    let spread: f64 = weighted()
        .map(|(g, w)| (1.0 - w / sum).powi(2) / (g.n - 1) as f64)
        .sum();
    let f = between / (k - 1.0) / (1.0 + 2.0 * (k - 2.0) / (k * k - 1.0) * spread);
    let df_within = (k * k - 1.0) / (3.0 * spread);
    (f.is_finite() && df_within.is_finite()).then(|| Anova {
        test: f_test(TestName::WelchAnova, f, k - 1.0, df_within),
        df_within,
        ss_between: None,
        ss_within: None,
    })
}

fn f_test(name: TestName, f: f64, df_between: f64, df_within: f64) -> TestResult {
    let tails = f_tails(f, df_between, df_within);
    TestResult::new(name, f, Some(df_between), tails.ln_upper)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::t_test::{student, welch};

    fn moments(values: &[f64]) -> Moments {
        Moments::from_slice(values)
    }

    #[test]
    fn two_groups_are_t_tests() {
        let (a, b) = (
            moments(&[1.0, 2.5, 3.0, 4.2]),
            moments(&[2.0, 5.5, 7.0, 4.0, 9.0]),
        );
        let classical = anova(&[a, b]).unwrap();
        let t = student(&a, &b, 0.95).unwrap();
        assert!((classical.test.statistic - t.test.statistic.powi(2)).abs() < 1e-12);
        assert!((classical.test.p - t.test.p).abs() < 1e-13);
        let free = welch_anova(&[a, b]).unwrap();
        let t = welch(&a, &b, 0.95).unwrap();
        assert!((free.test.p - t.test.p).abs() < 1e-13);
        assert!((free.df_within - t.test.df.unwrap()).abs() < 1e-12);
    }

    #[test]
    fn nothing_to_compare_is_none() {
        let flat = moments(&[2.0; 4]);
        assert_eq!(anova(&[flat]), None);
        assert_eq!(anova(&[flat, flat]), None);
        assert_eq!(anova(&[flat, Moments::default()]), None);
        assert_eq!(welch_anova(&[flat, moments(&[1.0, 2.0])]), None);
        let huge = moments(&[1e200, -1e200, 3.0]);
        assert_eq!(anova(&[huge, huge]), None);
        assert_eq!(welch_anova(&[huge, huge]), None);
    }

    #[test]
    fn one_group_that_varies_is_enough_for_the_classical_test() {
        let test = anova(&[moments(&[2.0; 4]), moments(&[1.0, 2.0, 4.0])]).unwrap();
        assert!(test.test.p > 0.0 && test.test.p < 1.0);
    }
}
