//! How long or how often a rule must hold before it fires, and the state machine for it.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::{TimeSpan, Truth};

/// What turns a breach into a firing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Persistence {
    /// One breach fires; the rule is inactive again at the first evaluation without a breach.
    #[default]
    None,
    /// Prometheus: breaching at every evaluation for at least this long.
    For {
        /// The hold time; fires as soon as `t − first breach ≥ hold`.
        hold: TimeSpan,
        /// How long a firing alert survives without a breach.
        keep: TimeSpan,
    },
    /// CloudWatch: at least `m` breaches among the last `n` points.
    MOfN {
        /// Breaches needed.
        m: u32,
        /// Points looked at.
        n: u32,
        /// What a point without data means.
        missing: Missing,
        /// How many points are fetched to find `n` with data; at least `n`.
        range: u32,
        /// Evaluations from one point to the next: CloudWatch looks at periods of 5 min every minute.
        stride: u32,
        /// Whether the state "insufficient data" fires too, as `AppConfig` takes it.
        insufficient_fires: bool,
    },
    /// A number of breaches, consecutive or not.
    Failures {
        /// The limit.
        limit: u32,
        /// Whether reaching it is enough.
        mode: FailureLimit,
        /// Since when they are counted.
        scope: FailureScope,
        /// What becomes of evaluations that are errors.
        errors: Option<ErrorLimit>,
    },
    /// So many breaches in a row.
    Consecutive {
        /// How many.
        k: u32,
    },
}

/// Whether reaching a limit of failures is enough.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FailureLimit {
    /// More failures than the limit (Argo Rollouts).
    #[default]
    Gt,
    /// As many as the limit (Flagger).
    Ge,
}

/// Since when failures are counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FailureScope {
    /// Since time zero.
    #[default]
    Run,
    /// Since the stage began.
    Stage,
}

/// What becomes of evaluations that are errors (Argo Rollouts).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErrorLimit {
    /// More errors in a row than this fire.
    pub consecutive: u32,
    /// How soon after an error the rule looks again, whatever its interval.
    pub retry: TimeSpan,
}

/// What CloudWatch makes of points without data.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Missing {
    /// Left out; if all points lack data the state is "insufficient data".
    Missing,
    /// Left out; if all points lack data the state stays.
    Ignore,
    /// They breach.
    Breaching,
    /// They do not breach.
    #[default]
    NotBreaching,
}

/// The state of a rule.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Nothing.
    #[default]
    Inactive,
    /// Breaching, but not long or often enough.
    Pending,
    /// Acting.
    Firing,
}

/// Follows one rule through its evaluations.
#[derive(Debug, Clone)]
pub(super) struct Tracker {
    persistence: Persistence,
    state: State,
    /// `For`: when the present run of breaches began.
    active_since_us: i64,
    /// `For`: when a firing alert was first without a breach.
    quiet_since_us: Option<i64>,
    /// `Failures`, `Consecutive`: breaches so far.
    breaches: u64,
    /// `Failures`: errors in a row.
    errors: u32,
    /// `MOfN`: the latest points, newest last.
    recent: VecDeque<Truth>,
}

impl Tracker {
    pub(super) fn new(persistence: Persistence) -> Self {
        Self {
            persistence,
            state: State::Inactive,
            active_since_us: 0,
            quiet_since_us: None,
            breaches: 0,
            errors: 0,
            recent: VecDeque::new(),
        }
    }

    /// Whether evaluations that are false or unknown cannot change anything at present.
    pub(super) fn is_idle(&self) -> bool {
        match self.persistence {
            Persistence::None | Persistence::For { .. } | Persistence::Consecutive { .. } => {
                self.state == State::Inactive
            }
            Persistence::Failures { .. } => self.errors == 0,
            Persistence::MOfN { .. } => false,
        }
    }

    /// Whether this evaluation changes nothing.
    #[inline]
    pub(super) fn is_steady(&self, truth: Truth) -> bool {
        match (self.persistence, truth) {
            (Persistence::None, Truth::True) => self.state == State::Firing,
            (Persistence::None, _) => self.state == State::Inactive,
            (_, Truth::True) => false,
            _ => self.is_idle(),
        }
    }

    /// How many of the evaluations change nothing, up to the first that does.
    pub(super) fn n_steady(&self, truths: &[Truth]) -> usize {
        const TOGETHER: usize = 32; // without a branch for each
        let [breach, none] = [Truth::True, Truth::False].map(|truth| !self.is_steady(truth));
        let changes = |truth: &Truth| if *truth == Truth::True { breach } else { none };
        let has_change =
            |part: &[Truth]| part.iter().fold(false, |any, truth| any | changes(truth));
        let mut parts = truths.chunks(TOGETHER);
        let before = parts
            .position(has_change)
            .map_or(truths.len(), |part| part * TOGETHER);
        let rest = truths[before..].iter().position(changes);
        rest.map_or(truths.len(), |rest| before + rest)
    }

