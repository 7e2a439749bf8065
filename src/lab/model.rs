//! What a lab found: plain values for the screen, the report and JSON. Shares are 0 to 1; times
//! count in microseconds from time zero; requests are those of the canary.

use serde::Serialize;

use super::settings::{Injection, LabSettings};
use crate::rules::Rulebook;
use crate::units::Clock;

/// Version of the JSON form.
pub const SCHEMA: u32 = 1;

/// How good the rules of a rulebook are: what they do in rollouts without a difference and in
/// rollouts with a regression.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RuleLab {
    /// [`SCHEMA`].
    pub schema: u32,
    /// What was asked for.
    pub settings: LabSettings,
    /// What the rollouts were made of.
    pub ground: GroundSummary,
    /// One per rule, in the order of the rulebook.
    pub rules: Vec<RuleTrial>,
    /// False rollbacks against harm, for every rule and what was calibrated from it.
    pub frontier: Vec<FrontierPoint>,
    /// What holds of every figure, one sentence each.
    pub assumptions: Vec<String>,
    /// Whether more rollouts are to come.
    pub is_partial: bool,
}

/// What the rollouts were made of.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct GroundSummary {
    /// Requests that could be in either arm.
    pub requests: u64,
    /// Users among them, or requests where the log names no users.
    pub units: u64,
    /// Whether users, not single requests, were assigned.
    pub by_user: bool,
    /// Requests of the canary in a rollout, on average.
    pub canary_requests: f64,
    /// What the same plan would give the canary on all of the log's traffic; `None` without a log.
    pub planned_canary_requests: Option<f64>,
    /// How long a rollout lasts.
    pub span_us: i64,
    /// What times mean: of a log without any they count rows.
    pub clock: Clock,
    /// Share of failed requests, where the log has outcomes.
    pub error_share: Option<f64>,
}

/// What one rule did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RuleTrial {
    /// The rule's id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Why it could not be tried; everything else is empty then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skipped: Option<String>,
    /// How often it fires in a rollout without a difference.
    pub false_rollback: Chance,
    /// The same in rollouts of other logs; `None` where none can be drawn.
    pub other_logs: Option<OtherLogs>,
    /// The same within the first so many requests of the canary.
    pub within: Vec<Within>,
    /// Per stage of the plan: how often the first firing is there.
    pub stages: Vec<StageChance>,
    /// Per condition, in the rule's order.
    pub conditions: Vec<ConditionTrial>,
    /// Until the first false alarm, or the end of the rollout.
    pub mean_time: MeanTime,
    /// What the log's own rollout looks like among rollouts without a difference.
    pub own: Option<OwnFiring>,
    /// What it does in rollouts with a regression.
    pub detection: Vec<Detection>,
    /// Versions with thresholds for a chosen false-rollback probability.
    pub calibrated: Vec<Calibrated>,
    /// Evaluations in a rollout, on average.
    pub looks: f64,
    /// What to keep in mind with this rule, one sentence each.
    pub guards: Vec<String>,
}

/// A probability estimated from rollouts, with Wilson's interval.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Chance {
    /// Rollouts in which it happened.
    pub events: u64,
    /// All rollouts.
    pub n: u64,
    /// `events / n`.
    pub share: f64,
    /// Lower end of the interval.
    pub lower: f64,
    /// Upper end; above 0 even where it never happened.
    pub upper: f64,
}

/// How often something happens in rollouts of other logs of the same traffic.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct OtherLogs {
    /// Logs that were drawn.
    pub n_logs: u64,
    /// Rollouts of all of them.
    pub n_rollouts: u64,
    /// Share of these rollouts.
    pub share: f64,
    /// Lower end of the interval, which allows for the difference between logs.
    pub lower: f64,
    /// Upper end.
    pub upper: f64,
}

/// How often a rule fires early.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Within {
    /// Within so many requests of the canary.
    pub requests: u32,
    /// How often.
    pub chance: Chance,
}

/// How often the first firing is in a stage.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StageChance {
    /// Its number from 1, or its name.
    pub name: String,
    /// The canary's share.
    pub weight: f64,
    /// How often.
    pub chance: Chance,
}

/// What one condition does.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ConditionTrial {
    /// Its name.
    pub name: String,
    /// What it says.
    pub text: String,
    /// Its threshold as written.
    pub threshold: f64,
    /// The same with its unit.
    pub threshold_text: String,
    /// How often it is among the causes of the first firing.
    pub causes: Chance,
    /// How often the rule would fire if this were its only alternative.
    pub alone: Chance,
    /// The rule with this threshold moved, the others as written; ascending thresholds.
    pub profile: Vec<ProfilePoint>,
}

/// A rule at one threshold.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ProfilePoint {
    /// The threshold.
    pub threshold: f64,
    /// How often it fires in a rollout without a difference.
    pub false_rollback: f64,
    /// How often this condition alone would.
    pub alone: f64,
    /// Per regression of the settings.
    pub detection: Vec<ProfileDetection>,
}

