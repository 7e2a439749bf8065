//! What to do next, in words that can be followed: whoever decides asks for that first.

use super::decision::lower_first;
use super::headline::carries;
use super::model::{
    ArmSummary, DecisionKind, InferenceUnit, Outlook, SegmentEffect, Stage, Strategy,
    StrategyFinding,
};
use super::outlook::{FAR, round_up};
use crate::units;

/// Columns to compare within that a sentence names.
const MOST_COLUMNS: usize = 3;

/// One sentence; `None` where the decision says it all, or there is nothing to compare.
pub(super) fn next_step(
    kind: DecisionKind,
    (arms, control, treatment): (&[ArmSummary], usize, usize),
    strategy: &StrategyFinding,
    (stages, segments): (&[Stage], &[SegmentEffect]),
    onset_us: Option<i64>,
    outlooks: &[Outlook],
) -> Option<String> {
    let needed = needed([&arms[control], &arms[treatment]], outlooks);
    let (a, b) = (&arms[control], &arms[treatment]);
    let is_concurrent = strategy.strategy.is_concurrent();
    // A switch has no time at which both arms could run.
    let can_rerun = !is_concurrent && strategy.strategy == Strategy::Sequential;
    match kind {
        DecisionKind::RollBack if is_concurrent => {
            let (share, when) = match stages {
                // Beside further arms, a stage's share is not one of all requests.
                [_, .., last] if arms.len() == 2 => (last.share, "at the end of the log"),
                _ => (b.share_of_requests, "over the log"),
            };
            let away = format!(
                "Take {} to 0 % of the traffic; {when} it served {} of the requests",
                b.name,
                units::share(share)
            );
            let back = onset_us.and_then(|from_us| or_back(stages, segments, from_us));
            Some(match back.filter(|_| arms.len() == 2) {
                Some(back) => format!("{away}. {back}"),
                None => away,
            })
        }
        DecisionKind::Hold | DecisionKind::Unsound | DecisionKind::KeepCollecting if can_rerun => {
            let run = format!(
                "Run {} and {} again side by side, or by turns several times each",
                a.name, b.name
            );
            let again = match &needed {
                Some(needed) => format!(
                    "{run}, with some {} {} in both arms together (here {})",
                    units::count(needed.total),
                    needed.noun,
                    units::count(needed.here),
                ),
                None => format!(
                    "{run}, with no fewer requests than here ({} and {})",
                    units::count(a.n_requests),
                    units::count(b.n_requests)
                ),
            };
            let mut columns: Vec<&str> = Vec::new();
            for segment in segments {
                if !columns.contains(&segment.segment.as_str()) && columns.len() < MOST_COLUMNS {
                    columns.push(&segment.segment);
                }
            }
            let again = if columns.is_empty() {
                again
            } else {
                format!("{again}, and compare within {}", columns.join(", "))
            };
            Some(match needed {
                Some(needed) => format!(
                    "{again}. With fewer, {} stays open, unless its margin is set wider before",
                    lower_first(&needed.label)
                ),
                None => again,
            })
        }
        DecisionKind::KeepCollecting => {
            let far = needed.filter(|needed| needed.total as f64 >= FAR * needed.here as f64)?;
            Some(format!(
                "More of the same will hardly settle {}: it would take some {} {} in both arms together (now {}). Set a wider margin for the next rollout, or decide without it",
                lower_first(&far.label),
                units::count(far.total),
                far.noun,
                units::count(far.here)
            ))
        }
        _ => None,
    }
}

/// How much it takes to settle all that is open.
struct Needed {
    /// Users or requests in both arms together.
    total: u64,
    here: u64,
    noun: &'static str,
    /// The metric that takes most.
    label: String,
}

/// What the metric that takes most takes; `None` where nothing is open, or no amount is known.
fn needed(arms: [&ArmSummary; 2], outlooks: &[Outlook]) -> Option<Needed> {
    let amounts = outlooks.iter().filter_map(|o| Some((o, o.n_more?)));
    let (most, n_more) = amounts.max_by_key(|(_, n_more)| *n_more)?;
    let sum = |n: fn(&ArmSummary) -> Option<u64>| Some(n(arms[0])? + n(arms[1])?);
    let (here, noun) = match most.unit {
        InferenceUnit::Unit => (sum(|arm| arm.n_units)?, "users"),
        InferenceUnit::Request => (sum(|arm| Some(arm.n_requests))?, "requests"),
    };
    Some(Needed {
        total: round_up((here + n_more) as f64),
        here,
        noun,
        label: most.label.clone(),
    })
}

/// The stage before the harm began, as the other choice.
fn or_back(stages: &[Stage], segments: &[SegmentEffect], from_us: i64) -> Option<String> {
    let at = stages.iter().rposition(|stage| stage.from_us <= from_us)?;
    let share = units::share(stages.get(at.checked_sub(1)?)?.share);
    let carried = segments.iter().find(|segment| carries(segment));
    Some(match carried {
        Some(segment) => format!(
            "Going back to {share}, where no such harm was shown, is the other choice, except where {} is {}",
            segment.segment,
            segment.shown_value()
        ),
        None => format!("Going back to {share}, where no such harm was shown, is the other choice"),
    })
}
