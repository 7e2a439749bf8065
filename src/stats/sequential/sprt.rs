//! Wald's (1945) sequential probability ratio test of a share.

use crate::stats::proportions::Share;
use serde::Serialize;

/// Which of two shares is true?
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sprt {
    /// The share if nothing is wrong.
    pub null: f64,
    /// The share if something is.
    pub alternative: f64,
    /// Chance to accept the alternative when the null is true.
    pub alpha: f64,
    /// Chance to accept the null when the alternative is true.
    pub beta: f64,
}

/// What the test says so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SprtDecision {
    /// Stop: the alternative.
    AcceptAlternative,
    /// Stop: the null.
    AcceptNull,
    /// Observe further.
    Continue,
}

/// The test after some observations.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct SprtState {
    /// Log-likelihood of the alternative over that of the null.
    pub ln_ratio: f64,
    /// At or above it the alternative is accepted: ln((1−β)/α).
    pub upper: f64,
    /// At or below it the null is accepted: ln(β/(1−α)).
    pub lower: f64,
    /// What to do.
    pub decision: SprtDecision,
}

impl Sprt {
    /// The state after these observations. `None` unless both shares are inside (0, 1) and differ,
    /// alpha and beta are inside (0, 1) and sum to less than 1, and there are no more events than
    /// observations.
    pub fn state(&self, share: Share) -> Option<SprtState> {
        let is_open = |p: f64| p > 0.0 && p < 1.0;
        let is_sound = [self.null, self.alternative, self.alpha, self.beta]
            .into_iter()
            .all(is_open)
            && self.null != self.alternative
            && self.alpha + self.beta < 1.0
            && share.events <= share.n;
        if !is_sound {
            return None;
        }
        let rest = (share.n - share.events) as f64;
        let of_rest = (-self.alternative).ln_1p() - (-self.null).ln_1p();
        let ln_ratio = share.events as f64 * (self.alternative / self.null).ln() + rest * of_rest;
        let upper = ((1.0 - self.beta) / self.alpha).ln();
        let lower = (self.beta / (1.0 - self.alpha)).ln();
        let decision = if ln_ratio >= upper {
            SprtDecision::AcceptAlternative
        } else if ln_ratio <= lower {
            SprtDecision::AcceptNull
        } else {
            SprtDecision::Continue
        };
        Some(SprtState {
            ln_ratio,
            upper,
            lower,
            decision,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_observed_continues() {
        let test = Sprt {
            null: 0.02,
            alternative: 0.05,
            alpha: 0.05,
            beta: 0.2,
        };
        let state = test.state(Share { events: 0, n: 0 }).unwrap();
        assert_eq!(state.ln_ratio, 0.0);
        assert_eq!(state.decision, SprtDecision::Continue);
        assert_eq!(test.state(Share { events: 2, n: 1 }), None);
        let same = Sprt {
            alternative: 0.02,
            ..test
        };
        assert_eq!(same.state(Share { events: 1, n: 5 }), None);
    }
}
