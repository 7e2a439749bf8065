//! Pairs of yes-or-no answers: McNemar's test and the difference of the two shares.
//!
//! Only pairs whose answers differ carry evidence. Given their number, the pairs in which the event
//! is the treatment's alone are Binomial(n, ½) when nothing differs (McNemar 1947). Which form to
//! use: Fagerland, Lydersen & Laake (2013) recommend the mid-p and the plain asymptotic test; the
//! exact one is conservative, the corrected one more so.

use super::dist::{binomial_ln_pmf, binomial_tails, chi_square_tails, ln_add_exp, z_multiplier};
use super::estimate::{Estimate, Interval, Method, TestName, TestResult};
use super::proportions::Share;
use serde::Serialize;
use std::f64::consts::LN_2;

/// How the p-value of McNemar's test is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum McNemarForm {
    /// Twice the smaller binomial tail.
    Exact,
    /// The exact one less the probability of the observed split.
    MidP,
    /// (b−c)²/(b+c) as chi-square.
    Asymptotic,
    /// (|b−c|−1)²/(b+c) as chi-square, 0 where b = c (Edwards 1948).
    Corrected,
}

/// Pairs by their two answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct PairedCounts {
    /// Pairs with the event in both arms.
    pub both: u64,
    /// Pairs with the event in the control alone.
    pub only_control: u64,
    /// Pairs with the event in the treatment alone.
    pub only_treatment: u64,
    /// Pairs without the event.
    pub neither: u64,
}

/// McNemar's two-sided test on the pairs whose answers differ. The statistic of the exact and the
/// mid-p form is the count of `only_treatment`. `None` if no pair differs.
pub fn mcnemar(only_control: u64, only_treatment: u64, form: McNemarForm) -> Option<TestResult> {
    let n = only_control.checked_add(only_treatment)?;
    if n == 0 {
        return None;
    }
    let gap = only_control.abs_diff(only_treatment);
    let fewer = only_control.min(only_treatment);
    let count = only_treatment as f64;
    let chi_square = |gap: u64, name| {
        let statistic = gap as f64 * (gap as f64 / n as f64);
        let ln_p = chi_square_tails(statistic, 1.0).ln_upper;
        TestResult::new(name, statistic, Some(1.0), ln_p)
    };
    Some(match form {
        McNemarForm::Exact => {
            let ln_p = LN_2 + binomial_tails(fewer, n, 0.5).ln_lower;
            TestResult::new(TestName::McNemarExact, count, None, ln_p)
        }
        McNemarForm::MidP => {
            let below = fewer.checked_sub(1).map_or(f64::NEG_INFINITY, |k| {
                LN_2 + binomial_tails(k, n, 0.5).ln_lower
            });
            let ln_p = ln_add_exp(below, binomial_ln_pmf(fewer, n, 0.5));
            TestResult::new(TestName::McNemarMidP, count, None, ln_p)
        }
        McNemarForm::Asymptotic => chi_square(gap, TestName::McNemar),
        McNemarForm::Corrected => chi_square(gap.saturating_sub(1), TestName::McNemarCorrected),
    })
}

impl PairedCounts {
    /// Number of pairs; `None` beyond the range of counts.
    pub fn n(&self) -> Option<u64> {
        self.both
            .checked_add(self.only_control)?
            .checked_add(self.only_treatment)?
            .checked_add(self.neither)
    }

    /// Share of treatment minus share of control with the adjusted Wald interval of Bonett & Price
    /// (2012), which adds a pair to each kind of discordance. `None` without pairs or when `level`
    /// is outside (0, 1).
    pub fn difference(&self, level: f64) -> Option<Estimate> {
        let n = self.n().filter(|n| *n > 0)?;
        let total = n as f64;
        let (b, c) = (self.only_control as f64, self.only_treatment as f64);
        let value = (c - b) / total;
        let (pb, pc) = ((b + 1.0) / (total + 2.0), (c + 1.0) / (total + 2.0));
        let variance = (pb + pc - (pc - pb) * (pc - pb)) / (total + 2.0);
        let half = z_multiplier(level)? * variance.max(0.0).sqrt();
        let interval = Interval::around(pc - pb, half);
        Some(Estimate {
            value,
            interval: Interval {
                lower: interval.lower.max(-1.0).min(value),
                upper: interval.upper.min(1.0).max(value),
            },
            level,
            method: Method::BonettPrice,
            n,
        })
    }

    /// Odds of the event in treatment over control within pairs, c/b, with the exact conditional
    /// interval: Clopper and Pearson's for c among b + c. Infinite where b is 0. `None` if no pair
    /// differs or `level` is outside (0, 1).
    pub fn odds_ratio(&self, level: f64) -> Option<Estimate> {
        let n = self.only_control.checked_add(self.only_treatment)?;
        let events = self.only_treatment;
        let share = Share { events, n }.clopper_pearson(level)?;
        let odds = |p: f64| {
            if p >= 1.0 {
                f64::INFINITY
            } else {
                p / (1.0 - p)
            }
        };
        Some(Estimate {
            value: self.only_treatment as f64 / self.only_control as f64,
            interval: Interval {
                lower: odds(share.interval.lower),
                upper: odds(share.interval.upper),
            },
            ..share
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_against_nothing_by_hand() {
        let exact = mcnemar(0, 10, McNemarForm::Exact).unwrap();
        assert!((exact.p - 2.0 / 1024.0).abs() < 1e-15);
        let mid = mcnemar(10, 0, McNemarForm::MidP).unwrap();
        assert!((mid.p - 1.0 / 1024.0).abs() < 1e-15);
    }

    #[test]
    fn equal_splits_are_certain() {
        for form in [
            McNemarForm::Exact,
            McNemarForm::MidP,
            McNemarForm::Asymptotic,
            McNemarForm::Corrected,
        ] {
            let test = mcnemar(7, 7, form).unwrap();
            assert!((test.p - 1.0).abs() < 1e-13, "{test:?}");
            assert_eq!(mcnemar(0, 0, form), None);
            let huge = mcnemar(1_000_000_000, 1_000_100_000, form).unwrap();
            assert!((huge.p - 0.0253).abs() < 1e-4, "{huge:?}");
        }
    }

    #[test]
    fn intervals_hold_the_difference() {
        for (both, only_control, only_treatment, neither) in
            [(0, 0, 0, 5), (0, 5, 0, 0), (3, 0, 9, 1), (400, 12, 30, 80)]
        {
            let pairs = PairedCounts {
                both,
                only_control,
                only_treatment,
                neither,
            };
            let estimate = pairs.difference(0.95).unwrap();
            assert!(estimate.interval.contains(estimate.value), "{estimate:?}");
            assert!(estimate.interval.lower >= -1.0 && estimate.interval.upper <= 1.0);
        }
    }

    #[test]
    fn odds_reach_to_infinity() {
        let pairs = PairedCounts {
            both: 1,
            only_control: 0,
            only_treatment: 4,
            neither: 9,
        };
        let odds = pairs.odds_ratio(0.95).unwrap();
        assert_eq!(odds.value, f64::INFINITY);
        assert_eq!(odds.interval.upper, f64::INFINITY);
        assert!(odds.interval.lower > 0.0 && odds.interval.lower < 1.0);
    }
}
