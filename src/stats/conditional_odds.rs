//! The odds ratio that goes with Fisher's exact test: conditional maximum likelihood and the exact
//! conditional interval.
//!
//! Given the margins, the upper left count has weights proportional to h(k)·ψ^k, with h the
//! hypergeometric probability and ψ the odds ratio. The estimate is the ψ whose mean is the observed
//! count; a limit is the ψ that leaves half of alpha beyond it (Cornfield 1956; as R's `fisher.test`,
//! whose root search stops at about 1e-5).

use super::estimate::{Estimate, Interval, Method, valid_level};
use super::fisher::Hypergeometric;
use super::root::{Direction, bracket, find_root};

/// The odds ratio of rows `[[a, b], [c, d]]`, (a/b)/(c/d), by conditional maximum likelihood with
/// its exact interval; an end is 0 or infinite where the count is the least or greatest possible.
///
/// `None` as for [`fisher_exact`](super::fisher_exact()), when `level` is outside (0, 1), or for
/// tables of more than some 10⁹ observations, where it would take long and the logarithmic interval
/// of Woolf is as good.
pub fn conditional_odds_ratio(table: [[u64; 2]; 2], level: f64) -> Option<Estimate> {
    const GREATEST_VARIANCE: f64 = 1e8;
    valid_level(level)?;
    let law = Hypergeometric::new(table)?;
    let [[a, b], [c, d]] = table;
    let precision: f64 = [a, b, c, d].map(|n| 1.0 / (n as f64 + 0.5)).iter().sum();
    if 1.0 / precision > GREATEST_VARIANCE {
        return None;
    }
    let half = |n: u64| n as f64 + 0.5;
    let start = (half(a) / half(b) * (half(d) / half(c))).ln();
    let solve = |f: &dyn Fn(Sums) -> f64| solve(&law, a, start, precision.sqrt(), f);
    let ln_tail = ((1.0 - level) / 2.0).ln();
    let at_least = a == law.least();
    let at_most = a == law.greatest();
    let ln_odds = match (at_least, at_most) {
        (true, _) => f64::NEG_INFINITY,
        (_, true) => f64::INFINITY,
        _ => solve(&|sums| sums.mean_excess)?,
    };
    let lower = if at_least {
        f64::NEG_INFINITY
    } else {
        solve(&|sums| sums.upper.ln() - ln_tail)?
    };
    let upper = if at_most {
        f64::INFINITY
    } else {
        solve(&|sums| ln_tail - sums.lower.ln())?
    };
    Some(Estimate {
        value: ln_odds.exp(),
        interval: Interval {
            lower: lower.exp(),
            upper: upper.exp(),
        },
        level,
        method: Method::ConditionalExact,
        n: law.row + law.other_row,
    })
}

/// What the law at some odds ratio says about the observed count.
#[derive(Clone, Copy)]
struct Sums {
    /// Mean minus observed count.
    mean_excess: f64,
    /// P(X ≤ observed).
    lower: f64,
    /// P(X ≥ observed).
    upper: f64,
}

/// The log odds ratio at which `f`, which rises with it, is zero.
fn solve(
    law: &Hypergeometric,
    observed: u64,
    start: f64,
    step: f64,
    f: impl Fn(Sums) -> f64,
) -> Option<f64> {
    const LIMIT: f64 = 700.0;
    // Where rounding leaves no tail at all the sign is still right.
    let gap = |ln_odds: f64| f(sums(law, observed, ln_odds)).clamp(-f64::MAX, f64::MAX);
    let (direction, limit) = if gap(start) > 0.0 {
        (Direction::Down, -LIMIT)
    } else {
        (Direction::Up, LIMIT)
    };
    let (low, high) = bracket(gap, start, step, direction, limit)?;
    find_root(gap, low, high)
}

/// Sums over the law, from its mode outwards until the terms no longer count.
fn sums(law: &Hypergeometric, observed: u64, ln_odds: f64) -> Sums {
    const NEGLIGIBLE: f64 = 1e-18;
    let (row, other, column) = (law.row as f64, law.other_row as f64, law.column as f64);
    let odds = ln_odds.exp();
    // Probability of k + 1 over that of k.
    let ratio =
        |k: f64| odds * ((row - k) / (k + 1.0)) * ((column - k) / (other - column + k + 1.0));
    let (least, greatest) = (law.least(), law.greatest());
    let (mut low, mut high) = (least, greatest);
    while low < high {
        let middle = low + (high - low) / 2;
        if ratio(middle as f64) > 1.0 {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    let (mode, seen) = (low as f64, observed as f64);
    let (mut total, mut moment) = (0.0, 0.0);
    let (mut lower, mut upper) = (0.0, 0.0);
    let mut add = |k: f64, weight: f64| {
        total += weight;
        moment += weight * (k - seen);
        if k <= seen {
            lower += weight;
        }
        if k >= seen {
            upper += weight;
        }
    };
    add(mode, 1.0);
    let mut weight = 1.0;
    for k in low..greatest {
        weight *= ratio(k as f64);
        if weight < NEGLIGIBLE {
            break;
        }
        add(k as f64 + 1.0, weight);
    }
    weight = 1.0;
    for k in (least..low).rev() {
        weight /= ratio(k as f64);
        if weight < NEGLIGIBLE {
            break;
        }
        add(k as f64, weight);
    }
    Sums {
        mean_excess: moment / total,
        lower: lower / total,
        upper: upper / total,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_open() {
        let none = conditional_odds_ratio([[0, 10], [5, 5]], 0.95).unwrap();
        assert_eq!((none.value, none.interval.lower), (0.0, 0.0));
        let all = conditional_odds_ratio([[10, 0], [5, 5]], 0.95).unwrap();
        assert_eq!(all.value, f64::INFINITY);
        assert_eq!(all.interval.upper, f64::INFINITY);
        assert_eq!(conditional_odds_ratio([[0, 0], [5, 5]], 0.95), None);
        assert_eq!(conditional_odds_ratio([[3, 4], [5, 5]], 1.0), None);
    }

    #[test]
    fn large_tables_approach_the_sample_ratio() {
        let odds = conditional_odds_ratio([[50_000, 950_000], [53_000, 947_000]], 0.95).unwrap();
        let sample = 50_000.0 / 950_000.0 * (947_000.0 / 53_000.0);
        assert!((odds.value / sample - 1.0).abs() < 1e-4);
        assert_eq!(conditional_odds_ratio([[1 << 40; 2]; 2], 0.95), None);
    }

    #[test]
    fn swapping_rows_inverts() {
        let forth = conditional_odds_ratio([[3, 9], [8, 4]], 0.9).unwrap();
        let back = conditional_odds_ratio([[8, 4], [3, 9]], 0.9).unwrap();
        assert!((forth.value * back.value - 1.0).abs() < 1e-12);
        assert!((forth.interval.lower * back.interval.upper - 1.0).abs() < 1e-12);
        assert!(forth.interval.contains(forth.value));
    }
}
