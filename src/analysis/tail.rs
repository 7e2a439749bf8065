//! A harm that few requests carry: a quantile beside it moves by as much as the tail is long, or not at all,
//! and says neither how many requests are hit nor that the others are not.

use super::decision::lower_first;
use super::model::{
    ArmSummary, Decision, LatencyArm, LatencyPanel, Reason, ReasonWeight, ScorecardRow, Verdict,
};
use crate::units;

/// At most this share of the control's requests takes as long.
const RARE: f64 = 0.001;
/// At least this share of the treatment's does.
const NOTABLE: f64 = 0.01;
/// And this many times the control's share.
const TIMES: f64 = 20.0;
/// Fewer requests are no tail.
const LEAST: u64 = 30;

/// Says beside a quantile that is worse how many of the treatment's requests take so long as hardly any of
/// the control's.
pub(super) fn add_tails(
    decision: &mut Decision,
    latency: &[LatencyPanel],
    scorecard: &[ScorecardRow],
    arms: &[ArmSummary],
    (control, treatment): (usize, Option<usize>),
) {
    let Some(treatment) = treatment.filter(|_| !decision.is_log_unsound) else {
        return;
    };
    for panel in latency {
        let about = lower_first(&panel.label);
        let is_worse = |row: &&ScorecardRow| {
            let effect = row.effect_of(treatment);
            row.quantile.is_some()
                && row.label.ends_with(&about)
                && effect.is_some_and(|effect| effect.verdict == Verdict::Worse)
        };
        let worse: Vec<&str> = (scorecard.iter().filter(is_worse))
            .map(|row| row.label.as_str())
            .collect();
        let Some([from_ms, of_control, of_treatment]) = tail(panel, control, treatment) else {
            continue;
        };
        let tells = |reason: &Reason| worse.iter().any(|label| reason.text.starts_with(label));
        let Some(place) = decision.reasons.iter().position(tells) else {
            continue;
        };
        let text = format!(
            "{} of {} or more: {} of {}'s requests, {} of {}'s",
            panel.label,
            units::latency(from_ms),
            units::share(of_treatment),
            arms[treatment].name,
            units::share(of_control),
            arms[control].name
        );
        let weight = ReasonWeight::Against;
        decision.reasons.insert(place + 1, Reason { weight, text });
    }
}

/// The lowest edge beyond which hardly any of the control's requests lie and a notable share of the
/// treatment's, with both shares.
fn tail(panel: &LatencyPanel, control: usize, treatment: usize) -> Option<[f64; 3]> {
    let of = |arm: usize| panel.arms.iter().find(|of_arm| of_arm.arm == arm);
    let (a, b) = (of(control)?, of(treatment)?);
    let beyond = |of_arm: &LatencyArm, edge: usize| of_arm.counts.iter().skip(edge).sum::<u64>();
    let edges = panel.edges_ms.iter().enumerate();
    let shares = edges.map(|(edge, ms)| {
        let n = beyond(b, edge);
        let share = |n: u64, of_arm: &LatencyArm| n as f64 / of_arm.n.max(1) as f64;
        (n, [*ms, share(beyond(a, edge), a), share(n, b)])
    });
    let mut tails = shares.filter(|(n, [_, of_control, of_treatment])| {
        *n >= LEAST && *of_control <= RARE && *of_treatment >= NOTABLE.max(TIMES * of_control)
    });
    tails.next().map(|(_, found)| found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Quantity;

    fn panel(control: &[u64], treatment: &[u64]) -> LatencyPanel {
        let of = |arm: usize, counts: &[u64]| LatencyArm {
            arm,
            n: counts.iter().sum(),
            n_not_positive: 0,
            mean_ms: 0.0,
            sd_ms: 0.0,
            counts: counts.to_vec(),
            quantiles: Vec::new(),
            ecdf: Vec::new(),
        };
        LatencyPanel {
            quantity: Quantity::TtftMs,
            label: "Time to first token".to_owned(),
            edges_ms: vec![1.0, 10.0, 100.0, 1_000.0, 10_000.0],
            arms: vec![of(0, control), of(1, treatment)],
            differences: Vec::new(),
        }
    }

    #[test]
    fn a_tail_that_the_control_lacks_is_found_by_its_beginning() {
        let stalled = panel(&[0, 5_000, 4_999, 1], &[0, 4_700, 4_760, 540]);
        assert_eq!(tail(&stalled, 0, 1), Some([1_000.0, 0.0001, 0.054]));
        // The whole distribution has moved, and the control has such requests too.
        let slower = panel(&[0, 5_000, 4_900, 100], &[0, 2_000, 7_000, 1_000]);
        assert_eq!(tail(&slower, 0, 1), None);
        let few = panel(&[0, 500, 500, 0], &[0, 500, 480, 20]);
        assert_eq!(tail(&few, 0, 1), None);
    }
}
