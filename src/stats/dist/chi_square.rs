//! The chi-square distribution through the incomplete gamma function.

use super::Tails;
use super::deviance::{deviance, stirling_error};
use super::lentz::Lentz;
use crate::stats::root::{Direction, bracket, find_root};
use std::f64::consts::TAU;

/// Tails of the chi-square distribution with `df` > 0 degrees of freedom at `x`.
pub fn chi_square_tails(x: f64, df: f64) -> Tails {
    gamma_tails(df / 2.0, x / 2.0)
}

/// The point above which a chi-square variable falls with probability `p`; `None` unless `p` is
/// inside (0, 1) and `df` > 0 is finite. 0 where it is below the range of `f64`.
pub fn chi_square_upper_quantile(p: f64, df: f64) -> Option<f64> {
    const LN_LIMIT: f64 = 709.0;
    if !(p > 0.0 && p < 1.0 && df > 0.0 && df.is_finite()) {
        return None;
    }
    // Search ln x on the log of whichever tail is smaller.
    let gap = |ln_x: f64| {
        let tails = chi_square_tails(ln_x.exp(), df);
        if p <= 0.5 {
            p.ln() - tails.ln_upper
        } else {
            tails.ln_lower - (-p).ln_1p()
        }
    };
    let start = df.ln().clamp(-LN_LIMIT, LN_LIMIT);
    let step = (2.0 / df).sqrt().clamp(1e-9, 10.0);
    let (direction, limit) = if gap(start) > 0.0 {
        (Direction::Down, -LN_LIMIT)
    } else {
        (Direction::Up, LN_LIMIT)
    };
    match bracket(gap, start, step, direction, limit) {
        Some((low, high)) => find_root(gap, low, high).map(f64::exp),
        None => Some(if direction == Direction::Down {
            0.0
        } else {
            f64::INFINITY
        }),
    }
}

/// (P, Q)(a, x): series below the mean (DLMF 8.11.4), continued fraction above it (DLMF 8.9.2,
/// even part).
fn gamma_tails(a: f64, x: f64) -> Tails {
    if x <= 0.0 {
        return Tails::from_ln_lower(f64::NEG_INFINITY);
    }
    if x.is_infinite() {
        return Tails::from_ln_upper(f64::NEG_INFINITY);
    }
    // x^a e^−x / Γ(a+1)
    let ln_front = -0.5 * (TAU * a).ln() - stirling_error(a) - deviance(a, x, a - x);
    if x <= a {
        Tails::from_ln_lower(ln_front + series(a, x).ln())
    } else {
        Tails::from_ln_upper(ln_front + (a * continued_fraction(a, x)).ln())
    }
}

const MAX_TERMS: u32 = 1_000_000; // about 9 √a are needed near the mean

/// Σ x^k / ((a+1)…(a+k)).
fn series(a: f64, x: f64) -> f64 {
    let mut term = 1.0;
    let mut sum = 1.0;
    for k in 1..MAX_TERMS {
        term *= x / (a + f64::from(k));
        sum += term;
        if term < sum * 1e-17 {
            break;
        }
    }
    sum
}

/// 1/(x+1−a − 1(1−a)/(x+3−a − 2(2−a)/(x+5−a − …))) by the modified Lentz method.
fn continued_fraction(a: f64, x: f64) -> f64 {
    let mut denominator = x + 1.0 - a;
    let mut fraction = Lentz::new(1.0 / denominator);
    for k in 1..MAX_TERMS {
        let k = f64::from(k);
        let numerator = k * (a - k);
        denominator += 2.0;
        if fraction.step(numerator, denominator) {
            break;
        }
    }
    fraction.value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_degrees_of_freedom_are_exponential() {
        for x in [1e-9, 0.3, 2.0, 2.1, 50.0, 5000.0] {
            let tails = chi_square_tails(x, 2.0);
            assert!((tails.ln_upper / (-x / 2.0) - 1.0).abs() < 1e-7, "{x}");
            assert!((tails.ln_upper + x / 2.0).abs() < 1e-12 * x.max(1.0), "{x}");
        }
    }

    #[test]
    fn tails_add_to_one_across_the_switch() {
        for df in [1.0, 7.0, 999.0, 1e6] {
            for x in [df * 0.999_999, df * 1.000_001] {
                let tails = chi_square_tails(x, df);
                assert!((tails.lower() + tails.upper() - 1.0).abs() < 1e-13);
            }
            let gap = chi_square_tails(df * 1.000_000_1, df).upper()
                - chi_square_tails(df * 0.999_999_9, df).upper();
            assert!(gap < 0.0 && gap > -1e-3, "{df}: {gap}");
        }
    }

    #[test]
    fn quantiles_invert_the_tail() {
        for df in [0.1, 1.0, 2.0, 7.5, 300.0, 1e6] {
            for p in [1e-300, 1e-12, 0.025, 0.5, 0.975, 1.0 - 1e-9] {
                let x = chi_square_upper_quantile(p, df).unwrap();
                let back = chi_square_tails(x, df).upper();
                assert!(x == 0.0 || (back / p - 1.0).abs() < 1e-7, "{df} {p}: {x}");
            }
        }
        assert_eq!(chi_square_upper_quantile(0.0, 1.0), None);
        assert_eq!(chi_square_upper_quantile(0.5, f64::NAN), None);
        assert_eq!(chi_square_upper_quantile(1.0 - 1e-16, 1e-3), Some(0.0));
    }

    #[test]
    fn ends() {
        assert_eq!(chi_square_tails(0.0, 3.0).upper(), 1.0);
        assert_eq!(chi_square_tails(f64::INFINITY, 3.0).upper(), 0.0);
    }
}
