//! Persistence on the axis of thresholds: from the highest threshold that breaches at each
//! evaluation to the highest at which the rule fires.

use std::collections::VecDeque;

use super::super::{FailureLimit, Missing, Persistence};

/// Follows one rule at all thresholds at once. Where a breach is written as a level, `−∞` is none
/// and `+∞` one at every threshold.
pub(super) struct Follow {
    persistence: Persistence,
    n_seen: usize,
    /// `For`, `Consecutive`: positions and levels, ascending in both: the least of any tail is the
    /// first that is left of it.
    least: VecDeque<(usize, f64)>,
    /// `For`: positions and instants that may still begin the hold.
    instants: VecDeque<(usize, i64)>,
    /// `Failures`: the greatest levels so far, ascending.
    greatest: Vec<f64>,
    /// `MOfN`: the latest points, newest last; `None` without data.
    recent: VecDeque<Option<f64>>,
}

impl Follow {
    pub(super) fn new(persistence: Persistence) -> Self {
        Self {
            persistence,
            n_seen: 0,
            least: VecDeque::new(),
            instants: VecDeque::new(),
            greatest: Vec::new(),
            recent: VecDeque::new(),
        }
    }

    /// Whether the levels are exact. A CloudWatch alarm that keeps its state while data are missing
    /// is not monotone in its threshold.
    pub(super) fn is_exact(persistence: Persistence) -> bool {
        !matches!(
            persistence,
            Persistence::MOfN {
                missing: Missing::Ignore,
                ..
            }
        )
    }

    /// Forgets everything, as after a lack of data that resets.
    pub(super) fn reset(&mut self) {
        *self = Self::new(self.persistence);
    }

    /// Takes the next evaluation in: the level that breaches, `None` without data. Gives the level
    /// that fires.
    pub(super) fn step(&mut self, at_us: i64, level: Option<f64>) -> f64 {
        let breach = level.unwrap_or(f64::NEG_INFINITY);
        match self.persistence {
            Persistence::None => breach,
            Persistence::For { hold, .. } => {
                self.push(breach);
                self.instants.push_back((self.n_seen - 1, at_us));
                while self
                    .instants
                    .get(1)
                    .is_some_and(|(_, instant)| at_us - instant >= hold.us)
                {
                    self.instants.pop_front();
                }
                match self.instants.front() {
                    Some((start, instant)) if at_us - instant >= hold.us => self.least_from(*start),
                    _ => f64::NEG_INFINITY,
                }
            }
            Persistence::Consecutive { k } => {
                self.push(breach);
                match self.n_seen.checked_sub(k as usize) {
                    Some(start) => self.least_from(start),
                    None => f64::NEG_INFINITY,
                }
            }
            Persistence::Failures { limit, mode, .. } => {
                let limit = limit as usize + usize::from(mode == FailureLimit::Gt);
                let place = self.greatest.partition_point(|known| *known < breach);
                self.greatest.insert(place, breach);
                if self.greatest.len() > limit {
                    self.greatest.remove(0);
                }
                match (limit, self.greatest.first()) {
                    (0, _) => f64::INFINITY,
                    (_, Some(least)) if self.greatest.len() == limit => *least,
                    _ => f64::NEG_INFINITY,
                }
            }
            Persistence::MOfN { .. } => self.step_m_of_n(level),
        }
    }

    fn push(&mut self, level: f64) {
        while self.least.back().is_some_and(|(_, known)| *known >= level) {
            self.least.pop_back();
        }
        self.least.push_back((self.n_seen, level));
        self.n_seen += 1;
    }

    /// The least level from a position on; positions before it are forgotten.
    fn least_from(&mut self, start: usize) -> f64 {
        while self.least.front().is_some_and(|(at, _)| *at < start) {
            self.least.pop_front();
        }
        self.least
            .front()
            .map_or(f64::NEG_INFINITY, |(_, level)| *level)
    }

