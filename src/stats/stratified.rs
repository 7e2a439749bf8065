//! Two arms compared within strata, such as rollout stages, and put together.
//!
//! Where the treatment's share of traffic and the event's frequency both change over time, comparing
//! all rows at once can show an effect that no stage has (Simpson's paradox). Cochran (1954), Mantel
//! & Haenszel (1959); standard errors: Robins, Breslow & Greenland (1986) for the odds ratio, Sato
//! (1989) for the difference; homogeneity: Breslow & Day (1980) with Tarone's (1985) correction, and
//! Cochran's Q for any estimates with known variances.

use super::contingency::Continuity;
use super::dist::{chi_square_tails, z_multiplier};
use super::estimate::{Estimate, Interval, Method, TestName, TestResult};
use super::proportions::Share;
use serde::Serialize;

/// Control and treatment in one stratum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Stratum {
    /// The control.
    pub control: Share,
    /// The treatment.
    pub treatment: Share,
}

/// A stratum as a table of floating-point counts; a is control, b treatment.
#[derive(Clone, Copy)]
struct Table {
    events_a: f64,
    events_b: f64,
    rest_a: f64,
    rest_b: f64,
    n_a: f64,
    n_b: f64,
    n: f64,
}

impl Stratum {
    /// `None` where an arm is empty or has more events than observations: such a stratum says
    /// nothing about a difference.
    fn table(self) -> Option<Table> {
        self.control.value()?;
        self.treatment.value()?;
        let (a, b) = (self.control, self.treatment);
        let (n_a, n_b) = (a.n as f64, b.n as f64);
        Some(Table {
            events_a: a.events as f64,
            events_b: b.events as f64,
            rest_a: (a.n - a.events) as f64,
            rest_b: (b.n - b.events) as f64,
            n_a,
            n_b,
            n: n_a + n_b,
        })
    }
}

fn tables(strata: &[Stratum]) -> impl Iterator<Item = Table> + '_ {
    strata.iter().filter_map(|s| s.table())
}

/// Cochran, Mantel and Haenszel's test that the odds ratio is one in every stratum. With
/// [`Continuity::Yates`] the distance is reduced by ½ where it is at least that, as R does.
/// Strata with an empty arm count nothing. `None` if no stratum has both outcomes in both arms
/// together.
pub fn cochran_mantel_haenszel(strata: &[Stratum], continuity: Continuity) -> Option<TestResult> {
    let (mut distance, mut variance) = (0.0, 0.0);
    for t in tables(strata).filter(|t| t.n >= 2.0) {
        let (events, rest) = (t.events_a + t.events_b, t.rest_a + t.rest_b);
        // a − n_a·events/n, as (events_a·n_b − events_b·n_a)/n.
        distance += t.events_a * (t.n_b / t.n) - t.events_b * (t.n_a / t.n);
        variance += t.n_a / t.n * (t.n_b / t.n) * (events / (t.n - 1.0)) * rest;
    }
    if variance <= 0.0 {
        return None;
    }
    let mut size = distance.abs();
    if continuity == Continuity::Yates && size >= 0.5 {
        size -= 0.5;
    }
    let statistic = size * (size / variance);
    let ln_p = chi_square_tails(statistic, 1.0).ln_upper;
    let name = TestName::CochranMantelHaenszel;
    Some(TestResult::new(name, statistic, Some(1.0), ln_p))
}

/// Mantel and Haenszel's common odds ratio, treatment over control, with the interval from its
/// logarithm. `None` if it is zero or infinite, or if `level` is outside (0, 1).
pub fn common_odds_ratio(strata: &[Stratum], level: f64) -> Option<Estimate> {
    let z = z_multiplier(level)?;
    let (value, se) = odds_ratio_with_ln_se(strata)?;
    Some(Estimate {
        value,
        interval: Interval {
            lower: value * (-z * se).exp(),
            upper: value * (z * se).exp(),
        },
        level,
        method: Method::MantelHaenszelOdds,
        n: observations(strata),
    })
}

/// The common odds ratio and the standard error of its logarithm.
pub(super) fn odds_ratio_with_ln_se(strata: &[Stratum]) -> Option<(f64, f64)> {
    let (mut up, mut down) = (0.0, 0.0);
    let (mut pr, mut mixed, mut qs) = (0.0, 0.0, 0.0);
    for t in tables(strata) {
        // Agreeing cells: event in treatment, none in control.
        let (p, q) = ((t.events_b + t.rest_a) / t.n, (t.rest_b + t.events_a) / t.n);
        let r = t.events_b * (t.rest_a / t.n);
        let s = t.rest_b * (t.events_a / t.n);
        up += r;
        down += s;
        pr += p * r;
        mixed += p * s + q * r;
        qs += q * s;
    }
    if !(up > 0.0 && down > 0.0) {
        return None;
    }
    let variance = pr / (2.0 * up) / up + mixed / (2.0 * up) / down + qs / (2.0 * down) / down;
    Some((up / down, variance.sqrt()))
}

