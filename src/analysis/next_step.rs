//! What to do next, in words that can be followed: whoever decides asks for that first.

use super::headline::carries;
use super::model::{ArmSummary, DecisionKind, SegmentEffect, Stage, Strategy, StrategyFinding};
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
) -> Option<String> {
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
            let again = format!(
                "Run {} and {} again side by side, or by turns several times each, with no fewer requests than here ({} and {})",
                a.name,
                b.name,
                units::count(a.n_requests),
                units::count(b.n_requests)
            );
            let mut columns: Vec<&str> = Vec::new();
            for segment in segments {
                if !columns.contains(&segment.segment.as_str()) && columns.len() < MOST_COLUMNS {
                    columns.push(&segment.segment);
                }
            }
            Some(if columns.is_empty() {
                again
            } else {
                format!("{again}, and compare within {}", columns.join(", "))
            })
        }
        _ => None,
    }
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
