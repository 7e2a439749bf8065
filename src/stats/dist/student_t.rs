//! Student's t distribution.

use super::{Tails, beta_tails, normal_quantile, normal_tails};
use crate::stats::root::{Direction, bracket, find_root};
use std::f64::consts::LN_2;

/// Tails of Student's t distribution with `df` > 0 degrees of freedom (may be infinite) at `t`.
///
/// P(T > t) = ½ `I_x(df/2, ½)` with x = df/(df + t²), t ≥ 0 (DLMF 8.17(i)).
pub fn t_tails(t: f64, df: f64) -> Tails {
    if df.is_infinite() {
        return normal_tails(t);
    }
    let size = t.abs();
    let ratio = size / df * size; // t²/df, finite where t² is not
    let beta = beta_tails(
        df / 2.0,
        0.5,
        1.0 / (1.0 + ratio),
        1.0 / (1.0 + 1.0 / ratio),
    );
    let upper = Tails::from_ln_upper(beta.ln_lower - LN_2);
    if t < 0.0 { upper.swapped() } else { upper }
}

/// The point above which a t variable falls with probability `p`; `None` unless `p` is inside
/// (0, 1) and `df` > 0. Infinite where it exceeds the range of `f64`.
pub fn t_upper_quantile(p: f64, df: f64) -> Option<f64> {
    const LN_MAX: f64 = 709.0;
    if !(p > 0.0 && p < 1.0 && df > 0.0) {
        return None;
    }
    if df.is_infinite() {
        return normal_quantile(p).map(|z| -z);
    }
    if p > 0.5 {
        return t_upper_quantile(1.0 - p, df).map(|t| -t);
    }
    if p == 0.5 {
        return Some(0.0);
    }
    // The t quantile is never smaller than the normal one; search upwards from it in ln t.
    let start = (-normal_quantile(p)?).ln();
    let gap = |ln_t: f64| p.ln() - t_tails(ln_t.exp(), df).ln_upper;
    if gap(start) >= 0.0 {
        return Some(start.exp());
    }
    match bracket(gap, start, 1e-6, Direction::Up, LN_MAX) {
        Some((low, high)) => find_root(gap, low, high).map(f64::exp),
        None => Some(f64::INFINITY),
    }
}

/// The multiplier of the standard error in a two-sided interval of the given level; `None` unless
/// the level is inside (0, 1) and `df` > 0.
pub fn t_multiplier(level: f64, df: f64) -> Option<f64> {
    if level > 0.0 && level < 1.0 {
        t_upper_quantile((1.0 - level) / 2.0, df)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(df: f64, expected: f64) {
        let got = t_multiplier(0.95, df).unwrap();
        assert!((got / expected - 1.0).abs() < 1e-10, "df {df}: {got}");
    }

    #[test]
    fn the_95_percent_multiplier_at_any_size() {
        check(1.0, 12.706_204_736_174_705);
        check(2.0, 4.302_652_729_749_464);
        check(1e4, 1.960_201_239_890_9);
        check(1e5, 1.959_987_707_534_61);
        check(1e6, 1.959_966_356_814_107);
        // Above, the expansion z + (z³+z)/4df is exact to more digits than asked.
        let z = 1.959_963_984_540_054_f64;
        for df in [1e7, 9_999_998.0, 1e8, 1e9, 1e11, 1e13] {
            check(df, z + (z.powi(3) + z) / (4.0 * df));
        }
        check(f64::INFINITY, z);
    }

    #[test]
    fn quantiles_invert_the_tail_and_return() {
        for df in [0.5, 1.0, 2.0, 1e3, 1e5, 1e7, 1e8, 1e13, f64::INFINITY] {
            for p in [1e-300, 1e-20, 1e-6, 0.005, 0.025, 0.3, 0.499] {
                let t = t_upper_quantile(p, df).unwrap();
                assert!(!t.is_nan());
                if t < 1e150 {
                    let back = t_tails(t, df).ln_upper;
                    assert!((back - p.ln()).abs() < 1e-9, "{df} {p}: {t} {back}");
                }
            }
            assert_eq!(t_upper_quantile(0.5, df), Some(0.0));
        }
    }

    #[test]
    fn one_degree_of_freedom_is_cauchy() {
        for t in [1e-3_f64, 0.9, 1.1, 40.0] {
            let expected = (1.0 / t).atan() / std::f64::consts::PI;
            assert!((t_tails(t, 1.0).upper() / expected - 1.0).abs() < 1e-13);
        }
    }

    #[test]
    fn outside_the_domain_is_none() {
        assert_eq!(t_upper_quantile(0.0, 3.0), None);
        assert_eq!(t_upper_quantile(0.1, 0.0), None);
        assert_eq!(t_upper_quantile(f64::NAN, 3.0), None);
    }
}
