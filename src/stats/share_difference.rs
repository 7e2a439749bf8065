//! Every interval of the difference of two independent shares, and the score test behind the best.
//!
//! Which one: Miettinen and Nurminen's, by inverting the score test, or Newcombe's, which is close
//! and has a closed form; Agresti and Caffo's for small samples by hand; Wald's only because others
//! report it.
//!
//! The score statistic at a difference d divides by the standard error under d: the shares that fit
//! best among those d apart (Mee 1984; Miettinen & Nurminen 1985, who multiply the variance by
//! N/(N−1)). statsmodels 0.15 has a wrong coefficient in the cubic equation of these shares
//! (statsmodels issue 10269); limits here maximise the likelihood itself.

use super::dist::{normal_tails, z_multiplier};
use super::estimate::{Estimate, Interval, Method, TestName, TestResult};
use super::proportions::{Share, difference, newcombe};
use super::root::find_root;
use serde::Serialize;

/// How the interval of a difference of shares is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DifferenceMethod {
    /// d ± z√(p₁q₁/n₁ + p₂q₂/n₂); may leave −1..=1.
    Wald,
    /// Wald's with an event and a failure added to each arm (Agresti & Caffo 2000); may leave −1..=1.
    AgrestiCaffo,
    /// Newcombe (1998), method 10.
    Newcombe,
    /// Score interval with the variance times N/(N−1) (Miettinen & Nurminen 1985).
    MiettinenNurminen,
    /// Score interval (Mee 1984).
    Mee,
}

/// A score test of a difference of shares against `null`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ScoreTest {
    /// Two-sided test; its statistic is z.
    pub test: TestResult,
    /// One-sided p-value of the alternative that the difference is greater than `null`.
    pub p_greater: f64,
    /// One-sided p-value of the alternative that it is smaller.
    pub p_less: f64,
}

/// The difference of shares `b − a` (a control) with the interval asked for. `None` if either arm is
/// empty or `level` is outside (0, 1).
pub fn share_difference(
    a: Share,
    b: Share,
    level: f64,
    method: DifferenceMethod,
) -> Option<Estimate> {
    let z = z_multiplier(level)?;
    let (pa, pb) = (a.value()?, b.value()?);
    let value = difference(a, b);
    let about = |centre: f64, arms: [(f64, f64); 2]| {
        let variance: f64 = arms.iter().map(|(p, n)| p * (1.0 - p) / n).sum();
        Interval::around(centre, z * variance.max(0.0).sqrt())
    };
    let (na, nb) = (a.n as f64, b.n as f64);
    let (interval, method) = match method {
        DifferenceMethod::Newcombe => return newcombe(a, b, level),
        DifferenceMethod::Wald => (about(value, [(pa, na), (pb, nb)]), Method::Wald),
        DifferenceMethod::AgrestiCaffo => {
            let [(qa, ma), (qb, mb)] = [a, b].map(|arm| {
                let n = arm.n as f64 + 2.0;
                ((arm.events as f64 + 1.0) / n, n)
            });
            (about(qb - qa, [(qa, ma), (qb, mb)]), Method::AgrestiCaffo)
        }
        DifferenceMethod::MiettinenNurminen => {
            let correction = (na + nb) / (na + nb - 1.0);
            (
                score_interval(a, b, z, correction)?,
                Method::MiettinenNurminen,
            )
        }
        DifferenceMethod::Mee => (score_interval(a, b, z, 1.0)?, Method::Mee),
    };
    Some(Estimate {
        value,
        interval,
        level,
        method,
        n: a.n.saturating_add(b.n),
    })
}

/// Miettinen and Nurminen's score test that the difference `b − a` is `null`, inside (−1, 1): for
/// non-inferiority of shares. `None` if either arm is empty, `null` is outside its range, or no
/// variance is left under it.
pub fn score_test(a: Share, b: Share, null: f64) -> Option<ScoreTest> {
    let (pa, pb) = (a.value()?, b.value()?);
    if !(null > -1.0 && null < 1.0) {
        return None;
    }
    let (na, nb) = (a.n as f64, b.n as f64);
    let variance = restricted_variance((pa, na), (pb, nb), null) * (na + nb) / (na + nb - 1.0);
    let z = (difference(a, b) - null) / variance.sqrt();
    let tails = normal_tails(z);
    (variance > 0.0 && z.is_finite()).then(|| ScoreTest {
        test: TestResult::new(TestName::Score, z, None, tails.ln_two_sided()),
        p_greater: tails.upper(),
        p_less: tails.lower(),
    })
}