/// A regression seen at one threshold.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ProfileDetection {
    /// How often it fires once the regression is there.
    pub detected: f64,
    /// Worsened requests before it acts, on average; all of them where it never does.
    pub harmed: f64,
}

/// A restricted mean: until the first false alarm or the end of the rollout, whichever comes first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct MeanTime {
    /// Requests of the canary.
    pub requests: f64,
    /// Requests of the canary in a whole rollout.
    pub of_requests: f64,
    /// Microseconds.
    pub us: f64,
    /// Microseconds of a whole rollout.
    pub of_us: f64,
}

/// The log's own rollout among rollouts without a difference.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct OwnFiring {
    /// Requests of the canary until it fires; `None` if it never does.
    pub requests: Option<u32>,
    /// When.
    pub time_us: Option<i64>,
    /// Share of rollouts without a difference that fire as early, the log's own counted with them:
    /// the p-value of the firing as a permutation test.
    pub p: Option<f64>,
    /// The first and the last firing when the rule's ticks are shifted; `None` for a rule that
    /// follows requests.
    pub phase_us: Option<(i64, i64)>,
    /// When the log itself ends the comparison: the canary was stopped, or promoted.
    pub ended_us: Option<i64>,
    /// What the log's stamps mean.
    pub clock: Clock,
}

/// What a rule does in rollouts with a regression.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Detection {
    /// The regression.
    pub injection: Injection,
    /// The regression in words.
    pub text: String,
    /// Whether the rule measures anything that the regression changes.
    pub sees: bool,
    /// The share of rollouts in which the regression harms any request at all. In the others nothing can be
    /// found: a rule fires more often only by firing without cause.
    pub findable: f64,
    /// How often it fires once the regression is there.
    pub detected: Chance,
    /// How often it has fired before.
    pub before: Chance,
    /// Share of rollouts in which it fires in each stage once the regression is there.
    pub by_stage: Vec<f64>,
    /// Requests from the onset to the firing, where it fires: the median.
    pub median_delay_requests: Option<f64>,
    /// The mean of the same.
    pub mean_delay_requests: Option<f64>,
    /// Microseconds from the onset to the firing, where it fires: the mean.
    pub mean_delay_us: Option<f64>,
    /// Requests of the canary before it acts, on average, to the end where it never does.
    pub exposed: f64,
    /// Worsened requests among them.
    pub harmed: f64,
    /// Worsened requests of a whole rollout, on average.
    pub harmed_without_rule: f64,
}

/// A version of a rule whose thresholds keep a false-rollback probability.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Calibrated {
    /// How it differs from the rule, but for the thresholds.
    pub name: String,
    /// The rule, as a rulebook of its own.
    pub rulebook: Rulebook,
    /// Per condition.
    pub thresholds: Vec<CalibratedThreshold>,
    /// The probability that was asked for.
    pub alpha: f64,
    /// Rollouts that the thresholds were chosen from.
    pub chosen_from: u64,
    /// How often it fires in other rollouts without a difference.
    pub false_rollback: Chance,
    /// The same in rollouts of other logs; `None` where none can be drawn.
    pub other_logs: Option<OtherLogs>,
    /// What it does in rollouts with a regression.
    pub detection: Vec<Detection>,
    /// The result as a sentence.
    pub text: String,
}

/// A threshold before and after.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CalibratedThreshold {
    /// The condition.
    pub condition: String,
    /// As written.
    pub was: f64,
    /// As calibrated.
    pub is: f64,
    /// As written, with its unit.
    pub was_text: String,
    /// As calibrated, with its unit.
    pub is_text: String,
    /// Why it was left as written, where it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept: Option<String>,
}

/// A rule as a point: how often it is wrong, and what it costs when it should be right.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FrontierPoint {
    /// Index of the rule in [`RuleLab::rules`].
    pub rule: usize,
    /// Index into [`RuleTrial::calibrated`]; `None` for the rule as written.
    pub calibrated: Option<usize>,
    /// Its name.
    pub name: String,
    /// How often it fires in a rollout without a difference.
    pub false_rollback: Chance,
    /// Worsened requests before it acts, on average, in rollouts with the first regression of the
    /// settings.
    pub harmed: f64,
    /// How often it finds that regression.
    pub detected: Chance,
}

impl Chance {
    /// `events` of `n` rollouts.
    pub fn of(events: usize, n: usize, level: f64) -> Self {
        let share = crate::stats::Share {
            events: events as u64,
            n: n as u64,
        };
        let interval = share.wilson(level).map(|estimate| estimate.interval);
        Self {
            events: share.events,
            n: share.n,
            share: share.value().unwrap_or(0.0),
            lower: interval.map_or(0.0, |i| i.lower),
            upper: interval.map_or(1.0, |i| i.upper),
        }
    }
}