/// Mantel and Haenszel's common difference of shares, treatment minus control, with Sato's standard
/// error. `None` without a stratum that has both arms, if nothing varies, or if `level` is outside
/// (0, 1).
pub fn common_difference(strata: &[Stratum], level: f64) -> Option<Estimate> {
    let z = z_multiplier(level)?;
    let (mut weight, mut sum, mut p, mut q) = (0.0, 0.0, 0.0, 0.0);
    for t in tables(strata) {
        let (wa, wb) = (t.n_a / t.n, t.n_b / t.n);
        weight += t.n_a * wb;
        sum += t.events_b * wa - t.events_a * wb;
        p += t.events_a * wb * wb - t.events_b * wa * wa + t.n_a * wb * (wa - wb) / 2.0;
        q += f64::midpoint(t.events_b * (t.rest_a / t.n), t.events_a * (t.rest_b / t.n));
    }
    if weight <= 0.0 {
        return None;
    }
    let value = sum / weight;
    let variance = (value * p + q) / weight / weight;
    (variance > 0.0).then(|| Estimate {
        value,
        interval: Interval::around(value, z * variance.sqrt()),
        level,
        method: Method::MantelHaenszelDifference,
        n: observations(strata),
    })
}

/// Breslow and Day's test that the odds ratio is the same in every stratum, with Tarone's
/// correction. `None` if the common odds ratio is undefined or fewer than two strata have both
/// outcomes and both arms.
pub fn breslow_day(strata: &[Stratum]) -> Option<TestResult> {
    let (odds, _) = odds_ratio_with_ln_se(strata)?;
    let (mut statistic, mut excess, mut variance) = (0.0, 0.0, 0.0);
    let mut used = 0_u32;
    for t in tables(strata) {
        let events = t.events_a + t.events_b;
        if events == 0.0 || events == t.n {
            continue;
        }
        let Some(expected) = expected_events(&t, odds) else {
            continue;
        };
        let cells = [
            expected,
            events - expected,
            t.n_b - expected,
            t.n_a - events + expected,
        ];
        let precision: f64 = cells.iter().map(|cell| 1.0 / cell).sum();
        let distance = t.events_b - expected;
        statistic += distance * distance * precision;
        excess += distance;
        variance += 1.0 / precision;
        used += 1;
    }
    if used < 2 {
        return None;
    }
    let statistic = (statistic - excess * excess / variance).max(0.0);
    let df = f64::from(used - 1);
    let ln_p = chi_square_tails(statistic, df).ln_upper;
    let name = TestName::BreslowDay;
    statistic
        .is_finite()
        .then(|| TestResult::new(name, statistic, Some(df), ln_p))
}

/// The treatment's expected events in a stratum with these margins and odds ratio: the root e of
/// `e(n_a − events + e) = odds·(events − e)(n_b − e)` that leaves no cell negative.
fn expected_events(t: &Table, odds: f64) -> Option<f64> {
    let events = t.events_a + t.events_b;
    let a = odds - 1.0;
    let b = -(odds * (events + t.n_b) + (t.n_a - events));
    let c = odds * events * t.n_b;
    let root_of_discriminant = (b * b - 4.0 * a * c).max(0.0).sqrt();
    // The same root twice, each without cancellation; a is not 0 where b > 0.
    let root = if b > 0.0 {
        (-b - root_of_discriminant) / (2.0 * a)
    } else {
        2.0 * c / (root_of_discriminant - b)
    };
    let inside = root > (events - t.n_a).max(0.0) && root < events.min(t.n_b);
    inside.then_some(root)
}

/// Several estimates of one effect put together by their precision, and whether they agree.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Pooled {
    /// The mean weighted by inverse variances, with its normal interval; `n` is the number of
    /// estimates.
    pub common: Estimate,
    /// Cochran's Q: that all estimates are of one effect. `None` for a single estimate.
    pub heterogeneity: Option<TestResult>,
    /// Share of the spread that chance does not explain, 0 to 1 (Higgins & Thompson 2002).
    pub i_squared: f64,
}