/// All differences whose score statistic is at most `z` in size.
fn score_interval(a: Share, b: Share, z: f64, correction: f64) -> Option<Interval> {
    let (pa, pb) = (a.value()?, b.value()?);
    let (na, nb) = (a.n as f64, b.n as f64);
    let value = difference(a, b);
    let excess = |d: f64| {
        let variance = restricted_variance((pa, na), (pb, nb), d) * correction;
        (value - d).abs() - z * variance.sqrt()
    };
    // The statistic falls towards the estimate from both ends; where there is no crossing the whole
    // side belongs to the interval.
    let limit = |end: f64| {
        // At the estimate itself there may be no variance, as with no events at all.
        let near = value + (end - value) * 1e-14;
        if value == end {
            end
        } else {
            find_root(excess, end, near).unwrap_or(end)
        }
    };
    Some(Interval {
        lower: limit(-1.0),
        upper: limit(1.0),
    })
}

/// Variance of the difference under the difference `d`, at the shares that fit best.
fn restricted_variance(a: (f64, f64), b: (f64, f64), d: f64) -> f64 {
    let q = restricted_share(a, b, d);
    let s = (q + d).clamp(0.0, 1.0);
    q * (1.0 - q) / a.1 + s * (1.0 - s) / b.1
}

/// The share of control that maximises the concave likelihood of shares `q` and `q + d`, from the
/// observed shares and sizes of both arms.
pub(super) fn restricted_share((pa, na): (f64, f64), (pb, nb): (f64, f64), d: f64) -> f64 {
    let (low, high) = ((-d).max(0.0), (1.0 - d).min(1.0));
    let weight = nb / na;
    // The derivative times q(1−q)s(1−s), which keeps its sign and is finite.
    let slope = |q: f64| {
        let s = q + d;
        (pa - q) * (s * (1.0 - s)) + weight * (pb - s) * (q * (1.0 - q))
    };
    let inset = (high - low) * 1e-15;
    if slope(low + inset) <= 0.0 {
        low
    } else if slope(high - inset) >= 0.0 {
        high
    } else {
        find_root(slope, low + inset, high - inset).unwrap_or(f64::midpoint(low, high))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [DifferenceMethod; 5] = [
        DifferenceMethod::Wald,
        DifferenceMethod::AgrestiCaffo,
        DifferenceMethod::Newcombe,
        DifferenceMethod::MiettinenNurminen,
        DifferenceMethod::Mee,
    ];

    fn share(events: u64, n: u64) -> Share {
        Share { events, n }
    }

    #[test]
    fn swapping_the_arms_mirrors_every_interval() {
        for (a, b) in [
            (share(3, 40), share(9, 50)),
            (share(0, 10), share(0, 10)),
            (share(10, 10), share(0, 7)),
            (share(1, 1), share(0, 1)),
            (share(2, 1_000_000), share(900, 1_000_000_000)),
        ] {
            for method in ALL {
                let forth = share_difference(a, b, 0.95, method).unwrap();
                let back = share_difference(b, a, 0.95, method).unwrap();
                let gap = (forth.interval.lower + back.interval.upper).abs();
                assert!(gap < 1e-12, "{method:?} {forth:?} {back:?}");
                if method != DifferenceMethod::AgrestiCaffo {
                    assert!(forth.interval.contains(forth.value), "{forth:?}");
                }
            }
        }
    }

    #[test]
    fn the_score_test_agrees_with_its_interval() {
        let (a, b) = (share(56, 70), share(48, 80));
        let method = DifferenceMethod::MiettinenNurminen;
        let estimate = share_difference(a, b, 0.95, method).unwrap();
        for limit in [estimate.interval.lower, estimate.interval.upper] {
            let test = score_test(a, b, limit).unwrap();
            assert!((test.test.p - 0.05).abs() < 1e-9, "{test:?}");
        }
        let even = score_test(a, b, 0.0).unwrap();
        assert!((even.p_less - even.test.p / 2.0).abs() < 1e-15);
        assert_eq!(score_test(a, b, 1.0), None);
        assert_eq!(score_test(share(0, 4), share(0, 4), 0.0), None);
    }

    #[test]
    fn empty_arms_are_none() {
        for method in ALL {
            assert_eq!(
                share_difference(share(0, 0), share(1, 2), 0.95, method),
                None
            );
            assert_eq!(
                share_difference(share(1, 2), share(1, 2), 0.0, method),
                None
            );
        }
    }
}
