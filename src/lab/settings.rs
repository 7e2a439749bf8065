//! What a lab is asked for.

use serde::{Deserialize, Serialize};

use crate::data::{Outcome, Quantity, RequestLog};
use crate::rules::ReplaySettings;

/// The choices behind a [`super::RuleLab`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LabSettings {
    /// How rollouts without a difference are made.
    pub engine: Engine,
    /// How the canary's share grows.
    pub plan: LabPlan,
    /// Rollouts without a difference; 20 to 100,000.
    pub replicates: u32,
    /// The false-rollback probability that thresholds are calibrated to.
    pub alpha: f64,
    /// The same seed gives the same result, on any number of threads.
    pub seed: u64,
    /// A rollout ends after so many requests of the canary, or with the plan.
    pub max_canary_requests: Option<u32>,
    /// Regressions whose detection is tried.
    pub injections: Vec<Injection>,
    /// Whether thresholds are calibrated.
    pub calibrate: bool,
    /// Windows and minimums to calibrate with; `None` for the usual ones.
    pub grid: Option<Grid>,
    /// The rule that is tried in full and first; the others get the first answer alone, to stand
    /// beside it. Without one all are tried in full.
    pub focus: Option<String>,
    /// Confidence level of the intervals.
    pub level: f64,
}

/// Versions of a rule to calibrate: every window with every minimum that fits into it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Grid {
    /// The last so many requests of each arm; as written if empty.
    pub windows: Vec<u32>,
    /// Requests of the canary before the first look; as written if empty.
    pub minimums: Vec<u32>,
}

/// How rollouts without a difference are made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Engine {
    /// The baseline's requests alone; a part of its users is called canary.
    Relabel,
    /// The requests of both arms; users change arms at random inside every stage.
    Permute,
    /// Days of the baseline, drawn with replacement in blocks of so many days, then relabelled.
    Blocks {
        /// Days that stay together.
        days: u32,
    },
    /// Requests drawn one by one, arriving at random.
    Parametric(Traffic),
}

/// What requests are drawn from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Traffic {
    /// The baseline's requests, each on its own and with all its values, at the log's mean rate. The
    /// share of failed ones can be set.
    Log {
        /// Share of requests that fail instead of the log's own.
        error_share: Option<f64>,
    },
    /// A model, for rollouts that have no log yet.
    Model(TrafficModel),
}

/// Requests that are alike and independent.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrafficModel {
    /// Requests a second of both arms.
    pub per_second: f64,
    /// How many requests a rollout has, of both arms.
    pub requests: u32,
    /// Share that fails.
    pub error_share: f64,
    /// Median latency; latencies are log-normal.
    pub latency_ms: f64,
    /// Standard deviation of the logarithm of latency.
    pub latency_sd_log: f64,
    /// Share of requests that are rated, each of 1 to 5 alike.
    pub rated_share: f64,
}

impl Default for TrafficModel {
    fn default() -> Self {
        Self {
            per_second: 10.0,
            requests: 200_000,
            error_share: 0.02,
            latency_ms: 1000.0,
            latency_sd_log: 0.5,
            rated_share: 0.1,
        }
    }
}

/// How the canary's share grows.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LabPlan {
    /// Where it comes from, in words.
    pub source: String,
    /// Whether these are the log's own stages.
    pub is_of_log: bool,
    /// In order, without gaps.
    pub stages: Vec<LabStage>,
}

/// A stretch of constant share.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LabStage {
    /// Shown to people; may be empty.
    pub name: String,
    /// The canary's share of users, 0 to 1.
    pub weight: f64,
    /// When it begins, since time zero.
    pub from_us: i64,
    /// When it ends, exclusive; `None` for the end of the log.
    pub to_us: Option<i64>,
}

/// A regression that is put into the canary's requests.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Injection {
    /// What gets worse.
    pub harm: Harm,
    /// From when on.
    pub onset: Onset,
}

/// What gets worse in a canary request.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Harm {
    /// Requests that would have succeeded fail with this probability.
    Errors {
        /// 0 to 1.
        share: f64,
    },
    /// Latency is multiplied.
    LatencyTimes {
        /// Above 0.
        factor: f64,
    },
    /// Latency is longer.
    LatencyPlus {
        /// Milliseconds.
        ms: f64,
    },
    /// A twentieth of the requests takes so many times as long.
    LatencyTail {
        /// Above 0.
        factor: f64,
    },
    /// Ratings are lower, but not below the least of the log.
    Rating {
        /// Points on the log's scale, above 0.
        drop: f64,
    },
    /// More prompt and completion tokens, and as much more cost.
    Tokens {
        /// Above 0.
        factor: f64,
    },
}

/// From when on a regression is there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Onset {
    /// From time zero.
    #[default]
    Start,
    /// From the start of a stage, counted from 0.
    Stage(usize),
    /// From the middle of a stage, counted from 0.
    MidStage(usize),
    /// In more and more requests, from none at time zero to all at the end.
    Ramp,
}

impl LabSettings {
    /// Rollouts with each regression: a fifth of those without, at least 100.
    pub fn injected_replicates(&self) -> u32 {
        (self.replicates / 5).max(self.replicates.min(100))
    }
}