    /// Whether more evaluations like the last one, `truth`, change nothing.
    pub(super) fn is_settled(&self, truth: Truth) -> bool {
        match self.persistence {
            Persistence::MOfN { range, stride, .. } => {
                let n = (range as usize - 1) * stride as usize + 1;
                self.recent.len() == n && self.recent.iter().all(|recent| *recent == truth)
            }
            Persistence::None => true,
            _ if truth == Truth::True => self.state == State::Firing,
            Persistence::For { .. } | Persistence::Consecutive { .. } => {
                self.state == State::Inactive
            }
            Persistence::Failures { .. } => true,
        }
    }

    /// Counts failures anew, as at the start of a stage.
    pub(super) fn restart(&mut self) {
        self.breaches = 0;
        if self.state == State::Pending {
            self.state = State::Inactive;
        }
    }

    /// Takes in an evaluation that is an error: neither a failure nor a success.
    pub(super) fn error(&mut self) -> State {
        self.errors += 1;
        if let Persistence::Failures {
            errors: Some(limit),
            ..
        } = self.persistence
            && self.errors > limit.consecutive
        {
            self.state = State::Firing;
        }
        self.state
    }

    pub(super) fn state(&self) -> State {
        self.state
    }

    /// Forgets everything, as after a lack of data that resets.
    pub(super) fn reset(&mut self) {
        *self = Self::new(self.persistence);
    }

    /// Takes the next evaluation in and gives the state after it.
    pub(super) fn step(&mut self, at_us: i64, truth: Truth) -> State {
        let breach = truth == Truth::True;
        self.state = match self.persistence {
            Persistence::None => fires_if(breach),
            Persistence::For { hold, keep } => self.step_for(at_us, breach, hold, keep),
            Persistence::MOfN { .. } => self.step_m_of_n(truth),
            Persistence::Failures { limit, mode, .. } => {
                self.errors = 0;
                self.breaches += u64::from(breach);
                let limit = u64::from(limit) + u64::from(mode == FailureLimit::Gt);
                counted(self.breaches, limit)
            }
            Persistence::Consecutive { k } => {
                self.breaches = if breach { self.breaches + 1 } else { 0 };
                counted(self.breaches, u64::from(k))
            }
        };
        self.state
    }

    fn step_for(&mut self, at_us: i64, breach: bool, hold: TimeSpan, keep: TimeSpan) -> State {
        if breach {
            self.quiet_since_us = None;
            if self.state == State::Inactive {
                self.active_since_us = at_us;
            }
            if self.state == State::Firing || at_us - self.active_since_us >= hold.us {
                State::Firing
            } else {
                State::Pending
            }
        } else if self.state == State::Firing {
            let quiet_since_us = *self.quiet_since_us.get_or_insert(at_us);
            if at_us - quiet_since_us < keep.us {
                State::Firing
            } else {
                self.quiet_since_us = None;
                State::Inactive
            }
        } else {
            State::Inactive
        }
    }

    /// The rule that reproduces the table of missing data in the CloudWatch user guide: with at
    /// least `n` points that have data, `m` of the last `n` of them; with fewer, see [`Missing`].
    fn step_m_of_n(&mut self, truth: Truth) -> State {
        let Persistence::MOfN {
            m,
            n,
            missing,
            range,
            stride,
            insufficient_fires,
        } = self.persistence
        else {
            return self.state;
        };
        if self.recent.len() > (range as usize - 1) * stride as usize {
            self.recent.pop_front();
        }
        self.recent.push_back(truth);
        let (m, n) = (m as usize, n as usize);
        // Newest first, each with its age in points from 1.
        let real: Vec<(usize, bool)> = (1..)
            .zip(self.recent.iter().rev().step_by(stride as usize))
            .filter(|(_, truth)| **truth != Truth::Unknown)
            .map(|(age, truth)| (age, *truth == Truth::True))
            .collect();
        let breaches = real.iter().take(n).filter(|(_, breach)| *breach).count();
        let Some(&(oldest, _)) = real.last() else {
            return match missing {
                Missing::Missing => fires_if(insufficient_fires),
                Missing::Ignore => self.state,
                Missing::Breaching => State::Firing,
                Missing::NotBreaching => State::Inactive,
            };
        };
        let fills = n.saturating_sub(real.len());
        let is_premature = fills > 0 && breaches == real.len() && oldest >= m;
        match missing {
            Missing::Missing if is_premature => State::Firing,
            Missing::Ignore if is_premature => self.state,
            Missing::Breaching => counted((breaches + fills) as u64, m as u64),
            _ => counted(breaches as u64, m as u64),
        }
    }
}

fn fires_if(breach: bool) -> State {
    if breach {
        State::Firing
    } else {
        State::Inactive
    }
}

