//! Exact two-sided p-values by the likelihood of outcomes: an outcome counts as extreme when it is no
//! more probable than the observed one (the rule of R and `SciPy`).

use std::ops::RangeInclusive;

/// Outcomes of equal probability may differ by rounding.
const SLACK: f64 = 1e-7;

/// Which outcomes of a unimodal law are no more probable than the observed one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extreme {
    /// All: the observed one is the most probable.
    All,
    /// Those up to and those from these outcomes; `None` where a side has none.
    Sides(Option<u64>, Option<u64>),
}

/// Finds the extreme outcomes among `support`, whose log-probabilities rise up to `mode` and fall
/// from there.
pub(super) fn extreme(
    ln_pmf: impl Fn(u64) -> f64,
    support: RangeInclusive<u64>,
    mode: u64,
    observed: u64,
) -> Extreme {
    let limit = ln_pmf(observed) + SLACK.ln_1p();
    if ln_pmf(mode) <= limit {
        return Extreme::All;
    }
    let (least, greatest) = support.into_inner();
    let rare = |k: u64| ln_pmf(k) <= limit;
    // The mode is not rare, so each search ends beside it at the latest.
    let below = last_true(least, mode, rare);
    let above = last_true(0, greatest - mode, |k| rare(greatest - k)).map(|k| greatest - k);
    Extreme::Sides(below, above)
}

/// The last `k` in `least..end` for which `holds`, which must be true and then false.
fn last_true(least: u64, end: u64, holds: impl Fn(u64) -> bool) -> Option<u64> {
    let (mut low, mut high) = (least, end);
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    (low > least).then(|| low - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(weights: &[f64], observed: u64, expected: Extreme) {
        let mode = weights.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
        let mode = mode.unwrap().0 as u64;
        let ln = |k: u64| weights[k as usize].ln();
        let last = weights.len() as u64 - 1;
        assert_eq!(extreme(ln, 0..=last, mode, observed), expected);
    }

    #[test]
    fn sides_by_hand() {
        let law = [0.1, 0.2, 0.4, 0.2, 0.1];
        check(&law, 2, Extreme::All);
        check(&law, 1, Extreme::Sides(Some(1), Some(3)));
        check(&law, 4, Extreme::Sides(Some(0), Some(4)));
        let skewed = [0.6, 0.3, 0.08, 0.02];
        check(&skewed, 2, Extreme::Sides(None, Some(2)));
        check(&[0.02, 0.3, 0.68], 0, Extreme::Sides(Some(0), None));
    }
}
