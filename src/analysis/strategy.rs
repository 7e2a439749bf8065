//! How the rollout was done, told from when the arms ran and how their shares moved.

use super::model::{Stage, Strategy, StrategyFinding};
use super::settings::AnalysisSettings;
use crate::cells::{Cells, Measure};
use crate::data::{RequestIds, RequestLog};
use crate::units::{self, Clock};

/// A treatment share up to this, held constant, still reads as a canary rather than an A/B test.
const CANARY_SHARE: f64 = 0.25;
/// Arms of which at least this share of one ran in the times of the other ran side by side.
const SIDE_BY_SIDE: f64 = 0.1;

/// The stages that are told of: arms that did not run at the same time have none.
pub(super) fn shown_stages(strategy: &StrategyFinding, stages: &[Stage]) -> Vec<Stage> {
    if strategy.strategy.is_concurrent() {
        stages.to_vec()
    } else {
        Vec::new()
    }
}

/// The strategy in force, with the evidence and what follows from it.
pub(super) fn in_force(
    (inferred, why): &(Strategy, String),
    settings: &AnalysisSettings,
    clock: Clock,
) -> StrategyFinding {
    let strategy = settings.strategy.unwrap_or(*inferred);
    let is_declared = settings.strategy.is_some();
    let why = match settings.strategy {
        Some(declared) if declared != *inferred => {
            format!("Declared; the log looks like: {}. {why}", inferred.label())
        }
        Some(_) => format!("Declared; the log agrees. {why}"),
        None => why.clone(),
    };
    let mut finding = StrategyFinding {
        strategy,
        is_declared,
        why,
        consequence: String::new(),
    };
    let is_known = finding.is_order_known(clock);
    finding
        .consequence
        .push_str(consequence(strategy, is_known));
    finding
}

/// The strategy of a log that is known by its cells: shadow tests are not told from their ids.
pub(super) fn of_cells(
    cells: &Cells,
    compared: [Option<usize>; 2],
    stages: &[Stage],
    settings: &AnalysisSettings,
) -> StrategyFinding {
    let [Some(control), Some(treatment)] = compared else {
        let single = (Strategy::SingleArm, "The log has one arm only".to_owned());
        return in_force(&single, settings, Clock::Epoch);
    };
    if !cells.has_times() {
        return in_force(&without_clock(), settings, Clock::RowOrder);
    }
    let counted = |arm: usize| -> Vec<(i64, u64)> {
        let own = cells.cells.iter().take_while(|cell| cell.place == 0);
        let of_arm = own.filter(|c| c.measure == Measure::Requests && usize::from(c.arm) == arm);
        of_arm.map(|cell| (cell.time_us, cell.n)).collect()
    };
    let overlap = overlap_of_counts(&counted(control), &counted(treatment));
    let found = of_overlap(cells.arms.len(), overlap, stages);
    in_force(&found, settings, Clock::Epoch)
}

/// What the log looks like, and why.
pub(super) fn infer(
    log: &RequestLog,
    control: usize,
    treatment: Option<usize>,
    stages: &[Stage],
) -> (Strategy, String) {
    let Some(treatment) = treatment else {
        return (Strategy::SingleArm, "The log has one arm only".to_owned());
    };
    if log.clock == Clock::RowOrder {
        return without_clock();
    }
    let paired = paired_share(log, control, treatment);
    let overlap = overlap(log, control, treatment);
    // A benchmark that sends the same requests to one arm after another is no shadow test.
    if paired > 0.8 && overlap >= SIDE_BY_SIDE {
        return (
            Strategy::Shadow,
            format!(
                "{} of the request ids occur in both arms",
                units::share(paired)
            ),
        );
    }
    of_overlap(log.arms.len(), overlap, stages)
}

fn without_clock() -> (Strategy, String) {
    let why = "The log has no common clock, so nothing shows whether the arms ran side by side";
    (Strategy::Sequential, why.to_owned())
}

/// Of a log with times whose requests are no pairs.
fn of_overlap(n_arms: usize, overlap: f64, stages: &[Stage]) -> (Strategy, String) {
    if overlap < SIDE_BY_SIDE {
        return if n_arms == 2 {
            (
                Strategy::BlueGreen,
                "One arm ended before the other began".to_owned(),
            )
        } else {
            (
                Strategy::Sequential,
                "The arms ran one after another, not at the same time".to_owned(),
            )
        };
    }
    let shares: Vec<f64> = stages
        .iter()
        .filter(|s| s.n_requests > 0)
        .map(|s| s.share)
        .collect();
    match (shares.first(), shares.last()) {
        (Some(first), Some(last)) if shares.len() > 1 && *last > 1.5 * first => {
            let why = format!(
                "The treatment's share grew from {} to {}",
                units::share(*first),
                units::share(*last)
            );
            (Strategy::Canary, why)
        }
        (Some(first), Some(last)) if shares.len() > 1 => (
            Strategy::AbTest,
            format!(
                "The arms ran at the same time; the treatment's share went from {} to {}",
                units::share(*first),
                units::share(*last)
            ),
        ),
        (Some(share), _) if *share <= CANARY_SHARE => (
            Strategy::Canary,
            format!(
                "Both arms ran at the same time, the treatment at {} of requests",
                units::share(*share)
            ),
        ),
        _ => (
            Strategy::AbTest,
            "The arms ran at the same time with steady shares".to_owned(),
        ),
    }
}