fn counted(breaches: u64, limit: u64) -> State {
    if breaches >= limit {
        State::Firing
    } else if breaches > 0 {
        State::Pending
    } else {
        State::Inactive
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000_000;

    /// `points`: `X` breach, `0` none, `-` no data, one a minute. The states as letters.
    fn check(persistence: Persistence, points: &str, states: &str) {
        let mut tracker = Tracker::new(persistence);
        let got: String = (0..)
            .zip(points.chars())
            .map(
                |(minute, point)| match tracker.step(minute * MINUTE, truth(point)) {
                    State::Inactive => '.',
                    State::Pending => 'p',
                    State::Firing => 'F',
                },
            )
            .collect();
        assert_eq!(got, states, "{persistence:?} {points}");
    }

    fn held(hold: i64, keep: i64) -> Persistence {
        Persistence::For {
            hold: TimeSpan::seconds(60 * hold),
            keep: TimeSpan::seconds(60 * keep),
        }
    }

    #[test]
    fn a_hold_of_two_minutes_fires_at_the_third_breach() {
        check(held(2, 0), "0XX0XXXX0X", ".pp.ppFF.p");
        check(held(2, 0), "XX-XXX", "pp.ppF");
        check(held(0, 0), "0X0", ".F.");
    }

    #[test]
    fn a_firing_alert_is_kept_but_a_pending_one_is_not() {
        check(held(1, 2), "XX0X000X0", "pFFFFF.p.");
    }

    #[test]
    fn failures_add_up_and_consecutive_ones_do_not() {
        let failures = |mode| Persistence::Failures {
            limit: 2,
            mode,
            scope: FailureScope::Run,
            errors: None,
        };
        check(failures(FailureLimit::Ge), "X0X0", "ppFF");
        check(failures(FailureLimit::Gt), "X0X0X", "ppppF");
        check(Persistence::Consecutive { k: 2 }, "X0XX0", "p.pF.");
        check(Persistence::None, "0X0", ".F.");
    }

    fn m_of_n(m: u32, n: u32, missing: Missing) -> Persistence {
        Persistence::MOfN {
            m,
            n,
            missing,
            range: n,
            stride: 1,
            insufficient_fires: false,
        }
    }

    #[test]
    fn m_of_n_counts_the_last_n() {
        check(
            m_of_n(2, 3, Missing::NotBreaching),
            "0X0X00X0X",
            ".ppFppppF",
        );
    }

    /// Two of the last three points that are three evaluations apart.
    #[test]
    fn points_may_be_several_evaluations_apart() {
        let alarm = Persistence::MOfN {
            m: 2,
            n: 3,
            missing: Missing::NotBreaching,
            range: 3,
            stride: 3,
            insufficient_fires: false,
        };
        check(alarm, "XX00000X00X0XX0", "pp.pp.pF..F.pF.");
    }

    /// The 40 cells of both tables of the CloudWatch user guide ("How alarm state is evaluated when
    /// data is missing"): A alarm, O ok, I insufficient data, R retains its state; for missing, ignore,
    /// breaching and notBreaching. Five points are fetched.
    #[test]
    fn missing_points_follow_the_user_guide() {
        const TABLES: [(u32, [(&str, &str); 5]); 2] = [
            (
                3,
                [
                    ("0-X-X", "OOOO"),
                    ("0----", "OOOO"),
                    ("-----", "IRAO"),
                    ("0XX-X", "AAAA"),
                    ("--X--", "ARAO"),
                ],
            ),
            (
                2,
                [
                    ("0-X-X", "AAAA"),
                    ("00X0X", "AAAA"),
                    ("0-X--", "OOAO"),
                    ("----0", "OOAO"),
                    ("---X-", "ARAO"),
                ],
            ),
        ];
        const COLUMNS: [Missing; 4] = [
            Missing::Missing,
            Missing::Ignore,
            Missing::Breaching,
            Missing::NotBreaching,
        ];
        for (m, rows) in TABLES {
            for (points, cells) in rows {
                for (missing, cell) in COLUMNS.into_iter().zip(cells.chars()) {
                    let fires = |insufficient_fires, before| {
                        let mut tracker = Tracker::new(Persistence::MOfN {
                            m,
                            n: 3,
                            missing,
                            range: 5,
                            stride: 1,
                            insufficient_fires,
                        });
                        let (earlier, last) = points.split_at(4);
                        tracker.recent = earlier.chars().map(truth).collect();
                        tracker.state = before;
                        tracker.step(0, truth(last.chars().next().unwrap())) == State::Firing
                    };
                    let found = [
                        fires(false, State::Inactive),
                        fires(false, State::Firing),
                        fires(true, State::Inactive),
                    ];
                    let expected = match cell {
                        'A' => [true, true, true],
                        'I' => [false, false, true],
                        'R' => [false, true, false],
                        _ => [false, false, false],
                    };
                    assert_eq!(found, expected, "{m} of 3, {points}, {missing:?}");
                }
            }
        }
    }

    fn truth(point: char) -> Truth {
        match point {
            'X' => Truth::True,
            '0' => Truth::False,
            _ => Truth::Unknown,
        }
    }
}
