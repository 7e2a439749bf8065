//! Rollout plans: how the canary's share is meant to grow.

use serde::{Deserialize, Serialize};

use super::TimeSpan;

/// A rollout in stages.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Plan {
    /// What it is and where it comes from; may be empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The stages, in order; empty where `growth` gives them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<Stage>,
    /// How the share grows, instead of stages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub growth: Option<Growth>,
    /// How long it is watched after the last stage.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bake: Option<TimeSpan>,
    /// What a tick at the end of a stage does first.
    #[serde(skip_serializing_if = "is_default")]
    pub order: Order,
    /// Whether a stage is over at exactly its hold time (`>=`) or only after it (`>`).
    #[serde(skip_serializing_if = "is_default")]
    pub hold_cmp: HoldCmp,
    /// When the rollout notices a rollback.
    #[serde(skip_serializing_if = "is_default")]
    pub rollback_seen: RollbackSeen,
    /// Whether the next stage forgets a decision to roll back.
    #[serde(skip_serializing_if = "is_default")]
    pub resume_clears_latch: bool,
    /// Which condition an advance needs.
    #[serde(skip_serializing_if = "is_default")]
    pub advance_only_when: AdvanceWhen,
}

/// One stage of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// Its name; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The canary's share of the traffic, 0 to 1.
    pub weight: f64,
    /// How long it lasts; the last stage has no end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<TimeSpan>,
}

/// How the share grows in AWS `AppConfig`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Growth {
    /// By adding or by doubling.
    #[serde(rename = "type")]
    pub kind: GrowthKind,
    /// The growth factor G in per cent.
    pub factor: f64,
    /// From the start to 100 %.
    pub duration: TimeSpan,
}

/// By adding or by doubling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GrowthKind {
    /// G per cent more at the end of every step; 0 % during the first.
    Linear,
    /// G·2ᴺ per cent, N = 0, 1, …
    Exponential,
}

/// What a tick at the end of a stage does first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// It checks the rules, and advances if they are quiet.
    #[default]
    CheckThenAdvance,
    /// It advances, and checks afterwards.
    AdvanceThenCheck,
}

/// When a stage is over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum HoldCmp {
    /// At its hold time.
    #[default]
    #[serde(rename = ">=")]
    Ge,
    /// After its hold time.
    #[serde(rename = ">")]
    Gt,
}

/// When a rollout notices a rollback.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RollbackSeen {
    /// At once.
    #[default]
    AtOnce,
    /// At the end of the stage.
    StageEnd,
}

/// Which condition an advance needs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AdvanceWhen {
    /// None but the end of the stage.
    #[default]
    HoldIsOver,
    /// That no rule breaches at that tick: a breach holds the share where it is.
    AllRulesOk,
}

impl Plan {
    /// The stages, with those that the growth gives.
    ///
    /// The instants of exponential steps are documented nowhere: they are taken to be equally
    /// spaced.
    pub fn schedule(&self) -> Vec<Stage> {
        let Some(growth) = self.growth else {
            return self.stages.clone();
        };
        let weights = growth.weights();
        let last = weights.len() - 1;
        let step = TimeSpan {
            us: growth.duration.us / last.max(1) as i64,
        };
        weights
            .into_iter()
            .enumerate()
            .map(|(i, weight)| Stage {
                name: String::new(),
                weight,
                hold: (i < last).then_some(step),
            })
            .collect()
    }

    /// From the start to the end of the last stage that has one; without the bake time.
    pub fn duration(&self) -> TimeSpan {
        let us = self
            .schedule()
            .iter()
            .filter_map(|stage| stage.hold)
            .map(|hold| hold.us)
            .sum();
        TimeSpan { us }
    }

    /// The stage at a time since the start, with the time since its own beginning; `None` for a plan
    /// without stages.
    pub fn stage_at(&self, time_us: i64) -> Option<(usize, Stage, i64)> {
        let mut start = 0;
        let schedule = self.schedule();
        let last = schedule.len().checked_sub(1)?;
        for (i, stage) in schedule.into_iter().enumerate() {
            let is_over = stage.hold.is_some_and(|hold| match self.hold_cmp {
                HoldCmp::Ge => time_us - start >= hold.us,
                HoldCmp::Gt => time_us - start > hold.us,
            });
            if i == last || !is_over {
                return Some((i, stage, time_us - start));
            }
            start += stage.hold.unwrap_or_default().us;
        }
        None
    }
}

impl Growth {
    /// The shares in order; the last is 1.
    fn weights(self) -> Vec<f64> {
        const MAX_STEPS: usize = 1000;
        let step = self.factor / 100.0;
        let mut weights = Vec::new();
        for n in 0..MAX_STEPS {
            let weight = match self.kind {
                GrowthKind::Linear => step * n as f64,
                GrowthKind::Exponential => step * (n.min(60) as f64).exp2(),
            };
            // Sums of a factor such as 20 % must end at 1, not at 1 plus a rounding error.
            if weight >= 1.0 - 1e-9 {
                break;
            }
            weights.push(weight);
        }
        weights.push(1.0);
        weights
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grown(kind: GrowthKind, factor: f64, duration: &str) -> Plan {
        Plan {
            growth: Some(Growth {
                kind,
                factor,
                duration: duration.parse().unwrap(),
            }),
            ..Plan::default()
        }
    }

    fn check(plan: &Plan, expected: &[(f64, &str)]) {
        let schedule = plan.schedule();
        let found: Vec<(f64, String)> = schedule
            .iter()
            .map(|stage| {
                let hold = stage.hold.map(|hold| hold.to_string()).unwrap_or_default();
                ((stage.weight * 1e9).round() / 1e9, hold)
            })
            .collect();
        let expected: Vec<(f64, String)> = expected
            .iter()
            .map(|(w, h)| (*w, (*h).to_owned()))
            .collect();
        assert_eq!(found, expected);
    }

    /// The predefined strategies of `AppConfig`.
    #[test]
    fn appconfig_strategies_are_laid_out() {
        check(
            &grown(GrowthKind::Exponential, 10.0, "20m"),
            &[
                (0.1, "5m"),
                (0.2, "5m"),
                (0.4, "5m"),
                (0.8, "5m"),
                (1.0, ""),
            ],
        );
        check(
            &grown(GrowthKind::Linear, 20.0, "30m"),
            &[
                (0.0, "6m"),
                (0.2, "6m"),
                (0.4, "6m"),
                (0.6, "6m"),
                (0.8, "6m"),
                (1.0, ""),
            ],
        );
        check(
            &grown(GrowthKind::Linear, 50.0, "1m"),
            &[(0.0, "30s"), (0.5, "30s"), (1.0, "")],
        );
        check(
            &grown(GrowthKind::Linear, 100.0, "0s"),
            &[(0.0, "0s"), (1.0, "")],
        );
    }

    #[test]
    fn stages_are_found_by_time() {
        let plan = grown(GrowthKind::Exponential, 10.0, "20m");
        let minute = 60_000_000;
        let at = |minutes: i64| {
            plan.stage_at(minutes * minute)
                .map(|(i, _, into)| (i, into / minute))
        };
        assert_eq!(at(0), Some((0, 0)));
        assert_eq!(at(5), Some((1, 0)));
        assert_eq!(at(19), Some((3, 4)));
        assert_eq!(at(500), Some((4, 480)));
        assert_eq!(plan.duration().us, 20 * minute);
        assert_eq!(Plan::default().stage_at(0), None);
    }
}
