//! Every interval of one share, to choose from and to compare.
//!
//! Which one: Wilson's, or Jeffreys', for judging (Brown, Cai & `DasGupta` 2001); Clopper and
//! Pearson's where coverage must never fall below the level; Wald's only because others report it.

use super::dist::{beta_quantile, z_multiplier};
use super::estimate::{Estimate, Interval, Method};
use super::proportions::Share;

/// How the interval of a share is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShareMethod {
    /// p ± z√(pq/n); may leave 0..=1 and has no width without events.
    Wald,
    /// Wilson (1927).
    Wilson,
    /// Wilson's with continuity correction: Newcombe (1998), method 4.
    WilsonCorrected,
    /// Wald's about the centre of Wilson's (Agresti & Coull 1998); may leave 0..=1.
    AgrestiCoull,
    /// Quantiles of Beta(x+½, n−x+½), 0 and 1 at the ends (Brown, Cai & `DasGupta` 2001).
    Jeffreys,
    /// Clopper & Pearson (1934).
    ClopperPearson,
}

impl Share {
    /// The share with the interval asked for. `None` without observations, with more events than
    /// observations, or when `level` is outside (0, 1).
    pub fn interval(self, level: f64, method: ShareMethod) -> Option<Estimate> {
        let value = self.value()?;
        let z = z_multiplier(level)?;
        let (x, n) = (self.events as f64, self.n as f64);
        let rest = (self.n - self.events) as f64;
        let (interval, method) = match method {
            ShareMethod::Wilson => return self.wilson(level),
            ShareMethod::ClopperPearson => return self.clopper_pearson(level),
            ShareMethod::Wald => {
                let half = z * (value * (rest / n) / n).sqrt();
                (Interval::around(value, half), Method::Wald)
            }
            ShareMethod::AgrestiCoull => {
                let total = n + z * z;
                let centre = (x + z * z / 2.0) / total;
                let half = z * (centre * (1.0 - centre) / total).sqrt();
                (Interval::around(centre, half), Method::AgrestiCoull)
            }
            ShareMethod::WilsonCorrected => {
                let interval = Interval {
                    lower: corrected_lower(x, n, z),
                    upper: 1.0 - corrected_lower(rest, n, z),
                };
                (interval, Method::WilsonCorrected)
            }
            ShareMethod::Jeffreys => {
                let tail = (1.0 - level) / 2.0;
                let (a, b) = (x + 0.5, rest + 0.5);
                let interval = Interval {
                    lower: if self.events == 0 {
                        0.0
                    } else {
                        beta_quantile(tail, a, b)?
                    },
                    upper: if self.events == self.n {
                        1.0
                    } else {
                        beta_quantile(1.0 - tail, a, b)?
                    },
                };
                (interval, Method::Jeffreys)
            }
        };
        Some(Estimate {
            value,
            interval,
            level,
            method,
            n: self.n,
        })
    }
}

/// The lower limit of Wilson's interval with continuity correction: the smaller root of
/// (n+z²)L² − A L + (2x−1)²/4n with A = 2x + z² − 1, written so that it does not cancel near 0.
fn corrected_lower(x: f64, n: f64, z: f64) -> f64 {
    if x == 0.0 {
        return 0.0;
    }
    let p = x / n;
    let a = 2.0 * x + z * z - 1.0;
    let under = z * z - 2.0 - 1.0 / n + 4.0 * p * (n - x + 1.0);
    let b = z * under.max(0.0).sqrt();
    let edge = 2.0 * x - 1.0;
    // At low levels the correction can pass the estimate.
    (edge * edge / (2.0 * n * (a + b))).clamp(0.0, p)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [ShareMethod; 6] = [
        ShareMethod::Wald,
        ShareMethod::Wilson,
        ShareMethod::WilsonCorrected,
        ShareMethod::AgrestiCoull,
        ShareMethod::Jeffreys,
        ShareMethod::ClopperPearson,
    ];

    #[test]
    fn intervals_hold_their_value_and_mirror() {
        for n in [1, 2, 12, 1_000_000_000] {
            for events in [0, 1, n / 3, n / 2, n - 1, n] {
                for method in ALL {
                    for level in [0.5, 0.95, 0.999_999] {
                        let of = |events| Share { events, n }.interval(level, method).unwrap();
                        let (one, other) = (of(events), of(n - events));
                        let Interval { lower, upper } = one.interval;
                        assert!(lower <= one.value && one.value <= upper, "{one:?}");
                        let mirrored = 1.0 - other.interval.upper;
                        assert!((lower - mirrored).abs() < 1e-9, "{one:?} {other:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn nothing_observed_is_none() {
        for method in ALL {
            assert_eq!(Share { events: 0, n: 0 }.interval(0.95, method), None);
            assert_eq!(Share { events: 3, n: 2 }.interval(0.95, method), None);
            assert_eq!(Share { events: 1, n: 2 }.interval(1.0, method), None);
        }
    }
}