/// Pools independent estimates, each a value and its variance. `None` without estimates, if a
/// variance is not positive and finite, or if `level` is outside (0, 1).
pub fn pool(estimates: &[(f64, f64)], level: f64) -> Option<Pooled> {
    let z = z_multiplier(level)?;
    let is_sound = |(value, variance): &(f64, f64)| {
        value.is_finite() && *variance > 0.0 && variance.is_finite()
    };
    let smallest = estimates.iter().map(|e| e.1).fold(f64::INFINITY, f64::min);
    if estimates.is_empty() || !estimates.iter().all(is_sound) {
        return None;
    }
    // Weights relative to the greatest, so that tiny variances do not overflow.
    let weight = |variance: f64| smallest / variance;
    let total: f64 = estimates.iter().map(|e| weight(e.1)).sum();
    let value: f64 = estimates.iter().map(|e| e.0 * (weight(e.1) / total)).sum();
    let q: f64 = estimates
        .iter()
        .map(|(v, variance)| (v - value) / variance * (v - value))
        .sum();
    let df = (estimates.len() - 1) as f64;
    let heterogeneity = (df > 0.0 && q.is_finite()).then(|| {
        let ln_p = chi_square_tails(q, df).ln_upper;
        TestResult::new(TestName::CochranQ, q, Some(df), ln_p)
    });
    let half = z * (smallest / total).sqrt();
    Some(Pooled {
        common: Estimate {
            value,
            interval: Interval::around(value, half),
            level,
            method: Method::InverseVariance,
            n: estimates.len() as u64,
        },
        heterogeneity,
        i_squared: if q > df && q.is_finite() {
            (q - df) / q
        } else {
            0.0
        },
    })
}

fn observations(strata: &[Stratum]) -> u64 {
    let sizes = strata.iter().flat_map(|s| [s.control.n, s.treatment.n]);
    sizes.fold(0, u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::contingency::chi_square_2x2;

    fn stratum(control: (u64, u64), treatment: (u64, u64)) -> Stratum {
        let share = |(events, n)| Share { events, n };
        Stratum {
            control: share(control),
            treatment: share(treatment),
        }
    }

    #[test]
    fn one_stratum_is_nearly_the_plain_table() {
        let one = [stratum((300, 2400), (200, 2400))];
        let cmh = cochran_mantel_haenszel(&one, Continuity::None).unwrap();
        let chi = chi_square_2x2([[300, 2100], [200, 2200]], Continuity::None).unwrap();
        // N−1 in place of N.
        let expected = chi.test.statistic * 4799.0 / 4800.0;
        assert!((cmh.statistic - expected).abs() < 1e-10);
        let odds = common_odds_ratio(&one, 0.95).unwrap();
        assert!((odds.value - 200.0 / 2200.0 / (300.0 / 2100.0)).abs() < 1e-14);
        let difference = common_difference(&one, 0.95).unwrap();
        assert!((difference.value + 100.0 / 2400.0).abs() < 1e-15);
    }

    #[test]
    fn stages_hide_no_paradox() {
        // Within each stage the shares agree; traffic moves to the treatment as errors fall.
        let stages = [stratum((90, 900), (10, 100)), stratum((1, 100), (9, 900))];
        let test = cochran_mantel_haenszel(&stages, Continuity::None).unwrap();
        assert!(test.statistic < 1e-25, "{test:?}");
        assert!(common_difference(&stages, 0.95).unwrap().value.abs() < 1e-15);
        let same = breslow_day(&stages).unwrap();
        assert!(same.p > 0.999, "{same:?}");
    }

    #[test]
    fn opposite_strata_are_found_to_differ() {
        let strata = [stratum((50, 100), (80, 100)), stratum((50, 100), (20, 100))];
        assert!(breslow_day(&strata).unwrap().p < 1e-8);
        assert!(
            cochran_mantel_haenszel(&strata, Continuity::Yates)
                .unwrap()
                .p
                > 0.9
        );
    }

    #[test]
    fn empty_strata_count_nothing() {
        let full = [stratum((5, 40), (9, 50)), stratum((7, 30), (4, 30))];
        let mut padded = full.to_vec();
        padded.extend([
            stratum((0, 0), (3, 9)),
            stratum((0, 5), (0, 5)),
            stratum((9, 5), (0, 5)),
        ]);
        let plain = cochran_mantel_haenszel(&full, Continuity::None).unwrap();
        let same = cochran_mantel_haenszel(&padded, Continuity::None).unwrap();
        assert_eq!(plain.statistic, same.statistic);
        assert_eq!(breslow_day(&full), breslow_day(&padded));
        assert_eq!(cochran_mantel_haenszel(&[], Continuity::None), None);
        assert_eq!(common_odds_ratio(&padded[2..], 0.95), None);
        assert_eq!(common_difference(&[], 0.95), None);
    }

    #[test]
    fn pooling_by_hand() {
        let pooled = pool(&[(1.0, 1.0), (4.0, 2.0)], 0.95).unwrap();
        assert!((pooled.common.value - 2.0).abs() < 1e-15);
        let q = pooled.heterogeneity.unwrap();
        assert!((q.statistic - 3.0).abs() < 1e-14);
        assert!((pooled.i_squared - 2.0 / 3.0).abs() < 1e-14);
        assert_eq!(pool(&[(1.0, 0.0)], 0.95), None);
        assert_eq!(pool(&[], 0.95), None);
        assert_eq!(pool(&[(1.0, 1.0)], 0.95).unwrap().heterogeneity, None);
    }
}
