//! How a log follows the plan that a rule belongs to: planned shares beside those that were seen.

use serde::Serialize;

use super::prepare::{Assignment, Prepared};
use super::{Plan, PlannedAt};
use crate::data::Units;

/// A plan beside the log.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlanFit {
    /// The plan's name.
    pub plan: String,
    /// Its stages, as far as the log reaches.
    pub stages: Vec<StageFit>,
}

/// A planned stage beside the requests of its time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StageFit {
    /// Its name; may be empty.
    pub name: String,
    /// When it begins, since time zero.
    pub from_us: i64,
    /// When it ends, since time zero; at the last with the log.
    pub to_us: i64,
    /// The canary's planned share, 0 to 1.
    pub weight: f64,
    /// Requests of both arms in that time.
    pub requests: u64,
    /// Those of the canary.
    pub canary_requests: u64,
    /// The canary's share of them; `None` without any.
    pub share: Option<f64>,
    /// Whether that share is another than the planned one: by more than a fifth of it, or of what it
    /// leaves, and by more than three standard errors over so many users.
    pub differs: bool,
}

/// Fewer users than this tell nothing of a share.
const MIN_UNITS: u64 = 20;
/// Requests of a neighbouring stage end within this one: that much is never a difference.
const SPILL: f64 = 0.005;

impl PlanFit {
    /// Lays a plan, which begins at time zero, over the requests of a log; `None` where the log has no
    /// times.
    pub(super) fn of(
        prepared: &Prepared<'_>,
        arms: &Assignment,
        (name, plan): (&str, &Plan),
    ) -> Option<Self> {
        if prepared.is_timeless() {
            return None;
        }
        let mut counted = Counted::new(prepared);
        let end_us = arms.span_us.1 - arms.span_us.0 + 1;
        let mut stages = Vec::new();
        let mut from_us = 0;
        for stage in plan.schedule() {
            let to_us = stage
                .hold
                .map_or(end_us, |hold| end_us.min(from_us + hold.us));
            if from_us < to_us {
                let within = (arms.span_us.0 + from_us, arms.span_us.0 + to_us);
                let (n, k, n_units) = counted.within(arms, within);
                let share = (n > 0).then(|| k as f64 / n as f64);
                stages.push(StageFit {
                    name: stage.name,
                    from_us,
                    to_us,
                    weight: stage.weight,
                    requests: n,
                    canary_requests: k,
                    share,
                    differs: share.is_some_and(|share| differs(stage.weight, share, n_units)),
                });
            }
            from_us = to_us;
        }
        Some(Self {
            plan: name.to_owned(),
            stages,
        })
    }

    /// Whether the log shows the planned share in every stage that it reaches.
    pub fn is_followed(&self) -> bool {
        self.stages.iter().all(|stage| !stage.differs)
    }

    /// The planned stage at a time since time zero.
    pub(super) fn at(&self, time_us: i64) -> Option<PlannedAt> {
        let (index, stage) = self
            .stages
            .iter()
            .enumerate()
            .rfind(|(_, stage)| stage.from_us <= time_us)?;
        Some(PlannedAt {
            index,
            weight: stage.weight,
            into_us: time_us - stage.from_us,
        })
    }
}

fn differs(weight: f64, share: f64, n_units: u64) -> bool {
    let error = (weight * (1.0 - weight) / n_units.max(1) as f64).sqrt();
    let least = (0.2 * weight.min(1.0 - weight)).max(3.0 * error).max(SPILL);
    n_units >= MIN_UNITS && (share - weight).abs() > least
}

/// Counts requests and users; a user counts once per stretch.
struct Counted<'a> {
    event_us: &'a [i64],
    units: Option<&'a Units>,
    /// In which stretch a user was seen last.
    seen: Vec<u32>,
    stretch: u32,
}

impl<'a> Counted<'a> {
    fn new(prepared: &'a Prepared<'_>) -> Self {
        let log = prepared.log();
        let units = log.units.as_ref();
        Self {
            event_us: &log.event_us,
            units,
            seen: vec![0; units.map_or(0, |units| units.n_units as usize)],
            stretch: 0,
        }
    }

    /// Requests of both arms, of the canary, and users.
    fn within(&mut self, arms: &Assignment, (from_us, to_us): (i64, i64)) -> (u64, u64, u64) {
        self.stretch += 1;
        let event_us = self.event_us;
        let cut = |rows: &'_ [u32], at_us: i64| {
            rows.partition_point(|row| event_us[*row as usize] < at_us)
        };
        let part = |rows: &'_ [u32]| (cut(rows, from_us), cut(rows, to_us));
        let ((c0, c1), (b0, b1)) = (part(&arms.canary), part(&arms.baseline));
        let (canary, baseline) = (&arms.canary[c0..c1], &arms.baseline[b0..b1]);
        let (n, k) = ((canary.len() + baseline.len()) as u64, canary.len() as u64);
        let Some(units) = self.units else {
            return (n, k, n);
        };
        let (seen, stretch) = (&mut self.seen, self.stretch);
        let rows = canary.iter().chain(baseline);
        let n_units = rows
            .filter(|row| match units.id[**row as usize] {
                Units::NONE => true,
                id => std::mem::replace(&mut seen[id as usize], stretch) != stretch,
            })
            .count() as u64;
        (n, k, n_units)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_differs_by_a_fifth_and_three_standard_errors() {
        for (weight, share, n_units, expected) in [
            (0.05, 0.05, 10_000, false),
            // A fifth is a hundredth here.
            (0.05, 0.059, 1_000_000, false),
            (0.05, 0.061, 1_000_000, true),
            // Of few users a tenth is no surprise.
            (0.05, 0.1, 100, false),
            (0.05, 0.9, 10, false),
            (0.0, 0.004, 1_000, false),
            (0.0, 0.01, 1_000, true),
            (1.0, 0.5, 1_000, true),
        ] {
            assert_eq!(
                differs(weight, share, n_units),
                expected,
                "{weight} {share} {n_units}"
            );
        }
    }
}