    /// The rule of `Tracker::step_m_of_n`, at all thresholds.
    fn step_m_of_n(&mut self, level: Option<f64>) -> f64 {
        let Persistence::MOfN {
            m,
            n,
            missing,
            range,
            stride,
            insufficient_fires,
        } = self.persistence
        else {
            return f64::NEG_INFINITY;
        };
        if self.recent.len() > (range as usize - 1) * stride as usize {
            self.recent.pop_front();
        }
        self.recent.push_back(level);
        let (m, n) = (m as usize, n as usize);
        let real: Vec<(usize, f64)> = (1..)
            .zip(self.recent.iter().rev().step_by(stride as usize))
            .filter_map(|(age, level)| Some((age, (*level)?)))
            .collect();
        let Some(&(oldest, _)) = real.last() else {
            let fires = match missing {
                Missing::Missing => insufficient_fires,
                Missing::Breaching => true,
                Missing::Ignore | Missing::NotBreaching => false,
            };
            return if fires {
                f64::INFINITY
            } else {
                f64::NEG_INFINITY
            };
        };
        let mut latest: Vec<f64> = real.iter().take(n).map(|(_, level)| *level).collect();
        latest.sort_unstable_by(|a, b| b.total_cmp(a));
        // The level that the k greatest of them exceed, k from 1.
        let exceeded_by = |k: usize| match k.checked_sub(1) {
            None => f64::INFINITY,
            Some(i) => latest.get(i).copied().unwrap_or(f64::NEG_INFINITY),
        };
        let fills = n.saturating_sub(real.len());
        let is_old_enough = fills > 0 && oldest >= m;
        match missing {
            Missing::Missing if is_old_enough => exceeded_by(m).max(exceeded_by(latest.len())),
            Missing::Breaching => exceeded_by(m.saturating_sub(fills)),
            _ => exceeded_by(m),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::persist::Tracker;
    use super::super::super::{FailureScope, State, TimeSpan, Truth};
    use super::*;
    use proptest::prelude::*;

    /// At every threshold the level fires exactly when the state machine does.
    fn check(persistence: Persistence, levels: &[Option<f64>], resets: &[bool]) {
        let mut follow = Follow::new(persistence);
        let thresholds: Vec<f64> = (0..12).map(f64::from).collect();
        let mut trackers = vec![Tracker::new(persistence); thresholds.len()];
        let mut has_fired = vec![false; thresholds.len()];
        let mut reach = f64::NEG_INFINITY;
        for (i, level) in levels.iter().enumerate() {
            let at_us = i as i64 * 60_000_000;
            if resets[i] {
                follow.reset();
                trackers.iter_mut().for_each(Tracker::reset);
            }
            reach = reach.max(follow.step(at_us, *level));
            for ((tracker, threshold), fired) in
                trackers.iter_mut().zip(&thresholds).zip(&mut has_fired)
            {
                let truth = match level {
                    None => Truth::Unknown,
                    Some(level) if level >= threshold => Truth::True,
                    Some(_) => Truth::False,
                };
                *fired |= tracker.step(at_us, truth) == State::Firing;
                assert_eq!(
                    *fired,
                    reach >= *threshold,
                    "{persistence:?} {levels:?} {threshold}"
                );
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            rng_seed: proptest::test_runner::RngSeed::Fixed(7),
            failure_persistence: None,
            ..ProptestConfig::with_cases(400)
        })]

        #[test]
        fn levels_fire_when_the_state_machine_does(
            levels in proptest::collection::vec(proptest::option::weighted(0.8, (0..10_u8).prop_map(f64::from)), 1..40),
            resets in proptest::collection::vec(proptest::bool::weighted(0.05), 40),
            hold in 0..5_i64, k in 1..5_u32, m in 1..4_u32, extra in 0..3_u32, more in 0..3_u32, stride in 1..4_u32,
            is_ge: bool, insufficient_fires: bool,
        ) {
            check(Persistence::None, &levels, &resets);
            check(Persistence::For { hold: TimeSpan::seconds(60 * hold), keep: TimeSpan::default() }, &levels, &resets);
            check(Persistence::Consecutive { k }, &levels, &resets);
            let mode = if is_ge { FailureLimit::Ge } else { FailureLimit::Gt };
            check(Persistence::Failures { limit: k, mode, scope: FailureScope::Run, errors: None }, &levels, &resets);
            for missing in [Missing::Missing, Missing::Breaching, Missing::NotBreaching] {
                let n = m + extra;
                check(Persistence::MOfN { m, n, missing, range: n + more, stride, insufficient_fires }, &levels, &resets);
            }
        }
    }
}