fn consequence(strategy: Strategy, is_order_known: bool) -> &'static str {
    match strategy {
        Strategy::AbTest => "Arms are compared directly, by the unit that was assigned",
        Strategy::Canary => {
            "Shares change by stage, so arms are compared within stages and the stages combined; otherwise what changed with time would look like an effect"
        }
        Strategy::Shadow => {
            "Users saw one answer only: ratings of the shadow arm do not exist, and its load came on top"
        }
        Strategy::BlueGreen => {
            "Before and after, with no concurrent control: whatever else changed at the switch is part of the difference"
        }
        Strategy::Sequential if !is_order_known => {
            "Nothing shows whether the arms ran at the same time: if they did not, a difference can come from the time at which an arm ran"
        }
        Strategy::Sequential => {
            "No concurrent control: a difference can come from the time at which an arm ran"
        }
        Strategy::SingleArm => "There is nothing to compare with; the figures describe this arm",
    }
}

/// The share of the treatment's requests inside the time in which the control ran, or the reverse,
/// whichever is smaller; the outer 1 % of each arm is left out so that a stray row does not count.
fn overlap(log: &RequestLog, control: usize, treatment: usize) -> f64 {
    let rows = |arm| -> Vec<u32> { log.rows_of_arm(arm).map(|row| row as u32).collect() };
    let (a, b) = (rows(control), rows(treatment));
    let inside = |rows: &[u32], span: &[u32]| -> f64 {
        if rows.is_empty() || span.is_empty() {
            return 0.0;
        }
        let at = |place: usize| log.event_us[span[place] as usize];
        let (low, high) = (at(span.len() / 100), at(span.len() - 1 - span.len() / 100));
        let until = |is_before: &dyn Fn(i64) -> bool| {
            rows.partition_point(|row| is_before(log.event_us[*row as usize]))
        };
        let n = until(&|t| t <= high).saturating_sub(until(&|t| t < low));
        n as f64 / rows.len() as f64
    };
    inside(&a, &b).max(inside(&b, &a))
}

/// [`overlap`], of requests counted by time, ascending.
fn overlap_of_counts(a: &[(i64, u64)], b: &[(i64, u64)]) -> f64 {
    let total = |counts: &[(i64, u64)]| counts.iter().map(|(_, n)| n).sum::<u64>();
    let inside = |counts: &[(i64, u64)], span: &[(i64, u64)]| -> f64 {
        let outer = total(span) / 100;
        let reaching = |mut counts: Box<dyn Iterator<Item = &(i64, u64)> + '_>| {
            let mut left = outer;
            let is_in = |(_, n): &&(i64, u64)| {
                let is_in = *n > left;
                left = left.saturating_sub(*n);
                is_in
            };
            counts.find(is_in).map(|(time_us, _)| *time_us)
        };
        let ends = reaching(Box::new(span.iter())).zip(reaching(Box::new(span.iter().rev())));
        let Some((low, high)) = ends else {
            return 0.0;
        };
        let within = counts
            .iter()
            .filter(|(time_us, _)| (low..=high).contains(time_us));
        let n: u64 = within.map(|(_, n)| n).sum();
        n as f64 / total(counts).max(1) as f64
    };
    inside(a, b).max(inside(b, a))
}

/// The share of the treatment's request ids that the control answered too.
fn paired_share(log: &RequestLog, control: usize, treatment: usize) -> f64 {
    let Some(ids) = &log.request_id else {
        return 0.0;
    };
    if ids.are_all_unique() {
        return 0.0;
    }
    let mut n_treatment = 0;
    let of_arm = |arm: usize, n_once: &mut usize| -> Vec<u32> {
        let mut found = Vec::new();
        for row in log.rows_of_arm(arm) {
            match ids.of_row(row) {
                RequestIds::NONE => {}
                RequestIds::ONCE => *n_once += 1,
                id => found.push(id),
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    };
    let of_control = of_arm(control, &mut 0);
    let of_treatment = of_arm(treatment, &mut n_treatment);
    n_treatment += of_treatment.len();
    let n_both = of_treatment
        .iter()
        .filter(|id| of_control.binary_search(id).is_ok())
        .count();
    n_both as f64 / n_treatment.max(1) as f64
}
