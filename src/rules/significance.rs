//! Conditions that are statistical tests: what a rulebook says about them, and their arithmetic.

use serde::{Deserialize, Serialize};

use crate::stats::dist::normal_tails;
use crate::stats::sequential::{asymptotic_sequence, msprt, rho};
use crate::stats::{PValue, RatioMoments, Share, Variance, mann_whitney, two_proportions};

/// A test of canary against baseline.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TestRule {
    /// Which test.
    pub kind: TestKind,
    /// What it looks for.
    pub side: Side,
    /// Its level: at most this probability of a false alarm where the arms are the same; for
    /// sequences and mSPRT over all looks, else at each look.
    pub alpha: f64,
    /// Sequences and mSPRT: about after how many units they are sharpest.
    pub tuning: f64,
    /// Differences up to this do no harm; in the metric's unit. Not for Mann–Whitney.
    pub margin: f64,
}

/// The kinds of tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TestKind {
    /// Asymptotic confidence sequence of the difference (Waudby-Smith et al., arXiv 2103.06476, as
    /// `GrowthBook` tunes it): valid at every look.
    ConfSeq,
    /// Always-valid p-value of the mixture sequential probability ratio test: valid at every look.
    Msprt,
    /// z test of two shares with pooled variance; valid at one look.
    ZTwoProp,
    /// Mann and Whitney's test of equal distributions; valid at one look.
    MannWhitney,
}

/// What a test looks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Greater values in the canary.
    #[default]
    Greater,
    /// Smaller values in the canary.
    Less,
    /// Either.
    TwoSided,
}

impl TestRule {
    /// About after how many units a sequence is sharpest, unless the rulebook says otherwise.
    pub const TUNING: f64 = 5000.0;

    /// The p-value of shares by counts `(hits, n)`; NaN where undefined.
    pub(super) fn two_shares(&self, canary: (u64, u64), baseline: (u64, u64)) -> f64 {
        let share = |(events, n)| Share { events, n };
        let level = 0.95;
        let Some(found) = two_proportions(share(baseline), share(canary), Variance::Pooled, level)
        else {
            // No events at all, or nothing but events: no evidence of a difference.
            return if canary.1 > 0 && baseline.1 > 0 {
                1.0
            } else {
                f64::NAN
            };
        };
        self.p_of_z(found.test.statistic)
    }

    /// The p-value of two samples; NaN where undefined.
    pub(super) fn two_samples(&self, canary: &[f64], baseline: &[f64]) -> f64 {
        match mann_whitney(baseline, canary, PValue::Normal) {
            Some(found) => match self.side {
                Side::Greater => found.p_greater,
                Side::Less => found.p_less,
                Side::TwoSided => (2.0 * found.p_greater.min(found.p_less)).min(1.0),
            },
            None if canary.is_empty() || baseline.is_empty() => f64::NAN,
            None => 1.0,
        }
    }

    fn p_of_z(&self, z: f64) -> f64 {
        let tails = normal_tails(z);
        match self.side {
            Side::Greater => tails.upper(),
            Side::Less => tails.lower(),
            Side::TwoSided => 2.0 * tails.upper().min(tails.lower()),
        }
    }

    /// The confidence sequence's limit on the harmless side of the difference canary − baseline: a
    /// lower limit above 0 says greater. For [`Side::Less`] the mirror image, for
    /// [`Side::TwoSided`] the nearer limit's distance. NaN with fewer than two units in an arm.
    ///
    /// Two-sided it is [`asymptotic_sequence`]. One-sided its half-width is √(V·2(1+r)/r·ln(1 + √(1+r)/(2α)))
    /// with r = nρ², and ρ is tuned at 2α (`GrowthBook`, `gbstats`, MIT licence).
    pub(super) fn sequence_limit(&self, canary: &RatioMoments, baseline: &RatioMoments) -> f64 {
        let Some((difference, variance, n)) = difference(canary, baseline) else {
            return f64::NAN;
        };
        if self.side == Side::TwoSided {
            let (error, level) = (variance.sqrt(), 1.0 - self.alpha);
            return asymptotic_sequence(difference, error, n, self.tuning, level).map_or(
                f64::NAN,
                |found| {
                    let interval = found.estimate.interval;
                    interval.lower.max(-interval.upper)
                },
            );
        }
        let tuned_at = (2.0 * self.alpha).min(0.999);
        let Some(rho) = rho(1.0 - tuned_at, self.tuning) else {
            return f64::NAN;
        };
        let ratio = n as f64 * rho * rho;
        let log = ((1.0 + ratio).sqrt() / (2.0 * self.alpha)).ln_1p();
        let half_width = (variance * 2.0 * (1.0 + ratio) / ratio * log).sqrt();
        match self.side {
            Side::Less => -difference - half_width,
            _ => difference - half_width,
        }
    }

    /// The p-value of the mixture sequential probability ratio test at this look alone ([`msprt`]);
    /// the always-valid one is the least so far. The mixing variance is that of the difference after
    /// `tuning` units (Johari et al. 2017, arXiv 1512.04922). NaN with fewer than two units in an arm.
    pub(super) fn mixture_p(&self, canary: &RatioMoments, baseline: &RatioMoments) -> f64 {
        let Some((difference, variance, n)) = difference(canary, baseline) else {
            return f64::NAN;
        };
        let excess = match self.side {
            Side::Greater => difference - self.margin,
            Side::Less => -difference - self.margin,
            Side::TwoSided => difference.abs() - self.margin,
        };
        if excess <= 0.0 {
            return 1.0;
        }
        let mixing = variance * n as f64 / self.tuning;
        msprt(excess, variance, mixing, 0.0, n, 1.0 - self.alpha).map_or(1.0, |found| found.test.p)
    }
}

/// The difference of two ratios, its variance and the number of units behind it.
fn difference(canary: &RatioMoments, baseline: &RatioMoments) -> Option<(f64, f64, u64)> {
    let difference = canary.ratio()? - baseline.ratio()?;
    let variance = canary.variance_of_ratio()? + baseline.variance_of_ratio()?;
    Some((difference, variance, canary.units + baseline.units))
}

impl TestKind {
    /// Whether its statistic is a limit that is compared with the margin, not a p-value.
    pub(super) fn is_limit(self) -> bool {
        self == Self::ConfSeq
    }
}
