//! The regularised incomplete beta function and its inverse.

use super::Tails;
use super::deviance::ln_binomial_term;
use super::lentz::Lentz;
use crate::stats::root::{Direction, bracket, find_root};

/// Tails of the beta distribution at `x`, with `y = 1 − x` passed in so that neither end loses
/// digits. Domain: a, b > 0; x, y in 0..=1.
///
/// `I_x(a,b) = x^a y^b / B(a,b) · K` with the continued fraction K of Didonato & Morris (1992,
/// eq. 9), taken on the side of the mean where it converges (DLMF 8.17.22 is its odd form). The
/// number of terms grows as the square root of the smaller parameter.
pub fn beta_tails(a: f64, b: f64, x: f64, y: f64) -> Tails {
    if x <= 0.0 {
        return Tails::from_ln_lower(f64::NEG_INFINITY);
    }
    if y <= 0.0 {
        return Tails::from_ln_upper(f64::NEG_INFINITY);
    }
    let n = a + b;
    // a − nx = ny − b: the smaller of x and y is the one that carries its digits.
    let excess = if x <= y {
        x.mul_add(-n, a)
    } else {
        y.mul_add(n, -b)
    };
    // x^a y^b / B(a,b) is ab/n times the binomial term.
    let ln_front = ln_binomial_term(a, b, x, y, excess) + (a * (b / n)).ln();
    if excess >= 0.0 {
        Tails::from_ln_lower(ln_front + continued_fraction(a, b, x, y, excess).ln())
    } else {
        Tails::from_ln_upper(ln_front + continued_fraction(b, a, y, x, -excess).ln())
    }
}

/// The point below which a beta variable falls with probability `p`; `None` unless a, b > 0 are
/// finite and p is in 0..=1.
pub fn beta_quantile(p: f64, a: f64, b: f64) -> Option<f64> {
    const LIMIT: f64 = 708.0; // beyond it x or y is not a normal number
    let valid = a > 0.0 && b > 0.0 && a.is_finite() && b.is_finite();
    if !valid || !(0.0..=1.0).contains(&p) {
        return None;
    }
    if p == 0.0 || p == 1.0 {
        return Some(p);
    }
    // Search ln(x/y) on the log of whichever tail is smaller.
    let point = |u: f64| (1.0 / (1.0 + (-u).exp()), 1.0 / (1.0 + u.exp()));
    let gap = |u: f64| {
        let (x, y) = point(u);
        let tails = beta_tails(a, b, x, y);
        if p <= 0.5 {
            tails.ln_lower - p.ln()
        } else {
            (-p).ln_1p() - tails.ln_upper
        }
    };
    let centre = (a / b).ln().clamp(-LIMIT, LIMIT);
    let step = (1.0 / a + 1.0 / b).sqrt().clamp(1e-9, 10.0);
    let (direction, limit) = if gap(centre) > 0.0 {
        (Direction::Down, -LIMIT)
    } else {
        (Direction::Up, LIMIT)
    };
    match bracket(gap, centre, step, direction, limit) {
        Some((low, high)) => find_root(gap, low, high).map(|u| point(u).0),
        None => Some(point(limit).0.round()),
    }
}

/// K in `I_x = x^a y^b / B · K`, for `excess = a − (a+b)x ≥ 0`, by the modified Lentz method.
fn continued_fraction(a: f64, b: f64, x: f64, y: f64, excess: f64) -> f64 {
    const MAX_TERMS: u32 = 2_000_000; // about 9 √n are needed near the mean
    let mut fraction = Lentz::new((a + 1.0) / (a * (excess + 1.0)));
    for term in 1..MAX_TERMS {
        let m = f64::from(term);
        let odd = a + 2.0 * m - 1.0;
        let numerator = (a + m - 1.0) / odd * ((a + b + m - 1.0) / odd) * m * (b - m) * x * x;
        let denominator =
            m + m * (b - m) / odd * x + (a + m) / (odd + 2.0) * (excess + 1.0 + m * (1.0 + y));
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
    fn closed_forms() {
        // I_x(1, b) = 1 − y^b and I_x(a, 1) = x^a.
        let tails = beta_tails(1.0, 7.0, 0.01, 0.99);
        assert!((tails.upper() - 0.99_f64.powi(7)).abs() < 1e-15);
        let tails = beta_tails(40.0, 1.0, 0.25, 0.75);
        assert!((tails.ln_lower - 40.0 * 0.25_f64.ln()).abs() < 1e-13);
    }

    #[test]
    fn symmetric_centre_is_a_half_at_any_size() {
        for a in [0.5, 1.0, 33.0, 1e4, 1e6, 1e9] {
            let tails = beta_tails(a, a, 0.5, 0.5);
            assert!((tails.lower() - 0.5).abs() < 1e-12, "{a}: {tails:?}");
        }
    }

    #[test]
    fn quantile_inverts_the_tail() {
        for (a, b) in [(0.5, 0.5), (0.5, 1e6), (3.0, 4.0), (2e5, 3e7)] {
            for p in [1e-12, 0.025, 0.5, 0.975, 1.0 - 1e-9] {
                let x = beta_quantile(p, a, b).unwrap();
                let back = beta_tails(a, b, x, 1.0 - x).lower();
                assert!((back / p - 1.0).abs() < 1e-7, "{a} {b} {p}: {x} {back}");
            }
        }
    }

    #[test]
    fn quantile_outside_its_domain_is_none() {
        assert_eq!(beta_quantile(1.5, 1.0, 1.0), None);
        assert_eq!(beta_quantile(0.5, 0.0, 1.0), None);
        assert_eq!(beta_quantile(0.5, f64::NAN, 1.0), None);
        assert_eq!(beta_quantile(0.0, 2.0, 3.0), Some(0.0));
        assert_eq!(beta_quantile(1e-300, 0.01, 3.0), Some(0.0));
    }
}
