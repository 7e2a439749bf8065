//! The odds ratio of two independent shares by its logarithm.

use super::dist::z_multiplier;
use super::estimate::{Estimate, Interval, Method};
use super::proportions::Share;

/// The odds of the event in `b` over those in `a` (a control) with Woolf's (1955) logarithmic
/// interval: ln ± z√(1/x + 1/(n−x) + …). `None` if either arm has no event or nothing but events, or
/// if `level` is outside (0, 1); [`conditional_odds_ratio`](super::conditional_odds_ratio()) has
/// intervals there too.
pub fn odds_ratio(a: Share, b: Share, level: f64) -> Option<Estimate> {
    let z = z_multiplier(level)?;
    let half = z * odds_ratio_ln_se(a, b)?;
    let odds = |s: Share| s.events as f64 / (s.n - s.events) as f64;
    let value = odds(b) / odds(a);
    Some(Estimate {
        value,
        interval: Interval {
            lower: value * (-half).exp(),
            upper: value * half.exp(),
        },
        level,
        method: Method::WoolfLog,
        n: a.n.saturating_add(b.n),
    })
}

/// Standard error of the logarithm of the odds ratio. `None` as for [`odds_ratio`].
pub fn odds_ratio_ln_se(a: Share, b: Share) -> Option<f64> {
    let part = |s: Share| {
        let has_both = s.events > 0 && s.events < s.n;
        has_both.then(|| 1.0 / s.events as f64 + 1.0 / (s.n - s.events) as f64)
    };
    Some((part(a)? + part(b)?).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_cells_have_no_odds() {
        let some = Share { events: 3, n: 10 };
        for none in [
            Share { events: 0, n: 10 },
            Share { events: 10, n: 10 },
            Share { events: 0, n: 0 },
        ] {
            assert_eq!(odds_ratio(some, none, 0.95), None);
            assert_eq!(odds_ratio(none, some, 0.95), None);
        }
        let same = odds_ratio(some, some, 0.95).unwrap();
        assert!((same.value - 1.0).abs() < 1e-15 && same.interval.contains(1.0));
    }
}