impl LabPlan {
    /// Requests of the canary in a rollout made of the rows of one arm, on average.
    fn canary_requests(&self, log: &RequestLog, arm: usize) -> f64 {
        let zero_us = log.time_zero_us();
        let share_at = |row: usize| {
            let us = log.event_us[row] - zero_us;
            let stage = self.stages.iter().rfind(|stage| stage.from_us <= us);
            stage
                .filter(|stage| stage.to_us.is_none_or(|to| us < to))
                .map_or(0.0, |stage| stage.weight)
        };
        log.rows_of_arm(arm).map(share_at).sum()
    }

    /// One share from time zero to the end.
    pub fn fixed(weight: f64) -> Self {
        Self {
            source: format!("a fixed share of {}", crate::units::share(weight)),
            is_of_log: false,
            stages: vec![LabStage {
                name: String::new(),
                weight,
                from_us: 0,
                to_us: None,
            }],
        }
    }

    /// The stages of a log's own rollout, each with its first instant in the log's microseconds and
    /// the canary's share; without any, the canary's share of all requests.
    pub fn of_log(
        log: &RequestLog,
        stages: impl Iterator<Item = (i64, f64)>,
        arms: &ReplaySettings,
    ) -> Self {
        let zero_us = log.time_zero_us();
        let mut found: Vec<LabStage> = Vec::new();
        for (from_us, weight) in stages {
            let from_us = (from_us - zero_us).max(0);
            if let Some(before) = found.last_mut() {
                before.to_us = Some(from_us);
            }
            found.push(LabStage {
                name: String::new(),
                weight,
                from_us: if found.is_empty() { 0 } else { from_us },
                to_us: None,
            });
        }
        if found.is_empty() {
            let n = |arm: usize| log.rows_of_arm(arm).count() as f64;
            let (control, treatment) = (n(arms.control), n(arms.treatment));
            let share = treatment / (control + treatment).max(1.0);
            return Self {
                source: format!("the log's mean share of {}", crate::units::share(share)),
                is_of_log: true,
                ..Self::fixed(share)
            };
        }
        Self {
            source: "the stages of the log".to_owned(),
            is_of_log: true,
            stages: found,
        }
    }

    /// The stages of a plan. The last one has no end, unless it has a hold or the plan a
    /// time to bake.
    pub fn of_rulebook(name: &str, plan: &crate::rules::Plan) -> Self {
        let mut from_us = 0;
        let schedule = plan.schedule();
        let n = schedule.len();
        let mut stages = Vec::with_capacity(n);
        for (i, stage) in schedule.into_iter().enumerate() {
            let is_last = i + 1 == n;
            let bake_us = plan.bake.filter(|_| is_last).map(|bake| bake.us);
            let hold_us = match (stage.hold.map(|hold| hold.us), bake_us) {
                (None, None) => None,
                (hold, bake) => Some(hold.unwrap_or(0) + bake.unwrap_or(0)),
            };
            let to_us = hold_us.map(|hold| from_us + hold);
            stages.push(LabStage {
                name: stage.name,
                weight: stage.weight,
                from_us,
                to_us,
            });
            match to_us {
                Some(to_us) => from_us = to_us,
                None => break,
            }
        }
        Self {
            source: format!("the plan \"{name}\""),
            is_of_log: false,
            stages,
        }
    }
}

/// With fewer harmed requests than this in a rollout a regression may pass without a trace.
const LEAST_HARMED: f64 = 5.0;

/// Regressions worth trying on a log whose rollouts go by `plan`: errors that double, triple and grow
/// fivefold, slower answers, a slow tail, lower ratings; as far as the log can show them.
pub fn usual_injections(
    log: &RequestLog,
    control: usize,
    plan: &LabPlan,
    max_canary_requests: Option<u32>,
) -> Vec<Injection> {
    let from_start = |harm| Injection {
        harm,
        onset: Onset::Start,
    };
    let mut found = Vec::new();
    if log.has_outcome {
        let outcomes = log.rows_of_arm(control).map(|row| log.outcome[row]);
        let counted: Vec<bool> = outcomes
            .filter(|outcome| outcome.is_counted())
            .map(Outcome::is_error)
            .collect();
        let errors = counted.iter().filter(|is_error| **is_error).count();
        let error_share = errors as f64 / counted.len().max(1) as f64;
        let most = max_canary_requests.map_or(f64::INFINITY, f64::from);
        let canary_requests = plan.canary_requests(log, control).min(most);
        found.extend(usual_errors(error_share, canary_requests));
    }
    if log.quantity(Quantity::LatencyMs).is_some() {
        found.push(from_start(Harm::LatencyTimes { factor: 1.5 }));
        found.push(from_start(Harm::LatencyTail { factor: 10.0 }));
    }
    if log.quantity(Quantity::Rating).is_some() {
        found.push(from_start(Harm::Rating { drop: 0.5 }));
    }
    found
}

/// Error shares that double, triple and grow fivefold, from at least half a per cent, and from as many
/// errors in a rollout of so many canary requests as no rule can fail to meet.
pub fn usual_errors(error_share: f64, canary_requests: f64) -> Vec<Injection> {
    let least = LEAST_HARMED / canary_requests.max(1.0);
    // Up to a tenth of a per cent, as a person would choose it.
    let base = error_share.max(0.005).max((least * 1000.0).ceil() / 1000.0);
    [1.0, 2.0, 4.0]
        .into_iter()
        .map(|more| Injection {
            harm: Harm::Errors {
                share: (base * more / (1.0 - error_share).max(0.01)).min(1.0),
            },
            onset: Onset::Start,
        })
        .collect()
}
