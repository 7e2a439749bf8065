//! Effects on scales that do not depend on the unit of the metric.
//!
//! Cohen (1988), Hedges (1981), Cliff (1993). They help to compare metrics with each other; a
//! decision should look at the effect in its own unit.

use super::dist::{noncentral_t_tails, z_multiplier};
use super::estimate::{Estimate, Interval, Method, valid_level};
use super::mann_whitney::mann_whitney;
use super::moments::Moments;
use super::ranks::PValue;
use super::root::{Direction, bracket, find_root};

/// Cohen's d: the difference `b − a` in pooled standard deviations, with the interval that inverts
/// the noncentral t distribution (Steiger 2004); beyond |t| = 500 the normal one of Hedges & Olkin
/// (1985). `None` below two values an arm, if neither varies, or when `level` is outside (0, 1).
pub fn cohens_d(a: &Moments, b: &Moments, level: f64) -> Option<Estimate> {
    const GREATEST_T: f64 = 500.0;
    valid_level(level)?;
    if a.n < 2 || b.n < 2 {
        return None;
    }
    let (na, nb) = (a.n as f64, b.n as f64);
    let df = na + nb - 2.0;
    let pooled = ((a.m2 + b.m2) / df).sqrt();
    let value = Moments::difference(a, b) / pooled;
    if !(pooled > 0.0 && pooled.is_finite() && value.is_finite()) {
        return None;
    }
    // t = d / scale
    let scale = (1.0 / na + 1.0 / nb).sqrt();
    let t = value / scale;
    let (interval, method) = if t.abs() <= GREATEST_T {
        let tail = (1.0 - level) / 2.0;
        let lower = noncentrality(t, df, |_, upper| (upper / tail).ln())?;
        let upper = noncentrality(t, df, |lower, _| (tail / lower).ln())?;
        let interval = Interval {
            lower: lower * scale,
            upper: upper * scale,
        };
        (interval, Method::NoncentralT)
    } else {
        let se = (scale * scale + value * value / (2.0 * (na + nb))).sqrt();
        let half = z_multiplier(level)? * se;
        (Interval::around(value, half), Method::HedgesOlkin)
    };
    Some(Estimate {
        value,
        interval,
        level,
        method,
        n: a.n.saturating_add(b.n),
    })
}

/// Hedges' g: Cohen's d and its interval times the exact factor that removes its bias. `None` as
/// for [`cohens_d`].
pub fn hedges_g(a: &Moments, b: &Moments, level: f64) -> Option<Estimate> {
    let d = cohens_d(a, b, level)?;
    let factor = hedges_factor(a.n as f64 + b.n as f64 - 2.0);
    Some(Estimate {
        value: d.value * factor,
        interval: Interval {
            lower: d.interval.lower * factor,
            upper: d.interval.upper * factor,
        },
        ..d
    })
}

/// Γ(df/2) / (√(df/2) Γ((df−1)/2)), the factor between d and g for `df` > 1.
pub fn hedges_factor(df: f64) -> f64 {
    let half = df / 2.0;
    if half > 1e4 {
        // ln Γ cancels; 1 − 3/(8h) − 7/(128h²) … of the ratio's expansion (DLMF 5.11.13).
        let h = 1.0 / half;
        return 1.0 - h * (3.0 / 8.0 + h * (7.0 / 128.0 + h * (9.0 / 1024.0)));
    }
    (libm::lgamma(half) - libm::lgamma(half - 0.5)).exp() / half.sqrt()
}

/// The usual approximation of [`hedges_factor`], 1 − 3/(4·df − 1).
pub fn hedges_factor_approximate(df: f64) -> f64 {
    1.0 - 3.0 / (4.0 * df - 1.0)
}

/// Cohen's h: the difference of two shares after the arcsine transformation, 2 asin √b − 2 asin √a.
/// `None` outside 0..=1.
pub fn cohens_h(a: f64, b: f64) -> Option<f64> {
    let is_share = |p: f64| (0.0..=1.0).contains(&p);
    if !is_share(a) || !is_share(b) {
        return None;
    }
    // asin √p = atan2(√p, √(1−p)) keeps its digits at both ends.
    let angle = |p: f64| 2.0 * p.sqrt().atan2((1.0 - p).sqrt());
    Some(angle(b) - angle(a))
}

/// Cliff's delta: P(b > a) − P(b < a), −1 to 1, with the asymmetric interval of Feng & Cliff (2004)
/// from the unbiased variance. Values that are not finite are skipped. `None` below two values an
/// arm or when `level` is outside (0, 1). O(n log n).
pub fn cliffs_delta(a: &[f64], b: &[f64], level: f64) -> Option<Estimate> {
    let z = z_multiplier(level)?;
    let sorted = |values: &[f64]| {
        let mut kept: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
        kept.sort_unstable_by(f64::total_cmp);
        kept
    };
    let (a, b) = (sorted(a), sorted(b));
    if a.len() < 2 || b.len() < 2 {
        return None;
    }
    let value = mann_whitney(&a, &b, PValue::Normal).map_or(0.0, |u| 2.0 * u.superiority - 1.0);
    let (na, nb) = (a.len() as f64, b.len() as f64);
    // Mean dominance of each value over the other arm, and how often values tie.
    let (of_b, ties) = dominance(&b, &a);
    let (of_a, _) = dominance(&a, &b);
    let squares = |rows: &[f64], centre: f64| -> f64 {
        rows.iter().map(|d| (d - centre) * (d - centre)).sum()
    };
    let all = na * nb * (1.0 - ties / (na * nb) - value * value);
    let variance = (na * na * squares(&of_b, value) + nb * nb * squares(&of_a, -value) - all)
        / (na * nb * (na - 1.0) * (nb - 1.0));
    // Never below what full separation leaves (Cliff 1996).
    let least = (1.0 - value * value) / (na * nb - 1.0);
    let se = variance.max(least).max(0.0).sqrt();
    let square = value * value;
    let spread = z * se * ((1.0 - square).powi(2) + z * z * se * se).sqrt();
    let scale = 1.0 - square + z * z * se * se;
    let at = |shift: f64| {
        if scale > 0.0 {
            ((value - value * square + shift) / scale).clamp(-1.0, 1.0)
        } else {
            value
        }
    };
    Some(Estimate {
        value,
        interval: Interval {
            lower: at(-spread).min(value),
            upper: at(spread).max(value),
        },
        level,
        method: Method::Cliff,
        n: (a.len() + b.len()) as u64,
    })
}

