//! Means and t tests of means, from moments: two samples, one sample, pairs.
//!
//! Observations must be independent: for a metric of requests whose unit is the user use
//! [`super::ratio`]. a is control, b treatment; the difference is b − a. Welch (1947) by default;
//! Student's form assumes equal variances.

use super::dist::{t_multiplier, t_tails};
use super::estimate::{Comparison, Estimate, Interval, Method, TestName, valid_level};
use super::moments::Moments;

/// Welch's t test. `None` if either arm has fewer than two values, if neither varies, or if
/// `level` is outside (0, 1).
pub fn welch(a: &Moments, b: &Moments, level: f64) -> Option<Comparison> {
    let (va, vb) = (a.variance_of_mean()?, b.variance_of_mean()?);
    let df = welch_df(va, a.n, vb, b.n)?;
    compare(a, b, (va + vb).sqrt(), df, level, Kind::Welch)
}

/// Student's t test with one variance for both arms. `None` as for [`welch`].
pub fn student(a: &Moments, b: &Moments, level: f64) -> Option<Comparison> {
    let (va, vb) = (a.variance()?, b.variance()?);
    let (na, nb) = (a.n as f64, b.n as f64);
    let df = na + nb - 2.0;
    let pooled = va * ((na - 1.0) / df) + vb * ((nb - 1.0) / df);
    let se = (pooled * (1.0 / na + 1.0 / nb)).sqrt();
    compare(a, b, se, df, level, Kind::Student)
}

/// One-sample t test that the mean is `expected`; the difference is mean − expected. `None` below
/// two values, if they do not vary, if `expected` is not finite or `level` is outside (0, 1).
pub fn one_sample(values: &Moments, expected: f64, level: f64) -> Option<Comparison> {
    one_sample_as(values, expected, level, TestName::OneSample)
}

/// Paired t test of `b − a`, pair by pair; pairs with a value that is not finite are skipped. `None`
/// if the slices differ in length, and as for [`one_sample`].
pub fn paired(a: &[f64], b: &[f64], level: f64) -> Option<Comparison> {
    if a.len() != b.len() {
        return None;
    }
    let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| b - a).collect();
    paired_from_moments(&Moments::from_slice(&differences), level)
}

/// Paired t test from the moments of the differences `b − a`. `None` as for [`one_sample`].
pub fn paired_from_moments(differences: &Moments, level: f64) -> Option<Comparison> {
    one_sample_as(differences, 0.0, level, TestName::Paired)
}

/// A mean with its t interval. `None` below two values or when `level` is outside (0, 1).
pub fn mean_estimate(values: &Moments, level: f64) -> Option<Estimate> {
    let se = values.variance_of_mean()?.sqrt();
    let multiplier = t_multiplier(level, (values.n - 1) as f64)?;
    Some(Estimate {
        value: values.mean,
        interval: Interval::around(values.mean, multiplier * se),
        level,
        method: Method::Student,
        n: values.n,
    })
}

/// Welch's degrees of freedom from the variances of the two means: with their ratio
/// r, (1+r)²/(r²/(n₁−1) + 1/(n₂−1)), which neither over- nor underflows. `None` if neither varies or
/// an arm has fewer than two values.
pub(super) fn welch_df(va: f64, na: u64, vb: f64, nb: u64) -> Option<f64> {
    if na < 2 || nb < 2 {
        return None;
    }
    joint_df((va, (na - 1) as f64), (vb, (nb - 1) as f64))
}

/// [`welch_df`] of two variances with their degrees of freedom. `None` if both are 0.
pub(super) fn joint_df((va, fa): (f64, f64), (vb, fb): (f64, f64)) -> Option<f64> {
    if !(va > 0.0 || vb > 0.0) {
        return None;
    }
    // The smaller variance over the greater, so that the ratio is at most one.
    let (r, f_small, f_great) = if va <= vb {
        (va / vb, fa, fb)
    } else {
        (vb / va, fb, fa)
    };
    Some((1.0 + r) * (1.0 + r) / (r * r / f_small + 1.0 / f_great))
}

fn one_sample_as(
    values: &Moments,
    expected: f64,
    level: f64,
    name: TestName,
) -> Option<Comparison> {
    let se = values.variance_of_mean()?.sqrt();
    let value = (values.mean - expected) + values.mean_rest;
    if !(se > 0.0 && se.is_finite() && value.is_finite()) {
        return None;
    }
    let df = (values.n - 1) as f64;
    let difference = Estimate {
        value,
        interval: Interval::around(value, t_multiplier(level, df)? * se),
        level,
        method: Method::Student,
        n: values.n,
    };
    let null = |t| t_tails(t, df);
    let t = value / se;
    Some(Comparison::new(difference, se, name, Some(df), null, t))
}

#[derive(Clone, Copy)]
enum Kind {
    Welch,
    Student,
}

fn compare(
    a: &Moments,
    b: &Moments,
    se: f64,
    df: f64,
    level: f64,
    kind: Kind,
) -> Option<Comparison> {
    valid_level(level)?;
    let value = Moments::difference(a, b);
    if !(se > 0.0 && se.is_finite() && value.is_finite()) {
        return None;
    }
    let (method, name) = match kind {
        Kind::Welch => (Method::Welch, TestName::Welch),
        Kind::Student => (Method::Student, TestName::Student),
    };
    let difference = Estimate {
        value,
        interval: Interval::around(value, t_multiplier(level, df)? * se),
        level,
        method,
        n: a.n.saturating_add(b.n),
    };
    let null = |t| t_tails(t, df);
    Some(Comparison::new(
        difference,
        se,
        name,
        Some(df),
        null,
        value / se,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn moments(values: &[f64]) -> Moments {
        Moments::from_slice(values)
    }

    #[test]
    fn too_little_data_has_no_test() {
        let two = moments(&[1.0, 2.0]);
        assert_eq!(welch(&moments(&[1.0]), &two, 0.95), None);
        assert_eq!(student(&two, &moments(&[]), 0.95), None);
        assert_eq!(welch(&moments(&[1.0; 5]), &moments(&[2.0; 5]), 0.95), None);
        assert_eq!(
            student(&moments(&[1.0; 5]), &moments(&[2.0; 5]), 0.95),
            None
        );
        assert_eq!(welch(&two, &two, 0.0), None);
    }

    #[test]
    fn a_mean_by_hand() {
        let estimate = mean_estimate(&moments(&[1.0, 2.0, 3.0]), 0.95).unwrap();
        let half = 4.302_652_729_749_464 / 3.0_f64.sqrt();
        assert!((estimate.interval.upper - 2.0 - half).abs() < 1e-12);
        assert_eq!(mean_estimate(&moments(&[1.0]), 0.95), None);
    }

    #[test]
    fn one_constant_arm_leaves_the_other_arms_freedom() {
        let test = welch(
            &moments(&[2.0; 4]),
            &moments(&[2.1, 2.4, 1.9, 2.2, 2.6]),
            0.95,
        )
        .unwrap();
        assert_eq!(test.test.df, Some(4.0));
    }

    #[test]
    fn pairs_by_hand() {
        // Differences 1, 2, 3: mean 2, variance 1.
        let test = paired(&[1.0, 1.0, 1.0, f64::NAN], &[2.0, 3.0, 4.0, 9.0], 0.95).unwrap();
        assert_eq!(test.difference.value, 2.0);
        assert_eq!((test.difference.n, test.test.df), (3, Some(2.0)));
        assert!((test.test.statistic - 2.0 * 3.0_f64.sqrt()).abs() < 1e-14);
        assert_eq!(paired(&[1.0, 2.0], &[2.0, 3.0], 0.95), None);
        assert_eq!(paired(&[1.0, 2.0], &[2.0], 0.95), None);
        let same = one_sample(&moments(&[1.0, 2.0, 3.0]), 2.0, 0.95).unwrap();
        assert_eq!(same.test.p, 1.0);
    }

    proptest! {
        #[test]
        fn the_interval_excludes_zero_exactly_when_the_test_rejects(
            a in prop::collection::vec(-10.0..10.0_f64, 2..30),
            b in prop::collection::vec(-9.0..12.0_f64, 2..30),
        ) {
            for test in [welch, student] {
                let result = test(&moments(&a), &moments(&b), 0.95).unwrap();
                prop_assume!((result.test.p - 0.05).abs() > 1e-9);
                prop_assert_eq!(!result.difference.interval.contains(0.0), result.test.p < 0.05);
                prop_assert!((result.p_less + result.p_greater - 1.0).abs() < 1e-12);
            }
        }

        #[test]
        fn scale_and_shift_leave_the_statistic(
            a in prop::collection::vec(-10.0..10.0_f64, 3..20),
            b in prop::collection::vec(-10.0..10.0_f64, 3..20),
            scale in 1e-3..1e3_f64,
        ) {
            let move_all = |v: &[f64]| moments(&v.iter().map(|x| x * scale + 5.0).collect::<Vec<_>>());
            let plain = welch(&moments(&a), &moments(&b), 0.9).unwrap();
            let moved = welch(&move_all(&a), &move_all(&b), 0.9).unwrap();
            prop_assert!((plain.test.statistic - moved.test.statistic).abs() < 1e-8);
        }
    }
}