/// Per value of ascending `these`: the share of ascending `others` below it minus the share above
/// it; and the number of ties.
fn dominance(these: &[f64], others: &[f64]) -> (Vec<f64>, f64) {
    let n = others.len() as f64;
    let (mut below, mut not_above) = (0, 0);
    let mut ties = 0.0;
    let rows = these
        .iter()
        .map(|v| {
            while others.get(below).is_some_and(|o| o < v) {
                below += 1;
            }
            while others.get(not_above).is_some_and(|o| o <= v) {
                not_above += 1;
            }
            ties += (not_above - below) as f64;
            (below as f64 - (others.len() - not_above) as f64) / n
        })
        .collect();
    (rows, ties)
}

/// The noncentrality at which `gap` of both tails at `t`, which rises with it, is zero.
fn noncentrality(t: f64, df: f64, gap: impl Fn(f64, f64) -> f64) -> Option<f64> {
    const LIMIT: f64 = 1e4;
    let at = |ncp: f64| {
        let (lower, upper) = noncentral_t_tails(t, df, ncp);
        gap(lower, upper).clamp(-f64::MAX, f64::MAX)
    };
    let step = 1.0 + t.abs() / df.sqrt();
    let (direction, limit) = if at(t) > 0.0 {
        (Direction::Down, -LIMIT)
    } else {
        (Direction::Up, LIMIT)
    };
    let (low, high) = bracket(at, t, step, direction, limit)?;
    find_root(at, low, high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_of_d_inverts_the_noncentral_t() {
        let a = Moments::from_summary(10, 0.0, 1.0).unwrap();
        let b = Moments::from_summary(10, 1.0, 1.0).unwrap();
        let d = cohens_d(&a, &b, 0.95).unwrap();
        assert!((d.value - 1.0).abs() < 1e-15);
        // SciPy 1.17, by root search on nct.
        assert!((d.interval.lower - 0.053_245_258_486_351_88).abs() < 1e-9);
        assert!((d.interval.upper - 1.922_440_573_197_322_9).abs() < 1e-9);
        let huge = Moments::from_summary(2_000_000, 1.0, 1.0).unwrap();
        let far = cohens_d(&Moments { mean: 0.0, ..huge }, &huge, 0.95).unwrap();
        assert_eq!(far.method, Method::HedgesOlkin);
        assert!(far.interval.contains(1.0));
    }

    #[test]
    fn the_factor_is_continuous_where_the_expansion_takes_over() {
        let below = hedges_factor(2e4 - 1e-6);
        let above = hedges_factor(2e4 + 1e-6);
        assert!((below - above).abs() < 1e-10, "{below} {above}");
        assert!((hedges_factor(2.0) - (1.0_f64 / std::f64::consts::PI).sqrt()).abs() < 1e-14);
    }

    #[test]
    fn full_separation_has_no_variance_and_a_bounded_interval() {
        let delta = cliffs_delta(&[1.0, 2.0, 3.0], &[4.0, 5.0, 6.0], 0.95).unwrap();
        assert_eq!((delta.value, delta.interval.upper), (1.0, 1.0));
        assert!(delta.interval.lower <= 1.0);
        let same = cliffs_delta(&[2.0; 5], &[2.0; 4], 0.95).unwrap();
        assert_eq!(same.value, 0.0);
        assert!(same.interval.lower <= 0.0 && same.interval.upper >= 0.0);
        assert_eq!(cliffs_delta(&[1.0], &[1.0, 2.0], 0.95), None);
    }

    #[test]
    fn swapping_the_arms_mirrors_delta() {
        let (a, b) = ([1.0, 3.0, 3.0, 8.0, 2.0], [3.0, 4.0, 9.0, 1.0]);
        let forth = cliffs_delta(&a, &b, 0.9).unwrap();
        let back = cliffs_delta(&b, &a, 0.9).unwrap();
        assert!((forth.value + back.value).abs() < 1e-15);
        assert!((forth.interval.lower + back.interval.upper).abs() < 1e-14);
    }

    #[test]
    fn h_keeps_its_digits_at_the_ends() {
        assert_eq!(cohens_h(0.0, 1.0), Some(std::f64::consts::PI));
        assert!((cohens_h(0.0, 1e-20).unwrap() - 2e-10).abs() < 1e-24);
        assert_eq!(cohens_h(0.2, 1.1), None);
    }
}
